use std::cell::{Cell, RefCell};
use std::rc::Rc;

use livegate_core::relay::door::DoorSettings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::{Served, api, problem, run, until};
use crate::callback::receivers;
use crate::clock;
use crate::http::Patience;
use crate::store::{Change, Event};

/// A receiver: what it says at the moment, and the ids that it heard.
struct Told {
    status: Cell<u16>,
    ids: RefCell<Vec<String>>,
}

async fn receiver() -> (Rc<Told>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let told = Rc::new(Told { status: Cell::new(410), ids: RefCell::default() });
    let own = Rc::clone(&told);
    spawn_local(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let (mut request, mut piece) = (Vec::new(), [0; 4_096]);
            // Bodies here end with their only closing brace.
            while !request.ends_with(b"}") {
                let read = tcp.read(&mut piece).await.unwrap();
                request.extend_from_slice(&piece[..read]);
            }
            let text = String::from_utf8(request).unwrap();
            let id = text.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap();
            own.ids.borrow_mut().push(id.to_owned());
            let answer = format!(
                "HTTP/1.1 {} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                own.status.get()
            );
            tcp.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (told, url)
}

fn event(id: &str) -> Change {
    let body = json!({
        "id": id, "type": "relay.state", "app_id": "live", "channel": "room", "task": "t1",
        "url": "rtmp://push.example.com/live/s3cret", "state": "live",
    });
    Change::Event(Event {
        app: "live".to_owned(),
        channel: "room".to_owned(),
        body: body.to_string(),
        id: id.to_owned(),
        at: clock::now(),
    })
}

async fn asked(host: &Served, method: &str, path: &str) -> Value {
    let answer = host.ask(api(method, path, &Value::Null)).await;
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_slice(answer.body()).unwrap()
}

#[test]
fn what_was_put_aside_is_shown_and_told_again() {
    run(async {
        let (told, url) = receiver().await;
        let callback = json!({ "url": url, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });
        let file = json!({ "applications": [{
            "app": "live", "publish_keys": ["0123456789abcdef0123456789abcdef"],
            "callback": callback,
        }] });
        let file =
            livegate_core::relay::credentials::Credentials::from_json(file.to_string().as_bytes());
        let to = receivers(&file.unwrap()).remove("live");
        let host = Served::telling("", Patience::default(), DoorSettings::default(), to).await;
        let store = host.host.store.clone();
        let put_aside = || host.host.callbacks.as_ref().unwrap().figures()[0].put_aside;
        store.write(vec![event("one"), event("two")]).await.unwrap();
        until(|| put_aside() == 2).await;
        while store.aside(None, None).await.unwrap().len() < 2 {}
        let list = "/api/v1/events?state=put_aside";
        let found = asked(&host, "GET", list).await;
        assert!(!found.to_string().contains("s3cret"), "{found}");
        let items = found["items"].as_array().unwrap();
        let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["two", "one"]);
        let names = ["receiver", "app", "channel", "kind", "code"];
        let shown = names.map(|name| items[0][name].as_str().unwrap().to_owned());
        assert_eq!(shown, ["callback", "live", "room", "relay.state", "delivery.gone"]);
        let how = &asked(&host, "GET", "/api/v1/receivers").await["items"][0];
        assert_eq!((&how["app"], &how["put_aside"]), (&json!("live"), &json!(2)));
        assert_eq!(how["failing"]["code"], "delivery.gone");

        // Its secret is right again: one, and then all that are left.
        told.status.set(200);
        let one = asked(&host, "POST", "/api/v1/events/one/replay").await;
        assert_eq!(one, json!({ "queued": 1 }));
        until(|| told.ids.borrow().len() == 3).await;
        assert_eq!(told.ids.borrow()[2], "one");
        let gone = host.ask(api("POST", "/api/v1/events/one/replay", &Value::Null)).await;
        assert_eq!(problem(&gone), (404, "request.not_found".to_owned()));
        let none = asked(&host, "POST", "/api/v1/events/replay?app=other").await;
        assert_eq!(none, json!({ "queued": 0 }));
        assert_eq!(asked(&host, "POST", "/api/v1/events/replay").await, json!({ "queued": 1 }));
        until(|| told.ids.borrow().len() == 4).await;
        assert_eq!(told.ids.borrow()[3], "two");
        assert_eq!(asked(&host, "GET", list).await["items"], json!([]));
        let how = &asked(&host, "GET", "/api/v1/receivers").await["items"][0];
        assert_eq!(how["failing"], Value::Null);

        // The application has no receiver any more.
        told.status.set(410);
        store.write(vec![event("three")]).await.unwrap();
        until(|| put_aside() == 3).await;
        while store.aside(None, None).await.unwrap().is_empty() {}
        host.host.callbacks.as_ref().unwrap().set([].into());
        let nobody = host.ask(api("POST", "/api/v1/events/three/replay", &Value::Null)).await;
        assert_eq!(problem(&nobody), (409, "host.no_receiver".to_owned()));
        assert_eq!(asked(&host, "GET", list).await["items"][0]["id"], "three");
    });
}

#[test]
fn where_nobody_is_told_nothing_is_put_aside() {
    run(async {
        let host = Served::new().await;
        for path in ["/api/v1/events", "/api/v1/receivers"] {
            assert_eq!(asked(&host, "GET", path).await["items"], json!([]));
            let secret = host.get(path).await;
            assert_eq!(problem(&secret), (401, "auth.required".to_owned()));
        }
        let wrong = host.ask(api("GET", "/api/v1/events?state=waiting", &Value::Null)).await;
        assert_eq!(problem(&wrong).0, 422);
        let put = host.ask(api("PUT", "/api/v1/events", &Value::Null)).await;
        assert_eq!(problem(&put).0, 405);
    });
}
