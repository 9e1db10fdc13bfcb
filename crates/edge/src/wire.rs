//! What objects tell each other about events: the rows of the index, of attempts, of tails.

use livegate_core::id::{ChannelNumber, EndpointId, EventId, Seq, SourceId, SubscriptionId};
use livegate_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::document::{document, words};
use crate::error::{Error, Result};

/// An accepted event as lists show it: everything but its body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) id: EventId,
    pub(crate) seq: Seq,
    pub(crate) channel: String,
    pub(crate) source: SourceId,
    pub(crate) kind: String,
    #[serde(rename = "type")]
    pub(crate) vendor_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<String>,
    pub(crate) accepted_at: String,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) relay: Option<RelayNews>,
    /// Whether it is older than what was known of its relay already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) late: bool,
}

/// What an event says of a relay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RelayNews {
    /// Which one, within its channel and source: a hash.
    pub(crate) id: String,
    /// Its state in the words of all vendors; none if the vendor's word is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<String>,
    /// The push address, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
}

words! {
    /// What became of one attempt to deliver.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub(crate) enum Status {
        /// The endpoint took it.
        Delivered = "delivered",
        /// It failed and will be tried again.
        Retrying = "retrying",
        /// It failed for good; the gap is marked, a replay is possible.
        Parked = "parked",
        /// Its endpoint is disabled; it waits until that is enabled again.
        Held = "held",
        /// Retention removed it before it could be delivered.
        Expired = "expired",
    }
}

/// One attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) seq: Seq,
    pub(crate) subscription: SubscriptionId,
    pub(crate) endpoint: EndpointId,
    /// From 1.
    #[serde(rename = "attempt")]
    pub(crate) number: u32,
    pub(crate) status: Status,
    /// The HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u16>,
    /// Why it failed, as a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    pub(crate) duration_ms: u64,
    pub(crate) at: UnixMillis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_at: Option<UnixMillis>,
    /// Whether somebody asked for it, outside the log's own course.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) replay: bool,
    /// How many events of the log, up to this one, it stands for, where that is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<u64>,
}

document! {
    /// A channel's news for the tenant's index. The index keeps the highest event and attempt that it
    /// was told of, so that telling it twice changes nothing.
    #[derive(Debug)]
    pub(crate) struct Feed {
        pub(crate) channel: String,
        pub(crate) number: String,
        /// A list of summaries as it is stored: every event is told of, so it is read once, by the
        /// reader made for it.
        pub(crate) events: String,
        pub(crate) attempts: Vec<Batch>,
    }
}

document! {
    /// Attempts that were written together.
    #[derive(Debug)]
    pub(crate) struct Batch {
        /// Their number in the channel.
        pub(crate) number: u64,
        /// The times of the first and the last.
        pub(crate) from_ms: u64,
        pub(crate) to_ms: u64,
        /// The attempts as they are stored, which nobody on the way needs to read.
        pub(crate) packed: String,
    }
}

document! {
    /// How far the index is with a channel.
    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct Fed {
        pub(crate) seq: u64,
        pub(crate) attempts: u64,
    }
}

document! {
    /// One message of a tail: where it stands in the tail's own sequence, and the event.
    #[derive(Clone, Debug)]
    pub(crate) struct TailMessage {
        pub(crate) position: u64,
        pub(crate) source: SourceId,
        pub(crate) kind: String,
        /// One line of JSON: the event as a `CloudEvent`, secrets masked.
        pub(crate) event: String,
    }
}

document! {
    /// Who asks for which attempts, summaries, or rejections.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Query {
        pub(crate) source: Option<String>,
        pub(crate) channel: Option<String>,
        pub(crate) kind: Option<String>,
        pub(crate) endpoint: Option<String>,
        pub(crate) subscription: Option<String>,
        pub(crate) event: Option<String>,
        pub(crate) status: Option<Status>,
        pub(crate) since: Option<u64>,
        pub(crate) until: Option<u64>,
        pub(crate) cursor: Option<String>,
        pub(crate) limit: u64,
    }
}

document! {
    /// A page of a list.
    #[derive(Debug)]
    pub(crate) struct Page {
        pub(crate) items: Vec<Value>,
        pub(crate) next: Option<String>,
    }
}

/// An attempt as the API shows it.
pub(crate) fn delivery(channel: &str, number: &str, attempt: &Attempt) -> Result<Value> {
    let mut bytes = [0; 8];
    hex::decode_to_slice(number, &mut bytes)
        .map_err(|_| Error::runtime("a channel's number is not hex".to_owned()))?;
    let id = EventId::of(ChannelNumber(bytes), attempt.seq);
    let mut document = crate::json::value(attempt)?;
    document["event"] = json!(id);
    document["channel"] = json!(channel);
    document["at"] = json!(attempt.at.to_string());
    if let Some(next) = attempt.next_at {
        document["next_at"] = json!(next.to_string());
    }
    Ok(document)
}
