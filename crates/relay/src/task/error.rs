//! Why a task cannot be started, changed or stopped as was asked.

use std::fmt;

use livegate_core::error::{Code, Coded, Fault};
use livegate_core::relay::{Conflict, QuotaReached};

use crate::store::StoreError;

/// Why a task cannot be started, changed or stopped as was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Addresses that another task has, or that rest.
    Addresses(Vec<Conflict>),
    /// Its application has as many tasks as it may.
    Quota(QuotaReached),
    /// The host cannot do what is asked, such as mixing.
    Unsupported,
    /// It cannot be kept, so nothing was begun.
    Store(StoreError),
    /// It is done, and not on disk: that is tried again, and a restart before undoes it.
    Unkept(StoreError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(conflicts) => match conflicts.first() {
                Some(first) => write!(f, "address {}: {first}", first.index + 1),
                None => f.write_str("an address is another task's"),
            },
            Self::Quota(reached) => reached.fmt(f),
            Self::Unsupported => f.write_str("this host does not mix streams"),
            Self::Store(error) => error.fmt(f),
            Self::Unkept(error) => write!(f, "it is done, but not on disk yet: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl Coded for StartError {
    fn code(&self) -> Code {
        match self {
            Self::Addresses(conflicts) => match conflicts.first() {
                Some(first) => first.code(),
                None => Code::new("relay.address_taken"),
            },
            Self::Quota(reached) => reached.code(),
            Self::Unsupported => Code::new("host.unsupported"),
            Self::Store(error) => error.code(),
            Self::Unkept(_) => Code::new("host.unkept"),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Quota(reached) => reached.fault(),
            Self::Store(error) | Self::Unkept(error) => error.fault(),
            _ => Fault::Caller,
        }
    }
}
