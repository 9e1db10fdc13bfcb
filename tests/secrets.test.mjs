// No secret is in any answer but the one that hands it out, nor lies open on the disk.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { receive } from "./lib/receiver.mjs";
import { mss, relayState } from "./lib/sign.mjs";
import { sse, websocket } from "./lib/tail.mjs";
import { until } from "./lib/wait.mjs";
import { SIGNED_URL, world } from "./lib/world.mjs";

const gate = world();

test("of all the secrets of a full session none is in an answer, a tail or a file", async (t) => {
  const there = await receive(t, (_, number) => (number === 2 ? 500 : 200));
  const tenant = await gate.tenant();
  const secret = {
    ...{ key: "source-key-9f2c", rotated: "source-key-next-1b", header: "header-value-77aa" },
    ...{ hook: "whsec_c2VjcmV0LW9mLXRoZS1lbmRwb2ludC0xMjM0", hookNext: "whsec_bmV4dC1zZWNyZXQtb2YtdGhlLWVuZHBvaW50LTE=" },
    ...{ mss: "endpoint-mss-key-41", stream: "stream-key-live-83b1", push: "push-signature-5d5d" },
  };
  const source = await tenant.source({ key: secret.key });
  await tenant.ok("PATCH", `/sources/${source.id}`, { key: secret.key, name: "again" });
  const hook = await tenant.connect(there.url, { secret: secret.hook, headers: { authorization: secret.header } });
  const other = await tenant.connect(there.url, { signing: { scheme: "MSS_A", key: secret.mss }, format: "raw" });
  const made = await tenant.connect(there.url);
  const tail = await sse(t, `${gate.url}/api/v1/tail?channel=room`, { authorization: `Bearer ${tenant.token}` });
  await tail.opened();
  const { ticket } = await tenant.ok("POST", "/tickets", {});
  const socket = await websocket(t, `${gate.url}/api/v1/tail?ticket=${ticket}`);
  const url = `rtmp://push.example.com/live/${secret.stream}?sign=${secret.push}`;
  for (const state of ["CONNECTED", "END"]) {
    await source.accept(relayState("room", state, { stream_key: secret.stream, output_url: url }));
  }
  const call = mss(SIGNED_URL, secret.key);
  const forged = mss(SIGNED_URL, "a-wrong-key");
  secret.mac = call.secret;
  secret.forged = forged.secret;
  await source.raw("{}", { headers: { "x-hw-mss-time": forged.time, "x-hw-mss-secret": forged.secret } });
  await source.raw("no json", { headers: { "x-hw-mss-time": call.time, "x-hw-mss-secret": call.secret } });
  await source.raw("{}", { query: `?hwSecret=${call.secret}&hwTime=${call.time}` });
  await there.count(6);
  await tail.count(2);
  await socket.count(2);
  await tenant.ok("POST", `/sources/${source.id}/rotate`, { key: secret.rotated });
  await tenant.ok("POST", `/endpoints/${hook.id}/rotate`, { key: secret.hookNext });
  const remade = await tenant.ok("POST", `/endpoints/${made.id}/rotate`, {});
  await tenant.ok("POST", `/endpoints/${hook.id}/test`);
  for (const list of ["sources", "endpoints", "subscriptions", "events", "deliveries", "rejections", "replays", "audit", "relays", "applications"]) {
    const { items } = await until(() => tenant.get(`/${list}`), ({ items: all }) => all.length > 0 || list === "replays");
    if (["deliveries", "audit", "relays"].includes(list)) continue;
    for (const { id } of items) await tenant.get(`/${list}/${id}`);
  }
  const [event] = (await tenant.get("/events")).items;
  await tenant.ok("POST", `/events/${event.id}/replay`);
  await tenant.call("POST", "/endpoints", { url: `${there.url}#x`, secret: secret.hook, headers: { "x-hw-mss-a": secret.header } });
  await tenant.call("POST", "/endpoints", { url: there.url, secret: `${secret.mss}-not-a-whsec` });
  await tenant.call("PATCH", `/sources/${source.id}`, { key: `${secret.key}`, freshness_s: 0 });
  await gate.admin("GET", "/api/v1/tenants");
  const credentials = await tenant.ok("POST", "/credentials", {});
  await tenant.get("/credentials");
  await tenant.studio("GET", "/smart-live-configs/user-config");
  await gate.call("GET", "/api/v1/sources", { token: `lgt_${secret.key}` });
  for (const path of ["/healthz", "/api/openapi.json"]) await gate.call("GET", path);

  Object.assign(secret, { admin: gate.gateway.adminToken, tenant: tenant.token, made: made.secret, remade: remade.secret });
  const parts = ["secret_key", "auth_token", "restful_secret"];
  for (const part of parts) Object.assign(secret, { [part]: tenant.credentials[part], [`next_${part}`]: credentials[part] });
  secret.seal = readFileSync(join(gate.data, "seal-key"), "utf8").trim();
  // Each is there where it has to be, so the search below can find something.
  assert.ok(there.calls.some(({ headers }) => headers.authorization === secret.header));
  assert.ok(gate.answers.length > 40, `${gate.answers.length} answers`);
  const handedOut = {
    tenant: [`POST /api/v1/tenants`],
    made: ["POST /api/v1/endpoints"],
    remade: [`POST /api/v1/endpoints/${made.id}/rotate`],
    ...Object.fromEntries(parts.map((part) => [part, ["POST /api/v1/tenants"]])),
    ...Object.fromEntries(parts.map((part) => [`next_${part}`, ["POST /api/v1/credentials"]])),
  };
  for (const [name, value] of Object.entries(secret)) {
    const bare = value.replace(/^whsec_/, "");
    const shown = gate.answers.filter(({ text }) => text.includes(bare)).map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(shown, handedOut[name] ?? [], name);
    for (const heard of [tail.events, socket.messages]) {
      assert.ok(!JSON.stringify(heard).includes(bare), `a tail shows ${name}`);
    }
  }
  assert.ok(!JSON.stringify(there.calls.filter(({ headers }) => headers["content-type"].includes("cloudevents"))).includes(secret.stream));
  assert.ok(!JSON.stringify(there.calls).includes(secret.push), "masked in the raw body, too");
  assert.ok(other.id);

  // At rest: keys and tokens are sealed or hashed. Bodies are kept as they came.
  await gate.gateway.stop();
  const folder = join(gate.data, "objects");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const text = files.map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "latin1")).join("\n");
  assert.ok(text.includes(secret.stream), "the bodies are in there");
  for (const name of ["key", "rotated", "header", "hook", "hookNext", "mss", "admin", "tenant", "made", "remade", "seal", "forged", ...parts, ...parts.map((part) => `next_${part}`)]) {
    assert.ok(!text.includes(secret[name].replace(/^whsec_/, "")), `${name} lies open on the disk`);
  }
  await gate.start();
});
