//! One connection of a push, from the first packet to the last.
//!
//! It says what it reaches and how far the stream has come; what follows from that, its task
//! decides. It ends by itself when it cannot go on, and says why.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use livegate_core::relay::push::{Cause, Progress, Step, refusal};
use livegate_rtmp::session::client::{Client, Event, Purpose, Refusal, Settings, Stage};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, sleep, timeout};

use super::{Address, Batch, Outlet};
use crate::clock;
use crate::net::{Egress, Tls, Wire, connect, secure};

/// How often it is said how far the stream has come.
const REPORTS: Duration = Duration::from_secs(1);

/// The same until some of it has arrived: that is what everybody waits for.
const FIRST_REPORTS: Duration = Duration::from_millis(50);

/// How long taking leave may take.
const LEAVE: Duration = Duration::from_secs(2);

/// Longer than any step may take: the push itself watches the steps' times.
const NO_LIMIT: Duration = Duration::from_hours(1);

/// Bytes that are read at a time. A destination says little.
const READ: usize = 4_096;

/// What connections of pushes have in common.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) tls: Tls,
    pub(crate) egress: Egress,
    /// `SO_SNDBUF`.
    pub(crate) send_buffer: usize,
    /// After how many bytes an acknowledgement is asked for; 0 for never.
    pub(crate) ack_window: u32,
}

/// What a connection says while it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Reached(Step),
    Progress(Progress),
    Acknowledged(u32),
}

/// Connects, publishes, and writes what comes out of the outlet, until it cannot or is told to take
/// leave; returns why it ended.
pub(crate) async fn run(
    connector: Connector,
    address: Option<Address>,
    outlet: Rc<Outlet>,
    tell: impl Fn(Told),
) -> Cause {
    let Some(address) = address else { return Cause::AddressInvalid };
    let reached = tokio::select! {
        biased;
        () = outlet.leave.notified() => Err(Cause::Stopped),
        reached = reach(&connector, &address, &tell) => reached,
    };
    let wire = match reached {
        Ok(wire) => wire,
        Err(cause) => return cause,
    };
    let mut settings = Settings::new(Purpose::Publish, address.app, address.tc_url, address.name);
    if connector.ack_window > 0 {
        settings.window = connector.ack_window;
    }
    let client = Client::new(clock::random(), settings);
    let mut connection = Connection {
        wire,
        client,
        batch: Batch::default(),
        outlet,
        handed: 0,
        media_end: 0,
        acknowledgements: 0,
        is_established: false,
        stream: None,
    };
    let ended = connection.go_on(&tell).await;
    connection.progress();
    connection.outlet.queue.borrow_mut().close();
    ended
}

async fn reach(
    connector: &Connector,
    address: &Address,
    tell: &impl Fn(Told),
) -> Result<Wire, Cause> {
    let tcp = connect(&address.host, address.port, connector.egress, NO_LIMIT)
        .await
        .map_err(|error| Cause::from(&error))?;
    // A kernel that takes less or more than it is asked for changes when a wedge shows, not whether.
    let _ = SockRef::from(&tcp).set_send_buffer_size(connector.send_buffer);
    tell(Told::Reached(Step::Tcp));
    if !address.is_secure {
        return Ok(Wire::Plain(tcp));
    }
    let wire = secure(tcp, &address.host, &connector.tls, NO_LIMIT)
        .await
        .map_err(|error| Cause::from(&error))?;
    tell(Told::Reached(Step::Tls));
    Ok(wire)
}

struct Connection {
    wire: Wire,
    client: Client,
    batch: Batch,
    outlet: Rc<Outlet>,
    /// Bytes that the kernel took.
    handed: u64,
    /// Where in them the last of the stream's messages ends.
    media_end: u64,
    acknowledgements: u64,
    is_established: bool,
    /// The message stream, once publishing has started.
    stream: Option<u32>,
}

thread_local! {
    /// What was read of whichever connection is being read.
    static SCRATCH: RefCell<[u8; READ]> = const { RefCell::new([0; READ]) };
}

impl Connection {
    async fn go_on(&mut self, tell: &impl Fn(Told)) -> Cause {
        let outlet = Rc::clone(&self.outlet);
        let mut report = pin!(sleep(FIRST_REPORTS));
        loop {
            self.speak();
            let is_idle = self.batch.is_empty();
            let was_silent = self.media_end == 0;
            let mut flush = pin!(outlet.flush.notified());
            tokio::select! {
                biased;
                () = outlet.leave.notified() => return self.leave().await,
                () = &mut report, if self.stream.is_some() => {
                    tell(Told::Progress(self.progress()));
                    let is_awaited = self.media_end > 0 && outlet.arrived() == 0;
                    let pause = if is_awaited { FIRST_REPORTS } else { REPORTS };
                    report.as_mut().reset(Instant::now() + pause);
                }
                moved = poll_fn(|cx| self.poll_move(cx, tell)) => {
                    if let Err(cause) = moved {
                        return cause;
                    }
                    if was_silent && self.media_end > 0 {
                        report.as_mut().reset(Instant::now() + FIRST_REPORTS);
                    }
                }
                () = &mut flush, if is_idle && self.stream.is_some() => {}
            }
            self.fill();
        }
    }

