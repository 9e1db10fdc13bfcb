//! A relay task: what is to be relayed, from whom, to where, and how it should look.
//!
//! Whichever vendor's request it came from, a task is this one thing: a Fleet keeps it as JSON
//! ([`Task::to_value`]) and a relay host carries it out. The JSON is livegate's own, and has push
//! addresses with their secrets in it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_json::Value;

use super::address::PushUrl;
use super::lease::Failover;
use super::mix::Mix;
use super::sei::Sei;
use crate::config::LiveExitConfig;
use crate::config::named;
use crate::config::table::{Object, number, part, text, texts};
use crate::layout::{Member, Picture};
use crate::sei::payload::{Profile, agora};
use crate::time::Millis;

named! {
    /// Whose request a task came from.
    pub enum Origin {
        /// Alibaba's `StartLiveMPUTask`.
        Alibaba = "alibaba",
        /// Jocloud's `startrtmp`.
        Jocloud = "jocloud",
        /// A live job of `MetaStudio`'s.
        MetaStudio = "metastudio",
        /// livegate's own interface.
        Livegate = "livegate",
    }
}

named! {
    /// What is taken of a user's stream.
    pub enum Media {
        /// Sound and picture. The default.
        Both = "both",
        /// Sound alone.
        Audio = "audio",
        /// The picture alone.
        Video = "video",
    }
}

/// A user whose stream is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    /// The user.
    pub user: String,
    /// The user's channel, if it is not the task's.
    pub channel: Option<String>,
    /// What is taken of the stream.
    pub media: Media,
    /// Which picture.
    pub picture: Picture,
}

impl Subscription {
    /// Whose picture that is.
    pub fn member(&self) -> Member {
        let own = Member::new(&*self.user);
        let own = match &self.channel {
            Some(channel) => own.of_channel(&**channel),
            None => own,
        };
        if self.picture == Picture::Screen { own.screen() } else { own }
    }

    pub(super) const fn of(user: String) -> Self {
        Self { user, channel: None, media: Media::Both, picture: Picture::Camera }
    }

    pub(super) fn to_value(&self) -> Value {
        let mut out = Object::new();
        put(&mut out, "user", Some(&*self.user));
        put(&mut out, "channel", self.channel.as_deref());
        put(&mut out, "media", Some(self.media.as_str()));
        put(&mut out, "picture", Some(self.picture.as_str()));
        out.into()
    }

    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        Some(Self {
            user: String::from(text(object, "user")?),
            channel: text(object, "channel").map(String::from),
            media: Media::from_name(text(object, "media")?)?,
            picture: Picture::from_name(text(object, "picture")?)?,
        })
    }
}

/// All of a user's stream.
impl From<Member> for Subscription {
    fn from(member: Member) -> Self {
        let Member { user, channel, picture } = member;
        Self { user, channel, media: Media::Both, picture }
    }
}

/// What is relayed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// One user's stream, as it is.
    Single(Subscription),
    /// Several, in one picture.
    Mix(Mix),
}

/// A relay task.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Whose request it came from.
    pub origin: Origin,
    /// Its id, one in its application.
    pub id: String,
    /// The application.
    pub app_id: String,
    /// The channel or room.
    pub channel: String,
    /// Where it is pushed to.
    pub targets: Vec<PushUrl>,
    /// What is relayed.
    pub source: Source,
    /// What is written into the stream.
    pub sei: Sei,
    /// How long it goes on without anybody publishing; without, it stops when its channel closes.
    pub max_idle: Option<Millis>,
    /// Where it should run, by the vendor's name.
    pub region: Option<String>,
    /// Where its host fetches the stream; without, somebody publishes it to the host.
    pub pull: Option<PushUrl>,
    /// What happens to it when its host is cut off.
    pub failover: Failover,
    /// When it stops by itself.
    pub exit: LiveExitConfig,
    /// The request, as the vendor's own interface shows it again.
    pub request: Object,
}

impl Task {
    /// The format of the messages that it asks for. Tasks of Alibaba's interface have Alibaba's
    /// whatever their payload type; of the others those of Agora's type have Agora's. A task that
    /// asks for neither layout nor passed message has the caller's own, if it has one.
    pub fn profile(&self) -> Profile {
        let sei = &self.sei;
        let asks = sei.layout_volume.is_some() || sei.pass_through.is_some();
        if !asks && sei.custom.is_some() {
            Profile::Custom
        } else if self.origin != Origin::Alibaba && sei.payload_type == agora::PAYLOAD_TYPE {
            Profile::Agora
        } else {
            Profile::Alibaba
        }
    }

    /// As JSON, **secrets included**.
    pub fn to_value(&self) -> Value {
        let mut out = Object::new();
        put(&mut out, "origin", Some(self.origin.as_str()));
        put(&mut out, "id", Some(&*self.id));
        put(&mut out, "app_id", Some(&*self.app_id));
        put(&mut out, "channel", Some(&*self.channel));
        let targets = self.targets.iter().map(PushUrl::as_str).collect::<Value>();
        put(&mut out, "targets", Some(targets));
        match &self.source {
            Source::Single(one) => put(&mut out, "single", Some(one.to_value())),
            Source::Mix(mix) => put(&mut out, "mix", Some(mix.to_value())),
        }
        put(&mut out, "sei", Some(self.sei.to_value()));
        put(&mut out, "max_idle_ms", self.max_idle.map(|span| span.0));
        put(&mut out, "region", self.region.as_deref());
        put(&mut out, "pull", self.pull.as_ref().map(PushUrl::as_str));
        put(&mut out, "failover", Some(self.failover.as_str()));
        put(&mut out, "exit", serde_json::to_value(self.exit).ok());
        put(&mut out, "request", Some(self.request.clone()));
        out.into()
    }

    /// Reads what [`Self::to_value`] wrote; `None` for anything else.
    pub fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let source = match (object.get("single"), object.get("mix")) {
            (Some(one), None) => Source::Single(Subscription::from_value(one)?),
            (None, Some(mix)) => Source::Mix(Mix::from_value(mix)?),
            _ => return None,
        };
        let targets: Option<Vec<PushUrl>> =
            texts(object, "targets").map(|url| PushUrl::parse(url).ok()).collect();
        let own = |name| text(object, name).map(String::from);
        let pull = match text(object, "pull") {
            Some(url) => Some(PushUrl::parse(url).ok()?),
            None => None,
        };
        Some(Self {
            origin: Origin::from_name(text(object, "origin")?)?,
            id: own("id")?,
            app_id: own("app_id")?,
            channel: own("channel")?,
            targets: targets?,
            source,
            sei: Sei::from_value(object.get("sei")?)?,
            max_idle: number(object, "max_idle_ms").map(Millis),
            region: own("region"),
            pull,
            failover: Failover::from_name(text(object, "failover").unwrap_or("stay"))?,
            exit: LiveExitConfig::from_checked(part(object, "exit")?),
            request: part(object, "request")?.clone(),
        })
    }
}

/// Which task it is, and where it goes, masked.
impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("origin", &self.origin)
            .field("id", &self.id)
            .field("app_id", &self.app_id)
            .field("channel", &self.channel)
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}

/// Writes a field that is there.
pub(super) fn put(out: &mut Object, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        out.insert(String::from(name), value.into());
    }
}
