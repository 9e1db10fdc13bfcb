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
use livegate_core::time::Millis;
use livegate_rtmp::session::client::{Client, Event, Purpose, Refusal, Settings, Stage};
use socket2::SockRef;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};

use super::pipe::Pipe;
use super::{Address, Outlet};
use crate::clock;
use crate::net::{Asker, DialTimes, Egress, Tls, Wire, connect, secure};

/// How often it is said how far the stream has come, with the next write after that.
const REPORTS: Millis = Millis(800);

/// How often it is said though nothing is written.
const SILENT_REPORTS: Millis = Millis::from_secs(1);

/// The same until some of it has arrived: that is what everybody waits for.
const FIRST_REPORTS: Millis = Millis(50);

/// How long taking leave may take.
const LEAVE: Duration = Duration::from_secs(2);

/// Bytes that are read at a time. A destination says little.
const READ: usize = 4_096;

/// What connections of pushes have in common.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) tls: Tls,
    pub(crate) egress: Egress,
    /// Who has names looked up.
    pub(crate) asker: Asker,
    /// How long connecting may take, and TLS: of several addresses each has its share.
    pub(crate) times: DialTimes,
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
        pipe: Rc::new(RefCell::new(Pipe::new(wire, client))),
        outlet,
        news: Vec::new(),
        acknowledgements: 0,
        is_established: false,
    };
    let ended = connection.go_on(&tell).await;
    connection.outlet.set_pipe(None);
    connection.progress();
    connection.outlet.queue.borrow_mut().close();
    ended
}

async fn reach(
    connector: &Connector,
    address: &Address,
    tell: &impl Fn(Told),
) -> Result<Wire, Cause> {
    let Connector { egress, times, asker, .. } = connector;
    let tcp = connect(&address.host, address.port, *egress, times.connect, asker)
        .await
        .map_err(|error| Cause::from(&error))?;
    // A kernel that takes less or more than it is asked for changes when a wedge shows, not whether.
    let _ = SockRef::from(&tcp).set_send_buffer_size(connector.send_buffer);
    tell(Told::Reached(Step::Tcp));
    if !address.is_secure {
        return Ok(Wire::Plain(tcp));
    }
    let wire = secure(tcp, &address.host, &connector.tls, connector.times.tls)
        .await
        .map_err(|error| Cause::from(&error))?;
    tell(Told::Reached(Step::Tls));
    Ok(wire)
}

struct Connection {
    pipe: Rc<RefCell<Pipe>>,
    outlet: Rc<Outlet>,
    /// What was reached, and is not told yet.
    news: Vec<Told>,
    acknowledgements: u64,
    is_established: bool,
}

thread_local! {
    /// What was read of whichever connection is being read.
    static SCRATCH: RefCell<[u8; READ]> = const { RefCell::new([0; READ]) };
}

impl Connection {
    async fn go_on(&mut self, tell: &impl Fn(Told)) -> Cause {
        let (outlet, pipe) = (Rc::clone(&self.outlet), Rc::clone(&self.pipe));
        let mut report = pin!(after(FIRST_REPORTS));
        let mut was_silent = true;
        let mut is_asked = false;
        loop {
            pipe.borrow_mut().speak();
            let is_started = pipe.borrow().stream.is_some();
            let is_idle = pipe.borrow().batch.is_empty();
            let mut flush = pin!(outlet.flush.notified());
            tokio::select! {
                biased;
                () = outlet.leave.notified() => return self.leave().await,
                () = &mut report, if is_started => is_asked = true,
                moved = poll_fn(|cx| self.poll_move(cx)) => {
                    // Told when nothing is borrowed: whoever hears it may act at once.
                    self.news.drain(..).for_each(tell);
                    if let Err(cause) = moved {
                        return cause;
                    }
                }
                () = &mut flush, if is_idle && is_started => {}
            }
            pipe.borrow_mut().fill(&mut outlet.queue.borrow_mut());
            let now = clock::now();
            if is_asked || pipe.borrow().stream.is_some() && outlet.is_asked(now) {
                is_asked = false;
                tell(Told::Progress(self.progress()));
                let is_awaited = pipe.borrow().has_begun() && outlet.arrived() == 0;
                let (soon, late) = if is_awaited {
                    (FIRST_REPORTS, FIRST_REPORTS)
                } else {
                    (REPORTS, SILENT_REPORTS)
                };
                outlet.ask_at(now.plus(soon));
                // Made anew: one that is put off still wakes the runtime at its old time.
                report.set(after(late));
            }
            if was_silent && pipe.borrow().has_begun() {
                was_silent = false;
                report.set(after(FIRST_REPORTS));
            }
        }
    }

