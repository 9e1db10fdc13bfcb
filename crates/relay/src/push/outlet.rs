//! What waits for one destination.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use livegate_core::relay::class::Class;
use livegate_core::relay::queue::{Payload, Queue, QueueSettings};
use livegate_core::time::UnixMillis;
use livegate_rtmp::chunk::shared::Shared;
use tokio::sync::Notify;

use super::pipe::{Fired, Pipe};
use super::volley::{Shot, Volley};

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
    /// Told when the connection is to write what waits.
    pub(super) flush: Notify,
    /// Told when the connection is to take leave.
    pub(crate) leave: Notify,
    /// The connection, while the stream may be written to it.
    pipe: RefCell<Option<Rc<RefCell<Pipe>>>>,
    /// Bytes that the destination's kernel has of the stream, when that was last asked.
    arrived: Cell<u64>,
    /// When that is to be asked next.
    asks_at: Cell<UnixMillis>,
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
            pipe: RefCell::new(None),
            arrived: Cell::new(0),
            asks_at: Cell::new(UnixMillis(0)),
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

    /// When it is asked next how far the stream has come.
    pub(super) fn ask_at(&self, at: UnixMillis) {
        self.asks_at.set(at);
    }

    /// Whether it is time to ask.
    pub(super) fn is_asked(&self, now: UnixMillis) -> bool {
        now >= self.asks_at.get()
    }

    /// The stream may be written to this connection, or to none any more.
    pub(super) fn set_pipe(&self, pipe: Option<Rc<RefCell<Pipe>>>) {
        *self.pipe.borrow_mut() = pipe;
    }

    /// Has what waits written by the connection itself.
    pub(crate) fn wake(&self) {
        self.flush.notify_one();
    }

    /// The message stream of the connection, once it may be written to.
    pub(crate) fn stream(&self) -> Option<u32> {
        self.pipe.borrow().as_ref().and_then(|pipe| pipe.borrow().stream)
    }

    /// Takes the next messages, and writes them here and now: to wake the connection for it costs more
    /// than to write. What does not go out at once waits, and the connection goes on with it.
    pub(crate) fn take(&self, shots: &[Shot], volley: Option<&Volley<'_>>, now: UnixMillis) {
        let is_done = match (&*self.pipe.borrow(), volley) {
            (Some(pipe), Some(volley)) => self.fire(&mut pipe.borrow_mut(), volley),
            _ => None,
        };
        let is_done = is_done.unwrap_or_else(|| {
            for Shot { class, timestamp, chunked } in shots {
                self.push(*class, *timestamp, chunked, now);
            }
            self.flush()
        });
        // To be woken at a time of its own costs the host more than to be asked along with a write.
        if !is_done || self.is_asked(now) {
            self.wake();
        }
    }

    /// Writes past the queue, where nothing waits in it; whether the connection need not be woken, or
    /// nothing where the queue has to be gone through.
    fn fire(&self, pipe: &mut Pipe, volley: &Volley<'_>) -> Option<bool> {
        let mut queue = self.queue.borrow_mut();
        if !queue.is_flowing() {
            return None;
        }
        let had_begun = pipe.has_begun();
        let fired = pipe.fire(volley);
        if fired == Fired::No {
            return None;
        }
        if let Some(last) = volley.shots().last() {
            queue.passed(last.timestamp);
        }
        Some(fired == Fired::All && had_begun)
    }

    /// Writes what waits; whether the connection need not be woken for it.
    fn flush(&self) -> bool {
        self.pipe.borrow().as_ref().is_some_and(|pipe| {
            let mut pipe = pipe.borrow_mut();
            let had_begun = pipe.has_begun();
            // Of the first of it, everybody waits to hear.
            pipe.write_now(&mut self.queue.borrow_mut()) && had_begun
        })
    }

    pub(crate) fn push(&self, class: Class, timestamp: u32, chunked: &Chunked, now: UnixMillis) {
        let mut queue = self.queue.borrow_mut();
        queue.push(class, timestamp, chunked.clone(), now);
        let dropped = queue.dropped();
        let dropped = dropped.video.saturating_add(dropped.audio);
        self.meters.dropped.add(dropped.saturating_sub(self.dropped.replace(dropped)));
    }
}
