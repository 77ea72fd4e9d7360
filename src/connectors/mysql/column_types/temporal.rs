//! Does the calendar arithmetic and the ISO texts of temporal columns.

use std::fmt::Write as _;

pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const SECONDS_PER_DAY: i64 = 86_400;
pub const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

/// A wall-clock date and time as MySQL stores it; any field may be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateTime {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micros: u32,
}

impl DateTime {
    pub fn date(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day, ..Self::default() }
    }

    /// True if every part is within its range and the day exists in the Gregorian calendar (extended backwards).
    pub fn is_valid(&self) -> bool {
        (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_in_month(i64::from(self.year), self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && self.micros < 1_000_000
    }

    /// Days since 1970-01-01. The date must be valid.
    pub fn epoch_day(&self) -> i64 {
        days_from_civil(i64::from(self.year), self.month, self.day)
    }

    /// Microseconds since the epoch, taking the digits as UTC. The date must be valid.
    pub fn epoch_micros(&self) -> i64 {
        self.epoch_day() * MICROS_PER_DAY + self.micros_of_day()
    }

    fn micros_of_day(&self) -> i64 {
        (i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)) * MICROS_PER_SECOND
            + i64::from(self.micros)
    }

    pub fn from_epoch_micros(micros: i64) -> Self {
        let (day, rest) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
        let (year, month, day) = civil_from_days(day);
        let seconds = rest / MICROS_PER_SECOND;
        Self {
            year: u16::try_from(year).unwrap_or_default(),
            month,
            day,
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            micros: (rest % MICROS_PER_SECOND) as u32,
        }
    }

    /// `enable.time.adjuster`: years 0 to 69 mean 2000 to 2069, 70 to 99 mean 1970 to 1999.
    pub fn adjusted(mut self) -> Self {
        match self.year {
            0..=69 => self.year += 2000,
            70..=99 => self.year += 1900,
            _ => {}
        }
        // Only 0000-02-29 and its like lose their day: Java's plusYears takes the last valid one.
        self.day = self.day.min(days_in_month(i64::from(self.year), self.month.clamp(1, 12)));
        self
    }
}

fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a Gregorian date. Counts years from March so that the leap day comes last.
fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u8;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// How many digits a fraction of a second is printed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraction {
    /// As many as needed, none for zero.
    Shortest,
    /// Exactly this many (1 to 6); 0 prints as `Shortest`.
    Padded(u8),
}

fn push_two(text: &mut String, number: u8) {
    text.push(char::from(b'0' + number / 10 % 10));
    text.push(char::from(b'0' + number % 10));
}

fn push_date(text: &mut String, at: &DateTime) {
    push_two(text, (at.year / 100) as u8);
    push_two(text, (at.year % 100) as u8);
    text.push('-');
    push_two(text, at.month);
    text.push('-');
    push_two(text, at.day);
}

fn push_time(text: &mut String, at: &DateTime, fraction: Fraction) {
    push_two(text, at.hour);
    text.push(':');
    push_two(text, at.minute);
    text.push(':');
    push_two(text, at.second);
    push_fraction(text, at.micros, fraction);
}

/// Appends `.` and the digits, or nothing.
pub fn push_fraction(text: &mut String, micros: u32, fraction: Fraction) {
    let digits = match fraction {
        Fraction::Padded(width @ 1..=6) => width,
        _ if micros == 0 => return,
        _ => 6 - trailing_zeros(micros),
    };
    let _ = write!(text, ".{:0width$}", micros / 10_u32.pow(6 - u32::from(digits)), width = usize::from(digits));
}

fn trailing_zeros(mut micros: u32) -> u8 {
    let mut count = 0;
    while micros.is_multiple_of(10) && count < 5 {
        micros /= 10;
        count += 1;
    }
    count
}

/// `2024-01-31T10:15:30.5Z`.
pub fn iso_timestamp(at: &DateTime, fraction: Fraction) -> String {
    let mut text = String::with_capacity(27);
    push_date(&mut text, at);
    text.push('T');
    push_time(&mut text, at, fraction);
    text.push('Z');
    text
}

/// `2024-01-31Z`.
pub fn iso_date(at: &DateTime) -> String {
    let mut text = String::with_capacity(11);
    push_date(&mut text, at);
    text.push('Z');
    text
}

/// `10:15:30.5Z` of microseconds since midnight, taken modulo one day.
pub fn iso_time(micros: i64) -> String {
    let at = DateTime::from_epoch_micros(micros.rem_euclid(MICROS_PER_DAY));
    let mut text = String::with_capacity(16);
    push_time(&mut text, &at, Fraction::Shortest);
    text.push('Z');
    text
}

/// `2024-01-31 10:15:30.500000`, as JSON columns print it. `fraction` decides about the last part.
pub fn sql_datetime(at: &DateTime, fraction: Fraction) -> String {
    let mut text = String::with_capacity(26);
    push_date(&mut text, at);
    text.push(' ');
    push_time(&mut text, at, fraction);
    text
}

/// `2024-01-31`.
pub fn sql_date(at: &DateTime) -> String {
    let mut text = String::with_capacity(10);
    push_date(&mut text, at);
    text
}

