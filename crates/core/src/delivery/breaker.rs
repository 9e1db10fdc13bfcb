//! Whether an endpoint is called at all, how often, and when it is disabled.
//!
//! One per endpoint, asked by every channel that has something for it. It answers with a
//! [`Permit`] for some sends within a few seconds, so it is asked once a batch. What was sent on a
//! permit is reported back, together with what was not used.
//!
//! - **Open.** [`FAILURES`] failures in a row within [`WINDOW`] open it: nobody calls for a pause
//!   that grows from [`FIRST_PAUSE`], doubling, to [`LONGEST_PAUSE`]. The window is there because
//!   a breaker spares a receiver load: failures further apart are none, and a single ordered lane
//!   that tries one event four times in a quarter of an hour keeps a pace of its own.
//! - **Half open.** After the pause one channel may send one event. Delivered closes the breaker;
//!   anything else opens it for the next pause.
//! - **Quiet.** A `Retry-After` is obeyed by all channels.
//! - **Disabled.** By 410; by [`DISABLE_AFTER`] of nothing but failures, and no fewer than
//!   [`FAILURES`]; or by its owner. Events are held; only [`Breaker::enable`] ends it.
//! - **Rate.** A token bucket that holds one second's worth.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::schedule::obeyed;
use crate::time::{Millis, UnixMillis};

/// How many failures in a row open it.
pub const FAILURES: u32 = 10;
/// Within what time. With ten failures, that is one a minute or more.
pub const WINDOW: Millis = Millis::from_mins(10);
/// The first pause.
pub const FIRST_PAUSE: Millis = Millis::from_secs(5);
/// The longest pause: how late a receiver may be noticed that has come back.
pub const LONGEST_PAUSE: Millis = Millis::from_mins(5);
/// After how long without a single delivery it is disabled: five days, so that a long week-end is
/// survived.
pub const DISABLE_AFTER: Millis = Millis::from_hours(120);
/// How long a permit lasts. Short, since it is not called back when the breaker opens.
pub const LEASE: Millis = Millis::from_secs(10);
/// How many sends a permit allows at most.
pub const LEASE_SENDS: u32 = 64;
/// When a probe that was never reported counts as lost: its lease, and the longest time-out of a
/// request, 30 s, with some room.
pub const PROBE_LOST_AFTER: Millis = Millis::from_secs(45);
/// When to ask again while another channel probes: at least then, at most twice that.
const PROBE_WAIT: Millis = Millis::from_secs(5);

/// One endpoint's health. See the [module](self).
#[derive(Clone, Debug)]
pub struct Breaker {
    rate_per_s: Option<u32>,
    state: Health,
}

/// What is to be persisted of a breaker, after each report or answer, or once in a while: what is
/// lost is learned again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Failures since the last delivery.
    pub failures: u32,
    /// Those of them that count towards opening.
    pub in_window: u32,
    /// When the first of those was.
    pub window_from: UnixMillis,
    /// When the first failure since the last delivery was; `None` if there was none.
    pub failing_since: Option<UnixMillis>,
    /// Whether it lets sends through.
    pub gate: Gate,
    /// A receiver asked for quiet until then.
    pub quiet_until: UnixMillis,
    /// Why it is disabled; `None` if it is enabled.
    pub disabled: Option<Disabled>,
    /// Thousandths of sends that the rate allows now.
    pub milli_tokens: u64,
    /// When that was counted.
    pub counted_at: UnixMillis,
}

/// Whether a breaker lets sends through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gate {
    /// It does.
    #[default]
    Closed,
    /// It does not.
    Open {
        /// Until then.
        until: UnixMillis,
        /// How long this pause is.
        pause: Millis,
    },
    /// One probe is under way.
    HalfOpen {
        /// When it counts as lost.
        until: UnixMillis,
        /// How long the pause before it was.
        pause: Millis,
    },
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Disabled {
    /// It answered 410.
    Gone,
    /// It has failed for [`DISABLE_AFTER`] without a single delivery.
    Failing,
    /// Its owner disabled it.
    ByOwner,
}

/// What a channel is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Answer {
    /// It may send.
    Granted(Permit),
    /// Ask again then.
    Wait {
        /// When.
        until: UnixMillis,
    },
    /// Nothing is sent until the endpoint is enabled.
    Disabled(Disabled),
}

