//! Streams of FLV, put together here from their parts: what comes out of a rewriter is compared with
//! what the same parts make with a message among them.

use livegate_core::flv::edit::{Editor, Frame, Messages, NoMessages};
use livegate_core::flv::reader::Ending;
use livegate_core::flv::rewrite::{Refused, Rewriter};
use livegate_core::sei::edit::{Splice, pieces};
use livegate_core::sei::ours::Marker;
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::Payload;
use proptest::prelude::*;

/// A NAL unit by the type in its header and the bytes behind that.
type Unit = (u8, Vec<u8>);

#[derive(Clone, Debug)]
struct Tag {
    kind: u8,
    timestamp: u32,
    body: Body,
    /// What is added to the right `PreviousTagSize`.
    off: u32,
}

#[derive(Clone, Debug)]
enum Body {
    /// Audio, script data, commands, other codecs: any bytes.
    Opaque(Vec<u8>),
    Configuration {
        hevc: bool,
        enhanced: bool,
        size: usize,
    },
    Frame {
        hevc: bool,
        form: Form,
        first: u8,
        units: Vec<Unit>,
    },
}

#[derive(Clone, Debug)]
enum Form {
    Legacy(i32),
    CodedFrames(i32),
    CodedFramesX,
    /// The same behind a `ModEx` with so many bytes.
    ModEx(usize),
}

/// The lowest byte.
fn low(number: usize) -> u8 {
    number.to_be_bytes()[size_of::<usize>() - 1]
}

fn int(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

fn four_cc(hevc: bool) -> &'static [u8] {
    if hevc { b"hvc1" } else { b"avc1" }
}

/// The NAL unit of a message: type 5, and bytes that need no emulation prevention.
fn message(hevc: bool, temporal_id_plus1: u8) -> Vec<u8> {
    let header = if hevc { vec![39 << 1, temporal_id_plus1] } else { vec![6] };
    // 16 + 7 bytes.
    [&header[..], &[5, 23], b"livega\x80t\xa5e-sei-1", b"{\"a\":1}", &[0x80]].concat()
}

fn unit_bytes(hevc: bool, (unit_type, rest): &Unit) -> Vec<u8> {
    let header =
        if hevc { vec![unit_type << 1, 1 + low(rest.len() % 7)] } else { vec![*unit_type] };
    [&header[..], rest].concat()
}

/// The table of docs/spec/sei.md §2: whether a message goes before this type at the latest.
fn is_picture(hevc: bool, unit_type: u8) -> bool {
    if hevc { unit_type < 32 } else { matches!(unit_type, 1..=5 | 14 | 20) }
}

/// What stands before the NAL units.
fn head(hevc: bool, form: &Form, first: u8) -> Vec<u8> {
    let time = |time: &i32| time.to_be_bytes()[1..].to_vec();
    match form {
        Form::Legacy(cts) => {
            [&[first << 4 | if hevc { 12 } else { 7 }, 1][..], &time(cts)].concat()
        }
        Form::CodedFrames(cts) => [&[0x80 | first << 4 | 1], four_cc(hevc), &time(cts)].concat(),
        Form::CodedFramesX => [&[0x80 | first << 4 | 3], four_cc(hevc)].concat(),
        Form::ModEx(len) => {
            let size = if *len < 256 {
                vec![low(len - 1)]
            } else {
                [&[255][..], &[low((len - 1) >> 8), low(len - 1)]].concat()
            };
            let data = vec![0xA5; *len];
            [&[0x80 | first << 4 | 7], &size[..], &data, &[0x03], four_cc(hevc)].concat()
        }
    }
}

/// What a stream's samples look like where a tag stands.
#[derive(Clone, Copy, Debug, Default)]
struct Now {
    /// Codec and size of lengths.
    format: Option<(bool, usize)>,
}

/// The body; with a message if that is asked for and can be. Says whether it can.
fn body(tag: &Tag, now: &mut Now, with: bool) -> (Vec<u8>, bool) {
    match &tag.body {
        Body::Opaque(bytes) => (bytes.clone(), false),
        Body::Configuration { hevc, enhanced, size } => {
            now.format = Some((*hevc, *size));
            let mut record = if *hevc { vec![0; 23] } else { vec![1, 100, 0, 31, 0, 0xE0, 0] };
            record[0] = 1;
            record[if *hevc { 21 } else { 4 }] = 0xFC | low(*size - 1);
            let head = if *enhanced {
                [&[0x90], four_cc(*hevc)].concat()
            } else {
                vec![if *hevc { 0x1C } else { 0x17 }, 0, 0, 0, 0]
            };
            ([head, record].concat(), false)
        }
        Body::Frame { hevc, form, first, units } => {
            let size = match now.format {
                Some((of, size)) if of == *hevc => size,
                _ => 4,
            };
            let can = now.format.is_some_and(|(of, _)| of == *hevc)
                && units.iter().any(|(unit_type, _)| is_picture(*hevc, *unit_type));
            let mut bytes = head(*hevc, form, *first);
            let mut due = with && can;
            for unit in units {
                let unit_bytes = unit_bytes(*hevc, unit);
                let mut add = |unit: &[u8]| {
                    let length = int(unit.len()).to_be_bytes();
                    bytes.extend(&length[4 - size..]);
                    bytes.extend(unit);
                };
                if due && is_picture(*hevc, unit.0) {
                    due = false;
                    add(&message(*hevc, unit_bytes[1 % unit_bytes.len()]));
                }
                add(&unit_bytes);
            }
            (bytes, can)
        }
    }
}

