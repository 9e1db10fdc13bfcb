//! What is published or pulled at this moment, and whoever reads along.
//!
//! A stream is there as long as one session of its publisher. Who wants it also when it is not there,
//! such as a relay task, says so once ([`Streams::tap`]) and is told when it comes and goes.

mod packet;
mod reader;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};

use livegate_core::layout::Picture;
use livegate_core::relay::class::Class;
use livegate_core::relay::gop::{Gop, GopSettings};
use livegate_core::relay::lease::Feed;
use livegate_core::relay::queue::QueueSettings;
use livegate_core::time::UnixMillis;

use crate::meter::Counter;

pub use packet::Packet;
use reader::Inlet;
pub use reader::Reader;

/// Which stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The user.
    pub user: String,
    /// Camera or screen.
    pub picture: Picture,
}

/// Which stream is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The user; without one the first who publishes in the channel.
    pub user: Option<String>,
    /// Camera or screen.
    pub picture: Picture,
}

impl Wanted {
    fn is(&self, key: &StreamKey) -> bool {
        self.app == key.app
            && self.channel == key.channel
            && self.picture == key.picture
            && self.user.as_ref().is_none_or(|user| *user == key.user)
    }
}

/// Something that wants a stream whenever it is there. None of these may publish or end a stream.
pub trait Tap {
    /// The stream is there; its packets follow.
    fn there(&self, key: &StreamKey, now: UnixMillis);
    /// The next message.
    fn packet(&self, packet: &Packet, now: UnixMillis);
    /// That is all for the moment: what came since the last pause came together.
    fn pause(&self);
    /// The stream is gone.
    fn gone(&self, now: UnixMillis);
}

/// What there is to say of a stream in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Where it comes from.
    pub feed: Feed,
    /// When it began.
    pub began_at: UnixMillis,
    /// Bytes of its messages.
    pub bytes: u64,
    /// Its messages.
    pub messages: u64,
    /// Who reads along, tasks left out.
    pub readers: usize,
}

/// A stream that is there.
struct Live {
    feed: Feed,
    began_at: UnixMillis,
    headers: [Option<Packet>; Class::HEADERS],
    gop: Gop<Packet>,
    readers: Vec<Weak<Inlet>>,
    /// Shared, so that whoever is told something may change it meanwhile.
    taps: Rc<Vec<Rc<Tapped>>>,
    bytes: u64,
    messages: u64,
}

impl Live {
    /// What a decoder needs first, then what was since the last key frame.
    fn beginning(&self) -> impl Iterator<Item = Packet> + use<> {
        let headers: Vec<Packet> = self.headers.iter().flatten().cloned().collect();
        let gop: Vec<Packet> = self.gop.iter().map(|kept| kept.payload.clone()).collect();
        headers.into_iter().chain(gop)
    }

    fn take(&mut self, packet: &Packet, now: UnixMillis) {
        let header = packet.class.header();
        if let Some(header) = header.and_then(|header| self.headers.get_mut(header)) {
            *header = Some(packet.clone());
        }
        self.gop.push(packet.class, packet.message.timestamp, packet.clone());
        self.messages = self.messages.saturating_add(1);
        let bytes = u64::try_from(packet.message.payload.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        self.readers.retain(|reader| {
            let reader = reader.upgrade();
            if let Some(reader) = &reader {
                reader.packet(packet, now);
            }
            reader.is_some()
        });
    }
}

/// A tap, and whether it has a stream.
struct Tapped {
    wanted: Wanted,
    tap: Rc<dyn Tap>,
    has: RefCell<Option<StreamKey>>,
    is_gone: Cell<bool>,
}

impl Tapped {
    fn is_free(&self, key: &StreamKey) -> bool {
        !self.is_gone.get() && self.has.borrow().is_none() && self.wanted.is(key)
    }
}

struct Inner {
    queue: QueueSettings,
    gop: GopSettings,
    live: RefCell<BTreeMap<StreamKey, Rc<RefCell<Live>>>>,
    taps: RefCell<Vec<Rc<Tapped>>>,
    /// Bytes of all streams that came in.
    received: Counter,
    /// Told when a stream comes, for those who wait for one.
    comes: tokio::sync::Notify,
}

/// All streams of the host. Cloning it gives another handle.
#[derive(Clone)]
pub struct Streams(Rc<Inner>);

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").field("live", &self.list()).finish_non_exhaustive()
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self::new(QueueSettings::default(), GopSettings::default())
    }
}

