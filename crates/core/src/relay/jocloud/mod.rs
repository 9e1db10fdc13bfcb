//! Jocloud's relay tasks: the bodies of `startrtmp` and `stoprtmp`.
//!
//! What is documented of them is the outer object. The members of `mixconfig` are not, nor is the
//! body of `stoprtmp`: they have the names of the Thunder SDK's `TranscodingUser` by default, others
//! by [`Rules::names`], and what has no row here is kept as it was sent.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

mod call;

pub use self::call::{MAX_TASKS, Operation, Refusal, answer, route, same_app};

use super::address::PushUrl;
use super::lease::Failover;
use super::mix::{Encoding, Layout, Mix, Pane};
use super::sei::Sei;
use super::task::{Origin, Source, Subscription, Task};
use crate::config::table::{
    Chars, Form, Kind, Object, Rest, Shape, Walk, items, may, must, number, part, read, shape, text,
};
use crate::config::{LiveExitConfig, Problem, Violations};
use crate::layout::{self, Area, Fit, Share, Template};

/// The most bytes of a body.
pub const MAX_BODY: usize = 64 * 1024;

/// The most push addresses of a task.
pub const MAX_URLS: usize = 5;

/// The most users of a mix. The vendor documents none.
pub const MAX_INPUTS: usize = 64;

/// The longest id, in characters: the SDK's limit for a task's.
pub const MAX_ID_CHARS: usize = 64;

const ID: Kind = Kind::Text { max: MAX_ID_CHARS, of: Chars::Any };

const fn px(name: &'static str) -> crate::config::table::Row {
    may(name, Kind::Int { min: 0, max: 8192, unit: "pixels" })
}

const INPUT: Shape = Shape {
    rows: &[
        must("uid", ID),
        may("roomId", ID),
        px("layoutX"),
        px("layoutY"),
        px("layoutW"),
        px("layoutH"),
        may("zOrder", Kind::Int { min: 0, max: 100, unit: "" }),
        may("bCrop", Kind::Bool),
        px("cropX"),
        px("cropY"),
        px("cropW"),
        px("cropH"),
        may("alpha", Kind::Share),
    ],
    also: None,
    rest: Rest::Kept,
};

const OUTPUT: Shape = Shape {
    rows: &[
        px("width"),
        px("height"),
        may("fps", Kind::Int { min: 1, max: 60, unit: "frames a second" }),
        may("bitrate", Kind::Int { min: 1, max: 10_000, unit: "kbit/s" }),
    ],
    also: None,
    rest: Rest::Kept,
};

const MIX_CONFIG: Shape = Shape {
    rows: &[
        may("input", Kind::List { min: 0, max: MAX_INPUTS, of: &Kind::Object(&INPUT) }),
        must("output", Kind::Object(&OUTPUT)),
        may("templateid", Kind::Int { min: 1, max: 4, unit: "" }),
    ],
    also: None,
    rest: Rest::Kept,
};

/// Ids of applications have 64 bits; the one that is nearly the last is not given out.
const APP_ID: Kind = Kind::Int { min: 0, max: i64::MAX - 1, unit: "" };

const START: Shape = Shape {
    rows: &[
        must("appid", APP_ID),
        must("roomid", ID),
        must("rtmpurl", Kind::Text { max: 16_384, of: Chars::Any }),
        must("streamtype", Kind::Int { min: 1, max: 2, unit: "" }),
        may("taskid", Kind::Text { max: MAX_ID_CHARS, of: Chars::Word }),
        may("mixconfig", Kind::Object(&MIX_CONFIG)),
        may("uid", ID),
    ],
    also: None,
    rest: Rest::Kept,
};

const STOP: Shape = shape(&[
    must("appid", APP_ID),
    may("roomid", ID),
    may("taskid", Kind::Text { max: MAX_ID_CHARS, of: Chars::Word }),
    may("uid", ID),
]);

