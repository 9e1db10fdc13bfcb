//! What can be wrong with a filter: where, and which rule it breaks.

use alloc::string::String;
use core::fmt;

use crate::error::{Code, Coded, Fault};

/// One broken rule of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901) from the filter's own root, such as `/where/state/$gt`.
    /// Empty for the filter itself. Long keys are cut, so it points at the place for a person, and
    /// never repeats more than [`MAX_PATH`](crate::filter::MAX_PATH) bytes of the input.
    pub path: String,
    /// Which rule.
    pub error: FilterError,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "{}", self.error)
        } else {
            write!(f, "{}: {}", self.path, self.error)
        }
    }
}

impl core::error::Error for Violation {}

impl Coded for Violation {
    fn code(&self) -> Code {
        self.error.code()
    }

    fn fault(&self) -> Fault {
        self.error.fault()
    }
}

/// A rule of the filter language that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterError {
    /// The text is not JSON.
    Malformed {
        /// Line of the first offence, from 1.
        line: usize,
        /// Column of the first offence, from 1; 0 if the end came too early.
        column: usize,
    },
    /// Something other than an object stands where one has to.
    NotAnObject,
    /// Something other than a list stands where one has to.
    NotAList,
    /// Something other than a text stands where one has to.
    NotAText,
    /// The filter has no such member.
    UnknownMember,
    /// A member is given twice.
    DuplicateKey,
    /// A scope has more entries than it may.
    TooManyEntries {
        /// How many it may have.
        limit: usize,
        /// How many it has.
        actual: usize,
    },
    /// An entry of a scope is empty.
    EmptyEntry,
    /// An entry of a scope is too long.
    EntryTooLong {
        /// Bytes it may have.
        limit: usize,
        /// Bytes it has.
        actual: usize,
    },
    /// `*` stands elsewhere than at the end of a kind.
    MisplacedWildcard,
    /// A key begins with `$` and is no operator.
    UnknownOperator,
    /// An operator stands where it could never hold.
    MisplacedOperator,
    /// `$event` has no such attribute.
    UnknownAttribute,
    /// An operator does not take such an operand.
    Operand {
        /// What it takes.
        wants: Operand,
    },
    /// The condition is nested too deeply.
    TooDeep {
        /// Levels of objects and lists it may have.
        limit: usize,
        /// Levels it has.
        actual: usize,
    },
    /// The condition is too long, written as compact JSON.
    TooLarge {
        /// Bytes it may have.
        limit: usize,
        /// Bytes it has.
        actual: usize,
    },
    /// The condition has too many values.
    TooManyNodes {
        /// Values it may have.
        limit: usize,
        /// Values it has.
        actual: usize,
    },
}

/// What an operator takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operand {
    /// `true` or `false`.
    Bool,
    /// A number or a text.
    Ordered,
    /// A text, or a list of texts.
    Texts,
    /// A scalar, or a list of scalars.
    Scalars,
    /// A list of conditions.
    Conditions,
}

impl Operand {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Ordered => "a number or a string",
            Self::Texts => "a string or a list of strings",
            Self::Scalars => "a string, number, boolean or null, or a list of these",
            Self::Conditions => "a list of conditions",
        }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Malformed { line, column } => {
                write!(f, "not JSON at line {line}, column {column}")
            }
            Self::NotAnObject => f.write_str("an object belongs here"),
            Self::NotAList => f.write_str("a list belongs here"),
            Self::NotAText => f.write_str("a string belongs here"),
            Self::UnknownMember => {
                f.write_str("a filter has the members kinds, channels, users and where")
            }
            Self::DuplicateKey => f.write_str("this key is given twice"),
            Self::TooManyEntries { limit, actual } => {
                write!(f, "{actual} entries, at most {limit} are allowed")
            }
            Self::EmptyEntry => f.write_str("an entry may not be empty"),
            Self::EntryTooLong { limit, actual } => {
                write!(f, "{actual} bytes, at most {limit} are allowed")
            }
            Self::MisplacedWildcard => f.write_str("a wildcard stands at the end of a kind only"),
            Self::UnknownOperator => {
                f.write_str("no such operator; a field whose name begins with $ is written with $$")
            }
            Self::MisplacedOperator => f.write_str("this operator can not stand here"),
            Self::UnknownAttribute => {
                f.write_str("an event has the attributes kind, type, channel, user and source")
            }
            Self::Operand { wants } => write!(f, "this operator takes {}", wants.as_str()),
            Self::TooDeep { limit, actual } => {
                write!(f, "{actual} levels deep, at most {limit} are allowed")
            }
            Self::TooLarge { limit, actual } => {
                write!(f, "{actual} bytes of JSON, at most {limit} are allowed")
            }
            Self::TooManyNodes { limit, actual } => {
                write!(f, "{actual} values, at most {limit} are allowed")
            }
        }
    }
}

impl core::error::Error for FilterError {}

impl Coded for FilterError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Malformed { .. } => "filter.malformed",
            Self::NotAnObject => "filter.not_an_object",
            Self::NotAList => "filter.not_a_list",
            Self::NotAText => "filter.not_a_text",
            Self::UnknownMember => "filter.unknown_member",
            Self::DuplicateKey => "filter.duplicate_key",
            Self::TooManyEntries { .. } => "filter.too_many_entries",
            Self::EmptyEntry => "filter.empty_entry",
            Self::EntryTooLong { .. } => "filter.entry_too_long",
            Self::MisplacedWildcard => "filter.misplaced_wildcard",
            Self::UnknownOperator => "filter.unknown_operator",
            Self::MisplacedOperator => "filter.misplaced_operator",
            Self::UnknownAttribute => "filter.unknown_attribute",
            Self::Operand { .. } => "filter.operand",
            Self::TooDeep { .. } => "filter.too_deep",
            Self::TooLarge { .. } => "filter.too_large",
            Self::TooManyNodes { .. } => "filter.too_many_nodes",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}
