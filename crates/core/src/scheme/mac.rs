//! The algorithms behind one shape: take bytes, finish, compare in constant time.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use hmac::digest::{CtOutput, Output, OutputSizeUser};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::limits;
use super::message::{Item, Sink};
use super::model::{Algorithm, Encoding, KeyForm};
use super::secret::{Material, Secret};

/// A key made ready: its key schedule is done and the part of the message that never changes is
/// taken in, so that a call costs the blocks of the rest.
#[derive(Clone)]
pub(super) struct Key {
    state: State,
    secret: Secret,
}

impl Key {
    /// None if the key is not of a kind that the algorithm takes.
    pub(super) fn new(algorithm: Algorithm, form: KeyForm, secret: &Secret) -> Option<Self> {
        let is_bytes = matches!(secret.0, Material::Bytes(_));
        if is_bytes == (form == KeyForm::Ed25519) {
            return None;
        }
        // HMAC takes keys of any length (RFC 2104 §3), so neither constructor fails.
        let state = match algorithm {
            Algorithm::HmacSha256 => State::HmacSha256(Hmac::new_from_slice(secret.bytes()).ok()?),
            Algorithm::HmacSha1 => State::HmacSha1(Hmac::new_from_slice(secret.bytes()).ok()?),
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha1 => State::Sha1(Sha1::new()),
            Algorithm::Md5 => State::Md5(Md5::new()),
            Algorithm::Ed25519 => State::Whole(Vec::new()),
        };
        Some(Self { state, secret: secret.clone() })
    }

    /// Takes in what every message begins with.
    pub(super) fn begin_with(&mut self, lead: &str) {
        self.state.update(lead.as_bytes());
    }

    pub(super) fn start(&self) -> Running<'_> {
        Running { state: self.state.clone(), secret: &self.secret }
    }

    pub(super) fn can_sign(&self) -> bool {
        self.secret.can_sign()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<key>)")
    }
}

#[derive(Clone)]
enum State {
    HmacSha256(Hmac<Sha256>),
    HmacSha1(Hmac<Sha1>),
    Sha256(Sha256),
    Sha1(Sha1),
    Md5(Md5),
    /// Ed25519 goes over the message twice (RFC 8032 §5.1.6), so it is kept whole.
    Whole(Vec<u8>),
}

impl State {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::HmacSha256(mac) => mac.update(bytes),
            Self::HmacSha1(mac) => mac.update(bytes),
            Self::Sha256(hash) => Digest::update(hash, bytes),
            Self::Sha1(hash) => Digest::update(hash, bytes),
            Self::Md5(hash) => Digest::update(hash, bytes),
            Self::Whole(message) => message.extend_from_slice(bytes),
        }
    }
}

/// One key over one message.
pub(super) struct Running<'k> {
    state: State,
    secret: &'k Secret,
}

impl<'k> Running<'k> {
    fn sorted(&mut self, values: &[Item<'_>], separator: &str) {
        let secret = self.secret.bytes();
        let mut all: Vec<&[u8]> = values
            .iter()
            .map(|value| match value {
                Item::Key => secret,
                Item::Text(text) | Item::Body { text, .. } => text.as_bytes(),
            })
            .collect();
        all.sort_unstable();
        for (index, value) in all.into_iter().enumerate() {
            if index > 0 {
                self.state.update(separator.as_bytes());
            }
            self.state.update(value);
        }
    }

    pub(super) fn finish(self) -> Finished<'k> {
        match self.state {
            State::HmacSha256(mac) => Finished::Bytes32(CtOutput::new(mac.finalize().into_bytes())),
            State::HmacSha1(mac) => Finished::Bytes20(CtOutput::new(mac.finalize().into_bytes())),
            State::Sha256(hash) => Finished::Bytes32(CtOutput::new(hash.finalize())),
            State::Sha1(hash) => Finished::Bytes20(CtOutput::new(hash.finalize())),
            State::Md5(hash) => Finished::Bytes16(CtOutput::new(hash.finalize())),
            State::Whole(message) => Finished::Message { message, secret: self.secret },
        }
    }
}

/// The keys that count at one moment, over one message.
pub(super) struct Runs<'k> {
    pub(super) current: Running<'k>,
    pub(super) previous: Option<Running<'k>>,
}

