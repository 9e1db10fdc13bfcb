//! `CreateRtcMPUEventSub`, `UpdateRtcMPUEventSub`, `DeleteRtcMPUEventSub`, `DescribeRtcMPUEventSub`,
//! `ListRtcMPUEventSubRecord`: states of an application's mixed-stream relays.

use livegate_core::config::alibaba::{MpuSub, SentQuery, UrlCharacters, app_id};
use livegate_core::dialect::DialectName;
use livegate_core::event::Kind as EventKind;
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};

use super::{Answer, Call, answer, callback_fault, event_sub, fault, sent, utc_seconds};
use crate::compile;
use crate::error::{Error, Result};
use crate::js;
use crate::model::{Format, Signing};
use crate::objects::tenant::Kind;
use crate::vendor::managed::{self, Callback};
use crate::vendor::stored::{Thing, Write};

async fn read(call: &Call<'_>) -> Result<MpuSub> {
    let characters = match call.settings().await?["artc_url"].as_str() {
        Some("strict") => UrlCharacters::AsListed,
        _ => UrlCharacters::Any,
    };
    let sub = MpuSub::new(&call.params, characters).map_err(|found| fault::violations(&found))?;
    call.check_app(&sub.app_id).await?;
    Ok(sub)
}

fn missing() -> Error {
    fault::denied("The application has no subscription of relay events")
}

pub(super) async fn create(call: &Call<'_>) -> Result<Answer> {
    let sub = read(call).await?;
    let id = format!("Sub-{}", hex::encode_upper(js::random::<12>()?));
    let mut write = |there: Option<Thing>| match there {
        Some(_) => Err(fault::denied("The application has a subscription of relay events already")),
        None => written(call, &sub, &id, call.now),
    };
    call.tenant.change(Kind::MpuSub, &sub.app_id, &mut write).await?;
    Ok(answer(json!({ "SubId": id })))
}

pub(super) async fn update(call: &Call<'_>) -> Result<Answer> {
    let sub = read(call).await?;
    let mut write = |there: Option<Thing>| {
        let doc = there.ok_or_else(missing)?.doc;
        let created = UnixMillis(doc["created_at"].as_u64().unwrap_or_default());
        written(call, &sub, doc["SubId"].as_str().unwrap_or_default(), created)
    };
    call.tenant.change(Kind::MpuSub, &sub.app_id, &mut write).await?;
    Ok(Answer::new())
}

/// A subscription as it is stored: an application has one, by its own id.
fn written(call: &Call<'_>, sub: &MpuSub, id: &str, created: UnixMillis) -> Result<Write> {
    let mut filter = json!({
        "kinds": [EventKind::RelayState.as_str()],
        "where": event_sub::of_app_id(call, &sub.app_id),
    });
    if !sub.channels.is_empty() {
        filter["channels"] = json!(sub.channels);
    }
    let callback = Callback {
        url: sub.callback_url.as_str().to_owned(),
        format: Format::Dialect(DialectName::ArtcMpu),
        signing: Signing { scheme: "NONE".to_owned(), custom: None, canonical_uri: None },
        key: None,
        filter,
        app_id: Some(sub.app_id.clone()),
        owner_signs: true,
        subscription: Some(id.to_owned()),
    };
    let marker = Kind::MpuSub.marker(&sub.app_id);
    let egress = compile::egress(call.tenant.env);
    let also = managed::of(call.tenant.id, &marker, Some(callback), egress, call.now);
    let also = also.map_err(|found| callback_fault(&found))?;
    let doc = json!({
        "AppId": sub.app_id, "SubId": id, "CallbackUrl": sub.callback_url.as_str(),
        "ChannelIds": sub.channels.join(","), "created_at": created.0,
    });
    Ok(Write { doc, keys: None, also })
}

async fn of_app(call: &Call<'_>) -> Result<(String, Option<Value>)> {
    let app = app_id(&call.params).map_err(|found| fault::violations(&found))?;
    call.check_app(&app).await?;
    let doc = call.tenant.document(Kind::MpuSub, &app).await?;
    Ok((app, doc))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Answer> {
    let (app, doc) = of_app(call).await?;
    if doc.is_none() {
        return Err(missing());
    }
    call.tenant.remove(Kind::MpuSub, &app).await?;
    Ok(Answer::new())
}

pub(super) async fn describe(call: &Call<'_>) -> Result<Answer> {
    let (app, doc) = of_app(call).await?;
    let doc = doc.ok_or_else(missing)?;
    let created = UnixMillis(doc["created_at"].as_u64().unwrap_or_default());
    Ok(answer(json!({ "SubInfo": {
        "AppId": app, "SubId": doc["SubId"], "CallbackUrl": doc["CallbackUrl"],
        "ChannelIds": doc["ChannelIds"], "CreateTime": utc_seconds(created),
    } })))
}

/// What was sent, and what came of it: the deliveries' own records.
pub(super) async fn records(call: &Call<'_>) -> Result<Answer> {
    let query = SentQuery::records(&call.params, call.now);
    let query = query.map_err(|found| fault::violations(&found))?;
    call.check_app(&query.app_id).await?;
    let doc = call.tenant.document(Kind::MpuSub, &query.app_id).await?;
    let fits = |doc: &Value| query.subscription.as_ref().is_none_or(|id| doc["SubId"] == json!(id));
    let subs: Vec<Value> = doc.into_iter().filter(fits).collect();
    if query.subscription.is_some() && subs.is_empty() {
        return Err(fault::parameter("SubId", "does not exist"));
    }
    let page = sent::page(call, Kind::MpuSub, &subs, &query).await?;
    let log = |one: &sent::Sent| {
        json!({
            "AppId": query.app_id, "SubId": one.sub, "CallbackUrl": one.url,
            "HTTPCode": one.code.to_string(), "Cost": one.cost, "Data": one.data,
            "MsgId": one.id, "Time": utc_seconds(one.at),
        })
    };
    let logs: Vec<Value> = page.sent.iter().map(log).collect();
    Ok(answer(json!({ "Logs": logs, "Count": logs.len(), "HasMore": page.more })))
}
