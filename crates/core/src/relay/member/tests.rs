//! A host under a gateway, step by step.

use super::{Member, Name, Output, Row, Seen};
use crate::layout::Picture;
use crate::relay::lease::{Epoch, Grant};
use crate::relay::lifecycle::TaskState;
use crate::relay::link::{
    Callback, Capacity, Command, FleetSays, FromHost, HostRefused, HostSays, LinkError,
    LinkSettings, Load, MAX_MESSAGE, Published, PushReport, Start, Tenure, Welcome, close,
};
use crate::relay::native;
use crate::relay::push::{Cause, PushState};
use crate::relay::task::{Origin, Task};
use crate::time::{Millis, UnixMillis};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::ToString as _;
use std::vec;
use std::vec::Vec;

const LEASE: Millis = Millis(15_000);

fn task() -> Task {
    let body = br#"{"app_id":"live","id":"t1","channel":"room","user":"ann",
        "targets":["rtmp://push.example.com/live/key"]}"#;
    native::start(body).unwrap()
}

fn name() -> Name {
    Name::new(Origin::Livegate, "live".into(), "t1".into())
}

fn at(ms: u64) -> UnixMillis {
    UnixMillis(1_700_000_000_000 + ms)
}

fn drain(member: &mut Member) -> Vec<Output> {
    core::iter::from_fn(|| member.poll()).collect()
}

fn said(outputs: Vec<Output>) -> Vec<HostSays> {
    let said = outputs.into_iter().filter_map(|output| match output {
        Output::Say(text) => Some(FromHost::read(&text).unwrap().says),
        _ => None,
    });
    said.collect()
}

fn tenure(epoch: u64) -> Tenure {
    Tenure::new("k1".to_string(), Epoch(epoch))
}

fn welcome() -> Welcome {
    let callback = Callback::new("https://gate.example.com/in/src_1".into(), "whsec_x".into());
    Welcome::new("edge-1".to_string(), LinkSettings::default(), callback)
}

fn start(epoch: u64, answers: u64, lease: Option<Millis>) -> FleetSays {
    let grant = Grant { epoch: Epoch(epoch), lease };
    FleetSays::Start(Command::new(7, Start::new("k1".to_string(), 1, grant, answers, task())))
}

fn member(rows: Vec<Row>) -> Member {
    Member::new("i1".to_string(), "0".to_string(), Capacity::of(100), rows)
}

/// A member that was welcomed at 0 ms; its hello was number 1.
fn welcomed() -> Member {
    let mut member = member(Vec::new());
    member.connected(at(0));
    assert!(matches!(said(drain(&mut member))[..], [HostSays::Hello(_)]));
    member.hears(FleetSays::Welcome(welcome()), at(10));
    assert!(matches!(drain(&mut member)[..], [Output::Deliver(_)]));
    member
}

#[test]
fn a_task_starts_is_seen_and_ends() {
    let mut member = welcomed();
    member.hears(start(1, 1, None), at(20));
    let outputs = drain(&mut member);
    let row = Row::new("k1".to_string(), Epoch(1), 1, name(), false);
    let expected = Output::Start { command: 7, epoch: Epoch(1), task: Box::new(task()) };
    assert_eq!(outputs, [Output::Keep("k1".to_string(), Some(row)), expected]);
    member.done(7, None, at(30));
    assert_eq!(said(drain(&mut member)), [HostSays::Done { command: 7, refused: None }]);

    member.see(&name(), Seen::new(TaskState::Running), at(40));
    member.tick(at(40));
    let says = said(drain(&mut member));
    let [HostSays::Status { tasks, .. }] = &says[..] else { panic!("{says:?}") };
    assert_eq!((tasks[0].state, tasks[0].revision), (TaskState::Running, 1));
    // The same again is no news.
    member.see(&name(), Seen::new(TaskState::Running), at(50));
    member.tick(at(50));
    assert_eq!(drain(&mut member), []);

    member.hears(FleetSays::Stop(Command::new(8, tenure(1))), at(60));
    assert_eq!(drain(&mut member), [Output::Stop(name(), Cause::Stopped)]);
    let over = Seen { is_over: true, ..Seen::new(TaskState::StoppedByUser) };
    member.see(&name(), over, at(70));
    assert!(matches!(said(drain(&mut member))[..], [HostSays::Ended(_)]));
    member.hears(FleetSays::Forget { keys: vec!["k1".to_string()] }, at(80));
    assert_eq!(drain(&mut member), [Output::Keep("k1".to_string(), None)]);
}

