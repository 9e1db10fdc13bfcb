//! Delivery under a virtual clock: many channels and endpoints, receivers that fail in every way,
//! and crashes at random points, over a grid of seeds.
//!
//! The shell here is the smallest one that keeps the rules of `livegate_core::delivery`: it reads
//! rows, sends, persists, sleeps. A crash drops everything that was not persisted. What holds
//! afterwards is checked from outside: by what the receivers saw and what is in the rows.

mod receivers;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use livegate_core::delivery::breaker::{Answer, DISABLE_AFTER, Disabled, Permit};
use livegate_core::delivery::lane::{
    Hold, Lane, LaneConfig, MAX_OVERTAKEN, Order, PERSIST_EVERY, Row, RowState, Snapshot, Step,
    Verdict,
};
use livegate_core::delivery::outcome::Outcome;
use livegate_core::delivery::schedule::Schedule;
use livegate_core::delivery::slots::Slots;
use livegate_core::id::{EndpointId, Seq};
use livegate_core::time::{Millis, UnixMillis};

use crate::receivers::{Endpoint, NATURES, Nature, Random};

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const TIMEOUT: u64 = 15_000;
const RESTART: u64 = 200;
const CHANNELS: usize = 3;
const EVENTS: u64 = 120;
/// Attempts at 0, 1, 6, 36 and 156 s, before jitter.
const DELAYS: [u32; 5] = [0, 1, 5, 30, 120];
const MAX_BLOCK: u64 = 60_000;
/// How late a steady receiver may get an event: it may find the slots taken by slow ones, 4 s and
/// once more, but never waits for as long as a silent one is waited for.
const STEADY_LAG: u64 = 10_000;

/// One subscription of one channel; there is one for each endpoint, with its number.
struct Subscription {
    config: LaneConfig,
    /// It does not want the events whose sequence is a multiple of this.
    skips: u64,
    // What survives a crash.
    cursor: Seq,
    rows: BTreeMap<Seq, Row>,
    /// The unread parts that retention took, as (after, up to).
    taken_unread: Vec<(Seq, Seq)>,
    seen: Seen,
}

/// What only the test knows of a subscription.
#[derive(Default)]
struct Seen {
    /// What the receiver took, in its order.
    taken: Vec<Seq>,
    sends: BTreeMap<Seq, u32>,
    /// How many attempts there may be beyond the schedule's.
    more_sends: BTreeMap<Seq, u32>,
    /// How often more than once the receiver may see an event.
    more_taken: BTreeMap<Seq, u32>,
    /// Sends since the last persisting, and whether they have ended.
    unpersisted: Vec<(Seq, bool)>,
    parked: BTreeSet<Seq>,
    worst_lag: u64,
}

struct Channel {
    /// The log: when each event was accepted. Durable, like `floor`, up to where it was removed.
    log: Vec<UnixMillis>,
    floor: Seq,
    subscriptions: Vec<Subscription>,
    // In memory only; no lanes while the object is down.
    lanes: Vec<Lane>,
    permits: Vec<Option<Permit>>,
    slots: Slots,
    alarm: Option<UnixMillis>,
    first: usize,
    // The test's own.
    life: u32,
    up_since: UnixMillis,
}

impl Subscription {
    fn wants(&self, seq: Seq) -> bool {
        !seq.0.is_multiple_of(self.skips)
    }
}

impl Channel {
    fn log_end(&self) -> Seq {
        Seq(self.log.len() as u64)
    }
}

#[derive(Clone, Copy)]
enum Happening {
    Accept,
    Start,
    Wake,
    Answer { life: u32, lane: usize, seq: Seq, outcome: Outcome },
    Replay,
    Retention,
    Enable { endpoint: usize },
}

/// A fault that is put into the shell, to see that the checks notice it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sabotage {
    None,
    /// Rows are not written, though the cursor is.
    LoseRows,
    /// The cursor is written as if all that was accepted had been delivered.
    CursorRunsAhead,
    /// Nothing is ever written.
    ForgetToPersist,
    /// Requests share no slots: six at once, whoever comes first.
    NoShares,
}

