//! A push, a task and an outbox that are told anything at all, in any order.

use livegate_core::relay::PushUrl;
use livegate_core::relay::lifecycle::{
    Lifecycle, Plan, TargetId, TaskInput, TaskOutput, TaskSettings,
};
use livegate_core::relay::outbox::{
    Failure, OutboxKey, OutboxSettings, Outboxes, Step as OutboxStep,
};
use livegate_core::relay::push::{
    Cause, Connection, Input, Media, Output, Progress, Push, PushSettings, PushState, Step,
    Transport,
};
use livegate_core::time::{Millis, UnixMillis};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn cause() -> impl Strategy<Value = Cause> {
    proptest::sample::select(Cause::NAMED)
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{Connect, Handshake, Publish, Tcp, Tls};
    proptest::sample::select([Tcp, Tls, Handshake, Connect, Publish].as_slice())
}

fn progress() -> impl Strategy<Value = Progress> {
    let number = || prop_oneof![0u64..3_000_000, any::<u64>()];
    (number(), number(), number(), number(), number()).prop_map(
        |(handed, media_end, unacked, unsent, queued)| Progress {
            handed,
            media_end,
            unacked,
            unsent,
            queued,
        },
    )
}

fn input() -> impl Strategy<Value = Input> {
    let connection = || (0u32..6).prop_map(Connection);
    prop_oneof![
        2 => Just(Input::Source(Media::There)),
        1 => Just(Input::Source(Media::Gone)),
        6 => (connection(), step()).prop_map(|(of, step)| Input::Reached(of, step)),
        4 => (connection(), progress()).prop_map(|(of, progress)| Input::Progress(of, progress)),
        2 => (connection(), any::<u32>()).prop_map(|(of, low)| Input::Acknowledged(of, low)),
        2 => (connection(), cause()).prop_map(|(of, cause)| Input::Closed(of, cause)),
        5 => Just(Input::Tick),
    ]
}

/// Mostly small steps, sometimes any.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0u64..20_000, 1 => any::<u64>()]
}

