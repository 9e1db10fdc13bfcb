//! Lanes driven: whatever changes, [`Inner::kick`] polls every lane until it sleeps, and carries
//! out what it says. Sends run on their own and kick again when they end, so no lane waits for
//! another.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use livegate_core::delivery::breaker::Permit;
use livegate_core::delivery::lane::{Hold, Lane, READ_LIMIT, Snapshot, Step, Verdict, Why};
use livegate_core::id::{EndpointId, Seq, SubscriptionId};
use livegate_core::time::{Millis, UnixMillis};

use super::plan::{Plan, PlanLine};
use super::recent::Known;
use super::{GUARD, Inner};
use crate::compile::Target;
use crate::error::Result;
use crate::js;
use crate::model::{Format, Secrecy};
use crate::objects::endpoint::{self, Report, Told};
use crate::objects::{ObjectRef, call, tenant};
use crate::send::{self, Origin, Parcel, Sent};
use crate::wire::{Attempt, Status};

/// How long what was delivered may stay unwritten: what a crash repeats at most, beside what is in
/// flight. Longer would save writes; an idle lane waits for nothing.
const PERSIST_WITHIN: Millis = Millis(100);

/// How many attempts are gathered before they are written.
const ATTEMPTS_A_BATCH: usize = 64;

/// How many sends a channel asks leave for at a time.
const WANT: u32 = 64;

/// How soon an endpoint's object that did not answer is asked again.
const ASK_AGAIN: Millis = Millis::from_secs(1);

/// The longest timer; what is later is the alarm's.
const LONGEST_TIMER: Millis = Millis::from_secs(30);

/// From when on undelivered events count as a backlog that the tenant should know of.
const BACKLOG_AFTER: Millis = Millis::from_secs(10);

/// A subscription's lane, and where its events go.
pub(super) struct Line {
    pub(super) lane: RefCell<Lane>,
    /// It was made by an older version: it is made anew when no send of it is under way.
    stale: Cell<bool>,
}

impl Line {
    fn is_sending(&self) -> bool {
        self.lane.borrow().in_flight() > 0
    }

    fn owes(&self) -> bool {
        let lane = self.lane.borrow();
        lane.lag() > 0 || lane.waiting() > 0
    }
}

/// What a channel knows of its endpoints' leave to send.
#[derive(Debug, Default)]
pub(super) struct Permits {
    of: BTreeMap<EndpointId, Leave>,
}

#[derive(Debug, Default)]
struct Leave {
    permit: Option<Permit>,
    wait_until: Option<UnixMillis>,
    asking: bool,
    report: Vec<Report>,
    failed: bool,
    /// The report is to be told at once.
    urgent: bool,
}

impl Inner {
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
        for (index, planned) in plan.lines.iter().enumerate() {
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
                        self.start(&plan, index, &line, seq, attempt, why)?;
                    }
                    Step::Read { after, limit } => self.read(&plan, index, &line, after, limit)?,
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
        // One whose endpoint cannot be used just now keeps its place.
        for id in self.store.lanes()? {
            if !plan.subscriptions.contains(&id) {
                self.store.drop_lane(&id)?;
            }
        }
        self.lines.borrow_mut().retain(|id, line| {
            let mut lane = line.lane.borrow_mut();
            lane.release();
            line.stale.set(true);
            plan.subscriptions.contains(&id.to_string()) && lane.in_flight() > 0
        });
        self.permits.borrow_mut().of.values_mut().for_each(|leave| leave.wait_until = None);
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

    /// Whether an endpoint may be sent one more: if not, until when not, or that it is to be asked.
    fn leave(&self, endpoint: EndpointId, now: UnixMillis) -> Result<(), Option<UnixMillis>> {
        let mut permits = self.permits.borrow_mut();
        let leave = permits.of.entry(endpoint).or_default();
        if let Some(until) = leave.wait_until
            && now < until
        {
            return Err(Some(until));
        }
        match &leave.permit {
            Some(permit) if permit.left(now) > 0 => Ok(()),
            _ => Err(None),
        }
    }

