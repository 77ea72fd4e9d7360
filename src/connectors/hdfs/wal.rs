//! Writes and reads the bytes of a write-ahead log, in the format of the Java connector.
//!
//! A log is a header and records of a key and a value. A block (`BEGIN`, one record a file, `END`) names the files of
//! one commit: temporary name and final name. A block counts only with its `END`.
//!
//! We add one thing that Java reads as nothing: an empty block after a commit whose files all have their final names.
//! Without it, files that somebody removed after their commit look the same as files that were lost before it.
//!
//! Source: contracts/hdfs-sink.md, section 4.

use rand::RngCore;

const MAGIC: [u8; 4] = *b"WAL\0";
const SYNC_SIZE: usize = 16;
/// Java writes a marker before a record when this many bytes were written since the last one.
const SYNC_INTERVAL: usize = 2000;
const SYNC_ESCAPE: i32 = -1;
const BEGIN: &str = "BEGIN";
const END: &str = "END";

/// A file that a commit moves: its temporary and its final name, both full URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub temp: String,
    pub target: String,
}

/// Encodes records for one log file, whose position it follows.
#[derive(Debug)]
pub struct LogEncoder {
    sync: [u8; SYNC_SIZE],
    position: usize,
    last_sync: usize,
}

impl LogEncoder {
    /// Starts a new log and returns its header.
    pub fn start() -> (Self, Vec<u8>) {
        let mut sync = [0; SYNC_SIZE];
        rand::rng().fill_bytes(&mut sync);
        let header = [MAGIC.as_slice(), sync.as_slice()].concat();
        (Self { sync, position: header.len(), last_sync: 0 }, header)
    }

    /// Bytes of the log so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Encodes one whole block; an empty one says that the block before it is done.
    pub fn block(&mut self, entries: &[Entry]) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(64 + entries.iter().map(|entry| entry.temp.len() + entry.target.len() + 16).sum::<usize>());
        self.record(BEGIN, "", &mut out);
        for entry in entries {
            self.record(&entry.temp, &entry.target, &mut out);
        }
        self.record(END, "", &mut out);
        out
    }

    fn record(&mut self, key: &str, value: &str, out: &mut Vec<u8>) {
        let before = out.len();
        if self.position - self.last_sync >= SYNC_INTERVAL {
            out.extend_from_slice(&SYNC_ESCAPE.to_be_bytes());
            out.extend_from_slice(&self.sync);
            self.last_sync = self.position + out.len() - before;
        }
        let mut body = Vec::with_capacity(key.len() + value.len() + 6);
        put_text(key, &mut body);
        let key_length = body.len();
        put_text(value, &mut body);
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        out.extend_from_slice(&(key_length as u32).to_be_bytes());
        out.extend_from_slice(&body);
        self.position += out.len() - before;
    }
}

/// Hadoop's Text: a variable-length integer, then UTF-8.
fn put_text(text: &str, out: &mut Vec<u8>) {
    let length = text.len() as u64;
    if length < 128 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skip = length.leading_zeros() as usize / 8;
        let count = bytes.len() - skip;
        out.push((-112i8 - count as i8) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend_from_slice(text.as_bytes());
}

/// One `BEGIN` ... `END`, or what is there of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub entries: Vec<Entry>,
    pub began: bool,
    pub ended: bool,
}

impl Block {
    /// Whether this block alone proves a commit.
    pub fn is_commit(&self) -> bool {
        self.began && self.ended && !self.entries.is_empty()
    }

    fn is_done_marker(&self) -> bool {
        self.began && self.ended && self.entries.is_empty()
    }
}

/// How a log's bytes end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEnd {
    Clean,
    /// The last record is cut off, as a crash leaves it.
    Torn,
    /// The bytes are not a log from here on.
    Corrupt(String),
}

/// A log after reading: all its blocks up to the end of what can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub blocks: Vec<Block>,
    pub end: LogEnd,
}

impl Log {
    /// Reads a log. Never fails: what cannot be read is reported in `end`. No bytes at all are a clean, empty log,
    /// because Java creates the file before it writes the header.
    pub fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader { bytes, position: 0 };
        let mut blocks = Vec::new();
        let mut open = Block::default();
        let end = reader.blocks(&mut blocks, &mut open);
        if open != Block::default() {
            blocks.push(open);
        }
        Self { blocks, end }
    }

    /// The index of the block that tells how far the topic partition is committed.
    pub fn last_commit(&self) -> Option<usize> {
        self.blocks.iter().rposition(Block::is_commit)
    }

    /// Whether a later empty block says that all files of this block got their final names.
    pub fn is_done(&self, block: usize) -> bool {
        self.blocks[block + 1..].iter().any(Block::is_done_marker)
    }
}