/// A wish for a stream; dropping it takes it back, and its tap hears no more.
#[must_use]
pub struct Interest {
    streams: Weak<Inner>,
    tapped: Rc<Tapped>,
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interest").field("wanted", &self.tapped.wanted).finish_non_exhaustive()
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.tapped.is_gone.set(true);
        let Some(streams) = self.streams.upgrade() else { return };
        let is_other = |other: &Rc<Tapped>| !Rc::ptr_eq(other, &self.tapped);
        streams.taps.borrow_mut().retain(is_other);
        let live = self.tapped.has.take().and_then(|key| streams.live.borrow().get(&key).cloned());
        // Where the stream is just giving out a packet it passes this one over by itself.
        if let Some(live) = live
            && let Ok(mut live) = live.try_borrow_mut()
        {
            Rc::make_mut(&mut live.taps).retain(is_other);
        }
    }
}

/// A publisher's end of a stream; dropping it ends the stream.
#[must_use]
pub struct Source {
    streams: Streams,
    key: StreamKey,
    live: Rc<RefCell<Live>>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Source {
    /// Which stream it is.
    pub const fn key(&self) -> &StreamKey {
        &self.key
    }

    /// The next message.
    pub fn packet(&self, packet: &Packet, now: UnixMillis) {
        let bytes = u64::try_from(packet.message.payload.len()).unwrap_or(u64::MAX);
        self.streams.0.received.add(bytes);
        let mut live = self.live.borrow_mut();
        live.take(packet, now);
        let taps = Rc::clone(&live.taps);
        drop(live);
        for tapped in taps.iter().filter(|tapped| !tapped.is_gone.get()) {
            tapped.tap.packet(packet, now);
        }
    }

    /// That is all for the moment.
    pub fn pause(&self) {
        let taps = Rc::clone(&self.live.borrow().taps);
        for tapped in taps.iter().filter(|tapped| !tapped.is_gone.get()) {
            tapped.tap.pause();
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.streams.end(&self.key);
    }
}

impl Streams {
    /// None yet. The bounds are those of each reader, and of what a stream keeps of itself.
    pub fn new(queue: QueueSettings, gop: GopSettings) -> Self {
        Self(Rc::new(Inner {
            queue,
            gop,
            live: RefCell::default(),
            taps: RefCell::default(),
            received: Counter::default(),
            comes: tokio::sync::Notify::new(),
        }))
    }

    /// Begins a stream. `None` while there is one of that key.
    pub fn begin(&self, key: StreamKey, feed: Feed, now: UnixMillis) -> Option<Source> {
        if self.0.live.borrow().contains_key(&key) {
            return None;
        }
        let live = Live {
            feed,
            began_at: now,
            headers: [const { None }; Class::HEADERS],
            gop: Gop::new(self.0.gop),
            readers: Vec::new(),
            taps: Rc::default(),
            bytes: 0,
            messages: 0,
        };
        let live = Rc::new(RefCell::new(live));
        self.0.live.borrow_mut().insert(key.clone(), Rc::clone(&live));
        let taps = self.0.taps.borrow().clone();
        for tapped in taps.iter().filter(|tapped| tapped.is_free(&key)) {
            self.attach(tapped, &key, now);
        }
        self.0.comes.notify_waiters();
        Some(Source { streams: self.clone(), key, live })
    }

    /// Wants a stream, now and whenever it comes.
    pub fn tap(&self, wanted: Wanted, tap: Rc<dyn Tap>, now: UnixMillis) -> Interest {
        let tapped =
            Rc::new(Tapped { wanted, tap, has: RefCell::default(), is_gone: Cell::new(false) });
        self.0.taps.borrow_mut().push(Rc::clone(&tapped));
        self.find(&tapped, now);
        Interest { streams: Rc::downgrade(&self.0), tapped }
    }

    /// Reads a stream along. Without a user it is the one that began first.
    pub fn read(
        &self,
        app: &str,
        channel: &str,
        user: Option<&str>,
        picture: Picture,
        now: UnixMillis,
    ) -> Option<Reader> {
        let wanted = Wanted {
            app: app.to_owned(),
            channel: channel.to_owned(),
            user: user.map(str::to_owned),
            picture,
        };
        let (_, live) = self.first(&wanted)?;
        let mut live = live.borrow_mut();
        let reader = Reader::new(self.0.queue);
        for packet in live.beginning() {
            reader.inlet().packet(&packet, now);
        }
        live.readers.push(Rc::downgrade(reader.inlet()));
        Some(reader)
    }

    /// Waits until some stream comes.
    pub async fn comes(&self) {
        self.0.comes.notified().await;
    }

    /// Bytes of messages that came in, those of streams that have ended too.
    pub fn received(&self) -> u64 {
        self.0.received.value()
    }

    /// All that are there, with their figures.
    pub fn list(&self) -> Vec<(StreamKey, Figures)> {
        let figures = |live: &Live| Figures {
            feed: live.feed,
            began_at: live.began_at,
            bytes: live.bytes,
            messages: live.messages,
            readers: live.readers.iter().filter(|reader| reader.strong_count() > 0).count(),
        };
        let live = self.0.live.borrow();
        live.iter().map(|(key, live)| (key.clone(), figures(&live.borrow()))).collect()
    }

    fn first(&self, wanted: &Wanted) -> Option<(StreamKey, Rc<RefCell<Live>>)> {
        let live = self.0.live.borrow();
        let all = live.iter().filter(|(key, _)| wanted.is(key));
        let (key, live) = all.min_by_key(|(_, live)| live.borrow().began_at)?;
        Some((key.clone(), Rc::clone(live)))
    }

    /// Gives a tap without a stream the first that it wants.
    fn find(&self, tapped: &Rc<Tapped>, now: UnixMillis) {
        if let Some((key, _)) = self.first(&tapped.wanted)
            && tapped.is_free(&key)
        {
            self.attach(tapped, &key, now);
        }
    }

    fn attach(&self, tapped: &Rc<Tapped>, key: &StreamKey, now: UnixMillis) {
        let Some(live) = self.0.live.borrow().get(key).cloned() else { return };
        *tapped.has.borrow_mut() = Some(key.clone());
        Rc::make_mut(&mut live.borrow_mut().taps).push(Rc::clone(tapped));
        tapped.tap.there(key, now);
        let beginning = live.borrow().beginning();
        // It may have been taken back by then.
        for packet in beginning.filter(|_| !tapped.is_gone.get()) {
            tapped.tap.packet(&packet, now);
        }
        tapped.tap.pause();
    }

    fn end(&self, key: &StreamKey) {
        let now = crate::clock::now();
        let Some(live) = self.0.live.borrow_mut().remove(key) else { return };
        let (readers, taps) = {
            let mut live = live.borrow_mut();
            (std::mem::take(&mut live.readers), std::mem::take(&mut live.taps))
        };
        for reader in readers.iter().filter_map(Weak::upgrade) {
            reader.end();
        }
        for tapped in taps.iter().filter(|tapped| !tapped.is_gone.get()) {
            tapped.has.take();
            tapped.tap.pause();
            tapped.tap.gone(now);
            self.find(tapped, now);
        }
    }
}
