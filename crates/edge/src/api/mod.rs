//! The native API: `/api/v1`, documented by `/api/openapi.json`.

mod applications;
mod credentials;
mod events;
mod notices;
mod records;
mod relay_hosts;
mod relay_tasks;
mod rooms;
pub(crate) mod settings;
mod tails;
mod tenants;
pub(crate) mod things;

use serde_json::{Value, json};
use web_sys::Response;
use worker::Env;

use crate::auth::{self, Caller};
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming};
use crate::js;
use crate::objects::tenant::Kind;

/// The document that describes this API.
const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The longest page.
const MAX_LIMIT: u64 = 200;

/// Answers a call of the API; whatever goes wrong is an RFC 9457 problem.
pub(crate) async fn serve(env: &Env, request: &Incoming) -> Result<Response> {
    match route(env, request).await {
        Ok(response) => Ok(response),
        Err(error) => {
            if let Some(what) = error.failure() {
                worker::console_error!("{} {}: {what}", request.method, request.path);
            }
            http::problem(&error.into_problem(), &request.path)
        }
    }
}

async fn route(env: &Env, request: &Incoming) -> Result<Response> {
    let now = js::now();
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let method = request.method.as_str();
    match path.as_slice() {
        ["api", "openapi.json"] => {
            return match method {
                "GET" => http::respond(200, "application/json", OPENAPI),
                _ => Err(not_allowed("GET")),
            };
        }
        ["api", "v1", "tenants", ..] => {
            auth::admin(env, request)?;
            return tenants::serve(env, request, path.get(3..).unwrap_or_default(), now).await;
        }
        ["api", "v1", "relay-hosts", "link"] if method == "GET" => {
            return relay_hosts::link(env, request).await;
        }
        ["api", "v1", "tail"] if method == "GET" => return tails::open(env, request, now).await,
        _ => {}
    }
    let caller = auth::caller(env, request, now).await?;
    let ["api", "v1", collection, rest @ ..] = path.as_slice() else {
        return Err(Problem::not_found("route").into());
    };
    let thing = match *collection {
        "sources" => Some(Kind::Source),
        "endpoints" => Some(Kind::Endpoint),
        "subscriptions" => Some(Kind::Subscription),
        _ => None,
    };
    if let Some(kind) = thing {
        return things::serve(env, &caller, request, kind, rest, now).await;
    }
    match *collection {
        "events" => events::serve(env, &caller, request, rest).await,
        "deliveries" | "rejections" | "replays" | "audit" => {
            records::serve(env, &caller, request, collection, rest).await
        }
        "notices" => notices::serve(env, &caller, request, rest).await,
        "settings" => settings::serve(env, &caller, request, rest).await,
        "applications" => applications::serve(env, &caller, request, rest).await,
        "relays" => relay_tasks::states(env, &caller, request, rest).await,
        "relay-tasks" => relay_tasks::serve(env, &caller, request, rest, now).await,
        "relay-hosts" => relay_hosts::serve(env, &caller, request, rest, now).await,
        "rooms" => rooms::serve(env, &caller, request, rest).await,
        "credentials" => credentials::serve(env, &caller, request, rest, now).await,
        "tickets" => tails::ticket(env, &caller, request, now).await,
        "tail" => Err(not_allowed("GET")),
        _ => Err(Problem::not_found("route").into()),
    }
}

fn not_allowed(allowed: &str) -> crate::error::Error {
    let detail = format!("this route takes {allowed}");
    Problem::new(405, "request.method_not_allowed", detail).into()
}

/// The `limit` that a caller asks for: 1 to 200, 50 if it asks for none.
fn limit(request: &Incoming) -> Result<u64> {
    let Some(text) = request.param("limit") else { return Ok(50) };
    match text.parse() {
        Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
        _ => Err(invalid("limit", format!("a limit is 1 to {MAX_LIMIT}"))),
    }
}

/// A list's position, where a page before this one gave it.
fn cursor(request: &Incoming) -> Result<Option<u64>> {
    let text = request.param("cursor");
    text.map(|text| text.parse().map_err(|_| no_cursor())).transpose()
}

fn no_cursor() -> crate::error::Error {
    invalid("cursor", "a cursor is the `next` of the page before".to_owned())
}

/// A time of a query: RFC 3339, or milliseconds since 1970.
fn time(request: &Incoming, name: &str) -> Result<Option<u64>> {
    let Some(text) = request.param(name) else { return Ok(None) };
    parse_time(name, &text).map(Some).map_err(|violation| Problem::invalid(vec![violation]).into())
}

/// No time in milliseconds that anybody means is below this: it is in March 1973, and in seconds
/// it would be in the year 5138.
const LEAST_MILLIS: u64 = 100_000_000_000;

/// A time as callers write it, at the parameter `name`.
fn parse_time(name: &str, text: &str) -> Result<u64, Violation> {
    let wrong = |detail: &str| Err(Violation::new(name, "request.parameter", detail));
    if let Ok(millis) = text.parse::<u64>() {
        return if millis < LEAST_MILLIS {
            wrong("a number is a time in milliseconds since 1970; this one looks like seconds")
        } else {
            Ok(millis)
        };
    }
    let parsed = js_sys::Date::parse(text);
    if parsed.is_finite() && parsed >= 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be finite and not negative; dates end at 8.64e15 ms"
        )]
        return Ok(parsed as u64);
    }
    wrong("a time is RFC 3339 or milliseconds since 1970")
}

fn invalid(path: &str, detail: String) -> crate::error::Error {
    let violation = Violation::new(path, "request.parameter", detail);
    Problem::invalid(vec![violation]).into()
}

/// A page of a list.
fn page(items: Vec<Value>, next: Option<&str>) -> Result<Response> {
    http::json(200, &json!({ "items": Value::Array(items), "next": next }))
}

/// What a caller was let in for, where a route needs an object of the tenant's.
fn found(document: Option<Value>, what: &str) -> Result<Value> {
    document.ok_or_else(|| Problem::not_found(what).into())
}

/// A caller's object is its own: the tenant is part of the object's name.
fn records_of(caller: &Caller) -> crate::objects::ObjectRef<'static> {
    crate::objects::ObjectRef::Records(caller.tenant)
}
