//! livegate's own documents for relay tasks: what `/api/v1/relay-tasks` takes and shows, on a gateway
//! and on a host that runs alone.
//!
//! A person writes them, so a field that is not known is a violation. What is shown can be sent
//! again: [`start`] reads what [`show`] writes.
//!
//! ```
//! use livegate_core::relay::native;
//!
//! let body = br#"{"app_id": "live", "id": "t1", "channel": "room1", "user": "ann",
//!     "targets": ["rtmp://a.example.com/live/key"], "failover": "move"}"#;
//! let violations = native::start(body).unwrap_err();
//! let found: Vec<_> = violations.iter().map(|one| (&*one.path, one.code().as_str())).collect();
//! assert_eq!(found, [("failover", "relay.move_published")]);
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::address::PushUrl;
use super::lease::{Failover, Feed};
use super::mpu::{DEFAULT_KEY, MAX_SEI_CHARS};
use super::sei::{DEFAULT_PAYLOAD_TYPE, PassThrough, Sei, Timing};
use super::task::{Media, Origin, Source, Subscription, Task, put};
use crate::config::live_exit;
use crate::config::table::{
    Chars, Form, Kind, Object, Rest, Row, Shape, Walk, may, must, number, part, placed, read, text,
};
use crate::config::{LiveExitConfig, Problem, Violations};
use crate::layout::Picture;
use crate::sei::payload::{self, PayloadError};
use crate::time::Millis;

/// The most bytes of a body.
pub const MAX_BODY: usize = 256 * 1024;

/// The most push addresses of a task.
pub const MAX_TARGETS: usize = 50;

/// The longest name of a channel, in characters.
pub const MAX_CHANNEL_CHARS: usize = 64;

/// The longest name of a user, in characters.
pub const MAX_USER_CHARS: usize = 128;

const ID: Kind = Kind::Text { max: 64, of: Chars::Word };

const fn object(rows: &'static [Row]) -> Shape {
    Shape { rows, also: None, rest: Rest::Refused }
}

const INTERVAL: Row = may("interval_ms", Kind::Int { min: 1000, max: 5000, unit: "milliseconds" });
const FOLLOW_IDR: Row = may("follow_idr", Kind::Bool);
const CUSTOM: Kind = Kind::Text { max: MAX_SEI_CHARS, of: Chars::Any };

const SEI: Shape = object(&[
    may("layout_volume", Kind::Object(&object(&[INTERVAL, FOLLOW_IDR]))),
    may(
        "pass_through",
        Kind::Object(&object(&[
            INTERVAL,
            FOLLOW_IDR,
            may("key", Kind::Text { max: 64, of: Chars::Any }),
            must("content", Kind::Text { max: MAX_SEI_CHARS, of: Chars::Any }),
        ])),
    ),
    may("custom", CUSTOM),
    may("payload_type", Kind::Int { min: 5, max: 254, unit: "" }),
]);

const START: Shape = object(&[
    must("app_id", ID),
    must("id", ID),
    must("channel", Kind::Text { max: MAX_CHANNEL_CHARS, of: Chars::Any }),
    may("user", Kind::Text { max: MAX_USER_CHARS, of: Chars::Any }),
    may("picture", Kind::Name(&["camera", "screen"])),
    may("media", Kind::Name(Media::NAMES)),
    must("targets", Kind::List { min: 1, max: MAX_TARGETS, of: &Kind::Push }),
    may("pull", Kind::Push),
    may("failover", Kind::Name(Failover::NAMES)),
    may("max_idle_seconds", Kind::Int { min: 10, max: 2_592_000, unit: "seconds" }),
    may("sei", Kind::Object(&SEI)),
    may("exit", Kind::Object(&live_exit::SHAPE)),
]);

const MESSAGE: Shape = object(&[must("custom", CUSTOM)]);

