//! Serves the tasks of a connector.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, to_value};

use crate::rest::error::RestError;
use crate::rest::extract::{Name, SpeaksJson, TaskPath};
use crate::rest::routes::Api;
use crate::rest::wire;

type Answer = Result<Response, RestError>;

pub async fn list(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    let tasks = api.herder.task_infos(&name)?;
    Ok(Json(tasks.iter().map(|task| wire::task_info(&name, task)).collect::<Vec<_>>()).into_response())
}

pub async fn configs(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    let mut all = Map::new();
    for task in api.herder.task_infos(&name)? {
        all.insert(format!("{name}-{}", task.task), to_value(&task.config).unwrap_or_default());
    }
    Ok(Json(all).into_response())
}

pub async fn status(State(api): State<Api>, _: SpeaksJson, path: TaskPath) -> Answer {
    let status = api.herder.task_status(&path.connector, path.task)?;
    Ok(Json(wire::task_status(path.task.unsigned_abs() as usize, &status)).into_response())
}

pub async fn restart(State(api): State<Api>, _: SpeaksJson, path: TaskPath) -> Answer {
    api.herder.restart_task(&path.connector, path.task).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
