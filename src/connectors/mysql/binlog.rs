//! Turns binlog events into records, in the order and with the bookkeeping of Debezium's reader.

use ahash::AHashMap;
use bytes::Bytes;
use mysql_async::binlog::events::{Event, GtidEvent, TransactionPayloadEvent};
use tracing::{debug, error, warn};

use super::binlog_events::{self as events, MariaDbGtid, Query, Rotate, code};
use super::binlog_rows::{RowDecoder, RowsHeader, RowsKind, TableMap};
use super::capture::{Capture, now_ns};
use super::catalog::{SchemaChange, SchemaChangeKind};
use super::config::FailureHandling;
use super::envelope::{SnapshotMarker, SourceInfo};
use super::gtid::{Gtid, SourceId};
use super::options::Profile;
use super::output::{Output, Stopped};
use super::preflight::counts_source;
use super::schema_changes::SchemaChangeRecords;
use super::table::TableId;
use super::tracker::{EventPlace, Tracker};
use crate::data::Utf8Bytes;
use crate::plugin::ConnectError;

/// A server that opens and closes many tables gives them new numbers each time. Table maps are sent anew with every
/// statement, so between transactions all may be forgotten.
const MAX_MAPPED_TABLES: usize = 4096;

/// Why reading ends.
#[derive(Debug)]
pub enum End {
    Stopped,
    Failed(ConnectError),
}

impl From<Stopped> for End {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<ConnectError> for End {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error)
    }
}

/// A table as the current TABLE_MAP events number it.
struct MappedTable {
    id: TableId,
    /// The event's body: as long as it stays the same, so does the decoder.
    body: Bytes,
    rows: MappedRows,
}

enum MappedRows {
    /// Not captured.
    Ignored,
    /// Captured, but its structure is not known, and the settings say to go on.
    Unknown,
    Decoded(Box<RowDecoder>),
}

/// What of the running transaction goes into `source`.
#[derive(Default)]
struct Transaction {
    gtid: Option<Utf8Bytes>,
    /// Commit time in microseconds, where the server tells it.
    commit_us: Option<i64>,
    thread: Option<i64>,
    query: Option<Utf8Bytes>,
    /// Its source is left out by the settings.
    ignored: bool,
}

/// The reader of one binlog connection.
pub struct Interpreter<'a> {
    capture: &'a mut Capture,
    output: &'a mut Output,
    changes: &'a SchemaChangeRecords,
    tracker: Tracker,
    tables: AHashMap<u64, MappedTable>,
    transaction: Transaction,
    file: Utf8Bytes,
    /// Bytes of a compressed transaction that are still to come as events of their own.
    payload_left: u64,
    uses_gtids: bool,
}

impl<'a> Interpreter<'a> {
    pub fn new(
        capture: &'a mut Capture,
        output: &'a mut Output,
        changes: &'a SchemaChangeRecords,
        tracker: Tracker,
        uses_gtids: bool,
    ) -> Self {
        let file = Utf8Bytes::from(tracker.file().to_owned());
        Self {
            capture,
            output,
            changes,
            tracker,
            tables: AHashMap::new(),
            transaction: Transaction::default(),
            file,
            payload_left: 0,
            uses_gtids,
        }
    }

    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The event that was being handled is to be read again.
    pub fn undo_event(&mut self) {
        self.tracker.undo_event();
    }

    pub fn output(&mut self) -> &mut Output {
        self.output
    }

    /// Hands over what there is, with the place to resume.
    pub async fn flush(&mut self) -> Result<(), Stopped> {
        let position = self.tracker.position(0);
        self.output.send(Some(&position)).await
    }

    /// Handles the next event of the stream.
    ///
    /// # Errors
    /// `Fatal` with the event's place if it cannot be understood and the settings do not say to go on.
    pub async fn handle(&mut self, event: Event) -> Result<(), End> {
        let header = event.header();
        let type_code = header.event_type_raw();
        let place = EventPlace {
            timestamp: header.timestamp(),
            server_id: header.server_id(),
            size: header.event_size(),
            next: header.log_pos(),
        };
        if matches!(type_code, code::HEARTBEAT | code::HEARTBEAT_V2) {
            return Ok(());
        }
        if self.payload_left > 0 {
            // The driver swallows a compressed transaction that it cannot unpack: its events are then missing here.
            if !may_be_compressed(type_code) {
                return Err(self.at(ConnectError::fatal("cannot unpack a compressed transaction (TRANSACTION_PAYLOAD)")).into());
            }
            self.payload_left = self.payload_left.saturating_sub(u64::from(place.size));
        }
        self.tracker.start_event(place);
        self.handle_kind(type_code, place, event).await?;
        if type_code == code::TRANSACTION_PAYLOAD {
            // It is complete when the events inside it are.
            return Ok(());
        }
        self.tracker.end_event(place);
        if self.payload_left == 0 {
            self.tracker.end_payload();
        }
        Ok(())
    }

