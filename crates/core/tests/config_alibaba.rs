//! Alibaba's subscriptions and applications against their vectors, whose limits come from the
//! vendor's reference and console.

use livegate_core::config::alibaba::{EventSub, MAX_USERS, MpuSub, SentQuery, UrlCharacters};
use livegate_core::config::application::{Application, SeiMode, StreamOf};
use livegate_core::config::{RpcParams, Violations};
use livegate_core::time::{Millis, UnixMillis};
use serde_json::{Value, json};

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} in {vector}"))
}

fn event_sub(sub: &EventSub) -> Value {
    let events: Vec<&str> = sub.events.iter().map(|event| event.as_str()).collect();
    json!({
        "app_id": sub.app_id, "channel": sub.channel, "users": sub.users, "events": events,
        "callback_url": sub.callback_url.as_str(),
    })
}

fn query(query: &SentQuery) -> Value {
    json!({
        "app_id": query.app_id, "subscription": query.subscription,
        "start": query.start.0, "end": query.end.0,
        "page": [query.page.number, query.page.size], "offset": query.page.offset(),
    })
}

fn outcome(vector: &Value) -> Result<Value, Violations> {
    let none = serde_json::Map::new();
    let params = vector.get("params").and_then(Value::as_object).unwrap_or(&none);
    let pairs: Vec<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let params: &[(&str, &str)] = &pairs;
    let number = |name| vector.get(name).and_then(Value::as_u64);
    let max_users = number("max_users").map_or(MAX_USERS, |max| usize::try_from(max).unwrap());
    match text(vector, "of") {
        "event_sub" => EventSub::create(params, max_users).map(|sub| event_sub(&sub)),
        "event_sub_update" => EventSub::update(params, max_users).map(|(id, sub)| {
            let mut shown = event_sub(&sub);
            shown["id"] = id.into();
            shown
        }),
        "mpu_sub" => {
            let characters = match vector.get("characters") {
                Some(_) => UrlCharacters::AsListed,
                None => UrlCharacters::Any,
            };
            MpuSub::new(params, characters).map(|sub| {
                json!({
                    "app_id": sub.app_id, "callback_url": sub.callback_url.as_str(),
                    "channels": sub.channels,
                })
            })
        }
        "event_query" => SentQuery::events(params).map(|asked| query(&asked)),
        "record_query" => {
            let now = UnixMillis(number("now").unwrap());
            SentQuery::records(params, now).map(|asked| query(&asked))
        }
        "application" => Application::from_json(text(vector, "body").as_bytes())
            .map(|application| Value::Object(application.as_object().clone())),
        of => panic!("no object {of}"),
    }
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../vectors/config/alibaba.json")).unwrap();
    assert!(vectors.len() > 60);
    for vector in &vectors {
        let (name, why) = (text(vector, "name"), text(vector, "why"));
        match (outcome(vector), vector.get("violations").and_then(Value::as_array)) {
            (Ok(shown), None) => assert_eq!(shown, vector["shown"], "{name}: {why}"),
            (Err(violations), Some(expected)) => {
                let found: Vec<_> = violations
                    .iter()
                    .map(|wrong| (wrong.path.as_str(), wrong.code().as_str()))
                    .collect();
                let expected: Vec<_> = expected
                    .iter()
                    .map(|wrong| (text(wrong, "path"), text(wrong, "code")))
                    .collect();
                assert_eq!(found, expected, "{name}: {why}");
            }
            (Ok(shown), Some(_)) => panic!("{name}: {why}: taken as {shown}"),
            (Err(violations), None) => panic!("{name}: {why}: {violations}"),
        }
    }
}

#[test]
fn items_of_a_list_end_at_the_first_that_is_not_there() {
    let params: &[(&str, &str)] =
        &[("Users.2", "b"), ("Users.1", "a"), ("Users.4", "d"), ("UsersX.3", "c"), ("A.1.B", "x")];
    assert_eq!(params.count("Users"), 2);
    assert_eq!(params.count("A"), 1);
    assert_eq!(params.count("User"), 0);
}

fn sub(channel: &str) -> EventSub {
    let params: &[(&str, &str)] = &[
        ("AppId", "a"),
        ("ChannelId", channel),
        ("Events.1", "UserEvent"),
        ("CallbackUrl", "https://cb.example.com/"),
    ];
    EventSub::create(params, MAX_USERS).unwrap()
}

#[test]
fn an_application_has_20_subscriptions_and_one_for_all_channels() {
    let subs: Vec<EventSub> = (0..18).map(|number| sub(&format!("c{number}"))).collect();
    let mut others: Vec<Option<&str>> = subs.iter().map(|sub| sub.channel.as_deref()).collect();
    others.push(None);
    assert_eq!(sub("new").may_join(&others), Ok(()));
    let code = |result: Result<(), Violations>| {
        let violations = result.unwrap_err();
        violations
            .iter()
            .map(|wrong| (wrong.path.clone(), wrong.code().as_str()))
            .collect::<Vec<_>>()
    };
    let duplicate = ("ChannelId".to_owned(), "config.duplicate");
    assert_eq!(code(sub("").may_join(&others)), std::slice::from_ref(&duplicate));
    others.push(Some("c19"));
    let full = ("AppId".to_owned(), "config.wrong_count");
    assert_eq!(code(sub("new").may_join(&others)), std::slice::from_ref(&full));
    assert_eq!(code(sub("*").may_join(&others)), [full, duplicate]);
}

fn application(body: &Value) -> Application {
    Application::from_json(body.to_string().as_bytes()).unwrap()
}

#[test]
fn streams_are_named_by_the_pattern() {
    let plain = application(&json!({"id": "a1", "name": "n", "domain": "push.example.com"}));
    let one = StreamOf { channel: "c1", user: "u1", task: "t1" };
    let all = StreamOf { user: "", ..one };
    let url = |application: &Application, of| {
        application.push_url(of).unwrap().unwrap().as_str().to_owned()
    };
    assert_eq!(url(&plain, one), "rtmp://push.example.com/live/c1_u1");
    assert_eq!(url(&plain, all), "rtmp://push.example.com/live/c1");
    let own = application(&json!({
        "id": "a1", "name": "n", "domain": "push.example.com", "app_name": "tv",
        "stream_name": "x-{app}={channel}_{user}-{task}",
    }));
    assert_eq!(url(&own, one), "rtmp://push.example.com/tv/x-a1=c1_u1-t1");
    // `/` is 2F, `.` is 2E, `é` is C3 A9 in UTF-8.
    let odd = StreamOf { channel: "..", user: "a/é", task: "" };
    assert_eq!(url(&plain, odd), "rtmp://push.example.com/live/%2E%2E_a%2F%C3%A9");
    assert!(application(&json!({"id": "a", "name": "n"})).push_url(one).is_none());
}

#[test]
fn sei_is_off_unless_it_is_asked_for() {
    let off = application(&json!({"id": "a1", "name": "n"}));
    assert_eq!(off.sei(), (SeiMode::Off, None));
    let body = json!({"id": "a1", "name": "n", "sei": "interval", "sei_interval_ms": 2000});
    assert_eq!(application(&body).sei(), (SeiMode::Interval, Some(Millis(2000))));
}
