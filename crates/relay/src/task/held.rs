//! A task that is on no disk yet does nothing before it is.

use std::cell::Cell;

use livegate_core::relay::push::Cause;

/// What becomes of a task of which a row could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes on: another row is on disk.
    Goes,
    /// It waits for another row that is under way.
    Waits,
    /// There never was anything of it.
    Falls,
}

/// What holds a task, until it is let go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hold {
    /// How many writes are under way that may bring it to the disk.
    writes: usize,
    /// It is to stop as soon as it has begun.
    pub(super) stop: Option<Cause>,
}

/// Whether a task is held.
#[derive(Debug)]
pub(super) struct Held(Cell<Option<Hold>>);

impl Held {
    /// One that is not: it is on disk.
    pub(super) const fn no() -> Self {
        Self(Cell::new(None))
    }

    /// One that is.
    pub(super) fn yes() -> Self {
        Self(Cell::new(Some(Hold::default())))
    }

    pub(super) const fn is_held(&self) -> bool {
        self.0.get().is_some()
    }

    /// A row is on its way to the disk.
    pub(super) fn writes(&self) {
        self.0.set(self.0.get().map(|hold| Hold { writes: hold.writes + 1, ..hold }));
    }

    /// A row is on disk: what held it, if that lets it go.
    pub(super) const fn kept(&self) -> Option<Hold> {
        self.0.replace(None)
    }

    /// A row could not be written.
    pub(super) fn not_kept(&self) -> Fate {
        let Some(hold) = self.0.get() else { return Fate::Goes };
        let writes = hold.writes.saturating_sub(1);
        self.0.set(Some(Hold { writes, ..hold }));
        if writes == 0 { Fate::Falls } else { Fate::Waits }
    }

    /// It is to stop as soon as it has begun, or not any more; whether it is held.
    pub(super) fn stop(&self, stop: Option<Cause>) -> bool {
        self.0.set(self.0.get().map(|hold| Hold { stop, ..hold }));
        self.is_held()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, Held};
    use livegate_core::relay::push::Cause;

    #[test]
    fn the_first_row_on_disk_lets_it_go_and_the_last_that_fails_is_its_end() {
        let held = Held::yes();
        held.writes();
        held.writes();
        assert_eq!((held.not_kept(), held.not_kept()), (Fate::Waits, Fate::Falls));
        let held = Held::yes();
        held.writes();
        held.writes();
        assert!(held.stop(Some(Cause::Stopped)));
        assert_eq!(held.not_kept(), Fate::Waits);
        assert_eq!(held.kept().unwrap().stop, Some(Cause::Stopped));
        assert!(held.kept().is_none() && !held.stop(None));
        assert_eq!(held.not_kept(), Fate::Goes);
    }
}
