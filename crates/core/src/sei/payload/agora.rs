//! Agora's payload: `{"canvas":{…},"regions":[…],…}` (Agora, "SEI information"). Of Tencent's TRTC
//! the payload type and `app_data` are documented to be the same.

use alloc::string::{String, ToString};
use core::fmt::Write;

use super::error::PayloadError;
use super::message::{Content, LayoutMessage, Stream};
use super::{MAX_STREAMS, finish, user};
use crate::dialect::json::push_string;
use crate::layout::{Area, Canvas};

/// The payload type of its messages, unless the task sets another.
pub const PAYLOAD_TYPE: u8 = 100;

/// The version of the format.
pub const VERSION: &str = "20190611";

/// The largest `zorder`. Agora's pages have 1 to 100 for the payload, and 0 to 100 for the request
/// that it is made of; livegate writes what was asked for.
pub const MAX_Z: u8 = 100;

/// The member that holds a passed message.
pub const APP_DATA: &str = "app_data";

/// Writes a payload. A passed text of the key [`APP_DATA`] has its place in the format; others
/// follow.
///
/// # Errors
/// [`PayloadError`]: the format cannot say it.
pub fn write(message: &LayoutMessage) -> Result<String, PayloadError> {
    let canvas = message.canvas.ok_or(PayloadError::CanvasMissing)?;
    let sent_at = message.sent_at.ok_or(PayloadError::TimeMissing)?;
    if message.streams.len() > MAX_STREAMS {
        return Err(PayloadError::TooManyPanes { limit: MAX_STREAMS });
    }
    let mut out = String::new();
    let (width, height) = (canvas.width(), canvas.height());
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "{{\"canvas\":{{\"w\":{width},\"h\":{height},\"bgnd\":\"{}\"}},\"regions\":[",
        canvas.background
    );
    for (index, stream) in message.streams.iter().enumerate() {
        out.push_str(if index == 0 { "{" } else { ",{" });
        if stream.area.is_none() && message.streams.len() > 1 {
            return Err(PayloadError::PaneMissing);
        }
        write_region(&mut out, stream, &canvas)?;
    }
    let _ = write!(out, "],\"ver\":\"{VERSION}\",\"ts\":{},\"{APP_DATA}\":", sent_at.0);
    let passed = message.extras.iter().position(|extra| extra.key == APP_DATA);
    match passed.and_then(|at| message.extras.get(at)).map(|extra| &extra.content) {
        None => out.push_str("\"\""),
        Some(Content::Text(text)) => push_string(&mut out, text),
        Some(Content::Json(_)) => return Err(PayloadError::KeyTaken),
    }
    let mut others = message.extras.clone();
    if let Some(at) = passed {
        others.remove(at);
    }
    finish(out, &others, &["canvas", "regions", "ver", "ts", APP_DATA])
}

fn write_region(out: &mut String, stream: &Stream, canvas: &Canvas) -> Result<(), PayloadError> {
    if stream.z > MAX_Z {
        let max = u32::from(MAX_Z);
        return Err(PayloadError::OutOfRange { member: "zorder", min: 0, max });
    }
    let user = user(stream)?;
    let (width, height) = (canvas.width().get(), canvas.height().get());
    let [x, y, w, h] = match stream.area {
        // The format has no other way to say that there is nobody else.
        None => [0, 0, width, height],
        Some(Area::Pixels(pixels)) => pixels,
        Some(Area::Shares([x, y, w, h])) => [x.of(width), y.of(height), w.of(width), h.of(height)],
    };
    let is_number = |number: &u32| number.to_string() == user;
    let number = stream.number.or_else(|| user.parse().ok().filter(is_number));
    // Writing to a String does not fail. A user with a name alone has the number that Agora gives to
    // nobody.
    let _ = write!(out, "\"uid\":{}", number.unwrap_or(0));
    if number.is_none_or(|number| !is_number(&number)) {
        out.push_str(",\"suid\":");
        push_string(out, user);
    }
    let alpha = stream.alpha.to_string();
    let point = if alpha.contains('.') { "" } else { ".0" };
    let _ = write!(
        out,
        ",\"alpha\":{alpha}{point},\"zorder\":{},\"volume\":{},\"x\":{x},\"y\":{y},\"w\":{w},\
         \"h\":{h}}}",
        stream.z, stream.sound.volume
    );
    Ok(())
}
