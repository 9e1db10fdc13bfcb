//! Bulk replays: a paced job over the index. It queues events in their channels, which deliver
//! them as visible attempts outside their cursors.

use std::collections::BTreeMap;

use livegate_core::id::{EventId, ReplayId, Seq};
use livegate_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use worker::Env;

use super::index::Index;
use crate::error::{Error, Problem, Result};
use crate::objects::{ObjectRef, call, channel};
use crate::sql::params;
use crate::wire::Query;

/// How long the job rests between two steps.
pub(super) const PAUSE_MS: i64 = 1_000;

/// Which events are replayed, and to whom.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayFilter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// Only what was parked.
    #[serde(default)]
    pub(crate) parked: bool,
}

/// A job and how far it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Running,
    Done,
    Cancelled,
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
        cursor: None,
    };
    index.0.run(
        "INSERT INTO replays(id, doc) VALUES (?, ?)",
        &params![&id.to_string(), &serde_json::to_string(&replay)?],
    )?;
    Ok(replay)
}

fn save(index: &Index, replay: &Replay) -> Result<()> {
    index.0.run(
        "UPDATE replays SET doc = ? WHERE id = ?",
        &params![&serde_json::to_string(replay)?, &replay.id.to_string()],
    )
}

pub(super) fn list(index: &Index) -> Result<Vec<Replay>> {
    let rows = index.0.rows("SELECT doc FROM replays ORDER BY seq DESC LIMIT 200", &params![])?;
    rows.iter().map(|row| Ok(serde_json::from_str(&row.text(0))?)).collect()
}

pub(super) fn one(index: &Index, id: ReplayId) -> Result<Option<Replay>> {
    let row = index.0.row("SELECT doc FROM replays WHERE id = ?", &params![&id.to_string()])?;
    Ok(row.map(|row| serde_json::from_str(&row.text(0))).transpose()?)
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
pub(super) async fn step(env: &Env, index: &Index, _now: UnixMillis) -> Result<bool> {
    let mut left = false;
    for mut replay in list(index)? {
        if replay.state != State::Running {
            continue;
        }
        // Newest first: what matters most is delivered again soonest.
        let found = look_up(index, &replay)?;
        replay.matched += found.items.len() as u64;
        match queue(env, index, &replay, &found.items).await {
            Ok(queued) => replay.queued += queued,
            Err(error) => {
                worker::console_error!("a replay: {error}");
                left = true;
                continue;
            }
        }
        replay.cursor = found.next;
        // Somebody may have cancelled it while the channels were asked.
        let cancelled = one(index, replay.id)?.is_some_and(|now| now.state == State::Cancelled);
        if cancelled {
            replay.state = State::Cancelled;
        } else if replay.cursor.is_none() {
            replay.state = State::Done;
        } else {
            left = true;
        }
        save(index, &replay)?;
    }
    Ok(left)
}

fn look_up(index: &Index, replay: &Replay) -> Result<crate::wire::Page<Value>> {
    let filter = &replay.filter;
    let query = Query {
        source: filter.source.clone(),
        channel: filter.channel.clone(),
        kind: filter.kind.clone(),
        endpoint: filter.endpoint.clone().filter(|_| filter.parked),
        subscription: filter.subscription.clone().filter(|_| filter.parked),
        status: filter.parked.then_some(crate::wire::Status::Parked),
        since: filter.since,
        until: filter.until,
        cursor: replay.cursor.clone(),
        limit: u64::from(replay.rate_per_s),
        event: None,
    };
    if filter.parked { index.deliveries(&query) } else { index.events(&query) }
}

/// Queues what was found in its channels; how many deliveries that makes.
async fn queue(env: &Env, index: &Index, replay: &Replay, items: &[Value]) -> Result<u64> {
    let Some(tenant) = index.tenant()? else { return Ok(0) };
    let mut of_channel: BTreeMap<(String, Option<String>), Vec<Seq>> = BTreeMap::new();
    for item in items {
        let channel = item["channel"].as_str().unwrap_or_default().to_owned();
        let (subscription, seq) = if replay.filter.parked {
            (item["subscription"].as_str().map(str::to_owned), seq_of(&item["event"])?)
        } else {
            (replay.filter.subscription.clone(), seq_of(&item["id"])?)
        };
        of_channel.entry((channel, subscription)).or_default().push(seq);
    }
    let mut queued = 0;
    for ((name, subscription), mut seqs) in of_channel {
        seqs.sort_unstable();
        let ask = channel::Ask::Replay {
            tenant,
            channel: name.clone(),
            seqs,
            endpoint: replay.filter.endpoint.clone(),
            subscription,
        };
        queued += call::<u64>(env, &ObjectRef::Channel(tenant, &name), "/", &ask).await?;
    }
    Ok(queued)
}

fn seq_of(id: &Value) -> Result<Seq> {
    let id = id.as_str().and_then(|text| EventId::parse(text).ok());
    id.map(|id| id.place().1)
        .ok_or_else(|| Error::Runtime("the index holds something that is not an event".to_owned()))
}