struct World {
    random: Random,
    now: UnixMillis,
    queue: BTreeMap<(UnixMillis, u64), (usize, Happening)>,
    count: u64,
    endpoints: Vec<Endpoint>,
    channels: Vec<Channel>,
    crashes: u32,
    sabotage: Sabotage,
    violations: Vec<String>,
}

/// The channel's object was killed in the middle of something.
struct Crashed;

const MOST_CRASHES: u32 = 40;

fn endpoint_id(index: usize) -> EndpointId {
    EndpointId::from_bytes((index as u128).to_be_bytes())
}

impl World {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut random = Random(seed);
        let channels = (0..CHANNELS).map(|_| new_channel(&mut random)).collect();
        let mut world = Self {
            random,
            now: START,
            queue: BTreeMap::new(),
            count: 0,
            endpoints: NATURES.into_iter().map(Endpoint::new).collect(),
            channels,
            crashes: 0,
            sabotage,
            violations: Vec::new(),
        };
        for channel in 0..CHANNELS {
            world.after(0, channel, Happening::Start);
            let mut at = 1;
            for _ in 0..EVENTS {
                // Bursts, and pauses of up to 20 s.
                at += if world.random.one_in(4) { world.random.below(20_000) } else { 1 };
                world.after(at, channel, Happening::Accept);
            }
            for _ in 0..6 {
                let at = world.random.below(2_000_000);
                world.after(at, channel, Happening::Replay);
            }
            if seed % 4 == 3 {
                let at = 100_000 + world.random.below(800_000);
                world.after(at, channel, Happening::Retention);
            }
        }
        for (endpoint, nature) in NATURES.into_iter().enumerate() {
            if matches!(nature, Nature::GoneForAWhile | Nature::Gone) {
                world.after(1_500_000, 0, Happening::Enable { endpoint });
            }
        }
        world
    }

    fn after(&mut self, millis: u64, channel: usize, happening: Happening) {
        self.count += 1;
        self.queue.insert((self.now.plus(Millis(millis)), self.count), (channel, happening));
    }

    fn wrong(&mut self, index: usize, lane: usize, what: &str) {
        let nature = self.endpoints[lane].nature;
        self.violations.push(format!("channel {index}, {nature:?}: {what}"));
    }

    fn run(&mut self) {
        for _ in 0..500_000 {
            let Some(((at, _), (channel, happening))) = self.queue.pop_first() else {
                return;
            };
            self.now = at;
            if self.happen(channel, happening).is_err() {
                self.crash(channel);
            }
        }
        self.violations.push("it does not come to an end".into());
    }

    fn happen(&mut self, index: usize, happening: Happening) -> Result<(), Crashed> {
        let now = self.now;
        let channel = &mut self.channels[index];
        let is_up = !channel.lanes.is_empty();
        match happening {
            Happening::Start => {
                let (removed_up_to, log_end) = (channel.floor, channel.log_end());
                for of in &channel.subscriptions {
                    let rows = of.rows.values().copied().collect();
                    let snapshot = Snapshot { cursor: of.cursor, removed_up_to, log_end, rows };
                    channel.lanes.push(Lane::restore(of.config.clone(), snapshot));
                }
                channel.permits = channel.lanes.iter().map(|_| None).collect();
            }
            Happening::Accept => {
                // One durable write, and the sender has its 2xx.
                channel.log.push(now);
                let log_end = channel.log_end();
                channel.lanes.iter_mut().for_each(|lane| lane.appended(log_end));
            }
            Happening::Wake => channel.alarm = channel.alarm.filter(|alarm| *alarm > now),
            Happening::Answer { life, lane, seq, outcome } => {
                if life == channel.life {
                    self.completed(index, lane, seq, outcome)?;
                }
            }
            Happening::Replay if is_up && !channel.log.is_empty() => {
                let seq = Seq(1 + self.random.below(channel.log_end().0));
                let lane = self.random.index(NATURES.len());
                let of = &mut channel.subscriptions[lane];
                if of.wants(seq) && channel.lanes[lane].replay(seq).is_ok() {
                    *of.seen.more_sends.entry(seq).or_default() += of.config.attempts();
                    *of.seen.more_taken.entry(seq).or_default() += 1;
                    self.persist(index, lane);
                }
            }
            Happening::Retention if is_up => {
                // The older half of the log goes, in one transaction with what the lanes say.
                channel.floor = Seq(channel.log_end().0 / 2);
                for lane in 0..NATURES.len() {
                    let floor = self.channels[index].floor;
                    self.channels[index].lanes[lane].expired(floor);
                    self.persist(index, lane);
                }
            }
            Happening::Replay | Happening::Retention => {}
            Happening::Enable { endpoint } => {
                self.endpoints[endpoint].breaker.enable();
                self.endpoints[endpoint].was_enabled_again = true;
                for other in 0..CHANNELS {
                    if let Some(lane) = self.channels[other].lanes.get_mut(endpoint) {
                        lane.release();
                    }
                    if other != index && self.pump(other).is_err() {
                        self.crash(other);
                    }
                }
            }
        }
        self.pump(index)
    }

    fn completed(
        &mut self,
        index: usize,
        lane: usize,
        seq: Seq,
        outcome: Outcome,
    ) -> Result<(), Crashed> {
        let (now, random) = (self.now, self.random.next());
        let channel = &mut self.channels[index];
        channel.slots.end(endpoint_id(lane), outcome);
        let verdict = channel.lanes[lane].completed(seq, outcome, now, random);
        let seen = &mut channel.subscriptions[lane].seen;
        if let Some(send) = seen.unpersisted.iter_mut().find(|(n, ended)| *n == seq && !ended) {
            send.1 = true;
        }
        match verdict {
            Verdict::Parked => {
                seen.parked.insert(seq);
            }
            Verdict::Held => *seen.more_sends.entry(seq).or_default() += 1,
            Verdict::RetryAt(at) if at < now => self.wrong(index, lane, "a retry in the past"),
            Verdict::Unknown => self.wrong(index, lane, "it does not know what it sent"),
            _ => {}
        }
        let disabled = self.endpoints[lane].breaker.report(&[outcome], 0, now);
        if disabled == Some(Disabled::Failing) && now.since(START) < DISABLE_AFTER {
            self.wrong(index, lane, "disabled too soon");
        }
        self.may_crash()
    }

    /// Drives every lane of a channel as far as it goes now.
    fn pump(&mut self, index: usize) -> Result<(), Crashed> {
        if self.channels[index].lanes.is_empty() {
            return Ok(());
        }
        // Another lane goes first each time, so that none is last for ever.
        self.channels[index].first = (self.channels[index].first + 1) % NATURES.len();
        let mut wake: Option<UnixMillis> = None;
        for turn in 0..NATURES.len() {
            let lane = (self.channels[index].first + turn) % NATURES.len();
            for polls in 0.. {
                if polls == 1_000 {
                    self.wrong(index, lane, "polling does not come to an end");
                    break;
                }
                self.may_crash()?;
                if !self.may_poll(index, lane) {
                    break;
                }
                match self.channels[index].lanes[lane].poll(self.now) {
                    Step::Persist => self.persist(index, lane),
                    Step::Read { after, limit } => self.read(index, lane, after, limit),
                    Step::Send { seq, attempt, .. } => self.send(index, lane, seq, attempt),
                    Step::DisableEndpoint => self.endpoints[lane].breaker.disable(Disabled::Gone),
                    Step::Sleep { until } => {
                        if until.is_some_and(|until| until <= self.now) {
                            self.wrong(index, lane, "it sleeps until the past");
                        }
                        wake = wake.into_iter().chain(until).min();
                        break;
                    }
                    step => self.wrong(index, lane, &format!("what is {step:?}?")),
                }
            }
        }
        let channel = &mut self.channels[index];
        if let Some(at) = wake
            && channel.alarm.is_none_or(|alarm| at < alarm)
        {
            channel.alarm = Some(at);
            self.after(at.since(self.now).0, index, Happening::Wake);
        }
        Ok(())
    }

    /// Whether the lane may be polled now: if it would send, it needs a slot and a permit.
    fn may_poll(&mut self, index: usize, lane: usize) -> bool {
        let now = self.now;
        let channel = &mut self.channels[index];
        let want = channel.lanes[lane].ready(now);
        if want == 0 {
            return true;
        }
        let free = match self.sabotage {
            Sabotage::NoShares => {
                6usize.saturating_sub(channel.lanes.iter().map(Lane::in_flight).sum())
            }
            _ => channel.slots.free_for(endpoint_id(lane)),
        };
        if free == 0 {
            return false;
        }
        if channel.permits[lane].is_some_and(|permit| permit.left(now) > 0) {
            return true;
        }
        let breaker = &mut self.endpoints[lane].breaker;
        if let Some(old) = channel.permits[lane].take() {
            breaker.report(&[], old.max, now);
        }
        match breaker.ask(u32::try_from(want).unwrap(), now, self.random.next()) {
            Answer::Granted(permit) => channel.permits[lane] = Some(permit),
            Answer::Wait { until } => channel.lanes[lane].hold(Hold::Until(until)),
            _ => channel.lanes[lane].hold(Hold::Disabled),
        }
        true
    }

    fn read(&mut self, index: usize, lane: usize, after: Seq, limit: u32) {
        let channel = &mut self.channels[index];
        let to = Seq(channel.log_end().0.min(after.0 + u64::from(limit)));
        let of = &channel.subscriptions[lane];
        let matching: Vec<_> = (after.0 + 1..=to.0).map(Seq).filter(|seq| of.wants(*seq)).collect();
        channel.lanes[lane].feed(to, &matching);
        if after < channel.floor {
            self.wrong(index, lane, "it reads what retention took");
        }
    }

    fn send(&mut self, index: usize, lane: usize, seq: Seq, attempt: u32) {
        let now = self.now;
        let reply = self.endpoints[lane].reply(seq, now, &mut self.random);
        let channel = &mut self.channels[index];
        channel.slots.start(endpoint_id(lane));
        let permitted = channel.permits[lane].as_mut().is_some_and(|permit| permit.take(now));
        let of = &mut channel.subscriptions[lane];
        let wanted = of.wants(seq) && seq > channel.floor;
        let right = permitted && wanted && attempt <= of.config.attempts();
        of.seen.unpersisted.push((seq, false));
        *of.seen.sends.entry(seq).or_default() += 1;
        if reply.takes {
            let accepted = channel.log[usize::try_from(seq.0).unwrap() - 1];
            if !of.seen.taken.contains(&seq) {
                let lag = now.since(accepted.max(channel.up_since)).0;
                of.seen.worst_lag = of.seen.worst_lag.max(lag);
            }
            of.seen.taken.push(seq);
            if !reply.outcome.is_delivered() {
                // It took the event and said otherwise: to send it again is right.
                *of.seen.more_taken.entry(seq).or_default() += 1;
            }
        }
        let (life, outcome) = (channel.life, reply.outcome);
        self.after(reply.after, index, Happening::Answer { life, lane, seq, outcome });
        if !right {
            self.wrong(index, lane, &format!("{} is sent, attempt {attempt}", seq.0));
        }
    }

    fn persist(&mut self, index: usize, lane: usize) {
        let channel = &mut self.channels[index];
        let changes = channel.lanes[lane].changes();
        let of = &mut channel.subscriptions[lane];
        if self.sabotage == Sabotage::ForgetToPersist {
            return;
        }
        let before = of.cursor;
        of.cursor = changes.cursor.unwrap_or(before);
        if let Some(expired) = changes.expired {
            of.taken_unread.push((expired.read_up_to, expired.up_to));
            let old = of.rows.values_mut().filter(|row| row.seq <= expired.up_to);
            old.for_each(|row| row.state = RowState::Expired);
        }
        for seq in changes.deletes {
            of.rows.remove(&seq);
        }
        if self.sabotage != Sabotage::LoseRows {
            of.rows.extend(changes.upserts.into_iter().map(|row| (row.seq, row)));
        }
        of.seen.unpersisted.retain(|(_, ended)| !ended);
        if self.sabotage == Sabotage::CursorRunsAhead {
            of.cursor = Seq(channel.log.len() as u64);
        } else if of.cursor < before {
            self.wrong(index, lane, "the cursor goes back");
        }
    }

    fn may_crash(&mut self) -> Result<(), Crashed> {
        let crashes = self.crashes < MOST_CRASHES && self.random.one_in(700);
        if crashes { Err(Crashed) } else { Ok(()) }
    }

    fn crash(&mut self, index: usize) {
        self.crashes += 1;
        for lane in 0..NATURES.len() {
            let of = &mut self.channels[index].subscriptions[lane];
            for (seq, _) in of.seen.unpersisted.drain(..) {
                *of.seen.more_sends.entry(seq).or_default() += 1;
            }
            // What the rows and the cursor do not cover comes again.
            let mut repeated: BTreeSet<_> = of.seen.taken.iter().copied().collect();
            repeated.retain(|seq| match of.rows.get(seq) {
                Some(row) => row.state.is_active(),
                None => *seq > of.cursor,
            });
            for &seq in &repeated {
                *of.seen.more_taken.entry(seq).or_default() += 1;
                // As if for the first time: no row says that it was sent before.
                *of.seen.more_sends.entry(seq).or_default() += of.config.attempts();
            }
            let persisted_late = PERSIST_EVERY as usize + of.config.in_flight();
            let bound = match of.config.order() {
                Order::Ordered { .. } => persisted_late,
                _ => persisted_late + MAX_OVERTAKEN,
            };
            // A flaky receiver adds what it took and denied.
            if repeated.len() > bound && self.endpoints[lane].nature != Nature::Flaky {
                self.wrong(index, lane, &format!("a crash repeats {} events", repeated.len()));
            }
        }
        let channel = &mut self.channels[index];
        channel.life += 1;
        channel.lanes.clear();
        channel.permits.clear();
        channel.slots = Slots::default();
        channel.alarm = None;
        channel.up_since = self.now.plus(Millis(RESTART));
        self.after(RESTART, index, Happening::Start);
    }
}

