// Each live cloud's callback, signed as that cloud signs, through the real gateway: the answer that the
// vendor expects, and one event in the words of all.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import test from "node:test";

import { receive } from "./lib/receiver.mjs";
import { seconds, webhook } from "./lib/sign.mjs";
import { until } from "./lib/wait.mjs";
import { world } from "./lib/world.mjs";

const gate = world();

const KEY = "0123456789abcdef0123456789abcdef";
const hmac = (algorithm, text, encoding, key = KEY) => createHmac(algorithm, key).update(text).digest(encoding);
const hash = (algorithm, text) => createHash(algorithm).update(text).digest("hex");
const base64url = (text) => Buffer.from(text).toString("base64url");
const json = (body) => ({ body: JSON.stringify(body) });
const CODE_0 = '{"code":0}';

/**
 * A callback of each: how it is signed (by the vendor's reference), what it says (the vendor's documented
 * sample, with names of ours), and what becomes of it.
 */
const VENDORS = {
  agora: {
    scheme: "AGORA_NCS",
    call: () => json({ noticeId: "n-1", productId: 1, eventType: 103, notifyMs: 1725928200500, payload: { channelName: "room", uid: 7, ts: 1725928200 } }),
    sign: ({ body }) => ({ "agora-signature-v2": hmac("sha256", body, "hex") }),
    event: { type: "user.join", vendortype: "103", subject: "room", user: "7", vendorid: "n-1" },
  },
  trtc: {
    scheme: "TRTC",
    call: () =>
      json({
        EventGroupId: 4,
        EventType: 401,
        CallbackTs: 1725928200100,
        EventInfo: { RoomId: "room", RoomType: 1, EventMsTs: 1725928200000, UserId: "robot", TaskId: "task-1", Payload: { Url: "rtmp://push.example.com/live/hunter2", Status: 2 } },
      }),
    sign: ({ body }) => ({ sign: hmac("sha256", body, "base64"), sdkappid: "1400000000" }),
    event: { type: "relay.state", vendortype: "401", subject: "room", relaystate: "live", time: "2024-09-10T00:30:00.000Z" },
  },
  dingrtc: {
    scheme: "DINGRTC",
    call: () => json({ eventId: "e-1", eventType: "2000", notifyTime: 1725928200000, eventData: { channelId: "room", taskId: "t" } }),
    sign: ({ body, at }) => ({ "dingrtc-signature": `app.${at}.${hmac("sha256", `${body}${at}`, "hex")}` }),
    event: { type: "recording.state", vendortype: "2000", subject: "room", vendorid: "e-1" },
  },
  zego: {
    scheme: "ZEGO",
    call: ({ at }) => {
      const signature = hash("sha1", [KEY, `${at}`, "n0nce"].sort().join(""));
      return json({ event: "mix_start", appid: "1", seq: "5", task_id: "1:task", channel_id: "room", publish_id: "u", rtmp_url: "rtmp://play.example.com/live/x", timestamp: `${at}`, nonce: "n0nce", signature });
    },
    event: { type: "relay.state", vendortype: "mix_start", subject: "room", relaystate: "live" },
  },
  "volcengine-rtc": {
    scheme: "VOLCENGINE_RTC",
    call: ({ at }) => {
      const values = { EventType: "UserJoinRoom", EventData: JSON.stringify({ RoomId: "room", UserId: "anna" }), EventTime: new Date(at * 1000).toISOString(), EventId: "e-1", Version: "2020-12-01", AppId: "a", Nonce: "n" };
      return json({ ...values, Signature: hash("sha256", [...Object.values(values), KEY].sort().join("")) });
    },
    event: { type: "user.join", vendortype: "UserJoinRoom", subject: "room", user: "anna", vendorid: "e-1" },
  },
  livekit: {
    scheme: "LIVEKIT",
    call: () => json({ event: "participant_joined", id: "EV_1", createdAt: "1725928200", room: { name: "room" }, participant: { identity: "anna" } }),
    sign: ({ body, at }) => {
      const sha256 = createHash("sha256").update(body).digest("base64");
      const token = ['{"alg":"HS256","typ":"JWT"}', JSON.stringify({ iss: "k", exp: at + 300, sha256 })].map(base64url).join(".");
      return { authorization: `${token}.${hmac("sha256", token, "base64url")}` };
    },
    event: { type: "user.join", vendortype: "participant_joined", subject: "room", user: "anna", vendorid: "EV_1", time: "2024-09-10T00:30:00.000Z" },
  },
  "artc-recording": {
    scheme: "ALIBABA_RTC_RECORDING",
    sign: ({ at }) => ({ "ali-live-timestamp": `${at}`, "ali-live-signature": hash("md5", `${at}|${KEY}`) }),
    answer: '{"Code":0,"Msg":"Success"}',
    event: { type: "recording.state", vendortype: "TaskCreated", subject: "room", time: "2024-09-10T00:30:00.000Z" },
  },
  "alibaba-live": {
    scheme: "ALIBABA_LIVE",
    method: "GET",
    query: "action=publish&app=live.example.com&appname=live&id=room&ip=192.0.2.1&node=n&time=1725928200&usrargs=vhost%3Dlive.example.com%26auth_key%3Dhunter2",
    sign: ({ at, url }) => ({ "ali-live-timestamp": `${at}`, "ali-live-signature": hash("md5", `${new URL(url).hostname}|${at}|${KEY}`) }),
    event: { type: "stream.start", vendortype: "publish", subject: "live/room", time: "2024-09-10T00:30:00.000Z" },
  },
  artc: {
    scheme: "NONE",
    call: () => json({ MsgId: "m-1", MsgTimestamp: 1725928200, SubscribeID: "s", AppId: "a", ChannelID: "room", Contents: [{ Event: "UserEvent", UserEvent: { UserId: "anna", EventTag: "Join", Timestamp: 1725928200 } }] }),
    event: { type: "user.join", vendortype: "Join", subject: "room", user: "anna", vendorid: "m-1", time: "2024-09-10T00:30:00.000Z" },
  },
  "artc-mpu": {
    scheme: "ALIBABA_RTC_MPU",
    // What the vendor does not publish is the tenant's to complete.
    custom: {
      algorithm: "hmac-sha256",
      message: ["body", "time"],
      signature: { header: "Ali-Rtc-Signature" },
      time: { at: { header: "Ali-Rtc-Timestamp" }, format: "millis" },
    },
    words: { 1: "live" },
    call: () => json({ EventType: 1, MsgId: "m-2", AppId: "a", SubId: "Sub-1", TaskId: "task-1", CallbackTs: 1725928200476, Payload: { DstUrl: "rtmp://push.example.com/live/hunter2?auth=hunter2", EventTs: 1725928200000, EventCode: 1, ErrorCode: 0, ErrorMessage: "" } }),
    sign: ({ body, at }) => ({ "ali-rtc-timestamp": `${at * 1000}`, "ali-rtc-signature": hmac("sha256", `${body}${at * 1000}`, "hex") }),
    event: { type: "relay.state", subject: "task:task-1", relaystate: "live", vendorid: "m-2" },
  },
  jocloud: {
    scheme: "NONE",
    words: { pushing: "live" },
    call: () => json({ msgid: "RTMP-1", product: 1, msgtype: 1, notifytime: 1725928200000, context: { msgname: "rtmp", appid: "1", roomid: "room", taskid: "task-1", state: "pushing" } }),
    event: { type: "relay.state", subject: "room", vendorid: "RTMP-1" },
  },
  "livegate-relay": {
    scheme: "standard-webhooks",
    key: `whsec_${Buffer.from(KEY).toString("base64")}`,
    call: () => json({ id: "r-1", type: "relay.state", time: "2024-09-10T00:30:00Z", channel: "room", task: "task-1", url: "rtmp://push.example.com/live/hunter2", state: "recovering" }),
    sign: ({ body, key }) => webhook(key, body),
    event: { type: "relay.state", subject: "room", relaystate: "recovering", vendorid: "r-1" },
  },
};

