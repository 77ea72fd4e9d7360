//! JSON as Connect's JsonConverter writes and reads it, with and without the schema envelope.
//! contracts/connect-runtime.md, section 9.1.

pub mod schema_text;

pub mod encode;

pub mod decode;
pub mod reader;

pub use decode::{Decoder, decode_schemaless};
pub use encode::{Encoder, encode_schemaless};

/// How values look in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonOptions {
    /// `decimal.format=NUMERIC`: decimals as numbers instead of base64.
    pub numeric_decimals: bool,
    /// `replace.null.with.default`.
    pub replace_null_with_default: bool,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self { numeric_decimals: false, replace_null_with_default: true }
    }
}

/// Values nested deeper than this are refused; Jackson's own limit is 1000.
pub(crate) const MAX_DEPTH: usize = 500;
