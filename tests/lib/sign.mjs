// Calls signed as vendors sign them, by node:crypto alone.

import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";

/** Seconds since 1970. */
export function seconds(shift = 0) {
  return Math.floor(Date.now() / 1000) + shift;
}

/**
 * What MetaStudio signs over a URL, before the time: host, path and the query sorted by name
 * (MetaStudio API reference, the example of CustomPlatformAuthConfig.key), or one of the two other
 * readings of its `URI()`.
 */
export function canonical(url, form = "host-path-query") {
  const { host, pathname, search } = new URL(url);
  const query = search.slice(1).split("&").filter(Boolean).sort().join("&");
  switch (form) {
    case "host-path-query":
      return host + pathname + (query ? `?${query}` : "");
    case "host-path":
      return host + pathname;
    case "full-url":
      return url;
    default:
      throw new Error(form);
  }
}

/** MetaStudio's two parameters for a URL. */
export function mss(url, key, { at = seconds(), form } = {}) {
  const time = at.toString(16);
  const signed = canonical(url, form) + time;
  return { time, signed, secret: createHmac("sha256", key).update(signed).digest("hex") };
}

/** Headers as MSS_A_HEAD has them. */
export function mssHeaders(url, key, options) {
  const { time, secret } = mss(url, key, options);
  return { "x-hw-mss-time": time, "x-hw-mss-secret": secret };
}

/** A query as MSS_A has it. */
export function mssQuery(url, key, options) {
  const { time, secret } = mss(url, key, options);
  return `hwSecret=${secret}&hwTime=${time}`;
}

/** Headers as Standard Webhooks has them, symmetric. */
export function webhook(secret, body, { id = `msg_${randomUUID()}`, at = seconds() } = {}) {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1,${mac}` };
}

/** A pair of Ed25519 keys as Standard Webhooks writes them, and a signer. */
export function asymmetric() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const x = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
  return {
    publicKey: `whpk_${x.toString("base64")}`,
    webhook(body, { id = `msg_${randomUUID()}`, at = seconds() } = {}) {
      const mac = sign(null, Buffer.from(`${id}.${at}.${body}`), privateKey).toString("base64");
      return { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1a,${mac}` };
    },
  };
}

/** The query of a call of Alibaba's RPC, signed by HMAC-SHA1 (Alibaba Cloud, "Request signatures", version 1.0). */
export function rpc(params, accessKey, secret) {
  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const all = {
    ...{ Version: "2016-11-01", Format: "JSON", AccessKeyId: accessKey, SignatureMethod: "HMAC-SHA1" },
    ...{ SignatureVersion: "1.0", SignatureNonce: randomUUID(), Timestamp: new Date().toISOString().replace(/\.\d+/, "") },
    ...params,
  };
  const query = Object.keys(all).sort().map((name) => `${encode(name)}=${encode(all[name])}`).join("&");
  const mac = createHmac("sha1", `${secret}&`).update(`GET&%2F&${encode(query)}`).digest("base64");
  return `${query}&Signature=${encode(mac)}`;
}

/** A body as MetaStudio sends it: the message is JSON in JSON. */
export function callback(type, message) {
  return JSON.stringify({ event_type: type, message: JSON.stringify(message) });
}

/** A change of a pushed stream's state. */
export function relayState(room, state, more = {}) {
  return callback("RTMP_STREAM_STATE_CHANGE", {
    room_id: room,
    job_id: "job-1",
    output_url: "rtmp://push.example.com/live",
    stream_key: "stream-key-of-the-test",
    state,
    ...more,
  });
}
