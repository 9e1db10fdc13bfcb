//! The handshake with digests, as Flash Player 9 and Flash Media Server 3 have it.
//!
//! Adobe has not published it. What is here is what clients and servers agree on, and is held
//! against some of them (docs/spec/rtmp.md §1.2): a packet is two blocks of 764 bytes behind eight of
//! time and version. One block has a digest at an offset that its first bytes say; in which of the
//! two it lies are the two schemes. The digest is HMAC-SHA256 of the packet without it. The second
//! packet ends with an HMAC whose key is one of the other side's digest.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{PACKET, Packet, Seed};

/// Bytes of a digest.
pub const LEN: usize = 32;

/// The text that the keys end with.
const TAIL: [u8; 32] = [
    0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
    0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
];
const CLIENT_KEY: &[u8] = b"Genuine Adobe Flash Player 001";
const SERVER_KEY: &[u8] = b"Genuine Adobe Flash Media Server 001";

/// Versions that say that there may be digests: those that ffmpeg and nginx-rtmp send.
const CLIENT_VERSION: [u8; 4] = [9, 0, 124, 2];
const SERVER_VERSION: [u8; 4] = [13, 14, 10, 13];

/// Whose packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// C1 and C2.
    Client,
    /// S1 and S2.
    Server,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    const fn key(self) -> &'static [u8] {
        match self {
            Self::Client => CLIENT_KEY,
            Self::Server => SERVER_KEY,
        }
    }
}

/// Which block has the digest. The name is where in the packet the block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// The first one: the digest is behind byte 12.
    At8,
    /// The second one: the digest is behind byte 776.
    At772,
}

impl Scheme {
    /// Where the digest is: four bytes are added up, and the rest by 728 counts from behind them.
    /// 764 - 4 - 32 = 728.
    fn offset(self, packet: &Packet) -> usize {
        let base = match self {
            Self::At8 => 8,
            Self::At772 => 772,
        };
        let sum: usize = packet[base..base + 4].iter().map(|byte| usize::from(*byte)).sum();
        base + 4 + sum % 728
    }
}

/// A digest that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it was.
    pub scheme: Scheme,
    /// Itself.
    pub digest: [u8; LEN],
}

/// The digest of C1 or S1, if it has one.
pub fn find(packet: &Packet, side: Side) -> Option<Found> {
    // Without a version there is none, and nothing is computed for it.
    if packet[4..8] == [0; 4] {
        return None;
    }
    [Scheme::At772, Scheme::At8].into_iter().find_map(|scheme| {
        let offset = scheme.offset(packet);
        let digest = digest(packet, side, offset);
        (packet[offset..offset + LEN] == digest).then_some(Found { scheme, digest })
    })
}

/// Puts version and digest into C1 or S1.
pub fn sign_first(packet: &mut Packet, side: Side) {
    sign_first_as(packet, side, Scheme::At8);
}

/// The same with the digest where `scheme` has it.
pub fn sign_first_as(packet: &mut Packet, side: Side, scheme: Scheme) {
    packet[4..8].copy_from_slice(match side {
        Side::Client => &CLIENT_VERSION,
        Side::Server => &SERVER_VERSION,
    });
    let offset = scheme.offset(packet);
    let digest = digest(packet, side, offset);
    packet[offset..offset + LEN].copy_from_slice(&digest);
}

/// Puts the signature into the last bytes of C2 or S2. `other` is the digest of the packet that it
/// answers.
pub fn sign_second(packet: &mut Packet, side: Side, other: &[u8; LEN]) {
    let (text, signature) = packet.split_at_mut(PACKET - LEN);
    signature.copy_from_slice(&second_signature(text, side, other));
}

/// Whether C2 or S2 ends with a signature that answers `other`.
pub fn is_signed(packet: &Packet, side: Side, other: &[u8; LEN]) -> bool {
    let (text, signature) = packet.split_at(PACKET - LEN);
    signature == second_signature(text, side, other)
}

fn second_signature(text: &[u8], side: Side, other: &[u8; LEN]) -> [u8; LEN] {
    let mut long = [0; SERVER_KEY.len() + TAIL.len()];
    let key = side.key();
    long[..key.len()].copy_from_slice(key);
    long[key.len()..key.len() + TAIL.len()].copy_from_slice(&TAIL);
    hmac(&hmac(&long[..key.len() + TAIL.len()], &[other]), &[text])
}

