//! jocloud

use super::error::DialectError;
use super::object::Object;
use super::words::Words;
use crate::event::{Event, Kind, RelayState};

pub(super) fn parse<'a>(
    object: &Object<'a>,
    _words: &Words<RelayState>,
) -> Result<Event<'a>, DialectError> {
    Ok(object.event(Kind::Unknown, ""))
}
