//! Whether a call that was just verified is one that was accepted before.
//!
//! Two sorts of repetition:
//!
//! - **The same call again**, byte for byte and with the same signed time: a vendor's retry. It is
//!   known for as long as its signature would still be accepted; after that it cannot come again.
//! - **The same news again**, freshly signed: only if its body equals that of the *latest* event
//!   of the same entity (a stream's output, a script's segment) and comes within the source's
//!   window. So connected, reconnecting, connected are three events.
//!
//! All of it is in memory and bounded. At the bound the entry that would be forgotten first is
//! forgotten now, and a repetition of it is delivered once more: receivers can bear an event
//! twice, never one too few. After a restart the shell records its newest rows again, oldest first.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::id::{Seq, SourceId};
use crate::time::{Millis, UnixMillis};

/// One exact call: when it says it was made, and what it said to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey([u8; 24]);

impl CallKey {
    /// The key of a call to `source` with the signed time `stamp` and a body of that SHA-256.
    ///
    /// Eight bytes of time, then the first sixteen of the hash, with the source's id laid over them
    /// so that two sources that hear the same call have a key each.
    pub fn of(source: SourceId, stamp: UnixMillis, body_sha256: &[u8; 32]) -> Self {
        let mut key = [0; 24];
        let hash = body_sha256.iter().zip(source.to_bytes()).map(|(a, b)| a ^ b);
        for (to, from) in key.iter_mut().zip(stamp.0.to_be_bytes().into_iter().chain(hash)) {
            *to = from;
        }
        Self(key)
    }

    /// The key that these bytes are, read back from a row.
    pub const fn from_bytes(bytes: [u8; 24]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep in a row.
    pub const fn to_bytes(self) -> [u8; 24] {
        self.0
    }
}

/// What an event is news of: the first 16 bytes of a hash over source, job and output, or whatever
/// else the dialect names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityKey(pub [u8; 16]);

/// What is known of a call that is to be judged, or was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The exact call, if its scheme stamps calls with a time.
    pub key: Option<CallKey>,
    /// How long the same signature is accepted: freshness and skew together.
    pub fresh_for: Millis,
    /// What it is news of, if the dialect can tell.
    pub entity: Option<EntityKey>,
    /// The body's SHA-256.
    pub body_sha256: [u8; 32],
    /// How long the same news of the same entity counts as a repetition: 0 (never) to
    /// [`Dedup::MAX_WINDOW`]; more counts as that.
    pub window: Millis,
}

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Novelty {
    /// Nothing like it is known: accept it.
    New,
    /// The very same call was accepted as this event.
    SameCall {
        /// Which one.
        of: Seq,
    },
    /// It only repeats the latest event of its entity.
    Repeats {
        /// Which one.
        of: Seq,
    },
}

/// What a channel remembers of the calls that it accepted.
#[derive(Clone, Debug)]
pub struct Dedup {
    capacity: usize,
    calls: BTreeMap<CallKey, (UnixMillis, Seq)>,
    calls_by_end: BTreeSet<(UnixMillis, CallKey)>,
    latest: BTreeMap<EntityKey, Latest>,
    latest_by_end: BTreeSet<(UnixMillis, EntityKey)>,
}

#[derive(Clone, Copy, Debug)]
struct Latest {
    body_sha256: [u8; 32],
    at: UnixMillis,
    end: UnixMillis,
    seq: Seq,
}

impl Dedup {
    /// The longest window for repetitions: ten minutes, as long as an entry may stay in memory.
    pub const MAX_WINDOW: Millis = Millis::from_secs(600);
    /// The window where a source sets none.
    pub const DEFAULT_WINDOW: Millis = Millis::from_secs(10);
    /// How many calls and how many entities are remembered where nothing else is said: some 0.5 MB,
    /// and 60 s of more than 100 calls a second.
    pub const DEFAULT_CAPACITY: usize = 8_192;

