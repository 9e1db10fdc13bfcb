//! Messages with times of their own: which one a frame shows.
//!
//! A message belongs to the frames that are *shown* from its time on, but frames are sent in another
//! order where there are B-frames. So an entry is due on every frame that is shown from its time on
//! and before any frame that carries it already: whichever of them a player shows first has it.

use alloc::vec::Vec;
use core::fmt;

use crate::error::{Code, Coded, Fault};

/// The times of a list of messages, which the caller keeps; entry 0 is the list's first.
///
/// Times are presentation times in milliseconds on the stream's own clock: decoding time
/// ([`StreamClock`](super::clock::StreamClock), so that they do not wrap) plus composition time.
#[derive(Clone, Debug)]
pub struct Timeline {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Shown from here on, until the next entry's time.
    from: i64,
    /// The earliest frame that carries it.
    carried: Option<i64>,
    /// Whether any frame ever carried it.
    used: bool,
}

/// What is in effect at a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InEffect {
    /// The entry's index.
    pub index: usize,
    /// Whether this frame is to carry it: no frame does yet that is shown as early.
    pub due: bool,
}

/// Why a list of times is no timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimelineError {
    /// An entry's time is not after the one before it.
    Order {
        /// The entry, counted from 0.
        index: usize,
    },
}

impl Timeline {
    /// Takes times in ascending order, no two alike. None at all is a timeline too.
    pub fn new(times: impl IntoIterator<Item = i64>) -> Result<Self, TimelineError> {
        let mut entries: Vec<Entry> = Vec::new();
        for from in times {
            if entries.last().is_some_and(|last| last.from >= from) {
                return Err(TimelineError::Order { index: entries.len() });
            }
            entries.push(Entry { from, carried: None, used: false });
        }
        Ok(Self { entries })
    }

    /// What a frame that is shown at `pts` shows. `None` before the first entry.
    pub fn frame(&self, pts: i64) -> Option<InEffect> {
        let index = self.entries.partition_point(|entry| entry.from <= pts).checked_sub(1)?;
        let due = self.entries.get(index)?.carried.is_none_or(|carried| pts < carried);
        Some(InEffect { index, due })
    }

    /// The frame that is shown at `pts` carries what is in effect there, because it was due or for
    /// another reason.
    pub fn written(&mut self, pts: i64) {
        let Some(InEffect { index, due: true }) = self.frame(pts) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(index) {
            (entry.carried, entry.used) = (Some(pts), true);
        }
    }

    /// The entries that no frame carried so far: no frame was shown between their time and the next
    /// one's.
    pub fn unused(&self) -> impl Iterator<Item = usize> {
        let all = self.entries.iter().enumerate();
        all.filter(|(_, entry)| !entry.used).map(|(index, _)| index)
    }

    /// The receiver is another one now, or the stream began anew: no frame carries anything.
    pub fn reconnect(&mut self) {
        for entry in &mut self.entries {
            entry.carried = None;
        }
    }
}

impl fmt::Display for TimelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { index } => {
                write!(f, "entry {index} of the timeline is not after the one before it")
            }
        }
    }
}

impl core::error::Error for TimelineError {}

