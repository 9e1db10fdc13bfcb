//! A host's side of a gateway's [`link`](super::link): what it has of the Fleet's tasks, what it says,
//! and which leases run out.
//!
//! Whoever drives it keeps the rule of [`push`](super::push): after each call every output is taken, in
//! order, and [`Member::tick`] is called at [`Member::wake_at`] at the latest. Its rows
//! ([`Output::Keep`]) are on disk before what it says leaves.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use super::lease::{Epoch, Grant, Held};
use super::lifecycle::TaskState;
use super::link::{
    Callback, Capacity, Command, FleetSays, FromHost, Hello, HostRefused, HostSays, LinkError,
    LinkSettings, Load, MAX_ITEMS, MAX_MESSAGE, Published, PushReport, Refused, Start, TaskReport,
    Tenure, Welcome, close,
};
use super::push::Cause;
use super::task::{Origin, Task};
use crate::error::Coded as _;
use crate::time::{Millis, UnixMillis};

/// How many of its last messages the host remembers when it sent: a lease counts from there.
const REMEMBERED: usize = 1_024;

/// A host that is never given a lease's answer to a message that it forgot.
const LONG_AGO: UnixMillis = UnixMillis(0);

/// Which task of the host: as requests name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Name {
    /// Whose request it came from.
    pub origin: Origin,
    /// The application.
    pub app: String,
    /// Its id.
    pub id: String,
}

impl Name {
    /// That name.
    pub const fn new(origin: Origin, app: String, id: String) -> Self {
        Self { origin, app, id }
    }

    /// That of a task.
    pub fn of(task: &Task) -> Self {
        Self { origin: task.origin, app: task.app_id.clone(), id: task.id.clone() }
    }
}

/// How a task of the host is, as far as the Fleet wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// What is said of it.
    pub state: TaskState,
    /// Why it is over, or has trouble.
    pub code: Option<String>,
    /// Its pushes.
    pub pushes: Vec<PushReport>,
    /// Whether it is over, and its pushes are closed.
    pub is_over: bool,
}

impl Seen {
    /// A task without pushes.
    pub const fn new(state: TaskState) -> Self {
        Self { state, code: None, pushes: Vec::new(), is_over: false }
    }
}

/// A tenancy as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The task, by the Fleet's name for it.
    pub key: String,
    /// The tenancy.
    pub epoch: Epoch,
    /// The newest `start` that the host has of it.
    pub revision: u64,
    /// The task, by the host's name for it.
    pub name: Name,
    /// Whether it has a lease: then a host that starts anew has not kept it up.
    pub has_lease: bool,
}

