//! Says what Hadoop's configuration files want of new files.
//!
//! The client library reads the same files in the same order, but shows nothing of them and leaves out what is here.

use std::io;
use std::path::{Path, PathBuf};

use hdfs_native::WriteOptions;
use regex::Regex;

use crate::plugin::ConnectError;

/// A later file wins.
pub const FILES: [&str; 2] = ["core-site.xml", "hdfs-site.xml"];
/// No configuration file is larger; more is not read.
const FILE_LIMIT: u64 = 4 << 20;
const REPLICATION: &str = "dfs.replication";
/// The newer spelling first. Hadoop: DeprecatedProperties.
const BLOCK_SIZE: [&str; 2] = ["dfs.blocksize", "dfs.block.size"];
/// What one checksum covers. Hadoop: DFSOutputStream refuses blocks that are not a multiple of it.
const CHECKSUM_CHUNK: u64 = 512;

/// One entry of a configuration file.
#[derive(Debug)]
pub struct Property {
    pub file: PathBuf,
    pub name: String,
    pub value: String,
}

/// Where the files are: the given directory, else what the client library's variables say.
pub fn directory(conf_dir: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let home = || variable("HADOOP_HOME").map(|home| Path::new(&home).join("etc/hadoop"));
    conf_dir.map(PathBuf::from).or_else(|| variable("HADOOP_CONF_DIR").map(PathBuf::from)).or_else(home)
}

