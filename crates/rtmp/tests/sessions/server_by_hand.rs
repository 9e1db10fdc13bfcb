//! A server that is written out by hand, to do what servers do beside the usual.

use bytes::{Bytes, BytesMut};
use livegate_core::error::Coded;
use livegate_rtmp::Limits;
use livegate_rtmp::amf0::{Value, Writer};
use livegate_rtmp::chunk::ChunkStreamId;
use livegate_rtmp::chunk::reader::Reader;
use livegate_rtmp::chunk::writer::{Headers, Writer as ChunkWriter};
use livegate_rtmp::handshake::Handshake;
use livegate_rtmp::message::control::{BandwidthLimit, Control};
use livegate_rtmp::message::{Kind, Message};
use livegate_rtmp::session::SessionError;
use livegate_rtmp::session::client::{Client, Event, Purpose, Settings, Stage};
use livegate_rtmp::session::command::Command;
use livegate_rtmp::session::connect::MULTITRACK;

struct Hand {
    client: Client,
    chunks: ChunkWriter,
    said: Reader,
}

fn command(stream: u32, name: &str, transaction: f64, values: &[Value<'_>]) -> Message {
    let mut writer = Writer::new();
    writer.string(name).number(transaction);
    for value in values {
        writer.value(value);
    }
    Message { kind: Kind::COMMAND, timestamp: 0, stream, payload: writer.finish() }
}

fn info<'a>(level: &'a str, code: &'a str, description: &'a str) -> Value<'a> {
    let text = |text: &'a str| Value::String(text.as_bytes());
    Value::Object(vec![
        (b"level", text(level)),
        (b"code", text(code)),
        (b"description", text(description)),
    ])
}

fn status<'a>(level: &'a str, code: &'a str) -> Message {
    command(7, "onStatus", 0.0, &[Value::Null, info(level, code, "of t0p")])
}

impl Hand {
    fn new(purpose: Purpose) -> Self {
        let settings = Settings::new(purpose, "live", "rtmp://host/live", "t0p");
        let mut client = Client::new([1; 32], settings);
        let mut answer = Vec::new();
        let mut handshake = Handshake::server([2; 32]);
        handshake.read(&mut &client.take_output()[..], &mut answer).unwrap();
        assert_eq!(client.next(&mut &answer[..]), Ok(None));
        let said = client.take_output();
        let mut rest = &said[..];
        handshake.read(&mut rest, &mut answer).unwrap();
        assert!(handshake.is_done());
        let mut hand =
            Self { client, chunks: ChunkWriter::new(), said: Reader::new(Limits::default()) };
        assert_eq!(hand.read(rest), ["connect"]);
        hand
    }

    /// Connected, with message stream 7 created.
    fn with_stream(purpose: Purpose) -> Self {
        let mut hand = Self::new(purpose);
        let success = info("status", "NetConnection.Connect.Success", "");
        let event = hand.send(&command(0, "_result", 1.0, &[Value::Null, success]));
        assert!(matches!(event, Ok(Some(Event::Connected(_)))));
        hand.said();
        let created = command(0, "_result", 4.0, &[Value::Null, Value::Number(7.0)]);
        assert_eq!(hand.send(&created), Ok(None));
        hand
    }

    fn started(purpose: Purpose) -> Self {
        let mut hand = Self::with_stream(purpose);
        let code = match purpose {
            Purpose::Publish => "NetStream.Publish.Start",
            Purpose::Play => "NetStream.Play.Start",
        };
        assert_eq!(hand.send(&status("status", code)), Ok(Some(Event::Started { stream: 7 })));
        hand.said();
        hand
    }

    fn send(&mut self, message: &Message) -> Result<Option<Event>, SessionError> {
        let mut out = BytesMut::new();
        self.chunks.write(ChunkStreamId::COMMAND, message, Headers::Full, &mut out);
        self.client.next(&mut &out[..])
    }

    /// The names of the commands in what the client has sent.
    fn said(&mut self) -> Vec<String> {
        let out = self.client.take_output();
        self.read(&out)
    }

    fn read(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(message) = self.said.next(&mut bytes).unwrap() {
            if let Some(command) = Command::parse(&message).unwrap() {
                names.push(String::from_utf8(command.name.to_vec()).unwrap());
            }
        }
        names
    }

    /// The stage, the code and the server's own code of a refusal.
    fn refused(&mut self, message: &Message) -> (Stage, &'static str, String) {
        let event = self.send(message);
        let Ok(Some(Event::Refused(refusal))) = event else { panic!("{event:?}") };
        // Nothing follows, whatever comes.
        let start = status("status", "NetStream.Publish.Start");
        assert_eq!(self.send(&start), Ok(None));
        assert_eq!(self.client.stream(), None);
        (refusal.stage, refusal.code().as_str(), refusal.status.code)
    }
}

