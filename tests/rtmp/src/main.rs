//! One RTMP connection on 127.0.0.1, so that real programs can be tried against livegate-rtmp.
//!
//!     livegate-rtmp-peer take FILE          a server: what is published goes to FILE
//!     livegate-rtmp-peer give FILE          a server: whoever plays gets FILE, at once
//!     livegate-rtmp-peer push URL FILE      a client: publishes FILE at its pace, up to SPEED times faster
//!     livegate-rtmp-peer pull URL FILE      a client: plays into FILE
//!
//! Files are FLV. A server prints `port N` and waits for one connection; all print what happens, one
//! line each. LIMIT_MS (20,000) is how long anything may take, LINGER_MS how long `push` waits before it
//! says that it has ended, HANDSHAKE `simple` or `digest`. For servers: PORT to listen at; for `take`:
//! REFUSE, words, REFUSE_AS `in use` for another reason than that it is not allowed, and REFUSE_MS, how
//! long it thinks before it says so.

mod flv;
mod wire;

use std::env;
use std::error::Error;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use livegate_rtmp::handshake::Form;
use livegate_rtmp::message::Kind;
use livegate_rtmp::message::data;
use livegate_rtmp::session::client::{self, Client, Purpose};
use livegate_rtmp::session::server::{self, Reason, Server};

use wire::Wire;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Random enough for a test.
const SEED: [u8; 32] = [0x5A; 32];

fn variable(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_millis(variable("LIMIT_MS", 20_000))
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["take", file] => take(file),
        ["give", file] => give(file),
        ["push", url, file] => push(url, file),
        ["pull", url, file] => pull(url, file),
        _ => Err("take FILE | give FILE | push URL FILE | pull URL FILE".into()),
    };
    if let Err(error) = outcome {
        println!("error {error}");
        std::process::exit(1);
    }
}

