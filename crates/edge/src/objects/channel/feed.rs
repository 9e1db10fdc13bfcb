//! The tenant's records told what happened here: events and attempts, in batches, at most one a
//! second. What was told is known to the records themselves, so a restart tells nothing twice and
//! leaves nothing out.

use std::rc::Rc;

use livegate_core::id::Seq;
use livegate_core::time::{Millis, UnixMillis};

use super::store::{Head, Stored};
use super::{Identity, Inner};
use crate::error::Result;
use crate::js;
use crate::objects::contract::ToRecords;
use crate::objects::{ObjectRef, call};
use crate::wire::{Fed, Feed, RelayNews, Summary};

/// How long news gather.
const GATHER: Millis = Millis::from_secs(1);

/// How long to wait after the records could not be told.
const AGAIN: Millis = Millis::from_secs(5);

/// How many events one message tells of, and how many batches of attempts; and how many bytes of
/// either, for a message may have 256 KiB.
const EVENTS_A_FEED: usize = 200;
const BATCHES_A_FEED: u64 = 20;
const BYTES_A_FEED: usize = 100_000;

/// As many of the first as have so many bytes together, and one at any rate.
fn within<T>(items: Vec<T>, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut left = BYTES_A_FEED;
    let mut fits = |item: &T| {
        let first = left == BYTES_A_FEED;
        let enough = size(item) <= left;
        left = left.saturating_sub(size(item).max(1));
        first || enough
    };
    items.into_iter().take_while(|item| fits(item)).collect()
}

/// The most bytes that an event takes as it is listed: six for a character that JSON escapes, and
/// what every one has.
fn listed_size(summary: &Summary) -> usize {
    let names = [&summary.channel, &summary.kind, &summary.vendor_type];
    let relay = summary.relay.iter().flat_map(|relay| relay.task.iter().chain(&relay.url));
    let names = names.into_iter().chain(&summary.user).chain(relay).map(String::len).sum::<usize>();
    names.saturating_mul(6).saturating_add(300)
}

impl Inner {
    /// Tells the records before long.
    pub(super) fn feed_soon(self: &Rc<Self>) {
        if !self.feeding.begin(js::now()) {
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
            inner.feeding.end();
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
                let events = within(self.news(&identity, Seq(fed.seq))?, listed_size);
                let attempts = self.store.attempts_after(fed.attempts, BATCHES_A_FEED)?;
                (events, within(attempts, |batch| batch.packed.len() * 5 / 4))
            }
        };
        let asked = self.fed.get().is_some();
        if asked && events.is_empty() && attempts.is_empty() {
            return Ok(true);
        }
        let feed = Feed {
            channel: identity.name.clone(),
            number: hex::encode(identity.number.0),
            events: serde_json::to_string(&events)?,
            attempts,
        };
        let ask = ToRecords::Feed(identity.tenant, feed);
        let object = ObjectRef::Records(identity.tenant);
        let fed: Fed = call(&self.env, &object, ask).await?;
        self.fed.set(Some(fed));
        Ok(asked && !self.unfed())
    }

    /// Events after a place, from memory if they are there.
    fn news(&self, identity: &Identity, after: Seq) -> Result<Vec<Summary>> {
        if let Some(known) = self.recent.borrow().after(after, EVENTS_A_FEED) {
            return Ok(known.iter().map(|known| identity.summary(&known.stored)).collect());
        }
        let events = self.store.listed(after, EVENTS_A_FEED as u64)?;
        let summary = |(seq, at, head, size): &_| identity.summary_of(*seq, *at, head, *size);
        Ok(events.iter().map(summary).collect())
    }
}

impl Identity {
    /// An event as the records list it.
    pub(super) fn summary(&self, stored: &Stored) -> Summary {
        self.summary_of(stored.seq, stored.at, &stored.head, stored.body.len() as u64)
    }

    fn summary_of(&self, seq: Seq, at: UnixMillis, head: &Head, size: u64) -> Summary {
        Summary {
            id: self.id_of(seq),
            seq,
            channel: self.name.clone(),
            source: head.source,
            kind: head.kind.clone(),
            vendor_type: head.vendor_type.clone(),
            user: head.user.clone(),
            time: head.time.map(|time| time.to_string()),
            accepted_at: at.to_string(),
            size,
            relay: head.relay.as_ref().map(|relay| RelayNews {
                id: head.entity.clone().unwrap_or_default(),
                state: relay.state.clone(),
                task: relay.task.clone(),
                url: relay.url.clone(),
            }),
            late: head.late,
        }
    }
}
