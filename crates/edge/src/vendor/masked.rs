//! A room, a job or a task without its secrets, for showing; and its secrets put back into what comes
//! in again as it was shown.

use livegate_core::dialect::redact;
use serde_json::{Map, Value, json};

/// What stands in a secret's place.
const MASK: &str = "***";

/// The document without keys and with its push addresses masked.
pub(crate) fn shown(whole: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = whole.clone();
    if let Some(Value::Object(callback)) = shown.get_mut("live_event_callback_config") {
        callback.remove("key");
    }
    for (name, mask) in LISTS {
        for item in shown.get_mut(*name).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(text) = item.as_str() {
                *item = json!(mask(text));
            }
        }
    }
    shown
}

type Mask = fn(&str) -> String;

const LISTS: &[(&str, Mask)] =
    &[("output_urls", |url| redact::push_url(url).into_owned()), ("stream_keys", |_| MASK.into())];

/// Puts back what was shown masked, and a callback's key, which is never shown.
pub(crate) fn restore(sent: &mut Value, whole: &Value) {
    for (name, mask) in LISTS {
        let items = sent.get_mut(*name).and_then(Value::as_array_mut);
        for (index, item) in items.into_iter().flatten().enumerate() {
            let Some(before) = whole[*name][index].as_str() else { continue };
            if item.as_str().is_some_and(|text| text == mask(before)) {
                *item = json!(before);
            }
        }
    }
    restore_key(sent, whole, "live_event_callback_config");
}

/// Puts the key back into the object at `name`, if that comes without one.
pub(crate) fn restore_key(sent: &mut Value, whole: &Value, name: &str) {
    if let (Some(Value::Object(config)), Some(key)) = (sent.get_mut(name), whole[name].get("key"))
        && !config.contains_key("key")
    {
        config.insert("key".to_owned(), key.clone());
    }
}
