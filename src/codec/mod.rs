//! Bytes to data model and back; shared by converters and file formats.
