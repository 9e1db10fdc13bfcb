//! artc_mpu

use super::WriteContext;
use super::error::DialectError;
use super::object::Object;
use super::words::Words;
use crate::event::{Event, Kind, RelayState};
use serde_json::Value;

pub(super) fn parse<'a>(
    object: &Object<'a>,
    _words: &Words<RelayState>,
) -> Result<Event<'a>, DialectError> {
    Ok(object.event(Kind::Unknown, ""))
}

pub(super) fn write(
    _event: &Event<'_>,
    _words: &Words<RelayState>,
    _context: &WriteContext<'_>,
) -> Option<Value> {
    None
}