    /// Tells an endpoint's object what came of its permit, and asks for another.
    fn exchange(self: &Rc<Self>, target: &Rc<Target>) {
        let id = target.endpoint.id;
        let (report, unused) = {
            let mut permits = self.permits.borrow_mut();
            let leave = permits.of.entry(id).or_default();
            if std::mem::replace(&mut leave.asking, true) {
                return;
            }
            leave.failed = false;
            leave.urgent = false;
            let unused = leave.permit.take().map_or(0, |permit| permit.max);
            (std::mem::take(&mut leave.report), unused)
        };
        let (inner, target) = (Rc::clone(self), Rc::clone(target));
        self.spawn(async move {
            let rate_per_s = target.endpoint.rate_per_s;
            let told = inner.ask_leave(id, rate_per_s, report.clone(), unused).await;
            let disabled = matches!(told, Ok(Told::Disabled));
            let failed = told.is_err();
            let urgent = {
                let mut permits = inner.permits.borrow_mut();
                let leave = permits.of.entry(id).or_default();
                leave.asking = false;
                match told {
                    Ok(Told::Go { until, max }) => {
                        leave.permit = Some(Permit { until, max });
                        leave.wait_until = None;
                    }
                    Ok(Told::Wait { until }) => leave.wait_until = Some(until),
                    Ok(Told::Disabled) => {
                        leave.wait_until = Some(js::now().plus(Millis::from_mins(1)));
                    }
                    Err(error) => {
                        worker::console_error!("asking an endpoint: {error}");
                        leave.wait_until = Some(js::now().plus(ASK_AGAIN));
                        // It was not heard, perhaps: better told twice than a 410 never.
                        leave.urgent |= !report.is_empty();
                        leave.report.splice(0..0, report);
                    }
                }
                leave.urgent
            };
            if disabled {
                inner.doubt_plan();
            }
            inner.kick();
            if urgent {
                // What ended meanwhile, or was not heard; a lane that is held would never ask.
                if failed {
                    js::sleep(ASK_AGAIN).await;
                }
                inner.exchange(&target);
            }
        });
    }

    async fn ask_leave(
        &self,
        endpoint: EndpointId,
        rate_per_s: Option<u32>,
        report: Vec<Report>,
        unused: u32,
    ) -> Result<Told> {
        let ask = endpoint::Ask::Exchange {
            tenant: self.identity()?.tenant,
            endpoint,
            rate_per_s,
            report,
            unused,
            want: WANT,
        };
        call(&self.env, &ObjectRef::Endpoint(endpoint), "/", &ask).await
    }

