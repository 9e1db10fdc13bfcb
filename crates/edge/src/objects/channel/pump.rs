//! Lanes driven: whatever changes, [`Inner::kick`] polls every lane until it sleeps, and carries
//! out what it says. Sends run on their own and kick again when they end, so no lane waits for
//! another.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use livegate_core::delivery::lane::{
    Hold, Lane, MAX_WAITING, READ_LIMIT, Snapshot, Step, Verdict, Why,
};
use livegate_core::id::{Seq, SubscriptionId};
use livegate_core::time::{Millis, UnixMillis};

use super::plan::{Named, Plan, PlanLine};
use super::recent::Known;
use super::{GUARD, Inner};
use crate::compile::Target;
use crate::error::{Problem, Result};
use crate::js;
use crate::model::Format;
use crate::send::{self, Origin, Parcel, Sent};
use crate::wire::{Attempt, Status};

/// A subscription's lane, and where its events go.
pub(super) struct Line {
    pub(super) lane: RefCell<Lane>,
    /// It was made by an older version: it is made anew when no send of it is under way.
    stale: Cell<bool>,
}

impl Line {
    pub(super) fn is_sending(&self) -> bool {
        self.lane.borrow().in_flight() > 0
    }

    pub(super) fn owes(&self) -> bool {
        let lane = self.lane.borrow();
        lane.lag() > 0 || lane.waiting() > 0
    }
}

/// How often the lanes read on before others get their turn.
const READS_A_TURN: usize = 16;

impl Inner {
    /// Writes how far the lanes have read, and goes on once others had their turn.
    fn kick_again(self: &Rc<Self>) -> Result<()> {
        self.persist()?;
        let inner = Rc::clone(self);
        js::spawn(async move {
            js::sleep(Millis(0)).await;
            inner.kick();
        });
        Ok(())
    }

    /// Polls every lane until it sleeps.
    pub(super) fn kick(self: &Rc<Self>) {
        if let Err(error) = self.drive() {
            // The rows are the truth; the alarm takes them up again.
            worker::console_error!("delivering: {error}");
            self.lines.borrow_mut().clear();
            self.busy.set(true);
            self.arm(js::now().plus(GUARD));
        }
    }

    fn drive(self: &Rc<Self>) -> Result<()> {
        let now = js::now();
        if self.identity.borrow().is_none() {
            return Ok(());
        }
        let Some(plan) = self.current_plan(now) else { return Ok(()) };
        if self.driven.get() != plan.version {
            self.go_by(&plan)?;
            self.driven.set(plan.version);
        }
        let mut wake: Option<UnixMillis> = None;
        let mut persist = false;
        let mut busy = false;
        let mut reads = 0;
        // Whoever comes first takes the slots that are free: each in turn.
        let turn = self.turn.get().checked_rem(plan.lines.len()).unwrap_or(0);
        self.turn.set(turn + 1);
        let lines = plan.lines.iter().enumerate();
        for (index, planned) in lines.clone().skip(turn).chain(lines.take(turn)) {
            let line = self.line(planned)?;
            if line.stale.get() {
                busy = true;
                continue;
            }
            line.lane.borrow_mut().appended(self.last.get());
            loop {
                let step = self.poll(&line, planned, now);
                match step {
                    Step::Send { seq, attempt, why } => {
                        self.start(planned, &line, seq, attempt, why)?;
                    }
                    // A long log that few events of are wanted is not read in one go: others wait.
                    Step::Read { .. } if reads == READS_A_TURN => {
                        self.kick_again()?;
                        busy = true;
                        break;
                    }
                    Step::Read { after, limit } => {
                        reads += 1;
                        self.read(&plan, index, &line, after, limit)?;
                    }
                    // What is behind it should not wait for the disk longer than the disk takes.
                    Step::Persist if line.lane.borrow().lag() > 0 => self.persist()?,
                    Step::Persist => {
                        persist = true;
                        busy = true;
                        break;
                    }
                    Step::DisableEndpoint => {
                        // The breaker was told of the 410 and has the tenant disable it.
                        line.lane.borrow_mut().hold(Hold::Disabled);
                    }
                    Step::Sleep { until } => {
                        wake = earliest(wake, until);
                        let enabled = planned.target.endpoint.enabled;
                        busy |= line.is_sending() || (line.owes() && enabled && until.is_none());
                        break;
                    }
                    _ => break,
                }
            }
        }
        self.busy.set(busy);
        if persist || !self.attempts.borrow().is_empty() {
            self.persist_soon(now)?;
        }
        self.note_backlog(now);
        if let Some(at) = wake {
            self.wake_at(at);
        }
        Ok(())
    }

