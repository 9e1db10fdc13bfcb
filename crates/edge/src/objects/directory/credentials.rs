//! The rows of the vendors' credentials: whose they are, and until when.

use livegate_core::id::TenantId;
use livegate_core::time::UnixMillis;

use crate::credentials::{Kept, Part};
use crate::error::{Error, Problem, Result};
use crate::sql::{Db, Row, params};

/// How many sets a tenant may have at a time: the one in use, those that end, and some to spare.
const MAX_SETS: u64 = 20;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS credentials(
    id TEXT PRIMARY KEY, tenant TEXT, access_key TEXT UNIQUE, sealed TEXT, auth_hash TEXT UNIQUE,
    restful_id TEXT UNIQUE, restful_hash TEXT, created_at INTEGER, expires_at INTEGER)";

const COLUMNS: &str = "id, tenant, access_key, sealed, auth_hash, restful_id, restful_hash,
    created_at, expires_at";

/// Keeps a new set. With a time, the tenant's other sets end then, if not before.
pub(super) fn put(db: &Db, kept: &Kept, others_end: Option<UnixMillis>) -> Result<()> {
    let tenant = kept.tenant.to_string();
    db.run(
        "DELETE FROM credentials WHERE tenant = ? AND expires_at <= ?",
        &params![&tenant, kept.created_at.0],
    )?;
    let count = db.row("SELECT count(*) FROM credentials WHERE tenant = ?", &params![&tenant])?;
    if count.is_some_and(|row| row.int(0) >= MAX_SETS) {
        let detail = format!("a tenant has at most {MAX_SETS} sets of credentials; revoke one");
        return Err(Problem::new(409, "tenant.full", detail).into());
    }
    if let Some(end) = others_end {
        db.run(
            "UPDATE credentials SET expires_at = min(ifnull(expires_at, ?2), ?2) WHERE tenant = ?1",
            &params![&tenant, end.0],
        )?;
    }
    db.run(
        "INSERT INTO credentials VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        &params![
            &kept.id,
            &tenant,
            &kept.access_key,
            &kept.sealed,
            &kept.auth_hash,
            &kept.restful_id,
            &kept.restful_hash,
            kept.created_at.0,
        ],
    )
}

/// A tenant's sets, oldest first.
pub(super) fn list(db: &Db, tenant: TenantId) -> Result<Vec<Kept>> {
    let query = format!("SELECT {COLUMNS} FROM credentials WHERE tenant = ? ORDER BY created_at");
    db.rows(&query, &params![&tenant.to_string()])?.iter().map(kept).collect()
}

/// Ends a set at once.
pub(super) fn drop(db: &Db, tenant: TenantId, id: &str) -> Result<()> {
    let found = db.row(
        "DELETE FROM credentials WHERE tenant = ? AND id = ? RETURNING id",
        &params![&tenant.to_string(), id],
    )?;
    found.map(|_| ()).ok_or_else(|| Problem::not_found("set of credentials").into())
}

/// The set with that part.
pub(super) fn find(db: &Db, part: Part, name: &str) -> Result<Option<Kept>> {
    let column = part.as_str();
    let query = format!("SELECT {COLUMNS} FROM credentials WHERE {column} = ?");
    db.row(&query, &params![name])?.as_ref().map(kept).transpose()
}

fn kept(row: &Row) -> Result<Kept> {
    let tenant =
        TenantId::parse(&row.text(1)).map_err(|error| Error::runtime(error.to_string()))?;
    Ok(Kept {
        id: row.text(0),
        tenant,
        access_key: row.text(2),
        sealed: row.text(3),
        auth_hash: row.text(4),
        restful_id: row.text(5),
        restful_hash: row.text(6),
        created_at: UnixMillis(row.int(7)),
        expires_at: Some(row.int(8)).filter(|at| *at > 0).map(UnixMillis),
    })
}
