//! Checks the event loop with a fake that runs nothing.

use async_trait::async_trait;
use parking_lot::Mutex;

use super::*;
use crate::cluster::SingleMember;
use crate::config::worker::ModeName;
use crate::config::{ConfigDef, WorkerConfig};
use crate::plugin::registry::ConnectorPlugin;
use crate::plugin::{Connector, Registry, SinkConnector, SinkTask, SinkTaskContext};
use crate::storage::{ConfigStore, InstanceStatus, OffsetStore, StatusStore};

struct Drain;

#[async_trait]
impl Connector for Drain {
    fn class(&self) -> &'static str {
        "acme.DrainSinkConnector"
    }
    fn task_class(&self) -> &'static str {
        "acme.DrainSinkTask"
    }
    fn config_def(&self) -> &'static ConfigDef {
        &ConfigDef::EMPTY
    }
    async fn task_configs(&self, _: &ConfigMap, _: usize) -> crate::plugin::Result<Vec<ConfigMap>> {
        unreachable!("the fake below runs nothing")
    }
}

#[async_trait]
impl SinkConnector for Drain {
    async fn start_task(&self, _: &ConfigMap, _: SinkTaskContext) -> crate::plugin::Result<Box<dyn SinkTask>> {
        unreachable!("the fake below runs nothing")
    }
}

/// Runs nothing; notes what it is asked and tells what the test tells it to.
struct Noted {
    calls: Arc<Mutex<Vec<String>>>,
    events: mpsc::Receiver<InstanceEvent>,
    statuses: Arc<StatusStore>,
}

impl Noted {
    fn status(&self, connector: &str, task: Option<usize>, generation: i64) {
        let status =
            InstanceStatus { state: InstanceState::Running, trace: None, worker_id: "w:1".into(), generation, version: None };
        self.statuses.put(connector, task, &status).now_or_never().unwrap().unwrap();
    }
}

#[async_trait]
impl Instances for Noted {
    fn start_connector(&mut self, name: &str, _config: &ConfigMap, target: TargetState, generation: i64) {
        self.calls.lock().push(format!("start {name} {}", target.name()));
        self.status(name, None, generation);
    }
    fn start_task(&mut self, start: StartTask<'_>) {
        self.calls.lock().push(format!("start {} {}", start.id, start.task_config.get("t").unwrap_or("-")));
        self.status(&start.id.connector, Some(start.id.task), start.generation);
    }
    fn set_target_state(&mut self, connector: &str, target: TargetState) {
        self.calls.lock().push(format!("set {connector} {}", target.name()));
    }
    async fn stop(&mut self, connectors: &[String], tasks: &[TaskId]) {
        let tasks = tasks.iter().map(ToString::to_string);
        self.calls.lock().extend(tasks.chain(connectors.iter().cloned()).map(|id| format!("stop {id}")));
    }
    async fn next_event(&mut self) -> InstanceEvent {
        self.events.recv().await.unwrap()
    }
    async fn stop_all(&mut self) -> bool {
        self.calls.lock().push("stop all".to_owned());
        true
    }
}

struct Worker {
    handle: HerderHandle,
    context: Context,
    calls: Arc<Mutex<Vec<String>>>,
    events: mpsc::Sender<InstanceEvent>,
    stop: CancellationToken,
    run: tokio::task::JoinHandle<bool>,
}

impl Worker {
    fn start(mode: ModeName) -> Self {
        let raw = [
            ("key.converter", "A"),
            ("value.converter", "A"),
            ("group.id", "g"),
            ("config.storage.topic", "c"),
            ("offset.storage.topic", "o"),
            ("status.storage.topic", "s"),
            ("offset.storage.file.filename", "f"),
        ];
        let registry = Registry { connectors: vec![ConnectorPlugin::Sink(Arc::new(Drain))], ..Registry::default() };
        let context = Context {
            worker: Arc::new(WorkerConfig::from_properties(mode, &raw.into_iter().collect()).unwrap()),
            registry: Arc::new(registry),
            configs: Arc::new(ConfigStore::in_memory()),
            offsets: Arc::new(OffsetStore::in_memory()),
            statuses: Arc::new(StatusStore::in_memory()),
            worker_id: "w:1".into(),
        };
        let server = ServerIdentity { kafka_version: "4.0.0".into(), commit: "x".into(), kafka_cluster_id: None };
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (events, receiver) = mpsc::channel(8);
        let instances = Noted { calls: calls.clone(), events: receiver, statuses: context.statuses.clone() };
        let member = match mode {
            ModeName::Standalone => SingleMember::standalone("http://w:1/"),
            ModeName::Distributed => SingleMember::distributed("http://w:1/"),
        };
        let event_loop = EventLoop::new(context.clone(), server, member, instances, Loggers::new(Level::Info));
        let handle = event_loop.handle();
        let stop = CancellationToken::new();
        let run = tokio::spawn(event_loop.run(stop.clone()));
        Self { handle, context, calls, events, stop, run }
    }

