//! Counts binlog events, so that reading can resume at any of them without loss.
//!
//! Debezium's accounting (contracts/mysql-source.md, section 6): inside a transaction the place to resume is its BEGIN, with
//! the number of events since then (BEGIN counts, whatever the kind of the others) and of rows of the next rows event that
//! are done. Outside, it is the end of the last event.

use super::gtid::{Gtid, GtidSet};
use super::position::BinlogPosition;

/// What of an event's header matters for positions.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventPlace {
    /// Seconds since the epoch.
    pub timestamp: u32,
    pub server_id: u32,
    pub size: u32,
    /// Where the next event starts; 0 for events the server makes up.
    pub next: u32,
}

impl EventPlace {
    pub fn start(self) -> u64 {
        u64::from(self.next.saturating_sub(self.size))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    /// An XA transaction: Debezium counts no events in it, so reading resumes at its start.
    Xa,
}

/// The place in the binlog while reading.
#[derive(Clone, Debug)]
pub struct Tracker {
    /// The transactions that are done; `None` where the server numbers none.
    completed: Option<GtidSet>,
    running: Option<Gtid>,
    file: String,
    current: u64,
    restart_file: String,
    restart_pos: u64,
    /// `restart_pos` before the event being read.
    restart_pos_before: u64,
    transaction: Transaction,
    event: u64,
    server_id: u32,
    ts_sec: Option<i64>,
    /// A compressed transaction is being read: positions of events inside it mean nothing.
    payload_end: Option<u64>,
    /// What earlier runs did of the transaction that comes first.
    events_to_skip: u64,
    rows_to_skip: u64,
    skipping: bool,
}

impl Tracker {
    /// Starts at a stored position. `completed` is the set of transactions the server will leave out.
    pub fn resume(position: &BinlogPosition, completed: Option<GtidSet>) -> Self {
        Self {
            completed,
            running: None,
            file: position.file.clone(),
            current: position.pos,
            restart_file: position.file.clone(),
            restart_pos: position.pos,
            restart_pos_before: position.pos,
            transaction: Transaction::None,
            event: position.event,
            server_id: position.server_id,
            ts_sec: position.ts_sec,
            payload_end: None,
            events_to_skip: position.event,
            rows_to_skip: position.row,
            skipping: false,
        }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where the event being read starts.
    pub fn current(&self) -> u64 {
        self.current
    }

    pub fn running(&self) -> Option<&Gtid> {
        self.running.as_ref()
    }

    pub fn in_transaction(&self) -> bool {
        self.transaction != Transaction::None
    }

    /// Takes note of the next event, before it is handled.
    pub fn start_event(&mut self, place: EventPlace) {
        self.server_id = place.server_id;
        self.restart_pos_before = self.restart_pos;
        if place.next == 0 || self.payload_end.is_some() {
            return;
        }
        self.current = place.start();
        if self.transaction == Transaction::None {
            self.restart_pos = u64::from(place.next);
            self.restart_file.clone_from(&self.file);
            // A place that earlier runs had reached inside a transaction stays good until its BEGIN is read again.
            if self.events_to_skip == 0 {
                self.event = 0;
            }
        }
    }

    /// The event being read could not be handled; reading is to resume at it.
    pub fn undo_event(&mut self) {
        if self.transaction == Transaction::None {
            self.restart_pos = self.restart_pos_before;
        }
    }

    /// Takes note of the time of a change.
    pub fn set_time(&mut self, seconds: i64) {
        self.ts_sec = Some(seconds);
    }

    /// The next event is in another file, or the server says where it began.
    pub fn rotate(&mut self, file: &str, pos: u64) {
        file.clone_into(&mut self.file);
        self.current = pos;
        if self.transaction == Transaction::None {
            file.clone_into(&mut self.restart_file);
            self.restart_pos = pos;
        }
    }

    /// A transaction with this number begins; it may be a single statement without BEGIN.
    pub fn start_gtid(&mut self, gtid: Option<Gtid>) {
        self.running = gtid;
    }

    /// The event being read is the BEGIN of a transaction.
    pub fn begin(&mut self) {
        if self.payload_end.is_none() {
            self.restart_file.clone_from(&self.file);
            self.restart_pos = self.current;
        }
        self.event = 0;
        self.transaction = Transaction::Open;
        self.skipping = self.events_to_skip > 0;
    }

    /// The event being read starts an XA transaction.
    pub fn begin_xa(&mut self) {
        self.restart_file.clone_from(&self.file);
        self.restart_pos = self.current;
        self.event = 0;
        self.transaction = Transaction::Xa;
    }

    /// The event being read ends a transaction, or is a statement that needs none.
    pub fn commit(&mut self) {
        if let (Some(completed), Some(gtid)) = (&mut self.completed, &self.running) {
            completed.add(gtid);
        }
        self.running = None;
        self.transaction = Transaction::None;
        self.event = 0;
        self.events_to_skip = 0;
        self.rows_to_skip = 0;
        self.skipping = false;
    }

    /// The event was handled. `place` is the one given to [`Tracker::start_event`].
    pub fn end_event(&mut self, place: EventPlace) {
        match self.transaction {
            Transaction::Open => self.event += 1,
            Transaction::Xa => {}
            Transaction::None => {
                let end = self.payload_end.unwrap_or(u64::from(place.next));
                if end != 0 {
                    self.restart_file.clone_from(&self.file);
                    self.restart_pos = end;
                }
            }
        }
        if self.skipping {
            self.events_to_skip = self.events_to_skip.saturating_sub(1);
            self.skipping = self.events_to_skip > 0;
        }
    }

    /// The events until [`Tracker::end_payload`] come out of one compressed event, which starts at the current place.
    pub fn start_payload(&mut self, place: EventPlace) {
        self.restart_file.clone_from(&self.file);
        self.restart_pos = place.start();
        self.current = place.start();
        self.payload_end = Some(u64::from(place.next));
    }

    pub fn end_payload(&mut self) {
        self.payload_end = None;
    }

    /// True if the rows of the event being read were sent by an earlier run.
    pub fn skips_event(&self) -> bool {
        self.skipping
    }

    /// How many rows of the event being read were sent by an earlier run. Later events have none.
    pub fn take_rows_to_skip(&mut self) -> u64 {
        std::mem::take(&mut self.rows_to_skip)
    }

    /// Where reading can resume. `rows` of the event being read are done.
    pub fn position(&self, rows: u64) -> BinlogPosition {
        let open = self.transaction == Transaction::Open;
        // While the events of an earlier run are passed over, its own place is the better one: there is no going back.
        let (event, row) = match self.transaction {
            Transaction::Open if self.skipping => (self.event + self.events_to_skip, self.rows_to_skip),
            Transaction::Open => (self.event, rows.max(self.rows_to_skip)),
            Transaction::None if self.events_to_skip > 0 || self.rows_to_skip > 0 => (self.events_to_skip, self.rows_to_skip),
            _ => (0, 0),
        };
        BinlogPosition {
            file: self.restart_file.clone(),
            pos: self.restart_pos,
            gtids: self.completed.as_ref().filter(|set| !set.is_empty()).map(ToString::to_string),
            event,
            row: if open || self.rows_to_skip > 0 { row } else { 0 },
            server_id: self.server_id,
            ts_sec: self.ts_sec,
            in_snapshot: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds events of 10 bytes each and keeps the place.
    struct Log {
        tracker: Tracker,
        next: u32,
    }

    impl Log {
        fn new(position: &BinlogPosition) -> Self {
            let next = u32::try_from(position.pos).unwrap();
            Self { tracker: Tracker::resume(position, None), next }
        }

        fn event(&mut self, handle: impl FnOnce(&mut Tracker)) {
            self.next += 10;
            let place = EventPlace { timestamp: 0, server_id: 1, size: 10, next: self.next };
            self.tracker.start_event(place);
            handle(&mut self.tracker);
            self.tracker.end_event(place);
        }

        fn place(&self) -> (u64, u64, u64) {
            let position = self.tracker.position(0);
            (position.pos, position.event, position.row)
        }
    }

    fn start(pos: u64, event: u64, row: u64) -> BinlogPosition {
        BinlogPosition { file: "b.000001".into(), pos, event, row, ..BinlogPosition::default() }
    }

    #[test]
    fn counts_events_since_begin() {
        let mut log = Log::new(&start(100, 0, 0));
        log.event(|_| {});
        assert_eq!(log.place(), (110, 0, 0), "after a GTID event");
        log.event(Tracker::begin);
        assert_eq!(log.place(), (110, 1, 0), "after BEGIN");
        log.event(|_| {});
        let mut seen = Vec::new();
        log.event(|tracker| {
            for row in 1..=2 {
                let position = tracker.position(row);
                seen.push((position.pos, position.event, position.row));
            }
        });
        assert_eq!(seen, [(110, 2, 1), (110, 2, 2)], "while its rows are sent");
        assert_eq!(log.place(), (110, 3, 0), "after the rows event");
        log.event(Tracker::commit);
        assert_eq!(log.place(), (150, 0, 0));
    }

    #[test]
    fn a_statement_that_could_not_be_handled_is_read_again() {
        let mut log = Log::new(&start(100, 0, 0));
        log.event(|_| {});
        log.tracker.start_event(EventPlace { timestamp: 0, server_id: 1, size: 10, next: 120 });
        assert_eq!(log.place(), (120, 0, 0), "where its record in the history says it stands");
        log.tracker.undo_event();
        assert_eq!(log.place(), (110, 0, 0));
    }

    #[test]
    fn passes_over_what_an_earlier_run_sent() {
        let mut log = Log::new(&start(110, 2, 1));
        assert_eq!(log.place(), (110, 2, 1));
        log.event(|tracker| {
            tracker.begin();
            assert!(tracker.skips_event());
        });
        assert_eq!(log.place(), (110, 2, 1), "nothing is lost if the connection breaks again");
        log.event(|tracker| assert!(tracker.skips_event(), "the table map counts"));
        log.event(|tracker| {
            assert!(!tracker.skips_event());
            assert_eq!(tracker.take_rows_to_skip(), 1);
        });
        assert_eq!(log.place(), (110, 3, 0));
        log.event(Tracker::commit);
        assert_eq!(log.place(), (150, 0, 0));
        log.event(Tracker::begin);
        log.event(|tracker| assert!(!tracker.skips_event()));
    }

    #[test]
    fn a_gtid_is_complete_after_its_commit() {
        let mut log = Log::new(&start(100, 0, 0));
        log.tracker.completed = Some(GtidSet::parse("0-1-5", true).unwrap());
        let gtids = |log: &Log| log.tracker.position(0).gtids.unwrap();
        log.event(|tracker| {
            tracker.start_gtid(Some(Gtid::MariaDb { domain: 0, server: 1, sequence: 6 }));
            tracker.begin();
        });
        assert_eq!(gtids(&log), "0-1-5");
        log.event(Tracker::commit);
        assert_eq!(gtids(&log), "0-1-6");
    }

    #[test]
    fn a_compressed_transaction_resumes_at_its_envelope() {
        let mut log = Log::new(&start(100, 0, 0));
        log.event(|_| {});
        let envelope = EventPlace { timestamp: 0, server_id: 1, size: 50, next: 160 };
        let inner = EventPlace { timestamp: 0, server_id: 1, size: 30, next: 999 };
        log.tracker.start_event(envelope);
        log.tracker.start_payload(envelope);
        log.tracker.start_event(inner);
        log.tracker.begin();
        log.tracker.end_event(inner);
        assert_eq!(log.place(), (110, 1, 0));
        log.tracker.start_event(inner);
        log.tracker.commit();
        log.tracker.end_event(inner);
        log.tracker.end_payload();
        assert_eq!(log.place(), (160, 0, 0));
    }

    #[test]
    fn an_xa_transaction_resumes_at_its_start() {
        let mut log = Log::new(&start(100, 0, 0));
        log.event(Tracker::begin_xa);
        log.event(|_| {});
        log.event(|_| {});
        assert_eq!(log.place(), (100, 0, 0));
        log.event(Tracker::commit);
        assert_eq!(log.place(), (140, 0, 0));
    }

    #[test]
    fn a_new_file_moves_the_place_to_resume() {
        let mut log = Log::new(&start(100, 0, 0));
        log.tracker.rotate("b.000002", 4);
        let position = log.tracker.position(0);
        assert_eq!((position.file.as_str(), position.pos), ("b.000002", 4));
    }
}
