//! Many outboxes, and how many requests there are at once.
//!
//! Receivers take turns, and so do the channels of one receiver. What a receiver asks for
//! (`Retry-After`) holds for all of its channels.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::{Failure, Outbox, OutboxSettings, Step};
use crate::time::{Millis, UnixMillis};

/// Which outbox: the numbers that the shell gave to a receiver and to a line of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxKey {
    /// The receiver.
    pub receiver: u32,
    /// The rows of one channel.
    pub line: u64,
}

/// One receiver's turn.
#[derive(Clone, Debug, Default)]
struct Receiver {
    /// Whether there is an address to call at present.
    is_open: bool,
    /// It asked for patience until then.
    not_before: UnixMillis,
    /// Lines that may have something to do, in turn.
    ready: VecDeque<u64>,
    under_way: u64,
}

/// Where an outbox is looked for.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// It has a timer.
    Timer(UnixMillis),
    /// It is on its receiver's ready list.
    Ready,
}

/// The outboxes of all receivers: which is sent next, of however many.
#[derive(Clone, Debug)]
pub struct Outboxes {
    settings: OutboxSettings,
    boxes: BTreeMap<OutboxKey, Outbox>,
    receivers: BTreeMap<u32, Receiver>,
    /// When to look at an outbox again.
    timers: BTreeSet<(UnixMillis, OutboxKey)>,
    /// Where an outbox with something to do is to be found.
    places: BTreeMap<OutboxKey, Place>,
    /// The receiver that had the last turn.
    turn: u32,
    under_way: u64,
}

impl Outboxes {
    /// None.
    pub const fn new(settings: OutboxSettings) -> Self {
        Self {
            settings,
            boxes: BTreeMap::new(),
            receivers: BTreeMap::new(),
            timers: BTreeSet::new(),
            places: BTreeMap::new(),
            turn: 0,
            under_way: 0,
        }
    }

    /// The receiver can be called, at once whatever was before; or it cannot for now: then its rows
    /// wait.
    pub fn open(&mut self, receiver: u32, is_open: bool) {
        let entry = self.receivers.entry(receiver).or_default();
        entry.is_open = is_open;
        entry.not_before = UnixMillis(0);
        let all = OutboxKey { receiver, line: 0 }..=OutboxKey { receiver, line: u64::MAX };
        let keys: Vec<_> = self.boxes.range(all).map(|(key, _)| *key).collect();
        for key in keys {
            self.settle(key, Outbox::hurry);
        }
    }

    /// There are rows up to `last` in an outbox, of which those up to `settled` need nothing any
    /// more; that counts for one that is new here.
    pub fn extend(&mut self, key: OutboxKey, settled: u64, last: u64) {
        let settings = self.settings;
        let one = self.boxes.entry(key).or_insert_with(|| Outbox::restore(settings, settled, last));
        one.extend(last);
        self.wait(key);
    }

    /// Nobody needs this outbox any more. Whether a request of it is under way, which is to be
    /// given up.
    pub fn remove(&mut self, key: OutboxKey) -> bool {
        if let Some(Place::Timer(at)) = self.places.remove(&key) {
            self.timers.remove(&(at, key));
        }
        let is_cut = self.boxes.remove(&key).is_some_and(|one| one.sent().is_some());
        if is_cut {
            self.landed(key.receiver);
        }
        is_cut
    }

    /// See [`Outbox::acknowledged`].
    pub fn acknowledged(&mut self, key: OutboxKey, row: u64) {
        self.settle(key, |one| one.acknowledged(row));
    }

    /// See [`Outbox::failed`].
    pub fn failed(
        &mut self,
        key: OutboxKey,
        row: u64,
        failure: Failure,
        now: UnixMillis,
        random: u64,
    ) {
        if self.boxes.get(&key).and_then(Outbox::sent) != Some(row) {
            return;
        }
        if let Failure::Passing { retry_after: Some(asked) } = failure
            && let Some(receiver) = self.receivers.get_mut(&key.receiver)
        {
            let asked = asked.0.min(self.settings.retry_longest_ms);
            receiver.not_before = receiver.not_before.max(now.plus(Millis(asked)));
        }
        self.settle(key, |one| one.failed(row, failure, now, random));
    }

    /// See [`Outbox::expire`].
    pub fn expire(&mut self, key: OutboxKey, up_to: u64) -> (u64, bool) {
        self.settle(key, |one| one.expire(up_to)).unwrap_or_default()
    }