/// Leave to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Sends start before then.
    pub until: UnixMillis,
    /// So many are left.
    pub max: u32,
}

impl Permit {
    /// How many sends it still allows.
    pub fn left(&self, now: UnixMillis) -> u32 {
        if now < self.until { self.max } else { 0 }
    }

    /// Uses one send up; false if there is none left.
    #[must_use]
    pub fn take(&mut self, now: UnixMillis) -> bool {
        let some = self.left(now) > 0;
        if some {
            self.max = self.max.saturating_sub(1);
        }
        some
    }
}

impl Breaker {
    /// The most that a rate may be set to, in sends a second; beyond it leave the rate out.
    pub const MAX_RATE_PER_S: u32 = 10_000;

    /// A breaker as it was persisted, or with [`Health::default`] a new one. `rate_per_s` is 1 to
    /// [`Breaker::MAX_RATE_PER_S`] (others count as the nearest of these), or `None` for no limit.
    pub fn restore(rate_per_s: Option<u32>, state: Health) -> Self {
        let rate_per_s = rate_per_s.map(|rate| rate.clamp(1, Self::MAX_RATE_PER_S));
        Self { rate_per_s, state }
    }

    /// What is to be persisted.
    pub const fn health(&self) -> Health {
        self.state
    }

    /// A channel would like to send up to `want` events. `random` is any uniform 64 bits: it
    /// spreads the channels that come back after a pause.
    pub fn ask(&mut self, want: u32, now: UnixMillis, random: u64) -> Answer {
        if let Some(why) = self.state.disabled {
            return Answer::Disabled(why);
        }
        if now < self.state.quiet_until {
            let spread = part_of(FIRST_PAUSE, random);
            return Answer::Wait { until: self.state.quiet_until.plus(spread) };
        }
        let probe = match self.state.gate {
            Gate::Closed => None,
            Gate::Open { until, pause } if now < until => {
                return Answer::Wait { until: until.plus(part_of(Millis(pause.0 / 4), random)) };
            }
            Gate::HalfOpen { until, .. } if now < until => {
                let until = now.plus(PROBE_WAIT).plus(part_of(PROBE_WAIT, random));
                return Answer::Wait { until };
            }
            Gate::Open { pause, .. } | Gate::HalfOpen { pause, .. } => Some(pause),
        };
        let want = if probe.is_some() { 1 } else { want.clamp(1, LEASE_SENDS) };
        let max = match self.take_tokens(want, now) {
            Ok(max) => max,
            Err(until) => return Answer::Wait { until },
        };
        if let Some(pause) = probe {
            self.state.gate = Gate::HalfOpen { until: now.plus(PROBE_LOST_AFTER), pause };
        }
        Answer::Granted(Permit { until: now.plus(LEASE), max })
    }

    /// What became of sends on a permit, in the order in which they ended, and how many sends of
    /// it are given back unused.
    ///
    /// Returns why the endpoint is disabled, if this report did it.
    pub fn report(
        &mut self,
        outcomes: &[Outcome],
        unused: u32,
        now: UnixMillis,
    ) -> Option<Disabled> {
        self.give_back(unused);
        if let Gate::HalfOpen { pause, .. } = self.state.gate
            && outcomes.is_empty()
            && unused > 0
        {
            // The probe was not made: somebody else may.
            self.state.gate = Gate::Open { until: now, pause };
        }
        let before = self.state.disabled;
        for &outcome in outcomes {
            match outcome {
                Outcome::Delivered { .. } => self.delivered(),
                Outcome::Gone => self.disable(Disabled::Gone),
                failure => self.failed(failure, now),
            }
        }
        self.state.disabled.filter(|_| before.is_none())
    }

    /// Disables the endpoint; the first reason stays.
    pub fn disable(&mut self, why: Disabled) {
        self.state.disabled = self.state.disabled.or(Some(why));
    }

    /// Enables it, with a clean record.
    pub fn enable(&mut self) {
        let Health { milli_tokens, counted_at, .. } = self.state;
        self.state = Health { milli_tokens, counted_at, ..Health::default() };
    }

    fn delivered(&mut self) {
        self.state.failures = 0;
        self.state.in_window = 0;
        self.state.failing_since = None;
        self.state.gate = Gate::Closed;
    }

