//! `CloudEvents` 1.0 out, in the JSON format: one event (structured mode) or a batch.
//!
//! Sources: `CloudEvents` 1.0.2, "Context Attributes"; JSON Event Format for `CloudEvents` 1.0.2, §3
//! (envelope) and §4 (batch); the Sequence and Recorded Time extensions.
//!
//! | attribute | value |
//! |---|---|
//! | `id` | the event's id here, `evt_…`; the same however often it is delivered |
//! | `source` | `/sources/src_…` |
//! | `type` | `dev.livegate.` and the kind: `dev.livegate.relay.state`, `dev.livegate.unknown` |
//! | `subject` | the channel; left out for the tenant's own |
//! | `time` | when the vendor says it happened, else when it was accepted |
//! | `sequence` | its place in its channel's log, 20 digits so that it sorts as text |
//! | `recordedtime` | when it was accepted |
//! | `dialect`, `vendortype`, `vendorid`, `user` | the dialect it was read with, and what the vendor called it |
//! | `relaystate` | of `relay.state`: the state, `live` for example; left out if it is not known |
//! | `late` | `true` if something newer of its entity was accepted before; else left out |
//! | `data` | the vendor's object, its secrets masked: a CloudEvent never carries them |

use alloc::string::String;
use core::fmt::Write;

use super::{Event, RelayState};
use crate::dialect::{DialectName, push_string, redact};
use crate::id::{EventId, Seq, SourceId};
use crate::time::UnixMillis;

/// The `Content-Type` of one event.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// The `Content-Type` of a batch.
pub const BATCH_CONTENT_TYPE: &str = "application/cloudevents-batch+json; charset=utf-8";

/// What every type begins with.
pub const TYPE_PREFIX: &str = "dev.livegate.";

/// An event, and what livegate knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'e> {
    /// The event as its dialect read it.
    pub event: &'e Event<'e>,
    /// Its id.
    pub id: EventId,
    /// Its place in its channel's log.
    pub seq: Seq,
    /// Where it came in.
    pub source: SourceId,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
    /// What it was read with.
    pub dialect: DialectName,
    /// Whether something newer of its entity was accepted before
    /// ([`Current`](crate::delivery::current::Current)).
    pub late: bool,
}

impl Envelope<'_> {
    /// Appends the event as one JSON object.
    pub fn write_to(&self, out: &mut String) {
        let event = self.event;
        let data = redact::json(&event.data);
        out.reserve(data.len().saturating_add(480));
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "{{\"specversion\":\"1.0\",\"id\":\"{}\",\"source\":\"/sources/{}\",\"type\":\"{TYPE_PREFIX}{}\"",
            self.id, self.source, event.kind
        );
        attribute(out, "subject", event.channel.as_deref());
        let time = event.time.unwrap_or(self.accepted_at);
        let _ = write!(
            out,
            ",\"time\":\"{time}\",\"recordedtime\":\"{}\",\"sequence\":\"{:020}\",\"dialect\":\"{}\"",
            self.accepted_at, self.seq.0, self.dialect
        );
        attribute(out, "vendortype", Some(&event.vendor_type));
        attribute(out, "vendorid", event.vendor_id.as_deref());
        attribute(out, "user", event.user.as_deref());
        let state = event.relay.as_ref().and_then(|relay| relay.state);
        attribute(out, "relaystate", state.map(RelayState::as_str));
        if self.late {
            out.push_str(",\"late\":true");
        }
        out.push_str(",\"datacontenttype\":\"application/json\",\"data\":");
        out.push_str(&data);
        out.push('}');
    }

    /// The event as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }
}

/// A batch of events as one JSON array; it may be empty.
#[must_use]
pub fn batch<'e>(events: impl IntoIterator<Item = Envelope<'e>>) -> String {
    let mut out = String::from("[");
    for event in events {
        if out.len() > 1 {
            out.push(',');
        }
        event.write_to(&mut out);
    }
    out.push(']');
    out
}

/// A string attribute, left out if it is empty: an attribute must not be (`CloudEvents` 1.0.2,
/// `subject`). Characters that its type system does not allow become U+FFFD.
fn attribute(out: &mut String, name: &str, value: Option<&str>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return;
    };
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    if value.chars().any(is_not_allowed) {
        let allowed = |c| {
            if is_not_allowed(c) { char::REPLACEMENT_CHARACTER } else { c }
        };
        push_string(out, &value.chars().map(allowed).collect::<String>());
    } else {
        push_string(out, value);
    }
}

/// Control characters and noncharacters (`CloudEvents` 1.0.2, "Type System", String).
const fn is_not_allowed(c: char) -> bool {
    let code = c as u32;
    code <= 0x1f
        || (code >= 0x7f && code <= 0x9f)
        || (code >= 0xfdd0 && code <= 0xfdef)
        || code & 0xfffe == 0xfffe
}
