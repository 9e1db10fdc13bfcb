//! How many tasks an application may have at a time.

use core::fmt;

use super::task::Source;
use crate::error::{Code, Coded, Fault};

/// How many tasks an application may have. The default is the vendor's (`ApsaraVideo` Live,
/// document api-ap2343).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Tasks that relay one stream as it is.
    pub single: u32,
    /// Tasks that mix.
    pub mixed: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { single: 200, mixed: 40 }
    }
}

/// How many tasks an application has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Tasks that relay one stream as it is.
    pub single: u32,
    /// Tasks that mix.
    pub mixed: u32,
}

/// An application has as many tasks of a kind as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaReached {
    /// How many it may have.
    pub limit: u32,
}

impl fmt::Display for QuotaReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the application has {} relay tasks of this kind already", self.limit)
    }
}

impl core::error::Error for QuotaReached {}

impl Coded for QuotaReached {
    fn code(&self) -> Code {
        Code::new("relay.quota")
    }

    fn fault(&self) -> Fault {
        Fault::Limit
    }
}

impl Quota {
    /// Whether another task may start. One that is changed, and does not start, is not counted.
    ///
    /// # Errors
    /// [`QuotaReached`].
    pub const fn admit(self, running: Running, source: &Source) -> Result<(), QuotaReached> {
        let (has, limit) = match source {
            Source::Single(_) => (running.single, self.single),
            Source::Mix(_) => (running.mixed, self.mixed),
        };
        if has < limit { Ok(()) } else { Err(QuotaReached { limit }) }
    }
}

impl Running {
    /// Counts a task.
    pub const fn count(&mut self, source: &Source) {
        match source {
            Source::Single(_) => self.single = self.single.saturating_add(1),
            Source::Mix(_) => self.mixed = self.mixed.saturating_add(1),
        }
    }
}
