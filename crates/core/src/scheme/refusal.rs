//! Why a call is refused.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::call::Lack;
use super::limits;
use super::model::{Carrier, Place};
use crate::error::{Code, Coded, Fault};
use crate::time::Millis;

/// What a parameter of a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The signature.
    Signature,
    /// The time of signing.
    Time,
    /// The call's id.
    Id,
    /// The body's digest.
    Digest,
    /// Another value that is signed.
    Value,
}

/// A parameter of a call: what it is for and where the scheme says that it travels. Holds nothing
/// of the call itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// What it is for.
    pub role: Role,
    /// Where it travels, e.g. `header x-hw-mss-time`.
    pub place: String,
}

impl Parameter {
    pub(super) fn at(role: Role, place: Option<&Place>) -> Self {
        let place = match place.map(|place| &place.carrier) {
            Some(Carrier::Header(name)) => format!("header {name}"),
            Some(Carrier::Query(name)) => format!("query parameter {name}"),
            Some(Carrier::Body(pointer)) => format!("body field {}", pointer.text),
            None => String::new(),
        };
        Self { role, place }
    }

    pub(super) fn query() -> Self {
        Self { role: Role::Value, place: String::from("query") }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.role {
            Role::Signature => "the signature",
            Role::Time => "the time",
            Role::Id => "the id",
            Role::Digest => "the body's digest",
            Role::Value => "a signed value",
        })?;
        if self.place.is_empty() { Ok(()) } else { write!(f, " ({})", self.place) }
    }
}

/// Why a call is not what it should be. For the operator's record: whoever sent the call is told
/// nothing but that it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A parameter is not there.
    MissingParameter(Parameter),
    /// A parameter is there more than once.
    DuplicateParameter(Parameter),
    /// A parameter is not written as the scheme says, or contains the separator that ends it.
    MalformedParameter(Parameter),
    /// There are signatures, but none of the version that the scheme reads.
    UnsupportedVersion(Parameter),
    /// There are more signatures than are looked at.
    TooManySignatures,
    /// A parameter is a field of the body, and the body is not JSON.
    BodyUnreadable(Parameter),
    /// The call was signed too long ago.
    TimestampStale {
        /// How far it is outside the window.
        by: Millis,
    },
    /// The call was signed too far in the future.
    TimestampFuture {
        /// How far it is outside the window.
        by: Millis,
    },
    /// No signature is that of any key that counts.
    Mismatch,
    /// What is signed is the digest of another body.
    BodyChanged,
    /// The vendor does not say how it signs, and the tenant has not said so either.
    SchemeIncomplete,
    /// The scheme needs a key and none is set.
    KeyMissing,
}

impl Refusal {
    pub(super) fn lack(parameter: Parameter, lack: Lack) -> Self {
        match lack {
            Lack::Missing => Self::MissingParameter(parameter),
            Lack::Duplicate => Self::DuplicateParameter(parameter),
            Lack::Malformed => Self::MalformedParameter(parameter),
            Lack::NotJson => Self::BodyUnreadable(parameter),
            Lack::OtherVersion => Self::UnsupportedVersion(parameter),
        }
    }

    /// Every code that [`Coded::code`] gives, for tables and tests.
    pub const CODES: &[Code] = &[
        Code::new("sign.missing_parameter"),
        Code::new("sign.duplicate_parameter"),
        Code::new("sign.malformed_parameter"),
        Code::new("sign.unsupported_version"),
        Code::new("sign.too_many_signatures"),
        Code::new("sign.body_unreadable"),
        Code::new("sign.timestamp_stale"),
        Code::new("sign.timestamp_future"),
        Code::new("sign.mismatch"),
        Code::new("sign.body_changed"),
        Code::new("sign.scheme_incomplete"),
        Code::new("sign.key_missing"),
    ];
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingParameter(parameter) => write!(f, "{parameter} is missing"),
            Self::DuplicateParameter(parameter) => write!(f, "{parameter} is there twice"),
            Self::MalformedParameter(parameter) => write!(f, "{parameter} is malformed"),
            Self::UnsupportedVersion(parameter) => {
                write!(f, "{parameter} has no signature of the version that is asked for")
            }
            Self::TooManySignatures => {
                write!(f, "there are more than {} signatures", limits::SIGNATURES)
            }
            Self::BodyUnreadable(parameter) => {
                write!(f, "{parameter} cannot be read: the body is not json")
            }
            Self::TimestampStale { by } => {
                write!(f, "the call was signed {} ms before the window", by.0)
            }
            Self::TimestampFuture { by } => {
                write!(f, "the call was signed {} ms after the window", by.0)
            }
            Self::Mismatch => f.write_str("the signature is not that of any key that counts"),
            Self::BodyChanged => f.write_str("what is signed is the digest of another body"),
            Self::SchemeIncomplete => {
                f.write_str("the vendor's algorithm is not public: the scheme has to be completed")
            }
            Self::KeyMissing => f.write_str("the scheme needs a key and none is set"),
        }
    }
}

impl core::error::Error for Refusal {}

impl Coded for Refusal {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::MissingParameter(_) => "sign.missing_parameter",
            Self::DuplicateParameter(_) => "sign.duplicate_parameter",
            Self::MalformedParameter(_) => "sign.malformed_parameter",
            Self::UnsupportedVersion(_) => "sign.unsupported_version",
            Self::TooManySignatures => "sign.too_many_signatures",
            Self::BodyUnreadable(_) => "sign.body_unreadable",
            Self::TimestampStale { .. } => "sign.timestamp_stale",
            Self::TimestampFuture { .. } => "sign.timestamp_future",
            Self::Mismatch => "sign.mismatch",
            Self::BodyChanged => "sign.body_changed",
            Self::SchemeIncomplete => "sign.scheme_incomplete",
            Self::KeyMissing => "sign.key_missing",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::SchemeIncomplete | Self::KeyMissing => Fault::Config,
            Self::TooManySignatures => Fault::Limit,
            _ => Fault::Caller,
        }
    }
}
