// What comes in: which calls are taken, which are refused, and what is recorded of them.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import test from "node:test";

import { receive } from "./lib/receiver.mjs";
import { asymmetric, callback, canonical, mss, relayState, seconds, webhook } from "./lib/sign.mjs";
import { until } from "./lib/wait.mjs";
import { KEY, SIGNED_URL, world } from "./lib/world.mjs";

const gate = world();
const WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SCRIPT = callback("SHOOT_SCRIPT_SWITCH", { room_id: "r", job_id: "j", shoot_script_sequence_no: "2" });

/** A scheme with a nonce for each call. */
const NONCE_SCHEME = {
  algorithm: "hmac-sha256",
  message: ["id", { literal: "\n" }, "time", { literal: "\n" }, "body"],
  signature: { header: "x-sign" },
  time: { at: { header: "x-time" }, format: "millis" },
  id: { at: { header: "x-nonce" }, kind: "call" },
};

function nonceHeaders(key, nonce, body, at = Date.now()) {
  const mac = createHmac("sha256", key).update(`${nonce}\n${at}\n${body}`).digest("hex");
  return { "x-sign": mac, "x-time": String(at), "x-nonce": nonce };
}

/** How many events a tenant has, once a last one, sent now, is listed. */
async function listed(tenant, source) {
  const marker = callback("SHOOT_SCRIPT_SWITCH", { room_id: "marker", job_id: `${Math.random()}` });
  await source.accept(marker);
  const { items } = await until(
    () => tenant.get("/events?limit=200"),
    ({ items }) => items.some((item) => item.channel === "marker"),
  );
  return items.filter((item) => item.channel !== "marker");
}

for (const scheme of ["MSS_A", "MSS_A_HEAD"]) {
  for (const form of ["host-path-query", "host-path", "full-url"]) {
    test(`${scheme} is verified over the configured URL as ${form}`, async () => {
      const tenant = await gate.tenant();
      const source = await tenant.source({ scheme, canonical_uri: form });
      assert.equal((await source.send(SCRIPT)).status, 200);
      // Each of the other forms is another string for this URL, whose query is not sorted.
      for (const other of ["host-path-query", "host-path", "full-url"]) {
        if (other === form) continue;
        assert.equal((await source.send(SCRIPT, { form: other })).status, 401, other);
      }
    });
  }
}

test("without a configured URL the source's own is what is signed", async () => {
  const tenant = await gate.tenant();
  const made = await tenant.ok("POST", "/sources", { name: "own", scheme: "MSS_A", key: KEY });
  const { secret, time } = mss(made.url, KEY);
  const url = `${made.url}?hwSecret=${secret}&hwTime=${time}`;
  const answer = await fetch(url, { method: "POST", body: SCRIPT });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json");
});

