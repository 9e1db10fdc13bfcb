//! `/in/{source}`: a vendor's callback is read once, verified over its raw bytes, parsed, and
//! handed to its channel. The vendor hears 2xx only after the channel's storage has it.

use std::cell::RefCell;
use std::rc::Rc;

use livegate_core::delivery::dedup::CallKey;
use livegate_core::dialect::{Dialect, redact};
use livegate_core::error::Coded;
use livegate_core::event::Event;
use livegate_core::id::{RejectionId, SourceId, TenantId};
use livegate_core::scheme::{Call, IdKind, Refusal, ShowBody, Verified, explain};
use livegate_core::sorted::Map;
use livegate_core::time::{Millis, UnixMillis};
use serde_json::Value;
use sha2::{Digest, Sha256};
use web_sys::Response;
use worker::{Context, Env};

use crate::compile::{self, Judge};
use crate::error::{Error, Problem, Result};
use crate::http::{self, Incoming};
use crate::js;
use crate::model::{Keys, Source, SourceSnapshot, WithKeys};
use crate::objects::channel::{Accepted, Head, RelayHead};
use crate::objects::contract::{ToDirectory, ToFleet, ToNonces, ToRecords, ToTenant};
use crate::objects::directory::TenantEntry;
use crate::objects::records::Rejection;
use crate::objects::{OWN_CHANNEL, ObjectRef, call, channel};

/// How long an isolate goes by what it knows of a source.
const BELIEF: Millis = Millis::from_secs(10);

/// From this age on, one call looks for news while the others go on.
const REFRESH: Millis = Millis::from_secs(8);

/// How many refused calls of one source an isolate records in ten seconds; the rest are counted.
const RECORDED: u32 = 50;

/// How many sources an isolate remembers.
const CACHED: usize = 1_000;

/// A source as this isolate knows it.
struct Known {
    tenant: TenantId,
    version: u64,
    source: Source,
    keys: Keys,
    /// The source's own address, as the call named it that was judged by this first.
    own_url: String,
    judge: Judge,
    at: UnixMillis,
}

impl Known {
    /// The same for a call that came to another of the deployment's addresses: nobody must be
    /// able to say under which one the vendor's calls are signed.
    fn for_address(self: Rc<Self>, own_url: &str) -> Result<Rc<Self>> {
        if self.own_url == own_url || self.source.signed_url.is_some() {
            return Ok(self);
        }
        let known = Self {
            tenant: self.tenant,
            version: self.version,
            source: self.source.clone(),
            keys: self.keys.clone(),
            own_url: own_url.to_owned(),
            judge: judge(&self.source, &self.keys, own_url)?,
            at: self.at,
        };
        Ok(Rc::new(known))
    }
}

fn judge(source: &Source, keys: &Keys, own_url: &str) -> Result<Judge> {
    compile::source(source, keys, own_url).map_err(|violations| {
        Error::runtime(format!("a stored source does not compile: {violations:?}"))
    })
}

#[derive(Default)]
struct Sampler {
    since: UnixMillis,
    recorded: u32,
    skipped: u64,
}

thread_local! {
    static SOURCES: RefCell<Map<SourceId, Rc<Known>>> = const { RefCell::new(Map::new()) };
    static REFRESHING: RefCell<Map<SourceId, UnixMillis>> = const { RefCell::new(Map::new()) };
    static SAMPLERS: RefCell<Map<SourceId, Sampler>> = const { RefCell::new(Map::new()) };
}

/// Has this isolate look a source up anew, which was changed through it. Others go by what they know
/// for as long as [`BELIEF`].
pub(crate) fn forget(document: &Value) {
    if let Some(id) = document["id"].as_str().and_then(|id| SourceId::parse(id).ok()) {
        SOURCES.with_borrow_mut(|sources| sources.remove(&id));
    }
}

/// What a refused caller hears, whatever the reason: nothing to learn from.
fn refused() -> Problem {
    Problem::new(401, "sign.refused", "the call is not accepted as signed")
}

/// Answers a vendor's call.
pub(crate) async fn serve(env: &Env, ctx: &Context, request: &Incoming) -> Result<Response> {
    let result = take(env, ctx, request).await;
    result.or_else(|error| {
        if let Some(what) = error.failure() {
            worker::console_error!("ingress: {what}");
        }
        http::problem(&error.into_problem(), "/in")
    })
}

