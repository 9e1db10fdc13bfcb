//! A connection that is read now and then: between two readings nothing wakes the host for what comes.
//!
//! The runtime is told of every packet of a socket that it knows, whether anybody waits for it or not,
//! and to be woken costs more than to read. So a connection that rests is taken from the runtime.

use std::cell::RefCell;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::TcpStream as StillStream;

use tokio::net::TcpStream;

use super::Wire;

/// Bytes that are read at a time.
const READ: usize = 65_536;

thread_local! {
    static ROOM: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

/// Lends room for what is read of whichever connection is being read.
pub(crate) fn with_room<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    ROOM.with_borrow_mut(|room| read(room))
}

/// A connection, known to the runtime or at rest.
#[derive(Debug)]
pub(crate) enum Line {
    /// It is told what happens.
    Live(Wire),
    /// It is asked now and then.
    Still(StillStream),
    /// It broke on the way between the two.
    Broken,
}

impl Line {
    /// The connection, if it is told what happens.
    pub(crate) const fn live(&mut self) -> Option<&mut Wire> {
        match self {
            Self::Live(wire) => Some(wire),
            _ => None,
        }
    }

    /// Whether it rests.
    pub(crate) const fn is_still(&self) -> bool {
        matches!(self, Self::Still(_))
    }

    /// Lets it rest from now on. One over TLS does not: its records are finished by the runtime.
    pub(crate) fn rest(&mut self) {
        *self = match std::mem::replace(self, Self::Broken) {
            Self::Live(Wire::Plain(tcp)) => tcp.into_std().map_or(Self::Broken, Self::Still),
            other => other,
        };
    }

    /// Has it told what happens again.
    ///
    /// # Errors
    /// The system has no room for it.
    pub(crate) fn wake(&mut self) -> io::Result<()> {
        if let Self::Still(_) = self {
            let Self::Still(still) = std::mem::replace(self, Self::Broken) else { return Ok(()) };
            *self = Self::Live(Wire::Plain(TcpStream::from_std(still)?));
        }
        Ok(())
    }

    /// Reads what came while it rested. What does not fill the room is all of it: nobody need ask again.
    ///
    /// # Errors
    /// `WouldBlock` if nothing did.
    pub(crate) fn read_still(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Still(still) => still.read(into),
                Self::Live(_) => Err(io::ErrorKind::WouldBlock.into()),
                Self::Broken => Err(io::ErrorKind::BrokenPipe.into()),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Writes while it rests.
    ///
    /// # Errors
    /// `WouldBlock` if it cannot take more now.
    pub(crate) fn write_still(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Still(still) => still.write_vectored(slices),
            Self::Live(_) => Err(io::ErrorKind::WouldBlock.into()),
            Self::Broken => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Line;
    use crate::net::Wire;
    use std::io::{ErrorKind, IoSlice, Read as _, Write as _};
    use std::net::{Shutdown, TcpListener};
    use std::thread;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;

    #[tokio::test(flavor = "current_thread")]
    async fn it_rests_is_read_and_wakes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut line = Line::Live(Wire::Plain(tcp));
        line.rest();
        assert!(line.is_still() && line.live().is_none());
        let mut into = [0; 8];
        assert_eq!(line.read_still(&mut into).unwrap_err().kind(), ErrorKind::WouldBlock);
        peer.write_all(b"abc").unwrap();
        let read = loop {
            match line.read_still(&mut into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                read => break read.unwrap(),
            }
        };
        assert_eq!(&into[..read], b"abc");
        assert_eq!(line.write_still(&[IoSlice::new(b"d"), IoSlice::new(b"e")]).unwrap(), 2);
        peer.read_exact(&mut into[..2]).unwrap();
        assert_eq!(&into[..2], b"de");
        line.wake().unwrap();
        peer.write_all(b"f").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        line.live().unwrap().read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"f");
    }
}
