//! What holds of every layout: on any canvas, of any panes, for any users.

use std::collections::BTreeSet;

use livegate_core::layout::hit::{ObjectFit, PlayerBox};
use livegate_core::layout::{
    Area, Arrangement, Canvas, Document, Even, Fit, Layout, Member, Pane, Placed, Rect, Resolved,
    Rgb, Share, Template,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn canvases() -> impl Strategy<Value = Canvas> {
    (32_u32..=960, 32_u32..=960, 0_u32..=0xff_ffff).prop_map(|(width, height, colour)| {
        let canvas = Canvas::new(width * 2, height * 2).unwrap();
        canvas.with_background(Rgb::new(colour).unwrap())
    })
}

/// Few names, so that some are there twice and some are of somebody who is not.
fn members() -> impl Strategy<Value = Member> {
    ("[a-f]", any::<bool>()).prop_map(|(user, screen)| {
        if screen { Member::new(user).screen() } else { Member::new(user) }
    })
}

fn share(billionths: u32) -> Share {
    Share::from_billionths(billionths).unwrap()
}

/// Places in parts of the canvas, at least a sixteenth of it: more than 2 pixels of every canvas.
fn places() -> impl Strategy<Value = [u32; 4]> {
    let span = || (0_u32..=900_000_000, 62_500_000_u32..=1_000_000_000);
    (span(), span()).prop_map(|((x, w), (y, h))| {
        let within = |from: u32, length: u32| length.min(1_000_000_000 - from);
        [x, y, within(x, w), within(y, h)]
    })
}

fn panes() -> impl Strategy<Value = Pane> {
    (places(), 0_u8..4, any::<bool>(), prop::option::of(members()), 0_u32..=4).prop_map(
        |(place, z, whole, user, alpha)| {
            let mut pane = Pane::new(Area::Shares(place.map(share)), z);
            pane.fit = if whole { Fit::Inside } else { Fit::Crop };
            pane.user = user;
            pane.alpha = share(alpha * 250_000_000);
            pane.cut = (alpha == 1).then_some([2, 4, 640, 360]);
            pane
        },
    )
}

fn arrangements() -> impl Strategy<Value = Arrangement> {
    let template = (0..Template::ALL.len(), prop::option::of("[a-h]"))
        .prop_map(|(at, main)| Arrangement::Template { template: Template::ALL[at], main });
    prop_oneof![template, vec(panes(), 0..12).prop_map(Arrangement::Panes)]
}

fn layouts() -> impl Strategy<Value = Layout> {
    (canvases(), arrangements()).prop_map(|(canvas, arrangement)| Layout { canvas, arrangement })
}

fn resolved() -> impl Strategy<Value = Resolved> {
    (layouts(), vec(members(), 0..20)).prop_map(|(layout, users)| layout.resolve(&users).unwrap())
}

/// The panes without their numbers, in no order.
fn shapes(resolved: &Resolved) -> Vec<([u32; 4], u8, Option<Member>)> {
    let shape = |pane: &Placed| (pane.rect.numbers(), pane.z, pane.user.clone());
    let mut shapes: Vec<_> = resolved.panes().iter().map(shape).collect();
    shapes.sort();
    shapes
}

proptest! {
    #[test]
    fn panes_are_within_the_canvas_in_the_order_of_painting(resolved in resolved()) {
        let canvas = resolved.canvas;
        let mut numbers = BTreeSet::new();
        for pane in resolved.panes() {
            prop_assert!(!pane.rect.is_empty());
            prop_assert!(pane.rect.right() <= canvas.width());
            prop_assert!(pane.rect.bottom() <= canvas.height());
            prop_assert!(numbers.insert(pane.id), "two panes of number {}", pane.id);
        }
        let order: Vec<_> = resolved.panes().iter().map(|pane| (pane.z, pane.id)).collect();
        prop_assert!(order.is_sorted());
    }

    /// A template's user is shown once, and everybody is until it is full.
    #[test]
    fn templates_show_everybody_once(
        canvas in canvases(), at in 0..Template::ALL.len(), users in vec(members(), 0..30),
    ) {
        let arrangement = Arrangement::Template { template: Template::ALL[at], main: None };
        let resolved = Layout { canvas, arrangement }.resolve(&users).unwrap();
        let there: BTreeSet<_> = users.iter().collect();
        let shown: Vec<_> = resolved.panes().iter().filter_map(|pane| pane.user.as_ref()).collect();
        prop_assert_eq!(shown.len(), there.len().min(16));
        prop_assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len());
        prop_assert_eq!(resolved.panes().len(), shown.len());
    }

    /// Panes that name nobody take those who are named by none, in the order of joining.
    #[test]
    fn panes_are_filled_in_the_order_of_joining(
        canvas in canvases(), panes in vec(panes(), 0..12), users in vec(members(), 0..20),
    ) {
        let layout = Layout { canvas, arrangement: Arrangement::Panes(panes.clone()) };
        let resolved = layout.resolve(&users).unwrap();
        prop_assert_eq!(resolved.panes().len(), panes.len());
        let mut waiting: Vec<Member> = Vec::new();
        for user in &users {
            let named = panes.iter().any(|pane| pane.user.as_ref() == Some(user));
            if !named && !waiting.contains(user) {
                waiting.push(user.clone());
            }
        }
        let mut waiting = waiting.into_iter();
        for (id, pane) in panes.iter().enumerate() {
            let expected = match &pane.user {
                Some(named) if users.contains(named) => Some(named.clone()),
                Some(_) => None,
                None => waiting.next(),
            };
            let placed = resolved.panes().iter().find(|placed| usize::from(placed.id) == id);
            prop_assert_eq!(&placed.unwrap().user, &expected, "pane {}", id);
        }
    }

    /// Where everybody has a pane of their own, neither the order of joining nor that of the panes
    /// matters.
    #[test]
    fn the_order_of_equal_inputs_changes_nothing(
        canvas in canvases(), places in vec(places(), 1..8), by in 0_usize..8,
    ) {
        let pane = |(index, place): (usize, &[u32; 4])| {
            let z = u8::try_from(index).unwrap();
            let mut pane = Pane::new(Area::Shares(place.map(share)), z);
            pane.user = Some(Member::new(format!("user {index}")));
            pane
        };
        let mut panes: Vec<Pane> = places.iter().enumerate().map(pane).collect();
        let mut users: Vec<Member> = panes.iter().filter_map(|pane| pane.user.clone()).collect();
        let resolve = |panes: &[Pane], users: &[Member]| {
            let arrangement = Arrangement::Panes(panes.to_vec());
            Layout { canvas, arrangement }.resolve(users).unwrap()
        };
        let before = resolve(&panes, &users);
        users.rotate_left(by % places.len());
        prop_assert_eq!(&resolve(&panes, &users), &before);
        panes.rotate_right(by % places.len());
        prop_assert_eq!(shapes(&resolve(&panes, &users)), shapes(&before));
    }

    /// Of a canvas that is so many times as large every edge is there, but for what rounding to
    /// even pixels moves: at most one pixel on either canvas.
    #[test]
    fn a_larger_canvas_has_the_same_layout(
        width in 32_u32..=480, height in 32_u32..=480, arrangement in arrangements(),
        users in vec(members(), 0..20), by in 2_u32..=4,
    ) {
        let on = |canvas| Layout { canvas, arrangement: arrangement.clone() }.resolve(&users);
        let small = on(Canvas::new(width * 2, height * 2).unwrap()).unwrap();
        let large = on(Canvas::new(width * 2 * by, height * 2 * by).unwrap()).unwrap();
        prop_assert_eq!(small.panes().len(), large.panes().len());
        for (one, other) in small.panes().iter().zip(large.panes()) {
            prop_assert_eq!((one.id, one.z, &one.user), (other.id, other.z, &other.user));
            let edges = |rect: &Rect| {
                [rect.x, rect.y, rect.right(), rect.bottom()].map(Even::get)
            };
            for (a, b) in edges(&one.rect).into_iter().zip(edges(&other.rect)) {
                prop_assert!((a * by).abs_diff(b) <= by + 1, "{a} {b} {by}");
            }
        }
    }

    /// What is written as a document is the same layout again.
    #[test]
    fn a_resolved_layout_is_a_document(resolved in resolved()) {
        let text = resolved.to_document().to_string();
        // A document of panes has one at least.
        if !resolved.panes().is_empty() {
            let again = Document::from_json(text.as_bytes()).unwrap().resolve().unwrap();
            prop_assert_eq!(again, resolved);
        }
    }

    #[test]
    fn a_difference_makes_the_one_of_the_other(one in resolved(), other in resolved()) {
        let changes = one.diff(&other);
        prop_assert_eq!(&one.apply(&changes), &other);
        prop_assert_eq!(changes.is_empty(), one == other);
        prop_assert!(one.diff(&one).is_empty());
    }

    #[test]
    fn a_hit_is_on_the_uppermost_of_all_panes_there(
        resolved in resolved(), x in 0_u32..2000, y in 0_u32..2000,
    ) {
        let hits = resolved.panes().iter().filter(|pane| {
            let [left, top, width, height] = pane.rect.numbers();
            (left..left + width).contains(&x) && (top..top + height).contains(&y)
        });
        let uppermost = hits.max_by_key(|pane| (pane.z, pane.id));
        prop_assert_eq!(resolved.at(x, y), uppermost);
    }

    /// Panes that touch on the canvas touch in the player's box.
    #[test]
    fn a_players_box_has_no_gaps(
        canvas in canvases(), count in 1_usize..=16, width in 1_u32..3000, height in 1_u32..3000,
        fit in 0_usize..3,
    ) {
        let users: Vec<Member> = (0..count).map(|user| Member::new(user.to_string())).collect();
        let arrangement =
            Arrangement::Template { template: Template::Horizontal, main: None };
        let resolved = Layout { canvas, arrangement }.resolve(&users).unwrap();
        let player = PlayerBox::new(&canvas, width * 64, height * 64, ObjectFit::ALL[fit]);
        let places: Vec<_> =
            resolved.panes().iter().map(|pane| player.place(&pane.rect)).collect();
        for pair in places.windows(2) {
            prop_assert_eq!(pair[0].x + pair[0].width, pair[1].x);
            prop_assert_eq!((pair[0].y, pair[0].height), (pair[1].y, pair[1].height));
        }
        let whole = player.place(&canvas.rect());
        let last = places[count - 1];
        prop_assert_eq!((places[0].x, last.x + last.width), (whole.x, whole.x + whole.width));
        if ObjectFit::ALL[fit] == ObjectFit::Contain {
            prop_assert!(whole.x >= 0 && whole.y >= 0);
            prop_assert!(whole.width <= i64::from(width) * 64);
        }
    }
}
