//! What must hold for any input of `chunk`; the body is in livegate-rtmp.
#![no_main]

use livegate_rtmp::fuzz::chunks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| chunks(data));
