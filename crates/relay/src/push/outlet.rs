//! What waits for one destination.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use livegate_core::relay::class::Class;
use livegate_core::relay::queue::{Payload, Queue, QueueSettings};
use livegate_core::time::UnixMillis;
use livegate_rtmp::chunk::shared::Shared;
use tokio::sync::Notify;

use crate::meter::Meters;

/// A message that is chunked once for all destinations.
#[derive(Clone, Debug)]
pub(crate) struct Chunked(pub(crate) Shared);

impl Payload for Chunked {
    fn size(&self) -> usize {
        self.0.payload().len()
    }
}

/// What waits for one connection, filled by its task.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) queue: RefCell<Queue<Chunked>>,
    /// Told when what waits is to be written.
    pub(crate) flush: Notify,
    /// Told when the connection is to take leave.
    pub(crate) leave: Notify,
    /// Bytes that the destination's kernel has of the stream, when that was last asked.
    arrived: Cell<u64>,
    /// Messages that were dropped, as far as they are counted.
    dropped: Cell<u64>,
    meters: Rc<Meters>,
}

impl Outlet {
    pub(crate) fn new(settings: QueueSettings, meters: Rc<Meters>) -> Self {
        Self {
            queue: RefCell::new(Queue::new(settings)),
            flush: Notify::new(),
            leave: Notify::new(),
            arrived: Cell::new(0),
            dropped: Cell::new(0),
            meters,
        }
    }

    /// Bytes of the stream that the destination's kernel has, when that was last asked.
    pub(crate) const fn arrived(&self) -> u64 {
        self.arrived.get()
    }

    /// The destination's kernel has so many bytes of the stream.
    pub(crate) fn has_arrived(&self, bytes: u64) {
        let before = self.arrived.replace(bytes);
        self.meters.pushed.add(bytes.saturating_sub(before));
    }

    pub(crate) fn push(&self, class: Class, timestamp: u32, chunked: &Chunked, now: UnixMillis) {
        let mut queue = self.queue.borrow_mut();
        queue.push(class, timestamp, chunked.clone(), now);
        let dropped = queue.dropped();
        let dropped = dropped.video.saturating_add(dropped.audio);
        self.meters.dropped.add(dropped.saturating_sub(self.dropped.replace(dropped)));
    }
}