    async fn handle_kind(&mut self, type_code: u8, place: EventPlace, event: Event) -> Result<(), End> {
        match type_code {
            code::ROTATE => {
                let rotate = Rotate::parse(event.data()).map_err(|error| self.at(error))?;
                self.tracker.rotate(&rotate.file, rotate.pos);
                self.file = Utf8Bytes::from(rotate.file);
                if place.next != 0 {
                    self.tables.clear();
                }
            }
            code::GTID | code::GTID_TAGGED | code::ANONYMOUS_GTID => self.start_gtid(type_code, &event)?,
            code::MARIADB_GTID => {
                let gtid = MariaDbGtid::parse(event.data()).map_err(|error| self.at(error))?;
                self.start_mariadb_gtid(gtid, place);
            }
            code::QUERY | code::MARIADB_QUERY_COMPRESSED => {
                let query =
                    if type_code == code::QUERY { Query::parse(event.data()) } else { Query::parse_compressed(event.data()) };
                let query = query.map_err(|error| self.at(error))?;
                self.statement(query, place).await?;
            }
            code::XID => self.commit(place),
            code::XA_PREPARE => self.commit(place),
            code::TABLE_MAP => self.map_table(event)?,
            code::ROWS_QUERY if self.capture.config.streaming.include_query => {
                self.transaction.query = Some(events::rows_query(event.data()).into());
            }
            code::TRANSACTION_PAYLOAD => {
                let payload: TransactionPayloadEvent<'_> = event
                    .read_event()
                    .map_err(|error| self.at(ConnectError::fatal("cannot read a TRANSACTION_PAYLOAD event").caused_by(error)))?;
                self.payload_left = payload.uncompressed_size();
                self.tracker.start_payload(place);
            }
            code::INCIDENT => {
                let message = "the server logged an INCIDENT: changes may be missing from the binlog";
                match self.capture.config.streaming.undecodable {
                    FailureHandling::Fail => return Err(self.at(ConnectError::fatal(message)).into()),
                    FailureHandling::Warn | FailureHandling::Skip => warn!(at = self.place(), "{message}"),
                }
            }
            code::PARTIAL_UPDATE_ROWS => {
                let message = "partial JSON updates cannot be turned into whole rows; set binlog_row_value_options to ''";
                return Err(self.at(ConnectError::fatal(message)).into());
            }
            code::MARIADB_START_ENCRYPTION => {}
            code::MARIADB_WRITE_ROWS_COMPRESSED | code::MARIADB_UPDATE_ROWS_COMPRESSED | code::MARIADB_DELETE_ROWS_COMPRESSED => {
                let (plain_code, body) = events::unpack_rows(type_code, event.data()).map_err(|error| self.at(error))?;
                self.rows(plain_code, place, Bytes::from(body)).await?;
            }
            other if RowsKind::of_event_type(other).is_some() => {
                self.rows(other, place, Bytes::from_owner(Body(event))).await?;
            }
            code::LOAD | code::NEW_LOAD | code::EXECUTE_LOAD_QUERY => self.warn_of_statement(),
            other if events::carries_no_rows(other) || event.header().flags_raw() & events::IGNORABLE != 0 => {
                debug!(event = other, "nothing to do for a binlog event");
            }
            other => self.unknown(other)?,
        }
        Ok(())
    }

    /// An event of a newer server may hold rows, so it is not passed over by default.
    fn unknown(&self, type_code: u8) -> Result<(), End> {
        let message = format!(
            "binlog event type {type_code} is not known to this version; to pass over such events, set \
             event.processing.failure.handling.mode=warn"
        );
        match self.capture.config.streaming.undecodable {
            FailureHandling::Fail => return Err(self.at(ConnectError::fatal(message)).into()),
            FailureHandling::Warn => warn!(at = self.place(), "{message}"),
            FailureHandling::Skip => {}
        }
        Ok(())
    }

