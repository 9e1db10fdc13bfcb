//! One task that runs: it drives the core's [`Lifecycle`] and does what that says.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

use livegate_core::relay::PushUrl;
use livegate_core::relay::Task;
use livegate_core::relay::callback::About;
use livegate_core::relay::exit::Exited;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::{
    Kept, KeptTask, Lifecycle, Plan, TargetId, TaskInput, TaskOutput,
};
use livegate_core::relay::push::{
    Cause, Connection, Input, Media, Output, PushState, Report, Step,
};
use livegate_core::time::UnixMillis;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local};

use super::destination::Destination;
use super::fanout::Fanout;
use super::held::{Fate, Held};
use super::source::{media, pulled, wanted};
use super::{PushView, Tally, TaskKey, TaskView, Tasks};
use crate::clock;
use crate::event::event;
use crate::net::Asker;
use crate::pull::Pull;
use crate::push::{Address, Connector, Outlet, Told, run};
use crate::sei::Inserter;
use crate::store::Change;
use crate::stream::{Interest, Packet, StreamKey, Tap};

/// A task that runs.
pub(super) struct Running {
    tasks: Tasks,
    key: TaskKey,
    task: RefCell<Task>,
    epoch: Cell<Option<Epoch>>,
    began_at: UnixMillis,
    held: Held,
    life: RefCell<Lifecycle>,
    fanout: Rc<Fanout>,
    destinations: RefCell<BTreeMap<TargetId, Destination>>,
    interest: RefCell<Option<Interest>>,
    pull: RefCell<Option<Rc<Pull>>>,
    ended: Cell<Option<(Cause, UnixMillis)>>,
    /// How it stopped by itself.
    exited: Cell<Option<Exited>>,
    /// Told when the time to wake may be another.
    turned: Notify,
}

/// A task's row.
pub(super) fn row(task: &Task, epoch: Option<Epoch>, began_at: UnixMillis) -> Change {
    Change::Task { task: Box::new(task.clone()), epoch, began_at }
}

impl Running {
    /// A task that is new. It begins when it is on disk.
    pub(super) fn held(
        tasks: &Tasks,
        task: Task,
        epoch: Option<Epoch>,
        began_at: UnixMillis,
    ) -> Rc<Self> {
        let settings = tasks.settings();
        let life = Lifecycle::new(settings.task, settings.push, Plan::of(&task), began_at);
        Self::new(tasks, task, epoch, (life, began_at), (BTreeMap::new(), Held::yes()))
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
        let running = Self::new(tasks, task, epoch, (life, began_at), (known, Held::no()));
        running.begin();
        running
    }

    fn new(
        tasks: &Tasks,
        task: Task,
        epoch: Option<Epoch>,
        (life, began_at): (Lifecycle, UnixMillis),
        (destinations, held): (BTreeMap<TargetId, Destination>, Held),
    ) -> Rc<Self> {
        let gop = tasks.settings().gop;
        Rc::new(Self {
            tasks: tasks.clone(),
            key: TaskKey::of(&task),
            fanout: Rc::new(Fanout::new(gop, media(&task), Inserter::new(&task))),
            task: RefCell::new(task),
            epoch: Cell::new(epoch),
            began_at,
            held,
            life: RefCell::new(life),
            destinations: RefCell::new(destinations),
            interest: RefCell::default(),
            pull: RefCell::default(),
            ended: Cell::new(None),
            exited: Cell::new(None),
            turned: Notify::new(),
        })
    }

    fn begin(self: &Rc<Self>) {
        self.act(clock::now());
        self.prune();
        self.listen();
        spawn_local(wake(Rc::downgrade(self)));
    }

    pub(super) const fn is_held(&self) -> bool {
        self.held.is_held()
    }

    /// A row of it is on its way to the disk.
    pub(super) fn writes(&self) {
        self.held.writes();
    }

    /// A row of it is on disk: it begins, if it has not.
    pub(super) fn kept(self: &Rc<Self>) {
        let Some(hold) = self.held.kept() else { return };
        // The host may stop meanwhile.
        if self.ended.get().is_some() {
            return;
        }
        self.begin();
        if let Some(cause) = hold.stop {
            self.stop(cause);
        }
    }

