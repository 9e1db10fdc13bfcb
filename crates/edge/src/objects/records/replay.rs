//! Bulk replays: a paced job over the index. It queues events in their channels, which deliver
//! them as visible attempts outside their cursors.

use livegate_core::id::{ReplayId, Seq};
use livegate_core::sorted::Map;
use livegate_core::time::UnixMillis;
use worker::Env;

use super::index::Index;
use crate::document::{self, document, words};
use crate::error::{Problem, Result};
use crate::objects::contract::ToChannel;
use crate::objects::{ObjectRef, call};
use crate::sql::params;
use crate::wire::{Page, Query, Status};

/// How long the job rests between two steps.
pub(super) const PAUSE_MS: i64 = 1_000;

/// How many events a channel is handed at once: a lane has room for a thousand.
const EVENTS_A_CALL: usize = 250;

/// How many rows of the index one step looks at.
const ROWS_A_STEP: u32 = 500;

document! {
    /// Which events are replayed, and to whom.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct ReplayFilter {
        pub(crate) source: Option<String>,
        pub(crate) channel: Option<String>,
        pub(crate) kind: Option<String>,
        pub(crate) since: Option<u64>,
        pub(crate) until: Option<u64>,
        pub(crate) endpoint: Option<String>,
        pub(crate) subscription: Option<String>,
        /// Only what was parked.
        pub(crate) parked: bool = false,
    }
}

document! {
    /// A job and how far it is.
    #[derive(Clone, Debug)]
    pub(crate) struct Replay {
        pub(crate) id: ReplayId,
        pub(crate) state: State,
        pub(crate) filter: ReplayFilter,
        pub(crate) rate_per_s: u32,
        /// Events that the job has looked up so far.
        pub(crate) matched: u64,
        /// Deliveries that it has queued so far.
        pub(crate) queued: u64,
        pub(crate) created_at: String,
        /// The last position of the index that was looked at; not for callers.
        cursor: u64 = 0,
        /// What of the present step is queued already: channel, subscription and the last place.
        step: Vec<(String, Option<String>, Seq)> = Vec::new(),
    }
}

words! {
    /// Where a job is.
    pub(crate) enum State {
        Running = "running",
        Done = "done",
        Cancelled = "cancelled",
    }
}

pub(super) fn start(
    index: &Index,
    id: ReplayId,
    mut filter: ReplayFilter,
    rate_per_s: u32,
    now: UnixMillis,
) -> Result<Replay> {
    // What is accepted after the job began is not its business; without this it might never end.
    filter.until = Some(filter.until.map_or(now.0, |until| until.min(now.0)));
    let replay = Replay {
        id,
        state: State::Running,
        filter,
        rate_per_s,
        matched: 0,
        queued: 0,
        created_at: now.to_string(),
        cursor: 0,
        step: Vec::new(),
    };
    index.0.run(
        "INSERT INTO replays(id, doc) VALUES (?, ?)",
        &params![&id.to_string(), &document::text(&replay)],
    )?;
    Ok(replay)
}

fn save(index: &Index, replay: &Replay) -> Result<()> {
    index.0.run(
        "UPDATE replays SET doc = ? WHERE id = ?",
        &params![&document::text(replay), &replay.id.to_string()],
    )
}

/// A page of jobs, newest first.
pub(super) fn list(index: &Index, query: &Query) -> Result<Page> {
    let before = super::index::cursor(query.cursor.as_deref()).unwrap_or(u64::MAX >> 11);
    let rows = index.0.rows(
        "SELECT seq, doc FROM replays WHERE seq < ? ORDER BY seq DESC LIMIT ?",
        &params![before, query.limit + 1],
    )?;
    let shown = rows.iter().take(usize::try_from(query.limit).unwrap_or(usize::MAX));
    let last = shown.clone().next_back().map(|row| row.int(0).to_string());
    let items = shown.map(|row| Ok(crate::json::parse(&row.text(1))?)).collect::<Result<_>>()?;
    Ok(Page { items, next: last.filter(|_| rows.len() as u64 > query.limit) })
}

fn running(index: &Index) -> Result<Vec<Replay>> {
    let rows = index.0.rows(
        "SELECT doc FROM replays WHERE doc ->> 'state' = 'running' ORDER BY seq",
        &params![],
    )?;
    rows.iter().map(|row| document::parse(&row.text(0))).collect()
}

pub(super) fn one(index: &Index, id: ReplayId) -> Result<Option<Replay>> {
    let row = index.0.row("SELECT doc FROM replays WHERE id = ?", &params![&id.to_string()])?;
    row.map(|row| document::parse(&row.text(0))).transpose()
}

pub(super) fn cancel(index: &Index, id: ReplayId) -> Result<Replay> {
    let mut replay = one(index, id)?.ok_or_else(|| Problem::not_found("replay"))?;
    if replay.state == State::Running {
        replay.state = State::Cancelled;
        save(index, &replay)?;
    }
    Ok(replay)
}

