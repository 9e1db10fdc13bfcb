//! Which host a task runs on, and when another one may have it.
//!
//! A host that hears nothing cannot tell a dead gateway from a cut cable. So the task says what
//! matters more. With [`Failover::Stay`] its host goes on whatever happens, and nothing moves. With
//! [`Failover::Move`] the host holds a lease: it stops when the lease runs out ([`Held`]), and Fleet
//! starts the task elsewhere once it must have ([`Tenancy`]). Only a pulled source can move: a
//! published one is where its publisher is.
//!
//! No clock is compared with another. The host counts from when it *asked*, Fleet from when it
//! *answered*, which is later; and both allow for the other's clock running at another rate. A host
//! needs a clock that counts while the machine sleeps.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use super::settings::settings;
use crate::config::named;
use crate::error::{Code, Coded, Fault};
use crate::time::{Millis, UnixMillis};

settings! {
    /// The times of leases.
    pub struct LeaseSettings {
        /// How long a lease lasts.
        lease_ms = 15_000 in 5_000..=60_000,
        /// By how much the rate of either clock may be wrong, in millionths. Quartz is wrong by less
        /// than 200.
        clock_ppm = 1_000 in 0..=10_000,
        /// How long a host may take to stop, and an address rests, before the task starts elsewhere.
        rest_ms = 10_000 in 1_000..=12_000,
    }
}

impl LeaseSettings {
    /// A span of the host's clock as one of Fleet's that is never shorter.
    fn as_fleet_counts(self, span: Millis) -> Millis {
        let (million, ppm) = (1_000_000u64, self.clock_ppm.min(999_999));
        let slowest = million.saturating_add(ppm);
        Millis(span.0.saturating_mul(slowest).div_ceil(million - ppm))
    }

    /// When a task may start elsewhere whose host was granted a lease, or stopped, at `now`.
    fn free_at(self, now: UnixMillis, lease: Millis) -> UnixMillis {
        now.plus(self.as_fleet_counts(Millis(lease.0.saturating_add(self.rest_ms))))
    }
}

named! {
    /// What happens to a task whose host is cut off.
    pub enum Failover {
        /// Its host goes on. The default.
        Stay = "stay",
        /// Its host stops, and another one goes on.
        Move = "move",
    }
}

/// Where a task's stream comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feed {
    /// Publishers push it to the host.
    Published,
    /// The host fetches it.
    Pulled,
}

impl Failover {
    /// What was asked for, if the source can have it.
    ///
    /// # Errors
    /// [`CannotMove`].
    pub const fn of(self, feed: Feed) -> Result<Self, CannotMove> {
        match (self, feed) {
            (Self::Move, Feed::Published) => Err(CannotMove),
            _ => Ok(self),
        }
    }
}

/// A published source cannot move: it follows its publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotMove;

impl fmt::Display for CannotMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only a task whose source is pulled can move to another host")
    }
}

impl core::error::Error for CannotMove {}

impl Coded for CannotMove {
    fn code(&self) -> Code {
        Code::new("relay.move_published")
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}

/// The number of a tenancy: of two, the greater one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// What Fleet answers a host: the task is yours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The tenancy.
    pub epoch: Epoch,
    /// For how long, from when the host asked; `None` for as long as nobody says otherwise.
    pub lease: Option<Millis>,
}

/// The host's side: a tenancy that it holds, by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    epoch: Epoch,
    /// The newest lease: when it was asked for, and how long it is.
    lease: Option<(UnixMillis, Millis)>,
}

impl Held {
    /// A tenancy that was granted to what the host had sent at `asked_at`: a wish to renew, or the
    /// message before the command that started the task.
    pub fn new(grant: Grant, asked_at: UnixMillis) -> Self {
        Self { epoch: grant.epoch, lease: grant.lease.map(|lease| (asked_at, lease)) }
    }

    /// Takes another grant. Answers overtake each other: an older one changes nothing.
    pub fn granted(&mut self, grant: Grant, asked_at: UnixMillis) {
        let next = Self::new(grant, asked_at);
        let is_newer = next.epoch > self.epoch
            || (next.epoch == self.epoch && (next.lease.is_none() || next.ends() > self.ends()));
        if is_newer {
            *self = next;
        }
    }

    /// Which tenancy: every report carries it.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether the host has to stop the task: its pushes end by `push.lease_lost`.
    pub fn has_run_out(&self, now: UnixMillis) -> bool {
        self.ends().is_some_and(|ends| now >= ends)
    }

