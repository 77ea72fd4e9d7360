//! Writes and reads Avro object container files, block by block, without doing any I/O.
//! contracts/hdfs-sink.md, section 9.1.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::decode::Input;
use super::encode::{push_bytes, push_long};
use crate::codec::CodecError;

const MAGIC: &[u8; 4] = b"Obj\x01";
/// Java's `DataFileConstants.DEFAULT_SYNC_INTERVAL`: a block is closed at this many uncompressed bytes.
const SYNC_INTERVAL: usize = 64_000;
/// Headers above this size are refused.
const MAX_HEADER: usize = 16 << 20;
/// Java's `CodecFactory.DEFAULT_ZSTANDARD_LEVEL`.
const ZSTANDARD_LEVEL: i32 = 3;

/// The compression of a file's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
}

impl Codec {
    pub const ALL: [Self; 4] = [Self::Null, Self::Deflate, Self::Snappy, Self::Zstandard];

    /// The name in file headers and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstandard => "zstandard",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

/// Builds a container file in memory; the caller takes what is finished and writes it out.
pub struct ContainerWriter {
    codec: Compressor,
    sync: [u8; 16],
    block: Vec<u8>,
    block_count: i64,
    /// Finished bytes that the caller has not taken yet.
    ready: Vec<u8>,
}

impl ContainerWriter {
    /// Starts a file; its header is ready to be taken at once. `sync_marker` should be random.
    ///
    /// # Errors
    /// `Schema` if the compressor cannot be created.
    pub fn new(schema_text: &str, codec: Codec, sync_marker: [u8; 16]) -> Result<Self, CodecError> {
        let mut ready = Vec::with_capacity(schema_text.len() + 64);
        ready.extend_from_slice(MAGIC);
        push_long(2, &mut ready);
        // Java's writer walks a hash map, in which these two keys always come in this order.
        push_bytes(b"avro.schema", &mut ready);
        push_bytes(schema_text.as_bytes(), &mut ready);
        push_bytes(b"avro.codec", &mut ready);
        push_bytes(codec.name().as_bytes(), &mut ready);
        push_long(0, &mut ready);
        ready.extend_from_slice(&sync_marker);
        let block = Vec::with_capacity(SYNC_INTERVAL + 4096);
        Ok(Self { codec: Compressor::new(codec)?, sync: sync_marker, block, block_count: 0, ready })
    }

    /// Appends one datum by letting `encode` write it. A datum that fails leaves no trace.
    ///
    /// # Errors
    /// Those of `encode`, and `Malformed` if a full block cannot be compressed.
    pub fn append(&mut self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>) -> Result<(), CodecError> {
        let start = self.block.len();
        if let Err(error) = encode(&mut self.block) {
            self.block.truncate(start);
            return Err(error);
        }
        self.block_count += 1;
        if self.block.len() >= SYNC_INTERVAL { self.end_block() } else { Ok(()) }
    }

    /// Closes the current block if it holds anything, so that [`ContainerWriter::take`] returns all data so far.
    ///
    /// # Errors
    /// `Malformed` if the block cannot be compressed.
    pub fn end_block(&mut self) -> Result<(), CodecError> {
        if self.block_count == 0 {
            return Ok(());
        }
        push_long(self.block_count, &mut self.ready);
        self.codec.compress(&self.block, &mut self.ready)?;
        self.ready.extend_from_slice(&self.sync);
        self.block.clear();
        self.block_count = 0;
        Ok(())
    }

    /// The number of finished bytes waiting to be taken.
    pub fn ready_bytes(&self) -> usize {
        self.ready.len()
    }

    /// Bytes held in memory, finished or not.
    pub fn buffered_bytes(&self) -> usize {
        self.ready.len() + self.block.len()
    }

    /// Takes the finished bytes, in file order.
    pub fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.ready))
    }

    /// Ends the file and returns its last bytes.
    ///
    /// # Errors
    /// As [`ContainerWriter::end_block`].
    pub fn finish(mut self) -> Result<Bytes, CodecError> {
        self.end_block()?;
        Ok(self.take())
    }
}

