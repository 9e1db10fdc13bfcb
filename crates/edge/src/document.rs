//! Documents: what callers of the API send, what objects keep and what they ask each other, each
//! declared once and read from JSON's own values.
//!
//! A derived reader is compiled anew for every type, costs the Worker some kilobytes each, and
//! stops at the first mistake. Here a declaration makes little more than a call a field, and all
//! that is wrong with a document is found at once, each thing with its path.
//!
//! | declare | for |
//! |---|---|
//! | [`document!`] | what is stored or sent between objects: names that it does not know are passed over |
//! | [`given!`] | what a caller of the API sends: names that it does not know are refused |
//! | [`words!`] | an enum that is one word |
//! | [`fields_of!`] | a struct of the core's |
//! | [`messages!`] | an enum with data: `["Name", …]`, positional |
//!
//! Values are trees, so this is not for what every callback and every delivery goes through: those
//! few types derive serde's traits.

use std::vec::IntoIter;

use livegate_core::id::{EndpointId, EventId, ReplayId, Seq, SourceId, SubscriptionId, TenantId};
use livegate_core::time::UnixMillis;
use serde_json::{Map, Value};

use crate::error::{Error, Result, Violation};
use crate::json;

/// The most violations that are told of one document: whoever has so many knows enough.
const MOST: usize = 50;

/// The longest name that a path repeats of what was sent.
const LONGEST_NAME: usize = 64;

/// What a value of a document can be: a document, too.
pub(crate) trait Field: Sized {
    /// Reads a value; null stands for what is not there. What cannot be read is noted, and something
    /// takes its place that [`read`] never lets out.
    fn read(value: Value, reading: &mut Reading) -> Self;

    /// The value; null is left out of documents.
    fn write(&self) -> Value;
}

/// Everything that is wrong with a document.
#[derive(Debug)]
pub(crate) struct Unread(pub(crate) Vec<Violation>);

impl From<Unread> for Error {
    /// For what the gateway wrote itself: that it cannot read it is nobody else's mistake.
    fn from(unread: Unread) -> Self {
        let mut what = "internal JSON".to_owned();
        for Violation { path, detail, .. } in &unread.0 {
            what.extend(["; ", path, ": ", detail]);
        }
        Self::runtime(what)
    }
}

/// Reads a document.
pub(crate) fn read<T: Field>(value: Value) -> Result<T, Unread> {
    let mut reading = Reading::default();
    let read = T::read(value, &mut reading);
    if reading.violations.is_empty() { Ok(read) } else { Err(Unread(reading.violations)) }
}

/// Reads a document that the gateway wrote.
pub(crate) fn parse<T: Field>(text: &str) -> Result<T> {
    Ok(read(json::parse(text)?)?)
}

/// A document as text.
pub(crate) fn text(document: &impl Field) -> String {
    json::text(&document.write())
}

/// A document being read: where the reader is, and what was wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    path: String,
    violations: Vec<Violation>,
    /// Nothing is noted inside of what is not there at all: that has been.
    muted: bool,
}

impl Reading {
    fn note(&mut self, code: &str, detail: String) {
        if !self.muted && self.violations.len() < MOST {
            self.violations.push(Violation::new(&self.path, code, detail));
        }
    }

    /// Notes that a value is not what it is to be.
    #[inline(never)]
    fn note_type(&mut self, value: &Value, expected: &str) {
        let (code, verb) = match value {
            Value::Null => ("request.missing", "is missing: "),
            _ => ("request.shape", "is to be "),
        };
        self.note(code, ["this ", verb, expected].concat());
    }

    /// Goes on to the member `name` of what is at the first `base` bytes of the path.
    #[inline(never)]
    fn enter(&mut self, base: usize, name: &str) {
        self.path.truncate(base);
        if base > 0 {
            self.path.push('.');
        }
        self.path.extend(name.chars().take(LONGEST_NAME));
    }

