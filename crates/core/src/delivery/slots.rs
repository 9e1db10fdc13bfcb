//! How the endpoints of one channel share its few concurrent requests.
//!
//! The platform runs six outgoing requests at once for one object; a seventh waits inside it. So
//! an endpoint that answers nothing until its time-out would, with several lanes or an unordered
//! one, take all of them from the others. Three rules prevent that:
//!
//! - an endpoint takes another slot only if, before it does, more are free than it holds: one
//!   alone gets half of them, two a third each, and the last is for one that has none;
//! - endpoints whose last request timed out count as one;
//! - one that has not answered yet, since the start, holds one slot at most.
//!
//! The first is the dynamic threshold by which packet switches share a buffer (Choudhury and Hahne,
//! IEEE/ACM Transactions on Networking 6 (2), 1998). More endpoints than slots that fall silent in
//! the same moment, or at the start, can still fill all of them once, for one time-out.

use super::outcome::{Cause, Outcome};
use crate::id::EndpointId;
use crate::sorted::Map;

/// A channel's requests under way, by endpoint.
#[derive(Clone, Debug)]
pub struct Slots {
    total: usize,
    endpoints: Map<EndpointId, Use>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    busy: usize,
    manner: Manner,
}

/// How its last request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Manner {
    #[default]
    Unknown,
    Answers,
    Silent,
}

impl Slots {
    /// What the platform allows one object.
    pub const PLATFORM: u8 = 6;

    /// So many slots, at least two.
    pub fn new(total: u8) -> Self {
        Self { total: usize::from(total.max(2)), endpoints: Map::new() }
    }

    /// How many more requests to that endpoint may start now.
    pub fn free_for(&self, endpoint: EndpointId) -> usize {
        let of = self.endpoints.get(&endpoint).copied().unwrap_or_default();
        let free = self.total.saturating_sub(self.busy(|_| true));
        let (held, most) = match of.manner {
            Manner::Unknown => (of.busy, 1usize.saturating_sub(of.busy)),
            Manner::Answers => (of.busy, free),
            Manner::Silent => (self.busy(|other| other.manner == Manner::Silent), free),
        };
        // Each further one takes from what is free and adds to what is held.
        free.saturating_sub(held).div_ceil(2).min(most)
    }

    /// A request to it starts.
    pub fn start(&mut self, endpoint: EndpointId) {
        let of = self.endpoints.entry(endpoint);
        of.busy = of.busy.saturating_add(1);
    }

    /// A request to it ended.
    pub fn end(&mut self, endpoint: EndpointId, outcome: Outcome) {
        let of = self.endpoints.entry(endpoint);
        of.busy = of.busy.saturating_sub(1);
        of.manner = match outcome {
            Outcome::Unreachable(Cause::Timeout) => Manner::Silent,
            _ => Manner::Answers,
        };
    }

    fn busy(&self, which: impl Fn(&Use) -> bool) -> usize {
        let counts = self.endpoints.values().filter(|of| which(of)).map(|of| of.busy);
        counts.fold(0, usize::saturating_add)
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self::new(Self::PLATFORM)
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;
    use crate::delivery::outcome::{Cause, Outcome};
    use crate::id::EndpointId;
    use proptest::prelude::{any, prop_assert, proptest};

    const TIMEOUT: Outcome = Outcome::Unreachable(Cause::Timeout);
    const OK: Outcome = Outcome::Delivered { status: 200 };

    fn endpoint(number: u8) -> EndpointId {
        EndpointId::from_bytes([number; 16])
    }

    fn ends_one(slots: &mut Slots, number: u8, outcome: Outcome) {
        slots.start(endpoint(number));
        slots.end(endpoint(number), outcome);
    }

    #[test]
    fn one_endpoint_takes_one_slot_until_it_answers_and_then_half() {
        let mut slots = Slots::default();
        assert_eq!(slots.free_for(endpoint(1)), 1);
        slots.start(endpoint(1));
        assert_eq!(slots.free_for(endpoint(1)), 0);
        slots.end(endpoint(1), OK);
        for left in [3, 2, 1] {
            assert_eq!(slots.free_for(endpoint(1)), left);
            slots.start(endpoint(1));
        }
        assert_eq!(slots.free_for(endpoint(1)), 0);
        assert_eq!(slots.free_for(endpoint(2)), 1);
        slots.end(endpoint(1), OK);
        assert_eq!(slots.free_for(endpoint(1)), 1);
    }

    #[test]
    fn the_last_slot_is_for_one_that_has_none() {
        let mut slots = Slots::default();
        for number in 1..=3 {
            ends_one(&mut slots, number, OK);
        }
        for (number, left) in [(1, 3), (1, 2), (1, 1), (2, 2), (2, 1)] {
            assert_eq!(slots.free_for(endpoint(number)), left);
            slots.start(endpoint(number));
        }
        assert_eq!(slots.free_for(endpoint(1)), 0);
        assert_eq!(slots.free_for(endpoint(2)), 0);
        assert_eq!(slots.free_for(endpoint(3)), 1);
    }

    #[test]
    fn silent_endpoints_share_as_if_they_were_one() {
        let mut slots = Slots::default();
        ends_one(&mut slots, 9, OK);
        for number in 1..=5 {
            ends_one(&mut slots, number, TIMEOUT);
        }
        for number in 1..=3 {
            assert_eq!(slots.free_for(endpoint(number)), usize::from(4 - number));
            slots.start(endpoint(number));
        }
        assert_eq!(slots.free_for(endpoint(4)), 0);
        assert_eq!(slots.free_for(endpoint(9)), 2);
    }

    #[test]
    fn an_answer_of_any_sort_ends_the_silence() {
        let mut slots = Slots::default();
        ends_one(&mut slots, 1, TIMEOUT);
        ends_one(&mut slots, 2, TIMEOUT);
        for _ in 0..3 {
            slots.start(endpoint(2));
        }
        assert_eq!(slots.free_for(endpoint(1)), 0);
        ends_one(&mut slots, 1, Outcome::Failed { status: 500 });
        assert_eq!(slots.free_for(endpoint(1)), 2);
    }

    #[test]
    fn there_are_never_more_than_the_platform_allows() {
        let mut slots = Slots::new(0);
        for number in 1..=2 {
            assert_eq!(slots.free_for(endpoint(number)), 1);
            slots.start(endpoint(number));
        }
        assert_eq!(slots.free_for(endpoint(3)), 0);
        // An end that was never a start frees nothing.
        slots.end(endpoint(3), OK);
        assert_eq!(slots.free_for(endpoint(3)), 0);
    }

    proptest! {
        #[test]
        fn a_steady_endpoint_finds_a_slot_whatever_silent_ones_do(
            moves in proptest::collection::vec((1u8..=6, any::<bool>()), 0..200),
        ) {
            let mut slots = Slots::default();
            let mut busy = [0u8; 7];
            ends_one(&mut slots, 7, OK);
            for number in 1..=6 {
                ends_one(&mut slots, number, TIMEOUT);
            }
            for (number, start) in moves {
                let mine = &mut busy[usize::from(number)];
                if start && slots.free_for(endpoint(number)) > 0 {
                    slots.start(endpoint(number));
                    *mine += 1;
                } else if !start && *mine > 0 {
                    slots.end(endpoint(number), TIMEOUT);
                    *mine -= 1;
                }
                prop_assert!(slots.free_for(endpoint(7)) >= 2);
            }
        }
    }
}
