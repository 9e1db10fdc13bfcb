use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{
    Callback, Capacity, Command, FleetSays, FromHost, Hello, HostRefused, HostSays, LinkError,
    LinkSettings, Load, MAX_MESSAGE, Published, PushReport, Refused, Start, TaskReport, Tenure,
    Welcome,
};
use crate::error::Coded;
use crate::layout::Picture;
use crate::relay::lease::{Epoch, Grant};
use crate::relay::lifecycle::TaskState;
use crate::relay::native;
use crate::relay::push::PushState;
use crate::time::{Millis, UnixMillis};

fn tenure() -> Tenure {
    Tenure::new("k1".to_string(), Epoch(3))
}

fn report() -> TaskReport {
    let url = "rtmp://a.example.com/live/***".to_string();
    let mut push = PushReport::new(url, Some(PushState::Disconnected), UnixMillis(1_000));
    (push.code, push.attempt) = (Some("push.wedged".to_string()), 2);
    let never = PushReport::new("rtmp://b.example.com/live/***".to_string(), None, UnixMillis(5));
    let mut report = TaskReport::new(tenure(), 4, TaskState::NetworkProblem);
    report.pushes = Vec::from([push, never]);
    report
}

fn stream(user: &str) -> Published {
    Published::new("live".to_string(), "room1".to_string(), user.to_string(), Picture::Screen)
}

#[test]
fn what_a_host_says_reads_back() {
    let mut hello = Hello::new("i1".to_string(), "0.1.0".to_string(), Capacity::of(200));
    (hello.load, hello.tasks) = (Load::new(3, 250), Vec::from([report()]));
    hello.streams = Vec::from([stream("ann")]);
    let refused = Refused::new("relay.host_full".to_string(), "it is full".to_string());
    let mut ended = TaskReport::new(tenure(), 4, TaskState::Stopped);
    ended.code = Some("push.idle".to_string());
    let all = [
        HostSays::Hello(hello),
        HostSays::Status { load: Load::new(1, 1000), tasks: Vec::from([report()]) },
        HostSays::Streams { came: Vec::from([stream("ann")]), gone: Vec::from([stream("bob")]) },
        HostSays::Renew { tasks: Vec::from([tenure()]) },
        HostSays::Done { command: 9, refused: None },
        HostSays::Done { command: 9, refused: Some(refused) },
        HostSays::Ended(ended),
    ];
    for (number, says) in (1..).zip(all) {
        let message = FromHost::new(number, says);
        assert_eq!(FromHost::read(&message.write()).as_ref(), Ok(&message));
    }
}

#[test]
fn what_a_fleet_says_reads_back() {
    let body = br#"{"app_id": "live", "id": "t1", "channel": "r", "user": "ann",
        "targets": ["rtmp://a.example.com/live/key"]}"#;
    let task = native::start(body).unwrap();
    let grant = |lease| Grant { epoch: Epoch(3), lease };
    let start = |lease| Start::new("k1".to_string(), 4, grant(lease), 7, task.clone());
    let callback = Callback::new("https://g.example.com/in/src_1".into(), "whsec_AAAA".into());
    let mut settings = LinkSettings::default();
    settings.set("status_ms", 1_000).unwrap();
    let mut welcome = Welcome::new("rh_1".to_string(), settings, callback);
    (welcome.keep, welcome.stop) = (Vec::from([tenure()]), Vec::from([tenure()]));
    welcome.forget = Vec::from(["k0".to_string()]);
    let all = [
        FleetSays::Welcome(welcome),
        FleetSays::Start(Command::new(1, start(None))),
        FleetSays::Start(Command::new(2, start(Some(Millis(15_000))))),
        FleetSays::Stop(Command::new(3, tenure())),
        FleetSays::Sei(Command::new(4, (tenure(), "{\"a\":1}".to_string()))),
        FleetSays::Granted {
            answers: 12,
            lease: Millis(15_000),
            tasks: Vec::from([tenure()]),
            fenced: Vec::from(["k2".to_string()]),
        },
        FleetSays::Forget { keys: Vec::from(["k0".to_string()]) },
    ];
    for says in all {
        assert_eq!(FleetSays::read(&says.write()).as_ref(), Ok(&says));
    }
}

