// The signatures of calls, as each scheme's public description has them, with node:crypto and none of
// livegate's code. It judges the signature alone: not freshness, not repeated parameters.

import { createHash, createHmac, createPrivateKey, createPublicKey, verify } from "node:crypto";

const sha = (name, text) => createHash(name).update(text).digest("hex");
const hmac = (name, key, ...parts) =>
  parts.reduce((mac, part) => mac.update(part), createHmac(name, key));

/** What of a call the rules read. */
function readCall(vector) {
  const [, scheme, host, path, query = ""] = /^(\w+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(vector.url);
  const header = (name) =>
    vector.headers.find(([found]) => found.toLowerCase() === name.toLowerCase())?.[1].trim();
  const param = (name) => {
    const pair = vector.query.split("&").find((part) => part.split("=")[0] === name);
    return pair === undefined ? undefined : decodeURIComponent(pair.slice(name.length + 1));
  };
  const body = vector.body_hex ? Buffer.from(vector.body_hex, "hex") : Buffer.from(vector.body ?? "");
  return { scheme, host, path, query, header, param, body, method: vector.method, received: vector.query };
}

/** The parameters that are not the signature's own; by name, in their order where names are equal. */
const others = (query) =>
  query.split("&").filter((pair) => pair !== "" && !/^hw(Time|Secret)(=|$)/.test(pair));
const sorted = (query) => {
  const name = (pair) => pair.split("=")[0];
  const pairs = others(query).sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
  return pairs.length > 0 ? `?${pairs.join("&")}` : "";
};

/** Huawei MetaStudio, CustomPlatformAuthConfig: HMAC-SHA256, hex, over the URL and hex seconds. */
function huawei(call, uri, key, time, secret) {
  const unsorted = others(call.query).join("&");
  const url = {
    "host-path": call.host + call.path,
    "full-url": `${call.scheme}://${call.host}${call.path}${unsorted && `?${unsorted}`}`,
  }[uri] ?? call.host + call.path + sorted(call.query);
  return hmac("sha256", key, url, time).digest("hex") === secret?.toLowerCase();
}

/** Standard Webhooks 1.0.0: `id.seconds.body`, one of a list of `version,base64` has to match. */
function standardWebhooks(call, version, matches) {
  const signed = `${call.header("webhook-id")}.${call.header("webhook-timestamp")}.`;
  const list = (call.header("webhook-signature") ?? "").split(" ").map((item) => item.split(","));
  return list.some(([of, value]) => of === version && matches(Buffer.from(signed), value));
}

function ed25519Key(text) {
  const raw = Buffer.from(text.replace(/^wh[ps]k_/, ""), "base64");
  // RFC 8410: the fixed beginnings of a public and of a private key in DER.
  const der = (hex, bytes) => Buffer.concat([Buffer.from(hex, "hex"), bytes]);
  return text.startsWith("whsk_")
    ? createPublicKey(createPrivateKey({
        key: der("302e020100300506032b657004220420", raw.subarray(0, 32)), format: "der", type: "pkcs8",
      }))
    : createPublicKey({ key: der("302a300506032b6570032100", raw), format: "der", type: "spki" });
}

/** Whether `key` signed the call, by the built-in row of that name. */
const BUILT_IN = {
  NONE: () => true,
  MSS_A_HEAD: (call, key, uri) =>
    huawei(call, uri, key, call.header("x-hw-mss-time"), call.header("x-hw-mss-secret")),
  MSS_A: (call, key, uri) => huawei(call, uri, key, call.param("hwTime"), call.param("hwSecret")),
  "standard-webhooks": (call, key) => {
    const bytes = Buffer.from(key.replace(/^whsec_/, ""), "base64");
    const mac = (signed) => hmac("sha256", bytes, signed, call.body).digest("base64");
    return standardWebhooks(call, "v1", (signed, value) => value === mac(signed));
  },
  "standard-webhooks-v1a": (call, key) =>
    standardWebhooks(call, "v1a", (signed, value) =>
      verify(null, Buffer.concat([signed, call.body]), ed25519Key(key), Buffer.from(value, "base64"))),
};

const bodyOf = (call) => {
  const text = call.body.toString();
  return JSON.parse(text.startsWith("%") ? decodeURIComponent(text) : text);
};
const labelled = (text, label) =>
  text.split(",").filter((part) => part.startsWith(label)).map((part) => part.slice(label.length));

/** The same for the vendors' schemes that the vectors write down, by the scheme's name. */
const VENDORS = {
  agora: (call, key, scheme) => {
    const secret = scheme.key === "hex" ? Buffer.from(key, "hex") : key;
    const name = call.header("Agora-Signature-V2") === undefined ? "sha1" : "sha256";
    const value = call.header("Agora-Signature-V2") ?? call.header("Agora-Signature");
    return hmac(name, secret, call.body).digest("hex") === value.toLowerCase();
  },
  trtc: (call, key) => hmac("sha256", key, call.body).digest("base64") === call.header("Sign"),
  zego: (call, key) => {
    const { timestamp, nonce, signature } = bodyOf(call);
    return sha("sha1", [key, String(timestamp), nonce].sort().join("")) === signature;
  },
  "zego-request": (call, key) => {
    const [app, nonce, time] = ["AppId", "SignatureNonce", "Timestamp"].map(call.param);
    return sha("md5", app + nonce + key + time) === call.param("Signature");
  },
  "alibaba-live": (call, key) => {
    const parts = [call.host.replace(/:\d+$/, ""), call.header("ALI-LIVE-TIMESTAMP"), key];
    return sha("md5", parts.join("|")) === call.header("ALI-LIVE-SIGNATURE");
  },
  "artc-recording": (call, key) =>
    sha("md5", `${call.header("ALI-LIVE-TIMESTAMP")}|${key}`) === call.header("ALI-LIVE-SIGNATURE"),
  dingrtc: (call, key) => {
    const [, time, value] = call.header("DingRTC-Signature").split(".");
    return hmac("sha256", key, call.body, time).digest("hex") === value;
  },
  volcengine: (call, key) => {
    const { Signature, ...event } = bodyOf(call);
    const fields = ["EventType", "EventData", "EventTime", "EventId", "Version", "AppId", "Nonce"];
    return sha("sha256", [...fields.map((name) => event[name]), key].sort().join("")) === Signature;
  },
  sparkrtc: (call, key) => {
    const [random, time] = ["X-Rtc-Rand", "X-Rtc-Timestamp"].map(call.header);
    return hmac("sha256", key, random, time, call.body).digest("hex") === call.header("X-Rtc-Signature");
  },
  rongcloud: (call, key) =>
    sha("sha1", key + call.header("nonce") + call.header("timestamp")) === call.header("signature"),
  "video-job": (call, key) =>
    huawei(call, "", key, call.param("time_stamp"), call.param("secret")),
  github: (call, key) =>
    `sha256=${hmac("sha256", key, call.body).digest("hex")}` === call.header("X-Hub-Signature-256"),
  stripe: (call, key) => {
    const header = call.header("Stripe-Signature");
    const mac = hmac("sha256", key, labelled(header, "t=")[0], ".", call.body).digest("hex");
    return labelled(header, "v1=").includes(mac);
  },
  "jwt-piece": (call, key) => {
    const [head, claims, value] = call.header("Authorization").split(".");
    const mac = hmac("sha256", Buffer.from(key, "base64"), head, ".", claims);
    return mac.digest("base64url") === value;
  },
  "product-query": (call, key) => {
    const signed = `${call.method} ${call.host}${call.path}${sorted(call.received)}`;
    const [time, value] = ["x-hw-mss-time", "x-hw-mss-secret"].map(call.header);
    return hmac("sha256", key, signed, time).digest("hex") === value;
  },
};

Object.assign(BUILT_IN, {
  AGORA_NCS: (call, key) => hmac("sha256", key, call.body).digest("hex") === call.header("Agora-Signature-V2"),
  AGORA_NCS_V1: (call, key) => hmac("sha1", key, call.body).digest("hex") === call.header("Agora-Signature"),
  TRTC: VENDORS.trtc,
  DINGRTC: VENDORS.dingrtc,
  ALIBABA_LIVE: VENDORS["alibaba-live"],
  ALIBABA_RTC_RECORDING: VENDORS["artc-recording"],
  ZEGO: VENDORS.zego,
  VOLCENGINE_RTC: VENDORS.volcengine,
  LIVEKIT: (call, key) => {
    const [head, claims, value] = call.header("Authorization").split(".");
    return hmac("sha256", key, head, ".", claims).digest("base64url") === value;
  },
});

/** Whose signature a vector's call carries at its time: "current", "previous" or null. */
export function signer(vector) {
  const { scheme, canonical_uri: uri, key, previous, now_ms: now } = vector;
  const rule = typeof scheme === "string" ? BUILT_IN[scheme] : VENDORS[scheme.name];
  if (rule === undefined) throw new Error(`no rule for ${JSON.stringify(scheme)}`);
  const signed = (by) => rule(readCall(vector), by, typeof scheme === "string" ? uri : scheme);
  if (signed(key)) return "current";
  return previous && now < previous.until_ms && signed(previous.key) ? "previous" : null;
}
