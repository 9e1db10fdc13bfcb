// Relay hosts under the gateway, with nothing scripted: the built Worker, `livegate relay`, ffmpeg, and
// destinations that take what is pushed.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { describe, it } from "node:test";

import { Webhook } from "standardwebhooks";

import { made } from "./lib/host.mjs";
import { freePort } from "./lib/ports.mjs";
import { receive } from "./lib/receiver.mjs";
import { APP, CHANNEL, USER, host } from "./lib/relay.mjs";
import { called } from "./lib/rpc.mjs";
import { listening, toxic } from "./lib/toxic.mjs";
import { LIMIT_MS, until } from "./lib/wait.mjs";
import { World, world } from "./lib/world.mjs";
import { missing } from "./media/material.mjs";
import { VIDEO, clip, of, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, folder } from "./rtmp/peers.mjs";

const skip = await missing();
const gate = world();

const LEASE = 5_000;
const SETTINGS = { first_pause_ms: 200, longest_pause_ms: 1_000, pull_first_ms: 200 };

/** A tenant whose leases and rests are as short as they may be, and what an endpoint of its is told. */
async function tenancy(t, at = gate) {
  const tenant = await at.tenant();
  await tenant.ok("PATCH", "/settings", { relay_lease_ms: LEASE, relay_rest_ms: 1_000, relay_status_ms: 1_000 });
  const there = await receive(t);
  const endpoint = await tenant.connect(there.url, {}, { filter: { kinds: ["relay.state"] } });
  return Object.assign(tenant, { there, secret: endpoint.secret });
}

/** A real host of a tenant's, once the gateway sees it. */
async function member(t, tenant, { url = tenant.world.url, capacity = 100, ...options } = {}) {
  const { id, token } = await made(tenant);
  const relay = await host(t, {
    settings: SETTINGS,
    args: ["--capacity", `${capacity}`],
    gateway: { url, token },
    ...options,
  });
  t.after(() => assert.ok(!relay.log.includes(token), "its token is in its log"));
  await until(() => tenant.get(`/relay-hosts/${id}`), ({ connected }) => connected);
  return Object.assign(relay, { id, token });
}

/** Publishes the clip again and again until the test ends. */
const publish = async (t, relay, who) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing(who)]);

/**
 * Places to push to, by a host that stands alone and knows nothing of the gateway; each counts what comes.
 * `source` publishes there, and is the address to pull it from.
 */
async function outlets(t) {
  const server = await host(t);
  let places = 0;
  const place = () => toxic(t, server.publishing({ channel: `out${(places += 1)}` }));
  const source = async () => {
    await publish(t, server, { channel: "source" });
    return server.playing("source");
  };
  return Object.assign(place, { source, url: server.playing() });
}

/** Media arrives at each of them. */
const moves = (...places) => until(() => places.every(({ passed }) => passed > 100_000));

/** A second more of it arrives. */
async function goesOn(place) {
  const before = place.passed;
  await until(() => place.passed > before + 400_000);
}

const task = (targets, more = {}) => ({ app_id: APP, id: "t1", channel: CHANNEL, user: USER, targets, ...more });

const start = (tenant, targets, more) => tenant.ok("POST", "/relay-tasks", task(targets, more));

async function stop(tenant, id = "t1") {
  assert.equal((await tenant.call("DELETE", `/relay-tasks/livegate/${APP}/${id}`)).status, 204);
}

/** A task as the gateway shows it, once it is as wanted. */
const shows = (tenant, wanted, id = "t1", limit) =>
  until(() => tenant.get(`/relay-tasks/livegate/${APP}/${id}`), wanted, limit);

/** The states that a tenant was told so far of a task's push, each verified, oldest first. */
function told(tenant, id = "t1") {
  const known = new Set();
  const all = [];
  for (const { body, headers } of tenant.there.calls) {
    const event = new Webhook(tenant.secret).verify(body, headers);
    if (known.has(headers["webhook-id"]) || event.data.task !== id) continue;
    known.add(headers["webhook-id"]);
    all.push(event.data.code ? `${event.data.link} ${event.data.code}` : event.data.link);
  }
  return all;
}

