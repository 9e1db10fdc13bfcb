//! `/healthz`: 200 when the store writes and the listeners listen.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::Host;
use super::answer::{Answer, json};
use crate::meter::{Gauge, Present};

/// How long the store may take to write nothing.
const LONGEST_WRITE: Duration = Duration::from_secs(2);

/// What listens at this moment.
#[derive(Debug, Default)]
pub struct Health {
    http: Gauge,
    rtmp: Gauge,
    /// Whether RTMP is spoken here at all.
    speaks_rtmp: Cell<bool>,
}

impl Health {
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
    let writes = timeout(LONGEST_WRITE, host.store.write(Vec::new())).await;
    let parts = [
        ("store", matches!(writes, Ok(Ok(())))),
        ("http", host.health.http.value() > 0),
        ("rtmp", host.health.rtmp.value() > 0 || !host.health.speaks_rtmp.get()),
    ];
    let fine = parts.iter().all(|(_, fine)| *fine);
    let mut document = json!({ "status": if fine { "ok" } else { "failing" } });
    for (name, fine) in parts {
        document[name] = json!(if fine { "ok" } else { "failing" });
    }
    json(if fine { 200 } else { 503 }, &document)
}
