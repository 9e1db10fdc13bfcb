//! Which subscriptions' scopes admit an event, found without asking each.
//!
//! Subscriptions are numbered in order; a set of them is bits, 64 to a word. For every attribute
//! there are the subscriptions that admit anything, and those that name its value: sets that are
//! mostly empty, kept as the words that are not. An event's words are put together one at a time.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::event::{Event, Kind};
use crate::id::SourceId;

use super::names::Names;
use super::scope::{KindPattern, Scope};

/// Words of a set that are not zero, by place.
#[derive(Clone, Debug, Default)]
struct Sparse(Vec<(usize, u64)>);

impl Sparse {
    fn insert(&mut self, number: usize) {
        let (place, bit) = split(number);
        match self.0.binary_search_by_key(&place, |(at, _)| *at) {
            Ok(found) => {
                if let Some((_, word)) = self.0.get_mut(found) {
                    *word |= bit;
                }
            }
            Err(at) => self.0.insert(at, (place, bit)),
        }
    }

    fn unite(&mut self, other: &Self) {
        for (place, word) in &other.0 {
            match self.0.binary_search_by_key(place, |(at, _)| *at) {
                Ok(found) => {
                    if let Some((_, mine)) = self.0.get_mut(found) {
                        *mine |= word;
                    }
                }
                Err(at) => self.0.insert(at, (*place, *word)),
            }
        }
    }
}

/// The word and the bit of a number.
const fn split(number: usize) -> (usize, u64) {
    (number / 64, 1 << (number % 64))
}

/// Goes through a sparse set's words in step with a count.
struct Cursor<'s>(core::slice::Iter<'s, (usize, u64)>);

impl<'s> Cursor<'s> {
    fn over(set: Option<&'s Sparse>) -> Self {
        Self(set.map_or(&[][..], |set| &set.0).iter())
    }

    /// The word at a place; places have to be asked for in turn.
    fn word(&mut self, place: usize) -> u64 {
        match self.0.as_slice().first() {
            Some((at, word)) if *at == place => {
                self.0.next();
                *word
            }
            _ => 0,
        }
    }
}

/// A set with a word for every place.
type Dense = Vec<u64>;

fn set(dense: &mut Dense, number: usize) {
    let (place, bit) = split(number);
    if dense.len() <= place {
        dense.resize(place.saturating_add(1), 0);
    }
    if let Some(word) = dense.get_mut(place) {
        *word |= bit;
    }
}

fn word(dense: &Dense, place: usize) -> u64 {
    dense.get(place).copied().unwrap_or(0)
}

/// Subscriptions by the value of one attribute.
#[derive(Clone, Debug)]
struct ByValue<T> {
    /// Those that take any.
    any: Dense,
    /// Those that name a value.
    named: T,
}

/// Sorts subscriptions by the values that they name; those that name none take any.
fn by_value<'s, V: Ord>(scopes: impl Iterator<Item = &'s [V]>) -> (Dense, Vec<(&'s V, Sparse)>) {
    let mut any = Dense::new();
    let mut named = Vec::new();
    for (number, values) in scopes.enumerate() {
        if values.is_empty() {
            set(&mut any, number);
        }
        for value in values {
            named.push((value, number));
        }
    }
    (any, grouped(named))
}

/// The numbers of each value, the values sorted. There may be many values: they are sorted once.
fn grouped<V: Ord>(mut named: Vec<(V, usize)>) -> Vec<(V, Sparse)> {
    named.sort_unstable();
    let mut groups = Vec::<(V, Sparse)>::new();
    for (value, number) in named {
        match groups.last_mut() {
            Some((last, set)) if *last == value => set.insert(number),
            _ => {
                let mut set = Sparse::default();
                set.insert(number);
                groups.push((value, set));
            }
        }
    }
    groups
}

impl ByValue<Names<Sparse>> {
    fn names<'s>(scopes: impl Iterator<Item = &'s [Box<str>]>) -> Self {
        let (any, named) = by_value(scopes);
        let named = named.into_iter().map(|(name, set)| (name.clone(), set)).collect();
        Self { any, named: Names::new(named) }
    }
}

