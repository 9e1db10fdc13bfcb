// What goes out: signed, in order, as each endpoint wants it, and truthfully recorded.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac, createPublicKey, verify } from "node:crypto";
import test, { after } from "node:test";

import { Webhook } from "standardwebhooks";

import { authority, receive } from "./lib/receiver.mjs";
import { callback, canonical, relayState } from "./lib/sign.mjs";
import { until } from "./lib/wait.mjs";
import { KEY, world } from "./lib/world.mjs";

const ca = authority();
after(() => ca.remove());
const gate = world({ trustedCertificates: ca.path });
const segment = (room, number) =>
  callback("SHOOT_SCRIPT_SWITCH", { room_id: room, job_id: "j", shoot_script_sequence_no: String(number) });
const numbers = (receiver) => receiver.bodies.map(({ data }) => Number(data.shoot_script_sequence_no));

/** A retry schedule without pauses: so many attempts. */
const attempts = (count) => ({ schedule_s: Array(count).fill(0), jitter_percent: 0 });

/** Has the PyPI package standardwebhooks verify a call. */
function verifiedByPython(secret, { body, headers }) {
  const script = `
import json, sys
from standardwebhooks import Webhook
call = json.load(sys.stdin)
print(json.dumps(Webhook(call["secret"]).verify(call["body"], call["headers"])))`;
  const { LIVEGATE_PYTHON_PATH: path } = process.env;
  const env = { ...process.env, ...(path ? { PYTHONPATH: path } : {}) };
  const input = JSON.stringify({ secret, body, headers });
  return JSON.parse(execFileSync("python3", ["-c", script], { input, env, stdio: ["pipe", "pipe", "pipe"] }));
}

test("a callback reaches TLS receivers as a CloudEvent that both official packages verify", async (t) => {
  const [one, two] = [await receive(t, 204, ca.tls), await receive(t, 200, ca.tls)];
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoints = [await tenant.connect(one.url), await tenant.connect(two.url)];
  assert.match(endpoints[0].secret, /^whsec_/);
  const states = ["CONNECTING", "CONNECTED", "DISCONNECTED", "RECONNECTING", "END"];
  for (const state of states) await source.accept(relayState("room-1", state));
  for (const [index, receiver] of [one, two].entries()) {
    const { secret } = endpoints[index];
    const other = endpoints[1 - index].secret;
    for (const call of await receiver.count(states.length)) {
      assert.equal(call.method, "POST");
      assert.equal(call.headers["content-type"], "application/cloudevents+json; charset=utf-8");
      const body = new Webhook(secret).verify(call.body, call.headers);
      assert.throws(() => new Webhook(other).verify(call.body, call.headers));
      assert.throws(() => new Webhook(secret).verify(call.body.replace("room-1", "room-2"), call.headers));
      assert.equal(call.headers["webhook-id"], body.id);
    }
    assert.deepEqual(verifiedByPython(secret, receiver.calls[0]), receiver.bodies[0]);
    assert.throws(() => verifiedByPython(other, receiver.calls[0]));
    assert.deepEqual(receiver.bodies.map(({ data }) => data.state), states, "in order");
    const [event] = receiver.bodies;
    assert.equal(event.specversion, "1.0");
    assert.equal(event.type, "dev.livegate.relay.state");
    assert.equal(event.source, `/sources/${source.id}`);
    assert.equal(event.subject, "room-1");
    assert.equal(Number(event.sequence), 1);
    assert.equal(event.data.job_id, "job-1");
  }
  assert.deepEqual(one.bodies.map(({ id }) => id), two.bodies.map(({ id }) => id));
});

test("a receiver whose certificate nobody vouches for gets nothing", async (t) => {
  const strange = authority();
  t.after(() => strange.remove());
  const there = await receive(t, 200, strange.tls);
  const tenant = await gate.tenant();
  const endpoint = await tenant.endpoint(there.url);
  const result = await tenant.ok("POST", `/endpoints/${endpoint.id}/test`);
  assert.deepEqual([result.delivered, result.status], [false, null]);
  // workerd does not tell a Worker why there was no connection.
  assert.ok(["delivery.tls", "delivery.unreachable"].includes(result.code), result.code);
  assert.equal(there.calls.length, 0);
});

