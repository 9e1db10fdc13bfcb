//! The values that commands and data are made of (AMF 0 specification, 2007).
//!
//! Values borrow from the message they stand in, and strings are bytes: some encoders write
//! metadata in other encodings than UTF-8. What is read is written again to the same bytes.

pub mod reader;
pub mod writer;

use core::fmt;

use alloc::vec::Vec;

use livegate_core::error::{Code, Coded, Fault};

pub use reader::Reader;
pub use writer::Writer;

/// How deep objects and arrays may lie within one another. Metadata has two levels.
pub const MAX_DEPTH: usize = 16;

/// How many values one message may have, so that a small message does not make a large tree. A
/// recording's table of key frames has two for each.
pub const MAX_VALUES: usize = 65_536;

/// The types, by the byte before a value.
pub(crate) mod marker {
    pub(crate) const NUMBER: u8 = 0x00;
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const STRING: u8 = 0x02;
    pub(crate) const OBJECT: u8 = 0x03;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const UNDEFINED: u8 = 0x06;
    pub(crate) const REFERENCE: u8 = 0x07;
    pub(crate) const ECMA_ARRAY: u8 = 0x08;
    pub(crate) const OBJECT_END: u8 = 0x09;
    pub(crate) const STRICT_ARRAY: u8 = 0x0A;
    pub(crate) const DATE: u8 = 0x0B;
    pub(crate) const LONG_STRING: u8 = 0x0C;
    pub(crate) const UNSUPPORTED: u8 = 0x0D;
    pub(crate) const XML: u8 = 0x0F;
    pub(crate) const TYPED_OBJECT: u8 = 0x10;
}

/// A property of an object or an ECMA array.
pub type Property<'a> = (&'a [u8], Value<'a>);

/// A value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A number, which all numbers are.
    Number(f64),
    /// A truth value.
    Boolean(bool),
    /// A text of at most 65,535 bytes.
    String(&'a [u8]),
    /// An object without a class.
    Object(Vec<Property<'a>>),
    /// Null.
    Null,
    /// Undefined.
    Undefined,
    /// The object with this number among those that stand before it in the message. Nobody sends
    /// any; it is not followed.
    Reference(u16),
    /// An array with names. What it says of its length is a hint, and often wrong.
    EcmaArray {
        /// The hint.
        count: u32,
        /// What it has.
        properties: Vec<Property<'a>>,
    },
    /// An array with numbers.
    StrictArray(Vec<Self>),
    /// A time.
    Date {
        /// Milliseconds since 1970, in UTC.
        milliseconds: f64,
        /// Reserved; some write minutes from UTC.
        zone: i16,
    },
    /// A text of any length.
    LongString(&'a [u8]),
    /// What could not be written.
    Unsupported,
    /// An XML document.
    Xml(&'a [u8]),
    /// An object with a class.
    TypedObject {
        /// Its class.
        class: &'a [u8],
        /// What it has.
        properties: Vec<Property<'a>>,
    },
}

impl<'a> Value<'a> {
    /// A number.
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A truth value.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// A text of either length, as bytes.
    pub const fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::String(text) | Self::LongString(text) => Some(text),
            _ => None,
        }
    }

    /// A text of either length that is UTF-8.
    pub fn as_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The properties of an object of any kind or an ECMA array; none of another value.
    pub fn properties(&self) -> &[Property<'a>] {
        match self {
            Self::Object(properties)
            | Self::EcmaArray { properties, .. }
            | Self::TypedObject { properties, .. } => properties,
            _ => &[],
        }
    }

    /// The last property with this name, as a table would have it.
    pub fn property(&self, name: &str) -> Option<&Self> {
        let found = self.properties().iter().rev().find(|(key, _)| *key == name.as_bytes());
        found.map(|(_, value)| value)
    }
}

/// Why a message's values cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Amf0Error {
    /// `rtmp.amf0_truncated`: the message ends within a value.
    Truncated {
        /// Where.
        at: usize,
    },
    /// `rtmp.amf0_marker`: a byte that names no type that can be sent.
    Marker {
        /// Where.
        at: usize,
        /// The byte.
        found: u8,
    },
    /// `rtmp.amf0_depth`: more than [`MAX_DEPTH`] within one another.
    Depth {
        /// Where.
        at: usize,
    },
    /// `rtmp.amf0_values`: more than [`MAX_VALUES`].
    Values {
        /// Where.
        at: usize,
    },
}

impl fmt::Display for Amf0Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { at } => write!(f, "the value at byte {at} is cut off"),
            Self::Marker { at, found } => write!(f, "byte {at} is {found}, which names no type"),
            Self::Depth { at } => {
                write!(f, "the value at byte {at} is more than {MAX_DEPTH} levels deep")
            }
            Self::Values { at } => {
                write!(f, "at byte {at} there are more than {MAX_VALUES} values")
            }
        }
    }
}

impl core::error::Error for Amf0Error {}

impl Coded for Amf0Error {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Truncated { .. } => "rtmp.amf0_truncated",
            Self::Marker { .. } => "rtmp.amf0_marker",
            Self::Depth { .. } => "rtmp.amf0_depth",
            Self::Values { .. } => "rtmp.amf0_values",
        })
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Truncated { .. } | Self::Marker { .. } => Fault::Peer,
            Self::Depth { .. } | Self::Values { .. } => Fault::Limit,
        }
    }
}
