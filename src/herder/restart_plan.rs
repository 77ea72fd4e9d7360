//! Decides which parts of a connector a restart request covers.
//!
//! Source: contracts/connect-rest.md, section 4.8.

use std::collections::BTreeMap;

use crate::storage::{InstanceState, InstanceStatus, RestartRequest};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestartPlan {
    pub connector: bool,
    pub tasks: Vec<usize>,
}

impl RestartPlan {
    pub fn new(request: RestartRequest, connector: &InstanceStatus, tasks: &BTreeMap<usize, InstanceStatus>) -> Self {
        let covers = |status: &InstanceStatus| !request.only_failed || status.state == InstanceState::Failed;
        let tasks = tasks.iter().filter(|(_, status)| request.include_tasks && covers(status)).map(|(&task, _)| task);
        Self { connector: covers(connector), tasks: tasks.collect() }
    }

    /// A status as the answer to the request shows it: what will be restarted is RESTARTING, an old trace stays.
    pub fn shown(&self, task: Option<usize>, status: &InstanceStatus) -> InstanceStatus {
        let planned = match task {
            None => self.connector,
            Some(task) => self.tasks.contains(&task),
        };
        let state = if planned { InstanceState::Restarting } else { status.state };
        InstanceStatus { state, ..status.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: InstanceState) -> InstanceStatus {
        InstanceStatus { state, trace: Some("old".into()), worker_id: "w".into(), generation: 1, version: None }
    }

    fn plan(include_tasks: bool, only_failed: bool, connector: InstanceState) -> RestartPlan {
        let tasks = [(0, status(InstanceState::Running)), (1, status(InstanceState::Failed))].into();
        RestartPlan::new(RestartRequest { include_tasks, only_failed }, &status(connector), &tasks)
    }

    #[test]
    fn the_four_combinations_of_flags() {
        use InstanceState::{Failed, Running};
        assert_eq!(plan(false, false, Running), RestartPlan { connector: true, tasks: vec![] });
        assert_eq!(plan(true, false, Running), RestartPlan { connector: true, tasks: vec![0, 1] });
        assert_eq!(plan(false, true, Running), RestartPlan { connector: false, tasks: vec![] });
        assert_eq!(plan(false, true, Failed), RestartPlan { connector: true, tasks: vec![] });
        assert_eq!(plan(true, true, Running), RestartPlan { connector: false, tasks: vec![1] });
    }

    #[test]
    fn planned_parts_are_shown_as_restarting_with_their_old_trace() {
        let plan = plan(true, true, InstanceState::Running);
        let shown = plan.shown(Some(1), &status(InstanceState::Failed));
        assert_eq!((shown.state, shown.trace.as_deref()), (InstanceState::Restarting, Some("old")));
        assert_eq!(plan.shown(None, &status(InstanceState::Running)).state, InstanceState::Running);
    }
}