test("what was accepted is what the endpoint's format and secrecy make of it", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const forms = {};
  for (const [format, secrets] of [["cloudevents", "masked"], ["raw", "masked"], ["raw", "intact"], ["metastudio", "masked"], ["metastudio", "intact"]]) {
    const there = await receive(t);
    await tenant.connect(there.url, { format, secrets });
    forms[`${format} ${secrets}`] = there;
  }
  const key = "live-key-123456";
  // Spaces and an escape that no writer of ours would make: what is raw stays so.
  const body = `{ "event_type": "RTMP_STREAM_STATE_CHANGE",  "message": ${JSON.stringify(
    `{"room_id":"\\u0072oom","job_id":"j", "output_url":"rtmp://h/live/${key}?sign=0a1b","stream_key":"${key}","state":"CONNECTED"}`,
  )}}`;
  const masked = body.replaceAll(key, "***").replace("sign=0a1b", "sign=***");
  await source.accept(body);
  for (const there of Object.values(forms)) await there.count(1);
  const bodyOf = (name) => forms[name].calls[0].body;
  assert.equal(bodyOf("raw intact"), body);
  assert.equal(bodyOf("metastudio intact"), body);
  assert.equal(bodyOf("raw masked"), masked);
  assert.equal(bodyOf("metastudio masked"), masked);
  const { data } = JSON.parse(bodyOf("cloudevents masked"));
  assert.deepEqual(data, { room_id: "room", job_id: "j", output_url: "rtmp://h/live/***?sign=***", stream_key: "***", state: "CONNECTED" });
});

test("endpoints may be signed to as any scheme says, with headers of their own", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const [query, head, none, pair] = [await receive(t), await receive(t), await receive(t), await receive(t)];
  const url = `${query.url}?b=2&a=1`;
  await tenant.connect(url, { signing: { scheme: "MSS_A" }, secret: KEY, format: "metastudio" });
  await tenant.connect(head.url, { signing: { scheme: "MSS_A_HEAD", key: KEY }, headers: { "x-shop": "7", authorization: "Bearer b" } });
  await tenant.connect(none.url, { signing: { scheme: "NONE" } });
  // RFC 8032, section 7.1, test 1: the seed and its public key, as Standard Webhooks writes them.
  const seed = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
  const known = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex");
  const secret = `whsk_${Buffer.concat([seed, known]).toString("base64")}`;
  await tenant.connect(pair.url, { signing: { scheme: "standard-webhooks-v1a" }, secret });
  await source.accept(relayState("r", "CONNECTED"));
  for (const there of [query, head, none, pair]) await there.count(1);

  const mac = (text) => createHmac("sha256", KEY).update(text).digest("hex");
  const asked = new URL(query.calls[0].path, query.url);
  const [time, sign] = [asked.searchParams.get("hwTime"), asked.searchParams.get("hwSecret")];
  assert.equal(sign, mac(canonical(url) + time));
  assert.ok(Math.abs(Number.parseInt(time, 16) - Date.now() / 1000) < 60);
  assert.deepEqual([asked.searchParams.get("a"), asked.searchParams.get("b")], ["1", "2"]);

  const { headers } = head.calls[0];
  assert.equal(headers["x-hw-mss-secret"], mac(canonical(head.url) + headers["x-hw-mss-time"]));
  assert.deepEqual([headers["x-shop"], headers.authorization], ["7", "Bearer b"]);

  assert.deepEqual(Object.keys(none.calls[0].headers).filter((name) => /sign|secret|webhook|hw/.test(name)), []);

  const { headers: signed, body } = pair.calls[0];
  const x = known.toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const message = Buffer.from(`${signed["webhook-id"]}.${signed["webhook-timestamp"]}.${body}`);
  assert.match(signed["webhook-signature"], /^v1a,/);
  assert.ok(verify(null, message, key, Buffer.from(signed["webhook-signature"].slice(4), "base64")));
});

