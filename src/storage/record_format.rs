//! Reads and writes the keys and JSON bodies of every internal record, as Java workers do.
//!
//! Source: contracts/connect-runtime.md, sections 3.2 to 3.5. Readers ignore fields they do not know; a field of the
//! wrong type makes the record be skipped.

use serde_json::{Map, Value as Json, json};

use crate::config::ConfigMap;
use crate::kafka::LogEntry;

/// What a user wants of a connector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetState {
    #[default]
    Started,
    Paused,
    Stopped,
}

impl TargetState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Started, Self::Paused, Self::Stopped].into_iter().find(|state| state.name() == text)
    }
}

/// A request to restart parts of a connector, wherever they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartRequest {
    pub include_tasks: bool,
    pub only_failed: bool,
}

/// A record of the config topic.
#[derive(Clone, PartialEq)]
pub enum ConfigRecord {
    TargetState { connector: String, state: Option<TargetState> },
    Connector { name: String, config: Option<ConfigMap> },
    Task { connector: String, task: usize, config: ConfigMap },
    Commit { connector: String, tasks: usize },
    Restart { connector: String, request: RestartRequest },
    TasksFencing { connector: String, task_count: Option<i64> },
    SessionKey { key: String, algorithm: String, created_ms: i64 },
    LoggerLevel { logger: String, level: Option<String> },
}

/// Why a record means nothing to us. Keys may hold connector names, bodies secrets: only the key is told.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("record '{key}' of the config topic: {what}")]
pub struct Unreadable {
    key: String,
    what: &'static str,
}

impl ConfigRecord {
    /// # Errors
    /// If key or body is not of a known form; such a record is skipped.
    pub fn parse(key: &[u8], value: Option<&[u8]>) -> Result<Self, Unreadable> {
        let key = String::from_utf8_lossy(key).into_owned();
        let unreadable = |what| Unreadable { key: key.clone(), what };
        let body = match value.map(serde_json::from_slice::<Json>) {
            None | Some(Ok(Json::Null)) => None,
            Some(Ok(Json::Object(body))) => Some(body),
            Some(_) => return Err(unreadable("the body is not a JSON object")),
        };
        let required = || body.as_ref().ok_or_else(|| unreadable("a tombstone has no meaning here"));
        // The order matters: `connector-` and `task-` are also how other names begin.
        if let Some(connector) = key.strip_prefix("target-state-") {
            let state = match &body {
                None => None,
                Some(body) => {
                    let text = body.get("state.v2").or_else(|| body.get("state")).and_then(Json::as_str);
                    Some(text.and_then(TargetState::parse).ok_or_else(|| unreadable("unknown target state"))?)
                }
            };
            return Ok(Self::TargetState { connector: connector.to_owned(), state });
        }
        if let Some(name) = key.strip_prefix("connector-") {
            let config = body.as_ref().map(|body| properties(body).ok_or_else(|| unreadable("no 'properties'"))).transpose()?;
            return Ok(Self::Connector { name: name.to_owned(), config });
        }
        if let Some(rest) = key.strip_prefix("task-") {
            let parsed = rest.rsplit_once('-').and_then(|(name, index)| Some((name, index.parse().ok()?)));
            let (connector, task) = parsed.ok_or_else(|| unreadable("no task number after the last '-'"))?;
            let config = properties(required()?).ok_or_else(|| unreadable("no 'properties'"))?;
            return Ok(Self::Task { connector: connector.to_owned(), task, config });
        }
        if let Some(connector) = key.strip_prefix("commit-") {
            let tasks = required()?.get("tasks").and_then(Json::as_u64).and_then(|tasks| usize::try_from(tasks).ok());
            let tasks = tasks.ok_or_else(|| unreadable("'tasks' is not a count"))?;
            return Ok(Self::Commit { connector: connector.to_owned(), tasks });
        }
        if let Some(connector) = key.strip_prefix("restart-connector-") {
            let body = required()?;
            let flag = |name: &str| body.get(name).and_then(Json::as_bool).unwrap_or(false);
            let request = RestartRequest { include_tasks: flag("include-tasks"), only_failed: flag("only-failed") };
            return Ok(Self::Restart { connector: connector.to_owned(), request });
        }
        if let Some(connector) = key.strip_prefix("tasks-fencing-") {
            let count = match &body {
                None => None,
                Some(body) => {
                    let count = body.get("task-count").and_then(Json::as_i64);
                    Some(count.ok_or_else(|| unreadable("'task-count' is not a number"))?)
                }
            };
            return Ok(Self::TasksFencing { connector: connector.to_owned(), task_count: count });
        }
        if key == "session-key" {
            let body = required()?;
            let text = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
            let created = body.get("creation-timestamp").and_then(Json::as_i64);
            return match (text("key"), text("algorithm"), created) {
                (Some(key), Some(algorithm), Some(created_ms)) => Ok(Self::SessionKey { key, algorithm, created_ms }),
                _ => Err(unreadable("incomplete session key")),
            };
        }
        if let Some(logger) = key.strip_prefix("logger-cluster-") {
            let level = body.as_ref().and_then(|body| body.get("level")).and_then(Json::as_str).map(str::to_owned);
            return Ok(Self::LoggerLevel { logger: logger.to_owned(), level });
        }
        Err(unreadable("unknown kind"))
    }

