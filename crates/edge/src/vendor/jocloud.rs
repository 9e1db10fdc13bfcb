//! Jocloud's `startrtmp` and `stoprtmp`: `{prefix}/{appid}/v2/rtmpforward/…`, the prefix a setting of
//! the deployment, since the vendor's documents give two.
//!
//! What the vendor answers is documented for a sibling alone: `{code, message, traceId}`, 0 for
//! success; codes of failures here are the HTTP statuses.

use livegate_core::config::Violations;
use livegate_core::id::token_hash;
use livegate_core::relay::Task;
use livegate_core::relay::jocloud::{self, Rules};
use livegate_core::scheme::request::basic;
use livegate_core::url::egress::check;
use serde_json::json;
use web_sys::Response;
use worker::Env;

use super::stored::Tenant;
use super::tasks;
use crate::api::settings::ID;
use crate::credentials::{self, Part};
use crate::error::{Error, Problem, Result};
use crate::http::{self, Incoming};
use crate::objects::contract::Started;
use crate::objects::tenant::Kind;
use crate::{compile, js};

const VENDOR: &str = "jocloud";

/// How many tasks of a sort an application may have.
const MOST: u64 = 200;

/// The longest trace id that is repeated.
const LONGEST_TRACE: usize = 128;

/// The rest of the path, if this is a call of the vendor's.
pub(crate) fn is_call<'a>(env: &Env, path: &'a str) -> Option<&'a str> {
    let prefix = js::setting(env, "JOCLOUD_PREFIX");
    let prefix = if prefix.is_empty() { "/app" } else { prefix.trim_end_matches('/') };
    path.strip_prefix(prefix)?.strip_prefix('/')
}

/// Answers a call of the vendor's API.
pub(crate) async fn serve(env: &Env, request: &Incoming, rest: &str) -> Result<Response> {
    let trace = request.param("traceId").unwrap_or_default();
    let trace: String = trace.chars().filter(|c| !c.is_control()).take(LONGEST_TRACE).collect();
    let (status, code, message) = match route(env, request, rest).await {
        Ok(()) => (200, 0, "success".to_owned()),
        Err(error) => {
            if let Some(what) = error.failure() {
                worker::console_error!("jocloud: {what}");
            }
            let problem = error.into_problem();
            let status = if problem.status == 422 { 400 } else { problem.status };
            (status, status, problem.detail)
        }
    };
    http::json(status, &json!({ "code": code, "message": message, "traceId": trace }))
}

async fn route(env: &Env, request: &Incoming, rest: &str) -> Result<()> {
    let unauthorized = || {
        Problem::new(401, "auth.required", "send `token: Basic base64(restful_id:restful_secret)`")
    };
    let header = request.header("token").ok_or_else(unauthorized)?;
    let given = basic::read(&header).map_err(|_| unauthorized())?;
    let now = js::now();
    let known = credentials::known(env, Part::RestfulId, &given.id, now).await?;
    // Hashes are compared, so time tells nothing of the secret.
    let known = known.filter(|known| known.secret == token_hash(&given.secret));
    let tenant = Tenant { env, id: known.ok_or_else(unauthorized)?.tenant };
    let path: Vec<&str> = rest.split('/').collect();
    let unsupported = || Problem::new(404, "request.not_found", "the API is not supported here");
    let [app, "v2", "rtmpforward", operation @ ("startrtmp" | "stoprtmp")] = path.as_slice() else {
        return Err(unsupported().into());
    };
    if request.method != "POST" {
        return Err(Problem::new(405, "request.method_not_allowed", "this takes POST").into());
    }
    if !tenant.has_app(app).await? {
        return Err(Problem::new(403, "auth.other_app", "the appid is not the caller's").into());
    }
    let body = request.body().await?;
    let same = |named: &str| {
        if named == *app { Ok(()) } else { Err(bad("appid is not that of the path")) }
    };
    let settings = tenant.document(Kind::Settings, ID).await?.unwrap_or_default();
    let names = settings["jocloud_names"].as_object();
    let names: Vec<(&str, &str)> = names
        .into_iter()
        .flatten()
        .filter_map(|(sent, ours)| Some((sent.as_str(), ours.as_str()?)))
        .collect();
    let rules = Rules { names: &names };
    if *operation == "stoprtmp" {
        let (named, id) = jocloud::stop_with(&body, rules).map_err(|found| violations(&found))?;
        same(&named)?;
        if tasks::stop(&tenant, VENDOR, app, &id).await? {
            return Ok(());
        }
        return Err(Problem::new(404, "request.not_found", "there is no such task").into());
    }
    let task = jocloud::start(&body, rules).map_err(|found| violations(&found))?;
    same(&task.app_id)?;
    start(&tenant, &task, now).await
}

/// Starts a task, or changes the one of its id.
async fn start(
    tenant: &Tenant<'_>,
    task: &Task,
    now: livegate_core::time::UnixMillis,
) -> Result<()> {
    let egress = compile::relay_egress(tenant.env);
    if task.targets.iter().any(|target| check(target.as_http(), egress).is_err()) {
        return Err(bad("rtmpurl has an address that cannot be pushed to"));
    }
    let ask =
        tasks::Ask { vendor: VENDOR, app: &task.app_id, task: &task.id, most: MOST, change: None };
    match tasks::start(tenant, &ask, task, now).await? {
        Started::Address(index, _, _) => {
            Err(bad(&format!("address {} of rtmpurl is another task's", index + 1)))
        }
        Started::Quota => {
            Err(Problem::new(403, "relay.quota", "the application has as many tasks as it may")
                .into())
        }
        _ => Ok(()),
    }
}

fn bad(what: &str) -> Error {
    Problem::new(400, "request.invalid", what).into()
}

fn violations(violations: &Violations) -> Error {
    let all: Vec<String> =
        violations.iter().map(|one| format!("{} {}", one.path, one.problem)).collect();
    bad(&all.join("; "))
}
