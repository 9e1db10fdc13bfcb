//! Notices kept for people to read here: what `/api/v1/notices` shows.

use serde_json::{Value, json};

use crate::error::Result;
use crate::sql::{Db, params};
use crate::wire::Page;

/// How many are kept.
const KEPT: u64 = 1_000;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS notices(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, doc TEXT, read INTEGER DEFAULT 0)";

/// Keeps a notice; the same event's again changes nothing.
pub(super) fn keep(db: &Db, notice: &Value) -> Result<()> {
    let id = notice["id"].as_str().unwrap_or_default();
    db.run(
        "INSERT INTO notices(id, doc) VALUES (?, ?) ON CONFLICT DO NOTHING",
        &params![id, &crate::json::text(notice)],
    )?;
    db.run("DELETE FROM notices WHERE seq <= (SELECT max(seq) FROM notices) - ?", &params![KEPT])
}

/// A page of notices, newest first.
pub(super) fn page(db: &Db, before: Option<u64>, limit: u64) -> Result<Page> {
    let rows = db.rows(
        "SELECT seq, doc, read FROM notices WHERE seq < ? ORDER BY seq DESC LIMIT ?",
        &params![before.unwrap_or(1 << 53), limit + 1],
    )?;
    let more = rows.len() as u64 > limit;
    let mut items = Vec::new();
    let mut last = None;
    for row in rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        let mut notice: Value = crate::json::parse(&row.text(1))?;
        notice["seq"] = json!(row.int(0));
        notice["read"] = json!(row.int(2) == 1);
        items.push(notice);
        last = Some(row.int(0).to_string());
    }
    Ok(Page { items, next: last.filter(|_| more) })
}

/// Marks notices as read, up to one.
pub(super) fn read(db: &Db, up_to: u64) -> Result<()> {
    db.run("UPDATE notices SET read = 1 WHERE seq <= ?", &params![up_to])
}
