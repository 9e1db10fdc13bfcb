//! Ids of tenants, sources, endpoints, subscriptions and events: checked once, then trusted.
//!
//! An id is a prefix and 32 lower-case hex digits (16 bytes), e.g.
//! `src_0123456789abcdef0123456789abcdef`. This crate never draws randomness: shells hand in the
//! 16 bytes. An event's bytes are its channel's number and its sequence in that channel
//! ([`EventId::of`]), so an event is found from its id alone, without an index.

use alloc::string::String;
use core::fmt;

use crate::error::{Code, Coded, Fault};

/// A text that is not an id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId {
    /// The prefix it should have, e.g. `src_`.
    pub prefix: &'static str,
}

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id here is {} and 32 lower-case hex digits", self.prefix)
    }
}

impl core::error::Error for NotAnId {}

impl Coded for NotAnId {
    fn code(&self) -> Code {
        Code::new("id.malformed")
    }

    fn fault(&self) -> Fault {
        Fault::Caller
    }
}

fn parse_bytes(text: &str, prefix: &'static str) -> Result<[u8; 16], NotAnId> {
    let digits = text.strip_prefix(prefix).ok_or(NotAnId { prefix })?;
    let mut bytes = [0; 16];
    if digits.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(NotAnId { prefix });
    }
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotAnId { prefix })?;
    Ok(bytes)
}

fn write_bytes(f: &mut fmt::Formatter<'_>, prefix: &str, bytes: [u8; 16]) -> fmt::Result {
    write!(f, "{prefix}{:032x}", u128::from_be_bytes(bytes))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What every such id begins with.
            pub const PREFIX: &str = $prefix;

            /// The id made of these bytes; a new one wants 16 random ones.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes behind the prefix.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0
            }

            /// Reads an id.
            ///
            /// # Errors
            /// [`NotAnId`] if the prefix or the 32 lower-case hex digits are not there.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                parse_bytes(text, Self::PREFIX).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_bytes(f, Self::PREFIX, self.0)
            }
        }

        impl core::str::FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Self::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text = alloc::borrow::Cow::<'de, str>::deserialize(input)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A tenant.
    TenantId, "ten_");
id!(
    /// A source of callbacks: one vendor account's signing settings and its address here.
    SourceId, "src_");
id!(
    /// An endpoint: a URL that gets events.
    EndpointId, "ep_");
id!(
    /// A subscription: which events go to which endpoint.
    SubscriptionId, "sub_");
id!(
    /// An accepted event; see [`EventId::of`].
    EventId, "evt_");
id!(
    /// A bulk replay.
    ReplayId, "rpl_");
id!(
    /// A refused call.
    RejectionId, "rej_");

/// An event's place in its channel's log, from 1.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Eight bytes that stand for one channel of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelNumber(pub [u8; 8]);

impl ChannelNumber {
    /// The number of a tenant's channel: the first eight bytes of SHA-256 over the tenant's id, a
    /// slash, and the channel's name. Two channels of one tenant share one with a chance of
    /// n²/2⁶⁵, for n channels.
    pub fn of(tenant: TenantId, channel: &str) -> Self {
        use sha2::Digest;
        let mut hash = sha2::Sha256::new();
        hash.update(tenant.to_bytes());
        hash.update(b"/");
        hash.update(channel.as_bytes());
        let digest = hash.finalize();
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Self(first)
    }
}

impl EventId {
    /// The id of the event at `seq` in the channel of that number.
    pub const fn of(channel: ChannelNumber, seq: Seq) -> Self {
        let number = u64::from_be_bytes(channel.0) as u128;
        Self((number << 64 | seq.0 as u128).to_be_bytes())
    }

    /// Which channel, and where in it.
    pub const fn place(self) -> (ChannelNumber, Seq) {
        #[expect(clippy::cast_possible_truncation, reason = "each half has 64 bits")]
        const fn half(bits: u128) -> u64 {
            bits as u64
        }
        let both = u128::from_be_bytes(self.0);
        let seq = half(both & u64::MAX as u128);
        (ChannelNumber(half(both >> 64).to_be_bytes()), Seq(seq))
    }
}

/// A token as it is stored: SHA-256 in hex. Tokens carry 128 or more random bits, so a plain hash
/// is enough.
pub fn token_hash(token: &str) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{ChannelNumber, EventId, Seq, SourceId, TenantId};
    use std::string::ToString;

    #[test]
    fn an_id_reads_back_what_it_shows() {
        let id = SourceId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), "src_abababababababababababababababab");
        assert_eq!(SourceId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn refuses_another_prefix_upper_case_and_wrong_lengths() {
        for bad in [
            "",
            "src_",
            "ep_abababababababababababababababab",
            "src_ABABABABABABABABABABABABABABABAB",
            "src_ababababababababababababababab",
            "src_abababababababababababababababab00",
            "src_ababababababababababababababaxyz",
        ] {
            assert!(SourceId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_is_found_from_its_id() {
        let channel = ChannelNumber::of(TenantId::from_bytes([1; 16]), "room");
        let id = EventId::of(channel, Seq(77));
        assert_eq!(id.place(), (channel, Seq(77)));
        assert_ne!(channel, ChannelNumber::of(TenantId::from_bytes([2; 16]), "room"));
    }
}
