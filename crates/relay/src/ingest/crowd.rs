//! Everybody who publishes or watches, over whatever protocol: the core's [`Ingest`] and what
//! follows from it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};

use livegate_core::event::Kind;
use livegate_core::layout::Picture;
use livegate_core::relay::ingest::{
    Duplicate, Ingest, IngestError, IngestOutput, IngestSettings, Open, Place, Session,
};
use livegate_core::relay::lease::Feed;
use livegate_core::time::UnixMillis;
use serde_json::json;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::spawn_local;

use crate::clock;
use crate::event::event;
use crate::store::{Change, Kept, Store};
use crate::stream::{Packet, Source, StreamKey, Streams};

/// What the name of a row of something that is on begins with.
const OPEN: &str = "open.";

/// Where one connection sits: dropping it is its end.
pub(crate) struct Seat {
    crowd: Crowd,
    session: Session,
    occupied: Rc<Occupied>,
}

/// What a seat and the crowd have of each other.
#[derive(Default)]
struct Occupied {
    source: RefCell<Option<Source>>,
    closed: Cell<Option<IngestError>>,
    closes: Notify,
}

impl Occupied {
    fn close(&self, error: IngestError) {
        self.closed.set(Some(error));
        self.source.take();
        self.closes.notify_one();
    }
}

impl Seat {
    /// The next message of what is published here.
    pub(crate) fn packet(&self, packet: &Packet, now: UnixMillis) {
        if let Some(track) = packet.track() {
            self.crowd.0.ingest.borrow_mut().media(self.session, track, now);
            self.crowd.settle();
        }
        if let Some(source) = &*self.occupied.source.borrow() {
            source.packet(packet, now);
        }
    }

    /// That is all for the moment.
    pub(crate) fn pause(&self) {
        if let Some(source) = &*self.occupied.source.borrow() {
            source.pause();
        }
    }

    /// Why it is to be closed, if it is.
    pub(crate) fn is_closed(&self) -> Option<IngestError> {
        self.occupied.closed.get()
    }

    /// Waits until it is to be closed, and says why.
    pub(crate) async fn closed(&self) -> IngestError {
        loop {
            if let Some(error) = self.occupied.closed.get() {
                return error;
            }
            self.occupied.closes.notified().await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.occupied.source.take();
        self.crowd.0.seats.borrow_mut().remove(&self.session);
        self.crowd.0.ingest.borrow_mut().closed(self.session, clock::now());
        self.crowd.settle();
        self.crowd.0.turned.notify_one();
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("session", &self.session).finish_non_exhaustive()
    }
}

struct Inner {
    streams: Streams,
    store: Store,
    ingest: RefCell<Ingest>,
    seats: RefCell<BTreeMap<Session, Rc<Occupied>>>,
    last: Cell<u64>,
    is_over: Cell<bool>,
    turned: Notify,
    /// Channels that ended, for their tasks.
    ends: UnboundedSender<(String, String)>,
}

/// Everybody on this host. Cloning it gives another handle.
#[derive(Clone)]
pub(crate) struct Crowd(Rc<Inner>);

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowd").field("seats", &self.0.seats.borrow().len()).finish_non_exhaustive()
    }
}

impl Crowd {
    /// Nobody yet. Channels that end are told by application and name.
    pub(crate) fn new(
        settings: IngestSettings,
        streams: Streams,
        store: Store,
        ends: UnboundedSender<(String, String)>,
    ) -> Self {
        let inner = Rc::new(Inner {
            streams,
            store,
            ingest: RefCell::new(Ingest::new(settings)),
            seats: RefCell::default(),
            last: Cell::new(0),
            is_over: Cell::new(false),
            turned: Notify::new(),
            ends,
        });
        spawn_local(wake(Rc::downgrade(&inner)));
        Self(inner)
    }

    /// Somebody publishes.
    ///
    /// # Errors
    /// [`IngestError`].
    pub(crate) fn publish(
        &self,
        place: Place<'_>,
        picture: Picture,
        duplicate: Duplicate,
        feed: Feed,
    ) -> Result<Seat, IngestError> {
        let now = clock::now();
        let seat = self.seat()?;
        let mut ingest = self.0.ingest.borrow_mut();
        ingest.publish(seat.session, place, picture, duplicate, now)?;
        drop(ingest);
        // The one that it replaces ends first.
        self.settle();
        let key = StreamKey {
            app: place.app.to_owned(),
            channel: place.channel.to_owned(),
            user: place.user.to_owned(),
            picture,
        };
        let source = self.0.streams.begin(key, feed, now);
        // Pulls sit down here too, so nobody else has the stream.
        let source = source.ok_or(IngestError::PublisherExists)?;
        *seat.occupied.source.borrow_mut() = Some(source);
        self.0.turned.notify_one();
        Ok(seat)
    }