    /// Reads what came and writes what waits, as far as it goes.
    fn poll_move(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let mut has_moved = false;
        if let Poll::Ready(read) = self.poll_read(cx) {
            read?;
            has_moved = true;
        }
        let mut pipe = self.pipe.borrow_mut();
        if !pipe.batch.is_out()
            && let Poll::Ready(written) = pipe.poll_write(cx)
        {
            written?;
            has_moved = true;
        }
        if has_moved { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut read = ReadBuf::new(scratch);
            let done = Pin::new(&mut self.pipe.borrow_mut().wire).poll_read(cx, &mut read);
            Poll::Ready(match ready!(done) {
                Err(_) => Err(Cause::ConnectionLost),
                Ok(()) if read.filled().is_empty() => Err(Cause::ClosedByPeer),
                Ok(()) => self.take(read.filled()),
            })
        })
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Cause> {
        let pipe = &mut *self.pipe.borrow_mut();
        loop {
            let event = pipe.client.next(&mut bytes).map_err(|_| {
                if self.is_established { Cause::Protocol } else { Cause::HandshakeFailed }
            })?;
            if !self.is_established && pipe.client.is_established() {
                self.is_established = true;
                self.news.push(Told::Reached(Step::Handshake));
            }
            match event {
                None => break,
                Some(Event::Connected(_)) => self.news.push(Told::Reached(Step::Connect)),
                Some(Event::Started { stream }) => {
                    pipe.stream = Some(stream);
                    self.outlet.set_pipe(Some(Rc::clone(&self.pipe)));
                    self.news.push(Told::Reached(Step::Publish));
                }
                Some(Event::Refused(refused)) => return Err(meaning(&refused)),
                Some(Event::Ended(_)) => return Err(Cause::PublishRefused),
                Some(_) => {}
            }
        }
        let flow = pipe.client.flow();
        if flow.acknowledgements() > self.acknowledgements {
            self.acknowledgements = flow.acknowledgements();
            let [.., a, b, c, d] = flow.acknowledged().to_be_bytes();
            self.news.push(Told::Acknowledged(u32::from_be_bytes([a, b, c, d])));
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        let progress = self.pipe.borrow().progress(self.outlet.queue.borrow().size());
        self.outlet.has_arrived(progress.media_arrived());
        progress
    }

    /// Sends what waits, says that the stream is over, and closes. Whoever does not take that in time
    /// is not waited for.
    async fn leave(&mut self) -> Cause {
        self.outlet.set_pipe(None);
        let _ = timeout(LEAVE, self.take_leave()).await;
        Cause::Stopped
    }

    async fn take_leave(&mut self) -> Result<(), Cause> {
        let pipe = &self.pipe;
        let fill = || pipe.borrow_mut().fill(&mut self.outlet.queue.borrow_mut());
        fill();
        while !pipe.borrow().batch.is_empty() {
            poll_fn(|cx| pipe.borrow_mut().poll_write(cx)).await?;
            fill();
        }
        pipe.borrow_mut().client.finish();
        pipe.borrow_mut().speak();
        while !pipe.borrow().batch.is_out() {
            poll_fn(|cx| pipe.borrow_mut().poll_write(cx)).await?;
        }
        let lost = |_| Cause::ConnectionLost;
        poll_fn(|cx| Pin::new(&mut pipe.borrow_mut().wire).poll_shutdown(cx))
            .await
            .map_err(lost)?;
        // To close while something was not read is to reset: then the end may not arrive.
        poll_fn(|cx| {
            let mut rest = [0; 512];
            loop {
                let mut read = ReadBuf::new(&mut rest);
                let done = Pin::new(&mut pipe.borrow_mut().wire).poll_read(cx, &mut read);
                if ready!(done).is_err() || read.filled().is_empty() {
                    return Poll::Ready(());
                }
            }
        })
        .await;
        Ok(())
    }
}

fn after(pause: Millis) -> Sleep {
    sleep(Duration::from_millis(pause.0))
}

fn meaning(refused: &Refusal) -> Cause {
    let step = match refused.stage {
        Stage::Publish => Step::Publish,
        _ => Step::Connect,
    };
    refusal(step, &refused.status.code, &refused.status.description)
}
