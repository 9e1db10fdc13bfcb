//! How several streams become one: who is in it, where, and how it is encoded.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::task::{Subscription, put};
use crate::config::named;
use crate::config::table::{Object, items, number, part, text};
use crate::layout::{self, Area, Arrangement, Canvas, Fit, LayoutError, Share, Template};

named! {
    /// How the picture is encoded.
    pub enum Codec {
        /// H.264. The default.
        H264 = "H.264",
        /// H.265.
        H265 = "H.265",
    }
}

/// One pane of the canvas, and what is shown in it for want of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pane {
    /// Where it is, and whose.
    pub place: layout::Pane,
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
    /// The canvas that it names; `None` where it leaves a side to the host. An odd side loses its last
    /// pixel, as in most encoders.
    ///
    /// # Errors
    /// [`LayoutError::SideOutOfRange`].
    pub fn canvas(&self) -> Option<Result<Canvas, LayoutError>> {
        let (width, height) = (self.width?, self.height?);
        Some(Canvas::new(width & !1, height & !1))
    }

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
    fn to_value(&self) -> Value {
        let mut out = Object::new();
        let place = &self.place;
        match place.area {
            Area::Shares(area) => put(&mut out, "shares", Some(json!(area.map(Share::billionths)))),
            Area::Pixels(area) => put(&mut out, "pixels", Some(json!(area))),
        }
        put(&mut out, "z", Some(place.z));
        put(&mut out, "fit", Some(place.fit.as_str()));
        let user = place.user.clone().map(Subscription::from);
        put(&mut out, "user", user.as_ref().map(Subscription::to_value));
        put(&mut out, "cut", place.cut.map(|cut| json!(cut)));
        put(&mut out, "alpha", Some(place.alpha.billionths()));
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
        let mut place = layout::Pane::new(area, number(object, "z")?);
        if let Some(user) = object.get("user") {
            place.user = Some(Subscription::from_value(user)?.member());
        }
        place.fit = Fit::from_name(text(object, "fit")?)?;
        place.cut = four(object, "cut");
        place.alpha = Share::from_billionths(number(object, "alpha")?)?;
        Some(Self { place, image: text(object, "image").map(String::from) })
    }
}

fn four(object: &Object, name: &str) -> Option<[u32; 4]> {
    let numbers = items(object, name).iter().map(|item| u32::try_from(item.as_u64()?).ok());
    numbers.collect::<Option<Vec<u32>>>()?.try_into().ok()
}

impl Mix {
    /// Where the panes are; `None` where there is no picture.
    pub fn arrangement(&self) -> Option<Arrangement> {
        match &self.layout {
            Layout::AudioOnly => None,
            Layout::Panes(panes) => {
                Some(Arrangement::Panes(panes.iter().map(|pane| pane.place.clone()).collect()))
            }
            Layout::Template(template) => {
                Some(Arrangement::Template { template: *template, main: None })
            }
        }
    }

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
