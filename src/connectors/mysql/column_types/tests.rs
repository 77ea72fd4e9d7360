//! Schemas, values and defaults of every type in every mode, from a snapshot's side.

use std::sync::Arc;

use bytes::Bytes;
use mysql_common::constants::ColumnType;
use mysql_common::packets::Column as ResultColumn;
use mysql_common::row::new_row;
use mysql_common::value::Value as Sql;

use super::super::options::{
    BigintUnsignedHandling, BinaryHandling, ColumnPredicate, ConversionFailure, DecimalHandling, EventOptions, NameAdjustment,
    Profile, SnapshotValues, TimePrecision,
};
use super::super::table::{Column, Table, TableId};
use super::*;
use crate::data::{Schema, SchemaKind, Value};

fn column(type_name: &str, length: Option<i32>, scale: Option<i32>) -> Column {
    Column { name: "c".into(), type_name: type_name.into(), length, scale, position: 1, optional: true, ..Column::default() }
}

fn with_default(mut column: Column, default: &str) -> Column {
    column.has_default = true;
    column.default = Some(default.into());
    column
}

fn required(mut column: Column) -> Column {
    column.optional = false;
    column
}

fn table(columns: Vec<Column>) -> Table {
    Table { id: TableId::new("bank", "t"), columns, primary_key: Vec::new(), default_charset: None, comment: None }
}

fn plan(column: Column, options: &EventOptions) -> Arc<TablePlan> {
    TablePlan::compile(&table(vec![column]), &Arc::new(options.clone())).unwrap()
}

fn options(change: impl FnOnce(&mut EventOptions)) -> EventOptions {
    let mut options = EventOptions { server_name: "p".into(), ..EventOptions::default() };
    change(&mut options);
    options
}

fn result_columns(names: &[&str]) -> Arc<[ResultColumn]> {
    let column =
        |name: &&str| ResultColumn::new(ColumnType::MYSQL_TYPE_VAR_STRING).with_name(name.as_bytes()).with_character_set(255);
    names.iter().map(column).collect::<Vec<_>>().into()
}

/// One value of a one-column table, as a snapshot gives it.
fn read(column: Column, options: &EventOptions, value: Sql) -> crate::plugin::Result<Value> {
    let plan = plan(column, options);
    let columns = result_columns(&["c"]);
    let row = plan.snapshot_reader(&columns).unwrap().row(new_row(vec![value], columns))?;
    row.row.check(&plan.row_schema).unwrap();
    Ok(row.row.as_struct().unwrap()[0].clone())
}

fn schema(column: Column, options: &EventOptions) -> Arc<Schema> {
    plan(column, options).row_schema.field("c").unwrap().schema.clone()
}

fn default(column: Column, options: &EventOptions) -> Option<Value> {
    schema(column, options).default.clone()
}

fn text(bytes: &[u8]) -> Sql {
    Sql::Bytes(bytes.to_vec())
}

#[test]
fn integers_keep_their_range() {
    let options = EventOptions::default();
    for (type_name, sql, value) in [
        ("TINYINT", Sql::Int(-128), Value::Int16(-128)),
        ("TINYINT UNSIGNED", Sql::Int(255), Value::Int16(255)),
        ("SMALLINT UNSIGNED", Sql::Int(65535), Value::Int32(65535)),
        ("MEDIUMINT", Sql::Int(-8_388_608), Value::Int32(-8_388_608)),
        ("INT", Sql::Int(-2_147_483_648), Value::Int32(i32::MIN)),
        ("INT UNSIGNED", Sql::Int(4_294_967_295), Value::Int64(4_294_967_295)),
        ("BIGINT", Sql::Int(i64::MIN), Value::Int64(i64::MIN)),
        ("BIGINT UNSIGNED", Sql::UInt(u64::MAX), Value::Int64(-1)),
        ("BIGINT UNSIGNED", text(b"18446744073709551615"), Value::Int64(-1)),
        ("INT", text(b"-7"), Value::Int32(-7)),
        ("BOOLEAN", Sql::Int(2), Value::Boolean(true)),
        ("YEAR", Sql::Int(1901), Value::Int32(1901)),
        ("YEAR", Sql::Int(0), Value::Int32(2000)),
    ] {
        assert_eq!(read(column(type_name, None, None), &options, sql).unwrap(), value, "{type_name}");
    }
    let precise = self::options(|options| options.bigint_unsigned = BigintUnsignedHandling::Precise);
    let value = read(column("BIGINT UNSIGNED", None, None), &precise, Sql::UInt(u64::MAX)).unwrap();
    assert_eq!(value, Value::Bytes(Bytes::from_static(&[0, 255, 255, 255, 255, 255, 255, 255, 255])));
    let same = self::options(|options| options.snapshot_values = SnapshotValues::AsStream);
    assert_eq!(read(column("YEAR", None, None), &same, Sql::Int(0)).unwrap(), Value::Int32(0));
}

