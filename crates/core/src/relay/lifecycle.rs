//! One task: its pushes, its source, when it ends, and what is said of it as a whole.
//!
//! Whoever drives it keeps the rule of [`push`](super::push): after each call every output is taken,
//! in order, and [`Lifecycle::wake_at`] is kept. To start a task again, or to stop one that has
//! stopped, changes nothing.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::address::PushUrl;
use super::exit::{Exit, Exited};
use super::push::{
    Cause, Input, Media, Output, Push, PushSettings, PushState, Report, Status, Transport,
};
use super::settings::settings;
use super::task::{Origin, Task};
use crate::config::{LiveExitConfig, named};
use crate::time::{Millis, UnixMillis};

settings! {
    /// The times of a task.
    pub struct TaskSettings {
        /// How long a task without a `MaxIdleTime` waits for a source. The vendor's older service
        /// says 30 days.
        wait_ms = 2_592_000_000 in 60_000..=2_592_000_000,
    }
}

named! {
    /// What is said of a task as a whole, after the older service's task status.
    pub enum TaskState {
        /// It waits for its source, or for its first connection.
        Waiting = "waiting",
        /// At least one of its pushes is connected.
        Running = "running",
        /// It ended by itself.
        Stopped = "stopped",
        /// It was stopped.
        StoppedByUser = "stopped_by_user",
        /// It ended with its channel.
        ChannelEnded = "channel_ended",
        /// No push is connected, and not for its address.
        NetworkProblem = "network_problem",
        /// No push is connected, each for its address.
        AddressProblem = "address_problem",
    }
}

impl TaskState {
    /// The number that the older service's task status has for it; whether the present one's
    /// callbacks have the same is not documented (docs/spec/events.md §8.2).
    pub const fn mpu_status(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Running => 1,
            Self::Stopped => 2,
            Self::StoppedByUser => 3,
            Self::ChannelEnded => 4,
            Self::NetworkProblem => 5,
            Self::AddressProblem => 6,
        }
    }

    /// The number that Jocloud's SDK has for it. It has none for one that waits, and what its push
    /// status callback says is not documented.
    pub const fn thunder_code(self) -> Option<u8> {
        match self {
            Self::Waiting => None,
            Self::Running => Some(0),
            Self::NetworkProblem | Self::AddressProblem => Some(1),
            Self::Stopped | Self::StoppedByUser | Self::ChannelEnded => Some(3),
        }
    }

    /// Whether nothing follows.
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Stopped | Self::StoppedByUser | Self::ChannelEnded)
    }
}

/// What a task is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Where it is pushed to, each address once.
    pub targets: Vec<PushUrl>,
    /// How long it goes on without a source.
    pub max_idle: Option<Millis>,
    /// Whether it ends with its channel, if it is not told how long to go on.
    pub follows_channel: bool,
    /// When it stops by itself, of a live job.
    pub exit: Option<LiveExitConfig>,
}

impl Plan {
    /// A plan that ends with its channel.
    pub const fn new(
        targets: Vec<PushUrl>,
        max_idle: Option<Millis>,
        exit: Option<LiveExitConfig>,
    ) -> Self {
        Self { targets, max_idle, follows_channel: true, exit }
    }

    /// That of a task. Exit settings are a live job's: another task that has none set is not stopped
    /// by their defaults. That a task ends with its channel is Alibaba's rule: others are stopped, or
    /// wait for their source.
    pub fn of(task: &Task) -> Self {
        let is_job = task.origin == Origin::MetaStudio;
        let exit = Some(task.exit).filter(|exit| is_job || *exit != LiveExitConfig::default());
        let follows_channel = task.origin == Origin::Alibaba && task.pull.is_none();
        Self { follows_channel, ..Self::new(task.targets.clone(), task.max_idle, exit) }
    }

