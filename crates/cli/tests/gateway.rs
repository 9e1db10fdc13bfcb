//! The command against a gateway that answers as told.

mod common;

use common::{Fake, json, livegate, response, run, stream};

const SOURCE: &str = r#"{"id":"src_1","name":"studio","dialect":"metastudio","scheme":"MSS_A_HEAD",
    "key_set":true,"url":"https://gate.example/in/src_1"}"#;

#[test]
fn a_list_asks_with_the_token_and_the_tenant_and_prints_a_table() {
    let fake = Fake::answering(vec![json(&format!(r#"{{"items":[{SOURCE}],"next":null}}"#))]);
    let (status, out, err) =
        run(livegate(&fake.url).args(["sources", "list", "--tenant", "acme", "--limit", "2"]));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "ID     NAME    DIALECT     SCHEME      KEY  URL\n\
         src_1  studio  metastudio  MSS_A_HEAD  yes  https://gate.example/in/src_1\n"
    );
    let seen = fake.next();
    assert_eq!(seen.line, "GET /api/v1/sources?limit=2");
    assert_eq!(seen.header("authorization"), Some("Bearer lgt_secret-token"));
    assert_eq!(seen.header("livegate-tenant"), Some("acme"));
}

#[test]
fn all_pages_are_followed_by_their_cursors() {
    let page =
        |id: &str, next: &str| json(&format!(r#"{{"items":[{{"id":"{id}"}}],"next":{next}}}"#));
    let fake = Fake::answering(vec![page("evt_1", "\"a b\""), page("evt_2", "null")]);
    let (status, out, _) = run(livegate(&fake.url).args([
        "events",
        "list",
        "--channel",
        "room 1",
        "--since",
        "2024-09-10T00:30:00Z",
        "--all",
        "--json",
    ]));
    assert_eq!(status, 0);
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["items"][1]["id"], "evt_2");
    assert_eq!(
        fake.next().line,
        "GET /api/v1/events?limit=200&channel=room%201&since=1725928200000"
    );
    assert!(fake.next().line.ends_with("&cursor=a%20b"));
}

#[test]
fn a_name_stands_for_the_id() {
    let fake = Fake::answering(vec![
        json(&format!(r#"{{"items":[{SOURCE}],"next":null}}"#)),
        "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned(),
    ]);
    let (status, out, _) = run(livegate(&fake.url).args(["sources", "delete", "studio"]));
    assert_eq!((status, out.as_str()), (0, "deleted src_1\n"));
    fake.next();
    assert_eq!(fake.next().line, "DELETE /api/v1/sources/src_1");
}

#[test]
fn a_key_travels_in_the_body_and_is_not_shown() {
    let fake = Fake::answering(vec![response("201 Created", "application/json", SOURCE)]);
    let mut command = livegate(&fake.url);
    let (status, out, err) =
        run(command.env("LIVEGATE_KEY", "top-secret").args(["sources", "create", "studio"]));
    assert_eq!(status, 0);
    assert!(!format!("{out}{err}").contains("top-secret"));
    let sent: serde_json::Value = serde_json::from_str(&fake.next().body).unwrap();
    assert_eq!(
        sent,
        serde_json::json!({
            "name": "studio", "dialect": "metastudio", "scheme": "MSS_A_HEAD", "key": "top-secret",
        })
    );
}

#[test]
fn an_application_is_known_by_its_digits_and_an_empty_value_removes() {
    let application = r#"{"id":"281474976710655","name":"shows","relay":"off"}"#;
    let fake = Fake::answering(vec![json(application)]);
    let (status, out, err) = run(livegate(&fake.url).args([
        "applications",
        "update",
        "281474976710655",
        "--relay",
        "off",
        "--domain",
        "",
        "--sei",
        "idr",
        "--sei-interval-ms",
        "",
    ]));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out, "id     281474976710655\nname   shows\nrelay  off\n");
    let seen = fake.next();
    assert_eq!(seen.line, "PATCH /api/v1/applications/281474976710655");
    let sent: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        sent,
        serde_json::json!({
            "relay": "off", "domain": null, "sei": "every_i_frame", "sei_interval_ms": null,
        })
    );
}

#[test]
fn an_application_is_found_by_its_name_and_nothing_to_change_is_said_before() {
    let listed = r#"{"items":[{"id":"1","name":"default"},{"id":"2","name":"shows"}],"next":null}"#;
    let fake = Fake::answering(vec![json(listed), json(r#"{"id":"2","name":"new"}"#)]);
    let update = ["applications", "update", "shows"];
    let (status, _, err) = run(livegate(&fake.url).args(update));
    assert_eq!(status, 2);
    assert!(err.contains("nothing to change"), "{err}");
    let (status, _, err) = run(livegate(&fake.url).args(update).args(["--name", "new"]));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(fake.next().line, "GET /api/v1/applications?limit=200");
    assert_eq!(fake.next().line, "PATCH /api/v1/applications/2");
}

#[test]
fn settings_are_sent_as_what_they_look_like() {
    let fake = Fake::answering(vec![json(r#"{"artc_users":20,"rooms_inherit":true}"#)]);
    let (status, out, err) = run(livegate(&fake.url).args([
        "settings",
        "set",
        "artc_users=20",
        "callback_levels=job,tenant",
        "rooms_inherit=true",
        "room_update=",
        "platform_auth_type=MSS_A",
    ]));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out, "rooms_inherit  yes\nartc_users     20\n");
    let seen = fake.next();
    assert_eq!(seen.line, "PATCH /api/v1/settings");
    let sent: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        sent,
        serde_json::json!({
            "artc_users": 20, "callback_levels": ["job", "tenant"], "rooms_inherit": true,
            "room_update": null, "platform_auth_type": "MSS_A",
        })
    );
    for wrong in [&["artc_users"][..], &["=1"], &["a=1", "a=2"]] {
        let (status, _, _) = run(livegate(&fake.url).args(["settings", "set"]).args(wrong));
        assert_eq!(status, 2, "{wrong:?}");
    }
}

#[test]
fn notices_are_read_up_to_the_newest_that_is_there() {
    let none = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    let newest = r#"{"items":[{"seq":7}],"next":"7"}"#;
    let fake = Fake::answering(vec![json(newest), none.to_owned(), none.to_owned()]);
    let (status, out, _) = run(livegate(&fake.url).args(["notices", "read"]));
    assert_eq!((status, out.as_str()), (0, "read up to 7\n"));
    assert_eq!(fake.next().line, "GET /api/v1/notices?limit=1");
    let seen = fake.next();
    assert_eq!(
        (seen.line.as_str(), seen.body.as_str()),
        ("POST /api/v1/notices/read", r#"{"up_to":7}"#)
    );
    let (status, out, _) = run(livegate(&fake.url).args(["notices", "read", "3", "--json"]));
    assert_eq!((status, out.as_str()), (0, "{\"read_up_to\":3}\n"));
    assert_eq!(fake.next().body, r#"{"up_to":3}"#);
}

#[test]
fn a_relay_task_is_asked_for_by_all_its_names() {
    let fake =
        Fake::answering(vec![json(r#"{"vendor":"jocloud"}"#), json(r#"{"items":[],"next":null}"#)]);
    let (status, _, err) =
        run(livegate(&fake.url).args(["relay-tasks", "show", "jocloud", "7", "room 1/u"]));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(fake.next().line, "GET /api/v1/relay-tasks/jocloud/7/room%201%2Fu");
    run(livegate(&fake.url).args(["relay-tasks", "list", "--app-id", "7", "--ended", "false"]));
    assert_eq!(fake.next().line, "GET /api/v1/relay-tasks?app_id=7&ended=false");
}

#[test]
fn a_relay_task_is_started_told_and_stopped() {
    let none = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned();
    let fake = Fake::answering(vec![json(r#"{"id":"t1"}"#), none.clone(), none]);
    let url = |key: &str| format!("rtmp://push.example.com/live/{key}");
    let (status, _, err) = run(livegate(&fake.url)
        .args(["relay-tasks", "start", "--app-id", "live", "--id", "t1", "--channel", "r"])
        .args([
            "--user",
            "ann",
            "--max-idle-s",
            "60",
            "--target",
            &url("a"),
            "--target",
            &url("b"),
        ]));
    assert_eq!((status, err.as_str()), (0, ""));
    let seen = fake.next();
    assert_eq!(seen.line, "POST /api/v1/relay-tasks");
    let sent: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    let expected = serde_json::json!({
        "app_id": "live", "id": "t1", "channel": "r", "user": "ann", "max_idle_seconds": 60,
        "targets": [url("a"), url("b")],
    });
    assert_eq!(sent, expected);
    let named = ["livegate", "live", "t1"];
    run(livegate(&fake.url).args(["relay-tasks", "sei"]).args(named).arg("{}"));
    let seen = fake.next();
    assert_eq!(seen.line, "POST /api/v1/relay-tasks/livegate/live/t1/sei");
    assert_eq!(seen.body, r#"{"custom":"{}"}"#);
    let (_, out, _) = run(livegate(&fake.url).args(["relay-tasks", "stop"]).args(named));
    assert_eq!(out, "stopped t1\n");
    assert_eq!(fake.next().line, "DELETE /api/v1/relay-tasks/livegate/live/t1");
}

#[test]
fn a_relay_hosts_token_is_printed_when_it_is_made() {
    let made = r#"{"id":"rh_1","name":"berlin-1","token":"lgh_x","connected":false}"#;
    let fake = Fake::answering(vec![json(made)]);
    let (status, out, err) = run(livegate(&fake.url).args(["relay-hosts", "create", "berlin-1"]));
    assert!(status == 0 && out.contains("lgh_x") && err.contains("not shown again"), "{out}{err}");
    let seen = fake.next();
    assert_eq!((&*seen.line, &*seen.body), ("POST /api/v1/relay-hosts", r#"{"name":"berlin-1"}"#));
}

#[test]
fn a_problem_ends_with_one_and_all_its_violations() {
    let problem = r#"{"title":"The request is not valid","status":422,"code":"request.invalid",
        "detail":"one thing","violations":[{"path":"name","code":"request.name","detail":"too long"}]}"#;
    let answer = || response("422 Unprocessable", "application/problem+json", problem);
    let fake = Fake::answering(vec![answer(), answer()]);
    let create = ["sources", "create", "x"];
    let (status, out, err) = run(livegate(&fake.url).args(create));
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains("name: too long [request.name]"), "{err}");
    let (_, _, err) = run(livegate(&fake.url).args(create).arg("--json"));
    let said: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!(said["error"]["code"], "request.invalid");
    assert_eq!(said["error"]["http_status"], 422);
}

#[test]
fn a_refused_token_ends_with_five_and_says_where_it_came_from_but_not_what_it_is() {
    let fake = Fake::answering(vec![response("401 Unauthorized", "application/json", "{}")]);
    let (status, _, err) = run(livegate(&fake.url).args(["events", "list"]));
    assert_eq!(status, 5);
    assert!(err.contains("LIVEGATE_TOKEN"), "{err}");
    assert!(!err.contains("lgt_secret-token"), "{err}");
}

#[test]
fn the_token_is_found_in_the_data_folder() {
    let folder = std::env::temp_dir().join(format!("livegate-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("admin-token"), "from-the-file\n").unwrap();
    let fake = Fake::answering(vec![json(r#"{"items":[],"next":null}"#)]);
    let mut command = livegate(&fake.url);
    command.env_remove("LIVEGATE_TOKEN").env("DATA", &folder);
    let (status, out, _) = run(command.args(["events", "list"]));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((status, out.as_str()), (0, "no events\n"));
    assert_eq!(fake.next().header("authorization"), Some("Bearer from-the-file"));
}

#[test]
fn a_redirect_is_not_followed_with_the_token() {
    let elsewhere = Fake::answering(vec![json("{}")]);
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/x\r\ncontent-length: 0\r\n\
         connection: close\r\n\r\n",
        elsewhere.url
    );
    let fake = Fake::answering(vec![redirect]);
    let (status, _, err) = run(livegate(&fake.url).args(["events", "list"]));
    assert_eq!(status, 1);
    assert!(err.contains("307"), "{err}");
    assert!(elsewhere.is_done());
}

#[test]
fn a_gateway_that_is_not_there_ends_with_four() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (status, _, err) =
        run(livegate(&format!("http://127.0.0.1:{port}")).args(["events", "list"]));
    assert_eq!(status, 4);
    assert!(err.contains("connection refused") && err.contains("make run"), "{err}");
}

#[test]
fn a_wrong_command_line_ends_with_two() {
    let (status, out, err) = run(livegate("http://127.0.0.1:1").args(["events", "lst"]));
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.contains("`list`?"), "{err}");
}

#[test]
fn a_signature_that_does_not_verify_ends_with_three_and_the_signed_string() {
    let mut command = livegate("http://127.0.0.1:1");
    let (status, _, err) = run(command.env("LIVEGATE_KEY", "another-key").args([
        "verify",
        "https://api.example.com/v1/products?live_id=111&limit=10&offset=0",
        "--time",
        "1725928200",
        "--header",
        "x-hw-mss-time: 66df9308",
        "--header",
        "x-hw-mss-secret: 5e7fe8869a12a87ea966d9edbc02e38cd4ce62c73b8b05c638f15835e78902d7",
    ]));
    assert_eq!(status, 3);
    let signed = "api.example.com/v1/products?limit=10&live_id=111&offset=066df9308";
    assert!(err.contains(signed), "{err}");
    assert!(!err.contains("another-key"), "{err}");
}

fn event(id: u64) -> String {
    format!(
        "id: {id}\nevent: relay.state\ndata: {{\"specversion\":\"1.0\",\"id\":\"evt_{id}\",\
         \"type\":\"dev.livegate.relay.state\",\"subject\":\"room\",\"vendortype\":\"T\",\
         \"sequence\":\"{id:020}\",\"data\":{{\"n\":{id}}}}}\n\n"
    )
}

#[test]
fn listening_goes_on_after_a_break_and_says_so() {
    // The second stream repeats an event, as one that was sent twice across a break would.
    let first = stream(&format!("{}id: 6\nevent: relay.st", event(5)));
    let second = stream(&format!("{}{}{}", event(5), event(6), event(7)));
    let fake = Fake::answering(vec![first, second]);
    let (status, out, err) =
        run(livegate(&fake.url).args(["listen", "--channel", "room", "--count", "3"]));
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(fake.next().header("last-event-id"), None);
    let resumed = fake.next();
    assert_eq!(resumed.line, "GET /api/v1/tail?channel=room");
    assert_eq!(resumed.header("last-event-id"), Some("5"));
    let said: Vec<&str> = out.lines().map(|line| line.split_at(14).1).collect();
    assert_eq!(said[1], "connected; events from now on follow");
    assert_eq!(said[2], "#5 room  relay.state  T  evt_5");
    assert!(said[3].starts_with("lost after 0"), "{out}");
    assert!(said[4].starts_with("not connected: reconnecting in"), "{out}");
    assert_eq!(said[6], "connected; resumed after 5");
    assert_eq!(said[7..], ["#6 room  relay.state  T  evt_6", "#7 room  relay.state  T  evt_7"]);
}

#[test]
fn listening_sends_events_on_as_they_came_and_says_what_became_of_them() {
    let gateway = Fake::answering(vec![stream(&format!("{}{}", event(1), event(2)))]);
    let local = Fake::answering(vec![
        response("204 No Content", "text/plain", ""),
        response("500 Oh No", "text/plain", ""),
    ]);
    let to = format!("{}/hooks", local.url);
    let (status, out, err) =
        run(livegate(&gateway.url).args(["listen", "--to", &to, "--count", "2"]));
    assert_eq!(status, 0, "{err}");
    assert!(out.lines().nth(2).unwrap().contains("evt_1  -> 204 in "), "{out}");
    assert!(out.lines().nth(3).unwrap().contains("evt_2  -> FAILED: 500 in "), "{out}");
    let secret = err.split_whitespace().find(|word| word.starts_with("whsec_")).unwrap();
    let seen = local.next();
    assert_eq!(seen.line, "POST /hooks");
    assert_eq!(seen.body, event(1).split_once("data: ").unwrap().1.trim_end());
    assert_eq!(seen.header("webhook-id"), Some("evt_1"));
    assert_eq!(seen.header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
    // The signature verifies by the command's own reader of signatures, with that secret.
    let body = std::env::temp_dir().join(format!("livegate-cli-body-{}", std::process::id()));
    std::fs::write(&body, &seen.body).unwrap();
    let mut verify = livegate(&gateway.url);
    verify.env("LIVEGATE_KEY", secret).args(["verify", &to, "--scheme", "standard-webhooks"]);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        verify.arg("--header").arg(format!("{name}: {}", seen.header(name).unwrap()));
    }
    let (status, out, err) = run(verify.arg("--body").arg(&body));
    std::fs::remove_file(&body).unwrap();
    assert_eq!(status, 0, "{err}");
    assert!(out.starts_with("verified\nbody       signed too\n"), "{out}");
}

#[test]
fn listening_ends_where_trying_again_cannot_help() {
    let problem = r#"{"detail":"there is no such source","code":"request.not_found"}"#;
    let answer = response("404 Not Found", "application/problem+json", problem);
    let fake = Fake::answering(vec![answer]);
    let (status, _, err) = run(livegate(&fake.url).args(["listen", "--source", "src_1", "--json"]));
    assert_eq!(status, 1);
    assert!(err.contains("request.not_found"), "{err}");
}

#[test]
fn a_test_callback_is_signed_as_its_source_expects() {
    let page = |url: &str| {
        let source = SOURCE.replace("https://gate.example", url);
        json(&format!(r#"{{"items":[{source}],"next":null}}"#))
    };
    let ingress = Fake::answering(vec![
        json(r#"{"code":0}"#),
        json(r#"{"code":0}"#),
        response("401 Unauthorized", "application/json", "{}"),
    ]);
    let gateway = Fake::answering(vec![page(&ingress.url), page(&ingress.url)]);
    let mut command = livegate(&gateway.url);
    let (status, out, err) = run(command.env("LIVEGATE_KEY", "key").args([
        "send",
        "studio",
        "--room",
        "r",
        "--field",
        "state=END",
        "--time",
        "1725928200",
        "--repeat",
        "2",
        "--same",
    ]));
    assert_eq!(status, 0, "{err}");
    assert_eq!(out.lines().count(), 2);
    let (first, second) = (ingress.next(), ingress.next());
    assert_eq!(first.line, "POST /in/src_1");
    assert_eq!((&first.body, &first.headers), (&second.body, &second.headers));
    assert_eq!(first.header("x-hw-mss-time"), Some("66df9308"));
    assert_eq!(first.header("authorization"), None, "a vendor has no token");
    let envelope: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    let message: serde_json::Value =
        serde_json::from_str(envelope["message"].as_str().unwrap()).unwrap();
    assert_eq!((&message["room_id"], &message["state"]), (&"r".into(), &"END".into()));

    let mut command = livegate(&gateway.url);
    let (status, _, err) = run(command.env("LIVEGATE_KEY", "wrong").args(["send", "studio"]));
    assert_eq!(status, 1);
    assert!(err.contains("livegate rejections list --source studio"), "{err}");
}
