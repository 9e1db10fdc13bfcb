//! Which fields conditions look at, and one pass over an event's data that picks just those.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::condition::{Condition, Entry};
use super::number::Number;
use super::value::Value;

/// The union of the paths that conditions read: a tree of field names. Node 0 is the data itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// Whether some condition compares an object found here as a whole.
    whole: bool,
    /// Fields below, sorted by length and name, and their nodes.
    fields: Vec<(Box<str>, usize)>,
}

impl Node {
    /// Where a field is among the fields, or would be. Lengths mostly tell names apart, and cost
    /// next to nothing to compare.
    fn search(&self, name: &str) -> Result<usize, usize> {
        self.fields.binary_search_by(|(known, _)| {
            known.len().cmp(&name.len()).then_with(|| known.as_ref().cmp(name))
        })
    }
}

/// What was found at a node.
#[derive(Clone, Debug, Default)]
pub(super) enum Slot<'a> {
    /// Nothing.
    #[default]
    Missing,
    /// An object whose fields have nodes of their own.
    Open,
    /// This value, settled.
    Value(Value<'a>),
}

impl Default for Shape {
    fn default() -> Self {
        Self { nodes: alloc::vec![Node::default()] }
    }
}

impl Shape {
    /// The data itself.
    pub(super) const ROOT: usize = 0;

    /// How many slots a scan fills.
    pub(super) const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Takes up the fields that a condition on the value at a node reads, and tells the condition
    /// where they are found.
    pub(super) fn link(&mut self, condition: &mut Condition, at: usize) {
        let Condition::Object(object) = condition else {
            return;
        };
        for entry in &mut object.entries {
            match entry {
                Entry::Field(field) => {
                    field.at = self.field(at, &field.name);
                    self.link(&mut field.condition, field.at);
                }
                Entry::Test(test) => {
                    if test.reads_members()
                        && let Some(node) = self.nodes.get_mut(at)
                    {
                        node.whole = true;
                    }
                }
                Entry::All(list) | Entry::Any(list) => {
                    for condition in list {
                        self.link(condition, at);
                    }
                }
                Entry::Not(condition) => self.link(condition, at),
                Entry::Event(_) => {}
            }
        }
    }

    /// The node of a field, made if there is none yet.
    fn field(&mut self, at: usize, name: &str) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return Self::ROOT;
        };
        match node.search(name) {
            Ok(found) => node.fields.get(found).map_or(Self::ROOT, |(_, node)| *node),
            Err(place) => {
                node.fields.insert(place, (name.into(), next));
                self.nodes.push(Node::default());
                next
            }
        }
    }

    /// Reads the data once and leaves what was found at each node in its slot. Data that is not
    /// the text of one JSON object counts as an object without fields.
    pub(super) fn scan<'a>(&self, data: &'a str, slots: &mut [Slot<'a>]) {
        let mut input = serde_json::Deserializer::from_str(data);
        let read = Pick { shape: self, at: Self::ROOT, slots: &mut *slots }
            .deserialize(&mut input)
            .and_then(|()| input.end());
        let is_object = match slots.first() {
            Some(Slot::Open | Slot::Value(Value::Object(_))) => true,
            Some(Slot::Missing | Slot::Value(_)) | None => false,
        };
        if read.is_err() || !is_object {
            for slot in &mut *slots {
                *slot = Slot::Missing;
            }
            if let Some(root) = slots.first_mut() {
                *root = Slot::Value(Value::Object(Vec::new()));
            }
        }
    }
}

/// Reads the value at one node.
struct Pick<'s, 'v, 'a> {
    shape: &'s Shape,
    at: usize,
    slots: &'v mut [Slot<'a>],
}

impl<'a> Pick<'_, '_, 'a> {
    fn put(self, slot: Slot<'a>) {
        if let Some(place) = self.slots.get_mut(self.at) {
            *place = slot;
        }
    }

    /// Forgets what an earlier member of the same name left below.
    fn clear(&mut self, at: usize) {
        let Some(node) = self.shape.nodes.get(at) else {
            return;
        };
        for (_, below) in &node.fields {
            if let Some(slot) = self.slots.get_mut(*below) {
                *slot = Slot::Missing;
            }
            self.clear(*below);
        }
    }
}

impl<'a> DeserializeSeed<'a> for Pick<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Pick<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put(Slot::Value(Value::Null));
        Ok(())
    }

    fn visit_bool<E>(self, b: bool) -> Result<(), E> {
        self.put(Slot::Value(Value::Bool(b)));
        Ok(())
    }

    fn visit_u64<E>(self, n: u64) -> Result<(), E> {
        self.put(Slot::Value(Value::Number(n.into())));
        Ok(())
    }

    fn visit_i64<E>(self, n: i64) -> Result<(), E> {
        self.put(Slot::Value(Value::Number(n.into())));
        Ok(())
    }

    fn visit_f64<E>(self, n: f64) -> Result<(), E> {
        self.put(Slot::Value(Value::Number(Number::Float(n))));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.put(Slot::Value(Value::Text(text.into())));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(Slot::Value(Value::Text(alloc::borrow::Cow::Owned(text.into()))));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element::<Value<'a>>()? {
            list.push(element.settled());
        }
        self.put(Slot::Value(Value::List(list)));
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        let shape = self.shape;
        let Some(node) = shape.nodes.get(self.at) else {
            return Err(A::Error::custom("a node of the shape"));
        };
        if node.whole {
            let members = serde::de::value::MapAccessDeserializer::new(map);
            let object = <Value<'a> as serde::Deserialize<'a>>::deserialize(members)?;
            self.put(Slot::Value(object.settled()));
            return Ok(());
        }
        if !matches!(self.slots.get(self.at), Some(Slot::Missing)) {
            self.clear(self.at);
        }
        while let Some(field) = map.next_key_seed(Known(node))? {
            match field {
                Some(at) => map.next_value_seed(Pick { shape, at, slots: &mut *self.slots })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.put(Slot::Open);
        Ok(())
    }
}

/// Finds a name among a node's fields.
struct Known<'s>(&'s Node);

impl<'a> DeserializeSeed<'a> for Known<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, input: D) -> Result<Option<usize>, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Known<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        let found = self.0.search(name).ok();
        Ok(found.and_then(|place| self.0.fields.get(place)).map(|(_, at)| *at))
    }
}
