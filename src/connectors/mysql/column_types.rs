//! Maps MySQL columns to Connect schemas and value plans; the same table serves snapshot and binlog.
//!
//! A [`TablePlan`] is compiled once per version of a table. Rows then only walk arrays: no names, no type tests.
//!
//! # What the snapshot's connection must look like
//! - **Protocol**: the prepared-statement (binary) protocol (`exec_iter`), so that temporal values and FLOAT arrive typed.
//!   Text results are understood too, but FLOAT then has only the server's six digits.
//! - **Statement**: select [`TablePlan::select_columns`] as plain columns, without casts or functions. Order is free:
//!   [`TablePlan::snapshot_reader`] matches the result's columns by name, and ignores columns it does not need.
//! - **Session**: `SET time_zone = '+00:00'` (TIMESTAMP then arrives as UTC digits) and `SET NAMES utf8mb4`.
//!   `character_set_results = NULL` works as well: the reader decodes by the charset that the result's metadata names.
//! - Zero dates need no setting for reading: they arrive as the numbers 0-0-0.
//!
//! # What the binlog side needs
//! Nothing of the session; see `binlog_rows`.

mod convert;
mod decimal;
mod json;
mod kind;
mod names;
mod plan;
mod schema;
mod snapshot_rows;
mod temporal;

pub use convert::{Convert, Phase, ValueError, binary_form};
pub use decimal::{Decimal, binary_size as decimal_binary_size};
pub use kind::{IntegerWidth, Kind};
pub use names::{sanitize_topic, schema_name as adjust_schema_name};
pub use plan::{ColumnPlan, Row, RowBuilder, TablePlan};
pub use snapshot_rows::SnapshotReader;
pub use temporal::{DateTime, parse_datetime, parse_time};

#[cfg(test)]
mod tests;
