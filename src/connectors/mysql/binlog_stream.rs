//! Follows the server's binlog over one connection: asks for it, hands events on, notices when it went silent.

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use mysql_async::{BinlogStream, BinlogStreamRequest};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::binlog::{End, Interpreter};
use super::capture::{Capture, now_ms};
use super::config::MySqlConfig;
use super::connection::{self, Session, within};
use super::gtid::GtidSet;
use super::heartbeat::Heartbeat;
use super::output::Output;
use super::position::BinlogPosition;
use super::preflight;
use super::schema_changes::SchemaChangeRecords;
use super::server::ServerFacts;
use super::tracker::Tracker;
use crate::plugin::{ConnectError, Result};

/// A position without records is handed over at most this often: it only saves work after a restart.
const POSITION_INTERVAL: Duration = Duration::from_secs(1);
/// Without a sign of life for this many heartbeat periods a connection counts as lost.
const PERIODS_UNTIL_LOST: u32 = 3;
/// Events between two looks at the clock and at other tasks' needs.
const EVENTS_PER_SLICE: u32 = 256;

/// Where to begin, and what the server is asked to leave out.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    position: BinlogPosition,
    /// Numbered transactions that are done; `None` goes by file and position.
    done: Option<GtidSet>,
    by_gtid: bool,
}

/// The parts that following a binlog needs.
pub struct Follower<'a> {
    pub capture: &'a mut Capture,
    pub output: &'a mut Output,
    pub changes: &'a SchemaChangeRecords,
    pub heartbeat: &'a mut Option<Heartbeat>,
    pub stop: &'a CancellationToken,
}

impl Follower<'_> {
    /// Reads until the connection is lost, something cannot be read, or the task stops. `position` is where to begin and,
    /// on return, where to go on. `on_first_event` is called when the server sends.
    pub async fn follow(
        &mut self,
        facts: &ServerFacts,
        session: &mut Session,
        position: &mut BinlogPosition,
        on_first_event: &mut (dyn FnMut() + Send),
    ) -> End {
        let config = self.capture.config.clone();
        let request = match plan_request(facts, session, &config, position).await {
            Ok(request) => request,
            Err(error) => return error.into(),
        };
        let stream = match open(&config, facts, &request).await {
            Ok(stream) => stream,
            Err(error) => return error.into(),
        };
        info!(
            from = request.position.describe(),
            gtids = request.done.as_ref().filter(|_| request.by_gtid).map(ToString::to_string),
            "reading the binlog"
        );
        let tracker = Tracker::resume(&request.position, request.done);
        let interpreter = Interpreter::new(self.capture, self.output, self.changes, tracker, facts.uses_gtids());
        let mut reading = Reading {
            interpreter,
            heartbeat: self.heartbeat,
            session,
            config: config.clone(),
            stop: self.stop,
            silence: config.streaming.heartbeat_period * PERIODS_UNTIL_LOST,
            sent: position.clone(),
            sent_at: Instant::now(),
            last_sign: Instant::now(),
        };
        let end = reading.run(stream, on_first_event).await;
        *position = reading.interpreter.tracker().position(0);
        end
    }
}

struct Reading<'a> {
    interpreter: Interpreter<'a>,
    heartbeat: &'a mut Option<Heartbeat>,
    /// For queries beside the stream.
    session: &'a mut Session,
    config: Arc<MySqlConfig>,
    stop: &'a CancellationToken,
    silence: Duration,
    /// The last position handed over, and when.
    sent: BinlogPosition,
    sent_at: Instant,
    last_sign: Instant,
}

