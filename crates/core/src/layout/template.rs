//! Templates: how so many panes are laid out on a canvas.
//!
//! Jocloud and Tencent's TRTC name their templates and say which picture is where, but not how
//! large the panes are. The proportions here are livegate's own, and stand in docs/spec/layout.md §4.

use alloc::vec;
use alloc::vec::Vec;

use super::grid;
use super::px::{Canvas, Even, Rect};
use crate::config::named;

named! {
    /// How panes are laid out for however many users there are.
    pub enum Template {
        /// Side by side, each as high as the canvas. Jocloud's 1.
        Horizontal = "horizontal",
        /// One above the other, each as wide as the canvas. Jocloud's 2.
        Vertical = "vertical",
        /// As [`Self::BestFit`]. Jocloud's 3.
        Tiled = "tiled",
        /// One fills the canvas, the others are small upon it, upwards from the lower right corner.
        /// Jocloud's 4.
        Corner = "corner",
        /// One fills the canvas, the others are small upon it, in rows from the lower left corner.
        /// TRTC's 1.
        Float = "float",
        /// One is large on the left and shown whole, the others are in one column or two on its
        /// right. TRTC's 2.
        Screen = "screen",
        /// As many rows as columns, all cells of one size, the last ones empty; two users share the
        /// canvas side by side. TRTC's 3.
        Grid = "grid",
        /// As many rows as bring the cells nearest to 16:9; no cell is empty.
        BestFit = "best-fit",
    }
}

/// The most panes of a template: what TRTC documents for its own.
pub const MAX_TEMPLATE_PANES: usize = 16;

/// The small panes of [`Template::Float`] and [`Template::Corner`]: in a row or column,
const ACROSS: u32 = 4;
/// this long and high, in thousandths of the canvas,
const SMALL: u64 = 235;
/// and this far apart, and from the edge: 4 * 235 + 5 * 12 = 1000.
const GAP: u64 = 12;

/// The fewest and the most panes in a column of [`Template::Screen`]. There are at most two.
const COLUMN: (u32, u32) = (4, 8);

/// One of a template's panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) rect: Rect,
    pub(super) z: u8,
    /// Whether its picture is shown whole.
    pub(super) whole: bool,
}

impl Template {
    /// Whether one of its panes is larger than the others, and somebody's of choice.
    pub const fn has_main(self) -> bool {
        matches!(self, Self::Corner | Self::Float | Self::Screen)
    }

    /// The places of `count` panes, the main one first.
    pub(super) fn slots(self, canvas: &Canvas, count: usize) -> Vec<Slot> {
        let count = u32::try_from(count.min(MAX_TEMPLATE_PANES)).unwrap_or(0);
        let rects = match self {
            _ if count == 0 => Vec::new(),
            Self::Horizontal => grid::cells(canvas, &[count]),
            Self::Vertical => grid::cells(canvas, &vec![1; count as usize]),
            Self::Tiled | Self::BestFit => grid::cells(canvas, &grid::best_rows(canvas, count)),
            Self::Grid => square(canvas, count),
            Self::Screen => screen(canvas, count - 1),
            Self::Float | Self::Corner => {
                let small = (0..count - 1).map(|index| self.small(canvas, index));
                core::iter::once(canvas.rect()).chain(small).collect()
            }
        };
        let above = matches!(self, Self::Float | Self::Corner);
        let slot = |(index, rect)| Slot {
            rect,
            z: u8::from(above && index > 0),
            whole: self == Self::Screen && index == 0,
        };
        rects.into_iter().enumerate().map(slot).collect()
    }

    /// One of the panes that lie upon the large one.
    fn small(self, canvas: &Canvas, index: u32) -> Rect {
        let (along, across) = (u64::from(index % ACROSS), u64::from(index / ACROSS));
        let near = |place: u64| GAP + (GAP + SMALL) * place;
        // From the left edge rightwards, or from the right one leftwards; always upwards.
        let (left, up) = match self {
            Self::Corner => (1000 - SMALL - near(across), near(along)),
            _ => (near(along), near(across)),
        };
        let x = |thousandths| Even::part(canvas.width().get(), thousandths, 1000);
        let y = |thousandths| Even::part(canvas.height().get(), thousandths, 1000);
        Rect::between(x(left), y(1000 - up - SMALL), x(left + SMALL), y(1000 - up))
    }
}

/// The first `count` cells of as many rows as columns; of two, side by side.
fn square(canvas: &Canvas, count: u32) -> Vec<Rect> {
    let side = (1..=count).find(|side| side * side >= count).unwrap_or(1);
    let rows = if count == 2 { 1 } else { side };
    let mut cells = grid::cells(canvas, &vec![side; rows as usize]);
    cells.truncate(count as usize);
    cells
}

