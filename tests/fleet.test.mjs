// The gateway's side of relay hosts: which host is given what, over the built Worker and scripted hosts.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import test from "node:test";

import { connect, made } from "./lib/host.mjs";
import { receive } from "./lib/receiver.mjs";
import { until } from "./lib/wait.mjs";
import { world } from "./lib/world.mjs";

const gate = world();

/** An address that no other task has. */
const address = () => `rtmp://127.0.0.1:1/live/${randomUUID()}`;
const stream = (user, more = {}) => ({ app: "live", channel: "room", user, picture: "camera", ...more });
const published = (id, more = {}) => ({
  app_id: "live", id, channel: "room", user: id, targets: [address()], ...more,
});
const pulled = (id, more = {}) => ({ ...published(id), user: undefined, pull: address(), ...more });
const running = ({ key, epoch, revision }, more = {}) => ({ key, epoch, revision, state: "running", ...more });
const start = (tenant, task) => tenant.ok("POST", "/relay-tasks", task);
const show = (tenant, id, vendor = "livegate", app = "live") => tenant.get(`/relay-tasks/${vendor}/${app}/${id}`);

/** A tenant whose leases and rests are as short as they may be. */
async function hasty(t) {
  const tenant = await gate.tenant();
  await tenant.ok("PATCH", "/settings", { relay_lease_ms: 5000, relay_rest_ms: 1000, relay_status_ms: 1000 });
  return tenant;
}

/** A connected host of a tenant, and what it was welcomed with. */
async function host(t, tenant, fields = {}, given) {
  const { id, token } = given ?? (await made(tenant));
  const scripted = await connect(t, gate, token);
  const welcome = await scripted.hello(fields);
  return Object.assign(scripted, { id, token, welcome });
}

test("a host is made with a token that is shown once, and says hello with it", async (t) => {
  const tenant = await gate.tenant();
  const given = await made(tenant, "berlin-1");
  assert.match(given.token, /^lgh_[\w-]{32}$/);
  assert.deepEqual([given.name, given.connected], ["berlin-1", false]);
  const one = await host(t, tenant, { pushes: 7 }, given);
  assert.equal(one.welcome.host, given.id);
  assert.match(one.welcome.callback.url, /\/in\/src_[0-9a-f]{32}$/);
  assert.match(one.welcome.callback.secret, /^whsec_/);
  assert.deepEqual([one.welcome.keep, one.welcome.stop, one.welcome.settings], [[], [], { status_ms: 5000 }]);
  one.say("status", { load: { pushes: 3, cpu_permille: 250 } });
  const [shown] = await until(
    () => tenant.get("/relay-hosts").then(({ items }) => items),
    ([host]) => host.pushes === 3,
  );
  assert.deepEqual(
    [shown.id, shown.connected, shown.capacity, shown.cpu_permille, shown.version, "token" in shown],
    [given.id, true, 7, 250, "test", false],
  );
  await one.close();
  await until(() => tenant.get(`/relay-hosts/${given.id}`), ({ connected }) => !connected);
});

test("nobody connects without a host's own token", async (t) => {
  const tenant = await gate.tenant();
  for (const token of ["", "lgh_nobodys", tenant.token, gate.gateway.adminToken]) {
    await assert.rejects(connect(t, gate, token), /not opened/);
  }
  const { token } = await made(tenant);
  const plain = await gate.call("GET", "/api/v1/relay-hosts/link", { token });
  assert.equal(plain.status, 426);
  const asTenant = await gate.call("GET", "/api/v1/relay-hosts", { token });
  assert.equal(asTenant.status, 401, "a host's token opens nothing else");
});

