//! `CreateEventSub`, `UpdateEventSub`, `DeleteEventSub`, `ListEventSub`, `ListEventSubEvent`: channel
//! and user events of an application.

use livegate_core::config::alibaba::{
    EventSub, MAX_USERS, SentQuery, SubEvent, app_id, subscribe_id,
};
use livegate_core::dialect::DialectName;
use livegate_core::event::Kind as EventKind;
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};

use super::{Answer, Call, answer, callback_fault, china_seconds, china_time, fault, sent};
use crate::compile;
use crate::error::Result;
use crate::js;
use crate::model::{Format, Signing};
use crate::objects::contract::{Match, Select};
use crate::objects::tenant::Kind;
use crate::vendor::managed::{self, Callback};
use crate::vendor::stored::{Thing, Write};

/// More than one application can have.
const ALL: u64 = 100;

async fn max_users(call: &Call<'_>) -> Result<usize> {
    let users = call.settings().await?["artc_users"].as_u64();
    Ok(users.and_then(|users| usize::try_from(users).ok()).unwrap_or(MAX_USERS))
}

pub(super) async fn create(call: &Call<'_>) -> Result<Answer> {
    let sub = EventSub::create(&call.params, max_users(call).await?);
    let sub = sub.map_err(|found| fault::violations(&found))?;
    call.check_app(&sub.app_id).await?;
    let others = of_app(call, &sub.app_id).await?;
    let channels: Vec<Option<&str>> = others.iter().map(channel_of).collect();
    may_join(&sub, &channels)?;
    let id = hex::encode(js::random::<16>()?);
    store(call, &id, &sub, None).await?;
    Ok(answer(json!({ "SubscribeId": id })))
}

pub(super) async fn update(call: &Call<'_>) -> Result<Answer> {
    let sub = EventSub::update(&call.params, max_users(call).await?);
    let (id, sub) = sub.map_err(|found| fault::violations(&found))?;
    call.check_app(&sub.app_id).await?;
    let others = of_app(call, &sub.app_id).await?;
    if !others.iter().any(|other| other["SubId"] == json!(id)) {
        return Err(no_such_sub());
    }
    let rest: Vec<&Value> = others.iter().filter(|other| other["SubId"] != json!(id)).collect();
    let channels: Vec<Option<&str>> = rest.iter().map(|other| channel_of(other)).collect();
    may_join(&sub, &channels)?;
    store(call, &id, &sub, Some(())).await?;
    Ok(Answer::new())
}

fn no_such_sub() -> crate::error::Error {
    fault::parameter("SubscribeId", "does not exist")
}

/// The channel of a stored subscription; none for all of them.
fn channel_of(doc: &Value) -> Option<&str> {
    doc["ChannelId"].as_str().filter(|channel| !channel.is_empty() && *channel != "*")
}

/// Whether there is room for it beside these, whose channels these are.
fn may_join(sub: &EventSub, channels: &[Option<&str>]) -> Result<()> {
    sub.may_join(channels).map_err(|found| fault::violations(&found))
}

async fn store(call: &Call<'_>, id: &str, sub: &EventSub, change: Option<()>) -> Result<()> {
    let filter = filter(call, sub);
    let egress = compile::egress(call.tenant.env);
    let mut write = |there: Option<Thing>| {
        if change.is_some() && there.is_none() {
            return Err(no_such_sub());
        }
        let callback = Callback {
            url: sub.callback_url.as_str().to_owned(),
            format: Format::Dialect(DialectName::Artc),
            signing: Signing { scheme: "NONE".to_owned(), custom: None, canonical_uri: None },
            key: None,
            filter: filter.clone(),
            app_id: Some(sub.app_id.clone()),
            owner_signs: true,
            subscription: Some(id.to_owned()),
        };
        let marker = Kind::EventSub.marker(id);
        let also = managed::of(call.tenant.id, &marker, Some(callback), egress, call.now);
        let also = also.map_err(|found| callback_fault(&found))?;
        let created = there.and_then(|there| there.doc["created_at"].as_u64());
        let doc = json!({
            "SubId": id, "AppId": sub.app_id,
            "ChannelId": sub.channel.as_deref().unwrap_or("*"),
            "Events": sub.events.iter().map(|event| event.as_str()).collect::<Vec<_>>(),
            "Users": sub.users, "CallbackUrl": sub.callback_url.as_str(),
            "created_at": created.unwrap_or(call.now.0), "changed_at": call.now.0,
        });
        Ok(Write { doc, keys: None, also })
    };
    call.tenant.change(Kind::EventSub, id, &mut write).await.map(|_| ())
}

