//! Decides when the open files of a topic partition are committed: a pure function of counts and times.
//!
//! Source: contracts/hdfs-sink.md, section 6.4.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The settings that ask for commits. A limit that is off is `None`.
#[derive(Clone, Debug)]
pub struct RotationPolicy {
    /// Records of the topic partition, all its files together.
    pub flush_size: u64,
    pub interval_ms: Option<i64>,
    pub schedule_ms: Option<i64>,
    /// Days of the schedule start at midnight here.
    pub zone: TimeZone,
    /// Whether `interval_ms` is measured on record timestamps instead of the wall clock.
    pub record_clock: bool,
}

/// The times that the limits count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationTimers {
    /// When files were last committed, on the clock of the policy. On the record clock it is unknown until the first record.
    last_ms: Option<i64>,
    scheduled_ms: Option<i64>,
}

impl RotationPolicy {
    /// Starts counting anew: at open, after recovery and at each commit. `record_ms` is the timestamp of the record
    /// that asked for the commit, if there is one; only the record clock looks at it.
    pub fn rearm(&self, now_ms: i64, record_ms: Option<i64>) -> RotationTimers {
        RotationTimers {
            last_ms: if self.record_clock { record_ms } else { Some(now_ms) },
            scheduled_ms: self.schedule_ms.map(|period| next_on_schedule(now_ms, period, &self.zone)),
        }
    }

    pub fn full(&self, records: u64) -> bool {
        records >= self.flush_size
    }

    /// Whether a time limit has passed. On the record clock, the first timestamp only starts the clock.
    pub fn time_is_up(&self, timers: &mut RotationTimers, now_ms: i64, record_ms: Option<i64>) -> bool {
        if let Some(interval) = self.interval_ms {
            let clock = if self.record_clock { record_ms } else { Some(now_ms) };
            match (clock, timers.last_ms) {
                (Some(clock), Some(last)) if clock.saturating_sub(last) >= interval => return true,
                (Some(clock), None) => timers.last_ms = Some(clock),
                _ => {}
            }
        }
        timers.scheduled_ms.is_some_and(|scheduled| now_ms >= scheduled)
    }
}

/// The next multiple of the period counted from the start of the local day, at most the start of the next day.
fn next_on_schedule(now_ms: i64, period_ms: i64, zone: &TimeZone) -> i64 {
    let fallback = now_ms.saturating_add(period_ms);
    let Ok(now) = Timestamp::from_millisecond(now_ms) else { return fallback };
    let now = now.to_zoned(zone.clone());
    let (Ok(start), Ok(tomorrow)) = (now.start_of_day(), now.tomorrow().and_then(|day| day.start_of_day())) else {
        return fallback;
    };
    let start_ms = start.timestamp().as_millisecond();
    let day_ms = tomorrow.timestamp().as_millisecond() - start_ms;
    let passed = (now_ms - start_ms).div_euclid(period_ms).saturating_add(1).saturating_mul(period_ms);
    start_ms + passed.min(day_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn policy() -> RotationPolicy {
        RotationPolicy { flush_size: 3, interval_ms: None, schedule_ms: None, zone: TimeZone::UTC, record_clock: false }
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn counts_all_records_of_the_partition() {
        assert!(!policy().full(2));
        assert!(policy().full(3));
    }

    #[test]
    fn the_wall_clock_counts_from_the_last_commit() {
        let policy = RotationPolicy { interval_ms: Some(60_000), ..policy() };
        let mut timers = policy.rearm(1_000, None);
        assert!(!policy.time_is_up(&mut timers, 60_999, Some(i64::MAX)));
        assert!(policy.time_is_up(&mut timers, 61_000, None));
    }

    #[test]
    fn the_record_clock_starts_with_the_first_record_and_ignores_older_ones() {
        let policy = RotationPolicy { interval_ms: Some(60_000), record_clock: true, ..policy() };
        let mut timers = policy.rearm(0, None);
        assert!(!policy.time_is_up(&mut timers, i64::MAX, Some(100_000)));
        assert!(!policy.time_is_up(&mut timers, i64::MAX, Some(20_000)));
        assert!(!policy.time_is_up(&mut timers, i64::MAX, None));
        assert!(!policy.time_is_up(&mut timers, 0, Some(159_999)));
        assert!(policy.time_is_up(&mut timers, 0, Some(160_000)));
        let mut timers = policy.rearm(0, Some(160_000));
        assert!(!policy.time_is_up(&mut timers, 0, Some(219_999)));
        assert!(policy.time_is_up(&mut timers, 0, Some(220_000)));
    }

    #[test]
    fn the_schedule_follows_the_local_day() {
        let next = |now: &str, period: i64, zone: &str| {
            let zone = TimeZone::get(zone).unwrap();
            Timestamp::from_millisecond(next_on_schedule(ms(now), period, &zone)).unwrap().to_string()
        };
        assert_eq!(next("2024-03-01T00:00:01Z", 7 * HOUR, "UTC"), "2024-03-01T07:00:00Z");
        assert_eq!(next("2024-03-01T23:59:59Z", 7 * HOUR, "UTC"), "2024-03-02T00:00:00Z");
        // The day on which clocks go back has 25 hours: at local 23:00, the 25th hour begins.
        assert_eq!(next("2024-11-03T00:00:00-05:00", HOUR, "America/New_York"), "2024-11-03T06:00:00Z");
        assert_eq!(next("2024-11-03T23:00:00-05:00", HOUR, "America/New_York"), "2024-11-04T05:00:00Z");
        assert_eq!(next("2024-03-10T22:30:00-04:00", 24 * HOUR, "America/New_York"), "2024-03-11T04:00:00Z");
    }

    #[test]
    fn the_schedule_needs_no_records() {
        let policy = RotationPolicy { schedule_ms: Some(600_000), ..policy() };
        let mut timers = policy.rearm(ms("2024-03-01T10:05:00Z"), None);
        assert!(!policy.time_is_up(&mut timers, ms("2024-03-01T10:09:59Z"), None));
        assert!(policy.time_is_up(&mut timers, ms("2024-03-01T10:16:00Z"), None));
    }
}
