//! A field as it was sent, whatever its type: so that one wrong type does not hide the others.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::violation::{Checker, Problem};

/// A field that may be missing, or of another type than it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Not there, or null.
    #[default]
    Absent,
    /// Of its type.
    Given(T),
    /// Of another type.
    Mistyped,
}

/// A JSON type that a field may have. Private to this module's folder: only its own types have it.
pub trait FieldType: Sized {
    /// What it is called in a [`Problem::WrongType`].
    const EXPECTED: &'static str;

    /// The value, if it is of this type.
    fn from_value(value: Value) -> Option<Self>;
}

impl FieldType for i64 {
    const EXPECTED: &'static str = "an integer";

    /// Integers beyond 64 bits are integers all the same; they saturate, which is out of any range.
    fn from_value(value: Value) -> Option<Self> {
        let Value::Number(number) = value else {
            return None;
        };
        match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Some(value),
            (None, Some(_)) => Some(Self::MAX),
            (None, None) => None,
        }
    }
}

impl FieldType for String {
    const EXPECTED: &'static str = "a string";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

impl FieldType for Vec<Field<String>> {
    const EXPECTED: &'static str = "a list of strings";

    fn from_value(value: Value) -> Option<Self> {
        let Value::Array(items) = value else {
            return None;
        };
        let item = |item| String::from_value(item).map_or(Field::Mistyped, Field::Given);
        Some(items.into_iter().map(item).collect())
    }
}

impl<T: FieldType> Field<T> {
    fn from_value(value: Value) -> Self {
        match value {
            Value::Null => Self::Absent,
            value => T::from_value(value).map_or(Self::Mistyped, Self::Given),
        }
    }

    /// The value, if it is there; a wrong type is reported.
    pub(super) fn take(self, name: &str, checker: &mut Checker<'_>) -> Option<T> {
        match self {
            Self::Absent => None,
            Self::Given(value) => Some(value),
            Self::Mistyped => {
                checker.report(name, Problem::WrongType { expected: T::EXPECTED });
                None
            }
        }
    }
}

impl<'de, T: FieldType> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from_value)
    }
}

/// Reads one of the raw objects: an object with any fields at all, so only its type can be wrong.
macro_rules! object_field {
    ($raw:ty) => {
        impl $crate::config::field::FieldType for $raw {
            const EXPECTED: &'static str = "an object";

            fn from_value(value: serde_json::Value) -> Option<Self> {
                if value.is_object() { serde_json::from_value(value).ok() } else { None }
            }
        }
    };
}
pub(super) use object_field;
