//! Takes a consistent picture of the tables, and the binlog position it belongs to.
//!
//! contracts/mysql-source.md, section 8.2: lock, begin the transaction that sees the tables as they are now, read the
//! position, read the definitions, unlock (or not), read the rows. The locks are held by a connection of their own, so
//! releasing them cannot end the transaction, and losing the connection releases them.

mod locks;
mod rows;

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::locks::Locks;
use self::rows::RowReader;
use super::binlog::End;
use super::capture::Capture;
use super::config::{FailureHandling, LockingMode, TableOrder, split_list};
use super::connection::{Session, server_code};
use super::envelope::{SnapshotMarker, SourceInfo};
use super::filters::{PatternList, is_builtin_database};
use super::options::Profile;
use super::output::Output;
use super::position::BinlogPosition;
use super::schema_changes::SchemaChangeRecords;
use super::server::{BinlogEnd, ServerFacts};
use super::table::TableId;
use super::table_reader;
use crate::plugin::{ConnectError, Result};

const UNKNOWN_DATABASE: u16 = 1049;
const UNKNOWN_TABLE: u16 = 1146;

/// What one snapshot does.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotPlan {
    /// Read the captured tables' rows.
    pub data: bool,
    /// The position to go on from afterwards, where it is not that of the snapshot (recovery).
    pub keep: Option<BinlogPosition>,
}

/// A snapshot about to be taken.
pub struct Snapshot<'a> {
    pub capture: &'a mut Capture,
    pub output: &'a mut Output,
    pub changes: &'a SchemaChangeRecords,
    pub facts: &'a ServerFacts,
    pub stop: &'a CancellationToken,
}

/// The tables of the server that concern a snapshot.
struct Tables {
    /// Whose definitions go into the history, in the server's order.
    described: Vec<TableId>,
    /// Whose rows are read, in reading order.
    read: Vec<TableId>,
    captured: usize,
}

/// A statement that makes a definition, as the history keeps it.
struct Statement {
    database: String,
    ddl: String,
}

