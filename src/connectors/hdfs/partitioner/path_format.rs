//! Formats times by the patterns of Joda-Time, which `path.format` is written in.
//!
//! Source: contracts/hdfs-sink.md, section 8.4.

use std::fmt::Write;

use jiff::Zoned;
use jiff::civil::Weekday;

/// A pattern, read once.
#[derive(Clone, Debug, PartialEq)]
pub struct PathFormat {
    tokens: Vec<Token>,
    names: &'static Names,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Literal(String),
    Number(Number, usize),
    /// Two digits of a year.
    ShortYear(Number),
    Fraction(usize),
    Month {
        full: bool,
    },
    Weekday {
        full: bool,
    },
    HalfDay,
    Era,
    ZoneAbbreviation,
    Offset {
        colon: bool,
    },
    ZoneId,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Year,
    YearOfEra,
    Century,
    WeekYear,
    Week,
    DayOfWeek,
    Month,
    Day,
    DayOfYear,
    Hour,
    ClockHour,
    HalfDayHour,
    HalfDayClockHour,
    Minute,
    Second,
}

impl PathFormat {
    /// # Errors
    /// The reason, as text, if the pattern uses a letter without meaning or a name we cannot write.
    pub fn compile(pattern: &str, locale: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            if first.is_ascii_alphabetic() {
                let count = rest.chars().take_while(|c| *c == first).count();
                tokens.push(letter(first, count)?);
                rest = &rest[count..];
            } else {
                let (text, after) = literal(rest);
                tokens.push(Token::Literal(text));
                rest = after;
            }
        }
        let named =
            tokens.iter().any(|token| matches!(token, Token::Month { .. } | Token::Weekday { .. } | Token::HalfDay | Token::Era));
        let names = if named { Names::of(locale)? } else { &ROOT };
        Ok(Self { tokens, names })
    }

    pub fn format(&self, time: &Zoned, out: &mut String) {
        for token in &self.tokens {
            match token {
                Token::Literal(text) => out.push_str(text),
                Token::Number(number, width) => padded(number.of(time), *width, out),
                Token::ShortYear(number) => padded(number.of(time).rem_euclid(100), 2, out),
                Token::Fraction(width) => {
                    let digits = format!("{:03}", time.millisecond());
                    out.extend(digits.chars().chain(std::iter::repeat('0')).take(*width));
                }
                Token::Month { full } => {
                    let names = if *full { &self.names.months } else { &self.names.short_months };
                    out.push_str(names.get(usize::from(time.month().unsigned_abs()).wrapping_sub(1)).unwrap_or(&""));
                }
                Token::Weekday { full } => {
                    let names = if *full { &self.names.weekdays } else { &self.names.short_weekdays };
                    out.push_str(names.get(usize::from(time.weekday().to_sunday_zero_offset().unsigned_abs())).unwrap_or(&""));
                }
                Token::HalfDay => out.push_str(self.names.half_days[usize::from(time.hour() >= 12)]),
                Token::Era => out.push_str(self.names.eras[usize::from(time.year() > 0)]),
                Token::ZoneAbbreviation => {
                    out.push_str(time.time_zone().to_offset_info(time.timestamp()).abbreviation());
                }
                Token::Offset { colon } => offset(time.offset().seconds(), *colon, out),
                Token::ZoneId => match time.time_zone().iana_name() {
                    Some(name) => out.push_str(name),
                    None => offset(time.offset().seconds(), true, out),
                },
            }
        }
    }
}

fn letter(letter: char, count: usize) -> Result<Token, String> {
    let number = |number| Ok(Token::Number(number, count));
    let year = |number| if count == 2 { Ok(Token::ShortYear(number)) } else { Ok(Token::Number(number, count)) };
    match letter {
        'Y' => year(Number::YearOfEra),
        'y' => year(Number::Year),
        'x' => year(Number::WeekYear),
        'C' => number(Number::Century),
        'w' => number(Number::Week),
        'e' => number(Number::DayOfWeek),
        'M' if count >= 3 => Ok(Token::Month { full: count >= 4 }),
        'M' => number(Number::Month),
        'd' => number(Number::Day),
        'D' => number(Number::DayOfYear),
        'H' => number(Number::Hour),
        'k' => number(Number::ClockHour),
        'K' => number(Number::HalfDayHour),
        'h' => number(Number::HalfDayClockHour),
        'm' => number(Number::Minute),
        's' => number(Number::Second),
        'S' => Ok(Token::Fraction(count)),
        'E' => Ok(Token::Weekday { full: count >= 4 }),
        'a' => Ok(Token::HalfDay),
        'G' => Ok(Token::Era),
        'z' if count < 4 => Ok(Token::ZoneAbbreviation),
        'z' => Err("full names of time zones ('zzzz') are not available; use 'z' or 'ZZZ'".to_owned()),
        'Z' if count >= 3 => Ok(Token::ZoneId),
        'Z' => Ok(Token::Offset { colon: count == 2 }),
        _ => Err(format!("Illegal pattern component: {}", String::from(letter).repeat(count))),
    }
}

