//! A stream of FLV with messages put into its frames or taken out.
//!
//! A shell reads into one buffer and writes out of it: what is told are the few places that change.

use alloc::vec::Vec;

use super::edit::{EditError, Edited, Editor, Messages, Supply};
use super::header::{FlvError, TagHeader, TagKind};
use super::reader::{Ending, Part, Reader};
use crate::sei::edit::Splice;

/// Rewrites one stream.
///
/// ```
/// use livegate_core::flv::edit::{Editor, NoMessages};
/// use livegate_core::flv::reader::Ending;
/// use livegate_core::flv::rewrite::Rewriter;
/// use livegate_core::sei::{edit::pieces, ours::Marker, uuid::Uuid};
///
/// # fn main() -> Result<(), livegate_core::flv::header::FlvError> {
/// let file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x08\0\0\x02\0\0\0\0\0\0\0\xAF\x01\0\0\0\x0D";
/// let mut rewriter = Rewriter::new(Editor::stripping(Marker::Uuid(Uuid::LIVEGATE)));
/// let (mut from, mut to, mut out) = (0, 0, Vec::new());
/// let mut splices = Vec::new();
/// loop {
///     let progress = rewriter.run(&file[from..to], &mut NoMessages, &mut splices)?;
///     for piece in pieces(&file[from..from + progress.used], &splices) {
///         out.extend_from_slice(piece);
///     }
///     splices.clear();
///     from += progress.used;
///     if to - from < progress.needed {
///         if to == file.len() {
///             break;
///         }
///         // A real shell reads as much as its buffer takes.
///         to = file.len().min(from + progress.needed);
///     }
/// }
/// let ending = rewriter.finish(&file[from..], &mut NoMessages, &mut splices)?;
/// assert_eq!(ending, Ending::Whole);
/// assert_eq!(out, file);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rewriter {
    reader: Reader,
    editor: Editor,
    /// By how much the latest tag grew.
    growth: i64,
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Progress {
    /// How many bytes are done: they go out with the splices, and do not come again.
    pub used: usize,
    /// How many bytes, counted from the first that is not done, the next run has to be shown at
    /// least; more is better. If there are as many already, run again.
    ///
    /// At most a tag, so 16 MiB: where messages are put in, at most twice what comes before a
    /// frame's first slice; where they are taken out, a whole video tag.
    pub needed: usize,
    /// A tag that passes as it is although it was to be changed. It is the last that is done.
    pub refused: Option<Refused>,
}

/// A tag that was to be changed and could not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it begins, in bytes from the start of the stream.
    pub offset: u64,
    /// Why.
    pub error: EditError,
}

/// What became of the head of a tag.
enum Head {
    More(usize),
    Done { growth: i64, refused: Option<EditError> },
}

impl Rewriter {
    /// A rewriter of a stream that begins with the file's header.
    pub const fn new(editor: Editor) -> Self {
        Self { reader: Reader::new(), editor, growth: 0 }
    }

    /// What edits the tags.
    pub const fn editor(&self) -> &Editor {
        &self.editor
    }

    /// Bytes from the start of the stream to the first that is not done.
    pub const fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// Goes through as much of `input` as can be done, and adds to `splices` what changes in it.
    /// What comes out does not depend on how the stream was cut into inputs.
    ///
    /// # Errors
    /// `flv.signature`, `flv.version`, `flv.data_offset`, `flv.tag_type`: the stream is none from
    /// here on, and nothing was used. What is before that is done by an earlier run.
    pub fn run(
        &mut self,
        input: &[u8],
        messages: &mut dyn Messages,
        splices: &mut Vec<Splice>,
    ) -> Result<Progress, FlvError> {
        let mut used = 0;
        loop {
            let done = |used, needed| Ok(Progress { used, needed, refused: None });
            let rest = input.get(used..).unwrap_or_default();
            let offset = self.reader.offset();
            let mut reader = self.reader;
            let part = match reader.next(rest) {
                Ok(Part::More { bytes }) => return done(used, bytes),
                Ok(part) => part,
                Err(error) if used == 0 => return Err(error),
                Err(_) => return done(used, 0),
            };
            let mut refusal = None;
            match part {
                Part::Tag(tag) => match self.head(tag, rest, used, Supply::Open, messages, splices)
                {
                    Head::More(bytes) => return done(used, bytes),
                    Head::Done { growth, refused } => {
                        self.growth = growth;
                        refusal = refused;
                    }
                },
                Part::PreviousTagSize { found, expected } => {
                    self.previous(found, expected, used, splices);
                }
                Part::File(_) | Part::Body(_) | Part::More { .. } => {}
            }
            self.reader = reader;
            used += part.len();
            if let Some(error) = refusal {
                let refused = Some(Refused { offset, error });
                return Ok(Progress { used, needed: 0, refused });
            }
        }
    }

