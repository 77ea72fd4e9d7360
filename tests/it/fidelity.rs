//! The same MySQL through Debezium on a Java worker and through ours, compared record by record.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::connect_rest::ConnectRest;
use crate::support::kafka::{self, Message};
use crate::support::sql::{Database, USER};
use crate::support::stack::{Server, address, host_and_port};
use crate::support::unique;
use crate::support::wait::wait_for;
use crate::support::worker::WorkerSetup;

const LIMIT: Duration = Duration::from_secs(120);

/// One of the two connectors: where it runs and the prefix of its topics.
struct Side {
    rest: ConnectRest,
    prefix: String,
}

impl Side {
    async fn create(&self, server_id: u32, database: &str, extra: &[(&str, &str)]) {
        let (host, port) = host_and_port(Server::MySql);
        let mut config = json!({
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "tasks.max": "1",
            "database.hostname": host,
            "database.port": port.to_string(),
            "database.user": USER,
            "database.password": "",
            "database.server.id": server_id.to_string(),
            "topic.prefix": self.prefix,
            "database.include.list": database,
            "schema.history.internal.kafka.bootstrap.servers": address(Server::Kafka),
            "schema.history.internal.kafka.topic": format!("{}.history", self.prefix),
            "include.schema.changes": "false",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        });
        for (key, value) in extra {
            config[*key] = json!(value);
        }
        self.rest.create(&self.prefix, &config).await;
    }

    /// All records of a table's topic once there are `count` of them.
    async fn records(&self, table: &str, count: usize) -> Vec<Message> {
        kafka::wait_for_records(&format!("{}.{table}", self.prefix), count, LIMIT).await
    }
}

/// A record with what has to differ taken out: the prefix, the time of processing and the run's id.
#[derive(Debug, PartialEq)]
struct Comparable {
    key: Option<String>,
    /// The schema half of the value, byte for byte.
    schema: Option<String>,
    payload: Value,
    headers: Vec<(String, Option<String>)>,
}

fn comparable(message: &Message, prefix: &str) -> Comparable {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(prefix, "PREFIX");
    let value = message.value.as_deref().map(text);
    let mut payload = value.as_deref().map_or(Value::Null, |text| serde_json::from_str::<Value>(text).unwrap()["payload"].take());
    let snapshot = payload["source"]["snapshot"].as_str().is_some_and(|mark| mark != "false");
    for field in ["ts_ms", "ts_us", "ts_ns"] {
        if payload.get(field).is_some() {
            assert!(payload[field].is_i64(), "{field} is {}", payload[field]);
            payload[field] = json!("processing time");
        }
        if snapshot && payload["source"].get(field).is_some() {
            payload["source"][field] = json!("snapshot time");
        }
    }
    if payload["source"].get("thread").is_some_and(|thread| !thread.is_null()) {
        assert!(payload["source"]["thread"].is_i64());
    }
    let schema = value.map(|text| {
        let end = text.find(",\"payload\":").expect("an envelope");
        text[..end].to_owned()
    });
    let run = "__debezium.context.runId";
    let headers = message.headers.iter().map(|(name, value)| {
        (name.clone(), value.as_deref().map(|value| if name == run { "run".to_owned() } else { text(value) }))
    });
    Comparable { key: message.key.as_deref().map(text), schema, payload, headers: headers.collect() }
}

/// Panics with the first few differences.
fn assert_same(table: &str, java: &[Message], java_prefix: &str, ours: &[Message], our_prefix: &str) {
    let mut differences = Vec::new();
    for (index, (theirs, mine)) in java.iter().zip(ours).enumerate() {
        let (theirs, mine) = (comparable(theirs, java_prefix), comparable(mine, our_prefix));
        if theirs.key != mine.key {
            differences.push(format!("record {index} key\n  java {:?}\n  ours {:?}", theirs.key, mine.key));
        }
        if theirs.schema != mine.schema {
            differences.push(format!("record {index} schema\n  java {:?}\n  ours {:?}", theirs.schema, mine.schema));
        }
        // As text, because values compare equal whatever the order of their fields.
        let texts = (theirs.payload.to_string(), mine.payload.to_string());
        if theirs.payload != mine.payload {
            let mut paths = Vec::new();
            diff("", &theirs.payload, &mine.payload, &mut paths);
            differences.push(format!("record {index} payload\n  {}", paths.join("\n  ")));
        } else if texts.0 != texts.1 {
            differences.push(format!("record {index} field order\n  java {}\n  ours {}", theirs.payload, mine.payload));
        }
        if theirs.headers != mine.headers {
            differences.push(format!("record {index} headers\n  java {:?}\n  ours {:?}", theirs.headers, mine.headers));
        }
    }
    if java.len() != ours.len() {
        differences.push(format!("{} records from Java, {} from ours", java.len(), ours.len()));
    }
    let shown = differences.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{table}: {} differences\n{shown}", differences.len());
}

