//! Pixels: even numbers, rectangles, colours, the canvas.
//!
//! Pictures are encoded with their colour at half the resolution (4:2:0), so an edge at an odd pixel
//! would cut a colour sample in two. Here every edge of a placed pane is even, by type.

use core::fmt;

use super::error::LayoutError;

/// The shortest side of a canvas, in pixels: every template's smallest pane has a place in it.
pub const MIN_SIDE: u32 = 64;

/// The longest side of a canvas, in pixels: 8K has 7680.
pub const MAX_SIDE: u32 = 8192;

/// An even number of pixels.
///
/// ```compile_fail
/// // There is no way to an odd one.
/// let odd = livegate_core::layout::Even(3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Even(u32);

impl Even {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many, if they are even.
    pub const fn new(pixels: u32) -> Option<Self> {
        if pixels.is_multiple_of(2) { Some(Self(pixels)) } else { None }
    }

    /// So many, or one less.
    pub const fn floor(pixels: u32) -> Self {
        Self(pixels & !1)
    }

    /// The even number nearest to `whole * numerator / denominator`, a tie upwards, and at most the
    /// largest even one in `whole`. A denominator of 0 counts as 1; of one that has more than 31 bits the
    /// uppermost 31 count.
    pub fn part(whole: u32, numerator: u64, denominator: u64) -> Self {
        let denominator = denominator.max(1);
        let most = whole / 2;
        if numerator >= denominator {
            return Self(most * 2);
        }
        // So that the product and half of the divisor have a place in 64 bits.
        let excess = 33_u32.saturating_sub(denominator.leading_zeros());
        let (numerator, denominator) = (numerator >> excess, denominator >> excess);
        let halves = (u64::from(whole) * numerator + denominator) / (2 * denominator);
        // It is at most a half more than `most`, so it fits.
        Self(u32::try_from(halves).map_or(most, |halves| halves.min(most)) * 2)
    }

    /// How many.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The difference; none where the other is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum, at most the largest even number there is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0) & !1)
    }
}

impl fmt::Display for Even {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A width and a height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A rectangle of even pixels, from the canvas' upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rect {
    /// The left edge.
    pub x: Even,
    /// The upper edge.
    pub y: Even,
    /// From left to right.
    pub width: Even,
    /// From top to bottom.
    pub height: Even,
}

impl Rect {
    /// The rectangle between edges: left, top, right and bottom.
    pub const fn between(left: Even, top: Even, right: Even, bottom: Even) -> Self {
        Self { x: left, y: top, width: right.minus(left), height: bottom.minus(top) }
    }

    /// The first column that is not in it.
    pub const fn right(&self) -> Even {
        self.x.plus(self.width)
    }

    /// The first row that is not in it.
    pub const fn bottom(&self) -> Even {
        self.y.plus(self.height)
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.width.get() == 0 || self.height.get() == 0
    }

    /// Whether a pixel is in it.
    pub const fn contains(&self, x: u32, y: u32) -> bool {
        self.x.get() <= x && x < self.right().get() && self.y.get() <= y && y < self.bottom().get()
    }

    /// Left, top, width and height.
    pub const fn numbers(&self) -> [u32; 4] {
        [self.x.get(), self.y.get(), self.width.get(), self.height.get()]
    }
}

/// A colour, `0xRRGGBB`; black by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rgb(u32);

impl Rgb {
    /// Black.
    pub const BLACK: Self = Self(0);

    /// The colour of a number, if it has no more than 24 bits.
    pub const fn new(number: u32) -> Option<Self> {
        if number <= 0xff_ffff { Some(Self(number)) } else { None }
    }

    /// Reads `#RRGGBB`, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let fine = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if fine { u32::from_str_radix(digits, 16).ok().map(Self) } else { None }
    }

    /// As a number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Red, green and blue.
    pub const fn channels(self) -> [u8; 3] {
        let [_, red, green, blue] = self.0.to_be_bytes();
        [red, green, blue]
    }
}

/// As `#RRGGBB`.
impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06X}", self.0)
    }
}

/// What panes are placed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Canvas {
    width: Even,
    height: Even,
    /// What is seen where no pane is.
    pub background: Rgb,
}

impl Canvas {
    /// A canvas with a black background, of sides that are even and from [`MIN_SIDE`] to
    /// [`MAX_SIDE`].
    ///
    /// # Errors
    /// [`LayoutError::OddSide`] and [`LayoutError::SideOutOfRange`], of the width first.
    pub fn new(width: u32, height: u32) -> Result<Self, LayoutError> {
        let (width, height) = (Self::side(width)?, Self::side(height)?);
        Ok(Self { width, height, background: Rgb::BLACK })
    }

