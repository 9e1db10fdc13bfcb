//! What must hold for any input of `dialect`; the body is in the core.
#![no_main]

use livegate_core::dialect::fuzz::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz(data));
