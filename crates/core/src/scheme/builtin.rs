//! The table of schemes that are built in.

use alloc::string::ToString;
use alloc::vec;
use core::fmt;

use super::model::{Part, Rule, Scheme};
use super::policy::Policy;

/// A scheme that is built in.
///
/// | name | signed | how | travels in | covers the body |
/// |---|---|---|---|---|
/// | `NONE` | nothing | | | no |
/// | `MSS_A` | [`CanonicalUri`], then the time | HMAC-SHA256, hex | query `hwSecret`, `hwTime` | no |
/// | `MSS_A_HEAD` | the same | the same | headers `x-hw-mss-secret`, `x-hw-mss-time` | no |
/// | `MEITUAN_DEFAULT` | not public | | | |
/// | `standard-webhooks` | id `.` time `.` body | HMAC-SHA256, base64 | headers `webhook-*` | yes |
/// | `standard-webhooks-v1a` | the same | Ed25519, base64 | the same | yes |
/// | `ALIBABA_LIVE` | host `\|` time `\|` key | MD5, hex | headers `ALI-LIVE-SIGNATURE`, `ALI-LIVE-TIMESTAMP` | no |
/// | `ALIBABA_RTC_RECORDING` | time `\|` key | the same | the same | no |
/// | `ALIBABA_RTC_MPU` | not public | | | |
/// | `DINGRTC` | body, then the time | HMAC-SHA256, hex | header `DingRTC-Signature`: app, time, signature | yes |
/// | `AGORA_NCS` | body | HMAC-SHA256, hex | header `Agora-Signature-V2` | yes |
/// | `AGORA_NCS_V1` | body | HMAC-SHA1, hex | header `Agora-Signature` | yes |
/// | `TRTC` | body | HMAC-SHA256, base64 | header `Sign` | yes |
/// | `ZEGO` | key, time and nonce, sorted | SHA-1, hex | body `signature`, `timestamp`, `nonce` | no |
/// | `VOLCENGINE_RTC` | key and seven fields of the body, sorted | SHA-256, hex | body `Signature` | no |
/// | `LIVEKIT` | a JSON Web Token with the body's digest | HMAC-SHA256 | header `Authorization` | yes |
///
/// Sources: Huawei `MetaStudio`'s API reference, `LiveEventCallBackConfig` (the first four);
/// Standard Webhooks 1.0.0; docs/spec/signing.md 1.1 says what is known of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Builtin {
    /// Nothing is signed: whoever knows the URL can call it.
    None,
    /// Huawei's HMAC in query parameters.
    MssA,
    /// Huawei's HMAC in headers.
    MssAHead,
    /// Meituan's, whose algorithm is not public. It verifies and signs nothing until
    /// [`Scheme::completed_by`] says how.
    MeituanDefault,
    /// Standard Webhooks, symmetric (`v1`).
    StandardWebhooks,
    /// Standard Webhooks, asymmetric (`v1a`).
    StandardWebhooksV1a,
    /// `ApsaraVideo` Live's; the host is the callback address's, or the ingest domain for ingest
    /// callbacks: whichever the configured URL has.
    AlibabaLive,
    /// ARTC cloud recording's.
    AlibabaRtcRecording,
    /// ARTC mixed-stream relay's, whose algorithm is not public; see [`Builtin::MeituanDefault`].
    AlibabaRtcMpu,
    /// `DingRTC`'s.
    DingRtc,
    /// Agora's notifications, version 2.
    AgoraNcs,
    /// Agora's notifications, version 1.
    AgoraNcsV1,
    /// Tencent's real-time communication.
    Trtc,
    /// ZEGO's server callbacks.
    Zego,
    /// Volcengine's real-time communication.
    VolcengineRtc,
    /// `LiveKit`'s webhooks.
    LiveKit,
}

/// What Huawei's `URI(callback_url)` stands for. The one worked example that Huawei publishes
/// (`CustomPlatformAuthConfig.key`) shows the first; for live event callbacks it is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CanonicalUri {
    /// Host, path, and `?` with the query sorted by name if there is one.
    #[default]
    HostPathQuery,
    /// Host and path.
    HostPath,
    /// The whole URL.
    FullUrl,
}

impl CanonicalUri {
    /// Every variant, in the order of declaration.
    pub const ALL: &[Self] = &[Self::HostPathQuery, Self::HostPath, Self::FullUrl];

    /// The name that settings use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostPathQuery => "host-path-query",
            Self::HostPath => "host-path",
            Self::FullUrl => "full-url",
        }
    }

    /// The variant of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == name)
    }
}

impl Builtin {
    /// Every row, in the order of declaration.
    pub const ALL: &[Self] = &[
        Self::None,
        Self::MssA,
        Self::MssAHead,
        Self::MeituanDefault,
        Self::StandardWebhooks,
        Self::StandardWebhooksV1a,
        Self::AlibabaLive,
        Self::AlibabaRtcRecording,
        Self::AlibabaRtcMpu,
        Self::DingRtc,
        Self::AgoraNcs,
        Self::AgoraNcsV1,
        Self::Trtc,
        Self::Zego,
        Self::VolcengineRtc,
        Self::LiveKit,
    ];

