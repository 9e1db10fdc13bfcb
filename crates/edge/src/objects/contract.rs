//! What objects are asked: every message between them, in one place.

use livegate_core::id::{EndpointId, ReplayId, Seq, SourceId, TenantId};
use livegate_core::relay::Task;
use livegate_core::time::UnixMillis;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::endpoint::Report;
use super::records::{Rejection, ReplayFilter};
use super::tenant::Kind;
use crate::credentials::{Kept, Part};
use crate::document::{document, messages, words};
use crate::model::Keys;
use crate::wire::{Feed, Query};

messages! {
    /// To the deployment's directory.
    #[derive(Debug)]
    pub(crate) enum ToDirectory {
        /// Registers a tenant under a name, with its token's hash if it has one. If the name is taken:
        /// a conflict, or, if it may be so, the tenant that has it.
        CreateTenant(
            tenant: TenantId,
            name: String,
            token_hash: Option<String>,
            now: UnixMillis,
            reuse: bool,
        ),
        ListTenants,
        /// By name or id.
        TenantByName(name: String),
        TenantByToken(token_hash: String),
        PutSource(source: SourceId, tenant: TenantId),
        DropSource(source: SourceId),
        TenantOfSource(source: SourceId),
        /// A tenant's new set of credentials, and when its others end.
        PutCredentials(kept: Box<Kept>, others_end: Option<UnixMillis>),
        Credentials(tenant: TenantId),
        DropCredentials(tenant: TenantId, id: String),
        /// The set of which this part is that text.
        Credential(part: Part, name: String),
        /// A relay host and the source of its events.
        PutHost(host: Box<HostEntry>),
        DropHost(id: String, tenant: TenantId),
        /// The host of a token, by its hash.
        HostByToken(token_hash: String),
        /// An empty call, for measuring one.
        Ping,
    }
}

document! {
    /// A relay host as the directory knows it.
    #[derive(Debug)]
    pub(crate) struct HostEntry {
        pub(crate) id: String,
        pub(crate) tenant: TenantId,
        pub(crate) source: SourceId,
        pub(crate) token_hash: String = String::new(),
    }
}

messages! {
    /// To a tenant.
    #[derive(Debug)]
    pub(crate) enum ToTenant {
        Put(put: Box<Put>),
        /// Who deletes what.
        Drop(tenant: TenantId, actor: String, kind: Kind, id: String),
        Get(kind: Kind, id: String),
        /// After which one, and how many.
        List(kind: Kind, after: u64, limit: u64),
        /// A page of things of one kind, by what their documents hold.
        Select(kind: Kind, select: Box<Select>),
        /// The keys of one thing, opened.
        Keys(kind: Kind, id: String),
        /// Who gives which thing a new key; the one before stays valid until then.
        Rotate(
            tenant: TenantId,
            actor: String,
            kind: Kind,
            id: String,
            key: String,
            until: UnixMillis,
        ),
        /// What a channel of that name needs to deliver, opened, unless this version is the one that
        /// there is.
        Snapshot(tenant: TenantId, have: Option<u64>, channel: String),
        Source(tenant: TenantId, source: SourceId),
        /// Before which line, and how many.
        Audit(before: Option<u64>, limit: u64),
        /// An endpoint is to get nothing more until it is enabled again, and why.
        Disable(tenant: TenantId, endpoint: EndpointId, reason: String),
        /// A channel could not deliver everything at once, since then, or has done so now.
        Backlog(channel: String, since: Option<UnixMillis>),
        /// Wakes every channel with a backlog.
        Wake(tenant: TenantId),
    }
}

document! {
    /// A thing to store, new or changed.
    #[derive(Debug)]
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
}

document! {
    /// Which documents a list is of.
    #[derive(Debug, Default)]
    pub(crate) struct Select {
        /// Fields as JSON paths of `SQLite`'s, and what they must be.
        pub(crate) wanted: Vec<(String, Match, String)>,
        pub(crate) oldest_first: bool,
        pub(crate) offset: u64,
        pub(crate) limit: u64,
    }
}

words! {
    /// How a field of a document is compared.
    pub(crate) enum Match {
        Is = "is",
        Holds = "holds",
        From = "from",
        To = "to",
    }
}

document! {
    /// An endpoint or a subscription that follows from another thing: a callback address of a room,
    /// say.
    #[derive(Debug)]
    pub(crate) struct Managed {
        pub(crate) kind: Kind,
        pub(crate) id: String,
        /// Without, there is to be none any more.
        pub(crate) doc: Option<Value>,
        /// Without, those that it has stay.
        pub(crate) keys: Option<Keys>,
    }
}

messages! {
    /// To a channel, beside taking events. What nothing was accepted for has nothing to show.
    #[derive(Debug)]
    pub(crate) enum ToChannel {
        /// Deliver what there is: an alarm may have been lost, or an endpoint was enabled.
        Wake,
        Show(seq: Seq),
        /// Events as a tail sends them; what is no longer there is left out.
        /// What an endpoint is sent of an event, as text.
        Body(seq: Seq, endpoint: String),
        Render(seqs: Vec<Seq>),
        /// Sends events once more, to an endpoint or subscription alone if one is named; how many
        /// deliveries that makes.
        Replay(seqs: Vec<Seq>, endpoint: Option<String>, subscription: Option<String>),
    }
}

