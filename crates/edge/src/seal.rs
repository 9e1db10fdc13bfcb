//! Secrets at rest: AES-256-GCM under the deployment's key, by the runtime's own Web Crypto.
//!
//! A sealed text is base64 of 12 random bytes (the nonce, NIST SP 800-38D §8.2.2), the ciphertext
//! and its 16-byte tag. The id of what it belongs to is authenticated with it, so one row's secret
//! cannot be moved to another.

use base64ct::{Base64, Encoding};
use js_sys::{Array, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::error::{Error, Result};
use crate::js;

const NONCE: usize = 12;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn encrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn decrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;
}

/// The deployment's 32-byte key, from the secret `SEAL_KEY` (64 hex digits).
pub(crate) fn deployment_key(env: &Env) -> Result<[u8; 32]> {
    let text = js::setting(env, "SEAL_KEY");
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
        Error::runtime("the secret SEAL_KEY must be set to 64 hex digits (32 bytes)".to_owned())
    })?;
    Ok(key)
}

/// Seals a secret for the row `owner`.
pub(crate) async fn seal(env: &Env, owner: &str, secret: &str) -> Result<String> {
    let nonce = js::random::<NONCE>()?;
    let key = key(env).await?;
    let data = Uint8Array::from(secret.as_bytes());
    let promise = encrypt(&algorithm(&nonce, owner), &key, &data).map_err(Error::js)?;
    let sealed = js::bytes_of(&JsFuture::from(promise).await.map_err(Error::js)?);
    Ok(Base64::encode_string(&[nonce.as_slice(), &sealed].concat()))
}

/// Opens what [`seal`] made for the same row under the same key.
pub(crate) async fn open(env: &Env, owner: &str, sealed: &str) -> Result<String> {
    let broken =
        || Error::runtime(format!("the secret of {owner} does not open: another SEAL_KEY?"));
    let bytes = Base64::decode_vec(sealed).map_err(|_| broken())?;
    let (nonce, data) = bytes.split_at_checked(NONCE).ok_or_else(broken)?;
    let key = key(env).await?;
    let promise = decrypt(&algorithm(nonce, owner), &key, &Uint8Array::from(data));
    let opened = JsFuture::from(promise.map_err(Error::js)?).await.map_err(|_| broken())?;
    String::from_utf8(js::bytes_of(&opened)).map_err(|_| broken())
}

async fn key(env: &Env) -> Result<JsValue> {
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    let bytes = Uint8Array::from(deployment_key(env)?.as_slice());
    let promise = import_key("raw", &bytes, "AES-GCM", false, &usages).map_err(Error::js)?;
    JsFuture::from(promise).await.map_err(Error::js)
}

fn algorithm(nonce: &[u8], owner: &str) -> Object {
    let algorithm = Object::new();
    js::set(&algorithm, "name", &"AES-GCM".into());
    js::set(&algorithm, "iv", &Uint8Array::from(nonce));
    js::set(&algorithm, "additionalData", &Uint8Array::from(owner.as_bytes()));
    algorithm
}
