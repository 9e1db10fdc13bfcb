//! `rml_rtmp` at the other end, in memory: its client publishes to our server and plays from it, our
//! client publishes to its server and plays from it. Its handshake looks for digests.

use std::collections::VecDeque;

use bytes::Bytes;
use livegate_rtmp::handshake::Form;
use livegate_rtmp::message::{Kind, Message};
use livegate_rtmp::session::client::{self, Client, Purpose};
use livegate_rtmp::session::server::{self, Server};
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult,
    PublishRequestType, ServerSession, ServerSessionConfig, ServerSessionEvent,
    ServerSessionResult,
};
use rml_rtmp::time::RtmpTimestamp;

/// Type, time and payload.
type Frame = (u8, u32, Vec<u8>);

/// Several chunks of 4,096 and of 60,000 bytes, equal lengths and times, and a late one.
fn frames() -> Vec<Frame> {
    let body = |len: usize| (0..=255).cycle().take(len).collect::<Vec<u8>>();
    vec![
        (9, 0, body(50)),
        (8, 0, body(7)),
        (8, 23, body(341)),
        (8, 46, body(341)),
        (9, 46, body(200_000)),
        (8, 69, body(341)),
        (9, 80, body(4_096)),
        (9, 0x00FF_FFFF, body(70_000)),
        (9, 0x0100_0020, body(70_000)),
        (8, 0x0100_0037, body(341)),
    ]
}

fn message((kind, timestamp, payload): Frame) -> Message {
    Message { kind: Kind(kind), timestamp, stream: 0, payload: payload.into() }
}

/// Whether what came is what was sent; says of what is not only types, times and lengths.
fn assert_same(came: &[Frame]) {
    let told: Vec<_> = came.iter().map(|(kind, time, body)| (kind, time, body.len())).collect();
    assert!(came == frames(), "{told:?}");
}

fn frame(message: &Message) -> Frame {
    (message.kind.0, message.timestamp, message.payload.to_vec())
}

/// What `rml_rtmp`'s handshake makes of bytes: what it says, and what it leaves once it is done.
fn shake(handshake: &mut Handshake, bytes: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    match handshake.process_bytes(bytes).expect("it takes our handshake") {
        HandshakeProcessResult::InProgress { response_bytes } => (response_bytes, None),
        HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
            (response_bytes, Some(remaining_bytes))
        }
    }
}

/// Our server. What it gets is kept; it accepts all.
struct Ours {
    server: Server,
    frames: Vec<Frame>,
    log: Vec<String>,
    plays: Option<u32>,
}

impl Ours {
    fn new() -> Self {
        let server = Server::new([4; 32], server::Settings::default());
        Self { server, frames: Vec::new(), log: Vec::new(), plays: None }
    }

    fn take(&mut self, mut bytes: &[u8]) -> Bytes {
        while let Some(event) = self.server.next(&mut bytes).expect("we take what it sends") {
            match event {
                server::Event::Connect(connect) => {
                    self.log.push(format!("connect {}", connect.app))
                }
                server::Event::Publish(publish) => {
                    self.log.push(format!("publish {}", publish.name))
                }
                server::Event::Play(play) => {
                    self.log.push(format!("play {}", play.name));
                    self.plays = Some(play.stream);
                }
                server::Event::Media(message) => self.frames.push(frame(&message)),
                server::Event::Ended { .. } => self.log.push("ended".to_owned()),
                _ => {}
            }
            if self.server.is_waiting() {
                self.server.accept().unwrap();
            }
        }
        self.server.take_output()
    }
}

/// Its client, joined with our server.
struct TheirClient {
    session: ClientSession,
    ours: Ours,
    frames: Vec<Frame>,
    log: Vec<String>,
}

