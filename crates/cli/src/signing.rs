//! The signature schemes of the core, as commands use them: schemes by name, keys as text,
//! refusals with the string that was signed.

use livegate_core::error::Coded;
use livegate_core::scheme::{
    self, Builtin, Call, CanonicalUri, Policy, Scheme, Secret, Secrets, ShowBody, Verifier, explain,
};
use livegate_core::time::{Millis, UnixMillis};
use serde_json::Value;

use crate::args::Args;
use crate::clock::random;
use crate::failure::Failure;
use crate::input;

/// The scheme of sources and of `send` unless another is named.
const DEFAULT: Builtin = Builtin::MssAHead;

/// A scheme and its key.
pub(crate) struct Signer {
    scheme: Scheme,
    secrets: Option<Secrets>,
}

/// A call to be signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The URL as it is configured.
    pub(crate) url: &'a str,
    /// The message's id, for schemes that have one.
    pub(crate) id: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// What makes a call a signed one.
pub(crate) struct Signed {
    /// Headers to add.
    pub(crate) headers: Vec<(String, String)>,
    /// Query parameters to add, not encoded.
    pub(crate) query: Vec<(String, String)>,
    /// The body to send: what was handed in, unless the scheme puts fields into it.
    pub(crate) body: Vec<u8>,
    /// The string that was signed, the key's place as `<key>`.
    pub(crate) explained: String,
    parts: scheme::Signed,
}

impl Signed {
    /// The URL with the signature's query parameters.
    pub(crate) fn url(&self, url: &str) -> String {
        self.parts.url(url)
    }
}

/// A call that came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The URL as it is configured at the caller.
    pub(crate) url: &'a str,
    /// The query as it came, without `?`.
    pub(crate) query: &'a str,
    /// The headers as they came.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub(crate) body: &'a [u8],
    /// How old it may be; the scheme's own limit if not given.
    pub(crate) freshness_s: Option<u64>,
    /// How far ahead; the scheme's own limit if not given.
    pub(crate) skew_s: Option<u64>,
}

/// Whether a call is signed as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is.
    Verified {
        /// When it was signed, by the signer's clock.
        signed_at: Option<UnixMillis>,
        /// Its id, where the scheme has one.
        id: Option<String>,
        /// Whether the signature covers the body.
        covers_body: bool,
    },
    /// It is not.
    Refused {
        /// The stable name of the reason.
        code: String,
        /// The reason in words.
        why: String,
        /// The string that should have been signed, the key's place as `<key>`.
        signed_string: String,
    },
}

impl Signer {
    /// A signer by `scheme`; fails if the key is not one of that scheme, or is needed and not
    /// there.
    pub(crate) fn new(scheme: Scheme, key: Option<&str>) -> Result<Self, Failure> {
        if !scheme.needs_key() {
            return Ok(Self { scheme, secrets: None });
        }
        let Some(key) = key else {
            return Err(Failure::usage(format!("{} needs a key", scheme.name()))
                .next("give it with --key-file FILE or LIVEGATE_KEY; see `livegate help keys`"));
        };
        let secret = Secret::for_scheme(&scheme, key).map_err(|error| coded("the key", &error))?;
        Ok(Self { scheme, secrets: Some(Secrets::new(secret)) })
    }

    /// A signer by Standard Webhooks; the secret begins with `whsec_`.
    pub(crate) fn standard_webhooks(secret: &str) -> Result<Self, Failure> {
        Self::new(Builtin::StandardWebhooks.scheme(), Some(secret))
    }

    /// Signs a call as of `now`.
    pub(crate) fn sign(&self, call: &Outgoing<'_>, now: UnixMillis) -> Result<Signed, Failure> {
        let ready = scheme::Signer::new(&self.scheme, call.url, self.secrets.as_ref())
            .map_err(|error| coded("cannot sign", &error))?;
        let outgoing =
            scheme::Outgoing { method: call.method, headers: &[], body: call.body, id: call.id };
        let parts = ready.sign(&outgoing, now).map_err(|error| coded("cannot sign", &error))?;
        let body = with_fields(call.body, &parts.body_fields)?;
        let headers: Vec<(&str, &str)> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let url = parts.url(call.url);
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let signed = Call { method: call.method, query, headers: &headers, body: &body };
        let explained = explain(&self.scheme, call.url, &signed, ShowBody::Text);
        Ok(Signed {
            headers: parts.headers.clone(),
            query: parts.query.clone(),
            body,
            explained,
            parts,
        })
    }

