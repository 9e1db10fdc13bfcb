//! `LiveKit`'s webhooks.
//!
//! A body is one `WebhookEvent` in the JSON format of protocol buffers: names in `lowerCamelCase`, or
//! as the `.proto` files spell them; 64-bit integers as strings, or as numbers; enumerations by name
//! or number; and what has its default value is left out, so a missing status is the first of its
//! enumeration. Sources: `LiveKit` documentation, "Webhooks & events"; the public protocol's
//! `livekit_webhook.proto`, `livekit_models.proto`, `livekit_egress.proto` and
//! `livekit_ingress.proto`; Protocol Buffers documentation, "`ProtoJSON` Format".
//!
//! | `event` | kind |
//! |---|---|
//! | `room_started`, `room_finished` | `channel.start`, `channel.end` |
//! | `participant_joined`, `participant_left` | `user.join`, `user.leave` |
//! | `track_published`, `track_unpublished` | by the track's source: `video`, `audio` or `screen`; else `user.publish`, `user.unpublish` |
//! | `egress_*` | `relay.state` if it has a stream output, else `recording.state` |
//! | `ingress_started`, `ingress_ended` | `stream.start`, `stream.end` |

use alloc::string::String;

use super::entity::entity;
use super::error::DialectError;
use super::object::{At, Object};
use crate::event::{Event, Kind, Relay, RelayState};

const TYPE: &str = "/event";
/// The messages that an event may have.
const MESSAGES: &[&str] = &[
    "/room",
    "/participant",
    "/track",
    "/egressInfo",
    "/egress_info",
    "/ingressInfo",
    "/ingress_info",
];
const ROOM: &[&str] = &[
    "/room/name",
    "/egressInfo/roomName",
    "/egress_info/room_name",
    "/ingressInfo/roomName",
    "/ingress_info/room_name",
];
const USER: &[&str] = &[
    "/participant/identity",
    "/ingressInfo/participantIdentity",
    "/ingress_info/participant_identity",
];
const TRACK: &[&str] = &["/track/sid"];
const SOURCE: &[&str] = &["/track/source"];
const EGRESS: &[&str] = &["/egressInfo/egressId", "/egress_info/egress_id"];
const STATUS: &[&str] = &["/egressInfo/status", "/egress_info/status"];
const INGRESS: &[&str] = &["/ingressInfo/ingressId", "/ingress_info/ingress_id"];
const TIME: &[&str] = &["/createdAt", "/created_at"];

/// What the types mean; of a track and an egress, what they mean if nothing more is known.
const TYPES: &[(&str, Kind)] = &[
    ("room_started", Kind::ChannelStart),
    ("room_finished", Kind::ChannelEnd),
    ("participant_joined", Kind::UserJoin),
    ("participant_left", Kind::UserLeave),
    ("track_published", Kind::UserPublish),
    ("track_unpublished", Kind::UserUnpublish),
    ("egress_started", Kind::RecordingState),
    ("egress_updated", Kind::RecordingState),
    ("egress_ended", Kind::RecordingState),
    ("ingress_started", Kind::StreamStart),
    ("ingress_ended", Kind::StreamEnd),
];

/// `TrackSource`: name, number, and what it means to publish and to unpublish it. The others (none,
/// and the sound of a shared screen, whose picture is a track of its own) say no more than the type.
const SOURCES: &[(&str, &str, Kind, Kind)] = &[
    ("CAMERA", "1", Kind::VideoStart, Kind::VideoStop),
    ("MICROPHONE", "2", Kind::AudioStart, Kind::AudioStop),
    ("SCREEN_SHARE", "3", Kind::ScreenStart, Kind::ScreenStop),
];

/// `EgressStatus`: name, number, meaning. One that was asked to stop is over, as one that was
/// aborted before it began is, or one that reached its limit.
const STATUSES: &[(&str, &str, RelayState)] = &[
    ("EGRESS_STARTING", "0", RelayState::Connecting),
    ("EGRESS_ACTIVE", "1", RelayState::Live),
    ("EGRESS_ENDING", "2", RelayState::Ended),
    ("EGRESS_COMPLETE", "3", RelayState::Ended),
    ("EGRESS_FAILED", "4", RelayState::Failed),
    ("EGRESS_ABORTED", "5", RelayState::Ended),
    ("EGRESS_LIMIT_REACHED", "6", RelayState::Ended),
];

