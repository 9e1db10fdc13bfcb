//! A push or pull address as a connection needs it.

use livegate_core::relay::PushUrl;
use livegate_core::url::Host;
use livegate_rtmp::session::client::split_path;

/// Where a connection goes, and what it asks for there. Names may be keys: it is not shown.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) is_secure: bool,
    pub(crate) app: String,
    /// The URL without the stream's name.
    pub(crate) tc_url: String,
    /// The stream's name or key, with its query.
    pub(crate) name: String,
}

impl Address {
    /// The parts of a URL; nothing where it has no application or no stream's name.
    pub(crate) fn of(url: &PushUrl) -> Option<Self> {
        let http = url.as_http();
        let mut path = http.path().trim_start_matches('/').to_owned();
        if let Some(query) = http.query() {
            path.push('?');
            path.push_str(query);
        }
        let (app, name) = split_path(&path)?;
        let is_secure = url.is_secure();
        let (scheme, usual) = if is_secure { ("rtmps", 443) } else { ("rtmp", 1935) };
        let host = http.host();
        let tc_url = if url.port() == usual {
            format!("{scheme}://{host}/{app}")
        } else {
            format!("{scheme}://{host}:{}/{app}", url.port())
        };
        let (app, name) = (app.to_owned(), name.to_owned());
        Some(Self { host: host.clone(), port: url.port(), is_secure, app, tc_url, name })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use livegate_core::relay::PushUrl;

    fn parts(url: &str) -> Option<(String, u16, bool, String, String, String)> {
        let Address { host, port, is_secure, app, tc_url, name } =
            Address::of(&PushUrl::parse(url).unwrap())?;
        Some((host.to_string(), port, is_secure, app, tc_url, name))
    }

    #[test]
    fn the_stream_is_what_follows_the_last_slash() {
        let (host, port, is_secure, app, tc_url, name) =
            parts("rtmp://Host.example/live/room/key?a=/b&c=d").unwrap();
        assert_eq!((&*host, port, is_secure), ("host.example", 1935, false));
        assert_eq!((&*app, &*name), ("live/room", "key?a=/b&c=d"));
        assert_eq!(tc_url, "rtmp://host.example/live/room");
    }

    #[test]
    fn a_port_of_its_own_is_said() {
        let (_, port, is_secure, _, tc_url, _) = parts("rtmps://[::1]:1936/live/key").unwrap();
        assert_eq!((port, is_secure, &*tc_url), (1936, true, "rtmps://[::1]:1936/live"));
        assert_eq!(parts("rtmps://host.example/live/key").unwrap().4, "rtmps://host.example/live");
    }

    #[test]
    fn a_name_in_the_query_is_one() {
        assert_eq!(parts("rtmp://h.example/app/?streamname=x").unwrap().5, "?streamname=x");
        assert!(parts("rtmp://h.example/app").is_none());
    }
}
