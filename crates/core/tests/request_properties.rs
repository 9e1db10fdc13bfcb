//! What holds for any request of a vendor's client.

use livegate_core::scheme::request::rpc::Params;
use livegate_core::scheme::request::{Claim, Request, basic};
use livegate_core::time::UnixMillis;
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

/// Headers that come near to those of the schemes.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        Just("authorization".to_owned()),
        Just("x-sdk-date".to_owned()),
        Just("x-acs-date".to_owned()),
        Just("host".to_owned()),
        Just("content-type".to_owned()),
        "[a-zA-Z-é]{0,12}",
    ];
    let value = prop_oneof![
        Just("20240910T003000Z".to_owned()),
        Just("application/x-www-form-urlencoded".to_owned()),
        "(SDK|ACS3)-HMAC-SHA256 (Access|Credential)=[a-zé]{0,3},SignedHeaders=[a-z;-]{0,9},\
         Signature=[0-9a-f]{60,65}",
        Just(format!(
            "SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x-sdk-date, Signature={}",
            "0".repeat(64)
        )),
        any::<String>(),
    ];
    prop::collection::vec((name, value), 0..8)
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "([a-c]{0,2}(%[0-9a-f]{2})?(=[+a-z%]{0,4})?&?){0,8}",
        "(AccessKeyId=a&|Timestamp=2024-09-10T00:30:00Z&|SignatureNonce=[a-z]{0,3}&|\
         SignatureMethod=HMAC-SHA1&|SignatureVersion=1.0&|Signature=[A-Za-z0-9]{26,28}=?&){0,9}",
    ]
}

fn encode(text: &str) -> String {
    let one = |byte| if byte == b' ' { "+".to_owned() } else { format!("%{byte:02x}") };
    text.bytes().map(one).collect::<Vec<_>>().concat()
}

proptest! {
    #[test]
    fn no_request_panics_and_none_that_nobody_signed_is_taken(
        method in "[A-Za-zé]{0,5}",
        path in prop_oneof![Just("/".to_owned()), any::<String>(), "(/|%[0-9a-f]{2}|[a-z]){0,9}"],
        query in query(),
        headers in headers(),
        body in prop_oneof![any::<Vec<u8>>(), query().prop_map(String::into_bytes)],
    ) {
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let request =
            Request { method: &method, path: &path, query: &query, headers: &headers, body: &body };
        if let Ok(claim) = Claim::read(&request) {
            prop_assert!(claim.verify("a secret", NOW).is_err());
        }
        let _ = Params::read(&request);
        let _ = basic::read(&query);
    }

    /// A form as another library writes it is read back.
    #[test]
    fn what_is_encoded_is_read(pairs in prop::collection::btree_map(any::<String>(), any::<String>(), 0..9)) {
        let form: Vec<_> =
            pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let form = form.join("&");
        // A name of no bytes is one still, with its equals sign.
        let request = Request { method: "GET", path: "/", query: &form, headers: &[], body: b"" };
        let params = Params::read(&request).unwrap();
        let read: Vec<_> = params.iter().collect();
        let given: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        prop_assert_eq!(read, given);
    }

    /// Whatever JSON is spread, the outcome's size is bounded and every name is the parameter's.
    #[test]
    fn any_json_is_spread_or_refused(json in prop_oneof![
        any::<String>(),
        r#"[\[{]("[ab]{0,2}":|[\[\]{},]|"x"|1|null){0,20}[\]}]"#,
        r#"\{("[ab.]{0,2}":("x"|\[(1|\{\}|null)?(,2)?\]|\{"c":null\}),){0,6}"d":1\}"#,
    ]) {
        let query = format!("S={}", encode(&json));
        let request = Request { method: "GET", path: "/", query: &query, headers: &[], body: b"" };
        let mut params = Params::read(&request).unwrap();
        let valid = serde_json::from_str::<serde_json::Value>(&json).is_ok_and(|value| {
            value.is_object() || value.is_array()
        });
        match params.flatten(&["S"]) {
            Ok(()) => {
                prop_assert!(valid || json.is_empty());
                prop_assert!(params.iter().all(|(name, _)| name == "S" || name.starts_with("S.")));
                prop_assert!(params.has("S"));
            }
            // What is valid is refused for one name twice only: `a.b` and `b` in `a`, or a member
            // that comes twice.
            Err(error) => prop_assert!(!valid || format!("{error:?}") == "Duplicate", "{error:?}"),
        }
    }
}