/// Subscriptions by what they say of kinds.
#[derive(Clone, Debug)]
struct ByKind {
    /// For each of our kinds: those that take any, name it, or have a fitting prefix.
    ours: Vec<(Kind, Dense)>,
    /// For vendors' types that are named: those that name it or have a fitting prefix.
    types: Names<Sparse>,
    /// For any other type; sorted.
    prefixes: Vec<Prefix>,
}

#[derive(Clone, Debug)]
struct Prefix {
    text: Box<str>,
    /// Those that have it, or a shorter one of the same beginning.
    set: Sparse,
    /// The longest shorter one of the same beginning.
    parent: Option<usize>,
}

impl ByKind {
    fn build(scopes: &[&Scope]) -> Self {
        let mut ours: Vec<(Kind, Dense)> =
            Kind::ALL.iter().map(|kind| (*kind, Dense::new())).collect();
        ours.sort_unstable_by_key(|(kind, _)| *kind);
        let mut types = Vec::<(&str, usize)>::new();
        let mut prefixes = Vec::<(&str, usize)>::new();
        for (number, scope) in scopes.iter().enumerate() {
            for (kind, set_of_kind) in &mut ours {
                let name = kind.as_str();
                if scope.kinds.is_empty() || scope.kinds.iter().any(|k| k.admits(name)) {
                    set(set_of_kind, number);
                }
            }
            for kind in &scope.kinds {
                match kind {
                    KindPattern::Exactly(name) => types.push((name, number)),
                    KindPattern::Prefix(text) => prefixes.push((text, number)),
                }
            }
        }
        let prefixes = Self::nest(grouped(prefixes));
        let types = grouped(types)
            .into_iter()
            .map(|(name, mut set)| {
                if let Some(prefix) = longest(&prefixes, name) {
                    set.unite(&prefix.set);
                }
                (name.into(), set)
            })
            .collect();
        Self { ours, types: Names::new(types), prefixes }
    }

    /// Adds to every prefix what its shorter ones have. Sorted, each comes before those it begins.
    fn nest(prefixes: Vec<(&str, Sparse)>) -> Vec<Prefix> {
        let mut nested = Vec::<Prefix>::with_capacity(prefixes.len());
        for (text, mut set) in prefixes {
            let parent = longest_at(&nested, nested.len().checked_sub(1), text);
            if let Some(parent) = parent.and_then(|at| nested.get(at)) {
                set.unite(&parent.set);
            }
            nested.push(Prefix { text: text.into(), set, parent });
        }
        nested
    }

    /// The subscriptions that admit one of our kinds, and those that admit a vendor's type.
    fn of(&self, event: &Event<'_>) -> (Option<&Dense>, Option<&Sparse>) {
        let ours = self.ours.binary_search_by_key(&event.kind, |(kind, _)| *kind).ok();
        let name = event.vendor_type.as_ref();
        (
            ours.and_then(|at| self.ours.get(at)).map(|(_, set)| set),
            self.types
                .get(name)
                .or_else(|| longest(&self.prefixes, name).map(|prefix| &prefix.set)),
        )
    }
}

/// The longest of the prefixes that a name begins with.
fn longest<'p>(prefixes: &'p [Prefix], name: &str) -> Option<&'p Prefix> {
    let after = prefixes.partition_point(|prefix| prefix.text.as_ref() <= name);
    longest_at(prefixes, after.checked_sub(1), name).and_then(|at| prefixes.get(at))
}

/// The same, from the last prefix that sorts before the name: whatever the name begins with sorts
/// before it too, and so is that one or begins that one.
fn longest_at(prefixes: &[Prefix], mut at: Option<usize>, name: &str) -> Option<usize> {
    while let Some(prefix) = at.and_then(|at| prefixes.get(at)) {
        if name.starts_with(prefix.text.as_ref()) {
            return at;
        }
        at = prefix.parent;
    }
    None
}

/// The scopes of a list of subscriptions.
#[derive(Clone, Debug)]
pub(super) struct Index {
    words: usize,
    kinds: ByKind,
    channels: ByValue<Names<Sparse>>,
    users: ByValue<Names<Sparse>>,
    /// Named sources sorted.
    sources: ByValue<Vec<(SourceId, Sparse)>>,
}

