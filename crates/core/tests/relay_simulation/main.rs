//! A relay host under a virtual clock: tasks that push to destinations that fail in every way, a
//! source with gaps, a receiver of state events that loses answers, and crashes, over many seeds.
//!
//! The shell here is the smallest one that keeps the rules of `livegate_core::relay`. What holds is
//! checked from outside: by what arrived at the destinations' kernels, what was reported, and what
//! the receiver has.

mod destination;
mod ingest;
mod lease;
mod outbox;
mod random;

use std::collections::{BTreeMap, BTreeSet};

use livegate_core::relay::PushUrl;
use livegate_core::relay::lifecycle::{
    Kept, KeptTask, Lifecycle, Plan, TargetId, TaskInput, TaskOutput, TaskSettings, TaskState,
};
use livegate_core::relay::push::{
    Cause, Connection, Input, Media, Output, Progress, PushSettings, PushState, Report,
};
use livegate_core::relay::queue::{Class, Queue, QueueSettings};
use livegate_core::time::UnixMillis;

use crate::destination::{Frame, Link, NATURES, Nature};
use crate::outbox::Mail;
use crate::random::Random;

const START: u64 = 1_700_000_000_000;
const STEP: u64 = 100;
const END: u64 = 600_000;
/// The promise: nothing is called connected for longer than this while nothing arrives.
const TRUTH: u64 = 10_000;

/// A fault that is put into the shell, to see that the checks notice it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sabotage {
    None,
    /// What the source brings is reported as if it had arrived, and no acknowledgement is passed on.
    TrustsTheSource,
    /// Answers to pings are reported as if they were the stream.
    CountsPings,
    /// The machine is never woken.
    Sleeps,
    /// A crash forgets the last row.
    LosesRows,
    /// After a crash everything begins anew.
    Forgets,
}

struct Target {
    nature: Nature,
    is_secure: bool,
    queue: Queue<Frame>,
    link: Option<Link>,
    /// The last report, as the rows have it.
    last: Option<Report>,
    connections: BTreeSet<Connection>,
    failed_at: Option<u64>,
    connected_ms: u64,
    causes: BTreeSet<Cause>,
}

struct World {
    random: Random,
    now: u64,
    task: Lifecycle,
    targets: BTreeMap<TargetId, Target>,
    plan: Plan,
    source: Media,
    source_since: u64,
    gaps: Vec<(u64, u64)>,
    frame: u64,
    mail: Mail,
    sabotage: Sabotage,
    violations: Vec<String>,
    crashes: Vec<u64>,
    state: TaskState,
}

fn at(ms: u64) -> UnixMillis {
    UnixMillis(START + ms)
}

fn url(index: usize) -> PushUrl {
    let scheme = if is_secure(NATURES[index]) { "rtmps" } else { "rtmp" };
    PushUrl::parse(&format!("{scheme}://host{index}.example/live/key")).unwrap()
}

fn is_secure(nature: Nature) -> bool {
    matches!(nature, Nature::TlsBroken | Nature::Flaky)
}

