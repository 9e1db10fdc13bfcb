//! What SEI and layouts cost.
//!
//! `cargo bench -p livegate-core --features std --bench media`; with `-- --json`, the figures that
//! `make bench` prints, and nothing else; with `-- --run CASE TIMES`, one case by its number, for
//! tools that count instructions.

mod cases;

use std::time::Instant;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};

use cases::{Case, Cases};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| arguments.iter().position(|word| word == name);
    if let Some(at) = after("--run") {
        let number = |at: usize| arguments.get(at).and_then(|word| word.parse::<usize>().ok());
        let (Some(case), Some(times)) = (number(at + 1), number(at + 2)) else { return };
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        if let Some(case) = Case::ALL.get(case) {
            black_box(Cases::new().run(*case, times));
        }
    } else if after("--json").is_some() {
        println!("[{}]", measured().join(","));
    } else {
        divan::main();
    }
}

/// Nanoseconds a call of each case: the least of many short rounds, since whatever else the machine
/// does only ever adds. The cases take turns, so that a slow second slows all of them.
fn measured() -> Vec<String> {
    const ROUNDS: usize = 200;
    let cases = Cases::new();
    // A stream takes longer than a frame by far.
    let calls = |case| if cases.bytes(case).is_some() { 5 } else { 500 };
    let mut least = vec![f64::INFINITY; Case::ALL.len()];
    for _ in 0..ROUNDS {
        for (case, least) in Case::ALL.iter().zip(&mut least) {
            let began = Instant::now();
            black_box(cases.run(*case, calls(*case)));
            let ns = began.elapsed().as_secs_f64() * 1e9 / f64::from(calls(*case));
            *least = least.min(ns);
        }
    }
    let line = |(case, ns): (&Case, f64)| {
        let bytes = cases.bytes(*case).unwrap_or(0);
        format!("{{\"name\":\"{}\",\"ns\":{ns:.1},\"bytes\":{bytes}}}", case.name())
    };
    Case::ALL.iter().zip(least).map(line).collect()
}

#[divan::bench(args = Case::ALL.iter().copied(), sample_size = 20)]
fn media(bencher: Bencher<'_, '_>, case: Case) {
    let cases = Cases::new();
    match cases.bytes(case) {
        Some(bytes) => {
            bencher.counter(BytesCount::new(bytes)).bench(|| cases.run(black_box(case), 1));
        }
        None => bencher.bench(|| cases.run(black_box(case), 1)),
    }
}