test("refused calls hear one 401 whatever the reason, and the record says which", async () => {
  const tenant = await gate.tenant();
  const headed = await tenant.source({ name: "headed" });
  const queried = await tenant.source({ name: "queried", scheme: "MSS_A" });
  const hook = await tenant.source({ name: "hook", scheme: "standard-webhooks", key: WHSEC });
  const keys = asymmetric();
  const hookA = await tenant.source({
    ...{ name: "hook-a", scheme: "standard-webhooks-v1a", key: keys.publicKey },
  });
  const now = seconds();
  const { secret, time } = mss(SIGNED_URL, KEY, { at: now });
  const head = (fields) => ({ headers: { "x-hw-mss-secret": secret, "x-hw-mss-time": time, ...fields } });
  const without = (headers, name) => ({ headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) });
  const signedHook = webhook(WHSEC, SCRIPT);
  const tampered = SCRIPT.replace("SWITCH", "SWITCh");
  const flipped = (secret[0] === "0" ? "1" : "0") + secret.slice(1);
  const cases = [
    ["a wrong key", headed, SCRIPT, headed.sign(SCRIPT, { key: `${KEY.slice(1)}x` }), "sign.mismatch"],
    ["one digit of the signature", headed, SCRIPT, head({ "x-hw-mss-secret": flipped }), "sign.mismatch"],
    // The window is 60 s to either side.
    ["a stale time", headed, SCRIPT, headed.sign(SCRIPT, { at: seconds(-120) }), "sign.timestamp_stale"],
    ["a future time", headed, SCRIPT, headed.sign(SCRIPT, { at: seconds(120) }), "sign.timestamp_future"],
    ["another time than was signed", headed, SCRIPT, head({ "x-hw-mss-time": (now - 1).toString(16) }), "sign.mismatch"],
    ["a time that is none", headed, SCRIPT, head({ "x-hw-mss-time": "yesterday" }), "sign.malformed_parameter"],
    ["no time", headed, SCRIPT, without(head().headers, "x-hw-mss-time"), "sign.missing_parameter"],
    ["no signature", headed, SCRIPT, without(head().headers, "x-hw-mss-secret"), "sign.missing_parameter"],
    ["nothing at all", headed, SCRIPT, {}, "sign.missing_parameter"],
    ["no signature in the query", queried, SCRIPT, { query: `?hwTime=${time}` }, "sign.missing_parameter"],
    ["no time in the query", queried, SCRIPT, { query: `?hwSecret=${secret}` }, "sign.missing_parameter"],
    ["the signature twice", queried, SCRIPT, { query: `?hwSecret=${secret}&hwSecret=${secret}&hwTime=${time}` }, "sign.duplicate_parameter"],
    ["the time twice", queried, SCRIPT, { query: `?hwSecret=${secret}&hwTime=${time}&hwTime=${time}` }, "sign.duplicate_parameter"],
    ["parameters where they do not belong", queried, SCRIPT, head(), "sign.missing_parameter"],
    ["a tampered body", hook, tampered, { headers: signedHook }, "sign.mismatch"],
    ["another id than was signed", hook, SCRIPT, { headers: { ...signedHook, "webhook-id": "msg_other" } }, "sign.mismatch"],
    ["only a signature of another version", hook, SCRIPT, { headers: keys.webhook(SCRIPT) }, "sign.unsupported_version"],
    // Standard Webhooks allows five minutes.
    ["a stale message", hook, SCRIPT, { headers: webhook(WHSEC, SCRIPT, { at: seconds(-400) }) }, "sign.timestamp_stale"],
    ["a tampered body, asymmetric", hookA, tampered, { headers: keys.webhook(SCRIPT) }, "sign.mismatch"],
    ["another key pair", hookA, SCRIPT, { headers: asymmetric().webhook(SCRIPT) }, "sign.mismatch"],
  ];
  const heard = new Set();
  for (const [what, source, body, how, reason] of cases) {
    const before = (await tenant.get(`/rejections?source=${source.id}`)).items.length;
    const answer = await source.raw(body, how);
    assert.equal(answer.status, 401, what);
    heard.add(`${answer.type} ${answer.text}`);
    const [record] = await tenant.items(`/rejections?source=${source.id}`, before + 1);
    assert.equal(record.reason, reason, what);
    assert.equal(record.source, source.id);
    assert.equal(record.body_sha256, createHash("sha256").update(body).digest("hex"), what);
    assert.equal(record.body_size, Buffer.byteLength(body));
    assert.deepEqual(await tenant.get(`/rejections/${record.id}`), record);
  }
  const nowhere = `${gate.url}/in/src_${"0".repeat(32)}`;
  for (const url of [nowhere, `${gate.url}/in/studio`, `${gate.url}/in/`]) {
    const answer = await fetch(url, { method: "POST", body: SCRIPT, headers: head().headers });
    assert.equal(answer.status, 401, url);
    heard.add(`${answer.headers.get("content-type")} ${await answer.text()}`);
  }
  assert.equal(heard.size, 1, [...heard].join("\n"));
  const [problem] = [...heard].map((text) => JSON.parse(text.slice(text.indexOf("{"))));
  assert.deepEqual(Object.keys(problem).sort(), ["code", "detail", "instance", "status", "title", "type"]);
  assert.deepEqual(await listed(tenant, headed), [], "nothing of it was accepted");
});