#[test]
fn integer_schemas_follow_the_profile() {
    let kind = |type_name, profile| {
        schema(column(type_name, None, None), &options(|options| options.profile = profile)).kind.connect_name().to_owned()
    };
    assert_eq!(kind("TINYINT", Profile::V3_6), "INT16");
    assert_eq!(kind("TINYINT", Profile::V3_7), "INT8");
    assert_eq!(kind("TINYINT UNSIGNED", Profile::V3_7), "INT16");
    assert_eq!(kind("FLOAT", Profile::V1_9), "FLOAT64");
    assert_eq!(kind("FLOAT", Profile::V2_0), "FLOAT32");
    let precise = |profile| {
        options(|options| {
            options.profile = profile;
            options.bigint_unsigned = BigintUnsignedHandling::Precise;
        })
    };
    let parameters = |profile| schema(column("BIGINT UNSIGNED", None, None), &precise(profile)).parameters.len();
    assert_eq!((parameters(Profile::V1_9), parameters(Profile::V3_6)), (1, 2));
}

#[test]
fn floats_of_snapshots_have_the_servers_six_digits() {
    let debezium = EventOptions::default();
    let read_float = |options: &EventOptions, number| read(column("FLOAT", None, None), options, Sql::Float(number)).unwrap();
    assert_eq!(read_float(&debezium, 16_777_216.0), Value::Float32(16_777_200.0));
    assert_eq!(read_float(&debezium, f32::MAX), Value::Float32(3.40282e38));
    assert_eq!(read_float(&debezium, 0.1), Value::Float32(0.1));
    let same = options(|options| options.snapshot_values = SnapshotValues::AsStream);
    assert_eq!(read_float(&same, 16_777_216.0), Value::Float32(16_777_216.0));
    let scaled = read(column("FLOAT", Some(7), Some(4)), &debezium, Sql::Float(-999.9999)).unwrap();
    assert_eq!(scaled, Value::Float64(f64::from(-999.9999_f32)));
    assert_eq!(read(column("DOUBLE", None, None), &debezium, Sql::Double(1e308)).unwrap(), Value::Float64(1e308));
}

#[test]
fn decimals_come_in_three_forms() {
    let read_decimal = |handling| {
        let options = options(|options| options.decimal = handling);
        read(column("DECIMAL", Some(10), Some(2)), &options, text(b"-12.50")).unwrap()
    };
    assert_eq!(read_decimal(DecimalHandling::Precise), Value::Bytes(Bytes::from_static(&[0xFB, 0x1E])));
    assert_eq!(read_decimal(DecimalHandling::String), Value::from("-12.50"));
    assert_eq!(read_decimal(DecimalHandling::Double), Value::Float64(-12.5));
    let schema = schema(column("DECIMAL", Some(10), Some(2)), &EventOptions::default());
    let parameters: Vec<_> = schema.parameters.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(parameters, [("scale", "2"), ("connect.decimal.precision", "10")]);
    let old = options(|options| {
        options.decimal = DecimalHandling::String;
        options.profile = Profile::V1_2;
    });
    assert_eq!(read(column("DECIMAL", Some(30), Some(30)), &old, text(b"0")).unwrap(), Value::from("0E-30"));
}

#[test]
fn bits_are_little_endian() {
    let options = EventOptions::default();
    assert_eq!(read(column("BIT", Some(1), None), &options, text(&[1])).unwrap(), Value::Boolean(true));
    assert_eq!(read(column("BIT", Some(9), None), &options, text(&[1, 2])).unwrap(), Value::Bytes(Bytes::from_static(&[2, 1])));
    assert_eq!(schema(column("BIT", Some(9), None), &options).parameter("length"), Some("9"));
}

