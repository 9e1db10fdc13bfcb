//! A call as it came in, and how values are found in it.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::body::field;
use super::limits;
use super::model::{BodyForm, Carrier, Pick, Place, Pointer};

/// An HTTP call as a shell received it (or is about to send it).
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method, e.g. `POST`.
    pub method: &'a str,
    /// The query as it was received, without `?` and not decoded; empty if there was none.
    pub query: &'a str,
    /// The headers: names in any case, values without the line's end. Those of
    /// [`Scheme::header_names`](super::Scheme::header_names) are enough. A header that came twice
    /// has to be here twice.
    pub headers: &'a [(&'a str, &'a str)],
    /// The raw body.
    pub body: &'a [u8],
}

/// Why a value could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    Missing,
    Duplicate,
    Malformed,
    /// The body is not the JSON that the value is to be read from.
    NotJson,
    /// There are pieces, but none with the label that was asked for.
    OtherVersion,
}

impl<'a> Call<'a> {
    /// The one value at a place.
    pub(super) fn value(&self, place: &Place, form: BodyForm) -> Result<Cow<'a, str>, Lack> {
        let piece = pick_one(self.carried(&place.carrier, form)?, &place.pick)?;
        match &place.claim {
            None => Ok(piece),
            Some(pointer) => claim(&piece, pointer).map(Cow::Owned),
        }
    }

    /// All that a header, query parameter or body field holds.
    pub(super) fn carried(&self, carrier: &Carrier, form: BodyForm) -> Result<Cow<'a, str>, Lack> {
        match carrier {
            Carrier::Header(name) => self.header(name).map(Cow::Borrowed),
            Carrier::Query(name) => self.parameter(name),
            Carrier::Body(pointer) => field(self.body, pointer, form),
        }
    }

    fn header(&self, wanted: &str) -> Result<&'a str, Lack> {
        let mut found = None;
        for (name, value) in self.headers {
            if name.eq_ignore_ascii_case(wanted) && found.replace(*value).is_some() {
                return Err(Lack::Duplicate);
            }
        }
        // Optional white space around a value is not part of it (RFC 9110 §5.5).
        found.map(|value| value.trim_matches([' ', '\t'])).ok_or(Lack::Missing)
    }

    fn parameter(&self, wanted: &str) -> Result<Cow<'a, str>, Lack> {
        let mut found = None;
        for pair in self.query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if query_name_is(name, wanted) && found.replace(value).is_some() {
                return Err(Lack::Duplicate);
            }
        }
        percent_decoded(found.ok_or(Lack::Missing)?).ok_or(Lack::Malformed)
    }
}

/// A value of the JSON that a piece of a token is (RFC 7515 §3: URL-safe base64 without padding).
fn claim(piece: &str, pointer: &Pointer) -> Result<String, Lack> {
    if piece.len() > limits::VALUE {
        return Err(Lack::Malformed);
    }
    let json = Base64UrlUnpadded::decode_vec(piece).map_err(|_| Lack::Malformed)?;
    let value = field(&json, pointer, BodyForm::Json).map_err(|lack| match lack {
        Lack::NotJson => Lack::Malformed,
        other => other,
    })?;
    Ok(value.into_owned())
}

/// Takes the one piece that is meant out of a carrier's value.
pub(super) fn pick_one<'a>(value: Cow<'a, str>, pick: &Pick) -> Result<Cow<'a, str>, Lack> {
    if matches!(pick, Pick::Whole) {
        return Ok(value);
    }
    match value {
        Cow::Borrowed(text) => piece_of(text, pick).map(Cow::Borrowed),
        Cow::Owned(text) => piece_of(&text, pick).map(|piece| Cow::Owned(piece.to_string())),
    }
}

fn piece_of<'a>(value: &'a str, pick: &Pick) -> Result<&'a str, Lack> {
    match pick {
        Pick::Whole => Ok(value),
        Pick::After(prefix) => value.strip_prefix(prefix.as_str()).ok_or(Lack::Malformed),
        Pick::Index { separator, index } => {
            value.split(separator.as_str()).nth(usize::from(*index)).ok_or(Lack::Malformed)
        }
        Pick::Labelled { .. } => {
            let mut pieces = labelled(value, pick);
            let first = pieces.next().ok_or(Lack::Missing)?;
            if pieces.next().is_some() {
                return Err(Lack::Duplicate);
            }
            Ok(first)
        }
    }
}

