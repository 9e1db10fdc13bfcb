//! Who calls the API: the deployment's admin, a tenant's token, or a one-minute ticket for a tail.

use std::cell::RefCell;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use livegate_core::id::{TenantId, token_hash};
use livegate_core::sorted::Map;
use livegate_core::time::{Millis, UnixMillis};
use sha2::{Digest, Sha256};
use worker::Env;

use crate::document::{self, document};
use crate::error::{Problem, Result};
use crate::http::Incoming;
use crate::objects::contract::ToDirectory;
use crate::objects::directory::TenantEntry;
use crate::objects::{ObjectRef, call};
use crate::{js, json, seal};

/// What every tenant token begins with.
pub(crate) const TOKEN_PREFIX: &str = "lgt_";

/// The tenant that the admin acts on without naming one.
const DEFAULT_TENANT: &str = "default";

/// How long a ticket opens a tail: enough for a page to load, too short to pass around.
const TICKET_LIFE: Millis = Millis::from_mins(1);

/// How long an isolate believes what it was told of a token.
const BELIEF: Millis = Millis::from_secs(10);

/// A caller that was let in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    /// Who, for the audit log.
    pub(crate) actor: &'static str,
}

thread_local! {
    static TOKENS: RefCell<Map<String, (TenantId, UnixMillis)>> =
        const { RefCell::new(Map::new()) };
}

pub(crate) fn unauthorised() -> Problem {
    Problem::new(401, "auth.required", "send a valid token as `Authorization: Bearer …`")
}

pub(crate) fn bearer(request: &Incoming) -> Option<String> {
    let header = request.header("authorization")?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Whether a token is the deployment's; compared as hashes, so time tells nothing of it.
fn is_admin(env: &Env, token: &str) -> bool {
    let admin = js::setting(env, "ADMIN_TOKEN");
    // A deployment without one has no admin, rather than one with an empty token.
    !admin.trim().is_empty()
        && Sha256::digest(admin.trim().as_bytes()) == Sha256::digest(token.as_bytes())
}

/// Lets the deployment's admin in, and nobody else.
pub(crate) fn admin(env: &Env, request: &Incoming) -> Result<()> {
    match bearer(request) {
        Some(token) if is_admin(env, &token) => Ok(()),
        Some(token) if token.starts_with(TOKEN_PREFIX) => {
            let detail = "this needs the deployment's admin token, not a tenant's";
            Err(Problem::new(403, "auth.admin_only", detail).into())
        }
        _ => Err(unauthorised().into()),
    }
}

/// Lets a tenant's token in, or the admin on behalf of the tenant that it names.
pub(crate) async fn caller(env: &Env, request: &Incoming, now: UnixMillis) -> Result<Caller> {
    let token = bearer(request).ok_or_else(unauthorised)?;
    if is_admin(env, &token) {
        let tenant = named_tenant(env, request.header("livegate-tenant").as_deref(), now).await?;
        return Ok(Caller { tenant, actor: "admin" });
    }
    if !token.starts_with(TOKEN_PREFIX) {
        return Err(unauthorised().into());
    }
    let hash = token_hash(&token);
    let known = TOKENS.with_borrow(|tokens| tokens.get(&hash).copied());
    if let Some((tenant, at)) = known
        && now.since(at) < BELIEF
    {
        return Ok(Caller { tenant, actor: "tenant" });
    }
    let ask = ToDirectory::TenantByToken(hash.clone());
    let found: Option<TenantEntry> = call(env, &ObjectRef::Directory, ask).await?;
    let tenant = found.ok_or_else(unauthorised)?.id;
    TOKENS.with_borrow_mut(|tokens| {
        // A cache, so emptying it now and then costs a few calls and bounds its size.
        if tokens.len() >= 1_000 {
            tokens.clear();
        }
        tokens.insert(hash, (tenant, now));
    });
    Ok(Caller { tenant, actor: "tenant" })
}

async fn named_tenant(env: &Env, name: Option<&str>, now: UnixMillis) -> Result<TenantId> {
    let ask = match name {
        Some(name) => ToDirectory::TenantByName(name.to_owned()),
        None => ToDirectory::CreateTenant(
            TenantId::from_bytes(js::random()?),
            DEFAULT_TENANT.to_owned(),
            None,
            now,
            true,
        ),
    };
    let found: Option<TenantEntry> = call(env, &ObjectRef::Directory, ask).await?;
    Ok(found.ok_or_else(|| Problem::not_found("tenant"))?.id)
}

document! {
    /// What a ticket opens.
    #[derive(Clone, Debug)]
    pub(crate) struct Ticket {
        pub(crate) tenant as "t": TenantId,
        pub(crate) channel as "c": Option<String>,
        pub(crate) source as "s": Option<String>,
        expires_at as "x": UnixMillis,
    }
}

impl Ticket {
    /// A ticket from now on, for a minute.
    pub(crate) fn new(
        tenant: TenantId,
        channel: Option<String>,
        source: Option<String>,
        now: UnixMillis,
    ) -> Self {
        Self { tenant, channel, source, expires_at: now.plus(TICKET_LIFE) }
    }

    pub(crate) fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }

    /// The ticket as text: its content and a MAC over it.
    pub(crate) fn to_text(&self, env: &Env) -> Result<String> {
        let content = Base64UrlUnpadded::encode_string(document::text(self).as_bytes());
        let tag = mac(env, &content)?.finalize().into_bytes();
        Ok(format!("{content}.{}", hex::encode(tag)))
    }

    /// Reads a ticket that this deployment made and that is still good.
    pub(crate) fn read(env: &Env, text: &str, now: UnixMillis) -> Result<Self> {
        let bad = || Problem::new(401, "auth.ticket", "the ticket is not valid, or not any more");
        let (content, tag) = text.split_once('.').ok_or_else(bad)?;
        let tag = hex::decode(tag).map_err(|_| bad())?;
        mac(env, content)?.verify_slice(&tag).map_err(|_| bad())?;
        let bytes = Base64UrlUnpadded::decode_vec(content).map_err(|_| bad())?;
        let content = json::parse_bytes(&bytes).map_err(|_| bad())?;
        let ticket: Self = document::read(content).map_err(|_| bad())?;
        if ticket.expires_at < now {
            return Err(bad().into());
        }
        Ok(ticket)
    }
}

/// A MAC under a key of its own, derived from the deployment's: the sealing key signs nothing.
fn mac(env: &Env, content: &str) -> Result<Hmac<Sha256>> {
    let key = seal::deployment_key(env)?;
    let mut derive = keyed(&key);
    derive.update(b"livegate tail ticket");
    let mut mac = keyed(&derive.finalize().into_bytes());
    mac.update(content.as_bytes());
    Ok(mac)
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}
