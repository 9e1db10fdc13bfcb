//! What a layout costs: resolved, compared with the one before it, written as a payload and read.
//!
//! `cargo bench -p livegate-core --bench layout`

use divan::{Bencher, black_box};
use livegate_core::layout::{Arrangement, Canvas, Layout, Member, Resolved, Template};
use livegate_core::sei::payload::{Alone, LayoutMessage, Profile, Sound, read};
use livegate_core::time::UnixMillis;

fn main() {
    divan::main();
}

fn members(count: usize) -> Vec<Member> {
    (0..count).map(|number| Member::new(format!("user-{number:04}"))).collect()
}

fn layout(template: Template) -> Layout {
    let canvas = Canvas::new(1280, 720).expect("the sides are even");
    Layout { canvas, arrangement: Arrangement::Template { template, main: None } }
}

fn resolved(count: usize) -> Resolved {
    layout(Template::BestFit).resolve(&members(count)).expect("templates fit any canvas")
}

fn message(count: usize) -> LayoutMessage {
    let sound = |_: &Member| Sound { volume: 60, voice: 150 };
    let mut message = LayoutMessage::from_resolved(&resolved(count), Alone::Placed, &sound);
    message.sent_at = Some(UnixMillis(1_725_928_205_000));
    message
}

#[divan::bench(args = [1, 2, 4, 9, 16])]
fn resolve(bencher: Bencher<'_, '_>, count: usize) {
    let (layout, members) = (layout(Template::BestFit), members(count));
    bencher.bench(|| black_box(&layout).resolve(black_box(&members)));
}

/// Somebody joins.
#[divan::bench(args = [1, 4, 9, 15])]
fn diff(bencher: Bencher<'_, '_>, count: usize) {
    let (before, after) = (resolved(count), resolved(count + 1));
    bencher.bench(|| black_box(&before).diff(black_box(&after)));
}

#[divan::bench(args = [1, 2, 4, 9])]
fn write_alibaba(bencher: Bencher<'_, '_>, count: usize) {
    let message = message(count);
    bencher.bench(|| Profile::Alibaba.write(black_box(&message)));
}

#[divan::bench(args = [1, 2, 4, 9, 16])]
fn write_agora(bencher: Bencher<'_, '_>, count: usize) {
    let message = message(count);
    bencher.bench(|| Profile::Agora.write(black_box(&message)));
}

#[divan::bench(args = [1, 2, 4, 9])]
fn read_alibaba(bencher: Bencher<'_, '_>, count: usize) {
    let text = Profile::Alibaba.write(&message(count)).expect("nine panes fit");
    bencher.bench(|| read(black_box(text.as_bytes())));
}

#[divan::bench(args = [1, 2, 4, 9, 16])]
fn read_agora(bencher: Bencher<'_, '_>, count: usize) {
    let text = Profile::Agora.write(&message(count)).expect("the message is complete");
    bencher.bench(|| read(black_box(text.as_bytes())));
}
