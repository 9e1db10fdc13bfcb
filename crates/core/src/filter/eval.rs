//! What conditions say about one event.

use crate::event::Event;
use crate::id::SourceId;

use super::condition::{ATTRIBUTES, Condition, Entry, Field, Object};
use super::number::Number;
use super::shape::{Shape, Slot};
use super::value::{Member, Value};

/// A value as a condition meets it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen<'v, 'a> {
    /// There is none.
    Missing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(&'v str),
    /// A list.
    List(&'v [Value<'a>]),
    /// An object, members settled.
    Object(&'v [Member<'a>]),
    /// An object whose fields lie in slots.
    Open,
    /// The event's own attributes.
    Attributes,
}

impl<'v, 'a> From<&'v Value<'a>> for Seen<'v, 'a> {
    fn from(value: &'v Value<'a>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Number(*n),
            Value::Text(text) => Self::Text(text),
            Value::List(list) => Self::List(list),
            Value::Object(members) => Self::Object(members),
        }
    }
}

impl<'v, 'a> From<&'v Slot<'a>> for Seen<'v, 'a> {
    fn from(slot: &'v Slot<'a>) -> Self {
        match slot {
            Slot::Missing => Self::Missing,
            Slot::Open => Self::Open,
            Slot::Value(value) => value.into(),
        }
    }
}

impl Seen<'_, '_> {
    /// Whether it is a value that is neither list nor object.
    pub(super) const fn is_scalar(self) -> bool {
        matches!(self, Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_))
    }

    /// Deep equality with a settled value: lists in order, objects in any.
    pub(super) fn equals(self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(a), Value::Bool(b)) => a == *b,
            (Self::Number(a), Value::Number(b)) => a == *b,
            (Self::Text(a), Value::Text(b)) => a == b.as_ref(),
            (Self::List(a), Value::List(b)) => a == b.as_slice(),
            (Self::Object(a), Value::Object(b)) => a == b.as_slice(),
            _ => false,
        }
    }
}

/// An event's own attributes, at their places.
pub(super) type Attributes<'v> = [Option<&'v str>; ATTRIBUTES.len()];

/// The attributes of an event; `source` as it is written.
pub(super) fn attributes<'v>(event: &'v Event<'_>, source: &'v str) -> Attributes<'v> {
    [
        Some(event.kind.as_str()),
        Some(event.vendor_type.as_ref()),
        event.channel.as_deref(),
        event.user.as_deref(),
        Some(source),
    ]
}

/// What an event has to say for itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'v, 'a> {
    /// Its attributes.
    pub(super) attributes: &'v Attributes<'v>,
    /// What a scan of its data found; all missing if there was no scan.
    pub(super) slots: &'v [Slot<'a>],
}

impl<'a> Facts<'_, 'a> {
    /// Whether a condition on the event's data holds. Where the data was not scanned because the
    /// condition does not look into it, it is taken for an object.
    pub(super) fn satisfy(&self, condition: &Condition) -> bool {
        let data = match self.slots.get(Shape::ROOT) {
            None | Some(Slot::Missing) => Seen::Open,
            Some(slot) => slot.into(),
        };
        self.holds(condition, data)
    }

    fn holds(&self, condition: &Condition, seen: Seen<'_, '_>) -> bool {
        match (condition, seen) {
            (Condition::Scalar(scalar), seen) => contains(seen, scalar),
            (Condition::Each(list), Seen::List(elements)) => list.iter().all(|condition| {
                elements.iter().any(|element| self.holds(condition, element.into()))
            }),
            (Condition::Each(_), _) => false,
            (Condition::Object(object), seen) => self.object_holds(object, seen),
        }
    }

    fn object_holds(&self, object: &Object, seen: Seen<'_, '_>) -> bool {
        if object.looks_inside {
            match seen {
                Seen::List(elements) => {
                    return elements.iter().any(|e| self.object_holds(object, e.into()));
                }
                Seen::Object(_) | Seen::Open | Seen::Attributes => {}
                _ => return false,
            }
        }
        object.entries.iter().all(|entry| match entry {
            Entry::Field(field) => self.holds(&field.condition, self.field(field, seen)),
            Entry::Test(test) => test.holds(seen),
            Entry::All(list) => list.iter().all(|condition| self.holds(condition, seen)),
            Entry::Any(list) => list.iter().any(|condition| self.holds(condition, seen)),
            Entry::Not(condition) => !self.holds(condition, seen),
            Entry::Event(condition) => self.holds(condition, Seen::Attributes),
        })
    }

    fn field<'x>(&'x self, field: &Field, seen: Seen<'x, 'a>) -> Seen<'x, 'a> {
        match seen {
            Seen::Open => self.slots.get(field.at).map_or(Seen::Missing, Seen::from),
            Seen::Attributes => {
                self.attributes.get(field.at).copied().flatten().map_or(Seen::Missing, Seen::Text)
            }
            Seen::Object(members) => members
                .binary_search_by(|(name, _)| name.as_ref().cmp(&field.name))
                .ok()
                .and_then(|place| members.get(place))
                .map_or(Seen::Missing, |(_, value)| value.into()),
            _ => Seen::Missing,
        }
    }
}

/// Whether a value is this scalar, or a list that has it at any depth.
fn contains(seen: Seen<'_, '_>, scalar: &Value<'_>) -> bool {
    match seen {
        Seen::List(elements) => elements.iter().any(|element| contains(element.into(), scalar)),
        seen => seen.equals(scalar),
    }
}

/// Slots for a scan: on the stack unless a great many fields are looked at.
pub(super) fn with_slots<'a, T>(shape: &Shape, run: impl FnOnce(&mut [Slot<'a>]) -> T) -> T {
    const INLINE: usize = 16;
    if shape.len() <= INLINE {
        let mut slots = [const { Slot::Missing }; INLINE];
        let (slots, _) = slots.split_at_mut(shape.len());
        run(slots)
    } else {
        let mut slots = alloc::vec::Vec::new();
        slots.resize_with(shape.len(), Slot::default);
        run(&mut slots)
    }
}

/// The text of a source's id without an allocation.
pub(super) struct SourceText {
    bytes: [u8; 36],
}

impl SourceText {
    /// Writes an id out.
    pub(super) fn new(source: SourceId) -> Self {
        let mut bytes = [b'0'; 36];
        let (prefix, digits) = bytes.split_at_mut(SourceId::PREFIX.len());
        prefix.copy_from_slice(SourceId::PREFIX.as_bytes());
        // Cannot fail: 16 bytes are 32 digits.
        let _ = hex::encode_to_slice(source.to_bytes(), digits);
        Self { bytes }
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::SourceText;
    use crate::id::SourceId;
    use std::string::ToString;

    #[test]
    fn a_source_is_written_as_its_id_shows_it() {
        let id = SourceId::from_bytes(*b"\x00\x01\x02\x03\xfc\xfd\xfe\xff01234567");
        assert_eq!(SourceText::new(id).as_str(), id.to_string());
    }
}