/// The pieces of a value that a pick means: several only where pieces have labels.
pub(super) fn pieces<'a>(
    value: &'a str,
    pick: &'a Pick,
) -> Result<impl Iterator<Item = &'a str>, Lack> {
    let (one, many) = match pick {
        Pick::Labelled { .. } => {
            let mut many = labelled(value, pick).peekable();
            if many.peek().is_none() {
                let empty = value.trim_matches([' ', '\t']).is_empty();
                return Err(if empty { Lack::Malformed } else { Lack::OtherVersion });
            }
            (None, Some(many))
        }
        _ => (Some(piece_of(value, pick)?), None),
    };
    Ok(one.into_iter().chain(many.into_iter().flatten()))
}

fn labelled<'a>(value: &'a str, pick: &Pick) -> impl Iterator<Item = &'a str> {
    let parts = match pick {
        Pick::Labelled { separator, prefix } => Some((separator.as_str(), prefix.as_str())),
        _ => None,
    };
    parts.into_iter().flat_map(move |(separator, prefix)| {
        value
            .split(separator)
            .filter_map(move |piece| piece.trim_matches([' ', '\t']).strip_prefix(prefix))
    })
}

/// Whether a query parameter's name, as it was received, means `wanted`: percent-encoding in it
/// must not hide a second parameter of ours.
pub(super) fn query_name_is(raw: &str, wanted: &str) -> bool {
    raw == wanted
        || (raw.contains('%') && percent_decoded(raw).is_some_and(|name| name.as_ref() == wanted))
}

