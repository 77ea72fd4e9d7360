//! The worker's own settings, in both modes.
//!
//! Source: contracts/connect-runtime.md, sections 1.1-1.3; contracts/connect-rest.md, section 11.

use std::path::PathBuf;
use std::time::Duration;

use super::def::{ConfigDef, ConfigKey, ConfigType, Default, Importance, Validator};
use super::map::ConfigMap;
use super::parse::{ConfigError, ParsedConfig, TypedValue};
use super::provider::{Providers, has_variable};
use super::secret::HIDDEN;

use Importance::{High, Low, Medium};

/// Everything a worker is told by its properties file.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    pub mode: Mode,
    pub bootstrap_servers: Vec<String>,
    pub key_converter: String,
    pub value_converter: String,
    pub header_converter: String,
    /// For all tasks together.
    pub task_shutdown_timeout: Duration,
    pub offset_flush_interval: Duration,
    pub offset_flush_timeout: Duration,
    pub client_override_policy: OverridePolicy,
    pub topic_creation_enable: bool,
    pub topic_tracking_enable: bool,
    pub topic_tracking_allow_reset: bool,
    pub rest: RestConfig,
    /// All settings of the file with variables resolved. Clients take theirs from here; secrets among them.
    pub originals: ConfigMap,
    pub providers: Providers,
}

#[derive(Clone, Debug)]
pub enum Mode {
    Standalone { offset_file: PathBuf },
    Distributed(Box<DistributedConfig>),
}

#[derive(Clone, Debug)]
pub struct DistributedConfig {
    pub group_id: String,
    pub client_id: String,
    pub config_topic: InternalTopic,
    pub offset_topic: InternalTopic,
    pub status_topic: InternalTopic,
    pub session_timeout: Duration,
    pub heartbeat_interval: Duration,
    pub rebalance_timeout: Duration,
    pub worker_sync_timeout: Duration,
    pub scheduled_rebalance_max_delay: Duration,
}

/// One of the three topics that hold a distributed worker's state.
#[derive(Clone, Debug)]
pub struct InternalTopic {
    pub name: String,
    /// -1 leaves it to the broker.
    pub partitions: i32,
    /// -1 leaves it to the broker.
    pub replication_factor: i32,
    /// Topic settings for the case that the topic has to be created; `cleanup.policy` is never among them.
    pub settings: ConfigMap,
}

/// Which client settings a connector may override.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverridePolicy {
    All,
    None,
    Principal,
}

#[derive(Clone, Debug)]
pub struct RestConfig {
    pub listeners: Vec<Listener>,
    pub advertised_host: Option<String>,
    pub advertised_port: Option<u16>,
    pub admin: AdminListeners,
}

/// Where `/admin/loggers` is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminListeners {
    WithTheOthers,
    Nowhere,
    Own(Vec<Listener>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Empty: every interface.
    pub host: String,
    /// 0: any free port.
    pub port: u16,
}

const fn key(name: &'static str, kind: ConfigType, default: Default, importance: Importance, doc: &'static str) -> ConfigKey {
    ConfigKey::new(name, kind, default, importance, doc)
}

use ConfigType::{Boolean, Class, Int, List, Long, Short, String as Str};
use Default::{Null, Required, Text};

const POSITIVE_OR_BROKER_DEFAULT: Validator = Validator::Custom(|value| match value {
    Some(TypedValue::Integer(x)) if *x == 0 || *x < -1 => {
        Err("Value must be positive, or -1 to use the broker's default".to_owned())
    }
    _ => Ok(()),
});

