//! Names temporary and committed files, and reads offsets back from committed names.
//!
//! Source: contracts/hdfs-sink.md, section 3.

use uuid::{Builder, Uuid, Variant};

use crate::data::TopicPartition;

/// What the name of a temporary file says about its log.
pub type Mark = [u8; 7];

/// The bytes of a UUID that hold a mark. Byte 6 has the version and byte 8 the variant; 66 random bits are left.
const MARK_AT: [usize; 7] = [0, 1, 2, 3, 4, 5, 7];
const HYPHENATED_LENGTH: usize = 36;

/// The offsets of a committed file's first and last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    pub start: i64,
    pub end: i64,
}

/// Where the files of one topic go. All results are full URLs as the write-ahead log holds them; `hdfs_path`
/// turns them into paths.
#[derive(Clone, Debug)]
pub struct TopicPaths {
    url: String,
    topics_dir: String,
    logs_dir: String,
    directory_delimiter: String,
    topic: String,
}

impl TopicPaths {
    /// `topics_dir` and `logs_dir` are those of this topic, substitutions already made.
    pub fn new(url: &str, topics_dir: String, logs_dir: String, directory_delimiter: &str, topic: &str) -> Self {
        Self {
            url: url.to_owned(),
            topics_dir,
            logs_dir,
            directory_delimiter: directory_delimiter.to_owned(),
            topic: topic.to_owned(),
        }
    }

    /// The directory that holds all committed files of the topic.
    pub fn topic_directory(&self) -> String {
        format!("{}/{}/{}", self.url, self.topics_dir, self.topic)
    }

    /// The topic's directory as a Hive table's location.
    pub fn table_location(&self) -> String {
        let delimiter = &self.directory_delimiter;
        let location = format!("{}{delimiter}{}{delimiter}{}", self.url, self.topics_dir, self.topic);
        let Some((scheme, rest)) = location.split_once("://") else { return collapse_slashes(&location) };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        format!("{scheme}://{authority}{}", collapse_slashes(path))
    }

    pub fn final_directory(&self, encoded_partition: &str) -> String {
        format!("{}/{}/{}{}{encoded_partition}", self.url, self.topics_dir, self.topic, self.directory_delimiter)
    }

    pub fn final_file(
        &self,
        encoded_partition: &str,
        kafka_partition: i32,
        range: OffsetRange,
        pad_width: usize,
        extension: &str,
    ) -> String {
        let OffsetRange { start, end } = range;
        format!(
            "{}/{}+{kafka_partition}+{start:0pad_width$}+{end:0pad_width$}{extension}",
            self.final_directory(encoded_partition),
            self.topic
        )
    }

    /// A new name on every call. The double slash is what Java writes, and what a log entry therefore holds.
    ///
    /// Where Java has a random UUID, this one (version 8 of RFC 9562) also tells which log decides about the file.
    pub fn temp_file(&self, encoded_partition: &str, kafka_partition: i32, extension: &str) -> String {
        let mut id = Uuid::new_v4().into_bytes();
        for (at, byte) in MARK_AT.into_iter().zip(self.mark(kafka_partition)) {
            id[at] = byte;
        }
        format!(
            "{}/{}//+tmp/{}{}{encoded_partition}/{}_tmp{extension}",
            self.url,
            self.topics_dir,
            self.topic,
            self.directory_delimiter,
            Builder::from_custom_bytes(id).into_uuid().as_hyphenated()
        )
    }

    /// The directory that holds all temporary files of the topic.
    pub fn temp_directory(&self) -> String {
        format!("{}/{}/+tmp/{}", self.url, self.topics_dir, self.topic)
    }

    /// Whether a path is that of a temporary file about which this partition's log decides. Never true of Java's files.
    pub fn is_temp_of(&self, path: &str, kafka_partition: i32) -> bool {
        temp_mark(path).is_some_and(|mark| mark == self.mark(kafka_partition))
    }

    /// A hash of the log's path (FNV-1a), which must stay the same for ever.
    fn mark(&self, kafka_partition: i32) -> Mark {
        let path = hdfs_path(&self.log(kafka_partition));
        let hash =
            path.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let [mark @ .., _] = hash.to_be_bytes();
        mark
    }

