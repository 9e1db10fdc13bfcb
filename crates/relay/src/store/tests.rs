//! Stores in folders of their own: what was acknowledged is there, whatever happens in between.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use livegate_core::relay::Task;
use livegate_core::relay::lease::Epoch;
use livegate_core::relay::lifecycle::{TargetId, TaskState};
use livegate_core::relay::push::{Cause, PushState, Report};
use livegate_core::time::UnixMillis;
use serde_json::json;
use tempfile::TempDir;

use super::{Arrived, Change, Event, PutAside, Settled, Store, StoreError};
use crate::key::TaskKey;

const AT: UnixMillis = UnixMillis(1_700_000_000_000);
const URL: &str = "rtmp://push.example.com/live/key";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn task(id: &str) -> Task {
    let value = json!({
        "origin": "livegate", "id": id, "app_id": "app", "channel": "room", "targets": [URL],
        "single": {"user": "ann", "media": "both", "picture": "camera"},
        "sei": {"payload_type": 100},
        "failover": "stay", "exit": {}, "request": {},
    });
    Task::from_value(&value).unwrap()
}

fn begins(id: &str) -> Change {
    Change::Task { task: Box::new(task(id)), epoch: Some(Epoch(7)), began_at: AT }
}

fn key(id: &str) -> TaskKey {
    TaskKey::of(&task(id))
}

fn report(number: u64, state: PushState, cause: Option<Cause>) -> Report {
    Report::new(number, AT, state, cause, 2)
}

fn push(id: &str, target: u32, report: Report) -> Change {
    Change::Push { key: key(id), target: TargetId(target), url: URL.to_owned(), report }
}

fn event(channel: &str, id: &str) -> Change {
    Change::Event(Event {
        app: "app".to_owned(),
        channel: channel.to_owned(),
        body: json!({"id": id, "url": URL}).to_string(),
        id: id.to_owned(),
        at: AT,
    })
}

fn value(name: &str, value: Option<String>) -> Change {
    Change::Value { name: name.to_owned(), value }
}

fn settled(line: u64, up_to: u64) -> Settled {
    Settled {
        cursors: vec![("receiver".to_owned(), line, up_to)],
        free: vec![(line, up_to)],
        aside: Vec::new(),
    }
}

#[tokio::test]
async fn what_was_written_is_there_again() {
    let folder = folder();
    let (store, kept) = Store::open(folder.path()).unwrap();
    assert!(kept.tasks.is_empty() && kept.lines.is_empty() && kept.unreadable == 0);
    let addresses = |all: &[(&str, _)]| Change::Addresses {
        task: "t".to_owned(),
        all: all.iter().map(|(identity, rests)| ((*identity).to_owned(), *rests)).collect(),
    };
    let rests = UnixMillis(u64::MAX / 4);
    store
        .write(vec![
            begins("one"),
            begins("two"),
            Change::State(key("one"), TaskState::Running),
            push("one", 1, report(4, PushState::Connected, None)),
            push("two", 1, report(5, PushState::End, Some(Cause::Stopped))),
            event("room", "evt_1"),
            event("room", "evt_2"),
            event("other", "evt_3"),
            addresses(&[("a", None), ("e", None)]),
            Change::Addresses { task: "u".to_owned(), all: vec![("d".to_owned(), None)] },
            addresses(&[("a", None), ("b", Some(rests))]),
            value("host", Some("h1".to_owned())),
        ])
        .await
        .unwrap();
    let why = json!({"code": "push.stopped"});
    let ended = Change::Ended {
        key: key("two"),
        state: TaskState::StoppedByUser,
        at: AT,
        why: why.clone(),
    };
    store.keep(vec![ended, push("two", 1, report(6, PushState::Connected, None))]);
    store.close().await;

    let (_store, kept) = Store::open(folder.path()).unwrap();
    let [one] = &kept.tasks[..] else { panic!("{:?}", kept.tasks) };
    assert_eq!((&one.task, one.epoch, one.began_at), (&task("one"), Some(Epoch(7)), AT));
    assert_eq!(one.state, TaskState::Running);
    let [push] = &one.pushes[..] else { panic!("{:?}", one.pushes) };
    assert_eq!((push.id, push.url.as_str()), (TargetId(1), URL));
    assert_eq!(push.last, Some(report(4, PushState::Connected, None)));

    let [two] = &kept.ended[..] else { panic!("{:?}", kept.ended) };
    assert_eq!((&two.task, two.state, &two.why), (&task("two"), TaskState::StoppedByUser, &why));
    assert_eq!(two.pushes[0].last, Some(report(5, PushState::End, Some(Cause::Stopped))));

    let addresses: Vec<_> =
        kept.addresses.iter().map(|(identity, _, rests)| (identity.as_str(), *rests)).collect();
    assert_eq!(addresses, [("a", None), ("b", Some(rests)), ("d", None)]);
    let lines: Vec<_> =
        kept.lines.iter().map(|line| (line.channel.as_str(), line.first, line.last)).collect();
    assert_eq!(lines, [("room", 1, 2), ("other", 1, 1)]);
    assert_eq!(kept.values["host"], "h1");
    assert_eq!(kept.unreadable, 0);
}

