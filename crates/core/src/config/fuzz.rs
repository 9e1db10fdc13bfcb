//! The fuzz target's body: what must hold for any configuration and any relay task at all.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::alibaba::{EventSub, MAX_USERS, MpuSub, SentQuery, UrlCharacters};
use super::application::Application;
use super::{
    Absent, JobStart, LiveCommand, Platform, Room, UserConfig, UserConfigUpdate, Violations,
};
use crate::relay::derived::RoomStream;
use crate::relay::link::{FleetSays, FromHost};
use crate::relay::{Task, jocloud, mpu, native};
use crate::time::UnixMillis;

/// Reads `data` as every body and as the parameters of every call, and reads back what is shown.
///
/// # Panics
/// If something does not hold: that is the finding.
pub fn fuzz(data: &[u8]) {
    if let Some(update) = fine(UserConfigUpdate::from_json(data)) {
        let after = update.apply(&UserConfig::default());
        assert!(update.apply(&after) == after, "the same change twice is one change");
        let shown = serde_json::to_vec(&after).unwrap_or_default();
        assert!(UserConfig::from_json(&shown).as_ref() == Ok(&after), "it reads back");
    }
    if let Some(platform) = fine(Platform::from_json(data)) {
        let shown = platform.to_value();
        let again = |read: Result<Platform, _>| read.is_ok_and(|again| again.to_value() == shown);
        assert!(again(Platform::from_json(&written(&shown))), "a platform reads back");
        assert!(again(platform.update(&written(&shown))), "it stays what it is");
    }
    if let Some(room) = fine(Room::from_json(data)) {
        let shown = written(&room.as_object().clone().into());
        assert!(Room::from_json(&shown).as_ref() == Ok(&room), "a room reads back");
        assert!(room.update(&shown, Absent::Stays).as_ref() == Ok(&room), "it stays what it is");
        let _ = (room.outputs(), room.live_exit(), room.callback(), room.platform_live());
    }
    if let Some(job) = fine(JobStart::from_json(data)) {
        let shown = written(&job.as_object().clone().into());
        assert!(JobStart::from_json(&shown).as_ref() == Ok(&job), "a job reads back");
    }
    fine(LiveCommand::from_json(data));
    fine(RoomStream::from_json(data));
    if let Some(application) = fine(Application::from_json(data)) {
        let shown = written(&application.as_object().clone().into());
        assert!(Application::from_json(&shown).as_ref() == Ok(&application), "it reads back");
    }
    if let Some(task) = fine(jocloud::start(data, jocloud::Rules::default())) {
        kept(&task);
    }
    fine(jocloud::stop(data));
    if let Some(task) = fine(native::start(data)) {
        kept(&task);
        assert!(native::start(&written(&native::show(&task))) == Ok(task), "it can be sent again");
    }
    fine(native::set_sei(data));
    calls(data);
    if let Ok(text) = core::str::from_utf8(data) {
        if let Ok(said) = FromHost::read(text) {
            assert!(FromHost::read(&said.write()) == Ok(said), "what a host says reads back");
        }
        if let Ok(said) = FleetSays::read(text) {
            assert!(FleetSays::read(&said.write()) == Ok(said), "what a fleet says reads back");
        }
    }
}

fn calls(data: &[u8]) {
    let Ok(Value::Object(object)) = serde_json::from_slice(data) else { return };
    let pairs: Vec<(String, String)> = object
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => (name, text),
            value => (name, alloc::format!("{value}")),
        })
        .collect();
    let params = &*pairs;
    if let Some(task) = fine(mpu::start(params)) {
        kept(&task);
        // The same again changes nothing.
        if let Some(again) = fine(mpu::update(&task, params)) {
            assert!(again.source == task.source && again.sei == task.sei, "it stays what it is");
        }
    }
    fine(mpu::task_of(params));
    fine(mpu::set_sei(params));
    fine(mpu::list(params));
    fine(EventSub::create(params, MAX_USERS));
    fine(EventSub::update(params, MAX_USERS));
    fine(MpuSub::new(params, UrlCharacters::AsListed));
    fine(SentQuery::events(params));
    fine(SentQuery::records(params, UnixMillis(1_725_928_200_000)));
}

fn kept(task: &Task) {
    assert!(Task::from_value(&task.to_value()).as_ref() == Some(task), "a task reads back");
    let _ = mpu::detail(task);
}

fn written(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// What was read, or nothing; then there is a reason, and each is told once.
fn fine<T>(read: Result<T, Violations>) -> Option<T> {
    let violations = match read {
        Ok(read) => return Some(read),
        Err(violations) => violations,
    };
    let mut seen = alloc::collections::BTreeSet::new();
    for violation in &violations {
        assert!(violation.code().is_well_formed());
        let new = seen.insert((violation.path.clone(), violation.code()));
        assert!(new, "every violation is listed once");
    }
    assert!(!seen.is_empty(), "a refusal has a reason");
    None
}
