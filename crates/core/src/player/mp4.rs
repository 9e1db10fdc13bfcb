//! The messages of fragmented MP4 as it comes.

use super::book::Book;
use super::frame;
use crate::mp4::reader::{Event, Reader};
use crate::sei::sample::Reach;

/// A stream as it comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    reader: Reader,
    /// When the sample is shown that came last.
    time: i64,
}

impl Stream {
    /// Other boxes come next. How samples are written stays known.
    pub(super) fn part(&mut self) {
        self.reader.part();
    }

    /// Takes more of the stream; `shift` is what its times are more than those that count.
    pub(super) fn push(&mut self, bytes: &[u8], shift: i64, book: &mut Book) {
        let Self { reader, time } = self;
        reader.push(bytes, &mut |event| match event {
            Event::Sample(sample, shown) => {
                *time = sample.time.saturating_sub(shift);
                let len = usize::try_from(sample.len).unwrap_or(usize::MAX);
                frame::read(sample.format, shown, len, Reach::Whole, *time, book)
            }
            Event::Passed(defect) => {
                book.warn(*time, defect.into());
                Ok(())
            }
        });
    }
}
