//! Reads `vectors/scheme/*.json` (made by `vectors/make_scheme.py`): signed calls that independent
//! tools made, and what has to be said to each.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use livegate_core::error::{Code, Coded};
use livegate_core::scheme::{
    Builtin, Call, CanonicalUri, KeyUsed, Outgoing, Policy, Refusal, Scheme, Secret, Secrets,
    ShowBody, Signed, Signer, Verified, Verifier, explain,
};
use livegate_core::time::{Millis, UnixMillis};
use serde::Deserialize;

#[derive(Deserialize)]
struct File<V> {
    vectors: Vec<V>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Which {
    Name(String),
    Custom(Scheme),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Previous {
    key: String,
    until_ms: u64,
}

/// A call that came in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    name: String,
    why: String,
    scheme: Which,
    canonical_uri: Option<String>,
    key: Option<String>,
    previous: Option<Previous>,
    url: String,
    method: String,
    query: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    body_hex: Option<String>,
    now_ms: u64,
    freshness_s: Option<u64>,
    skew_s: Option<u64>,
    expect: String,
    signed: Option<String>,
    signed_at_ms: Option<u64>,
    id: Option<String>,
    key_used: Option<String>,
}

/// A call that is to be sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToSign {
    name: String,
    why: String,
    scheme: Which,
    canonical_uri: Option<String>,
    key: Option<String>,
    previous: Option<Previous>,
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    body: String,
    id: String,
    now_ms: u64,
    expect: String,
    set_headers: Vec<(String, String)>,
    set_query: Vec<(String, String)>,
    set_body_fields: Vec<(String, String)>,
    signed_url: Option<String>,
}

const INCOMING: &[&str] = &[
    "huawei.json",
    "standard_webhooks.json",
    "standard_webhooks_v1a.json",
    "custom.json",
    "vendors.json",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/scheme")
}

fn read<V: for<'de> Deserialize<'de>>(name: &str) -> Vec<V> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let file: File<V> = serde_json::from_str(&text).unwrap();
    assert!(!file.vectors.is_empty(), "{name} has no vectors");
    file.vectors
}

fn incoming() -> Vec<Incoming> {
    INCOMING.iter().flat_map(|name| read(name)).collect()
}

fn scheme_of(which: &Which, uri: Option<&str>) -> Scheme {
    match which {
        Which::Custom(scheme) => scheme.clone(),
        Which::Name(name) => {
            let uri = uri
                .map_or_else(CanonicalUri::default, |name| CanonicalUri::from_name(name).unwrap());
            Builtin::from_name(name).unwrap().scheme_with(uri)
        }
    }
}

