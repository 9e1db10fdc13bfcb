//! `sei`: messages inside a stream, shown, put in and taken out.

mod dump;
mod insert;
mod strip;

use livegate_core::sei::uuid::Uuid;

use crate::args::Args;
use crate::args::table::{Opt, value};
use crate::failure::Failure;

pub(crate) use dump::DUMP;
pub(crate) use insert::INSERT;
pub(crate) use strip::STRIP;

/// Whose messages.
const UUID: Opt =
    value("uuid", "UUID", "the UUID of the messages of type 5 (default: livegate's own)");

/// Frames a second of a byte stream, which carries no time.
pub(super) const FPS: Opt = value(
    "fps",
    "N",
    "frames a second of a byte stream, which has no times: 30, 29.97, 30000/1001",
);

/// `--uuid`, or livegate's own.
fn uuid(args: &Args) -> Result<Option<Uuid>, Failure> {
    let Some(text) = args.text("uuid") else { return Ok(None) };
    Uuid::parse(text).map(Some).ok_or_else(|| {
        args.usage(format!(
            "--uuid wants 32 hexadecimal digits, with hyphens or without, not `{text}`"
        ))
    })
}

/// `--payload-type` within the range that is free for such messages.
fn own_type(args: &Args) -> Result<Option<u8>, Failure> {
    match args.number::<u8>("payload-type", 5..=254)? {
        None | Some(5) => Ok(None),
        Some(number @ 100..=254) => Ok(Some(number)),
        Some(_) => Err(args.usage("--payload-type is 5 or from 100 to 254")),
    }
}
