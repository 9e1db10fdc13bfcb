//! Networks that no callback is sent to, each a predicate over one static prefix or a few.
//!
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) and the documents
//! named beside each.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// A network that is not on the public internet, or leads back from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Network {
    /// 0.0.0.0/8, "this network" (RFC 791 §3.2); `::` (RFC 4291 §2.5.2).
    Unspecified,
    /// 127.0.0.0/8 (RFC 1122 §3.2.1.3); `::1` (RFC 4291 §2.5.3).
    Loopback,
    /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918); `fc00::/7` (RFC 4193); `fec0::/10`
    /// (RFC 3879).
    Private,
    /// 169.254.0.0/16 (RFC 3927); `fe80::/10` (RFC 4291 §2.5.6). Clouds' metadata services are here.
    LinkLocal,
    /// 100.64.0.0/10, shared between carriers and their customers (RFC 6598).
    CarrierNat,
    /// 192.0.0.0/24 (RFC 6890); `2001::/23`, with Teredo in `2001::/32` (RFC 2928, RFC 4380).
    ProtocolAssignments,
    /// 192.88.99.0/24 (RFC 7526); `2002::/16` (RFC 3056), which holds an IPv4 address.
    SixToFour,
    /// 198.18.0.0/15 (RFC 2544).
    Benchmarking,
    /// 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737); `2001:db8::/32` (RFC 3849),
    /// `3fff::/20` (RFC 9637).
    Documentation,
    /// 224.0.0.0/4 (RFC 5771); `ff00::/8` (RFC 4291 §2.7).
    Multicast,
    /// 240.0.0.0/4, class E (RFC 1112 §4), but for the broadcast address.
    Reserved,
    /// 255.255.255.255 (RFC 919 §7).
    Broadcast,
    /// `::ffff:0:0/96` and `::/96`, an IPv4 address in IPv6's clothes (RFC 4291 §2.5.5).
    Ipv4InIpv6,
    /// `64:ff9b::/96` (RFC 6052), `64:ff9b:1::/48` (RFC 8215): an IPv4 address behind a translator.
    Nat64,
    /// `100::/64` (RFC 6666) and `100:0:0:1::/64` (RFC 9780).
    Discard,
    /// `5f00::/16`, `SRv6` segment identifiers (RFC 9602).
    SegmentRouting,
    /// Outside `2000::/3`, the only part of IPv6 that is global unicast (RFC 4291 §2.4, IANA).
    NotGlobalUnicast,
}

