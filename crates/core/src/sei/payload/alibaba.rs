//! Alibaba's payload: `{"stream":[…]}` (`ApsaraVideo` Live, "SEI format"), and the key of a passed
//! message beside it.

use alloc::string::String;
use core::fmt::Write;

use super::error::PayloadError;
use super::message::{LayoutMessage, Stream};
use super::{finish, user};
use crate::dialect::json::push_string;
use crate::layout::{Area, Canvas, Share};

/// The panes that the format has: `paneid` is 0 to 8.
pub const PANES: u8 = 9;

/// The largest `zorder`.
pub const MAX_Z: u8 = 99;

/// The largest `vad`: a voice.
pub const MAX_VOICE: u8 = 150;

/// Writes a payload. A message without streams has its passed members alone.
///
/// # Errors
/// [`PayloadError`]: the format cannot say it.
pub fn write(message: &LayoutMessage) -> Result<String, PayloadError> {
    let mut out = String::from("{");
    let streams = &message.streams;
    if streams.len() > usize::from(PANES) {
        return Err(PayloadError::TooManyPanes { limit: usize::from(PANES) });
    }
    if !streams.is_empty() || message.extras.is_empty() {
        out.push_str("\"stream\":[");
        for (index, stream) in streams.iter().enumerate() {
            out.push_str(if index == 0 { "{" } else { ",{" });
            write_stream(&mut out, stream, streams.len() == 1, message.canvas)?;
        }
        out.push(']');
    }
    finish(out, &message.extras, &["stream"])
}

fn write_stream(
    out: &mut String,
    stream: &Stream,
    alone: bool,
    canvas: Option<Canvas>,
) -> Result<(), PayloadError> {
    let within = |member, number: u8, max: u8| {
        let error = PayloadError::OutOfRange { member, min: 0, max: u32::from(max) };
        if number > max { Err(error) } else { Ok(number) }
    };
    let (pane, place) = match (stream.pane, stream.area) {
        (Some(pane), Some(area)) => {
            (i16::from(within("paneid", pane, PANES - 1)?), shares(area, canvas)?)
        }
        (None, None) if alone => (-1, [Share::default(); 4]),
        _ => return Err(PayloadError::PaneMissing),
    };
    let ([x, y, w, h], order) = (place, within("zorder", stream.z, MAX_Z)?);
    let (volume, voice) = (stream.sound.volume, within("vad", stream.sound.voice, MAX_VOICE)?);
    let user = user(stream)?;
    out.push_str("\"uid\":");
    push_string(out, user);
    // Writing to a String does not fail.
    let _ = write!(
        out,
        ",\"paneid\":{pane},\"zorder\":{order},\"x\":{x},\"y\":{y},\"w\":{w},\"h\":{h},\"type\":{},\
         \"ms\":{},\"vol\":{volume},\"vad\":{voice}}}",
        stream.kind, stream.ms
    );
    Ok(())
}

/// A place in parts of the canvas.
fn shares(area: Area, canvas: Option<Canvas>) -> Result<[Share; 4], PayloadError> {
    let [x, y, w, h] = match area {
        Area::Shares(shares) => return Ok(shares),
        Area::Pixels(pixels) => pixels,
    };
    let canvas = canvas.ok_or(PayloadError::CanvasMissing)?;
    let of = |member, pixels: u32, side: u32| {
        let error = PayloadError::OutOfRange { member, min: 0, max: 1 };
        Share::ratio(pixels, side).ok_or(error)
    };
    let (width, height) = (canvas.width().get(), canvas.height().get());
    Ok([of("x", x, width)?, of("y", y, height)?, of("w", w, width)?, of("h", h, height)?])
}