test("a record shows what was signed, and neither key nor signature", async () => {
  const tenant = await gate.tenant();
  const keyed = {
    algorithm: "md5",
    message: ["key", { literal: "|" }, "time", { literal: "|" }, "body"],
    signature: { header: "x-sign" },
    time: { at: { header: "x-time" }, format: "seconds" },
  };
  const key = "a-key-that-nobody-may-see";
  const md5 = await tenant.source({ name: "md5", scheme: "custom", custom: keyed, key });
  const at = String(seconds());
  const right = createHash("md5").update(`${key}|${at}|${SCRIPT}`).digest("hex");
  const sent = createHash("md5").update("anything else").digest("hex");
  assert.equal((await md5.raw(SCRIPT, { headers: { "x-sign": sent, "x-time": at } })).status, 401);
  const record = await tenant.rejection("sign.mismatch", md5.id);
  const digest = createHash("sha256").update(SCRIPT).digest("hex");
  assert.ok(record.signed_string.startsWith(`<key>|${at}|`), record.signed_string);
  assert.ok(record.signed_string.includes(digest), "the body is shown by its digest");
  for (const secret of [key, right, sent]) {
    assert.ok(!JSON.stringify(record).includes(secret), secret);
  }

  const queried = await tenant.source({ scheme: "MSS_A" });
  const { secret, time, signed } = mss(SIGNED_URL, KEY);
  const wrong = mss(SIGNED_URL, "another-key").secret;
  assert.equal((await queried.raw(SCRIPT, { query: `?hwSecret=${wrong}&hwTime=${time}` })).status, 401);
  const second = await tenant.rejection("sign.mismatch", queried.id);
  assert.equal(second.signed_string, signed);
  assert.equal(second.signed_string, canonical(SIGNED_URL) + time);
  for (const hidden of [KEY, secret, wrong]) {
    assert.ok(!JSON.stringify(second).includes(hidden), hidden);
  }
  assert.ok(second.url.includes("hwSecret=***"), second.url);
});

test("a nonce is one call's: the same call again is a duplicate, and another with it is refused", async () => {
  const tenant = await gate.tenant();
  const key = "nonce-key";
  const source = await tenant.source({ scheme: "custom", custom: NONCE_SCHEME, key });
  const send = (nonce, body) => source.raw(body, { headers: nonceHeaders(key, nonce, body) });
  assert.equal((await send("n-1", SCRIPT)).status, 200);
  // A vendor that did not hear the answer comes again; its event must be neither lost nor doubled.
  const again = await send("n-1", SCRIPT);
  assert.deepEqual([again.status, again.duplicate], [200, true]);
  assert.equal((await send("n-1", relayState("r", "END"))).status, 401);
  const record = await tenant.rejection("sign.nonce_seen", source.id);
  assert.ok(!JSON.stringify(record).includes(key));
  assert.equal((await send("n-2", relayState("r", "END"))).status, 200, "a nonce of its own");
  // A nonce is spent only by a call that was signed with it.
  const forged = { headers: { ...nonceHeaders("other", "n-3", SCRIPT) } };
  assert.equal((await source.raw(SCRIPT, forged)).status, 401);
  assert.equal((await send("n-3", relayState("r", "CONNECTED"))).status, 200);
});

test("the very same call again is a duplicate and is delivered no second time", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source({ duplicate_window_s: 0 });
  await tenant.connect(there.url);
  const signed = source.sign(SCRIPT);
  const first = await source.raw(SCRIPT, signed);
  assert.deepEqual([first.status, first.duplicate], [200, false]);
  for (let i = 0; i < 3; i += 1) {
    const again = await source.raw(SCRIPT, signed);
    assert.deepEqual([again.status, again.duplicate, again.text], [200, true, first.text]);
  }
  // Deliveries of a channel keep their order, so what follows shows that nothing was in between.
  await source.accept(callback("SHOOT_SCRIPT_SWITCH", { room_id: "r", job_id: "after" }));
  await there.count(2);
  assert.deepEqual(there.bodies.map((body) => body.data.job_id), ["j", "after"]);
});