    async fn tell_tasks(&self, connector: &str, tasks: &[&str]) {
        let configs = tasks.iter().map(|&task| [("t", task)].into_iter().collect()).collect();
        self.events.send(InstanceEvent::TaskConfigs { connector: connector.to_owned(), configs }).await.unwrap();
    }

    /// Waits until the fake was asked for this since the last call.
    async fn expect(&self, expected: &[&str]) {
        for _ in 0..1000 {
            if self.calls.lock().len() >= expected.len() {
                break;
            }
            tokio::task::yield_now().await;
        }
        // A probe passes through the same queue, so what was under way is done.
        assert!(self.handle.answers_within(Duration::from_secs(5)).await);
        assert_eq!(std::mem::take(&mut *self.calls.lock()), expected);
    }
}

fn config(name: &str, value: &str) -> ConfigMap {
    [("name", name), ("connector.class", "DrainSink"), ("topics", "t"), ("value", value)].into_iter().collect()
}

#[tokio::test]
async fn a_distributed_connector_is_stored_then_started_and_its_tasks_follow() {
    let worker = Worker::start(ModeName::Distributed);
    let info = worker.handle.create("c", config("c", "1"), None).await.unwrap();
    assert_eq!((info.tasks, info.kind), (0, "sink"));
    worker.expect(&["start c STARTED"]).await;
    worker.tell_tasks("c", &["a", "b"]).await;
    worker.expect(&["start c-0 a", "start c-1 b"]).await;
    assert_eq!(worker.handle.connector_info("c").unwrap().tasks, 2);
    assert_eq!(worker.handle.connector_status("c").unwrap().tasks.len(), 2);
    assert!(worker.handle.is_ready());

    let again = worker.handle.create("c", config("c", "1"), None).await.unwrap_err();
    assert_eq!(again, HerderError::AlreadyExists("Connector c already exists".into()));
}

#[tokio::test]
async fn a_standalone_create_answers_with_the_tasks() {
    let worker = Worker::start(ModeName::Standalone);
    let created = async { worker.handle.create("c", config("c", "1"), None).await.unwrap() };
    let told = async {
        worker.expect(&["start c STARTED"]).await;
        worker.tell_tasks("c", &["a"]).await;
    };
    let (info, ()) = tokio::join!(created, told);
    assert_eq!(info.tasks, 1);
    assert_eq!(worker.handle.connector_status("c").unwrap().connector.generation, 0);
}

#[tokio::test]
async fn a_standalone_create_fails_when_the_connector_does_although_it_is_stored() {
    let worker = Worker::start(ModeName::Standalone);
    let created = async { worker.handle.create("c", config("c", "1"), None).await.unwrap_err() };
    let told = async {
        worker.expect(&["start c STARTED"]).await;
        let event = InstanceEvent::ConnectorFailed { connector: "c".into(), error: "boom".into() };
        worker.events.send(event).await.unwrap();
    };
    let (error, ()) = tokio::join!(created, told);
    assert_eq!(error, HerderError::Internal("Failed to start connector: c: boom".into()));
    assert_eq!(worker.handle.connectors(), ["c"]);
}

#[tokio::test]
async fn a_new_config_restarts_the_connector_and_after_its_answer_the_tasks() {
    let worker = Worker::start(ModeName::Distributed);
    worker.handle.create("c", config("c", "1"), None).await.unwrap();
    worker.tell_tasks("c", &["a"]).await;
    worker.expect(&["start c STARTED", "start c-0 a"]).await;
    let (is_new, _) = worker.handle.put_config("c", config("c", "2")).await.unwrap();
    assert!(!is_new);
    worker.expect(&["stop c", "start c STARTED"]).await;
    // The same task configs, but made from another connector config.
    worker.tell_tasks("c", &["a"]).await;
    worker.expect(&["stop c-0", "start c-0 a"]).await;
    worker.tell_tasks("c", &["a"]).await;
    worker.expect(&[]).await;
}

