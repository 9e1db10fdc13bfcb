//! What must hold for any input of `config`; the body is in the core.
#![no_main]

use livegate_core::config::fuzz::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz(data));
