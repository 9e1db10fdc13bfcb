//! Whose callback settings an event of a room goes by.
//!
//! Settings stand at four levels, and the vendor does not say which wins; only that a room may
//! inherit its platform's. So the nearest does that has an address: the job's, the room's, the
//! platform's if the room inherits them, the tenant's. It decides alone: an event whose type it does
//! not want goes nowhere else.

use super::callback::LiveEventCallBackConfig;
use super::named::named;
use super::room::RoomCallback;

named! {
    /// Who can have callback settings.
    pub enum Level {
        /// A live job, from its start.
        Job = "job",
        /// The room that it runs in.
        Room = "room",
        /// The live platform that the room is for.
        Platform = "platform",
        /// The tenant, for all of its rooms.
        Tenant = "tenant",
    }
}

/// What the operator may choose where the vendor is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelRules {
    /// From the nearest to the farthest. A level that is not there is never asked.
    pub order: [Option<Level>; 4],
    /// Whether a room inherits that does not say so.
    pub inherits: bool,
}

/// Job, room, platform, tenant; a room inherits only if it says so.
impl Default for LevelRules {
    fn default() -> Self {
        Self {
            order: [
                Some(Level::Job),
                Some(Level::Room),
                Some(Level::Platform),
                Some(Level::Tenant),
            ],
            inherits: false,
        }
    }
}

/// The settings that there are for one room's event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels<'c> {
    /// Of the job that it is about, if it is about one.
    pub job: Option<&'c LiveEventCallBackConfig>,
    /// Of the room.
    pub room: Option<&'c RoomCallback>,
    /// Of the platform that the room is for: see [`super::Platform::event_callback`].
    pub platform: Option<&'c LiveEventCallBackConfig>,
    /// Of the tenant.
    pub tenant: Option<&'c LiveEventCallBackConfig>,
}

impl<'c> Levels<'c> {
    /// The nearest settings with an address, and whose they are.
    pub fn nearest(&self, rules: LevelRules) -> Option<(Level, &'c LiveEventCallBackConfig)> {
        let inherits = self.room.and_then(|room| room.inherits).unwrap_or(rules.inherits);
        let at = |level| match level {
            Level::Job => self.job,
            Level::Room => self.room.map(|room| &room.config),
            Level::Platform if inherits => self.platform,
            Level::Platform => None,
            Level::Tenant => self.tenant,
        };
        let called = |level| at(level).filter(|config| config.url().is_some());
        rules.order.into_iter().flatten().find_map(|level| Some((level, called(level)?)))
    }
}
