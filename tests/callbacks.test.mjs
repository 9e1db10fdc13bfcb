// What a vendor's client configures is what happens: whose address hears of an event, in which words,
// signed how.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test, { after } from "node:test";

import { authority, receive } from "./lib/receiver.mjs";
import { callback, canonical, relayState } from "./lib/sign.mjs";
import { until } from "./lib/wait.mjs";
import { world } from "./lib/world.mjs";

const ca = authority();
after(() => ca.remove());
const gate = world({ trustedCertificates: ca.path });

const KEY = "a-key-of-32-characters-for-tests";
const config = (there, more = {}) => ({
  live_event_type_callback_url: there.url,
  auth_type: "MSS_A_HEAD",
  key: KEY,
  ...more,
});
const inner = (call) => JSON.parse(JSON.parse(call.body).message);
const segment = (room, job, number) =>
  callback("SHOOT_SCRIPT_SWITCH", { room_id: room, job_id: job, shoot_script_sequence_no: String(number) });

/** The secret that MetaStudio computes for a call (CreateLivePlatform, the example of `key`). */
const secretOf = (url, time, key = KEY) => createHmac("sha256", key).update(canonical(url) + time).digest("hex");

test("an event goes to the nearest address: job, room, platform, tenant", async (t) => {
  const [ofTenant, ofPlatform, ofRoom, ofJob] = await Promise.all([0, 0, 0, 0].map(() => receive(t, 200, ca.tls)));
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", duplicate_window_s: 0 });
  const studio = (...call) => tenant.studio(...call);
  await studio("PUT", "/smart-live-configs/user-config", { live_event_callback_config: config(ofTenant) });
  const { platform_id: platform } = await studio("POST", "/live-platforms/platforms", {
    name: "shop",
    auth_config: { key: KEY },
    callback_config: [{ api_type: "LIVE_EVENT_CALLBACK", url: ofPlatform.url }],
  });
  const relation = { platform_id: platform, live_id: "live-1" };
  const room = async (fields) => (await studio("POST", "/smart-live-rooms", { room_name: "r", ...fields })).room_id;
  const plain = await room({});
  const own = await room({ live_event_callback_config: config(ofRoom), output_urls: ["rtmp://127.0.0.1/live/own"] });
  const inherits = await room({
    live_event_callback_config: { is_inheritance_platform_callback: true },
    relation_live_platform_info: relation,
  });
  // A platform's address counts only for rooms that inherit it.
  const related = await room({ relation_live_platform_info: relation });
  const { job_id: job } = await studio("POST", `/smart-live-rooms/${own}/smart-live-jobs`, {
    live_event_callback_config: config(ofJob),
  });

  const sent = [
    [plain, "j", ofTenant],
    [related, "j", ofTenant],
    ["a-room-of-the-vendor", "j", ofTenant],
    [inherits, "j", ofPlatform],
    [own, "another-job", ofRoom],
    [own, job, ofJob],
  ];
  for (const [index, [id, of]] of sent.entries()) await source.accept(segment(id, of, index));
  for (const receiver of [ofTenant, ofPlatform, ofRoom, ofJob]) {
    const wanted = sent.map(([id, of, whom], index) => [id, of, String(index), whom]).filter(([, , , whom]) => whom === receiver);
    await receiver.count(wanted.length);
  }
  // Whatever else was on its way has come when a later event of every room has.
  for (const [id, of] of sent) await source.accept(segment(id, of, "last"));
  for (const receiver of [ofTenant, ofPlatform, ofRoom, ofJob]) {
    const wanted = sent.map(([id, of, whom], index) => [id, of, String(index), whom]).filter(([, , , whom]) => whom === receiver);
    await receiver.count(2 * wanted.length);
    const got = receiver.calls.map(inner).filter(({ shoot_script_sequence_no: number }) => number !== "last");
    const shown = ({ room_id, job_id, shoot_script_sequence_no: number }) => `${room_id} ${job_id} ${number}`;
    assert.deepEqual(got.map(shown).sort(), wanted.map(([id, of, number]) => `${id} ${of} ${number}`).sort());
    assert.equal(receiver.calls.length, 2 * wanted.length);
    for (const call of receiver.calls) {
      assert.deepEqual(Object.keys(JSON.parse(call.body)), ["event_type", "message"]);
      assert.equal(call.headers["x-hw-mss-secret"], secretOf(receiver.url, call.headers["x-hw-mss-time"]));
    }
  }
});

