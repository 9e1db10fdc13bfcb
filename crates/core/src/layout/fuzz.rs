//! The fuzz target's body: what must hold for any layout and any SEI payload at all.

use alloc::string::ToString;

use super::hit::{ObjectFit, PlayerBox};
use super::{Arrangement, Canvas, Document, Resolved, Size};
use crate::error::Coded;
use crate::sei::payload::{Alone, LayoutMessage, MAX_CONTENT, Profile, Sound, read};
use crate::time::UnixMillis;

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
    payload(data);
}

fn payload(data: &[u8]) {
    let reading = read(data);
    assert!(reading.form.is_some() || !reading.remarks.is_empty(), "nothing has a reason");
    assert!(reading.remarks.iter().all(|remark| remark.defect.code().is_well_formed()));
    let Ok(fallback) = Canvas::new(1280, 720) else { return };
    let resolved = reading.message.to_resolved(fallback);
    holds(&resolved);
    let mut again = LayoutMessage::from_resolved(&resolved, Alone::Placed, &|_| Sound::default());
    again.sent_at = Some(UnixMillis(0));
    assert!(again.to_resolved(fallback) == resolved, "a layout reads back");
    let mut message = reading.message;
    message.sent_at = message.sent_at.or(Some(UnixMillis(0)));
    message.canvas = message.canvas.or(Some(fallback));
    for profile in [Profile::Alibaba, Profile::Agora] {
        match profile.write(&message) {
            Ok(text) => {
                assert!(text.len() <= MAX_CONTENT, "no message is too large");
                let read = read(text.as_bytes());
                assert!(read.remarks.is_empty(), "what is written reads without a remark");
                let second = LayoutMessage { sent_at: message.sent_at, ..read.message };
                let second = LayoutMessage { canvas: message.canvas, ..second };
                assert!(profile.write(&second) == Ok(text), "and is written the same again");
            }
            Err(error) => assert!(error.code().is_well_formed()),
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
    let document = resolved.to_document();
    let again = Document::from_json(document.to_string().as_bytes());
    let again = again.unwrap_or_else(|_| panic!("what is written can be read"));
    assert!(
        again.resolve().is_ok_and(|again| again.to_document() == document),
        "and says the same again"
    );
    assert!(resolved.to_svg().ends_with("</svg>\n"));
    let _ = resolved.to_value();
}