enum Compressor {
    Null,
    Deflate,
    Snappy { encoder: Box<snap::raw::Encoder>, buffer: Vec<u8> },
    Zstandard { compressor: zstd::bulk::Compressor<'static>, buffer: Vec<u8> },
}

fn cannot_compress(error: impl std::fmt::Display) -> CodecError {
    CodecError::Malformed(format!("cannot compress an Avro block: {error}"))
}

impl Compressor {
    fn new(codec: Codec) -> Result<Self, CodecError> {
        Ok(match codec {
            Codec::Null => Self::Null,
            Codec::Deflate => Self::Deflate,
            Codec::Snappy => Self::Snappy { encoder: Box::new(snap::raw::Encoder::new()), buffer: Vec::new() },
            Codec::Zstandard => {
                let compressor = zstd::bulk::Compressor::new(ZSTANDARD_LEVEL).map_err(cannot_compress)?;
                Self::Zstandard { compressor, buffer: Vec::new() }
            }
        })
    }

    /// Appends the length and the bytes of a compressed block.
    fn compress(&mut self, block: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        match self {
            Self::Null => push_bytes(block, out),
            Self::Deflate => {
                let mut encoder = DeflateEncoder::new(Vec::with_capacity(block.len() / 3), Compression::default());
                encoder.write_all(block).map_err(cannot_compress)?;
                push_bytes(&encoder.finish().map_err(cannot_compress)?, out);
            }
            Self::Snappy { encoder, buffer } => {
                buffer.resize(snap::raw::max_compress_len(block.len()), 0);
                let size = encoder.compress(block, buffer).map_err(cannot_compress)?;
                push_long(size as i64 + 4, out);
                out.extend_from_slice(&buffer[..size]);
                out.extend_from_slice(&crc32fast::hash(block).to_be_bytes());
            }
            Self::Zstandard { compressor, buffer } => {
                buffer.clear();
                buffer.reserve(zstd::zstd_safe::compress_bound(block.len()));
                compressor.compress_to_buffer(block, buffer).map_err(cannot_compress)?;
                push_bytes(buffer, out);
            }
        }
        Ok(())
    }
}

/// What the beginning of a container file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerHeader {
    pub schema_text: String,
    /// The codec's name; files of other writers may use codecs we do not write.
    pub codec: String,
    pub sync_marker: [u8; 16],
    /// Where the first block begins.
    pub length: usize,
}

impl ContainerHeader {
    /// Reads a header from the first bytes of a file. `Ok(None)` means that more bytes are needed.
    ///
    /// # Errors
    /// `Malformed` if this is not an Avro container file.
    pub fn read(start: &[u8]) -> Result<Option<Self>, CodecError> {
        if start.len() >= MAGIC.len() && !start.starts_with(MAGIC) {
            return Err(CodecError::Malformed("not an Avro container file: it does not begin with 'Obj' 1".to_owned()));
        }
        match Self::read_all(start) {
            Err(Incomplete::More) if start.len() < MAX_HEADER => Ok(None),
            Err(Incomplete::More) => {
                Err(CodecError::Malformed(format!("Avro container header is longer than {MAX_HEADER} bytes")))
            }
            Err(Incomplete::Broken(error)) => Err(error),
            Ok(header) => Ok(Some(header)),
        }
    }

    fn read_all(start: &[u8]) -> Result<Self, Incomplete> {
        let mut input = Input::new(start.get(MAGIC.len()..).ok_or(Incomplete::More)?);
        let mut schema_text = None;
        let mut codec = None;
        loop {
            let mut count = input.long().ok_or(Incomplete::More)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                count = count.checked_neg().ok_or_else(broken)?;
                input.long().ok_or(Incomplete::More)?;
            }
            for _ in 0..count {
                let key = input.bytes().map_err(Incomplete::from)?;
                let value = input.bytes().map_err(Incomplete::from)?;
                let text = || std::str::from_utf8(value).map(str::to_owned).map_err(|_| broken());
                match key {
                    b"avro.schema" => schema_text = Some(text()?),
                    b"avro.codec" => codec = Some(text()?),
                    _ => {}
                }
            }
        }
        let sync = input.take(16).ok_or(Incomplete::More)?;
        Ok(Self {
            schema_text: schema_text.ok_or_else(broken)?,
            codec: codec.unwrap_or_else(|| "null".to_owned()),
            sync_marker: sync.try_into().map_err(|_| broken())?,
            length: MAGIC.len() + input.position(),
        })
    }
}

enum Incomplete {
    More,
    Broken(CodecError),
}

fn broken() -> Incomplete {
    Incomplete::Broken(CodecError::Malformed("the header of the Avro container file is damaged".to_owned()))
}

