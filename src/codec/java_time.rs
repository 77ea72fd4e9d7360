//! Formats and parses instants by the patterns of Java's `SimpleDateFormat`, in UTC and English.

use super::CodecError;

pub const MILLIS_PER_DAY: i64 = 86_400_000;

/// A date and time of day in the proleptic Gregorian calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    pub day: i64,
    pub milli_of_day: i64,
}

impl Civil {
    pub fn from_millis(millis: i64) -> Self {
        let days = millis.div_euclid(MILLIS_PER_DAY);
        // Days since 0000-03-01, counted in eras of 400 years (Howard Hinnant's algorithm for civil dates).
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            milli_of_day: millis.rem_euclid(MILLIS_PER_DAY),
        }
    }

    /// Days since 1970-01-01; months and days beyond their range roll over, as lenient Java calendars do.
    pub fn days(year: i64, month: i64, day: i64) -> i64 {
        let year = year + (month - 1).div_euclid(12);
        let month = (month - 1).rem_euclid(12) + 1;
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468 + day - 1
    }

    /// 0 is Sunday.
    fn day_of_week(self) -> i64 {
        (Self::days(self.year, self.month, self.day) + 4).rem_euclid(7)
    }

    fn day_of_year(self) -> i64 {
        Self::days(self.year, self.month, self.day) - Self::days(self.year, 1, 1) + 1
    }

    fn hour(self) -> i64 {
        self.milli_of_day / 3_600_000
    }
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Zone names that texts carry; Java knows more, but these are the unambiguous ones.
const ZONES: [(&str, i64); 11] = [
    ("UTC", 0),
    ("GMT", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("BRT", -180),
];

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct DateFormat {
    items: Vec<Item>,
    /// The first year that two digits can mean.
    century_start: i64,
}

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Literal(char),
    Field(char, usize),
}