enum Stop {
    End,
    Torn,
    Corrupt(String),
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let end = self.position.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or(Stop::Torn)?;
        let slice = &self.bytes[self.position..end];
        self.position = end;
        Ok(slice)
    }

    fn int(&mut self) -> Result<i32, Stop> {
        let bytes = self.take(4)?;
        Ok(i32::from_be_bytes(bytes.try_into().map_err(|_| Stop::Torn)?))
    }

    fn blocks(&mut self, blocks: &mut Vec<Block>, open: &mut Block) -> LogEnd {
        if self.bytes.is_empty() {
            return LogEnd::Clean;
        }
        let sync = match self.header() {
            Ok(sync) => sync,
            Err(stop) => return stop.into_end(),
        };
        loop {
            match self.record(sync) {
                Ok((BEGIN, "")) => {
                    if *open != Block::default() {
                        blocks.push(std::mem::take(open));
                    }
                    open.began = true;
                }
                Ok((END, "")) => {
                    open.ended = true;
                    blocks.push(std::mem::take(open));
                }
                Ok((temp, target)) => open.entries.push(Entry { temp: temp.to_owned(), target: target.to_owned() }),
                Err(stop) => return stop.into_end(),
            }
        }
    }

    fn header(&mut self) -> Result<&'a [u8], Stop> {
        let magic = self.take(MAGIC.len())?;
        if magic[..3] != MAGIC[..3] {
            return Err(Stop::Corrupt("it does not start with 'WAL'".to_owned()));
        }
        if magic[3] > 0 {
            return Err(Stop::Corrupt(format!("it has version {}, but only version 0 is known", magic[3])));
        }
        self.take(SYNC_SIZE)
    }

    fn record(&mut self, sync: &[u8]) -> Result<(&'a str, &'a str), Stop> {
        if self.position == self.bytes.len() {
            return Err(Stop::End);
        }
        let at = self.position;
        let mut length = self.int()?;
        while length == SYNC_ESCAPE {
            if self.take(SYNC_SIZE)? != sync {
                return Err(Stop::Corrupt(format!("the marker at byte {at} is not that of the header")));
            }
            if self.position == self.bytes.len() {
                return Err(Stop::End);
            }
            length = self.int()?;
        }
        let key_length = self.int()?;
        let (Ok(length), Ok(key_length)) = (usize::try_from(length), usize::try_from(key_length)) else {
            return Err(Stop::Corrupt(format!("the record at byte {at} has a negative length")));
        };
        let body = self.take(length)?;
        let text = |bytes| text(bytes).ok_or_else(|| Stop::Corrupt(format!("the record at byte {at} does not hold two texts")));
        let (key, value) = body
            .split_at_checked(key_length)
            .ok_or_else(|| Stop::Corrupt(format!("the record at byte {at} has a longer key than record")))?;
        Ok((text(key)?, text(value)?))
    }
}

impl Stop {
    fn into_end(self) -> LogEnd {
        match self {
            Self::End => LogEnd::Clean,
            Self::Torn => LogEnd::Torn,
            Self::Corrupt(reason) => LogEnd::Corrupt(reason),
        }
    }
}

