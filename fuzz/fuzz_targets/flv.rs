//! What must hold for any input of `flv`; the body is in the core.
#![no_main]

use livegate_core::flv::fuzz::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz(data));