async fn take(env: &Env, ctx: &Context, request: &Incoming) -> Result<Response> {
    let now = js::now();
    if !matches!(request.method.as_str(), "POST" | "GET") {
        let detail = "callbacks come by POST, or by GET where a vendor sends them so";
        return Err(Problem::new(405, "request.method_not_allowed", detail).into());
    }
    let id = request.path.strip_prefix("/in/").and_then(|text| SourceId::parse(text).ok());
    // A source that does not exist is refused as a wrongly signed call is.
    let id = id.ok_or_else(refused)?;
    // Before anything is looked up, so that too long a body tells nobody which sources there are.
    let body = request.body().await?;
    let known = source(env, &own_url(env, request, id), id, now).await?;
    let names = known.judge.scheme.header_names();
    let values: Vec<(&str, String)> =
        names.iter().filter_map(|name| request.header(name).map(|value| (*name, value))).collect();
    // A header that came twice is one with a comma here (the Fetch Standard, "get a header").
    let headers: Vec<(&str, &str)> = values
        .iter()
        .flat_map(|(name, value)| {
            let apart = known.judge.scheme.takes_no_comma(name);
            value.split(if apart { ", " } else { "\n" }).map(|value| (*name, value))
        })
        .collect();
    // What a GET says is in its query; the signature covers that where it covers anything.
    let is_get = request.method == "GET";
    if is_get && !known.judge.dialect.takes_get() {
        let detail = format!("callbacks of {} come by POST", known.judge.dialect.name());
        return Err(Problem::new(405, "request.method_not_allowed", detail).into());
    }
    let call =
        Call { method: &request.method, query: &request.query, headers: &headers, body: &body };
    let verified = match known.judge.verifier.verify(&call, now) {
        Ok(verified) => verified,
        Err(refusal) => {
            return Err(reject(env, ctx, &known, &call, &refusal, now)?.into());
        }
    };
    let said = if is_get { request.query.as_bytes() } else { verified.body() };
    let sha256: [u8; 32] = Sha256::digest(said).into();
    if let (Some(IdKind::Call), Some(nonce)) = (known.judge.scheme.id_kind(), verified.id()) {
        let ask = ToNonces::Claim(
            hex::encode(Sha256::digest(nonce.as_bytes())),
            Some(hex::encode(sha256)),
            now.plus(window(&known)),
        );
        if !crate::objects::call::<bool>(env, &ObjectRef::Nonces(id), ask).await? {
            return Err(record(
                env,
                ctx,
                &known,
                &call,
                "sign.nonce_seen",
                "another call with this nonce was accepted before".to_owned(),
                None,
                now,
            )?
            .into());
        }
    }
    let events = match known.judge.dialect.parse(said) {
        Ok(events) => events,
        Err(error) => {
            let problem = Problem::new(400, error.code().as_str(), error.to_string());
            record(env, ctx, &known, &call, error.code().as_str(), error.to_string(), None, now)?;
            return Err(problem.into());
        }
    };
    let mut duplicate = true;
    for (index, event) in events.iter().enumerate() {
        let part = Part { event, index, body: said, sha256: &sha256 };
        let accepted = accept(env, &known, &verified, &part, now).await?;
        duplicate &= accepted == Accepted::Duplicate;
    }
    let answer = known.judge.dialect.answer();
    let response = http::respond(answer.status, answer.content_type, answer.body)?;
    if duplicate {
        response.headers().set("livegate-duplicate", "true").map_err(Error::js)?;
    }
    Ok(response)
}

/// How long the same signature is accepted.
fn window(known: &Known) -> Millis {
    let policy = known.judge.policy;
    Millis(policy.freshness().0.saturating_add(policy.skew().0))
}

/// For how much longer this very call would be accepted again.
fn fresh_for(known: &Known, verified: &Verified<'_>, now: UnixMillis) -> Millis {
    match (known.judge.scheme.id_kind(), verified.signed_at()) {
        // A message may be signed anew at any time.
        (Some(IdKind::Message), _) | (_, None) => window(known),
        (_, Some(at)) => at.plus(known.judge.policy.freshness()).since(now),
    }
}

/// One event of a call.
struct Part<'a> {
    event: &'a Event<'a>,
    index: usize,
    body: &'a [u8],
    sha256: &'a [u8; 32],
}

