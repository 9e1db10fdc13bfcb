//! Which push addresses are whose, without what is secret in them.

use std::cell::RefCell;

use livegate_core::relay::{Addresses, Conflict, PushUrl, Task};
use livegate_core::time::UnixMillis;
use sha2::{Digest as _, Sha256};

use super::TaskKey;
use crate::store::{Change, Kept};

/// The addresses of all tasks, and those that rest.
#[derive(Default)]
pub(super) struct Claims(RefCell<Addresses>);

impl Claims {
    /// As they were kept.
    pub(super) fn restore(&self, kept: &Kept) {
        let mut addresses = self.0.borrow_mut();
        for (identity, task, rests_until) in &kept.addresses {
            addresses.restore(identity.clone(), task.clone(), *rests_until);
        }
    }

    /// Gives a task its addresses and no others. Those of one that has not begun need no rest. A Fleet
    /// gives none out before it has rested, by its own settings: of what is leased a rest here does not
    /// count.
    ///
    /// # Errors
    /// Every [`Conflict`]; then nothing has changed.
    pub(super) fn claim(
        &self,
        task: &Task,
        is_leased: bool,
        has_begun: bool,
        now: UnixMillis,
    ) -> Result<(), Vec<Conflict>> {
        let identities: Vec<String> = task.targets.iter().map(identity).collect();
        let name = TaskKey::of(task).to_string();
        let mut addresses = self.0.borrow_mut();
        if !is_leased && has_begun {
            return addresses.claim(&name, &identities, now);
        }
        let mut claimed = addresses.clone();
        if is_leased {
            claimed.end_rests(&identities);
        }
        if !has_begun {
            claimed.take_back(&name);
        }
        claimed.claim(&name, &identities, now)?;
        *addresses = claimed;
        Ok(())
    }

    /// A task's addresses rest from now on.
    pub(super) fn release(&self, key: &TaskKey, now: UnixMillis) {
        self.0.borrow_mut().release(&key.to_string(), now);
    }

    /// A task never pushed to its addresses: they are free at once.
    pub(super) fn take_back(&self, key: &TaskKey) {
        self.0.borrow_mut().take_back(&key.to_string());
    }

    /// A task's addresses, those that rest included, as they are written.
    pub(super) fn row(&self, key: &TaskKey) -> Change {
        let name = key.to_string();
        let addresses = self.0.borrow();
        let own = addresses.rows().filter(|(_, task, _)| *task == name);
        let all =
            own.map(|(identity, _, rests_until)| (identity.to_owned(), rests_until)).collect();
        Change::Addresses { task: name, all }
    }
}

/// What two forms of one address have in common, without what is secret in it.
fn identity(url: &PushUrl) -> String {
    hex::encode(Sha256::digest(url.identity().as_bytes()))
}
