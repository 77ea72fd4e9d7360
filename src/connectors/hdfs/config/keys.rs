//! The table of the sink's settings, in the order and words in which Java's connectors list them.
//!
//! Source: contracts/hdfs-sink.md, section 2.1. The HDFS 3 connector differs only in its defaults (section 12).

use super::super::partitioner::time_zone;
use super::FormatClass;
use crate::config::ConfigType::{Boolean, Class, Int, List, Long, String as Text};
use crate::config::Importance::{High, Low, Medium};
use crate::config::{ConfigDef, ConfigKey, Default, TypedValue, Validator, Width};

/// What differs between the two connector classes.
pub struct Face {
    format: &'static str,
    storage: &'static str,
    formats: &'static [&'static str],
}

pub const HDFS2: Face = Face {
    format: "io.confluent.connect.hdfs.avro.AvroFormat",
    storage: "io.confluent.connect.hdfs.storage.HdfsStorage",
    formats: &[
        "io.confluent.connect.hdfs.avro.AvroFormat",
        "io.confluent.connect.hdfs.json.JsonFormat",
        "io.confluent.connect.hdfs.orc.OrcFormat",
        "io.confluent.connect.hdfs.parquet.ParquetFormat",
        "io.confluent.connect.hdfs.string.StringFormat",
    ],
};

pub const HDFS3: Face = Face {
    format: "io.confluent.connect.hdfs3.avro.AvroFormat",
    storage: "io.confluent.connect.hdfs3.storage.HdfsStorage",
    formats: &[
        "io.confluent.connect.hdfs3.avro.AvroFormat",
        "io.confluent.connect.hdfs3.json.JsonFormat",
        "io.confluent.connect.hdfs3.orc.OrcFormat",
        "io.confluent.connect.hdfs3.parquet.ParquetFormat",
        "io.confluent.connect.hdfs3.string.StringFormat",
    ],
};

/// Every class that `format.class` may name; users copy settings between the two connectors.
pub const FORMATS: &[(&str, FormatClass)] = &[
    ("io.confluent.connect.hdfs.avro.AvroFormat", FormatClass::Avro),
    ("io.confluent.connect.hdfs.parquet.ParquetFormat", FormatClass::Parquet),
    ("io.confluent.connect.hdfs.json.JsonFormat", FormatClass::Json),
    ("io.confluent.connect.hdfs.string.StringFormat", FormatClass::String),
    ("io.confluent.connect.hdfs.orc.OrcFormat", FormatClass::Orc),
    ("io.confluent.connect.hdfs3.avro.AvroFormat", FormatClass::Avro),
    ("io.confluent.connect.hdfs3.parquet.ParquetFormat", FormatClass::Parquet),
    ("io.confluent.connect.hdfs3.json.JsonFormat", FormatClass::Json),
    ("io.confluent.connect.hdfs3.string.StringFormat", FormatClass::String),
    ("io.confluent.connect.hdfs3.orc.OrcFormat", FormatClass::Orc),
];

pub const STORAGES: &[&str] = &[HDFS2.storage, HDFS3.storage];

pub const PARTITIONERS: &[&str] = &[
    "io.confluent.connect.storage.partitioner.DefaultPartitioner",
    "io.confluent.connect.storage.partitioner.HourlyPartitioner",
    "io.confluent.connect.storage.partitioner.DailyPartitioner",
    "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
    "io.confluent.connect.storage.partitioner.FieldPartitioner",
];

pub const OLD_PARTITIONER_PACKAGE: &str = "io.confluent.connect.hdfs.partitioner.";
const PARTITIONER_PACKAGE: &str = "io.confluent.connect.storage.partitioner.";

/// `Default`, `Field`, `TimeBased`, `Daily` or `Hourly` for a class of either package.
pub fn partitioner_name(class: &str) -> Option<&str> {
    let class = class.strip_prefix(PARTITIONER_PACKAGE).or_else(|| class.strip_prefix(OLD_PARTITIONER_PACKAGE))?;
    let name = class.strip_suffix("Partitioner")?;
    ["Default", "Field", "TimeBased", "Daily", "Hourly"].contains(&name).then_some(name)
}

pub const KERBEROS_DEPENDENTS: &[&str] =
    &["connect.hdfs.principal", "connect.hdfs.keytab", "hdfs.namenode.principal", "kerberos.ticket.renew.period.ms"];