/// The entries of the files that are there.
///
/// # Errors
/// If a file is there and cannot be read.
pub fn properties(directory: &Path) -> io::Result<Vec<Property>> {
    let mut found = Vec::new();
    for file in FILES.map(|name| directory.join(name)) {
        let text = match std::fs::metadata(&file) {
            Ok(data) if data.len() <= FILE_LIMIT => std::fs::read_to_string(&file)?,
            Ok(_) => return Err(io::Error::other(format!("'{}' is larger than {FILE_LIMIT} bytes", file.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        found.extend(entries(&text).into_iter().map(|(name, value)| Property { file: file.clone(), name, value }));
    }
    Ok(found)
}

/// How new files are to be written; what the files do not say is the NameNode's to decide.
///
/// # Errors
/// `Config` if a file cannot be read or a value is wrong.
pub fn write_options(directory: Option<&Path>) -> Result<WriteOptions, ConnectError> {
    let mut options = WriteOptions::default();
    let Some(directory) = directory else { return Ok(options) };
    let properties = properties(directory).map_err(|error| {
        ConnectError::config(format!("cannot read Hadoop's configuration files in '{}'", directory.display())).caused_by(error)
    })?;
    for property in &properties {
        let wrong = |wanted: &str| {
            let Property { file, name, value } = property;
            ConnectError::config(format!("cannot use {name} in '{}': '{value}' is not {wanted}", file.display()))
        };
        if property.name == REPLICATION {
            // A short in Hadoop's protocol.
            let replication = property.value.parse::<i16>().ok().filter(|number| *number > 0);
            let replication = replication.ok_or_else(|| wrong("a number of copies, such as 3"))?;
            options.replication = Some(replication.unsigned_abs().into());
        } else if BLOCK_SIZE.contains(&property.name.as_str()) {
            let size = bytes(&property.value).filter(|size| *size > 0 && size % CHECKSUM_CHUNK == 0);
            options.block_size = Some(size.ok_or_else(|| wrong("a multiple of 512 bytes, such as 134217728 or 128m"))?);
        }
    }
    Ok(options)
}

/// A number of bytes. Hadoop: StringUtils.TraditionalBinaryPrefix.
fn bytes(text: &str) -> Option<u64> {
    let (number, exponent) = match text.char_indices().last()? {
        (_, '0'..='9') => (text, 0),
        (at, prefix) => (&text[..at], "kmgtpe".find(prefix.to_ascii_lowercase())? + 1),
    };
    let factor = 1_u64.checked_shl(u32::try_from(10 * exponent).ok()?)?;
    i64::try_from(number.parse::<u64>().ok()?.checked_mul(factor)?).ok().map(i64::unsigned_abs)
}

/// Names and values of the properties in the text of a file.
fn entries(text: &str) -> Vec<(String, String)> {
    let (Ok(comment), Ok(property)) = (Regex::new("(?s)<!--.*?-->"), Regex::new("(?s)<property>(.*?)</property>")) else {
        return Vec::new();
    };
    let (Ok(name), Ok(value)) = (Regex::new(r"<name>\s*([^<]*?)\s*</name>"), Regex::new(r"<value>\s*([^<]*?)\s*</value>")) else {
        return Vec::new();
    };
    let text = comment.replace_all(text, "");
    let entry = |body: &str| Some((name.captures(body)?[1].to_owned(), value.captures(body)?[1].to_owned()));
    property.captures_iter(&text).filter_map(|found| entry(&found[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(core: &str, hdfs: &str) -> Result<(Option<u32>, Option<u64>), String> {
        let directory = std::env::temp_dir().join(format!("tributary-hadoop-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&directory).unwrap();
        for (file, text) in [("core-site.xml", core), ("hdfs-site.xml", hdfs)] {
            std::fs::write(directory.join(file), format!("<configuration>{text}</configuration>")).unwrap();
        }
        let options = write_options(Some(&directory));
        std::fs::remove_dir_all(&directory).unwrap();
        let shown = |error: ConnectError| error.to_string().replace(&format!("{}/", directory.display()), "");
        options.map(|options| (options.replication, options.block_size)).map_err(shown)
    }

    fn property(name: &str, value: &str) -> String {
        format!("<property>\n  <name> {name} </name>\n  <value>{value}\n</value>\n</property>")
    }

    #[test]
    fn replication_and_block_size_come_from_the_files_and_the_last_word_counts() {
        assert_eq!(options("", ""), Ok((None, None)));
        let replication = property("dfs.replication", "2");
        let size = property("dfs.blocksize", "128m");
        assert_eq!(options(&replication, &size), Ok((Some(2), Some(128 << 20))));
        let other = property("dfs.replication", "3");
        assert_eq!(
            options(&replication, &format!("{other}{}", property("dfs.block.size", "1048576"))),
            Ok((Some(3), Some(1 << 20)))
        );
        assert_eq!(options("", &format!("<!-- {size} -->")), Ok((None, None)));
        assert_eq!(write_options(None).unwrap().replication, None);
        assert_eq!(write_options(Some(Path::new("/no/such/folder"))).unwrap().block_size, None);
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_file_and_key() {
        for (key, value, wanted) in [
            ("dfs.replication", "two", "a number of copies, such as 3"),
            ("dfs.replication", "0", "a number of copies, such as 3"),
            ("dfs.blocksize", "128mb", "a multiple of 512 bytes, such as 134217728 or 128m"),
            ("dfs.blocksize", "1000", "a multiple of 512 bytes, such as 134217728 or 128m"),
            ("dfs.blocksize", "", "a multiple of 512 bytes, such as 134217728 or 128m"),
            ("dfs.blocksize", "9e", "a multiple of 512 bytes, such as 134217728 or 128m"),
        ] {
            let error = options("", &property(key, value)).unwrap_err();
            assert_eq!(error, format!("cannot use {key} in 'hdfs-site.xml': '{value}' is not {wanted}"));
        }
    }

    #[test]
    fn sizes_are_read_as_hadoop_reads_them() {
        for (text, size) in [
            ("512", Some(512)),
            ("1k", Some(1 << 10)),
            ("64M", Some(64 << 20)),
            ("2g", Some(2 << 30)),
            ("1T", Some(1 << 40)),
            ("3p", Some(3 << 50)),
            ("1e", Some(1 << 60)),
            ("8e", None),
            ("m", None),
            ("-1", None),
            ("1.5g", None),
            ("1é", None),
        ] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }

    #[test]
    fn the_files_are_found_where_the_client_library_finds_them() {
        let both = |name: &str| match name {
            "HADOOP_CONF_DIR" => Some("/conf".to_owned()),
            _ => Some("/home".to_owned()),
        };
        let home = |name: &str| (name == "HADOOP_HOME").then(|| "/home".to_owned());
        assert_eq!(directory(Some("/given"), both), Some("/given".into()));
        assert_eq!(directory(None, both), Some("/conf".into()));
        assert_eq!(directory(None, home), Some("/home/etc/hadoop".into()));
        assert_eq!(directory(None, |_| None), None);
    }
}
