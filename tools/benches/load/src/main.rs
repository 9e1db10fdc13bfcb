//! Sends signed callbacks on time, and receives deliveries.
//!
//! ```text
//! load send ADDRESS PATH SIGNATURES TEMPLATE CHANNELS RATE SECONDS CONNECTIONS FIRST
//! load receive ENDPOINTS
//! ```
//!
//! A thread for each connection, and plain blocking calls: one read and one write a message.

mod http;
mod receive;
mod send;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// What went wrong, for the person who looks at it.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["send", rest @ ..] => send::run(rest),
        ["receive", endpoints] => receive::run(endpoints),
        _ => Err("usage: load send … | load receive ENDPOINTS".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("load: {what}");
            ExitCode::FAILURE
        }
    }
}

/// Microseconds since 1970.
fn now_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// `"p50":…` and so on of some microseconds, as milliseconds.
fn percentiles(micros: &mut [u64]) -> String {
    micros.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index of the list"
        )]
        let index = (share * micros.len().saturating_sub(1) as f64).round() as usize;
        micros.get(index).map_or(0.0, |value| millis(*value))
    };
    format!("\"p50\":{:.3},\"p99\":{:.3},\"max\":{:.3}", at(0.5), at(0.99), at(1.0))
}

#[expect(clippy::cast_precision_loss, reason = "spans of seconds")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
