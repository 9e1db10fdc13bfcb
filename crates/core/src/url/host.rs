//! The host and port of an address.

use alloc::string::String;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::UrlError;

/// The longest name, in bytes (RFC 1035 §2.3.4: 255 octets on the wire, 253 as text).
const MAX_NAME: usize = 253;

/// The longest label, in bytes (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// Where an address leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name, in lower case.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

/// As a URL has it: an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Splits `host`, `host:port` or `[address]:port`.
pub(super) fn parse_authority(authority: &str) -> Result<(Host, Option<u16>), UrlError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or(UrlError::HostIpv6)?;
        // RFC 4291 §2.2 in all its forms; zones (RFC 6874) and IPvFuture are refused.
        let address = address.parse().map_err(|_| UrlError::HostIpv6)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if rest.is_empty() => None,
            None => return Err(UrlError::HostIpv6),
        };
        return Ok((Host::V6(address), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if host.is_empty() {
        return Err(UrlError::HostMissing);
    }
    let host = parse_host(host)?;
    Ok((host, port.map(parse_port).transpose()?))
}

fn parse_port(digits: &str) -> Result<u16, UrlError> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if !plain {
        return Err(UrlError::Port);
    }
    digits.parse().map_err(|_| UrlError::Port)
}

fn parse_host(host: &str) -> Result<Host, UrlError> {
    if host.len() > MAX_NAME {
        return Err(UrlError::HostName);
    }
    // "1.2.3.4." is an address to some parsers: judge it by the number, not by the dot.
    let bare = host.strip_suffix('.').unwrap_or(host);
    let last = bare.rsplit('.').next().unwrap_or(bare);
    if is_number(last) {
        // The standard library takes four decimal numbers and refuses leading zeros.
        return host.parse().map(Host::V4).map_err(|_| UrlError::HostNumber);
    }
    if !host.split('.').all(is_label) {
        return Err(UrlError::HostName);
    }
    Ok(Host::Name(host.to_ascii_lowercase()))
}

/// What the URL standard takes for the end of an IPv4 address: digits, or `0x` and hexadecimal
/// ones, if any. No top-level domain looks like that.
fn is_number(label: &str) -> bool {
    if !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    match label.split_at_checked(2) {
        Some(("0x" | "0X", digits)) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        _ => false,
    }
}

/// RFC 1123 §2.1: letters, digits and hyphens, none at its edges.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}