test("the same message signed anew is one event under Standard Webhooks", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "standard-webhooks", key: WHSEC, duplicate_window_s: 0 });
  const first = await source.send(SCRIPT, { id: "msg_1", at: seconds(-3) });
  const again = await source.send(SCRIPT, { id: "msg_1", at: seconds() });
  const other = await source.send(SCRIPT, { id: "msg_2", at: seconds() });
  assert.deepEqual([first, again, other].map(({ status, duplicate }) => [status, duplicate]), [[200, false], [200, true], [200, false]]);
});

test("news signed anew is a duplicate only if it repeats the latest of its job and output", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  await tenant.connect(there.url);
  const now = seconds();
  const send = (state, shift, more) => source.send(relayState("room", state, more), { at: now + shift });
  const seen = [];
  for (const [state, shift, more] of [
    ["CONNECTED", 0],
    ["CONNECTED", -1], // the same news, signed at another time
    ["RECONNECTING", -2],
    ["CONNECTED", -3], // not the latest any more: news
    ["CONNECTED", -4],
    ["CONNECTED", -5, { output_url: "rtmp://push.example.com/other" }],
    ["CONNECTED", -6, { job_id: "job-2" }],
    ["CONNECTED", -7], // other outputs changed nothing for this one
  ]) {
    const { status, duplicate } = await send(state, shift, more);
    assert.equal(status, 200);
    seen.push(duplicate);
  }
  assert.deepEqual(seen, [false, true, false, false, true, false, false, true]);
  await there.count(5);
  const states = there.bodies.map(({ data }) => data.state);
  assert.deepEqual(states, ["CONNECTED", "RECONNECTING", "CONNECTED", "CONNECTED", "CONNECTED"]);
});

test("a source may have no such window, or a short one", async () => {
  const tenant = await gate.tenant();
  const none = await tenant.source({ duplicate_window_s: 0 });
  const now = seconds();
  for (const shift of [0, -1, -2]) {
    await none.accept(relayState("none", "CONNECTED"), { at: now + shift });
  }
  const short = await tenant.source({ name: "short", duplicate_window_s: 1 });
  const began = Date.now();
  await short.accept(relayState("short", "CONNECTED"), { at: now - 59 + 10 });
  let shift = 0;
  // Each is signed with a time of its own, so only the window can tell them apart from news.
  const send = () => short.send(relayState("short", "CONNECTED"), { at: now - 45 + (shift += 1) });
  const { duplicate } = await send();
  assert.ok(duplicate || Date.now() - began >= 1_000, "it was forgotten too soon");
  await until(async () => (shift < 80 ? (await send()).duplicate : assert.fail("never")), (duplicate) => !duplicate);
  assert.ok(Date.now() - began >= 1_000, "a second has to pass");
});

test("a body over 256 KiB is refused, however its length is said", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", dialect: "generic" });
  const limit = 256 * 1024;
  const body = (length) => {
    const shell = JSON.stringify({ type: "big", pad: "" });
    return shell.replace('""', `"${"x".repeat(length - shell.length)}"`);
  };
  const chunked = (text) =>
    new ReadableStream({
      start(controller) {
        for (let at = 0; at < text.length; at += 65_536) {
          controller.enqueue(new TextEncoder().encode(text.slice(at, at + 65_536)));
        }
        controller.close();
      },
    });
  assert.equal(body(limit).length, limit);
  assert.equal((await source.raw(body(limit))).status, 200);
  assert.equal((await source.raw(chunked(body(limit - 1)))).status, 200);
  for (const sent of [body(limit + 1), chunked(body(limit + 1)), chunked(body(4 * limit))]) {
    const answer = await source.raw(sent);
    assert.equal(answer.status, 413);
    assert.equal(JSON.parse(answer.text).code, "request.too_large");
  }
  assert.deepEqual((await tenant.items("/events", 2)).map((event) => event.size), [limit - 1, limit]);
});

