//! Answers who this worker is and whether it works.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::rest::extract::AcceptsJson;
use crate::rest::routes::Api;
use crate::rest::wire::{ServerInfo, WorkerStatus};

/// Connect: RootResource, the limit of a health probe.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

pub async fn server_info(State(api): State<Api>, _: AcceptsJson) -> Response {
    let server = api.herder.server();
    Json(ServerInfo {
        version: &server.kafka_version,
        commit: &server.commit,
        kafka_cluster_id: server.kafka_cluster_id.as_deref(),
    })
    .into_response()
}

pub async fn health(State(api): State<Api>, _: AcceptsJson) -> Response {
    let (code, status, message) = if api.herder.answers_within(PROBE_LIMIT).await {
        (StatusCode::OK, "healthy", "Worker has completed startup and is ready to handle requests.")
    } else if api.herder.is_ready() {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "unhealthy",
            "Worker was unable to handle this request and may be unable to handle other requests.",
        )
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting", "Worker is still starting up.")
    };
    (code, Json(WorkerStatus { status, message })).into_response()
}
