//! All tasks of the host.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use livegate_core::error::Coded as _;
use livegate_core::relay::host::Settings;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::push::Cause;
use livegate_core::relay::{Quota, Running as Counted, Source, Task};

use super::claims::Claims;
use super::progress::Answer;
use super::running::Running;
use super::view;
use super::{StartError, Tally, TaskKey, TaskView};
use crate::clock;
use crate::meter::Meters;
use crate::pull::Pulls;
use crate::push::Connector;
use crate::store::{Change, Kept, KeptTask, Store};
use crate::stream::Streams;

/// What became of a wish to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is new.
    New,
    /// It ran, and is now as it was asked for.
    Changed,
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
    claims: Claims,
    is_leaving: Cell<bool>,
}

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
            claims: Claims::default(),
            is_leaving: Cell::new(false),
        }))
    }

    /// Takes up what was kept: tasks go on with their pushes as they were.
    pub(crate) fn restore(&self, kept: &Kept) {
        self.0.claims.restore(kept);
        let push = self.0.settings.push;
        self.0.ended.borrow_mut().extend(kept.ended.iter().map(|ended| view::ended(ended, push)));
        for task in &kept.tasks {
            let KeptTask { task, epoch, began_at, source_gone_at, pushes, .. } = task.clone();
            let key = TaskKey::of(&task);
            let running = Running::restore(self, task, epoch, pushes, (began_at, source_gone_at));
            if running.ended().is_none() {
                self.0.running.borrow_mut().insert(key, running);
            }
        }
    }

    /// Starts a task, or changes the one of its key; done when it is on disk. A task that is new begins
    /// only then, one that ran is another one when this returns; nobody has to wait for either.
    ///
    /// # Errors
    /// [`StartError`]: nothing was begun or changed. But [`StartError::Unkept`]: it is changed, and after
    /// a restart it may be as before.
    pub fn start(&self, task: Task) -> impl Future<Output = Result<Started, StartError>> + use<> {
        self.ask(task, None, None)
    }

    /// The same, where the application has no more tasks of such requests than it may. One that is
    /// changed is not counted.
    ///
    /// # Errors
    /// As [`Self::start`], and [`StartError::Quota`].
    pub fn start_within(
        &self,
        task: Task,
        quota: Quota,
    ) -> impl Future<Output = Result<Started, StartError>> + use<> {
        self.ask(task, None, Some(quota))
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
        self.ask(task, epoch, None)
    }

    /// What is decided is done before anything is waited for: so changes are on disk in the order in
    /// which they were made, and whoever asked may go away.
    fn ask(
        &self,
        task: Task,
        epoch: Option<Epoch>,
        quota: Option<Quota>,
    ) -> impl Future<Output = Result<Started, StartError>> + use<> {
        let begun = self.begin(task, epoch, quota);
        async move {
            let (started, answer) = begun?;
            answer.await.map(|()| started)
        }
    }

    fn begin(
        &self,
        task: Task,
        epoch: Option<Epoch>,
        quota: Option<Quota>,
    ) -> Result<(Started, Answer), StartError> {
        self.admit()?;
        if matches!(task.source, Source::Mix(_)) {
            return Err(StartError::Unsupported);
        }
        let key = TaskKey::of(&task);
        let now = clock::now();
        let known = self.0.running.borrow().get(&key).cloned();
        if let Some(quota) = quota.filter(|_| known.is_none()) {
            quota.admit(self.running_of(&key), &task.source).map_err(StartError::Quota)?;
        }
        let has_begun = known.as_ref().is_none_or(|running| running.has_begun());
        let claimed = self.0.claims.claim(&task, epoch.is_some(), has_begun, now);
        claimed.map_err(StartError::Addresses)?;
        if let Some(running) = known {
            let is_shown = running.is_shown();
            let answer = running.change(&task, epoch).ok_or(StartError::Stopping)?;
            return Ok((if is_shown { Started::Changed } else { Started::New }, answer));
        }
        let (running, answer) = Running::start(self, task, epoch, now);
        self.0.running.borrow_mut().insert(key, running);
        Ok((Started::New, answer))
    }

    /// Whether anything may be asked for still.
    fn admit(&self) -> Result<(), StartError> {
        if self.0.is_leaving.get() { Err(StartError::Stopping) } else { Ok(()) }
    }

    /// Stops a task; whether there was one. It is over when this returns a future and its addresses
    /// begin to rest, but for one that is not on disk yet; it is on disk when that is done.
    ///
    /// # Errors
    /// [`StartError::Unkept`]: it is over, but after a restart it may run again.
    /// [`StartError::Stopping`]: nothing was done.
    pub fn stop(
        &self,
        key: &TaskKey,
        cause: Cause,
    ) -> impl Future<Output = Result<bool, StartError>> + use<> {
        let asked = self.admit();
        let asked = asked.map(|()| self.find(key).and_then(|running| running.stop(cause)));
        async move {
            let Some(answer) = asked? else { return Ok(false) };
            match answer.await {
                // One that never began is stopped, too.
                Ok(()) | Err(StartError::Store(_)) => Ok(true),
                Err(error) => Err(error),
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
    /// [`StartError::Unkept`]: it is written, but after a restart it may not be the task's.
    /// [`StartError::Store`]: the task never began.
    pub fn set_sei(
        &self,
        key: &TaskKey,
        message: String,
    ) -> impl Future<Output = Result<bool, StartError>> + use<> {
        let asked = self.admit();
        let asked = asked.map(|()| self.find(key).and_then(|running| running.set_sei(message)));
        async move {
            let Some(answer) = asked? else { return Ok(false) };
            answer.await.map(|()| true)
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
        let shown = running.iter().filter(|running| running.is_shown());
        ended.into_iter().chain(shown.map(|running| running.view())).collect()
    }

    /// Of what [`Self::list`] has, how many are in which state.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for view in self.0.ended.borrow().iter() {
            tally.task(view.state);
            view.pushes.iter().for_each(|push| tally.push(&push.status));
        }
        let running = self.0.running.borrow();
        let shown = running.values().filter(|running| running.is_shown());
        shown.for_each(|running| running.count(&mut tally));
        tally
    }

    /// How many pushes there are.
    pub(crate) fn pushes(&self) -> u64 {
        let running = self.0.running.borrow();
        let pushes: usize = running.values().map(|running| running.pushes()).sum();
        u64::try_from(pushes).unwrap_or(u64::MAX)
    }

    /// The host stops: from now on nothing is begun, changed or stopped. Leave is taken of all
    /// destinations, which is done with what is returned; tasks go on at the next start.
    pub(crate) fn leave(&self) -> impl Future<Output = ()> + use<> {
        self.0.is_leaving.set(true);
        let running: Vec<_> = self.0.running.borrow().values().cloned().collect();
        let leaving: Vec<_> = running.iter().flat_map(Running::leave).collect();
        async move {
            for connection in leaving {
                let _ = connection.await;
            }
        }
    }

    /// One that runs, or is to.
    fn find(&self, key: &TaskKey) -> Option<Rc<Running>> {
        self.0.running.borrow().get(key).filter(|running| running.is_shown()).cloned()
    }

    /// How many tasks the application of a key has that came from the same requests.
    fn running_of(&self, key: &TaskKey) -> Counted {
        let mut counted = Counted::default();
        let running = self.0.running.borrow();
        let own = running.iter().filter(|(own, _)| own.app == key.app && own.origin == key.origin);
        own.for_each(|(_, running)| counted.count(&running.task().source));
        counted
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.0.connector
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn meters(&self) -> &Rc<Meters> {
        &self.0.meters
    }

    pub(super) fn pulls(&self) -> &Pulls {
        &self.0.pulls
    }

    /// The addresses of a task, as they are written.
    pub(super) fn addresses(&self, key: &TaskKey) -> Change {
        self.0.claims.row(key)
    }

    /// A task is over: its addresses rest.
    pub(super) fn ended(&self, view: TaskView, changes: &mut Vec<Change>) {
        let key = TaskKey::of(&view.task);
        if let Some((_, at)) = view.ended {
            self.0.claims.release(&key, at);
        }
        self.over(&key, view, changes);
    }

    /// A task is over that never began.
    pub(super) fn withdrawn(&self, view: TaskView, changes: &mut Vec<Change>) {
        let key = TaskKey::of(&view.task);
        self.0.claims.take_back(&key);
        self.over(&key, view, changes);
    }

    fn over(&self, key: &TaskKey, view: TaskView, changes: &mut Vec<Change>) {
        let Some((cause, at)) = view.ended else { return };
        let state = view.state;
        changes.push(self.addresses(key));
        let why = view.exit.clone().unwrap_or_else(|| cause.code().as_str().into());
        changes.push(Change::Ended { key: key.clone(), state, at, why });
        self.0.running.borrow_mut().remove(key);
        let mut ended = self.0.ended.borrow_mut();
        ended.push_back(view);
        while ended.len() > ENDED {
            ended.pop_front();
        }
    }

    /// There never was such a task.
    pub(super) fn never(&self, key: &TaskKey) {
        self.0.running.borrow_mut().remove(key);
        self.0.claims.take_back(key);
    }
}
