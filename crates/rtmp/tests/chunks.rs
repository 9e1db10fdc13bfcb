//! Chunks, put together here from RTMP 1.0 §5.3 alone: every format, every length of a basic header,
//! messages among one another, both ways with extended timestamps.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use livegate_core::error::Coded;
use livegate_rtmp::Limits;
use livegate_rtmp::chunk::reader::Reader;
use livegate_rtmp::chunk::shared::Shared;
use livegate_rtmp::chunk::writer::{Headers, Writer};
use livegate_rtmp::chunk::{ChunkError, ChunkSize, ChunkStreamId};
use livegate_rtmp::message::{Kind, Message};
use proptest::prelude::*;

/// A peer's end: writes chunks with the headers that it is told to.
struct Peer {
    out: Vec<u8>,
    chunk_size: usize,
    /// Whether a chunk without a message header has an extended timestamp again.
    repeats: bool,
    last: BTreeMap<u32, Last>,
}

#[derive(Clone)]
struct Last {
    message: Message,
    /// What the last header with a timestamp said.
    field: u32,
    /// How much of the payload was sent.
    sent: usize,
}

impl Peer {
    fn new(repeats: bool) -> Self {
        Self { out: Vec::new(), chunk_size: 128, repeats, last: BTreeMap::new() }
    }

    fn basic(&mut self, format: u8, id: u32) {
        let first = format << 6;
        let [.., low] = id.to_be_bytes();
        match id {
            2..=63 => self.out.push(first | low),
            64..=319 => self.out.extend([first, u8::try_from(id - 64).unwrap()]),
            _ => {
                let rest = id - 64;
                let pair = [(rest % 256).try_into().unwrap(), (rest / 256).try_into().unwrap()];
                self.out.extend([first | 1, pair[0], pair[1]]);
            }
        }
    }

    fn begin(&mut self, id: u32, message: &Message, shortest: bool) {
        let last = self.last.get(&id);
        let delta = last.map(|last| message.timestamp.wrapping_sub(last.message.timestamp));
        let (format, field) = match (last, delta) {
            (Some(last), Some(delta)) if shortest && last.message.stream == message.stream => {
                let same = last.message.payload.len() == message.payload.len()
                    && last.message.kind == message.kind;
                match same {
                    true if last.field == delta => (3, delta),
                    true => (2, delta),
                    false => (1, delta),
                }
            }
            _ => (0, message.timestamp),
        };
        self.basic(format, id);
        let short = &field.min(0x00FF_FFFF).to_be_bytes()[1..];
        if format <= 2 {
            self.out.extend(short);
        }
        if format <= 1 {
            self.out.extend(&u32::try_from(message.payload.len()).unwrap().to_be_bytes()[1..]);
            self.out.push(message.kind.0);
        }
        if format == 0 {
            self.out.extend(message.stream.to_le_bytes());
        }
        if field >= 0x00FF_FFFF && (format < 3 || self.repeats) {
            self.out.extend(field.to_be_bytes());
        }
        self.last.insert(id, Last { message: message.clone(), field, sent: 0 });
        self.payload(id);
    }

    fn payload(&mut self, id: u32) {
        let last = self.last.get_mut(&id).unwrap();
        let end = last.message.payload.len().min(last.sent + self.chunk_size);
        self.out.extend(&last.message.payload[last.sent..end]);
        last.sent = end;
    }

    fn is_whole(&self, id: u32) -> bool {
        self.last.get(&id).is_none_or(|last| last.sent == last.message.payload.len())
    }

    fn go_on(&mut self, id: u32) {
        self.basic(3, id);
        let field = self.last[&id].field;
        if field >= 0x00FF_FFFF && self.repeats {
            self.out.extend(field.to_be_bytes());
        }
        self.payload(id);
    }

    /// A protocol control message with a full header.
    fn control(&mut self, kind: u8, word: u32) {
        self.out.extend([2, 0, 0, 0, 0, 0, 4, kind, 0, 0, 0, 0]);
        for (number, chunk) in word.to_be_bytes().chunks(self.chunk_size).enumerate() {
            if number > 0 {
                self.out.push(0xC2);
            }
            self.out.extend(chunk);
        }
    }
}

fn message(kind: u8, timestamp: u32, len: usize) -> Message {
    // No byte of a timestamp below is 0xEE, so that payload and timestamp cannot be taken for one
    // another.
    let payload = Bytes::from(vec![0xEE; len]);
    Message { kind: Kind(kind), timestamp, stream: 1, payload }
}

