//! Huawei `MetaStudio`'s API, as far as it configures lives, their callbacks and their relays.
//!
//! Every answer has an `X-Request-Id`; what goes wrong is `{error_code, error_msg}`.

mod callback;
mod fault;
mod user_config;

use livegate_core::id::{TenantId, token_hash};
use livegate_core::scheme::request::RequestError;
use livegate_core::time::UnixMillis;
use serde_json::Value;
use web_sys::Response;
use worker::Env;

use super::signed::{self, Refused};
use super::stored::Tenant;
use crate::credentials::{self, Part};
use crate::error::{Error, Result};
use crate::http::Incoming;
use crate::js;
use crate::objects::tenant::Kind;

const TOKEN: &str = "the token is not valid, or not any more";
const UNSIGNED: &str = "sign the request with an access key, or send an X-Auth-Token";
const KEY: &str = "the access key does not exist, or the signature is not its own";

/// Answers a call of the vendor's API.
pub(crate) async fn serve(env: &Env, request: &Incoming) -> Result<Response> {
    let answer = match route(env, request).await {
        Ok(answer) => answer,
        Err(error) => fault::answer(error)?,
    };
    let id = hex::encode(js::random::<16>()?);
    answer.headers().set("X-Request-Id", &id).map_err(Error::js)?;
    Ok(answer)
}

/// A call that was let in.
struct Call<'a> {
    tenant: Tenant<'a>,
    request: &'a Incoming,
    body: Vec<u8>,
    now: UnixMillis,
}

async fn route(env: &Env, request: &Incoming) -> Result<Response> {
    let now = js::now();
    let body = request.body().await?;
    let id = authenticate(env, request, &body, now).await?;
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let ["v1", project, rest @ ..] = path.as_slice() else { return Err(fault::unsupported()) };
    if *project != credentials::project_id(id) {
        return Err(fault::other_tenant());
    }
    let call = Call { tenant: Tenant { env, id }, request, body, now };
    match (request.method.as_str(), rest) {
        ("GET", ["smart-live-configs", "user-config"]) => user_config::show(&call).await,
        ("PUT", ["smart-live-configs", "user-config"]) => user_config::update(&call).await,
        (_, ["smart-live-configs", "user-config"]) => Err(fault::method()),
        _ => Err(fault::unsupported()),
    }
}

/// The tenant whose credential the call carries.
async fn authenticate(
    env: &Env,
    request: &Incoming,
    body: &[u8],
    now: UnixMillis,
) -> Result<TenantId> {
    if let Some(token) = request.header("x-auth-token") {
        let known = credentials::known(env, Part::AuthToken, &token_hash(&token), now).await?;
        return Ok(known.ok_or_else(|| fault::unauthorized(TOKEN))?.tenant);
    }
    let headers = request.headers();
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    match signed::tenant(env, &signed::request(request, &headers, body), now).await {
        Ok((tenant, _)) => Ok(tenant),
        Err(Refused::Claim(RequestError::Unsigned)) => Err(fault::unauthorized(UNSIGNED)),
        Err(Refused::Claim(error)) => Err(fault::unauthorized(&error.to_string())),
        Err(Refused::Key | Refused::Repeated) => Err(fault::unauthorized(KEY)),
        Err(Refused::Error(error)) => Err(error),
    }
}

impl Call<'_> {
    /// What the tenant set of what the vendor leaves open.
    async fn settings(&self) -> Result<Value> {
        Ok(self.tenant.document(Kind::Settings, "settings").await?.unwrap_or_default())
    }

    /// The body as a JSON object.
    fn object(&self) -> Result<Value> {
        let value: Value = crate::json::parse_bytes(&self.body).map_err(|_| fault::body())?;
        if value.is_object() { Ok(value) } else { Err(fault::body()) }
    }

    /// A number of the query within its bounds.
    fn number(
        &self,
        name: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64> {
        let Some(text) = self.request.param(name) else { return Ok(default) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            fault::parameter(name, &format!("should be {} to {}", range.start(), range.end()))
        })
    }
}