impl World {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut random = Random(seed);
        let targets: Vec<_> = (0..NATURES.len()).map(url).collect();
        let plan = Plan::new(targets, None, None);
        let task =
            Lifecycle::new(TaskSettings::default(), PushSettings::default(), plan.clone(), at(0));
        let target = |(index, &nature): (u32, &Nature)| {
            let target = Target {
                nature,
                is_secure: is_secure(nature),
                queue: Queue::new(QueueSettings::default()),
                link: None,
                last: None,
                connections: BTreeSet::new(),
                failed_at: None,
                connected_ms: 0,
                causes: BTreeSet::new(),
            };
            (TargetId(index), target)
        };
        // A short gap, one that the connections survive, one that they do not.
        let gap = |from: u64, lasts: u64, random: &mut Random| {
            let from = from + random.below(20) * STEP;
            (from, from + lasts)
        };
        let gaps = vec![
            gap(60_000, 3_000, &mut random),
            gap(250_000, 30_000, &mut random),
            gap(350_000, 90_000, &mut random),
        ];
        let mut crashes = vec![random.below(END / STEP) * STEP, random.below(END / STEP) * STEP];
        crashes.retain(|_| !seed.is_multiple_of(3));
        Self {
            now: 0,
            task,
            targets: (1..).zip(&NATURES).map(target).collect(),
            plan,
            source: Media::Gone,
            source_since: 0,
            gaps,
            frame: 0,
            mail: Mail::new(seed),
            sabotage,
            violations: Vec::new(),
            crashes,
            state: TaskState::Waiting,
            random,
        }
    }

    fn wrong(&mut self, id: TargetId, what: &str) {
        let nature = self.targets[&id].nature;
        self.violations.push(format!("{} ms, {nature:?}: {what}", self.now));
    }

    fn run(&mut self) {
        while self.now < END {
            self.now += STEP;
            if self.crashes.contains(&self.now) {
                self.crash();
            }
            self.feed();
            for id in self.targets.keys().copied().collect::<Vec<_>>() {
                self.carry(id);
            }
            let is_due = self.task.wake_at().is_some_and(|wake| wake <= at(self.now));
            if is_due && self.sabotage != Sabotage::Sleeps {
                self.tell(TaskInput::Tick);
            }
            for id in self.targets.keys().copied().collect::<Vec<_>>() {
                self.check(id);
            }
            self.mail.step(self.now);
        }
        self.tell(TaskInput::Stop(Cause::Stopped));
        for (id, target) in &self.targets {
            if target.last.map(|last| last.state) != Some(PushState::End) {
                self.violations.push(format!("{id:?} has not ended"));
            }
        }
        self.mail.finish(self.now);
        self.violations.extend(self.mail.verdict());
    }

    /// The source: 20 pictures and sounds in two seconds, a key frame each two.
    fn feed(&mut self) {
        let in_gap = self.gaps.iter().any(|(from, to)| (*from..*to).contains(&self.now));
        let source = if in_gap { Media::Gone } else { Media::There };
        if source != self.source {
            self.source = source;
            self.source_since = self.now;
            self.tell(TaskInput::Source(source));
        }
        if in_gap {
            return;
        }
        self.frame += 1;
        let timestamp = u32::try_from(self.frame * STEP).expect("ten minutes");
        for target in self.targets.values_mut() {
            let mut push = |class, size| {
                target.queue.push(class, timestamp, Frame(size), at(self.now));
            };
            if self.frame == 1 {
                push(Class::Metadata, 300);
                push(Class::VideoHeader, 60);
                push(Class::AudioHeader, 20);
            }
            let is_key = self.frame % 20 == 1;
            push(if is_key { Class::KeyFrame } else { Class::Video }, 30_000);
            push(Class::Audio, 1_600);
        }
    }

    /// What happens on a target's connection.
    fn carry(&mut self, id: TargetId) {
        let now = self.now;
        let target = self.targets.get_mut(&id).unwrap();
        let Some(link) = &mut target.link else { return };
        let mut inputs = Vec::new();
        while let Some(input) = link.says(now) {
            inputs.push(input);
        }
        if link.is_open {
            inputs.extend(link.flow(&mut target.queue, now));
            if self.sabotage == Sabotage::TrustsTheSource {
                inputs.retain(|input| !matches!(input, Input::Acknowledged(..)));
            }
            if now.is_multiple_of(500) {
                let mut progress = link.progress(&target.queue);
                match self.sabotage {
                    Sabotage::TrustsTheSource => {
                        let brought = progress.handed.max(now * 316);
                        progress =
                            Progress { handed: brought, media_end: brought, ..Progress::default() };
                    }
                    Sabotage::CountsPings => progress.media_end = progress.handed,
                    _ => {}
                }
                inputs.push(Input::Progress(link.connection, progress));
            }
        }
        for input in inputs {
            if matches!(input, Input::Closed(..)) {
                self.cut(id);
            }
            self.tell(TaskInput::Push(id, input));
        }
    }

    fn cut(&mut self, id: TargetId) {
        let target = self.targets.get_mut(&id).unwrap();
        target.link = None;
        target.queue.close();
    }

    fn tell(&mut self, input: TaskInput) {
        let is_tick = input == TaskInput::Tick;
        self.task.handle(input, at(self.now), self.random.bits());
        self.obey();
        // What is due of other pushes, a tick alone sees to.
        if is_tick && self.task.wake_at().is_some_and(|wake| wake <= at(self.now)) {
            self.violations.push(format!("{} ms: wakes in the past", self.now));
        }
    }

    fn obey(&mut self) {
        while let Some(output) = self.task.poll() {
            match output {
                TaskOutput::Push(id, output) => self.push(id, output),
                TaskOutput::State(state, _) => {
                    if self.state.is_last() || state == self.state {
                        self.violations.push(format!("{state} follows {}", self.state));
                    }
                    self.state = state;
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, id: TargetId, output: Output) {
        let now = self.now;
        match output {
            Output::Connect(connection) => {
                self.check_pause(id);
                let target = self.targets.get_mut(&id).unwrap();
                let is_new = target.connections.insert(connection) && target.link.is_none();
                let nature = target.nature;
                let link = Link::new(connection, nature, target.is_secure, now, &mut self.random);
                target.link = Some(link);
                target.queue.open();
                if !is_new {
                    self.wrong(id, "two connections at once, or one number twice");
                }
            }
            Output::Close(connection) | Output::Abort(connection) => {
                let link = self.targets[&id].link.as_ref();
                if link.map(|link| link.connection) != Some(connection) {
                    self.wrong(id, "closes what is not open");
                }
                self.cut(id);
            }
            Output::SkipToKeyFrame(_) => {
                self.targets.get_mut(&id).unwrap().queue.skip_to_key_frame();
            }
            Output::Report(report) => self.report(id, report),
            _ => {}
        }
    }

    fn report(&mut self, id: TargetId, report: Report) {
        let target = self.targets.get_mut(&id).unwrap();
        let before = target.last;
        target.last = Some(report);
        target.causes.extend(report.cause);
        match report.state {
            PushState::Disconnected if target.link.is_none() => target.failed_at = Some(self.now),
            PushState::Connected => target.failed_at = None,
            _ => {}
        }
        let needs_cause = matches!(report.state, PushState::Disconnected | PushState::End);
        if !report.state.may_follow(before.map(|before| before.state)) {
            self.wrong(id, &format!("{} follows {before:?}", report.state));
        }
        if report.number != before.map_or(0, |before| before.number) + 1 {
            self.wrong(id, &format!("report {} follows {before:?}", report.number));
        }
        if needs_cause && report.cause.is_none() {
            self.wrong(id, "no cause");
        }
        self.mail.write(id, report.number);
    }

    /// A pause is between the shortest and the longest, 20 % either way, unless the source's
    /// absence made it longer.
    fn check_pause(&mut self, id: TargetId) {
        let Some(failed_at) = self.targets.get_mut(&id).unwrap().failed_at.take() else { return };
        let pause = self.now - failed_at;
        let cause = self.targets[&id].last.and_then(|last| last.cause);
        let after_gap = cause == Some(Cause::SourceGone) || self.source_since >= failed_at;
        if !after_gap && !(800..=36_000 + STEP).contains(&pause) {
            self.wrong(id, &format!("tries again after {pause} ms"));
        }
    }

    /// What is said of a push against what its link knows.
    fn check(&mut self, id: TargetId) {
        let pushes = self.task.pushes(at(self.now));
        let Some(status) = pushes.into_iter().find(|push| push.0 == id).map(|push| push.2) else {
            return;
        };
        let target = self.targets.get_mut(&id).unwrap();
        let is_connected = status.state == Some(PushState::Connected);
        let moved_at = target.link.as_ref().and_then(|link| link.moved_at);
        let overdue = target.link.as_ref().and_then(Link::overdue_since);
        let hangs = overdue.is_some_and(|since| self.now - since > TRUTH);
        if is_connected {
            target.connected_ms += STEP;
        }
        let is_lie = is_connected && moved_at.is_none_or(|moved| self.now - moved > TRUTH);
        if is_lie {
            self.wrong(id, &format!("connected, but what arrived last did at {moved_at:?}"));
        }
        if status.is_pushing && !is_connected {
            self.wrong(id, "pushes without being connected");
        }
        if is_connected && hangs {
            self.wrong(id, "an overdue acknowledgement is not noticed");
        }
    }

    /// The host is killed: what is in rows is left, and nothing else.
    fn crash(&mut self) {
        for id in self.targets.keys().copied().collect::<Vec<_>>() {
            self.cut(id);
            let target = self.targets.get_mut(&id).unwrap();
            target.failed_at = None;
            target.connections.clear();
        }
        let mut kept = Vec::new();
        for (index, (id, target)) in self.targets.iter().enumerate() {
            let last = match self.sabotage {
                Sabotage::Forgets => None,
                _ => target.last,
            };
            kept.push(Kept { id: *id, url: url(index), last });
        }
        self.mail.crash(self.sabotage == Sabotage::LosesRows);
        let (settings, push) = (TaskSettings::default(), PushSettings::default());
        let kept = KeptTask { pushes: kept, began_at: at(0), gone_at: None };
        self.task = Lifecycle::restore(settings, push, self.plan.clone(), kept, at(self.now));
        self.state = TaskState::Waiting;
        self.source = Media::Gone;
        self.source_since = self.now;
        self.obey();
    }

    /// How long each was connected, and why it was not.
    fn verdict(&mut self) -> String {
        let mut table = String::new();
        for target in self.targets.values() {
            let causes: Vec<_> = target.causes.iter().collect();
            let line =
                format!("{:?}: {} s, {causes:?}\n", target.nature, target.connected_ms / 1_000);
            table.push_str(&line);
        }
        let mut missing = Vec::new();
        for target in self.targets.values() {
            let (nature, connected) = (target.nature, target.connected_ms / 1_000);
            let (least, cause) = match nature {
                // 477 s of source, less the starts and ten seconds of each gap and crash.
                Nature::Healthy => (440, None),
                Nature::AwayForAWhile => (300, Some(Cause::Refused)),
                Nature::Flaky => (200, Some(Cause::ConnectionLost)),
                Nature::Wedging | Nature::Hanging => (60, Some(Cause::Wedged)),
                Nature::ClosingSoon => (40, Some(Cause::ClosedByPeer)),
                Nature::Refusing => (0, Some(Cause::Refused)),
                Nature::BlackHole => {
                    (0, Some(Cause::NoAnswer(livegate_core::relay::push::Step::Tcp)))
                }
                Nature::TlsBroken => (0, Some(Cause::TlsFailed)),
                Nature::Mute => {
                    (0, Some(Cause::NoAnswer(livegate_core::relay::push::Step::Handshake)))
                }
                Nature::AuthRefusing => (0, Some(Cause::AuthRefused)),
                Nature::RefusingLate => (0, Some(Cause::PublishRefused)),
            };
            if connected < least || (least == 0 && connected > 0) {
                missing.push(format!("{nature:?} was connected for {connected} s"));
            }
            if cause.is_some_and(|cause| !target.causes.contains(&cause)) {
                missing.push(format!("{nature:?} never said {cause:?}"));
            }
        }
        self.violations.extend(missing);
        table
    }
}

fn run(seed: u64, sabotage: Sabotage) -> (String, Vec<String>) {
    let mut world = World::new(seed, sabotage);
    world.run();
    let table = world.verdict();
    world.violations.truncate(20);
    (table, world.violations)
}

#[test]
fn what_is_said_is_true_complete_and_in_order() {
    for seed in 0..24 {
        let (table, violations) = run(seed, Sabotage::None);
        assert!(violations.is_empty(), "seed {seed}\n{table}{violations:#?}");
        println!("seed {seed}\n{table}");
    }
}

#[test]
fn the_same_seed_ends_the_same_way() {
    assert_eq!(run(7, Sabotage::None).0, run(7, Sabotage::None).0);
}

#[test]
fn a_shell_that_breaks_the_rules_is_found_out() {
    for sabotage in [
        Sabotage::TrustsTheSource,
        Sabotage::CountsPings,
        Sabotage::Sleeps,
        Sabotage::LosesRows,
        Sabotage::Forgets,
    ] {
        // A seed with crashes.
        assert!(!run(1, sabotage).1.is_empty(), "{sabotage:?}");
    }
}
