//! What must hold for any input of `sei`: streams, NAL units, samples; the body is in the core.
#![no_main]

use livegate_core::sei::fuzz::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz(data));
