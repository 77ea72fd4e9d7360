//! Decides what a task reads, snapshot or binlog, and keeps at it through lost connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::binlog::End;
use super::binlog_stream::{self, Follower};
use super::capture::Capture;
use super::config::{MySqlConfig, SnapshotMode};
use super::connection::{self, Session};
use super::heartbeat::Heartbeat;
use super::output::Output;
use super::position::BinlogPosition;
use super::preflight::{self, PositionState};
use super::schema_changes::SchemaChangeRecords;
use super::server::ServerFacts;
use super::snapshot::{Snapshot, SnapshotPlan};
use super::table_reader;
use crate::plugin::{ConnectError, ErrorKind, Result};

/// A task that never reached its server, or its schema history, gives up after this time, so that a wrong address is seen.
const FIRST_CONNECT_LIMIT: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// A lasting failure is logged once a minute.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Start,
    Snapshot(SnapshotPlan),
    Stream(BinlogPosition),
    /// There is nothing to read (any more).
    Finished,
}

/// What a start leads to.
#[derive(Clone, Debug, PartialEq)]
enum Decision {
    Snapshot(SnapshotPlan),
    Resume(BinlogPosition),
    /// The whole binlog, with all definitions in it.
    FromOldest,
    Nothing,
    /// It cannot go on.
    NoHistory,
}

/// The state of what earlier runs left behind.
struct Remains<'a> {
    stored: Option<&'a BinlogPosition>,
    /// Why the position cannot be used any more.
    gone: Option<&'a str>,
    history_is_usable: bool,
}

/// Reads one server for one task.
pub struct Reader {
    pub config: Arc<MySqlConfig>,
    pub capture: Capture,
    pub output: Output,
    pub stored: Option<BinlogPosition>,
    pub stop: CancellationToken,
}

