//! Subscriptions of Alibaba's `ApsaraVideo` Live (2016-11-01): channel and user events
//! (`CreateEventSub` and what goes with it), and events of mixed relays (`CreateRtcMPUEventSub`).

use alloc::string::String;
use alloc::vec::Vec;

use super::named::named;
use super::rpc::{RpcParams, checked, gather};
use super::table::{Chars, Http, Kind, Object, Row, Shape, Walk, may, must, shape, text, texts};
use super::violation::{Problem, Violations};
use crate::dialect::timestamp;
use crate::time::{Millis, UnixMillis};
use crate::url::HttpUrl;

/// The most subscriptions of channel and user events that an application may have.
pub const MAX_SUBS: usize = 20;

/// The longest id of an application or channel, in characters.
pub const MAX_ID_CHARS: usize = 64;

/// The most users of a subscription: the reference's figure. The vendor's console says 20.
pub const MAX_USERS: usize = 30;

/// The longest name of a user, in characters. The vendor documents none.
pub const MAX_USER_CHARS: usize = 128;

/// The longest callback address, in characters. One that [`HttpUrl`] takes is shorter.
pub const MAX_URL_CHARS: usize = 2083;

/// The most channels of one subscription of relay events.
pub const MAX_CHANNELS: usize = 20;

/// How far back relay events are asked for.
pub const RECORD_DAYS: u64 = 7;

named! {
    /// What channel and user events are subscribed by.
    pub enum SubEvent {
        /// A channel was opened or closed.
        Channel = "ChannelEvent",
        /// Somebody joined, left, published…
        User = "UserEvent",
    }
}

pub(crate) const APP_ID: Row = must("AppId", Kind::Text { max: MAX_ID_CHARS, of: Chars::Word });
const SUBSCRIBE_ID: Row = must("SubscribeId", ANY_ID);
const CALLBACK_URL: Row =
    must("CallbackUrl", Kind::Address { max: MAX_URL_CHARS, http: Http::Allowed });
const ANY_ID: Kind = Kind::Text { max: 128, of: Chars::Any };
const CHANNEL_ID: Row = may("ChannelId", Kind::Text { max: MAX_ID_CHARS, of: Chars::Any });
const USERS: Row = may(
    "Users",
    Kind::List { min: 0, max: MAX_USERS, of: &Kind::Text { max: MAX_USER_CHARS, of: Chars::Any } },
);
const EVENTS: Row = must("Events", Kind::List { min: 1, max: 5, of: &Kind::Name(SubEvent::NAMES) });
pub(crate) const PAGE_NO: Kind = Kind::Int { min: 1, max: i32::MAX as i64, unit: "" };
pub(crate) const PAGE_SIZE: Kind = Kind::Int { min: 1, max: 100, unit: "entries" };

const EVENT_SUB: Shape = shape(&[APP_ID, CHANNEL_ID, USERS, EVENTS, CALLBACK_URL]);
const EVENT_SUB_UPDATE: Shape =
    shape(&[APP_ID, SUBSCRIBE_ID, CHANNEL_ID, USERS, EVENTS, CALLBACK_URL]);
const EVENT_SUB_ID: Shape = shape(&[APP_ID, SUBSCRIBE_ID]);
const MPU_SUB: Shape =
    shape(&[APP_ID, CALLBACK_URL, may("ChannelIds", Kind::Text { max: 4096, of: Chars::Any })]);
const EVENT_QUERY: Shape = shape(&[
    APP_ID,
    may("SubscribeId", ANY_ID),
    must("StartTime", SECONDS),
    must("EndTime", SECONDS),
    must("PageNo", PAGE_NO),
    must("PageSize", PAGE_SIZE),
]);
/// Up to the end of the year 9999.
const SECONDS: Kind = Kind::Int { min: 0, max: 253_402_300_799, unit: "seconds since 1970" };
const RECORD_QUERY: Shape = shape(&[
    APP_ID,
    may("SubId", ANY_ID),
    must("StartTime", Kind::Text { max: 32, of: Chars::Any }),
    must("EndTime", Kind::Text { max: 32, of: Chars::Any }),
    must("PageNo", PAGE_NO),
    must("PageSize", PAGE_SIZE),
]);

/// A call's application (`ListEventSub`, `DeleteRtcMPUEventSub`, `DescribeRtcMPUEventSub`).
///
/// # Errors
/// [`Violations`]: all of them.
pub fn app_id(params: &(impl RpcParams + ?Sized)) -> Result<String, Violations> {
    checked(&shape(&[APP_ID]), params).map(|kept| owned(&kept, "AppId"))
}

