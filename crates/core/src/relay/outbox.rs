//! State events on their way to one receiver: in order, at least once.
//!
//! The rows are the shell's, on disk; they are numbered from 1 without gaps, and a row is there
//! before its event counts as told. This says which to send next. Two kinds of receivers: a gateway
//! over a connection, where many are on their way and the newest acknowledged says it for all
//! before it; and a callback address, one request at a time.
//!
//! What is not acknowledged is sent again, from the first one on. Receivers know a repetition by
//! its id.

use super::backoff::Backoff;
use super::settings::settings;
use crate::time::{Millis, UnixMillis};

settings! {
    /// How events are sent.
    pub struct OutboxSettings {
        /// How many may be on their way to a gateway.
        window = 64 in 1..=1_024,
        /// How long an answer may take.
        answer_ms = 15_000 in 1_000..=60_000,
        /// The pause after the first failure.
        retry_first_ms = 1_000 in 100..=60_000,
        /// The longest pause, before jitter.
        retry_longest_ms = 60_000 in 1_000..=3_600_000,
        /// How far chance shifts a pause either way.
        retry_jitter_percent = 20 in 0..=50,
        /// How often in a row a callback address may refuse an event before it is put aside, so that
        /// one that it cannot read does not keep back all others.
        refusals = 20 in 1..=1_000,
        /// How long an event is kept that was not delivered.
        keep_ms = 86_400_000 in 60_000..=604_800_000,
    }
}

/// Whom the events go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receiver {
    /// A gateway, over a connection.
    Gateway,
    /// An address that is called.
    Callback,
}

/// What became of a request, or of a connection.
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

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Step {
    /// Send this row.
    Send(u64),
    /// There is no answer: give up the request or the connection. Nothing is under way any more.
    Abandon,
    /// Mark this row as put aside; it is not sent again by itself.
    PutAside(u64),
}

/// What a receiver's rows are to be done with. See the [module](self).
#[derive(Clone, Debug)]
pub struct Outbox {
    settings: OutboxSettings,
    receiver: Receiver,
    /// The last row that needs nothing any more.
    settled: u64,
    /// The last row that is under way.
    sent: u64,
    /// The last row.
    last: u64,
    is_connected: bool,
    not_before: UnixMillis,
    /// Since when something has been under way without an answer.
    waiting_since: Option<UnixMillis>,
    failures: u32,
    refusals: u64,
    put_aside: Option<u64>,
    expired: u64,
}

impl Outbox {
    /// As the rows are: the last one that needs nothing any more, and the last one.
    pub const fn restore(
        settings: OutboxSettings,
        receiver: Receiver,
        settled: u64,
        last: u64,
    ) -> Self {
        Self {
            settings,
            receiver,
            settled,
            sent: settled,
            last: if last < settled { settled } else { last },
            // An address is there at all times.
            is_connected: matches!(receiver, Receiver::Callback),
            not_before: UnixMillis(0),
            waiting_since: None,
            failures: 0,
            refusals: 0,
            put_aside: None,
            expired: 0,
        }
    }

    /// The number of a new row.
    pub const fn append(&mut self) -> u64 {
        self.last = self.last.saturating_add(1);
        self.last
    }

    /// A connection to the gateway stands. `settled` is what the gateway says it has: what it has
    /// is not sent again.
    pub fn connected(&mut self, settled: u64, now: UnixMillis) {
        self.is_connected = true;
        self.sent = self.settled;
        self.waiting_since = None;
        self.acknowledged(settled, now);
    }

    /// The connection is gone; another one is made by whoever made this one.
    pub fn disconnected(&mut self) {
        self.is_connected = self.receiver == Receiver::Callback;
        self.sent = self.settled;
        self.waiting_since = None;
    }

    /// The receiver has all rows up to this one: they may go. What was never sent cannot be
    /// acknowledged.
    pub fn acknowledged(&mut self, up_to: u64, now: UnixMillis) {
        let up_to = up_to.min(self.last);
        if up_to <= self.settled {
            return;
        }
        self.settled = up_to;
        self.sent = self.sent.max(up_to);
        self.waiting_since = (self.sent > self.settled).then_some(now);
        self.failures = 0;
        self.refusals = 0;
        self.not_before = UnixMillis(0);
    }

