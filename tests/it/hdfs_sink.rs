//! Does the HDFS sink alone write what its topics hold, once, under the names that Confluent's connector gives?
//!
//! Source: contracts/hdfs-sink.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tributary::connectors::hdfs::hive::metastore::Metastore;

use crate::support::kafka::Sent;
use crate::support::stack::{Server, address};
use crate::support::wait::wait_for;
use crate::support::worker::{Worker, WorkerSetup};
use crate::support::{hdfs, kafka, unique};

const WITHIN: Duration = Duration::from_secs(60);

/// A topic and its sink, whose files lie in a folder of their own.
struct Lake<'a> {
    worker: &'a Worker,
    name: String,
    topic: &'a str,
}

impl<'a> Lake<'a> {
    /// Starts a sink with these settings on top of what every sink needs.
    async fn start(worker: &'a Worker, topic: &'a str, settings: Value) -> Self {
        let lake = Self { worker, name: unique("lake"), topic };
        worker.rest.create(&lake.name, &lake.config(settings)).await;
        lake
    }

    fn config(&self, settings: Value) -> Value {
        let mut config = json!({
            "connector.class": "io.confluent.connect.hdfs.HdfsSinkConnector",
            "tasks.max": "1",
            "topics": self.topic,
            "hdfs.url": hdfs::url(),
            "topics.dir": format!("/{}/topics", self.name),
            "logs.dir": format!("/{}/logs", self.name),
            "locale": "en",
            "timezone": "America/Sao_Paulo",
            "flush.size": "3",
        });
        config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        config
    }

    fn folder(&self) -> String {
        format!("/{}/topics/{}/", self.name, self.topic)
    }

    /// The committed files, by their paths below the topic's folder.
    async fn files(&self) -> Vec<String> {
        let files = hdfs::committed_files(&format!("/{}/topics", self.name)).await;
        files.iter().map(|file| file.strip_prefix(&self.folder()).unwrap_or(file).to_owned()).collect()
    }

    /// Waits until there are this many files and returns them. A task that fails meanwhile is a panic.
    async fn wait_for_files(&self, count: usize) -> Vec<String> {
        let what = format!("{count} files of {}", self.name);
        wait_for(
            WITHIN,
            &what,
            async || {
                let status = self.worker.rest.status(&self.name).await;
                assert!(!status.to_string().contains("FAILED"), "{status:#}");
                self.files().await
            },
            |files| files.len() >= count,
        )
        .await
    }

    async fn rows(&self, file: &str) -> Vec<Value> {
        hdfs::read_avro(&format!("{}{file}", self.folder())).await.iter().map(hdfs::avro_json).collect()
    }

    /// How many rows of each id are in committed files.
    async fn ids(&self) -> BTreeMap<i64, u64> {
        let mut ids = BTreeMap::new();
        for file in self.files().await {
            for row in self.rows(&file).await {
                *ids.entry(row["id"].as_i64().unwrap()).or_default() += 1;
            }
        }
        ids
    }

    async fn wait_for_ids(&self, wanted: std::ops::Range<i64>) {
        let wanted: BTreeMap<i64, u64> = wanted.map(|id| (id, 1)).collect();
        wait_for(WITHIN, "each id in one committed file", async || self.ids().await, |ids| *ids == wanted).await;
    }

    /// Stops the sink for good, so that its open files are dropped and its log is closed; runs `meanwhile`; resumes.
    async fn interrupt(&self, meanwhile: impl Future<Output = ()>) {
        let at = |change: &str| format!("/connectors/{}/{change}", self.name);
        self.worker.rest.put(&at("stop"), None).await;
        let stopped = |status: &Value| status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
        wait_for(WITHIN, "the sink to stop", async || self.worker.rest.status(&self.name).await, stopped).await;
        meanwhile.await;
        self.worker.rest.put(&at("resume"), None).await;
    }
}

