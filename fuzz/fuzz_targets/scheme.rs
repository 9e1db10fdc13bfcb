//! What must hold for any input of `scheme`; the body is in the core.
#![no_main]

use livegate_core::scheme::fuzz::fuzz_scheme;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_scheme(data));
