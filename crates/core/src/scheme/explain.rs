//! What was signed, for people to compare with what the vendor says it signs.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use super::call::{Call, Lack};
use super::mac::sha256_hex;
use super::message::{Item, Sink, Source};
use super::model::{Recipe, Rule, Scheme};
use super::refusal::Parameter;
use super::target::Target;

/// How the body appears in an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShowBody {
    /// Its size and SHA-256: bodies carry stream keys, and records of refused calls are read by
    /// more people than may know those.
    Digest,
    /// As it is, up to 4 KiB; for whoever handed the body in.
    Text,
}

/// In place of a message where nothing is signed.
pub(super) const OPEN: &str = "<nothing is signed>";
/// In place of a message where it is not known what is signed.
pub(super) const INCOMPLETE: &str = "<the scheme has to be completed>";

/// The most that one value of a call may add to an explanation, in bytes.
const VALUE_SHOWN: usize = 256;
/// The most that a body may add.
const BODY_SHOWN: usize = 4096;

/// The message that a scheme signs for this call, with `<key>` in the key's place and, in angle
/// brackets, whatever cannot be shown or is not there. It never holds a signature that was
/// computed, and no key is needed.
///
/// In a sorted part the key stands first and the part is shown as `sorted(<key>,…)`: its true
/// place among values that a caller chooses would give it away bit by bit.
///
/// ```
/// use livegate_core::scheme::{Builtin, Call, ShowBody, explain};
///
/// let headers = [("x-hw-mss-time", "66df9308")];
/// let call = Call { method: "POST", query: "", headers: &headers, body: b"{}" };
/// let url = "https://api.example.com/v1/products?live_id=111&limit=10&offset=0";
/// assert_eq!(
///     explain(&Builtin::MssAHead.scheme(), url, &call, ShowBody::Digest),
///     "api.example.com/v1/products?limit=10&live_id=111&offset=066df9308"
/// );
/// ```
pub fn explain(scheme: &Scheme, url: &str, call: &Call<'_>, body: ShowBody) -> String {
    let recipe = match &scheme.rule {
        Rule::Open => return String::from(OPEN),
        Rule::Incomplete => return String::from(INCOMPLETE),
        Rule::Signed(recipe) => recipe,
    };
    let target = match Target::new(url, recipe) {
        Ok(target) => target,
        Err(error) => return format!("<{error}>"),
    };
    explain_signed(recipe, &target, call, body)
}

/// The message of a scheme that signs one.
pub(super) fn explain_signed(
    recipe: &Recipe,
    target: &Target,
    call: &Call<'_>,
    body: ShowBody,
) -> String {
    let value = |place| call.value(place, recipe.body);
    let time = recipe.time.as_ref().map_or(Err(Lack::Missing), |time| value(&time.at));
    let id = recipe.id.as_ref().map_or(Err(Lack::Missing), |id| value(&id.at));
    let source = Source {
        recipe,
        target,
        call,
        time: time.as_deref().map_err(|lack| *lack),
        id: id.as_deref().map_err(|lack| *lack),
    };
    let mut text = Text { out: String::new(), body };
    let built: Result<(), core::convert::Infallible> =
        source.build(0, &mut text, |text, parameter, lack| {
            text.lacking(&parameter, lack);
            Ok(())
        });
    match built {
        Ok(()) => text.out,
        Err(never) => match never {},
    }
}

struct Text {
    out: String,
    body: ShowBody,
}

impl Text {
    fn shown(&mut self, text: &str, most: usize) {
        let mut used = 0usize;
        for c in text.chars() {
            used = used.saturating_add(c.len_utf8());
            if used > most {
                let rest = text.len().saturating_sub(used.saturating_sub(c.len_utf8()));
                self.bracketed(&format!("{rest} more bytes"));
                return;
            }
            // What would break a line or hide text is shown escaped.
            if c.is_control() || is_invisible(c) {
                self.out.extend(c.escape_unicode());
            } else {
                self.out.push(c);
            }
        }
    }

    fn bracketed(&mut self, what: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.out, "<{what}>");
    }

    fn lacking(&mut self, parameter: &Parameter, lack: Lack) {
        let what = match lack {
            Lack::Missing => "missing",
            Lack::Duplicate => "there twice",
            Lack::Malformed => "malformed",
            Lack::NotJson => "unreadable",
            Lack::OtherVersion => "of another version",
        };
        self.bracketed(&format!("{parameter} is {what}"));
    }
}

/// Characters that change how the text around them is displayed.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl Sink for Text {
    fn text(&mut self, text: &str) {
        self.shown(text, BODY_SHOWN);
    }

    fn body(&mut self, body: &[u8]) {
        if let (ShowBody::Text, Ok(text)) = (self.body, core::str::from_utf8(body)) {
            self.shown(text, BODY_SHOWN);
        } else {
            let what = format!("body of {} bytes, sha256 {}", body.len(), sha256_hex(body));
            self.bracketed(&what);
        }
    }

    fn item(&mut self, item: &Item<'_>) {
        match item {
            Item::Key => self.bracketed("key"),
            Item::Text(text) => self.shown(text, VALUE_SHOWN),
            Item::Body { pointer, text } => match self.body {
                ShowBody::Text => self.shown(text, BODY_SHOWN),
                ShowBody::Digest => {
                    self.bracketed(&format!("body field {pointer} of {} bytes", text.len()));
                }
            },
        }
    }

    fn sorted(&mut self, values: &[Item<'_>], separator: &str) {
        let text_of = |item: &Item<'_>| match item {
            Item::Key => String::new(),
            Item::Text(text) | Item::Body { text, .. } => String::from(text.as_ref()),
        };
        let mut sorted: alloc::vec::Vec<&Item<'_>> = values.iter().collect();
        sorted.sort_by_key(|item| (!matches!(item, Item::Key), text_of(item)));
        self.out.push_str("sorted(");
        for (index, item) in sorted.into_iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.item(item);
        }
        self.out.push(')');
        if !separator.is_empty() {
            self.bracketed("joined with");
            self.shown(separator, VALUE_SHOWN);
        }
    }
}
