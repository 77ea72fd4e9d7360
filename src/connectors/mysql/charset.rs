//! Decodes text from MySQL's character sets.
//!
//! Snapshots get text already converted by the server (`SET NAMES utf8mb4`), the binlog carries it in the column's own
//! charset. Both must give the same text, so the single-byte tables are the server's own.

mod exceptions;
mod single_byte;

use bytes::Bytes;
use encoding_rs::Encoding;
use exceptions::Exceptions;
use single_byte::UpperHalf;

use crate::data::Utf8Bytes;

/// How bytes of a column become text.
#[derive(Clone, Copy, Debug)]
pub enum Charset {
    Utf8,
    Ascii,
    /// `binary` as the charset of a text column: each byte is the character of that number.
    Latin1Bytes,
    SingleByte(&'static UpperHalf),
    /// Seven bits, some of them other characters than ASCII's.
    Swe7,
    /// Also for ucs2, which is the same without surrogate pairs.
    Utf16Be,
    Utf16Le,
    Utf32,
    MultiByte(&'static MultiByte),
}

/// A charset of one to four bytes a character, as the Web's decoder of that name and what MySQL does otherwise.
#[derive(Debug)]
pub struct MultiByte {
    encoding: &'static Encoding,
    layout: Layout,
    exceptions: &'static Exceptions,
}

/// How the length of a character shows in its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Two bytes from 0x81 on.
    Double,
    /// As `Double`, but 0xA1 to 0xDF stand alone.
    ShiftJis,
    /// As `Double`, but three bytes after 0x8F; rows 0xF5 and up are private use.
    EucJp,
    /// As `Double`, but four bytes if the second is a digit.
    Gb18030,
}

/// Decoded text; `replaced` if some bytes meant no character and became U+FFFD (or `?` in single-byte sets).
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    pub text: Utf8Bytes,
    pub replaced: bool,
}

impl Charset {
    /// Looks up a charset by MySQL's name, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        use single_byte as table;
        Some(match name.to_ascii_lowercase().as_str() {
            "utf8" | "utf8mb3" | "utf8mb4" => Self::Utf8,
            "ascii" => Self::Ascii,
            "binary" => Self::Latin1Bytes,
            "latin1" => Self::SingleByte(&table::LATIN1),
            "latin2" => Self::SingleByte(&table::LATIN2),
            "latin5" => Self::SingleByte(&table::LATIN5),
            "latin7" => Self::SingleByte(&table::LATIN7),
            "cp1250" => Self::SingleByte(&table::CP1250),
            "cp1251" => Self::SingleByte(&table::CP1251),
            "cp1256" => Self::SingleByte(&table::CP1256),
            "cp1257" => Self::SingleByte(&table::CP1257),
            "cp850" => Self::SingleByte(&table::CP850),
            "cp852" => Self::SingleByte(&table::CP852),
            "cp866" => Self::SingleByte(&table::CP866),
            "koi8r" => Self::SingleByte(&table::KOI8R),
            "koi8u" => Self::SingleByte(&table::KOI8U),
            "greek" => Self::SingleByte(&table::GREEK),
            "hebrew" => Self::SingleByte(&table::HEBREW),
            "tis620" => Self::SingleByte(&table::TIS620),
            "macroman" => Self::SingleByte(&table::MACROMAN),
            "macce" => Self::SingleByte(&table::MACCE),
            "armscii8" => Self::SingleByte(&table::ARMSCII8),
            "dec8" => Self::SingleByte(&table::DEC8),
            "geostd8" => Self::SingleByte(&table::GEOSTD8),
            "hp8" => Self::SingleByte(&table::HP8),
            "keybcs2" => Self::SingleByte(&table::KEYBCS2),
            "swe7" => Self::Swe7,
            "ucs2" | "utf16" => Self::Utf16Be,
            "utf16le" => Self::Utf16Le,
            "utf32" => Self::Utf32,
            "gbk" => Self::MultiByte(&GBK),
            "gb2312" => Self::MultiByte(&GB2312),
            "gb18030" => Self::MultiByte(&GB18030),
            "big5" => Self::MultiByte(&BIG5),
            "sjis" => Self::MultiByte(&SJIS),
            "cp932" => Self::MultiByte(&CP932),
            "ujis" => Self::MultiByte(&UJIS),
            "eucjpms" => Self::MultiByte(&EUCJPMS),
            "euckr" => Self::MultiByte(&EUCKR),
            _ => return None,
        })
    }

    /// The charset of a collation id, as table maps and result sets carry it. 63 (`binary`) has none.
    pub fn by_collation(id: u16) -> Option<Self> {
        Self::by_name(charset_name(id)?)
    }

    /// True if bytes below 0x80 mean ASCII, wherever they stand alone.
    fn keeps_ascii(self) -> bool {
        !matches!(self, Self::Swe7 | Self::Utf16Be | Self::Utf16Le | Self::Utf32)
    }

    /// Decodes `bytes`; valid UTF-8 and plain ASCII share their memory with the result.
    pub fn decode(self, bytes: Bytes) -> Decoded {
        if matches!(self, Self::Utf8) || (self.keeps_ascii() && bytes.is_ascii()) {
            return match Utf8Bytes::try_from(bytes.clone()) {
                Ok(text) => Decoded { text, replaced: false },
                Err(_) => Decoded { text: String::from_utf8_lossy(&bytes).into_owned().into(), replaced: true },
            };
        }
        let mut replaced = false;
        let text: String = match self {
            Self::Utf8 => unreachable!("handled above"),
            Self::Latin1Bytes => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Ascii => bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect(),
            Self::SingleByte(table) => bytes
                .iter()
                .map(|byte| if byte.is_ascii() { char::from(*byte) } else { table[usize::from(*byte & 0x7F)] })
                .collect(),
            Self::Swe7 => bytes.iter().map(|byte| swe7(*byte)).collect(),
            Self::Utf16Be => utf16(&bytes, u16::from_be_bytes, &mut replaced),
            Self::Utf16Le => utf16(&bytes, u16::from_le_bytes, &mut replaced),
            Self::Utf32 => bytes
                .chunks(4)
                .map(|unit| {
                    let code = unit.try_into().ok().map(u32::from_be_bytes).and_then(char::from_u32);
                    code.unwrap_or_else(|| {
                        replaced = true;
                        char::REPLACEMENT_CHARACTER
                    })
                })
                .collect(),
            Self::MultiByte(charset) => charset.decode(&bytes, &mut replaced),
        };
        Decoded { text: text.into(), replaced }
    }
}

