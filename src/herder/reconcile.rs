//! Compares what should run here with what runs, and says what to stop, start and change.
//!
//! Pure, so that every mix of assignment and config change can be tested without running anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cluster::{TaskId, Work};
use crate::storage::{ClusterConfig, ConnectorEntry, TargetState};

/// What runs on this worker, as it was started.
#[derive(Clone, Default)]
pub struct Running {
    pub connectors: BTreeMap<String, RunningConnector>,
    pub tasks: BTreeMap<TaskId, RunningTask>,
}

#[derive(Clone)]
pub struct RunningConnector {
    pub entry: Arc<ConnectorEntry>,
    pub target_state: TargetState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningTask {
    /// Of the task configs it was started with.
    pub generation: u64,
    pub target_state: TargetState,
}

/// The steps from what runs to what should run, to be taken in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub stop_tasks: Vec<TaskId>,
    pub stop_connectors: Vec<String>,
    pub start_connectors: Vec<String>,
    pub start_tasks: Vec<TaskId>,
    /// Connectors (with their tasks here) that go on running in another state.
    pub new_target_states: Vec<(String, TargetState)>,
}

/// All connectors and tasks of the cluster.
pub fn all_work(configs: &ClusterConfig) -> Work {
    let tasks = configs
        .connectors
        .iter()
        .flat_map(|(name, entry)| (0..entry.tasks.len()).map(move |task| TaskId { connector: name.clone(), task }));
    Work { connectors: configs.connectors.keys().cloned().collect(), tasks: tasks.collect() }
}