#[tokio::test]
async fn a_task_that_is_changed_keeps_its_pushes_and_those_replaced_go() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    let replaced = |target| push("one", target, report(9, PushState::End, Some(Cause::Replaced)));
    let live = |target| push("one", target, report(1, PushState::Connecting, None));
    store.keep(vec![begins("one"), live(1), live(2), live(3)]);
    store.keep(vec![begins("one"), replaced(1), replaced(3), live(4), replaced(4)]);
    store.close().await;
    let (_store, kept) = Store::open(folder.path()).unwrap();
    let targets: Vec<_> = kept.tasks[0].pushes.iter().map(|push| push.id.0).collect();
    // The number 4 is not to be given again.
    assert_eq!(targets, [2, 4]);
}

#[tokio::test]
async fn the_newest_thousand_of_those_that_ended_are_kept() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    for number in 0..1_010 {
        let id = number.to_string();
        let ended = Change::Ended {
            key: key(&id),
            state: TaskState::Stopped,
            at: AT,
            why: json!("push.idle"),
        };
        store.keep(vec![begins(&id), ended]);
    }
    store.close().await;
    let (_store, kept) = Store::open(folder.path()).unwrap();
    assert_eq!(kept.ended.len(), 1_000);
    assert_eq!((&*kept.ended[0].task.id, &*kept.ended[999].task.id), ("10", "1009"));
}

#[tokio::test]
async fn events_go_when_all_have_them_and_a_line_that_is_empty_goes_too() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    store.write(vec![event("room", "a"), event("room", "b"), event("room", "c")]).await.unwrap();
    let arrived = store.arrived().await;
    let [line] = &arrived[..] else { panic!("{arrived:?}") };
    assert_eq!((&*line.app, &*line.channel, line.last), ("app", "room", 3));
    let number = line.line;

    let rows = store.mail(number, 2).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| (row.number, row.id.as_str())).collect();
    assert_eq!(ids, [(2, "b"), (3, "c")]);
    assert_eq!(store.older(UnixMillis(AT.0 + 1)).await.unwrap(), [(number, 3)]);
    assert_eq!(store.older(AT).await.unwrap(), []);

    let mut two = settled(number, 2);
    two.aside.push(PutAside {
        receiver: "receiver".to_owned(),
        line: number,
        number: 2,
        at: UnixMillis(AT.0 + 5),
        code: "delivery.refused",
    });
    assert!(store.settle(two).await.unwrap().is_empty());
    let aside = store.aside(None, None).await.unwrap();
    assert_eq!(
        (&*aside[0].id, &*aside[0].channel, &*aside[0].code),
        ("b", "room", "delivery.refused")
    );
    assert!(!aside[0].body.contains("/key"), "{}", aside[0].body);
    store.close().await;

    let (store, kept) = Store::open(folder.path()).unwrap();
    assert_eq!((kept.lines[0].first, kept.lines[0].last), (3, 3));
    assert_eq!(kept.lines[0].cursors, [("receiver".to_owned(), 2)]);
    assert_eq!(store.settle(settled(number, 3)).await.unwrap(), [number]);
    // The channel begins anew, on another line.
    store.write(vec![event("room", "d")]).await.unwrap();
    let arrived = store.arrived().await;
    assert!(arrived[0].line > number && arrived[0].last == 1);
}