test("every live cloud's callback comes in as its vendor signs it, and is answered as it expects", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  await tenant.connect(there.url);
  for (const [dialect, vendor] of Object.entries(VENDORS)) {
    const { scheme, custom, words, method = "POST", query = "", key = KEY } = vendor;
    const source = await tenant.source({ name: dialect, scheme, dialect, custom, words, ...(scheme === "NONE" ? {} : { key }) });
    const at = seconds();
    const call = vendor.call?.({ at }) ?? recording(method);
    const headers = vendor.sign?.({ ...call, at, key, url: source.url }) ?? {};
    const options = { method, headers, query: query && `?${query}` };
    const sent = await source.raw(method === "GET" ? undefined : call.body, options);
    assert.deepEqual([sent.status, sent.text], [200, vendor.answer ?? CODE_0], `${dialect}: ${sent.text}`);
    // Signed by nobody: refused, whatever it says.
    if (scheme !== "NONE" && vendor.sign) {
      const forged = vendor.sign({ ...call, at, url: source.url, key });
      for (const name of Object.keys(forged)) forged[name] = /signature|sign$|authorization/.test(name) ? forged[name].replace(/.$/, (c) => (c === "0" ? "1" : "0")) : forged[name];
      assert.equal((await source.raw(method === "GET" ? undefined : call.body, { ...options, headers: forged })).status, 401, dialect);
    }
    // A vendor's second try is no second event.
    const again = await source.raw(method === "GET" ? undefined : call.body, options);
    assert.deepEqual([again.status, again.text], [sent.status, sent.text], dialect);
    if (dialect !== "artc-recording" && dialect !== "alibaba-live") assert.ok(again.duplicate, dialect);
    const event = await until(
      () => there.bodies.find((body) => body.dialect === dialect),
      Boolean,
    );
    const { type, ...wanted } = vendor.event;
    const got = Object.fromEntries(Object.keys(wanted).map((name) => [name, event[name]]));
    assert.deepEqual({ type: event.type, ...got }, { type: `dev.livegate.${type}`, ...wanted }, dialect);
  }
  for (const call of there.calls) assert.ok(!call.body.includes("hunter2"), call.body);
});

