//! Reads `vectors/filter/*.json`: what filters admit, and what is wrong with those that are wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use livegate_core::error::Coded;
use livegate_core::event::{Event, Kind};
use livegate_core::filter::{Filter, SubscriptionSet};
use livegate_core::id::SourceId;
use serde::Deserialize;
use serde_json::value::RawValue;

const SOURCE: &str = "src_000102030405060708090a0b0c0d0eff";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    /// The filter, as JSON or as a text.
    filter: Option<Box<RawValue>>,
    filter_text: Option<String>,
    /// The event's data, as JSON or as a text; and what else differs from the usual event.
    data: Option<Box<RawValue>>,
    data_text: Option<String>,
    #[serde(default)]
    event: Given,
    /// Whether the filter admits the event.
    expect: Option<bool>,
    /// Why the JavaScript library (simple-json-match 1.3.0) answers otherwise, where it does.
    #[serde(rename = "differs")]
    _differs: Option<String>,
    /// What is wrong with the filter.
    violations: Option<Vec<Wrong>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    kind: String,
    r#type: String,
    channel: Option<String>,
    user: Option<String>,
    data: Option<Box<RawValue>>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            kind: "relay.state".into(),
            r#type: "RTMP_STREAM_STATE_CHANGE".into(),
            channel: Some("room".into()),
            user: Some("anchor".into()),
            data: None,
        }
    }
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Wrong {
    path: String,
    code: String,
}

fn cases(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/filter").join(file);
    let cases: Vec<Case> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "a name in {file} is there twice");
    assert!(cases.iter().all(|case| !case.why.is_empty()));
    cases
}

impl Case {
    fn filter(&self) -> &str {
        self.filter.as_deref().map(RawValue::get).or(self.filter_text.as_deref()).unwrap()
    }

    fn event(&self) -> Event<'_> {
        let data = [self.data.as_deref(), self.event.data.as_deref()];
        let data = data.into_iter().flatten().map(RawValue::get).next();
        Event {
            kind: Kind::from_name(&self.event.kind).unwrap(),
            vendor_type: self.event.r#type.as_str().into(),
            channel: self.event.channel.as_deref().map(Into::into),
            user: self.event.user.as_deref().map(Into::into),
            entity: None,
            repeat_key: None,
            relay: None,
            vendor_id: None,
            time: None,
            data: data
                .or(self.data_text.as_deref())
                .unwrap_or(r#"{"job_id":"j1","state":"CONNECTED"}"#)
                .into(),
        }
    }

    /// By the filter alone, and among others in a set.
    fn answer(&self, filter: &Filter) -> bool {
        let event = self.event();
        let source = SourceId::parse(SOURCE).unwrap();
        let alone = filter.matches(&event, source);
        let never = Filter::parse(r#"{"where":{"$or":[]}}"#).unwrap();
        // A condition on fields that others read as well, and as a whole.
        let other = Filter::parse(r#"{"where":{"a":{"$neq":{}},"s":{"b":1}}}"#).unwrap();
        let set: SubscriptionSet<u8> =
            [(1, never.clone()), (2, filter.clone()), (3, never), (4, other), (2, filter.clone())]
                .into_iter()
                .collect();
        let mut keys = Vec::new();
        set.matches(&event, source, |key| keys.push(*key));
        keys.retain(|key| *key != 4);
        assert_eq!(keys, if alone { vec![2, 2] } else { vec![] }, "{}: in a set", self.name);
        alone
    }
}

fn check(file: &str) -> usize {
    let cases = cases(file);
    for case in &cases {
        let (name, text) = (&case.name, case.filter());
        let expect = case.expect.unwrap();
        let filter = Filter::parse(text).unwrap_or_else(|wrong| panic!("{name}: {wrong:?}"));
        assert_eq!(case.answer(&filter), expect, "{name}");

        let printed = serde_json::to_string(&filter).unwrap();
        assert_eq!(Filter::parse(&printed).unwrap(), filter, "{name}: printed {printed}");

        // The condition's opposite answers the opposite, its opposite's opposite the same.
        let parts: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let Some(condition) = parts.get("where").filter(|condition| !condition.is_null()) else {
            continue;
        };
        let only = |condition: serde_json::Value| {
            let text = serde_json::json!({ "where": condition }).to_string();
            Filter::parse(&text).unwrap_or_else(|wrong| panic!("{name}: {text} {wrong:?}"))
        };
        let plain = case.answer(&only(condition.clone()));
        let not = serde_json::json!({ "$not": condition });
        assert_eq!(case.answer(&only(not.clone())), !plain, "{name}: $not");
        assert_eq!(case.answer(&only(serde_json::json!({ "$not": not }))), plain, "{name}: twice");
    }
    cases.len()
}

#[test]
fn conditions_admit_what_the_vectors_say() {
    assert!(check("conditions.json") >= 200);
}

#[test]
fn texts_of_numbers_and_escapes_are_read_as_the_vectors_say() {
    assert!(check("texts.json") >= 35);
}

#[test]
fn scopes_and_attributes_admit_what_the_vectors_say() {
    assert!(check("events.json") >= 50);
}

#[test]
fn every_violation_is_reported_with_its_place_and_code() {
    let mut seen = BTreeSet::new();
    for case in cases("violations.json") {
        let name = &case.name;
        let found: Vec<Wrong> = match Filter::parse(case.filter()) {
            Ok(_) => Vec::new(),
            Err(violations) => violations
                .iter()
                .map(|violation| {
                    assert!(violation.code().is_well_formed());
                    // Codes are for machines, messages for people.
                    let message = violation.error.to_string();
                    assert!(!message.contains("filter."), "{name}: {message}");
                    assert!(!message.ends_with('.') && message.len() < 100, "{name}: {message}");
                    let code = violation.code().as_str().to_owned();
                    seen.insert(code.clone());
                    Wrong { path: violation.path.clone(), code }
                })
                .collect(),
        };
        assert_eq!(&found, case.violations.as_ref().unwrap(), "{name}");
    }
    // One for every variant of the error.
    assert_eq!(seen.len(), 17, "{seen:?}");
}