const fn multi_byte(encoding: &'static Encoding, layout: Layout, exceptions: &'static Exceptions) -> MultiByte {
    MultiByte { encoding, layout, exceptions }
}

static GBK: MultiByte = multi_byte(encoding_rs::GBK, Layout::Double, &[]);
static GB2312: MultiByte = multi_byte(encoding_rs::GBK, Layout::Double, exceptions::GB2312);
static GB18030: MultiByte = multi_byte(encoding_rs::GB18030, Layout::Gb18030, exceptions::GB18030);
static BIG5: MultiByte = multi_byte(encoding_rs::BIG5, Layout::Double, exceptions::BIG5);
static SJIS: MultiByte = multi_byte(encoding_rs::SHIFT_JIS, Layout::ShiftJis, exceptions::SJIS);
static CP932: MultiByte = multi_byte(encoding_rs::SHIFT_JIS, Layout::ShiftJis, &[]);
static UJIS: MultiByte = multi_byte(encoding_rs::EUC_JP, Layout::EucJp, exceptions::UJIS);
static EUCJPMS: MultiByte = multi_byte(encoding_rs::EUC_JP, Layout::EucJp, exceptions::EUCJPMS);
static EUCKR: MultiByte = multi_byte(encoding_rs::EUC_KR, Layout::Double, &[]);

impl MultiByte {
    fn decode(&self, bytes: &[u8], replaced: &mut bool) -> String {
        let mut text = String::with_capacity(bytes.len() * 3 / 2);
        let mut run = |bytes: &[u8], text: &mut String| {
            let (decoded, errors) = self.encoding.decode_without_bom_handling(bytes);
            *replaced |= errors;
            text.push_str(&decoded);
        };
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() && (self.layout == Layout::EucJp || !self.exceptions.is_empty()) {
            let length = self.length(&bytes[at..]).min(bytes.len() - at);
            if let Some(exception) = self.exception(&bytes[at..at + length]) {
                run(&bytes[start..at], &mut text);
                text.push(exception);
                start = at + length;
            }
            at += length;
        }
        run(&bytes[start..], &mut text);
        text
    }

