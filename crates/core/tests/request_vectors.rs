//! Reads `vectors/request/*.json` (made by `vectors/make_request.py` with the vendors' own
//! signers): requests of their clients, and what has to be said to each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use livegate_core::error::Coded;
use livegate_core::scheme::request::rpc::{MAX_BYTES, Params, ParamsError};
use livegate_core::scheme::request::{Authentic, Claim, Request, RequestError, RequestScheme};
use livegate_core::time::{Millis, UnixMillis};
use serde::Deserialize;

#[derive(Deserialize)]
struct File<V> {
    vectors: Vec<V>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    why: String,
    request: Wire,
    secret: String,
    now_ms: u64,
    expect: String,
    scheme: Option<String>,
    access_key: Option<String>,
    time_ms: Option<u64>,
    nonce: Option<String>,
    action: Option<String>,
    version: Option<String>,
    params: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamsVector {
    name: String,
    why: String,
    query: String,
    flatten: Vec<String>,
    expect: Option<BTreeMap<String, String>>,
    code: Option<String>,
}

const SIGNED: &[&str] = &["acs3.json", "hmac_sha1.json", "huawei.json"];
const STRUCTS: &[&str] = &["MultiStreamURL", "SeiParams", "SingleSubParams", "TranscodeParams"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/request")
}

fn read<V: for<'de> Deserialize<'de>>(name: &str) -> Vec<V> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let file: File<V> = serde_json::from_str(&text).unwrap();
    assert!(!file.vectors.is_empty(), "{name} has no vectors");
    file.vectors
}