impl TheirClient {
    fn connected() -> Self {
        let mut handshake = Handshake::new(PeerType::Client);
        let mut ours = Ours::new();
        let mut said = handshake.generate_outbound_p0_and_p1().unwrap();
        let rest = loop {
            let answer = ours.take(&said);
            let (next, done) = shake(&mut handshake, &answer);
            if let Some(rest) = done {
                ours.take(&next);
                break rest;
            }
            said = next;
        };
        let (session, first) = ClientSession::new(ClientSessionConfig::new()).unwrap();
        let mut pair = Self { session, ours, frames: Vec::new(), log: Vec::new() };
        pair.run(first);
        assert!(rest.is_empty());
        let request = pair.session.request_connection("live".to_owned()).unwrap();
        pair.run(vec![request]);
        assert_eq!(pair.log, ["connected"]);
        pair
    }

    fn run(&mut self, results: Vec<ClientSessionResult>) {
        let mut results = VecDeque::from(results);
        while let Some(result) = results.pop_front() {
            match result {
                ClientSessionResult::OutboundResponse(packet) => {
                    let answer = self.ours.take(&packet.bytes);
                    results.extend(self.session.handle_input(&answer).unwrap());
                }
                ClientSessionResult::RaisedEvent(event) => match event {
                    ClientSessionEvent::ConnectionRequestAccepted => {
                        self.log.push("connected".into())
                    }
                    ClientSessionEvent::PublishRequestAccepted => {
                        self.log.push("publishing".into())
                    }
                    ClientSessionEvent::PlaybackRequestAccepted => self.log.push("playing".into()),
                    ClientSessionEvent::VideoDataReceived { timestamp, data } => {
                        self.frames.push((9, timestamp.value, data.to_vec()));
                    }
                    ClientSessionEvent::AudioDataReceived { timestamp, data } => {
                        self.frames.push((8, timestamp.value, data.to_vec()));
                    }
                    _ => {}
                },
                ClientSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
    }
}

#[test]
fn its_client_publishes_to_our_server() {
    let mut pair = TheirClient::connected();
    let kind = PublishRequestType::Live;
    let request = pair.session.request_publishing("key".to_owned(), kind).unwrap();
    pair.run(vec![request]);
    assert_eq!(pair.log, ["connected", "publishing"]);
    for (kind, timestamp, payload) in frames() {
        let (data, time) = (Bytes::from(payload), RtmpTimestamp::new(timestamp));
        let result = match kind {
            9 => pair.session.publish_video_data(data, time, false),
            _ => pair.session.publish_audio_data(data, time, false),
        };
        pair.run(vec![result.unwrap()]);
    }
    let end = pair.session.stop_publishing().unwrap();
    pair.run(end);
    assert_eq!(pair.ours.log, ["connect live", "publish key", "ended"]);
    assert_same(&pair.ours.frames);
}

#[test]
fn its_client_plays_from_our_server() {
    let mut pair = TheirClient::connected();
    let request = pair.session.request_playback("key".to_owned()).unwrap();
    pair.run(vec![request]);
    assert_eq!(pair.log, ["connected", "playing"]);
    let stream = pair.ours.plays.expect("it asked to play");
    for frame in frames() {
        pair.ours.server.send(stream, &message(frame));
    }
    let sent = pair.ours.server.take_output();
    let results = pair.session.handle_input(&sent).unwrap();
    pair.run(results);
    assert_same(&pair.frames);
}

/// Our client, joined with its server.
struct TheirServer {
    session: ServerSession,
    client: Client,
    events: Vec<client::Event>,
    frames: Vec<Frame>,
    log: Vec<String>,
    plays: Option<u32>,
}

impl TheirServer {
    fn connected(purpose: Purpose, form: Form) -> Self {
        let mut settings = client::Settings::new(purpose, "live", "rtmp://host/live", "key");
        settings.handshake = form;
        let mut client = Client::new([5; 32], settings);
        let mut handshake = Handshake::new(PeerType::Server);
        let mut to_client = handshake.generate_outbound_p0_and_p1().unwrap();
        let rest = loop {
            let (answer, done) = shake(&mut handshake, &client.take_output());
            to_client.extend(answer);
            if let Some(rest) = done {
                assert_eq!(client.next(&mut &to_client[..]), Ok(None));
                break rest;
            }
            assert_eq!(client.next(&mut &to_client[..]), Ok(None));
            to_client.clear();
        };
        let (session, first) = ServerSession::new(ServerSessionConfig::new()).unwrap();
        let (events, frames, log) = (Vec::new(), Vec::new(), Vec::new());
        let mut pair = Self { session, client, events, frames, log, plays: None };
        pair.run(first);
        let results = pair.session.handle_input(&rest).unwrap();
        pair.run(results);
        pair.pass();
        pair
    }

    /// Passes what our client has for it.
    fn pass(&mut self) {
        while self.client.has_output() {
            let out = self.client.take_output();
            let results = self.session.handle_input(&out).unwrap();
            self.run(results);
        }
    }

    fn run(&mut self, results: Vec<ServerSessionResult>) {
        let mut results = VecDeque::from(results);
        while let Some(result) = results.pop_front() {
            let event = match result {
                ServerSessionResult::OutboundResponse(packet) => {
                    let mut bytes = &packet.bytes[..];
                    while let Some(event) = self.client.next(&mut bytes).unwrap() {
                        self.events.push(event);
                    }
                    continue;
                }
                ServerSessionResult::RaisedEvent(event) => event,
                ServerSessionResult::UnhandleableMessageReceived(_) => continue,
            };
            let accepted = match event {
                ServerSessionEvent::ConnectionRequested { request_id, app_name } => {
                    self.log.push(format!("connect {app_name}"));
                    Some(request_id)
                }
                ServerSessionEvent::ReleaseStreamRequested { request_id, .. } => Some(request_id),
                ServerSessionEvent::PublishStreamRequested { request_id, stream_key, .. } => {
                    self.log.push(format!("publish {stream_key}"));
                    Some(request_id)
                }
                ServerSessionEvent::PlayStreamRequested {
                    request_id,
                    stream_key,
                    stream_id,
                    ..
                } => {
                    self.log.push(format!("play {stream_key}"));
                    self.plays = Some(stream_id);
                    Some(request_id)
                }
                ServerSessionEvent::VideoDataReceived { data, timestamp, .. } => {
                    self.frames.push((9, timestamp.value, data.to_vec()));
                    None
                }
                ServerSessionEvent::AudioDataReceived { data, timestamp, .. } => {
                    self.frames.push((8, timestamp.value, data.to_vec()));
                    None
                }
                ServerSessionEvent::PublishStreamFinished { .. } => {
                    self.log.push("ended".to_owned());
                    None
                }
                _ => None,
            };
            if let Some(request) = accepted {
                // Some requests it knows no answer to.
                results.extend(self.session.accept_request(request).unwrap_or_default());
            }
        }
    }
}

#[test]
fn our_client_publishes_to_its_server() {
    for form in [Form::Digest, Form::Simple] {
        let mut pair = TheirServer::connected(Purpose::Publish, form);
        assert_eq!(pair.client.stream(), Some(1), "{:?} {:?}", pair.log, pair.events);
        for frame in frames() {
            assert!(pair.client.send(&message(frame)));
        }
        pair.client.finish();
        pair.pass();
        assert_eq!(pair.log, ["connect live", "publish key", "ended"]);
        assert_same(&pair.frames);
    }
}

#[test]
fn our_client_plays_from_its_server() {
    let mut pair = TheirServer::connected(Purpose::Play, Form::Digest);
    let stream = pair.plays.expect("we asked to play");
    assert!(pair.events.contains(&client::Event::Started { stream }), "{:?}", pair.events);
    pair.events.clear();
    for (kind, timestamp, payload) in frames() {
        let (data, time) = (Bytes::from(payload), RtmpTimestamp::new(timestamp));
        let packet = match kind {
            9 => pair.session.send_video_data(stream, data, time, false),
            _ => pair.session.send_audio_data(stream, data, time, false),
        };
        pair.run(vec![ServerSessionResult::OutboundResponse(packet.unwrap())]);
    }
    let played: Vec<Frame> = pair
        .events
        .iter()
        .map(|event| match event {
            client::Event::Media(message) => frame(message),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_same(&played);
}
