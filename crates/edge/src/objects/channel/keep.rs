//! What is on disk, and what wakes the channel again: changes written in batches, timers, the alarm,
//! and the tenant's knowledge of a backlog.

use std::rc::Rc;

use livegate_core::delivery::lane::{Changes, RowState};
use livegate_core::error::Code;
use livegate_core::id::SubscriptionId;
use livegate_core::time::{Millis, UnixMillis};

use super::{GUARD, Inner};
use crate::error::Result;
use crate::js;
use crate::objects::contract::ToTenant;
use crate::objects::{ObjectRef, call};
use crate::wire::{Attempt, Status};

/// How long what was delivered may stay unwritten: what a crash repeats at most, beside what is in
/// flight. Longer would save writes; a lane with more to send waits for nothing.
const PERSIST_WITHIN: Millis = Millis(100);

/// How many attempts are gathered before they are written.
const ATTEMPTS_A_BATCH: usize = 64;

/// The longest timer; what is later is the alarm's.
const LONGEST_TIMER: Millis = Millis::from_secs(30);

/// From when on undelivered events count as a backlog that the tenant should know of.
const BACKLOG_AFTER: Millis = Millis::from_secs(10);

/// When an alarm that did not come counts as lost.
const OVERDUE: Millis = Millis::from_mins(1);