fn diff(path: &str, java: &Value, ours: &Value, out: &mut Vec<String>) {
    match (java, ours) {
        (Value::Object(java), Value::Object(ours)) => {
            let names = java.keys().chain(ours.keys()).collect::<std::collections::BTreeSet<_>>();
            for name in names {
                let null = Value::Null;
                let (a, b) = (java.get(name).unwrap_or(&null), ours.get(name).unwrap_or(&null));
                if a != b || java.contains_key(name) != ours.contains_key(name) {
                    diff(&format!("{path}/{name}"), a, b, out);
                }
            }
        }
        _ if java == ours => out.push(format!("{path}: present on one side only")),
        _ => out.push(format!("{path}: java {java} ours {ours}")),
    }
}

async fn offsets(side: &Side) -> Value {
    let path = format!("/connectors/{}/offsets", side.prefix);
    let offsets = wait_for(
        LIMIT,
        "a stored streaming offset",
        async || side.rest.get(&path).await.1,
        |answer| {
            let offset = &answer["offsets"][0]["offset"];
            offset["file"].is_string() && offset["snapshot"].is_null()
        },
    )
    .await;
    serde_json::from_str(&offsets["offsets"].to_string().replace(&side.prefix, "PREFIX")).unwrap()
}

/// The user's tables and one with the types they do not use.
const TABLES: &[&str] = &[
    "CREATE TABLE operations (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, cpf VARCHAR(14) NOT NULL, tipo_produto VARCHAR(40), \
     origem VARCHAR(20), operacao VARCHAR(20), valor DOUBLE, online TINYINT(1), data DATE, horario TIME, \
     op_timestamp TIMESTAMP NULL, success TINYINT(1) NOT NULL DEFAULT 1)",
    "CREATE TABLE clients (nome VARCHAR(100), cpf VARCHAR(14) NOT NULL, tipo_produto VARCHAR(40), data_nascimento DATE, \
     address VARCHAR(200), renda_mensal DECIMAL(12,2), PRIMARY KEY (cpf))",
    "CREATE TABLE employees (nome VARCHAR(100), cpf VARCHAR(14) NOT NULL PRIMARY KEY, data_inicio DATE, address TEXT, \
     salario DECIMAL(10,2) NOT NULL DEFAULT '1320.00', area ENUM('TI','Jurídico','Crédito') DEFAULT 'TI')",
    "CREATE TABLE ibovespa (`index` INT, symbol CHAR(10), date DATE, high DOUBLE, open DOUBLE, close FLOAT, volume BIGINT UNSIGNED, \
     low DOUBLE, adjclose DOUBLE, dividends DECIMAL(20,6))",
    "CREATE TABLE types (id INT UNSIGNED PRIMARY KEY, a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d BIGINT UNSIGNED, e BIT(1), f BIT(12), \
     g DATETIME(3), h DATETIME(6), i TIMESTAMP(6) NULL, j TIME(6), k YEAR, l JSON, m BINARY(4), n VARBINARY(10), o BLOB, p SET('x','y','z'), \
     q DECIMAL(30,10), r FLOAT, s MEDIUMTEXT CHARACTER SET latin1, t DATETIME NULL DEFAULT '2020-01-02 03:04:05', u INT DEFAULT 7, v POINT)",
];

const ROWS: &[&str] = &[
    "INSERT INTO operations (cpf, tipo_produto, origem, operacao, valor, online, data, horario, op_timestamp, success) VALUES \
     ('123.456.789-00','Conta Corrente','app','débito',1234.56,1,'2021-03-04','13:14:15','2021-03-04 13:14:15',1), \
     ('987.654.321-00','Poupança',NULL,'crédito',-0.1,0,NULL,'-01:00:00',NULL,0), \
     ('111.111.111-11','Cartão','agência','pix',1e15,NULL,'1969-12-31','00:00:00','1970-01-01 00:00:01',1)",
    "INSERT INTO clients VALUES ('José da Conceição','123.456.789-00','Conta','1980-02-29','Rua São João, 10',15000.50), \
     ('Ana','987.654.321-00',NULL,NULL,NULL,NULL)",
    "INSERT INTO employees VALUES ('Márcia','111.222.333-44','2019-01-01','Av. Paulista','9999.99','Jurídico'), ('Zé','2',NULL,NULL,0.01,NULL)",
    "INSERT INTO ibovespa VALUES (1,'PETR4','2020-01-02',30.5,30.1,30.25,18446744073709551615,29.9,30.0,0.123456), (2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)",
    "INSERT INTO types VALUES (1,-128,65535,-8388608,18446744073709551615,b'1',b'101010101010','2020-01-02 03:04:05.678','2020-01-02 03:04:05.678901', \
     '2020-01-02 03:04:05.678901','838:59:59.000000',2020,'{\"a\": [1, 2.5, \"x\", null, true], \"ç\": {}}',x'00ff','abc',x'010203','x,z', \
     12345678901234567890.0123456789,1.1,'maçã',NULL,NULL,ST_GeomFromText('POINT(1 2)')), \
     (2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,DEFAULT,DEFAULT,NULL)",
];

