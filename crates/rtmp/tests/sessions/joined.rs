//! A client and a server, their bytes passed in pieces of any size.

use bytes::Bytes;
use livegate_core::error::Coded;
use livegate_rtmp::chunk::shared::Shared;
use livegate_rtmp::handshake::Form;
use livegate_rtmp::message::{Kind, Message};
use livegate_rtmp::session::client::{self, Client, Purpose};
use livegate_rtmp::session::connect::{CAN_FORWARD, Capabilities};
use livegate_rtmp::session::server::{self, Reason, Server};

/// What the server's caller does with requests.
#[derive(Clone, Copy, PartialEq)]
enum Policy {
    Accept,
    RefuseConnect,
    RefuseStream(Reason),
}

struct Pair {
    client: Client,
    server: Server,
    policy: Policy,
    /// How many bytes pass at a time.
    step: usize,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
    client_events: Vec<client::Event>,
    server_events: Vec<server::Event>,
}

fn settings(purpose: Purpose) -> client::Settings {
    client::Settings::new(purpose, "live", "rtmp://host/live", "key?token=t0p")
}

impl Pair {
    fn new(settings: client::Settings, policy: Policy, step: usize) -> Self {
        let client = Client::new([1; 32], settings);
        let server = Server::new([2; 32], server::Settings::default());
        let (to_client, to_server) = (Vec::new(), Vec::new());
        let (client_events, server_events) = (Vec::new(), Vec::new());
        Self { client, server, policy, step, to_client, to_server, client_events, server_events }
    }

    /// Passes bytes both ways until nothing is left.
    fn run(&mut self) {
        loop {
            self.to_server.extend(self.client.take_output());
            self.to_client.extend(self.server.take_output());
            if self.to_server.is_empty() && self.to_client.is_empty() {
                return;
            }
            let piece: Vec<u8> =
                self.to_server.drain(..self.to_server.len().min(self.step)).collect();
            let mut input = &piece[..];
            while let Some(event) = self.server.next(&mut input).unwrap() {
                self.answer(&event);
                self.server_events.push(event);
            }
            assert!(input.is_empty());
            let piece: Vec<u8> =
                self.to_client.drain(..self.to_client.len().min(self.step)).collect();
            let mut input = &piece[..];
            while let Some(event) = self.client.next(&mut input).unwrap() {
                self.client_events.push(event);
            }
            assert!(input.is_empty());
        }
    }

    fn answer(&mut self, event: &server::Event) {
        let policy = self.policy;
        let server = &mut self.server;
        match (event, policy) {
            (server::Event::Connect(_), Policy::RefuseConnect) => {
                server.refuse(Reason::NotFound, "no such application").unwrap();
            }
            (server::Event::Publish(_) | server::Event::Play(_), Policy::RefuseStream(reason)) => {
                server.refuse(reason, "key is taken by t0p").unwrap();
            }
            (server::Event::Connect(_) | server::Event::Publish(_) | server::Event::Play(_), _) => {
                assert!(server.is_waiting());
                server.accept().unwrap();
                assert!(!server.is_waiting());
            }
            _ => {}
        }
    }
}

fn media(kind: Kind, timestamp: u32, len: usize) -> Message {
    let payload = Bytes::from((0..=255).cycle().take(len).collect::<Vec<u8>>());
    Message { kind, timestamp, stream: 0, payload }
}

/// More than one chunk of 60,000 bytes, and late enough for an extended timestamp.
fn some_media() -> Vec<Message> {
    vec![
        media(Kind::DATA, 0, 300),
        media(Kind::VIDEO, 0, 40),
        media(Kind::AUDIO, 23, 341),
        media(Kind::VIDEO, 40, 130_000),
        media(Kind::VIDEO, 0x0100_0000, 130_000),
        media(Kind::AUDIO, u32::MAX, 0),
    ]
}