impl<'k> Runs<'k> {
    fn each(&mut self, mut run: impl FnMut(&mut Running<'k>)) {
        run(&mut self.current);
        if let Some(previous) = &mut self.previous {
            run(previous);
        }
    }
}

impl Sink for Runs<'_> {
    fn text(&mut self, text: &str) {
        self.each(|one| one.state.update(text.as_bytes()));
    }

    fn body(&mut self, body: &[u8]) {
        self.each(|one| one.state.update(body));
    }

    fn item(&mut self, item: &Item<'_>) {
        self.each(|one| match item {
            Item::Key => one.state.update(one.secret.bytes()),
            Item::Text(text) | Item::Body { text, .. } => one.state.update(text.as_bytes()),
        });
    }

    fn sorted(&mut self, values: &[Item<'_>], separator: &str) {
        self.each(|one| one.sorted(values, separator));
    }
}

/// What a key makes of a message.
pub(super) enum Finished<'k> {
    Bytes32(CtOutput<Sha256>),
    Bytes20(CtOutput<Sha1>),
    Bytes16(CtOutput<Md5>),
    Message { message: Vec<u8>, secret: &'k Secret },
}

impl Finished<'_> {
    /// Whether this is the received signature. For MACs and hashes the time that it takes depends
    /// on the size alone; Ed25519 has nothing to hide when it verifies.
    pub(super) fn is(&self, received: &[u8]) -> bool {
        match self {
            Self::Bytes32(tag) => equal(tag, received),
            Self::Bytes20(tag) => equal(tag, received),
            Self::Bytes16(tag) => equal(tag, received),
            Self::Message { message, secret } => ed25519_verifies(secret, message, received),
        }
    }

    /// The signature as it is sent. None if this key cannot sign.
    pub(super) fn write(&self, encoding: Encoding) -> Option<String> {
        Some(match self {
            Self::Bytes32(tag) => encoding.write(tag.as_bytes()),
            Self::Bytes20(tag) => encoding.write(tag.as_bytes()),
            Self::Bytes16(tag) => encoding.write(tag.as_bytes()),
            Self::Message { message, secret } => match &secret.0 {
                Material::Private(key) => encoding.write(&key.sign(message).to_bytes()),
                Material::Public(_) | Material::Bytes(_) => return None,
            },
        })
    }
}

fn equal<H: OutputSizeUser>(tag: &CtOutput<H>, received: &[u8]) -> bool {
    match <&Output<H>>::try_from(received) {
        Ok(received) => *tag == CtOutput::from(received),
        Err(_) => false,
    }
}

fn ed25519_verifies(secret: &Secret, message: &[u8], received: &[u8]) -> bool {
    let private;
    let public: &VerifyingKey = match &secret.0 {
        Material::Bytes(_) => return false,
        Material::Private(key) => {
            private = key.verifying_key();
            &private
        }
        Material::Public(key) => key,
    };
    Signature::from_slice(received)
        .is_ok_and(|signature| public.verify_strict(message, &signature).is_ok())
}

impl Encoding {
    /// Reads a signature of exactly `len` bytes into `buffer`.
    pub(super) fn read<'b>(
        self,
        text: &str,
        len: usize,
        buffer: &'b mut [u8; SIGNATURE_BUFFER],
    ) -> Option<&'b [u8]> {
        let bytes = match self {
            Self::Hex | Self::HexUpper => {
                let target = buffer.get_mut(..len)?;
                hex::decode_to_slice(text, target).ok()?;
                &*target
            }
            Self::Base64 => Base64::decode(text, buffer).ok()?,
            Self::Base64Url => Base64UrlUnpadded::decode(text, buffer).ok()?,
        };
        (bytes.len() == len).then_some(bytes)
    }

    pub(super) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::HexUpper => hex::encode_upper(bytes),
            Self::Base64 => Base64::encode_string(bytes),
            Self::Base64Url => Base64UrlUnpadded::encode_string(bytes),
        }
    }
}

/// Room for the longest signature, Ed25519's 64 bytes.
pub(super) const SIGNATURE_BUFFER: usize = 64;

/// SHA-256 over two texts, the first one's length before it so that they cannot run into each
/// other.
pub(super) fn sha256_of_two(first: &[u8], second: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    Digest::update(&mut hash, u64::try_from(first.len()).unwrap_or(u64::MAX).to_be_bytes());
    Digest::update(&mut hash, first);
    Digest::update(&mut hash, second);
    hash.finalize().into()
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 in lower-case hex.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

const _: () =
    assert!(limits::SIGNATURES > 0 && Algorithm::Ed25519.signature_len() <= SIGNATURE_BUFFER);
