//! Tells which settings a user gave that do something in Java and nothing here.
//!
//! Keys that Java ignores as well are left out: nobody misses them. Source: contracts/hdfs-sink.md, section 2.

use std::path::Path;

use super::super::storage::hadoop_files;
use crate::config::ConfigMap;

/// Settings of Hadoop's files that Java's client follows when it writes, and what counts here instead.
const HADOOP: &[(&str, &str)] = &[("fs.permissions.umask-mode", "files get the permission 644 and directories 755")];

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
    if !hadoop_files::FILES.iter().any(|name| directory.join(name).exists()) {
        return vec![format!(
            "hadoop.conf.dir has no effect: there is neither core-site.xml nor hdfs-site.xml in '{}'",
            directory.display()
        )];
    }
    // A file that cannot be read is an error where it is read in earnest.
    let properties = hadoop_files::properties(directory).unwrap_or_default();
    let mut found = Vec::new();
    for (key, instead) in HADOOP {
        let files = properties.iter().filter(|property| property.name == *key).map(|property| &property.file);
        found.extend(files.map(|file| format!("{key} in '{}' has no effect: {instead}", file.display())));
    }
    found
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
    fn only_what_is_missed_in_hadoops_files_is_told() {
        let property = |name: &str| format!("<property><name>{name}</name><value>2</value></property>");
        let text = ["dfs.replication", "fs.permissions.umask-mode"].map(property).concat();
        let directory = std::env::temp_dir().join(format!("tributary-without-effect-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("hdfs-site.xml"), text).unwrap();
        let told = of(&[("hadoop.conf.dir", directory.to_str().unwrap())]);
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("fs.permissions.umask-mode in '") && told[0].ends_with("directories 755"), "{told:?}");
    }
}