impl Inner {
    /// Writes what changed now, if it has waited long enough; else sees to it that it is written.
    pub(super) fn persist_soon(self: &Rc<Self>, now: UnixMillis) -> Result<()> {
        let due = if let Some(due) = self.persist_at.get() {
            due
        } else {
            let due = now.plus(PERSIST_WITHIN);
            self.persist_at.set(Some(due));
            let inner = Rc::clone(self);
            js::spawn(async move {
                js::sleep(PERSIST_WITHIN).await;
                if inner.persist_at.get().is_some() {
                    inner.persist_or_forget();
                    inner.kick();
                }
            });
            due
        };
        let urgent = self.attempts.borrow().len() >= ATTEMPTS_A_BATCH;
        if now >= due || urgent {
            self.persist()?;
            let inner = Rc::clone(self);
            // Not from within: whoever kicked is still polling.
            js::spawn(async move { inner.kick() });
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

    pub(super) fn persist_or_forget(self: &Rc<Self>) {
        if let Err(error) = self.persist() {
            worker::console_error!("writing what was delivered: {error}");
        }
    }

    /// Writes every lane's changes and the attempts since the last time, in one transaction.
    ///
    /// # Errors
    /// What a lane said that it changed is lost then, so every lane is: the rows have them.
    pub(super) fn persist(self: &Rc<Self>) -> Result<()> {
        let written = self.persist_lanes().and_then(|()| self.persist_attempts());
        if written.is_err() {
            self.lines.borrow_mut().clear();
        }
        written
    }

    fn persist_lanes(&self) -> Result<()> {
        self.persist_at.set(None);
        for (subscription, line) in self.lines.borrow().iter() {
            let changes = line.lane.borrow_mut().changes();
            if changes.is_empty() {
                continue;
            }
            if changes.expired.is_some() {
                self.note_expired(*subscription, &changes);
            }
            self.store.keep_lane(&subscription.to_string(), &changes)?;
        }
        Ok(())
    }

    /// Records what a lane had not delivered when retention took it.
    fn note_expired(&self, subscription: SubscriptionId, changes: &Changes) {
        let plan = self.plan.borrow();
        let mut planned = plan.iter().flat_map(|plan| &plan.lines);
        let Some(planned) = planned.find(|line| line.subscription.id == subscription) else {
            return;
        };
        let at = js::now();
        let expired = |seq, number, error: Option<&str>, events| Attempt {
            seq,
            subscription,
            endpoint: planned.target.endpoint.id,
            number,
            status: Status::Expired,
            code: None,
            error: error.map(str::to_owned),
            duration_ms: 0,
            at,
            next_at: None,
            replay: false,
            events,
        };
        let mut attempts = self.attempts.borrow_mut();
        for row in changes.upserts.iter().filter(|row| row.state == RowState::Expired) {
            let error = row.code.map(Code::as_str);
            attempts.push(expired(row.seq, row.attempt, error, None));
        }
        // What was never read is not known one by one, nor whether it would have matched.
        let unread = changes.expired.map(|gone| (gone.up_to, gone.up_to.0 - gone.read_up_to.0));
        if let Some((up_to, events)) = unread.filter(|(_, events)| *events > 0) {
            let error = Some("delivery.expired_unread");
            attempts.push(expired(up_to, 0, error, Some(events)));
        }
    }

    fn persist_attempts(self: &Rc<Self>) -> Result<()> {
        let attempts = std::mem::take(&mut *self.attempts.borrow_mut());
        if !attempts.is_empty() {
            // What retention takes may be thousands at once, and a batch travels as one.
            for batch in attempts.chunks(ATTEMPTS_A_BATCH) {
                self.store.keep_attempts(batch)?;
            }
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
        if span > LONGEST_TIMER {
            return;
        }
        // On a grid, so that many wishes are few timers.
        let grid = if span < Millis::from_secs(1) { 50 } else { 1_000 };
        let at = UnixMillis(at.0.div_ceil(grid).saturating_mul(grid));
        if self.timers.borrow().contains(&at) {
            return;
        }
        self.timers.borrow_mut().push(at);
        let inner = Rc::clone(self);
        js::spawn(async move {
            js::sleep(Millis(at.since(now).0.max(1))).await;
            inner.timers.borrow_mut().retain(|timer| *timer != at);
            inner.kick();
        });
    }

    /// Sees to it that an alarm comes at that time or before. Not at the present moment: an alarm
    /// set for now within an alarm can be lost.
    pub(super) fn arm(self: &Rc<Self>, at: UnixMillis) {
        let now = js::now();
        let at = at.max(now.plus(Millis(1)));
        // One that is due is about to come and must not be moved from under it: the runtime then
        // cancels it and holds back what the object writes and sends meanwhile. One that is long
        // overdue was lost.
        if self.alarm_at.get().is_some_and(|set| set <= at && now.since(set) < OVERDUE) {
            return;
        }
        self.alarm_at.set(Some(at));
        let inner = Rc::clone(self);
        let offset = i64::try_from(at.since(now).0).unwrap_or(i64::MAX);
        js::spawn(async move {
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
    pub(super) fn note_backlog(self: &Rc<Self>, now: UnixMillis) {
        let waits = self.lines.borrow().values().any(|line| {
            let lane = line.lane.borrow();
            lane.waiting() > 0 || (lane.lag() > 0 && lane.in_flight() == 0)
        });
        let behind = waits.then(|| self.behind_since.get().unwrap_or(now));
        self.behind_since.set(behind);
        let since = match (behind, self.backlogged.get()) {
            (Some(since), false) if now.since(since) >= BACKLOG_AFTER => Some(since),
            (Some(since), false) => {
                // A moment's wait is none. One that lasts is looked at again.
                self.wake_at(since.plus(BACKLOG_AFTER));
                return;
            }
            (None, true) if !self.owes() => None,
            _ => return,
        };
        self.backlogged.set(waits);
        let inner = Rc::clone(self);
        js::spawn(async move {
            let Ok(identity) = inner.identity() else { return };
            let ask = ToTenant::Backlog(identity.name.clone(), since);
            let object = ObjectRef::Tenant(identity.tenant);
            if let Err(error) = call::<serde_json::Value>(&inner.env, &object, ask).await {
                worker::console_error!("noting a backlog: {error}");
                inner.backlogged.set(!waits);
                inner.arm(js::now().plus(GUARD));
            }
        });
    }
}
