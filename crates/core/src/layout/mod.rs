//! Layouts: where each user's picture is on the canvas of a mixed stream.
//!
//! A [`Layout`] says what is wanted: a template, or panes with a place each, in parts of the canvas
//! or in pixels. [`Layout::resolve`] makes of it and of those who are there a [`Resolved`] one: even
//! pixels, one picture's place each. The mixer places panes by it, the inserter writes it into the
//! stream, the browser draws with it. All arithmetic is in integers, so that every target gets the
//! same pixels. The rules are in docs/spec/layout.md.
//!
//! ```
//! use livegate_core::layout::{Arrangement, Canvas, Layout, Member, Template};
//!
//! let layout = Layout {
//!     canvas: Canvas::new(1280, 720)?,
//!     arrangement: Arrangement::Template { template: Template::Horizontal, main: None },
//! };
//! let resolved = layout.resolve(&[Member::new("anna"), Member::new("ben")]).unwrap();
//! let ben = resolved.at(1000, 100).unwrap();
//! assert_eq!(ben.rect.numbers(), [640, 0, 640, 720]);
//! assert_eq!(ben.user.as_ref().unwrap().user, "ben");
//! # Ok::<(), livegate_core::layout::LayoutError>(())
//! ```
//!
//! | module | decides |
//! |---|---|
//! | [`diff`] | what changes from one resolved layout to the next |
//! | [`document`] | which layout a JSON document describes |
//! | [`fit`] | which part of a picture is shown in its pane, and where |
//! | [`hit`] | whose pane a point is in; where a pane is in a player's box |
//! | [`svg`] | how a resolved layout is drawn |

pub mod diff;
pub mod document;
mod error;
pub mod fit;
#[cfg(feature = "_fuzzing")]
pub mod fuzz;
mod grid;
pub mod hit;
mod px;
mod resolve;
mod share;
pub mod svg;
mod template;

use alloc::string::String;
use alloc::vec::Vec;

use crate::config::named;

pub use diff::Change;
pub use document::Document;
pub use error::LayoutError;
pub use px::{Canvas, Even, MAX_SIDE, MIN_SIDE, Rect, Rgb, Size};
pub use resolve::{Placed, Resolved};
pub use share::Share;
pub use template::{MAX_TEMPLATE_PANES, Template};

/// The most panes of one picture. No vendor documents as many.
pub const MAX_PANES: usize = 64;

/// The longest name of a user or channel, in characters; one of none is nobody's. Vendors' have up to
/// 255 bytes (Agora). Documents and payloads hold no longer ones, so what the one has, the other can
/// say.
pub const MAX_NAME_CHARS: usize = 256;

/// How far a pane that is given in parts of the canvas may reach beyond it, in billionths: a
/// hundredth. Vendors round their parts, and Alibaba's own example reaches 1.0018382; what is beyond
/// is cut off.
pub const OVERHANG: u32 = 10_000_000;

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
    /// Which of a user's pictures.
    pub enum Picture {
        /// The camera's. The default.
        Camera = "camera",
        /// The shared screen.
        Screen = "screen",
    }
}

/// Whose picture it is: a user's camera or screen, of the stream's channel or another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Member {
    /// The user.
    pub user: String,
    /// The user's channel, if it is not the stream's.
    pub channel: Option<String>,
    /// Which picture.
    pub picture: Picture,
}

impl Member {
    /// A user's camera in the stream's own channel.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into(), channel: None, picture: Picture::Camera }
    }

    /// The same user's shared screen.
    #[must_use]
    pub fn screen(self) -> Self {
        Self { picture: Picture::Screen, ..self }
    }

    /// The same user, of another channel.
    #[must_use]
    pub fn of_channel(self, channel: impl Into<String>) -> Self {
        Self { channel: Some(channel.into()), ..self }
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
    /// Which lies above: the larger; of equal ones the later.
    pub z: u8,
    /// How its picture is brought into it.
    pub fit: Fit,
    /// Whose it is; without, the next one's who has none, in the order of joining.
    pub user: Option<Member>,
    /// What is cut out of the user's picture, in its pixels: left, top, width and height.
    pub cut: Option<[u32; 4]>,
    /// How opaque it is.
    pub alpha: Share,
}

impl Pane {
    /// An opaque pane that fills its area with the next one's picture.
    pub const fn new(area: Area, z: u8) -> Self {
        Self { area, z, fit: Fit::Crop, user: None, cut: None, alpha: Share::WHOLE }
    }
}

/// Where the panes are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrangement {
    /// As they say themselves.
    Panes(Vec<Pane>),
    /// As a template says for however many there are.
    Template {
        /// Which.
        template: Template,
        /// Who is in the large pane, where the template has one; without, who shares a screen in
        /// [`Template::Screen`], else who joined first.
        main: Option<String>,
    },
}

/// What is wanted of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// On what panes are placed.
    pub canvas: Canvas,
    /// Where they are.
    pub arrangement: Arrangement,
}