test("during a rotation deliveries are signed with both keys, afterwards with the new one", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const endpoint = await tenant.endpoint(there.url);
  const test = () => tenant.ok("POST", `/endpoints/${endpoint.id}/test`);
  const rotated = await tenant.ok("POST", `/endpoints/${endpoint.id}/rotate`, { grace_s: 3_600 });
  assert.notEqual(rotated.secret, endpoint.secret);
  await test();
  const [during] = there.calls;
  for (const secret of [endpoint.secret, rotated.secret]) new Webhook(secret).verify(during.body, during.headers);
  const last = await tenant.ok("POST", `/endpoints/${endpoint.id}/rotate`, { grace_s: 0 });
  await test();
  const { body, headers } = there.calls[1];
  new Webhook(last.secret).verify(body, headers);
  for (const { secret } of [endpoint, rotated]) assert.throws(() => new Webhook(secret).verify(body, headers));
});

test("a test delivery says truthfully what came of it", async (t) => {
  const tenant = await gate.tenant();
  const result = async (behaviour, fields = {}) => {
    const there = await receive(t, behaviour);
    const endpoint = await tenant.endpoint(there.url, fields);
    const { delivered, status, code } = await tenant.ok("POST", `/endpoints/${endpoint.id}/test`);
    return [delivered, status, code, there.calls.length];
  };
  assert.deepEqual(await result(202), [true, 202, "delivery.delivered", 1]);
  assert.deepEqual(await result(500), [false, 500, "delivery.failed", 1]);
  assert.deepEqual(await result(404), [false, 404, "delivery.refused", 1]);
  assert.deepEqual(await result(410), [false, 410, "delivery.gone", 1]);
  assert.deepEqual(await result({ status: 429, headers: { "retry-after": "1" } }), [false, 429, "delivery.throttled", 1]);
  assert.deepEqual(await result("reset"), [false, null, "delivery.reset", 1]);
  assert.deepEqual(await result("stall", { timeout_s: 1 }), [false, null, "delivery.timeout", 1]);
  const [none] = [await tenant.endpoint("http://127.0.0.1:1/closed")];
  const closed = await tenant.ok("POST", `/endpoints/${none.id}/test`);
  assert.deepEqual([closed.delivered, closed.code], [false, "delivery.reset"]);
});

test("a redirect is never followed, and counts as a failure", async (t) => {
  const inside = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  for (const status of [301, 302, 303, 307, 308]) {
    const there = await receive(t, { status, headers: { location: inside.url } });
    const endpoint = await tenant.connect(there.url, { retry: attempts(2) });
    const { delivered, code } = await tenant.ok("POST", `/endpoints/${endpoint.id}/test`);
    assert.deepEqual([delivered, code], [false, "delivery.redirected"], `${status}`);
  }
  await source.accept(relayState("r", "CONNECTED"));
  const parked = await tenant.items("/deliveries?status=parked", 5);
  assert.deepEqual(parked.map(({ code }) => code).sort(), [301, 302, 303, 307, 308]);
  assert.ok(parked.every(({ error }) => error === "delivery.redirected"));
  assert.equal(inside.calls.length, 0);
});

