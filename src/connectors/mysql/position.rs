//! Says where in the binlog reading can resume, in the form of Debezium's source offsets.
//!
//! contracts/mysql-source.md, section 6: the position of the running transaction's BEGIN (else the end of the last complete
//! event), the transactions completed before it, and inside a transaction how many events and rows were already sent.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::gtid::GtidSet;
use super::options::Profile;
use crate::data::{SourceOffset, SourcePartition};
use crate::plugin::{ConnectError, Result};

/// A place where reading can resume.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BinlogPosition {
    /// Empty: the oldest file the server has.
    pub file: String,
    pub pos: u64,
    /// The transactions complete before this place; none where the server numbers none.
    pub gtids: Option<String>,
    /// Events of the running transaction, its BEGIN counted, that are done.
    pub event: u64,
    /// Rows of the event after those that are done.
    pub row: u64,
    /// The server that wrote the last event; 0 if unknown.
    pub server_id: u32,
    pub ts_sec: Option<i64>,
    /// The initial snapshot is not complete, so the position is of no use.
    pub in_snapshot: bool,
}

/// The object under which offsets are stored, `{"server":"<topic.prefix>"}`.
pub fn source_partition(logical_name: &str) -> SourcePartition {
    let mut partition = Map::new();
    partition.insert("server".to_owned(), Json::from(logical_name));
    Arc::new(partition)
}

impl BinlogPosition {
    /// # Errors
    /// `Fatal` if the offset names no file or a value has another type than Debezium gives it.
    pub fn from_offset(offset: &Map<String, Json>) -> Result<Self> {
        let bad = |key: &str, value: &Json| {
            ConnectError::fatal(format!(
                "cannot use the stored offset: '{key}' is {value}; correct it with PATCH /connectors/<name>/offsets, or delete the \
                 offset to start with a new snapshot"
            ))
        };
        let number = |key: &str| match offset.get(key) {
            None | Some(Json::Null) => Ok(0),
            Some(value) => value.as_u64().or_else(|| value.as_str()?.parse().ok()).ok_or_else(|| bad(key, value)),
        };
        let text = |key: &str| match offset.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(value) => Err(bad(key, value)),
        };
        let file = text("file")?.ok_or_else(|| bad("file", &Json::Null))?;
        // A MySQL start before 3.3 stored "" and null for a set that was never there.
        let gtids = text("gtids")?.filter(|set| !set.trim().is_empty());
        Ok(Self {
            file,
            pos: number("pos")?,
            gtids: gtids.map(|set| set.split_whitespace().collect()),
            event: number("event")?,
            row: number("row")?,
            server_id: u32::try_from(number("server_id")?).unwrap_or(0),
            ts_sec: offset.get("ts_sec").and_then(Json::as_i64),
            in_snapshot: snapshot_unfinished(offset),
        })
    }

    /// The offset as the profile's Debezium stores it. Keys come in the order of Java's HashMap.
    pub fn to_offset(&self, profile: Profile) -> SourceOffset {
        Arc::new(self.to_map(profile))
    }

    pub fn to_map(&self, profile: Profile) -> Map<String, Json> {
        let mut offset = Map::new();
        // Debezium 1.9 to 2.x write the key even with transaction metadata off; seen with 1.9.7.
        if profile == Profile::V1_9 {
            offset.insert("transaction_id".to_owned(), Json::Null);
        }
        if let Some(seconds) = self.ts_sec {
            offset.insert("ts_sec".to_owned(), Json::from(seconds));
        }
        offset.insert("file".to_owned(), Json::from(self.file.as_str()));
        offset.insert("pos".to_owned(), Json::from(self.pos));
        if let Some(gtids) = &self.gtids {
            offset.insert("gtids".to_owned(), Json::from(gtids.as_str()));
        }
        if self.row != 0 {
            offset.insert("row".to_owned(), Json::from(self.row));
        }
        if self.server_id != 0 {
            offset.insert("server_id".to_owned(), Json::from(self.server_id));
        }
        if self.event != 0 {
            offset.insert("event".to_owned(), Json::from(self.event));
        }
        if self.in_snapshot {
            // The text came with 3.0.2; a 2.7 file is read by both.
            let flag = if profile >= Profile::V3_1 { Json::from("INITIAL") } else { Json::from(true) };
            offset.insert("snapshot".to_owned(), flag);
        }
        offset
    }

    /// Where the position is, for messages.
    pub fn describe(&self) -> String {
        let file = if self.file.is_empty() { "the oldest file" } else { &self.file };
        format!("{file}:{}", self.pos)
    }
}

