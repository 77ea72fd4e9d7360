//! Changes or drops single records between connector and converter.

use super::error::Result;
use crate::data::ConnectRecord;

/// A transform is pure: the same record gives the same result, so a failure is never retriable.
pub trait Transform: Send {
    /// `None` drops the record.
    fn apply(&mut self, record: ConnectRecord) -> Result<Option<ConnectRecord>>;
}

pub trait Predicate: Send {
    fn test(&self, record: &ConnectRecord) -> bool;
}