    /// Bytes of the first character.
    fn length(&self, bytes: &[u8]) -> usize {
        match (self.layout, bytes) {
            (_, [..0x81, ..]) | (Layout::ShiftJis, [0xA0..=0xDF, ..]) => 1,
            (Layout::EucJp, [0x8F, ..]) => 3,
            (Layout::Gb18030, [_, b'0'..=b'9', ..]) => 4,
            _ => 2,
        }
    }

    /// What MySQL makes of a character otherwise than the Web's decoder.
    fn exception(&self, bytes: &[u8]) -> Option<char> {
        match (self.layout, bytes) {
            (Layout::EucJp, [row @ 0xF5..=0xFE, cell @ 0xA1..=0xFE]) => private_use(0xE000, *row, *cell),
            (Layout::EucJp, [0x8F, row @ 0xF5..=0xFE, cell @ 0xA1..=0xFE]) => private_use(0xE3AC, *row, *cell),
            (_, [_, _] | [0x8F, _, _]) => {
                let code = bytes.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
                let found = self.exceptions.binary_search_by_key(&code, |(code, _)| *code).ok()?;
                Some(self.exceptions[found].1)
            }
            _ => None,
        }
    }
}

fn private_use(base: u32, row: u8, cell: u8) -> Option<char> {
    char::from_u32(base + u32::from(row - 0xF5) * 94 + u32::from(cell - 0xA1))
}