    /// Whether a task whose host was started again ends with its channel if nobody comes there in time:
    /// the channel was there, since something was pushed.
    pub fn misses_channel(&self, pushes: &[Kept]) -> bool {
        self.follows_channel && pushes.iter().any(|push| push.last.is_some())
    }
}

/// One of a task's pushes; not used again in the same task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub u32);

/// What happened to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskInput {
    /// It is to do this from now on.
    Plan(Plan),
    /// Its source came or went.
    Source(Media),
    /// Its channel was closed.
    ChannelClosed,
    /// It is to end.
    Stop(Cause),
    /// Something happened to one of its pushes.
    Push(TargetId, Input),
    /// Time passed.
    Tick,
}

/// What to do for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum TaskOutput {
    /// What one of its pushes says.
    Push(TargetId, Output),
    /// What is said of it as a whole has changed.
    State(TaskState, UnixMillis),
    /// Since when it has no source, or that it has one: for [`KeptTask`].
    SourceGone(Option<UnixMillis>),
    /// It stops by itself: its record, and the notice to whoever asked for `AUTO_EXIT`.
    Exited(Exited),
    /// It is over: its addresses begin to rest ([`COOLING`](super::address::COOLING)).
    Ended(Cause),
}

/// One address of a task.
#[derive(Clone, Debug)]
struct Target {
    id: TargetId,
    url: PushUrl,
    push: Push,
    /// What was wrong last, until it is connected.
    trouble: Option<Cause>,
}

/// A push as it was when its host stopped.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Which it was.
    pub id: TargetId,
    /// Its address.
    pub url: PushUrl,
    /// The last of its reports, if there was one.
    pub last: Option<Report>,
}

/// A task as it was when its host stopped.
#[derive(Clone, Debug)]
pub struct KeptTask {
    /// Its pushes.
    pub pushes: Vec<Kept>,
    /// When it began.
    pub began_at: UnixMillis,
    /// Since when it had no source; none if it had one.
    pub gone_at: Option<UnixMillis>,
}

/// One task. See the [module](self).
#[derive(Clone, Debug)]
pub struct Lifecycle {
    settings: TaskSettings,
    push: PushSettings,
    targets: Vec<Target>,
    next_id: u32,
    max_idle: Option<Millis>,
    follows_channel: bool,
    exit: Option<Exit>,
    began_at: UnixMillis,
    source: Media,
    /// Since when the source has been as it is.
    source_since: UnixMillis,
    state: TaskState,
    ended: Option<Cause>,
    now: UnixMillis,
    outputs: VecDeque<TaskOutput>,
}

impl Lifecycle {
    /// A task that begins.
    pub fn new(settings: TaskSettings, push: PushSettings, plan: Plan, now: UnixMillis) -> Self {
        let kept = KeptTask { pushes: Vec::new(), began_at: now, gone_at: Some(now) };
        Self::restore(settings, push, plan, kept, now)
    }

    /// A task whose host was started again. Pushes that the plan does not have end. A source that was
    /// there went with the host.
    pub fn restore(
        settings: TaskSettings,
        push: PushSettings,
        plan: Plan,
        kept: KeptTask,
        now: UnixMillis,
    ) -> Self {
        let mut task = Self {
            settings,
            push,
            targets: Vec::new(),
            next_id: 1,
            max_idle: None,
            follows_channel: true,
            exit: None,
            began_at: kept.began_at,
            source: Media::Gone,
            source_since: kept.gone_at.unwrap_or(now),
            state: TaskState::Waiting,
            ended: None,
            now,
            outputs: VecDeque::new(),
        };
        if kept.gone_at.is_none() {
            task.outputs.push_back(TaskOutput::SourceGone(Some(now)));
        }
        for Kept { id, url, last } in kept.pushes {
            task.next_id = task.next_id.max(id.0.saturating_add(1));
            let transport = transport(&url);
            let push = match last {
                Some(last) => Push::resume(push, transport, last, now),
                None => Push::new(push, transport, now),
            };
            let trouble = last.and_then(|last| last.cause);
            task.targets.push(Target { id, url, push, trouble });
        }
        task.drain();
        task.plan(plan, 0);
        // A restart is no exception of the live's: its time begins with the host's.
        if let Some(exit) = &mut task.exit {
            exit.set_exception(false, now);
            exit.set_exception(true, now);
        }
        task
    }

