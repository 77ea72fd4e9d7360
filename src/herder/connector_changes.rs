//! Decides what a client's change writes to the config store, or why it is refused.
//!
//! Pure: the caller passes what is known of the connector and carries the writes out in order.
//! Source: contracts/connect-rest.md, sections 4.4-4.11.

use super::error::{HerderError, Result};
use crate::config::ConfigMap;
use crate::storage::{ConnectorEntry, TargetState};

/// What a client wants done to one connector. Configs were validated before.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Create { config: ConfigMap, initial_state: Option<TargetState> },
    Put { config: ConfigMap },
    Delete,
    SetTargetState(TargetState),
}

/// One step of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    Connector {
        config: ConfigMap,
        initial_state: Option<TargetState>,
    },
    DeleteConnector,
    /// An empty set of task configs.
    NoTasks,
    TargetState(TargetState),
}

/// # Errors
/// `AlreadyExists` or `NotFound`, in the words of the endpoint that asks.
pub fn writes(name: &str, existing: Option<&ConnectorEntry>, change: Change) -> Result<Vec<Write>> {
    match (change, existing) {
        (Change::Create { .. }, Some(_)) => Err(HerderError::AlreadyExists(format!("Connector {name} already exists"))),
        (Change::Create { config, initial_state }, None) => Ok(vec![Write::Connector { config, initial_state }]),
        (Change::Put { config }, _) => Ok(vec![Write::Connector { config, initial_state: None }]),
        (Change::Delete, None) => Err(HerderError::connector_not_found(name)),
        (Change::Delete, Some(_)) => Ok(vec![Write::DeleteConnector]),
        (Change::SetTargetState(_), None) => Err(HerderError::unknown_connector(name)),
        (Change::SetTargetState(TargetState::Stopped), Some(_)) => {
            // In this order, so that no worker sees a stopped connector with tasks.
            Ok(vec![Write::NoTasks, Write::TargetState(TargetState::Stopped)])
        }
        (Change::SetTargetState(state), Some(_)) => Ok(vec![Write::TargetState(state)]),
    }
}

/// A stored config with a client's patch laid over it: text sets, null removes, the rest stays.
pub fn patched(stored: &ConfigMap, patch: ConfigMap) -> ConfigMap {
    let mut config = stored.clone();
    for (key, value) in patch.0 {
        match value {
            Some(value) => config.set(key, value),
            None => config.remove(&key),
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(value: &str) -> ConfigMap {
        [("k", value)].into_iter().collect()
    }

    fn existing() -> ConnectorEntry {
        ConnectorEntry { config: config("old"), ..ConnectorEntry::default() }
    }

    #[test]
    fn creating_refuses_a_name_that_is_taken() {
        let create = || Change::Create { config: config("new"), initial_state: Some(TargetState::Paused) };
        let refused = writes("c", Some(&existing()), create()).unwrap_err();
        assert_eq!(refused, HerderError::AlreadyExists("Connector c already exists".to_owned()));
        assert_eq!(
            writes("c", None, create()).unwrap(),
            [Write::Connector { config: config("new"), initial_state: Some(TargetState::Paused) }]
        );
    }

    #[test]
    fn putting_leaves_the_target_state_alone() {
        for known in [None, Some(&existing())] {
            let written = writes("c", known, Change::Put { config: config("new") }).unwrap();
            assert_eq!(written, [Write::Connector { config: config("new"), initial_state: None }]);
        }
    }

    #[test]
    fn stopping_takes_the_tasks_away_first() {
        let written = writes("c", Some(&existing()), Change::SetTargetState(TargetState::Stopped)).unwrap();
        assert_eq!(written, [Write::NoTasks, Write::TargetState(TargetState::Stopped)]);
        let written = writes("c", Some(&existing()), Change::SetTargetState(TargetState::Started)).unwrap();
        assert_eq!(written, [Write::TargetState(TargetState::Started)]);
    }

    #[test]
    fn unknown_connectors_are_refused_in_the_endpoints_own_words() {
        let refusal = |change| writes("c", None, change).unwrap_err().to_string();
        assert_eq!(refusal(Change::Delete), "Connector c not found");
        assert_eq!(refusal(Change::SetTargetState(TargetState::Paused)), "Unknown connector c");
    }

    #[test]
    fn a_patch_sets_and_removes() {
        let stored: ConfigMap = [("a", "1"), ("b", "2"), ("c", "3")].into_iter().collect();
        let mut patch: ConfigMap = [("a", "9"), ("d", "4")].into_iter().collect();
        patch.0.insert("b".to_owned(), None);
        assert_eq!(patched(&stored, patch), [("a", "9"), ("c", "3"), ("d", "4")].into_iter().collect());
    }
}