    /// When the lease runs out.
    pub fn ends(&self) -> Option<UnixMillis> {
        self.lease.map(|(asked_at, lease)| asked_at.plus(lease))
    }

    /// When to ask for the next one: five times a lease, so that what one lost answer adds to
    /// Fleet's wait is small.
    pub fn renew_at(&self) -> Option<UnixMillis> {
        self.lease.map(|(asked_at, lease)| asked_at.plus(Millis(lease.0 / 5)))
    }
}

/// Whether a task may be started on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vacancy {
    /// A host has it, and nothing takes it from that host but its owner.
    Kept,
    /// A host has it, or may have it still, until then.
    Until(UnixMillis),
    /// No host has it.
    Free,
}

/// It cannot be, for the task is another host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced;

impl fmt::Display for Fenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task is not this host's, or not any more")
    }
}

impl core::error::Error for Fenced {}

impl Coded for Fenced {
    fn code(&self) -> Code {
        Code::new("relay.fenced")
    }

    fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// Fleet's side: who has a task. It is one row, which is written before an answer leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tenancy {
    /// The newest tenancy; 0 before the first.
    pub epoch: Epoch,
    /// The host that has it.
    pub host: Option<String>,
    /// When another one may have it, if not before its host lets go of it.
    pub free_at: Option<UnixMillis>,
}

impl Tenancy {
    /// A task that no host has had.
    pub const fn new() -> Self {
        Self { epoch: Epoch(0), host: None, free_at: Some(UnixMillis(0)) }
    }

    /// As it was kept.
    pub const fn restore(epoch: Epoch, host: Option<String>, free_at: Option<UnixMillis>) -> Self {
        Self { epoch, host, free_at }
    }

    /// Whether it may be started.
    pub fn vacancy(&self, now: UnixMillis) -> Vacancy {
        match self.free_at {
            None => Vacancy::Kept,
            Some(at) if now < at => Vacancy::Until(at),
            Some(_) => Vacancy::Free,
        }
    }

    /// Gives it to a host, as a tenancy of its own.
    ///
    /// # Errors
    /// [`Fenced`] while another may have it.
    pub fn start(
        &mut self,
        host: &str,
        failover: Failover,
        settings: LeaseSettings,
        now: UnixMillis,
    ) -> Result<Grant, Fenced> {
        if self.vacancy(now) != Vacancy::Free {
            return Err(Fenced);
        }
        self.epoch = Epoch(self.epoch.0.saturating_add(1));
        self.host = Some(host.to_owned());
        Ok(self.grant(failover, settings, now))
    }

    /// Renews it.
    ///
    /// # Errors
    /// [`Fenced`] for an older tenancy, another host, or one that came too late: then the host has
    /// stopped, or is about to.
    pub fn renew(
        &mut self,
        host: &str,
        epoch: Epoch,
        failover: Failover,
        settings: LeaseSettings,
        now: UnixMillis,
    ) -> Result<Grant, Fenced> {
        if !self.is_of(host, epoch) || self.vacancy(now) == Vacancy::Free {
            return Err(Fenced);
        }
        Ok(self.grant(failover, settings, now))
    }

    /// Its host says that it has stopped it, all pushes closed.
    pub fn released(&mut self, host: &str, epoch: Epoch, settings: LeaseSettings, now: UnixMillis) {
        if self.is_of(host, epoch) {
            self.host = None;
            let rested = settings.free_at(now, Millis(0));
            self.free_at = Some(self.free_at.map_or(rested, |at| at.min(rested)));
        }
    }

    /// Whether a report of that tenancy counts.
    pub fn is_of(&self, host: &str, epoch: Epoch) -> bool {
        self.epoch == epoch && self.host.as_deref() == Some(host)
    }

    fn grant(&mut self, failover: Failover, settings: LeaseSettings, now: UnixMillis) -> Grant {
        let lease = Millis(settings.lease_ms);
        let (lease, free_at) = match failover {
            Failover::Stay => (None, None),
            Failover::Move => (Some(lease), Some(settings.free_at(now, lease))),
        };
        // A shorter lease than before does not take back what the host was told.
        self.free_at = match (self.free_at, free_at) {
            (Some(before), Some(next)) => Some(before.max(next)),
            (_, next) => next,
        };
        Grant { epoch: self.epoch, lease }
    }
}

