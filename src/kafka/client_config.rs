//! Turns a Kafka client's Java settings into a librdkafka configuration.
//!
//! Users write the settings of Java clients (`linger.ms`, `sasl.jaas.config`), because the worker files and connector
//! configs they have were written for Java workers. Settings that only exist in Java are dropped quietly, settings
//! nobody knows are logged once, and a setting that cannot be honoured is an error. `librdkafka.<name>` passes a
//! setting through as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;

use super::jaas;
use crate::plugin::{ConnectError, Result};

/// Settings of one client under their Java names.
pub type JavaSettings = BTreeMap<String, String>;

const PASS_THROUGH: &str = "librdkafka.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Producer,
    Consumer,
    Admin,
}

/// The settings of one client, checked and translated. Holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub struct ClientSettings {
    native: BTreeMap<String, String>,
    /// How long a send may wait for room in the queue (`max.block.ms`).
    pub max_block: Duration,
    /// The most records one poll returns (`max.poll.records`), if the user limits it.
    pub max_poll_records: Option<usize>,
    /// Time limit of calls that have none of their own (`default.api.timeout.ms`).
    pub api_timeout: Duration,
}

impl ClientSettings {
    /// # Errors
    /// `Config`, naming the setting, if a value is not valid or needs something this program lacks.
    pub fn from_java(kind: ClientKind, java: &JavaSettings) -> Result<Self> {
        let mut settings = Self {
            native: defaults(kind),
            max_block: Duration::from_secs(60),
            max_poll_records: None,
            api_timeout: Duration::from_secs(60),
        };
        for (key, value) in java {
            settings.apply(kind, key, value.trim())?;
        }
        apply_security(java, &mut settings.native)?;
        apply_compression_level(java, &mut settings.native);
        if let Some(fetch) = settings.native.get("fetch.max.bytes").and_then(|x| x.parse::<i64>().ok()) {
            // librdkafka wants room for one response beside the protocol's own bytes.
            let receive = (fetch + 1024).clamp(100_000_000, i64::from(i32::MAX));
            settings.native.entry("receive.message.max.bytes".to_owned()).or_insert(receive.to_string());
        }
        Ok(settings)
    }

    /// A setting in librdkafka's words.
    pub fn get(&self, native_key: &str) -> Option<&str> {
        self.native.get(native_key).map(String::as_str)
    }

    pub(super) fn set(&mut self, native_key: &str, value: &str) {
        self.native.insert(native_key.to_owned(), value.to_owned());
    }

    pub(super) fn native(&self) -> rdkafka::ClientConfig {
        let mut config = rdkafka::ClientConfig::new();
        for (key, value) in &self.native {
            config.set(key, value);
        }
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }

    fn apply(&mut self, kind: ClientKind, key: &str, value: &str) -> Result<()> {
        if let Some(native_key) = key.strip_prefix(PASS_THROUGH) {
            self.set(native_key, value);
            return Ok(());
        }
        match rule(kind, key) {
            Some(Rule::Same) => self.set(key, value),
            Some(Rule::Number(native_key, min, max)) => {
                let number: i64 = value.parse().map_err(|_| invalid(key, value, "not a whole number"))?;
                self.set(native_key, &number.clamp(min, max).to_string());
            }
            Some(Rule::Kilobytes(native_key)) => {
                let bytes: i64 = value.parse().map_err(|_| invalid(key, value, "not a whole number"))?;
                self.set(native_key, &(bytes / 1024).clamp(1, 2_097_151).to_string());
            }
            Some(Rule::Boolean) => match value.to_ascii_lowercase().as_str() {
                flag @ ("true" | "false") => self.set(key, flag),
                _ => return Err(invalid(key, value, "expected true or false")),
            },
            Some(Rule::Own) => self.apply_own(key, value)?,
            Some(Rule::Java) => {}
            None => log_unknown_once(kind, key),
        }
        Ok(())
    }

