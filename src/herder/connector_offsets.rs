//! Reads, alters and resets what a connector has done so far.
//!
//! Source: contracts/connect-rest.md, section 6; the order of the checks is that of a 4.3.1 worker.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::error::{HerderError, Result};
use super::handle::Context;
use crate::codec::java_text;
use crate::config::ConfigMap;
use crate::data::{SourceOffset, SourcePartition, TopicPartition};
use crate::kafka::{GroupChange, GroupOffsets};
use crate::plugin::registry::ConnectorPlugin;
use crate::plugin::{ConnectError, NewSinkOffsets, NewSourceOffsets, OffsetChange, SinkConnector, SourceConnector};
use crate::storage::{ConnectorEntry, TargetState};
use crate::worker::context::{group_admin_settings, sink_group};

/// Partitions and offsets as a client sent them, either of which may be missing.
pub type SentOffsets = Vec<(Option<Map<String, Json>>, Option<Map<String, Json>>)>;

/// Partitions and offsets as a client sees them.
pub type ConnectorOffsets = Vec<(SourcePartition, Option<SourceOffset>)>;

const TOPIC: &str = "kafka_topic";
const PARTITION: &str = "kafka_partition";
const OFFSET: &str = "kafka_offset";

pub(super) async fn read(context: &Context, name: &str, raw: &ConfigMap) -> Result<ConnectorOffsets> {
    let config = resolved(context, raw)?;
    match plugin(context, &config)? {
        ConnectorPlugin::Source(_) => {
            let what = || format!("Failed to retrieve offsets for source connector {name}");
            context.offsets.refresh().await.map_err(|error| failed(what(), &error))?;
            let offsets = context.offsets.of_connector(name);
            Ok(offsets.into_iter().map(|(partition, offset)| (partition, Some(offset))).collect())
        }
        ConnectorPlugin::Sink(_) => {
            let what = || format!("Failed to retrieve consumer group offsets for sink connector {name}");
            let group = group(context, name, &config).map_err(|error| failed(what(), &error))?;
            let committed = group.committed().await.map_err(|error| failed(what(), &error))?;
            Ok(committed.into_iter().map(|(partition, offset)| sink_offset(&partition, offset)).collect())
        }
    }
}

/// Returns the sentence for the client.
pub(super) async fn alter(context: &Context, name: &str, raw: &ConfigMap, sent: SentOffsets) -> Result<String> {
    let config = resolved(context, raw)?;
    let said = match plugin(context, &config)? {
        ConnectorPlugin::Source(connector) => {
            alter_source(context, name, &config, connector.as_ref(), source_offsets(sent)?).await?
        }
        ConnectorPlugin::Sink(connector) => alter_sink(context, name, &config, connector.as_ref(), sink_offsets(sent)?).await?,
    };
    Ok(done(said, "altered"))
}

/// Returns the sentence for the client.
pub(super) async fn reset(context: &Context, name: &str, raw: &ConfigMap) -> Result<String> {
    let config = resolved(context, raw)?;
    let said = match plugin(context, &config)? {
        ConnectorPlugin::Source(connector) => {
            context.offsets.refresh().await.map_err(|error| failed(source_failed(name), &error))?;
            let known = context.offsets.of_connector(name).into_iter().map(|(partition, _)| (Some(partition), None)).collect();
            alter_source(context, name, &config, connector.as_ref(), known).await?
        }
        ConnectorPlugin::Sink(connector) => reset_sink(context, name, &config, connector.as_ref()).await?,
    };
    Ok(done(said, "reset"))
}

async fn alter_source(
    context: &Context,
    name: &str,
    config: &ConfigMap,
    connector: &dyn SourceConnector,
    offsets: NewSourceOffsets,
) -> Result<OffsetChange> {
    let said = connector.alter_offsets(config, &offsets).await.map_err(refused)?;
    let store = &context.offsets;
    store.refresh().await.map_err(|error| failed(source_failed(name), &error))?;
    // Java stores the offset of no partition too, and finds it never again.
    let offsets = offsets.into_iter().filter_map(|(partition, offset)| Some((partition?, offset))).collect::<Vec<_>>();
    store.set(name, &offsets).await.map_err(|error| failed(source_failed(name), &error))?;
    Ok(said)
}

async fn alter_sink(
    context: &Context,
    name: &str,
    config: &ConfigMap,
    connector: &dyn SinkConnector,
    offsets: NewSinkOffsets,
) -> Result<OffsetChange> {
    let said = connector.alter_offsets(config, &offsets).await.map_err(refused)?;
    let group = group(context, name, config).map_err(|error| failed(sink_failed(name), &error))?;
    if let Some(offset) = offsets.values().flatten().find(|&&offset| offset < 0) {
        return Err(failed(sink_failed(name), &ConnectError::config(format!("offset {offset} is negative"))));
    }
    match group.alter(offsets).await {
        Ok(GroupChange::Made) => Ok(said),
        Ok(GroupChange::GroupIsActive) => Err(group_is_active(name, "alter")),
        Err(error) => Err(failed(format!("Failed to alter consumer group offsets for connector {name}"), &error)),
    }
}

