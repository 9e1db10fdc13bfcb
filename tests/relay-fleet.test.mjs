// Relay hosts under the gateway, with nothing scripted: the built Worker, `livegate relay`, ffmpeg, and
// destinations that take what is pushed.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Webhook } from "standardwebhooks";

import { made } from "./lib/host.mjs";
import { receive } from "./lib/receiver.mjs";
import { APP, CHANNEL, USER, host } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { world } from "./lib/world.mjs";
import { missing } from "./media/material.mjs";
import { VIDEO, clip, of, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg } from "./rtmp/peers.mjs";

const skip = await missing();
const gate = world();

/** A tenant whose leases and rests are as short as they may be, and what an endpoint of its is told. */
async function tenancy(t, filter = { kinds: ["relay.state"] }) {
  const tenant = await gate.tenant();
  await tenant.ok("PATCH", "/settings", { relay_lease_ms: 5000, relay_rest_ms: 1000, relay_status_ms: 1000 });
  const there = await receive(t);
  const endpoint = await tenant.connect(there.url, {}, { filter });
  return Object.assign(tenant, { there, secret: endpoint.secret });
}

/** A real host of a tenant's, once the gateway sees it. */
async function member(t, tenant, { url = gate.url, capacity = 100, ...options } = {}) {
  const { id, token } = await made(tenant);
  const relay = await host(t, {
    settings: { first_pause_ms: 200, longest_pause_ms: 1_000 },
    args: ["--capacity", `${capacity}`],
    gateway: { url, token },
    ...options,
  });
  await until(() => tenant.get(`/relay-hosts/${id}`), ({ connected }) => connected);
  return Object.assign(relay, { id, token });
}

/** Publishes the clip again and again until the test ends. */
const publish = async (t, relay, who) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing(who)]);

const task = (targets, more = {}) => ({ app_id: APP, id: "t1", channel: CHANNEL, user: USER, targets, ...more });

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

/** Waits until it was told so many states, which have to be these. */
async function tells(tenant, wanted, id) {
  await until(() => told(tenant, id), ({ length }) => length >= wanted.length, 10_000).catch(() => {});
  assert.deepEqual(told(tenant, id), wanted);
}

describe("relay hosts under a gateway", { concurrency: 4, skip }, () => {
  it("push what is published where the gateway's native API says, and tell its tenant of it", async (t) => {
    const tenant = await tenancy(t);
    const relay = await member(t, tenant);
    const other = await member(t, tenant);
    const there = await destination(t);
    assert.equal((await tenant.ok("POST", "/relay-tasks", task([there.url]))).state, "waiting");
    await publish(t, other);
    const runs = await shows(tenant, ({ state, pushes }) => state === "running" && pushes[0]?.pushing);
    assert.equal(runs.host, other.id);
    assert.equal(runs.pushes[0].state, "CONNECTED");
    await until(() => tags(there.out), (all) => of(all, VIDEO).length > 30);
    assert.equal((await tenant.call("DELETE", `/relay-tasks/livegate/${APP}/t1`)).status, 204);
    await there.taken();
    await shows(tenant, ({ state, ended_at }) => state === "stopped_by_user" && ended_at);
    await tells(tenant, ["CONNECTING", "CONNECTED", "END push.stopped"]);
    assert.deepEqual((await relay.api("GET", "relay-tasks")).body.items, []);
  });
});
