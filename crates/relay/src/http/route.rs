//! Which handler a call is for, and whether its caller may.

use std::rc::Rc;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request};
use livegate_core::relay::credentials::Access;

use super::answer::{Answer, Problem, empty};
use super::request::Call;
use super::{Caller, Host, events, health, jocloud, metrics, play, streams, tasks};

/// Answers a call, whatever it is.
pub(super) async fn answer(host: &Rc<Host>, caller: &Caller, request: Request<Incoming>) -> Answer {
    let call = match Call::new(&request) {
        Ok(call) => call,
        Err(problem) => return problem.into_answer(request.uri().path()),
    };
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    if let ["live", app, file] = *path.as_slice() {
        return play::serve(host, caller, &call, request, (app, file)).await;
    }
    if let Some(rest) = after(&host.jocloud_prefix, &path) {
        return jocloud::serve(host, &call, request.into_body(), rest).await;
    }
    match own(host, &call, request, &path).await {
        Ok(answer) => answer,
        Err(problem) if call.method == Method::OPTIONS && problem.status == 405 => {
            allowed(problem, &call)
        }
        Err(problem) => problem.into_answer(&call.instance),
    }
}

/// What follows the prefix, if a path begins with it.
fn after<'p>(prefix: &[String], path: &'p [&'p str]) -> Option<&'p [&'p str]> {
    let (start, rest) = path.split_at_checked(prefix.len())?;
    (!prefix.is_empty() && start.iter().zip(prefix).all(|(part, own)| part == own)).then_some(rest)
}

/// The host's own routes.
async fn own(
    host: &Host,
    call: &Call,
    request: Request<Incoming>,
    path: &[&str],
) -> Result<Answer, Problem> {
    match path {
        ["healthz"] => {
            reads(call)?;
            Ok(health::serve(host).await)
        }
        ["metrics"] => {
            reads(call)?;
            if host.credentials.now().metrics == Access::Token {
                let_in(host, call)?;
            }
            Ok(metrics::serve(host))
        }
        ["api", "v1", "streams"] => {
            let_in(host, call)?;
            reads(call)?;
            Ok(streams::serve(host))
        }
        ["api", "v1", "receivers"] => {
            let_in(host, call)?;
            reads(call)?;
            Ok(events::receivers(host))
        }
        ["api", "v1", "events", rest @ ..] => {
            let_in(host, call)?;
            events::serve(host, call, rest).await
        }
        ["api", "v1", "relay-tasks", rest @ ..] => {
            let_in(host, call)?;
            tasks::serve(host, call, request.into_body(), rest).await
        }
        _ => Err(Problem::not_found("route")),
    }
}

/// Whether a call only reads.
fn reads(call: &Call) -> Result<(), Problem> {
    match call.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Problem::method("GET, HEAD")),
    }
}

/// Whether the caller has a token of the API.
fn let_in(host: &Host, call: &Call) -> Result<(), Problem> {
    let token = call.bearer().filter(|token| host.credentials.now().admit(token));
    let refused = || Problem::new(401, "auth.required", "send `authorization: Bearer TOKEN`");
    token.map(drop).ok_or_else(refused)
}

/// What `OPTIONS` is told: the methods of a route.
fn allowed(problem: Problem, call: &Call) -> Answer {
    let told = problem.into_answer(&call.instance);
    let mut answer = empty(204);
    let methods = told.headers().get(ALLOW).cloned();
    answer.headers_mut().insert(ALLOW, methods.unwrap_or(HeaderValue::from_static("GET")));
    answer
}