    /// Remembers at most so many calls, and as many entities.
    pub const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            calls: BTreeMap::new(),
            calls_by_end: BTreeSet::new(),
            latest: BTreeMap::new(),
            latest_by_end: BTreeSet::new(),
        }
    }

    /// What a call is that arrives now. Remembers nothing.
    pub fn judge(&self, call: &Call, now: UnixMillis) -> Novelty {
        if let Some(&(end, of)) = call.key.as_ref().and_then(|key| self.calls.get(key))
            && now <= end
        {
            return Novelty::SameCall { of };
        }
        let window = call.window.min(Self::MAX_WINDOW);
        match call.entity.as_ref().and_then(|entity| self.latest.get(entity)) {
            // The window counts from the event that was accepted, so that news repeated for ever
            // get through once a window.
            Some(latest)
                if latest.body_sha256 == call.body_sha256
                    && window > Millis(0)
                    && now.since(latest.at) <= window =>
            {
                Novelty::Repeats { of: latest.seq }
            }
            _ => Novelty::New,
        }
    }

    /// A call was accepted at `now` as the event `seq`. In the order of `seq`.
    pub fn record(&mut self, call: &Call, seq: Seq, now: UnixMillis) {
        self.forget(now);
        if let Some(key) = call.key {
            let end = now.plus(call.fresh_for);
            if let Some((before, _)) = self.calls.insert(key, (end, seq)) {
                self.calls_by_end.remove(&(before, key));
            }
            self.calls_by_end.insert((end, key));
        }
        // Kept for its window: after that it is no repetition, whether it is known or not.
        if let Some(entity) = call.entity {
            let end = now.plus(call.window.min(Self::MAX_WINDOW));
            let latest = Latest { body_sha256: call.body_sha256, at: now, end, seq };
            if let Some(before) = self.latest.insert(entity, latest) {
                self.latest_by_end.remove(&(before.end, entity));
            }
            self.latest_by_end.insert((end, entity));
        }
        while self.calls.len() > self.capacity {
            let Some((_, key)) = self.calls_by_end.pop_first() else {
                break;
            };
            self.calls.remove(&key);
        }
        while self.latest.len() > self.capacity {
            let Some((_, entity)) = self.latest_by_end.pop_first() else {
                break;
            };
            self.latest.remove(&entity);
        }
    }

    /// How many calls and entities are remembered.
    pub fn len(&self) -> (usize, usize) {
        (self.calls.len(), self.latest.len())
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.latest.is_empty()
    }

    fn forget(&mut self, now: UnixMillis) {
        while let Some(&(end, key)) = self.calls_by_end.first()
            && end < now
        {
            self.calls_by_end.pop_first();
            self.calls.remove(&key);
        }
        while let Some(&(end, entity)) = self.latest_by_end.first()
            && end < now
        {
            self.latest_by_end.pop_first();
            self.latest.remove(&entity);
        }
    }
}

