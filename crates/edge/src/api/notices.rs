//! `/api/v1/notices`: what the tenant's `live_notify_config` has the gateway tell people here.

use serde_json::Value;
use web_sys::Response;
use worker::Env;

use super::{cursor, limit, not_allowed, page, records_of};
use crate::auth::Caller;
use crate::document::given;
use crate::error::{Problem, Result};
use crate::http::{self, Incoming};
use crate::objects::call;
use crate::objects::contract::ToRecords;
use crate::wire::Page;

given! {
    struct Read {
        /// The `seq` of the newest notice that was read.
        up_to: u64,
    }
}

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
) -> Result<Response> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let ask = ToRecords::Notices(cursor(request)?, limit(request)?);
            let found: Page = call(env, &records_of(caller), ask).await?;
            page(found.items, found.next.as_deref())
        }
        ("POST", ["read"]) => {
            let Read { up_to } = request.json().await?;
            call::<Value>(env, &records_of(caller), ToRecords::ReadNotices(up_to)).await?;
            http::empty(204)
        }
        (_, []) => Err(not_allowed("GET")),
        (_, ["read"]) => Err(not_allowed("POST")),
        _ => Err(Problem::not_found("route").into()),
    }
}