/// `-838:59:59.000001`.
pub fn sql_time(micros: i64, fraction: Fraction) -> String {
    let mut text = String::with_capacity(17);
    if micros < 0 {
        text.push('-');
    }
    let seconds = micros.unsigned_abs() / MICROS_PER_SECOND as u64;
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    push_fraction(&mut text, (micros.unsigned_abs() % MICROS_PER_SECOND as u64) as u32, fraction);
    text
}

/// Reads `[-]h:m[:s[.f]]`, as MySQL prints TIME and as DDL writes its defaults, into microseconds.
pub fn parse_time(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.splitn(3, ':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let (seconds, micros) = parts.next().map_or(Some((0, 0)), parse_seconds)?;
    if !(0..=100_000).contains(&hours) || !(0..60).contains(&minutes) || seconds >= 60 {
        return None;
    }
    let total = (hours * 3600 + minutes * 60 + seconds) * MICROS_PER_SECOND + i64::from(micros);
    Some(if negative { -total } else { total })
}

/// Reads `Y-M-D` with an optional time after a space or `T`. Zero parts are allowed; nothing is checked against a calendar.
pub fn parse_datetime(text: &str) -> Option<DateTime> {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let mut at = DateTime::date(
        parts.next()?.parse().ok().filter(|year| *year <= 9999)?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    if let Some(time) = time {
        let mut parts = time.splitn(3, ':');
        at.hour = parts.next()?.parse().ok()?;
        at.minute = parts.next()?.parse().ok()?;
        let (second, micros) = parts.next().map_or(Some((0, 0)), parse_seconds)?;
        at.second = u8::try_from(second).ok()?;
        at.micros = micros;
    }
    Some(at)
}

/// Reads `s[.f]`; digits after the sixth are cut.
fn parse_seconds(text: &str) -> Option<(i64, u32)> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10 + fraction.as_bytes().get(place).map_or(0, |digit| u32::from(digit - b'0'));
    }
    Some((seconds.parse().ok().filter(|seconds| *seconds >= 0)?, micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_days_agree_with_known_dates() {
        for (date, days) in [
            ((1970, 1, 1), 0),
            ((2000, 2, 29), 11_016),
            ((1969, 12, 31), -1),
            ((1, 1, 1), -719_162),
            ((9999, 12, 31), 2_932_896),
            ((1000, 1, 1), -354_285),
        ] {
            let (year, month, day) = date;
            assert_eq!(days_from_civil(year, month, day), days, "{date:?}");
            assert_eq!(civil_from_days(days), date);
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for days in -719_162..-573_065 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn timestamps_print_shortest_or_padded() {
        let at = |micros| DateTime { year: 2024, month: 1, day: 31, hour: 10, minute: 15, second: 30, micros };
        assert_eq!(iso_timestamp(&at(0), Fraction::Shortest), "2024-01-31T10:15:30Z");
        assert_eq!(iso_timestamp(&at(0), Fraction::Padded(0)), "2024-01-31T10:15:30Z");
        assert_eq!(iso_timestamp(&at(0), Fraction::Padded(1)), "2024-01-31T10:15:30.0Z");
        assert_eq!(iso_timestamp(&at(100_000), Fraction::Shortest), "2024-01-31T10:15:30.1Z");
        assert_eq!(iso_timestamp(&at(100_000), Fraction::Padded(3)), "2024-01-31T10:15:30.100Z");
        assert_eq!(iso_timestamp(&at(1), Fraction::Shortest), "2024-01-31T10:15:30.000001Z");
        assert_eq!(iso_time(86_400 * MICROS_PER_SECOND), "00:00:00Z");
        assert_eq!(iso_time(3_600_500_000), "01:00:00.5Z");
        assert_eq!(sql_time(-3_020_399_000_001, Fraction::Padded(6)), "-838:59:59.000001");
    }

    #[test]
    fn times_and_dates_are_read_as_mysql_prints_them() {
        assert_eq!(parse_time("-838:59:59.000000"), Some(-3_020_399_000_000));
        assert_eq!(parse_time("-00:00:01"), Some(-1_000_000));
        assert_eq!(parse_time("10:15"), Some(36_900_000_000));
        assert_eq!(parse_time("10:15:30.5"), Some(36_930_500_000));
        assert_eq!(parse_time("x"), None);
        assert_eq!(parse_time("1:99:00"), None);
        let at = parse_datetime("2024-01-31 10:15:30.25").unwrap();
        assert_eq!((at.year, at.hour, at.micros), (2024, 10, 250_000));
        assert_eq!(parse_datetime("0000-00-00"), Some(DateTime::default()));
        assert_eq!(parse_datetime("2024-01"), None);
        assert!(!DateTime::date(2023, 2, 29).is_valid());
        assert!(DateTime::date(2024, 2, 29).is_valid());
    }

    #[test]
    fn two_digit_years_are_repaired() {
        assert_eq!(DateTime::date(69, 1, 1).adjusted().year, 2069);
        assert_eq!(DateTime::date(70, 1, 1).adjusted().year, 1970);
        assert_eq!(DateTime::date(100, 1, 1).adjusted().year, 100);
        assert_eq!(DateTime::date(0, 2, 29).adjusted(), DateTime::date(2000, 2, 29));
    }
}
