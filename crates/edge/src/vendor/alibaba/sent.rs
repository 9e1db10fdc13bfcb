//! What was sent to ARTC's subscribers: the records of the deliveries, with what was delivered.

use livegate_core::config::alibaba::SentQuery;
use livegate_core::id::EventId;
use livegate_core::time::UnixMillis;
use serde_json::Value;

use super::Call;
use crate::error::Result;
use crate::js;
use crate::objects::contract::{ToChannel, ToRecords};
use crate::objects::tenant::Kind;
use crate::objects::{ObjectRef, call};
use crate::vendor::managed;
use crate::wire;

/// How many attempts are asked for at a time, and how often for one page: what lies further back is
/// found by a narrower time.
const A_TIME: u64 = 200;
const TIMES: u32 = 50;

/// One attempt.
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) sub: String,
    pub(super) url: String,
    /// The HTTP status; 0 without an answer.
    pub(super) code: u64,
    /// In milliseconds.
    pub(super) cost: u64,
    pub(super) data: String,
    pub(super) at: UnixMillis,
}

/// A page of attempts, newest first.
pub(super) struct Page {
    pub(super) sent: Vec<Sent>,
    pub(super) more: bool,
}

/// Attempts to deliver to these subscriptions.
pub(super) async fn page(
    asked: &Call<'_>,
    kind: Kind,
    subs: &[Value],
    query: &SentQuery,
) -> Result<Page> {
    let id = |sub: &Value| {
        let id = if kind == Kind::MpuSub { &sub["AppId"] } else { &sub["SubId"] };
        let marker = kind.marker(id.as_str().unwrap_or_default());
        managed::endpoint_id(asked.tenant.id, &marker).to_string()
    };
    let endpoints: Vec<(String, &Value)> = subs.iter().map(|sub| (id(sub), sub)).collect();
    let (mut skip, size) = (query.page.offset(), query.page.size as usize);
    let mut found = Vec::new();
    let mut cursor = None;
    let records = ObjectRef::Records(asked.tenant.id);
    for _ in 0..TIMES {
        if endpoints.is_empty() || found.len() > size {
            break;
        }
        let ask = ToRecords::Deliveries(wire::Query {
            endpoint: Some(
                endpoints.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(","),
            ),
            since: Some(query.start.0),
            until: Some(query.end.0),
            cursor: cursor.take(),
            limit: A_TIME,
            ..wire::Query::default()
        });
        let page: wire::Page = call(asked.tenant.env, &records, ask).await?;
        for attempt in page.items {
            if skip > 0 {
                skip -= 1;
            } else if found.len() <= size {
                found.push(attempt);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let more = found.len() > size;
    found.truncate(size);
    let mut sent = Vec::new();
    for attempt in found {
        let endpoint = attempt["endpoint"].as_str().unwrap_or_default();
        let Some((_, sub)) = endpoints.iter().find(|(id, _)| id == endpoint) else { continue };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let event = text(&attempt["event"]);
        sent.push(Sent {
            data: body(asked, &text(&attempt["channel"]), &event, endpoint).await?,
            id: event,
            sub: text(&sub["SubId"]),
            url: text(&sub["CallbackUrl"]),
            code: attempt["code"].as_u64().unwrap_or(0),
            cost: attempt["duration_ms"].as_u64().unwrap_or(0),
            at: UnixMillis(js::millis(&text(&attempt["at"]))),
        });
    }
    Ok(Page { sent, more })
}

/// What an endpoint is sent of an event; empty if that is no longer there.
async fn body(asked: &Call<'_>, channel: &str, event: &str, endpoint: &str) -> Result<String> {
    let Ok(id) = EventId::parse(event) else { return Ok(String::new()) };
    let ask = ToChannel::Body(id.place().1, endpoint.to_owned());
    let object = ObjectRef::Channel(asked.tenant.id, channel);
    let body: Option<String> = call(asked.tenant.env, &object, ask).await?;
    Ok(body.unwrap_or_default())
}
