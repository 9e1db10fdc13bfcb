//! The fuzz target's body: what must hold for any bytes at all.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::book::Found;
use super::tracker::{Pushed, Scope, Tracker};
use crate::layout::Size;
use crate::layout::hit::{ObjectFit, Showing};
use crate::sei::codec::Codec;
use crate::sei::frame::{FrameFormat, Framing};
use crate::sei::length::LengthSize;

/// Takes the first byte for a codec, what stands between NAL units and the length of chunks, and the
/// rest for a frame, a tag, and streams of each kind.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    let Some((how, data)) = data.split_first() else { return };
    let codec = if how & 1 == 0 { Codec::H264 } else { Codec::H265 };
    let framing = match how >> 1 & 3 {
        0 => Framing::StartCodes,
        1 => Framing::Lengths(LengthSize::One),
        2 => Framing::Lengths(LengthSize::Two),
        _ => Framing::Lengths(LengthSize::Four),
    };
    let chunk = usize::from(how >> 3).saturating_mul(7).saturating_add(1);
    let frame = |tracker: &mut Tracker, shown: &[u8]| {
        tracker.configure(FrameFormat { codec, framing });
        tracker.push(shown, data.len(), 40_000)
    };
    in_parts(data, frame);
    in_parts(data, |tracker, shown| tracker.flv_tag(shown, data.len(), None));
    in_parts(data, |tracker, shown| tracker.flv_tag(shown, data.len(), Some(7)));
    in_chunks(data, chunk, Tracker::flv);
    in_chunks(data, chunk, |tracker, bytes| tracker.ts(bytes, 0));
    in_chunks(data, chunk, |tracker, bytes| tracker.mp4(bytes, 0));
    let mut tracker = Tracker::new(1_000_000);
    let _ = tracker.configure_record(codec, data);
    let _ = frame(&mut tracker, data);
    asked(&mut tracker);
    tracker.reset(Scope::Readers);
    let _ = tracker.flv(data);
    tracker.reset(Scope::All);
    assert!(tracker.at(40_000).is_none() && told(&mut tracker).is_empty(), "nothing is left");
}

/// The messages of the last push: warnings are told once a push, so how many there are depends on cuts.
/// So do layouts' numbers: what is told is read, and what was no layout gets another number if it comes
/// again.
fn told(tracker: &mut Tracker) -> Vec<String> {
    let mut text = String::new();
    tracker.messages(&mut text);
    let mut all: Value = serde_json::from_str(&text).unwrap_or_default();
    let Some(all) = all.as_array_mut() else { panic!("messages are a list of JSON") };
    all.retain(|told| told.get("payloadType").is_some_and(Value::is_u64));
    for told in all.iter_mut() {
        if let Some(layout) = told.get_mut("layout") {
            *layout = Value::Bool(*layout != 0);
        }
    }
    all.iter().map(alloc::string::ToString::to_string).collect()
}

/// Shown as much as it asks for, and shown all: the same comes out.
fn in_parts(data: &[u8], push: impl Fn(&mut Tracker, &[u8]) -> Pushed) {
    let mut whole = Tracker::new(i64::MAX);
    assert!(matches!(push(&mut whole, data), Pushed::Done(_)), "all is enough");
    let mut parts = Tracker::new(i64::MAX);
    let mut shown: &[u8] = &[];
    while let Pushed::More(bytes) = push(&mut parts, shown) {
        assert!(bytes > shown.len() && bytes <= data.len(), "it asks for more, and not too much");
        assert!(told(&mut parts).is_empty(), "nothing is read twice");
        shown = data.get(..bytes).unwrap_or(data);
    }
    assert!(told(&mut parts) == told(&mut whole), "how much is shown changes nothing");
    asked(&mut whole);
}

/// In one piece and in chunks: the same comes out.
fn in_chunks(data: &[u8], chunk: usize, push: impl Fn(&mut Tracker, &[u8]) -> Found) {
    let mut whole = Tracker::new(i64::MAX);
    push(&mut whole, data);
    let mut pieces = Tracker::new(i64::MAX);
    let mut all = Vec::new();
    for piece in data.chunks(chunk) {
        let found = push(&mut pieces, piece);
        let mut some = told(&mut pieces);
        assert!(some.len() <= found.messages || found.is_warned, "what is told was counted");
        all.append(&mut some);
    }
    let expected = told(&mut whole);
    assert!(all == expected, "cuts change nothing: {all:?} {expected:?}");
    assert!(pieces.base() == whole.base(), "nor the zero of times");
    asked(&mut whole);
}

