//! Decides what a failed record leads to: skipped, tried again, or the end of the task.
//!
//! Source: contracts/connect-runtime.md, section 8.

use std::fmt;
use std::time::Duration;

use rand::Rng;

use crate::config::ConfigMap;
use crate::plugin::{ConnectError, ErrorKind, Result};

/// Where on its way a record failed, in Connect's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    TaskPut,
    Transformation,
    KeyConverter,
    ValueConverter,
    HeaderConverter,
    KafkaProduce,
    KafkaConsume,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskPut => "TASK_PUT",
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::KafkaProduce => "KAFKA_PRODUCE",
            Self::KafkaConsume => "KAFKA_CONSUME",
        }
    }

    /// In these stages any error is about the record alone.
    fn tolerates_everything(self) -> bool {
        matches!(self, Self::Transformation | Self::KeyConverter | Self::ValueConverter | Self::HeaderConverter)
    }
}

/// A record's failure: where, in which class, and why.
#[derive(Debug)]
pub struct Failure {
    pub stage: Stage,
    pub class: String,
    pub error: ConnectError,
}

/// The settings `errors.*` of a connector.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerance {
    pub tolerate_all: bool,
    /// How long a retriable failure is tried again; `None` is for ever.
    pub retry_timeout: Option<Duration>,
    pub retry_delay_max: Duration,
    pub log: bool,
    pub log_messages: bool,
}

const FIRST_DELAY: Duration = Duration::from_millis(300);

impl Tolerance {
    /// Reads the settings of a config that was validated.
    pub fn from_config(config: &ConfigMap) -> Result<Self> {
        let number = |key: &str, default: i64| match config.get(key) {
            None => Ok(default),
            Some(text) => text.trim().parse::<i64>().map_err(|_| {
                ConnectError::config(format!("Invalid value {text} for configuration {key}: Not a number of type LONG"))
            }),
        };
        let flag = |key: &str| config.get(key).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
        let millis = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        let retry_timeout = number("errors.retry.timeout", 0)?;
        let tolerance = config.get("errors.tolerance").unwrap_or("none").trim();
        Ok(Self {
            tolerate_all: match tolerance {
                "all" => true,
                "none" => false,
                other => {
                    return Err(ConnectError::config(format!(
                        "Invalid value {other} for configuration errors.tolerance: String must be one of: none, all"
                    )));
                }
            },
            retry_timeout: (retry_timeout >= 0).then(|| millis(retry_timeout)),
            retry_delay_max: millis(number("errors.retry.delay.max.ms", 60_000)?),
            log: flag("errors.log.enable"),
            log_messages: flag("errors.log.include.messages"),
        })
    }

    /// How long to wait before the attempt after the `failed`th, or `None` if the time is up.
    pub fn retry_delay(&self, failed: u32, since_first: Duration) -> Option<Duration> {
        let exponential = FIRST_DELAY.saturating_mul(1u32.checked_shl(failed.saturating_sub(1)).unwrap_or(u32::MAX));
        let delay = if exponential > self.retry_delay_max {
            self.retry_delay_max.mul_f64(rand::rng().random_range(0.0..1.0))
        } else {
            exponential
        };
        match self.retry_timeout {
            None => Some(delay),
            Some(limit) if since_first + delay <= limit => Some(delay),
            Some(_) => None,
        }
    }

    /// `Ok` if the record is to be skipped, else the error that ends the task. Called after the failure was reported.
    ///
    /// Java skips a record whose retries ran out even with `errors.tolerance=none`; that loses data the user did not
    /// give up, so here the task fails.
    pub fn decide(&self, failure: Failure, record: impl fmt::Display) -> Result<()> {
        let tolerable = failure.stage.tolerates_everything() || failure.error.kind() == ErrorKind::Retriable;
        if tolerable && self.tolerate_all {
            return Ok(());
        }
        if tolerable {
            return Err(exceeded(failure, record));
        }
        let Failure { stage, class, error } = failure;
        let place = ConnectError::fatal(format!("{record} failed at stage {} in {class}", stage.name())).caused_by(error);
        Err(ConnectError::fatal("Unhandled exception in error handler").caused_by(place))
    }

