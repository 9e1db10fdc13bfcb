// Calls of Alibaba's older RPC, signed by node:crypto alone ("Signature method", ApsaraVideo Live).

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";

/** RFC 3986 §2.3: what is not encoded. */
const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** One call with a tenant's access key; its status and body. */
export async function rpc(tenant, Action, parameters) {
  const { access_key, secret_key } = tenant.credentials;
  const all = {
    Action,
    Version: "2016-11-01",
    Format: "JSON",
    AccessKeyId: access_key,
    SignatureMethod: "HMAC-SHA1",
    SignatureVersion: "1.0",
    SignatureNonce: randomUUID(),
    Timestamp: new Date().toISOString().replace(/\.\d+/, ""),
    ...parameters,
  };
  const query = Object.entries(all)
    .map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`)
    .sort()
    .join("&");
  const signature = createHmac("sha1", `${secret_key}&`).update(`POST&%2F&${encoded(query)}`).digest("base64");
  const answer = await fetch(`${tenant.world.url}/?${query}&Signature=${encoded(signature)}`, { method: "POST" });
  return { status: answer.status, body: await answer.json() };
}

/** One that has to succeed; its body. */
export async function called(tenant, action, parameters) {
  const { status, body } = await rpc(tenant, action, parameters);
  assert.equal(status, 200, `${action}: ${JSON.stringify(body)}`);
  return body;
}
