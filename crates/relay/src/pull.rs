//! Streams that the host fetches: played from a server by RTMP, again and again, as long as a task
//! wants them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use livegate_core::error::{Code, Coded as _};
use livegate_core::layout::Picture;
use livegate_core::relay::PushUrl;
use livegate_core::relay::backoff::Backoff;
use livegate_core::relay::host::Settings;
use livegate_core::relay::ingest::{Duplicate, Place};
use livegate_core::relay::lease::Feed;
use livegate_core::relay::push::Cause;
use livegate_core::time::Millis;
use livegate_rtmp::session::client::{Client, Event, Purpose, Settings as ClientSettings};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, sleep, timeout};

use crate::clock;
use crate::ingest::{Crowd, Seat};
use crate::net::{Asker, Line, Wire, dial, with_room};
use crate::push::{Address, Batch, Connector};
use crate::stream::{Packet, StreamKey};
use crate::tick::Ticker;

/// How often a source is read in a row: a megabyte.
const READS: usize = 16;

/// What all pulls have in common.
struct Inner {
    connector: Connector,
    crowd: Crowd,
    settings: Settings,
    ticker: Option<Ticker>,
    running: RefCell<BTreeMap<(StreamKey, String), Weak<Pull>>>,
}

/// All pulls of the host: one for each stream, however many tasks want it.
#[derive(Clone)]
pub(crate) struct Pulls(Rc<Inner>);

/// A stream that is fetched for as long as this is held.
#[derive(Debug)]
pub(crate) struct Pull(JoinHandle<()>);

impl Drop for Pull {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pulls {
    /// None yet. What comes is gathered until the next tick, if there are ticks.
    pub(crate) fn new(
        connector: Connector,
        crowd: Crowd,
        settings: &Settings,
        ticker: Option<Ticker>,
    ) -> Self {
        let (settings, running) = (*settings, RefCell::default());
        Self(Rc::new(Inner { connector, crowd, settings, ticker, running }))
    }

    /// Fetches a stream.
    pub(crate) fn pull(&self, url: &PushUrl, key: StreamKey) -> Rc<Pull> {
        let id = (key, url.as_str().to_owned());
        let mut running = self.0.running.borrow_mut();
        running.retain(|_, pull| pull.strong_count() > 0);
        if let Some(pull) = running.get(&id).and_then(Weak::upgrade) {
            return pull;
        }
        let (inner, url, key) = (Rc::clone(&self.0), url.clone(), id.0.clone());
        let pull = Rc::new(Pull(spawn_local(async move { inner.go_on(&url, &key).await })));
        running.insert(id, Rc::downgrade(&pull));
        pull
    }
}

/// Why a pull begins anew.
enum Ended {
    /// It could not be connected, or the connection was lost.
    Connection(Cause),
    /// The server refused.
    Refused(Code),
    /// The stream has ended there.
    Stream,
    /// Nothing came for too long.
    Stalled,
    /// Somebody publishes the same here.
    Taken(Code),
}

impl Ended {
    const LOST: Self = Self::Connection(Cause::ConnectionLost);

    fn code(&self) -> &'static str {
        match self {
            Self::Connection(cause) => cause.code().as_str(),
            Self::Refused(code) | Self::Taken(code) => code.as_str(),
            Self::Stream => "pull.stream_ended",
            Self::Stalled => "pull.stalled",
        }
    }
}

impl Inner {
    async fn go_on(&self, url: &PushUrl, key: &StreamKey) {
        let host = &self.settings.host;
        let backoff = Backoff {
            first: Millis(host.pull_first_ms()),
            most: Millis(host.pull_longest_ms()),
            jitter_percent: 20,
        };
        let mut failures = 0_u32;
        loop {
            let mut session = Session { seat: None, key, fed_at: Instant::now() };
            let ended = self.play(url, &mut session).await;
            // What came at all is no failure of the same row.
            failures = if session.seat.is_some() { 1 } else { failures.saturating_add(1) };
            drop(session);
            let pause = backoff.after(failures, clock::dice());
            let (app, channel, code) = (&key.app, &key.channel, ended.code());
            tracing::info!(app, channel, code, pause_ms = pause.0, "a pull begins anew");
            sleep(Duration::from_millis(pause.0)).await;
        }
    }

    async fn play(&self, url: &PushUrl, session: &mut Session<'_>) -> Ended {
        let Some(address) = Address::of(url) else {
            return Ended::Connection(Cause::AddressInvalid);
        };
        let tls = address.is_secure.then_some(&self.connector.tls);
        let Connector { egress, times, .. } = self.connector;
        let asker = Asker::of(&session.key.app);
        let wire = match dial(&address.host, address.port, tls, egress, times, &asker).await {
            Ok(wire) => wire,
            Err(error) => return Ended::Connection(Cause::from(&error)),
        };
        session.fed_at = Instant::now();
        let settings =
            ClientSettings::new(Purpose::Play, address.app, address.tc_url, address.name);
        let mut client = Client::new(clock::random(), settings);
        let mut batch = Batch::default();
        let stall = self.stall();
        let mut line = Line::Live(wire);
        loop {
            if !batch.is_enough() {
                batch.control(client.take_output());
            }
            // Pings are no media.
            let left = stall.saturating_sub(session.fed_at.elapsed());
            let moved = poll_fn(|cx| {
                let Some(wire) = line.live() else { return Poll::Ready(Err(Ended::LOST)) };
                if !batch.is_out()
                    && let Poll::Ready(written) = batch.poll_write(Pin::new(&mut *wire), cx)
                {
                    return Poll::Ready(written.map(|_| ()).map_err(|_| Ended::LOST));
                }
                session.poll_all(wire, &mut client, &self.crowd, cx)
            });
            match timeout(left, moved).await {
                Ok(Ok(())) => {}
                Ok(Err(ended)) => return ended,
                Err(_) => return Ended::Stalled,
            }
            if let Some(ticker) = self.ticker.as_ref().filter(|_| session.is_fed()) {
                let gathered = self.gather(ticker, &mut line, &mut client, &mut batch, session);
                if let Err(ended) = gathered.await {
                    return ended;
                }
            }
        }
    }

