//! Whose callback settings an event of a room goes by.
//!
//! Settings stand at four levels, and the vendor does not say which wins; only that a room may
//! inherit its platform's. So the nearest does that has an address: the job's, the room's, the
//! platform's if the room inherits them, the tenant's. It decides alone: an event whose type it does
//! not want goes nowhere else.

use super::named::named;

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

/// What is configured for one room's event, as the shell has it: the settings, or a name of them. A
/// level without an address is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels<T> {
    /// Of the job that it is about, if it is about one.
    pub job: Option<T>,
    /// Of the room.
    pub room: Option<T>,
    /// Of the platform that the room is for.
    pub platform: Option<T>,
    /// Of the tenant.
    pub tenant: Option<T>,
    /// Whether the room inherits its platform's, if it says so.
    pub inherits: Option<bool>,
}

impl<T> Levels<T> {
    /// The nearest, and whose it is.
    pub fn nearest(self, rules: LevelRules) -> Option<(Level, T)> {
        let Self { mut job, mut room, mut platform, mut tenant, inherits } = self;
        if !inherits.unwrap_or(rules.inherits) {
            platform = None;
        }
        let mut at = |level| match level {
            Level::Job => job.take(),
            Level::Room => room.take(),
            Level::Platform => platform.take(),
            Level::Tenant => tenant.take(),
        };
        rules.order.into_iter().flatten().find_map(|level| Some((level, at(level)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, LevelRules, Levels};

    fn nearest(bits: u8, inherits: Option<bool>, rules: LevelRules) -> Option<Level> {
        let at = |bit: u8| (bits & bit != 0).then_some(());
        let levels = Levels { job: at(8), room: at(4), platform: at(2), tenant: at(1), inherits };
        levels.nearest(rules).map(|(level, ())| level)
    }

    /// Every combination. A column each: what has an address (job, room, platform, tenant), who is
    /// nearest where the room inherits, and who is where it does not.
    #[test]
    fn the_nearest_with_an_address_wins() {
        const J: Option<Level> = Some(Level::Job);
        const R: Option<Level> = Some(Level::Room);
        const P: Option<Level> = Some(Level::Platform);
        const T: Option<Level> = Some(Level::Tenant);
        let table = [
            (0b0000, None, None),
            (0b0001, T, T),
            (0b0010, P, None),
            (0b0011, P, T),
            (0b0100, R, R),
            (0b0101, R, R),
            (0b0110, R, R),
            (0b0111, R, R),
            (0b1000, J, J),
            (0b1001, J, J),
            (0b1010, J, J),
            (0b1011, J, J),
            (0b1100, J, J),
            (0b1101, J, J),
            (0b1110, J, J),
            (0b1111, J, J),
        ];
        for (bits, inheriting, not) in table {
            let rules = LevelRules::default();
            assert_eq!(nearest(bits, Some(true), rules), inheriting, "{bits:04b}, inherits");
            assert_eq!(nearest(bits, Some(false), rules), not, "{bits:04b}, does not");
            assert_eq!(nearest(bits, None, rules), not, "{bits:04b}, does not say");
            let rules = LevelRules { inherits: true, ..rules };
            assert_eq!(nearest(bits, None, rules), inheriting, "{bits:04b}, by default");
        }
    }

    #[test]
    fn another_order_is_followed_and_a_level_left_out_is_never_asked() {
        let rules = LevelRules {
            order: [Some(Level::Tenant), Some(Level::Job), None, None],
            inherits: true,
        };
        assert_eq!(nearest(0b1111, None, rules), Some(Level::Tenant));
        assert_eq!(nearest(0b1110, None, rules), Some(Level::Job));
        assert_eq!(nearest(0b0110, None, rules), None);
    }
}
