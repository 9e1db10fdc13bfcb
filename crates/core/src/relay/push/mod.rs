//! One push: one stream to one destination, connected again and again until it ends.
//!
//! A [`Push`] is told what happens ([`Input`]) and says what to do ([`Output`]); docs/spec/relay.md
//! §1 has its states and times. Whoever drives it keeps one rule: after each [`Push::handle`] it takes
//! every output, in order, and comes back with [`Input::Tick`] at [`Push::wake_at`] at the latest.
//!
//! What holds, however it is driven:
//! - the states that are reported follow each other as [`PushState::may_follow`] has it;
//! - nothing is reported after [`PushState::End`];
//! - it is [`PushState::Connected`] only while the stream arrives: what the kernel took and the
//!   destination did not acknowledge does not count ([`Progress`]).

mod cause;
mod refusal;
mod state;
#[cfg(test)]
mod tests;
mod watch;

use alloc::collections::VecDeque;

pub use self::cause::{Cause, Step, Weight};
pub use self::refusal::refusal;
pub use self::state::PushState;
pub use self::watch::Progress;
use self::watch::{Flow, Watch};
use super::backoff::Backoff;
use super::settings::settings;
use crate::time::{Millis, UnixMillis};

/// Beyond this without movement nothing is called pushing, whatever the machine was told.
const TRUTH: Millis = Millis::from_secs(10);

settings! {
    /// The times of a push.
    pub struct PushSettings {
        /// How long looking up the host and connecting may take.
        connect_ms = 10_000 in 1_000..=60_000,
        /// How long the TLS handshake may take.
        tls_ms = 10_000 in 1_000..=60_000,
        /// How long RTMP's handshake may take.
        handshake_ms = 10_000 in 1_000..=60_000,
        /// How long the answer to `connect` may take.
        app_ms = 10_000 in 1_000..=60_000,
        /// How long the answer to `publish` may take. There are servers that ask another one first
        /// and refuse after 8 s: sooner, a refusal would look like silence.
        publish_ms = 15_000 in 1_000..=60_000,
        /// How long nothing may move before the push is no more called connected. With a report a
        /// second, the most is noticed within 10 s.
        stall_ms = 8_000 in 2_000..=9_000,
        /// After how many bytes an acknowledgement is asked for (RTMP 1.0 §5.4.4); 0 for never.
        ack_window_bytes = 500_000 in 0..=100_000_000,
        /// The pause before the second try.
        first_pause_ms = 1_000 in 100..=60_000,
        /// The longest pause between tries, before jitter.
        longest_pause_ms = 30_000 in 1_000..=600_000,
        /// How far chance shifts a pause either way.
        jitter_percent = 20 in 0..=50,
        /// How long it has to be connected for the pauses to begin anew.
        stable_ms = 30_000 in 1_000..=600_000,
        /// How often in a row credentials may be refused before the push ends.
        auth_tries = 1 in 1..=1_000,
        /// How often in a row a host may be unknown, or an application refused, before the push ends.
        stubborn_tries = 10 in 1..=1_000,
        /// How long it is tried without success before it ends; 0 for ever.
        give_up_ms = 0 in 0..=604_800_000,
        /// How long a connection is kept when the source is gone.
        hold_ms = 60_000 in 0..=86_400_000,
    }
}

impl PushSettings {
    const fn backoff(&self) -> Backoff {
        Backoff {
            first: Millis(self.first_pause_ms),
            most: Millis(self.longest_pause_ms),
            jitter_percent: self.jitter_percent,
        }
    }

    const fn longest(&self, step: Step) -> Millis {
        Millis(match step {
            Step::Tcp => self.connect_ms,
            Step::Tls => self.tls_ms,
            Step::Handshake => self.handshake_ms,
            Step::Connect => self.app_ms,
            Step::Publish => self.publish_ms,
        })
    }
}

/// What a connection is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Plain,
    /// TLS over TCP.
    Tls,
}

/// The number of a connection, from 1; what is told of any but the newest is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u32);

