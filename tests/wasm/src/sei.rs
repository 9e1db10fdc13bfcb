//! Messages in video.

use livegate_core::error::Coded;
use livegate_core::sei::access_unit::{Picture, Pictures, Step};
use livegate_core::sei::annexb::units;
use livegate_core::sei::codec::{Codec, Unit};
use livegate_core::sei::editor::{Editor, Inserts};
use livegate_core::sei::message::{Message, messages};
use livegate_core::sei::ours::{Marker, Without, without_ours};
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::{Payload, SeiNal};
use serde_json::{Value, json};

const OURS: Marker = Marker::Uuid(Uuid::LIVEGATE);

fn codec(vector: &Value) -> Codec {
    if vector["codec"] == "h264" { Codec::H264 } else { Codec::H265 }
}

fn bytes(vector: &Value, member: &str) -> Vec<u8> {
    hex::decode(vector[member].as_str().unwrap()).unwrap()
}

fn small(vector: &Value, member: &str) -> u8 {
    u8::try_from(vector[member].as_u64().unwrap()).unwrap()
}

pub(crate) fn written(vector: &Value) -> Value {
    let content = bytes(vector, "content_hex");
    let payload = match vector["uuid"].as_str() {
        Some(uuid) => Payload::unregistered(Uuid::parse(uuid).unwrap(), &content),
        None => Payload::typed(small(vector, "payload_type"), &content),
    };
    match payload {
        Ok(payload) => {
            let nal = SeiNal::new(codec(vector), payload)
                .with_temporal_id_plus1(small(vector, "temporal_id_plus1"));
            json!({ "nal_hex": hex::encode(nal.to_vec()) })
        }
        Err(error) => json!({ "code": error.code().as_str() }),
    }
}

pub(crate) fn read(vector: &Value) -> Value {
    let (codec, nal) = (codec(vector), bytes(vector, "nal_hex"));
    let row = |own: Message<'_>| {
        json!([own.payload_type, own.size, hex::encode(own.payload.to_cow()), own.is_truncated()])
    };
    let without = match without_ours(codec, &nal, &OURS) {
        Without::Same => "same".to_owned(),
        Without::Rest(rest) => hex::encode(rest),
        Without::Nothing => "nothing".to_owned(),
    };
    json!({ "messages": messages(codec, &nal).map(row).collect::<Value>(), "without": without })
}

/// Where frames begin, and the stream with a message in each; whether taking them out restores it.
pub(crate) fn stream(vector: &Value) -> Value {
    let (codec, stream) = (codec(vector), bytes(vector, "stream_hex"));
    let mut pictures = Pictures::new(codec);
    let mut slices = Vec::new();
    for nal in units(&stream) {
        let unit = Unit::parse(codec, nal.bytes).unwrap();
        if let Step::Picture(picture) = pictures.push(unit, nal.bytes) {
            slices.push(json!([nal.offset, picture.random_access]));
        }
    }
    let with = edited(codec, &stream, true);
    let restored = edited(codec, &with, false) == stream;
    json!({ "slices": slices, "edited_hex": hex::encode(with), "restored": restored })
}

fn edited(codec: Codec, stream: &[u8], insert: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut editor = Editor::new(codec, Some(OURS));
    let mut per_frame = |picture: &Picture, inserts: &mut Inserts<'_>| {
        if insert {
            let text = picture.frame.to_string();
            inserts.push(Payload::unregistered(Uuid::LIVEGATE, text.as_bytes()).unwrap());
        }
    };
    let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
    for chunk in stream.chunks(100) {
        editor.push(chunk, &mut per_frame, &mut sink);
    }
    editor.finish(&mut per_frame, &mut sink);
    out
}