test("another tenant's host sees nothing of a tenant's", async (t) => {
  const [own, other] = [await gate.tenant(), await gate.tenant()];
  const stranger = await host(t, other, { streams: [stream("a")] });
  await start(own, published("a"));
  await start(own, pulled("b"));
  const key = "0".repeat(32);
  stranger.say("ended", { key, epoch: 1, state: "stopped" });
  await stranger.settled();
  assert.equal(stranger.count("start"), 0);
  assert.deepEqual((await own.get("/relay-hosts")).items, []);
  assert.equal((await other.call("DELETE", "/relay-tasks/livegate/live/a")).status, 404);
  assert.equal((await own.call("GET", `/relay-hosts/${stranger.id}`)).status, 404);
  assert.equal((await own.call("DELETE", `/relay-hosts/${stranger.id}`)).status, 404);
});

test("a host's events arrive by its own source, until it is deleted", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  await tenant.connect(there.url, {}, { filter: { kinds: ["relay.state"] } });
  const one = await host(t, tenant);
  const { url, secret } = one.welcome.callback;
  const tell = async (id) => {
    const body = JSON.stringify({
      id, type: "relay.state", time: new Date().toISOString(), channel: "room", task: "t",
      url: "rtmp://push.example.com/live/key", state: "live", link: "CONNECTED",
    });
    const at = Math.floor(Date.now() / 1000);
    const key = Buffer.from(secret.slice(6), "base64");
    const mac = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64");
    const headers = { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1,${mac}` };
    return (await fetch(url, { method: "POST", headers, body })).status;
  };
  assert.equal(await tell("e-1"), 200);
  await there.count(1);
  assert.equal(there.bodies[0].data.state, "live");
  const source = url.split("/").at(-1);
  assert.equal((await tenant.call("DELETE", `/sources/${source}`)).body.code, "tenant.managed");
  assert.equal((await tenant.call("DELETE", `/relay-hosts/${one.id}`)).status, 204);
  assert.deepEqual(await one.closed, { code: 4410, reason: "relay.host_deleted" });
  await assert.rejects(connect(t, gate, one.token), /not opened/);
  assert.deepEqual((await tenant.get("/sources")).items, []);
  await until(() => tell(randomUUID()), (status) => status !== 200);
});

test("a pulled stream goes to the host with the least load", async (t) => {
  const tenant = await gate.tenant();
  const [small, large, busy] = [
    await host(t, tenant, { pushes: 2 }),
    await host(t, tenant, { pushes: 10 }),
    await host(t, tenant, { pushes: 100, load: { pushes: 0, cpu_permille: 900 } }),
  ];
  // In thousandths: 0 and 0 (of equals the first by name), then the other; then 500 and 100.
  const given = [];
  for (const id of ["a", "b", "c", "d"]) {
    await start(tenant, pulled(id));
    const at = await until(() => show(tenant, id), (task) => task.host !== undefined);
    given.push(at.host);
  }
  assert.equal(new Set(given.slice(0, 2)).size, 2, "each of the two idle ones first");
  assert.deepEqual(given.slice(2), [large.id, large.id]);
  for (const each of [small, large, busy]) await each.settled();
  assert.deepEqual([small.count("start"), large.count("start"), busy.count("start")], [1, 3, 0]);
});

test("a published stream's task goes where the stream is, with what was asked for", async (t) => {
  const tenant = await gate.tenant();
  const task = published("ann", { sei: { layout_volume: { interval_ms: 1000 } }, max_idle_seconds: 60 });
  const shown = await start(tenant, task);
  assert.equal(shown.state, "waiting");
  assert.match(JSON.stringify(shown), /\/live\/\*\*\*/, "its address is masked");
  await host(t, tenant);
  const two = await host(t, tenant);
  two.say("streams", { came: [stream("bob"), stream("ann", { picture: "screen" }), stream("ann")] });
  const begun = await two.started();
  assert.deepEqual(begun.task.targets, task.targets);
  assert.deepEqual([begun.task.single.user, begun.task.max_idle_ms], ["ann", 60_000]);
  assert.deepEqual([begun.epoch, begun.revision, begun.lease_ms, begun.answers], [1, 1, undefined, 2]);
  const push = { url: "rtmp://127.0.0.1:1/live/***", state: "CONNECTED", since: Date.now(), pushing: true };
  two.say("status", { tasks: [running(begun, { pushes: [push] })] });
  const live = await until(() => show(tenant, "ann"), ({ state }) => state === "running");
  assert.equal(live.host, two.id);
  assert.deepEqual(live.pushes, [push]);
});

test("a task is changed where it runs, and stopped when its host says so", async (t) => {
  const tenant = await gate.tenant();
  const one = await host(t, tenant, { streams: [stream("a")] });
  const task = published("a");
  await start(tenant, task);
  const begun = await one.started();
  const [kept, added] = [...task.targets, address()];
  assert.equal((await tenant.call("POST", "/relay-tasks", { ...task, targets: [kept, added] })).status, 200);
  const changed = await one.started();
  assert.deepEqual([changed.key, changed.epoch, changed.revision], [begun.key, 1, 2]);
  assert.deepEqual(changed.task.targets, [kept, added]);
  assert.equal((await tenant.call("POST", "/relay-tasks/livegate/live/a/sei", { custom: '{"n":1}' })).status, 204);
  const sei = await one.next("sei");
  assert.deepEqual([sei.key, sei.custom], [begun.key, '{"n":1}']);
  one.say("done", { command: sei.command });
  assert.equal((await tenant.call("DELETE", "/relay-tasks/livegate/live/a")).status, 204);
  const stop = await one.next("stop");
  assert.deepEqual([stop.key, stop.epoch], [begun.key, 1]);
  // Until the host has let go of it, its addresses are its own.
  const other = await tenant.call("POST", "/relay-tasks", published("b", { targets: [kept] }));
  assert.deepEqual(other.body.violations.map(({ path, code }) => [path, code]), [["targets[0]", "relay.address_taken"]]);
  one.ended(begun);
  assert.deepEqual((await one.next("forget")).keys, [begun.key]);
  const rests = await tenant.call("POST", "/relay-tasks", published("b", { targets: [kept] }));
  assert.equal(rests.body.violations[0].code, "relay.address_resting");
  assert.equal((await show(tenant, "a")).state, "stopped_by_user");
});

test("a task that ends by itself ends for good, and a lost word of it is not lost", async (t) => {
  const tenant = await gate.tenant();
  const given = await made(tenant);
  const instance = randomUUID();
  const one = await host(t, tenant, { instance, streams: [stream("a"), stream("b")] }, given);
  await start(tenant, published("a"));
  const a = await one.started();
  await start(tenant, published("b"));
  const b = await one.started();
  one.ended(a, "stopped", "push.idle");
  await one.next("forget");
  const ended = await show(tenant, "a");
  assert.deepEqual([ended.state, ended.code, typeof ended.ended_at], ["stopped", "push.idle", "string"]);
  await one.close();
  // It ended while nobody heard it.
  const over = { ...running(b), state: "channel_ended", code: "push.channel_closed" };
  const again = await host(t, tenant, { instance, tasks: [over] }, given);
  assert.deepEqual([again.welcome.forget, again.welcome.stop], [[b.key], []]);
  assert.equal((await show(tenant, "b")).code, "push.channel_closed");
});

test("after a cut, what both have goes on untouched, and each learns what it does not know", async (t) => {
  const tenant = await gate.tenant();
  const [given, instance] = [await made(tenant), randomUUID()];
  const streams = ["keep", "change", "stop", "lost"].map((user) => stream(user));
  const one = await host(t, tenant, { instance, streams }, given);
  const begun = {};
  for (const { user } of streams) {
    await start(tenant, published(user));
    begun[user] = await one.started();
  }
  const targets = begun.change.task.targets;
  await one.close();
  await until(() => show(tenant, "keep"), ({ state }) => state === "unknown");
  await tenant.ok("POST", "/relay-tasks", published("change", { targets, max_idle_seconds: 10 }));
  await tenant.call("DELETE", "/relay-tasks/livegate/live/stop");
  await start(tenant, published("new"));
  const tasks = [running(begun.keep), running(begun.change), running(begun.stop), running({ key: "f".repeat(32), epoch: 9, revision: 1 })];
  const again = await host(t, tenant, { instance, tasks, streams: [...streams, stream("new")] }, given);
  const keys = (list) => list.map(({ key }) => key).sort();
  assert.deepEqual(keys(again.welcome.keep), keys([begun.keep, begun.change]));
  assert.deepEqual(keys(again.welcome.stop), keys([begun.stop, { key: "f".repeat(32) }]));
  const told = [await again.started(), await again.started()];
  const change = told.find(({ key }) => key === begun.change.key);
  assert.deepEqual([change.epoch, change.revision, change.task.max_idle_ms], [1, 2, 10_000]);
  assert.ok(told.some(({ task }) => task.id === "new"));
  // What the host has lost rests, and is started anew as another tenancy.
  const lost = await again.started();
  assert.deepEqual([lost.key, lost.epoch], [begun.lost.key, 2]);
  assert.equal(again.count("start"), 3, "what goes on is not started");
});

test("a start or a message that was not answered is sent again", async (t) => {
  const tenant = await gate.tenant();
  const [given, instance] = [await made(tenant), randomUUID()];
  const streams = [stream("a")];
  const one = await host(t, tenant, { instance, streams }, given);
  await start(tenant, published("a"));
  const begun = await one.next("start");
  await one.close();
  const two = await host(t, tenant, { instance, streams }, given);
  const again = await two.started();
  assert.deepEqual([again.key, again.epoch, again.task], [begun.key, begun.epoch, begun.task]);
  await tenant.call("POST", "/relay-tasks/livegate/live/a/sei", { custom: "1" });
  const first = await two.next("sei");
  await two.close();
  const three = await host(t, tenant, { instance, streams, tasks: [running(again)] }, given);
  assert.deepEqual(await three.next("sei"), first);
  three.say("done", { command: first.command });
  await three.settled();
  await three.close();
  const four = await host(t, tenant, { instance, streams, tasks: [running(again)] }, given);
  await four.settled();
  assert.equal(four.count("sei"), 0);
});

test("a task follows its publisher once the host that had it has let go", async (t) => {
  const tenant = await hasty(t);
  const one = await host(t, tenant, { streams: [stream("a")] });
  const two = await host(t, tenant);
  await start(tenant, published("a"));
  const begun = await one.started();
  two.say("streams", { came: [stream("a")] });
  await two.settled();
  assert.equal(one.count("stop"), 0, "as long as it is at both, nothing moves");
  one.say("streams", { gone: [stream("a")] });
  const stop = await one.next("stop");
  assert.equal(stop.key, begun.key);
  await two.settled();
  assert.equal(two.count("start"), 0, "the first has it still");
  const at = Date.now();
  one.ended(begun, "stopped_by_user");
  const moved = await two.started();
  assert.deepEqual([moved.key, moved.epoch], [begun.key, 2]);
  assert.ok(Date.now() - at >= 1000, "its addresses rested");
  assert.equal((await show(tenant, "a")).ended_at, undefined);
  one.ended(begun, "stopped");
  await one.settled();
  assert.equal((await show(tenant, "a")).ended_at, undefined, "an older tenancy's word does not count");
});

test("a task that may move is renewed, and moves within 15 s of its lease's end", async (t) => {
  const tenant = await hasty(t);
  const one = await host(t, tenant);
  await start(tenant, pulled("a", { failover: "move" }));
  const begun = await one.started();
  assert.equal(begun.lease_ms, 5000);
  const renewed = one.say("renew", { tasks: [{ key: begun.key, epoch: 1 }, { key: begun.key, epoch: 0 }] });
  const asked = Date.now();
  const granted = await one.next("granted");
  assert.deepEqual(
    [granted.answers, granted.lease_ms, granted.tasks, granted.fenced],
    [renewed, 5000, [{ key: begun.key, epoch: 1 }], [begun.key]],
  );
  const two = await host(t, tenant);
  two.beat(t);
  // The first says nothing any more.
  const moved = await two.started(25_000);
  const after = Date.now() - asked;
  assert.deepEqual([moved.key, moved.epoch], [begun.key, 2]);
  assert.ok(after >= 6000 && after < 20_000, `${after} ms after the last renewal`);
  one.say("renew", { tasks: [{ key: begun.key, epoch: 1 }] });
  assert.deepEqual((await one.next("granted")).fenced, [begun.key]);
});

test("a task that stays does not move, however long its host is away", async (t) => {
  const tenant = await hasty(t);
  const [given, instance] = [await made(tenant), randomUUID()];
  const one = await host(t, tenant, { instance }, given);
  await start(tenant, pulled("a"));
  const begun = await one.started();
  await one.close();
  const two = await host(t, tenant);
  // Longer than a lease and a rest: what moves has moved.
  await start(tenant, pulled("b", { failover: "move" }));
  const mover = await two.started();
  await two.close();
  const three = await host(t, tenant);
  three.beat(t);
  const moved = await three.started(25_000);
  assert.equal(moved.key, mover.key);
  assert.equal(three.count("start"), 1);
  const task = await show(tenant, "a");
  assert.deepEqual([task.host, task.state, task.ended_at], [given.id, "unknown", undefined]);
  const back = await host(t, tenant, { instance, tasks: [running(begun)] }, given);
  assert.deepEqual(back.welcome.keep, [{ key: begun.key, epoch: 1 }]);
});

test("who deletes a host says that it is gone: its tasks go to others", async (t) => {
  const tenant = await hasty(t);
  const one = await host(t, tenant);
  await start(tenant, pulled("a"));
  const begun = await one.started();
  await one.close();
  const two = await host(t, tenant);
  assert.equal((await tenant.call("DELETE", `/relay-hosts/${one.id}`)).status, 204);
  const moved = await two.started();
  assert.deepEqual([moved.key, moved.epoch], [begun.key, 2]);
});

test("a host that refuses a task is not asked again", async (t) => {
  const tenant = await gate.tenant();
  const one = await host(t, tenant, { pushes: 1000 });
  await start(tenant, pulled("a"));
  const asked = await one.next("start");
  one.say("done", { command: asked.command, code: "relay.host_full", reason: "full" });
  await one.settled();
  assert.equal(one.count("start"), 1);
  assert.deepEqual([(await show(tenant, "a")).code, (await show(tenant, "a")).host], ["relay.host_full", undefined]);
  const two = await host(t, tenant, { pushes: 1 });
  assert.equal((await two.started()).key, asked.key);
});

test("one token is for one machine at a time", async (t) => {
  const tenant = await hasty(t);
  const given = await made(tenant);
  const instance = randomUUID();
  const one = await host(t, tenant, { instance }, given);
  const clone = await connect(t, gate, given.token);
  clone.say("hello", { protocol: 1, instance: randomUUID(), version: "v", capacity: { pushes: 1 } });
  assert.deepEqual(await clone.closed, { code: 4409, reason: "relay.host_taken" });
  await start(tenant, pulled("a"));
  const begun = await one.started();
  // The same machine connects anew: the connection before is half open, say.
  const again = await host(t, tenant, { instance, tasks: [running(begun)] }, given);
  assert.equal((await one.closed).code, 1000);
  assert.equal(again.welcome.keep.length, 1);
  await again.close();
  const heir = await host(t, tenant, { instance: randomUUID() }, given);
  const anew = await heir.started();
  assert.deepEqual([anew.key, anew.epoch], [begun.key, 2]);
});

test("what cannot be read is closed with its reason", async (t) => {
  const tenant = await gate.tenant();
  const { token } = await made(tenant);
  const hello = { type: "hello", number: 1, protocol: 1, instance: "i", version: "v", capacity: { pushes: 1 } };
  const cases = [
    ["not JSON", "relay.link_not_json"],
    [Buffer.from("{}"), "relay.link_not_json"],
    [JSON.stringify({ ...hello, type: "status" }), "relay.link_order"],
    [JSON.stringify({ ...hello, protocol: 2 }), "relay.link_protocol"],
    [JSON.stringify({ ...hello, number: 2 }), "relay.link_field"],
    [JSON.stringify({ ...hello, instance: "" }), "relay.link_field"],
    [JSON.stringify({ ...hello, type: "dance" }), "relay.link_unknown"],
    [" ".repeat((1 << 20) + 1), "relay.link_too_large"],
  ];
  for (const [message, reason] of cases) {
    const scripted = await connect(t, gate, token);
    scripted.raw(message);
    const closed = await scripted.closed;
    assert.equal(closed.code, 4400, reason);
    assert.ok(closed.reason.startsWith(reason), `${closed.reason}, not ${reason}`);
  }
  const greeted = await host(t, tenant);
  greeted.say("dance");
  await greeted.settled();
  const { number: _, ...again } = hello;
  greeted.say("hello", again);
  assert.match((await greeted.closed).reason, /^relay\.link_order/);
});

test("bad tasks are told with every violation and its path", async () => {
  const tenant = await gate.tenant();
  const twice = address();
  const { status, body } = await tenant.call("POST", "/relay-tasks", {
    app_id: "live", id: "a b", channel: "room", targets: [twice, twice, "http://a"], failover: "move", extra: 1,
  });
  assert.equal(status, 422);
  assert.deepEqual(
    body.violations.map(({ path, code }) => [path, code]),
    [
      ["id", "config.characters"],
      ["targets[2]", "config.not_rtmp"],
      ["extra", "config.unknown_field"],
      ["targets[1]", "config.duplicate"],
      ["user", "config.missing"],
      ["failover", "relay.move_published"],
    ],
  );
  const other = await tenant.call("POST", "/relay-tasks", published("x", { targets: ["rtmp://10.0.0.1/live/k"] }));
  assert.equal(other.body.violations[0].path, "targets[0]");
  assert.equal((await tenant.call("DELETE", "/relay-tasks/livegate/live/none")).status, 404);
  assert.equal((await tenant.call("POST", "/relay-tasks/livegate/live/none/sei", { custom: "1" })).status, 404);
});

test("an application relays each stream that is published to it, as long as it says so", async (t) => {
  const tenant = await gate.tenant();
  const { app_id: app } = tenant.credentials;
  await tenant.ok("PATCH", `/applications/${app}`, { relay: "single", domain: "127.0.0.1", app_name: "out", sei: "every_i_frame" });
  const one = await host(t, tenant, { streams: [stream("ann", { app }), stream("bob", { app: "other" })] });
  const begun = await one.started();
  assert.deepEqual(begun.task.targets, ["rtmp://127.0.0.1/out/room_ann"]);
  assert.deepEqual([begun.task.max_idle_ms, begun.task.sei.layout_volume.follow_idr], [60_000, true]);
  one.say("streams", { came: [stream("cid", { app })] });
  const second = await one.started();
  assert.deepEqual(second.task.targets, ["rtmp://127.0.0.1/out/room_cid"]);
  await one.settled();
  assert.equal(one.count("start"), 2);
  one.say("streams", { gone: [stream("cid", { app })] });
  one.ended(second, "stopped", "push.idle");
  await one.next("forget");
  const { items } = await tenant.get("/relay-tasks?vendor=artc&ended=false");
  assert.deepEqual(items.map(({ id }) => id), ["auto-room/ann"]);
  await tenant.ok("PATCH", `/applications/${app}`, { app_name: "elsewhere" });
  const changed = await one.started();
  assert.deepEqual([changed.key, changed.task.targets], [begun.key, ["rtmp://127.0.0.1/elsewhere/room_ann"]]);
  await tenant.ok("PATCH", `/applications/${app}`, { relay: "off" });
  assert.equal((await one.next("stop")).key, begun.key);
});

test("a MetaStudio job is its room's stream, relayed; its states show in the job", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const { app_id: app } = tenant.credentials;
  await tenant.connect(there.url, { format: "metastudio" }, { filter: { kinds: ["relay.state"] } });
  const { room_id: room } = await tenant.studio("POST", "/smart-live-rooms", { room_name: "r" });
  assert.deepEqual(
    await tenant.get(`/rooms/${room}/stream`),
    { app_id: app, channel: room, user: "live", picture: "camera", failover: "stay" },
  );
  await tenant.ok("PUT", `/rooms/${room}/stream`, { app_id: "studio", channel: "c", user: "ann" });
  const one = await host(t, tenant, { streams: [stream("ann", { app: "studio", channel: "c" })] });
  const url = "rtmp://127.0.0.1:1/live";
  const jobs = `/smart-live-rooms/${room}/smart-live-jobs`;
  const { job_id: job } = await tenant.studio("POST", jobs, {
    output_urls: [url], stream_keys: [randomUUID()], play_policy: { live_exit_config: { auto_stop_mode: "SCENE_END", max_live_duration: 2 } },
  });
  const begun = await one.started();
  assert.deepEqual([begun.task.id, begun.task.channel, begun.task.single.channel], [job, room, "c"]);
  assert.deepEqual(begun.task.exit, { auto_stop_mode: "SCENE_END", max_live_duration: 2 });
  one.say("status", { tasks: [running(begun)] });
  const state = (wanted) => until(() => tenant.studio("GET", `${jobs}/${job}`), (shown) => shown.state === wanted);
  assert.match((await state("PROCESSING")).start_time, /Z$/);
  const key = randomUUID();
  const refreshed = await tenant.studio("POST", `${jobs}/${job}/command`, {
    command: "REFRESH_OUTPUT_URL", params: { output_urls: [url], stream_keys: [key] },
  });
  assert.equal(refreshed.command, "REFRESH_OUTPUT_URL");
  assert.deepEqual((await one.started()).task.targets, [`${url}/${key}`]);
  // What the host says of it reaches the room's callback in the vendor's words.
  const source = one.welcome.callback;
  const id = randomUUID();
  const body = JSON.stringify({
    id, type: "relay.state", time: new Date().toISOString(), app_id: "studio", channel: room, task: job,
    url: `${url}/${key}`, state: "live", link: "CONNECTED",
  });
  const at = Math.floor(Date.now() / 1000);
  const mac = createHmac("sha256", Buffer.from(source.secret.slice(6), "base64")).update(`${id}.${at}.${body}`).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1,${mac}` };
  assert.equal((await fetch(source.url, { method: "POST", headers, body })).status, 200);
  await there.count(1);
  const [told] = there.bodies;
  const message = JSON.parse(told.message);
  assert.deepEqual([told.event_type, message.room_id, message.job_id, message.state], ["RTMP_STREAM_STATE_CHANGE", room, job, "CONNECTED"]);
  one.ended(begun, "stopped", "push.longest_live");
  assert.match((await state("SUCCEED")).end_time, /Z$/);
  const { last_job_status: last } = await tenant.studio("GET", `/smart-live-rooms/${room}`);
  assert.equal(last, "SUCCEED");
  await tenant.studio("DELETE", `/smart-live-rooms/${room}`);
  assert.equal((await tenant.call("GET", `/rooms/${room}/stream`)).status, 404);
});
