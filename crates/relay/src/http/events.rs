//! `/api/v1/events`: state events that a receiver refused for good, and telling them again;
//! `/api/v1/receivers`: how it goes with each.

use hyper::Method;
use livegate_core::error::Coded as _;
use serde_json::{Value, json};

use super::Host;
use super::answer::{Answer, Problem, json};
use super::request::Call;
use crate::callback::{Callbacks, Figures};
use crate::store::{Aside, StoreError};

/// Answers.
pub(super) async fn serve(host: &Host, call: &Call, rest: &[&str]) -> Result<Answer, Problem> {
    match (&call.method, rest) {
        (&Method::GET | &Method::HEAD, []) => list(host, call).await,
        (_, []) => Err(Problem::method("GET, HEAD")),
        (&Method::POST, ["replay"]) => replay(host, call, None).await,
        (&Method::POST, [id, "replay"]) => replay(host, call, Some(id)).await,
        (_, ["replay"] | [_, "replay"]) => Err(Problem::method("POST")),
        _ => Err(Problem::not_found("route")),
    }
}

/// What was put aside, the newest first; `app` and `channel` choose.
async fn list(host: &Host, call: &Call) -> Result<Answer, Problem> {
    if call.param("state").is_some_and(|state| state != "put_aside") {
        return Err(Problem::parameter("state", "put_aside: others are not listed"));
    }
    let items: Vec<Value> = chosen(host, call, None).await?.iter().map(shown).collect();
    Ok(json(200, &json!({ "items": items, "next": null })))
}

/// Has one event told again, or all that are chosen; where nobody is told any more, none.
async fn replay(host: &Host, call: &Call, id: Option<&str>) -> Result<Answer, Problem> {
    let mut all = chosen(host, call, id).await?;
    if id.is_some() && all.is_empty() {
        return Err(Problem::not_found("event that was put aside"));
    }
    let wants = |app: &str| host.callbacks.as_ref().is_some_and(|all| all.wants(app));
    let had_some = !all.is_empty();
    all.retain(|event| wants(&event.app));
    if had_some && all.is_empty() {
        let detail = "nobody is told what happens in the application";
        return Err(Problem::new(409, "host.no_receiver", detail));
    }
    // As they happened.
    let ids = all.into_iter().rev().map(|event| event.id).collect();
    let queued = host.store.tell_again(ids).await.map_err(|error| failed(&error))?;
    Ok(json(200, &json!({ "queued": queued })))
}

async fn chosen(host: &Host, call: &Call, id: Option<&str>) -> Result<Vec<Aside>, Problem> {
    let all = host.store.aside(call.param("app"), id).await;
    let mut all = all.map_err(|error| failed(&error))?;
    all.retain(|event| call.param("channel").is_none_or(|channel| channel == event.channel));
    Ok(all)
}

fn failed(error: &StoreError) -> Problem {
    Problem::new(503, error.code().as_str(), error.to_string())
}

/// Secrets are masked in the body.
fn shown(event: &Aside) -> Value {
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    json!({
        "id": event.id,
        "state": "put_aside",
        "receiver": event.receiver,
        "app": event.app,
        "channel": event.channel,
        "kind": body["type"],
        "accepted_at": event.at.to_string(),
        "put_aside_at": event.aside_at.to_string(),
        "code": event.code,
        "body": body,
    })
}

/// Answers how it goes with each receiver.
pub(super) fn receivers(host: &Host) -> Answer {
    let figures = host.callbacks.as_ref().map(Callbacks::figures).unwrap_or_default();
    let items: Vec<Value> = figures.iter().map(receiver).collect();
    json(200, &json!({ "items": items, "next": null }))
}

fn receiver(figures: &Figures) -> Value {
    json!({
        "receiver": if figures.app.is_some() { "callback" } else { "gateway" },
        "app": figures.app,
        "waiting": figures.waiting,
        "delivered": figures.delivered,
        "skipped": figures.skipped,
        "failed": figures.failed,
        "put_aside": figures.put_aside,
        "expired": figures.expired,
        "failing": figures.failing.map(|(code, at)| {
            json!({ "code": code.as_str(), "at": at.to_string() })
        }),
    })
}
