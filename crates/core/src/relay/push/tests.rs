//! One push, step by step. What holds over many is in `tests/relay_simulation`.

use super::{
    Cause, Connection, Input, Media, Output, Progress, Push, PushSettings, PushState, Report, Step,
    Transport,
};
use crate::time::UnixMillis;
use std::vec;
use std::vec::Vec;

const T0: UnixMillis = UnixMillis(1_700_000_000_000);
/// The middle of the jitter: no shift.
const MIDDLE: u64 = u64::MAX / 2;

struct Driven {
    push: Push,
    now: UnixMillis,
}

impl Driven {
    fn new(set: &[(&str, u64)]) -> Self {
        let mut settings = PushSettings::default();
        for (name, value) in set {
            settings.set(name, *value).unwrap();
        }
        Self { push: Push::new(settings, Transport::Plain, T0), now: T0 }
    }

    /// What is said to an input at this time.
    fn at(&mut self, ms: u64, input: Input) -> Vec<Output> {
        self.now = UnixMillis(T0.0 + ms);
        self.push.handle(input, self.now, MIDDLE);
        core::iter::from_fn(|| self.push.poll()).collect()
    }

    fn open(&mut self, ms: u64, connection: Connection) {
        for step in [Step::Tcp, Step::Handshake, Step::Connect, Step::Publish] {
            assert_eq!(self.at(ms, Input::Reached(connection, step)), []);
        }
    }

    fn states(&mut self, ms: u64, input: Input) -> Vec<(PushState, Option<Cause>)> {
        let told = self.at(ms, input).into_iter().filter_map(|output| match output {
            Output::Report(report) => Some((report.state, report.cause)),
            _ => None,
        });
        told.collect()
    }

    fn wake(&self) -> Option<u64> {
        self.push.wake_at().map(|at| at.since(T0).0)
    }
}

const FIRST: Connection = Connection(1);
const SECOND: Connection = Connection(2);
const SOURCE: Input = Input::Source(Media::There);

fn sent(connection: Connection, handed: u64, unacked: u64) -> Input {
    let progress = Progress { handed, media_end: handed, unacked, unsent: 0, queued: 0 };
    Input::Progress(connection, progress)
}

/// A push whose stream arrives since 100 ms.
fn connected(set: &[(&str, u64)]) -> Driven {
    let mut push = Driven::new(set);
    let _ = push.at(0, SOURCE);
    push.open(50, FIRST);
    assert_eq!(push.states(100, sent(FIRST, 1_000, 0)), [(PushState::Connected, None)]);
    push
}

#[test]
fn connects_when_there_is_a_source_and_is_connected_when_the_stream_arrives() {
    let mut push = Driven::new(&[]);
    assert_eq!(push.at(0, Input::Tick), []);
    assert_eq!(push.wake(), None);
    let report = Report {
        number: 1,
        at: UnixMillis(T0.0 + 10),
        state: PushState::Connecting,
        cause: None,
        attempt: 1,
    };
    assert_eq!(push.at(10, SOURCE), [Output::Report(report), Output::Connect(FIRST)]);
    assert_eq!(push.wake(), Some(10_010));
    push.open(20, FIRST);
    // The kernel took it; nobody acknowledged it.
    assert_eq!(push.at(30, sent(FIRST, 1_000, 1_000)), []);
    assert!(!push.push.status(push.now).is_pushing);
    assert_eq!(push.states(40, sent(FIRST, 2_000, 500)), [(PushState::Connected, None)]);
    let status = push.push.status(push.now);
    assert!(status.is_pushing);
    assert_eq!(status.moved_at, Some(push.now));
    // Ten seconds later nobody would be told that it pushes, had the machine not been asked.
    assert!(!push.push.status(UnixMillis(push.now.0 + 10_000)).is_pushing);
}