/// Undoes percent-encoding (RFC 3986 §2.1); `+` stays what it is, since base64 uses it. None if a
/// `%` has no two hex digits after it or the outcome is not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = percent_decoded_bytes(text.as_bytes())?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The same for bytes.
pub(super) fn percent_decoded_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(*rest.next()?).to_digit(16)?;
            let low = char::from(*rest.next()?).to_digit(16)?;
            out.push(u8::try_from((high << 4) | low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

/// `?` and the pairs of a query sorted by name (bytes, ascending; pairs of one name keep their
/// order), each as it is written, without those that `leave_out` names. Empty if nothing is left.
pub(super) fn sorted_query(query: &str, leave_out: impl Fn(&str) -> bool) -> Option<String> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if leave_out(name) {
            continue;
        }
        if pairs.len() >= limits::QUERY_PAIRS {
            return None;
        }
        pairs.push((name, pair));
    }
    pairs.sort_by_key(|(name, _)| *name);
    let mut out = String::new();
    for (_, pair) in pairs {
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(pair);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{Call, Lack, percent_decoded, pieces, query_name_is, sorted_query};
    use crate::scheme::model::{BodyForm, Carrier, Pick, Place};
    use std::borrow::ToOwned;
    use std::string::ToString;
    use std::vec::Vec;

    fn call<'a>(query: &'a str, headers: &'a [(&'a str, &'a str)]) -> Call<'a> {
        Call { method: "POST", query, headers, body: b"" }
    }

    fn place(carrier: Carrier, pick: Pick) -> Place {
        Place { carrier, pick, claim: None }
    }

    #[test]
    fn a_header_is_found_in_any_case_and_trimmed() {
        let headers = [("X-Hw-Mss-Time", " 66df9308\t")];
        let place = place(Carrier::Header("x-hw-mss-time".to_owned()), Pick::Whole);
        assert_eq!(call("", &headers).value(&place, BodyForm::Json).as_deref(), Ok("66df9308"));
    }

    #[test]
    fn a_doubled_header_or_parameter_is_refused_even_if_both_are_equal() {
        let headers = [("a", "1"), ("A", "1")];
        let header = place(Carrier::Header("a".to_owned()), Pick::Whole);
        assert_eq!(call("", &headers).value(&header, BodyForm::Json), Err(Lack::Duplicate));
        let query = place(Carrier::Query("hwTime".to_owned()), Pick::Whole);
        for doubled in ["hwTime=1&hwTime=1", "hwTime=1&hw%54ime=2", "hwTime&hwTime=1"] {
            assert_eq!(call(doubled, &[]).value(&query, BodyForm::Json), Err(Lack::Duplicate));
        }
        assert_eq!(call("hwtime=1", &[]).value(&query, BodyForm::Json), Err(Lack::Missing));
    }

    #[test]
    fn a_parameter_is_percent_decoded_and_plus_stays_plus() {
        let query = place(Carrier::Query("s".to_owned()), Pick::Whole);
        let found = |query_text: &str| {
            call(query_text, &[]).value(&query, BodyForm::Json).map(|value| value.to_string())
        };
        assert_eq!(found("s=a%2Bb%3D"), Ok("a+b=".to_owned()));
        assert_eq!(found("s=a+b="), Ok("a+b=".to_owned()));
        for bad in ["s=%", "s=%2", "s=%zz", "s=%ff", "s=%+1"] {
            assert_eq!(found(bad), Err(Lack::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_piece_is_picked_by_index_prefix_or_label() {
        let header = |pick| place(Carrier::Header("s".to_owned()), pick);
        let headers = [("s", "app.1718877424.cafe")];
        let index = |index| Pick::Index { separator: ".".to_owned(), index };
        let one = call("", &headers);
        assert_eq!(one.value(&header(index(1)), BodyForm::Json).as_deref(), Ok("1718877424"));
        assert_eq!(one.value(&header(index(3)), BodyForm::Json), Err(Lack::Malformed));

        let headers = [("s", "v1=b, t=12 ,v1=a")];
        let label =
            |prefix: &str| Pick::Labelled { separator: ",".to_owned(), prefix: prefix.to_owned() };
        let two = call("", &headers);
        assert_eq!(two.value(&header(label("t=")), BodyForm::Json).as_deref(), Ok("12"));
        assert_eq!(two.value(&header(label("v1=")), BodyForm::Json), Err(Lack::Duplicate));
        assert_eq!(two.value(&header(label("v2=")), BodyForm::Json), Err(Lack::Missing));
        let v1 = label("v1=");
        let picked: Vec<&str> = pieces("v1=b, t=12 ,v1=a", &v1).unwrap().collect();
        assert_eq!(picked, ["b", "a"]);
        assert_eq!(pieces("v2=x", &label("v1=")).err(), Some(Lack::OtherVersion));
        assert_eq!(pieces(" ", &label("v1=")).err(), Some(Lack::Malformed));

        let headers = [("s", "sha256=cafe")];
        let after = Pick::After("sha256=".to_owned());
        let three = call("", &headers);
        assert_eq!(three.value(&header(after), BodyForm::Json).as_deref(), Ok("cafe"));
        let other = Pick::After("sha1=".to_owned());
        assert_eq!(three.value(&header(other), BodyForm::Json), Err(Lack::Malformed));
    }

    #[test]
    fn a_query_is_sorted_by_name_and_otherwise_left_as_it_is() {
        let all = |query| sorted_query(query, |_| false);
        assert_eq!(all("").as_deref(), Some(""));
        assert_eq!(all("b=2&a=1&b=1&a").as_deref(), Some("?a=1&a&b=2&b=1"));
        assert_eq!(all("z=%20&B=1&b=&&").as_deref(), Some("?B=1&b=&z=%20"));
        let without = sorted_query("hwTime=1&x=2&hwSecret=3", |name| name.starts_with("hw"));
        assert_eq!(without.as_deref(), Some("?x=2"));
        let only = sorted_query("hwTime=1", |name| name.starts_with("hw"));
        assert_eq!(only.as_deref(), Some(""));
        let (most, too_many) = ("a&".repeat(64), "a&".repeat(65));
        assert_eq!(sorted_query(&too_many, |_| false), None);
        assert!(sorted_query(&most, |_| false).is_some());
    }

    #[test]
    fn a_name_is_the_same_behind_percent_encoding() {
        assert!(query_name_is("hw%54ime", "hwTime"));
        assert!(!query_name_is("hw%5", "hwTime"));
        assert_eq!(percent_decoded("a%41").as_deref(), Some("aA"));
    }
}
