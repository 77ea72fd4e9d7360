//! Holds the settings of a MySQL or MariaDB connector after all checks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::config_keys;
use super::filters::{FilterSettings, PatternList, TableFilter};
use super::old_keys;
use super::options::{
    BigintUnsignedHandling, BinaryHandling, ColumnPredicate, ConnectorKind, ContextHeaders, ConversionFailure, DecimalHandling,
    EventOptions, NameAdjustment, Profile, SkippedOperations, SnapshotValues, TimePrecision,
};
use super::schema_history;
use crate::config::{ConfigDef, ConfigMap, ConfigReport, ConfigType};
use crate::plugin::ConnectError;

/// A secret that no log or error shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Whether connections are encrypted, and what is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    Disabled,
    /// Encrypt if the server can; check nothing.
    Preferred,
    /// Encrypt; check nothing.
    Required,
    VerifyCa,
    VerifyIdentity,
}

/// How the server is reached.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Password,
    pub tls: TlsMode,
    /// PEM file with the client's certificates and key.
    pub keystore: Option<String>,
    /// PEM file with authorities to trust.
    pub truststore: Option<String>,
    pub connect_timeout: Duration,
    pub query_timeout: Duration,
    pub initial_statements: Vec<String>,
}

/// `snapshot.mode`, reduced to what it means (contracts/mysql-source.md, section 8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMode {
    Initial,
    InitialOnly,
    WhenNeeded,
    NoData,
    Recovery,
    Never,
    Always,
    ConfigurationBased { data: bool, schema: bool, stream: bool, on_schema_error: bool, on_data_error: bool },
}