    /// Takes up a new version: lanes of subscriptions that are no more go, the others are made
    /// anew by its settings. One with a send under way follows when that has ended.
    fn go_by(self: &Rc<Self>, plan: &Plan) -> Result<()> {
        self.persist()?;
        let before = self.store.fact("driven_at")?.map_or(0, |row| row.int(0));
        self.driven_before.set(UnixMillis(before));
        self.store.set_fact("driven_at", js::now().0)?;
        // One whose endpoint cannot be used just now keeps its place.
        let mut owed: Option<Seq> = None;
        for id in self.store.lanes()? {
            if !plan.subscriptions.contains(&id) {
                if self.managed.borrow().contains(&id) {
                    let from = self.store.owed_from(&id)?;
                    owed = match (owed, from) {
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                }
                self.store.drop_lane(&id)?;
            }
        }
        // What an address was not sent yet, the one gets that counts in its place.
        let end = self.last.get().next();
        self.begins.set(owed.unwrap_or(end).min(end));
        let managed = plan.lines.iter().filter(|line| line.subscription.managed.is_some());
        *self.managed.borrow_mut() = managed.map(|line| line.subscription.id.to_string()).collect();
        self.lines.borrow_mut().retain(|id, line| {
            let mut lane = line.lane.borrow_mut();
            lane.release();
            line.stale.set(true);
            plan.subscriptions.contains(&id.to_string()) && lane.in_flight() > 0
        });
        self.permits.borrow_mut().forget_waits();
        Ok(())
    }

    /// A lane's next step, as far as its endpoint and the slots allow.
    fn poll(self: &Rc<Self>, line: &Line, planned: &PlanLine, now: UnixMillis) -> Step {
        let mut lane = line.lane.borrow_mut();
        let endpoint = planned.target.endpoint.id;
        if !planned.target.endpoint.enabled {
            lane.hold(Hold::Disabled);
            return lane.poll(now);
        }
        if lane.ready(now) > 0 {
            if self.slots.borrow().free_for(endpoint) == 0 {
                // Whoever ends next kicks.
                return Step::Sleep { until: None };
            }
            match self.leave(endpoint, now) {
                Ok(()) => {}
                Err(Some(until)) => lane.hold(Hold::Until(until)),
                Err(None) => {
                    self.exchange(&planned.target);
                    return Step::Sleep { until: None };
                }
            }
        }
        lane.poll(now)
    }

    /// The lane of a subscription: in memory, as it was persisted, or new.
    pub(super) fn line(self: &Rc<Self>, planned: &PlanLine) -> Result<Rc<Line>> {
        let id = planned.subscription.id;
        let known = self.lines.borrow().get(&id).cloned();
        if let Some(line) = known {
            if !line.stale.get() || line.is_sending() {
                return Ok(line);
            }
            self.persist()?;
            self.lines.borrow_mut().remove(&id);
        }
        let config = if planned.subscription.ordered {
            planned.target.lanes.ordered.clone()
        } else {
            planned.target.lanes.unordered.clone()
        };
        let log_end = self.last.get();
        let snapshot = if let Some(snapshot) = self.store.lane(&id.to_string(), log_end)? {
            snapshot
        } else {
            // It begins with what was accepted after it was made, however late that is seen. One that
            // was there before, and counts in this channel only now, begins now, or with what others
            // owed in whose place it comes: all before went where it was to go.
            let created = planned.subscription.created_at;
            let is_managed = planned.subscription.managed.is_some();
            let cursor = if is_managed && created < self.driven_before.get() {
                Seq(self.begins.get().0.saturating_sub(1))
            } else {
                self.store.last_before(created)?
            };
            self.store.start_lane(&id.to_string(), cursor)?;
            Snapshot { cursor, log_end, ..Snapshot::default() }
        };
        let restored = RefCell::new(Lane::restore(config, snapshot));
        let line = Rc::new(Line { lane: restored, stale: Cell::new(false) });
        self.lines.borrow_mut().insert(id, Rc::clone(&line));
        Ok(line)
    }

    fn read(&self, plan: &Plan, index: usize, line: &Line, after: Seq, limit: u32) -> Result<()> {
        let limit = limit.min(READ_LIMIT);
        let events = match self.recent.borrow().after(after, limit as usize) {
            Some(events) => events,
            None => self
                .store
                .after(after, u64::from(limit))?
                .into_iter()
                .map(|stored| Rc::new(Known::new(stored)))
                .collect(),
        };
        let up_to = events.last().map_or(after, |last| last.stored.seq);
        let matching: Vec<Seq> = events
            .iter()
            .filter(|known| plan.is_for(known, index))
            .map(|known| known.stored.seq)
            .collect();
        line.lane.borrow_mut().feed(up_to, &matching);
        Ok(())
    }

    fn known(&self, seq: Seq) -> Result<Option<Rc<Known>>> {
        if let Some(known) = self.recent.borrow().one(seq) {
            return Ok(Some(known));
        }
        Ok(self.store.one(seq)?.map(|stored| Rc::new(Known::new(stored))))
    }

    /// Starts one send.
    fn start(
        self: &Rc<Self>,
        planned: &PlanLine,
        line: &Rc<Line>,
        seq: Seq,
        attempt: u32,
        why: Why,
    ) -> Result<()> {
        let now = js::now();
        let target = Rc::clone(&planned.target);
        let endpoint = target.endpoint.id;
        let Some(known) = self.known(seq)? else {
            // Retention was faster than a replay.
            line.lane.borrow_mut().expired(seq);
            return Ok(());
        };
        self.permits.borrow_mut().use_one(endpoint, now);
        self.slots.borrow_mut().start(endpoint);
        self.moved_at.set(now);
        let (inner, line) = (Rc::clone(self), Rc::clone(line));
        let subscription = planned.subscription.id;
        let named = planned.named.clone();
        js::spawn(async move {
            let sent = inner.send(&target, &named, &known, now).await;
            inner.ended(&target, &line, subscription, seq, attempt, why, now, sent);
        });
        Ok(())
    }

    async fn send(&self, target: &Target, named: &Named, known: &Known, now: UnixMillis) -> Sent {
        let Ok(identity) = self.identity() else {
            return defect("a channel without a name sends");
        };
        let id = identity.id_of(known.stored.seq);
        let cached = known.cloud_event.borrow().clone();
        let parcel = match (target.endpoint.format, cached) {
            (Format::CloudEvents, Some(body)) => Some(Parcel {
                id,
                content_type: livegate_core::event::cloudevents::CONTENT_TYPE,
                body: body.to_vec().into(),
            }),
            _ => Self::parcel(known, id, target, named),
        };
        match parcel {
            Some(parcel) => send::send(&self.env, identity.tenant, target, &parcel, now).await,
            None => defect("a stored event cannot be read any more"),
        }
    }

    /// What an endpoint is sent of an event, as text.
    pub(super) async fn body_for(&self, seq: Seq, endpoint: &str) -> Result<Option<String>> {
        let plan = self.any_plan().await?;
        let is_it = |line: &&PlanLine| line.subscription.endpoint.to_string() == endpoint;
        let (Some(known), Some(line)) = (self.known(seq)?, plan.lines.iter().find(is_it)) else {
            return Ok(None);
        };
        let id = self.identity()?.id_of(seq);
        let parcel = Self::parcel(&known, id, &line.target, &line.named);
        Ok(parcel.map(|parcel| String::from_utf8_lossy(&parcel.body).into_owned()))
    }

    fn parcel(
        known: &Known,
        id: livegate_core::id::EventId,
        target: &Target,
        named: &Named,
    ) -> Option<Parcel<'static>> {
        let stored = &known.stored;
        let parcel = stored.with_event(|event, dialect| {
            let origin = Origin {
                event,
                id,
                seq: stored.seq,
                source: stored.head.source,
                accepted_at: stored.at,
                dialect,
                raw: &stored.body,
                index: stored.head.index as usize,
                late: stored.head.late,
            };
            let parcel = origin.parcel(target, &named.app_id, &named.subscription)?;
            if target.endpoint.format == Format::CloudEvents {
                *known.cloud_event.borrow_mut() = Some(Rc::from(parcel.body.as_ref()));
            }
            let body = parcel.body.into_owned().into();
            Some(Parcel { id, content_type: parcel.content_type, body })
        });
        parcel.flatten()
    }