/// All messages, the bytes cut where `cuts` says.
fn read(bytes: &[u8], mut cuts: impl FnMut() -> usize) -> Result<Vec<Message>, ChunkError> {
    let mut reader = Reader::new(Limits::default());
    let mut messages = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mut piece, behind) = rest.split_at(cuts().clamp(1, rest.len()));
        while let Some(message) = reader.next(&mut piece)? {
            messages.push(message);
        }
        assert!(piece.is_empty());
        rest = behind;
    }
    assert_eq!(reader.buffered(), 0);
    Ok(messages)
}

fn whole(bytes: &[u8]) -> Result<Vec<Message>, ChunkError> {
    read(bytes, || usize::MAX)
}

#[derive(Clone, Debug)]
enum Step {
    /// On this chunk stream: a message if the last one is whole, or else its next chunk.
    Send {
        id: u32,
        kind: u8,
        stream: u32,
        later: u32,
        len: usize,
        shortest: bool,
    },
    ChunkSize(usize),
    /// The message under way on this chunk stream is given up.
    Abort(u32),
}

fn id() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![3_u32, 4, 63, 64, 319, 320, 65_599])
}

fn step() -> impl Strategy<Value = Step> {
    let later = prop::sample::select(vec![
        0_u32,
        20,
        23,
        0x00FF_FFFE,
        0x00FF_FFFF,
        0x0100_0000,
        0x0304_0506,
        u32::MAX,
    ]);
    let kind = prop::sample::select(vec![8_u8, 9, 18, 20]);
    let len = prop_oneof![Just(0_usize), Just(10), 0_usize..400];
    let send = (id(), kind, 1_u32..3, later, len, any::<bool>()).prop_map(
        |(id, kind, stream, later, len, shortest)| Step::Send {
            id,
            kind,
            stream,
            later,
            len,
            shortest,
        },
    );
    prop_oneof![
        20 => send,
        2 => (1_usize..300).prop_map(Step::ChunkSize),
        1 => id().prop_map(Step::Abort),
    ]
}

/// What a peer sends by these steps, and the messages in it.
fn play(steps: &[Step], repeats: bool) -> (Vec<u8>, Vec<Message>) {
    let mut peer = Peer::new(repeats);
    let mut expected = Vec::new();
    let mut note = |peer: &Peer, id: u32| {
        if peer.is_whole(id) {
            expected.push(peer.last[&id].message.clone());
        }
    };
    for step in steps {
        match *step {
            Step::Send { id, kind, stream, later, len, shortest } => {
                if peer.is_whole(id) {
                    let before = peer.last.get(&id).map_or(0, |last| last.message.timestamp);
                    let timestamp = before.wrapping_add(later);
                    let next = Message { stream, ..message(kind, timestamp, len) };
                    // 0xEE is the payload's.
                    let delta_is_payload = later >> 24 == 0xEE || timestamp >> 24 == 0xEE;
                    // Behind an empty message comes a header, and by chance it can begin with the very
                    // bytes of a timestamp that is not repeated: nobody could tell.
                    let is_plain = !delta_is_payload && len > 0;
                    peer.begin(id, &next, shortest && is_plain);
                } else {
                    peer.go_on(id);
                }
                note(&peer, id);
            }
            Step::ChunkSize(size) => {
                peer.control(1, u32::try_from(size).unwrap());
                peer.chunk_size = size;
            }
            Step::Abort(id) => {
                peer.control(2, id);
                if let Some(last) = peer.last.get_mut(&id) {
                    last.sent = last.message.payload.len();
                }
            }
        }
    }
    let ids: Vec<u32> = peer.last.keys().copied().collect();
    for id in ids {
        while !peer.is_whole(id) {
            peer.go_on(id);
            note(&peer, id);
        }
    }
    (peer.out, expected)
}