impl Default for Tenancy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        CannotMove, Epoch, Failover, Feed, Fenced, Grant, Held, LeaseSettings, Tenancy, Vacancy,
    };
    use crate::error::Coded;
    use crate::time::{Millis, UnixMillis};

    const SETTINGS: LeaseSettings =
        LeaseSettings { lease_ms: 15_000, clock_ppm: 1_000, rest_ms: 10_000 };

    fn at(ms: u64) -> UnixMillis {
        UnixMillis(1_700_000_000_000 + ms)
    }

    #[test]
    fn a_host_that_is_heard_of_keeps_its_task_and_one_that_is_not_loses_it() {
        let mut task = Tenancy::new();
        let grant = task.start("a", Failover::Move, SETTINGS, at(0)).unwrap();
        assert_eq!(grant, Grant { epoch: Epoch(1), lease: Some(Millis(15_000)) });
        // 25 s times 1.001 / 0.999 is 25,050.05 ms.
        assert_eq!(task.vacancy(at(0)), Vacancy::Until(at(25_051)));
        assert_eq!(task.start("b", Failover::Move, SETTINGS, at(25_050)), Err(Fenced));
        let renewed = task.renew("a", Epoch(1), Failover::Move, SETTINGS, at(20_000));
        assert_eq!(renewed, Ok(grant));
        assert_eq!(task.vacancy(at(45_050)), Vacancy::Until(at(45_051)));
        assert_eq!(task.vacancy(at(45_051)), Vacancy::Free);
        assert_eq!(task.renew("a", Epoch(1), Failover::Move, SETTINGS, at(45_051)), Err(Fenced));
        let moved = task.start("b", Failover::Move, SETTINGS, at(45_051)).unwrap();
        assert_eq!(moved.epoch, Epoch(2));
        assert_eq!(task.renew("a", Epoch(1), Failover::Move, SETTINGS, at(45_052)), Err(Fenced));
        assert!(task.is_of("b", Epoch(2)) && !task.is_of("a", Epoch(1)));
    }

    #[test]
    fn a_task_that_stays_is_never_free_until_its_host_lets_go_of_it() {
        let mut task = Tenancy::new();
        let grant = task.start("a", Failover::Stay, SETTINGS, at(0)).unwrap();
        assert_eq!(grant.lease, None);
        assert_eq!(task.vacancy(UnixMillis(u64::MAX)), Vacancy::Kept);
        task.released("b", Epoch(1), SETTINGS, at(5));
        task.released("a", Epoch(0), SETTINGS, at(5));
        assert_eq!(task.vacancy(at(5)), Vacancy::Kept);
        task.released("a", Epoch(1), SETTINGS, at(5));
        // Its addresses rest: 10 s times 1.001 / 0.999 is 10,020.02 ms.
        assert_eq!(task.vacancy(at(5)), Vacancy::Until(at(10_026)));
        assert!(!Held::new(grant, at(0)).has_run_out(UnixMillis(u64::MAX)));
    }

    #[test]
    fn a_host_counts_from_when_it_asked() {
        let grant = Grant { epoch: Epoch(4), lease: Some(Millis(15_000)) };
        let mut held = Held::new(grant, at(0));
        assert_eq!((held.ends(), held.renew_at()), (Some(at(15_000)), Some(at(3_000))));
        held.granted(grant, at(6_000));
        held.granted(grant, at(3_000));
        assert!(!held.has_run_out(at(20_999)));
        assert!(held.has_run_out(at(21_000)));
        held.granted(Grant { epoch: Epoch(3), lease: None }, at(9_000));
        assert_eq!((held.epoch(), held.ends()), (Epoch(4), Some(at(21_000))));
        held.granted(Grant { epoch: Epoch(5), lease: Some(Millis(5_000)) }, at(9_000));
        assert_eq!((held.epoch(), held.ends()), (Epoch(5), Some(at(14_000))));
    }

    #[test]
    fn a_published_source_cannot_move() {
        assert_eq!(Failover::Move.of(Feed::Published), Err(CannotMove));
        assert_eq!(Failover::Move.of(Feed::Pulled), Ok(Failover::Move));
        assert_eq!(Failover::Stay.of(Feed::Published), Ok(Failover::Stay));
        assert!(CannotMove.code().is_well_formed() && Fenced.code().is_well_formed());
    }

    #[test]
    fn a_shorter_lease_does_not_take_back_a_longer_one() {
        let mut task = Tenancy::new();
        let long = LeaseSettings { lease_ms: 60_000, ..SETTINGS };
        task.start("a", Failover::Move, long, at(0)).unwrap();
        let before = task.free_at;
        task.renew("a", Epoch(1), Failover::Move, SETTINGS, at(10)).unwrap();
        assert_eq!(task.free_at, before);
    }
}