fn secrets_of(
    scheme: &Scheme,
    key: Option<&str>,
    previous: Option<&Previous>,
) -> Result<Option<Secrets>, Code> {
    let secret = |text: &str| Secret::for_scheme(scheme, text).map_err(|error| error.code());
    let Some(key) = key else { return Ok(None) };
    Ok(Some(match previous {
        None => Secrets::new(secret(key)?),
        Some(previous) => {
            let until = UnixMillis(previous.until_ms);
            Secrets::rotating(secret(key)?, secret(&previous.key)?, until)
        }
    }))
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn verifier_of(vector: &Incoming) -> Result<Verifier, Code> {
    let scheme = scheme_of(&vector.scheme, vector.canonical_uri.as_deref());
    let secrets = secrets_of(&scheme, vector.key.as_deref(), vector.previous.as_ref())?;
    let set = scheme.policy();
    let policy = Policy::new(
        vector.freshness_s.map_or_else(|| set.freshness(), Millis::from_secs),
        vector.skew_s.map_or_else(|| set.skew(), Millis::from_secs),
    )
    .unwrap();
    Verifier::new(&scheme, &vector.url, secrets.as_ref(), policy).map_err(|error| error.code())
}

fn body_of(vector: &Incoming) -> Vec<u8> {
    match &vector.body_hex {
        Some(digits) => hex::decode(digits).unwrap(),
        None => vector.body.clone().into_bytes(),
    }
}

#[test]
fn every_incoming_call_gets_what_its_vector_says() {
    for vector in incoming() {
        let headers = borrowed(&vector.headers);
        let body = body_of(&vector);
        let call =
            Call { method: &vector.method, query: &vector.query, headers: &headers, body: &body };
        let verifier = verifier_of(&vector);
        let outcome = verifier.and_then(|verifier| {
            verifier.verify(&call, UnixMillis(vector.now_ms)).map_err(|refusal| refusal.code())
        });
        let said = outcome.as_ref().map_or_else(|code| code.as_str(), |_| "verified");
        assert_eq!(said, vector.expect, "{} ({})", vector.name, vector.why);
        if let Ok(verified) = &outcome {
            agrees(&vector, verified, &body);
        }
    }
}

fn agrees(vector: &Incoming, verified: &Verified<'_>, body: &[u8]) {
    let name = &vector.name;
    assert_eq!(verified.body(), body, "{name}");
    assert_eq!(verified.signed_at(), vector.signed_at_ms.map(UnixMillis), "{name}");
    assert_eq!(verified.id(), vector.id.as_deref(), "{name}");
    let key_used = verified.key().map(|key| match key {
        KeyUsed::Current => "current",
        KeyUsed::Previous => "previous",
        _ => "unknown",
    });
    assert_eq!(key_used, vector.key_used.as_deref(), "{name}");
    let scheme = scheme_of(&vector.scheme, vector.canonical_uri.as_deref());
    assert_eq!(verified.covers_body(), scheme.covers_body(), "{name}");
}

#[test]
fn people_are_shown_what_was_signed() {
    let mut shown = 0;
    for vector in incoming() {
        let scheme = scheme_of(&vector.scheme, vector.canonical_uri.as_deref());
        let headers = borrowed(&vector.headers);
        let body = body_of(&vector);
        let call =
            Call { method: &vector.method, query: &vector.query, headers: &headers, body: &body };
        let text = explain(&scheme, &vector.url, &call, ShowBody::Text);
        let digest = explain(&scheme, &vector.url, &call, ShowBody::Digest);
        if let Some(signed) = &vector.signed {
            // What would break a line is shown escaped.
            let mut escaped = String::new();
            for c in signed.chars() {
                if c.is_control() {
                    escaped.extend(c.escape_unicode());
                } else {
                    escaped.push(c);
                }
            }
            assert_eq!(text, escaped, "{}", vector.name);
            shown += 1;
        }
        if scheme.covers_body() && body.len() > 8 {
            let body = String::from_utf8_lossy(&body);
            assert!(!digest.contains(body.as_ref()), "{}", vector.name);
        }
        // Keys of a few letters turn up in texts by chance.
        if let Some(key) = vector.key.as_ref().filter(|key| key.len() > 5) {
            assert!(!text.contains(key.as_str()), "{}", vector.name);
            assert!(!digest.contains(key.as_str()), "{}", vector.name);
        }
    }
    assert!(shown > 60, "{shown}");
}

#[test]
fn every_outgoing_call_gets_what_its_vector_says() {
    for vector in read::<ToSign>("sign.json") {
        let scheme = scheme_of(&vector.scheme, vector.canonical_uri.as_deref());
        let secrets = secrets_of(&scheme, vector.key.as_deref(), vector.previous.as_ref()).unwrap();
        let signer = Signer::new(&scheme, &vector.url, secrets.as_ref()).unwrap();
        let headers = borrowed(&vector.headers);
        let outgoing = Outgoing {
            method: &vector.method,
            headers: &headers,
            body: vector.body.as_bytes(),
            id: &vector.id,
        };
        let outcome = signer.sign(&outgoing, UnixMillis(vector.now_ms));
        let said = outcome.as_ref().map_or_else(|error| error.code().as_str(), |_| "signed");
        assert_eq!(said, vector.expect, "{} ({})", vector.name, vector.why);
        let added = outcome.unwrap_or_else(|_| Signed::default());
        assert_eq!(added.headers, vector.set_headers, "{}", vector.name);
        assert_eq!(added.query, vector.set_query, "{}", vector.name);
        assert_eq!(added.body_fields, vector.set_body_fields, "{}", vector.name);
        if let Some(url) = &vector.signed_url {
            assert_eq!(&added.url(&vector.url), url, "{}", vector.name);
        }
    }
}

#[test]
fn every_refusal_is_reached_by_a_vector() {
    let reached: BTreeSet<String> = incoming().into_iter().map(|vector| vector.expect).collect();
    for code in Refusal::CODES {
        assert!(code.is_well_formed(), "{code:?}");
        assert!(reached.contains(code.as_str()), "no vector expects {}", code.as_str());
    }
}

#[test]
fn every_file_of_the_folder_is_read() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut known: Vec<&str> = INCOMING.iter().copied().chain(["sign.json"]).collect();
    known.sort_unstable();
    assert_eq!(names, known);
}
