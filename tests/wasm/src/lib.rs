//! The core as a wasm module that answers whole files of vectors.
//!
//! A caller gets room for `KIND\nJSON` from [`reserve`], writes it there, calls [`judge`] and reads
//! as many bytes as that returns from [`answer`]: a JSON list with one outcome for each vector. What
//! was expected is compared by the caller, so that nothing here can hide a difference. If the core
//! panics, the module traps; then [`answer_len`] bytes at [`answer`] say where.
#![allow(unsafe_code, reason = "exported names; there is no unsafe block")]

mod control;
mod dialect;
mod filter;
mod layout;
mod request;
mod scheme;
mod sei;
mod settings;

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use serde_json::Value;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for an input of `len` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(len: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        input.clear();
        input.resize(len, 0);
        input.as_mut_ptr()
    })
}

/// Judges the input, and says how long the answer is.
///
/// # Panics
/// If the input is no file of vectors, or the core panics over one of them.
#[unsafe(no_mangle)]
pub extern "C" fn judge() -> usize {
    std::panic::set_hook(Box::new(|panic| {
        // An unwinding panic that reaches the edge of the module is a second one.
        ANSWER.with_borrow_mut(|answer| answer.extend(panic.to_string().into_bytes()));
    }));
    ANSWER.take();
    let input = INPUT.take();
    let outcomes = outcomes(&input);
    ANSWER.set(serde_json::to_vec(&outcomes).unwrap());
    answer_len()
}

/// How long the answer is.
#[unsafe(no_mangle)]
pub extern "C" fn answer_len() -> usize {
    ANSWER.with_borrow(Vec::len)
}

/// Where the answer is.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(Vec::as_ptr)
}

fn outcomes(input: &[u8]) -> Vec<Value> {
    let (kind, json) = std::str::from_utf8(input).unwrap().split_once('\n').unwrap();
    match kind {
        "scheme" => each_in_file(json, scheme::incoming),
        "sign" => each_in_file(json, scheme::outgoing),
        "request" => each_in_file(json, request::outcome),
        "params" => each_in_file(json, request::params),
        "filter" => each(json, filter::outcome),
        "url" => each(json, settings::url),
        "config" => each(json, settings::config),
        "control" => each(json, control::object),
        "relay" => each(json, control::relay),
        "address" => each(json, control::address),
        "layout" => each(json, layout::resolve),
        "box" => each(json, layout::in_box),
        "payload" => each(json, layout::payload),
        "sei written" => each(json, sei::written),
        "sei read" => each(json, sei::read),
        "sei stream" => each(json, sei::stream),
        "parse" => each(json, dialect::parse),
        "redact" => each(json, dialect::redact),
        "cloudevents" => each(json, dialect::cloud_event),
        _ => match kind.strip_prefix("callback ") {
            Some(name) => each(json, |vector| dialect::callback(name, vector)),
            None => panic!("no kind {kind}"),
        },
    }
}

fn each<V: DeserializeOwned>(json: &str, outcome: impl Fn(&V) -> Value) -> Vec<Value> {
    let vectors: Vec<V> = serde_json::from_str(json).unwrap();
    vectors.iter().map(outcome).collect()
}

/// Files that say what they are about hold their vectors one level deeper.
fn each_in_file<V: DeserializeOwned>(json: &str, outcome: fn(&V) -> Value) -> Vec<Value> {
    #[derive(serde::Deserialize)]
    struct File<V> {
        vectors: Vec<V>,
    }
    let file: File<V> = serde_json::from_str(json).unwrap();
    file.vectors.iter().map(outcome).collect()
}
