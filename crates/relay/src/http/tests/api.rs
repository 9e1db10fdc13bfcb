use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use serde_json::{Value, json};

use super::{Served, TOKEN, api, header, problem, request, run};
use crate::http::Patience;

fn document(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

#[test]
fn is_healthy_when_everything_listens() {
    run(async {
        let host = Served::new().await;
        // Without RTMP nobody misses it.
        assert_eq!(host.get("/healthz").await.status(), 200);
        let listening = host.host.health.rtmp();
        let fine = host.get("/healthz").await;
        assert_eq!(fine.status(), 200);
        let all = json!({ "status": "ok", "store": "ok", "http": "ok", "rtmp": "ok" });
        assert_eq!(document(&fine), all);
        drop(listening);
        let failing = host.get("/healthz").await;
        assert_eq!(failing.status(), 503);
        assert_eq!(document(&failing)["rtmp"], "failing");
    });
}

#[test]
fn the_api_wants_a_token() {
    run(async {
        let host = Served::new().await;
        for path in ["/api/v1/streams", "/api/v1/relay-tasks", "/api/v1/relay-tasks/livegate/a/b"] {
            for value in ["", "Bearer ", "Bearer wrong", &format!("Basic {TOKEN}"), TOKEN] {
                let request = request("GET", path).header("authorization", value);
                let answer = host.ask(request.body(Full::default()).unwrap()).await;
                assert_eq!(problem(&answer), (401, "auth.required".to_owned()), "{path} {value}");
                assert_eq!(header(&answer, "www-authenticate"), "Bearer");
            }
        }
        let _play = host.publish("live", "room", "ann");
        let streams = host.ask(api("GET", "/api/v1/streams", &Value::Null)).await;
        let found = document(&streams);
        let one = &found["items"][0];
        for (name, value) in
            [("app", "live"), ("channel", "room"), ("user", "ann"), ("source", "camera")]
        {
            assert_eq!(one[name], value);
        }
        assert_eq!((&one["viewers"], found["items"].as_array().unwrap().len()), (&json!(0), 1));
        // A page of another origin does not read it.
        assert!(!streams.headers().contains_key("access-control-allow-origin"));
    });
}

fn task(more: &Value) -> Value {
    let mut task = json!({
        "app_id": "live", "id": "t1", "channel": "room1", "user": "ann",
        "targets": ["rtmp://a.example.com/live/key"],
    });
    for (name, value) in more.as_object().unwrap() {
        task[name] = value.clone();
    }
    task
}

#[test]
fn a_task_is_started_by_its_document() {
    run(async {
        let host = Served::new().await;
        let start =
            async |more: Value| host.ask(api("POST", "/api/v1/relay-tasks", &task(&more))).await;
        let secret = "rtmp://a.example.com/live/s3cr3t?token=t0ps3cr3t";
        let first = start(json!({ "targets": [secret] })).await;
        assert_eq!(first.status(), 201);
        let found = document(&first);
        assert_eq!(found["state"], "waiting");
        assert_eq!(found["pushes"][0]["address"], "rtmp://a.example.com/live/***?token=***");
        assert!(!found.to_string().contains("s3cr3t"), "{found}");
        // The same again, and another one that wants its address.
        assert_eq!(start(json!({ "targets": [secret] })).await.status(), 200);
        let taken = start(json!({ "id": "t2", "targets": [secret] })).await;
        assert_eq!(problem(&taken), (409, "relay.address_taken".to_owned()));
        assert_eq!(document(&taken)["violations"][0]["path"], "targets[0]");
        let path = "/api/v1/relay-tasks/livegate/live/t1";
        let message = json!({ "custom": "{\"a\":1}" });
        let sei = host.ask(api("POST", &format!("{path}/sei"), &message)).await;
        assert_eq!(sei.status(), 204);
        let list =
            document(&host.ask(api("GET", "/api/v1/relay-tasks?app=live", &Value::Null)).await);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert!(!list.to_string().contains("s3cr3t"), "{list}");
        let text = host.get("/metrics").await.into_body();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains("\nlivegate_tasks{state=\"waiting\"} 1\n"), "{text}");
        assert!(text.contains("\nlivegate_pushes{state=\"none\"} 1\n"), "{text}");
        assert_eq!(host.ask(api("DELETE", path, &Value::Null)).await.status(), 204);
        assert_eq!(problem(&host.ask(api("DELETE", path, &Value::Null)).await).0, 404);
        // It is shown for a while, and its address rests.
        let ended = document(&host.ask(api("GET", path, &Value::Null)).await);
        assert_eq!(
            (&ended["state"], &ended["code"]),
            (&json!("stopped_by_user"), &json!("push.stopped"))
        );
        let resting = document(&start(json!({ "id": "t2", "targets": [secret] })).await);
        assert_eq!(resting["violations"][0]["code"], "relay.address_resting");
        let wrong = start(json!({ "targets": ["http://a.example.com/live"], "users": [] })).await;
        assert_eq!(problem(&wrong), (422, "request.invalid".to_owned()));
        let paths: Vec<_> = document(&wrong)["violations"].as_array().unwrap().clone();
        let paths: Vec<_> = paths.iter().map(|one| one["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["targets[0]", "users"]);
        let inside = start(json!({ "targets": ["rtmp://127.0.0.1/live/key"] })).await;
        let violation = &document(&inside)["violations"][0];
        assert_eq!(violation["code"], "url.address_not_public");
        assert!(
            violation["detail"].as_str().unwrap().contains("--private-networks"),
            "{violation}"
        );
        assert_eq!(problem(&start(json!({ "app_id": "none" })).await).0, 404);
        let text = api("POST", "/api/v1/relay-tasks", &json!("x"));
        assert_eq!(problem(&host.ask(text).await), (422, "request.invalid".to_owned()));
    });
}

#[test]
fn a_task_that_is_not_there_is_not_found() {
    run(async {
        let host = Served::new().await;
        let path = "/api/v1/relay-tasks/jocloud/2371/room1/ann";
        for method in ["GET", "DELETE"] {
            let answer = host.ask(api(method, path, &Value::Null)).await;
            assert_eq!(problem(&answer), (404, "request.not_found".to_owned()));
        }
        let message = json!({ "custom": "{\"a\":1}" });
        let sei = host.ask(api("POST", &format!("{path}/sei"), &message)).await;
        assert_eq!(problem(&sei), (404, "request.not_found".to_owned()));
        let sei = host.ask(api("POST", &format!("{path}/sei"), &json!({}))).await;
        assert_eq!(problem(&sei), (422, "request.invalid".to_owned()));
        let other = host.ask(api("GET", "/api/v1/relay-tasks/nobody/a/b", &Value::Null)).await;
        assert_eq!(problem(&other).0, 404);
        let list = host.ask(api("GET", "/api/v1/relay-tasks?state=running", &Value::Null)).await;
        assert_eq!(document(&list), json!({ "items": [], "next": null }));
        let list = host.ask(api("GET", "/api/v1/relay-tasks?state=odd", &Value::Null)).await;
        assert_eq!(problem(&list).0, 422);
    });
}

fn jocloud(operation: &str, by: &str, body: &Value) -> Request<Full<Bytes>> {
    let path = format!("/app/2371/v2/rtmpforward/{operation}?traceId=t-1");
    let token = format!("Basic {}", Base64::encode_string(by.as_bytes()));
    request("POST", &path).header("token", token).body(Full::from(body.to_string())).unwrap()
}

#[test]
fn jocloud_answers_as_the_gateway_does() {
    run(async {
        let host = Served::new().await;
        let body = json!({
            "appid": 2371, "roomid": "room1", "uid": "ann", "streamtype": 2,
            "rtmpurl": "rtmp://a.example.com/live/key",
        });
        let with = |name: &str, value: Value| {
            let mut body = body.clone();
            body[name] = value;
            body
        };
        let told = async |operation: &str, by: &str, body: &Value| {
            let answer = host.ask(jocloud(operation, by, body)).await;
            let found = document(&answer);
            assert_eq!(found["traceId"], "t-1");
            (
                answer.status().as_u16(),
                found["code"].clone(),
                found["message"].as_str().unwrap().to_owned(),
            )
        };
        let right = "c1:s3cr3t";
        let success = (200, json!(0), "success".to_owned());
        assert_eq!(told("startrtmp", right, &body).await, success);
        for wrong in ["c1:other", "c2:s3cr3t", ":"] {
            let (status, code, _) = told("startrtmp", wrong, &body).await;
            assert_eq!((status, code), (401, json!(401)), "{wrong}");
        }
        let (status, _, message) = told("startrtmp", right, &with("streamtype", json!(3))).await;
        assert_eq!((status, message.as_str()), (400, "streamtype should be 1 to 2 "));
        let (status, _, message) = told("startrtmp", right, &with("appid", json!(7))).await;
        assert_eq!((status, message.as_str()), (400, "appid is not that of the path"));
        let inside = with("rtmpurl", json!("rtmp://10.0.0.1/live/key"));
        let (status, _, message) = told("startrtmp", right, &inside).await;
        assert_eq!(
            (status, message.as_str()),
            (400, "rtmpurl has an address that cannot be pushed to")
        );
        let stop = json!({ "appid": 2371, "roomid": "room1", "uid": "ann" });
        assert_eq!(told("stoprtmp", right, &stop).await, success);
        let (status, _, message) = told("stoprtmp", right, &stop).await;
        assert_eq!((status, message.as_str()), (404, "there is no such task"));
        let (status, _, message) = told("startrtmp", right, &body).await;
        assert_eq!((status, message.as_str()), (400, "address 1 of rtmpurl is another task's"));
        let mix = json!({ "output": { "width": 640, "height": 360 }, "templateid": 1 });
        let mut mixed = with("mixconfig", mix);
        mixed["streamtype"] = json!(1);
        mixed["taskid"] = json!("m1");
        let (status, _, message) = told("startrtmp", right, &mixed).await;
        assert_eq!((status, message.as_str()), (400, "streamtype 1 is not supported here"));
        assert_eq!(told("listrtmp", right, &stop).await.0, 404);
        let mut other = jocloud("startrtmp", right, &body);
        *other.uri_mut() = "/app/2372/v2/rtmpforward/startrtmp".parse().unwrap();
        assert_eq!(host.ask(other).await.status(), 403);
        let mut get = jocloud("startrtmp", right, &body);
        *get.method_mut() = hyper::Method::GET;
        assert_eq!(host.ask(get).await.status(), 405);
    });
}

/// Reads a document by the grammar of the text format 0.0.4: the families' names.
fn families(text: &str) -> BTreeSet<String> {
    let is_name = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    let mut found = BTreeSet::new();
    let mut series = BTreeSet::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
        assert!(is_name(name) && !help.is_empty() && !help.contains('\\'), "{line}");
        let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
        // By convention of the format's own guide, counters end so and nothing else does.
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        assert!(["counter", "gauge"].contains(&kind), "{kind}");
        assert!(found.insert(name.to_owned()), "{name} is there twice");
        let mut samples = 0;
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            let (label, value) = sample.strip_prefix(name).unwrap().rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{sample}");
            if !label.is_empty() {
                let inner = label.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
                let (label, word) = inner.split_once('=').unwrap();
                let word = word.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
                assert!(is_name(label) && !word.contains(['"', '\\']), "{sample}");
            }
            assert!(series.insert(format!("{name}{label}")), "{sample} is there twice");
            samples += 1;
        }
        assert!(samples > 0, "{name}");
    }
    found
}

