// What a relay host does from the signal to its end.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { describe, it } from "node:test";

import { API_TOKEN, APP, CHANNEL, USER, host } from "./lib/relay.mjs";
import { freePort } from "./lib/ports.mjs";
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

/** A call of the host's API whose first line is sent: `finish` sends the rest, and is what is answered. */
async function begun(relay, method, path, body) {
  const socket = connect(relay.ports.http, "127.0.0.1");
  await once(socket, "connect");
  let said = "";
  socket.setEncoding("utf8").on("data", (text) => (said += text)).on("error", () => {});
  const closed = once(socket, "close");
  socket.write(`${method} /api/v1/relay-tasks${path} HTTP/1.1\r\nhost: x\r\n`);
  const text = body === undefined ? "" : JSON.stringify(body);
  const finish = async () => {
    socket.write(`authorization: Bearer ${API_TOKEN}\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    await closed;
    return [Number(said.split(" ")[1]), said.match(/"code":"([^"]*)"/)?.[1]];
  };
  return finish;
}

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

  it("does nothing any more that is asked for, also by who had begun to ask", async (t) => {
    const relay = await host(t);
    const url = `rtmp://127.0.0.1:${await freePort()}/live/key`;
    await live(t, relay);
    await relay.task([url]);
    await until(() => relay.told().length >= 5);
    const path = `/livegate/${APP}/t1`;
    const task = (id) => ({ app_id: APP, id, channel: CHANNEL, user: USER, targets: [`${url}-${id}`] });
    const calls = [
      await begun(relay, "DELETE", path),
      await begun(relay, "POST", "", task("t1")),
      await begun(relay, "POST", "", task("t2")),
      await begun(relay, "POST", `${path}/sei`, { custom: "{}" }),
    ];
    const shows = await begun(relay, "GET", path);
    relay.receiver.behaviour = "stall";
    relay.child.kill("SIGTERM");
    await until(async () => !(await answers(relay.ports.http)));
    for (const finish of calls) assert.deepEqual(await finish(), [503, "host.stopping"]);
    assert.equal((await shows())[0], 200);
    await relay.ended;
    relay.receiver.behaviour = 204;
    await relay.start();
    // As it was: neither stopped nor changed, and no other is there.
    const { items } = (await relay.api("GET", "relay-tasks")).body;
    assert.deepEqual(items.map(({ id, ended_at, task }) => [id, ended_at, task.targets.length, task.sei?.custom]), [["t1", null, 1, undefined]]);
    assert.equal(relay.rows("SELECT task FROM tasks").filter(([row]) => row.includes(`${url}"`)).length, 1);
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
