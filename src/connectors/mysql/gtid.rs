//! Knows sets of global transaction ids, in MySQL's form and in MariaDB's.
//!
//! MySQL: `uuid:1-5:7,uuid2:1-3`, since 8.4 also `uuid:1-5:tag:1-2`. MariaDB: `domain-server-sequence`, one per domain,
//! each standing for everything in its domain up to that sequence number.

use std::collections::BTreeMap;
use std::fmt;

use mysql_common::packets::{GnoInterval, Sid, Tag};

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gtid {
    MySql { source: SourceId, number: u64 },
    MariaDb { domain: u32, server: u32, sequence: u64 },
}

impl Gtid {
    /// The part that `gtid.source.includes` and `gtid.source.excludes` look at.
    pub fn source(&self) -> String {
        match self {
            Self::MySql { source, .. } => source.uuid_text(),
            Self::MariaDb { domain, server, .. } => format!("{domain}-{server}"),
        }
    }
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql { source, number } => write!(f, "{source}:{number}"),
            Self::MariaDb { domain, server, sequence } => write!(f, "{domain}-{server}-{sequence}"),
        }
    }
}

/// Who numbers MySQL transactions: a server, and since 8.4 a tag beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId {
    pub uuid: [u8; 16],
    /// Empty if there is none.
    pub tag: String,
}

impl SourceId {
    pub fn uuid_text(&self) -> String {
        uuid::Uuid::from_bytes(self.uuid).to_string()
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uuid_text())?;
        if self.tag.is_empty() { Ok(()) } else { write!(f, ":{}", self.tag) }
    }
}

/// A set of transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GtidSet {
    /// Sorted, disjoint, not adjacent ranges of numbers, both ends included.
    MySql(BTreeMap<SourceId, Vec<(u64, u64)>>),
    /// The last (server, sequence) of each domain.
    MariaDb(BTreeMap<u32, (u32, u64)>),
}

/// The text that is no GTID set, and the part that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{part}' is not part of a GTID set")]
pub struct BadGtidSet {
    part: String,
}

impl GtidSet {
    pub fn empty(mariadb: bool) -> Self {
        if mariadb { Self::MariaDb(BTreeMap::new()) } else { Self::MySql(BTreeMap::new()) }
    }

