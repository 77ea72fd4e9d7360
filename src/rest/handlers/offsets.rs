//! Serves the offsets of a connector.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::rest::error::RestError;
use crate::rest::extract::{Body, Name, SpeaksJson};
use crate::rest::routes::Api;
use crate::rest::wire::{self, Message};

type Answer = Result<Response, RestError>;

pub async fn read(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    Ok(Json(wire::offsets(&api.herder.offsets(&name).await?)).into_response())
}

pub async fn alter(State(api): State<Api>, _: SpeaksJson, Name(name): Name, body: Body) -> Answer {
    let offsets = wire::offsets_request(body.parse()?)?;
    let message = api.herder.alter_offsets(&name, offsets).await?;
    Ok(Json(Message { message }).into_response())
}

pub async fn reset(State(api): State<Api>, _: SpeaksJson, Name(name): Name) -> Answer {
    let message = api.herder.reset_offsets(&name).await?;
    Ok(Json(Message { message }).into_response())
}
