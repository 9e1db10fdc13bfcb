//! What a request says of itself, and whether that is so.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding as _};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use super::header::Authorization;
use super::rpc::{self, Params};
use super::{Request, RequestError, canonical, header};
use crate::scheme::limits;
use crate::scheme::mac::sha256_hex;
use crate::scheme::model::TimeFormat;
use crate::time::{Millis, UnixMillis};

/// How far the time of signing may lie from now, both ways: fifteen minutes with either vendor.
pub const WINDOW: Millis = Millis::from_mins(15);

const HUAWEI_DATE: &str = "x-sdk-date";
const HUAWEI_DIGEST: &str = "x-sdk-content-sha256";
const ACS_DATE: &str = "x-acs-date";
const ACS_NONCE: &str = "x-acs-signature-nonce";
const ACS_DIGEST: &str = "x-acs-content-sha256";
const ACS_PREFIX: &str = "x-acs-";
const HUAWEI_SIGNS: &[&str] = &["host", HUAWEI_DATE];
const ACS_SIGNS: &[&str] =
    &["host", "x-acs-action", ACS_DIGEST, ACS_DATE, ACS_NONCE, "x-acs-version"];

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestScheme {
    /// `SDK-HMAC-SHA256`: Huawei's access keys.
    SdkHmacSha256,
    /// `ACS3-HMAC-SHA256`: Alibaba's third version.
    Acs3HmacSha256,
    /// `HMAC-SHA1`, version 1.0: Alibaba's older RPC.
    RpcHmacSha1,
}

/// What a request says of itself. Nothing of it is true before [`Claim::verify`].
#[derive(Clone)]
pub struct Claim<'a> {
    request: Request<'a>,
    access_key: String,
    time: UnixMillis,
    nonce: Option<String>,
    proof: Proof<'a>,
}

#[derive(Clone)]
enum Proof<'a> {
    Huawei { authorization: Authorization<'a>, date: &'a str },
    Acs3(Authorization<'a>),
    Rpc { params: Params, signature: [u8; 20] },
}

impl<'a> Claim<'a> {
    /// Reads who a request says that it is from. Whether what it signs is enough is judged here,
    /// before any key is looked up.
    ///
    /// # Errors
    /// [`RequestError`] if there is no signature, or none that covers the request.
    pub fn read(request: &Request<'a>) -> Result<Self, RequestError> {
        let Some(written) = request.header("authorization")? else {
            return Self::read_rpc(request);
        };
        let (algorithm, pieces) = written.split_once(' ').unwrap_or((written, ""));
        match algorithm {
            "SDK-HMAC-SHA256" => Self::read_huawei(request, header::read(pieces, "Access")?),
            "ACS3-HMAC-SHA256" => Self::read_acs3(request, header::read(pieces, "Credential")?),
            _ => Err(RequestError::Algorithm),
        }
    }

    fn read_huawei(
        request: &Request<'a>,
        authorization: Authorization<'a>,
    ) -> Result<Self, RequestError> {
        authorization.check_names()?;
        authorization.must_sign(HUAWEI_SIGNS)?;
        let date = request.needed(HUAWEI_DATE)?;
        let time = basic_date(date).ok_or(RequestError::Malformed(HUAWEI_DATE))?;
        match request.header(HUAWEI_DIGEST)? {
            // The vendor's clients write this for bodies that are not JSON: anybody could put
            // another body behind it.
            Some("UNSIGNED-PAYLOAD") => return Err(RequestError::BodyUnsigned),
            Some(digest) if digest != sha256_hex(request.body) => {
                return Err(RequestError::BodyChanged);
            }
            _ => {}
        }
        Ok(Self {
            request: *request,
            access_key: authorization.access_key.into(),
            time,
            nonce: None,
            proof: Proof::Huawei { authorization, date },
        })
    }