pub const PARTITIONER_DEPENDENTS: &[&str] =
    &["partition.field.name", "partition.duration.ms", "path.format", "locale", "timezone"];
pub const HIVE_DEPENDENTS: &[&str] = &["hive.metastore.uris", "hive.conf.dir", "hive.home", "hive.database"];

const HDFS: &str = "HDFS";
const SECURITY: &str = "Security";
const CONNECTOR: &str = "Connector";
const SCHEMA: &str = "Schema";
const STORAGE: &str = "Storage";
const PARTITIONER: &str = "Partitioner";
const HIVE: &str = "Hive";

static HDFS2_KEYS: [ConfigKey; 42] = keys(&HDFS2);
static HDFS3_KEYS: [ConfigKey; 42] = keys(&HDFS3);
static HDFS2_DEFINITION: ConfigDef = ConfigDef { keys: &HDFS2_KEYS };
static HDFS3_DEFINITION: ConfigDef = ConfigDef { keys: &HDFS3_KEYS };

pub fn hdfs2_definition() -> &'static ConfigDef {
    &HDFS2_DEFINITION
}

pub fn hdfs3_definition() -> &'static ConfigDef {
    &HDFS3_DEFINITION
}

/// Settings that are not in Java's definition and stand in users' files. Source: contracts/hdfs-sink.md, section 2.2.
const ALSO_KNOWN: [&str; 7] = [
    "append.late.data",
    "behavior.on.null.values",
    "max.retries",
    "parquet.codec",
    "schema.cache.size",
    "schema.generator.class",
    "task.id",
];

/// Whether a setting is known though it is not defined. Those of `confluent.` are about licences.
pub fn also_knows(key: &str) -> bool {
    ALSO_KNOWN.contains(&key) || key.starts_with("confluent.")
}

const fn default(text: &'static str) -> Default {
    Default::Text(text)
}