    #[expect(clippy::too_many_arguments, reason = "what a send was, told to where it counts")]
    fn ended(
        self: &Rc<Self>,
        target: &Rc<Target>,
        line: &Line,
        subscription: SubscriptionId,
        seq: Seq,
        attempt: u32,
        why: Why,
        at: UnixMillis,
        sent: Sent,
    ) {
        let now = js::now();
        let endpoint = target.endpoint.id;
        let Sent { outcome, duration } = sent;
        self.slots.borrow_mut().end(endpoint, outcome);
        self.moved_at.set(now);
        let verdict = line.lane.borrow_mut().completed(seq, outcome, now, js::random_u64());
        let (status, next_at) = match verdict {
            Verdict::Delivered => (Status::Delivered, None),
            Verdict::RetryAt(next) => (Status::Retrying, Some(next)),
            Verdict::Held => (Status::Held, None),
            Verdict::Expired => (Status::Expired, None),
            _ => (Status::Parked, None),
        };
        self.attempts.borrow_mut().push(Attempt {
            seq,
            subscription,
            endpoint,
            number: attempt,
            status,
            code: outcome.status(),
            error: (!outcome.is_delivered()).then(|| outcome.code().as_str().to_owned()),
            duration_ms: duration.0,
            at,
            next_at,
            replay: why == Why::Replay,
            events: None,
        });
        if self.permits.borrow_mut().note(endpoint, outcome) {
            self.exchange(target);
        }
        self.kick();
    }