#[test]
fn numbers_are_as_prometheus_reads_them_and_documented() {
    run(async {
        let host = Served::new().await;
        let _play = host.publish("live", "a\"b\n", "ann");
        let answer = host.get("/metrics").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        let found = families(&text);
        assert!(text.contains("\nlivegate_streams 1\n"), "{text}");
        assert!(text.contains("\nlivegate_connections{protocol=\"http\"} 1\n"), "{text}");
        assert!(text.contains("\nlivegate_tasks{state=\"running\"} 0\n"), "{text}");
        // What is there is documented, and the reverse.
        let page = include_str!("../../../../../docs/relay-host.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let is_metric = |name: &&str| name.starts_with("livegate_") || name.starts_with("process_");
        let listed: BTreeSet<String> =
            rows.map(|(name, _)| name).filter(is_metric).map(str::to_owned).collect();
        assert_eq!(found, listed);
    });
}

#[test]
fn numbers_can_be_for_who_has_a_token() {
    run(async {
        let more = r#","metrics":"token""#;
        let host = Served::with(more, Patience::default(), super::DoorSettings::default()).await;
        assert_eq!(problem(&host.get("/metrics").await), (401, "auth.required".to_owned()));
        assert_eq!(host.ask(api("GET", "/metrics", &Value::Null)).await.status(), 200);
        // Others count as soon as they are put in place.
        host.host.credentials.replace(super::credentials(""));
        assert_eq!(host.get("/metrics").await.status(), 200);
    });
}

/// A task of the application.
fn wanted(id: &str, user: &str, target: &str) -> livegate_core::relay::Task {
    let document = json!({
        "app_id": "live", "id": id, "channel": "room", "user": user, "targets": [target],
    });
    livegate_core::relay::native::start(document.to_string().as_bytes()).unwrap()
}

#[test]
fn a_task_whose_caller_has_gone_is_there_and_can_be_stopped() {
    run(async {
        let host = Served::new().await;
        let tasks = &host.host.tasks;
        let one = wanted("t1", "ann", "rtmp://192.0.2.1/live/key");
        let key = crate::task::TaskKey::of(&one);
        // Nobody waits for what comes of it.
        drop(tasks.start(one));
        assert!(tasks.show(&key).is_some_and(|view| view.ended.is_none()));
        assert!(tasks.stop(&key, livegate_core::relay::push::Cause::Stopped).await.unwrap());
        assert!(tasks.show(&key).is_some_and(|view| view.ended.is_some()));
    });
}

#[test]
fn a_message_at_the_time_of_a_change_undoes_nothing() {
    run(async {
        let host = Served::new().await;
        let tasks = &host.host.tasks;
        let url = "rtmp://192.0.2.1/live/key";
        let key = crate::task::TaskKey::of(&wanted("t1", "ann", url));
        tasks.start(wanted("t1", "ann", url)).await.unwrap();
        let change = tasks.start(wanted("t1", "bob", url));
        let message = tasks.set_sei(&key, "{\"a\":1}".to_owned());
        let (message, change) = (message.await.unwrap(), change.await.unwrap());
        assert_eq!((message, change), (true, crate::task::Started::Changed));
        let view = tasks.show(&key).unwrap();
        let livegate_core::relay::Source::Single(single) = &view.task.source else { panic!() };
        assert_eq!(single.user, "bob");
        assert_eq!(view.task.sei.custom.as_deref(), Some("{\"a\":1}"));
    });
}

#[test]
fn starts_at_one_moment_are_counted_one_by_one() {
    use livegate_core::relay::Quota;
    use livegate_core::relay::push::Cause;
    run(async {
        let host = Served::new().await;
        let tasks = &host.host.tasks;
        let quota = Quota { single: 2, mixed: 0 };
        let url = |id| format!("rtmp://192.0.2.1/live/{id}");
        // None of them waits for another.
        let starts = ["t1", "t2", "t3"].map(|id| {
            let start = tasks.start_within(wanted(id, "ann", &url(id)), quota);
            (id, start)
        });
        let mut refused = Vec::new();
        for (id, start) in starts {
            match start.await {
                Ok(_) => {}
                Err(error) => refused.push((id, error.to_string())),
            }
        }
        let why = "the application has 2 relay tasks of this kind already".to_owned();
        assert_eq!(refused, [("t3", why)]);
        // What is changed is not counted, nor what is over.
        let changed = tasks.start_within(wanted("t1", "bob", &url("t1")), quota).await;
        assert_eq!(changed.unwrap(), crate::task::Started::Changed);
        let key = crate::task::TaskKey::of(&wanted("t2", "ann", &url("t2")));
        tasks.stop(&key, Cause::Stopped).await.unwrap();
        let third = tasks.start_within(wanted("t3", "ann", &url("t3")), quota).await;
        assert_eq!(third.unwrap(), crate::task::Started::New);
        let tally = tasks.tally();
        assert_eq!((tally.tasks["waiting"], tally.tasks["stopped_by_user"]), (2, 1));
        assert_eq!(tally.pushes.values().sum::<usize>(), 3);
    });
}
