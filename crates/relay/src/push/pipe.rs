//! What of a connection is written to: by the connection itself, and by its task's fan-out, which
//! writes to all of its destinations in one go.

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use livegate_core::relay::push::{Cause, Progress};
use livegate_core::relay::queue::Queue;
use livegate_rtmp::session::client::Client;

use super::batch::{Batch, Written};
use super::outlet::Chunked;
use super::volley::Volley;
use crate::net::Wire;

/// What became of a volley.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fired {
    /// All of it went out.
    All,
    /// Some of it: the rest waits in the connection.
    Some,
    /// Nothing of it.
    No,
}

/// A connection's socket and session, and what was begun on it.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) wire: Wire,
    pub(super) client: Client,
    pub(super) batch: Batch,
    /// Bytes that the kernel took.
    handed: u64,
    /// Where in them the last of the stream's messages ends.
    media_end: u64,
    /// The message stream, once publishing has started.
    pub(super) stream: Option<u32>,
}

impl Pipe {
    pub(super) fn new(wire: Wire, client: Client) -> Self {
        Self { wire, client, batch: Batch::default(), handed: 0, media_end: 0, stream: None }
    }

    /// Whether some of the stream was handed to the kernel.
    pub(super) const fn has_begun(&self) -> bool {
        self.media_end > 0
    }

    /// What the session has to say. A destination that asks and does not listen is answered no more,
    /// until the session has enough of it.
    pub(super) fn speak(&mut self) {
        if !self.batch.is_enough() {
            self.batch.control(self.client.take_output());
        }
    }

    /// Takes out of the queue what one write can take.
    pub(super) fn fill(&mut self, queue: &mut Queue<Chunked>) {
        let Some(stream) = self.stream else { return };
        while !self.batch.is_enough()
            && let Some(next) = queue.pop()
        {
            let shared = next.payload.0;
            let shared = if next.is_repeated { shared.at(next.timestamp) } else { shared };
            self.client.count_sent(shared.wire_len());
            self.batch.media(shared, stream);
        }
    }

    /// Writes what was begun, as much as goes in one call.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let written = ready!(self.batch.poll_write(Pin::new(&mut self.wire), cx));
        self.count(written.map_err(|_| Cause::ConnectionLost)?);
        Poll::Ready(Ok(()))
    }

    /// Writes what waits without waiting itself; whether that is all, or the connection is at it.
    pub(super) fn write_now(&mut self, queue: &mut Queue<Chunked>) -> bool {
        if !self.batch.is_out() {
            return true;
        }
        loop {
            self.fill(queue);
            if self.batch.is_empty() {
                return true;
            }
            // TLS has records of its own, which only the connection can finish.
            let Wire::Plain(tcp) = &self.wire else { return false };
            match self.batch.try_write(|slices| tcp.try_write_vectored(slices)) {
                Ok(written) => self.count(written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Whether it is full or broken, the connection finds out.
                Err(_) => return false,
            }
        }
    }

    /// Writes a volley past the queue, if the connection is ready for it: whether it is on its way, and
    /// what is left of it with the connection.
    pub(super) fn fire(&mut self, volley: &Volley<'_>) -> Fired {
        let Wire::Plain(tcp) = &self.wire else { return Fired::No };
        if self.stream != Some(volley.stream()) || !self.batch.is_out() {
            return Fired::No;
        }
        let Ok(bytes) = tcp.try_write_vectored(volley.slices()) else { return Fired::No };
        self.client.count_sent(volley.size());
        if bytes == volley.size() {
            self.count(Written { bytes, media: bytes });
            return Fired::All;
        }
        for shot in volley.shots() {
            self.batch.media(shot.chunked.0.clone(), volley.stream());
        }
        let written = self.batch.went_out(bytes);
        self.count(written);
        Fired::Some
    }

    fn count(&mut self, written: Written) {
        if written.media > 0 {
            self.media_end = self.handed + u64::try_from(written.media).unwrap_or(0);
        }
        self.handed += u64::try_from(written.bytes).unwrap_or(0);
    }

    /// How far the stream has come; `queued` bytes wait before it.
    pub(super) fn progress(&self, queued: usize) -> Progress {
        let kernel = livegate_outq::outstanding(self.wire.tcp()).unwrap_or_default();
        let waiting = queued.saturating_add(self.batch.size());
        Progress {
            handed: self.handed,
            media_end: self.media_end,
            unacked: kernel.unacked,
            unsent: kernel.unsent,
            queued: u64::try_from(waiting).unwrap_or(u64::MAX),
        }
    }
}
