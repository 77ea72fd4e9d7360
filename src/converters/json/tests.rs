//! Tests of the JSON converter.

use super::*;
use crate::data::logical::plain;
use crate::data::{SchemaBuilder, SchemaKind};

/// Written by JsonConverter of Kafka 4.3 (contracts/connect-runtime.md, section 9.1).
const GOLDEN: &str = r#"{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"default":5,"field":"a"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"d"},{"type":"map","keys":{"type":"int32","optional":false},"values":{"type":"string","optional":false},"optional":false,"field":"m"},{"type":"array","items":{"type":"double","optional":false},"optional":true,"field":"l"},{"type":"int32","optional":false,"name":"org.apache.kafka.connect.data.Date","version":1,"field":"dt"},{"type":"bytes","optional":false,"field":"by"}],"optional":false,"name":"rec","version":3,"doc":"d","parameters":{"k":"v"}},"payload":{"a":1,"d":"A/w=","m":[[1,"x"],[2,"y"]],"l":[1.0,1.0E10],"dt":1,"by":"AQL/"}}"#;

fn converter(settings: &[(&str, &str)]) -> JsonConverter {
    JsonConverter::new(&settings.iter().copied().collect()).unwrap()
}

fn read(converter: &mut JsonConverter, text: &str) -> Result<SchemaAndValue, String> {
    converter.read(Some(Bytes::copy_from_slice(text.as_bytes()))).map_err(|error| error.message().to_owned())
}

fn write(converter: &mut JsonConverter, data: &SchemaAndValue) -> Result<String, String> {
    let mut out = Vec::new();
    match converter.write(data, &mut out).map_err(|error| error.message().to_owned())? {
        Encoded::Null => Ok("<null>".to_owned()),
        Encoded::Bytes => Ok(String::from_utf8(out).unwrap()),
    }
}

#[test]
fn what_java_wrote_is_read_and_written_again_byte_by_byte() {
    let mut converter = converter(&[]);
    for _ in 0..2 {
        let data = read(&mut converter, GOLDEN).unwrap();
        assert_eq!(write(&mut converter, &data).unwrap(), GOLDEN);
    }
    assert_eq!(converter.decoders.plans.len(), 1);
}

