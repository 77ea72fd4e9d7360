//! Tells which settings a user gave that do something in Java and nothing here.
//!
//! Keys that Java ignores as well are left out: nobody misses them. Source: contracts/hdfs-sink.md, section 2.

use std::path::Path;

use regex::Regex;

use crate::config::ConfigMap;

/// Settings of Hadoop's files that Java's client follows when it writes, and what counts here instead.
const HADOOP: &[(&str, &str)] = &[
    ("dfs.replication", "the NameNode's default counts"),
    ("dfs.blocksize", "the NameNode's default counts"),
    ("dfs.block.size", "the NameNode's default counts"),
    ("fs.permissions.umask-mode", "files get the permission 644 and directories 755"),
];
/// No configuration file is larger; more is not read.
const FILE_LIMIT: u64 = 4 << 20;

/// One sentence for each such setting, with its key.
pub fn without_effect(config: &ConfigMap) -> Vec<String> {
    let given = |key: &str| config.get(key).map(str::trim).filter(|text| !text.is_empty());
    let is_true = |key: &str| given(key).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let mut found = Vec::new();
    if given("parquet.codec").is_some() {
        found.push("parquet.codec has no effect, because the files are not Parquet".to_owned());
    }
    if is_true("hive.integration") {
        if let Some(directory) = given("hive.conf.dir") {
            found.push(format!("hive.conf.dir has no effect, so '{directory}/hive-site.xml' is not read"));
        }
        if is_true("hdfs.authentication.kerberos") {
            found.push(
                "hdfs.authentication.kerberos has no effect on hive.metastore.uris: metastores are spoken to without Kerberos"
                    .to_owned(),
            );
        }
    }
    if let Some(directory) = given("hadoop.conf.dir") {
        found.extend(in_hadoop_files(Path::new(directory)));
    }
    found
}

fn in_hadoop_files(directory: &Path) -> Vec<String> {
    let files = ["core-site.xml", "hdfs-site.xml"].map(|name| directory.join(name));
    if !files.iter().any(|file| file.exists()) {
        return vec![format!(
            "hadoop.conf.dir has no effect: there is neither core-site.xml nor hdfs-site.xml in '{}'",
            directory.display()
        )];
    }
    let mut found = Vec::new();
    for file in files {
        // A file that cannot be read is an error of the client that reads it in earnest.
        let small = std::fs::metadata(&file).is_ok_and(|data| data.len() <= FILE_LIMIT);
        let text = if small { std::fs::read_to_string(&file).unwrap_or_default() } else { String::new() };
        let names = names(&text);
        let known = HADOOP.iter().filter(|(key, _)| names.iter().any(|name| name == key));
        found.extend(known.map(|(key, instead)| format!("{key} in '{}' has no effect: {instead}", file.display())));
    }
    found
}

/// The names of the properties in a Hadoop configuration file.
fn names(text: &str) -> Vec<String> {
    let (Ok(comment), Ok(name)) = (Regex::new("(?s)<!--.*?-->"), Regex::new(r"<name>\s*([^<]*?)\s*</name>")) else {
        return Vec::new();
    };
    let text = comment.replace_all(text, "");
    name.captures_iter(&text).map(|found| found[1].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[(&str, &str)]) -> Vec<String> {
        without_effect(&settings.iter().copied().collect())
    }

    #[test]
    fn only_what_is_given_and_missed_is_told() {
        assert!(
            of(&[("hive.conf.dir", "/etc/hive"), ("hadoop.home", "/opt"), ("file.delim", "-"), ("parquet.codec", "")]).is_empty()
        );
        let told = of(&[
            ("parquet.codec", "gzip"),
            ("hive.integration", "true"),
            ("hive.conf.dir", "/etc/hive"),
            ("hdfs.authentication.kerberos", "true"),
            ("hadoop.conf.dir", "/no/such/folder"),
        ]);
        let keys: Vec<_> = told.iter().map(|sentence| sentence.split(' ').next().unwrap()).collect();
        assert_eq!(keys, ["parquet.codec", "hive.conf.dir", "hdfs.authentication.kerberos", "hadoop.conf.dir"]);
    }

    #[test]
    fn properties_in_comments_do_not_count() {
        let text = "<configuration><!-- <property><name>dfs.blocksize</name></property> --><property>\n\
                    <name> dfs.replication </name><value>2</value></property></configuration>";
        assert_eq!(names(text), ["dfs.replication"]);
        let directory = std::env::temp_dir().join(format!("tributary-hadoop-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("hdfs-site.xml"), text).unwrap();
        let told = of(&[("hadoop.conf.dir", directory.to_str().unwrap())]);
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("dfs.replication in '") && told[0].ends_with("the NameNode's default counts"), "{told:?}");
    }
}
