//! The fuzz targets' bodies: what must hold for any bytes at all. The first byte says how the others
//! are cut.

use alloc::vec::Vec;

use bytes::BytesMut;

use crate::Limits;
use crate::amf0::{self, Amf0Error};
use crate::chunk::reader::Reader;
use crate::chunk::shared::Shared;
use crate::chunk::writer::{Headers, Writer};
use crate::chunk::{ChunkError, ChunkSize, ChunkStreamId};
use crate::handshake::{Form, Handshake, HandshakeError, PACKET};
use crate::message::Message;
use crate::session::SessionError;
use crate::session::client::{self, Client, Purpose};
use crate::session::server::{self, Reason, Server};

const WHOLE: usize = usize::MAX / 2;

/// What one side says to the bytes, and how many it leaves.
fn shake(
    mut side: Handshake,
    bytes: &[u8],
    step: usize,
) -> (Vec<u8>, usize, Option<HandshakeError>) {
    let mut out = Vec::new();
    let mut left = bytes.len();
    for mut piece in bytes.chunks(step) {
        let before = piece.len();
        let error = side.read(&mut piece, &mut out).err();
        left -= before - piece.len();
        if error.is_some() || !piece.is_empty() {
            return (out, left, error);
        }
    }
    (out, left, None)
}

/// The handshake, as server and as client.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn handshake(data: &[u8]) {
    let Some((step, bytes)) = data.split_first() else { return };
    let step = usize::from(*step) + 1;
    let server = Handshake::server([0; 32]);
    let client = Handshake::client([0; 32], Form::Digest, &mut Vec::new());
    for (side, longest) in [(server, 1 + 2 * PACKET), (client, PACKET)] {
        let whole = shake(side.clone(), bytes, WHOLE);
        assert!(whole == shake(side, bytes, step), "how it is cut does not matter");
        assert!(whole.0.len() <= longest, "no more is said than the form has");
    }
}

fn messages(bytes: &[u8], step: usize) -> (Vec<Message>, Option<ChunkError>) {
    let mut reader = Reader::new(Limits::default());
    let mut messages = Vec::new();
    for mut piece in bytes.chunks(step) {
        loop {
            match reader.next(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
        assert!(piece.is_empty(), "all is taken");
        assert!(reader.buffered() <= Limits::default().buffered, "no more is gathered than may be");
    }
    (messages, None)
}

/// Chunks: read, written in every way, and read again.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn chunks(data: &[u8]) {
    let Some((step, bytes)) = data.split_first() else { return };
    let step = usize::from(*step) + 1;
    let (read, error) = messages(bytes, WHOLE);
    let again = messages(bytes, step);
    assert!(again.0 == read && again.1 == error, "how it is cut does not matter");
    let Ok(size) = ChunkSize::new(u32::try_from(step).unwrap_or(1)) else { return };
    // What was read may be a control message, which a reader takes for itself or refuses.
    let media: Vec<_> = read.into_iter().filter(|message| message.kind.0 > 6).collect();
    for headers in [Headers::Full, Headers::Shortest] {
        let mut out = announced(size);
        let mut writer = Writer::new();
        writer.set_chunk_size(size);
        for message in &media {
            let id = ChunkStreamId::new(2 + message.stream % 400).unwrap_or(ChunkStreamId::DATA);
            writer.write(id, message, headers, &mut out);
        }
        let again = messages(&out, step);
        let streams =
            again.1 == Some(ChunkError::Streams { limit: Limits::default().chunk_streams });
        assert!(streams || again.0 == media, "what is written is read");
    }
    let mut out = announced(size);
    for message in &media {
        let shared = Shared::new(message, size);
        let head = shared.head(message.stream);
        let before = out.len();
        out.extend(shared.pieces(&head, 0).flatten());
        assert!(out.len() - before == shared.wire_len(), "its length is known");
    }
    assert!(messages(&out, step).0 == media, "what is chunked once is read");
}

/// Set Chunk Size, in one chunk.
fn announced(size: ChunkSize) -> BytesMut {
    let mut out = BytesMut::from(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0][..]);
    out.extend_from_slice(&size.bytes().to_be_bytes());
    out
}

/// Bytes of the ends that arrays within one another can leave out where the message ends.
const ENDS: usize = 3 * (amf0::MAX_DEPTH + 1);

/// Values: what was written from what was read is read as the same.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn amf0(data: &[u8]) {
    // Compared as bytes: not every number equals itself.
    let write = |bytes: &[u8]| {
        let mut reader = amf0::Reader::new(bytes);
        let mut writer = amf0::Writer::new();
        let error = loop {
            match reader.next_value() {
                Ok(Some(value)) => {
                    writer.value(&value);
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        (writer.finish(), error)
    };
    let (once, error) = write(data);
    let (twice, none) = write(&once);
    assert!(once == twice, "what is written is read");
    assert!(none.is_none(), "and can be");
    assert!(
        once.len() <= data.len() + ENDS || matches!(error, Some(Amf0Error::Truncated { .. })),
        "no value grows but arrays without their ends"
    );
}

/// What a server makes of bytes. Whether it accepts, the bits of `policy` say in turn.
fn serve(bytes: &[u8], step: usize, policy: u8) -> (Vec<server::Event>, Option<SessionError>) {
    let mut session = Server::new([0; 32], server::Settings::default());
    let mut events = Vec::new();
    let mut publishing = Vec::new();
    let mut answers = 0;
    for mut piece in bytes.chunks(step) {
        loop {
            let event = match session.next(&mut piece) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    assert!(session.next(&mut piece) == Err(error), "an error stays");
                    return (events, Some(error));
                }
            };
            if session.is_waiting() {
                assert!(session.next(&mut piece) == Ok(None), "nothing is taken before an answer");
                let accepted = policy.rotate_right(answers) & 1 == 0;
                answers += 1;
                let answered = if accepted {
                    session.accept()
                } else {
                    session.refuse(Reason::NotAllowed, "no")
                };
                assert!(answered.is_ok(), "what waits can be answered");
                if let (server::Event::Publish(publish), true) = (&event, accepted) {
                    publishing.push(publish.stream);
                }
            }
            match &event {
                server::Event::Media(message) => {
                    assert!(publishing.contains(&message.stream), "no media before it is accepted");
                }
                server::Event::Ended { stream } => publishing.retain(|other| other != stream),
                _ => {}
            }
            events.push(event);
        }
        let most = server::Settings::default().limits.output;
        assert!(session.take_output().len() <= most + 4_096, "answers are bounded");
    }
    (events, None)
}

/// What a client makes of bytes.
fn play(bytes: &[u8], step: usize) -> (Vec<client::Event>, Option<SessionError>) {
    let settings = client::Settings::new(Purpose::Play, "app", "rtmp://host/app", "name");
    let mut session = Client::new([0; 32], settings);
    let mut events = Vec::new();
    for mut piece in bytes.chunks(step) {
        loop {
            match session.next(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        let _ = session.take_output();
    }
    (events, None)
}

/// Sessions, the bytes behind a handshake. The second byte says what a server accepts.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn session(data: &[u8]) {
    let [step, policy, bytes @ ..] = data else { return };
    let step = usize::from(*step) + 1;
    let mut all = Vec::from([3]);
    all.resize(1 + 2 * PACKET, 0);
    all.extend_from_slice(bytes);
    // Where bytes are cut, acknowledgements are too: of what is sent, only its bound is held.
    let whole = serve(&all, WHOLE, *policy);
    assert!(serve(&all, step, *policy) == whole, "how it is cut does not matter to a server");
    assert!(play(&all, step) == play(&all, WHOLE), "nor to a client");
}
