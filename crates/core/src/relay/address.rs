//! Push addresses: which text is one, and which two are the same.
//!
//! Of one stream two publishers at once destroy each other, so an address belongs to one task at a
//! time, and not to the next within [`COOLING`] after it was given up: the servers that it leads to
//! need that to let go of it.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::config::Problem;
use crate::time::{Millis, UnixMillis};
use crate::url::HttpUrl;

/// How long an address rests after its task has stopped (`StartLiveMPUTask`, `StreamURL`).
pub const COOLING: Millis = Millis::from_secs(10);

/// An address that a stream can be pushed to: `rtmp` or `rtmps`, with a host and at least the
/// name of an application. Its grammar else is [`HttpUrl`]'s.
#[derive(Clone, PartialEq, Eq)]
pub struct PushUrl {
    text: String,
    /// The same with `http` for `rtmp`: one grammar for both.
    parts: HttpUrl,
    port: u16,
}

impl PushUrl {
    /// Parses an address of at most 2,048 bytes.
    ///
    /// # Errors
    /// What is wrong with it: [`Problem::NotRtmp`] or [`Problem::Url`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (scheme, rest) = text.split_once("://").ok_or(Problem::NotRtmp)?;
        let (stand_in, port) = match scheme {
            _ if scheme.eq_ignore_ascii_case("rtmp") => ("http://", 1935),
            _ if scheme.eq_ignore_ascii_case("rtmps") => ("https://", 443),
            _ => return Err(Problem::NotRtmp),
        };
        let parts = HttpUrl::parse(&[stand_in, rest].concat()).map_err(Problem::Url)?;
        if parts.path().trim_matches('/').is_empty() {
            return Err(Problem::NoApplication);
        }
        let port = parts.port().unwrap_or(port);
        Ok(Self { text: text.to_owned(), parts, port })
    }

    /// The address with a stream key behind it, as clients that keep the two apart join them.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn with_key(&self, key: &str) -> Result<Self, Problem> {
        if key.is_empty() {
            return Ok(self.clone());
        }
        let slash = if self.text.ends_with('/') { "" } else { "/" };
        Self::parse(&[&self.text, slash, key].concat())
    }

    /// The text it was parsed from, secrets included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host and the rest of the address as one to call: for
    /// [`crate::url::egress::check`], which knows the networks that are not public.
    pub const fn as_http(&self) -> &HttpUrl {
        &self.parts
    }

    /// What two addresses of one stream have in common: host, port, the virtual host if the query
    /// names one, and the path.
    ///
    /// - The scheme only says the port: `rtmps` and `rtmp` to one port are one server.
    /// - The query does not count, since tokens change and the stream stays. But where the path has
    ///   an application's name alone, the stream's is in the query, as with
    ///   `rtmp://host/app/?streamname=…`: then it counts, as it is written.
    /// - The path is compared byte for byte: servers tell cases apart.
    pub fn identity(&self) -> String {
        let path = self.parts.path();
        let query = self.parts.query().unwrap_or("");
        let stream = path.trim_start_matches('/').split_once('/').map_or("", |(_, stream)| stream);
        let counts = if stream.is_empty() {
            query
        } else {
            query.split('&').find(|pair| pair.starts_with("vhost=")).unwrap_or("")
        };
        let host = self.parts.host().to_string();
        let port = self.port.to_string();
        let mark = if counts.is_empty() { "" } else { "?" };
        [&host, ":", &port, path, mark, counts].concat()
    }
}

/// The address, masked.
impl fmt::Debug for PushUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushUrl({})", crate::dialect::redact::push_url(&self.text))
    }
}
