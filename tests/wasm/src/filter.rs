//! What filters admit, and what is wrong with those that are wrong.

use livegate_core::error::Coded;
use livegate_core::event::{Event, Kind};
use livegate_core::filter::{Filter, SubscriptionSet};
use livegate_core::id::SourceId;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const SOURCE: &str = "src_000102030405060708090a0b0c0d0eff";

#[derive(Deserialize)]
pub(crate) struct Vector {
    filter: Option<Box<RawValue>>,
    filter_text: Option<String>,
    data: Option<Box<RawValue>>,
    data_text: Option<String>,
    #[serde(default)]
    event: Given,
}

/// What differs from the usual event.
#[derive(Deserialize)]
#[serde(default)]
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

pub(crate) fn outcome(vector: &Vector) -> Value {
    let text = vector.filter.as_deref().map(RawValue::get).or(vector.filter_text.as_deref());
    let filter = match Filter::parse(text.unwrap()) {
        Ok(filter) => filter,
        Err(violations) => {
            let wrong = violations
                .iter()
                .map(|wrong| json!({"path": wrong.path, "code": wrong.code().as_str()}))
                .collect::<Vec<_>>();
            return json!({ "violations": wrong });
        }
    };
    let given = &vector.event;
    let data = vector.data.as_deref().or(given.data.as_deref()).map(RawValue::get);
    let event = Event {
        kind: Kind::from_name(&given.kind).unwrap(),
        vendor_type: given.r#type.as_str().into(),
        channel: given.channel.as_deref().map(Into::into),
        user: given.user.as_deref().map(Into::into),
        entity: None,
        repeat_key: None,
        relay: None,
        vendor_id: None,
        time: None,
        data: data
            .or(vector.data_text.as_deref())
            .unwrap_or(r#"{"job_id":"j1","state":"CONNECTED"}"#)
            .into(),
    };
    let source = SourceId::parse(SOURCE).unwrap();
    let printed = serde_json::to_string(&filter).unwrap();
    let set: SubscriptionSet<u8> = [(1, filter.clone())].into_iter().collect();
    let mut in_a_set = false;
    set.matches(&event, source, |_| in_a_set = true);
    json!({
        "admits": filter.matches(&event, source),
        "admits_in_a_set": in_a_set,
        "reads_back": Filter::parse(&printed).as_ref() == Ok(&filter),
    })
}