proptest! {
    #[test]
    fn a_push_keeps_to_its_table_whatever_it_is_told(
        inputs in proptest::collection::vec((input(), time(), any::<u64>()), 0..120),
        secure: bool,
        give_up in prop_oneof![Just(0u64), 1u64..100_000],
    ) {
        let mut settings = PushSettings::default();
        settings.set("give_up_ms", give_up).unwrap();
        let transport = if secure { Transport::Tls } else { Transport::Plain };
        let mut now = UnixMillis(1_000_000);
        let mut push = Push::new(settings, transport, now);
        let (mut state, mut number, mut open) = (None, 0, None);
        for (input, step, random) in inputs {
            now = now.plus(Millis(step));
            push.handle(input, now, random);
            if let Input::Closed(connection, _) = input && open == Some(connection) {
                open = None;
            }
            while let Some(output) = push.poll() {
                match output {
                    Output::Connect(connection) => {
                        prop_assert_eq!(open, None);
                        open = Some(connection);
                    }
                    Output::Close(connection) | Output::Abort(connection) => {
                        prop_assert_eq!(open, Some(connection));
                        open = None;
                    }
                    Output::SkipToKeyFrame(connection) => {
                        prop_assert_eq!(open, Some(connection));
                    }
                    Output::Report(report) => {
                        prop_assert!(report.state.may_follow(state), "{state:?} {report:?}");
                        prop_assert_eq!(report.number, number + 1);
                        (state, number) = (Some(report.state), report.number);
                    }
                    _ => {}
                }
            }
            let status = push.status(now);
            prop_assert_eq!(status.state, state);
            prop_assert!(!status.is_pushing || open.is_some());
            if state == Some(PushState::End) {
                prop_assert_eq!((push.wake_at(), open), (None, None));
            }
            // Time stands still at its end.
            if now.0 < u64::MAX / 2 && input == Input::Tick {
                prop_assert!(push.wake_at().is_none_or(|wake| wake > now), "{push:?} at {now:?}");
            }
        }
    }

    #[test]
    fn a_task_ends_once_and_its_pushes_with_it(
        inputs in proptest::collection::vec((0u32..5, input(), time(), any::<u64>()), 0..120),
        plans in proptest::collection::vec((0usize..120, 0usize..8), 0..4),
        idle in any::<Option<u32>>(),
    ) {
        let plan = |bits: usize| {
            let urls = (0..3).filter(|bit| bits >> bit & 1 == 1);
            let url = |bit| PushUrl::parse(&format!("rtmp://h{bit}.example/live/key")).unwrap();
            Plan::new(urls.map(url).collect(), idle.map(|ms| Millis(u64::from(ms))), None)
        };
        let mut now = UnixMillis(1_000_000);
        let (settings, push) = (TaskSettings::default(), PushSettings::default());
        let mut task = Lifecycle::new(settings, push, plan(3), now);
        let mut alive = std::collections::BTreeMap::new();
        let mut is_over = false;
        for (index, (id, input, step, random)) in inputs.into_iter().enumerate() {
            now = now.plus(Millis(step));
            let update = plans.iter().find(|(at, _)| *at == index);
            let input = match (update, input) {
                (Some((_, bits)), _) => TaskInput::Plan(plan(*bits)),
                (None, Input::Tick) => TaskInput::Tick,
                (None, Input::Source(media)) => TaskInput::Source(media),
                (None, input) => TaskInput::Push(TargetId(id), input),
            };
            task.handle(input, now, random);
            while let Some(output) = task.poll() {
                prop_assert!(!is_over, "{output:?} after its end");
                match output {
                    TaskOutput::Push(id, Output::Report(report)) => {
                        let before = alive.insert(id, report.state);
                        prop_assert!(report.state.may_follow(before));
                    }
                    TaskOutput::Ended(_) => is_over = true,
                    _ => {}
                }
            }
            prop_assert_eq!(task.ended().is_some(), is_over);
            prop_assert_eq!(task.state().is_last(), is_over);
            if is_over {
                prop_assert!(alive.values().all(|state| *state == PushState::End));
            }
        }
    }

    #[test]
    fn outboxes_send_every_row_in_order_or_say_what_became_of_it(
        acts in proptest::collection::vec(
            (0u8..9, 0u32..3, 0u64..3, any::<u64>(), 0u64..20_000), 0..300,
        ),
    ) {
        let mut settings = OutboxSettings::default();
        prop_assert!(settings.set("requests", 4).is_ok());
        prop_assert!(settings.set("requests_each", 2).is_ok());
        prop_assert!(settings.set("refusals", 3).is_ok());
        let mut all = Outboxes::new(settings);
        let mut now = UnixMillis(1_000_000);
        // What is under way, and of each outbox the last row, the last that was sent and the last
        // that needs nothing.
        let mut sent = std::collections::BTreeMap::new();
        let mut known = std::collections::BTreeMap::<OutboxKey, (u64, u64, u64)>::new();
        for (act, receiver, line, random, step) in acts {
            now = now.plus(Millis(step));
            let key = OutboxKey { receiver, line };
            let row = known.get(&key).map_or(1, |known| known.1);
            match act {
                0..=3 => {
                    let last = &mut known.entry(key).or_default().0;
                    *last += 1;
                    all.extend(key, 0, *last);
                }
                4 => all.acknowledged(key, row),
                5 => all.failed(key, row, Failure::Passing { retry_after: Some(Millis(step)) }, now, random),
                6 => all.failed(key, row, Failure::Refused, now, random),
                7 => all.open(receiver, random % 2 == 0),
                _ => {
                    let (_, is_cut) = all.expire(key, random % 4);
                    prop_assert_eq!(is_cut && sent.remove(&key).is_some(), is_cut);
                }
            }
            if (4..=6).contains(&act) {
                sent.remove(&key);
            }
            while let Some((key, step)) = all.poll(now, random) {
                let (last, newest, _) = known[&key];
                match step {
                    OutboxStep::Send(row) => {
                        prop_assert!(row <= last && row >= newest);
                        prop_assert_eq!(row, all.show(key).map_or(0, |one| one.settled() + 1));
                        prop_assert_eq!(sent.insert(key, row), None);
                        known.insert(key, (last, row, 0));
                    }
                    OutboxStep::Abandon(row) => prop_assert_eq!(sent.remove(&key), Some(row)),
                    _ => {}
                }
            }
            prop_assert!(sent.len() <= 4 && all.under_way() == sent.len() as u64);
            for receiver in 0..3 {
                prop_assert!(sent.keys().filter(|key| key.receiver == receiver).count() <= 2);
            }
            prop_assert!(all.wake_at().is_none_or(|wake| wake > now));
        }
        // Whoever opens them all and answers at once gets all that is left, in order.
        for receiver in 0..3 {
            all.open(receiver, true);
        }
        for (key, row) in sent {
            all.acknowledged(key, row);
        }
        now = now.plus(Millis(100_000));
        while let Some((key, step)) = all.poll(now, 0) {
            if let OutboxStep::Send(row) = step {
                all.acknowledged(key, row);
            }
        }
        prop_assert!(all.all().all(|(_, one)| one.waiting() == 0));
    }
}