impl DateFormat {
    /// # Errors
    /// `Schema` in Java's words if the pattern is wrong.
    pub fn compile(pattern: &str) -> Result<Self, CodecError> {
        let mut items = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                if chars.next_if_eq(&'\'').is_some() {
                    items.push(Item::Literal('\''));
                    continue;
                }
                loop {
                    match chars.next() {
                        Some('\'') if chars.next_if_eq(&'\'').is_some() => items.push(Item::Literal('\'')),
                        Some('\'') => break,
                        Some(other) => items.push(Item::Literal(other)),
                        None => return Err(CodecError::Schema("Unterminated quote".to_owned())),
                    }
                }
            } else if c.is_ascii_alphabetic() {
                if !"GyYMLwWDdFEuaHkKhmsSzZX".contains(c) {
                    return Err(CodecError::Schema(format!("Illegal pattern character '{c}'")));
                }
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if c == 'X' && count > 3 {
                    return Err(CodecError::Schema(format!("invalid ISO 8601 format: length={count}")));
                }
                items.push(Item::Field(c, count));
            } else {
                items.push(Item::Literal(c));
            }
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
        Ok(Self { items, century_start: Civil::from_millis(now).year - 80 })
    }

    /// Formats milliseconds since the epoch.
    pub fn format(&self, millis: i64) -> String {
        let at = Civil::from_millis(millis);
        let mut out = String::with_capacity(self.items.len() * 4);
        for item in &self.items {
            match item {
                Item::Literal(c) => out.push(*c),
                Item::Field(letter, count) => format_field(*letter, *count, at, &mut out),
            }
        }
        out
    }

    /// Parses a text to milliseconds since the epoch. What follows the pattern's text is ignored, fields out of range
    /// roll over, and what the pattern lacks is that of 1970-01-01, all as in Java.
    pub fn parse(&self, text: &str) -> Option<i64> {
        let mut parsed = Parsed::default();
        let mut rest = text;
        for (index, item) in self.items.iter().enumerate() {
            match item {
                Item::Literal(c) => rest = rest.strip_prefix(*c)?,
                Item::Field(letter, count) => {
                    rest = rest.trim_start_matches([' ', '\t']);
                    // Numbers that touch take as many digits as they have letters.
                    let abutting = matches!(self.items.get(index + 1), Some(Item::Field(next, n)) if is_numeric(*next, *n));
                    rest = self.parse_field(*letter, *count, abutting, rest, &mut parsed)?;
                }
            }
        }
        parsed.resolve()
    }

    fn parse_field<'t>(&self, letter: char, count: usize, abutting: bool, text: &'t str, parsed: &mut Parsed) -> Option<&'t str> {
        if !is_numeric(letter, count) {
            return match letter {
                'M' | 'L' => {
                    let (index, rest) = name(&MONTHS, text)?;
                    parsed.month = Some(index as i64 + 1);
                    Some(rest)
                }
                'E' => name(&DAYS, text).map(|(_, rest)| rest),
                'a' => {
                    let (index, rest) = name(&["AM", "PM"], text)?;
                    parsed.afternoon = Some(index == 1);
                    Some(rest)
                }
                'G' => {
                    let (index, rest) = name(&["AD", "BC"], text)?;
                    parsed.before_christ = index == 1;
                    Some(rest)
                }
                _ => {
                    let (minutes, rest) = zone(letter, text)?;
                    parsed.offset_minutes = minutes;
                    Some(rest)
                }
            };
        }
        let limit = if abutting { count } else { 18 };
        let negative = text.starts_with('-') && !abutting;
        let digits = &text[usize::from(negative)..];
        let length = digits.bytes().take(limit).take_while(u8::is_ascii_digit).count();
        let magnitude: i64 = digits.get(..length)?.parse().ok()?;
        let value = if negative { -magnitude } else { magnitude };
        match letter {
            'y' | 'Y' => {
                parsed.year = Some(if count <= 2 && length == 2 && !negative {
                    let century = self.century_start - self.century_start.rem_euclid(100);
                    let year = century + value;
                    if year < self.century_start { year + 100 } else { year }
                } else {
                    value
                });
            }
            'M' | 'L' => parsed.month = Some(value),
            'd' => parsed.day = Some(value),
            'D' => parsed.day_of_year = Some(value),
            'H' => parsed.hour = Some(value),
            'k' => parsed.hour = Some(if value == 24 { 0 } else { value }),
            'K' => parsed.half_hour = Some(value),
            'h' => parsed.half_hour = Some(if value == 12 { 0 } else { value }),
            'm' => parsed.minute = value,
            's' => parsed.second = value,
            'S' => parsed.milli = value,
            // Weeks and weekdays cannot set a date by themselves.
            _ => {}
        }
        digits.get(length..)
    }
}

fn is_numeric(letter: char, count: usize) -> bool {
    match letter {
        'M' | 'L' => count <= 2,
        'E' | 'a' | 'G' | 'z' | 'Z' | 'X' => false,
        _ => true,
    }
}

#[derive(Default)]
struct Parsed {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: Option<i64>,
    half_hour: Option<i64>,
    afternoon: Option<bool>,
    before_christ: bool,
    minute: i64,
    second: i64,
    milli: i64,
    offset_minutes: i64,
}

impl Parsed {
    fn resolve(&self) -> Option<i64> {
        /// Far beyond any date, but small enough not to overflow.
        const LIMIT: i64 = 1_000_000;
        let year = self.year.unwrap_or(1970);
        let year = if self.before_christ { 1 - year } else { year };
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let hour = self.hour.unwrap_or_else(|| self.half_hour.unwrap_or(0) + if self.afternoon == Some(true) { 12 } else { 0 });
        let small = [year, month, day, self.day_of_year.unwrap_or(1), hour, self.minute, self.second];
        if small.iter().any(|x| x.abs() > LIMIT) || self.milli.abs() > 1 << 52 {
            return None;
        }
        let days = match self.day_of_year {
            Some(day_of_year) if self.month.is_none() && self.day.is_none() => Civil::days(year, 1, day_of_year),
            _ => Civil::days(year, month, day),
        };
        let minutes = hour * 60 + self.minute - self.offset_minutes;
        Some(days * MILLIS_PER_DAY + minutes * 60_000 + self.second * 1000 + self.milli)
    }
}

