//! Named fields of one JSON object, found in a single pass.

use alloc::borrow::Cow;

use super::scan::{Malformed, Scanner, Token};
use super::text::Raw;

/// A value in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(Raw<'a>),
    Number(&'a str),
    Bool(bool),
    Null,
    /// An object's text, braces and all.
    Object(&'a str),
    /// An array's text, brackets and all.
    Array(&'a str),
}

/// Why fields could not be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldsError {
    /// The text is not JSON.
    Malformed(Malformed),
    /// It is JSON, but not an object.
    NotAnObject,
    /// The field of this number is there twice, so that readers would differ about its value.
    Twice(usize),
}

impl From<Malformed> for FieldsError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl<'a> Value<'a> {
    /// The string, if it is one.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(raw) => Some(raw.text()),
            _ => None,
        }
    }
}

/// The fields of the object `text` with these names, in their order, and the whole text checked.
/// A name that is `None` finds nothing.
pub(crate) fn fields<'a, const N: usize>(
    text: &'a str,
    names: [Option<&str>; N],
) -> Result<[Option<Value<'a>>; N], FieldsError> {
    fields_and_text(text, names, None).map(|(found, _)| found)
}

/// Fields in the order of their names, and the decoded text of one of them.
pub(crate) type FieldsAndText<'a, const N: usize> = ([Option<Value<'a>>; N], Option<Cow<'a, str>>);

/// The same, and of the field of that number, where it is a string, the decoded text instead of the
/// value: decoded in the same pass that checks it, which is worth it for a long one full of escapes.
pub(crate) fn fields_and_text<'a, const N: usize>(
    text: &'a str,
    names: [Option<&str>; N],
    number: Option<usize>,
) -> Result<FieldsAndText<'a, N>, FieldsError> {
    let mut found = [None; N];
    let mut decoded = None;
    let wanted = number.and_then(|number| names.get(number).copied().flatten());
    let mut scanner = Scanner::new(text);
    if scanner.next()? != Some(Token::ObjectStart) {
        while scanner.next()?.is_some() {}
        return Err(FieldsError::NotAnObject);
    }
    let mut twice = None;
    while let Some(key) = scanner.member()? {
        // Once: a field that is there twice is refused, and decoding it would be wasted.
        let decode = decoded.is_none() && wanted.is_some_and(|name| key.is(name));
        if decode {
            decoded = scanner.text()?;
        }
        let value = match &decoded {
            Some(_) if decode => Value::Null,
            _ => {
                let token = scanner.member_value()?;
                value_of(text, &mut scanner, Some(token))?
            }
        };
        for (index, (name, slot)) in names.iter().zip(found.iter_mut()).enumerate() {
            if name.is_some_and(|name| key.is(name)) && slot.replace(value).is_some() {
                twice = twice.or(Some(index));
            }
        }
    }
    // Nothing may follow.
    scanner.next()?;
    match twice {
        Some(index) => Err(FieldsError::Twice(index)),
        None => Ok((found, decoded)),
    }
}

/// Gives every member of the object `text` to `visit`, in their order, and checks the whole text.
pub(crate) fn each_member<'a>(
    text: &'a str,
    visit: &mut dyn FnMut(Raw<'a>, Value<'a>),
) -> Result<(), FieldsError> {
    let mut scanner = Scanner::new(text);
    if scanner.next()? != Some(Token::ObjectStart) {
        while scanner.next()?.is_some() {}
        return Err(FieldsError::NotAnObject);
    }
    while let Some(key) = scanner.member()? {
        let token = scanner.member_value()?;
        visit(key, value_of(text, &mut scanner, Some(token))?);
    }
    // Nothing may follow.
    scanner.next()?;
    Ok(())
}

/// Gives every item of the array `text`, which was scanned before, to `visit`.
pub(crate) fn each_item<'a>(text: &'a str, visit: &mut dyn FnMut(Value<'a>)) {
    let mut scanner = Scanner::new(text);
    if scanner.next() != Ok(Some(Token::ArrayStart)) {
        return;
    }
    while let Ok(found) = value(text, &mut scanner) {
        if scanner.depth() == 0 {
            return; // that was the array's end
        }
        visit(found);
    }
}

/// The item at `index` of the array `text`, which was scanned before.
pub(crate) fn item(text: &str, index: usize) -> Option<Value<'_>> {
    let mut scanner = Scanner::new(text);
    if scanner.next().ok()? != Some(Token::ArrayStart) {
        return None;
    }
    let mut at: usize = 0;
    loop {
        let found = value(text, &mut scanner).ok()?;
        if scanner.depth() == 0 {
            return None; // that was the array's end
        }
        if at == index {
            return Some(found);
        }
        at = at.saturating_add(1);
    }
}

/// The value that comes next, read to its end.
fn value<'a>(text: &'a str, scanner: &mut Scanner<'a>) -> Result<Value<'a>, Malformed> {
    let token = scanner.next()?;
    value_of(text, scanner, token)
}

