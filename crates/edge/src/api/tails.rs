//! `/api/v1/tickets` and `/api/v1/tail`: live tails, for browsers opened with a ticket.

use livegate_core::time::UnixMillis;
use serde_json::json;
use web_sys::Response;
use worker::Env;

use super::not_allowed;
use crate::auth::{self, Caller, Ticket};
use crate::document::given;
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming};
use crate::objects::{ObjectRef, forward};

given! {
    #[derive(Default)]
    struct Wanted {
        channel: Option<String>,
        source: Option<String>,
    }
}

/// Makes a ticket that opens one tail within the next minute.
pub(super) async fn ticket(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    now: UnixMillis,
) -> Result<Response> {
    if request.method != "POST" {
        return Err(not_allowed("POST"));
    }
    let Wanted { channel, source } = request.json().await?;
    let ticket = Ticket::new(caller.tenant, channel, source, now);
    let document = json!({
        "ticket": ticket.to_text(env)?,
        "expires_at": ticket.expires_at().to_string(),
    });
    http::json(201, &document)
}

/// The longest name that a dialect reads.
const LONGEST_NAME: usize = 256;

/// Opens a tail: of one channel in the channel's own sequence, of a source or the whole tenant in
/// that of the records.
pub(super) async fn open(env: &Env, request: &Incoming, now: UnixMillis) -> Result<Response> {
    let asked = Wanted { channel: request.param("channel"), source: request.param("source") };
    let (tenant, wanted) = match request.param("ticket") {
        Some(text) => {
            let ticket = Ticket::read(env, &text, now)?;
            let other = (asked.channel.is_some() && asked.channel != ticket.channel)
                || (asked.source.is_some() && asked.source != ticket.source);
            if other {
                let detail = "the ticket is for another channel or source";
                return Err(Problem::new(403, "auth.ticket_scope", detail).into());
            }
            (ticket.tenant, Wanted { channel: ticket.channel, source: ticket.source })
        }
        None => (auth::caller(env, request, now).await?.tenant, asked),
    };
    let mut violations = Vec::new();
    if request.param("after").is_some_and(|after| after.parse::<u64>().is_err()) {
        let detail = "a position is a whole number, as a tail gave it";
        violations.push(Violation::new("after", "request.parameter", detail));
    }
    if wanted.channel.as_ref().is_some_and(|name| name.is_empty() || name.len() > LONGEST_NAME) {
        let detail = "a channel's name has 1 to 256 bytes";
        violations.push(Violation::new("channel", "request.parameter", detail));
    }
    if !violations.is_empty() {
        return Err(Problem::invalid(violations).into());
    }
    let mut query = String::new();
    for (name, value) in [("source", wanted.source), ("after", request.param("after"))] {
        if let Some(value) = value {
            let value = js_sys::encode_uri_component(&value);
            query.extend([name, "=", &String::from(value), "&"]);
        }
    }
    match wanted.channel {
        Some(channel) => {
            let object = ObjectRef::Channel(tenant, &channel);
            let name = String::from(js_sys::encode_uri_component(&channel));
            let path = format!("/?{query}tenant={tenant}&channel={name}");
            forward(env, &object, &path, &request.raw).await
        }
        None => {
            forward(env, &ObjectRef::Records(tenant), &format!("/?{query}"), &request.raw).await
        }
    }
}
