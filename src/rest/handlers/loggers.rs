//! Serves `/admin/loggers`.
//!
//! Source: contracts/connect-rest.md, section 7.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json_;

use crate::rest::error::RestError;
use crate::rest::extract::{Body, Name, QueryParameters, SpeaksJson};
use crate::rest::routes::Api;
use crate::rest::wire::LoggerLevel;
use crate::telemetry::Level;

type Answer = Result<Response, RestError>;

pub async fn list(State(api): State<Api>, _: SpeaksJson) -> Response {
    let all = api.loggers.all().into_iter().map(|(name, setting)| (name, LoggerLevel::from(setting)));
    Json(all.collect::<BTreeMap<_, _>>()).into_response()
}

pub async fn read(State(api): State<Api>, _: SpeaksJson, Name(logger): Name) -> Answer {
    let setting =
        api.loggers.get(&logger).ok_or_else(|| RestError::new(StatusCode::NOT_FOUND, format!("Logger {logger} not found.")))?;
    Ok(Json(LoggerLevel::from(setting)).into_response())
}

pub async fn change(State(api): State<Api>, _: SpeaksJson, Name(logger): Name, query: QueryParameters, body: Body) -> Answer {
    let fields: BTreeMap<String, Json_> = body.parse()?;
    let level = match fields.get("level") {
        Some(Json_::String(level)) => level.clone(),
        None | Some(Json_::Null) => {
            return Err(RestError::bad_request("Desired 'level' parameter was not specified in request."));
        }
        Some(other) => other.to_string(),
    };
    let level =
        Level::parse(&level).ok_or_else(|| RestError::new(StatusCode::NOT_FOUND, format!("invalid log level '{level}'.")))?;
    if query.all("scope").next().is_some_and(|scope| scope.eq_ignore_ascii_case("cluster")) {
        api.herder.set_cluster_log_level(&logger, level).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(api.loggers.set(&logger, level)).into_response())
}
