//! Writes log lines in Connect's form, at levels that can be changed while running.
//!
//! Loggers are the targets of `tracing` events with dots for double colons. Levels are inherited along the dots, as in
//! log4j. A line's connector context comes from the spans around the event: the field `connector`, with `task` for a
//! task (without it: the connector itself), and `part` for a part of a task such as its offset commits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The logger of all loggers.
pub const ROOT: &str = "root";

/// log4j's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Off,
    Fatal,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
    All,
}

impl Level {
    const NAMED: [(&'static str, Self); 8] = [
        ("OFF", Self::Off),
        ("FATAL", Self::Fatal),
        ("ERROR", Self::Error),
        ("WARN", Self::Warn),
        ("INFO", Self::Info),
        ("DEBUG", Self::Debug),
        ("TRACE", Self::Trace),
        ("ALL", Self::All),
    ];

    /// Reads a level in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|&(_, level)| level)
    }

    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, level)| *level == self).map_or("OFF", |(name, _)| name)
    }

    fn filter(self) -> LevelFilter {
        match self {
            // No event of ours is worse than an error.
            Self::Off | Self::Fatal => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace | Self::All => LevelFilter::TRACE,
        }
    }
}

/// A level somebody set, and when if it was set while running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    pub level: Level,
    pub last_modified_ms: Option<u64>,
}

/// Reads and changes the levels of all loggers; cheap to clone.
#[derive(Clone)]
pub struct Loggers {
    state: Arc<RwLock<State>>,
}

struct State {
    root: Setting,
    explicit: BTreeMap<String, Setting>,
    /// Loggers that have been used so far.
    known: BTreeSet<String>,
}

impl Loggers {
    /// Loggers that nothing writes through, for tests.
    pub fn new(root: Level) -> Self {
        let root = Setting { level: root, last_modified_ms: None };
        Self { state: Arc::new(RwLock::new(State { root, explicit: BTreeMap::new(), known: BTreeSet::new() })) }
    }

    /// All loggers with a level of their own, sorted by name.
    pub fn all(&self) -> BTreeMap<String, Setting> {
        let state = self.state.read();
        let mut all = state.explicit.clone();
        all.insert(ROOT.to_owned(), state.root);
        all
    }

    /// The level of a logger, its own or the inherited one; `None` if nothing ever used this logger.
    pub fn get(&self, name: &str) -> Option<Setting> {
        let state = self.state.read();
        if name.eq_ignore_ascii_case(ROOT) {
            return Some(state.root);
        }
        let exists = state.explicit.contains_key(name) || state.known.contains(name);
        exists.then(|| state.effective(name))
    }

    /// Sets the level of the logger and of every existing one whose name starts with this text; returns their names.
    pub fn set(&self, name: &str, level: Level) -> Vec<String> {
        let mut names;
        {
            let mut state = self.state.write();
            let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
            let setting = Setting { level, last_modified_ms: u64::try_from(now_ms).ok() };
            if name.eq_ignore_ascii_case(ROOT) {
                names = state.known.iter().chain(state.explicit.keys()).cloned().collect::<BTreeSet<_>>();
                state.root = changed(state.root, setting);
            } else {
                let existing = state.known.iter().chain(state.explicit.keys());
                names = existing.filter(|existing| existing.starts_with(name)).cloned().collect::<BTreeSet<_>>();
                names.insert(name.to_owned());
            }
            for name in &names {
                let before = state.effective(name);
                state.explicit.insert(name.clone(), changed(before, setting));
            }
            if name.eq_ignore_ascii_case(ROOT) {
                names.insert(ROOT.to_owned());
            }
        }
        tracing::callsite::rebuild_interest_cache();
        self.limit_log_crate();
        names.into_iter().collect()
    }

