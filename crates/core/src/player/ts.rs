//! The messages of an MPEG transport stream as it comes.

use alloc::vec::Vec;

use super::base::Base;
use super::book::Book;
use super::warning::Warning;
use crate::sei::annexb::{self, Nal};
use crate::sei::codec::{Codec, Unit};
use crate::sei::frame::MAX_LEAD;
use crate::ts::pes::Times;
use crate::ts::reader::{Event, Reader};

/// How many PES packets a NAL unit may reach over and still have the time of its first one.
const MAX_MARKS: usize = 8;

/// A stream as it comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    reader: Reader,
    video: Video,
    pictures: Pictures,
}

/// How far the first picture is: mpegts.js, which plays transport streams, drops the sound that comes before it has
/// all of it, which is when the next one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pictures {
    #[default]
    None,
    Begun,
    Complete,
}

/// What is known of the video.
#[derive(Clone, Debug)]
struct Video {
    codec: Option<Codec>,
    nals: annexb::Reader,
    clock: Clock,
    /// How many bytes of it came.
    pushed: u64,
    /// From which byte on which time counts.
    marks: Vec<(u64, i64)>,
}

impl Default for Video {
    fn default() -> Self {
        Self {
            codec: None,
            nals: annexb::Reader::keeping(MAX_LEAD),
            clock: Clock::default(),
            pushed: 0,
            marks: Vec::new(),
        }
    }
}

impl Stream {
    /// Takes more of the stream; `shift` is what its times are more than those that count.
    pub(super) fn push(&mut self, bytes: &[u8], shift: i64, base: &mut Base, book: &mut Book) {
        let Self { reader, video, pictures } = self;
        reader.push(bytes, &mut |event| match event {
            Event::Video(codec) => {
                video.codec = Some(codec);
                video.cut();
            }
            Event::Start(times) => {
                *pictures = match *pictures {
                    Pictures::None => Pictures::Begun,
                    Pictures::Begun | Pictures::Complete => Pictures::Complete,
                };
                book.frame();
                let Some((shown, decoded)) = video.clock.times(times) else { return };
                let [shown, decoded] = [shown, decoded].map(|time| time.saturating_sub(shift));
                base.video(decoded);
                book.follows(decoded, shown);
                if video.marks.len() >= MAX_MARKS {
                    video.marks.remove(0);
                }
                video.marks.push((video.pushed, shown));
            }
            Event::Sound(times) => {
                let times = video.clock.times(times);
                if let (Pictures::Complete, Some((_, decoded))) = (*pictures, times) {
                    base.audio(decoded.saturating_sub(shift));
                }
            }
            Event::Bytes(bytes) => video.bytes(bytes, book),
            Event::Jump => video.cut(),
            Event::Missing | Event::Lost => {
                let time = video.marks.last().map_or(0, |(_, time)| *time);
                video.cut();
                book.warn(
                    time,
                    match event {
                        Event::Missing => Warning::PacketsMissing,
                        _ => Warning::SyncLost,
                    },
                );
            }
        });
    }
}

impl Video {
    /// What is under way will not end.
    fn cut(&mut self) {
        self.nals = annexb::Reader::keeping(MAX_LEAD);
        self.pushed = 0;
        self.marks.clear();
    }

    fn bytes(&mut self, bytes: &[u8], book: &mut Book) {
        let Self { codec, nals, pushed, marks, .. } = self;
        let Some(codec) = *codec else { return };
        *pushed = pushed.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        nals.push(bytes, &mut |nal: Nal<'_>| {
            if !Unit::parse(codec, nal.bytes).is_some_and(Unit::is_sei) {
                return;
            }
            let begins = nal.offset.saturating_sub(nal.start_code_len());
            // The time of the PES packet in which it begins.
            let mark = marks.iter().rev().find(|(from, _)| *from <= begins);
            if let Some((_, time)) = mark.or_else(|| marks.first()) {
                book.nal(codec, nal.bytes, *time);
            }
        });
    }
}

/// Times of 33 bits as microseconds that go on: each is the one of its number that is nearest to the
/// one before it.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// When something is shown and decoded, if that is said.
    fn times(&mut self, times: Times) -> Option<(i64, i64)> {
        let shown = self.time(times.pts?);
        Some((micros(shown), micros(times.dts.map_or(shown, |dts| self.time(dts)))))
    }

    fn time(&mut self, timestamp: u64) -> i64 {
        const BITS: u32 = 33;
        let timestamp = timestamp.cast_signed();
        let time = match self.last {
            None => timestamp,
            Some(last) => {
                // As a signed number of 33 bits the difference is the shorter way around.
                let step = timestamp.wrapping_sub(last) << (64 - BITS) >> (64 - BITS);
                last.saturating_add(step)
            }
        };
        self.last = Some(time);
        time
    }
}

/// Of units of 1/90,000 s.
const fn micros(ticks: i64) -> i64 {
    ticks.saturating_mul(100).div_euclid(9)
}