    /// The row's name, as in the vendor's own settings where it has one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::MssA => "MSS_A",
            Self::MssAHead => "MSS_A_HEAD",
            Self::MeituanDefault => "MEITUAN_DEFAULT",
            Self::StandardWebhooks => "standard-webhooks",
            Self::StandardWebhooksV1a => "standard-webhooks-v1a",
            Self::AlibabaLive => "ALIBABA_LIVE",
            Self::AlibabaRtcRecording => "ALIBABA_RTC_RECORDING",
            Self::AlibabaRtcMpu => "ALIBABA_RTC_MPU",
            Self::DingRtc => "DINGRTC",
            Self::AgoraNcs => "AGORA_NCS",
            Self::AgoraNcsV1 => "AGORA_NCS_V1",
            Self::Trtc => "TRTC",
            Self::Zego => "ZEGO",
            Self::VolcengineRtc => "VOLCENGINE_RTC",
            Self::LiveKit => "LIVEKIT",
        }
    }

    /// The row of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|row| row.as_str() == name)
    }

    /// The row as anybody could write it, but for its name.
    const fn row(self) -> &'static str {
        match self {
            Self::None => r#"{"algorithm":"none"}"#,
            Self::MeituanDefault | Self::AlibabaRtcMpu => r#"{"algorithm":"unknown"}"#,
            // MetaStudio API reference, LiveEventCallBackConfig.auth_type.
            Self::MssA => {
                r#"{"algorithm":"hmac-sha256","message":["host","path","sorted-query","time"],
                "signature":{"query":"hwSecret"},
                "time":{"at":{"query":"hwTime"},"format":"hex-seconds"}}"#
            }
            Self::MssAHead => {
                r#"{"algorithm":"hmac-sha256","message":["host","path","sorted-query","time"],
                "signature":{"header":"x-hw-mss-secret"},
                "time":{"at":{"header":"x-hw-mss-time"},"format":"hex-seconds"}}"#
            }
            // Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".
            Self::StandardWebhooks => {
                r#"{"algorithm":"hmac-sha256","encoding":"base64","key":"whsec",
                "message":["id",{"literal":"."},"time",{"literal":"."},"body"],
                "signature":{"header":"webhook-signature","separator":" ","prefix":"v1,"},
                "time":{"at":{"header":"webhook-timestamp"},"format":"seconds"},
                "id":{"at":{"header":"webhook-id"},"kind":"message"},
                "freshness_s":300,"skew_s":300}"#
            }
            Self::StandardWebhooksV1a => {
                r#"{"algorithm":"ed25519","encoding":"base64",
                "message":["id",{"literal":"."},"time",{"literal":"."},"body"],
                "signature":{"header":"webhook-signature","separator":" ","prefix":"v1a,"},
                "time":{"at":{"header":"webhook-timestamp"},"format":"seconds"},
                "id":{"at":{"header":"webhook-id"},"kind":"message"},
                "freshness_s":300,"skew_s":300}"#
            }
            Self::AlibabaLive => {
                r#"{"algorithm":"md5",
                "message":["host-without-port",{"literal":"|"},"time",{"literal":"|"},"key"],
                "signature":{"header":"ALI-LIVE-SIGNATURE"},
                "time":{"at":{"header":"ALI-LIVE-TIMESTAMP"},"format":"seconds"},
                "freshness_s":300,"skew_s":300}"#
            }
            Self::AlibabaRtcRecording => {
                r#"{"algorithm":"md5","message":["time",{"literal":"|"},"key"],
                "signature":{"header":"ALI-LIVE-SIGNATURE"},
                "time":{"at":{"header":"ALI-LIVE-TIMESTAMP"},"format":"seconds"},
                "freshness_s":300,"skew_s":300}"#
            }
            Self::DingRtc => {
                r#"{"algorithm":"hmac-sha256","message":["body","time"],
                "signature":{"header":"DingRTC-Signature","separator":".","index":2},
                "time":{"at":{"header":"DingRTC-Signature","separator":".","index":1},
                "format":"seconds"},"freshness_s":300,"skew_s":300}"#
            }
            Self::AgoraNcs => {
                r#"{"algorithm":"hmac-sha256","message":["body"],
                "signature":{"header":"Agora-Signature-V2"}}"#
            }
            Self::AgoraNcsV1 => {
                r#"{"algorithm":"hmac-sha1","message":["body"],
                "signature":{"header":"Agora-Signature"}}"#
            }
            Self::Trtc => {
                r#"{"algorithm":"hmac-sha256","encoding":"base64","message":["body"],
                "signature":{"header":"Sign"}}"#
            }
            // The nonce is taken for the message's, so that a retry is a repetition and another
            // body under a signature that was seen is none either.
            Self::Zego => {
                r#"{"algorithm":"sha1","message":[{"sorted":{"values":["key","time","id"]}}],
                "signature":{"body":"/signature"},
                "time":{"at":{"body":"/timestamp"},"format":"seconds"},
                "id":{"at":{"body":"/nonce"},"kind":"message"},
                "body":"percent-encoded-json","freshness_s":300,"skew_s":300}"#
            }
            Self::VolcengineRtc => {
                r#"{"algorithm":"sha256","message":[{"sorted":{"values":[
                {"value":{"body":"/EventType"}},{"value":{"body":"/EventData"}},"time","id",
                {"value":{"body":"/Version"}},{"value":{"body":"/AppId"}},
                {"value":{"body":"/Nonce"}},"key"]}}],
                "signature":{"body":"/Signature"},
                "time":{"at":{"body":"/EventTime"},"format":"rfc3339"},
                "id":{"at":{"body":"/EventId"},"kind":"message"},
                "freshness_s":300,"skew_s":300}"#
            }
            // RFC 7515 §3.1: header, payload and signature in URL-safe base64, dots between them.
            Self::LiveKit => {
                r#"{"algorithm":"hmac-sha256","encoding":"base64url","message":[
                {"value":{"header":"Authorization","separator":".","index":0}},{"literal":"."},
                {"value":{"header":"Authorization","separator":".","index":1}}],
                "signature":{"header":"Authorization","separator":".","index":2},
                "time":{"at":{"header":"Authorization","separator":".","index":1,"claim":"/exp"},
                "format":"seconds","means":"expires"},
                "body_digest":{"at":{"header":"Authorization","separator":".","index":1,
                "claim":"/sha256"},"encoding":"base64"},"freshness_s":300,"skew_s":60}"#
            }
        }
    }

    /// The scheme.
    pub fn scheme(self) -> Scheme {
        self.scheme_with(CanonicalUri::default())
    }

    /// The scheme with another reading of Huawei's `URI()`; the other rows have none and stay the
    /// same.
    pub fn scheme_with(self, uri: CanonicalUri) -> Scheme {
        // Every row is checked by a test; one that were not consistent would verify nothing.
        let parsed = super::row::read(self.row()).and_then(|raw| Scheme::try_from(raw).ok());
        let mut scheme = parsed.unwrap_or_else(|| Scheme {
            name: self.as_str().to_string(),
            rule: Rule::Incomplete,
            policy: Policy::MINUTE,
        });
        scheme.name = self.as_str().to_string();
        if let (Self::MssA | Self::MssAHead, Rule::Signed(recipe)) = (self, &mut scheme.rule) {
            recipe.message = match uri {
                CanonicalUri::HostPathQuery => return scheme,
                CanonicalUri::HostPath => vec![Part::Host, Part::Path, Part::Time],
                CanonicalUri::FullUrl => vec![Part::Url, Part::Time],
            };
        }
        scheme
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for CanonicalUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Builtin, CanonicalUri};
    use crate::scheme::model::Scheme;
    use crate::scheme::raw::RawScheme;

    #[test]
    fn every_row_passes_the_check_that_custom_schemes_pass() {
        for row in Builtin::ALL {
            let raw: RawScheme = serde_json::from_str(row.row()).expect("a row is a scheme");
            assert_eq!(crate::scheme::row::read(row.row()), Some(raw.clone()), "{row}");
            assert!(Scheme::try_from(raw).is_ok(), "{row}");
            for uri in CanonicalUri::ALL {
                let scheme = row.scheme_with(*uri);
                let raw = RawScheme::from(scheme.clone());
                assert_eq!(Scheme::try_from(raw), Ok(scheme), "{row}");
            }
        }
    }

    #[test]
    fn names_are_found_again() {
        for row in Builtin::ALL {
            assert_eq!(Builtin::from_name(row.as_str()), Some(*row));
        }
        assert_eq!(Builtin::from_name("mss_a"), None);
        for uri in CanonicalUri::ALL {
            assert_eq!(CanonicalUri::from_name(uri.as_str()), Some(*uri));
        }
    }

    #[test]
    fn rows_say_what_they_cover_and_read() {
        assert!(!Builtin::None.scheme().needs_key());
        assert!(Builtin::None.scheme().is_complete());
        assert!(!Builtin::MeituanDefault.scheme().is_complete());
        assert!(!Builtin::MssAHead.scheme().covers_body());
        assert!(Builtin::StandardWebhooks.scheme().covers_body());
        assert!(!Builtin::MssA.scheme().signature_in_body());
        assert_eq!(Builtin::MssA.scheme().query_names(), ["hwTime", "hwSecret"]);
        assert_eq!(
            Builtin::StandardWebhooks.scheme().header_names(),
            ["webhook-id", "webhook-timestamp", "webhook-signature"]
        );
    }

    #[test]
    fn an_incomplete_row_keeps_its_name_when_it_is_completed() {
        let (custom, open) = (Builtin::StandardWebhooks.scheme(), Builtin::None.scheme());
        let meituan = Builtin::MeituanDefault.scheme();
        let completed = meituan.clone().completed_by(custom.clone());
        assert!(completed.is_complete() && completed.covers_body());
        assert_eq!(completed.name(), "MEITUAN_DEFAULT");
        assert_eq!(meituan.clone().completed_by(open.clone()), meituan);
        assert_eq!(open.clone().completed_by(custom), open);
    }
}
