//! A layout as a JSON document that people write: docs/spec/layout.md §7.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::px::{MAX_SIDE, MIN_SIDE};
use super::resolve::Resolved;
use super::share::Share;
use super::template::Template;
use super::{
    Area, Arrangement, Canvas, Fit, Layout, LayoutError, MAX_NAME_CHARS, MAX_PANES, Member, Pane,
    Picture, Rgb,
};
use crate::config::table::{
    Chars, Form, Kind, Object, Rest, Row, Shape, Walk, items, may, must, number, part, read, text,
};
use crate::config::{Problem, Violations};

/// The most bytes of a document. Of 64 panes with the longest names, each of them twice and all of it
/// escaped (6 bytes a character), 192 KiB are names; the numbers have the rest.
pub const MAX_BODY: usize = 256 * 1024;

/// The most users who can be there.
pub const MAX_USERS: usize = 64;

const NAME: Kind = Kind::Text { max: MAX_NAME_CHARS, of: Chars::Any };

const fn strict(rows: &'static [Row]) -> Shape {
    Shape { rows, also: None, rest: Rest::Refused }
}

const fn px(name: &'static str) -> Row {
    may(name, Kind::Int { min: 0, max: MAX_SIDE as i64, unit: "pixels" })
}

const SIDE: Kind = Kind::Int { min: MIN_SIDE as i64, max: MAX_SIDE as i64, unit: "pixels" };

const CANVAS: Shape = strict(&[
    must("width", SIDE),
    must("height", SIDE),
    may("background", Kind::Text { max: 7, of: Chars::Any }),
]);

const PANE: Shape = strict(&[
    may("x", Kind::Share),
    may("y", Kind::Share),
    may("width", Kind::Share),
    may("height", Kind::Share),
    px("x_px"),
    px("y_px"),
    px("width_px"),
    px("height_px"),
    may("z", Kind::Int { min: 0, max: u8::MAX as i64, unit: "" }),
    may("fit", Kind::Name(Fit::NAMES)),
    may("user", NAME),
    may("picture", Kind::Name(Picture::NAMES)),
    may(
        "cut",
        Kind::List { min: 4, max: 4, of: &Kind::Int { min: 0, max: 65_535, unit: "pixels" } },
    ),
    may("alpha", Kind::Share),
]);

const USERS: Kind = Kind::List { min: 0, max: MAX_USERS, of: &NAME };

const DOCUMENT: Shape = strict(&[
    must("canvas", Kind::Object(&CANVAS)),
    may("template", Kind::Name(Template::NAMES)),
    may("main", NAME),
    may("panes", Kind::List { min: 0, max: MAX_PANES, of: &Kind::Object(&PANE) }),
    may("users", USERS),
    may("screens", USERS),
]);

const SHARES: [&str; 4] = ["x", "y", "width", "height"];
const PIXELS: [&str; 4] = ["x_px", "y_px", "width_px", "height_px"];

