//! A socket that gives up in time.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use livegate_rtmp::chunk::ChunkSize;
use livegate_rtmp::chunk::shared::Shared;
use livegate_rtmp::message::Message;

use crate::Outcome;

pub struct Wire {
    socket: TcpStream,
    deadline: Instant,
    there: Vec<u8>,
}

impl Wire {
    pub fn new(socket: TcpStream, deadline: Instant) -> Outcome<Self> {
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { socket, deadline, there: Vec::new() })
    }

    /// What came and was not taken.
    pub fn input(&self) -> &[u8] {
        &self.there
    }

    pub fn consume(&mut self, bytes: usize) {
        self.there.drain(..bytes);
    }

    /// Waits for more, and says whether there is any: not when the peer has closed.
    pub fn fill(&mut self) -> Outcome<bool> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("it took too long".into());
        }
        match self.read(left) {
            Some(Ok(0)) => Ok(false),
            Some(Ok(_)) => Ok(true),
            Some(Err(error)) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Some(Err(error)) => Err(error.into()),
            None => Err("it took too long".into()),
        }
    }

    /// Waits for more, but not for long.
    pub fn fill_for(&mut self, limit: Duration) -> Outcome<()> {
        if Instant::now() > self.deadline {
            return Err("it took too long".into());
        }
        match self.read(limit) {
            Some(Ok(0)) => Err("the peer has closed".into()),
            Some(Err(error)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn read(&mut self, limit: Duration) -> Option<std::io::Result<usize>> {
        let limit = limit.max(Duration::from_millis(1));
        if let Err(error) = self.socket.set_read_timeout(Some(limit)) {
            return Some(Err(error));
        }
        let mut buffer = [0; 65_536];
        match self.socket.read(&mut buffer) {
            Ok(count) => {
                self.there.extend(&buffer[..count]);
                Some(Ok(count))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    pub fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        Ok(self.socket.write_all(bytes)?)
    }

    /// Writes a message in pieces, and again from where a write ended.
    pub fn send_shared(
        &mut self,
        message: &Message,
        size: ChunkSize,
        stream: u32,
    ) -> Outcome<usize> {
        let shared = Shared::new(message, size);
        let head = shared.head(stream);
        let mut sent = 0;
        while sent < shared.wire_len() {
            let pieces: Vec<IoSlice> = shared.pieces(&head, sent).map(IoSlice::new).collect();
            match self.socket.write_vectored(&pieces)? {
                0 => return Err("nothing more can be written".into()),
                count => sent += count,
            }
        }
        Ok(sent)
    }

    /// Says that nothing follows, and waits for the peer to close.
    pub fn finish(&mut self) -> Outcome<()> {
        self.socket.shutdown(Shutdown::Write)?;
        while self.fill()? {
            self.there.clear();
        }
        Ok(())
    }
}
