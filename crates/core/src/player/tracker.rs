//! Everything that a page's player asks, in one place.

use alloc::string::String;
use alloc::vec::Vec;

use super::base::Base;
use super::book::{Book, Found};
use super::warning::Warning;
use super::{flv, frame, mp4, ts};
use crate::flv::config::{Configuration, ConfigurationError};
use crate::flv::header::TagHeader;
use crate::flv::video::NeedMore;
use crate::layout::Size;
use crate::layout::hit::{BoxRect, Showing};
use crate::sei::codec::Codec;
use crate::sei::frame::{FrameFormat, Framing};
use crate::sei::sample::{Reach, SampleError};

/// Reads the layouts of a stream and says which one counts when.
///
/// Times are in microseconds. What bytes say is on the *stream's* clock; what is asked and told is on
/// the *player's*, which is less by [`Tracker::shift`].
#[derive(Clone, Debug)]
pub struct Tracker {
    format: Option<FrameFormat>,
    tags: flv::Tags,
    flv: flv::Stream,
    mp4: mp4::Stream,
    ts: ts::Stream,
    base: Base,
    book: Book,
    shift: i64,
    rects: Vec<BoxRect>,
}

/// What became of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// So many bytes from the first are needed; nothing was read yet.
    More(usize),
    /// All was read, and this found.
    Done(Found),
}

/// How much is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What is under way: other bytes come next.
    Readers,
    /// The layouts, too.
    All,
}

impl Tracker {
    /// One that knows nothing. A layout counts for `max_age` microseconds.
    pub fn new(max_age: i64) -> Self {
        Self {
            format: None,
            tags: flv::Tags::default(),
            flv: flv::Stream::default(),
            mp4: mp4::Stream::default(),
            ts: ts::Stream::default(),
            base: Base::default(),
            book: Book::new(max_age),
            shift: 0,
            rects: Vec::new(),
        }
    }

    /// Says how the frames of [`Self::push`] are written.
    pub const fn configure(&mut self, format: FrameFormat) {
        self.format = Some(format);
    }

    /// The same, by a decoder configuration record.
    ///
    /// # Errors
    /// [`ConfigurationError`]: it cannot be read. How frames are written is unknown then.
    pub fn configure_record(
        &mut self,
        codec: Codec,
        record: &[u8],
    ) -> Result<(), ConfigurationError> {
        self.format = None;
        let read = Configuration::parse(codec, record)?;
        self.format = Some(FrameFormat { codec, framing: Framing::Lengths(read.length_size) });
        Ok(())
    }

    /// Takes a frame of `len` bytes that begins with `shown` and is shown at a time of the stream.
    pub fn push(&mut self, shown: &[u8], len: usize, time: i64) -> Pushed {
        self.book.begin();
        let read = if let Some(format) = self.format {
            frame::read(format, shown, len, Reach::Picture, time, &mut self.book)
        } else {
            self.book.warn(time, Warning::NotConfigured);
            Ok(())
        };
        self.pushed(read)
    }

    /// Takes a tag of FLV of `len` bytes, with its header, that begins with `shown`. It is shown at a
    /// time of the stream; without, at its own.
    pub fn flv_tag(&mut self, shown: &[u8], len: usize, time: Option<i64>) -> Pushed {
        self.book.begin();
        let Some((head, body)) = shown.split_first_chunk::<{ TagHeader::LEN }>() else {
            if len >= TagHeader::LEN {
                return Pushed::More(len.min(TagHeader::LEN.saturating_mul(4)));
            }
            self.book.warn(time.unwrap_or(0), Warning::Frame(SampleError::Broken { at: 0 }));
            return self.pushed(Ok(()));
        };
        let mut header = match TagHeader::parse(*head, 0) {
            Ok(header) => header,
            Err(error) => {
                self.book.warn(time.unwrap_or(0), Warning::Flv(error));
                return self.pushed(Ok(()));
            }
        };
        // A tag that was cut short has what it has; behind it may be its size.
        let there = u32::try_from(len.saturating_sub(TagHeader::LEN)).unwrap_or(u32::MAX);
        header.body_len = header.body_len.min(there);
        let whole = usize::try_from(header.body_len).unwrap_or(usize::MAX);
        let body = body.get(..whole).unwrap_or(body);
        let read =
            self.tags.body(&header, body, time, Reach::Picture, &mut self.base, &mut self.book);
        self.pushed(read.map_err(|NeedMore { bytes }| bytes.saturating_add(TagHeader::LEN)))
    }