    /// Verifies a call as of `now`.
    pub(crate) fn verify(&self, call: &Incoming<'_>, now: UnixMillis) -> Result<Verdict, Failure> {
        let own = self.scheme.policy();
        let seconds = |given: Option<u64>, own: Millis| given.map_or(own, Millis::from_secs);
        let policy = Policy::new(
            seconds(call.freshness_s, own.freshness()),
            seconds(call.skew_s, own.skew()),
        )
        .map_err(|error| coded("cannot verify", &error))?;
        let verifier = Verifier::new(&self.scheme, call.url, self.secrets.as_ref(), policy)
            .map_err(|error| coded("cannot verify", &error))?;
        let observed =
            Call { method: call.method, query: call.query, headers: call.headers, body: call.body };
        Ok(match verifier.verify(&observed, now) {
            Ok(call) => Verdict::Verified {
                signed_at: call.signed_at(),
                id: call.id().map(str::to_owned),
                covers_body: call.covers_body(),
            },
            Err(refusal) => Verdict::Refused {
                code: refusal.code().as_str().to_owned(),
                why: refusal.to_string(),
                signed_string: explain(&self.scheme, call.url, &observed, ShowBody::Text),
            },
        })
    }
}

/// The scheme that the options say.
pub(crate) fn scheme_of(args: &Args) -> Result<Scheme, Failure> {
    let custom = input::inline_json(args, "custom")?;
    let name = args.text("scheme");
    let uri = args.text("canonical-uri");
    scheme(name, uri, custom.as_ref()).map_err(|failure| failure.next("livegate help sign"))
}

/// The scheme of a source, as the API describes it.
pub(crate) fn scheme_of_source(source: &Value) -> Result<Scheme, Failure> {
    let text = |field: &str| source.get(field).and_then(Value::as_str);
    let custom = source.get("custom").filter(|custom| custom.is_object());
    scheme(text("scheme"), text("canonical_uri"), custom)
}

fn scheme(
    name: Option<&str>,
    uri: Option<&str>,
    custom: Option<&Value>,
) -> Result<Scheme, Failure> {
    let custom = custom.map(|custom| {
        serde_json::from_value::<Scheme>(custom.clone())
            .map_err(|error| Failure::usage(format!("the custom scheme is not valid: {error}")))
    });
    let custom = custom.transpose()?;
    let unnamed = if custom.is_some() { "custom" } else { DEFAULT.as_str() };
    let name = name.unwrap_or(unnamed);
    let uri = match uri {
        None => CanonicalUri::default(),
        Some(form) => CanonicalUri::from_name(form).ok_or_else(|| {
            Failure::usage("the canonical URI is host-path-query, host-path or full-url")
        })?,
    };
    if name == "custom" {
        return custom.ok_or_else(|| {
            Failure::usage("the scheme `custom` needs --custom: the scheme as JSON")
        });
    }
    let builtin = Builtin::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Builtin::ALL.iter().map(|row| row.as_str()).collect();
        Failure::usage(format!("the scheme is one of {}, custom", names.join(", ")))
    })?;
    let scheme = builtin.scheme_with(uri);
    Ok(match custom {
        Some(custom) if !scheme.is_complete() => scheme.completed_by(custom),
        _ => scheme,
    })
}

/// A new Standard Webhooks secret: `whsec_` and the base64 of 32 random bytes.
pub(crate) fn new_secret() -> Result<String, Failure> {
    Ok(format!("whsec_{}", base64(&random::<32>()?)))
}

