//! The Connect REST API: HTTP only, no decisions.

pub mod routes;
pub mod server;

mod error;
mod extract;
mod handlers;
mod wire;