impl Coded for TimelineError {
    fn code(&self) -> Code {
        match self {
            Self::Order { .. } => Code::new("sei.timeline_order"),
        }
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

#[cfg(test)]
mod tests {
    use super::{InEffect, Timeline, TimelineError};
    use crate::error::Coded;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use std::vec::Vec;

    /// Which of the frames carry which entry, if every one can. Frames in decoding order.
    fn written(timeline: &mut Timeline, frames: &[i64]) -> Vec<(i64, usize)> {
        let mut all = Vec::new();
        for pts in frames {
            if let Some(InEffect { index, due: true }) = timeline.frame(*pts) {
                timeline.written(*pts);
                all.push((*pts, index));
            }
        }
        all
    }

    #[test]
    fn each_message_goes_once_into_a_stream_without_b_frames() {
        let mut timeline = Timeline::new([0, 1000, 1010, 3000]).unwrap();
        let frames: Vec<i64> = (0..100).map(|frame| frame * 40 - 80).collect();
        // 1000 is a frame's time and 1010 is not (the next one is 1040).
        assert_eq!(written(&mut timeline, &frames), [(0, 0), (1000, 1), (1040, 2), (3000, 3)]);
    }

    #[test]
    fn entries_that_no_frame_shows_are_told() {
        // Frames at 0, 40 and 80: none is shown from 41 up to 50, or from 100 on.
        let mut timeline = Timeline::new([0, 41, 50, 100]).unwrap();
        assert_eq!(written(&mut timeline, &[0, 40, 80]), [(0, 0), (80, 2)]);
        assert_eq!(timeline.unused().collect::<Vec<_>>(), [1, 3]);
        timeline.reconnect();
        assert_eq!(timeline.unused().collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn of_b_frames_the_one_that_is_shown_first_has_it() {
        // Shown every 40 ms, decoded P before the two B that refer to it: 120 before 40 and 80.
        let frames = [0, 120, 40, 80, 240, 160, 200];
        let mut timeline = Timeline::new([0, 60, 210]).unwrap();
        assert_eq!(written(&mut timeline, &frames), [(0, 0), (120, 1), (80, 1), (240, 2)]);
        // A pyramid: 320 160 80 40 120 240 200 280; the entry's first frame is decoded last.
        let frames = [0, 320, 160, 80, 40, 120, 240, 200, 280];
        let mut timeline = Timeline::new([-10, 30]).unwrap();
        let all = written(&mut timeline, &frames);
        assert_eq!(all, [(0, 0), (320, 1), (160, 1), (80, 1), (40, 1)]);
    }

    #[test]
    fn what_was_not_written_stays_due() {
        let mut timeline = Timeline::new([0, 100]).unwrap();
        let first = Some(InEffect { index: 0, due: true });
        assert_eq!(timeline.frame(0), first);
        assert_eq!(timeline.frame(40), first);
        timeline.written(40);
        assert_eq!(timeline.frame(80), Some(InEffect { index: 0, due: false }));
        // Nobody was told of 100 in time: the next one that can carries it.
        assert_eq!(timeline.frame(5000), Some(InEffect { index: 1, due: true }));
        timeline.reconnect();
        assert_eq!(timeline.frame(80), first);
    }

    #[test]
    fn nothing_is_in_effect_before_the_first_entry() {
        assert_eq!(Timeline::new([]).unwrap().frame(0), None);
        let mut timeline = Timeline::new([5]).unwrap();
        assert_eq!(timeline.frame(4), None);
        timeline.written(4);
        assert_eq!(timeline.frame(5), Some(InEffect { index: 0, due: true }));
    }

    #[test]
    fn times_ascend() {
        for (times, index) in [(&[5, 4][..], 1), (&[1, 2, 2], 2)] {
            let error = Timeline::new(times.iter().copied()).unwrap_err();
            assert_eq!(error, TimelineError::Order { index });
            assert!(error.code().is_well_formed());
        }
    }

    proptest! {
        /// Frames in any order: going through them as a player shows them, the first one of each
        /// entry carries it, by a search of its own.
        #[test]
        fn the_first_frame_that_shows_an_entry_carries_it(
            times in proptest::collection::btree_set(0_i64..100, 0..8),
            frames in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let times: Vec<i64> = times.into_iter().collect();
            let frames: Vec<i64> = frames.into_iter().map(i64::from).collect();
            let mut timeline = Timeline::new(times.iter().copied()).unwrap();
            let carried = written(&mut timeline, &frames);
            for (index, from) in times.iter().enumerate() {
                let until = times.get(index + 1).copied().unwrap_or(i64::MAX);
                let shown = frames.iter().filter(|pts| **pts >= *from && **pts < until).min();
                let first = carried.iter().filter(|(_, entry)| *entry == index).map(|(pts, _)| pts).min();
                prop_assert_eq!(first, shown);
            }
        }
    }
}