/// The value that begins with a token, read to its end.
fn value_of<'a>(
    text: &'a str,
    scanner: &mut Scanner<'a>,
    token: Option<Token<'a>>,
) -> Result<Value<'a>, Malformed> {
    let (start, mut end) = scanner.span();
    if matches!(token, Some(Token::ObjectStart | Token::ArrayStart)) {
        scanner.skip_container()?;
        (_, end) = scanner.span();
    }
    // Spans begin and end at ASCII, so the text is always there.
    let whole = text.get(start..end).unwrap_or("");
    Ok(match token {
        Some(Token::Text(raw)) => Value::Text(raw),
        Some(Token::Number(number)) => Value::Number(number),
        Some(Token::Bool(truth)) => Value::Bool(truth),
        Some(Token::ObjectStart) => Value::Object(whole),
        Some(Token::ArrayStart) => Value::Array(whole),
        // An array's end in place of an item, too: `item` looks for it.
        _ => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use super::{FieldsError, Value, each_item, each_member, fields, fields_and_text, item};
    use crate::dialect::json::Syntax;
    use alloc::format;
    use proptest::prelude::*;

    #[test]
    fn finds_top_level_fields_by_name() {
        let text = r#"{"a":{"b":1}, "b":"x", "\u0063":[1], "d":null}"#;
        let names = ["a", "b", "c", "d", "e"].map(Some);
        let [object, string, array, null, missing] = fields(text, names).unwrap();
        assert_eq!(object, Some(Value::Object(r#"{"b":1}"#)));
        assert_eq!(string.and_then(Value::text).as_deref(), Some("x"));
        assert_eq!(array, Some(Value::Array("[1]")));
        assert_eq!(null, Some(Value::Null));
        assert_eq!(missing, None);
        assert_eq!(fields(text, [None]), Ok([None]));
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        let twice = r#"{"x":1,"a":1,"\u0061":2}"#;
        assert_eq!(fields(twice, [Some("b"), Some("a")]), Err(FieldsError::Twice(1)));
        assert!(fields(twice, [Some("x")]).is_ok());
    }

    #[test]
    fn other_values_are_no_object_and_bad_ones_no_json() {
        assert_eq!(fields("[1]", [Some("a")]), Err(FieldsError::NotAnObject));
        for text in ["[1", "{\"a\":1}}", "{\"a\":1,\"a\":2"] {
            let error = fields(text, [Some("a")]).unwrap_err();
            let FieldsError::Malformed(malformed) = error else { panic!("{text}: {error:?}") };
            assert!(matches!(malformed.syntax, Syntax::UnexpectedEnd | Syntax::TrailingText));
        }
    }

    #[test]
    fn a_text_is_decoded_where_it_is_a_string_and_there_once() {
        let names = [Some("a"), Some("m")];
        let read = |text| fields_and_text(text, names, Some(1));
        let (found, text) = read(r#"{"m" : "{\"x\":\"\u00e9\"}", "a":1}"#).unwrap();
        assert_eq!(text.as_deref(), Some("{\"x\":\"\u{e9}\"}"));
        assert_eq!(found[0], Some(Value::Number("1")));
        assert_eq!(read(r#"{"m":[1]}"#), Ok(([None, Some(Value::Array("[1]"))], None)));
        assert_eq!(read(r#"{"m":"\n","m":"\n"}"#), Err(FieldsError::Twice(1)));
    }

    proptest! {
        /// Decoding on the way changes neither what is found nor what is wrong, and where.
        #[test]
        fn decoding_changes_nothing(content in "[a-z\"\\\\ {},:\u{e9}\u{1}u0-9dn/]{0,40}", end in "(\"\\}|\"|)") {
            let text = format!("{{\"m\":\"{content}{end}");
            let plain = fields(&text, [Some("m")]);
            let decoded = fields_and_text(&text, [Some("m")], Some(0));
            match (plain, decoded) {
                (Ok([value]), Ok((_, text))) => {
                    prop_assert_eq!(value.and_then(Value::text), text);
                }
                (plain, decoded) => prop_assert_eq!(plain.err(), decoded.err()),
            }
        }
    }

    #[test]
    fn members_and_items_are_visited_in_their_order() {
        let mut seen = alloc::vec::Vec::new();
        let text = r#"{"a":[1,{"x":[2]},"s"],"a":null,"b":{}}"#;
        each_member(text, &mut |key, value| seen.push((key.written(), value))).unwrap();
        let list = r#"[1,{"x":[2]},"s"]"#;
        assert_eq!(
            seen,
            [("a", Value::Array(list)), ("a", Value::Null), ("b", Value::Object("{}"))]
        );
        let mut items = alloc::vec::Vec::new();
        each_item(list, &mut |item| items.push(item));
        assert_eq!(items[..2], [Value::Number("1"), Value::Object(r#"{"x":[2]}"#)]);
        assert_eq!(items[2].text().as_deref(), Some("s"));
        each_item("[]", &mut |item| panic!("{item:?}"));
        each_item("{}", &mut |item| panic!("{item:?}"));
        let none = &mut |_, _| {};
        assert_eq!(each_member("[1]", none), Err(FieldsError::NotAnObject));
        assert!(each_member("{\"a\":1} x", none).is_err());
    }

    #[test]
    fn finds_an_item_by_its_index() {
        let text = r#"["a", {"b":[2]}, 3]"#;
        assert_eq!(item(text, 1), Some(Value::Object(r#"{"b":[2]}"#)));
        assert_eq!(item(text, 2), Some(Value::Number("3")));
        assert_eq!(item(text, 3), None);
        assert_eq!(item("{}", 0), None);
        assert_eq!(item("[]", 0), None);
    }
}
