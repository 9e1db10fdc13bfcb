//! One task's stream on its way to its destinations: each message is made once and chunked once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use livegate_core::relay::Task;
use livegate_core::relay::class::Class;
use livegate_core::relay::gop::{Gop, GopSettings};
use livegate_core::relay::lifecycle::TargetId;
use livegate_core::relay::task::Media;
use livegate_core::relay::timebase::Timebase;
use livegate_core::time::UnixMillis;
use livegate_rtmp::chunk::ChunkSize;
use livegate_rtmp::chunk::shared::Shared;
use livegate_rtmp::message::{Kind, Message, data};

use crate::push::{Chunked, Outlet, Shot, Volley};
use crate::sei::Inserter;
use crate::stream::Packet;

/// How many messages there is always room for: a tick of an ordinary stream has fewer.
const SHOTS: usize = 64;

/// What a task does to its stream, and whom it gives it to.
pub(super) struct Fanout {
    media: Cell<Media>,
    inserter: RefCell<Inserter>,
    timebase: RefCell<Timebase>,
    headers: RefCell<[Option<(Class, Chunked)>; Class::HEADERS]>,
    gop: RefCell<Gop<Chunked>>,
    outlets: RefCell<BTreeMap<TargetId, Rc<Outlet>>>,
    /// What came since the last flush.
    shots: RefCell<Vec<Shot>>,
}

impl Fanout {
    pub(super) fn new(gop: GopSettings, media: Media, inserter: Inserter) -> Self {
        Self {
            media: Cell::new(media),
            inserter: RefCell::new(inserter),
            timebase: RefCell::default(),
            headers: RefCell::default(),
            gop: RefCell::new(Gop::new(gop)),
            outlets: RefCell::default(),
            shots: RefCell::default(),
        }
    }

    /// What is taken of the stream, and what is written into it, from now on.
    pub(super) fn configure(&self, media: Media, task: &Task) {
        self.media.set(media);
        self.inserter.borrow_mut().configure(task);
    }

    /// The custom message is written once more.
    pub(super) fn repeat_sei(&self) {
        self.inserter.borrow_mut().repeat_custom();
    }

    /// The stream of this user begins, or begins anew.
    pub(super) fn begin(&self, user: &str) {
        self.timebase.borrow_mut().begin();
        let mut inserter = self.inserter.borrow_mut();
        inserter.set_publisher(user);
        inserter.reconnect();
    }

    /// The stream ended: what comes next does not follow it, and begins with headers of its own.
    pub(super) fn end(&self) {
        self.gop.borrow_mut().clear();
        self.headers.take();
    }

    /// What a destination is given goes there from now on.
    pub(super) fn add(&self, target: TargetId, outlet: Rc<Outlet>) {
        self.outlets.borrow_mut().insert(target, outlet);
    }

    /// Destinations that are not kept get no more.
    pub(super) fn keep(&self, is_kept: impl Fn(TargetId) -> bool) {
        self.outlets.borrow_mut().retain(|target, _| is_kept(*target));
    }

    /// A destination takes the stream from now on: it begins with what was since the last key frame.
    pub(super) fn open(&self, target: TargetId, now: UnixMillis) {
        let Some(outlet) = self.outlets.borrow().get(&target).map(Rc::clone) else { return };
        // What others still have to get is among what it begins with.
        self.flush(now);
        // A queue without a connection keeps headers, and sends them first when it has one.
        for (class, header) in self.headers.borrow().iter().flatten() {
            outlet.push(*class, header.0.timestamp(), header, now);
        }
        outlet.queue.borrow_mut().open();
        for kept in self.gop.borrow().iter() {
            outlet.push(kept.class, kept.timestamp, &kept.payload, now);
        }
        outlet.wake();
    }

    /// The next message.
    pub(super) fn packet(&self, packet: &Packet, now: UnixMillis) {
        let message = &packet.message;
        let is_wanted = match message.kind {
            Kind::AUDIO => self.media.get() != Media::Video,
            Kind::VIDEO => self.media.get() != Media::Audio,
            _ => true,
        };
        if !is_wanted {
            return;
        }
        let timestamp = self.timebase.borrow_mut().map(packet.class, message.timestamp, now);
        let message = Message { timestamp, ..message.clone() };
        let message = match message.kind {
            Kind::DATA => data::for_server(&message),
            Kind::VIDEO => self.inserter.borrow_mut().video(&message, now),
            Kind::AUDIO => {
                self.inserter.borrow_mut().audio(&message, now);
                message
            }
            _ => message,
        };
        let chunked = Chunked(Shared::new(&message, ChunkSize::OURS));
        let mut headers = self.headers.borrow_mut();
        if let Some(kept) = packet.class.header().and_then(|index| headers.get_mut(index)) {
            *kept = Some((packet.class, chunked.clone()));
        }
        drop(headers);
        self.gop.borrow_mut().push(packet.class, timestamp, chunked.clone());
        let shot = Shot { class: packet.class, timestamp, chunked };
        self.shots.borrow_mut().push(shot);
    }

    /// Gives all destinations what came since the last time.
    pub(super) fn flush(&self, now: UnixMillis) {
        let mut shots = self.shots.take();
        if shots.is_empty() {
            return;
        }
        self.give(&shots, now);
        // Its room is used again, but for that of a burst.
        shots.clear();
        shots.shrink_to(SHOTS);
        self.shots.replace(shots);
    }

    fn give(&self, shots: &[Shot], now: UnixMillis) {
        let outlets = self.outlets.borrow();
        let stream = outlets.values().find_map(|outlet| outlet.stream());
        let heads = stream.map(|stream| Volley::heads(shots, stream));
        let volley = stream
            .zip(heads.as_deref())
            .and_then(|(stream, heads)| Volley::new(shots, heads, stream));
        for outlet in outlets.values() {
            outlet.take(shots, volley.as_ref(), now);
        }
    }
}
