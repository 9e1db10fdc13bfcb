//! The core's benchmarks for a host that has the clock: it runs cases, the host times them.

#[path = "../../../../crates/core/benches/callback/cases.rs"]
mod callback;
#[path = "../../../../crates/core/benches/media/cases.rs"]
mod media;

use wasm_bindgen::prelude::wasm_bindgen;

/// The cases of a callback, made ready.
#[wasm_bindgen]
pub struct Bench(callback::Cases);

#[wasm_bindgen]
impl Bench {
    /// Makes the callback, the keys and the subscriptions.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "only JavaScript makes one")]
    pub fn new() -> Self {
        Self(callback::Cases::new())
    }

    /// The cases' names, in the order of their numbers, a line each.
    pub fn names() -> String {
        callback::Case::ALL.iter().map(|case| case.name()).collect::<Vec<_>>().join("\n")
    }

    /// Runs a case by its number; 0 if there is none.
    pub fn run(&self, case: usize, times: u32) -> usize {
        callback::Case::ALL.get(case).map_or(0, |case| self.0.run(*case, times))
    }
}

/// The cases of SEI and layouts, made ready.
#[wasm_bindgen]
pub struct MediaBench(media::Cases);

#[wasm_bindgen]
impl MediaBench {
    /// Makes the frames and the layout.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "only JavaScript makes one")]
    pub fn new() -> Self {
        Self(media::Cases::new())
    }

    /// The cases' names, in the order of their numbers, a line each.
    pub fn names() -> String {
        media::Case::ALL.iter().map(|case| case.name()).collect::<Vec<_>>().join("\n")
    }

    /// The bytes that a case goes through; 0 where its time says more.
    pub fn bytes(&self, case: usize) -> usize {
        media::Case::ALL.get(case).and_then(|case| self.0.bytes(*case)).unwrap_or(0)
    }

    /// Runs a case by its number; 0 if there is none.
    pub fn run(&self, case: usize, times: u32) -> usize {
        media::Case::ALL.get(case).map_or(0, |case| self.0.run(*case, times))
    }
}