test("a failing event is retried in its place, parked, shown, and delivered by a replay", async (t) => {
  let broken = true;
  const there = await receive(t, (call) => (broken && call.body.includes('"shoot_script_sequence_no":"2"') ? 500 : 200));
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoint = await tenant.connect(there.url, { retry: attempts(3) });
  for (const number of [1, 2, 3]) await source.accept(segment("room", number));
  await there.count(5);
  assert.deepEqual(numbers(there), [1, 2, 2, 2, 3], "three attempts, then the next");
  const list = await tenant.items(`/deliveries?endpoint=${endpoint.id}`, 5);
  const second = list.filter(({ seq }) => seq === 2).reverse();
  assert.deepEqual(
    second.map(({ attempt, status, code, error }) => [attempt, status, code, error]),
    [[1, "retrying", 500, "delivery.failed"], [2, "retrying", 500, "delivery.failed"], [3, "parked", 500, "delivery.failed"]],
  );
  assert.deepEqual(list.filter(({ seq }) => seq !== 2).map(({ status, code, attempt }) => [status, code, attempt]), [["delivered", 200, 1], ["delivered", 200, 1]]);
  const id = second[0].event;
  assert.equal(new Set(there.bodies.slice(1, 4).map((body) => body.id)).size, 1, "one id at every attempt");
  assert.equal(there.bodies[1].id, id);
  const shown = await until(() => tenant.get(`/events/${id}`), ({ waiting }) => waiting.length === 1);
  assert.deepEqual(shown.waiting.map(({ subscription, state, attempts: count }) => [subscription, state, count]), [[endpoint.subscription.id, "parked", 3]]);
  assert.deepEqual(shown.deliveries.map(({ attempt }) => attempt).sort(), [1, 2, 3]);
  assert.equal(shown.channel, "room");
  assert.equal(shown.body.event_type, "SHOOT_SCRIPT_SWITCH");
  assert.equal(shown.event.id, id);

  broken = false;
  assert.equal((await tenant.ok("POST", `/events/${id}/replay`)).queued, 1);
  await there.count(6);
  assert.equal(there.bodies[5].id, id, "the same id, so that a receiver can tell");
  const replayed = await until(() => tenant.get(`/events/${id}`), ({ deliveries }) => deliveries.length === 4);
  const last = replayed.deliveries.find(({ replay }) => replay);
  assert.deepEqual([last.status, last.code], ["delivered", 200]);
  await until(() => tenant.get(`/events/${id}`), ({ waiting }) => waiting.length === 0);
});

test("an unordered subscription's failing event holds up no other", async (t) => {
  const there = await receive(t, (call) => (call.body.includes('"shoot_script_sequence_no":"1"') ? 500 : 200));
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const retry = { schedule_s: [0, 3_600], jitter_percent: 0 };
  const endpoint = await tenant.connect(there.url, { retry }, { ordered: false });
  for (const number of [1, 2, 3, 4]) await source.accept(segment("room", number));
  await there.count(4);
  assert.deepEqual(numbers(there).sort(), [1, 2, 3, 4]);
  const [waiting] = await tenant.items(`/deliveries?endpoint=${endpoint.id}&status=retrying`, 1);
  assert.equal(waiting.seq, 1);
  const pause = Date.parse(waiting.next_at) - Date.parse(waiting.at);
  assert.ok(pause > 3_590_000 && pause < 3_610_000, `an hour's pause, not ${pause} ms`);
});

test("an ordered subscription waits for a failing event, and other endpoints do not", async (t) => {
  const bad = await receive(t, 500);
  const good = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  await tenant.connect(bad.url, { retry: { schedule_s: [0, 3_600] }, max_block_s: 7_200 });
  await tenant.connect(good.url);
  for (const number of [1, 2, 3]) await source.accept(segment("room", number));
  await good.count(3);
  assert.deepEqual(numbers(bad), [1]);
});

test("a receiver that stalls or breaks off is tried again", async (t) => {
  for (const how of ["stall", "reset", "cut"]) {
    const there = await receive(t, (_, number) => (number === 1 ? how : 200));
    const tenant = await gate.tenant();
    const source = await tenant.source();
    const endpoint = await tenant.connect(there.url, { timeout_s: 1, retry: attempts(3) });
    await source.accept(segment("room", 1));
    await source.accept(segment("room", 2));
    // An answer's head says that the receiver has the event, even if its body breaks off.
    const wanted = how === "cut" ? [1, 2] : [1, 1, 2];
    await there.count(wanted.length);
    assert.deepEqual(numbers(there), wanted, how);
    const list = await tenant.items(`/deliveries?endpoint=${endpoint.id}`, wanted.length);
    const error = { stall: "delivery.timeout", reset: "delivery.reset", cut: undefined }[how];
    assert.equal(list.at(-1).error, error);
  }
});

