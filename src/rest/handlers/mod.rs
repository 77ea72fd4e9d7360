//! What each endpoint does: read the request, ask the herder, write the answer.

pub mod connectors;
pub mod loggers;
pub mod offsets;
pub mod plugins;
pub mod root;
pub mod tasks;