/// Base64 with padding (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = [0, 1, 2].map(|i| u32::from(chunk.get(i).copied().unwrap_or_default()));
        let bits = three[0] << 16 | three[1] << 8 | three[2];
        for i in 0..4 {
            let index = (bits >> (18 - 6 * i)) as usize & 63;
            text.push(if i <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    text
}

/// The body with string fields set at JSON pointers whose parents are there.
fn with_fields(body: &[u8], fields: &[(String, String)]) -> Result<Vec<u8>, Failure> {
    if fields.is_empty() {
        return Ok(body.to_vec());
    }
    let impossible = || Failure::failed("the scheme signs in the body, which has no place for it");
    let mut json: Value = serde_json::from_slice(body).map_err(|_| impossible())?;
    for (pointer, value) in fields {
        let (parent, name) = pointer.rsplit_once('/').ok_or_else(impossible)?;
        let name = name.replace("~1", "/").replace("~0", "~");
        let parent = json.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.ok_or_else(impossible)?.insert(name, value.as_str().into());
    }
    serde_json::to_vec(&json).map_err(|_| impossible())
}

fn coded(doing: &str, error: &impl Coded) -> Failure {
    Failure::failed(format!("{doing}: {error}")).code(error.code().as_str())
}

#[cfg(test)]
mod tests {
    use super::{Incoming, Outgoing, Signer, Verdict, base64, new_secret, scheme, with_fields};
    use livegate_core::time::UnixMillis;
    use serde_json::json;

    const KEY: &str = "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly";
    const URL: &str = "https://api.example.com/v1/products?live_id=111&limit=10&offset=0";
    const NOW: UnixMillis = UnixMillis(1_725_928_200_000);

    fn signer(name: &str) -> Signer {
        Signer::new(scheme(Some(name), None, None).unwrap(), Some(KEY)).unwrap()
    }

    fn verify(query: &str, headers: &[(&str, &str)], now: UnixMillis) -> Verdict {
        let name = if headers.is_empty() { "MSS_A" } else { "MSS_A_HEAD" };
        let incoming = Incoming {
            method: "POST",
            url: URL,
            query,
            headers,
            body: b"",
            freshness_s: None,
            skew_s: None,
        };
        signer(name).verify(&incoming, now).unwrap()
    }

    // The worked example of Huawei's API reference (CreateLivePlatform, CustomPlatformAuthConfig).
    const SECRET: &str = "5e7fe8869a12a87ea966d9edbc02e38cd4ce62c73b8b05c638f15835e78902d7";

    #[test]
    fn signs_the_published_example() {
        let outgoing = Outgoing { method: "GET", url: URL, id: "", body: b"" };
        let signed = signer("MSS_A_HEAD").sign(&outgoing, NOW).unwrap();
        let found = |name: &str| {
            signed.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(found("x-hw-mss-secret"), Some(SECRET));
        assert_eq!(found("x-hw-mss-time"), Some("66df9308"));
        assert_eq!(
            signed.explained,
            "api.example.com/v1/products?limit=10&live_id=111&offset=066df9308"
        );
    }

    #[test]
    fn a_query_scheme_adds_to_the_url() {
        let outgoing = Outgoing { method: "POST", url: URL, id: "", body: b"" };
        let signed = signer("MSS_A").sign(&outgoing, NOW).unwrap();
        let url = signed.url(URL);
        assert!(url.starts_with(URL));
        assert!(url.contains(&format!("hwSecret={SECRET}")), "{url}");
        let query = url.split_once('?').unwrap().1;
        assert!(matches!(verify(query, &[], NOW), Verdict::Verified { covers_body: false, .. }));
    }

    #[test]
    fn a_refusal_says_why_and_what_was_signed_but_not_the_key() {
        let headers =
            [("X-Hw-Mss-Time", "66df9308"), ("X-Hw-Mss-Secret", &SECRET.replace('5', "6"))];
        let Verdict::Refused { code, signed_string, why } = verify("", &headers, NOW) else {
            panic!("verified")
        };
        assert_eq!(code, "sign.mismatch");
        assert!(signed_string.starts_with("api.example.com/v1/products?limit=10"));
        assert!(!format!("{signed_string}{why}").contains(KEY));
        assert!(!format!("{signed_string}{why}").contains(SECRET));
    }

    #[test]
    fn an_old_signature_is_stale() {
        let headers = [("x-hw-mss-time", "66df9308"), ("x-hw-mss-secret", SECRET)];
        let later = UnixMillis(NOW.0 + 61_000);
        assert!(matches!(
            verify("", &headers, later),
            Verdict::Refused { code, .. } if code == "sign.timestamp_stale"
        ));
    }

    #[test]
    fn a_key_is_asked_for_and_never_echoed() {
        let incomplete = Signer::new(scheme(None, None, None).unwrap(), None).err().unwrap();
        assert!(incomplete.to_string().contains("--key-file"));
        let webhooks = scheme(Some("standard-webhooks"), None, None).unwrap();
        let refused = Signer::new(webhooks, Some("whsec_not+base64+at+all!")).err().unwrap();
        assert!(!refused.to_string().contains("whsec_not"), "{refused}");
    }

    #[test]
    fn an_unknown_scheme_is_answered_with_the_known_ones() {
        let refused = scheme(Some("MSS_B"), None, None).err().unwrap().to_string();
        assert!(refused.contains("MSS_A_HEAD") && refused.contains("custom"), "{refused}");
        assert!(scheme(Some("custom"), None, None).is_err());
        assert!(scheme(None, Some("path"), None).is_err());
    }

    #[test]
    fn a_scheme_of_ones_own_signs_by_itself_and_completes_the_one_that_lacks_its_rules() {
        let custom = json!({
            "algorithm": "hmac-sha256", "message": ["body"], "signature": {"header": "sign"},
        });
        for name in [None, Some("custom"), Some("MEITUAN_DEFAULT")] {
            let own = Signer::new(scheme(name, None, Some(&custom)).unwrap(), Some("key")).unwrap();
            let outgoing = Outgoing { method: "POST", url: URL, id: "", body: b"data" };
            let signed = own.sign(&outgoing, NOW).unwrap();
            // printf data | openssl dgst -sha256 -hmac key
            let expected = "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0";
            assert_eq!(signed.headers, [("sign".to_owned(), expected.to_owned())]);
        }
    }

    #[test]
    fn base64_pads() {
        // RFC 4648 §10.
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_new_secret_signs_and_is_new() {
        let secret = new_secret().unwrap();
        assert!(Signer::standard_webhooks(&secret).is_ok());
        assert_ne!(secret, new_secret().unwrap());
    }

    #[test]
    fn fields_are_set_where_their_parents_are() {
        let fields = [("/a/s~1x".to_owned(), "v".to_owned())];
        let body = with_fields(br#"{"a":{}}"#, &fields).unwrap();
        assert_eq!(body, br#"{"a":{"s/x":"v"}}"#);
        assert!(with_fields(b"{}", &fields).is_err());
        assert!(with_fields(b"text", &fields).is_err());
    }
}