/// The large one, and `others` in columns on its right.
fn screen(canvas: &Canvas, others: u32) -> Vec<Rect> {
    let (fewest, most) = COLUMN;
    let rows = others.clamp(fewest, most);
    // A small one has the canvas' own shape.
    let columns = others.div_ceil(rows);
    let x = |column: u32| {
        let from_right = Even::part(canvas.width().get(), u64::from(columns - column), rows.into());
        canvas.width().minus(from_right)
    };
    let y = |row: u32| Even::part(canvas.height().get(), row.into(), rows.into());
    let large = Rect::between(Even::ZERO, Even::ZERO, x(0), canvas.height());
    let small = (0..others).map(|index| {
        let (column, row) = (index / rows, index % rows);
        Rect::between(x(column), y(row), x(column + 1), y(row + 1))
    });
    core::iter::once(large).chain(small).collect()
}

#[cfg(test)]
mod tests {
    use super::{MAX_TEMPLATE_PANES, Template};
    use crate::layout::Canvas;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn numbers(template: Template, count: usize) -> Vec<[u32; 4]> {
        let canvas = Canvas::new(1280, 720).unwrap();
        template.slots(&canvas, count).iter().map(|slot| slot.rect.numbers()).collect()
    }

    #[test]
    fn two_share_a_grid_side_by_side_and_more_have_a_square() {
        assert_eq!(numbers(Template::Grid, 2), [[0, 0, 640, 720], [640, 0, 640, 720]]);
        assert_eq!(
            numbers(Template::Grid, 3),
            [[0, 0, 640, 360], [640, 0, 640, 360], [0, 360, 640, 360]]
        );
        assert_eq!(numbers(Template::Grid, 16)[15], [960, 540, 320, 180]);
    }

    #[test]
    fn small_panes_float_from_the_lower_left() {
        // 0.012 * 1280 = 15.36, 0.247 * 1280 = 316.16; 720 * (1 - 0.247) = 542.16, 720 * 0.988 = 711.36.
        let float = numbers(Template::Float, 3);
        assert_eq!(float[0], [0, 0, 1280, 720]);
        assert_eq!(float[1], [16, 542, 300, 170]);
        // 0.259 * 1280 = 331.52, 0.494 * 1280 = 632.32.
        assert_eq!(float[2], [332, 542, 300, 170]);
    }

    #[test]
    fn small_panes_climb_from_the_lower_right_corner() {
        // 0.753 * 1280 = 963.84, 0.988 * 1280 = 1264.64; above, 720 * 0.506 = 364.32, 720 * 0.741 = 533.52.
        let corner = numbers(Template::Corner, 3);
        assert_eq!(corner[1], [964, 542, 300, 170]);
        assert_eq!(corner[2], [964, 364, 300, 170]);
    }

    #[test]
    fn a_screen_leaves_room_for_one_column_or_two() {
        assert_eq!(numbers(Template::Screen, 1), [[0, 0, 1280, 720]]);
        // A quarter of the width for up to four others, an eighth for eight, two eighths for more.
        let few = numbers(Template::Screen, 3);
        assert_eq!(few, [[0, 0, 960, 720], [960, 0, 320, 180], [960, 180, 320, 180]]);
        assert_eq!(numbers(Template::Screen, 9)[0], [0, 0, 1120, 720]);
        let many = numbers(Template::Screen, 16);
        assert_eq!((many[0], many[15]), ([0, 0, 960, 720], [1120, 540, 160, 90]));
    }

    proptest! {
        #[test]
        fn every_slot_is_within_the_canvas_and_not_empty(
            width in 32_u32..=512, height in 32_u32..=512, count in 0_usize..40, at in 0_usize..8,
        ) {
            let canvas = Canvas::new(width * 2, height * 2).unwrap();
            let slots = Template::ALL[at].slots(&canvas, count);
            prop_assert_eq!(slots.len(), count.min(MAX_TEMPLATE_PANES));
            for (index, slot) in slots.iter().enumerate() {
                prop_assert!(!slot.rect.is_empty(), "{:?}", slot);
                prop_assert!(slot.rect.right() <= canvas.width());
                prop_assert!(slot.rect.bottom() <= canvas.height());
                // What lies at the same height does not overlap.
                for other in slots[..index].iter().filter(|other| other.z == slot.z) {
                    let (a, b) = (slot.rect, other.rect);
                    let apart = a.right() <= b.x || b.right() <= a.x
                        || a.bottom() <= b.y || b.bottom() <= a.y;
                    prop_assert!(apart, "{:?} {:?}", a, b);
                }
            }
        }
    }
}