/// A record's value as JsonConverter writes it.
fn json_bytes(schema: &Value, payload: &Value) -> Vec<u8> {
    json!({"schema": schema, "payload": payload}).to_string().into_bytes()
}

fn field(name: &str, kind: &str) -> Value {
    json!({"field": name, "type": kind, "optional": false})
}

fn logical(name: &str, kind: &str, logical: &str) -> Value {
    json!({"field": name, "type": kind, "optional": true, "name": format!("org.apache.kafka.connect.data.{logical}"), "version": 1})
}

fn everything() -> Value {
    let mut decimal = logical("decimal", "bytes", "Decimal");
    decimal["parameters"] = json!({"scale": "2", "connect.decimal.precision": "12"});
    json!({"type": "struct", "name": "bank.Everything", "optional": false, "fields": [
        field("id", "int64"), field("kind", "string"), field("i8", "int8"), field("i16", "int16"), field("i32", "int32"),
        field("f32", "float"), field("f64", "double"), field("yes", "boolean"), field("bytes", "bytes"), decimal,
        logical("day", "int32", "Date"), logical("time", "int32", "Time"), logical("at", "int64", "Timestamp"),
        {"field": "list", "type": "array", "optional": false, "items": {"type": "string", "optional": true}},
        {"field": "map", "type": "map", "optional": true, "keys": {"type": "string", "optional": false},
            "values": {"type": "int64", "optional": false}},
        {"field": "inner", "type": "struct", "optional": true, "name": "bank.Inner", "fields": [
            {"field": "note", "type": "string", "optional": true, "default": "padrão"}]},
    ]})
}

fn every_value(partition: i32, offset: i64, at_ms: i64) -> Value {
    let missing = offset % 2 == 1;
    let or_null = |value: Value| if missing { Value::Null } else { value };
    json!({"id": offset * 2 + i64::from(partition) + (1i64 << 53), "kind": if missing { "bê" } else { "a" },
        "i8": -128, "i16": 32767, "i32": i32::MIN, "f32": 1.5, "f64": 1e300, "yes": missing, "bytes": "AP+A",
        "decimal": or_null(json!("/gA=")), "day": or_null(json!(-1)), "time": or_null(json!(86_399_999)), "at": at_ms,
        "list": ["São", or_null(json!("")), "\u{1f600}"], "map": or_null(json!({"x": i64::MIN, "": 0})),
        "inner": or_null(json!({"note": "n"}))})
}

/// What the header of a file of these records has to say, in Confluent's form.
fn everything_in_avro() -> Value {
    let connect = |kind: &str, name: &str, version: Option<i32>, logical: Option<&str>| {
        let mut schema = json!({"type": kind, "connect.name": format!("org.apache.kafka.connect.data.{name}")});
        schema.as_object_mut().unwrap().extend(version.map(|version| ("connect.version".to_owned(), json!(version))));
        schema.as_object_mut().unwrap().extend(logical.map(|logical| ("logicalType".to_owned(), json!(logical))));
        schema
    };
    let mut decimal = connect("bytes", "Decimal", Some(1), Some("decimal"));
    decimal.as_object_mut().unwrap().extend([
        ("scale".to_owned(), json!(2)),
        ("precision".to_owned(), json!(12)),
        ("connect.parameters".to_owned(), json!({"scale": "2", "connect.decimal.precision": "12"})),
    ]);
    let field = |name: &str, kind: Value| json!({"name": name, "type": kind});
    let optional = |name: &str, kind: Value| json!({"name": name, "type": ["null", kind], "default": null});
    let small = |kind: &str| json!({"type": "int", "connect.type": kind});
    let note = json!({"name": "note", "type": [{"type": "string", "connect.default": "padrão"}, "null"], "default": "padrão"});
    json!({"type": "record", "name": "Everything", "namespace": "bank", "connect.name": "bank.Everything", "fields": [
        field("id", json!("long")), field("kind", json!("string")), field("i8", small("int8")), field("i16", small("int16")),
        field("i32", json!("int")), field("f32", json!("float")), field("f64", json!("double")), field("yes", json!("boolean")),
        field("bytes", json!("bytes")), optional("decimal", decimal),
        optional("day", connect("int", "Date", Some(1), Some("date"))),
        optional("time", connect("int", "Time", Some(1), Some("time-millis"))),
        optional("at", connect("long", "Timestamp", Some(1), Some("timestamp-millis"))),
        field("list", json!({"type": "array", "items": ["null", "string"]})),
        optional("map", json!({"type": "map", "values": "long"})),
        optional("inner", json!({"type": "record", "name": "Inner", "connect.name": "bank.Inner", "fields": [note]})),
    ]})
}

