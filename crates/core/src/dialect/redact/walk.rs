//! The two passes over a text: what its secrets are, and then the text without them.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::MASK;
use super::secrets::Secrets;
use super::urls::{self, LastPart, Which};
use crate::dialect::json::{Malformed, Raw, Scanner, Syntax, Token, push_string};

/// Fields that hold a stream key, in lower case and without `_` and `-`.
const SECRET_FIELDS: &[&str] = &[
    "streamkey",
    "streamkeys",
    "pushkey",
    "publishkey",
    "pushtoken",
    "publishtoken",
    "pushsecret",
    "streamtoken",
    "streamsecret",
];

/// Fields that hold a push URL, whatever its scheme.
const PUSH_URL_FIELDS: &[&str] = &[
    "outputurl",
    "outputurls",
    "pushurl",
    "pushurls",
    "publishurl",
    "publishurls",
    "rtmpurl",
    "rtmpurls",
    "ingesturl",
    "ingesturls",
    "pushaddress",
    "streamurl",
    "streamurls",
    "dsturl",
];

/// Fields that hold the query of a push URL, or the token out of one.
const PUSH_QUERY_FIELDS: &[&str] = &["usrargs", "authkey"];

/// How often JSON may be wrapped in a string of JSON and still be looked into. Vendors wrap once.
const MAX_WRAPS: u32 = 4;

/// Whether a text is a vendor's envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// No: it is read for what it is.
    No,
    /// Its string `message` holds JSON, and is masked as a whole where it does not.
    MessageHoldsJson,
}

/// What the first pass found.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) secrets: Secrets,
    /// Whether the second pass is needed.
    pub(super) anything: bool,
    /// The objects, counted in the order of the text, that have a stream key that is not empty.
    keyed: BTreeSet<usize>,
    objects: usize,
}

/// What kind of value is expected, by its field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Plain,
    Secret,
    PushUrl,
    PushQuery,
    Message,
}

fn is_secret_field(name: &str) -> bool {
    is_one_of(name, SECRET_FIELDS)
}

pub(super) fn says_what_it_holds(name: &str) -> bool {
    [SECRET_FIELDS, PUSH_URL_FIELDS, PUSH_QUERY_FIELDS].iter().any(|fields| is_one_of(name, fields))
}

/// Whether a name, in lower case and without `_`, `-` and spaces, is one of `fields`.
fn is_one_of(name: &str, fields: &[&str]) -> bool {
    // One byte longer than the longest field, so that a longer name equals none.
    let mut bare = [0_u8; 15];
    let mut len: usize = 0;
    for byte in name.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
        let Some(slot) = bare.get_mut(len) else {
            return false;
        };
        *slot = byte.to_ascii_lowercase();
        len = len.saturating_add(1);
    }
    let bare = bare.get(..len).unwrap_or(&[]);
    fields.iter().any(|field| field.as_bytes() == bare)
}

/// The scanner's tokens, each with the sort of value it is.
struct Walk<'a> {
    scanner: Scanner<'a>,
    envelope: Envelope,
    /// Of each open container: its number if it is an object, and the sort of its items.
    open: Vec<(Option<usize>, Sort)>,
    /// Of the value whose key was read.
    pending: Sort,
}

impl<'a> Walk<'a> {
    const fn new(text: &'a str, envelope: Envelope) -> Self {
        let scanner = Scanner::new(text);
        Self { scanner, envelope, open: Vec::new(), pending: Sort::Plain }
    }

    /// The next token and its sort. Objects are counted on in `objects`.
    fn next(&mut self, objects: &mut usize) -> Result<Option<(Token<'a>, Sort)>, Malformed> {
        let Some(token) = self.scanner.next()? else {
            return Ok(None);
        };
        let (object, items) = self.open.last().copied().unwrap_or((None, Sort::Plain));
        let sort = if object.is_some() { self.pending } else { items };
        match token {
            Token::Key(key) => self.pending = self.sort_of(key, items),
            // What a secret holds is secret, however deep; other fields speak for themselves.
            Token::ObjectStart => {
                *objects = objects.saturating_add(1);
                let items = if sort == Sort::Secret { sort } else { Sort::Plain };
                self.open.push((Some(*objects), items));
            }
            Token::ArrayStart => self.open.push((None, sort)),
            Token::ObjectEnd | Token::ArrayEnd => {
                self.open.pop();
            }
            _ => {}
        }
        Ok(Some((token, sort)))
    }

