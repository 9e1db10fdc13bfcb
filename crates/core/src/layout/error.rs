//! What is wrong with a layout.

use core::fmt;

use super::MAX_PANES;
use super::px::{MAX_SIDE, MIN_SIDE};
use crate::error::{Code, Coded, Fault};

/// What can be wrong with a layout. Which pane it is, a violation's path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// `layout.odd_side`: a side of the canvas is odd.
    OddSide,
    /// `layout.side_out_of_range`: a side of the canvas is too short or too long.
    SideOutOfRange,
    /// `layout.outside_canvas`: a pane reaches beyond the canvas.
    OutsideCanvas,
    /// `layout.too_small`: on the canvas' grid of even pixels nothing is left of a pane, or nothing of
    /// a picture that is cut.
    TooSmall,
    /// `layout.too_many_panes`: more panes than one picture may have.
    TooManyPanes,
}

impl LayoutError {
    /// Its stable name.
    pub fn code(self) -> Code {
        Code::new(match self {
            Self::OddSide => "layout.odd_side",
            Self::SideOutOfRange => "layout.side_out_of_range",
            Self::OutsideCanvas => "layout.outside_canvas",
            Self::TooSmall => "layout.too_small",
            Self::TooManyPanes => "layout.too_many_panes",
        })
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OddSide => f.write_str("should be even"),
            Self::SideOutOfRange => write!(f, "should be {MIN_SIDE} to {MAX_SIDE} pixels"),
            Self::OutsideCanvas => f.write_str("should be within the canvas"),
            Self::TooSmall => f.write_str("should be at least 2 pixels wide and high"),
            Self::TooManyPanes => write!(f, "should have at most {MAX_PANES} panes"),
        }
    }
}

impl core::error::Error for LayoutError {}

impl Coded for LayoutError {
    fn code(&self) -> Code {
        (*self).code()
    }

    fn fault(&self) -> Fault {
        match self {
            Self::TooManyPanes => Fault::Limit,
            _ => Fault::Caller,
        }
    }
}
