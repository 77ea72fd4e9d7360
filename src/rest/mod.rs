//! The Connect REST API: HTTP only, no decisions.
