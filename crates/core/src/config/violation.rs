//! What is wrong with a configuration: all of it, each with its place.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::error::{Code, Coded, Fault};
use crate::layout::LayoutError;
use crate::relay::lease::CannotMove;
use crate::relay::token::TokenError;
use crate::scheme::SecretError;
use crate::url::UrlError;

/// What can be wrong with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// `config.not_json`: the whole is not JSON.
    NotJson,
    /// `config.too_large`: the whole has too many bytes.
    TooLarge {
        /// How many it may have.
        limit: usize,
    },
    /// `config.wrong_type`: another JSON type than the field's.
    WrongType {
        /// The field's own.
        expected: &'static str,
    },
    /// `config.missing`: the field has to be there.
    Missing,
    /// `config.out_of_range`: a number beyond its bounds.
    OutOfRange {
        /// The least, in the field's unit.
        min: i64,
        /// The most, in the field's unit.
        max: i64,
        /// The field's unit.
        unit: &'static str,
    },
    /// `config.unknown_value`: not one of the values that the field has.
    UnknownValue {
        /// Which it has.
        allowed: &'static [&'static str],
    },
    /// `config.too_long`: a text of too many characters.
    TooLong {
        /// How many it may have.
        limit: usize,
    },
    /// `config.too_short`: a text of too few characters.
    TooShort {
        /// How many it should have at least.
        least: usize,
    },
    /// `config.wrong_count`: a list of too few items or too many.
    WrongCount {
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// `config.not_https`: an address that is not `https`.
    NotHttps,
    /// An address that cannot be used; its code is the [`UrlError`]'s own, `url.…`.
    Url(UrlError),
    /// A layout that cannot be; its code is the [`LayoutError`]'s own, `layout.…`.
    Layout(LayoutError),
    /// A failover that the source cannot have; its code is the [`CannotMove`]'s own.
    Failover(CannotMove),
    /// A key that cannot be used; its code is the [`SecretError`]'s own, `sign.…`.
    Secret(SecretError),
    /// A key of tokens that cannot be used; its code is the [`TokenError`]'s own, `ingest.…`.
    Token(TokenError),
    /// `config.unknown_field`: there is no such field.
    UnknownField,
    /// `config.characters`: a character that the text cannot have.
    Characters {
        /// Which it may have.
        allowed: &'static str,
    },
    /// `config.duplicate`: the same is there before it.
    Duplicate,
    /// `config.excluded`: it cannot be there together with another field.
    Excluded {
        /// Which.
        by: &'static str,
    },
    /// `config.unmatched`: it has to go with another field, and does not.
    Unmatched {
        /// Which.
        with: &'static str,
    },
    /// `config.not_rtmp`: an address that cannot be pushed to by RTMP.
    NotRtmp,
    /// `config.no_application`: a push address without the name of an application.
    NoApplication,
    /// `config.too_early`: a time too long ago.
    TooEarly {
        /// How many days ago it may be.
        days: u64,
    },
    /// `config.to_come`: a time that is still to come.
    ToCome,
    /// `config.ambiguous`: a pattern by which several streams would have one name.
    Ambiguous,
    /// `config.key_missing`: the chosen authentication signs, but there is no key to sign with.
    KeyMissing,
}

