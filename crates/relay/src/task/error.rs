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
    /// Nothing can be kept, so nothing was begun.
    Store(StoreError),
    /// It is done, and not on disk: that is tried again, and a restart before undoes it.
    Unkept(StoreError),
    /// The host is stopping, so nothing was done.
    Stopping,
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
            Self::Store(_) => f.write_str("nothing can be kept now, so nothing was begun"),
            Self::Unkept(_) => f.write_str(
                "it is done, but not on disk yet: a restart of the host before it is undoes it",
            ),
            Self::Stopping => f.write_str("the host is stopping, so nothing was done"),
        }
    }
}

/// Of what the disk took not, its reason.
impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) | Self::Unkept(error) => Some(error),
            _ => None,
        }
    }
}

impl Coded for StartError {
    fn code(&self) -> Code {
        match self {
            Self::Addresses(conflicts) => match conflicts.first() {
                Some(first) => first.code(),
                None => Code::new("relay.address_taken"),
            },
            Self::Quota(reached) => reached.code(),
            Self::Unsupported => Code::new("host.unsupported"),
            Self::Store(_) => Code::new("host.store"),
            Self::Unkept(_) => Code::new("host.unkept"),
            Self::Stopping => Code::new("host.stopping"),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Quota(reached) => reached.fault(),
            Self::Store(_) | Self::Unkept(_) | Self::Stopping => Fault::Internal,
            _ => Fault::Caller,
        }
    }
}
