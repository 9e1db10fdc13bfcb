//! Whom events are told: an address, in whose format, and signed how.

use std::fmt;
use std::rc::Rc;

use livegate_core::dialect::{Dialect, DialectName, Secrecy, Words, WriteContext};
use livegate_core::id::EventId;
use livegate_core::relay::credentials::{Callback, CallbackFormat};
use livegate_core::scheme::{Outgoing, PrepareError, Secret, Secrets, Signer};
use livegate_core::time::UnixMillis;
use livegate_core::url::HttpUrl;
use sha2::{Digest as _, Sha256};

use super::client::Client;
use crate::store::MailRow;

/// Where events are told, and how. Cloning it gives another handle.
#[derive(Clone)]
pub struct Receiver(Rc<Inner>);

struct Inner {
    url: HttpUrl,
    dialect: Dialect,
    secrecy: Secrecy,
    signer: Signer,
    client: Client,
}

/// One event as it is posted.
pub(super) struct Parcel {
    pub(super) url: HttpUrl,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Why an event is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untold {
    /// The receiver's format has no words for it.
    NoWords,
    /// It cannot be signed.
    Unsigned,
}

impl Receiver {
    /// As the operator's file says. Secrets are masked unless it says otherwise.
    ///
    /// # Errors
    /// [`PrepareError`]: the address cannot be signed over, or the key is none.
    pub fn new(callback: &Callback) -> Result<Self, PrepareError> {
        let dialect = match callback.format {
            CallbackFormat::Metastudio => Dialect::MetaStudio,
            CallbackFormat::Alibaba => Dialect::ArtcMpu(Words::default()),
            _ => Dialect::LivegateRelay,
        };
        let secrets = callback.secret.clone().map(Secrets::new);
        let signer = Signer::new(
            &callback.format.scheme().scheme(),
            callback.url.as_str(),
            secrets.as_ref(),
        )?;
        Ok(Self::of(callback.url.clone(), dialect, callback.secrets.into(), signer))
    }

    /// The gateway's own address for this host. It gets bodies as they are, and masks what it shows.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn gateway(url: &HttpUrl, secret: Secret) -> Result<Self, PrepareError> {
        let scheme = CallbackFormat::Livegate.scheme().scheme();
        let signer = Signer::new(&scheme, url.as_str(), Some(&Secrets::new(secret)))?;
        Ok(Self::of(url.clone(), Dialect::LivegateRelay, Secrecy::Intact, signer))
    }

    fn of(url: HttpUrl, dialect: Dialect, secrecy: Secrecy, signer: Signer) -> Self {
        let client = Client::new(&url);
        Self(Rc::new(Inner { url, dialect, secrecy, signer, client }))
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// An event in the receiver's format, signed.
    pub(super) fn parcel(&self, row: &MailRow, now: UnixMillis) -> Result<Parcel, Untold> {
        let Inner { url, dialect, secrecy, signer, .. } = &*self.0;
        let body = body(dialect, *secrecy, row).ok_or(Untold::NoWords)?;
        let outgoing = Outgoing { method: "POST", headers: &[], body: &body, id: &row.id };
        let signed = signer.sign(&outgoing, now).map_err(|_| Untold::Unsigned)?;
        let url = HttpUrl::parse(&signed.url(url.as_str())).map_err(|_| Untold::Unsigned)?;
        Ok(Parcel { url, headers: signed.headers, body })
    }
}

fn body(dialect: &Dialect, secrecy: Secrecy, row: &MailRow) -> Option<Vec<u8>> {
    let own = Dialect::LivegateRelay;
    let bytes = row.body.as_bytes();
    if *dialect == own {
        return Some(match secrecy {
            Secrecy::Intact => bytes.to_vec(),
            Secrecy::Masked => own.redact(bytes).into_owned(),
        });
    }
    let events = own.parse(bytes).ok()?;
    let data: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let context = WriteContext {
        id: EventId::parse(&row.id).unwrap_or_else(|_| hashed(&row.id)),
        accepted_at: row.at,
        app_id: data["app_id"].as_str().unwrap_or_default(),
        subscription: "",
        secrecy,
    };
    dialect.write(events.first(), DialectName::LivegateRelay, &context).ok()
}

/// The same id for the same text.
fn hashed(id: &str) -> EventId {
    let mut first = [0; 16];
    first.copy_from_slice(&Sha256::digest(id.as_bytes())[..16]);
    EventId::from_bytes(first)
}

/// The address with its secrets masked, and the format.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("url", &self.0.url)
            .field("format", &self.0.dialect.name())
            .finish_non_exhaustive()
    }
}