impl Reader {
    /// Reads until the task stops. Returns early without error where nothing is to be streamed.
    ///
    /// # Errors
    /// What cannot be helped by trying again, or the last failure once the retries are used up.
    pub async fn run(mut self) -> Result<()> {
        let changes = SchemaChangeRecords::new(&self.capture.options, self.config.include_schema_changes);
        let mut heartbeat = Heartbeat::new(&self.config.heartbeat, &self.capture.options);
        let mut phase = Phase::Start;
        let mut trouble = Trouble::new();
        loop {
            let outcome = match &mut phase {
                Phase::Start => self.start().await.map_err(End::Failed),
                Phase::Snapshot(plan) => {
                    let plan = plan.clone();
                    self.snapshot(&plan, &changes).await
                }
                Phase::Stream(position) => {
                    let mut alive = false;
                    let mut on_first_event = || {
                        alive = true;
                        trouble.recover();
                    };
                    let end = self.stream(position, &changes, &mut heartbeat, &mut on_first_event).await;
                    Err(trouble.doubt(end, alive))
                }
                Phase::Finished => {
                    self.stop.cancelled().await;
                    return Ok(());
                }
            };
            match outcome {
                Ok(next) => {
                    trouble.recover();
                    phase = next;
                }
                Err(End::Stopped) => return Ok(()),
                Err(End::Failed(error)) => {
                    let wait = trouble.next_wait(error, &self.config, &phase)?;
                    if self.capture.ahead_of_history
                        && let Phase::Stream(position) = &phase
                    {
                        // Applied once more a statement would give wrong tables: they are rebuilt as after a restart.
                        self.stored = Some(position.clone());
                        phase = Phase::Start;
                    }
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Ok(()),
                        () = tokio::time::sleep(wait) => {}
                    }
                }
            }
        }
    }

    async fn start(&mut self) -> Result<Phase> {
        let config = self.config.clone();
        connection::resolve(&config.connection).await?;
        let mut session = Session::open(&config.connection).await?;
        let facts = ServerFacts::read(&mut session).await?;
        let mode = config.snapshot.mode;
        if mode.streams() {
            let problems = preflight::server_problems(&facts);
            if !problems.is_empty() {
                return Err(ConnectError::config(problems.join("; ")));
            }
            preflight::warn_about(&facts, &config);
        }
        let variables = table_reader::read_variables(&mut session.connection).await?;
        self.capture.reset(&variables);

        let stored = self.stored.clone();
        let complete = stored.as_ref().filter(|position| !position.in_snapshot);
        let mut gone = None;
        if let Some(position) = complete
            && mode.streams()
            && config.streaming.check_position
            && let PositionState::Gone(why) = preflight::check_position(&mut session, &facts, &config.streaming, position).await?
        {
            gone = Some(why);
        }
        let mut history_is_usable = true;
        if let Some(position) = complete
            && gone.is_none()
            && needs_history(mode)
        {
            history_is_usable = self.recover(position, &facts).await?;
        }
        let remains = Remains { stored: stored.as_ref(), gone: gone.as_deref(), history_is_usable };
        let decision = decide(mode, &remains)?;
        info!(snapshot_mode = ?mode, decision = ?decision, "the connector starts");
        Ok(match decision {
            Decision::Snapshot(plan) => {
                self.wait(config.snapshot.delay).await;
                Phase::Snapshot(plan)
            }
            Decision::Resume(position) => Phase::Stream(position),
            Decision::FromOldest => {
                self.capture.history.initialize().await?;
                Phase::Stream(BinlogPosition { pos: 4, ..BinlogPosition::default() })
            }
            Decision::Nothing => Phase::Finished,
            Decision::NoHistory => return Err(self.capture.history.missing()),
        })
    }

    /// Rebuilds the tables from the history. False if there is none.
    async fn recover(&mut self, position: &BinlogPosition, facts: &ServerFacts) -> Result<bool> {
        if !self.capture.history.exists().await? {
            return Ok(false);
        }
        let began = Instant::now();
        let applied = self.capture.recover(position, facts.is_mariadb).await?;
        info!(records = applied, ms = began.elapsed().as_millis(), "the schema history was read");
        Ok(applied > 0)
    }

    async fn snapshot(&mut self, plan: &SnapshotPlan, changes: &SchemaChangeRecords) -> Result<Phase, End> {
        let mut session = Session::open(&self.config.connection).await?;
        let facts = ServerFacts::read(&mut session).await?;
        drop(session);
        // Records of an attempt that broke off.
        self.output.clear();
        let mut snapshot =
            Snapshot { capture: &mut self.capture, output: &mut self.output, changes, facts: &facts, stop: &self.stop };
        let position = snapshot.take(plan).await?;
        if !self.config.snapshot.mode.streams() {
            info!("the snapshot is all that snapshot.mode asks for; the task stays idle");
            return Ok(Phase::Finished);
        }
        self.wait(self.config.streaming.delay).await;
        Ok(Phase::Stream(position))
    }

    async fn stream(
        &mut self,
        position: &mut BinlogPosition,
        changes: &SchemaChangeRecords,
        heartbeat: &mut Option<Heartbeat>,
        on_first_event: &mut (dyn FnMut() + Send),
    ) -> End {
        let opened = async {
            let mut session = Session::open(&self.config.connection).await?;
            let facts = ServerFacts::read(&mut session).await?;
            Ok::<_, ConnectError>((session, facts))
        };
        let (mut session, facts) = match opened.await {
            Ok(opened) => opened,
            Err(error) => return error.into(),
        };
        let mut follower =
            Follower { capture: &mut self.capture, output: &mut self.output, changes, heartbeat, stop: &self.stop };
        follower.follow(&facts, &mut session, position, on_first_event).await
    }

    async fn wait(&self, delay: Duration) {
        if !delay.is_zero() {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(delay) => {}
            }
        }
    }
}

/// A server that is shutting down refuses binlog requests as if the file were gone, so a refusal is believed only after
/// this many tries in a row: half a minute.
const REFUSALS_UNTIL_BELIEVED: u32 = 8;

/// Counts failures in a row and says how long to wait.
struct Trouble {
    began: Instant,
    ever_worked: bool,
    failures: u32,
    logged: Option<Instant>,
}

impl Trouble {
    fn new() -> Self {
        Self { began: Instant::now(), ever_worked: false, failures: 0, logged: None }
    }

    fn recover(&mut self) {
        if self.failures > 0 {
            info!(failures = self.failures, "the connection works again");
        }
        self.ever_worked = true;
        self.failures = 0;
        self.logged = None;
    }