    /// Takes what happened. `random` is any uniform 64 bits.
    pub fn handle(&mut self, input: TaskInput, now: UnixMillis, random: u64) {
        self.now = self.now.max(now);
        if self.ended.is_some() {
            return;
        }
        match input {
            TaskInput::Plan(plan) => self.plan(plan, random),
            TaskInput::Source(media) => {
                if media != self.source {
                    self.source = media;
                    self.source_since = self.now;
                    let gone_at = (media == Media::Gone).then_some(self.now);
                    self.outputs.push_back(TaskOutput::SourceGone(gone_at));
                    self.all(Input::Source(media), random);
                }
            }
            TaskInput::ChannelClosed if self.follows_channel && self.max_idle.is_none() => {
                self.end(Cause::ChannelClosed, random);
            }
            TaskInput::ChannelClosed => {}
            TaskInput::Stop(cause) => self.end(cause, random),
            TaskInput::Push(id, input) => {
                if let Some(target) = self.targets.iter_mut().find(|target| target.id == id) {
                    target.push.handle(input, self.now, mixed(random, id));
                }
            }
            TaskInput::Tick => self.all(Input::Tick, random),
        }
        self.drain();
        self.settle(random);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<TaskOutput> {
        self.outputs.pop_front()
    }

    /// When to come back at the latest.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        if self.ended.is_some() {
            return None;
        }
        let pushes = self.targets.iter().filter_map(|target| target.push.wake_at());
        let own = [self.idle_ends(), self.exit.and_then(|exit| exit.wake_at())];
        pushes.chain(own.into_iter().flatten()).min()
    }

    /// What is said of it as a whole.
    pub const fn state(&self) -> TaskState {
        self.state
    }

    /// Why it is over, if it is.
    pub const fn ended(&self) -> Option<Cause> {
        self.ended
    }

    /// Each of its pushes.
    pub fn pushes(
        &self,
        now: UnixMillis,
    ) -> impl Iterator<Item = (TargetId, &PushUrl, Status)> + use<'_> {
        self.targets.iter().map(move |target| (target.id, &target.url, target.push.status(now)))
    }

    fn plan(&mut self, plan: Plan, random: u64) {
        self.max_idle = plan.max_idle;
        self.follows_channel = plan.follows_channel;
        match (&mut self.exit, plan.exit) {
            (Some(exit), Some(config)) => exit.configure(config),
            (own, config) => *own = config.map(|config| Exit::new(config, self.began_at)),
        }
        // What goes first: of two forms of one address only one is pushed to at a time.
        for target in &mut self.targets {
            if !plan.targets.contains(&target.url) {
                let random = mixed(random, target.id);
                target.push.handle(Input::Stop(Cause::Replaced), self.now, random);
            }
        }
        self.drain();
        self.targets.retain(|target| plan.targets.contains(&target.url));
        for url in plan.targets {
            if self.targets.iter().any(|target| target.url == url) {
                continue;
            }
            let id = TargetId(self.next_id);
            self.next_id = self.next_id.saturating_add(1);
            let mut push = Push::new(self.push, transport(&url), self.now);
            push.handle(Input::Source(self.source), self.now, mixed(random, id));
            self.targets.push(Target { id, url, push, trouble: None });
        }
    }

    fn all(&mut self, input: Input, random: u64) {
        for target in &mut self.targets {
            target.push.handle(input, self.now, mixed(random, target.id));
        }
    }

    /// Passes on what the pushes say.
    fn drain(&mut self) {
        for target in &mut self.targets {
            while let Some(output) = target.push.poll() {
                if let Output::Report(report) = output {
                    target.trouble = match report.state {
                        PushState::Connected => None,
                        _ => report.cause.or(target.trouble),
                    };
                }
                self.outputs.push_back(TaskOutput::Push(target.id, output));
            }
        }
    }

    /// Does what is due of the task itself.
    fn settle(&mut self, random: u64) {
        if self.ended.is_some() {
            return;
        }
        let is_connected = self.is_connected();
        if let Some(exit) = &mut self.exit {
            exit.set_exception(!is_connected, self.now);
        }
        if let Some(exited) = self.exit.and_then(|exit| exit.due(self.now)) {
            self.outputs.push_back(TaskOutput::Exited(exited));
            self.end(exited.cause, random);
        } else if self.idle_ends().is_some_and(|at| self.now >= at) {
            self.end(Cause::Idle, random);
        } else {
            self.say(self.judge());
        }
    }

    fn end(&mut self, cause: Cause, random: u64) {
        self.all(Input::Stop(cause), random);
        self.drain();
        self.ended = Some(cause);
        self.say(match cause {
            Cause::Stopped => TaskState::StoppedByUser,
            Cause::ChannelClosed => TaskState::ChannelEnded,
            _ => TaskState::Stopped,
        });
        self.outputs.push_back(TaskOutput::Ended(cause));
    }

    fn say(&mut self, state: TaskState) {
        if state != self.state {
            self.state = state;
            self.outputs.push_back(TaskOutput::State(state, self.now));
        }
    }

    fn is_connected(&self) -> bool {
        self.targets.iter().any(|target| target.push.state() == Some(PushState::Connected))
    }

    fn judge(&self) -> TaskState {
        let mut troubles = self.targets.iter().map(|target| target.trouble);
        if self.is_connected() {
            TaskState::Running
        } else if self.source == Media::Gone || troubles.clone().any(|trouble| trouble.is_none()) {
            TaskState::Waiting
        } else if troubles.all(|trouble| trouble.is_some_and(is_of_the_address)) {
            TaskState::AddressProblem
        } else {
            TaskState::NetworkProblem
        }
    }

    /// When it has waited for its source for as long as it does.
    fn idle_ends(&self) -> Option<UnixMillis> {
        let longest = self.max_idle.unwrap_or_else(|| Millis(self.settings.wait_ms()));
        (self.source == Media::Gone).then(|| self.source_since.plus(longest))
    }
}

