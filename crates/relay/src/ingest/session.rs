//! One RTMP connection of a publisher or player.
//!
//! It holds nothing but its session until it asks for something, so that many that say nothing cost
//! little. What it asks for is judged by its [`Hall`] before any media is read.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use livegate_core::error::{Code, Coded};
use livegate_core::relay::ingest::IngestError;
use livegate_rtmp::chunk::shared::Shared;
use livegate_rtmp::session::server::{Event, Server, Settings};
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, sleep_until, timeout};

use super::crowd::Seat;
use super::hall::{Hall, Refusal};
use crate::clock;
use crate::log;
use crate::meter::{By, Viewer};
use crate::net::{Line, Wire, with_room};
use crate::push::Batch;
use crate::stream::{Packet, Reader};
use crate::tick::Ticker;

/// How often a publisher is read in a row: a megabyte.
const READS: usize = 16;

/// How long a player may take nothing of what waits for it.
const STALL: Duration = Duration::from_secs(30);

/// How long a last word may take.
const LEAVE: Duration = Duration::from_secs(2);

/// Why a connection is closed: the code is for the log.
enum Closed {
    ByPeer,
    Lost,
    /// It did not ask for anything in time, or takes nothing.
    Late,
    Protocol(Code),
    Refused(Code),
    Ingest(IngestError),
    /// What it played has ended.
    Ended,
}

impl Closed {
    fn code(&self) -> Code {
        match self {
            Self::ByPeer => Code::new("rtmp.closed_by_peer"),
            Self::Lost => Code::new("rtmp.connection_lost"),
            Self::Late => Code::new("rtmp.timed_out"),
            Self::Protocol(code) | Self::Refused(code) => *code,
            Self::Ingest(error) => error.code(),
            Self::Ended => Code::new("rtmp.stream_ended"),
        }
    }
}

/// What a connection does.
enum Doing {
    Nothing {
        until: Instant,
    },
    /// Until the next tick nothing is read: what comes is gathered by the kernel.
    Publishing {
        seat: Rc<Seat>,
        ticker: Option<Ticker>,
    },
    Playing {
        _seat: Option<Seat>,
        reader: Reader,
        stream: u32,
        moved_at: Instant,
        viewer: Viewer,
    },
}

struct Visit {
    hall: Hall,
    line: Line,
    server: Server,
    app: String,
    batch: Batch,
    doing: Doing,
}

/// Serves a connection to its end.
pub(crate) async fn serve(hall: Hall, wire: Wire, peer: SocketAddr) {
    let until = Instant::now() + Duration::from_millis(hall.settings.opening_ms());
    let mut visit = Visit {
        hall,
        line: Line::Live(wire),
        server: Server::new(clock::random(), Settings::default()),
        app: String::new(),
        batch: Batch::default(),
        doing: Doing::Nothing { until },
    };
    let closed = visit.go_on().await;
    let code = closed.code().as_str();
    match closed {
        Closed::ByPeer | Closed::Ended => tracing::debug!(%peer, code, "a connection was closed"),
        _ if log::admits(code) => tracing::info!(%peer, code, "a connection was closed"),
        _ => {}
    }
    visit.leave(&closed).await;
}

