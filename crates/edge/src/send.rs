//! One delivery: an event made into what its endpoint wants, signed, sent, and the answer read.

use std::borrow::Cow;

use livegate_core::delivery::outcome::{Cause, Outcome};
use livegate_core::delivery::schedule::retry_after_seconds;
use livegate_core::dialect::{self, Dialect, WriteContext};
use livegate_core::event::Event;
use livegate_core::event::cloudevents::{self, Envelope};
use livegate_core::id::{ChannelNumber, EventId, Seq, SourceId, TenantId};
use livegate_core::scheme::{Outgoing, Signer};
use livegate_core::time::{Millis, UnixMillis};
use livegate_core::url::HttpUrl;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use worker::Env;

use crate::compile::{Target, Way};
use crate::js::{self, Answer, Post};
use crate::model::{Format, Secrecy};
use crate::notice::{Notice, Place};
use crate::objects::contract::ToRecords;
use crate::objects::{ObjectRef, call};

const JSON: &str = "application/json";

/// The longest answer that is read to keep its connection; a longer one is cut off.
const READ_ANSWER: u32 = 16 * 1024;

/// An event on its way out.
pub(crate) struct Parcel<'a> {
    pub(crate) id: EventId,
    pub(crate) content_type: &'static str,
    pub(crate) body: Cow<'a, [u8]>,
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
    /// Which of its body's events it is.
    pub(crate) index: usize,
    /// Whether something newer of its entity was accepted before.
    pub(crate) late: bool,
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
            late: self.late,
        };
        envelope.to_json()
    }

    /// The event as an endpoint wants it; none if its dialect has no words for it, which is refused
    /// when a subscription is made, as far as it can be known then.
    pub(crate) fn parcel(
        &self,
        target: &Target,
        app_id: &str,
        subscription: &str,
    ) -> Option<Parcel<'a>> {
        let endpoint = &target.endpoint;
        let secrecy = match endpoint.secrets {
            Secrecy::Masked => dialect::Secrecy::Masked,
            Secrecy::Intact => dialect::Secrecy::Intact,
        };
        let (content_type, body) = match (endpoint.format, &target.writer) {
            (Format::CloudEvents, _) => {
                (cloudevents::CONTENT_TYPE, self.cloud_event().into_bytes().into())
            }
            (Format::Notice(place), _) => {
                let at = self.event.time.unwrap_or(self.accepted_at).to_string();
                let notice = Notice::of(self.event, &at);
                let body = match place {
                    Place::Site => json!({
                        "id": self.id, "kind": self.event.kind.as_str(), "at": at,
                        "channel": self.event.channel, "subject": notice.subject,
                        "text": notice.text,
                    }),
                    _ => notice.body(place, &endpoint.message.clone().unwrap_or_default()),
                };
                (JSON, body.to_string().into_bytes().into())
            }
            (_, Some(writer)) if writer.name() != self.dialect.name() => {
                let context = WriteContext {
                    id: self.id,
                    accepted_at: self.accepted_at,
                    app_id,
                    subscription,
                    secrecy,
                };
                let written = writer.write(self.event, self.dialect.name(), &context).ok()?;
                (JSON, written.into())
            }
            // As it came, but alone.
            _ => {
                let body = self.dialect.alone(self.raw, self.index);
                let content_type = self.dialect.content_type(&body);
                let body = match (endpoint.secrets, body) {
                    (Secrecy::Intact, body) => body,
                    (Secrecy::Masked, Cow::Borrowed(body)) => self.dialect.redact(body),
                    (Secrecy::Masked, Cow::Owned(body)) => {
                        self.dialect.redact(&body).into_owned().into()
                    }
                };
                (content_type, body)
            }
        };
        Some(Parcel { id: self.id, content_type, body })
    }
}

/// What came of a delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) outcome: Outcome,
    pub(crate) duration: Millis,
}