impl Problem {
    /// Its stable name.
    pub fn code(&self) -> Code {
        Code::new(match self {
            Self::NotJson => "config.not_json",
            Self::TooLarge { .. } => "config.too_large",
            Self::WrongType { .. } => "config.wrong_type",
            Self::Missing => "config.missing",
            Self::OutOfRange { .. } => "config.out_of_range",
            Self::UnknownValue { .. } => "config.unknown_value",
            Self::TooLong { .. } => "config.too_long",
            Self::TooShort { .. } => "config.too_short",
            Self::Secret(error) => return error.code(),
            Self::Token(error) => return error.code(),
            Self::WrongCount { .. } => "config.wrong_count",
            Self::NotHttps => "config.not_https",
            Self::Url(error) => return error.code(),
            Self::Layout(error) => return error.code(),
            Self::Failover(error) => return error.code(),
            Self::UnknownField => "config.unknown_field",
            Self::Characters { .. } => "config.characters",
            Self::Duplicate => "config.duplicate",
            Self::Excluded { .. } => "config.excluded",
            Self::Unmatched { .. } => "config.unmatched",
            Self::NotRtmp => "config.not_rtmp",
            Self::NoApplication => "config.no_application",
            Self::TooEarly { .. } => "config.too_early",
            Self::ToCome => "config.to_come",
            Self::Ambiguous => "config.ambiguous",
            Self::KeyMissing => "config.key_missing",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("should be JSON"),
            Self::TooLarge { limit } => write!(f, "should have at most {limit} bytes"),
            Self::WrongType { expected } => write!(f, "should be {expected}"),
            Self::Missing => f.write_str("is needed"),
            Self::OutOfRange { min, max, unit } => {
                write!(f, "should be {min} to {max} {unit}")
            }
            Self::UnknownValue { allowed } => {
                f.write_str("should be ")?;
                for (index, value) in allowed.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " or " })?;
                    f.write_str(value)?;
                }
                Ok(())
            }
            Self::TooLong { limit } => write!(f, "should have at most {limit} characters"),
            Self::TooShort { least } => write!(f, "should have at least {least} characters"),
            Self::Secret(error) => write!(f, "cannot be used: {error}"),
            Self::Token(error) => write!(f, "cannot be used: {error}"),
            Self::WrongCount { min, max } => write!(f, "should have {min} to {max} items"),
            Self::NotHttps => f.write_str("should begin with https://"),
            Self::Url(error) => write!(f, "cannot be used: {error}"),
            Self::Layout(error) => write!(f, "{error}"),
            Self::Failover(error) => write!(f, "cannot be: {error}"),
            Self::UnknownField => f.write_str("is not known"),
            Self::Characters { allowed } => write!(f, "should have only {allowed}"),
            Self::Duplicate => f.write_str("should not be there twice"),
            Self::Excluded { by } => write!(f, "should not go together with {by}"),
            Self::Unmatched { with } => write!(f, "should match {with}"),
            Self::NotRtmp => f.write_str("should begin with rtmp:// or rtmps://"),
            Self::NoApplication => f.write_str("should name an application behind its host"),
            Self::TooEarly { days } => write!(f, "should be at most {days} days ago"),
            Self::ToCome => f.write_str("should not be in the future"),
            Self::Ambiguous => f.write_str("would give several streams one name"),
            Self::KeyMissing => f.write_str("is needed to sign with"),
        }
    }
}

/// One thing that is wrong, and where. As JSON: `{"path", "code", "detail"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, by the vendor's names: `live_exit_config.max_live_duration`,
    /// `live_event_callback_config.callback_event_type[2]`; empty for the whole.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Violation {
    /// The stable name of what is wrong.
    pub fn code(&self) -> Code {
        self.problem.code()
    }

    /// What is wrong, for people.
    pub fn detail(&self) -> String {
        self.problem.to_string()
    }
}

impl Serialize for Violation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Violation", 3)?;
        out.serialize_field("path", &self.path)?;
        out.serialize_field("code", self.code().as_str())?;
        out.serialize_field("detail", &self.detail())?;
        out.end()
    }
}

/// Everything that is wrong, in the order of the vendor's documentation; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Violations(Vec<Violation>);

impl Violations {
    pub(crate) fn of(path: &str, problem: Problem) -> Self {
        Self(Vec::from([Violation { path: String::from(path), problem }]))
    }

    /// Never of none.
    pub(crate) const fn new(found: Vec<Violation>) -> Self {
        Self(found)
    }

    /// Each of them.
    pub fn iter(&self) -> core::slice::Iter<'_, Violation> {
        self.0.iter()
    }
}

impl<'v> IntoIterator for &'v Violations {
    type Item = &'v Violation;
    type IntoIter = core::slice::Iter<'v, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The first, and how many more there are.
impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else {
            return Ok(());
        };
        let path = if first.path.is_empty() { "the configuration" } else { &first.path };
        write!(f, "{path} {}", first.problem)?;
        match self.0.len().saturating_sub(1) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

impl core::error::Error for Violations {}

impl Coded for Violations {
    fn code(&self) -> Code {
        Code::new("config.invalid")
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}