impl Visit {
    async fn go_on(&mut self) -> Closed {
        loop {
            // Who asks and does not listen is answered no more, until the session has enough of it.
            if !self.batch.is_enough() {
                self.batch.control(self.server.take_output());
            }
            // Nor does anybody go on beyond their time by never pausing.
            if let Some(closed) = self.is_over() {
                return closed;
            }
            let is_idle = self.batch.is_out();
            let moved = match &mut self.doing {
                Doing::Nothing { until } => {
                    let until = *until;
                    tokio::select! {
                        biased;
                        moved = poll_fn(|cx| self.poll_move(cx)) => moved,
                        () = sleep_until(until) => Err(Closed::Late),
                    }
                }
                Doing::Publishing { seat, ticker: Some(ticker) } => {
                    let (seat, ticker) = (Rc::clone(seat), ticker.clone());
                    let is_live = !self.line.is_still() && !self.batch.is_out();
                    tokio::select! {
                        biased;
                        error = seat.closed() => Err(Closed::Ingest(error)),
                        written = poll_fn(|cx| self.poll_write(cx)), if is_live => written,
                        () = ticker.next() => self.read_gathered(),
                    }
                }
                Doing::Publishing { seat, ticker: None } => {
                    let seat = Rc::clone(seat);
                    tokio::select! {
                        biased;
                        moved = poll_fn(|cx| self.poll_move(cx)) => moved,
                        error = seat.closed() => Err(Closed::Ingest(error)),
                    }
                }
                Doing::Playing { reader, moved_at, .. } => {
                    let more = reader.more();
                    let until = *moved_at + STALL;
                    tokio::select! {
                        biased;
                        moved = poll_fn(|cx| self.poll_move(cx)) => moved,
                        () = more, if is_idle => self.fill(),
                        () = sleep_until(until), if !is_idle => Err(Closed::Late),
                    }
                }
            };
            if let Err(closed) = moved {
                return closed;
            }
        }
    }

    /// Why it may not go on, if its time is over.
    fn is_over(&self) -> Option<Closed> {
        match &self.doing {
            Doing::Nothing { until } => (Instant::now() >= *until).then_some(Closed::Late),
            Doing::Publishing { seat, .. } => seat.is_closed().map(Closed::Ingest),
            Doing::Playing { moved_at, .. } => {
                let is_late = !self.batch.is_out() && moved_at.elapsed() >= STALL;
                is_late.then_some(Closed::Late)
            }
        }
    }

    /// Takes of what is played what one write can take.
    fn fill(&mut self) -> Result<(), Closed> {
        let Doing::Playing { reader, stream, moved_at, viewer, .. } = &mut self.doing else {
            return Ok(());
        };
        *moved_at = Instant::now();
        while !self.batch.is_enough()
            && let Some(next) = reader.try_next()
        {
            let shared = Shared::new(&next.payload.message, self.server.chunk_size());
            let shared = if next.is_repeated { shared.at(next.timestamp) } else { shared };
            self.server.count_sent(shared.wire_len());
            viewer.sent(next.payload.message.payload.len());
            self.batch.media(shared, *stream);
        }
        viewer.dropped(reader.dropped());
        if self.batch.is_empty() { Err(Closed::Ended) } else { Ok(()) }
    }

