//! The bodies of what a relay host tells: livegate's own, and `MetaStudio`'s for a host that runs
//! alone.
//!
//! docs/spec/events.md §7.4 has the fields. A body has the push address as it is, **secrets
//! included**: whoever shows it masks it first ([`redact`](crate::dialect::redact)).

use alloc::string::{String, ToString};

use serde_json::Value;

use super::address::PushUrl;
use super::exit::Exited;
use super::ingest::Raised;
use super::push::{PushState, Report};
use super::task::put;
use crate::config::table::Object;
use crate::error::Coded;
use crate::event::Kind;
use crate::time::UnixMillis;

/// Whose news it is. Empty names are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The callback's id: the same when it is sent again, and no other's.
    pub id: &'a str,
    /// The application.
    pub app_id: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// The relay task.
    pub task: &'a str,
}

impl About<'_> {
    /// A push's new state.
    pub fn state(&self, url: &PushUrl, report: &Report) -> String {
        let mut out = self.begin(Kind::RelayState, report.at);
        put(&mut out, "url", Some(url.as_str()));
        put(&mut out, "state", Some(report.state.normal().as_str()));
        put(&mut out, "link", Some(report.state.as_str()));
        put(&mut out, "code", report.cause.map(|cause| cause.code().as_str()));
        put(&mut out, "reason", report.cause.map(|cause| cause.to_string()));
        put(&mut out, "attempt", Some(report.attempt).filter(|attempt| *attempt > 0));
        Value::Object(out).to_string()
    }

    /// A live job stopped by itself.
    pub fn exited(&self, exited: &Exited) -> String {
        let mut out = self.begin(Kind::LiveAutoExit, exited.at);
        put(&mut out, "reason", Some(exited.cause.to_string()));
        put(&mut out, "exit", Some(exited.to_value()));
        put(&mut out, "code", Some(exited.cause.code().as_str()));
        Value::Object(out).to_string()
    }

    /// Something of a channel or user. The channel is the event's own.
    pub fn raised(&self, raised: &Raised) -> String {
        let about = About { channel: &raised.channel, ..*self };
        let mut out = about.begin(raised.kind, raised.at);
        put(&mut out, "user", raised.user.as_deref());
        put(&mut out, "role", raised.role.map(super::ingest::Role::as_str));
        Value::Object(out).to_string()
    }

    fn begin(&self, kind: Kind, at: UnixMillis) -> Object {
        let mut out = Object::new();
        put(&mut out, "id", Some(self.id));
        put(&mut out, "type", Some(kind.as_str()));
        put(&mut out, "time", Some(at.to_string()));
        for (name, text) in
            [("app_id", self.app_id), ("channel", self.channel), ("task", self.task)]
        {
            put(&mut out, name, Some(text).filter(|text| !text.is_empty()));
        }
        out
    }
}

/// A push's new state in `MetaStudio`'s format (`RTMP_STREAM_STATE_CHANGE`), the address and its key
/// apart as the job has them.
pub fn metastudio_state(
    room_id: &str,
    job_id: &str,
    output_url: &str,
    stream_key: &str,
    state: PushState,
) -> String {
    let mut message = Object::new();
    put(&mut message, "room_id", Some(room_id));
    put(&mut message, "job_id", Some(job_id));
    put(&mut message, "output_url", Some(output_url));
    put(&mut message, "stream_key", Some(stream_key));
    put(&mut message, "state", Some(state.as_str()));
    let mut out = Object::new();
    put(&mut out, "event_type", Some("RTMP_STREAM_STATE_CHANGE"));
    put(&mut out, "message", Some(Value::Object(message).to_string()));
    Value::Object(out).to_string()
}

#[cfg(test)]
mod tests {
    use super::{About, metastudio_state};
    use crate::dialect::Dialect;
    use crate::event::{Event, Kind, RelayState};
    use crate::relay::address::PushUrl;
    use crate::relay::push::{Cause, PushState, Report};
    use crate::time::UnixMillis;
    use serde_json::{Value, json};
    use std::string::{String, ToString};

    const ABOUT: About<'static> =
        About { id: "cb-1", app_id: "app-9", channel: "room1", task: "t1" };

    /// 2024-09-10 00:30:00.500Z, as in vectors/livegate-relay.
    const AT: UnixMillis = UnixMillis(1_725_928_200_500);

    fn report(state: PushState, cause: Option<Cause>) -> Report {
        Report { number: 3, at: AT, state, cause, attempt: 2 }
    }

    fn read(dialect: &Dialect, body: &str) -> Event<'static> {
        let events = dialect.parse(body.as_bytes()).unwrap();
        events.into_iter().next().unwrap().into_owned()
    }

    #[test]
    fn a_state_is_what_the_gateway_reads() {
        let url = PushUrl::parse("rtmp://push.example.com/live/key").unwrap();
        let body = ABOUT.state(&url, &report(PushState::Disconnected, Some(Cause::Wedged)));
        let expected = json!({
            "id": "cb-1", "type": "relay.state", "time": "2024-09-10T00:30:00.500Z",
            "app_id": "app-9", "channel": "room1", "task": "t1",
            "url": "rtmp://push.example.com/live/key", "state": "recovering",
            "link": "DISCONNECTED", "code": "push.wedged",
            "reason": "the destination stopped reading", "attempt": 2
        });
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
        let event = read(&Dialect::LivegateRelay, &body);
        assert_eq!((event.kind, event.time), (Kind::RelayState, Some(AT)));
        let relay = event.relay.unwrap();
        assert_eq!(relay.state, Some(RelayState::Recovering));
        assert_eq!(relay.url.as_deref(), Some(url.as_str()));
    }

    #[test]
    fn metastudios_body_is_what_its_dialect_reads() {
        for &state in PushState::ALL {
            let body = metastudio_state("r1", "j1", "rtmp://a.example/live", "k\"1", state);
            let event = read(&Dialect::MetaStudio, &body);
            assert_eq!(event.relay.unwrap().state, Some(state.normal()));
            let data: Value = serde_json::from_str(&event.data).unwrap();
            let words = ["room_id", "job_id", "output_url", "stream_key", "state"];
            let texts = words.map(|name| String::from(data[name].as_str().unwrap()));
            let state = state.as_str().to_string();
            let expected = ["r1", "j1", "rtmp://a.example/live", "k\"1", &state];
            assert_eq!(texts, expected);
        }
    }
}
