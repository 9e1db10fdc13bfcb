//! The fuzz target's body: what must hold for any layout and any SEI payload at all.

use super::hit::{ObjectFit, PlayerBox};
use super::{Arrangement, Document, Resolved, Size};

/// Reads `data` as a layout document and as a payload.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    match Document::from_json(data) {
        Ok(document) => {
            let resolved = document.resolve();
            let resolved = resolved.unwrap_or_else(|_| panic!("what was read can be placed"));
            if let Arrangement::Panes(panes) = &document.layout.arrangement {
                assert!(panes.len() == resolved.panes().len(), "no pane is lost");
            }
            holds(&resolved);
        }
        Err(violations) => {
            assert!(violations.iter().next().is_some(), "a refusal has a reason");
            assert!(violations.iter().all(|wrong| wrong.code().is_well_formed()));
        }
    }
}

/// What holds of every resolved layout.
fn holds(resolved: &Resolved) {
    let canvas = resolved.canvas;
    for pane in resolved.panes() {
        assert!(!pane.rect.is_empty(), "no pane is empty");
        assert!(pane.rect.right() <= canvas.width(), "no pane reaches beyond the canvas");
        assert!(pane.rect.bottom() <= canvas.height(), "no pane reaches beyond the canvas");
        assert!(
            resolved.at(pane.rect.x.get(), pane.rect.y.get()).is_some_and(|top| top.z >= pane.z)
        );
        let _ = pane.fitted(Size { width: 1281, height: 721 });
        let player = PlayerBox::new(&canvas, 1000 * 64, 999 * 64, ObjectFit::Cover);
        let _ = player.place(&pane.rect);
    }
    let empty = Resolved::new(canvas, []);
    assert!(empty.apply(&empty.diff(resolved)) == *resolved, "it can be made of nothing");
    assert!(resolved.apply(&resolved.diff(&empty)) == empty, "and nothing of it");
    assert!(resolved.to_svg().ends_with("</svg>\n"));
    let _ = resolved.to_value();
}