    pub fn log(&self, kafka_partition: i32) -> String {
        format!("{}/{}/{}/{kafka_partition}/log", self.url, self.logs_dir, self.topic)
    }

    /// The previous generation of the log.
    pub fn old_log(&self, kafka_partition: i32) -> String {
        self.log(kafka_partition) + ".1"
    }

    /// The encoded partition of a committed file, given its HDFS path.
    pub fn encoded_partition_of(&self, path: &str) -> Option<String> {
        let root = hdfs_path(&self.topic_directory());
        let below = path.strip_prefix(&root)?.strip_prefix('/')?;
        below.rsplit_once('/').map(|(directory, _)| directory.to_owned())
    }
}

/// The mark in the name of a temporary file, if it is one of ours.
pub fn temp_mark(path: &str) -> Option<Mark> {
    let (id, extension) = path.rsplit('/').next()?.split_once("_tmp")?;
    if id.len() != HYPHENATED_LENGTH || !extension.starts_with('.') {
        return None;
    }
    let id = Uuid::try_parse(id).ok().filter(|id| id.get_version_num() == 8 && id.get_variant() == Variant::RFC4122)?;
    Some(MARK_AT.map(|at| id.as_bytes()[at]))
}

/// Strips scheme and authority and collapses repeated slashes, as HDFS does.
pub fn hdfs_path(url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => url,
    };
    let path = collapse_slashes(path);
    if path.starts_with('/') { path } else { format!("/{path}") }
}

fn collapse_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    if out.len() > 1 && out.ends_with('/') {
        out.pop();
    }
    out
}

/// The directory part of a path.
pub fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((directory, _)) => directory,
    }
}

/// Reads the offsets from the last component of a path or URL if it names a committed file of this partition.
/// The extension does not matter: files of an earlier format count.
pub fn committed_range(path: &str, partition: &TopicPartition) -> Option<OffsetRange> {
    let name = path.rsplit('/').next()?;
    let (topic, rest) = name.split_once('+')?;
    if topic != &*partition.topic || !topic.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        return None;
    }
    let (number, rest) = digits(rest)?;
    let (start, rest) = digits(rest.strip_prefix('+')?)?;
    let (end, rest) = digits(rest.strip_prefix('+')?)?;
    let mut suffix = rest.chars();
    let suffix_fits = match suffix.next() {
        None => true,
        Some(_) => !suffix.as_str().is_empty() && suffix.all(|c| c.is_ascii_alphanumeric() || c == '_'),
    };
    (suffix_fits && number == i64::from(partition.partition)).then_some(OffsetRange { start, end })
}

