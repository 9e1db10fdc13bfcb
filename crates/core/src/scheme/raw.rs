//! A scheme as it is written in JSON.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::model::{BodyForm, Carrier, Part, Pick, Place, Rule, Scheme, TimeMeans};

/// A scheme as people and JSON write it; see [`Scheme`] for what it means once checked.
///
/// ```
/// use livegate_core::scheme::Scheme;
///
/// // Tencent TRTC: base64 of HMAC-SHA256 over the raw body, in the header `Sign`.
/// let scheme: Scheme = serde_json::from_str(
///     r#"{
///         "name": "trtc",
///         "algorithm": "hmac-sha256",
///         "encoding": "base64",
///         "message": ["body"],
///         "signature": {"header": "Sign"}
///     }"#,
/// )?;
/// assert!(scheme.covers_body());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawScheme {
    /// The scheme's name; `custom` unless given.
    #[serde(default = "custom")]
    pub name: String,
    /// A name of [`Algorithm`](super::Algorithm), `none` (nothing is signed; nothing else may be said then), or
    /// `unknown` (how to sign is yet to be said).
    pub algorithm: String,
    /// A name of [`Encoding`](super::Encoding); `hex` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// A name of [`KeyForm`](super::KeyForm); `text` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The parts of what is signed, in order, with nothing between them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<RawPart>,
    /// Where the signature travels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<RawPlace>,
    /// Where the time of signing travels, and how it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<RawTime>,
    /// Where the call's id travels, and what it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RawId>,
    /// Where the SHA-256 of the body travels, if it is signed in the body's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_digest: Option<RawDigest>,
    /// A name of [`BodyForm`](super::BodyForm); `json` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The greatest accepted age in seconds, 2 to 3600; 60 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freshness_s: Option<u64>,
    /// How far ahead a time may be, in seconds, 0 to 3600; 60 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_s: Option<u64>,
}

fn custom() -> String {
    "custom".to_string()
}

/// One part of a message: a word, or an object with one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RawPart {
    /// `"key"`: the key itself; only, and exactly once, with algorithms that are plain hashes.
    Key,
    /// `"method"`: the HTTP method.
    Method,
    /// `"host"`: host and, if it has one, port of the configured URL.
    Host,
    /// `"host-without-port"`: host of the configured URL.
    HostWithoutPort,
    /// `"path"`: path of the configured URL.
    Path,
    /// `"sorted-query"`: `?` and the configured URL's query sorted by name; nothing if there is
    /// none. The scheme's own parameters are left out, here and in the next two.
    SortedQuery,
    /// `"received-query"`: the same of the query that came with the call.
    ReceivedQuery,
    /// `"url"`: the configured URL as it is written, without its fragment.
    Url,
    /// `"body"`: the raw body.
    Body,
    /// `"time"`: the time as it travelled.
    Time,
    /// `"id"`: the id as it travelled.
    Id,
    /// `{"literal": "."}`.
    Literal(String),
    /// `{"value": {"header": "X-Rtc-Rand"}}`: anything else that travels with the call.
    Value(RawPlace),
    /// `{"sorted": {"values": ["key", "time", "id"]}}`: values in ascending order of their bytes.
    Sorted(RawSorted),
}

/// Values that are sorted before they are joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSorted {
    /// What stands between them; nothing unless given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub separator: String,
    /// `key`, `time`, `id`, literals and values.
    pub values: Vec<RawPart>,
}

/// Where something travels: exactly one of `header`, `query` and `body`, and which piece of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPlace {
    /// A header's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A query parameter's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A JSON pointer (RFC 6901) to a string or number in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What separates the pieces of the value; needs `index` or `prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Which piece, from 0 to 31.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u8>,
    /// What the piece (or, without a separator, the value) begins with, e.g. `v1,`. A signature
    /// may then come several times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// A JSON pointer (RFC 6901) into the piece, which is JSON in URL-safe base64 without padding:
    /// a claim of a JSON Web Token (RFC 7519).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