/// The settings of both modes that this worker acts on; the others pass through to its clients.
pub static COMMON: ConfigDef = ConfigDef {
    keys: &[
        key("bootstrap.servers", List, Text("localhost:9092"), High, "Brokers that every client of the worker starts from."),
        key("key.converter", Class, Required, High, "Converter of record keys for connectors that name none."),
        key("value.converter", Class, Required, High, "Converter of record values for connectors that name none."),
        key(
            "header.converter",
            Class,
            Text("org.apache.kafka.connect.storage.SimpleHeaderConverter"),
            Low,
            "Converter of record headers for connectors that name none.",
        ),
        key("task.shutdown.graceful.timeout.ms", Long, Text("5000"), Low, "Time for all tasks together to stop cleanly."),
        key("offset.flush.interval.ms", Long, Text("60000"), Low, "Time between two commits of a task's offsets."),
        key("offset.flush.timeout.ms", Long, Text("5000"), Low, "Limit of one commit."),
        key("connector.client.config.override.policy", Str, Text("All"), Medium, "Which client settings a connector may set."),
        key("topic.creation.enable", Boolean, Text("true"), Low, "Whether topic.creation.* of source connectors is honoured."),
        key("topic.tracking.enable", Boolean, Text("true"), Low, "Whether topics that connectors use are recorded."),
        key("topic.tracking.allow.reset", Boolean, Text("true"), Low, "Whether REST clients may reset the recorded topics."),
        key("listeners", List, Text("http://:8083"), Low, "Addresses of the REST API."),
        key("rest.advertised.host.name", Str, Null, Low, "Host that other workers use to reach this one."),
        key("rest.advertised.port", Int, Null, Low, "Port that other workers use to reach this one."),
        key("rest.advertised.listener", Str, Null, Low, "Which protocol other workers use."),
        key("admin.listeners", List, Null, Low, "Addresses of /admin; absent: as listeners, empty: nowhere."),
        key("rest.extension.classes", List, Text(""), Low, "Extensions of the REST API."),
        key("access.control.allow.origin", Str, Text(""), Low, "Origins for CORS."),
        key("access.control.allow.methods", Str, Text(""), Low, "Methods for CORS."),
        key("response.http.headers.config", Str, Text(""), Low, "Headers added to REST responses."),
    ],
};

/// What distributed mode adds.
pub static DISTRIBUTED: ConfigDef =
    ConfigDef {
        keys: &[
            key("group.id", Str, Required, High, "Group of workers that this one joins."),
            key("session.timeout.ms", Int, Text("10000"), High, "Silence after which the group takes a worker for dead."),
            key("heartbeat.interval.ms", Int, Text("3000"), High, "Time between two heartbeats."),
            key("rebalance.timeout.ms", Int, Text("60000"), High, "Time for all workers to join a rebalance."),
            key("exactly.once.source.support", Str, Text("disabled"), High, "Transactions for source connectors.")
                .validator(Validator::OneOfIgnoreCase(&["DISABLED", "ENABLED", "PREPARING"])),
            key("connect.protocol", Str, Text("sessioned"), Low, "Version of the group protocol.")
                .validator(Validator::OneOf(&["eager", "compatible", "sessioned"])),
            key("worker.sync.timeout.ms", Int, Text("3000"), Medium, "Limit for catching up with the config topic."),
            key("scheduled.rebalance.max.delay.ms", Int, Text("300000"), Low, "How long lost work waits for its worker.")
                .validator(Validator::Between(0, i32::MAX as i64)),
            key("client.id", Str, Text(""), Low, "Part of the worker's client ids."),
            key("offset.storage.topic", Str, Required, High, "Topic of source offsets."),
            key("offset.storage.partitions", Int, Text("25"), Low, "Its partitions if it is created.")
                .validator(POSITIVE_OR_BROKER_DEFAULT),
            key("offset.storage.replication.factor", Short, Text("3"), Low, "Its replication if it is created.")
                .validator(POSITIVE_OR_BROKER_DEFAULT),
            key("config.storage.topic", Str, Required, High, "Topic of connector configs."),
            key("config.storage.replication.factor", Short, Text("3"), Low, "Its replication if it is created.")
                .validator(POSITIVE_OR_BROKER_DEFAULT),
            key("status.storage.topic", Str, Required, High, "Topic of statuses."),
            key("status.storage.partitions", Int, Text("5"), Low, "Its partitions if it is created.")
                .validator(POSITIVE_OR_BROKER_DEFAULT),
            key("status.storage.replication.factor", Short, Text("3"), Low, "Its replication if it is created.")
                .validator(POSITIVE_OR_BROKER_DEFAULT),
        ],
    };

/// What standalone mode adds.
pub static STANDALONE: ConfigDef =
    ConfigDef { keys: &[key("offset.storage.file.filename", Str, Required, High, "File of source offsets.")] };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeName {
    Standalone,
    Distributed,
}