    /// Lets libraries that log through the `log` crate skip what no logger wants: the Kafka client has several trace
    /// lines a record, each of which would be looked up by name otherwise.
    fn limit_log_crate(&self) {
        let state = self.state.read();
        let levels = state.explicit.values().chain([&state.root]).map(|setting| setting.level.filter());
        log::set_max_level(match levels.max().and_then(LevelFilter::into_level) {
            None => log::LevelFilter::Off,
            Some(tracing::Level::ERROR) => log::LevelFilter::Error,
            Some(tracing::Level::WARN) => log::LevelFilter::Warn,
            Some(tracing::Level::INFO) => log::LevelFilter::Info,
            Some(tracing::Level::DEBUG) => log::LevelFilter::Debug,
            Some(tracing::Level::TRACE) => log::LevelFilter::Trace,
        });
    }

    fn is_enabled(&self, target: &str, level: tracing::Level) -> bool {
        let name = logger_name(target);
        self.state.read().effective(&name).level.filter() >= level
    }
}

/// Connect: Loggers#setLevel leaves the time alone where the level stays.
fn changed(before: Setting, after: Setting) -> Setting {
    if before.level == after.level { before } else { after }
}

impl State {
    fn effective(&self, name: &str) -> Setting {
        let mut name = name;
        loop {
            if let Some(setting) = self.explicit.get(name) {
                return *setting;
            }
            match name.rsplit_once('.') {
                Some((parent, _)) => name = parent,
                None => return self.root,
            }
        }
    }
}

fn logger_name(target: &str) -> String {
    target.replace("::", ".")
}

/// Starts logging to standard output. `levels` is a comma list of `level` and `logger=level`.
///
/// # Errors
/// If a level or logger is malformed, or logging was started before.
pub fn start(levels: &str) -> Result<Loggers, String> {
    let loggers = Loggers::new(Level::Info);
    {
        let mut state = loggers.state.write();
        // What these crates say at INFO concerns their own insides. The HDFS client's warnings name no file and no server;
        // the sink says what it could not do, and where.
        for (noisy, level) in [("librdkafka", Level::Warn), ("rdkafka", Level::Warn), ("hdfs_native", Level::Error)] {
            state.explicit.insert(noisy.to_owned(), Setting { level, last_modified_ms: None });
        }
        for item in levels.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, level) = item.split_once('=').unwrap_or((ROOT, item));
            let level = Level::parse(level).ok_or_else(|| {
                let known = Level::NAMED.map(|(name, _)| name).join(", ");
                format!("unknown log level '{level}' in '{item}'; known levels are {known}")
            })?;
            let setting = Setting { level, last_modified_ms: None };
            if name.eq_ignore_ascii_case(ROOT) {
                state.root = setting;
            } else {
                state.explicit.insert(logger_name(name), setting);
            }
        }
    }
    let lines = Lines { loggers: loggers.clone() };
    tracing_subscriber::registry().with(lines).try_init().map_err(|error| format!("cannot start logging: {error}"))?;
    loggers.limit_log_crate();
    Ok(loggers)
}

/// The layer that decides by `Loggers` and writes the lines.
struct Lines {
    loggers: Loggers,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() {
            return Interest::always();
        }
        self.loggers.state.write().known.insert(logger_name(metadata.target()));
        if self.loggers.is_enabled(metadata.target(), *metadata.level()) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        metadata.is_span() || self.loggers.is_enabled(metadata.target(), *metadata.level())
    }

    // Everything: levels change while the program runs. `limit_log_crate` does the same for the `log` crate.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut found = SpanContext::default();
        attributes.record(&mut found);
        if let (true, Some(span)) = (found != SpanContext::default(), context.span(id)) {
            span.extensions_mut().insert(found);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut around = SpanContext::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<SpanContext>() {
                around.fill_from(outer);
            }
        }
        let mut text = EventText::default();
        event.record(&mut text);
        let logger = logger_name(text.target.as_deref().unwrap_or(event.metadata().target()));
        let place = text.line.or(event.metadata().line().map(u64::from));
        let time = jiff::Zoned::now();
        let mut line = String::with_capacity(160);
        let _written = write!(
            line,
            "[{}] {} {around}{}{} ({logger}",
            time.strftime("%Y-%m-%d %H:%M:%S,%3f"),
            event.metadata().level(),
            text.message,
            text.fields
        );
        if let Some(place) = place {
            let _written = write!(line, ":{place}");
        }
        line.push_str(")\n");
        // A closed standard output must not stop the worker.
        let _ignored = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

