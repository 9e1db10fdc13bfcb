//! agora

use super::WriteContext;
use super::error::DialectError;
use super::object::Object;
use crate::event::{Event, Kind};
use serde_json::Value;

pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    Ok(object.event(Kind::Unknown, ""))
}

pub(super) fn write(_event: &Event<'_>, _context: &WriteContext<'_>) -> Option<Value> {
    None
}
