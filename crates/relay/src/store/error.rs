//! Why something cannot be kept.

use std::fmt;

use livegate_core::error::{Code, Coded, Fault};
use rusqlite::ErrorCode;

/// Why nothing can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// Another host has the folder.
    Locked,
    /// The folder was written by a newer version.
    Newer {
        /// The version of what it holds.
        found: i64,
    },
    /// What is in the folder is no relay host's.
    Foreign,
    /// The folder cannot be made, or not written.
    Folder(std::io::ErrorKind),
    /// The disk is full, or the database has its greatest size.
    Full,
    /// The database failed.
    Failed(&'static str),
    /// Too much waits to be written.
    Overloaded,
    /// The store was closed.
    Closed,
}

impl StoreError {
    /// Whether it is the disk that fails, and not one write alone.
    pub(super) fn is_of_the_disk(error: &rusqlite::Error) -> bool {
        use ErrorCode::{ConstraintViolation, ParameterOutOfRange, TooBig, TypeMismatch, Unknown};
        let code = error.sqlite_error_code();
        let own = [ConstraintViolation, ParameterOutOfRange, TooBig, TypeMismatch, Unknown];
        code.is_some_and(|code| !own.contains(&code))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(error) if error.code == ErrorCode::DiskFull => Self::Full,
            Some(error) if error.code == ErrorCode::NotADatabase => Self::Foreign,
            Some(error) => Self::Failed(rusqlite::ffi::code_to_str(error.extended_code)),
            None => Self::Failed("a value that cannot be kept or read"),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another relay host uses this folder"),
            Self::Newer { found } => {
                write!(f, "the folder was written by a newer version (its form is {found})")
            }
            Self::Foreign => f.write_str("what is in the folder is no relay host's database"),
            Self::Folder(kind) => write!(f, "the folder cannot be used: {kind}"),
            Self::Full => f.write_str("the disk is full, or the database has its greatest size"),
            Self::Failed(what) => write!(f, "the database failed: {what}"),
            Self::Overloaded => f.write_str("too much waits to be written"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {}

impl Coded for StoreError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Locked => "store.locked",
            Self::Newer { .. } => "store.newer",
            Self::Foreign => "store.foreign",
            Self::Folder(_) => "store.folder",
            Self::Full => "store.full",
            Self::Failed(_) => "store.failed",
            Self::Overloaded => "store.overloaded",
            Self::Closed => "store.closed",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Locked | Self::Newer { .. } | Self::Foreign | Self::Folder(_) => Fault::Config,
            Self::Full | Self::Overloaded => Fault::Limit,
            Self::Failed(_) | Self::Closed => Fault::Internal,
        }
    }
}