    /// Takes bytes of an FLV stream as they come.
    pub fn flv(&mut self, bytes: &[u8]) -> Found {
        self.book.begin();
        self.flv.push(bytes, &mut self.base, &mut self.book);
        self.book.found()
    }

    /// Takes bytes of an MPEG transport stream as they come. Its times count `shift` less.
    pub fn ts(&mut self, bytes: &[u8], shift: i64) -> Found {
        self.book.begin();
        self.ts.push(bytes, shift, &mut self.base, &mut self.book);
        self.book.found()
    }

    /// Takes bytes of fragmented MP4 as they come. Its times count `shift` less.
    pub fn mp4(&mut self, bytes: &[u8], shift: i64) -> Found {
        self.book.begin();
        self.mp4.push(bytes, shift, &mut self.book);
        self.book.found()
    }

    fn pushed(&self, read: Result<(), usize>) -> Pushed {
        read.err().map_or_else(|| Pushed::Done(self.book.found()), Pushed::More)
    }

    /// Where players of MSE have their zero: the first time of decoding, of sound or video. `None`
    /// until both are known, or one of them and that there is no other.
    pub fn base(&self) -> Option<i64> {
        self.base.time()
    }

    /// The same for a player that was told to leave the sound out: the first time of video.
    pub const fn base_of_video(&self) -> Option<i64> {
        self.base.first_video
    }

    /// Says by how much the stream's times are more than the player's.
    pub const fn shift(&mut self, micros: i64) {
        self.shift = micros;
    }

    /// Another stream comes next, or another part of this one.
    pub fn reset(&mut self, scope: Scope) {
        self.flv.begin(scope);
        self.mp4.begin(scope);
        self.ts = ts::Stream::default();
        self.book.part();
        if scope == Scope::All {
            self.tags = flv::Tags::default();
            self.base = Base::default();
            self.book.clear();
        }
    }

    /// The number of the layout that counts at a time of the player's.
    pub fn at(&mut self, time: i64) -> Option<u32> {
        self.book.at(time.saturating_add(self.shift))
    }

    /// When, on the stream's clock, a message of this content is that is near a time of the player's;
    /// `None` if several are. It is for players that say how they time a message.
    pub fn time_of(&mut self, content: &[u8], time: i64) -> Option<i64> {
        self.book.time_of(content, time.saturating_add(self.shift))
    }

    /// Writes a layout as JSON, in place of what `out` had; nothing if it is gone.
    pub fn layout(&mut self, id: u32, out: &mut String) {
        out.clear();
        if let Some((time, scene)) = self.book.layout(id) {
            scene.write(id, time.saturating_sub(self.shift), out);
        }
    }

    /// Writes what the last push had as JSON, in place of what `out` had.
    pub fn messages(&mut self, out: &mut String) {
        out.clear();
        self.book.write(self.shift, out);
    }

    /// Where the panes of a layout are in a box, in their order.
    pub fn place(&mut self, id: u32, picture: Size, showing: &Showing) -> &[BoxRect] {
        self.rects.clear();
        if let Some((_, scene)) = self.book.layout(id) {
            scene.place(picture, showing, &mut |rect| self.rects.push(rect));
        }
        &self.rects
    }
}

#[cfg(test)]
mod tests;
