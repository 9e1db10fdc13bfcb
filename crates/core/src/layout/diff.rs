//! What changes from one resolved layout to the next, for a mixer that goes on running.

use alloc::vec::Vec;

use super::px::{Canvas, Rect};
use super::resolve::{Placed, Resolved};
use super::share::Share;
use super::{Fit, Member};

/// Which pane a change is about. A pane is its user's wherever it goes; black ones are told apart by
/// their numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// A user's.
    User {
        /// Whose.
        member: Member,
        /// Which of those that show the same picture, counted from 0 by their numbers.
        nth: u16,
    },
    /// A black one, by its number.
    Black(u16),
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The canvas has another size or background.
    Canvas(Canvas),
    /// A pane is gone.
    Remove(Key),
    /// A pane is new.
    Add(Placed),
    /// A pane is elsewhere, or of another size.
    Move(Key, Rect),
    /// A pane lies higher or lower.
    Restack(Key, u8),
    /// A picture is brought into its pane in another way.
    Refit(Key, Fit),
    /// Something else is cut out of the picture.
    Recut(Key, Option<[u32; 4]>),
    /// A pane is more or less opaque.
    Alpha(Key, Share),
    /// A pane has another number.
    Renumber(Key, u16),
}

impl Resolved {
    /// The panes with what each is told apart by, by their keys.
    fn keyed(&self) -> Vec<(Key, &Placed)> {
        let mut by_id: Vec<&Placed> = self.panes().iter().collect();
        by_id.sort_by_key(|pane| pane.id);
        let mut keyed: Vec<(Key, &Placed)> = Vec::new();
        for pane in by_id {
            let key = match &pane.user {
                None => Key::Black(pane.id),
                Some(member) => {
                    let same = keyed.iter().filter(|(_, before)| before.user == pane.user).count();
                    Key::User {
                        member: member.clone(),
                        nth: u16::try_from(same).unwrap_or(u16::MAX),
                    }
                }
            };
            keyed.push((key, pane));
        }
        keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
        keyed
    }

    /// What makes `next` of this layout: first the canvas, then what goes, what changes and what
    /// comes, each by its key. Nothing, if they are equal.
    #[must_use]
    pub fn diff(&self, next: &Self) -> Vec<Change> {
        let (before, after) = (self.keyed(), next.keyed());
        let mut changes = Vec::new();
        if self.canvas != next.canvas {
            changes.push(Change::Canvas(next.canvas));
        }
        let in_list = |list: &[(Key, &Placed)], key: &Key| {
            list.binary_search_by(|(own, _)| own.cmp(key)).ok()
        };
        for (key, _) in &before {
            if in_list(&after, key).is_none() {
                changes.push(Change::Remove(key.clone()));
            }
        }
        let mut added = Vec::new();
        for (key, new) in after {
            let Some((_, old)) = in_list(&before, &key).and_then(|at| before.get(at)) else {
                added.push(Change::Add(new.clone()));
                continue;
            };
            let mut put = |is: bool, change: Change| {
                if is {
                    changes.push(change);
                }
            };
            put(old.rect != new.rect, Change::Move(key.clone(), new.rect));
            put(old.z != new.z, Change::Restack(key.clone(), new.z));
            put(old.fit != new.fit, Change::Refit(key.clone(), new.fit));
            put(old.cut != new.cut, Change::Recut(key.clone(), new.cut));
            put(old.alpha != new.alpha, Change::Alpha(key.clone(), new.alpha));
            put(old.id != new.id, Change::Renumber(key, new.id));
        }
        changes.append(&mut added);
        changes
    }

    /// This layout after changes. Keys are those of the layout before all of them; a change of a pane
    /// that is not there changes nothing.
    #[must_use]
    pub fn apply(&self, changes: &[Change]) -> Self {
        let mut canvas = self.canvas;
        let keyed = self.keyed().into_iter().map(|(key, pane)| (key, pane.clone()));
        let mut panes: Vec<(Key, Placed)> = keyed.collect();
        let mut added = Vec::new();
        for change in changes {
            let mut on = |key: &Key, edit: &dyn Fn(&mut Placed)| {
                if let Some((_, pane)) = panes.iter_mut().find(|(own, _)| own == key) {
                    edit(pane);
                }
            };
            match change {
                Change::Canvas(new) => canvas = *new,
                Change::Remove(key) => panes.retain(|(own, _)| own != key),
                Change::Add(pane) => added.push(pane.clone()),
                Change::Move(key, rect) => on(key, &|pane| pane.rect = *rect),
                Change::Restack(key, z) => on(key, &|pane| pane.z = *z),
                Change::Refit(key, fit) => on(key, &|pane| pane.fit = *fit),
                Change::Recut(key, cut) => on(key, &|pane| pane.cut = *cut),
                Change::Alpha(key, alpha) => on(key, &|pane| pane.alpha = *alpha),
                Change::Renumber(key, id) => on(key, &|pane| pane.id = *id),
            }
        }
        let panes = panes.into_iter().map(|(_, pane)| pane).chain(added);
        Self::sorted(canvas, panes.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Key};
    use crate::layout::{Arrangement, Canvas, Layout, Member, Resolved, Template};
    use alloc::vec::Vec;

    fn resolved(template: Template, users: &[&str]) -> Resolved {
        let arrangement = Arrangement::Template { template, main: None };
        let layout = Layout { canvas: Canvas::new(1280, 720).unwrap(), arrangement };
        let members: Vec<Member> = users.iter().map(|user| Member::new(*user)).collect();
        layout.resolve(&members).unwrap()
    }

    fn key(user: &str) -> Key {
        Key::User { member: Member::new(user), nth: 0 }
    }

    #[test]
    fn a_pane_follows_its_user() {
        let before = resolved(Template::Horizontal, &["anna", "ben"]);
        let after = resolved(Template::Horizontal, &["ben", "cleo"]);
        let [ben, cleo] = [0, 1].map(|at: usize| after.panes()[at].clone());
        assert_eq!(
            before.diff(&after),
            [
                Change::Remove(key("anna")),
                Change::Move(key("ben"), ben.rect),
                Change::Renumber(key("ben"), 0),
                Change::Add(cleo),
            ]
        );
        assert_eq!(before.apply(&before.diff(&after)), after);
    }

    #[test]
    fn nothing_changes_between_equal_layouts() {
        let one = resolved(Template::Float, &["anna", "ben", "cleo"]);
        assert!(one.diff(&one.clone()).is_empty());
        assert_eq!(one.apply(&[Change::Remove(key("dora"))]), one);
    }
}