fn swe7(byte: u8) -> char {
    match byte {
        0x40 => 'É',
        0x5B => 'Ä',
        0x5C => 'Ö',
        0x5D => 'Å',
        0x5E => 'Ü',
        0x60 => 'é',
        0x7B => 'ä',
        0x7C => 'ö',
        0x7D => 'å',
        0x7E => 'ü',
        0x7F.. => '?',
        _ => char::from(byte),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, replaced: &mut bool) -> String {
    *replaced |= !bytes.len().is_multiple_of(2);
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|c| {
            c.unwrap_or_else(|_| {
                *replaced = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect()
}

/// The charset's name of a collation id (INFORMATION_SCHEMA.COLLATIONS of MySQL 9.7 and MariaDB 10.11).
fn charset_name(collation: u16) -> Option<&'static str> {
    // MariaDB: 1024 is added for NO PAD twins, 2048 and up are UCA 14 collations in blocks of 256 a charset.
    let id = match collation {
        1024..2048 => collation - 1024,
        2048..2304 => return Some("utf8mb3"),
        2304..2560 => return Some("utf8mb4"),
        2560..2816 => return Some("ucs2"),
        2816..3072 => return Some("utf16"),
        3072..3328 => return Some("utf32"),
        other => other,
    };
    Some(match id {
        1 | 84 => "big5",
        2 | 9 | 21 | 27 | 77 => "latin2",
        3 | 69 => "dec8",
        4 | 80 => "cp850",
        5 | 8 | 15 | 31 | 47..=49 | 94 => "latin1",
        6 | 72 => "hp8",
        7 | 74 => "koi8r",
        10 | 82 => "swe7",
        11 | 65 => "ascii",
        12 | 91 => "ujis",
        13 | 88 => "sjis",
        14 | 23 | 50..=52 => "cp1251",
        16 | 71 => "hebrew",
        18 | 89 => "tis620",
        19 | 85 => "euckr",
        20 | 41 | 42 | 79 => "latin7",
        22 | 75 => "koi8u",
        24 | 86 => "gb2312",
        25 | 70 => "greek",
        26 | 34 | 44 | 66 | 99 => "cp1250",
        28 | 87 => "gbk",
        29 | 58 | 59 => "cp1257",
        30 | 78 => "latin5",
        32 | 64 => "armscii8",
        33 | 76 | 83 | 192..=223 | 576..=578 => "utf8mb3",
        35 | 90 | 128..=159 | 640..=642 => "ucs2",
        36 | 68 => "cp866",
        37 | 73 => "keybcs2",
        38 | 43 => "macce",
        39 | 53 => "macroman",
        40 | 81 => "cp852",
        45 | 46 | 224..=247 | 255..=323 | 608..=610 => "utf8mb4",
        54 | 55 | 101..=124 | 672..=674 => "utf16",
        56 | 62 => "utf16le",
        57 | 67 => "cp1256",
        60 | 61 | 160..=183 | 736..=738 => "utf32",
        92 | 93 => "geostd8",
        95 | 96 => "cp932",
        97 | 98 => "eucjpms",
        248..=250 => "gb18030",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(charset: &str, bytes: &[u8]) -> String {
        let decoded = Charset::by_name(charset).unwrap().decode(Bytes::copy_from_slice(bytes));
        assert!(!decoded.replaced, "{charset}: {:?}", decoded.text);
        decoded.text.to_string()
    }

    #[test]
    fn decodes_like_the_server() {
        assert_eq!(decode("utf8mb4", "ação 😀".as_bytes()), "ação 😀");
        assert_eq!(decode("latin1", b"caf\xE9 \x80 \x81"), "café € \u{81}");
        assert_eq!(decode("latin2", b"\xB1\xEA"), "ąę");
        assert_eq!(decode("cp1251", b"\xCF\xF0"), "Пр");
        assert_eq!(decode("cp850", b"\x84"), "ä");
        assert_eq!(decode("koi8r", b"\xF0"), "П");
        assert_eq!(decode("greek", b"\xC1"), "Α");
        assert_eq!(decode("hebrew", b"\xE0"), "א");
        assert_eq!(decode("tis620", b"\xA1"), "ก");
        assert_eq!(decode("swe7", b"[a]"), "ÄaÅ");
        assert_eq!(decode("ascii", b"a"), "a");
        assert_eq!(decode("ucs2", b"\x00a\x20\xAC"), "a€");
        assert_eq!(decode("utf16", b"\xD8\x3D\xDE\x00"), "😀");
        assert_eq!(decode("utf16le", b"\x3D\xD8\x00\xDE"), "😀");
        assert_eq!(decode("utf32", b"\x00\x01\xF6\x00"), "😀");
        assert_eq!(decode("gbk", b"\xC4\xE3"), "你");
        assert_eq!(decode("gb18030", b"\x94\x39\xFC\x36"), "😀");
        assert_eq!(decode("big5", b"\xA7\x41"), "你");
        assert_eq!(decode("sjis", b"\x82\xA0\\~"), "あ\\~");
        assert_eq!(decode("ujis", b"\xA4\xA2"), "あ");
        assert_eq!(decode("euckr", b"\xB0\xA1"), "가");
        assert_eq!(decode("sjis", b"a\x81\x60\x82\xA0\xB1"), "a〜あｱ");
        assert_eq!(decode("ujis", b"\xA4\xA2\xF5\xA1\x8F\xA2\xB7\xA4\xA2"), "あ\u{e000}~あ");
        assert_eq!(decode("big5", b"\xA7\x41\xC6\xA1"), "你ヾ");
        assert_eq!(decode("binary", b"\xE9"), "é");
    }

    #[test]
    fn text_shares_its_bytes_when_it_is_utf8_already() {
        let bytes = Bytes::from_static("São Paulo".as_bytes());
        let decoded = Charset::Utf8.decode(bytes.clone());
        assert_eq!(decoded.text.as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn bytes_that_mean_nothing_are_reported() {
        assert!(Charset::Utf8.decode(Bytes::from_static(b"\xFF")).replaced);
        assert!(Charset::Utf16Be.decode(Bytes::from_static(b"\xD8\x3D\x00")).replaced);
        assert!(Charset::Utf32.decode(Bytes::from_static(b"\xFF\xFF")).replaced);
        assert!(Charset::MultiByte(&GBK).decode(Bytes::from_static(b"\xFF")).replaced);
    }

    #[test]
    fn collation_ids_of_both_servers_are_known() {
        assert_eq!(charset_name(8), Some("latin1"));
        assert_eq!(charset_name(255), Some("utf8mb4"));
        assert_eq!(charset_name(63), None);
        assert_eq!(charset_name(1032), Some("latin1"));
        assert_eq!(charset_name(2304), Some("utf8mb4"));
    }
}