    fn read_acs3(
        request: &Request<'a>,
        authorization: Authorization<'a>,
    ) -> Result<Self, RequestError> {
        authorization.check_names()?;
        authorization.must_sign(ACS_SIGNS)?;
        for (name, _) in request.headers {
            let vendors = name.get(..ACS_PREFIX.len());
            let vendors = vendors.is_some_and(|start| start.eq_ignore_ascii_case(ACS_PREFIX));
            if vendors && !authorization.signs(name) {
                return Err(RequestError::HeaderUnsigned(ACS_PREFIX));
            }
        }
        // It decides whether the body's parameters are read.
        if !request.body.is_empty() && request.header("content-type")?.is_some() {
            authorization.must_sign(&["content-type"])?;
        }
        let time = TimeFormat::Rfc3339.read(request.needed(ACS_DATE)?);
        let nonce = bounded(request.needed(ACS_NONCE)?, ACS_NONCE)?;
        if request.needed(ACS_DIGEST)? != sha256_hex(request.body) {
            return Err(RequestError::BodyChanged);
        }
        Ok(Self {
            request: *request,
            access_key: authorization.access_key.into(),
            time: time.ok_or(RequestError::Malformed(ACS_DATE))?,
            nonce: Some(nonce),
            proof: Proof::Acs3(authorization),
        })
    }

    fn read_rpc(request: &Request<'a>) -> Result<Self, RequestError> {
        let form = request.has_form()?;
        let in_form = form && rpc::names_signature(request.body);
        if !in_form && !rpc::names_signature(request.query.as_bytes()) {
            return Err(RequestError::Unsigned);
        }
        // Parameters are all that this scheme signs.
        if !form && !request.body.is_empty() {
            return Err(RequestError::BodyUnsigned);
        }
        if !matches!(request.path, "" | "/") {
            return Err(RequestError::Malformed("path"));
        }
        let params = Params::read(request)?;
        let needed = |name| params.get(name).ok_or(RequestError::Missing(name));
        let written = params.get("Signature").ok_or(RequestError::Unsigned)?;
        if needed("SignatureMethod")? != "HMAC-SHA1"
            || needed("SignatureVersion")? != "1.0"
            || !params.get("SignatureType").unwrap_or("").is_empty()
        {
            return Err(RequestError::Algorithm);
        }
        let access_key = header::access_key_of(needed("AccessKeyId")?, "AccessKeyId")?;
        let time = TimeFormat::Rfc3339.read(needed("Timestamp")?);
        let mut buffer = [0; 20];
        let decoded = Base64::decode(written, &mut buffer).ok().map(<[u8]>::len);
        if decoded != Some(buffer.len()) {
            return Err(RequestError::Malformed("Signature"));
        }
        Ok(Self {
            request: *request,
            access_key: access_key.into(),
            time: time.ok_or(RequestError::Malformed("Timestamp"))?,
            nonce: Some(bounded(needed("SignatureNonce")?, "SignatureNonce")?),
            proof: Proof::Rpc { params, signature: buffer },
        })
    }

    /// How the request is signed.
    pub const fn scheme(&self) -> RequestScheme {
        match self.proof {
            Proof::Huawei { .. } => RequestScheme::SdkHmacSha256,
            Proof::Acs3(_) => RequestScheme::Acs3HmacSha256,
            Proof::Rpc { .. } => RequestScheme::RpcHmacSha1,
        }
    }

    /// The access key whose secret has to be looked up: visible ASCII, at most 128 bytes.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// When it says that it was signed.
    pub const fn time(&self) -> UnixMillis {
        self.time
    }

