//! One task that runs: it drives the core's [`Lifecycle`] and does what that says.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use livegate_core::relay::Task;
use livegate_core::relay::callback::About;
use livegate_core::relay::exit::Exited;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::{
    Kept, KeptTask, Lifecycle, Plan, TargetId, TaskInput, TaskOutput,
};
use livegate_core::relay::push::{Cause, Media};
use livegate_core::relay::standing::Phase;
use livegate_core::time::UnixMillis;
use tokio::sync::Notify;
use tokio::task::spawn_local;

use super::destination::Destination;
use super::fanout::Fanout;
use super::progress::{Answer, Progress};
use super::source::{media, pulled, wanted};
use super::{PushView, Tally, TaskKey, TaskView, Tasks};
use crate::clock;
use crate::event::event;
use crate::pull::Pull;
use crate::sei::Inserter;
use crate::store::Change;
use crate::stream::{Interest, Packet, StreamKey, Tap};

/// A task that runs, or is to.
pub(super) struct Running {
    pub(super) tasks: Tasks,
    pub(super) key: TaskKey,
    pub(super) task: RefCell<Task>,
    pub(super) epoch: Cell<Option<Epoch>>,
    pub(super) began_at: UnixMillis,
    pub(super) progress: Progress,
    pub(super) life: RefCell<Lifecycle>,
    pub(super) fanout: Rc<Fanout>,
    pub(super) destinations: RefCell<BTreeMap<TargetId, Destination>>,
    pub(super) interest: RefCell<Option<Interest>>,
    pull: RefCell<Option<Rc<Pull>>>,
    pub(super) ended: Cell<Option<(Cause, UnixMillis)>>,
    /// How it stopped by itself.
    exited: Cell<Option<Exited>>,
    /// Told when the time to wake may be another.
    turned: Notify,
}

impl Running {
    /// A task that is new, and what its start is answered. It begins when it is on disk.
    pub(super) fn start(
        tasks: &Tasks,
        task: Task,
        epoch: Option<Epoch>,
        began_at: UnixMillis,
    ) -> (Rc<Self>, Answer) {
        let settings = tasks.settings();
        let life = Lifecycle::new(settings.task, settings.push, Plan::of(&task), began_at);
        let (progress, answer) = Progress::start();
        let new = Self::new(tasks, task, epoch, (life, began_at), (BTreeMap::new(), progress));
        new.go_on();
        (new, answer)
    }

    /// A task that goes on with its pushes as they were: when it began, and since when it has no source.
    pub(super) fn restore(
        tasks: &Tasks,
        task: Task,
        epoch: Option<Epoch>,
        pushes: Vec<Kept>,
        (began_at, gone_at): (UnixMillis, Option<UnixMillis>),
    ) -> Rc<Self> {
        let now = clock::now();
        let settings = tasks.settings();
        // Of those that the task has no more it is told that they are over.
        let known = pushes.iter().map(|push| (push.id, Destination::new(push.url.clone())));
        let known = known.collect();
        let kept = KeptTask { pushes, began_at, gone_at };
        let life = Lifecycle::restore(settings.task, settings.push, Plan::of(&task), kept, now);
        let running =
            Self::new(tasks, task, epoch, (life, began_at), (known, Progress::restored()));
        running.begin();
        running
    }

    fn new(
        tasks: &Tasks,
        task: Task,
        epoch: Option<Epoch>,
        (life, began_at): (Lifecycle, UnixMillis),
        (destinations, progress): (BTreeMap<TargetId, Destination>, Progress),
    ) -> Rc<Self> {
        let gop = tasks.settings().gop;
        Rc::new(Self {
            tasks: tasks.clone(),
            key: TaskKey::of(&task),
            fanout: Rc::new(Fanout::new(gop, media(&task), Inserter::new(&task))),
            task: RefCell::new(task),
            epoch: Cell::new(epoch),
            began_at,
            progress,
            life: RefCell::new(life),
            destinations: RefCell::new(destinations),
            interest: RefCell::default(),
            pull: RefCell::default(),
            ended: Cell::new(None),
            exited: Cell::new(None),
            turned: Notify::new(),
        })
    }

    pub(super) fn begin(self: &Rc<Self>) {
        self.act(clock::now());
        self.prune();
        self.listen();
        spawn_local(wake(Rc::downgrade(self)));
    }

    /// Whether anybody but its callers knows of it: not of one that was stopped before it could begin.
    pub(super) fn is_shown(&self) -> bool {
        !matches!(self.progress.phase(), Phase::Withdrawn(_))
    }