    /// Makes a refusal that may pass one that is tried again. Once the server has sent events it is final: another replica
    /// has the same id, or an event cannot be sent.
    fn doubt(&self, end: End, alive: bool) -> End {
        match end {
            End::Failed(error) if !alive && self.failures < REFUSALS_UNTIL_BELIEVED && binlog_stream::is_refusal(&error) => {
                End::Failed(
                    ConnectError::retriable("the binlog cannot be read (the server may be shutting down)").caused_by(error),
                )
            }
            end => end,
        }
    }

    /// # Errors
    /// The failure itself, if it is not worth another try.
    fn next_wait(&mut self, error: ConnectError, config: &MySqlConfig, phase: &Phase) -> Result<Duration> {
        let streaming = matches!(phase, Phase::Stream(_));
        if error.kind() != ErrorKind::Retriable || streaming && !config.streaming.keep_alive {
            return Err(final_error(error));
        }
        self.failures += 1;
        if config.retry.max_retries.is_some_and(|max| self.failures > max) {
            let message = format!("gave up after {} failures in a row (errors.max.retries)", self.failures);
            return Err(ConnectError::fatal(message).caused_by(error));
        }
        if !self.ever_worked && self.began.elapsed() > FIRST_CONNECT_LIMIT {
            let message = format!("the task could not begin to read within {} s", FIRST_CONNECT_LIMIT.as_secs());
            return Err(ConnectError::fatal(message).caused_by(error));
        }
        let longest = config.retry.max_wait.max(FIRST_WAIT);
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(12).saturating_sub(1)).min(longest);
        // Jitter, so that many tasks do not come back at once.
        let wait = wait.mul_f64(rand::random_range(0.8..1.2));
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL) {
            self.logged = Some(Instant::now());
            warn!(problem = error.trace(), attempt = self.failures, wait_ms = wait.as_millis(), "trying again");
        }
        Ok(wait)
    }
}

/// The runtime may not try the same poll again: the reader is gone.
fn final_error(error: ConnectError) -> ConnectError {
    if error.kind() == ErrorKind::Retriable {
        return ConnectError::fatal("the connection is lost and connect.keep.alive is false").caused_by(error);
    }
    error
}

fn needs_history(mode: SnapshotMode) -> bool {
    mode.streams() && mode != SnapshotMode::Always
}

