//! Tasks that nobody asked for as such: what an application relays by itself, and what a live job's
//! picture becomes.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::address::PushUrl;
use super::lease::{Failover, Feed};
use super::link::Published;
use super::native::{MAX_CHANNEL_CHARS, MAX_USER_CHARS};
use super::sei::{Sei, Timing};
use super::task::{Media, Origin, Source, Subscription, Task, put};
use crate::config::application::{Application, Relay, SeiMode, StreamOf};
use crate::config::table::{Chars, Form, Kind, Object, Rest, Shape, Walk, may, read, text};
use crate::config::{LiveExitConfig, Problem, Violations};
use crate::layout::Picture;
use crate::time::Millis;

/// How long an application's stream may be gone before it counts as ended: a publisher who connects
/// again within it goes on.
pub const STREAM_GAP: Millis = Millis::from_secs(60);

impl Task {
    /// The task that relays a published stream to its application's streaming domain, if that relays
    /// each stream as it is. A shared screen is another stream than its user's camera, and is named
    /// after it.
    pub fn of_stream(application: &Application, stream: &Published) -> Option<Self> {
        if application.relay() != Relay::Single {
            return None;
        }
        let Published { app, channel, user, picture } = stream;
        let screen = if *picture == Picture::Screen { "_screen" } else { "" };
        let id = ["auto-", channel, "/", user, screen].concat();
        let of = StreamOf { channel, user, task: &id };
        let target = application.push_url(of)?.ok()?;
        let target = PushUrl::parse(&[target.as_str(), screen].concat()).ok()?;
        let timing = match application.sei() {
            (SeiMode::Off, _) => None,
            (SeiMode::Interval, interval) => Some(Timing { interval, follow_idr: false }),
            (SeiMode::EveryIFrame, _) => Some(Timing { interval: None, follow_idr: true }),
        };
        Some(Self {
            origin: Origin::Alibaba,
            id,
            app_id: app.clone(),
            channel: channel.clone(),
            targets: Vec::from([target]),
            source: Source::Single(Subscription {
                picture: *picture,
                ..Subscription::of(user.clone())
            }),
            sei: Sei { layout_volume: timing, ..Sei::default() },
            max_idle: Some(STREAM_GAP),
            region: None,
            pull: None,
            failover: Failover::Stay,
            exit: LiveExitConfig::default(),
            request: Object::new(),
        })
    }
}

const ROOM_STREAM: Shape = Shape {
    rows: &[
        may("app_id", Kind::Text { max: 64, of: Chars::Word }),
        may("channel", Kind::Text { max: MAX_CHANNEL_CHARS, of: Chars::Any }),
        may("user", Kind::Text { max: MAX_USER_CHARS, of: Chars::Any }),
        may("picture", Kind::Name(&["camera", "screen"])),
        may("pull", Kind::Push),
        may("failover", Kind::Name(Failover::NAMES)),
    ],
    also: None,
    rest: Rest::Refused,
};

/// Where a room's lives take their picture and sound from: a stream that somebody publishes, or one
/// that a host fetches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomStream {
    /// The application that it is published to; the tenant's own by default.
    pub app_id: Option<String>,
    /// The channel; the room's id by default.
    pub channel: Option<String>,
    /// The user; [`Self::USER`] by default.
    pub user: Option<String>,
    /// Which picture.
    pub picture: Picture,
    /// Where it is fetched, if it is.
    pub pull: Option<PushUrl>,
    /// What happens when the host is cut off that has it.
    pub failover: Failover,
}

impl Default for RoomStream {
    fn default() -> Self {
        Self {
            app_id: None,
            channel: None,
            user: None,
            picture: Picture::Camera,
            pull: None,
            failover: Failover::Stay,
        }
    }
}

impl RoomStream {
    /// Who publishes a room's stream where nobody else is named.
    pub const USER: &'static str = "live";