/// Hands a parcel over, by whichever way its endpoint is reached.
pub(crate) async fn send(
    env: &Env,
    tenant: TenantId,
    target: &Target,
    parcel: &Parcel<'_>,
    now: UnixMillis,
) -> Sent {
    let outcome = match &target.way {
        Way::Http(way) => by_http(target, &way.0, &way.1, parcel, now).await,
        Way::Email(to) => by_mail(env, target, to, &parcel.body).await,
        Way::Site => {
            let notice = crate::json::parse_bytes(&parcel.body).unwrap_or_default();
            let ask = ToRecords::Notice(tenant, notice);
            match call::<Value>(env, &ObjectRef::Records(tenant), ask).await {
                Ok(_) => Outcome::from_status(200, None),
                Err(error) => {
                    worker::console_error!("keeping a notice: {error}");
                    Outcome::Unreachable(Cause::Other)
                }
            }
        }
    };
    Sent { outcome, duration: js::now().since(now) }
}

/// Mails a notice by the binding, if the deployment has one.
async fn by_mail(env: &Env, target: &Target, to: &[String], body: &[u8]) -> Outcome {
    let notice: Value = crate::json::parse_bytes(body).unwrap_or_default();
    let text = |name: &str| notice[name].as_str().unwrap_or_default().to_owned();
    let message = target.endpoint.message.as_ref();
    let from = message.and_then(|message| message.from.clone()).unwrap_or_default();
    match js::mail(env, &from, &to.join(","), &text("subject"), &text("text")).await {
        Ok(()) => Outcome::from_status(200, None),
        Err(error) => {
            worker::console_error!("mailing a notice: {error}");
            Outcome::Unreachable(Cause::Other)
        }
    }
}

/// Signs a parcel and posts it.
async fn by_http(
    target: &Target,
    url: &HttpUrl,
    signer: &Signer,
    parcel: &Parcel<'_>,
    now: UnixMillis,
) -> Outcome {
    let id = parcel.id.to_string();
    let outgoing = Outgoing { method: "POST", headers: &[], body: &parcel.body, id: &id };
    let signed = match signer.sign(&outgoing, now) {
        Ok(signed) => signed,
        Err(error) => {
            // Settings are checked when they are made, so this is a defect, not a receiver's fault.
            worker::console_error!("a delivery could not be signed: {error}");
            return Outcome::Unreachable(Cause::Other);
        }
    };
    let mut headers = String::with_capacity(512);
    let url = signed.url(url.as_str());
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
    let verdict = match target.endpoint.format {
        Format::Notice(place) => place.verdict(),
        _ => None,
    };
    let post = Post {
        url: &url,
        headers: &headers,
        body: &parcel.body,
        timeout: Millis::from_secs(target.endpoint.timeout_s),
        longest_answer: READ_ANSWER,
        verdict: verdict.unwrap_or_default(),
    };
    match post.send().await {
        Ok(answer) if answer.refused => Outcome::Refused { status: answer.status },
        Ok(answer) => Outcome::from_status(answer.status, retry_after(&answer)),
        Err(thrown) => Outcome::Unreachable(cause(&thrown)),
    }
}

/// Sends a test event that belongs to no channel.
pub(crate) async fn test(env: &Env, tenant: TenantId, target: &Target, now: UnixMillis) -> Sent {
    let id = EventId::of(ChannelNumber([0; 8]), Seq(now.0));
    let document = json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": "dev.livegate.test",
        "time": now.to_string(), "datacontenttype": "application/json",
        "data": { "message": "livegate can reach this endpoint" },
    });
    let (content_type, body) = match target.endpoint.format {
        Format::CloudEvents => (cloudevents::CONTENT_TYPE, document),
        Format::Notice(place) => {
            let text = "livegate can reach this endpoint".to_owned();
            let notice = Notice { subject: "A test".to_owned(), text };
            let message = target.endpoint.message.clone().unwrap_or_default();
            (JSON, notice.body(place, &message))
        }
        Format::Raw | Format::Dialect(_) => {
            let message = document["data"].to_string();
            (JSON, json!({ "event_type": "LIVEGATE_TEST", "message": message }))
        }
    };
    let parcel = Parcel { id, content_type, body: body.to_string().into_bytes().into() };
    send(env, tenant, target, &parcel, now).await
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