/// Takes literal text up to the next pattern letter. An unterminated quote runs to the end.
fn literal(pattern: &str) -> (String, &str) {
    let mut text = String::new();
    let mut quoted = false;
    let mut chars = pattern.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\'' {
            if chars.next_if(|(_, next)| *next == '\'').is_some() {
                text.push('\'');
            } else {
                quoted = !quoted;
            }
        } else if !quoted && c.is_ascii_alphabetic() {
            return (text, &pattern[at..]);
        } else {
            text.push(c);
        }
    }
    (text, "")
}

impl Number {
    fn of(self, time: &Zoned) -> i64 {
        let year = i64::from(time.year());
        let hour = i64::from(time.hour());
        match self {
            Self::Year => year,
            // The year before year 1 is year 1 of the other era.
            Self::YearOfEra if year <= 0 => 1 - year,
            Self::YearOfEra => year,
            Self::Century if year <= 0 => (1 - year) / 100,
            Self::Century => year / 100,
            Self::WeekYear => i64::from(time.date().iso_week_date().year()),
            Self::Week => i64::from(time.date().iso_week_date().week()),
            Self::DayOfWeek => i64::from(Weekday::to_monday_one_offset(time.weekday())),
            Self::Month => i64::from(time.month()),
            Self::Day => i64::from(time.day()),
            Self::DayOfYear => i64::from(time.day_of_year()),
            Self::Hour => hour,
            Self::ClockHour => (hour + 23) % 24 + 1,
            Self::HalfDayHour => hour % 12,
            Self::HalfDayClockHour => (hour + 11) % 12 + 1,
            Self::Minute => i64::from(time.minute()),
            Self::Second => i64::from(time.second()),
        }
    }
}

fn padded(number: i64, width: usize, out: &mut String) {
    if number < 0 {
        out.push('-');
    }
    // Writing to a string cannot fail.
    let _ = write!(out, "{:0width$}", number.unsigned_abs());
}

fn offset(seconds: i32, colon: bool, out: &mut String) {
    out.push(if seconds < 0 { '-' } else { '+' });
    let seconds = seconds.unsigned_abs();
    let colon = if colon { ":" } else { "" };
    let _ = write!(out, "{:02}{colon}{:02}", seconds / 3600, seconds / 60 % 60);
    if !seconds.is_multiple_of(60) {
        let _ = write!(out, "{colon}{:02}", seconds % 60);
    }
}

