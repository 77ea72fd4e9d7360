//! Asks the server what the connector must know of it: version, binlog settings, position, GTIDs.

use std::collections::BTreeMap;

use mysql_async::Row;

use super::connection::Session;
use super::gtid::GtidSet;
use crate::plugin::{ConnectError, Result};

/// What kind of server this is and how it logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    pub version: String,
    pub is_mariadb: bool,
    variables: BTreeMap<String, String>,
}

/// Where the binlog ends now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinlogEnd {
    pub file: String,
    pub pos: u64,
    /// All transactions up to here; none where the server numbers none.
    pub gtids: Option<GtidSet>,
}

const VARIABLES: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'log_bin', 'binlog_format', 'binlog_row_image', \
                         'binlog_row_metadata', 'binlog_row_value_options', 'binlog_rows_query_log_events', 'gtid_mode')";

impl ServerFacts {
    pub async fn read(session: &mut Session) -> Result<Self> {
        let rows: Vec<(String, String)> = session.query("read the server's settings", VARIABLES).await?;
        let variables: BTreeMap<String, String> =
            rows.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let version = variables.get("version").cloned().unwrap_or_default();
        Ok(Self { is_mariadb: version.to_ascii_lowercase().contains("mariadb"), version, variables })
    }

    #[cfg(test)]
    pub fn of<'a>(version: &str, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { is_mariadb: version.contains("MariaDB"), version: version.to_owned(), variables }
    }

    /// A server variable, empty if the server has none of this name.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    pub fn has_binlog(&self) -> bool {
        is_on(self.variable("log_bin"))
    }

    /// True if every transaction has a GTID. MariaDB always numbers them.
    pub fn uses_gtids(&self) -> bool {
        if self.is_mariadb { self.has_binlog() } else { self.variable("gtid_mode").eq_ignore_ascii_case("ON") }
    }

    fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let mut numbers = self.version.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
    }

    /// Where the binlog ends.
    ///
    /// # Errors
    /// `Config` if the server writes no binlog, or the account may not see it.
    pub async fn binlog_end(&self, session: &mut Session) -> Result<BinlogEnd> {
        // MySQL 8.2 brought the new statement, 8.4 took the old one away.
        let statement = if !self.is_mariadb && self.is_at_least(8, 2) { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" };
        let row: Option<Row> = session.first("read the binlog's position (REPLICATION CLIENT is needed)", statement).await?;
        let row = row.ok_or_else(|| {
            ConnectError::config("the server writes no binlog: set log_bin and restart it, or use snapshot.mode=initial_only")
        })?;
        let file: Option<String> = row.get_opt(0).and_then(|value| value.ok());
        let pos: Option<u64> = row.get_opt(1).and_then(|value| value.ok());
        let (Some(file), Some(pos)) = (file, pos) else {
            return Err(ConnectError::fatal(format!("cannot read the binlog's position: unexpected answer to {statement}")));
        };
        let gtids = if self.is_mariadb {
            session.first::<Option<String>>("read the GTID position", "SELECT @@GLOBAL.gtid_binlog_pos").await?.flatten()
        } else if self.uses_gtids() {
            row.get_opt::<Option<String>, _>(4).and_then(|value| value.ok()).flatten()
        } else {
            None
        };
        let gtids = gtids.map(|text| self.parse_gtids(&text)).transpose()?.filter(|set| !set.is_empty());
        Ok(BinlogEnd { file, pos, gtids })
    }

    pub fn parse_gtids(&self, text: &str) -> Result<GtidSet> {
        GtidSet::parse(text, self.is_mariadb)
            .map_err(|error| ConnectError::fatal(format!("cannot read the GTID set '{text}'")).caused_by(error))
    }

    /// The transactions whose events the server no longer has. Not known of MariaDB.
    pub async fn purged_gtids(&self, session: &mut Session) -> Result<GtidSet> {
        if self.is_mariadb {
            return Ok(GtidSet::empty(true));
        }
        let text: Option<String> = session.first("read the purged GTIDs", "SELECT @@GLOBAL.gtid_purged").await?;
        self.parse_gtids(&text.unwrap_or_default())
    }

    /// MariaDB: the transactions before a binlog file. Nothing if the server does not tell.
    pub async fn gtids_before(&self, session: &mut Session, file: &str) -> Result<GtidSet> {
        let sql = format!("SELECT BINLOG_GTID_POS('{}', 4)", file.replace(['\\', '\''], ""));
        let text: Option<Option<String>> = session.first("read the GTID position of the oldest binlog file", &sql).await?;
        self.parse_gtids(&text.flatten().unwrap_or_default())
    }

    /// The transactions the server has ever executed.
    pub async fn executed_gtids(&self, session: &mut Session) -> Result<GtidSet> {
        let sql = if self.is_mariadb { "SELECT @@GLOBAL.gtid_binlog_pos" } else { "SELECT @@GLOBAL.gtid_executed" };
        let text: Option<String> = session.first("read the executed GTIDs", sql).await?;
        self.parse_gtids(&text.unwrap_or_default())
    }
}

/// The binlog files the server has, oldest first, with their sizes.
pub async fn binlog_files(session: &mut Session) -> Result<Vec<(String, u64)>> {
    let rows: Vec<Row> = session.query("list the binlog files (REPLICATION CLIENT is needed)", "SHOW BINARY LOGS").await?;
    Ok(rows.iter().filter_map(|row| Some((row.get_opt::<String, _>(0)?.ok()?, row.get_opt::<u64, _>(1)?.ok()?))).collect())
}

/// What the account may do, as SHOW GRANTS prints it, in upper case.
pub async fn grants(session: &mut Session) -> Result<Vec<String>> {
    let rows: Vec<String> = session.query("read the account's privileges", "SHOW GRANTS").await?;
    Ok(rows.into_iter().map(|grant| grant.to_ascii_uppercase()).collect())
}

pub fn is_on(value: &str) -> bool {
    value.eq_ignore_ascii_case("on") || value == "1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions_by_number() {
        let facts = |version: &str| ServerFacts { version: version.to_owned(), ..ServerFacts::default() };
        assert!(facts("9.7.4-2").is_at_least(8, 2));
        assert!(facts("8.4.0").is_at_least(8, 2));
        assert!(!facts("8.0.33").is_at_least(8, 2));
        assert!(facts("10.11.19-MariaDB").is_at_least(8, 2));
    }
}