    /// Somebody watches.
    ///
    /// # Errors
    /// [`IngestError`].
    pub(crate) fn play(&self, place: Place<'_>) -> Result<Seat, IngestError> {
        let seat = self.seat()?;
        self.0.ingest.borrow_mut().play(seat.session, place, clock::now())?;
        self.settle();
        self.0.turned.notify_one();
        Ok(seat)
    }

    /// Tells of what was on when the host crashed that it has stopped.
    pub(crate) fn restore(&self, kept: &Kept) {
        let names: Vec<_> = kept.values.keys().filter(|name| name.starts_with(OPEN)).collect();
        let open = names.iter().filter_map(|name| read_open(name)).collect();
        for raised in Open::stops(open, clock::now()) {
            let (app, channel) = (&raised.app, &raised.channel);
            let told = event(app, channel, "", raised.at, |about| about.raised(&raised));
            self.0.store.keep(vec![told]);
        }
        let gone = names.into_iter().map(|name| Change::Value { name: name.clone(), value: None });
        self.0.store.keep(gone.collect());
    }

    /// Whether a channel has started and not ended.
    pub(crate) fn is_there(&self, app: &str, channel: &str) -> bool {
        self.0.ingest.borrow().is_there(app, channel)
    }

    /// The host stops: everybody leaves, and nobody comes any more.
    pub(crate) fn end(&self) {
        self.0.is_over.set(true);
        self.0.ingest.borrow_mut().end(clock::now());
        self.settle();
        let seats = std::mem::take(&mut *self.0.seats.borrow_mut());
        for seat in seats.into_values() {
            seat.close(IngestError::HostStops);
        }
    }

    fn seat(&self) -> Result<Seat, IngestError> {
        if self.0.is_over.get() {
            return Err(IngestError::HostStops);
        }
        let number = self.0.last.get() + 1;
        self.0.last.set(number);
        let occupied = Rc::new(Occupied::default());
        self.0.seats.borrow_mut().insert(Session(number), Rc::clone(&occupied));
        Ok(Seat { crowd: self.clone(), session: Session(number), occupied })
    }

    /// Does what the core says.
    fn settle(&self) {
        loop {
            let Some(output) = self.0.ingest.borrow_mut().poll() else { return };
            match output {
                IngestOutput::Raise(raised) => {
                    let told = event(&raised.app, &raised.channel, "", raised.at, |about| {
                        about.raised(&raised)
                    });
                    let open = raised.opens().map(|(open, is_start)| Change::Value {
                        name: open_name(&open),
                        value: is_start.then(String::new),
                    });
                    self.0.store.keep([told].into_iter().chain(open).collect());
                    if raised.kind == Kind::ChannelEnd {
                        // Nobody listens when the host stops.
                        let _ = self.0.ends.send((raised.app, raised.channel));
                    }
                }
                IngestOutput::Close(session, error) => {
                    let seat = self.0.seats.borrow_mut().remove(&session);
                    if let Some(seat) = seat {
                        seat.close(error);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The name of a row of something that is on.
fn open_name(open: &Open) -> String {
    let Open { kind, app, channel, user, .. } = open;
    format!("{OPEN}{}", json!([kind.as_str(), app, channel, user]))
}

/// Reads what [`open_name`] wrote.
fn read_open(name: &str) -> Option<Open> {
    let parts: Vec<Option<String>> = serde_json::from_str(name.strip_prefix(OPEN)?).ok()?;
    let [Some(kind), Some(app), Some(channel), user] = <[_; 4]>::try_from(parts).ok()? else {
        return None;
    };
    Some(Open::new(Kind::from_name(&kind)?, app, channel, user))
}

/// Comes back whenever something is due.
async fn wake(crowd: Weak<Inner>) {
    while let Some(inner) = crowd.upgrade() {
        let wake_at = inner.ingest.borrow().wake_at();
        if clock::until(wake_at, &inner.turned).await {
            inner.ingest.borrow_mut().tick(clock::now());
            Crowd(inner).settle();
        }
    }
}