    fn warn_of_statement(&self) {
        warn!(
            at = self.place(),
            "the binlog holds a changing statement instead of its rows (binlog_format is not ROW in some session): the change is lost"
        );
    }

    fn place(&self) -> String {
        format!("{}:{}", self.tracker.file(), self.tracker.current())
    }

    /// Adds the event's place to an error.
    fn at(&self, error: ConnectError) -> ConnectError {
        let message = format!("cannot go on with the binlog at {}", self.place());
        ConnectError::new(error.kind(), message).caused_by(error)
    }

    fn start_gtid(&mut self, type_code: u8, event: &Event) -> Result<(), End> {
        let read = if type_code == code::ANONYMOUS_GTID {
            event.read_event::<mysql_async::binlog::events::AnonymousGtidEvent>().map(|event| event.0)
        } else {
            event.read_event::<GtidEvent>()
        };
        let gtid = read.map_err(|error| self.at(ConnectError::fatal("cannot read a GTID event").caused_by(error)))?;
        let commit_us = i64::try_from(gtid.original_commit_timestamp()).ok().filter(|micros| *micros > 0);
        let numbered = (type_code != code::ANONYMOUS_GTID && self.uses_gtids).then(|| Gtid::MySql {
            source: SourceId { uuid: gtid.sid(), tag: gtid.tag().map(|tag| tag.to_string()).unwrap_or_default() },
            number: gtid.gno(),
        });
        // Debezium reads the commit time since 2.5, and only of numbered transactions.
        let precise = self.capture.options.profile >= Profile::V2_5 && numbered.is_some();
        self.start_transaction(numbered, commit_us.filter(|_| precise));
        Ok(())
    }

    fn start_mariadb_gtid(&mut self, gtid: MariaDbGtid, place: EventPlace) {
        let numbered = Gtid::MariaDb { domain: gtid.domain, server: place.server_id, sequence: gtid.sequence };
        self.start_transaction(Some(numbered), None);
        if !gtid.standalone {
            self.tracker.begin();
        }
    }

    fn start_transaction(&mut self, gtid: Option<Gtid>, commit_us: Option<i64>) {
        let settings = &self.capture.config.streaming;
        let ignored = settings.gtid_filters_rows && gtid.as_ref().is_some_and(|gtid| !counts_source(settings, &gtid.source()));
        self.transaction =
            Transaction { gtid: gtid.as_ref().map(|gtid| gtid.to_string().into()), commit_us, ignored, ..Transaction::default() };
        self.tracker.start_gtid(gtid);
    }

    fn commit(&mut self, place: EventPlace) {
        self.tracker.set_time(i64::from(place.timestamp));
        self.tracker.commit();
        self.transaction = Transaction::default();
        if self.tables.len() > MAX_MAPPED_TABLES {
            self.tables.clear();
        }
    }

    async fn statement(&mut self, query: Query, place: EventPlace) -> Result<(), End> {
        let sql = query.sql.trim();
        if sql.eq_ignore_ascii_case("BEGIN") {
            self.transaction.thread = Some(i64::from(query.thread));
            self.tracker.begin();
            return Ok(());
        }
        if sql.eq_ignore_ascii_case("COMMIT") {
            self.commit(place);
            return Ok(());
        }
        let statement = without_set_statement(sql);
        let first_word = statement.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_uppercase();
        match first_word.as_str() {
            "XA" => {
                let second = statement[2..].split_whitespace().next().unwrap_or_default();
                if second.eq_ignore_ascii_case("START") || second.eq_ignore_ascii_case("BEGIN") {
                    self.tracker.begin_xa();
                } else if !second.eq_ignore_ascii_case("END") {
                    self.commit(place);
                }
                return Ok(());
            }
            "SAVEPOINT" => return Ok(()),
            "INSERT" | "UPDATE" | "DELETE" | "REPLACE" => self.warn_of_statement(),
            "ROLLBACK" if self.tracker.in_transaction() => {
                // Only transactional and other engines mixed in one transaction are logged so; what was logged took place.
                warn!(at = self.place(), "the binlog holds a ROLLBACK; rows of tables without transactions stay changed");
                self.commit(place);
                return Ok(());
            }
            _ => self.schema_change(statement, &query.database, place).await?,
        }
        if !self.tracker.in_transaction() {
            self.commit(place);
        }
        Ok(())
    }

