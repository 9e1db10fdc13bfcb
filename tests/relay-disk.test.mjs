// What a relay host does while its disk takes nothing: what is refused was never there, what is done is said to
// be done, and is on disk as soon as that takes it.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";

import { freePort } from "./lib/ports.mjs";
import { APP, CHANNEL, USER, host } from "./lib/relay.mjs";
import { listening } from "./lib/toxic.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { VIDEO, clip, of, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg } from "./rtmp/peers.mjs";

const skip = await missing();

const live = async (t, relay) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing()]);

const asks = (relay, targets, more = {}) =>
  relay.api("POST", "relay-tasks", { app_id: APP, id: "t1", channel: CHANNEL, user: USER, targets, ...more });

describe("a relay host whose disk takes nothing", { concurrency: 4, skip }, () => {
  it("has not begun what it refused", async (t) => {
    const relay = await host(t);
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.on("error", () => {}).destroy();
    });
    await listening(t, server, 0, "127.0.0.1");
    const url = `rtmp://127.0.0.1:${server.address().port}/live/key`;
    await live(t, relay);
    await until(async () => (await relay.streams()).length === 1);
    const release = await relay.jam(t);
    const refused = await asks(relay, [url]);
    assert.deepEqual([refused.status, refused.body.code], [503, "host.store"]);
    assert.equal((await relay.api("GET", `relay-tasks/livegate/${APP}/t1`)).status, 404);
    assert.deepEqual((await relay.api("GET", "relay-tasks")).body.items, []);
    await release();
    // Its address has not rested, and nobody was called or told before.
    await until(async () => (await relay.api("GET", "receivers")).body.items.every(({ failing }) => !failing));
    assert.equal(connections, 0);
    assert.deepEqual(relay.states(url), []);
    const again = await until(() => asks(relay, [url], { id: "t2" }), ({ status }) => status !== 503);
    assert.equal(again.status, 201, JSON.stringify(again.body));
    await relay.reaches("DISCONNECTED", { id: "t2" });
    await until(() => relay.states(url).length >= 2);
    assert.equal(relay.states(url)[0], "CONNECTING");
    assert.ok(relay.told().every(({ task }) => task === undefined || task === "t2"));
  });

  it("tells nothing of a task that was stopped before it could begin", async (t) => {
    const relay = await host(t);
    const url = `rtmp://127.0.0.1:${await freePort()}/live/key`;
    await live(t, relay);
    await until(async () => (await relay.streams()).length === 1);
    const release = await relay.jam(t);
    const started = asks(relay, [url]);
    await until(async () => (await relay.api("GET", "relay-tasks")).body.items.length === 1);
    const stopped = relay.api("DELETE", `relay-tasks/livegate/${APP}/t1`);
    const codes = (await Promise.all([started, stopped])).map(({ status, body }) => [status, body.code]);
    assert.deepEqual(codes, [[503, "host.store"], [503, "host.store"]]);
    assert.deepEqual((await relay.api("GET", "relay-tasks")).body.items, []);
    await release();
    // The address is free, and what is told first is told of the one that has it.
    await until(() => asks(relay, [url], { id: "t2" }), ({ status }) => status === 201);
    await until(() => relay.states(url).length >= 1);
    assert.ok(relay.told().every(({ task }) => task === undefined || task === "t2"));
  });

  it("begins a task whose change is the first of it on disk", async (t) => {
    const relay = await host(t);
    const one = await destination(t);
    await live(t, relay);
    const release = await relay.jam(t);
    const asked = [asks(relay, [one.url])];
    await until(async () => (await relay.api("GET", "relay-tasks")).body.items.length === 1);
    // While the first is tried a second one waits, which may have more luck.
    asked.push(asks(relay, [one.url], { sei: { pass_through: { content: "second" } } }));
    await release();
    const [, second] = (await Promise.all(asked)).map(({ status }) => status);
    assert.ok([200, 201].includes(second), `${second}`);
    await relay.reaches("CONNECTED");
    await until(() => tags(one.out), (all) => of(all, VIDEO).length > 30);
  });

  it("says of a change, a message and a stop that they are done, and keeps them when it can", async (t) => {
    const relay = await host(t);
    const ports = [await freePort(), await freePort()];
    const [first, second] = ports.map((port) => `rtmp://127.0.0.1:${port}/live/key`);
    await relay.task([first]);
    await relay.task([`rtmp://127.0.0.1:${await freePort()}/live/key`], { id: "stopped" });
    const release = await relay.jam(t);
    const [change, stop] = await Promise.all([asks(relay, [second]), relay.api("DELETE", `relay-tasks/livegate/${APP}/stopped`)]);
    const sei = await relay.api("POST", `relay-tasks/livegate/${APP}/t1/sei`, { custom: '{"a":1}' });
    for (const { status, body } of [change, stop, sei]) {
      assert.deepEqual([status, body.code], [503, "host.unkept"]);
      assert.match(body.detail, /^it is done/);
    }
    const shown = async () => {
      const [{ pushes, task }, { state }] = [await relay.show(), await relay.show("stopped")];
      return [pushes.map(({ address }) => new URL(address.replace("rtmp", "http")).port), task.sei?.custom, state];
    };
    const wanted = [[`${ports[1]}`], '{"a":1}', "stopped_by_user"];
    assert.deepEqual(await shown(), wanted);
    await release();
    await until(() => relay.rows("SELECT task FROM tasks"), ([[row], ...more]) => more.length === 0 && row.includes(`${ports[1]}`) && row.includes('a\\":1'));
    await relay.kill();
    await relay.start();
    assert.deepEqual(await shown(), wanted);
  });
});