impl WorkerConfig {
    /// Reads the settings of a worker properties file.
    ///
    /// # Errors
    /// The first wrong setting, in Java's words where Java has the setting.
    pub fn from_properties(mode: ModeName, raw: &ConfigMap) -> Result<Self, ConfigError> {
        let providers = Providers::from_config(raw)?;
        let originals = providers.resolve(raw)?;
        let common = COMMON.parse(&originals)?;
        let mode = match mode {
            ModeName::Standalone => {
                let own = STANDALONE.parse(&originals)?;
                Mode::Standalone { offset_file: PathBuf::from(text(&own, "offset.storage.file.filename")) }
            }
            ModeName::Distributed => Mode::Distributed(Box::new(DistributedConfig::new(&originals)?)),
        };
        Ok(Self {
            mode,
            bootstrap_servers: common.list("bootstrap.servers").to_vec(),
            key_converter: text(&common, "key.converter"),
            value_converter: text(&common, "value.converter"),
            header_converter: text(&common, "header.converter"),
            task_shutdown_timeout: millis(&common, "task.shutdown.graceful.timeout.ms"),
            offset_flush_interval: millis(&common, "offset.flush.interval.ms"),
            offset_flush_timeout: millis(&common, "offset.flush.timeout.ms"),
            client_override_policy: OverridePolicy::parse(&text(&common, "connector.client.config.override.policy"))?,
            topic_creation_enable: common.boolean("topic.creation.enable"),
            topic_tracking_enable: common.boolean("topic.tracking.enable"),
            topic_tracking_allow_reset: common.boolean("topic.tracking.allow.reset"),
            rest: RestConfig::new(&common)?,
            originals,
            providers,
        })
    }

    pub fn distributed(&self) -> Option<&DistributedConfig> {
        match &self.mode {
            Mode::Distributed(config) => Some(config),
            Mode::Standalone { .. } => None,
        }
    }

    /// The settings for the log, one a line, without secrets: what is not known to be harmless is hidden.
    pub fn to_loggable(&self, raw: &ConfigMap) -> String {
        let mut lines = String::from("Worker configuration values:");
        for (name, value) in raw.iter() {
            let harmless = COMMON.get(name).or(DISTRIBUTED.get(name)).or(STANDALONE.get(name)).is_some();
            let shown = if harmless && !has_variable(value) { value.trim() } else { HIDDEN };
            lines.push_str(&format!("\n\t{name} = {shown}"));
        }
        lines
    }
}

impl DistributedConfig {
    fn new(originals: &ConfigMap) -> Result<Self, ConfigError> {
        let own = DISTRIBUTED.parse(originals)?;
        let exactly_once = text(&own, "exactly.once.source.support");
        if !exactly_once.eq_ignore_ascii_case("disabled") {
            let detail = "this worker does not support exactly-once sources yet; remove the setting or use 'disabled'";
            return Err(ConfigError::invalid("exactly.once.source.support", &exactly_once, detail));
        }
        let topic = |kind: &str, partitions: Option<i32>| InternalTopic::new(originals, &own, kind, partitions);
        Ok(Self {
            group_id: text(&own, "group.id"),
            client_id: text(&own, "client.id"),
            config_topic: topic("config", Some(1)),
            offset_topic: topic("offset", None),
            status_topic: topic("status", None),
            session_timeout: millis(&own, "session.timeout.ms"),
            heartbeat_interval: millis(&own, "heartbeat.interval.ms"),
            rebalance_timeout: millis(&own, "rebalance.timeout.ms"),
            worker_sync_timeout: millis(&own, "worker.sync.timeout.ms"),
            scheduled_rebalance_max_delay: millis(&own, "scheduled.rebalance.max.delay.ms"),
        })
    }
}

impl InternalTopic {
    fn new(originals: &ConfigMap, own: &ParsedConfig, kind: &str, partitions: Option<i32>) -> Self {
        let number =
            |suffix: &str| own.integer(&format!("{kind}.storage.{suffix}")).and_then(|x| i32::try_from(x).ok()).unwrap_or(-1);
        let mut settings = originals.with_prefix(&format!("{kind}.storage."));
        for not_for_the_topic in ["topic", "partitions", "replication.factor", "cleanup.policy"] {
            settings.remove(not_for_the_topic);
        }
        if originals.contains(&format!("{kind}.storage.cleanup.policy")) {
            tracing::warn!("Ignoring '{kind}.storage.cleanup.policy', since the topic has to be compacted");
        }
        Self {
            name: text(own, &format!("{kind}.storage.topic")),
            partitions: partitions.unwrap_or_else(|| number("partitions")),
            replication_factor: number("replication.factor"),
            settings,
        }
    }
}

