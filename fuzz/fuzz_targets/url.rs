//! What must hold for any input of `url`; the body is in the core.
#![no_main]

use livegate_core::url::fuzz::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz(data));
