//! The body of the fuzz target `scheme`, so that tests replay its corpus.

use alloc::string::String;
use alloc::vec::Vec;

use super::model::Carrier;
use super::{
    Builtin, Call, CanonicalUri, Outgoing, Scheme, Secret, Secrets, ShowBody, Signer, Verifier,
    explain,
};
use crate::time::{Millis, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

/// Takes up to seven fields with a zero byte between them: the scheme (a built-in name, perhaps
/// with `/` and a reading of its URI, or JSON), the key, the URL, the received query, the headers
/// (`name: value` lines), the id, and the body. Whatever they are, nothing may panic; a scheme has
/// to survive being written and read; and what is signed has to verify.
///
/// # Panics
/// If one of these does not hold.
pub fn fuzz_scheme(data: &[u8]) {
    let _ = run(data);
}

/// How far one input came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    NoScheme,
    NoKey,
    NoVerifier,
    NotSigned,
    /// What was signed was verified again.
    Signed,
}

fn run(data: &[u8]) -> Reached {
    let mut fields = data.splitn(7, |byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(fields.next().unwrap_or_default());
    let (name, key, url, query) = (text(), text(), text(), text());
    let (lines, id) = (text(), text());
    let body = fields.next().unwrap_or_default();
    let Some(scheme) = scheme(&name) else {
        return Reached::NoScheme;
    };
    survives_json(&scheme);

    let headers: Vec<(&str, &str)> =
        lines.lines().filter_map(|line| line.split_once(": ")).collect();
    let call = Call { method: "POST", query: &query, headers: &headers, body };
    let _ = explain(&scheme, &url, &call, ShowBody::Digest);
    let _ = explain(&scheme, &url, &call, ShowBody::Text);
    let Ok(secret) = Secret::for_scheme(&scheme, &key) else {
        return Reached::NoKey;
    };
    let secrets = Secrets::rotating(secret.clone(), secret, NOW.plus(Millis(1)));
    let Ok(verifier) = Verifier::new(&scheme, &url, Some(&secrets), scheme.policy()) else {
        return Reached::NoVerifier;
    };
    if let Ok(verified) = verifier.verify(&call, NOW) {
        let _ = verified.replay_key();
    }
    let outgoing = Outgoing { method: "POST", headers: &headers, body, id: &id };
    signs_what_verifies(&scheme, &secrets, &url, &outgoing)
}

fn scheme(name: &str) -> Option<Scheme> {
    let (row, uri) = name.split_once('/').unwrap_or((name, ""));
    match Builtin::from_name(row) {
        Some(row) => Some(row.scheme_with(CanonicalUri::from_name(uri).unwrap_or_default())),
        None => serde_json::from_str(name).ok(),
    }
}

fn survives_json(scheme: &Scheme) {
    let json = serde_json::to_string(scheme);
    let again = json.ok().and_then(|json| serde_json::from_str(&json).ok());
    assert_eq!(again.as_ref(), Some(scheme), "a scheme does not survive its JSON");
}

fn signs_what_verifies(
    scheme: &Scheme,
    secrets: &Secrets,
    url: &str,
    outgoing: &Outgoing<'_>,
) -> Reached {
    let signer = Signer::new(scheme, url, Some(secrets));
    let Ok(added) = signer.map(|signer| signer.sign(outgoing, NOW)) else {
        return Reached::NotSigned;
    };
    let Ok(added) = added else {
        return Reached::NotSigned;
    };
    // A signature inside the body would have to be written into it first; a time inside the body
    // need not be now.
    let time_in_body = scheme
        .recipe()
        .and_then(|recipe| recipe.time.as_ref())
        .is_some_and(|time| matches!(time.at.carrier, Carrier::Body(_)));
    if !added.body_fields.is_empty() || time_in_body {
        return Reached::NotSigned;
    }
    let sent_to = added.url(url);
    let query = sent_to.split_once('?').map_or("", |(_, query)| query);
    let replaced = |name: &str| {
        let mut set = added.headers.iter();
        set.any(|(set, _)| set.eq_ignore_ascii_case(name))
    };
    let kept = outgoing.headers.iter().copied();
    let set = added.headers.iter();
    let headers: Vec<(&str, &str)> = kept
        .filter(|(name, _)| !replaced(name))
        .chain(set.map(|(name, value)| (name.as_str(), value.as_str())))
        .collect();
    let call = Call { method: outgoing.method, query, headers: &headers, body: outgoing.body };
    let verifier = Verifier::new(scheme, url, Some(secrets), scheme.policy());
    let outcome = verifier.map(|verifier| verifier.verify(&call, NOW).map(|_| ()));
    assert_eq!(outcome, Ok(Ok(())), "what was signed is refused");
    Reached::Signed
}

#[cfg(test)]
mod tests {
    use super::{Reached, fuzz_scheme, run};
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec;

    const SCHEMES: &[&str] = &[
        "NONE",
        "MSS_A",
        "MSS_A/full-url",
        "MSS_A_HEAD",
        "MSS_A_HEAD/host-path",
        "MEITUAN_DEFAULT",
        "standard-webhooks",
        "standard-webhooks-v1a",
        r#"{"algorithm":"sha1","message":[{"sorted":{"values":["key","time","id"]}}],"signature":{"body":"/signature"},"time":{"at":{"body":"/timestamp"},"format":"seconds"},"id":{"at":{"body":"/nonce"},"kind":"call"}}"#,
        r#"{"algorithm":"hmac-sha256","message":["body","time"],"signature":{"header":"D","separator":".","index":2},"time":{"at":{"header":"D","separator":".","index":1},"format":"seconds"}}"#,
        r#"{"algorithm":"md5","message":["method","received-query",{"value":{"query":"a"}},{"literal":"|"},"id","key","time"],"signature":{"query":"s"},"time":{"at":{"query":"t"},"format":"rfc3339"},"id":{"at":{"header":"S","separator":",","prefix":"i="},"kind":"message"}}"#,
        r#"{"algorithm":"hmac-sha1","encoding":"base64","message":["time",{"literal":"."},"body"],"signature":{"header":"S","separator":",","prefix":"v1="},"time":{"at":{"header":"S","separator":",","prefix":"t="},"format":"millis"}}"#,
    ];

    const WORDS: &[&str] = &[
        "hwTime=",
        "hwSecret=",
        "66df9308",
        "&",
        "?",
        "%",
        "%41",
        "a=1",
        "t=",
        "s=",
        "https://",
        "h",
        "/",
        ":",
        "[",
        "]",
        "@",
        "#",
        "\n",
        "webhook-id: ",
        "webhook-timestamp: ",
        "webhook-signature: ",
        "x-hw-mss-time: ",
        "S: ",
        "D: ",
        "v1,",
        "v1=",
        "1725928200",
        ".",
        ",",
        " ",
        "AAAA",
        "é",
        r#"{"nonce":"#,
        "1",
        r#""timestamp":1725928200"#,
        "}",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ];

    /// Text out of words that mean something here, and some that mean nothing.
    fn words() -> impl Strategy<Value = String> {
        let word = prop::sample::select(WORDS);
        prop::collection::vec(word, 0..12).prop_map(|words| words.concat())
    }

    #[test]
    fn a_good_input_is_signed_and_verified() {
        let whsec = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let call = "https://h/p?a=1\0\0\0id1\0{}";
        for name in SCHEMES {
            let outcome = run(std::format!("{name}\0{whsec}\0{call}").as_bytes());
            let expected = match *name {
                "MEITUAN_DEFAULT" => Reached::NotSigned,
                "standard-webhooks-v1a" => Reached::NoKey,
                name if name.contains("/timestamp") || name.contains("\"D\"") => Reached::NotSigned,
                _ => Reached::Signed,
            };
            assert_eq!(outcome, expected, "{name}");
        }
    }

    fn key() -> impl Strategy<Value = String> {
        const KEYS: &[&str] = &[
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
            "",
        ];
        prop::sample::select(KEYS).prop_map(String::from)
    }

    fn url() -> impl Strategy<Value = String> {
        const BEGIN: &[&str] = &["", "https://h", "https://h/?", "http://[::1]:8"];
        let begin = prop::sample::select(BEGIN);
        (begin, words()).prop_map(|(begin, rest)| std::format!("{begin}{rest}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn nothing_panics_and_what_is_signed_verifies(
            scheme in prop::sample::select(SCHEMES),
            key in key(),
            url in url(),
            query in words(),
            headers in words(),
            id in words(),
            body in words(),
        ) {
            let fields = [scheme, &key, &url, &query, &headers, &id, &body];
            fuzz_scheme(fields.join("\0").as_bytes());
        }

        #[test]
        fn no_bytes_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
            fuzz_scheme(&data);
            let with_scheme: Vec<u8> = b"standard-webhooks\0".iter().copied().chain(data).collect();
            fuzz_scheme(&with_scheme);
        }
    }
}