test("an address that counts again is sent nothing of what came before", async (t) => {
  const [ofTenant, ofRoom] = await Promise.all([0, 0].map(() => receive(t, 200, ca.tls)));
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", duplicate_window_s: 0 });
  await tenant.studio("PUT", "/smart-live-configs/user-config", { live_event_callback_config: config(ofTenant) });
  const { room_id: room } = await tenant.studio("POST", "/smart-live-rooms", {
    room_name: "r",
    live_event_callback_config: config(ofRoom),
  });
  for (const number of [0, 1, 2]) await source.accept(segment(room, "j", number));
  await ofRoom.count(3);
  await tenant.studio("PUT", `/smart-live-rooms/${room}`, { room_name: "r", live_event_callback_config: null });
  let number = 100;
  await until(async () => {
    await source.accept(segment(room, "j", (number += 1)));
    return ofTenant.calls.length > 0;
  });
  await source.accept(segment(room, "j", "last"));
  await until(() => ofTenant.calls.some((call) => inner(call).shoot_script_sequence_no === "last"));
  const seen = ofTenant.calls.map((call) => inner(call).shoot_script_sequence_no);
  assert.deepEqual(seen.filter((one) => ["0", "1", "2"].includes(one)), []);
  // Nothing of what came after is missing: each went to one of the two.
  const all = new Set([...seen, ...ofRoom.calls.map((call) => inner(call).shoot_script_sequence_no)]);
  for (let one = 101; one <= number; one += 1) assert.ok(all.has(String(one)), `${one} of ${[...all]}`);
});

test("a callback configuration changes what is sent, how it is signed, and stops it", async (t) => {
  const there = await receive(t, 200, ca.tls);
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", duplicate_window_s: 0 });
  const set = (more) => tenant.studio("PUT", "/smart-live-configs/user-config", { live_event_callback_config: config(there, more) });
  await set({ callback_event_type: ["RTMP_STREAM_STATE_CHANGE"] });
  await source.accept(segment("r", "j", 1));
  await source.accept(relayState("r", "CONNECTED"));
  const [first] = await there.count(1);
  assert.equal(JSON.parse(first.body).event_type, "RTMP_STREAM_STATE_CHANGE", "the other type was not asked for");
  // A server of the vendor's sees its own fields; the stream key is masked unless its owner says otherwise.
  assert.deepEqual(inner(first), { ...inner(first), room_id: "r", state: "CONNECTED", stream_key: "***" });

  await set({ auth_type: "MSS_A" });
  await until(async () => {
    await source.accept(segment("r", "j", `now ${Date.now()}`));
    return there.calls.some(({ path }) => path.includes("hwSecret="));
  });
  const signed = there.calls.find(({ path }) => path.includes("hwSecret="));
  const query = new URL(signed.path, there.url).searchParams;
  assert.equal(query.get("hwSecret"), secretOf(there.url, query.get("hwTime")));
  assert.equal(signed.headers["x-hw-mss-secret"], undefined);

  // It is an endpoint like any other, but its owner is the configuration.
  const { items } = await tenant.get("/endpoints");
  const [managed] = items.filter((endpoint) => endpoint.managed === "tenant");
  assert.equal(managed.url, there.url);
  const refused = await tenant.call("PATCH", `/endpoints/${managed.id}`, { url: "https://example.com/" });
  assert.deepEqual([refused.status, refused.body.code], [409, "tenant.managed"]);
  assert.equal((await tenant.call("DELETE", `/endpoints/${managed.id}`)).status, 409);
  await tenant.ok("PATCH", `/endpoints/${managed.id}`, { secrets: "intact" });
  await until(async () => {
    await source.accept(relayState("r", "END", { at: Date.now() }));
    return there.calls.some((call) => inner(call).stream_key === "stream-key-of-the-test");
  });

  await tenant.studio("PUT", "/smart-live-configs/user-config", { live_event_callback_config: { live_event_type_callback_url: "" } });
  assert.deepEqual((await tenant.get("/endpoints")).items, []);
});