/// The file, and how many of its frames can carry a message.
fn file(tags: &[Tag], with: bool) -> (Vec<u8>, usize) {
    let mut out = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
    let (mut now, mut frames) = (Now::default(), 0);
    for tag in tags {
        let (body, can) = body(tag, &mut now, with);
        frames += usize::from(can);
        let [t3, t2, t1, t0] = tag.timestamp.to_be_bytes();
        out.push(tag.kind);
        out.extend(&int(body.len()).to_be_bytes()[1..]);
        out.extend([t2, t1, t0, t3, 0, 0, 0]);
        out.extend(&body);
        // One that is wrong is what it was, not what it would be.
        let right = if tag.off == 0 {
            body.len()
        } else {
            self::body(tag, &mut now.clone(), false).0.len()
        };
        out.extend((int(right) + 11).wrapping_add(tag.off).to_be_bytes());
    }
    (out, frames)
}

/// A message for every frame; keeps which frames it was asked about and which carry one.
#[derive(Debug, Default, PartialEq, Eq)]
struct EveryFrame {
    asked: Vec<Frame>,
    written: usize,
}

impl Messages for EveryFrame {
    fn message(&mut self, frame: &Frame) -> Option<Payload<'_>> {
        self.asked.push(*frame);
        Some(Payload::unregistered(Uuid::LIVEGATE, b"{\"a\":1}").unwrap())
    }

    fn written(&mut self, frame: &Frame) {
        assert_eq!(self.asked.last(), Some(frame));
        self.written += 1;
    }
}

fn inserting() -> Editor {
    Editor::inserting(Some(Marker::Uuid(Uuid::LIVEGATE)))
}

fn stripping() -> Editor {
    Editor::stripping(Marker::Uuid(Uuid::LIVEGATE))
}

/// What comes out if the stream arrives in chunks of these lengths, over and over.
fn run(
    editor: Editor,
    file: &[u8],
    chunks: &[usize],
    messages: &mut dyn Messages,
) -> (Vec<u8>, Vec<Refused>, Ending) {
    let mut rewriter = Rewriter::new(editor);
    let (mut from, mut to) = (0, 0);
    let (mut out, mut refused) = (Vec::new(), Vec::new());
    let mut chunks = chunks.iter().cycle();
    let mut add = |source: &[u8], splices: &mut Vec<Splice>| {
        pieces(source, splices).for_each(|piece| out.extend_from_slice(piece));
        splices.clear();
    };
    let mut splices = Vec::new();
    loop {
        let progress = rewriter.run(&file[from..to], messages, &mut splices).unwrap();
        add(&file[from..from + progress.used], &mut splices);
        from += progress.used;
        assert_eq!(rewriter.offset(), from as u64);
        refused.extend(progress.refused);
        if to - from < progress.needed {
            if to == file.len() {
                break;
            }
            to = file.len().min(to + chunks.next().unwrap());
        }
    }
    let ending = rewriter.finish(&file[from..], messages, &mut splices).unwrap();
    add(&file[from..], &mut splices);
    (out, refused, ending)
}

fn units() -> impl Strategy<Value = (bool, Vec<Unit>)> {
    let rest = || prop::collection::vec(any::<u8>(), 1..40);
    // Types of either codec, slices and what leads them; 6 of H.264 and 39 of H.265 are SEI.
    let h264 = prop_oneof![Just(1_u8), Just(5), Just(6), 0..32_u8];
    let h265 = prop_oneof![Just(1_u8), Just(19), Just(39), Just(40), 0..64_u8];
    let some = |types: BoxedStrategy<u8>| prop::collection::vec((types, rest()), 0..6);
    prop_oneof![
        some(h264.boxed()).prop_map(|units| (false, units)),
        some(h265.boxed()).prop_map(|units| (true, units)),
    ]
}

