//! Logging and metrics of the process.

pub mod logging;

pub use logging::{Level, Loggers};