/// Reads a task that is to be started, or to become this: it is the whole task.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn start(body: &[u8]) -> Result<Task, Violations> {
    let sent = read(body, MAX_BODY)?;
    let mut walk = Walk::new(Form::Json);
    let kept = walk.object(&START, sent);
    let targets = targets(&kept, &mut walk);
    let own = |name| String::from(text(&kept, name).unwrap_or(""));
    let pull = text(&kept, "pull").and_then(|url| PushUrl::parse(url).ok());
    for name in ["channel", "user"] {
        if own(name).chars().any(char::is_control) {
            walk.report(name, Problem::Characters { allowed: "characters that can be shown" });
        }
    }
    let user = text(&kept, "user").filter(|user| !user.is_empty());
    if pull.is_none() && !walk.has_found("pull") {
        walk.missing("user", user.map(|_| &Value::Null));
    }
    let feed = if kept.contains_key("pull") { Feed::Pulled } else { Feed::Published };
    let failover = text(&kept, "failover").and_then(Failover::from_name);
    let failover = failover.unwrap_or(Failover::Stay);
    if let Err(error) = failover.of(feed)
        && !walk.has_found("pull")
    {
        walk.report("failover", Problem::Failover(error));
    }
    let sei = part(&kept, "sei").map_or_else(Sei::default, |own| sei(own, &mut walk));
    let id = own("id");
    let source = Subscription {
        // Nobody publishes a stream that is fetched; the task is what tells two of a channel apart.
        user: user.map_or_else(|| id.clone(), String::from),
        channel: None,
        media: text(&kept, "media").and_then(Media::from_name).unwrap_or(Media::Both),
        picture: text(&kept, "picture").and_then(Picture::from_name).unwrap_or(Picture::Camera),
    };
    let task = Task {
        origin: Origin::Livegate,
        id,
        app_id: own("app_id"),
        channel: own("channel"),
        targets,
        source: Source::Single(source),
        sei,
        max_idle: number(&kept, "max_idle_seconds").map(Millis::from_secs),
        region: None,
        pull,
        failover,
        exit: part(&kept, "exit")
            .map_or_else(LiveExitConfig::default, LiveExitConfig::from_checked),
        request: Object::new(),
    };
    walk.settle(task)
}

/// Reads a message that a task is to write once: `{"custom": "…"}`, JSON in a text.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn set_sei(body: &[u8]) -> Result<String, Violations> {
    let sent = read(body, MAX_BODY)?;
    let mut walk = Walk::new(Form::Json);
    let kept = walk.object(&MESSAGE, sent);
    let custom = custom(&kept, "custom", &mut walk);
    walk.settle(custom.unwrap_or_default())
}

/// A task as [`start`] reads it, **secrets included**. A task of a vendor's has beside that its
/// `origin`, and what livegate's own interface cannot ask for: a mix, a region, a channel of the
/// user's own.
pub fn show(task: &Task) -> Value {
    let mut out = Object::new();
    if task.origin != Origin::Livegate {
        put(&mut out, "origin", Some(task.origin.as_str()));
    }
    put(&mut out, "app_id", Some(&*task.app_id));
    put(&mut out, "id", Some(&*task.id));
    put(&mut out, "channel", Some(&*task.channel));
    match &task.source {
        Source::Single(one) => {
            put(&mut out, "user", Some(&*one.user));
            put(&mut out, "user_channel", one.channel.as_deref());
            put(&mut out, "picture", Some(one.picture.as_str()));
            put(&mut out, "media", Some(one.media.as_str()));
        }
        Source::Mix(mix) => put(&mut out, "mix", Some(mix.to_value())),
    }
    put(&mut out, "targets", Some(task.targets.iter().map(PushUrl::as_str).collect::<Value>()));
    put(&mut out, "pull", task.pull.as_ref().map(PushUrl::as_str));
    put(&mut out, "failover", Some(task.failover.as_str()));
    put(&mut out, "max_idle_seconds", task.max_idle.map(|span| span.0 / 1000));
    put(&mut out, "sei", Some(task.sei.to_value()));
    put(&mut out, "exit", serde_json::to_value(task.exit).ok());
    put(&mut out, "region", task.region.as_deref());
    out.into()
}

/// The push addresses, each of another stream.
fn targets(kept: &Object, walk: &mut Walk) -> Vec<PushUrl> {
    let mut urls: Vec<PushUrl> = Vec::new();
    for (index, url) in placed(kept, "targets") {
        let Ok(url) = PushUrl::parse(url) else { continue };
        if urls.iter().any(|before| before.identity() == url.identity()) {
            walk.report_item("targets", index, Problem::Duplicate);
        }
        urls.push(url);
    }
    urls
}

