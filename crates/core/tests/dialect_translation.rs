//! What holds for events that go from one dialect to another.

use livegate_core::dialect::{Dialect, DialectName, Secrecy, WriteContext};
use livegate_core::event::{Kind, RelayState};
use livegate_core::id::EventId;
use livegate_core::time::UnixMillis;
use proptest::prelude::*;
use serde_json::{Value, json};

fn context(secrecy: Secrecy) -> WriteContext<'static> {
    WriteContext {
        id: EventId::from_bytes([7; 16]),
        accepted_at: UnixMillis(1_725_928_200_000),
        app_id: "app-1",
        subscription: "sub-1",
        secrecy,
    }
}

fn dialect(name: DialectName) -> Dialect {
    serde_json::from_value(json!({ "dialect": name })).unwrap()
}

fn any_dialect() -> impl Strategy<Value = DialectName> {
    proptest::sample::select(DialectName::ALL)
}

/// An event of any kind that livegate's own callbacks have, none of whose names is another's.
fn said() -> impl Strategy<Value = Value> {
    let kinds: Vec<Kind> = DialectName::LivegateRelay.written().to_vec();
    let state = proptest::option::of(proptest::sample::select(RelayState::ALL));
    let name = "[a-z0-9_-]{1,20}";
    let secret = "Q[A-Za-z0-9]{6,20}Z";
    (proptest::sample::select(kinds), state, name, name, name, secret, secret, 0_u64..4_000_000_000)
        .prop_map(|(kind, state, channel, user, task, key, token, second)| {
            let time = UnixMillis(second * 1000 + 5);
            let url = format!("rtmp://push.example.com/live/{key}?sign={token}");
            let mut said = json!({"id": "e", "type": kind.as_str(), "time": time.to_string(),
                "channel": channel, "user": user, "secrets": [key, token]});
            if kind == Kind::RelayState {
                said["task"] = task.into();
                said["url"] = url.into();
                said["state"] = state.map(RelayState::as_str).into();
            }
            said
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// In another vendor's words an event says what it said, but for what those have no words for.
    #[test]
    fn what_is_written_for_another_says_the_same(to in any_dialect(), said in said()) {
        let own = DialectName::LivegateRelay;
        let body = said.to_string();
        let read = dialect(own).parse(body.as_bytes()).unwrap();
        let event = read.first();
        let Ok(written) = dialect(to).write(event, own, &context(Secrecy::Masked)) else {
            return Ok(());
        };
        prop_assert!(to.carries(event.kind, own));
        let events = dialect(to).parse(&written).unwrap();
        let again = events.first();
        prop_assert_eq!(again.kind, event.kind);
        // A mixed-stream relay's events name the task and no channel.
        if to != DialectName::ArtcMpu {
            prop_assert_eq!(&again.channel, &event.channel);
        }
        let names_users = !matches!(to, DialectName::ArtcMpu | DialectName::MetaStudio);
        let of_user = !matches!(event.kind.family(), "channel" | "relay");
        if names_users && of_user {
            prop_assert_eq!(&again.user, &event.user);
        }
        if let Some(relay) = &again.relay {
            let was = event.relay.as_ref().unwrap();
            prop_assert_eq!(&relay.task, &was.task);
            // MetaStudio's links that failed are over, and what a code of the mixed-stream relay's
            // means is a setting.
            match (to, was.state) {
                (DialectName::MetaStudio, Some(RelayState::Failed)) => {
                    prop_assert_eq!(relay.state, Some(RelayState::Ended));
                }
                (DialectName::ArtcMpu, _) => {}
                (_, state) => prop_assert_eq!(relay.state, state),
            }
        }
        if to == own {
            return Ok(());
        }
        let text = String::from_utf8(written).unwrap();
        for secret in said["secrets"].as_array().unwrap() {
            prop_assert!(!text.contains(secret.as_str().unwrap()), "{} in {}", secret, text);
        }
        let intact = dialect(to).write(event, own, &context(Secrecy::Intact)).unwrap();
        let events = dialect(to).parse(&intact).unwrap();
        if let (Some(relay), Some(was)) = (&events.first().relay, &event.relay) {
            prop_assert_eq!(&relay.url, &was.url);
        }
    }
}

/// The property above says nothing of what is refused: this does.
#[test]
fn every_kind_that_a_dialect_carries_is_written() {
    let own = DialectName::LivegateRelay;
    for kind in own.written() {
        let body = json!({"type": kind.as_str(), "channel": "c", "user": "u", "task": "t",
            "url": "rtmp://h/a/b", "state": "live"});
        let body = body.to_string();
        let read = dialect(own).parse(body.as_bytes()).unwrap();
        // ARTC's tags for channels and for what a user sends are not documented: the words of an
        // endpoint say them.
        let documented = kind.family() == "user";
        let all = DialectName::ALL.iter().filter(|to| documented || **to != DialectName::Artc);
        for to in all {
            let written = dialect(*to).write(read.first(), own, &context(Secrecy::Masked));
            assert_eq!(written.is_ok(), to.carries(*kind, own), "{kind} as {to}: {written:?}");
        }
    }
}