/// The kinds of an ARTC subscription's events, of this application's channels and users.
fn filter(call: &Call<'_>, sub: &EventSub) -> Value {
    let mut kinds: Vec<&str> = DialectName::Artc
        .written()
        .iter()
        .filter(|kind| {
            let is_channel = matches!(kind, EventKind::ChannelStart | EventKind::ChannelEnd);
            let wanted = if is_channel { SubEvent::Channel } else { SubEvent::User };
            sub.events.contains(&wanted)
        })
        .map(|kind| kind.as_str())
        .collect();
    if sub.events.contains(&SubEvent::User) {
        // A tag of ARTC's own that nobody has explained; other vendors' have no words here.
        kinds.push(EventKind::Unknown.as_str());
    }
    let mut filter = json!({ "kinds": kinds, "where": of_app_id(call, &sub.app_id) });
    if let Some(channel) = &sub.channel {
        filter["channels"] = json!([channel]);
    }
    if !sub.users.is_empty() {
        filter["users"] = json!(sub.users);
    }
    filter
}

/// A condition on the application that an event names; one that names none is of the tenant's own.
pub(super) fn of_app_id(call: &Call<'_>, app: &str) -> Value {
    let named = json!({ "AppId": app });
    if call.is_own_app(app) {
        json!({ "$or": [named, { "AppId": { "$exist": false } }] })
    } else {
        named
    }
}

async fn of_app(call: &Call<'_>, app: &str) -> Result<Vec<Value>> {
    let wanted = vec![("$.AppId".to_owned(), Match::Is, app.to_owned())];
    let select = Select { wanted, oldest_first: true, offset: 0, limit: ALL };
    Ok(call.tenant.select(Kind::EventSub, select).await?.items)
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Answer> {
    let ids = subscribe_id(&call.params).map_err(|found| fault::violations(&found))?;
    let (app, id) = ids;
    call.check_app(&app).await?;
    let there = call.tenant.document(Kind::EventSub, &id).await?;
    if there.is_none_or(|doc| doc["AppId"] != json!(app)) {
        return Err(no_such_sub());
    }
    call.tenant.remove(Kind::EventSub, &id).await?;
    Ok(Answer::new())
}

pub(super) async fn list(call: &Call<'_>) -> Result<Answer> {
    let app = app_id(&call.params).map_err(|found| fault::violations(&found))?;
    call.check_app(&app).await?;
    let time = |value: &Value| china_seconds(UnixMillis(value.as_u64().unwrap_or_default()));
    let shown = |sub: Value| {
        json!({
            "SubId": sub["SubId"], "ChannelId": sub["ChannelId"], "Events": sub["Events"],
            "Users": sub["Users"], "CallbackUrl": sub["CallbackUrl"],
            "CreateTime": time(&sub["created_at"]), "ModifyTime": time(&sub["changed_at"]),
        })
    };
    let subs: Vec<Value> = of_app(call, &app).await?.into_iter().map(shown).collect();
    Ok(answer(json!({ "Subscribers": subs })))
}

/// What was sent, and what came of it: the deliveries' own records.
pub(super) async fn events(call: &Call<'_>) -> Result<Answer> {
    let query = SentQuery::events(&call.params).map_err(|found| fault::violations(&found))?;
    call.check_app(&query.app_id).await?;
    let subs = of_app(call, &query.app_id).await?;
    let subs: Vec<Value> = subs
        .into_iter()
        .filter(|sub| query.subscription.as_ref().is_none_or(|id| sub["SubId"] == json!(id)))
        .collect();
    if query.subscription.is_some() && subs.is_empty() {
        return Err(no_such_sub());
    }
    let page = sent::page(call, Kind::EventSub, &subs, &query).await?;
    let log = |one: &sent::Sent| {
        json!({
            "AppId": query.app_id, "SubId": one.sub, "Url": one.url, "Code": one.code,
            "Cost": one.cost, "Data": one.data, "MessageId": one.id,
            "Time": china_time(one.at),
        })
    };
    let logs: Vec<Value> = page.sent.iter().map(log).collect();
    Ok(answer(json!({ "Logs": logs, "Count": logs.len(), "HasMore": page.more })))
}
