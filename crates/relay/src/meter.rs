//! What is counted of the host's work, for whoever watches it. Nothing is decided by these numbers.

use std::cell::Cell;
use std::rc::Rc;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(Cell<u64>);

impl Counter {
    /// Counts some.
    pub fn add(&self, more: u64) {
        self.0.set(self.0.get().saturating_add(more));
    }

    /// How many there were.
    pub fn value(&self) -> u64 {
        self.0.get()
    }
}

/// How many there are of something at this moment.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Rc<Cell<u64>>);

impl Gauge {
    /// One more, until what is returned is dropped.
    #[must_use]
    pub fn enter(&self) -> Present {
        self.0.set(self.0.get().saturating_add(1));
        Present(self.clone())
    }

    /// So many there are.
    pub fn set(&self, value: u64) {
        self.0.set(value);
    }

    /// How many there are.
    pub fn value(&self) -> u64 {
        self.0.get()
    }
}

/// One of a [`Gauge`].
#[derive(Debug)]
pub struct Present(Gauge);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.set(self.0.value().saturating_sub(1));
    }
}

/// By what somebody watches.
#[derive(Debug, Default)]
pub struct Viewing {
    /// Those who do.
    pub viewers: Gauge,
    /// Bytes of streams that they were sent.
    pub bytes: Counter,
    /// Messages that were skipped for those who read slowly.
    pub dropped: Counter,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Meters {
    /// Bytes of streams that publishers brought, or that were pulled.
    pub received: Counter,
    /// Bytes of streams that arrived at destinations.
    pub pushed: Counter,
    /// Messages that pushes' queues dropped.
    pub dropped: Counter,
    /// How often a push connected again.
    pub reconnects: Counter,
    /// State events that wait to be told.
    pub events_waiting: Gauge,
    /// State events that were never told, for they got too old.
    pub events_expired: Counter,
    /// Connections of RTMP, either way.
    pub rtmp_connections: Gauge,
    /// Connections of HTTP.
    pub http_connections: Gauge,
    /// Connections that were closed at once, for there were too many.
    pub refused_connections: Counter,
    /// HTTP-FLV.
    pub http_flv: Viewing,
    /// WebSocket-FLV.
    pub websocket_flv: Viewing,
    /// RTMP.
    pub rtmp: Viewing,
}
