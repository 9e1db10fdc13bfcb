//! A JSON value as conditions see it: texts borrowed where they can be, numbers exact.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::number::Number;

/// One member of an object.
pub(super) type Member<'a> = (Cow<'a, str>, Value<'a>);

/// A JSON value. As read, objects keep every member in the order of the text, also one that comes
/// twice; [`Value::settled`] makes them comparable.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Vec<Member<'a>>),
}

impl<'a> Value<'a> {
    /// The value with every object's members sorted by name, the last of those that share one kept:
    /// two settled values are equal exactly if they mean the same.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::List(list) => Self::List(list.into_iter().map(Self::settled).collect()),
            Self::Object(members) => {
                let mut members: Vec<Member<'a>> =
                    members.into_iter().map(|(name, value)| (name, value.settled())).collect();
                // Stable, and reversed first: of equal names the last one written comes first, and
                // dedup keeps the first.
                members.reverse();
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                members.dedup_by(|(a, _), (b, _)| a == b);
                Self::Object(members)
            }
            scalar => scalar,
        }
    }

    /// The same value, borrowing nothing.
    pub(super) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Number(n) => Value::Number(n),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::List(list) => Value::List(list.into_iter().map(Self::into_owned).collect()),
            Self::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }

    /// Whether it is neither a list nor an object.
    pub(super) const fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Object(_))
    }

    /// How many values it is made of, itself included.
    pub(super) fn nodes(&self) -> usize {
        let below: usize = match self {
            Self::List(list) => list.iter().map(Self::nodes).sum(),
            Self::Object(members) => members.iter().map(|(_, value)| value.nodes()).sum(),
            _ => 0,
        };
        below.saturating_add(1)
    }

    /// How many lists and objects lie in each other, itself included.
    pub(super) fn depth(&self) -> usize {
        let below = match self {
            Self::List(list) => list.iter().map(Self::depth).max(),
            Self::Object(members) => members.iter().map(|(_, value)| value.depth()).max(),
            _ => return 0,
        };
        below.unwrap_or(0).saturating_add(1)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(b))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(n.into()))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(n.into()))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(Number::Float(n)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.into())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Value::Object(members))
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.into())))
            }
        }
        input.deserialize_str(Text)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Number(n) => n.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => serializer.collect_seq(list),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name.as_ref(), value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    fn read(text: &str) -> Value<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn settled_values_are_equal_whatever_the_order_of_members() {
        let a = read(r#"{"a":{"x":1,"y":[{"p":1,"q":2}]},"b":2.0}"#).settled();
        let b = read(r#"{"b":2,"a":{"y":[{"q":2,"p":1}],"x":1}}"#).settled();
        assert_eq!(a, b);
        assert_ne!(read("[1,2]").settled(), read("[2,1]").settled());
    }

    #[test]
    fn of_members_that_share_a_name_the_last_counts() {
        assert_eq!(read(r#"{"a":1,"b":0,"a":2}"#).settled(), read(r#"{"a":2,"b":0}"#).settled());
        assert_ne!(read(r#"{"a":1,"a":2}"#).settled(), read(r#"{"a":1}"#).settled());
    }

    #[test]
    fn size_counts_every_value_and_depth_every_container() {
        let value = read(r#"{"a":[1,{"b":null}],"c":"x"}"#);
        assert_eq!(value.nodes(), 6); // object, list, 1, object, null, "x"
        assert_eq!(value.depth(), 3);
        assert_eq!((read("5").nodes(), read("5").depth()), (1, 0));
        assert_eq!((read("{}").nodes(), read("{}").depth()), (1, 1));
    }

    #[test]
    fn texts_borrow_unless_they_have_escapes() {
        use alloc::borrow::Cow;
        assert!(matches!(read(r#""plain""#), Value::Text(Cow::Borrowed("plain"))));
        assert!(matches!(read(r#""a\/b""#), Value::Text(Cow::Owned(text)) if text == "a/b"));
    }
}
