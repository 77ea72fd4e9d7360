//! Wires the components together in dependency order and stops them in reverse.
//!
//! Two runtimes: `control` runs REST, the herder and the group; `data` runs connectors and tasks. A task that keeps its
//! threads busy then cannot cost the worker its place in the group.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::builtin_plugins;
use crate::cli::Invocation;
use crate::cluster::SingleMember;
use crate::config::ConfigMap;
use crate::config::properties::{self, Encoding};
use crate::config::worker::{InternalTopic as TopicSettings, Mode, WorkerConfig};
use crate::herder::instances::Supervised;
use crate::herder::{Context, EventLoop, HerderHandle, ServerIdentity, connector_file};
use crate::kafka::{Admin, ClientKind, JavaSettings, NewTopic, is_client_setting};
use crate::plugin::Registry;
use crate::rest::routes::Api;
use crate::rest::server::{self, Bound};
use crate::storage::{ConfigStore, InternalTopic, OffsetStore, StatusStore};
use crate::telemetry::Loggers;

/// Connect: ConnectStandalone and ConnectDistributed.
pub const EXIT_USAGE: u8 = 1;
/// The worker's settings are wrong, or something it needs is not there.
pub const EXIT_START: u8 = 2;
/// Connect itself or a connector of the command line did not start.
pub const EXIT_CONNECT: u8 = 3;
/// The worker ran, but did not end well.
pub const EXIT_UNCLEAN: u8 = 1;

/// What clients take for our version: they turn features on by it, so it names the Kafka version whose API this is.
const KAFKA_VERSION: &str = "4.0.0";
/// Open requests get this long once everything else has stopped.
const REST_GRACE: Duration = Duration::from_secs(5);
/// What is still blocked when the worker has stopped (a name look-up, a file) is left behind after this time.
const RUNTIME_GRACE: Duration = Duration::from_millis(500);

/// Runs a worker until a signal.
pub fn run(invocation: &Invocation, loggers: Loggers) -> ExitCode {
    let began = Instant::now();
    tracing::info!("Kafka Connect worker initializing ...");
    let runtimes = match runtimes() {
        Ok(runtimes) => runtimes,
        Err(error) => {
            tracing::error!("Stopping due to error: cannot start the async runtimes: {error}");
            return ExitCode::from(EXIT_START);
        }
    };
    let (control, data) = runtimes;
    let code = control.block_on(async {
        let starting = start(invocation, loggers, data.handle().clone(), began);
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => {
                tracing::error!("Stopping due to error: cannot listen for signals: {error}");
                return EXIT_START;
            }
        };
        tokio::select! {
            biased;
            () = signals.next() => {
                tracing::info!("Kafka Connect stopped before it had started");
                0
            }
            started = starting => match started {
                Ok(running) => running.until_stopped(signals).await,
                Err(failure) => failure.report(),
            }
        }
    });
    data.shutdown_timeout(RUNTIME_GRACE);
    control.shutdown_timeout(RUNTIME_GRACE);
    ExitCode::from(code)
}

fn runtimes() -> std::io::Result<(Runtime, Runtime)> {
    let control = Builder::new_multi_thread().worker_threads(2).thread_name("control").enable_all().build()?;
    let data = Builder::new_multi_thread().thread_name("data").enable_all().build()?;
    Ok((control, data))
}

/// Why the worker did not start, and how the process ends because of it.
struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    fn start(error: anyhow::Error) -> Self {
        Self { code: EXIT_START, error }
    }

    fn connect(error: anyhow::Error) -> Self {
        Self { code: EXIT_CONNECT, error }
    }

    fn report(&self) -> u8 {
        let what = if self.code == EXIT_CONNECT { "Failed to start Connect" } else { "Stopping due to error" };
        let causes = self.error.chain().map(ToString::to_string).collect::<Vec<_>>();
        tracing::error!("{what}: {}", causes.join("\nCaused by: "));
        tracing::info!("Kafka Connect stopped");
        self.code
    }
}

