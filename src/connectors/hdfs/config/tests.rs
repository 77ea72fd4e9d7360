//! Tests of the sink's settings.

use super::*;

fn config(settings: &[(&str, &str)]) -> ConfigMap {
    let mut config: ConfigMap = [("hdfs.url", "hdfs://nn:8020"), ("flush.size", "3")].into_iter().collect();
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config
}

fn parse(settings: &[(&str, &str)]) -> HdfsSinkConfig {
    HdfsSinkConfig::parse(hdfs2_definition(), &config(settings)).unwrap()
}

/// All errors as `key: message`.
fn errors(settings: &[(&str, &str)]) -> Vec<String> {
    let report = validate(hdfs2_definition(), &config(settings));
    let texts = report.keys.iter().flat_map(|key| key.errors.iter().map(|error| format!("{}: {error}", key.key.name())));
    texts.collect()
}

#[test]
fn both_faces_have_the_keys_of_java_in_order() {
    for definition in [hdfs2_definition(), hdfs3_definition()] {
        assert_eq!(definition.keys.len(), 42);
        let mut names: Vec<_> = definition.keys.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 42);
        for key in definition.keys {
            let known = |name: &&str| definition.get(name).is_some();
            assert!(key.dependents.iter().all(known), "{} has unknown dependents", key.name);
        }
    }
    let default = |definition: &ConfigDef, key: &str| definition.get(key).unwrap().default;
    assert_eq!(
        default(hdfs3_definition(), "format.class"),
        crate::config::Default::Text("io.confluent.connect.hdfs3.avro.AvroFormat")
    );
    assert_eq!(
        default(hdfs2_definition(), "storage.class"),
        crate::config::Default::Text("io.confluent.connect.hdfs.storage.HdfsStorage")
    );
}

#[test]
fn defaults_are_those_of_java() {
    let config = parse(&[]);
    assert_eq!(config.hadoop.url, "hdfs://nn:8020");
    assert_eq!((config.pad_width, config.flush_size, config.retry_backoff_ms), (10, 3, 5000));
    assert_eq!((config.rotate_interval_ms, config.rotate_schedule_ms), (None, None));
    assert!(matches!(config.partitioner, PartitionerKind::Default));
    assert_eq!(config.compatibility, Compatibility::None);
    assert_eq!((config.avro.codec.as_str(), config.avro.enhanced, config.avro.meta_data), ("null", true, true));
    assert_eq!(config.directories("t").unwrap(), ("topics".to_owned(), "logs".to_owned()));
    assert_eq!(parse(&[("store.url", "hdfs://other")]).hadoop.url, "hdfs://other");
    assert_eq!(parse(&[("store.url", " ")]).hadoop.url, "hdfs://nn:8020");
}

#[test]
fn classes_of_both_connectors_and_both_packages_are_taken() {
    for class in ["io.confluent.connect.hdfs.avro.AvroFormat", "io.confluent.connect.hdfs3.avro.AvroFormat"] {
        assert_eq!(parse(&[("format.class", class)]).format, FormatClass::Avro);
    }
    let old = parse(&[("partitioner.class", "io.confluent.connect.hdfs.partitioner.DefaultPartitioner")]);
    assert!(old.old_partitioner);
    assert!(!parse(&[]).old_partitioner);
}

#[test]
fn missing_and_unknown_things_have_one_clear_error() {
    let one = |settings: &[(&str, &str)]| {
        let errors = errors(settings);
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].clone()
    };
    assert!(one(&[("hdfs.url", "")]).starts_with("store.url: one of store.url and hdfs.url"));
    assert_eq!(
        one(&[("format.class", "io.confluent.connect.hdfs.parquet.ParquetFormat")]),
        "format.class: io.confluent.connect.hdfs.parquet.ParquetFormat is not available yet; use io.confluent.connect.hdfs.avro.AvroFormat"
    );
    assert!(one(&[("format.class", "my.Format")]).contains("class 'my.Format' is not available; accepted are io.confluent"));
    assert!(one(&[("partitioner.class", "my.Partitioner")]).starts_with("partitioner.class: class 'my.Partitioner'"));
    assert!(one(&[("storage.class", "my.Storage")]).starts_with("storage.class: class 'my.Storage'"));
    assert!(one(&[("flush.size", "0")]).contains("Value must be at least 1"));
    assert!(one(&[("avro.codec", "bzip2")]).contains("not available yet"));
    assert!(one(&[("avro.codec", "lz4")]).contains("String must be one of"));
    assert!(one(&[("topics.dir", "${x}")]).starts_with("topics.dir: Invalid value ${x}"));
    assert!(one(&[("logs.dir", "${1}")]).starts_with("logs.dir:"));
    assert!(one(&[("topic.capture.groups.regex", "(")]).starts_with("topic.capture.groups.regex:"));
    assert!(one(&[("rotate.schedule.interval.ms", "1000")]).starts_with("timezone: rotate.schedule.interval.ms needs"));
    assert!(one(&[("timezone", "PST")]).contains("not recognised"));
    assert!(one(&[("behavior.on.null.values", "maybe")]).starts_with("behavior.on.null.values:"));
    assert!(one(&[("max.retries", "-1")]).starts_with("max.retries: '-1' is not"));
    let principal = [("hdfs.authentication.kerberos", "true"), ("connect.hdfs.principal", "connect/_HOST@BANK")];
    assert!(one(&principal).starts_with("connect.hdfs.principal: _HOST"));
    assert!(one(&[("partition.field.name", "a..b")]).starts_with("partition.field.name:"));
}