fn signed() -> Vec<Vector> {
    SIGNED.iter().flat_map(|name| read(name)).collect()
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn request<'a>(wire: &'a Wire, headers: &'a [(&'a str, &'a str)]) -> Request<'a> {
    Request {
        method: &wire.method,
        path: &wire.path,
        query: &wire.query,
        headers,
        body: wire.body.as_bytes(),
    }
}

fn pairs(params: &Params) -> BTreeMap<String, String> {
    params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn every_request_gets_what_its_vector_says() {
    for vector in signed() {
        let headers = borrowed(&vector.request.headers);
        let request = request(&vector.request, &headers);
        let outcome = Claim::read(&request)
            .and_then(|claim| claim.verify(&vector.secret, UnixMillis(vector.now_ms)));
        let said = outcome.as_ref().map_or_else(|error| error.code().as_str(), |_| "authentic");
        assert_eq!(said, vector.expect, "{} ({})", vector.name, vector.why);
        if let Ok(authentic) = outcome {
            agrees(&vector, authentic);
        }
    }
}

fn agrees(vector: &Vector, authentic: Authentic<'_>) {
    let name = &vector.name;
    let scheme = match authentic.scheme() {
        RequestScheme::SdkHmacSha256 => "SDK-HMAC-SHA256",
        RequestScheme::Acs3HmacSha256 => "ACS3-HMAC-SHA256",
        RequestScheme::RpcHmacSha1 => "HMAC-SHA1",
        _ => "unknown",
    };
    assert_eq!(Some(scheme), vector.scheme.as_deref(), "{name}");
    assert_eq!(Some(authentic.access_key()), vector.access_key.as_deref(), "{name}");
    assert_eq!(Some(authentic.time().0), vector.time_ms, "{name}");
    assert_eq!(authentic.nonce(), vector.nonce.as_deref(), "{name}");
    let Some(action) = &vector.action else {
        assert_eq!(authentic.rpc().unwrap_err(), RequestError::Missing("x-acs-action"), "{name}");
        return;
    };
    let operation = authentic.rpc().unwrap();
    assert_eq!(&operation.action, action, "{name}");
    assert_eq!(Some(operation.version), vector.version, "{name}");
    if let Some(expect) = &vector.params {
        assert_eq!(&pairs(&operation.params), expect, "{name}");
    }
}

/// The moment from which on a nonce may be forgotten is the first at which the request is stale.
#[test]
fn a_request_expires_when_it_is_stale() {
    for vector in signed().iter().filter(|vector| vector.expect == "authentic") {
        let headers = borrowed(&vector.request.headers);
        let request = request(&vector.request, &headers);
        let verify = |now| Claim::read(&request).unwrap().verify(&vector.secret, now);
        let expires = verify(UnixMillis(vector.now_ms)).unwrap().expires();
        assert!(verify(expires.minus(Millis(1))).is_ok(), "{}", vector.name);
        let stale = RequestError::Stale { by: Millis(1) };
        assert_eq!(verify(expires).err(), Some(stale), "{}", vector.name);
    }
}

#[test]
fn any_changed_byte_of_a_signed_request_is_refused() {
    let all = signed();
    // The first vectors of the two files that sign headers.
    for first in ["parameters in the query", "a change with a body"] {
        let vector = all.iter().find(|vector| vector.name == first).unwrap();
        let headers = borrowed(&vector.request.headers);
        let good = request(&vector.request, &headers);
        let is_good = |request: &Request<'_>| {
            Claim::read(request)
                .and_then(|claim| claim.verify(&vector.secret, UnixMillis(vector.now_ms)))
                // Another access key has another secret.
                .is_ok_and(|one| Some(one.access_key()) == vector.access_key.as_deref())
        };
        assert!(is_good(&good));
        for at in 0..good.body.len() {
            let mut body = good.body.to_vec();
            body[at] ^= 1;
            assert!(!is_good(&Request { body: &body, ..good }), "byte {at} of the body");
        }
        for (index, (name, value)) in headers.iter().enumerate() {
            for (at, byte) in value.bytes().enumerate() {
                let other = char::from(if byte == b'a' { b'b' } else { b'a' });
                let changed = format!("{}{other}{}", &value[..at], &value[at + 1..]);
                let mut headers = headers.clone();
                headers[index].1 = &changed;
                assert!(!is_good(&Request { headers: &headers, ..good }), "byte {at} of {name}");
            }
        }
    }
}

#[test]
fn neither_secret_nor_signature_is_shown() {
    let mut refused = BTreeSet::new();
    for vector in signed() {
        let headers = borrowed(&vector.request.headers);
        let request = request(&vector.request, &headers);
        let claim = Claim::read(&request);
        let shown = match claim {
            Ok(claim) => {
                let before = format!("{claim:?}");
                let after = claim.verify(&vector.secret, UnixMillis(vector.now_ms));
                if let Err(error) = &after {
                    refused.insert(error.code().as_str());
                    assert!(!error.to_string().contains(error.code().as_str()));
                }
                format!("{before} {after:?}")
            }
            Err(error) => {
                refused.insert(error.code().as_str());
                format!("{error:?} {error}")
            }
        };
        let mut hidden = vec![vector.secret.as_str()];
        for text in headers.iter().map(|(_, value)| *value).chain([vector.request.query.as_str()]) {
            hidden.extend(text.split("Signature=").nth(1).filter(|rest| rest.len() > 10));
        }
        for secret in hidden.iter().filter(|secret| secret.len() > 1) {
            assert!(!shown.contains(secret), "{}: {shown}", vector.name);
        }
    }
    // Every way to be refused is among the vectors; an unreadable query stands for the parameters.
    for code in [
        "auth.request_algorithm",
        "auth.request_body_changed",
        "auth.request_body_unsigned",
        "auth.request_duplicate",
        "auth.request_future",
        "auth.request_header_unsigned",
        "auth.request_malformed",
        "auth.request_mismatch",
        "auth.request_missing",
        "auth.request_signed_header",
        "auth.request_stale",
        "auth.request_unsigned",
        "rpc.malformed",
    ] {
        assert!(refused.contains(code), "{code}");
    }
}

fn params(query: &str) -> Result<Params, ParamsError> {
    Params::read(&Request { method: "GET", path: "/", query, headers: &[], body: b"" })
}

fn flattened(query: &str) -> Result<Params, ParamsError> {
    let mut params = params(query)?;
    params.flatten(STRUCTS)?;
    Ok(params)
}

#[test]
fn parameters_are_what_their_vector_says() {
    for vector in read::<ParamsVector>("params.json") {
        let about = format!("{} ({})", vector.name, vector.why);
        assert_eq!(vector.flatten, STRUCTS, "{about}");
        match (flattened(&vector.query), vector.expect) {
            (Ok(params), Some(expect)) => assert_eq!(pairs(&params), expect, "{about}"),
            (Ok(_), None) => panic!("{about}: it was read"),
            (Err(error), _) => {
                assert_eq!(Some(error.code().as_str()), vector.code.as_deref(), "{about}");
            }
        }
    }
}

#[test]
fn parameters_are_bounded_to_the_byte() {
    let most = format!("a={}", "b".repeat(MAX_BYTES - 1));
    assert_eq!(params(&most).unwrap().get("a").map(str::len), Some(MAX_BYTES - 1));
    assert_eq!(params(&format!("{most}b")), Err(ParamsError::TooLarge));
    // Encoded, it is three times as long.
    let most = format!("a={}", "%62".repeat(MAX_BYTES - 1));
    assert!(params(&most).is_ok());
    let headers = [("content-type", "Application/x-www-form-urlencoded")];
    let body = "c".repeat(MAX_BYTES / 2);
    let query = "a".repeat(MAX_BYTES / 2);
    let both = |body: &str| {
        let body = body.as_bytes();
        Params::read(&Request { method: "POST", path: "/", query: &query, headers: &headers, body })
    };
    assert!(both(&body).is_ok());
    assert_eq!(both(&format!("{body}c")), Err(ParamsError::TooLarge));
}

#[test]
fn a_place_is_walked_like_a_tree() {
    let json = r#"{"Layout":{"UserPanes":[{"X":"0","UserInfo":{"UserId":"u1"}},{"X":"1"}]}}"#;
    let params =
        flattened(&format!("TranscodeParams={json}&Users.1=a&Users.2=b&Users.4=d")).unwrap();
    let panes = params.at("TranscodeParams").at("Layout").at("UserPanes");
    assert_eq!(panes.path(), "TranscodeParams.Layout.UserPanes");
    assert!(panes.is_present() && panes.value().is_none());
    let found: Vec<_> = panes
        .items()
        .map(|pane| (pane.get("X"), pane.at("UserInfo").is_present(), pane.get("UserInfo.UserId")))
        .collect();
    assert_eq!(found, [(Some("0"), true, Some("u1")), (Some("1"), false, None)]);
    let users: Vec<_> = params.at("Users").items().filter_map(|user| user.value()).collect();
    assert_eq!(users, ["a", "b"], "a list ends at its first gap");
    assert!(!params.has("User") && !params.has("TranscodeParams.Lay") && params.has("Users"));
    assert_eq!(params.at("Nobody").items().count(), 0);
}

#[test]
fn what_nobody_asked_for_is_named() {
    let known = ["AppId", "Users.N", "A.N.B", "A.N.C.D", "E"];
    for (query, odd) in [
        ("AppId=1&Users.1=a&Users.2=b&A.1.B=x&A.1.C.D=y&E=", vec![]),
        ("appid=1&AppId.1=2&X=", vec!["AppId.1", "X", "appid"]),
        (
            "Users=a&Users.0=a&Users.01=b&Users.x=c&Users.1.2=d",
            vec!["Users", "Users.0", "Users.01", "Users.1.2", "Users.x"],
        ),
        // A gap: what is behind it would not be read.
        ("Users.1=a&Users.3=b&Users.4=c", vec!["Users.3"]),
        ("Users.2=a", vec!["Users.2"]),
        // An empty container is known, a value in its place is not.
        ("Users=&A.1=&A.1.C=", vec![]),
        ("A=1&A.1=1&A.1.C=1", vec!["A", "A.1", "A.1.C"]),
        ("Users.18446744073709551616=a", vec!["Users.18446744073709551616"]),
    ] {
        let params = params(query).unwrap();
        assert_eq!(params.unknown(&known).collect::<Vec<_>>(), odd, "{query}");
    }
}

#[test]
fn names_are_shown_and_values_are_not() {
    let params = params("Signature=c2VjcmV0&StreamURL=rtmp").unwrap();
    assert_eq!(format!("{params:?}"), r#"{"Signature", "StreamURL"}"#);
}

#[test]
fn every_file_of_the_folder_is_read() {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["acs3.json", "hmac_sha1.json", "huawei.json", "params.json"]);
}