impl Network {
    /// Every network, in the order of declaration.
    pub const ALL: &[Self] = &[
        Self::Unspecified,
        Self::Loopback,
        Self::Private,
        Self::LinkLocal,
        Self::CarrierNat,
        Self::ProtocolAssignments,
        Self::SixToFour,
        Self::Benchmarking,
        Self::Documentation,
        Self::Multicast,
        Self::Reserved,
        Self::Broadcast,
        Self::Ipv4InIpv6,
        Self::Nat64,
        Self::Discard,
        Self::SegmentRouting,
        Self::NotGlobalUnicast,
    ];

    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::CarrierNat => "carrier-nat",
            Self::ProtocolAssignments => "protocol-assignments",
            Self::SixToFour => "6to4",
            Self::Benchmarking => "benchmarking",
            Self::Documentation => "documentation",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
            Self::Broadcast => "broadcast",
            Self::Ipv4InIpv6 => "ipv4-in-ipv6",
            Self::Nat64 => "nat64",
            Self::Discard => "discard",
            Self::SegmentRouting => "segment-routing",
            Self::NotGlobalUnicast => "not-global-unicast",
        }
    }

    /// The network that keeps an IPv4 address from being public; `None` for a public one.
    pub const fn of_v4(address: Ipv4Addr) -> Option<Self> {
        let bits = address.to_bits();
        if in_v4(bits, [0, 0, 0, 0], 8) {
            Some(Self::Unspecified)
        } else if in_v4(bits, [127, 0, 0, 0], 8) {
            Some(Self::Loopback)
        } else if is_private_v4(bits) {
            Some(Self::Private)
        } else if in_v4(bits, [169, 254, 0, 0], 16) {
            Some(Self::LinkLocal)
        } else if in_v4(bits, [100, 64, 0, 0], 10) {
            Some(Self::CarrierNat)
        } else if in_v4(bits, [192, 0, 0, 0], 24) {
            Some(Self::ProtocolAssignments)
        } else if in_v4(bits, [192, 88, 99, 0], 24) {
            Some(Self::SixToFour)
        } else if in_v4(bits, [198, 18, 0, 0], 15) {
            Some(Self::Benchmarking)
        } else if is_documentation_v4(bits) {
            Some(Self::Documentation)
        } else if in_v4(bits, [224, 0, 0, 0], 4) {
            Some(Self::Multicast)
        } else if in_v4(bits, [255, 255, 255, 255], 32) {
            Some(Self::Broadcast)
        } else if in_v4(bits, [240, 0, 0, 0], 4) {
            Some(Self::Reserved)
        } else {
            None
        }
    }

    /// The network that keeps an IPv6 address from being public; `None` for a public one.
    pub const fn of_v6(address: Ipv6Addr) -> Option<Self> {
        let bits = address.to_bits();
        if bits == 0 {
            Some(Self::Unspecified)
        } else if bits == 1 {
            Some(Self::Loopback)
        } else if is_ipv4_in_ipv6(bits) {
            Some(Self::Ipv4InIpv6)
        } else if is_nat64(bits) {
            Some(Self::Nat64)
        } else if is_discard(bits) {
            Some(Self::Discard)
        } else if in_v6(bits, [0x2001, 0, 0, 0], 23) {
            Some(Self::ProtocolAssignments)
        } else if in_v6(bits, [0x2002, 0, 0, 0], 16) {
            Some(Self::SixToFour)
        } else if is_documentation_v6(bits) {
            Some(Self::Documentation)
        } else if in_v6(bits, [0x5f00, 0, 0, 0], 16) {
            Some(Self::SegmentRouting)
        } else if is_private_v6(bits) {
            Some(Self::Private)
        } else if in_v6(bits, [0xfe80, 0, 0, 0], 10) {
            Some(Self::LinkLocal)
        } else if in_v6(bits, [0xff00, 0, 0, 0], 8) {
            Some(Self::Multicast)
        } else if !in_v6(bits, [0x2000, 0, 0, 0], 3) {
            Some(Self::NotGlobalUnicast)
        } else {
            None
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const fn is_private_v4(bits: u32) -> bool {
    in_v4(bits, [10, 0, 0, 0], 8)
        || in_v4(bits, [172, 16, 0, 0], 12)
        || in_v4(bits, [192, 168, 0, 0], 16)
}

const fn is_documentation_v4(bits: u32) -> bool {
    in_v4(bits, [192, 0, 2, 0], 24)
        || in_v4(bits, [198, 51, 100, 0], 24)
        || in_v4(bits, [203, 0, 113, 0], 24)
}

/// The mapped and the compatible addresses differ in the 32 bits above the IPv4 address: ones at
/// their end, or none.
const fn is_ipv4_in_ipv6(bits: u128) -> bool {
    matches!(bits >> 32, 0 | 0xffff)
}

const fn is_nat64(bits: u128) -> bool {
    bits >> 32 == 0x0064_ff9b_u128 << 64 || in_v6(bits, [0x64, 0xff9b, 1, 0], 48)
}

const fn is_discard(bits: u128) -> bool {
    in_v6(bits, [0x100, 0, 0, 0], 64) || in_v6(bits, [0x100, 0, 0, 1], 64)
}

const fn is_documentation_v6(bits: u128) -> bool {
    in_v6(bits, [0x2001, 0xdb8, 0, 0], 32) || in_v6(bits, [0x3fff, 0, 0, 0], 20)
}

const fn is_private_v6(bits: u128) -> bool {
    in_v6(bits, [0xfc00, 0, 0, 0], 7) || in_v6(bits, [0xfec0, 0, 0, 0], 10)
}

/// Whether an address is in the network of that prefix, `len` (1 to 32) bits of it.
const fn in_v4(bits: u32, prefix: [u8; 4], len: u32) -> bool {
    (bits ^ u32::from_be_bytes(prefix)) >> 32_u32.saturating_sub(len) == 0
}

/// Whether an address is in the network of that prefix, `len` (1 to 64) bits of it.
const fn in_v6(bits: u128, prefix: [u16; 4], len: u32) -> bool {
    let [a, b, c, d] = prefix;
    let network = (a as u128) << 112 | (b as u128) << 96 | (c as u128) << 80 | (d as u128) << 64;
    (bits ^ network) >> 128_u32.saturating_sub(len) == 0
}
