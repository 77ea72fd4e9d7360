//! Request and response bodies exactly as clients see them.
//!
//! Source: contracts/connect-rest.md, section 2. The order of fields is part of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::error::RestError;
use super::extract::{RawObject, config_of, parse_raw};
use crate::config::secret::HIDDEN;
use crate::config::{ConfigMap, ConfigType, Default, Importance, Width};
use crate::herder::connector_file::initial_state;
use crate::herder::info::{ConnectorInfo, ConnectorStatus, Plugin, TaskInfo};
use crate::herder::validation::{CheckedValue, Definition, Report};
use crate::herder::{ConnectorOffsets, InstanceStatus, SentOffsets, TargetState};
use crate::telemetry::logging::Setting;

#[derive(Serialize)]
pub struct ServerInfo<'a> {
    pub version: &'a str,
    pub commit: &'a str,
    pub kafka_cluster_id: Option<&'a str>,
}

#[derive(Serialize)]
pub struct WorkerStatus {
    pub status: &'static str,
    pub message: &'static str,
}

#[derive(Serialize)]
pub struct Message {
    pub message: String,
}

pub fn connector_info(info: &ConnectorInfo) -> Json {
    let tasks = (0..info.tasks).map(|task| task_id(&info.name, task)).collect::<Vec<_>>();
    json!({ "name": info.name, "config": info.config, "tasks": tasks, "type": info.kind })
}

fn task_id(connector: &str, task: usize) -> Json {
    json!({ "connector": connector, "task": task })
}

pub fn task_info(connector: &str, info: &TaskInfo) -> Json {
    json!({ "id": task_id(connector, info.task), "config": info.config })
}

pub fn connector_status(status: &ConnectorStatus) -> Json {
    let tasks = status.tasks.iter().map(|(task, status)| task_status(*task, status)).collect::<Vec<_>>();
    json!({
        "name": status.name,
        "connector": Json::Object(instance(Map::new(), &status.connector)),
        "tasks": tasks,
        "type": status.kind,
    })
}

pub fn task_status(task: usize, status: &InstanceStatus) -> Json {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), task.into());
    Json::Object(instance(fields, status))
}

fn instance(mut fields: Map<String, Json>, status: &InstanceStatus) -> Map<String, Json> {
    fields.insert("state".to_owned(), status.state.name().into());
    fields.insert("worker_id".to_owned(), status.worker_id.clone().into());
    if let Some(trace) = status.trace.as_ref().filter(|trace| !trace.is_empty()) {
        fields.insert("trace".to_owned(), trace.clone().into());
    }
    fields
}

pub fn plugin(plugin: &Plugin) -> Json {
    json!({ "class": plugin.class, "type": plugin.kind, "version": plugin.version })
}

pub fn definition(definition: &Definition) -> Json {
    let key = &definition.key;
    let default = match key.default {
        Default::Required | Default::Null => None,
        Default::Text(_) if key.kind == ConfigType::Password => Some(HIDDEN),
        Default::Text(text) => Some(text),
    };
    json!({
        "name": definition.name,
        "type": key.kind.name(),
        "required": key.default == Default::Required,
        "default_value": default,
        "importance": importance(key.importance),
        "documentation": key.doc,
        "group": definition.group,
        "width": width(key.width),
        "display_name": definition.display_name,
        "dependents": key.dependents,
        "order": definition.order,
    })
}

fn importance(importance: Importance) -> &'static str {
    match importance {
        Importance::High => "HIGH",
        Importance::Medium => "MEDIUM",
        Importance::Low => "LOW",
    }
}

fn width(width: Width) -> &'static str {
    match width {
        Width::None => "NONE",
        Width::Short => "SHORT",
        Width::Medium => "MEDIUM",
        Width::Long => "LONG",
    }
}

fn checked_value(value: &CheckedValue) -> Json {
    json!({
        "name": value.name,
        "value": value.value,
        "recommended_values": value.recommended,
        "errors": value.errors,
        "visible": value.visible,
    })
}

pub fn report(report: &Report) -> Json {
    let configs = report
        .entries
        .iter()
        .map(|entry| {
            json!({
                "definition": entry.definition.as_ref().map(definition),
                "value": entry.value.as_ref().map(checked_value),
            })
        })
        .collect::<Vec<_>>();
    json!({ "name": report.name, "error_count": report.error_count, "groups": report.groups, "configs": configs })
}

#[derive(Serialize)]
pub struct LoggerLevel {
    level: &'static str,
    last_modified: Option<u64>,
}

impl From<Setting> for LoggerLevel {
    fn from(setting: Setting) -> Self {
        Self { level: setting.level.name(), last_modified: setting.last_modified_ms }
    }
}

pub fn offsets(offsets: &ConnectorOffsets) -> Json {
    let entries = offsets
        .iter()
        .map(|(partition, offset)| json!({ "partition": **partition, "offset": offset.as_deref() }))
        .collect::<Vec<_>>();
    json!({ "offsets": entries })
}

/// The body of `POST /connectors`.
pub struct CreateRequest {
    pub name: String,
    pub config: ConfigMap,
    pub initial_state: Option<TargetState>,
}

