//! Reads the binlog events that are not rows: transactions, statements, file changes, and MariaDB's compressed events.
//!
//! All functions take the event's body, that is without common header and checksum, and trust no length in it.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::plugin::{ConnectError, Result};

/// Event type codes (MySQL manual, `Log_event_type`; MariaDB knowledge base, "2-Binlog Event Header").
pub mod code {
    pub const QUERY: u8 = 2;
    pub const STOP: u8 = 3;
    pub const ROTATE: u8 = 4;
    pub const LOAD: u8 = 6;
    pub const NEW_LOAD: u8 = 12;
    pub const FORMAT_DESCRIPTION: u8 = 15;
    pub const XID: u8 = 16;
    pub const EXECUTE_LOAD_QUERY: u8 = 18;
    pub const TABLE_MAP: u8 = 19;
    pub const INCIDENT: u8 = 26;
    pub const HEARTBEAT: u8 = 27;
    pub const ROWS_QUERY: u8 = 29;
    pub const GTID: u8 = 33;
    pub const ANONYMOUS_GTID: u8 = 34;
    pub const PREVIOUS_GTIDS: u8 = 35;
    pub const XA_PREPARE: u8 = 38;
    pub const PARTIAL_UPDATE_ROWS: u8 = 39;
    pub const TRANSACTION_PAYLOAD: u8 = 40;
    pub const HEARTBEAT_V2: u8 = 41;
    pub const GTID_TAGGED: u8 = 42;
    pub const MARIADB_GTID: u8 = 162;
    pub const MARIADB_START_ENCRYPTION: u8 = 164;
    pub const MARIADB_QUERY_COMPRESSED: u8 = 165;
    pub const MARIADB_WRITE_ROWS_COMPRESSED: u8 = 166;
    pub const MARIADB_UPDATE_ROWS_COMPRESSED: u8 = 167;
    pub const MARIADB_DELETE_ROWS_COMPRESSED: u8 = 168;
}

/// The header's flag of events that a reader may pass over without knowing them.
pub const IGNORABLE: u16 = 0x80;

/// True for known events that change no table: variables and file blocks of statements, group replication's views,
/// checkpoints, lists of GTIDs, MariaDB's annotations.
pub fn carries_no_rows(type_code: u8) -> bool {
    const STATEMENT_PARTS: [u8; 6] = [5, 9, 11, 13, 14, 17];
    matches!(type_code, 0 | 1 | 3 | 7 | 8 | 10 | 15 | 28 | 29 | 35..=37 | 160 | 161 | 163) || STATEMENT_PARTS.contains(&type_code)
}

/// The most one compressed event may unpack to: the protocol's own limit of an event.
const MAX_UNPACKED: usize = 1 << 30;

/// A statement in the binlog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub thread: u32,
    /// The current database.
    pub database: String,
    pub sql: String,
}

impl Query {
    pub fn parse(body: &[u8]) -> Result<Self> {
        Self::read(body, false)
    }

    /// MariaDB with `log_bin_compress`: only the statement's text is compressed.
    pub fn parse_compressed(body: &[u8]) -> Result<Self> {
        Self::read(body, true)
    }

    fn read(body: &[u8], compressed: bool) -> Result<Self> {
        let cut_short = || ConnectError::fatal("cannot read a QUERY event: it is cut short");
        let mut rest = Cursor(body);
        let thread = rest.u32().ok_or_else(cut_short)?;
        rest.take(4).ok_or_else(cut_short)?;
        let database_length = rest.u8().ok_or_else(cut_short)?;
        rest.take(2).ok_or_else(cut_short)?;
        let status_length = rest.u16().ok_or_else(cut_short)?;
        rest.take(usize::from(status_length)).ok_or_else(cut_short)?;
        let database = rest.take(usize::from(database_length)).ok_or_else(cut_short)?;
        rest.take(1).ok_or_else(cut_short)?;
        let sql = if compressed { unpack(rest.0)? } else { rest.0.to_vec() };
        Ok(Self {
            thread,
            database: String::from_utf8_lossy(database).into_owned(),
            sql: match String::from_utf8(sql) {
                Ok(sql) => sql,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            },
        })
    }
}

/// Where the log goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotate {
    pub file: String,
    pub pos: u64,
}

impl Rotate {
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut rest = Cursor(body);
        let pos = rest.u64().ok_or_else(|| ConnectError::fatal("cannot read a ROTATE event: it is cut short"))?;
        Ok(Self { file: String::from_utf8_lossy(rest.0).into_owned(), pos })
    }
}

/// MariaDB's GTID event. Its server is in the common header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MariaDbGtid {
    pub sequence: u64,
    pub domain: u32,
    /// A single statement without a commit event after it.
    pub standalone: bool,
}

impl MariaDbGtid {
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut rest = Cursor(body);
        let read = (|| Some((rest.u64()?, rest.u32()?, rest.u8()?)))();
        let (sequence, domain, flags) = read.ok_or_else(|| ConnectError::fatal("cannot read a GTID event: it is cut short"))?;
        Ok(Self { sequence, domain, standalone: flags & 1 != 0 })
    }
}

