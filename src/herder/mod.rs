//! Decides what should run.

pub mod error;
pub mod validation;

mod transform_settings;

pub use error::HerderError;
