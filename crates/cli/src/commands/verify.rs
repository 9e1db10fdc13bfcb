//! `verify`: whether a call is signed as it should be, and if not, why not.

use std::fmt::Write as _;

use serde_json::json;

use super::sign::{BODY, CANONICAL_URI, CUSTOM, METHOD, SCHEME, time};
use crate::args::Args;
use crate::args::table::{Command, Reach, needs, value, values};
use crate::args::values::header;
use crate::failure::{Exit, Failure};
use crate::input::{self, KEY_FILE};
use crate::output::{self, clean};
use crate::signing::{Incoming, Signer, Verdict, scheme_of};

/// `verify`
pub(crate) const VERIFY: Command = Command {
    words: &["verify"],
    summary: "verify a call; if it fails, say why, with the string that was signed",
    about: "URL is the one that is configured at the caller. Give what came in: the headers with --header,\n\
            the query with --query, the body with --body. The key is never shown: its place in the string\n\
            is <key>. Exit status 3 if the signature does not verify.",
    operands: &[needs("URL", "the URL as it is configured at the caller")],
    options: &[
        SCHEME,
        CUSTOM,
        CANONICAL_URI,
        KEY_FILE,
        METHOD,
        values("header", "'NAME: VALUE'", "a header that came in"),
        value("query", "QUERY", "the query that came in, raw (default: the URL's own)"),
        BODY,
        value("time", "TIME", "verify as of this time (default now)"),
        value("freshness-s", "S", "how old the signed time may be (2-3600)"),
        value("skew-s", "S", "how far ahead the signed time may be (0-3600)"),
    ],
    reach: Reach::Local,
    examples: &[
        "livegate verify https://gate.example/in/src_1 --key-file key.txt --header 'x-hw-mss-time: 66df9308' --header 'x-hw-mss-secret: 5e7f' --time 2024-09-10T00:30:00Z",
        "livegate verify https://gate.example/in/src_1 --scheme MSS_A --key-file key.txt --query 'hwSecret=5e7f&hwTime=66df9308'",
    ],
    run,
};

fn run(args: &Args) -> Result<(), Failure> {
    let url = args.operand(0);
    let signer = Signer::new(scheme_of(args)?, input::key(args)?.as_deref())?;
    let headers = args
        .each("header")
        .iter()
        .map(|text| header(text).map_err(|what| args.usage(what)))
        .collect::<Result<Vec<_>, _>>()?;
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let own_query = url.split_once('?').map_or("", |(_, query)| query);
    let given_query = args.text("query").map(|query| query.strip_prefix('?').unwrap_or(query));
    let body = args.text("body").map_or(Ok(Vec::new()), input::bytes)?;
    let incoming = Incoming {
        method: args.text("method").unwrap_or("POST"),
        url,
        query: given_query.unwrap_or(own_query),
        headers: &headers,
        body: &body,
        freshness_s: args.number("freshness-s", 2..=3600)?,
        skew_s: args.number("skew-s", 0..=3600)?,
    };
    let verdict = signer.verify(&incoming, time(args)?)?;
    if args.switch("json") {
        output::json(&to_json(&verdict))?;
    }
    match verdict {
        Verdict::Verified { signed_at, id, covers_body } => {
            if args.switch("json") {
                return Ok(());
            }
            let body = if covers_body { "signed too" } else { "NOT covered by the signature" };
            let mut text = format!("verified\nbody       {body}\n");
            if let Some(at) = signed_at {
                let _ = writeln!(text, "signed at  {at}");
            }
            if let Some(id) = id {
                let _ = writeln!(text, "id         {}", clean(&id));
            }
            output::put(&text)
        }
        Verdict::Refused { code, why, signed_string } => {
            Err(Failure::new(Exit::Unverified, format!("not verified: {why}"))
                .code(code)
                .point(format!("signed string: {signed_string}"))
                .next("compare the signed string with the caller's, and check the key"))
        }
    }
}

fn to_json(verdict: &Verdict) -> serde_json::Value {
    match verdict {
        Verdict::Verified { signed_at, id, covers_body } => json!({
            "verified": true,
            "signed_at": signed_at.map(|at| at.to_string()),
            "id": id,
            "covers_body": covers_body,
        }),
        Verdict::Refused { code, why, signed_string } => json!({
            "verified": false,
            "code": code,
            "reason": why,
            "signed_string": signed_string,
        }),
    }
}
