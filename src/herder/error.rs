//! Says why the herder did not do what it was asked, in the texts that REST clients know.

/// The kind decides the HTTP status, the text goes to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HerderError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    AlreadyExists(String),
    /// The group is changing or the leader is elsewhere; the client may try again.
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    BadRequest(String),
    /// No plugin has this class.
    #[error("{0}")]
    UnknownClass(String),
    /// A setting of the worker forbids it.
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    Timeout(String),
    #[error("{0}")]
    Internal(String),
}

pub type Result<T, E = HerderError> = std::result::Result<T, E>;

impl HerderError {
    pub fn connector_not_found(name: &str) -> Self {
        Self::NotFound(format!("Connector {name} not found"))
    }

    /// Restarts use this text, with a colon.
    pub fn unknown_connector_to_restart(name: &str) -> Self {
        Self::NotFound(format!("Unknown connector: {name}"))
    }

    /// Pause, resume and stop use this text, without a colon.
    pub fn unknown_connector(name: &str) -> Self {
        Self::NotFound(format!("Unknown connector {name}"))
    }
}
