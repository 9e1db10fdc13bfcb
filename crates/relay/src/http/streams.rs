//! `/api/v1/streams`: what is published or pulled at this moment.

use serde_json::{Value, json};

use super::Host;
use super::answer::{Answer, json};
use crate::stream::{Figures, StreamKey};

/// Answers.
pub(super) fn serve(host: &Host) -> Answer {
    let all = host.streams.list();
    let items: Vec<Value> = all.iter().map(shown).collect();
    json(200, &json!({ "items": items, "next": null }))
}

fn shown((stream, figures): &(StreamKey, Figures)) -> Value {
    json!({
        "app": stream.app,
        "channel": stream.channel,
        "user": stream.user,
        "source": stream.picture.as_str(),
        "began_at": figures.began_at.to_string(),
        "bytes": figures.bytes,
        "messages": figures.messages,
        "viewers": figures.readers,
    })
}