/// A call's application and subscription (`DeleteEventSub`).
///
/// # Errors
/// [`Violations`]: all of them.
pub fn subscribe_id(params: &(impl RpcParams + ?Sized)) -> Result<(String, String), Violations> {
    let kept = checked(&EVENT_SUB_ID, params)?;
    Ok((owned(&kept, "AppId"), owned(&kept, "SubscribeId")))
}

/// A subscription of channel and user events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventSub {
    /// The application.
    pub app_id: String,
    /// The channel; `None` for all.
    pub channel: Option<String>,
    /// The users whose events are wanted; none for all of them.
    pub users: Vec<String>,
    /// What is wanted, each once.
    pub events: Vec<SubEvent>,
    /// Where it is sent to.
    pub callback_url: HttpUrl,
}

impl EventSub {
    /// Reads a call of `CreateEventSub`. `max_users` is at most [`MAX_USERS`].
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn create(
        params: &(impl RpcParams + ?Sized),
        max_users: usize,
    ) -> Result<Self, Violations> {
        let (kept, walk) = gather(&EVENT_SUB, params);
        Self::of(&kept, walk, max_users)
    }

    /// Reads a call of `UpdateEventSub`: which subscription, and all of what it becomes.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn update(
        params: &(impl RpcParams + ?Sized),
        max_users: usize,
    ) -> Result<(String, Self), Violations> {
        let (kept, walk) = gather(&EVENT_SUB_UPDATE, params);
        Ok((owned(&kept, "SubscribeId"), Self::of(&kept, walk, max_users)?))
    }

    fn of(kept: &Object, mut walk: Walk, max_users: usize) -> Result<Self, Violations> {
        let channel = text(kept, "ChannelId").filter(|channel| !channel.is_empty());
        let users: Vec<String> = texts(kept, "Users").map(String::from).collect();
        match channel {
            Some("*") => {}
            Some(channel) if !Chars::Word.admit(channel) => {
                walk.report("ChannelId", Problem::Characters { allowed: Chars::Word.named() });
            }
            None if !users.is_empty() => walk.report("ChannelId", Problem::Missing),
            _ => {}
        }
        if users.len() > max_users && users.len() <= MAX_USERS {
            walk.report("Users", Problem::WrongCount { min: 0, max: max_users });
        }
        let mut events = Vec::new();
        for event in texts(kept, "Events").filter_map(SubEvent::from_name) {
            if !events.contains(&event) {
                events.push(event);
            }
        }
        match address(kept) {
            Some(callback_url) => walk.settle(Self {
                app_id: owned(kept, "AppId"),
                channel: channel.filter(|channel| *channel != "*").map(String::from),
                users,
                events,
                callback_url,
            }),
            None => Err(walk.refused()),
        }
    }

    /// Whether it may be there beside the application's others, whose channels these are: not more than [`MAX_SUBS`], and one
    /// for all channels.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn may_join(&self, others: &[Option<&str>]) -> Result<(), Violations> {
        let mut walk = Walk::new(super::table::Form::Rpc);
        if others.len() >= MAX_SUBS {
            walk.report("AppId", Problem::WrongCount { min: 0, max: MAX_SUBS });
        }
        if self.channel.is_none() && others.contains(&None) {
            walk.report("ChannelId", Problem::Duplicate);
        }
        walk.settle(())
    }
}

/// Which characters the callback address of relay events may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrlCharacters {
    /// Those of any valid address. The default.
    #[default]
    Any,
    /// Those that the vendor lists: letters, digits and `-_?%=#./+`, and the `:` of scheme and port,
    /// which it forgot. There is no `&` among them, so a query has one parameter.
    AsListed,
}

const LISTED: &str = "A-Z a-z 0-9 - _ ? % = # . / +";

/// The subscription of relay events that an application can have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MpuSub {
    /// The application.
    pub app_id: String,
    /// Where events are sent to.
    pub callback_url: HttpUrl,
    /// The channels whose events are wanted; none for all of them.
    pub channels: Vec<String>,
}