impl Reading<'_> {
    async fn run(&mut self, mut stream: BinlogStream, on_first_event: &mut (dyn FnMut() + Send)) -> End {
        let mut slice = 0;
        let mut silent = true;
        loop {
            // Events that already arrived cost no timer.
            let next = match tokio::task::unconstrained(stream.next()).now_or_never() {
                Some(next) => next,
                None => {
                    self.last_sign = Instant::now();
                    match self.wait(&mut stream).await {
                        Ok(next) => next,
                        Err(end) => return end,
                    }
                }
            };
            let event = match next {
                Some(Ok(event)) => event,
                Some(Err(error)) => return End::Failed(explain(connection::failure("cannot read the binlog", error))),
                None => return End::Failed(ConnectError::retriable("the server ended the binlog stream")),
            };
            if std::mem::take(&mut silent) {
                on_first_event();
            }
            if let Err(end) = self.interpreter.handle(event).await {
                self.interpreter.undo_event();
                return end;
            }
            if self.interpreter.output().is_full()
                && let Err(end) = self.flush().await
            {
                return end;
            }
            slice += 1;
            if slice >= EVENTS_PER_SLICE {
                slice = 0;
                if let Err(end) = self.beat().await {
                    return end;
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for the next event after handing over what there is.
    async fn wait(
        &mut self,
        stream: &mut BinlogStream,
    ) -> Result<Option<mysql_async::Result<mysql_async::binlog::events::Event>>, End> {
        loop {
            if !self.interpreter.output().records.is_empty() {
                self.flush().await?;
            }
            let moved = self.has_moved();
            let mut until = self.last_sign + self.silence;
            if moved {
                until = until.min(self.sent_at + POSITION_INTERVAL);
            }
            if let Some(heartbeat) = &self.heartbeat {
                until = until.min(heartbeat.next());
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(End::Stopped),
                next = stream.next() => return Ok(next),
                () = tokio::time::sleep_until(until) => {}
            }
            let now = Instant::now();
            self.beat().await?;
            if moved && now >= self.sent_at + POSITION_INTERVAL {
                self.flush().await?;
            }
            if now >= self.last_sign + self.silence {
                return Err(End::Failed(ConnectError::retriable(format!(
                    "the binlog connection gave no sign of life for {} s",
                    self.silence.as_secs()
                ))));
            }
        }
    }

    fn has_moved(&self) -> bool {
        let now = self.interpreter.tracker().position(0);
        (&now.file, now.pos, &now.gtids, now.event, now.row)
            != (&self.sent.file, self.sent.pos, &self.sent.gtids, self.sent.event, self.sent.row)
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.interpreter.flush().await?;
        self.sent = self.interpreter.tracker().position(0);
        self.sent_at = Instant::now();
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let Some(heartbeat) = self.heartbeat.as_mut().filter(|heartbeat| heartbeat.is_due(now)) else { return Ok(()) };
        let record = heartbeat.beat(now, now_ms());
        self.interpreter.output().records.push(record);
        let Some(query) = &self.config.heartbeat.action_query else { return Ok(()) };
        match self.session.run("run heartbeat.action.query", query).await {
            Ok(()) => Ok(()),
            // Debezium: no right or no database fail the task, anything else may pass.
            Err(error) if matches!(connection::server_state(&error), Some("42000" | "3D000")) => Err(End::Failed(error)),
            Err(error) => {
                warn!(problem = error.trace(), "the heartbeat's query failed");
                if let Ok(session) = Session::open(&self.config.connection).await {
                    *self.session = session;
                }
                Ok(())
            }
        }
    }
}

/// The server's number for all refusals to send a binlog; its own text says which it is.
const REFUSED: u16 = 1236;

/// True if the server refused to send the binlog.
pub fn is_refusal(error: &ConnectError) -> bool {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
        .any(|cause| cause.downcast_ref::<mysql_async::ServerError>().is_some_and(|error| error.code == REFUSED))
}

fn explain(error: ConnectError) -> ConnectError {
    if connection::server_code(&error) != Some(REFUSED) {
        return error;
    }
    let advice = "the server refused to send the binlog: either it no longer has what the stored position needs (set \
                  snapshot.mode=when_needed to read all tables again), or another replica or connector uses the same \
                  database.server.id";
    ConnectError::fatal(advice).caused_by(error)
}

/// contracts/mysql-source.md, section 7.1.
async fn plan_request(
    facts: &ServerFacts,
    session: &mut Session,
    config: &MySqlConfig,
    position: &BinlogPosition,
) -> Result<Request> {
    let by_file = |done| Request { position: position.clone(), done, by_gtid: false };
    if !facts.uses_gtids() {
        return Ok(by_file(None));
    }
    let stored = match &position.gtids {
        Some(text) => Some(preflight::stored_gtids(facts, &config.streaming, text)?),
        None => None,
    };
    if config.streaming.ignore_gtids {
        return Ok(by_file(stored));
    }
    match stored {
        Some(stored) => {
            // What the server has purged of sources that do not count cannot be asked for.
            let purged = facts.purged_gtids(session).await?;
            let left_out = purged.of_sources(|source| !preflight::counts_source(&config.streaming, source));
            Ok(Request { position: position.clone(), done: Some(stored.plus(&left_out)), by_gtid: true })
        }
        None if position.file.is_empty() => {
            // From the beginning of what there is.
            let purged = facts.purged_gtids(session).await?;
            Ok(Request { position: position.clone(), done: Some(purged), by_gtid: !facts.is_mariadb })
        }
        // Which transactions came before this place is not known, so positions stay without numbers.
        None => Ok(by_file(None)),
    }
}

async fn open(config: &MySqlConfig, facts: &ServerFacts, request: &Request) -> Result<BinlogStream> {
    let period = config.streaming.heartbeat_period.as_nanos();
    let mut statements =
        vec![format!("SET @master_heartbeat_period = {period}"), format!("SET @source_heartbeat_period = {period}")];
    let write_timeout = match config.streaming.net_write_timeout_s {
        0 => 7200,
        seconds => seconds,
    };
    statements.push(format!("SET SESSION net_write_timeout = {write_timeout}"));
    if config.streaming.net_read_timeout_s > 0 {
        statements.push(format!("SET SESSION net_read_timeout = {}", config.streaming.net_read_timeout_s));
    }
    if facts.is_mariadb {
        // 4: the server sends GTID events in place of BEGIN.
        statements.push("SET @mariadb_slave_capability = 4".to_owned());
        if let Some(done) = request.done.as_ref().filter(|_| request.by_gtid) {
            statements.push(format!("SET @slave_connect_state = '{done}'"));
            statements.push("SET @slave_gtid_strict_mode = 0".to_owned());
            statements.push("SET @slave_gtid_ignore_duplicates = 0".to_owned());
        }
    }
    let connection = connection::connect_with(&config.connection, statements).await?;
    let sids = request.done.as_ref().filter(|_| request.by_gtid).map(GtidSet::to_sids).unwrap_or_default();
    let mut dump = BinlogStreamRequest::new(config.streaming.server_id);
    if request.by_gtid && !facts.is_mariadb {
        dump = dump.with_gtid().with_gtid_set(sids);
    } else if !request.by_gtid && !request.position.file.is_empty() {
        if request.position.pos > u64::from(u32::MAX) {
            warn!(position = request.position.describe(), "the protocol cannot name a position beyond 4 GB");
        }
        dump = dump.with_filename(request.position.file.as_bytes()).with_pos(request.position.pos.max(4));
    }
    let started = connection.get_binlog_stream(dump);
    within(config.connection.connect_timeout, "ask for the binlog (REPLICATION SLAVE is needed)", started).await.map_err(explain)
}
