//! A table from names to what is kept for them, made once and then asked often.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// An immutable hash table with linear probing, at most half full.
///
/// The hash has no secret: the names are a tenant's own, so is the time that badly chosen ones cost,
/// and what strangers send is only looked up.
#[derive(Clone, Debug)]
pub(super) struct Names<V> {
    entries: Vec<(Box<str>, V)>,
    /// An entry's number plus one, or 0; a power of two of them.
    slots: Vec<u32>,
}

impl<V> Names<V> {
    /// Keeps these, of which no two may have one name.
    pub(super) fn new(entries: Vec<(Box<str>, V)>) -> Self {
        let size = entries.len().saturating_mul(2).next_power_of_two();
        let mut slots = alloc::vec![0_u32; size];
        for (number, (name, _)) in (1..).zip(&entries) {
            let mut at = hash(name);
            while let Some(slot) = slots.get_mut(place(at, size)) {
                if *slot == 0 {
                    *slot = number;
                    break;
                }
                at = at.wrapping_add(1);
            }
        }
        Self { entries, slots }
    }

    /// What is kept for a name.
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        let mut at = hash(name);
        loop {
            // Half of the slots are empty, so one comes.
            let number = *self.slots.get(place(at, self.slots.len()))?;
            let entry = usize::try_from(number).ok()?.checked_sub(1)?;
            let (known, value) = self.entries.get(entry)?;
            if known.as_ref() == name {
                return Some(value);
            }
            at = at.wrapping_add(1);
        }
    }
}

/// A hash's slot; `size` is a power of two.
fn place(hash: u64, size: usize) -> usize {
    let mask = size.wrapping_sub(1);
    // Only the lower bits count, so that cutting the upper ones off (on 32 bits) changes nothing.
    usize::try_from(hash & u64::try_from(mask).unwrap_or(u64::MAX)).unwrap_or(0)
}

/// Mixes eight bytes at a time by multiplication; the upper half is folded in at the end because
/// that is where the product's good bits are.
fn hash(name: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio
    let (eights, rest) = name.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let mut state = u64::try_from(name.len()).unwrap_or(0);
    for eight in eights.iter().chain([&last]) {
        state = (state.rotate_left(5) ^ u64::from_le_bytes(*eight)).wrapping_mul(ODD);
    }
    state ^ (state >> 32)
}

#[cfg(test)]
mod tests {
    use super::Names;
    use alloc::vec::Vec;
    use std::format;

    #[test]
    fn finds_every_name_and_no_other() {
        for count in [0_usize, 1, 2, 3, 100, 5000] {
            let names: Names<usize> =
                Names::new((0..count).map(|n| (format!("room-{n}").into(), n)).collect());
            for n in 0..count {
                assert_eq!(names.get(&format!("room-{n}")), Some(&n));
            }
            for other in ["", "room-", "room", "room-00", &format!("room-{count}")] {
                assert_eq!(names.get(other), None, "{other} of {count}");
            }
        }
    }

    #[test]
    fn names_that_differ_in_trailing_nuls_are_two() {
        let names = Names::new(Vec::from([("a".into(), 1), ("a\0".into(), 2), ("".into(), 3)]));
        assert_eq!(names.get("a"), Some(&1));
        assert_eq!(names.get("a\0"), Some(&2));
        assert_eq!(names.get(""), Some(&3));
        assert_eq!(names.get("\0"), None);
    }
}