/// Takes every running job one step further; whether any is left.
pub(super) async fn step(env: &Env, index: &Index) -> Result<bool> {
    let mut left = false;
    for mut replay in running(index)? {
        let found = look_up(index, &replay)?;
        let queued = queue(env, index, &mut replay, &found.events).await;
        if queued.is_ok() {
            replay.matched += found.events.len() as u64;
            replay.cursor = found.cursor;
            replay.step.clear();
        }
        // Somebody may have cancelled it while the channels were asked.
        let cancelled = one(index, replay.id)?.is_some_and(|now| now.state == State::Cancelled);
        if cancelled {
            replay.state = State::Cancelled;
        } else if let Err(error) = queued {
            // What is left of the same step, after a pause.
            worker::console_error!("a replay: {error}");
            left = true;
        } else if found.done {
            replay.state = State::Done;
        } else {
            left = true;
        }
        save(index, &replay)?;
    }
    Ok(left)
}

/// An event to replay, and to which subscription if that is already known.
struct Event {
    channel: String,
    subscription: Option<String>,
    seq: Seq,
}

/// What one step found.
struct Found {
    events: Vec<Event>,
    cursor: u64,
    done: bool,
}

/// The next events of a job, oldest first, so that each channel gets them in its order. As many as
/// a second allows; of parked ones a few more, for rows of attempts are taken whole.
fn look_up(index: &Index, replay: &Replay) -> Result<Found> {
    let mut found = Found { events: Vec::new(), cursor: replay.cursor, done: false };
    let enough = replay.rate_per_s as usize;
    for _ in 0..ROWS_A_STEP {
        if found.events.len() >= enough {
            return Ok(found);
        }
        let more = if replay.filter.parked {
            next_parked(index, replay, &mut found)?
        } else {
            next_events(index, replay, &mut found)?
        };
        if !more {
            found.done = true;
            return Ok(found);
        }
    }
    Ok(found)
}

fn next_events(index: &Index, replay: &Replay, found: &mut Found) -> Result<bool> {
    let Some((channel, first, events)) = index.after(found.cursor)? else { return Ok(false) };
    let wanted = Query {
        source: replay.filter.source.clone(),
        kind: replay.filter.kind.clone(),
        since: replay.filter.since,
        until: replay.filter.until,
        ..Query::default()
    };
    let is_named = replay.filter.channel.as_deref().is_none_or(|name| name == channel);
    for (position, event) in (first..).zip(&events) {
        if position <= found.cursor {
            continue;
        }
        if found.events.len() >= replay.rate_per_s as usize {
            break;
        }
        found.cursor = position;
        if is_named && wanted.wants(event) {
            found.events.push(Event {
                channel: channel.clone(),
                subscription: replay.filter.subscription.clone(),
                seq: event.seq,
            });
        }
    }
    Ok(true)
}

fn next_parked(index: &Index, replay: &Replay, found: &mut Found) -> Result<bool> {
    let Some((id, channel, attempts)) = index.attempts_after(found.cursor)? else {
        return Ok(false);
    };
    found.cursor = id;
    let wanted = Query {
        endpoint: replay.filter.endpoint.clone(),
        subscription: replay.filter.subscription.clone(),
        status: Some(Status::Parked),
        since: replay.filter.since,
        until: replay.filter.until,
        ..Query::default()
    };
    if replay.filter.channel.as_deref().is_none_or(|name| name == channel) {
        let attempts = attempts.iter().filter(|attempt| wanted.wants_attempt(attempt));
        found.events.extend(attempts.map(|attempt| Event {
            channel: channel.clone(),
            subscription: Some(attempt.subscription.to_string()),
            seq: attempt.seq,
        }));
    }
    Ok(true)
}

/// Queues what was found in its channels, and notes how far that is: a channel that cannot take
/// more for now must not have the others get theirs again.
async fn queue(env: &Env, index: &Index, replay: &mut Replay, events: &[Event]) -> Result<()> {
    let Some(tenant) = index.tenant()? else { return Ok(()) };
    let mut of_channel: Map<(&str, Option<&str>), Vec<Seq>> = Map::new();
    for event in events {
        let key = (event.channel.as_str(), event.subscription.as_deref());
        of_channel.entry(key).push(event.seq);
    }
    for ((name, subscription), mut seqs) in of_channel.into_entries() {
        seqs.sort_unstable();
        seqs.dedup();
        let is_it = |(channel, of, _): &&mut (String, Option<String>, Seq)| {
            channel == name && of.as_deref() == subscription
        };
        let done = replay.step.iter_mut().find(is_it).map_or(Seq(0), |(.., last)| *last);
        seqs.retain(|seq| *seq > done);
        for some in seqs.chunks(EVENTS_A_CALL) {
            let endpoint = replay.filter.endpoint.clone();
            let ask = ToChannel::Replay(some.to_vec(), endpoint, subscription.map(str::to_owned));
            replay.queued += call::<u64>(env, &ObjectRef::Channel(tenant, name), ask).await?;
            let last = some.last().copied().unwrap_or_default();
            match replay.step.iter_mut().find(is_it) {
                Some((.., done)) => *done = last,
                None => replay.step.push((name.to_owned(), subscription.map(str::to_owned), last)),
            }
        }
    }
    Ok(())
}