messages! {
    /// To an endpoint.
    #[derive(Debug)]
    pub(crate) enum ToEndpoint {
        Exchange(exchange: Box<Exchange>),
        /// Its owner enabled it.
        Enable,
    }
}

document! {
    /// What came of what was sent, and how much more is wanted.
    #[derive(Debug)]
    pub(crate) struct Exchange {
        pub(crate) tenant: TenantId,
        pub(crate) endpoint: EndpointId,
        pub(crate) rate_per_s: Option<u32>,
        pub(crate) report: Vec<Report>,
        pub(crate) unused: u32,
        pub(crate) want: u32,
    }
}

messages! {
    /// To a tenant's records.
    #[derive(Debug)]
    pub(crate) enum ToRecords {
        /// A channel's news; the answer says how far the index is with that channel.
        Feed(tenant: TenantId, feed: Feed),
        /// The channel of that number.
        Channel(number: String),
        Events(query: Query),
        Deliveries(query: Query),
        /// Relays and the states that they are in, as far as events told of them.
        Relays(query: Query),
        /// What is told in the tenant's own notices; one event once.
        Notice(tenant: TenantId, notice: Value),
        /// Before which one, and how many.
        Notices(before: Option<u64>, limit: u64),
        /// Those up to this one are read.
        ReadNotices(up_to: u64),
        Reject(rejection: Box<Rejection>),
        Rejections(query: Query),
        Rejection(id: String),
        /// What to replay, and how many events a second.
        StartReplay(tenant: TenantId, replay: ReplayId, filter: Box<ReplayFilter>, rate_per_s: u32),
        Replays(query: Query),
        Replay(replay: ReplayId),
        CancelReplay(replay: ReplayId),
    }
}

messages! {
    /// To a source's nonces.
    #[derive(Debug)]
    pub(crate) enum ToNonces {
        /// Is this one (its hash) new, or that of the same call again, which its body's hash tells? It
        /// is remembered until then.
        Claim(nonce: String, body: Option<String>, until: UnixMillis),
    }
}

document! {
    /// What a relay task is named by: who has such tasks (`artc`, `jocloud`, `metastudio`, `livegate`),
    /// the application, and its id there.
    #[derive(Clone, Debug)]
    pub(crate) struct TaskId {
        pub(crate) vendor: String,
        pub(crate) app: String,
        pub(crate) task: String,
    }
}

document! {
    /// A relay task to start or to change.
    #[derive(Debug)]
    pub(crate) struct Start {
        pub(crate) tenant: TenantId,
        pub(crate) id: TaskId,
        pub(crate) channel: String,
        /// A hash of each push address' identity.
        pub(crate) addresses: Vec<String>,
        /// Its description: a task of the core's.
        pub(crate) task: Value,
        /// `true`: there has to be one; `false`: there must not be; without: either.
        pub(crate) change: Option<bool>,
        /// How many of its mode its application may have.
        pub(crate) most: u64,
        pub(crate) now: UnixMillis,
    }
}

impl Start {
    /// A task as the fleet takes it.
    pub(crate) fn of(
        tenant: TenantId,
        id: TaskId,
        task: &Task,
        change: Option<bool>,
        most: u64,
        now: UnixMillis,
    ) -> Self {
        let mut addresses = Vec::new();
        for target in &task.targets {
            addresses.push(hex::encode(Sha256::digest(target.identity().as_bytes())));
        }
        let channel = task.channel.clone();
        Self { tenant, id, channel, addresses, task: task.to_value(), change, most, now }
    }
}

messages! {
    /// What became of a start.
    #[derive(Debug)]
    pub(crate) enum Started {
        New,
        Changed,
        /// There is one of that id.
        Exists,
        /// There is none of that id.
        Missing,
        /// The application has as many as it may.
        Quota,
        /// Which of the addresses is, or was until just now, another task's, and until when it rests.
        Address(index: u64, task: String, free_at: Option<UnixMillis>),
    }
}

messages! {
    /// To a tenant's fleet.
    #[derive(Debug)]
    pub(crate) enum ToFleet {
        Start(start: Box<Start>),
        /// Whether there was one.
        Stop(id: TaskId),
        /// A message, JSON, that it is to write once; whether there is such a task.
        Sei(tenant: TenantId, id: TaskId, custom: String),
        /// The newest of that id, opened.
        Task(tenant: TenantId, id: TaskId),
        /// Of which vendor and application, if not empty; ended ones, live ones or both.
        List(vendor: String, app: String, ended: Option<bool>, offset: u64, limit: u64),
        /// The channel of a task of that vendor and application, if they are known.
        Channel(vendor: Option<String>, app: Option<String>, task: String),
        /// Every host that ever connected, by its id, and how it is.
        Hosts,
        /// A host was deleted: what it has is given to others.
        DropHost(host: String),
        /// What an application relays by itself may have changed.
        Follow(tenant: TenantId, app: String),
    }
}
