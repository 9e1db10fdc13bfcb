//! Why an address is refused.

use core::fmt;

use crate::error::{Code, Coded, Fault};

/// A text that is not an `http` or `https` URL which every parser reads alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// `url.empty`: nothing.
    Empty,
    /// `url.too_long`: longer than 2,048 bytes.
    TooLong {
        /// How many bytes there are.
        len: usize,
    },
    /// `url.forbidden_character`: white space, a control character, a backslash, anything beyond
    /// ASCII, or one of the others that a URL does not have (RFC 3986 §2).
    ForbiddenCharacter {
        /// Bytes before it.
        at: usize,
    },
    /// `url.scheme`: it does not begin with `https://` or `http://`.
    Scheme,
    /// `url.userinfo`: an `@` before the host, which is how a URL pretends to be another's.
    UserInfo,
    /// `url.host_missing`: no host.
    HostMissing,
    /// `url.host_name`: not a name of letters, digits and hyphens (RFC 1123 §2.1): an empty label,
    /// one over 63 bytes, a hyphen at its edge, a dot at the end, more than 253 bytes.
    HostName,
    /// `url.host_number`: ends in a number, but is not four decimal ones of 0 to 255 without
    /// leading zeros. Parsers differ about decimal, octal, hexadecimal and short addresses.
    HostNumber,
    /// `url.host_ipv6`: not an IPv6 address in brackets (RFC 3986 §3.2.2), without a zone.
    HostIpv6,
    /// `url.port`: not a decimal number of 1 to 65535 without leading zeros.
    Port,
    /// `url.percent`: a percent sign without two hexadecimal digits (RFC 3986 §2.1).
    Percent {
        /// Bytes before it.
        at: usize,
    },
    /// `url.dot_segment`: a path with a part `.` or `..`, percent-encoded or not: some parsers
    /// remove it, so that another URL would be called than was signed.
    DotSegment,
    /// `url.fragment`: a `#`, which is never sent.
    Fragment,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an address is needed"),
            Self::TooLong { len } => {
                write!(f, "the address has {len} bytes, at most {} are allowed", super::MAX_LEN)
            }
            Self::ForbiddenCharacter { at } => {
                write!(f, "a character after {at} bytes that an address cannot have")
            }
            Self::Scheme => f.write_str("the address should begin with https://"),
            Self::UserInfo => f.write_str("the address should not hold a user or password"),
            Self::HostMissing => f.write_str("the address has no host"),
            Self::HostName => {
                f.write_str("the host should be a name of letters, digits and inner hyphens")
            }
            Self::HostNumber => f.write_str(
                "the host ends in a number but is not four decimal ones without leading zeros",
            ),
            Self::HostIpv6 => f.write_str("the host is not an IPv6 address in brackets"),
            Self::Port => f.write_str("the port should be a number of 1 to 65535"),
            Self::Percent { at } => {
                write!(f, "the percent sign after {at} bytes lacks its two hexadecimal digits")
            }
            Self::DotSegment => f.write_str("the path should not have a part that is only dots"),
            Self::Fragment => f.write_str("the address should not have a fragment"),
        }
    }
}

impl core::error::Error for UrlError {}

impl Coded for UrlError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Empty => "url.empty",
            Self::TooLong { .. } => "url.too_long",
            Self::ForbiddenCharacter { .. } => "url.forbidden_character",
            Self::Scheme => "url.scheme",
            Self::UserInfo => "url.userinfo",
            Self::HostMissing => "url.host_missing",
            Self::HostName => "url.host_name",
            Self::HostNumber => "url.host_number",
            Self::HostIpv6 => "url.host_ipv6",
            Self::Port => "url.port",
            Self::Percent { .. } => "url.percent",
            Self::DotSegment => "url.dot_segment",
            Self::Fragment => "url.fragment",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::TooLong { .. } => Fault::Limit,
            _ => Fault::Caller,
        }
    }
}
