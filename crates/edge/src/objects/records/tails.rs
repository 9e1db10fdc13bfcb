//! The tail of a whole tenant: positions are the index's own, events are read from their channels.

use livegate_core::id::{Seq, TenantId};
use web_sys::Response;

use super::Records;
use super::index::Index;
use crate::error::Result;
use crate::http::Incoming;
use crate::objects::contract::ToChannel;
use crate::objects::{ObjectRef, call};
use crate::wire::{Summary, TailMessage};

impl Records {
    pub(super) fn tail(&self, request: &Incoming) -> Result<Response> {
        let index = self.index()?;
        let response = self.tails.open(&self.state, request, index.last_position()?)?;
        if let Some(tenant) = index.tenant()? {
            self.push_tails(tenant);
        }
        Ok(response)
    }

    /// Lets every listener read on.
    pub(super) fn push_tails(&self, tenant: TenantId) {
        if !self.tails.any(&self.state) {
            return;
        }
        let (sql, env) = (self.state.storage().sql(), self.env.clone());
        self.tails.wake(&self.state, move |after| {
            let (sql, env) = (sql.clone(), env.clone());
            async move {
                let index = Index(crate::sql::Db::from_sql(&sql));
                read(&env, &index, tenant, after).await
            }
        });
    }
}

/// How many bytes of bodies are rendered at a time, and one more.
const BYTES_A_TIME: u64 = 1 << 20;

/// The next chunk after a position; its events are rendered by their channel.
async fn read(
    env: &worker::Env,
    index: &Index,
    tenant: TenantId,
    after: u64,
) -> Result<Vec<TailMessage>> {
    let mut after = after;
    loop {
        let Some((name, first, events)) = index.after(after)? else { return Ok(Vec::new()) };
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let mut size = 0;
        let fits = |event: &&Summary| {
            size += event.size;
            size - event.size < BYTES_A_TIME
        };
        let seqs: Vec<Seq> = events.iter().skip(skip).take_while(fits).map(|one| one.seq).collect();
        let last = seqs.len() as u64;
        let object = ObjectRef::Channel(tenant, &name);
        let rendered: Vec<TailMessage> = call(env, &object, ToChannel::Render(seqs)).await?;
        let messages: Vec<TailMessage> = rendered
            .into_iter()
            .filter_map(|message| {
                let at = events.iter().position(|event| event.seq.0 == message.position)?;
                Some(TailMessage { position: first + at as u64, ..message })
            })
            .collect();
        if !messages.is_empty() {
            return Ok(messages);
        }
        // Retention has removed the whole chunk; what follows it must not wait for it.
        after = (first + skip as u64 + last).saturating_sub(1).max(after + 1);
    }
}
