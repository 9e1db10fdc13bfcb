//! Alibaba ARTC's channel and user events.
//!
//! One body carries one event or several, each in an object that is named like its `Event`.
//! Sources: `ApsaraVideo` Live, `CreateEventSub`; the record in `ListEventSubEvent`; for forms, the
//! older RTC service (2018-01-11), `CreateEventSubscribe`.
//!
//! | field | is |
//! |---|---|
//! | `MsgId`, `MsgTimestamp` | the message's id, and when it was sent, in seconds |
//! | `SubscribeId` or `SubscribeID`, `AppId` | whom it is for |
//! | `ChannelId` or `ChannelID` | the channel: the documents spell it one way, the record the other |
//! | `Contents` | the events; in a form, the JSON of them |
//! | `Event` of each | `UserEvent` or `ChannelEvent` |
//! | `EventTag`, `UserId`, `Timestamp` in that object | what happened, to whom, and when, in seconds |
//!
//! Five tags of users are documented, and no field of a channel's object: its tag is looked for in
//! the same place. What other tags mean, the source's words say.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::entity::entity;
use super::error::DialectError;
use super::json::{self, Scanner, Token, push_string};
use super::object::{At, Object, inner};
use super::words::Words;
use super::{Events, WriteContext, form};
use crate::event::{Event, Kind};

/// What the documented tags mean. Words cannot say otherwise.
pub(super) const TAGS: &[(&str, Kind)] = &[
    ("Join", Kind::UserJoin),
    ("Leave", Kind::UserLeave),
    ("Publish", Kind::UserPublish),
    ("Unpublish", Kind::UserUnpublish),
    ("Roleupdate", Kind::UserRole),
];

/// The most events of one body: each is kept with all that stands around it.
const MAX_EVENTS: usize = 100;

const CONTENTS: &str = "/Contents";
const USER: &str = "/UserEvent";
const CHANNEL: &str = "/ChannelEvent";

/// Reads a callback's body.
pub(super) fn parse<'a>(
    object: &Object<'a>,
    words: &Words<Kind>,
) -> Result<Events<'a>, DialectError> {
    let wrong = || DialectError::shape(CONTENTS, "a list of 1 to 100 events");
    let root = object.root();
    let in_text;
    let contents = match (root.list(CONTENTS), root.text(&[CONTENTS])) {
        (Ok(contents), _) => contents,
        (_, Ok(Some(text))) => {
            in_text = inner(&text).map_err(|_| wrong())?;
            At::of(&in_text).list("").map_err(|_| wrong())?
        }
        _ => return Err(wrong()),
    };
    if contents.len() > MAX_EVENTS {
        return Err(wrong());
    }
    let envelope = Envelope {
        channel: root.name(&["/ChannelId", "/ChannelID"])?,
        id: root.name(&["/MsgId"])?,
    };
    let sent_at = root.time(&["/MsgTimestamp"])?;
    let mut events = Vec::with_capacity(contents.len());
    for (index, content) in contents.iter().enumerate() {
        let mut event = one(object, At::of(content), words)
            .map_err(|error| error.below(&format!("{CONTENTS}/{index}")))?;
        event.channel = envelope.channel.clone().map(Cow::Owned);
        event.time = event.time.or(sent_at);
        event.repeat_key = envelope.repeat_key(index).map(Cow::Owned);
        event.vendor_id = envelope.id.clone().map(Cow::Owned);
        if contents.len() > 1
            && let Some(alone) = cut(object.text(), index)
        {
            event.data = Cow::Owned(alone);
        }
        events.push(event);
    }
    Events::some(events).ok_or_else(wrong)
}

/// What is said once for all events of a body.
struct Envelope {
    channel: Option<String>,
    id: Option<String>,
}

impl Envelope {
    /// A message that comes again has its events in the same places.
    fn repeat_key(&self, index: usize) -> Option<String> {
        let id = self.id.as_ref()?;
        Some(if index == 0 { id.clone() } else { format!("{id}/{index}") })
    }
}

