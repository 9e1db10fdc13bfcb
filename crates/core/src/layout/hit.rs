//! Whose pane a point is in, and where panes are in a player's box: for what browsers draw over the
//! picture.
//!
//! A player's box is in 64ths of a CSS or device pixel, whichever the caller counts in. Browsers lay
//! out in such 64ths, and integers give every browser the same numbers.

use super::px::{Canvas, Rect, Size};
use super::resolve::{Placed, Resolved};
use crate::config::named;

/// The parts of a pixel that a player's box is measured in.
pub const PARTS: i64 = 64;

/// The longest side of a player's box that is reckoned with, in pixels.
pub const MAX_BOX_SIDE: u32 = 1 << 20;

named! {
    /// How a player brings the picture into its box (CSS Images 3, §5.5).
    pub enum ObjectFit {
        /// All of it is shown, with bars beside it.
        Contain = "contain",
        /// It fills the box, and what is beyond is cut off.
        Cover = "cover",
        /// It fills the box and loses its shape.
        Fill = "fill",
        /// As large as it is; what is beyond the box is cut off.
        None = "none",
        /// As `none` or as `contain`, whichever is smaller.
        ScaleDown = "scale-down",
    }
}

/// The longest side of a picture that is reckoned with, in pixels.
const MAX_PICTURE_SIDE: u32 = 1 << 14;

/// A player's box and how it shows its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Showing {
    /// The box' width in 64ths of a pixel; beyond [`MAX_BOX_SIDE`] it counts as that. So does its
    /// height.
    pub width: u32,
    /// The box' height in 64ths of a pixel.
    pub height: u32,
    /// How the picture is brought into it.
    pub fit: ObjectFit,
    /// Which part of the room that is left lies on the picture's left and above it (CSS
    /// `object-position` in per cent), in millionths.
    pub position: [i32; 2],
}

impl Showing {
    /// Half of the room on either side: the middle, as CSS has it.
    pub const MIDDLE: [i32; 2] = [MILLION / 2; 2];
}

/// All of the room, in the units of [`Showing::position`].
const MILLION: i32 = 1_000_000;

/// A rectangle in a player's box, in 64ths of a pixel from its upper left corner. Under
/// [`ObjectFit::Cover`] it may reach beyond the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BoxRect {
    /// The left edge.
    pub x: i64,
    /// The upper edge.
    pub y: i64,
    /// From left to right.
    pub width: i64,
    /// From top to bottom.
    pub height: i64,
}

/// A player's box and how it shows a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerBox {
    /// The canvas' sides in pixels.
    canvas: [i64; 2],
    /// Where the canvas' left and upper edges are, and its shown width and height, in 64ths.
    from: [i64; 2],
    shown: [i64; 2],
}

impl Resolved {
    /// The uppermost pane at a pixel of the canvas.
    pub fn at(&self, x: u32, y: u32) -> Option<&Placed> {
        self.panes().iter().rev().find(|pane| pane.rect.contains(x, y))
    }
}

impl PlayerBox {
    /// A box of `width` by `height` 64ths of a pixel that shows the canvas; sides beyond
    /// [`MAX_BOX_SIDE`] count as that. The picture is in the middle of its box, as CSS has it.
    pub fn new(canvas: &Canvas, width: u32, height: u32, object_fit: ObjectFit) -> Self {
        let picture = Size { width: canvas.width().get(), height: canvas.height().get() };
        let position = Showing::MIDDLE;
        Self::showing(canvas, picture, &Showing { width, height, fit: object_fit, position })
    }

    /// A box that shows a picture of which the canvas is all: of the canvas' size, unless somebody
    /// encoded it anew. The picture's sides are in the pixels that the box is measured in.
    pub fn showing(canvas: &Canvas, picture: Size, showing: &Showing) -> Self {
        let limit = i64::from(MAX_BOX_SIDE) * PARTS;
        let room = [showing.width, showing.height].map(|side| i64::from(side).min(limit));
        let [box_width, box_height] = room;
        let canvas = [canvas.width(), canvas.height()].map(|side| i64::from(side.get()));
        let natural = [picture.width, picture.height]
            .map(|side| i64::from(side.clamp(1, MAX_PICTURE_SIDE)) * PARTS);
        let [across, down] = natural;
        // Whether the picture, as wide as the box, is lower than it.
        let lower = box_width * down <= across * box_height;
        let as_wide = [box_width, round(box_width * down, across)];
        let as_high = [round(box_height * across, down), box_height];
        let has_room = across <= box_width && down <= box_height;
        let shown = match showing.fit {
            ObjectFit::Fill => room,
            ObjectFit::None => natural,
            ObjectFit::ScaleDown if has_room => natural,
            ObjectFit::Contain | ObjectFit::ScaleDown if lower => as_wide,
            ObjectFit::Cover if !lower => as_wide,
            ObjectFit::Contain | ObjectFit::ScaleDown | ObjectFit::Cover => as_high,
        };
        let [shown_width, shown_height] = shown;
        let [right, below] = showing.position;
        let from = [(box_width - shown_width, right), (box_height - shown_height, below)];
        Self { canvas, from: from.map(|(rest, part)| part_of(rest, part)), shown }
    }

