//! The state of a relayed stream, in the same words for every vendor.

use alloc::borrow::Cow;
use core::fmt;

use crate::dialect::redact;

/// The state of a stream that is pushed somewhere. Which of a vendor's words is which of these is
/// our reading of their documentation (docs/spec/events.md §2 and §7 to §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RelayState {
    /// Being connected for the first time (`connecting`).
    Connecting,
    /// The stream arrives (`live`).
    Live,
    /// The connection was lost and is made again (`recovering`).
    Recovering,
    /// It does not arrive, and what follows is not said (`failed`).
    Failed,
    /// Over: it is not connected again (`ended`).
    Ended,
}

impl RelayState {
    /// Every state, in the order of declaration.
    pub const ALL: &[Self] =
        &[Self::Connecting, Self::Live, Self::Recovering, Self::Failed, Self::Ended];

    /// The name that filters, `CloudEvents` and the API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Recovering => "recovering",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for RelayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an event of the kind `relay.state` says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Relay<'a> {
    /// The state; `None` if the vendor's word for it is not known.
    pub state: Option<RelayState>,
    /// The vendor's id of the task, job or converter.
    pub task: Option<Cow<'a, str>>,
    /// The push address, which may hold secrets.
    pub url: Option<Cow<'a, str>>,
}

impl Relay<'_> {
    /// The same, without borrowing.
    pub fn into_owned(self) -> Relay<'static> {
        Relay {
            state: self.state,
            task: self.task.map(|task| Cow::Owned(task.into_owned())),
            url: self.url.map(|url| Cow::Owned(url.into_owned())),
        }
    }
}

/// Shows the address with its secrets masked.
impl fmt::Debug for Relay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_deref().map(redact::push_url);
        f.debug_struct("Relay")
            .field("state", &self.state)
            .field("task", &self.task)
            .field("url", &url)
            .finish()
    }
}
