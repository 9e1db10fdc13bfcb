//! What an RTMP client asks for: `rtmp(s)://HOST/APP/CHANNEL?user=…&token=…&source=…&role=…`.

use livegate_core::layout::Picture;
use livegate_core::relay::address::SOLE;
use livegate_core::relay::ingest::Role;
use livegate_rtmp::session::server::split_query;

use crate::percent::decode;

/// The parts of an address. Its token is a secret: it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) app: String,
    pub(crate) channel: String,
    /// As it was named.
    pub(crate) user: Option<String>,
    /// Who watches.
    pub(crate) viewer: Option<String>,
    pub(crate) token: String,
    pub(crate) picture: Picture,
    pub(crate) role: Option<Role>,
}

impl Address {
    /// The application of `connect` and the name of `publish` or `play`; either may have a query.
    /// Nothing where a part is not as it should be.
    pub(crate) fn of(app: &str, name: &str) -> Option<Self> {
        let (app, of_app) = split_query(app);
        let (channel, of_name) = split_query(name);
        let mut address = Self {
            app: decode(app.trim_matches('/'), false)?,
            channel: decode(channel, false)?,
            user: None,
            viewer: None,
            token: String::new(),
            picture: Picture::Camera,
            role: None,
        };
        let pairs = [of_app, of_name].into_iter().flatten().flat_map(|query| query.split('&'));
        for (key, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            match key {
                "user" => address.user = Some(decode(value, false)?),
                "viewer" => address.viewer = Some(decode(value, false)?),
                "token" => address.token = decode(value, false)?,
                "source" => address.picture = Picture::from_name(value)?,
                "role" => address.role = Some(Role::from_name(value)?),
                // Encoders and CDNs add what they like.
                _ => {}
            }
        }
        Some(address)
    }

    /// The user who publishes.
    pub(crate) fn publisher(&self) -> &str {
        self.user.as_deref().unwrap_or(SOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use livegate_core::layout::Picture;
    use livegate_core::relay::ingest::Role;

    #[test]
    fn the_query_of_either_part_counts() {
        let one = Address::of("live", "room?user=ann&token=lgp1.a.b&source=screen").unwrap();
        assert_eq!((&*one.app, &*one.channel, one.publisher()), ("live", "room", "ann"));
        assert_eq!((&*one.token, one.picture, one.role), ("lgp1.a.b", Picture::Screen, None));
        let two = Address::of("live?token=t&role=viewer", "room").unwrap();
        assert_eq!(
            (&*two.token, two.picture, two.role),
            ("t", Picture::Camera, Some(Role::Viewer))
        );
        assert_eq!(two.publisher(), "main");
    }

    #[test]
    fn names_may_be_percent_encoded() {
        let one = Address::of("live", "r%C3%A4um?user=a%26b").unwrap();
        assert_eq!((&*one.channel, one.publisher()), ("räum", "a&b"));
        for wrong in ["%", "%4", "%zz", "%ff"] {
            assert!(Address::of("live", wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_is_said_has_to_be_known() {
        assert!(Address::of("live", "room?source=window").is_none());
        assert!(Address::of("live", "room?role=admin").is_none());
        assert!(Address::of("live", "room?bitrate=3000&x").is_some());
    }
}