    /// A row of it could not be written.
    pub(super) fn not_kept(&self) -> Fate {
        self.held.not_kept()
    }

    pub(super) const fn key(&self) -> &TaskKey {
        &self.key
    }

    /// Its row, as it is now.
    pub(super) fn row(&self) -> Change {
        row(&self.task.borrow(), self.epoch.get(), self.began_at)
    }

    /// The task is to be this from now on.
    pub(super) fn change(self: &Rc<Self>, task: &Task, epoch: Option<Epoch>) {
        let before = self.task.replace(task.clone());
        self.epoch.set(epoch);
        self.fanout.configure(media(task), task);
        let plan = Plan::of(task);
        if self.held.stop(None) {
            let settings = self.tasks.settings();
            *self.life.borrow_mut() =
                Lifecycle::new(settings.task, settings.push, plan, self.began_at);
            return;
        }
        self.handle(TaskInput::Plan(plan));
        self.prune();
        // Whoever took no pictures has to be given what a decoder needs for them.
        let wants = wanted(task) != wanted(&before)
            || task.pull != before.pull
            || media(task) != media(&before);
        if wants {
            self.interest.take();
            self.fanout.end();
            self.handle(TaskInput::Source(Media::Gone));
            self.listen();
        }
    }

    /// Writes a message into the stream once, the same as before too. It is the task's from now on.
    pub(super) fn set_sei(&self, message: String) {
        let mut task = self.task.borrow_mut();
        task.sei.custom = Some(message);
        self.fanout.configure(media(&task), &task);
        self.fanout.repeat_sei();
    }

    pub(super) fn stop(self: &Rc<Self>, cause: Cause) {
        if !self.held.stop(Some(cause)) {
            self.handle(TaskInput::Stop(cause));
        }
    }

    pub(super) fn channel_closed(self: &Rc<Self>) {
        self.handle(TaskInput::ChannelClosed);
    }

    pub(super) fn pushes(&self) -> usize {
        self.task.borrow().targets.len()
    }