impl Part<'_> {
    /// What makes this the same event when it comes again, and whether that has a time of its own:
    /// what does not is remembered for as long as its signature would be accepted.
    fn key(&self, known: &Known, verified: &Verified<'_>) -> (Option<CallKey>, bool) {
        let source = known.source.id;
        let of = |what: &[&[u8]]| {
            let mut hash = Sha256::new();
            for piece in what {
                hash.update(piece);
            }
            if self.index > 0 {
                hash.update(self.index.to_be_bytes());
            }
            let digest: [u8; 32] = hash.finalize().into();
            digest
        };
        let without_time =
            |what: &[&[u8]]| (Some(CallKey::of(source, UnixMillis(0), &of(what))), false);
        match (known.judge.scheme.id_kind(), verified.id(), verified.signed_at()) {
            // A message's id stands for it however often it is signed anew.
            (Some(IdKind::Message), Some(id), _) => without_time(&[id.as_bytes()]),
            // A nonce is one call's: what comes with it twice is that call again.
            (Some(IdKind::Call), Some(nonce), _) => without_time(&[nonce.as_bytes(), self.sha256]),
            (_, _, Some(at)) if self.index == 0 => {
                (Some(CallKey::of(source, at, self.sha256)), true)
            }
            (_, _, Some(at)) => (Some(CallKey::of(source, at, &of(&[self.sha256]))), true),
            // Nothing but the vendor's own word for the event.
            (_, _, None) => match self.event.repeat_key.as_deref() {
                Some(word) => without_time(&[b"repeat", word.as_bytes()]),
                None => (None, true),
            },
        }
    }
}

async fn accept(
    env: &Env,
    known: &Known,
    verified: &Verified<'_>,
    part: &Part<'_>,
    now: UnixMillis,
) -> Result<Accepted> {
    let source = known.source.id;
    let event = part.event;
    let (call, has_time) = part.key(known, verified);
    let entity = event.entity.as_deref().map(|entity| {
        let mut hash = Sha256::new();
        hash.update(source.to_bytes());
        hash.update(entity.as_bytes());
        hex::encode(hash.finalize().get(..16).unwrap_or_default())
    });
    let named = channel_of_task(env, known, event).await?;
    let head = Head {
        source,
        channel: named.clone(),
        kind: event.kind.as_str().to_owned(),
        vendor_type: event.vendor_type.clone().into_owned(),
        user: event.user.as_deref().map(str::to_owned),
        time: event.time,
        dialect: Some(&known.judge.dialect)
            .filter(|dialect| **dialect != Dialect::MetaStudio)
            .cloned(),
        index: u32::try_from(part.index).unwrap_or(u32::MAX),
        call: call.as_ref().map(|key| hex::encode(key.to_bytes())),
        fresh_s: (call.is_some() && !has_time).then(|| window(known).0.div_ceil(1000)),
        entity,
        relay: event.relay.as_ref().map(|relay| RelayHead {
            state: relay.state.map(|state| state.as_str().to_owned()),
            task: relay.task.as_deref().map(short),
            url: relay.url.as_deref().map(|url| short(&redact::push_url(url))),
        }),
        // Its channel knows what came before.
        late: false,
        body_hash: hex::encode(part.sha256),
    };
    let name = named.as_deref().or(event.channel.as_deref()).unwrap_or(OWN_CHANNEL);
    let terms = channel::Terms {
        tenant: known.tenant,
        channel: name,
        version: known.version,
        fresh_for: fresh_for(known, verified, now),
        duplicate_window: Millis::from_secs(known.source.duplicate_window_s),
    };
    channel::accept(env, &terms, &head, part.body).await
}

/// The beginning of a text that is shown in lists.
fn short(text: &str) -> String {
    text.chars().take(256).collect()
}

/// The channel of a relay task that a vendor names without its channel, if the fleet knows the task.
async fn channel_of_task(env: &Env, known: &Known, event: &Event<'_>) -> Result<Option<String>> {
    let task = event.relay.as_ref().and_then(|relay| relay.task.as_deref());
    let channel = event.channel.as_deref().and_then(|channel| channel.strip_prefix("task:"));
    match (task, channel) {
        (Some(task), Some(named)) if task == named => {
            // ARTC's events name their application; a relay host's tasks may be anybody's.
            let vendor = matches!(known.judge.dialect, Dialect::ArtcMpu(_)).then_some("artc");
            let data: Value = crate::json::parse(&event.data).unwrap_or_default();
            let app = data["AppId"].as_str().or_else(|| data["app_id"].as_str());
            let ask = ToFleet::Channel(
                vendor.map(str::to_owned),
                app.map(str::to_owned),
                task.to_owned(),
            );
            call(env, &ObjectRef::Fleet(known.tenant), ask).await
        }
        _ => Ok(None),
    }
}

/// The source's own address: where nothing else is configured, what the vendor signs over.
pub(crate) fn own_url(env: &Env, request: &Incoming, id: SourceId) -> String {
    let public = js::setting(env, "PUBLIC_URL");
    let base =
        if public.is_empty() { request.origin.as_str() } else { public.trim_end_matches('/') };
    format!("{base}/in/{id}")
}