async fn reset_sink(context: &Context, name: &str, config: &ConfigMap, connector: &dyn SinkConnector) -> Result<OffsetChange> {
    let group = group(context, name, config).map_err(|error| failed(sink_failed(name), &error))?;
    let known = group.committed().await.map_err(|error| {
        failed(format!("Failed to list offsets prior to resetting offsets for sink connector {name}"), &error)
    })?;
    let forgotten = known.into_keys().map(|partition| (partition, None)).collect();
    let said = connector.alter_offsets(config, &forgotten).await.map_err(refused)?;
    match group.delete().await {
        Ok(GroupChange::Made) => Ok(said),
        Ok(GroupChange::GroupIsActive) => Err(group_is_active(name, "reset")),
        Err(error) => Err(failed(format!("Failed to reset consumer group offsets for sink connector {name}"), &error)),
    }
}

fn resolved(context: &Context, raw: &ConfigMap) -> Result<ConfigMap> {
    context.worker.providers.resolve(raw).map_err(|error| HerderError::Internal(error.to_string()))
}

fn plugin<'a>(context: &'a Context, config: &ConfigMap) -> Result<&'a ConnectorPlugin> {
    let class = config.get("connector.class").unwrap_or_default().trim();
    context.registry.connector(class).map_err(|error| HerderError::Internal(error.message().to_owned()))
}

fn group(context: &Context, name: &str, config: &ConfigMap) -> Result<GroupOffsets, ConnectError> {
    let worker = &context.worker;
    GroupOffsets::new(&group_admin_settings(worker, name, config)?, &sink_group(worker, name, config)?)
}

/// Clients know the sentence; the causes are for the log.
fn failed(what: String, error: &ConnectError) -> HerderError {
    tracing::error!("{what}: {}", error.trace());
    HerderError::Internal(what)
}

fn source_failed(name: &str) -> String {
    format!("Failed to modify offsets for source connector {name}")
}

fn sink_failed(name: &str) -> String {
    format!("Failed to modify offsets for sink connector {name}")
}

/// A connector refuses in its own words.
fn refused(error: ConnectError) -> HerderError {
    HerderError::Internal(error.message().to_owned())
}

fn group_is_active(name: &str, verb: &str) -> HerderError {
    HerderError::Internal(format!(
        "Failed to {verb} consumer group offsets for connector {name} either because its tasks haven't stopped completely yet \
         or the connector was resumed before the request to {verb} its offsets could be successfully completed. If the \
         connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect \
         cluster may need to be restarted to get rid of the zombie sink tasks."
    ))
}

/// Checks the form of offsets a client sent; of two for the same partition the last one wins.
fn source_offsets(sent: SentOffsets) -> Result<NewSourceOffsets> {
    let mut offsets = BTreeMap::new();
    for (partition, offset) in sent {
        for (field, value) in partition.iter().chain(&offset).flatten() {
            let kind = match value {
                Json::Object(_) => "MAP",
                Json::Array(_) => "ARRAY",
                Json::Number(number) if number.is_u64() && !number.is_i64() => "class java.math.BigInteger",
                _ => continue,
            };
            return Err(HerderError::Internal(format!(
                "Offsets may only contain primitive types as values, but field {field} contains {kind}"
            )));
        }
        let sorted = partition.as_ref().map(|partition| json!(partition.iter().collect::<BTreeMap<_, _>>()).to_string());
        offsets.insert(sorted, (partition.map(Arc::new), offset.map(Arc::new)));
    }
    Ok(offsets.into_values().collect())
}

/// Reads offsets of Kafka's partitions; numbers may be written as text.
fn sink_offsets(sent: SentOffsets) -> Result<NewSinkOffsets> {
    let wrong = |text: String| Err(HerderError::BadRequest(text));
    let mut offsets = NewSinkOffsets::new();
    for (partition, offset) in sent {
        let Some(partition) = partition else {
            return wrong("The partition for a sink connector offset cannot be null or missing".to_owned());
        };
        let (Some(topic), Some(number)) = (partition.get(TOPIC), partition.get(PARTITION)) else {
            return wrong(format!("The partition for a sink connector offset must contain the keys '{TOPIC}' and '{PARTITION}'"));
        };
        if topic.is_null() {
            return wrong("Kafka topic names must be valid strings and may not be null".to_owned());
        }
        if number.is_null() {
            return wrong("Kafka partitions must be valid numbers and may not be null".to_owned());
        }
        let number = java_string(number);
        let Ok(number) = number.parse() else {
            return wrong(format!(
                "Failed to parse the following Kafka partition value in the provided offsets: '{number}'. Partition values \
                 for sink connectors need to be integers."
            ));
        };
        let offset = match offset.as_ref().map(|offset| offset.get(OFFSET)) {
            None => None,
            Some(None) => {
                return wrong(format!("The offset for a sink connector should either be null or contain the key '{OFFSET}'"));
            }
            Some(Some(value)) => {
                let text = java_string(value);
                let Ok(offset) = text.parse() else {
                    return wrong(format!(
                        "Failed to parse the following Kafka offset value in the provided offsets: '{text}'. Offset values \
                         for sink connectors need to be integers."
                    ));
                };
                Some(offset)
            }
        };
        offsets.insert(TopicPartition { topic: java_string(topic).into(), partition: number }, offset);
    }
    Ok(offsets)
}