    fn failed(&mut self, failure: Outcome, now: UnixMillis) {
        let state = &mut self.state;
        if let Outcome::Throttled { retry_after, .. } = failure {
            state.quiet_until = state.quiet_until.max(now.plus(obeyed(retry_after)));
        }
        state.failures = state.failures.saturating_add(1);
        let since = *state.failing_since.get_or_insert(now);
        if now.since(since) >= DISABLE_AFTER && state.failures >= FAILURES {
            state.disabled = state.disabled.or(Some(Disabled::Failing));
        }
        match state.gate {
            Gate::Closed => {
                if state.in_window == 0 || now.since(state.window_from) > WINDOW {
                    state.in_window = 0;
                    state.window_from = now;
                }
                state.in_window = state.in_window.saturating_add(1);
                if state.in_window >= FAILURES {
                    state.gate = Gate::Open { until: now.plus(FIRST_PAUSE), pause: FIRST_PAUSE };
                }
            }
            Gate::HalfOpen { pause, .. } => {
                let pause = Millis(pause.0.saturating_mul(2)).min(LONGEST_PAUSE);
                state.gate = Gate::Open { until: now.plus(pause), pause };
            }
            // It started before the breaker opened.
            Gate::Open { .. } => {}
        }
    }

    /// Some of the sends that are wanted, or when there will be one.
    fn take_tokens(&mut self, want: u32, now: UnixMillis) -> Result<u32, UnixMillis> {
        let Some(rate) = self.rate_per_s else {
            return Ok(want);
        };
        let (rate, full) = (u64::from(rate), u64::from(rate).saturating_mul(1000));
        // A send a second is a thousandth of one a millisecond.
        let gained = now.since(self.state.counted_at).0.saturating_mul(rate);
        self.state.milli_tokens = self.state.milli_tokens.saturating_add(gained).min(full);
        self.state.counted_at = self.state.counted_at.max(now);
        let whole = u32::try_from(self.state.milli_tokens / 1000).unwrap_or(u32::MAX);
        let granted = want.min(whole);
        if granted == 0 {
            let missing = 1000u64.saturating_sub(self.state.milli_tokens);
            return Err(now.plus(Millis(missing.div_ceil(rate))));
        }
        let taken = u64::from(granted).saturating_mul(1000);
        self.state.milli_tokens = self.state.milli_tokens.saturating_sub(taken);
        Ok(granted)
    }

    fn give_back(&mut self, unused: u32) {
        if let Some(rate) = self.rate_per_s {
            let more = u64::from(unused).saturating_mul(1000);
            let full = u64::from(rate).saturating_mul(1000);
            self.state.milli_tokens = self.state.milli_tokens.saturating_add(more).min(full);
        }
    }
}