fn sei(kept: &Object, walk: &mut Walk) -> Sei {
    let timing = |object: &Object| Timing {
        interval: number(object, "interval_ms").map(Millis),
        follow_idr: object.get("follow_idr").and_then(Value::as_bool).unwrap_or(false),
    };
    let payload_type = number(kept, "payload_type").unwrap_or(DEFAULT_PAYLOAD_TYPE);
    // Between are types that the standards have given other meanings.
    if !matches!(payload_type, DEFAULT_PAYLOAD_TYPE | 100..) {
        walk.report(
            "sei.payload_type",
            Problem::OutOfRange { min: 100, max: 254, unit: "unless it is 5" },
        );
    }
    let pass = |object: &Object| PassThrough {
        timing: timing(object),
        key: String::from(text(object, "key").filter(|key| !key.is_empty()).unwrap_or(DEFAULT_KEY)),
        content: String::from(text(object, "content").unwrap_or("")),
    };
    Sei {
        layout_volume: part(kept, "layout_volume").map(timing),
        pass_through: part(kept, "pass_through").map(pass),
        custom: custom(kept, "sei.custom", walk),
        payload_type,
    }
}

/// A message of the caller's own, which is JSON.
fn custom(kept: &Object, path: &str, walk: &mut Walk) -> Option<String> {
    let custom = text(kept, "custom").filter(|custom| !custom.is_empty())?;
    match payload::custom::check(custom) {
        Err(PayloadError::TooLarge { limit }) => walk.report(path, Problem::TooLarge { limit }),
        Err(_) => walk.report(path, Problem::NotJson),
        Ok(()) => {}
    }
    Some(String::from(custom))
}

#[cfg(test)]
mod tests {
    use super::{set_sei, show, start};
    use crate::config::Violations;
    use crate::relay::lease::Failover;
    use crate::relay::{Source, Task};
    use crate::time::Millis;
    use serde_json::{Value, json};
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn least() -> Value {
        json!({
            "app_id": "live", "id": "t1", "channel": "room1", "user": "ann",
            "targets": ["rtmp://a.example.com/live/key"],
        })
    }

    fn with(more: &Value) -> Result<Task, Violations> {
        let mut body = least();
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        start(body.to_string().as_bytes())
    }

    fn found(read: Result<Task, Violations>) -> Vec<(String, String)> {
        let violations = read.unwrap_err();
        let pair =
            |one: &crate::config::Violation| (one.path.clone(), one.code().as_str().to_string());
        violations.iter().map(pair).collect()
    }

    fn one(path: &str, code: &str) -> Vec<(String, String)> {
        Vec::from([(path.into(), code.into())])
    }

    #[test]
    fn what_is_shown_can_be_sent_again() {
        let all = json!({
            "picture": "screen", "media": "audio", "pull": "rtmps://b.example.com/live/s",
            "failover": "move", "max_idle_seconds": 60,
            "sei": {
                "layout_volume": { "interval_ms": 1000, "follow_idr": true },
                "pass_through": { "interval_ms": 5000, "key": "k", "content": "c" },
                "custom": "{\"a\":1}", "payload_type": 100,
            },
            "exit": { "max_live_duration": 2, "auto_stop_mode": "SCENE_END" },
        });
        for more in [json!({}), all] {
            let task = with(&more).unwrap();
            let shown = show(&task);
            assert_eq!(start(shown.to_string().as_bytes()).as_ref(), Ok(&task));
            assert_eq!(Task::from_value(&task.to_value()).as_ref(), Some(&task));
        }
    }

    #[test]
    fn a_task_has_the_defaults_of_its_document() {
        let task = with(&json!({ "max_idle_seconds": 10 })).unwrap();
        let shown = json!({
            "app_id": "live", "id": "t1", "channel": "room1", "user": "ann",
            "picture": "camera", "media": "both", "targets": ["rtmp://a.example.com/live/key"],
            "failover": "stay", "max_idle_seconds": 10, "sei": { "payload_type": 5 }, "exit": {},
        });
        assert_eq!((show(&task), task.max_idle), (shown, Some(Millis(10_000))));
        assert_eq!(task.failover, Failover::Stay);
    }

