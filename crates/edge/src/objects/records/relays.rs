//! The state that each relay is in, whoever's it is: what `/api/v1/relays` shows.
//!
//! An event that came late says nothing of the present. Which one did, its channel has judged.

use serde_json::{Value, json};

use crate::error::Result;
use crate::js::millis;
use crate::sql::{Db, params};
use crate::wire::{Page, Query, Summary};

/// How many are kept: those that were heard of last.
const KEPT: u64 = 10_000;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS relays(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT, source TEXT, id TEXT, state TEXT, task TEXT,
    url TEXT, at INTEGER, event TEXT, UNIQUE(channel, source, id))";

/// Takes what an event says of a relay.
pub(super) fn learn(db: &Db, event: &Summary) -> Result<()> {
    let Some(relay) = event.relay.as_ref().filter(|_| !event.late) else { return Ok(()) };
    let at = millis(event.time.as_deref().unwrap_or(&event.accepted_at));
    // The newest comes last, so that what was not heard of for longest is forgotten first.
    db.run(
        "INSERT OR REPLACE INTO relays(channel, source, id, state, task, url, at, event)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &params![
            &event.channel,
            &event.source.to_string(),
            &relay.id,
            relay.state.as_deref(),
            relay.task.as_deref(),
            relay.url.as_deref(),
            at,
            &event.id.to_string(),
        ],
    )
}

pub(super) fn trim(db: &Db) -> Result<()> {
    db.run("DELETE FROM relays WHERE seq <= (SELECT max(seq) FROM relays) - ?", &params![KEPT])
}

/// A page of relays, those that were heard of last first. The query's kind is a state.
pub(super) fn page(db: &Db, query: &Query) -> Result<Page> {
    let before = super::index::cursor(query.cursor.as_deref()).unwrap_or(1 << 53);
    let rows = db.rows(
        "SELECT seq, channel, source, id, state, task, url, at, event FROM relays
         WHERE seq < ?1 AND (?2 IS NULL OR channel = ?2) AND (?3 IS NULL OR source = ?3)
           AND (?4 IS NULL OR state = ?4)
         ORDER BY seq DESC LIMIT ?5",
        &params![
            before,
            query.channel.as_deref(),
            query.source.as_deref(),
            query.kind.as_deref(),
            query.limit + 1,
        ],
    )?;
    let more = rows.len() as u64 > query.limit;
    let mut items: Vec<Value> = Vec::new();
    let mut last = None;
    for row in rows.iter().take(usize::try_from(query.limit).unwrap_or(usize::MAX)) {
        last = Some(row.int(0).to_string());
        items.push(json!({
            "channel": row.text(1), "source": row.text(2), "id": row.text(3),
            "state": row.maybe_text(4), "task": row.maybe_text(5), "url": row.maybe_text(6),
            "since": livegate_core::time::UnixMillis(row.int(7)).to_string(),
            "event": row.text(8),
        }));
    }
    Ok(Page { items, next: last.filter(|_| more) })
}
