//! State events on their way to a callback address: in order, at least once.
//!
//! There is one [`Outbox`] for each receiver and channel: order is kept within a channel, and no
//! channel holds up another. The rows are the shell's, on disk; those of an outbox are numbered from
//! 1 without gaps, and a row is there before its event counts as told. [`Outboxes`] says which is
//! sent next when there are many.
//!
//! What is not acknowledged is sent again. Receivers know a repetition by its id.

mod many;

use super::backoff::Backoff;
use super::settings::settings;
use crate::delivery::outcome::Outcome;
use crate::time::{Millis, UnixMillis};

pub use self::many::{OutboxKey, Outboxes};

settings! {
    /// How events are sent.
    pub struct OutboxSettings {
        /// How many requests are under way at once, to all receivers.
        requests = 64 in 1..=1_024,
        /// How many of them to one receiver.
        requests_each = 16 in 1..=1_024,
        /// How long an answer may take, connecting included.
        answer_ms = 15_000 in 1_000..=60_000,
        /// The pause after the first failure.
        retry_first_ms = 1_000 in 100..=60_000,
        /// The longest pause, before jitter.
        retry_longest_ms = 60_000 in 1_000..=3_600_000,
        /// How far chance shifts a pause either way.
        retry_jitter_percent = 20 in 0..=50,
        /// How often in a row a receiver may refuse an event before it is put aside, so that one
        /// that it cannot read does not keep back all others of its channel.
        refusals = 20 in 1..=1_000,
        /// How long an event is kept that was not delivered.
        keep_ms = 86_400_000 in 60_000..=604_800_000,
    }
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// It may work later; with the pause that the receiver asked for.
    Passing {
        /// `Retry-After`.
        retry_after: Option<Millis>,
    },
    /// The receiver does not want this event.
    Refused,
}

impl Failure {
    /// What an outcome is here; none if the receiver has the event. A redirect is the address's
    /// fault and not the event's: it passes once somebody sets the address right.
    pub const fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Delivered { .. } => None,
            Outcome::Gone | Outcome::Refused { .. } => Some(Self::Refused),
            Outcome::Throttled { retry_after, .. } => Some(Self::Passing { retry_after }),
            Outcome::Redirected { .. } | Outcome::Failed { .. } | Outcome::Unreachable(_) => {
                Some(Self::Passing { retry_after: None })
            }
        }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Step {
    /// Send this row.
    Send(u64),
    /// There is no answer to this row: give the request up.
    Abandon(u64),
    /// Mark this row as put aside; it is not sent again by itself.
    PutAside(u64),
}

/// What one channel's rows are to be done with, for one receiver. See the [module](self).
#[derive(Clone, Debug)]
pub struct Outbox {
    settings: OutboxSettings,
    /// The last row that needs nothing any more.
    settled: u64,
    /// The last row.
    last: u64,
    /// Since when the row after the settled ones has been under way.
    under_way: Option<UnixMillis>,
    not_before: UnixMillis,
    failures: u32,
    refusals: u64,
    put_aside: Option<u64>,
}

impl Outbox {
    /// As the rows are: the last one that needs nothing any more, and the last one.
    pub const fn restore(settings: OutboxSettings, settled: u64, last: u64) -> Self {
        Self {
            settings,
            settled,
            last: if last < settled { settled } else { last },
            under_way: None,
            not_before: UnixMillis(0),
            failures: 0,
            refusals: 0,
            put_aside: None,
        }
    }

    /// There are rows up to this one.
    pub const fn extend(&mut self, last: u64) {
        if last > self.last {
            self.last = last;
        }
    }

    /// The receiver has this row, which may go. An answer to any but the one that is under way
    /// comes too late, and changes nothing.
    pub fn acknowledged(&mut self, row: u64) {
        if self.sent() == Some(row) {
            self.settle(row);
            self.not_before = UnixMillis(0);
        }
    }

