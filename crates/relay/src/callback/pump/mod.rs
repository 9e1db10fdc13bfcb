//! What moves: asks what is next, has it sent, and writes down what became of it.

mod state;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use livegate_core::delivery::outcome::Outcome;
use livegate_core::error::Coded as _;
use livegate_core::relay::outbox::{OutboxKey, OutboxSettings, Step};
use livegate_core::time::{Millis, UnixMillis};
use tokio::sync::Notify;
use tokio::task::spawn_local;

pub(super) use self::state::State;
use self::state::Told;
use crate::clock;
use crate::net::{DialTimes, Tls};
use crate::store::{Arrived, MailRow, Store};

/// What was told is written down at the latest after this.
const FLUSH: Millis = Millis(250);

/// How often what is too old is looked for.
const EXPIRY: Millis = Millis::from_secs(30);

/// The longest that it sleeps.
const LONGEST: Millis = Millis::from_secs(30);

/// What drives the outboxes.
pub(super) struct Pump {
    pub(super) store: Store,
    pub(super) tls: Tls,
    pub(super) settings: OutboxSettings,
    pub(super) state: RefCell<State>,
    pub(super) turned: Notify,
}

impl Pump {
    /// Runs until it is closed.
    pub(super) async fn run(self: Rc<Self>) {
        let mut look_at = clock::now();
        loop {
            let now = clock::now();
            if self.state.borrow().is_closed {
                return;
            }
            if now >= look_at {
                look_at = now.plus(EXPIRY);
                spawn_local(Rc::clone(&self).expire(now));
            }
            self.steps(now);
            if self.state.borrow_mut().begins_to_flush(now) {
                spawn_local(Rc::clone(&self).flush());
            }
            let wake = self.state.borrow().wake_at().unwrap_or_else(|| now.plus(LONGEST));
            let sleep = wake.since(clock::now()).min(LONGEST);
            tokio::select! {
                arrived = self.store.arrived() => self.arrived(arrived),
                () = self.turned.notified() => {}
                () = tokio::time::sleep(Duration::from_millis(sleep.0)) => {}
            }
        }
    }

    pub(super) async fn close(&self) {
        self.state.borrow_mut().close();
        self.turned.notify_one();
        let settled = self.state.borrow_mut().settled();
        if !settled.is_empty()
            && let Err(error) = self.store.settle(settled).await
        {
            tracing::warn!(code = error.code().as_str(), "events will be told again: {error}");
        }
    }

    fn arrived(&self, all: Vec<Arrived>) {
        let mut state = self.state.borrow_mut();
        for arrived in all {
            state.extend(arrived, clock::now());
        }
    }

    /// Does what is next until there is nothing.
    fn steps(self: &Rc<Self>, now: UnixMillis) {
        loop {
            let next = self.state.borrow_mut().outboxes.poll(now, clock::dice());
            match next {
                Some((key, Step::Send(row))) => {
                    let turn = self.state.borrow_mut().next_turn();
                    let this = Rc::clone(self);
                    let sent = spawn_local(async move {
                        let told = this.send(key, row).await;
                        let (now, random) = (clock::now(), clock::dice());
                        this.state.borrow_mut().told(key, row, turn, told, now, random);
                        this.turned.notify_one();
                    });
                    self.state.borrow_mut().under_way(key, turn, sent.abort_handle());
                }
                Some((key, Step::Abandon(_))) => self.state.borrow_mut().abandon(key, now),
                Some((key, Step::PutAside(row))) => {
                    self.state.borrow_mut().put_aside(key, row, now);
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    async fn send(&self, key: OutboxKey, row: u64) -> Told {
        let row = match self.row(key.line, row).await {
            Ok(Some(row)) => row,
            // It went for its age.
            Ok(None) => return Told::Gone,
            Err(error) => return Told::Unread(error.code()),
        };
        let Some(receiver) = self.state.borrow().receiver(key.receiver) else {
            return Told::NoAddress;
        };
        let parcel = match receiver.parcel(&row, clock::wall()) {
            Ok(parcel) => parcel,
            Err(untold) => return Told::Untold(untold),
        };
        let limit = Duration::from_millis(self.settings.answer_ms());
        let times = DialTimes { connect: limit, tls: limit };
        let outcome: Outcome = receiver.client().post(&parcel, &self.tls, times).await;
        Told::Outcome(outcome)
    }

    /// A row: often one that was read with the one before it.
    async fn row(
        &self,
        line: u64,
        number: u64,
    ) -> Result<Option<MailRow>, crate::store::StoreError> {
        if let Some(row) = self.state.borrow_mut().read_before(line, number) {
            return Ok(Some(row));
        }
        let mut rows = self.store.mail(line, number).await?.into_iter();
        let first = rows.next().filter(|row| row.number == number);
        self.state.borrow_mut().keep_read(line, rows.collect());
        Ok(first)
    }

    /// Writes down what was told.
    async fn flush(self: Rc<Self>) {
        let settled = self.state.borrow_mut().settled();
        let written = self.store.settle(settled.clone()).await;
        let mut state = self.state.borrow_mut();
        match written {
            Ok(gone) => state.flushed(&gone),
            Err(_) => state.not_flushed(settled),
        }
        drop(state);
        self.turned.notify_one();
    }

    async fn expire(self: Rc<Self>, now: UnixMillis) {
        if let Ok(older) = self.store.older(self.settings.keeps_since(now)).await {
            let mut state = self.state.borrow_mut();
            for (line, last) in older {
                state.expire(line, last, now);
            }
            drop(state);
            self.turned.notify_one();
        }
    }
}