#[derive(Default, PartialEq)]
struct SpanContext {
    connector: Option<String>,
    task: Option<String>,
    part: Option<String>,
}

impl SpanContext {
    fn fill_from(&mut self, outer: &Self) {
        for (own, outer) in
            [(&mut self.connector, &outer.connector), (&mut self.task, &outer.task), (&mut self.part, &outer.part)]
        {
            if own.is_none() {
                own.clone_from(outer);
            }
        }
    }
}

impl fmt::Display for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(connector) = &self.connector else { return Ok(()) };
        match &self.task {
            Some(task) => write!(f, "[{connector}|task-{task}")?,
            None => write!(f, "[{connector}|worker")?,
        }
        if let Some(part) = &self.part {
            write!(f, "|{part}")?;
        }
        f.write_str("] ")
    }
}

impl Visit for SpanContext {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = || Some(format!("{value:?}").trim_matches('"').to_owned());
        match field.name() {
            "connector" => self.connector = text(),
            "task" => self.task = text(),
            "part" => self.part = text(),
            _ => {}
        }
    }
}

#[derive(Default)]
struct EventText {
    message: String,
    fields: String,
    /// Set by records that come through the `log` crate.
    target: Option<String>,
    line: Option<u64>,
}

impl Visit for EventText {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "log.target" => self.target = Some(value.to_owned()),
            "log.module_path" | "log.file" => {}
            name => {
                let _written = write!(self.fields, " {name}={value}");
            }
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "log.line" => self.line = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_inherited_along_the_dots() {
        let loggers = Loggers::new(Level::Info);
        loggers.state.write().known.insert("a.b.c".to_owned());
        assert_eq!(loggers.get("a.b.c").map(|found| found.level), Some(Level::Info));
        assert_eq!(loggers.get("a.b"), None);
        assert_eq!(loggers.set("a.b", Level::Debug), ["a.b", "a.b.c"]);
        assert!(loggers.is_enabled("a::b::x", tracing::Level::DEBUG));
        assert!(!loggers.is_enabled("a", tracing::Level::DEBUG));
        assert!(!loggers.is_enabled("a::bc", tracing::Level::DEBUG));
    }

    #[test]
    fn a_change_hits_every_existing_logger_that_starts_with_the_text() {
        let loggers = Loggers::new(Level::Info);
        loggers.set("a.bc", Level::Error);
        assert_eq!(loggers.set("a.b", Level::Warn), ["a.b", "a.bc"]);
        assert_eq!(loggers.get("a.bc").map(|found| found.level), Some(Level::Warn));
        assert_eq!(loggers.set("ROOT", Level::Error), ["a.b", "a.bc", "root"]);
        assert_eq!(loggers.all().values().map(|setting| setting.level).collect::<Vec<_>>(), [Level::Error; 3]);
    }

    #[test]
    fn only_changed_loggers_have_a_time() {
        let loggers = Loggers::new(Level::Info);
        assert_eq!(loggers.all()["root"].last_modified_ms, None);
        loggers.set("a", Level::Info);
        assert_eq!(loggers.all()["a"].last_modified_ms, None);
        loggers.set("a", Level::Warn);
        assert!(loggers.all()["a"].last_modified_ms.is_some());
        assert_eq!(loggers.all()["root"].last_modified_ms, None);
    }

    #[test]
    fn lines_name_the_connector_and_the_task_around_them() {
        let text = |connector: Option<&str>, task: Option<&str>, part: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            SpanContext { connector: owned(connector), task: owned(task), part: owned(part) }.to_string()
        };
        assert_eq!(text(None, None, None), "");
        assert_eq!(text(Some("c"), None, None), "[c|worker] ");
        assert_eq!(text(Some("c"), Some("0"), None), "[c|task-0] ");
        assert_eq!(text(Some("c"), Some("0"), Some("offsets")), "[c|task-0|offsets] ");
    }

    #[test]
    fn levels_are_read_in_any_case() {
        assert_eq!(Level::parse("debug"), Some(Level::Debug));
        assert_eq!(Level::parse("verbose"), None);
        assert_eq!(Level::All.name(), "ALL");
    }
}
