//! One 800-byte callback through the core, part by part: the same code natively and in wasm.

use core::fmt;
use core::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use livegate_core::dialect::Dialect;
use livegate_core::event::Event;
use livegate_core::filter::{Filter, SubscriptionSet};
use livegate_core::id::SourceId;
use livegate_core::scheme::{Builtin, Call, Outgoing, Secret, Secrets, Signer, Verifier};
use livegate_core::time::UnixMillis;
use sha2::Sha256;

/// Bytes of the callback's body.
pub(crate) const BODY: usize = 800;
/// How many subscriptions the event is matched against.
pub(crate) const SUBSCRIPTIONS: usize = 100;

const NOW: UnixMillis = UnixMillis(1_725_928_205_000);
const URL: &str = "https://hooks.example.com/in/src_0123456789abcdef0123456789abcdef";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// One HMAC-SHA256 over the body, its key's schedule and all: the yardstick.
    BareHmac,
    /// A signature of Huawei's in headers, which does not cover the body.
    VerifyMssAHead,
    /// A signature of Standard Webhooks, which does.
    VerifyStandardWebhooks,
    /// The body read into an event.
    Parse,
    /// The event against [`SUBSCRIPTIONS`] subscriptions.
    Match,
    /// Verified by Huawei's scheme, read and matched.
    WholeMssAHead,
    /// Verified by Standard Webhooks, read and matched.
    WholeStandardWebhooks,
}

impl Case {
    pub(crate) const ALL: &[Self] = &[
        Self::BareHmac,
        Self::VerifyMssAHead,
        Self::VerifyStandardWebhooks,
        Self::Parse,
        Self::Match,
        Self::WholeMssAHead,
        Self::WholeStandardWebhooks,
    ];

    /// The case as tables show it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BareHmac => "bare HMAC-SHA256",
            Self::VerifyMssAHead => "verify MSS_A_HEAD",
            Self::VerifyStandardWebhooks => "verify standard-webhooks",
            Self::Parse => "parse",
            Self::Match => "match",
            Self::WholeMssAHead => "MSS_A_HEAD, all three",
            Self::WholeStandardWebhooks => "standard-webhooks, all three",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A callback as one scheme signs it.
struct Signed {
    verifier: Verifier,
    headers: Vec<(String, String)>,
}

impl Signed {
    fn new(scheme: Builtin, key: &str, body: &[u8]) -> Self {
        let scheme = scheme.scheme();
        let key = Secret::for_scheme(&scheme, key).expect("the key is of the scheme's form");
        let secrets = Secrets::new(key);
        let signer = Signer::new(&scheme, URL, Some(&secrets)).expect("the URL can be signed over");
        let outgoing = Outgoing { method: "POST", headers: &[], body, id: "msg_0123456789abcdef" };
        let headers = signer.sign(&outgoing, NOW).expect("a secret key signs").headers;
        let verifier = Verifier::new(&scheme, URL, Some(&secrets), scheme.policy())
            .expect("the URL can be signed over");
        Self { verifier, headers }
    }

    fn verify(&self, body: &[u8]) -> usize {
        let mut headers = [("", ""); 3];
        for (to, (name, value)) in headers.iter_mut().zip(&self.headers) {
            *to = (name, value);
        }
        let call = Call { method: "POST", query: "", headers: black_box(&headers), body };
        self.verifier.verify(&call, black_box(NOW)).expect("it is signed").body().len()
    }
}

/// Everything that is made once, so that only the calls are measured.
pub(crate) struct Cases {
    body: Vec<u8>,
    mss_a_head: Signed,
    standard_webhooks: Signed,
    subscriptions: SubscriptionSet<usize>,
    source: SourceId,
}

impl Cases {
    pub(crate) fn new() -> Self {
        let body = body();
        assert_eq!(body.len(), BODY, "the callback's size");
        let standard = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        Self {
            mss_a_head: Signed::new(Builtin::MssAHead, "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly", &body),
            standard_webhooks: Signed::new(Builtin::StandardWebhooks, standard, &body),
            subscriptions: (0..SUBSCRIPTIONS).map(|number| (number, filter(number))).collect(),
            source: SourceId::from_bytes([1; 16]),
            body,
        }
    }