    async fn schema_change(&mut self, sql: &str, database: &str, place: EventPlace) -> Result<(), End> {
        if self.capture.history.ignores(sql) {
            return Ok(());
        }
        let changes = match self.capture.apply(sql, database) {
            Ok(changes) => changes,
            Err(problem) if self.capture.history.skips_unparseable() => {
                warn!(at = self.place(), "{problem}; the statement is passed over");
                return Ok(());
            }
            Err(problem) => {
                let advice = "if it changes no captured table, set schema.history.internal.skip.unparseable.ddl=true";
                return Err(self.at(ConnectError::fatal(format!("{problem}; {advice}"))).into());
            }
        };
        if changes.is_empty() {
            return Ok(());
        }
        self.capture.ahead_of_history = true;
        self.tracker.set_time(i64::from(place.timestamp));
        // New definitions: every decoder may be out of date.
        self.tables.clear();
        let position = self.tracker.position(0);
        for change in &changes {
            self.capture.forget_plans(change);
            if change.kind == SchemaChangeKind::Truncate {
                self.truncate(change, place)?;
            }
            // Records first, then the history, as Debezium does; both come before any row of the new structure.
            let source = self.source(place, 0);
            self.changes.emit(self.capture, &source, change, &mut self.output.records);
        }
        self.capture.store(&changes, &position).await.map_err(|error| self.at(error))?;
        self.capture.ahead_of_history = false;
        Ok(())
    }

    fn truncate(&mut self, change: &SchemaChange, place: EventPlace) -> Result<(), End> {
        for id in &change.tables {
            if self.capture.filter.captures(id)
                && let Some(plan) = self.capture.plan(id)?
            {
                let source = self.source(place, 0);
                self.capture.emitter.truncate(&plan, &source, None, now_ns(), &mut self.output.records);
            }
        }
        Ok(())
    }

    fn source(&self, place: EventPlace, row: i32) -> SourceInfo {
        SourceInfo {
            ts_us: self.transaction.commit_us.unwrap_or(i64::from(place.timestamp) * 1_000_000),
            snapshot: SnapshotMarker::Streaming,
            server_id: i64::from(place.server_id),
            gtid: self.transaction.gtid.clone(),
            file: self.file.clone(),
            pos: i64::try_from(self.tracker.current()).unwrap_or(i64::MAX),
            row,
            thread: self.transaction.thread,
            query: self.transaction.query.clone(),
        }
    }

    fn map_table(&mut self, event: Event) -> Result<(), End> {
        let body = Bytes::from_owner(Body(event));
        // The first six bytes are the id; the same bytes mean the same table until something was altered.
        let known = body.first_chunk::<6>().map(|id| {
            let [a, b, c, d, e, f] = *id;
            u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
        });
        if known.and_then(|id| self.tables.get(&id)).is_some_and(|table| table.body == body) {
            return Ok(());
        }
        let map = TableMap::parse(&body).map_err(|error| self.at(error))?;
        let id = TableId::new(map.database.as_str(), map.table.as_str());
        let rows = if self.capture.filter.captures(&id) { self.decoder(&id, &map)? } else { MappedRows::Ignored };
        self.tables.insert(map.table_id, MappedTable { id, body, rows });
        Ok(())
    }

    fn decoder(&mut self, id: &TableId, map: &TableMap) -> Result<MappedRows, End> {
        let Some(plan) = self.capture.plan(id)? else {
            let message = format!(
                "cannot read rows of table {id}: its structure is not in the schema history; read it anew with \
                 snapshot.mode=recovery, or leave the table out of table.include.list"
            );
            return match self.capture.config.streaming.unknown_table {
                FailureHandling::Fail => Err(self.at(ConnectError::fatal(message)).into()),
                FailureHandling::Warn => {
                    warn!(at = self.place(), "{message}; its rows are passed over");
                    Ok(MappedRows::Unknown)
                }
                FailureHandling::Skip => Ok(MappedRows::Unknown),
            };
        };
        let decoder = RowDecoder::new(&plan, map).map_err(|error| self.at(error))?;
        Ok(MappedRows::Decoded(Box::new(decoder)))
    }