impl MpuSub {
    /// Reads a call of `CreateRtcMPUEventSub` or `UpdateRtcMPUEventSub`.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn new(
        params: &(impl RpcParams + ?Sized),
        characters: UrlCharacters,
    ) -> Result<Self, Violations> {
        let (kept, mut walk) = gather(&MPU_SUB, params);
        if let Some(url) = text(&kept, "CallbackUrl")
            && characters == UrlCharacters::AsListed
            && !is_as_listed(url)
        {
            walk.report("CallbackUrl", Problem::Characters { allowed: LISTED });
        }
        let list = text(&kept, "ChannelIds").unwrap_or("");
        let channels: Vec<&str> =
            if list.is_empty() { Vec::new() } else { list.split(',').collect() };
        if channels.len() > MAX_CHANNELS {
            walk.report("ChannelIds", Problem::WrongCount { min: 0, max: MAX_CHANNELS });
        }
        for (index, channel) in channels.iter().enumerate().take(MAX_CHANNELS) {
            let problem = match *channel {
                "" => Problem::Missing,
                id if id.len() > MAX_ID_CHARS => Problem::TooLong { limit: MAX_ID_CHARS },
                id if !Chars::Word.admit(id) => {
                    Problem::Characters { allowed: Chars::Word.named() }
                }
                id if channels.iter().take(index).any(|before| *before == id) => Problem::Duplicate,
                _ => continue,
            };
            walk.report_item("ChannelIds", index, problem);
        }
        match address(&kept) {
            Some(callback_url) => walk.settle(Self {
                app_id: owned(&kept, "AppId"),
                callback_url,
                channels: channels.into_iter().map(String::from).collect(),
            }),
            None => Err(walk.refused()),
        }
    }
}

fn is_as_listed(url: &str) -> bool {
    let (scheme_end, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let listed = |text: &str, colon: bool| {
        text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || b"-_?%=#./+".contains(&byte) || (colon && byte == b':')
        })
    };
    listed(scheme_end, false) && listed(host, true) && listed(tail, false)
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Which, from 1.
    pub number: u32,
    /// How many entries it has, 1 to 100.
    pub size: u32,
}

impl Page {
    pub(crate) fn from_checked(object: &Object) -> Option<Self> {
        let number = |name| u32::try_from(object.get(name)?.as_u64()?).ok();
        Some(Self { number: number("PageNo")?, size: number("PageSize")? })
    }

    /// How many entries stand before it.
    pub fn offset(self) -> u64 {
        u64::from(self.number.saturating_sub(1)).saturating_mul(u64::from(self.size))
    }
}

/// A question for what was sent to subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentQuery {
    /// The application.
    pub app_id: String,
    /// The subscription; `None` for all of the application's.
    pub subscription: Option<String>,
    /// From when.
    pub start: UnixMillis,
    /// Until when, itself included.
    pub end: UnixMillis,
    /// Which page.
    pub page: Page,
}

impl SentQuery {
    /// Reads a call of `ListEventSubEvent`: times are seconds.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn events(params: &(impl RpcParams + ?Sized)) -> Result<Self, Violations> {
        let (kept, walk) = gather(&EVENT_QUERY, params);
        let time = |name| kept.get(name)?.as_u64().map(UnixMillis::from_secs);
        let times = time("StartTime").zip(time("EndTime"));
        Self::of(&kept, walk, times, "SubscribeId")
    }

    /// Reads a call of `ListRtcMPUEventSubRecord`: times are RFC 3339, at most
    /// [`RECORD_DAYS`] ago and not to come.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn records(
        params: &(impl RpcParams + ?Sized),
        now: UnixMillis,
    ) -> Result<Self, Violations> {
        let (kept, mut walk) = gather(&RECORD_QUERY, params);
        let mut time = |name| {
            let found = timestamp::text(text(&kept, name)?);
            if found.is_none() {
                walk.report(
                    name,
                    Problem::WrongType { expected: "a time such as 2024-09-10T00:30:00Z" },
                );
            }
            found
        };
        let times = (time("StartTime"), time("EndTime"));
        let first = now.minus(Millis::from_hours(24 * RECORD_DAYS));
        if times.0.is_some_and(|start| start < first) {
            walk.report("StartTime", Problem::TooEarly { days: RECORD_DAYS });
        }
        if times.1.is_some_and(|end| end > now) {
            walk.report("EndTime", Problem::ToCome);
        }
        let times = times.0.zip(times.1);
        Self::of(&kept, walk, times, "SubId")
    }

    fn of(
        kept: &Object,
        mut walk: Walk,
        times: Option<(UnixMillis, UnixMillis)>,
        subscription: &str,
    ) -> Result<Self, Violations> {
        if times.is_some_and(|(start, end)| start > end) {
            walk.report("EndTime", Problem::Unmatched { with: "StartTime" });
        }
        let page = Page::from_checked(kept);
        match times.zip(page) {
            Some(((start, end), page)) => walk.settle(Self {
                app_id: owned(kept, "AppId"),
                subscription: text(kept, subscription).map(String::from),
                start,
                end,
                page,
            }),
            None => Err(walk.refused()),
        }
    }
}

fn owned(kept: &Object, name: &str) -> String {
    String::from(text(kept, name).unwrap_or(""))
}

/// The callback address of a call; there is one unless something was found to be wrong.
fn address(kept: &Object) -> Option<HttpUrl> {
    HttpUrl::parse(text(kept, "CallbackUrl")?).ok()
}