#[test]
fn binary_values_are_padded_and_encoded() {
    let read_binary = |handling| {
        let options = options(|options| options.binary = handling);
        read(column("BINARY", Some(4), None), &options, text(&[0xFB, 0xFF])).unwrap()
    };
    assert_eq!(read_binary(BinaryHandling::Bytes), Value::Bytes(Bytes::from_static(&[0xFB, 0xFF, 0, 0])));
    assert_eq!(read_binary(BinaryHandling::Base64), Value::from("+/8AAA=="));
    assert_eq!(read_binary(BinaryHandling::Base64UrlSafe), Value::from("-_8AAA=="));
    assert_eq!(read_binary(BinaryHandling::Hex), Value::from("fbff0000"));
}

#[test]
fn temporal_values_follow_the_precision_mode() {
    use TimePrecision::*;
    let date = Sql::Date(2024, 1, 31, 0, 0, 0, 0);
    let moment = Sql::Date(2024, 1, 31, 10, 15, 30, 120_000);
    let time = Sql::Time(false, 0, 10, 15, 30, 500_000);
    let micros = 1_706_696_130_120_000;
    for (mode, in_days, of_day, instant) in [
        (AdaptiveTimeMicroseconds, Value::Int32(19753), Value::Int64(36_930_500_000), Value::Int64(micros / 1000)),
        (Connect, Value::Int32(19753), Value::Int32(36_930_500), Value::Int64(micros / 1000)),
        (Microseconds, Value::Int32(19753), Value::Int64(36_930_500_000), Value::Int64(micros)),
        (Nanoseconds, Value::Int32(19753), Value::Int64(36_930_500_000_000), Value::Int64(micros * 1000)),
        (IsoString, Value::from("2024-01-31Z"), Value::from("10:15:30.5Z"), Value::from("2024-01-31T10:15:30.12Z")),
    ] {
        let options = options(|options| options.time_precision = mode);
        assert_eq!(read(column("DATE", None, None), &options, date.clone()).unwrap(), in_days, "{mode:?}");
        assert_eq!(read(column("TIME", Some(1), None), &options, time.clone()).unwrap(), of_day, "{mode:?}");
        assert_eq!(read(column("DATETIME", Some(3), None), &options, moment.clone()).unwrap(), instant, "{mode:?}");
        let timestamp = read(column("TIMESTAMP", Some(3), None), &options, moment.clone()).unwrap();
        assert_eq!(timestamp, Value::from("2024-01-31T10:15:30.12Z"), "{mode:?}");
    }
    let adaptive = EventOptions::default();
    assert_eq!(read(column("DATETIME", Some(6), None), &adaptive, moment.clone()).unwrap(), Value::Int64(micros));
    let same = options(|options| options.snapshot_values = SnapshotValues::AsStream);
    assert_eq!(read(column("TIMESTAMP", Some(3), None), &same, moment).unwrap(), Value::from("2024-01-31T10:15:30.120Z"));
    let negative = Sql::Time(true, 34, 22, 59, 59, 1);
    assert_eq!(read(column("TIME", Some(6), None), &adaptive, negative).unwrap(), Value::Int64(-3_020_399_000_001));
    assert_eq!(read(column("TIME", None, None), &adaptive, text(b"-00:00:01")).unwrap(), Value::Int64(-1_000_000));
    assert_eq!(read(column("DATE", None, None), &adaptive, text(b"1969-12-31")).unwrap(), Value::Int32(-1));
}

#[test]
fn zero_dates_become_null_or_the_default_or_the_epoch() {
    let options = EventOptions::default();
    let zero = || Sql::Date(0, 0, 0, 0, 0, 0, 0);
    for type_name in ["DATE", "DATETIME", "TIMESTAMP"] {
        assert_eq!(read(column(type_name, None, None), &options, zero()).unwrap(), Value::Null);
    }
    let date = |value| read(with_default(required(column("DATE", None, None)), "1970-01-02"), &options, value).unwrap();
    assert_eq!(date(zero()), Value::Int32(1));
    assert_eq!(date(Sql::Date(2024, 0, 10, 0, 0, 0, 0)), Value::Int32(1));
    assert_eq!(read(required(column("DATE", None, None)), &options, zero()).unwrap(), Value::Int32(0));
    let timestamp = read(required(column("TIMESTAMP", None, None)), &options, zero()).unwrap();
    assert_eq!(timestamp, Value::from("1970-01-01T00:00:00Z"));
}

