//! Decides what should run.
