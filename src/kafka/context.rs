//! Remembers why a client cannot reach its brokers, so that time-outs can say more than that time ran out.

use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::plugin::{ConnectError, ErrorKind};

/// The callbacks common to all clients. Clones share what they remember.
#[derive(Clone, Default)]
pub(super) struct Context {
    trouble: Arc<Mutex<Option<Trouble>>>,
}

struct Trouble {
    code: Option<RDKafkaErrorCode>,
    reason: String,
}

impl Context {
    /// Adds what the client last complained about, and makes a refused login or handshake fatal, as Java has it.
    pub fn explain(&self, error: ConnectError) -> ConnectError {
        let trouble = self.trouble.lock();
        match trouble.as_ref() {
            Some(trouble) if error.kind() == ErrorKind::Retriable => {
                let kind = if is_refusal(trouble.code) { ErrorKind::Fatal } else { ErrorKind::Retriable };
                let cause = std::error::Error::source(&error).map(|cause| format!("{cause}; ")).unwrap_or_default();
                ConnectError::new(kind, error.message()).caused_by(format!("{cause}the client reports: {}", trouble.reason))
            }
            _ => error,
        }
    }

    /// The error to stop with if the brokers refuse this client for good.
    pub fn refusal(&self) -> Option<ConnectError> {
        let trouble = self.trouble.lock();
        trouble
            .as_ref()
            .filter(|trouble| is_refusal(trouble.code))
            .map(|trouble| ConnectError::fatal("the Kafka brokers refuse this client").caused_by(trouble.reason.clone()))
    }

    pub fn note(&self, error: &KafkaError, reason: &str) {
        *self.trouble.lock() = Some(Trouble { code: error.rdkafka_error_code(), reason: reason.to_owned() });
        tracing::debug!("Kafka client: {error}: {reason}");
    }

    /// Called when something worked.
    pub fn recovered(&self) {
        *self.trouble.lock() = None;
    }

    pub fn write_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(target: "kafka", "{facility}: {message}");
            }
            // librdkafka calls every lost connection an error although it reconnects by itself.
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(target: "kafka", "{facility}: {message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(target: "kafka", "{facility}: {message}"),
            RDKafkaLogLevel::Debug => tracing::debug!(target: "kafka", "{facility}: {message}"),
        }
    }
}

fn is_refusal(code: Option<RDKafkaErrorCode>) -> bool {
    matches!(
        code,
        Some(
            RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::UnsupportedSASLMechanism
                | RDKafkaErrorCode::SSL
        )
    )
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Self::write_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note(&error, reason);
    }
}

impl ConsumerContext for Context {}
