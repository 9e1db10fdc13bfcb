//! A client that is written out by hand, to do what a good one does not.

use bytes::{Bytes, BytesMut};
use livegate_core::error::Coded;
use livegate_rtmp::amf0::{Value, Writer};
use livegate_rtmp::chunk::ChunkStreamId;
use livegate_rtmp::chunk::reader::Reader;
use livegate_rtmp::chunk::writer::{Headers, Writer as ChunkWriter};
use livegate_rtmp::handshake::{Form, Handshake};
use livegate_rtmp::message::control::Control;
use livegate_rtmp::message::{Kind, Message};
use livegate_rtmp::session::SessionError;
use livegate_rtmp::session::command::Command;
use livegate_rtmp::session::server::{Event, Server, Settings};
use livegate_rtmp::{Limits, session};

struct Hand {
    server: Server,
    chunks: ChunkWriter,
    answers: Reader,
}

fn command(
    stream: u32,
    name: &str,
    transaction: f64,
    object: &Value<'_>,
    arguments: &[Value<'_>],
) -> Message {
    let mut writer = Writer::new();
    writer.string(name).number(transaction).value(object);
    for argument in arguments {
        writer.value(argument);
    }
    Message { kind: Kind::COMMAND, timestamp: 0, stream, payload: writer.finish() }
}

fn text(text: &str) -> Value<'_> {
    Value::String(text.as_bytes())
}

fn connect() -> Message {
    let object =
        Value::Object(vec![(b"app", text("live")), (b"objectEncoding", Value::Number(3.0))]);
    command(0, "connect", 1.0, &object, &[])
}

fn plain(stream: u32, name: &str, arguments: &[Value<'_>]) -> Message {
    command(stream, name, 9.0, &Value::Null, arguments)
}

fn audio(stream: u32) -> Message {
    Message { kind: Kind::AUDIO, timestamp: 5, stream, payload: Bytes::from_static(b"\xAF\x01a") }
}

impl Hand {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let mut server = Server::new([2; 32], settings);
        let mut out = Vec::new();
        let mut handshake = Handshake::client([3; 32], Form::Simple, &mut out);
        let mut input = &out[..];
        assert_eq!(server.next(&mut input), Ok(None));
        let answer = server.take_output();
        let mut second = Vec::new();
        handshake.read(&mut &answer[..], &mut second).unwrap();
        assert_eq!(server.next(&mut &second[..]), Ok(None));
        assert!(server.is_established());
        Self { server, chunks: ChunkWriter::new(), answers: Reader::new(Limits::default()) }
    }

    fn connected() -> Self {
        let mut hand = Self::new();
        assert!(matches!(hand.send(&connect()), Ok(Some(Event::Connect(_)))));
        hand.server.accept().unwrap();
        hand
    }

    fn publishing() -> Self {
        let mut hand = Self::connected();
        assert_eq!(hand.send(&plain(0, "createStream", &[])), Ok(None));
        let event = hand.send(&plain(1, "publish", &[text("key"), text("live")]));
        assert!(matches!(event, Ok(Some(Event::Publish(_)))));
        hand.server.accept().unwrap();
        hand
    }

    /// What the server makes of a message.
    fn send(&mut self, message: &Message) -> Result<Option<Event>, SessionError> {
        let mut out = BytesMut::new();
        self.chunks.write(ChunkStreamId::COMMAND, message, Headers::Full, &mut out);
        self.server.next(&mut &out[..])
    }

    fn code(&mut self, message: &Message) -> &'static str {
        let error = self.send(message).expect_err("an error");
        // It stays.
        assert_eq!(self.server.next(&mut &b"more"[..]), Err(error));
        error.code().as_str()
    }

    /// The names of the commands that the server has sent, each with its transaction.
    fn answers(&mut self) -> Vec<(String, f64)> {
        let out = self.server.take_output();
        let mut input = &out[..];
        let mut names = Vec::new();
        while let Some(message) = self.answers.next(&mut input).unwrap() {
            if let Some(command) = Command::parse(&message).unwrap() {
                let name = String::from_utf8(command.name.to_vec()).unwrap();
                names.push((name, command.transaction));
            }
        }
        names
    }
}

