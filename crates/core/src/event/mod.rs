//! The one event that filters, deliveries and dialects talk about.

pub mod cloudevents;

use alloc::borrow::Cow;
use core::fmt;

use crate::time::UnixMillis;

/// What a vendor's callback says happened, in the same words for every vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A scripted live went on to another segment (`script.segment`).
    ScriptSegment,
    /// A relayed stream's connection changed its state (`relay.state`).
    RelayState,
    /// A commanded reply was played to its end (`reply.finished`).
    ReplyFinished,
    /// A type that this version does not know; kept and delivered all the same (`unknown`).
    Unknown,
}

impl Kind {
    /// Every kind, in the order of declaration.
    pub const ALL: &[Self] =
        &[Self::ScriptSegment, Self::RelayState, Self::ReplyFinished, Self::Unknown];

    /// The name that filters, `CloudEvents` and the API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScriptSegment => "script.segment",
            Self::RelayState => "relay.state",
            Self::ReplyFinished => "reply.finished",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that happened, read from a verified body by a [dialect](crate::dialect).
///
/// Borrows from the body where it can. The body itself is kept beside it by whoever stores it, so
/// nothing that this model leaves out is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What happened.
    pub kind: Kind,
    /// The vendor's own name for it, e.g. `RTMP_STREAM_STATE_CHANGE`.
    pub vendor_type: Cow<'a, str>,
    /// The channel it belongs to, which the dialect decides (`MetaStudio`: the room). `None` means
    /// the tenant's own channel.
    pub channel: Option<Cow<'a, str>>,
    /// The user it is about, if it is about one.
    pub user: Option<Cow<'a, str>>,
    /// What it is the latest news of within its channel (a job's output URL, say): the same news
    /// twice in a row about one entity is a repetition.
    pub entity: Option<Cow<'a, str>>,
    /// The vendor's id of the event, where it has one.
    pub vendor_id: Option<Cow<'a, str>>,
    /// When the vendor says that it happened.
    pub time: Option<UnixMillis>,
    /// The vendor's fields: the text of one JSON object, not redacted.
    pub data: Cow<'a, str>,
}
