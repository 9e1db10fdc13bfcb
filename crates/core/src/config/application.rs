//! Applications, as Alibaba's console has them: whether streams are relayed, and to where.
//!
//! How a relayed stream is named the vendor does not document, so it is a setting here.

use alloc::string::String;
use core::fmt::Write;

use super::named::named;
use super::table::{Chars, Kind, Object, Rest, Shape, Walk, checked, may, must, text as text_of};
use super::violation::{Problem, Violations};
use crate::relay::address::PushUrl;
use crate::time::Millis;
use crate::url::HttpUrl;

/// The most bytes that an application may have.
pub const MAX_BODY: usize = 64 * 1024;

/// The longest pattern of a stream's name, in characters.
pub const MAX_PATTERN_CHARS: usize = 255;

/// What a pattern may name.
const PLACEHOLDERS: &[&str] = &["{app}", "{channel}", "{user}", "{task}"];

named! {
    /// Which streams are relayed by themselves.
    pub enum Relay {
        /// None. The default.
        Off = "off",
        /// Each stream that is published, as it is.
        Single = "single",
        /// All streams of a channel, mixed into one.
        Global = "global",
    }
}

named! {
    /// When SEI is written into what is relayed.
    pub enum SeiMode {
        /// Never. The default.
        Off = "off",
        /// At an interval.
        Interval = "interval",
        /// With every I-frame.
        EveryIFrame = "every_i_frame",
    }
}

const SHAPE: Shape = Shape {
    rows: &[
        must("id", Kind::Text { max: 64, of: Chars::Word }),
        must("name", Kind::Text { max: 128, of: Chars::Any }),
        may("relay", Kind::Name(Relay::NAMES)),
        may("domain", Kind::Text { max: 253, of: Chars::Any }),
        may("app_name", Kind::Text { max: 255, of: Chars::WordOrEquals }),
        may("stream_name", Kind::Text { max: MAX_PATTERN_CHARS, of: Chars::Any }),
        may("sei", Kind::Name(SeiMode::NAMES)),
        may("sei_interval_ms", Kind::Int { min: 1000, max: 5000, unit: "milliseconds" }),
    ],
    also: Some(beyond_fields),
    rest: Rest::Dropped,
};

fn beyond_fields(sent: &Object, walk: &mut Walk) {
    let text = |name| text_of(sent, name).unwrap_or("");
    let relay = Relay::from_name(text("relay")).unwrap_or(Relay::Off);
    match text("domain") {
        "" if relay == Relay::Off => {}
        "" => walk.report("domain", Problem::Missing),
        domain => {
            let problem = match HttpUrl::parse(&["https://", domain].concat()) {
                Err(error) => Some(Problem::Url(error)),
                Ok(_) if domain.contains([':', '/', '?']) => {
                    Some(Problem::Characters { allowed: "a host's name" })
                }
                Ok(_) => None,
            };
            if let Some(problem) = problem {
                walk.report("domain", problem);
            }
        }
    }
    match text("stream_name") {
        "" => {}
        pattern => {
            if let Some(problem) = pattern_problem(pattern, relay) {
                walk.report("stream_name", problem);
            }
        }
    }
    let interval = sent.get("sei_interval_ms").is_some_and(|value| !value.is_null());
    match (text("sei") == SeiMode::Interval.as_str(), interval) {
        (true, false) => walk.report("sei_interval_ms", Problem::Missing),
        (false, true) => walk.report("sei_interval_ms", Problem::Unmatched { with: "sei" }),
        _ => {}
    }
}

/// What is wrong with a pattern: a placeholder that is none, a character that a path cannot have,
/// or that streams which run at once would have one name.
fn pattern_problem(pattern: &str, relay: Relay) -> Option<Problem> {
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        if !Chars::WordOrEquals.admit(before) {
            return Some(Problem::Characters { allowed: Chars::WordOrEquals.named() });
        }
        let Some(known) = PLACEHOLDERS.iter().find(|known| from.starts_with(**known)) else {
            return Some(Problem::UnknownValue { allowed: PLACEHOLDERS });
        };
        rest = from.get(known.len()..).unwrap_or("");
    }
    if !Chars::WordOrEquals.admit(rest) {
        return Some(Problem::Characters { allowed: Chars::WordOrEquals.named() });
    }
    let has = |placeholder: &str| pattern.contains(placeholder);
    let apart = has("{task}") || (has("{channel}") && (relay != Relay::Single || has("{user}")));
    (!apart).then_some(Problem::Ambiguous)
}

