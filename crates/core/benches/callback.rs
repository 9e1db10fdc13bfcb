//! What one callback costs, beside one bare HMAC-SHA256 over a body of the same 800 bytes.
//!
//! `cargo bench -p livegate-core --bench callback`

use divan::{Bencher, black_box};
use hmac::{Hmac, KeyInit, Mac};
use livegate_core::event::{Event, Kind};
use livegate_core::filter::{Filter, SubscriptionSet};
use livegate_core::id::SourceId;
use sha2::Sha256;

fn main() {
    divan::main();
}

/// Bytes of the callback's body.
const BODY: usize = 800;

/// The fields of a stream-state callback of about 500 bytes: what an 800-byte body comes to once
/// its envelope is off.
const DATA: &str = r#"{"room_id":"26f065244f754b3aa853b649a21aaf66","job_id":"e87104f76d7546ce8a46ac6b04c49c3c","output_url":"rtmp://push.live.example.com/app/26f065244f754b3aa853b649a21aaf66?auth_key=1761000000-0-0-9f86d081884c7d659a2feaa0c55ad015","stream_key":"a3bf4f1b2b0b822cd15d6c15b0f00a08d884c7d659a2feaa0c55ad015a3bf4f1","state":"DISCONNECTED","retry_count":3,"region":"cn-north-4","detail":{"bitrate_kbps":4096,"width":1920,"height":1080,"codec":"h264","reason":"peer closed the connection"}}"#;

/// What HMAC-SHA256 over the whole body costs by itself: the yardstick of the other figures.
#[divan::bench(sample_size = 100)]
fn bare_hmac_sha256_over_800_bytes(bencher: Bencher<'_, '_>) {
    let body = [b'x'; BODY];
    bencher.bench(|| {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(black_box(b"0123456789abcdef0123456789abcdef"))
                .expect("HMAC takes keys of any length");
        mac.update(black_box(&body));
        mac.finalize().into_bytes()
    });
}

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
        vendor_id: None,
        time: None,
        data: DATA.into(),
    }
}

fn subscriptions(count: usize) -> SubscriptionSet<usize> {
    (0..count).map(|number| (number, filter(number))).collect()
}

/// A mix as tenants have it: a third by kind, a third by channel, a tenth by user, a quarter with
/// conditions, of which there are some twenty different ones.
fn filter(number: usize) -> Filter {
    let mut members = Vec::new();
    if number.is_multiple_of(3) {
        let kinds = ["relay.*", "script.segment", "RTMP_STREAM_STATE_CHANGE", "reply.*"];
        members.push(format!(r#""kinds":["{}"]"#, kinds[number / 3 % kinds.len()]));
    }
    if number % 3 == 1 {
        members.push(format!(r#""channels":["room-{:04}"]"#, number / 3));
    }
    if number.is_multiple_of(10) {
        members.push(format!(r#""users":["anchor-{}","guest-{number}"]"#, number / 10 % 7));
    }
    if number.is_multiple_of(4) {
        let wheres = [
            r#"{"state":"CONNECTED"}"#.to_owned(),
            r#"{"state":{"$in":["DISCONNECTED","END"]}}"#.to_owned(),
            r#"{"output_url":{"$startsWith":"rtmp://push."},"retry_count":{"$gte":3}}"#.to_owned(),
            r#"{"$or":[{"detail":{"reason":{"$in":"closed"}}},{"state":"END"}]}"#.to_owned(),
            format!(r#"{{"detail":{{"bitrate_kbps":{{"$lt":{}}}}}}}"#, number / 4 % 16 * 500),
        ];
        members.push(format!(r#""where":{}"#, wheres[number / 4 % wheres.len()]));
    }
    Filter::parse(&format!("{{{}}}", members.join(",")))
        .expect("a filter of the mix is well-formed")
}
