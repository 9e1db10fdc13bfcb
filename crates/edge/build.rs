//! Takes the white space out of the API's document: it is written for people, and the Worker should
//! not carry that along.

use std::path::Path;
use std::{env, fs};

fn main() {
    let source = Path::new("openapi.json");
    println!("cargo::rerun-if-changed={}", source.display());
    let text = fs::read_to_string(source).expect("openapi.json is beside this file");
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&folder).join("openapi.json"), without_space(&text))
        .expect("cargo's folder for build scripts is writable");
}

/// JSON without the white space between its tokens (RFC 8259, section 2).
fn without_space(text: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            inside = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            inside = c == '"';
        }
        out.push(c);
    }
    out
}
