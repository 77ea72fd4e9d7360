//! Reads and writes a `HashMap<byte[], byte[]>` in Java's serialisation: the standalone offset file.
//!
//! Source: contracts/connect-runtime.md, section 2.3, and the Java Object Serialization Stream Protocol.

use bytes::Bytes;

const STREAM_HEADER: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
const TC_NULL: u8 = 0x70;
const TC_REFERENCE: u8 = 0x71;
const TC_CLASSDESC: u8 = 0x72;
const TC_OBJECT: u8 = 0x73;
const TC_ARRAY: u8 = 0x75;
const TC_BLOCKDATA: u8 = 0x77;
const TC_ENDBLOCKDATA: u8 = 0x78;
const HASH_MAP: &str = "java.util.HashMap";
const BYTE_ARRAY: &str = "[B";
/// `HashMap`'s class description from its name to the end of the object's own fields' descriptions.
const HASH_MAP_DESCRIPTION: &[u8] =
    b"\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02F\x00\x0aloadFactorI\x00\x09threshold\x78\x70";
const BYTE_ARRAY_DESCRIPTION: &[u8] = b"\x00\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00\x78\x70";
const LOAD_FACTOR: [u8; 4] = [0x3f, 0x40, 0x00, 0x00];
/// The handle of the `[B` description: `HashMap`'s description and object take the two before it.
const BYTE_ARRAY_HANDLE: [u8; 4] = [0x00, 0x7e, 0x00, 0x02];
const FIRST_HANDLE: u32 = 0x007e_0000;

/// Entries in the order of the file; a null value is kept.
pub(super) type Entries = Vec<(Bytes, Option<Bytes>)>;

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("not a serialised java.util.HashMap of byte arrays: {0}")]
pub(super) struct Malformed(&'static str);

pub(super) fn write(entries: &[(Bytes, Option<Bytes>)]) -> Vec<u8> {
    // Java: the smallest power of two, 16 at least, that holds the entries at a load of 0.75.
    let mut capacity: u32 = 16;
    while u64::from(capacity) * 3 / 4 < entries.len() as u64 {
        capacity *= 2;
    }
    let threshold = if entries.is_empty() { 0 } else { capacity / 4 * 3 };
    let mut out = STREAM_HEADER.to_vec();
    out.extend([TC_OBJECT, TC_CLASSDESC]);
    out.extend_from_slice(HASH_MAP_DESCRIPTION);
    out.extend(LOAD_FACTOR);
    out.extend(threshold.to_be_bytes());
    out.extend([TC_BLOCKDATA, 8]);
    out.extend(capacity.to_be_bytes());
    out.extend(length(entries.len()));
    let mut described = false;
    for array in entries.iter().flat_map(|(key, value)| [Some(key), value.as_ref()]) {
        let Some(array) = array else {
            out.push(TC_NULL);
            continue;
        };
        out.push(TC_ARRAY);
        if described {
            out.push(TC_REFERENCE);
            out.extend(BYTE_ARRAY_HANDLE);
        } else {
            out.push(TC_CLASSDESC);
            out.extend_from_slice(BYTE_ARRAY_DESCRIPTION);
            described = true;
        }
        out.extend(length(array.len()));
        out.extend_from_slice(array);
    }
    out.push(TC_ENDBLOCKDATA);
    out
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("an offset file stays far below 4 GiB").to_be_bytes()
}

pub(super) fn read(input: &[u8]) -> Result<Entries, Malformed> {
    let mut reader = Reader { input, handles: Vec::new() };
    if reader.take(4)? != STREAM_HEADER {
        return Err(Malformed("wrong stream header"));
    }
    if reader.byte()? != TC_OBJECT || reader.class()? != HASH_MAP {
        return Err(Malformed("the object is not a HashMap"));
    }
    // The map itself takes a handle; loadFactor and threshold follow, which readers may ignore.
    reader.handles.push(Handle::Other);
    reader.take(8)?;
    if reader.take(2)? != [TC_BLOCKDATA, 8] {
        return Err(Malformed("no entry count"));
    }
    reader.take(4)?;
    let count = reader.length()?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let key = reader.array()?.ok_or(Malformed("a null key"))?;
        entries.push((key, reader.array()?));
    }
    Ok(entries)
}

/// What a later part of the stream may refer back to.
enum Handle {
    Class(String),
    Array(Bytes),
    Other,
}

