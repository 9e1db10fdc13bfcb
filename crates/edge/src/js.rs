//! The JavaScript that the Worker touches directly: the clock, randomness, `fetch`, timers, and
//! bytes. Thin bindings, because the conversions of richer ones are most of what a call costs.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use js_sys::{Object, Promise, Reflect, Uint8Array};
use livegate_core::time::{Millis, UnixMillis};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::error::{Error, Result};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(buffer: &mut [u8]) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/src/platform.js")]
extern "C" {
    #[wasm_bindgen(js_name = sleep)]
    fn sleep_ms(ms: f64) -> Promise;

    #[wasm_bindgen(js_name = get)]
    fn get_text(url: &str, headers: &str, timeout: f64, longest: f64) -> Promise;

    #[wasm_bindgen(js_name = post)]
    fn post_bytes(
        url: &str,
        headers: &str,
        body: &[u8],
        timeout: f64,
        longest: f64,
        verdict: &str,
    ) -> Promise;

    #[wasm_bindgen(js_name = mail)]
    fn send_mail(env: &worker::Env, from: &str, to: &str, subject: &str, text: &str) -> Promise;
}

/// What stands behind the status where an answer's body says that the call was not taken; no
/// `Retry-After` looks so.
const REFUSED: &str = "refused";

/// A variable or secret of the deployment; empty where there is none, which is null for some runtimes
/// and undefined for others.
pub(crate) fn setting(env: &worker::Env, name: &str) -> String {
    let value = Reflect::get(env, &JsValue::from_str(name)).ok();
    value.and_then(|value| value.as_string()).unwrap_or_default()
}

/// The time, once per input: the core is handed it and never asks.
pub(crate) fn now() -> UnixMillis {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "Date.now() is a whole, positive number far below 2^53"
    )]
    UnixMillis(js_sys::Date::now() as u64)
}

/// Random bytes of the runtime's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    get_random_values(&mut bytes).map_err(Error::js)?;
    Ok(bytes)
}

/// Sixty-four random bits, for jitter.
pub(crate) fn random_u64() -> u64 {
    random::<8>().map_or(0, u64::from_le_bytes)
}

/// The milliseconds of a time that [`livegate_core::time`] printed.
pub(crate) fn millis(text: &str) -> u64 {
    let parsed = js_sys::Date::parse(text);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time that this gateway printed"
    )]
    let millis = if parsed.is_finite() { parsed as u64 } else { 0 };
    millis
}

/// Resolves after `span`; `0` yields to what is already queued in this turn.
pub(crate) async fn sleep(span: Millis) {
    #[expect(clippy::cast_precision_loss, reason = "timers are far below 2^53 ms")]
    let ms = span.0.min(0x7fff_ffff) as f64;
    // A timer's promise never rejects.
    let _ = JsFuture::from(sleep_ms(ms)).await;
}

/// Runs a task on its own. Boxed, so that what runs tasks is compiled once.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task);
    wasm_bindgen_futures::spawn_local(AssertUnwindSafe(task));
}

/// Sets `object[key] = value` on an object that we made; that cannot fail.
pub(crate) fn set(object: &Object, key: &str, value: &JsValue) {
    let _ = Reflect::set(object, &JsValue::from_str(key), value);
}

/// The bytes of a JavaScript array of bytes.
pub(crate) fn bytes_of(value: &JsValue) -> Vec<u8> {
    Uint8Array::new(value).to_vec()
}

/// Sends a GET that follows no redirect; the answer's status and text, if that is no longer than
/// `longest`. Headers as in [`Post`].
pub(crate) async fn get(
    url: &str,
    headers: &str,
    timeout: Millis,
    longest: u32,
) -> Result<(u16, String)> {
    #[expect(clippy::cast_precision_loss, reason = "time-outs are at most half a minute")]
    let promise = get_text(url, headers, timeout.0 as f64, longest.into());
    let answer = JsFuture::from(promise).await.map_err(Error::js)?;
    let answer = answer.as_string().unwrap_or_default();
    let (status, text) = answer.split_once(' ').unwrap_or_default();
    Ok((status.parse().unwrap_or_default(), text.to_owned()))
}

/// An outgoing call: always POST, never following a redirect.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    /// Names and values in turn, each on a line.
    pub(crate) headers: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) timeout: Millis,
    /// The longest answer that is read to keep its connection; a longer one is cut off.
    pub(crate) longest_answer: u32,
    /// A field of the answer's body that is 0 where the call was taken; empty if the status says so.
    pub(crate) verdict: &'a str,
}

/// An answer's head, as far as it matters.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    /// The status is a success, but the body says that it is none.
    pub(crate) refused: bool,
}

/// Mails a text by the binding `EMAIL`.
pub(crate) async fn mail(
    env: &worker::Env,
    from: &str,
    to: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    let sent = JsFuture::from(send_mail(env, from, to, subject, text)).await;
    sent.map(|_| ()).map_err(Error::js)
}

impl Post<'_> {
    /// Sends it and waits for the answer's head.
    pub(crate) async fn send(&self) -> Result<Answer, JsValue> {
        let Self { url, headers, body, timeout, longest_answer, verdict } = *self;
        #[expect(clippy::cast_precision_loss, reason = "time-outs are at most half a minute")]
        let promise =
            post_bytes(url, headers, body, timeout.0 as f64, longest_answer.into(), verdict);
        let answer = JsFuture::from(promise).await?;
        if let Some(status) = answer.as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a status, below 1000"
            )]
            return Ok(Answer { status: status as u16, retry_after: None, refused: false });
        }
        let text = answer.as_string().unwrap_or_default();
        let (status, rest) = text.split_once(' ').unwrap_or_default();
        let status = status.parse().unwrap_or_default();
        let refused = rest == REFUSED;
        let retry_after = Some(rest.to_owned()).filter(|_| !refused);
        Ok(Answer { status, retry_after, refused })
    }
}