test("live_notify_config tells people by every channel that there is, and nobody once it is off", async (t) => {
  const ok = (body) => receive(t, { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const [slack, feishu, dingtalk, mail, sms] = await Promise.all([
    ok("ok"),
    ok({ code: 0, msg: "success" }),
    ok({ errcode: 0, errmsg: "ok" }),
    ok({ id: "1" }),
    ok({}),
  ]);
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", dialect: "generic", generic: { type: "/type", channel: "/room" } });
  await tenant.endpoint(slack.url, { format: "slack" });
  await tenant.endpoint(feishu.url, { format: "feishu" });
  await tenant.endpoint(dingtalk.url, { format: "dingtalk" });
  await tenant.endpoint(mail.url, {
    format: "mail",
    headers: { authorization: "Bearer of-the-mail-service" },
    message: { to: ["a@example.com", "b@example.com"], from: "gate@example.com" },
  });
  await tenant.endpoint(sms.url, {
    format: "sms",
    message: { to: ["+49301234"], template: { phones: "{{to}}", content: "[gate] {{text}}", sign: 1 } },
  });
  const notify = (action) =>
    tenant.studio("PUT", "/smart-live-configs/user-config", { live_notify_config: { action, notify_events: ["AUTO_EXIT"] } });
  const exit = (room) => source.accept(JSON.stringify({ type: "live.auto_exit", room, reason: "it ran for 2 hours" }));

  await exit("nobody-asked");
  await tenant.items("/events", 1);
  await notify("add");
  await exit("room-7");
  const text = /^The live in room-7 stopped by itself at 20\d\d-.*Z\. Reason: it ran for 2 hours\.$/;
  const body = async (receiver) => JSON.parse((await receiver.count(1))[0].body);
  assert.match((await body(slack)).text, text);
  const toFeishu = await body(feishu);
  assert.equal(toFeishu.msg_type, "text");
  assert.match(toFeishu.content.text, text);
  const toDingTalk = await body(dingtalk);
  assert.equal(toDingTalk.msgtype, "text");
  assert.match(toDingTalk.text.content, text);
  const mailed = await body(mail);
  assert.deepEqual([mailed.from, mailed.to, mailed.subject], ["gate@example.com", ["a@example.com", "b@example.com"], "The live in room-7 stopped by itself"]);
  assert.match(mailed.text, text);
  assert.equal(mail.calls[0].headers.authorization, "Bearer of-the-mail-service");
  const texted = await body(sms);
  assert.deepEqual([texted.phones, texted.sign], [["+49301234"], 1]);
  assert.match(texted.content, /^\[gate\] The live in room-7/);
  // And here.
  const { items } = await until(() => tenant.get("/notices"), (page) => page.items.length > 0);
  assert.equal(items.length, 1);
  assert.deepEqual([items[0].kind, items[0].channel, items[0].read], ["live.auto_exit", "room-7", false]);
  assert.match(items[0].text, text);
  await tenant.ok("POST", "/notices/read", { up_to: items[0].seq });
  assert.equal((await tenant.get("/notices")).items[0].read, true);

  await notify("del");
  // What was there when it was off is told to nobody, however often it is asked for.
  await until(async () => (await tenant.get("/subscriptions")).items.every(({ managed }) => managed !== "notices"));
  await exit("after");
  await tenant.items("/events", 3);
  const calls = [slack, feishu, dingtalk, mail, sms].map((receiver) => receiver.calls.length);
  assert.deepEqual(calls, [1, 1, 1, 1, 1]);
  assert.equal((await tenant.get("/notices")).items.length, 1);
});

test("a chat robot that says no in its body has not been told", async (t) => {
  const answers = [{ errcode: 310000, errmsg: "keywords not in content" }, { errcode: 0 }];
  const robot = await receive(t, (_, number) => ({ status: 200, body: JSON.stringify(answers[Math.min(number, 2) - 1]) }));
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", dialect: "generic", generic: { type: "/type", channel: "/room" } });
  await tenant.connect(robot.url, { format: "dingtalk", retry: { schedule_s: [0, 0], jitter_percent: 0 } }, { filter: { kinds: ["live.auto_exit"] } });
  await source.accept(JSON.stringify({ type: "live.auto_exit", room: "r" }));
  await robot.count(2);
  const deliveries = await tenant.items("/deliveries", 2);
  const shown = deliveries.map(({ status, code, error }) => [status, code, error ?? null]).reverse();
  assert.deepEqual(shown, [["retrying", 200, "delivery.refused"], ["delivered", 200, null]]);
});

/** A call of MetaStudio's API that is refused for a parameter: what it says. */
const refusal = async (tenant, method, path, json) => {
  const { auth_token, project_id } = tenant.credentials;
  const headers = { "x-auth-token": auth_token };
  const { status, body } = await tenant.world.call(method, `/v1/${project_id}${path}`, { json, headers });
  assert.deepEqual([status, body.error_code], [400, "MSS.00000003"], `${method} ${path}: ${JSON.stringify(body)}`);
  return body.error_msg;
};
const isMasked = (name) => `Invalid parameter: ${name} is masked, and stands for nothing that was there`;

test("a push address deep in a room or a job is shown masked, and comes back as it was", async () => {
  const tenant = await gate.tenant();
  const there = { codec: "H264", is_enable_external: true, output_external_url: "rtmp://127.0.0.1/live/deep-stream-key?token=deep-token" };
  const { room_id: id } = await tenant.studio("POST", "/smart-live-rooms", {
    room_name: "r",
    video_config: there,
    output_urls: ["rtmp://127.0.0.1/live/own"],
    stream_keys: ["key-of-own"],
  });
  const path = `/smart-live-rooms/${id}`;
  const shown = await tenant.studio("GET", path);
  const masked = { ...there, output_external_url: "rtmp://127.0.0.1/live/***?token=***" };
  assert.deepEqual(shown.video_config, masked);

  const again = await tenant.studio("PUT", path, shown);
  assert.deepEqual(again.video_config, masked);
  // What is there is no address with a mask in it: that could not come back changed, either.
  assert.equal(await refusal(tenant, "PUT", path, { room_name: "r", video_config: { ...masked, codec: "H265" } }), isMasked("video_config"));
  const changed = { ...there, codec: "H265" };
  assert.equal((await tenant.studio("PUT", path, { room_name: "r", video_config: changed })).video_config.codec, "H265");

  const { job_id: job } = await tenant.studio("POST", `${path}/smart-live-jobs`, { co_streamer_config: { push: there.output_external_url } });
  const { co_streamer_config: ofJob } = await tenant.studio("GET", `${path}/smart-live-jobs/${job}`);
  assert.deepEqual(ofJob, { push: masked.output_external_url });
});

test("masked outputs that come back in another order are those that were there", async () => {
  const tenant = await gate.tenant();
  const outputs = (...which) => ({
    output_urls: which.map((name) => `rtmp://127.0.0.1/${name}/stream-of-${name}`),
    stream_keys: which.map((name) => `key-of-${name}`),
  });
  const room = async (fields) => `/smart-live-rooms/${(await tenant.studio("POST", "/smart-live-rooms", { room_name: "r", ...fields })).room_id}`;
  const path = await room(outputs("one", "two"));
  const shown = await tenant.studio("GET", path);
  const [one, two] = ["rtmp://127.0.0.1/one/***", "rtmp://127.0.0.1/two/***"];
  assert.deepEqual([shown.output_urls, shown.stream_keys], [[one, two], ["***", "***"]]);
  const put = (output_urls, stream_keys) => [tenant, "PUT", path, { room_name: "r", output_urls, stream_keys }];

  // None of them was there, or it is there already.
  assert.equal(await refusal(...put(["rtmp://127.0.0.1/three/***"], ["key"])), isMasked("output_urls[0]"));
  assert.equal(await refusal(...put([one, one], ["***", "***"])), isMasked("output_urls[1]"));
  assert.equal(await refusal(...put([one, "rtmp://127.0.0.1/three/x"], ["***", "***"])), isMasked("stream_keys[1]"));
  const copy = { room_name: "a copy", output_urls: ["rtmp://127.0.0.1/four/x"], stream_keys: ["***"] };
  assert.equal(await refusal(tenant, "POST", "/smart-live-rooms", copy), isMasked("stream_keys[0]"));
  assert.equal(await refusal(tenant, "POST", `${path}/smart-live-jobs`, { output_urls: [one] }), isMasked("output_urls[0]"));

  // The first goes, so that the second one is where it was.
  await tenant.studio("PUT", path, { room_name: "r", output_urls: [two, "rtmp://127.0.0.1/three/stream-of-three"], stream_keys: ["***", "key-of-three"] });
  await tenant.studio("POST", `${path}/smart-live-jobs`, {});
  // What is pushed to is seen by whom it is refused to.
  const other = `${await room({})}/smart-live-jobs`;
  const { auth_token, project_id } = tenant.credentials;
  const start = async (json) => {
    const { status, body } = await tenant.world.call("POST", `/v1/${project_id}${other}`, { json, headers: { "x-auth-token": auth_token } });
    return [status, body.error_code];
  };
  assert.deepEqual(await start(outputs("two")), [400, "MSS.45000009"]);
  assert.deepEqual(await start(outputs("three")), [400, "MSS.45000009"]);
  assert.deepEqual(await start({ ...outputs("two"), stream_keys: ["key-of-one"] }), [200, undefined]);
  assert.deepEqual(await start(outputs("one")), [200, undefined]);
});

test("a list is of what is asked for, or refused", async () => {
  const tenant = await gate.tenant();
  const made = await tenant.studio("POST", "/smart-live-rooms", { room_name: "r", output_urls: ["rtmp://127.0.0.1/live/listed"] });
  const room = `/smart-live-rooms/${made.room_id}`;
  const { job_id } = await tenant.studio("POST", `${room}/smart-live-jobs`, {});
  const rooms = "/smart-live-rooms";
  const jobs = "/smart-live-jobs";
  const created = {
    [rooms]: (await tenant.studio("GET", room)).create_time,
    [jobs]: (await tenant.studio("GET", `${room}/smart-live-jobs/${job_id}`)).create_time,
  };
  const refused = [
    [rooms, "dh_id", "x", "is not supported here"],
    [rooms, "model_name", "x", "is not supported here"],
    [rooms, "template_own_type", "SYSTEM", "is not supported here"],
    [rooms, "room_type", "normal", "should be one of NORMAL, TEMP, TEMPLATE"],
    [rooms, "live_state", "RUNNING", "should be one of WAITING, PROCESSING, SUCCEED, FAILED, BLOCKED, CANCELED"],
    [jobs, "state", "RUNNING", "should be one of WAITING, PROCESSING, SUCCEED, FAILED, BLOCKED, CANCELED"],
    [jobs, "sort_key", "update_time", "is not supported here"],
    [`${room}/smart-live-jobs`, "sort_key", "update_time", "is not supported here"],
  ];
  const times = [[rooms, "start_time"], [rooms, "end_time"], [jobs, "create_since"], [jobs, "create_until"]];
  // RFC 3339 §5.6 and §5.7: a date alone, no zone, a number, words, no such day, no such hour.
  const none = ["2024-09-10", "2024-09-10T00:30:00", "1725928200000", "yesterday", "2023-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-09-10T24:00:00Z", "2024-09-10T00:30:00.Z", "2024-09-10T00:30:00+0800"];
  for (const [path, name] of times) for (const time of none) refused.push([path, name, time, "should be an RFC 3339 time"]);
  for (const [path, name, value, what] of refused) {
    assert.equal(await refusal(tenant, "GET", `${path}?${name}=${encodeURIComponent(value)}`), `Invalid parameter: ${name} ${what}`);
  }

  const count = async (path, name, value) => (await tenant.studio("GET", `${path}?${name}=${encodeURIComponent(value)}`)).count;
  const one = [
    [rooms, "dh_id", ""], [rooms, "room_type", "NORMAL"], [rooms, "live_state", "WAITING"],
    [jobs, "state", "WAITING"], [jobs, "sort_key", "create_time"], [jobs, "sort_key", ""],
  ];
  for (const asked of one) assert.equal(await count(...asked), 1, asked.join(" "));
  assert.equal(await count(rooms, "room_type", "TEMPLATE"), 0);
  assert.equal(await count(jobs, "state", "SUCCEED"), 0);
  for (const [[path, from], [, to]] of [times.slice(0, 2), times.slice(2)]) {
    const at = Date.parse(created[path]);
    /** The same instant, eight hours ahead, as its clocks show it. */
    const inShanghai = (ms) => new Date(ms + 8 * 3_600_000).toISOString().replace("Z", "+08:00");
    const second = `${created[path].slice(0, 19)}Z`;
    const earlier = `${new Date(at - 1000).toISOString().slice(0, 19)}Z`;
    assert.equal(await count(path, from, inShanghai(at)), 1, "from when it was made");
    assert.equal(await count(path, from, inShanghai(at + 1)), 0, "from a moment later");
    assert.equal(await count(path, to, inShanghai(at)), 1, "to when it was made");
    assert.equal(await count(path, to, inShanghai(at - 1)), 0, "to a moment earlier");
    assert.equal(await count(path, from, second), 1, "from its second");
    assert.equal(await count(path, to, second), 1, "to its second, which counts as a whole");
    assert.equal(await count(path, to, earlier), 0, "to the second before");
    assert.equal(await count(path, from, "1969-12-31T23:59:59Z"), 1, "since before there was any");
  }
});