/// Whether there is something to push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Somebody publishes, or the pull gives.
    There,
    /// Nobody does.
    Gone,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// The source came or went.
    Source(Media),
    /// A step of a connection is done; the one after it has begun.
    Reached(Connection, Step),
    /// How far the stream has come on a connection: once a second or oftener after `publish`.
    Progress(Connection, Progress),
    /// The destination acknowledged so many bytes, modulo 2^32.
    Acknowledged(Connection, u32),
    /// A connection is over, and why.
    Closed(Connection, Cause),
    /// The push is to end.
    Stop(Cause),
    /// Time passed.
    Tick,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Output {
    /// Connect, and publish. The queue begins anew.
    Connect(Connection),
    /// Take leave (`deleteStream`), and close.
    Close(Connection),
    /// Close without a word: nobody listens.
    Abort(Connection),
    /// Go on at the next key frame, what a decoder needs first: there was a gap.
    SkipToKeyFrame(Connection),
    /// A new state, to be told to whoever asked.
    Report(Report),
}

/// A new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Which report of this push it is, from 1, without gaps.
    pub number: u64,
    /// When.
    pub at: UnixMillis,
    /// The state.
    pub state: PushState,
    /// Why; with `Disconnected` and `End` always.
    pub cause: Option<Cause>,
    /// Which try it is, from 1; 0 before the first.
    pub attempt: u32,
}

impl Report {
    /// One that was kept.
    pub const fn new(
        number: u64,
        at: UnixMillis,
        state: PushState,
        cause: Option<Cause>,
        attempt: u32,
    ) -> Self {
        Self { number, at, state, cause, attempt }
    }
}

/// How a push is doing, for whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The state that was reported last.
    pub state: Option<PushState>,
    /// Since when.
    pub since: UnixMillis,
    /// Why it is not connected.
    pub cause: Option<Cause>,
    /// Which try it is.
    pub attempt: u32,
    /// When the next one is made, where one waits.
    pub next_try: Option<UnixMillis>,
    /// When some of the stream last arrived on the present connection.
    pub moved_at: Option<UnixMillis>,
    /// How far the present connection has come.
    pub progress: Progress,
    /// Whether the stream arrives now.
    pub is_pushing: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No connection; the next is made at this time, if there is a source then.
    Waiting {
        until: UnixMillis,
    },
    /// A connection is made.
    Opening {
        step: Step,
        deadline: UnixMillis,
    },
    /// The stream may be sent.
    Open {
        watch: Watch,
        connected_at: Option<UnixMillis>,
    },
    Ended,
}

/// One push. See the [module](self).
#[derive(Clone, Debug)]
pub struct Push {
    settings: PushSettings,
    transport: Transport,
    phase: Phase,
    state: Option<PushState>,
    since: UnixMillis,
    cause: Option<Cause>,
    connection: Connection,
    /// The newest time that was handed in: a clock that goes back stands still here.
    now: UnixMillis,
    source: Media,
    source_gone_at: UnixMillis,
    attempt: u32,
    /// Failures in a row, for the pauses.
    failures: u32,
    /// Those of a cause that ends the push if it comes too often.
    stubborn: u64,
    failing_since: Option<UnixMillis>,
    /// After how many bytes the destination acknowledges what it reads: there are some that never do.
    /// One that did on the last connection is taken for one that does.
    acknowledges: Option<u64>,
    reported: u64,
    outputs: VecDeque<Output>,
}

impl Push {
    /// A new push: it waits for its source.
    pub const fn new(settings: PushSettings, transport: Transport, now: UnixMillis) -> Self {
        Self {
            settings,
            transport,
            phase: Phase::Waiting { until: now },
            state: None,
            since: now,
            cause: None,
            connection: Connection(0),
            now,
            source: Media::Gone,
            source_gone_at: now,
            attempt: 0,
            failures: 0,
            stubborn: 0,
            failing_since: None,
            acknowledges: None,
            reported: 0,
            outputs: VecDeque::new(),
        }
    }

    /// A push whose host was started again: the last of its reports is known. What was connected, or
    /// was about to be, is reported as disconnected.
    pub fn resume(
        settings: PushSettings,
        transport: Transport,
        last: Report,
        now: UnixMillis,
    ) -> Self {
        let mut push = Self::new(settings, transport, now);
        push.state = Some(last.state);
        push.since = last.at;
        push.cause = last.cause;
        push.attempt = last.attempt;
        push.reported = last.number;
        match last.state {
            PushState::End => push.phase = Phase::Ended,
            PushState::Disconnected => push.wait(Millis(settings.first_pause_ms)),
            _ => {
                push.report(PushState::Disconnected, Some(Cause::HostRestarted));
                push.wait(Millis(settings.first_pause_ms));
            }
        }
        push
    }

