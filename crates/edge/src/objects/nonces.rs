//! Nonces of one source, or of one tenant's vendor clients: for schemes that use one for each call, a
//! second call with the same nonce is a replay, whatever its body says and wherever that would lead.

use serde_json::Value;
use worker::{DurableObject, Env, State, durable_object};

use super::answer;
use super::contract::ToNonces;
use crate::error::Result;
use crate::http::Incoming;
use crate::js;
use crate::sql::{Db, params};

/// The object that remembers nonces while their signatures are fresh.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Nonces {
    state: State,
}

impl DurableObject for Nonces {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        answer(self.claim(&request).await).map(Into::into)
    }
}

impl Nonces {
    async fn claim(&self, request: &worker::Request) -> Result<Value> {
        let ToNonces::Claim(nonce, body, until) = Incoming::of(request).json().await?;
        let db = Db::of(&self.state);
        db.run(
            "CREATE TABLE IF NOT EXISTS nonces(
                nonce TEXT PRIMARY KEY, until INTEGER, body TEXT) WITHOUT ROWID",
            &params![],
        )?;
        db.run("DELETE FROM nonces WHERE until < ?", &params![js::now().0])?;
        let Some(seen) = db.row("SELECT body FROM nonces WHERE nonce = ?", &params![&nonce])?
        else {
            let body = body.as_deref();
            db.run("INSERT INTO nonces VALUES (?, ?, ?)", &params![&nonce, until.0, body])?;
            return Ok(Value::Bool(true));
        };
        // A vendor that was not answered comes again with what it said: its channel knows whether it
        // has that already.
        Ok(Value::Bool(body.is_some() && seen.maybe_text(0) == body))
    }
}
