//! Which news of an entity are current, and which come late.
//!
//! Vendors say themselves that callbacks overtake each other: a retried `connecting` may come after
//! the `live` that followed it. Events are delivered in the order in which they were accepted all the
//! same; what is decided here is only whether one is *late*, that is, whether something newer of its
//! entity was accepted before, and so which state of a relay is its current one.
//!
//! - Where the vendor says when something happened, that decides: what is older than the newest of
//!   its entity is late.
//! - Where it does not, or says the same time twice, the order of arrival does, with one exception:
//!   nothing follows [`RelayState::Ended`]. Whatever comes after it is late.
//!
//! It is all in memory and bounded. At the bound the entity that was least recently heard of is
//! forgotten, and a late event of it would be taken for current. After a restart the shell records
//! its newest rows again, oldest first: of what is in them it knows the same as before.

use super::dedup::EntityKey;
use crate::event::RelayState;
use crate::sorted::Map;
use crate::time::{Millis, UnixMillis};

/// What an event says of its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// What it is news of.
    pub entity: EntityKey,
    /// When the vendor says that it happened.
    pub time: Option<UnixMillis>,
    /// The state of a relay, if it is one and says one that is known.
    pub state: Option<RelayState>,
    /// When it was accepted.
    pub accepted_at: UnixMillis,
}

impl News {
    /// The vendor's time, as far as it is believed.
    fn believed(&self) -> Option<UnixMillis> {
        let most = self.accepted_at.plus(Current::MAX_AHEAD);
        self.time.map(|time| time.min(most))
    }
}

/// What a channel remembers of the entities that it heard of.
#[derive(Clone, Debug)]
pub struct Current {
    capacity: usize,
    /// How often something was heard: the first time is 1.
    heard: u64,
    entities: Map<EntityKey, Known>,
    /// By when they were last heard of, each once.
    by_heard: Map<u64, EntityKey>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    heard: u64,
    /// Of the newest event.
    time: Option<UnixMillis>,
    state: Option<RelayState>,
}

impl Current {
    /// How many entities are remembered where nothing else is said: some 0.6 MB.
    pub const DEFAULT_CAPACITY: usize = 8_192;
    /// How far ahead of its acceptance an event's time is believed. One beyond that counts as so far
    /// ahead: else one wrong clock would make all that follows late for ever.
    pub const MAX_AHEAD: Millis = Millis::from_mins(5);

    /// Remembers at most so many entities.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, heard: 0, entities: Map::new(), by_heard: Map::new() }
    }

    /// Whether an event that arrives now is late. Remembers nothing.
    pub fn is_late(&self, news: &News) -> bool {
        let Some(known) = self.entities.get(&news.entity) else { return false };
        match (news.believed(), known.time) {
            (Some(time), Some(newest)) if time != newest => time < newest,
            _ => known.state == Some(RelayState::Ended),
        }
    }

    /// An event was accepted: in the order of acceptance. Says whether it is late.
    pub fn record(&mut self, news: &News) -> bool {
        let late = self.is_late(news);
        self.heard = self.heard.saturating_add(1);
        let known = self.entities.entry(news.entity);
        self.by_heard.remove(&known.heard);
        self.by_heard.insert(self.heard, news.entity);
        known.heard = self.heard;
        if !late {
            known.time = known.time.max(news.believed());
            // A word that is not known, or that is of no state, changes none.
            known.state = news.state.or(known.state);
        }
        while self.entities.len() > self.capacity {
            let Some((heard, entity)) = self.by_heard.iter().next().copied() else { break };
            self.by_heard.remove(&heard);
            self.entities.remove(&entity);
        }
        late
    }

    /// The current state of a relay, if one is known.
    pub fn state(&self, entity: &EntityKey) -> Option<RelayState> {
        self.entities.get(entity).and_then(|known| known.state)
    }

    /// How many entities are remembered.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }
}

impl Default for Current {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

#[cfg(test)]
mod tests {
    use super::{Current, News};
    use crate::delivery::dedup::EntityKey;
    use crate::event::RelayState::{self, Connecting, Ended, Failed, Live, Recovering};
    use crate::time::UnixMillis;
    use proptest::prelude::*;
    use std::vec::Vec;

    const ACCEPTED: UnixMillis = UnixMillis(1_000_000);

    fn entity(number: u8) -> EntityKey {
        EntityKey([number; 16])
    }

