//! Of what is wanted and who is there: who is where, in pixels.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::error::LayoutError;
use super::px::{Canvas, Even, Rect};
use super::share::Share;
use super::template::{MAX_TEMPLATE_PANES, Template};
use super::{Area, Arrangement, Fit, Layout, MAX_PANES, Member, OVERHANG, Pane, Picture};
use crate::config::{Problem, Violation, Violations};

/// A pane in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// The pane's number in its layout, from 0; no two panes have the same.
    pub id: u16,
    /// Whose picture it shows; without, it is black.
    pub user: Option<Member>,
    /// Where it is, within the canvas.
    pub rect: Rect,
    /// Which lies above: the larger; of equal ones that of the larger number.
    pub z: u8,
    /// How its picture is brought into it.
    pub fit: Fit,
    /// What is cut out of the picture first, in its pixels: left, top, width and height.
    pub cut: Option<[u32; 4]>,
    /// How opaque it is.
    pub alpha: Share,
}

impl Placed {
    /// An opaque pane at the bottom that its picture fills.
    pub const fn new(id: u16, user: Option<Member>, rect: Rect) -> Self {
        Self { id, user, rect, z: 0, fit: Fit::Crop, cut: None, alpha: Share::WHOLE }
    }
}

/// Who is where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// On what panes are placed.
    pub canvas: Canvas,
    /// From the lowest to the uppermost: by `z`, then by `id`.
    panes: Vec<Placed>,
}

impl Resolved {
    /// Of panes in any order.
    pub(super) fn sorted(canvas: Canvas, mut panes: Vec<Placed>) -> Self {
        panes.sort_by_key(|pane| (pane.z, pane.id));
        Self { canvas, panes }
    }

    /// A resolved layout of panes that were placed elsewhere. Of panes with one number the first
    /// counts, and of those beyond [`MAX_PANES`] none; what reaches beyond the canvas is cut off, and
    /// what is outside of it left out.
    pub fn new(canvas: Canvas, panes: impl IntoIterator<Item = Placed>) -> Self {
        let mut kept: Vec<Placed> = Vec::new();
        for mut pane in panes {
            let rect = pane.rect;
            let (right, bottom) =
                (rect.right().min(canvas.width()), rect.bottom().min(canvas.height()));
            pane.rect = Rect::between(rect.x, rect.y, right, bottom);
            let is_new = kept.iter().all(|before| before.id != pane.id);
            if is_new && !pane.rect.is_empty() && kept.len() < MAX_PANES {
                kept.push(pane);
            }
        }
        Self::sorted(canvas, kept)
    }

    /// The panes from the lowest to the uppermost, as they are painted.
    pub fn panes(&self) -> &[Placed] {
        &self.panes
    }

    /// As JSON, for programs: docs/spec/layout.md §8.
    pub fn to_value(&self) -> Value {
        let pane = |pane: &Placed| {
            let [x, y, width, height] = pane.rect.numbers();
            let user = pane.user.as_ref();
            json!({
                "pane": pane.id,
                "user": user.map(|user| &*user.user),
                "channel": user.and_then(|user| user.channel.as_deref()),
                "picture": user.map(|user| user.picture.as_str()),
                "x": x, "y": y, "width": width, "height": height,
                "z": pane.z,
                "fit": pane.fit.as_str(),
                "cut": pane.cut,
                "alpha": pane.alpha.to_string(),
            })
        };
        json!({
            "canvas": {
                "width": self.canvas.width().get(),
                "height": self.canvas.height().get(),
                "background": self.canvas.background.to_string(),
            },
            "panes": self.panes.iter().map(pane).collect::<Value>(),
        })
    }
}

impl Area {
    /// Where it is on a canvas. Edges are rounded, not sizes: panes that touch still do.
    ///
    /// # Errors
    /// [`LayoutError::OutsideCanvas`], [`LayoutError::TooSmall`].
    pub fn on(&self, canvas: &Canvas) -> Result<Rect, LayoutError> {
        let ([x, y, w, h], [across, down]) = self.numbers(canvas);
        let overhang = if matches!(self, Self::Shares(_)) { u64::from(OVERHANG) } else { 0 };
        if x + w > across + overhang || y + h > down + overhang {
            return Err(LayoutError::OutsideCanvas);
        }
        let rect = self.edges(canvas);
        if rect.is_empty() { Err(LayoutError::TooSmall) } else { Ok(rect) }
    }

    /// Where it comes nearest to on a canvas: what is beyond is cut off, and 2 by 2 pixels are left
    /// of it at least.
    pub fn clipped_to(&self, canvas: &Canvas) -> Rect {
        let least = Even::floor(2);
        let rect = self.edges(canvas);
        let left = rect.x.min(canvas.width().minus(least));
        let top = rect.y.min(canvas.height().minus(least));
        let right = rect.right().max(left.plus(least));
        Rect::between(left, top, right, rect.bottom().max(top.plus(least)))
    }