    /// Queues events once more, for whom they match or who is named; how many deliveries that is.
    pub(super) async fn replay(
        self: &Rc<Self>,
        seqs: &[Seq],
        (endpoint, subscription): (Option<&str>, Option<&str>),
    ) -> Result<u64> {
        // Whoever asks may have made the endpoint a moment ago.
        self.doubt_plan();
        self.fetch_plan().await?;
        let plan = self.any_plan().await?;
        let mut queued = 0;
        let is_named = |planned: &PlanLine| {
            endpoint.is_none_or(|id| id == planned.target.endpoint.id.to_string())
                && subscription.is_none_or(|id| id == planned.subscription.id.to_string())
        };
        // All of them or none: a lane that is full takes them when it has delivered some.
        for planned in plan.lines.iter().filter(|planned| is_named(planned)) {
            let waiting = self.line(planned)?.lane.borrow().waiting();
            if waiting.saturating_add(seqs.len()) > MAX_WAITING {
                let detail = "too many events wait for another attempt in this channel already";
                return Err(Problem::new(503, "delivery.replay_full", detail).into());
            }
        }
        for (index, planned) in plan.lines.iter().enumerate() {
            if !is_named(planned) {
                continue;
            }
            let line = self.line(planned)?;
            for &seq in seqs {
                let Some(known) = self.known(seq)? else { continue };
                if plan.is_for(&known, index) && line.lane.borrow_mut().replay(seq).is_ok() {
                    queued += 1;
                }
            }
        }
        // On disk before it is promised.
        self.persist()?;
        self.arm(js::now().plus(GUARD));
        self.kick();
        Ok(queued)
    }
}

fn earliest(one: Option<UnixMillis>, other: Option<UnixMillis>) -> Option<UnixMillis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn defect(what: &str) -> Sent {
    worker::console_error!("{what}");
    let outcome = livegate_core::delivery::outcome::Outcome::Unreachable(
        livegate_core::delivery::outcome::Cause::Other,
    );
    Sent { outcome, duration: Millis(0) }
}