struct Reader<'a> {
    input: &'a [u8],
    handles: Vec<Handle>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        if self.input.len() < length {
            return Err(Malformed("it ends too early"));
        }
        let (taken, rest) = self.input.split_at(length);
        self.input = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<usize, Malformed> {
        let bytes = self.take(2)?;
        Ok(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u32()?).map_err(|_| Malformed("a length is out of range"))
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let length = self.u16()?;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| Malformed("a name is not text"))
    }

    fn handle(&mut self) -> Result<&Handle, Malformed> {
        let index = self.u32()?.checked_sub(FIRST_HANDLE).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.handles.get(index)).ok_or(Malformed("a reference leads nowhere"))
    }

    /// The name of a class, described here or before.
    fn class(&mut self) -> Result<String, Malformed> {
        match self.byte()? {
            TC_REFERENCE => match self.handle()? {
                Handle::Class(name) => Ok(name.clone()),
                _ => Err(Malformed("a reference to something that is not a class")),
            },
            TC_CLASSDESC => {
                let name = self.text()?;
                self.take(8 + 1)?;
                self.handles.push(Handle::Class(name.clone()));
                for _ in 0..self.u16()? {
                    if !matches!(self.byte()?, b'B' | b'C' | b'D' | b'F' | b'I' | b'J' | b'S' | b'Z') {
                        return Err(Malformed("a class with object fields"));
                    }
                    self.text()?;
                }
                if self.take(2)? != [TC_ENDBLOCKDATA, TC_NULL] {
                    return Err(Malformed("a class with annotations or a superclass"));
                }
                Ok(name)
            }
            _ => Err(Malformed("no class description")),
        }
    }

    fn array(&mut self) -> Result<Option<Bytes>, Malformed> {
        match self.byte()? {
            TC_NULL => Ok(None),
            TC_REFERENCE => match self.handle()? {
                Handle::Array(bytes) => Ok(Some(bytes.clone())),
                _ => Err(Malformed("a reference to something that is not a byte array")),
            },
            TC_ARRAY => {
                if self.class()? != BYTE_ARRAY {
                    return Err(Malformed("an array of something else than bytes"));
                }
                let length = self.length()?;
                let bytes = Bytes::copy_from_slice(self.take(length)?);
                self.handles.push(Handle::Array(bytes.clone()));
                Ok(Some(bytes))
            }
            _ => Err(Malformed("no byte array")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by the real FileOffsetBackingStore (contracts/connect-runtime.md, section 2.3).
    const JAVAS: &str = "aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f6164466163746f7249000974\
                         68726573686f6c6478703f4000000000000c77080000001000000001757200025b42acf317f8060854e002000078700000000d5b\
                         2263222c7b2266223a317d5d7571007e0002000000077b2270223a327d78";
    const JAVAS_EMPTY_END: &str = "78703f400000000000007708000000100000000078";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn one_entry_is_byte_for_byte_javas() {
        let entries = vec![(Bytes::from_static(br#"["c",{"f":1}]"#), Some(Bytes::from_static(br#"{"p":2}"#)))];
        assert_eq!(hex(&write(&entries)), JAVAS);
        assert_eq!(read(&unhex(JAVAS)), Ok(entries));
    }

    #[test]
    fn an_empty_map_is_javas() {
        assert!(hex(&write(&[])).ends_with(JAVAS_EMPTY_END));
        assert_eq!(read(&write(&[])), Ok(vec![]));
    }

    #[test]
    fn many_entries_and_nulls_read_back() {
        let entry = |i: u32| (Bytes::from(format!("key{i}")), (!i.is_multiple_of(3)).then(|| Bytes::from(format!("value{i}"))));
        let entries = (0..100).map(entry).collect::<Vec<_>>();
        assert_eq!(read(&write(&entries)), Ok(entries));
    }

    #[test]
    fn an_array_written_twice_is_a_reference() {
        let mut bytes = write(&[(Bytes::from_static(b"same"), None)]);
        // The value becomes a reference to the key, which has the fourth handle.
        bytes.truncate(bytes.len() - 2);
        bytes.extend([TC_REFERENCE, 0x00, 0x7e, 0x00, 0x03, TC_ENDBLOCKDATA]);
        assert_eq!(read(&bytes), Ok(vec![("same".into(), Some("same".into()))]));
    }

    proptest::proptest! {
        #[test]
        fn damaged_files_never_panic(at in 0usize..100, byte: u8, length in 0usize..120) {
            let mut bytes = unhex(JAVAS);
            let index = at % bytes.len();
            bytes[index] = byte;
            bytes.truncate(length);
            drop(read(&bytes));
        }
    }
}
