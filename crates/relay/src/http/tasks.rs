//! `/api/v1/relay-tasks`: the native API of relay tasks. Addresses are shown masked.
//!
//! A task is named by `{origin}/{app}/{id}`; an id may have slashes of its own.

use hyper::Method;
use hyper::body::Incoming;
use livegate_core::dialect::redact;
use livegate_core::error::Coded;
use livegate_core::relay::Conflict;
use livegate_core::relay::native;
use livegate_core::relay::push::{Cause, PushState};
use livegate_core::relay::task::{Origin, Task};
use livegate_core::time::UnixMillis;
use livegate_core::url::egress::check;
use serde_json::{Value, json};

use super::Host;
use super::answer::{Answer, Problem, empty, json};
use super::jocloud::runs;
use super::request::{self, Call};
use crate::task::{PushView, StartError, Started, TaskKey, TaskView};

/// What a task of livegate's own may be asked for.
const ONE: &str = "GET, HEAD, DELETE";

/// Answers.
pub(super) async fn serve(
    host: &Host,
    call: &Call,
    body: Incoming,
    rest: &[&str],
) -> Result<Answer, Problem> {
    match (&call.method, rest) {
        (&Method::GET | &Method::HEAD, []) => list(host, call),
        (&Method::POST, []) => {
            let body = request::body(body, &call.headers, host.patience.body).await?;
            start(host, &body).await
        }
        (_, []) => Err(Problem::method("GET, HEAD, POST")),
        (&Method::POST, [origin, app, id @ .., "sei"]) if !id.is_empty() => {
            let key = key(origin, app, id)?;
            let body = request::body(body, &call.headers, host.patience.body).await?;
            let message = native::set_sei(&body).map_err(|found| Problem::invalid(&found))?;
            let done = host.tasks.set_sei(&key, message).await.map_err(refused)?;
            if done { Ok(empty(204)) } else { Err(no_task()) }
        }
        (method, [origin, app, id @ ..]) if !id.is_empty() => {
            let key = key(origin, app, id)?;
            match method {
                &Method::GET | &Method::HEAD => {
                    let view = host.tasks.show(&key).ok_or_else(no_task)?;
                    Ok(json(200, &shown(&view)))
                }
                &Method::DELETE => {
                    let was = host.tasks.stop(&key, Cause::Stopped).await.map_err(refused)?;
                    if was { Ok(empty(204)) } else { Err(no_task()) }
                }
                _ => Err(Problem::method(ONE)),
            }
        }
        _ => Err(Problem::not_found("route")),
    }
}

fn no_task() -> Problem {
    Problem::not_found("relay task")
}

fn key(origin: &str, app: &str, id: &[&str]) -> Result<TaskKey, Problem> {
    let origin = Origin::from_name(origin).ok_or_else(no_task)?;
    Ok(TaskKey { origin, app: app.to_owned(), id: id.join("/") })
}

/// The tasks that run, and those that ended of late; `app`, `channel` and `state` choose among them.
fn list(host: &Host, call: &Call) -> Result<Answer, Problem> {
    let state = call.param("state");
    if let Some(state) = state
        && !["running", "ended"].contains(&state)
    {
        return Err(Problem::parameter("state", "running or ended"));
    }
    let is_asked_for = |view: &TaskView| {
        call.param("app").is_none_or(|app| app == view.task.app_id)
            && call.param("channel").is_none_or(|channel| channel == view.task.channel)
            && state.is_none_or(|state| (state == "running") == runs(view.state))
    };
    let mut all = host.tasks.list();
    all.retain(is_asked_for);
    all.sort_by_cached_key(|view| TaskKey::of(&view.task));
    let items: Vec<Value> = all.iter().map(shown).collect();
    Ok(json(200, &json!({ "items": items, "next": null })))
}

/// Starts a task, or makes the one of its id what was sent.
async fn start(host: &Host, body: &[u8]) -> Result<Answer, Problem> {
    let task = native::start(body).map_err(|found| Problem::invalid(&found))?;
    allowed(host, &task)?;
    if host.credentials.now().application(&task.app_id).is_none() {
        return Err(Problem::not_found("application on this host"));
    }
    let key = TaskKey::of(&task);
    let started = host.tasks.start(task).await.map_err(refused)?;
    let status = if started == Started::New { 201 } else { 200 };
    let view = host.tasks.show(&key);
    // It may have ended already; that it was started is true all the same.
    Ok(json(
        status,
        &view.map_or_else(|| json!({ "id": key.id, "app_id": key.app }), |view| shown(&view)),
    ))
}

