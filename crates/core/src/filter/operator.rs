//! What the comparing operators take, and what they say about one value.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::cmp::Ordering;

use serde::ser::{Serialize, Serializer};

use super::eval::Seen;
use super::number::Number;
use super::value::Value;
use super::violation::Operand;

/// An operator with its operand, checked. It judges the value that is there: a list is one value,
/// and a value of a type that the operator can not judge does not hold, with `$nin` no more than
/// with `$in`. Of a field that is not there only `$exist` may hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// `$eq`: equal, deeply.
    Equal(Value<'static>),
    /// `$neq`: there, and not equal.
    NotEqual(Value<'static>),
    /// `$gt $gte $lt $lte`: a number against a number, a text against a text by code points.
    Order(Order, Bound),
    /// `$in`.
    In(Members),
    /// `$nin`.
    NotIn(Members),
    /// `$startsWith`: a text that begins with one of these.
    StartsWith(Texts),
    /// `$endsWith`: a text that ends with one of these.
    EndsWith(Texts),
    /// `$exist`: whether it is there; `null` is.
    Exist(bool),
}

/// Which side of a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Order {
    const fn admits(self, ordering: Ordering) -> bool {
        match self {
            Self::Above => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
            Self::Below => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
        }
    }
}

/// What a value is ordered against.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bound {
    Number(Number),
    Text(Cow<'static, str>),
}

/// What `$in` looks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Members {
    /// A list of scalars: the value has to be one of them.
    Of(Vec<Value<'static>>),
    /// One scalar: a text has to contain it as a text, a list as an element.
    Has(Value<'static>),
}

/// One text, or any of several.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Texts {
    One(Cow<'static, str>),
    Any(Vec<Cow<'static, str>>),
}

impl Test {
    /// The operator of that name with that operand. `None` if there is no such operator.
    ///
    /// # Errors
    /// What the operator takes, if that is not it.
    pub(super) fn parse(name: &str, operand: &Value<'_>) -> Option<Result<Self, Operand>> {
        let owned = || operand.clone().settled().into_owned();
        Some(match name {
            "$eq" => Ok(Self::Equal(owned())),
            "$neq" => Ok(Self::NotEqual(owned())),
            "$gt" => Bound::parse(operand).map(|bound| Self::Order(Order::Above, bound)),
            "$gte" => Bound::parse(operand).map(|bound| Self::Order(Order::AtLeast, bound)),
            "$lt" => Bound::parse(operand).map(|bound| Self::Order(Order::Below, bound)),
            "$lte" => Bound::parse(operand).map(|bound| Self::Order(Order::AtMost, bound)),
            "$in" => Members::parse(operand).map(Self::In),
            "$nin" => Members::parse(operand).map(Self::NotIn),
            "$startsWith" => Texts::parse(operand).map(Self::StartsWith),
            "$endsWith" => Texts::parse(operand).map(Self::EndsWith),
            "$exist" => match operand {
                Value::Bool(there) => Ok(Self::Exist(*there)),
                _ => Err(Operand::Bool),
            },
            _ => return None,
        })
    }

    /// The name it was written with.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Equal(_) => "$eq",
            Self::NotEqual(_) => "$neq",
            Self::Order(Order::Above, _) => "$gt",
            Self::Order(Order::AtLeast, _) => "$gte",
            Self::Order(Order::Below, _) => "$lt",
            Self::Order(Order::AtMost, _) => "$lte",
            Self::In(_) => "$in",
            Self::NotIn(_) => "$nin",
            Self::StartsWith(_) => "$startsWith",
            Self::EndsWith(_) => "$endsWith",
            Self::Exist(_) => "$exist",
        }
    }

    /// Whether it needs the members of an object that it judges.
    pub(super) const fn reads_members(&self) -> bool {
        matches!(self, Self::Equal(Value::Object(_)) | Self::NotEqual(Value::Object(_)))
    }

    /// What it says about a value.
    pub(super) fn holds(&self, seen: Seen<'_, '_>) -> bool {
        if matches!(seen, Seen::Missing) {
            return matches!(self, Self::Exist(false));
        }
        match self {
            Self::Equal(operand) => seen.equals(operand),
            Self::NotEqual(operand) => !seen.equals(operand),
            Self::Order(order, bound) => bound.compare(seen).is_some_and(|o| order.admits(o)),
            Self::In(members) => members.contain(seen) == Some(true),
            Self::NotIn(members) => members.contain(seen) == Some(false),
            Self::StartsWith(texts) => texts.any(seen, |text, part| text.starts_with(part)),
            Self::EndsWith(texts) => texts.any(seen, |text, part| text.ends_with(part)),
            Self::Exist(there) => *there,
        }
    }
}