    /// The members of a value that is to be an object.
    #[inline(never)]
    pub(crate) fn fields(&mut self, value: Value) -> Fields<'_> {
        let (base, muted) = (self.path.len(), self.muted);
        let members = match value {
            Value::Object(members) => members,
            other => {
                self.note_type(&other, "an object");
                self.muted = true;
                Map::new()
            }
        };
        Fields { reading: self, members, base, muted }
    }

    /// The items of a value that is to be a list.
    #[inline(never)]
    pub(crate) fn parts(&mut self, value: Value) -> Parts<'_> {
        let (base, muted) = (self.path.len(), self.muted);
        let items = match value {
            Value::Array(items) => items,
            other => {
                self.note_type(&other, "a list");
                self.muted = true;
                Vec::new()
            }
        };
        Parts { reading: self, items: items.into_iter(), place: 0, base, muted }
    }

    #[inline(never)]
    fn string(&mut self, value: Value, expected: &str) -> String {
        match value {
            Value::String(text) => text,
            other => {
                self.note_type(&other, expected);
                String::new()
            }
        }
    }

    #[inline(never)]
    fn whole(&mut self, value: &Value, most: u64) -> u64 {
        value.as_u64().filter(|number| *number <= most).unwrap_or_else(|| {
            self.note_type(value, &format!("a whole number from 0 to {most}"));
            0
        })
    }

    /// Which of these words it is; the first, if none.
    #[inline(never)]
    pub(crate) fn word(&mut self, value: &Value, words: &[&str]) -> usize {
        let text = value.as_str().unwrap_or_default();
        words.iter().position(|word| *word == text).unwrap_or_else(|| {
            self.note_type(value, &["one of ", &words.join(", ")].concat());
            0
        })
    }
}

/// The members of an object, taken out one by one.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    reading: &'a mut Reading,
    members: Map<String, Value>,
    base: usize,
    muted: bool,
}

impl Fields<'_> {
    #[inline(never)]
    fn value(&mut self, name: &str) -> Value {
        self.reading.enter(self.base, name);
        self.members.remove(name).unwrap_or_default()
    }

    /// The member of that name.
    pub(crate) fn take<T: Field>(&mut self, name: &str) -> T {
        let value = self.value(name);
        T::read(value, self.reading)
    }

    /// Passes over what was not taken.
    #[inline(never)]
    pub(crate) fn pass_over(self) {
        self.reading.path.truncate(self.base);
        self.reading.muted = self.muted;
    }

    /// Refuses what was not taken.
    #[inline(never)]
    pub(crate) fn refuse(self) {
        for name in self.members.keys() {
            self.reading.enter(self.base, name);
            self.reading.note("request.unknown_field", "there is no such field".to_owned());
        }
        self.pass_over();
    }
}

/// The items of a list, taken one by one.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    reading: &'a mut Reading,
    items: IntoIter<Value>,
    place: usize,
    base: usize,
    muted: bool,
}

impl Parts<'_> {
    #[inline(never)]
    fn value(&mut self) -> Value {
        self.reading.enter(self.base, &self.place.to_string());
        self.place += 1;
        self.items.next().unwrap_or_default()
    }

    /// The next item.
    pub(crate) fn take<T: Field>(&mut self) -> T {
        let value = self.value();
        T::read(value, self.reading)
    }

    /// The next item, which is to be one of these words; the first of them, and nothing noted of
    /// what follows, if it is none.
    #[inline(never)]
    pub(crate) fn word(&mut self, words: &[&'static str]) -> &'static str {
        let value = self.value();
        let found = self.reading.word(&value, words);
        if value.as_str() != words.get(found).copied() {
            self.reading.muted = true;
        }
        words.get(found).copied().unwrap_or_default()
    }

    /// That is all.
    #[inline(never)]
    pub(crate) fn done(self) {
        self.reading.path.truncate(self.base);
        self.reading.muted = self.muted;
    }
}

/// Sets a member, unless it is null.
#[inline(never)]
pub(crate) fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    if !value.is_null() {
        members.insert(name.to_owned(), value);
    }
}

/// A field's name in JSON: its own, unless another is given.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

/// One field of a document: as it is, or what it is where it is not there.
macro_rules! take {
    ($fields:ident, $name:expr) => {
        $fields.take($name)
    };
    ($fields:ident, $name:expr, $default:expr) => {
        $fields.take::<Option<_>>($name).unwrap_or_else(|| $default)
    };
}

/// Declares a struct that is stored, or sent between objects:
///
/// ```ignore
/// document! {
///     /// What it is.
///     #[derive(Clone, Debug)]
///     pub(crate) struct Thing {
///         id: SourceId,                        // must be there
///         name: Option<String>,                // may be missing or null
///         vendor_type as "type": String,       // another name in JSON
///         headers: Vec<String> = Vec::new(),   // what it is where it is missing
///     }
/// }
/// ```
macro_rules! document {
    ($($declaration:tt)*) => {
        $crate::document::declare! { pass_over $($declaration)* }
    };
}

