//! What a verified call tells, and what errors tell people.

use livegate_core::error::{Coded, Fault};
use livegate_core::scheme::{
    Builtin, Call, IdKind, PrepareError, Refusal, ReplayKey, Scheme, Secret, Secrets, ShowBody,
    SignError, Verifier, explain,
};
use livegate_core::time::{Millis, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

fn open_call(body: &[u8]) -> Call<'_> {
    Call { method: "POST", query: "", headers: &[], body }
}

#[test]
fn a_call_without_an_id_is_known_by_its_time_and_body() {
    let scheme = Builtin::MssAHead.scheme();
    let key = Secret::for_scheme(&scheme, "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly").unwrap();
    let url = "https://api.example.com/v1/products?live_id=111&limit=10&offset=0";
    let verifier = Verifier::new(&scheme, url, Some(&Secrets::new(key)), scheme.policy()).unwrap();
    let headers = [
        ("x-hw-mss-time", "66df9308"),
        ("x-hw-mss-secret", "5e7fe8869a12a87ea966d9edbc02e38cd4ce62c73b8b05c638f15835e78902d7"),
    ];
    let call = Call { headers: &headers, ..open_call(b"{}") };
    let outcome = verifier.verify(&call, NOW).unwrap();
    // hashlib.sha256((8).to_bytes(8, "big") + b"66df9308" + b"{}").hexdigest()
    let expected = "4e6be3bdaf2ca6723d83ec7dd8293de8019d70f34e8aead543dbd951ce5dfdcc";
    assert_eq!(outcome.replay_key(), ReplayKey::Exact(digest(expected)));
    let shown = format!("{outcome:?}");
    assert!(shown.contains("body_len: 2") && !shown.contains("{}"), "{shown}");
}

#[test]
fn a_call_without_time_or_id_is_known_by_its_body() {
    let scheme = Builtin::None.scheme();
    let verifier = Verifier::new(&scheme, "", None, scheme.policy()).unwrap();
    let outcome = verifier.verify(&open_call(b"{}"), NOW).unwrap();
    // hashlib.sha256((0).to_bytes(8, "big") + b"{}").hexdigest()
    let expected = "9bf2cdb8cad05b1300c3c1eb12770a9a52f8b78a40da41030a83040ad08fb797";
    assert_eq!(outcome.replay_key(), ReplayKey::Exact(digest(expected)));
    assert_eq!((outcome.key(), outcome.id(), outcome.signed_at()), (None, None, None));
    assert!(!outcome.covers_body());
}