    /// Where a rectangle of the canvas is in the box. Edges are rounded to the nearest 64th, a tie
    /// upwards: rectangles that touch still do.
    pub fn place(&self, rect: &Rect) -> BoxRect {
        let edges = |axis: usize, first: u32, last: u32| {
            let (canvas, from, shown) = self.axis(axis);
            let edge = |at: u32| from + round(i64::from(at) * shown, canvas);
            (edge(first), edge(last) - edge(first))
        };
        let (x, width) = edges(0, rect.x.get(), rect.right().get());
        let (y, height) = edges(1, rect.y.get(), rect.bottom().get());
        BoxRect { x, y, width, height }
    }

    /// The canvas' pixel at a point of the box, in 64ths; `None` beside the picture.
    pub fn pixel(&self, x: i64, y: i64) -> Option<(u32, u32)> {
        let pixel = |axis: usize, at: i64| {
            let (canvas, from, shown) = self.axis(axis);
            let inside = at.checked_sub(from).filter(|at| (0..shown).contains(at))?;
            u32::try_from((inside * canvas).checked_div(shown)?).ok()
        };
        Some((pixel(0, x)?, pixel(1, y)?))
    }

    /// The canvas' side, and where and how long it is shown.
    fn axis(&self, axis: usize) -> (i64, i64, i64) {
        let of = |both: &[i64; 2]| both.get(axis).copied().unwrap_or(0);
        (of(&self.canvas), of(&self.from), of(&self.shown))
    }
}

/// So many millionths of some room, rounded down. There may be less than none of it.
fn part_of(room: i64, millionths: i32) -> i64 {
    // The room is at most 2^40: in two parts no product is too large for 64 bits.
    let (million, millionths) = (i64::from(MILLION), i64::from(millionths));
    let rest = room.rem_euclid(million) * millionths;
    room.div_euclid(million) * millionths + rest.div_euclid(million)
}

