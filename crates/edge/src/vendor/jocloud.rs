//! Jocloud's `startrtmp` and `stoprtmp`: `{prefix}/{appid}/v2/rtmpforward/…`, the prefix a setting of
//! the deployment, since the vendor's documents give two. What is answered is the core's.

use livegate_core::id::token_hash;
use livegate_core::relay::Task;
use livegate_core::relay::jocloud::{self, Operation, Refusal, Rules};
use livegate_core::scheme::request::basic;
use livegate_core::time::UnixMillis;
use livegate_core::url::egress::check;
use web_sys::Response;
use worker::Env;

use super::stored::Tenant;
use super::tasks;
use crate::api::settings::ID;
use crate::credentials::{self, Part};
use crate::error::{Error, Result};
use crate::http::{self, Incoming};
use crate::objects::contract::Started;
use crate::objects::tenant::Kind;
use crate::{compile, js};

const VENDOR: &str = "jocloud";

/// The rest of the path, if this is a call of the vendor's.
pub(crate) fn is_call<'a>(env: &Env, path: &'a str) -> Option<&'a str> {
    let prefix = js::setting(env, "JOCLOUD_PREFIX");
    let prefix = if prefix.is_empty() { "/app" } else { prefix.trim_end_matches('/') };
    path.strip_prefix(prefix)?.strip_prefix('/')
}

/// Answers a call of the vendor's API.
pub(crate) async fn serve(env: &Env, request: &Incoming, rest: &str) -> Result<Response> {
    let done = carry_out(env, request, rest).await;
    let trace = request.param("traceId").unwrap_or_default();
    let (status, answer) = jocloud::answer(&done, &trace);
    http::json(status, &answer)
}

async fn carry_out(env: &Env, request: &Incoming, rest: &str) -> Result<(), Refusal> {
    let given = request.header("token").and_then(|header| basic::read(&header).ok());
    let given = given.ok_or(Refusal::Unauthorized)?;
    let now = js::now();
    let known = credentials::known(env, Part::RestfulId, &given.id, now).await.map_err(failed)?;
    // Hashes are compared, so time tells nothing of the secret.
    let known = known.filter(|known| known.secret == token_hash(&given.secret));
    let tenant = Tenant { env, id: known.ok_or(Refusal::Unauthorized)?.tenant };
    let path: Vec<&str> = rest.split('/').collect();
    let (app, operation) = jocloud::route(&request.method, &path)?;
    if !tenant.has_app(app).await.map_err(failed)? {
        return Err(Refusal::OtherApp);
    }
    let body = request.body().await.map_err(failed)?;
    let settings = tenant.document(Kind::Settings, ID).await.map_err(failed)?.unwrap_or_default();
    let names = settings["jocloud_names"].as_object();
    let names: Vec<(&str, &str)> = names
        .into_iter()
        .flatten()
        .filter_map(|(sent, ours)| Some((sent.as_str(), ours.as_str()?)))
        .collect();
    let rules = Rules { names: &names };
    match operation {
        Operation::Start => {
            let task = jocloud::start(&body, rules)?;
            jocloud::same_app(app, &task.app_id)?;
            start(&tenant, &task, now).await
        }
        Operation::Stop => {
            let (named, id) = jocloud::stop_with(&body, rules)?;
            jocloud::same_app(app, &named)?;
            let stopped = tasks::stop(&tenant, VENDOR, app, &id).await;
            if stopped.map_err(failed)? { Ok(()) } else { Err(Refusal::NoTask) }
        }
    }
}

/// Starts a task, or changes the one of its id.
async fn start(tenant: &Tenant<'_>, task: &Task, now: UnixMillis) -> Result<(), Refusal> {
    let egress = compile::relay_egress(tenant.env);
    if task.targets.iter().any(|target| check(target.as_http(), egress).is_err()) {
        return Err(Refusal::Forbidden);
    }
    let ask = tasks::Ask {
        vendor: VENDOR,
        app: &task.app_id,
        task: &task.id,
        most: u64::from(jocloud::MAX_TASKS),
        change: None,
    };
    let started = tasks::start(tenant, &ask, task, now).await;
    match started.map_err(failed)? {
        Started::Address(index, _, _) => {
            Err(Refusal::Address { index: usize::try_from(index).unwrap_or(usize::MAX) })
        }
        Started::Quota => Err(Refusal::Quota),
        _ => Ok(()),
    }
}

/// A problem is told with its own status; what the runtime did is logged and told no more of.
fn failed(error: Error) -> Refusal {
    if let Some(what) = error.failure() {
        worker::console_error!("jocloud: {what}");
        return Refusal::Internal;
    }
    let problem = error.into_problem();
    Refusal::Unread { status: problem.status, detail: problem.detail }
}
