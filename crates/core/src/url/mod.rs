//! Addresses that may be called: parsed strictly, and checked against private networks.
//!
//! What checks an address and what calls it are two parsers, and where they read one text in two
//! ways, the check is worth nothing. So [`HttpUrl::parse`] takes less than RFC 3986 and less than
//! the WHATWG's URL standard: only what both read alike. [`egress::check`] then decides whether
//! such an address may be called. It sees names, not what they resolve to: that is guarded where
//! the connection is made.
//!
//! ```
//! use livegate_core::url::{HttpUrl, egress};
//!
//! let url = HttpUrl::parse("https://hooks.example.com/live?room=1")?;
//! assert!(egress::check(&url, egress::EgressPolicy::PUBLIC).is_ok());
//! assert!(HttpUrl::parse("https://2130706433/").is_err()); // 127.0.0.1 to some
//! # Ok::<(), livegate_core::url::UrlError>(())
//! ```

pub mod egress;
mod error;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
mod host;
mod network;

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

pub use error::UrlError;
pub use host::Host;
pub use network::Network;

/// The longest address, in bytes: `MetaStudio`'s limit, and a common one.
pub const MAX_LEN: usize = 2048;

/// The scheme of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpScheme {
    /// `http`, unprotected.
    Http,
    /// `https`.
    Https,
}

impl HttpScheme {
    /// The port that is called where the address names none.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// The scheme as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// An absolute `http` or `https` URL that every parser reads alike. It keeps the text it was
/// parsed from, since that is what vendors sign.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpUrl {
    text: String,
    scheme: HttpScheme,
    host: Host,
    port: Option<u16>,
    /// Where the path begins; the end of the text if there is none.
    path_at: usize,
    /// Where the query's question mark is; the end of the text if there is none.
    query_at: usize,
}

impl HttpUrl {
    /// Parses an address.
    ///
    /// # Errors
    /// [`UrlError`], with what every parser does not read alike.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.len() > MAX_LEN {
            return Err(UrlError::TooLong { len: text.len() });
        }
        if let Some(at) = text.bytes().position(|b| !is_allowed(b)) {
            return Err(match text.as_bytes().get(at) {
                Some(b'#') => UrlError::Fragment,
                _ => UrlError::ForbiddenCharacter { at },
            });
        }
        let (scheme, rest) = split_scheme(text).ok_or(UrlError::Scheme)?;
        let start = text.len().saturating_sub(rest.len());
        let authority_len = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = rest.get(..authority_len).unwrap_or("");
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = host::parse_authority(authority)?;
        let path_at = start.saturating_add(authority_len);
        let tail = text.get(path_at..).unwrap_or("");
        let query_at = path_at.saturating_add(tail.find('?').unwrap_or(tail.len()));
        check_tail(text, path_at, query_at)?;
        Ok(Self { text: String::from(text), scheme, host, port, path_at, query_at })
    }

    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `http` or `https`.
    pub const fn scheme(&self) -> HttpScheme {
        self.scheme
    }

    /// The host, in lower case.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port that is named, if one is.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path as it is written; empty if there is none.
    pub fn path(&self) -> &str {
        self.text.get(self.path_at..self.query_at).unwrap_or("")
    }

    /// The query behind its question mark, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.text.get(self.query_at..).and_then(|tail| tail.strip_prefix('?'))
    }
}

/// The address with its query's values masked: they often are credentials.
impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({})", crate::dialect::redact::url(&self.text))
    }
}

impl TryFrom<String> for HttpUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        Self::parse(&text)
    }
}

impl From<HttpUrl> for String {
    fn from(url: HttpUrl) -> Self {
        url.text
    }
}

impl core::str::FromStr for HttpUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

/// The characters of RFC 3986 §2, without `#`. (`[` and `]` stand in the host only: see
/// [`check_tail`].)
const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

fn split_scheme(text: &str) -> Option<(HttpScheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    if scheme.eq_ignore_ascii_case("https") {
        Some((HttpScheme::Https, rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Some((HttpScheme::Http, rest))
    } else {
        None
    }
}

/// Checks path and query: no brackets, whole percent-encodings, no dot segments in the path.
fn check_tail(text: &str, path_at: usize, query_at: usize) -> Result<(), UrlError> {
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate().skip(path_at) {
        let digit = |ahead| bytes.get(at.saturating_add(ahead)).is_some_and(u8::is_ascii_hexdigit);
        match byte {
            b'[' | b']' => return Err(UrlError::ForbiddenCharacter { at }),
            b'%' if !(digit(1) && digit(2)) => return Err(UrlError::Percent { at }),
            _ => {}
        }
    }
    let path = text.get(path_at..query_at).unwrap_or("");
    if path.split('/').any(is_dot_segment) {
        return Err(UrlError::DotSegment);
    }
    Ok(())
}

/// `.` or `..`, where `%2e` stands for a dot, too (URL standard, "double-dot URL path segment").
fn is_dot_segment(part: &str) -> bool {
    let mut rest = part;
    let mut dots: usize = 0;
    while let Some(after) = rest
        .strip_prefix('.')
        .or_else(|| rest.strip_prefix("%2e"))
        .or_else(|| rest.strip_prefix("%2E"))
    {
        dots = dots.saturating_add(1);
        rest = after;
    }
    rest.is_empty() && (dots == 1 || dots == 2)
}
