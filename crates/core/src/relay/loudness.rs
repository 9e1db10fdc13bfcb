//! How loud a stream is: what `vol` and `vad` of a layout message say.
//!
//! A shell decodes the sound and hands in sums of squares; what follows from them is decided here, in
//! integers. docs/spec/relay.md §9.2 has the formulas.

use crate::sei::payload::Sound;
use crate::sei::schedule::Interval;

/// The largest sample: what is handed in is counted in parts of it.
pub const FULL_SCALE: u64 = 1 << 15;

/// Measures one stream.
#[derive(Clone, Debug)]
pub struct Meter {
    window: Interval,
    /// By the number of the bucket, modulo how many there are.
    buckets: [Bucket; Self::BUCKETS],
    /// The timestamp of the latest sound.
    newest: Option<u32>,
    is_voice: bool,
    /// The timestamp at which there was a voice last.
    voice_at: Option<u32>,
}

/// The sound of [`Meter::BUCKET_MS`].
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Its timestamps, divided by its length.
    number: u32,
    sum_of_squares: u64,
    samples: u64,
}

impl Meter {
    /// What counts as silence, and as volume 0, in decibels below full scale.
    pub const RANGE_DB: i64 = 60;

    /// A voice begins at this level, in decibels of full scale,
    pub const VOICE_DB: i64 = -40;

    /// and lasts until the level is below this one.
    pub const QUIET_DB: i64 = -46;

    /// The `vad` of a voice.
    pub const VOICE: u8 = 150;

    /// For so many milliseconds after a voice there still is one,
    pub const HELD_MS: u32 = 200;

    /// and then it is less by one for every so many.
    pub const FADE_MS: u32 = 20;

    const BUCKET_MS: u32 = 100;

    /// As many as the longest interval has.
    const BUCKETS: usize = Interval::MAX.as_millis() as usize / Self::BUCKET_MS as usize;

    /// A meter whose volume is of the latest so many milliseconds, in steps of a tenth of a second.
    pub const fn new(window: Interval) -> Self {
        let bucket = Bucket { number: 0, sum_of_squares: 0, samples: 0 };
        let buckets = [bucket; Self::BUCKETS];
        Self { window, buckets, newest: None, is_voice: false, voice_at: None }
    }

    /// What the volume is of.
    pub const fn window(&self) -> Interval {
        self.window
    }

    /// Sound came: so many samples, of all channels, and the sum of their squares, in units of
    /// [`FULL_SCALE`].
    pub fn add(&mut self, timestamp: u32, sum_of_squares: u64, samples: u32) {
        if samples == 0 {
            return;
        }
        if self.newest.is_some_and(|newest| is_long_before(timestamp, newest)) {
            // Another time begins: what was measured is of none of it.
            *self = Self::new(self.window);
        }
        self.newest = Some(timestamp);
        let samples = u64::from(samples);
        let number = timestamp / Self::BUCKET_MS;
        let at = usize::try_from(number).unwrap_or(0) % Self::BUCKETS;
        if let Some(bucket) = self.buckets.get_mut(at) {
            if bucket.number != number {
                *bucket = Bucket { number, ..Bucket::default() };
            }
            bucket.sum_of_squares = bucket.sum_of_squares.saturating_add(sum_of_squares);
            bucket.samples = bucket.samples.saturating_add(samples);
        }
        let threshold = if self.is_voice { Self::QUIET_DB } else { Self::VOICE_DB };
        self.is_voice =
            level(sum_of_squares, samples).is_some_and(|level| level >= threshold * 1_000);
        if self.is_voice {
            self.voice_at = Some(timestamp);
        }
    }

    /// How loud it is at a picture's timestamp.
    pub fn sound(&self, timestamp: u32) -> Sound {
        if self.newest.is_none_or(|newest| is_long_before(timestamp, newest)) {
            return Sound::default();
        }
        let now = timestamp / Self::BUCKET_MS;
        let buckets = (self.window.as_millis() / Self::BUCKET_MS).cast_signed();
        let mut all = Bucket::default();
        for bucket in &self.buckets {
            // Sound may be a little ahead of pictures: those are few buckets, and never this one.
            let age = now.wrapping_sub(bucket.number).cast_signed();
            if (-AHEAD..buckets).contains(&age) {
                all.sum_of_squares = all.sum_of_squares.saturating_add(bucket.sum_of_squares);
                all.samples = all.samples.saturating_add(bucket.samples);
            }
        }
        Sound { volume: volume(all.sum_of_squares, all.samples), voice: self.voice(timestamp) }
    }

