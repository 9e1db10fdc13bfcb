//! Where one push of a task goes, over all its connections.

use std::rc::Rc;

use livegate_core::relay::PushUrl;
use livegate_core::relay::push::Connection;
use livegate_core::relay::queue::{Dropped, QueueSettings};
use tokio::task::JoinHandle;

use crate::meter::Meters;
use crate::push::Outlet;

/// One destination and its newest connection.
pub(super) struct Destination {
    pub(super) url: PushUrl,
    pub(super) connection: Option<(Connection, JoinHandle<()>)>,
    pub(super) outlet: Option<Rc<Outlet>>,
    /// Of the connections before.
    sent: u64,
    dropped: Dropped,
}

impl Destination {
    pub(super) fn new(url: PushUrl) -> Self {
        Self { url, connection: None, outlet: None, sent: 0, dropped: Dropped::default() }
    }

    /// Bytes that arrived in all, and what was dropped.
    pub(super) fn figures(&self) -> (u64, Dropped) {
        let Some(outlet) = &self.outlet else { return (self.sent, self.dropped) };
        let sent = self.sent.saturating_add(outlet.arrived());
        (sent, self.dropped.plus(outlet.queue.borrow().dropped()))
    }

    /// What waits for a new connection.
    pub(super) fn renew(&mut self, settings: QueueSettings, meters: &Rc<Meters>) -> Rc<Outlet> {
        (self.sent, self.dropped) = self.figures();
        let outlet = Rc::new(Outlet::new(settings, Rc::clone(meters)));
        self.outlet = Some(Rc::clone(&outlet));
        outlet
    }
}