    /// The stream has ended with `rest`, which [`Rewriter::run`] wanted more of: it goes out with
    /// the splices that this adds.
    ///
    /// # Errors
    /// As [`Rewriter::run`].
    pub fn finish(
        &mut self,
        rest: &[u8],
        messages: &mut dyn Messages,
        splices: &mut Vec<Splice>,
    ) -> Result<Ending, FlvError> {
        let mut reader = self.reader;
        // What was not run through ends within a tag or the file's header, or is a tag's head.
        if let Part::Tag(tag) = reader.next(rest)? {
            self.head(tag, rest, 0, Supply::Ended, messages, splices);
            let body = rest.get(TagHeader::LEN..).unwrap_or_default();
            let there = reader.next(body)?;
            return Ok(reader.finish(body.get(there.len()..).unwrap_or_default()));
        }
        Ok(self.reader.finish(rest))
    }

    /// The head of a tag at `at` of the input, of which `rest` is what is there.
    fn head(
        &mut self,
        tag: TagHeader,
        rest: &[u8],
        at: usize,
        supply: Supply,
        messages: &mut dyn Messages,
        splices: &mut Vec<Splice>,
    ) -> Head {
        const SAME: Head = Head::Done { growth: 0, refused: None };
        if tag.kind != TagKind::Video || tag.filtered {
            return SAME;
        }
        let len = tag.body_len as usize;
        let body = rest.get(TagHeader::LEN..).unwrap_or_default();
        let body = &body[..len.min(body.len())];
        let before = splices.len();
        let edited = self.editor.part(tag.timestamp, body, len, supply, messages, splices);
        let growth = match edited {
            // A tag is walked from its beginning each time: twice as much as there was, and the walks
            // together are as long as the tag.
            Ok(Edited::More { bytes }) => {
                return Head::More(TagHeader::LEN + bytes.max(len.min(2 * body.len())));
            }
            Ok(Edited::Done { growth }) => growth,
            Err(error) => return Head::Done { growth: 0, refused: Some(error) },
        };
        for splice in splices.iter_mut().skip(before) {
            splice.at += at + TagHeader::LEN;
        }
        if growth != 0 {
            let size = changed(tag.body_len, growth);
            splices.insert(before, Splice { at: at + 1, remove: 3, insert: size[1..].to_vec() });
        }
        Head::Done { growth, refused: None }
    }

    /// The `PreviousTagSize` behind a tag that may have grown: one that was right stays right, one
    /// that was wrong stays what it is.
    fn previous(&mut self, found: u32, expected: u32, at: usize, splices: &mut Vec<Splice>) {
        let growth = core::mem::take(&mut self.growth);
        if growth != 0 && found == expected {
            splices.push(Splice { at, remove: 4, insert: changed(found, growth).to_vec() });
        }
    }
}