    /// The number of the object that the present value is in.
    fn object(&self) -> usize {
        self.open.iter().rev().find_map(|(object, _)| *object).unwrap_or_default()
    }

    fn sort_of(&self, key: Raw<'_>, inherited: Sort) -> Sort {
        let name = key.text();
        if inherited == Sort::Secret || is_secret_field(&name) {
            Sort::Secret
        } else if is_one_of(&name, PUSH_URL_FIELDS) {
            Sort::PushUrl
        } else if is_one_of(&name, PUSH_QUERY_FIELDS) {
            Sort::PushQuery
        } else if self.envelope == Envelope::MessageHoldsJson
            && self.scanner.depth() == 1
            && name == "message"
        {
            Sort::Message
        } else {
            Sort::Plain
        }
    }
}

/// Whether a string may hold JSON.
fn may_be_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Whether text that is no JSON speaks of stream keys all the same.
fn speaks_of_keys(text: &str) -> bool {
    let mut bare = text.to_ascii_lowercase();
    bare.retain(|c| c.is_ascii_alphanumeric());
    SECRET_FIELDS.iter().any(|field| bare.contains(field))
}

const fn which(sort: Sort) -> Which {
    match sort {
        Sort::PushUrl => Which::All,
        _ => Which::ByScheme,
    }
}

/// The first pass: finds the secrets of `text`, and in the JSON that its strings hold.
pub(super) fn collect(
    text: &str,
    envelope: Envelope,
    wraps: u32,
    into: &mut Collected,
) -> Result<(), Malformed> {
    let mut walk = Walk::new(text, envelope);
    while let Some((token, sort)) = walk.next(&mut into.objects)? {
        match (token, sort) {
            (Token::Text(raw), Sort::Secret) => {
                let key = raw.text();
                if key.is_empty() {
                    continue;
                }
                into.keyed.insert(walk.object());
                if key == MASK {
                    continue;
                }
                into.anything = true;
                into.secrets.add(&key);
                // A stream key may bring a query of its own: `name?token=…`.
                if let Some((_, query)) = key.split_once('?') {
                    urls::push_query(query, &mut String::new(), &mut |secret| {
                        into.secrets.add(secret);
                    });
                }
            }
            (Token::Number(number), Sort::Secret) => {
                into.anything = true;
                into.keyed.insert(walk.object());
                into.secrets.add(number);
            }
            (Token::Text(raw), Sort::PushQuery) => {
                let masked = urls::mask_query(&raw.text(), |secret| into.secrets.add(secret));
                into.anything |= masked.is_some();
            }
            (Token::Text(raw), sort) => collect_string(&raw.text(), sort, wraps, into),
            _ => {}
        }
    }
    Ok(())
}

fn collect_string(text: &str, sort: Sort, wraps: u32, into: &mut Collected) {
    // Where a string's own reading fails, the second pass finds so too and masks it.
    if sort == Sort::Message || may_be_json(text) {
        if wraps < MAX_WRAPS && collect(text, Envelope::No, wraps.saturating_add(1), into).is_ok() {
            return;
        }
        into.anything = true;
    }
    if urls::has_push_url(text, which(sort)) {
        into.anything = true;
        urls::mask(text, which(sort), LastPart::Name, |secret| {
            into.secrets.add(secret);
        });
    }
}