/// Where a digest travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDigest {
    /// The place.
    pub at: RawPlace,
    /// A name of [`Encoding`](super::Encoding); `hex` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

/// Where a time travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTime {
    /// The place.
    pub at: RawPlace,
    /// A name of [`TimeFormat`](super::TimeFormat).
    pub format: String,
    /// A name of [`TimeMeans`](super::TimeMeans); `signed` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
}

/// Where an id travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawId {
    /// The place.
    pub at: RawPlace,
    /// A name of [`IdKind`](super::IdKind).
    pub kind: String,
}

impl From<Scheme> for RawScheme {
    fn from(scheme: Scheme) -> Self {
        let mut raw = Self {
            name: scheme.name,
            algorithm: String::new(),
            encoding: None,
            key: None,
            message: Vec::new(),
            signature: None,
            time: None,
            id: None,
            body_digest: None,
            body: None,
            freshness_s: None,
            skew_s: None,
        };
        let recipe = match scheme.rule {
            Rule::Open => {
                raw.algorithm = "none".to_string();
                return raw;
            }
            Rule::Incomplete => {
                raw.algorithm = "unknown".to_string();
                return raw;
            }
            Rule::Signed(recipe) => recipe,
        };
        raw.algorithm = recipe.algorithm.to_string();
        raw.encoding = Some(recipe.encoding.to_string());
        raw.key = Some(recipe.key.to_string());
        raw.message = recipe.message.iter().map(raw_part).collect();
        raw.signature = Some(raw_place(&recipe.signature));
        raw.time = recipe.time.map(|time| RawTime {
            at: raw_place(&time.at),
            format: time.format.to_string(),
            means: (time.means != TimeMeans::Signed).then(|| time.means.to_string()),
        });
        raw.id = recipe.id.map(|id| RawId { at: raw_place(&id.at), kind: id.kind.to_string() });
        raw.body_digest = recipe.body_digest.map(|digest| RawDigest {
            at: raw_place(&digest.at),
            encoding: Some(digest.encoding.to_string()),
        });
        raw.body = (recipe.body != BodyForm::Json).then(|| recipe.body.to_string());
        raw.freshness_s = Some(scheme.policy.freshness().0 / 1000);
        raw.skew_s = Some(scheme.policy.skew().0 / 1000);
        raw
    }
}

fn raw_part(part: &Part) -> RawPart {
    match part {
        Part::Literal(text) => RawPart::Literal(text.clone()),
        Part::Key => RawPart::Key,
        Part::Method => RawPart::Method,
        Part::Host => RawPart::Host,
        Part::HostWithoutPort => RawPart::HostWithoutPort,
        Part::Path => RawPart::Path,
        Part::SortedQuery => RawPart::SortedQuery,
        Part::ReceivedQuery => RawPart::ReceivedQuery,
        Part::Url => RawPart::Url,
        Part::Body => RawPart::Body,
        Part::Time => RawPart::Time,
        Part::Id => RawPart::Id,
        Part::Value(place) => RawPart::Value(raw_place(place)),
        Part::Sorted { separator, values } => RawPart::Sorted(RawSorted {
            separator: separator.clone(),
            values: values.iter().map(raw_part).collect(),
        }),
    }
}

fn raw_place(place: &Place) -> RawPlace {
    let mut raw = RawPlace::default();
    match &place.carrier {
        Carrier::Header(name) => raw.header = Some(name.clone()),
        Carrier::Query(name) => raw.query = Some(name.clone()),
        Carrier::Body(pointer) => raw.body = Some(pointer.text.clone()),
    }
    raw.claim = place.claim.as_ref().map(|pointer| pointer.text.clone());
    match &place.pick {
        Pick::Whole => {}
        Pick::After(prefix) => raw.prefix = Some(prefix.clone()),
        Pick::Index { separator, index } => {
            raw.separator = Some(separator.clone());
            raw.index = Some(*index);
        }
        Pick::Labelled { separator, prefix } => {
            raw.separator = Some(separator.clone());
            raw.prefix = Some(prefix.clone());
        }
    }
    raw
}
