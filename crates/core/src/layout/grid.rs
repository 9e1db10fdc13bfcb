//! Grids: cells that cover the canvas with no gap and no overlap, though every edge is even.

use alloc::vec::Vec;

use super::px::{Canvas, Even, Rect};

/// The shape that cells should come near to: most cameras' pictures have it.
const ASPECT: (u64, u64) = (16, 9);

/// The cells of rows of so many cells each, row by row. Edge `i` of `n` is the even number nearest
/// to `i/n` of the side, so that neighbours share their edges whatever the division leaves over.
pub(super) fn cells(canvas: &Canvas, rows: &[u32]) -> Vec<Rect> {
    let (width, height) = (canvas.width().get(), canvas.height().get());
    let mut cells = Vec::new();
    let mut top = Even::ZERO;
    for (row, columns) in (1..).zip(rows) {
        let bottom = Even::part(height, row, rows.len() as u64);
        let mut left = Even::ZERO;
        for column in 1..=u64::from(*columns) {
            let right = Even::part(width, column, u64::from(*columns));
            cells.push(Rect::between(left, top, right, bottom));
            left = right;
        }
        top = bottom;
    }
    cells
}

/// How many cells each row has, for `count` cells that come nearest to 16:9.
///
/// The rows differ by one cell at most, the longer ones first, and each row's cells are stretched
/// over its whole width: nothing of the canvas stays empty. Of the numbers of rows that one counts
/// whose worst cell shows most of a 16:9 picture cropped into it; of equal ones the fewest.
pub(super) fn best_rows(canvas: &Canvas, count: u32) -> Vec<u32> {
    let mut best = (0, 1, 0);
    for rows in 1..=count {
        let (shown, of) = worst_shown(canvas, count, rows);
        let (best_shown, best_of, _) = best;
        // Products of numbers below 2^28, and so without overflow.
        if shown * best_of > best_shown * of {
            best = (shown, of, rows);
        }
    }
    let (_, _, rows) = best;
    row_lengths(count, rows)
}

/// As a fraction, how much of a picture the worst cell shows.
fn worst_shown(canvas: &Canvas, count: u32, rows: u32) -> (u64, u64) {
    let (width, height) = (u64::from(canvas.width().get()), u64::from(canvas.height().get()));
    let shown = |columns: u32| {
        // A cell is width/columns by height/rows; both sides times columns * rows.
        let across = width * u64::from(rows) * ASPECT.1;
        let down = height * u64::from(columns.max(1)) * ASPECT.0;
        (across.min(down), across.max(down))
    };
    let (few, many) = (shown(count / rows), shown(count.div_ceil(rows)));
    if few.0 * many.1 < many.0 * few.1 { few } else { many }
}

fn row_lengths(count: u32, rows: u32) -> Vec<u32> {
    let (Some(few), Some(longer)) = (count.checked_div(rows), count.checked_rem(rows)) else {
        return Vec::new();
    };
    (0..rows).map(|row| if row < longer { few + 1 } else { few }).collect()
}

#[cfg(test)]
mod tests {
    use super::{best_rows, cells};
    use crate::layout::Canvas;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn wide_canvases_have_the_rows_that_show_most() {
        let canvas = Canvas::new(1280, 720).unwrap();
        // By hand, for a 16:9 canvas: of r rows of c cells a cell is r/c times as wide as 16:9, and
        // shows min(r/c, c/r). 2: 1x2 shows 1/2, as 2x1 does. 3: rows of 2 and 1 show 1/2, one or
        // three rows 1/3. 7: 3, 2, 2 show 2/3; 4, 3 show 1/2. 8: 3, 3, 2 show 2/3; 4, 4 show 1/2.
        // 12: 4, 4, 4 show 3/4, as 3, 3, 3, 3 do.
        for (count, rows) in [
            (0, &[][..]),
            (1, &[1]),
            (2, &[2]),
            (3, &[2, 1]),
            (4, &[2, 2]),
            (5, &[3, 2]),
            (6, &[3, 3]),
            (7, &[3, 2, 2]),
            (8, &[3, 3, 2]),
            (9, &[3, 3, 3]),
            (12, &[4, 4, 4]),
            (16, &[4, 4, 4, 4]),
        ] {
            assert_eq!(best_rows(&canvas, count), rows, "{count}");
        }
    }

    #[test]
    fn tall_canvases_put_cells_one_above_the_other() {
        let canvas = Canvas::new(720, 1280).unwrap();
        assert_eq!(best_rows(&canvas, 2), [1, 1]);
        assert_eq!(best_rows(&canvas, 3), [1, 1, 1]);
    }

    proptest! {
        #[test]
        fn cells_are_covering_and_disjoint(
            width in 32_u32..=400, height in 32_u32..=400, count in 1_u32..=16,
        ) {
            let canvas = Canvas::new(width * 2, height * 2).unwrap();
            let cells = cells(&canvas, &best_rows(&canvas, count));
            prop_assert_eq!(cells.len(), usize::try_from(count).unwrap());
            // They are within the canvas and have its area; if none share a pixel, they cover it.
            let areas: Vec<u32> = cells.iter().map(|c| c.width.get() * c.height.get()).collect();
            prop_assert_eq!(areas.iter().sum::<u32>(), width * height * 4);
            for (index, one) in cells.iter().enumerate() {
                prop_assert!(!one.is_empty());
                prop_assert!(one.right() <= canvas.width() && one.bottom() <= canvas.height());
                for other in &cells[index + 1..] {
                    let apart = one.right() <= other.x
                        || other.right() <= one.x
                        || one.bottom() <= other.y
                        || other.bottom() <= one.y;
                    prop_assert!(apart, "{:?} {:?}", one, other);
                }
            }
        }
    }
}
