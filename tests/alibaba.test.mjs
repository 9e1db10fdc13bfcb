// ARTC's events, in and out: what its own client subscribed to, and what it is told of what was sent.

import assert from "node:assert/strict";
import test from "node:test";

import { receive } from "./lib/receiver.mjs";
import { called, rpc } from "./lib/rpc.mjs";
import { until } from "./lib/wait.mjs";
import { world } from "./lib/world.mjs";

const gate = world();

/** A body as ARTC sends it (CreateEventSub, callback content). */
const userEvent = (channel, user, tag, at) => ({
  Event: "UserEvent",
  UserEvent: { UserId: user, EventTag: tag, SessionId: `s-${user}`, Timestamp: at, Role: 1, TerminalType: 6, UserType: 2 },
  ChannelId: channel,
});
const artc = (app, channel, id, ...contents) =>
  JSON.stringify({
    MsgId: id,
    MsgTimestamp: 1697545591,
    SubscribeId: "09be0d2254cb5a89f4cbd86403ec5343",
    AppId: app,
    ChannelId: channel,
    Contents: contents.map(({ ChannelId: _, ...content }) => content),
  });

test("an ARTC subscription gets its channel's and users' events, and its records say so", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const { app_id: AppId } = tenant.credentials;
  const source = await tenant.source({ scheme: "NONE", dialect: "artc" });
  const { SubscribeId } = await called(tenant, "CreateEventSub", {
    AppId,
    ChannelId: "c-1",
    "Users.1": "anna",
    "Events.1": "UserEvent",
    CallbackUrl: there.url,
  });
  const started = Math.floor(Date.now() / 1000) - 1;
  const answer = await source.accept(
    artc(AppId, "c-1", "m-1", userEvent("c-1", "anna", "Join", 1697545590), userEvent("c-1", "bob", "Leave", 1697545591)),
  );
  assert.equal(answer.status, 200);
  await source.accept(artc("another-app", "c-1", "m-2", userEvent("c-1", "anna", "Leave", 1697545592)));
  await source.accept(artc(AppId, "c-2", "m-3", userEvent("c-2", "anna", "Join", 1697545593)));
  await source.accept(artc(AppId, "c-1", "m-4", userEvent("c-1", "anna", "Leave", 1697545594)));
  const calls = await there.count(2);
  const seen = there.bodies.map(({ MsgId, Contents }) => [MsgId, Contents.length, Contents[0].UserEvent.UserId, Contents[0].UserEvent.EventTag]);
  assert.deepEqual(seen, [
    ["m-1", 1, "anna", "Join"],
    ["m-4", 1, "anna", "Leave"],
  ]);
  // A vendor's second try is nobody's second event.
  const again = await source.raw(artc(AppId, "c-1", "m-4", userEvent("c-1", "anna", "Leave", 1697545594)));
  assert.deepEqual([again.status, again.duplicate], [200, true]);

  const query = { AppId, SubscribeId, StartTime: started, EndTime: started + 60, PageNo: 1, PageSize: 1 };
  const records = await until(
    () => called(tenant, "ListEventSubEvent", { ...query, PageSize: 10 }),
    ({ Count }) => Count >= 2,
  );
  assert.deepEqual([records.Count, records.HasMore], [2, false]);
  const [newest, first] = records.Logs;
  assert.deepEqual([newest.Code, newest.SubId, newest.Url, newest.AppId], [200, SubscribeId, there.url, AppId]);
  assert.deepEqual([JSON.parse(first.Data), JSON.parse(newest.Data)], there.bodies);
  assert.ok(Number.isInteger(newest.Cost) && newest.Cost >= 0, String(newest.Cost));
  assert.match(newest.Time, /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  const page = await called(tenant, "ListEventSubEvent", query);
  assert.deepEqual([page.Count, page.HasMore, page.Logs[0].MessageId], [1, true, newest.MessageId]);
  assert.equal((await called(tenant, "ListEventSubEvent", { ...query, PageNo: 2 })).Logs[0].MessageId, first.MessageId);

  await called(tenant, "DeleteEventSub", { AppId, SubscribeId });
  assert.deepEqual((await called(tenant, "ListEventSub", { AppId })).Subscribers, []);
  assert.equal(calls.length, 2);
});

