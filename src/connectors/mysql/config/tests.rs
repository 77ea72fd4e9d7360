//! Does the reading of settings accept, translate and refuse what it should?

use super::*;

fn config(entries: &[(&str, &str)]) -> ConfigMap {
    let mut config: ConfigMap = [
        ("connector.class", "io.debezium.connector.mysql.MySqlConnector"),
        ("database.hostname", "127.0.0.1"),
        ("database.user", "root"),
        ("database.server.id", "5001"),
        ("topic.prefix", "p"),
    ]
    .into_iter()
    .collect();
    for (key, value) in entries {
        config.set(*key, *value);
    }
    config
}

fn errors(entries: &[(&str, &str)]) -> Vec<String> {
    validate(ConnectorKind::MySql, &config(entries)).0.errors().map(str::to_owned).collect()
}

#[test]
fn the_smallest_file_is_enough() {
    let (report, parsed) = validate(ConnectorKind::MySql, &config(&[]));
    assert_eq!(report.errors().collect::<Vec<_>>(), Vec::<&str>::new());
    let parsed = parsed.unwrap();
    assert_eq!(parsed.connection.port, 3306);
    assert_eq!(parsed.streaming.heartbeat_period, Duration::from_secs(48));
    assert_eq!(parsed.retry.max_retries, None);
    assert_eq!(&*parsed.heartbeat.topic, "__debezium-heartbeat.p");
    assert_eq!(parsed.max_batch_size, None);
}

#[test]
fn a_file_of_1x_needs_no_server_id() {
    let old: ConfigMap = [
        ("database.hostname", "db"),
        ("database.user", "u"),
        ("database.server.name", "shop"),
        ("database.history.kafka.topic", "h"),
        ("table.whitelist", "a.b"),
    ]
    .into_iter()
    .collect();
    let parsed = MySqlConfig::parse(ConnectorKind::MySql, &old).unwrap();
    assert!((5400..=6400).contains(&parsed.streaming.server_id));
    assert_eq!((&*parsed.logical_name, parsed.profile), ("shop", Profile::V1_9));
    assert_eq!(parsed.filters.table_include.as_deref(), Some("a.b"));
    assert_eq!(parsed.options.schema_names, NameAdjustment::Avro);
    assert!(!parsed.options.skipped_operations.truncate);
}

#[test]
fn says_what_is_wrong_in_debeziums_words() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("database.hostname", "")], "The 'database.hostname' value is invalid: A value is required"),
        (&[("database.port", "x")], "The 'database.port' value is invalid: An integer is expected"),
        (&[("tombstones.on.delete", "1")], "The 'tombstones.on.delete' value is invalid: Either 'true' or 'false' is expected"),
        (
            &[("decimal.handling.mode", "x")],
            "The 'decimal.handling.mode' value is invalid: Value must be one of precise, string, double",
        ),
        (
            &[("table.include.list", "a.b"), ("table.exclude.list", "a.c")],
            "The 'table.exclude.list' value is invalid: \"table.include.list\" is already specified",
        ),
        (
            &[("time.precision.mode", "adaptive")],
            "The 'time.precision.mode' value is invalid: The 'adaptive' time.precision.mode is no longer supported",
        ),
        (&[("max.queue.size", "100")], "The 'max.queue.size' value is invalid: Must be larger than the maximum batch size"),
        (&[("skipped.operations", "x")], "The 'skipped.operations' value is invalid: Invalid operation"),
        (
            &[("topic.prefix", "a b")],
            "The 'topic.prefix' value is invalid: a b has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)",
        ),
        // A key that is accepted and of no effect is still checked for its type.
        (&[("database.server.id.offset", "x")], "The 'database.server.id.offset' value is invalid: A long value is expected"),
    ];
    for (entries, expected) in cases {
        let errors = errors(entries);
        assert!(errors.contains(&(*expected).to_owned()), "{entries:?}: {errors:?}");
    }
}

#[test]
fn refuses_what_it_does_not_have() {
    for (key, value) in [
        ("provide.transaction.metadata", "true"),
        ("converters", "x"),
        ("column.mask.with.3.chars", "a.b.c"),
        ("column.mask.hash.v2.SHA-256.with.salt.x", "a.b.c"),
        ("signal.data.collection", "a.s"),
        ("signal.enabled.channels", "source,kafka"),
        ("binlog.buffer.size", "100"),
        ("snapshot.mode", "custom"),
        ("topic.naming.strategy", "com.example.Mine"),
        ("database.ssl.truststore", "/x/trust.jks"),
        ("tributary.debezium.compat", "0.9"),
        ("source.struct.version", "v1"),
        ("snapshot.new.tables", "parallel"),
        ("sourceinfo.struct.maker", "com.example.Mine"),
    ] {
        let errors = errors(&[(key, value)]);
        assert_eq!(errors.len(), 1, "{key}: {errors:?}");
        assert!(errors[0].starts_with(&format!("The '{key}' value is invalid: ")), "{}", errors[0]);
    }
}

#[test]
fn statements_of_mariadb_are_refused() {
    let with_query = config(&[("include.query", "true")]);
    let (report, _) = validate(ConnectorKind::MariaDb, &with_query);
    assert_eq!(report.errors().filter(|error| error.starts_with("The 'include.query' value is invalid: ")).count(), 1);
    assert_eq!(validate(ConnectorKind::MySql, &with_query).0.error_count(), 0);
}

#[test]
fn names_the_settings_that_do_nothing() {
    let parsed = |entries: &[(&str, &str)]| MySqlConfig::parse(ConnectorKind::MySql, &config(entries)).unwrap();
    assert_eq!(parsed(&[("snapshot.max.threads", "1")]).without_effect(), []);
    let parsed = parsed(&[("snapshot.max.threads", "4"), ("database.ssl.keystore.password", "x"), ("custom.metric.tags", "a=b")]);
    let keys: Vec<_> = parsed.without_effect().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["snapshot.max.threads", "database.ssl.keystore.password", "custom.metric.tags"]);
}

#[test]
fn a_password_is_never_shown() {
    let parsed = MySqlConfig::parse(ConnectorKind::MySql, &config(&[("database.password", "s3cret")])).unwrap();
    assert!(!format!("{parsed:?}").contains("s3cret"));
}

#[test]
fn lists_are_split_at_unescaped_separators() {
    assert_eq!(split_list(r"a\.b{1\,2}, c.d ,,"), [r"a\.b{1\,2}", "c.d"]);
    assert_eq!(split_statements("SET a=1; SET b=';;' ;"), ["SET a=1", "SET b=';'"]);
}

#[test]
fn definitions_match_the_reference() {
    assert_eq!(definition(ConnectorKind::MySql).keys.len(), 124);
    let mariadb = definition(ConnectorKind::MariaDb);
    assert_eq!(mariadb.get("database.ssl.mode").unwrap().default, crate::config::Default::Text("disable"));
    assert_eq!(mariadb.get("database.hostname").unwrap().group, Some("MariaDB"));
    assert_eq!(definition(ConnectorKind::MySql).get("database.hostname").unwrap().group, Some("MySQL"));
}