impl SnapshotMode {
    /// True if the binlog is read afterwards.
    pub fn streams(self) -> bool {
        match self {
            Self::InitialOnly => false,
            Self::ConfigurationBased { stream, .. } => stream,
            _ => true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockingMode {
    Minimal,
    Extended,
    MinimalPercona { table_locks: bool },
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableOrder {
    AsListed,
    FewestRowsFirst,
    MostRowsFirst,
}

#[derive(Clone, Debug)]
pub struct SnapshotSettings {
    pub mode: SnapshotMode,
    pub locking: LockingMode,
    pub lock_timeout: Duration,
    /// The captured tables whose rows are read, in this order; `None` is all.
    pub include: Option<Vec<PatternList>>,
    /// Replacement queries by lower-case `database.table`.
    pub select_overrides: BTreeMap<String, String>,
    pub order: TableOrder,
    pub delay: Duration,
}

/// What an event that cannot be handled leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureHandling {
    Fail,
    Warn,
    Skip,
}

#[derive(Clone, Debug)]
pub struct StreamingSettings {
    pub server_id: u32,
    pub delay: Duration,
    pub keep_alive: bool,
    /// How often the server should give a sign of life.
    pub heartbeat_period: Duration,
    pub net_write_timeout_s: u64,
    pub net_read_timeout_s: u64,
    pub undecodable: FailureHandling,
    pub unknown_table: FailureHandling,
    pub gtid_includes: Option<PatternList>,
    pub gtid_excludes: Option<PatternList>,
    pub gtid_filters_rows: bool,
    pub ignore_gtids: bool,
    pub check_position: bool,
    pub include_query: bool,
}

/// How a lost connection is dealt with.
#[derive(Clone, Copy, Debug)]
pub struct RetrySettings {
    /// `None` is without limit.
    pub max_retries: Option<u32>,
    /// Longest wait between two attempts.
    pub max_wait: Duration,
}

#[derive(Clone, Debug)]
pub struct HeartbeatSettings {
    /// Zero: none.
    pub interval: Duration,
    pub topic: Arc<str>,
    pub action_query: Option<String>,
}

/// All settings of one connector.
#[derive(Clone, Debug)]
pub struct MySqlConfig {
    pub kind: ConnectorKind,
    pub profile: Profile,
    pub logical_name: Arc<str>,
    pub connection: ConnectionSettings,
    pub validation_timeout: Duration,
    pub filters: FilterSettings,
    pub snapshot: SnapshotSettings,
    pub streaming: StreamingSettings,
    pub retry: RetrySettings,
    pub heartbeat: HeartbeatSettings,
    pub include_schema_changes: bool,
    /// `max.batch.size`, if the user set it.
    pub max_batch_size: Option<usize>,
    pub guardrail: Option<(usize, FailureHandling)>,
    /// What shapes records; the column filter and the run's id are added by [`MySqlConfig::event_options`].
    options: EventOptions,
    context_headers: bool,
    /// The settings under today's names, for parts that read their own.
    pub settings: ConfigMap,
}

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub key: String,
    pub message: String,
}

/// The definition for a connector class.
pub fn definition(kind: ConnectorKind) -> &'static ConfigDef {
    match kind {
        ConnectorKind::MySql => &config_keys::MYSQL,
        ConnectorKind::MariaDb => &config_keys::MARIADB,
    }
}

/// Settings that are read and that Debezium's definition, which clients are shown, leaves out.
const UNLISTED: [&str; 13] = [
    "binary.handling.mode",
    "event.converting.failure.handling.mode",
    "field.name.adjustment.mode",
    "gtid.new.channel.position",
    "sanitize.field.names",
    "skip.messages.without.change",
    "snapshot.locking.mode.custom.name",
    "snapshot.new.tables",
    "source.struct.version",
    "topic.delimiter",
    "topic.heartbeat.name",
    old_keys::COMPAT,
    "tributary.snapshot.values",
];
/// Settings that have the name of a table or a length in their own.
const FAMILIES: [&str; 3] = [SELECT_OVERRIDES_PREFIX, "column.mask.", "column.truncate."];
const SELECT_OVERRIDES_PREFIX: &str = "snapshot.select.statement.overrides.";

/// Whether a setting is read, under its old or its new name.
pub fn knows(kind: ConnectorKind, key: &str) -> bool {
    let new = old_keys::new_name(key);
    is_read(definition(kind), new.as_deref().unwrap_or(key))
}

fn is_read(definition: &ConfigDef, key: &str) -> bool {
    definition.get(key).is_some()
        || UNLISTED.contains(&key)
        || schema_history::knows(key)
        || FAMILIES.iter().any(|prefix| key.starts_with(prefix))
}

/// Checks every setting and reports all that is wrong, in Debezium's words.
pub fn validate(kind: ConnectorKind, config: &ConfigMap) -> (ConfigReport, Option<MySqlConfig>) {
    let (parsed, problems) = MySqlConfig::read(kind, config);
    let settings = old_keys::to_new_keys(config);
    let mut report = definition(kind).validate(&settings);
    for key in &mut report.keys {
        if !key.errors.is_empty() {
            // Debezium checks these itself and says it differently.
            let problem = type_problem(definition(kind).get(key.key.name()).map_or(ConfigType::String, |key| key.kind));
            key.errors = vec![invalid(key.key.name(), problem)];
        }
    }
    for problem in problems {
        match report.keys.iter_mut().find(|key| key.key.name() == problem.key) {
            Some(key) if key.errors.contains(&problem.message) => {}
            _ => report.add_error(&problem.key, problem.message),
        }
    }
    let parsed = if report.error_count() == 0 { parsed } else { None };
    (report, parsed)
}

fn type_problem(kind: ConfigType) -> &'static str {
    match kind {
        ConfigType::Boolean => "Either 'true' or 'false' is expected",
        ConfigType::Int => "An integer is expected",
        ConfigType::Long => "A long value is expected",
        ConfigType::Short => "A short value is expected",
        ConfigType::Double => "A double value is expected",
        ConfigType::String | ConfigType::List | ConfigType::Class | ConfigType::Password => "A value is required",
    }
}

// Debezium: Field#validationOutput.
fn invalid(key: &str, problem: &str) -> String {
    format!("The '{key}' value is invalid: {problem}")
}

impl MySqlConfig {
    /// # Errors
    /// `Config`, with everything that is wrong.
    pub fn parse(kind: ConnectorKind, config: &ConfigMap) -> Result<Self, ConnectError> {
        match Self::read(kind, config) {
            (Some(parsed), problems) if problems.is_empty() => Ok(parsed),
            (_, problems) => {
                let text = problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ");
                Err(ConnectError::config(format!("wrong settings: {text}")))
            }
        }
    }