    /// Reads one. An empty object is the default.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        let sent = read(body, super::native::MAX_BODY)?;
        let mut walk = Walk::new(Form::Json);
        let kept = walk.object(&ROOM_STREAM, sent);
        let own = |name| text(&kept, name).filter(|text| !text.is_empty()).map(String::from);
        for name in ["channel", "user"] {
            if own(name).is_some_and(|text| text.chars().any(char::is_control)) {
                walk.report(name, Problem::Characters { allowed: "characters that can be shown" });
            }
        }
        let pull = text(&kept, "pull").and_then(|url| PushUrl::parse(url).ok());
        let failover = text(&kept, "failover").and_then(Failover::from_name);
        let failover = failover.unwrap_or(Failover::Stay);
        let feed = if pull.is_some() { Feed::Pulled } else { Feed::Published };
        if let Err(error) = failover.of(feed)
            && !walk.has_found("pull")
        {
            walk.report("failover", Problem::Failover(error));
        }
        let stream = Self {
            app_id: own("app_id"),
            channel: own("channel"),
            user: own("user"),
            picture: text(&kept, "picture").and_then(Picture::from_name).unwrap_or(Picture::Camera),
            pull,
            failover,
        };
        walk.settle(stream)
    }

    /// As [`Self::from_json`] reads it, **secrets included**.
    pub fn to_value(&self) -> Value {
        let mut out = Object::new();
        put(&mut out, "app_id", self.app_id.as_deref());
        put(&mut out, "channel", self.channel.as_deref());
        put(&mut out, "user", self.user.as_deref());
        put(&mut out, "picture", Some(self.picture.as_str()));
        put(&mut out, "pull", self.pull.as_ref().map(PushUrl::as_str));
        put(&mut out, "failover", Some(self.failover.as_str()));
        out.into()
    }

    /// The task of a live job in that room: `app` is the tenant's own application.
    pub fn task(
        &self,
        (room_id, job_id): (&str, &str),
        app: &str,
        targets: Vec<PushUrl>,
        exit: LiveExitConfig,
    ) -> Task {
        let source = Subscription {
            user: self.user.clone().unwrap_or_else(|| Self::USER.to_string()),
            channel: self.channel.clone(),
            media: Media::Both,
            picture: self.picture,
        };
        Task {
            origin: Origin::MetaStudio,
            id: job_id.to_string(),
            app_id: self.app_id.clone().unwrap_or_else(|| app.to_string()),
            channel: room_id.to_string(),
            targets,
            source: Source::Single(source),
            sei: Sei::default(),
            // A live waits for its picture, and survives gaps of it: what ends it are its exit settings.
            max_idle: Some(Millis::from_hours(720)),
            region: None,
            pull: self.pull.clone(),
            failover: self.failover,
            exit,
            request: Object::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RoomStream, STREAM_GAP};
    use crate::config::LiveExitConfig;
    use crate::config::application::Application;
    use crate::layout::Picture;
    use crate::relay::lease::Failover;
    use crate::relay::link::Published;
    use crate::relay::{PushUrl, Source, Task};
    use serde_json::json;
    use std::string::ToString;
    use std::vec::Vec;

    fn application(more: &str) -> Application {
        let body = std::format!(
            r#"{{"id": "app9", "name": "n", "relay": "single", "domain": "push.example.com" {more}}}"#
        );
        Application::from_json(body.as_bytes()).unwrap()
    }

    fn stream(picture: Picture) -> Published {
        Published::new("app9".into(), "room1".into(), "ann".into(), picture)
    }

    #[test]
    fn a_published_stream_goes_to_its_applications_domain() {
        let task = Task::of_stream(&application(""), &stream(Picture::Camera)).unwrap();
        assert_eq!(task.targets[0].as_str(), "rtmp://push.example.com/live/room1_ann");
        assert_eq!((&*task.id, task.max_idle), ("auto-room1/ann", Some(STREAM_GAP)));
        assert_eq!(task.sei.layout_volume, None);
        assert_eq!(Task::from_value(&task.to_value()), Some(task));
        let screen = Task::of_stream(&application(""), &stream(Picture::Screen)).unwrap();
        assert_eq!(screen.targets[0].as_str(), "rtmp://push.example.com/live/room1_ann_screen");
        assert_eq!(screen.id, "auto-room1/ann_screen");
    }

    #[test]
    fn an_applications_sei_is_its_streams() {
        let every = application(r#", "sei": "every_i_frame", "app_name": "a""#);
        let task = Task::of_stream(&every, &stream(Picture::Camera)).unwrap();
        assert_eq!(task.targets[0].as_str(), "rtmp://push.example.com/a/room1_ann");
        assert!(task.sei.layout_volume.unwrap().follow_idr);
        let timed = application(r#", "sei": "interval", "sei_interval_ms": 2000"#);
        let task = Task::of_stream(&timed, &stream(Picture::Camera)).unwrap();
        assert_eq!(task.sei.layout_volume.unwrap().interval.unwrap().0, 2000);
    }

    #[test]
    fn only_an_application_that_relays_each_stream_has_such_tasks() {
        let mixed = br#"{"id": "a", "name": "n", "relay": "global", "domain": "push.example.com"}"#;
        for body in [&mixed[..], br#"{"id": "a", "name": "n", "relay": "off"}"#] {
            let application = Application::from_json(body).unwrap();
            assert_eq!(Task::of_stream(&application, &stream(Picture::Camera)), None);
        }
    }

    #[test]
    fn a_rooms_stream_reads_back() {
        let all = json!({
            "app_id": "a", "channel": "c", "user": "u", "picture": "screen",
            "pull": "rtmp://b.example.com/live/s", "failover": "move",
        });
        for body in [json!({}), all] {
            let stream = RoomStream::from_json(body.to_string().as_bytes()).unwrap();
            let shown = stream.to_value().to_string();
            assert_eq!(RoomStream::from_json(shown.as_bytes()), Ok(stream));
        }
        let moving = RoomStream::from_json(br#"{"failover": "move", "chanel": "c"}"#).unwrap_err();
        let found: Vec<_> = moving.iter().map(|one| (&*one.path, one.code().as_str())).collect();
        let expected = [("chanel", "config.unknown_field"), ("failover", "relay.move_published")];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_jobs_events_are_of_its_room_wherever_its_stream_is() {
        let outputs = Vec::from([PushUrl::parse("rtmp://a.example.com/live/k").unwrap()]);
        let exit = LiveExitConfig::default();
        let task = RoomStream::default().task(("r1", "j1"), "100", outputs.clone(), exit);
        let Source::Single(source) = &task.source else { panic!("not a mix") };
        assert_eq!((&*task.channel, &*task.id, &*task.app_id), ("r1", "j1", "100"));
        assert_eq!((&*source.user, &source.channel), ("live", &None));
        assert_eq!(Task::from_value(&task.to_value()).as_ref(), Some(&task));
        let other = RoomStream { channel: Some("c".into()), ..RoomStream::default() };
        let task = other.task(("r1", "j1"), "100", outputs, exit);
        let Source::Single(source) = &task.source else { panic!("not a mix") };
        assert_eq!((&*task.channel, source.channel.as_deref()), ("r1", Some("c")));
        assert_eq!(task.failover, Failover::Stay);
    }
}
