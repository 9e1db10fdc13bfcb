//! How several streams become one: who is in it, where, and how it is encoded.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::share::Share;
use super::task::{Subscription, put};
use crate::config::named;
use crate::config::table::{Object, items, number, part, text};

named! {
    /// How a picture is brought into a pane of another shape.
    pub enum Fit {
        /// All of it is shown, with black beside it.
        Inside = "inside",
        /// It fills the pane, and what is beyond is cut off. The default.
        Crop = "crop",
    }
}

named! {
    /// How panes are laid out by a template.
    pub enum Template {
        /// Side by side.
        Horizontal = "horizontal",
        /// One above the other.
        Vertical = "vertical",
        /// In a grid.
        Tiled = "tiled",
        /// One large, the others small in its corner.
        Corner = "corner",
    }
}

named! {
    /// How the picture is encoded.
    pub enum Codec {
        /// H.264. The default.
        H264 = "H.264",
        /// H.265.
        H265 = "H.265",
    }
}

/// A rectangle: left, top, width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Area {
    /// In parts of the canvas.
    Shares([Share; 4]),
    /// In pixels of the canvas.
    Pixels([u32; 4]),
}

/// One pane of the canvas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pane {
    /// Where it is.
    pub area: Area,
    /// Which lies above: the larger.
    pub z: u8,
    /// How its picture is brought into it.
    pub fit: Fit,
    /// Whose it is; without, the next user's who has none, in the order of joining.
    pub user: Option<Subscription>,
    /// What is cut out of the user's picture, in its pixels: left, top, width and height.
    pub cut: Option<[u32; 4]>,
    /// How opaque it is.
    pub alpha: Share,
    /// The address of a picture for when there is none of the user's.
    pub image: Option<String>,
}

/// Where the panes are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// There is no picture.
    AudioOnly,
    /// As they say themselves.
    Panes(Vec<Pane>),
    /// As a template says for however many there are.
    Template(Template),
}

/// What is encoded; what is not set is the host's to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoding {
    /// The canvas' width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
    /// Frames a second.
    pub fps: Option<u32>,
    /// The picture's kbit a second.
    pub video_kbps: Option<u32>,
    /// The distance of key frames, as the vendor counts it.
    pub gop: Option<u32>,
    /// How the picture is encoded.
    pub codec: Option<Codec>,
    /// The codec's profile.
    pub profile: Option<String>,
    /// The encoder's preset.
    pub preset: Option<String>,
    /// The sound's kbit a second.
    pub audio_kbps: Option<u32>,
    /// Samples a second.
    pub sample_rate: Option<u32>,
    /// 1 or 2.
    pub audio_channels: Option<u32>,
}

/// A picture behind all panes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Background {
    /// Its address.
    pub url: String,
    /// How it is brought into the canvas.
    pub fit: Fit,
}

/// How several streams become one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mix {
    /// Who is in it; none for everybody.
    pub users: Vec<Subscription>,
    /// Where they are.
    pub layout: Layout,
    /// How it is encoded.
    pub encoding: Encoding,
    /// What is behind them.
    pub background: Option<Background>,
}

/// Where one of the encoding's numbers is.
type Place = fn(&mut Encoding) -> &mut Option<u32>;

/// The encoding's numbers, by their names in JSON: one table for writing and reading.
const NUMBERS: [(&str, Place); 8] = [
    ("width", |encoding| &mut encoding.width),
    ("height", |encoding| &mut encoding.height),
    ("fps", |encoding| &mut encoding.fps),
    ("video_kbps", |encoding| &mut encoding.video_kbps),
    ("gop", |encoding| &mut encoding.gop),
    ("audio_kbps", |encoding| &mut encoding.audio_kbps),
    ("sample_rate", |encoding| &mut encoding.sample_rate),
    ("audio_channels", |encoding| &mut encoding.audio_channels),
];

impl Encoding {
    fn to_value(&self) -> Value {
        let mut out = Object::new();
        let mut own = self.clone();
        for (name, field) in NUMBERS {
            put(&mut out, name, *field(&mut own));
        }
        put(&mut out, "codec", self.codec.map(Codec::as_str));
        put(&mut out, "profile", self.profile.as_deref());
        put(&mut out, "preset", self.preset.as_deref());
        out.into()
    }

