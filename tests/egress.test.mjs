// Where callbacks may go: refused when it is configured, again when it is called, and by the
// runtime's own network for whatever a name resolves to.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { root } from "../tools/gateway.mjs";
import { freePort } from "./lib/ports.mjs";
import { receive } from "./lib/receiver.mjs";
import { callback } from "./lib/sign.mjs";
import { until } from "./lib/wait.mjs";
import { world } from "./lib/world.mjs";

const gate = world({ egress: "public" });

/** What no deployment takes, and what only a public one refuses. */
const NEVER = {
  "url.userinfo": ["https://user:pass@example.com/", "https://example.com@169.254.169.254/"],
  "url.host_number": [
    ...["https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/"],
    ...["https://017700000001/", "https://127.1/", "https://2852039166/"],
  ],
  "url.host_name": ["https://localhost./", "https://%6cocalhost/"],
  "url.forbidden_character": ["https://①②⑦.0.0.1/", "https://example.com\\@127.0.0.1/"],
  "url.scheme": ["ftp://example.com/", "file:///etc/passwd", "javascript://example.com/"],
  "url.empty": [""],
  "url.name_not_public": [
    ...["https://a.localhost/", "https://metadata.google.internal/", "https://nas.local/"],
    ...["https://intranet/", "https://nas.home.arpa/"],
  ],
  "url.address_not_public": [
    // RFC 1918, 3927 and 6598; IANA's special-purpose registries.
    ...["https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.254/", "https://192.168.1.1/"],
    ...["https://169.254.169.254/latest", "https://100.64.0.1/", "https://100.127.255.254/", "https://0.0.0.0/"],
    ...["https://192.0.2.1/", "https://198.18.0.1/", "https://224.0.0.1/", "https://255.255.255.255/"],
    ...["https://[fe80::1]/", "https://[fc00::1]/", "https://[fd12::1]/", "https://[ff02::1]/", "https://[::]/"],
    // IPv4 inside IPv6: mapped, NAT64 (RFC 6052, 8215), 6to4.
    ...["https://[::ffff:10.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::10.0.0.1]/"],
    ...["https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/"],
  ],
};
const PUBLIC_ONLY = {
  "url.not_https": ["http://example.com/", "http://127.0.0.1:9000/"],
  "url.name_not_public": ["https://localhost/", "https://LOCALHOST:8443/"],
  "url.address_not_public": ["https://127.0.0.1/", "https://127.255.255.254/", "https://[::1]/", "https://[::ffff:127.0.0.1]/"],
};
const FINE = ["https://example.com/hook?a=1", "https://93.184.216.34:8443/x", "https://[2606:2800:220:1::1]/", "https://172.32.0.1/", "https://100.128.0.1/"];

async function refused(tenant, table) {
  const { id } = await tenant.endpoint("https://example.com/");
  for (const [code, urls] of Object.entries(table)) {
    for (const url of urls) {
      for (const [method, path] of [["POST", "/endpoints"], ["PATCH", `/endpoints/${id}`]]) {
        const { status, body } = await tenant.call(method, path, { name: "e", url });
        assert.equal(status, 422, `${method} ${url}`);
        assert.deepEqual(body.violations.map((one) => [one.path, one.code]), [["url", code]], `${method} ${url}`);
      }
    }
  }
  assert.equal((await tenant.get(`/endpoints/${id}`)).url, "https://example.com/", "nothing was changed");
  assert.equal((await tenant.get("/endpoints")).items.length, 1);
}

test("a public deployment refuses endpoints that are not https to the public internet", async () => {
  const tenant = await gate.tenant();
  await refused(tenant, NEVER);
  await refused(await gate.tenant(), PUBLIC_ONLY);
  for (const url of FINE) assert.equal((await tenant.endpoint(url)).url, url);
});

