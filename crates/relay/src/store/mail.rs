//! Rows of state events, and how far their receivers have them.
//!
//! An event is one row, however many receivers it has: each has a cursor over the rows of a channel's
//! *line*. What all have goes; a line without rows goes too.

use livegate_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::change::Event;
use super::kept::unsigned;
use super::rows::number;

/// How many events of an application that were put aside are kept: the newest.
const ASIDE: i64 = 1_000;

/// A line got a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) line: u64,
    pub(crate) app: String,
    pub(crate) channel: String,
    pub(crate) last: u64,
}

/// A line as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptLine {
    /// Its number.
    pub line: u64,
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The number of its first row.
    pub first: u64,
    /// The number of its last row.
    pub last: u64,
    /// How far receivers have it, by their names.
    pub cursors: Vec<(String, u64)>,
}

/// A row of a line.
#[derive(Clone, Debug)]
pub(crate) struct MailRow {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) at: UnixMillis,
    pub(crate) body: String,
}

/// What became of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    /// Receiver, line, and the last row that the receiver needs no more.
    pub(crate) cursors: Vec<(String, u64, u64)>,
    /// Line, and the last row that nobody needs any more.
    pub(crate) free: Vec<(u64, u64)>,
    /// Rows that a receiver refused for good.
    pub(crate) aside: Vec<PutAside>,
}

impl Settled {
    pub(crate) const fn is_empty(&self) -> bool {
        self.cursors.is_empty() && self.free.is_empty() && self.aside.is_empty()
    }
}

/// A row that a receiver refused for good.
#[derive(Clone, Debug)]
pub(crate) struct PutAside {
    pub(crate) receiver: String,
    pub(crate) line: u64,
    pub(crate) number: u64,
    pub(crate) at: UnixMillis,
    pub(crate) code: &'static str,
}

/// An event that a receiver refused for good, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Aside {
    /// The receiver.
    pub receiver: String,
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The callback's id.
    pub id: String,
    /// When it happened.
    pub at: UnixMillis,
    /// When it was put aside.
    pub aside_at: UnixMillis,
    /// What the receiver said last.
    pub code: String,
    /// The body in livegate's own format, its secrets masked.
    pub body: String,
}

