// What a relay host does from the signal to its end.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { describe, it } from "node:test";

import { host } from "./lib/relay.mjs";
import { quick, until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { clip } from "./rtmp/flv.mjs";
import { ffmpeg } from "./rtmp/peers.mjs";

const skip = await missing();
/** How long receivers are waited for: `GOODBYE` in crates/relay/src/host. */
const WAITED = 3_000;

const isStart = ({ type }) => type === "user.join" || type.endsWith(".start");

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
    await quick(WAITED, async () => {
      relay.receiver.behaviour = 204;
      if (relay.child.exitCode !== null) await relay.start();
      const before = relay.told().filter(isStart).length;
      const publisher = await live(t, relay);
      await until(() => relay.told().filter(isStart).length === before + 4);
      relay.receiver.behaviour = "stall";
      const { length } = relay.receiver.calls;
      const began = Date.now();
      relay.child.kill("SIGTERM");
      // What is told of the stop is under way, and waited for.
      await until(() => relay.receiver.calls.length === length + 1);
      await publisher.end();
      const { rtmp, http } = relay.ports;
      await until(async () => !(await answers(rtmp)) && !(await answers(http)));
      const ms = Date.now() - began;
      await relay.ended;
      assert.equal(relay.child.exitCode, 0);
      assert.ok(Date.now() - began >= WAITED, "it has not waited");
      return ms;
    });
  });

  it("waits for no receiver that fails, and tells it at its next start", async (t) => {
    const relay = await host(t, { settings: { retry_first_ms: 60_000 } });
    relay.receiver.behaviour = 503;
    await quick(WAITED, async () => {
      if (relay.child.exitCode !== null) await relay.start();
      await live(t, relay);
      await until(async () => (await relay.api("GET", "receivers")).body.items.some(({ failed }) => failed > 0));
      const began = Date.now();
      await relay.kill("SIGTERM");
      return Date.now() - began;
    });
    relay.receiver.behaviour = 204;
    await relay.start();
    await until(() => relay.told().some(({ type }) => type === "channel.end"));
  });
});