impl Row {
    /// A row as it was read.
    pub const fn new(
        key: String,
        epoch: Epoch,
        revision: u64,
        name: Name,
        has_lease: bool,
    ) -> Self {
        Self { key, epoch, revision, name, has_lease }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Output {
    /// Send this text.
    Say(String),
    /// Start the task, or change the one that runs, and answer with [`Member::done`].
    Start {
        /// The command to be answered.
        command: u64,
        /// Its tenancy.
        epoch: Epoch,
        /// The task.
        task: alloc::boxed::Box<Task>,
    },
    /// End the task.
    Stop(Name, Cause),
    /// Write a message into the task's stream, once, and answer with [`Member::done`].
    Sei {
        /// The command to be answered.
        command: u64,
        /// The task.
        name: Name,
        /// The message, as JSON.
        custom: String,
    },
    /// Events go there from now on.
    Deliver(Callback),
    /// Something cannot be said, for what it is: without it the connection is of no use.
    Unsaid(LinkError),
    /// This row is another one now, or is there no more.
    Keep(String, Option<Row>),
    /// The gateway does not want this host: everything was stopped, and nothing is tried again.
    Leave(HostRefused),
}

#[derive(Clone, Debug)]
struct Own {
    held: Held,
    revision: u64,
    /// The one before, if the task runs as that: it goes on so when this one cannot be.
    before: Option<u64>,
    name: Name,
    seen: Seen,
    /// Whether the Fleet does not know `seen` yet.
    is_news: bool,
    /// Whether its end was asked for already.
    is_stopped: bool,
}

impl Own {
    fn report(&self, key: &str) -> TaskReport {
        let tenure = Tenure::new(key.to_owned(), self.held.epoch());
        let mut report = TaskReport::new(tenure, self.revision, self.seen.state);
        report.code.clone_from(&self.seen.code);
        report.pushes.clone_from(&self.seen.pushes);
        report
    }

    fn row(&self, key: &str) -> Row {
        let has_lease = self.held.ends().is_some();
        Row::new(key.to_owned(), self.held.epoch(), self.revision, self.name.clone(), has_lease)
    }
}

/// A host under a gateway. See the [module](self).
#[derive(Debug)]
pub struct Member {
    instance: String,
    version: String,
    capacity: Capacity,
    settings: LinkSettings,
    load: Load,
    tasks: BTreeMap<String, Own>,
    streams: BTreeSet<Published>,
    /// The streams that the Fleet knows of.
    told: BTreeSet<Published>,
    /// The last number on this connection; `None` without one.
    number: Option<u64>,
    is_welcome: bool,
    sent: VecDeque<(u64, UnixMillis)>,
    said_at: UnixMillis,
    /// Leases that were asked for last.
    asked_at: UnixMillis,
    outputs: VecDeque<Output>,
}

impl Member {
    /// A host that starts. `instance` is its own name on disk; of its rows, those with a lease are told
    /// to have ended: nobody kept the lease while it was away.
    pub fn new(instance: String, version: String, capacity: Capacity, rows: Vec<Row>) -> Self {
        let mut member = Self {
            instance,
            version,
            capacity,
            settings: LinkSettings::default(),
            load: Load::default(),
            tasks: BTreeMap::new(),
            streams: BTreeSet::new(),
            told: BTreeSet::new(),
            number: None,
            is_welcome: false,
            sent: VecDeque::new(),
            said_at: LONG_AGO,
            asked_at: LONG_AGO,
            outputs: VecDeque::new(),
        };
        for Row { key, epoch, revision, name, has_lease } in rows {
            let held = Held::new(Grant { epoch, lease: None }, LONG_AGO);
            let seen = Seen::new(TaskState::Waiting);
            let own = Own {
                held,
                revision,
                before: None,
                name,
                seen,
                is_news: true,
                is_stopped: has_lease,
            };
            if has_lease {
                let name = own.name.clone();
                member.outputs.push_back(Output::Stop(name, Cause::LeaseLost));
            }
            member.tasks.insert(key, own);
        }
        member
    }

    /// A connection stands: the host says who it is.
    pub fn connected(&mut self, now: UnixMillis) {
        self.number = Some(0);
        self.is_welcome = false;
        self.sent.clear();
        let mut hello = Hello::new(self.instance.clone(), self.version.clone(), self.capacity);
        hello.load = self.load;
        hello.tasks = self.tasks.iter().map(|(key, own)| own.report(key)).collect();
        let streams: Vec<_> = self.streams.iter().cloned().collect();
        let all_streams = total(&streams, Published::len);
        // The Fleet has to know of every task at once. What there is no room for follows its welcome:
        // how pushes are, and then streams.
        let is_whole = total(&hello.tasks, TaskReport::len).saturating_add(all_streams) <= ROOM;
        if !is_whole {
            hello.tasks.iter_mut().for_each(|task| task.pushes.clear());
        }
        for own in self.tasks.values_mut() {
            own.is_news = !is_whole && !own.seen.pushes.is_empty();
        }
        let left = ROOM.saturating_sub(total(&hello.tasks, TaskReport::len));
        let fits = |page: &Vec<_>| total(page, Published::len) <= left;
        let mut streams = pages(streams, left, Published::len).into_iter();
        hello.streams = streams.next().filter(fits).unwrap_or_default();
        self.told = hello.streams.iter().cloned().collect();
        self.say(HostSays::Hello(hello), now);
    }

    /// The connection is gone; `code` is what it was closed with, if it was. Whatever runs goes on, but
    /// for a host that is not wanted any more.
    pub fn disconnected(&mut self, code: Option<u16>) {
        self.number = None;
        self.is_welcome = false;
        let refused = match code {
            Some(close::TAKEN) => HostRefused::Taken,
            Some(close::DELETED) => HostRefused::Deleted,
            _ => return,
        };
        for own in self.tasks.values_mut().filter(|own| !own.is_stopped) {
            own.is_stopped = true;
            self.outputs.push_back(Output::Stop(own.name.clone(), Cause::LeaseLost));
        }
        self.outputs.push_back(Output::Leave(refused));
    }

    /// The Fleet says something.
    pub fn hears(&mut self, says: FleetSays, now: UnixMillis) {
        match says {
            FleetSays::Welcome(welcome) => self.welcome(welcome, now),
            FleetSays::Start(command) => self.start(command),
            FleetSays::Stop(Command { of: tenure, .. }) => self.stop(&tenure, Cause::Stopped, now),
            FleetSays::Sei(Command { number, of: (tenure, custom) }) => {
                match self.own(&tenure).map(|own| own.name.clone()) {
                    Some(name) => {
                        self.outputs.push_back(Output::Sei { command: number, name, custom });
                    }
                    None => self.done(number, Some(fenced()), now),
                }
            }
            FleetSays::Granted { answers, lease, tasks, fenced } => {
                let asked_at = self.sent_at(answers);
                for tenure in tasks {
                    let grant = Grant { epoch: tenure.epoch, lease: Some(lease) };
                    if let Some(own) = self.own(&tenure) {
                        own.held.granted(grant, asked_at);
                    }
                }
                for key in fenced {
                    self.end(&key, Cause::LeaseLost);
                }
            }
            FleetSays::Forget { keys } => self.forget(&keys),
            #[expect(unreachable_patterns, reason = "the enum may grow")]
            _ => {}
        }
    }

    /// What came of a `start` or a `sei`.
    pub fn done(&mut self, command: u64, refused: Option<Refused>, now: UnixMillis) {
        if self.is_welcome {
            self.say(HostSays::Done { command, refused }, now);
        }
    }

    /// A task that was to start, or to change, could not be: it goes on as it was, or is not the
    /// host's.
    pub fn not_started(&mut self, name: &Name) {
        let mut own = self.tasks.iter_mut().filter(|(_, own)| own.name == *name);
        let Some((key, own)) = own.find(|(_, own)| !own.seen.is_over) else { return };
        let key = key.clone();
        if let Some(before) = own.before.take() {
            own.revision = before;
            let row = own.row(&key);
            self.outputs.push_back(Output::Keep(key, Some(row)));
        } else {
            self.tasks.remove(&key);
            self.outputs.push_back(Output::Keep(key, None));
        }
    }

    /// How a task is at this moment. What is new in it is said; a task that the host does not have under
    /// the gateway is passed over.
    pub fn see(&mut self, name: &Name, seen: Seen, now: UnixMillis) {
        let mut own = self.tasks.iter_mut().filter(|(_, own)| own.name == *name);
        // Of several with one name all but the last have ended.
        let Some((key, own)) = own.find(|(_, own)| !own.seen.is_over) else { return };
        if own.seen == seen {
            return;
        }
        let is_over = seen.is_over;
        own.seen = seen;
        own.is_news = true;
        if is_over && self.is_welcome {
            own.is_news = false;
            let report = own.report(key);
            self.say(HostSays::Ended(report), now);
        }
    }

    /// The tasks that are to be seen: those that are not over.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.tasks.values().filter(|own| !own.seen.is_over).map(|own| &own.name)
    }

    /// The streams that are published to the host, all of them, and what it does.
    pub fn look(&mut self, streams: BTreeSet<Published>, load: Load) {
        self.streams = streams;
        self.load = load;
    }

    /// Says and does what is due.
    pub fn tick(&mut self, now: UnixMillis) {
        let run_out = self.tasks.iter().filter(|(_, own)| own.held.has_run_out(now));
        let run_out: Vec<_> = run_out.map(|(key, _)| key.clone()).collect();
        for key in run_out {
            self.end(&key, Cause::LeaseLost);
        }
        if !self.is_welcome {
            return;
        }
        if self.told != self.streams {
            let came: Vec<_> = self.streams.difference(&self.told).cloned().collect();
            let gone: Vec<_> = self.told.difference(&self.streams).cloned().collect();
            self.told.clone_from(&self.streams);
            for gone in pages(gone, ROOM, Published::len) {
                self.say(HostSays::Streams { came: Vec::new(), gone }, now);
            }
            for came in pages(came, ROOM, Published::len) {
                self.say(HostSays::Streams { came, gone: Vec::new() }, now);
            }
        }
        let news = self.tasks.iter_mut().filter(|(_, own)| own.is_news);
        let tasks: Vec<_> = news
            .map(|(key, own)| {
                own.is_news = false;
                own.report(key)
            })
            .collect();
        let is_due = now.since(self.said_at).0 >= self.settings.status_ms();
        let mut tasks = pages(tasks, ROOM, TaskReport::len);
        if is_due && tasks.is_empty() {
            tasks.push(Vec::new());
        }
        for tasks in tasks {
            self.say(HostSays::Status { load: self.load, tasks }, now);
        }
        if self.renews_at().is_some_and(|at| now >= at) {
            let leased = self.tasks.iter().filter(|(_, own)| own.held.ends().is_some());
            let tasks = leased.map(|(key, own)| Tenure::new(key.clone(), own.held.epoch()));
            let tasks = pages(tasks.collect(), ROOM, Tenure::len);
            self.asked_at = now;
            for tasks in tasks {
                self.say(HostSays::Renew { tasks }, now);
            }
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to [`tick`](Self::tick) at the latest, for what it knows already.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        let ends = self.tasks.values().filter(|own| !own.is_stopped);
        let ends = ends.filter_map(|own| own.held.ends()).min();
        let status = Some(self.said_at.plus(Millis(self.settings.status_ms())));
        let status = status.filter(|_| self.is_welcome);
        let renews = self.renews_at().filter(|_| self.is_welcome);
        [ends, status, renews].into_iter().flatten().min()
    }

    fn welcome(&mut self, welcome: Welcome, now: UnixMillis) {
        let Welcome { settings, callback, stop, forget, .. } = welcome;
        self.settings = settings;
        self.is_welcome = true;
        self.outputs.push_back(Output::Deliver(callback));
        for tenure in stop {
            self.stop(&tenure, Cause::Stopped, now);
        }
        self.forget(&forget);
        // What ended while nobody listened is said again: the hello had its state alone.
        let over: Vec<_> = self.tasks.iter().filter(|(_, own)| own.seen.is_over).collect();
        let over: Vec<_> = over.into_iter().map(|(key, own)| own.report(key)).collect();
        for report in over {
            self.say(HostSays::Ended(report), now);
        }
        // Leases that were asked for on another connection are asked for again.
        self.asked_at = LONG_AGO;
    }

    fn start(&mut self, Command { number, of: start }: Command<Start>) {
        let asked_at = self.sent_at(start.answers);
        let grant = start.grant();
        let Start { tenure, revision, task, .. } = start;
        let name = Name::of(&task);
        let known = self.tasks.get(&tenure.key).filter(|own| !own.seen.is_over);
        if known.is_some_and(|own| own.held.epoch() > tenure.epoch) {
            return;
        }
        let before = known.map(|own| own.revision);
        let seen = known.map_or_else(|| Seen::new(TaskState::Waiting), |own| own.seen.clone());
        let own = Own {
            held: Held::new(grant, asked_at),
            revision,
            before,
            name,
            seen,
            is_news: true,
            is_stopped: false,
        };
        self.outputs.push_back(Output::Keep(tenure.key.clone(), Some(own.row(&tenure.key))));
        self.tasks.insert(tenure.key, own);
        self.outputs.push_back(Output::Start { command: number, epoch: tenure.epoch, task });
    }

    fn stop(&mut self, tenure: &Tenure, cause: Cause, now: UnixMillis) {
        match self.tasks.get(&tenure.key) {
            Some(own) if own.held.epoch() == tenure.epoch => {
                if own.seen.is_over {
                    let report = own.report(&tenure.key);
                    self.say(HostSays::Ended(report), now);
                } else {
                    self.end(&tenure.key, cause);
                }
            }
            _ => {
                let state = TaskState::Stopped;
                let report = TaskReport::new(tenure.clone(), 0, state);
                self.say(HostSays::Ended(report), now);
            }
        }
    }

    fn end(&mut self, key: &str, cause: Cause) {
        if let Some(own) = self.tasks.get_mut(key)
            && !own.is_stopped
        {
            own.is_stopped = true;
            self.outputs.push_back(Output::Stop(own.name.clone(), cause));
        }
    }

    fn forget(&mut self, keys: &[String]) {
        for key in keys {
            // One that runs is not forgotten by whatever is said of its name.
            if self.tasks.get(key).is_some_and(|own| own.seen.is_over) {
                self.tasks.remove(key);
                self.outputs.push_back(Output::Keep(key.clone(), None));
            }
        }
    }

    fn own(&mut self, tenure: &Tenure) -> Option<&mut Own> {
        let own = self.tasks.get_mut(&tenure.key)?;
        (own.held.epoch() == tenure.epoch && !own.seen.is_over).then_some(own)
    }

    /// When the leases are asked for again.
    fn renews_at(&self) -> Option<UnixMillis> {
        let held = self.tasks.values().filter(|own| !own.is_stopped && !own.seen.is_over);
        let first = held.filter_map(|own| own.held.renew_at()).min()?;
        // Not again at once while the answer is on its way.
        Some(first.max(self.asked_at.plus(Millis::from_secs(1))))
    }

    fn sent_at(&self, number: u64) -> UnixMillis {
        let found = self.sent.iter().find(|(sent, _)| *sent == number);
        found.map_or(LONG_AGO, |(_, at)| *at)
    }

    fn say(&mut self, says: HostSays, now: UnixMillis) {
        let Some(number) = &mut self.number else { return };
        let next = number.saturating_add(1);
        let text = FromHost::new(next, says).write();
        if text.len() > MAX_MESSAGE {
            // The Fleet would close the connection for it, again and again.
            self.outputs.push_back(Output::Unsaid(LinkError::TooLarge));
            return;
        }
        *number = next;
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back((*number, now));
        self.said_at = now;
        self.outputs.push_back(Output::Say(text));
    }
}

/// What a list of a message may take; the rest of it is less than a kilobyte of names.
const ROOM: usize = MAX_MESSAGE - 16 * 1024;

fn total<T>(all: &[T], len: impl Fn(&T) -> usize) -> usize {
    all.iter().map(len).fold(0, usize::saturating_add)
}

/// A list in parts of no more bytes than there is room for, and no more items than a message may have.
fn pages<T>(all: Vec<T>, room: usize, len: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut pages: Vec<Vec<T>> = Vec::new();
    let mut left = 0;
    for one in all {
        let size = len(&one);
        match pages.last_mut() {
            Some(page) if size <= left && page.len() < MAX_ITEMS => page.push(one),
            _ => {
                left = room;
                pages.push(Vec::from([one]));
            }
        }
        left = left.saturating_sub(size);
    }
    pages
}

fn fenced() -> Refused {
    let error = super::lease::Fenced;
    Refused::new(error.code().as_str().to_owned(), alloc::string::ToString::to_string(&error))
}

#[cfg(test)]
mod tests;
