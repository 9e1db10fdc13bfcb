# shellcheck shell=bash disable=SC2034 # read by the scripts that source this file
# Pinned versions of everything that is not in Cargo.lock, package-lock.json or python.txt.

# The compiler that builds the Worker. Wasm exception handling changed its default encoding in later
# releases, so the Worker has a compiler of its own and the workspace's stays free to move.
worker_rust=1.96.0
# Oldest compiler the Worker's dependencies take; a distribution's compiler must not be older.
worker_rust_minimum=1.91
# Must match the `worker` crate's minor version.
worker_build=0.8.7
# Used only while Cargo.lock does not name wasm-bindgen yet.
wasm_bindgen_fallback=0.2.130
# A target with no operating system: only this proves that the core is no_std.
bare_target=thumbv7em-none-eabi
# The fuzzers' driver, for tools/fuzz alone.
cargo_fuzz=0.13.2
