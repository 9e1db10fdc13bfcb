//! JSON in, by one road: a reader is compiled for every type and every kind of input, and they would
//! be a good part of the Worker's size, so there is one kind of input, and few types have a reader of
//! their own (see [`crate::document`]).

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Error, Value};

/// A value as text.
pub(crate) fn text(value: &Value) -> String {
    // Maps with keys that are no text cannot be written, and a value has none.
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads JSON text.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
}

/// A value as JSON's own: written and read again, so that there is one kind of output, too.
pub(crate) fn value<T: Serialize>(value: T) -> Result<Value, Error> {
    parse(&serde_json::to_string(&value)?)
}

/// Reads JSON bytes.
pub(crate) fn parse_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    parse(std::str::from_utf8(bytes).map_err(Error::custom)?)
}
