//! Tests of the partitioners.

use super::*;
use crate::config::ConfigMap;
use crate::connectors::hdfs::config::{HdfsSinkConfig, hdfs2_definition};
use crate::data::logical::plain;
use crate::data::{ConnectRecord, SchemaAndValue, SchemaBuilder};
use crate::plugin::ErrorKind;

fn kind(settings: &[(&str, &str)]) -> PartitionerKind {
    let mut config: ConfigMap = [("hdfs.url", "hdfs://nn"), ("flush.size", "3")].into_iter().collect();
    for (key, value) in settings {
        config.set(*key, *value);
    }
    HdfsSinkConfig::parse(hdfs2_definition(), &config).unwrap().partitioner
}

fn record(value: SchemaAndValue, timestamp_ms: Option<i64>) -> SinkRecord {
    SinkRecord {
        record: ConnectRecord {
            topic: "t".into(),
            partition: Some(12),
            kafka_offset: None,
            key: SchemaAndValue::NULL,
            value,
            timestamp_ms,
            headers: Default::default(),
        },
        kafka_topic: "t".into(),
        kafka_partition: 12,
        kafka_offset: 0,
        raw: None,
    }
}

fn encode(partitioner: &mut Partitioner, value: SchemaAndValue, timestamp_ms: Option<i64>) -> Result<(String, bool)> {
    let record = record(value, timestamp_ms);
    let value = &record.record.value;
    let same = partitioner.encode(&record, value.schema.as_ref(), &value.value, None)?;
    Ok((partitioner.encoded().to_owned(), same))
}

fn names(kind: &PartitionerKind) -> Vec<String> {
    kind.hive_fields().into_iter().map(|field| field.name).collect()
}

#[test]
fn the_default_partition_is_that_of_kafka() {
    let kind = kind(&[]);
    let mut partitioner = Partitioner::new(&kind, 12);
    assert_eq!(encode(&mut partitioner, SchemaAndValue::NULL, None).unwrap(), ("partition=12".to_owned(), false));
    assert_eq!(encode(&mut partitioner, SchemaAndValue::NULL, None).unwrap(), ("partition=12".to_owned(), true));
    assert_eq!(names(&kind), ["partition"]);
}

#[test]
fn field_values_make_directories() {
    let address = SchemaBuilder::structure([("city", plain(SchemaKind::String, true))]).optional().build();
    let schema = SchemaBuilder::structure([
        ("string", plain(SchemaKind::String, true)),
        ("int", plain(SchemaKind::Int32, false)),
        ("flag", plain(SchemaKind::Boolean, true)),
        ("address", address),
        ("date", logical::date().build()),
        ("double", plain(SchemaKind::Float64, false)),
    ])
    .build();
    let row = |text: Value, city: Value| {
        let values = [text, Value::Int32(12), Value::Boolean(true), city, Value::Int32(1), Value::Float64(1.0)];
        SchemaAndValue::new(schema.clone(), Value::Struct(values.into()))
    };
    let in_city = |name: &str| Value::Struct([Value::from(name)].into());
    let encoded = |fields: &str, text: Value, city: Value| {
        let kind = kind(&[
            ("partitioner.class", "io.confluent.connect.storage.partitioner.FieldPartitioner"),
            ("partition.field.name", fields),
        ]);
        encode(&mut Partitioner::new(&kind, 0), row(text, city), None).map(|(text, _)| text)
    };
    assert_eq!(encoded("string,int", Value::from("def"), Value::Null).unwrap(), "string=def/int=12");
    assert_eq!(encoded("flag", Value::Null, Value::Null).unwrap(), "flag=true");
    assert_eq!(encoded("string", Value::Null, Value::Null).unwrap(), "string=null");
    assert_eq!(encoded("string", Value::from("a/b = c"), Value::Null).unwrap(), "string=a/b = c");
    assert_eq!(encoded("address.city", Value::Null, in_city("NYC")).unwrap(), "address.city=NYC");
    assert_eq!(encoded("address.city", Value::Null, Value::Null).unwrap(), "address.city=null");
    for wrong in ["missing", "address.missing", "date", "double", "address"] {
        let error = encoded(wrong, Value::Null, Value::Null).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRecord);
        assert!(error.to_string().contains(&format!("'{wrong}'")), "{error}");
    }
}

