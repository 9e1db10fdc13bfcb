//! What a vendor's client configured, read from its tenant and written back: a document, its secrets
//! beside it, and what follows from it.

use livegate_core::id::TenantId;
use serde_json::{Map, Value};
use worker::Env;

use crate::credentials;
use crate::error::Result;
use crate::model::Keys;
use crate::objects::contract::{Managed, Put, Select, ToTenant};
use crate::objects::tenant::{Item, Kind, Selected};
use crate::objects::{ObjectRef, call};

/// How often a change is tried again that somebody else's overtook.
const TRIES: u32 = 10;

/// Who the audit log says it was.
const ACTOR: &str = "vendor-api";

/// A tenant, as a vendor's client that was let in reaches it.
#[derive(Clone, Copy)]
pub(crate) struct Tenant<'a> {
    pub(crate) env: &'a Env,
    pub(crate) id: TenantId,
}

/// A stored thing with its secrets open.
#[derive(Debug)]
pub(crate) struct Thing {
    pub(crate) doc: Value,
    pub(crate) keys: Keys,
    version: u64,
}

/// What is to be stored.
pub(crate) struct Write {
    pub(crate) doc: Value,
    /// Without, those that it has stay.
    pub(crate) keys: Option<Keys>,
    pub(crate) also: Vec<Managed>,
}

impl Thing {
    /// The document as it was sent, secrets included.
    pub(crate) fn whole(&self) -> Result<Value> {
        Ok(crate::json::parse(self.keys.current.as_deref().unwrap_or("{}"))?)
    }
}

impl Write {
    /// A document as it is shown, and as it was sent, which is sealed.
    pub(crate) fn sealing(doc: Map<String, Value>, whole: &Value, also: Vec<Managed>) -> Self {
        let keys = Keys { current: Some(whole.to_string()), ..Keys::default() };
        Self { doc: Value::Object(doc), keys: Some(keys), also }
    }
}

impl Tenant<'_> {
    async fn ask<T: crate::document::Field>(&self, ask: ToTenant) -> Result<T> {
        call(self.env, &ObjectRef::Tenant(self.id), ask).await
    }

    /// A thing without its secrets.
    pub(crate) async fn document(&self, kind: Kind, id: &str) -> Result<Option<Value>> {
        let item: Option<Item> = self.ask(ToTenant::Get(kind, id.to_owned())).await?;
        Ok(item.map(|item| item.doc))
    }

    /// A thing and its secrets.
    pub(crate) async fn open(&self, kind: Kind, id: &str) -> Result<Option<Thing>> {
        let item: Option<Item> = self.ask(ToTenant::Get(kind, id.to_owned())).await?;
        let Some(item) = item else { return Ok(None) };
        let keys = if item.key_set {
            self.ask(ToTenant::Keys(kind, id.to_owned())).await?
        } else {
            Keys::default()
        };
        Ok(Some(Thing { doc: item.doc, keys, version: item.version }))
    }

    /// Whether the tenant has that application: one that it made, or the one that it has from the
    /// start.
    pub(crate) async fn has_app(&self, id: &str) -> Result<bool> {
        if credentials::app_id(self.id) == id {
            return Ok(true);
        }
        Ok(self.document(Kind::Application, id).await?.is_some())
    }

    /// A page of a list, and how many there are in all.
    pub(crate) async fn select(&self, kind: Kind, select: Select) -> Result<Selected> {
        self.ask(ToTenant::Select(kind, Box::new(select))).await
    }

    /// Makes a thing, or changes the one that there is, by what `change` makes of it; again if
    /// somebody else changed it meanwhile.
    pub(crate) async fn change(
        &self,
        kind: Kind,
        id: &str,
        change: &mut dyn FnMut(Option<Thing>) -> Result<Write>,
    ) -> Result<Value> {
        let mut tries = 0;
        loop {
            let there = self.open(kind, id).await?;
            let seen = there.as_ref().map_or(0, |thing| thing.version);
            let Write { doc, keys, also } = change(there)?;
            let put = Put {
                tenant: self.id,
                actor: ACTOR.to_owned(),
                action: if seen == 0 { "create" } else { "change" }.to_owned(),
                kind,
                id: id.to_owned(),
                doc,
                keys,
                seen,
                also,
            };
            let put: Result<Option<Item>> = self.ask(ToTenant::Put(Box::new(put))).await;
            tries += 1;
            match put {
                Err(error) if error.is_conflict() && tries < TRIES => {}
                // It was removed meanwhile; whether it may be made anew is for `change` to say.
                Ok(None) if tries < TRIES => {}
                other => return Ok(other?.map(|item| item.doc).unwrap_or_default()),
            }
        }
    }

    /// Removes a thing and what follows from it.
    pub(crate) async fn remove(&self, kind: Kind, id: &str) -> Result<()> {
        let ask = ToTenant::Drop(self.id, ACTOR.to_owned(), kind, id.to_owned());
        self.ask::<Value>(ask).await.map(|_| ())
    }
}
