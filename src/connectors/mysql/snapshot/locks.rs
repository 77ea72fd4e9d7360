//! Holds the locks of a snapshot on a connection of their own.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::super::config::LockingMode;
use super::super::connection::Session;
use super::super::table::TableId;
use super::quoted_table;
use crate::plugin::{ConnectError, ErrorKind, Result};

/// A held lock's connection must not look idle to anything between us and the server.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

pub struct Locks {
    session: Session,
    timeout: Duration,
    held: bool,
    global: bool,
    last_use: Instant,
}

impl Locks {
    pub fn new(session: Session, timeout: Duration) -> Self {
        Self { session, timeout, held: false, global: false, last_use: Instant::now() }
    }

    /// Keeps all tables still; where the global lock is refused, the captured ones.
    pub async fn acquire(&mut self, mode: LockingMode, captured: &[TableId]) -> Result<()> {
        let statement = match mode {
            LockingMode::None => return Ok(()),
            LockingMode::Minimal | LockingMode::Extended => "FLUSH TABLES WITH READ LOCK",
            LockingMode::MinimalPercona { .. } => "LOCK TABLES FOR BACKUP",
        };
        let seconds = self.timeout.as_secs().max(1);
        self.session.run("set the lock timeout", &format!("SET SESSION lock_wait_timeout = {seconds}")).await?;
        match self.session.run("get the global read lock", statement).await {
            Ok(()) => {
                self.held = true;
                self.global = !matches!(mode, LockingMode::MinimalPercona { .. });
                self.last_use = Instant::now();
                info!("the global read lock is held");
                return Ok(());
            }
            Err(error) if mode == (LockingMode::MinimalPercona { table_locks: false }) => return Err(error),
            // A lost connection is not a refusal.
            Err(error) if error.kind() == ErrorKind::Retriable && super::super::connection::server_code(&error).is_none() => {
                return Err(error);
            }
            Err(error) => {
                warn!(problem = error.trace(), "the global read lock is refused; the captured tables are locked instead")
            }
        }
        if captured.is_empty() {
            return Ok(());
        }
        let list = captured.iter().map(|table| format!("{} READ", quoted_table(table))).collect::<Vec<_>>().join(", ");
        self.session.run("lock the captured tables", &format!("LOCK TABLES {list}")).await.map_err(|error| {
            let advice = "neither the global read lock nor locks of the captured tables can be had: grant RELOAD, or LOCK TABLES \
                          and SELECT on them, or set snapshot.locking.mode=none if nobody alters tables meanwhile";
            ConnectError::new(error.kind(), advice).caused_by(error)
        })?;
        self.held = true;
        self.last_use = Instant::now();
        Ok(())
    }

    /// True if nothing on the server can change.
    pub fn hold_everything(&self) -> bool {
        self.held && self.global
    }

    /// Gives a sign of life on a connection that holds locks for long.
    pub async fn keep_alive(&mut self) -> Result<()> {
        if self.held && self.last_use.elapsed() >= KEEP_ALIVE {
            self.last_use = Instant::now();
            self.session.run("keep the snapshot's lock", "SELECT 1").await?;
        }
        Ok(())
    }

    pub async fn release(&mut self) -> Result<()> {
        if std::mem::take(&mut self.held) {
            self.session.run("release the snapshot's locks", "UNLOCK TABLES").await?;
            info!("the snapshot's locks are released");
        }
        Ok(())
    }
}