    /// The settings whose values need more than a new name.
    fn apply_own(&mut self, key: &str, value: &str) -> Result<()> {
        let milliseconds = || -> Result<Duration> {
            let number: i64 = value.parse().map_err(|_| invalid(key, value, "not a whole number"))?;
            // Java uses Long.MAX_VALUE for "for ever"; a year is as long for a worker.
            Ok(Duration::from_millis(number.clamp(0, 31_536_000_000).unsigned_abs()))
        };
        match key {
            "client.id" if value.is_empty() => {}
            "client.id" => self.set(key, value),
            "max.block.ms" => self.max_block = milliseconds()?,
            "default.api.timeout.ms" => self.api_timeout = milliseconds()?,
            "max.poll.records" => {
                let number = value.parse::<usize>().ok().filter(|&x| x > 0);
                self.max_poll_records = Some(number.ok_or_else(|| invalid(key, value, "not a positive whole number"))?);
            }
            "acks" => match value {
                "all" | "-1" => self.set(key, "-1"),
                "0" | "1" => self.set(key, value),
                _ => return Err(invalid(key, value, "known values: all, -1, 0, 1")),
            },
            "security.protocol" => match value.to_ascii_lowercase().as_str() {
                name @ ("plaintext" | "ssl" | "sasl_plaintext" | "sasl_ssl") => self.set(key, name),
                _ => return Err(invalid(key, value, "known values: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL")),
            },
            "auto.offset.reset" => match value.to_ascii_lowercase().as_str() {
                "none" => self.set(key, "error"),
                name @ ("earliest" | "latest") => self.set(key, name),
                _ => return Err(invalid(key, value, "known values: earliest, latest, none")),
            },
            "isolation.level" => match value.to_ascii_lowercase().as_str() {
                name @ ("read_committed" | "read_uncommitted") => self.set(key, name),
                _ => return Err(invalid(key, value, "known values: read_committed, read_uncommitted")),
            },
            "group.protocol" => self.set(key, &value.to_ascii_lowercase()),
            "partitioner.class" => self.apply_partitioner(value)?,
            "partition.assignment.strategy" => {
                let strategy = assignment_strategy(value)?;
                self.set(key, strategy);
            }
            _ => {}
        }
        Ok(())
    }

    fn apply_partitioner(&mut self, class: &str) -> Result<()> {
        match class.rsplit('.').next().unwrap_or(class) {
            "" | "DefaultPartitioner" | "UniformStickyPartitioner" => Ok(()),
            "RoundRobinPartitioner" => {
                self.set("partitioner", "random");
                Ok(())
            }
            _ => Err(invalid("partitioner.class", class, "only Java's default partitioner and RoundRobinPartitioner exist here")),
        }
    }
}

/// True if a client of this kind knows the setting. The worker's own file mixes client settings with others; this
/// keeps what belongs to a client.
pub fn is_client_setting(kind: ClientKind, key: &str) -> bool {
    key.starts_with(PASS_THROUGH) || rule(kind, key).is_some()
}

