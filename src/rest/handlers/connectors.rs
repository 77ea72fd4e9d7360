//! Serves `/connectors` and everything about one connector but its tasks and offsets.
//!
//! Source: contracts/connect-rest.md, sections 4.3-4.11 and 9.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json_, json};

use crate::config::ConfigMap;
use crate::herder::info::ConnectorInfo;
use crate::herder::{RestartRequest, TargetState};
use crate::rest::error::RestError;
use crate::rest::extract::{Body, Name, QueryParameters, SpeaksJson};
use crate::rest::routes::Api;
use crate::rest::wire::{self, CreateRequest};

type Answer = Result<Response, RestError>;

pub async fn list(State(api): State<Api>, _: SpeaksJson, query: QueryParameters) -> Response {
    let names = api.herder.connectors();
    let expansions = query.all("expand").collect::<Vec<_>>();
    if expansions.is_empty() {
        return Json(names).into_response();
    }
    let mut all = Map::new();
    for name in names {
        let mut fields = Map::new();
        if expansions.contains(&"status") {
            // Connect leaves a connector out that has no status yet.
            let Ok(status) = api.herder.connector_status(&name) else { continue };
            fields.insert("status".to_owned(), wire::connector_status(&status));
        }
        if expansions.contains(&"info") {
            let info = api.herder.connector_info(&name).ok();
            fields.insert("info".to_owned(), info.as_ref().map_or(Json_::Null, wire::connector_info));
        }
        all.insert(name, Json_::Object(fields));
    }
    Json(all).into_response()
}

pub async fn create(State(api): State<Api>, _: SpeaksJson, uri: Uri, headers: HeaderMap, body: Body) -> Answer {
    let request = CreateRequest::from_fields(body.parse()?)?;
    let config = with_name(request.config, &request.name)?;
    let info = api.herder.create(&request.name, config, request.initial_state).await?;
    Ok(created(&info, &uri, &headers))
}

pub async fn info(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    Ok(Json(wire::connector_info(&api.herder.connector_info(&name)?)).into_response())
}

pub async fn config(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    Ok(Json(api.herder.connector_info(&name)?.config).into_response())
}

pub async fn put_config(
    State(api): State<Api>,
    _: SpeaksJson,
    Name(name): Name,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let config = with_name(body.config()?, &name)?;
    let (is_new, info) = api.herder.put_config(&name, config).await?;
    Ok(if is_new { created(&info, &uri, &headers) } else { Json(wire::connector_info(&info)).into_response() })
}

pub async fn patch_config(State(api): State<Api>, _: SpeaksJson, Name(name): Name, body: Body) -> Answer {
    let patch = body.config()?;
    if let Some(other) = patch.get("name").filter(|&other| other != name) {
        return Err(name_mismatch(other, &name));
    }
    Ok(Json(wire::connector_info(&api.herder.patch_config(&name, patch).await?)).into_response())
}

pub async fn status(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    Ok(Json(wire::connector_status(&api.herder.connector_status(&name)?)).into_response())
}

pub async fn restart(State(api): State<Api>, _: SpeaksJson, Name(name): Name, query: QueryParameters) -> Answer {
    let request = RestartRequest {
        include_tasks: query.flag("includeTasks").unwrap_or(false),
        only_failed: query.flag("onlyFailed").unwrap_or(false),
    };
    if !request.include_tasks && !request.only_failed {
        api.herder.restart_connector(&name).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let planned = api.herder.restart_by_plan(&name, request).await?;
    Ok((StatusCode::ACCEPTED, Json(wire::connector_status(&planned))).into_response())
}

pub async fn pause(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    api.herder.set_target_state(&name, TargetState::Paused).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

pub async fn resume(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    api.herder.set_target_state(&name, TargetState::Started).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

pub async fn stop(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    api.herder.set_target_state(&name, TargetState::Stopped).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn delete(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    api.herder.delete(&name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn topics(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    let topics = api.herder.active_topics(&name)?;
    Ok(Json(json!({ name: { "topics": topics } })).into_response())
}

pub async fn reset_topics(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    api.herder.reset_active_topics(&name).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// The name in the config is the connector's name, or absent.
fn with_name(mut config: ConfigMap, name: &str) -> Result<ConfigMap, RestError> {
    match config.get("name") {
        Some(other) if other != name => return Err(name_mismatch(other, name)),
        Some(_) => {}
        None => config.set("name", name),
    }
    Ok(config)
}

fn name_mismatch(in_config: &str, name: &str) -> RestError {
    RestError::bad_request(format!("Connector name configuration ({in_config}) doesn't match connector name in the URL ({name})"))
}

fn created(info: &ConnectorInfo, uri: &Uri, headers: &HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri.host()).unwrap_or("localhost");
    let location = format!("http://{host}/connectors/{}", encode_path(&info.name));
    let mut response = (StatusCode::CREATED, Json(wire::connector_info(info))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Percent-encodes what may not stand in a path; a slash stays.
fn encode_path(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':'
            | b'@' => out.push(char::from(byte)),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_encoded_as_paths() {
        assert_eq!(encode_path("a/b c%+é?#"), "a/b%20c%25+%C3%A9%3F%23");
        assert_eq!(encode_path("{x}"), "%7Bx%7D");
    }

    #[test]
    fn a_config_gets_the_name_or_must_have_it() {
        let named = |pairs: &[(&str, &str)]| with_name(pairs.iter().copied().collect(), "c");
        assert_eq!(named(&[]).unwrap().get("name"), Some("c"));
        assert!(named(&[("name", "c")]).is_ok());
        assert!(named(&[("name", "c ")]).is_err());
    }
}