#[test]
fn years_of_two_digits_are_repaired_unless_told_not_to() {
    let year =
        |options: &EventOptions, year| read(column("DATE", None, None), options, Sql::Date(year, 12, 1, 0, 0, 0, 0)).unwrap();
    let adjusted = EventOptions::default();
    assert_eq!(year(&adjusted, 70), year(&adjusted, 1970));
    assert_eq!(year(&adjusted, 5), year(&adjusted, 2005));
    // Debezium's snapshot keeps the year 0 of a partial zero date, its stream does not.
    assert_eq!(year(&adjusted, 0), year(&adjusted, 2000));
    assert_eq!(year(&options(|options| options.snapshot_values = SnapshotValues::AsStream), 0), Value::Null);
    assert_eq!(year(&options(|options| options.time_adjuster = false), 5), Value::Int32(-717_367));
}

#[test]
fn values_without_room_are_null_or_an_error() {
    let long_time = || Sql::Time(true, 0, 1, 0, 0, 0);
    let mode = |failure| {
        options(|options| {
            options.time_precision = TimePrecision::Connect;
            options.conversion_failure = failure;
        })
    };
    let time = || column("TIME", None, None);
    assert_eq!(read(time(), &mode(ConversionFailure::Warn), long_time()).unwrap(), Value::Null);
    assert!(read(time(), &mode(ConversionFailure::Fail), long_time()).is_err());
    let error = read(required(time()), &mode(ConversionFailure::Warn), long_time()).unwrap_err();
    assert!(error.message().contains("column 'c' of table bank.t"), "{error}");
    let nanos = options(|options| options.time_precision = TimePrecision::Nanoseconds);
    let far = Sql::Date(9999, 12, 31, 0, 0, 0, 0);
    assert_eq!(read(column("DATETIME", None, None), &nanos, far).unwrap(), Value::Null);
    let impossible = || Sql::Date(2024, 2, 30, 0, 0, 0, 0);
    assert!(read(column("DATE", None, None), &EventOptions::default(), impossible()).is_err());
    let lenient = options(|options| options.invalid_dates = ConversionFailure::Warn);
    assert_eq!(read(column("DATE", None, None), &lenient, impossible()).unwrap(), Value::Int32(0));
}

#[test]
fn null_in_a_required_column_becomes_something() {
    let options = EventOptions::default();
    for (type_name, value) in [
        ("INT", Value::Int32(0)),
        ("VARCHAR", Value::from("")),
        ("JSON", Value::from("{}")),
        ("DECIMAL", Value::Bytes(Bytes::from_static(&[0]))),
        ("VARBINARY", Value::Bytes(Bytes::new())),
        ("BIT", Value::Boolean(false)),
        ("VECTOR", Value::Array(Vec::new())),
        ("TIMESTAMP", Value::from("1970-01-01T00:00:00Z")),
    ] {
        assert_eq!(read(required(column(type_name, None, None)), &options, Sql::NULL).unwrap(), value, "{type_name}");
        assert_eq!(read(column(type_name, None, None), &options, Sql::NULL).unwrap(), Value::Null, "{type_name}");
    }
    for type_name in ["GEOMETRY", "POINT"] {
        assert!(!read(required(column(type_name, None, None)), &options, Sql::NULL).unwrap().is_null());
    }
    let defaulted = with_default(required(column("INT", None, None)), "7");
    assert_eq!(read(defaulted, &options, Sql::NULL).unwrap(), Value::Int32(7));
}

#[test]
fn text_is_decoded_by_the_results_charset() {
    let options = EventOptions::default();
    let latin1 = Column { charset: Some("latin1".into()), ..column("VARCHAR", Some(10), None) };
    assert_eq!(read(latin1.clone(), &options, text("ação".as_bytes())).unwrap(), Value::from("ação"));
    let plan = plan(latin1, &options);
    let raw: Arc<[ResultColumn]> =
        vec![ResultColumn::new(ColumnType::MYSQL_TYPE_VAR_STRING).with_name(b"c").with_character_set(8)].into();
    let row = plan.snapshot_reader(&raw).unwrap().row(new_row(vec![text(b"a\xE7\xE3o")], raw.clone())).unwrap();
    assert_eq!(row.row.as_struct().unwrap()[0], Value::from("ação"));
    let broken = || text(b"a\xFF");
    assert_eq!(read(column("TEXT", None, None), &options, broken()).unwrap(), Value::from("a\u{FFFD}"));
    let strict = self::options(|options| options.conversion_failure = ConversionFailure::Fail);
    assert!(read(column("TEXT", None, None), &strict, broken()).is_err());
}