    /// Settings that are accepted, promise something, and do nothing here: the key and what happens instead.
    pub fn without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let given = |key: &str| self.settings.get(key).map(str::trim).filter(|value| !value.is_empty());
        let above_one = |key: &str| given(key).and_then(|value| value.parse::<i64>().ok()).is_some_and(|number| number > 1);
        let one_after_the_other = "the snapshot reads the tables one after the other";
        let pem = "PEM files are read without a password";
        [
            ("snapshot.max.threads", above_one("snapshot.max.threads"), one_after_the_other),
            ("snapshot.max.threads.multiplier", above_one("snapshot.max.threads.multiplier"), one_after_the_other),
            ("database.ssl.keystore.password", given("database.ssl.keystore.password").is_some(), pem),
            ("database.ssl.truststore.password", given("database.ssl.truststore.password").is_some(), pem),
            ("custom.metric.tags", given("custom.metric.tags").is_some(), "there are no JMX metrics to be tagged"),
            (
                "gtid.new.channel.position",
                given("gtid.new.channel.position").is_some_and(|value| value.eq_ignore_ascii_case("latest")),
                "transactions of a new source are read from their first one",
            ),
        ]
        .into_iter()
        .filter(|(_, set, _)| *set)
        .map(|(key, _, instead)| (key, instead))
        .collect()
    }

    /// The options for one run of the task.
    ///
    /// # Errors
    /// `Config` if a filter is no regular expression.
    pub fn event_options(&self, filter: &Arc<TableFilter>, task: usize, run_id: String) -> Arc<EventOptions> {
        let mut options = self.options.clone();
        let filter = filter.clone();
        if self.filters.column_include.is_some() || self.filters.column_exclude.is_some() {
            options.column_filter = Some(ColumnPredicate(Arc::new(move |table, column| filter.captures_column(table, column))));
        }
        // Debezium: the headers came with 3.2, the run's id with 3.4.
        if self.context_headers && self.profile >= Profile::V3_2 {
            let run_id = (self.profile >= Profile::V3_6).then_some(run_id);
            options.context_headers = Some(ContextHeaders { task_id: task.to_string(), run_id });
        }
        Arc::new(options)
    }

    fn read(kind: ConnectorKind, config: &ConfigMap) -> (Option<Self>, Vec<Problem>) {
        let settings = old_keys::to_new_keys(config);
        let from_1x = old_keys::is_written_for_1x(config);
        let mut reader = Reader { settings: &settings, definition: definition(kind), problems: Vec::new() };
        let profile = old_keys::profile(config).unwrap_or_else(|name| {
            let known = Profile::ALL.iter().map(|profile| profile.name()).collect::<Vec<_>>().join(", ");
            reader.problem(old_keys::COMPAT, &format!("'{name}' is no known release line; known: {known}"));
            Profile::default()
        });
        reader.refuse_unsupported(kind);
        let logical_name: Arc<str> = reader.name("topic.prefix").into();
        let connection = reader.connection(kind);
        let filters = reader.filters();
        let snapshot = reader.snapshot();
        let streaming = reader.streaming(from_1x);
        let heartbeat = reader.heartbeat(&logical_name);
        let options = reader.options(kind, profile, &logical_name);
        let max_batch_size = reader.batch_size();
        let guardrail = match reader.non_negative("guardrail.collections.max") {
            0 => None,
            max => {
                let action = reader.choice(
                    "guardrail.collections.limit.action",
                    &[("warn", FailureHandling::Warn), ("fail", FailureHandling::Fail)],
                );
                Some((usize::try_from(max).unwrap_or(usize::MAX), action))
            }
        };
        let retry = RetrySettings {
            max_retries: u32::try_from(reader.integer("errors.max.retries").unwrap_or(-1)).ok(),
            max_wait: reader.milliseconds("retriable.restart.connector.wait.ms"),
        };
        let parsed = Self {
            kind,
            profile,
            logical_name,
            connection,
            validation_timeout: reader.milliseconds("connection.validation.timeout.ms"),
            filters,
            snapshot,
            streaming,
            retry,
            heartbeat,
            include_schema_changes: reader.boolean("include.schema.changes"),
            max_batch_size,
            guardrail,
            options,
            context_headers: reader.boolean("extended.headers.enabled"),
            settings: settings.clone(),
        };
        let problems = reader.problems;
        (Some(parsed), problems)
    }
}

