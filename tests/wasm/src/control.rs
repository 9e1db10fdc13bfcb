//! What vendors' clients set and ask for: platforms, rooms, jobs, subscriptions, applications, relay
//! tasks and their addresses.

use livegate_core::config::alibaba::{EventSub, MAX_USERS, MpuSub, SentQuery, UrlCharacters};
use livegate_core::config::application::Application;
use livegate_core::config::{Absent, JobStart, Platform, Room, Violations};
use livegate_core::error::Coded;
use livegate_core::relay::{PushUrl, Task, jocloud, mpu};
use livegate_core::time::UnixMillis;
use serde_json::{Value, json};

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field].as_str().unwrap_or("")
}

fn pairs(vector: &Value, field: &str) -> Vec<(String, String)> {
    let params = vector[field].as_object().into_iter().flatten();
    params.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn said(outcome: Result<Value, Violations>) -> Value {
    match outcome {
        Ok(shown) => json!({ "shown": shown }),
        Err(violations) => {
            assert_eq!(violations.code().as_str(), "config.invalid");
            let wrong = violations
                .iter()
                .map(|wrong| json!({"path": wrong.path, "code": wrong.code().as_str()}))
                .collect::<Vec<_>>();
            json!({ "violations": wrong })
        }
    }
}

fn event_sub(sub: &EventSub) -> Value {
    let events: Vec<&str> = sub.events.iter().map(|event| event.as_str()).collect();
    json!({
        "app_id": sub.app_id, "channel": sub.channel, "users": sub.users, "events": events,
        "callback_url": sub.callback_url.as_str(),
    })
}

fn query(query: &SentQuery) -> Value {
    json!({
        "app_id": query.app_id, "subscription": query.subscription,
        "start": query.start.0, "end": query.end.0,
        "page": [query.page.number, query.page.size], "offset": query.page.offset(),
    })
}

pub(crate) fn object(vector: &Value) -> Value {
    let body = text(vector, "body").as_bytes();
    let before = vector["before"].as_str().map(str::as_bytes);
    let pairs = pairs(vector, "params");
    let params = &*pairs;
    let max_users = vector["max_users"].as_u64();
    let max_users = max_users.map_or(MAX_USERS, |max| usize::try_from(max).unwrap());
    said(match text(vector, "of") {
        "platform" => match before.map(|before| Platform::from_json(before).unwrap()) {
            Some(before) => before.update(body),
            None => Platform::from_json(body),
        }
        .map(|platform| platform.to_value()),
        "room" => match before.map(|before| Room::from_json(before).unwrap()) {
            Some(before) if vector["absent"] == "clears" => before.update(body, Absent::Clears),
            Some(before) => before.update(body, Absent::Stays),
            None => Room::from_json(body),
        }
        .map(|room| room.as_object().clone().into()),
        "job" => JobStart::from_json(body).map(|job| job.as_object().clone().into()),
        "application" => {
            Application::from_json(body).map(|application| application.as_object().clone().into())
        }
        "event_sub" => EventSub::create(params, max_users).map(|sub| event_sub(&sub)),
        "event_sub_update" => EventSub::update(params, max_users).map(|(id, sub)| {
            let mut shown = event_sub(&sub);
            shown["id"] = id.into();
            shown
        }),
        "mpu_sub" => {
            let listed = vector["characters"] == "as_listed";
            let characters = if listed { UrlCharacters::AsListed } else { UrlCharacters::Any };
            MpuSub::new(params, characters).map(|sub| {
                json!({
                    "app_id": sub.app_id, "callback_url": sub.callback_url.as_str(),
                    "channels": sub.channels,
                })
            })
        }
        "event_query" => SentQuery::events(params).map(|asked| query(&asked)),
        "record_query" => {
            let now = UnixMillis(vector["now"].as_u64().unwrap());
            SentQuery::records(params, now).map(|asked| query(&asked))
        }
        of => panic!("no object {of}"),
    })
}

fn told(task: Result<Task, Violations>) -> Value {
    let task = match task {
        Ok(task) => task,
        Err(violations) => return said(Err(violations)),
    };
    let mut shown = task.to_value();
    let reads_back = Task::from_value(&shown).as_ref() == Some(&task);
    shown.as_object_mut().unwrap().remove("request").unwrap();
    json!({"shown": shown, "detail": mpu::detail(&task), "reads_back": reads_back})
}

pub(crate) fn relay(vector: &Value) -> Value {
    let pairs = pairs(vector, "params");
    let params = &*pairs;
    match (text(vector, "call"), vector["body"].as_str()) {
        ("start", Some(body)) => {
            let names = vector["names"].as_array().into_iter().flatten();
            let names: Vec<(&str, &str)> =
                names.map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
            told(jocloud::start(body.as_bytes(), jocloud::Rules { names: &names }))
        }
        ("stop", Some(body)) => {
            said(jocloud::stop(body.as_bytes()).map(|(app, task)| json!([app, task])))
        }
        ("start", None) => told(mpu::start(params)),
        ("update", None) => {
            let before = self::pairs(vector, "before");
            told(mpu::update(&mpu::start(&*before).unwrap(), params))
        }
        ("stop", None) => said(mpu::task_of(params).map(|(app, task)| json!([app, task]))),
        ("sei", None) => {
            said(mpu::set_sei(params).map(|sei| json!([sei.app_id, sei.task_id, sei.custom])))
        }
        ("list", None) => said(mpu::list(params).map(|(app, wanted)| match wanted {
            mpu::Wanted::Task(id) => json!([app, id]),
            mpu::Wanted::Page(page) => json!([app, page.number, page.size]),
        })),
        (call, _) => panic!("no call {call}"),
    }
}

pub(crate) fn address(vector: &Value) -> Value {
    let urls = vector["urls"].as_array().unwrap().iter();
    let urls: Result<Vec<_>, _> = urls.map(|url| PushUrl::parse(url.as_str().unwrap())).collect();
    match urls {
        Ok(urls) => json!({"same": urls[0].identity() == urls[1].identity()}),
        Err(problem) => json!({"code": problem.code().as_str()}),
    }
}
