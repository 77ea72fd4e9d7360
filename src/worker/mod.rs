//! Runs connectors and tasks; knows nothing of REST or groups.
