//! The core's benchmark for a host that has the clock: it runs cases, the host times them.

#[path = "../../../../crates/core/benches/callback/cases.rs"]
mod cases;

use cases::{Case, Cases};
use wasm_bindgen::prelude::wasm_bindgen;

/// The cases, made ready.
#[wasm_bindgen]
pub struct Bench(Cases);

#[wasm_bindgen]
impl Bench {
    /// Makes the callback, the keys and the subscriptions.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "only JavaScript makes one")]
    pub fn new() -> Self {
        Self(Cases::new())
    }

    /// The cases' names, in the order of their numbers, a line each.
    pub fn names() -> String {
        Case::ALL.iter().map(|case| case.name()).collect::<Vec<_>>().join("\n")
    }

    /// Runs a case by its number; 0 if there is none.
    pub fn run(&self, case: usize, times: u32) -> usize {
        Case::ALL.get(case).map_or(0, |case| self.0.run(*case, times))
    }
}