    /// The record as it goes into the topic.
    pub fn entry(&self) -> LogEntry {
        let (key, body) = match self {
            Self::TargetState { connector, state } => {
                let body = state.map(|state| {
                    // Readers older than STOPPED see it as PAUSED.
                    let old = if state == TargetState::Stopped { TargetState::Paused } else { state };
                    json!({"state": old.name(), "state.v2": state.name()})
                });
                (format!("target-state-{connector}"), body)
            }
            Self::Connector { name, config } => {
                (format!("connector-{name}"), config.as_ref().map(|config| json!({"properties": config})))
            }
            Self::Task { connector, task, config } => (format!("task-{connector}-{task}"), Some(json!({"properties": config}))),
            Self::Commit { connector, tasks } => (format!("commit-{connector}"), Some(json!({"tasks": tasks}))),
            Self::Restart { connector, request } => (
                format!("restart-connector-{connector}"),
                Some(json!({"include-tasks": request.include_tasks, "only-failed": request.only_failed})),
            ),
            Self::TasksFencing { connector, task_count } => {
                (format!("tasks-fencing-{connector}"), task_count.map(|count| json!({"task-count": count})))
            }
            Self::SessionKey { key, algorithm, created_ms } => {
                ("session-key".to_owned(), Some(json!({"key": key, "algorithm": algorithm, "creation-timestamp": created_ms})))
            }
            Self::LoggerLevel { logger, level } => {
                (format!("logger-cluster-{logger}"), level.as_ref().map(|level| json!({"level": level})))
            }
        };
        LogEntry { key: key.into(), value: body.map(|body| body.to_string().into()) }
    }
}

/// Java writes what it was sent as text; other scalars are taken as their text.
fn properties(body: &Map<String, Json>) -> Option<ConfigMap> {
    let entries = body.get("properties")?.as_object()?;
    let text = |value: &Json| match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Some(ConfigMap(entries.iter().map(|(name, value)| (name.clone(), text(value))).collect()))
}

/// The state of a running connector or task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    Unassigned,
    Running,
    Paused,
    Stopped,
    Failed,
    Restarting,
    Destroyed,
}

impl InstanceState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unassigned => "UNASSIGNED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
            Self::Failed => "FAILED",
            Self::Restarting => "RESTARTING",
            Self::Destroyed => "DESTROYED",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Unassigned, Self::Running, Self::Paused, Self::Stopped, Self::Failed, Self::Restarting, Self::Destroyed];
        all.into_iter().find(|state| state.name() == text)
    }
}

/// The status of a connector or task, as its worker reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceStatus {
    pub state: InstanceState,
    pub trace: Option<String>,
    /// Advertised `host:port` of the worker.
    pub worker_id: String,
    /// Of the group when the instance was started; 0 in standalone.
    pub generation: i64,
    /// The plugin's version; Connect 4.3 writes it for running, paused and stopped instances.
    pub version: Option<String>,
}