#[test]
fn a_server_may_refuse_at_every_stage() {
    let error = |transaction, code| {
        command(0, "_error", transaction, &[Value::Null, info("error", code, "t0p")])
    };
    let rejected = "NetConnection.Connect.Rejected";
    assert_eq!(
        Hand::new(Purpose::Publish).refused(&error(1.0, rejected)),
        (Stage::Connect, "rtmp.refused_connect", rejected.to_owned())
    );
    let mut hand = Hand::new(Purpose::Publish);
    let success = info("status", "NetConnection.Connect.Success", "");
    hand.send(&command(0, "_result", 1.0, &[Value::Null, success])).unwrap();
    assert_eq!(
        hand.refused(&error(4.0, "NetConnection.Call.Failed")),
        (Stage::CreateStream, "rtmp.refused_create_stream", "NetConnection.Call.Failed".to_owned())
    );
    let bad_name = "NetStream.Publish.BadName";
    assert_eq!(
        Hand::with_stream(Purpose::Publish).refused(&status("error", bad_name)),
        (Stage::Publish, "rtmp.refused_publish", bad_name.to_owned())
    );
    let not_found = "NetStream.Play.StreamNotFound";
    assert_eq!(
        Hand::with_stream(Purpose::Play).refused(&status("error", not_found)),
        (Stage::Play, "rtmp.refused_play", not_found.to_owned())
    );
    assert_eq!(
        Hand::with_stream(Purpose::Publish).refused(&error(5.0, bad_name)),
        (Stage::Publish, "rtmp.refused_publish", bad_name.to_owned())
    );
}

#[test]
fn a_server_may_refuse_after_it_has_accepted() {
    let mut hand = Hand::started(Purpose::Publish);
    let audio = Message { kind: Kind::AUDIO, ..status("", "") };
    assert!(hand.client.send(&audio));
    let (stage, code, _) = hand.refused(&status("error", "NetStream.Publish.Rejected"));
    assert_eq!((stage, code), (Stage::Publish, "rtmp.refused_publish"));
    assert!(!hand.client.send(&audio));
}

#[test]
fn errors_of_commands_that_nothing_depends_on_are_passed_over() {
    let mut hand = Hand::new(Purpose::Publish);
    let success = info("status", "NetConnection.Connect.Success", "");
    hand.send(&command(0, "_result", 1.0, &[Value::Null, success])).unwrap();
    let said = ["releaseStream", "FCPublish", "createStream"];
    assert_eq!(hand.said(), said);
    for transaction in [2.0, 3.0] {
        let failed = info("error", "NetConnection.Call.Failed", "");
        let error = command(0, "_error", transaction, &[Value::Null, failed]);
        assert_eq!(hand.send(&error), Ok(None));
    }
    for announced in ["onBWDone", "onFCPublish"] {
        assert_eq!(hand.send(&command(0, announced, 0.0, &[Value::Null])), Ok(None));
    }
    let created = command(0, "_result", 4.0, &[Value::Null, Value::Number(7.0)]);
    assert_eq!(hand.send(&created), Ok(None));
    assert_eq!(hand.said(), ["publish"]);
}

#[test]
fn a_stream_without_its_number_is_an_error() {
    for number in [Value::Null, Value::Number(1.5), Value::Number(-1.0)] {
        let mut hand = Hand::new(Purpose::Play);
        hand.send(&command(0, "_result", 1.0, &[Value::Null])).unwrap();
        let created = command(0, "_result", 4.0, &[Value::Null, number]);
        let error = hand.send(&created).unwrap_err();
        assert_eq!(error.code().as_str(), "rtmp.command_malformed");
    }
}

#[test]
fn capabilities_are_read_from_either_object() {
    let told = || Value::Object(vec![(b"capsEx", Value::Number(f64::from(MULTITRACK)))]);
    for values in [[Value::Null, told()], [told(), info("status", "", "")]] {
        let event = Hand::new(Purpose::Publish).send(&command(0, "_result", 1.0, &values));
        let Ok(Some(Event::Connected(caps))) = event else { panic!("{event:?}") };
        assert_eq!(caps.caps_ex, MULTITRACK);
    }
}

#[test]
fn a_player_is_told_of_the_end_in_every_way() {
    for (message, expected) in [
        (Control::StreamEof(7).to_message(), "StreamEOF"),
        (status("status", "NetStream.Play.UnpublishNotify"), "NetStream.Play.UnpublishNotify"),
        (status("status", "NetStream.Play.Stop"), "NetStream.Play.Stop"),
        (status("status", "NetStream.Play.Complete"), "NetStream.Play.Complete"),
    ] {
        let event = Hand::started(Purpose::Play).send(&message);
        let Ok(Some(Event::Ended(status))) = event else { panic!("{event:?}") };
        assert_eq!(status.code, expected);
    }
    // Of another message stream.
    let other = Control::StreamEof(8).to_message();
    assert_eq!(Hand::started(Purpose::Play).send(&other), Ok(None));
}

#[test]
fn media_of_another_stream_is_no_event() {
    let media = |stream| Message {
        kind: Kind::VIDEO,
        timestamp: 5,
        stream,
        payload: Bytes::from_static(b"\x17\x01"),
    };
    let mut hand = Hand::started(Purpose::Play);
    assert_eq!(hand.send(&media(8)), Ok(None));
    assert_eq!(hand.send(&media(7)), Ok(Some(Event::Media(media(7)))));
    // A publisher wants none.
    assert_eq!(Hand::started(Purpose::Publish).send(&media(7)), Ok(None));
}

#[test]
fn other_news_are_told_and_change_nothing() {
    let mut hand = Hand::started(Purpose::Publish);
    let event = hand.send(&status("status", "NetConnection.Connect.ReconnectRequest"));
    let Ok(Some(Event::Status(told))) = event else { panic!("{event:?}") };
    assert_eq!(told.code, "NetConnection.Connect.ReconnectRequest");
    let bandwidth = Control::PeerBandwidth(1_000, BandwidthLimit::Hard).to_message();
    assert_eq!(hand.send(&bandwidth), Ok(None));
    assert_eq!(hand.client.stream(), Some(7));
    hand.client.finish();
    assert_eq!(hand.said(), ["FCUnpublish", "deleteStream"]);
}