/** What a host told its operator's own receiver of a task's push, which was there all the time. */
const direct = (relay, id = "t1") =>
  relay
    .told()
    .filter(({ type, task }) => type === "relay.state" && task === id)
    .map(({ link, code }) => (code ? `${link} ${code}` : link));

/** Waits until a task's push was last in a state as the host would know it after a crash: it tells what is on disk. */
const keeps = (relay, state, id) => until(() => direct(relay, id).at(-1) === state);

/** Waits until it was told so many states, which have to be these. */
async function tells(tenant, wanted, id) {
  await until(() => told(tenant, id), ({ length }) => length >= wanted.length).catch(() => {});
  assert.deepEqual(told(tenant, id), wanted);
}

describe("relay hosts under a gateway", { concurrency: 4, skip }, () => {
  it("lose no state in a minute without the gateway, in which a destination and they themselves are killed", async (t) => {
    const own = new World();
    own.data = await folder(t);
    await own.start();
    t.after(() => own.gateway.stop());
    const tenant = await tenancy(t, own);
    const out = await outlets(t);
    const moving = await out();
    const relay = await member(t, tenant, { settings: { ...SETTINGS, retry_longest_ms: 1_000 } });
    const first = await destination(t);
    await start(tenant, [first.url]);
    await publish(t, relay);
    await start(tenant, [moving.url], { id: "moving", user: undefined, pull: await out.source(t), failover: "move" });
    for (const id of ["t1", "moving"]) await shows(tenant, ({ state }) => state === "running", id);
    const { port } = own.gateway;
    await own.gateway.kill();
    const down = Date.now();
    first.running.signal("SIGKILL");
    await relay.reaches("DISCONNECTED");
    const second = await destination(t, { PORT: first.port });
    await relay.reaches("CONNECTED");
    await until(() => tags(second.out), (all) => of(all, VIDEO).length > 30);
    // Its lease ran out.
    const { ended_at: ended } = await until(() => relay.show("moving"), ({ ended_at }) => ended_at !== null);
    assert.ok(Date.parse(ended) - down < 2 * LEASE, `${Date.parse(ended) - down} ms after the gateway went`);
    await until(() => moving.links[0].closed < Infinity);
    // What is shown may not be on disk yet.
    for (const [id, state] of [["moving", "END push.lease_lost"], ["t1", "CONNECTED"]]) await keeps(relay, state, id);
    await relay.kill();
    await second.running.end();
    const third = await destination(t, { PORT: first.port });
    await relay.start();
    await publish(t, relay);
    await relay.reaches("CONNECTED");
    assert.equal((await relay.show("moving")).code, "push.lease_lost");
    await until(() => Date.now() - down > 60_000, Boolean, 60_000 + LIMIT_MS);
    assert.equal(moving.links.length, 1);
    const before = (await tags(third.out)).length;
    await until(async () => (await tags(third.out)).length > before + 100);
    await own.start({ port });
    for (const id of ["t1", "moving"]) await shows(tenant, ({ state }) => state === "running", id);
    await stop(tenant);
    await until(() => told(tenant).at(-1) === "END push.stopped");
    await keeps(relay, "END push.stopped");
    const all = told(tenant);
    assert.deepEqual(all, direct(relay));
    assert.deepEqual(all.slice(0, 2), ["CONNECTING", "CONNECTED"]);
    const restarted = all.indexOf("DISCONNECTED push.host_restarted");
    assert.match(all[2], /^DISCONNECTED push\.(connection_lost|closed_by_peer)$/);
    assert.deepEqual(all.slice(restarted - 2, restarted), ["RECONNECTING", "CONNECTED"]);
    assert.deepEqual(all.slice(-3), ["RECONNECTING", "CONNECTED", "END push.stopped"]);
    await until(() => told(tenant, "moving").length >= 5);
    const again = ["CONNECTING", "CONNECTED"];
    assert.deepEqual(told(tenant, "moving"), [...again, "END push.lease_lost", ...again]);
  });

  it("push what is published where the gateway's native API says, and tell its tenant of it", async (t) => {
    const tenant = await tenancy(t);
    const relay = await member(t, tenant);
    const other = await member(t, tenant);
    const there = await destination(t);
    assert.equal((await start(tenant, [there.url])).state, "waiting");
    await publish(t, other);
    const runs = await shows(tenant, ({ pushes }) => pushes?.[0]?.pushing);
    assert.deepEqual([runs.host, runs.state, runs.pushes[0].state], [other.id, "running", "CONNECTED"]);
    await until(() => tags(there.out), (all) => of(all, VIDEO).length > 30);
    await stop(tenant);
    await there.taken();
    await shows(tenant, ({ state, ended_at }) => state === "stopped_by_user" && ended_at);
    await tells(tenant, ["CONNECTING", "CONNECTED", "END push.stopped"]);
    assert.deepEqual((await relay.api("GET", "relay-tasks")).body.items, []);
    const again = await tenant.call("POST", "/relay-tasks", task([there.url], { id: "t2" }));
    assert.deepEqual(again.body.violations.map(({ code }) => code), ["relay.address_resting"]);
  });

  it("hand a published stream's task on when its publisher goes from one to another", async (t) => {
    const tenant = await tenancy(t);
    const [first, second] = [await member(t, tenant), await member(t, tenant)];
    const out = await outlets(t);
    const place = await out();
    await start(tenant, [place.url]);
    const on = (relay) => ({ host, pushes }) => host === relay.id && pushes?.[0]?.pushing;
    const publisher = await publish(t, first);
    await shows(tenant, on(first));
    await moves(place);
    publisher.signal("SIGINT");
    await publisher.end();
    await publish(t, second);
    await shows(tenant, on(second));
    await goesOn(place);
    const { links } = place;
    for (const [at, { opened }] of links.entries()) assert.ok(at === 0 || links[at - 1].closed <= opened, "two at once");
    await until(async () => (await first.api("GET", "relay-tasks")).body.items.every(({ state }) => state !== "running"));
    await stop(tenant);
  });

  it("push what Jocloud's startrtmp and ARTC's StartLiveMPUTask ask for", async (t) => {
    const tenant = await tenancy(t);
    const { app_id: app, restful_id, restful_secret } = tenant.credentials;
    const relay = await member(t, tenant, { application: { app } });
    const out = await outlets(t);
    const there = await destination(t);
    const [one, two] = [await out(), await toxic(t, there.url)];
    await publish(t, relay, { app });
    const jocloud = async (operation, body) => {
      const token = `Basic ${Buffer.from(`${restful_id}:${restful_secret}`).toString("base64")}`;
      const url = `${gate.url}/app/${app}/v2/rtmpforward/${operation}?traceId=1`;
      const headers = { token, "content-type": "application/json" };
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      assert.deepEqual([answer.status, (await answer.json()).code], [200, 0]);
    };
    const whose = { appid: Number(app), roomid: CHANNEL, uid: USER };
    await jocloud("startrtmp", { ...whose, streamtype: 2, rtmpurl: one.url });
    await called(tenant, "StartLiveMPUTask", {
      ...{ AppId: app, ChannelId: CHANNEL, TaskId: "mpu", MixMode: 0, StreamURL: two.url },
      "SingleSubParams.UserId": USER,
    });
    const all = await until(
      () => tenant.get("/relay-tasks"),
      ({ items }) => items.length === 2 && items.every(({ state }) => state === "running"),
    );
    assert.deepEqual(all.items.map(({ vendor, host }) => [vendor, host]).sort(), [["artc", relay.id], ["jocloud", relay.id]]);
    await moves(one, two);
    const said = JSON.stringify({ goal: "1:0" });
    await called(tenant, "SetLiveMpuTaskSei", { AppId: app, TaskId: "mpu", CustomSei: said });
    // The 16 bytes before it are its UUID (docs/spec/sei.md §2).
    const messages = async () => of(await tags(there.out), VIDEO).filter(({ body }) => body.includes(said)).length;
    await until(async () => (await messages()) === 1);
    await jocloud("stoprtmp", whose);
    await called(tenant, "StopLiveMPUTask", { AppId: app, TaskId: "mpu" });
    for (const { links } of [one, two]) await until(() => links.length === 1 && links[0].closed < Infinity);
    const ids = all.items.map(({ id }) => id);
    for (const id of ids) await tells(tenant, ["CONNECTING", "CONNECTED", "END push.stopped"], id);
  });

  it("push every stream of an application that relays to its streaming domain", async (t) => {
    const tenant = await tenancy(t);
    const { app_id: app } = tenant.credentials;
    const there = await destination(t);
    // A streaming domain is spoken to at RTMP's own port: one of this test's, on an address of its own.
    const domain = `127.77.${process.pid % 250}.${1 + (process.pid >> 8) % 250}`;
    const server = createServer((from) => from.pipe(connect(Number(there.port), "127.0.0.1")).pipe(from));
    await listening(t, server, 1935, domain);
    await tenant.ok("PATCH", `/applications/${app}`, { relay: "single", domain, app_name: "out" });
    const relay = await member(t, tenant, { application: { app } });
    await publish(t, relay, { app });
    const [{ id, vendor }] = await until(
      async () => (await tenant.get("/relay-tasks")).items,
      ([first]) => first !== undefined,
    );
    assert.deepEqual([vendor, id], ["artc", `auto-${CHANNEL}/${USER}`]);
    await until(() => told(tenant, id), (all) => all.at(-1) === "CONNECTED");
    await until(() => tags(there.out), (all) => of(all, VIDEO).length > 30);
    assert.match(there.running.text, new RegExp(`^connect out .*^publish ${CHANNEL}_${USER} `, "ms"));
    await tenant.ok("PATCH", `/applications/${app}`, { relay: "off" });
    await there.taken();
    await tells(tenant, ["CONNECTING", "CONNECTED", "END push.stopped"], id);
  });

  it("run a MetaStudio room's live job, move it to other addresses, and tell its room's callback", async (t) => {
    const tenant = await tenancy(t);
    const studio = await receive(t);
    await tenant.connect(studio.url, { format: "metastudio" }, { filter: { kinds: ["relay.state"] } });
    const relay = await member(t, tenant);
    const out = await outlets(t);
    const [one, two] = [await out(), await out()];
    await publish(t, relay);
    const { room_id: room } = await tenant.studio("POST", "/smart-live-rooms", { room_name: "r" });
    await tenant.ok("PUT", `/rooms/${room}/stream`, { app_id: APP, channel: CHANNEL, user: USER });
    const jobs = `/smart-live-rooms/${room}/smart-live-jobs`;
    const split = ({ url }) => url.match(/^(.*)\/([^/]*)$/).slice(1);
    const to = ({ url }) => ({ output_urls: [split({ url })[0]], stream_keys: [split({ url })[1]] });
    const { job_id: job } = await tenant.studio("POST", jobs, to(one));
    const states = () =>
      studio.bodies.map(({ event_type, message }) => {
        const { room_id, job_id, state, stream_key } = JSON.parse(message);
        assert.deepEqual([event_type, room_id, job_id], ["RTMP_STREAM_STATE_CHANGE", room, job]);
        return state;
      });
    await until(states, (all) => all.at(-1) === "CONNECTED");
    const shown = (wanted) => until(() => tenant.studio("GET", `${jobs}/${job}`), ({ state }) => state === wanted);
    await shown("PROCESSING");
    await moves(one);
    await tenant.studio("POST", `${jobs}/${job}/command`, { command: "REFRESH_OUTPUT_URL", params: to(two) });
    await until(states, (all) => all.length >= 5 && all.at(-1) === "CONNECTED");
    await until(() => one.links[0].closed < Infinity);
    await tenant.studio("POST", `${jobs}/${job}/stop`);
    await until(() => two.links[0].closed < Infinity);
    await shown("SUCCEED");
    await until(states, ({ length }) => length >= 6);
    assert.deepEqual(states(), ["CONNECTING", "CONNECTED", "END", "CONNECTING", "CONNECTED", "END"]);
  });

  it("end a MetaStudio job at its longest time, and who asked for it has notice", async (t) => {
    const tenant = await tenancy(t);
    const notified = await receive(t);
    await tenant.endpoint(notified.url, { format: "slack" });
    const relay = await member(t, tenant);
    const there = await (await outlets(t))();
    const live_notify_config = { action: "add", notify_events: ["AUTO_EXIT"] };
    await tenant.studio("PUT", "/smart-live-configs/user-config", { live_notify_config });
    const { room_id: room } = await tenant.studio("POST", "/smart-live-rooms", { room_name: "r" });
    await tenant.ok("PUT", `/rooms/${room}/stream`, { app_id: APP, channel: CHANNEL, user: USER });
    const jobs = `/smart-live-rooms/${room}/smart-live-jobs`;
    const [, url, key] = there.url.match(/^(.*)\/([^/]*)$/);
    const play_policy = { live_exit_config: { max_live_duration: 1, auto_stop_mode: "SCRIPT_END" } };
    const { job_id: job } = await tenant.studio("POST", jobs, { output_urls: [url], stream_keys: [key], play_policy });
    await publish(t, relay);
    await moves(there);
    await relay.kill();
    // An hour is the shortest: most of it has passed, as the disk has it.
    relay.rows("UPDATE tasks SET began_at = began_at - 3600000 + 8000");
    await relay.start();
    await publish(t, relay);
    await goesOn(there);
    await until(() => tenant.studio("GET", `${jobs}/${job}`), ({ state }) => state === "SUCCEED");
    await until(() => there.links.every(({ closed }) => closed < Infinity));
    const { items } = await tenant.get("/relay-tasks");
    assert.deepEqual(items.map(({ id, state, code }) => [id, state, code]), [[job, "stopped", "push.longest_live"]]);
    const [{ body }] = await notified.count(1);
    assert.match(JSON.parse(body).text, /stopped by itself/);
    const { items: notices } = await until(() => tenant.get("/notices"), (page) => page.items.length > 0);
    assert.deepEqual(notices.map(({ kind }) => kind), ["live.auto_exit"]);
  });

  it("share what is pulled, none more than it can", async (t) => {
    const tenant = await tenancy(t);
    const out = await outlets(t);
    const both = [await member(t, tenant, { capacity: 1 }), await member(t, tenant, { capacity: 1 })];
    const [a, b, c] = [await out(), await out(), await out()];
    const pull = await out.source(t);
    await start(tenant, [a.url], { id: "a", user: undefined, pull });
    await start(tenant, [b.url], { id: "b", user: undefined, pull });
    const given = [];
    for (const id of ["a", "b"]) given.push((await shows(tenant, ({ state }) => state === "running", id)).host);
    assert.deepEqual(given.sort(), both.map(({ id }) => id).sort());
    await start(tenant, [c.url], { id: "c", user: undefined, pull });
    await moves(a, b);
    assert.equal((await shows(tenant, Boolean, "c")).host, undefined);
    await stop(tenant, "b");
    await shows(tenant, ({ state }) => state === "running", "c");
    await moves(c);
  });

  it("move a task that may move when its host is cut off or killed, and never push it twice", async (t) => {
    const tenant = await tenancy(t);
    const out = await outlets(t);
    const there = await out();
    const link = await toxic(t, gate.url);
    const one = await member(t, tenant, { url: link.url });
    await start(tenant, [there.url], { user: undefined, pull: await out.source(t), failover: "move" });
    await moves(there);
    const two = await member(t, tenant);
    link.blacken();
    const { links } = there;
    await until(() => links.length === 2);
    assert.ok(links[1].opened - links[0].closed < 15_000, `${links[1].opened - links[0].closed} ms after the lease's end`);
    await shows(tenant, ({ host, state }) => host === two.id && state === "running");
    // It is back, and has nothing to do.
    link.heal();
    await until(() => tenant.get(`/relay-hosts/${one.id}`), ({ connected }) => connected);
    await until(() => one.show(), ({ state }) => state === "stopped");
    await goesOn(there);
    const killed = Date.now();
    await two.kill();
    await until(() => links.length === 3);
    assert.ok(links[2].opened - killed < LEASE + 15_000, `${links[2].opened - killed} ms after it was killed`);
    await two.start();
    await until(() => tenant.get(`/relay-hosts/${two.id}`), ({ connected }) => connected);
    await until(() => two.show(), ({ state }) => state === "stopped");
    await goesOn(there);
    assert.equal(links.length, 3);
    for (const [at, { opened }] of links.entries()) assert.ok(at === 0 || links[at - 1].closed <= opened, "two at once");
    assert.equal((await shows(tenant, Boolean)).host, one.id);
  });

  it("go on with a killed host's task when it is back", async (t) => {
    const tenant = await tenancy(t);
    const there = await (await outlets(t))();
    const relay = await member(t, tenant);
    await start(tenant, [there.url]);
    await publish(t, relay);
    await shows(tenant, ({ state }) => state === "running");
    await keeps(relay, "CONNECTED");
    await relay.kill();
    await shows(tenant, ({ state }) => state === "unknown");
    await relay.start();
    await publish(t, relay);
    await goesOn(there);
    await shows(tenant, ({ state, host }) => state === "running" && host === relay.id);
    await stop(tenant);
    const ends = ["DISCONNECTED push.host_restarted", "RECONNECTING", "CONNECTED", "END push.stopped"];
    await tells(tenant, ["CONNECTING", "CONNECTED", ...ends]);
  });

  it("are told to stop and go on, and to the gateway nothing has ended", async (t) => {
    const tenant = await tenancy(t);
    const place = await outlets(t);
    const there = await place();
    const silent = createServer((socket) => socket.on("error", () => {}));
    await listening(t, silent, 0, "127.0.0.1");
    const [relay, other] = [await member(t, tenant), await member(t, tenant)];
    await publish(t, relay);
    await publish(t, other, { channel: "room2" });
    await start(tenant, [there.url]);
    // One that answers nothing is waited for, and so is a receiver that does not.
    await start(tenant, [`rtmp://127.0.0.1:${silent.address().port}/live/key`], { id: "silent" });
    await moves(there);
    await shows(tenant, ({ state }) => state === "running");
    await until(() => told(tenant).at(-1) === "CONNECTED");
    relay.receiver.behaviour = "stall";
    const stopped = relay.kill("SIGTERM");
    let over = false;
    stopped.then(() => (over = true));
    const seen = new Set();
    while (!over) for (const id of ["t1", "silent"]) seen.add((await tenant.get(`/relay-tasks/livegate/${APP}/${id}`)).state);
    await shows(tenant, ({ state }) => state === "unknown");
    assert.ok([...seen].every((state) => ["waiting", "running", "unknown"].includes(state)), `${[...seen]}`);
    assert.equal((await shows(tenant, Boolean)).ended_at ?? null, null);
    // Its address is its own for as long as it takes.
    const second = await tenant.call("POST", "/relay-tasks", task([there.url], { id: "t2", channel: "room2" }));
    assert.deepEqual(second.body.violations?.map(({ code }) => code), ["relay.address_taken"], JSON.stringify(second.body));
    relay.receiver.behaviour = 204;
    await relay.start();
    await publish(t, relay);
    await goesOn(there);
    await shows(tenant, ({ state, host }) => state === "running" && host === relay.id);
    await stop(tenant);
    await until(() => there.links.every(({ closed }) => closed < Infinity));
    const ends = ["DISCONNECTED push.host_restarted", "RECONNECTING", "CONNECTED", "END push.stopped"];
    await tells(tenant, ["CONNECTING", "CONNECTED", ...ends]);
  });

  it("go on through any gap of the gateway, and tell afterwards what happened meanwhile", async (t) => {
    const own = new World();
    own.data = await folder(t);
    await own.start();
    t.after(() => own.gateway.stop());
    const tenant = await tenancy(t, own);
    const there = await (await outlets(t))();
    const link = await toxic(t, own.url);
    const relay = await member(t, tenant, { url: link.url, settings: { ...SETTINGS, retry_longest_ms: 1_000 } });
    await start(tenant, [there.url]);
    await publish(t, relay);
    await shows(tenant, ({ state }) => state === "running");
    link.blacken();
    const { port } = own.gateway;
    await own.gateway.kill();
    const down = Date.now();
    there.links[0].cut();
    await until(() => there.links.length > 1);
    await relay.reaches("CONNECTED");
    const before = there.passed;
    // Longer than a lease: nobody asks for one.
    await until(() => Date.now() - down > LEASE + 1_500);
    await until(() => there.passed > before + 500_000);
    await own.start({ port });
    link.heal();
    await shows(tenant, ({ state, host }) => state === "running" && host === relay.id);
    await goesOn(there);
    await stop(tenant);
    await until(() => told(tenant).at(-1) === "END push.stopped");
    await keeps(relay, "END push.stopped");
    const all = told(tenant);
    assert.deepEqual(all, direct(relay));
    assert.deepEqual(all.slice(0, 2), ["CONNECTING", "CONNECTED"]);
    assert.match(all[2], /^DISCONNECTED push\.(connection_lost|closed_by_peer)$/);
    assert.deepEqual(all.slice(-3), ["RECONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("that are cut off from a gateway that is there go on, and nothing moves that may not", async (t) => {
    const own = new World();
    own.data = await folder(t);
    const port = await freePort();
    // All that the host knows of the gateway is behind what is cut.
    const link = await toxic(t, `http://127.0.0.1:${port}`);
    await own.start({ port, publicUrl: link.url });
    t.after(() => own.gateway.stop());
    const tenant = await tenancy(t, own);
    const out = await outlets(t);
    const relay = await member(t, tenant, { url: link.url, settings: { ...SETTINGS, retry_longest_ms: 1_000 } });
    const [there, pulled] = [await out(), await out()];
    await start(tenant, [there.url]);
    await publish(t, relay);
    await start(tenant, [pulled.url], { id: "pulled", user: undefined, pull: await out.source(t) });
    await moves(there, pulled);
    const other = await member(t, tenant, { url: own.url });
    await tells(tenant, ["CONNECTING", "CONNECTED"]);
    await tells(tenant, ["CONNECTING", "CONNECTED"], "pulled");
    link.blacken();
    const cut = Date.now();
    there.links[0].cut();
    await until(() => there.links.length === 2);
    for (const id of ["t1", "pulled"]) await shows(tenant, ({ state, host }) => state === "unknown" && host === relay.id, id);
    await until(() => Date.now() - cut > 2 * LEASE);
    await goesOn(there);
    assert.deepEqual((await other.api("GET", "relay-tasks")).body.items, []);
    assert.deepEqual(told(tenant), ["CONNECTING", "CONNECTED"]);
    link.heal();
    for (const id of ["t1", "pulled"]) await shows(tenant, ({ state, host }) => state === "running" && host === relay.id, id);
    await goesOn(pulled);
    assert.deepEqual([there.links.length, pulled.links.length], [2, 1]);
    for (const id of ["t1", "pulled"]) await stop(tenant, id);
    await until(() => told(tenant).at(-1) === "END push.stopped");
    await keeps(relay, "END push.stopped");
    assert.deepEqual(told(tenant), direct(relay));
    assert.match(told(tenant)[2], /^DISCONNECTED push\.(connection_lost|closed_by_peer)$/);
    assert.deepEqual(told(tenant).slice(3), ["RECONNECTING", "CONNECTED", "END push.stopped"]);
    await tells(tenant, ["CONNECTING", "CONNECTED", "END push.stopped"], "pulled");
  });

  it("end ARTC's tasks with their channel, though they are killed meanwhile", async (t) => {
    const tenant = await tenancy(t);
    const { app_id: app } = tenant.credentials;
    const settings = { ...SETTINGS, hold_ms: 10_000, rejoin_ms: 500 };
    const relay = await member(t, tenant, { application: { app }, settings });
    const out = await outlets(t);
    const channels = { comes: await out(), stays: await out() };
    for (const [channel, there] of Object.entries(channels)) {
      await publish(t, relay, { app, channel });
      await called(tenant, "StartLiveMPUTask", {
        ...{ AppId: app, ChannelId: channel, TaskId: channel, MixMode: 0, StreamURL: there.url },
        "SingleSubParams.UserId": USER,
      });
    }
    const { comes, stays } = channels;
    const all = async () => Object.fromEntries((await tenant.get("/relay-tasks")).items.map((one) => [one.channel, one]));
    await until(all, (now) => now.comes?.state === "running" && now.stays?.state === "running");
    await moves(comes, stays);
    for (const { id } of Object.values(await all())) await keeps(relay, "CONNECTED", id);
    await relay.kill();
    const began = Date.now();
    await relay.start();
    const publisher = await publish(t, relay, { app, channel: "comes" });
    await goesOn(comes);
    const { stays: ended } = await until(all, (now) => now.stays.ended_at);
    assert.deepEqual([ended.state, ended.code], ["channel_ended", "push.channel_closed"]);
    const ms = Date.parse(ended.ended_at) - began;
    assert.ok(ms >= 10_000, `${ms} ms`);
    await goesOn(comes);
    assert.equal((await all()).comes.state, "running");
    publisher.signal("SIGINT");
    await publisher.end();
    const { comes: last } = await until(all, (now) => now.comes.ended_at);
    assert.deepEqual([last.state, last.code], ["channel_ended", "push.channel_closed"]);
    await until(() => comes.links.every(({ closed }) => closed < Infinity));
    const told = ["CONNECTING", "CONNECTED", "DISCONNECTED push.host_restarted"];
    await tells(tenant, [...told, "END push.channel_closed"], ended.id);
    await tells(tenant, [...told, "RECONNECTING", "CONNECTED", "END push.channel_closed"], last.id);
    assert.deepEqual((await relay.api("GET", "relay-tasks?state=running")).body.items, []);
  });

  it("say that a task is over when that is on disk, and keep no lease that is not", async (t) => {
    const tenant = await tenancy(t);
    const out = await outlets(t);
    const relay = await member(t, tenant);
    const [there, moving] = [await out(), await out()];
    await start(tenant, [there.url]);
    await publish(t, relay);
    await start(tenant, [moving.url], { id: "moving", user: undefined, pull: await out.source(t), failover: "move" });
    await moves(there, moving);
    const other = await member(t, tenant);
    const release = await relay.jam(t);
    await stop(tenant);
    await until(() => there.links[0].closed < Infinity);
    // It has not renewed its lease, for what it says waits for the disk.
    await until(() => moving.links.length === 2);
    assert.ok(moving.links[0].closed <= moving.links[1].opened, "two at once");
    await shows(tenant, ({ host, state }) => host === other.id && state === "running", "moving");
    assert.match(relay.log, /nothing is kept/);
    // Who has let go of a task has it no more.
    assert.equal((await shows(tenant, Boolean)).host, relay.id);
    await relay.kill();
    await release();
    await relay.start();
    const { state } = await shows(tenant, ({ host }) => host === undefined);
    assert.equal(state, "stopped_by_user");
    await until(() => told(tenant).at(-1) === "END push.stopped");
    await until(() => relay.show(), ({ ended_at }) => ended_at !== null);
    assert.equal(moving.links.length, 2);
  });

  it("say that a token is none, without asking again and again", async (t) => {
    const token = `lgh_${"x".repeat(32)}`;
    const relay = await host(t, { gateway: { url: gate.url, token } });
    const tries = () => relay.log.match(/the gateway cannot be joined: it refuses the host's token/g) ?? [];
    const begun = Date.now();
    await until(tries, ({ length }) => length === 3);
    // After 1 s and 2 s, less a fifth.
    assert.ok(Date.now() - begun > 2_000, relay.log);
    assert.ok(!relay.log.includes(token));
  });

  it("stop and exit when they are deleted", async (t) => {
    const tenant = await tenancy(t);
    const there = await (await outlets(t))();
    const relay = await member(t, tenant);
    await start(tenant, [there.url]);
    await publish(t, relay);
    await moves(there);
    assert.equal((await tenant.call("DELETE", `/relay-hosts/${relay.id}`)).status, 204);
    assert.equal(await relay.ended, 1);
    assert.match(relay.log, /the host was deleted/);
    assert.match(relay.log, /relay\.host_deleted/);
    assert.ok(!relay.log.includes(relay.token));
    await until(() => there.links[0].closed < Infinity);
  });
});
