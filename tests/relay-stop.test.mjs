// What a relay host does from the signal to its end.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { describe, it } from "node:test";

import { host } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { clip } from "./rtmp/flv.mjs";
import { ffmpeg } from "./rtmp/peers.mjs";

const skip = await missing();

const live = async (t, relay) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing()]);

/** Whether anybody answers at a port. */
async function answers(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe("a relay host that is told to stop", { concurrency: 2, skip }, () => {
  it("closes its doors and lets its publishers go before it waits for a receiver", async (t) => {
    const relay = await host(t);
    const publisher = await live(t, relay);
    await until(() => relay.told().length === 4);
    relay.receiver.behaviour = "stall";
    relay.child.kill("SIGTERM");
    // What is told of the stop is under way, and waited for.
    await until(() => relay.receiver.calls.length === 5);
    await publisher.end();
    const { rtmp, http } = relay.ports;
    await until(async () => !(await answers(rtmp)) && !(await answers(http)));
    assert.equal(relay.child.exitCode, null, "it waits");
    await relay.ended;
    assert.equal(relay.child.exitCode, 0);
  });

  it("waits for no receiver that fails, and tells it at its next start", async (t) => {
    const relay = await host(t, { settings: { retry_first_ms: 60_000 } });
    relay.receiver.behaviour = 503;
    await live(t, relay);
    await until(async () => (await relay.api("GET", "receivers")).body.items.some(({ failed }) => failed > 0));
    const began = Date.now();
    await relay.kill("SIGTERM");
    assert.ok(Date.now() - began < 1_500, `${Date.now() - began} ms`);
    relay.receiver.behaviour = 204;
    await relay.start();
    await until(() => relay.told().some(({ type }) => type === "channel.end"));
  });
});
