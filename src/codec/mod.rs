//! Bytes to data model and back; shared by converters and file formats.

pub mod decimal;
pub mod java_text;
pub mod java_time;
pub mod java_values;

pub mod avro;
pub mod json;

/// Containers nested deeper than this are not looked for in texts.
pub(crate) const MAX_TEXT_DEPTH: usize = 64;

/// Why something could not be encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The format cannot express this schema, or the schema text is wrong.
    #[error("{0}")]
    Schema(String),
    /// The value does not fit its schema.
    #[error("{0}")]
    Data(String),
    /// The bytes are not what they claim to be.
    #[error("{0}")]
    Malformed(String),
}

impl CodecError {
    /// Names the field the error arose in; nested calls build a path.
    pub(crate) fn in_field(self, name: &str) -> Self {
        match self {
            Self::Data(text) => Self::Data(format!("field '{name}': {text}")),
            Self::Malformed(text) => Self::Malformed(format!("field '{name}': {text}")),
            Self::Schema(text) => Self::Schema(format!("field '{name}': {text}")),
        }
    }
}
