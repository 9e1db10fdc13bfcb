//! What must hold for any input of `layout` and of its payloads; the body is in the core.
#![no_main]

use livegate_core::layout::fuzz::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz(data));