fn digits(text: &str) -> Option<(i64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(url: &str, topics_dir: &str) -> TopicPaths {
        TopicPaths::new(url, topics_dir.to_owned(), "logs".to_owned(), "/", "test_hdfs")
    }

    #[test]
    fn names_are_those_of_the_contract() {
        let paths = paths("hdfs://nn:8020", "topics");
        let range = OffsetRange { start: 0, end: 2 };
        assert_eq!(
            paths.final_file("partition=0", 0, range, 10, ".avro"),
            "hdfs://nn:8020/topics/test_hdfs/partition=0/test_hdfs+0+0000000000+0000000002.avro"
        );
        assert_eq!(paths.log(0), "hdfs://nn:8020/logs/test_hdfs/0/log");
        let temp = paths.temp_file("partition=0", 0, ".avro");
        let rest = temp.strip_prefix("hdfs://nn:8020/topics//+tmp/test_hdfs/partition=0/").unwrap();
        assert_eq!(rest.len(), 36 + "_tmp.avro".len());
        assert_eq!(paths.table_location(), "hdfs://nn:8020/topics/test_hdfs");
    }

    #[test]
    fn temporary_files_are_known_again_by_their_log_alone() {
        let ours = paths("hdfs://nn:8020", "topics");
        for number in [0, 1, 7, 12, i32::MAX] {
            let temp = ours.temp_file("y=1/m=2", number, ".avro");
            assert_ne!(temp, ours.temp_file("y=1/m=2", number, ".avro"));
            assert!(hdfs_path(&temp).starts_with(&format!("{}/", hdfs_path(&ours.temp_directory()))), "{temp}");
            assert!(ours.is_temp_of(&temp, number) && ours.is_temp_of(&hdfs_path(&temp), number), "{temp}");
            assert!(paths("hdfs://other-name-of-nn", "/topics").is_temp_of(&temp, number), "{temp}");
            assert!(!ours.is_temp_of(&temp, number ^ 1), "{temp}");
            let with = |logs: &str, topic: &str| TopicPaths::new("hdfs://nn:8020", "topics".into(), logs.into(), "/", topic);
            assert!(!with("logs", "test").is_temp_of(&temp, number) && !with("log", "test_hdfs").is_temp_of(&temp, number));
        }
        let mark = |id: &str| temp_mark(&format!("/topics/+tmp/test_hdfs/p=0/{id}"));
        let id = "01234567-89ab-8def-8123-456789abcdef";
        assert_eq!(mark(&format!("{id}_tmp.avro")), Some([0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xef]));
        for other in [
            "01234567-89ab-4def-8123-456789abcdef_tmp.avro".to_owned(),
            "01234567-89ab-8def-f123-456789abcdef_tmp.avro".to_owned(),
            format!("{{{id}}}_tmp.avro"),
            format!("{id}.avro"),
            format!("{id}_tmp"),
            "0_tmp.avro".to_owned(),
        ] {
            assert_eq!(mark(&other), None, "{other}");
        }
        assert_eq!(
            ours.mark(0),
            [75, 118, 149, 127, 17, 192, 241],
            "must stay the same, so that files of older versions are known"
        );
    }

    #[test]
    fn long_offsets_are_not_cut_and_width_may_be_zero() {
        let paths = paths("hdfs://nn", "t");
        let name = |start, end, width| {
            let file = paths.final_file("p", 7, OffsetRange { start, end }, width, ".avro");
            file.rsplit('/').next().unwrap().to_owned()
        };
        assert_eq!(name(0, 2, 2), "test_hdfs+7+00+02.avro");
        assert_eq!(name(12345, 999_999, 2), "test_hdfs+7+12345+999999.avro");
        assert_eq!(name(0, 2, 0), "test_hdfs+7+0+2.avro");
    }

    #[test]
    fn slashes_in_settings_do_not_matter() {
        let paths = paths("hdfs://nn:8020/", "/data/");
        assert_eq!(hdfs_path(&paths.topic_directory()), "/data/test_hdfs");
        assert_eq!(paths.table_location(), "hdfs://nn:8020/data/test_hdfs");
        assert_eq!(hdfs_path("hdfs://nn"), "/");
        assert_eq!(hdfs_path("viewfs://x//a//b/"), "/a/b");
    }

    #[test]
    fn offsets_are_read_back_only_from_names_of_the_partition() {
        let partition = TopicPartition::new("a.b-c_1", 12);
        let range = |name: &str| committed_range(name, &partition).map(|range| (range.start, range.end));
        assert_eq!(range("hdfs://nn/topics/a.b-c_1/p=1/a.b-c_1+12+0000000000+0000000002.avro"), Some((0, 2)));
        assert_eq!(range("a.b-c_1+12+3+5"), Some((3, 5)));
        assert_eq!(range("a.b-c_1+12+3+5.parquet"), Some((3, 5)));
        for other in [
            "a.b-c_1+12+3+5.snappy.parquet",
            "a.b-c_1+12+3+5.",
            "a.b-c_1+12+3.avro",
            "a.b-c_1+13+3+5.avro",
            "a+12+3+5.avro",
            "a.b-c_1+12++5.avro",
            "a.b-c_1+12+3+99999999999999999999.avro",
            "junk",
            "",
        ] {
            assert_eq!(range(other), None, "{other}");
        }
    }

    #[test]
    fn encoded_partitions_are_read_back_from_paths() {
        let paths = paths("hdfs://nn", "/data");
        let encoded = |path: &str| paths.encoded_partition_of(path);
        assert_eq!(encoded("/data/test_hdfs/y=1/m=2/f").as_deref(), Some("y=1/m=2"));
        assert_eq!(encoded("/data/test_hdfs/f"), None);
        assert_eq!(encoded("/data/other/y=1/f"), None);
    }
}
