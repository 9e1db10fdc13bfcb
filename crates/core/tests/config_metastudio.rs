//! Platforms, rooms and jobs against their vectors, whose limits come from `MetaStudio`'s API
//! reference.

use livegate_core::config::{
    Absent, ApiType, AuthType, JobStart, Level, LevelRules, Levels, Longest, Platform, Room,
    RoomType, Violations,
};
use livegate_core::time::Millis;
use serde_json::{Value, json};

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} in {vector}"))
}

/// What an object is shown as after it was made or changed.
fn outcome(vector: &Value) -> Result<Value, Violations> {
    let body = text(vector, "body").as_bytes();
    let before = vector.get("before").and_then(Value::as_str).map(str::as_bytes);
    match text(vector, "of") {
        "platform" => match before.map(|before| Platform::from_json(before).unwrap()) {
            Some(before) => before.update(body),
            None => Platform::from_json(body),
        }
        .map(|platform| platform.to_value()),
        "room" => match before.map(|before| Room::from_json(before).unwrap()) {
            Some(before) if vector.get("absent").is_some() => before.update(body, Absent::Clears),
            Some(before) => before.update(body, Absent::Stays),
            None => Room::from_json(body),
        }
        .map(|room| Value::Object(room.as_object().clone())),
        "job" => JobStart::from_json(body).map(|job| Value::Object(job.as_object().clone())),
        of => panic!("no object {of}"),
    }
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../vectors/config/metastudio.json")).unwrap();
    assert!(vectors.len() > 60);
    for vector in &vectors {
        let (name, why) = (text(vector, "name"), text(vector, "why"));
        match (outcome(vector), vector.get("violations").and_then(Value::as_array)) {
            (Ok(shown), None) => {
                assert_eq!(shown, vector["shown"], "{name}: {why}");
                let again = json!({"of": vector["of"], "body": shown.to_string()});
                assert_eq!(outcome(&again).unwrap(), shown, "{name} reads back");
            }
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

fn room(body: &Value) -> Room {
    Room::from_json(body.to_string().as_bytes()).unwrap()
}

fn job(body: &Value) -> JobStart {
    JobStart::from_json(body.to_string().as_bytes()).unwrap()
}

fn outputs(job: &JobStart, room: &Room) -> Vec<String> {
    job.outputs(room).iter().map(|url| url.as_str().to_owned()).collect()
}

#[test]
fn a_job_takes_from_its_room_what_it_does_not_say() {
    let room = room(&json!({
        "room_name": "r",
        "output_urls": ["rtmp://a.example/live/", "rtmp://b.example/live"],
        "stream_keys": ["one?t=1", "two"],
        "play_policy": {"live_exit_config": {"max_live_duration": 1}},
    }));
    assert_eq!(room.room_type(), RoomType::Normal);
    let plain = JobStart::from_json(b"").unwrap();
    assert_eq!(
        outputs(&plain, &room),
        ["rtmp://a.example/live/one?t=1", "rtmp://b.example/live/two"]
    );
    // 1 h = 3,600,000 ms.
    let longest = plain.live_exit(&room).unwrap().longest_live();
    assert_eq!(longest, Longest::Span(Millis(3_600_000)));
    let own = job(&json!({
        "output_urls": ["rtmp://c.example/live/three"],
        "play_policy": {"live_exit_config": {"max_live_duration": 0}},
        "job_run_config": {"single_job_in_room": true},
    }));
    assert_eq!(outputs(&own, &room), ["rtmp://c.example/live/three"]);
    assert_eq!(own.live_exit(&room).unwrap().longest_live(), Longest::Unlimited);
    assert_eq!((plain.is_alone(), own.is_alone()), (None, Some(true)));
}

#[test]
fn debug_shows_no_secret() {
    let room = room(&json!({
        "room_name": "r",
        "output_urls": ["rtmp://a.example/live/hunter2?t=hunter2"],
        "live_event_callback_config": {"key": "hunter2"},
    }));
    let job = job(&json!({"output_urls": ["rtmp://a.example/live/hunter2"]}));
    let platform = Platform::from_json(
        br#"{"name":"p","auth_config":{"key":"hunter2"},"callback_config":[
            {"api_type":"LIVE_EVENT_CALLBACK","url":"https://a.example/?key=hunter2"}]}"#,
    )
    .unwrap();
    let urls = (room.outputs(), job.outputs(&room));
    let shown = format!("{room:?} {job:?} {platform:?} {urls:?} {:?}", room.callback());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("a.example"), "{shown}");
}

#[test]
fn a_platform_s_events_are_signed_with_its_key() {
    let platform = Platform::from_json(
        br#"{"name":"p","auth_config":{"key":"k1"},"callback_config":[
            {"api_type":"LIVE_EVENT_CALLBACK","url":"https://a.example/events"}]}"#,
    )
    .unwrap();
    assert_eq!(platform.url(ApiType::ProductQuery), None);
    let callback = platform.event_callback(AuthType::MssAHead).unwrap();
    assert_eq!(callback.url().unwrap().as_str(), "https://a.example/events");
    assert_eq!(callback.auth_type(), AuthType::MssAHead);
    assert_eq!(callback.key().unwrap().reveal(), "k1");
}

#[test]
fn a_room_says_whether_it_inherits_or_does_not_say() {
    for flag in [None, Some(true), Some(false)] {
        let room = room(&json!({"room_name": "r", "live_event_callback_config": {
            "live_event_type_callback_url": "https://room.example/",
            "is_inheritance_platform_callback": flag,
        }}));
        let callback = room.callback().unwrap();
        assert_eq!(callback.inherits, flag);
        assert_eq!(callback.config.url().unwrap().as_str(), "https://room.example/");
    }
    assert_eq!(room(&json!({"room_name": "r"})).callback(), None);
}

#[test]
fn an_operator_may_order_the_levels_and_leave_some_out() {
    let levels = Levels { job: Some("job"), tenant: Some("tenant"), ..Levels::default() };
    let nearest = |order| levels.nearest(LevelRules { order, ..LevelRules::default() });
    let tenant_first = [Some(Level::Tenant), Some(Level::Job), None, None];
    assert_eq!(nearest(tenant_first), Some((Level::Tenant, "tenant")));
    assert_eq!(nearest([None, Some(Level::Room), None, None]), None);
}
