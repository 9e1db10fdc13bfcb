//! Why a request of a vendor's client is refused.

use core::fmt;

use super::rpc::ParamsError;
use crate::error::{Code, Coded, Fault};
use crate::time::Millis;

/// Why a request is refused. Names of headers and parameters are those of the vendor's scheme;
/// nothing of the request itself is in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// No signature of a scheme that is known.
    Unsigned,
    /// A signature, but of an algorithm that is not taken.
    Algorithm,
    /// A header or parameter of the scheme is not there.
    Missing(&'static str),
    /// It is there twice.
    Duplicate(&'static str),
    /// It is not written as the scheme has it.
    Malformed(&'static str),
    /// A header that decides about the request is not signed.
    HeaderUnsigned(&'static str),
    /// A header that the signature names did not come once.
    SignedHeader,
    /// The body is not signed.
    BodyUnsigned,
    /// The digest that is signed is another body's.
    BodyChanged,
    /// The parameters cannot be read.
    Params(ParamsError),
    /// Signed too long ago.
    Stale {
        /// Time beyond the window.
        by: Millis,
    },
    /// Signed too far ahead.
    Future {
        /// Time beyond the window.
        by: Millis,
    },
    /// The signature is not that of this secret.
    Mismatch,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, name, after) = match self {
            Self::Unsigned => ("the request is not signed", "", ""),
            Self::Algorithm => ("the signature is of an algorithm that is not taken", "", ""),
            Self::Missing(name) => ("", *name, " is missing"),
            Self::Duplicate(name) => ("", *name, " is there twice"),
            Self::Malformed(name) => ("", *name, " cannot be read"),
            Self::HeaderUnsigned(name) => ("header ", *name, " is not signed"),
            Self::SignedHeader => ("a header that is signed did not come once", "", ""),
            Self::BodyUnsigned => ("the body is not signed", "", ""),
            Self::BodyChanged => ("what is signed is the digest of another body", "", ""),
            Self::Params(error) => return error.fmt(f),
            Self::Stale { by } => {
                return write!(f, "the request was signed {} ms before the window", by.0);
            }
            Self::Future { by } => {
                return write!(f, "the request was signed {} ms after the window", by.0);
            }
            Self::Mismatch => ("the signature is not that of this access key's secret", "", ""),
        };
        f.write_str(before)?;
        f.write_str(name)?;
        f.write_str(after)
    }
}

impl core::error::Error for RequestError {}

impl Coded for RequestError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Unsigned => "auth.request_unsigned",
            Self::Algorithm => "auth.request_algorithm",
            Self::Missing(_) => "auth.request_missing",
            Self::Duplicate(_) => "auth.request_duplicate",
            Self::Malformed(_) => "auth.request_malformed",
            Self::HeaderUnsigned(_) => "auth.request_header_unsigned",
            Self::SignedHeader => "auth.request_signed_header",
            Self::BodyUnsigned => "auth.request_body_unsigned",
            Self::BodyChanged => "auth.request_body_changed",
            Self::Params(error) => return error.code(),
            Self::Stale { .. } => "auth.request_stale",
            Self::Future { .. } => "auth.request_future",
            Self::Mismatch => "auth.request_mismatch",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Params(error) => error.fault(),
            _ => Fault::Caller,
        }
    }
}

impl From<ParamsError> for RequestError {
    fn from(error: ParamsError) -> Self {
        Self::Params(error)
    }
}