/// Waits for one connection.
fn accept() -> Outcome<Wire> {
    let listener = TcpListener::bind(("127.0.0.1", u16::try_from(variable("PORT", 0))?))?;
    println!("port {}", listener.local_addr()?.port());
    listener.set_nonblocking(true)?;
    let deadline = deadline();
    loop {
        match listener.accept() {
            Ok((socket, _)) => return Wire::new(socket, deadline),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if Instant::now() > deadline {
                    return Err("nobody came".into());
                }
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn take(file: &str) -> Outcome<()> {
    let mut wire = accept()?;
    let mut session = Server::new(SEED, server::Settings::default());
    let mut out = flv::Writer::new(file)?;
    let refuse = env::var("REFUSE").ok();
    let mut ended = false;
    while wire.fill()? {
        let mut input = wire.input();
        let before = input.len();
        while let Some(event) = session.next(&mut input)? {
            match event {
                server::Event::Connect(connect) => {
                    let codecs = connect.capabilities.four_cc_list.join(",");
                    println!("{}", format!("connect {} {codecs}", connect.app).trim_end());
                    session.accept()?;
                }
                server::Event::Publish(publish) => {
                    println!("publish {} {}", publish.name, publish.kind);
                    match &refuse {
                        Some(why) => {
                            thread::sleep(Duration::from_millis(variable("REFUSE_MS", 0)));
                            let reason = match env::var("REFUSE_AS").as_deref() {
                                Ok("in use") => Reason::InUse,
                                _ => Reason::NotAllowed,
                            };
                            session.refuse(reason, why)?;
                        }
                        None => session.accept()?,
                    }
                }
                server::Event::Media(message) => {
                    let message = if message.kind == Kind::DATA {
                        data::for_players(&message)
                    } else {
                        message
                    };
                    out.tag(&message)?;
                }
                server::Event::Ended { .. } => {
                    println!("ended");
                    ended = true;
                }
                server::Event::Play(_) => session.refuse(Reason::NotFound, "nothing plays here")?,
                _ => {}
            }
        }
        let used = before - input.len();
        wire.consume(used);
        wire.send(&session.take_output())?;
    }
    println!("closed {}", if ended { "after its end" } else { "before its end" });
    Ok(())
}

fn give(file: &str) -> Outcome<()> {
    let tags = flv::read(file)?;
    let mut wire = accept()?;
    let mut session = Server::new(SEED, server::Settings::default());
    while wire.fill()? {
        let mut input = wire.input();
        let before = input.len();
        let mut plays = None;
        while let Some(event) = session.next(&mut input)? {
            match event {
                server::Event::Connect(_) => session.accept()?,
                server::Event::Play(play) => {
                    println!("play {}", play.name);
                    plays = Some(play.stream);
                    session.accept()?;
                }
                server::Event::Publish(_) => session.refuse(Reason::NotAllowed, "no")?,
                server::Event::Ended { .. } => println!("ended"),
                _ => {}
            }
        }
        let used = before - input.len();
        wire.consume(used);
        wire.send(&session.take_output())?;
        if let Some(stream) = plays {
            for tag in &tags {
                let sent = wire.send_shared(tag, session.chunk_size(), stream)?;
                session.count_sent(sent);
            }
            session.end(stream);
            wire.send(&session.take_output())?;
        }
    }
    println!(
        "closed, {} of {} bytes not acknowledged",
        session.flow().unacknowledged(),
        session.flow().sent()
    );
    Ok(())
}

/// A client at the address of `rtmp://host:port/app/name`.
fn connect(url: &str, purpose: Purpose) -> Outcome<(Wire, Client)> {
    let rest = url.strip_prefix("rtmp://").ok_or("the URL should begin with rtmp://")?;
    let (address, path) = rest.split_once('/').ok_or("the URL has no path")?;
    let (app, name) = client::split_path(path).ok_or("the URL has no stream")?;
    let wire = Wire::new(TcpStream::connect(address)?, deadline())?;
    let tc_url = format!("rtmp://{address}/{app}");
    let mut settings = client::Settings::new(purpose, app, tc_url, name);
    if env::var("HANDSHAKE").as_deref() == Ok("simple") {
        settings.handshake = Form::Simple;
    }
    Ok((wire, Client::new(SEED, settings)))
}

/// Passes what came to a client and prints what it says; gives the media.
fn pump(
    wire: &mut Wire,
    session: &mut Client,
    mut media: impl FnMut(&livegate_rtmp::message::Message) -> Outcome<()>,
) -> Outcome<bool> {
    let mut input = wire.input();
    let before = input.len();
    let mut open = true;
    while let Some(event) = session.next(&mut input)? {
        match event {
            client::Event::Connected(told) => println!("connected {}", told.four_cc_list.join(",")),
            client::Event::Started { stream } => println!("started {stream}"),
            client::Event::Media(message) => media(&message)?,
            client::Event::Ended(status) => {
                println!("ended {}", status.code);
                open = false;
            }
            client::Event::Refused(refusal) => return Err(refusal.into()),
            client::Event::Status(status) => println!("status {}", status.code),
            _ => {}
        }
    }
    let used = before - input.len();
    wire.consume(used);
    wire.send(&session.take_output())?;
    Ok(open)
}

fn push(url: &str, file: &str) -> Outcome<()> {
    let tags = flv::read(file)?;
    let speed = variable("SPEED", 1);
    let (mut wire, mut session) = connect(url, Purpose::Publish)?;
    wire.send(&session.take_output())?;
    while session.stream().is_none() {
        if !wire.fill()? {
            return Err("closed before it was accepted".into());
        }
        pump(&mut wire, &mut session, |_| Ok(()))?;
    }
    let stream = session.stream().ok_or("not accepted")?;
    let began = Instant::now();
    let (mut due, mut before) = (Duration::ZERO, 0);
    for tag in &tags {
        // A configuration may stand at time 0, and what follows begin much later: gaps are not waited for.
        let since = u64::from(tag.timestamp.saturating_sub(before)).min(1_000);
        before = before.max(tag.timestamp);
        due += Duration::from_micros(since * 1_000 / speed);
        while began.elapsed() < due {
            wire.fill_for(Duration::from_millis(5))?;
            pump(&mut wire, &mut session, |_| Ok(()))?;
        }
        let tag = if tag.kind == Kind::DATA { data::for_server(tag) } else { tag.clone() };
        let sent = wire.send_shared(&tag, session.chunk_size(), stream)?;
        session.count_sent(sent);
    }
    // Whoever plays there has time to get the last frame.
    wire.fill_for(Duration::from_millis(variable("LINGER_MS", 0)))?;
    pump(&mut wire, &mut session, |_| Ok(()))?;
    println!("acknowledged {} of {}", session.flow().acknowledged(), session.flow().sent());
    session.finish();
    wire.send(&session.take_output())?;
    wire.finish()
}

fn pull(url: &str, file: &str) -> Outcome<()> {
    let (mut wire, mut session) = connect(url, Purpose::Play)?;
    wire.send(&session.take_output())?;
    let mut out = flv::Writer::new(file)?;
    while wire.fill()? {
        let open = pump(&mut wire, &mut session, |message| {
            let message = if message.kind == Kind::DATA {
                data::for_players(message)
            } else {
                message.clone()
            };
            out.tag(&message)
        })?;
        if !open {
            break;
        }
    }
    session.finish();
    wire.send(&session.take_output())
}