fn one<'a>(
    object: &Object<'a>,
    content: At<'_>,
    words: &Words<Kind>,
) -> Result<Event<'a>, DialectError> {
    let name = content.name(&["/Event"])?;
    let name = name.ok_or_else(|| DialectError::shape("/Event", "a string that is not empty"))?;
    let path = if name == "ChannelEvent" { CHANNEL } else { USER };
    let Some(fields) = content.at(path)? else {
        return Ok(object.event(Kind::Unknown, name));
    };
    let within = |error: DialectError| error.below(path);
    let tag = fields.name(&["/EventTag"]).map_err(within)?;
    let kind = tag.as_deref().and_then(|tag| {
        let known = TAGS.iter().find(|(known, _)| *known == tag && path == USER);
        known.map(|(_, kind)| *kind).or_else(|| words.meaning(tag))
    });
    let user = fields.name(&["/UserId"]).map_err(within)?;

    let mut event = object.event(kind.unwrap_or(Kind::Unknown), tag.unwrap_or(name));
    event.entity = kind.and_then(|kind| match kind {
        Kind::ChannelStart | Kind::ChannelEnd => entity(kind, &[]),
        _ => entity(kind, &[user.as_deref()]),
    });
    event.user = user.map(Cow::Owned);
    event.time = fields.time(&["/Timestamp"]).map_err(within)?;
    Ok(event)
}

/// A body with the event of that number alone; `None` if it has no other.
pub(super) fn alone(body: &[u8], index: usize) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(body).ok()?;
    let alone =
        if form::is_one(text) { cut(&form::to_json(text), index) } else { cut(text, index) };
    alone.map(String::into_bytes)
}

/// The object `text` with one event of several; everything around them stays byte for byte.
fn cut(text: &str, index: usize) -> Option<String> {
    let mut scanner = Scanner::new(text);
    let mut contents = None;
    while let Some(token) = scanner.next().ok()? {
        match token {
            Token::Key(key) if scanner.depth() == 1 && key.is("Contents") => {
                let value = scanner.next().ok()??;
                let (start, mut end) = scanner.span();
                if matches!(value, Token::ArrayStart | Token::ObjectStart) {
                    scanner.skip_container().ok()?;
                    (_, end) = scanner.span();
                }
                contents = Some((value, start, end));
            }
            _ => {}
        }
    }
    let (value, start, end) = contents?;
    let list = match value {
        Token::ArrayStart => Cow::Borrowed(text.get(start..end)?),
        Token::Text(raw) => raw.text(),
        _ => return None,
    };
    json::item(&list, 1)?;
    let json::Value::Object(event) = json::item(&list, index)? else { return None };
    let mut out = String::with_capacity(text.len());
    out.push_str(text.get(..start)?);
    let list = format!("[{event}]");
    if let Token::Text(_) = value {
        push_string(&mut out, &list);
    } else {
        out.push_str(&list);
    }
    out.push_str(text.get(end..)?);
    Some(out)
}

/// Another vendor's event in this one's words. What a tag is called that Alibaba does not document,
/// the endpoint's words say; without one there is none.
pub(super) fn write(
    event: &Event<'_>,
    words: &Words<Kind>,
    context: &WriteContext<'_>,
) -> Option<Value> {
    let known = TAGS.iter().find(|(_, kind)| *kind == event.kind).map(|(tag, _)| *tag);
    let tag = known.or_else(|| words.word(event.kind))?;
    let seconds = event.time.unwrap_or(context.accepted_at).0 / 1000;
    let content = match event.kind {
        Kind::ChannelStart | Kind::ChannelEnd => json!({
            "Event": "ChannelEvent",
            "ChannelEvent": {"EventTag": tag, "Timestamp": seconds},
        }),
        _ => json!({
            "Event": "UserEvent",
            "UserEvent": {"UserId": event.user.as_deref()?, "EventTag": tag, "Timestamp": seconds},
        }),
    };
    Some(json!({
        "MsgId": context.id.to_string(),
        "MsgTimestamp": seconds,
        "SubscribeId": context.subscription,
        "AppId": context.app_id,
        "ChannelId": event.channel.as_deref().unwrap_or(""),
        "Contents": [content],
    }))
}
