//! When a message is due: at which frames of a stream.
//!
//! A state machine over decoding timestamps. It is asked at every frame that can carry a message,
//! and told when one did; until then the message stays due.

use core::fmt;

use super::clock::StreamClock;
use crate::error::{Code, Coded, Fault};

/// Milliseconds between two messages of a timer: [`Interval::MIN`] to [`Interval::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(u16);

impl Interval {
    /// Alibaba's `SeiParams.LayoutVolume.Interval` begins here; Tencent's default is this.
    pub const MIN: Self = Self(1000);

    /// Where Alibaba's ends.
    pub const MAX: Self = Self(5000);

    /// Takes 1000 to 5000.
    pub fn from_millis(millis: u32) -> Result<Self, IntervalError> {
        match u16::try_from(millis).map(Self) {
            Ok(interval) if interval >= Self::MIN && interval <= Self::MAX => Ok(interval),
            _ => Err(IntervalError { millis }),
        }
    }

    /// As milliseconds.
    pub const fn as_millis(self) -> u32 {
        self.0 as u32
    }
}

/// An interval outside 1000 to 5000 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntervalError {
    /// What was asked for.
    pub millis: u32,
}

/// How often a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Never.
    Off,
    /// On every key frame.
    KeyFrames,
    /// On every frame.
    EveryFrame,
    /// On the first frame, and then on the first at or after every multiple of an interval from
    /// there, by decoding time. A late frame does not move the ones after it.
    Timer {
        /// How long from one to the next.
        interval: Interval,
        /// Whether key frames carry a message besides (Alibaba's and Tencent's `FollowIdr`). They
        /// do not move the timer.
        key_frames: bool,
    },
}

/// Whether a frame is to carry a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Due {
    /// It is. [`Schedule::written`] says that it did.
    Now,
    /// It is not.
    NotYet,
}

/// When a stream's message is due.
///
/// ```
/// use livegate_core::sei::schedule::{Due, Interval, Rhythm, Schedule};
///
/// # fn main() -> Result<(), livegate_core::sei::schedule::IntervalError> {
/// let interval = Interval::from_millis(1000)?;
/// let mut schedule = Schedule::new(Rhythm::Timer { interval, key_frames: false });
/// let mut written = Vec::new();
/// for dts in (500..4000).step_by(400) {
///     if schedule.frame(dts, false) == Due::Now {
///         written.push(dts);
///         schedule.written();
///     }
/// }
/// // Due from 500, 1500, 2500 and 3500 on.
/// assert_eq!(written, [500, 1700, 2500, 3700]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    rhythm: Rhythm,
    clock: StreamClock,
    /// The time of the frame that was asked about last.
    now: i64,
    /// The furthest time since the stream began or jumped.
    furthest: Option<i64>,
    /// Whether the timestamp of that frame jumped.
    jumped: bool,
    /// When the timer is due; one of the multiples that its phase is.
    next: Option<i64>,
    /// A message is due whatever the time.
    pending: bool,
}

impl Schedule {
    /// How far a decoding time may lie before the furthest one, in milliseconds, until the stream
    /// counts as begun anew: the shortest interval, which is all that a silence can be longer by.
    pub const MOST_BACK: i64 = Interval::MIN.0 as i64;

    /// How far ahead: two of the longest intervals.
    pub const MOST_AHEAD: i64 = 2 * Interval::MAX.0 as i64;

    /// A schedule of a stream that begins.
    pub const fn new(rhythm: Rhythm) -> Self {
        Self {
            rhythm,
            clock: StreamClock::new(),
            now: 0,
            furthest: None,
            jumped: false,
            next: None,
            pending: false,
        }
    }

    /// How often.
    pub const fn rhythm(&self) -> Rhythm {
        self.rhythm
    }

    /// The decoding time of the frame that was asked about last, in milliseconds, going on where
    /// timestamps wrap.
    pub const fn time(&self) -> i64 {
        self.now
    }