/// `INCREMENTAL` is a snapshot beside the stream, which leaves the position good.
fn snapshot_unfinished(position: &Map<String, Json>) -> bool {
    let completed = matches!(position.get("snapshot_completed"), Some(Json::Bool(true)));
    match position.get("snapshot") {
        Some(Json::Bool(flag)) => *flag && !completed,
        Some(Json::String(text)) => !completed && ["true", "initial", "blocking"].contains(&text.to_ascii_lowercase().as_str()),
        _ => false,
    }
}

/// True if the schema change recorded at `recorded` had happened at the stored position `stored`.
///
/// Equal GTID sets with both places outside a transaction are told apart by their place in the file where both name the
/// same one: then the statement is still to be read from the binlog, and applying it twice would be wrong. (Debezium says
/// "at or before" there and applies it twice.)
pub fn is_at_or_before(recorded: &Map<String, Json>, stored: &BinlogPosition, mariadb: bool) -> bool {
    let text = |key: &str| recorded.get(key).and_then(Json::as_str);
    let number = |key: &str| recorded.get(key).and_then(Json::as_u64).unwrap_or(0);
    let recorded_in_snapshot = matches!(recorded.get("snapshot"), Some(Json::Bool(true) | Json::String(_)));
    let recorded_gtids = text("gtids").filter(|set| !set.trim().is_empty());
    let by_counters = || (number("event"), number("row")) <= (stored.event, stored.row);

    if let Some(stored_gtids) = &stored.gtids {
        // Numbering was switched on after the statement.
        let Some(recorded_gtids) = recorded_gtids else { return true };
        let (Ok(recorded_set), Ok(stored_set)) = (GtidSet::parse(recorded_gtids, mariadb), GtidSet::parse(stored_gtids, mariadb))
        else {
            return true;
        };
        if recorded_set != stored_set {
            return recorded_set.is_within(&stored_set);
        }
        if recorded_in_snapshot {
            return true;
        }
        if stored.in_snapshot {
            return false;
        }
        if text("file") == Some(stored.file.as_str()) && number("event") == 0 && stored.event == 0 {
            return number("pos") <= stored.pos;
        }
        return by_counters();
    }
    if recorded_gtids.is_some() {
        return false;
    }
    let recorded_server = number("server_id");
    if recorded_server != 0 && stored.server_id != 0 && recorded_server != u64::from(stored.server_id) {
        return recorded.get("ts_sec").and_then(Json::as_i64) <= stored.ts_sec;
    }
    match compare_files(text("file").unwrap_or_default(), &stored.file) {
        Some(Ordering::Less) | None => true,
        Some(Ordering::Greater) => false,
        Some(Ordering::Equal) => match number("pos").cmp(&stored.pos) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => by_counters(),
        },
    }
}