test("what development allowed is not called once the deployment is public, and waits", async (t) => {
  const there = await receive(t);
  const segment = (number) => callback("SHOOT_SCRIPT_SWITCH", { room_id: "room", shoot_script_sequence_no: number });
  await gate.gateway.stop();
  await gate.start({ egress: "development" });
  const tenant = await gate.tenant();
  await refused(tenant, NEVER);
  const source = await tenant.source();
  const endpoint = await tenant.connect(there.url);
  await source.accept(segment("1"));
  await there.count(1);
  await until(() => tenant.get("/deliveries"), ({ items }) => items.length === 1);

  await gate.gateway.stop();
  await gate.start({ egress: "public" });
  source.url = `${gate.url}/in/${source.id}`;
  await source.accept(segment("2"));
  const test = await tenant.call("POST", `/endpoints/${endpoint.id}/test`);
  assert.equal(test.status, 422);
  assert.equal(test.body.violations[0].code, "url.not_https");
  // The event is there, and its channel has looked at what to deliver: a replay goes nowhere.
  const [event] = await tenant.items("/events", 2);
  assert.deepEqual(await tenant.ok("POST", `/events/${event.id}/replay`), { queued: 0 });
  assert.equal(there.calls.length, 1);

  await gate.gateway.stop();
  await gate.start({ egress: "development" });
  source.url = `${gate.url}/in/${source.id}`;
  await source.accept(segment("3"));
  await until(() => there.bodies.map(({ data }) => data.shoot_script_sequence_no), (got) => got.at(-1) === "3");
  const got = there.bodies.map(({ data }) => data.shoot_script_sequence_no);
  assert.ok(got.includes("2"), "what waited is delivered");
  await gate.gateway.stop();
  await gate.start({ egress: "public" });
});

/** Serves a Worker that fetches what it is asked to, under the network rule of a configuration in deploy/. */
async function probe(t, configuration) {
  const folder = mkdtempSync(join(tmpdir(), "livegate-probe-"));
  writeFileSync(
    join(folder, "probe.js"),
    `export default {
       async fetch(request) {
         try {
           const url = new URL(request.url).searchParams.get("to");
           return Response.json({ status: (await fetch(url, { redirect: "manual" })).status });
         } catch (error) {
           return Response.json({ error: String(error) });
         }
       },
     };`,
  );
  // The deployed configuration itself, with another Worker and no storage.
  const deployed = readFileSync(join(root, "deploy", configuration), "utf8");
  const worker = `(name = "gateway", worker = (modules = [(name = "p", esModule = embed "probe.js")], compatibilityDate = "2026-04-01"))`;
  const text = deployed.replace("Gateway.gateway,", `${worker},`).replace("Gateway.objects,", "");
  assert.notEqual(text, deployed);
  // The rest of what it imports embeds the built Worker by a relative path.
  const shared = readFileSync(join(root, "deploy", "gateway.capnp"), "utf8").replaceAll("../build/", `${join(root, "build")}/`);
  writeFileSync(join(folder, "gateway.capnp"), shared);
  writeFileSync(join(folder, "probe.capnp"), text);
  const port = await freePort();
  const binary = createRequire(join(root, "package.json"))("workerd").default;
  const child = spawn(binary, ["serve", `--socket-addr=http=127.0.0.1:${port}`, join(folder, "probe.capnp")], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = async (url) => {
    const answer = await fetch(`http://127.0.0.1:${port}/?to=${encodeURIComponent(url)}`);
    return answer.json();
  };
  await until(() => ask("http://[::]/").catch(() => null));
  return ask;
}

test("the runtime refuses a name that resolves to an address that is not public", async (t) => {
  const there = await receive(t, 204);
  const named = `http://localhost:${there.port}/`;
  const open = await probe(t, "workerd-development.capnp");
  assert.deepEqual(await open(named), { status: 204 }, "the name leads there, where that is allowed");
  const closed = await probe(t, "workerd.capnp");
  const answer = await closed(named);
  assert.equal(answer.status, undefined, JSON.stringify(answer));
  assert.equal((await closed(there.url)).status, undefined);
  assert.equal(there.calls.length, 1, "nothing came from the public one");
});

test("development allows the loopback and nothing else of this machine", async (t) => {
  const addresses = Object.values(networkInterfaces())
    .flat()
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => address)
    .filter((address) => /^(10|172\.(1[6-9]|2\d|3[01])|192\.168)\./.test(address));
  if (addresses.length === 0) return t.skip("this machine has no private address");
  const { createServer } = await import("node:http");
  let calls = 0;
  const server = createServer((_, response) => ((calls += 1), response.writeHead(204).end()));
  await new Promise((listening) => server.listen(0, addresses[0], listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  const { port } = server.address();
  assert.equal((await fetch(`http://${addresses[0]}:${port}/`)).status, 204, "it can be reached from here");
  calls = 0;
  const ask = await probe(t, "workerd-development.capnp");
  for (const host of [addresses[0], hostname()]) {
    assert.equal((await ask(`http://${host}:${port}/`)).status, undefined, host);
  }
  assert.equal(calls, 0);
});