/// A uniform part of a span, the whole excluded.
fn part_of(span: Millis, random: u64) -> Millis {
    Millis((u128::from(random).saturating_mul(u128::from(span.0)) >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::{
        Answer, Breaker, DISABLE_AFTER, Disabled, FAILURES, Gate, Health, LEASE, LEASE_SENDS,
        PROBE_LOST_AFTER, Permit,
    };
    use crate::delivery::outcome::{Cause, Outcome};
    use crate::time::{Millis, UnixMillis};
    use proptest::prelude::{prop_assert, proptest};

    const OK: Outcome = Outcome::Delivered { status: 200 };
    const BAD: Outcome = Outcome::Failed { status: 500 };
    const T0: UnixMillis = UnixMillis(1_000_000_000_000);

    fn after(secs: u64) -> UnixMillis {
        T0.plus(Millis::from_secs(secs))
    }

    fn fresh() -> Breaker {
        Breaker::restore(None, Health::default())
    }

    /// Opened at T0.
    fn open() -> Breaker {
        let mut breaker = fresh();
        assert_eq!(breaker.report(&[BAD; 10], 0, T0), None);
        breaker
    }

    fn granted(answer: Answer) -> Option<u32> {
        match answer {
            Answer::Granted(permit) => Some(permit.max),
            _ => None,
        }
    }

    #[test]
    fn grants_a_lease_of_what_is_wanted_within_its_bound() {
        let mut breaker = fresh();
        let permit = Permit { until: T0.plus(LEASE), max: 7 };
        assert_eq!(breaker.ask(7, T0, 0), Answer::Granted(permit));
        assert_eq!(granted(breaker.ask(u32::MAX, T0, 0)), Some(LEASE_SENDS));
        assert_eq!(granted(breaker.ask(0, T0, 0)), Some(1));
    }

    #[test]
    fn a_permit_ends_with_its_sends_or_its_time() {
        let mut permit = Permit { until: after(10), max: 2 };
        assert!(permit.take(T0) && permit.take(T0) && !permit.take(T0));
        let mut permit = Permit { until: after(10), max: 2 };
        assert!(permit.take(UnixMillis(after(10).0 - 1)));
        assert!(!permit.take(after(10)));
        assert_eq!((permit.left(T0), permit.left(after(10))), (1, 0));
    }

    #[test]
    fn ten_failures_in_a_row_open_it_and_nine_do_not() {
        let mut breaker = fresh();
        assert_eq!(breaker.report(&[BAD; 9], 0, T0), None);
        assert_eq!(granted(breaker.ask(1, T0, 0)), Some(1));
        assert_eq!(breaker.report(&[OK, BAD, BAD], 0, T0), None);
        assert_eq!(granted(breaker.ask(1, T0, 0)), Some(1));
        assert_eq!(open().ask(1, T0, 0), Answer::Wait { until: after(5) });
    }

    #[test]
    fn failures_far_apart_do_not_open_it() {
        let mut breaker = fresh();
        for n in 0..30 {
            // Nine within ten minutes.
            assert_eq!(breaker.report(&[BAD], 0, after(n * 75)), None);
            assert_eq!(breaker.health().gate, Gate::Closed);
        }
    }

    #[test]
    fn one_channel_probes_while_the_others_wait() {
        let mut breaker = open();
        assert_eq!(granted(breaker.ask(50, after(5), 0)), Some(1));
        assert_eq!(breaker.ask(50, after(5), 0), Answer::Wait { until: after(10) });
        // A delivery closes it for all.
        assert_eq!(breaker.report(&[OK], 0, after(6)), None);
        assert_eq!(granted(breaker.ask(50, after(6), 0)), Some(50));
    }

    #[test]
    fn the_pause_doubles_up_to_five_minutes() {
        let mut breaker = open();
        let mut now = T0;
        for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
            let Answer::Wait { until } = breaker.ask(1, now, 0) else { panic!("it is open") };
            assert_eq!(until, now.plus(Millis::from_secs(pause)));
            now = until;
            assert_eq!(granted(breaker.ask(1, now, 0)), Some(1));
            assert_eq!(breaker.report(&[BAD], 0, now), None);
        }
    }

    #[test]
    fn a_probe_that_is_lost_or_not_made_does_not_block_the_next() {
        let mut breaker = open();
        assert_eq!(granted(breaker.ask(1, after(5), 0)), Some(1));
        let lost = after(5).plus(PROBE_LOST_AFTER);
        assert_eq!(granted(breaker.ask(1, UnixMillis(lost.0 - 1), 0)), None);
        assert_eq!(granted(breaker.ask(1, lost, 0)), Some(1));
        assert_eq!(breaker.report(&[], 1, lost), None);
        assert_eq!(granted(breaker.ask(1, lost, 0)), Some(1));
    }

    #[test]
    fn channels_do_not_all_come_back_at_once() {
        let mut breaker = open();
        // A quarter of the pause of 5 s, the end excluded.
        let latest = UnixMillis(after(5).0 + 1_249);
        assert_eq!(breaker.ask(1, T0, u64::MAX), Answer::Wait { until: latest });
    }

    #[test]
    fn a_wish_for_quiet_goes_for_all_channels() {
        let mut breaker = fresh();
        let retry_after = Some(Millis::from_secs(30));
        let throttled = Outcome::Throttled { status: 429, retry_after };
        assert_eq!(breaker.report(&[throttled], 0, T0), None);
        assert_eq!(breaker.ask(1, after(29), 0), Answer::Wait { until: after(30) });
        assert_eq!(granted(breaker.ask(1, after(30), 0)), Some(1));
    }

    #[test]
    fn gone_disables_at_once_and_enabling_starts_afresh() {
        let mut breaker = open();
        assert_eq!(breaker.report(&[Outcome::Gone], 0, T0), Some(Disabled::Gone));
        assert_eq!(breaker.report(&[Outcome::Gone], 0, T0), None);
        assert_eq!(breaker.ask(1, after(9_999), 0), Answer::Disabled(Disabled::Gone));
        breaker.enable();
        assert_eq!(granted(breaker.ask(3, T0, 0)), Some(3));
        assert_eq!(breaker.health(), Health::default());
        breaker.disable(Disabled::ByOwner);
        assert_eq!(breaker.ask(1, T0, 0), Answer::Disabled(Disabled::ByOwner));
    }

    #[test]
    fn five_days_of_nothing_but_failures_disable_it() {
        let end = T0.plus(DISABLE_AFTER);
        let mut breaker = fresh();
        for hour in 0..120 {
            assert_eq!(breaker.report(&[BAD], 0, after(hour * 3_600)), None);
        }
        assert_eq!(breaker.report(&[BAD], 0, UnixMillis(end.0 - 1)), None);
        assert_eq!(breaker.report(&[BAD], 0, end), Some(Disabled::Failing));
    }

    #[test]
    fn one_delivery_or_too_few_failures_keep_it_enabled() {
        let end = T0.plus(DISABLE_AFTER);
        let mut breaker = fresh();
        assert_eq!(breaker.report(&[BAD; 9], 0, T0), None);
        assert_eq!(breaker.report(&[OK], 0, after(1)), None);
        assert_eq!(breaker.report(&[BAD; 20], 0, end), None);
        let mut breaker = fresh();
        assert_eq!(breaker.report(&[BAD; FAILURES as usize - 2], 0, T0), None);
        assert_eq!(breaker.report(&[BAD], 0, end), None);
        assert_eq!(breaker.report(&[BAD], 0, end), Some(Disabled::Failing));
    }

    #[test]
    fn a_rate_lets_through_one_seconds_worth_and_then_its_pace() {
        let mut breaker = Breaker::restore(Some(4), Health::default());
        assert_eq!(granted(breaker.ask(50, T0, 0)), Some(4));
        // One send takes 250 ms.
        assert_eq!(breaker.ask(1, T0, 0), Answer::Wait { until: UnixMillis(T0.0 + 250) });
        let soon = UnixMillis(T0.0 + 249);
        assert_eq!(breaker.ask(1, soon, 0), Answer::Wait { until: UnixMillis(T0.0 + 250) });
        assert_eq!(granted(breaker.ask(9, UnixMillis(T0.0 + 500), 0)), Some(2));
        // What is given back can be had again.
        assert_eq!(breaker.report(&[OK], 1, UnixMillis(T0.0 + 500)), None);
        assert_eq!(granted(breaker.ask(9, UnixMillis(T0.0 + 500), 0)), Some(1));
    }

    #[test]
    fn is_the_same_after_a_restart() {
        let mut breaker = open();
        assert_eq!(breaker.report(&[Outcome::Unreachable(Cause::Dns)], 0, T0), None);
        let text = serde_json::to_string(&breaker.health()).unwrap();
        let health: Health = serde_json::from_str(&text).unwrap();
        assert_eq!(health, breaker.health());
        let mut restored = Breaker::restore(None, health);
        assert_eq!(restored.ask(1, T0, 0), breaker.ask(1, T0, 0));
        // A field that an older version did not write takes its default.
        assert_eq!(serde_json::from_str::<Health>("{}").unwrap(), Health::default());
    }

    proptest! {
        #[test]
        fn never_grants_more_than_its_rate(
            rate in 1u32..200,
            asks in proptest::collection::vec((0u64..3_000, 0u32..100), 1..80),
        ) {
            let mut breaker = Breaker::restore(Some(rate), Health::default());
            let (mut now, mut sent) = (T0, 0u64);
            for (step, want) in asks {
                now = now.plus(Millis(step));
                match breaker.ask(want, now, 0) {
                    Answer::Granted(permit) => {
                        prop_assert!(permit.max > 0);
                        sent += u64::from(permit.max);
                    }
                    Answer::Wait { until } => prop_assert!(until > now),
                    Answer::Disabled(_) => prop_assert!(false),
                }
                let allowed = u64::from(rate) * (1_000 + now.since(T0).0) / 1_000;
                prop_assert!(sent <= allowed, "{sent} > {allowed}");
            }
        }
    }
}
