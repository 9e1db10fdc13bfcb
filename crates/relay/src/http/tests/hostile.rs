use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use livegate_core::relay::door::DoorSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{Served, TOKEN, api, header, problem, request, run, until};
use crate::http::Patience;

/// What a raw request is answered until the connection is closed.
async fn answered(host: &Served, bytes: &[u8]) -> String {
    let mut stream = host.connect().await;
    // The rest may not be taken any more.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn hasty() -> Patience {
    let short = Duration::from_millis(300);
    Patience { head: short, body: short, ..Patience::default() }
}

#[test]
fn who_is_slow_to_ask_is_closed() {
    run(async {
        let host = Served::with("", hasty(), DoorSettings::default()).await;
        let begun = Instant::now();
        // Nothing; some of a head; a whole request and then nothing more.
        assert_eq!(answered(&host, b"").await, "");
        assert_eq!(answered(&host, b"GET /healthz HTTP/1.1\r\nHost:").await, "");
        let kept = answered(&host, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(kept.starts_with("HTTP/1.1 200 "), "{kept}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        // A body that does not come.
        let head = format!(
            "POST /api/v1/relay-tasks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Length: 10\r\n\r\n{{"
        );
        let late = answered(&host, head.as_bytes()).await;
        assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
        assert!(late.contains("\"request.timeout\""), "{late}");
        until(|| host.host.meters.http_connections.value() == 0).await;
    });
}

#[test]
fn what_a_proxy_could_read_otherwise_is_refused() {
    run(async {
        let host = Served::new().await;
        let many = "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
        for head in ["GET /healthz HTTP/1.1\r\n\r\n", many] {
            let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            let answer = answered(&host, head.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
            assert!(answer.contains("\"request.host\""), "{answer}");
        }
        let old = answered(&host, b"GET /healthz HTTP/1.0\r\n\r\n").await;
        assert!(old.starts_with("HTTP/1.0 200 "), "{old}");
        let (length, coded) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
        for pair in [[length, coded], [coded, length]] {
            let request = format!(
                "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nPOST /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n\
                 0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
                pair.concat()
            );
            let answer = answered(&host, request.as_bytes()).await;
            let second = answer.split("HTTP/1.1 ").nth(2).unwrap();
            assert!(
                second.starts_with("400 ") && second.contains("\"request.length\""),
                "{answer}"
            );
            // Nothing that comes behind it is a request.
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
        }
        // Chunks alone are taken.
        let request = format!(
            "POST /api/v1/relay-tasks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             {coded}\r\n2\r\n{{}}\r\n0\r\n\r\n"
        );
        let answer = answered(&host, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    });
}

#[test]
fn what_is_too_long_is_refused() {
    run(async {
        let host = Served::new().await;
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(100_000));
        assert!(answered(&host, long.as_bytes()).await.starts_with("HTTP/1.1 4"));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(5_000));
        assert!(answered(&host, many.as_bytes()).await.starts_with("HTTP/1.1 431 "));
        // By its declared length, before it is read; and without one, in pieces.
        let said = format!(
            "POST /api/v1/relay-tasks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Length: 300000\r\nConnection: close\r\n\r\n"
        );
        assert!(answered(&host, said.as_bytes()).await.starts_with("HTTP/1.1 413 "));
        let body = Bytes::from(vec![b' '; 300_000]);
        let mut request = api("POST", "/api/v1/relay-tasks", &serde_json::Value::Null);
        *request.body_mut() = Full::new(body);
        assert_eq!(problem(&host.ask(request).await), (413, "request.too_large".to_owned()));
    });
}

#[test]
fn there_are_no_more_connections_than_there_may_be() {
    run(async {
        let mut door = DoorSettings::default();
        door.set("connections", 16).unwrap();
        let host = Served::with("", Patience::default(), door).await;
        let mut kept = Vec::new();
        for _ in 0..16 {
            kept.push(host.connect().await);
        }
        until(|| host.host.meters.http_connections.value() == 16).await;
        // One more is closed before it says anything.
        let mut refused = host.connect().await;
        assert!(matches!(refused.read(&mut [0]).await, Ok(0) | Err(_)));
        assert_eq!(host.host.meters.refused_connections.value(), 1);
        kept.pop();
        until(|| host.host.meters.http_connections.value() == 15).await;
        assert_eq!(host.get("/healthz").await.status(), 200);
    });
}

#[test]
fn no_path_leads_anywhere_else() {
    run(async {
        let host = Served::new().await;
        let _play = host.publish("live", "room", "ann");
        for path in [
            "/",
            "//",
            "/live",
            "/live/live/",
            "/live/live/room",
            "/live/live/../live/room.flv",
            "/live/live/%2e%2e%2froom.flv",
            "/live/live/room.flv/",
            "/LIVE/live/room.flv",
            "/live/live/room%00.flv",
            "/live/live%2froom.flv",
            "/healthz/",
            "/api",
            "/api/v1",
            "/app",
            "/%68ealthz/../metrics",
        ] {
            let answer = host.get(path).await;
            let is_call = path.starts_with("/app");
            assert_eq!(answer.status(), if is_call { 401 } else { 404 }, "{path}");
        }
        for path in ["/live/live/%zz.flv", "/%", "/live/live/%ff.flv", "/live/live/room.flv?user=%"]
        {
            assert_eq!(problem(&host.get(path).await), (400, "request.path".to_owned()), "{path}");
        }
    });
}

#[test]
fn other_methods_are_told_which_there_are() {
    run(async {
        let host = Served::new().await;
        let task = "/api/v1/relay-tasks/livegate/live/t1";
        for (method, path, allowed) in [
            ("POST", "/healthz", "GET, HEAD"),
            ("DELETE", "/metrics", "GET, HEAD"),
            ("PUT", "/api/v1/streams", "GET, HEAD"),
            ("PUT", "/api/v1/relay-tasks", "GET, HEAD, POST"),
            ("PATCH", task, "GET, HEAD, DELETE"),
            ("POST", "/live/live/room.flv", "GET, HEAD, OPTIONS"),
        ] {
            let answer = host.ask(api(method, path, &serde_json::Value::Null)).await;
            assert_eq!(problem(&answer), (405, "request.method_not_allowed".to_owned()), "{path}");
            assert_eq!(header(&answer, "allow"), allowed, "{path}");
        }
        let options = host.ask(api("OPTIONS", task, &serde_json::Value::Null)).await;
        assert_eq!(
            (options.status().as_u16(), header(&options, "allow")),
            (204, "GET, HEAD, DELETE")
        );
        let head = host.ask(request("HEAD", "/healthz").body(Full::default()).unwrap()).await;
        assert!(head.body().is_empty() && header(&head, "content-length") != "0");
    });
}