    #[test]
    fn a_pulled_stream_is_a_user_of_the_tasks_name() {
        let task = with(&json!({ "user": null, "pull": "rtmp://b.example.com/live/s" })).unwrap();
        let Source::Single(single) = &task.source else { panic!("not a mix") };
        assert_eq!((&*single.user, single.channel.as_deref()), ("t1", None));
        assert_eq!(found(with(&json!({ "user": null }))), one_missing("user"));
        let mistaken = with(&json!({ "user": null, "pull": "http://b.example.com/live/s" }));
        assert_eq!(found(mistaken), one("pull", "config.not_rtmp"));
    }

    fn one_missing(path: &str) -> Vec<(String, String)> {
        one(path, "config.missing")
    }

    #[test]
    fn every_mistake_is_told_with_its_path() {
        let body = json!({
            "app_id": "a b", "id": "", "channel": "r\n", "picture": "both", "targets": [],
            "failover": "sometimes", "max_idle_seconds": 9, "tasks": 1,
            "sei": { "custom": "{", "payload_type": 6, "layout_volume": { "interval_ms": 999 } },
            "exit": { "max_live_duration": 169 },
        });
        let expected = [
            ("app_id", "config.characters"),
            ("id", "config.missing"),
            ("picture", "config.unknown_value"),
            ("targets", "config.wrong_count"),
            ("failover", "config.unknown_value"),
            ("max_idle_seconds", "config.out_of_range"),
            ("sei.layout_volume.interval_ms", "config.out_of_range"),
            ("exit.max_live_duration", "config.out_of_range"),
            ("tasks", "config.unknown_field"),
            ("channel", "config.characters"),
            ("user", "config.missing"),
            ("sei.payload_type", "config.out_of_range"),
            ("sei.custom", "config.not_json"),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(path, code)| (path.to_string(), code.to_string())).collect();
        assert_eq!(found(start(body.to_string().as_bytes())), expected);
    }

    #[test]
    fn one_stream_is_pushed_to_once_and_at_most_fifty_are() {
        let url = |n: usize| std::format!("rtmp://a.example.com/live/{n}?token={n}");
        let many: Vec<String> = (0..50).map(url).collect();
        assert_eq!(with(&json!({ "targets": many })).unwrap().targets.len(), 50);
        let more: Vec<String> = (0..51).map(url).collect();
        assert_eq!(found(with(&json!({ "targets": more }))), one("targets", "config.wrong_count"));
        let twice = json!({ "targets": ["rtmp://a.example.com/live/k", "rtmp://A.example.com/live/k?t=1"] });
        assert_eq!(found(with(&twice)), one("targets[1]", "config.duplicate"));
        // One that is none takes no other's place.
        let far = json!({ "targets": [
            "rtmp://[::1]:99999/a/b", "rtmp://a.example.com/live/x",
            "rtmp://a.example.com/live/k", "RTMP://a.example.com/live/k",
        ] });
        let found: Vec<_> = found(with(&far)).into_iter().map(|(path, _)| path).collect();
        assert_eq!(found, ["targets[0]", "targets[3]"]);
    }

    #[test]
    fn only_a_pulled_source_can_move() {
        let moving = with(&json!({ "failover": "move" }));
        assert_eq!(found(moving), one("failover", "relay.move_published"));
        let pulled = json!({ "failover": "move", "pull": "rtmp://b.example.com/live/s" });
        assert_eq!(with(&pulled).unwrap().failover, Failover::Move);
    }

    #[test]
    fn a_message_is_json_in_a_text() {
        assert_eq!(set_sei(br#"{"custom": "{\"a\": 1}"}"#).unwrap(), "{\"a\": 1}");
        for bad in [&b"{}"[..], b"{\"custom\": \"{\"}", b"{\"custom\": {}}", b"{\"cust\": \"1\"}"] {
            assert!(set_sei(bad).is_err());
        }
    }
}