    /// Runs a case that many times; the sum is there so that nothing is left out.
    pub(crate) fn run(&self, case: Case, times: u32) -> usize {
        let body = || black_box(self.body.as_slice());
        let mut sum = 0_usize;
        let mut repeat = |one: &dyn Fn() -> usize| {
            for _ in 0..times {
                sum = sum.wrapping_add(one());
            }
        };
        match case {
            Case::BareHmac => repeat(&|| bare_hmac(body())),
            Case::VerifyMssAHead => repeat(&|| self.mss_a_head.verify(body())),
            Case::VerifyStandardWebhooks => repeat(&|| self.standard_webhooks.verify(body())),
            Case::Parse => repeat(&|| Self::parse(body(), |event| event.data.len())),
            Case::Match => {
                let events = Dialect::MetaStudio.parse(&self.body).expect("it is well-formed");
                repeat(&|| self.matches(black_box(events.first())));
            }
            Case::WholeMssAHead => repeat(&|| self.whole(&self.mss_a_head, body())),
            Case::WholeStandardWebhooks => repeat(&|| self.whole(&self.standard_webhooks, body())),
        }
        sum
    }

    fn parse(body: &[u8], then: impl FnOnce(&Event<'_>) -> usize) -> usize {
        let events = black_box(&Dialect::MetaStudio).parse(body).expect("it is well-formed");
        then(events.first())
    }

    fn matches(&self, event: &Event<'_>) -> usize {
        let mut sum = 0_usize;
        self.subscriptions.matches(event, black_box(self.source), |key| {
            sum = sum.wrapping_add(*key);
        });
        sum
    }

    fn whole(&self, signed: &Signed, body: &[u8]) -> usize {
        signed.verify(body).wrapping_add(Self::parse(body, |event| self.matches(event)))
    }
}

fn bare_hmac(body: &[u8]) -> usize {
    let key = black_box(b"0123456789abcdef0123456789abcdef");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| usize::from(*byte)).sum()
}

/// A change of a pushed stream's state, with fields beside the documented ones that conditions look
/// at, and filled up to its size.
fn body() -> Vec<u8> {
    let message = r#"{\"room_id\":\"room-0001\",\"job_id\":\"e87104f76d7546ce8a46ac6b04c49c3c\",\"output_url\":\"rtmp://push.live.example.com/app/26f065244f754b3aa853b649a21aaf66?auth_key=1761000000-0-0-9f86d081884c7d659a2feaa0c55ad015\",\"stream_key\":\"a3bf4f1b2b0b822cd15d6c15b0f00a08d884c7d659a2feaa0c55ad015a3bf4f1\",\"state\":\"DISCONNECTED\",\"retry_count\":3,\"region\":\"cn-north-4\",\"detail\":{\"bitrate_kbps\":4096,\"width\":1920,\"height\":1080,\"codec\":\"h264\",\"reason\":\"peer closed the connection\"},\"note\":\""#;
    let (head, tail) = (r#"{"event_type":"RTMP_STREAM_STATE_CHANGE","message":""#, r#"\"}"}"#);
    let room = BODY.saturating_sub(head.len() + message.len() + tail.len());
    [head, message, &"x".repeat(room), tail].concat().into_bytes()
}

/// A mix as tenants have it: a third by kind, a third by channel, a tenth by user, a quarter with
/// conditions, of which there are some twenty different ones.
pub(crate) fn filter(number: usize) -> Filter {
    let mut members = Vec::new();
    if number.is_multiple_of(3) {
        let kinds = ["relay.*", "script.segment", "RTMP_STREAM_STATE_CHANGE", "reply.*"];
        members.push(format!(r#""kinds":["{}"]"#, kinds[number / 3 % kinds.len()]));
    }
    if number % 3 == 1 {
        members.push(format!(r#""channels":["room-{:04}"]"#, number / 3));
    }
    if number.is_multiple_of(10) {
        members.push(format!(r#""users":["anchor-{}","guest-{number}"]"#, number / 10 % 7));
    }
    if number.is_multiple_of(4) {
        let wheres = [
            r#"{"state":"CONNECTED"}"#.to_owned(),
            r#"{"state":{"$in":["DISCONNECTED","END"]}}"#.to_owned(),
            r#"{"output_url":{"$startsWith":"rtmp://push."},"retry_count":{"$gte":3}}"#.to_owned(),
            r#"{"$or":[{"detail":{"reason":{"$in":"closed"}}},{"state":"END"}]}"#.to_owned(),
            format!(r#"{{"detail":{{"bitrate_kbps":{{"$lt":{}}}}}}}"#, number / 4 % 16 * 500),
        ];
        members.push(format!(r#""where":{}"#, wheres[number / 4 % wheres.len()]));
    }
    Filter::parse(&format!("{{{}}}", members.join(",")))
        .expect("a filter of the mix is well-formed")
}
