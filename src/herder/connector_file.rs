//! Reads the connector files of a standalone worker's command line.
//!
//! Source: contracts/connect-runtime.md, section 2.2. The content decides, not the extension.

use serde_json::{Map, Value as Json};

use super::error::{HerderError, Result};
use crate::config::ConfigMap;
use crate::config::properties::{self, Encoding};
use crate::storage::TargetState;

/// A connector as a file describes it.
#[derive(Debug, PartialEq)]
pub struct ConnectorFile {
    pub name: String,
    pub config: ConfigMap,
    pub initial_state: Option<TargetState>,
}

/// Reads a JSON object of settings, a JSON create request, or Java properties.
///
/// # Errors
/// `BadRequest`, naming what the file lacks.
pub fn parse(bytes: &[u8]) -> Result<ConnectorFile> {
    if let Ok(Json::Object(fields)) = serde_json::from_slice(bytes) {
        return match fields.get("config") {
            Some(Json::Object(config)) => create_request(&fields, config),
            _ => named(settings(&fields)?),
        };
    }
    let config = properties::parse(bytes, Encoding::Latin1).map_err(|error| HerderError::BadRequest(error.to_string()))?;
    named(config)
}

fn named(config: ConfigMap) -> Result<ConnectorFile> {
    let name = config.get("name").map(str::to_owned).ok_or_else(|| {
        HerderError::BadRequest(
            "the file has no setting 'name'; it should hold a connector's settings as JSON or Java properties, or a create \
             request with 'name' and 'config'"
                .to_owned(),
        )
    })?;
    Ok(ConnectorFile { name, config, initial_state: None })
}

fn create_request(fields: &Map<String, Json>, config: &Map<String, Json>) -> Result<ConnectorFile> {
    let text = |field: &str| fields.get(field).and_then(Json::as_str);
    let name = text("name").ok_or_else(|| HerderError::BadRequest("the create request has no 'name'".to_owned()))?;
    let mut config = settings(config)?;
    match config.get("name") {
        Some(other) if other != name => {
            return Err(HerderError::BadRequest(format!(
                "Connector name configuration ({other}) doesn't match connector name in the URL ({name})"
            )));
        }
        Some(_) => {}
        None => config.set("name", name),
    }
    let initial_state = match text("initial_state") {
        None => None,
        Some(text) => Some(initial_state(text).ok_or_else(|| {
            HerderError::BadRequest(format!(
                "'{text}' is not an initial state of a connector; known states are RUNNING, PAUSED, STOPPED"
            ))
        })?),
    };
    Ok(ConnectorFile { name: name.to_owned(), config, initial_state })
}

fn settings(fields: &Map<String, Json>) -> Result<ConfigMap> {
    let mut config = ConfigMap::new();
    for (name, value) in fields {
        let value = match value {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
            Json::Array(_) | Json::Object(_) => {
                return Err(HerderError::BadRequest(format!("setting '{name}' is an object or array, expected text")));
            }
        };
        config.0.insert(name.clone(), value);
    }
    Ok(config)
}

/// Connect: CreateConnectorRequest.InitialState, in any case.
pub fn initial_state(text: &str) -> Option<TargetState> {
    let names = [("RUNNING", TargetState::Started), ("PAUSED", TargetState::Paused), ("STOPPED", TargetState::Stopped)];
    names.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, state)| state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ConnectorFile {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_three_forms_mean_the_same() {
        let expected = ConnectorFile {
            name: "c".into(),
            config: [("name", "c"), ("tasks.max", "1")].into_iter().collect(),
            initial_state: None,
        };
        assert_eq!(read("name=c\ntasks.max=1"), expected);
        assert_eq!(read(r#"{"name":"c","tasks.max":1}"#), expected);
        assert_eq!(read(r#"{"name":"c","config":{"tasks.max":"1"},"unknown":[]}"#), expected);
        let stopped = read(r#"{"name":"c","config":{"tasks.max":"1"},"initial_state":"stopped"}"#);
        assert_eq!(stopped, ConnectorFile { initial_state: Some(TargetState::Stopped), ..expected });
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (text, part) in [
            ("", "no setting 'name'"),
            ("tasks.max=1", "no setting 'name'"),
            (r#"{"config":{}}"#, "no 'name'"),
            (r#"{"name":"a","config":{"name":"b"}}"#, "doesn't match"),
            (r#"{"name":"a","config":{"x":{}}}"#, "'x'"),
            (r#"{"name":"a","config":{},"initial_state":"x"}"#, "initial state"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
