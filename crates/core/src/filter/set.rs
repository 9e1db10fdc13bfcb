//! All subscriptions of a tenant at once: one event against every filter.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::event::Event;
use crate::id::SourceId;

use super::Filter;
use super::condition::Condition;
use super::eval::{Facts, SourceText, attributes, with_slots};
use super::index::Index;
use super::shape::Shape;

/// A fixed list of subscriptions, made to find quickly those that admit an event.
///
/// Scopes are looked up in an index, so that only conditions of subscriptions whose scopes admit
/// the event are asked; conditions that are written alike are asked once; and the event's data is
/// read at most once, picking the fields that any condition looks at, and not at all if none that
/// is asked needs it. (Past a thousand different fields, once more for each further condition.)
#[derive(Clone)]
pub struct SubscriptionSet<K> {
    keys: Vec<(K, Option<usize>)>,
    index: Index,
    conditions: Vec<Linked>,
    shape: Shape,
}

/// A condition that finds its fields in the set's shape, or in one of its own.
#[derive(Clone, Debug)]
struct Linked {
    condition: Condition,
    reads_data: bool,
    reads_source: bool,
    own: Option<Shape>,
}

/// Fields that the set's shape may have before conditions that come later get one of their own, and
/// the data is read for each of them anew: every event clears a slot for each field of the shape,
/// so thousands of them would cost all subscriptions.
const SHARED_FIELDS: usize = 1024;

impl<K> SubscriptionSet<K> {
    /// Compiles subscriptions: a key to name each by, the source that it is bound to (`None`: all),
    /// and its filter.
    pub fn new(subscriptions: impl IntoIterator<Item = (K, Option<SourceId>, Filter)>) -> Self {
        let mut keys = Vec::new();
        let mut scopes = Vec::new();
        let mut conditions = Vec::new();
        let mut known = BTreeMap::<String, usize>::new();
        let mut shape = Shape::default();
        for (key, source, filter) in subscriptions {
            let condition = filter.condition.map(|condition| {
                // A condition's text says all there is to it. Should it ever fail to print, it is
                // only not shared.
                let text = serde_json::to_string(&condition).unwrap_or_default();
                if let Some(at) = known.get(&text).filter(|_| !text.is_empty()) {
                    return *at;
                }
                let at = conditions.len();
                conditions.push(Linked::new(condition, &mut shape));
                known.insert(text, at);
                at
            });
            keys.push((key, condition));
            scopes.push((source, filter.scope));
        }
        let borrowed: Vec<_> = scopes.iter().map(|(source, scope)| (*source, scope)).collect();
        Self { keys, index: Index::build(&borrowed), conditions, shape }
    }

    /// How many subscriptions there are.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Names the key of every subscription that admits an event from a source, in the order in
    /// which they were given. The same answer as [`Filter::matches`] for each.
    pub fn matches(&self, event: &Event<'_>, source: SourceId, mut out: impl FnMut(&K)) {
        let mut answers = Answers::default();
        let mut text = None;
        with_slots(&self.shape, |slots| {
            let mut scanned = false;
            self.index.admitted(event, source, |number| {
                let Some((key, condition)) = self.keys.get(number) else {
                    return;
                };
                let holds = condition.is_none_or(|at| {
                    let Some(linked) = self.conditions.get(at) else {
                        return false;
                    };
                    answers.get_or(at, || {
                        let source = if linked.reads_source {
                            text.get_or_insert_with(|| SourceText::new(source)).as_str()
                        } else {
                            ""
                        };
                        let attributes = attributes(event, source);
                        if let Some(own) = &linked.own {
                            return with_slots(own, |slots| {
                                own.scan(&event.data, slots);
                                Facts { attributes: &attributes, slots }.satisfy(&linked.condition)
                            });
                        }
                        if linked.reads_data && !scanned {
                            self.shape.scan(&event.data, slots);
                            scanned = true;
                        }
                        Facts { attributes: &attributes, slots }.satisfy(&linked.condition)
                    })
                });
                if holds {
                    out(key);
                }
            });
        });
    }
}

impl Linked {
    fn new(mut condition: Condition, shared: &mut Shape) -> Self {
        let (reads_data, reads_source) = (condition.reads_data(), condition.reads_source());
        let mut own = Shape::default();
        if reads_data && shared.len() > SHARED_FIELDS {
            own.link(&mut condition, Shape::ROOT);
            return Self { condition, reads_data, reads_source, own: Some(own) };
        }
        shared.link(&mut condition, Shape::ROOT);
        Self { condition, reads_data, reads_source, own: None }
    }
}