#[test]
fn labels_are_escaped_in_the_schema_only() {
    let labels = Column { enum_values: vec!["a".into(), "b,c".into(), "d\\".into()], ..column("ENUM", None, None) };
    let options = EventOptions::default();
    assert_eq!(schema(labels.clone(), &options).parameter("allowed"), Some("a,b\\,c,d\\"));
    assert_eq!(read(labels.clone(), &options, text(b"b,c")).unwrap(), Value::from("b,c"));
    let newest = self::options(|options| options.profile = Profile::V3_7);
    assert_eq!(schema(labels, &newest).parameter("allowed"), Some("a,b\\,c,d\\\\"));
}

#[test]
fn geometries_are_structs() {
    let options = EventOptions::default();
    let mut point = vec![0xE6, 0x10, 0, 0, 1, 1, 0, 0, 0];
    point.extend(1.5_f64.to_le_bytes());
    point.extend((-2.0_f64).to_le_bytes());
    let wkb = Value::Bytes(Bytes::copy_from_slice(&point[4..]));
    let as_point = read(column("POINT", None, None), &options, text(&point)).unwrap();
    let fields = vec![Value::Float64(1.5), Value::Float64(-2.0), wkb.clone(), Value::Int32(4326)];
    assert_eq!(as_point, Value::Struct(fields.into()));
    let mut plane = point.clone();
    plane[..4].fill(0);
    let as_geometry = read(column("GEOMETRY", None, None), &options, text(&plane)).unwrap();
    assert_eq!(as_geometry, Value::Struct(vec![wkb, Value::Null].into()));
    assert!(read(column("POINT", None, None), &options, text(&point[..20])).is_err());
    let newest = self::options(|options| options.profile = Profile::V3_7);
    let schema = schema(column("GEOMETRY", None, None), &newest);
    assert_eq!((schema.version, schema.fields().unwrap().len()), (Some(2), 3));
}

#[test]
fn vectors_are_arrays_of_floats() {
    let mut bytes = 1.0_f32.to_le_bytes().to_vec();
    bytes.extend((-0.5_f32).to_le_bytes());
    let value = read(column("VECTOR", Some(2), None), &EventOptions::default(), text(&bytes)).unwrap();
    assert_eq!(value, Value::Array(vec![Value::Float32(1.0), Value::Float32(-0.5)]));
    assert!(read(column("VECTOR", Some(2), None), &EventOptions::default(), text(&bytes[..7])).is_err());
}