/// The digest of a packet that has it at `offset`.
fn digest(packet: &Packet, side: Side, offset: usize) -> [u8; LEN] {
    hmac(side.key(), &[&packet[..offset], &packet[offset + LEN..]])
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; LEN] {
    // RFC 2104 takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; LEN] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// 1536 bytes of a seed: SHA-256 of it, the packet's number and a counter.
pub fn random(seed: &Seed, number: u8) -> Packet {
    let mut packet = [0; PACKET];
    for (block, out) in (0_u8..).zip(packet.chunks_exact_mut(LEN)) {
        let hash = Sha256::new().chain_update(seed).chain_update([number, block]);
        out.copy_from_slice(&hash.finalize());
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::{LEN, Scheme, Side, find, is_signed, random, sign_first_as, sign_second};
    use crate::handshake::{PACKET, Packet};

    #[test]
    fn the_digest_is_found_where_it_was_put() {
        for side in [Side::Client, Side::Server] {
            for scheme in [Scheme::At8, Scheme::At772] {
                for seed in 0..20 {
                    let mut packet = random(&[seed; 32], 1);
                    sign_first_as(&mut packet, side, scheme);
                    let found = find(&packet, side).unwrap();
                    assert_eq!(found.scheme, scheme);
                    assert_eq!(find(&packet, side.other()), None);
                    let mut changed = packet;
                    changed[PACKET - 1] ^= 1;
                    assert_eq!(find(&changed, side), None);
                    packet[4..8].fill(0);
                    assert_eq!(find(&packet, side), None);
                }
            }
        }
    }

    /// Bytes 3, 10, 17 and so on.
    fn sevens() -> Packet {
        core::array::from_fn(|at| u8::try_from((at * 7 + 3) & 255).unwrap())
    }

    fn first_eight(bytes: &[u8]) -> u64 {
        u64::from_be_bytes(*bytes.first_chunk().unwrap())
    }

    /// Computed by Python's hmac; the first eight bytes of each.
    #[test]
    fn digests_are_those_of_another_hmac() {
        for (side, scheme, at, digest) in [
            (Side::Client, Scheme::At8, 290, 0xF89F_1F7A_F03C_88AA),
            (Side::Client, Scheme::At772, 942, 0x800B_FF09_306B_5703),
            (Side::Server, Scheme::At8, 290, 0x83B8_CC7F_F512_AB2A),
            (Side::Server, Scheme::At772, 942, 0x909C_2B8E_39C9_C00A),
        ] {
            let mut packet = sevens();
            sign_first_as(&mut packet, side, scheme);
            assert_eq!(first_eight(&packet[at..]), digest, "{side:?} {scheme:?}");
        }
        for (side, signature) in
            [(Side::Client, 0xA24F_38D6_6897_5B4A), (Side::Server, 0x2E6A_B932_E651_8739)]
        {
            let mut packet = sevens();
            sign_second(&mut packet, side, &[5; LEN]);
            assert_eq!(first_eight(&packet[PACKET - LEN..]), signature, "{side:?}");
        }
    }

    #[test]
    fn no_offset_is_beyond_its_block() {
        let packet = [255; PACKET];
        // 4 × 255 = 1020, and 1020 - 728 = 292.
        assert_eq!(Scheme::At8.offset(&packet), 8 + 4 + 292);
        assert_eq!(Scheme::At772.offset(&packet), 772 + 4 + 292);
        let mut packet = [0; PACKET];
        // 255 + 255 + 217 = 727, the greatest rest: the digest ends with the block.
        packet[772..775].copy_from_slice(&[255, 255, 217]);
        assert_eq!(Scheme::At772.offset(&packet) + LEN, 772 + 764 - 1);
    }

    #[test]
    fn the_second_packet_answers_one_digest() {
        let mut packet = random(&[1; 32], 2);
        sign_second(&mut packet, Side::Server, &[5; LEN]);
        assert!(is_signed(&packet, Side::Server, &[5; LEN]));
        assert!(!is_signed(&packet, Side::Server, &[6; LEN]));
        assert!(!is_signed(&packet, Side::Client, &[5; LEN]));
    }
}
