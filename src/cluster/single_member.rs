//! A group of one that assigns itself everything: standalone mode, and distributed mode with a single worker.

use async_trait::async_trait;

use super::membership::{Assignment, Membership, Work};

pub struct SingleMember {
    url: String,
    generation: i32,
    /// Standalone workers stay at generation 0 in all they write.
    counts_rounds: bool,
    /// The work of the last round, to see what is new.
    known: Option<Work>,
    pending: Option<Assignment>,
}

impl SingleMember {
    /// The only worker of a distributed group, whose REST API is here.
    pub fn distributed(url: impl Into<String>) -> Self {
        Self { url: url.into(), generation: 0, counts_rounds: true, known: None, pending: None }
    }

    pub fn standalone(url: impl Into<String>) -> Self {
        Self { counts_rounds: false, ..Self::distributed(url) }
    }
}

#[async_trait]
impl Membership for SingleMember {
    async fn next_assignment(&mut self) -> Assignment {
        match self.pending.take() {
            Some(assignment) => assignment,
            // Only `offer` brings the next one, and it needs the same `&mut self`.
            None => std::future::pending().await,
        }
    }

    fn offer(&mut self, work: Work, _config_offset: i64) {
        if self.known.as_ref() == Some(&work) {
            return;
        }
        self.generation += i32::from(self.counts_rounds);
        self.known = Some(work.clone());
        self.pending = Some(Assignment { generation: self.generation, work, is_leader: true, leader_url: self.url.clone() });
    }

    async fn leave(&mut self) {
        self.pending = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn work(names: &[&str]) -> Work {
        Work { connectors: names.iter().map(|&name| name.to_owned()).collect(), ..Work::default() }
    }

    #[test]
    fn everything_is_its_own_and_only_changes_make_a_round() {
        let mut member = SingleMember::distributed("http://h:1/");
        assert!(member.next_assignment().now_or_never().is_none());
        member.offer(work(&[]), 0);
        let first = member.next_assignment().now_or_never().unwrap();
        assert_eq!((first.generation, first.is_leader), (1, true));
        member.offer(work(&[]), 5);
        assert!(member.next_assignment().now_or_never().is_none());
        member.offer(work(&["c"]), 6);
        assert_eq!(member.next_assignment().now_or_never().unwrap().work, work(&["c"]));
    }
}