    /// The even pixels nearest to its edges, within the canvas.
    fn edges(&self, canvas: &Canvas) -> Rect {
        let ([x, y, w, h], [across, down]) = self.numbers(canvas);
        let column = |at| Even::part(canvas.width().get(), at, across);
        let row = |at| Even::part(canvas.height().get(), at, down);
        Rect::between(column(x), row(y), column(x + w), row(y + h))
    }

    /// Its numbers, and how many of its units the canvas has; sums of two do not overflow.
    fn numbers(&self, canvas: &Canvas) -> ([u64; 4], [u64; 2]) {
        match self {
            Self::Shares(four) => {
                let whole = u64::from(Share::WHOLE.billionths());
                (four.map(|share| u64::from(share.billionths())), [whole; 2])
            }
            Self::Pixels(four) => {
                let sides = [canvas.width(), canvas.height()];
                (four.map(u64::from), sides.map(|side| u64::from(side.get())))
            }
        }
    }
}

impl Layout {
    /// Places everybody who is there, in the order of joining; who is there twice counts once.
    ///
    /// Panes that name somebody are that one's, or black while there is no such picture. The others
    /// take, in their order, the next one whom no pane names. Panes that are left over stay, black;
    /// users who are left over are not shown.
    ///
    /// # Errors
    /// [`Violations`]: everything that is wrong with the panes.
    pub fn resolve(&self, members: &[Member]) -> Result<Resolved, Violations> {
        match &self.arrangement {
            Arrangement::Panes(panes) => self.place(panes, members),
            Arrangement::Template { template, main } => {
                Ok(self.lay_out(*template, main.as_deref(), members))
            }
        }
    }

    fn place(&self, panes: &[Pane], members: &[Member]) -> Result<Resolved, Violations> {
        let mut found = Vec::new();
        let mut report = |path, error| {
            found.push(Violation { path, problem: Problem::Layout(error) });
        };
        if panes.len() > MAX_PANES {
            report("panes".to_string(), LayoutError::TooManyPanes);
        }
        let is_named =
            |member: &Member| panes.iter().any(|pane| pane.user.as_ref() == Some(member));
        let mut waiting = distinct(members).filter(|member| !is_named(member));
        let mut placed = Vec::new();
        for (id, pane) in (0..).zip(panes.iter().take(MAX_PANES)) {
            let user = match &pane.user {
                Some(named) => members.iter().find(|member| *member == named),
                None => waiting.next(),
            };
            match pane.area.on(&self.canvas) {
                Ok(rect) => placed.push(Placed {
                    id,
                    user: user.cloned(),
                    rect,
                    z: pane.z,
                    fit: pane.fit,
                    cut: pane.cut,
                    alpha: pane.alpha,
                }),
                Err(error) => report(["panes[", &id.to_string(), "]"].concat(), error),
            }
        }
        if found.is_empty() {
            Ok(Resolved::sorted(self.canvas, placed))
        } else {
            Err(Violations::new(found))
        }
    }

    fn lay_out(&self, template: Template, main: Option<&str>, members: &[Member]) -> Resolved {
        let mut shown: Vec<Option<&Member>> = Vec::new();
        let main = main.filter(|_| template.has_main());
        if template.has_main() {
            // In the template for screens, of one user's pictures the screen is the large one.
            let screen = |member: &&Member| {
                template == Template::Screen && member.picture == Picture::Screen
            };
            let of_main = |member: &&Member| main.is_none_or(|main| member.user == main);
            let mut candidates = members.iter().filter(of_main);
            let first = candidates.clone().find(screen).or_else(|| candidates.next());
            // Somebody who is named and not there leaves the large pane black.
            if first.is_some() || main.is_some() {
                shown.push(first);
            }
        }
        let first = shown.first().copied().flatten();
        let others = distinct(members).filter(|member| Some(*member) != first);
        shown.extend(others.take(MAX_TEMPLATE_PANES).map(Some));
        let slots = template.slots(&self.canvas, shown.len());
        let panes = (0..).zip(slots.into_iter().zip(shown)).map(|(id, (slot, user))| Placed {
            z: slot.z,
            fit: if slot.whole { Fit::Inside } else { Fit::Crop },
            ..Placed::new(id, user.cloned(), slot.rect)
        });
        Resolved::sorted(self.canvas, panes.collect())
    }
}

/// Each member once.
fn distinct(members: &[Member]) -> impl Iterator<Item = &Member> {
    let is_new = move |(index, member): &(usize, &Member)| {
        members.iter().take(*index).all(|before| before != *member)
    };
    members.iter().enumerate().filter(is_new).map(|(_, member)| member)
}
