//! The condition language: read once into a checked tree.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::checker::Checker;
use super::operator::Test;
use super::value::{Member, Value};
use super::violation::{FilterError, Operand};

/// Bytes of a condition, written as compact JSON, at most: far beyond what people write by hand,
/// and small enough that a thousand of them fit into an isolate.
pub const MAX_BYTES: usize = 4096;

/// Values in a condition at most; bounds what one evaluation costs.
pub const MAX_NODES: usize = 256;

/// Levels of objects and lists in a condition at most; bounds the stack that it needs.
pub const MAX_DEPTH: usize = 16;

/// A condition on one value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// A scalar: the value equals it, or is a list that contains it.
    Scalar(Value<'static>),
    /// A list: the value is a list, and for each of these conditions it has an element.
    Each(Vec<Self>),
    /// An object: every one of its entries holds.
    Object(Object),
}

/// An object of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    /// What has to hold, as it was written.
    pub(super) entries: Vec<Entry>,
    /// Whether it names fields, or is empty. Such an object asks for an object, or a list with an
    /// element that it holds for. Without fields its entries judge the value, whatever it is.
    pub(super) looks_inside: bool,
}

/// One member of an object of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// A field by name.
    Field(Field),
    /// A comparing operator.
    Test(Test),
    /// `$and`: all of these hold for this same value.
    All(Vec<Condition>),
    /// `$or`: one of these holds for this same value.
    Any(Vec<Condition>),
    /// `$not`: this does not hold for this same value.
    Not(Box<Condition>),
    /// `$event`: this holds for the event's own attributes.
    Event(Box<Condition>),
}

/// A field that a condition looks at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// Its name in the data.
    pub(super) name: Box<str>,
    /// Where it is found without a search: a node of the [shape](super::shape::Shape), or within
    /// `$event` the attribute's place.
    pub(super) at: usize,
    /// What has to hold for it; for a field that is not there, too.
    pub(super) condition: Condition,
}

/// An event's own attributes, in the order of their places.
pub(super) const ATTRIBUTES: [&str; 5] = ["kind", "type", "channel", "user", "source"];

/// The place of `source` among the [`ATTRIBUTES`].
pub(super) const SOURCE: usize = 4;

/// What a condition stands for.
#[derive(Clone, Copy, PartialEq)]
enum About {
    /// The event's data: an object always, and `$event` may stand here.
    Data,
    /// The attributes under `$event`.
    Attributes,
    /// A field, or an element.
    Value,
}

impl Condition {
    /// Reads a condition on an event's data, and reports all that is wrong with it.
    pub(super) fn parse(value: &Value<'_>, checker: &mut Checker) -> Option<Self> {
        // Depth first: the reading below recurs no deeper than this allows.
        let (depth, nodes) = (value.depth(), value.nodes());
        let actual = serde_json::to_string(value).map_or(usize::MAX, |text| text.len());
        let mut fits = true;
        for (broken, error) in [
            (depth > MAX_DEPTH, FilterError::TooDeep { limit: MAX_DEPTH, actual: depth }),
            (nodes > MAX_NODES, FilterError::TooManyNodes { limit: MAX_NODES, actual: nodes }),
            (actual > MAX_BYTES, FilterError::TooLarge { limit: MAX_BYTES, actual }),
        ] {
            if broken {
                fits = false;
                checker.report(error);
            }
        }
        if fits { Self::read(value, About::Data, checker) } else { None }
    }

    fn read(value: &Value<'_>, about: About, checker: &mut Checker) -> Option<Self> {
        match value {
            Value::Object(members) => Object::read(members, about, checker).map(Self::Object),
            _ if about != About::Value => {
                checker.report(FilterError::NotAnObject);
                None
            }
            Value::List(list) => Self::read_all(list, About::Value, checker).map(Self::Each),
            scalar => Some(Self::Scalar(scalar.clone().into_owned())),
        }
    }