#[test]
fn what_cannot_be_started_is_not_the_hosts_and_what_cannot_be_changed_goes_on() {
    let mut member = welcomed();
    member.hears(start(1, 1, None), at(20));
    drain(&mut member);
    member.not_started(&name());
    assert_eq!(drain(&mut member), [Output::Keep("k1".to_string(), None)]);
    assert_eq!(member.names().count(), 0);

    member.hears(start(2, 1, None), at(30));
    drain(&mut member);
    member.see(&name(), Seen::new(TaskState::Running), at(40));
    let grant = Grant { epoch: Epoch(2), lease: None };
    let change = Start::new("k1".to_string(), 2, grant, 1, task());
    member.hears(FleetSays::Start(Command::new(9, change)), at(50));
    drain(&mut member);
    member.not_started(&name());
    let row = Row::new("k1".to_string(), Epoch(2), 1, name(), false);
    assert_eq!(drain(&mut member), [Output::Keep("k1".to_string(), Some(row))]);
    assert_eq!(member.names().count(), 1);
}

#[test]
fn a_stop_of_what_is_not_there_is_answered() {
    let mut member = welcomed();
    member.hears(FleetSays::Stop(Command::new(1, tenure(4))), at(20));
    let says = said(drain(&mut member));
    let [HostSays::Ended(report)] = &says[..] else { panic!("{says:?}") };
    assert_eq!(report.tenure, tenure(4));
}

#[test]
fn a_lease_counts_from_what_was_sent_and_is_renewed() {
    let mut member = welcomed();
    // The hello, number 1, was sent at 0: the lease ends 15 s after that.
    member.hears(start(1, 1, Some(LEASE)), at(2_000));
    let _ = drain(&mut member);
    member.tick(at(3_000));
    let says = said(drain(&mut member));
    assert!(
        matches!(&says[..], [HostSays::Status { .. }, HostSays::Renew { tasks }] if *tasks == [tenure(1)])
    );
    // Number 3, sent at 3 s, is answered: it ends at 18 s.
    let granted =
        FleetSays::Granted { answers: 3, lease: LEASE, tasks: vec![tenure(1)], fenced: Vec::new() };
    member.hears(granted, at(3_100));
    member.disconnected(None);
    member.tick(at(17_999));
    assert_eq!(drain(&mut member), []);
    assert_eq!(member.wake_at(), Some(at(18_000)));
    member.tick(at(18_000));
    assert_eq!(drain(&mut member), [Output::Stop(name(), Cause::LeaseLost)]);
    member.tick(at(18_001));
    assert_eq!(drain(&mut member), []);
}

#[test]
fn a_lease_that_answers_what_is_not_known_has_run_out() {
    let mut member = welcomed();
    member.hears(start(1, 999, Some(LEASE)), at(20));
    let _ = drain(&mut member);
    member.tick(at(20));
    assert!(drain(&mut member).contains(&Output::Stop(name(), Cause::LeaseLost)));
}

#[test]
fn a_task_without_a_lease_survives_any_silence() {
    let mut member = welcomed();
    member.hears(start(1, 1, None), at(20));
    let _ = drain(&mut member);
    member.disconnected(None);
    member.tick(at(10_000_000_000));
    assert_eq!(drain(&mut member), []);
}

