//! Single fields of a JSON body, found without building a tree, so that a field given twice is
//! noticed rather than one of the two being taken.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::call::{Lack, percent_decoded_bytes};
use super::model::{BodyForm, Pointer};

/// The string or number that a pointer names; a number as it is written.
pub(super) fn field<'a>(
    body: &'a [u8],
    pointer: &Pointer,
    form: BodyForm,
) -> Result<Cow<'a, str>, Lack> {
    match form {
        BodyForm::Json => json_field(body, pointer),
        BodyForm::PercentEncodedJson if body.trim_ascii_start().starts_with(b"{") => {
            json_field(body, pointer)
        }
        BodyForm::PercentEncodedJson => {
            let decoded = percent_decoded_bytes(body).ok_or(Lack::NotJson)?;
            json_field(&decoded, pointer).map(|value| Cow::Owned(value.into_owned()))
        }
    }
}

fn json_field<'a>(body: &'a [u8], pointer: &Pointer) -> Result<Cow<'a, str>, Lack> {
    let mut found = Found::Nothing;
    let mut input = serde_json::Deserializer::from_slice(body);
    let walk = Walk { path: &pointer.tokens, found: &mut found };
    walk.deserialize(&mut input).map_err(|_| Lack::NotJson)?;
    input.end().map_err(|_| Lack::NotJson)?;
    match found {
        Found::Nothing => Err(Lack::Missing),
        Found::Several => Err(Lack::Duplicate),
        Found::One(raw) => scalar(raw),
    }
}

fn scalar(raw: &RawValue) -> Result<Cow<'_, str>, Lack> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str::<Text<'_>>(text).map(|text| text.0).map_err(|_| Lack::NotJson)
        }
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(text)),
        _ => Err(Lack::Malformed),
    }
}

enum Found<'de> {
    Nothing,
    One(&'de RawValue),
    Several,
}

/// Follows a path into a value. A name that an object has twice is followed twice.
struct Walk<'p, 'f, 'de> {
    path: &'p [String],
    found: &'f mut Found<'de>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            let raw = <&RawValue>::deserialize(input)?;
            *self.found = match self.found {
                Found::Nothing => Found::One(raw),
                Found::One(_) | Found::Several => Found::Several,
            };
            Ok(())
        } else {
            input.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (name, rest) = self.path.split_first().ok_or_else(|| A::Error::custom("no path"))?;
        while let Some(is_it) = map.next_key_seed(Is(name))? {
            if is_it {
                map.next_value_seed(Walk { path: rest, found: &mut *self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let (name, rest) = self.path.split_first().ok_or_else(|| A::Error::custom("no path"))?;
        // RFC 6901 §4: an index has no leading zeros.
        let wanted = name.parse::<usize>().ok().filter(|index| index.to_string() == *name);
        let mut index = 0usize;
        loop {
            let more = if wanted == Some(index) {
                seq.next_element_seed(Walk { path: rest, found: &mut *self.found })?.is_some()
            } else {
                seq.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            index = index.saturating_add(1);
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Whether an object's key is this one.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::field;
    use crate::scheme::call::Lack;
    use crate::scheme::model::{BodyForm, Pointer};
    use std::borrow::ToOwned;
    use std::string::String;

    fn at(body: &str, path: &[&str]) -> Result<String, Lack> {
        let tokens = path.iter().map(|&token| token.to_owned()).collect();
        let pointer = Pointer { text: String::new(), tokens };
        field(body.as_bytes(), &pointer, BodyForm::Json).map(super::Cow::into_owned)
    }

    #[test]
    fn strings_and_numbers_are_found_at_any_depth() {
        let body = r#"{"a":{"b":[7,{"c":"x\/\u00e9"}],"n":-1.50e3},"z":true}"#;
        assert_eq!(at(body, &["a", "b", "0"]).as_deref(), Ok("7"));
        assert_eq!(at(body, &["a", "b", "1", "c"]).as_deref(), Ok("x/é"));
        assert_eq!(at(body, &["a", "n"]).as_deref(), Ok("-1.50e3"));
    }

    #[test]
    fn what_is_absent_or_no_scalar_is_told_apart() {
        let body = r#"{"a":{"b":[7]},"z":true,"n":null}"#;
        for path in [&["x"][..], &["a", "b", "1"], &["a", "b", "00"], &["z", "y"], &["n", "y"]] {
            assert_eq!(at(body, path), Err(Lack::Missing), "{path:?}");
        }
        for path in [&["a"][..], &["a", "b"], &["z"], &["n"]] {
            assert_eq!(at(body, path), Err(Lack::Malformed), "{path:?}");
        }
    }

    #[test]
    fn a_field_given_twice_is_refused_on_every_level() {
        assert_eq!(at(r#"{"a":1,"a":1}"#, &["a"]), Err(Lack::Duplicate));
        assert_eq!(at(r#"{"a":1,"\u0061":1}"#, &["a"]), Err(Lack::Duplicate));
        assert_eq!(at(r#"{"a":{"b":1},"a":{"b":2}}"#, &["a", "b"]), Err(Lack::Duplicate));
    }

    #[test]
    fn a_body_that_is_not_json_is_told() {
        for body in ["", "{", r#"{"a":1}x"#, "\u{0}", r#"{"a":01}"#] {
            assert_eq!(at(body, &["a"]), Err(Lack::NotJson), "{body:?}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(at(&deep, &["0"]), Err(Lack::NotJson));
        let pointer = Pointer { text: String::new(), tokens: ["a".to_owned()].into() };
        assert_eq!(field(b"{\"a\":\"\xff\"}", &pointer, BodyForm::Json), Err(Lack::NotJson));
    }

    #[test]
    fn a_percent_encoded_body_is_decoded_first() {
        let pointer = Pointer { text: String::new(), tokens: ["nonce".to_owned()].into() };
        let body = b"%7B%22nonce%22%3A%221%2B2%22%7D";
        let found = field(body, &pointer, BodyForm::PercentEncodedJson);
        assert_eq!(found.as_deref(), Ok("1+2"));
        let plain = br#" {"nonce":"100%"}"#;
        let found = field(plain, &pointer, BodyForm::PercentEncodedJson);
        assert_eq!(found.as_deref(), Ok("100%"));
        assert_eq!(field(b"%7", &pointer, BodyForm::PercentEncodedJson), Err(Lack::NotJson));
    }
}