    fn voice(&self, timestamp: u32) -> u8 {
        let Some(at) = self.voice_at else { return 0 };
        let since = timestamp.wrapping_sub(at).cast_signed();
        let since = u32::try_from(since).unwrap_or(0).saturating_sub(Self::HELD_MS);
        let faded = u8::try_from(since / Self::FADE_MS).unwrap_or(u8::MAX);
        Self::VOICE.saturating_sub(faded)
    }
}

/// So many buckets may sound be ahead of a picture: what interleaving explains.
const AHEAD: i32 = 10;

/// Whether a timestamp lies further before another than that.
const fn is_long_before(timestamp: u32, other: u32) -> bool {
    timestamp.wrapping_sub(other).cast_signed() < -AHEAD * Meter::BUCKET_MS.cast_signed()
}

/// The volume of so many samples: 0 to 255, evenly by decibels.
fn volume(sum_of_squares: u64, samples: u64) -> u8 {
    const RANGE: i64 = Meter::RANGE_DB * 1_000;
    let Some(level) = level(sum_of_squares, samples) else { return 0 };
    let above = (level + RANGE).clamp(0, RANGE);
    // Half a step more: the nearest.
    u8::try_from((above * 255 + RANGE / 2) / RANGE).unwrap_or(u8::MAX)
}

/// The level in thousandths of a decibel of full scale, which is the root of the mean square over the
/// largest sample; `None` for silence.
fn level(sum_of_squares: u64, samples: u64) -> Option<i64> {
    // 10 log10(2) = 3.0103.
    const PER_DOUBLING: i64 = 30_103;
    let ratio = log2(sum_of_squares)? - log2(samples)? - log2(FULL_SCALE * FULL_SCALE)?;
    Some(ratio * PER_DOUBLING / (10 << FRACTION))
}

/// Bits behind the point of a logarithm.
const FRACTION: u32 = 16;

/// The binary logarithm, with [`FRACTION`] bits behind the point; `None` for 0.
fn log2(number: u64) -> Option<i64> {
    let whole = number.checked_ilog2()?;
    // From 1 to 2, with 31 bits behind the point.
    let mut rest = if whole >= 31 { number >> (whole - 31) } else { number << (31 - whole) };
    let mut log = i64::from(whole);
    for _ in 0..FRACTION {
        // Squaring doubles the logarithm: its next bit is whether that reaches 2.
        rest = (rest * rest) >> 31;
        let bit = rest >> 32;
        rest >>= bit;
        log = log << 1 | i64::from(bit == 1);
    }
    Some(log)
}

#[cfg(test)]
mod tests {
    use super::{FULL_SCALE, Meter, level, log2, volume};
    use crate::sei::payload::Sound;
    use crate::sei::schedule::Interval;
    use proptest::prelude::*;

    /// So many samples of a tone with this root of the mean square.
    fn add(meter: &mut Meter, timestamp: u32, root: u64) {
        meter.add(timestamp, 2048 * root * root, 2048);
    }

    fn meter(window: u32) -> Meter {
        Meter::new(Interval::from_millis(window).unwrap())
    }

    #[test]
    fn levels_are_decibels_of_full_scale() {
        // A square of full scale is 0 dB, a sine 20 log10(1/√2) = -3.010 dB; half of it is
        // 20 log10(0.5) = -6.021 dB less; a thousandth is -60 dB.
        let full = FULL_SCALE * FULL_SCALE;
        for (sum, expected) in [
            (1000 * full, 0),
            (500 * full, -3_010),
            (125 * full, -9_031),
            (full / 1000, -60_000),
            (1000, -90_309),
        ] {
            let found = level(sum, 1000).unwrap();
            assert!((found - expected).abs() <= 2, "{found} {expected}");
        }
        assert_eq!(level(0, 1000), None);
        assert_eq!(level(1, 0), None);
    }

    #[test]
    fn volumes_are_even_by_decibels() {
        let full = 1_000_000 * FULL_SCALE * FULL_SCALE;
        // 255 (60 - x) / 60: of 0, 3.0103, 6, 20, 30, 59.9, 60 and 80 dB less.
        for (sum, expected) in [
            (full, 255),
            (full / 2, 242),
            (full * 2512 / 10_000, 230),
            (full / 100, 170),
            (full / 1_000, 128),
            (full / 977_237, 0),
            (full / 1_000_000, 0),
            (full / 100_000_000, 0),
            (0, 0),
        ] {
            assert_eq!(volume(sum, 1_000_000), expected, "{sum}");
        }
        assert_eq!(volume(u64::MAX, 1), 255);
    }

