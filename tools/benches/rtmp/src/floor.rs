//! Wakes up again and again, and copies what came meanwhile between pairs of connections, whatever it
//! is: less than that no relay can cost that gathers for as long.
//!
//!     rtmp-floor MILLISECONDS ADDRESS…
//!
//! Prints `port N` for each address: whoever connects there is connected to the address.

use std::env;
use std::error::Error;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let every = args.next().ok_or("rtmp-floor MILLISECONDS ADDRESS…")?;
    let every = Duration::from_millis(every.parse()?);
    let mut pairs = Vec::new();
    for address in args {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        println!("port {}", listener.local_addr()?.port());
        pairs.push(Pair::Awaited(listener, address));
    }
    let mut room = vec![0; 256 << 10];
    let mut next = Instant::now();
    loop {
        for pair in &mut pairs {
            pair.turn(&mut room)?;
        }
        next += every;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

enum Pair {
    Awaited(TcpListener, String),
    Connected(Way, Way),
}

impl Pair {
    fn turn(&mut self, room: &mut [u8]) -> Result<()> {
        match self {
            Self::Awaited(listener, address) => {
                let Some((near, _)) = now(listener.accept())? else { return Ok(()) };
                let far = TcpStream::connect(&*address)?;
                for socket in [&near, &far] {
                    socket.set_nonblocking(true)?;
                    socket.set_nodelay(true)?;
                }
                let back = Way { from: far.try_clone()?, to: near.try_clone()?, rest: Vec::new() };
                *self = Self::Connected(Way { from: near, to: far, rest: Vec::new() }, back);
                Ok(())
            }
            Self::Connected(there, back) => {
                there.turn(room)?;
                back.turn(room)
            }
        }
    }
}

struct Way {
    from: TcpStream,
    to: TcpStream,
    /// What was read and not written yet.
    rest: Vec<u8>,
}

impl Way {
    fn turn(&mut self, room: &mut [u8]) -> Result<()> {
        if self.rest.is_empty() {
            let Some(read) = now(self.from.read(room))? else { return Ok(()) };
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let written = now(self.to.write(&room[..read]))?.unwrap_or(0);
            self.rest.extend_from_slice(&room[written..read]);
        } else {
            let written = now(self.to.write(&self.rest))?.unwrap_or(0);
            self.rest.drain(..written);
        }
        Ok(())
    }
}

/// What can be done now, or nothing.
fn now<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        done => done.map(Some),
    }
}
