//! One delivery: an event made into what its endpoint wants, signed, sent, and the answer read.

use livegate_core::delivery::outcome::{Cause, Outcome};
use livegate_core::delivery::schedule::retry_after_seconds;
use livegate_core::dialect::Dialect;
use livegate_core::event::Event;
use livegate_core::event::cloudevents::{self, Envelope};
use livegate_core::id::{ChannelNumber, EventId, Seq, SourceId};
use livegate_core::scheme::Outgoing;
use livegate_core::time::{Millis, UnixMillis};
use serde_json::json;
use wasm_bindgen::JsValue;

use crate::compile::Target;
use crate::js::{self, Answer, Post};
use crate::model::{Format, Secrecy};

/// The longest answer that is read to keep its connection; a longer one is cut off.
const READ_ANSWER: u32 = 16 * 1024;

/// An event on its way out.
pub(crate) struct Parcel<'a> {
    pub(crate) id: EventId,
    pub(crate) content_type: &'static str,
    pub(crate) body: std::borrow::Cow<'a, [u8]>,
}

/// An event of a channel, with what is needed to write it in any format.
pub(crate) struct Origin<'a> {
    pub(crate) event: &'a Event<'a>,
    pub(crate) id: EventId,
    pub(crate) seq: Seq,
    pub(crate) source: SourceId,
    pub(crate) accepted_at: UnixMillis,
    pub(crate) dialect: &'a Dialect,
    /// The body as it came.
    pub(crate) raw: &'a [u8],
}

impl<'a> Origin<'a> {
    /// The event as a `CloudEvent`, its secrets masked.
    pub(crate) fn cloud_event(&self) -> String {
        let envelope = Envelope {
            event: self.event,
            id: self.id,
            seq: self.seq,
            source: self.source,
            accepted_at: self.accepted_at,
            dialect: self.dialect.name(),
        };
        envelope.to_json()
    }

    /// The event as an endpoint wants it. A dialect that cannot carry it is refused when a
    /// subscription is made; should one slip through, the raw body goes.
    pub(crate) fn parcel(&self, format: Format, secrecy: Secrecy) -> Parcel<'a> {
        let (content_type, body) = match (format, secrecy) {
            (Format::CloudEvents, _) => {
                (cloudevents::CONTENT_TYPE, self.cloud_event().into_bytes().into())
            }
            (Format::Raw | Format::MetaStudio, Secrecy::Intact) => {
                ("application/json", self.raw.into())
            }
            (Format::Raw | Format::MetaStudio, Secrecy::Masked) => {
                ("application/json", self.dialect.redact(self.raw))
            }
        };
        Parcel { id: self.id, content_type, body }
    }
}

/// What came of a delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) outcome: Outcome,
    pub(crate) duration: Millis,
}

/// Signs a parcel and sends it.
pub(crate) async fn send(target: &Target, parcel: &Parcel<'_>, now: UnixMillis) -> Sent {
    let id = parcel.id.to_string();
    let outgoing = Outgoing { method: "POST", headers: &[], body: &parcel.body, id: &id };
    let signed = match target.signer.sign(&outgoing, now) {
        Ok(signed) => signed,
        Err(error) => {
            // Settings are checked when they are made, so this is a defect, not a receiver's fault.
            worker::console_error!("a delivery could not be signed: {error}");
            return Sent { outcome: Outcome::Unreachable(Cause::Other), duration: Millis(0) };
        }
    };
    let mut headers = String::with_capacity(512);
    let url = signed.url(target.url.as_str());
    // Neither names nor values hold a line's end: they were checked when they were set.
    let fixed = [
        ("content-type", parcel.content_type),
        ("user-agent", concat!("livegate/", env!("CARGO_PKG_VERSION"))),
    ];
    let own = target.headers.iter().chain(&signed.headers);
    let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in fixed.into_iter().chain(own) {
        for line in [name, "\n", value, "\n"] {
            headers.push_str(line);
        }
    }
    let post = Post {
        url: &url,
        headers: &headers,
        body: &parcel.body,
        timeout: Millis::from_secs(target.endpoint.timeout_s),
        longest_answer: READ_ANSWER,
    };
    let outcome = match post.send().await {
        Ok(answer) => Outcome::from_status(answer.status, retry_after(&answer)),
        Err(thrown) => Outcome::Unreachable(cause(&thrown)),
    };
    Sent { outcome, duration: js::now().since(now) }
}

/// Sends a test event that belongs to no channel.
pub(crate) async fn test(target: &Target, now: UnixMillis) -> Sent {
    let id = EventId::of(ChannelNumber([0; 8]), Seq(now.0));
    let document = json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": "dev.livegate.test",
        "time": now.to_string(), "datacontenttype": "application/json",
        "data": { "message": "livegate can reach this endpoint" },
    });
    let body = match target.endpoint.format {
        Format::CloudEvents => document.to_string(),
        Format::Raw | Format::MetaStudio => {
            json!({ "event_type": "LIVEGATE_TEST", "message": document["data"].to_string() })
                .to_string()
        }
    };
    let content_type = match target.endpoint.format {
        Format::CloudEvents => cloudevents::CONTENT_TYPE,
        Format::Raw | Format::MetaStudio => "application/json",
    };
    let parcel = Parcel { id, content_type, body: body.into_bytes().into() };
    send(target, &parcel, now).await
}

/// A `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
fn retry_after(answer: &Answer) -> Option<Millis> {
    let text = answer.retry_after.as_deref()?;
    retry_after_seconds(text).or_else(|| {
        let at = js_sys::Date::parse(text);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be finite and not negative; dates end at 8.64e15 ms"
        )]
        (at.is_finite() && at >= 0.0).then(|| UnixMillis(at as u64).since(js::now()))
    })
}

/// Why there was no answer, from what the runtime threw.
fn cause(thrown: &JsValue) -> Cause {
    let text = |key: &str| {
        js_sys::Reflect::get(thrown, &key.into()).ok().and_then(|value| value.as_string())
    };
    let name = text("name").unwrap_or_default();
    let message = text("message").unwrap_or_default().to_ascii_lowercase();
    if name == "TimeoutError" || name == "AbortError" {
        Cause::Timeout
    } else if message.contains("not allowed")
        || message.contains("blocked")
        || message.contains("not permitted")
    {
        Cause::BlockedAddress
    } else if message.contains("dns") || message.contains("resolve") {
        Cause::Dns
    } else if message.contains("tls") || message.contains("certificate") || message.contains("ssl")
    {
        Cause::Tls
    } else if message.contains("connection")
        || message.contains("disconnected")
        || message.contains("network")
    {
        Cause::Reset
    } else {
        Cause::Other
    }
}
