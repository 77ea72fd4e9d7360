//! Reads the rows of the captured tables, streaming, in batches.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, Row as SqlRow, Value as SqlValue};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::super::binlog::End;
use super::super::capture::{Capture, now_ns};
use super::super::column_types::{Row, TablePlan};
use super::super::connection::{Session, failure, within};
use super::super::envelope::{SnapshotMarker, SourceInfo};
use super::super::output::Output;
use super::super::position::BinlogPosition;
use super::super::table::TableId;
use super::locks::Locks;
use super::{quoted, quoted_table};
use crate::plugin::{ConnectError, ErrorKind};

/// Rows between two looks at the clock and at other tasks' needs.
const ROWS_PER_SLICE: usize = 256;

pub struct RowReader<'a> {
    pub capture: &'a mut Capture,
    pub output: &'a mut Output,
    pub locks: &'a mut Locks,
    pub stop: &'a CancellationToken,
    pub position: &'a BinlogPosition,
    pub source: SourceInfo,
}

/// A row that waits until it is known whether it is the last one.
struct Held {
    plan: Arc<TablePlan>,
    row: Row,
    first_of_all: bool,
    first_of_table: bool,
}

impl RowReader<'_> {
    /// Reads the tables one after the other and ends the transaction.
    pub async fn read(&mut self, mut session: Session, tables: &[TableId]) -> Result<(), End> {
        let mut held = None;
        let mut rows_of_all = 0_u64;
        for table in tables {
            let outcome = self.read_table(&mut session, table, &mut held, &mut rows_of_all).await;
            if let Err(end) = outcome {
                abandon(session).await;
                return Err(end);
            }
        }
        if let Some(last) = held.take() {
            self.emit(last, SnapshotMarker::Last);
        }
        // Nothing was changed; ending the transaction lets the server drop its old row versions.
        session.run("end the snapshot's transaction", "COMMIT").await?;
        Ok(())
    }

    async fn read_table(
        &mut self,
        session: &mut Session,
        table: &TableId,
        held: &mut Option<Held>,
        rows_of_all: &mut u64,
    ) -> Result<(), End> {
        let Some(plan) = self.capture.plan(table)? else {
            let message = format!("cannot read table {table}: it was dropped while the snapshot began");
            return Err(ConnectError::retriable(message).into());
        };
        let name = table.to_string().to_ascii_lowercase();
        let statement = self.capture.config.snapshot.select_overrides.get(&name).cloned().unwrap_or_else(|| {
            let columns = plan.select_columns().into_iter().map(quoted).collect::<Vec<_>>().join(", ");
            format!("SELECT {columns} FROM {}", quoted_table(table))
        });
        let what = format!("read table {table}");
        let lost = |error| End::Failed(changed_meanwhile(failure(format!("cannot {what}"), error)));
        let limit = self.capture.config.connection.query_timeout.min(Duration::from_secs(86400));
        let mut result = within(limit, &what, session.connection.exec_iter(statement, ())).await.map_err(changed_meanwhile)?;
        let columns = result.columns().unwrap_or_else(|| Arc::from([]));
        let reader = plan.snapshot_reader(&columns)?;
        let mut count = 0_u64;
        let mut slice = 0;
        loop {
            // Rows that already arrived cost no timer.
            let next = match tokio::task::unconstrained(result.next()).now_or_never() {
                Some(next) => next.map_err(lost)?,
                None => {
                    let wait = tokio::time::timeout(limit, result.next());
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Err(End::Stopped),
                        next = wait => match next {
                            Ok(next) => next.map_err(lost)?,
                            Err(_) => {
                                let message = format!("cannot {what}: no row within {} s", limit.as_secs());
                                return Err(ConnectError::retriable(message).into());
                            }
                        },
                    }
                }
            };
            let Some(row) = next else { break };
            self.output.count_bytes(size(&row));
            let row = reader.row(row)?;
            let current = Held { plan: plan.clone(), row, first_of_all: *rows_of_all == 0, first_of_table: count == 0 };
            if let Some(previous) = held.replace(current) {
                // The row before belongs to an earlier table exactly if this one is the first of its table.
                let marker = previous.marker(count == 0);
                self.emit(previous, marker);
            }
            count += 1;
            *rows_of_all += 1;
            slice += 1;
            if self.output.is_full() {
                self.hand_over().await?;
                slice = 0;
            } else if slice >= ROWS_PER_SLICE {
                tokio::task::consume_budget().await;
                slice = 0;
            }
        }
        info!(table = %table, rows = count, "a table was read");
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), End> {
        if self.stop.is_cancelled() {
            return Err(End::Stopped);
        }
        self.locks.keep_alive().await?;
        self.output.send(Some(self.position)).await?;
        Ok(())
    }

    fn emit(&mut self, held: Held, marker: SnapshotMarker) {
        self.source.snapshot = marker;
        self.capture.emitter.read(&held.plan, &self.source, held.row, now_ns(), &mut self.output.records);
    }
}

impl Held {
    /// Debezium: the last of all wins over the first of all, that over the last and the first of a table.
    fn marker(&self, last_of_table: bool) -> SnapshotMarker {
        if self.first_of_all {
            SnapshotMarker::First
        } else if last_of_table {
            SnapshotMarker::LastInDataCollection
        } else if self.first_of_table {
            SnapshotMarker::FirstInDataCollection
        } else {
            SnapshotMarker::True
        }
    }
}

/// MySQL: an altered table cannot be read in a transaction that began before; a new snapshot can.
fn changed_meanwhile(error: ConnectError) -> ConnectError {
    if super::super::connection::server_code(&error) == Some(1412) {
        return ConnectError::new(ErrorKind::Retriable, "a table was altered while the snapshot read it").caused_by(error);
    }
    error
}

/// Bytes of a row, roughly.
fn size(row: &SqlRow) -> usize {
    (0..row.len())
        .map(|index| match row.as_ref(index) {
            Some(SqlValue::Bytes(bytes)) => bytes.len() + 8,
            _ => 8,
        })
        .sum()
}

/// Ends a query whose rows nobody wants any more; the driver would read them all first.
async fn abandon(session: Session) {
    let id = session.connection.id();
    let options: Opts = session.connection.opts().clone();
    let kill = async {
        let mut other = Conn::new(options).await?;
        other.query_drop(format!("KILL {id}")).await?;
        other.disconnect().await
    };
    if !matches!(tokio::time::timeout(Duration::from_secs(3), kill).await, Ok(Ok(()))) {
        warn!("a query of the broken off snapshot could not be ended; it runs on until its rows are read");
    }
}
