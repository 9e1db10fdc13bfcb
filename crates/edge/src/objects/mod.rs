//! The Durable Objects, their names, and how they are called.
//!
//! | object | one per | its truth |
//! |---|---|---|
//! | [`directory`] | deployment | which tenant a token or a source belongs to |
//! | [`tenant`] | tenant | configuration, audit log, channels with a backlog |
//! | [`channel`] | tenant and channel | accepted events, in order, and what is not delivered yet |
//! | [`endpoint`] | endpoint | its health: breaker, rate, when it is to be disabled |
//! | [`nonces`] | source | nonces seen, for schemes with one a call |
//! | [`fleet`] | tenant | relay tasks, the hosts that carry them out, and which push address is whose |
//! | [`records`] | tenant | the searchable index, refused calls, bulk replays, the tenant's tail |

pub(crate) mod channel;
pub(crate) mod contract;
pub(crate) mod directory;
pub(crate) mod endpoint;
pub(crate) mod fleet;
pub(crate) mod nonces;
pub(crate) mod records;
pub(crate) mod tenant;

use std::pin::Pin;
use std::task::{Context, Poll};

use js_sys::Promise;
use livegate_core::id::{EndpointId, SourceId, TenantId};
use serde_json::Value;
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::document::{self, Field, Unread};
use crate::error::{Error, Problem, Result};
use crate::{http, json};

/// The name that stands for the tenant's own channel, where a vendor names none.
pub(crate) const OWN_CHANNEL: &str = "~";

/// One object of the deployment.
#[derive(Clone, Debug)]
pub(crate) enum ObjectRef<'a> {
    Directory,
    Tenant(TenantId),
    Channel(TenantId, &'a str),
    Endpoint(EndpointId),
    Records(TenantId),
    Fleet(TenantId),
    Nonces(SourceId),
    /// Nonces of requests of a tenant's vendor clients.
    ClientNonces(TenantId),
}

impl ObjectRef<'_> {
    /// The binding in wrangler.toml.
    pub(crate) const fn binding(&self) -> &'static str {
        match self {
            Self::Directory => "DIRECTORY",
            Self::Tenant(_) => "TENANT",
            Self::Channel(..) => "CHANNEL",
            Self::Endpoint(_) => "ENDPOINT",
            Self::Records(_) => "RECORDS",
            Self::Fleet(_) => "FLEET",
            Self::Nonces(_) | Self::ClientNonces(_) => "NONCES",
        }
    }

    /// The name whose hash is the object's id. Pinned: another name is another object.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Directory => "directory".to_owned(),
            Self::Tenant(tenant)
            | Self::Records(tenant)
            | Self::Fleet(tenant)
            | Self::ClientNonces(tenant) => tenant.to_string(),
            Self::Channel(tenant, channel) => format!("{tenant}/{channel}"),
            Self::Endpoint(endpoint) => endpoint.to_string(),
            Self::Nonces(source) => source.to_string(),
        }
    }
}

#[wasm_bindgen(module = "/src/platform.js")]
extern "C" {
    fn ask(env: &Env, binding: &str, name: &str, message: &str) -> Promise;

    #[wasm_bindgen(js_name = forward)]
    fn forward_request(
        env: &Env,
        binding: &str,
        name: &str,
        url: &str,
        request: &web_sys::Request,
    ) -> Promise;
}

/// Hands a caller's request on to an object as it is: for tails, whose answer is a stream.
pub(crate) async fn forward(
    env: &Env,
    object: &ObjectRef<'_>,
    path: &str,
    request: &web_sys::Request,
) -> Result<web_sys::Response> {
    let url = format!("https://object{path}");
    let promise = forward_request(env, object.binding(), &object.name(), &url, request);
    let answer = JsFuture::from(promise).await.map_err(Error::js)?;
    answer.dyn_into().map_err(Error::js)
}

/// Calls an object and reads what it answers; a problem that it reports is the caller's. The message is
/// taken, so that no caller keeps it while it waits.
#[expect(clippy::needless_pass_by_value, reason = "see above")]
pub(crate) fn call<T: Field>(env: &Env, object: &ObjectRef<'_>, message: impl Field) -> Asked<T> {
    Asked { answer: exchange(env, object, &message.write()), read: document::read }
}

fn exchange(env: &Env, object: &ObjectRef<'_>, message: &Value) -> JsFuture {
    ask(env, object.binding(), &object.name(), &json::text(message)).into()
}

/// An answer on its way. A future of its own, since an `async fn` would be compiled anew into each
/// of its callers.
#[must_use]
pub(crate) struct Asked<T> {
    answer: JsFuture,
    read: fn(Value) -> Result<T, Unread>,
}

impl<T> Future for Asked<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match poll_answer(&mut self.answer, context) {
            Poll::Ready(Ok(value)) => Poll::Ready((self.read)(value).map_err(Into::into)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[inline(never)]
fn poll_answer(answer: &mut JsFuture, context: &mut Context<'_>) -> Poll<Result<Value>> {
    Pin::new(answer).poll(context).map(|answer| {
        let answer = answer.map_err(Error::js)?.as_string().unwrap_or_default();
        let (status, text) = answer.split_once(' ').unwrap_or_default();
        if status.starts_with('2') {
            return Ok(json::parse(text)?);
        }
        match document::parse::<Problem>(text) {
            Ok(problem) => Err(problem.into()),
            Err(_) => Err(Error::runtime(format!("an object answered {status}"))),
        }
    })
}

/// What an object answers to a caller that it was handed by [`forward`]: a tail, or why not.
pub(crate) fn opened(
    result: Result<web_sys::Response>,
    path: &str,
) -> worker::Result<web_sys::Response> {
    let answer = result.or_else(|error| {
        if let Some(what) = error.failure() {
            worker::console_error!("a tail: {what}");
        }
        http::problem(&error.into_problem(), path)
    });
    answer.map_err(Into::into)
}

/// What an object answers to [`call`].
pub(crate) fn answer(result: Result<Value>) -> worker::Result<web_sys::Response> {
    let answer = match result {
        Ok(value) => http::json(200, &value),
        Err(error) => {
            if error.failure().is_some() {
                worker::console_error!("{error}");
            }
            let problem = error.into_problem();
            http::json(problem.status, &problem.write())
        }
    };
    answer.map_err(Into::into)
}
