//! The rows of relay hosts: whose token is whose, and which source their events come from.

use livegate_core::id::{NotAnId, SourceId, TenantId};

use crate::error::{Error, Result};
use crate::objects::contract::HostEntry;
use crate::sql::{Db, params};

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS relay_hosts(
    id TEXT PRIMARY KEY, tenant TEXT, source TEXT, token_hash TEXT UNIQUE) WITHOUT ROWID";

/// Keeps a host, and that its source is its tenant's.
pub(super) fn put(db: &Db, host: &HostEntry) -> Result<()> {
    let (tenant, source) = (host.tenant.to_string(), host.source.to_string());
    db.run("INSERT OR REPLACE INTO sources VALUES (?, ?)", &params![&source, &tenant])?;
    db.run(
        "INSERT OR REPLACE INTO relay_hosts VALUES (?, ?, ?, ?)",
        &params![&host.id, &tenant, &source, &host.token_hash],
    )
}

/// Forgets a host and its source.
pub(super) fn drop(db: &Db, id: &str, tenant: TenantId) -> Result<()> {
    let row = db.row(
        "DELETE FROM relay_hosts WHERE id = ? AND tenant = ? RETURNING source",
        &params![id, &tenant.to_string()],
    )?;
    let Some(row) = row else { return Ok(()) };
    db.run("DELETE FROM sources WHERE id = ?", &params![&row.text(0)])
}

/// The host of that token.
pub(super) fn find(db: &Db, token_hash: &str) -> Result<Option<HostEntry>> {
    let row = db.row(
        "SELECT id, tenant, source FROM relay_hosts WHERE token_hash = ?",
        &params![token_hash],
    )?;
    let Some(row) = row else { return Ok(None) };
    let broken = |error: NotAnId| Error::runtime(error.to_string());
    let tenant = TenantId::parse(&row.text(1)).map_err(broken)?;
    let source = SourceId::parse(&row.text(2)).map_err(broken)?;
    Ok(Some(HostEntry { id: row.text(0), tenant, source, token_hash: String::new() }))
}