/// A size that changed. Both are below 2^25: the editor saw to it.
fn changed(size: u32, growth: i64) -> [u8; 4] {
    u32::try_from(i64::from(size) + growth).unwrap_or(size).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Progress, Refused, Rewriter};
    use crate::flv::edit::{EditError, Editor, Frame, Messages};
    use crate::flv::header::FlvError;
    use crate::sei::edit::{Splice, apply};
    use crate::sei::sample::SampleError;
    use crate::sei::write::Payload;
    use std::vec;
    use std::vec::Vec;

    struct Always;

    impl Messages for Always {
        fn message(&mut self, _: &Frame) -> Option<Payload<'_>> {
            Some(Payload::typed(100, b"a").unwrap())
        }

        fn written(&mut self, _: &Frame) {}
    }

    const HEAD: &[u8] = b"FLV\x01\x01\0\0\0\x09\0\0\0\0\
        \x09\0\0\x0A\0\0\0\0\0\0\0\x17\0\0\0\0\x01\x64\0\x1F\xFF\0\0\0\x15";

    /// Everything that is done of `input` in one go.
    fn run(rewriter: &mut Rewriter, input: &[u8]) -> (Result<Progress, FlvError>, Vec<Splice>) {
        let mut splices = Vec::new();
        (rewriter.run(input, &mut Always, &mut splices), splices)
    }

    #[test]
    fn both_sizes_of_a_tag_follow() {
        // 5 + 4 + 2 bytes, and 11 more.
        let tag = b"\x09\0\0\x0B\0\0\x21\0\0\0\0\x27\x01\0\0\0\0\0\0\x02\x41\x9A\0\0\0\x16";
        let file = [HEAD, tag].concat();
        let mut rewriter = Rewriter::new(Editor::inserting(None));
        let (progress, splices) = run(&mut rewriter, &file);
        assert_eq!(progress, Ok(Progress { used: file.len(), needed: 11, refused: None }));
        let message = b"\0\0\0\x05\x06\x64\x01a\x80";
        let expected = [
            HEAD,
            b"\x09\0\0\x14\0\0\x21\0\0\0\0\x27\x01\0\0\0",
            message,
            b"\0\0\0\x02\x41\x9A\0\0\0\x1F",
        ];
        assert_eq!(apply(&file, &splices), expected.concat());
        // A PreviousTagSize that was wrong stays what it was.
        let mut wrong = file;
        let last = wrong.len() - 1;
        wrong[last] = 0x0B;
        let (_, splices) = run(&mut Rewriter::new(Editor::inserting(None)), &wrong);
        assert!(apply(&wrong, &splices).ends_with(b"\0\0\0\x0B"));
    }

    #[test]
    fn a_tag_larger_than_any_buffer_passes() {
        // A slice of 0xFFF000 bytes, of which a kilobyte is there at a time.
        let body_len: u32 = 9 + 0x00FF_F000;
        let mut head = HEAD.to_vec();
        head.extend([9]);
        head.extend(&body_len.to_be_bytes()[1..]);
        head.extend(b"\0\0\x21\0\0\0\0\x27\x01\0\0\0\0\xFF\xF0\0\x41");
        let mut rewriter = Rewriter::new(Editor::inserting(None));
        // All but the first byte of the slice: nothing of the tag is done. Of the body 9 bytes are
        // there, 10 would do, and twice as many are asked for.
        let (progress, splices) = run(&mut rewriter, &head[..head.len() - 1]);
        assert_eq!(progress, Ok(Progress { used: HEAD.len(), needed: 11 + 18, refused: None }));
        assert_eq!(splices, []);
        let (progress, splices) = run(&mut rewriter, &head[HEAD.len()..]);
        assert_eq!(progress, Ok(Progress { used: 21, needed: 1, refused: None }));
        assert_eq!(splices.len(), 2);
        let mut left = 0x00FF_F000 - 1;
        while left > 0 {
            let chunk = vec![0; left.min(1024)];
            let (progress, splices) = run(&mut rewriter, &chunk);
            assert_eq!(progress.unwrap().used, chunk.len());
            assert_eq!(splices, []);
            left -= chunk.len();
        }
        // 11 more than the body, and 9 more of a message.
        let (_, splices) = run(&mut rewriter, &(body_len + 11).to_be_bytes());
        assert_eq!(splices[0].insert, (body_len + 11 + 9).to_be_bytes());
    }

    #[test]
    fn a_refused_tag_is_told_and_the_stream_goes_on() {
        let broken = b"\x09\0\0\x06\0\0\x21\0\0\0\0\x27\x01\0\0\0\x05\0\0\0\x11";
        let file = [HEAD, broken, &HEAD[13..]].concat();
        let mut rewriter = Rewriter::new(Editor::inserting(None));
        let (progress, splices) = run(&mut rewriter, &file);
        let error = EditError::Sample(SampleError::Broken { at: 0 });
        let refused = Some(Refused { offset: HEAD.len() as u64, error });
        let used = HEAD.len() + 11;
        assert_eq!(progress, Ok(Progress { used, needed: 0, refused }));
        let (progress, _) = run(&mut rewriter, &file[used..]);
        assert_eq!(progress.unwrap().used, file.len() - used);
        assert_eq!(splices, []);
    }

    #[test]
    fn garbage_is_told_once_what_is_before_it_is_done() {
        let file = [HEAD, b"garbage garbage"].concat();
        let mut rewriter = Rewriter::new(Editor::inserting(None));
        let (progress, _) = run(&mut rewriter, &file);
        assert_eq!(progress, Ok(Progress { used: HEAD.len(), needed: 0, refused: None }));
        let error = FlvError::TagType { offset: HEAD.len() as u64, found: b'g' };
        assert_eq!(run(&mut rewriter, &file[HEAD.len()..]).0, Err(error));
        assert_eq!(run(&mut rewriter, &file[HEAD.len()..]).0, Err(error));
    }
}