pub fn plan(share: &Work, configs: &ClusterConfig, running: &Running) -> Plan {
    let mut plan = Plan::default();
    let task_wanted = |id: &TaskId| {
        let entry = configs.connector(&id.connector).filter(|_| share.tasks.contains(id))?;
        (id.task < entry.tasks.len() && entry.target_state != TargetState::Stopped).then_some(entry)
    };
    for (id, task) in &running.tasks {
        match task_wanted(id) {
            Some(entry) if entry.task_generation == task.generation => {}
            _ => plan.stop_tasks.push(id.clone()),
        }
    }
    for (name, connector) in &running.connectors {
        let wanted = configs.connector(name).filter(|_| share.connectors.contains(name));
        match wanted {
            Some(entry) if entry.config == connector.entry.config => {}
            _ => plan.stop_connectors.push(name.clone()),
        }
    }
    for name in &share.connectors {
        let stays = running.connectors.contains_key(name) && !plan.stop_connectors.contains(name);
        if configs.connector(name).is_some() && !stays {
            plan.start_connectors.push(name.clone());
        }
    }
    for id in &share.tasks {
        let stays = running.tasks.contains_key(id) && !plan.stop_tasks.contains(id);
        if task_wanted(id).is_some() && !stays {
            plan.start_tasks.push(id.clone());
        }
    }
    for (name, entry) in &configs.connectors {
        let connector_differs = running
            .connectors
            .get(name)
            .is_some_and(|connector| connector.target_state != entry.target_state && !plan.stop_connectors.contains(name));
        let task_differs = running
            .tasks
            .iter()
            .any(|(id, task)| id.connector == *name && task.target_state != entry.target_state && !plan.stop_tasks.contains(id));
        if connector_differs || task_differs {
            plan.new_target_states.push((name.clone(), entry.target_state));
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigMap;

    fn entry(config: &str, tasks: usize, task_generation: u64, target_state: TargetState) -> Arc<ConnectorEntry> {
        let config: ConfigMap = [("k", config)].into_iter().collect();
        let tasks = (0..tasks).map(|_| Arc::new(config.clone())).collect();
        Arc::new(ConnectorEntry { config, tasks, task_generation, target_state, ..ConnectorEntry::default() })
    }

    fn cluster(entries: &[(&str, &Arc<ConnectorEntry>)]) -> ClusterConfig {
        let connectors = entries.iter().map(|&(name, entry)| (name.to_owned(), entry.clone())).collect();
        ClusterConfig { connectors, ..ClusterConfig::default() }
    }

    fn running(entries: &[(&str, &Arc<ConnectorEntry>)]) -> Running {
        let mut running = Running::default();
        for &(name, entry) in entries {
            let target_state = entry.target_state;
            running.connectors.insert(name.to_owned(), RunningConnector { entry: entry.clone(), target_state });
            for task in 0..entry.tasks.len() {
                let task_state = RunningTask { generation: entry.task_generation, target_state };
                running.tasks.insert(id(name, task), task_state);
            }
        }
        running
    }

    fn id(connector: &str, task: usize) -> TaskId {
        TaskId { connector: connector.to_owned(), task }
    }

    use TargetState::{Paused, Started, Stopped};

    #[test]
    fn what_is_assigned_and_not_running_is_started() {
        let c = entry("1", 2, 1, Started);
        let configs = cluster(&[("c", &c)]);
        let plan = plan(&all_work(&configs), &configs, &Running::default());
        assert_eq!(plan.start_connectors, ["c"]);
        assert_eq!(plan.start_tasks, [id("c", 0), id("c", 1)]);
        assert!(plan.stop_tasks.is_empty() && plan.stop_connectors.is_empty());
    }

    #[test]
    fn nothing_is_done_when_all_is_as_it_should_be() {
        let c = entry("1", 2, 1, Started);
        let configs = cluster(&[("c", &c)]);
        assert_eq!(plan(&all_work(&configs), &configs, &running(&[("c", &c)])), Plan::default());
    }

    #[test]
    fn what_is_no_longer_assigned_or_deleted_is_stopped() {
        let c = entry("1", 1, 1, Started);
        let configs = cluster(&[("c", &c)]);
        let taken_away = plan(&Work::default(), &configs, &running(&[("c", &c)]));
        assert_eq!((taken_away.stop_connectors, taken_away.stop_tasks), (vec!["c".to_owned()], vec![id("c", 0)]));
        let share = all_work(&configs);
        let deleted = plan(&share, &cluster(&[]), &running(&[("c", &c)]));
        assert_eq!((deleted.stop_connectors.len(), deleted.stop_tasks.len()), (1, 1));
        assert!(deleted.start_connectors.is_empty() && deleted.start_tasks.is_empty());
    }

    #[test]
    fn a_new_config_restarts_the_connector_and_new_task_configs_restart_tasks() {
        let old = entry("1", 1, 1, Started);
        let new_config = entry("2", 1, 1, Started);
        let configs = cluster(&[("c", &new_config)]);
        let first = plan(&all_work(&configs), &configs, &running(&[("c", &old)]));
        assert_eq!((first.stop_connectors.len(), first.start_connectors.len()), (1, 1));
        assert!(first.stop_tasks.is_empty() && first.start_tasks.is_empty());

        let new_tasks = entry("2", 2, 2, Started);
        let configs = cluster(&[("c", &new_tasks)]);
        let second = plan(&all_work(&configs), &configs, &running(&[("c", &new_config)]));
        assert_eq!(second.stop_tasks, [id("c", 0)]);
        assert_eq!(second.start_tasks, [id("c", 0), id("c", 1)]);
        assert!(second.stop_connectors.is_empty());
    }

    #[test]
    fn pausing_changes_what_runs_without_stopping_it() {
        let started = entry("1", 1, 1, Started);
        let paused = entry("1", 1, 1, Paused);
        let configs = cluster(&[("c", &paused)]);
        let plan = plan(&all_work(&configs), &configs, &running(&[("c", &started)]));
        assert_eq!(plan, Plan { new_target_states: vec![("c".to_owned(), Paused)], ..Plan::default() });
    }

    #[test]
    fn a_stopped_connector_keeps_no_tasks_even_if_task_configs_are_left() {
        let started = entry("1", 1, 1, Started);
        let stopped = entry("1", 1, 1, Stopped);
        let configs = cluster(&[("c", &stopped)]);
        let plan = plan(&all_work(&configs), &configs, &running(&[("c", &started)]));
        assert_eq!(plan.stop_tasks, [id("c", 0)]);
        assert_eq!(plan.new_target_states, [("c".to_owned(), Stopped)]);
    }

    #[test]
    fn fewer_tasks_stop_the_surplus() {
        let two = entry("1", 2, 1, Started);
        let one = entry("1", 1, 2, Started);
        let configs = cluster(&[("c", &one)]);
        let plan = plan(&all_work(&configs), &configs, &running(&[("c", &two)]));
        assert_eq!(plan.stop_tasks, [id("c", 0), id("c", 1)]);
        assert_eq!(plan.start_tasks, [id("c", 0)]);
    }
}