#[test]
fn a_message_has_the_form_that_is_documented() {
    // The example of docs/spec/relay.md §10.2.
    let text = json!({
        "type": "renew", "number": 12, "tasks": [{ "key": "k1", "epoch": 3 }],
    });
    let message = FromHost::new(12, HostSays::Renew { tasks: Vec::from([tenure()]) });
    assert_eq!(serde_json::from_str::<Value>(&message.write()).unwrap(), text);
    let text = json!({
        "type": "granted", "answers": 12, "lease_ms": 15000,
        "tasks": [{ "key": "k1", "epoch": 3 }], "fenced": [],
    });
    let (tasks, fenced) = (Vec::from([tenure()]), Vec::new());
    let granted = FleetSays::Granted { answers: 12, lease: Millis(15_000), tasks, fenced };
    assert_eq!(serde_json::from_str::<Value>(&granted.write()).unwrap(), text);
}

#[test]
fn newer_ends_may_say_more() {
    let more = r#"{"type":"renew","number":1,"tasks":[{"key":"k1","epoch":3,"x":1}],"y":[]}"#;
    let says = HostSays::Renew { tasks: Vec::from([tenure()]) };
    assert_eq!(FromHost::read(more).unwrap().says, says);
    for text in [r#"{"type":"dance","number":1}"#, r#"{"type":"dance"}"#] {
        assert_eq!(FromHost::read(text), Err(LinkError::Unknown));
        assert_eq!(FleetSays::read(text), Err(LinkError::Unknown));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let hello = |field: &str, value: Value| {
        let mut hello = json!({
            "type": "hello", "number": 1, "protocol": 1, "instance": "i", "version": "v",
            "capacity": { "pushes": 1 },
        });
        hello[field] = value;
        FromHost::read(&hello.to_string()).map(|_| ())
    };
    assert_eq!(hello("tasks", json!([])), Ok(()));
    assert_eq!(hello("protocol", json!(2)), Err(LinkError::Protocol));
    let stream = json!([{ "app": "", "channel": "c", "user": "u", "picture": "camera" }]);
    let task = json!([{ "key": "k", "epoch": 1, "state": "dancing" }]);
    for (field, value, wrong) in [
        ("number", json!(-1), "number"),
        ("type", json!(1), "type"),
        ("instance", json!("x".repeat(1025)), "instance"),
        ("capacity", Value::Null, "capacity"),
        ("capacity", json!({ "pushes": "1" }), "pushes"),
        ("tasks", json!({}), "tasks"),
        ("tasks", json!([1]), "tasks"),
        ("tasks", task, "state"),
        ("streams", stream, "app"),
        ("streams", (0..10_001).map(|_| json!({})).collect(), "streams"),
    ] {
        assert_eq!(hello(field, value), Err(LinkError::Field(wrong)), "{field}");
    }
    for text in ["", "[]", "null", "{\"type\":"] {
        assert_eq!(FromHost::read(text), Err(LinkError::NotJson));
    }
    let long: String = core::iter::repeat_n(' ', MAX_MESSAGE + 1).collect();
    assert_eq!(FromHost::read(&long), Err(LinkError::TooLarge));
    for error in [
        LinkError::TooLarge,
        LinkError::NotJson,
        LinkError::Field("x"),
        LinkError::Unknown,
        LinkError::Protocol,
        LinkError::Order,
    ] {
        assert!(error.code().is_well_formed());
    }
    assert!(HostRefused::Taken.code().is_well_formed());
    assert!(HostRefused::Deleted.code().is_well_formed());
}

#[test]
fn no_secret_is_in_what_a_log_would_show() {
    let callback = Callback::new("https://g.example.com/in/src_1".into(), "whsec_AAAA".into());
    let shown = alloc::format!("{callback:?}");
    assert!(shown.contains("src_1") && !shown.contains("whsec_"));
}
