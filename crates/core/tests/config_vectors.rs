//! Live configuration against its vectors, whose limits come from `MetaStudio`'s API reference.

use livegate_core::config::{
    AuthType, AutoStopMode, Longest, UserConfig, UserConfigUpdate, Violations,
};
use livegate_core::dialect::metastudio::EventType;
use livegate_core::error::Coded;
use livegate_core::time::Millis;
use proptest::prelude::*;
use serde_json::{Value, json};

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} in {vector}"))
}

fn pairs(violations: &Violations) -> Vec<(String, String)> {
    violations.iter().map(|v| (v.path.clone(), v.code().as_str().to_owned())).collect()
}

#[test]
fn every_vector_is_judged_as_expected() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../vectors/config/config.json")).unwrap();
    assert!(vectors.len() > 50);
    for vector in &vectors {
        let (name, why) = (text(vector, "name"), text(vector, "why"));
        let result = UserConfigUpdate::from_json(text(vector, "body").as_bytes());
        let Some(expected) = vector.get("violations").and_then(Value::as_array) else {
            let update = result.unwrap_or_else(|violations| panic!("{name}: {violations}"));
            let before = match vector.get("before").and_then(Value::as_str) {
                Some(before) => UserConfig::from_json(before.as_bytes()).unwrap(),
                None => UserConfig::default(),
            };
            let after = update.apply(&before);
            let shown = serde_json::to_value(&after).unwrap();
            assert_eq!(shown, vector["shown"], "{name}: {why}");
            let stored = serde_json::to_vec(&after).unwrap();
            assert_eq!(UserConfig::from_json(&stored), Ok(after), "{name} reads back");
            continue;
        };
        let expected: Vec<_> = expected
            .iter()
            .map(|violation| (text(violation, "path").into(), text(violation, "code").into()))
            .collect();
        let violations = result.expect_err(name);
        assert_eq!(pairs(&violations), expected, "{name}: {why}");
    }
}

#[test]
fn defaults_are_the_documented_ones() {
    let body = br#"{"live_exit_config":{},"live_event_callback_config":{}}"#;
    let config = UserConfigUpdate::from_json(body).unwrap().apply(&UserConfig::default());
    let exit = config.live_exit.unwrap();
    assert_eq!(exit.longest_live(), Longest::Unlimited);
    assert_eq!(exit.auto_stop_mode(), AutoStopMode::ForceExit);
    assert_eq!(exit.longest_exception(), Longest::Span(Millis(180_000))); // 3 minutes
    let callback = config.callback.unwrap();
    assert_eq!(callback.auth_type(), AuthType::None);
    assert!(EventType::ALL.iter().all(|event_type| callback.wants(*event_type)));
}

#[test]
fn spans_are_hours_and_minutes_and_zero_is_no_limit() {
    let exit = |hours: u64, minutes: u64| {
        let body = json!({"live_exit_config": {
            "max_live_duration": hours,
            "max_exception_waiting_duration": minutes,
        }});
        let update = UserConfigUpdate::from_json(body.to_string().as_bytes()).unwrap();
        let exit = update.live_exit.unwrap();
        (exit.longest_live(), exit.longest_exception())
    };
    // 8 h = 28,800,000 ms; 30 min = 1,800,000 ms.
    let spans = (Longest::Span(Millis(28_800_000)), Longest::Span(Millis(1_800_000)));
    assert_eq!(exit(8, 30), spans);
    assert_eq!(exit(0, 0), (Longest::Unlimited, Longest::Unlimited));
}

#[test]
fn a_list_of_event_types_is_all_that_is_called_back() {
    let body =
        br#"{"live_event_callback_config":{"callback_event_type":["REPLY_COMMAND_FINISH"]}}"#;
    let callback = UserConfigUpdate::from_json(body).unwrap().callback.unwrap();
    assert!(callback.wants(EventType::ReplyCommandFinish));
    assert!(!callback.wants(EventType::RtmpStreamStateChange));
}