const fn keys(face: &Face) -> [ConfigKey; 42] {
    [
        ConfigKey::new("hdfs.url", Text, Default::Null, High,
            "Where HDFS is, such as hdfs://namenode:8020. Older spelling of store.url, used only if that is not set.")
            .ui(HDFS, 1, Width::Medium, "HDFS URL"),
        ConfigKey::new("hadoop.conf.dir", Text, default(""), High,
            "Directory on the worker with core-site.xml and hdfs-site.xml. Without it, HADOOP_CONF_DIR counts, or HADOOP_HOME. Addresses, \
             failover, security, dfs.replication and dfs.blocksize are read from it; the umask is not.")
            .ui(HDFS, 2, Width::Medium, "Hadoop Configuration Directory"),
        ConfigKey::new("hadoop.home", Text, default(""), High, "Accepted for compatibility; nothing is read from it.")
            .ui(HDFS, 3, Width::Short, "Hadoop home directory"),
        ConfigKey::new("logs.dir", Text, default("logs"), High,
            "Directory of the write-ahead logs. ${topic} and, with topic.capture.groups.regex, ${1}, ${2}... are put in.")
            .ui(HDFS, 4, Width::Short, "Logs directory"),
        ConfigKey::new("hive.table.name", Text, default("${topic}"), Low,
            "Name of the Hive table of a topic. Must contain ${topic}; dots and dashes become underscores.")
            .ui(HDFS, 5, Width::Short, "Hive table name"),
        ConfigKey::new("hdfs.authentication.kerberos", Boolean, default("false"), High, "Whether HDFS asks for Kerberos.")
            .ui(SECURITY, 1, Width::Short, "HDFS Authentication Kerberos")
            .dependents(KERBEROS_DEPENDENTS),
        ConfigKey::new("connect.hdfs.principal", Text, default(""), High, "Kerberos principal of the worker.")
            .ui(SECURITY, 2, Width::Medium, "Connect Kerberos Principal"),
        ConfigKey::new("connect.hdfs.keytab", Text, default(""), High, "Keytab file of that principal, on the worker.")
            .ui(SECURITY, 3, Width::Medium, "Connect Kerberos Keytab"),
        ConfigKey::new("hdfs.namenode.principal", Text, default(""), High, "Kerberos principal of the NameNode.")
            .ui(SECURITY, 4, Width::Medium, "HDFS NameNode Kerberos Principal"),
        ConfigKey::new("kerberos.ticket.renew.period.ms", Long, default("3600000"), Low,
            "Accepted for compatibility; tickets are renewed when they are about to expire.")
            .ui(SECURITY, 5, Width::Short, "Kerberos Ticket Renew Period (ms)"),
        ConfigKey::new("format.class", Class, default(face.format), High, "Format of the files.")
            .ui(CONNECTOR, 1, Width::None, "Format class")
            .recommended(face.formats),
        ConfigKey::new("flush.size", Int, Default::Required, High,
            "Records of one topic partition after which its files are committed, all its directories together.")
            .validator(Validator::AtLeast(1))
            .ui(CONNECTOR, 2, Width::Long, "Flush Size"),
        ConfigKey::new("rotate.interval.ms", Long, default("-1"), High,
            "Longest time that the files of a topic partition stay open, in milliseconds. With a time-based partitioner it is \
             measured on the timestamps it extracts, else on the wall clock. Off if not positive.")
            .ui(CONNECTOR, 3, Width::Medium, "Rotate Interval (ms)"),
        ConfigKey::new("rotate.schedule.interval.ms", Long, default("-1"), Medium,
            "Period of commits by the wall clock, in milliseconds, counted from midnight in timezone. Off if not positive.")
            .ui(CONNECTOR, 4, Width::Medium, "Rotate Schedule Interval (ms)"),
        ConfigKey::new("schemas.cache.config", Int, default("1000"), Low, "Accepted for compatibility; schemas are kept as long as they are used.")
            .ui(CONNECTOR, 5, Width::Long, "Schema Cache Size"),
        ConfigKey::new("enhanced.avro.schema.support", Boolean, default("true"), Low, "Whether Avro enums and package names survive.")
            .ui(CONNECTOR, 6, Width::Short, "Enhanced Avro Support"),
        ConfigKey::new("connect.meta.data", Boolean, default("true"), Low,
            "Whether Avro schemas carry Connect's names, versions and parameters. Schema compatibility needs them after a restart.")
            .ui(CONNECTOR, 7, Width::Short, "Connect Metadata"),
        ConfigKey::new("retry.backoff.ms", Long, default("5000"), Low, "Pause after a failure before the next try, in milliseconds.")
            .ui(CONNECTOR, 8, Width::Medium, "Retry Backoff (ms)"),
        ConfigKey::new("shutdown.timeout.ms", Long, default("3000"), Medium,
            "How long a stopping task waits for commits and Hive work that have begun, in milliseconds.")
            .ui(CONNECTOR, 9, Width::Medium, "Shutdown Timeout (ms)"),
        ConfigKey::new("filename.offset.zero.pad.width", Int, default("10"), Low, "Least number of digits of the offsets in file names.")
            .validator(Validator::Between(0, 100))
            .ui(CONNECTOR, 10, Width::Long, "Filename Offset Zero Pad Width"),
        ConfigKey::new("avro.codec", Text, default("null"), Low, "Compression of Avro files: null, deflate, snappy or zstandard.")
            .validator(Validator::OneOf(&["null", "deflate", "snappy", "bzip2", "zstandard"]))
            .ui(CONNECTOR, 11, Width::Medium, "Avro Compression Codec")
            .recommended(&["null", "deflate", "snappy", "bzip2", "zstandard"]),
        ConfigKey::new("allow.optional.map.keys", Boolean, default("false"), Low, "Whether maps with optional text keys become Avro maps.")
            .ui(CONNECTOR, 12, Width::Short, "Allow Optional Map Keys"),
        ConfigKey::new("schema.compatibility", Text, default("NONE"), High,
            "How records of another schema than that of the open files are taken: NONE starts new files, BACKWARD, FORWARD and FULL \
             convert records to the newest or oldest schema.")
            .ui(SCHEMA, 1, Width::Short, "Schema Compatibility")
            .recommended(&["NONE", "BACKWARD", "FORWARD", "FULL"]),
        ConfigKey::new("storage.class", Class, default(face.storage), High, "The storage; only HDFS is offered.")
            .ui(STORAGE, 1, Width::None, "Storage Class")
            .recommended(&[HDFS2.storage]),
        ConfigKey::new("topics.dir", Text, default("topics"), High,
            "Directory of the data. ${topic} and, with topic.capture.groups.regex, ${1}, ${2}... are put in.")
            .ui(STORAGE, 2, Width::None, "Topics directory"),
        ConfigKey::new("store.url", Text, Default::Null, High, "Where HDFS is, such as hdfs://namenode:8020 or the name of a nameservice.")
            .ui(STORAGE, 3, Width::None, "Store URL"),
        ConfigKey::new("directory.delim", Text, default("/"), Medium, "Separator of directories within a partition's path.")
            .ui(STORAGE, 4, Width::Long, "Directory Delimiter"),
        ConfigKey::new("file.delim", Text, default("+"), Medium, "Accepted for compatibility; file names always use '+'.")
            .ui(STORAGE, 5, Width::Long, "File Delimiter"),
        ConfigKey::new("topic.capture.groups.regex", Text, Default::Null, Low,
            "Pattern that topics match as a whole; its groups can be used in topics.dir and logs.dir.")
            .ui(STORAGE, 13, Width::Long, "Topic Capture Groups Regex"),
        ConfigKey::new("partitioner.class", Class, default(PARTITIONERS[0]), High, "How records are spread over directories.")
            .ui(PARTITIONER, 1, Width::Long, "Partitioner Class")
            .dependents(PARTITIONER_DEPENDENTS)
            .recommended(PARTITIONERS),
        ConfigKey::new("partition.field.name", List, default(""), Medium, "Fields whose values make the directories; a.b.c names a nested one.")
            .validator(Validator::Custom(field_names))
            .ui(PARTITIONER, 2, Width::None, "Partition Field Name"),
        ConfigKey::new("partition.duration.ms", Long, default("-1"), Medium, "Time that one directory of TimeBasedPartitioner covers, in milliseconds.")
            .ui(PARTITIONER, 3, Width::Long, "Partition Duration (ms)"),
        ConfigKey::new("path.format", Text, default(""), Medium, "Pattern of the directories of TimeBasedPartitioner, such as 'year'=YYYY/'month'=MM.")
            .ui(PARTITIONER, 4, Width::Long, "Path Format"),
        ConfigKey::new("locale", Text, default(""), Medium, "Language of names in path.format, such as en.")
            .ui(PARTITIONER, 5, Width::Long, "Locale"),
        ConfigKey::new("timezone", Text, default(""), Medium, "Time zone of directories and of rotate.schedule.interval.ms, such as America/Sao_Paulo.")
            .validator(Validator::Custom(zone))
            .ui(PARTITIONER, 6, Width::Long, "Timezone"),
        ConfigKey::new("timestamp.extractor", Text, default("Wallclock"), Medium, "What gives a record its time: Wallclock, Record or RecordField.")
            .ui(PARTITIONER, 7, Width::Long, "Timestamp Extractor"),
        ConfigKey::new("timestamp.field", Text, default("timestamp"), Medium, "The field that RecordField reads; a.b.c names a nested one.")
            .ui(PARTITIONER, 8, Width::Long, "Record Field for Timestamp Extractor"),
        ConfigKey::new("hive.integration", Boolean, default("false"), High, "Whether topics become tables of a Hive metastore.")
            .ui(HIVE, 1, Width::Short, "Hive Integration")
            .dependents(HIVE_DEPENDENTS),
        ConfigKey::new("hive.metastore.uris", Text, default(""), High, "Addresses of the metastore, such as thrift://host:9083, comma-separated.")
            .ui(HIVE, 2, Width::Medium, "Hive Metastore URIs"),
        ConfigKey::new("hive.conf.dir", Text, default(""), High, "Accepted for compatibility; hive.metastore.uris says all that is needed.")
            .ui(HIVE, 3, Width::Medium, "Hive configuration directory."),
        ConfigKey::new("hive.home", Text, default(""), High, "Accepted for compatibility; nothing is read from it.")
            .ui(HIVE, 4, Width::Medium, "Hive home directory"),
        ConfigKey::new("hive.database", Text, default("default"), High, "Database of the tables; made if it is absent.")
            .ui(HIVE, 5, Width::Short, "Hive database"),
    ]
}

fn field_names(value: Option<&TypedValue>) -> Result<(), String> {
    match value {
        Some(TypedValue::List(names)) if names.iter().flat_map(|name| name.split('.')).any(|part| part.trim().is_empty()) => {
            Err("field names and the parts of nested ones must not be blank".to_owned())
        }
        _ => Ok(()),
    }
}

fn zone(value: Option<&TypedValue>) -> Result<(), String> {
    match value {
        Some(TypedValue::Text(name)) if !name.is_empty() && time_zone(name).is_none() => {
            Err(format!("The datetime zone id '{name}' is not recognised"))
        }
        _ => Ok(()),
    }
}
