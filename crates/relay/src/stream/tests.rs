//! Taps that take their wish back while they are told something.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use livegate_core::layout::Picture;
use livegate_core::relay::lease::Feed;
use livegate_core::time::UnixMillis;
use livegate_rtmp::message::{Kind, Message};

use super::{Interest, Packet, Source, StreamKey, Streams, Tap, Wanted};

const NOW: UnixMillis = UnixMillis(1_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    There,
    Packet,
    Gone,
}

/// Writes down what it is told, and takes its wish back at one of these calls.
#[derive(Default)]
struct Leaver {
    at: Cell<Option<Call>>,
    interest: RefCell<Option<Interest>>,
    told: RefCell<Vec<Call>>,
}

impl Leaver {
    fn hears(&self, call: Call) {
        self.told.borrow_mut().push(call);
        if self.at.get() == Some(call) {
            self.interest.take();
        }
    }
}

impl Tap for Leaver {
    fn there(&self, _: &StreamKey, _: UnixMillis) {
        self.hears(Call::There);
    }

    fn packet(&self, _: &Packet, _: UnixMillis) {
        self.hears(Call::Packet);
    }

    fn pause(&self) {}

    fn gone(&self, _: UnixMillis) {
        self.hears(Call::Gone);
    }
}

fn begin(streams: &Streams, user: &str) -> Source {
    let (app, channel) = ("live".to_owned(), "room".to_owned());
    let key = StreamKey { app, channel, user: user.to_owned(), picture: Picture::Camera };
    streams.begin(key, Feed::Published, NOW).expect("nobody else has it")
}

fn packet() -> Packet {
    let payload = Bytes::from_static(&[0x17, 1, 0, 0, 0]);
    let message = Message { kind: Kind::VIDEO, timestamp: 0, stream: 1, payload };
    Packet::of(message).expect("video is part of a stream")
}

/// A tap that wants anybody's stream of the channel, until that call.
fn leaver(streams: &Streams, at: Option<Call>) -> Rc<Leaver> {
    let leaver = Rc::new(Leaver { at: Cell::new(at), ..Leaver::default() });
    let (app, channel) = ("live".to_owned(), "room".to_owned());
    let wanted = Wanted { app, channel, user: None, picture: Picture::Camera };
    let interest = streams.tap(wanted, Rc::clone(&leaver) as Rc<dyn Tap>, NOW);
    *leaver.interest.borrow_mut() = Some(interest);
    leaver
}

/// All that holds a tap but the test.
fn holders(leaver: &Rc<Leaver>) -> usize {
    Rc::strong_count(leaver) - 1
}

#[test]
fn a_tap_may_leave_whenever_it_is_told_something() {
    for at in [Call::There, Call::Packet, Call::Gone] {
        let streams = Streams::default();
        let leaver = leaver(&streams, Some(at));
        let staying = self::leaver(&streams, None);
        let source = begin(&streams, "ann");
        source.packet(&packet(), NOW);
        source.packet(&packet(), NOW);
        drop(source);
        let all = [Call::There, Call::Packet, Call::Packet, Call::Gone];
        assert_eq!(*staying.told.borrow(), all);
        let until = all.iter().position(|call| *call == at).unwrap();
        assert_eq!(*leaver.told.borrow(), all[..=until]);
        assert_eq!(holders(&leaver), 0, "{at:?}");
    }
}

#[test]
fn who_leaves_when_a_stream_ends_is_not_given_another() {
    let streams = Streams::default();
    let first = begin(&streams, "ann");
    let _second = begin(&streams, "ben");
    let leaver = leaver(&streams, Some(Call::Gone));
    let staying = self::leaver(&streams, None);
    drop(first);
    assert_eq!(*leaver.told.borrow(), [Call::There, Call::Gone]);
    assert_eq!(holders(&leaver), 0);
    assert_eq!(*staying.told.borrow(), [Call::There, Call::Gone, Call::There]);
}

#[test]
fn who_comes_late_begins_with_the_last_key_frame() {
    let streams = Streams::default();
    let source = begin(&streams, "ann");
    source.packet(&packet(), NOW);
    source.packet(&packet(), NOW);
    let late = leaver(&streams, None);
    assert_eq!(*late.told.borrow(), [Call::There, Call::Packet]);
    drop(source);
    assert_eq!(*late.told.borrow(), [Call::There, Call::Packet, Call::Gone]);
}
