//! JSON in, by one road: every reader of every type is compiled once, which is a good part of the
//! Worker's size.

use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Error, Value};

/// Reads JSON bytes.
pub(crate) fn parse_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_str(std::str::from_utf8(bytes).map_err(Error::custom)?)
}

/// Reads a value as a type.
pub(crate) fn reread<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    serde_json::from_str(&value.to_string())
}