#[tokio::test]
async fn what_one_application_has_aside_pushes_out_nothing_of_anothers() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    let of = |app: &str, id: String| match event("room", &id) {
        Change::Event(event) => Change::Event(Event { app: app.to_owned(), ..event }),
        other => other,
    };
    store.write(vec![of("quiet", "q".to_owned())]).await.unwrap();
    let many = (0..1_005).map(|count| of("loud", format!("l{count}")));
    store.write(many.collect()).await.unwrap();
    for Arrived { line, last, .. } in store.arrived().await {
        let aside = |number| PutAside {
            receiver: "receiver".to_owned(),
            line,
            number,
            at: AT,
            code: "delivery.refused",
        };
        let aside = (1..=last).map(aside).collect();
        store.settle(Settled { aside, ..settled(line, last) }).await.unwrap();
    }
    let ids = async |app| -> Vec<String> {
        let aside = store.aside(Some(app), None).await.unwrap();
        aside.into_iter().map(|one| one.id).collect()
    };
    assert_eq!(ids("quiet").await, ["q"]);
    let loud = ids("loud").await;
    assert_eq!((loud.len(), &*loud[0], &*loud[999]), (1_000, "l1004", "l5"));
    assert_eq!(store.aside(None, Some("q")).await.unwrap().len(), 1);
    assert!(store.aside(None, Some("l4")).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_hosts_never_share_a_folder() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    assert_eq!(Store::open(folder.path()).unwrap_err(), StoreError::Locked);
    let other = store.clone();
    store.close().await;
    assert_eq!(other.write(Vec::new()).await, Err(StoreError::Closed));
    assert!(Store::open(folder.path()).is_ok());
}

#[tokio::test]
async fn nobody_else_may_look_into_the_folder() {
    let parent = folder();
    let folder = parent.path().join("data");
    let (store, _) = Store::open(&folder).unwrap();
    store.write(vec![begins("one")]).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert!(files >= 3, "the database, its WAL and the lock");
    store.close().await;
    // What was made too open by somebody is closed again.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.join("host.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let _store = Store::open(&folder).unwrap();
    assert_eq!((mode(&folder), mode(&folder.join("host.db"))), (0o700, 0o600));
}

#[tokio::test]
async fn the_first_form_is_taken_on() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    store.write(vec![begins("one")]).await.unwrap();
    store.close().await;
    let db = rusqlite::Connection::open(folder.path().join("host.db")).unwrap();
    db.execute_batch(
        "ALTER TABLE tasks DROP COLUMN source_gone_at; DROP INDEX addresses_task;
         DROP INDEX aside_app; PRAGMA user_version = 1",
    )
    .unwrap();
    drop(db);
    let (store, kept) = Store::open(folder.path()).unwrap();
    assert_eq!((&kept.tasks[0].task, kept.tasks[0].source_gone_at), (&task("one"), None));
    store.write(vec![Change::SourceGone(key("one"), Some(AT))]).await.unwrap();
    store.close().await;
    let (_store, kept) = Store::open(folder.path()).unwrap();
    assert_eq!(kept.tasks[0].source_gone_at, Some(AT));
}

