//! What objects are asked: every message between them, in one place. Positional, since a reader of
//! named fields costs the Worker a few kilobytes each.

use livegate_core::id::{EndpointId, ReplayId, Seq, SourceId, TenantId};
use livegate_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::endpoint::Report;
use super::records::{Rejection, ReplayFilter};
use super::tenant::Kind;
use crate::credentials::{Kept, Part};
use crate::model::Keys;
use crate::wire::{Feed, Query};

/// To the deployment's directory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToDirectory {
    /// Registers a tenant under a name, with its token's hash if it has one. If the name is taken:
    /// a conflict, or, if it may be so, the tenant that has it.
    CreateTenant(TenantId, String, Option<String>, UnixMillis, bool),
    ListTenants,
    /// By name or id.
    TenantByName(String),
    TenantByToken(String),
    PutSource(SourceId, TenantId),
    DropSource(SourceId),
    TenantOfSource(SourceId),
    /// A tenant's new set of credentials, and when its others end.
    PutCredentials(Box<Kept>, Option<UnixMillis>),
    Credentials(TenantId),
    DropCredentials(TenantId, String),
    /// The set of which this part is that text.
    Credential(Part, String),
    /// An empty call, for measuring one.
    Ping,
}

/// To a tenant.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToTenant {
    Put(Box<Put>),
    /// Who deletes what.
    Drop(TenantId, String, Kind, String),
    Get(Kind, String),
    /// After which one, and how many.
    List(Kind, u64, u64),
    /// A page of things of one kind, by what their documents hold.
    Select(Kind, Box<Select>),
    /// The keys of one thing, opened.
    Keys(Kind, String),
    /// Who gives which thing a new key; the one before stays valid until then.
    Rotate(TenantId, String, Kind, String, String, UnixMillis),
    /// What a channel of that name needs to deliver, opened, unless this version is the one that
    /// there is.
    Snapshot(TenantId, Option<u64>, String),
    Source(TenantId, SourceId),
    /// Before which line, and how many.
    Audit(Option<u64>, u64),
    /// An endpoint is to get nothing more until it is enabled again, and why.
    Disable(TenantId, EndpointId, String),
    /// A channel could not deliver everything at once, since then, or has done so now.
    Backlog(String, Option<UnixMillis>),
    /// Wakes every channel with a backlog.
    Wake(TenantId),
}

/// A thing to store, new or changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Put {
    pub(crate) tenant: TenantId,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) doc: Value,
    /// Without, those that it has stay.
    pub(crate) keys: Option<Keys>,
    /// The version that the document was made from; 0 where it is new.
    pub(crate) seen: u64,
    /// What follows from it, and is written in the same turn.
    pub(crate) also: Vec<Managed>,
}

/// Which documents a list is of. Newest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Select {
    /// Fields as SQLite's JSON paths, and what they must be.
    pub(crate) wanted: Vec<(String, Match, String)>,
    pub(crate) oldest_first: bool,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
}

/// How a field of a document is compared.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Match {
    Is,
    Holds,
    From,
    To,
}

/// An endpoint or a subscription that follows from another thing: a callback address of a room, say.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Managed {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// Without, there is to be none any more.
    pub(crate) doc: Option<Value>,
    /// Without, those that it has stay.
    pub(crate) keys: Option<Keys>,
}

/// To a channel, beside taking events. What nothing was accepted for has nothing to show.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToChannel {
    /// Deliver what there is: an alarm may have been lost, or an endpoint was enabled.
    Wake,
    Show(Seq),
    /// Events as a tail sends them; what is no longer there is left out.
    Render(Vec<Seq>),
    /// Sends events once more, to an endpoint or subscription alone if one is named; how many
    /// deliveries that makes.
    Replay(Vec<Seq>, Option<String>, Option<String>),
}

/// To an endpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToEndpoint {
    Exchange(Box<Exchange>),
    /// Its owner enabled it.
    Enable,
}

/// What came of what was sent, and how much more is wanted.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) tenant: TenantId,
    pub(crate) endpoint: EndpointId,
    pub(crate) rate_per_s: Option<u32>,
    pub(crate) report: Vec<Report>,
    pub(crate) unused: u32,
    pub(crate) want: u32,
}

/// To a tenant's records.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToRecords {
    /// A channel's news; the answer says how far the index is with that channel.
    Feed(TenantId, Feed),
    /// The channel of that number.
    Channel(String),
    Events(Query),
    Deliveries(Query),
    Reject(Box<Rejection>),
    Rejections(Query),
    Rejection(String),
    /// What to replay, and how many events a second.
    StartReplay(TenantId, ReplayId, Box<ReplayFilter>, u32),
    Replays(Query),
    Replay(ReplayId),
    CancelReplay(ReplayId),
}

/// To a source's nonces: is this one (its hash) new? It is remembered until then.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ToNonces(pub(crate) String, pub(crate) UnixMillis);