impl OverridePolicy {
    fn parse(name: &str) -> Result<Self, ConfigError> {
        let simple = name.strip_prefix("org.apache.kafka.connect.connector.policy.").unwrap_or(name);
        match simple.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(simple) {
            "All" => Ok(Self::All),
            "None" => Ok(Self::None),
            "Principal" => Ok(Self::Principal),
            _ => Err(ConfigError::invalid(
                "connector.client.config.override.policy",
                name,
                "known policies are All, None, Principal",
            )),
        }
    }

    /// Connect: the policy's own name in its refusals.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::None => "None",
            Self::Principal => "Principal",
        }
    }

    /// # Errors
    /// The refusal, in Java's words.
    pub fn check(self, property: &str) -> Result<(), String> {
        let allowed = match self {
            Self::All => true,
            Self::None => false,
            Self::Principal => matches!(property, "sasl.jaas.config" | "sasl.mechanism" | "security.protocol"),
        };
        if allowed {
            return Ok(());
        }
        let policy = self.name();
        Err(format!("The '{policy}' policy does not allow '{property}' to be overridden in the connector configuration."))
    }
}

impl RestConfig {
    fn new(parsed: &ParsedConfig) -> Result<Self, ConfigError> {
        for unsupported in [
            "rest.extension.classes",
            "access.control.allow.origin",
            "access.control.allow.methods",
            "response.http.headers.config",
        ] {
            let given = parsed.text(unsupported).map_or_else(|| parsed.list(unsupported).join(","), str::to_owned);
            if !given.trim().is_empty() {
                return Err(ConfigError::invalid(unsupported, &given, "this worker does not support the setting yet; remove it"));
            }
        }
        let listeners = parsed.list("listeners");
        if listeners.is_empty() {
            return Err(ConfigError::new(
                "Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443.",
            ));
        }
        let admin = match parsed.optional_list("admin.listeners") {
            None => AdminListeners::WithTheOthers,
            Some([]) => AdminListeners::Nowhere,
            Some(items) => AdminListeners::Own(parse_listeners("admin.listeners", items)?),
        };
        let advertised_listener = parsed.text("rest.advertised.listener").unwrap_or("http");
        if !advertised_listener.eq_ignore_ascii_case("http") {
            return Err(ConfigError::invalid(
                "rest.advertised.listener",
                advertised_listener,
                "this worker serves only http so far; use 'http'",
            ));
        }
        let advertised_port = match parsed.integer("rest.advertised.port") {
            None => None,
            Some(port) => Some(u16::try_from(port).map_err(|_| {
                ConfigError::invalid("rest.advertised.port", &port.to_string(), "a port is a number from 0 to 65535")
            })?),
        };
        Ok(Self {
            listeners: parse_listeners("listeners", listeners)?,
            advertised_host: parsed.text("rest.advertised.host.name").filter(|host| !host.is_empty()).map(str::to_owned),
            advertised_port,
            admin,
        })
    }
}

fn parse_listeners(key: &str, items: &[String]) -> Result<Vec<Listener>, ConfigError> {
    if items.iter().any(|item| item.trim().is_empty()) {
        let which = if key == "listeners" { "listeners list" } else { "admin.listeners list" };
        return Err(ConfigError::new(format!("Empty URL found when parsing {which}.")));
    }
    items.iter().map(|item| Listener::parse(item)).collect()
}

impl Listener {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let malformed = || ConfigError::new("Listener doesn't have the right format (protocol://hostname:port).");
        let (protocol, address) = text.split_once("://").ok_or_else(malformed)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        let port = port.parse().map_err(|_| malformed())?;
        if !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '%' | '.' | '_' | ':')) {
            return Err(malformed());
        }
        match protocol.to_ascii_lowercase().as_str() {
            "http" => Ok(Self { host: host.to_owned(), port }),
            "https" => {
                Err(ConfigError::invalid("listeners", text, "this worker serves only http so far, put TLS in front of it"))
            }
            _ => Err(ConfigError::new("Listener protocol must be either \"http\" or \"https\".")),
        }
    }
}

fn text(parsed: &ParsedConfig, name: &str) -> String {
    parsed.text(name).unwrap_or_default().to_owned()
}