async fn start(invocation: &Invocation, loggers: Loggers, data: Handle, began: Instant) -> Result<Running, Failure> {
    let config = read_config(invocation).map_err(Failure::start)?;
    let registry = builtin_plugins::registry();
    check_converters(&config, &registry).map_err(Failure::start)?;
    let cluster_id = describe_cluster(&config).await.map_err(Failure::start)?;
    let bound = server::bind(&config.rest).await.map_err(|error| Failure::start(anyhow!(error)))?;

    tracing::info!("Kafka Connect starting");
    let running = start_connect(config, registry, cluster_id, bound, loggers, data).await.map_err(Failure::connect)?;
    for file in &invocation.connector_files {
        if let Err(error) = create_connector(&running.herder, file).await {
            tracing::error!("Failed to create connector for {}: {error:#}", file.display());
            tracing::error!("Stopping after connector error");
            running.stop().await;
            return Err(Failure::connect(error.context(format!("cannot create the connector of {}", file.display()))));
        }
    }
    if !running.distributed {
        running.herder.set_ready();
    }
    tracing::info!("Kafka Connect started in {} ms, REST API at {}", began.elapsed().as_millis(), running.url);
    Ok(running)
}

fn read_config(invocation: &Invocation) -> Result<WorkerConfig> {
    let file = &invocation.worker_file;
    let raw = if file.as_os_str().is_empty() {
        ConfigMap::new()
    } else {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read the worker properties file {}", file.display()))?;
        properties::parse(&bytes, Encoding::Latin1)
            .with_context(|| format!("cannot read the worker properties file {}", file.display()))?
    };
    let config = WorkerConfig::from_properties(invocation.mode, &raw)
        .with_context(|| format!("the worker properties file {} is wrong", file.display()))?;
    tracing::info!("{}", config.to_loggable(&raw));
    Ok(config)
}

/// The worker's converters are those of every connector that names none, so a wrong one is better told now.
fn check_converters(config: &WorkerConfig, registry: &Registry) -> Result<()> {
    let check = |setting: &str, class: &str, build: &dyn Fn(&ConfigMap) -> crate::plugin::Result<()>| {
        let mut own = config.originals.with_prefix(&format!("{setting}."));
        own.set("converter.type", setting.split('.').next().unwrap_or_default());
        build(&own).map_err(|error| anyhow!("Invalid value {class} for configuration {setting}: {}", error.trace()))
    };
    let converter = |setting, class: &str| {
        check(setting, class, &|own| registry.converter(class.trim()).and_then(|found| (found.build)(own)).map(drop))
    };
    converter("key.converter", &config.key_converter)?;
    converter("value.converter", &config.value_converter)?;
    let class = &config.header_converter;
    check("header.converter", class, &|own| {
        registry.header_converter(class.trim()).and_then(|found| (found.build)(own)).map(drop)
    })
}

/// Connect: WorkerConfig.lookupKafkaClusterId. Also proves that the brokers can be reached at all.
async fn describe_cluster(config: &WorkerConfig) -> Result<Option<String>> {
    const FAILED: &str =
        "Failed to connect to and describe Kafka cluster. Check worker's broker connection and security properties.";
    let admin = Admin::new(&client_settings(config, "shared-admin")).map_err(|error| anyhow!(error.trace()).context(FAILED))?;
    if let Ok(Some(id)) = admin.cluster_id().await {
        tracing::info!("Kafka cluster ID: {id}");
        return Ok(Some(id));
    }
    admin.topics().await.map_err(|error| anyhow!(error.trace()).context(FAILED))?;
    Ok(None)
}

/// The worker's own settings that an internal client understands, with the client's id.
fn client_settings(config: &WorkerConfig, purpose: &str) -> JavaSettings {
    let kinds = [ClientKind::Producer, ClientKind::Consumer, ClientKind::Admin];
    let known = |name: &str| kinds.iter().any(|&kind| is_client_setting(kind, name));
    // The worker's group is not a consumer group, and its timeouts are the membership's.
    let for_the_group = |name: &str| matches!(name, "group.id" | "session.timeout.ms" | "heartbeat.interval.ms");
    let own = config.originals.iter().filter(|(name, _)| known(name) && !for_the_group(name));
    let mut settings = own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<JavaSettings>();
    settings.insert("bootstrap.servers".to_owned(), config.bootstrap_servers.join(","));
    let prefix = match config.distributed() {
        Some(own) if own.client_id.is_empty() => format!("{}-", own.group_id),
        Some(own) => format!("{}-{}-", own.group_id, own.client_id),
        None => "standalone-".to_owned(),
    };
    settings.insert("client.id".to_owned(), format!("{prefix}{purpose}"));
    settings
}

