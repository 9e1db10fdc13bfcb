//! Receivers that fail in every way, and the chance that they fail by.

use livegate_core::delivery::breaker::{Breaker, Health};
use livegate_core::delivery::outcome::{Cause, Outcome};
use livegate_core::id::Seq;
use livegate_core::time::{Millis, UnixMillis};

use crate::{START, TIMEOUT};

/// `SplitMix64`: small, and any seed will do.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What sort of receiver an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Takes everything in 5 to 50 ms.
    Steady,
    /// The same, in up to 4 s: slow, but within the time-out.
    Slow,
    /// Fails one in three, in every way there is; some of the failures after taking the event.
    Flaky,
    /// Takes six each two seconds and asks for two seconds of patience beyond that.
    Throttling,
    /// Refuses each seventh event for ever, takes the others.
    Picky,
    /// 500, always.
    Failing,
    /// 302, always.
    Redirecting,
    /// Never answers, for the first ten minutes; then steady.
    SilentAtFirst,
    /// Never answers.
    Silent,
    /// 410 after a few events; steady once it is enabled again.
    GoneForAWhile,
    /// 410, always.
    Gone,
}

pub(crate) const NATURES: [Nature; 12] = [
    Nature::Steady,
    Nature::Steady,
    Nature::Slow,
    Nature::Flaky,
    Nature::Throttling,
    Nature::Picky,
    Nature::Failing,
    Nature::Redirecting,
    Nature::SilentAtFirst,
    Nature::Silent,
    Nature::GoneForAWhile,
    Nature::Gone,
];

pub(crate) struct Endpoint {
    pub(crate) nature: Nature,
    /// Durable: its object persists it with each report.
    pub(crate) breaker: Breaker,
    pub(crate) asked: u32,
    pub(crate) window_from: UnixMillis,
    pub(crate) in_window: u32,
    pub(crate) was_enabled_again: bool,
}

/// What an answer will be, and whether the receiver takes the event.
pub(crate) struct Reply {
    pub(crate) outcome: Outcome,
    pub(crate) takes: bool,
    pub(crate) after: u64,
}

impl Endpoint {
    pub(crate) fn new(nature: Nature) -> Self {
        Self {
            nature,
            breaker: Breaker::restore(None, Health::default()),
            asked: 0,
            window_from: START,
            in_window: 0,
            was_enabled_again: false,
        }
    }

    pub(crate) fn reply(&mut self, seq: Seq, now: UnixMillis, random: &mut Random) -> Reply {
        let after = 5 + random.below(45);
        let good = Reply { outcome: Outcome::from_status(200, None), takes: true, after };
        let bad = |outcome| Reply { outcome, takes: false, after };
        let status = |status, retry_after: Option<u64>| {
            bad(Outcome::from_status(status, retry_after.map(Millis::from_secs)))
        };
        let silence = Reply { after: TIMEOUT, ..bad(Outcome::Unreachable(Cause::Timeout)) };
        self.asked += 1;
        match self.nature {
            Nature::Slow => Reply { after: 5 + random.below(4_000), ..good },
            Nature::Flaky => match random.below(24) {
                0 => status(500, None),
                1 => status(503, None),
                2 => status(429, Some(1)),
                3 => status(404, None),
                4 => silence,
                5 => Reply { takes: true, ..silence },
                6 => Reply { takes: true, ..bad(Outcome::Unreachable(Cause::Reset)) },
                7 => bad(Outcome::Unreachable(Cause::Tls)),
                _ => good,
            },
            Nature::Throttling => {
                if now.since(self.window_from) >= Millis(2_000) {
                    (self.window_from, self.in_window) = (now, 0);
                }
                self.in_window += 1;
                if self.in_window > 6 { status(429, Some(2)) } else { good }
            }
            Nature::Picky if seq.0 % 7 == 3 => status(422, None),
            Nature::Failing => status(500, None),
            Nature::Redirecting => status(302, None),
            Nature::SilentAtFirst if now.since(START) < Millis::from_mins(10) => silence,
            Nature::Silent => silence,
            Nature::GoneForAWhile if self.asked > 20 && !self.was_enabled_again => {
                status(410, None)
            }
            Nature::Gone => status(410, None),
            Nature::Steady | Nature::Picky | Nature::SilentAtFirst | Nature::GoneForAWhile => good,
        }
    }
}
