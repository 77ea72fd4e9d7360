//! Knows which source offsets are safe to commit: those of batches that Kafka has acknowledged, in the order sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::data::{SourceOffset, SourcePartition};

/// Counts the records of one batch that Kafka has not acknowledged yet. The producer keeps a clone with each record.
#[derive(Debug, Default)]
pub struct BatchAcks {
    /// Records sent and not acknowledged, plus one while the batch is still being sent.
    outstanding: AtomicUsize,
}

impl BatchAcks {
    /// Called before a record of this batch is handed to the producer.
    pub fn sent(&self) {
        self.outstanding.fetch_add(1, Ordering::Relaxed);
    }

    /// Called once for each record sent: acknowledged, failed and tolerated, or taken back unsent.
    pub fn done(&self) {
        self.outstanding.fetch_sub(1, Ordering::Release);
    }

    fn is_complete(&self) -> bool {
        self.outstanding.load(Ordering::Acquire) == 0
    }
}

struct Batch {
    acks: Arc<BatchAcks>,
    resume_at: Vec<(SourcePartition, SourceOffset)>,
}

/// The batches on their way, oldest first.
#[derive(Default)]
pub struct InFlight {
    batches: VecDeque<Batch>,
}

impl InFlight {
    /// Starts a batch; its records are counted on what is returned, and `finish` ends it.
    pub fn begin(&mut self) -> Arc<BatchAcks> {
        let acks = Arc::new(BatchAcks { outstanding: AtomicUsize::new(1) });
        self.batches.push_back(Batch { acks: acks.clone(), resume_at: Vec::new() });
        acks
    }

    /// Says that all records of the newest batch were handed to the producer, and where reading may resume after it.
    pub fn finish(&mut self, resume_at: Vec<(SourcePartition, SourceOffset)>) {
        if let Some(batch) = self.batches.back_mut() {
            batch.resume_at = resume_at;
            batch.acks.done();
        }
    }

    /// Takes the offsets that may be committed now, the newest of each source partition: those of complete batches
    /// before which no incomplete one was sent.
    pub fn take_committable(&mut self) -> Vec<(SourcePartition, SourceOffset)> {
        let mut committable: Vec<(SourcePartition, SourceOffset)> = Vec::new();
        while self.batches.front().is_some_and(|batch| batch.acks.is_complete()) {
            let Some(batch) = self.batches.pop_front() else { break };
            for (partition, offset) in batch.resume_at {
                match committable.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &partition) || *known == partition) {
                    Some((_, newest)) => *newest = offset,
                    None => committable.push((partition, offset)),
                }
            }
        }
        committable
    }

    /// True if everything that was sent is acknowledged and taken.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn partition(name: &str) -> SourcePartition {
        Arc::new(Map::from_iter([("p".to_owned(), json!(name))]))
    }

    fn offset(at: i64) -> SourceOffset {
        Arc::new(Map::from_iter([("at".to_owned(), json!(at))]))
    }

    fn send(in_flight: &mut InFlight, records: usize, at: i64) -> Arc<BatchAcks> {
        let acks = in_flight.begin();
        (0..records).for_each(|_| acks.sent());
        in_flight.finish(vec![(partition("a"), offset(at))]);
        acks
    }

    #[test]
    fn a_later_batch_waits_for_an_earlier_one() {
        let mut in_flight = InFlight::default();
        let (first, second) = (send(&mut in_flight, 2, 1), send(&mut in_flight, 1, 2));
        second.done();
        first.done();
        assert_eq!(in_flight.take_committable(), []);
        first.done();
        assert_eq!(in_flight.take_committable(), [(partition("a"), offset(2))]);
        assert!(in_flight.is_empty());
    }

    #[test]
    fn a_batch_that_is_still_being_sent_is_not_complete() {
        let mut in_flight = InFlight::default();
        let acks = in_flight.begin();
        acks.sent();
        acks.done();
        assert_eq!(in_flight.take_committable(), []);
        in_flight.finish(vec![(partition("a"), offset(1)), (partition("b"), offset(7))]);
        assert_eq!(in_flight.take_committable(), [(partition("a"), offset(1)), (partition("b"), offset(7))]);
    }

    #[test]
    fn a_batch_without_records_commits_its_position() {
        let mut in_flight = InFlight::default();
        send(&mut in_flight, 0, 5);
        assert_eq!(in_flight.take_committable(), [(partition("a"), offset(5))]);
    }
}