/// The second pass: `text` without the secrets; `None` if nothing has to change.
pub(super) fn rewrite(
    text: &str,
    envelope: Envelope,
    wraps: u32,
    collected: &Collected,
    objects: &mut usize,
) -> Result<Option<String>, Malformed> {
    let mut walk = Walk::new(text, envelope);
    let mut out = String::new();
    let mut done = 0;
    while let Some((token, sort)) = walk.next(objects)? {
        let new = match (token, sort) {
            (Token::Text(raw), Sort::Secret) => {
                let kept = raw.is("") || raw.is(MASK);
                if kept { None } else { Some(String::from(MASK)) }
            }
            (Token::Number(_), Sort::Secret) => Some(String::from(MASK)),
            (Token::Text(raw), Sort::PushQuery) => {
                let query = urls::mask_query(&raw.text(), |_| {});
                let swept = collected.secrets.sweep(query.as_deref().unwrap_or(&raw.text()));
                respelled(raw, collected, swept.or(query))
            }
            (Token::Number(number), _) => {
                collected.secrets.occur_in(number).then(|| String::from(MASK))
            }
            // A name that says what its value is stays, or nobody would know that the next time; if
            // a secret is in it, nothing at all is shown.
            (Token::Key(raw), _) if says_what_it_holds(&raw.text()) => None,
            (Token::Key(raw), _) => respelled(raw, collected, collected.secrets.sweep(&raw.text())),
            (Token::Text(raw), sort) => {
                // The key is in a URL's path unless it stands beside it.
                let has_key = collected.keyed.contains(&walk.object());
                let last = if has_key { LastPart::Name } else { LastPart::Secret };
                let new = rewrite_string(&raw.text(), sort, last, wraps, collected, objects);
                respelled(raw, collected, new)
            }
            _ => None,
        };
        let Some(new) = new else { continue };
        let (start, end) = walk.scanner.span();
        // Tokens begin and end at ASCII; were that ever wrong, nothing would be shown.
        let before = text.get(done..start).ok_or(UNREACHABLE)?;
        out.push_str(before);
        push_string(&mut out, &new);
        done = end;
    }
    if done == 0 {
        return Ok(None);
    }
    out.push_str(text.get(done..).ok_or(UNREACHABLE)?);
    Ok(Some(out))
}

const UNREACHABLE: Malformed = Malformed { syntax: Syntax::UnexpectedByte, at: 0 };

/// What is to be written for a string: its masked form if there is one; or, if a secret only seems
/// to be in it because of an escape (`abcd` in `\u00abcd`), the same string with other escapes.
fn respelled(raw: Raw<'_>, collected: &Collected, masked: Option<String>) -> Option<String> {
    masked.or_else(|| {
        let seems = raw.is_escaped() && collected.secrets.occur_in(raw.written());
        seems.then(|| raw.text().into_owned())
    })
}

fn rewrite_string(
    text: &str,
    sort: Sort,
    last: LastPart,
    wraps: u32,
    collected: &Collected,
    objects: &mut usize,
) -> Option<String> {
    let may_be_json = may_be_json(text);
    if sort == Sort::Message || may_be_json {
        if wraps >= MAX_WRAPS {
            return Some(String::from(MASK));
        }
        match rewrite(text, Envelope::No, wraps.saturating_add(1), collected, objects) {
            Ok(new) if sort != Sort::Message || may_be_json => return new,
            Err(_) if sort != Sort::Message && !speaks_of_keys(text) => {}
            Ok(_) | Err(_) => return Some(String::from(MASK)),
        }
    }
    let by_url = urls::mask(text, which(sort), last, |_| {});
    let swept = collected.secrets.sweep(by_url.as_deref().unwrap_or(text));
    let masked = swept.or(by_url);
    // Without the secrets inside it, a name may be one that speaks of keys.
    match masked {
        Some(masked) if may_be_json && speaks_of_keys(&masked) => Some(String::from(MASK)),
        masked => masked,
    }
}

#[cfg(test)]
mod tests {
    use super::{PUSH_QUERY_FIELDS, PUSH_URL_FIELDS, SECRET_FIELDS, is_one_of, is_secret_field};

    #[test]
    fn every_field_is_found_however_it_is_spelled() {
        for fields in [SECRET_FIELDS, PUSH_URL_FIELDS, PUSH_QUERY_FIELDS] {
            assert!(fields.iter().all(|field| is_one_of(field, fields)));
            assert!(fields.iter().all(|field| is_one_of(&field.to_uppercase(), fields)));
        }
        for name in ["stream_key", "streamKey", "Stream-Key", "__stream__keys"] {
            assert!(is_secret_field(name), "{name}");
        }
        for name in ["", "stream", "stream_key_id", "a_very_long_name_of_a_field", "étreamkey"] {
            assert!(!is_secret_field(name), "{name}");
        }
    }
}
