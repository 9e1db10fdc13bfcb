//! What has to outlive the process: tasks, the last report of each push, state events that are not
//! told yet, addresses that rest.
//!
//! One folder with an `SQLite` database in WAL mode, written by a thread of its own. Writes are on
//! disk in the order of the calls, those that wait together in one transaction; whoever waits for
//! one hears of it when it is synced. docs/spec/relay.md §11 says what is kept.

mod change;
mod error;
mod kept;
mod mail;
mod open;
mod rows;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use livegate_core::error::Coded as _;
use livegate_core::time::UnixMillis;
use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

pub use self::change::{Change, Event};
pub use self::error::StoreError;
pub use self::kept::{EndedTask, Kept, KeptTask};
pub(crate) use self::mail::{Arrived, MailRow, PutAside, Settled};
pub use self::mail::{Aside, KeptLine};
use self::worker::{Job, What, Worker, Write, Written};
use crate::{clock, log};

/// The most writes that wait. Beyond it they are refused: memory is not for what a disk cannot take.
const WAITING: usize = 20_000;

/// Where things are kept. Cloning it gives another handle.
#[derive(Clone)]
pub struct Store {
    jobs: Sender<Job>,
    shared: Arc<Shared>,
}

/// What the thread and the handles both know.
#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicUsize,
    failing: Mutex<Option<Failing>>,
    /// Lines that got rows since they were last asked for.
    arrived: Mutex<BTreeMap<u64, Arrived>>,
    rung: Notify,
}

/// Since when nothing can be kept, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failing {
    /// Since when.
    pub since: UnixMillis,
    /// Why.
    pub error: StoreError,
}

impl Shared {
    /// Makes room for one more write, if there is.
    fn enter(&self) -> Result<(), StoreError> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if before < WAITING {
            return Ok(());
        }
        self.leave();
        Err(StoreError::Overloaded)
    }

    fn leave(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    fn health(&self) -> Option<Failing> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_health(&self, error: Option<StoreError>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failing.as_ref().map_or_else(clock::now, |failing| failing.since);
        *failing = error.map(|error| Failing { since, error });
    }

    fn arrive<'a>(&self, all: impl Iterator<Item = &'a Arrived>) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.extend(all.map(|one| (one.line, one.clone())));
        let is_some = !arrived.is_empty();
        drop(arrived);
        if is_some {
            self.rung.notify_one();
        }
    }

    fn take_arrived(&self) -> BTreeMap<u64, Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// Opens the folder's database, or makes both, and says what was kept.
    ///
    /// # Errors
    /// [`StoreError`]: another host has the folder, or it cannot be used.
    pub fn open(folder: &Path) -> Result<(Self, Kept), StoreError> {
        Self::open_within(folder, open::MAX_PAGES)
    }

    fn open_within(folder: &Path, max_pages: u32) -> Result<(Self, Kept), StoreError> {
        let (db, lock) = open::open(folder, max_pages)?;
        let kept = kept::read(&db)?;
        let shared = Arc::new(Shared::default());
        let worker = Worker { db, shared: Arc::clone(&shared), lock, waiting: Vec::new() };
        let (jobs, todo) = channel();
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || worker.run(&todo))
            .map_err(|error| StoreError::Folder(error.kind()))?;
        Ok((Self { jobs, shared }, kept))
    }

    /// Writes changes, all or none, and answers when they are on disk. They are in the queue when
    /// this returns: what is written later is on disk later, and what was kept before
    /// ([`Self::keep`]) is on disk when this one is.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed, and nobody tries again.
    pub fn write(
        &self,
        changes: Vec<Change>,
    ) -> impl Future<Output = Result<(), StoreError>> + use<> {
        let sent = self.send(What::Changes(changes));
        async move { sent?.await.map_err(|_| StoreError::Closed)?.map(drop) }
    }

    /// Writes changes, all or none, however long it takes: a disk that fails is tried again. The
    /// order is that of the calls, of [`Self::write`] too. Only of a process that ends before, or
    /// beyond 20,000 writes, is anything lost, and that is in the log.
    pub fn keep(&self, changes: Vec<Change>) {
        if let Err(error) = self.shared.enter() {
            lost(&error);
            return;
        }
        let write = Write { what: What::Changes(changes), answer: None };
        if self.jobs.send(Job::Write(write)).is_err() {
            self.shared.leave();
            lost(&StoreError::Closed);
        }
    }

    /// Since when and why nothing can be kept; `None` while all is well.
    pub fn failing(&self) -> Option<Failing> {
        self.shared.health()
    }

    /// How many writes wait.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Writes what waits, and closes the database: another host may have the folder then.
    pub async fn close(self) {
        let (answer, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(answer)).is_ok() {
            let _ = closed.await;
        }
    }

    /// Events that were put aside, the newest 1,000, newest first: of an application and by their id if
    /// one is named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn aside(
        &self,
        app: Option<&str>,
        id: Option<&str>,
    ) -> Result<Vec<Aside>, StoreError> {
        let (app, id) = (app.map(str::to_owned), id.map(str::to_owned));
        self.ask(move |db| mail::aside(db, app.as_deref(), id.as_deref())).await
    }

    /// Has events that were put aside told again, by their ids, behind what waits in their channels;
    /// how many there were.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed.
    pub async fn tell_again(&self, ids: Vec<String>) -> Result<usize, StoreError> {
        let sent = self.send(What::Again(ids))?;
        sent.await.map_err(|_| StoreError::Closed)?.map(|written| written.arrived.len())
    }

    /// Lines that got rows; waits until there are some.
    pub(crate) async fn arrived(&self) -> Vec<Arrived> {
        loop {
            let rung = self.shared.rung.notified();
            let all = self.shared.take_arrived();
            if !all.is_empty() {
                return all.into_values().collect();
            }
            rung.await;
        }
    }

    /// Writes what became of events; the lines that are gone by it.
    pub(crate) fn settle(
        &self,
        settled: Settled,
    ) -> impl Future<Output = Result<Vec<u64>, StoreError>> + use<> {
        let sent = self.send(What::Settled(settled));
        async move { sent?.await.map_err(|_| StoreError::Closed)?.map(|written| written.gone) }
    }

    /// Rows of a line from a number on: a few.
    pub(crate) async fn mail(&self, line: u64, from: u64) -> Result<Vec<MailRow>, StoreError> {
        self.ask(move |db| mail::read(db, line, from, 16, 64 * 1024)).await
    }

    /// Lines with rows of before that time, and the last such row of each.
    pub(crate) async fn older(&self, than: UnixMillis) -> Result<Vec<(u64, u64)>, StoreError> {
        self.ask(move |db| mail::older(db, than)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let ask = Job::Ask(Box::new(move |db| _ = answer.send(ask(db))));
        self.jobs.send(ask).map_err(|_| StoreError::Closed)?;
        Ok(answered.await.map_err(|_| StoreError::Closed)??)
    }

    fn send(
        &self,
        what: What,
    ) -> Result<oneshot::Receiver<Result<Written, StoreError>>, StoreError> {
        self.shared.enter()?;
        let (answer, answered) = oneshot::channel();
        let write = Write { what, answer: Some(answer) };
        self.jobs.send(Job::Write(write)).map_err(|_| {
            self.shared.leave();
            StoreError::Closed
        })?;
        Ok(answered)
    }
}

/// Says that something was not kept.
fn lost(error: &StoreError) {
    let code = error.code().as_str();
    if log::admits(code) {
        tracing::error!(code, "a change is lost: {error}");
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("shared", &self.shared).finish_non_exhaustive()
    }
}
