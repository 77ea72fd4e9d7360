//! Parses the command line.

use std::path::{Path, PathBuf};

use crate::config::worker::ModeName;

/// What the user wants to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    pub mode: ModeName,
    /// Empty: a worker with no settings, as Java has it.
    pub worker_file: PathBuf,
    /// Connectors that a standalone worker creates at its start.
    pub connector_files: Vec<PathBuf>,
}

pub const USAGE: &str = "\
A Kafka Connect worker.

Usage:
  tributary distributed <worker.properties>
  tributary standalone <worker.properties> [<connector.properties|connector.json> ...]
  tributary --version

The binary also answers to the names connect-distributed and connect-standalone, without the first argument.
Settings and files are those of Apache Kafka Connect. TRIBUTARY_LOG sets log levels, such as
TRIBUTARY_LOG=info,tributary.rest=debug; they can be changed while running at /admin/loggers.";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    Run(Invocation),
    Version,
    /// Something is missing or too much, or help was asked for; Connect ends with 1 in both cases.
    Usage,
}

/// Reads the arguments, the program's own name first.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Parsed {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_default();
    let program = Path::new(&program).file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let mut arguments = arguments.peekable();
    let mode = match program.as_str() {
        "connect-distributed" => ModeName::Distributed,
        "connect-standalone" => ModeName::Standalone,
        _ => match arguments.next().as_deref() {
            Some("distributed") => ModeName::Distributed,
            Some("standalone") => ModeName::Standalone,
            Some("--version" | "-V") => return Parsed::Version,
            _ => return Parsed::Usage,
        },
    };
    let rest = arguments.collect::<Vec<_>>();
    if rest.iter().any(|argument| matches!(argument.as_str(), "--help" | "-h")) {
        return Parsed::Usage;
    }
    let mut files = rest.into_iter().map(PathBuf::from);
    let Some(worker_file) = files.next() else { return Parsed::Usage };
    let connector_files = files.collect::<Vec<_>>();
    if mode == ModeName::Distributed && !connector_files.is_empty() {
        return Parsed::Usage;
    }
    Parsed::Run(Invocation { mode, worker_file, connector_files })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Parsed {
        parse(line.split(' ').map(str::to_owned))
    }

    fn invocation(mode: ModeName, files: &[&str]) -> Parsed {
        let mut files = files.iter().map(PathBuf::from);
        Parsed::Run(Invocation { mode, worker_file: files.next().unwrap(), connector_files: files.collect() })
    }

    #[test]
    fn both_commands_and_javas_names() {
        let distributed = invocation(ModeName::Distributed, &["w"]);
        assert_eq!(run("tributary distributed w"), distributed);
        assert_eq!(run("/usr/bin/connect-distributed w"), distributed);
        let standalone = invocation(ModeName::Standalone, &["w", "a.properties", "b.json"]);
        assert_eq!(run("tributary standalone w a.properties b.json"), standalone);
        assert_eq!(run("connect-standalone.sh w a.properties b.json"), standalone);
    }

    #[test]
    fn everything_else_is_told_the_usage() {
        for line in [
            "tributary",
            "tributary --help",
            "tributary run w",
            "tributary standalone",
            "tributary distributed w c",
            "tributary standalone w --help",
        ] {
            assert_eq!(run(line), Parsed::Usage, "{line}");
        }
        assert_eq!(run("tributary --version"), Parsed::Version);
    }
}