    /// Reads a set. Blanks and line ends are ignored, as servers print sets over several lines.
    ///
    /// # Errors
    /// The first part that is not understood.
    pub fn parse(text: &str, mariadb: bool) -> Result<Self, BadGtidSet> {
        let mut set = Self::empty(mariadb);
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let bad = || BadGtidSet { part: part.to_owned() };
            match &mut set {
                Self::MySql(sources) => parse_source(part, sources).ok_or_else(bad)?,
                Self::MariaDb(domains) => {
                    let mut numbers = part.split('-');
                    let (Some(domain), Some(server), Some(sequence), None) =
                        (numbers.next(), numbers.next(), numbers.next(), numbers.next())
                    else {
                        return Err(bad());
                    };
                    let (domain, server, sequence) = (
                        domain.parse().map_err(|_| bad())?,
                        server.parse().map_err(|_| bad())?,
                        sequence.parse().map_err(|_| bad())?,
                    );
                    keep_last(domains, domain, server, sequence);
                }
            }
        }
        Ok(set)
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::MySql(sources) => sources.is_empty(),
            Self::MariaDb(domains) => domains.is_empty(),
        }
    }

    /// Adds one transaction; one of the other kind is ignored.
    pub fn add(&mut self, gtid: &Gtid) {
        match (self, gtid) {
            (Self::MySql(sources), Gtid::MySql { source, number }) => match sources.get_mut(source) {
                Some(ranges) => match ranges.last_mut() {
                    // Nearly always the next number of a known source.
                    Some(last) if last.1.checked_add(1) == Some(*number) => last.1 = *number,
                    _ => add_range(ranges, *number, *number),
                },
                None => {
                    sources.insert(source.clone(), vec![(*number, *number)]);
                }
            },
            (Self::MariaDb(domains), Gtid::MariaDb { domain, server, sequence }) => {
                domains.insert(*domain, (*server, *sequence));
            }
            _ => {}
        }
    }

    pub fn contains(&self, gtid: &Gtid) -> bool {
        match (self, gtid) {
            (Self::MySql(sources), Gtid::MySql { source, number }) => {
                sources.get(source).is_some_and(|ranges| ranges.iter().any(|(from, to)| (from..=to).contains(&number)))
            }
            (Self::MariaDb(domains), Gtid::MariaDb { domain, sequence, .. }) => {
                domains.get(domain).is_some_and(|(_, last)| sequence <= last)
            }
            _ => false,
        }
    }

    /// True if every transaction of this set is in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MySql(mine), Self::MySql(theirs)) => mine.iter().all(|(source, ranges)| {
                ranges.iter().all(|(from, to)| {
                    theirs.get(source).is_some_and(|outer| outer.iter().any(|(start, end)| start <= from && to <= end))
                })
            }),
            (Self::MariaDb(mine), Self::MariaDb(theirs)) => {
                mine.iter().all(|(domain, (_, sequence))| theirs.get(domain).is_some_and(|(_, last)| sequence <= last))
            }
            _ => self.is_empty(),
        }
    }

    /// What is in this set and not in `other`. Of MariaDB: the domains in which this set is further.
    pub fn minus(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::MySql(mine), Self::MySql(theirs)) => {
                let mut result = BTreeMap::new();
                for (source, ranges) in mine {
                    let mut left = ranges.clone();
                    for (start, end) in theirs.get(source).into_iter().flatten() {
                        left = left.into_iter().flat_map(|range| cut(range, (*start, *end))).collect();
                    }
                    if !left.is_empty() {
                        result.insert(source.clone(), left);
                    }
                }
                Self::MySql(result)
            }
            (Self::MariaDb(mine), Self::MariaDb(theirs)) => Self::MariaDb(
                mine.iter()
                    .filter(|(domain, (_, sequence))| theirs.get(domain).is_none_or(|(_, last)| sequence > last))
                    .map(|(domain, last)| (*domain, *last))
                    .collect(),
            ),
            _ => self.clone(),
        }
    }

    /// Both sets together.
    pub fn plus(&self, other: &Self) -> Self {
        let mut result = self.clone();
        match (&mut result, other) {
            (Self::MySql(sources), Self::MySql(more)) => {
                for (source, ranges) in more {
                    let mine = sources.entry(source.clone()).or_default();
                    for (from, to) in ranges {
                        add_range(mine, *from, *to);
                    }
                }
            }
            (Self::MariaDb(domains), Self::MariaDb(more)) => {
                for (domain, (server, sequence)) in more {
                    keep_last(domains, *domain, *server, *sequence);
                }
            }
            _ => {}
        }
        result
    }

    /// True if a transaction is in both.
    pub fn intersects(&self, other: &Self) -> bool {
        match self {
            Self::MySql(_) => self.minus(other) != *self,
            Self::MariaDb(mine) => match other {
                Self::MariaDb(theirs) => mine.keys().any(|domain| theirs.contains_key(domain)),
                Self::MySql(_) => false,
            },
        }
    }

    /// The transactions of the sources for which `keep` says true; it is asked as [`Gtid::source`] spells them.
    pub fn of_sources(&self, keep: impl Fn(&str) -> bool) -> Self {
        match self {
            Self::MySql(sources) => Self::MySql(
                sources
                    .iter()
                    .filter(|(source, _)| keep(&source.uuid_text()))
                    .map(|(source, ranges)| (source.clone(), ranges.clone()))
                    .collect(),
            ),
            Self::MariaDb(domains) => Self::MariaDb(
                domains
                    .iter()
                    .filter(|(domain, (server, _))| keep(&format!("{domain}-{server}")))
                    .map(|(domain, last)| (*domain, *last))
                    .collect(),
            ),
        }
    }

    /// True if the set holds transactions of this source.
    pub fn has_source(&self, source: &str) -> bool {
        !self.of_sources(|name| name == source).is_empty()
    }

    /// The set as COM_BINLOG_DUMP_GTID wants it. Empty for MariaDB, which is told by a session variable.
    pub fn to_sids(&self) -> Vec<Sid<'static>> {
        let Self::MySql(sources) = self else { return Vec::new() };
        sources
            .iter()
            .map(|(source, ranges)| {
                // The end of an interval is excluded on the wire.
                let intervals = ranges.iter().map(|(from, to)| GnoInterval::new(*from, to.saturating_add(1))).collect();
                let sid = Sid::new(source.uuid).with_intervals(intervals);
                match Tag::new(source.tag.clone()) {
                    Ok(tag) => sid.with_tag(tag),
                    Err(_) => sid,
                }
            })
            .collect()
    }
}

impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql(sources) => {
                let mut previous: Option<&[u8; 16]> = None;
                for (source, ranges) in sources {
                    match previous {
                        Some(uuid) if *uuid == source.uuid => {}
                        Some(_) => write!(f, ",{}", source.uuid_text())?,
                        None => f.write_str(&source.uuid_text())?,
                    }
                    if !source.tag.is_empty() {
                        write!(f, ":{}", source.tag)?;
                    }
                    for (from, to) in ranges {
                        if from == to { write!(f, ":{from}")? } else { write!(f, ":{from}-{to}")? }
                    }
                    previous = Some(&source.uuid);
                }
                Ok(())
            }
            Self::MariaDb(domains) => {
                for (index, (domain, (server, sequence))) in domains.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{domain}-{server}-{sequence}")?;
                }
                Ok(())
            }
        }
    }
}

/// `uuid:1-5:7:tag:1-3` into its sources; nothing if it is not of this form.
fn parse_source(part: &str, sources: &mut BTreeMap<SourceId, Vec<(u64, u64)>>) -> Option<()> {
    let mut pieces = part.split(':');
    let uuid = uuid::Uuid::parse_str(pieces.next()?).ok()?.into_bytes();
    let mut source = SourceId { uuid, tag: String::new() };
    let mut seen = false;
    for piece in pieces {
        if piece.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            source = SourceId { uuid, tag: Tag::new(piece.to_ascii_lowercase()).ok()?.to_string() };
            continue;
        }
        let (from, to) = piece.split_once('-').unwrap_or((piece, piece));
        let (from, to) = (from.parse().ok()?, to.parse().ok()?);
        if from == 0 || to < from {
            return None;
        }
        add_range(sources.entry(source.clone()).or_default(), from, to);
        seen = true;
    }
    seen.then_some(())
}

fn add_range(ranges: &mut Vec<(u64, u64)>, mut from: u64, mut to: u64) {
    // Everything that overlaps or touches the new range melts into it.
    ranges.retain(|&(start, end)| {
        let apart = end.saturating_add(1) < from || to.saturating_add(1) < start;
        if !apart {
            from = from.min(start);
            to = to.max(end);
        }
        apart
    });
    let at = ranges.partition_point(|&(start, _)| start < from);
    ranges.insert(at, (from, to));
}

/// What is left of a range without another: nothing, one or two pieces.
fn cut((from, to): (u64, u64), (start, end): (u64, u64)) -> impl Iterator<Item = (u64, u64)> {
    let before = (from < start).then(|| (from, to.min(start - 1)));
    let after = (to > end).then(|| (from.max(end.saturating_add(1)), to));
    // A range wholly on one side of the other is given by exactly one of them.
    before.into_iter().chain(after)
}

