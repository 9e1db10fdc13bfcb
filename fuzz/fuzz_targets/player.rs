//! What must hold for any input of `player`: frames, tags, streams; the body is in the core.
#![no_main]

use livegate_core::player::fuzz::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz(data));
