//! The thread that has the database: what waits is one transaction.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use livegate_core::error::Coded as _;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::change::Change;
use super::mail::{self, Arrived, Settled};
use super::{Shared, StoreError, lost, rows};
use crate::clock;

/// The most writes of one transaction.
const GROUP: usize = 1_024;

/// The pause before a disk that failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// What the thread is asked for.
pub(super) enum Job {
    /// To write.
    Write(Write),
    /// To look something up.
    Ask(Box<dyn FnOnce(&Connection) + Send>),
    /// To write what waits, and end.
    Close(oneshot::Sender<()>),
}

/// Something to write, all of it or nothing.
pub(super) struct Write {
    pub(super) what: What,
    /// Who waits for it; without, it is tried until it is on disk.
    pub(super) answer: Option<oneshot::Sender<Result<Written, StoreError>>>,
}

impl Write {
    /// Whether it only asks that what is before it be on disk.
    const fn is_empty(&self) -> bool {
        matches!(&self.what, What::Changes(changes) if changes.is_empty())
    }
}

pub(super) enum What {
    Changes(Vec<Change>),
    Settled(Settled),
    /// Events that were put aside, by their ids, are to be told again.
    Again(Vec<String>),
}

/// What came of a write.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) arrived: Vec<Arrived>,
    /// Lines that are gone.
    pub(super) gone: Vec<u64>,
}

/// The thread's own.
pub(super) struct Worker {
    pub(super) db: Connection,
    pub(super) shared: Arc<Shared>,
    /// Held until the database is closed.
    pub(super) lock: File,
    /// What is to be written, in the order of the calls.
    pub(super) waiting: Vec<Write>,
}

impl Worker {
    /// Works until nobody has a handle any more, or one says that it is over.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let (asked, closed) = self.gather(jobs);
            self.write();
            for ask in asked {
                ask(&self.db);
            }
            let Some(answer) = closed else { continue };
            if !self.waiting.is_empty() {
                tracing::error!("{} changes are lost", self.waiting.len());
            }
            let Self { db, lock, .. } = self;
            // The WAL goes into the database, so that the folder can be copied file by file.
            drop(db);
            drop(lock);
            if let Some(answer) = answer {
                let _ = answer.send(());
            }
            return;
        }
    }

    /// Waits for jobs, or until it is time to try again. Says what is to be looked up, and whether
    /// it is over and who waits for that.
    #[expect(clippy::type_complexity, reason = "two answers that are used once")]
    fn gather(
        &mut self,
        jobs: &Receiver<Job>,
    ) -> (Vec<Box<dyn FnOnce(&Connection) + Send>>, Option<Option<oneshot::Sender<()>>>) {
        let mut asked = Vec::new();
        let until = self.shared.health().map(|_| Instant::now() + PAUSE);
        let mut is_first = true;
        while self.waiting.len() + asked.len() < GROUP || until.is_some() {
            let job = match until {
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    jobs.recv_timeout(left)
                }
                None if is_first => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                None => jobs.recv_timeout(Duration::ZERO),
            };
            is_first = false;
            match job {
                Ok(Job::Write(write)) => self.waiting.push(write),
                Ok(Job::Ask(ask)) => asked.push(ask),
                Ok(Job::Close(answer)) => return (asked, Some(Some(answer))),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return (asked, Some(None)),
            }
        }
        (asked, None)
    }

    /// Writes what waits as one transaction. What nobody waits for stays if that fails.
    fn write(&mut self) {
        let was_failing = self.shared.health().is_some();
        if self.waiting.is_empty() && !was_failing {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (left, error) = match self.attempt(waiting) {
            Ok(()) => (Vec::new(), None),
            Err((error, left)) => (left, Some(error)),
        };
        // What was told may go also where nothing new has room.
        let (settled, left): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|write| matches!(write.what, What::Settled(_)));
        let unsettled = if settled.is_empty() {
            settled
        } else {
            self.attempt(settled).err().map(|(_, settled)| settled).unwrap_or_default()
        };
        match &error {
            None if was_failing => tracing::info!("the store keeps again what it gets"),
            Some(error) if !was_failing => {
                tracing::error!(code = error.code().as_str(), "nothing is kept: {error}");
            }
            _ => {}
        }
        self.shared.set_health(error.clone());
        let Some(error) = error else { return };
        for write in unsettled.into_iter().chain(left) {
            match write.answer {
                None => self.waiting.push(write),
                Some(answer) => {
                    self.shared.leave();
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Tries to write these, and answers if that works.
    fn attempt(&mut self, writes: Vec<Write>) -> Result<(), (StoreError, Vec<Write>)> {
        let written = match self.commit(&writes) {
            Ok(written) => written,
            Err(error) => return Err((error, writes)),
        };
        // Whoever tells events knows all of a group at once.
        self.shared.arrive(written.iter().flatten().flat_map(|written| &written.arrived));
        for (write, written) in writes.into_iter().zip(written) {
            self.shared.leave();
            match (write.answer, written) {
                (Some(answer), written) => _ = answer.send(written),
                (None, Err(error)) => lost(&error),
                (None, Ok(_)) => {}
            }
        }
        Ok(())
    }

    /// One transaction; what came of each write. One that cannot be kept for what it is leaves the
    /// others. Without a change, the disk is tried.
    fn commit(&mut self, writes: &[Write]) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        let now = clock::now();
        let mut group = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut all = Vec::with_capacity(writes.len());
        for write in writes {
            let point = group.savepoint()?;
            let written = match &write.what {
                What::Changes(changes) => changes
                    .iter()
                    .filter_map(|change| rows::apply(&point, change, now).transpose())
                    .collect::<rusqlite::Result<_>>()
                    .map(|arrived| Written { arrived, gone: Vec::new() }),
                What::Again(ids) => mail::again(&point, ids, now)
                    .map(|arrived| Written { arrived, gone: Vec::new() }),
                What::Settled(settled) => {
                    mail::settle(&point, settled).map(|gone| Written { arrived: Vec::new(), gone })
                }
            };
            match written {
                Ok(written) => {
                    point.commit()?;
                    all.push(Ok(written));
                }
                Err(error) if StoreError::is_of_the_disk(&error) => return Err(error.into()),
                Err(error) => {
                    point.finish()?;
                    all.push(Err(error.into()));
                }
            }
        }
        if writes.iter().all(Write::is_empty) {
            // Something has to be written to know whether it can be.
            let sql = "INSERT OR REPLACE INTO own VALUES ('tried_at', ?1)";
            group.execute(sql, params![now.to_string()])?;
        }
        group.commit()?;
        Ok(all)
    }
}
