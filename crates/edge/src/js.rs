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
    #[wasm_bindgen(js_name = fetch, catch)]
    fn global_fetch(url: &str, init: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(buffer: &mut [u8]) -> Result<JsValue, JsValue>;

    type AbortController;
    #[wasm_bindgen(constructor)]
    fn new() -> AbortController;
    #[wasm_bindgen(method, getter)]
    fn signal(this: &AbortController) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn abort(this: &AbortController) -> js_sys::Function;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue, ms: f64) -> JsValue;
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

/// Resolves after `span`; `0` yields to what is already queued in this turn.
pub(crate) async fn sleep(span: Millis) {
    #[expect(clippy::cast_precision_loss, reason = "timers are far below 2^53 ms")]
    let ms = span.0.min(0x7fff_ffff) as f64;
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // A timer's promise never rejects.
    let _ = JsFuture::from(promise).await;
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

/// An outgoing call: always POST, never following a redirect.
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    pub(crate) timeout: Millis,
}

impl Post<'_> {
    /// Sends it and waits for the answer's head; the answer's body is left unread.
    pub(crate) async fn send(&self) -> Result<web_sys::Response, JsValue> {
        let init = Object::new();
        set(&init, "method", &"POST".into());
        set(&init, "redirect", &"manual".into());
        let headers = Object::new();
        for (name, value) in self.headers {
            set(&headers, name, &value.as_str().into());
        }
        set(&init, "headers", &headers);
        set(&init, "body", &Uint8Array::from(self.body));
        // Not AbortSignal.timeout: it keeps the call in memory until the time is up, answered or not.
        let controller = AbortController::new();
        set(&init, "signal", &controller.signal());
        #[expect(clippy::cast_precision_loss, reason = "time-outs are at most half a minute")]
        let timer = set_timeout(&controller.abort().bind0(&controller), self.timeout.0 as f64);
        let answer = match global_fetch(self.url, &init) {
            Ok(promise) => JsFuture::from(promise).await,
            Err(thrown) => Err(thrown),
        };
        clear_timeout(&timer);
        answer?.dyn_into()
    }
}
