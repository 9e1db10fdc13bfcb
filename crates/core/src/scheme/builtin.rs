//! The table of schemes that are built in.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::model::{
    Algorithm, BodyForm, Carrier, Encoding, IdField, IdKind, KeyForm, Part, Pick, Place, Recipe,
    Rule, Scheme, TimeField, TimeFormat,
};
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
///
/// The first four are the `auth_type` values of Huawei `MetaStudio`'s live event callbacks
/// (its API reference, `LiveEventCallBackConfig`); the last two are Standard Webhooks 1.0.0.
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
        }
    }

    /// The row of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|row| row.as_str() == name)
    }

    /// The scheme.
    pub fn scheme(self) -> Scheme {
        self.scheme_with(CanonicalUri::default())
    }

    /// The scheme with another reading of Huawei's `URI()`; the other rows have none and stay the
    /// same.
    pub fn scheme_with(self, uri: CanonicalUri) -> Scheme {
        let (rule, policy) = match self {
            Self::None => (Rule::Open, Policy::MINUTE),
            Self::MeituanDefault => (Rule::Incomplete, Policy::MINUTE),
            Self::MssA => (huawei(uri, query("hwSecret"), query("hwTime")), Policy::MINUTE),
            Self::MssAHead => {
                (huawei(uri, header("x-hw-mss-secret"), header("x-hw-mss-time")), Policy::MINUTE)
            }
            Self::StandardWebhooks => (
                standard_webhooks(Algorithm::HmacSha256, KeyForm::Whsec, "v1,"),
                Policy::FIVE_MINUTES,
            ),
            Self::StandardWebhooksV1a => (
                standard_webhooks(Algorithm::Ed25519, KeyForm::Ed25519, "v1a,"),
                Policy::FIVE_MINUTES,
            ),
        };
        Scheme { name: self.as_str().to_string(), rule, policy }
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

/// `MetaStudio` API reference, `LiveEventCallBackConfig.auth_type`: HMAC-SHA256 over
/// `URI(live_event_callback_url)` and the hex seconds as they travel, nothing between them.
fn huawei(uri: CanonicalUri, signature: Place, time: Place) -> Rule {
    let mut message = match uri {
        CanonicalUri::HostPathQuery => vec![Part::Host, Part::Path, Part::SortedQuery],
        CanonicalUri::HostPath => vec![Part::Host, Part::Path],
        CanonicalUri::FullUrl => vec![Part::Url],
    };
    message.push(Part::Time);
    Rule::Signed(Box::new(Recipe {
        algorithm: Algorithm::HmacSha256,
        encoding: Encoding::Hex,
        key: KeyForm::Text,
        message,
        signature,
        time: Some(TimeField { at: time, format: TimeFormat::HexSeconds }),
        id: None,
        body: BodyForm::Json,
    }))
}

/// Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers".
fn standard_webhooks(algorithm: Algorithm, key: KeyForm, prefix: &str) -> Rule {
    let message: Vec<Part> = vec![
        Part::Id,
        Part::Literal(String::from(".")),
        Part::Time,
        Part::Literal(String::from(".")),
        Part::Body,
    ];
    Rule::Signed(Box::new(Recipe {
        algorithm,
        encoding: Encoding::Base64,
        key,
        message,
        signature: Place {
            carrier: Carrier::Header(String::from("webhook-signature")),
            pick: Pick::Labelled { separator: String::from(" "), prefix: prefix.to_string() },
        },
        time: Some(TimeField { at: header("webhook-timestamp"), format: TimeFormat::Seconds }),
        id: Some(IdField { at: header("webhook-id"), kind: IdKind::Message }),
        body: BodyForm::Json,
    }))
}

fn header(name: &str) -> Place {
    Place { carrier: Carrier::Header(name.to_string()), pick: Pick::Whole }
}

fn query(name: &str) -> Place {
    Place { carrier: Carrier::Query(name.to_string()), pick: Pick::Whole }
}

#[cfg(test)]
mod tests {
    use super::{Builtin, CanonicalUri};
    use crate::scheme::model::Scheme;
    use crate::scheme::raw::RawScheme;

    #[test]
    fn every_row_passes_the_check_that_custom_schemes_pass() {
        for row in Builtin::ALL {
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