#[test]
fn a_fenced_task_stops() {
    let mut member = welcomed();
    member.hears(start(1, 1, Some(LEASE)), at(20));
    let _ = drain(&mut member);
    let fenced = vec!["k1".to_string()];
    let granted = FleetSays::Granted { answers: 1, lease: LEASE, tasks: Vec::new(), fenced };
    member.hears(granted, at(30));
    assert_eq!(drain(&mut member), [Output::Stop(name(), Cause::LeaseLost)]);
}

#[test]
fn after_a_restart_what_had_a_lease_has_ended_and_the_rest_goes_on() {
    let other = Name::new(Origin::Livegate, "live".into(), "t2".into());
    let leased = Row::new("k1".to_string(), Epoch(3), 1, name(), true);
    let stays = Row::new("k2".to_string(), Epoch(1), 4, other.clone(), false);
    let mut member = member(vec![leased, stays]);
    assert_eq!(drain(&mut member), [Output::Stop(name(), Cause::LeaseLost)]);
    let over = Seen { is_over: true, ..Seen::new(TaskState::Stopped) };
    member.see(&name(), over, at(0));
    member.see(&other, Seen::new(TaskState::Running), at(0));
    member.connected(at(10));
    let says = said(drain(&mut member));
    let [HostSays::Hello(hello)] = &says[..] else { panic!("{says:?}") };
    let states: Vec<_> = hello.tasks.iter().map(|task| (task.state, task.revision)).collect();
    assert_eq!(states, [(TaskState::Stopped, 1), (TaskState::Running, 4)]);
}

#[test]
fn what_ended_while_nobody_listened_is_said_after_the_welcome() {
    let mut member = welcomed();
    member.hears(start(1, 1, None), at(20));
    let _ = drain(&mut member);
    member.disconnected(None);
    let over = Seen { is_over: true, ..Seen::new(TaskState::Stopped) };
    member.see(&name(), over, at(30));
    assert_eq!(drain(&mut member), []);
    member.connected(at(40));
    let _ = drain(&mut member);
    member.hears(FleetSays::Welcome(welcome()), at(50));
    assert!(matches!(said(drain(&mut member))[..], [HostSays::Ended(_)]));
}

#[test]
fn an_older_start_does_not_replace_a_newer_one() {
    let mut member = welcomed();
    member.hears(start(2, 1, None), at(20));
    let _ = drain(&mut member);
    member.hears(start(1, 1, None), at(30));
    assert_eq!(drain(&mut member), []);
}

#[test]
fn a_host_that_is_not_wanted_stops_everything() {
    for (code, refused) in
        [(close::TAKEN, HostRefused::Taken), (close::DELETED, HostRefused::Deleted)]
    {
        let mut member = welcomed();
        member.hears(start(1, 1, None), at(20));
        let _ = drain(&mut member);
        member.disconnected(Some(code));
        let expected = [Output::Stop(name(), Cause::LeaseLost), Output::Leave(refused)];
        assert_eq!(drain(&mut member), expected);
    }
}

#[test]
fn streams_are_said_when_they_come_and_go() {
    let mut member = welcomed();
    let stream = Published::new("live".into(), "room".into(), "ann".into(), Picture::Camera);
    member.look(BTreeSet::from([stream.clone()]), Load::new(1, 20));
    member.tick(at(20));
    let says = said(drain(&mut member));
    assert_eq!(says, [HostSays::Streams { came: vec![stream.clone()], gone: Vec::new() }]);
    member.look(BTreeSet::new(), Load::new(0, 10));
    member.tick(at(30));
    let says = said(drain(&mut member));
    assert_eq!(says, [HostSays::Streams { came: Vec::new(), gone: vec![stream] }]);
}

#[test]
fn a_status_is_said_every_so_often() {
    let mut member = welcomed();
    // The hello was said at 0; status_ms is 5,000.
    assert_eq!(member.wake_at(), Some(at(5_000)));
    member.tick(at(4_999));
    assert_eq!(drain(&mut member), []);
    member.tick(at(5_000));
    assert!(matches!(said(drain(&mut member))[..], [HostSays::Status { .. }]));
}