/// Whether every address may be called from here.
fn allowed(host: &Host, task: &Task) -> Result<(), Problem> {
    let targets = task.targets.iter().enumerate();
    let named = targets.map(|(index, url)| (format!("targets[{index}]"), url));
    let all = named.chain(task.pull.iter().map(|url| ("pull".to_owned(), url)));
    let wrong: Vec<Value> = all
        .filter_map(|(path, url)| {
            let refusal = check(url.as_http(), host.egress).err()?;
            let code = refusal.code().as_str();
            // Whoever may call this API runs the host.
            let detail = match code {
                "url.address_not_public" | "url.name_not_public" => {
                    format!("{refusal}; a host with --private-networks goes there")
                }
                _ => refusal.to_string(),
            };
            Some(json!({ "path": path, "code": code, "detail": detail }))
        })
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let detail = "an address cannot be reached from this host";
    Err(Problem::new(422, "request.invalid", detail).with(wrong.into()))
}

fn refused(error: StartError) -> Problem {
    let (code, detail) = (error.code().as_str(), error.to_string());
    match error {
        StartError::Addresses(conflicts) => {
            let violation = |one: &Conflict| {
                let path = format!("targets[{}]", one.index);
                json!({ "path": path, "code": one.code().as_str(), "detail": one.to_string() })
            };
            let violations: Value = conflicts.iter().map(violation).collect();
            Problem::new(409, code, "a push address is not free").with(violations)
        }
        StartError::Quota(_) => Problem::new(409, code, detail),
        StartError::Unsupported => Problem::new(501, code, detail),
        StartError::Store(_) | StartError::Unkept(_) | StartError::Stopping => {
            Problem::new(503, code, detail)
        }
    }
}

/// A task, its addresses masked.
fn shown(view: &TaskView) -> Value {
    let mut task = native::show(&view.task);
    for name in ["targets", "pull"] {
        match task.get_mut(name) {
            Some(Value::Array(urls)) => urls.iter_mut().for_each(mask),
            Some(url) => mask(url),
            None => {}
        }
    }
    json!({
        "vendor": view.task.origin.as_str(),
        "app_id": view.task.app_id,
        "id": view.task.id,
        "channel": view.task.channel,
        "state": view.state.as_str(),
        "created_at": time(view.began_at),
        "ended_at": view.ended.map(|(_, at)| time(at)),
        "code": view.ended.map(|(cause, _)| cause.code().as_str()),
        "exit": view.exit,
        "task": task,
        "pushes": view.pushes.iter().map(push).collect::<Value>(),
    })
}

fn mask(url: &mut Value) {
    let shown = url.as_str().map(|url| redact::push_url(url).into_owned());
    *url = shown.unwrap_or_else(|| redact::MASK.to_owned()).into();
}

/// A push: how it is doing, and whether bytes move.
fn push(push: &PushView) -> Value {
    let PushView { url, status, sent, dropped } = push;
    json!({
        "address": redact::push_url(url),
        "state": status.state.map(PushState::as_str),
        "is_pushing": status.is_pushing,
        "since": time(status.since),
        "code": status.cause.map(|cause| cause.code().as_str()),
        "reason": status.cause.map(|cause| cause.to_string()),
        "attempt": status.attempt,
        "next_try": status.next_try.map(time),
        "moved_at": status.moved_at.map(time),
        "bytes": sent,
        "bytes_unacknowledged": status.progress.unacked,
        "bytes_queued": status.progress.queued,
        "dropped": {
            "skips": dropped.skips,
            "video": dropped.video,
            "audio": dropped.audio,
            "bytes": dropped.bytes,
        },
    })
}

fn time(at: UnixMillis) -> String {
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::task::{PushView, TaskView};
    use livegate_core::relay::lifecycle::TaskState;
    use livegate_core::relay::native;
    use livegate_core::relay::push::{Cause, Push, PushSettings, Transport};
    use livegate_core::relay::queue::Dropped;
    use livegate_core::time::UnixMillis;
    use serde_json::json;

    #[test]
    fn a_task_is_shown_without_its_secrets() {
        let url = "rtmp://a.example.com/live/s3cr3t-key?token=t0ps3cr3t";
        let body = json!({
            "app_id": "live", "id": "t1", "channel": "room1", "user": "ann", "targets": [url],
            "pull": "rtmp://b.example.com/live/s3cr3t-too", "failover": "stay",
        });
        let task = native::start(body.to_string().as_bytes()).unwrap();
        let at = UnixMillis(1_725_928_200_000);
        let push = Push::new(PushSettings::default(), Transport::Plain, at);
        let pushes = vec![PushView {
            url: url.to_owned(),
            status: push.status(at),
            sent: 5,
            dropped: Dropped::default(),
        }];
        let ended = Some((Cause::Stopped, at));
        let state = TaskState::StoppedByUser;
        let view = shown(&TaskView { task, state, ended, exit: None, began_at: at, pushes });
        assert!(!view.to_string().contains("s3cr3t"), "{view}");
        assert_eq!(view["task"]["targets"][0], "rtmp://a.example.com/live/***?token=***");
        assert_eq!(view["created_at"], "2024-09-10T00:30:00.000Z");
        assert_eq!(view["code"], "push.stopped");
        assert_eq!(view["pushes"][0]["bytes"], 5);
        assert_eq!(view["pushes"][0]["is_pushing"], false);
    }
}