impl From<super::decode::Short> for Incomplete {
    fn from(short: super::decode::Short) -> Self {
        if short.negative { broken() } else { Self::More }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::codec::avro::{AvroOptions, Encoder};
    use crate::data::logical::plain;
    use crate::data::{Schema, SchemaBuilder, SchemaKind, Value};

    fn rows() -> (Arc<Schema>, Vec<Value>) {
        let schema = SchemaBuilder::structure([
            ("id", plain(SchemaKind::Int64, false)),
            ("name", plain(SchemaKind::String, true)),
            ("x", plain(SchemaKind::Float64, true)),
        ])
        .name("a.b.Row")
        .version(1)
        .build();
        let rows = (0..20_000_i64).map(|i| {
            let name = if i % 3 == 0 { Value::Null } else { Value::string(format!("conta número {i}")) };
            Value::Struct(vec![Value::Int64(i), name, Value::Float64(i as f64 / 7.0)].into())
        });
        (schema, rows.collect())
    }

    fn write(codec: Codec) -> (Vec<u8>, usize) {
        let (schema, rows) = rows();
        let encoder = Encoder::compile(&schema, &AvroOptions::default()).unwrap();
        let mut writer = ContainerWriter::new(encoder.schema_text(), codec, [7; 16]).unwrap();
        let mut file = Vec::new();
        for row in &rows {
            writer.append(|out| encoder.encode(row, out)).unwrap();
            if writer.ready_bytes() > 100_000 {
                file.extend_from_slice(&writer.take());
            }
        }
        file.extend_from_slice(&writer.finish().unwrap());
        (file, rows.len())
    }

    #[test]
    fn every_codec_is_read_back_by_an_independent_reader() {
        for codec in Codec::ALL {
            let (file, rows) = write(codec);
            let reader = apache_avro::Reader::new(&file[..]).unwrap();
            let mut next = 0_i64;
            for value in reader {
                let apache_avro::types::Value::Record(fields) = value.unwrap() else { panic!("a record") };
                assert_eq!(fields[0].1, apache_avro::types::Value::Long(next));
                next += 1;
            }
            assert_eq!(next as usize, rows, "{codec:?}");
        }
    }

    #[test]
    fn files_have_the_bytes_that_javas_writer_makes() {
        // Written by DataFileWriter of Avro 1.11.4: record R {a: int}, rows 0, 1, 2, a sync marker of zeros.
        let text = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#;
        for (codec, tail) in [
            (Codec::Null, &b"\x08null\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06\x06\x00\x02\x04"[..]),
            (Codec::Snappy, b"\x0csnappy\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06\x12\x03\x08\x00\x02\x04\xca\x1a\x7f\x89"),
        ] {
            let mut expected = b"Obj\x01\x04\x16avro.schema\x82\x01".to_vec();
            expected.extend_from_slice(text.as_bytes());
            expected.extend_from_slice(b"\x14avro.codec");
            expected.extend_from_slice(tail);
            expected.extend_from_slice(&[0; 16]);
            let mut writer = ContainerWriter::new(text, codec, [0; 16]).unwrap();
            for a in 0..3 {
                let append = |out: &mut Vec<u8>| {
                    push_long(a, out);
                    Ok(())
                };
                writer.append(append).unwrap();
            }
            assert_eq!(writer.finish().unwrap(), expected, "{codec:?}");
        }
    }

    #[test]
    fn the_header_can_be_read_from_a_growing_prefix() {
        let (file, _) = write(Codec::Snappy);
        let complete = (0..file.len()).find_map(|end| ContainerHeader::read(&file[..end]).unwrap().map(|header| (end, header)));
        let (end, header) = complete.unwrap();
        assert_eq!(header.length, end);
        assert_eq!(header.codec, "snappy");
        assert_eq!(header.sync_marker, [7; 16]);
        assert!(header.schema_text.contains("a.b.Row"));
        assert!(ContainerHeader::read(b"PAR1....").is_err());
    }

    #[test]
    fn a_failing_datum_leaves_no_trace() {
        let (schema, rows) = rows();
        let encoder = Encoder::compile(&schema, &AvroOptions::default()).unwrap();
        let mut writer = ContainerWriter::new(encoder.schema_text(), Codec::Null, [1; 16]).unwrap();
        writer.append(|out| encoder.encode(&rows[0], out)).unwrap();
        let bad = Value::Struct(vec![Value::Int64(1), Value::Int64(1), Value::Null].into());
        assert!(writer.append(|out| encoder.encode(&bad, out)).is_err());
        writer.append(|out| encoder.encode(&rows[1], out)).unwrap();
        let file = writer.finish().unwrap();
        assert_eq!(apache_avro::Reader::new(&file[..]).unwrap().count(), 2);
    }
}
