//! The fuzz target's body: what must hold for any stream at all.

use alloc::vec::Vec;

use super::edit::{Editor, Frame, Messages, NoMessages};
use super::rewrite::Rewriter;
use crate::sei::edit::{Splice, apply};
use crate::sei::ours::Marker;
use crate::sei::uuid::Uuid;
use crate::sei::write::Payload;

/// A message on every frame, and how many there were.
#[derive(Default)]
struct Every {
    asked: usize,
    written: usize,
}

impl Messages for Every {
    fn message(&mut self, frame: &Frame) -> Option<Payload<'_>> {
        self.asked += 1;
        // Every third is longer than a length of one byte can say.
        let len = if frame.dts.is_multiple_of(3) { 300 } else { 20 };
        Payload::unregistered(Uuid::LIVEGATE, &[0; 300][..len]).ok()
    }

    fn written(&mut self, _: &Frame) {
        self.written += 1;
    }
}

/// What comes out of the whole stream in chunks of `chunk` bytes, and whether it is FLV to its end.
fn run(
    editor: Editor,
    stream: &[u8],
    chunk: usize,
    messages: &mut dyn Messages,
) -> (Vec<u8>, bool) {
    let mut rewriter = Rewriter::new(editor);
    let (mut from, mut to) = (0, 0);
    let mut out = Vec::new();
    let mut splices: Vec<Splice> = Vec::new();
    loop {
        let there = stream.get(from..to).unwrap_or_default();
        let Ok(progress) = rewriter.run(there, messages, &mut splices) else {
            return (out, false);
        };
        let (used, _) = there.split_at(progress.used);
        out.append(&mut apply(used, &splices));
        splices.clear();
        from += progress.used;
        if to - from < progress.needed {
            if to == stream.len() {
                break;
            }
            to = stream.len().min(to + chunk);
        }
    }
    let rest = stream.get(from..).unwrap_or_default();
    let whole = rewriter.finish(rest, messages, &mut splices).is_ok();
    out.append(&mut apply(rest, &splices));
    (out, whole)
}

/// Puts messages in and takes them out, the stream in one piece and in pieces as long as its first
/// byte says.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    let Some((chunk, stream)) = data.split_first() else {
        return;
    };
    let chunk = usize::from(*chunk) + 1;
    let marker = || Marker::Uuid(Uuid::LIVEGATE);
    let (plain, flv) = run(Editor::stripping(marker()), stream, usize::MAX / 2, &mut NoMessages);
    let (again, _) = run(Editor::stripping(marker()), stream, chunk, &mut NoMessages);
    assert!(plain == again, "how it is cut does not matter where messages are taken out");
    assert!(plain.len() <= stream.len(), "taking out adds nothing");
    let (mut every, mut in_pieces) = (Every::default(), Every::default());
    let (with, _) = run(Editor::inserting(Some(marker())), &plain, usize::MAX / 2, &mut every);
    let (again, _) = run(Editor::inserting(Some(marker())), &plain, chunk, &mut in_pieces);
    assert!(with == again, "how it is cut does not matter where messages are put in");
    assert!(
        every.asked == in_pieces.asked && every.written == in_pieces.written,
        "nor to whom asks"
    );
    assert!(every.written > 0 || with == plain, "no message, no change");
    if flv {
        let (without, _) = run(Editor::stripping(marker()), &with, chunk, &mut NoMessages);
        assert!(without == plain, "taking out gives what was");
    }
}