    /// Whether the timestamp of that frame jumped: the stream counts as begun anew there.
    pub const fn began_anew(&self) -> bool {
        self.jumped
    }

    /// Another rhythm from the next frame on. A timer begins anew; what is due stays due.
    pub fn set_rhythm(&mut self, rhythm: Rhythm) {
        if self.rhythm != rhythm {
            self.rhythm = rhythm;
            self.next = None;
        }
    }

    /// The message is another one now: it is due at the next frame. The timer keeps its phase.
    pub fn change(&mut self) {
        self.pending = true;
    }

    /// The receiver is another one now, or lost what it had: the message is due at the next frame,
    /// and the timer begins anew there.
    pub fn reconnect(&mut self) {
        self.pending = true;
        self.next = None;
    }

    /// Whether the frame with this decoding timestamp is to carry a message. Asked once for each
    /// frame that can, in the order in which they are sent.
    ///
    /// A timestamp that jumps, back by more than [`Schedule::MOST_BACK`] or ahead by more than
    /// [`Schedule::MOST_AHEAD`], begins a timer anew; one that wraps at 2³² does not jump.
    pub fn frame(&mut self, dts: u32, key: bool) -> Due {
        let now = self.clock.time(dts);
        let furthest = self.furthest.unwrap_or(now);
        let step = now.saturating_sub(furthest);
        self.jumped = !(-Self::MOST_BACK..=Self::MOST_AHEAD).contains(&step);
        if self.jumped {
            self.furthest = Some(now);
            self.next = None;
        } else {
            self.furthest = Some(furthest.max(now));
        }
        self.now = now;
        let due = match self.rhythm {
            Rhythm::Off => return Due::NotYet,
            Rhythm::EveryFrame => true,
            Rhythm::KeyFrames => key,
            Rhythm::Timer { key_frames, .. } => {
                let next = *self.next.get_or_insert(now);
                now >= next || key_frames && key
            }
        };
        self.pending |= due;
        if self.pending { Due::Now } else { Due::NotYet }
    }

    /// The latest frame that was asked about carries a message.
    pub fn written(&mut self) {
        self.pending = false;
        let (Rhythm::Timer { interval, .. }, Some(next)) = (self.rhythm, self.next) else {
            return;
        };
        if self.now >= next {
            let interval = i64::from(interval.as_millis());
            // The first multiple behind this frame.
            let multiples = self.now.saturating_sub(next) / interval + 1;
            self.next = Some(next.saturating_add(multiples.saturating_mul(interval)));
        }
    }
}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (Interval::MIN.0, Interval::MAX.0);
        write!(f, "an interval is {least} to {most} ms, not {} ms", self.millis)
    }
}

impl core::error::Error for IntervalError {}

