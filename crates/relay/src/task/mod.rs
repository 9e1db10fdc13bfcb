//! Relay tasks: what runs on this host, started, changed, stopped.

mod fanout;
mod running;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use livegate_core::error::{Code, Coded, Fault};
use livegate_core::relay::host::Settings;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::TaskState;
use livegate_core::relay::push::{Cause, Push, PushSettings, Status, Transport};
use livegate_core::relay::queue::Dropped;
use livegate_core::relay::task::Origin;
use livegate_core::relay::{Addresses, Conflict, PushUrl, Source, Task};
use livegate_core::time::UnixMillis;
use sha2::{Digest as _, Sha256};
use tokio::task::{JoinHandle, spawn_local};

use self::running::Running;
use crate::clock;
use crate::meter::Meters;
use crate::pull::Pulls;
use crate::push::Connector;
use crate::store::{Change, EndedTask, Kept, KeptTask, Store, StoreError};
use crate::stream::Streams;

/// Which task: ids are one in an application, and vendors' do not meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// Whose request it came from.
    pub origin: Origin,
    /// The application.
    pub app: String,
    /// Its id.
    pub id: String,
}

impl TaskKey {
    /// That of a task.
    pub fn of(task: &Task) -> Self {
        Self { origin: task.origin, app: task.app_id.clone(), id: task.id.clone() }
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.origin, self.app, self.id)
    }
}

/// What became of a wish to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is new.
    New,
    /// It ran, and is now as it was asked for.
    Changed,
}

