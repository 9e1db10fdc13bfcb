//! Forms (`application/x-www-form-urlencoded`) as JSON objects.
//!
//! Some vendors send a callback's fields as a query or a form: `app=live&id=s1`. Here they become
//! an object of strings, `{"app":"live","id":"s1"}`, so that everything after this reads one thing.
//! Source: the URL standard, "application/x-www-form-urlencoded".

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::json::{Scanner, Token, push_string};

/// The `Content-Type` of a form.
pub(super) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// Whether a body of a vendor that sends forms is one: whatever does not begin like an object.
pub(super) fn is_one(text: &str) -> bool {
    !text.trim_start().starts_with('{')
}

/// The object that a form stands for. One that is percent-encoded JSON as a whole is that JSON.
pub(super) fn to_json(form: &str) -> String {
    if !form.contains(['=', '&']) {
        let whole = decoded(form);
        if whole.trim_start().starts_with('{') {
            return whole.into_owned();
        }
    }
    let mut out = String::with_capacity(form.len().saturating_mul(2));
    out.push('{');
    for pair in form.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if out.len() > 1 {
            out.push(',');
        }
        push_string(&mut out, &decoded(name));
        out.push(':');
        push_string(&mut out, &decoded(value));
    }
    out.push('}');
    out
}

/// The form again, from what [`to_json`] made of it and somebody changed. `None` if it is no object
/// of strings with plain names: then it was none before.
pub(super) fn from_json(object: &str) -> Option<String> {
    let mut out = String::with_capacity(object.len());
    let mut scanner = Scanner::new(object);
    while let Some(token) = scanner.next().ok()? {
        match token {
            Token::Key(name) => {
                let name = name.text();
                if name.is_empty() || !name.bytes().all(is_plain) {
                    return None;
                }
                out.push_str(if out.is_empty() { "" } else { "&" });
                out.push_str(&name);
                out.push('=');
            }
            Token::Text(value) if scanner.depth() == 1 => encode(&value.text(), &mut out),
            Token::ObjectStart if scanner.depth() == 1 => {}
            Token::ObjectEnd => {}
            _ => return None,
        }
    }
    Some(out)
}

/// What the URL standard leaves as it is in a form.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_')
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            _ if is_plain(byte) => out.push(char::from(byte)),
            _ => {
                out.push('%');
                for digit in [byte >> 4, byte & 0xf] {
                    let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                    out.push(digit.to_ascii_uppercase());
                }
            }
        }
    }
}

/// Pluses are spaces, and what is percent-encoded is decoded; what is not UTF-8 then becomes U+FFFD.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['+', '%']) {
        return Cow::Borrowed(text);
    }
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.first_chunk::<2>().filter(|_| *first == b'%').and_then(|[high, low]| {
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            u8::try_from(digit(high)? << 4 | digit(low)?).ok()
        });
        rest = if let Some(byte) = pair {
            out.push(byte);
            after.get(2..).unwrap_or_default()
        } else {
            out.push(if *first == b'+' { b' ' } else { *first });
            after
        };
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{from_json, is_one, to_json};

    #[test]
    fn a_form_becomes_an_object_of_strings() {
        // Expected values: Python, json.dumps(dict(urllib.parse.parse_qsl(FORM, True))).
        for (form, object) in [
            ("", "{}"),
            ("a=b&c=d", r#"{"a":"b","c":"d"}"#),
            ("a=1+2%2B3&%41=%e9%9f%b3", r#"{"a":"1 2+3","A":"音"}"#),
            ("a&b=&&c==d", r#"{"a":"","b":"","c":"=d"}"#),
            ("a=%&b=%zz&c=%22", r#"{"a":"%","b":"%zz","c":"\""}"#),
        ] {
            assert_eq!(to_json(form), object, "{form}");
        }
        assert_eq!(to_json("%7B%22a%22%3A1%7D"), r#"{"a":1}"#);
    }

    #[test]
    fn an_object_of_strings_becomes_a_form() {
        // Expected values: Python, urllib.parse.urlencode(json.loads(OBJECT)).
        for (object, form) in [
            ("{}", ""),
            (r#"{"a":"b","c":""}"#, "a=b&c="),
            (r#"{"a":"1 2+3 \u97f3","b_1":"k=v&w"}"#, "a=1+2%2B3+%E9%9F%B3&b_1=k%3Dv%26w"),
        ] {
            assert_eq!(from_json(object).as_deref(), Some(form), "{object}");
        }
        // Not encoded, as the URL standard has it.
        assert_eq!(from_json(r#"{"a":"***"}"#).as_deref(), Some("a=***"));
        for none in ["[]", "{\"a\":1}", "{\"a\":{}}", "{\"a b\":\"\"}", "{\"\":\"\"}", "\"a\"", "{"]
        {
            assert_eq!(from_json(none), None, "{none}");
        }
    }

    #[test]
    fn an_object_is_no_form() {
        assert!(!is_one(" {\"a\":\"b=c&d\"}"));
        assert!(is_one("a=b"));
        assert!(is_one("%7B%22a%22%3A1%7D"));
    }
}