/// What the operator may set where the vendor is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules<'r> {
    /// Other names of members of `mixconfig`, its `input` and `output`, and of `stoprtmp`'s body: the
    /// one that is sent, and the one that this module has.
    pub names: &'r [(&'r str, &'r str)],
}

/// The names that this module has.
impl Default for Rules<'_> {
    fn default() -> Self {
        Self { names: &[] }
    }
}

/// Reads the body of `startrtmp`, which starts a task or changes the one of its id: it is all of
/// what the task becomes.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn start(body: &[u8], rules: Rules<'_>) -> Result<Task, Violations> {
    let mut sent = read(body, MAX_BODY)?;
    if let Some(config) = sent.get_mut("mixconfig") {
        rename(config, rules);
    }
    let mut walk = Walk::new(Form::Json);
    let kept = walk.object(&START, sent);
    let targets = targets(&kept, &mut walk);
    let mixed = number::<u8>(&kept, "streamtype") == Some(1);
    if mixed {
        walk.missing("taskid", kept.get("taskid").filter(|id| *id != ""));
        walk.missing("mixconfig", kept.get("mixconfig"));
        if let Some(config) = part(&kept, "mixconfig") {
            check_inputs(config, text(&kept, "roomid").unwrap_or(""), &mut walk);
        }
    } else if kept.contains_key("streamtype") {
        walk.missing("uid", kept.get("uid").filter(|uid| *uid != ""));
    }
    let source = if mixed {
        part(&kept, "mixconfig").and_then(mix).map(Source::Mix)
    } else {
        let uid = text(&kept, "uid").map(String::from);
        uid.map(|uid| Source::Single(Subscription::of(uid)))
    };
    match source {
        Some(source) => walk.settle(Task {
            origin: Origin::Jocloud,
            id: task_id(&kept).unwrap_or_default(),
            app_id: app_id(&kept),
            channel: String::from(text(&kept, "roomid").unwrap_or("")),
            targets,
            source,
            sei: Sei::default(),
            max_idle: None,
            region: None,
            pull: None,
            failover: Failover::Stay,
            exit: LiveExitConfig::default(),
            request: kept,
        }),
        None => Err(walk.refused()),
    }
}

/// Reads the body of `stoprtmp`: the application and the task's id. A task that relays one user
/// without an id of its own is named by room and user.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn stop(body: &[u8]) -> Result<(String, String), Violations> {
    stop_with(body, Rules::default())
}

/// As [`stop`], where the body's members have other names.
///
/// # Errors
/// [`Violations`]: all of them.
pub fn stop_with(body: &[u8], rules: Rules<'_>) -> Result<(String, String), Violations> {
    let mut sent = read(body, MAX_BODY)?;
    rename_members(&mut sent, rules);
    let mut walk = Walk::new(Form::Json);
    let kept = walk.object(&STOP, sent);
    let id = task_id(&kept);
    walk.missing("taskid", id.is_some().then_some(&Value::Null));
    walk.settle((app_id(&kept), id.unwrap_or_default()))
}

/// A task's own id, or that of one user's relay: `room/user`, with the room's own slashes encoded,
/// which no id of a task can be.
fn task_id(kept: &Object) -> Option<String> {
    let own = |name| text(kept, name).filter(|id| !id.is_empty());
    if let Some(id) = own("taskid") {
        return Some(String::from(id));
    }
    let room = own("roomid")?.replace('%', "%25").replace('/', "%2F");
    Some([&room, "/", own("uid")?].concat())
}

fn app_id(kept: &Object) -> String {
    number::<u64>(kept, "appid").map_or_else(String::new, |id| id.to_string())
}