/// As [`document!`], for what a caller of the API sends: a name that is not declared is refused.
macro_rules! given {
    ($($declaration:tt)*) => {
        $crate::document::declare! { refuse $($declaration)* }
    };
}

macro_rules! declare {
    (
        $rest:ident
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$of:ident>)? {
            $(
                $(#[$about:meta])*
                $field_vis:vis $field:ident $(as $word:literal)?: $type:ty $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis struct $name $(<$of>)? {
            $($(#[$about])* $field_vis $field: $type,)*
        }

        impl $(<$of: $crate::document::Field>)? $crate::document::Field for $name $(<$of>)? {
            fn read(
                value: serde_json::Value,
                reading: &mut $crate::document::Reading,
            ) -> Self {
                let mut fields = reading.fields(value);
                let read = Self {
                    $($field: $crate::document::take!(
                        fields, $crate::document::name!($field $($word)?) $(, $default)?
                    ),)*
                };
                fields.$rest();
                read
            }

            fn write(&self) -> serde_json::Value {
                let mut members = serde_json::Map::new();
                $($crate::document::put(
                    &mut members,
                    $crate::document::name!($field $($word)?),
                    $crate::document::Field::write(&self.$field),
                );)*
                serde_json::Value::Object(members)
            }
        }
    };
}

/// Makes a document of a struct that is declared elsewhere, by its fields' names; it is never
/// written where size matters. `refuse` or `pass_over` is what becomes of other names.
macro_rules! fields_of {
    ($rest:ident $name:ident {
        $($field:ident $(as $word:literal)? $(= $default:expr)?),* $(,)?
    }) => {
        impl $crate::document::Field for $name {
            fn read(
                value: serde_json::Value,
                reading: &mut $crate::document::Reading,
            ) -> Self {
                let mut fields = reading.fields(value);
                let read = Self {
                    $($field: $crate::document::take!(
                        fields, $crate::document::name!($field $($word)?) $(, $default)?
                    ),)*
                };
                fields.$rest();
                read
            }

            fn write(&self) -> serde_json::Value {
                $crate::json::value(self).unwrap_or_default()
            }
        }
    };
}

/// Declares an enum that is one word in JSON.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$about:meta])* $variant:ident = $word:literal),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            const ALL: &[Self] = &[$(Self::$variant),*];
            const WORDS: &[&str] = &[$($word),*];

            /// The word.
            $vis const fn as_str(self) -> &'static str {
                Self::WORDS[self as usize]
            }
        }

        impl $crate::document::Field for $name {
            fn read(
                value: serde_json::Value,
                reading: &mut $crate::document::Reading,
            ) -> Self {
                Self::ALL[reading.word(&value, Self::WORDS)]
            }

            fn write(&self) -> serde_json::Value {
                self.as_str().into()
            }
        }
    };
}

