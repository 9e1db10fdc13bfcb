//! Huawei `MetaStudio`'s API, as far as it configures lives, their callbacks and their relays.
//!
//! Every answer has an `X-Request-Id`; what goes wrong is `{error_code, error_msg}`.

mod callback;
mod fault;
mod jobs;
mod platforms;
mod products;
mod rooms;
mod user_config;

pub(crate) use self::jobs::Became;

use js_sys::Date;
use livegate_core::id::{TenantId, token_hash};
use livegate_core::scheme::request::RequestError;
use livegate_core::time::{Millis, UnixMillis};
use serde_json::Value;
use web_sys::Response;
use worker::Env;

use super::signed::{self, Refused};
use super::stored::Tenant;
use crate::credentials::{self, Part};
use crate::error::{Error, Result};
use crate::http::Incoming;
use crate::js;
use crate::objects::contract::{Match, Select};
use crate::objects::tenant::{Kind, Selected};

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

/// The paths below a project, and the operations that they have, by the vendor's names.
const ROUTES: &[(&str, &[(&str, &str)])] = &[
    (
        "smart-live-configs/user-config",
        &[("GET", "ShowSmartLiveUserConfig"), ("PUT", "UpdateSmartLiveUserConfig")],
    ),
    ("live-platforms/platforms", &[("POST", "CreateLivePlatform"), ("GET", "ListLivePlatforms")]),
    (
        "live-platforms/platforms/*",
        &[
            ("GET", "ShowLivePlatform"),
            ("PUT", "UpdateLivePlatform"),
            ("DELETE", "DeleteLivePlatform"),
        ],
    ),
    ("live-platforms/access-types", &[("GET", "ShowLivePlatformAccessType")]),
    ("live-platforms/products", &[("GET", "ListLivePlatformProducts")]),
    ("smart-live-rooms", &[("POST", "CreateSmartLiveRoom"), ("GET", "ListSmartLiveRooms")]),
    (
        "smart-live-rooms/*",
        &[
            ("GET", "ShowSmartLiveRoom"),
            ("PUT", "UpdateSmartLiveRoom"),
            ("DELETE", "DeleteSmartLiveRoom"),
        ],
    ),
    ("smart-live-jobs", &[("GET", "ListSmartLiveJobs")]),
    ("smart-live-rooms/*/smart-live-jobs", &[("POST", "StartSmartLive"), ("GET", "ListSmartLive")]),
    ("smart-live-rooms/*/smart-live-jobs/*", &[("GET", "ShowSmartLive")]),
    ("smart-live-rooms/*/smart-live-jobs/*/stop", &[("POST", "StopSmartLive")]),
    ("smart-live-rooms/*/smart-live-jobs/*/command", &[("POST", "ExecuteSmartLiveCommand")]),
];

/// The project, the operation and what its path names. Whether there is such an operation is no secret:
/// it is said before anybody has to sign anything.
fn find<'p>(method: &str, path: &'p str) -> Result<(&'p str, &'static str, Vec<&'p str>)> {
    let path: Vec<&str> = path.trim_matches('/').split('/').collect();
    let ["v1", project, rest @ ..] = path.as_slice() else { return Err(fault::unsupported()) };
    for (pattern, operations) in ROUTES {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let fits = pattern.len() == rest.len()
            && pattern.iter().zip(rest).all(|(wanted, has)| *wanted == "*" || wanted == has);
        if fits {
            let named = pattern.iter().zip(rest).filter(|(wanted, _)| **wanted == "*");
            let named = named.map(|(_, has)| *has).collect();
            let found = operations.iter().find(|(known, _)| *known == method);
            let (_, operation) = found.ok_or_else(fault::method)?;
            return Ok((project, operation, named));
        }
    }
    Err(fault::unsupported())
}

