//! Messages and streams against `vectors/sei`, which `make_sei.py` makes by a plain model, ffmpeg and
//! ffprobe.

use livegate_core::error::Coded;
use livegate_core::sei::access_unit::{Picture, Pictures, Step};
use livegate_core::sei::annexb::units;
use livegate_core::sei::codec::{Codec, Unit};
use livegate_core::sei::editor::{Editor, Inserts};
use livegate_core::sei::error::SeiError;
use livegate_core::sei::message::{Message, messages};
use livegate_core::sei::ours::{Marker, Without, without_ours};
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::{Payload, SeiNal};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const OURS: Marker = Marker::Uuid(Uuid::LIVEGATE);

fn vectors(json: &str, at_least: usize) -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_str(json).unwrap();
    assert!(vectors.len() >= at_least);
    vectors
}

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector[member].as_str().unwrap()
}

fn bytes(vector: &Value, member: &str) -> Vec<u8> {
    hex::decode(text(vector, member)).unwrap()
}

fn codec(vector: &Value) -> Codec {
    if vector["codec"] == "h264" { Codec::H264 } else { Codec::H265 }
}

fn small(vector: &Value, member: &str) -> u8 {
    u8::try_from(vector[member].as_u64().unwrap()).unwrap()
}

fn payload<'a>(vector: &Value, content: &'a [u8]) -> Result<Payload<'a>, SeiError> {
    match vector["uuid"].as_str() {
        Some(uuid) => Payload::unregistered(Uuid::parse(uuid).unwrap(), content),
        None => Payload::typed(small(vector, "payload_type"), content),
    }
}

#[test]
fn every_message_is_written_as_computed() {
    for vector in vectors(include_str!("../../../vectors/sei/written.json"), 20) {
        let about = format!("{}: {}", vector["name"], vector["why"]);
        let content = bytes(&vector, "content_hex");
        match payload(&vector, &content) {
            Ok(payload) => {
                let nal = SeiNal::new(codec(&vector), payload)
                    .with_temporal_id_plus1(small(&vector, "temporal_id_plus1"));
                assert_eq!(hex::encode(nal.to_vec()), text(&vector, "nal_hex"), "{about}");
                let mut room = [0; 8192];
                let len = nal.encode_into(&mut room).unwrap();
                assert_eq!(room[..len], nal.to_vec(), "{about}");
            }
            Err(error) => assert_eq!(vector["code"], error.code().as_str(), "{about}"),
        }
    }
}

#[test]
fn every_message_is_read_as_computed() {
    for vector in vectors(include_str!("../../../vectors/sei/read.json"), 20) {
        let about = format!("{}: {}", vector["name"], vector["why"]);
        let (codec, nal) = (codec(&vector), bytes(&vector, "nal_hex"));
        let row = |own: Message<'_>| {
            let payload = hex::encode(own.payload.to_cow());
            json!([own.payload_type, own.size, payload, own.is_truncated()])
        };
        let found: Vec<Value> = messages(codec, &nal).map(row).collect();
        assert_eq!(Value::from(found), vector["messages"], "{about}");
        let without = match without_ours(codec, &nal, &OURS) {
            Without::Same => "same".to_owned(),
            Without::Rest(rest) => hex::encode(rest),
            Without::Nothing => "nothing".to_owned(),
        };
        assert_eq!(without, text(&vector, "without"), "{about}");
    }
}

/// The number of each frame put into it, in chunks of `len` bytes.
fn edited(codec: Codec, stream: &[u8], len: usize, insert: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut editor = Editor::new(codec, Some(OURS));
    let mut per_frame = |picture: &Picture, inserts: &mut Inserts<'_>| {
        if insert {
            let text = picture.frame.to_string();
            inserts.push(Payload::unregistered(Uuid::LIVEGATE, text.as_bytes()).unwrap());
        }
    };
    let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
    for chunk in stream.chunks(len) {
        editor.push(chunk, &mut per_frame, &mut sink);
    }
    editor.finish(&mut per_frame, &mut sink);
    out
}

#[test]
fn every_streams_frames_are_those_of_ffprobe() {
    for vector in vectors(include_str!("../../../vectors/sei/streams.json"), 7) {
        let about = format!("{}: {}", vector["name"], vector["why"]);
        let (codec, stream) = (codec(&vector), bytes(&vector, "stream_hex"));
        let mut pictures = Pictures::new(codec);
        let mut found = Vec::new();
        for nal in units(&stream) {
            let unit = Unit::parse(codec, nal.bytes).unwrap();
            if let Step::Picture(picture) = pictures.push(unit, nal.bytes) {
                assert!(!picture.second_field && picture.field.is_none(), "{about}");
                found.push((nal.offset, picture.random_access));
            }
        }
        let frames: Vec<(u64, bool)> = serde_json::from_value(vector["frames"].clone()).unwrap();
        assert_eq!(found.len(), frames.len(), "{about}");
        for (nth, ((at, key), (begins, is_key))) in found.iter().zip(&frames).enumerate() {
            assert_eq!(key, is_key, "{about}: frame {nth}");
            // Its first slice lies in its access unit.
            let ends = frames.get(nth + 1).map_or(u64::MAX, |(next, _)| *next);
            assert!(begins < at && *at < ends, "{about}: frame {nth}");
        }
    }
}

#[test]
fn every_stream_is_edited_as_computed_and_restored() {
    for vector in vectors(include_str!("../../../vectors/sei/streams.json"), 7) {
        let about = format!("{}: {}", vector["name"], vector["why"]);
        let (codec, stream) = (codec(&vector), bytes(&vector, "stream_hex"));
        for len in [1, 7, 256, stream.len()] {
            let with = edited(codec, &stream, len, true);
            let hash = hex::encode(Sha256::digest(&with));
            assert_eq!(hash, text(&vector, "edited_sha256"), "{about}, by {len}");
            assert!(edited(codec, &with, len, false) == stream, "{about}, by {len}");
        }
    }
}
