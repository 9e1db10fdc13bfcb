//! What the vendors' own clients sign in with: a set of credentials of one tenant, made here, shown
//! once, and from then on sealed (what has to be computed with) or hashed (what is only compared).

use std::cell::RefCell;

use base64ct::{Base64UrlUnpadded, Encoding};
use livegate_core::id::{TenantId, token_hash};
use livegate_core::sorted::Map;
use livegate_core::time::{Millis, UnixMillis};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use worker::Env;

use crate::document::{document, words};
use crate::error::Result;
use crate::objects::contract::ToDirectory;
use crate::objects::{ObjectRef, call};
use crate::{js, seal};

/// How long an isolate goes by what it knows of a credential: as long as by a token.
const BELIEF: Millis = Millis::from_secs(10);

/// How many credentials an isolate remembers.
const CACHED: usize = 1_000;

words! {
    /// The parts of a set that a request names it by.
    #[derive(PartialOrd, Ord)]
    pub(crate) enum Part {
        /// The access key of signed requests.
        AccessKey = "access_key",
        /// The hash of an `X-Auth-Token`.
        AuthToken = "auth_hash",
        /// The id of Basic authentication.
        RestfulId = "restful_id",
    }
}

document! {
    /// A set as the directory keeps it.
    #[derive(Clone, Debug)]
    pub(crate) struct Kept {
        pub(crate) id: String,
        pub(crate) tenant: TenantId,
        pub(crate) access_key: String,
        /// The secret key, sealed for the access key.
        pub(crate) sealed: String,
        pub(crate) auth_hash: String,
        pub(crate) restful_id: String,
        pub(crate) restful_hash: String,
        pub(crate) created_at: UnixMillis,
        /// When it ends, after a rotation.
        pub(crate) expires_at: Option<UnixMillis>,
    }
}

impl Kept {
    /// The set as lists show it.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "project_id": project_id(self.tenant),
            "app_id": app_id(self.tenant),
            "access_key": self.access_key,
            "restful_id": self.restful_id,
            "created_at": self.created_at.to_string(),
            "expires_at": self.expires_at.map(|at| at.to_string()),
        })
    }
}

/// Huawei's name for a tenant: 32 lower-case hexadecimal digits.
pub(crate) fn project_id(tenant: TenantId) -> String {
    hex::encode(tenant.to_bytes())
}

/// The application that a tenant has from the start: a number that JSON carries exactly, since
/// Jocloud's are numbers and Alibaba's are texts.
pub(crate) fn app_id(tenant: TenantId) -> String {
    let hash = Sha256::digest([b"livegate application", tenant.to_bytes().as_slice()].concat());
    let number = hash.iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    // Fifteen digits: none of them begins with a zero.
    (100_000_000_000_000 + number).to_string()
}

/// A set of credentials made anew: what the directory keeps, and what is shown this once.
pub(crate) async fn mint(env: &Env, tenant: TenantId, now: UnixMillis) -> Result<(Kept, Value)> {
    let access_key = format!("LG{}", hex::encode_upper(js::random::<9>()?));
    let secret_key = Base64UrlUnpadded::encode_string(&js::random::<30>()?);
    let auth_token = format!("lgx_{}", Base64UrlUnpadded::encode_string(&js::random::<24>()?));
    let restful_id = hex::encode(js::random::<16>()?);
    let restful_secret = hex::encode(js::random::<16>()?);
    let kept = Kept {
        id: format!("crd_{}", hex::encode(js::random::<16>()?)),
        tenant,
        sealed: seal::seal(env, &access_key, &secret_key).await?,
        access_key,
        auth_hash: token_hash(&auth_token),
        restful_id,
        restful_hash: token_hash(&restful_secret),
        created_at: now,
        expires_at: None,
    };
    let mut shown = kept.shown();
    shown["secret_key"] = json!(secret_key);
    shown["auth_token"] = json!(auth_token);
    shown["restful_secret"] = json!(restful_secret);
    Ok((kept, shown))
}

/// A credential as an isolate knows it, its secret open.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) tenant: TenantId,
    /// The secret key, or the hash of the secret.
    pub(crate) secret: String,
    at: UnixMillis,
    expires_at: Option<UnixMillis>,
}

thread_local! {
    static KNOWN: RefCell<Map<(Part, String), Known>> = const { RefCell::new(Map::new()) };
}

/// The credential of that name, if there is one that has not ended.
pub(crate) async fn known(
    env: &Env,
    part: Part,
    name: &str,
    now: UnixMillis,
) -> Result<Option<Known>> {
    // What strangers send is no name of ours, and is not looked up.
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    let key = (part, name.to_owned());
    let cached = KNOWN.with_borrow(|known| known.get(&key).cloned());
    if let Some(cached) = cached.filter(|cached| now.since(cached.at) < BELIEF) {
        return Ok(Some(cached).filter(|known| known.expires_at.is_none_or(|end| now < end)));
    }
    let ask = ToDirectory::Credential(part, name.to_owned());
    let found: Option<Kept> = call(env, &ObjectRef::Directory, ask).await?;
    let Some(kept) = found.filter(|kept| kept.expires_at.is_none_or(|end| now < end)) else {
        KNOWN.with_borrow_mut(|known| known.remove(&key));
        return Ok(None);
    };
    let secret = match part {
        Part::AccessKey => seal::open(env, &kept.access_key, &kept.sealed).await?,
        Part::AuthToken => String::new(),
        Part::RestfulId => kept.restful_hash,
    };
    let found = Known { tenant: kept.tenant, secret, at: now, expires_at: kept.expires_at };
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(key, found.clone());
    });
    Ok(Some(found))
}