test("a verified body that cannot be read is answered with what and where, and recorded", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ duplicate_window_s: 0 });
  const key = "stream-key-that-nobody-may-see";
  for (const [body, where] of [
    ["", ""],
    ["not json", ""],
    ["[]", ""],
    ['{"event_type":"X"', ""],
    ["{}", "event_type"],
    ['{"event_type":7,"message":"{}"}', "event_type"],
    ['{"event_type":"RTMP_STREAM_STATE_CHANGE"}', "message"],
    ['{"event_type":"RTMP_STREAM_STATE_CHANGE","message":{}}', "message"],
    ['{"event_type":"RTMP_STREAM_STATE_CHANGE","message":"no"}', "message"],
    [callback("RTMP_STREAM_STATE_CHANGE", { room_id: "r", state: 7, stream_key: key }), "/message/state"],
    [callback("RTMP_STREAM_STATE_CHANGE", { room_id: {}, stream_key: key }), "/message/room_id"],
  ]) {
    const before = (await tenant.get("/rejections")).items.length;
    const answer = await source.send(body);
    assert.equal(answer.status, 400, body);
    const problem = JSON.parse(answer.text);
    assert.match(problem.code, /^dialect\./, body);
    assert.ok(problem.detail.includes(where), `${body}: ${problem.detail}`);
    const [record] = await tenant.items("/rejections", before + 1);
    assert.equal(record.reason, problem.code);
    assert.equal(record.detail, problem.detail);
    assert.ok(!JSON.stringify([record, problem]).includes(key), "no value of the body is shown");
  }
  assert.deepEqual(await listed(tenant, source), []);
});

test("an event of an unknown type is kept and goes to those who subscribed to everything", async (t) => {
  const [all, some] = [await receive(t), await receive(t)];
  const tenant = await gate.tenant();
  const source = await tenant.source();
  await tenant.connect(all.url);
  await tenant.connect(some.url, {}, { filter: { kinds: ["relay.*", "script.*", "reply.*"] } });
  await source.accept(callback("SOMETHING_NEW", { room_id: "r", what: [1, { deep: true }] }));
  await source.accept(relayState("r", "CONNECTED"));
  await Promise.all([all.count(2), some.count(1)]);
  assert.deepEqual(all.bodies.map((body) => body.vendortype), ["SOMETHING_NEW", "RTMP_STREAM_STATE_CHANGE"]);
  assert.deepEqual(all.bodies[0].data, { room_id: "r", what: [1, { deep: true }] });
  assert.equal(all.bodies[0].type, "dev.livegate.unknown");
  assert.deepEqual(some.bodies.map((body) => body.vendortype), ["RTMP_STREAM_STATE_CHANGE"]);
  const [, unknown] = await tenant.items("/events", 2);
  assert.deepEqual([unknown.kind, unknown.type, unknown.channel], ["unknown", "SOMETHING_NEW", "r"]);
});

test("NONE takes every call that finds its way", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE" });
  await source.accept(SCRIPT);
});

test("Standard Webhooks are taken, symmetric and asymmetric", async () => {
  const tenant = await gate.tenant();
  const hook = await tenant.source({ scheme: "standard-webhooks", key: WHSEC });
  await hook.accept(SCRIPT);
  const keys = asymmetric();
  const hookA = await tenant.source({ name: "a", scheme: "standard-webhooks-v1a", key: keys.publicKey });
  const answer = await hookA.raw(SCRIPT, { headers: keys.webhook(SCRIPT) });
  assert.deepEqual([answer.status, answer.duplicate], [200, false]);
});

const hmac = (algorithm, key, text, encoding) => createHmac(algorithm, key).update(text).digest(encoding);
const hash = (algorithm, text) => createHash(algorithm).update(text).digest("hex");
const base64url = (text) => Buffer.from(text).toString("base64url");