/// Five sinks with a partitioner, a codec and a class name each read the same topic.
#[tokio::test]
async fn every_partitioner_and_codec_keeps_every_value() {
    const RECORDS: i64 = 6;
    // 22:30 of March 9th in São Paulo; a record every 40 minutes.
    let time_of = |offset: i64| 1_710_034_200_000 + offset * 2_400_000;
    let topic = unique("bank.everything");
    kafka::create_topic(&topic, 2).await;
    let sent: Vec<_> = (0..RECORDS).flat_map(|offset| [0, 1].map(|partition| (partition, offset))).collect();
    let values: Vec<_> = sent.iter().map(|(partition, offset)| every_value(*partition, *offset, time_of(*offset))).collect();
    let bytes: Vec<_> = values.iter().map(|value| json_bytes(&everything(), value)).collect();
    let records: Vec<_> = sent
        .iter()
        .zip(&bytes)
        .map(|((partition, offset), value)| Sent {
            partition: *partition,
            timestamp_ms: Some(time_of(*offset)),
            value: Some(value),
            ..Sent::default()
        })
        .collect();
    kafka::send(&topic, &records).await;

    let new = |name: &str| format!("io.confluent.connect.storage.partitioner.{name}Partitioner");
    let hour = |day: i32, hour: i32| format!("year=2024/month=03/day={day:02}/hour={hour:02}");
    let hours = [hour(9, 22), hour(9, 23), hour(9, 23), hour(10, 0), hour(10, 1), hour(10, 1)];
    let days = ["09", "09", "09", "10", "10", "10"].map(|day| format!("year=2024/month=03/day={day}"));
    let two_hours = ["09/h=22", "09/h=22", "09/h=22", "10/h=00", "10/h=00", "10/h=00"].map(|part| format!("dt=2024-03-{part}"));
    let kinds = ["a", "bê", "a", "bê", "a", "bê"].map(|kind| format!("kind={kind}/yes={}", kind != "a"));
    let none = std::array::from_fn(|_| String::new());
    let cases: [(&str, [String; 6], Value); 5] = [
        ("null", none, json!({"partitioner.class": new("Default"), "filename.offset.zero.pad.width": "2"})),
        (
            "snappy",
            kinds,
            json!({"partitioner.class": "io.confluent.connect.hdfs.partitioner.FieldPartitioner",
            "partition.field.name": "kind,yes"}),
        ),
        (
            "deflate",
            two_hours,
            json!({"partitioner.class": new("TimeBased"), "partition.duration.ms": "7200000",
            "path.format": "'dt'=YYYY-MM-dd/'h'=HH", "timestamp.extractor": "RecordField", "timestamp.field": "at"}),
        ),
        (
            "zstandard",
            days,
            json!({"partitioner.class": new("Daily"), "timestamp.extractor": "Record",
            "connector.class": "io.confluent.connect.hdfs3.Hdfs3SinkConnector",
            "format.class": "io.confluent.connect.hdfs3.avro.AvroFormat"}),
        ),
        (
            "snappy",
            hours,
            json!({"partitioner.class": new("Hourly"), "timestamp.extractor": "RecordField", "timestamp.field": "at"}),
        ),
    ];
    let worker = WorkerSetup::distributed().start().await;
    for (codec, directories, settings) in cases {
        let mut settings = settings;
        settings["avro.codec"] = json!(codec);
        let width = if directories[0].is_empty() { 2 } else { 10 };
        // A commit every three records of a partition; a file for each directory in it, named by its first and last offset.
        let mut wanted: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for partition in [0, 1] {
            for commit in [0..3, 3..6i64] {
                let of = |offset: i64| match directories[offset as usize].as_str() {
                    "" => format!("partition={partition}"),
                    directory => directory.to_owned(),
                };
                for directory in commit.clone().map(of).collect::<BTreeSet<_>>() {
                    let offsets: Vec<i64> = commit.clone().filter(|offset| of(*offset) == directory).collect();
                    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
                    let name = format!("{directory}/{topic}+{partition}+{first:0width$}+{last:0width$}.avro");
                    let rows = sent.iter().zip(&values).filter(|((of, offset), _)| *of == partition && offsets.contains(offset));
                    wanted.insert(name, rows.map(|(_, value)| value).collect());
                }
            }
        }
        let lake = Lake::start(&worker, &topic, settings).await;
        let files = lake.wait_for_files(wanted.len()).await;
        assert_eq!(files, wanted.keys().cloned().collect::<Vec<_>>());
        for (file, rows) in &wanted {
            let read = lake.rows(file).await;
            assert_eq!(read.iter().collect::<Vec<_>>(), *rows, "{codec}: {file}");
            let (schema, written) = hdfs::avro_header(&format!("{}{file}", lake.folder())).await;
            assert_eq!((schema, written.as_str()), (everything_in_avro(), codec), "{file}");
        }
    }
}

