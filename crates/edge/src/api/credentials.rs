//! `/api/v1/credentials`: what a tenant's vendor clients sign in with. The secrets of a set are shown in
//! the answer that makes it and nowhere else.

use livegate_core::id::TenantId;
use livegate_core::time::{Millis, UnixMillis};
use serde_json::Value;
use web_sys::Response;
use worker::Env;

use super::{not_allowed, page};
use crate::auth::Caller;
use crate::credentials::{self, Kept};
use crate::document::given;
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming};
use crate::objects::contract::ToDirectory;
use crate::objects::{ObjectRef, call};

/// For how long the sets before a rotation may still be good, and for how long they are where nothing
/// is said: a week and a day, as keys of sources and endpoints.
const MAX_GRACE_S: u64 = 604_800;
const GRACE_S: u64 = 86_400;

given! {
    struct Rotation {
        grace_s: Option<u64>,
    }
}

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
    now: UnixMillis,
) -> Result<Response> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let ask = ToDirectory::Credentials(caller.tenant);
            let sets: Vec<Kept> = call(env, &ObjectRef::Directory, ask).await?;
            let live = sets.iter().filter(|set| set.expires_at.is_none_or(|end| now < end));
            page(live.map(Kept::shown).collect(), None)
        }
        ("POST", []) => {
            let Rotation { grace_s } = request.json().await?;
            let grace_s = grace_s.unwrap_or(GRACE_S);
            if grace_s > MAX_GRACE_S {
                let detail = format!("at most {MAX_GRACE_S}");
                let violation = Violation::new("grace_s", "request.out_of_range", detail);
                return Err(Problem::invalid(vec![violation]).into());
            }
            let end = now.plus(Millis::from_secs(grace_s));
            http::json(201, &make(env, caller.tenant, Some(end), now).await?)
        }
        ("DELETE", [id]) => {
            let ask = ToDirectory::DropCredentials(caller.tenant, (*id).to_owned());
            call::<Value>(env, &ObjectRef::Directory, ask).await?;
            http::empty(204)
        }
        (_, []) => Err(not_allowed("GET and POST")),
        (_, [_]) => Err(not_allowed("DELETE")),
        _ => Err(Problem::not_found("route").into()),
    }
}

/// A new set of a tenant's, with its secrets; with a time, the others end then.
pub(super) async fn make(
    env: &Env,
    tenant: TenantId,
    others_end: Option<UnixMillis>,
    now: UnixMillis,
) -> Result<Value> {
    let (kept, shown) = credentials::mint(env, tenant, now).await?;
    let ask = ToDirectory::PutCredentials(Box::new(kept), others_end);
    call::<Value>(env, &ObjectRef::Directory, ask).await?;
    Ok(shown)
}
