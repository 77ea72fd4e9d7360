//! Remembers why a client cannot reach its brokers, so that time-outs can say more than that time ran out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client_log;
use crate::plugin::{ConnectError, ErrorKind};

/// The callbacks common to all clients. Clones share what they remember.
#[derive(Clone, Default)]
pub(super) struct Context(Arc<Memory>);

#[derive(Default)]
struct Memory {
    trouble: Mutex<Option<Trouble>>,
    /// Whether there is a trouble, so that the path of every record takes no lock.
    troubled: AtomicBool,
    /// Whether anything ever worked.
    worked: AtomicBool,
}

struct Trouble {
    code: Option<RDKafkaErrorCode>,
    reason: String,
}

impl Context {
    /// Adds what the client last complained about, and makes a refused login or handshake fatal, as Java has it.
    pub fn explain(&self, error: ConnectError) -> ConnectError {
        let trouble = self.0.trouble.lock();
        match trouble.as_ref() {
            Some(trouble) if error.kind() == ErrorKind::Retriable => {
                let kind = if self.is_refusal(trouble) { ErrorKind::Fatal } else { ErrorKind::Retriable };
                let cause = std::error::Error::source(&error).map(|cause| format!("{cause}; ")).unwrap_or_default();
                ConnectError::new(kind, error.message()).caused_by(format!("{cause}the client reports: {}", trouble.reason))
            }
            _ => error,
        }
    }

    /// The error to stop with if the brokers refuse this client for good.
    pub fn refusal(&self) -> Option<ConnectError> {
        if !self.0.troubled.load(Ordering::Relaxed) {
            return None;
        }
        let trouble = self.0.trouble.lock();
        trouble
            .as_ref()
            .filter(|trouble| self.is_refusal(trouble))
            .map(|trouble| ConnectError::fatal("the Kafka brokers refuse this client").caused_by(trouble.reason.clone()))
    }

    fn is_refusal(&self, trouble: &Trouble) -> bool {
        match trouble.code {
            Some(
                RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::UnsupportedSASLMechanism,
            ) => true,
            // A broker that stops in the middle of a handshake gives the same code as a wrong certificate.
            Some(RDKafkaErrorCode::SSL) => !self.0.worked.load(Ordering::Relaxed),
            _ => false,
        }
    }

    pub fn note(&self, error: &KafkaError, reason: &str) {
        *self.0.trouble.lock() = Some(Trouble { code: error.rdkafka_error_code(), reason: reason.to_owned() });
        self.0.troubled.store(true, Ordering::Relaxed);
        tracing::debug!("Kafka client: {error}: {reason}");
    }

    /// Called when something worked.
    pub fn recovered(&self) {
        if self.0.troubled.load(Ordering::Relaxed) || !self.0.worked.load(Ordering::Relaxed) {
            if self.0.troubled.swap(false, Ordering::Relaxed) {
                client_log::recovered();
            }
            self.0.worked.store(true, Ordering::Relaxed);
            *self.0.trouble.lock() = None;
        }
    }

    pub fn write_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
        client_log::write(level, facility, message);
    }
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
