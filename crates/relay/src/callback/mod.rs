//! State events on their way out: to the addresses of the operator's file, and to the gateway.
//!
//! What is sent next is decided by `livegate_core::relay::outbox`; the rows are the store's. An event
//! that was told is forgotten some moments later, with others: after a crash in between it is told
//! again, with the same id.

mod client;
mod pump;
mod receiver;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use livegate_core::error::Code;
use livegate_core::relay::credentials::Credentials;
use livegate_core::relay::outbox::OutboxSettings;
use livegate_core::time::UnixMillis;
use tokio::sync::Notify;
use tokio::task::spawn_local;

use self::pump::{Pump, State};
pub use self::receiver::Receiver;
use crate::clock;
use crate::net::Tls;
use crate::store::{KeptLine, Store};

/// Whether a gateway is told of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// There is none.
    None,
    /// It is, once its address is known ([`Callbacks::set_gateway`]): until then events wait for it.
    Told,
}

/// How it goes with one receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// The application whose receiver it is; none of the gateway's, which is told of all.
    pub app: Option<String>,
    /// Events that wait, or are under way.
    pub waiting: u64,
    /// Events that it has, since the start.
    pub delivered: u64,
    /// Events that its format has no words for.
    pub skipped: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Events that it refused for good.
    pub put_aside: u64,
    /// Events that went undelivered, for their age.
    pub expired: u64,
    /// The last failure, and when it was, unless something was delivered since.
    pub failing: Option<(Code, UnixMillis)>,
}

/// The receivers of an operator's file, by their applications.
pub fn receivers(credentials: &Credentials) -> BTreeMap<String, Receiver> {
    let mut all = BTreeMap::new();
    for (app, application) in credentials.applications() {
        match application.callback.as_ref().map(Receiver::new) {
            Some(Ok(receiver)) => _ = all.insert(app.to_owned(), receiver),
            Some(Err(error)) => {
                tracing::error!(app, "its callbacks are not sent: {error}");
            }
            None => {}
        }
    }
    all
}

/// What tells the events. Cloning it gives another handle.
#[derive(Clone)]
pub struct Callbacks(Rc<Pump>);

impl Callbacks {
    /// Begins to tell: first what was kept, then what the store gets. Only where tasks may stay on their
    /// thread.
    pub fn new(
        store: Store,
        lines: &[KeptLine],
        settings: OutboxSettings,
        tls: Tls,
        receivers: BTreeMap<String, Receiver>,
        gateway: Gateway,
    ) -> Self {
        let mut state = State::new(settings, gateway);
        state.set(receivers);
        for line in lines {
            state.restore(line);
        }
        let pump = Rc::new(Pump {
            store,
            tls,
            settings,
            state: RefCell::new(state),
            turned: Notify::new(),
        });
        spawn_local(Rc::clone(&pump).run());
        Self(pump)
    }

    /// Whether anybody is told what happens in an application.
    pub fn wants(&self, app: &str) -> bool {
        self.0.state.borrow().receivers_of(app).next().is_some()
    }

    /// The operator's file is another one now. What waits for an application's receiver goes to the
    /// one that it has now, or to none.
    pub fn set(&self, receivers: BTreeMap<String, Receiver>) {
        self.0.state.borrow_mut().set(receivers);
        self.0.turned.notify_one();
    }

    /// Where the gateway is to be told, at once; without an address its events wait.
    pub fn set_gateway(&self, receiver: Option<Receiver>) {
        self.0.state.borrow_mut().set_gateway(receiver);
        self.0.turned.notify_one();
    }

    /// How it goes, the gateway first.
    pub fn figures(&self) -> Vec<Figures> {
        self.0.state.borrow().figures()
    }

    /// Whether anything is likely to be told soon: not to who fails, or whose address is not known.
    pub fn are_telling(&self) -> bool {
        self.0.state.borrow().outboxes.is_telling(clock::now())
    }

    /// Tells nothing any more, and writes down what was told.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").field("figures", &self.figures()).finish()
    }
}