impl Snapshot<'_> {
    /// Returns the position to stream from; it is handed over with the last batch.
    ///
    /// # Errors
    /// `Retriable` if the connection was lost: the snapshot must then be taken again from the start.
    pub async fn take(&mut self, plan: &SnapshotPlan) -> Result<BinlogPosition, End> {
        let config = self.capture.config.clone();
        let mut session = Session::open(&config.connection).await?;
        self.prepare(&mut session).await?;
        let variables = table_reader::read_variables(&mut session.connection).await?;
        self.capture.reset(&variables);
        self.capture.history.initialize().await?;
        let mut tables = self.find_tables(&mut session, plan).await?;
        info!(tables = tables.captured, "taking a snapshot");

        let mut locks = Locks::new(Session::open(&config.connection).await?, config.snapshot.lock_timeout);
        // Where commits go on, the position is read first: what changes meanwhile is then seen twice, never missed.
        let unlocked = matches!(config.snapshot.locking, LockingMode::None | LockingMode::MinimalPercona { .. });
        let early = if unlocked { Some(self.binlog_end(&mut session).await?) } else { None };
        locks.acquire(config.snapshot.locking, &tables.read).await?;
        if locks.hold_everything() {
            // Tables that came or went while the lock was waited for.
            tables = self.find_tables(&mut session, plan).await?;
        }
        self.check_found(&tables, plan)?;
        session.run("set the isolation level", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        session.run("begin the snapshot's transaction", "START TRANSACTION WITH CONSISTENT SNAPSHOT").await?;
        let end = match early {
            Some(end) => end,
            None => self.binlog_end(&mut session).await?,
        };
        let clock: Option<u64> = session.first("read the server's clock", "SELECT UNIX_TIMESTAMP()").await?;
        let seconds = i64::try_from(clock.unwrap_or_default()).unwrap_or_default();
        let position = plan.keep.clone().unwrap_or_else(|| position_of(&end, seconds));
        let statements = self.read_definitions(&mut session, &tables.described, &variables).await?;
        if config.snapshot.locking != LockingMode::Extended {
            locks.release().await?;
        }
        self.record_definitions(&statements, &position, seconds).await?;

        let mut reader = RowReader {
            capture: self.capture,
            output: self.output,
            locks: &mut locks,
            stop: self.stop,
            position: &position,
            source: source_of(&position, seconds, SnapshotMarker::True),
        };
        reader.read(session, if plan.data { &tables.read } else { &[] }).await?;
        locks.release().await?;
        let done = BinlogPosition { in_snapshot: false, ..position };
        self.output.send(Some(&done)).await?;
        info!(position = done.describe(), "the snapshot is complete");
        Ok(done)
    }

    async fn prepare(&self, session: &mut Session) -> Result<()> {
        // A slow taker of records must not make the server give up on a result.
        session.run("set the write timeout", "SET SESSION net_write_timeout = 7200").await?;
        let limit = if self.facts.is_mariadb { "max_statement_time" } else { "max_execution_time" };
        if let Err(error) = session.run("lift the limit of query times", &format!("SET SESSION {limit} = 0")).await {
            warn!(problem = error.trace(), "the server's limit of query times stays in force");
        }
        Ok(())
    }

    /// A snapshot that nothing follows needs no binlog, as in Debezium.
    async fn binlog_end(&self, session: &mut Session) -> Result<BinlogEnd> {
        if !self.facts.has_binlog() && !self.capture.config.snapshot.mode.streams() {
            return Ok(BinlogEnd { file: String::new(), pos: 0, gtids: None });
        }
        self.facts.binlog_end(session).await
    }

    async fn find_tables(&self, session: &mut Session, plan: &SnapshotPlan) -> Result<Tables> {
        let config = &self.capture.config;
        let filter = &self.capture.filter;
        let mut described = Vec::new();
        let mut captured = Vec::new();
        for database in table_reader::list_databases(&mut session.connection).await? {
            // Debezium 1.9 kept other databases out of the history; 3.x keeps all but the server's own.
            let foreign = !filter.captures_database(&database);
            let only_captured =
                self.capture.history.stores_only_captured_databases() || self.capture.options.profile <= Profile::V1_9;
            if foreign && (is_builtin_database(&database) || only_captured) {
                continue;
            }
            let found = match table_reader::list_tables(&mut session.connection, &database).await {
                Ok(found) => found,
                // Dropped since the databases were listed.
                Err(error) if server_code(&error) == Some(UNKNOWN_DATABASE) => continue,
                Err(error) => return Err(error),
            };
            for table in found {
                let is_captured = filter.captures(&table);
                if is_captured {
                    captured.push(table.clone());
                }
                if is_captured || !self.capture.history.stores_only_captured_tables() {
                    described.push(table);
                }
            }
        }
        if let Some((max, action)) = config.guardrail
            && captured.len() > max
        {
            let message = format!("{} tables would be captured, more than guardrail.collections.max={max}", captured.len());
            if action == FailureHandling::Fail {
                return Err(ConnectError::config(message));
            }
            warn!("{message}");
        }
        let count = captured.len();
        let read = if plan.data { self.in_reading_order(session, captured).await? } else { captured };
        Ok(Tables { described, read, captured: count })
    }

    /// What the user listed and the server does not have. Where rows are to be read and there is no table at all, waiting
    /// for one to be created would look like working: other than Debezium, this is an error then.
    fn check_found(&self, tables: &Tables, plan: &SnapshotPlan) -> Result<()> {
        let filters = &self.capture.config.filters;
        let lists: Vec<String> =
            [("database.include.list", &filters.database_include), ("table.include.list", &filters.table_include)]
                .into_iter()
                .filter_map(|(key, list)| list.as_ref().map(|list| format!("{key}={list}")))
                .collect();
        if tables.captured == 0 && plan.data && !lists.is_empty() {
            return Err(ConnectError::config(format!(
                "no table of the server matches {}: correct the list, grant user '{}' SELECT on the tables, or create them and \
                 restart the task; to wait for tables to be created, set snapshot.mode=no_data",
                lists.join(" and "),
                self.capture.config.connection.user
            )));
        }
        if tables.captured == 0 {
            warn!("no table of the server is captured (yet); check the include and exclude lists of databases and tables");
        } else if plan.data && tables.read.is_empty() {
            warn!("no captured table matches snapshot.include.collection.list: no rows are read");
        }
        Ok(())
    }

    /// Debezium: the order of snapshot.include.collection.list, else of table.include.list, else by name.
    async fn in_reading_order(&self, session: &mut Session, mut tables: Vec<TableId>) -> Result<Vec<TableId>> {
        let config = &self.capture.config;
        tables.sort();
        let patterns: Option<Vec<PatternList>> = match (&config.snapshot.include, &config.filters.table_include) {
            (Some(patterns), _) => Some(patterns.clone()),
            (None, Some(list)) => Some(
                split_list(list).iter().map(|pattern| PatternList::new("table.include.list", pattern)).collect::<Result<_>>()?,
            ),
            (None, None) => None,
        };
        if let Some(patterns) = patterns {
            let rank = |table: &TableId| {
                let name = table.to_string();
                patterns.iter().position(|pattern| pattern.matches(&name))
            };
            tables.retain(|table| rank(table).is_some());
            tables.sort_by_key(rank);
        }
        if config.snapshot.order != TableOrder::AsListed {
            let rows: Vec<(String, String, Option<u64>)> = session
                .query(
                    "estimate the tables' sizes",
                    "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE'",
                )
                .await?;
            let sizes: BTreeMap<TableId, u64> = rows
                .into_iter()
                .map(|(database, table, size)| (TableId::new(database, table), size.unwrap_or_default()))
                .collect();
            let size = |table: &TableId| sizes.get(table).copied().unwrap_or_default();
            match config.snapshot.order {
                TableOrder::MostRowsFirst => tables.sort_by_key(|table| std::cmp::Reverse(size(table))),
                _ => tables.sort_by_key(size),
            }
        }
        Ok(tables)
    }

    /// The statements that make all definitions, in Debezium's order.
    async fn read_definitions(
        &mut self,
        session: &mut Session,
        tables: &[TableId],
        variables: &table_reader::ServerVariables,
    ) -> Result<Vec<Statement>> {
        let mut statements = vec![Statement {
            database: String::new(),
            ddl: format!(
                "SET character_set_server={}, collation_server={}",
                variables.character_set_server, variables.collation_server
            ),
        }];
        let charsets: Vec<(String, String, String)> = session
            .query(
                "read the databases' character sets",
                "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA",
            )
            .await?;
        for table in tables {
            statements.push(Statement {
                database: table.database.to_string(),
                ddl: format!("DROP TABLE IF EXISTS {}", quoted_table(table)),
            });
        }
        let mut databases: Vec<&str> = Vec::new();
        for table in tables {
            if !databases.contains(&&*table.database) {
                databases.push(&table.database);
            }
        }
        let limit = self.capture.config.connection.query_timeout.min(std::time::Duration::from_secs(86400));
        for database in databases {
            let name = quoted(database);
            let mut create = format!("CREATE DATABASE {name}");
            if let Some((_, charset, collation)) = charsets.iter().find(|(schema, _, _)| schema == database)
                && self.capture.options.profile >= Profile::V1_9
            {
                create.push_str(&format!(" CHARSET {charset} COLLATE {collation}"));
            }
            for ddl in [format!("DROP DATABASE IF EXISTS {name}"), create, format!("USE {name}")] {
                statements.push(Statement { database: database.to_owned(), ddl });
            }
            for table in tables.iter().filter(|table| &*table.database == database) {
                let read =
                    tokio::time::timeout(limit, table_reader::read_table(&mut session.connection, table, &self.capture.catalog))
                        .await
                        .map_err(|_| ConnectError::retriable(format!("cannot read the definition of {table}: no answer")))?;
                match read {
                    Ok(read) => statements.push(Statement { database: database.to_owned(), ddl: read.ddl }),
                    // Dropped meanwhile, where nothing keeps it still.
                    Err(error) if matches!(server_code(&error), Some(UNKNOWN_DATABASE | UNKNOWN_TABLE)) => {}
                    Err(error) if self.capture.filter.captures(table) && !self.capture.history.skips_unparseable() => {
                        return Err(error);
                    }
                    Err(error) => {
                        warn!(table = %table, problem = error.trace(), "a definition is left out");
                    }
                }
            }
        }
        Ok(statements)
    }

    /// Applies the statements and puts them into the history and the schema change topic.
    async fn record_definitions(&mut self, statements: &[Statement], position: &BinlogPosition, seconds: i64) -> Result<(), End> {
        let source = source_of(position, seconds, SnapshotMarker::True);
        let mut all = Vec::new();
        for statement in statements {
            let changes = self.capture.apply(&statement.ddl, &statement.database).or_else(|problem| {
                if !self.capture.history.skips_unparseable() {
                    return Err(ConnectError::fatal("cannot take a snapshot").caused_by(problem));
                }
                warn!("{problem}; the table is left out");
                Ok(Vec::new())
            })?;
            for change in &changes {
                self.changes.emit(self.capture, &source, change, &mut self.output.records);
            }
            all.extend(changes);
            if self.output.is_full() {
                self.output.send(Some(position)).await?;
            }
            if self.stop.is_cancelled() {
                return Err(End::Stopped);
            }
        }
        self.capture.store(&all, position).await?;
        Ok(())
    }
}

fn position_of(end: &BinlogEnd, seconds: i64) -> BinlogPosition {
    BinlogPosition {
        file: end.file.clone(),
        pos: end.pos,
        gtids: end.gtids.as_ref().map(ToString::to_string),
        ts_sec: Some(seconds),
        in_snapshot: true,
        ..BinlogPosition::default()
    }
}

fn source_of(position: &BinlogPosition, seconds: i64, snapshot: SnapshotMarker) -> SourceInfo {
    SourceInfo {
        ts_us: seconds * 1_000_000,
        snapshot,
        file: position.file.clone().into(),
        pos: i64::try_from(position.pos).unwrap_or(i64::MAX),
        ..SourceInfo::default()
    }
}

/// A name between backticks.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

pub fn quoted_table(table: &TableId) -> String {
    format!("{}.{}", quoted(&table.database), quoted(&table.table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_sql() {
        assert_eq!(quoted_table(&TableId::new("a`b", "c.d")), "`a``b`.`c.d`");
    }
}
