//! Keys, and nothing that shows them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::{SigningKey, VerifyingKey};

use super::limits;
use super::model::{KeyForm, Scheme};
use crate::error::{Code, Coded, Fault};
use crate::time::UnixMillis;

/// A key. Its `Debug` shows nothing of it, and nothing gives it back.
#[derive(Clone)]
pub struct Secret(pub(super) Material);

#[derive(Clone)]
pub(super) enum Material {
    Bytes(Vec<u8>),
    Private(SigningKey),
    Public(VerifyingKey),
}

impl Secret {
    /// Reads a key as it is written for this scheme. Where the scheme needs none (or is
    /// incomplete) the text itself is taken.
    ///
    /// # Errors
    /// [`SecretError`] if it is empty, too long or not written in the scheme's form.
    pub fn for_scheme(scheme: &Scheme, text: &str) -> Result<Self, SecretError> {
        Self::parse(scheme.recipe().map_or(KeyForm::Text, |recipe| recipe.key), text)
    }

    /// Reads a key of this form.
    ///
    /// # Errors
    /// [`SecretError`] if it is empty, too long or not written in this form.
    pub fn parse(form: KeyForm, text: &str) -> Result<Self, SecretError> {
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        // Hex doubles the size; nothing that is longer can be a key.
        if text.len() > limits::KEY.saturating_mul(2) {
            return Err(SecretError::Size { bytes: text.len(), min: 1, max: limits::KEY });
        }
        match form {
            KeyForm::Text => sized(text.as_bytes().to_vec(), 1, limits::KEY),
            KeyForm::Hex => {
                sized(hex::decode(text).map_err(|_| SecretError::NotHex)?, 1, limits::KEY)
            }
            KeyForm::Base64 => sized(base64(text)?, 1, limits::KEY),
            KeyForm::Whsec => sized(base64(text.strip_prefix("whsec_").unwrap_or(text))?, 24, 64),
            KeyForm::Ed25519 => ed25519(text),
        }
    }

    /// Whether it can sign: everything but a public key.
    pub fn can_sign(&self) -> bool {
        !matches!(self.0, Material::Public(_))
    }

    /// The public key of an Ed25519 key, written as Standard Webhooks does (`whpk_…`).
    pub fn public_key(&self) -> Option<String> {
        let key = match &self.0 {
            Material::Bytes(_) => return None,
            Material::Private(key) => key.verifying_key(),
            Material::Public(key) => *key,
        };
        let mut text = String::from("whpk_");
        text.push_str(&Base64::encode_string(key.as_bytes()));
        Some(text)
    }

    /// The bytes of a shared key; none of a pair's.
    pub(crate) fn shared(&self) -> Option<&[u8]> {
        match &self.0 {
            Material::Bytes(bytes) => Some(bytes),
            Material::Private(_) | Material::Public(_) => None,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Material::Bytes(bytes) => bytes,
            Material::Private(_) | Material::Public(_) => &[],
        }
    }
}

fn sized(bytes: Vec<u8>, min: usize, max: usize) -> Result<Secret, SecretError> {
    match bytes.len() {
        0 => Err(SecretError::Empty),
        len if len < min || len > max => Err(SecretError::Size { bytes: len, min, max }),
        _ => Ok(Secret(Material::Bytes(bytes))),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, SecretError> {
    Base64::decode_vec(text).map_err(|_| SecretError::NotBase64)
}

fn ed25519(text: &str) -> Result<Secret, SecretError> {
    if let Some(text) = text.strip_prefix("whpk_") {
        let bytes = base64(text)?;
        let size = SecretError::Size { bytes: bytes.len(), min: 32, max: 32 };
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| size)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| SecretError::NotAPublicKey)?;
        // A key of small order verifies messages that nobody signed (RFC 8032 §8.9 leaves its
        // refusal to the reader of keys).
        if key.is_weak() {
            return Err(SecretError::NotAPublicKey);
        }
        return Ok(Secret(Material::Public(key)));
    }
    let bytes = base64(text.strip_prefix("whsk_").ok_or(SecretError::NoPrefix)?)?;
    // The seed alone (RFC 8032 §5.1.5), or seed and public key one after the other.
    let size = SecretError::Size { bytes: bytes.len(), min: 32, max: 64 };
    let key = match bytes.len() {
        32 => SigningKey::from_bytes(&bytes.try_into().map_err(|_| size)?),
        64 => SigningKey::from_keypair_bytes(&bytes.try_into().map_err(|_| size)?)
            .map_err(|_| SecretError::HalvesDiffer)?,
        _ => return Err(size),
    };
    Ok(Secret(Material::Private(key)))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(<key>)")
    }
}

/// The key, and during a rotation the one before it.
#[derive(Clone, Debug)]
pub struct Secrets {
    pub(super) current: Secret,
    pub(super) previous: Option<(Secret, UnixMillis)>,
}

impl Secrets {
    /// One key.
    pub const fn new(current: Secret) -> Self {
        Self { current, previous: None }
    }

    /// Two keys: `previous` counts as well before `until`, and no longer from then on.
    pub const fn rotating(current: Secret, previous: Secret, until: UnixMillis) -> Self {
        Self { current, previous: Some((previous, until)) }
    }

    pub(crate) fn both(&self) -> (&Secret, Option<(&Secret, UnixMillis)>) {
        (&self.current, self.previous.as_ref().map(|(key, until)| (key, *until)))
    }
}

