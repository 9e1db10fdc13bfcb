//! The tenant's records told what happened here: events and attempts, in batches, at most one a
//! second. What was told is known to the records themselves, so a restart tells nothing twice and
//! leaves nothing out.

use std::rc::Rc;

use livegate_core::id::Seq;
use livegate_core::time::Millis;

use super::store::Stored;
use super::{Identity, Inner};
use crate::error::Result;
use crate::js;
use crate::objects::contract::ToRecords;
use crate::objects::{ObjectRef, call};
use crate::wire::{Fed, Feed, Summary};

/// How long news gather.
const GATHER: Millis = Millis::from_secs(1);

/// How long to wait after the records could not be told.
const AGAIN: Millis = Millis::from_secs(5);

/// How many events one message tells of, and how many batches of attempts.
const EVENTS_A_FEED: u64 = 200;
const BATCHES_A_FEED: u64 = 20;

impl Inner {
    /// Tells the records before long.
    pub(super) fn feed_soon(self: &Rc<Self>) {
        if self.feeding.replace(true) {
            return;
        }
        let inner = Rc::clone(self);
        js::spawn(async move {
            // The first message only asks how far the records are: that need not wait.
            while inner.fed.get().is_none() {
                if let Err(error) = inner.feed().await {
                    worker::console_error!("asking the records: {error}");
                    js::sleep(AGAIN).await;
                }
            }
            loop {
                js::sleep(GATHER).await;
                match inner.feed().await {
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(error) => {
                        worker::console_error!("telling the records: {error}");
                        js::sleep(AGAIN).await;
                    }
                }
            }
            inner.feeding.set(false);
            // What came while the last message was under way.
            if inner.unfed() {
                inner.feed_soon();
            }
        });
    }

    /// Whether the records have something to be told.
    pub(super) fn unfed(&self) -> bool {
        match self.fed.get() {
            None => self.last.get() > Seq(0),
            Some(fed) => {
                Seq(fed.seq) < self.last.get()
                    || self.store.last_attempts().is_ok_and(|last| fed.attempts < last)
            }
        }
    }

    /// One message; whether everything was told.
    async fn feed(&self) -> Result<bool> {
        let identity = self.identity()?;
        let (events, attempts) = match self.fed.get() {
            // The first message after a start asks how far the records are.
            None => (Vec::new(), Vec::new()),
            Some(fed) => {
                let events = self.store.after(Seq(fed.seq), EVENTS_A_FEED)?;
                let events = events.iter().map(|stored| identity.summary(stored)).collect();
                (events, self.store.attempts_after(fed.attempts, BATCHES_A_FEED)?)
            }
        };
        let asked = self.fed.get().is_some();
        if asked && events.is_empty() && attempts.is_empty() {
            return Ok(true);
        }
        let feed = Feed {
            channel: identity.name.clone(),
            number: hex::encode(identity.number.0),
            events,
            attempts,
        };
        let ask = ToRecords::Feed(identity.tenant, feed);
        let object = ObjectRef::Records(identity.tenant);
        let fed: Fed = call(&self.env, &object, &ask).await?;
        self.fed.set(Some(fed));
        Ok(asked && !self.unfed())
    }
}

impl Identity {
    /// An event as the records list it.
    pub(super) fn summary(&self, stored: &Stored) -> Summary {
        let head = &stored.head;
        Summary {
            id: self.id_of(stored.seq),
            seq: stored.seq,
            channel: self.name.clone(),
            source: head.source,
            kind: head.kind.clone(),
            vendor_type: head.vendor_type.clone(),
            user: head.user.clone(),
            time: head.time.map(|time| time.to_string()),
            accepted_at: stored.at.to_string(),
            size: stored.body.len() as u64,
        }
    }
}
