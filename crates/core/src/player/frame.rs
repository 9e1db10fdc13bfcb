//! One frame: what stands before its picture.

use super::book::Book;
use super::warning::Warning;
use crate::sei::codec::Codec;
use crate::sei::frame::{FrameFormat, MAX_LEAD, Step};
use crate::sei::sample::Reach;

/// Reads a frame of `len` bytes that begins with `shown`; up to its picture, or all of one of H.265 that
/// is not too long for that.
///
/// # Errors
/// So many bytes are needed. Nothing was read then: first it is seen whether all is there.
#[inline]
pub(super) fn read(
    format: FrameFormat,
    shown: &[u8],
    len: usize,
    reach: Reach,
    time: i64,
    book: &mut Book,
) -> Result<(), usize> {
    let reach = if format.codec == Codec::H265 && len <= MAX_LEAD { reach } else { Reach::Picture };
    if reach == Reach::Whole && shown.len() < len {
        return Err(len);
    }
    let mut units = format.units(shown, len, reach);
    let mut has_sei = false;
    let end = loop {
        match units.step() {
            Step::Sei(_) => has_sei = true,
            Step::More { bytes } => return Err(bytes),
            Step::End(end) => break end,
        }
    };
    if let Some(warning) = Warning::of(end) {
        book.warn(time, warning);
    }
    if has_sei {
        book.frame();
        let mut units = format.units(shown, len, reach);
        while let Step::Sei(nal) = units.step() {
            book.nal(format.codec, nal, time);
        }
    }
    Ok(())
}