    /// Reads what came and writes what waits, as far as it goes.
    fn poll_move(&mut self, cx: &mut Context<'_>, tell: &impl Fn(Told)) -> Poll<Result<(), Cause>> {
        let mut has_moved = false;
        if let Poll::Ready(read) = self.poll_read(cx, tell) {
            read?;
            has_moved = true;
        }
        if !self.batch.is_out()
            && let Poll::Ready(written) = self.poll_write(cx)
        {
            written?;
            has_moved = true;
        }
        if has_moved { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let written = ready!(self.batch.poll_write(Pin::new(&mut self.wire), cx));
        let written = written.map_err(|_| Cause::ConnectionLost)?;
        if written.media > 0 {
            self.media_end = self.handed + u64::try_from(written.media).unwrap_or(0);
        }
        self.handed += u64::try_from(written.bytes).unwrap_or(0);
        Poll::Ready(Ok(()))
    }

    /// What the session has to say. A destination that asks and does not listen is answered no more,
    /// until the session has enough of it.
    fn speak(&mut self) {
        if !self.batch.is_enough() {
            self.batch.control(self.client.take_output());
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, tell: &impl Fn(Told)) -> Poll<Result<(), Cause>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut read = ReadBuf::new(scratch);
            let done = ready!(Pin::new(&mut self.wire).poll_read(cx, &mut read));
            Poll::Ready(match done {
                Err(_) => Err(Cause::ConnectionLost),
                Ok(()) if read.filled().is_empty() => Err(Cause::ClosedByPeer),
                Ok(()) => self.take(read.filled(), tell),
            })
        })
    }

    fn take(&mut self, mut bytes: &[u8], tell: &impl Fn(Told)) -> Result<(), Cause> {
        loop {
            let event = self.client.next(&mut bytes).map_err(|_| {
                if self.is_established { Cause::Protocol } else { Cause::HandshakeFailed }
            })?;
            if !self.is_established && self.client.is_established() {
                self.is_established = true;
                tell(Told::Reached(Step::Handshake));
            }
            match event {
                None => break,
                Some(Event::Connected(_)) => tell(Told::Reached(Step::Connect)),
                Some(Event::Started { stream }) => {
                    self.stream = Some(stream);
                    tell(Told::Reached(Step::Publish));
                }
                Some(Event::Refused(refused)) => return Err(meaning(&refused)),
                Some(Event::Ended(_)) => return Err(Cause::PublishRefused),
                Some(_) => {}
            }
        }
        let flow = self.client.flow();
        if flow.acknowledgements() > self.acknowledgements {
            self.acknowledgements = flow.acknowledgements();
            let [.., a, b, c, d] = flow.acknowledged().to_be_bytes();
            tell(Told::Acknowledged(u32::from_be_bytes([a, b, c, d])));
        }
        Ok(())
    }

    /// Takes out of the queue what one write can take.
    fn fill(&mut self) {
        let Some(stream) = self.stream else { return };
        let mut queue = self.outlet.queue.borrow_mut();
        while !self.batch.is_enough()
            && let Some(next) = queue.pop()
        {
            let shared = next.payload.0;
            let shared = if next.is_repeated { shared.at(next.timestamp) } else { shared };
            self.client.count_sent(shared.wire_len());
            self.batch.media(shared, stream);
        }
    }

    fn progress(&self) -> Progress {
        let kernel = livegate_outq::outstanding(self.wire.tcp()).unwrap_or_default();
        let waiting = self.outlet.queue.borrow().size().saturating_add(self.batch.size());
        let progress = Progress {
            handed: self.handed,
            media_end: self.media_end,
            unacked: kernel.unacked,
            unsent: kernel.unsent,
            queued: u64::try_from(waiting).unwrap_or(u64::MAX),
        };
        self.outlet.has_arrived(progress.media_arrived());
        progress
    }

    /// Sends what waits, says that the stream is over, and closes. Whoever does not take that in time
    /// is not waited for.
    async fn leave(&mut self) -> Cause {
        let _ = timeout(LEAVE, self.take_leave()).await;
        Cause::Stopped
    }

    async fn take_leave(&mut self) -> Result<(), Cause> {
        self.fill();
        while !self.batch.is_empty() {
            poll_fn(|cx| self.poll_write(cx)).await?;
            self.fill();
        }
        self.client.finish();
        self.speak();
        while !self.batch.is_out() {
            poll_fn(|cx| self.poll_write(cx)).await?;
        }
        self.wire.shutdown().await.map_err(|_| Cause::ConnectionLost)?;
        // To close while something was not read is to reset: then the end may not arrive.
        let mut rest = [0; 512];
        while self.wire.read(&mut rest).await.is_ok_and(|bytes| bytes > 0) {}
        Ok(())
    }
}

fn meaning(refused: &Refusal) -> Cause {
    let step = match refused.stage {
        Stage::Publish => Step::Publish,
        _ => Step::Connect,
    };
    refusal(step, &refused.status.code, &refused.status.description)
}
