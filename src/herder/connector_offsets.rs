//! Reads, alters and resets what a connector has done so far.
//!
//! Source: contracts/connect-rest.md, section 6.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::command::NewOffsets;
use super::error::{HerderError, Result};
use super::handle::Context;
use super::info::kind_of_config;
use crate::config::ConfigMap;
use crate::data::{SourceOffset, SourcePartition};
use crate::storage::{ConnectorEntry, TargetState};

/// Partitions and offsets as a client sent them, either of which may be missing.
pub type SentOffsets = Vec<(Option<Map<String, Json>>, Option<Map<String, Json>>)>;

/// Partitions and offsets as a client sees them.
pub type ConnectorOffsets = Vec<(SourcePartition, Option<SourceOffset>)>;

pub(super) async fn read(context: &Context, name: &str, config: &ConfigMap) -> Result<ConnectorOffsets> {
    check_kind(context, config)?;
    let failed = |error: crate::plugin::ConnectError| {
        HerderError::Internal(format!("Failed to retrieve offsets for source connector {name}: {}", error.trace()))
    };
    context.offsets.refresh().await.map_err(failed)?;
    let offsets = context.offsets.of_connector(name);
    Ok(offsets.into_iter().map(|(partition, offset)| (partition, Some(offset))).collect())
}

/// Sink offsets live in a consumer group, which this version does not read yet.
pub(super) fn check_kind(context: &Context, config: &ConfigMap) -> Result<()> {
    match kind_of_config(&context.registry, Some(config)) {
        "sink" => Err(HerderError::NotSupported(
            "this worker does not serve the offsets of sink connectors yet; read or change those of its consumer group \
             with Kafka's own tools"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Checks the form of offsets a client sent; of two for the same partition the last one wins.
pub(super) fn new_offsets(context: &Context, config: &ConfigMap, offsets: SentOffsets) -> Result<NewOffsets> {
    check_kind(context, config)?;
    let mut checked = NewOffsets::new();
    for (partition, offset) in offsets {
        let partition = partition.unwrap_or_default();
        for field in partition.iter().chain(offset.iter().flatten()) {
            let kind = match field.1 {
                Json::Object(_) => "MAP",
                Json::Array(_) => "ARRAY",
                _ => continue,
            };
            return Err(HerderError::Internal(format!(
                "Offsets may only contain primitive types as values, but field {} contains {kind}",
                field.0
            )));
        }
        checked.retain(|(known, _)| **known != partition);
        checked.push((Arc::new(partition), offset.map(Arc::new)));
    }
    Ok(checked)
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

/// Connect's sentence for connectors that have no say in their offsets.
pub(super) fn done(verb: &str) -> String {
    format!(
        "The Connect framework-managed offsets for this connector have been {verb} successfully. However, if this connector \
         manages offsets externally, they will need to be manually {verb} in the system that the connector uses."
    )
}