/// A quotient of numbers that are not negative, to the nearest integer, a tie upwards.
fn round(dividend: i64, divisor: i64) -> i64 {
    (dividend * 2 + divisor).checked_div(divisor * 2).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{BoxRect, MILLION, ObjectFit, PARTS, PlayerBox, Showing, part_of};
    use crate::layout::{Canvas, Even, Rect, Size};
    use proptest::prelude::*;

    fn canvas() -> Canvas {
        Canvas::new(1280, 720).unwrap()
    }

    fn pixels(rect: BoxRect) -> [i64; 4] {
        [rect.x, rect.y, rect.width, rect.height].map(|parts| {
            assert_eq!(parts % PARTS, 0, "{rect:?}");
            parts / PARTS
        })
    }

    fn right_half() -> Rect {
        let even = Even::floor;
        Rect::between(even(640), Even::ZERO, even(1280), even(720))
    }

    #[test]
    fn contain_leaves_bars_and_cover_cuts_off() {
        // A box of 640x640: contained, 640x360 with bars of 140; covered, 1137.78x640.
        let side = 640 * 64;
        let contain = PlayerBox::new(&canvas(), side, side, ObjectFit::Contain);
        assert_eq!(pixels(contain.place(&canvas().rect())), [0, 140, 640, 360]);
        assert_eq!(pixels(contain.place(&right_half())), [320, 140, 320, 360]);
        let fill = PlayerBox::new(&canvas(), side, side, ObjectFit::Fill);
        assert_eq!(pixels(fill.place(&right_half())), [320, 0, 320, 640]);
        // 640 * 64 * 16 / 9 = 72817.78 parts; (40960 - 72818) / 2 = -15929.
        let cover = PlayerBox::new(&canvas(), side, side, ObjectFit::Cover);
        let whole = cover.place(&canvas().rect());
        assert_eq!((whole.x, whole.width, whole.height), (-15_929, 72_818, 40_960));
    }

    #[test]
    fn none_and_scale_down_keep_the_pictures_own_size() {
        let size = |width, height| Size { width, height };
        let shown = |picture, box_width: u32, box_height: u32, fit, position| {
            let showing = Showing { width: box_width * 64, height: box_height * 64, fit, position };
            pixels(PlayerBox::showing(&canvas(), picture, &showing).place(&canvas().rect()))
        };
        // Smaller than the box: as it is, (1000 - 320) / 2 and (800 - 180) / 2 from its edges.
        for fit in [ObjectFit::None, ObjectFit::ScaleDown] {
            let place = shown(size(320, 180), 1000, 800, fit, Showing::MIDDLE);
            assert_eq!(place, [340, 310, 320, 180]);
        }
        // Larger: cut off on both sides, (640 - 1280) / 2; or as `contain`.
        let large = size(1280, 720);
        assert_eq!(
            shown(large, 640, 640, ObjectFit::None, Showing::MIDDLE),
            [-320, -40, 1280, 720]
        );
        assert_eq!(
            shown(large, 640, 640, ObjectFit::ScaleDown, Showing::MIDDLE),
            [0, 140, 640, 360]
        );
        // Larger on one side alone is larger.
        assert_eq!(
            shown(large, 2000, 360, ObjectFit::ScaleDown, Showing::MIDDLE),
            [680, 0, 640, 360]
        );
    }

    #[test]
    fn the_position_divides_what_is_left() {
        let shown = |fit, position| {
            let showing = Showing { width: 640 * 64, height: 640 * 64, fit, position };
            let picture = Size { width: 1280, height: 720 };
            pixels(PlayerBox::showing(&canvas(), picture, &showing).place(&canvas().rect()))
        };
        // 280 are left above and below a picture of 640x360.
        for (part, y) in [(0, 0), (250_000, 70), (1_000_000, 280), (-500_000, -140)] {
            assert_eq!(shown(ObjectFit::Contain, [900_000, part]), [0, y, 640, 360], "{part}");
        }
        // As large as it is 640 are too many in its width and 80 in its height.
        assert_eq!(shown(ObjectFit::None, [1_000_000, 250_000]), [-640, -20, 1280, 720]);
    }

    #[test]
    fn points_beside_the_picture_are_on_no_pixel() {
        let contain = PlayerBox::new(&canvas(), 640 * 64, 640 * 64, ObjectFit::Contain);
        assert_eq!(contain.pixel(320 * 64, 139 * 64), None);
        assert_eq!(contain.pixel(320 * 64, 140 * 64), Some((640, 0)));
        assert_eq!(contain.pixel(640 * 64 - 1, 500 * 64 - 1), Some((1279, 719)));
        assert_eq!(contain.pixel(640 * 64, 320 * 64), None);
        assert_eq!(contain.pixel(-1, i64::MIN), None);
        let nothing = PlayerBox::new(&canvas(), 0, 0, ObjectFit::Cover);
        assert_eq!(nothing.pixel(0, 0), None);
    }

    proptest! {
        #[test]
        fn a_part_of_some_room_is_rounded_down(room in -(1_i64 << 40)..1 << 40, part in any::<i32>()) {
            let exact = (i128::from(room) * i128::from(part)).div_euclid(i128::from(MILLION));
            prop_assert_eq!(i128::from(part_of(room, part)), exact);
        }

        /// The middle of where a pixel pair is shown is on that pair again, at any size at which it
        /// can be seen.
        #[test]
        fn what_is_placed_is_found_again(
            x in 0_u32..640, y in 0_u32..360, width in 40_u32..4000, height in 40_u32..4000,
            fit in 0_usize..3,
        ) {
            let player = PlayerBox::new(&canvas(), width * 64, height * 64, ObjectFit::ALL[fit]);
            let even = Even::floor;
            let rect = Rect::between(even(x * 2), even(y * 2), even(x * 2 + 2), even(y * 2 + 2));
            let shown = player.place(&rect);
            let found = player.pixel(shown.x + shown.width / 2, shown.y + shown.height / 2);
            let (x, y) = found.unwrap();
            prop_assert!(rect.contains(x, y), "{:?} {:?}", rect, (x, y));
        }

        #[test]
        fn huge_boxes_do_not_overflow(width in any::<u32>(), height in any::<u32>(), fit in 0_usize..3) {
            let canvas = Canvas::new(64, 8192).unwrap();
            let player = PlayerBox::new(&canvas, width, height, ObjectFit::ALL[fit]);
            let shown = player.place(&canvas.rect());
            player.pixel(shown.x, shown.y);
            player.pixel(i64::MAX, i64::MIN);
        }
    }
}
