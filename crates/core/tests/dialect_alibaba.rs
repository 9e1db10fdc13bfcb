//! What Alibaba's dialects have beyond the vectors: bodies of several events, forms, words; and what
//! holds for any body of theirs.

use livegate_core::dialect::{Dialect, DialectName, RawDialect, Secrecy, WriteContext, redact};
use livegate_core::error::Coded;
use livegate_core::event::{Event, Kind, Relay, RelayState};
use livegate_core::id::EventId;
use livegate_core::time::UnixMillis;
use proptest::prelude::*;
use serde_json::{Value, json};

const NAMES: [&str; 5] = ["artc", "artc-mpu", "alibaba-live", "artc-recording", "dingrtc"];

/// The codes that are written without words, as words: docs/spec/events.md says which.
fn table() -> Value {
    json!({"0": "connecting", "1": "live", "2": "ended", "5": "recovering", "6": "failed"})
}

fn dialect(settings: Value) -> Dialect {
    serde_json::from_value(settings).unwrap()
}

fn named(name: &str) -> Dialect {
    dialect(json!({"dialect": name}))
}

fn context(secrecy: Secrecy) -> WriteContext<'static> {
    WriteContext {
        id: EventId::from_bytes([7; 16]),
        accepted_at: UnixMillis(1_725_928_200_000),
        app_id: "app-1",
        subscription: "sub-1",
        secrecy,
    }
}

/// Three events, with what a rewrite would lose: spaces, an order, a long number, an escape.
const SEVERAL: &str = r#"{ "z":1.50, "Contents" : [ {"Event":"UserEvent","UserEvent":{"EventTag":"Join","US":50687486040473640000001}},
 {"Event":"UserEvent","UserEvent":{"UserId":"\u0062","EventTag":"Leave"}} , {"Event":"UserEvent","UserEvent":{}} ],"MsgId":"m" , "a":[] }"#;

#[test]
fn an_event_of_several_stands_alone_byte_for_byte() {
    let artc = named("artc");
    let second = r#"{ "z":1.50, "Contents" : [{"Event":"UserEvent","UserEvent":{"UserId":"\u0062","EventTag":"Leave"}}],"MsgId":"m" , "a":[] }"#;
    assert_eq!(&*artc.alone(SEVERAL.as_bytes(), 1), second.as_bytes());
    let events = artc.parse(SEVERAL.as_bytes()).unwrap();
    assert_eq!(events.iter().count(), 3);
    assert_eq!(events.iter().nth(1).unwrap().data, second);
    for (index, event) in events.iter().enumerate() {
        let alone = artc.alone(SEVERAL.as_bytes(), index);
        assert_eq!(event.data.as_bytes(), &*alone);
        let again = artc.parse(&alone).unwrap();
        assert_eq!(again.iter().count(), 1);
        assert_eq!(again.first().vendor_type, event.vendor_type);
        assert_eq!(again.first().user, event.user);
        let written = artc.write(event, DialectName::Artc, &context(Secrecy::Masked)).unwrap();
        assert_eq!(written, &*alone);
    }
    assert_eq!(&*artc.alone(SEVERAL.as_bytes(), 3), SEVERAL.as_bytes(), "there is no fourth");
    assert_eq!(&*artc.alone(b"{\"Contents\":[", 0), b"{\"Contents\":[");
    assert_eq!(&*artc.alone(b"\xff", 0), b"\xff");
}

#[test]
fn the_only_event_of_a_body_is_the_body() {
    let artc = named("artc");
    let body = r#" {"Contents":[{"Event":"UserEvent"}], "x":1} "#;
    assert_eq!(&*artc.alone(body.as_bytes(), 0), body.as_bytes());
    assert_eq!(artc.parse(body.as_bytes()).unwrap().first().data, body.trim());
    let form = "Contents=%5B%7B%22Event%22%3A%22UserEvent%22%7D%5D&MsgId=m";
    assert_eq!(&*artc.alone(form.as_bytes(), 0), form.as_bytes());
    assert_eq!(artc.content_type(form.as_bytes()), "application/x-www-form-urlencoded");
}

