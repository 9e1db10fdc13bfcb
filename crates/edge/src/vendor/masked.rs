//! A room, a job or a task without its secrets, for showing; and its secrets put back into what comes
//! in again as it was shown.

use livegate_core::dialect::redact::{self, MASK};
use serde_json::{Map, Value, json};

const CALLBACK: &str = "live_event_callback_config";
const URLS: &str = "output_urls";
const KEYS: &str = "stream_keys";

/// The document without keys and with its push addresses masked, however deep they are.
pub(crate) fn shown(whole: &Map<String, Value>) -> Map<String, Value> {
    whole.iter().map(|(name, value)| (name.clone(), field(name, value))).collect()
}

/// A field as it is shown.
fn field(name: &str, value: &Value) -> Value {
    match (name, value) {
        (URLS, Value::Array(urls)) => urls.iter().map(shown_url).collect(),
        (KEYS, Value::Array(keys)) => keys.iter().map(|_| MASK).collect(),
        (CALLBACK, Value::Object(config)) => {
            let mut config = config.clone();
            config.remove("key");
            redacted(name, &Value::Object(config))
        }
        _ => redacted(name, value),
    }
}

fn shown_url(url: &Value) -> Value {
    url.as_str().map_or_else(|| json!(MASK), |url| json!(redact::push_url(url)))
}

/// Each field by itself: a secret that is a common word would be masked in all the others, too.
fn redacted(name: &str, value: &Value) -> Value {
    let text = json!({ name: value }).to_string();
    let shown = redact::json(&text);
    if shown == text {
        return value.clone();
    }
    // What could not be read is not shown at all.
    let shown = crate::json::parse::<Map<String, Value>>(&shown).ok();
    shown.and_then(|mut shown| shown.remove(name)).unwrap_or_else(|| json!(MASK))
}

/// Puts back what was shown masked, and a callback's key, which is never shown.
///
/// # Errors
/// The field that is still masked, as nothing that was there is shown so.
pub(crate) fn restore(sent: &mut Value, whole: &Value) -> Result<(), String> {
    restore_outputs(sent, whole);
    for (name, value) in sent.as_object_mut().into_iter().flatten() {
        let before = &whole[name.as_str()];
        if before.is_null() || name == URLS || name == KEYS {
            continue;
        }
        if *value == field(name, before) {
            value.clone_from(before);
        } else if redacted(name, before) != *before && value.to_string().contains(MASK) {
            // Which secret of the field is meant cannot be told any more.
            return Err(name.clone());
        }
    }
    restore_key(sent, whole, CALLBACK);
    sent.as_object().map_or(Ok(()), unmasked)
}

/// Outputs may come back in another order. A masked key is that of the output it comes with.
fn restore_outputs(sent: &mut Value, whole: &Value) {
    let there = whole[URLS].as_array().map_or(&[][..], Vec::as_slice);
    let of = match sent.get_mut(URLS).and_then(Value::as_array_mut) {
        Some(urls) => {
            let of = matched(urls, there);
            for (url, at) in urls.iter_mut().zip(&of) {
                if let Some(before) = at.and_then(|at| there.get(at)) {
                    url.clone_from(before);
                }
            }
            of
        }
        None => (0..there.len()).map(Some).collect(),
    };
    let keys = sent.get_mut(KEYS).and_then(Value::as_array_mut);
    for (key, at) in keys.into_iter().flatten().zip(of) {
        if let Some(before) = at.and_then(|at| whole[KEYS].get(at))
            && *key == MASK
        {
            key.clone_from(before);
        }
    }
}

/// Which of the addresses that were there each one is, in clear or masked: of several that are shown
/// alike the one in the same place, or else the first that no other one is.
fn matched(urls: &[Value], there: &[Value]) -> Vec<Option<usize>> {
    let shown: Vec<Value> = there.iter().map(shown_url).collect();
    let is = |url: &Value, at: usize| there.get(at) == Some(url) || shown.get(at) == Some(url);
    let same_place = |(at, url)| is(url, at).then_some(at);
    let mut of: Vec<Option<usize>> = urls.iter().enumerate().map(same_place).collect();
    for (index, url) in urls.iter().enumerate() {
        if of[index].is_none() {
            of[index] = (0..there.len()).find(|at| is(url, *at) && !of.contains(&Some(*at)));
        }
    }
    of
}

/// Whether there are addresses and keys, and not what is shown of them.
///
/// # Errors
/// The first one that is masked, such as `stream_keys[0]`.
pub(crate) fn unmasked(sent: &Map<String, Value>) -> Result<(), String> {
    for name in [URLS, KEYS] {
        let items = sent.get(name).and_then(Value::as_array);
        for (index, item) in items.into_iter().flatten().enumerate() {
            let text = item.as_str().unwrap_or_default();
            if text == MASK || (name == URLS && text.contains(MASK)) {
                return Err(format!("{name}[{index}]"));
            }
        }
    }
    Ok(())
}

/// Puts the key back into the object at `name`, if that comes without one.
pub(crate) fn restore_key(sent: &mut Value, whole: &Value, name: &str) {
    if let (Some(Value::Object(config)), Some(key)) = (sent.get_mut(name), whole[name].get("key"))
        && !config.contains_key("key")
    {
        config.insert("key".to_owned(), key.clone());
    }
}