#[test]
fn an_id_tells_a_replay_from_a_repetition() {
    let hashed = |kind: &str| -> Scheme {
        let json = format!(
            r#"{{"algorithm":"hmac-sha256","message":["id"],"signature":{{"header":"s"}},
                 "id":{{"at":{{"header":"i"}},"kind":"{kind}"}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    };
    // hmac.new(b"k", b"n1", "sha256").hexdigest()
    let headers =
        [("i", "n1"), ("s", "bc3991c001558080e72980a1340ff834c9d708fd19703c1afb3a6f3b81127014")];
    let call = Call { headers: &headers, ..open_call(b"") };
    for (kind, id_kind, expected) in [
        ("call", IdKind::Call, ReplayKey::Call("n1")),
        ("message", IdKind::Message, ReplayKey::Message("n1")),
    ] {
        let scheme = hashed(kind);
        let secrets = Secrets::new(Secret::for_scheme(&scheme, "k").unwrap());
        let verifier =
            Verifier::new(&scheme, "https://h/", Some(&secrets), scheme.policy()).unwrap();
        let outcome = verifier.verify(&call, NOW).unwrap();
        assert_eq!(outcome.replay_key(), expected);
        assert_eq!(scheme.id_kind(), Some(id_kind));
    }
}

fn digest(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_key_of_another_kind_is_refused_when_it_is_made_ready() {
    let (hmac, ed25519) =
        (Builtin::StandardWebhooks.scheme(), Builtin::StandardWebhooksV1a.scheme());
    let symmetric = Secret::for_scheme(&hmac, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let public = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let asymmetric = Secret::for_scheme(&ed25519, public).unwrap();
    for (scheme, secret) in [(hmac, asymmetric), (ed25519, symmetric)] {
        let secrets = Secrets::new(secret);
        let outcome = Verifier::new(&scheme, "https://h/", Some(&secrets), scheme.policy());
        let error = outcome.unwrap_err();
        assert_eq!(error, PrepareError::KeyOfAnotherKind);
        assert_eq!((error.code().as_str(), error.fault()), ("sign.key_kind", Fault::Config));
    }
}

#[test]
fn a_refusal_tells_people_what_and_where_and_by_how_much() {
    let scheme = Builtin::MssA.scheme();
    let key = Secret::for_scheme(&scheme, "k").unwrap();
    let verifier =
        Verifier::new(&scheme, "https://h/", Some(&Secrets::new(key)), scheme.policy()).unwrap();
    let refusal = |query: &str| {
        verifier.verify(&Call { query, ..open_call(b"") }, NOW).unwrap_err().to_string()
    };
    assert_eq!(refusal(""), "the signature (query parameter hwSecret) is missing");
    assert_eq!(refusal("hwSecret=00"), "the time (query parameter hwTime) is missing");
    assert_eq!(
        refusal("hwSecret=00&hwTime=1&hwTime=1"),
        "the time (query parameter hwTime) is there twice"
    );
    assert_eq!(refusal("hwSecret=00&hwTime=x"), "the time (query parameter hwTime) is malformed");
    // 0x66df92cb is 61 seconds before 0x66df9308.
    assert_eq!(
        refusal("hwSecret=00&hwTime=66df92cb"),
        "the call was signed 1000 ms before the window"
    );
}

#[test]
fn texts_for_people_hold_no_code_and_begin_in_lower_case() {
    let by = Millis(1);
    let refusals = [
        Refusal::TooManySignatures,
        Refusal::TimestampStale { by },
        Refusal::TimestampFuture { by },
        Refusal::Mismatch,
        Refusal::SchemeIncomplete,
        Refusal::KeyMissing,
    ];
    let refusals = refusals.iter().map(|error| (error.to_string(), error.code()));
    let others = [
        SignError::SchemeIncomplete,
        SignError::KeyMissing,
        SignError::KeyCannotSign,
        SignError::Id,
        SignError::UrlHasParameter,
    ];
    let others = others.iter().map(|error| (error.to_string(), error.code()));
    for (text, code) in refusals.chain(others) {
        assert!(code.is_well_formed(), "{code:?}");
        assert!(!text.contains(code.as_str()), "{text}");
        assert!(text.starts_with(|c: char| c.is_ascii_lowercase()), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}

#[test]
fn an_explanation_says_what_is_not_there_and_is_bounded() {
    let scheme = Builtin::StandardWebhooks.scheme();
    let shown = |headers: &[(&str, &str)], body: &[u8], show| {
        let call = Call { headers, ..open_call(body) };
        explain(&scheme, "https://h/", &call, show)
    };
    assert_eq!(
        shown(&[], b"{}", ShowBody::Text),
        "<the id (header webhook-id) is missing>.<the time (header webhook-timestamp) is missing>.{}"
    );
    // printf '{}' | sha256sum
    assert_eq!(
        shown(&[("webhook-id", "m"), ("webhook-timestamp", "1")], b"{}", ShowBody::Digest),
        "m.1.<body of 2 bytes, sha256 \
         44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a>"
    );
    let long = "x".repeat(300);
    let headers = [("webhook-id", long.as_str()), ("webhook-timestamp", "1\u{202e}\r\n")];
    let text = shown(&headers, &[b'y'; 5000], ShowBody::Text);
    let expected = format!(
        "{}<44 more bytes>.1\\u{{202e}}\\u{{d}}\\u{{a}}.{}<904 more bytes>",
        "x".repeat(256),
        "y".repeat(4096)
    );
    assert_eq!(text, expected);
    assert_eq!(
        shown(&[("webhook-id", "a.b"), ("webhook-timestamp", "1")], b"", ShowBody::Text),
        "<the id (header webhook-id) is malformed>.1."
    );
}

#[test]
fn an_explanation_keeps_body_fields_and_the_keys_place_to_itself() {
    let json = r#"{"algorithm":"sha1","signature":{"body":"/s"},
        "message":[{"sorted":{"separator":"&","values":[{"value":{"body":"/a"}},"key",
            {"value":{"header":"h"}}]}}]}"#;
    let scheme: Scheme = serde_json::from_str(json).unwrap();
    let headers = [("h", "0")];
    let call = Call { headers: &headers, ..open_call(br#"{"a":"private"}"#) };
    let digest = explain(&scheme, "https://h/", &call, ShowBody::Digest);
    assert_eq!(digest, "sorted(<key>,0,<body field /a of 7 bytes>)<joined with>&");
    let text = explain(&scheme, "https://h/", &call, ShowBody::Text);
    assert_eq!(text, "sorted(<key>,0,private)<joined with>&");
}

#[test]
fn schemes_without_a_message_say_so() {
    for (row, text) in [
        (Builtin::None, "<nothing is signed>"),
        (Builtin::MeituanDefault, "<the scheme has to be completed>"),
    ] {
        let scheme = row.scheme();
        assert_eq!(explain(&scheme, "", &open_call(b""), ShowBody::Text), text);
        let verifier = Verifier::new(&scheme, "", None, scheme.policy()).unwrap();
        assert_eq!(verifier.explain(&open_call(b""), ShowBody::Text), text);
    }
    let bad_url = explain(&Builtin::MssA.scheme(), "x", &open_call(b""), ShowBody::Text);
    assert_eq!(bad_url, "<the configured url is not an absolute http(s) url>");
}