/// The statement behind the rows that follow (`binlog_rows_query_log_events`).
pub fn rows_query(body: &[u8]) -> String {
    // The first byte is the length cut to eight bits, of no use.
    String::from_utf8_lossy(body.get(1..).unwrap_or_default()).into_owned()
}

/// Turns a compressed rows event of MariaDB into the plain one: its type code and body.
pub fn unpack_rows(type_code: u8, body: &[u8]) -> Result<(u8, Vec<u8>)> {
    let (plain_code, bitmaps) = match type_code {
        code::MARIADB_WRITE_ROWS_COMPRESSED => (23, 1),
        code::MARIADB_UPDATE_ROWS_COMPRESSED => (24, 2),
        _ => (25, 1),
    };
    let cut_short = || ConnectError::fatal("cannot read a compressed rows event: it is cut short");
    let mut rest = Cursor(body);
    // Table id and flags.
    rest.take(8).ok_or_else(cut_short)?;
    let width = rest.length().ok_or_else(cut_short)?;
    let bitmap = usize::try_from(width.div_ceil(8)).map_err(|_| cut_short())?;
    for _ in 0..bitmaps {
        rest.take(bitmap).ok_or_else(cut_short)?;
    }
    let mut plain = body[..body.len() - rest.0.len()].to_vec();
    plain.extend_from_slice(&unpack(rest.0)?);
    Ok((plain_code, plain))
}

/// MariaDB: one byte 0x80 | algorithm << 4 | length of the length, the unpacked length big-endian, zlib data.
fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let bad = |detail: &str| ConnectError::fatal(format!("cannot unpack a compressed event: {detail}"));
    let mut rest = Cursor(packed);
    let head = rest.u8().ok_or_else(|| bad("it is cut short"))?;
    if head & 0x70 != 0 {
        return Err(bad("its compression is not known"));
    }
    let digits = rest.take(usize::from(head & 0x07)).ok_or_else(|| bad("it is cut short"))?;
    let length = digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
    if length > MAX_UNPACKED {
        return Err(bad("it is too large"));
    }
    let mut plain = Vec::new();
    ZlibDecoder::new(rest.0)
        .take(length as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| bad("its data are damaged").caused_by(error))?;
    if plain.len() != length {
        return Err(bad("its data have another length than it says"));
    }
    Ok(plain)
}

/// Takes little-endian numbers off the front; nothing once the bytes are used up.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of the protocol's variable length.
    fn length(&mut self) -> Option<u64> {
        match self.u8()? {
            small @ 0..=250 => Some(u64::from(small)),
            252 => self.u16().map(u64::from),
            253 => self.array::<3>().map(|[a, b, c]| u64::from(u32::from_le_bytes([a, b, c, 0]))),
            254 => self.u64(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn packed(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        let mut packed = vec![0x82];
        packed.extend_from_slice(&u16::try_from(plain.len()).unwrap().to_be_bytes());
        packed.extend_from_slice(&encoder.finish().unwrap());
        packed
    }

    fn query(tail: &[u8]) -> Vec<u8> {
        let mut body = vec![7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 3, 0, 9, 9, 9];
        body.extend_from_slice(b"db\0");
        body.extend_from_slice(tail);
        body
    }

    #[test]
    fn reads_statements_plain_and_compressed() {
        let expected = Query { thread: 7, database: "db".into(), sql: "CREATE TABLE é (a INT)".into() };
        assert_eq!(Query::parse(&query("CREATE TABLE é (a INT)".as_bytes())).unwrap(), expected);
        assert_eq!(Query::parse_compressed(&query(&packed("CREATE TABLE é (a INT)".as_bytes()))).unwrap(), expected);
    }

    #[test]
    fn no_event_with_rows_is_passed_over() {
        let with_rows = (20..=25).chain(30..=32).chain([2, 16, 18, 19, 38, 39, 40]).chain(165..=168);
        for type_code in with_rows.chain(43..=159).chain(169..=255) {
            assert!(!carries_no_rows(type_code), "{type_code}");
        }
    }

    #[test]
    fn unpacks_rows_behind_their_bitmaps() {
        let mut body = vec![1, 0, 0, 0, 0, 0, 1, 0, 9, 0xff, 0x01, 0xff, 0x01];
        let head = body.clone();
        body.extend_from_slice(&packed(b"rows"));
        let (plain_code, plain) = unpack_rows(code::MARIADB_UPDATE_ROWS_COMPRESSED, &body).unwrap();
        assert_eq!(plain_code, 24);
        assert_eq!(plain, [&head[..], b"rows"].concat());
    }

    #[test]
    fn never_reads_past_the_end() {
        let body = query(&packed(b"SELECT"));
        for length in 0..body.len() {
            let _ = Query::parse(&body[..length]);
            assert!(Query::parse_compressed(&body[..length]).is_err());
            let _ = unpack_rows(166, &body[..length]);
            let _ = Rotate::parse(&body[..length]);
            let _ = MariaDbGtid::parse(&body[..length]);
            let _ = rows_query(&body[..length]);
        }
        assert!(unpack(&[0x87, 255, 255, 255, 255, 255, 255, 255]).is_err());
    }
}