fn on(stream: u32, messages: &[Message]) -> Vec<Message> {
    messages.iter().map(|message| Message { stream, ..message.clone() }).collect()
}

#[test]
fn what_is_published_arrives_however_bytes_are_cut() {
    for (form, fc_commands, step) in [
        (Form::Digest, true, usize::MAX),
        (Form::Digest, false, 1),
        (Form::Simple, true, 7),
        (Form::Simple, false, 4_096),
    ] {
        let mut settings = settings(Purpose::Publish);
        (settings.handshake, settings.fc_commands) = (form, fc_commands);
        let mut pair = Pair::new(settings, Policy::Accept, step);
        pair.run();
        assert_eq!(pair.client.stream(), Some(1));
        for message in some_media() {
            assert!(pair.client.send(&message));
        }
        pair.client.finish();
        pair.run();
        let events = &pair.server_events[..];
        let [server::Event::Connect(connect), server::Event::Publish(publish), rest @ ..] = events
        else {
            panic!("{events:?}");
        };
        assert_eq!((&connect.app[..], &connect.tc_url[..]), ("live", "rtmp://host/live"));
        assert_eq!(connect.capabilities.video, [("*".to_owned(), CAN_FORWARD)]);
        assert_eq!((&publish.name[..], &publish.kind[..]), ("key?token=t0p", "live"));
        let mut expected: Vec<_> =
            on(1, &some_media()).into_iter().map(server::Event::Media).collect();
        expected.push(server::Event::Ended { stream: 1 });
        assert_eq!(rest, expected);
        let told = [
            client::Event::Connected(Capabilities::forwarding()),
            client::Event::Started { stream: 1 },
        ];
        assert_eq!(pair.client_events[..2], told);
    }
}

#[test]
fn a_client_without_enhanced_rtmp_is_told_nothing_of_it() {
    let mut settings = settings(Purpose::Publish);
    settings.capabilities = Capabilities::default();
    let mut pair = Pair::new(settings, Policy::Accept, usize::MAX);
    pair.run();
    assert_eq!(pair.client_events[0], client::Event::Connected(Capabilities::default()));
}

#[test]
fn what_is_chunked_once_is_played_by_all() {
    for step in [usize::MAX, 13] {
        let mut pairs: Vec<_> =
            (0..3).map(|_| Pair::new(settings(Purpose::Play), Policy::Accept, step)).collect();
        for pair in &mut pairs {
            pair.run();
            assert_eq!(pair.client_events.last(), Some(&client::Event::Started { stream: 1 }));
            pair.client_events.clear();
        }
        for message in some_media() {
            let shared = Shared::new(&message, pairs[0].server.chunk_size());
            for pair in &mut pairs {
                let head = shared.head(1);
                pair.to_client.extend(shared.pieces(&head, 0).flatten());
                pair.server.count_sent(shared.wire_len());
            }
        }
        for pair in &mut pairs {
            pair.run();
            pair.server.end(1);
            pair.run();
            let (played, ended) = pair.client_events.split_at(some_media().len());
            let expected: Vec<_> =
                on(1, &some_media()).into_iter().map(client::Event::Media).collect();
            assert_eq!(played, expected);
            assert!(matches!(&ended[0], client::Event::Ended(_)), "{ended:?}");
        }
    }
}

