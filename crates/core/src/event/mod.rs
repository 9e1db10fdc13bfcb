//! The one event that filters, deliveries and dialects talk about.

pub mod cloudevents;
mod kind;
mod relay;

use alloc::borrow::Cow;
use core::fmt;

pub use kind::Kind;
pub use relay::{Relay, RelayState};

use crate::dialect::redact;
use crate::time::UnixMillis;

/// One thing that happened, read from a verified body by a [dialect](crate::dialect).
///
/// Borrows from the body where it can. The body itself is kept beside it by whoever stores it, so
/// nothing that this model leaves out is lost.
#[derive(Clone, PartialEq, Eq)]
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
    /// twice in a row about one entity is a repetition. It may hold secrets, and is for hashing.
    pub entity: Option<Cow<'a, str>>,
    /// The vendor's id of the event, where it has one.
    pub vendor_id: Option<Cow<'a, str>>,
    /// What is the same in every repetition of this very event by its vendor, and different in
    /// every other event of the source: its id, or whatever else says so. It may hold secrets, too.
    pub repeat_key: Option<Cow<'a, str>>,
    /// When the vendor says that it happened.
    pub time: Option<UnixMillis>,
    /// Of the kind `relay.state`: what became of the stream.
    pub relay: Option<Relay<'a>>,
    /// The vendor's fields: the text of one JSON object, not redacted.
    pub data: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// An event of which no more than this is known.
    pub fn new(
        kind: Kind,
        vendor_type: impl Into<Cow<'a, str>>,
        data: impl Into<Cow<'a, str>>,
    ) -> Self {
        Self {
            kind,
            vendor_type: vendor_type.into(),
            channel: None,
            user: None,
            entity: None,
            vendor_id: None,
            repeat_key: None,
            time: None,
            relay: None,
            data: data.into(),
        }
    }

    /// The same, without borrowing.
    pub fn into_owned(self) -> Event<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Event {
            kind: self.kind,
            vendor_type: owned(self.vendor_type),
            channel: self.channel.map(owned),
            user: self.user.map(owned),
            entity: self.entity.map(owned),
            vendor_id: self.vendor_id.map(owned),
            repeat_key: self.repeat_key.map(owned),
            time: self.time,
            relay: self.relay.map(Relay::into_owned),
            data: owned(self.data),
        }
    }
}

/// Shows the data and the relay with their secrets masked, and what is for hashing not at all.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("vendor_type", &self.vendor_type)
            .field("channel", &self.channel)
            .field("user", &self.user)
            .field("vendor_id", &self.vendor_id)
            .field("time", &self.time)
            .field("relay", &self.relay)
            .field("data", &redact::json(&self.data))
            .finish_non_exhaustive()
    }
}
