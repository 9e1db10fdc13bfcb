//! A tenant's records: the index that lists search, refused calls, bulk replays, and the tail of
//! the whole tenant with a sequence of its own.
//!
//! Channels feed it in batches; a batch is one row, so the index costs a fraction of a row an
//! event. It is derived: what is true of an event is in its channel.

mod index;
mod notices;
mod relays;
mod replay;
mod tails;

use std::cell::OnceCell;
use std::panic::AssertUnwindSafe;

use livegate_core::time::UnixMillis;
use serde_json::Value;
use worker::{DurableObject, Env, State, durable_object};

use self::index::Index;
pub(crate) use self::replay::ReplayFilter;
use super::contract::ToRecords;
use super::{answer, opened};
use crate::document::{Field, document};
use crate::error::{Error, Result};
use crate::http::Incoming;
use crate::tail::Tails;
use crate::{http, js};

/// The object that keeps one tenant's records.
#[durable_object]
pub struct Records {
    state: State,
    env: Env,
    index: AssertUnwindSafe<OnceCell<Index>>,
    tails: AssertUnwindSafe<Tails>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Records")
    }
}

document! {
    /// A refused call: enough to see why, nothing that opens anything.
    #[derive(Clone, Debug)]
    pub(crate) struct Rejection {
        pub(crate) id: String,
        pub(crate) source: String,
        pub(crate) at: UnixMillis,
        /// The stable code of the reason.
        pub(crate) reason: String,
        pub(crate) detail: String,
        pub(crate) method: String,
        pub(crate) url: String,
        /// What was signed, with `<key>` in the key's place, where the call got that far.
        pub(crate) signed_string: Option<String>,
        pub(crate) body_size: u64,
        pub(crate) body_sha256: String,
        /// How many others were refused and not kept since the one before.
        pub(crate) not_kept: u64 = 0,
    }
}

impl DurableObject for Records {
    fn new(state: State, env: Env) -> Self {
        let tails = AssertUnwindSafe(Tails::default());
        Self { state, env, index: AssertUnwindSafe(OnceCell::new()), tails }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        let incoming = Incoming::of(&request);
        if incoming.method == "GET" {
            return opened(self.tail(&incoming), &incoming.path).map(Into::into);
        }
        answer(self.serve(&incoming).await).map(Into::into)
    }

    async fn alarm(&self) -> worker::Result<worker::Response> {
        let index = self.index()?;
        if replay::step(&self.env, index).await? {
            self.state.storage().set_alarm(replay::PAUSE_MS).await?;
        }
        Ok(http::empty(204)?.into())
    }

    crate::tail::listeners_are_only_told!();
}

impl Records {
    /// The rows; their tables are made once a start.
    fn index(&self) -> Result<&Index> {
        if self.index.get().is_none() {
            // Nobody else can have: nothing was awaited since.
            let _ = self.index.set(Index::open(&self.state)?);
        }
        self.index.get().ok_or_else(|| Error::runtime("the records cannot be opened".to_owned()))
    }

    async fn serve(&self, request: &Incoming) -> Result<Value> {
        let ask: ToRecords = request.json().await?;
        let index = self.index()?;
        Ok(match ask {
            ToRecords::Feed(tenant, feed) => {
                index.claim(tenant)?;
                let fed = index.feed(&feed)?;
                self.push_tails(tenant);
                fed.write()
            }
            ToRecords::Channel(number) => index.channel(&number)?.write(),
            ToRecords::Events(query) => index.events(&query)?.write(),
            ToRecords::Deliveries(query) => index.deliveries(&query)?.write(),
            ToRecords::Relays(query) => relays::page(&index.0, &query)?.write(),
            ToRecords::Notice(tenant, notice) => {
                index.claim(tenant)?;
                notices::keep(&index.0, &notice)?;
                Value::Null
            }
            ToRecords::Notices(before, limit) => notices::page(&index.0, before, limit)?.write(),
            ToRecords::ReadNotices(up_to) => {
                notices::read(&index.0, up_to)?;
                Value::Null
            }
            ToRecords::Reject(rejection) => {
                index.reject(&rejection)?;
                Value::Null
            }
            ToRecords::Rejections(query) => index.rejections(&query)?.write(),
            ToRecords::Rejection(id) => index.rejection(&id)?.write(),
            ToRecords::StartReplay(tenant, id, filter, rate_per_s) => {
                index.claim(tenant)?;
                let replay = replay::start(index, id, *filter, rate_per_s, js::now())?;
                self.state.storage().set_alarm(1).await?;
                replay.write()
            }
            ToRecords::Replays(query) => replay::list(index, &query)?.write(),
            ToRecords::Replay(id) => replay::one(index, id)?.write(),
            ToRecords::CancelReplay(id) => replay::cancel(index, id)?.write(),
        })
    }
}