/// The longest name, in full or by its first three letters, that the text begins with.
fn name<'t>(names: &[&str], text: &'t str) -> Option<(usize, &'t str)> {
    let begins = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    for (index, full) in names.iter().enumerate() {
        if begins(full) {
            return Some((index, &text[full.len()..]));
        }
    }
    let short = names.iter().position(|full| full.len() > 3 && begins(&full[..3]))?;
    Some((short, &text[3..]))
}

/// A zone as an offset in minutes.
fn zone(letter: char, text: &str) -> Option<(i64, &str)> {
    if letter == 'X'
        && let Some(rest) = text.strip_prefix('Z')
    {
        return Some((0, rest));
    }
    let text = match text.get(..3) {
        Some(prefix) if letter != 'X' => match ZONES.iter().find(|(name, _)| prefix.eq_ignore_ascii_case(name)) {
            Some(("GMT" | "UTC", _)) if text[3..].starts_with(['+', '-']) => &text[3..],
            Some((_, minutes)) => return Some((*minutes, &text[3..])),
            None => text,
        },
        _ => text,
    };
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text[1..];
    let length = digits.bytes().take(4).take_while(u8::is_ascii_digit).count();
    let (hours, minutes, used) = match length {
        4 => (&digits[..2], &digits[2..4], 4),
        1 | 2 => match digits[length..].strip_prefix(':').and_then(|rest| rest.get(..2)) {
            Some(minutes) if minutes.bytes().all(|b| b.is_ascii_digit()) => (&digits[..length], minutes, length + 3),
            _ => (&digits[..length], "0", length),
        },
        _ => return None,
    };
    let offset = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    Some((sign * offset, &digits[used..]))
}

fn format_field(letter: char, count: usize, at: Civil, out: &mut String) {
    let mut padded = |x: i64, width: usize| out.push_str(&format!("{x:0width$}"));
    let hour = at.hour();
    match letter {
        'y' | 'Y' => {
            let year = if at.year > 0 { at.year } else { 1 - at.year };
            if count == 2 { padded(year % 100, 2) } else { padded(year, count) }
        }
        'M' | 'L' if count >= 4 => out.push_str(MONTHS[(at.month - 1) as usize]),
        'M' | 'L' if count == 3 => out.push_str(&MONTHS[(at.month - 1) as usize][..3]),
        'M' | 'L' => padded(at.month, count),
        'd' => padded(at.day, count),
        'D' => padded(at.day_of_year(), count),
        'E' if count >= 4 => out.push_str(DAYS[at.day_of_week() as usize]),
        'E' => out.push_str(&DAYS[at.day_of_week() as usize][..3]),
        'u' => padded(if at.day_of_week() == 0 { 7 } else { at.day_of_week() }, count),
        'F' => padded((at.day - 1) / 7 + 1, count),
        'W' => {
            let first_weekday = (at.day_of_week() - (at.day - 1)).rem_euclid(7);
            padded((at.day - 1 + first_weekday) / 7 + 1, count);
        }
        'w' => {
            let first_weekday = (at.day_of_week() - (at.day_of_year() - 1)).rem_euclid(7);
            padded((at.day_of_year() - 1 + first_weekday) / 7 + 1, count);
        }
        'H' => padded(hour, count),
        'k' => padded(if hour == 0 { 24 } else { hour }, count),
        'K' => padded(hour % 12, count),
        'h' => padded(if hour % 12 == 0 { 12 } else { hour % 12 }, count),
        'm' => padded(at.milli_of_day / 60_000 % 60, count),
        's' => padded(at.milli_of_day / 1000 % 60, count),
        'S' => padded(at.milli_of_day % 1000, count),
        'a' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'G' => out.push_str(if at.year > 0 { "AD" } else { "BC" }),
        'z' if count >= 4 => out.push_str("Coordinated Universal Time"),
        'z' => out.push_str("UTC"),
        'Z' => out.push_str("+0000"),
        _ => out.push('Z'),
    }
}

