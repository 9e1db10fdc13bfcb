//! SEI and layouts through the core, part by part: the same code natively and in wasm.

use core::fmt;
use core::hint::black_box;

use livegate_core::flv::edit::{Editor, Frame, Messages};
use livegate_core::flv::rewrite::Rewriter;
use livegate_core::layout::document::Document;
use livegate_core::sei::annexb;
use livegate_core::sei::codec::{Codec, Unit};
use livegate_core::sei::length::{self, LengthSize};
use livegate_core::sei::message::messages;
use livegate_core::sei::ours::Marker;
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::{Payload, SeiNal};

/// Bytes of a frame's slice: 3 Mbit/s at 30 frames a second.
const SLICE: usize = 12_500;
/// Frames of a stream: a megabyte.
const FRAMES: u32 = 80;

/// What a sender says of three panes, as Agora has it.
const TEXT: &str = r##"{"canvas":{"w":1280,"h":720,"bgnd":"#000000"},"regions":[{"uid":"1001","alpha":1.0,"zorder":1,"x":0,"y":0,"w":426,"h":240,"volume":80},{"uid":"1002","alpha":1.0,"zorder":1,"x":426,"y":0,"w":428,"h":240,"volume":0},{"uid":"1003","alpha":1.0,"zorder":1,"x":854,"y":0,"w":426,"h":240,"volume":12}],"ver":"20190611","ts":1725928205000}"##;

/// x264's signature, which stands in the first frame of its streams; of it the UUID.
const OTHERS: Uuid = Uuid([
    0xDC, 0x45, 0xE9, 0xBD, 0xE6, 0xD9, 0x48, 0xB7, 0x96, 0x2C, 0xD8, 0x20, 0xD9, 0x23, 0xEE, 0xEF,
]);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Every NAL unit of an Annex B stream.
    AnnexB,
    /// A message put into every frame of a FLV stream; the bytes that go in stay where they are.
    Flv,
    /// A frame behind lengths that has a delimiter and a slice.
    Without,
    /// One that has somebody else's message of 700 bytes as well.
    Others,
    /// One that has our message, which is copied out.
    Ours,
    /// Our message written as a NAL unit.
    Write,
    /// Who is where, of nine in a grid.
    Resolve,
}

impl Case {
    pub(crate) const ALL: &[Self] = &[
        Self::AnnexB,
        Self::Flv,
        Self::Without,
        Self::Others,
        Self::Ours,
        Self::Write,
        Self::Resolve,
    ];

    /// The case as tables show it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AnnexB => "Annex B stream, split",
            Self::Flv => "FLV, a message in every frame",
            Self::Without => "frame without SEI, read",
            Self::Others => "frame with others' SEI, read",
            Self::Ours => "frame with our SEI, read",
            Self::Write => "our SEI, written",
            Self::Resolve => "layout of 9, resolved",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The frames and the layout, made ready.
pub(crate) struct Cases {
    stream: Vec<u8>,
    flv: Vec<u8>,
    without: Vec<u8>,
    others: Vec<u8>,
    ours: Vec<u8>,
    layout: Document,
}

impl Cases {
    pub(crate) fn new() -> Self {
        let delimiter = [9, 0xF0];
        let slice = slice(1);
        let others = sei(OTHERS, &"x264 - core 164 options: ".repeat(28));
        let ours = sei(Uuid::LIVEGATE, TEXT);
        let layout = br#"{"canvas":{"width":1280,"height":720},"template":"grid","users":["a","b","c","d","e","f","g","h","i"]}"#;
        Self {
            stream: (0..FRAMES)
                .flat_map(|seed| [&[0, 0, 0, 1][..], &self::slice(seed)].concat())
                .collect(),
            flv: flv(&sample(&[&delimiter, &slice])),
            without: sample(&[&delimiter, &slice]),
            others: sample(&[&delimiter, &others, &slice]),
            ours: sample(&[&delimiter, &others, &ours, &slice]),
            layout: Document::from_json(layout).expect("the layout is of the documented form"),
        }
    }

    /// Bytes that a case goes through, where throughput says more than time.
    pub(crate) fn bytes(&self, case: Case) -> Option<usize> {
        match case {
            Case::AnnexB => Some(self.stream.len()),
            Case::Flv => Some(self.flv.len()),
            _ => None,
        }
    }

