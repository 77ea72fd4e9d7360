//! Row images of every wire type, and events that are damaged, partial or of another shape.

use proptest::prelude::*;

use super::super::column_types::ColumnPlan;
use super::super::options::{EventOptions, Profile, SnapshotValues};
use super::super::table::{Column, Table, TableId};
use super::*;

/// A column by definition, its type and metadata in the table map, and bytes of one value.
struct Wired {
    column: Column,
    code: u8,
    metadata: &'static [u8],
    bytes: Vec<u8>,
}

fn wired(type_name: &str, length: Option<i32>, code: u8, metadata: &'static [u8], bytes: &[u8]) -> Wired {
    let column = Column { type_name: type_name.into(), length, optional: true, ..Column::default() };
    Wired { column, code, metadata, bytes: bytes.to_vec() }
}

fn latin1(mut wired: Wired) -> Wired {
    wired.column.charset = Some("latin1".into());
    wired
}

fn table(columns: &[&Wired]) -> Table {
    let columns = columns.iter().enumerate();
    let columns = columns.map(|(index, wired)| Column { name: format!("c{index}"), position: index + 1, ..wired.column.clone() });
    let id = TableId::new("bank", "t");
    Table { id, columns: columns.collect(), primary_key: vec!["c0".into()], default_charset: None, comment: None }
}

fn map_body(columns: &[&Wired], optional: &[u8]) -> Vec<u8> {
    let mut body = vec![7, 0, 0, 0, 0, 0, 1, 0, 4];
    body.extend(b"bank\0\x01t\0");
    body.push(columns.len() as u8);
    body.extend(columns.iter().map(|wired| wired.code));
    let metadata: Vec<u8> = columns.iter().flat_map(|wired| wired.metadata.iter().copied()).collect();
    body.push(metadata.len() as u8);
    body.extend(metadata);
    body.extend(vec![0xFF; columns.len().div_ceil(8)]);
    body.extend(optional);
    body
}

/// A version 2 rows event whose images hold every column; `None` is NULL.
fn rows_body(columns: usize, update: bool, images: &[Vec<Option<&[u8]>>]) -> Vec<u8> {
    let mut body = vec![7, 0, 0, 0, 0, 0, 1, 0, 2, 0, columns as u8];
    for _ in 0..if update { 2 } else { 1 } {
        body.extend(
            (0..columns.div_ceil(8)).map(|byte| if (byte + 1) * 8 <= columns { 0xFF } else { (1_u8 << (columns % 8)) - 1 }),
        );
    }
    for image in images {
        let mut nulls = vec![0_u8; columns.div_ceil(8)];
        for (index, _) in image.iter().enumerate().filter(|(_, value)| value.is_none()) {
            nulls[index / 8] |= 1 << (index % 8);
        }
        body.extend(nulls);
        body.extend(image.iter().flatten().flat_map(|bytes| bytes.iter().copied()));
    }
    body
}

fn decoder(columns: &[&Wired], options: &EventOptions) -> Result<RowDecoder> {
    let plan = TablePlan::compile(&table(columns), &Arc::new(options.clone())).unwrap();
    RowDecoder::new(&plan, &TableMap::parse(&map_body(columns, &[])).unwrap())
}

fn read_rows(decoder: &RowDecoder, code: u8, body: Vec<u8>) -> Result<Vec<RowChange>> {
    let body = Bytes::from(body);
    let header = RowsHeader::parse(code, &body)?;
    decoder.rows(&header, &body)?.collect()
}

fn read_with(wired: Wired, options: &EventOptions) -> Result<Value> {
    let columns = [&wired];
    let mut rows = read_rows(&decoder(&columns, options)?, 30, rows_body(1, false, &[vec![Some(&wired.bytes)]]))?;
    let Some(RowChange::Create { after }) = rows.pop() else { panic!("no row") };
    let Value::Struct(mut values) = after.row else { panic!("no struct") };
    Ok(std::mem::take(&mut values[0]))
}

fn read_one(wired: Wired) -> Value {
    read_with(wired, &EventOptions::default()).unwrap()
}

fn bytes(bytes: &'static [u8]) -> Value {
    Value::Bytes(Bytes::from_static(bytes))
}

