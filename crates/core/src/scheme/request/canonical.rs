//! Canonical forms: what of a request is signed, written so that both ends write the same.

use alloc::string::String;
use alloc::vec::Vec;

use super::rpc::{Pairs, ParamsError};
use super::{Request, RequestError};
use crate::scheme::call::percent_decoded;
use crate::scheme::mac::sha256_hex;

/// Percent-encodes all but the unreserved characters of RFC 3986 §2.3.
pub(super) fn push_encoded(out: &mut String, text: &str) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.extend(DIGITS.get(usize::from(half)));
            }
        }
    }
}

/// `NAME=VALUE` encoded, `&` between, in the order of the pairs.
pub(super) fn push_pairs(out: &mut String, pairs: &Pairs, leave_out: &str) {
    let mut first = true;
    for (name, value) in pairs.iter().filter(|(name, _)| name != leave_out) {
        if !first {
            out.push('&');
        }
        first = false;
        push_encoded(out, name);
        out.push('=');
        push_encoded(out, value);
    }
}

/// The query, decoded, sorted by name and then by value, and encoded anew.
pub(super) fn query(request: &Request<'_>) -> Result<String, ParamsError> {
    let mut pairs = Pairs::new();
    super::rpc::push_form(&mut pairs, request.query)?;
    pairs.sort_unstable();
    let mut out = String::new();
    push_pairs(&mut out, &pairs, "");
    Ok(out)
}

/// Huawei's path: decoded once, each segment encoded anew, and with a slash at its end.
pub(super) fn path_with_slash(path: &str) -> Result<String, RequestError> {
    let decoded = percent_decoded(path).ok_or(RequestError::Malformed("path"))?;
    let mut out = String::new();
    for segment in decoded.split('/') {
        push_encoded(&mut out, segment);
        out.push('/');
    }
    // The split of a path that ends in a slash has an empty last piece.
    if decoded.ends_with('/') {
        out.pop();
    }
    Ok(out)
}

/// The canonical request of both schemes that sign headers, as the hex of its SHA-256.
pub(super) fn request_digest(
    request: &Request<'_>,
    path: &str,
    headers: &[(&str, &str)],
    signed_headers: &str,
    payload: &str,
) -> Result<String, RequestError> {
    let query = query(request)?;
    let method = request.method.to_ascii_uppercase();
    let mut text = String::new();
    let mut line = |pieces: &[&str]| {
        text.extend(pieces.iter().copied());
        text.push('\n');
    };
    line(&[&method]);
    line(&[path]);
    line(&[&query]);
    for (name, value) in headers {
        line(&[name, ":", value]);
    }
    line(&[]);
    line(&[signed_headers]);
    text.push_str(payload);
    Ok(sha256_hex(text.as_bytes()))
}

/// The string that `HMAC-SHA1` signs: method, `/`, and the parameters encoded once more.
pub(super) fn rpc_string(method: &str, pairs: &Pairs) -> String {
    let mut inner = String::new();
    push_pairs(&mut inner, pairs, "Signature");
    let mut out = method.to_ascii_uppercase();
    out.push_str("&%2F&");
    push_encoded(&mut out, &inner);
    out
}

/// Lines joined, for the strings to sign.
pub(super) fn lines(pieces: &[&str]) -> String {
    let all: Vec<&str> = pieces.to_vec();
    all.join("\n")
}
