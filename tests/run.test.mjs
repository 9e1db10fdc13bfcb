// What `make run` does once everything is built: the gateway, and a relay host under it; and `make run-relay`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";

import { root } from "../tools/gateway.mjs";
import { freePort } from "./lib/ports.mjs";
import { binary } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { folder, start } from "./rtmp/peers.mjs";

/** Runs it over a folder until the test ends; `said` is what it has printed. */
async function running(t, data, more = {}) {
  const [port, rtmp, http] = [await freePort(), await freePort(), await freePort()];
  await writeFile(join(data, "relay-credentials.json"), '{"applications":[]}', { mode: 0o600 });
  const env = { PORT: port, DATA: data, RTMP: `127.0.0.1:${rtmp}`, HTTP: `127.0.0.1:${http}`, LIVEGATE: binary, ...more };
  const child = spawn(process.execPath, [join(root, "tools/run.mjs")], {
    env: { ...process.env, LIVEGATE_LOCK_FD: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const run = { said: "", env, url: `http://127.0.0.1:${port}` };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (run.said += text));
  const ended = once(child, "close");
  run.stop = async (signal = "SIGINT") => {
    child.kill(signal);
    return (await ended)[0];
  };
  t.after(() => run.stop());
  return run;
}

const says = (run, what) => until(() => run.said, (said) => what.test(said));

/** The hosts that the gateway knows, once the only one is connected. */
async function hosts(run, data) {
  await says(run, /joined/);
  const authorization = `Bearer ${(await readFile(join(data, "admin-token"), "utf8")).trim()}`;
  const ask = async () => (await fetch(`${run.url}/api/v1/relay-hosts`, { headers: { authorization } })).json();
  return (await until(ask, ({ items }) => items?.some(({ connected }) => connected))).items;
}

test("a relay host is made once, and runs and stops with the gateway", async (t) => {
  const data = await folder(t);
  const first = await running(t, data);
  const [{ id, name }, ...others] = await hosts(first, data);
  assert.deepEqual([name, others], ["local", []]);
  const token = (await readFile(join(data, "relay-host-token"), "utf8")).trim();
  assert.equal((await stat(join(data, "relay-host-token"))).mode & 0o777, 0o600);
  await says(first, /relay: .*joined/);
  assert.equal(await first.stop(), 0);
  assert.match(first.said, /relay: .* stopping/);
  const second = await running(t, data);
  assert.deepEqual((await hosts(second, data)).map((host) => host.id), [id]);
  assert.equal(await second.stop("SIGTERM"), 0);
  // A gateway that does not know the token makes another.
  await writeFile(join(data, "relay-host-token"), "lgh_nobodys\n");
  const third = await running(t, data);
  assert.equal((await hosts(third, data)).length, 2);
  assert.equal((await stat(join(data, "relay-host-token"))).mode & 0o777, 0o600);
  for (const { said } of [first, second, third]) assert.ok(!said.includes(token) && !said.includes("lgh_"));
});

test("a port in use is said, and the gateway serves without a host", async (t) => {
  const data = await folder(t);
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await once(other, "listening");
  const RTMP = `127.0.0.1:${other.address().port}`;
  const run = await running(t, data, { RTMP });
  await says(run, /relay: 127\.0\.0\.1:\d+ is in use, so there is no relay host: .*RTMP=.*RELAY=no/);
  assert.equal((await fetch(`${run.url}/healthz`)).status, 200);
  assert.equal(await run.stop(), 0);
});

test("a host that ends by itself is said", async (t) => {
  const data = await folder(t);
  const run = await running(t, data, { RTMP: "nowhere" });
  await says(run, /relay: livegate: --rtmp wants an address/);
  await says(run, /relay: the host ended by itself \(status 2\); the gateway goes on/);
  assert.equal((await fetch(`${run.url}/healthz`)).status, 200);
});

test("there need be no host", async (t) => {
  const run = await running(t, await folder(t), { LIVEGATE: "" });
  await says(run, /admin token/);
  assert.equal(await run.stop(), 0);
  assert.doesNotMatch(run.said, /relay/);
});

test("a relay host runs alone, with credentials that it makes once", async (t) => {
  const data = join(await folder(t), "relay");
  const [rtmp, http] = [await freePort(), await freePort()];
  const env = { ...process.env, RTMP: `127.0.0.1:${rtmp}`, HTTP: `127.0.0.1:${http}`, DATA: data, LIVEGATE: binary };
  const run = async () => {
    const child = spawn(join(root, "tools/run-relay"), { env, stdio: ["ignore", "pipe", "pipe"] });
    const alone = { said: "" };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (alone.said += text));
    const ended = once(child, "close");
    alone.stop = async () => {
      child.kill("SIGINT");
      return (await ended)[0];
    };
    t.after(() => alone.stop());
    await says(alone, /http:\/\/.* is served/);
    return alone;
  };
  const first = await run();
  const credentials = join(data, "credentials.json");
  const { api_tokens, applications } = JSON.parse(await readFile(credentials, "utf8"));
  assert.deepEqual([(await stat(credentials)).mode & 0o777, (await stat(data)).mode & 0o777], [0o600, 0o700]);
  assert.match(first.said, new RegExp(`publish: .*rtmp://127\\.0\\.0\\.1:${rtmp}/live/room1\\?user=ann&token=lgp1\\.`));
  const ask = (token) => fetch(`http://127.0.0.1:${http}/api/v1/streams`, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual([(await ask(api_tokens[0])).status, (await ask("other")).status], [200, 401]);
  // What it printed is a token that counts.
  const url = first.said.match(/'(rtmp:.*)'/)[1];
  const clip = ["-f", "lavfi", "-i", "sine", "-t", "20", "-c:a", "aac", "-f", "flv"];
  const publisher = start(t, "ffmpeg", ["-v", "error", "-re", ...clip, url]);
  await until(async () => (await (await ask(api_tokens[0])).json()).items.length === 1);
  assert.equal(await first.stop(), 0);
  await publisher.end();
  for (const secret of [...api_tokens, ...applications[0].publish_keys]) assert.ok(!first.said.includes(secret));
  const second = await run();
  assert.equal((await ask(api_tokens[0])).status, 200);
  assert.equal(await second.stop(), 0);
});