    pub(super) const fn began_at(&self) -> UnixMillis {
        self.began_at
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

    /// Takes leave of all destinations, because the host stops: the task goes on at its next start.
    /// What is returned is done when a connection is.
    pub(super) fn leave(&self) -> Vec<JoinHandle<()>> {
        self.ended.set(Some((Cause::HostRestarted, clock::now())));
        let mut destinations = self.destinations.borrow_mut();
        let connections = destinations.values_mut().filter_map(|own| {
            own.outlet.take()?.leave.notify_one();
            Some(own.connection.take()?.1)
        });
        connections.collect()
    }

    /// Wants the task's stream from now on.
    fn listen(self: &Rc<Self>) {
        let Some(wanted) = wanted(&self.task.borrow()) else { return };
        let tap = Rc::new(Ear(Rc::downgrade(self)));
        let interest = self.tasks.streams().tap(wanted, tap, clock::now());
        *self.interest.borrow_mut() = Some(interest);
        let pull = self.task.borrow().pull.clone();
        *self.pull.borrow_mut() = pull
            .zip(pulled(&self.task.borrow()))
            .map(|(url, key)| self.tasks.pulls().pull(&url, key));
    }

    fn handle(self: &Rc<Self>, input: TaskInput) {
        if self.ended.get().is_some() || self.is_held() {
            return;
        }
        let now = clock::now();
        self.life.borrow_mut().handle(input, now, clock::dice());
        self.act(now);
    }

    /// Does what the task says.
    fn act(self: &Rc<Self>, now: UnixMillis) {
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
        self.turned.notify_one();
    }

    fn push(self: &Rc<Self>, target: TargetId, output: Output, changes: &mut Vec<Change>) {
        match output {
            Output::Connect(connection) => self.connect(target, connection),
            Output::Close(connection) => self.with(target, connection, |_, outlet| {
                outlet.leave.notify_one();
            }),
            Output::Abort(connection) => self.with(target, connection, |handle, outlet| {
                handle.abort();
                outlet.queue.borrow_mut().close();
            }),
            Output::SkipToKeyFrame(connection) => self.with(target, connection, |_, outlet| {
                outlet.queue.borrow_mut().skip_to_key_frame();
            }),
            Output::Report(report) => {
                if report.state == PushState::Reconnecting {
                    self.tasks.meters().reconnects.add(1);
                }
                if let Some(url) = self.url(target) {
                    changes.push(self.event(report.at, |about| about.state(&url, &report)));
                    changes.push(self.report(target, &url, report));
                }
            }
            _ => {}
        }
    }

    fn report(&self, target: TargetId, url: &PushUrl, report: Report) -> Change {
        let url = url.as_str().to_owned();
        Change::Push { key: self.key.clone(), target, url, report }
    }

    /// Does something to a destination's connection if it is still that one.
    fn with(
        &self,
        target: TargetId,
        connection: Connection,
        act: impl Fn(&JoinHandle<()>, &Outlet),
    ) {
        let destinations = self.destinations.borrow();
        let Some(Destination { connection: Some((known, handle)), outlet: Some(outlet), .. }) =
            destinations.get(&target)
        else {
            return;
        };
        if *known == connection {
            act(handle, outlet);
        }
    }

    fn connect(self: &Rc<Self>, target: TargetId, connection: Connection) {
        let Some(url) = self.url(target) else { return };
        let mut destinations = self.destinations.borrow_mut();
        let Some(destination) = destinations.get_mut(&target) else { return };
        let outlet = destination.renew(self.tasks.settings().queue, self.tasks.meters());
        let asker = Asker::of(&self.key.app);
        let connector = Connector { asker, ..self.tasks.connector().clone() };
        let this = Rc::downgrade(self);
        let tell = {
            let this = Weak::clone(&this);
            move |told| {
                if let Some(this) = this.upgrade() {
                    this.told(target, connection, told);
                }
            }
        };
        let run = run(connector, Address::of(&url), Rc::clone(&outlet), tell);
        let handle = spawn_local(async move {
            let cause = run.await;
            if let Some(this) = this.upgrade() {
                this.handle(TaskInput::Push(target, Input::Closed(connection, cause)));
            }
        });
        destination.connection = Some((connection, handle));
        drop(destinations);
        self.fanout.add(target, outlet);
    }

    fn told(self: &Rc<Self>, target: TargetId, connection: Connection, told: Told) {
        let input = match told {
            Told::Reached(step) => {
                if step == Step::Publish {
                    self.fanout.open(target, clock::now());
                }
                Input::Reached(connection, step)
            }
            Told::Progress(progress) => Input::Progress(connection, progress),
            Told::Acknowledged(sequence) => Input::Acknowledged(connection, sequence),
        };
        self.handle(TaskInput::Push(target, input));
    }

    /// The address of a destination, of one that the task has no more too until that is told.
    fn url(&self, target: TargetId) -> Option<PushUrl> {
        let mut destinations = self.destinations.borrow_mut();
        if let Some(destination) = destinations.get(&target) {
            return Some(destination.url.clone());
        }
        let life = self.life.borrow();
        let mut pushes = life.pushes(self.began_at);
        let url = pushes.find(|(id, ..)| *id == target).map(|(_, url, _)| url.clone())?;
        destinations.insert(target, Destination::new(url.clone()));
        Some(url)
    }

    /// Forgets destinations that the task has no more.
    fn prune(&self) {
        let life = self.life.borrow();
        let ids: BTreeSet<_> = life.pushes(self.began_at).map(|(target, ..)| target).collect();
        self.destinations.borrow_mut().retain(|target, _| ids.contains(target));
        self.fanout.keep(|target| ids.contains(&target));
    }

    fn event(&self, at: UnixMillis, body: impl FnOnce(About<'_>) -> String) -> Change {
        let task = self.task.borrow();
        event(&task.app_id, &task.channel, &task.id, at, body)
    }

    fn over(&self, cause: Cause, now: UnixMillis, changes: &mut Vec<Change>) {
        self.ended.set(Some((cause, now)));
        self.interest.take();
        self.pull.take();
        self.tasks.ended(self.view(), changes);
    }
}

/// Comes back to a task whenever it wants, until it is over.
async fn wake(task: Weak<Running>) {
    while let Some(running) = task.upgrade().filter(|running| running.ended.get().is_none()) {
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