test("Retry-After is obeyed by everything for that endpoint", async (t) => {
  const there = await receive(t, (_, number) => (number === 1 ? { status: 429, headers: { "retry-after": "2" } } : 200));
  const tenant = await gate.tenant();
  const source = await tenant.source();
  await tenant.connect(there.url, { retry: attempts(3) });
  await source.accept(segment("room", 1));
  await there.count(1);
  await source.accept(segment("room", 2));
  await there.count(3);
  assert.deepEqual(numbers(there), [1, 1, 2]);
  const pause = there.calls[1].at - there.calls[0].at;
  assert.ok(pause >= 2_000, `two seconds were asked for, it came after ${pause} ms`);
});

test("410 disables an endpoint, its events are held, and enabling it delivers them", async (t) => {
  let gone = true;
  const there = await receive(t, () => (gone ? 410 : 200));
  const other = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoint = await tenant.connect(there.url);
  await tenant.connect(other.url);
  await source.accept(segment("room", 1));
  const disabled = await until(() => tenant.get(`/endpoints/${endpoint.id}`), ({ state }) => state === "disabled");
  assert.equal(disabled.enabled, false);
  assert.match(disabled.disabled_reason, /410/);
  const { items: audit } = await tenant.get("/audit");
  assert.ok(audit.some(({ actor, action, object }) => actor === "gateway" && action === "disable" && object === endpoint.id));
  for (const number of [2, 3]) await source.accept(segment("room", number));
  await other.count(3);
  assert.equal(there.calls.length, 1, "nothing more is sent");
  gone = false;
  const enabled = await tenant.ok("PATCH", `/endpoints/${endpoint.id}`, { enabled: true });
  assert.deepEqual([enabled.state, enabled.disabled_reason], ["active", undefined]);
  await there.count(4);
  assert.deepEqual(numbers(there), [1, 1, 2, 3], "what was held, in order");
});

test("an endpoint that its owner disables gets its events when it is enabled again", async (t) => {
  const there = await receive(t);
  const other = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoint = await tenant.connect(there.url, { enabled: false });
  await tenant.connect(other.url);
  for (const number of [1, 2]) await source.accept(segment("room", number));
  await other.count(2);
  assert.equal(there.calls.length, 0);
  await tenant.ok("PATCH", `/endpoints/${endpoint.id}`, { enabled: true });
  await there.count(2);
  assert.deepEqual(numbers(there), [1, 2]);
});

test("an event is delivered as it was read when it came, whatever becomes of its source", async (t) => {
  const receiver = await receive(t, 200);
  const tenant = await gate.tenant();
  const generic = { type: "/kind", channel: "/room", user: "/who" };
  const source = await tenant.source({ scheme: "NONE", dialect: "generic", generic });
  const endpoint = await tenant.connect(receiver.url, { enabled: false });
  await source.accept('{"kind":"seat.taken","room":"r","who":"ann","n":1}');
  await source.accept('{"kind":"seat.taken","room":"r","who":"bob","n":2}');
  await tenant.ok("PATCH", `/sources/${source.id}`, { generic: { type: "/type", channel: "/place" } });
  await tenant.ok("DELETE", `/sources/${source.id}`);
  await tenant.ok("PATCH", `/endpoints/${endpoint.id}`, { enabled: true });
  await receiver.count(2);
  const seen = receiver.bodies.map(({ subject, user, data }) => [subject, user, data.n]);
  assert.deepEqual(seen, [["r", "ann", 1], ["r", "bob", 2]]);
});