/// One column of every wire type with a value.
fn samples() -> Vec<(Wired, Value)> {
    let decimal = Wired {
        column: Column { scale: Some(2), ..wired("DECIMAL", Some(4), 0, &[], &[]).column },
        code: 246,
        metadata: &[4, 2],
        bytes: vec![0x8C, 0x22],
    };
    let mut labels = wired("ENUM", None, 254, &[247, 1], &[2]);
    labels.column.enum_values = vec!["a".into(), "b,c".into()];
    let mut members = wired("SET", None, 254, &[248, 1], &[0b101]);
    members.column.enum_values = vec!["x".into(), "y".into(), "z".into()];
    let point = [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0];
    let with_length = |bytes: &[u8], length_bytes: usize| {
        let mut all = (bytes.len() as u64).to_le_bytes()[..length_bytes].to_vec();
        all.extend(bytes);
        all
    };
    vec![
        (wired("TINYINT", None, 1, &[], &[0x80]), Value::Int16(-128)),
        (wired("TINYINT UNSIGNED", None, 1, &[], &[0xFF]), Value::Int16(255)),
        (wired("BOOLEAN", None, 1, &[], &[2]), Value::Boolean(true)),
        (wired("SMALLINT", None, 2, &[], &[0, 0x80]), Value::Int16(-32768)),
        (wired("SMALLINT UNSIGNED", None, 2, &[], &[0xFF, 0xFF]), Value::Int32(65535)),
        (wired("MEDIUMINT", None, 9, &[], &[0xFF, 0xFF, 0xFF]), Value::Int32(-1)),
        (wired("MEDIUMINT UNSIGNED", None, 9, &[], &[0xFF, 0xFF, 0xFF]), Value::Int32(16_777_215)),
        (wired("INT", None, 3, &[], &[0, 0, 0, 0x80]), Value::Int32(i32::MIN)),
        (wired("INT UNSIGNED", None, 3, &[], &[0xFF; 4]), Value::Int64(4_294_967_295)),
        (wired("BIGINT", None, 8, &[], &[0, 0, 0, 0, 0, 0, 0, 0x80]), Value::Int64(i64::MIN)),
        (wired("BIGINT UNSIGNED", None, 8, &[], &[0xFF; 8]), Value::Int64(-1)),
        (wired("FLOAT", None, 4, &[4], &0.1_f32.to_le_bytes()), Value::Float32(0.1)),
        (wired("DOUBLE", None, 5, &[8], &1e308_f64.to_le_bytes()), Value::Float64(1e308)),
        (decimal, bytes(&[0x04, 0xD2])),
        (wired("YEAR", None, 13, &[], &[155]), Value::Int32(2055)),
        (wired("YEAR", None, 13, &[], &[0]), Value::Int32(1900)),
        (wired("DATE", None, 10, &[], &[0x3F, 0xD0, 0x0F]), Value::Int32(19753)),
        (wired("DATE", None, 10, &[], &[0, 0, 0]), Value::Null),
        (wired("TIME", None, 11, &[], &101_530_u32.to_le_bytes()[..3]), Value::Int64(36_930_000_000)),
        (wired("TIME", None, 19, &[0], &[0x80, 0xA3, 0xDE]), Value::Int64(36_930_000_000)),
        (wired("TIME", Some(6), 19, &[6], &[0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), Value::Int64(-1)),
        (wired("DATETIME", None, 12, &[], &20_240_131_101_530_u64.to_le_bytes()), Value::Int64(1_706_696_130_000)),
        (wired("DATETIME", Some(3), 18, &[3], &[0x99, 0xB2, 0x7E, 0xA3, 0xDE, 0x04, 0xB0]), Value::Int64(1_706_696_130_120)),
        (wired("DATETIME", None, 18, &[0], &[0x80, 0, 0, 0, 0]), Value::Null),
        (wired("TIMESTAMP", None, 7, &[], &1_706_696_130_u32.to_le_bytes()), Value::from("2024-01-31T10:15:30Z")),
        (wired("TIMESTAMP", Some(3), 17, &[3], &[0x65, 0xBA, 0x1D, 0xC2, 0x03, 0xE8]), Value::from("2024-01-31T10:15:30.100Z")),
        (wired("TIMESTAMP", None, 17, &[0], &[0; 4]), Value::Null),
        (wired("BIT", Some(9), 16, &[1, 1], &[1, 2]), bytes(&[2, 1])),
        (wired("BIT", None, 16, &[1, 0], &[1]), Value::Boolean(true)),
        (labels, Value::from("b\\,c")),
        (members, Value::from("x,z")),
        (wired("VARCHAR", Some(20), 15, &[20, 0], &with_length("ação".as_bytes(), 1)), Value::from("ação")),
        (wired("VARCHAR", Some(400), 15, &[0x40, 0x06], &with_length("ação".as_bytes(), 2)), Value::from("ação")),
        (latin1(wired("CHAR", Some(20), 254, &[254, 20], &with_length(b"a\xE7\xE3o", 1))), Value::from("ação")),
        (wired("CHAR", Some(255), 254, &[0xCE, 0xFC], &with_length(b"x", 2)), Value::from("x")),
        (wired("BINARY", Some(4), 254, &[254, 4], &with_length(b"a", 1)), bytes(b"a\0\0\0")),
        (wired("VARBINARY", Some(4), 15, &[4, 0], &with_length(b"a\0", 1)), bytes(b"a\0")),
        (wired("TEXT", None, 252, &[2], &with_length(b"text", 2)), Value::from("text")),
        (wired("LONGBLOB", None, 252, &[4], &with_length(b"blob", 4)), bytes(b"blob")),
        (wired("JSON", None, 245, &[4], &with_length(&[0x05, 1, 0], 4)), Value::from("1")),
        (wired("JSON", None, 252, &[4], &with_length(b"[1, 2]", 4)), Value::from("[1, 2]")),
        (
            wired("POINT", None, 255, &[4], &with_length(&point, 4)),
            Value::Struct(
                vec![Value::Float64(1.5), Value::Float64(-2.0), Value::Bytes(Bytes::copy_from_slice(&point[4..])), Value::Null]
                    .into(),
            ),
        ),
        (wired("VECTOR", Some(1), 242, &[4], &with_length(&1.5_f32.to_le_bytes(), 4)), Value::Array(vec![Value::Float32(1.5)])),
        (wired("UUID", None, 254, &[254, 16], &with_length(&[0x12; 16], 1)), Value::from("12121212-1212-1212-1212-121212121212")),
        (wired("INET4", None, 254, &[254, 4], &with_length(&[192, 168], 1)), Value::from("192.168.0.0")),
        (wired("INET6", None, 254, &[254, 16], &with_length(&[0x20, 1], 1)), Value::from("2001::")),
    ]
}

#[test]
fn every_wire_type_is_read() {
    for (wired, value) in samples() {
        let what = format!("{} as type {}", wired.column.type_name, wired.code);
        assert_eq!(read_one(wired), value, "{what}");
    }
}

#[test]
fn all_columns_of_one_row_are_read_and_stepped_over() {
    let samples = samples();
    let columns: Vec<&Wired> = samples.iter().map(|(wired, _)| wired).collect();
    let image: Vec<Option<&[u8]>> = columns.iter().map(|wired| Some(&wired.bytes[..])).collect();
    let nulls = vec![None; columns.len()];
    let body = rows_body(columns.len(), false, &[image.clone(), nulls, image]);
    let decoder = decoder(&columns, &EventOptions::default()).unwrap();
    let rows = read_rows(&decoder, 30, body.clone()).unwrap();
    assert_eq!(rows.len(), 3);
    for (index, row) in rows.iter().enumerate() {
        let RowChange::Create { after } = row else { panic!("{row:?}") };
        after.row.check(&decoder.plan().row_schema).unwrap();
        let expected: Vec<Value> =
            samples.iter().map(|(_, value)| if index == 1 { Value::Null } else { value.clone() }).collect();
        assert_eq!(after.row, Value::Struct(expected.into()));
    }
    // With everything but the key left out, each type is skipped instead.
    let filter = super::super::options::ColumnPredicate(Arc::new(|_: &TableId, _: &str| false));
    let options = EventOptions { column_filter: Some(filter), ..EventOptions::default() };
    let skipping = self::decoder(&columns, &options).unwrap();
    let RowChange::Create { after } = &read_rows(&skipping, 30, body).unwrap()[2] else { panic!("no row") };
    assert_eq!((&after.key, after.row.as_struct().unwrap().len()), (&Value::Struct(vec![Value::Int16(-128)].into()), 0));
}

#[test]
fn zero_timestamps_follow_the_profile() {
    let zero = || wired("TIMESTAMP", Some(3), 17, &[3], &[0; 6]);
    let with = |profile| read_with(zero(), &EventOptions { profile, ..EventOptions::default() }).unwrap();
    assert_eq!(with(Profile::V3_6), Value::Null);
    assert_eq!(with(Profile::V2_7), Value::from("1970-01-01T00:00:00.000Z"));
    assert_eq!(with(Profile::V1_9), Value::from("1970-01-01T00:00:00Z"));
}

#[test]
fn both_phases_can_have_the_same_labels_and_years() {
    let options = EventOptions { snapshot_values: SnapshotValues::AsStream, ..EventOptions::default() };
    let mut labels = wired("ENUM", None, 254, &[247, 1], &[1]);
    labels.column.enum_values = vec!["b,c".into()];
    assert_eq!(read_with(labels, &options).unwrap(), Value::from("b,c"));
    assert_eq!(read_with(wired("YEAR", None, 13, &[], &[0]), &options).unwrap(), Value::Int32(0));
}

#[test]
fn labels_beyond_the_definition_are_an_error() {
    let mut labels = wired("ENUM", None, 254, &[247, 1], &[3]);
    labels.column.enum_values = vec!["a".into()];
    assert!(read_with(labels, &EventOptions::default()).unwrap_err().message().contains("ENUM"));
    let mut invalid = wired("ENUM", None, 254, &[247, 1], &[0]);
    invalid.column.enum_values = vec!["a".into()];
    assert_eq!(read_one(invalid), Value::from(""));
}

fn id_and_name() -> [Wired; 2] {
    [wired("INT", None, 3, &[], &[1, 0, 0, 0]), wired("VARCHAR", Some(20), 15, &[80, 0], b"\x03Ana")]
}

#[test]
fn updates_and_deletes_carry_their_images() {
    let [id, name] = id_and_name();
    let decoder = decoder(&[&id, &name], &EventOptions::default()).unwrap();
    let before = vec![Some(&id.bytes[..]), Some(&name.bytes[..])];
    let after = vec![Some(&[2, 0, 0, 0][..]), None];
    let rows = read_rows(&decoder, 31, rows_body(2, true, &[before.clone(), after.clone()])).unwrap();
    let [RowChange::Update { before: old, after: new }] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(old.key, Value::Struct(vec![Value::Int32(1)].into()));
    assert_eq!(new.row, Value::Struct(vec![Value::Int32(2), Value::Null].into()));
    let rows = read_rows(&decoder, 32, rows_body(2, false, &[before, after])).unwrap();
    assert!(matches!(&rows[..], [RowChange::Delete { .. }, RowChange::Delete { .. }]));
}

#[test]
fn version_1_events_have_no_extra_data() {
    let [id, name] = id_and_name();
    let decoder = decoder(&[&id, &name], &EventOptions::default()).unwrap();
    let mut body = rows_body(2, false, &[vec![Some(&id.bytes), Some(&name.bytes)]]);
    body.drain(8..10);
    assert_eq!(read_rows(&decoder, 23, body).unwrap().len(), 1);
    // And version 2 may have some.
    let mut body = rows_body(2, false, &[vec![Some(&id.bytes), Some(&name.bytes)]]);
    body[8] = 5;
    body.splice(10..10, [1, 2, 3]);
    assert_eq!(read_rows(&decoder, 30, body).unwrap().len(), 1);
}

#[test]
fn text_shares_the_events_memory() {
    let [id, name] = id_and_name();
    let decoder = decoder(&[&id, &name], &EventOptions::default()).unwrap();
    let body = Bytes::from(rows_body(2, false, &[vec![Some(&id.bytes), Some(&name.bytes)]]));
    let header = RowsHeader::parse(30, &body).unwrap();
    let RowChange::Create { after } = decoder.rows(&header, &body).unwrap().next().unwrap().unwrap() else { panic!("no row") };
    let Value::String(text) = &after.row.as_struct().unwrap()[1] else { panic!("no text") };
    assert!(body.as_ptr_range().contains(&text.as_ptr()));
}

#[test]
fn partial_images_are_refused_with_advice() {
    let [id, name] = id_and_name();
    let decoder = decoder(&[&id, &name], &EventOptions::default()).unwrap();
    let mut body = vec![7, 0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 0b01, 0];
    body.extend(&id.bytes);
    let error = read_rows(&decoder, 30, body).unwrap_err();
    assert!(error.message().contains("'c1'") && error.message().contains("binlog_row_image=FULL"), "{error}");
}

#[test]
fn images_may_lack_columns_nobody_needs() {
    let [id, name] = id_and_name();
    let filter = super::super::options::ColumnPredicate(Arc::new(|_: &TableId, column: &str| column == "c0"));
    let options = EventOptions { column_filter: Some(filter), ..EventOptions::default() };
    let decoder = decoder(&[&id, &name], &options).unwrap();
    let mut body = vec![7, 0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 0b01, 0];
    body.extend(&id.bytes);
    assert_eq!(read_rows(&decoder, 30, body).unwrap().len(), 1);
}

#[test]
fn forms_that_cannot_be_read_say_which_variable_to_set() {
    let body = [0; 12];
    let partial = RowsHeader::parse(39, &body).unwrap_err();
    assert!(partial.message().contains("binlog_row_value_options"), "{partial}");
    let compressed = RowsHeader::parse(166, &body).unwrap_err();
    assert!(compressed.message().contains("log_bin_compress"), "{compressed}");
    assert!(RowsHeader::parse(2, &body).is_err());
    let text = wired("TEXT", None, 140, &[2], &[0, 0]);
    let error = decoder(&[&text], &EventOptions::default()).unwrap_err();
    assert!(error.message().contains("COMPRESSED"), "{error}");
}

#[test]
fn definitions_that_do_not_fit_are_refused() {
    let [id, name] = id_and_name();
    let error = |columns: &[&Wired], map: Vec<u8>| {
        let plan = TablePlan::compile(&table(columns), &Arc::new(EventOptions::default())).unwrap();
        RowDecoder::new(&plan, &TableMap::parse(&map).unwrap()).unwrap_err().message().to_owned()
    };
    assert!(error(&[&id, &name], map_body(&[&id], &[])).contains("2 columns, the binlog event 1"));
    assert!(error(&[&id, &name], map_body(&[&name, &id], &[])).contains("'c0'"));
    let bigint = wired("BIGINT", None, 8, &[], &[]);
    assert!(error(&[&id], map_body(&[&bigint], &[])).contains("'c0'"));
    let renamed = map_body(&[&id], &[4, 3, 2, b'x', b'y']);
    assert!(error(&[&id], renamed).contains("'xy'"));
    // A MariaDB TIME(3) of mysql56_temporal_format=OFF.
    let old = wired("TIME", Some(3), 11, &[], &[]);
    assert!(error(&[&old], map_body(&[&old], &[])).contains("'c0'"));
}

#[test]
fn table_maps_tell_charsets_and_names() {
    let [id, name] = id_and_name();
    let blob = wired("BLOB", None, 252, &[2], &[]);
    let columns = [&id, &name, &blob];
    // Default collation 255 with column 1 (of the text columns) binary; names.
    let optional = [2, 4, 0xFC, 255, 0, 1, 4, 6, 1, b'a', 1, b'b', 1, b'c'];
    let mut optional = optional.to_vec();
    optional.insert(6, 63);
    optional[1] = 5;
    let map = TableMap::parse(&map_body(&columns, &optional)).unwrap();
    assert_eq!((map.table_id, map.database.as_str(), map.table.as_str()), (7, "bank", "t"));
    let collations: Vec<_> = map.columns.iter().map(|column| column.collation).collect();
    assert_eq!(collations, [None, Some(255), Some(63)]);
    assert_eq!(map.column_names().unwrap(), ["a", "b", "c"]);
    let each = TableMap::parse(&map_body(&columns, &[3, 2, 8, 63])).unwrap();
    assert_eq!(each.columns[1].collation, Some(8));
    // What does not add up is left alone.
    let odd = TableMap::parse(&map_body(&columns, &[3, 1, 8])).unwrap();
    assert_eq!(odd.columns[1].collation, None);
    assert_eq!(odd.column_names(), None);
}

#[test]
fn the_table_maps_charset_wins() {
    let [id, name] = id_and_name();
    let name = Wired { bytes: b"\x04a\xE7\xE3o".to_vec(), ..name };
    let columns = [&id, &name];
    let plan = TablePlan::compile(&table(&columns), &Arc::new(EventOptions::default())).unwrap();
    let decoder = RowDecoder::new(&plan, &TableMap::parse(&map_body(&columns, &[2, 1, 8])).unwrap()).unwrap();
    let body = rows_body(2, false, &[vec![Some(&id.bytes), Some(&name.bytes)]]);
    let rows = read_rows(&decoder, 30, body).unwrap();
    let RowChange::Create { after } = &rows[0] else { panic!("{rows:?}") };
    assert_eq!(after.row.as_struct().unwrap()[1], Value::from("ação"));
}

#[test]
fn an_unknown_column_type_is_named() {
    let unknown = wired("INT", None, 99, &[], &[]);
    let error = TableMap::parse(&map_body(&[&unknown], &[])).unwrap_err();
    assert!(error.message().contains("type 99"), "{error}");
}

#[test]
fn nothing_follows_an_error() {
    let [id, name] = id_and_name();
    let decoder = decoder(&[&id, &name], &EventOptions::default()).unwrap();
    let image = vec![Some(&id.bytes[..]), Some(&name.bytes[..])];
    let mut body = rows_body(2, false, &[image.clone(), image]);
    body.pop();
    let body = Bytes::from(body);
    let header = RowsHeader::parse(30, &body).unwrap();
    let results: Vec<bool> = decoder.rows(&header, &body).unwrap().map(|row| row.is_ok()).collect();
    assert_eq!(results, [true, false]);
    let needed = decoder.plan().columns.iter().filter(|column: &&ColumnPlan| column.is_needed()).count();
    assert_eq!(needed, 2);
}

fn all_columns_event(code: u8) -> (RowDecoder, Vec<u8>) {
    let samples = samples();
    let columns: Vec<&Wired> = samples.iter().map(|(wired, _)| wired).collect();
    let image: Vec<Option<&[u8]>> = columns.iter().map(|wired| Some(&wired.bytes[..])).collect();
    let body = rows_body(columns.len(), code == 31, &[image.clone(), image]);
    (decoder(&columns, &EventOptions::default()).unwrap(), body)
}

#[test]
fn an_event_cut_anywhere_is_an_error_or_a_shorter_event() {
    for code in [30, 31, 32] {
        let (decoder, body) = all_columns_event(code);
        let whole = read_rows(&decoder, code, body.clone()).unwrap().len();
        for length in 0..body.len() {
            if let Ok(rows) = read_rows(&decoder, code, body[..length].to_vec()) {
                assert!(rows.len() < whole, "cut at {length} of {}", body.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn damaged_events_never_panic(code in prop::sample::select(vec![30_u8, 31, 32]), at in 0_usize..600, byte in any::<u8>(), cut in 0_usize..600) {
        let (decoder, mut body) = all_columns_event(code);
        let length = body.len();
        body[at % length] = byte;
        body.truncate(length - cut % length);
        let _ = read_rows(&decoder, code, body);
    }

    #[test]
    fn random_bodies_never_panic(code in prop::sample::select(vec![23_u8, 24, 25, 30, 31, 32]), tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let (decoder, body) = all_columns_event(code);
        let start = if code >= 30 { 11 } else { 9 };
        let mut body = body[..start].to_vec();
        body.extend(tail);
        let _ = read_rows(&decoder, code, body);
    }

    #[test]
    fn random_table_maps_never_panic(at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200, tail in prop::collection::vec(any::<u8>(), 0..60)) {
        let samples = samples();
        let columns: Vec<&Wired> = samples.iter().map(|(wired, _)| wired).collect();
        let mut body = map_body(&columns, &tail);
        let length = body.len();
        body[at % length] = byte;
        body.truncate(length - cut % length);
        let plan = TablePlan::compile(&table(&columns), &Arc::new(EventOptions::default())).unwrap();
        if let Ok(map) = TableMap::parse(&body) {
            let _ = RowDecoder::new(&plan, &map);
        }
    }
}
