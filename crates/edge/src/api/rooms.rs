//! `/api/v1/rooms/{room_id}/stream`: where the lives of a `MetaStudio` room take their picture and sound
//! from. The vendor's rooms have digital humans; those of this gateway relay a stream that somebody
//! publishes to a relay host, or that one fetches.

use livegate_core::dialect::redact;
use livegate_core::relay::derived::RoomStream;
use livegate_core::url::egress::check;
use serde_json::Value;
use web_sys::Response;
use worker::Env;

use super::not_allowed;
use super::relay_tasks::violations;
use crate::auth::Caller;
use crate::compile;
use crate::credentials;
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming, percent_decode};
use crate::objects::tenant::Kind;
use crate::vendor::stored::{Tenant, Write};

pub(super) async fn serve(
    env: &Env,
    caller: &Caller,
    request: &Incoming,
    rest: &[&str],
) -> Result<Response> {
    let [room, "stream"] = rest else { return Err(Problem::not_found("route").into()) };
    if !matches!(request.method.as_str(), "GET" | "PUT") {
        return Err(not_allowed("GET and PUT"));
    }
    let room = percent_decode(room);
    let tenant = Tenant { env, id: caller.tenant };
    super::found(tenant.document(Kind::Room, &room).await?, "room")?;
    if request.method.as_str() == "GET" {
        let thing = tenant.open(Kind::RoomStream, &room).await?;
        let stream = match thing {
            None => RoomStream::default(),
            Some(thing) => RoomStream::from_json(thing.whole()?.to_string().as_bytes())
                .map_err(|found| violations(&found))?,
        };
        http::json(200, &shown(caller, &room, &stream)?)
    } else {
        let body = request.body().await?;
        let stream = RoomStream::from_json(&body).map_err(|found| violations(&found))?;
        let egress = compile::relay_egress(env);
        if let Some(pull) = &stream.pull
            && let Err(error) = check(pull.as_http(), egress)
        {
            return Err(Problem::invalid(vec![Violation::of("pull", &error)]).into());
        }
        let doc = shown(caller, &room, &stream)?;
        let mut change = |_| {
            let doc = doc.as_object().cloned().unwrap_or_default();
            Ok(Write::sealing(doc, &stream.to_value(), Vec::new()))
        };
        tenant.change(Kind::RoomStream, &room, &mut change).await?;
        http::json(200, &doc)
    }
}

/// What holds, defaults included, without secrets.
fn shown(caller: &Caller, room: &str, stream: &RoomStream) -> Result<Value> {
    let mut shown = stream.to_value();
    if stream.pull.is_none() {
        let app = credentials::app_id(caller.tenant);
        for (name, value) in [("app_id", &*app), ("channel", room), ("user", RoomStream::USER)] {
            if shown[name].is_null() {
                shown[name] = value.into();
            }
        }
    }
    Ok(crate::json::parse(&redact::json(&shown.to_string()))?)
}