    /// Writes the log line of `errors.log.enable`; `origin` is what `errors.log.include.messages` adds.
    pub fn log(&self, connector: &str, task: usize, failure: &Failure, origin: impl fmt::Display) {
        if self.log {
            let origin = if self.log_messages { origin.to_string() } else { String::new() };
            tracing::error!(
                "Error encountered in task {connector}-{task}. Executing stage '{}' with class '{}'{origin}.\n{}",
                failure.stage.name(),
                failure.class,
                failure.error.trace()
            );
        }
    }
}

/// The end of a task on a record that its user may choose to skip. Tools look for the words of the first line, which are
/// Java's; the second says which record it is and what to do.
pub fn exceeded(failure: Failure, record: impl fmt::Display) -> ConnectError {
    let Failure { stage, class, error } = failure;
    let place = format!(
        "{record} failed at stage {} in {class}; correct the cause and restart the task, or set errors.tolerance=all to skip \
         such records",
        stage.name()
    );
    ConnectError::fatal("Tolerance exceeded in error handler").caused_by(ConnectError::fatal(place).caused_by(error))
}

/// Says which Kafka record a sink failed on, as the error log has it.
pub struct ConsumedRecord<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
}

impl fmt::Display for ConsumedRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, timestamp_ms } = self;
        write!(f, ", where consumed record is {{topic='{topic}', partition={partition}, offset={offset}")?;
        if let Some(timestamp) = timestamp_ms {
            write!(f, ", timestamp={timestamp}, timestampType=CreateTime")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tolerance(pairs: &[(&str, &str)]) -> Tolerance {
        Tolerance::from_config(&pairs.iter().copied().collect()).unwrap()
    }

    fn failure(stage: Stage, error: ConnectError) -> Failure {
        Failure { stage, class: "C".to_owned(), error }
    }

    #[test]
    fn all_tolerates_bad_records_but_not_a_broken_producer() {
        let all = tolerance(&[("errors.tolerance", "all")]);
        assert!(all.decide(failure(Stage::ValueConverter, ConnectError::bad_record("x")), "r").is_ok());
        assert!(all.decide(failure(Stage::KafkaProduce, ConnectError::retriable("x")), "r").is_ok());
        let error = all.decide(failure(Stage::KafkaProduce, ConnectError::fatal("too large")), "a record").unwrap_err();
        assert_eq!(
            error.trace(),
            "Unhandled exception in error handler\nCaused by: a record failed at stage KAFKA_PRODUCE in C\nCaused by: too large"
        );
    }

    #[test]
    fn none_tolerates_nothing_and_says_which_record_and_what_to_do() {
        let failure = failure(Stage::Transformation, ConnectError::bad_record("no field"));
        let error = tolerance(&[]).decide(failure, "record at t-0 offset 7").unwrap_err();
        assert_eq!(
            error.trace(),
            "Tolerance exceeded in error handler\n\
             Caused by: record at t-0 offset 7 failed at stage TRANSFORMATION in C; correct the cause and restart the task, or set \
             errors.tolerance=all to skip such records\n\
             Caused by: no field"
        );
    }

    #[test]
    fn retries_double_until_the_time_is_up() {
        let policy = tolerance(&[("errors.retry.timeout", "1000"), ("errors.retry.delay.max.ms", "60000")]);
        assert_eq!(policy.retry_delay(1, Duration::ZERO), Some(Duration::from_millis(300)));
        assert_eq!(policy.retry_delay(2, Duration::from_millis(300)), Some(Duration::from_millis(600)));
        assert_eq!(policy.retry_delay(3, Duration::from_millis(900)), None);
        assert_eq!(tolerance(&[]).retry_delay(1, Duration::ZERO), None);
        let forever = tolerance(&[("errors.retry.timeout", "-1"), ("errors.retry.delay.max.ms", "1000")]);
        assert!(forever.retry_delay(40, Duration::from_secs(1 << 40)).is_some_and(|delay| delay <= Duration::from_secs(1)));
    }
}
