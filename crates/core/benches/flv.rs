//! What FLV costs: a stream of a mebibyte walked and rewritten, one frame edited.
//!
//! `cargo bench -p livegate-core --bench flv`. Bodies are never read through, so bytes a second say
//! how many frames there are, not how large they may be.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use livegate_core::flv::edit::{Editor, Frame, Messages, NoMessages};
use livegate_core::flv::reader::{Part, Reader};
use livegate_core::flv::rewrite::Rewriter;
use livegate_core::sei::ours::Marker;
use livegate_core::sei::uuid::Uuid;
use livegate_core::sei::write::Payload;

fn main() {
    divan::main();
}

/// A layout of two panes as Alibaba writes it.
const TEXT: &[u8] = br#"{"stream":[{"uid":"111","paneid":0,"zorder":1,"x":0,"y":0.25,"w":0.5,"h":0.5,"type":0,"ms":0,"vol":1,"vad":119},{"uid":"222","paneid":1,"zorder":1,"x":0.5,"y":0.25,"w":0.5,"h":0.5,"type":0,"ms":0,"vol":60,"vad":123}]}"#;

const CONFIGURATION: &[u8] =
    b"\x17\0\0\0\0\x01\x64\0\x1F\xFF\xE1\0\x03\x67\x64\x1F\x01\0\x02\x68\xEB";

struct EveryFrame;

impl Messages for EveryFrame {
    fn message(&mut self, _: &Frame) -> Option<Payload<'_>> {
        Payload::unregistered(Uuid::LIVEGATE, TEXT).ok()
    }

    fn written(&mut self, _: &Frame) {}
}

fn marker() -> Marker {
    Marker::Uuid(Uuid::LIVEGATE)
}

/// A delimiter and four slices: 12,500 bytes a frame are 3 Mbit/s at 30 frames a second.
fn frame() -> Vec<u8> {
    let mut body = b"\x27\x01\0\0\0\0\0\0\x02\x09\xF0".to_vec();
    for _ in 0..4 {
        body.extend(b"\0\0\x0C\x30\x41\x9A");
        body.extend([0x55; 0x0C30 - 2]);
    }
    body
}

fn stream() -> Vec<u8> {
    let mut file = b"FLV\x01\x01\0\0\0\x09\0\0\0\0".to_vec();
    let mut tag = |kind: u8, body: &[u8]| {
        let len = u32::try_from(body.len()).unwrap();
        file.push(kind);
        file.extend(&len.to_be_bytes()[1..]);
        file.extend([0; 7]);
        file.extend(body);
        file.extend((len + 11).to_be_bytes());
        file.len()
    };
    tag(9, CONFIGURATION);
    // An audio frame of 1024 samples at 48 kHz and 128 kbit/s has 341 bytes; there are 47 a second.
    while tag(9, &frame()) < 1 << 20 {
        tag(8, &[0xAF; 341]);
        tag(8, &[0xAF; 341]);
    }
    file
}

#[divan::bench]
fn walk(bencher: Bencher<'_, '_>) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        let mut reader = Reader::new();
        let mut rest = black_box(&stream[..]);
        let mut tags = 0;
        while let Ok(part) = reader.next(rest) {
            match part {
                Part::More { .. } => break,
                Part::Tag(_) => tags += 1,
                _ => {}
            }
            rest = &rest[part.len()..];
        }
        tags
    });
}

/// The whole stream in one run.
fn rewrite(bencher: Bencher<'_, '_>, editor: &Editor, messages: fn() -> Box<dyn Messages>) {
    let stream = stream();
    let mut splices = Vec::new();
    bencher.counter(BytesCount::of_slice(&stream)).bench_local(|| {
        let mut rewriter = Rewriter::new(editor.clone());
        splices.clear();
        rewriter.run(black_box(&stream), &mut *messages(), &mut splices).map(|done| done.used)
    });
}

#[divan::bench]
fn nothing_due(bencher: Bencher<'_, '_>) {
    rewrite(bencher, &Editor::inserting(Some(marker())), || Box::new(NoMessages));
}

#[divan::bench]
fn every_frame(bencher: Bencher<'_, '_>) {
    rewrite(bencher, &Editor::inserting(Some(marker())), || Box::new(EveryFrame));
}

#[divan::bench]
fn strip(bencher: Bencher<'_, '_>) {
    rewrite(bencher, &Editor::stripping(marker()), || Box::new(NoMessages));
}

/// One frame, as a relay edits it: with a message (`true`) or with none due.
#[divan::bench(args = [false, true])]
fn edit(bencher: Bencher<'_, '_>, due: bool) {
    let body = frame();
    let mut editor = Editor::inserting(Some(marker()));
    let mut splices = Vec::new();
    editor.body(0, CONFIGURATION, &mut NoMessages, &mut splices).unwrap();
    let mut messages: Box<dyn Messages> =
        if due { Box::new(EveryFrame) } else { Box::new(NoMessages) };
    bencher.bench_local(|| {
        splices.clear();
        editor.body(7, black_box(&body), &mut *messages, &mut splices)
    });
}