/** How other vendors sign, by their references: a body, and what comes with it. */
const VENDORS = {
  AGORA_NCS: (key) => {
    const body = '{"type":"t","noticeId":"n-1"}';
    return { body, headers: { "agora-signature-v2": hmac("sha256", key, body, "hex") } };
  },
  AGORA_NCS_V1: (key) => {
    const body = '{"type":"t","noticeId":"n-2"}';
    return { body, headers: { "agora-signature": hmac("sha1", key, body, "hex") } };
  },
  TRTC: (key) => {
    const body = '{"type":"t","EventType":401}';
    return { body, headers: { sign: hmac("sha256", key, body, "base64"), sdkappid: "1400000000" } };
  },
  DINGRTC: (key, at) => {
    const body = '{"type":"t","eventId":"e"}';
    return { body, headers: { "dingrtc-signature": `app.${at}.${hmac("sha256", key, `${body}${at}`, "hex")}` } };
  },
  ALIBABA_LIVE: (key, at) => ({
    body: '{"type":"t","app":"live"}',
    headers: { "ali-live-timestamp": `${at}`, "ali-live-signature": hash("md5", `${new URL(SIGNED_URL).hostname}|${at}|${key}`) },
  }),
  ALIBABA_RTC_RECORDING: (key, at) => ({
    body: '{"type":"t","event":"record"}',
    headers: { "ali-live-timestamp": `${at}`, "ali-live-signature": hash("md5", `${at}|${key}`) },
  }),
  ZEGO: (key, at) => {
    const signature = hash("sha1", [key, `${at}`, "n0nce"].sort().join(""));
    return { body: JSON.stringify({ type: "t", timestamp: `${at}`, nonce: "n0nce", signature }) };
  },
  VOLCENGINE_RTC: (key, at) => {
    const values = { EventType: "T", EventData: "{}", EventTime: new Date(at * 1000).toISOString() };
    Object.assign(values, { EventId: "e", Version: "2020-12-01", AppId: "a", Nonce: "n" });
    const Signature = hash("sha256", [...Object.values(values), key].sort().join(""));
    return { body: JSON.stringify({ type: "t", ...values, Signature }) };
  },
  LIVEKIT: (key, at) => {
    const body = '{"type":"t","event":"room_started"}';
    const sha256 = createHash("sha256").update(body).digest("base64");
    const token = ['{"alg":"HS256","typ":"JWT"}', JSON.stringify({ iss: "k", exp: at + 300, sha256 })].map(base64url).join(".");
    return { body, headers: { authorization: `${token}.${hmac("sha256", key, token, "base64url")}` } };
  },
};

test("the other vendors' schemes take what their vendors sign, and nothing by another key", async () => {
  const tenant = await gate.tenant();
  for (const [scheme, sign] of Object.entries(VENDORS)) {
    const reading = { dialect: "generic", generic: { event_type: "/type" } };
    const source = await tenant.source({ name: scheme, scheme, key: KEY, signed_url: SIGNED_URL, ...reading });
    const forged = sign("another-key", seconds());
    assert.equal((await source.raw(forged.body, { headers: forged.headers })).status, 401, scheme);
    await tenant.rejection("sign.mismatch", source.id);
    const { body, headers } = sign(KEY, seconds());
    const answer = await source.raw(body, { headers });
    assert.deepEqual([answer.status, answer.duplicate], [200, false], scheme);
  }
});

test("a token for another body is refused, and no endpoint is signed for by tokens", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "LIVEKIT", key: KEY, dialect: "generic", generic: { event_type: "/type" } });
  const { body, headers } = VENDORS.LIVEKIT(KEY, seconds());
  assert.equal((await source.raw(body.replace("started", "finished"), { headers })).status, 401);
  await tenant.rejection("sign.body_changed", source.id);
  const refused = await tenant.call("POST", "/endpoints", {
    url: "http://127.0.0.1:1/",
    signing: { scheme: "LIVEKIT" },
    secret: KEY,
  });
  assert.equal(refused.status, 422);
  assert.deepEqual(refused.body.violations.map(({ path, code }) => [path, code]), [["signing.scheme", "sign.token"]]);
});

test("MEITUAN_DEFAULT refuses until it is completed, and says so", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "MEITUAN_DEFAULT" });
  assert.equal((await source.raw(SCRIPT)).status, 401);
  await tenant.rejection("sign.scheme_incomplete", source.id);
  const key = "meituan-key";
  const custom = {
    algorithm: "sha1",
    message: ["key", "time"],
    signature: { query: "sign" },
    time: { at: { query: "ts" }, format: "seconds" },
  };
  const changed = await tenant.ok("PATCH", `/sources/${source.id}`, { custom, key });
  assert.equal(changed.scheme, "MEITUAN_DEFAULT");
  const send = () => {
    const at = seconds();
    const sign = createHash("sha1").update(`${key}${at}`).digest("hex");
    return source.raw(SCRIPT, { query: `?sign=${sign}&ts=${at}` });
  };
  // The ingress may go by what it knew for ten seconds.
  await until(send, ({ status }) => status === 200);
  assert.equal((await source.raw(SCRIPT, { query: `?sign=${"0".repeat(40)}&ts=${seconds()}` })).status, 401);
});

