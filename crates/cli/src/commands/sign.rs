//! `sign`: the headers and query parameters that make a call a signed one.

use serde_json::{Map, Value, json};

use crate::args::Args;
use crate::args::table::{Command, Opt, Reach, needs, switch, value};
use crate::args::values::point_in_time;
use crate::clock::{now, random};
use crate::failure::Failure;
use crate::input::{self, KEY_FILE};
use crate::output;
use crate::signing::{Outgoing, Signer, scheme_of};
use livegate_core::time::UnixMillis;

/// Which scheme.
pub(super) const SCHEME: Opt = value(
    "scheme",
    "SCHEME",
    "MSS_A_HEAD (default), MSS_A, standard-webhooks, standard-webhooks-v1a, …",
);
/// A scheme of one's own.
pub(super) const CUSTOM: Opt = value("custom", "JSON", "a scheme of your own, as JSON or @FILE");
/// Huawei's canonical URI.
pub(super) const CANONICAL_URI: Opt =
    value("canonical-uri", "FORM", "host-path-query (default), host-path or full-url");
/// The body.
pub(super) const BODY: Opt =
    value("body", "FILE", "the body (`-`: standard input; default: empty)");
/// The method.
pub(super) const METHOD: Opt = value("method", "METHOD", "the HTTP method (default POST)");

/// `sign`
pub(crate) const SIGN: Command = Command {
    words: &["sign"],
    summary: "sign a call: prints the headers and query parameters to add",
    about: "URL is the one that is configured at the caller. Nothing is sent.",
    operands: &[needs("URL", "the URL to be called, as it is configured")],
    options: &[
        SCHEME,
        CUSTOM,
        CANONICAL_URI,
        KEY_FILE,
        METHOD,
        BODY,
        value("id", "ID", "the message's id, where the scheme has one (default: a new one)"),
        value("time", "TIME", "sign as of this time (default now)"),
        switch("explain", "print the string that is signed too, the key's place as <key>"),
    ],
    reach: Reach::Local,
    examples: &[
        "livegate sign https://gate.example/in/src_1 --key-file key.txt --body callback.json",
        "livegate sign https://shop.example/hooks --scheme standard-webhooks --key-file secret.txt --body event.json",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let url = args.operand(0);
    let scheme = scheme_of(args)?;
    let key = Signer::new(scheme, input::key(args)?.as_deref())?;
    let body = args.text("body").map_or(Ok(Vec::new()), input::bytes)?;
    let id = message_id(args)?;
    let method = args.text("method").unwrap_or("POST");
    let outgoing = Outgoing { method, url, id: &id, body: &body };
    let signed = key.sign(&outgoing, time(args)?)?;
    let explained = if args.switch("explain") { Some(signed.explained.as_str()) } else { None };
    if args.switch("json") {
        let headers: Map<String, Value> = signed
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        let query: Map<String, Value> = signed
            .query
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        let mut out = json!({"headers": headers, "query": query, "url": signed.url(url)});
        if let Some(explained) = explained {
            out["signed_string"] = explained.into();
        }
        return output::json(&out);
    }
    for (name, value) in &signed.headers {
        output::line(&format!("{name}: {value}"))?;
    }
    if !signed.query.is_empty() {
        output::line(&signed.url(url))?;
    }
    if signed.headers.is_empty() && signed.query.is_empty() {
        output::note("this scheme adds nothing to a call");
    }
    if let Some(explained) = explained {
        output::line(&format!("\nsigned string: {}", output::clean(explained)))?;
    }
    Ok(())
}

/// The id that was given, or a new one.
pub(super) fn message_id(args: &Args) -> Result<String, Failure> {
    args.text("id")
        .map_or_else(|| Ok(format!("msg_{}", hex::encode(random::<16>()?))), |id| Ok(id.to_owned()))
}

/// The time that was given, or now.
pub(super) fn time(args: &Args) -> Result<UnixMillis, Failure> {
    let Some(text) = args.text("time") else {
        return Ok(now());
    };
    point_in_time(text, now()).map_err(|what| args.usage(format!("--time: {what}")))
}