#[test]
fn defaults_are_typed() {
    let options = EventOptions::default();
    let bytes = |bytes: &'static [u8]| Some(Value::Bytes(Bytes::from_static(bytes)));
    for (column, text, value) in [
        (column("INT", None, None), "42", Some(Value::Int32(42))),
        (column("TINYINT", None, None), "true", Some(Value::Int16(1))),
        (column("BIGINT", None, None), "9007199254740993", Some(Value::Int64(9_007_199_254_740_992))),
        (column("BIGINT UNSIGNED", None, None), "18446744073709551615", Some(Value::Int64(i64::MAX))),
        (column("FLOAT", None, None), "0.1", Some(Value::Float32(0.1))),
        (column("DECIMAL", Some(10), Some(2)), "12.345", bytes(&[0x04, 0xD3])),
        (column("BIT", Some(1), None), "b'1'", Some(Value::Boolean(true))),
        (column("BIT", Some(9), None), "b'100000001'", bytes(&[1, 1])),
        (column("BIT", Some(9), None), "100000001", bytes(&[1, 1])),
        (column("YEAR", None, None), "0", Some(Value::Int32(2000))),
        (column("VARCHAR", Some(5), None), "a b", Some(Value::from("a b"))),
        (column("VARCHAR", Some(5), None), "_utf8mb4'x'", Some(Value::from("x"))),
        (column("BINARY", Some(4), None), "ab", bytes(b"ab")),
        (column("DATE", None, None), "2024-01-31", Some(Value::Int32(19753))),
        (column("DATE", None, None), "0000-00-00", None),
        (required(column("DATE", None, None)), "0000-00-00", Some(Value::Int32(0))),
        (column("TIME", Some(1), None), "-10:15:30.5", Some(Value::Int64(-36_930_500_000))),
        (column("DATETIME", None, None), "CURRENT_TIMESTAMP", Some(Value::Int64(0))),
        (column("DATETIME", None, None), "NOW()", Some(Value::Int64(0))),
        (column("TIMESTAMP", None, None), "CURRENT_TIMESTAMP", None),
        (required(column("TIMESTAMP", Some(6), None)), "CURRENT_TIMESTAMP(6)", Some(Value::from("1970-01-01T00:00:00Z"))),
        (column("TIMESTAMP", Some(3), None), "2024-01-31 10:15:30.12", Some(Value::from("2024-01-31T10:15:30.120Z"))),
        (column("INT", None, None), "nonsense", None),
    ] {
        let type_name = column.type_name.clone();
        assert_eq!(default(with_default(column, text), &options), value, "{type_name} {text}");
    }
    let strict = self::options(|options| options.conversion_failure = ConversionFailure::Fail);
    let nonsense = table(vec![with_default(column("INT", None, None), "nonsense")]);
    assert!(TablePlan::compile(&nonsense, &Arc::new(strict)).is_err());
    let null = Column { has_default: true, ..column("INT", None, None) };
    assert_eq!(default(null, &options), None);
}

#[test]
fn timestamp_defaults_are_read_in_the_configured_zone() {
    let zone = options(|options| options.default_time_zone = jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap());
    let column = with_default(column("TIMESTAMP", None, None), "2024-01-31 10:15:30");
    assert_eq!(default(column, &zone), Some(Value::from("2024-01-31T10:15:30-03:00")));
}

fn people() -> Table {
    let names = ["id", "nome", "cpf"];
    let columns = names.iter().zip(1..).map(|(name, position)| Column {
        name: (*name).into(),
        type_name: if position == 1 { "INT".into() } else { "VARCHAR".into() },
        length: Some(20),
        position,
        optional: position == 3,
        comment: Some(format!("about {name}")),
        ..Column::default()
    });
    Table { primary_key: vec!["id".into()], ..table(columns.collect()) }
}

fn read_person(plan: &Arc<TablePlan>) -> Row {
    // In another order than the table's, with a column too many.
    let columns = result_columns(&["cpf", "other", "nome", "id"]);
    let values = vec![text(b"123"), Sql::Int(1), text(b"Ana"), Sql::Int(7)];
    plan.snapshot_reader(&columns).unwrap().row(new_row(values, columns)).unwrap()
}

#[test]
fn rows_and_keys_are_matched_by_name() {
    let plan = TablePlan::compile(&people(), &Arc::new(options(|options| options.include_comments = true))).unwrap();
    let row = read_person(&plan);
    assert_eq!(row.key, Value::Struct(vec![Value::Int32(7)].into()));
    assert_eq!(row.row, Value::Struct(vec![Value::Int32(7), Value::from("Ana"), Value::from("123")].into()));
    assert_eq!(&*plan.topic, "p.bank.t");
    assert_eq!(plan.key_schema.as_ref().unwrap().name.as_deref(), Some("p.bank.t.Key"));
    assert_eq!(plan.row_schema.name.as_deref(), Some("p.bank.t.Value"));
    assert_eq!(plan.envelope_schema.name.as_deref(), Some("p.bank.t.Envelope"));
    assert!(plan.row_schema.optional && !plan.envelope_schema.optional);
    assert_eq!(plan.row_schema.field("cpf").unwrap().schema.doc.as_deref(), Some("about cpf"));
    let missing = plan.snapshot_reader(&result_columns(&["id", "nome"])).unwrap_err();
    assert!(missing.message().contains("'cpf'"), "{missing}");
}

