//! Small maps and sets: sorted lists. Every type that a tree is made for costs the Worker five to
//! nine kilobytes of code; what is kept here has some thousand entries at most, and most of them
//! come in order. To insert or remove one moves those that come after it.

use alloc::vec::Vec;
use core::ops::{Bound, RangeBounds};

/// Values by key, in the keys' order.
#[derive(Clone, Debug)]
pub struct Map<K, V>(Vec<(K, V)>);

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Map<K, V> {
    /// A map without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many entries it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Removes the entries that are not to be kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &(K, V)> + Clone {
        self.0.iter()
    }

    /// The entries, in order, whose values may change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// The values, in their keys' order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The entries as values of their own, in order.
    pub fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        self.0.into_iter()
    }
}

impl<K: Ord, V> Map<K, V> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(key))
    }

    /// Whether there is an entry of a key.
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.find(key).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Sets a key's value; the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => self.0.get_mut(at).map(|(_, there)| core::mem::replace(there, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Removes the entry of a key; the value that it had.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    /// The entries within a range, in order.
    pub fn range(&self, range: impl RangeBounds<K>) -> &[(K, V)] {
        let (from, to) = self.places(&range);
        self.0.get(from..to).unwrap_or_default()
    }

    /// The entries within a range, in order; their keys are to stay.
    pub fn range_mut(&mut self, range: impl RangeBounds<K>) -> &mut [(K, V)] {
        let (from, to) = self.places(&range);
        self.0.get_mut(from..to).unwrap_or_default()
    }

    fn places(&self, range: &impl RangeBounds<K>) -> (usize, usize) {
        let before = |bound: &K| self.0.partition_point(|(key, _)| key < bound);
        let up_to = |bound: &K| self.0.partition_point(|(key, _)| key <= bound);
        let from = match range.start_bound() {
            Bound::Included(bound) => before(bound),
            Bound::Excluded(bound) => up_to(bound),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(bound) => up_to(bound),
            Bound::Excluded(bound) => before(bound),
            Bound::Unbounded => self.0.len(),
        };
        (from, to)
    }

    /// Removes what comes before a key.
    pub fn cut_before(&mut self, key: &K) {
        let gone = self.0.partition_point(|(known, _)| known < key);
        self.0.drain(..gone);
    }
}

impl<K: Ord, V: Default> Map<K, V> {
    /// A key's value, made first if there is none.
    pub fn entry(&mut self, key: K) -> &mut V {
        let at = match self.find(&key) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (key, V::default()));
                at
            }
        };
        // It was found or put there.
        &mut self.0[at].1
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    /// The last value of a key counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// Keys in their order.
pub type Set<K> = Map<K, ()>;

#[cfg(test)]
mod tests {
    use super::Map;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    /// The standard library's tree is the other opinion.
    #[test]
    fn does_what_a_tree_does() {
        let mut ours = Map::new();
        let mut tree = BTreeMap::new();
        // Multiples of 37 modulo 101, a prime, come in no order and each once a round.
        for step in 0_u32..500 {
            let key = step * 37 % 101;
            if step % 3 == 2 {
                assert_eq!(ours.remove(&key), tree.remove(&key));
            } else {
                assert_eq!(ours.insert(key, step), tree.insert(key, step));
            }
            assert_eq!((ours.len(), ours.is_empty()), (tree.len(), tree.is_empty()));
            let other = step % 101;
            assert_eq!(ours.get(&other), tree.get(&other));
            assert_eq!(ours.contains_key(&other), tree.contains_key(&other));
            let (low, high) = (key.min(other), key.max(other));
            let pairs = |range: &[(u32, u32)]| range.to_vec();
            let of_tree = |range: Vec<(&u32, &u32)>| -> Vec<(u32, u32)> {
                range.into_iter().map(|(key, value)| (*key, *value)).collect()
            };
            assert_eq!(pairs(ours.range(..=low)), of_tree(tree.range(..=low).collect()));
            assert_eq!(pairs(ours.range(low..high)), of_tree(tree.range(low..high).collect()));
            assert_eq!(pairs(ours.range(high..)), of_tree(tree.range(high..).collect()));
        }
        for (_, value) in ours.range_mut(10..=20) {
            *value = 0;
        }
        tree.range_mut(10..=20).for_each(|(_, value)| *value = 0);
        assert!(ours.iter_mut().map(|(key, value)| (*key, *value)).eq(tree.clone()));
        ours.retain(|key, _| key % 7 > 0);
        tree.retain(|key, _| key % 7 > 0);
        assert!(ours.iter().copied().eq(tree.clone()));
        *ours.entry(50) += 1;
        *ours.entry(1_000) += 1;
        *tree.entry(50).or_default() += 1;
        *tree.entry(1_000).or_default() += 1;
        ours.cut_before(&30);
        tree = tree.split_off(&30);
        assert!(ours.values().eq(tree.values()));
        assert!(ours.into_entries().eq(tree));
    }

    #[test]
    fn is_made_of_entries_in_any_order_of_which_a_keys_last_counts() {
        let mut map: Map<u8, char> = [(3, 'c'), (1, 'a'), (2, 'b'), (1, 'z')].into_iter().collect();
        assert_eq!(map.iter().copied().collect::<Vec<_>>(), [(1, 'z'), (2, 'b'), (3, 'c')]);
        map.clear();
        assert!(map.is_empty());
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_empty() {
        let mut ours: Map<u8, ()> = Map::default();
        ours.insert(1, ());
        ours.insert(5, ());
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tested")]
        let range = ours.range(5..2);
        assert!(range.is_empty());
        assert_eq!(ours.iter().next_back(), Some(&(5, ())));
    }
}