    /// Runs a case that often; what it returns is there so that nothing is optimised away.
    pub(crate) fn run(&self, case: Case, times: u32) -> usize {
        (0..times).fold(0, |sum, _| sum.wrapping_add(self.once(case)))
    }

    fn once(&self, case: Case) -> usize {
        match case {
            Case::AnnexB => annexb::units(black_box(&self.stream)).map(|nal| nal.bytes.len()).sum(),
            Case::Flv => insert(black_box(&self.flv)),
            Case::Without => read(black_box(&self.without)),
            Case::Others => read(black_box(&self.others)),
            Case::Ours => read(black_box(&self.ours)),
            Case::Write => sei(Uuid::LIVEGATE, black_box(TEXT)).len(),
            Case::Resolve => {
                black_box(&self.layout).resolve().map_or(0, |resolved| resolved.panes().len())
            }
        }
    }
}

/// What a player does with a frame: our message's text, if there is one before the first slice.
fn read(frame: &[u8]) -> usize {
    for found in length::units(frame, LengthSize::Four) {
        let Some(unit) = Unit::parse(Codec::H264, found.nal) else { continue };
        if unit.is_vcl() {
            break;
        }
        if !unit.is_sei() {
            continue;
        }
        for message in messages(Codec::H264, found.nal) {
            if message.uuid() == Some(Uuid::LIVEGATE) {
                return message.content().to_cow().into_owned().len();
            }
        }
    }
    0
}

/// A message for every frame.
struct Every;

impl Messages for Every {
    fn message(&mut self, _: &Frame) -> Option<Payload<'_>> {
        Payload::unregistered(Uuid::LIVEGATE, TEXT.as_bytes()).ok()
    }

    fn written(&mut self, _: &Frame) {}
}

/// How many places of the stream change.
fn insert(stream: &[u8]) -> usize {
    let editor = Editor::inserting(Some(Marker::Uuid(Uuid::LIVEGATE)));
    let mut splices = Vec::new();
    let progress = Rewriter::new(editor).run(stream, &mut Every, &mut splices);
    assert!(progress.is_ok_and(|progress| progress.used == stream.len()));
    splices.len()
}

fn sei(uuid: Uuid, text: &str) -> Vec<u8> {
    let payload = Payload::unregistered(uuid, text.as_bytes());
    payload.map_or_else(|_| Vec::new(), |payload| SeiNal::new(Codec::H264, payload).to_vec())
}

/// A slice of bytes without order and without start codes, as an entropy coder leaves them.
fn slice(seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = vec![0x41];
    while bytes.len() < SLICE {
        // Numerical Recipes' linear congruential generator; of 32 bits the upper ones are used.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [byte, ..] = state.to_be_bytes();
        if byte <= 3 && bytes.ends_with(&[0, 0]) {
            bytes.push(3);
        }
        bytes.push(byte);
    }
    bytes.push(0x80);
    bytes
}

fn sample(nals: &[&[u8]]) -> Vec<u8> {
    nals.iter().flat_map(|nal| [&size(nal.len())[..], nal].concat()).collect()
}

/// A file of frames, all the same. Adobe's FLV specification 10.1, annex E.
fn flv(sample: &[u8]) -> Vec<u8> {
    let tag = |body: Vec<u8>| {
        let len = size(body.len());
        let previous = size(body.len() + 11);
        [&[9], &len[1..], &[0; 7], &body, &previous].concat()
    };
    // avcC: Baseline, lengths of four bytes, a parameter set of each kind.
    let configuration = [1, 66, 0, 30, 0xFF, 0xE1, 0, 4, 0x67, 66, 0, 30, 1, 0, 2, 0x68, 0xCE];
    let mut file = b"FLV\x01\x01\0\0\0\x09\0\0\0\0".to_vec();
    file.extend(tag([&[0x17, 0, 0, 0, 0][..], &configuration].concat()));
    for _ in 0..FRAMES {
        file.extend(tag([&[0x27, 1, 0, 0, 0][..], sample].concat()));
    }
    file
}

/// A size in four bytes.
fn size(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}
