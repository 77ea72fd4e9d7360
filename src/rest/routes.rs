//! The whole API on one screen: path, method, handler.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};

use super::error::RestError;
use super::extract::accepts_json;
use super::handlers::{connectors, loggers, offsets, plugins, root, tasks};
use crate::herder::HerderHandle;
use crate::telemetry::Loggers;

/// What handlers share.
#[derive(Clone)]
pub struct Api {
    pub herder: HerderHandle,
    pub loggers: Loggers,
}

/// Everything but `/admin`.
#[rustfmt::skip]
pub fn regular() -> Router<Api> {
    Router::new()
        .route("/",                                      only("GET", get(root::server_info)))
        .route("/health",                                only("GET", get(root::health)))
        .route("/connectors",                            only("GET,POST", get(connectors::list).post(connectors::create)))
        .route("/connectors/{connector}",                only("GET,DELETE", get(connectors::info).delete(connectors::delete)))
        .route("/connectors/{connector}/config",         only("GET,PUT,PATCH",
            get(connectors::config).put(connectors::put_config).patch(connectors::patch_config)))
        .route("/connectors/{connector}/status",         only("GET", get(connectors::status)))
        .route("/connectors/{connector}/restart",        only("POST", post(connectors::restart)))
        .route("/connectors/{connector}/pause",          only("PUT", put(connectors::pause)))
        .route("/connectors/{connector}/resume",         only("PUT", put(connectors::resume)))
        .route("/connectors/{connector}/stop",           only("PUT", put(connectors::stop)))
        .route("/connectors/{connector}/topics",         only("GET", get(connectors::topics)))
        .route("/connectors/{connector}/topics/reset",   only("PUT", put(connectors::reset_topics)))
        .route("/connectors/{connector}/offsets",        only("GET,PATCH,DELETE",
            get(offsets::read).patch(offsets::alter).delete(offsets::reset)))
        .route("/connectors/{connector}/tasks",          only("GET", get(tasks::list)))
        .route("/connectors/{connector}/tasks-config",   only("GET", get(tasks::configs)))
        .route("/connectors/{connector}/tasks/{task}/status",  only("GET", get(tasks::status)))
        .route("/connectors/{connector}/tasks/{task}/restart", only("POST", post(tasks::restart)))
        .route("/connector-plugins",                     only("GET", get(plugins::list)))
        .route("/connector-plugins/{plugin}/config",     only("GET", get(plugins::config)))
        .route("/connector-plugins/{plugin}/config/validate", only("PUT", put(plugins::validate)))
}

#[rustfmt::skip]
pub fn admin() -> Router<Api> {
    Router::new()
        .route("/admin/loggers",                         only("GET", get(loggers::list)))
        .route("/admin/loggers/{logger}",                only("GET,PUT", get(loggers::read).put(loggers::change)))
}

/// A path with these methods; `OPTIONS` tells them and every other method is refused.
fn only(methods: &'static str, router: MethodRouter<Api>) -> MethodRouter<Api> {
    router
        .options(move |headers: axum::http::HeaderMap| async move { allowed_methods(methods, accepts_json(&headers)) })
        .fallback(|| async { RestError::generic(StatusCode::METHOD_NOT_ALLOWED) })
}

fn allowed_methods(methods: &str, _json: bool) -> Response {
    let head = if methods.split(',').any(|method| method == "GET") { "HEAD," } else { "" };
    let allow = format!("{head}{methods},OPTIONS");
    let text = allow.replace(',', ", ");
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if let Ok(allow) = allow.parse() {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
