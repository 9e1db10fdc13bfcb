//! What is written down while the host runs: rows, in the order in which things happened.

use livegate_core::relay::callback::About;
use livegate_core::time::UnixMillis;
use tokio::task::spawn_local;

use crate::clock;
use crate::store::{Change, Event, Store, StoreError};

/// Where things are written down. Cloning it gives another handle.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    store: Store,
}

impl Journal {
    pub(crate) const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Keeps changes, in the order of the calls. A disk that fails is told by the store.
    pub(crate) fn keep(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let store = self.store.clone();
        spawn_local(async move {
            // The store says itself that it cannot.
            let _ = store.write(changes).await;
        });
    }

    /// Keeps changes, and waits until they, and what was kept before them, are on disk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn write(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.store.write(changes).await
    }
}

/// A state event, with an id that no other has.
pub(crate) fn event(
    app: &str,
    channel: &str,
    task: &str,
    at: UnixMillis,
    body: impl FnOnce(About<'_>) -> String,
) -> Change {
    let id = format!("evt_{}", hex::encode(clock::random::<16>()));
    let body = body(About { id: &id, app_id: app, channel, task });
    let (app, channel) = (app.to_owned(), channel.to_owned());
    Change::Event(Event { app, channel, body, id, at })
}