/// Declares an enum with data, positional in JSON: `["Name", …]`. Its fields have names here for
/// those who read the declaration; the variants are tuples.
///
/// ```ignore
/// messages! {
///     /// To whom.
///     #[derive(Debug)]
///     pub(crate) enum ToSomebody {
///         Ping,
///         Get(kind: Kind, id: String),
///     }
/// }
/// ```
macro_rules! messages {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $(#[$first_about:meta])*
            $first:ident $(($($first_field:ident: $first_type:ty),* $(,)?))?,
            $(
                $(#[$about:meta])*
                $variant:ident $(($($field:ident: $type:ty),* $(,)?))?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis enum $name {
            $(#[$first_about])*
            $first $(($($first_type),*))?,
            $($(#[$about])* $variant $(($($type),*))?,)*
        }

        impl $crate::document::Field for $name {
            fn read(
                value: serde_json::Value,
                reading: &mut $crate::document::Reading,
            ) -> Self {
                let mut parts = reading.parts(value);
                let word = parts.word(&[stringify!($first), $(stringify!($variant)),*]);
                let read = match word {
                    $(stringify!($variant) => Self::$variant $(($(parts.take::<$type>()),*))?,)*
                    _ => Self::$first $(($(parts.take::<$first_type>()),*))?,
                };
                parts.done();
                read
            }

            fn write(&self) -> serde_json::Value {
                serde_json::Value::Array(match self {
                    Self::$first $(($($first_field),*))? => vec![
                        stringify!($first).into(),
                        $($($crate::document::Field::write($first_field)),*)?
                    ],
                    $(Self::$variant $(($($field),*))? => vec![
                        stringify!($variant).into(),
                        $($($crate::document::Field::write($field)),*)?
                    ],)*
                })
            }
        }
    };
}

pub(crate) use {declare, document, fields_of, given, messages, name, take, words};

impl Field for Value {
    fn read(value: Value, _reading: &mut Reading) -> Self {
        value
    }

    fn write(&self) -> Value {
        self.clone()
    }
}

impl Field for Map<String, Value> {
    fn read(value: Value, reading: &mut Reading) -> Self {
        let mut fields = reading.fields(value);
        let members = std::mem::take(&mut fields.members);
        fields.pass_over();
        members
    }

    fn write(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// An object whose members are all texts, whatever their names.
#[derive(Clone, Debug)]
pub(crate) struct Texts(pub(crate) Vec<(String, String)>);

impl Field for Texts {
    fn read(value: Value, reading: &mut Reading) -> Self {
        let mut fields = reading.fields(value);
        let mut texts = Vec::new();
        for (name, value) in std::mem::take(&mut fields.members) {
            fields.reading.enter(fields.base, &name);
            texts.push((name, String::read(value, fields.reading)));
        }
        fields.pass_over();
        Self(texts)
    }

    fn write(&self) -> Value {
        self.0.iter().map(|(name, text)| (name.clone(), text.write())).collect()
    }
}

impl Field for String {
    #[inline(never)]
    fn read(value: Value, reading: &mut Reading) -> Self {
        reading.string(value, "a string")
    }

    #[inline(never)]
    fn write(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Field for bool {
    #[inline(never)]
    fn read(value: Value, reading: &mut Reading) -> Self {
        value.as_bool().unwrap_or_else(|| {
            reading.note_type(&value, "true or false");
            false
        })
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn read(value: Value, reading: &mut Reading) -> Self {
                Self::try_from(reading.whole(&value, u64::from(Self::MAX))).unwrap_or_default()
            }

            fn write(&self) -> Value {
                Value::from(*self)
            }
        }
    )*};
}

whole_numbers!(u8, u16, u32, u64);

macro_rules! numbers_by_name {
    ($($type:ident),*) => {$(
        impl Field for $type {
            fn read(value: Value, reading: &mut Reading) -> Self {
                Self(u64::read(value, reading))
            }

            fn write(&self) -> Value {
                Value::from(self.0)
            }
        }
    )*};
}

numbers_by_name!(Seq, UnixMillis);

macro_rules! ids {
    ($($type:ident),*) => {$(
        impl Field for $type {
            #[inline(never)]
            fn read(value: Value, reading: &mut Reading) -> Self {
                let parsed = Self::parse(value.as_str().unwrap_or_default());
                parsed.unwrap_or_else(|_| {
                    let expected = [Self::PREFIX, " and 32 lower-case hex digits"].concat();
                    reading.note_type(&value, &expected);
                    Self::from_bytes([0; 16])
                })
            }

            fn write(&self) -> Value {
                Value::String(self.to_string())
            }
        }
    )*};
}

ids!(TenantId, SourceId, EndpointId, SubscriptionId, EventId, ReplayId);

impl<T: Field> Field for Option<T> {
    fn read(value: Value, reading: &mut Reading) -> Self {
        if value.is_null() { None } else { Some(T::read(value, reading)) }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
}

impl<T: Field> Field for Box<T> {
    fn read(value: Value, reading: &mut Reading) -> Self {
        Self::new(T::read(value, reading))
    }

    fn write(&self) -> Value {
        T::write(self)
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(value: Value, reading: &mut Reading) -> Self {
        let mut parts = reading.parts(value);
        let mut items = Self::with_capacity(parts.items.len());
        while parts.items.len() > 0 {
            items.push(parts.take());
        }
        parts.done();
        items
    }

    fn write(&self) -> Value {
        Value::Array(self.iter().map(T::write).collect())
    }
}

macro_rules! tuples {
    ($(($($type:ident $place:tt),*))*) => {$(
        impl<$($type: Field),*> Field for ($($type,)*) {
            fn read(value: Value, reading: &mut Reading) -> Self {
                let mut parts = reading.parts(value);
                let read = ($(parts.take::<$type>(),)*);
                parts.done();
                read
            }

            fn write(&self) -> Value {
                Value::Array(vec![$(self.$place.write()),*])
            }
        }
    )*};
}

tuples!((A 0, B 1) (A 0, B 1, C 2));

#[cfg(test)]
mod tests;
