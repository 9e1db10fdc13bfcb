//! The `Authorization` header of the two schemes that sign headers.

use alloc::vec::Vec;

use super::{Request, RequestError};
use crate::scheme::limits;

const AUTHORIZATION: &str = "authorization";

/// What `Authorization` says behind the algorithm's name.
#[derive(Clone)]
pub(super) struct Authorization<'a> {
    pub(super) access_key: &'a str,
    /// As it is written, for it is signed so.
    pub(super) signed_headers: &'a str,
    pub(super) signature: [u8; 32],
}

/// The one value of a header; an error if it came twice.
pub(super) fn one<'a>(headers: &[(&'a str, &'a str)], wanted: &str) -> Result<Option<&'a str>, ()> {
    let mut found = None;
    for (name, value) in headers {
        if name.eq_ignore_ascii_case(wanted) && found.replace(value.trim()).is_some() {
            return Err(());
        }
    }
    Ok(found)
}

/// Reads `NAME=VALUE` three times, with commas and white space between: the access key behind
/// `key_name`, `SignedHeaders` and `Signature`, in any order, each once.
pub(super) fn read<'a>(pieces: &'a str, key_name: &str) -> Result<Authorization<'a>, RequestError> {
    let malformed = RequestError::Malformed(AUTHORIZATION);
    if pieces.len() > limits::VALUE {
        return Err(malformed);
    }
    let [mut access_key, mut signed_headers, mut signature] = [None; 3];
    for piece in pieces.split(',') {
        let (name, value) = piece.trim().split_once('=').ok_or(malformed)?;
        let slot = match name {
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ if name == key_name => &mut access_key,
            _ => return Err(malformed),
        };
        if slot.replace(value).is_some() {
            return Err(RequestError::Duplicate(AUTHORIZATION));
        }
    }
    let (Some(access_key), Some(signed_headers), Some(written)) =
        (access_key, signed_headers, signature)
    else {
        return Err(malformed);
    };
    let mut signature = [0; 32];
    hex::decode_to_slice(written, &mut signature).map_err(|_| malformed)?;
    Ok(Authorization {
        access_key: access_key_of(access_key, AUTHORIZATION)?,
        signed_headers,
        signature,
    })
}

/// An access key: visible ASCII, bounded, for it is looked up.
pub(super) fn access_key_of<'a>(
    text: &'a str,
    place: &'static str,
) -> Result<&'a str, RequestError> {
    let fine = !text.is_empty()
        && text.len() <= limits::FIELD_NAME
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fine { Ok(text) } else { Err(RequestError::Malformed(place)) }
}

impl<'a> Authorization<'a> {
    fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.signed_headers.split(';')
    }

    /// Lower case and ascending, which excludes that one is named twice.
    pub(super) fn check_names(&self) -> Result<(), RequestError> {
        let names: Vec<&str> = self.names().collect();
        let written = names.iter().all(|name| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase())
        });
        if written && names.is_sorted_by(|one, next| one < next) {
            Ok(())
        } else {
            Err(RequestError::Malformed(AUTHORIZATION))
        }
    }

    /// Whether a header is signed.
    pub(super) fn signs(&self, wanted: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(wanted))
    }

    /// Refuses if one of these is not signed.
    pub(super) fn must_sign(&self, wanted: &[&'static str]) -> Result<(), RequestError> {
        match wanted.iter().find(|name| !self.signs(name)) {
            Some(name) => Err(RequestError::HeaderUnsigned(name)),
            None => Ok(()),
        }
    }

    /// The headers that are signed, with their values, in the order in which they are named.
    pub(super) fn values(
        &self,
        request: &Request<'a>,
    ) -> Result<Vec<(&'a str, &'a str)>, RequestError> {
        let value = |name: &'a str| match one(request.headers, name) {
            Ok(Some(value)) => Ok((name, value)),
            _ => Err(RequestError::SignedHeader),
        };
        self.names().map(value).collect()
    }
}