    /// A request failed, or the gateway refused. `random` is any uniform 64 bits.
    pub fn failed(&mut self, failure: Failure, now: UnixMillis, random: u64) {
        if self.sent == self.settled {
            return;
        }
        let head = self.settled.saturating_add(1);
        self.sent = self.settled;
        self.waiting_since = None;
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
            self.put_aside = Some(head);
            self.settled = head;
            self.sent = head;
            self.failures = 0;
            self.refusals = 0;
            self.not_before = now;
        }
    }

    /// Rows up to this one are older than [`Self::keeps_since`] and go.
    pub fn expire(&mut self, up_to: u64) {
        let up_to = up_to.min(self.last);
        if up_to > self.settled {
            self.expired = self.expired.saturating_add(up_to - self.settled);
            self.settled = up_to;
            self.sent = self.sent.max(up_to);
        }
    }

    /// The next thing to do; to be asked until it is nothing.
    pub fn poll(&mut self, now: UnixMillis, random: u64) -> Option<Step> {
        if let Some(row) = self.put_aside.take() {
            return Some(Step::PutAside(row));
        }
        if self.answer_due().is_some_and(|due| now >= due) {
            self.failed(Failure::Passing { retry_after: None }, now, random);
            self.is_connected = self.receiver == Receiver::Callback;
            return Some(Step::Abandon);
        }
        let under_way = self.sent.saturating_sub(self.settled);
        if !self.is_connected || now < self.not_before || under_way >= self.window() {
            return None;
        }
        if self.sent >= self.last {
            return None;
        }
        self.sent = self.sent.saturating_add(1);
        self.waiting_since = self.waiting_since.or(Some(now));
        Some(Step::Send(self.sent))
    }

    /// When to poll again at the latest.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        let waits = self.is_connected && self.sent == self.settled && self.sent < self.last;
        [self.answer_due(), waits.then_some(self.not_before)].into_iter().flatten().min()
    }

    /// The last row that needs nothing any more: it and those before it may be deleted, but for
    /// those that were put aside.
    pub const fn settled(&self) -> u64 {
        self.settled
    }

    /// How many rows wait or are under way.
    pub const fn waiting(&self) -> u64 {
        self.last.saturating_sub(self.settled)
    }

    /// How many expired without having been delivered, since the start.
    pub const fn expired(&self) -> u64 {
        self.expired
    }

    /// Rows from before that go.
    pub const fn keeps_since(&self, now: UnixMillis) -> UnixMillis {
        now.minus(Millis(self.settings.keep_ms))
    }

    const fn window(&self) -> u64 {
        match self.receiver {
            Receiver::Gateway => self.settings.window,
            Receiver::Callback => 1,
        }
    }

    fn answer_due(&self) -> Option<UnixMillis> {
        self.waiting_since.map(|since| since.plus(Millis(self.settings.answer_ms)))
    }

    const fn backoff(&self) -> Backoff {
        Backoff {
            first: Millis(self.settings.retry_first_ms),
            most: Millis(self.settings.retry_longest_ms),
            jitter_percent: self.settings.retry_jitter_percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Outbox, OutboxSettings, Receiver, Step};
    use crate::time::{Millis, UnixMillis};
    use std::vec::Vec;

    const MIDDLE: u64 = u64::MAX / 2;
    const PASSING: Failure = Failure::Passing { retry_after: None };

    fn outbox(receiver: Receiver, rows: u64) -> Outbox {
        Outbox::restore(OutboxSettings::default(), receiver, 0, rows)
    }

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(1_000_000 + ms)
    }

    fn steps(outbox: &mut Outbox, ms: u64) -> Vec<Step> {
        core::iter::from_fn(|| outbox.poll(at(ms), MIDDLE)).collect()
    }

    #[test]
    fn an_address_gets_one_at_a_time_in_order() {
        let mut outbox = outbox(Receiver::Callback, 2);
        assert_eq!(outbox.append(), 3);
        for row in 1..=3 {
            assert_eq!(steps(&mut outbox, row), [Step::Send(row)]);
            outbox.acknowledged(row, at(row));
        }
        assert_eq!(steps(&mut outbox, 9), []);
        assert_eq!((outbox.wake_at(), outbox.waiting()), (None, 0));
    }

    #[test]
    fn what_failed_is_sent_again_after_growing_pauses() {
        let mut outbox = outbox(Receiver::Callback, 2);
        let mut now = 0;
        for pause in [1_000, 2_000, 4_000] {
            assert_eq!(steps(&mut outbox, now), [Step::Send(1)]);
            outbox.failed(PASSING, at(now), MIDDLE);
            assert_eq!(steps(&mut outbox, now + pause - 1), []);
            now += pause;
            assert_eq!(outbox.wake_at(), Some(at(now)));
        }
        assert_eq!(steps(&mut outbox, now), [Step::Send(1)]);
        let asked = Failure::Passing { retry_after: Some(Millis(30_000)) };
        outbox.failed(asked, at(now), MIDDLE);
        assert_eq!(outbox.wake_at(), Some(at(now + 30_000)));
    }

    #[test]
    fn no_answer_is_a_failure() {
        let mut outbox = outbox(Receiver::Callback, 1);
        assert_eq!(steps(&mut outbox, 0), [Step::Send(1)]);
        assert_eq!(outbox.wake_at(), Some(at(15_000)));
        assert_eq!(steps(&mut outbox, 15_000), [Step::Abandon]);
        assert_eq!(steps(&mut outbox, 16_000), [Step::Send(1)]);
    }

    #[test]
    fn a_gateway_gets_many_and_after_a_cut_what_it_does_not_have() {
        let mut outbox = outbox(Receiver::Gateway, 200);
        assert_eq!(steps(&mut outbox, 0), []);
        outbox.connected(0, at(0));
        let first: Vec<_> = (1..=64).map(Step::Send).collect();
        assert_eq!(steps(&mut outbox, 0), first);
        outbox.acknowledged(10, at(5));
        assert_eq!(steps(&mut outbox, 5).len(), 10);
        outbox.disconnected();
        assert_eq!(steps(&mut outbox, 6), []);
        // It had taken more than it could say.
        outbox.connected(30, at(100));
        assert_eq!(steps(&mut outbox, 100).first(), Some(&Step::Send(31)));
        assert_eq!(outbox.settled(), 30);
        // The answer is due 15 s after the last sign.
        outbox.acknowledged(31, at(1_000));
        assert_eq!(steps(&mut outbox, 15_999), [Step::Send(95)]);
        assert_eq!(steps(&mut outbox, 16_000), [Step::Abandon]);
        assert_eq!(steps(&mut outbox, 60_000), []);
    }

    #[test]
    fn what_is_refused_again_and_again_is_put_aside() {
        let mut outbox = outbox(Receiver::Callback, 2);
        let mut now = 0;
        for _ in 0..20 {
            now += 120_000;
            assert_eq!(steps(&mut outbox, now), [Step::Send(1)]);
            outbox.failed(Failure::Refused, at(now), MIDDLE);
        }
        assert_eq!(steps(&mut outbox, now), [Step::PutAside(1), Step::Send(2)]);
    }

    #[test]
    fn what_is_acknowledged_too_far_or_twice_changes_nothing() {
        let mut outbox = outbox(Receiver::Gateway, 3);
        outbox.connected(99, at(0));
        assert_eq!(outbox.settled(), 3);
        assert_eq!(outbox.append(), 4);
        assert_eq!(steps(&mut outbox, 0), [Step::Send(4)]);
        outbox.acknowledged(1, at(1));
        assert_eq!(outbox.waiting(), 1);
        outbox.expire(9);
        assert_eq!((outbox.waiting(), outbox.expired()), (0, 1));
        assert_eq!(outbox.keeps_since(UnixMillis(86_400_001)), UnixMillis(1));
    }
}
