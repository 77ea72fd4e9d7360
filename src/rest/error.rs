//! Turns every failure into a status code and the envelope `{"error_code":…,"message":…}`; the only place that does.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::herder::HerderError;

/// An answer that is not a success.
#[derive(Debug)]
pub struct RestError {
    status: StatusCode,
    message: String,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error_code: u16,
    message: &'a str,
}

impl RestError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// A failure that HTTP itself names, with JAX-RS's text.
    pub fn generic(status: StatusCode) -> Self {
        let reason = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
            _ => status.canonical_reason().unwrap_or("Error"),
        };
        Self::new(status, format!("HTTP {} {reason}", status.as_u16()))
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Connect answers 500 to bodies it cannot read; clients rely on the status, not on the text.
    pub fn unreadable_body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl From<HerderError> for RestError {
    fn from(error: HerderError) -> Self {
        let status = match &error {
            HerderError::NotFound(_) => StatusCode::NOT_FOUND,
            HerderError::AlreadyExists(_) | HerderError::Conflict(_) => StatusCode::CONFLICT,
            HerderError::BadRequest(_) | HerderError::UnknownClass(_) => StatusCode::BAD_REQUEST,
            HerderError::Forbidden(_) => StatusCode::FORBIDDEN,
            HerderError::Timeout(_) | HerderError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let envelope = Envelope { error_code: self.status.as_u16(), message: &self.message };
        (self.status, Json(envelope)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_envelope_has_the_status_and_the_text() {
        let response = RestError::from(HerderError::connector_not_found("c")).into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert_eq!(body, r#"{"error_code":404,"message":"Connector c not found"}"#);
    }

    #[test]
    fn generic_errors_speak_like_jax_rs() {
        assert_eq!(RestError::generic(StatusCode::NOT_FOUND).message, "HTTP 404 Not Found");
        assert_eq!(RestError::generic(StatusCode::UNSUPPORTED_MEDIA_TYPE).message, "HTTP 415 Unsupported Media Type");
    }
}
