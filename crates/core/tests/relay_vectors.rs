//! Relay tasks and push addresses against their vectors, whose rules come from the vendors'
//! references; and what holds of tasks, addresses and quotas beyond them.

use livegate_core::config::Violations;
use livegate_core::error::Coded;
use livegate_core::relay::{Addresses, PushUrl, Quota, Running, Source, Task, jocloud, mpu};
use livegate_core::time::{Millis, UnixMillis};
use livegate_core::url::egress::{EgressPolicy, check};
use proptest::prelude::*;
use serde_json::{Value, json};

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} in {vector}"))
}

fn vectors(json: &str, at_least: usize) -> Vec<Value> {
    let vectors: Vec<Value> = serde_json::from_str(json).unwrap();
    assert!(vectors.len() >= at_least);
    vectors
}

fn pairs<'v>(vector: &'v Value, field: &str) -> Vec<(&'v str, &'v str)> {
    let params = vector[field].as_object().unwrap();
    params.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
}

/// A task as JSON without the request that it keeps, and without what no vendor's request says.
fn model(task: &Task) -> Value {
    let mut value = task.to_value();
    let object = value.as_object_mut().unwrap();
    object.remove("request").unwrap();
    assert_eq!(object.remove("failover").unwrap(), "stay");
    value
}

/// Compares what came of a call with what the vector expects of it.
fn judge(vector: &Value, outcome: Result<Value, Violations>) {
    let (name, why) = (text(vector, "name"), text(vector, "why"));
    match (outcome, vector.get("violations").and_then(Value::as_array)) {
        (Ok(shown), None) => {
            let expected = vector.get("task").unwrap_or_else(|| &vector["shown"]);
            assert_eq!(&shown, expected, "{name}: {why}");
        }
        (Err(violations), Some(expected)) => {
            let found: Vec<_> =
                violations.iter().map(|wrong| (&*wrong.path, wrong.code().as_str())).collect();
            let expected: Vec<_> =
                expected.iter().map(|wrong| (text(wrong, "path"), text(wrong, "code"))).collect();
            assert_eq!(found, expected, "{name}: {why}");
        }
        (Ok(shown), Some(_)) => panic!("{name}: {why}: taken as {shown}"),
        (Err(violations), None) => panic!("{name}: {why}: {violations}"),
    }
}

fn reads_back(task: &Task, name: &str) {
    assert_eq!(Task::from_value(&task.to_value()).as_ref(), Some(task), "{name} reads back");
}

#[test]
fn every_mpu_vector_is_judged_as_expected() {
    for vector in vectors(include_str!("../../../vectors/relay/mpu.json"), 60) {
        let pairs = pairs(&vector, "params");
        let params: &[(&str, &str)] = &pairs;
        let name = text(&vector, "name");
        let task = match text(&vector, "call") {
            "start" => mpu::start(params),
            "update" => {
                let before = self::pairs(&vector, "before");
                let before: &[(&str, &str)] = &before;
                mpu::update(&mpu::start(before).expect(name), params)
            }
            "stop" => {
                judge(&vector, mpu::task_of(params).map(|(app, task)| json!([app, task])));
                continue;
            }
            "sei" => {
                let sei = mpu::set_sei(params);
                judge(&vector, sei.map(|sei| json!([sei.app_id, sei.task_id, sei.custom])));
                continue;
            }
            "list" => {
                let shown = mpu::list(params).map(|(app, wanted)| match wanted {
                    mpu::Wanted::Task(id) => json!([app, id]),
                    mpu::Wanted::Page(page) => json!([app, page.number, page.size]),
                });
                judge(&vector, shown);
                continue;
            }
            call => panic!("no call {call}"),
        };
        if let Ok(task) = &task {
            reads_back(task, name);
            if let Some(detail) = vector.get("detail") {
                assert_eq!(&mpu::detail(task), detail, "{name}");
            }
        }
        judge(&vector, task.map(|task| model(&task)));
    }
}

#[test]
fn every_jocloud_vector_is_judged_as_expected() {
    for vector in vectors(include_str!("../../../vectors/relay/jocloud.json"), 25) {
        let body = text(&vector, "body").as_bytes();
        if text(&vector, "call") == "stop" {
            judge(&vector, jocloud::stop(body).map(|(app, task)| json!([app, task])));
            continue;
        }
        let none = Vec::new();
        let names = vector.get("names").and_then(Value::as_array).unwrap_or(&none);
        let names: Vec<(&str, &str)> = names
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let task = jocloud::start(body, jocloud::Rules { names: &names });
        if let Ok(task) = &task {
            reads_back(task, text(&vector, "name"));
            if let Some(request) = vector.get("request") {
                assert_eq!(task.request["mixconfig"], request["mixconfig"]);
            }
        }
        judge(&vector, task.map(|task| model(&task)));
    }
}

