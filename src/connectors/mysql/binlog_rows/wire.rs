//! Knows how each column type lies in a row image.

use bytes::Bytes;

use super::super::column_types::{IntegerWidth, Kind, decimal_binary_size};

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated;

/// Reads forward through an event; never beyond its end.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    body: &'a Bytes,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(body: &'a Bytes, at: usize) -> Self {
        Self { body, at }
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.body.len()
    }

    pub fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let end = self.at.checked_add(count).ok_or(Truncated)?;
        let bytes = self.body.get(self.at..end).ok_or(Truncated)?;
        self.at = end;
        Ok(bytes)
    }

    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        self.take(N)?.try_into().map_err(|_| Truncated)
    }

    /// Bytes that share the event's memory.
    #[inline]
    pub fn shared(&mut self, count: usize) -> Result<Bytes, Truncated> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.body.len()).ok_or(Truncated)?;
        let bytes = self.body.slice(self.at..end);
        self.at = end;
        Ok(bytes)
    }

    /// A little-endian number of 1 to 8 bytes.
    #[inline]
    pub fn little(&mut self, count: usize) -> Result<u64, Truncated> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A big-endian number of 0 to 8 bytes.
    #[inline]
    pub fn big(&mut self, count: usize) -> Result<u64, Truncated> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A length-encoded integer of the protocol.
    pub fn length_encoded(&mut self) -> Result<u64, Truncated> {
        match self.little(1)? {
            0xFC => self.little(2),
            0xFD => self.little(3),
            0xFE => self.little(8),
            0xFB | 0xFF => Err(Truncated),
            small => Ok(small),
        }
    }
}

/// How a column lies in a row image, from its type and metadata in the TABLE_MAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Integer {
        bytes: u8,
    },
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
        bytes: u8,
    },
    Year,
    Date,
    OldTime,
    OldDateTime,
    OldTimestamp,
    Time {
        digits: u8,
    },
    DateTime {
        digits: u8,
    },
    Timestamp {
        digits: u8,
    },
    Bit {
        bytes: u8,
    },
    Enum {
        bytes: u8,
    },
    Set {
        bytes: u8,
    },
    Chars {
        length_bytes: u8,
    },
    Blob {
        length_bytes: u8,
    },
    Json {
        length_bytes: u8,
    },
    Geometry {
        length_bytes: u8,
    },
    Vector {
        length_bytes: u8,
    },
    /// MariaDB's COMPRESSED columns.
    Compressed {
        length_bytes: u8,
    },
    Null,
}

/// Bytes of a fraction of a second.
fn fraction_bytes(digits: u8) -> usize {
    usize::from(digits.div_ceil(2))
}

impl Wire {
    /// Bytes of metadata that a type has in a TABLE_MAP, or nothing for a type we do not know.
    pub fn metadata_bytes(code: u8) -> Option<usize> {
        Some(match code {
            0 => 0,                                                   // DECIMAL of MySQL 4
            1..=3 | 6..=14 => 0,                                      // integers, NULL, old temporal types, YEAR
            4 | 5 | 17..=19 | 140 | 242 | 245 | 249..=252 | 255 => 1, // floats, temporal types, BLOBs, JSON, GEOMETRY, VECTOR
            15 | 16 | 141 | 246..=248 | 253 | 254 => 2,               // VARCHAR, BIT, NEWDECIMAL, ENUM, SET, STRING
            _ => return None,
        })
    }

    /// # Errors
    /// Says what is wrong with a type or its metadata.
    pub fn new(code: u8, metadata: [u8; 2]) -> Result<Self, String> {
        let [first, second] = metadata;
        let digits = if first <= 6 { Ok(first) } else { Err(format!("{first} digits of a second")) };
        let length_bytes = if (1..=4).contains(&first) { Ok(first) } else { Err(format!("a length of {first} bytes")) };
        Ok(match code {
            1 => Self::Integer { bytes: 1 },
            2 => Self::Integer { bytes: 2 },
            9 => Self::Integer { bytes: 3 },
            3 => Self::Integer { bytes: 4 },
            8 => Self::Integer { bytes: 8 },
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::Null,
            246 => {
                let size = decimal_binary_size(first.into(), second.into()).and_then(|size| u8::try_from(size).ok());
                let bytes = size.filter(|size| *size > 0).ok_or(format!("DECIMAL({first},{second})"))?;
                Self::Decimal { precision: first, scale: second, bytes }
            }
            13 => Self::Year,
            10 | 14 => Self::Date,
            11 => Self::OldTime,
            12 => Self::OldDateTime,
            7 => Self::OldTimestamp,
            19 => Self::Time { digits: digits? },
            18 => Self::DateTime { digits: digits? },
            17 => Self::Timestamp { digits: digits? },
            16 => {
                let bits = u16::from(second) * 8 + u16::from(first);
                Self::Bit { bytes: u8::try_from(bits.div_ceil(8)).ok().filter(|bytes| *bytes <= 8).ok_or("a BIT of over 64")? }
            }
            15 | 253 => Self::Chars { length_bytes: if u16::from_le_bytes(metadata) < 256 { 1 } else { 2 } },
            254 => Self::string(first, second)?,
            247 => Self::labels(247, second)?,
            248 => Self::labels(248, second)?,
            249..=252 => Self::Blob { length_bytes: length_bytes? },
            245 => Self::Json { length_bytes: length_bytes? },
            255 => Self::Geometry { length_bytes: length_bytes? },
            242 => Self::Vector { length_bytes: length_bytes? },
            140 => Self::Compressed { length_bytes: length_bytes? },
            141 => Self::Compressed { length_bytes: if u16::from_le_bytes(metadata) < 256 { 1 } else { 2 } },
            code => return Err(format!("type {code}, which is not known")),
        })
    }