test("another vendor's users reach an ARTC subscription in ARTC's words", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const { app_id: AppId } = tenant.credentials;
  const source = await tenant.source({
    scheme: "NONE",
    dialect: "generic",
    generic: { type: "/type", channel: "/room", user: "/who", time: "/at", id: "/id" },
  });
  const { SubscribeId } = await called(tenant, "CreateEventSub", { AppId, "Events.1": "UserEvent", "Events.2": "ChannelEvent", CallbackUrl: there.url });
  await source.accept(JSON.stringify({ type: "user.join", room: "r", who: "anna", at: 1700000000, id: "x" }));
  await there.count(1);
  const [body] = there.bodies;
  assert.deepEqual([body.AppId, body.ChannelId, body.SubscribeId], [AppId, "r", SubscribeId]);
  assert.equal(body.Contents.length, 1);
  const { Event, UserEvent } = body.Contents[0];
  assert.deepEqual([Event, UserEvent.UserId, UserEvent.EventTag, UserEvent.Timestamp], ["UserEvent", "anna", "Join", 1700000000]);
});

test("a relay's state is in its task's channel, and leaves as ARTC's, MetaStudio's and a CloudEvent", async (t) => {
  const [mpu, studio, cloud] = await Promise.all([0, 0, 0].map(() => receive(t)));
  const tenant = await gate.tenant();
  const { app_id: AppId } = tenant.credentials;
  const source = await tenant.source({ scheme: "NONE", dialect: "artc-mpu", words: { 1: "live", 6: "failed" } });
  await called(tenant, "StartLiveMPUTask", {
    AppId,
    ChannelId: "c-9",
    TaskId: "t-1",
    MixMode: 0,
    StreamURL: "rtmp://127.0.0.1/live/out?auth=hunter2-token",
    "SingleSubParams.UserId": "anna",
  });
  const { SubId } = await called(tenant, "CreateRtcMPUEventSub", { AppId, CallbackUrl: mpu.url, ChannelIds: "c-9" });
  await tenant.connect(studio.url, { format: "metastudio" }, { filter: { kinds: ["relay.state"] } });
  await tenant.connect(cloud.url);
  const state = (id, task, code, at) =>
    JSON.stringify({
      EventType: 1,
      MsgId: id,
      AppId,
      SubId: "Sub-of-the-vendor",
      TaskId: task,
      CallbackTs: at + 5,
      Payload: { DstUrl: "rtmp://127.0.0.1/live/out?auth=hunter2-token", EventTs: at, EventCode: code, ErrorCode: 0, ErrorMessage: "" },
    });
  // A task of the same id elsewhere is another.
  const { id: otherApp } = await tenant.ok("POST", "/applications", { name: "other" });
  await called(tenant, "StartLiveMPUTask", {
    AppId: otherApp,
    ChannelId: "c-other",
    TaskId: "t-1",
    MixMode: 0,
    StreamURL: "rtmp://127.0.0.1/live/other",
    "SingleSubParams.UserId": "anna",
  });
  const inUse = await tenant.call("DELETE", `/applications/${otherApp}`);
  assert.deepEqual([inUse.status, inUse.body.code], [409, "tenant.in_use"]);
  await source.accept(state("m-1", "t-1", 1, 1712656430384));
  await source.accept(state("m-2", "unknown-task", 1, 1712656430384));
  await source.accept(state("m-3", "t-1", 77, 1712656430999));
  await source.accept(state("m-4", "t-1", 6, 1712656431384));

  await cloud.count(4);
  const told = cloud.bodies.map(({ subject, type, relaystate, vendorid }) => [subject, type, relaystate ?? null, vendorid]);
  assert.deepEqual(
    told.sort((a, b) => a[3].localeCompare(b[3])),
    [
      ["c-9", "dev.livegate.relay.state", "live", "m-1"],
      ["task:unknown-task", "dev.livegate.relay.state", "live", "m-2"],
      ["c-9", "dev.livegate.relay.state", null, "m-3"],
      ["c-9", "dev.livegate.relay.state", "failed", "m-4"],
    ],
  );
  // A code that nobody has explained is no state in MetaStudio's words.
  await studio.count(3);
  const states = studio.bodies.map(({ event_type, message }) => [event_type, JSON.parse(message)]);
  for (const [type] of states) assert.equal(type, "RTMP_STREAM_STATE_CHANGE");
  const ofRoom = states.map(([, message]) => message).filter(({ room_id }) => room_id === "c-9");
  assert.deepEqual(
    ofRoom.map(({ job_id, state: word }) => [job_id, word]),
    [
      ["t-1", "CONNECTED"],
      ["t-1", "END"],
    ],
  );
  await mpu.count(3);
  assert.deepEqual(mpu.bodies.map(({ MsgId }) => MsgId), ["m-1", "m-3", "m-4"]);
  for (const receiver of [mpu, studio, cloud]) {
    for (const call of receiver.calls) assert.ok(!call.body.includes("hunter2"), call.body);
  }
  const { Logs } = await until(
    () =>
      called(tenant, "ListRtcMPUEventSubRecord", {
        AppId,
        SubId,
        StartTime: new Date(Date.now() - 60_000).toISOString(),
        EndTime: new Date().toISOString(),
        PageNo: 1,
        PageSize: 10,
      }),
    ({ Count }) => Count >= 3,
  );
  assert.deepEqual(Logs.map(({ HTTPCode }) => HTTPCode), ["200", "200", "200"]);

  const { items } = await until(() => tenant.get("/relays?channel=c-9"), (page) => page.items[0]?.state === "failed");
  assert.deepEqual(items.map(({ state: word, task, since }) => [word, task, since]), [["failed", "t-1", "2024-04-09T09:53:51.384Z"]]);
  assert.ok(!JSON.stringify(items).includes("hunter2"));
  const tasks = await tenant.get(`/relay-tasks?app_id=${AppId}`);
  assert.deepEqual(tasks.items.map(({ vendor, id, channel, state: word }) => [vendor, id, channel, word]), [["artc", "t-1", "c-9", "waiting"]]);
  const task = await tenant.get(`/relay-tasks/artc/${AppId}/t-1`);
  assert.ok(JSON.stringify(task).includes("rtmp://") && !JSON.stringify(task).includes("hunter2"), JSON.stringify(task));
});