    /// The request for this row failed. `random` is any uniform 64 bits.
    pub fn failed(&mut self, row: u64, failure: Failure, now: UnixMillis, random: u64) {
        if self.sent() != Some(row) {
            return;
        }
        self.under_way = None;
        self.failures = self.failures.saturating_add(1);
        let pause = self.backoff().after(self.failures, random);
        let asked = match failure {
            Failure::Passing { retry_after } => {
                self.refusals = 0;
                retry_after.unwrap_or_default().0.min(self.settings.retry_longest_ms)
            }
            Failure::Refused => {
                self.refusals = self.refusals.saturating_add(1);
                0
            }
        };
        self.not_before = now.plus(pause.max(Millis(asked)));
        if self.refusals >= self.settings.refusals {
            self.put_aside = Some(row);
            self.settle(row);
            self.not_before = now;
        }
    }

    /// Whatever failed: the next try need not wait.
    pub const fn hurry(&mut self) {
        self.not_before = UnixMillis(0);
        self.failures = 0;
    }

    /// Rows up to this one are older than [`OutboxSettings::keeps_since`] and go. How many that are, and
    /// whether one of them was under way: its request is to be given up.
    pub fn expire(&mut self, up_to: u64) -> (u64, bool) {
        let up_to = up_to.min(self.last);
        let gone = up_to.saturating_sub(self.settled);
        let is_cut = gone > 0 && self.under_way.is_some();
        if gone > 0 {
            self.settle(up_to);
        }
        (gone, is_cut)
    }

    /// The next thing to do; to be asked until it is nothing.
    pub fn poll(&mut self, now: UnixMillis, random: u64) -> Option<Step> {
        if let Some(row) = self.put_aside.take() {
            return Some(Step::PutAside(row));
        }
        let next = self.settled.saturating_add(1);
        match self.under_way {
            Some(_) if self.answer_due().is_some_and(|due| now >= due) => {
                self.failed(next, Failure::Passing { retry_after: None }, now, random);
                Some(Step::Abandon(next))
            }
            None if now >= self.not_before && self.waiting() > 0 => {
                self.under_way = Some(now);
                Some(Step::Send(next))
            }
            _ => None,
        }
    }

    /// When to poll again at the latest.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        if self.put_aside.is_some() {
            return Some(UnixMillis(0));
        }
        self.answer_due().or_else(|| (self.waiting() > 0).then_some(self.not_before))
    }

    /// The last row that needs nothing any more: it and those before it may be deleted, but for
    /// those that were put aside.
    pub const fn settled(&self) -> u64 {
        self.settled
    }

    /// The last row.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// How many rows wait or are under way.
    pub const fn waiting(&self) -> u64 {
        self.last.saturating_sub(self.settled)
    }

    /// How often in a row it failed.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The row that is under way.
    pub fn sent(&self) -> Option<u64> {
        self.under_way.map(|_| self.settled.saturating_add(1))
    }

    const fn settle(&mut self, up_to: u64) {
        self.settled = up_to;
        self.under_way = None;
        self.failures = 0;
        self.refusals = 0;
    }

    fn answer_due(&self) -> Option<UnixMillis> {
        self.under_way.map(|since| since.plus(Millis(self.settings.answer_ms)))
    }

    const fn backoff(&self) -> Backoff {
        Backoff {
            first: Millis(self.settings.retry_first_ms),
            most: Millis(self.settings.retry_longest_ms),
            jitter_percent: self.settings.retry_jitter_percent,
        }
    }
}