/// Whatever counts can be shown.
fn asked(tracker: &mut Tracker) {
    for time in [i64::MIN, 0, 7, 40_000, i64::MAX] {
        let Some(id) = tracker.at(time) else { continue };
        let mut text = String::new();
        tracker.layout(id, &mut text);
        let layout: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(panes) = layout.get("panes").and_then(Value::as_array) else {
            panic!("a layout that counts is JSON with panes: {text}");
        };
        for pane in panes {
            let part = |name: &str| pane.get(name).and_then(Value::as_f64).unwrap_or(-1.0);
            for (from, len) in [("x", "width"), ("y", "height")] {
                let (from, len) = (part(from), part(len));
                assert!(from >= 0.0 && len >= 0.0 && from + len <= 1.000_000_001, "{pane}");
            }
            assert!((0.0..=1.0).contains(&part("alpha")) && (0.0..=1.0).contains(&part("volume")));
        }
        let picture = Size { width: 1280, height: 720 };
        for fit in ObjectFit::ALL {
            let position = [250_000, i32::MAX];
            let showing = Showing { width: 64_000, height: 6_400, fit: *fit, position };
            assert!(tracker.place(id, picture, &showing).len() == panes.len(), "each has a place");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fuzz;
    use crate::mp4::made;
    use crate::sei::codec::Codec;
    use crate::sei::uuid::Uuid;
    use crate::sei::write::{Payload, SeiNal};
    use alloc::vec::Vec;

    use proptest::prelude::*;

    fn message(text: &str) -> Vec<u8> {
        let payload = Payload::unregistered(Uuid::LIVEGATE, text.as_bytes()).unwrap();
        SeiNal::new(Codec::H264, payload).to_vec()
    }

    /// Texts that are layouts, nearly layouts, and none.
    fn text() -> impl Strategy<Value = &'static str> {
        prop::sample::select(
            &[
                r#"{"stream":[{"uid":"a","x":0,"y":0,"w":0.5,"h":1},{"uid":"b","x":0.5,"w":0.6}]}"#,
                r#"{"stream":[{"uid":"<b>","x":nan,"y":-1,"w":1e99,"h":"2","vol":"300"}],"p":[1]}"#,
                r#"{"canvas":{"w":640,"h":360},"regions":[{"uid":1,"x":600,"y":0,"w":99,"h":1}]}"#,
                r#"{"regions":[{"uid":1,"x":600,"y":0,"w":99,"h":1}],"app_data":"\ud800"}"#,
                r#"{"stream":[]}"#,
                r#"{"custom":{"a":[[[]]]}}"#,
                "{broken",
                "plain",
            ][..],
        )
    }

    fn length(unit: &[u8]) -> Vec<u8> {
        [&u32::try_from(unit.len()).unwrap().to_be_bytes()[..], unit].concat()
    }

    fn tag(body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[9], &size[1..], &[0; 7], body, &[0; 4]].concat()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn holds_for_frames_and_flv(
            how in any::<u8>(), texts in prop::collection::vec(text(), 0..4),
            cut in any::<prop::sample::Index>(), flips in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..3),
        ) {
            let units: Vec<Vec<u8>> = texts.iter().map(|text| length(&message(text))).collect();
            let frame = [units.concat(), length(&[0x65, 0x88, 0x84, 1, 2])].concat();
            let record = b"\x17\0\0\0\0\x01\x64\0\x1F\xFF\xE1\0\0\0";
            let flv = [
                b"FLV\x01\x05\0\0\0\x09\0\0\0\0",
                &tag(record)[..],
                &tag(&[&b"\x17\x01\0\0\x28"[..], &frame].concat()),
                &tag(&[&b"\x27\x01\0\0\0"[..], &frame].concat()),
            ].concat();
            for mut input in [frame, flv] {
                for (at, byte) in &flips {
                    let at = at.index(input.len());
                    input[at] ^= byte;
                }
                fuzz(&[&[how][..], &input].concat());
                fuzz(&[&[how][..], &input[..cut.index(input.len())]].concat());
                // As one tag.
                fuzz(&[&[how][..], input.get(13..).unwrap_or_default()].concat());
            }
        }

        #[test]
        fn holds_for_mp4(
            how in any::<u8>(), texts in prop::collection::vec(text(), 1..5), decoded in any::<u32>(),
            cut in any::<prop::sample::Index>(), flips in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..4),
        ) {
            let samples: Vec<Vec<u8>> = texts
                .iter()
                .map(|text| [length(&message(text)), length(&[0x65, 0x88, 0x84, 1, 2])].concat())
                .collect();
            let shown: Vec<(&[u8], i32)> = samples.iter().map(|sample| (&sample[..], 512)).collect();
            let fragments = [made::fragment(decoded, &shown), made::fragment(7, &shown)].concat();
            let mut input = [made::avc(), fragments].concat();
            for (at, byte) in &flips {
                let at = at.index(input.len());
                input[at] ^= byte;
            }
            fuzz(&[&[how][..], &input].concat());
            fuzz(&[&[how][..], &input[..cut.index(input.len())]].concat());
        }

        #[test]
        fn holds_for_any_bytes(input in prop::collection::vec(any::<u8>(), 0..300)) {
            fuzz(&input);
        }

        #[test]
        fn holds_for_packets(
            how in any::<u8>(),
            packets in prop::collection::vec((0_u8..3, 0_u8..8, prop::collection::vec(0_u8..5, 180)), 0..12),
        ) {
            let mut stream = Vec::from([how]);
            for (pid, flags, payload) in packets {
                stream.extend([0x47, flags << 5 & 0x40, pid, 0x10 | flags]);
                stream.extend(payload);
                stream.resize(stream.len() + 4, 0xFF);
            }
            fuzz(&stream);
        }
    }
}
