//! Reads what a request carries: content types, names in paths, JSON bodies.
//!
//! Source: contracts/connect-rest.md, sections 1.2-1.5.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::RestError;
use crate::config::ConfigMap;

/// Proof that the client accepts JSON.
pub struct AcceptsJson;

impl<S: Send + Sync> FromRequestParts<S> for AcceptsJson {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, RestError> {
        if accepts_json(&parts.headers) { Ok(Self) } else { Err(RestError::generic(StatusCode::NOT_ACCEPTABLE)) }
    }
}

/// Proof that the client accepts JSON and declares no body of another type, which counts even where no body is read.
pub struct SpeaksJson;

impl<S: Send + Sync> FromRequestParts<S> for SpeaksJson {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        if let Some(kind) = parts.headers.get(CONTENT_TYPE) {
            let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            if !essence.eq_ignore_ascii_case("application/json") {
                return Err(RestError::generic(StatusCode::UNSUPPORTED_MEDIA_TYPE));
            }
        }
        AcceptsJson::from_request_parts(parts, state).await.map(|_| Self)
    }
}

pub fn accepts_json(headers: &HeaderMap) -> bool {
    let mut entries = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let mut any = false;
    let accepted = entries.any(|entry| {
        any = true;
        let mut parts = entry.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        !refused && matches!(essence.as_str(), "*/*" | "application/*" | "application/json")
    });
    accepted || !any
}

/// A name from the path, percent-decoded.
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| malformed_path())?;
        let raw = parameters.iter().next().map(|(_, value)| value).ok_or_else(malformed_path)?;
        decode_segment(raw).map(Self)
    }
}

/// A connector's name and the number of one of its tasks.
pub struct TaskPath {
    pub connector: String,
    pub task: i32,
}

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| malformed_path())?;
        let mut values = parameters.iter().map(|(_, value)| value);
        let (Some(connector), Some(task)) = (values.next(), values.next()) else { return Err(malformed_path()) };
        let task = decode_segment(task)?.parse().map_err(|_| RestError::generic(StatusCode::NOT_FOUND))?;
        Ok(Self { connector: decode_segment(connector)?, task })
    }
}

fn malformed_path() -> RestError {
    RestError::generic(StatusCode::BAD_REQUEST)
}

/// axum decodes `%2F` and the like itself and refuses what is not UTF-8; what is left to refuse is a NUL.
fn decode_segment(segment: &str) -> Result<String, RestError> {
    if segment.contains('\0') { Err(malformed_path()) } else { Ok(segment.to_owned()) }
}

/// The bytes of a body.
pub struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = RestError;

    async fn from_request(request: Request, state: &S) -> Result<Self, RestError> {
        let bytes = Bytes::from_request(request, state).await;
        bytes.map(Self).map_err(|rejection| RestError::new(rejection.status(), rejection.body_text()))
    }
}

impl Body {
    /// Reads the first JSON value; text after it is ignored, an absent body is an error.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, RestError> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.0);
        T::deserialize(&mut deserializer)
            .map_err(|error| RestError::unreadable_body(format!("cannot read the request body as JSON: {error}")))
    }

    /// Reads a map of settings.
    pub fn config(&self) -> Result<ConfigMap, RestError> {
        config_of(self.parse()?)
    }
}

/// The fields of a JSON object, unread; of duplicates the last one wins.
pub type RawObject = BTreeMap<String, Box<RawValue>>;

/// Numbers and booleans become text as they are written; arrays and objects are refused.
pub fn config_of(fields: RawObject) -> Result<ConfigMap, RestError> {
    let mut config = ConfigMap::new();
    for (name, raw) in fields {
        let text = raw.get();
        let value = match text.bytes().next() {
            Some(b'"') => Some(parse_raw::<String>(&raw)?),
            Some(b'n') => None,
            Some(b'{' | b'[') => {
                return Err(RestError::unreadable_body(format!(
                    "cannot read setting '{name}': its value is an object or array, expected text"
                )));
            }
            _ => Some(text.to_owned()),
        };
        config.0.insert(name, value);
    }
    Ok(config)
}

/// Reads one field of an object.
pub fn parse_raw<T: DeserializeOwned>(raw: &RawValue) -> Result<T, RestError> {
    serde_json::from_str(raw.get())
        .map_err(|error| RestError::unreadable_body(format!("cannot read the request body as JSON: {error}")))
}

/// Query parameters by name; unknown ones are ignored by whoever reads them.
pub struct QueryParameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryParameters {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let query = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|_| RestError::generic(StatusCode::BAD_REQUEST))
    }
}

impl QueryParameters {
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Only `true` in any case is true.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.all(name).next().map(|value| value.eq_ignore_ascii_case("true"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_by_name_by_wildcard_and_by_silence() {
        let accepts = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, text.parse().unwrap());
            accepts_json(&headers)
        };
        assert!(accepts_json(&HeaderMap::new()));
        for text in ["*/*", "text/html, application/json;q=0.5", "application/*", "Application/JSON;charset=utf-8"] {
            assert!(accepts(text), "{text}");
        }
        for text in ["text/html", "application/xml", "application/json;q=0"] {
            assert!(!accepts(text), "{text}");
        }
    }

    fn config(text: &'static str) -> Result<ConfigMap, RestError> {
        Body(Bytes::from_static(text.as_bytes())).config()
    }

    #[test]
    fn scalar_settings_become_text_as_they_were_written() {
        let read = config(r#"{"a":1.50,"b":true,"c":"x\"é","d":null,"e":1,"e":2} trailing"#).unwrap();
        assert_eq!(read.get("a"), Some("1.50"));
        assert_eq!(read.get("b"), Some("true"));
        assert_eq!(read.get("c"), Some("x\"é"));
        assert_eq!(read.0["d"], None);
        assert_eq!(read.get("e"), Some("2"));
    }

    #[test]
    fn unreadable_bodies_are_refused() {
        for text in ["", "null", "nope", "[]", r#"{"a":"#, r#"{"a":{}}"#, r#"{"a":[1]}"#, "\"x\""] {
            assert!(config(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_are_true_only_by_the_word() {
        let query = QueryParameters(vec![("a".into(), "TRUE".into()), ("b".into(), "".into()), ("c".into(), "1".into())]);
        assert_eq!(query.flag("a"), Some(true));
        assert_eq!(query.flag("b"), Some(false));
        assert_eq!(query.flag("c"), Some(false));
        assert_eq!(query.flag("d"), None);
    }
}