/// What the first so many conditions said of the event at hand.
#[derive(Default)]
struct Answers {
    asked: [u64; Self::WORDS],
    hold: [u64; Self::WORDS],
}

impl Answers {
    /// Enough for the conditions that many subscriptions share; others are asked every time.
    const WORDS: usize = 4;

    fn get_or(&mut self, at: usize, ask: impl FnOnce() -> bool) -> bool {
        let bit = 1_u64 << (at % 64);
        let words = (self.asked.get_mut(at / 64), self.hold.get_mut(at / 64));
        let (Some(asked), Some(hold)) = words else {
            return ask();
        };
        if *asked & bit == 0 {
            *asked |= bit;
            if ask() {
                *hold |= bit;
            }
        }
        *hold & bit != 0
    }
}

impl<K> FromIterator<(K, Filter)> for SubscriptionSet<K> {
    /// Compiles subscriptions that are bound to no source.
    fn from_iter<I: IntoIterator<Item = (K, Filter)>>(subscriptions: I) -> Self {
        Self::new(subscriptions.into_iter().map(|(key, filter)| (key, None, filter)))
    }
}

impl<K> fmt::Debug for SubscriptionSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionSet")
            .field("subscriptions", &self.keys.len())
            .field("conditions", &self.conditions.len())
            .field("fields", &self.shape.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{SHARED_FIELDS, SubscriptionSet};
    use crate::event::{Event, Kind};
    use crate::filter::Filter;
    use crate::id::SourceId;
    use alloc::borrow::Cow;
    use alloc::vec::Vec;
    use std::format;

    fn event(data: &str) -> Event<'_> {
        Event {
            kind: Kind::RelayState,
            vendor_type: "RTMP_STREAM_STATE_CHANGE".into(),
            channel: Some("room".into()),
            user: None,
            entity: None,
            repeat_key: None,
            relay: None,
            vendor_id: None,
            time: None,
            data: Cow::Borrowed(data),
        }
    }

    const SOURCE: SourceId = SourceId::from_bytes([1; 16]);

    fn matches<K: Copy>(set: &SubscriptionSet<K>, data: &str) -> Vec<K> {
        let mut keys = Vec::new();
        set.matches(&event(data), SOURCE, |key| keys.push(*key));
        keys
    }

    #[test]
    fn an_empty_set_matches_nothing() {
        let set = SubscriptionSet::<u8>::new([]);
        assert!(set.is_empty());
        assert!(matches(&set, "{}").is_empty());
    }

    #[test]
    fn keys_come_in_the_order_given_across_words() {
        let set: SubscriptionSet<u32> = (0..200).map(|n| (n, Filter::default())).collect();
        assert_eq!(matches(&set, "{}"), (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_subscription_bound_to_a_source_gets_that_sources_events_only() {
        let other = SourceId::from_bytes([2; 16]);
        let filters = [(1, None), (2, Some(SOURCE)), (3, Some(other))];
        let set = SubscriptionSet::new(filters.map(|(key, from)| (key, from, Filter::default())));
        assert_eq!(matches(&set, "{}"), [1, 2]);
    }

    #[test]
    fn more_fields_than_are_shared_change_no_answer() {
        let set: SubscriptionSet<usize> = (0..SHARED_FIELDS * 2)
            .map(|n| (n, Filter::parse(&format!(r#"{{"where":{{"f{n}":1}}}}"#)).unwrap()))
            .collect();
        let last = SHARED_FIELDS * 2 - 1;
        assert_eq!(matches(&set, &format!(r#"{{"f0":1,"f1":2,"f{last}":1}}"#)), [0, last]);
        assert!(matches(&set, "{}").is_empty());
    }

    #[test]
    fn conditions_written_alike_are_kept_once() {
        let filter = Filter::parse(r#"{"where":{"a":1}}"#).unwrap();
        let also = Filter::parse(r#"{"kinds":["*"],"where":{ "a" : 1 }}"#).unwrap();
        let other = Filter::parse(r#"{"where":{"a":2}}"#).unwrap();
        let set: SubscriptionSet<u8> = [(1, filter), (2, also), (3, other)].into_iter().collect();
        assert_eq!(set.conditions.len(), 2);
        assert_eq!(matches(&set, r#"{"a":1}"#), [1, 2]);
        assert_eq!(matches(&set, r#"{"a":2}"#), [3]);
    }
}