    /// One side of a canvas.
    ///
    /// # Errors
    /// [`LayoutError::OddSide`] and [`LayoutError::SideOutOfRange`].
    pub fn side(pixels: u32) -> Result<Even, LayoutError> {
        if !(MIN_SIDE..=MAX_SIDE).contains(&pixels) {
            return Err(LayoutError::SideOutOfRange);
        }
        Even::new(pixels).ok_or(LayoutError::OddSide)
    }

    /// The same with another background.
    #[must_use]
    pub const fn with_background(self, background: Rgb) -> Self {
        Self { background, ..self }
    }

    /// Its width.
    pub const fn width(&self) -> Even {
        self.width
    }

    /// Its height.
    pub const fn height(&self) -> Even {
        self.height
    }

    /// All of it.
    pub const fn rect(&self) -> Rect {
        Rect::between(Even::ZERO, Even::ZERO, self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Even, Rect, Rgb};
    use crate::layout::LayoutError;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn odd_numbers_are_no_even_ones() {
        assert_eq!(Even::new(4).map(Even::get), Some(4));
        assert_eq!(Even::new(5), None);
        assert_eq!(Even::floor(5).get(), 4);
    }

    #[test]
    fn a_part_is_the_nearest_even_number() {
        // 1280 / 3 = 426.67, between 426 and 428; 1080 / 8 = 135, a tie between 134 and 136.
        assert_eq!(Even::part(1280, 1, 3).get(), 426);
        assert_eq!(Even::part(1080, 1, 8).get(), 136);
        assert_eq!(Even::part(1280, 3, 3).get(), 1280);
        assert_eq!(Even::part(1280, 4, 3).get(), 1280);
        assert_eq!(Even::part(7, 1, 1).get(), 6);
        assert_eq!(Even::part(u32::MAX, u64::MAX, 0).get(), u32::MAX - 1);
        assert_eq!(Even::part(u32::MAX, (1 << 31) - 2, (1 << 31) - 1).get(), u32::MAX - 3);
        assert_eq!(Even::part(1280, u64::MAX / 2, u64::MAX).get(), 640);
    }

    #[test]
    fn a_rectangle_has_its_first_pixels_and_not_its_last_edges() {
        let even = Even::floor;
        let rect = Rect::between(even(2), even(4), even(6), even(10));
        assert_eq!(rect.numbers(), [2, 4, 4, 6]);
        assert!(rect.contains(2, 4) && rect.contains(5, 9));
        assert!(!rect.contains(6, 4) && !rect.contains(2, 10) && !rect.contains(1, 4));
        assert!(Rect::between(even(6), even(0), even(2), even(2)).is_empty());
    }

    #[test]
    fn colours_are_read_and_written_as_hexadecimal() {
        let orange = Rgb::parse("#ffA500").unwrap();
        assert_eq!(orange.channels(), [255, 165, 0]);
        assert_eq!(orange.to_string(), "#FFA500");
        assert_eq!(Rgb::new(0x0100_0000), None);
        for text in ["ffa500", "#fff", "#ffa50", "#ffa5000", "#+fa500", "", "#ffa50\u{e9}"] {
            assert_eq!(Rgb::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_canvas_has_even_sides_within_bounds() {
        assert!(Canvas::new(64, 8192).is_ok());
        assert_eq!(Canvas::new(1281, 720).unwrap_err(), LayoutError::OddSide);
        assert_eq!(Canvas::new(1280, 721).unwrap_err(), LayoutError::OddSide);
        for (width, height) in [(62, 720), (8194, 720), (1280, 0), (1280, 8194)] {
            let error = Canvas::new(width, height).unwrap_err();
            assert_eq!(error, LayoutError::SideOutOfRange, "{width}x{height}");
        }
    }

    proptest! {
        /// The nearest even number is at most one pixel away.
        #[test]
        fn a_part_is_at_most_a_pixel_off(half in 0_u32..5000, of in 1_u64..1000, part in 0_u64..1000) {
            let (whole, part) = (half * 2, part.min(of));
            let even = u64::from(Even::part(whole, part, of).get());
            // |even - whole * part / of| <= 1, times `of`.
            prop_assert!((even * of).abs_diff(u64::from(whole) * part) <= of);
        }
    }
}