test("an answer that claims to be short and is not is let go of", async (t) => {
  const { gzipSync } = await import("node:zlib");
  const bomb = gzipSync(Buffer.alloc(16 << 20));
  const { createServer } = await import("node:net");
  const cut = { gzip: 0, chunked: 0 };
  const answers = {
    gzip: ["Content-Encoding: gzip\r\nContent-Length: 16000\r\n", bomb.subarray(0, 15_000)],
    chunked: ["Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", `400\r\n${"x".repeat(1024)}\r\n`],
  };
  const tenant = await gate.tenant();
  const source = await tenant.source();
  for (const [name, [headers, body]] of Object.entries(answers)) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("close", () => (cut[name] += 1));
      // The answer never ends by itself.
      socket.once("data", () => socket.write(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\n`), Buffer.from(body)])));
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    t.after(() => server.close());
    await tenant.connect(`http://127.0.0.1:${server.address().port}/`, { timeout_s: 30 });
  }
  await source.accept(segment("room", 1));
  await tenant.items("/deliveries?status=delivered", 2);
  // Long before the endpoint's time-out.
  await until(() => cut, ({ gzip, chunked }) => gzip > 0 && chunked > 0, 20_000);
});

test("filters decide by kind, channel and condition what is delivered", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const second = await tenant.source({ name: "second" });
  const wanted = {
    everything: [{}, ["a CONNECTED", "a END", "b CONNECTED", "a segment", "b END"]],
    kinds: [{ filter: { kinds: ["script.*"] } }, ["a segment"]],
    types: [{ filter: { kinds: ["RTMP_STREAM_STATE_CHANGE"], channels: ["b"] } }, ["b CONNECTED", "b END"]],
    where: [{ filter: { where: { state: { $in: ["END", "DISCONNECTED"] } } } }, ["a END", "b END"]],
    not: [{ filter: { where: { $not: { state: "END" }, $event: { channel: "a" } } } }, ["a CONNECTED", "a segment"]],
    source: [{ source: second.id }, ["b END"]],
  };
  for (const one of Object.values(wanted)) {
    one.push(await receive(t));
    await tenant.connect(one[2].url, {}, one[0]);
  }
  await source.accept(relayState("a", "CONNECTED"));
  await source.accept(relayState("a", "END"));
  await source.accept(relayState("b", "CONNECTED"));
  await source.accept(segment("a", 1));
  await second.accept(relayState("b", "END"));
  for (const [name, [, expected, there]] of Object.entries(wanted)) {
    await there.count(expected.length);
    const got = there.bodies.map(({ subject, data }) => `${subject} ${data.state ?? "segment"}`);
    assert.deepEqual(got.sort(), expected.toSorted(), name);
  }
});

test("a bulk replay to one endpoint does not wait for another one's full lane, and sends nothing twice", async (t) => {
  const [well, down] = [await receive(t, 200), await receive(t, 500)];
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const healthy = await tenant.connect(well.url);
  const retry = { schedule_s: [0, 3_600], jitter_percent: 0 };
  await tenant.connect(down.url, { retry }, { ordered: false });
  // A lane holds a thousand that wait.
  const count = 1_100;
  const rooms = ["one", "two"];
  for (let number = 0; number < count; number += 20) {
    const some = Array.from({ length: 20 }, (_, at) => number + at);
    await Promise.all(some.map((each) => source.accept(segment(rooms[0], each))));
  }
  await source.accept(segment(rooms[1], 0));
  await well.count(count + 1);
  const listed = (page) => page.items.some(({ channel }) => channel === rooms[1]);
  await until(() => tenant.get("/events?limit=1&channel=two"), listed);
  const accepted = ({ items }) => items.length > 0 && items[0].seq === count;
  await until(() => tenant.get("/events?limit=1&channel=one"), accepted);
  const job = await tenant.ok("POST", "/replays", { endpoint: healthy.id, rate_per_s: 1_000 });
  const done = await until(() => tenant.get(`/replays/${job.id}`), ({ state }) => state === "done");
  assert.deepEqual([done.matched, done.queued], [count + 1, count + 1]);
  await well.count(2 * (count + 1));
  // A slow one takes no more than it may: it has rested at least once before the fourth.
  const slow = await tenant.ok("POST", "/replays", { endpoint: healthy.id, rate_per_s: 3 });
  const going = await until(() => tenant.get(`/replays/${slow.id}`), ({ queued }) => queued > 0);
  assert.ok(going.queued <= 6, `${going.queued} queued at three a second`);
  await tenant.ok("POST", `/replays/${slow.id}/cancel`);
  const again = await until(() => tenant.get(`/replays/${slow.id}`), ({ state }) => state === "cancelled");
  await well.count(2 * (count + 1) + again.queued);
  const times = new Map();
  for (const { id } of well.bodies.slice(0, 2 * (count + 1))) times.set(id, (times.get(id) ?? 0) + 1);
  assert.deepEqual([...new Set(times.values())], [2], "once as it came, once again");
});

