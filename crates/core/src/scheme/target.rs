//! The configured URL, taken apart once.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use super::call::sorted_query;
use super::limits;
use super::model::Recipe;
use crate::error::{Code, Coded, Fault};

/// What the parts of a message take from the configured URL, as text.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) host_without_port: String,
    pub(super) path: String,
    /// With its `?`, or empty.
    pub(super) sorted_query: String,
    pub(super) url: String,
    /// The query as it is written.
    pub(super) query: String,
}

impl Target {
    /// Takes an absolute http or https URL apart (RFC 3986 §3). Nothing is decoded, encoded or
    /// normalised: the sender signs what was typed in.
    pub(super) fn new(url: &str, recipe: &Recipe) -> Result<Self, UrlError> {
        if url.len() > limits::URL {
            return Err(UrlError::TooLong { bytes: url.len() });
        }
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(UrlError::Malformed);
        }
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Malformed)?;
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Malformed);
        }
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path_at = before.find('/').unwrap_or(before.len());
        let (host, path) = before.split_at_checked(path_at).ok_or(UrlError::Malformed)?;
        if host.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let host_without_port = without_port(host).ok_or(UrlError::Malformed)?;
        let own = |name: &str| recipe.owns_query(name);
        let sorted = sorted_query(query, own).ok_or(UrlError::Malformed)?;
        let has_own =
            query.split('&').any(|pair| own(pair.split_once('=').map_or(pair, |(name, _)| name)));
        let whole = if has_own { without_own(url, query, own) } else { url.to_owned() };
        Ok(Self {
            host: host.to_owned(),
            host_without_port: host_without_port.to_owned(),
            path: path.to_owned(),
            sorted_query: sorted,
            url: whole,
            query: query.to_owned(),
        })
    }
}

impl fmt::Debug for Target {
    /// Shows the host alone: paths and queries of callback URLs hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("host", &self.host).finish_non_exhaustive()
    }
}

/// A host without its port; none if there is no host or the port is no number.
fn without_port(host: &str) -> Option<&str> {
    let name_end = match host.strip_prefix('[') {
        Some(literal) => literal.find(']')?.checked_add(2)?,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at_checked(name_end)?;
    let port_fine = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    (port_fine && !name.is_empty()).then_some(name)
}

fn without_own(url: &str, query: &str, own: impl Fn(&str) -> bool) -> String {
    let mut out = url.strip_suffix(query).unwrap_or(url).to_owned();
    let kept =
        query.split('&').filter(|pair| !own(pair.split_once('=').map_or(*pair, |(name, _)| name)));
    let mut first = true;
    for pair in kept {
        if !first {
            out.push('&');
        }
        out.push_str(pair);
        first = false;
    }
    if first {
        out.pop();
    }
    out
}

/// A configured URL that cannot be signed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It is not an absolute http or https URL.
    Malformed,
    /// It has a user name or password in it.
    UserInfo,
    /// It is too long.
    TooLong {
        /// How long, in bytes.
        bytes: usize,
    },
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the configured url is not an absolute http(s) url"),
            Self::UserInfo => f.write_str("the configured url has a user name in it"),
            Self::TooLong { bytes } => {
                write!(f, "the configured url has {bytes} bytes, the limit is {}", limits::URL)
            }
        }
    }
}

impl core::error::Error for UrlError {}

impl Coded for UrlError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Malformed => "sign.url_malformed",
            Self::UserInfo => "sign.url_userinfo",
            Self::TooLong { .. } => "sign.url_too_long",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, UrlError};
    use crate::scheme::Builtin;
    use std::format;

    fn target(url: &str) -> Result<Target, UrlError> {
        let scheme = Builtin::MssA.scheme();
        Target::new(url, scheme.recipe().unwrap())
    }

    #[test]
    fn a_url_is_taken_apart_as_it_is_written() {
        let one = target("https://Api.example.com:8443/a%2Fb?z=1&a=%20#top").unwrap();
        assert_eq!(one.host, "Api.example.com:8443");
        assert_eq!(one.host_without_port, "Api.example.com");
        assert_eq!(one.path, "/a%2Fb");
        assert_eq!(one.sorted_query, "?a=%20&z=1");
        assert_eq!(one.url, "https://Api.example.com:8443/a%2Fb?z=1&a=%20");

        let six = target("https://[2001:db8::1]:443/x").unwrap();
        assert_eq!(
            (six.host.as_str(), six.host_without_port.as_str()),
            ("[2001:db8::1]:443", "[2001:db8::1]")
        );
        assert_eq!(six.sorted_query, "");

        let bare = target("http://h").unwrap();
        assert_eq!((bare.host.as_str(), bare.path.as_str()), ("h", ""));
        assert_eq!(target("http://h?x=1").unwrap().path, "");
        assert_eq!(target("http://h/p?").unwrap().sorted_query, "");
    }

    #[test]
    fn the_schemes_own_parameters_are_never_part_of_it() {
        let one = target("https://h/p?hwTime=1&b=2&hwSecret=3&a=4").unwrap();
        assert_eq!(one.sorted_query, "?a=4&b=2");
        assert_eq!(one.url, "https://h/p?b=2&a=4");
        let none_left = target("https://h/p?hwTime=1").unwrap();
        assert_eq!((none_left.sorted_query.as_str(), none_left.url.as_str()), ("", "https://h/p"));
    }

    #[test]
    fn what_is_no_plain_http_url_is_refused() {
        for bad in [
            "",
            "h/p",
            "ftp://h/p",
            "https:///p",
            "https://h:x/",
            "https://[::1/",
            "https://:80/",
            "https://h/a b",
            "https://h/\n",
            "https://[::1]x/",
        ] {
            assert_eq!(target(bad).err(), Some(UrlError::Malformed), "{bad}");
        }
        assert_eq!(target("https://u:p@h/").err(), Some(UrlError::UserInfo));
        let long = format!("https://h/{}", "a".repeat(2039));
        assert_eq!(target(&long).err(), Some(UrlError::TooLong { bytes: 2049 }));
        assert!(target(long.trim_end_matches('a')).is_ok());
    }
}
