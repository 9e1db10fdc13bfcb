//! What holds for every scheme: what is signed verifies, and nothing that differs from it does.

use livegate_core::scheme::{
    Builtin, Call, CanonicalUri, Outgoing, Refusal, Scheme, Secret, Secrets, ShowBody, Signer,
    Verifier, explain,
};
use livegate_core::time::{Millis, UnixMillis};
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

/// A scheme and a key for it.
fn schemes() -> Vec<(Scheme, &'static str)> {
    let text = "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly";
    let whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let whsk = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    let custom = |json: &str| serde_json::from_str(json).unwrap();
    let mut all = vec![
        (Builtin::StandardWebhooks.scheme(), whsec),
        (Builtin::StandardWebhooksV1a.scheme(), whsk),
        (
            custom(
                r#"{"algorithm":"sha256","message":["id",{"literal":"|"},"time","body","key"],
                    "signature":{"query":"sig"},"encoding":"base64",
                    "time":{"at":{"query":"ts"},"format":"millis"},
                    "id":{"at":{"query":"nonce"},"kind":"call"}}"#,
            ),
            text,
        ),
        (
            custom(
                r#"{"algorithm":"md5","message":[{"sorted":{"values":["id","time","key"]}},"body"],
                    "signature":{"header":"x","separator":";","index":2},
                    "time":{"at":{"header":"x","separator":";","index":0},"format":"rfc3339"},
                    "id":{"at":{"header":"x","separator":";","index":1},"kind":"call"}}"#,
            ),
            text,
        ),
        (
            custom(
                r#"{"algorithm":"hmac-sha1","message":["time",{"literal":"."},"body"],
                    "signature":{"header":"s","separator":",","prefix":"v1="},
                    "time":{"at":{"header":"s","separator":",","prefix":"t="},"format":"seconds"}}"#,
            ),
            text,
        ),
    ];
    for row in [Builtin::MssA, Builtin::MssAHead] {
        all.extend(CanonicalUri::ALL.iter().map(|uri| (row.scheme_with(*uri), text)));
    }
    all
}

/// A call that somebody signed, to be changed at will.
#[derive(Clone, Debug)]
struct Sent {
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn new(scheme: &Scheme, secrets: &Secrets, url: &str, id: &str, body: &[u8]) -> Self {
        let signer = Signer::new(scheme, url, Some(secrets)).unwrap();
        let outgoing = Outgoing { method: "POST", headers: &[], body, id };
        let added = signer.sign(&outgoing, NOW).unwrap();
        let sent_to = added.url(url);
        let query = sent_to.split_once('?').map_or("", |(_, query)| query);
        Self { query: query.to_owned(), headers: added.headers, body: body.to_vec() }
    }

    fn verify(&self, verifier: &Verifier, now: UnixMillis) -> Result<(), Refusal> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let call = Call { method: "POST", query: &self.query, headers: &headers, body: &self.body };
        let outcome = verifier.verify(&call, now)?;
        assert_eq!(outcome.body(), self.body);
        Ok(())
    }
}