/** A recording's beginning. */
function recording(method) {
  return method === "GET"
    ? {}
    : json({ appId: "a", channelId: "room", taskId: "t", eventType: "TaskCreated", callbackTs: 1725928200000, payload: "{}" });
}

test("a state that comes late is marked, and changes nothing", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", dialect: "trtc" });
  await tenant.connect(there.url);
  const state = (Status, EventMsTs) =>
    source.accept(
      JSON.stringify({
        EventGroupId: 4,
        EventType: 401,
        CallbackTs: EventMsTs + 9,
        EventInfo: { RoomId: 8489, EventMsTs, UserId: "u", TaskId: "t-1", Payload: { Url: "rtmp://push.example.com/live/a", Status } },
      }),
    );
  const now = Date.now();
  await state(1, now);
  await state(2, now + 2000);
  await state(1, now + 1000);
  await there.count(3);
  assert.deepEqual(
    there.bodies.map(({ relaystate, late }) => [relaystate, late ?? false]),
    [
      ["connecting", false],
      ["live", false],
      ["connecting", true],
    ],
  );
  const { items } = await until(() => tenant.get("/events"), (page) => page.items.length === 3);
  assert.deepEqual(items.map(({ late }) => late ?? false), [true, false, false]);
  const [relay] = (await until(() => tenant.get("/relays"), (page) => page.items.length > 0)).items;
  assert.deepEqual([relay.state, relay.channel, relay.since], ["live", "8489", new Date(now + 2000).toISOString()]);
});

test("Agora's health check is answered, and is an event like any other", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "AGORA_NCS", dialect: "agora", key: KEY });
  const body = JSON.stringify({ noticeId: "check-1", productId: 1, eventType: 101, notifyMs: 1725928200500, payload: { channelName: "test_webhook", uid: 12121212 } });
  const answer = await source.raw(body, { headers: { "agora-signature-v2": hmac("sha256", body, "hex") } });
  assert.deepEqual([answer.status, answer.text], [200, CODE_0]);
  const [event] = await tenant.items("/events", 1);
  assert.equal(event.kind, "source.check");
});

test("a GET is taken from vendors that send so, and from no other", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", dialect: "trtc" });
  const answer = await source.raw(undefined, { method: "GET", query: "?a=b" });
  assert.equal(answer.status, 405);
});
