//! Talks to a Connect worker's REST API, ours or Java's.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::wait::wait_for;

/// Longer than any answer of a healthy worker, Java's included.
const REQUEST_LIMIT: Duration = Duration::from_secs(100);

#[derive(Clone)]
pub struct ConnectRest {
    pub base: String,
    client: reqwest::Client,
}

impl ConnectRest {
    pub fn at(base: impl Into<String>) -> Self {
        Self { base: base.into(), client: reqwest::Client::builder().timeout(REQUEST_LIMIT).no_proxy().build().unwrap() }
    }

    /// Sends a request; an empty or non-JSON answer is `Value::Null` or a string.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value), reqwest::Error> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        let value = match text.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        };
        Ok((status, value))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, None).await.unwrap()
    }

    pub async fn put(&self, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        self.send(Method::PUT, path, body).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        self.send(Method::POST, path, body).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::DELETE, path, None).await.unwrap()
    }

    /// Creates a connector; anything but 201 is a panic with the answer.
    pub async fn create(&self, name: &str, config: &Value) {
        let (status, answer) = self.post("/connectors", Some(&json!({"name": name, "config": config}))).await;
        assert_eq!(status, StatusCode::CREATED, "creating {name}: {answer:#}");
    }

    pub async fn status(&self, name: &str) -> Value {
        self.get(&format!("/connectors/{name}/status")).await.1
    }

    /// Waits until the connector and its tasks, at least one, run; a FAILED one is a panic with its trace.
    pub async fn wait_running(&self, name: &str) {
        self.wait_state(name, "RUNNING").await;
    }

    /// Waits until the connector and its tasks, at least one, are in this state.
    pub async fn wait_state(&self, name: &str, wanted: &str) -> Value {
        let what = format!("connector {name} and its tasks to be {wanted}");
        wait_for(
            Duration::from_secs(60),
            &what,
            async || {
                let status = self.status(name).await;
                let states = states(&status);
                assert!(wanted == "FAILED" || !states.contains(&"FAILED"), "{name} failed: {status:#}");
                status
            },
            |status| {
                let states = states(status);
                states.len() > 1 && states.iter().all(|state| *state == wanted)
            },
        )
        .await
    }

    /// Waits until task 0 has failed and returns its trace.
    pub async fn wait_task_trace(&self, name: &str) -> String {
        let what = format!("task 0 of {name} to fail");
        let status = wait_for(
            Duration::from_secs(60),
            &what,
            async || self.status(name).await,
            |status| status["tasks"][0]["state"] == "FAILED",
        )
        .await;
        status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned()
    }
}

/// Whether a worker put a request off, as the Java worker does while it takes in a change that another test made.
pub fn is_put_off(answer: &str) -> bool {
    answer.contains("Cannot complete request") || answer.contains("because a rebalance is expected")
}

/// The connector's state, then the tasks' states.
fn states(status: &Value) -> Vec<&str> {
    let tasks = status["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
    std::iter::once(&status["connector"]).chain(tasks).filter_map(|part| part["state"].as_str()).collect()
}