/// What a relayed stream is named after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamOf<'n> {
    /// The channel.
    pub channel: &'n str,
    /// The user; empty for all of them, mixed.
    pub user: &'n str,
    /// The task that relays it.
    pub task: &'n str,
}

/// An application within its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application(Object);

impl Application {
    /// The application's name in a streaming URL where none is set.
    pub const DEFAULT_APP_NAME: &str = "live";

    /// The pattern of a stream's name where none is set.
    pub const DEFAULT_STREAM_NAME: &str = "{channel}_{user}";

    /// Reads an application, new or as [`Self::as_object`] had it.
    ///
    /// # Errors
    /// [`Violations`]: all of them.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        checked(body, MAX_BODY, &SHAPE).map(Self)
    }

    /// The id that vendors' calls give as `AppId`.
    pub fn id(&self) -> &str {
        text_of(&self.0, "id").unwrap_or("")
    }

    /// The name.
    pub fn name(&self) -> &str {
        text_of(&self.0, "name").unwrap_or("")
    }

    /// Which streams are relayed by themselves.
    pub fn relay(&self) -> Relay {
        text_of(&self.0, "relay").and_then(Relay::from_name).unwrap_or(Relay::Off)
    }

    /// The domain that they are relayed to.
    pub fn domain(&self) -> Option<&str> {
        text_of(&self.0, "domain").filter(|domain| !domain.is_empty())
    }

    /// The application's name there.
    pub fn app_name(&self) -> &str {
        let name = text_of(&self.0, "app_name").filter(|name| !name.is_empty());
        name.unwrap_or(Self::DEFAULT_APP_NAME)
    }

    /// When SEI is written, and at which interval.
    pub fn sei(&self) -> (SeiMode, Option<Millis>) {
        let mode = text_of(&self.0, "sei").and_then(SeiMode::from_name);
        let interval = self.0.get("sei_interval_ms").and_then(serde_json::Value::as_u64);
        (mode.unwrap_or(SeiMode::Off), interval.map(Millis))
    }

    /// What a stream is called there. Bytes of names that a path cannot have are percent-encoded; of
    /// a mixed stream, the default pattern leaves only the channel.
    pub fn stream_name(&self, of: StreamOf<'_>) -> String {
        let own = text_of(&self.0, "stream_name").filter(|pattern| !pattern.is_empty());
        let fallback = if of.user.is_empty() { "{channel}" } else { Self::DEFAULT_STREAM_NAME };
        let mut rest = own.unwrap_or(fallback);
        let mut name = String::new();
        while let Some((before, from)) = rest.split_once('{') {
            name.push_str(before);
            let (placeholder, after) = from.split_once('}').unwrap_or((from, ""));
            encode(
                &mut name,
                match placeholder {
                    "app" => self.id(),
                    "channel" => of.channel,
                    "user" => of.user,
                    _ => of.task,
                },
            );
            rest = after;
        }
        name.push_str(rest);
        name
    }

    /// Where a stream is relayed to, if there is a domain.
    ///
    /// # Errors
    /// [`Problem`], if the names make no push address.
    pub fn push_url(&self, of: StreamOf<'_>) -> Option<Result<PushUrl, Problem>> {
        let stream = self.stream_name(of);
        let url = ["rtmp://", self.domain()?, "/", self.app_name(), "/", &stream].concat();
        Some(PushUrl::parse(&url))
    }

    /// As it is stored and shown.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }
}

/// Writes the unreserved characters of RFC 3986 §2.3 but the dot, which could stand alone in a
/// path, and the others encoded.
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