    async fn rows(&mut self, type_code: u8, place: EventPlace, body: Bytes) -> Result<(), End> {
        if self.tracker.skips_event() || self.transaction.ignored {
            return Ok(());
        }
        let to_skip = self.tracker.take_rows_to_skip();
        let header = RowsHeader::parse(type_code, &body).map_err(|error| self.at(error))?;
        // Taken out while it is used, because handing over a batch needs all of self.
        let Some(table) = self.tables.remove(&header.table_id) else {
            if is_dummy(&header) {
                return Ok(());
            }
            let message = format!("rows of table number {} come without their TABLE_MAP", header.table_id);
            return Err(self.at(ConnectError::fatal(message)).into());
        };
        let outcome = match &table.rows {
            MappedRows::Decoded(decoder) => self.decode_rows(decoder, &header, place, &body, to_skip).await,
            MappedRows::Ignored | MappedRows::Unknown => Ok(()),
        };
        let outcome = match outcome {
            Err(End::Failed(problem)) => self.undecodable(problem, &table.id),
            other => other,
        };
        self.tables.insert(header.table_id, table);
        outcome
    }

    fn undecodable(&self, problem: ConnectError, table: &TableId) -> Result<(), End> {
        match self.capture.config.streaming.undecodable {
            FailureHandling::Fail => {
                let message = format!("cannot read rows of table {table} at {}", self.place());
                error!(at = self.place(), table = %table, "the event can be looked at with mysqlbinlog --verbose");
                Err(ConnectError::new(problem.kind(), message).caused_by(problem).into())
            }
            FailureHandling::Warn => {
                warn!(at = self.place(), table = %table, problem = problem.trace(), "rows that cannot be read are passed over");
                Ok(())
            }
            FailureHandling::Skip => Ok(()),
        }
    }

    async fn decode_rows(
        &mut self,
        decoder: &RowDecoder,
        header: &RowsHeader,
        place: EventPlace,
        body: &Bytes,
        to_skip: u64,
    ) -> Result<(), End> {
        let mut source = self.source(place, 0);
        self.tracker.set_time(source.ts_us.div_euclid(1_000_000));
        let now = now_ns();
        let plan = decoder.plan().clone();
        let mut done = 0_u64;
        for change in decoder.rows(header, body)? {
            let change = change?;
            if done >= to_skip {
                source.row = i32::try_from(done).unwrap_or(i32::MAX);
                self.capture.emitter.change(&plan, &source, None, change, now, &mut self.output.records);
            }
            done += 1;
            if self.output.is_full() {
                let position = self.tracker.position(done);
                self.output.send(Some(&position)).await?;
            }
        }
        self.output.count_bytes(body.len());
        Ok(())
    }
}

/// The event types that a compressed transaction can hold; all others only stand outside of one.
fn may_be_compressed(type_code: u8) -> bool {
    !matches!(
        type_code,
        code::ROTATE
            | code::STOP
            | code::FORMAT_DESCRIPTION
            | code::PREVIOUS_GTIDS
            | code::GTID
            | code::GTID_TAGGED
            | code::ANONYMOUS_GTID
            | code::TRANSACTION_PAYLOAD
    )
}

/// MySQL ends some statements with an empty rows event of this table number.
fn is_dummy(header: &RowsHeader) -> bool {
    header.table_id == 0x00ff_ffff
}

/// MariaDB logs `SET STATEMENT name=value FOR statement`; the statement is what matters.
fn without_set_statement(sql: &str) -> &str {
    const WORDS: &str = "SET STATEMENT ";
    if !sql.get(..WORDS.len()).is_some_and(|start| start.eq_ignore_ascii_case(WORDS)) {
        return sql;
    }
    let bytes = sql.as_bytes();
    let mut quote = None;
    for index in WORDS.len()..bytes.len() {
        let byte = bytes[index];
        match quote {
            Some(end) if byte == end => quote = None,
            Some(_) => {}
            None if byte == b'\'' || byte == b'"' => quote = Some(byte),
            None => {
                let word = bytes.get(index..index + 5).is_some_and(|word| word.eq_ignore_ascii_case(b" FOR "));
                if word {
                    return sql[index + 5..].trim_start();
                }
            }
        }
    }
    sql
}

/// An event's body as memory that slices can share.
struct Body(Event);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.0.data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_statement_behind_set_statement() {
        assert_eq!(
            without_set_statement("SET STATEMENT max_statement_time=0 FOR ALTER TABLE t ADD a INT"),
            "ALTER TABLE t ADD a INT"
        );
        assert_eq!(without_set_statement("set statement x=' FOR ' for DROP TABLE é"), "DROP TABLE é");
        assert_eq!(without_set_statement("SET NAMES utf8"), "SET NAMES utf8");
        assert_eq!(without_set_statement("é"), "é");
    }
}