#[tokio::test]
async fn pause_stop_and_resume() {
    let worker = Worker::start(ModeName::Distributed);
    worker.handle.create("c", config("c", "1"), None).await.unwrap();
    worker.tell_tasks("c", &["a"]).await;
    worker.expect(&["start c STARTED", "start c-0 a"]).await;
    worker.handle.set_target_state("c", TargetState::Paused).await.unwrap();
    worker.expect(&["set c PAUSED"]).await;
    worker.handle.set_target_state("c", TargetState::Stopped).await.unwrap();
    worker.expect(&["stop c-0", "set c STOPPED"]).await;
    assert!(worker.handle.connector_status("c").unwrap().tasks.is_empty());
    worker.tell_tasks("c", &["late"]).await;
    worker.expect(&[]).await;
    worker.handle.set_target_state("c", TargetState::Started).await.unwrap();
    worker.expect(&["set c STARTED"]).await;
    worker.tell_tasks("c", &["a"]).await;
    worker.expect(&["start c-0 a"]).await;
}

#[tokio::test]
async fn deleting_stops_everything_and_forgets_the_statuses() {
    let worker = Worker::start(ModeName::Distributed);
    worker.handle.create("c", config("c", "1"), None).await.unwrap();
    worker.tell_tasks("c", &["a"]).await;
    worker.expect(&["start c STARTED", "start c-0 a"]).await;
    worker.handle.delete("c").await.unwrap();
    worker.expect(&["stop c-0", "stop c"]).await;
    assert!(worker.handle.connectors().is_empty());
    assert!(worker.handle.connector_status("c").is_err());
    assert!(worker.context.statuses.connectors().is_empty());
}

#[tokio::test]
async fn restarts() {
    let worker = Worker::start(ModeName::Distributed);
    worker.handle.create("c", config("c", "1"), None).await.unwrap();
    worker.tell_tasks("c", &["a", "b"]).await;
    worker.expect(&["start c STARTED", "start c-0 a", "start c-1 b"]).await;

    let restarted = async { worker.handle.restart_connector("c").await.unwrap() };
    let told = async {
        worker.expect(&["stop c", "start c STARTED"]).await;
        worker.events.send(InstanceEvent::ConnectorStarted { connector: "c".into() }).await.unwrap();
    };
    tokio::join!(restarted, told);

    worker.handle.restart_task("c", 1).await.unwrap();
    worker.expect(&["stop c-1", "start c-1 b"]).await;
    let unknown = worker.handle.restart_task("c", 2).await.unwrap_err();
    assert_eq!(unknown, HerderError::NotFound("Unknown task: c-2".into()));
    let unknown = worker.handle.restart_task("d", 0).await.unwrap_err();
    assert_eq!(unknown, HerderError::NotFound("Unknown connector: d".into()));

    let request = RestartRequest { include_tasks: true, only_failed: false };
    let planned = worker.handle.restart_by_plan("c", request).await.unwrap();
    assert_eq!(planned.connector.state, InstanceState::Restarting);
    worker.expect(&["stop c-0", "stop c-1", "stop c", "start c STARTED", "start c-0 a", "start c-1 b"]).await;
}

#[tokio::test]
async fn wrong_configs_are_refused_before_anything_is_stored() {
    let worker = Worker::start(ModeName::Distributed);
    let wrong = [("name", "c"), ("connector.class", "DrainSink")].into_iter().collect();
    let error = worker.handle.create("c", wrong, None).await.unwrap_err();
    assert!(error.to_string().contains("Must configure one of topics or topics.regex"), "{error}");
    assert!(worker.handle.connectors().is_empty());
}

#[tokio::test]
async fn stopping_the_worker_stops_what_runs_and_refuses_further_requests() {
    let worker = Worker::start(ModeName::Distributed);
    worker.handle.create("c", config("c", "1"), None).await.unwrap();
    worker.expect(&["start c STARTED"]).await;
    worker.stop.cancel();
    assert!(worker.run.await.unwrap());
    assert_eq!(*worker.calls.lock(), ["stop all"]);
    let error = worker.handle.delete("c").await.unwrap_err();
    assert_eq!(error, HerderError::Internal("the worker is shutting down".into()));
}