#[test]
fn every_address_vector_is_judged_as_expected() {
    for vector in vectors(include_str!("../../../vectors/relay/addresses.json"), 25) {
        let (name, why) = (text(&vector, "name"), text(&vector, "why"));
        let urls: Vec<_> =
            vector["urls"].as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect();
        let parsed: Result<Vec<PushUrl>, _> = urls.iter().map(|url| PushUrl::parse(url)).collect();
        match (parsed, vector.get("code")) {
            (Ok(parsed), None) => {
                let same = parsed[0].identity() == parsed[1].identity();
                assert_eq!(same, vector["same"], "{name}: {why}");
                assert_eq!(parsed[0].as_str(), urls[0]);
            }
            (Err(problem), Some(code)) => {
                assert_eq!(problem.code().as_str(), code.as_str().unwrap(), "{name}: {why}");
            }
            (outcome, _) => panic!("{name}: {why}: {outcome:?}"),
        }
    }
}

#[test]
fn a_stop_s_members_may_have_other_names() {
    let rules = jocloud::Rules { names: &[("task", "taskid"), ("app", "appid")] };
    let stopped = jocloud::stop_with(br#"{"app":7,"task":"t1"}"#, rules).unwrap();
    assert_eq!(stopped, ("7".to_owned(), "t1".to_owned()));
    assert!(jocloud::stop(br#"{"app":7,"task":"t1"}"#).is_err());
}

#[test]
fn a_push_address_is_judged_by_the_networks_that_are_not_public() {
    let policy = EgressPolicy { http: true, ..EgressPolicy::PUBLIC };
    let may = |url: &str| check(PushUrl::parse(url).unwrap().as_http(), policy);
    assert!(may("rtmp://push.example.com/live/a").is_ok());
    assert!(may("rtmps://8.8.8.8/live/a").is_ok());
    for url in ["rtmp://10.0.0.1/live/a", "rtmps://[::1]/live/a", "rtmp://localhost/live/a"] {
        assert!(may(url).is_err(), "{url}");
    }
}

fn push(name: &str) -> PushUrl {
    PushUrl::parse(&format!("rtmp://push.example.com/live/{name}")).unwrap()
}

#[test]
fn a_key_is_put_behind_its_address_with_one_slash() {
    let with = |url: &str, key| PushUrl::parse(url).unwrap().with_key(key).unwrap();
    for (url, key, expected) in [
        ("rtmp://h.example/live", "k", "rtmp://h.example/live/k"),
        ("rtmp://h.example/live/", "k?t=1", "rtmp://h.example/live/k?t=1"),
        ("rtmp://h.example/live/", "?streamname=k", "rtmp://h.example/live/?streamname=k"),
        ("rtmp://h.example/live/k", "", "rtmp://h.example/live/k"),
    ] {
        assert_eq!(with(url, key).as_str(), expected);
    }
    let tasks = format!("{:?}", with("rtmp://h.example/live", "hunter2?t=hunter2"));
    assert!(!tasks.contains("hunter2") && tasks.contains("h.example"), "{tasks}");
}

const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn after(ms: u64) -> UnixMillis {
    START.plus(Millis(ms))
}

#[test]
fn an_address_is_one_tasks_and_rests_for_ten_seconds_after_it() {
    let mut addresses = Addresses::default();
    addresses.claim("one", &[push("a").identity(), push("b").identity()], START).unwrap();
    let conflicts = addresses
        .claim("two", &[push("c").identity(), push("b?t=2").identity()], START)
        .unwrap_err();
    assert_eq!(conflicts.len(), 1);
    assert_eq!((conflicts[0].index, &*conflicts[0].task, conflicts[0].free_at), (1, "one", None));
    assert_eq!(conflicts[0].code().as_str(), "relay.address_taken");
    assert_eq!(addresses.rows().count(), 2, "what conflicts changes nothing");
    addresses.release("one", after(1));
    // 10,001 ms after the start is 10 s after the stop.
    for (task, ms) in [("two", 1), ("two", 10_000), ("one", 10_000)] {
        let conflicts = addresses.claim(task, &[push("b").identity()], after(ms)).unwrap_err();
        assert_eq!(conflicts[0].free_at, Some(after(10_001)));
        assert_eq!(conflicts[0].code().as_str(), "relay.address_resting");
    }
    addresses.claim("two", &[push("b").identity()], after(10_001)).unwrap();
    assert_eq!(addresses.rows().count(), 1, "what has rested is forgotten");
}

#[test]
fn a_change_keeps_what_it_still_has_and_lets_the_rest_rest() {
    let mut addresses = Addresses::default();
    addresses.claim("one", &[push("a").identity(), push("b").identity()], START).unwrap();
    addresses.claim("one", &[push("b").identity(), push("c").identity()], after(5)).unwrap();
    let rows: Vec<_> = addresses.rows().map(|(_, task, rests)| (task.to_owned(), rests)).collect();
    let held = ("one".to_owned(), None);
    assert_eq!(rows, [("one".to_owned(), Some(after(10_005))), held.clone(), held]);
    assert_eq!(
        addresses.claim("two", &[push("b").identity()], after(20_000)).unwrap_err().len(),
        1
    );
    addresses.claim("two", &[push("a").identity()], after(20_000)).unwrap();
}

#[test]
fn one_task_has_an_address_once() {
    let mut addresses = Addresses::default();
    let twice = [push("a").identity(), push("a?t=2").identity()];
    let conflicts = addresses.claim("one", &twice, START).unwrap_err();
    assert_eq!((conflicts.len(), conflicts[0].index), (1, 1));
    assert_eq!(addresses.rows().count(), 0);
}

#[test]
fn addresses_are_restored_from_their_rows() {
    let mut addresses = Addresses::default();
    addresses.claim("one", &[push("a").identity()], START).unwrap();
    addresses.claim("two", &[push("b").identity()], START).unwrap();
    addresses.release("one", START);
    let mut restored = Addresses::default();
    for (identity, task, rests) in addresses.rows() {
        restored.restore(identity.to_owned(), task.to_owned(), rests);
    }
    let claim = |addresses: &mut Addresses| {
        addresses
            .claim("three", &[push("a").identity(), push("b").identity()], after(9_999))
            .unwrap_err()
    };
    assert_eq!(claim(&mut restored), claim(&mut addresses));
    assert_eq!(claim(&mut restored).len(), 2);
}

#[test]
fn an_application_has_200_single_and_40_mixed_tasks() {
    let single = "{\"appid\":1,\"roomid\":\"r\",\"rtmpurl\":\"rtmp://h.example/a\",\
                  \"streamtype\":2,\"uid\":\"u\"}";
    let mixed = "{\"appid\":1,\"roomid\":\"r\",\"rtmpurl\":\"rtmp://h.example/a\",\
                 \"streamtype\":1,\"taskid\":\"t\",\"mixconfig\":{\"output\":{},\"templateid\":1}}";
    let source = |body: &str| -> Source {
        jocloud::start(body.as_bytes(), jocloud::Rules::default()).unwrap().source
    };
    let (single, mixed) = (source(single), source(mixed));
    let mut running = Running::default();
    let quota = Quota::default();
    for (source, limit) in [(&single, 200), (&mixed, 40)] {
        for _ in 0..limit {
            quota.admit(running, source).unwrap();
            running.count(source);
        }
        let reached = quota.admit(running, source).unwrap_err();
        assert_eq!((reached.limit, reached.code().as_str()), (limit, "relay.quota"));
    }
    assert!(Quota { single: 201, ..quota }.admit(running, &single).is_ok());
}

#[test]
fn debug_of_a_task_shows_no_secret() {
    let vectors = vectors(include_str!("../../../vectors/relay/mpu.json"), 60);
    let mut shown = 0;
    for vector in vectors.iter().filter(|vector| vector.get("task").is_some()) {
        let pairs = pairs(vector, "params");
        let params: &[(&str, &str)] = &pairs;
        let Ok(task) = mpu::start(params) else { continue };
        let debug = format!("{task:?}");
        assert!(!debug.contains("1-0-0-x"), "{debug}");
        shown += usize::from(debug.contains("push.example.com"));
    }
    assert!(shown > 10);
}

#[test]
fn a_stored_task_that_is_not_one_is_not_read() {
    let params: &[(&str, &str)] = &[
        ("AppId", "a"),
        ("ChannelId", "c"),
        ("TaskId", "t"),
        ("MixMode", "0"),
        ("StreamURL", "rtmp://h.example/a/b"),
        ("SingleSubParams.UserId", "u"),
    ];
    let good = mpu::start(params).unwrap().to_value();
    for name in ["origin", "id", "app_id", "channel", "single", "sei", "exit", "request"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(name).unwrap();
        assert_eq!(Task::from_value(&bad), None, "without {name}");
    }
    let mut bad = good;
    bad["targets"] = json!(["http://h.example/"]);
    assert_eq!(Task::from_value(&bad), None);
}

proptest! {
    #[test]
    fn any_parameters_are_judged_without_a_panic(
        names in proptest::collection::vec("(TranscodeParams|SeiParams|StreamURL|MultiStreamURL|MixMode)(\\.[A-Z][a-z]{1,8}|\\.[0-9]){0,3}", 0..8),
        values in proptest::collection::vec("[0-9]{0,4}|\\PC{0,8}|\\{\"[A-Z]\":[0-9]\\}|\\[\\]", 8),
    ) {
        let pairs: Vec<(String, String)> = names.into_iter().zip(values).collect();
        let params: &[(String, String)] = &pairs;
        let violations = mpu::start(params).unwrap_err();
        prop_assert!(violations.iter().any(|wrong| wrong.path == "AppId"));
    }

    #[test]
    fn any_body_is_judged_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = jocloud::start(&body, jocloud::Rules::default());
        let _ = jocloud::stop(&body);
    }
}