/// A text that is not a key of the form that was asked for. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// There is nothing.
    Empty,
    /// The key is too short or too long.
    Size {
        /// Its size in bytes.
        bytes: usize,
        /// The least size.
        min: usize,
        /// The greatest size.
        max: usize,
    },
    /// It is not hex.
    NotHex,
    /// It is not base64 with padding.
    NotBase64,
    /// It begins with neither `whsk_` nor `whpk_`.
    NoPrefix,
    /// The two halves of the private key do not belong together.
    HalvesDiffer,
    /// It is not a usable Ed25519 public key.
    NotAPublicKey,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the key is empty"),
            Self::Size { bytes, min, max } => {
                write!(f, "a key here has {min} to {max} bytes, this one has {bytes}")
            }
            Self::NotHex => f.write_str("the key is not hex"),
            Self::NotBase64 => f.write_str("the key is not base64 with padding"),
            Self::NoPrefix => f.write_str("an ed25519 key begins with whsk_ or whpk_"),
            Self::HalvesDiffer => {
                f.write_str("the private key's second half is not its public key")
            }
            Self::NotAPublicKey => f.write_str("the key is not a usable ed25519 public key"),
        }
    }
}

impl core::error::Error for SecretError {}

impl Coded for SecretError {
    fn code(&self) -> Code {
        Code::new(match self {
            Self::Empty => "sign.key_empty",
            Self::Size { .. } => "sign.key_size",
            _ => "sign.key_malformed",
        })
    }

    fn fault(&self) -> Fault {
        Fault::Config
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretError, Secrets};
    use crate::scheme::model::KeyForm;
    use crate::time::UnixMillis;
    use std::format;

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let secret = Secret::parse(KeyForm::Text, "s3cr3t-value").unwrap();
        let secrets = Secrets::rotating(secret.clone(), secret, UnixMillis(1));
        let shown = format!("{secrets:?}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
        assert!(!shown.contains("115"), "{shown}"); // b's' as a number
    }

    #[test]
    fn text_is_taken_as_its_bytes() {
        let longest = "k".repeat(512);
        assert_eq!(Secret::parse(KeyForm::Text, &longest).unwrap().bytes().len(), 512);
        assert_eq!(Secret::parse(KeyForm::Text, "é").unwrap().bytes(), "é".as_bytes());
    }

    #[test]
    fn whsec_is_24_to_64_bytes_with_or_without_prefix() {
        let b64 = |n: usize| {
            use base64ct::Encoding;
            base64ct::Base64::encode_string(&std::vec![7u8; n])
        };
        for n in [24, 64] {
            assert!(Secret::parse(KeyForm::Whsec, &b64(n)).is_ok());
            assert!(Secret::parse(KeyForm::Whsec, &format!("whsec_{}", b64(n))).is_ok());
        }
        for n in [23, 65] {
            let error = Secret::parse(KeyForm::Whsec, &b64(n)).unwrap_err();
            assert_eq!(error, SecretError::Size { bytes: n, min: 24, max: 64 });
        }
        let parse = |text: &str| Secret::parse(KeyForm::Whsec, text).err();
        assert_eq!(parse("whsec_"), Some(SecretError::Empty));
        assert_eq!(parse("whsec_%%%"), Some(SecretError::NotBase64));
    }

    #[test]
    fn each_kind_of_bad_key_is_named() {
        let parse = |form, text: &str| Secret::parse(form, text).err();
        assert_eq!(parse(KeyForm::Text, ""), Some(SecretError::Empty));
        let long = "k".repeat(513);
        let size = SecretError::Size { bytes: 513, min: 1, max: 512 };
        assert_eq!(parse(KeyForm::Text, &long), Some(size));
        assert_eq!(parse(KeyForm::Hex, "0g"), Some(SecretError::NotHex));
        assert_eq!(parse(KeyForm::Base64, "a"), Some(SecretError::NotBase64));
        assert_eq!(parse(KeyForm::Ed25519, "AAAA"), Some(SecretError::NoPrefix));
        let short = SecretError::Size { bytes: 3, min: 32, max: 64 };
        assert_eq!(parse(KeyForm::Ed25519, "whsk_AAAA"), Some(short));
        let short = SecretError::Size { bytes: 3, min: 32, max: 32 };
        assert_eq!(parse(KeyForm::Ed25519, "whpk_AAAA"), Some(short));
        // y = 0 followed by zeros: a point of order 4.
        let weak = format!("whpk_{}=", "A".repeat(43));
        assert_eq!(parse(KeyForm::Ed25519, &weak), Some(SecretError::NotAPublicKey));
        let halves = format!("whsk_{}==", "A".repeat(86));
        assert_eq!(parse(KeyForm::Ed25519, &halves), Some(SecretError::HalvesDiffer));
    }

    #[test]
    fn the_public_key_of_rfc_8032_comes_from_its_seed() {
        // RFC 8032 §7.1, TEST 1; base64 by `xxd -r -p | base64`.
        let seed = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
        let secret = Secret::parse(KeyForm::Ed25519, seed).unwrap();
        let public = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(secret.public_key().as_deref(), Some(public));
        assert!(secret.can_sign());
        assert!(!Secret::parse(KeyForm::Ed25519, public).unwrap().can_sign());
    }
}
