//! The messages of FLV tags: one by one, or of a stream as it comes.

use alloc::vec::Vec;

use super::base::Base;
use super::book::Book;
use super::frame;
use super::tracker::Scope;
use super::warning::Warning;
use crate::flv::audio::Audio;
use crate::flv::config::Configuration;
use crate::flv::header::{TagHeader, TagKind};
use crate::flv::reader::{Part, Reader};
use crate::flv::video::{FrameHeader, NeedMore, Other, Video};
use crate::prefix::Prefix;
use crate::sei::clock::StreamClock;
use crate::sei::codec::{Codec, Unit};
use crate::sei::frame::{FrameFormat, Framing, MAX_LEAD};
use crate::sei::sample::Reach;

/// How much of a body is looked at first: enough for its header and the first NAL units' of most.
const FIRST: usize = 32;

/// How much of a body is looked at: a frame's lead behind a header that a sender may make long.
const MAX_BODY: usize = 2 * MAX_LEAD;

/// Microseconds in a millisecond.
const MILLI: i64 = 1_000;

/// What a file begins with; no tag's type.
const FILE: u8 = b'F';

/// What is known of the tags so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags {
    format: Option<FrameFormat>,
    clock: StreamClock,
}

impl Tags {
    /// Reads a tag's body of which `shown` is there, for what is shown at `time`, or at the tag's own;
    /// of H.265 all of it, if it is not too long for that.
    ///
    /// # Errors
    /// More of the body is needed; nothing was read.
    pub(super) fn body(
        &mut self,
        header: &TagHeader,
        shown: &[u8],
        time: Option<i64>,
        reach: Reach,
        base: &mut Base,
        book: &mut Book,
    ) -> Result<(), NeedMore> {
        let len = usize::try_from(header.body_len).unwrap_or(usize::MAX);
        if header.filtered || header.kind == TagKind::Script {
            return Ok(());
        }
        if shown.is_empty() && len > 0 {
            return Err(NeedMore { bytes: len.min(FIRST) });
        }
        // The same tag twice, where more of it was needed, changes nothing.
        let decoded = self.clock.time(header.timestamp).saturating_mul(MILLI);
        if header.kind == TagKind::Audio {
            if shown.len() < len.min(5) {
                return Err(NeedMore { bytes: len.min(5) });
            }
            if !matches!(Audio::parse(shown), Audio::Configuration { .. } | Audio::Nothing) {
                base.audio(decoded);
            }
            return Ok(());
        }
        match Video::parse(shown, len)? {
            Video::Configuration { codec, at } => {
                if shown.len() < len {
                    return Err(NeedMore { bytes: len });
                }
                let record = shown.get(at..).unwrap_or_default();
                self.configuration(codec, record, time.unwrap_or(decoded), book);
            }
            Video::Frame(FrameHeader { codec, composition_time, at, .. }) => {
                base.video(decoded);
                let shift = i64::from(composition_time).saturating_mul(MILLI);
                let own = decoded.saturating_add(shift);
                let time = time.unwrap_or(own);
                // Single tags come as somebody likes.
                if reach == Reach::Whole {
                    book.follows(decoded, own);
                }
                let Some(format) = self.format.filter(|format| format.codec == codec) else {
                    book.warn(time, Warning::NotConfigured);
                    return Ok(());
                };
                let sample = shown.get(at..).unwrap_or_default();
                let need = |bytes: usize| NeedMore { bytes: bytes.saturating_add(at) };
                let len = len.saturating_sub(at);
                frame::read(format, sample, len, reach, time, book).map_err(need)?;
            }
            Video::Other(Other::Codec) => base.video(decoded),
            Video::End | Video::Other(_) => {}
        }
        Ok(())
    }

    fn configuration(&mut self, codec: Codec, record: &[u8], time: i64, book: &mut Book) {
        let read = match Configuration::parse(codec, record) {
            Ok(read) => read,
            Err(error) => {
                self.format = None;
                return book.warn(time, Warning::Configuration(error));
            }
        };
        self.format = Some(FrameFormat { codec, framing: Framing::Lengths(read.length_size) });
        book.frame();
        for found in read.parameter_sets() {
            if Unit::parse(codec, found.nal).is_some_and(Unit::is_sei) {
                book.nal(codec, found.nal, time);
            }
        }
    }
}

/// A stream as it comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    tags: Tags,
    reader: Reader,
    /// The beginning of a header.
    held: Vec<u8>,
    /// The tag under way, as long as more of it is wanted.
    tag: Option<TagHeader>,
    /// What is wanted of its body.
    body: Prefix,
    is_over: bool,
    /// Whether what comes next is another part of the stream.
    is_part: bool,
}

impl Stream {
    /// Other bytes come next: another stream's, or of this one, from one of its tags on, or another file's.
    /// How its frames are written stays known then.
    pub(super) fn begin(&mut self, scope: Scope) {
        let is_part = scope == Scope::Readers;
        let tags = if is_part { core::mem::take(&mut self.tags) } else { Tags::default() };
        *self = Self { tags, is_part, ..Self::default() };
    }

    /// Takes more of the stream.
    pub(super) fn push(&mut self, bytes: &[u8], base: &mut Base, book: &mut Book) {
        let mut rest = bytes;
        if let (true, Some(first)) = (self.is_part, rest.first()) {
            self.is_part = false;
            if *first != FILE {
                self.reader = Reader::at_tag();
            }
        }
        while !self.is_over && !rest.is_empty() {
            let mut held = core::mem::take(&mut self.held);
            let is_held = !held.is_empty();
            let read = if is_held {
                // Headers are put together byte by byte: they have eleven at most.
                let (head, after) = rest.split_at(1);
                held.extend_from_slice(head);
                rest = after;
                self.reader.next(&held)
            } else {
                self.reader.next(rest)
            };
            let part = match read {
                Ok(part) => part,
                Err(error) => {
                    self.is_over = true;
                    return book.warn(0, Warning::Flv(error));
                }
            };
            if let Part::More { .. } = part {
                if !is_held {
                    held.extend_from_slice(rest);
                    rest = &[];
                }
                self.held = held;
                continue;
            }
            let taken = part.len();
            match part {
                Part::File(header) => base.says(header.audio, header.video),
                Part::Tag(header) => {
                    let len = usize::try_from(header.body_len).unwrap_or(usize::MAX);
                    self.tag = Some(header).filter(|_| len > 0);
                    self.body.begin(len.min(FIRST));
                }
                Part::Body(bytes) => self.body(bytes, base, book),
                Part::PreviousTagSize { .. } | Part::More { .. } => {}
            }
            if !is_held {
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
    }

    /// A piece of a body.
    fn body(&mut self, piece: &[u8], base: &mut Base, book: &mut Book) {
        let Some(header) = self.tag else { return };
        let Self { tags, body, .. } = self;
        let is_read = body.push(piece, &mut |shown| match tags.body(
            &header,
            shown,
            None,
            Reach::Whole,
            base,
            book,
        ) {
            Err(NeedMore { bytes }) if bytes > MAX_BODY => {
                book.warn(0, Warning::LeadTooLong);
                Ok(())
            }
            read => read.map_err(|NeedMore { bytes }| bytes),
        });
        if is_read {
            self.tag = None;
        }
    }
}