async fn start_connect(
    config: WorkerConfig,
    registry: Registry,
    kafka_cluster_id: Option<String>,
    bound: Bound,
    loggers: Loggers,
    data: Handle,
) -> Result<Running> {
    let (configs, offsets, statuses) = open_stores(&config).await?;
    let distributed = config.distributed().is_some();
    let url = bound.advertised_url();
    let context = Context {
        worker: Arc::new(config),
        registry: Arc::new(registry),
        configs: Arc::new(configs),
        offsets: Arc::new(offsets),
        statuses: Arc::new(statuses),
        worker_id: bound.worker_id().into(),
    };
    let server = ServerIdentity {
        kafka_version: KAFKA_VERSION.to_owned(),
        commit: format!("tributary-{}", env!("CARGO_PKG_VERSION")),
        kafka_cluster_id,
    };
    let member = if distributed { SingleMember::distributed(&url) } else { SingleMember::standalone(&url) };
    let instances = Supervised::new(&context, data);
    let event_loop = EventLoop::new(context, server, member, instances, loggers.clone());
    let herder = event_loop.handle();
    let stop = CancellationToken::new();
    let event_loop = tokio::spawn(event_loop.run(stop.clone()));
    let rest = bound.serve(Api { herder: herder.clone(), loggers });
    Ok(Running { herder, event_loop, stop, rest, url, distributed })
}

async fn open_stores(config: &WorkerConfig) -> Result<(ConfigStore, OffsetStore, StatusStore)> {
    let failed = |error: crate::plugin::ConnectError| anyhow!(error.trace());
    match &config.mode {
        Mode::Standalone { offset_file } => {
            let offsets = OffsetStore::open_file(offset_file).await.map_err(failed)?;
            Ok((ConfigStore::in_memory(), offsets, StatusStore::in_memory()))
        }
        Mode::Distributed(own) => {
            let topic = |setting: &'static str, purpose: &str, topic: &TopicSettings| InternalTopic {
                setting,
                topic: topic.name.clone(),
                client: client_settings(config, purpose),
                create: NewTopic {
                    partitions: topic.partitions,
                    replication_factor: topic.replication_factor,
                    config: topic.settings.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                },
            };
            let configs = topic("config.storage.topic", "configs", &own.config_topic);
            let offsets = topic("offset.storage.topic", "offsets", &own.offset_topic);
            let statuses = topic("status.storage.topic", "statuses", &own.status_topic);
            let opened = tokio::try_join!(ConfigStore::open(&configs), OffsetStore::open(&offsets), StatusStore::open(&statuses));
            opened.map_err(failed)
        }
    }
}

async fn create_connector(herder: &HerderHandle, file: &Path) -> Result<()> {
    let bytes = tokio::fs::read(file).await.with_context(|| format!("cannot read {}", file.display()))?;
    let connector = connector_file::parse(&bytes)?;
    let info = herder.create(&connector.name, connector.config, connector.initial_state).await?;
    tracing::info!("Created connector {}", info.name);
    Ok(())
}

/// A worker that is up.
struct Running {
    herder: HerderHandle,
    event_loop: tokio::task::JoinHandle<bool>,
    stop: CancellationToken,
    rest: server::Server,
    url: String,
    distributed: bool,
}

impl Running {
    /// Waits for a signal and stops in order; a second signal ends the process at once.
    async fn until_stopped(mut self, mut signals: Signals) -> u8 {
        tokio::select! {
            biased;
            () = signals.next() => {}
            ended = &mut self.event_loop => {
                tracing::error!("the herder's event loop has ended ({ended:?}); a worker cannot go on without it");
                return EXIT_UNCLEAN;
            }
        }
        tracing::info!("Kafka Connect stopping");
        tokio::select! {
            biased;
            () = signals.next() => {
                tracing::warn!("stopping at once after a second signal");
                EXIT_UNCLEAN
            }
            clean = self.stop() => {
                tracing::info!("Kafka Connect stopped");
                if clean { 0 } else { EXIT_UNCLEAN }
            }
        }
    }

    /// The herder refuses changes from here on, stops what runs and leaves the group; REST answers until the end.
    async fn stop(self) -> bool {
        self.stop.cancel();
        let clean = self.event_loop.await.unwrap_or(false);
        self.rest.stop(REST_GRACE).await;
        clean
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
