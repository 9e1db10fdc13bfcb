//! What must hold for any input of `session`; the body is in livegate-rtmp.
#![no_main]

use livegate_rtmp::fuzz::session;

libfuzzer_sys::fuzz_target!(|data: &[u8]| session(data));
