//! How many connections a host has at once, in all and from one address.
//!
//! Who opens thousands of connections and says nothing must not keep others out. Connections of this
//! machine are not counted by address: they are a proxy's, which has everybody's.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use super::settings::settings;

settings! {
    /// How many connections there are by RTMP and RTMPS together, and as many by HTTP.
    pub struct DoorSettings {
        /// In all.
        connections = 4_096 in 16..=1_000_000,
        /// From one address.
        connections_per_address = 256 in 1..=1_000_000,
    }
}

/// How many file descriptors are nobody's who comes in, at most: they are for destinations, sources,
/// receivers and the disk.
const RESERVE: u64 = 4_096;

impl DoorSettings {
    /// The same where the process may have no more file descriptors than that: for RTMP's door and for
    /// HTTP's. A quarter of them is for what the host itself opens, and one door leaves some to the other.
    #[must_use]
    pub fn within(self, descriptors: u64) -> (Self, Self) {
        let left = descriptors.saturating_sub(RESERVE.min(descriptors / 4));
        let bounded = |most: u64| Self { connections: self.connections.min(most), ..self };
        let rtmp = bounded(left.saturating_sub(left / 4));
        (rtmp, bounded(left.saturating_sub(rtmp.connections)))
    }
}

/// Counts connections.
#[derive(Clone, Debug)]
pub struct Door {
    settings: DoorSettings,
    /// Of each place that is counted, how many; never 0.
    places: BTreeMap<Place, u64>,
    open: u64,
}

/// What counts as one address: an IPv4 address, or the network that one customer has of IPv6 (RFC
/// 6177: at least a /64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl Place {
    fn of(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            address if address.is_loopback() => None,
            IpAddr::V4(address) => Some(Self::V4(address.octets())),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Some(Self::V6([a, b, c, d]))
            }
        }
    }
}

impl Door {
    /// Nobody is there yet.
    pub const fn new(settings: DoorSettings) -> Self {
        Self { settings, places: BTreeMap::new(), open: 0 }
    }

    /// Whether a connection from there may be; then it is counted until [`Self::leave`].
    #[must_use]
    pub fn enter(&mut self, address: IpAddr) -> bool {
        if self.open >= self.settings.connections() {
            return false;
        }
        if let Some(place) = Place::of(address) {
            let count = self.places.get(&place).copied().unwrap_or(0);
            if count >= self.settings.connections_per_address() {
                return false;
            }
            self.places.insert(place, count.saturating_add(1));
        }
        self.open = self.open.saturating_add(1);
        true
    }

    /// A connection that was let in is closed.
    pub fn leave(&mut self, address: IpAddr) {
        self.open = self.open.saturating_sub(1);
        let Some(place) = Place::of(address) else { return };
        if let Some(count) = self.places.get_mut(&place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.places.remove(&place);
            }
        }
    }

    /// How many there are.
    pub const fn open(&self) -> u64 {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::{Door, DoorSettings};
    use core::net::IpAddr;

    fn door(connections: u64, per_address: u64) -> Door {
        let mut settings = DoorSettings::default();
        settings.set("connections", connections).unwrap();
        settings.set("connections_per_address", per_address).unwrap();
        Door::new(settings)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn nobody_takes_more_than_their_part() {
        let mut door = door(16, 2);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        assert!(door.enter(one) && door.enter(one));
        assert!(!door.enter(one));
        // The same address, as a socket for both families shows it.
        assert!(!door.enter(address("::ffff:192.0.2.1")));
        assert!(door.enter(other));
        door.leave(one);
        assert!(door.enter(one) && !door.enter(one));
        assert_eq!(door.open(), 3);
    }

    #[test]
    fn doors_are_bounded_by_what_the_process_may_have() {
        let bounds = |connections, descriptors| {
            let mut settings = DoorSettings::default();
            settings.set("connections", connections).unwrap();
            let (rtmp, http) = settings.within(descriptors);
            (rtmp.connections(), http.connections())
        };
        // The usual limits of a shell, of systemd, and of a container.
        assert_eq!(bounds(4_096, 1_024), (576, 192));
        assert_eq!(bounds(4_096, 65_536), (4_096, 4_096));
        assert_eq!(bounds(4_096, 1_048_576), (4_096, 4_096));
        assert_eq!(bounds(12_000, 20_000), (11_928, 3_976));
        // What one does not need the other may have.
        assert_eq!(bounds(500, 1_024), (500, 268));
        assert_eq!(bounds(16, 0), (0, 0));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let mut door = door(16, 1);
        assert!(door.enter(address("2001:db8:0:1::1")));
        assert!(!door.enter(address("2001:db8:0:1:ffff::2")));
        assert!(door.enter(address("2001:db8:0:2::1")));
    }

    #[test]
    fn all_together_have_a_bound_and_this_machine_no_other() {
        let mut door = door(16, 1);
        for _ in 0..16 {
            assert!(door.enter(address("127.0.0.1")));
        }
        assert!(!door.enter(address("::1")) && !door.enter(address("192.0.2.1")));
        door.leave(address("127.0.0.1"));
        assert!(door.enter(address("192.0.2.1")));
        door.leave(address("192.0.2.1"));
        assert!(door.places.is_empty());
    }
}