/// Names of a language as JDK 17 knows them. Weeks start on Sunday.
#[derive(Debug, PartialEq)]
struct Names {
    language: &'static str,
    months: [&'static str; 12],
    short_months: [&'static str; 12],
    weekdays: [&'static str; 7],
    short_weekdays: [&'static str; 7],
    half_days: [&'static str; 2],
    eras: [&'static str; 2],
}

impl Names {
    /// The setting is taken as a bare language; Java falls back to the root names for what is not one.
    fn of(locale: &str) -> Result<&'static Self, String> {
        if let Some(names) = LANGUAGES.iter().find(|names| names.language.eq_ignore_ascii_case(locale)) {
            return Ok(names);
        }
        if locale.len() == 2 && locale.bytes().all(|b| b.is_ascii_lowercase()) {
            let known = LANGUAGES.iter().map(|names| names.language).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "names in the language '{locale}' are not available, only in {known}; numbers are available in all"
            ));
        }
        Ok(&ROOT)
    }
}

const ENGLISH_MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const ENGLISH_DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

static ROOT: Names = Names {
    language: "",
    months: ENGLISH_MONTHS,
    short_months: ENGLISH_MONTHS,
    weekdays: ENGLISH_DAYS,
    short_weekdays: ENGLISH_DAYS,
    half_days: ["AM", "PM"],
    eras: ["BCE", "CE"],
};

static LANGUAGES: [Names; 6] = [
    Names {
        language: "en",
        months: [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        short_months: ENGLISH_MONTHS,
        weekdays: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
        short_weekdays: ENGLISH_DAYS,
        half_days: ["AM", "PM"],
        eras: ["BC", "AD"],
    },
    Names {
        language: "pt",
        months: [
            "janeiro",
            "fevereiro",
            "março",
            "abril",
            "maio",
            "junho",
            "julho",
            "agosto",
            "setembro",
            "outubro",
            "novembro",
            "dezembro",
        ],
        short_months: ["jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."],
        weekdays: ["domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"],
        short_weekdays: ["dom.", "seg.", "ter.", "qua.", "qui.", "sex.", "sáb."],
        half_days: ["AM", "PM"],
        eras: ["a.C.", "d.C."],
    },
    Names {
        language: "es",
        months: [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        short_months: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
        weekdays: ["domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"],
        short_weekdays: ["dom", "lun", "mar", "mié", "jue", "vie", "sáb"],
        half_days: ["a.\u{a0}m.", "p.\u{a0}m."],
        eras: ["a. C.", "d. C."],
    },
    Names {
        language: "fr",
        months: [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
        short_months: ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
        weekdays: ["dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"],
        short_weekdays: ["dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."],
        half_days: ["AM", "PM"],
        eras: ["av. J.-C.", "ap. J.-C."],
    },
    Names {
        language: "de",
        months: [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
        short_months: ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
        weekdays: ["Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"],
        short_weekdays: ["So.", "Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa."],
        half_days: ["AM", "PM"],
        eras: ["v. Chr.", "n. Chr."],
    },
    Names {
        language: "it",
        months: [
            "gennaio",
            "febbraio",
            "marzo",
            "aprile",
            "maggio",
            "giugno",
            "luglio",
            "agosto",
            "settembre",
            "ottobre",
            "novembre",
            "dicembre",
        ],
        short_months: ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
        weekdays: ["domenica", "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato"],
        short_weekdays: ["dom", "lun", "mar", "mer", "gio", "ven", "sab"],
        half_days: ["AM", "PM"],
        eras: ["a.C.", "d.C."],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn format(pattern: &str, locale: &str, time: &str) -> String {
        let mut out = String::new();
        PathFormat::compile(pattern, locale).unwrap().format(&time.parse().unwrap(), &mut out);
        out
    }

    /// The expected texts are what Joda-Time 2.12.5 printed on JDK 17.
    #[test]
    fn patterns_print_as_joda_prints_them() {
        let time = "2015-04-02T15:07:09.045-03:00[America/Sao_Paulo]";
        for (pattern, text) in [
            ("'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", "year=2015/month=04/day=02/hour=15"),
            ("'year='YYYY", "year=2015"),
            ("YY yy xx Y y x YYYYY", "15 15 15 2015 2015 2015 02015"),
            ("M MM d dd D DDDD e w ww", "4 04 2 02 92 0092 4 14 14"),
            ("H HH k K h hh m mm s sss", "15 15 15 3 3 03 7 07 9 009"),
            ("S SS SSS SSSS", "0 04 045 0450"),
            ("Z ZZ ZZZ", "-0300 -03:00 America/Sao_Paulo"),
            ("C CCC", "20 020"),
            ("'it''s' ''YY'' 'open YY", "it's '15' open YY"),
        ] {
            assert_eq!(format(pattern, "en", time), text, "{pattern}");
        }
        assert_eq!(format("k K h a", "en", "2015-04-02T00:07:09Z[UTC]"), "24 0 12 AM");
        assert_eq!(format("h a E EEEE MMM MMMM G", "en", "2015-04-02T12:07:09Z[UTC]"), "12 PM Thu Thursday Apr April AD");
        assert_eq!(format("EEE EEEE MMM MMMM", "fr", "2015-04-02T12:07:09Z[UTC]"), "jeu. jeudi avr. avril");
        assert_eq!(format("xxxx-'W'ww-e", "en", "2016-01-03T12:00:00Z[UTC]"), "2015-W53-7");
    }

    #[test]
    fn unknown_languages_use_the_root_names() {
        for locale in ["US", "en-US", "fr_FR", "xx1"] {
            assert_eq!(format("MMM MMMM EEEE", locale, "2015-04-02T12:00:00Z[UTC]"), "Apr Apr Thu", "{locale}");
        }
        assert!(PathFormat::compile("MMM", "ru").unwrap_err().contains("'ru'"));
        assert!(PathFormat::compile("MM", "ru").is_ok());
    }

    #[test]
    fn letters_without_meaning_are_refused() {
        for pattern in ["year=YYYY", "year='YYYY'", "q", "zzzz"] {
            assert!(PathFormat::compile(pattern, "en").is_err(), "{pattern}");
        }
    }
}