    #[test]
    fn the_volume_is_of_the_window() {
        let mut meter = meter(1_000);
        // 327.68 is 1/100 of full scale: 40 dB less, 255 * 20 / 60 = 85.
        for timestamp in (0..2_000).step_by(20) {
            add(&mut meter, timestamp, 328);
        }
        assert_eq!(meter.sound(1_990).volume, 85);
        // Louder by 20 dB for a tenth of the window: (0.9 + 10) / 10,000 is -29.6 dB; 129.
        for timestamp in (2_000..2_100).step_by(20) {
            add(&mut meter, timestamp, 3277);
        }
        assert_eq!(meter.sound(2_090).volume, 129);
        // Nothing comes any more.
        assert_eq!(meter.sound(2_999).volume, 170);
        // 920 ms after the last of it.
        assert_eq!(meter.sound(3_000), Sound { volume: 0, voice: 150 - 36 });
        // Sound ahead of pictures counts: (1.4 + 10) / 15,000 is -31.2 dB; 122.
        assert_eq!(meter.sound(1_500).volume, 122);
    }

    #[test]
    fn sound_of_before_a_jump_back_does_not_count() {
        let mut meter = meter(1_000);
        add(&mut meter, 10_000, 3277);
        // A second ahead is the most that interleaving explains.
        assert!(meter.sound(9_000).volume > 0);
        assert_eq!(meter.sound(8_900), Sound::default());
        // A time that begins anew has nothing of the one before, where it has the same numbers too.
        add(&mut meter, 8_900, 328);
        assert_eq!(meter.sound(9_990), Sound { volume: 0, voice: 150 - 44 });
        assert_eq!(meter.sound(9_790).volume, 85);
    }

    #[test]
    fn a_voice_begins_lasts_and_fades() {
        let mut meter = meter(1_000);
        // 1/100 of full scale is -40 dB, 327 is a little less; 1/200 is -46.02 dB, 165 is -45.96.
        add(&mut meter, 0, 327);
        assert_eq!(meter.sound(0).voice, 0);
        add(&mut meter, 21, 328);
        assert_eq!(meter.sound(21).voice, 150);
        // It lasts at what would not begin one,
        add(&mut meter, 42, 165);
        assert_eq!(meter.sound(242).voice, 150);
        assert_eq!(meter.sound(10).voice, 150);
        // and fades below that, by one for 20 ms after 200.
        add(&mut meter, 63, 163);
        assert_eq!(meter.sound(261).voice, 150);
        assert_eq!(meter.sound(262).voice, 149);
        assert_eq!(meter.sound(1_242).voice, 100);
        assert_eq!(meter.sound(3_242).voice, 0);
        assert_eq!(meter.sound(1 << 31).voice, 0);
        // Which does not begin one again.
        add(&mut meter, 3_300, 165);
        assert_eq!(meter.sound(3_300).voice, 0);
    }

    #[test]
    fn timestamps_wrap() {
        let mut meter = meter(1_000);
        add(&mut meter, u32::MAX - 19, 32_768);
        assert_eq!(meter.sound(5), Sound { volume: 0, voice: 150 });
        add(&mut meter, 1, 32_768);
        assert_eq!(meter.sound(5), Sound { volume: 255, voice: 150 });
    }

    proptest! {
        /// The same by floating point.
        #[test]
        fn logarithms_are_right(number in 1_u64.., small in 1_u64..100_000) {
            for number in [number, small] {
                let found = f64::from(i32::try_from(log2(number).unwrap()).unwrap()) / 65_536.0;
                #[expect(clippy::cast_precision_loss, reason = "a logarithm of it is compared")]
                let expected = (number as f64).log2();
                prop_assert!((found - expected).abs() < 0.000_1, "{found} {expected}");
            }
        }

        #[test]
        fn whatever_comes_is_measured(
            all in prop::collection::vec((any::<u32>(), any::<u64>(), any::<u32>()), 0..50),
        ) {
            let mut meter = meter(5_000);
            for (timestamp, sum, samples) in all {
                meter.add(timestamp, sum, samples);
                prop_assert!(meter.sound(timestamp).voice <= Meter::VOICE);
            }
        }
    }
}