#[test]
fn neither_debug_nor_a_violation_shows_the_key() {
    let good = br#"{"live_event_callback_config":{"key":"hunter2hunter2"}}"#;
    let update = UserConfigUpdate::from_json(good).unwrap();
    assert!(!format!("{update:?}").contains("hunter2"));
    let callback = update.callback.unwrap();
    assert_eq!(callback.key().unwrap().reveal(), "hunter2hunter2");
    assert!(!serde_json::to_string(&callback.without_key()).unwrap().contains("hunter2"));
    let bad = br#"{"live_event_callback_config":{"key":"hunter2hunter2hunter2hunter2hunter2"}}"#;
    let violations = UserConfigUpdate::from_json(bad).unwrap_err();
    let json = serde_json::to_string(&violations).unwrap();
    let shown = format!("{violations:?} {violations} {json}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn violations_say_where_and_what_in_json() {
    let body = br#"{"live_exit_config":{"max_live_duration":169,"auto_stop_mode":"X"}}"#;
    let violations = UserConfigUpdate::from_json(body).unwrap_err();
    assert_eq!(violations.code().as_str(), "config.invalid");
    assert_eq!(
        violations.to_string(),
        "live_exit_config.max_live_duration should be 0 to 168 hours, and 1 more"
    );
    assert_eq!(
        serde_json::to_value(&violations).unwrap(),
        json!([
            {
                "path": "live_exit_config.max_live_duration",
                "code": "config.out_of_range",
                "detail": "should be 0 to 168 hours",
            },
            {
                "path": "live_exit_config.auto_stop_mode",
                "code": "config.unknown_value",
                "detail": "should be FORCE_EXIT or SEGMENT_END or SCENE_END or SCRIPT_END",
            },
        ])
    );
}

#[test]
fn too_large_a_body_is_not_read() {
    let body = format!("{{\"x\":\"{}\"}}", "a".repeat(64 * 1024));
    let violations = UserConfigUpdate::from_json(body.as_bytes()).unwrap_err();
    assert_eq!(pairs(&violations), [(String::new(), "config.too_large".to_owned())]);
}

/// A field's value, and whether it is within its limits.
fn value(good: Vec<Value>, bad: Vec<Value>) -> impl Strategy<Value = (Value, bool)> {
    let good = proptest::sample::select(good).prop_map(|value| (value, true));
    let bad = proptest::sample::select(bad).prop_map(|value| (value, false));
    prop_oneof![good, bad]
}

proptest! {
    #[test]
    fn every_violation_is_listed_exactly_once(
        hours in value(
            vec![json!(0), json!(168), json!(null)],
            vec![json!(-1), json!(169), json!("8"), json!(1.5), json!([])],
        ),
        mode in value(
            vec![json!("SCENE_END"), json!(null)],
            vec![json!(""), json!("X"), json!(1)],
        ),
        minutes in value(
            vec![json!(0), json!(60)],
            vec![json!(61), json!(i64::MIN), json!(true)],
        ),
        url in value(
            vec![json!(""), json!("https://a.example/")],
            vec![json!("http://a.example/"), json!("https://127.1/"), json!({})],
        ),
        auth in value(
            vec![json!("NONE"), json!("MEITUAN_DEFAULT")],
            vec![json!("none"), json!(0)],
        ),
        key in value(vec![json!(""), json!("k")], vec![json!("k".repeat(33)), json!(5)]),
        types in value(vec![json!(["SHOOT_SCRIPT_SWITCH"])], vec![json!([]), json!("X")]),
        action in value(
            vec![json!("add"), json!("del"), json!("replace")],
            vec![json!("ADD"), json!(1)],
        ),
        events in value(
            vec![json!([]), json!(["AUTO_EXIT"])],
            vec![json!("AUTO_EXIT"), json!(7)],
        ),
    ) {
        let fields = [
            ("live_exit_config", "max_live_duration", hours),
            ("live_exit_config", "auto_stop_mode", mode),
            ("live_exit_config", "max_exception_waiting_duration", minutes),
            ("live_event_callback_config", "live_event_type_callback_url", url),
            ("live_event_callback_config", "auth_type", auth),
            ("live_event_callback_config", "key", key),
            ("live_event_callback_config", "callback_event_type", types),
            ("live_notify_config", "action", action),
            ("live_notify_config", "notify_events", events),
        ];
        let mut body = json!({});
        let mut expected = Vec::new();
        for (object, field, (value, good)) in fields {
            body[object][field] = value;
            if !good {
                expected.push(format!("{object}.{field}"));
            }
        }
        let found = match UserConfigUpdate::from_json(body.to_string().as_bytes()) {
            Ok(_) => Vec::new(),
            Err(violations) => violations.iter().map(|v| v.path.clone()).collect(),
        };
        prop_assert_eq!(found, expected, "{}", body);
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = UserConfigUpdate::from_json(&body);
    }
}