impl OutboxSettings {
    /// Rows from before that go.
    pub const fn keeps_since(&self, now: UnixMillis) -> UnixMillis {
        now.minus(Millis(self.keep_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Outbox, OutboxSettings, Step};
    use crate::delivery::outcome::{Cause, Outcome};
    use crate::time::{Millis, UnixMillis};
    use std::vec::Vec;

    const MIDDLE: u64 = u64::MAX / 2;
    const PASSING: Failure = Failure::Passing { retry_after: None };

    fn outbox(rows: u64) -> Outbox {
        Outbox::restore(OutboxSettings::default(), 0, rows)
    }

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(1_000_000 + ms)
    }

    fn steps(outbox: &mut Outbox, ms: u64) -> Vec<Step> {
        core::iter::from_fn(|| outbox.poll(at(ms), MIDDLE)).collect()
    }

    #[test]
    fn one_at_a_time_in_order() {
        let mut outbox = outbox(2);
        outbox.extend(3);
        outbox.extend(1);
        for row in 1..=3 {
            assert_eq!(steps(&mut outbox, row), [Step::Send(row)]);
            outbox.acknowledged(row);
        }
        assert_eq!(steps(&mut outbox, 9), []);
        assert_eq!((outbox.wake_at(), outbox.waiting()), (None, 0));
    }

    #[test]
    fn what_failed_is_sent_again_after_growing_pauses() {
        let mut outbox = outbox(2);
        let mut now = 0;
        for pause in [1_000, 2_000, 4_000] {
            assert_eq!(steps(&mut outbox, now), [Step::Send(1)]);
            outbox.failed(1, PASSING, at(now), MIDDLE);
            assert_eq!(steps(&mut outbox, now + pause - 1), []);
            now += pause;
            assert_eq!(outbox.wake_at(), Some(at(now)));
        }
        assert_eq!(steps(&mut outbox, now), [Step::Send(1)]);
        let asked = Failure::Passing { retry_after: Some(Millis(30_000)) };
        outbox.failed(1, asked, at(now), MIDDLE);
        assert_eq!(outbox.wake_at(), Some(at(now + 30_000)));
    }

    #[test]
    fn no_answer_is_a_failure_and_one_that_comes_later_changes_nothing() {
        let mut outbox = outbox(2);
        assert_eq!(steps(&mut outbox, 0), [Step::Send(1)]);
        assert_eq!(outbox.wake_at(), Some(at(15_000)));
        assert_eq!(steps(&mut outbox, 15_000), [Step::Abandon(1)]);
        outbox.acknowledged(1);
        assert_eq!(outbox.settled(), 0);
        assert_eq!(steps(&mut outbox, 16_000), [Step::Send(1)]);
        outbox.failed(2, PASSING, at(16_000), MIDDLE);
        assert_eq!(outbox.sent(), Some(1));
    }

    #[test]
    fn an_outcome_is_a_failure_of_the_event_or_of_the_moment() {
        let of = |status| Failure::of(Outcome::from_status(status, Some(Millis(7))));
        assert_eq!((of(200), of(204)), (None, None));
        for refused in [400, 401, 403, 404, 409, 410, 422] {
            assert_eq!(of(refused), Some(Failure::Refused), "{refused}");
        }
        for passing in [301, 302, 307, 308, 500, 501, 599] {
            assert_eq!(of(passing), Some(PASSING), "{passing}");
        }
        for patient in [429, 502, 503, 504] {
            let asked = Failure::Passing { retry_after: Some(Millis(7)) };
            assert_eq!(of(patient), Some(asked), "{patient}");
        }
        assert_eq!(Failure::of(Outcome::Unreachable(Cause::Tls)), Some(PASSING));
    }

    #[test]
    fn what_is_refused_again_and_again_is_put_aside() {
        let mut outbox = outbox(2);
        let mut now = 0;
        for _ in 0..20 {
            now += 120_000;
            assert_eq!(steps(&mut outbox, now), [Step::Send(1)]);
            outbox.failed(1, Failure::Refused, at(now), MIDDLE);
        }
        assert_eq!(steps(&mut outbox, now), [Step::PutAside(1), Step::Send(2)]);
    }

    #[test]
    fn a_failure_of_another_kind_begins_the_refusals_anew() {
        let mut outbox = outbox(1);
        for turn in 1..=60 {
            assert_eq!(steps(&mut outbox, turn * 120_000), [Step::Send(1)]);
            let failure = if turn % 20 == 0 { PASSING } else { Failure::Refused };
            outbox.failed(1, failure, at(turn * 120_000), MIDDLE);
        }
        assert_eq!(outbox.settled(), 0);
    }

    #[test]
    fn what_is_too_old_goes_even_under_way() {
        let mut outbox = outbox(3);
        assert_eq!(steps(&mut outbox, 0), [Step::Send(1)]);
        assert_eq!(outbox.expire(2), (2, true));
        assert_eq!(outbox.expire(2), (0, false));
        assert_eq!(steps(&mut outbox, 0), [Step::Send(3)]);
        assert_eq!(outbox.expire(99), (1, true));
        assert_eq!(outbox.waiting(), 0);
        let settings = OutboxSettings::default();
        assert_eq!(settings.keeps_since(UnixMillis(86_400_001)), UnixMillis(1));
    }
}
