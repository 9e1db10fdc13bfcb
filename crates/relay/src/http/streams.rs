//! `/api/v1/streams`: what is published or pulled at this moment.

use serde_json::{Value, json};

use super::Host;
use super::answer::{Answer, json};
use crate::stream::StreamKey;

/// Answers.
pub(super) fn serve(host: &Host) -> Answer {
    let mut all = host.streams.list();
    all.sort();
    let items: Vec<Value> = all.iter().map(shown).collect();
    json(200, &json!({ "items": items, "next": null }))
}

fn shown(stream: &StreamKey) -> Value {
    json!({
        "app": stream.app,
        "channel": stream.channel,
        "user": stream.user,
        "source": stream.picture.as_str(),
    })
}
