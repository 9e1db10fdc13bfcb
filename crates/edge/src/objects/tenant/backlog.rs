//! Looking after channels that could not deliver everything: an alarm can be lost, and self-hosted
//! runtimes have no cron, so the tenant pokes what went stale.

use livegate_core::id::TenantId;
use livegate_core::time::{Millis, UnixMillis};
use worker::Env;

use super::store::Store;
use crate::error::Result;
use crate::objects::contract::ToChannel;
use crate::objects::{ObjectRef, call};

/// Wakes channels whose backlog is older than a minute.
pub(super) async fn wake_stale(
    env: &Env,
    store: &Store,
    tenant: TenantId,
    now: UnixMillis,
) -> Result<()> {
    wake(env, tenant, store.backlogged(now.minus(Millis::from_mins(1)))?).await
}

/// Wakes every channel with a backlog, as after an endpoint was enabled again.
pub(super) async fn wake_all(env: &Env, store: &Store, tenant: TenantId) -> Result<()> {
    wake(env, tenant, store.backlogged(UnixMillis(1 << 53))?).await
}

async fn wake(env: &Env, tenant: TenantId, channels: Vec<String>) -> Result<()> {
    for name in channels {
        let object = ObjectRef::Channel(tenant, &name);
        // One that fails is tried again by the next alarm; the others must not wait for it.
        if let Err(error) = call::<serde_json::Value>(env, &object, ToChannel::Wake).await {
            worker::console_error!("waking a channel: {error}");
        }
    }
    Ok(())
}