/// What Java's `String.valueOf` makes of a value read from JSON.
fn java_string(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) if number.is_f64() => java_text::f64_text(number.as_f64().unwrap_or_default()),
        Json::Array(items) => format!("[{}]", items.iter().map(java_string).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}={}", java_string(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn sink_offset(partition: &TopicPartition, offset: i64) -> (SourcePartition, Option<SourceOffset>) {
    let partition = [(PARTITION.to_owned(), json!(partition.partition)), (TOPIC.to_owned(), json!(*partition.topic))];
    let offset = [(OFFSET.to_owned(), json!(offset))];
    (Arc::new(Map::from_iter(partition)), Some(Arc::new(Map::from_iter(offset))))
}

/// # Errors
/// `BadRequest` unless the connector is stopped and has no tasks.
pub(super) fn check_stopped(name: &str, entry: &ConnectorEntry) -> Result<()> {
    if entry.target_state == TargetState::Stopped && entry.tasks.is_empty() {
        return Ok(());
    }
    Err(HerderError::BadRequest(format!(
        "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified \
         connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
    )))
}

/// Connect's sentence, by whether the connector answers for everything.
fn done(said: OffsetChange, verb: &str) -> String {
    match said {
        OffsetChange::Confirmed => format!("The offsets for this connector have been {verb} successfully"),
        OffsetChange::NotLookedAt => format!(
            "The Connect framework-managed offsets for this connector have been {verb} successfully. However, if this \
             connector manages offsets externally, they will need to be manually {verb} in the system that the connector uses."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> SentOffsets {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn offsets_of_a_sink_are_read_as_java_reads_them() {
        let read = |text: &str| sink_offsets(sent(&format!("[{text}]")));
        let partition = |partition| TopicPartition { topic: "t".into(), partition };
        let good = read(
            r#"[{"kafka_topic":"t","kafka_partition":1},{"kafka_offset":"+5"}],
               [{"kafka_topic":"t","kafka_partition":"2"},null],
               [{"kafka_topic":"t","kafka_partition":"1"},{"kafka_offset":6,"x":0}]"#,
        );
        assert_eq!(good.unwrap(), [(partition(1), Some(6)), (partition(2), None)].into());
        for (text, part) in [
            ("[null,null]", "cannot be null or missing"),
            (r#"[{"kafka_topic":"t"},null]"#, "must contain the keys"),
            (r#"[{"kafka_topic":null,"kafka_partition":null},null]"#, "topic names"),
            (r#"[{"kafka_topic":"t","kafka_partition":null},null]"#, "valid numbers"),
            (r#"[{"kafka_topic":"t","kafka_partition":2147483648},null]"#, "value in the provided offsets: '2147483648'."),
            (r#"[{"kafka_topic":"t","kafka_partition":0},{}]"#, "contain the key 'kafka_offset'"),
            (r#"[{"kafka_topic":"t","kafka_partition":0},{"kafka_offset":1.5e30}]"#, "'1.5E30'"),
            (r#"[{"kafka_topic":"t","kafka_partition":0},{"kafka_offset":[0,"x",null,{"a":true}]}]"#, "'[0, x, null, {a=true}]'"),
            (r#"[{"kafka_topic":"t","kafka_partition":0},{"kafka_offset":" 1"}]"#, "' 1'"),
        ] {
            let error = read(text).unwrap_err();
            assert!(matches!(&error, HerderError::BadRequest(message) if message.contains(part)), "{text}: {error}");
        }
    }

    #[test]
    fn of_two_offsets_of_a_source_partition_the_last_one_wins() {
        let read = source_offsets(sent(r#"[[{"a":1,"b":2},{"p":1}],[null,null],[{"b":2,"a":1},{"p":2}]]"#)).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].1.as_deref(), serde_json::from_str::<Json>(r#"{"p":2}"#).unwrap().as_object());
        for (text, kind) in [
            (r#"[[{"a":{}},null]]"#, "a contains MAP"),
            (r#"[[null,{"b":[]}]]"#, "b contains ARRAY"),
            (r#"[[null,{"b":9223372036854775808}]]"#, "b contains class java.math.BigInteger"),
        ] {
            assert!(source_offsets(sent(text)).unwrap_err().to_string().ends_with(kind), "{text}");
        }
    }
}