impl Bound {
    fn parse(operand: &Value<'_>) -> Result<Self, Operand> {
        match operand {
            Value::Number(number) => Ok(Self::Number(*number)),
            Value::Text(text) => Ok(Self::Text(Cow::Owned(text.as_ref().into()))),
            _ => Err(Operand::Ordered),
        }
    }

    fn compare(&self, seen: Seen<'_, '_>) -> Option<Ordering> {
        match (self, seen) {
            (Self::Number(bound), Seen::Number(number)) => number.compare(*bound),
            // UTF-8 sorts by code points, byte by byte.
            (Self::Text(bound), Seen::Text(text)) => Some(text.cmp(bound.as_ref())),
            _ => None,
        }
    }
}

impl Members {
    fn parse(operand: &Value<'_>) -> Result<Self, Operand> {
        match operand {
            Value::List(list) if list.iter().all(Value::is_scalar) => {
                Ok(Self::Of(list.iter().map(|value| value.clone().into_owned()).collect()))
            }
            scalar if scalar.is_scalar() => Ok(Self::Has(scalar.clone().into_owned())),
            _ => Err(Operand::Scalars),
        }
    }

    /// Whether the value is in, or has it; `None` if that can not be asked of it.
    fn contain(&self, seen: Seen<'_, '_>) -> Option<bool> {
        match (self, seen) {
            (Self::Of(list), scalar) if scalar.is_scalar() => {
                Some(list.iter().any(|member| scalar.equals(member)))
            }
            (Self::Has(Value::Text(part)), Seen::Text(text)) => Some(text.contains(part.as_ref())),
            (Self::Has(member), Seen::List(list)) => {
                Some(list.iter().any(|element| Seen::from(element).equals(member)))
            }
            _ => None,
        }
    }
}

impl Texts {
    fn parse(operand: &Value<'_>) -> Result<Self, Operand> {
        let text = |value: &Value<'_>| match value {
            Value::Text(text) => Ok(Cow::Owned(text.as_ref().into())),
            _ => Err(Operand::Texts),
        };
        match operand {
            Value::List(list) => list.iter().map(text).collect::<Result<_, _>>().map(Self::Any),
            one => text(one).map(Self::One),
        }
    }

    fn any(&self, seen: Seen<'_, '_>, is: impl Fn(&str, &str) -> bool) -> bool {
        let Seen::Text(text) = seen else { return false };
        match self {
            Self::One(part) => is(text, part),
            Self::Any(parts) => parts.iter().any(|part| is(text, part)),
        }
    }
}

/// Writes the operand.
impl Serialize for Test {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Equal(value)
            | Self::NotEqual(value)
            | Self::In(Members::Has(value))
            | Self::NotIn(Members::Has(value)) => value.serialize(serializer),
            Self::Order(_, Bound::Number(number)) => number.serialize(serializer),
            Self::Order(_, Bound::Text(text))
            | Self::StartsWith(Texts::One(text))
            | Self::EndsWith(Texts::One(text)) => serializer.serialize_str(text),
            Self::In(Members::Of(list)) | Self::NotIn(Members::Of(list)) => {
                serializer.collect_seq(list)
            }
            Self::StartsWith(Texts::Any(list)) | Self::EndsWith(Texts::Any(list)) => {
                serializer.collect_seq(list)
            }
            Self::Exist(there) => serializer.serialize_bool(*there),
        }
    }
}