    fn stall(&self) -> Duration {
        Duration::from_millis(self.settings.host.pull_stall_ms())
    }

    /// Reads at each tick what came until then, as long as something does and answers go out at once.
    async fn gather(
        &self,
        ticker: &Ticker,
        line: &mut Line,
        client: &mut Client,
        batch: &mut Batch,
        session: &mut Session<'_>,
    ) -> Result<(), Ended> {
        if !batch.is_out() {
            return Ok(());
        }
        let stall = self.stall();
        line.rest();
        loop {
            ticker.next().await;
            let has_come = session.read_still(line, client, &self.crowd)?;
            batch.control(client.take_output());
            if !batch.is_out() {
                // What does not go out now waits for the runtime.
                let _ = batch.try_write(|slices| line.write_still(slices));
            }
            // Whoever sends nothing is waited for as everybody is; pings are no media.
            if !has_come || !batch.is_out() || session.fed_at.elapsed() >= stall {
                return line.wake().map_err(|_| Ended::LOST);
            }
        }
    }
}

struct Session<'k> {
    /// From the first media on.
    seat: Option<Seat>,
    key: &'k StreamKey,
    /// When media came last, or when it began.
    fed_at: Instant,
}

impl Session<'_> {
    /// Whether media has come.
    const fn is_fed(&self) -> bool {
        self.seat.is_some()
    }

    /// Reads until there is no more for now; so that others have their turn, not for ever.
    fn poll_all(
        &mut self,
        wire: &mut Wire,
        client: &mut Client,
        crowd: &Crowd,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Ended>> {
        ready!(self.poll_read(wire, client, crowd, cx))?;
        for _ in 1..READS {
            let Poll::Ready(read) = self.poll_read(wire, client, crowd, cx) else { break };
            read?;
        }
        if let Some(seat) = &self.seat {
            seat.pause();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what came while the connection rested; whether anything did.
    fn read_still(
        &mut self,
        line: &mut Line,
        client: &mut Client,
        crowd: &Crowd,
    ) -> Result<bool, Ended> {
        let mut has_come = false;
        for _ in 0..READS {
            let read = with_room(|room| {
                let bytes = line.read_still(room)?;
                let taken = self.take(room.get(..bytes).unwrap_or_default(), client, crowd);
                Ok::<_, io::Error>(taken.map(|()| bytes == room.len()))
            });
            let has_more = match read {
                Ok(taken) => taken?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(Ended::LOST),
            };
            has_come = true;
            if !has_more {
                break;
            }
        }
        if let Some(seat) = &self.seat {
            seat.pause();
        }
        Ok(has_come)
    }

    fn poll_read(
        &mut self,
        wire: &mut Wire,
        client: &mut Client,
        crowd: &Crowd,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Ended>> {
        with_room(|room| {
            let mut read = ReadBuf::new(room);
            let done = ready!(Pin::new(wire).poll_read(cx, &mut read));
            Poll::Ready(match done {
                Err(_) => Err(Ended::LOST),
                Ok(()) => self.take(read.filled(), client, crowd),
            })
        })
    }

    fn take(&mut self, mut bytes: &[u8], client: &mut Client, crowd: &Crowd) -> Result<(), Ended> {
        if bytes.is_empty() {
            return Err(Ended::Connection(Cause::ClosedByPeer));
        }
        let now = clock::now();
        let wrong = |_| Ended::Connection(Cause::Protocol);
        while let Some(event) = client.next(&mut bytes).map_err(wrong)? {
            match event {
                Event::Media(message) => {
                    let Some(packet) = Packet::of(message) else { continue };
                    self.fed_at = Instant::now();
                    if self.seat.is_none() {
                        self.seat = Some(self.sit_down(crowd)?);
                    }
                    if let Some(seat) = &self.seat {
                        if let Some(error) = seat.is_closed() {
                            return Err(Ended::Taken(error.code()));
                        }
                        seat.packet(&packet, now);
                    }
                }
                Event::Refused(refused) => return Err(Ended::Refused(refused.code())),
                Event::Ended(_) => return Err(Ended::Stream),
                _ => {}
            }
        }
        Ok(())
    }

    fn sit_down(&self, crowd: &Crowd) -> Result<Seat, Ended> {
        let StreamKey { app, channel, user, picture } = self.key;
        let place = Place { app, channel, user, role: None };
        let picture: Picture = *picture;
        crowd
            .publish(place, picture, Duplicate::Refuse, Feed::Pulled)
            .map_err(|error| Ended::Taken(error.code()))
    }
}