/// Reads settings one by one and collects what is wrong with them.
struct Reader<'a> {
    settings: &'a ConfigMap,
    definition: &'static ConfigDef,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, key: &str, problem: &str) {
        self.problems.push(Problem { key: key.to_owned(), message: invalid(key, problem) });
    }

    /// The setting or its default; a blank one is absent.
    fn text(&self, key: &str) -> Option<String> {
        debug_assert!(is_read(self.definition, key), "'{key}' is read and would be reported as unknown");
        let default = match self.definition.get(key).map(|key| key.default) {
            Some(crate::config::Default::Text(text)) => Some(text),
            _ => None,
        };
        self.settings.get(key).or(default).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn required(&mut self, key: &str) -> String {
        self.text(key).unwrap_or_else(|| {
            self.problem(key, "A value is required");
            String::new()
        })
    }

    /// A name of letters, digits, dots, hyphens and underscores.
    fn name(&mut self, key: &str) -> String {
        let name = self.required(key);
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            let problem =
                format!("{name} has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)");
            self.problem(key, &problem);
        }
        name
    }

    fn boolean(&mut self, key: &str) -> bool {
        match self.text(key) {
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => {
                self.problem(key, type_problem(ConfigType::Boolean));
                false
            }
            None => false,
        }
    }

    fn boolean_or(&mut self, key: &str, default: bool) -> bool {
        if self.text(key).is_none() { default } else { self.boolean(key) }
    }

    fn integer(&mut self, key: &str) -> Option<i64> {
        let text = self.text(key)?;
        let kind = self.definition.get(key).map_or(ConfigType::Long, |key| key.kind);
        let parsed = text.parse::<i64>().ok().filter(|number| kind != ConfigType::Int || i32::try_from(*number).is_ok());
        if parsed.is_none() {
            self.problem(key, type_problem(kind));
        }
        parsed
    }

    fn non_negative(&mut self, key: &str) -> u64 {
        match self.integer(key).map(u64::try_from) {
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                self.problem(key, "A non-negative long value is expected");
                0
            }
            None => 0,
        }
    }

    fn positive(&mut self, key: &str) -> u64 {
        let number = self.non_negative(key);
        if number == 0 && !self.problems.iter().any(|problem| problem.key == key) {
            self.problem(key, "A positive, non-zero integer value is expected");
        }
        number
    }

    fn milliseconds(&mut self, key: &str) -> Duration {
        Duration::from_millis(self.non_negative(key))
    }

    fn list(&self, key: &str) -> Vec<String> {
        self.text(key)
            .map(|text| text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
            .unwrap_or_default()
    }

    /// One of the named values, in any case; the first is taken after a problem.
    fn choice<T: Copy>(&mut self, key: &str, values: &[(&str, T)]) -> T {
        self.choice_or_default(key, values).unwrap_or(values[0].1)
    }

    fn choice_or_default<T: Copy>(&mut self, key: &str, values: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)).map(|(_, value)| *value);
        if found.is_none() {
            let names = values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            self.problem(key, &format!("Value must be one of {names}"));
        }
        found
    }

    fn patterns(&mut self, key: &str) -> Option<PatternList> {
        let text = self.text(key)?;
        match PatternList::new(key, &text) {
            Ok(list) => Some(list),
            Err(error) => {
                self.regex_problem(key, &error);
                None
            }
        }
    }

    fn regex_problem(&mut self, key: &str, error: &ConnectError) {
        self.problem(key, &format!("A comma-separated list of valid regular expressions is expected, but {}", error.trace()));
    }

    fn connection(&mut self, kind: ConnectorKind) -> ConnectionSettings {
        let host = self.name("database.hostname");
        let port = match self.integer("database.port").map(u16::try_from) {
            Some(Ok(port)) if port != 0 => port,
            Some(_) => {
                self.problem("database.port", "A port from 1 to 65535 is expected");
                0
            }
            None => 0,
        };
        let tls = match kind {
            ConnectorKind::MySql => self.choice(
                "database.ssl.mode",
                &[
                    ("disabled", TlsMode::Disabled),
                    ("preferred", TlsMode::Preferred),
                    ("required", TlsMode::Required),
                    ("verify_ca", TlsMode::VerifyCa),
                    ("verify_identity", TlsMode::VerifyIdentity),
                ],
            ),
            ConnectorKind::MariaDb => self.choice(
                "database.ssl.mode",
                &[
                    ("disable", TlsMode::Disabled),
                    ("trust", TlsMode::Required),
                    ("verify-ca", TlsMode::VerifyCa),
                    ("verify-full", TlsMode::VerifyIdentity),
                ],
            ),
        };
        let mut pem = |key: &str| {
            let path = self.text(key)?;
            let lower = path.to_ascii_lowercase();
            if [".jks", ".p12", ".pfx", ".keystore", ".truststore"].iter().any(|ending| lower.ends_with(ending)) {
                self.problem(key, "Java key stores are not read yet; give a PEM file");
            }
            Some(path)
        };
        let (keystore, truststore) = (pem("database.ssl.keystore"), pem("database.ssl.truststore"));
        ConnectionSettings {
            host,
            port,
            user: self.required("database.user"),
            password: Password(self.settings.get("database.password").unwrap_or_default().to_owned()),
            tls,
            keystore,
            truststore,
            connect_timeout: Duration::from_millis(self.positive("connect.timeout.ms")),
            query_timeout: match self.milliseconds("database.query.timeout.ms") {
                Duration::ZERO => Duration::MAX,
                limit => limit,
            },
            initial_statements: self.text("database.initial.statements").map(|text| split_statements(&text)).unwrap_or_default(),
        }
    }

    fn filters(&mut self) -> FilterSettings {
        let settings = FilterSettings {
            database_include: self.text("database.include.list"),
            database_exclude: self.text("database.exclude.list"),
            table_include: self.text("table.include.list"),
            table_exclude: self.text("table.exclude.list"),
            column_include: self.text("column.include.list"),
            column_exclude: self.text("column.exclude.list"),
            ignore_builtin: self.boolean("table.ignore.builtin"),
            signal_table: self.text("signal.data.collection"),
        };
        for (include, exclude, both) in [
            (
                "database.include.list",
                "database.exclude.list",
                settings.database_include.is_some() && settings.database_exclude.is_some(),
            ),
            ("table.include.list", "table.exclude.list", settings.table_include.is_some() && settings.table_exclude.is_some()),
            (
                "column.include.list",
                "column.exclude.list",
                settings.column_include.is_some() && settings.column_exclude.is_some(),
            ),
        ] {
            if both {
                self.problem(exclude, &format!("\"{include}\" is already specified"));
            }
            for key in [include, exclude] {
                self.patterns(key);
            }
        }
        settings
    }

    fn snapshot(&mut self) -> SnapshotSettings {
        let by_flags = SnapshotMode::ConfigurationBased {
            data: self.boolean("snapshot.mode.configuration.based.snapshot.data"),
            schema: self.boolean("snapshot.mode.configuration.based.snapshot.schema"),
            stream: self.boolean("snapshot.mode.configuration.based.start.stream"),
            on_schema_error: self.boolean("snapshot.mode.configuration.based.snapshot.on.schema.error"),
            on_data_error: self.boolean("snapshot.mode.configuration.based.snapshot.on.data.error"),
        };
        let mode = self.choice(
            "snapshot.mode",
            &[
                ("initial", SnapshotMode::Initial),
                ("initial_only", SnapshotMode::InitialOnly),
                ("when_needed", SnapshotMode::WhenNeeded),
                ("no_data", SnapshotMode::NoData),
                ("schema_only", SnapshotMode::NoData),
                ("recovery", SnapshotMode::Recovery),
                ("schema_only_recovery", SnapshotMode::Recovery),
                ("never", SnapshotMode::Never),
                ("always", SnapshotMode::Always),
                ("configuration_based", by_flags),
            ],
        );
        let locking = self.choice(
            "snapshot.locking.mode",
            &[
                ("minimal", LockingMode::Minimal),
                ("extended", LockingMode::Extended),
                ("none", LockingMode::None),
                ("minimal_percona", LockingMode::MinimalPercona { table_locks: true }),
                ("minimal_percona_no_table_locks", LockingMode::MinimalPercona { table_locks: false }),
            ],
        );
        let include_key = "snapshot.include.collection.list";
        let include = self.text(include_key).map(|text| {
            // One list per pattern, because their order is the order of the tables.
            let mut lists = Vec::new();
            for pattern in split_list(&text) {
                match PatternList::new(include_key, &pattern) {
                    Ok(list) => lists.push(list),
                    Err(error) => self.regex_problem(include_key, &error),
                }
            }
            lists
        });
        let overrides_key = "snapshot.select.statement.overrides";
        let mut select_overrides = BTreeMap::new();
        for table in self.list(overrides_key) {
            match self.text(&format!("{overrides_key}.{table}")) {
                Some(statement) => {
                    select_overrides.insert(table.to_ascii_lowercase(), statement);
                }
                None => self.problem(overrides_key, &format!("there is no setting {overrides_key}.{table} with its statement")),
            }
        }
        SnapshotSettings {
            mode,
            locking,
            lock_timeout: Duration::from_millis(self.positive("snapshot.lock.timeout.ms")),
            include,
            select_overrides,
            order: self.choice(
                "snapshot.tables.order.by.row.count",
                &[
                    ("disabled", TableOrder::AsListed),
                    ("ascending", TableOrder::FewestRowsFirst),
                    ("descending", TableOrder::MostRowsFirst),
                ],
            ),
            delay: self.milliseconds("snapshot.delay.ms"),
        }
    }

    fn streaming(&mut self, from_1x: bool) -> StreamingSettings {
        let server_id = match self.integer("database.server.id") {
            Some(id) => u32::try_from(id).ok().filter(|id| *id != 0).unwrap_or_else(|| {
                self.problem("database.server.id", "A number from 1 to 4294967295 is expected");
                0
            }),
            // Debezium 1.x takes a random one.
            None if from_1x => rand::random_range(5400..=6400),
            None => {
                self.required("database.server.id");
                0
            }
        };
        if self.text("gtid.source.includes").is_some() && self.text("gtid.source.excludes").is_some() {
            self.problem("gtid.source.excludes", "Cannot specify GTID excludes when includes are provided.");
        }
        let failure = [
            ("fail", FailureHandling::Fail),
            ("warn", FailureHandling::Warn),
            ("skip", FailureHandling::Skip),
            ("ignore", FailureHandling::Skip),
        ];
        StreamingSettings {
            server_id,
            delay: self.milliseconds("streaming.delay.ms"),
            keep_alive: self.boolean("connect.keep.alive"),
            heartbeat_period: Duration::from_millis(self.positive("connect.keep.alive.interval.ms").saturating_mul(4) / 5),
            net_write_timeout_s: self.non_negative("binlog.net.write.timeout"),
            net_read_timeout_s: self.non_negative("binlog.net.read.timeout"),
            undecodable: self.choice("event.processing.failure.handling.mode", &failure),
            unknown_table: self.choice("inconsistent.schema.handling.mode", &failure),
            gtid_includes: self.patterns("gtid.source.includes"),
            gtid_excludes: self.patterns("gtid.source.excludes"),
            gtid_filters_rows: self.boolean("gtid.source.filter.dml.events"),
            ignore_gtids: self.boolean("gtid.ignore.on.recovery"),
            check_position: self.boolean("internal.log.position.check.enable"),
            include_query: self.boolean("include.query"),
        }
    }

    fn heartbeat(&mut self, logical_name: &str) -> HeartbeatSettings {
        let prefix = self.text("heartbeat.topics.prefix").unwrap_or_default();
        let topic = self.text("topic.heartbeat.name").unwrap_or_else(|| format!("{prefix}.{logical_name}"));
        HeartbeatSettings {
            interval: self.milliseconds("heartbeat.interval.ms"),
            topic: topic.into(),
            action_query: self.text("heartbeat.action.query"),
        }
    }

    fn batch_size(&mut self) -> Option<usize> {
        let batch = self.positive("max.batch.size");
        let queue = self.positive("max.queue.size");
        let given = |key: &str| self.settings.get(key).is_some();
        let (batch_given, queue_given) = (given("max.batch.size"), given("max.queue.size"));
        if queue <= batch && (batch_given || queue_given) && queue != 0 {
            self.problem("max.queue.size", "Must be larger than the maximum batch size");
        }
        batch_given.then(|| usize::try_from(batch).unwrap_or(usize::MAX))
    }

    fn options(&mut self, kind: ConnectorKind, profile: Profile, logical_name: &Arc<str>) -> EventOptions {
        let names =
            [("none", NameAdjustment::None), ("avro", NameAdjustment::Avro), ("avro_unicode", NameAdjustment::AvroUnicode)];
        let schema_names = match self.settings.get("schema.name.adjustment.mode") {
            // Debezium 1.x always adjusted.
            None if profile <= Profile::V1_9 => NameAdjustment::Avro,
            _ => self.choice("schema.name.adjustment.mode", &names),
        };
        let field_names = self.choice_or_default("field.name.adjustment.mode", &names).unwrap_or_default();
        if self.text("time.precision.mode").is_some_and(|mode| mode.eq_ignore_ascii_case("adaptive")) {
            self.problem("time.precision.mode", "The 'adaptive' time.precision.mode is no longer supported");
        }
        let time_precision = self.choice(
            "time.precision.mode",
            &[
                ("adaptive_time_microseconds", TimePrecision::AdaptiveTimeMicroseconds),
                ("connect", TimePrecision::Connect),
                ("isostring", TimePrecision::IsoString),
                ("microseconds", TimePrecision::Microseconds),
                ("nanoseconds", TimePrecision::Nanoseconds),
            ],
        );
        EventOptions {
            connector: kind,
            profile,
            version: profile.release().into(),
            server_name: logical_name.clone(),
            topic_delimiter: self.text("topic.delimiter").unwrap_or_else(|| ".".to_owned()).into(),
            time_precision,
            decimal: self.choice(
                "decimal.handling.mode",
                &[
                    ("precise", DecimalHandling::Precise),
                    ("string", DecimalHandling::String),
                    ("double", DecimalHandling::Double),
                ],
            ),
            bigint_unsigned: self.choice(
                "bigint.unsigned.handling.mode",
                &[("long", BigintUnsignedHandling::Long), ("precise", BigintUnsignedHandling::Precise)],
            ),
            binary: self
                .choice_or_default(
                    "binary.handling.mode",
                    &[
                        ("bytes", BinaryHandling::Bytes),
                        ("base64", BinaryHandling::Base64),
                        ("base64-url-safe", BinaryHandling::Base64UrlSafe),
                        ("hex", BinaryHandling::Hex),
                    ],
                )
                .unwrap_or_default(),
            time_adjuster: self.boolean("enable.time.adjuster"),
            conversion_failure: self
                .choice_or_default(
                    "event.converting.failure.handling.mode",
                    &[("warn", ConversionFailure::Warn), ("fail", ConversionFailure::Fail), ("skip", ConversionFailure::Skip)],
                )
                .unwrap_or_default(),
            invalid_dates: match self.text("event.processing.failure.handling.mode").unwrap_or_default().to_lowercase().as_str() {
                "warn" => ConversionFailure::Warn,
                "skip" | "ignore" => ConversionFailure::Skip,
                _ => ConversionFailure::Fail,
            },
            snapshot_values: self
                .choice_or_default(
                    "tributary.snapshot.values",
                    &[("debezium", SnapshotValues::AsDebezium), ("stream", SnapshotValues::AsStream)],
                )
                .unwrap_or_default(),
            default_time_zone: TimeZone::system(),
            tombstones_on_delete: self.boolean("tombstones.on.delete"),
            skipped_operations: self.skipped_operations(profile),
            include_comments: self.boolean("include.schema.comments"),
            schema_names,
            field_names,
            message_key_columns: self.message_keys(),
            column_filter: None,
            context_headers: None,
        }
    }

    fn skipped_operations(&mut self, profile: Profile) -> SkippedOperations {
        let key = "skipped.operations";
        let mut skipped = SkippedOperations { create: false, update: false, delete: false, truncate: false };
        let given = match self.settings.get(key) {
            // Debezium 1.x skipped nothing.
            None if profile <= Profile::V1_9 => return skipped,
            _ => self.list(key),
        };
        for operation in &given {
            match operation.as_str() {
                "c" => skipped.create = true,
                "u" => skipped.update = true,
                "d" => skipped.delete = true,
                "t" => skipped.truncate = true,
                "none" if given.len() > 1 => {
                    self.problem(key, "'none' cannot be specified with other skipped operation types");
                }
                "none" => {}
                _ => self.problem(key, "Invalid operation"),
            }
        }
        skipped
    }

    /// `tablePattern:column,column;...`
    fn message_keys(&mut self) -> Option<String> {
        let key = "message.key.columns";
        let text = self.text(key)?;
        for entry in text.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
            let fits = entry.split_once(':').is_some_and(|(tables, columns)| {
                !tables.trim().is_empty() && !columns.is_empty() && columns.split(',').all(|column| !column.trim().is_empty())
            });
            if !fits {
                self.problem(key, &format!("{entry} has an invalid format (expecting '<table pattern>:<column>,<column>')"));
            }
        }
        Some(text)
    }

    /// Settings that would change what is read or sent, and that this version does not have.
    fn refuse_unsupported(&mut self, kind: ConnectorKind) {
        if kind == ConnectorKind::MariaDb && self.boolean_or("include.query", false) {
            self.problem("include.query", "MariaDB's statements are not read yet; remove the setting or set it to false");
        }
        for (key, default, what) in [
            ("source.struct.version", "v2", "the source block of Debezium 0.9"),
            ("snapshot.new.tables", "off", "a snapshot of tables that are added to the filters"),
        ] {
            if self.text(key).is_some_and(|value| !value.eq_ignore_ascii_case(default)) {
                self.problem(key, &format!("{what} is not supported; remove the setting or set it to {default}"));
            }
        }
        let maker = self.text("sourceinfo.struct.maker").unwrap_or_default();
        if !maker.starts_with("io.debezium.connector.") {
            self.problem(
                "sourceinfo.struct.maker",
                "only Debezium's own makers of the source block are supported; remove the setting",
            );
        }
        for (key, what) in [
            ("provide.transaction.metadata", "transaction metadata"),
            ("skip.messages.without.change", "leaving out unchanged rows"),
            ("openlineage.integration.enabled", "OpenLineage"),
        ] {
            if self.boolean_or(key, false) {
                self.problem(key, &format!("{what} is not supported yet; remove the setting or set it to false"));
            }
        }
        for (key, what) in [
            ("converters", "custom converters are"),
            ("post.processors", "post processors are"),
            ("signal.data.collection", "signals are"),
            ("notification.enabled.channels", "notifications are"),
            ("column.propagate.source.type", "source types in schemas are"),
            ("datatype.propagate.source.type", "source types in schemas are"),
            ("snapshot.mode.custom.name", "Java snapshotters are"),
            ("snapshot.query.mode.custom.name", "Java snapshot queries are"),
            ("snapshot.locking.mode.custom.name", "Java snapshot locks are"),
        ] {
            if self.text(key).is_some() {
                self.problem(key, &format!("{what} not supported yet; remove the setting"));
            }
        }
        let hidden_columns: Vec<String> = self
            .settings
            .iter()
            .map(|(key, _)| key)
            .filter(|key| key.starts_with("column.mask.") || key.starts_with("column.truncate."))
            .map(str::to_owned)
            .collect();
        for key in hidden_columns {
            self.problem(
                &key,
                "masking, hashing and truncating columns is not supported yet; exclude the columns, or remove the setting",
            );
        }
        if self.list("signal.enabled.channels").iter().any(|channel| channel != "source") {
            self.problem("signal.enabled.channels", "signals are not supported yet; remove the setting");
        }
        if self.integer("binlog.buffer.size").is_some_and(|size| size > 0) {
            self.problem("binlog.buffer.size", "looking ahead for a ROLLBACK is not supported yet; set it to 0");
        }
        if self.text("snapshot.query.mode").is_some_and(|mode| !mode.eq_ignore_ascii_case("select_all")) {
            self.problem("snapshot.query.mode", "Value must be one of select_all");
        }
        let strategy = self.text("topic.naming.strategy").unwrap_or_default();
        if !["io.debezium.schema.SchemaTopicNamingStrategy", "io.debezium.schema.DefaultTopicNamingStrategy"]
            .contains(&strategy.as_str())
        {
            self.problem(
                "topic.naming.strategy",
                "only io.debezium.schema.SchemaTopicNamingStrategy and io.debezium.schema.DefaultTopicNamingStrategy are supported yet",
            );
        }
    }
}

/// Splits at commas; `\,` is a comma inside an item.
pub fn split_list(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(',')) => {
                chars.next();
                if let Some(item) = items.last_mut() {
                    item.push_str("\\,");
                }
            }
            (',', _) => items.push(String::new()),
            (c, _) => {
                if let Some(item) = items.last_mut() {
                    item.push(c);
                }
            }
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Splits at semicolons; `;;` is a semicolon inside a statement.
fn split_statements(text: &str) -> Vec<String> {
    let marked = text.replace(";;", "\u{0}");
    marked.split(';').map(|part| part.replace('\u{0}', ";").trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests;
