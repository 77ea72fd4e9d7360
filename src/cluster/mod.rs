//! Membership of a group of equal workers; knows nothing of REST or connectors.
