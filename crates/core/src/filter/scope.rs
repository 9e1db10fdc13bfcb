//! Scopes: the kinds, channels and users that a subscription is about.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Serialize, Serializer};

use crate::event::Event;

use super::checker::Checker;
use super::value::Value;
use super::violation::FilterError;

/// Entries that one scope may have. The vendors' own subscriptions take at most 20 users.
pub const MAX_ENTRIES: usize = 100;

/// Bytes that an entry may have: longer than any vendor's channel or user id.
pub const MAX_ENTRY: usize = 512;

/// Which events a filter is about at all. A scope without entries admits every event; one with
/// entries admits no event that lacks the attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) kinds: Vec<KindPattern>,
    pub(super) channels: Vec<Box<str>>,
    pub(super) users: Vec<Box<str>>,
}

/// A kind of ours, a vendor's own type, or the beginning of either and a `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KindPattern {
    /// This name.
    Exactly(Box<str>),
    /// Names that begin so; with `""` all.
    Prefix(Box<str>),
}

impl KindPattern {
    pub(super) fn admits(&self, name: &str) -> bool {
        match self {
            Self::Exactly(exact) => exact.as_ref() == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_ref()),
        }
    }

    fn read(text: &str) -> Result<Self, FilterError> {
        let (name, prefix) = text.strip_suffix('*').map_or((text, false), |begin| (begin, true));
        if name.contains('*') {
            return Err(FilterError::MisplacedWildcard);
        }
        Ok(if prefix { Self::Prefix(name.into()) } else { Self::Exactly(name.into()) })
    }
}

impl Serialize for KindPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exactly(name) => serializer.serialize_str(name),
            Self::Prefix(prefix) => {
                let mut text = String::from(prefix.as_ref());
                text.push('*');
                serializer.serialize_str(&text)
            }
        }
    }
}

impl Scope {
    /// Whether an event is within.
    pub(super) fn admits(&self, event: &Event<'_>) -> bool {
        let names = [event.kind.as_str(), event.vendor_type.as_ref()];
        (self.kinds.is_empty()
            || self.kinds.iter().any(|kind| names.iter().any(|name| kind.admits(name))))
            && admits(&self.channels, event.channel.as_deref())
            && admits(&self.users, event.user.as_deref())
    }
}

fn admits(entries: &[Box<str>], value: Option<&str>) -> bool {
    entries.is_empty() || value.is_some_and(|value| entries.iter().any(|e| e.as_ref() == value))
}

/// Reads the entries of the `kinds` scope.
pub(super) fn read_kinds(value: &Value<'_>, checker: &mut Checker) -> Vec<KindPattern> {
    read(value, checker, KindPattern::read)
}

/// Reads the entries of another scope.
pub(super) fn read_names(value: &Value<'_>, checker: &mut Checker) -> Vec<Box<str>> {
    read(value, checker, |text| Ok(text.into()))
}

/// Reads a list of texts, each once, in the order given.
fn read<T: PartialEq>(
    value: &Value<'_>,
    checker: &mut Checker,
    entry: impl Fn(&str) -> Result<T, FilterError>,
) -> Vec<T> {
    let mut entries = Vec::new();
    let Value::List(list) = value else {
        checker.report(FilterError::NotAList);
        return entries;
    };
    if list.len() > MAX_ENTRIES {
        let actual = list.len();
        checker.report(FilterError::TooManyEntries { limit: MAX_ENTRIES, actual });
        return entries;
    }
    for (index, value) in list.iter().enumerate() {
        let read = match value {
            Value::Text(text) if text.is_empty() => Err(FilterError::EmptyEntry),
            Value::Text(text) if text.len() > MAX_ENTRY => {
                Err(FilterError::EntryTooLong { limit: MAX_ENTRY, actual: text.len() })
            }
            Value::Text(text) => entry(text),
            _ => Err(FilterError::NotAText),
        };
        match read {
            Ok(entry) if entries.contains(&entry) => {}
            Ok(entry) => entries.push(entry),
            Err(error) => checker.element(index, |at| at.report(error)),
        }
    }
    entries
}