impl Coded for IntervalError {
    fn code(&self) -> Code {
        Code::new("sei.interval")
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

#[cfg(test)]
mod tests {
    use super::{Due, Interval, IntervalError, Rhythm, Schedule};
    use crate::error::Coded;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::vec::Vec;

    fn timer(millis: u32, key_frames: bool) -> Schedule {
        let interval = Interval::from_millis(millis).unwrap();
        Schedule::new(Rhythm::Timer { interval, key_frames })
    }

    /// Which of the frames carry a message, if every one can.
    fn written(schedule: &mut Schedule, frames: impl IntoIterator<Item = (u32, bool)>) -> Vec<u32> {
        let mut all = Vec::new();
        for (dts, key) in frames {
            if schedule.frame(dts, key) == Due::Now {
                schedule.written();
                all.push(dts);
            }
        }
        all
    }

    fn plain(frames: &[u32]) -> impl Iterator<Item = (u32, bool)> {
        frames.iter().map(|dts| (*dts, false))
    }

    #[test]
    fn an_interval_is_one_to_five_seconds() {
        for millis in [1000, 2500, 5000] {
            assert_eq!(Interval::from_millis(millis).map(Interval::as_millis), Ok(millis));
        }
        for millis in [0, 999, 5001, 65_536 + 1000, u32::MAX] {
            let error = Interval::from_millis(millis).unwrap_err();
            assert_eq!(error, IntervalError { millis });
            assert_eq!(error.code().as_str(), "sei.interval");
        }
    }

    #[test]
    fn late_frames_do_not_move_the_timer() {
        // Frames every 400 ms from 7: due at 7, 1007, 2007, 3007, 4007; the first frames at or
        // after those.
        let frames: Vec<u32> = (0..11).map(|frame| 7 + 400 * frame).collect();
        assert_eq!(written(&mut timer(1000, false), plain(&frames)), [7, 1207, 2007, 3207, 4007]);
        // After a gap of 3.5 intervals one message, not four, and the old phase.
        let frames = [0, 900, 4500, 4900, 5000, 5900, 6000];
        assert_eq!(written(&mut timer(1000, false), plain(&frames)), [0, 4500, 5000, 6000]);
    }

    #[test]
    fn key_frames_come_besides_the_timer() {
        let frames = (0..10).map(|frame| (300 * frame, frame % 4 == 2));
        // Due at 0, 1000 (1200), 2000 (2100); key frames at 600 and 1800.
        let all = written(&mut timer(1000, true), frames.clone());
        assert_eq!(all, [0, 600, 1200, 1800, 2100]);
        assert_eq!(written(&mut timer(1000, false), frames.clone()), [0, 1200, 2100]);
        assert_eq!(written(&mut Schedule::new(Rhythm::KeyFrames), frames), [600, 1800]);
    }

    #[test]
    fn every_frame_and_none() {
        let frames = [(0, true), (40, false), (80, false)];
        assert_eq!(written(&mut Schedule::new(Rhythm::EveryFrame), frames), [0, 40, 80]);
        let mut off = Schedule::new(Rhythm::Off);
        off.change();
        assert!(written(&mut off, frames).is_empty());
    }

    #[test]
    fn a_change_is_due_at_once_and_keeps_the_phase() {
        let mut schedule = timer(1000, false);
        assert_eq!(written(&mut schedule, plain(&[0, 400])), [0]);
        schedule.change();
        assert_eq!(written(&mut schedule, plain(&[440, 480, 999, 1000])), [440, 1000]);
        let mut schedule = Schedule::new(Rhythm::KeyFrames);
        assert_eq!(written(&mut schedule, [(0, true), (40, false)]), [0]);
        schedule.change();
        assert_eq!(written(&mut schedule, [(80, false), (120, false), (160, true)]), [80, 160]);
    }

    #[test]
    fn a_reconnect_is_due_at_once_and_begins_the_phase_anew() {
        let mut schedule = timer(1000, false);
        assert_eq!(written(&mut schedule, plain(&[0, 400])), [0]);
        schedule.reconnect();
        assert_eq!(written(&mut schedule, plain(&[440, 1000, 1400, 1440])), [440, 1440]);
    }

    #[test]
    fn what_was_not_written_stays_due() {
        let mut schedule = timer(1000, false);
        assert_eq!(schedule.frame(0, false), Due::Now);
        assert_eq!(schedule.frame(40, false), Due::Now);
        schedule.written();
        // Due from 0 on, so 1000 is next, not 1040.
        assert_eq!(written(&mut schedule, plain(&[999, 1000])), [1000]);
        // A key frame that could not carry it leaves it to the next frame.
        let mut schedule = Schedule::new(Rhythm::KeyFrames);
        assert_eq!(schedule.frame(0, true), Due::Now);
        assert_eq!(written(&mut schedule, [(40, false), (80, false)]), [40]);
    }

    #[test]
    fn timestamps_wrap() {
        // 2^32 - 1500, then one and two seconds later: 2^32 - 500, 500.
        let first = u32::MAX - 1499;
        let frames: Vec<u32> = (0..9).map(|frame| first.wrapping_add(250 * frame)).collect();
        let all = written(&mut timer(1000, false), plain(&frames));
        assert_eq!(all, [first, u32::MAX - 499, 500]);
    }

    #[test]
    fn a_jump_begins_the_phase_anew_and_jitter_does_not() {
        // Back by 1001 ms; back by 1000 ms.
        let all = written(&mut timer(1000, false), plain(&[5000, 5900, 4899, 5898, 5899]));
        assert_eq!(all, [5000, 4899, 5899]);
        let all = written(&mut timer(1000, false), plain(&[5000, 5900, 4900, 5999, 6000]));
        assert_eq!(all, [5000, 6000]);
        // Ahead by 10,001 ms; by 10,000 ms.
        let all = written(&mut timer(1000, false), plain(&[0, 10_001, 11_000, 11_001]));
        assert_eq!(all, [0, 10_001, 11_001]);
        let all = written(&mut timer(1000, false), plain(&[0, 300, 10_300, 10_999, 11_000]));
        assert_eq!(all, [0, 10_300, 11_000]);
        let mut schedule = Schedule::new(Rhythm::Off);
        let anew = [5000, 5900, 4899, 5898, 15_899].map(|dts| {
            let Due::NotYet = schedule.frame(dts, true) else { panic!("{dts}") };
            (schedule.time(), schedule.began_anew())
        });
        let jumps = anew.map(|(_, jumped)| jumped);
        assert_eq!(jumps, [false, false, true, false, true]);
        assert_eq!(anew[4].0, 15_899);
        // Back in steps that are small each.
        let all = written(&mut timer(1000, false), plain(&[5000, 5900, 5400, 4899, 5898, 5899]));
        assert_eq!(all, [5000, 4899, 5899]);
        // A sender that begins at 0 again, after longer than half of 2^32 ms.
        let all = written(&mut timer(5000, false), plain(&[3_000_000_000, 0, 4999, 5000]));
        assert_eq!(all, [3_000_000_000, 0, 5000]);
    }

    #[test]
    fn another_rhythm_holds_from_the_next_frame() {
        let mut schedule = timer(1000, false);
        assert_eq!(written(&mut schedule, plain(&[0, 400])), [0]);
        let interval = Interval::MAX;
        schedule.set_rhythm(Rhythm::Timer { interval, key_frames: false });
        assert_eq!(written(&mut schedule, plain(&[440, 1000, 5439, 5440])), [440, 5440]);
        schedule.set_rhythm(schedule.rhythm());
        assert!(written(&mut schedule, plain(&[5480])).is_empty());
    }

    proptest! {
        /// The multiples of the interval from the first frame, counted by a division of their own.
        #[test]
        fn a_timer_is_the_first_frame_at_or_after_each_multiple(
            first: u32, steps in proptest::collection::vec(0_u32..1500, 0..200),
            millis in 1000_u32..=5000,
        ) {
            let mut schedule = timer(millis, false);
            let (mut since, mut slot) = (0_u32, None);
            for step in core::iter::once(0).chain(steps) {
                since += step;
                let dts = first.wrapping_add(since);
                let due = schedule.frame(dts, false) == Due::Now;
                let here = Some(since / millis);
                prop_assert_eq!(due, here != slot);
                if due {
                    schedule.written();
                    slot = here;
                }
            }
        }

        #[test]
        fn whatever_the_timestamps_no_silence_is_longer_than_an_interval_and_the_most_back(
            first: u32,
            frames in proptest::collection::vec((-3000_i32..3000, any::<bool>()), 0..100),
            wild: u32,
        ) {
            let mut schedule = timer(1000, true);
            let mut dts = first;
            for (step, key) in frames {
                dts = dts.wrapping_add(if step == 0 { wild } else { step.cast_unsigned() });
                if schedule.frame(dts, key) == Due::Now {
                    schedule.written();
                }
                let ahead = schedule.next.unwrap() - schedule.now;
                prop_assert!(ahead > 0 && ahead <= 1000 + Schedule::MOST_BACK);
            }
        }
    }
}