fn new_channel(random: &mut Random) -> Channel {
    let schedule = Schedule::from_secs(&DELAYS, 20).unwrap();
    let mut subscription = || {
        let config = if random.one_in(2) {
            LaneConfig::ordered(schedule.clone(), Millis(MAX_BLOCK))
        } else {
            LaneConfig::unordered(schedule.clone(), [1, 2, 3, 6][random.index(4)])
        };
        Subscription {
            config: config.unwrap(),
            skips: 2 + random.below(9),
            cursor: Seq(0),
            rows: BTreeMap::new(),
            taken_unread: Vec::new(),
            seen: Seen::default(),
        }
    };
    Channel {
        log: Vec::new(),
        floor: Seq(0),
        subscriptions: NATURES.iter().map(|_| subscription()).collect(),
        lanes: Vec::new(),
        permits: Vec::new(),
        slots: Slots::default(),
        alarm: None,
        first: 0,
        life: 0,
        up_since: START,
    }
}

/// Runs a world to its end: what became of it, and what should not have.
fn run(seed: u64, sabotage: Sabotage) -> (String, Vec<String>) {
    let mut world = World::new(seed, sabotage);
    world.run();
    let table = world.verdict();
    world.violations.truncate(20);
    (table, world.violations)
}

#[test]
fn nothing_is_lost_reordered_or_repeated_without_a_crash_to_blame() {
    for seed in 0..12 {
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
        Sabotage::LoseRows,
        Sabotage::CursorRunsAhead,
        Sabotage::ForgetToPersist,
        Sabotage::NoShares,
    ] {
        assert!(!run(1, sabotage).1.is_empty(), "{sabotage:?}");
    }
}