#[test]
fn hive_needs_a_schema_mode_and_a_metastore() {
    let hive = ("hive.integration", "true");
    let uris = ("hive.metastore.uris", "thrift://a:9083, thrift://b:9083");
    let mode = ("schema.compatibility", "BACKWARD");
    assert!(errors(&[hive, uris])[0].starts_with("schema.compatibility: hive.integration needs"));
    assert!(errors(&[hive, mode])[0].starts_with("hive.metastore.uris:"));
    assert!(errors(&[hive, mode, uris, ("hive.table.name", "fixed")])[0].starts_with("hive.table.name:"));
    let config = parse(&[hive, mode, uris]);
    assert_eq!(config.hive.unwrap().metastore_uris, ["thrift://a:9083", "thrift://b:9083"]);
}

#[test]
fn a_time_based_partitioner_needs_its_settings() {
    let class = ("partitioner.class", "io.confluent.connect.storage.partitioner.TimeBasedPartitioner");
    let keys: Vec<_> = errors(&[class]).into_iter().map(|error| error.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(keys, ["partition.duration.ms", "path.format", "locale", "timezone"]);
    let full = [class, ("partition.duration.ms", "1"), ("locale", "en"), ("timezone", "UTC"), ("path.format", "'y'=YYYY/")];
    assert!(errors(&full).is_empty());
    let mut wrong = full.to_vec();
    wrong[4].1 = "year=YYYY";
    assert!(errors(&wrong)[0].starts_with("path.format:"), "{:?}", errors(&wrong));
    wrong[4].1 = "/";
    assert!(errors(&wrong)[0].starts_with("path.format: Path format"), "{:?}", errors(&wrong));
    let extractor = [&full[..], &[("timestamp.extractor", "record")]].concat();
    assert!(errors(&extractor)[0].starts_with("timestamp.extractor:"));
}

#[test]
fn only_keys_that_matter_are_visible() {
    let visible = |settings: &[(&str, &str)]| {
        let report = validate(hdfs2_definition(), &config(settings));
        let hidden = report.keys.iter().filter(|key| !key.visible).map(|key| key.key.name().to_owned());
        hidden.collect::<Vec<_>>()
    };
    let partitioner = |name: &'static str| match name {
        "Field" => ("partitioner.class", "io.confluent.connect.storage.partitioner.FieldPartitioner"),
        _ => ("partitioner.class", "io.confluent.connect.hdfs.partitioner.HourlyPartitioner"),
    };
    let hidden = visible(&[]);
    for key in ["connect.hdfs.keytab", "hive.database", "partition.field.name", "timezone"] {
        assert!(hidden.contains(&key.to_owned()), "{key}");
    }
    assert!(!hidden.contains(&"timestamp.field".to_owned()));
    assert!(!visible(&[partitioner("Field")]).contains(&"partition.field.name".to_owned()));
    let hourly = visible(&[partitioner("Hourly")]);
    assert!(!hourly.contains(&"timezone".to_owned()) && hourly.contains(&"path.format".to_owned()));
    assert!(visible(&[("format.class", "io.confluent.connect.hdfs.json.JsonFormat")]).contains(&"avro.codec".to_owned()));
}

#[test]
fn a_pattern_puts_topics_into_directories() {
    let config = parse(&[
        ("topic.capture.groups.regex", r"([a-z])\.([a-z])\.([a-z])\.([a-z])"),
        ("topics.dir", "${1}-${2}-${3}-${4}"),
        ("logs.dir", "logs/${topic}"),
    ]);
    assert_eq!(config.directories("a.b.c.d").unwrap(), ("a-b-c-d".to_owned(), "logs/a.b.c.d".to_owned()));
    assert!(config.directories("a.b.c.dd").unwrap_err().to_string().contains("does not match"));
}