#[test]
fn a_refusal_says_at_what_and_hides_what_it_quotes() {
    for (purpose, policy, code, status) in [
        (
            Purpose::Publish,
            Policy::RefuseConnect,
            "rtmp.refused_connect",
            "NetConnection.Connect.InvalidApp",
        ),
        (
            Purpose::Publish,
            Policy::RefuseStream(Reason::InUse),
            "rtmp.refused_publish",
            "NetStream.Publish.BadName",
        ),
        (
            Purpose::Publish,
            Policy::RefuseStream(Reason::NotAllowed),
            "rtmp.refused_publish",
            "NetStream.Publish.Denied",
        ),
        (
            Purpose::Play,
            Policy::RefuseStream(Reason::NotFound),
            "rtmp.refused_play",
            "NetStream.Play.StreamNotFound",
        ),
    ] {
        let mut pair = Pair::new(settings(purpose), policy, usize::MAX);
        pair.run();
        let Some(client::Event::Refused(refusal)) = pair.client_events.last() else {
            panic!("{:?}", pair.client_events);
        };
        assert_eq!((refusal.code().as_str(), &refusal.status.code[..]), (code, status));
        assert!(!format!("{refusal} {refusal:?}").contains("t0p"));
        assert!(!pair.client.send(&media(Kind::AUDIO, 0, 1)));
    }
}

#[test]
fn nothing_is_taken_while_a_request_waits() {
    let mut client = Client::new([1; 32], settings(Purpose::Publish));
    let mut server = Server::new([2; 32], server::Settings::default());
    let mut to_server = client.take_output().to_vec();
    let mut input = &to_server[..];
    assert_eq!(server.next(&mut input), Ok(None));
    let answer = server.take_output();
    assert_eq!(client.next(&mut &answer[..]), Ok(None));
    to_server = client.take_output().to_vec();
    let mut input = &to_server[..];
    assert!(matches!(server.next(&mut input), Ok(Some(server::Event::Connect(_)))));
    let mut more: &[u8] = b"whatever comes now";
    assert_eq!(server.next(&mut more), Ok(None));
    assert_eq!(more, b"whatever comes now");
}

#[test]
fn both_sides_know_what_is_under_way() {
    let mut settings = settings(Purpose::Publish);
    settings.window = 10_000;
    let mut pair = Pair::new(settings, Policy::Accept, 1_000);
    pair.run();
    for _ in 0..100 {
        pair.client.send(&media(Kind::VIDEO, 0, 1_000));
    }
    assert!(pair.client.flow().unacknowledged() >= 100_000);
    pair.run();
    let flow = *pair.client.flow();
    // It is told after each 10,000 bytes, and bytes pass 1,000 at a time.
    assert!(flow.unacknowledged() < 11_000, "{flow:?}");
    assert!(flow.acknowledgements() >= 9, "{flow:?}");
    assert_eq!(flow.sent(), pair.server.received());
}

#[test]
fn a_ping_comes_back() {
    let mut pair = Pair::new(settings(Purpose::Publish), Policy::Accept, 5);
    pair.run();
    pair.server.ping(77);
    pair.client.ping(78);
    pair.run();
    assert_eq!(pair.server_events.last(), Some(&server::Event::Pong(77)));
    assert_eq!(pair.client_events.last(), Some(&client::Event::Pong(78)));
}

#[test]
fn a_publisher_that_is_cut_off_hears_so() {
    let mut pair = Pair::new(settings(Purpose::Publish), Policy::Accept, usize::MAX);
    pair.run();
    pair.server.end(1);
    pair.run();
    let last = pair.client_events.last();
    assert!(matches!(last, Some(client::Event::Refused(_))), "{last:?}");
    let late = media(Kind::AUDIO, 5, 1);
    assert!(!pair.client.send(&late));
}

#[test]
fn secrets_are_in_no_debug() {
    let mut pair = Pair::new(settings(Purpose::Publish), Policy::Accept, usize::MAX);
    pair.run();
    // What waits to be sent, and what has come in part, are not shown either.
    pair.client.finish();
    let out = pair.client.take_output();
    pair.server.next(&mut &out[..out.len() / 2]).unwrap();
    pair.client = Client::new([1; 32], settings(Purpose::Publish));
    pair.client.next(&mut &[3; 3_073][..]).unwrap();
    for text in [
        format!("{:?}", pair.server_events),
        format!("{:?}", pair.client),
        format!("{:?}", pair.server),
    ] {
        assert!(!text.contains("t0p") && !text.contains("key"), "{text}");
    }
}