/// Where nothing is set: Java's behaviour where it shows outside, otherwise what moves data fastest.
fn defaults(kind: ClientKind) -> BTreeMap<String, String> {
    let common = [
        ("client.dns.lookup", "use_all_dns_ips"),
        ("socket.keepalive.enable", "true"),
        ("log.connection.close", "false"),
        ("enable.metrics.push", "false"),
        ("reconnect.backoff.ms", "50"),
        ("reconnect.backoff.max.ms", "1000"),
        ("connections.max.idle.ms", "540000"),
    ];
    let own: &[(&str, &str)] = match kind {
        ClientKind::Producer => &[
            // Java's default partitioner for keyed records; contracts/connect-runtime.md 3.1.
            ("partitioner", "murmur2_random"),
            ("acks", "-1"),
            ("linger.ms", "5"),
            // Java's max.request.size. Batches grow as large as one request may be.
            ("message.max.bytes", "1048576"),
            ("batch.size", "1000000"),
            ("batch.num.messages", "100000"),
            // Bounded by bytes (Java's buffer.memory); the count bounds the bookkeeping of very small records.
            ("queue.buffering.max.kbytes", "32768"),
            ("queue.buffering.max.messages", "200000"),
            ("delivery.timeout.ms", "120000"),
        ],
        ClientKind::Consumer => &[
            ("isolation.level", "read_uncommitted"),
            ("auto.offset.reset", "latest"),
            ("allow.auto.create.topics", "true"),
            ("check.crcs", "true"),
            // Java's default list is range and cooperative-sticky, of which a group uses range.
            ("partition.assignment.strategy", "range"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("fetch.max.bytes", "16777216"),
            ("queued.min.messages", "100000"),
            ("queued.max.messages.kbytes", "8192"),
            // How long fetching rests once the queue is full; the default second would starve a fast sink.
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.error.backoff.ms", "100"),
        ],
        // Asking about a topic must not create it.
        ClientKind::Admin => &[("allow.auto.create.topics", "false")],
    };
    common.iter().chain(own).map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

enum Rule {
    Same,
    /// A number that is moved into librdkafka's range.
    Number(&'static str, i64, i64),
    Kilobytes(&'static str),
    Boolean,
    /// Handled by `apply_own` or `apply_security`.
    Own,
    /// Means something only inside a JVM.
    Java,
}

fn rule(kind: ClientKind, key: &str) -> Option<Rule> {
    common_rule(kind, key).or_else(|| match kind {
        ClientKind::Producer => producer_rule(key),
        ClientKind::Consumer => consumer_rule(key),
        ClientKind::Admin => (key == "retries").then_some(Rule::Java),
    })
}

fn common_rule(kind: ClientKind, key: &str) -> Option<Rule> {
    const INT: i64 = i32::MAX as i64;
    Some(match key {
        "bootstrap.servers" | "client.dns.lookup" | "client.rack" | "metadata.recovery.strategy" => Rule::Same,
        "client.id" | "security.protocol" | "default.api.timeout.ms" => Rule::Own,
        "metadata.max.age.ms" => Rule::Number("topic.metadata.refresh.interval.ms", 10, 3_600_000),
        "metadata.recovery.rebootstrap.trigger.ms" => Rule::Number("metadata.recovery.rebootstrap.trigger.ms", 0, INT),
        "connections.max.idle.ms" => Rule::Number("connections.max.idle.ms", 0, INT),
        "reconnect.backoff.ms" => Rule::Number("reconnect.backoff.ms", 0, 3_600_000),
        "reconnect.backoff.max.ms" => Rule::Number("reconnect.backoff.max.ms", 0, 3_600_000),
        "retry.backoff.ms" => Rule::Number("retry.backoff.ms", 1, 300_000),
        "retry.backoff.max.ms" => Rule::Number("retry.backoff.max.ms", 1, 300_000),
        "socket.connection.setup.timeout.ms" => Rule::Number("socket.connection.setup.timeout.ms", 1000, INT),
        // Java's -1 is librdkafka's 0: leave it to the system.
        "send.buffer.bytes" => Rule::Number("socket.send.buffer.bytes", 0, 100_000_000),
        "receive.buffer.bytes" => Rule::Number("socket.receive.buffer.bytes", 0, 100_000_000),
        "request.timeout.ms" if kind == ClientKind::Producer => Rule::Number("request.timeout.ms", 1, 900_000),
        "request.timeout.ms" => Rule::Number("socket.timeout.ms", 10, 300_000),
        "sasl.kerberos.service.name" => Rule::Same,
        "sasl.kerberos.kinit.cmd" | "sasl.kerberos.ticket.renew.jitter" | "sasl.kerberos.ticket.renew.window.factor" => {
            Rule::Java
        }
        "sasl.kerberos.min.time.before.relogin" => Rule::Java,
        "sasl.mechanism"
        | "sasl.jaas.config"
        | "ssl.endpoint.identification.algorithm"
        | "ssl.key.password"
        | "ssl.keystore.certificate.chain"
        | "ssl.keystore.key"
        | "ssl.keystore.location"
        | "ssl.keystore.password"
        | "ssl.keystore.type"
        | "ssl.truststore.certificates"
        | "ssl.truststore.location"
        | "ssl.truststore.password"
        | "ssl.truststore.type" => Rule::Own,
        "interceptor.classes"
        | "metric.reporters"
        | "auto.include.jmx.reporter"
        | "enable.metrics.push"
        | "security.providers"
        | "socket.connection.setup.timeout.max.ms" => Rule::Java,
        _ if key.starts_with("metrics.")
            || key.starts_with("ssl.")
            || key.starts_with("sasl.login.")
            || key.starts_with("sasl.client.")
            || key.starts_with("sasl.oauthbearer.") =>
        {
            Rule::Java
        }
        _ => return None,
    })
}

fn producer_rule(key: &str) -> Option<Rule> {
    const INT: i64 = i32::MAX as i64;
    Some(match key {
        "acks" | "max.block.ms" | "partitioner.class" => Rule::Own,
        "linger.ms" => Rule::Number("linger.ms", 0, 900_000),
        "batch.size" => Rule::Number("batch.size", 1, INT),
        "max.request.size" => Rule::Number("message.max.bytes", 1000, 1_000_000_000),
        "buffer.memory" => Rule::Kilobytes("queue.buffering.max.kbytes"),
        "compression.type" => Rule::Same,
        "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => Rule::Own,
        "delivery.timeout.ms" => Rule::Number("delivery.timeout.ms", 1, INT),
        "retries" => Rule::Number("retries", 0, INT),
        "max.in.flight.requests.per.connection" => Rule::Number("max.in.flight.requests.per.connection", 1, 1_000_000),
        "enable.idempotence" => Rule::Boolean,
        "transactional.id" => Rule::Same,
        "transaction.timeout.ms" => Rule::Number("transaction.timeout.ms", 1000, INT),
        "key.serializer"
        | "value.serializer"
        | "metadata.max.idle.ms"
        | "partitioner.adaptive.partitioning.enable"
        | "partitioner.availability.timeout.ms"
        | "partitioner.ignore.keys"
        | "transaction.two.phase.commit.enable" => Rule::Java,
        _ => return None,
    })
}

fn consumer_rule(key: &str) -> Option<Rule> {
    const INT: i64 = i32::MAX as i64;
    Some(match key {
        "group.id" | "group.instance.id" | "group.remote.assignor" => Rule::Same,
        "max.poll.records" | "auto.offset.reset" | "isolation.level" | "partition.assignment.strategy" | "group.protocol" => {
            Rule::Own
        }
        "session.timeout.ms" => Rule::Number("session.timeout.ms", 1, 3_600_000),
        "heartbeat.interval.ms" => Rule::Number("heartbeat.interval.ms", 1, 3_600_000),
        "max.poll.interval.ms" => Rule::Number("max.poll.interval.ms", 1, 86_400_000),
        "enable.auto.commit" | "allow.auto.create.topics" | "check.crcs" => Rule::Boolean,
        "auto.commit.interval.ms" => Rule::Number("auto.commit.interval.ms", 0, 86_400_000),
        "fetch.min.bytes" => Rule::Number("fetch.min.bytes", 1, 100_000_000),
        "fetch.max.bytes" => Rule::Number("fetch.max.bytes", 0, INT - 512),
        "fetch.max.wait.ms" => Rule::Number("fetch.wait.max.ms", 0, 300_000),
        "max.partition.fetch.bytes" => Rule::Number("max.partition.fetch.bytes", 1, 1_000_000_000),
        "key.deserializer" | "value.deserializer" | "exclude.internal.topics" | "share.acknowledgement.mode" => Rule::Java,
        _ => return None,
    })
}

/// librdkafka cannot mix eager and cooperative strategies, so the first one that exists here decides.
fn assignment_strategy(value: &str) -> Result<&'static str> {
    let key = "partition.assignment.strategy";
    for class in value.split(',').map(str::trim) {
        match class.rsplit('.').next().unwrap_or(class) {
            "RangeAssignor" | "range" => return Ok("range"),
            "RoundRobinAssignor" | "roundrobin" => return Ok("roundrobin"),
            "CooperativeStickyAssignor" | "cooperative-sticky" => return Ok("cooperative-sticky"),
            _ => {}
        }
    }
    Err(invalid(key, value, "known assignors: RangeAssignor, RoundRobinAssignor, CooperativeStickyAssignor"))
}

fn apply_security(java: &JavaSettings, native: &mut BTreeMap<String, String>) -> Result<()> {
    let protocol = native.get("security.protocol").cloned().unwrap_or_default();
    if protocol.ends_with("ssl") {
        apply_tls(java, native)?;
    }
    if protocol.starts_with("sasl") {
        apply_sasl(java, native)?;
    }
    Ok(())
}

/// Non-empty values only: Java treats an empty store location as none.
fn given<'a>(java: &'a JavaSettings, key: &str) -> Option<&'a str> {
    java.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn apply_tls(java: &JavaSettings, native: &mut BTreeMap<String, String>) -> Result<()> {
    let mut set = |key: &str, value: &str| native.insert(key.to_owned(), value.to_owned());
    match given(java, "ssl.truststore.certificates") {
        Some(pem) => {
            set("ssl.ca.pem", pem);
        }
        None => match given(java, "ssl.truststore.location") {
            Some(path) => match store_type(java, "ssl.truststore.type", path).as_str() {
                "PEM" => {
                    set("ssl.ca.location", path);
                }
                other => return Err(unsupported_store("ssl.truststore", other, "PEM")),
            },
            // The TLS library is linked statically and knows no certificate folder of its own.
            None => {
                set("ssl.ca.location", "probe");
            }
        },
    }
    match (given(java, "ssl.keystore.key"), given(java, "ssl.keystore.certificate.chain")) {
        (Some(key), Some(chain)) => {
            set("ssl.key.pem", key);
            set("ssl.certificate.pem", chain);
        }
        (None, None) => {}
        _ => {
            return Err(ConnectError::config("ssl.keystore.key and ssl.keystore.certificate.chain must be given together"));
        }
    }
    if let Some(path) = given(java, "ssl.keystore.location") {
        match store_type(java, "ssl.keystore.type", path).as_str() {
            "PEM" => {
                set("ssl.key.location", path);
                set("ssl.certificate.location", path);
            }
            "PKCS12" => {
                set("ssl.keystore.location", path);
                if let Some(password) = given(java, "ssl.keystore.password") {
                    set("ssl.keystore.password", password);
                }
            }
            other => return Err(unsupported_store("ssl.keystore", other, "PEM or PKCS12")),
        }
    }
    if let Some(password) = given(java, "ssl.key.password") {
        set("ssl.key.password", password);
    }
    match java.get("ssl.endpoint.identification.algorithm").map(|x| x.trim().to_ascii_lowercase()).as_deref() {
        Some("") => set("ssl.endpoint.identification.algorithm", "none"),
        None | Some("https") => set("ssl.endpoint.identification.algorithm", "https"),
        Some(other) => {
            return Err(invalid("ssl.endpoint.identification.algorithm", other, "known values: https, or empty for none"));
        }
    };
    Ok(())
}

/// The type given, else what the file name tells, else Java's default.
fn store_type(java: &JavaSettings, key: &str, path: &str) -> String {
    if let Some(name) = given(java, key) {
        return name.to_ascii_uppercase();
    }
    match path.rsplit('.').next().map(str::to_ascii_lowercase).as_deref() {
        Some("pem" | "crt" | "cer") => "PEM".to_owned(),
        Some("p12" | "pfx") => "PKCS12".to_owned(),
        _ => "JKS".to_owned(),
    }
}

fn unsupported_store(what: &str, kind: &str, known: &str) -> ConnectError {
    ConnectError::config(format!(
        "{what}.location: a store of type {kind} cannot be read here; convert it to {known} (keytool -importkeystore, \
         openssl pkcs12) and set {what}.type"
    ))
}

fn apply_sasl(java: &JavaSettings, native: &mut BTreeMap<String, String>) -> Result<()> {
    let mechanism = given(java, "sasl.mechanism").unwrap_or("GSSAPI").to_ascii_uppercase();
    match mechanism.as_str() {
        "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" => {}
        other => {
            return Err(ConnectError::config(format!(
                "sasl.mechanism '{other}' is not supported here; known mechanisms: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
            )));
        }
    }
    native.insert("sasl.mechanism".to_owned(), mechanism);
    if native.contains_key("sasl.username") {
        return Ok(()); // passed through in librdkafka's own words
    }
    let line = given(java, "sasl.jaas.config")
        .ok_or_else(|| ConnectError::config("sasl.jaas.config is missing; it holds the user name and password of SASL logins"))?;
    let module =
        jaas::parse(line).map_err(|reason| ConnectError::config(format!("sasl.jaas.config cannot be read: {reason}")))?;
    if !matches!(module.simple_name(), "PlainLoginModule" | "ScramLoginModule") {
        return Err(ConnectError::config(format!(
            "sasl.jaas.config: login module '{}' is not supported here; known modules: PlainLoginModule, ScramLoginModule",
            module.class
        )));
    }
    if module.options.get("tokenauth").is_some_and(|x| x.eq_ignore_ascii_case("true")) {
        return Err(ConnectError::config("sasl.jaas.config: delegation tokens (tokenauth) are not supported here"));
    }
    for (option, key) in [("username", "sasl.username"), ("password", "sasl.password")] {
        let value = module
            .options
            .get(option)
            .ok_or_else(|| ConnectError::config(format!("sasl.jaas.config has no option '{option}'")))?;
        native.insert(key.to_owned(), value.clone());
    }
    Ok(())
}

/// Java has a level per codec, librdkafka one level for the codec in use.
fn apply_compression_level(java: &JavaSettings, native: &mut BTreeMap<String, String>) {
    let Some(codec) = native.get("compression.type") else { return };
    if let Some(level) = given(java, &format!("compression.{codec}.level")).and_then(|x| x.parse::<i64>().ok()) {
        native.insert("compression.level".to_owned(), level.clamp(-1, 12).to_string());
    }
}

fn invalid(key: &str, value: &str, detail: &str) -> ConnectError {
    ConnectError::config(format!("Invalid value {value} for configuration {key}: {detail}"))
}

fn log_unknown_once(kind: ClientKind, key: &str) {
    static LOGGED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if LOGGED.lock().insert(key.to_owned()) {
        tracing::warn!("setting '{key}' is not known to a Kafka {kind:?} client and has no effect");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: ClientKind, pairs: &[(&str, &str)]) -> Result<ClientSettings> {
        let java = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        ClientSettings::from_java(kind, &java)
    }

    fn error(kind: ClientKind, pairs: &[(&str, &str)]) -> String {
        settings(kind, pairs).err().unwrap().to_string()
    }

    #[test]
    fn producer_names_are_translated() {
        let settings = settings(
            ClientKind::Producer,
            &[
                ("acks", "all"),
                ("max.request.size", "2000000"),
                ("buffer.memory", "67108864"),
                ("max.block.ms", "9223372036854775807"),
                ("delivery.timeout.ms", "2147483647"),
                ("compression.type", "zstd"),
                ("compression.zstd.level", "3"),
                ("key.serializer", "x.ByteArraySerializer"),
                ("librdkafka.sticky.partitioning.linger.ms", "0"),
            ],
        )
        .ok()
        .unwrap();
        for (key, value) in [
            ("acks", "-1"),
            ("message.max.bytes", "2000000"),
            ("queue.buffering.max.kbytes", "65536"),
            ("delivery.timeout.ms", "2147483647"),
            ("compression.level", "3"),
            ("partitioner", "murmur2_random"),
            ("sticky.partitioning.linger.ms", "0"),
        ] {
            assert_eq!(settings.get(key), Some(value), "{key}");
        }
        assert_eq!(settings.get("key.serializer"), None);
        assert!(settings.max_block > Duration::from_secs(1_000_000));
    }

    #[test]
    fn consumers_read_uncommitted_unless_asked_otherwise() {
        let plain = settings(ClientKind::Consumer, &[]).ok().unwrap();
        assert_eq!(plain.get("isolation.level"), Some("read_uncommitted"));
        let strict = settings(ClientKind::Consumer, &[("isolation.level", "READ_COMMITTED")]).ok().unwrap();
        assert_eq!(strict.get("isolation.level"), Some("read_committed"));
    }

    #[test]
    fn numbers_outside_of_librdkafkas_range_are_moved_into_it() {
        let settings = settings(ClientKind::Consumer, &[("max.poll.interval.ms", "2147483647")]).ok().unwrap();
        assert_eq!(settings.get("max.poll.interval.ms"), Some("86400000"));
    }

    #[test]
    fn scram_over_tls_takes_user_and_pem_from_javas_settings() {
        let settings = settings(
            ClientKind::Admin,
            &[
                ("security.protocol", "SASL_SSL"),
                ("sasl.mechanism", "SCRAM-SHA-512"),
                ("sasl.jaas.config", "x.ScramLoginModule required username=\"u\" password=\"p\";"),
                ("ssl.truststore.certificates", "-----BEGIN CERTIFICATE-----"),
                ("ssl.endpoint.identification.algorithm", ""),
            ],
        )
        .ok()
        .unwrap();
        for (key, value) in [
            ("security.protocol", "sasl_ssl"),
            ("sasl.username", "u"),
            ("sasl.password", "p"),
            ("ssl.ca.pem", "-----BEGIN CERTIFICATE-----"),
            ("ssl.endpoint.identification.algorithm", "none"),
        ] {
            assert_eq!(settings.get(key), Some(value), "{key}");
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_an_error() {
        let jks = [("security.protocol", "SSL"), ("ssl.truststore.location", "/etc/trust.jks")];
        assert!(error(ClientKind::Admin, &jks).starts_with("ssl.truststore.location: a store of type JKS"));
        let kerberos = [("security.protocol", "SASL_PLAINTEXT")];
        assert!(error(ClientKind::Admin, &kerberos).starts_with("sasl.mechanism 'GSSAPI' is not supported"));
        assert_eq!(
            error(ClientKind::Producer, &[("acks", "two")]),
            "Invalid value two for configuration acks: known values: all, -1, 0, 1"
        );
        let sticky = [("partition.assignment.strategy", "org.apache.kafka.clients.consumer.StickyAssignor")];
        assert!(error(ClientKind::Consumer, &sticky).contains("known assignors"));
    }

    #[test]
    fn every_default_is_known_to_librdkafka() {
        for kind in [ClientKind::Producer, ClientKind::Consumer, ClientKind::Admin] {
            settings(kind, &[("bootstrap.servers", "localhost:1")]).ok().unwrap().native().create_native_config().unwrap();
        }
    }
}
