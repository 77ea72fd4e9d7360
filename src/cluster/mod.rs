//! Membership of a group of equal workers; knows nothing of REST or connectors.

pub mod membership;
pub mod single_member;

pub use membership::{Assignment, Membership, TaskId, Work};
pub use single_member::SingleMember;
