//! `/api/v1/tenants`: for the deployment's admin.

use base64ct::{Base64UrlUnpadded, Encoding};
use livegate_core::id::{TenantId, token_hash};
use livegate_core::time::UnixMillis;
use serde_json::json;
use web_sys::Response;
use worker::Env;

use super::{not_allowed, page};
use crate::auth::TOKEN_PREFIX;
use crate::document::given;
use crate::error::{Problem, Result, Violation};
use crate::http::{self, Incoming};
use crate::js;
use crate::objects::contract::ToDirectory;
use crate::objects::directory::TenantEntry;
use crate::objects::{ObjectRef, call};

given! {
    struct NewTenant {
        name: String,
    }
}

pub(super) async fn serve(
    env: &Env,
    request: &Incoming,
    rest: &[&str],
    now: UnixMillis,
) -> Result<Response> {
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let tenants: Vec<TenantEntry> =
                call(env, &ObjectRef::Directory, ToDirectory::ListTenants).await?;
            let items = tenants.iter().map(shown).collect();
            page(items, None)
        }
        ("POST", []) => create(env, request, now).await,
        ("GET", [name]) => {
            let ask = ToDirectory::TenantByName((*name).to_owned());
            let tenant: Option<TenantEntry> = call(env, &ObjectRef::Directory, ask).await?;
            let tenant = tenant.ok_or_else(|| Problem::not_found("tenant"))?;
            http::json(200, &shown(&tenant))
        }
        (_, [] | [_]) => Err(not_allowed("GET and POST")),
        _ => Err(Problem::not_found("route").into()),
    }
}

async fn create(env: &Env, request: &Incoming, now: UnixMillis) -> Result<Response> {
    let NewTenant { name } = request.json().await?;
    let fine = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fine {
        let detail = "a name is 1 to 64 of a-z, 0-9 and -";
        return Err(Problem::invalid(vec![Violation::new("name", "tenant.name", detail)]).into());
    }
    let token = format!("{TOKEN_PREFIX}{}", Base64UrlUnpadded::encode_string(&js::random::<24>()?));
    let ask = ToDirectory::CreateTenant(
        TenantId::from_bytes(js::random()?),
        name,
        Some(token_hash(&token)),
        now,
        false,
    );
    let tenant: TenantEntry = call(env, &ObjectRef::Directory, ask).await?;
    let mut document = shown(&tenant);
    document["token"] = json!(token);
    let made = super::credentials::make(env, tenant.id, None, now).await?;
    if let (Some(document), serde_json::Value::Object(mut made)) = (document.as_object_mut(), made)
    {
        // The tenant's own id and time stand; a set is named by what it is.
        let id = made.remove("id").unwrap_or_default();
        made.retain(|name, _| !document.contains_key(name) && name != "expires_at");
        document.append(&mut made);
        document.insert("credentials".to_owned(), id);
    }
    http::json(201, &document)
}

fn shown(tenant: &TenantEntry) -> serde_json::Value {
    json!({
        "id": tenant.id.to_string(),
        "name": tenant.name,
        "created_at": tenant.created_at.to_string(),
    })
}