    /// The lane of a subscription: in memory, as it was persisted, or new.
    fn line(self: &Rc<Self>, planned: &PlanLine) -> Result<Rc<Line>> {
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
        let snapshot = match self.store.lane(&id.to_string(), log_end)? {
            Some(snapshot) => snapshot,
            None => {
                // It begins with what was accepted after it was made, however late that is seen.
                let cursor = self.store.last_before(planned.subscription.created_at)?;
                self.store.start_lane(&id.to_string(), cursor)?;
                Snapshot { cursor, log_end, ..Snapshot::default() }
            }
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
        plan: &Rc<Plan>,
        index: usize,
        line: &Rc<Line>,
        seq: Seq,
        attempt: u32,
        why: Why,
    ) -> Result<()> {
        let Some(planned) = plan.lines.get(index) else { return Ok(()) };
        let now = js::now();
        let target = Rc::clone(&planned.target);
        let endpoint = target.endpoint.id;
        let Some(known) = self.known(seq)? else {
            // Retention was faster than a replay.
            line.lane.borrow_mut().expired(seq);
            return Ok(());
        };
        if let Some(leave) = self.permits.borrow_mut().of.get_mut(&endpoint)
            && let Some(permit) = &mut leave.permit
        {
            let _ = permit.take(now);
        }
        self.slots.borrow_mut().start(endpoint);
        let (inner, plan, line) = (Rc::clone(self), Rc::clone(plan), Rc::clone(line));
        let subscription = planned.subscription.id;
        self.spawn(async move {
            let sent = inner.send(&plan, &target, &known, now).await;
            inner.ended(&target, &line, subscription, seq, attempt, why, now, sent);
        });
        Ok(())
    }

    async fn send(&self, plan: &Plan, target: &Target, known: &Known, now: UnixMillis) -> Sent {
        let endpoint = &target.endpoint;
        let Ok(identity) = self.identity() else {
            return defect("a channel without a name sends");
        };
        let id = self.id_of(&identity, known.stored.seq);
        let cached = known.cloud_event.borrow().clone();
        let parcel = match (endpoint.format, cached) {
            (Format::CloudEvents, Some(body)) => Some(Parcel {
                id,
                content_type: livegate_core::event::cloudevents::CONTENT_TYPE,
                body: body.to_vec().into(),
            }),
            (format, _) => self.parcel(plan, known, id, format, endpoint.secrets),
        };
        match parcel {
            Some(parcel) => send::send(target, &parcel, now).await,
            None => defect("a stored event cannot be read any more"),
        }
    }

    fn parcel(
        &self,
        plan: &Plan,
        known: &Known,
        id: livegate_core::id::EventId,
        format: Format,
        secrecy: Secrecy,
    ) -> Option<Parcel<'static>> {
        let stored = &known.stored;
        plan.with_event(known, |event| {
            let origin = Origin {
                event,
                id,
                seq: stored.seq,
                source: stored.head.source,
                accepted_at: stored.at,
                dialect: plan.dialect(stored.head.source),
                raw: &stored.body,
            };
            let parcel = origin.parcel(format, secrecy);
            if format == Format::CloudEvents {
                *known.cloud_event.borrow_mut() = Some(Rc::from(parcel.body.as_ref()));
            }
            Parcel { id, content_type: parcel.content_type, body: parcel.body.into_owned().into() }
        })
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
            attempt,
            status,
            code: outcome.status(),
            error: (!outcome.is_delivered()).then(|| outcome.code().as_str().to_owned()),
            duration_ms: duration.0,
            at,
            next_at,
            replay: why == Why::Replay,
        });
        let tell = {
            let mut permits = self.permits.borrow_mut();
            let leave = permits.of.entry(endpoint).or_default();
            leave.report.push(outcome.into());
            let recovered = leave.failed && outcome.is_delivered();
            leave.failed = !outcome.is_delivered();
            leave.urgent |= leave.failed || recovered;
            leave.urgent
        };
        if tell {
            // Others should know at once that it fails, or that it is well again.
            self.exchange(target);
        }
        self.kick();
    }

    /// Writes what changed now, if it has waited long enough; else sees to it that it is written.
    fn persist_soon(self: &Rc<Self>, now: UnixMillis) -> Result<()> {
        let due = match self.persist_at.get() {
            Some(due) => due,
            None => {
                let due = now.plus(PERSIST_WITHIN);
                self.persist_at.set(Some(due));
                let inner = Rc::clone(self);
                self.spawn(async move {
                    js::sleep(PERSIST_WITHIN).await;
                    if inner.persist_at.get().is_some() {
                        inner.persist_or_forget();
                        inner.kick();
                    }
                });
                due
            }
        };
        let urgent = self.attempts.borrow().len() >= ATTEMPTS_A_BATCH;
        if now >= due || urgent {
            self.persist()?;
            let inner = Rc::clone(self);
            // Not from within: whoever kicked is still polling.
            self.spawn(async move { inner.kick() });
        }
        Ok(())
    }

    /// A transaction is being written anyway: what is due, or nearly, goes with it.
    pub(super) fn persist_if_due(self: &Rc<Self>, now: UnixMillis) {
        let nearly = now.plus(Millis(PERSIST_WITHIN.0 / 2));
        if self.persist_at.get().is_some_and(|due| due <= nearly) {
            self.persist_or_forget();
        }
    }

    fn persist_or_forget(self: &Rc<Self>) {
        if let Err(error) = self.persist() {
            worker::console_error!("writing what was delivered: {error}");
            self.lines.borrow_mut().clear();
        }
    }

    /// Writes every lane's changes and the attempts since the last time, in one transaction.
    pub(super) fn persist(self: &Rc<Self>) -> Result<()> {
        self.persist_at.set(None);
        for (subscription, line) in self.lines.borrow().iter() {
            let changes = line.lane.borrow_mut().changes();
            if !changes.is_empty() {
                self.store.keep_lane(&subscription.to_string(), &changes)?;
            }
        }
        let attempts = std::mem::take(&mut *self.attempts.borrow_mut());
        if !attempts.is_empty() {
            self.store.keep_attempts(&attempts)?;
            self.feed_soon();
        }
        Ok(())
    }

    /// Whether something is left to deliver.
    pub(super) fn owes(&self) -> bool {
        self.lines.borrow().values().any(|line| line.owes() || line.is_sending())
    }

    /// Kicks again at that time: by a timer if it is soon, by the alarm at any rate.
    pub(super) fn wake_at(self: &Rc<Self>, at: UnixMillis) {
        let now = js::now();
        let span = at.since(now);
        self.arm(at.max(now.plus(GUARD)));
        if span > LONGEST_TIMER
            || self.wake_at.get().is_some_and(|known| known <= at && known > now)
        {
            return;
        }
        self.wake_at.set(Some(at));
        let inner = Rc::clone(self);
        self.spawn(async move {
            js::sleep(Millis(span.0.max(1))).await;
            if inner.wake_at.get() == Some(at) {
                inner.wake_at.set(None);
            }
            inner.kick();
        });
    }

    /// Sees to it that an alarm comes at that time or before. Not at the present moment: an alarm
    /// set for now within an alarm can be lost.
    pub(super) fn arm(self: &Rc<Self>, at: UnixMillis) {
        let now = js::now();
        let at = at.max(now.plus(Millis(1)));
        if self.alarm_at.get().is_some_and(|set| set <= at && set > now) {
            return;
        }
        self.alarm_at.set(Some(at));
        let inner = Rc::clone(self);
        let offset = i64::try_from(at.since(now).0).unwrap_or(i64::MAX);
        self.spawn(async move {
            if let Err(error) = inner.state.storage().set_alarm(offset).await {
                worker::console_error!("setting an alarm: {error}");
                inner.alarm_at.set(None);
            }
        });
    }

    /// After an alarm: another one before long, as long as something goes on that only memory
    /// knows of. What sleeps has its own alarm, and what is held is woken.
    pub(super) fn guard(self: &Rc<Self>) {
        if self.busy.get() || self.plan.borrow().is_none() || self.unfed() {
            self.arm(js::now().plus(GUARD));
        }
    }

    /// Lets the tenant know of a backlog, and of its end.
    fn note_backlog(self: &Rc<Self>, now: UnixMillis) {
        let waits = self.lines.borrow().values().any(|line| {
            let lane = line.lane.borrow();
            lane.waiting() > 0 || (lane.lag() > 0 && lane.in_flight() == 0)
        });
        let since = match (waits, self.backlogged.get()) {
            (true, false) => Some(now.plus(BACKLOG_AFTER)),
            (false, true) if !self.owes() => None,
            _ => return,
        };
        self.backlogged.set(waits);
        let inner = Rc::clone(self);
        self.spawn(async move {
            let Ok(identity) = inner.identity() else { return };
            let ask = tenant::Ask::Backlog { channel: identity.name.clone(), since };
            let object = ObjectRef::Tenant(identity.tenant);
            if let Err(error) = call::<serde_json::Value>(&inner.env, &object, "/", &ask).await {
                worker::console_error!("noting a backlog: {error}");
                inner.backlogged.set(!waits);
                inner.arm(js::now().plus(GUARD));
            }
        });
    }

    /// Queues events once more, for whom they match or who is named; how many deliveries that is.
    pub(super) async fn replay(
        self: &Rc<Self>,
        seqs: &[Seq],
        (endpoint, subscription): (Option<&str>, Option<&str>),
    ) -> Result<u64> {
        let plan = self.any_plan().await?;
        let mut queued = 0;
        for (index, planned) in plan.lines.iter().enumerate() {
            let named = endpoint.is_none_or(|id| id == planned.target.endpoint.id.to_string())
                && subscription.is_none_or(|id| id == planned.subscription.id.to_string());
            if !named {
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