/// Orders binlog files by their number. Files of different base names cannot be compared.
pub fn compare_files(a: &str, b: &str) -> Option<Ordering> {
    if a == b {
        return Some(Ordering::Equal);
    }
    let (a_base, a_number) = a.rsplit_once('.')?;
    let (b_base, b_number) = b.rsplit_once('.')?;
    if a_base != b_base {
        return None;
    }
    Some(a_number.parse::<u64>().ok()?.cmp(&b_number.parse::<u64>().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "753e80d0-e8ba-11f1-be0f-02fc00000001";

    fn offset(value: &Json) -> Map<String, Json> {
        value.as_object().unwrap().clone()
    }

    fn position(value: &Json) -> BinlogPosition {
        BinlogPosition::from_offset(&offset(value)).unwrap()
    }

    #[test]
    fn reads_and_writes_what_debezium_stores() {
        let inside = json!({"ts_sec": 1_700_000_000, "file": "mysql-bin.000007", "pos": 4711, "gtids": "u:1-99", "row": 1,
            "server_id": 223_344, "event": 2});
        let read = position(&inside);
        assert_eq!((read.pos, read.event, read.row, read.in_snapshot), (4711, 2, 1, false));
        let written = serde_json::to_string(&read.to_map(Profile::V3_6)).unwrap();
        assert_eq!(
            written,
            r#"{"ts_sec":1700000000,"file":"mysql-bin.000007","pos":4711,"gtids":"u:1-99","row":1,"server_id":223344,"event":2}"#
        );
        let written = serde_json::to_string(&read.to_map(Profile::V1_9)).unwrap();
        assert!(written.starts_with(r#"{"transaction_id":null,"ts_sec""#));
    }

    #[test]
    fn knows_every_spelling_of_an_unfinished_snapshot() {
        for (flag, unfinished) in [
            (json!(true), true),
            (json!("true"), true),
            (json!("INITIAL"), true),
            (json!("BLOCKING"), true),
            (json!("INCREMENTAL"), false),
            (json!(false), false),
            (Json::Null, false),
        ] {
            assert_eq!(position(&json!({"file": "f.1", "pos": 4, "snapshot": flag})).in_snapshot, unfinished, "{flag}");
        }
        assert!(!position(&json!({"file": "f.1", "pos": 4, "snapshot": true, "snapshot_completed": true})).in_snapshot);
        let unfinished = BinlogPosition { file: "f.1".into(), in_snapshot: true, ..BinlogPosition::default() };
        assert_eq!(unfinished.to_map(Profile::V1_9)["snapshot"], json!(true));
        assert_eq!(unfinished.to_map(Profile::V3_6)["snapshot"], json!("INITIAL"));
    }

    #[test]
    fn refuses_an_offset_without_file() {
        let error = BinlogPosition::from_offset(&offset(&json!({"pos": 4}))).unwrap_err();
        assert!(error.message().starts_with("cannot use the stored offset: 'file' is null"), "{}", error.message());
        assert!(BinlogPosition::from_offset(&offset(&json!({"file": "f", "pos": "x"}))).is_err());
    }

    #[test]
    fn orders_history_by_gtids_first() {
        let stored = position(&json!({"file": "b.000002", "pos": 500, "gtids": format!("{A}:1-10"), "event": 3}));
        let at = |gtids: &str| offset(&json!({"file": "b.000009", "pos": 4, "gtids": format!("{A}:{gtids}")}));
        assert!(is_at_or_before(&at("1-9"), &stored, false));
        assert!(!is_at_or_before(&at("1-11"), &stored, false));
        assert!(is_at_or_before(&at("1-10"), &stored, false), "a transaction began since");
        assert!(is_at_or_before(&offset(&json!({"file": "b.000009", "pos": 4})), &stored, false));
    }

    #[test]
    fn a_statement_still_in_the_binlog_is_not_taken_from_the_history() {
        let stored = position(&json!({"file": "b.000002", "pos": 500, "gtids": format!("{A}:1-10")}));
        let recorded = json!({"file": "b.000002", "pos": 620, "gtids": format!("{A}:1-10")});
        assert!(!is_at_or_before(&offset(&recorded), &stored, false));
        let in_snapshot = json!({"file": "b.000002", "pos": 620, "gtids": format!("{A}:1-10"), "snapshot": "INITIAL"});
        assert!(is_at_or_before(&offset(&in_snapshot), &stored, false));
    }

    #[test]
    fn orders_history_by_file_and_position_without_gtids() {
        let stored = position(&json!({"file": "b.000010", "pos": 500, "server_id": 1, "ts_sec": 100}));
        for (recorded, before) in [
            (json!({"file": "b.000009", "pos": 900, "server_id": 1}), true),
            (json!({"file": "b.000010", "pos": 500, "server_id": 1}), true),
            (json!({"file": "b.000010", "pos": 501, "server_id": 1}), false),
            (json!({"file": "b.000010", "pos": 500, "server_id": 1, "event": 1}), false),
            (json!({"file": "b.000011", "pos": 4, "server_id": 1}), false),
            (json!({"file": "b.000099", "pos": 4, "server_id": 2, "ts_sec": 99}), true),
            (json!({"file": "b.000001", "pos": 4, "server_id": 2, "ts_sec": 101}), false),
            (json!({"file": "b.000001", "pos": 4, "gtids": format!("{A}:1")}), false),
        ] {
            assert_eq!(is_at_or_before(&offset(&recorded), &stored, false), before, "{recorded}");
        }
    }
}
