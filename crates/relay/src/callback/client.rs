//! Posting to one address, over connections that are kept for the next request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use livegate_core::delivery::outcome::{Cause, Outcome};
use livegate_core::delivery::schedule::retry_after_seconds;
use livegate_core::time::Millis;
use livegate_core::url::{Host, HttpScheme, HttpUrl};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout};

use super::receiver::Parcel;
use crate::net::{Asker, DialTimes, Egress, Tls, dial};

/// How long a connection is kept without a request.
const IDLE: Duration = Duration::from_secs(20);

/// The most connections that are kept.
const KEPT: usize = 16;

/// The longest answer that is read to keep its connection, and for how long.
const ANSWER: usize = 16 * 1024;
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// The most bytes of an answer's head.
const HEAD: usize = 16 * 1024;

type Sender = SendRequest<Full<Bytes>>;

/// A client of one address.
#[derive(Debug)]
pub(super) struct Client {
    host: Host,
    port: u16,
    scheme: HttpScheme,
    /// As the header `Host` has it.
    authority: String,
    asker: Asker,
    idle: Rc<RefCell<Vec<(Sender, Instant)>>>,
}

impl Client {
    pub(super) fn new(url: &HttpUrl) -> Self {
        let authority = match url.port() {
            Some(port) => format!("{}:{port}", url.host()),
            None => url.host().to_string(),
        };
        Self {
            host: url.host().clone(),
            port: url.port().unwrap_or_else(|| url.scheme().default_port()),
            scheme: url.scheme(),
            authority,
            asker: Asker::default(),
            idle: Rc::default(),
        }
    }

    /// Posts, and reads what the status says. No redirect is followed: nobody checked where it
    /// leads.
    pub(super) async fn post(&self, parcel: &Parcel, tls: &Tls, times: DialTimes) -> Outcome {
        let Some(request) = self.request(parcel) else {
            return Outcome::Unreachable(Cause::Other);
        };
        // What was kept may have been closed by the other end meanwhile: that says nothing.
        while let Some(mut kept) = self.kept() {
            match kept.send_request(request.clone()).await {
                Ok(answer) => return self.read(kept, answer),
                Err(error) if error.is_parse() => return Outcome::Unreachable(Cause::Other),
                Err(_) => {}
            }
        }
        let tls = (self.scheme == HttpScheme::Https).then_some(tls);
        // The address is the operator's own: it may be on this machine, or in a private network.
        let Self { host, port, asker, .. } = self;
        let wire = match dial(host, *port, tls, Egress::Anywhere, times, asker).await {
            Ok(wire) => wire,
            Err(error) => {
                tracing::debug!(host = %self.host, "a callback cannot be sent: {error}");
                return Outcome::Unreachable(Cause::from(&error));
            }
        };
        let opened = Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(wire)).await;
        let Ok((mut sender, connection)) = opened else {
            return Outcome::Unreachable(Cause::Other);
        };
        // It ends with its sender.
        spawn_local(async move { _ = connection.await });
        match sender.send_request(request).await {
            Ok(answer) => self.read(sender, answer),
            Err(error) if error.is_parse() => Outcome::Unreachable(Cause::Other),
            Err(_) => Outcome::Unreachable(Cause::Reset),
        }
    }

    /// Uses no connection again that stands now: one of them did not answer.
    pub(super) fn forget(&self) {
        self.idle.borrow_mut().clear();
    }

    fn request(&self, parcel: &Parcel) -> Option<Request<Full<Bytes>>> {
        let path = if parcel.url.path().is_empty() { "/" } else { parcel.url.path() };
        let target = match parcel.url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut request = Request::post(target)
            .header(HOST, &self.authority)
            .header(USER_AGENT, concat!("livegate/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in &parcel.headers {
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(parcel.body.clone()))).ok()
    }

    fn kept(&self) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|(sender, since)| since.elapsed() < IDLE && !sender.is_closed());
        idle.pop().map(|(sender, _)| sender)
    }

    /// The outcome is known from the head. The rest is read so that the connection can be used
    /// again, if it is short and comes soon.
    fn read(&self, sender: Sender, answer: Response<Incoming>) -> Outcome {
        let (head, body) = answer.into_parts();
        let idle = Rc::downgrade(&self.idle);
        spawn_local(async move {
            let rest = Limited::new(body, ANSWER).collect();
            if !timeout(ANSWER_TIME, rest).await.is_ok_and(|rest| rest.is_ok()) {
                return;
            }
            let mut sender = sender;
            if sender.ready().await.is_ok()
                && let Some(idle) = idle.upgrade()
                && idle.borrow().len() < KEPT
            {
                idle.borrow_mut().push((sender, Instant::now()));
            }
        });
        let asked = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Outcome::from_status(head.status.as_u16(), asked.and_then(retry_after))
    }
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
fn retry_after(text: &str) -> Option<Millis> {
    retry_after_seconds(text).or_else(|| {
        let at = httpdate::parse_http_date(text.trim()).ok()?;
        let left = at.duration_since(SystemTime::now()).unwrap_or_default();
        Some(Millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)))
    })
}

#[cfg(test)]
mod tests {
    use super::retry_after;
    use livegate_core::time::Millis;
    use std::time::{Duration, SystemTime};

    #[test]
    fn patience_is_asked_for_in_seconds_or_until_a_date() {
        assert_eq!(retry_after("120"), Some(Millis(120_000)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Millis(0)));
        let in_a_minute = httpdate::fmt_http_date(SystemTime::now() + Duration::from_mins(1));
        let left = retry_after(&in_a_minute).unwrap();
        assert!((58_000..=60_000).contains(&left.0), "{left:?}");
        assert_eq!(retry_after("soon"), None);
    }
}
