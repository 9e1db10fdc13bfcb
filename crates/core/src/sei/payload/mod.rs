//! Payloads: the JSON of vendors' layout messages, written strictly and read tolerantly.
//!
//! The bytes around it (types, UUIDs, emulation prevention) are [`super`]'s; here is the text alone.
//! docs/spec/sei.md §6 has the formats.
//!
//! ```
//! use livegate_core::layout::{Area, Share};
//! use livegate_core::sei::payload::{alibaba, read};
//!
//! let text = br#"{"stream":[{"uid":"111","paneid":0,"zorder":1,"x":0,"y":0.25,"w":0.5,"h":0.5,"type":0,"ms":0,"vol":1,"vad":119}]}"#;
//! let message = read(text).message;
//! let [x, y, w, h] = ["0", "0.25", "0.5", "0.5"].map(|text| Share::parse(text).unwrap());
//! assert_eq!(message.streams[0].area, Some(Area::Shares([x, y, w, h])));
//! assert_eq!(alibaba::write(&message)?.as_bytes(), text);
//! # Ok::<(), livegate_core::sei::payload::PayloadError>(())
//! ```
//!
//! | module | knows |
//! |---|---|
//! | [`alibaba`] | `{"stream":[…]}`, for tasks of Alibaba's and livegate's own |
//! | [`agora`] | `{"canvas":{…},"regions":[…]}`, Agora's and Tencent's |
//! | [`custom`] | any JSON of the caller's own |

pub mod agora;
pub mod alibaba;
pub mod custom;
mod decimal;
mod error;
mod message;
mod read;

use alloc::string::String;

use crate::dialect::json::push_string;
use crate::layout::MAX_NAME_CHARS;

pub use super::write::MAX_CONTENT;
pub use error::{Defect, PayloadError, Remark};
pub use message::{Alone, Content, Extra, LayoutMessage, Sound, Stream};
pub use read::{Form, MAX_EXTRAS, MAX_READ, Reading, read};

/// The most streams that are read or written: as many as a layout has panes.
pub const MAX_STREAMS: usize = crate::layout::MAX_PANES;

/// Which format a task's messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// [`alibaba`].
    Alibaba,
    /// [`agora`].
    Agora,
    /// [`custom`]: there is no layout in them.
    Custom,
}

impl Profile {
    /// The key under which a passed message is written where the task sets `key`.
    pub const fn pass_key(self, key: &str) -> &str {
        match self {
            Self::Agora => agora::APP_DATA,
            Self::Alibaba | Self::Custom => key,
        }
    }

    /// Writes a payload: for [`Self::Custom`] the first passed member alone, which is JSON.
    ///
    /// # Errors
    /// [`PayloadError`]: the format cannot say it.
    pub fn write(self, message: &LayoutMessage) -> Result<String, PayloadError> {
        match self {
            Self::Alibaba => alibaba::write(message),
            Self::Agora => agora::write(message),
            Self::Custom => match message.extras.first().map(|extra| &extra.content) {
                Some(Content::Json(text) | Content::Text(text)) => {
                    custom::check(text).map(|()| text.clone())
                }
                None => Err(PayloadError::NotJson),
            },
        }
    }
}

/// The user of a stream, if every reader takes the name.
fn user(stream: &Stream) -> Result<&str, PayloadError> {
    let is_name = (1..=MAX_NAME_CHARS).contains(&stream.user.chars().count());
    if is_name { Ok(&stream.user) } else { Err(PayloadError::UserName) }
}

/// An open object with its passed members and its end, if it is not too large.
fn finish(mut out: String, extras: &[Extra], taken: &[&str]) -> Result<String, PayloadError> {
    for (index, extra) in extras.iter().enumerate() {
        let is_taken = |key: &str| key == extra.key;
        if taken.iter().any(|key| is_taken(key))
            || extras.iter().take(index).any(|before| is_taken(&before.key))
        {
            return Err(PayloadError::KeyTaken);
        }
        if !out.ends_with('{') {
            out.push(',');
        }
        push_string(&mut out, &extra.key);
        out.push(':');
        match &extra.content {
            Content::Text(text) => push_string(&mut out, text),
            Content::Json(text) => {
                custom::check(text)?;
                out.push_str(text);
            }
        }
    }
    out.push('}');
    let limit = MAX_CONTENT;
    if out.len() > limit { Err(PayloadError::TooLarge { limit }) } else { Ok(out) }
}
