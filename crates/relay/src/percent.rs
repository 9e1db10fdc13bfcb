//! Percent-encoding (RFC 3986 §2.1), of paths, queries and names of streams.

/// Percent-decoding (RFC 3986 §2.1); in a query `+` is a space. `None` if it is not written so, or
/// is not UTF-8.
pub(crate) fn decode(text: &str, is_query: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                let mut one = [0];
                hex::decode_to_slice(pair, &mut one).ok()?;
                one[0]
            }
            b'+' if is_query => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_what_is_encoded() {
        assert_eq!(decode("a%2Fb%20%C3%a9", false).as_deref(), Some("a/b \u{e9}"));
        assert_eq!(decode("a+b", false).as_deref(), Some("a+b"));
        assert_eq!(decode("a+b%2B", true).as_deref(), Some("a b+"));
        for bad in ["%", "%2", "%zz", "%ff", "a%c3"] {
            assert_eq!(decode(bad, false), None, "{bad}");
        }
    }
}