/// A layout and those who are there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// What is wanted.
    pub layout: Layout,
    /// Who is there, in the order of joining.
    pub members: Vec<Member>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Violations`]: all of them, what is wrong with the places of panes included.
    pub fn from_json(body: &[u8]) -> Result<Self, Violations> {
        let sent = read(body, MAX_BODY)?;
        let mut walk = Walk::new(Form::Json);
        let kept = walk.object(&DOCUMENT, sent);
        let canvas = part(&kept, "canvas").and_then(|own| canvas(own, &mut walk));
        if kept.contains_key("template") {
            if kept.contains_key("panes") {
                walk.report("panes", Problem::Excluded { by: "template" });
            }
        } else if !walk.has_found("template") {
            walk.missing("panes", kept.get("panes"));
            if kept.contains_key("main") {
                walk.report("main", Problem::Unmatched { with: "a template" });
            }
        }
        named(text(&kept, "main"), "main", &mut walk);
        let mut panes = Vec::new();
        for (index, own) in items(&kept, "panes").iter().enumerate() {
            let at = ["panes[", &index.to_string(), "]"].concat();
            let Some(own) = own.as_object() else { continue };
            let Some(pane) = pane(own, &at, &mut walk) else { continue };
            if let Some(Err(error)) = canvas.map(|canvas| pane.area.on(&canvas)) {
                walk.report(&at, Problem::Layout(error));
            }
            panes.push(pane);
        }
        let arrangement = match text(&kept, "template").and_then(Template::from_name) {
            Some(template) => {
                let main = text(&kept, "main").map(String::from);
                Arrangement::Template { template, main }
            }
            None => Arrangement::Panes(panes),
        };
        let mut there = |name, of: fn(Member) -> Member| {
            let mut members = Vec::new();
            for (index, user) in items(&kept, name).iter().enumerate() {
                let Some(user) = user.as_str() else { continue };
                if user.is_empty() {
                    walk.report_item(name, index, Problem::Missing);
                }
                members.push(of(Member::new(user)));
            }
            members
        };
        let members = [there("users", |own| own), there("screens", Member::screen)].concat();
        match canvas {
            Some(canvas) => walk.settle(Self { layout: Layout { canvas, arrangement }, members }),
            None => Err(walk.refused()),
        }
    }

    /// Who is where.
    ///
    /// # Errors
    /// None for a document that was read, as its panes were looked at then.
    pub fn resolve(&self) -> Result<Resolved, Violations> {
        self.layout.resolve(&self.members)
    }
}

impl Resolved {
    /// As a document that has every pane in its place, and everybody who is shown: it resolves to the
    /// same again if the panes' numbers leave none out, everybody is of the stream's channel, and names
    /// have 1 to [`MAX_NAME_CHARS`] characters.
    pub fn to_document(&self) -> Value {
        let mut panes: Vec<_> = self.panes().iter().collect();
        panes.sort_by_key(|pane| pane.id);
        let (mut users, mut screens) = (Vec::new(), Vec::new());
        let mut rows = Vec::new();
        for pane in panes {
            let mut row = Object::new();
            for (name, number) in PIXELS.into_iter().zip(pane.rect.numbers()) {
                row.insert(name.to_string(), number.into());
            }
            row.insert("z".to_string(), pane.z.into());
            row.insert("fit".to_string(), pane.fit.as_str().into());
            if let Some(member) = &pane.user {
                let list =
                    if member.picture == Picture::Screen { &mut screens } else { &mut users };
                if !list.contains(&member.user) {
                    list.push(member.user.clone());
                }
                row.insert("user".to_string(), (&*member.user).into());
                row.insert("picture".to_string(), member.picture.as_str().into());
            }
            if let Some(cut) = pane.cut {
                row.insert("cut".to_string(), cut.to_vec().into());
            }
            if pane.alpha != Share::WHOLE {
                row.insert("alpha".to_string(), pane.alpha.to_string().into());
            }
            rows.push(Value::from(row));
        }
        let canvas = self.canvas;
        json!({
            "canvas": {
                "width": canvas.width().get(),
                "height": canvas.height().get(),
                "background": canvas.background.to_string(),
            },
            "panes": rows,
            "users": users,
            "screens": screens,
        })
    }
}

/// Reports a name of nothing: it is nobody's.
fn named(name: Option<&str>, path: &str, walk: &mut Walk) {
    if name == Some("") {
        walk.report(path, Problem::Missing);
    }
}

/// The canvas, if its sides are within their limits; else that was reported.
fn canvas(own: &Object, walk: &mut Walk) -> Option<Canvas> {
    let mut background = Rgb::BLACK;
    if let Some(text) = text(own, "background") {
        match Rgb::parse(text) {
            Some(colour) => background = colour,
            None => walk.report("canvas.background", Problem::Characters { allowed: "#RRGGBB" }),
        }
    }
    let mut is_even = true;
    for (name, path) in [("width", "canvas.width"), ("height", "canvas.height")] {
        if number::<u32>(own, name).is_some_and(|side| side % 2 != 0) {
            walk.report(path, Problem::Layout(LayoutError::OddSide));
            is_even = false;
        }
    }
    let (width, height) = (number(own, "width")?, number(own, "height")?);
    let canvas = if is_even { Canvas::new(width, height).ok() } else { None };
    canvas.map(|canvas| canvas.with_background(background))
}

/// A pane, if its place can be read; else it was reported why not.
fn pane(own: &Object, at: &str, walk: &mut Walk) -> Option<Pane> {
    let path = |name: &str| [at, ".", name].concat();
    named(text(own, "user"), &path("user"), walk);
    if !own.contains_key("user") && own.contains_key("picture") && !walk.has_found(&path("user")) {
        walk.report(&path("picture"), Problem::Unmatched { with: "user" });
    }
    let is_sent = |name: &&str| own.contains_key(*name) || walk.has_found(&path(name));
    let has_pixels = PIXELS.iter().any(is_sent);
    let names = if has_pixels { PIXELS } else { SHARES };
    if has_pixels {
        for name in SHARES.iter().filter(|name| own.contains_key(**name)) {
            walk.report(&path(name), Problem::Excluded { by: "pixels" });
        }
    }
    for name in names {
        walk.missing(&path(name), own.get(name));
    }
    let share = |name| Share::parse(text(own, name)?);
    let area = if has_pixels {
        let [x, y, w, h] = PIXELS.map(|name| number(own, name));
        Area::Pixels([x?, y?, w?, h?])
    } else {
        let [x, y, w, h] = SHARES.map(share);
        Area::Shares([x?, y?, w?, h?])
    };
    let mut pane = Pane::new(area, number(own, "z").unwrap_or(0));
    pane.fit = text(own, "fit").and_then(Fit::from_name).unwrap_or(Fit::Crop);
    let is_screen = text(own, "picture") == Some(Picture::Screen.as_str());
    pane.user = text(own, "user").map(|user| {
        let member = Member::new(user);
        if is_screen { member.screen() } else { member }
    });
    let cut: Option<Vec<u32>> = items(own, "cut")
        .iter()
        .map(|number| number.as_u64().and_then(|number| u32::try_from(number).ok()))
        .collect();
    pane.cut = cut.and_then(|cut| cut.try_into().ok());
    if let Some([_, _, width, height]) = pane.cut
        && (width == 0 || height == 0)
    {
        walk.report(&path("cut"), Problem::Layout(LayoutError::TooSmall));
    }
    pane.alpha = share("alpha").unwrap_or(Share::WHOLE);
    Some(pane)
}
