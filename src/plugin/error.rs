//! The one error type the runtime makes decisions on.

use std::error::Error as StdError;
use std::fmt;

pub type Result<T, E = ConnectError> = std::result::Result<T, E>;
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// What the runtime does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Trying the same call again may help.
    Retriable,
    /// This record cannot be handled; tolerance and dead letter queue decide.
    BadRecord,
    /// The configuration is wrong.
    Config,
    /// The task cannot go on.
    Fatal,
}

/// A failure with the kind the program acts on and the sentence a person acts on.
#[derive(Debug)]
pub struct ConnectError {
    kind: ErrorKind,
    message: String,
    source: Option<BoxError>,
}

impl ConnectError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub fn retriable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Retriable, message)
    }

    pub fn bad_record(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRecord, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub fn fatal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Fatal, message)
    }

    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message and all its causes, one a line, as a task's `trace` shows them.
    pub fn trace(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str("\nCaused by: ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

impl From<crate::config::ConfigError> for ConnectError {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::config(error.to_string())
    }
}

impl From<crate::codec::CodecError> for ConnectError {
    fn from(error: crate::codec::CodecError) -> Self {
        Self::bad_record(error.to_string())
    }
}