impl Default for Dedup {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, CallKey, Dedup, EntityKey, Novelty};
    use crate::id::{Seq, SourceId};
    use crate::time::{Millis, UnixMillis};
    use proptest::prelude::{prop_assert_eq, proptest};
    use std::vec::Vec;

    const CONNECTED: u8 = 1;
    const RECONNECTING: u8 = 2;

    /// A call about entity 7 with the signed time `stamp` s, fresh for 60 s, window 10 s.
    fn call(stamp: u64, body: u8) -> Call {
        let source = SourceId::from_bytes([9; 16]);
        Call {
            key: Some(CallKey::of(source, UnixMillis::from_secs(stamp), &[body; 32])),
            fresh_for: Millis::from_secs(60),
            entity: Some(EntityKey([7; 16])),
            body_sha256: [body; 32],
            window: Dedup::DEFAULT_WINDOW,
        }
    }

    fn at(secs: u64) -> UnixMillis {
        UnixMillis::from_secs(secs)
    }

    #[test]
    fn a_key_is_the_time_and_the_hash_under_the_source() {
        let key = CallKey::of(SourceId::from_bytes([0x0f; 16]), UnixMillis(0x0102), &[0xf1; 32]);
        let mut bytes = [0xfe; 24];
        bytes[..8].copy_from_slice(&[0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(key.to_bytes(), bytes);
        assert_eq!(CallKey::from_bytes(bytes), key);
        assert_ne!(
            CallKey::of(SourceId::from_bytes([0; 16]), UnixMillis(0x0102), &[0xf1; 32]),
            key
        );
    }

    #[test]
    fn the_same_call_is_known_as_long_as_it_is_fresh() {
        let mut dedup = Dedup::default();
        let only_call = Call { entity: None, ..call(100, CONNECTED) };
        assert_eq!(dedup.judge(&only_call, at(100)), Novelty::New);
        dedup.record(&only_call, Seq(1), at(100));
        assert_eq!(dedup.judge(&only_call, at(160)), Novelty::SameCall { of: Seq(1) });
        assert_eq!(dedup.judge(&only_call, UnixMillis(160_001)), Novelty::New);
        // Another second or another body is another call.
        let other = Call { entity: None, ..call(101, CONNECTED) };
        assert_eq!(dedup.judge(&other, at(101)), Novelty::New);
        let other = Call { entity: None, ..call(100, RECONNECTING) };
        assert_eq!(dedup.judge(&other, at(101)), Novelty::New);
    }

    #[test]
    fn the_same_news_freshly_signed_repeat_the_latest_within_the_window() {
        let mut dedup = Dedup::default();
        dedup.record(&call(100, CONNECTED), Seq(1), at(100));
        let again = call(105, CONNECTED);
        assert_eq!(dedup.judge(&again, at(110)), Novelty::Repeats { of: Seq(1) });
        assert_eq!(dedup.judge(&again, UnixMillis(110_001)), Novelty::New);
        let another = Call { entity: Some(EntityKey([8; 16])), ..again };
        assert_eq!(dedup.judge(&another, at(105)), Novelty::New);
        let none = Call { entity: None, ..again };
        assert_eq!(dedup.judge(&none, at(105)), Novelty::New);
    }

    #[test]
    fn connected_reconnecting_connected_are_three_events() {
        let mut dedup = Dedup::default();
        for (seq, stamp, body) in [(1, 100, CONNECTED), (2, 101, RECONNECTING), (3, 102, CONNECTED)]
        {
            let call = call(stamp, body);
            assert_eq!(dedup.judge(&call, at(stamp)), Novelty::New);
            dedup.record(&call, Seq(seq), at(stamp));
        }
        assert_eq!(dedup.judge(&call(103, CONNECTED), at(103)), Novelty::Repeats { of: Seq(3) });
        assert_eq!(dedup.judge(&call(103, RECONNECTING), at(103)), Novelty::New);
    }

    #[test]
    fn a_window_of_zero_takes_nothing_for_a_repetition() {
        let mut dedup = Dedup::default();
        let never = |stamp| Call { window: Millis(0), ..call(stamp, CONNECTED) };
        dedup.record(&never(100), Seq(1), at(100));
        assert_eq!(dedup.judge(&never(101), at(100)), Novelty::New);
    }

    #[test]
    fn a_window_reaches_ten_minutes_at_most() {
        let mut dedup = Dedup::default();
        let wide = |stamp| Call { window: Millis(u64::MAX), ..call(stamp, CONNECTED) };
        dedup.record(&wide(100), Seq(1), at(100));
        assert_eq!(dedup.judge(&wide(101), at(700)), Novelty::Repeats { of: Seq(1) });
        assert_eq!(dedup.judge(&wide(101), UnixMillis(700_001)), Novelty::New);
    }

    #[test]
    fn at_the_bound_the_oldest_is_delivered_again_rather_than_the_newest_lost() {
        let mut dedup = Dedup::new(2);
        let alone = |stamp| Call { entity: None, ..call(stamp, CONNECTED) };
        for stamp in 1..=3 {
            dedup.record(&alone(stamp), Seq(stamp), at(stamp));
        }
        assert_eq!(dedup.len(), (2, 0));
        assert_eq!(dedup.judge(&alone(1), at(3)), Novelty::New);
        assert_eq!(dedup.judge(&alone(3), at(3)), Novelty::SameCall { of: Seq(3) });
    }

    #[test]
    fn what_cannot_come_again_is_forgotten() {
        let mut dedup = Dedup::default();
        for stamp in 0..1_000 {
            let entity = EntityKey(u128::from(stamp).to_be_bytes());
            let call = Call { entity: Some(entity), ..call(stamp * 1_000, CONNECTED) };
            dedup.record(&call, Seq(stamp), at(stamp * 1_000));
        }
        assert_eq!(dedup.len(), (1, 1));
    }

    proptest! {
        #[test]
        fn agrees_with_a_search_through_all_that_was_accepted(
            calls in proptest::collection::vec((0u64..15, 0u64..4, 0u8..3, 0u8..2), 1..60),
        ) {
            let mut dedup = Dedup::default();
            let mut accepted: Vec<(Call, UnixMillis, Seq)> = Vec::new();
            let mut now = 0;
            for (step, stamp, body, entity) in calls {
                now += step;
                let entity = Some(EntityKey([entity; 16]));
                let call = Call { entity, ..call(now - now.min(stamp), body) };
                let same = accepted.iter().rev().find(|(known, when, _)| {
                    known.key == call.key && at(now).since(*when) <= known.fresh_for
                });
                let latest = accepted.iter().rev().find(|(known, ..)| known.entity == call.entity);
                let repeated = latest.filter(|(known, when, _)| {
                    known.body_sha256 == call.body_sha256 && at(now).since(*when) <= call.window
                });
                let expected = match (same, repeated) {
                    (Some(&(.., of)), _) => Novelty::SameCall { of },
                    (None, Some(&(.., of))) => Novelty::Repeats { of },
                    (None, None) => Novelty::New,
                };
                prop_assert_eq!(dedup.judge(&call, at(now)), expected);
                if expected == Novelty::New {
                    let seq = Seq(accepted.len() as u64 + 1);
                    dedup.record(&call, seq, at(now));
                    accepted.push((call, at(now), seq));
                }
            }
        }
    }
}
