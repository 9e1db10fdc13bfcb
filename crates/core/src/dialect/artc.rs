//! artc

use super::Events;
use super::WriteContext;
use super::error::DialectError;
use super::object::Object;
use super::words::Words;
use crate::event::{Event, Kind};
use alloc::vec;
use alloc::vec::Vec;
use serde_json::Value;

pub(super) fn parse<'a>(
    object: &Object<'a>,
    _words: &Words<Kind>,
) -> Result<Events<'a>, DialectError> {
    Events::some(vec![object.event(Kind::Unknown, "")]).ok_or(DialectError::shape("", "an object"))
}

pub(super) fn alone(_body: &[u8], _index: usize) -> Option<Vec<u8>> {
    None
}

pub(super) fn write(_event: &Event<'_>, _context: &WriteContext<'_>) -> Option<Value> {
    None
}