/// An envelope as Debezium writes it; the row's schema is in it twice.
fn envelope(before: Value, after: Value, operation: &str) -> Vec<u8> {
    let row = |name: &str| {
        json!({"field": name, "type": "struct", "optional": true, "name": "bank.clients.Value",
            "fields": [field("id", "int64"), field("nome", "string")]})
    };
    let schema = json!({"type": "struct", "optional": false, "name": "bank.clients.Envelope",
        "fields": [row("before"), row("after"), field("op", "string")]});
    json_bytes(&schema, &json!({"before": before, "after": after, "op": operation}))
}

#[tokio::test]
async fn envelopes_become_rows() {
    let topic = unique("bank.clients");
    kafka::create_topic(&topic, 1).await;
    let row = |id: i64, nome: &str| json!({"id": id, "nome": nome});
    let values = [
        Some(envelope(Value::Null, row(1, "João"), "r")),
        Some(envelope(Value::Null, row(2, "Ana"), "c")),
        Some(envelope(row(2, "Ana"), Value::Null, "d")),
        None,
        Some(envelope(row(1, "João"), row(1, "Inês"), "u")),
    ];
    kafka::produce(&topic, &values.iter().map(|value| (None, value.as_deref())).collect::<Vec<_>>()).await;
    let worker = WorkerSetup::distributed().start().await;
    let unwrap = json!({"transforms": "unwrap", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.unwrap.drop.tombstones": "true", "transforms.unwrap.delete.handling.mode": "drop"});
    let lake = Lake::start(&worker, &topic, unwrap).await;
    let file = format!("partition=0/{topic}+0+0000000000+0000000004.avro");
    assert_eq!(lake.wait_for_files(1).await, [file.as_str()]);
    assert_eq!(lake.rows(&file).await, [row(1, "João"), row(2, "Ana"), row(1, "Inês")]);
}

fn row_schema() -> Value {
    json!({"type": "struct", "optional": false, "name": "bank.Row", "fields": [field("id", "int64")]})
}

async fn send_ids(topic: &str, ids: std::ops::Range<i64>, partitions: i64) {
    let values: Vec<_> = ids.clone().map(|id| json_bytes(&row_schema(), &json!({"id": id}))).collect();
    let sent: Vec<_> = ids
        .zip(&values)
        .map(|(id, value)| Sent { partition: (id % partitions) as i32, value: Some(value), ..Sent::default() })
        .collect();
    kafka::send(topic, &sent).await;
}

/// A write-ahead log as Java writes it, with one complete block.
fn java_log(entries: &[(String, String)]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        let head = if length < 128 { vec![length] } else { vec![0x8f, length] };
        [head, text.as_bytes().to_vec()].concat()
    };
    let record = |key: &str, value: &str| {
        let (key, value) = (text(key), text(value));
        let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes().to_vec();
        [length(key.len() + value.len()), length(key.len()), key, value].concat()
    };
    let mut log = b"WAL\x0016 bytes of sync".to_vec();
    log.extend(record("BEGIN", ""));
    entries.iter().for_each(|(temp, target)| log.extend(record(temp, target)));
    log.extend(record("END", ""));
    log
}

/// Takes over from a Java worker that died in the middle of a commit, then continues from file names when the logs are
/// gone, from logs when the files are gone, and after a restart of the worker.
#[tokio::test]
async fn reading_goes_on_behind_what_is_committed() {
    let topic = unique("bank.resumed");
    kafka::create_topic(&topic, 1).await;
    send_ids(&topic, 0..9, 1).await;
    let mut worker = WorkerSetup::distributed().start().await;
    let lake = Lake { worker: &worker, name: unique("lake"), topic: &topic };
    let file = |first: i64, last: i64| format!("partition=0/{topic}+0+{first:010}+{last:010}.avro");
    let entry = |first: i64, last: i64| {
        let temp = format!("{}/{}/topics//+tmp/{topic}/partition=0/{first}_tmp.avro", hdfs::url(), lake.name);
        (temp, format!("{}{}{}", hdfs::url(), lake.folder(), file(first, last)))
    };
    // Two files were decided; one of them has its name already.
    let entries = [entry(0, 2), entry(3, 5)];
    hdfs::write(&format!("/{}/topics/{topic}/{}", lake.name, file(0, 2)), b"of Java".to_vec()).await;
    hdfs::write(&format!("/{}/topics/+tmp/{topic}/partition=0/3_tmp.avro", lake.name), b"of Java, too".to_vec()).await;
    hdfs::write(&format!("/{}/logs/{topic}/0/log", lake.name), java_log(&entries)).await;
    worker.rest.create(&lake.name, &lake.config(json!({}))).await;
    assert_eq!(lake.wait_for_files(3).await, [file(0, 2), file(3, 5), file(6, 8)]);
    assert_eq!(hdfs::read(&format!("{}{}", lake.folder(), file(3, 5))).await, b"of Java, too");
    assert_eq!(lake.rows(&file(6, 8)).await, [json!({"id": 6}), json!({"id": 7}), json!({"id": 8})]);

    // One more than is committed: it is in an open file, which a stop drops.
    send_ids(&topic, 9..13, 1).await;
    lake.wait_for_files(4).await;
    lake.interrupt(async {
        hdfs::delete(&format!("/{}/logs", lake.name)).await;
        send_ids(&topic, 13..15, 1).await;
    })
    .await;
    assert_eq!(lake.wait_for_files(5).await[3..], [file(9, 11), file(12, 14)]);
    lake.interrupt(async {
        hdfs::delete(&format!("/{}/topics/{topic}", lake.name)).await;
        send_ids(&topic, 15..18, 1).await;
    })
    .await;
    assert_eq!(lake.wait_for_files(1).await, [file(15, 17)]);

    let name = lake.name;
    assert!(worker.stop().await.success());
    send_ids(&topic, 18..21, 1).await;
    worker.start().await;
    let lake = Lake { worker: &worker, name, topic: &topic };
    assert_eq!(lake.wait_for_files(2).await, [file(15, 17), file(18, 20)]);
    lake.wait_for_ids(15..21).await;
}

#[tokio::test]
async fn the_clock_commits_what_tasks_share() {
    let topic = unique("bank.shared");
    kafka::create_topic(&topic, 4).await;
    send_ids(&topic, 0..50, 4).await;
    let worker = WorkerSetup::distributed().start().await;
    let settings = |tasks: &str| json!({"tasks.max": tasks, "flush.size": "1000000", "rotate.schedule.interval.ms": "1000"});
    let lake = Lake::start(&worker, &topic, settings("2")).await;
    lake.wait_for_ids(0..50).await;
    let (_, tasks) = worker.rest.get(&format!("/connectors/{}/tasks", lake.name)).await;
    assert_eq!(tasks.as_array().unwrap().len(), 2);
    // Partitions move while files are open.
    send_ids(&topic, 50..100, 4).await;
    worker.rest.put(&format!("/connectors/{}/config", lake.name), Some(&lake.config(settings("4")))).await;
    send_ids(&topic, 100..150, 4).await;
    lake.wait_for_ids(0..150).await;
    let status = worker.rest.wait_state(&lake.name, "RUNNING").await;
    assert_eq!(status["tasks"].as_array().unwrap().len(), 4);
}

/// A record every 20 s; files of a minute are committed by the record that begins the next one. The files are written as
/// Hadoop's own file asks for.
#[tokio::test]
async fn record_times_commit_files() {
    let topic = unique("bank.timed");
    kafka::create_topic(&topic, 1).await;
    let schema =
        json!({"type": "struct", "optional": false, "fields": [field("id", "int64"), logical("at", "int64", "Timestamp")]});
    let values: Vec<_> =
        (0..8i64).map(|id| json_bytes(&schema, &json!({"id": id, "at": 1_710_034_200_000 + id * 20_000}))).collect();
    kafka::produce(&topic, &values.iter().map(|value| (None, Some(value.as_slice()))).collect::<Vec<_>>()).await;
    let worker = WorkerSetup::distributed().start().await;
    let conf = std::env::temp_dir().join(unique("hadoop"));
    std::fs::create_dir(&conf).unwrap();
    let property = |name: &str, value: &str| format!("<property><name>{name}</name><value>{value}</value></property>");
    let properties = [property("dfs.replication", "2"), property("dfs.blocksize", "2m")].concat();
    std::fs::write(conf.join("hdfs-site.xml"), format!("<configuration>{properties}</configuration>")).unwrap();
    let settings = json!({"flush.size": "1000000", "rotate.interval.ms": "60000", "timezone": "UTC",
        "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner",
        "timestamp.extractor": "RecordField", "timestamp.field": "at", "hadoop.conf.dir": conf.to_str().unwrap()});
    let lake = Lake::start(&worker, &topic, settings).await;
    let file = |first: i64, last: i64| format!("year=2024/month=03/day=10/hour=01/{topic}+0+{first:010}+{last:010}.avro");
    assert_eq!(lake.wait_for_files(2).await, [file(0, 2), file(3, 5)]);
    let log = format!("/{}/logs/{topic}/0/log", lake.name);
    for path in [format!("{}{}", lake.folder(), file(0, 2)), log] {
        let status = hdfs::client().get_file_info(&path).await.unwrap();
        assert_eq!((status.replication, status.blocksize), (Some(2), Some(2 << 20)), "{path}");
    }
    std::fs::remove_dir_all(conf).unwrap();
}

/// Records of two versions in turn, into files that keep each schema and into a table that follows the newest.
#[tokio::test]
async fn schemas_change_as_their_mode_says() {
    let topic = unique("bank.changing");
    kafka::create_topic(&topic, 1).await;
    let version = |offset: i64| if offset % 2 == 0 { 1 } else { 2 };
    let schema = |version: i32| {
        let mut fields = vec![field("id", "int64"), field("uf", "string")];
        if version == 2 {
            fields.push(json!({"field": "area", "type": "string", "optional": true, "default": "TI", "doc": "Área"}));
        }
        json!({"type": "struct", "optional": false, "name": "bank.Row", "version": version, "fields": fields})
    };
    let row = |offset: i64, version: i32| {
        let mut row = json!({"id": offset, "uf": if offset < 5 { "SP" } else { "R J" }});
        if version == 2 {
            row["area"] = json!(if offset % 2 == 1 { "RH" } else { "TI" });
        }
        row
    };
    let send = async |offsets: std::ops::Range<i64>, version: fn(i64) -> i32| {
        let values: Vec<_> = offsets.map(|offset| json_bytes(&schema(version(offset)), &row(offset, version(offset)))).collect();
        kafka::produce(&topic, &values.iter().map(|value| (None, Some(value.as_slice()))).collect::<Vec<_>>()).await;
    };
    send(0..7, version).await;
    let worker = WorkerSetup::distributed().start().await;
    let none = Lake::start(&worker, &topic, json!({"flush.size": "2"})).await;
    let database = unique("bank");
    let hive = json!({"flush.size": "2", "schema.compatibility": "BACKWARD",
        "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner", "partition.field.name": "uf",
        "hive.integration": "true", "hive.metastore.uris": format!("thrift://{}", address(Server::Hive)),
        "hive.database": database, "hive.table.name": "lake-${topic}"});
    let backward = Lake::start(&worker, &topic, hive).await;

    let name = |first: i64, last: i64| format!("{topic}+0+{first:010}+{last:010}.avro");
    let single: Vec<_> = (0..6).map(|offset| format!("partition=0/{}", name(offset, offset))).collect();
    assert_eq!(none.wait_for_files(6).await, single);
    for (offset, file) in (0..).zip(&single) {
        assert_eq!(none.rows(file).await, [row(offset, version(offset))]);
    }
    let (sp, rj) = ("uf=SP", "uf=R J");
    let mut files = vec![
        format!("{rj}/{}", name(5, 6)),
        format!("{sp}/{}", name(0, 0)),
        format!("{sp}/{}", name(1, 2)),
        format!("{sp}/{}", name(3, 4)),
    ];
    assert_eq!(backward.wait_for_files(4).await, files);
    assert_eq!(backward.rows(&files[1]).await, [row(0, 1)]);
    assert_eq!(backward.rows(&files[2]).await, [row(1, 2), row(2, 2)]);
    assert_eq!(backward.rows(&files[0]).await, [row(5, 2), row(6, 2)]);

    // The schema to convert to is that of the last file, also after a restart.
    backward.interrupt(send(7..9, |_| 1)).await;
    files.insert(1, format!("{rj}/{}", name(7, 8)));
    assert_eq!(backward.wait_for_files(5).await, files);
    let filled: Vec<_> = [7, 8].map(|offset| json!({"id": offset, "uf": "R J", "area": "TI"})).to_vec();
    assert_eq!(backward.rows(&files[1]).await, filled);

    let mut metastore = Metastore::new(&[format!("thrift://{}", address(Server::Hive))]).unwrap();
    let table = format!("lake_{topic}").replace('.', "_");
    let partitions = wait_for(
        WITHIN,
        "both partitions in Hive",
        async || metastore.partition_names(&database, &table).await.unwrap_or_default(),
        |names| names.len() >= 2,
    )
    .await;
    assert_eq!(partitions, ["uf=R J", "uf=SP"]);
    let shown = format!("{:?}", metastore.table(&database, &table).await.unwrap());
    let literal = json!({"type": "record", "name": "ConnectDefault", "namespace": "io.confluent.connect.avro", "fields": [
        {"name": "id", "type": "long"},
        {"name": "area", "type": [{"type": "string", "connect.doc": "Área", "connect.default": "TI"}, "null"], "default": "TI"},
    ]});
    let bytes = format!("{:?}", literal.to_string().as_bytes());
    assert!(shown.contains(&bytes), "the table does not have the schema {literal}: {shown}");
    for text in [format!("{}/{}/topics/{topic}", hdfs::url(), backward.name), "EXTERNAL_TABLE".to_owned()] {
        assert!(shown.contains(&format!("{:?}", text.as_bytes())), "the table does not have '{text}': {shown}");
    }
}