async fn route(env: &Env, request: &Incoming) -> Result<Response> {
    let now = js::now();
    let (project, operation, named) = find(&request.method, &request.path)?;
    let body = request.body().await?;
    let id = authenticate(env, request, &body, now).await?;
    if project != credentials::project_id(id) {
        return Err(fault::other_tenant());
    }
    let call = Call { tenant: Tenant { env, id }, request, body, now };
    let name = |at: usize| named.get(at).copied().unwrap_or_default();
    match operation {
        "ShowSmartLiveUserConfig" => user_config::show(&call).await,
        "UpdateSmartLiveUserConfig" => user_config::update(&call).await,
        "CreateLivePlatform" => platforms::create(&call).await,
        "ListLivePlatforms" => platforms::list(&call).await,
        "ShowLivePlatform" => platforms::show(&call, name(0)).await,
        "UpdateLivePlatform" => platforms::update(&call, name(0)).await,
        "DeleteLivePlatform" => platforms::delete(&call, name(0)).await,
        "ShowLivePlatformAccessType" => platforms::access_types(&call).await,
        "ListLivePlatformProducts" => products::list(&call).await,
        "CreateSmartLiveRoom" => rooms::create(&call).await,
        "ListSmartLiveRooms" => rooms::list(&call).await,
        "ShowSmartLiveRoom" => rooms::show(&call, name(0)).await,
        "UpdateSmartLiveRoom" => rooms::update(&call, name(0)).await,
        "DeleteSmartLiveRoom" => rooms::delete(&call, name(0)).await,
        "ListSmartLiveJobs" => jobs::list(&call, None).await,
        "StartSmartLive" => jobs::start(&call, name(0)).await,
        "ListSmartLive" => jobs::list(&call, Some(name(0))).await,
        "ShowSmartLive" => jobs::show(&call, name(0), name(1)).await,
        "StopSmartLive" => jobs::stop(&call, name(0), name(1)).await,
        "ExecuteSmartLiveCommand" => jobs::command(&call, name(0), name(1)).await,
        _ => Err(fault::unsupported()),
    }
}

/// A new id, as Huawei's are.
fn new_id() -> Result<String> {
    Ok(hex::encode(js::random::<16>()?))
}

/// The part of a list that is asked for: after how many, and how many.
fn window(call: &Call<'_>) -> Result<(u64, u64)> {
    Ok((call.number("offset", 0, 0..=2_147_483_647)?, call.number("limit", 10, 1..=100)?))
}

/// What a list's parameter may be.
enum Takes {
    Any,
    /// One of the vendor's words.
    Words(&'static [&'static str]),
    /// A time, which is compared as the instant that it is.
    Time,
    /// Nothing: who asks for some must not be answered with all.
    Nothing,
}

/// A list's parameter: its name, the field of the document, how they are compared.
type Parameter = (&'static str, &'static str, Match, Takes);

/// The states of a job.
const STATES: &[&str] = &["WAITING", "PROCESSING", "SUCCEED", "FAILED", "BLOCKED", "CANCELED"];

/// A page of a list, by those of its parameters that the call has.
async fn page(
    call: &Call<'_>,
    kind: Kind,
    parameters: &[Parameter],
    mut wanted: Vec<(String, Match, String)>,
) -> Result<Selected> {
    let (offset, limit) = window(call)?;
    for (name, path, how, takes) in parameters {
        let Some(value) = call.request.param(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = match takes {
            Takes::Any => value,
            Takes::Words(words) if words.contains(&value.as_str()) => value,
            Takes::Words(words) => {
                let what = format!("should be one of {}", words.join(", "));
                return Err(fault::parameter(name, &what));
            }
            Takes::Time => instant(&value, *how)
                .ok_or_else(|| fault::parameter(name, "should be an RFC 3339 time"))?,
            Takes::Nothing => return Err(fault::parameter(name, "is not supported here")),
        };
        wanted.push(((*path).to_owned(), *how, value));
    }
    let oldest_first = match call.request.param("sort_dir").as_deref() {
        Some("asc") => true,
        None | Some("desc" | "") => false,
        Some(_) => return Err(fault::parameter("sort_dir", "should be asc or desc")),
    };
    let select = Select { wanted, oldest_first, offset, limit };
    call.tenant.select(kind, select).await
}

/// A time of RFC 3339 §5.6 as documents have theirs. The last second of a span belongs to it whole.
fn instant(text: &str, how: Match) -> Option<String> {
    let text = text.to_ascii_uppercase();
    // The runtime's own parser takes much more than that, and the 30th of February.
    let form = text.replace(|byte: char| byte.is_ascii_digit(), "0");
    let rest = form.strip_prefix("0000-00-00T00:00:00")?;
    let fraction = rest.strip_prefix(".0").map(|rest| rest.trim_start_matches('0'));
    let is_zone = matches!(fraction.unwrap_or(rest), "Z" | "+00:00" | "-00:00");
    let day = Date::new(&text.get(..10)?.into()).get_utc_date();
    let is_day = text.get(8..10)?.parse() == Ok(day);
    if !is_zone || !is_day || text.get(11..13) == Some("24") || Date::parse(&text).is_nan() {
        return None;
    }
    let whole_second = Millis(if how == Match::To && fraction.is_none() { 999 } else { 0 });
    Some(UnixMillis(js::millis(&text)).plus(whole_second).to_string())
}

/// What comes in as it is shown, where nothing that was there is shown so.
fn still_masked(name: &str) -> Error {
    fault::parameter(name, "is masked, and stands for nothing that was there")
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

    /// The tenant, as Huawei names it.
    fn project(&self) -> String {
        credentials::project_id(self.tenant.id)
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
