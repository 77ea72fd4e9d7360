//! Checks that a server can be captured and that a stored position is still on it.

use std::time::Duration;

use tracing::warn;

use super::config::{MySqlConfig, StreamingSettings};
use super::connection::{self, Session};
use super::gtid::GtidSet;
use super::position::BinlogPosition;
use super::server::{self, ServerFacts, is_on};
use crate::config::ConfigReport;
use crate::plugin::{ConnectError, Result};

/// Says what of the server's settings keeps the connector from reading the binlog; empty if nothing does.
pub fn server_problems(facts: &ServerFacts) -> Vec<String> {
    let mut problems = Vec::new();
    if !facts.has_binlog() {
        // How it would write one is then of no interest.
        return vec![
            "the server writes no binlog (log_bin is OFF), which this connector reads; set log_bin and restart the server, or \
             read the tables once with snapshot.mode=initial_only"
                .to_owned(),
        ];
    }
    let format = facts.variable("binlog_format");
    if !format.eq_ignore_ascii_case("ROW") {
        problems.push(format!(
            "The database server is not configured to use a ROW binlog_format, which is required for this connector to work \
             properly (it is {format}). Change the database configuration to use a binlog_format=ROW and restart the connector."
        ));
    }
    let image = facts.variable("binlog_row_image");
    // Servers before 5.6 have no such variable and log whole rows.
    if !image.is_empty() && !image.eq_ignore_ascii_case("FULL") {
        problems.push(format!(
            "The database server is not configured to use a FULL binlog_row_image, which is required for this connector to work \
             properly (it is {image}). Change the database configuration to use a binlog_row_image=FULL and restart the connector."
        ));
    }
    let options = facts.variable("binlog_row_value_options");
    if !options.is_empty() {
        problems.push(format!(
            "binlog_row_value_options is {options}: partial JSON updates cannot be turned into whole rows; set it to ''"
        ));
    }
    problems
}

/// The privileges that are missing among those every run needs.
pub fn missing_privileges(grants: &[String], streams: bool) -> Vec<&'static str> {
    let has = |names: &[&str]| {
        grants.iter().any(|grant| {
            let privileges = grant.split(" ON ").next().unwrap_or_default();
            let on_everything = grant.contains(" ON *.*");
            on_everything
                && (privileges.contains("ALL PRIVILEGES")
                    || privileges.trim_start_matches("GRANT ").split(',').any(|privilege| names.contains(&privilege.trim())))
        })
    };
    let mut missing = Vec::new();
    if streams {
        if !has(&["REPLICATION SLAVE", "REPLICATION REPLICA"]) {
            missing.push("REPLICATION SLAVE");
        }
        if !has(&["REPLICATION CLIENT", "BINLOG MONITOR", "SUPER"]) {
            missing.push("REPLICATION CLIENT");
        }
    }
    missing
}

/// Asks the server whether it can be captured, and adds what it finds to the report.
pub async fn validate(config: &MySqlConfig, report: &mut ConfigReport) {
    let limit = config.validation_timeout.max(Duration::from_millis(1));
    let check = async {
        connection::resolve(&config.connection).await?;
        let mut session = Session::open(&config.connection).await?;
        let facts = ServerFacts::read(&mut session).await?;
        let streams = config.snapshot.mode.streams();
        let mut problems = if streams { server_problems(&facts) } else { Vec::new() };
        // Roles and dynamic privileges make SHOW GRANTS an unsure witness, so only what nobody mentions counts.
        let grants = server::grants(&mut session).await?;
        if !grants.iter().any(|grant| grant.contains("`@`") && grant.starts_with("GRANT `")) {
            for privilege in missing_privileges(&grants, streams) {
                problems.push(format!(
                    "user '{}' lacks {privilege}; run: GRANT {privilege} ON *.* TO that user",
                    config.connection.user
                ));
            }
        }
        Ok::<_, ConnectError>(problems)
    };
    match tokio::time::timeout(limit, Box::pin(check)).await {
        Ok(Ok(problems)) => {
            for problem in problems {
                report.add_error("database.hostname", problem);
            }
        }
        Ok(Err(error)) => {
            let text = error.trace().replace("\nCaused by: ", ": ");
            report.add_error("database.hostname", format!("Unable to connect: {text}"));
        }
        Err(_) => {
            report.add_error("database.hostname", format!("Connection validation timed out after {} ms", limit.as_millis()));
        }
    }
}

/// Whether reading can resume at a stored position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PositionState {
    Available,
    /// Why not, and what to do.
    Gone(String),
}

