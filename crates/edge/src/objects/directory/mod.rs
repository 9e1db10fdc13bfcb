//! Which tenant a token, a credential or a source belongs to: one object a deployment, read on cache
//! misses only.

mod credentials;
mod hosts;

use livegate_core::id::TenantId;
use livegate_core::time::UnixMillis;
use serde_json::Value;
use worker::{DurableObject, Env, State, durable_object};

use super::answer;
use super::contract::ToDirectory;
use crate::document::{Field, document};
use crate::error::{Error, Problem, Result};
use crate::http::Incoming;
use crate::sql::{Db, params};

/// The deployment's register of tenants.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Directory {
    state: State,
}

document! {
    /// A tenant as the directory knows it.
    #[derive(Clone, Debug)]
    pub(crate) struct TenantEntry {
        pub(crate) id: TenantId,
        pub(crate) name: String,
        pub(crate) created_at: UnixMillis,
    }
}

impl DurableObject for Directory {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        answer(self.serve(request).await).map(Into::into)
    }
}

impl Directory {
    async fn serve(&self, request: worker::Request) -> Result<Value> {
        let ask: ToDirectory = Incoming::of(&request).json().await?;
        if matches!(ask, ToDirectory::Ping) {
            return Ok(Value::Null);
        }
        let db = Db::of(&self.state);
        for table in [
            "CREATE TABLE IF NOT EXISTS tenants(
                id TEXT PRIMARY KEY, name TEXT UNIQUE, token_hash TEXT UNIQUE, created_at INTEGER)",
            "CREATE TABLE IF NOT EXISTS sources(id TEXT PRIMARY KEY, tenant TEXT) WITHOUT ROWID",
            credentials::TABLE,
            hosts::TABLE,
        ] {
            db.run(table, &params![])?;
        }
        let found = match ask {
            ToDirectory::CreateTenant(id, name, token_hash, now, reuse) => {
                return create(&db, id, &name, token_hash.as_deref(), now, reuse);
            }
            ToDirectory::ListTenants => {
                let rows =
                    db.rows("SELECT id, name, created_at FROM tenants ORDER BY rowid", &params![])?;
                let tenants = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
                return Ok(tenants.write());
            }
            ToDirectory::TenantByName(name) => db.row(
                "SELECT id, name, created_at FROM tenants WHERE name = ?1 OR id = ?1",
                &params![&name],
            )?,
            ToDirectory::TenantByToken(hash) => db.row(
                "SELECT id, name, created_at FROM tenants WHERE token_hash = ?",
                &params![&hash],
            )?,
            ToDirectory::PutSource(source, tenant) => {
                db.run(
                    "INSERT OR REPLACE INTO sources VALUES (?, ?)",
                    &params![&source.to_string(), &tenant.to_string()],
                )?;
                return Ok(Value::Null);
            }
            ToDirectory::DropSource(source) => {
                db.run("DELETE FROM sources WHERE id = ?", &params![&source.to_string()])?;
                return Ok(Value::Null);
            }
            ToDirectory::TenantOfSource(source) => db.row(
                "SELECT t.id, t.name, t.created_at
                 FROM sources s JOIN tenants t ON t.id = s.tenant WHERE s.id = ?",
                &params![&source.to_string()],
            )?,
            ToDirectory::PutCredentials(kept, others_end) => {
                credentials::put(&db, &kept, others_end)?;
                return Ok(Value::Null);
            }
            ToDirectory::Credentials(tenant) => {
                return Ok(credentials::list(&db, tenant)?.write());
            }
            ToDirectory::DropCredentials(tenant, id) => {
                credentials::drop(&db, tenant, &id)?;
                return Ok(Value::Null);
            }
            ToDirectory::Credential(part, name) => {
                return Ok(credentials::find(&db, part, &name)?.write());
            }
            ToDirectory::PutHost(host) => {
                hosts::put(&db, &host)?;
                return Ok(Value::Null);
            }
            ToDirectory::DropHost(id, tenant) => {
                hosts::drop(&db, &id, tenant)?;
                return Ok(Value::Null);
            }
            ToDirectory::HostByToken(hash) => return Ok(hosts::find(&db, &hash)?.write()),
            ToDirectory::Ping => None,
        };
        Ok(found.as_ref().map(entry).transpose()?.write())
    }
}

fn create(
    db: &Db,
    id: TenantId,
    name: &str,
    token_hash: Option<&str>,
    now: UnixMillis,
    reuse: bool,
) -> Result<Value> {
    let select = "SELECT id, name, created_at FROM tenants WHERE name = ?";
    if let Some(row) = db.row(select, &params![name])? {
        if reuse {
            return Ok(entry(&row)?.write());
        }
        let detail = format!("there is a tenant named {name} already");
        return Err(Problem::new(409, "tenant.name_taken", detail).into());
    }
    db.run(
        "INSERT INTO tenants VALUES (?, ?, ?, ?)",
        &params![&id.to_string(), name, token_hash, now.0],
    )?;
    let entry = TenantEntry { id, name: name.to_owned(), created_at: now };
    Ok(entry.write())
}

fn entry(row: &crate::sql::Row) -> Result<TenantEntry> {
    let id = TenantId::parse(&row.text(0)).map_err(|error| Error::runtime(error.to_string()))?;
    Ok(TenantEntry { id, name: row.text(1), created_at: UnixMillis(row.int(2)) })
}