test("an endpoint in a vendor's words is refused what that vendor has no words for", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ scheme: "NONE", dialect: "trtc" });
  const studio = await tenant.endpoint("https://example.com/", { format: "metastudio" });
  const given = { endpoint: studio.id, source: source.id };
  const refused = await tenant.call("POST", "/subscriptions", given);
  assert.equal(refused.status, 422);
  const [violation] = refused.body.violations;
  assert.deepEqual([violation.path, violation.code], ["endpoint", "subscription.format"]);
  assert.match(violation.detail, /user\.join.*\(it has: relay\.state\)/);
  await tenant.ok("POST", "/subscriptions", { ...given, filter: { kinds: ["relay.*"] } });
  assert.equal((await tenant.call("POST", "/subscriptions", { ...given, filter: { kinds: ["user.join"] } })).status, 422);
  // Whatever can be said in ARTC's words of users can, but not what its relays have words for.
  const artcs = await tenant.endpoint("https://example.com/", { format: "artc" });
  assert.equal((await tenant.call("POST", "/subscriptions", { endpoint: artcs.id, filter: { kinds: ["relay.state"] } })).status, 422);
  await tenant.ok("POST", "/subscriptions", { endpoint: artcs.id, filter: { kinds: ["user.*"] } });
});

test("another tenant's application and tasks are not there", async () => {
  const [mine, theirs] = [await gate.tenant(), await gate.tenant()];
  const { app_id: AppId } = mine.credentials;
  const answer = await rpc(theirs, "ListEventSub", { AppId });
  assert.deepEqual([answer.status, answer.body.Code], [400, "InvalidAppId"]);
  const { id } = await mine.ok("POST", "/applications", { name: "shop" });
  assert.equal((await rpc(mine, "ListEventSub", { AppId: id })).status, 200);
  assert.equal((await rpc(theirs, "ListEventSub", { AppId: id })).status, 400);
  assert.equal((await theirs.call("GET", `/applications/${id}`)).status, 404);
});

test("an application's limits hold for clients that ask at the same time", async () => {
  const tenant = await gate.tenant();
  const { app_id: AppId } = tenant.credentials;
  const create = (ChannelId) => rpc(tenant, "CreateEventSub", { AppId, ChannelId, "Events.1": "UserEvent", CallbackUrl: "http://127.0.0.1:1/" });
  const all = await Promise.all(Array.from({ length: 5 }, () => create("*")));
  assert.equal(all.filter(({ status }) => status === 200).length, 1);
  const more = await Promise.all(Array.from({ length: 24 }, (_, at) => create(`c-${at}`)));
  assert.equal(more.filter(({ status }) => status === 200).length, 19);
  assert.equal((await called(tenant, "ListEventSub", { AppId })).Subscribers.length, 20);
  for (const { status, body } of [...all, ...more]) {
    if (status !== 200) assert.deepEqual([status, body.Code], [400, "InvalidParam"]);
  }
});

test("nobody subscribes to an address that follows from something else", async () => {
  const tenant = await gate.tenant();
  const { app_id: AppId } = tenant.credentials;
  await called(tenant, "CreateEventSub", { AppId, "Events.1": "UserEvent", CallbackUrl: "http://127.0.0.1:1/" });
  const [managed] = (await tenant.get("/endpoints")).items;
  const refused = await tenant.call("POST", "/subscriptions", { endpoint: managed.id });
  assert.equal(refused.status, 422);
  assert.deepEqual(refused.body.violations.map(({ path, code }) => [path, code]), [["endpoint", "tenant.managed"]]);
});
