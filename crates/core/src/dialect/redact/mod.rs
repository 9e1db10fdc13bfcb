//! Stream keys and push URLs' secrets, masked.
//!
//! Whoever knows a push URL and its stream key can publish in a streamer's name, so both are shown
//! and delivered with [`MASK`] in the secrets' places:
//!
//! - every value of a field named like `stream_key` (whatever its case, `_` and `-`), at any depth,
//!   in JSON that a string holds, too;
//! - in every push URL (by its scheme, `rtmp` for example, or by its field, such as `output_url`):
//!   the user information, every value of the query, the fragment; and the last part of the path
//!   unless the object that it is in has a stream key, since the key is in the URL then;
//! - every value of a push URL's query in a field of its own (`usrargs`, `auth_key`), but for the
//!   domain's;
//! - what was masked for one of these reasons and has four characters or more, wherever else in the
//!   text it occurs, percent-encoded or not: in other strings, keys, numbers.
//!
//! Everything else stays byte for byte: key order, spaces, numbers, escapes. (A string that has to
//! be changed is written anew, with the escapes that it needs.) What cannot be read is not shown at
//! all: the result is [`PLACEHOLDER`].

mod secrets;
mod urls;
mod walk;

use alloc::borrow::Cow;
use alloc::string::String;

use secrets::Secrets;
use walk::{Collected, Envelope, collect, rewrite};

/// What stands in a secret's place.
pub const MASK: &str = "***";

/// What is shown of a text that cannot be read.
pub const PLACEHOLDER: &str = "{\"redacted\":\"***\"}";

/// How often a text is read again. One that still changes then was made to.
const MAX_ROUNDS: u32 = 4;

/// What is shown in the place of [`PLACEHOLDER`] if a secret is a part of that.
const EMPTY: &str = "{}";

/// The text of a JSON object, masked: an event's data, say.
pub fn json(text: &str) -> Cow<'_, str> {
    masked(text, Envelope::No)
}

/// A JSON body, masked.
pub fn body(body: &[u8]) -> Cow<'_, [u8]> {
    masked_bytes(body, Envelope::No)
}

/// A body whose string `message` holds JSON, masked in there as well. If it does not hold an
/// object, that whole string is masked.
pub fn envelope(body: &[u8]) -> Cow<'_, [u8]> {
    masked_bytes(body, Envelope::MessageHoldsJson)
}

/// A URL or its query, of any scheme, with the user information, the values of the query and the
/// fragment masked. The path stays.
pub fn url(url: &str) -> Cow<'_, str> {
    urls::mask_any(url).map_or(Cow::Borrowed(url), Cow::Owned)
}

/// A push URL, or a list of them, with the user information, the values of the query, the fragment
/// and the last part of the path masked.
pub fn push_url(url: &str) -> Cow<'_, str> {
    urls::mask(url, urls::Which::All, urls::LastPart::Secret, |_| {})
        .map_or(Cow::Borrowed(url), Cow::Owned)
}

/// Whether a field of that name holds a stream key or a push URL.
pub(super) fn says_what_it_holds(name: &str) -> bool {
    walk::says_what_it_holds(name)
}

/// Text in which the secrets of push URLs are masked, the last part of their path among them.
pub(super) fn text(text: Cow<'_, str>) -> Cow<'_, str> {
    match urls::mask(&text, urls::Which::ByScheme, urls::LastPart::Secret, |_| {}) {
        Some(masked) => Cow::Owned(masked),
        None => text,
    }
}

fn masked_bytes(body: &[u8], envelope: Envelope) -> Cow<'_, [u8]> {
    match core::str::from_utf8(body).map(|text| masked(text, envelope)) {
        Ok(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Ok(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        Err(_) => Cow::Borrowed(PLACEHOLDER.as_bytes()),
    }
}

fn masked(text: &str, envelope: Envelope) -> Cow<'_, str> {
    let Some(mut shown) = masked_once(text, envelope) else {
        return Cow::Borrowed(text);
    };
    // Masking may take quotes or colons away with a secret, and what is left reads otherwise: it is
    // read again until nothing more is found in it.
    for _ in 0..MAX_ROUNDS {
        match masked_once(&shown, envelope) {
            Some(next) if next != shown => shown = next,
            _ => return shown,
        }
    }
    Cow::Borrowed(PLACEHOLDER)
}

/// `text` with the secrets masked that one reading of it finds; `None` if nothing changes.
fn masked_once(text: &str, envelope: Envelope) -> Option<Cow<'static, str>> {
    let mut collected = Collected::default();
    if collect(text, envelope, 0, &mut collected).is_err() {
        return Some(Cow::Borrowed(PLACEHOLDER));
    }
    if !collected.anything {
        return None;
    }
    if collected.secrets.are_too_many() {
        return Some(Cow::Borrowed(EMPTY));
    }
    match rewrite(text, envelope, 0, &collected, &mut 0) {
        Ok(None) => None,
        Ok(Some(result)) if !leaks(&result, &collected.secrets) => Some(Cow::Owned(result)),
        Ok(Some(_)) | Err(_) if leaks(PLACEHOLDER, &collected.secrets) => {
            Some(Cow::Borrowed(EMPTY))
        }
        Ok(Some(_)) | Err(_) => Some(Cow::Borrowed(PLACEHOLDER)),
    }
}

/// Whether a secret is still to be seen, as it is or as JSON writes it. That happens only where one
/// runs across several tokens: a stream key of `","`, for example.
fn leaks(result: &str, secrets: &Secrets) -> bool {
    let mut written = String::new();
    secrets.iter().any(|secret| {
        written.clear();
        super::json::push_string(&mut written, secret);
        let inside = written.trim_start_matches('"');
        let inside = inside.strip_suffix('"').unwrap_or(inside);
        result.contains(secret) || (!inside.is_empty() && result.contains(inside))
    })
}
