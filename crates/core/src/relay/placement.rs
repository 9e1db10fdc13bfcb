//! Which host of several gets a task.
//!
//! A published stream is where its publisher is, so its task goes there. A pulled one can be fetched by
//! any host: it goes to the one that does the least of what it can. Load is what the Fleet has given a
//! host, which it knows at once, or what the host says that its processors do, whichever is more.

use super::lease::Feed;

/// A host that is connected, as far as a task is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// Its name.
    pub host: &'a str,
    /// The pushes that it was given.
    pub pushes: u64,
    /// The pushes that it can take.
    pub capacity: u64,
    /// How much of its processors is in use, in thousandths, as it said last.
    pub cpu_permille: u64,
    /// Since when the task's stream is published there, if it is: a number that counts up.
    pub published: Option<u64>,
}

impl<'a> Candidate<'a> {
    /// A host that was given nothing yet.
    pub const fn new(host: &'a str, capacity: u64) -> Self {
        Self { host, pushes: 0, capacity, cpu_permille: 0, published: None }
    }

    const fn has_room_for(&self, pushes: u64) -> bool {
        self.pushes.saturating_add(pushes) <= self.capacity
    }

    /// In thousandths of what it can.
    fn load(&self) -> u64 {
        let given = self.pushes.saturating_mul(1000);
        given.checked_div(self.capacity).unwrap_or(u64::MAX).max(self.cpu_permille)
    }
}

/// The host for a task of so many pushes that no host has, if one can take it. Of equals the one with
/// fewer pushes, and then the first by name.
pub fn choose<'a>(feed: Feed, pushes: u64, candidates: &[Candidate<'a>]) -> Option<&'a str> {
    let able = candidates.iter().filter(|one| one.has_room_for(pushes));
    let best = match feed {
        Feed::Published => able
            .filter(|one| one.published.is_some())
            .max_by(|a, b| a.published.cmp(&b.published).then_with(|| b.host.cmp(a.host))),
        Feed::Pulled => able.min_by_key(|one| (one.load(), one.pushes, one.host)),
    };
    best.map(|one| one.host)
}

/// Whether a task should leave the host that has it: its stream is published to another one, and not
/// to this one any more. A host that is not connected is not asked to: nobody knows what it has.
pub fn should_leave(feed: Feed, host: &str, candidates: &[Candidate<'_>]) -> bool {
    let is_there = |one: &Candidate<'_>| one.published.is_some();
    let own = candidates.iter().find(|one| one.host == host);
    feed == Feed::Published
        && own.is_some_and(|own| !is_there(own))
        && candidates.iter().any(is_there)
}

#[cfg(test)]
mod tests {
    use super::{Candidate, choose, should_leave};
    use crate::relay::lease::Feed;

    const fn host(host: &str, pushes: u64, cpu_permille: u64) -> Candidate<'_> {
        Candidate { pushes, cpu_permille, ..Candidate::new(host, 100) }
    }

    fn with(published: u64, one: Candidate<'_>) -> Candidate<'_> {
        Candidate { published: Some(published), ..one }
    }

    #[test]
    fn a_pulled_stream_goes_to_the_host_that_does_least() {
        let hosts = [host("a", 30, 100), host("b", 20, 100), host("c", 10, 500)];
        assert_eq!(choose(Feed::Pulled, 1, &hosts), Some("b"));
        assert_eq!(choose(Feed::Pulled, 1, &[host("b", 1, 0), host("a", 1, 0)]), Some("a"));
        // 200 of 1000 are less than 30 of 100.
        let large = Candidate { capacity: 1000, ..host("z", 200, 0) };
        assert_eq!(choose(Feed::Pulled, 1, &[host("a", 30, 0), large]), Some("z"));
        assert_eq!(choose(Feed::Pulled, 1, &[]), None);
    }

    #[test]
    fn a_host_is_given_no_more_than_it_can_take() {
        let hosts = [host("a", 98, 0), host("b", 95, 990)];
        assert_eq!(choose(Feed::Pulled, 2, &hosts), Some("a"));
        assert_eq!(choose(Feed::Pulled, 3, &hosts), Some("b"));
        assert_eq!(choose(Feed::Pulled, 6, &hosts), None);
        assert_eq!(choose(Feed::Pulled, 0, &[Candidate::new("a", 0)]), Some("a"));
    }

    #[test]
    fn a_published_stream_is_relayed_where_it_is() {
        let hosts = [host("a", 0, 0), with(4, host("b", 90, 900)), with(2, host("c", 0, 0))];
        assert_eq!(choose(Feed::Published, 1, &hosts), Some("b"));
        assert_eq!(choose(Feed::Published, 11, &hosts), Some("c"));
        assert_eq!(choose(Feed::Published, 1, &[host("a", 0, 0)]), None);
    }

    #[test]
    fn a_task_leaves_a_host_only_to_follow_its_publisher() {
        let (a, b) = (host("a", 0, 0), host("b", 0, 0));
        assert!(should_leave(Feed::Published, "a", &[a, with(2, b)]));
        // The stream is at both, at neither, or the host is cut off.
        assert!(!should_leave(Feed::Published, "a", &[with(1, a), with(2, b)]));
        assert!(!should_leave(Feed::Published, "a", &[a, b]));
        assert!(!should_leave(Feed::Published, "a", &[with(2, b)]));
        assert!(!should_leave(Feed::Pulled, "a", &[a, with(2, b)]));
    }
}