    /// Whether it may have pushed to anywhere.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.progress.phase(), Phase::Held | Phase::Withdrawn(_))
    }

    pub(super) fn runs(&self) -> bool {
        self.progress.phase() == Phase::Runs
    }

    pub(super) fn channel_closed(self: &Rc<Self>) {
        self.handle(TaskInput::ChannelClosed);
    }

    pub(super) fn pushes(&self) -> usize {
        self.task.borrow().targets.len()
    }

    pub(super) const fn ended(&self) -> Option<(Cause, UnixMillis)> {
        self.ended.get()
    }

    pub(super) fn is_of(&self, app: &str, channel: &str) -> bool {
        let task = self.task.borrow();
        task.app_id == app && task.channel == channel
    }

    pub(super) fn task(&self) -> Ref<'_, Task> {
        self.task.borrow()
    }

    /// Counts it and its pushes.
    pub(super) fn count(&self, tally: &mut Tally) {
        let life = self.life.borrow();
        tally.task(life.state());
        life.pushes(clock::now()).for_each(|(.., status)| tally.push(&status));
    }

    pub(super) fn view(&self) -> TaskView {
        let now = clock::now();
        let life = self.life.borrow();
        let destinations = self.destinations.borrow();
        let pushes = life.pushes(now).map(|(target, url, status)| {
            let figures = destinations.get(&target).map(Destination::figures);
            let (sent, dropped) = figures.unwrap_or_default();
            PushView { url: url.as_str().to_owned(), status, sent, dropped }
        });
        TaskView {
            task: self.task.borrow().clone(),
            state: life.state(),
            ended: self.ended.get(),
            exit: self.exited.get().map(|exited| exited.to_value()),
            began_at: self.began_at,
            pushes: pushes.collect(),
        }
    }

    /// Wants the task's stream from now on.
    pub(super) fn listen(self: &Rc<Self>) {
        let Some(wanted) = wanted(&self.task.borrow()) else { return };
        let tap = Rc::new(Ear(Rc::downgrade(self)));
        let interest = self.tasks.streams().tap(wanted, tap, clock::now());
        *self.interest.borrow_mut() = Some(interest);
        let pull = self.task.borrow().pull.clone();
        *self.pull.borrow_mut() = pull
            .zip(pulled(&self.task.borrow()))
            .map(|(url, key)| self.tasks.pulls().pull(&url, key));
    }

    pub(super) fn handle(self: &Rc<Self>, input: TaskInput) {
        if !self.runs() {
            return;
        }
        let now = clock::now();
        self.life.borrow_mut().handle(input, now, clock::dice());
        self.act(now);
    }

    /// Does what the task says.
    pub(super) fn act(self: &Rc<Self>, now: UnixMillis) {
        let mut changes = Vec::new();
        loop {
            let Some(output) = self.life.borrow_mut().poll() else { break };
            match output {
                TaskOutput::Push(target, output) => self.push(target, output, &mut changes),
                TaskOutput::State(state, _) => {
                    changes.push(Change::State(self.key.clone(), state));
                }
                TaskOutput::SourceGone(at) => {
                    changes.push(Change::SourceGone(self.key.clone(), at));
                }
                TaskOutput::Exited(exited) => {
                    self.exited.set(Some(exited));
                    changes.push(self.event(exited.at, |about| about.exited(&exited)));
                }
                TaskOutput::Ended(cause) => self.over(cause, now, &mut changes),
                _ => {}
            }
        }
        if !changes.is_empty() {
            self.tasks.store().keep(changes);
        }
        // What is asked of its end is behind that.
        self.go_on();
        self.turned.notify_one();
    }

    pub(super) fn event(&self, at: UnixMillis, body: impl FnOnce(About<'_>) -> String) -> Change {
        let task = self.task.borrow();
        event(&task.app_id, &task.channel, &task.id, at, body)
    }

    fn over(&self, cause: Cause, now: UnixMillis, changes: &mut Vec<Change>) {
        self.ended.set(Some((cause, now)));
        self.interest.take();
        self.pull.take();
        if !self.progress.is_on_disk() {
            changes.push(self.row());
        }
        self.tasks.ended(self.view(), changes);
        self.progress.ended();
    }
}

/// Comes back to a task whenever it wants, until it is over.
async fn wake(task: Weak<Running>) {
    while let Some(running) = task.upgrade().filter(|running| running.runs()) {
        let wake_at = running.life.borrow().wake_at();
        if clock::until(wake_at, &running.turned).await {
            running.handle(TaskInput::Tick);
        }
    }
}

/// What a task hears of its stream.
struct Ear(Weak<Running>);

impl Tap for Ear {
    fn there(&self, key: &StreamKey, _: UnixMillis) {
        let Some(running) = self.0.upgrade() else { return };
        running.fanout.begin(&key.user);
        running.handle(TaskInput::Source(Media::There));
    }

    fn packet(&self, packet: &Packet, now: UnixMillis) {
        if let Some(running) = self.0.upgrade() {
            running.fanout.packet(packet, now);
        }
    }

    fn pause(&self) {
        if let Some(running) = self.0.upgrade() {
            running.fanout.flush(clock::now());
        }
    }

    fn gone(&self, _: UnixMillis) {
        let Some(running) = self.0.upgrade() else { return };
        running.fanout.end();
        running.handle(TaskInput::Source(Media::Gone));
    }
}
