//! What comes in: judged, written in groups, answered when durable.
//!
//! Everything that arrives in one turn of the object is one transaction, because the commit is the
//! cost. The runtime holds an answer back until what was written before it is on disk, so a 2xx is
//! never ahead of the storage.

use futures_channel::oneshot;
use js_sys::{Promise, Uint8Array};
use livegate_core::delivery::current::{Current, News};
use livegate_core::delivery::dedup::{Call, CallKey, Dedup, EntityKey, Novelty};
use livegate_core::delivery::retention::Retention;
use livegate_core::event::RelayState;
use livegate_core::id::{Seq, TenantId};
use livegate_core::time::{Millis, UnixMillis};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use super::store::{Head, Stored};
use super::{GUARD, Inner};
use crate::error::{Error, Problem, Result};
use crate::js;
use crate::objects::ObjectRef;

/// How many calls are remembered as accepted: 60 s of a thousand calls a second in one channel, and
/// some 7 MB. Beyond that the oldest are forgotten, and a vendor's repetition of one is delivered.
pub(super) const REMEMBERED: usize = 65_536;

/// Of how many entities a channel knows which news are current.
pub(super) const FOLLOWED: usize = 1_024;

/// After how long without a write the next event is written by itself.
const ALONE: Millis = Millis(5);

/// How long the log's size is counted before it is looked up again.
const LOOK_EVERY: Millis = Millis::from_secs(5);

/// What a call's place is instead, where it has none.
const DUPLICATE: f64 = 0.0;
const FULL: f64 = -1.0;
const BROKEN: f64 = -2.0;

#[wasm_bindgen(module = "/src/platform.js")]
extern "C" {
    #[expect(clippy::too_many_arguments, reason = "an object between would cost a call")]
    fn take(
        env: &Env,
        binding: &str,
        name: &str,
        tenant: &str,
        channel: &str,
        version: f64,
        windows: f64,
        head: &str,
        body: &[u8],
    ) -> Promise;
}

/// On what terms an event is handed in.
pub(crate) struct Terms<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) channel: &'a str,
    /// The version of the configuration that the caller went by.
    pub(crate) version: u64,
    /// How long the same signature is accepted.
    pub(crate) fresh_for: Millis,
    /// How long the same news of the same entity is a repetition.
    pub(crate) duplicate_window: Millis,
}

/// What became of an event that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is on disk.
    New,
    /// It was there before.
    Duplicate,
}

/// Hands an event to its channel; returns when the channel's storage has it.
pub(crate) async fn accept(
    env: &Env,
    terms: &Terms<'_>,
    head: &Head,
    body: &[u8],
) -> Result<Accepted> {
    let object = ObjectRef::Channel(terms.tenant, terms.channel);
    #[expect(clippy::cast_precision_loss, reason = "versions and windows stay below 2^53")]
    let promise = take(
        env,
        object.binding(),
        &object.name(),
        &terms.tenant.to_string(),
        terms.channel,
        terms.version as f64,
        join_windows(terms.fresh_for, terms.duplicate_window),
        &serde_json::to_string(head)?,
        body,
    );
    let place = JsFuture::from(promise).await.map_err(Error::js)?;
    match place.as_f64() {
        Some(place) if place > DUPLICATE => Ok(Accepted::New),
        Some(DUPLICATE) => Ok(Accepted::Duplicate),
        Some(FULL) => {
            let detail = "the channel's log is full; nothing more is accepted until it is not";
            Err(Problem::new(503, "delivery.log_full", detail).into())
        }
        _ => Err(Error::runtime("the channel could not store an event".to_owned())),
    }
}

/// Two spans of whole seconds below 2²⁰ in one number: arguments of a call between objects cost.
#[expect(clippy::cast_precision_loss, reason = "below 2^40")]
fn join_windows(fresh_for: Millis, duplicate: Millis) -> f64 {
    ((fresh_for.0.div_ceil(1000).min(0xf_ffff) << 20) | (duplicate.0 / 1000).min(0xf_ffff)) as f64
}

