//! What `connect` says (RTMP 1.0 §7.2.1.1, Enhanced RTMP v2 "Enhancing `NetConnection` connect
//! Command").

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::amf0::Value;
use crate::amf0::writer::Object;

/// What a side of enhanced RTMP can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `fourCcList`: the video codecs of version 1.
    pub four_cc_list: Vec<String>,
    /// `videoFourCcInfoMap`: for each codec, or for all (`*`), a sum of [`CAN_DECODE`],
    /// [`CAN_ENCODE`] and [`CAN_FORWARD`].
    pub video: Vec<(String, u32)>,
    /// `audioFourCcInfoMap`, likewise.
    pub audio: Vec<(String, u32)>,
    /// `capsEx`: a sum of [`RECONNECT`], [`MULTITRACK`], [`MOD_EX`] and [`TIMESTAMP_NANO_OFFSET`].
    pub caps_ex: u32,
}

/// Of a codec: it can be decoded.
pub const CAN_DECODE: u32 = 1;
/// Of a codec: it can be encoded.
pub const CAN_ENCODE: u32 = 2;
/// Of a codec: it can be passed on.
pub const CAN_FORWARD: u32 = 4;
/// Of `capsEx`: a request to connect elsewhere is followed.
pub const RECONNECT: u32 = 1;
/// Of `capsEx`: several tracks.
pub const MULTITRACK: u32 = 2;
/// Of `capsEx`: `ModEx` is understood.
pub const MOD_EX: u32 = 4;
/// Of `capsEx`: nanoseconds beside a timestamp.
pub const TIMESTAMP_NANO_OFFSET: u32 = 8;

/// How many entries of a list or a map are kept. Specified are some ten codecs.
const MAX_ENTRIES: usize = 64;

impl Capabilities {
    /// Those of a host that passes every codec on and looks into none.
    pub fn forwarding() -> Self {
        let all = || Vec::from([(String::from("*"), CAN_FORWARD)]);
        Self {
            four_cc_list: ["av01", "hvc1", "vp09"].map(String::from).to_vec(),
            video: all(),
            audio: all(),
            caps_ex: MULTITRACK | MOD_EX | TIMESTAMP_NANO_OFFSET,
        }
    }

    /// Whether nothing was said: the other side may know no enhanced RTMP.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What an object has of it.
    pub(crate) fn read(object: &Value<'_>) -> Self {
        let map = |name: &str| {
            let properties = object.property(name).map(Value::properties).unwrap_or_default();
            let entries = properties.iter().filter_map(|(key, value)| {
                let key = core::str::from_utf8(key).ok()?;
                Some((String::from(key), mask(value)))
            });
            entries.take(MAX_ENTRIES).collect()
        };
        let list = match object.property("fourCcList") {
            Some(Value::StrictArray(values)) => {
                let names = values.iter().filter_map(Value::as_str).map(String::from);
                names.take(MAX_ENTRIES).collect()
            }
            _ => Vec::new(),
        };
        Self {
            four_cc_list: list,
            video: map("videoFourCcInfoMap"),
            audio: map("audioFourCcInfoMap"),
            caps_ex: object.property("capsEx").map(mask).unwrap_or_default(),
        }
    }

    /// Writes what there is into an object.
    pub(crate) fn write(&self, object: &mut Object<'_>) {
        if !self.four_cc_list.is_empty() {
            let names = self.four_cc_list.iter().map(String::as_str);
            object.property("fourCcList").strings(names);
        }
        for (name, entries) in
            [("videoFourCcInfoMap", &self.video), ("audioFourCcInfoMap", &self.audio)]
        {
            if !entries.is_empty() {
                object.property(name).object(|map| {
                    for (codec, mask) in entries {
                        map.property(codec).number(f64::from(*mask));
                    }
                });
            }
        }
        if self.caps_ex != 0 {
            object.property("capsEx").number(f64::from(self.caps_ex));
        }
    }
}

/// A sum of flags. One that is no whole number of 32 bits says nothing.
fn mask(value: &Value<'_>) -> u32 {
    whole(value.as_number().unwrap_or_default()).unwrap_or_default()
}

/// A number that is whole and has 32 bits.
pub(crate) fn whole(number: f64) -> Option<u32> {
    let fits = (0.0..=f64::from(u32::MAX)).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked, and a fraction is compared next"
    )]
    let whole = number as u32;
    (fits && f64::from(whole).to_bits() == (number + 0.0).to_bits()).then_some(whole)
}

/// A client's `connect`.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// The application: the path up to the last part, with what query some clients put there.
    pub app: String,
    /// The URL that the client was given. It may have a token in it.
    pub tc_url: String,
    /// What the client calls itself.
    pub flash_version: String,
    /// Whether it asked for AMF3; it is answered in AMF0.
    pub amf3: bool,
    /// What it can do beyond RTMP 1.0.
    pub capabilities: Capabilities,
}

impl fmt::Debug for Connect {
    /// The texts can have tokens in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("amf3", &self.amf3)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

impl Connect {
    /// Reads the command object; none if it names no application.
    pub(crate) fn read(object: &Value<'_>) -> Option<Self> {
        let text = |name: &str| object.property(name).and_then(Value::as_str).map(String::from);
        Some(Self {
            app: text("app")?,
            tc_url: text("tcUrl").unwrap_or_default(),
            flash_version: text("flashVer").unwrap_or_default(),
            amf3: object.property("objectEncoding").map(mask) == Some(3),
            capabilities: Capabilities::read(object),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, Connect, whole};
    use crate::amf0::{Reader, Value, Writer};
    use alloc::format;
    use alloc::vec::Vec;

    #[test]
    fn capabilities_are_read_as_they_are_written() {
        let mut caps = Capabilities::forwarding();
        caps.audio.push(("Opus".into(), 7));
        let mut writer = Writer::new();
        writer.object(|object| caps.write(object));
        let bytes = writer.finish();
        let object = Reader::new(&bytes).next_value().unwrap().unwrap();
        assert_eq!(object.property("capsEx"), Some(&Value::Number(14.0)));
        let video = object.property("videoFourCcInfoMap").unwrap();
        assert_eq!(video.property("*"), Some(&Value::Number(4.0)));
        assert_eq!(Capabilities::read(&object), caps);
        assert!(Capabilities::read(&Value::Null).is_empty());
    }

    #[test]
    fn only_whole_numbers_are_flags() {
        assert_eq!(whole(7.0), Some(7));
        assert_eq!(whole(-0.0), Some(0));
        assert_eq!(whole(4_294_967_295.0), Some(u32::MAX));
        for bad in [-1.0, 0.5, 4_294_967_296.0, f64::NAN, f64::INFINITY] {
            assert_eq!(whole(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_connect_shows_no_token() {
        let object = Value::Object(Vec::from([
            (&b"app"[..], Value::String(b"live?token=secret")),
            (&b"tcUrl"[..], Value::String(b"rtmp://host/live?token=secret")),
        ]));
        let connect = Connect::read(&object).unwrap();
        assert_eq!(connect.app, "live?token=secret");
        assert!(!format!("{connect:?}").contains("secret"));
        assert_eq!(Connect::read(&Value::Null), None);
    }
}