    /// The next thing to do; to be asked until it is nothing.
    pub fn poll(&mut self, now: UnixMillis, random: u64) -> Option<(OutboxKey, Step)> {
        self.wake(now);
        // A receiver may have lines that turn out to have nothing to do: then it is asked again.
        while let Some(receiver) = self.next_receiver(now) {
            let entry = self.receivers.get_mut(&receiver)?;
            let line = entry.ready.pop_front()?;
            let key = OutboxKey { receiver, line };
            let Some(one) = self.boxes.get_mut(&key) else { continue };
            self.places.remove(&key);
            let (before, step) = (one.sent(), one.poll(now, random));
            let after = one.sent();
            match (before, after) {
                (None, Some(_)) => {
                    entry.under_way = entry.under_way.saturating_add(1);
                    self.under_way = self.under_way.saturating_add(1);
                }
                (Some(_), None) => self.landed(receiver),
                _ => {}
            }
            self.wait(key);
            if let Some(step) = step {
                self.turn = receiver;
                return Some((key, step));
            }
        }
        None
    }

    /// When to poll again at the latest.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        // What waits for a request to end needs no time: an answer brings the next poll.
        let has_room =
            |one: &&Receiver| self.has_room() && one.under_way < self.settings.requests_each;
        let held = self.receivers.values().filter(|one| one.is_open && !one.ready.is_empty());
        let held = held.filter(has_room).map(|one| one.not_before).min();
        self.timers.first().map(|(at, _)| *at).into_iter().chain(held).min()
    }

    /// One outbox.
    pub fn show(&self, key: OutboxKey) -> Option<&Outbox> {
        self.boxes.get(&key)
    }

    /// Every outbox.
    pub fn all(&self) -> impl Iterator<Item = (OutboxKey, &Outbox)> {
        self.boxes.iter().map(|(key, one)| (*key, one))
    }

    /// Whether anything is likely to be told soon: rows wait for a receiver that can be called, and
    /// that has not failed since it took the last one.
    pub fn is_telling(&self, now: UnixMillis) -> bool {
        let may = |key: &OutboxKey| {
            self.receivers
                .get(&key.receiver)
                .is_some_and(|one| one.is_open && now >= one.not_before)
        };
        self.boxes.iter().any(|(key, one)| one.waiting() > 0 && one.failures() == 0 && may(key))
    }

    /// How many requests are under way.
    pub const fn under_way(&self) -> u64 {
        self.under_way
    }

    /// Puts on the ready lists what is due.
    fn wake(&mut self, now: UnixMillis) {
        while let Some(&(at, key)) = self.timers.first() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            self.places.insert(key, Place::Ready);
            let entry = self.receivers.entry(key.receiver).or_default();
            // An answer that is overdue frees a place: it goes first.
            if self.boxes.get(&key).is_some_and(|one| one.sent().is_some()) {
                entry.ready.push_front(key.line);
            } else {
                entry.ready.push_back(key.line);
            }
        }
    }

    /// Whose turn it is: the first after the one that had the last, that may do something.
    fn next_receiver(&self, now: UnixMillis) -> Option<u32> {
        let may = |(number, one): (&u32, &Receiver)| {
            let line = *one.ready.front()?;
            let key = OutboxKey { receiver: *number, line };
            // What is no sending may be done whatever is under way.
            let sends = self.boxes.get(&key).is_some_and(|one| one.sent().is_none());
            let may_send = one.is_open
                && now >= one.not_before
                && self.has_room()
                && one.under_way < self.settings.requests_each;
            (!sends || may_send).then_some(*number)
        };
        let after = self.receivers.range(self.turn.saturating_add(1)..);
        let before = self.receivers.range(..=self.turn);
        after.chain(before).find_map(may)
    }

    const fn has_room(&self) -> bool {
        self.under_way < self.settings.requests
    }

    fn settle<T>(&mut self, key: OutboxKey, act: impl FnOnce(&mut Outbox) -> T) -> Option<T> {
        let one = self.boxes.get_mut(&key)?;
        let was_sent = one.sent().is_some();
        let told = act(one);
        if was_sent && one.sent().is_none() {
            self.landed(key.receiver);
        }
        self.wait(key);
        Some(told)
    }

    fn landed(&mut self, receiver: u32) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(entry) = self.receivers.get_mut(&receiver) {
            entry.under_way = entry.under_way.saturating_sub(1);
        }
    }

    /// Sets an outbox's timer, unless it has its turn anyway.
    fn wait(&mut self, key: OutboxKey) {
        match self.places.get(&key) {
            Some(Place::Ready) => return,
            Some(Place::Timer(at)) => _ = self.timers.remove(&(*at, key)),
            None => {}
        }
        match self.boxes.get(&key).and_then(Outbox::wake_at) {
            Some(at) => {
                self.timers.insert((at, key));
                self.places.insert(key, Place::Timer(at));
            }
            None => _ = self.places.remove(&key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OutboxKey, Outboxes};
    use crate::relay::outbox::{Failure, OutboxSettings, Step};
    use crate::time::{Millis, UnixMillis};
    use std::vec::Vec;

    const MIDDLE: u64 = u64::MAX / 2;

    fn key(receiver: u32, line: u64) -> OutboxKey {
        OutboxKey { receiver, line }
    }

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(1_000_000 + ms)
    }

    fn outboxes(requests: u64, each: u64) -> Outboxes {
        let mut settings = OutboxSettings::default();
        settings.set("requests", requests).unwrap();
        settings.set("requests_each", each).unwrap();
        let mut all = Outboxes::new(settings);
        all.open(1, true);
        all.open(2, true);
        all
    }

    fn sent(all: &mut Outboxes, ms: u64) -> Vec<(u32, u64, u64)> {
        let mut out = Vec::new();
        while let Some((key, step)) = all.poll(at(ms), MIDDLE) {
            if let Step::Send(row) = step {
                out.push((key.receiver, key.line, row));
            }
        }
        assert!(all.wake_at().is_none_or(|wake| wake > at(ms)), "wakes at once for nothing");
        out
    }

    #[test]
    fn receivers_and_their_channels_take_turns() {
        let mut all = outboxes(3, 2);
        for line in 1..=3 {
            all.extend(key(1, line), 0, 2);
        }
        all.extend(key(2, 4), 0, 2);
        assert_eq!(sent(&mut all, 0), [(1, 1, 1), (2, 4, 1), (1, 2, 1)]);
        assert_eq!(all.under_way(), 3);
        // A channel that was served waits for those that were not.
        all.acknowledged(key(1, 1), 1);
        assert_eq!(sent(&mut all, 1), [(1, 3, 1)]);
        all.acknowledged(key(1, 2), 1);
        assert_eq!(sent(&mut all, 2), [(1, 1, 2)]);
        // One receiver has no more than its share.
        all.acknowledged(key(2, 4), 1);
        assert_eq!(sent(&mut all, 3), [(2, 4, 2)]);
        all.acknowledged(key(2, 4), 2);
        assert_eq!(sent(&mut all, 4), []);
    }

    #[test]
    fn one_channel_that_fails_holds_up_no_other() {
        let mut all = outboxes(64, 16);
        all.extend(key(1, 1), 0, 1);
        all.extend(key(1, 2), 0, 2);
        assert_eq!(sent(&mut all, 0), [(1, 1, 1), (1, 2, 1)]);
        all.failed(key(1, 1), 1, Failure::Refused, at(0), MIDDLE);
        all.acknowledged(key(1, 2), 1);
        assert_eq!(sent(&mut all, 1), [(1, 2, 2)]);
        assert_eq!(sent(&mut all, 1_000), [(1, 1, 1)]);
    }

    #[test]
    fn patience_that_a_receiver_asks_for_is_had_in_all_its_channels() {
        let mut all = outboxes(64, 16);
        all.extend(key(1, 1), 0, 1);
        assert_eq!(sent(&mut all, 0), [(1, 1, 1)]);
        let asked = Failure::Passing { retry_after: Some(Millis(30_000)) };
        all.failed(key(1, 1), 1, asked, at(0), MIDDLE);
        all.extend(key(1, 2), 0, 1);
        all.extend(key(2, 2), 0, 1);
        assert_eq!(sent(&mut all, 10), [(2, 2, 1)]);
        all.acknowledged(key(2, 2), 1);
        assert_eq!(sent(&mut all, 29_999), []);
        assert_eq!(sent(&mut all, 30_000), [(1, 2, 1), (1, 1, 1)]);
    }

    #[test]
    fn a_receiver_without_an_address_waits_and_then_gets_all() {
        let mut all = outboxes(64, 16);
        all.open(1, false);
        for last in 1..=1_000 {
            all.extend(key(1, 1), 0, last);
            assert_eq!(sent(&mut all, last), []);
        }
        assert_eq!((all.wake_at(), all.receivers[&1].ready.len()), (None, 1));
        all.open(1, true);
        assert_eq!(sent(&mut all, 2_000), [(1, 1, 1)]);
        all.failed(key(1, 1), 1, Failure::Refused, at(2_000), MIDDLE);
        // A new address is called at once.
        all.open(1, true);
        assert_eq!(sent(&mut all, 2_001), [(1, 1, 1)]);
    }

    #[test]
    fn what_gets_no_answer_gives_its_place_to_another() {
        let mut all = outboxes(1, 1);
        all.extend(key(1, 1), 0, 1);
        all.extend(key(1, 2), 0, 1);
        assert_eq!(sent(&mut all, 0), [(1, 1, 1)]);
        assert_eq!(all.wake_at(), Some(at(15_000)));
        assert_eq!(all.poll(at(15_000), MIDDLE), Some((key(1, 1), Step::Abandon(1))));
        assert_eq!(sent(&mut all, 15_000), [(1, 2, 1)]);
        assert!(all.remove(key(1, 2)) && !all.remove(key(1, 2)));
        assert_eq!(sent(&mut all, 16_000), [(1, 1, 1)]);
        assert_eq!(all.expire(key(1, 1), 1), (1, true));
        assert_eq!((all.under_way(), sent(&mut all, 17_000).len()), (0, 0));
    }
}
