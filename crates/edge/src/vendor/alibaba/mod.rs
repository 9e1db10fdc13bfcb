//! Alibaba `ApsaraVideo` Live's RPC interface of 2016-11-01, as far as it is about ARTC's callbacks and
//! relays.

mod event_sub;
mod fault;
mod mpu_sub;
mod mpu_task;
mod sent;

use livegate_core::scheme::request::rpc::Params;
use livegate_core::time::{Millis, UnixMillis};
use serde_json::{Map, Value, json};
use web_sys::Response;
use worker::Env;

use super::signed;
use super::stored::Tenant;
use crate::error::{Error, Result};
use crate::http::{self, Incoming};
use crate::objects::tenant::Kind;
use crate::{credentials, js};

const VERSION: &str = "2016-11-01";

/// Whether this looks like a call of the interface: it has one path, and an action.
pub(crate) fn is_call(request: &Incoming) -> bool {
    request.path == "/"
        && (request.method == "POST"
            || request.header("x-acs-action").is_some()
            || request.param("Action").is_some())
}

/// Answers a call of the vendor's interface.
pub(crate) async fn serve(env: &Env, request: &Incoming) -> Result<Response> {
    let id = request_id()?;
    match route(env, request).await {
        Ok(mut answer) => {
            answer.insert("RequestId".to_owned(), json!(id));
            http::json(200, &Value::Object(answer))
        }
        Err(error) => fault::answer(error, &id),
    }
}

/// A request's id as the vendor's are: a UUID in capitals (RFC 9562 §5.4).
fn request_id() -> Result<String> {
    let mut bytes = js::random::<16>()?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode_upper(bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}

/// The members of an answer, beside the request's id.
type Answer = Map<String, Value>;

/// A call that was let in.
struct Call<'a> {
    tenant: Tenant<'a>,
    params: Params,
    now: UnixMillis,
}

async fn route(env: &Env, request: &Incoming) -> Result<Answer> {
    let now = js::now();
    let body = request.body().await?;
    let headers = request.headers();
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let received = signed::request(request, &headers, &body);
    let (id, authentic) = signed::tenant(env, &received, now).await.map_err(fault::refused)?;
    let operation =
        authentic.rpc().map_err(|error| fault::refused(signed::Refused::Claim(error)))?;
    if operation.version != VERSION {
        return Err(fault::unsupported(&operation.action));
    }
    let call = Call { tenant: Tenant { env, id }, params: operation.params, now };
    match operation.action.as_str() {
        "CreateEventSub" => event_sub::create(&call).await,
        "UpdateEventSub" => event_sub::update(&call).await,
        "DeleteEventSub" => event_sub::delete(&call).await,
        "ListEventSub" => event_sub::list(&call).await,
        "ListEventSubEvent" => event_sub::events(&call).await,
        "CreateRtcMPUEventSub" => mpu_sub::create(&call).await,
        "UpdateRtcMPUEventSub" => mpu_sub::update(&call).await,
        "DeleteRtcMPUEventSub" => mpu_sub::delete(&call).await,
        "DescribeRtcMPUEventSub" => mpu_sub::describe(&call).await,
        "ListRtcMPUEventSubRecord" => mpu_sub::records(&call).await,
        "StartLiveMPUTask" => mpu_task::start(call).await,
        "UpdateLiveMPUTask" => mpu_task::update(call).await,
        "StopLiveMPUTask" => mpu_task::stop(&call).await,
        "SetLiveMpuTaskSei" => mpu_task::set_sei(&call).await,
        "ListRtcMPUTaskDetail" => mpu_task::list(&call).await,
        action => Err(fault::unsupported(action)),
    }
}

impl Call<'_> {
    /// What the tenant set of what the vendor leaves open.
    async fn settings(&self) -> Result<Value> {
        Ok(self.tenant.document(Kind::Settings, "settings").await?.unwrap_or_default())
    }

    /// Refuses an application that is not the caller's.
    async fn check_app(&self, id: &str) -> Result<()> {
        if self.tenant.has_app(id).await? { Ok(()) } else { Err(fault::app_id()) }
    }

    /// Whether an application is the one that the tenant has from the start.
    fn is_own_app(&self, id: &str) -> bool {
        credentials::app_id(self.tenant.id) == id
    }
}

/// A time eight hours ahead of UTC, as `2024-09-10 08:30:00.000`.
fn china_time(at: UnixMillis) -> String {
    at.plus(Millis::from_hours(8)).to_string().replace('T', " ").replace('Z', "")
}

/// The same without milliseconds.
fn china_seconds(at: UnixMillis) -> String {
    china_time(at).split('.').next().unwrap_or_default().to_owned()
}

/// A time of UTC without milliseconds.
fn utc_seconds(at: UnixMillis) -> String {
    let text = at.to_string();
    format!("{}Z", text.trim_end_matches('Z').split('.').next().unwrap_or_default())
}

fn answer(members: Value) -> Answer {
    match members {
        Value::Object(members) => members,
        _ => Answer::new(),
    }
}

/// What an endpoint's violation is called here.
fn callback_fault(found: &[crate::error::Violation]) -> Error {
    let detail = found.first().map_or("cannot be used", |first| first.detail.as_str());
    fault::parameter("CallbackUrl", detail)
}