#[test]
fn each_step_has_its_time_and_its_code() {
    let steps = [Step::Tcp, Step::Tls, Step::Handshake, Step::Connect, Step::Publish];
    for (done, &late) in steps.iter().enumerate() {
        let mut push = Driven::new(&[]);
        push.push = Push::new(PushSettings::default(), Transport::Tls, T0);
        let _ = push.at(0, SOURCE);
        for &step in &steps[..done] {
            assert_eq!(push.at(0, Input::Reached(FIRST, step)), []);
        }
        let longest = if late == Step::Publish { 15_000 } else { 10_000 };
        assert_eq!(push.wake(), Some(longest));
        assert_eq!(push.at(longest - 1, Input::Tick), []);
        let cause = Cause::NoAnswer(late);
        let said = push.at(longest, Input::Tick);
        assert_eq!(said[0], Output::Abort(FIRST));
        assert!(matches!(said[1], Output::Report(report)
            if report.state == PushState::Disconnected && report.cause == Some(cause)));
        assert_eq!(said.len(), 2);
        // The first pause, unshifted.
        assert_eq!(push.wake(), Some(longest + 1_000));
    }
}

#[test]
fn pauses_grow_and_begin_anew_after_a_stable_connection() {
    let mut push = Driven::new(&[]);
    let _ = push.at(0, SOURCE);
    let mut now = 0;
    for (number, pause) in (1..).zip([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
        let lost = push.states(now, Input::Closed(Connection(number), Cause::Refused));
        assert_eq!(lost, [(PushState::Disconnected, Some(Cause::Refused))]);
        assert_eq!(push.wake(), Some(now + pause));
        now += pause;
        assert_eq!(push.states(now, Input::Tick), [(PushState::Reconnecting, None)]);
    }
    let last = Connection(8);
    push.open(now, last);
    assert_eq!(push.states(now, sent(last, 9, 0)), [(PushState::Connected, None)]);
    for second in 1..=30 {
        assert_eq!(push.at(now + second * 1_000, sent(last, 9 + second, 0)), []);
    }
    now += 30_000;
    let _ = push.at(now, Input::Closed(last, Cause::ClosedByPeer));
    assert_eq!(push.wake(), Some(now + 1_000));
    // That was the first of a new row.
    let _ = push.at(now + 1_000, Input::Tick);
    assert_eq!(push.push.status(push.now).attempt, 1);
}

#[test]
fn a_connection_that_is_taken_back_soon_does_not_shorten_the_pauses() {
    let mut push = connected(&[]);
    let _ = push.at(8_000, sent(FIRST, 2_000, 0));
    let told = push.states(8_100, Input::Closed(FIRST, Cause::PublishRefused));
    assert_eq!(told, [(PushState::Disconnected, Some(Cause::PublishRefused))]);
    let _ = push.at(9_100, Input::Tick);
    push.open(9_100, SECOND);
    let _ = push.at(9_200, sent(SECOND, 10, 0));
    let _ = push.at(16_000, Input::Closed(SECOND, Cause::PublishRefused));
    assert_eq!(push.wake(), Some(18_000));
}

#[test]
fn a_refusal_after_eight_seconds_is_a_refusal() {
    let mut push = Driven::new(&[]);
    let _ = push.at(0, SOURCE);
    for step in [Step::Tcp, Step::Handshake, Step::Connect] {
        let _ = push.at(0, Input::Reached(FIRST, step));
    }
    assert_eq!(push.at(8_000, Input::Tick), []);
    let told = push.states(8_001, Input::Closed(FIRST, Cause::PublishRefused));
    assert_eq!(told, [(PushState::Disconnected, Some(Cause::PublishRefused))]);
}

#[test]
fn what_is_permanent_ends_it_at_once_and_what_is_stubborn_after_some_tries() {
    for cause in [Cause::AddressInvalid, Cause::AddressForbidden, Cause::AuthRefused] {
        let mut push = Driven::new(&[]);
        let _ = push.at(0, SOURCE);
        let told = push.states(1, Input::Closed(FIRST, cause));
        assert_eq!(told, [(PushState::Disconnected, Some(cause)), (PushState::End, Some(cause))]);
        assert_eq!(push.wake(), None);
        assert_eq!(push.at(2, SOURCE), []);
    }
    let mut push = Driven::new(&[("auth_tries", 2)]);
    let _ = push.at(0, SOURCE);
    let refused = (PushState::Disconnected, Some(Cause::AuthRefused));
    assert_eq!(push.states(1, Input::Closed(FIRST, Cause::AuthRefused)), [refused]);
    let _ = push.at(1_001, Input::Tick);
    let end = (PushState::End, Some(Cause::AuthRefused));
    assert_eq!(push.states(1_002, Input::Closed(SECOND, Cause::AuthRefused)), [refused, end]);
    let mut push = Driven::new(&[("stubborn_tries", 3)]);
    let _ = push.at(0, SOURCE);
    let mut now = 0;
    // Something else in between, and it counts from the beginning.
    let unknown = Cause::UnknownHost;
    for (number, cause) in (1..).zip([unknown, unknown, Cause::Refused, unknown, unknown]) {
        let told = push.states(now, Input::Closed(Connection(number), cause));
        assert_eq!(told, [(PushState::Disconnected, Some(cause))]);
        now = push.wake().unwrap();
        let _ = push.at(now, Input::Tick);
    }
    let told = push.states(now, Input::Closed(Connection(6), unknown));
    assert_eq!(told.last(), Some(&(PushState::End, Some(unknown))));
}

#[test]
fn a_destination_that_stops_reading_is_noticed() {
    let mut push = connected(&[]);
    // The last byte that it acknowledged came at 1,000.
    let _ = push.at(1_000, sent(FIRST, 5_000, 2_000));
    for second in 2..9 {
        assert_eq!(push.at(second * 1_000, sent(FIRST, 9_000 + second, 6_000 + second)), []);
    }
    assert_eq!(push.wake(), Some(9_000));
    let said = push.at(9_000, Input::Tick);
    assert_eq!(said[0], Output::Abort(FIRST));
    assert!(matches!(said[1], Output::Report(report) if report.cause == Some(Cause::Wedged)));
}

#[test]
fn a_gap_of_the_source_keeps_the_connection_for_a_while() {
    let mut push = connected(&[]);
    assert_eq!(push.at(200, Input::Source(Media::Gone)), []);
    // 8 s after the last byte of 100.
    assert_eq!(push.wake(), Some(8_100));
    let gone = [(PushState::Disconnected, Some(Cause::SourceGone))];
    assert_eq!(push.states(8_100, Input::Tick), gone);
    // Back after 30 s: the same connection, from a key frame on.
    assert_eq!(push.at(30_200, SOURCE), [Output::SkipToKeyFrame(FIRST)]);
    let back = [(PushState::Reconnecting, None), (PushState::Connected, None)];
    assert_eq!(push.states(30_300, sent(FIRST, 3_000, 0)), back);
    // Gone for longer than it is kept.
    let _ = push.at(30_400, Input::Source(Media::Gone));
    assert_eq!(push.states(38_300, Input::Tick), gone);
    assert_eq!(push.wake(), Some(90_400));
    assert_eq!(push.at(90_400, Input::Tick), [Output::Close(FIRST)]);
    assert_eq!(push.wake(), None);
    // Then it is connected at once when it comes back.
    assert_eq!(push.states(100_000, SOURCE), [(PushState::Reconnecting, None)]);
}

#[test]
fn a_connection_that_is_closed_in_a_gap_waits_for_the_source() {
    let mut push = connected(&[]);
    let _ = push.at(200, Input::Source(Media::Gone));
    let _ = push.at(8_100, Input::Tick);
    assert_eq!(push.at(20_000, Input::Closed(FIRST, Cause::ClosedByPeer)), []);
    assert_eq!(push.wake(), None);
    assert_eq!(push.states(60_000, SOURCE), [(PushState::Reconnecting, None)]);
}

#[test]
fn what_was_on_its_way_when_the_source_went_does_not_connect_it() {
    let mut push = Driven::new(&[]);
    let _ = push.at(0, SOURCE);
    push.open(10, FIRST);
    let _ = push.at(20, Input::Source(Media::Gone));
    assert_eq!(push.at(30, sent(FIRST, 100, 0)), []);
    let gone = [(PushState::Disconnected, Some(Cause::SourceGone))];
    assert_eq!(push.states(8_030, Input::Tick), gone);
}

#[test]
fn stops_once_whatever_it_does() {
    let end = (PushState::End, Some(Cause::Stopped));
    let stop = Input::Stop(Cause::Stopped);
    let mut push = Driven::new(&[]);
    assert_eq!(push.states(0, stop), [end]);
    let mut push = connected(&[]);
    let said = push.at(500, stop);
    assert_eq!(said[0], Output::Close(FIRST));
    assert!(matches!(said[1], Output::Report(report) if report.state == PushState::End));
    for input in [stop, SOURCE, Input::Closed(FIRST, Cause::ConnectionLost), Input::Tick] {
        assert_eq!(push.at(600, input), []);
    }
    assert_eq!(push.wake(), None);
}

#[test]
fn what_is_said_of_an_older_connection_does_not_count() {
    let mut push = connected(&[]);
    let _ = push.at(200, Input::Closed(FIRST, Cause::ConnectionLost));
    let _ = push.at(1_200, Input::Tick);
    let old = [
        Input::Closed(FIRST, Cause::AuthRefused),
        Input::Reached(FIRST, Step::Publish),
        sent(FIRST, 9_999, 0),
    ];
    for input in old {
        assert_eq!(push.at(1_300, input), []);
    }
    assert_eq!(push.push.state(), Some(PushState::Reconnecting));
}

#[test]
fn gives_up_after_its_time_but_not_for_the_sources_absence() {
    let mut push = Driven::new(&[("give_up_ms", 60_000)]);
    let _ = push.at(0, SOURCE);
    let _ = push.at(5_000, Input::Closed(FIRST, Cause::Refused));
    let _ = push.at(5_100, Input::Source(Media::Gone));
    assert_eq!(push.wake(), None);
    // 100 ms of failing, and 59,900 more from here on.
    assert_eq!(push.states(70_000, SOURCE), [(PushState::Reconnecting, None)]);
    let _ = push.at(70_000, Input::Closed(SECOND, Cause::Refused));
    let told = push.states(129_900, Input::Tick);
    assert_eq!(told, [(PushState::End, Some(Cause::GivenUp))]);
    let mut push = Driven::new(&[("give_up_ms", 60_000)]);
    let _ = push.at(0, SOURCE);
    let _ = push.at(5_000, Input::Closed(FIRST, Cause::Refused));
    let _ = push.at(6_000, Input::Tick);
    push.open(6_000, SECOND);
    let _ = push.at(6_100, sent(SECOND, 10, 0));
    assert_eq!(push.at(6_200, sent(SECOND, 20, 0)), []);
    assert_eq!(push.wake(), Some(14_200));
}

#[test]
fn goes_on_after_its_host_was_started_again() {
    let settings = PushSettings::default();
    let last = |state| Report { number: 7, at: T0, state, cause: None, attempt: 3 };
    for state in [PushState::Connecting, PushState::Connected, PushState::Reconnecting] {
        let mut push = Push::resume(settings, Transport::Plain, last(state), UnixMillis(T0.0 + 9));
        let Some(Output::Report(report)) = push.poll() else { panic!("{state} is not reported") };
        assert_eq!((report.number, report.state), (8, PushState::Disconnected));
        assert_eq!(report.cause, Some(Cause::HostRestarted));
        push.handle(SOURCE, UnixMillis(T0.0 + 5_000), MIDDLE);
        assert!(matches!(push.poll(), Some(Output::Report(report))
            if report.number == 9 && report.state == PushState::Reconnecting));
    }
    let mut push = Push::resume(settings, Transport::Plain, last(PushState::End), T0);
    push.handle(SOURCE, UnixMillis(T0.0 + 5_000), MIDDLE);
    assert_eq!(push.poll(), None);
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut push = connected(&[]);
    let _ = push.at(5_000, sent(FIRST, 2_000, 0));
    assert_eq!(push.at(0, Input::Tick), []);
    assert_eq!(push.wake(), Some(13_000));
    assert_eq!(push.at(100, vec![SOURCE][0]), []);
}
