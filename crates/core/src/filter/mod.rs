//! Who gets an event: scopes, and conditions on what the event says.
//!
//! A filter is a JSON object with up to four members, all of which have to admit an event:
//!
//! ```json
//! {
//!   "kinds": ["relay.*", "SHOOT_SCRIPT_SWITCH"],
//!   "channels": ["26f065244f754b3a"],
//!   "users": ["anchor-7"],
//!   "where": {"state": {"$in": ["DISCONNECTED", "END"]}}
//! }
//! ```
//!
//! **Scopes.** `kinds` takes names of our [kinds](crate::event::Kind), vendors' own types, and the
//! beginning of either followed by `*`. `channels` and `users` are compared exactly. A scope that
//! is absent or empty admits every event; one with entries admits none that lacks the attribute.
//!
//! **Conditions.** `where` speaks of the fields of the event's data, in the JSON language that
//! Hookdeck's filters made known (<https://hookdeck.com/docs/filters>,
//! <https://github.com/hookdeck/simple-json-match>):
//!
//! | written | holds for |
//! |---|---|
//! | a scalar | that value, or a list with it, at any depth |
//! | `{"field": C, …}` | an object each of whose named fields satisfies its condition, or a list with such an element; `{}` asks for any object |
//! | `[C, …]` | a list that has, for each condition, an element that satisfies it |
//! | `$eq`, `$neq` | deep equality and its opposite; members in any order |
//! | `$gt $gte $lt $lte` | a number against a number, a string against a string (by code points) |
//! | `$in`, `$nin`: a list | a scalar that is, or is not, one of these scalars |
//! | `$in`, `$nin`: a scalar | a string that has, or has not, that string as a part; a list that has, or has not, that element |
//! | `$startsWith`, `$endsWith` | a string that begins or ends with a string, or with one of a list |
//! | `$exist` | whether the field is there; `null` is |
//! | `$and`, `$or`, `$not` | conditions on this same value |
//! | `$event` | the event's own `kind`, `type` (the vendor's), `channel`, `user` and `source`; at the root, or in `$and`, `$or` and `$not` there |
//!
//! - All members of one object have to hold, fields and operators alike.
//! - An operator judges the value that is there. A list is one value to it: `{"$gt": 1}` does not
//!   look for a greater element, `[{"$gt": 1}]` does. What it can not judge does not hold, for
//!   `$nin` as little as for `$in`. A field that is not there satisfies `$exist: false` and
//!   negations, nothing else: `$neq` and `$nin` ask for a value.
//! - Nothing is converted: `1` and `"1"`, `0` and `false`, `null` and an absent field all differ.
//! - Numbers are compared by value, exactly for integers from -2⁶³ to 2⁶⁴-1 and as binary64
//!   otherwise.
//! - A field whose own name begins with `$` is written with one more: `$$ref`.
//!
//! Where the JavaScript library behind Hookdeck's filters differs from its description, the
//! description is followed: it drops operators that stand beside `$or` or `$not` within a field,
//! converts strings to numbers, and compares objects by the order of their members. `$ref` is not
//! taken; neither are operands that no value could match, which are [violations](Violation).

mod checker;
mod condition;
mod eval;
#[cfg(any(test, feature = "_fuzzing"))]
pub mod fuzz;
mod index;
mod names;
mod number;
mod operator;
mod scope;
mod set;
mod shape;
mod value;
mod violation;

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::event::Event;
use crate::id::SourceId;

pub use checker::{MAX_PATH, MAX_VIOLATIONS};
pub use condition::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub use scope::{MAX_ENTRIES, MAX_ENTRY};
pub use set::SubscriptionSet;
pub use violation::{FilterError, Operand, Violation};

use checker::Checker;
use condition::Condition;
use eval::{Facts, SourceText, attributes, with_slots};
use scope::Scope;
use shape::Shape;
use value::Value;

/// A filter as it came, unchecked: any JSON. [`Filter::try_from`] checks it.
#[derive(Clone, Debug, PartialEq)]
pub struct RawFilter(Value<'static>);

impl<'de> Deserialize<'de> for RawFilter {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Value::deserialize(input).map(|value| Self(value.into_owned()))
    }
}

impl Serialize for RawFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A checked filter. The default one admits every event.
///
/// ```
/// use livegate_core::event::{Event, Kind};
/// use livegate_core::filter::Filter;
/// use livegate_core::id::SourceId;
///
/// let filter = Filter::parse(r#"{"kinds": ["relay.*"], "where": {"state": "CONNECTED"}}"#)?;
/// let event = Event {
///     kind: Kind::RelayState,
///     vendor_type: "RTMP_STREAM_STATE_CHANGE".into(),
///     channel: Some("room".into()),
///     user: None,
///     entity: None,
///     repeat_key: None,
///     relay: None,
///     vendor_id: None,
///     time: None,
///     data: r#"{"job_id": "j1", "state": "CONNECTED"}"#.into(),
/// };
/// assert!(filter.matches(&event, SourceId::from_bytes([0; 16])));
/// # Ok::<(), Vec<livegate_core::filter::Violation>>(())
/// ```
///
/// It serialises to JSON that reads back as the same filter; conditions as they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    scope: Scope,
    condition: Option<Condition>,
    shape: Shape,
}

