//! Which part of a picture is shown in its pane, and on which part of the pane.

use super::Fit;
use super::px::{Even, Rect, Size};
use super::resolve::Placed;

/// A part of a picture, and where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fitted {
    /// What is taken of the picture, in its pixels.
    pub source: Rect,
    /// Where it is shown, in pixels of the canvas; the rest of the pane is black.
    pub target: Rect,
}

impl Placed {
    /// How a picture of that size is shown in this pane. Both rectangles are even, have the same
    /// shape as nearly as that allows, and are in the middle of what they are part of.
    ///
    /// A pane's cut is made first; where it lies beyond the picture, it is as though there were none.
    /// `None` for a picture of less than 2 by 2 pixels.
    pub fn fitted(&self, picture: Size) -> Option<Fitted> {
        let whole = rect_of([0, 0, picture.width, picture.height], picture)?;
        let source = self.cut.and_then(|cut| rect_of(cut, picture)).unwrap_or(whole);
        Some(match self.fit {
            Fit::Inside => Fitted { source, target: inside(self.rect, source) },
            Fit::Crop => Fitted { source: inside(source, self.rect), target: self.rect },
        })
    }
}

/// What of a cut is within the picture, if that is at least 2 by 2 pixels.
fn rect_of([x, y, width, height]: [u32; 4], picture: Size) -> Option<Rect> {
    let (left, top) = (Even::floor(x), Even::floor(y));
    let right = Even::floor(x.saturating_add(width).min(picture.width));
    let bottom = Even::floor(y.saturating_add(height).min(picture.height));
    let rect = Rect::between(left, top, right, bottom);
    if rect.is_empty() { None } else { Some(rect) }
}

/// The largest rectangle of another one's shape within one, in its middle.
fn inside(outer: Rect, shape: Rect) -> Rect {
    let [x, y, width, height] = outer.numbers();
    let (w, h) = (u64::from(shape.width.get()), u64::from(shape.height.get()));
    // Where the shape is the wider one, the height is less; at least one pair of pixels is left.
    let wider = w * u64::from(height) >= u64::from(width) * h;
    let least = Even::floor(2);
    let (width, height) = if wider {
        (outer.width, Even::part(height, u64::from(width) * h, w * u64::from(height)).max(least))
    } else {
        (Even::part(width, u64::from(height) * w, h * u64::from(width)).max(least), outer.height)
    };
    let middle = |from: u32, room: Even, own: Even| Even::floor(from + room.minus(own).get() / 2);
    Rect { x: middle(x, outer.width, width), y: middle(y, outer.height, height), width, height }
}

#[cfg(test)]
mod tests {
    use super::Fitted;
    use crate::layout::{Even, Fit, Placed, Rect, Size};
    use proptest::prelude::*;

    fn rect([x, y, width, height]: [u32; 4]) -> Rect {
        let even = |number| Even::new(number).unwrap();
        Rect { x: even(x), y: even(y), width: even(width), height: even(height) }
    }

    fn fitted(pane: [u32; 4], fit: Fit, width: u32, height: u32) -> ([u32; 4], [u32; 4]) {
        let placed = Placed { fit, ..Placed::new(0, None, rect(pane)) };
        let Fitted { source, target } = placed.fitted(Size { width, height }).unwrap();
        (source.numbers(), target.numbers())
    }

    #[test]
    fn a_picture_inside_is_whole_and_in_the_middle() {
        // 16:9 in a square of 360: 360 * 9 / 16 = 202.5, nearest even 202; (360 - 202) / 2 = 79, even 78.
        let shown = fitted([640, 0, 360, 360], Fit::Inside, 1280, 720);
        assert_eq!(shown, ([0, 0, 1280, 720], [640, 78, 360, 202]));
        // 9:16 in 640x360: 360 * 9 / 16 = 202.5; (640 - 202) / 2 = 219, even 218.
        let shown = fitted([0, 0, 640, 360], Fit::Inside, 720, 1280);
        assert_eq!(shown, ([0, 0, 720, 1280], [218, 0, 202, 360]));
    }

    #[test]
    fn a_cropped_picture_fills_its_pane_from_its_middle() {
        // 640x720 of 1280x720: the middle half.
        let shown = fitted([0, 0, 640, 720], Fit::Crop, 1280, 720);
        assert_eq!(shown, ([320, 0, 640, 720], [0, 0, 640, 720]));
        let shown = fitted([0, 0, 640, 360], Fit::Crop, 1920, 1080);
        assert_eq!(shown, ([0, 0, 1920, 1080], [0, 0, 640, 360]));
    }

    #[test]
    fn a_cut_is_made_first_and_one_beyond_the_picture_is_none() {
        let size = Size { width: 1280, height: 720 };
        let mut placed = Placed::new(0, None, rect([0, 0, 640, 360]));
        placed.cut = Some([101, 50, 641, 360]);
        // It has columns 101 to 741, and even ones 100 to 742 of them: two more than 16:9 of 360 rows.
        assert_eq!(placed.fitted(size).unwrap().source.numbers(), [100, 50, 640, 360]);
        placed.cut = Some([1280, 0, 10, 10]);
        assert_eq!(placed.fitted(size).unwrap().source.numbers(), [0, 0, 1280, 720]);
        assert_eq!(placed.fitted(Size { width: 1, height: 720 }), None);
    }

    proptest! {
        #[test]
        fn both_parts_are_within_and_as_large_as_they_can_be(
            pane in (0_u32..50, 0_u32..50, 1_u32..2000, 1_u32..2000),
            width in 2_u32..4000, height in 2_u32..4000, crop in any::<bool>(),
        ) {
            let pane = [pane.0 * 2, pane.1 * 2, pane.2 * 2, pane.3 * 2];
            let fit = if crop { Fit::Crop } else { Fit::Inside };
            let (source, target) = fitted(pane, fit, width, height);
            prop_assert!(source[0] + source[2] <= width && source[1] + source[3] <= height);
            prop_assert!(target[0] >= pane[0] && target[0] + target[2] <= pane[0] + pane[2]);
            prop_assert!(target[1] >= pane[1] && target[1] + target[3] <= pane[1] + pane[3]);
            // One side is used to its end.
            if crop {
                prop_assert_eq!(target, pane);
                prop_assert!(source[2] == width & !1 || source[3] == height & !1);
            } else {
                prop_assert_eq!([source[2], source[3]], [width & !1, height & !1]);
                prop_assert!(target[2] == pane[2] || target[3] == pane[3]);
            }
        }
    }
}