impl Index {
    /// Takes up the scopes and, for each, the source it is bound to.
    pub(super) fn build(scopes: &[(Option<SourceId>, &Scope)]) -> Self {
        let only: Vec<&Scope> = scopes.iter().map(|(_, scope)| *scope).collect();
        let (any, named) = by_value(scopes.iter().map(|(source, _)| source.as_slice()));
        let named = named.into_iter().map(|(source, set)| (*source, set)).collect();
        Self {
            words: scopes.len().div_ceil(64),
            kinds: ByKind::build(&only),
            channels: ByValue::names(only.iter().map(|scope| scope.channels.as_slice())),
            users: ByValue::names(only.iter().map(|scope| scope.users.as_slice())),
            sources: ByValue { any, named },
        }
    }

    /// Names the numbers of those that admit the event, in order.
    pub(super) fn admitted(&self, event: &Event<'_>, source: SourceId, mut out: impl FnMut(usize)) {
        let (kind, vendor_type) = self.kinds.of(event);
        let mut vendor_type = Cursor::over(vendor_type);
        let channel = event.channel.as_deref();
        let mut channels = Cursor::over(channel.and_then(|name| self.channels.named.get(name)));
        let user = event.user.as_deref();
        let mut users = Cursor::over(user.and_then(|name| self.users.named.get(name)));
        let sources = &self.sources.named;
        let source = sources.binary_search_by_key(&source, |(known, _)| *known).ok();
        let mut sources = Cursor::over(source.and_then(|at| sources.get(at)).map(|(_, set)| set));
        for place in 0..self.words {
            let mut left = (kind.map_or(0, |kind| word(kind, place)) | vendor_type.word(place))
                & (word(&self.channels.any, place) | channels.word(place))
                & (word(&self.users.any, place) | users.word(place))
                & (word(&self.sources.any, place) | sources.word(place));
            while left != 0 {
                let bit = usize::try_from(left.trailing_zeros()).unwrap_or(0);
                left &= left.wrapping_sub(1);
                out(place.saturating_mul(64).saturating_add(bit));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ByKind, longest};
    use crate::filter::scope::{KindPattern, Scope};
    use alloc::vec::Vec;

    fn by_kind(kinds: &[&str]) -> ByKind {
        let scopes: Vec<Scope> = kinds
            .iter()
            .map(|kind| {
                let pattern = match kind.strip_suffix('*') {
                    Some(prefix) => KindPattern::Prefix(prefix.into()),
                    None => KindPattern::Exactly((*kind).into()),
                };
                Scope { kinds: [pattern].into(), ..Scope::default() }
            })
            .collect();
        ByKind::build(&scopes.iter().collect::<Vec<_>>())
    }

    /// The only word of the set that a type has.
    fn word(index: &ByKind, name: &str) -> u64 {
        let named = index.types.get(name);
        let set = named.or_else(|| longest(&index.prefixes, name).map(|prefix| &prefix.set));
        set.and_then(|set| set.0.first()).map_or(0, |(_, word)| *word)
    }

    #[test]
    fn a_type_has_all_prefixes_that_it_begins_with() {
        //                     1     2     4       8       16    32
        let index = by_kind(&["*", "RT*", "RTMP_*", "RTMP", "S*", "RTMP_X*"]);
        assert_eq!(word(&index, "RTMP_XY"), 1 + 2 + 4 + 32);
        assert_eq!(word(&index, "RTMP_X"), 1 + 2 + 4 + 32);
        assert_eq!(word(&index, "RTMP_"), 1 + 2 + 4);
        assert_eq!(word(&index, "RTMP"), 1 + 2 + 8);
        // Sorts behind RTMP_X, which does not begin it; RT does.
        assert_eq!(word(&index, "RTZ"), 1 + 2);
        assert_eq!(word(&index, "RTMP_Z"), 1 + 2 + 4);
        assert_eq!(word(&index, "SHOOT"), 1 + 16);
        assert_eq!(word(&index, "A"), 1);
        assert_eq!(word(&index, ""), 1);
    }

    #[test]
    fn without_prefixes_other_types_have_none() {
        let index = by_kind(&["RTMP"]);
        assert_eq!(word(&index, "RTMP"), 1);
        assert_eq!(word(&index, "RTM"), 0);
        assert_eq!(word(&index, "RTMPS"), 0);
    }
}