    /// Checks the claim with the access key's secret.
    ///
    /// # Errors
    /// [`RequestError::Stale`] or [`RequestError::Future`] outside [`WINDOW`],
    /// [`RequestError::Mismatch`] if the signature is not of this secret (or that is empty),
    /// [`RequestError::SignedHeader`] and others if the request cannot be written canonically.
    pub fn verify(self, secret: &str, now: UnixMillis) -> Result<Authentic<'a>, RequestError> {
        let (late, early) = (now.since(self.time.plus(WINDOW)), self.time.since(now.plus(WINDOW)));
        if late.0 > 0 {
            return Err(RequestError::Stale { by: late });
        }
        if early.0 > 0 {
            return Err(RequestError::Future { by: early });
        }
        let is_it = !secret.is_empty()
            && match &self.proof {
                Proof::Huawei { authorization, date } => {
                    let path = canonical::path_with_slash(self.request.path)?;
                    let digest = self.digest(authorization, &path)?;
                    let text = canonical::lines(&["SDK-HMAC-SHA256", date, &digest]);
                    sha256_verifies(secret, &text, &authorization.signature)
                }
                Proof::Acs3(authorization) => {
                    let path = if self.request.path.is_empty() { "/" } else { self.request.path };
                    let digest = self.digest(authorization, path)?;
                    let text = canonical::lines(&["ACS3-HMAC-SHA256", &digest]);
                    sha256_verifies(secret, &text, &authorization.signature)
                }
                Proof::Rpc { params, signature } => {
                    let text = canonical::rpc_string(self.request.method, params.pairs());
                    let mut key: Vec<u8> = secret.into();
                    key.push(b'&');
                    // HMAC takes keys of any length (RFC 2104 §3).
                    Hmac::<Sha1>::new_from_slice(&key)
                        .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok())
                }
            };
        if is_it { Ok(Authentic { claim: self }) } else { Err(RequestError::Mismatch) }
    }

    fn digest(
        &self,
        authorization: &Authorization<'a>,
        path: &str,
    ) -> Result<String, RequestError> {
        let headers = authorization.values(&self.request)?;
        let payload = sha256_hex(self.request.body);
        let signed = authorization.signed_headers;
        canonical::request_digest(&self.request, path, &headers, signed, &payload)
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("scheme", &self.scheme())
            .field("access_key", &self.access_key)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// A request that was signed with the access key's secret.
#[derive(Clone, Debug)]
#[must_use]
pub struct Authentic<'a> {
    claim: Claim<'a>,
}

impl Authentic<'_> {
    /// How it was signed.
    pub const fn scheme(&self) -> RequestScheme {
        self.claim.scheme()
    }

    /// Whose it is.
    pub fn access_key(&self) -> &str {
        &self.claim.access_key
    }

    /// When it was signed.
    pub const fn time(&self) -> UnixMillis {
        self.claim.time
    }

    /// What may come once only, for this access key, until [`Authentic::expires`]. Huawei's scheme
    /// has none.
    pub fn nonce(&self) -> Option<&str> {
        self.claim.nonce.as_deref()
    }

    /// From when on the same request is refused as stale, so that its nonce may be forgotten.
    pub const fn expires(&self) -> UnixMillis {
        self.claim.time.plus(WINDOW).plus(Millis(1))
    }

    /// The RPC operation that is asked for, and its parameters.
    ///
    /// # Errors
    /// [`RequestError`] if there is none, or the parameters cannot be read.
    pub fn rpc(self) -> Result<rpc::Operation, RequestError> {
        let Claim { request, proof, .. } = self.claim;
        match proof {
            Proof::Rpc { params, .. } => rpc::Operation::of_params(params),
            Proof::Huawei { .. } | Proof::Acs3(_) => rpc::Operation::of_headers(&request),
        }
    }
}

fn sha256_verifies(secret: &str, text: &str, signature: &[u8]) -> bool {
    // HMAC takes keys of any length (RFC 2104 §3).
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok())
}

/// `20240910T003000Z`, the basic form of ISO 8601.
fn basic_date(text: &str) -> Option<UnixMillis> {
    if text.len() != 16 {
        return None;
    }
    let mut extended = String::new();
    for (at, char) in text.char_indices() {
        match at {
            4 | 6 => extended.push('-'),
            11 | 13 => extended.push(':'),
            _ => {}
        }
        extended.push(char);
    }
    let (date, zone) = (extended.as_bytes().get(10), extended.as_bytes().get(19));
    if date != Some(&b'T') || zone != Some(&b'Z') {
        return None;
    }
    TimeFormat::Rfc3339.read(&extended)
}

fn bounded(text: &str, name: &'static str) -> Result<String, RequestError> {
    if text.is_empty() || text.len() > limits::ID {
        return Err(RequestError::Malformed(name));
    }
    Ok(text.into())
}
