//! Signature schemes as data: whether a call is what it says it is, and how a call is signed.
//!
//! A [`Scheme`] says what is signed, how, and where signature, time and id travel. One of the
//! [`Builtin`] rows, or a [`RawScheme`] that a tenant writes. A [`Verifier`] checks calls by it
//! and is the only source of [`Verified`]; a [`Signer`] signs by it; [`explain`] shows people what
//! is signed. All three put the message together in one place.
//!
//! What holds for every scheme:
//!
//! - A time, id or digest that a scheme reads is part of what is signed; else the scheme is not
//!   accepted.
//! - A parameter that comes twice is refused, and so is a value that contains the separator that
//!   ends it: one message has one meaning.
//! - Signatures are compared as bytes of their full size, in constant time, with every key that
//!   counts.
//! - Keys and computed signatures are in no error, no `Debug` and no explanation.
//!
//! Sources: RFC 2104 (HMAC), RFC 8032 (Ed25519), RFC 4648 (base64), RFC 6901 (JSON pointer),
//! RFC 3986 (URLs), RFC 9110 (header fields), Standard Webhooks 1.0.0, and the vendors' references
//! that [`Builtin`] names.

mod body;
mod builtin;
mod call;
mod check;
mod clock_text;
mod explain;
#[cfg(any(test, feature = "_fuzzing"))]
pub mod fuzz;
pub mod limits;
mod mac;
mod message;
mod model;
mod policy;
mod raw;
mod refusal;
pub mod request;
mod row;
mod secret;
mod sign;
mod target;
mod verify;

pub use builtin::{Builtin, CanonicalUri};
pub use call::Call;
pub use check::{SchemeError, Violation};
pub use explain::{ShowBody, explain};
pub use model::{Algorithm, BodyForm, Encoding, IdKind, KeyForm, Scheme, TimeFormat, TimeMeans};
pub use policy::{Policy, PolicyError};
pub use raw::{RawDigest, RawId, RawPart, RawPlace, RawScheme, RawSorted, RawTime};
pub use refusal::{Parameter, Refusal, Role};
pub use secret::{Secret, SecretError, Secrets};
pub use sign::{Outgoing, SignError, Signed, Signer};
pub use target::UrlError;
pub use verify::{KeyUsed, PrepareError, ReplayKey, Verified, Verifier};
