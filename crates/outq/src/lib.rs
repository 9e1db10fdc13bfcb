//! How much of what was written to a TCP connection has not arrived.
//!
//! The kernel counts it, and tells it by `ioctl`: tcp(7) `SIOCOUTQ`, and `SIOCOUTQNSD` of
//! linux/sockios.h. There is no safe call for either, so this crate has the one `unsafe` block of the
//! project. On other systems nothing is counted, and zeros are told.

use std::io;
use std::os::fd::AsFd;

/// What a connection's kernel still has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// Bytes that the other end's kernel has not acknowledged, unsent ones included.
    pub unacked: u64,
    /// Of these, those that were not sent yet.
    pub unsent: u64,
}

/// What is outstanding on a connected TCP socket.
///
/// # Errors
/// Those of ioctl(2): `EINVAL` for a socket that listens, `ENOTTY` for what is no socket.
#[cfg(target_os = "linux")]
pub fn outstanding(socket: impl AsFd) -> io::Result<Outstanding> {
    Ok(Outstanding { unacked: ask::<SIOCOUTQ>(&socket)?, unsent: ask::<SIOCOUTQNSD>(&socket)? })
}

/// Nothing is known.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn outstanding(_: impl AsFd) -> io::Result<Outstanding> {
    Ok(Outstanding::default())
}

#[cfg(target_os = "linux")]
const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;
#[cfg(target_os = "linux")]
const SIOCOUTQNSD: rustix::ioctl::Opcode = 0x894B;

#[cfg(target_os = "linux")]
fn ask<const WHAT: rustix::ioctl::Opcode>(socket: impl AsFd) -> io::Result<u64> {
    use rustix::ioctl::{Getter, ioctl};
    use std::ffi::c_int;
    #[expect(unsafe_code, reason = "the kernel's counter has no safe call")]
    // SAFETY: for a TCP socket both numbers write one `int` and read nothing (tcp(7)); on any other
    // file they are either unknown, or write one `int` as well (TIOCOUTQ of a terminal).
    let bytes = unsafe { ioctl(socket, Getter::<WHAT, c_int>::new()) }?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Outstanding, outstanding};
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn what_nobody_reads_stays_outstanding() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut writer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut reader, _) = listener.accept().unwrap();
        assert_eq!(outstanding(&writer).unwrap(), Outstanding::default());
        writer.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(bytes) = writer.write(&[0; 8_192]) {
            written += u64::try_from(bytes).unwrap();
        }
        let stuck = outstanding(&writer).unwrap();
        assert!(stuck.unsent > 0 && stuck.unacked >= stuck.unsent && stuck.unacked <= written);
        // Once all of it is read, nothing is outstanding.
        let mut rest = vec![0; usize::try_from(written).unwrap()];
        reader.read_exact(&mut rest).unwrap();
        for _ in 0..200 {
            if outstanding(&writer).unwrap() == Outstanding::default() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("{:?} is still outstanding", outstanding(&writer).unwrap());
    }

    #[test]
    fn what_is_no_connection_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(outstanding(&listener).is_err());
        assert!(outstanding(std::fs::File::open("/dev/null").unwrap()).is_err());
    }
}