#[test]
fn media_before_it_is_accepted_is_an_error() {
    assert_eq!(Hand::new().code(&audio(1)), "rtmp.not_publishing");
    assert_eq!(Hand::connected().code(&audio(1)), "rtmp.not_publishing");
    let mut hand = Hand::connected();
    hand.send(&plain(0, "createStream", &[])).unwrap();
    assert_eq!(hand.code(&audio(1)), "rtmp.not_publishing");
    let mut hand = Hand::publishing();
    assert_eq!(hand.code(&audio(0)), "rtmp.not_publishing");
}

#[test]
fn media_after_a_refusal_is_an_error() {
    let mut hand = Hand::connected();
    hand.send(&plain(0, "createStream", &[])).unwrap();
    hand.send(&plain(1, "publish", &[text("key")])).unwrap();
    hand.server.refuse(session::server::Reason::NotAllowed, "no").unwrap();
    assert_eq!(hand.code(&audio(1)), "rtmp.not_publishing");
}

#[test]
fn media_after_the_end_is_an_error() {
    for end in [
        plain(0, "deleteStream", &[Value::Number(1.0)]),
        plain(1, "closeStream", &[]),
        plain(0, "FCUnpublish", &[text("key")]),
    ] {
        let mut hand = Hand::publishing();
        assert_eq!(hand.send(&audio(1)), Ok(Some(Event::Media(audio(1)))));
        assert_eq!(hand.send(&end), Ok(Some(Event::Ended { stream: 1 })));
        assert_eq!(hand.code(&audio(1)), "rtmp.not_publishing");
    }
}

#[test]
fn commands_out_of_their_order_are_errors() {
    assert_eq!(Hand::new().code(&plain(0, "createStream", &[])), "rtmp.command_order");
    assert_eq!(Hand::connected().code(&connect()), "rtmp.command_order");
    let publish = |stream| plain(stream, "publish", &[text("key")]);
    assert_eq!(Hand::connected().code(&publish(1)), "rtmp.command_order");
    assert_eq!(Hand::publishing().code(&publish(1)), "rtmp.command_order");
    assert_eq!(Hand::publishing().code(&publish(0)), "rtmp.command_order");
    assert_eq!(Hand::publishing().code(&plain(1, "play", &[text("key")])), "rtmp.command_order");
}

#[test]
fn commands_without_what_they_need_are_errors() {
    let nothing = command(0, "connect", 1.0, &Value::Null, &[]);
    assert_eq!(Hand::new().code(&nothing), "rtmp.command_malformed");
    for name in ["publish", "play"] {
        let mut hand = Hand::connected();
        hand.send(&plain(0, "createStream", &[])).unwrap();
        assert_eq!(hand.code(&plain(1, name, &[Value::Null])), "rtmp.command_malformed");
    }
    let cut = Message { payload: connect().payload.slice(..30), ..connect() };
    assert_eq!(Hand::new().code(&cut), "rtmp.amf0_truncated");
}

#[test]
fn streams_and_messages_are_bounded() {
    let mut hand = Hand::connected();
    for _ in 0..8 {
        hand.send(&plain(0, "createStream", &[])).unwrap();
    }
    assert_eq!(hand.code(&plain(0, "createStream", &[])), "rtmp.streams");
    // 64 KiB while nothing is published, more then.
    let long = |stream| Message { payload: vec![0; 65_537].into(), ..audio(stream) };
    assert_eq!(Hand::connected().code(&long(1)), "rtmp.message_too_long");
    let event = Hand::publishing().send(&long(1));
    assert!(matches!(event, Ok(Some(Event::Media(_)))));
}

#[test]
fn who_asks_and_does_not_read_is_cut_off() {
    let mut settings = Settings::default();
    settings.limits.output = 4_000;
    let mut hand = Hand::with(settings);
    let ping = Control::PingRequest(1).to_message();
    // An answer has 12 + 6 bytes: 4,000 is passed with the 223rd.
    for _ in 0..222 {
        assert_eq!(hand.send(&ping), Ok(None));
    }
    assert_eq!(hand.code(&ping), "rtmp.output");
}

#[test]
fn an_answer_without_a_question_is_an_error() {
    let mut hand = Hand::connected();
    let error = hand.server.accept().unwrap_err();
    assert_eq!(error.code().as_str(), "rtmp.no_request");
    assert_eq!(hand.send(&plain(0, "createStream", &[])), Ok(None));
}

