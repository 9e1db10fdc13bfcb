//! Events as people, tails and replays see them: secrets masked, attempts beside them.

use std::rc::Rc;

use livegate_core::id::Seq;
use serde_json::{Value, json};
use web_sys::Response;

use super::Inner;
use super::store::Stored;
use crate::error::Result;
use crate::http::Incoming;
use crate::json;
use crate::send::Origin;
use crate::wire::TailMessage;

/// How many events a tail reads at a time: of the longest, four megabytes.
const TAIL_BATCH: u64 = 16;

impl Inner {
    /// One event with its body, masked, and every attempt to deliver it.
    pub(super) fn show(&self, seq: Seq) -> Result<Option<Value>> {
        let Some(stored) = self.store.one(seq)? else { return Ok(None) };
        let identity = self.identity()?;
        let mut document = json::value(identity.summary(&stored))?;
        let masked = stored.head.dialect().redact(&stored.body);
        document["body"] =
            json::parse_bytes(&masked).unwrap_or_else(|_| json!(String::from_utf8_lossy(&masked)));
        let mut attempts = self.store.attempts_of(seq)?;
        attempts.extend(self.attempts.borrow().iter().filter(|one| one.seq == seq).cloned());
        let number = hex::encode(identity.number.0);
        document["deliveries"] = attempts
            .iter()
            .map(|attempt| crate::wire::delivery(&identity.name, &number, attempt))
            .collect::<Result<_>>()?;
        document["waiting"] = self
            .store
            .waiting_for(seq)?
            .into_iter()
            .map(|(subscription, state, waiting)| {
                let next = (state == "retrying").then(|| waiting.next_at.to_string());
                json!({
                    "subscription": subscription, "state": state, "attempts": waiting.attempt,
                    "next_at": next, "error": waiting.code,
                })
            })
            .collect();
        document["event"] = self
            .message(&stored)
            .and_then(|message| json::parse(&message.event).ok())
            .unwrap_or(Value::Null);
        Ok(Some(document))
    }

    /// Events as a tail sends them.
    pub(super) fn render(&self, seqs: &[Seq]) -> Result<Vec<TailMessage>> {
        let mut messages = Vec::with_capacity(seqs.len());
        for &seq in seqs {
            if let Some(stored) = self.store.one(seq)? {
                messages.extend(self.message(&stored));
            }
        }
        Ok(messages)
    }

    fn message(&self, stored: &Stored) -> Option<TailMessage> {
        let identity = self.identity().ok()?;
        stored.with_event(|event, dialect| TailMessage {
            position: stored.seq.0,
            source: stored.head.source,
            kind: stored.head.kind.clone(),
            event: Origin {
                event,
                id: identity.id_of(stored.seq),
                seq: stored.seq,
                source: stored.head.source,
                accepted_at: stored.at,
                dialect,
                raw: &stored.body,
                index: stored.head.index as usize,
                late: stored.head.late,
            }
            .cloud_event(),
        })
    }

    /// Opens a tail of this channel.
    pub(super) fn tail(self: &Rc<Self>, request: &Incoming) -> Result<Response> {
        if self.identity.borrow().is_none() {
            // A listener may come before the first event; it must know whose channel this is.
            let tenant = request.param("tenant").unwrap_or_default();
            let name = request.param("channel").unwrap_or_default();
            if let Ok(tenant) = livegate_core::id::TenantId::parse(&tenant) {
                self.identify(tenant, &name)?;
            }
        }
        let response = self.tails.open(&self.state, request, self.last.get().0)?;
        self.push_tails();
        Ok(response)
    }

    /// Lets every listener read on.
    pub(super) fn push_tails(self: &Rc<Self>) {
        if !self.tails.any(&self.state) {
            return;
        }
        let inner = Rc::clone(self);
        self.tails.wake(&self.state, move |after| {
            let inner = Rc::clone(&inner);
            async move {
                let events = inner.store.after(Seq(after), TAIL_BATCH)?;
                Ok(events.iter().filter_map(|stored| inner.message(stored)).collect())
            }
        });
    }
}
