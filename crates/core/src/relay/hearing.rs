//! How much sound is decoded: no more than there is time for.
//!
//! Decoding costs, and whoever publishes may send frames as fast as they like, and timestamps that say
//! what they like. So a frame is decoded if the timestamps have room for it, and the clock has; one
//! that is not is passed over. docs/spec/relay.md §9.2 names the bounds.

use crate::time::UnixMillis;

/// How long the sound may be that comes ahead of its timestamps.
const BURST: u64 = 1_000_000;

/// The same by the clock: a publisher that was held up sends what it has at once.
const CLOCK_BURST: u64 = 5_000_000;

/// So many times as fast as it is heard may sound come for long, by the clock.
const SPEED: u64 = 2;

/// A decoder costs as much as so much sound.
const DECODER: u64 = 500_000;

/// Timestamps that go back by more begin another time.
const BACK_MS: i32 = 1_000;

/// Decides what of one stream's sound is decoded.
#[derive(Clone, Debug)]
pub struct Hearing {
    by_timestamps: Bucket,
    by_clock: Bucket,
    newest: Option<u32>,
    clock: Option<UnixMillis>,
}

/// Time for sound, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u64,
    most: u64,
}

impl Bucket {
    const fn full(most: u64) -> Self {
        Self { left: most, most }
    }

    const fn add(&mut self, more: u64) {
        let left = self.left.saturating_add(more);
        self.left = if left < self.most { left } else { self.most };
    }
}

impl Default for Hearing {
    fn default() -> Self {
        let (by_timestamps, by_clock) = (Bucket::full(BURST), Bucket::full(CLOCK_BURST));
        Self { by_timestamps, by_clock, newest: None, clock: None }
    }
}

impl Hearing {
    /// Whether a frame of so many samples a channel is decoded that comes `now`.
    pub fn admits(
        &mut self,
        samples: u32,
        sample_rate: u32,
        timestamp: u32,
        now: UnixMillis,
    ) -> bool {
        self.hear(timestamp);
        self.tick(now);
        let length = u64::from(samples) * 1_000_000;
        let Some(length) = length.checked_div(u64::from(sample_rate)) else { return false };
        let (by_timestamps, by_clock) = (self.by_timestamps.left, self.by_clock.left);
        let rests = (by_timestamps.checked_sub(length), by_clock.checked_sub(length));
        let (Some(by_timestamps), Some(by_clock)) = rests else { return false };
        (self.by_timestamps.left, self.by_clock.left) = (by_timestamps, by_clock);
        true
    }

    /// Whether another decoder is made `now`.
    pub fn admits_decoder(&mut self, now: UnixMillis) -> bool {
        self.tick(now);
        let left = self.by_clock.left.checked_sub(DECODER);
        left.inspect(|left| self.by_clock.left = *left).is_some()
    }

    /// Timestamps wrap (every 49.7 days), and are a little out of order.
    fn hear(&mut self, timestamp: u32) {
        let newest = self.newest.unwrap_or(timestamp);
        let since = timestamp.wrapping_sub(newest).cast_signed();
        let passed = u64::try_from(since).unwrap_or(0);
        if !(-BACK_MS..0).contains(&since) {
            self.newest = Some(timestamp);
        }
        self.by_timestamps.add(passed * 1_000);
    }

    fn tick(&mut self, now: UnixMillis) {
        let passed = now.since(self.clock.unwrap_or(now)).0;
        self.clock = Some(now);
        self.by_clock.add(passed.saturating_mul(1_000 * SPEED));
    }
}

#[cfg(test)]
mod tests {
    use super::{Hearing, UnixMillis};

    const FRAME: u32 = 1_024;
    const RATE: u32 = 48_000;

    fn admitted(hearing: &mut Hearing, frames: impl Iterator<Item = (u32, u64)>) -> usize {
        let mut admits = |(timestamp, ms)| hearing.admits(FRAME, RATE, timestamp, UnixMillis(ms));
        frames.filter(|frame| admits(*frame)).count()
    }

    /// The timestamp of a frame, rounded as encoders do.
    fn timestamp(frame: u32) -> u32 {
        u32::try_from(u64::from(frame) * 1_024_000 / 48_000).unwrap()
    }

    #[test]
    fn a_stream_as_it_is_is_heard_whole() {
        // An hour: 168,750 frames.
        let frames = 0..168_750_u32;
        let live = frames.clone().map(|frame| (timestamp(frame), u64::from(timestamp(frame))));
        assert_eq!(admitted(&mut Hearing::default(), live), frames.len());
        // In heaps of four seconds, and over the end of the timestamps.
        let late = (0..10_000_u32).map(|frame| {
            let at = timestamp(frame);
            (at.wrapping_sub(5_000), u64::from(at / 4_000 * 4_000))
        });
        assert_eq!(admitted(&mut Hearing::default(), late), 10_000);
    }

    #[test]
    fn frames_for_which_the_timestamps_have_no_time_are_passed_over() {
        let mut hearing = Hearing::default();
        // A second is 46.9 frames.
        let at_once = (0..100_000_u32).map(|_| (7, 1_000));
        assert_eq!(admitted(&mut hearing, at_once), 46);
        // 40 ms later there is room for two.
        let later = (0..100_u32).map(|_| (47, 1_040));
        assert_eq!(admitted(&mut hearing, later), 2);
    }

    #[test]
    fn timestamps_that_lie_make_no_more_than_twice_the_time() {
        let mut hearing = Hearing::default();
        // A second for each frame, a thousand frames a millisecond, for ten seconds.
        let forward = (0..10_000_000_u32).map(|n| (n.wrapping_mul(1_000), u64::from(n / 1_000)));
        let bound = (5 + 2 * 10) * 48_000 / 1_024;
        let count = admitted(&mut hearing, forward);
        assert!((bound - 3..=bound).contains(&count), "{count}");
        // To and fro.
        let mut hearing = Hearing::default();
        let back = (0..10_000_000_u32).map(|n| (n % 2 * 60_000, u64::from(n / 1_000)));
        assert!(admitted(&mut hearing, back) <= bound);
    }

    #[test]
    fn decoders_are_not_made_as_often_as_is_asked() {
        let mut hearing = Hearing::default();
        let made = (0..100_000_u64).filter(|n| hearing.admits_decoder(UnixMillis(n / 100))).count();
        // Ten at once, and four in a second.
        assert_eq!(made, 13);
    }

    #[test]
    fn no_rate_is_no_sound() {
        assert!(!Hearing::default().admits(FRAME, 0, 0, UnixMillis(0)));
    }
}