test("a condition may look for null, which an absent field is not", async (t) => {
  const [nulls, others] = [await receive(t), await receive(t)];
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", dialect: "generic", generic: { type: "/kind" } });
  const where = { error: null };
  const { subscription } = await tenant.connect(nulls.url, {}, { filter: { where } });
  assert.deepEqual(subscription.filter.where, where);
  await tenant.connect(others.url, {}, { filter: { where: { error: { $neq: null } } } });
  await source.accept('{"kind":"k","error":"boom"}');
  await source.accept('{"kind":"k","error":null}');
  await source.accept('{"kind":"k","n":3}');
  await source.accept('{"kind":"k","error":null,"n":4}');
  await source.accept('{"kind":"k","error":0}');
  await nulls.count(2);
  await others.count(2);
  assert.deepEqual(nulls.bodies.map(({ data }) => data.n ?? null), [null, 4]);
  assert.deepEqual(others.bodies.map(({ data }) => data.error), ["boom", 0]);
  // Changed and unset again, it is replaced as a whole.
  const changed = await tenant.ok("PATCH", `/subscriptions/${subscription.id}`, { filter: { where: { n: null } } });
  assert.deepEqual(changed.filter.where, { n: null });
});

test("what is parked is replayed in bulk, what is not is left alone, and a replay can be cancelled", async (t) => {
  let broken = true;
  const there = await receive(t, () => (broken ? 500 : 200));
  const good = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoint = await tenant.connect(there.url, { retry: attempts(1) });
  const other = await tenant.connect(good.url);
  for (const number of [1, 2, 3]) await source.accept(segment("room", number));
  await tenant.items(`/deliveries?endpoint=${endpoint.id}&status=parked`, 3);
  await tenant.items(`/deliveries?endpoint=${other.id}&status=delivered`, 3);
  broken = false;
  const parked = await tenant.ok("POST", "/replays", { status: "parked", endpoint: endpoint.id, rate_per_s: 100 });
  const done = await until(() => tenant.get(`/replays/${parked.id}`), ({ state }) => state !== "running");
  assert.deepEqual([done.state, done.matched, done.queued], ["done", 3, 3]);
  await there.count(6);
  assert.deepEqual(numbers(there).slice(3).sort(), [1, 2, 3]);
  assert.equal(good.calls.length, 3, "nobody else is sent anything");

  const all = await tenant.ok("POST", "/replays", { source: source.id, endpoint: other.id });
  await until(() => tenant.get(`/replays/${all.id}`), ({ state }) => state === "done");
  await good.count(6);
  assert.equal(there.calls.length, 6);

  // The index takes news together; what is accepted after it did so is a row of its own. A step
  // takes whole rows, a second after the one before, so this job is cancelled before the last row.
  await source.accept(segment("room", 4));
  await tenant.items("/events", 4);
  const slow = await tenant.ok("POST", "/replays", { endpoint: other.id, rate_per_s: 1 });
  const cancelled = await tenant.ok("POST", `/replays/${slow.id}/cancel`);
  assert.equal(cancelled.state, "cancelled");
  const { matched } = await until(() => tenant.get(`/replays/${slow.id}`), ({ state }) => state === "cancelled");
  assert.ok(matched <= 3, `${matched} of 4`);
  const { items } = await tenant.get("/replays");
  assert.deepEqual(items.map(({ id }) => id), [slow.id, all.id, parked.id]);
  for (const shown of [parked, done, all, slow, cancelled, ...items]) {
    assert.ok(!("cursor" in shown), "where the job is in the index is not shown");
  }
});