    /// Reads what came and writes what waits, as far as it goes.
    fn poll_move(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut has_moved = false;
        // A publisher is read until there is no more for now; so that others have their turn, not for
        // ever.
        for _ in 0..READS {
            let Poll::Ready(read) = self.poll_read(cx) else { break };
            read?;
            has_moved = true;
            if !matches!(self.doing, Doing::Publishing { .. }) {
                break;
            }
        }
        if has_moved {
            self.pause();
        }
        if let Poll::Ready(written) = self.poll_write(cx) {
            written?;
            has_moved = true;
        }
        if has_moved { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let Some(wire) = self.line.live().filter(|_| !self.batch.is_out()) else {
            return Poll::Pending;
        };
        let written = ready!(self.batch.poll_write(Pin::new(wire), cx));
        if let Doing::Playing { moved_at, .. } = &mut self.doing {
            *moved_at = Instant::now();
        }
        Poll::Ready(written.map(|_| ()).map_err(|_| Closed::Lost))
    }

    /// What was read goes on, and what comes next is gathered.
    fn pause(&mut self) {
        if let Doing::Publishing { seat, ticker } = &mut self.doing {
            seat.pause();
            ticker.clone_from(&self.hall.ticker);
            if ticker.is_some() && self.batch.is_out() {
                self.line.rest();
            }
        }
    }

    /// Reads what was gathered. One who sent nothing is waited for as everybody is.
    fn read_gathered(&mut self) -> Result<(), Closed> {
        let mut has_moved = false;
        for _ in 0..READS {
            let read = with_room(|room| {
                let bytes = self.line.read_still(room)?;
                let taken = self.take(room.get(..bytes).unwrap_or_default(), bytes == 0);
                Ok::<_, io::Error>(taken.map(|()| bytes == room.len()))
            });
            let has_more = match read {
                Ok(taken) => taken?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(Closed::Lost),
            };
            has_moved = true;
            if !has_more || !matches!(self.doing, Doing::Publishing { .. }) {
                break;
            }
        }
        self.batch.control(self.server.take_output());
        if self.line.is_still() && !self.batch.is_out() {
            let line = &mut self.line;
            // What does not go out now waits for the runtime.
            let _ = self.batch.try_write(|slices| line.write_still(slices));
        }
        if has_moved && self.batch.is_out() && matches!(self.doing, Doing::Publishing { .. }) {
            self.pause();
            return Ok(());
        }
        if let Doing::Publishing { seat, ticker } = &mut self.doing {
            seat.pause();
            *ticker = None;
        }
        self.line.wake().map_err(|_| Closed::Lost)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        with_room(|room| {
            let Some(wire) = self.line.live() else { return Poll::Ready(Err(Closed::Lost)) };
            let mut read = ReadBuf::new(room);
            let done = ready!(Pin::new(wire).poll_read(cx, &mut read));
            Poll::Ready(match done {
                Err(_) => Err(Closed::Lost),
                Ok(()) => self.take(read.filled(), read.filled().is_empty()),
            })
        })
    }

    fn take(&mut self, mut bytes: &[u8], is_end: bool) -> Result<(), Closed> {
        if is_end {
            return Err(Closed::ByPeer);
        }
        let now = clock::now();
        let wrong = |error: livegate_rtmp::session::SessionError| Closed::Protocol(error.code());
        while let Some(event) = self.server.next(&mut bytes).map_err(wrong)? {
            match event {
                Event::Connect(connect) => {
                    self.app.clone_from(&connect.app);
                    self.server.accept().map_err(wrong)?;
                }
                Event::Publish(publish) => {
                    let judged = self.hall.publish(&self.app, &publish.name);
                    let seat = judged.map_err(|refusal| self.refuse(&refusal))?;
                    self.server.accept().map_err(wrong)?;
                    self.doing = Doing::Publishing { seat: Rc::new(seat), ticker: None };
                }
                Event::Play(play) => {
                    let judged = self.hall.play(&self.app, &play.name);
                    let (seat, reader) = judged.map_err(|refusal| self.refuse(&refusal))?;
                    self.server.accept().map_err(wrong)?;
                    let (stream, moved_at) = (play.stream, Instant::now());
                    let viewer = Viewer::new(By::Rtmp, Rc::clone(&self.hall.meters));
                    self.doing = Doing::Playing { _seat: seat, reader, stream, moved_at, viewer };
                }
                Event::Media(message) => {
                    if let Doing::Publishing { seat, .. } = &self.doing
                        && let Some(packet) = Packet::of(message)
                    {
                        seat.packet(&packet, now);
                    }
                }
                Event::Ended { .. } => {
                    let opening = Duration::from_millis(self.hall.settings.opening_ms());
                    self.doing = Doing::Nothing { until: Instant::now() + opening };
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says no.
    fn refuse(&mut self, refusal: &Refusal) -> Closed {
        // There is a request: it was just judged.
        let _ = self.server.refuse(refusal.reason, refusal.words());
        Closed::Refused(refusal.code)
    }

    /// Sends what was said last, and closes.
    async fn leave(mut self, closed: &Closed) {
        if matches!(closed, Closed::ByPeer | Closed::Lost) {
            return;
        }
        if let Doing::Playing { stream, .. } = self.doing {
            self.server.end(stream);
        }
        // Whatever it published ends now, not when it has taken the last word.
        self.doing = Doing::Nothing { until: Instant::now() };
        self.batch.control(self.server.take_output());
        let Self { line, batch, .. } = &mut self;
        if line.wake().is_err() {
            return;
        }
        let Some(wire) = line.live() else { return };
        let goodbye = async {
            while !batch.is_out() {
                poll_fn(|cx| batch.poll_write(Pin::new(&mut *wire), cx)).await?;
            }
            wire.shutdown().await
        };
        let _ = timeout(LEAVE, goodbye).await;
    }
}
