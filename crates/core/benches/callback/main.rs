//! What one callback costs, beside one bare HMAC-SHA256 over a body of the same 800 bytes.
//!
//! `cargo bench -p livegate-core --bench callback`; with `-- --json`, the figures that
//! `make bench` prints, and nothing else.

mod cases;

use std::time::Instant;

use divan::{Bencher, black_box};
use livegate_core::event::{Event, Kind};
use livegate_core::filter::{Filter, SubscriptionSet};
use livegate_core::id::SourceId;

use cases::{Case, Cases, filter};

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    if !json {
        divan::main();
    }
    let times = measured();
    let of = |case| times.iter().find(|(known, _)| *known == case).map_or(f64::NAN, |(_, ns)| *ns);
    if json {
        let members: Vec<String> =
            times.iter().map(|(case, ns)| format!("\"{}\":{ns:.1}", case.name())).collect();
        println!("{{{}}}", members.join(","));
        return;
    }
    for whole in [Case::WholeMssAHead, Case::WholeStandardWebhooks] {
        let ratio = of(whole) / of(Case::BareHmac);
        println!("{}: {ratio:.2} times one bare HMAC-SHA256 over the same body", whole.name());
    }
}

/// Nanoseconds a call of each case: the least of many short rounds, since whatever else the machine
/// does only ever adds. The cases take turns, so that a slow second slows all of them.
fn measured() -> Vec<(Case, f64)> {
    const ROUNDS: usize = 200;
    const CALLS: u32 = 500;
    let cases = Cases::new();
    let mut least = vec![f64::INFINITY; Case::ALL.len()];
    for _ in 0..ROUNDS {
        for (case, least) in Case::ALL.iter().zip(&mut least) {
            let began = Instant::now();
            black_box(cases.run(*case, CALLS));
            *least = least.min(began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
        }
    }
    Case::ALL.iter().copied().zip(least).collect()
}

/// Every part of a callback's way through the core, and all of it.
#[divan::bench(args = Case::ALL.iter().copied(), sample_size = 100)]
fn callback(bencher: Bencher<'_, '_>, case: Case) {
    let cases = Cases::new();
    bencher.bench(|| cases.run(black_box(case), 1));
}

/// The fields of a stream-state callback of about 500 bytes: what an 800-byte body comes to once
/// its envelope is off.
const DATA: &str = r#"{"room_id":"26f065244f754b3aa853b649a21aaf66","job_id":"e87104f76d7546ce8a46ac6b04c49c3c","output_url":"rtmp://push.live.example.com/app/26f065244f754b3aa853b649a21aaf66?auth_key=1761000000-0-0-9f86d081884c7d659a2feaa0c55ad015","stream_key":"a3bf4f1b2b0b822cd15d6c15b0f00a08d884c7d659a2feaa0c55ad015a3bf4f1","state":"DISCONNECTED","retry_count":3,"region":"cn-north-4","detail":{"bitrate_kbps":4096,"width":1920,"height":1080,"codec":"h264","reason":"peer closed the connection"}}"#;

/// One event against that many subscriptions.
#[divan::bench(args = [1, 100, 10_000], sample_size = 100)]
fn match_against_subscriptions(bencher: Bencher<'_, '_>, count: usize) {
    let set = subscriptions(count);
    let event = event();
    let source = SourceId::from_bytes([1; 16]);
    bencher.bench(|| {
        let mut sum = 0_usize;
        set.matches(black_box(&event), black_box(source), |key| {
            sum = sum.wrapping_add(*key);
        });
        sum
    });
}

/// The same against subscriptions of which none has a condition: what the index costs.
#[divan::bench(args = [100, 10_000], sample_size = 100)]
fn match_scopes_alone(bencher: Bencher<'_, '_>, count: usize) {
    let set: SubscriptionSet<usize> =
        (0..).filter(|n| n % 4 != 0).take(count).map(|number| (number, filter(number))).collect();
    let event = event();
    let source = SourceId::from_bytes([1; 16]);
    bencher.bench(|| {
        let mut sum = 0_usize;
        set.matches(black_box(&event), black_box(source), |key| {
            sum = sum.wrapping_add(*key);
        });
        sum
    });
}

/// The same without an index: each filter asked by itself.
#[divan::bench(args = [1, 100, 10_000], sample_size = 100)]
fn match_each_filter_by_itself(bencher: Bencher<'_, '_>, count: usize) {
    let filters: Vec<Filter> = (0..count).map(filter).collect();
    let event = event();
    let source = SourceId::from_bytes([1; 16]);
    bencher.bench(|| {
        filters.iter().filter(|filter| filter.matches(black_box(&event), source)).count()
    });
}

/// What compiling the subscriptions costs, once for every change of a tenant's settings.
#[divan::bench(args = [100, 10_000], sample_count = 20)]
fn compile_subscriptions(bencher: Bencher<'_, '_>, count: usize) {
    let filters: Vec<(usize, Filter)> = (0..count).map(|n| (n, filter(n))).collect();
    bencher
        .with_inputs(|| filters.clone())
        .bench_values(|filters| filters.into_iter().collect::<SubscriptionSet<usize>>());
}

fn event() -> Event<'static> {
    Event {
        kind: Kind::RelayState,
        vendor_type: "RTMP_STREAM_STATE_CHANGE".into(),
        channel: Some("room-0001".into()),
        user: Some("anchor-0".into()),
        entity: None,
        repeat_key: None,
        relay: None,
        vendor_id: None,
        time: None,
        data: DATA.into(),
    }
}

fn subscriptions(count: usize) -> SubscriptionSet<usize> {
    (0..count).map(|number| (number, filter(number))).collect()
}