/// Adds an event to its channel's line.
pub(super) fn append(db: &Connection, event: &Event) -> Result<Arrived> {
    let (line, last): (i64, i64) = db
        .prepare_cached(
            "INSERT INTO lines (app, channel, last) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET last = last + 1 RETURNING line, last",
        )?
        .query_row(params![event.app, event.channel], |row| Ok((row.get(0)?, row.get(1)?)))?;
    db.prepare_cached(
        "INSERT INTO events (line, number, id, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![line, last, event.id, number(event.at.0), event.body])?;
    Ok(Arrived {
        line: u64::try_from(line).unwrap_or(0),
        app: event.app.clone(),
        channel: event.channel.clone(),
        last: u64::try_from(last).unwrap_or(0),
    })
}

/// Writes what became of rows; the lines that are gone by it.
pub(super) fn settle(db: &Connection, settled: &Settled) -> Result<Vec<u64>> {
    for aside in &settled.aside {
        db.prepare_cached(
            "INSERT INTO aside (receiver, app, channel, id, at, aside_at, code, body)
             SELECT ?1, app, channel, id, at, ?4, ?5, body
             FROM events JOIN lines USING (line) WHERE line = ?2 AND number = ?3",
        )?
        .execute(params![
            aside.receiver,
            number(aside.line),
            number(aside.number),
            number(aside.at.0),
            aside.code,
        ])?;
        db.prepare_cached(
            "DELETE FROM aside WHERE app = (SELECT app FROM lines WHERE line = ?1) AND seq <= (
                 SELECT seq FROM aside WHERE app = (SELECT app FROM lines WHERE line = ?1)
                 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute([number(aside.line), ASIDE])?;
    }
    for (receiver, line, row) in &settled.cursors {
        db.prepare_cached(
            "INSERT OR REPLACE INTO cursors (line, receiver, settled) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![number(*line), receiver, number(*row)])?;
    }
    let mut gone = Vec::new();
    for (line, up_to) in &settled.free {
        db.prepare_cached("DELETE FROM events WHERE line = ?1 AND number <= ?2")?
            .execute([number(*line), number(*up_to)])?;
        let gone_line = db
            .prepare_cached(
                "DELETE FROM lines WHERE line = ?1
                 AND NOT EXISTS (SELECT 1 FROM events WHERE line = ?1)",
            )?
            .execute([number(*line)])?;
        if gone_line > 0 {
            db.prepare_cached("DELETE FROM cursors WHERE line = ?1")?.execute([number(*line)])?;
            gone.push(*line);
        }
    }
    Ok(gone)
}

/// Every line.
pub(super) fn lines(db: &Connection) -> Result<Vec<KeptLine>> {
    let mut lines: Vec<KeptLine> = db
        .prepare(
            "SELECT line, app, channel, last,
                 (SELECT min(number) FROM events WHERE events.line = lines.line) AS first
             FROM lines ORDER BY line",
        )?
        .query_map([], |row| {
            let last = unsigned(row, "last")?;
            let first: Option<i64> = row.get("first")?;
            let first = first.and_then(|first| u64::try_from(first).ok()).unwrap_or(last + 1);
            Ok(KeptLine {
                line: unsigned(row, "line")?,
                app: row.get("app")?,
                channel: row.get("channel")?,
                first,
                last,
                cursors: Vec::new(),
            })
        })?
        .collect::<Result<_>>()?;
    let mut cursors = db.prepare("SELECT receiver, settled FROM cursors WHERE line = ?1")?;
    for line in &mut lines {
        let own = cursors
            .query_map([number(line.line)], |row| Ok((row.get(0)?, unsigned(row, "settled")?)))?;
        line.cursors = own.collect::<Result<_>>()?;
    }
    Ok(lines)
}

/// Up to so many rows of a line, from a number on, and not many more bytes than that.
pub(super) fn read(
    db: &Connection,
    line: u64,
    from: u64,
    limit: usize,
    bytes: usize,
) -> Result<Vec<MailRow>> {
    let mut rows = db.prepare_cached(
        "SELECT number, id, at, body FROM events WHERE line = ?1 AND number >= ?2 ORDER BY number",
    )?;
    let mut rows = rows.query([number(line), number(from)])?;
    let (mut found, mut size) = (Vec::new(), 0);
    while found.len() < limit && size < bytes {
        let Some(row) = rows.next()? else { break };
        let row = MailRow {
            number: unsigned(row, "number")?,
            id: row.get("id")?,
            at: UnixMillis(unsigned(row, "at")?),
            body: row.get("body")?,
        };
        size += row.body.len();
        found.push(row);
    }
    Ok(found)
}

/// Lines with rows of before that time, and the last such row of each.
pub(super) fn older(db: &Connection, than: UnixMillis) -> Result<Vec<(u64, u64)>> {
    db.prepare_cached("SELECT line, max(number) AS last FROM events WHERE at < ?1 GROUP BY line")?
        .query_map([number(than.0)], |row| Ok((unsigned(row, "line")?, unsigned(row, "last")?)))?
        .collect()
}

/// Moves events that were put aside to the ends of their channels' lines, those that are there; their
/// age is counted anew. One that several receivers refused is one event.
pub(super) fn again(db: &Connection, ids: &[String], now: UnixMillis) -> Result<Vec<Arrived>> {
    let mut arrived = Vec::new();
    for id in ids {
        let event = db
            .prepare_cached("SELECT app, channel, id, body FROM aside WHERE id = ?1 LIMIT 1")?
            .query_row([id], |row| {
                Ok(Event {
                    app: row.get("app")?,
                    channel: row.get("channel")?,
                    id: row.get("id")?,
                    at: now,
                    body: row.get("body")?,
                })
            })
            .optional()?;
        let Some(event) = event else { continue };
        arrived.push(append(db, &event)?);
        db.prepare_cached("DELETE FROM aside WHERE id = ?1")?.execute([id])?;
    }
    Ok(arrived)
}

/// What was put aside, the newest first, of an application and by its id if one is named; secrets are
/// masked.
pub(super) fn aside(db: &Connection, app: Option<&str>, id: Option<&str>) -> Result<Vec<Aside>> {
    let read = |row: &Row<'_>| {
        let body: String = row.get("body")?;
        Ok(Aside {
            receiver: row.get("receiver")?,
            app: row.get("app")?,
            channel: row.get("channel")?,
            id: row.get("id")?,
            at: UnixMillis(unsigned(row, "at")?),
            aside_at: UnixMillis(unsigned(row, "aside_at")?),
            code: row.get("code")?,
            body: livegate_core::dialect::redact::json(&body).into_owned(),
        })
    };
    db.prepare_cached(
        "SELECT * FROM aside WHERE (?1 IS NULL OR app = ?1) AND (?2 IS NULL OR id = ?2)
         ORDER BY seq DESC LIMIT ?3",
    )?
    .query_map(params![app, id, ASIDE], read)?
    .collect()
}