    /// Takes what happened. `random` is any uniform 64 bits.
    pub fn handle(&mut self, input: Input, now: UnixMillis, random: u64) {
        self.now = self.now.max(now);
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        match input {
            Input::Source(media) => self.source(media),
            Input::Reached(connection, step) if connection == self.connection => self.reached(step),
            Input::Progress(connection, progress) if connection == self.connection => {
                self.progress(progress);
            }
            Input::Acknowledged(connection, sequence) if connection == self.connection => {
                if let Phase::Open { watch, .. } = &mut self.phase {
                    watch.acknowledged(sequence, self.settings.ack_window_bytes, self.now);
                }
            }
            Input::Closed(connection, cause)
                if connection == self.connection && self.has_connection() =>
            {
                self.failed(cause, random);
            }
            Input::Stop(cause) => {
                self.close();
                self.end(cause);
            }
            _ => {}
        }
        self.settle(random);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back at the latest.
    pub fn wake_at(&self) -> Option<UnixMillis> {
        let stall = Millis(self.settings.stall_ms);
        let own = match self.phase {
            Phase::Waiting { until } => (self.source == Media::There).then_some(until),
            Phase::Opening { deadline, .. } => Some(deadline),
            Phase::Open { watch, .. } => {
                let flow = if self.state == Some(PushState::Disconnected) {
                    watch.stuck_at(stall)
                } else {
                    Some(watch.changes_at(stall))
                };
                [flow, self.hold_ends()].into_iter().flatten().min()
            }
            Phase::Ended => None,
        };
        [own, self.gives_up_at()].into_iter().flatten().min()
    }

    /// How it is doing.
    pub fn status(&self, now: UnixMillis) -> Status {
        let watch = match &self.phase {
            Phase::Open { watch, .. } => Some(watch),
            _ => None,
        };
        let moved_at = watch.filter(|watch| watch.has_moved()).map(Watch::moved_at);
        Status {
            state: self.state,
            since: self.since,
            cause: self.cause,
            attempt: self.attempt,
            next_try: match self.phase {
                Phase::Waiting { until } => Some(until).filter(|_| self.source == Media::There),
                _ => None,
            },
            moved_at,
            progress: watch.map(Watch::last).unwrap_or_default(),
            is_pushing: self.state == Some(PushState::Connected)
                && moved_at.is_some_and(|moved| now.since(moved) < TRUTH),
        }
    }

    /// The state that was reported last.
    pub const fn state(&self) -> Option<PushState> {
        self.state
    }

    /// Why it is not connected.
    pub const fn cause(&self) -> Option<Cause> {
        self.cause
    }

    fn source(&mut self, media: Media) {
        if media == self.source {
            return;
        }
        self.source = media;
        if media == Media::There {
            // While there was nothing to push, nothing failed.
            let absent = self.now.since(self.source_gone_at);
            self.failing_since = self.failing_since.map(|since| since.plus(absent));
        }
        match media {
            Media::Gone => self.source_gone_at = self.now,
            Media::There if matches!(self.phase, Phase::Open { .. }) => {
                self.outputs.push_back(Output::SkipToKeyFrame(self.connection));
            }
            Media::There => {}
        }
    }

    fn reached(&mut self, step: Step) {
        let Phase::Opening { step: awaited, .. } = self.phase else { return };
        if step < awaited {
            return;
        }
        let next = match step {
            Step::Tcp if self.transport == Transport::Tls => Step::Tls,
            Step::Tcp | Step::Tls => Step::Handshake,
            Step::Handshake => Step::Connect,
            Step::Connect => Step::Publish,
            Step::Publish => {
                let watch = Watch::new(self.acknowledges, self.now);
                self.phase = Phase::Open { watch, connected_at: None };
                return;
            }
        };
        self.await_step(next);
    }

    fn await_step(&mut self, step: Step) {
        let deadline = self.now.plus(self.settings.longest(step));
        self.phase = Phase::Opening { step, deadline };
    }

    fn progress(&mut self, progress: Progress) {
        let Phase::Open { watch, connected_at } = &mut self.phase else { return };
        let moved = watch.progress(progress, self.settings.ack_window_bytes, self.now);
        // What arrives of a source that is gone was on its way: no reason to call it connected.
        let is_news = self.state != Some(PushState::Connected) && self.source == Media::There;
        if !moved || !is_news {
            return;
        }
        *connected_at = Some(self.now);
        self.failing_since = None;
        if self.state == Some(PushState::Disconnected) {
            self.report(PushState::Reconnecting, None);
        }
        self.report(PushState::Connected, None);
    }

    /// Does what is due.
    fn settle(&mut self, random: u64) {
        if self.gives_up_at().is_some_and(|at| self.now >= at) {
            self.close();
            self.failed(Cause::GivenUp, random);
            return;
        }
        match self.phase {
            Phase::Waiting { until } if self.source == Media::There && self.now >= until => {
                self.connect();
            }
            Phase::Opening { step, deadline } if self.now >= deadline => {
                self.outputs.push_back(Output::Abort(self.connection));
                self.failed(Cause::NoAnswer(step), random);
            }
            Phase::Open { watch, .. } => {
                match watch.flow(Millis(self.settings.stall_ms), self.now) {
                    Flow::Stuck => {
                        self.outputs.push_back(Output::Abort(self.connection));
                        self.failed(Cause::Wedged, random);
                        return;
                    }
                    Flow::Silent => self.disconnected(Cause::SourceGone),
                    Flow::Moving => {}
                }
                if self.hold_ends().is_some_and(|at| self.now >= at) {
                    self.close();
                    self.disconnected(Cause::SourceGone);
                    self.wait(Millis(0));
                }
            }
            _ => {}
        }
    }

    fn connect(&mut self) {
        self.connection.0 = self.connection.0.saturating_add(1);
        self.attempt = self.attempt.saturating_add(1);
        self.report(
            if self.state.is_none() { PushState::Connecting } else { PushState::Reconnecting },
            None,
        );
        self.await_step(Step::Tcp);
        self.outputs.push_back(Output::Connect(self.connection));
    }

    /// The connection is no more, or cannot be.
    fn failed(&mut self, cause: Cause, random: u64) {
        if let Phase::Open { connected_at: Some(at), .. } = self.phase
            && self.now.since(at).0 >= self.settings.stable_ms
        {
            self.failures = 0;
            self.stubborn = 0;
            self.attempt = 0;
        }
        if let Phase::Open { watch, .. } = self.phase {
            self.acknowledges = watch.acknowledges();
        }
        self.failures = self.failures.saturating_add(1);
        self.stubborn = match cause.weight() {
            Weight::Stubborn => self.stubborn.saturating_add(1),
            _ => 0,
        };
        self.failing_since = self.failing_since.or(Some(self.now));
        self.disconnected(cause);
        self.cause = Some(cause);
        let tries = match cause {
            Cause::AuthRefused => self.settings.auth_tries,
            _ => self.settings.stubborn_tries,
        };
        let is_last = cause.weight() == Weight::Permanent || self.stubborn >= tries;
        if is_last {
            self.end(cause);
        } else {
            self.wait(self.settings.backoff().after(self.failures, random));
        }
    }

    fn wait(&mut self, pause: Millis) {
        self.phase = Phase::Waiting { until: self.now.plus(pause) };
    }

    fn end(&mut self, cause: Cause) {
        self.report(PushState::End, Some(cause));
        self.phase = Phase::Ended;
    }

    /// Takes leave of a connection, if there is one.
    fn close(&mut self) {
        if self.has_connection() {
            self.outputs.push_back(Output::Close(self.connection));
        }
    }

    fn disconnected(&mut self, cause: Cause) {
        if self.state.is_some_and(|state| PushState::Disconnected.may_follow(Some(state))) {
            self.report(PushState::Disconnected, Some(cause));
        }
    }

    fn report(&mut self, state: PushState, cause: Option<Cause>) {
        self.reported = self.reported.saturating_add(1);
        self.state = Some(state);
        self.since = self.now;
        self.cause = cause;
        let (number, at, attempt) = (self.reported, self.now, self.attempt);
        self.outputs.push_back(Output::Report(Report { number, at, state, cause, attempt }));
    }

    const fn has_connection(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. } | Phase::Open { .. })
    }

    /// When a connection whose source is gone is given up.
    fn hold_ends(&self) -> Option<UnixMillis> {
        let is_kept = matches!(self.phase, Phase::Open { .. }) && self.source == Media::Gone;
        is_kept.then(|| self.source_gone_at.plus(Millis(self.settings.hold_ms)))
    }

    /// When it has been tried for as long as it may. While there is nothing to push, nothing is
    /// tried.
    fn gives_up_at(&self) -> Option<UnixMillis> {
        let is_tried = self.settings.give_up_ms > 0 && self.source == Media::There;
        let since = self.failing_since.filter(|_| is_tried && !matches!(self.phase, Phase::Ended));
        since.map(|since| since.plus(Millis(self.settings.give_up_ms)))
    }
}