/// A host with as many pushes as one may have, each to the longest address, and as many streams as
/// there may be connections, each of the longest names: some eight times what a message may have.
#[test]
fn what_one_message_has_no_room_for_is_told_in_several() {
    let count = 2_000_u32;
    let own = |n: u32| Name::new(Origin::Livegate, "live".into(), n.to_string());
    let key = |n: u32| alloc::format!("{n:032x}");
    let rows = (0..count).map(|n| Row::new(key(n), Epoch(1), 1, own(n), n % 2 == 0));
    let mut member = member(rows.collect());
    drain(&mut member);
    let seen = |n: u32| {
        let mut seen = Seen::new(TaskState::Running);
        let url = alloc::format!("rtmp://{}/live/***", "a".repeat(2_000));
        let mut push = PushReport::new(url, Some(PushState::Connected), at(u64::from(n)));
        push.code = Some("push.connection_lost".to_string());
        seen.pushes = vec![push];
        seen
    };
    (0..count).for_each(|n| member.see(&own(n), seen(n), at(0)));
    let long = "\"".repeat(255);
    let streams: BTreeSet<_> = (0..4_096_u32)
        .map(|n| {
            let user = alloc::format!("{n:0255}");
            Published::new(long.clone(), long.clone(), user, Picture::Camera)
        })
        .collect();
    member.look(streams.clone(), Load::default());
    member.connected(at(0));
    member.hears(FleetSays::Welcome(welcome()), at(1));
    member.tick(at(2));
    let mut number = 0;
    let (mut pushes, mut told) = (BTreeSet::new(), BTreeSet::new());
    for output in drain(&mut member) {
        let Output::Say(text) = output else { continue };
        assert!(text.len() <= MAX_MESSAGE);
        // As the Fleet reads it, which wants all numbers.
        let message = FromHost::read(&text).unwrap();
        number += 1;
        assert_eq!(message.number, number);
        match message.says {
            HostSays::Hello(hello) => {
                assert_eq!((number, hello.tasks.len()), (1, 2_000));
                told.extend(hello.streams);
            }
            HostSays::Status { tasks, .. } => {
                let with = tasks.into_iter().filter(|task| task.pushes.len() == 1);
                pushes.extend(with.map(|task| task.tenure.key));
            }
            HostSays::Streams { came, gone } => {
                assert!(gone.is_empty());
                told.extend(came);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((pushes.len(), told == streams), (2_000, true));
    // All go at once.
    member.look(BTreeSet::new(), Load::default());
    member.tick(at(3));
    let mut left = streams;
    for says in said(drain(&mut member)) {
        let HostSays::Streams { gone, .. } = says else { continue };
        left.retain(|one| !gone.contains(one));
    }
    assert!(left.is_empty());
}

#[test]
fn what_cannot_be_said_is_not_and_the_host_knows() {
    let long = "k".repeat(1_024);
    let rows = (0..2_000_u32).map(|n| {
        let name = Name::new(Origin::Livegate, "live".into(), n.to_string());
        Row::new(alloc::format!("{n}{long}"), Epoch(1), 1, name, false)
    });
    let mut member = member(rows.collect());
    member.connected(at(0));
    assert!(matches!(drain(&mut member)[..], [Output::Unsaid(LinkError::TooLarge)]));
    // Nothing was sent that would count.
    member.hears(FleetSays::Welcome(welcome()), at(1));
    member.look(
        [Published::new("a".into(), "b".into(), "c".into(), Picture::Camera)].into(),
        Load::default(),
    );
    member.tick(at(2));
    let numbers: Vec<_> = drain(&mut member)
        .into_iter()
        .filter_map(|output| match output {
            Output::Say(text) => Some(FromHost::read(&text).unwrap().number),
            _ => None,
        })
        .collect();
    assert_eq!(numbers.first(), Some(&1));
}