proptest! {
    #[test]
    fn every_message_comes_out_as_it_went_in(
        steps in prop::collection::vec(step(), 1..60),
        repeats: bool,
        cuts in prop::collection::vec(1_usize..60, 1..20),
    ) {
        let (bytes, expected) = play(&steps, repeats);
        prop_assert_eq!(&whole(&bytes).unwrap(), &expected);
        let mut cut = cuts.iter().cycle();
        prop_assert_eq!(&read(&bytes, || *cut.next().unwrap()).unwrap(), &expected);
        prop_assert_eq!(&read(&bytes, || 1).unwrap(), &expected);
    }

    #[test]
    fn what_is_written_is_read(
        drawn in prop::collection::vec((2_u32..400, 8_u8..23, any::<u32>(), 0_u32..3, 0_usize..500), 1..30),
        size in 1_u32..300,
        shortest: bool,
    ) {
        let size = ChunkSize::new(size).unwrap();
        let mut out = BytesMut::from(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..]);
        out.extend(size.bytes().to_be_bytes());
        let mut writer = Writer::new();
        writer.set_chunk_size(size);
        let headers = if shortest { Headers::Shortest } else { Headers::Full };
        let mut expected = Vec::new();
        for (id, kind, timestamp, stream, len) in drawn {
            let next = Message { stream, ..message(kind, timestamp, len) };
            writer.write(ChunkStreamId::new(id).unwrap(), &next, headers, &mut out);
            expected.push(next);
        }
        prop_assert_eq!(whole(&out).unwrap(), expected);
    }

    /// Whichever messages a connection leaves out, the others come whole.
    #[test]
    fn what_is_chunked_once_can_be_dropped(
        drawn in prop::collection::vec((8_u8..10, any::<u32>(), 0_usize..900, any::<bool>()), 1..20),
        size in 1_u32..300,
        stream: u32,
    ) {
        let size = ChunkSize::new(size).unwrap();
        let mut out = vec![2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
        out.extend(size.bytes().to_be_bytes());
        let mut expected = Vec::new();
        for (kind, timestamp, len, dropped) in drawn {
            let next = Message { stream, ..message(kind, timestamp, len) };
            let shared = Shared::new(&next, size);
            if !dropped {
                let head = shared.head(stream);
                out.extend(shared.pieces(&head, 0).flatten());
                expected.push(next);
            }
        }
        prop_assert_eq!(whole(&out).unwrap(), expected);
    }

    #[test]
    fn no_bytes_at_all_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 1_usize..40) {
        let all = whole_or_error(&bytes, usize::MAX);
        prop_assert_eq!(whole_or_error(&bytes, cut), all);
    }
}