fn url() -> impl Strategy<Value = String> {
    "https://[a-z]{1,8}(:[0-9]{2,4})?(/[a-zA-Z0-9%_.~-]{0,8}){0,3}(\\?([a-c]{1,2}(=[a-z0-9+]{0,4})?&){0,4})?"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_signed_verifies_with_either_key_and_no_other(
        url in url(),
        id in "[a-zA-Z0-9_-]{1,32}",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for (scheme, key) in schemes() {
            let secret = Secret::for_scheme(&scheme, key).unwrap();
            let other = match key.get(..5) {
                Some("whsec") => "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                Some("whsk_") => "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
                _ => "another",
            };
            let other = Secret::for_scheme(&scheme, other).unwrap();
            let sent = Sent::new(&scheme, &Secrets::new(secret.clone()), &url, &id, &body);
            let verifier = |secrets: &Secrets| {
                Verifier::new(&scheme, &url, Some(secrets), scheme.policy()).unwrap()
            };
            let until = NOW.plus(Millis(1));
            let current = verifier(&Secrets::new(secret.clone()));
            let rotated = verifier(&Secrets::rotating(other.clone(), secret, until));
            let foreign = verifier(&Secrets::new(other));
            prop_assert_eq!(sent.verify(&current, NOW), Ok(()), "{}", scheme.name());
            prop_assert_eq!(sent.verify(&rotated, NOW), Ok(()));
            prop_assert_eq!(sent.verify(&rotated, until), Err(Refusal::Mismatch));
            prop_assert_eq!(sent.verify(&foreign, NOW), Err(Refusal::Mismatch));
        }
    }

    #[test]
    fn a_single_changed_bit_is_refused(
        url in url(),
        id in "[a-zA-Z0-9_-]{1,32}",
        body in prop::collection::vec(any::<u8>(), 1..64),
        at in any::<prop::sample::Index>(),
        bit in 0u32..7,
    ) {
        for (scheme, key) in schemes() {
            let secrets = Secrets::new(Secret::for_scheme(&scheme, key).unwrap());
            let verifier = Verifier::new(&scheme, &url, Some(&secrets), scheme.policy()).unwrap();
            let sent = Sent::new(&scheme, &secrets, &url, &id, &body);
            prop_assert_eq!(sent.verify(&verifier, NOW), Ok(()));

            let mut changed = sent.clone();
            let index = at.index(changed.body.len());
            changed.body[index] ^= 1 << bit;
            prop_assert_eq!(changed.verify(&verifier, NOW).is_err(), scheme.covers_body());

            // Id, time and signature as they travel; two spellings of one value are not a change.
            for (index, (_, value)) in sent.headers.iter().enumerate() {
                if let Some(other) = with_a_bit_changed(value, at, bit) {
                    let mut changed = sent.clone();
                    changed.headers[index].1 = other;
                    prop_assert!(changed.verify(&verifier, NOW).is_err(), "{}", scheme.name());
                }
            }
            for name in scheme.query_names() {
                let pairs = sent.query.split('&').map(str::to_owned).collect::<Vec<_>>();
                let index = pairs.iter().position(|pair| pair.starts_with(&format!("{name}=")));
                let index = index.unwrap();
                let value = pairs[index].split_once('=').unwrap().1;
                if let Some(other) = with_a_bit_changed(value, at, bit) {
                    let mut pairs = pairs.clone();
                    pairs[index] = format!("{name}={other}");
                    let mut changed = sent.clone();
                    changed.query = pairs.join("&");
                    prop_assert!(changed.verify(&verifier, NOW).is_err(), "{}", scheme.name());
                }
            }
        }
    }

    #[test]
    fn an_old_or_early_call_is_refused(id in "[a-z]{1,8}", off in 1u64..10_000_000) {
        for (scheme, key) in schemes() {
            let url = "https://example.com/in";
            let secrets = Secrets::new(Secret::for_scheme(&scheme, key).unwrap());
            let policy = scheme.policy();
            let verifier = Verifier::new(&scheme, url, Some(&secrets), policy).unwrap();
            let sent = Sent::new(&scheme, &secrets, url, &id, b"{}");
            let late = NOW.plus(policy.freshness()).plus(Millis(off));
            let stale = Refusal::TimestampStale { by: Millis(off) };
            prop_assert_eq!(sent.verify(&verifier, late), Err(stale));
            let early = NOW.minus(policy.skew()).minus(Millis(off));
            let future = Refusal::TimestampFuture { by: Millis(off) };
            prop_assert_eq!(sent.verify(&verifier, early), Err(future));
        }
    }

    #[test]
    fn people_see_neither_key_nor_computed_signature(
        url in url(),
        id in "[a-z]{1,8}",
        body in "[ -~]{0,64}",
    ) {
        for (scheme, key) in schemes() {
            let secrets = Secrets::new(Secret::for_scheme(&scheme, key).unwrap());
            let sent = Sent::new(&scheme, &secrets, &url, &id, body.as_bytes());
            let headers: Vec<(&str, &str)> =
                sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let call =
                Call { method: "POST", query: &sent.query, headers: &headers, body: &sent.body };
            let shown = explain(&scheme, &url, &call, ShowBody::Text);
            prop_assert!(!shown.contains(key));
            for value in signatures(&sent) {
                prop_assert!(!shown.contains(&value), "{} in {}", value, shown);
            }
            let verifier = Verifier::new(&scheme, &url, Some(&secrets), scheme.policy()).unwrap();
            prop_assert_eq!(&shown, &verifier.explain(&call, ShowBody::Text));
            let debug = format!("{verifier:?} {secrets:?}");
            prop_assert!(!debug.contains(key));
        }
    }
}

/// A text with one bit of one character changed, if that is another text of printable characters
/// and not the same in another case (which hex has).
fn with_a_bit_changed(text: &str, at: prop::sample::Index, bit: u32) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let index = at.index(bytes.len());
    bytes[index] ^= 1 << bit;
    let changed = String::from_utf8(bytes).ok()?;
    let printable = changed.bytes().all(|byte| byte.is_ascii_graphic());
    (printable && !changed.eq_ignore_ascii_case(text)).then_some(changed)
}

/// Whatever is long enough in a call to be a signature.
fn signatures(sent: &Sent) -> Vec<String> {
    let values = sent.headers.iter().map(|(_, value)| value.as_str());
    let query = sent.query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, v)| v);
    values
        .chain(query)
        .flat_map(|value| value.split([',', ';', ' ']))
        .filter(|piece| piece.len() >= 32)
        .map(str::to_owned)
        .collect()
}
