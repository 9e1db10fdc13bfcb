//! `/healthz`: 200 when the store writes and the listeners listen.

use std::cell::Cell;
use std::time::Duration;

use livegate_core::error::Coded as _;
use livegate_core::time::UnixMillis;
use serde_json::json;
use tokio::time::timeout;

use super::Host;
use super::answer::{Answer, json};
use crate::clock;
use crate::meter::{Gauge, Present};
use crate::store::Store;

/// How long the store may take to write nothing.
const LONGEST_WRITE: Duration = Duration::from_secs(2);

/// What listens at this moment.
#[derive(Debug, Default)]
pub struct Health {
    http: Gauge,
    rtmp: Gauge,
    /// Whether RTMP is spoken here at all.
    speaks_rtmp: Cell<bool>,
    /// When it was last tried whether the store writes, and whether it did.
    tried: Cell<Option<(UnixMillis, bool)>>,
}

impl Health {
    /// Whether the store writes: tried once a second, however often it is asked.
    async fn writes(&self, store: &Store) -> bool {
        let now = clock::now();
        if let Some((at, fine)) = self.tried.get()
            && now.since(at).0 < 1_000
        {
            return fine;
        }
        let fine = matches!(timeout(LONGEST_WRITE, store.write(Vec::new())).await, Ok(Ok(())));
        self.tried.set(Some((now, fine)));
        fine
    }

    /// HTTP is listened for, until what is returned is dropped.
    pub fn http(&self) -> Present {
        self.http.enter()
    }

    /// RTMP is listened for, until what is returned is dropped.
    pub fn rtmp(&self) -> Present {
        self.speaks_rtmp.set(true);
        self.rtmp.enter()
    }
}

/// Answers.
pub(super) async fn serve(host: &Host) -> Answer {
    let writes = host.health.writes(&host.store).await;
    let parts = [
        ("store", writes),
        ("http", host.health.http.value() > 0),
        ("rtmp", host.health.rtmp.value() > 0 || !host.health.speaks_rtmp.get()),
    ];
    let fine = parts.iter().all(|(_, fine)| *fine);
    let mut document = json!({ "status": if fine { "ok" } else { "failing" } });
    for (name, fine) in parts {
        document[name] = json!(if fine { "ok" } else { "failing" });
    }
    if let Some(failing) = host.store.failing() {
        document["code"] = json!(failing.error.code().as_str());
        document["since"] = json!(failing.since.to_string());
    }
    json(if fine { 200 } else { 503 }, &document)
}