/// Asks the server whether it still has everything after a stored position.
pub async fn check_position(
    session: &mut Session,
    facts: &ServerFacts,
    settings: &StreamingSettings,
    position: &BinlogPosition,
) -> Result<PositionState> {
    if let Some(gtids) = &position.gtids
        && facts.uses_gtids()
        && !settings.ignore_gtids
        && !facts.is_mariadb
    {
        let stored = stored_gtids(facts, settings, gtids)?;
        let executed = facts.executed_gtids(session).await?;
        if !stored.is_within(&executed) {
            return Ok(PositionState::Gone(never_had(&stored.minus(&executed))));
        }
        let purged = facts.purged_gtids(session).await?;
        let needed = executed.minus(&stored);
        if needed.intersects(&purged) {
            return Ok(PositionState::Gone(purged_needed(&purged.minus(&stored))));
        }
        return Ok(PositionState::Available);
    }
    if position.file.is_empty() {
        return Ok(PositionState::Available);
    }
    let files = server::binlog_files(session).await?;
    if let Some(gtids) = &position.gtids
        && facts.is_mariadb
        && !settings.ignore_gtids
    {
        // MariaDB finds its place by GTID whatever the files are called.
        let stored = stored_gtids(facts, settings, gtids)?;
        let executed = facts.executed_gtids(session).await?;
        if !stored.is_within(&executed) {
            return Ok(PositionState::Gone(never_had(&stored.minus(&executed))));
        }
        let Some((oldest, _)) = files.first() else { return Ok(PositionState::Available) };
        let before = facts.gtids_before(session, oldest).await?.of_sources(|source| counts_source(settings, source));
        if !before.is_within(&stored) {
            return Ok(PositionState::Gone(purged_needed(&before.minus(&stored))));
        }
        return Ok(PositionState::Available);
    }
    match files.iter().find(|(file, _)| *file == position.file) {
        Some((_, size)) if position.pos <= *size => Ok(PositionState::Available),
        Some((file, size)) => Ok(PositionState::Gone(format!(
            "the stored position {file}:{} lies behind the end of that file ({size} bytes); the server's binlog was reset. {ADVICE}",
            position.pos
        ))),
        None => {
            let first = files.first().map_or("none", |(file, _)| file.as_str());
            Ok(PositionState::Gone(format!(
                "the server no longer has the binlog file {} of the stored position (its oldest is {first}). {ADVICE}",
                position.file
            )))
        }
    }
}

fn never_had(transactions: &GtidSet) -> String {
    format!(
        "the stored position holds transactions the server never had ({transactions}); this is another server or it was reset. \
         {ADVICE}"
    )
}

fn purged_needed(transactions: &GtidSet) -> String {
    format!("the server has purged binlog files that are still needed (transactions {transactions}). {ADVICE}")
}

const ADVICE: &str = "Set snapshot.mode=when_needed to read all tables again, or delete the connector's offsets";

/// The stored set without the sources that the settings leave out.
pub fn stored_gtids(facts: &ServerFacts, settings: &StreamingSettings, text: &str) -> Result<GtidSet> {
    let set = facts.parse_gtids(text)?;
    Ok(set.of_sources(|source| counts_source(settings, source)))
}

/// True if transactions of this source count for the position.
pub fn counts_source(settings: &StreamingSettings, source: &str) -> bool {
    match (&settings.gtid_includes, &settings.gtid_excludes) {
        (Some(includes), _) => includes.matches(source),
        (None, Some(excludes)) => !excludes.matches(source),
        (None, None) => true,
    }
}

/// Warns of settings that work and lose something.
pub fn warn_about(facts: &ServerFacts, config: &MySqlConfig) {
    let metadata = facts.variable("binlog_row_metadata");
    if !metadata.is_empty() && !metadata.eq_ignore_ascii_case("FULL") {
        warn!(
            binlog_row_metadata = metadata,
            "the binlog carries no column names: a table changed behind the schema history cannot be noticed; set binlog_row_metadata=FULL"
        );
    }
    if config.streaming.include_query && facts.is_mariadb {
        warn!("include.query is true, but MariaDB's statements are not read yet: the field 'query' stays null");
    } else if config.streaming.include_query && !is_on(facts.variable("binlog_rows_query_log_events")) {
        warn!("include.query is true, but the server logs no statements: set binlog_rows_query_log_events=ON");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_settings_of_the_server_are_in_the_way() {
        let good = [("log_bin", "ON"), ("binlog_format", "ROW"), ("binlog_row_image", "FULL")];
        let problems = |changes: &[(&str, &str)]| {
            let mut variables: std::collections::BTreeMap<_, _> = good.into_iter().collect();
            variables.extend(changes.iter().copied());
            server_problems(&ServerFacts::of("9.7.0", variables))
        };
        assert_eq!(problems(&[]), Vec::<String>::new());
        for (changes, part) in [
            (&[("log_bin", "OFF"), ("binlog_format", "MIXED")][..], "the server writes no binlog (log_bin is OFF)"),
            (
                &[("binlog_format", "STATEMENT")],
                "(it is STATEMENT). Change the database configuration to use a binlog_format=ROW",
            ),
            (
                &[("binlog_row_image", "MINIMAL")],
                "(it is MINIMAL). Change the database configuration to use a binlog_row_image=FULL",
            ),
            (&[("binlog_row_value_options", "PARTIAL_JSON")], "binlog_row_value_options is PARTIAL_JSON"),
        ] {
            let problems = problems(changes);
            assert!(problems.len() == 1 && problems[0].contains(part), "{problems:?}");
        }
    }

    #[test]
    fn finds_missing_privileges() {
        let grants = |lines: &[&str]| lines.iter().map(|line| line.to_ascii_uppercase()).collect::<Vec<_>>();
        assert_eq!(missing_privileges(&grants(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`%`"]), true), Vec::<&str>::new());
        assert_eq!(
            missing_privileges(&grants(&["GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `u`@`%`"]), true),
            Vec::<&str>::new()
        );
        assert_eq!(
            missing_privileges(&grants(&["GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `u`@`%`"]), true),
            Vec::<&str>::new()
        );
        assert_eq!(
            missing_privileges(&grants(&["GRANT SELECT ON *.* TO `u`@`%`", "GRANT ALL PRIVILEGES ON `a`.* TO `u`@`%`"]), true),
            ["REPLICATION SLAVE", "REPLICATION CLIENT"]
        );
        assert_eq!(missing_privileges(&grants(&["GRANT SELECT ON *.* TO `u`@`%`"]), false), Vec::<&str>::new());
    }
}