    /// STRING stands for CHAR, ENUM and SET. The first byte is the real type, with two bits of the length in it,
    /// inverted (MySQL bug 37426).
    fn string(first: u8, second: u8) -> Result<Self, String> {
        if first == 0 {
            return Ok(Self::Chars { length_bytes: 1 });
        }
        match first | 0x30 {
            code @ (247 | 248) if first & 0x30 == 0x30 => Self::labels(code, second),
            254 => {
                let length = u16::from(second) | u16::from(first & 0x30 ^ 0x30) << 4;
                Ok(Self::Chars { length_bytes: if length < 256 { 1 } else { 2 } })
            }
            code => Err(format!("a string of type {code}")),
        }
    }

    fn labels(code: u8, bytes: u8) -> Result<Self, String> {
        match (code, bytes) {
            (247, 1 | 2) => Ok(Self::Enum { bytes }),
            (248, 1..=8) => Ok(Self::Set { bytes }),
            _ => Err(format!("an ENUM or SET of {bytes} bytes")),
        }
    }

    /// True if a column of this kind can lie in row images like this.
    pub fn fits(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Null, _) => true,
            (Self::Integer { bytes: 1 }, Kind::Boolean) => true,
            (Self::Integer { bytes }, Kind::Integer { width, .. }) => {
                bytes
                    == match width {
                        IntegerWidth::Tiny => 1,
                        IntegerWidth::Small => 2,
                        IntegerWidth::Medium => 3,
                        IntegerWidth::Int => 4,
                        IntegerWidth::Big => 8,
                    }
            }
            // FLOAT(25) to FLOAT(53) are doubles; REAL is a float with sql_mode REAL_AS_FLOAT.
            (Self::Float | Self::Double, Kind::Float { .. } | Kind::Real) => true,
            (Self::Double, Kind::Double) => true,
            (Self::Decimal { precision, scale, .. }, Kind::Decimal { precision: p, scale: s }) => (precision, scale) == (p, s),
            (Self::Year, Kind::Year) | (Self::Date, Kind::Date) => true,
            // The old types hold no fraction (MariaDB's do, in a form that table maps do not describe).
            (Self::OldTime, Kind::Time { digits }) => digits == 0,
            (Self::OldDateTime, Kind::DateTime { digits }) => digits == 0,
            (Self::OldTimestamp, Kind::Timestamp { digits }) => digits == 0,
            (Self::Time { digits }, Kind::Time { digits: d }) => digits == d,
            (Self::DateTime { digits }, Kind::DateTime { digits: d }) => digits == d,
            (Self::Timestamp { digits }, Kind::Timestamp { digits: d }) => digits == d,
            (Self::Bit { bytes }, Kind::Bit { bits }) => u16::from(bytes) == bits.div_ceil(8),
            (Self::Enum { .. }, Kind::Enum) | (Self::Set { .. }, Kind::Set) => true,
            (Self::Chars { .. }, Kind::Text | Kind::Binary { .. } | Kind::Bytes) => true,
            (Self::Chars { .. }, Kind::Uuid | Kind::Inet4 | Kind::Inet6) => true,
            (Self::Blob { .. }, Kind::Text | Kind::Bytes | Kind::Json | Kind::Vector) => true,
            (Self::Json { .. }, Kind::Json) => true,
            (Self::Geometry { .. }, Kind::Geometry | Kind::Point) | (Self::Vector { .. }, Kind::Vector) => true,
            (Self::Compressed { .. }, Kind::Text | Kind::Bytes | Kind::Json) => true,
            _ => false,
        }
    }

    /// Steps over one value.
    pub fn skip(self, cursor: &mut Cursor<'_>) -> Result<(), Truncated> {
        let bytes = match self {
            Self::Integer { bytes } | Self::Bit { bytes } | Self::Enum { bytes } | Self::Set { bytes } => bytes.into(),
            Self::Decimal { bytes, .. } => bytes.into(),
            Self::Float | Self::OldTimestamp => 4,
            Self::Double | Self::OldDateTime => 8,
            Self::Year => 1,
            Self::Date | Self::OldTime => 3,
            Self::Time { digits } => 3 + fraction_bytes(digits),
            Self::DateTime { digits } => 5 + fraction_bytes(digits),
            Self::Timestamp { digits } => 4 + fraction_bytes(digits),
            Self::Chars { length_bytes }
            | Self::Blob { length_bytes }
            | Self::Json { length_bytes }
            | Self::Geometry { length_bytes }
            | Self::Vector { length_bytes }
            | Self::Compressed { length_bytes } => length(cursor, length_bytes)?,
            Self::Null => 0,
        };
        cursor.take(bytes).map(|_| ())
    }
}

/// Reads a length prefix.
pub fn length(cursor: &mut Cursor<'_>, length_bytes: u8) -> Result<usize, Truncated> {
    usize::try_from(cursor.little(length_bytes.into())?).map_err(|_| Truncated)
}

/// A fraction in microseconds. It is stored in hundredths, ten-thousandths or millionths.
pub fn fraction(cursor: &mut Cursor<'_>, digits: u8) -> Result<u32, Truncated> {
    let bytes = fraction_bytes(digits);
    let number = cursor.big(bytes)? as u32;
    Ok(match bytes {
        1 => number * 10_000,
        2 => number * 100,
        _ => number,
    })
}