    /// News of entity 1 at a second, if any.
    fn news(time: impl Into<Option<u64>>, state: impl Into<Option<RelayState>>) -> News {
        let time = time.into().map(UnixMillis::from_secs);
        News { entity: entity(1), time, state: state.into(), accepted_at: ACCEPTED }
    }

    #[test]
    fn what_is_older_than_the_newest_of_its_entity_is_late() {
        let mut current = Current::default();
        assert!(!current.record(&news(10, Live)));
        assert!(current.record(&news(9, Connecting)));
        assert_eq!(current.state(&entity(1)), Some(Live));
        // It is late of its own entity only.
        assert!(!current.record(&News { entity: entity(2), ..news(9, Connecting) }));
        assert_eq!(current.state(&entity(2)), Some(Connecting));
    }

    #[test]
    fn a_late_event_does_not_become_the_newest() {
        let mut current = Current::default();
        current.record(&news(10, Live));
        assert!(current.record(&news(5, Connecting)));
        assert!(current.record(&news(7, Recovering)));
        assert!(!current.record(&news(11, Recovering)));
        assert_eq!(current.state(&entity(1)), Some(Recovering));
    }

    #[test]
    fn by_its_time_a_relay_may_begin_again_after_its_end() {
        let mut current = Current::default();
        current.record(&news(10, Ended));
        assert!(!current.record(&news(11, Connecting)));
        assert_eq!(current.state(&entity(1)), Some(Connecting));
        assert!(current.record(&news(10, Ended)));
    }

    #[test]
    fn without_times_the_order_of_arrival_decides() {
        let mut current = Current::default();
        for state in [Connecting, Live, Recovering, Live, Failed, Connecting] {
            assert!(!current.record(&news(None, state)));
            assert_eq!(current.state(&entity(1)), Some(state));
        }
    }

    #[test]
    fn without_times_nothing_follows_the_end() {
        for after in [Some(Connecting), Some(Live), Some(Ended), None] {
            let mut current = Current::default();
            current.record(&news(None, Live));
            assert!(!current.record(&news(None, Ended)));
            assert!(current.record(&news(None, after)), "{after:?}");
            assert_eq!(current.state(&entity(1)), Some(Ended));
        }
    }

    #[test]
    fn of_the_same_time_the_order_of_arrival_decides() {
        let mut current = Current::default();
        assert!(!current.record(&news(10, Connecting)));
        assert!(!current.record(&news(10, Live)));
        assert!(!current.record(&news(10, Ended)));
        assert!(current.record(&news(10, Live)));
        assert_eq!(current.state(&entity(1)), Some(Ended));
    }

    #[test]
    fn an_event_without_a_time_among_others_keeps_the_newest_time() {
        let mut current = Current::default();
        current.record(&news(10, Connecting));
        assert!(!current.record(&news(None, Live)));
        assert!(current.record(&news(9, Recovering)));
        assert!(!current.record(&news(None, Ended)));
        assert!(current.record(&news(None, Live)));
        assert!(!current.record(&news(11, Connecting)));
    }

    #[test]
    fn a_state_that_is_not_known_changes_none() {
        let mut current = Current::default();
        current.record(&news(10, Live));
        assert!(!current.record(&news(11, None)));
        assert_eq!(current.state(&entity(1)), Some(Live));
        // But it is the newest event.
        assert!(current.record(&news(10, Ended)));
    }

    #[test]
    fn a_clock_that_is_ahead_is_believed_for_five_minutes() {
        let mut current = Current::default();
        let at = |secs: u64| UnixMillis(ACCEPTED.0 + secs * 1000);
        let ahead = |time, accepted_at| News { time: Some(time), accepted_at, ..news(None, Live) };
        assert!(!current.record(&ahead(UnixMillis(u64::MAX), at(0))));
        // It counts as 300 s ahead: within them what follows with a right clock is late.
        assert!(current.is_late(&ahead(at(299), at(299))));
        assert!(!current.is_late(&ahead(at(300), at(300))));
        assert!(!current.is_late(&ahead(at(301), at(301))));
    }

    #[test]
    fn judging_remembers_nothing() {
        let mut current = Current::default();
        assert!(!current.is_late(&news(10, Ended)));
        assert!(current.is_empty());
        assert!(!current.record(&news(9, Live)));
        assert_eq!(current.len(), 1);
    }

