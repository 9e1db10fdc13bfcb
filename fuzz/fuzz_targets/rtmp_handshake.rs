//! What must hold for any input of `handshake`; the body is in livegate-rtmp.
#![no_main]

use livegate_rtmp::fuzz::handshake;

libfuzzer_sys::fuzz_target!(|data: &[u8]| handshake(data));