/// `java.util.Date.toString()` in UTC.
pub fn date_text(millis: i64) -> String {
    let at = Civil::from_millis(millis);
    let seconds = at.milli_of_day / 1000;
    format!(
        "{} {} {:02} {:02}:{:02}:{:02} UTC {}",
        &DAYS[at.day_of_week() as usize][..3],
        &MONTHS[(at.month - 1) as usize][..3],
        at.day,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        at.year
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_simple_date_format_does() {
        // 2020-09-13T12:26:40.123Z, a Sunday; printed by SimpleDateFormat of JDK 17.
        for (pattern, text) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2020-09-13T12:26:40.123Z"),
            ("yyyyMMdd", "20200913"),
            ("yy/M/d h:m a", "20/9/13 12:26 PM"),
            ("EEE, dd MMM yyyy HH:mm:ss z", "Sun, 13 Sep 2020 12:26:40 UTC"),
            ("EEEE MMMM D u F w W k K", "Sunday September 257 7 2 38 3 12 0"),
            ("yyyy-MM-dd HH:mm:ss Z XXX", "2020-09-13 12:26:40 +0000 Z"),
            ("'it''s' G", "it's AD"),
        ] {
            assert_eq!(DateFormat::compile(pattern).unwrap().format(1_600_000_000_123), text, "{pattern}");
        }
        assert_eq!(date_text(1000), "Thu Jan 01 00:00:01 UTC 1970");
        assert_eq!(DateFormat::compile("yyyy-MM-dd").unwrap().format(-1), "1969-12-31");
    }

    #[test]
    fn parses_what_it_formats_and_rolls_over() {
        for (pattern, text, millis) in [
            ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2020-09-13T12:26:40.123Z", 1_600_000_000_123),
            ("yyyyMMddHHmmss", "20200913122640", 1_600_000_000_000),
            ("EEE, dd MMM yyyy HH:mm:ss z", "Sun, 13 Sep 2020 09:26:40 BRT", 1_600_000_000_000),
            ("yyyy-MM-dd HH:mm:ssXXX", "2020-09-13 09:26:40-03:00", 1_600_000_000_000),
            ("yyyy-MM-dd HH:mm:ssZ", "2020-09-13 12:26:40+0000", 1_600_000_000_000),
            ("yyyy-MM-dd", "2020-13-45", 1_613_260_800_000),
            ("yyyy-MM-dd", "2020-01-02 and more", 1_577_923_200_000),
            ("hh:mm a", "01:30 pm", 48_600_000),
            ("dd/MM/yy", "02/01/20", 1_577_923_200_000),
        ] {
            assert_eq!(DateFormat::compile(pattern).unwrap().parse(text), Some(millis), "{pattern}");
        }
        assert_eq!(DateFormat::compile("yyyy-MM-dd").unwrap().parse("02/01/2020"), None);
        assert_eq!(DateFormat::compile("yyyy").unwrap().parse("999999999999999999"), None);
    }

    #[test]
    fn wrong_patterns_are_refused() {
        assert_eq!(DateFormat::compile("yyyy-bb").unwrap_err().to_string(), "Illegal pattern character 'b'");
        assert_eq!(DateFormat::compile("yyyy'T").unwrap_err().to_string(), "Unterminated quote");
    }

    #[test]
    fn civil_dates_agree_with_an_independent_calendar() {
        for days in (-800_000..800_000).step_by(97) {
            let at = Civil::from_millis(days * MILLIS_PER_DAY);
            assert_eq!(Civil::days(at.year, at.month, at.day), days);
            let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            assert_eq!((i64::from(date.year()), i64::from(date.month()), i64::from(date.day())), (at.year, at.month, at.day));
            assert_eq!(i64::from(date.weekday().to_sunday_zero_offset()), at.day_of_week());
        }
    }
}