impl CreateRequest {
    pub fn from_fields(mut fields: RawObject) -> Result<Self, RestError> {
        let name = fields.remove("name").map(|raw| parse_raw::<Option<String>>(&raw)).transpose()?.flatten();
        let config = fields.remove("config").map(|raw| parse_raw::<Option<RawObject>>(&raw)).transpose()?.flatten();
        let state = fields.remove("initial_state").map(|raw| parse_raw::<Option<String>>(&raw)).transpose()?.flatten();
        if let Some(unknown) = fields.keys().next() {
            return Err(RestError::unreadable_body(format!(
                "Unrecognized field \"{unknown}\", known fields are \"name\", \"config\", \"initial_state\""
            )));
        }
        let config = config.ok_or_else(|| {
            RestError::unreadable_body("cannot create a connector without settings: field \"config\" is missing or null")
        })?;
        let initial_state = state.map(|text| initial_state(&text).ok_or(text)).transpose().map_err(|text| {
            RestError::unreadable_body(format!(
                "'{text}' is not an initial state of a connector; known states are RUNNING, PAUSED, STOPPED"
            ))
        })?;
        // Connect: String.trim, which takes control characters too.
        let name = name.unwrap_or_default().trim_matches(|c| c <= ' ').to_owned();
        Ok(Self { name, config: config_of(config)?, initial_state })
    }
}

/// Reads the body of `PATCH /connectors/{c}/offsets`.
pub fn offsets_request(mut fields: BTreeMap<String, Json>) -> Result<SentOffsets, RestError> {
    let offsets = fields.remove("offsets");
    if let Some(unknown) = fields.keys().next() {
        return Err(RestError::unreadable_body(format!("Unrecognized field \"{unknown}\", known field is \"offsets\"")));
    }
    let missing = || RestError::bad_request("Partitions / offsets need to be provided for an alter offsets request");
    let Some(offsets) = offsets.filter(|offsets| !offsets.is_null()) else { return Err(missing()) };
    let unreadable = || {
        RestError::unreadable_body(
            "cannot read the offsets; each needs the form {\"partition\":{…},\"offset\":{…}}, where \"offset\" may be null",
        )
    };
    let Json::Array(items) = offsets else { return Err(unreadable()) };
    if items.is_empty() {
        return Err(missing());
    }
    let object = |value: Option<Json>| match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(fields)) => Ok(Some(fields)),
        Some(_) => Err(unreadable()),
    };
    items
        .into_iter()
        .map(|item| match item {
            Json::Object(mut item) => {
                let offset = (object(item.remove("partition"))?, object(item.remove("offset"))?);
                if item.is_empty() { Ok(offset) } else { Err(unreadable()) }
            }
            _ => Err(unreadable()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::InstanceState;

    fn create(text: &str) -> Result<CreateRequest, RestError> {
        CreateRequest::from_fields(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn create_requests_are_read_as_connect_reads_them() {
        let request = create(r#"{"name":" \u0001a ","config":{"x":1},"initial_state":"paused"}"#).unwrap();
        assert_eq!(request.name, "a");
        assert_eq!(request.config.get("x"), Some("1"));
        assert_eq!(request.initial_state, Some(TargetState::Paused));
        assert_eq!(create(r#"{"name":null,"config":{}}"#).unwrap().name, "");
        for text in [r#"{"name":"a"}"#, r#"{"config":{},"foo":1}"#, r#"{"config":{},"initial_state":""}"#, r#"{"config":[]}"#] {
            assert!(create(text).is_err(), "{text}");
        }
    }

    #[test]
    fn status_leaves_out_empty_traces() {
        let status = |trace: Option<&str>| InstanceStatus {
            state: InstanceState::Failed,
            worker_id: "w:1".to_owned(),
            trace: trace.map(str::to_owned),
            generation: 1,
            version: None,
        };
        let with = ConnectorStatus {
            name: "c".to_owned(),
            connector: status(None),
            tasks: [(0, status(Some("boom")))].into(),
            kind: "sink",
        };
        assert_eq!(
            connector_status(&with).to_string(),
            r#"{"name":"c","connector":{"state":"FAILED","worker_id":"w:1"},"tasks":[{"id":0,"state":"FAILED","worker_id":"w:1","trace":"boom"}],"type":"sink"}"#
        );
        assert_eq!(task_status(1, &status(Some(""))).to_string(), r#"{"id":1,"state":"FAILED","worker_id":"w:1"}"#);
    }

    #[test]
    fn definitions_end_with_the_order() {
        let key = crate::config::framework::keys(crate::config::framework::ConnectorKind::Sink).next().unwrap();
        assert_eq!(
            definition(&Definition::of(key)).to_string(),
            format!(
                r#"{{"name":"name","type":"STRING","required":true,"default_value":null,"importance":"HIGH","documentation":"{}","group":"Common","width":"MEDIUM","display_name":"Connector name","dependents":[],"order":1}}"#,
                key.doc
            )
        );
    }

    #[test]
    fn offsets_need_a_list_of_pairs() {
        let read = |text: &str| offsets_request(serde_json::from_str(text).unwrap());
        assert_eq!(read(r#"{"offsets":[{"partition":{"a":1},"offset":null}]}"#).unwrap().len(), 1);
        for text in [
            "{}",
            r#"{"offsets":null}"#,
            r#"{"offsets":[]}"#,
            r#"{"offsets":[1]}"#,
            r#"{"offsets":{},"x":1}"#,
            r#"{"offsets":[{"x":1}]}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