    #[test]
    fn at_the_bound_the_least_recently_heard_is_forgotten() {
        let mut current = Current::new(2);
        let of = |number| News { entity: entity(number), ..news(10, Ended) };
        current.record(&of(1));
        current.record(&of(2));
        // A late event is heard of, too.
        assert!(current.record(&News { time: Some(UnixMillis(0)), ..of(1) }));
        current.record(&of(3));
        assert_eq!(current.len(), 2);
        assert_eq!(current.state(&entity(2)), None);
        assert_eq!(current.state(&entity(1)), Some(Ended));
        assert_eq!(current.state(&entity(3)), Some(Ended));
    }

    fn any_news() -> impl Strategy<Value = News> {
        let state = proptest::option::of(proptest::sample::select(RelayState::ALL));
        (0_u8..5, proptest::option::of(0_u64..6), state)
            .prop_map(|(number, time, state)| News { entity: entity(number), ..news(time, state) })
    }

    /// The rules again, by a search through all that was accepted and is not forgotten.
    fn late_by_search(before: &[(News, bool)], news: &News) -> bool {
        let current = before.iter().filter(|(of, late)| of.entity == news.entity && !late);
        let newest = current.clone().filter_map(|(of, _)| of.time).max();
        let state = current.rev().find_map(|(of, _)| of.state);
        match (news.time, newest) {
            (Some(time), Some(newest)) if time < newest => true,
            (Some(time), Some(newest)) if time > newest => false,
            _ => state == Some(Ended),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_search_through_all_that_was_accepted(
            all in proptest::collection::vec(any_news(), 1..60),
            capacity in 1_usize..5,
        ) {
            let mut current = Current::new(capacity);
            let mut before: Vec<(News, bool)> = Vec::new();
            // The entities that are remembered, the least recently heard of first.
            let mut heard: Vec<EntityKey> = Vec::new();
            for news in &all {
                let expected = late_by_search(&before, news);
                prop_assert_eq!(current.is_late(news), expected);
                prop_assert_eq!(current.record(news), expected);
                before.push((*news, expected));
                heard.retain(|entity| *entity != news.entity);
                heard.push(news.entity);
                if heard.len() > capacity {
                    let forgotten = heard.remove(0);
                    before.retain(|(of, _)| of.entity != forgotten);
                }
                prop_assert_eq!(current.len(), heard.len());
                for number in 0..5 {
                    let of = before.iter().rev();
                    let mut of = of.filter(|(of, late)| of.entity == entity(number) && !late);
                    let state = of.find_map(|(of, _)| of.state);
                    prop_assert_eq!(current.state(&entity(number)), state);
                }
            }
        }

        /// Of an entity whose rows are all among the newest ones, these are enough.
        #[test]
        fn restored_from_the_newest_rows_it_says_the_same(
            all in proptest::collection::vec(any_news(), 1..40),
            lost in 0_usize..40,
            next in any_news(),
        ) {
            let (older, newest) = all.split_at(lost.min(all.len()));
            let mut whole = Current::default();
            let mut restored = Current::default();
            for news in older {
                whole.record(news);
            }
            for news in newest {
                let is_among_the_lost = older.iter().any(|of| of.entity == news.entity);
                let (late, again) = (whole.record(news), restored.record(news));
                prop_assert!(is_among_the_lost || late == again);
            }
            if older.iter().all(|of| of.entity != next.entity) {
                prop_assert_eq!(whole.is_late(&next), restored.is_late(&next));
                prop_assert_eq!(whole.state(&next.entity), restored.state(&next.entity));
            }
        }

        /// With times that differ, the state in the end is that of the newest event, whatever the
        /// order in which they came.
        #[test]
        fn with_times_the_order_of_arrival_changes_nothing(
            states in proptest::collection::vec(proptest::sample::select(RelayState::ALL), 1..12),
            seed in proptest::collection::vec(any::<u64>(), 12),
        ) {
            let newest = states.last().copied();
            let mut order: Vec<(u64, usize)> =
                states.iter().enumerate().map(|(at, _)| (seed[at], at)).collect();
            order.sort_unstable();
            let mut current = Current::default();
            for (_, at) in order {
                current.record(&news(at as u64, states[at]));
            }
            prop_assert_eq!(current.state(&entity(1)), newest);
        }
    }
}
