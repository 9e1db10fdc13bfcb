//! Publishes a file over and over at its pace, and is one of the destinations that it is relayed to.
//!
//!     rtmp-pace FILE
//!
//! Prints `port N`: where a relay may push to. Then it reads lines: `publish URL`, `measure`, and
//! `stop`. It prints `arrives` with the first picture that arrives, and at its end how many messages it
//! sent and got while it measured, and how many milliseconds lay between.

#[path = "../../../../tests/rtmp/src/flv.rs"]
#[expect(dead_code, reason = "files are only read here")]
mod flv;
#[path = "../../../../tests/rtmp/src/wire.rs"]
mod wire;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::env;
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, stdin};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use livegate_rtmp::message::{Kind, Message, data};
use livegate_rtmp::session::client::{self, Client, Purpose};
use livegate_rtmp::session::server::{self, Reason, Server};

use wire::Wire;

type Outcome<T> = Result<T, Box<dyn Error>>;

const SEED: [u8; 32] = [0x5A; 32];

/// Longer than any measurement: whoever started this ends it.
const LIMIT: Duration = Duration::from_secs(600);

/// What both ends know.
#[derive(Default)]
struct Seen {
    /// When a message was sent, by what is in it.
    sent_at: HashMap<u64, Instant>,
    /// How long messages took that were sent while it was measured.
    took: Vec<Duration>,
    sent: u64,
    is_measuring: bool,
    has_arrived: bool,
}

#[derive(Clone, Default)]
struct Both {
    seen: Arc<Mutex<Seen>>,
    is_over: Arc<AtomicBool>,
}

impl Both {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

fn main() -> Outcome<()> {
    let file = env::args().nth(1).ok_or("rtmp-pace FILE")?;
    let tags = flv::read(&file)?;
    let both = Both::default();
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("port {}", listener.local_addr()?.port());
    let server = both.clone();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let both = server.clone();
            thread::spawn(move || {
                if let Err(error) = take(socket, &both) {
                    eprintln!("the destination: {error}");
                }
            });
        }
    });
    let mut publisher = None;
    for line in stdin().lock().lines() {
        let line = line?;
        if let Some(url) = line.strip_prefix("publish ") {
            let (url, tags, both) = (url.to_owned(), tags.clone(), both.clone());
            publisher = Some(thread::spawn(move || {
                if let Err(error) = publish(&url, &tags, &both) {
                    eprintln!("the publisher: {error}");
                }
            }));
        } else if line == "measure" {
            both.seen().is_measuring = true;
        } else if line == "stop" {
            break;
        }
    }
    // What is still under way has time to arrive.
    both.seen().is_measuring = false;
    thread::sleep(Duration::from_millis(500));
    both.is_over.store(true, Ordering::Relaxed);
    if let Some(publisher) = publisher {
        let _ = publisher.join();
    }
    let mut seen = both.seen();
    seen.took.sort_unstable();
    let at = |share: usize| {
        let index = (seen.took.len() * share / 1_000).min(seen.took.len().saturating_sub(1));
        seen.took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    };
    println!(
        r#"{{"sent":{},"arrived":{},"median":{:.2},"p99":{:.2},"most":{:.2}}}"#,
        seen.sent,
        seen.took.len(),
        at(500),
        at(990),
        at(1_000)
    );
    Ok(())
}

/// What is in a message. Frames of a file are no two alike; of those that come again the latest counts.
fn key(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.payload.hash(&mut hasher);
    hasher.finish()
}

/// A destination: says when what arrives was sent.
fn take(socket: TcpStream, both: &Both) -> Outcome<()> {
    let mut wire = Wire::new(socket, Instant::now() + LIMIT)?;
    let mut session = Server::new(SEED, server::Settings::default());
    while wire.fill()? {
        let now = Instant::now();
        let mut input = wire.input();
        let before = input.len();
        while let Some(event) = session.next(&mut input)? {
            match event {
                server::Event::Connect(_) | server::Event::Publish(_) => session.accept()?,
                server::Event::Play(_) => session.refuse(Reason::NotFound, "nothing plays here")?,
                server::Event::Media(message) if message.kind == Kind::VIDEO => {
                    let mut seen = both.seen();
                    if !std::mem::replace(&mut seen.has_arrived, true) {
                        println!("arrives");
                    }
                    if let Some(sent_at) = seen.sent_at.remove(&key(&message)) {
                        seen.took.push(now - sent_at);
                    }
                }
                _ => {}
            }
        }
        let used = before - input.len();
        wire.consume(used);
        wire.send(&session.take_output())?;
    }
    Ok(())
}

/// Passes what came to the publisher.
fn pump(wire: &mut Wire, session: &mut Client) -> Outcome<()> {
    let mut input = wire.input();
    let before = input.len();
    while let Some(event) = session.next(&mut input)? {
        match event {
            client::Event::Refused(refusal) => return Err(refusal.into()),
            client::Event::Ended(status) => return Err(status.code.into()),
            _ => {}
        }
    }
    let used = before - input.len();
    wire.consume(used);
    wire.send(&session.take_output())
}

fn publish(url: &str, tags: &[Message], both: &Both) -> Outcome<()> {
    let rest = url.strip_prefix("rtmp://").ok_or("the URL should begin with rtmp://")?;
    let (address, path) = rest.split_once('/').ok_or("the URL has no path")?;
    let (app, name) = client::split_path(path).ok_or("the URL has no stream")?;
    let mut wire = Wire::new(TcpStream::connect(address)?, Instant::now() + LIMIT)?;
    let settings =
        client::Settings::new(Purpose::Publish, app, format!("rtmp://{address}/{app}"), name);
    let mut session = Client::new(SEED, settings);
    wire.send(&session.take_output())?;
    while session.stream().is_none() {
        if !wire.fill()? {
            return Err("closed before it was accepted".into());
        }
        pump(&mut wire, &mut session)?;
    }
    let stream = session.stream().ok_or("not accepted")?;
    let length = tags.iter().map(|tag| tag.timestamp).max().unwrap_or(0) + 33;
    let began = Instant::now();
    for round in 0.. {
        for tag in tags {
            // What stands before the media is sent once.
            let is_header = tag.timestamp == 0 && (tag.kind == Kind::DATA || tag.payload[1] == 0);
            if both.is_over() {
                session.finish();
                wire.send(&session.take_output())?;
                return wire.finish();
            }
            if round > 0 && is_header {
                continue;
            }
            let timestamp = round * length + tag.timestamp;
            let due = Duration::from_millis(timestamp.into());
            while let Some(left) = due.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
                wire.fill_for(left.min(Duration::from_millis(5)))?;
                pump(&mut wire, &mut session)?;
            }
            let message = Message { timestamp, ..tag.clone() };
            let message =
                if tag.kind == Kind::DATA { data::for_server(&message) } else { message };
            if tag.kind == Kind::VIDEO && !is_header {
                let key = key(&message);
                let mut seen = both.seen();
                if seen.is_measuring {
                    seen.sent += 1;
                    seen.sent_at.insert(key, Instant::now());
                }
            }
            let sent = wire.send_shared(&message, session.chunk_size(), stream)?;
            session.count_sent(sent);
        }
    }
    Ok(())
}