/// contracts/mysql-source.md, section 8.1.
fn decide(mode: SnapshotMode, remains: &Remains<'_>) -> Result<Decision> {
    let full = || Decision::Snapshot(SnapshotPlan { data: true, keep: None });
    let structures = || Decision::Snapshot(SnapshotPlan { data: false, keep: None });
    let complete = remains.stored.filter(|position| !position.in_snapshot);
    let Some(position) = complete else {
        return match mode {
            SnapshotMode::Initial | SnapshotMode::InitialOnly | SnapshotMode::WhenNeeded | SnapshotMode::Always => Ok(full()),
            SnapshotMode::NoData => Ok(structures()),
            SnapshotMode::Never => Ok(Decision::FromOldest),
            SnapshotMode::Recovery => Err(ConnectError::config(
                "snapshot.mode=recovery rebuilds the schema history for a stored position, and there is none; use initial",
            )),
            SnapshotMode::ConfigurationBased { data: true, .. } => Ok(full()),
            SnapshotMode::ConfigurationBased { schema: true, .. } => Ok(structures()),
            SnapshotMode::ConfigurationBased { .. } => Ok(Decision::FromOldest),
        };
    };
    match mode {
        SnapshotMode::Always | SnapshotMode::ConfigurationBased { data: true, .. } => return Ok(full()),
        SnapshotMode::ConfigurationBased { schema: true, .. } => return Ok(structures()),
        SnapshotMode::InitialOnly => return Ok(Decision::Nothing),
        _ => {}
    }
    if let Some(why) = remains.gone {
        return match mode {
            SnapshotMode::WhenNeeded | SnapshotMode::ConfigurationBased { on_data_error: true, .. } => Ok(full()),
            _ => Err(ConnectError::config(why)),
        };
    }
    if !remains.history_is_usable {
        return match mode {
            SnapshotMode::WhenNeeded => Ok(full()),
            SnapshotMode::Recovery | SnapshotMode::ConfigurationBased { on_schema_error: true, .. } => {
                warn!(
                    "the schema history is rebuilt from the current definitions; this is right only if no captured table was altered since"
                );
                Ok(Decision::Snapshot(SnapshotPlan { data: false, keep: Some(position.clone()) }))
            }
            // Whoever begins with the oldest file finds all definitions there.
            SnapshotMode::Never => Ok(Decision::Resume(position.clone())),
            _ => Ok(Decision::NoHistory),
        };
    }
    Ok(Decision::Resume(position.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(in_snapshot: bool) -> BinlogPosition {
        BinlogPosition { file: "b.000001".into(), pos: 4, in_snapshot, ..BinlogPosition::default() }
    }

    fn decided(mode: SnapshotMode, stored: Option<&BinlogPosition>, gone: bool, history: bool) -> String {
        let remains = Remains { stored, gone: gone.then_some("gone"), history_is_usable: history };
        match decide(mode, &remains) {
            Ok(Decision::Snapshot(SnapshotPlan { data: true, .. })) => "full".into(),
            Ok(Decision::Snapshot(SnapshotPlan { keep: Some(_), .. })) => "rebuild".into(),
            Ok(Decision::Snapshot(_)) => "structures".into(),
            Ok(Decision::Resume(_)) => "resume".into(),
            Ok(Decision::FromOldest) => "oldest".into(),
            Ok(Decision::Nothing) => "nothing".into(),
            Ok(Decision::NoHistory) => "no history".into(),
            Err(error) => error.message().split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn a_refusal_is_believed_in_the_end_or_once_events_came() {
        let refusal = || {
            let error = mysql_async::ServerError { code: 1236, message: "m".to_owned(), state: "HY000".to_owned() };
            let cause = connection::failure("cannot read the binlog", mysql_async::Error::Server(error));
            End::Failed(ConnectError::fatal("refused").caused_by(cause))
        };
        let kind = |end: End| match end {
            End::Failed(error) => error.kind(),
            End::Stopped => panic!("it failed"),
        };
        let mut trouble = Trouble::new();
        for failures in 0..REFUSALS_UNTIL_BELIEVED {
            trouble.failures = failures;
            assert_eq!(kind(trouble.doubt(refusal(), false)), ErrorKind::Retriable);
            assert_eq!(kind(trouble.doubt(refusal(), true)), ErrorKind::Fatal);
            assert_eq!(kind(trouble.doubt(End::Failed(ConnectError::fatal("other")), false)), ErrorKind::Fatal);
        }
        trouble.failures = REFUSALS_UNTIL_BELIEVED;
        assert_eq!(kind(trouble.doubt(refusal(), false)), ErrorKind::Fatal);
    }

    #[test]
    fn every_mode_does_what_the_contract_says() {
        let by_flags = |data, schema| SnapshotMode::ConfigurationBased {
            data,
            schema,
            stream: true,
            on_schema_error: true,
            on_data_error: true,
        };
        let (unfinished, complete) = (position(true), position(false));
        // Mode; no offset, unfinished, complete, position gone, history gone.
        for (mode, expected) in [
            (SnapshotMode::Initial, ["full", "full", "resume", "gone", "no history"]),
            (SnapshotMode::InitialOnly, ["full", "full", "nothing", "nothing", "nothing"]),
            (SnapshotMode::WhenNeeded, ["full", "full", "resume", "full", "full"]),
            (SnapshotMode::NoData, ["structures", "structures", "resume", "gone", "no history"]),
            (SnapshotMode::Recovery, ["snapshot.mode=recovery", "snapshot.mode=recovery", "resume", "gone", "rebuild"]),
            (SnapshotMode::Never, ["oldest", "oldest", "resume", "gone", "resume"]),
            (SnapshotMode::Always, ["full", "full", "full", "full", "full"]),
            (by_flags(true, true), ["full", "full", "full", "full", "full"]),
            (by_flags(false, false), ["oldest", "oldest", "resume", "full", "rebuild"]),
        ] {
            let got = [
                decided(mode, None, false, true),
                decided(mode, Some(&unfinished), false, true),
                decided(mode, Some(&complete), false, true),
                decided(mode, Some(&complete), true, true),
                decided(mode, Some(&complete), false, false),
            ];
            assert_eq!(got, expected, "{mode:?}");
        }
    }
}
