//! `ListLivePlatformProducts`: the products of a live, asked of the third party's own server.
//!
//! That it is asked by GET, and answers `{count, products: [{product_id, product_title}]}`, is what
//! the rest of the interface suggests; the vendor documents only how the call is signed.

use livegate_core::config::ApiType;
use livegate_core::scheme::{Builtin, Outgoing, Secret, Secrets, Signer};
use livegate_core::time::Millis;
use livegate_core::url::HttpUrl;
use livegate_core::url::egress::check;
use serde_json::{Value, json};
use web_sys::Response;

use super::{Call, fault, platforms};
use crate::error::Result;
use crate::objects::tenant::Kind;
use crate::{compile, http, js};

/// How long the third party may take.
const PATIENCE: Millis = Millis::from_secs(10);

/// The longest answer that is read.
const LONGEST: u32 = 256 * 1024;

pub(super) async fn list(call: &Call<'_>) -> Result<Response> {
    let (offset, limit) = super::window(call)?;
    let needed = |name| call.request.param(name).filter(|text| !text.is_empty());
    let id = needed("platform_id").ok_or_else(|| fault::parameter("platform_id", "is needed"))?;
    let live = needed("live_id").ok_or_else(|| fault::parameter("live_id", "is needed"))?;
    if !live.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(fault::parameter("live_id", "should have A-Z a-z 0-9 - _ only"));
    }
    let there = call.tenant.open(Kind::Platform, &id).await?;
    let platform = platforms::read(&there.ok_or_else(|| fault::missing("platform_id"))?)?;
    let Some(url) = platform.url(ApiType::ProductQuery) else {
        return Err(fault::parameter("platform_id", "has no address for PRODUCT_QUERY"));
    };
    let mark = if url.query().is_some() { '&' } else { '?' };
    let url = format!("{}{mark}live_id={live}&limit={limit}&offset={offset}", url.as_str());
    let products = ask(call, &url, platform.key().reveal()).await?;
    let answer = match offset {
        0 => json!({ "count": products["count"], "products": products["products"] }),
        _ => json!({ "products": products["products"] }),
    };
    http::json(200, &answer)
}

/// Asks the third party, signed as the vendor does.
async fn ask(call: &Call<'_>, url: &str, key: &str) -> Result<Value> {
    let wrong = |()| fault::other_side("The platform's address cannot be called");
    let parsed = HttpUrl::parse(url).map_err(|_| wrong(()))?;
    check(&parsed, compile::egress(call.tenant.env)).map_err(|_| wrong(()))?;
    let scheme = Builtin::MssAHead.scheme();
    let secret = Secret::for_scheme(&scheme, key).map_err(|_| wrong(()))?;
    let signer = Signer::new(&scheme, url, Some(&Secrets::new(secret))).map_err(|_| wrong(()))?;
    let outgoing = Outgoing { method: "GET", headers: &[], body: b"", id: "" };
    let signed = signer.sign(&outgoing, call.now).map_err(|_| wrong(()))?;
    let mut headers = String::from("accept\napplication/json\n");
    for (name, value) in &signed.headers {
        for line in [name.as_str(), "\n", value.as_str(), "\n"] {
            headers.push_str(line);
        }
    }
    let answer = js::get(url, &headers, PATIENCE, LONGEST).await;
    let Ok((status, body)) = answer else {
        return Err(fault::other_side("The platform did not answer"));
    };
    if status != 200 {
        return Err(fault::other_side(&format!("The platform answered {status}")));
    }
    products(&body).ok_or_else(|| {
        fault::other_side(
            "The platform's answer is not {count, products: [{product_id, product_title}]}",
        )
    })
}

/// The fields of the answer that are known; nothing else of a stranger's is handed on.
fn products(body: &str) -> Option<Value> {
    let answer: Value = crate::json::parse(body).ok()?;
    let product = |product: &Value| {
        Some(json!({
            "product_id": product["product_id"].as_str()?,
            "product_title": product["product_title"].as_str().unwrap_or_default(),
        }))
    };
    let products: Option<Vec<Value>> = answer["products"].as_array()?.iter().map(product).collect();
    let products = products?;
    let count = answer["count"].as_u64().unwrap_or(products.len() as u64);
    Some(json!({ "count": count, "products": products }))
}
