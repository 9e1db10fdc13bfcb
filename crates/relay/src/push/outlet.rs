//! What waits for one destination.

use std::cell::{Cell, RefCell};

use livegate_core::relay::class::Class;
use livegate_core::relay::queue::{Payload, Queue, QueueSettings};
use livegate_core::time::UnixMillis;
use livegate_rtmp::chunk::shared::Shared;
use tokio::sync::Notify;

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
    /// Bytes of media that the kernel took.
    pub(crate) handed: Cell<u64>,
}

impl Outlet {
    pub(crate) fn new(settings: QueueSettings) -> Self {
        Self {
            queue: RefCell::new(Queue::new(settings)),
            flush: Notify::new(),
            leave: Notify::new(),
            handed: Cell::new(0),
        }
    }

    pub(crate) fn push(&self, class: Class, timestamp: u32, chunked: &Chunked, now: UnixMillis) {
        self.queue.borrow_mut().push(class, timestamp, chunked.clone(), now);
    }
}