fn millis(parsed: &ParsedConfig, name: &str) -> Duration {
    Duration::from_millis(parsed.integer(name).and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distributed(extra: &[(&str, &str)]) -> Result<WorkerConfig, String> {
        let mut raw: ConfigMap = [
            ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("value.converter", "JsonConverter"),
            ("group.id", "g"),
            ("config.storage.topic", "c"),
            ("offset.storage.topic", "o"),
            ("status.storage.topic", "s"),
        ]
        .into_iter()
        .collect();
        for (key, value) in extra {
            raw.set(*key, *value);
        }
        WorkerConfig::from_properties(ModeName::Distributed, &raw).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_kafka_connect() {
        let config = distributed(&[]).unwrap();
        assert_eq!(config.bootstrap_servers, ["localhost:9092"]);
        assert_eq!(config.offset_flush_interval, Duration::from_secs(60));
        assert_eq!(config.rest.listeners, [Listener { host: String::new(), port: 8083 }]);
        assert_eq!(config.rest.admin, AdminListeners::WithTheOthers);
        let own = config.distributed().unwrap();
        assert_eq!((own.config_topic.partitions, own.offset_topic.partitions, own.status_topic.partitions), (1, 25, 5));
        assert_eq!(own.offset_topic.replication_factor, 3);
    }

    #[test]
    fn required_settings_are_missed_in_javas_words() {
        let raw = [("key.converter", "A")].into_iter().collect();
        let error = WorkerConfig::from_properties(ModeName::Standalone, &raw).unwrap_err();
        assert_eq!(error.to_string(), "Missing required configuration \"value.converter\" which has no default value.");
        let raw = [("key.converter", "A"), ("value.converter", "A")].into_iter().collect();
        let error = WorkerConfig::from_properties(ModeName::Standalone, &raw).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Missing required configuration \"offset.storage.file.filename\" which has no default value."
        );
    }

    #[test]
    fn topic_settings_are_kept_apart_from_cleanup_policy() {
        let config = distributed(&[
            ("offset.storage.replication.factor", "1"),
            ("offset.storage.segment.bytes", "1000"),
            ("offset.storage.cleanup.policy", "delete"),
        ])
        .unwrap();
        let topic = &config.distributed().unwrap().offset_topic;
        assert_eq!(topic.settings, [("segment.bytes", "1000")].into_iter().collect());
        assert_eq!(topic.replication_factor, 1);
        assert!(distributed(&[("offset.storage.replication.factor", "0")]).is_err());
    }

    #[test]
    fn listeners() {
        let parsed = |text| distributed(&[("listeners", text)]).map(|config| config.rest.listeners);
        let listener = |host: &str, port| Listener { host: host.to_owned(), port };
        assert_eq!(parsed("HTTP://0.0.0.0:8080, http://[::1]:0").unwrap(), [listener("0.0.0.0", 8080), listener("::1", 0)]);
        for (text, message) in [
            ("", "Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443."),
            ("http://a:1,", "Empty URL found when parsing listeners list."),
            ("a:1", "Listener doesn't have the right format (protocol://hostname:port)."),
            ("http://a", "Listener doesn't have the right format (protocol://hostname:port)."),
            ("ftp://a:1", "Listener protocol must be either \"http\" or \"https\"."),
        ] {
            assert_eq!(parsed(text).unwrap_err(), message, "{text}");
        }
        let admin = |text| distributed(&[("admin.listeners", text)]).unwrap().rest.admin;
        assert_eq!(admin(""), AdminListeners::Nowhere);
        assert_eq!(admin("http://a:1"), AdminListeners::Own(vec![listener("a", 1)]));
    }

    #[test]
    fn override_policies() {
        let class = "org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy";
        let policy = distributed(&[("connector.client.config.override.policy", class)]).unwrap().client_override_policy;
        assert_eq!(policy.check("sasl.mechanism"), Ok(()));
        assert_eq!(
            policy.check("acks").unwrap_err(),
            "The 'Principal' policy does not allow 'acks' to be overridden in the connector configuration."
        );
        assert!(distributed(&[("connector.client.config.override.policy", "Some")]).is_err());
    }

    #[test]
    fn logged_settings_hide_what_may_be_secret() {
        let raw = [("group.id", "g"), ("sasl.jaas.config", "x password=pw;"), ("client.id", "${env:X}")].into_iter().collect();
        let shown = distributed(&[]).unwrap().to_loggable(&raw);
        assert!(shown.contains("group.id = g") && shown.contains("sasl.jaas.config = [hidden]"), "{shown}");
        assert!(shown.contains("client.id = [hidden]"), "{shown}");
    }
}
