//! The timestamps of a stream over several sessions of its publisher.
//!
//! A publisher that comes again begins at zero, or anywhere. Destinations and their connections
//! outlive that: for them time goes on.

use super::queue::Class;
use crate::time::UnixMillis;

/// Timestamps as destinations see them. Of one stream: sound and pictures have one time.
///
/// ```
/// use livegate_core::relay::queue::Class;
/// use livegate_core::relay::timebase::Timebase;
/// use livegate_core::time::UnixMillis;
///
/// let mut timebase = Timebase::new();
/// timebase.begin();
/// assert_eq!(timebase.map(Class::KeyFrame, 7_000, UnixMillis(50_000)), 7_000);
/// // Two seconds later the publisher is back.
/// timebase.begin();
/// assert_eq!(timebase.map(Class::KeyFrame, 0, UnixMillis(52_000)), 9_000);
/// assert_eq!(timebase.map(Class::Video, 40, UnixMillis(52_041)), 9_040);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Timebase {
    /// The furthest media so far, as it went on, and when; `None` before any.
    furthest: Option<(u32, UnixMillis)>,
    /// What this session's timestamps are shifted by.
    shift: Shift,
}

/// All timestamps are counted modulo 2³².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shift {
    /// Known from the session's first media on.
    #[default]
    Unknown,
    Known {
        shift: u32,
        /// Where the session before ended.
        floor: Option<u32>,
    },
}

impl Timebase {
    /// How far a timestamp may lie before the furthest one, in milliseconds, until the publisher's
    /// clock counts as set back. Sound and pictures that are interleaved lie closer.
    pub const MOST_BACK: u32 = 1_000;

    /// The longest gap that is kept: a longer one would look like a step back.
    const LONGEST_GAP: u32 = i32::MAX.cast_unsigned();

    /// Of a stream that nobody published yet.
    pub const fn new() -> Self {
        Self { furthest: None, shift: Shift::Unknown }
    }

    /// A publisher begins, or begins anew.
    pub const fn begin(&mut self) {
        self.shift = Shift::Unknown;
    }

    /// The timestamp that goes on, of a message that came `now` with `timestamp`.
    ///
    /// Until media came twice from the beginning everything passes as it is. In a later session
    /// media follows the last one by the time that passed in between, and headers, whose own
    /// timestamps often are zero, have the time of what was before them.
    pub fn map(&mut self, class: Class, timestamp: u32, now: UnixMillis) -> u32 {
        let is_header = class.is_header();
        let (shift, floor) = match (self.shift, self.furthest) {
            (Shift::Known { shift: 0, floor: None }, _) | (Shift::Unknown, None) if is_header => {
                return timestamp;
            }
            (_, Some((furthest, _))) if is_header => return furthest,
            (Shift::Known { shift, floor }, _) => (shift, floor),
            (Shift::Unknown, None) => (0, None),
            (Shift::Unknown, Some((furthest, since))) => {
                let gap = u32::try_from(now.since(since).0).unwrap_or(u32::MAX);
                let begins = furthest.wrapping_add(gap.clamp(1, Self::LONGEST_GAP));
                (begins.wrapping_sub(timestamp), Some(furthest))
            }
        };
        self.shift = Shift::Known { shift, floor };
        let mapped = timestamp.wrapping_add(shift);
        // What is interleaved with a session's first message may lie a little before it.
        let out = floor.filter(|floor| is_little_before(mapped, *floor)).unwrap_or(mapped);
        if !self.furthest.is_some_and(|(furthest, _)| is_little_before(out, furthest)) {
            self.furthest = Some((out, now));
        }
        out
    }
}

/// Whether a timestamp lies before another, and no further than interleaving explains.
const fn is_little_before(timestamp: u32, other: u32) -> bool {
    let back = other.wrapping_sub(timestamp);
    back > 0 && back <= Timebase::MOST_BACK
}

#[cfg(test)]
mod tests {
    use super::Timebase;
    use crate::relay::queue::Class::{self, Audio, KeyFrame, Metadata, Video, VideoHeader};
    use crate::time::UnixMillis;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    /// What came when, and what it is to become.
    fn check(timebase: &mut Timebase, messages: &[(Class, u32, u64, u32)]) {
        for &(class, timestamp, now, expected) in messages {
            let out = timebase.map(class, timestamp, UnixMillis(now));
            assert_eq!(out, expected, "{class:?} {timestamp} at {now}");
        }
    }

    #[test]
    fn the_first_session_passes_exactly() {
        let mut timebase = Timebase::new();
        timebase.begin();
        let far = 4_000_000_000;
        check(
            &mut timebase,
            &[
                (Metadata, 0, 0, 0),
                (VideoHeader, 0, 0, 0),
                (KeyFrame, far, 0, far),
                // Interleaved, and a header in between.
                (Audio, far - 20, 5, far - 20),
                (Metadata, 0, 5, 0),
                // The publisher's clock: ahead by more than 2^31, back, and over the wrap.
                (Video, 7, 9, 7),
                (Video, far, 9, far),
                (Video, u32::MAX, 9, u32::MAX),
                (Video, 32, 9, 32),
            ],
        );
    }

