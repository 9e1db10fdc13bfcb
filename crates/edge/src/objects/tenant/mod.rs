//! One tenant's configuration: every change is a new version and a line in the audit log; secrets
//! are sealed. It also remembers which channels have a backlog, and wakes those that went stale.

mod backlog;
mod callbacks;
mod store;

use livegate_core::time::Millis;
use serde_json::Value;
use worker::{DurableObject, Env, State, durable_object};

pub(crate) use self::callbacks::{NOTICES, OWN_SETTINGS, owner_signs};
pub(crate) use self::store::Kind;
use self::store::Store;
use super::answer;
use super::contract::{Managed, Put, ToTenant};
use crate::document::{Field, document};
use crate::error::{Problem, Result};
use crate::http::Incoming;
use crate::{http, js};

/// The object that holds one tenant's configuration.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct Tenant {
    state: State,
    env: Env,
}

document! {
    /// A stored thing as lists show it.
    #[derive(Debug)]
    pub(crate) struct Item {
        pub(crate) seq: u64,
        pub(crate) version: u64,
        pub(crate) doc: Value,
        pub(crate) key_set: bool,
    }
}

document! {
    /// A page of documents, and how many there are in all.
    #[derive(Debug)]
    pub(crate) struct Selected {
        pub(crate) count: u64,
        pub(crate) items: Vec<Value>,
    }
}

impl DurableObject for Tenant {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        answer(self.serve(&request).await).map(Into::into)
    }

    async fn alarm(&self) -> worker::Result<worker::Response> {
        let store = Store::open(&self.state)?;
        if let Some(tenant) = store.tenant()? {
            backlog::wake_stale(&self.env, &store, tenant, js::now()).await?;
        }
        if store.has_backlog()? {
            self.state.storage().set_alarm(backlog_pause()).await?;
        }
        Ok(http::empty(204)?.into())
    }
}

/// How long a channel may sit on a backlog before it is looked after.
fn backlog_pause() -> i64 {
    i64::try_from(Millis::from_mins(1).0).unwrap_or(i64::MAX)
}

impl Tenant {
    /// Managed things with their keys sealed: before anything is written, so that all of it is
    /// written in one turn.
    async fn sealed(&self, also: Vec<Managed>) -> Result<Vec<(Managed, Option<String>)>> {
        let mut all = Vec::with_capacity(also.len());
        for one in also {
            let sealed = match &one.keys {
                Some(keys) => Some(store::seal_keys(&self.env, &one.id, keys).await?),
                None => None,
            };
            all.push((one, sealed));
        }
        Ok(all)
    }

    async fn serve(&self, request: &worker::Request) -> Result<Value> {
        let ask: ToTenant = Incoming::of(request).json().await?;
        let store = Store::open(&self.state)?;
        let now = js::now();
        match ask {
            ToTenant::Put(put) => {
                let Put { tenant, actor, action, kind, id, doc, keys, seen, also } = *put;
                let sealed = match keys {
                    Some(keys) => Some(store::seal_keys(&self.env, &id, &keys).await?),
                    None => None,
                };
                let also = self.sealed(also).await?;
                let there = store.get(kind, &id)?;
                if seen > 0 && there.is_none() {
                    return Ok(Value::Null);
                }
                if there.is_some_and(|item| item.version != seen) {
                    let detail = "somebody else changed it at the same time; try again";
                    return Err(Problem::new(409, "request.conflict", detail).into());
                }
                store.check_references(kind, &id, &doc)?;
                store.claim(tenant)?;
                store.put_managed(also)?;
                let version = store.put(kind, &id, &doc, sealed.as_deref())?;
                store.audit(now, &actor, &action, &id, version)?;
                Ok(store.get(kind, &id)?.write())
            }
            ToTenant::Drop(tenant, actor, kind, id) => {
                store.claim(tenant)?;
                store.drop_managed(kind, &id)?;
                let version = store.drop(kind, &id)?;
                store.audit(now, &actor, "delete", &id, version)?;
                Ok(Value::Null)
            }
            ToTenant::Get(kind, id) => Ok(store.get(kind, &id)?.write()),
            ToTenant::List(kind, after, limit) => Ok(store.list(kind, after, limit)?.write()),
            ToTenant::Select(kind, select) => Ok(store.select(kind, &select)?.write()),
            ToTenant::Keys(kind, id) => {
                let keys = store.open_keys(&self.env, kind, &id).await?;
                Ok(keys.write())
            }
            ToTenant::Rotate(tenant, actor, kind, id, key, until) => {
                let mut keys = store.open_keys(&self.env, kind, &id).await?;
                keys.previous = keys.current.take().map(|previous| (previous, until));
                keys.current = Some(key);
                let sealed = store::seal_keys(&self.env, &id, &keys).await?;
                let Some(item) = store.get(kind, &id)? else {
                    return Err(Problem::not_found(kind.noun()).into());
                };
                store.claim(tenant)?;
                let version = store.put(kind, &id, &item.doc, Some(&sealed))?;
                store.audit(now, &actor, "rotate", &id, version)?;
                Ok(store.get(kind, &id)?.write())
            }
            ToTenant::Snapshot(tenant, have, channel) => {
                if have.is_some() && have == Some(store.version()?) {
                    return Ok(Value::Null);
                }
                Ok(store.snapshot(&self.env, tenant, &channel).await?.write())
            }
            ToTenant::Source(tenant, id) => Ok(store.source(&self.env, tenant, id).await?.write()),
            ToTenant::Audit(before, limit) => Ok(Value::Array(store.audit_page(before, limit)?)),
            ToTenant::Disable(tenant, endpoint, reason) => {
                let id = endpoint.to_string();
                if let Some(mut item) = store.get(Kind::Endpoint, &id)?
                    && item.doc["enabled"] == Value::Bool(true)
                {
                    item.doc["enabled"] = Value::Bool(false);
                    item.doc["disabled_reason"] = Value::String(reason);
                    store.claim(tenant)?;
                    let version = store.put(Kind::Endpoint, &id, &item.doc, None)?;
                    store.audit(now, "gateway", "disable", &id, version)?;
                }
                Ok(Value::Null)
            }
            ToTenant::Backlog(channel, since) => {
                store.backlog(&channel, since)?;
                if since.is_some() && self.state.storage().get_alarm().await?.is_none() {
                    self.state.storage().set_alarm(backlog_pause()).await?;
                }
                Ok(Value::Null)
            }
            ToTenant::Wake(tenant) => {
                backlog::wake_all(&self.env, &store, tenant).await?;
                Ok(Value::Null)
            }
        }
    }
}