/// Where an egress's stream outputs are: first as results, then as they were asked for.
const STREAMS: &[&str] = &[
    "/egressInfo/streamResults/0",
    "/egress_info/stream_results/0",
    "/egressInfo/stream",
    "/egress_info/stream",
    "/egressInfo/roomComposite/streamOutputs/0",
    "/egress_info/room_composite/stream_outputs/0",
    "/egressInfo/roomComposite/stream",
    "/egress_info/room_composite/stream",
    "/egressInfo/web/streamOutputs/0",
    "/egress_info/web/stream_outputs/0",
    "/egressInfo/web/stream",
    "/egress_info/web/stream",
    "/egressInfo/participant/streamOutputs/0",
    "/egress_info/participant/stream_outputs/0",
    "/egressInfo/trackComposite/streamOutputs/0",
    "/egress_info/track_composite/stream_outputs/0",
    "/egressInfo/trackComposite/stream",
    "/egress_info/track_composite/stream",
    "/egressInfo/egress/outputs/0/stream",
    "/egress_info/egress/outputs/0/stream",
];

/// The lists of results, and their first addresses.
const RESULTS: &[(&str, &str)] = &[
    ("/egressInfo/streamResults", "/egressInfo/streamResults/0/url"),
    ("/egress_info/stream_results", "/egress_info/stream_results/0/url"),
    ("/egressInfo/stream/info", "/egressInfo/stream/info/0/url"),
    ("/egress_info/stream/info", "/egress_info/stream/info/0/url"),
];

pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    let root = object.root();
    let vendor_type = root
        .name(&[TYPE])?
        .ok_or_else(|| DialectError::shape(TYPE, "a string that is not empty"))?;
    let Some((_, kind)) = TYPES.iter().find(|(name, _)| *name == vendor_type) else {
        // Nothing is known of its messages: one of another type is no error.
        let mut event = object.event(Kind::Unknown, vendor_type);
        event.channel = root.name(ROOM).unwrap_or_default().map(Into::into);
        event.user = root.name(USER).unwrap_or_default().map(Into::into);
        envelope(root, &mut event)?;
        return Ok(event);
    };
    for message in MESSAGES {
        root.at(message)?;
    }
    let kind = of(*kind, root)?;
    let user = root.name(USER)?;

    let mut event = object.event(kind, vendor_type);
    match kind.family() {
        "channel" => event.entity = entity(kind, &[]),
        "user" | "video" | "audio" | "screen" => {
            let track = root.name(TRACK)?;
            event.entity = entity(kind, &[user.as_deref(), track.as_deref()]);
        }
        "stream" => event.entity = entity(kind, &[root.name(INGRESS)?.as_deref()]),
        "recording" => event.entity = entity(kind, &[root.name(EGRESS)?.as_deref()]),
        "relay" => {
            let task = root.name(EGRESS)?;
            event.entity = entity(kind, &[task.as_deref(), None]);
            event.relay = Some(Relay {
                state: state(root)?,
                task: task.map(Into::into),
                url: url(root)?.map(Into::into),
            });
        }
        _ => {}
    }
    event.channel = root.name(ROOM)?.map(Into::into);
    event.user = user.map(Into::into);
    envelope(root, &mut event)?;
    Ok(event)
}

/// What every event says of itself.
fn envelope(root: At<'_>, event: &mut Event<'_>) -> Result<(), DialectError> {
    event.time = root.time(TIME)?;
    let id = root.name(&["/id"])?;
    event.repeat_key = id.clone().map(Into::into);
    event.vendor_id = id.map(Into::into);
    Ok(())
}

/// What an event of a type is, by what it is about.
fn of(by_type: Kind, root: At<'_>) -> Result<Kind, DialectError> {
    match by_type {
        Kind::RecordingState if STREAMS.iter().any(|path| root.has(path)) => Ok(Kind::RelayState),
        Kind::UserPublish | Kind::UserUnpublish => {
            let source = root.name(SOURCE)?;
            let is = |name: &str, number: &str| {
                source.as_deref().is_some_and(|source| source == name || source == number)
            };
            let known = SOURCES.iter().find(|(name, number, ..)| is(name, number));
            Ok(known.map_or(
                by_type,
                |(_, _, start, stop)| {
                    if by_type == Kind::UserPublish { *start } else { *stop }
                },
            ))
        }
        _ => Ok(by_type),
    }
}

/// What became of the egress. All its streams share it: one that fails alone is in the data.
fn state(root: At<'_>) -> Result<Option<RelayState>, DialectError> {
    let status = root.name(STATUS)?;
    let status = status.as_deref().unwrap_or("0");
    let known = STATUSES.iter().find(|(name, number, _)| status == *name || status == *number);
    Ok(known.map(|(_, _, state)| *state))
}

/// The address, of an egress that has one alone. `LiveKit` has masked its key.
fn url(root: At<'_>) -> Result<Option<String>, DialectError> {
    for (list, first) in RESULTS {
        match root.list(list)? {
            [] => {}
            [_] => return root.text(&[first]),
            _ => break,
        }
    }
    Ok(None)
}
