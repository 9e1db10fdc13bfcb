//! What a channel knows of its endpoints' leave to send: a permit is asked for once a batch, and what
//! came of it is reported with the next question, or at once where others should know.

use std::rc::Rc;

use livegate_core::delivery::breaker::Permit;
use livegate_core::delivery::outcome::Outcome;
use livegate_core::id::EndpointId;
use livegate_core::sorted::Map;
use livegate_core::time::{Millis, UnixMillis};

use super::{Errand, Inner};
use crate::compile::Target;
use crate::error::Result;
use crate::js;
use crate::objects::contract::{Exchange, ToEndpoint};
use crate::objects::endpoint::{Report, Told};
use crate::objects::{ObjectRef, call};

/// How many sends a channel asks leave for at a time.
const WANT: u32 = 64;

/// How soon an endpoint's object that did not answer is asked again.
const ASK_AGAIN: Millis = Millis::from_secs(1);

/// What a channel knows of its endpoints' leave to send.
#[derive(Debug, Default)]
pub(super) struct Permits {
    of: Map<EndpointId, Leave>,
}

#[derive(Debug, Default)]
struct Leave {
    permit: Option<Permit>,
    wait_until: Option<UnixMillis>,
    asking: Errand,
    report: Vec<Report>,
    failed: bool,
    /// The report is to be told at once.
    urgent: bool,
}

impl Permits {
    /// A send begins.
    pub(super) fn use_one(&mut self, endpoint: EndpointId, now: UnixMillis) {
        if let Some(permit) = &mut self.of.entry(endpoint).permit {
            // One that was used up meanwhile is no reason not to send what was begun.
            let _ = permit.take(now);
        }
    }

    /// A send ended; whether its endpoint's object should be told at once, because others should
    /// know that it fails, or that it is well again.
    pub(super) fn note(&mut self, endpoint: EndpointId, outcome: Outcome) -> bool {
        let leave = self.of.entry(endpoint);
        leave.report.push(outcome.into());
        let recovered = leave.failed && outcome.is_delivered();
        leave.failed = !outcome.is_delivered();
        leave.urgent |= leave.failed || recovered;
        leave.urgent
    }

    /// Settings have changed: whoever was to wait may ask again.
    pub(super) fn forget_waits(&mut self) {
        self.of.iter_mut().for_each(|(_, leave)| leave.wait_until = None);
    }
}

impl Inner {
    /// Whether an endpoint may be sent one more: if not, until when not, or that it is to be asked.
    pub(super) fn leave(
        &self,
        endpoint: EndpointId,
        now: UnixMillis,
    ) -> Result<(), Option<UnixMillis>> {
        let mut permits = self.permits.borrow_mut();
        let leave = permits.of.entry(endpoint);
        if let Some(until) = leave.wait_until
            && now < until
        {
            return Err(Some(until));
        }
        match &leave.permit {
            Some(permit) if permit.left(now) > 0 => Ok(()),
            _ => Err(None),
        }
    }

    /// Tells an endpoint's object what came of its permit, and asks for another.
    pub(super) fn exchange(self: &Rc<Self>, target: &Rc<Target>) {
        let id = target.endpoint.id;
        let (report, unused) = {
            let mut permits = self.permits.borrow_mut();
            let leave = permits.of.entry(id);
            if !leave.asking.begin(js::now()) {
                return;
            }
            leave.failed = false;
            leave.urgent = false;
            let unused = leave.permit.take().map_or(0, |permit| permit.max);
            (std::mem::take(&mut leave.report), unused)
        };
        let (inner, target) = (Rc::clone(self), Rc::clone(target));
        js::spawn(async move {
            let rate_per_s = target.endpoint.rate_per_s;
            let told = inner.ask_leave(id, rate_per_s, report.clone(), unused).await;
            let disabled = matches!(told, Ok(Told::Disabled));
            let failed = told.is_err();
            let urgent = {
                let mut permits = inner.permits.borrow_mut();
                let leave = permits.of.entry(id);
                leave.asking.end();
                match told {
                    Ok(Told::Go(until, max)) => {
                        leave.permit = Some(Permit { until, max });
                        leave.wait_until = None;
                    }
                    Ok(Told::Wait(until)) => leave.wait_until = Some(until),
                    Ok(Told::Disabled) => {
                        leave.wait_until = Some(js::now().plus(Millis::from_mins(1)));
                    }
                    Err(error) => {
                        worker::console_error!("asking an endpoint: {error}");
                        leave.wait_until = Some(js::now().plus(ASK_AGAIN));
                        // It was not heard, perhaps: better told twice than a 410 never.
                        leave.urgent |= !report.is_empty();
                        leave.report.splice(0..0, report);
                    }
                }
                leave.urgent
            };
            if disabled {
                inner.doubt_plan();
            }
            inner.kick();
            if urgent {
                // What ended meanwhile, or was not heard; a lane that is held would never ask.
                if failed {
                    js::sleep(ASK_AGAIN).await;
                }
                inner.exchange(&target);
            }
        });
    }

    async fn ask_leave(
        &self,
        endpoint: EndpointId,
        rate_per_s: Option<u32>,
        report: Vec<Report>,
        unused: u32,
    ) -> Result<Told> {
        let exchange = Exchange {
            tenant: self.identity()?.tenant,
            endpoint,
            rate_per_s,
            report,
            unused,
            want: WANT,
        };
        let ask = ToEndpoint::Exchange(Box::new(exchange));
        call(&self.env, &ObjectRef::Endpoint(endpoint), ask).await
    }
}
