//! Holds every setting that changes what records look like.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::table::TableId;

/// Which connector class the user configured; it names things in the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectorKind {
    #[default]
    MySql,
    MariaDb,
}

impl ConnectorKind {
    /// `source.connector` and the context header.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
        }
    }

    pub fn source_schema_name(self) -> &'static str {
        match self {
            Self::MySql => "io.debezium.connector.mysql.Source",
            Self::MariaDb => "io.debezium.connector.mariadb.Source",
        }
    }
}

/// The Debezium release line whose record format is reproduced (contracts/mysql-source.md, section 2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    V1_2,
    V1_9,
    V2_0,
    V2_5,
    V2_6,
    V2_7,
    V3_1,
    V3_2,
    V3_3,
    #[default]
    V3_6,
    V3_7,
}

impl Profile {
    pub const ALL: &'static [Self] = &[
        Self::V1_2,
        Self::V1_9,
        Self::V2_0,
        Self::V2_5,
        Self::V2_6,
        Self::V2_7,
        Self::V3_1,
        Self::V3_2,
        Self::V3_3,
        Self::V3_6,
        Self::V3_7,
    ];

    /// The release line as `tributary.debezium.compat` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_9 => "1.9",
            Self::V2_0 => "2.0",
            Self::V2_5 => "2.5",
            Self::V2_6 => "2.6",
            Self::V2_7 => "2.7",
            Self::V3_1 => "3.1",
            Self::V3_2 => "3.2",
            Self::V3_3 => "3.3",
            Self::V3_6 => "3.6",
            Self::V3_7 => "3.7",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.name() == name)
    }

    /// What goes into `source.version` unless the user says otherwise: the last release of the line.
    pub fn release(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2.5.Final",
            Self::V1_9 => "1.9.7.Final",
            Self::V2_0 => "2.0.1.Final",
            Self::V2_5 => "2.5.4.Final",
            Self::V2_6 => "2.6.2.Final",
            Self::V2_7 => "2.7.4.Final",
            Self::V3_1 => "3.1.3.Final",
            Self::V3_2 => "3.2.6.Final",
            Self::V3_3 => "3.3.2.Final",
            Self::V3_6 => "3.6.1.Final",
            Self::V3_7 => "3.7.0.Final",
        }
    }
}

/// `time.precision.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimePrecision {
    #[default]
    AdaptiveTimeMicroseconds,
    Connect,
    IsoString,
    Microseconds,
    Nanoseconds,
}

/// `decimal.handling.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecimalHandling {
    #[default]
    Precise,
    String,
    Double,
}

/// `bigint.unsigned.handling.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BigintUnsignedHandling {
    #[default]
    Long,
    Precise,
}

/// `binary.handling.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryHandling {
    #[default]
    Bytes,
    Base64,
    Base64UrlSafe,
    Hex,
}

/// `event.converting.failure.handling.mode`: what a value that cannot be represented leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConversionFailure {
    Fail,
    #[default]
    Warn,
    Skip,
}

/// `schema.name.adjustment.mode` and `field.name.adjustment.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameAdjustment {
    #[default]
    None,
    Avro,
    AvroUnicode,
}

/// Whether snapshot and stream spell a few values differently, as they do in Debezium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotValues {
    /// As Debezium. Snapshot: JSON with spaces, shortest TIMESTAMP fractions, FLOAT as the server's six digits. Stream: JSON
    /// without spaces and with all digits, TIMESTAMP padded, FLOAT exact, `\\,` for a comma in ENUM and SET labels.
    #[default]
    AsDebezium,
    /// The same value in both phases, byte for byte, and so not Debezium's everywhere: JSON as the server prints it, TIMESTAMP padded, FLOAT exact,
    /// labels as defined, YEAR 0000 as 0, every partial zero date as null.
    AsStream,
}

/// `skipped.operations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedOperations {
    pub create: bool,
    pub update: bool,
    pub delete: bool,
    pub truncate: bool,
}

impl Default for SkippedOperations {
    fn default() -> Self {
        Self { create: false, update: false, delete: false, truncate: true }
    }
}

/// The four `__debezium.context.*` headers (`extended.headers.enabled`, profile 3.2 and later).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextHeaders {
    pub task_id: String,
    /// A fresh id per start of the task (3.4 and later; `None` leaves the header out).
    pub run_id: Option<String>,
}

type KeepsColumn = dyn Fn(&TableId, &str) -> bool + Send + Sync;

/// Says which columns stay in the row; key columns stay in the key regardless.
#[derive(Clone)]
pub struct ColumnPredicate(pub Arc<KeepsColumn>);

impl fmt::Debug for ColumnPredicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ColumnPredicate")
    }
}

/// Everything that shapes records. The task fills it from its settings once; plans and emitters share it.
#[derive(Clone, Debug)]
pub struct EventOptions {
    pub connector: ConnectorKind,
    pub profile: Profile,
    /// `source.version`.
    pub version: Arc<str>,
    /// `topic.prefix`, in 1.x `database.server.name`.
    pub server_name: Arc<str>,
    pub topic_delimiter: Arc<str>,
    pub time_precision: TimePrecision,
    pub decimal: DecimalHandling,
    pub bigint_unsigned: BigintUnsignedHandling,
    pub binary: BinaryHandling,
    /// `enable.time.adjuster`: two-digit years become 1970 to 2069.
    pub time_adjuster: bool,
    pub conversion_failure: ConversionFailure,
    /// `event.processing.failure.handling.mode` for dates that no calendar has (2024-02-30): an error, else the epoch.
    pub invalid_dates: ConversionFailure,
    pub snapshot_values: SnapshotValues,
    /// The zone in which TIMESTAMP defaults are written (Java reads them in the JVM's zone).
    pub default_time_zone: TimeZone,
    pub tombstones_on_delete: bool,
    pub skipped_operations: SkippedOperations,
    /// `include.schema.comments`.
    pub include_comments: bool,
    pub schema_names: NameAdjustment,
    pub field_names: NameAdjustment,
    /// `message.key.columns`, as written.
    pub message_key_columns: Option<String>,
    /// The column include and exclude lists; `None` keeps every column.
    pub column_filter: Option<ColumnPredicate>,
    pub context_headers: Option<ContextHeaders>,
}

impl Default for EventOptions {
    fn default() -> Self {
        Self {
            connector: ConnectorKind::default(),
            profile: Profile::default(),
            version: Profile::default().release().into(),
            server_name: "".into(),
            topic_delimiter: ".".into(),
            time_precision: TimePrecision::default(),
            decimal: DecimalHandling::default(),
            bigint_unsigned: BigintUnsignedHandling::default(),
            binary: BinaryHandling::default(),
            time_adjuster: true,
            conversion_failure: ConversionFailure::default(),
            invalid_dates: ConversionFailure::Fail,
            snapshot_values: SnapshotValues::default(),
            default_time_zone: TimeZone::UTC,
            tombstones_on_delete: true,
            skipped_operations: SkippedOperations::default(),
            include_comments: false,
            schema_names: NameAdjustment::default(),
            field_names: NameAdjustment::default(),
            message_key_columns: None,
            column_filter: None,
            context_headers: None,
        }
    }
}
