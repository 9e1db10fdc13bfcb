//! Whoever reads a stream along, at a pace of its own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use livegate_core::relay::queue::{Dropped, Next, Queue, QueueSettings};
use livegate_core::time::UnixMillis;
use tokio::sync::Notify;

use super::packet::Packet;

/// The stream's end of a reader.
#[derive(Debug)]
pub(super) struct Inlet {
    queue: RefCell<Queue<Packet>>,
    has_more: Notify,
    has_ended: Cell<bool>,
}

impl Inlet {
    pub(super) fn packet(&self, packet: &Packet, now: UnixMillis) {
        let timestamp = packet.message.timestamp;
        self.queue.borrow_mut().push(packet.class, timestamp, packet.clone(), now);
        self.has_more.notify_one();
    }

    pub(super) fn end(&self) {
        self.has_ended.set(true);
        self.has_more.notify_one();
    }
}

/// Reads a stream along: what a decoder needs first, then from the last key frame on. What it does
/// not read in time is skipped up to the next key frame. Dropping it ends it.
#[derive(Debug)]
pub struct Reader(Rc<Inlet>);

impl Reader {
    pub(super) fn new(settings: QueueSettings) -> Self {
        let mut queue = Queue::new(settings);
        queue.open();
        let has_ended = Cell::new(false);
        Self(Rc::new(Inlet { queue: RefCell::new(queue), has_more: Notify::new(), has_ended }))
    }

    pub(super) fn inlet(&self) -> &Rc<Inlet> {
        &self.0
    }

    /// The next message, at once or when there is one; `None` when the stream has ended and all of it
    /// was read.
    pub async fn next(&mut self) -> Option<Next<Packet>> {
        self.more().await;
        self.try_next()
    }

    /// Done when there is a message, or when the stream has ended. It does not borrow the reader.
    pub fn more(&self) -> impl Future<Output = ()> + use<> {
        let inlet = Rc::clone(&self.0);
        async move {
            while inlet.queue.borrow().is_empty() && !inlet.has_ended.get() {
                inlet.has_more.notified().await;
            }
        }
    }

    /// The next message if there is one already. Without one after [`more`](Self::more), the stream has
    /// ended.
    pub fn try_next(&mut self) -> Option<Next<Packet>> {
        self.0.queue.borrow_mut().pop()
    }

    /// What it did not read in time.
    pub fn dropped(&self) -> Dropped {
        self.0.queue.borrow().dropped()
    }
}