test("a body that is longer than it says is not taken, with a token or without", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE" });
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  const { connect } = await import("node:net");
  for (const path of [new URL(source.url).pathname, "/healthz?hop=1"]) {
    const socket = connect(Number(new URL(source.url).port), "127.0.0.1");
    let answer = "";
    socket.on("data", (data) => (answer += data));
    socket.on("error", () => {});
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    // It never ends: what is answered is answered before.
    const feeding = setInterval(() => socket.writable && socket.write(chunk), 5);
    t.after(() => {
      clearInterval(feeding);
      socket.destroy();
    });
    await until(() => answer, (text) => text.includes("\r\n"));
    assert.match(answer, /^HTTP\/1\.1 413 /, path);
  }
});

test("a header that comes twice is refused as such", async () => {
  const tenant = await gate.tenant();
  const { request } = await import("node:http");
  const send = (source, headers) =>
    new Promise((answered, failed) => {
      const { hostname, port, pathname } = new URL(source.url);
      const call = request({ hostname, port, path: pathname, method: "POST" });
      for (const [name, value] of Object.entries(headers)) call.setHeader(name, value);
      call.on("response", (answer) => answered(answer.resume().statusCode)).on("error", failed).end(SCRIPT);
    });
  const source = await tenant.source();
  const { "x-hw-mss-time": time, "x-hw-mss-secret": secret } = source.sign(SCRIPT).headers;
  assert.equal(await send(source, { "x-hw-mss-time": [time, time], "x-hw-mss-secret": secret }), 401);
  await tenant.rejection("sign.duplicate_parameter", source.id);
  const hook = await tenant.source({ scheme: "standard-webhooks", key: WHSEC });
  const signed = hook.sign(SCRIPT).headers;
  const twice = { ...signed, "webhook-signature": ["v1,AAAA", signed["webhook-signature"]] };
  assert.equal(await send(hook, twice), 401);
  await tenant.rejection("sign.duplicate_parameter", hook.id);
  assert.equal(await send(hook, signed), 200);
});

test("nobody says by a Host header under which address the vendor's calls are signed", async () => {
  const tenant = await gate.tenant();
  const made = await tenant.ok("POST", "/sources", { name: "own", scheme: "MSS_A", key: KEY });
  const { request } = await import("node:http");
  const { port, pathname } = new URL(made.url);
  const stranger = await new Promise((answered, failed) => {
    const call = request({ host: "127.0.0.1", port, path: pathname, method: "POST", headers: { host: "elsewhere.example" } });
    call.on("response", (answer) => answered(answer.resume().statusCode)).on("error", failed).end("{}");
  });
  assert.equal(stranger, 401);
  const { secret, time } = mss(made.url, KEY);
  const answer = await fetch(`${made.url}?hwSecret=${secret}&hwTime=${time}`, { method: "POST", body: SCRIPT });
  assert.equal(answer.status, 200, await answer.text());
});

test("during a rotation both keys count, and afterwards only the new one", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ duplicate_window_s: 0 });
  await source.accept(SCRIPT);
  const next = "the-next-key";
  await tenant.ok("POST", `/sources/${source.id}/rotate`, { key: next, grace_s: 3_600 });
  let shift = 0;
  const send = (key) => source.send(SCRIPT, { key, at: seconds((shift -= 1) % 50) });
  await until(() => send(next), ({ status }) => status === 200);
  assert.equal((await send(KEY)).status, 200, "the key before");
  assert.equal((await send("a-third-key")).status, 401);
  const last = "the-last-key";
  await tenant.ok("POST", `/sources/${source.id}/rotate`, { key: last, grace_s: 0 });
  await until(() => send(last), ({ status }) => status === 200);
  assert.equal((await send(next)).status, 401, "no grace was given");
  assert.equal((await send(KEY)).status, 401);
});