/// The text that fills `bytes` exactly.
fn text(bytes: &[u8]) -> Option<&str> {
    let (&first, rest) = bytes.split_first()?;
    let first = first as i8;
    let (length, rest) = if first >= 0 {
        (first as u64, rest)
    } else {
        let count = usize::try_from(-112 - i32::from(first)).ok().filter(|count| (1..=8).contains(count))?;
        let (digits, rest) = rest.split_at_checked(count)?;
        (digits.iter().fold(0u64, |sum, digit| sum << 8 | u64::from(*digit)), rest)
    };
    (length == rest.len() as u64).then(|| std::str::from_utf8(rest).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER_SIZE: usize = MAGIC.len() + SYNC_SIZE;

    fn entry(number: usize) -> Entry {
        Entry {
            temp: format!("hdfs://nn/topics//+tmp/t/p=0/{number}_tmp.avro"),
            target: format!("hdfs://nn/topics/t/p=0/t+0+{number}+{number}.avro"),
        }
    }

    fn commit(entries: Vec<Entry>) -> Block {
        Block { entries, began: true, ended: true }
    }

    #[test]
    fn the_bytes_are_those_of_the_contract() {
        let (mut encoder, header) = LogEncoder::start();
        assert_eq!(&header[..4], b"WAL\0");
        assert_eq!(header.len(), HEADER_SIZE);
        let bytes = encoder.block(&[]);
        assert_eq!(
            bytes,
            [0, 0, 0, 7, 0, 0, 0, 6, 5, b'B', b'E', b'G', b'I', b'N', 0, 0, 0, 0, 5, 0, 0, 0, 4, 3, b'E', b'N', b'D', 0]
        );
        assert_eq!(encoder.position(), HEADER_SIZE + bytes.len());
    }

    #[test]
    fn lengths_are_hadoops_variable_integers() {
        let head = |length: usize| {
            let mut out = Vec::new();
            put_text(&"x".repeat(length), &mut out);
            out.truncate(3);
            out
        };
        assert_eq!(head(127)[0], 127);
        assert_eq!(head(128)[..2], [0x8F, 128]);
        assert_eq!(head(300), [0x8E, 1, 44]);
    }

    #[test]
    fn blocks_come_back_with_markers_in_between() {
        let (mut encoder, mut bytes) = LogEncoder::start();
        let entries: Vec<_> = (0..60).map(entry).collect();
        for chunk in entries.chunks(7) {
            bytes.extend(encoder.block(chunk));
        }
        assert_eq!(encoder.position(), bytes.len());
        assert!(bytes.windows(4).any(|window| window == [0xFF; 4]), "a log of {} bytes has no marker", bytes.len());
        let log = Log::read(&bytes);
        assert_eq!(log.end, LogEnd::Clean);
        assert_eq!(log.blocks, entries.chunks(7).map(|chunk| commit(chunk.to_vec())).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_whole_block_with_entries_tells_the_commit() {
        let (mut encoder, mut bytes) = LogEncoder::start();
        bytes.extend(encoder.block(&[entry(1)]));
        bytes.extend(encoder.block(&[]));
        let done = Log::read(&bytes);
        assert_eq!(done.last_commit(), Some(0));
        assert!(done.is_done(0));
        let unfinished = encoder.block(&[entry(2)]);
        bytes.extend(&unfinished[..unfinished.len() - 13]);
        let log = Log::read(&bytes);
        assert_eq!((log.last_commit(), log.end.clone()), (Some(0), LogEnd::Clean));
        assert_eq!(log.blocks.last(), Some(&Block { entries: vec![entry(2)], began: true, ended: false }));
    }

    #[test]
    fn entries_without_begin_are_kept_apart() {
        let (mut encoder, mut bytes) = LogEncoder::start();
        encoder.record(&entry(1).temp, &entry(1).target, &mut bytes);
        encoder.record(END, "", &mut bytes);
        let log = Log::read(&bytes);
        assert_eq!(log.blocks, [Block { entries: vec![entry(1)], began: false, ended: true }]);
        assert_eq!(log.last_commit(), None);
    }

    #[test]
    fn damage_is_reported_and_hides_nothing_before_it() {
        let (mut encoder, mut bytes) = LogEncoder::start();
        bytes.extend(encoder.block(&[entry(1)]));
        let mut wrong_marker = bytes.clone();
        wrong_marker.extend([0xFF; 4]);
        wrong_marker.extend([7; 16]);
        let log = Log::read(&wrong_marker);
        assert!(matches!(log.end, LogEnd::Corrupt(_)), "{:?}", log.end);
        assert_eq!(log.last_commit(), Some(0));

        assert_eq!(Log::read(b"").end, LogEnd::Clean);
        assert_eq!(Log::read(b"WA").end, LogEnd::Torn);
        assert!(matches!(Log::read(b"WAL\x01aaaaaaaaaaaaaaaa").end, LogEnd::Corrupt(_)));
        assert!(matches!(Log::read(b"nonsense that is long enough").end, LogEnd::Corrupt(_)));
        for negative in [[0xFF, 0xFF, 0xFF, 0xFE], [0x80, 0, 0, 0]] {
            let mut damaged = bytes.clone();
            damaged.extend(negative);
            damaged.extend([0; 4]);
            assert!(matches!(Log::read(&damaged).end, LogEnd::Corrupt(_)));
        }
    }

    #[test]
    fn a_log_cut_anywhere_shows_every_block_before_the_cut() {
        let (mut encoder, mut bytes) = LogEncoder::start();
        let mut ends = vec![bytes.len()];
        for number in 0..20 {
            bytes.extend(encoder.block(&[entry(number), entry(number + 100)]));
            ends.push(bytes.len());
        }
        for cut in HEADER_SIZE..=bytes.len() {
            let log = Log::read(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(log.blocks.iter().filter(|block| block.is_commit()).count(), whole, "cut at {cut}");
            assert!(!matches!(log.end, LogEnd::Corrupt(_)), "cut at {cut}: {:?}", log.end);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(mut tail in proptest::collection::vec(any::<u8>(), 0..200), headed in any::<bool>()) {
            if headed {
                let (_, mut bytes) = LogEncoder::start();
                bytes.append(&mut tail);
                Log::read(&bytes);
            }
            Log::read(&tail);
        }
    }
}