#[test]
fn an_event_of_a_form_stands_alone_as_json() {
    let artc = named("artc");
    // Python: urllib.parse.urlencode({"MsgId": "m", "Contents": '[{"Event":"A"},{"Event":"B"}]'})
    let form = "MsgId=m&Contents=%5B%7B%22Event%22%3A%22A%22%7D%2C%7B%22Event%22%3A%22B%22%7D%5D";
    let alone = artc.alone(form.as_bytes(), 1);
    assert_eq!(&*alone, br#"{"MsgId":"m","Contents":"[{\"Event\":\"B\"}]"}"#);
    assert_eq!(artc.content_type(&alone), "application/json");
    assert_eq!(artc.parse(&alone).unwrap().first().vendor_type, "B");
}

#[test]
fn a_masked_form_is_a_form() {
    let live = named("alibaba-live");
    let masked = |form: &str| {
        let masked = live.redact(form.as_bytes()).into_owned();
        let text = String::from_utf8(masked).unwrap();
        assert_eq!(&*live.redact(text.as_bytes()), text.as_bytes(), "masking twice");
        text
    };
    let plain = "action=publish&id=s%201&usrargs=";
    assert_eq!(masked(plain), plain, "what holds no secret stays byte for byte");
    assert_eq!(
        masked("action=publish&usrargs=vhost%3Dh.example%26auth_key%3D1-0-0-abcd&id=a+b"),
        "action=publish&usrargs=vhost%3Dh.example%26auth_key%3D***&id=a+b"
    );
    assert_eq!(masked("usrargs=vhost=h.example&auth_key=1-0-0-abcd"), {
        "usrargs=vhost%3Dh.example&auth_key=***"
    });
    // The token is known by its field, and masked wherever else it stands.
    assert_eq!(masked("auth_key=abcd1234&id=x-abcd1234"), "auth_key=***&id=x-***");
    for no_form in ["[1", "stream_key:abcd", "%7B%22stream_key%22%3A%22abcd%22%7D"] {
        assert_eq!(masked(&format!("{no_form}&a=b")), redact::PLACEHOLDER, "{no_form}");
    }
}

#[test]
fn words_cannot_say_otherwise_than_the_vendor() {
    let refused = |dialect: Value| {
        let raw: RawDialect = serde_json::from_value(dialect).unwrap();
        Dialect::try_from(raw).unwrap_err().code().as_str()
    };
    for tag in ["Join", "Leave", "Publish", "Unpublish", "Roleupdate"] {
        let words = json!({"dialect": "artc", "words": {tag: "user.join", "Other": "user.join"}});
        assert_eq!(refused(words), "dialect.word_known", "{tag}");
    }
    let words = |dialect: &str, meaning: &str| {
        refused(json!({"dialect": dialect, "words": {"Other": meaning}}))
    };
    assert_eq!(words("artc", "recording.state"), "dialect.word_meaning");
    assert_eq!(words("artc", "live"), "dialect.word_meaning");
    assert_eq!(words("artc-mpu", "video.start"), "dialect.word_meaning");
    assert_eq!(words("dingrtc", "video.start"), "dialect.words_not_used");
}

#[test]
fn a_push_address_leaves_masked_unless_the_endpoint_pushes_itself() {
    let relay = Relay {
        state: Some(RelayState::Live),
        task: None,
        url: Some("rtmp://h/app/key1?k=v".into()),
    };
    let event = Event { relay: Some(relay), ..Event::new(Kind::RelayState, "t", "{}") };
    let url = |secrecy| {
        let written = named("artc-mpu").write(&event, DialectName::Trtc, &context(secrecy));
        let body: Value = serde_json::from_slice(&written.unwrap()).unwrap();
        body["Payload"]["DstUrl"].as_str().unwrap().to_owned()
    };
    assert_eq!(url(Secrecy::Masked), "rtmp://h/app/***?k=***");
    assert_eq!(url(Secrecy::Intact), "rtmp://h/app/key1?k=v");
}

/// Any value, among them such as these vendors send.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~\u{4f60}\u{1f600}\"\\\\]{0,8}".prop_map(Value::from),
        proptest::sample::select(vec![
            "UserEvent",
            "ChannelEvent",
            "Join",
            "publish",
            "record_started",
            "001",
            "1712656430",
            "[{\"Event\":\"UserEvent\"}]",
            "rtmp://h/app/key?a=b",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(field(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "MsgId",
        "MsgTimestamp",
        "ChannelId",
        "ChannelID",
        "Contents",
        "Event",
        "UserEvent",
        "ChannelEvent",
        "EventTag",
        "UserId",
        "Timestamp",
        "EventType",
        "TaskId",
        "Payload",
        "DstUrl",
        "EventTs",
        "EventCode",
        "CallbackTs",
        "action",
        "app",
        "appname",
        "id",
        "time",
        "usrargs",
        "event",
        "uri",
        "stream",
        "stop_time",
        "eventType",
        "channelId",
        "taskId",
        "callbackTs",
        "eventId",
        "eventData",
        "notifyTime",
    ]);
    prop_oneof![4 => known.prop_map(String::from), 1 => "[a-z]{1,3}"]
}

fn object() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(field(), value(), 0..12)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn any_bytes_are_read_masked_and_cut_without_a_panic(
        body in proptest::collection::vec(any::<u8>(), 0..200), index in 0_usize..3,
    ) {
        for name in NAMES {
            let dialect = named(name);
            let _ = dialect.parse(&body);
            let _ = dialect.alone(&body, index);
            let masked = dialect.redact(&body).into_owned();
            prop_assert_eq!(dialect.redact(&masked), masked.as_slice());
        }
    }

    /// What is read keeps to the dialect's kinds, names are short, and each event is its body's own.
    #[test]
    fn any_object_is_read_or_refused_with_its_place(object in object()) {
        let body = object.to_string();
        for name in NAMES {
            let dialect = named(name);
            match dialect.parse(body.as_bytes()) {
                Err(error) => prop_assert!(
                    ["dialect.wrong_shape", "dialect.value_too_long"].contains(&error.code().as_str())
                ),
                Ok(events) => for (index, event) in events.iter().enumerate() {
                    prop_assert!(dialect.name().kinds().contains(&event.kind));
                    let alone = dialect.alone(body.as_bytes(), index);
                    prop_assert_eq!(event.data.as_bytes(), &*alone);
                    let again = dialect.parse(&alone).unwrap();
                    prop_assert_eq!(again.first().kind, event.kind);
                    prop_assert_eq!(&again.first().entity, &event.entity);
                },
            }
        }
    }

    /// A form says what the object of its strings says.
    #[test]
    fn a_form_says_what_its_object_says(
        fields in proptest::collection::btree_map(field(), "[ -~\u{e9}]{0,12}", 1..8),
    ) {
        let form: String = url_encoded(&fields);
        let object = serde_json::to_string(&fields).unwrap();
        for name in ["artc", "alibaba-live"] {
            let dialect = named(name);
            prop_assert_eq!(dialect.parse(form.as_bytes()), dialect.parse(object.as_bytes()));
        }
    }

    #[test]
    fn no_push_token_is_shown(
        token in "Q[A-Za-z0-9_-]{6,30}Z", key in "Q[A-Za-z0-9_-]{6,30}Z", noise in object(),
        encoded in any::<bool>(),
    ) {
        let address = format!("rtmp://h.example/app/{key}?auth_key={token}");
        let body = json!({"EventType": 1, "TaskId": "t", "noise": noise,
            "Payload": {"DstUrl": address, "ErrorMessage": format!("no {address} ({token})")}});
        let body = body.to_string();
        let mpu = named("artc-mpu");
        let mut shown = vec![String::from_utf8(mpu.redact(body.as_bytes()).into_owned()).unwrap()];
        if let Ok(events) = mpu.parse(body.as_bytes()) {
            shown.push(format!("{events:?}"));
            shown.push(redact::json(&events.first().data).into_owned());
        }
        let (equals, and) = if encoded { ("%3D", "%26") } else { ("=", "&") };
        let query = format!(
            "action=publish&usrargs=vhost{equals}h.example{and}auth_key{equals}{token}&id={token}&time=1"
        );
        let live = named("alibaba-live");
        let masked = String::from_utf8(live.redact(query.as_bytes()).into_owned()).unwrap();
        prop_assert!(masked.contains("action=publish"));
        shown.push(masked);
        let events = live.parse(query.as_bytes()).unwrap();
        shown.push(redact::json(&events.first().data).into_owned());
        for shown in shown {
            prop_assert!(!shown.contains(&token) && !shown.contains(&key), "{}", shown);
        }
    }

    #[test]
    fn what_is_written_says_the_same(
        kind in proptest::sample::select(DialectName::Artc.written().to_vec()),
        channel in "[ -~]{1,40}", user in "[a-z0-9 \"\\\\]{1,20}", time in 0_u64..4_000_000_000,
        state in proptest::sample::select(RelayState::ALL.to_vec()), task in "[a-z0-9_-]{1,40}",
    ) {
        let mut event = Event::new(kind, "x", "{}");
        event.channel = Some(channel.as_str().into());
        let of_channel = matches!(kind, Kind::ChannelStart | Kind::ChannelEnd);
        event.user = (!of_channel).then(|| user.as_str().into());
        event.time = Some(UnixMillis(time * 1000));
        let documented = matches!(kind.family(), "user");
        let words = if documented { json!({}) } else { json!({"W": kind.as_str()}) };
        let artc = dialect(json!({"dialect": "artc", "words": words}));
        let written = artc.write(&event, DialectName::Trtc, &context(Secrecy::Masked)).unwrap();
        let again = artc.parse(&written).unwrap();
        let again = again.first();
        prop_assert_eq!(
            (again.kind, &again.channel, &again.user, again.time),
            (event.kind, &event.channel, &event.user, event.time)
        );

        let relay = Relay { state: Some(state), task: Some(task.as_str().into()), url: None };
        let event = Event { relay: Some(relay), ..Event::new(Kind::RelayState, "x", "{}") };
        let read = dialect(json!({"dialect": "artc-mpu", "words": table()}));
        for write in [named("artc-mpu"), read.clone()] {
            let written = write.write(&event, DialectName::Trtc, &context(Secrecy::Masked)).unwrap();
            let again = read.parse(&written).unwrap();
            let relay = again.first().relay.as_ref().unwrap();
            prop_assert_eq!((relay.state, relay.task.as_deref()), (Some(state), Some(&*task)));
        }
    }
}

/// The URL standard's serializer of forms, for printable ASCII and Latin letters.
fn url_encoded(fields: &std::collections::BTreeMap<String, String>) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |out, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out + &char::from(byte).to_string(),
            b' ' => out + "+",
            _ => out + &format!("%{byte:02x}"),
        })
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}
