//! Whose request it is: the signature judged with the secret of the access key that it names.

use livegate_core::id::TenantId;
use livegate_core::scheme::request::{Authentic, Claim, Request, RequestError};
use livegate_core::time::UnixMillis;
use sha2::{Digest, Sha256};
use worker::Env;

use crate::credentials::{self, Part};
use crate::error::Error;
use crate::http::Incoming;
use crate::objects::contract::ToNonces;
use crate::objects::{ObjectRef, call};

/// Why a request is not let in.
pub(crate) enum Refused {
    /// What it says of itself is not enough.
    Claim(RequestError),
    /// The access key is not known, or its secret did not sign this: one answer for both, or it would
    /// say which keys there are.
    Key,
    /// It was let in before.
    Repeated,
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The same request as the core reads it.
pub(crate) fn request<'a>(
    incoming: &'a Incoming,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
) -> Request<'a> {
    Request {
        method: &incoming.method,
        path: &incoming.path,
        query: &incoming.query,
        headers,
        body,
    }
}

/// Whose it is.
pub(crate) async fn tenant<'a>(
    env: &Env,
    request: &Request<'a>,
    now: UnixMillis,
) -> Result<(TenantId, Authentic<'a>), Refused> {
    let claim = Claim::read(request).map_err(Refused::Claim)?;
    let known = credentials::known(env, Part::AccessKey, claim.access_key(), now).await?;
    let known = known.ok_or(Refused::Key)?;
    let authentic = claim.verify(&known.secret, now).map_err(|error| match error {
        RequestError::Mismatch => Refused::Key,
        other => Refused::Claim(other),
    })?;
    if let Some(nonce) = authentic.nonce() {
        let both = [authentic.access_key(), "/", nonce].concat();
        let ask = ToNonces::Claim(
            hex::encode(Sha256::digest(both.as_bytes())),
            None,
            authentic.expires(),
        );
        if !call::<bool>(env, &ObjectRef::ClientNonces(known.tenant), ask).await? {
            return Err(Refused::Repeated);
        }
    }
    Ok((known.tenant, authentic))
}