    fn from_object(object: &Object) -> Self {
        Self::of(
            |name| number(object, name),
            text(object, "codec").and_then(Codec::from_name),
            text(object, "profile"),
            text(object, "preset"),
        )
    }

    /// An encoding whose numbers are found by their names in JSON.
    pub(super) fn of(
        number: impl Fn(&'static str) -> Option<u32>,
        codec: Option<Codec>,
        profile: Option<&str>,
        preset: Option<&str>,
    ) -> Self {
        let mut own = Self {
            codec,
            profile: profile.map(String::from),
            preset: preset.map(String::from),
            ..Self::default()
        };
        for (name, field) in NUMBERS {
            *field(&mut own) = number(name);
        }
        own
    }
}

impl Pane {
    /// A pane that fills its area with the next user's picture.
    pub(super) const fn new(area: Area, z: u8) -> Self {
        let (fit, alpha) = (Fit::Crop, Share::WHOLE);
        Self { area, z, fit, user: None, cut: None, alpha, image: None }
    }

    fn to_value(&self) -> Value {
        let mut out = Object::new();
        match self.area {
            Area::Shares(area) => put(&mut out, "shares", Some(json!(area.map(Share::billionths)))),
            Area::Pixels(area) => put(&mut out, "pixels", Some(json!(area))),
        }
        put(&mut out, "z", Some(self.z));
        put(&mut out, "fit", Some(self.fit.as_str()));
        put(&mut out, "user", self.user.as_ref().map(Subscription::to_value));
        put(&mut out, "cut", self.cut.map(|cut| json!(cut)));
        put(&mut out, "alpha", Some(self.alpha.billionths()));
        put(&mut out, "image", self.image.as_deref());
        out.into()
    }

    fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let area = match (four(object, "shares"), four(object, "pixels")) {
            (Some([x, y, w, h]), None) => {
                let share = Share::from_billionths;
                Area::Shares([share(x)?, share(y)?, share(w)?, share(h)?])
            }
            (None, Some(pixels)) => Area::Pixels(pixels),
            _ => return None,
        };
        let user = match object.get("user") {
            Some(user) => Some(Subscription::from_value(user)?),
            None => None,
        };
        Some(Self {
            area,
            z: number(object, "z")?,
            fit: Fit::from_name(text(object, "fit")?)?,
            user,
            cut: four(object, "cut"),
            alpha: Share::from_billionths(number(object, "alpha")?)?,
            image: text(object, "image").map(String::from),
        })
    }
}

fn four(object: &Object, name: &str) -> Option<[u32; 4]> {
    let numbers = items(object, name).iter().map(|item| u32::try_from(item.as_u64()?).ok());
    numbers.collect::<Option<Vec<u32>>>()?.try_into().ok()
}

impl Mix {
    pub(super) fn to_value(&self) -> Value {
        let mut out = Object::new();
        let users = self.users.iter().map(Subscription::to_value).collect::<Value>();
        put(&mut out, "users", Some(users));
        match &self.layout {
            Layout::AudioOnly => {}
            Layout::Panes(panes) => {
                let panes = panes.iter().map(Pane::to_value).collect::<Value>();
                put(&mut out, "panes", Some(panes));
            }
            Layout::Template(template) => put(&mut out, "template", Some(template.as_str())),
        }
        put(&mut out, "encoding", Some(self.encoding.to_value()));
        if let Some(background) = &self.background {
            let own = json!({"url": background.url, "fit": background.fit.as_str()});
            put(&mut out, "background", Some(own));
        }
        out.into()
    }

    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let layout = match (object.get("panes"), text(object, "template")) {
            (Some(_), None) => Layout::Panes(
                items(object, "panes").iter().map(Pane::from_value).collect::<Option<_>>()?,
            ),
            (None, Some(name)) => Layout::Template(Template::from_name(name)?),
            (None, None) => Layout::AudioOnly,
            (Some(_), Some(_)) => return None,
        };
        let background = match part(object, "background") {
            Some(own) => Some(Background {
                url: String::from(text(own, "url")?),
                fit: Fit::from_name(text(own, "fit")?)?,
            }),
            None => None,
        };
        Some(Self {
            users: items(object, "users")
                .iter()
                .map(Subscription::from_value)
                .collect::<Option<_>>()?,
            layout,
            encoding: Encoding::from_object(part(object, "encoding")?),
            background,
        })
    }
}