fn keep_last(domains: &mut BTreeMap<u32, (u32, u64)>, domain: u32, server: u32, sequence: u64) {
    let last = domains.entry(domain).or_insert((server, sequence));
    if sequence > last.1 {
        *last = (server, sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "753e80d0-e8ba-11f1-be0f-02fc00000001";
    const B: &str = "853e80d0-e8ba-11f1-be0f-02fc00000001";

    fn mysql(text: &str) -> GtidSet {
        GtidSet::parse(text, false).unwrap()
    }

    fn mariadb(text: &str) -> GtidSet {
        GtidSet::parse(text, true).unwrap()
    }

    fn number(number: u64) -> Gtid {
        let GtidSet::MySql(sources) = mysql(&format!("{A}:1")) else { unreachable!() };
        Gtid::MySql { source: sources.into_keys().next().unwrap(), number }
    }

    #[test]
    fn prints_what_it_read_in_normal_form() {
        for (text, printed) in [
            (format!("{A}:1-5:7,{B}:3"), format!("{A}:1-5:7,{B}:3")),
            (format!("{B}:3,\n{A}:7:1-3:4-5"), format!("{A}:1-5:7,{B}:3")),
            (format!("{}:1", A.to_uppercase()), format!("{A}:1")),
            (format!("{A}:1-2:blue:1-3:red:9"), format!("{A}:1-2:blue:1-3:red:9")),
            (String::new(), String::new()),
        ] {
            assert_eq!(mysql(&text).to_string(), printed);
        }
        assert_eq!(mariadb("0-1-5,1-2-9").to_string(), "0-1-5,1-2-9");
        assert_eq!(mariadb("0-1-5,0-2-9,0-3-2").to_string(), "0-2-9");
    }

    #[test]
    fn refuses_what_is_no_set() {
        for text in ["x", A, &format!("{A}:0"), &format!("{A}:5-3"), &format!("{A}:1-x")] {
            assert!(GtidSet::parse(text, false).is_err(), "{text}");
        }
        assert!(GtidSet::parse("0-1", true).is_err());
        assert!(GtidSet::parse("0-1-2-3", true).is_err());
    }

    #[test]
    fn adds_in_any_order() {
        let mut set = GtidSet::empty(false);
        for n in [5, 1, 2, 4, 9, 3, 3] {
            set.add(&number(n));
        }
        assert_eq!(set.to_string(), format!("{A}:1-5:9"));
        assert!(set.contains(&number(4)) && !set.contains(&number(6)));
    }

    #[test]
    fn compares_and_subtracts() {
        let big = mysql(&format!("{A}:1-10,{B}:1-3"));
        assert!(mysql(&format!("{A}:2-5:7")).is_within(&big));
        assert!(!mysql(&format!("{A}:2-11")).is_within(&big));
        assert!(!big.is_within(&mysql(&format!("{A}:1-10"))));
        assert_eq!(big.minus(&mysql(&format!("{A}:3-4:9"))).to_string(), format!("{A}:1-2:5-8:10,{B}:1-3"));
        assert_eq!(big.minus(&mysql(&format!("{A}:1-20"))).to_string(), format!("{B}:1-3"));
        assert_eq!(mysql(&format!("{A}:5")).minus(&mysql(&format!("{A}:7-9"))).to_string(), format!("{A}:5"));
        assert_eq!(mysql(&format!("{A}:5")).minus(&mysql(&format!("{A}:1-3"))).to_string(), format!("{A}:5"));
        assert_eq!(mysql(&format!("{A}:1-3")).plus(&mysql(&format!("{A}:3-9,{B}:1"))).to_string(), format!("{A}:1-9,{B}:1"));
        assert!(big.intersects(&mysql(&format!("{A}:10-12"))));
        assert!(!big.intersects(&mysql(&format!("{A}:11-12"))));
        assert_eq!(big.of_sources(|source| source == B).to_string(), format!("{B}:1-3"));
    }

    #[test]
    fn a_mariadb_position_stands_for_everything_before_it() {
        assert!(mariadb("0-1-5").is_within(&mariadb("0-2-9")));
        assert!(!mariadb("0-1-5,1-1-1").is_within(&mariadb("0-2-9")));
        assert_eq!(mariadb("0-1-5,1-1-1").minus(&mariadb("0-2-9")).to_string(), "1-1-1");
        let mut set = mariadb("0-1-5");
        set.add(&Gtid::MariaDb { domain: 0, server: 3, sequence: 6 });
        assert_eq!(set.to_string(), "0-3-6");
    }
}
