//! What is said of one task, one push, one published stream, on either side of the link.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::Value;

use super::{LinkError, list, maybe_name, name, number, number_or, word, written};
use crate::config::table::Object;
use crate::layout::Picture;
use crate::relay::lease::Epoch;
use crate::relay::lifecycle::TaskState;
use crate::relay::push::PushState;
use crate::relay::task::put;
use crate::time::UnixMillis;

/// One tenancy of a task: which task, and the how-many-eth time that a host has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tenure {
    /// The task: a name that the Fleet gives it, and no other ever.
    pub key: String,
    /// The tenancy. What is said of an older one does not count.
    pub epoch: Epoch,
}

/// How many bytes a part of a list takes.
fn len(part: &Value) -> usize {
    part.to_string().len().saturating_add(1)
}

impl Tenure {
    /// How many bytes it takes in a list.
    pub(in crate::relay) fn len(&self) -> usize {
        len(&self.write())
    }

    /// That one.
    pub const fn new(key: String, epoch: Epoch) -> Self {
        Self { key, epoch }
    }

    pub(super) fn put(&self, out: &mut Object) {
        put(out, "key", Some(&*self.key));
        put(out, "epoch", Some(self.epoch.0));
    }

    pub(super) fn write(&self) -> Value {
        let mut out = Object::new();
        self.put(&mut out);
        out.into()
    }

    pub(super) fn read(object: &Object) -> Result<Self, LinkError> {
        Ok(Self { key: name(object, "key")?, epoch: Epoch(number(object, "epoch")?) })
    }
}

/// A push as its host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushReport {
    /// The address, **masked** ([`redact::push_url`](crate::dialect::redact::push_url)).
    pub url: String,
    /// Its state; `None` before anything was tried.
    pub state: Option<PushState>,
    /// Since when.
    pub since: UnixMillis,
    /// Why it is not connected: a code of docs/errors.md.
    pub code: Option<String>,
    /// Which try it is.
    pub attempt: u64,
    /// Whether bytes of the stream arrive there now.
    pub is_pushing: bool,
}

impl PushReport {
    /// A push of which nothing but its address and state is said.
    pub const fn new(url: String, state: Option<PushState>, since: UnixMillis) -> Self {
        Self { url, state, since, code: None, attempt: 0, is_pushing: false }
    }

    /// As JSON.
    pub fn write(&self) -> Value {
        let mut out = Object::new();
        put(&mut out, "url", Some(&*self.url));
        put(&mut out, "state", self.state.map(PushState::as_str));
        put(&mut out, "since", Some(self.since.0));
        put(&mut out, "code", self.code.as_deref());
        put(&mut out, "attempt", Some(self.attempt).filter(|attempt| *attempt > 0));
        put(&mut out, "pushing", Some(self.is_pushing));
        out.into()
    }

    /// Several, as JSON.
    pub fn write_all(pushes: &[Self]) -> Value {
        written(pushes, Self::write)
    }

    fn read(object: &Object) -> Result<Self, LinkError> {
        let state = match object.get("state") {
            None | Some(Value::Null) => None,
            Some(_) => Some(word(object, "state", PushState::from_name)?),
        };
        Ok(Self {
            url: object
                .get("url")
                .and_then(Value::as_str)
                .filter(|url| url.len() <= 2048)
                .map(String::from)
                .ok_or(LinkError::Field("url"))?,
            state,
            since: UnixMillis(number(object, "since")?),
            code: maybe_name(object, "code")?,
            attempt: number_or(object, "attempt", 0)?,
            is_pushing: object.get("pushing").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

/// A task as its host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskReport {
    /// Which.
    pub tenure: Tenure,
    /// The newest [`Start`](super::Start) that the host has of it.
    pub revision: u64,
    /// What is said of it as a whole. One that is over is reported until the Fleet forgets it.
    pub state: TaskState,
    /// Why it is over, or has trouble: a code of docs/errors.md.
    pub code: Option<String>,
    /// Its pushes, in the order of its addresses.
    pub pushes: Vec<PushReport>,
}

impl TaskReport {
    /// How many bytes it takes in a list.
    pub(in crate::relay) fn len(&self) -> usize {
        len(&self.write())
    }

    /// A task without pushes.
    pub const fn new(tenure: Tenure, revision: u64, state: TaskState) -> Self {
        Self { tenure, revision, state, code: None, pushes: Vec::new() }
    }

    /// As JSON.
    pub fn write(&self) -> Value {
        let mut out = Object::new();
        self.tenure.put(&mut out);
        put(&mut out, "revision", Some(self.revision));
        put(&mut out, "state", Some(self.state.as_str()));
        put(&mut out, "code", self.code.as_deref());
        if !self.pushes.is_empty() {
            put(&mut out, "pushes", Some(PushReport::write_all(&self.pushes)));
        }
        out.into()
    }

    pub(super) fn read(object: &Object) -> Result<Self, LinkError> {
        Ok(Self {
            tenure: Tenure::read(object)?,
            revision: number_or(object, "revision", 0)?,
            state: word(object, "state", TaskState::from_name)?,
            code: maybe_name(object, "code")?,
            pushes: list(object, "pushes", PushReport::read)?,
        })
    }
}

/// A stream that somebody publishes to a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Published {
    /// The application.
    pub app: String,
    /// The channel.
    pub channel: String,
    /// The user.
    pub user: String,
    /// Which picture.
    pub picture: Picture,
}

impl Published {
    /// How many bytes it takes in a list.
    pub(in crate::relay) fn len(&self) -> usize {
        len(&self.write())
    }

    /// That stream.
    pub const fn new(app: String, channel: String, user: String, picture: Picture) -> Self {
        Self { app, channel, user, picture }
    }

    pub(super) fn write(&self) -> Value {
        let mut out = Object::new();
        put(&mut out, "app", Some(&*self.app));
        put(&mut out, "channel", Some(&*self.channel));
        put(&mut out, "user", Some(&*self.user));
        put(&mut out, "picture", Some(self.picture.as_str()));
        out.into()
    }

    pub(super) fn read(object: &Object) -> Result<Self, LinkError> {
        Ok(Self {
            app: name(object, "app")?,
            channel: name(object, "channel")?,
            user: name(object, "user")?,
            picture: word(object, "picture", Picture::from_name)?,
        })
    }
}