/// Why a task cannot be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Addresses that another task has, or that rest.
    Addresses(Vec<Conflict>),
    /// The host cannot do what is asked, such as mixing.
    Unsupported,
    /// It cannot be kept.
    Store(StoreError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(conflicts) => match conflicts.first() {
                Some(first) => write!(f, "address {}: {first}", first.index + 1),
                None => f.write_str("an address is another task's"),
            },
            Self::Unsupported => f.write_str("this host does not mix streams"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl Coded for StartError {
    fn code(&self) -> Code {
        match self {
            Self::Addresses(conflicts) => match conflicts.first() {
                Some(first) => first.code(),
                None => Code::new("relay.address_taken"),
            },
            Self::Unsupported => Code::new("host.unsupported"),
            Self::Store(error) => error.code(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Store(error) => error.fault(),
            _ => Fault::Caller,
        }
    }
}

/// One push, as it is shown.
#[derive(Clone, Debug)]
pub struct PushView {
    /// Its address, **secrets included**: whoever shows it masks it
    /// (`livegate_core::dialect::redact::push_url`).
    pub url: String,
    /// How it is doing.
    pub status: Status,
    /// Bytes that arrived since it began, all connections together.
    pub sent: u64,
    /// What its queue dropped.
    pub dropped: Dropped,
}

/// One task, as it is shown.
#[derive(Clone, Debug)]
pub struct TaskView {
    /// What was asked for, **secrets included**.
    pub task: Task,
    /// What is said of it.
    pub state: TaskState,
    /// Why it is over, if it is.
    pub ended: Option<(Cause, UnixMillis)>,
    /// How a live job stopped by itself, if it did: its record.
    pub exit: Option<serde_json::Value>,
    /// When it began.
    pub began_at: UnixMillis,
    /// Its pushes.
    pub pushes: Vec<PushView>,
}

/// How many tasks that ended are still shown: the newest.
const ENDED: usize = 1_000;

struct Inner {
    settings: Settings,
    streams: Streams,
    store: Store,
    connector: Connector,
    pulls: Pulls,
    meters: Rc<Meters>,
    running: RefCell<BTreeMap<TaskKey, Rc<Running>>>,
    ended: RefCell<VecDeque<TaskView>>,
    addresses: RefCell<Addresses>,
}

/// A task that was begun or changed, on its way to the disk.
type Begun = JoinHandle<Result<Started, StartError>>;

/// All tasks of the host. Cloning it gives another handle.
#[derive(Clone)]
pub struct Tasks(Rc<Inner>);

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.0.running.borrow();
        f.debug_struct("Tasks").field("running", &running.keys()).finish_non_exhaustive()
    }
}

impl Tasks {
    /// None yet.
    pub(crate) fn new(
        settings: &Settings,
        streams: Streams,
        store: Store,
        connector: Connector,
        pulls: Pulls,
        meters: Rc<Meters>,
    ) -> Self {
        Self(Rc::new(Inner {
            settings: *settings,
            streams,
            store,
            connector,
            pulls,
            meters,
            running: RefCell::default(),
            ended: RefCell::default(),
            addresses: RefCell::default(),
        }))
    }

    /// Takes up what was kept: tasks go on with their pushes as they were.
    pub(crate) fn restore(&self, kept: &Kept) {
        for (identity, task, rests_until) in &kept.addresses {
            self.0.addresses.borrow_mut().restore(identity.clone(), task.clone(), *rests_until);
        }
        let push = self.0.settings.push;
        self.0.ended.borrow_mut().extend(kept.ended.iter().map(|ended| ended_view(ended, push)));
        for task in &kept.tasks {
            let KeptTask { task, epoch, began_at, pushes, .. } = task.clone();
            let key = TaskKey::of(&task);
            let running = Running::begin(self, task, epoch, pushes, began_at);
            if running.ended().is_none() {
                self.0.running.borrow_mut().insert(key, running);
            }
        }
    }

    /// Starts a task, or changes the one of its key. It is so when this returns a future, and on disk
    /// when that is done; nobody has to wait for it.
    ///
    /// # Errors
    /// [`StartError`]: nothing has changed. But [`StartError::Store`] of a task that ran: it is changed,
    /// and after a restart it would be as before.
    pub fn start(&self, task: Task) -> impl Future<Output = Result<Started, StartError>> + use<> {
        self.start_as(task, None)
    }

    /// The same, as a tenancy that a gateway gave.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_as(
        &self,
        task: Task,
        epoch: Option<Epoch>,
    ) -> impl Future<Output = Result<Started, StartError>> + use<> {
        let begun = self.begin(task, epoch);
        async move { begun?.await.unwrap_or(Err(StartError::Store(StoreError::Closed))) }
    }

    /// What is decided is done before anything is waited for: so changes are on disk in the order in
    /// which they were made, and whoever asked may go away.
    fn begin(&self, task: Task, epoch: Option<Epoch>) -> Result<Begun, StartError> {
        if matches!(task.source, Source::Mix(_)) {
            return Err(StartError::Unsupported);
        }
        let key = TaskKey::of(&task);
        let now = clock::now();
        let identities: Vec<String> = task.targets.iter().map(identity).collect();
        let mut addresses = self.0.addresses.borrow_mut();
        let before = epoch.is_some().then(|| addresses.clone());
        if epoch.is_some() {
            // A Fleet gives no address out before it has rested, by its own settings.
            addresses.end_rests(&identities);
        }
        if let Err(conflicts) = addresses.claim(&key.to_string(), &identities, now) {
            if let Some(before) = before {
                *addresses = before;
            }
            return Err(StartError::Addresses(conflicts));
        }
        drop(addresses);
        let known = self.find(&key);
        let began_at = known.as_ref().map_or(now, |running| running.began_at());
        let row = Change::Task { task: Box::new(task.clone()), epoch, began_at };
        let written = self.0.store.write([row].into_iter().chain(self.addresses(&key)).collect());
        let started = if let Some(running) = known {
            running.change(task, epoch);
            Started::Changed
        } else {
            let running = Running::begin(self, task, epoch, Vec::new(), began_at);
            if running.ended().is_none() {
                self.0.running.borrow_mut().insert(key.clone(), running);
            }
            Started::New
        };
        let this = self.clone();
        Ok(spawn_local(async move {
            let Err(error) = written.await else { return Ok(started) };
            if started == Started::New
                && let Some(running) = this.find(&key)
            {
                running.stop(Cause::Stopped);
            }
            Err(StartError::Store(error))
        }))
    }

    /// Stops a task; whether there was one that ran. It is over when this returns a future, its
    /// addresses begin to rest, and it is on disk when that is done.
    ///
    /// # Errors
    /// [`StartError::Store`]: it is over, but after a restart it would run again.
    pub fn stop(
        &self,
        key: &TaskKey,
        cause: Cause,
    ) -> impl Future<Output = Result<bool, StartError>> + use<> {
        let running = self.find(key);
        if let Some(running) = &running {
            running.stop(cause);
        }
        // What is written behind it is on disk behind it.
        let written = running.is_some().then(|| self.0.store.write(Vec::new()));
        async move {
            match written {
                Some(written) => written.await.map(|()| true).map_err(StartError::Store),
                None => Ok(false),
            }
        }
    }

    /// A channel was closed: tasks that follow it end.
    pub(crate) fn channel_closed(&self, app: &str, channel: &str) {
        let all: Vec<_> = self.0.running.borrow().values().cloned().collect();
        for running in all.into_iter().filter(|running| running.is_of(app, channel)) {
            running.channel_closed();
        }
    }

    /// Writes a message into a task's stream, once; whether there is such a task that runs.
    ///
    /// # Errors
    /// [`StartError::Store`]: it is written, but after a restart it would not be the task's.
    pub fn set_sei(
        &self,
        key: &TaskKey,
        message: String,
    ) -> impl Future<Output = Result<bool, StartError>> + use<> {
        let changed = self.find(key).map(|running| running.set_sei(message));
        let written = changed.map(|row| self.0.store.write(vec![row]));
        async move {
            match written {
                Some(written) => written.await.map(|()| true).map_err(StartError::Store),
                None => Ok(false),
            }
        }
    }

    /// One task, that runs or ended of late.
    pub fn show(&self, key: &TaskKey) -> Option<TaskView> {
        if let Some(running) = self.find(key) {
            return Some(running.view());
        }
        let ended = self.0.ended.borrow();
        ended.iter().rev().find(|view| TaskKey::of(&view.task) == *key).cloned()
    }

    /// All that run, and those that ended of late, newest last.
    pub fn list(&self) -> Vec<TaskView> {
        let ended: Vec<_> = self.0.ended.borrow().iter().cloned().collect();
        let running: Vec<_> = self.0.running.borrow().values().cloned().collect();
        ended.into_iter().chain(running.iter().map(|running| running.view())).collect()
    }

    /// How many pushes there are.
    pub(crate) fn pushes(&self) -> u64 {
        let running = self.0.running.borrow();
        let pushes: usize = running.values().map(|running| running.pushes()).sum();
        u64::try_from(pushes).unwrap_or(u64::MAX)
    }

    /// Takes leave of all destinations; nothing is said to have ended.
    pub(crate) async fn say_goodbye(&self) {
        let running: Vec<_> = self.0.running.borrow().values().cloned().collect();
        // All are told before any is waited for.
        let leaving: Vec<_> = running.iter().flat_map(|running| running.leave()).collect();
        for connection in leaving {
            let _ = connection.await;
        }
    }

    fn find(&self, key: &TaskKey) -> Option<Rc<Running>> {
        self.0.running.borrow().get(key).cloned()
    }

    /// A task's addresses, those that rest included, as rows.
    fn addresses(&self, key: &TaskKey) -> Vec<Change> {
        let name = key.to_string();
        let addresses = self.0.addresses.borrow();
        let own = addresses.rows().filter(|(_, task, _)| *task == name);
        own.map(|(identity, task, rests_until)| Change::Address {
            identity: identity.to_owned(),
            task: task.to_owned(),
            rests_until,
        })
        .collect()
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn streams(&self) -> &Streams {
        &self.0.streams
    }

    fn connector(&self) -> &Connector {
        &self.0.connector
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn meters(&self) -> &Rc<Meters> {
        &self.0.meters
    }

    fn pulls(&self) -> &Pulls {
        &self.0.pulls
    }

    /// A task is over.
    fn ended(&self, view: TaskView, changes: &mut Vec<Change>) {
        let Some((cause, at)) = view.ended else { return };
        let (key, state) = (TaskKey::of(&view.task), view.state);
        self.0.addresses.borrow_mut().release(&key.to_string(), at);
        changes.extend(self.addresses(&key));
        let why = view.exit.clone().unwrap_or_else(|| cause.code().as_str().into());
        changes.push(Change::Ended { key: key.clone(), state, at, why });
        self.0.running.borrow_mut().remove(&key);
        let mut ended = self.0.ended.borrow_mut();
        ended.push_back(view);
        while ended.len() > ENDED {
            ended.pop_front();
        }
    }
}

/// What two forms of one address have in common, without what is secret in it.
fn identity(url: &PushUrl) -> String {
    hex::encode(Sha256::digest(url.identity().as_bytes()))
}

/// A task that ended before the host was started, as it is shown.
fn ended_view(kept: &EndedTask, settings: PushSettings) -> TaskView {
    let pushes = kept.pushes.iter().filter_map(|push| {
        let last = push.last?;
        let ended = Push::resume(settings, Transport::Plain, last, last.at);
        let (url, status) = (push.url.as_str().to_owned(), ended.status(last.at));
        Some(PushView { url, status, sent: 0, dropped: Dropped::default() })
    });
    // A code, or the record of how it exited, which has one.
    let code = kept.why.as_str().or_else(|| kept.why["code"].as_str());
    let cause = code.and_then(Cause::from_code).unwrap_or(Cause::Stopped);
    TaskView {
        exit: Some(kept.why.clone()).filter(serde_json::Value::is_object),
        task: kept.task.clone(),
        state: kept.state,
        ended: Some((cause, kept.at)),
        began_at: kept.began_at,
        pushes: pushes.collect(),
    }
}
