//! Retention: the log's oldest days go when they are old enough, or when the log is too large and
//! nobody is owed them. What was not delivered is recorded as expired.

use std::rc::Rc;

use livegate_core::delivery::retention::Retention;
use livegate_core::id::Seq;
use livegate_core::time::{Millis, UnixMillis};

use super::Inner;
use crate::error::Result;
use crate::js;

/// How often the log is looked at: it goes by days.
const EVERY: Millis = Millis::from_hours(1);

/// How often while it is full: looking reads all of it.
const EVERY_WHILE_FULL: Millis = Millis::from_mins(1);

impl Inner {
    /// Looks after the log's size now and then, along with what is written anyway.
    pub(super) fn sweep(self: &Rc<Self>, now: UnixMillis) {
        self.sweep_every(EVERY, now);
    }

    /// The same when nothing more is accepted.
    pub(super) fn make_room(self: &Rc<Self>, now: UnixMillis) {
        self.used.set((UnixMillis(0), 0));
        self.sweep_every(EVERY_WHILE_FULL, now);
    }

    /// Has an alarm come when the oldest events are old enough: a channel that nothing comes to any
    /// more must not keep them.
    pub(super) fn arm_for_expiry(self: &Rc<Self>) {
        match self.store.oldest() {
            // One that could not be removed is tried again like any other.
            Ok(Some(at)) => {
                let due = at.plus(Retention::default().span());
                self.arm(due.max(js::now()).plus(EVERY));
            }
            Ok(None) => {}
            Err(error) => worker::console_error!("retention: {error}"),
        }
    }

    fn sweep_every(self: &Rc<Self>, span: Millis, now: UnixMillis) {
        // Who is owed what is known only by a plan.
        if now.since(self.swept_at.get()) < span || self.plan.borrow().is_none() {
            return;
        }
        self.swept_at.set(now);
        if let Err(error) = self.remove_old(now) {
            worker::console_error!("retention: {error}");
        }
    }

    fn remove_old(self: &Rc<Self>, now: UnixMillis) -> Result<()> {
        let Some(plan) = self.plan.borrow().clone() else { return Ok(()) };
        let segments = self.store.segments()?;
        // What is held for a disabled endpoint does not keep the log; lanes that are not in memory
        // do as much as the others.
        let mut owed = None;
        for planned in plan.lines.iter().filter(|planned| planned.target.endpoint.enabled) {
            let id = planned.subscription.id.to_string();
            let from = match self.store.owed_from(&id)? {
                Some(from) => from,
                None => self.store.last_before(planned.subscription.created_at)?.next(),
            };
            owed = Some(owed.map_or(from, |first: Seq| first.min(from)));
        }
        let owed = owed.filter(|first| *first <= self.last.get());
        let Some(up_to) = Retention::default().removable(&segments, owed, now) else {
            return Ok(());
        };
        for planned in &plan.lines {
            self.line(planned)?.lane.borrow_mut().expired(up_to);
        }
        self.persist()?;
        self.store.remove_up_to(Seq(up_to.0))
    }
}
