//! What the herder asks of its group, whoever the members are.

use std::collections::BTreeSet;

use async_trait::async_trait;

/// A task of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    pub connector: String,
    pub task: usize,
}

impl std::fmt::Display for TaskId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// Connectors and tasks: all that there are, or one member's share of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    pub connectors: BTreeSet<String>,
    pub tasks: BTreeSet<TaskId>,
}

/// The outcome of one round of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Raised by every round; statuses carry it.
    pub generation: i32,
    /// This member's whole share, not only what is new.
    pub work: Work,
    pub is_leader: bool,
    /// Where the leader's REST API is.
    pub leader_url: String,
}

/// This worker's place in its group.
#[async_trait]
pub trait Membership: Send {
    /// Waits for the next round's outcome.
    ///
    /// # Cancel safety
    /// A dropped wait loses no assignment.
    async fn next_assignment(&mut self) -> Assignment;
    /// Tells the group what there is to do, and from which config topic offset this worker knows; asks for a round if
    /// that changed.
    fn offer(&mut self, work: Work, config_offset: i64);
    /// Leaves the group, so that others can take over at once.
    async fn leave(&mut self);
}
