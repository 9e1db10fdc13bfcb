//! What is counted of the host's work, for whoever watches it. Nothing is decided by these numbers.

use std::cell::Cell;
use std::rc::Rc;

use livegate_core::relay::queue::Dropped;

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
        let Gauge(count) = &self.0;
        count.set(count.get().saturating_sub(1));
    }
}

/// What is counted of those who watch in one way.
#[derive(Debug, Default)]
pub struct Viewing {
    /// Those who do.
    pub viewers: Gauge,
    /// Bytes of streams that they were sent.
    pub bytes: Counter,
    /// Messages that were skipped for those who read slowly.
    pub dropped: Counter,
}

/// By what somebody watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// HTTP-FLV.
    Http,
    /// WebSocket-FLV.
    WebSocket,
    /// RTMP.
    Rtmp,
}

/// One viewer, counted as long as it is kept.
#[derive(Debug)]
pub struct Viewer {
    by: By,
    meters: Rc<Meters>,
    /// What was dropped for it, as far as it is counted.
    dropped: u64,
    _present: Present,
}

impl Viewer {
    /// Somebody watches.
    pub fn new(by: By, meters: Rc<Meters>) -> Self {
        let present = meters.viewing(by).viewers.enter();
        Self { by, meters, dropped: 0, _present: present }
    }

    /// So many bytes more were sent.
    pub fn sent(&self, bytes: usize) {
        self.meters.viewing(self.by).bytes.add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// So much was dropped for this viewer until now.
    pub fn dropped(&mut self, dropped: Dropped) {
        let dropped = dropped.video.saturating_add(dropped.audio);
        self.meters.viewing(self.by).dropped.add(dropped.saturating_sub(self.dropped));
        self.dropped = dropped;
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Meters {
    /// Bytes of streams that destinations' connections took.
    pub pushed: Counter,
    /// Messages that pushes' queues dropped.
    pub dropped: Counter,
    /// How often a push was connected again, or tried to be.
    pub reconnects: Counter,
    /// Connections of RTMP that came in.
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

impl Meters {
    /// Those who watch in this way.
    pub const fn viewing(&self, by: By) -> &Viewing {
        match by {
            By::Http => &self.http_flv,
            By::WebSocket => &self.websocket_flv,
            By::Rtmp => &self.rtmp,
        }
    }
}