impl InstanceStatus {
    pub fn parse(value: &[u8]) -> Option<Self> {
        let body: Json = serde_json::from_slice(value).ok()?;
        let text = |name: &str| body.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(Self {
            state: InstanceState::parse(body.get("state")?.as_str()?)?,
            trace: text("trace"),
            worker_id: text("worker_id")?,
            generation: body.get("generation")?.as_i64()?,
            version: text("version"),
        })
    }

    pub fn body(&self) -> String {
        json!({
            "state": self.state.name(),
            "trace": self.trace,
            "worker_id": self.worker_id,
            "generation": self.generation,
            "version": self.version,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(record: &ConfigRecord) -> (String, Option<String>) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let entry = record.entry();
        (text(&entry.key), entry.value.as_deref().map(text))
    }

    #[test]
    fn bodies_are_those_of_java() {
        let config = ConfigMap([("k".to_owned(), Some("v".to_owned())), ("x".to_owned(), None)].into());
        let cases = [
            (
                ConfigRecord::Connector { name: "a".into(), config: Some(config.clone()) },
                ("connector-a", Some(r#"{"properties":{"k":"v","x":null}}"#)),
            ),
            (ConfigRecord::Connector { name: "a".into(), config: None }, ("connector-a", None)),
            (
                ConfigRecord::Task { connector: "a-b".into(), task: 3, config },
                ("task-a-b-3", Some(r#"{"properties":{"k":"v","x":null}}"#)),
            ),
            (ConfigRecord::Commit { connector: "a".into(), tasks: 0 }, ("commit-a", Some(r#"{"tasks":0}"#))),
            (
                ConfigRecord::TargetState { connector: "a".into(), state: Some(TargetState::Stopped) },
                ("target-state-a", Some(r#"{"state":"PAUSED","state.v2":"STOPPED"}"#)),
            ),
            (
                ConfigRecord::Restart {
                    connector: "a".into(),
                    request: RestartRequest { include_tasks: true, only_failed: false },
                },
                ("restart-connector-a", Some(r#"{"include-tasks":true,"only-failed":false}"#)),
            ),
        ];
        for (record, (key, body)) in cases {
            assert_eq!(entry(&record), (key.to_owned(), body.map(str::to_owned)));
            let parsed = ConfigRecord::parse(key.as_bytes(), body.map(str::as_bytes)).unwrap();
            assert!(parsed == record, "{key} does not read back");
        }
    }

    #[test]
    fn old_target_states_are_read_and_new_ones_preferred() {
        let state = |body: &str| match ConfigRecord::parse(b"target-state-a", Some(body.as_bytes())) {
            Ok(ConfigRecord::TargetState { state, .. }) => state,
            _ => None,
        };
        assert_eq!(state(r#"{"state":"PAUSED"}"#), Some(TargetState::Paused));
        assert_eq!(state(r#"{"state":"PAUSED","state.v2":"STOPPED","more":1}"#), Some(TargetState::Stopped));
        assert_eq!(state(r#"{"state":"DANCING"}"#), None);
    }

    #[test]
    fn what_is_not_understood_is_refused_without_showing_the_body() {
        for (key, body) in [("task-a", "{}"), ("commit-a", r#"{"tasks":"1"}"#), ("commit-a", r#"{"tasks":1.5}"#), ("other", "{}")]
        {
            assert!(ConfigRecord::parse(key.as_bytes(), Some(body.as_bytes())).is_err(), "{key} {body}");
        }
        let error = ConfigRecord::parse(b"connector-a", Some(b"\"secret\"")).err().unwrap().to_string();
        assert_eq!(error, "record 'connector-a' of the config topic: the body is not a JSON object");
    }

    #[test]
    fn a_status_has_javas_fields_in_order() {
        let status = InstanceStatus {
            state: InstanceState::Running,
            trace: None,
            worker_id: "127.0.0.1:8083".into(),
            generation: 7,
            version: Some("4.3.1".into()),
        };
        let body = r#"{"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:8083","generation":7,"version":"4.3.1"}"#;
        assert_eq!(status.body(), body);
        assert_eq!(InstanceStatus::parse(body.as_bytes()), Some(status));
        let old = r#"{"state":"FAILED","trace":"x","worker_id":"w","generation":1}"#;
        assert_eq!(InstanceStatus::parse(old.as_bytes()).unwrap().version, None);
    }
}
