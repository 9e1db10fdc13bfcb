//! How long to wait before the next try: twice as long each time, up to a bound, shifted by chance.

use crate::time::Millis;

/// Pauses that grow. Three numbers, so that whoever has them as settings can make one where it is
/// needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Millis,
    /// The longest pause, before jitter.
    pub most: Millis,
    /// How far chance may shift a pause either way, in percent; more than 100 count as 100.
    pub jitter_percent: u64,
}

impl Backoff {
    /// The pause after so many failures in a row (0 and 1 are one). `random` is any uniform 64
    /// bits.
    pub fn after(&self, failures: u32, random: u64) -> Millis {
        let doublings = failures.saturating_sub(1).min(63);
        let plain = self.first.0.saturating_mul(1 << doublings).min(self.most.0);
        let half = plain / 100 * self.jitter_percent.min(100)
            + plain % 100 * self.jitter_percent.min(100) / 100;
        let width = half.saturating_mul(2).saturating_add(1);
        // The high half of a widening product maps 64 uniform bits onto 0..width without a bias
        // that matters here.
        let shift = (u128::from(random).saturating_mul(u128::from(width)) >> 64) as u64;
        Millis((plain - half).saturating_add(shift))
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use crate::time::Millis;
    use proptest::prelude::{prop_assert, proptest};

    const BACKOFF: Backoff =
        Backoff { first: Millis(1_000), most: Millis(30_000), jitter_percent: 20 };

    #[test]
    fn doubles_up_to_its_bound() {
        let plain = Backoff { jitter_percent: 0, ..BACKOFF };
        // 1, 2, 4, 8, 16 s, then 32 s is beyond 30 s.
        let pauses = [1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
        for (failures, pause) in (0..).zip(pauses) {
            assert_eq!(plain.after(failures, u64::MAX), Millis(pause), "{failures}");
        }
        assert_eq!(plain.after(u32::MAX, 7), Millis(30_000));
    }

    #[test]
    fn jitter_reaches_both_ends() {
        // 1 s and 30 s, 20 % either way.
        assert_eq!(BACKOFF.after(1, 0), Millis(800));
        assert_eq!(BACKOFF.after(1, u64::MAX), Millis(1_200));
        assert_eq!(BACKOFF.after(9, 0), Millis(24_000));
        assert_eq!(BACKOFF.after(9, u64::MAX), Millis(36_000));
    }

    proptest! {
        #[test]
        fn stays_within_its_jitter_whatever_it_is_made_of(
            first: u64, most: u64, jitter_percent: u64, failures: u32, random: u64,
        ) {
            let backoff = Backoff { first: Millis(first), most: Millis(most), jitter_percent };
            let pause = u128::from(backoff.after(failures, random).0);
            let factor = 1u128 << failures.saturating_sub(1).min(63);
            let plain = (u128::from(first) * factor).min(u128::from(most));
            let percent = u128::from(jitter_percent.min(100));
            prop_assert!(pause * 100 >= plain * (100 - percent) || pause == u128::from(u64::MAX));
            prop_assert!(pause * 100 <= plain * (100 + percent));
        }
    }
}