impl Filter {
    /// Reads a filter from JSON text.
    ///
    /// # Errors
    /// Every rule that it breaks, at most [`MAX_VIOLATIONS`] of them, each with its place. A condition
    /// beyond its limits of size is not looked into.
    pub fn parse(text: &str) -> Result<Self, Vec<Violation>> {
        let raw: RawFilter = serde_json::from_str(text).map_err(|error| {
            let error = FilterError::Malformed { line: error.line(), column: error.column() };
            alloc::vec![Violation { path: String::new(), error }]
        })?;
        Self::try_from(raw)
    }

    /// Whether the filter admits an event that came from a source.
    ///
    /// Data that is not the text of one JSON object counts as an object without fields; of members
    /// that share a name the last counts. Nothing is allocated unless a condition looks at a list,
    /// at a string with escapes, or at more than 15 fields.
    pub fn matches(&self, event: &Event<'_>, source: SourceId) -> bool {
        if !self.scope.admits(event) {
            return false;
        }
        let Some(condition) = &self.condition else {
            return true;
        };
        let source = SourceText::new(source);
        let attributes = attributes(event, source.as_str());
        with_slots(&self.shape, |slots| {
            if condition.reads_data() {
                self.shape.scan(&event.data, slots);
            }
            Facts { attributes: &attributes, slots }.satisfy(condition)
        })
    }
}

impl TryFrom<RawFilter> for Filter {
    type Error = Vec<Violation>;

    fn try_from(raw: RawFilter) -> Result<Self, Vec<Violation>> {
        let mut checker = Checker::default();
        let filter = Self::read(&raw.0, &mut checker);
        let violations = checker.finish();
        if violations.is_empty() { Ok(filter) } else { Err(violations) }
    }
}

impl Filter {
    fn read(value: &Value<'_>, checker: &mut Checker) -> Self {
        let mut filter = Self::default();
        let Value::Object(members) = value else {
            checker.report(FilterError::NotAnObject);
            return filter;
        };
        checker.unique(members);
        for (name, value) in members {
            checker.member(name, |at| match (name.as_ref(), value) {
                // A client that writes every member of its own type sends null for none.
                ("kinds" | "channels" | "users" | "where", Value::Null) => {}
                ("kinds", value) => filter.scope.kinds = scope::read_kinds(value, at),
                ("channels", value) => filter.scope.channels = scope::read_names(value, at),
                ("users", value) => filter.scope.users = scope::read_names(value, at),
                ("where", value) => filter.condition = Condition::parse(value, at),
                _ => at.report(FilterError::UnknownMember),
            });
        }
        if let Some(condition) = &mut filter.condition {
            filter.shape.link(condition, Shape::ROOT);
        }
        filter
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let Scope { kinds, channels, users } = &self.scope;
        if !kinds.is_empty() {
            map.serialize_entry("kinds", kinds)?;
        }
        if !channels.is_empty() {
            map.serialize_entry("channels", channels)?;
        }
        if !users.is_empty() {
            map.serialize_entry("users", users)?;
        }
        if let Some(condition) = &self.condition {
            map.serialize_entry("where", condition)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, RawFilter};

    #[test]
    fn prints_what_it_was_given_in_one_order_and_each_entry_once() {
        let text = r#"{ "where": {"n": {"$lt": 3, "$gt": 1.50}, "$$x": null}, "users": null,
                        "channels": ["b", "a", "b"], "kinds": ["relay.*", "X"] }"#;
        let printed = serde_json::to_string(&Filter::parse(text).unwrap()).unwrap();
        let expected = concat!(
            r#"{"kinds":["relay.*","X"],"channels":["b","a"],"#,
            r#""where":{"n":{"$lt":3,"$gt":1.5},"$$x":null}}"#
        );
        assert_eq!(printed, expected);
    }

    #[test]
    fn a_filter_without_restrictions_is_an_empty_object() {
        let filter = Filter::parse(r#"{"kinds":[],"where":null}"#).unwrap();
        assert_eq!(filter, Filter::default());
        assert_eq!(serde_json::to_string(&filter).unwrap(), "{}");
    }

    #[test]
    fn a_raw_filter_keeps_what_it_read_whatever_it_is() {
        let text = r#"{"kinds":5,"kinds":[null,-1,18446744073709551615,0.1],"x\"":{"$nope":[]}}"#;
        let raw: RawFilter = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&raw).unwrap(), text);
        assert!(Filter::try_from(raw).is_err());
    }
}
