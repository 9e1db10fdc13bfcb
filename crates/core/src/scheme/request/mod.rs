//! Requests of vendors' own clients: whether a request is what its access key says it is.
//!
//! Three schemes sign whole requests (docs/spec/control-plane.md §1): `SDK-HMAC-SHA256` (Huawei),
//! `ACS3-HMAC-SHA256` and the older RPC `HMAC-SHA1` (both Alibaba). A [`Claim`] is what a request
//! says of itself; the shell looks the access key's secret up, and [`Claim::verify`] is the only
//! source of [`Authentic`]. A fourth way, [`basic`], is a name and a secret in a header.
//!
//! What holds for all three:
//!
//! - What decides about a request is signed: method, path, query, body, host where the scheme has
//!   one, and the headers that say what is asked for. What a scheme would leave open is refused.
//! - A header or parameter that comes twice is refused where it counts.
//! - Signatures are compared as bytes of their full size, in constant time.
//! - Secrets and signatures are in no error and no `Debug`.

pub mod basic;
mod canonical;
mod claim;
mod error;
mod flatten;
mod header;
pub mod rpc;

pub use claim::{Authentic, Claim, RequestScheme, WINDOW};
pub use error::RequestError;

/// An HTTP request as a shell received it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method, e.g. `POST`.
    pub method: &'a str,
    /// The path as it was received, still percent-encoded.
    pub path: &'a str,
    /// The query as it was received, without `?` and not decoded; empty if there was none.
    pub query: &'a str,
    /// All headers: names in any case, values without the line's end. A header that came twice has
    /// to be here twice. `host` is what the client sent, since that is what it signed.
    pub headers: &'a [(&'a str, &'a str)],
    /// The raw body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The one value of a header, without the white space around it (RFC 9110 §5.5).
    fn header(&self, wanted: &'static str) -> Result<Option<&'a str>, RequestError> {
        header::one(self.headers, wanted).map_err(|()| RequestError::Duplicate(wanted))
    }

    /// The same, where there has to be one.
    fn needed(&self, wanted: &'static str) -> Result<&'a str, RequestError> {
        self.header(wanted)?.ok_or(RequestError::Missing(wanted))
    }

    /// Whether the body is `application/x-www-form-urlencoded`.
    fn has_form(&self) -> Result<bool, RequestError> {
        let kind = self.header("content-type")?.unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").trim_matches([' ', '\t']);
        Ok(kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    }
}
