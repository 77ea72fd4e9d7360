//! Serves the list of plugins, their settings, and the check of a config.
//!
//! Source: contracts/connect-rest.md, sections 5.1-5.3.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::herder::HerderError;
use crate::herder::info;
use crate::herder::validation::Definition;
use crate::rest::error::RestError;
use crate::rest::extract::{Body, Name, QueryParameters, SpeaksJson};
use crate::rest::routes::Api;
use crate::rest::wire;

type Answer = Result<Response, RestError>;

pub async fn list(State(api): State<Api>, _: SpeaksJson, query: QueryParameters) -> Response {
    // An absent and an empty parameter mean true, any other text than "true" means false.
    let connectors_only =
        query.all("connectorsOnly").next().is_none_or(str::is_empty) || query.flag("connectorsOnly").unwrap_or(true);
    let plugins = info::plugins(api.herder.registry());
    let listed = plugins.iter().filter(|plugin| !connectors_only || matches!(plugin.kind, "sink" | "source"));
    Json(listed.map(wire::plugin).collect::<Vec<_>>()).into_response()
}

pub async fn config(State(api): State<Api>, _: SpeaksJson, Name(plugin): Name) -> Answer {
    let definitions = info::plugin_settings(api.herder.registry(), &plugin)?;
    Ok(Json(definitions.iter().map(Definition::of).map(|key| wire::definition(&key)).collect::<Vec<_>>()).into_response())
}

pub async fn validate(State(api): State<Api>, _: SpeaksJson, Name(plugin): Name, body: Body) -> Answer {
    let config = body.config()?;
    if let Some(class) = config.get("connector.class") {
        let stem = |name: &str| name.strip_suffix("Connector").unwrap_or(name).to_owned();
        if !stem(class).ends_with(&stem(&plugin)) {
            return Err(RestError::bad_request(format!("Included connector type {class} does not match request type {plugin}")));
        }
    }
    // Connect answers 500 to what keeps it from validating at all, with the exception's class before the text.
    let report = api.herder.validate(&config).await.map_err(|error| match error {
        HerderError::BadRequest(text) | HerderError::UnknownClass(text) => RestError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("org.apache.kafka.connect.runtime.rest.errors.BadRequestException: {text}"),
        ),
        other => other.into(),
    })?;
    Ok(Json(wire::report(&report)).into_response())
}
