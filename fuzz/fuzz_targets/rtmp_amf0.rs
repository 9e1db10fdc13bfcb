//! What must hold for any input of `amf0`; the body is in livegate-rtmp.
#![no_main]

use livegate_rtmp::fuzz::amf0;

libfuzzer_sys::fuzz_target!(|data: &[u8]| amf0(data));