/// Gives members the names that this module has.
fn rename(value: &mut Value, rules: Rules<'_>) {
    match value {
        Value::Object(object) => {
            rename_members(object, rules);
            for member in ["input", "output"] {
                if let Some(value) = object.get_mut(member) {
                    rename(value, rules);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| rename(item, rules)),
        _ => {}
    }
}

fn rename_members(object: &mut Object, rules: Rules<'_>) {
    for (sent, own) in rules.names {
        if let Some(value) = object.remove(*sent) {
            object.insert((*own).to_string(), value);
        }
    }
}

/// The push addresses: one to five, each of another stream.
fn targets(kept: &Object, walk: &mut Walk) -> Vec<PushUrl> {
    let Some(list) = text(kept, "rtmpurl") else { return Vec::new() };
    let count = list.split(',').count();
    if count > MAX_URLS {
        walk.report("rtmpurl", Problem::WrongCount { min: 1, max: MAX_URLS });
    }
    let mut urls: Vec<PushUrl> = Vec::new();
    for (index, text) in list.split(',').enumerate().take(MAX_URLS) {
        match PushUrl::parse(text.trim_matches(' ')) {
            Err(problem) => walk.report_item("rtmpurl", index, problem),
            Ok(url) if urls.iter().any(|before| before.identity() == url.identity()) => {
                walk.report_item("rtmpurl", index, Problem::Duplicate);
            }
            Ok(url) => urls.push(url),
        }
    }
    urls
}

/// Without a template every user has a place; with one all are of one room.
fn check_inputs(config: &Object, room: &str, walk: &mut Walk) {
    let inputs = items(config, "input");
    let template = config.contains_key("templateid") || walk.has_found("mixconfig.templateid");
    if !template && inputs.is_empty() {
        walk.missing("mixconfig.input", None);
    }
    for (index, input) in inputs.iter().enumerate() {
        let Some(input) = input.as_object() else { continue };
        let at = |name: &str| ["mixconfig.input[", &index.to_string(), "].", name].concat();
        if template {
            if text(input, "roomId").is_some_and(|own| !own.is_empty() && own != room) {
                walk.report(&at("roomId"), Problem::Unmatched { with: "roomid" });
            }
            continue;
        }
        for name in ["layoutX", "layoutY", "layoutW", "layoutH"] {
            walk.missing(&at(name), input.get(name));
        }
    }
}

/// The mix; `None` where something was found to be wrong.
fn mix(config: &Object) -> Option<Mix> {
    let inputs = items(config, "input");
    let users = inputs.iter().map(|input| user(input.as_object()?)).collect::<Option<Vec<_>>>()?;
    let layout = if let Some(number) = number::<usize>(config, "templateid") {
        Layout::Template(*Template::ALL.get(number.checked_sub(1)?)?)
    } else {
        let panes = inputs.iter().map(|input| pane(input.as_object()?));
        Layout::Panes(panes.collect::<Option<_>>()?)
    };
    let output = part(config, "output")?;
    let encoding = Encoding::of(
        |name| number(output, if name == "video_kbps" { "bitrate" } else { name }),
        None,
        None,
        None,
    );
    Some(Mix { users, layout, encoding, background: None })
}

fn user(input: &Object) -> Option<Subscription> {
    let mut own = Subscription::of(String::from(text(input, "uid")?));
    own.channel = text(input, "roomId").filter(|room| !room.is_empty()).map(String::from);
    Some(own)
}

fn pane(input: &Object) -> Option<Pane> {
    let four = |names: [&str; 4]| {
        let [x, y, w, h] = names.map(|name| number(input, name));
        Some([x?, y?, w?, h?])
    };
    let area = Area::Pixels(four(["layoutX", "layoutY", "layoutW", "layoutH"])?);
    let mut place = layout::Pane::new(area, number(input, "zOrder").unwrap_or(0));
    place.user = Some(user(input)?.member());
    if input.get("bCrop").and_then(Value::as_bool) == Some(false) {
        place.fit = Fit::Inside;
    }
    place.cut = four(["cropX", "cropY", "cropW", "cropH"]);
    place.alpha = text(input, "alpha").and_then(Share::parse).unwrap_or(Share::WHOLE);
    Some(Pane { place, image: None })
}