#[test]
fn one_schema_text_gives_one_schema_in_any_key_order() {
    let mut converter = converter(&[]);
    let envelope = read(&mut converter, r#"{"schema":{"type":"int32","optional":false},"payload":5}"#).unwrap();
    for other in [
        r#"{"payload":5,"schema":{"type":"int32","optional":false}}"#,
        r#" { "payload" : 5 , "schema" : {"type":"int32","optional":false} } "#,
        r#"{"schema":{"type":"int32","optional":false},"payload":5} trailing"#,
        r#"{"schema":{"type":"int32","optional":false},"payload":4,"payload":5}"#,
        "\u{feff}{\"schema\":{\"type\":\"int32\",\"optional\":false},\"payload\":5}",
    ] {
        let data = read(&mut converter, other).unwrap();
        assert_eq!(data.value, Value::Int32(5));
        assert!(Arc::ptr_eq(data.schema.as_ref().unwrap(), envelope.schema.as_ref().unwrap()), "{other}");
    }
}

/// The texts and results are those of JsonConverter 4.3.1 for the same input.
#[test]
fn wrong_payloads_are_treated_as_java_does() {
    let int = |x| Ok(Value::Int32(x));
    let failed = |text: &str| Err::<Value, _>(text.to_owned());
    let field = r#"{"type":"struct","fields":[{"type":"string","optional":false,"field":"a"}],"optional":false}"#;
    let decimal = r#"{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}}"#;
    let date = r#"{"type":"int32","optional":false,"name":"org.apache.kafka.connect.data.Date","version":1}"#;
    let pairs = r#"{"type":"map","keys":{"type":"int32"},"values":{"type":"int32"}}"#;
    let mut converter = converter(&[]);
    for (schema, payload, expected) in [
        (r#"{"type":"int32"}"#, r#""abc""#, int(0)),
        (r#"{"type":"int32"}"#, "1e10", int(1_410_065_408)),
        (r#"{"type":"int32"}"#, "1.9", int(1)),
        (r#"{"type":"int32"}"#, "12345678901234567890123", int(1_900_168_395)),
        (r#"{"type":"int64"}"#, "12345678901234567890123", Ok(Value::Int64(4_807_115_922_877_859_019))),
        (r#"{"type":"int8"}"#, "300", Ok(Value::Int8(44))),
        (r#"{"type":"int32"}"#, "null", failed("Invalid null value for required INT32 field")),
        (r#"{"type":"string"}"#, "7", Ok(Value::Null)),
        (r#"{"type":"boolean"}"#, "1", Ok(Value::Boolean(false))),
        (r#"{"type":"double"}"#, r#""NaN""#, Ok(Value::Float64(0.0))),
        (r#"{"type":"double"}"#, "007.50", Ok(Value::Float64(7.5))),
        (r#"{"type":"double"}"#, "-01", Ok(Value::Float64(-1.0))),
        (r#"{"type":"bytes"}"#, r#""AQ""#, failed("Invalid bytes field")),
        (r#"{"type":"bytes"}"#, "5", Ok(Value::Null)),
        (field, r#"{"a":7}"#, failed("Invalid value: null used for required field: \"a\", schema type: STRING")),
        (field, "{}", failed("field 'a': Invalid null value for required STRING field")),
        (field, "[1]", failed("Structs should be encoded as JSON objects, but found ARRAY")),
        (decimal, "1.5", Ok(Value::Bytes(Bytes::from_static(&[0, 150])))),
        (
            decimal,
            "true",
            failed("Invalid type for Decimal, underlying representation should be numeric or bytes but was BOOLEAN"),
        ),
        (date, r#""x""#, failed("Invalid type for Date, underlying representation should be integer but was STRING")),
        (date, "99999999999", failed("Invalid type for Date, underlying representation should be integer but was NUMBER")),
        (pairs, r#"{"a":1}"#, failed("Maps with non-string fields should be encoded as JSON array of tuples, but found OBJECT")),
        (pairs, "[[1,2],5]", failed("Found invalid map entry instead of array tuple: NUMBER")),
        (pairs, "[[1,2],[1,2,3]]", failed("Found invalid map entry, expected length 2 but found :3")),
        (r#"{"type":"array","items":{"type":"int32"}}"#, "5", Ok(Value::Array(vec![]))),
        (r#"{"type":"array","items":{"type":"int32"}}"#, r#"{"a":1}"#, Ok(Value::Array(vec![Value::Int32(1)]))),
        (r#"{"type":"string"}"#, r#""a\u00e9\ud83d\ude00\/""#, Ok(Value::from("aé😀/"))),
    ] {
        let text = format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
        assert_eq!(read(&mut converter, &text).map(|data| data.value), expected, "{text}");
    }
}

#[test]
fn what_is_not_json_or_no_envelope_is_refused() {
    let mut converter = converter(&[]);
    for text in ["", "{}", "5", r#"{"schema":null,"payload":5,"x":1}"#] {
        assert_eq!(read(&mut converter, text).unwrap_err(), NOT_AN_ENVELOPE, "{text}");
    }
    for text in [
        "[1,2",
        "{\"schema\":null,\"payload\":NaN}",
        "{\"schema\":null,\"payload\":1.}",
        "'a'",
        "tru",
        "\"\t\"",
        "\"\\q\"",
        "[[1,2,],3]",
    ] {
        let error = read(&mut converter, text).unwrap_err();
        assert_eq!(error, "Converting byte[] to Kafka Connect data failed due to serialization error: ", "{text}");
    }
    assert_eq!(converter.read(None).unwrap(), SchemaAndValue::NULL);
}

#[test]
fn without_schemas_objects_are_maps() {
    let mut converter = converter(&[("schemas.enable", "false")]);
    let data = read(&mut converter, r#"{"a":1,"b":1.5,"c":12345678901234567890,"d":1e400,"e":[null,true],"a":2} x"#).unwrap();
    assert_eq!(data.schema, None);
    assert_eq!(
        write(&mut converter, &data).unwrap(),
        r#"{"a":2,"b":1.5,"c":-6101065172474983726,"d":"Infinity","e":[null,true]}"#
    );
    assert_eq!(read(&mut converter, "").unwrap(), SchemaAndValue::NULL);
}

#[test]
fn null_is_a_tombstone_only_without_a_schema() {
    let optional = SchemaAndValue::new(plain(SchemaKind::String, true), Value::Null);
    let mut with = converter(&[]);
    assert_eq!(write(&mut with, &SchemaAndValue::NULL).unwrap(), "<null>");
    assert_eq!(write(&mut with, &optional).unwrap(), r#"{"schema":{"type":"string","optional":true},"payload":null}"#);
    assert_eq!(write(&mut with, &SchemaAndValue::schemaless(Value::Int64(1))).unwrap(), r#"{"schema":null,"payload":1}"#);
    assert_eq!(write(&mut converter(&[("schemas.enable", "false")]), &optional).unwrap(), "null");
}

#[test]
fn schema_content_reads_plain_payloads() {
    let content = r#"{"type":"struct","fields":[{"type":"int32","optional":true,"field":"a"}]}"#;
    let mut converter = converter(&[("schema.content", content)]);
    let data = read(&mut converter, r#"{"a":1}"#).unwrap();
    assert_eq!(data.value, Value::Struct(vec![Value::Int32(1)].into()));
    assert!(JsonConverter::new(&[("schema.content", "{}")].into_iter().collect()).is_err());
}

#[test]
fn a_failed_record_leaves_no_bytes() {
    let schema = SchemaBuilder::structure([("a", plain(SchemaKind::Int32, false))]).build();
    let mut out = b"before".to_vec();
    let data = SchemaAndValue::new(schema, Value::Struct(vec![Value::from("x")].into()));
    assert!(converter(&[]).write(&data, &mut out).is_err());
    assert_eq!(out, b"before");
}

#[test]
fn caches_stay_within_their_size() {
    let mut converter = converter(&[("schemas.cache.size", "2")]);
    for i in 0..10 {
        let text = format!(r#"{{"schema":{{"type":"int32","optional":false,"name":"n{i}"}},"payload":1}}"#);
        let data = read(&mut converter, &text).unwrap();
        assert_eq!(write(&mut converter, &data).unwrap(), text);
    }
    assert!(converter.decoders.plans.len() <= 2 && converter.encoders.plans.len() <= 2);
}

proptest::proptest! {
    #[test]
    fn hostile_input_never_panics(text: String, tail: Vec<u8>) {
        let mut converter = converter(&[]);
        let _ = read(&mut converter, &text);
        let mut envelope = br#"{"schema":{"type":"struct","fields":[{"type":"int32","field":"a"},{"type":"string","field":"b"}]},"payload":{"a":1"#.to_vec();
        envelope.extend_from_slice(&tail);
        let _ = converter.read(Some(envelope.into()));
    }
}