    fn read_all(list: &[Value<'_>], about: About, checker: &mut Checker) -> Option<Vec<Self>> {
        let mut all = Some(Vec::with_capacity(list.len()));
        for (index, value) in list.iter().enumerate() {
            let one = checker.element(index, |at| Self::read(value, about, at));
            all = all.zip(one).map(|(mut all, one)| {
                all.push(one);
                all
            });
        }
        all
    }

    /// Whether an event's source is asked for.
    pub(super) fn reads_source(&self) -> bool {
        self.any_entry(&mut |entry| match entry {
            Entry::Event(condition) => {
                condition.any_entry(&mut |e| matches!(e, Entry::Field(field) if field.at == SOURCE))
            }
            _ => false,
        })
    }

    /// Whether some entry that speaks of the same value, the data, is so.
    fn any_entry(&self, is: &mut impl FnMut(&Entry) -> bool) -> bool {
        let Self::Object(object) = self else {
            return false;
        };
        object.entries.iter().any(|entry| {
            is(entry)
                || match entry {
                    Entry::All(list) | Entry::Any(list) => list.iter().any(|c| c.any_entry(is)),
                    Entry::Not(condition) => condition.any_entry(is),
                    _ => false,
                }
        })
    }

    /// Whether it looks into the data, rather than at the attributes alone.
    pub(super) fn reads_data(&self) -> bool {
        self.any_entry(&mut |entry| match entry {
            Entry::Field(_) => true,
            Entry::Test(test) => test.reads_members(),
            _ => false,
        })
    }
}

impl Object {
    fn read(members: &[Member<'_>], about: About, checker: &mut Checker) -> Option<Self> {
        checker.unique(members);
        let mut entries = Some(Vec::with_capacity(members.len()));
        for (name, value) in members {
            let entry = checker.member(name, |at| Entry::read(name, value, about, at));
            entries = entries.zip(entry).map(|(mut entries, entry)| {
                entries.push(entry);
                entries
            });
        }
        let entries = entries?;
        let looks_inside =
            entries.is_empty() || entries.iter().any(|e| matches!(e, Entry::Field(_)));
        Some(Self { entries, looks_inside })
    }
}

impl Entry {
    fn read(name: &str, value: &Value<'_>, about: About, checker: &mut Checker) -> Option<Self> {
        let field = match name.strip_prefix('$') {
            None => name,
            // A field whose own name begins with a dollar sign is written with two.
            Some(field) if field.starts_with('$') => field,
            Some(_) => return Self::read_operator(name, value, about, checker),
        };
        let mut at = 0;
        if about == About::Attributes {
            let Some(attribute) = ATTRIBUTES.iter().position(|known| *known == field) else {
                checker.report(FilterError::UnknownAttribute);
                return None;
            };
            at = attribute;
        }
        let condition = Condition::read(value, About::Value, checker)?;
        Some(Self::Field(Field { name: field.into(), at, condition }))
    }

    fn read_operator(
        name: &str,
        value: &Value<'_>,
        about: About,
        checker: &mut Checker,
    ) -> Option<Self> {
        match (name, value) {
            ("$and", Value::List(list)) => Condition::read_all(list, about, checker).map(Self::All),
            ("$or", Value::List(list)) => Condition::read_all(list, about, checker).map(Self::Any),
            ("$and" | "$or", _) => {
                checker.report(FilterError::Operand { wants: Operand::Conditions });
                None
            }
            ("$not", value) => {
                Condition::read(value, about, checker).map(|c| Self::Not(Box::new(c)))
            }
            ("$event", value) if about == About::Data => {
                Condition::read(value, About::Attributes, checker).map(|c| Self::Event(Box::new(c)))
            }
            ("$event", _) => {
                checker.report(FilterError::MisplacedOperator);
                None
            }
            (name, operand) => match Test::parse(name, operand) {
                None => {
                    checker.report(FilterError::UnknownOperator);
                    None
                }
                // The attributes as a whole are nothing that could be compared.
                Some(_) if about == About::Attributes => {
                    checker.report(FilterError::MisplacedOperator);
                    None
                }
                Some(Ok(test)) => Some(Self::Test(test)),
                Some(Err(wants)) => {
                    checker.report(FilterError::Operand { wants });
                    None
                }
            },
        }
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scalar(value) => value.serialize(serializer),
            Self::Each(list) => serializer.collect_seq(list),
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.entries.len()))?;
                for entry in &object.entries {
                    match entry {
                        Entry::Field(Field { name, condition, .. }) if name.starts_with('$') => {
                            let mut escaped = String::from("$");
                            escaped.push_str(name);
                            map.serialize_entry(&escaped, condition)?;
                        }
                        Entry::Field(field) => {
                            map.serialize_entry(field.name.as_ref(), &field.condition)?;
                        }
                        Entry::Test(test) => map.serialize_entry(test.name(), test)?,
                        Entry::All(list) => map.serialize_entry("$and", list)?,
                        Entry::Any(list) => map.serialize_entry("$or", list)?,
                        Entry::Not(condition) => map.serialize_entry("$not", condition)?,
                        Entry::Event(condition) => map.serialize_entry("$event", condition)?,
                    }
                }
                map.end()
            }
        }
    }
}
