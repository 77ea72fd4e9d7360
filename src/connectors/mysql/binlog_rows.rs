//! Reads the row images of rows events straight into values.
//!
//! Works on raw event bodies (`Event::data()` of mysql_common, that is without common header and checksum). One
//! [`RowDecoder`] is built per TABLE_MAP and table version and kept while both stay the same.

use std::sync::Arc;

use bytes::Bytes;

use super::column_types::{Row, TablePlan};
use crate::plugin::{ConnectError, Result};

/// What a rows event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsKind {
    Write,
    Update,
    Delete,
}

impl RowsKind {
    /// The kind of this event type code (v1 and v2 and MariaDB's v1), or nothing for any other event.
    pub fn of_event_type(code: u8) -> Option<Self> {
        match code {
            23 | 30 => Some(Self::Write),
            24 | 31 => Some(Self::Update),
            25 | 32 => Some(Self::Delete),
            _ => None,
        }
    }
}

/// The start of a rows event, enough to find its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsHeader {
    pub kind: RowsKind,
    pub table_id: u64,
    /// The last rows event of its statement: table ids are void after it.
    pub end_of_statement: bool,
    body_offset: usize,
}

impl RowsHeader {
    /// # Errors
    /// `Fatal` if the body is cut short or `event_type` is no rows event.
    pub fn parse(event_type: u8, body: &[u8]) -> Result<Self> {
        let _ = (event_type, body);
        Err(ConnectError::fatal("cannot read rows events: not ready"))
    }
}

/// A TABLE_MAP event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableMap {
    pub table_id: u64,
    pub database: String,
    pub table: String,
}

impl TableMap {
    /// # Errors
    /// `Fatal` if the body is cut short or names an unknown column type.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let _ = body;
        Err(ConnectError::fatal("cannot read table maps: not ready"))
    }
}

/// One changed row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange {
    Create { after: Row },
    Update { before: Row, after: Row },
    Delete { before: Row },
}

/// Decodes rows of one table map with one plan.
#[derive(Debug)]
pub struct RowDecoder {
    plan: Arc<TablePlan>,
}

impl RowDecoder {
    /// # Errors
    /// `Fatal` if the event's columns do not fit the table's definition (count, type); names the first such column.
    pub fn new(plan: &Arc<TablePlan>, map: &TableMap) -> Result<Self> {
        let _ = map;
        Ok(Self { plan: plan.clone() })
    }

    pub fn plan(&self) -> &Arc<TablePlan> {
        &self.plan
    }

    /// Walks the rows of an event. Text and bytes of the values are slices of `body`.
    pub fn rows<'a>(&'a self, header: &RowsHeader, body: &'a Bytes) -> Result<Rows<'a>> {
        let _ = (header, body);
        Err(ConnectError::fatal("cannot read rows events: not ready"))
    }
}

/// Iterates over the rows of one event. After an error it yields nothing more.
pub struct Rows<'a> {
    _decoder: &'a RowDecoder,
}

impl Iterator for Rows<'_> {
    type Item = Result<RowChange>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
