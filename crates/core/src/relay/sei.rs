//! What a task writes into its stream as SEI.

use alloc::string::String;

use serde_json::Value;

use super::task::put;
use crate::config::table::{Object, number, part, text};
use crate::time::Millis;

/// The payload type where none is set: `user_data_unregistered` (H.264 and H.265, Annex D).
pub const DEFAULT_PAYLOAD_TYPE: u8 = 5;

/// When a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// The interval; the host's own where none is set.
    pub interval: Option<Millis>,
    /// Whether every IDR frame has it as well.
    pub follow_idr: bool,
}

/// A message of the caller's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassThrough {
    /// When it is written.
    pub timing: Timing,
    /// The member of the SEI's JSON that holds it.
    pub key: String,
    /// It.
    pub content: String,
}

/// What a task writes into its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sei {
    /// Where each user is and how loud, if that is written.
    pub layout_volume: Option<Timing>,
    /// A message of the caller's own, if there is one.
    pub pass_through: Option<PassThrough>,
    /// A message that is to be written once more, as JSON (`SetLiveMpuTaskSei`).
    pub custom: Option<String>,
    /// The payload type: 5, or 100 to 254.
    pub payload_type: u8,
}

impl Default for Sei {
    fn default() -> Self {
        Self {
            layout_volume: None,
            pass_through: None,
            custom: None,
            payload_type: DEFAULT_PAYLOAD_TYPE,
        }
    }
}

impl Timing {
    fn write(self, out: &mut Object) {
        put(out, "interval_ms", self.interval.map(|span| span.0));
        put(out, "follow_idr", Some(self.follow_idr));
    }

    fn read(object: &Object) -> Self {
        Self {
            interval: number(object, "interval_ms").map(Millis),
            follow_idr: object.get("follow_idr").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}

impl Sei {
    pub(super) fn to_value(&self) -> Value {
        let mut out = Object::new();
        if let Some(timing) = self.layout_volume {
            let mut own = Object::new();
            timing.write(&mut own);
            put(&mut out, "layout_volume", Some(own));
        }
        if let Some(pass) = &self.pass_through {
            let mut own = Object::new();
            pass.timing.write(&mut own);
            put(&mut own, "key", Some(&*pass.key));
            put(&mut own, "content", Some(&*pass.content));
            put(&mut out, "pass_through", Some(own));
        }
        put(&mut out, "custom", self.custom.as_deref());
        put(&mut out, "payload_type", Some(self.payload_type));
        out.into()
    }

    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let pass = |object: &Object| {
            Some(PassThrough {
                timing: Timing::read(object),
                key: String::from(text(object, "key")?),
                content: String::from(text(object, "content")?),
            })
        };
        Some(Self {
            layout_volume: part(object, "layout_volume").map(Timing::read),
            pass_through: part(object, "pass_through").and_then(pass),
            custom: text(object, "custom").map(String::from),
            payload_type: number(object, "payload_type")?,
        })
    }
}
