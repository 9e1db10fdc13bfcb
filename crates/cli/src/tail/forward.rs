//! Events from the tail, sent on to a server of this machine as a delivery would be: the `CloudEvent`
//! as it came, signed as Standard Webhooks has it.

use std::time::{Duration, Instant};

use ureq::Agent;

use crate::client::{agent, explain};
use crate::clock::now;
use crate::failure::Failure;
use crate::signing::{Outgoing, Signer};
use crate::tail::Event;

/// The content type of a `CloudEvent` (its JSON event format 1.0.2, §3).
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// How long the local server may take; the gateway's own default for deliveries.
const LIMIT: Duration = Duration::from_secs(15);

/// Where events are sent on to.
pub(crate) struct Forwarder {
    agent: Agent,
    url: String,
    signer: Signer,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The status that the local server answered, or why it did not.
    pub(crate) answer: Result<u16, String>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Outcome {
    /// Whether a gateway would count it as delivered.
    pub(crate) fn is_delivered(&self) -> bool {
        self.answer.as_ref().is_ok_and(|status| (200..300).contains(status))
    }
}

impl Forwarder {
    /// A forwarder to `url`, signing with `signer`.
    pub(crate) fn new(url: &str, signer: Signer) -> Self {
        Self { agent: agent(url, LIMIT), url: url.to_owned(), signer }
    }

    /// Sends one event, the same bytes that came, and waits for the answer.
    pub(crate) fn send(&self, event: &Event<'_>) -> Result<Outcome, Failure> {
        let body = event.text.as_bytes();
        // The id of the event, as a delivery has it; the same each time it is sent.
        let id = event.json["id"].as_str().or(event.id).unwrap_or("unknown");
        let outgoing = Outgoing { method: "POST", url: &self.url, id, body };
        let signed = self.signer.sign(&outgoing, now())?;
        let mut request =
            self.agent.post(signed.url(&self.url)).header("content-type", CONTENT_TYPE);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let began = Instant::now();
        let answer = match request.send(body) {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(explain(&error)),
        };
        Ok(Outcome { answer, took: began.elapsed() })
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;
    use std::time::Duration;

    #[test]
    fn only_a_2xx_counts_as_delivered() {
        let outcome = |answer| Outcome { answer, took: Duration::ZERO };
        assert!(outcome(Ok(204)).is_delivered());
        for answer in [Ok(302), Ok(500), Err("connection refused".to_owned())] {
            assert!(!outcome(answer).is_delivered());
        }
    }
}
