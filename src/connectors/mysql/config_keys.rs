//! Lists the settings of both connector classes: names, types, defaults and what they are for.

use crate::config::ConfigType::{Boolean, Class, Int, List, Long, Password, String};
use crate::config::Default::{Null, Text};
use crate::config::Importance::{High, Low, Medium};
use crate::config::{ConfigDef, ConfigKey, Width};

const DATABASE: &str = "MySQL";
const CONNECTOR: &str = "Connector";
const HISTORY: &str = "History Storage";
const EVENTS: &str = "Events";

/// The settings of the MySQL class, in the order Debezium 3.6 lists them.
pub static MYSQL: ConfigDef = ConfigDef { keys: &KEYS };

/// The settings of the MariaDB class: the same, with its own group, TLS mode and driver.
pub static MARIADB: ConfigDef = ConfigDef { keys: &MARIADB_KEYS };

static MARIADB_KEYS: [ConfigKey; KEYS.len()] = mariadb_keys();

const fn mariadb_keys() -> [ConfigKey; KEYS.len()] {
    let mut keys = KEYS;
    let mut index = 0;
    while index < keys.len() {
        let name = keys[index].name.as_bytes();
        if let Some(group) = keys[index].group
            && same(group.as_bytes(), DATABASE.as_bytes())
        {
            keys[index].group = Some("MariaDB");
        }
        if same(name, b"database.ssl.mode") {
            keys[index].default = Text("disable");
        } else if same(name, b"database.jdbc.driver") {
            keys[index].default = Text("org.mariadb.jdbc.Driver");
        } else if same(name, b"database.protocol") {
            keys[index].default = Text("jdbc:mariadb");
        } else if same(name, b"sourceinfo.struct.maker") {
            keys[index].default = Text("io.debezium.connector.mariadb.MariaDbSourceInfoStructMaker");
        }
        index += 1;
    }
    keys
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

static KEYS: [ConfigKey; 124] =
    [
        ConfigKey::new(
            "topic.prefix",
            String,
            Null,
            High,
            "Logical name of the server: first part of every topic and schema name, and the key \
             of the stored offset. Do not change it later. (database.server.name in 1.x files.)",
        )
        .ui(DATABASE, 1, Width::Medium, "Topic prefix"),
        ConfigKey::new("database.hostname", String, Null, High, "Host name or address of the server.").ui(
            DATABASE,
            2,
            Width::Medium,
            "Hostname",
        ),
        ConfigKey::new("database.port", Int, Text("3306"), High, "TCP port of the server.").ui(DATABASE, 3, Width::Short, "Port"),
        ConfigKey::new(
            "database.user",
            String,
            Null,
            High,
            "Account for queries and for the binlog. It needs SELECT, RELOAD, SHOW DATABASES, \
             REPLICATION SLAVE and REPLICATION CLIENT.",
        )
        .ui(DATABASE, 4, Width::Short, "User"),
        ConfigKey::new("database.password", Password, Null, High, "Password of the account.").ui(
            DATABASE,
            5,
            Width::Short,
            "Password",
        ),
        ConfigKey::new(
            "database.query.timeout.ms",
            Int,
            Text("600000"),
            Low,
            "Longest time one query on metadata may take, in milliseconds.",
        )
        .ui(DATABASE, 6, Width::None, "Query timeout"),
        ConfigKey::new(
            "database.initial.statements",
            String,
            Null,
            Low,
            "SQL statements to run on every new query connection, separated by ';' (';;' stands \
             for a semicolon).",
        )
        .ui(DATABASE, 7, Width::Long, "Initial statements"),
        ConfigKey::new(
            "database.server.id",
            Long,
            Null,
            High,
            "The replica id announced to the server. Must differ from that of every server and \
             every other connector of the topology.",
        )
        .ui(DATABASE, 8, Width::Long, "Cluster ID"),
        ConfigKey::new("database.server.id.offset", Long, Text("10000"), High, "Of no effect here; accepted for existing files.")
            .ui(DATABASE, 9, Width::Long, "Cluster ID offset"),
        ConfigKey::new(
            "database.ssl.keystore",
            String,
            Null,
            Medium,
            "PEM file with the client's certificate chain and private key. Java key stores are \
             not read.",
        )
        .ui(DATABASE, 10, Width::Long, "SSL Keystore"),
        ConfigKey::new(
            "database.ssl.keystore.password",
            Password,
            Null,
            Medium,
            "Password of the Java key store; of no use with PEM files.",
        )
        .ui(DATABASE, 11, Width::Medium, "SSL Keystore Password"),
        ConfigKey::new(
            "database.ssl.truststore",
            String,
            Null,
            Medium,
            "PEM file with the certificate authorities to trust. Java trust stores are not read.",
        )
        .ui(DATABASE, 12, Width::Long, "SSL Truststore"),
        ConfigKey::new(
            "database.ssl.truststore.password",
            Password,
            Null,
            Medium,
            "Password of the Java trust store; of no use with PEM files.",
        )
        .ui(DATABASE, 13, Width::Medium, "SSL Truststore Password"),
        ConfigKey::new(
            "database.jdbc.driver",
            Class,
            Text("com.mysql.cj.jdbc.Driver"),
            Low,
            "Of no effect here; accepted for existing files.",
        )
        .ui(DATABASE, 14, Width::Medium, "JDBC Driver Class Name"),
        ConfigKey::new("database.protocol", String, Text("jdbc:mysql"), Low, "Of no effect here; accepted for existing files.")
            .ui(DATABASE, 15, Width::Medium, "JDBC Protocol"),
        ConfigKey::new(
            "database.ssl.mode",
            String,
            Text("preferred"),
            Medium,
            "Whether connections are encrypted. MySQL: disabled, preferred (if the server can), \
             required, verify_ca, verify_identity. MariaDB: disable, trust, verify-ca, \
             verify-full.",
        )
        .ui(DATABASE, 16, Width::Medium, "SSL mode"),
        ConfigKey::new(
            "event.processing.failure.handling.mode",
            String,
            Text("fail"),
            Medium,
            "What an event that cannot be decoded leads to: fail stops the task, warn logs and \
             skips, skip (or ignore) skips silently.",
        )
        .ui(CONNECTOR, 1, Width::Short, "Event deserialization failure handling"),
        ConfigKey::new(
            "max.batch.size",
            Int,
            Text("2048"),
            Medium,
            "Most records handed over at once. If it is not set, batches grow with the load.",
        )
        .ui(CONNECTOR, 2, Width::Short, "Change event batch size"),
        ConfigKey::new(
            "max.queue.size",
            Int,
            Text("8192"),
            Medium,
            "Most records waiting to be handed over; must be larger than max.batch.size. Here \
             the queue is bounded by batches and bytes instead.",
        )
        .ui(CONNECTOR, 3, Width::Short, "Change event buffer size"),
        ConfigKey::new(
            "poll.interval.ms",
            Long,
            Text("500"),
            Medium,
            "Of no effect here: records are handed over as soon as they are read.",
        )
        .ui(CONNECTOR, 4, Width::Short, "Poll interval (ms)"),
        ConfigKey::new(
            "max.queue.size.in.bytes",
            Long,
            Text("0"),
            Medium,
            "Of no effect here: the queue is always bounded in bytes.",
        )
        .ui(CONNECTOR, 5, Width::Long, "Change event buffer size in bytes"),
        ConfigKey::new(
            "provide.transaction.metadata",
            Boolean,
            Text("false"),
            Low,
            "Whether records carry their transaction's id and order, and begin and end of \
             transactions are published. Not supported yet.",
        )
        .ui(CONNECTOR, 6, Width::Short, "Store transaction metadata information in a dedicated topic."),
        ConfigKey::new(
            "skipped.operations",
            List,
            Text("t"),
            Low,
            "Operations that give no records: any of c (insert), u (update), d (delete), t \
             (truncate), or none.",
        )
        .ui(CONNECTOR, 7, Width::Short, "Skipped Operations"),
        ConfigKey::new("snapshot.delay.ms", Long, Text("0"), Low, "Time to wait before the snapshot, in milliseconds.").ui(
            CONNECTOR,
            8,
            Width::Medium,
            "Snapshot Delay (milliseconds)",
        ),
        ConfigKey::new(
            "streaming.delay.ms",
            Long,
            Text("0"),
            Low,
            "Time to wait between the snapshot and reading the binlog, in milliseconds.",
        )
        .ui(CONNECTOR, 9, Width::Medium, "Streaming Delay (milliseconds)"),
        ConfigKey::new(
            "snapshot.include.collection.list",
            List,
            Null,
            Medium,
            "Patterns for database.table: the captured tables whose rows the snapshot reads, in \
             this order. All captured tables if it is not set.",
        )
        .ui(CONNECTOR, 10, Width::Long, "Snapshot mode include data collection"),
        ConfigKey::new("snapshot.fetch.size", Int, Null, Medium, "Of no effect here: rows are always streamed.").ui(
            CONNECTOR,
            11,
            Width::Medium,
            "Snapshot fetch size",
        ),
        ConfigKey::new(
            "snapshot.max.threads",
            Int,
            Text("1"),
            Medium,
            "Connections that read tables at the same time in a snapshot. Of no effect yet: one \
             connection reads one table after the other.",
        )
        .ui(CONNECTOR, 12, Width::Short, "Snapshot maximum threads"),
        ConfigKey::new(
            "snapshot.max.threads.multiplier",
            Int,
            Text("1"),
            Medium,
            "Parts a table is cut into for parallel reading, times snapshot.max.threads. Of no \
             effect yet.",
        )
        .ui(CONNECTOR, 13, Width::Short, "Snapshot maximum thread multiplier"),
        ConfigKey::new("legacy.snapshot.max.threads", Boolean, Text("false"), Low, "Of no effect with one snapshot thread.").ui(
            CONNECTOR,
            14,
            Width::Short,
            "Enforces using a single thread per table regardless of table size",
        ),
        ConfigKey::new(
            "internal.legacy.snapshot.max.threads",
            Boolean,
            Text("false"),
            Low,
            "Of no effect with one snapshot thread.",
        )
        .ui(CONNECTOR, 14, Width::Short, "Enforces using a single thread per table regardless of table size"),
        ConfigKey::new("snapshot.mode.custom.name", String, Null, Medium, "Name of a Java snapshotter. Not supported.").ui(
            CONNECTOR,
            15,
            Width::Medium,
            "Snapshot Mode Custom Name",
        ),
        ConfigKey::new(
            "snapshot.mode.configuration.based.snapshot.data",
            Boolean,
            Text("false"),
            Medium,
            "With snapshot.mode=configuration_based: whether rows are read.",
        )
        .ui(CONNECTOR, 16, Width::Medium, "Snapshot mode property based snapshot data"),
        ConfigKey::new(
            "snapshot.mode.configuration.based.snapshot.schema",
            Boolean,
            Text("false"),
            Medium,
            "With snapshot.mode=configuration_based: whether table definitions are read.",
        )
        .ui(CONNECTOR, 17, Width::Medium, "Snapshot mode property based snapshot schema"),
        ConfigKey::new(
            "snapshot.mode.configuration.based.start.stream",
            Boolean,
            Text("false"),
            Medium,
            "With snapshot.mode=configuration_based: whether the binlog is read afterwards.",
        )
        .ui(CONNECTOR, 18, Width::Medium, "Snapshot mode property based start stream"),
        ConfigKey::new(
            "snapshot.mode.configuration.based.snapshot.on.schema.error",
            Boolean,
            Text("false"),
            Medium,
            "With snapshot.mode=configuration_based: whether definitions are read again if the \
             schema history is unusable.",
        )
        .ui(CONNECTOR, 19, Width::Medium, "Snapshot mode property based snapshot on schema error"),
        ConfigKey::new(
            "snapshot.mode.configuration.based.snapshot.on.data.error",
            Boolean,
            Text("false"),
            Medium,
            "With snapshot.mode=configuration_based: whether rows are read again if the stored \
             position is no longer on the server.",
        )
        .ui(CONNECTOR, 20, Width::Medium, "Snapshot mode property based snapshot on data error"),
        ConfigKey::new(
            "retriable.restart.connector.wait.ms",
            Long,
            Text("10000"),
            Low,
            "Longest time to wait before connecting again after a failure, in milliseconds.",
        )
        .ui(CONNECTOR, 21, Width::Medium, "Retriable restart wait (ms)"),
        ConfigKey::new("query.fetch.size", Int, Text("0"), Medium, "Of no effect here: results are always streamed.").ui(
            CONNECTOR,
            22,
            Width::Medium,
            "Query fetch size",
        ),
        ConfigKey::new(
            "errors.max.retries",
            Int,
            Text("-1"),
            Low,
            "How often to connect again after a failure before the task fails: -1 without limit, \
             0 never.",
        )
        .ui(CONNECTOR, 23, Width::Medium, "The maximum number of retries"),
        ConfigKey::new(
            "incremental.snapshot.watermarking.strategy",
            String,
            Text("INSERT_INSERT"),
            Low,
            "How incremental snapshots mark their chunks: insert_insert or insert_delete. \
             Incremental snapshots are not supported yet.",
        )
        .ui(CONNECTOR, 24, Width::Medium, "Incremental snapshot watermarking strategy"),
        ConfigKey::new(
            "internal.log.position.check.enable",
            Boolean,
            Text("true"),
            Medium,
            "Whether to check at start that the stored position is still on the server.",
        )
        .ui(CONNECTOR, 25, Width::Medium, "Enable/Disable log position check"),
        ConfigKey::new(
            "internal.advanced.metrics.enable",
            Boolean,
            Text("false"),
            Medium,
            "Of no effect here; accepted for existing files.",
        )
        .ui(CONNECTOR, 26, Width::Medium, "Enable/Disable advance metrics"),
        ConfigKey::new(
            "connection.validation.timeout.ms",
            Long,
            Text("60000"),
            Low,
            "Longest time the check of the connection may take when a config is validated, in \
             milliseconds.",
        )
        .ui(CONNECTOR, 27, Width::Short, "Connection validation timeout (ms)"),
        ConfigKey::new(
            "executor.shutdown.timeout.ms",
            Long,
            Text("4000"),
            Medium,
            "Of no effect here; accepted for existing files.",
        )
        .ui(CONNECTOR, 28, Width::Medium, "Executor shutdown timeout (ms)"),
        ConfigKey::new(
            "openlineage.integration.enabled",
            Boolean,
            Text("false"),
            Low,
            "Whether lineage is reported to OpenLineage. Not supported.",
        )
        .ui(CONNECTOR, 29, Width::Short, "Enables OpenLineage integration"),
        ConfigKey::new(
            "openlineage.integration.config.file.path",
            String,
            Text("./openlineage.yml"),
            Low,
            "Of no effect without OpenLineage.",
        )
        .ui(CONNECTOR, 30, Width::Long, "Path to OpenLineage file configuration"),
        ConfigKey::new("openlineage.integration.job.namespace", String, Null, Low, "Of no effect without OpenLineage.").ui(
            CONNECTOR,
            31,
            Width::Long,
            "Namespace used for Debezium job",
        ),
        ConfigKey::new(
            "openlineage.integration.job.description",
            String,
            Text("Debezium change data capture job"),
            Low,
            "Of no effect without OpenLineage.",
        )
        .ui(CONNECTOR, 32, Width::Long, "Description used for Debezium job"),
        ConfigKey::new("openlineage.integration.job.tags", List, Null, Low, "Of no effect without OpenLineage.").ui(
            CONNECTOR,
            33,
            Width::Long,
            "Debezium job tags",
        ),
        ConfigKey::new("openlineage.integration.job.owners", List, Null, Low, "Of no effect without OpenLineage.").ui(
            CONNECTOR,
            34,
            Width::Long,
            "Debezium job owners",
        ),
        ConfigKey::new(
            "openlineage.integration.dataset.kafka.bootstrap.servers",
            String,
            Null,
            Low,
            "Of no effect without OpenLineage.",
        )
        .ui(CONNECTOR, 35, Width::Long, "Kafka bootstrap server used in Kafka Connect deployment"),
        ConfigKey::new(
            "extended.headers.enabled",
            Boolean,
            Text("true"),
            Low,
            "Whether records carry the four context headers (connector, logical name, task and \
             run).",
        )
        .ui(CONNECTOR, 36, Width::Short, "Enable/Disable extended headers"),
        ConfigKey::new("guardrail.collections.max", Int, Text("0"), Medium, "Most tables that may be captured; 0 is no limit.")
            .ui(CONNECTOR, 37, Width::Short, "Maximum number of collections or tables"),
        ConfigKey::new(
            "guardrail.collections.limit.action",
            String,
            Text("warn"),
            Medium,
            "What more tables than the limit lead to: warn or fail.",
        )
        .ui(CONNECTOR, 38, Width::Short, "Guardrail collections limit action"),
        ConfigKey::new(
            "custom.sanitize.pattern",
            String,
            Text(
                ".*secret$|.*password$|.*sasl\\.jaas\\.config$|.*basic\\.auth\\.user\\.info|.*regist\
             ry\\.auth\\.client-secret|.*credentials\\.json$|.*connectionstring$|.*connection\\.\
             string$",
            ),
            Low,
            "Of no effect here: settings' values are never logged.",
        )
        .ui(CONNECTOR, 39, Width::Long, "Custom pattern for masking sensitive configuration"),
        ConfigKey::new(
            "statistics.metrics.enabled",
            Boolean,
            Text("true"),
            Medium,
            "Of no effect here; accepted for existing files.",
        )
        .ui(CONNECTOR, 40, Width::Short, "Enable collecting statistics metrics like latencies"),
        ConfigKey::new(
            "decimal.handling.mode",
            String,
            Text("precise"),
            Medium,
            "How DECIMAL and NUMERIC become values: precise (Connect Decimal), string or double.",
        )
        .ui(CONNECTOR, 41, Width::Short, "Decimal Handling"),
        ConfigKey::new(
            "snapshot.lock.timeout.ms",
            Long,
            Text("10000"),
            Medium,
            "Longest time to wait for the snapshot's locks, in milliseconds.",
        )
        .ui(CONNECTOR, 42, Width::Long, "Snapshot lock timeout (ms)"),
        ConfigKey::new(
            "memory.management.schemas.class",
            Class,
            Text("io.debezium.relational.ConcurrentMapTableMappingStorage"),
            Low,
            "Of no effect here; accepted for existing files.",
        )
        .ui(CONNECTOR, 43, Width::Long, "Schema storage class"),
        ConfigKey::new(
            "memory.management.tables.class",
            Class,
            Text("io.debezium.relational.ConcurrentMapTableMappingStorage"),
            Low,
            "Of no effect here; accepted for existing files.",
        )
        .ui(CONNECTOR, 44, Width::Long, "Table storage class"),
        ConfigKey::new("connect.timeout.ms", Int, Text("30000"), Medium, "Longest time connecting may take, in milliseconds.")
            .ui(CONNECTOR, 45, Width::Short, "Connection Timeout (ms)"),
        ConfigKey::new(
            "connect.keep.alive",
            Boolean,
            Text("true"),
            Low,
            "Whether a lost binlog connection is opened again. If false, losing it fails the \
             task.",
        )
        .ui(CONNECTOR, 46, Width::Short, "Keep connection alive (true/false)"),
        ConfigKey::new(
            "connect.keep.alive.interval.ms",
            Long,
            Text("60000"),
            Low,
            "The server is asked for a sign of life at 0.8 of this time, in milliseconds; \
             without one for three times as long the connection counts as lost.",
        )
        .ui(CONNECTOR, 47, Width::Short, "Keep alive interval (ms)"),
        ConfigKey::new(
            "use.nongraceful.disconnect",
            Boolean,
            Text("false"),
            Medium,
            "Of no effect here; accepted for existing files.",
        )
        .ui(CONNECTOR, 48, Width::Short, "Use Non-graceful Disconnect"),
        ConfigKey::new(
            "binlog.net.write.timeout",
            Long,
            Text("0"),
            Medium,
            "net_write_timeout of the binlog connection in seconds; 0 leaves the server's.",
        )
        .ui(CONNECTOR, 49, Width::Short, "Binlog Net Write Timeout"),
        ConfigKey::new(
            "binlog.net.read.timeout",
            Long,
            Text("0"),
            Medium,
            "net_read_timeout of the binlog connection in seconds; 0 leaves the server's.",
        )
        .ui(CONNECTOR, 50, Width::Short, "Binlog Net Read Timeout"),
        ConfigKey::new(
            "snapshot.mode",
            String,
            Text("initial"),
            Low,
            "When to read what is in the tables: initial, initial_only, when_needed, no_data \
             (schema_only), recovery (schema_only_recovery), never, always, configuration_based.",
        )
        .ui(CONNECTOR, 51, Width::Short, "Snapshot mode"),
        ConfigKey::new(
            "snapshot.query.mode",
            String,
            Text("select_all"),
            Low,
            "How the snapshot's queries are made; only select_all is supported.",
        )
        .ui(CONNECTOR, 52, Width::Short, "Snapshot query mode"),
        ConfigKey::new("snapshot.query.mode.custom.name", String, Null, Medium, "Name of a Java class. Not supported.").ui(
            CONNECTOR,
            53,
            Width::Medium,
            "Snapshot Query Mode Custom Name",
        ),
        ConfigKey::new(
            "bigint.unsigned.handling.mode",
            String,
            Text("long"),
            Medium,
            "How BIGINT UNSIGNED becomes a value: long (INT64, wraps above 2^63-1) or precise \
             (Connect Decimal).",
        )
        .ui(CONNECTOR, 54, Width::Short, "The mode for handling bigint-unsigned values"),
        ConfigKey::new(
            "time.precision.mode",
            String,
            Text("adaptive_time_microseconds"),
            Medium,
            "How temporal types become values: adaptive_time_microseconds, connect, isostring, \
             microseconds, nanoseconds.",
        )
        .ui(CONNECTOR, 55, Width::Short, "The time precision mode to be used"),
        ConfigKey::new("enable.time.adjuster", Boolean, Text("true"), Low, "Whether two-digit years are taken as 1970 to 2069.")
            .ui(CONNECTOR, 56, Width::Short, "Enable Time Adjuster"),
        ConfigKey::new(
            "schema.name.adjustment.mode",
            String,
            Text("none"),
            Low,
            "How schema names are made fit for Avro: none, avro, avro_unicode.",
        )
        .ui(CONNECTOR, 57, Width::Medium, "Schema Name Adjustment"),
        ConfigKey::new("min.row.count.to.stream.results", Int, Text("1000"), Low, "Of no effect here: rows are always streamed.")
            .ui(CONNECTOR, 58, Width::Medium, "Stream result set of size"),
        ConfigKey::new(
            "incremental.snapshot.chunk.size",
            Int,
            Text("1024"),
            Medium,
            "Rows per chunk of an incremental snapshot. Incremental snapshots are not supported \
             yet.",
        )
        .ui(CONNECTOR, 59, Width::Medium, "Incremental snapshot chunk size"),
        ConfigKey::new(
            "incremental.snapshot.allow.schema.changes",
            Boolean,
            Text("false"),
            Low,
            "Whether tables may change during an incremental snapshot. Incremental snapshots are \
             not supported yet.",
        )
        .ui(CONNECTOR, 60, Width::Short, "Allow schema changes during incremental snapshot if supported."),
        ConfigKey::new(
            "snapshot.locking.mode",
            String,
            Text("minimal"),
            Low,
            "How the snapshot keeps tables still: minimal (global lock while definitions are \
             read), extended (until all rows are read), none, minimal_percona, \
             minimal_percona_no_table_locks.",
        )
        .ui(CONNECTOR, 61, Width::Short, "Snapshot locking mode"),
        ConfigKey::new("ddl.parser.type", String, Text("default"), Low, "Of no effect here; accepted for existing files.").ui(
            CONNECTOR,
            62,
            Width::Short,
            "DDL Parser Type",
        ),
        ConfigKey::new(
            "schema.history.internal",
            Class,
            Text("io.debezium.storage.kafka.history.KafkaSchemaHistory"),
            Low,
            "Class that keeps the schema history: Kafka (default), file or memory. \
             (database.history in 1.x files.)",
        )
        .ui(HISTORY, 1, Width::Long, "Database schema history class"),
        ConfigKey::new(
            "schema.history.internal.skip.unparseable.ddl",
            Boolean,
            Text("false"),
            Low,
            "Whether statements that cannot be understood are skipped instead of failing the \
             task.",
        )
        .ui(HISTORY, 2, Width::Short, "Skip DDL statements that cannot be parsed"),
        ConfigKey::new(
            "schema.history.internal.store.only.captured.tables.ddl",
            Boolean,
            Text("false"),
            Low,
            "Whether only statements about captured tables are stored.",
        )
        .ui(
            HISTORY,
            3,
            Width::Short,
            "Store only DDL that modifies tables that are captured based on include/exclude lists",
        ),
        ConfigKey::new(
            "schema.history.internal.store.only.captured.databases.ddl",
            Boolean,
            Text("false"),
            Low,
            "Whether only statements about captured databases are stored.",
        )
        .ui(
            HISTORY,
            4,
            Width::Short,
            "Store only DDL that modifies tables of databases that are captured based on \
             include/exclude lists",
        ),
        ConfigKey::new("converters", String, Null, Low, "Names of custom converters. Not supported yet.").ui(
            EVENTS,
            1,
            Width::Medium,
            "List of prefixes defining custom values converters.",
        ),
        ConfigKey::new("post.processors", String, Null, Low, "Names of post processors. Not supported.").ui(
            EVENTS,
            2,
            Width::Medium,
            "List of change event post processors.",
        ),
        ConfigKey::new(
            "tombstones.on.delete",
            Boolean,
            Text("true"),
            Medium,
            "Whether a deletion's record is followed by a tombstone.",
        )
        .ui(EVENTS, 3, Width::Short, "Change the behaviour of Debezium with regards to delete operations"),
        ConfigKey::new(
            "heartbeat.interval.ms",
            Int,
            Text("0"),
            Medium,
            "Time between heartbeat records, in milliseconds; 0 for none.",
        )
        .ui(EVENTS, 4, Width::Medium, "Connector heartbeat interval (milli-seconds)"),
        ConfigKey::new(
            "heartbeat.topics.prefix",
            String,
            Text("__debezium-heartbeat"),
            Low,
            "Prefix of the heartbeat topic's name.",
        )
        .ui(EVENTS, 5, Width::Medium, "A prefix used for naming of heartbeat topics"),
        ConfigKey::new(
            "signal.data.collection",
            List,
            Null,
            Medium,
            "The database.table that signals are written to. Signals are not supported yet.",
        )
        .ui(EVENTS, 6, Width::Medium, "Signaling data collection"),
        ConfigKey::new("signal.poll.interval.ms", Long, Text("5000"), Medium, "Time between looks for signals, in milliseconds.")
            .ui(EVENTS, 7, Width::Short, "Signal processor poll interval"),
        ConfigKey::new(
            "signal.enabled.channels",
            List,
            Text("source"),
            Medium,
            "Channels that signals may come by. Only the default is accepted, and without \
             signal.data.collection nothing is read.",
        )
        .ui(EVENTS, 8, Width::Long, "Enabled channels names"),
        ConfigKey::new(
            "topic.naming.strategy",
            Class,
            Text("io.debezium.schema.SchemaTopicNamingStrategy"),
            Medium,
            "Class that names topics; the schema and default topic naming strategies are \
             supported.",
        )
        .ui(EVENTS, 9, Width::Medium, "Topic naming strategy class"),
        ConfigKey::new(
            "notification.enabled.channels",
            List,
            Null,
            Medium,
            "Channels that notifications go to. Not supported yet.",
        )
        .ui(EVENTS, 10, Width::Long, "Enabled notification channels names"),
        ConfigKey::new("notification.sink.topic.name", String, Null, High, "Topic of notifications. Not supported yet.").ui(
            EVENTS,
            11,
            Width::Long,
            "Notification topic name",
        ),
        ConfigKey::new(
            "transaction.metadata.factory",
            Class,
            Text("io.debezium.pipeline.txmetadata.DefaultTransactionMetadataFactory"),
            Low,
            "Of no effect without transaction metadata.",
        )
        .ui(EVENTS, 12, Width::Medium, "Factory class to create transaction context & transaction struct maker classes"),
        ConfigKey::new("custom.metric.tags", List, Null, Low, "Of no effect here; accepted for existing files.").ui(
            EVENTS,
            13,
            Width::Medium,
            "Customize metric tags",
        ),
        ConfigKey::new(
            "column.include.list",
            List,
            Null,
            Medium,
            "Patterns for database.table.column: columns that stay in the row.",
        )
        .ui(EVENTS, 14, Width::Long, "Include Columns"),
        ConfigKey::new(
            "column.exclude.list",
            List,
            Null,
            Medium,
            "Patterns for database.table.column: columns left out of the row. Key columns stay \
             in the key.",
        )
        .ui(EVENTS, 15, Width::Long, "Exclude Columns"),
        ConfigKey::new(
            "table.include.list",
            List,
            Null,
            High,
            "Patterns for database.table: tables to capture. (table.whitelist in 1.x files.)",
        )
        .ui(EVENTS, 16, Width::Long, "Include Tables"),
        ConfigKey::new(
            "table.exclude.list",
            List,
            Null,
            Medium,
            "Patterns for database.table: tables not to capture. (table.blacklist in 1.x files.)",
        )
        .ui(EVENTS, 17, Width::Long, "Exclude Tables"),
        ConfigKey::new(
            "message.key.columns",
            String,
            Null,
            Medium,
            "Columns that make the record key in place of the primary key: \
             database.table:column,column;...",
        )
        .ui(EVENTS, 18, Width::Long, "Columns PK mapping"),
        ConfigKey::new(
            "snapshot.select.statement.overrides",
            String,
            Null,
            Medium,
            "Tables (database.table, comma separated) whose snapshot query is given by \
             snapshot.select.statement.overrides.<database>.<table>.",
        )
        .ui(
            EVENTS,
            19,
            Width::Long,
            "List of tables where the default select statement used during snapshotting should \
             be overridden.",
        ),
        ConfigKey::new(
            "column.mask.hash.([^.]+).with.salt.(.+)",
            String,
            Null,
            Medium,
            "Patterns of columns whose text is replaced by its salted hash. Not supported yet.",
        )
        .ui(EVENTS, 20, Width::Long, "Mask Columns Using Hash and Salt"),
        ConfigKey::new(
            "column.mask.with.(d+).chars",
            String,
            Null,
            Medium,
            "Patterns of columns whose text is replaced by that many asterisks. Not supported \
             yet.",
        )
        .ui(EVENTS, 21, Width::None, "Mask Columns With n Asterisks"),
        ConfigKey::new(
            "column.truncate.to.(d+).chars",
            Int,
            Null,
            Medium,
            "Patterns of columns whose text is cut to that many characters. Not supported yet.",
        )
        .ui(EVENTS, 22, Width::None, "Truncate Columns To n Characters"),
        ConfigKey::new(
            "include.schema.changes",
            Boolean,
            Text("true"),
            Medium,
            "Whether schema changes are published to the topic named as topic.prefix.",
        )
        .ui(EVENTS, 23, Width::Short, "Include database schema changes"),
        ConfigKey::new(
            "include.schema.comments",
            Boolean,
            Text("false"),
            Medium,
            "Whether comments of tables and columns are kept in schemas and schema changes.",
        )
        .ui(EVENTS, 24, Width::Short, "Include Table and Column Comments"),
        ConfigKey::new(
            "column.propagate.source.type",
            List,
            Null,
            Medium,
            "Patterns of columns whose database type is added to their schema's parameters. Not \
             supported yet.",
        )
        .ui(EVENTS, 25, Width::None, "Propagate Source Types by Columns"),
        ConfigKey::new(
            "datatype.propagate.source.type",
            List,
            Null,
            Medium,
            "Patterns of database types that are added to the schema's parameters. Not supported \
             yet.",
        )
        .ui(EVENTS, 26, Width::None, "Propagate Source Types by Data Type"),
        ConfigKey::new(
            "internal.snapshot.scan.all.columns.force",
            Boolean,
            Text("false"),
            Low,
            "Of no effect here; accepted for existing files.",
        )
        .ui(EVENTS, 27, Width::Short, "Snapshot force scan all columns of all tables"),
        ConfigKey::new(
            "snapshot.tables.order.by.row.count",
            String,
            Text("disabled"),
            Medium,
            "Order of tables in a snapshot by the server's estimate of their rows: disabled, \
             ascending, descending.",
        )
        .ui(EVENTS, 28, Width::None, "Initial snapshot tables order by row count"),
        ConfigKey::new("heartbeat.action.query", String, Null, Low, "SQL statement to run with every heartbeat.").ui(
            EVENTS,
            29,
            Width::Medium,
            "An optional query to execute with every heartbeat",
        ),
        ConfigKey::new(
            "include.query",
            Boolean,
            Text("false"),
            Medium,
            "Whether records carry the statement that made them; the server must log it \
             (binlog_rows_query_log_events). Not supported on MariaDB yet.",
        )
        .ui(EVENTS, 30, Width::Short, "Include original SQL query with in change events"),
        ConfigKey::new("table.ignore.builtin", Boolean, Text("true"), Low, "Whether the server's own databases are left out.")
            .ui(EVENTS, 31, Width::Short, "Ignore system databases")
            .dependents(&["database.include.list"]),
        ConfigKey::new(
            "database.include.list",
            List,
            Null,
            High,
            "Patterns of databases to capture. (database.whitelist in 1.x files.)",
        )
        .ui(EVENTS, 32, Width::Long, "Include Databases")
        .dependents(&["table.include.list"]),
        ConfigKey::new(
            "database.exclude.list",
            List,
            Null,
            Medium,
            "Patterns of databases not to capture. (database.blacklist in 1.x files.)",
        )
        .ui(EVENTS, 33, Width::Long, "Exclude Databases"),
        ConfigKey::new("binlog.buffer.size", Int, Text("0"), Medium, "Events to look ahead for a ROLLBACK. Not supported yet.")
            .ui(EVENTS, 34, Width::Medium, "Binlog reader buffer size"),
        ConfigKey::new(
            "event.deserialization.failure.handling.mode",
            String,
            Text("fail"),
            Medium,
            "Older name of event.processing.failure.handling.mode.",
        )
        .ui(EVENTS, 35, Width::Short, "Event deserialization failure handling"),
        ConfigKey::new(
            "inconsistent.schema.handling.mode",
            String,
            Text("fail"),
            Medium,
            "What rows of a captured table of unknown structure lead to: fail, warn or skip.",
        )
        .ui(EVENTS, 36, Width::Short, "Inconsistent schema failure handling"),
        ConfigKey::new(
            "gtid.source.filter.dml.events",
            Boolean,
            Text("true"),
            Medium,
            "Whether rows of transactions from servers outside gtid.source.includes give no \
             records.",
        )
        .ui(EVENTS, 37, Width::Short, "Filter DML events"),
        ConfigKey::new(
            "gtid.ignore.on.recovery",
            Boolean,
            Text("false"),
            Low,
            "Whether to resume by file and position although the server has GTIDs.",
        )
        .ui(EVENTS, 38, Width::Short, "Ignore GTID on recovery"),
        ConfigKey::new(
            "gtid.source.includes",
            List,
            Null,
            High,
            "Patterns of server UUIDs (MariaDB: domain-server) whose GTIDs count for the \
             position.",
        )
        .ui(EVENTS, 39, Width::Long, "Include GTID sources")
        .dependents(&["table.include.list"]),
        ConfigKey::new(
            "gtid.source.excludes",
            String,
            Null,
            Medium,
            "Patterns of server UUIDs (MariaDB: domain-server) whose GTIDs do not count for the \
             position.",
        )
        .ui(EVENTS, 40, Width::Long, "Exclude GTID sources"),
        ConfigKey::new(
            "sourceinfo.struct.maker",
            Class,
            Text("io.debezium.connector.mysql.MySqlSourceInfoStructMaker"),
            Low,
            "Class that makes the source block; only Debezium's own are supported, and the \
             record format chooses which.",
        )
        .ui(EVENTS, 41, Width::Medium, "Source info struct maker class"),
    ];
