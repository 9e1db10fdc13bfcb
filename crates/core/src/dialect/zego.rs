//! zego

use super::error::DialectError;
use super::object::Object;
use crate::event::{Event, Kind};

pub(super) fn parse<'a>(object: &Object<'a>) -> Result<Event<'a>, DialectError> {
    Ok(object.event(Kind::Unknown, ""))
}