    #[test]
    fn a_later_session_goes_on_after_the_time_that_passed() {
        let mut timebase = Timebase::new();
        timebase.begin();
        check(&mut timebase, &[(KeyFrame, 60_000, 1_000, 60_000), (Audio, 59_990, 1_010, 59_990)]);
        timebase.begin();
        check(
            &mut timebase,
            &[
                // Headers before it, whatever their timestamps.
                (Metadata, 0, 6_000, 60_000),
                (VideoHeader, 9_000_000, 6_000, 60_000),
                // 5,250 ms after the furthest of before.
                (KeyFrame, 500_000, 6_250, 65_250),
                (Audio, 499_980, 6_255, 65_230),
                (Video, 500_033, 6_300, 65_283),
                (VideoHeader, 0, 6_310, 65_283),
            ],
        );
        // And again, with timestamps that begin at zero.
        timebase.begin();
        check(&mut timebase, &[(Audio, 0, 7_300, 66_283), (KeyFrame, 21, 7_321, 66_304)]);
    }

    #[test]
    fn a_session_without_media_changes_nothing() {
        let mut timebase = Timebase::new();
        timebase.begin();
        check(&mut timebase, &[(Metadata, 0, 0, 0)]);
        timebase.begin();
        check(&mut timebase, &[(Metadata, 3, 9_000, 3), (KeyFrame, 77, 9_000, 77)]);
        timebase.begin();
        check(&mut timebase, &[(Metadata, 0, 9_500, 77)]);
        timebase.begin();
        check(&mut timebase, &[(KeyFrame, 0, 10_000, 1_077)]);
    }

    #[test]
    fn a_session_never_begins_before_the_end_of_the_one_before() {
        let mut timebase = Timebase::new();
        timebase.begin();
        check(&mut timebase, &[(KeyFrame, 5_000, 100, 5_000)]);
        timebase.begin();
        // At once, and by a clock that went back; sound lies 40 ms before the picture.
        check(
            &mut timebase,
            &[(KeyFrame, 40, 90, 5_001), (Audio, 0, 90, 5_000), (Audio, 21, 91, 5_000)],
        );
        check(&mut timebase, &[(Audio, 42, 92, 5_003), (Video, 73, 93, 5_034)]);
    }

    #[test]
    fn time_goes_on_behind_the_wrap() {
        // 2^32 - 1,000, then 3,000 ms.
        let mut timebase = Timebase::new();
        timebase.begin();
        check(&mut timebase, &[(KeyFrame, u32::MAX - 999, 0, u32::MAX - 999)]);
        timebase.begin();
        check(&mut timebase, &[(KeyFrame, 0, 3_000, 2_000), (Video, 40, 3_040, 2_040)]);
        timebase.begin();
        // The session's own timestamps wrap.
        check(&mut timebase, &[(KeyFrame, u32::MAX, 4_040, 3_040), (Video, 39, 4_080, 3_080)]);
        // A year: as far as a timestamp can be ahead.
        timebase.begin();
        let longest = 3_080 + (1 << 31) - 1;
        check(&mut timebase, &[(KeyFrame, 0, 31_536_000_000, longest)]);
    }

    #[test]
    fn the_publishers_own_jumps_pass() {
        let mut timebase = Timebase::new();
        timebase.begin();
        check(&mut timebase, &[(KeyFrame, 3_600_000, 0, 3_600_000), (Video, 0, 40, 0)]);
        timebase.begin();
        // From where the clock was set back to.
        check(
            &mut timebase,
            &[
                (KeyFrame, 50_000, 1_040, 1_000),
                (Video, 110_000, 1_080, 61_000),
                (Video, 40_000, 1_120, u32::MAX - 8_999),
                (Video, 40_040, 1_160, u32::MAX - 8_959),
            ],
        );
    }

    proptest! {
        /// However often the publisher comes and wherever its timestamps begin: between sessions
        /// time never goes back, it is ahead by what passed, and within one it is only shifted.
        #[test]
        fn time_goes_on(
            sessions in proptest::collection::vec(
                (any::<u32>(), 0_u64..100_000, proptest::collection::vec(0_u32..400, 1..20)),
                1..10,
            ),
        ) {
            let mut timebase = Timebase::new();
            let (mut now, mut last) = (0, None::<u32>);
            for (first, gap, steps) in sessions {
                timebase.begin();
                now += gap;
                let mut timestamp = first;
                let begins = timebase.map(KeyFrame, timestamp, UnixMillis(now));
                match last {
                    None => prop_assert_eq!(begins, first),
                    Some(last) => {
                        let ahead = u64::from(begins.wrapping_sub(last));
                        prop_assert_eq!(ahead, gap.max(1));
                    }
                }
                let mut out = begins;
                for step in steps {
                    timestamp = timestamp.wrapping_add(step);
                    now += u64::from(step);
                    let next = timebase.map(Video, timestamp, UnixMillis(now));
                    prop_assert_eq!(next.wrapping_sub(out), step);
                    out = next;
                }
                prop_assert!(out.wrapping_sub(begins) == timestamp.wrapping_sub(first));
                last = Some(out);
            }
        }
    }
}