fn split_windows(joined: f64) -> (Millis, Millis) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "made by join_windows"
    )]
    let joined = joined as u64;
    (Millis::from_secs(joined >> 20), Millis::from_secs(joined & 0xf_ffff))
}

/// An event that waits for its turn's transaction.
pub(super) struct Pending {
    call: Call,
    head: Head,
    head_text: String,
    body: Vec<u8>,
    done: oneshot::Sender<f64>,
}

impl Inner {
    pub(super) async fn take(
        self: &Rc<Self>,
        tenant: &str,
        channel: &str,
        version: f64,
        windows: f64,
        head_text: String,
        body: &Uint8Array,
    ) -> f64 {
        match self.put(tenant, channel, version, windows, head_text, body) {
            Ok(waiting) => waiting.await.unwrap_or(BROKEN),
            Err(error) => {
                worker::console_error!("taking an event: {error}");
                BROKEN
            }
        }
    }

    fn put(
        self: &Rc<Self>,
        tenant: &str,
        channel: &str,
        version: f64,
        windows: f64,
        head_text: String,
        body: &Uint8Array,
    ) -> Result<oneshot::Receiver<f64>> {
        let tenant = TenantId::parse(tenant).map_err(|error| Error::runtime(error.to_string()))?;
        self.identify(tenant, channel)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a version counts up from zero"
        )]
        self.expect_version(version as u64);
        let head: Head = crate::json::parse(&head_text)?;
        let (fresh_for, window) = split_windows(windows);
        let call = call_of(&head, fresh_for, window);
        let (done, waiting) = oneshot::channel();
        let body = body.to_vec();
        self.pending.borrow_mut().push(Pending { call, head, head_text, body, done });
        let now = js::now();
        if !self.flushing.get() && now.since(self.flushed_at.get()) > ALONE {
            // Nothing else is coming, by the looks of it: waiting for company would only cost time.
            self.flush();
        } else if !self.flushing.replace(true) {
            let inner = Rc::clone(self);
            js::spawn(async move {
                // One turn of the event loop: whatever else has arrived comes along.
                js::sleep(Millis(0)).await;
                inner.flushing.set(false);
                inner.flush();
            });
        }
        Ok(waiting)
    }

    /// Writes what has gathered, answers it, and lets deliveries go on.
    fn flush(self: &Rc<Self>) {
        let mut pending = std::mem::take(&mut *self.pending.borrow_mut());
        let now = js::now();
        self.flushed_at.set(now);
        let mut places = Vec::with_capacity(pending.len());
        let mut last = self.last.get();
        let mut used = self.used(now);
        {
            let mut dedup = self.dedup.borrow_mut();
            let mut current = self.current.borrow_mut();
            let retention = Retention::default();
            for one in &mut pending {
                let place = if dedup.judge(&one.call, now) != Novelty::New {
                    DUPLICATE
                } else if retention.admits(used, one.body.len() as u64).is_err() {
                    FULL
                } else {
                    last = last.next();
                    used += one.body.len() as u64;
                    dedup.record(&one.call, last, now);
                    if news_of(&one.head, &one.call, now).is_some_and(|news| current.record(&news))
                    {
                        one.head.late = true;
                        if let Ok(text) = serde_json::to_string(&one.head) {
                            one.head_text = text;
                        }
                    }
                    #[expect(clippy::cast_precision_loss, reason = "places stay below 2^53")]
                    let place = last.0 as f64;
                    place
                };
                places.push(place);
            }
        }
        self.used.set((self.used.get().0, used));
        let mut rows: Vec<(Seq, UnixMillis, &str, &[u8])> = Vec::with_capacity(pending.len());
        let mut seq = self.last.get();
        for (one, place) in pending.iter().zip(&places) {
            if *place > DUPLICATE {
                seq = seq.next();
                rows.push((seq, now, &one.head_text, &one.body));
            }
        }
        if let Err(error) = self.store.insert(&rows) {
            // Nothing of the turn was accepted: what was written of it goes again, or its places
            // would be taken for ever, and what the duplicates' memory holds of it must not turn
            // the vendor's next try away.
            worker::console_error!("storing events: {error}");
            if let Err(error) = self.store.remove_after(self.last.get()) {
                worker::console_error!("taking back events: {error}");
            }
            *self.dedup.borrow_mut() = Dedup::new(REMEMBERED);
            *self.current.borrow_mut() = Current::new(FOLLOWED);
            if let Err(error) = self.recall_calls(now) {
                worker::console_error!("remembering calls: {error}");
            }
            for one in pending {
                // A caller that has left needs no answer.
                let _ = one.done.send(BROKEN);
            }
            return;
        }
        drop(rows);
        let any = last != self.last.get();
        self.last.set(last);
        let is_full = places.contains(&FULL);
        for (one, place) in pending.into_iter().zip(places) {
            if place > DUPLICATE {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a place, counted up from one"
                )]
                let seq = Seq(place as u64);
                let stored = Stored { seq, at: now, head: one.head, body: one.body };
                self.recent.borrow_mut().push(stored);
            }
            let _ = one.done.send(place);
        }
        if is_full {
            self.make_room(now);
        }
        if any {
            self.persist_if_due(now);
            self.arm(now.plus(GUARD));
            self.kick();
            self.push_tails();
            self.feed_soon();
            self.sweep(now);
        }
    }

    /// The bytes on disk: looked up now and then, as that reads from the file, and counted in between.
    fn used(&self, now: UnixMillis) -> u64 {
        let (at, used) = self.used.get();
        if now.since(at) < LOOK_EVERY {
            return used;
        }
        let used = self.store.0.size();
        self.used.set((now, used));
        used
    }

    /// Fills the duplicates' memory from the newest rows, as after a restart.
    pub(super) fn recall_calls(&self, now: UnixMillis) -> Result<()> {
        let window = Dedup::MAX_WINDOW;
        let longest = Millis(window.0.max(Millis::from_hours(2).0));
        let mut dedup = self.dedup.borrow_mut();
        let mut current = self.current.borrow_mut();
        for (seq, at, head) in self.store.heads_since(now.minus(longest), REMEMBERED as u64)? {
            // The terms of back then are not known; the longest that there are turn nothing away
            // that is new, for the key of a call holds its time; if not, it says its own.
            let fresh_for = head.fresh_s.map_or(Millis::from_hours(2), Millis::from_secs);
            let call = call_of(&head, fresh_for, window);
            dedup.record(&call, seq, at);
            if let Some(news) = news_of(&head, &call, at) {
                current.record(&news);
            }
        }
        Ok(())
    }
}

/// What an event says of its entity, if it is of one.
fn news_of(head: &Head, call: &Call, accepted_at: UnixMillis) -> Option<News> {
    let word = head.relay.as_ref().and_then(|relay| relay.state.as_deref());
    let state = word.and_then(RelayState::from_name);
    Some(News { entity: call.entity?, time: head.time, state, accepted_at })
}

fn call_of(head: &Head, fresh_for: Millis, window: Millis) -> Call {
    let mut key = [0; 24];
    let mut entity = [0; 16];
    let mut body_sha256 = [0; 32];
    let read = |text: Option<&String>, to: &mut [u8]| {
        text.is_some_and(|text| hex::decode_to_slice(text, to).is_ok())
    };
    let has_key = read(head.call.as_ref(), &mut key);
    let has_entity = read(head.entity.as_ref(), &mut entity);
    read(Some(&head.body_hash), &mut body_sha256);
    Call {
        key: has_key.then(|| CallKey::from_bytes(key)),
        fresh_for,
        entity: has_entity.then_some(EntityKey(entity)),
        body_sha256,
        window,
    }
}