#[test]
fn commands_that_nothing_depends_on_are_answered() {
    let mut hand = Hand::connected();
    hand.answers();
    for name in ["releaseStream", "FCPublish", "getStreamLength", "_checkbw", "FCSubscribe"] {
        assert_eq!(hand.send(&plain(0, name, &[text("key")])), Ok(None));
        assert_eq!(hand.answers(), [("_result".to_owned(), 9.0)], "{name}");
    }
    assert_eq!(hand.send(&plain(0, "whatever", &[])), Ok(None));
    assert_eq!(hand.answers(), [("_error".to_owned(), 9.0)]);
    let unasked = command(0, "whatever", 0.0, &Value::Null, &[]);
    assert_eq!(hand.send(&unasked), Ok(None));
    assert!(hand.answers().is_empty());
}

#[test]
fn who_asked_for_fc_publish_is_told() {
    let mut hand = Hand::connected();
    hand.send(&plain(0, "FCPublish", &[text("key")])).unwrap();
    hand.send(&plain(0, "createStream", &[])).unwrap();
    hand.send(&plain(1, "publish", &[text("key")])).unwrap();
    hand.answers();
    hand.server.accept().unwrap();
    assert_eq!(hand.answers(), [("onFCPublish".to_owned(), 0.0), ("onStatus".to_owned(), 0.0)]);
}

#[test]
fn an_aggregate_comes_as_what_it_holds() {
    // Audio at 100 and video at 140: the aggregate says 1,000.
    let body = b"\x08\0\0\x01\0\0\x64\0\0\0\0a\0\0\0\x0C\x09\0\0\x01\0\0\x8C\0\0\0\0v\0\0\0\x0C";
    let payload = Bytes::from_static(body);
    let aggregate = Message { kind: Kind::AGGREGATE, timestamp: 1_000, stream: 1, payload };
    let mut hand = Hand::publishing();
    let mut told = Vec::new();
    let mut event = hand.send(&aggregate);
    while let Ok(Some(Event::Media(message))) = event {
        told.push((message.kind.0, message.timestamp, message.stream, message.payload.to_vec()));
        event = hand.server.next(&mut &[][..]);
    }
    assert_eq!(event, Ok(None));
    assert_eq!(told, [(8, 1_000, 1, b"a".to_vec()), (9, 1_040, 1, b"v".to_vec())]);
    let mut hand = Hand::publishing();
    let cut = Message { payload: Bytes::from_static(&body[..5]), ..aggregate };
    assert_eq!(hand.code(&cut), "rtmp.aggregate");
    assert_eq!(Hand::connected().code(&Message { stream: 1, ..audio(1) }), "rtmp.not_publishing");
}

#[test]
fn amf3_is_read_and_answered_in_amf0() {
    let mut hand = Hand::new();
    let amf0 = connect();
    let payload = [&[0], &amf0.payload[..]].concat();
    let amf3 = Message { kind: Kind::COMMAND_AMF3, payload: payload.into(), ..amf0 };
    let Ok(Some(Event::Connect(connect))) = hand.send(&amf3) else { panic!("no connect") };
    assert!(connect.amf3);
    hand.server.accept().unwrap();
    assert_eq!(hand.answers(), [("_result".to_owned(), 1.0)]);
}

#[test]
fn a_player_pauses_and_leaves() {
    let mut hand = Hand::connected();
    hand.send(&plain(0, "createStream", &[])).unwrap();
    let event = hand.send(&plain(1, "play", &[text("name"), Value::Number(-1.0)]));
    let Ok(Some(Event::Play(play))) = event else { panic!("{event:?}") };
    assert_eq!((&play.name[..], play.start), ("name", -1.0));
    hand.server.accept().unwrap();
    hand.answers();
    let pause = plain(1, "pause", &[Value::Boolean(true), Value::Number(0.0)]);
    assert_eq!(hand.send(&pause), Ok(Some(Event::Pause { stream: 1, paused: true })));
    assert_eq!(hand.answers(), [("onStatus".to_owned(), 0.0)]);
    assert_eq!(hand.code(&audio(1)), "rtmp.not_publishing");
}
