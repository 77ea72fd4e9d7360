//! Writes what librdkafka reports, but says that a broker is away once a minute and not at each attempt to reach it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;

/// How often an outage that lasts is told.
const INTERVAL: Duration = Duration::from_secs(60);
/// A client that notices the end of an outage late still reports it for this long.
const LATE: Duration = Duration::from_secs(5);
/// Reasons remembered; beyond it they are told anew, which only costs lines.
const LIMIT: usize = 256;

/// What all clients of the process have reported: each of them has connections of its own to the same brokers.
static OUTAGES: Mutex<Outages> = Mutex::new(Outages { told: BTreeMap::new(), ended: None });

pub(super) fn write(level: RDKafkaLogLevel, facility: &str, message: &str) {
    // FAIL: a connection could not be made or was lost. librdkafka calls that an error although it connects again by itself.
    if facility == "FAIL" {
        let reason = reason(message);
        if OUTAGES.lock().is_news(reason, Instant::now()) {
            tracing::warn!(target: "kafka", "cannot reach a Kafka broker: {reason}; the clients go on trying");
        }
        return;
    }
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(target: "kafka", "{facility}: {message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(target: "kafka", "{facility}: {message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(target: "kafka", "{facility}: {message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(target: "kafka", "{facility}: {message}"),
    }
}

/// Called when a client that had reported trouble works again.
pub(super) fn recovered() {
    if OUTAGES.lock().end(Instant::now()) {
        tracing::info!(target: "kafka", "the Kafka brokers answer again");
    }
}

/// What is the same for all clients and attempts: `[thrd:a:1/7]: a:1/7: Connect to a:1 failed (after 5ms in state UP)` is
/// about "Connect to a:1 failed".
fn reason(message: &str) -> &str {
    let message = message.split_once("]: ").map_or(message, |(_thread, rest)| rest);
    let message = message.split_once(" (after ").map_or(message, |(what, _count)| what);
    // The name of the connection: the broker's address, perhaps under the name of a role.
    let message = message.strip_prefix("GroupCoordinator: ").unwrap_or(message);
    match message.split_once(": ") {
        Some((name, rest)) if name.contains(':') && !name.contains(' ') => rest,
        _ => message,
    }
}

struct Outages {
    /// When each reason was told last.
    told: BTreeMap<String, Instant>,
    ended: Option<Instant>,
}

impl Outages {
    fn is_news(&mut self, reason: &str, now: Instant) -> bool {
        if self.ended.is_some_and(|ended| now < ended + LATE) {
            return false;
        }
        if self.told.get(reason).is_some_and(|told| now < *told + INTERVAL) {
            return false;
        }
        if self.told.len() >= LIMIT {
            self.told.clear();
        }
        self.told.insert(reason.to_owned(), now);
        self.ended = None;
        true
    }

    /// True if an outage was told that nobody has seen the end of.
    fn end(&mut self, now: Instant) -> bool {
        let lasted = !self.told.is_empty();
        self.told.clear();
        if lasted {
            self.ended = Some(now);
        }
        lasted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_same_for_every_client_and_attempt() {
        let refused = "Connect to ipv4#127.0.0.1:9092 failed: Connection refused";
        for (message, expected) in [
            (
                "[thrd:127.0.0.1:9092/bootstrap]: 127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)",
                refused,
            ),
            (
                "[thrd:b:9092/1]: b:9092/1: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT, 32 identical error(s) suppressed)",
                refused,
            ),
            (
                "[thrd:GroupCoordinator]: GroupCoordinator: 127.0.0.1:9092: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)",
                refused,
            ),
            (
                "[thrd:sasl_ssl://b:1/7]: sasl_ssl://b:1/7: Disconnected while requesting ApiVersion: broker closed it (after 9ms in state APIVERSION_QUERY)",
                "Disconnected while requesting ApiVersion: broker closed it",
            ),
            ("no form at all", "no form at all"),
        ] {
            assert_eq!(reason(message), expected);
        }
    }

    #[test]
    fn an_outage_is_told_once_a_minute_and_its_end_once() {
        let mut outages = Outages { told: BTreeMap::new(), ended: None };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!outages.end(at(0)));
        let news: Vec<_> = (0..130).filter(|&second| outages.is_news("refused", at(second))).collect();
        assert_eq!(news, [0, 60, 120]);
        assert!(outages.is_news("unknown host", at(61)), "another reason is other news");
        assert_eq!([outages.end(at(130)), outages.end(at(131))], [true, false]);
        assert!(!outages.is_news("refused", at(132)), "a client that is late");
        assert!(outages.is_news("refused", at(140)), "the next outage");
    }

    #[test]
    fn no_more_than_a_bounded_number_of_reasons_is_kept() {
        let mut outages = Outages { told: BTreeMap::new(), ended: None };
        let now = Instant::now();
        (0..10_000).for_each(|number| assert!(outages.is_news(&number.to_string(), now)));
        assert!(outages.told.len() <= LIMIT);
    }
}