fn bodies() -> impl Strategy<Value = (u8, Body)> {
    let form = prop_oneof![
        (-8_388_608..8_388_608_i32).prop_map(Form::Legacy),
        (-8_388_608..8_388_608_i32).prop_map(Form::CodedFrames),
        Just(Form::CodedFramesX),
        prop_oneof![1..300_usize, Just(255), Just(256)].prop_map(Form::ModEx),
    ];
    let frame = (units(), form, 1..5_u8)
        .prop_map(|((hevc, units), form, first)| (9, Body::Frame { hevc, form, first, units }));
    let configuration = (any::<bool>(), any::<bool>(), 1..5_usize)
        .prop_map(|(hevc, enhanced, size)| (9, Body::Configuration { hevc, enhanced, size }));
    let opaque = (prop_oneof![Just(8_u8), Just(18)], prop::collection::vec(any::<u8>(), 0..60))
        .prop_map(|(kind, bytes)| (kind, Body::Opaque(bytes)));
    // A command, an end of sequence, metadata, several tracks, another codec, a short body.
    let other = prop::sample::select(vec![
        &b"\x57\0"[..],
        b"\x17\x02\0\0\0",
        b"\x94hvc1amf",
        b"\x96\x01avc1\0\0\0\0\x01\x65",
        b"\x91av01\x0A\x0B",
        b"\x92hvc1",
        b"\x12\x65",
        b"\x17\x01",
        b"",
    ])
    .prop_map(|bytes| (9, Body::Opaque(bytes.to_vec())));
    prop_oneof![6 => frame, 2 => configuration, 1 => opaque, 1 => other]
}

prop_compose! {
    fn tags()(
        parts in prop::collection::vec(
            (bodies(), any::<u32>(), prop_oneof![4 => Just(0_u32), 1 => any::<u32>()]), 1..20,
        )
    ) -> Vec<Tag> {
        let tag = |((kind, body), timestamp, off)| Tag { kind, timestamp, body, off };
        parts.into_iter().map(tag).collect()
    }
}

proptest! {
    #[test]
    fn every_frame_carries_a_message_and_nothing_else_changes(tags in tags()) {
        let (plain, frames) = file(&tags, false);
        let (expected, _) = file(&tags, true);
        let mut messages = EveryFrame::default();
        let (out, refused, ending) = run(inserting(), &plain, &[usize::MAX / 2], &mut messages);
        prop_assert_eq!(out, expected);
        prop_assert_eq!((refused, ending), (vec![], Ending::Whole));
        prop_assert_eq!((messages.asked.len(), messages.written), (frames, frames));
    }

    #[test]
    fn taking_out_what_was_put_in_gives_the_file_that_was(tags in tags(), cut in any::<prop::sample::Index>()) {
        let (plain, _) = file(&tags, false);
        // Also of a stream that is cut anywhere.
        for plain in [&plain[..], &plain[..cut.index(plain.len())]] {
            let (with, ..) = run(inserting(), plain, &[4096], &mut EveryFrame::default());
            let (without, ..) = run(stripping(), &with, &[4096], &mut NoMessages);
            prop_assert_eq!(without, plain);
            // Twice in a cascade is once.
            let (twice, ..) = run(inserting(), &with, &[4096], &mut EveryFrame::default());
            prop_assert_eq!(twice, with);
        }
    }

    #[test]
    fn how_the_bytes_were_cut_does_not_matter(
        tags in tags(), cut in any::<prop::sample::Index>(),
        chunks in prop::collection::vec(1..50_usize, 1..20),
    ) {
        let (plain, _) = file(&tags, true);
        let plain = &plain[..cut.index(plain.len() + 1)];
        for editor in [inserting(), stripping()] {
            let (mut whole, mut pieces) = (EveryFrame::default(), EveryFrame::default());
            let expected = run(editor.clone(), plain, &[usize::MAX / 2], &mut whole);
            prop_assert_eq!(run(editor, plain, &chunks, &mut pieces), expected);
            prop_assert_eq!(pieces, whole);
        }
    }

    #[test]
    fn no_bytes_panic(tags in tags(), places in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..8)) {
        let (mut bytes, _) = file(&tags, true);
        for (place, byte) in places {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        for editor in [inserting(), stripping()] {
            let mut rewriter = Rewriter::new(editor);
            let mut splices = Vec::new();
            let mut from = 0;
            while let Ok(progress) = rewriter.run(&bytes[from..], &mut EveryFrame::default(), &mut splices) {
                from += progress.used;
                if progress.needed > bytes.len() - from {
                    let _ = rewriter.finish(&bytes[from..], &mut NoMessages, &mut splices);
                    break;
                }
            }
        }
    }
}