#[test]
fn excluded_key_columns_stay_in_the_key() {
    let filter = ColumnPredicate(Arc::new(|_: &TableId, column: &str| column == "nome"));
    let plan = TablePlan::compile(&people(), &Arc::new(options(|options| options.column_filter = Some(filter)))).unwrap();
    assert_eq!(plan.select_columns(), ["id", "nome"]);
    let row = read_person(&plan);
    assert_eq!(row.key, Value::Struct(vec![Value::Int32(7)].into()));
    assert_eq!(row.row, Value::Struct(vec![Value::from("Ana")].into()));
}

#[test]
fn message_key_columns_replace_the_primary_key() {
    let keys = |setting: &str| {
        let options = Arc::new(options(|options| options.message_key_columns = Some(setting.into())));
        TablePlan::compile(&people(), &options).map(|plan| {
            let schema = plan.key_schema.clone().unwrap();
            schema.fields().unwrap().iter().map(|field| field.name.to_string()).collect::<Vec<_>>()
        })
    };
    assert_eq!(keys("bank.t:cpf,nome").unwrap(), ["cpf", "nome"]);
    assert_eq!(keys("(.*).t:CPF; other.x:id").unwrap(), ["cpf"]);
    assert_eq!(keys("bank.t:cpf;bank.t:id").unwrap(), ["cpf", "id"]);
    assert_eq!(keys("other.x:cpf").unwrap(), ["id"]);
    assert!(keys("bank.t").is_err());
}

#[test]
fn field_names_are_adjusted() {
    let mut people = people();
    people.columns[1].name = "nome completo".into();
    let options = options(|options| options.field_names = NameAdjustment::Avro);
    let plan = TablePlan::compile(&people, &Arc::new(options)).unwrap();
    assert!(plan.row_schema.field("nome_completo").is_some());
    assert_eq!(plan.select_columns()[1], "nome completo");
}

#[test]
fn unknown_types_are_refused_unless_left_out() {
    let mut people = people();
    people.columns[2].type_name = "HYPERCUBE".into();
    let error = TablePlan::compile(&people, &Arc::new(EventOptions::default())).unwrap_err();
    assert!(error.message().contains("HYPERCUBE") && error.message().contains("column.exclude.list"), "{error}");
    let filter = ColumnPredicate(Arc::new(|_: &TableId, column: &str| column != "cpf"));
    TablePlan::compile(&people, &Arc::new(options(|options| options.column_filter = Some(filter)))).unwrap();
}

#[test]
fn schema_names_of_every_semantic_type() {
    let names = |mode: TimePrecision| {
        let options = options(|options| options.time_precision = mode);
        ["DATE", "TIME", "DATETIME", "TIMESTAMP"].map(|name| schema(column(name, Some(6), None), &options).name.clone().unwrap())
    };
    let debezium = |name: &str| format!("io.debezium.time.{name}");
    let check = |mode, expected: [String; 4]| assert_eq!(names(mode).map(|name| name.to_string()), expected);
    check(TimePrecision::AdaptiveTimeMicroseconds, ["Date", "MicroTime", "MicroTimestamp", "ZonedTimestamp"].map(debezium));
    check(TimePrecision::Microseconds, ["Date", "MicroTime", "MicroTimestamp", "ZonedTimestamp"].map(debezium));
    check(TimePrecision::Nanoseconds, ["Date", "NanoTime", "NanoTimestamp", "ZonedTimestamp"].map(debezium));
    check(TimePrecision::IsoString, ["IsoDate", "IsoTime", "IsoTimestamp", "ZonedTimestamp"].map(debezium));
    let connect = names(TimePrecision::Connect);
    assert_eq!(&*connect[2], "org.apache.kafka.connect.data.Timestamp");
    let semantic = |name| schema(column(name, None, None), &EventOptions::default()).name.clone();
    for (type_name, semantic_name) in [
        ("JSON", "io.debezium.data.Json"),
        ("SET", "io.debezium.data.EnumSet"),
        ("YEAR", "io.debezium.time.Year"),
        ("VECTOR", "io.debezium.data.FloatVector"),
        ("UUID", "io.debezium.data.Uuid"),
        ("POINT", "io.debezium.data.geometry.Point"),
    ] {
        assert_eq!(semantic(type_name).as_deref(), Some(semantic_name));
    }
    assert_eq!(semantic("INET6"), None);
    assert_eq!(schema(column("INET4", None, None), &EventOptions::default()).kind, SchemaKind::String);
}
