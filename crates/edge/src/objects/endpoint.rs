//! One endpoint's health, shared by every channel that has something for it: asked once a batch.

use livegate_core::delivery::breaker::{Answer, Breaker, Disabled, Health};
use livegate_core::delivery::outcome::{Cause, Outcome};
use livegate_core::time::{Millis, UnixMillis};
use serde_json::Value;
use worker::{DurableObject, Env, State, durable_object};

use super::contract::{Exchange, ToEndpoint, ToTenant};
use super::{ObjectRef, answer, call};
use crate::document::{Field, messages, words};
use crate::error::Result;
use crate::http::Incoming;
use crate::js;
use crate::sql::{Db, params};

/// The object that keeps one endpoint's breaker.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Endpoint {
    state: State,
    env: Env,
}

messages! {
    /// An outcome on its way between objects.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Report {
        Answered(status: u16, retry_after: Option<u64>),
        Silent(cause: Silence),
    }
}

words! {
    /// Why there was no answer.
    pub(crate) enum Silence {
        Timeout = "timeout",
        Reset = "reset",
        Dns = "dns",
        Tls = "tls",
        BlockedAddress = "blocked_address",
        Other = "other",
    }
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        let retry_after = match outcome {
            Outcome::Throttled { retry_after, .. } => retry_after.map(|span| span.0),
            _ => None,
        };
        if let Some(status) = outcome.status() {
            return Self::Answered(status, retry_after);
        }
        let cause = match outcome {
            Outcome::Unreachable(Cause::Timeout) => Silence::Timeout,
            Outcome::Unreachable(Cause::Reset) => Silence::Reset,
            Outcome::Unreachable(Cause::Dns) => Silence::Dns,
            Outcome::Unreachable(Cause::Tls) => Silence::Tls,
            Outcome::Unreachable(Cause::BlockedAddress) => Silence::BlockedAddress,
            _ => Silence::Other,
        };
        Self::Silent(cause)
    }
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        match report {
            Report::Answered(status, retry_after) => {
                Self::from_status(status, retry_after.map(Millis))
            }
            Report::Silent(cause) => Self::Unreachable(match cause {
                Silence::Timeout => Cause::Timeout,
                Silence::Reset => Cause::Reset,
                Silence::Dns => Cause::Dns,
                Silence::Tls => Cause::Tls,
                Silence::BlockedAddress => Cause::BlockedAddress,
                Silence::Other => Cause::Other,
            }),
        }
    }
}

messages! {
    /// What a channel is told.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Told {
        /// So many sends, until then.
        Go(until: UnixMillis, max: u32),
        /// Ask again then.
        Wait(until: UnixMillis),
        /// Nothing until it is enabled.
        Disabled,
    }
}

impl DurableObject for Endpoint {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
        answer(self.serve(&request).await).map(Into::into)
    }
}

impl Endpoint {
    async fn serve(&self, request: &worker::Request) -> Result<Value> {
        let ask: ToEndpoint = Incoming::of(request).json().await?;
        let db = Db::of(&self.state);
        db.run("CREATE TABLE IF NOT EXISTS health(id INTEGER PRIMARY KEY, doc TEXT)", &params![])?;
        let row = db.row("SELECT doc FROM health WHERE id = 1", &params![])?;
        let health: Health =
            row.map(|row| crate::json::parse(&row.text(0))).transpose()?.unwrap_or_default();
        let save = |health: Health| {
            let text = serde_json::to_string(&health)?;
            db.run("INSERT OR REPLACE INTO health VALUES (1, ?)", &params![&text])
        };
        match ask {
            ToEndpoint::Enable => {
                let mut breaker = Breaker::restore(None, health);
                breaker.enable();
                save(breaker.health())?;
                Ok(Value::Null)
            }
            ToEndpoint::Exchange(exchange) => {
                let Exchange { tenant, endpoint, rate_per_s, report, unused, want } = *exchange;
                let now = js::now();
                let mut breaker = Breaker::restore(rate_per_s, health);
                let outcomes: Vec<Outcome> = report.into_iter().map(Into::into).collect();
                let disabled = breaker.report(&outcomes, unused, now);
                let told = match breaker.ask(want, now, js::random_u64()) {
                    Answer::Granted(permit) => Told::Go(permit.until, permit.max),
                    Answer::Wait { until } => Told::Wait(until),
                    _ => Told::Disabled,
                };
                if breaker.health() != health {
                    save(breaker.health())?;
                }
                // The tenant is told until it has heard: nobody asks for what is disabled.
                let disabled = disabled.or_else(|| breaker.health().disabled);
                if let Some(why) = disabled {
                    let reason = match why {
                        Disabled::Gone => "it answered 410 Gone",
                        _ => "it failed for five days without a single success",
                    };
                    let ask = ToTenant::Disable(tenant, endpoint, reason.to_owned());
                    call::<Value>(&self.env, &ObjectRef::Tenant(tenant), ask).await?;
                }
                Ok(told.write())
            }
        }
    }
}
