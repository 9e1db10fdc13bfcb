//! The fuzz target's body: what must hold for any stream at all.

use alloc::vec::Vec;

use super::annexb::{Nal, Reader, units};
use super::codec::{Codec, Unit};
use super::editor::Editor;
use super::length::{self, LengthSize};
use super::message::messages;
use super::ours::{Marker, Without, without_ours};
use super::rbsp::{Escaped, escape_into};
use super::uuid::Uuid;
use super::write::{Payload, SeiNal};

const OURS: Marker = Marker::Uuid(Uuid::LIVEGATE);

/// Takes the first byte for the codec (its lowest bit) and the length of chunks (the others), and
/// the rest for a stream, a NAL unit, a sample and a message.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    let Some((how, data)) = data.split_first() else { return };
    let codec = if how & 1 == 0 { Codec::H264 } else { Codec::H265 };
    let chunk = usize::from(how >> 1) + 1;
    escaping(data);
    nal(codec, data);
    sample(data);
    written(codec, data);
    reader(data, chunk);
    editor(codec, data, chunk);
}

fn escaping(data: &[u8]) {
    let view = Escaped::new(data);
    let plain = view.to_cow();
    assert!(view.bytes().eq(plain.iter().copied()), "bytes are read alike one by one");
    assert!(view.len_unescaped() == plain.len(), "they are counted alike");
    let mut raw = Vec::new();
    escape_into(data, &mut raw);
    assert!(!raw.windows(3).any(|w| matches!(w, [0, 0, 0..=2])), "no start code is left");
    assert!(raw.last() != Some(&0), "nothing ends in zero");
    if data.last() != Some(&0) {
        assert!(*Escaped::new(&raw).to_cow() == *data, "what is escaped reads back");
    }
}

fn nal(codec: Codec, data: &[u8]) {
    let mut from = codec.header_len().min(data.len());
    for message in messages(codec, data) {
        assert!(message.start == from, "messages follow one another");
        assert!(message.start < message.payload_start && message.payload_start <= message.end);
        from = message.end;
        assert!(from <= data.len());
        let len = message.payload.len_unescaped();
        assert!(message.is_truncated() == (u32::try_from(len) != Ok(message.size)));
        assert!(!message.is_truncated() || from == data.len(), "only the last one is cut short");
    }
    let whole = messages(codec, data).all(|message| !message.is_truncated());
    if let (true, Without::Rest(rest)) = (whole, without_ours(codec, data, &OURS)) {
        let others = || messages(codec, data).filter(|message| !OURS.is_ours(message));
        let kept = messages(codec, &rest).map(|message| message.payload.to_cow().into_owned());
        assert!(kept.eq(others().map(|message| message.payload.to_cow().into_owned())));
        let kept = messages(codec, &rest).map(|message| message.payload_type);
        assert!(kept.eq(others().map(|message| message.payload_type)), "others stay");
    }
}

fn sample(data: &[u8]) {
    for minus_one in 0..4 {
        let size = LengthSize::from_minus_one(minus_one);
        let mut from = 0;
        for found in length::units(data, size) {
            assert!(found.offset == from, "every byte belongs to a unit");
            from = (found.offset + size.bytes() + found.nal.len()).min(data.len());
            assert!(!found.truncated || from == data.len(), "only the last one is cut short");
        }
        assert!(from == data.len());
    }
}

fn written(codec: Codec, data: &[u8]) {
    let Ok(payload) = Payload::unregistered(Uuid::LIVEGATE, data) else { return };
    let nal = SeiNal::new(codec, payload).to_vec();
    let mut found = messages(codec, &nal);
    let content = found.next().and_then(|message| message.user_data());
    assert!(content.is_some_and(|content| *content.to_cow() == *data), "it reads back");
    assert!(found.next().is_none() && without_ours(codec, &nal, &OURS) == Without::Nothing);
}

fn reader(data: &[u8], chunk: usize) {
    let mut expected = units(data);
    let mut reader = Reader::new();
    let mut same = |nal: Nal<'_>| assert!(expected.next() == Some(nal), "cuts change nothing");
    for chunk in data.chunks(chunk) {
        reader.push(chunk, &mut same);
    }
    reader.finish(&mut same);
    assert!(expected.next().is_none(), "no unit is lost");
}

/// The stream without ours, with a message in every frame or in none.
fn edited(codec: Codec, data: &[u8], chunk: usize, every_frame: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut editor = Editor::new(codec, Some(OURS));
    let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
    let mut per_frame = |_: &_, inserts: &mut super::editor::Inserts<'_>| {
        if let (true, Ok(payload)) = (every_frame, Payload::unregistered(Uuid::LIVEGATE, b"{}")) {
            inserts.push(payload);
        }
    };
    for chunk in data.chunks(chunk) {
        editor.push(chunk, &mut per_frame, &mut sink);
    }
    let counts = editor.finish(&mut per_frame, &mut sink);
    assert!(counts.inserted == if every_frame { counts.frames } else { 0 });
    out
}

fn editor(codec: Codec, data: &[u8], chunk: usize) {
    let whole = data.len().max(1);
    let with = edited(codec, data, whole, true);
    assert!(edited(codec, data, chunk, true) == with, "cuts change nothing");
    let without = edited(codec, data, chunk, false);
    assert!(edited(codec, &with, chunk, false) == without, "what is put in comes out");
    assert!(edited(codec, &without, whole, false) == without, "and is gone");
    let ours = |stream: &[u8]| {
        units(stream)
            .filter(|nal| Unit::parse(codec, nal.bytes).is_some_and(Unit::is_sei))
            .any(|nal| messages(codec, nal.bytes).any(|message| OURS.is_ours(&message)))
    };
    assert!(!ours(&without), "none of ours is left");
    assert!(ours(data) || without == data, "nothing else is touched");
}

#[cfg(test)]
mod tests {
    use super::{OURS, fuzz};
    use crate::sei::codec::Codec;
    use crate::sei::made::{PPS, SLICE, SPS, Slice, h265_slice};
    use crate::sei::ours::Marker;
    use crate::sei::write::{Payload, SeiNal};
    use alloc::vec::Vec;

    use proptest::prelude::*;

    fn ours(codec: Codec) -> Vec<u8> {
        let Marker::Uuid(uuid) = OURS else { return Vec::new() };
        SeiNal::new(codec, Payload::unregistered(uuid, b"{}").unwrap()).to_vec()
    }

    /// Pieces of streams, some of which mean something.
    fn input() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => Just([0, 0, 1].to_vec()),
            2 => Just([0, 0, 0, 1].to_vec()),
            2 => prop::sample::select([
                SPS.nal(),
                PPS.nal(),
                SLICE.nal(),
                Slice { unit_type: 5, first_mb: 4, ..SLICE }.nal(),
                h265_slice(1, 0, 2, true),
                [14, 0x80].to_vec(),
            ].to_vec()),
            2 => prop::sample::select([ours(Codec::H264), ours(Codec::H265)].to_vec()),
            // Ours without its header, as a further message of whatever comes before.
            2 => Just(ours(Codec::H264)[1..].to_vec()),
            2 => prop::collection::vec(0..7_u8, 0..6),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn holds_for_pieces_of_streams(how in any::<u8>(), input in input()) {
            fuzz(&[&[how][..], &input].concat());
            // As a NAL unit by itself, whatever its header.
            fuzz(&[&[how, 6][..], &input].concat());
        }

        #[test]
        fn holds_for_any_bytes(input in prop::collection::vec(any::<u8>(), 0..300)) {
            fuzz(&input);
        }
    }
}