#[tokio::test]
async fn what_is_newer_or_no_store_is_not_touched() {
    let newer = folder();
    Store::open(newer.path()).unwrap().0.close().await;
    let db = rusqlite::Connection::open(newer.path().join("host.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    assert_eq!(Store::open(newer.path()).unwrap_err(), StoreError::Newer { found: 99 });

    let other = folder();
    let db = rusqlite::Connection::open(other.path().join("host.db")).unwrap();
    db.execute_batch("CREATE TABLE things (a)").unwrap();
    drop(db);
    assert_eq!(Store::open(other.path()).unwrap_err(), StoreError::Foreign);

    let text = folder();
    fs::write(text.path().join("host.db"), "no database at all, but long enough".repeat(40))
        .unwrap();
    assert_eq!(Store::open(text.path()).unwrap_err(), StoreError::Foreign);

    let file = folder();
    fs::write(file.path().join("data"), "").unwrap();
    let error = Store::open(&file.path().join("data")).unwrap_err();
    assert!(matches!(error, StoreError::Folder(_)), "{error:?}");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_back_no_other() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    store.write(vec![begins("one"), begins("two")]).await.unwrap();
    store.close().await;
    let db = rusqlite::Connection::open(folder.path().join("host.db")).unwrap();
    db.execute("UPDATE tasks SET task = '{}' WHERE id = 'one'", []).unwrap();
    drop(db);
    let (_store, kept) = Store::open(folder.path()).unwrap();
    assert_eq!((kept.tasks.len(), kept.unreadable), (1, 1));
    assert_eq!(kept.tasks[0].task.id, "two");
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_is_kept_comes_through_once_there_is_room() {
    let folder = folder();
    let (store, _) = Store::open_within(folder.path(), 64).unwrap();
    store.write(vec![event("room", "a")]).await.unwrap();
    let line = store.arrived().await[0].line;
    let large = || Some("x".repeat(30_000));
    let mut written = 0;
    let error = loop {
        match store.write(vec![value(&written.to_string(), large())]).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 64, "64 pages of 4 KiB are 256 KiB");
    };
    assert_eq!(error, StoreError::Full);
    assert_eq!(store.failing().unwrap().error, StoreError::Full);
    // All of a list or nothing.
    let list = vec![value("small", Some("x".to_owned())), value("large", large())];
    assert_eq!(store.write(list).await, Err(StoreError::Full));
    // The host's own changes wait, in their order, whatever others do.
    for number in 0..40 {
        store.keep(vec![event("kept", &format!("{number:04}{}", "y".repeat(4_000)))]);
    }
    assert_eq!(store.write(Vec::new()).await, Err(StoreError::Full));
    assert_eq!(store.waiting(), 40);
    // What was told goes all the same.
    assert_eq!(store.settle(settled(line, 1)).await.unwrap(), [line]);
    assert!(store.failing().is_some());
    store.close().await;

    // With more room all is well. What waited in memory went with its process.
    let (store, kept) = Store::open(folder.path()).unwrap();
    assert_eq!(kept.values.get("small"), None);
    assert!(kept.values.contains_key("0") && kept.lines.is_empty());
    assert_eq!(store.write(vec![value("large", large())]).await, Ok(()));
    assert_eq!(store.failing(), None);
}

#[tokio::test]
async fn what_is_kept_while_the_disk_fails_is_written_when_it_works_again() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    // Somebody else writes, and does not end: the database is busy.
    let other = rusqlite::Connection::open(folder.path().join("host.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = tokio::spawn(store.write(vec![value("answered", Some(String::new()))]));
    for id in ["a", "b", "c"] {
        store.keep(vec![event("room", id)]);
    }
    assert!(matches!(refused.await.unwrap(), Err(StoreError::Failed(_))));
    assert!(store.failing().is_some());
    other.execute_batch("COMMIT").unwrap();
    // Tried again by itself.
    let arrived = store.arrived().await;
    assert_eq!(arrived[0].last, 3);
    let rows = store.mail(arrived[0].line, 1).await.unwrap();
    assert_eq!(rows.iter().map(|row| &*row.id).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!((store.failing(), store.waiting()), (None, 0));
}

#[tokio::test]
async fn too_much_that_waits_is_refused() {
    let folder = folder();
    let (store, _) = Store::open(folder.path()).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("host.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..super::WAITING {
        store.keep(Vec::new());
    }
    assert_eq!(store.write(Vec::new()).await, Err(StoreError::Overloaded));
    other.execute_batch("COMMIT").unwrap();
    store.close().await;
}

/// What the child of the next test does: it writes, and says what is acknowledged.
#[tokio::test]
async fn a_child_that_writes() {
    let Some(folder) = std::env::var_os("LIVEGATE_STORE_CHILD") else { return };
    let (store, kept) = Store::open(Path::new(&folder)).unwrap();
    let mut number: u64 = kept.values.get("number").map_or(0, |text| text.parse().unwrap());
    loop {
        // Several at once, so that one kill meets many.
        let writes: Vec<_> = (1..=8)
            .map(|step| {
                let next = number + step;
                store.write(vec![
                    event("room", &next.to_string()),
                    value("number", Some(next.to_string())),
                ])
            })
            .collect();
        for write in writes {
            write.await.unwrap();
            number += 1;
            println!("written {number}");
        }
    }
}

#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost_by_a_kill() {
    let folder = folder();
    let mut acknowledged = 0;
    for round in 0..4_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::a_child_that_writes", "--nocapture"])
            .env("LIVEGATE_STORE_CHILD", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = acknowledged + 40 + round * 13;
        for line in lines.by_ref() {
            let line = line.unwrap();
            let Some((_, number)) = line.split_once("written ") else { continue };
            acknowledged = number.parse().unwrap();
            if acknowledged >= enough {
                break;
            }
        }
        // SIGKILL, while it goes on writing.
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            if let Some((_, number)) = line.unwrap().split_once("written ") {
                acknowledged = number.parse().unwrap_or(acknowledged);
            }
        }

        let (store, kept) = Store::open(folder.path()).unwrap();
        let kept_number: u64 = kept.values["number"].parse().unwrap();
        assert!(kept_number >= acknowledged, "{acknowledged} of {kept_number}");
        // Events and values of one list are there together, and in order.
        assert_eq!((kept.lines[0].first, kept.lines[0].last), (1, kept_number));
        let mut next = 1;
        while next <= kept_number {
            for row in store.mail(kept.lines[0].line, next).await.unwrap() {
                assert_eq!((row.number, row.id), (next, next.to_string()));
                next += 1;
            }
        }
        store.close().await;
        acknowledged = kept_number;
    }
}