const CHANGES: &[&str] = &[
    "INSERT INTO operations (cpf, valor, success) VALUES ('5','0.30000000000000004',1), ('6',NULL,0)",
    "UPDATE operations SET valor = valor + 1, origem = 'caixa' WHERE id <= 2",
    "DELETE FROM operations WHERE id = 3",
    "UPDATE clients SET cpf = '000.000.000-00' WHERE cpf = '123.456.789-00'",
    "INSERT INTO employees VALUES ('Íris','3','2022-02-02',NULL,DEFAULT,'Crédito')",
    "INSERT INTO ibovespa VALUES (3,'VALE3','2020-01-03',1,2,3.3,4,5,6,7)",
    "UPDATE ibovespa SET close = 9.75 WHERE `index` = 3",
    "INSERT INTO types (id, a, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, v) VALUES (3,127,9223372036854775808,b'0',b'1','1000-01-01 00:00:00.001', \
     '9999-12-31 23:59:59.999999','2038-01-19 03:14:07.000001','-838:59:59.000000',1901,'[1.0, 1e30, -1, \"é\\\\n\"]',x'',x'00','','', \
     -0.0000000001,-3.4e38,'ÿ',ST_GeomFromText('POINT(-1.5 2.25)'))",
    "ALTER TABLE employees ADD COLUMN nivel TINYINT UNSIGNED NOT NULL DEFAULT 3 AFTER area, MODIFY nome VARCHAR(120)",
    "INSERT INTO employees VALUES ('Raí','4','2022-02-03','rua',5.5,'TI',9)",
    "DELETE FROM employees WHERE cpf = '2'",
];

/// Records of each table: from the snapshot, from the changes (a key change gives two), and tombstones among those.
const COUNTS: &[(&str, usize, usize, usize)] =
    &[("operations", 3, 5, 1), ("clients", 2, 2, 1), ("employees", 2, 3, 1), ("ibovespa", 2, 2, 0), ("types", 2, 1, 0)];

async fn compare(extra: &[(&str, &str)]) {
    let mut database = Database::create(Server::MySql, "fidelity").await;
    for statement in TABLES.iter().chain(ROWS) {
        database.run(statement).await;
    }
    let worker = WorkerSetup::distributed().start().await;
    let java = Side { rest: ConnectRest::at(format!("http://{}", address(Server::Connect))), prefix: unique("java") };
    let ours = Side { rest: worker.rest.clone(), prefix: unique("ours") };
    let server_id = 100_000 + std::process::id() % 1_000_000 * 10 + extra.len() as u32;
    java.create(server_id, &database.name, extra).await;
    ours.create(server_id + 5_000_000, &database.name, extra).await;
    let tables = COUNTS.iter().map(|(table, ..)| format!("{}.{table}", database.name)).collect::<Vec<_>>();
    for side in [&java, &ours] {
        side.rest.wait_running(&side.prefix).await;
        for (table, (_, snapshot, ..)) in tables.iter().zip(COUNTS) {
            side.records(table, *snapshot).await;
        }
    }
    for statement in CHANGES {
        database.run(statement).await;
    }
    let mut failures = BTreeMap::new();
    let tombstones = !extra.contains(&("tombstones.on.delete", "false"));
    for (table, (_, snapshot, changes, deletes)) in tables.iter().zip(COUNTS) {
        let all = snapshot + changes + if tombstones { *deletes } else { 0 };
        let (theirs, mine) = (java.records(table, all).await, ours.records(table, all).await);
        let outcome = std::panic::catch_unwind(|| assert_same(table, &theirs, &java.prefix, &mine, &ours.prefix));
        if let Err(panic) = outcome {
            failures.insert(table, panic.downcast_ref::<String>().cloned().unwrap_or_default());
        }
    }
    let (their_offsets, our_offsets) = (offsets(&java).await, offsets(&ours).await);
    java.rest.delete(&format!("/connectors/{}", java.prefix)).await;
    assert!(failures.is_empty(), "{}", failures.values().cloned().collect::<Vec<_>>().join("\n\n"));
    assert_eq!(their_offsets[0]["partition"], our_offsets[0]["partition"]);
    // Java's position is inside the last event it sent (`event`, `row`), ours behind the transaction: the same names
    // otherwise, in the same order, and Java goes on from either.
    let names = |offsets: &Value| offsets[0]["offset"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = names(&their_offsets).into_iter().filter(|name| name != "event" && name != "row").collect::<Vec<_>>();
    assert_eq!(names(&our_offsets), expected, "{their_offsets} {our_offsets}");
    assert_eq!(their_offsets[0]["offset"]["file"], our_offsets[0]["offset"]["file"]);
    database.drop().await;
}

#[tokio::test]
async fn records_are_those_of_debezium() {
    compare(&[]).await;
}

#[tokio::test]
async fn records_are_those_of_debezium_with_other_value_modes() {
    compare(&[
        ("time.precision.mode", "connect"),
        ("decimal.handling.mode", "double"),
        ("binary.handling.mode", "base64"),
        ("bigint.unsigned.handling.mode", "precise"),
        ("tombstones.on.delete", "false"),
    ])
    .await;
}