fn transport(url: &PushUrl) -> Transport {
    if url.is_secure() { Transport::Tls } else { Transport::Plain }
}

const fn is_of_the_address(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::AddressInvalid
            | Cause::AddressForbidden
            | Cause::UnknownHost
            | Cause::AuthRefused
            | Cause::AppRefused
            | Cause::PublishRefused
    )
}

/// Other bits for each push, so that those that fail together do not try again together.
fn mixed(random: u64, id: TargetId) -> u64 {
    // 2^64 over the golden ratio: multiples of it are far apart.
    random.wrapping_add(u64::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[cfg(test)]
mod tests {
    use super::{
        Kept, KeptTask, Lifecycle, Plan, TargetId, TaskInput, TaskOutput, TaskSettings, TaskState,
    };
    use crate::config::LiveExitConfig;
    use crate::relay::address::PushUrl;
    use crate::relay::push::{
        Cause, Connection, Input, Media, Output, Progress, PushSettings, PushState, Report, Step,
    };
    use crate::time::{Millis, UnixMillis};
    use std::vec::Vec;

    const T0: UnixMillis = UnixMillis(1_700_000_000_000);
    const ONE: TargetId = TargetId(1);
    const TWO: TargetId = TargetId(2);
    const FIRST: Connection = Connection(1);
    const THERE: TaskInput = TaskInput::Source(Media::There);
    const GONE: TaskInput = TaskInput::Source(Media::Gone);

    fn plan(urls: &[&str]) -> Plan {
        let targets = urls.iter().map(|url| PushUrl::parse(url).unwrap()).collect();
        Plan::new(targets, None, None)
    }

    fn task(plan: Plan) -> Lifecycle {
        Lifecycle::new(TaskSettings::default(), PushSettings::default(), plan, T0)
    }

    const A: &str = "rtmp://a.example/live/key";
    const B: &str = "rtmps://b.example/live/key";

    fn restored(pushes: Vec<Kept>, gone_at: Option<UnixMillis>) -> KeptTask {
        KeptTask { pushes, began_at: T0, gone_at }
    }

    fn at(task: &mut Lifecycle, ms: u64, input: TaskInput) -> Vec<TaskOutput> {
        task.handle(input, T0.plus(Millis(ms)), u64::MAX / 2);
        core::iter::from_fn(|| task.poll()).collect()
    }

    /// What the pushes report, and the task's own outputs left out.
    fn reports(outputs: &[TaskOutput]) -> Vec<(TargetId, PushState)> {
        let of = outputs.iter().filter_map(|output| match output {
            TaskOutput::Push(id, Output::Report(report)) => Some((*id, report.state)),
            _ => None,
        });
        of.collect()
    }

    fn connect(task: &mut Lifecycle, ms: u64, id: TargetId, connection: Connection) {
        for step in [Step::Tcp, Step::Tls, Step::Handshake, Step::Connect, Step::Publish] {
            let _ = at(task, ms, TaskInput::Push(id, Input::Reached(connection, step)));
        }
        let sent = Progress { handed: 9, media_end: 9, ..Progress::default() };
        let told = at(task, ms, TaskInput::Push(id, Input::Progress(connection, sent)));
        assert_eq!(reports(&told), [(id, PushState::Connected)]);
    }

    #[test]
    fn goes_to_all_its_addresses_and_says_how_it_is_as_a_whole() {
        let mut task = task(plan(&[A, B]));
        assert_eq!(task.state(), TaskState::Waiting);
        let told = at(&mut task, 0, THERE);
        assert_eq!(reports(&told), [(ONE, PushState::Connecting), (TWO, PushState::Connecting)]);
        assert_eq!(task.state(), TaskState::Waiting);
        connect(&mut task, 100, TWO, FIRST);
        assert_eq!(task.state(), TaskState::Running);
        let refused = TaskInput::Push(ONE, Input::Closed(FIRST, Cause::AuthRefused));
        let told = at(&mut task, 200, refused);
        assert_eq!(reports(&told), [(ONE, PushState::Disconnected), (ONE, PushState::End)]);
        assert_eq!(task.state(), TaskState::Running);
        let lost = TaskInput::Push(TWO, Input::Closed(FIRST, Cause::ConnectionLost));
        let told = at(&mut task, 300, lost);
        let state = TaskOutput::State(TaskState::NetworkProblem, T0.plus(Millis(300)));
        assert_eq!(told.last(), Some(&state));
        // While it tries again nothing is better yet.
        let _ = at(&mut task, 2_000, TaskInput::Tick);
        assert_eq!(task.state(), TaskState::NetworkProblem);
        let second = Connection(2);
        let refused = TaskInput::Push(TWO, Input::Closed(second, Cause::PublishRefused));
        let _ = at(&mut task, 2_100, refused);
        assert_eq!(task.state(), TaskState::AddressProblem);
        assert_eq!((task.state().mpu_status(), task.state().thunder_code()), (6, Some(1)));
    }

    #[test]
    fn an_update_changes_what_is_different_and_nothing_else() {
        let mut task = task(plan(&[A, B]));
        let _ = at(&mut task, 0, THERE);
        connect(&mut task, 10, ONE, FIRST);
        assert_eq!(at(&mut task, 20, TaskInput::Plan(plan(&[B, A]))), []);
        // Another token is another address, and the old one is left first.
        let other = "rtmp://a.example/live/key?token=2";
        let told = at(&mut task, 30, TaskInput::Plan(plan(&[other, B])));
        let three = TargetId(3);
        assert_eq!(told[0], TaskOutput::Push(ONE, Output::Close(FIRST)));
        assert_eq!(reports(&told), [(ONE, PushState::End), (three, PushState::Connecting)]);
        let left: Vec<_> = task.pushes(T0).map(|(id, _, _)| id).collect();
        assert_eq!(left, [TWO, three]);
    }

    #[test]
    fn stops_once() {
        let mut task = task(plan(&[A]));
        let _ = at(&mut task, 0, THERE);
        let told = at(&mut task, 10, TaskInput::Stop(Cause::Stopped));
        assert_eq!(reports(&told), [(ONE, PushState::End)]);
        assert_eq!(told.last(), Some(&TaskOutput::Ended(Cause::Stopped)));
        assert_eq!(task.state(), TaskState::StoppedByUser);
        for input in [TaskInput::Stop(Cause::Stopped), TaskInput::Plan(plan(&[B])), THERE] {
            assert_eq!(at(&mut task, 20, input), []);
        }
        assert_eq!(task.wake_at(), None);
    }

    #[test]
    fn waits_for_its_source_as_long_as_it_is_told_and_else_for_its_channel() {
        let mut waits = task(Plan { max_idle: Some(Millis(30_000)), ..plan(&[A]) });
        assert_eq!(waits.wake_at(), Some(T0.plus(Millis(30_000))));
        let _ = at(&mut waits, 20_000, THERE);
        let _ = at(&mut waits, 21_000, GONE);
        assert_eq!(at(&mut waits, 22_000, TaskInput::ChannelClosed), []);
        assert_eq!(waits.ended(), None);
        let _ = at(&mut waits, 40_000, TaskInput::Tick);
        let _ = at(&mut waits, 50_999, TaskInput::Tick);
        assert_eq!(waits.ended(), None);
        let _ = at(&mut waits, 51_000, TaskInput::Tick);
        assert_eq!((waits.ended(), waits.state()), (Some(Cause::Idle), TaskState::Stopped));

        let mut ends = task(plan(&[A]));
        let told = at(&mut ends, 5_000, TaskInput::ChannelClosed);
        assert_eq!(told.last(), Some(&TaskOutput::Ended(Cause::ChannelClosed)));
        assert_eq!(ends.state().mpu_status(), 4);
        // 30 days.
        assert_eq!(task(plan(&[A])).wake_at(), Some(T0.plus(Millis::from_hours(720))));
    }

    #[test]
    fn a_live_job_stops_when_nothing_was_connected_for_three_minutes() {
        let plan = Plan { exit: Some(LiveExitConfig::default()), ..plan(&[A]) };
        let mut task = task(plan);
        let _ = at(&mut task, 0, THERE);
        connect(&mut task, 100, ONE, FIRST);
        let _ = at(&mut task, 1_000, TaskInput::Push(ONE, Input::Closed(FIRST, Cause::Refused)));
        let _ = at(&mut task, 180_999, GONE);
        assert_eq!(task.ended(), None);
        let told = at(&mut task, 181_000, TaskInput::Tick);
        let record = told.iter().find_map(|output| match output {
            TaskOutput::Exited(exited) => Some(exited.cause),
            _ => None,
        });
        assert_eq!(record, Some(Cause::LongestException));
        assert_eq!(task.ended(), Some(Cause::LongestException));
    }

    #[test]
    fn a_restart_takes_nothing_off_a_live_jobs_time_and_begins_its_exception_anew() {
        let value = serde_json::json!({"max_live_duration": 1});
        let exit = LiveExitConfig::from_checked(value.as_object().unwrap());
        let plan = Plan { exit: Some(exit), ..plan(&[A]) };
        let (settings, push) = (TaskSettings::default(), PushSettings::default());
        let now = T0.plus(Millis::from_mins(50));
        let mut task = Lifecycle::restore(settings, push, plan, restored(Vec::new(), None), now);
        // Three minutes from the restart on.
        assert_eq!(task.wake_at(), Some(T0.plus(Millis::from_mins(53))));
        let _ = at(&mut task, 50 * 60_000, THERE);
        connect(&mut task, 51 * 60_000, ONE, FIRST);
        let sent = |handed| Progress { handed, media_end: handed, ..Progress::default() };
        let moves = TaskInput::Push(ONE, Input::Progress(FIRST, sent(99)));
        let _ = at(&mut task, 3_599_999, moves);
        assert_eq!(task.ended(), None);
        let _ = at(&mut task, 3_600_000, TaskInput::Tick);
        assert_eq!(task.ended(), Some(Cause::LongestLive));
    }

    #[test]
    fn misses_a_channel_that_was_there_and_that_it_follows() {
        let last = Report::new(1, T0, PushState::Connecting, None, 1);
        let kept = |last| [Kept { id: ONE, url: PushUrl::parse(A).unwrap(), last }];
        let free = Plan { follows_channel: false, ..plan(&[A]) };
        assert!(plan(&[A]).misses_channel(&kept(Some(last))));
        assert!(!plan(&[A]).misses_channel(&kept(None)) && !plan(&[A]).misses_channel(&[]));
        assert!(!free.misses_channel(&kept(Some(last))));
    }

    #[test]
    fn counts_its_time_without_a_source_over_restarts() {
        let idle = || Plan { max_idle: Some(Millis(30_000)), ..plan(&[A]) };
        let (settings, push) = (TaskSettings::default(), PushSettings::default());
        let again = |gone_at, ms| {
            let now = T0.plus(Millis(ms));
            let mut task =
                Lifecycle::restore(settings, push, idle(), restored(Vec::new(), gone_at), now);
            let told: Vec<_> = core::iter::from_fn(|| task.poll()).collect();
            (task, told)
        };
        let (task, told) = again(Some(T0), 20_000);
        assert_eq!((task.wake_at(), told), (Some(T0.plus(Millis(30_000))), Vec::new()));
        // One that was there went with the host, and that counts from then on.
        let (mut task, told) = again(None, 20_000);
        let went = T0.plus(Millis(20_000));
        assert_eq!(told, [TaskOutput::SourceGone(Some(went))]);
        assert_eq!(task.wake_at(), Some(went.plus(Millis(30_000))));
        assert_eq!(at(&mut task, 21_000, THERE)[0], TaskOutput::SourceGone(None));
        let went = Some(T0.plus(Millis(22_000)));
        assert_eq!(at(&mut task, 22_000, GONE)[0], TaskOutput::SourceGone(went));
        let (mut task, _) = again(went, 60_000);
        let _ = at(&mut task, 60_000, TaskInput::Tick);
        assert_eq!(task.ended(), Some(Cause::Idle));
    }

    #[test]
    fn goes_on_after_a_restart() {
        let last =
            Report { number: 4, at: T0, state: PushState::Connected, cause: None, attempt: 1 };
        let kept = |id, url, last| Kept { id, url: PushUrl::parse(url).unwrap(), last };
        let kept = std::vec![kept(TargetId(5), A, Some(last)), kept(TargetId(6), B, None)];
        let (settings, push) = (TaskSettings::default(), PushSettings::default());
        let now = T0.plus(Millis(50));
        let mut task = Lifecycle::restore(settings, push, plan(&[A]), restored(kept, None), now);
        let told: Vec<_> = core::iter::from_fn(|| task.poll()).collect();
        let five = TargetId(5);
        let six = TargetId(6);
        assert_eq!(reports(&told), [(five, PushState::Disconnected), (six, PushState::End)]);
        let _ = at(&mut task, 60, THERE);
        assert_eq!(
            reports(&at(&mut task, 1_050, TaskInput::Tick)),
            [(five, PushState::Reconnecting)]
        );
    }
}