#[test]
fn equal_field_values_are_recognised() {
    let schema = SchemaBuilder::structure([("f", plain(SchemaKind::String, true))]).build();
    let kind = PartitionerKind::Field { fields: vec!["f".into()], delimiter: "|".into() };
    let mut partitioner = Partitioner::new(&kind, 0);
    let mut next = |text: &str| {
        let value = SchemaAndValue::new(schema.clone(), Value::Struct([Value::from(text)].into()));
        encode(&mut partitioner, value, None).unwrap()
    };
    assert_eq!(next("a"), ("f=a".to_owned(), false));
    assert_eq!(next("a"), ("f=a".to_owned(), true));
    assert_eq!(next("b"), ("f=b".to_owned(), false));
    assert!(encode(&mut partitioner, SchemaAndValue::schemaless(Value::Map(Vec::new())), None).is_err());
}

fn time_based(class: &str, zone: &str, extra: &[(&str, &str)]) -> PartitionerKind {
    let class = format!("io.confluent.connect.storage.partitioner.{class}Partitioner");
    let mut settings =
        vec![("partitioner.class", &*class), ("locale", "en"), ("timezone", zone), ("timestamp.extractor", "Record")];
    settings.extend_from_slice(extra);
    kind(&settings)
}

#[test]
fn hours_and_days_are_those_of_the_zone() {
    let hourly = time_based("Hourly", "America/Santiago", &[]);
    assert_eq!(names(&hourly), ["year", "month", "day", "hour"]);
    let mut partitioner = Partitioner::new(&hourly, 0);
    let mut hour = |ms| encode(&mut partitioner, SchemaAndValue::NULL, Some(ms)).unwrap();
    assert_eq!(hour(1715224653000).0, "year=2024/month=05/day=08/hour=23");
    assert_eq!(hour(1706411853000).0, "year=2024/month=01/day=28/hour=00");
    assert_eq!(hour(1706411853001), ("year=2024/month=01/day=28/hour=00".to_owned(), true));
    let daily = time_based("Daily", "UTC", &[("path.format", "ignored"), ("partition.duration.ms", "1")]);
    assert_eq!(names(&daily), ["year", "month", "day"]);
    let mut partitioner = Partitioner::new(&daily, 0);
    let (day, _) = encode(&mut partitioner, SchemaAndValue::NULL, Some(-1)).unwrap();
    assert_eq!(day, "year=1970/month=01/day=01", "Java rounds towards zero");
}

#[test]
fn clock_changes_do_not_confuse_buckets() {
    let new_york = time_based("Hourly", "America/New_York", &[]);
    let mut partitioner = Partitioner::new(&new_york, 0);
    let mut hour = |time: &str| {
        let ms = time.parse::<Timestamp>().unwrap().as_millisecond();
        let (text, _) = encode(&mut partitioner, SchemaAndValue::NULL, Some(ms)).unwrap();
        text.rsplit('=').next().unwrap().to_owned()
    };
    // Both half past ones of the night in autumn.
    assert_eq!(hour("2024-11-03T05:30:00Z"), "01");
    assert_eq!(hour("2024-11-03T06:00:00Z"), "01");
    assert_eq!(hour("2024-11-03T06:30:00Z"), "01");
    assert_eq!(hour("2024-11-03T07:00:00Z"), "02");
    assert_eq!(hour("2024-11-03T05:59:59.999Z"), "01");
    let two_hours =
        time_based("TimeBased", "America/New_York", &[("partition.duration.ms", "7200000"), ("path.format", "'hour'=HH/")]);
    let mut partitioner = Partitioner::new(&two_hours, 0);
    let ms = "2024-03-10T03:15:00-04:00".parse::<Timestamp>().unwrap().as_millisecond();
    assert_eq!(encode(&mut partitioner, SchemaAndValue::NULL, Some(ms)).unwrap().0, "hour=03");
    // A day that starts at one o'clock.
    let daily = time_based("Daily", "America/Sao_Paulo", &[]);
    let ms = "2018-11-04T12:00:00-02:00".parse::<Timestamp>().unwrap().as_millisecond();
    let (day, _) = encode(&mut Partitioner::new(&daily, 0), SchemaAndValue::NULL, Some(ms)).unwrap();
    assert_eq!(day, "year=2018/month=11/day=04");
}

#[test]
fn keys_come_from_the_pattern_as_it_is() {
    let kind = time_based("TimeBased", "UTC", &[("partition.duration.ms", "1000"), ("path.format", "YYYY/'m'=MM")]);
    assert_eq!(names(&kind), ["YYYY", "m"]);
}

#[test]
fn times_out_of_reach_are_bad_records() {
    let hourly = time_based("Hourly", "UTC", &[]);
    for ms in [i64::MAX, i64::MIN, 400_000_000_000_000] {
        let error = encode(&mut Partitioner::new(&hourly, 0), SchemaAndValue::NULL, Some(ms)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRecord);
    }
}