fn whole_or_error(bytes: &[u8], cut: usize) -> (Vec<Message>, Option<ChunkError>) {
    let mut reader = Reader::new(Limits::default());
    let mut messages = Vec::new();
    for mut piece in bytes.chunks(cut.min(bytes.len().max(1))) {
        loop {
            match reader.next(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

/// A header of type 0 on chunk stream 4 with an extended timestamp, for audio of `len` bytes.
fn late(timestamp: u32, len: u8) -> Vec<u8> {
    let mut bytes = vec![4, 255, 255, 255, 0, 0, len, 8, 1, 0, 0, 0];
    bytes.extend(timestamp.to_be_bytes());
    bytes
}

#[test]
fn a_chunk_that_goes_on_may_repeat_the_extended_timestamp_or_not() {
    let payload = [0xAB; 200];
    for repeated in [&[][..], &[1, 2, 3, 4]] {
        let mut bytes = late(0x0102_0304, 200);
        bytes.extend(&payload[..128]);
        bytes.push(0xC4);
        bytes.extend(repeated);
        bytes.extend(&payload[128..]);
        for cut in 1..bytes.len() {
            let messages = read(&bytes, || cut).unwrap();
            assert_eq!(messages[0].payload, payload[..]);
            assert_eq!((messages.len(), messages[0].timestamp), (1, 0x0102_0304));
        }
    }
}

#[test]
fn payload_that_only_begins_like_the_timestamp_is_payload() {
    // The last two bytes of 130 are the timestamp's first two: the message ends with them, and what
    // follows begins the next chunk.
    let mut payload = [0xAB; 130];
    payload[128..].copy_from_slice(&[1, 2]);
    let mut bytes = late(0x0102_0304, 130);
    bytes.extend(&payload[..128]);
    bytes.extend([0xC4, 1, 2]);
    // Audio of one byte at time 7, on another chunk stream.
    bytes.extend([3, 0, 0, 7, 0, 0, 1, 8, 1, 0, 0, 0, 0xCD]);
    for cut in 1..bytes.len() {
        let messages = read(&bytes, || cut).unwrap();
        let told: Vec<_> = messages.iter().map(|m| (m.timestamp, &m.payload[..])).collect();
        assert_eq!(told, [(0x0102_0304, &payload[..]), (7, &[0xCD])]);
    }
}

#[test]
fn the_first_such_chunk_decides_for_all() {
    // It repeats; so that the second one's first bytes are no payload, whatever they are.
    let mut bytes = late(0x0102_0304, 255);
    bytes.extend([0xAB; 128]);
    bytes.extend([0xC4, 1, 2, 3, 4]);
    bytes.extend([0xAB; 127]);
    bytes.extend(late(0x0102_0305, 130));
    bytes.extend([0xAB; 128]);
    bytes.extend([0xC4, 9, 9, 9, 9, 0xAB, 0xAB]);
    let told: Vec<_> = whole(&bytes).unwrap().into_iter().map(|message| message.payload).collect();
    assert_eq!(told, [vec![0xAB; 255], vec![0xAB; 130]]);
}

#[test]
fn a_message_like_the_first_is_as_much_later_as_the_first_was() {
    // RTMP 1.0 §5.3.1.2.4: behind a header of type 0, its timestamp is the delta.
    let mut bytes = vec![4, 0, 0, 23, 0, 0, 1, 8, 1, 0, 0, 0, 0xAA];
    bytes.extend([0xC4, 0xBB, 0x84, 0, 0, 20, 0xCC, 0xC4, 0xDD]);
    let times: Vec<_> = whole(&bytes).unwrap().iter().map(|m| m.timestamp).collect();
    assert_eq!(times, [23, 46, 66, 86]);
}

#[test]
fn timestamps_wrap() {
    let mut bytes = late(0xFFFF_FFF0, 1);
    bytes.push(0xAA);
    bytes.extend([0x84, 0, 0, 0x20, 0xBB]);
    let times: Vec<_> = whole(&bytes).unwrap().iter().map(|m| m.timestamp).collect();
    assert_eq!(times, [0xFFFF_FFF0, 0x10]);
}

#[test]
fn a_stream_may_begin_without_its_message_stream() {
    let bytes = [0x44, 0, 0, 5, 0, 0, 1, 8, 0xAA];
    let first = &whole(&bytes).unwrap()[0];
    assert_eq!((first.timestamp, first.stream), (5, 0));
}

fn error(bytes: &[u8]) -> ChunkError {
    let once = whole_or_error(bytes, usize::MAX).1.expect("an error");
    assert_eq!(whole_or_error(bytes, 1).1, Some(once));
    once
}

#[test]
fn each_error_has_its_cause() {
    let control = |kind: u8, word: u32| {
        let mut peer = Peer::new(true);
        peer.control(kind, word);
        peer.out
    };
    let announce = |len: u32, id: u8| {
        let [_, l2, l1, l0] = len.to_be_bytes();
        vec![id, 0, 0, 0, l2, l1, l0, 9, 1, 0, 0, 0]
    };
    let mut interrupted = announce(200, 4);
    interrupted.extend([0; 128]);
    interrupted.extend(announce(5, 4));
    // The second waits for its first chunk's 128 bytes; there is no room for a third of 8 MiB.
    let mut gathered = announce(8 << 20, 3);
    gathered.extend([0; 128]);
    gathered.extend(announce(8 << 20, 4));
    let many: Vec<u8> = (0..=64).flat_map(|id| [0, id, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0]).collect();
    for (bytes, expected, code) in [
        (control(1, 0), ChunkError::Size { found: 0 }, "rtmp.chunk_size"),
        (control(1, 1 << 31), ChunkError::Size { found: 1 << 31 }, "rtmp.chunk_size"),
        (vec![0x84], ChunkError::WithoutHeader { stream: 4 }, "rtmp.chunk_without_header"),
        (vec![0xC5], ChunkError::WithoutHeader { stream: 5 }, "rtmp.chunk_without_header"),
        (interrupted, ChunkError::Interrupted { stream: 4 }, "rtmp.chunk_interrupted"),
        (many, ChunkError::Streams { limit: 64 }, "rtmp.chunk_streams"),
        (
            vec![2, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 0],
            ChunkError::ControlLength { kind: 1, len: 5 },
            "rtmp.chunk_control_length",
        ),
        (
            announce((8 << 20) + 1, 4),
            ChunkError::MessageTooLong { len: (8 << 20) + 1, limit: 8 << 20 },
            "rtmp.message_too_long",
        ),
        (gathered, ChunkError::Buffered { limit: 12 << 20 }, "rtmp.buffered"),
    ] {
        // Headers that say too little are known by their first byte, once the rest came.
        let mut bytes = bytes;
        bytes.extend([0; 11]);
        let found = error(&bytes);
        assert_eq!((found, found.code().as_str()), (expected, code));
    }
}

#[test]
fn what_was_aborted_leaves_room() {
    let mut reader = Reader::new(Limits::default());
    let mut peer = Peer::new(true);
    for round in 0..10 {
        peer.begin(4, &message(9, round, 8 << 20), false);
        peer.control(2, 4);
        peer.last.clear();
    }
    let mut input = &peer.out[..];
    assert_eq!(reader.next(&mut input), Ok(None));
    assert_eq!((reader.buffered(), input.len()), (0, 0));
}
