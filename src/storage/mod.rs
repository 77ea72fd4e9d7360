//! The three internal topics, and their standalone twins.