/// The source, as known for at most ten seconds.
async fn source(env: &Env, own_url: &str, id: SourceId, now: UnixMillis) -> Result<Rc<Known>> {
    let known = SOURCES.with_borrow(|sources| sources.get(&id).cloned());
    if let Some(known) = known {
        let age = now.since(known.at);
        if age < REFRESH {
            return known.for_address(own_url);
        }
        let looking = REFRESHING.with_borrow_mut(|looking| {
            let others = looking.get(&id).is_some_and(|at| now.since(*at) < Millis(1_000));
            if !others {
                looking.insert(id, now);
            }
            others
        });
        if looking && age < BELIEF {
            return known.for_address(own_url);
        }
    }
    let fresh = fetch_source(env, own_url, id, now).await;
    SOURCES.with_borrow_mut(|sources| {
        match &fresh {
            Ok(known) => {
                if sources.len() >= CACHED {
                    sources.clear();
                }
                sources.insert(id, Rc::clone(known));
            }
            // One that is not found is gone; what could not be asked for is still as it was.
            Err(error) if error.failure().is_none() => {
                sources.remove(&id);
            }
            Err(_) => {}
        }
        REFRESHING.with_borrow_mut(|looking| looking.remove(&id));
    });
    fresh
}

async fn fetch_source(
    env: &Env,
    own_url: &str,
    id: SourceId,
    now: UnixMillis,
) -> Result<Rc<Known>> {
    let ask = ToDirectory::TenantOfSource(id);
    let entry: Option<TenantEntry> = call(env, &ObjectRef::Directory, ask).await?;
    let tenant = entry.ok_or_else(refused)?.id;
    let ask = ToTenant::Source(tenant, id);
    let snapshot: Option<SourceSnapshot> = call(env, &ObjectRef::Tenant(tenant), ask).await?;
    let SourceSnapshot { version, source, .. } = snapshot.ok_or_else(refused)?;
    let WithKeys { item: source, keys } = source;
    let judge = judge(&source, &keys, own_url)?;
    let own_url = own_url.to_owned();
    Ok(Rc::new(Known { tenant, version, source, keys, own_url, judge, at: now }))
}

/// Records why a call was refused, and says what its caller is told.
fn reject(
    env: &Env,
    ctx: &Context,
    known: &Known,
    call: &Call<'_>,
    refusal: &Refusal,
    now: UnixMillis,
) -> Result<Problem> {
    let signed = explain(&known.judge.scheme, &known.judge.url, call, ShowBody::Digest);
    record(env, ctx, known, call, refusal.code().as_str(), refusal.to_string(), Some(signed), now)
}

#[expect(clippy::too_many_arguments, reason = "what a record holds, said once")]
fn record(
    env: &Env,
    ctx: &Context,
    known: &Known,
    call: &Call<'_>,
    reason: &str,
    detail: String,
    signed_string: Option<String>,
    now: UnixMillis,
) -> Result<Problem> {
    let kept = SAMPLERS.with_borrow_mut(|samplers| {
        if samplers.len() >= CACHED {
            samplers.clear();
        }
        let sampler = samplers.entry(known.source.id);
        if now.since(sampler.since) > Millis::from_secs(10) {
            sampler.since = now;
            sampler.recorded = 0;
        }
        if sampler.recorded >= RECORDED {
            sampler.skipped += 1;
            return None;
        }
        sampler.recorded += 1;
        Some(std::mem::take(&mut sampler.skipped))
    });
    let Some(not_kept) = kept else { return Ok(refused()) };
    let rejection = Rejection {
        id: RejectionId::from_bytes(js::random()?).to_string(),
        source: known.source.id.to_string(),
        at: now,
        reason: reason.to_owned(),
        detail,
        method: call.method.to_owned(),
        url: shown_url(known, call.query),
        signed_string,
        body_size: call.body.len() as u64,
        body_sha256: hex::encode(Sha256::digest(call.body)),
        not_kept,
    };
    let ask = ToRecords::Reject(Box::new(rejection));
    let (env, object) = (env.clone(), ObjectRef::Records(known.tenant));
    ctx.wait_until(async move {
        if let Err(error) = crate::objects::call::<Value>(&env, &object, ask).await {
            worker::console_error!("recording a refused call: {error}");
        }
    });
    Ok(refused())
}

/// The call's URL as a record shows it: the values of its query are whatever a stranger sent, and
/// where the scheme keeps its own parameters there, they are a signature.
fn shown_url(known: &Known, query: &str) -> String {
    let path = format!("/in/{}", known.source.id);
    if query.is_empty() {
        return path;
    }
    let names: Vec<String> = query
        .split('&')
        .take(20)
        .map(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let name: String = name.chars().take(64).collect();
            format!("{name}=***")
        })
        .collect();
    format!("{path}?{}", names.join("&"))
}
