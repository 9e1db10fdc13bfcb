// The command line against a real gateway: workerd, storage on disk, receivers on loopback.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { start } from "../../tools/gateway.mjs";
import { Commander } from "./command.mjs";

const KEY = "a-key-of-at-most-32-characters";

let data;
let gateway;
let admin;

before(async () => {
  data = mkdtempSync(join(tmpdir(), "livegate-cli-"));
  gateway = await start({ data, output: "ignore" });
  admin = new Commander(gateway.url, gateway.adminToken);
});

after(async () => {
  await gateway?.stop();
  rmSync(data, { recursive: true, force: true });
});

/** A receiver on loopback that answers with `status` and keeps what it got. */
async function receiver(t, status = 200) {
  const received = [];
  const waiting = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      response.writeHead(status).end();
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      waiting.shift()?.();
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  return {
    url: `http://127.0.0.1:${server.address().port}/hooks`,
    received,
    /** Resolves when there are so many. */
    async count(wanted) {
      while (received.length < wanted) await new Promise((more) => waiting.push(more));
    },
  };
}

/** A source, and what it takes to send to it. */
async function source(t, name) {
  const env = { LIVEGATE_KEY: KEY };
  const made = await admin.json(["sources", "create", name], env);
  t.after(() => admin.run(["sources", "delete", made.id]));
  const send = (...args) => admin.run(["send", name, ...args], env);
  return { ...made, send };
}

/** Asks again until the answer is as wanted: the index is fed in batches. */
async function eventually(ask, isWanted) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    assert.ok(Date.now() < deadline, `still ${JSON.stringify(answer)}`);
  }
}

test("the demo sends one callback of each type and verifies what arrives", async () => {
  const { status, out, err } = await admin.run(["demo"]);
  assert.equal(status, 0, err);
  assert.match(out, /3 sent, 3 arrived, every signature verified/);
  assert.match(out, /RTMP_STREAM_STATE_CHANGE +relay\.state +state=CONNECTING/);
  assert.doesNotMatch(out, /sample-key-/, "stream keys are masked");
  for (const what of ["sources", "endpoints", "subscriptions"]) {
    assert.deepEqual((await admin.json([what, "list"])).items, [], `${what} are left`);
  }
});

test("a tenant's token acts on that tenant and makes no others", async () => {
  const made = await admin.json(["admin", "tenant", "create", "acme"]);
  const tenant = new Commander(gateway.url, made.token);
  await tenant.json(["sources", "create", "theirs"], { LIVEGATE_KEY: KEY });
  assert.equal((await tenant.json(["sources", "list"])).items.length, 1);
  assert.deepEqual((await admin.json(["sources", "list"])).items, []);
  const named = await admin.json(["sources", "list", "--tenant", "acme"]);
  assert.equal(named.items[0].name, "theirs");
  assert.equal((await tenant.run(["admin", "tenant", "list"])).status, 5);
  const stranger = new Commander(gateway.url, "lgt_nobody");
  assert.equal((await stranger.run(["sources", "list"])).status, 5);
});

test("what is configured is listed, shown, changed and deleted", async (t) => {
  const { url } = await receiver(t);
  const { id } = await source(t, "studio");
  const endpoint = await admin.json(["endpoints", "create", "shop", url]);
  assert.match(endpoint.secret, /^whsec_/);
  const shown = await admin.json(["endpoints", "show", "shop"]);
  assert.equal(shown.url, url);
  assert.ok(!("secret" in shown));
  const subscription = await admin.json([
    ...["subscriptions", "create", "shop", "--source", "studio", "--kind", "relay.*"],
    ...["--where", '{"state":{"$in":["DISCONNECTED","END"]}}'],
  ]);
  assert.equal(subscription.source, id);
  assert.equal((await admin.run(["endpoints", "delete", "shop"])).status, 1, "it is in use");
  assert.equal((await admin.json(["endpoints", "disable", "shop"])).state, "disabled");
  assert.equal((await admin.json(["endpoints", "enable", "shop"])).state, "active");
  const rotated = await admin.json(["endpoints", "rotate", "shop", "--grace-s", "60"]);
  assert.notEqual(rotated.secret, endpoint.secret);
  assert.equal((await admin.json(["endpoints", "test", "shop"])).delivered, true);
  const { items } = await admin.json(["audit"]);
  assert.ok(items.some((line) => line.object === endpoint.id && line.action === "rotate"));
  assert.equal((await admin.run(["subscriptions", "delete", subscription.id])).status, 0);
  assert.equal((await admin.run(["endpoints", "delete", "shop"])).status, 0);
});

test("an event is listed, shown and replayed", async (t) => {
  const there = await receiver(t);
  const { send } = await source(t, "studio");
  const endpoint = await admin.json(["endpoints", "create", "shop", there.url]);
  const subscription = await admin.json(["subscriptions", "create", "shop"]);
  assert.equal((await send("--room", "room-list", "--repeat", "3")).status, 0);
  await there.count(3);
  const list = ["events", "list", "--channel", "room-list", "--since", "5m"];
  const { items } = await eventually(
    () => admin.json(list),
    ({ items }) => items.length === 3,
  );
  assert.deepEqual(items.map((event) => event.seq), [3, 2, 1]);
  const pages = await admin.json([...list, "--limit", "2"]);
  const rest = await admin.json([...list, "--cursor", pages.next]);
  assert.deepEqual([...pages.items, ...rest.items], items);
  const event = await admin.json(["events", "show", items[0].id]);
  assert.equal(event.body.event_type, "RTMP_STREAM_STATE_CHANGE");
  assert.doesNotMatch(JSON.stringify(event), /sample-key-/, "stream keys are masked");
  assert.equal((await admin.json(["events", "replay", items[0].id])).queued, 1);
  await there.count(4);
  assert.equal(there.received[3].headers["webhook-id"], items[0].id);
  const delivered = ["deliveries", "list", "--endpoint", "shop", "--status", "delivered"];
  await eventually(
    () => admin.json(delivered),
    ({ items }) => items.length === 4,
  );
  const human = await admin.run(["events", "show", items[0].id]);
  assert.match(human.out, /DELIVERIES\nAT /);
  await admin.run(["subscriptions", "delete", subscription.id]);
  await admin.run(["endpoints", "delete", endpoint.id]);
});

test("a refused call is recorded with its reason and the signed string", async (t) => {
  const { id } = await source(t, "studio");
  const { status, err } = await admin.run(["send", "studio"], { LIVEGATE_KEY: "wrong" });
  assert.equal(status, 1);
  assert.match(err, /livegate rejections list --source studio/);
  const { items } = await eventually(
    () => admin.json(["rejections", "list", "--source", "studio"]),
    ({ items }) => items.length > 0,
  );
  assert.equal(items[0].reason, "sign.mismatch");
  const { out } = await admin.run(["rejections", "show", items[0].id]);
  const host = new URL(gateway.url).host;
  assert.match(out, new RegExp(`signed_string +${host}/in/${id}[0-9a-f]{8}\n`));
  const stale = await admin.run(["send", "studio", "--time", "5m"], { LIVEGATE_KEY: KEY });
  assert.equal(stale.status, 1);
});

test("listening brings events to a local port and goes on after the gateway was killed", async (t) => {
  const local = await receiver(t);
  const { id, send } = await source(t, "studio");
  const secret = join(data, "listen-secret");
  writeFileSync(secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
  const to = ["--to", local.url, "--secret-file", secret];
  const listening = admin.start(["listen", "--channel", "room-tail", ...to, "--count", "2"]);
  await listening.line("connected; events from now on follow");
  assert.equal((await send("--room", "room-tail")).status, 0);
  assert.match(await listening.line("relay.state"), /^[0-9:.]+ +#1 room-tail .* -> 200 in \d+ ms$/);
  await gateway.kill();
  await listening.line("lost after");
  await listening.line("connection refused; reconnecting in");
  gateway = await start({ data, port: gateway.port, output: "ignore" });
  await listening.line("connected; resumed after 1");
  assert.equal((await send("--room", "room-tail", "--type", "SHOOT_SCRIPT_SWITCH")).status, 0);
  await listening.line("script.segment");
  assert.equal(await listening.end, 0, listening.err.join("\n"));
  assert.equal(local.received.length, 2);
  const event = JSON.parse(local.received[0].body);
  assert.equal(event.specversion, "1.0");
  assert.equal(event.source, `/sources/${id}`);
});

test("listening to a source has a sequence of its own", async (t) => {
  const { send } = await source(t, "studio");
  const listening = admin.start(["listen", "--source", "studio", "--json", "--count", "2"]);
  await listening.line('"connection":"connected"');
  await send("--room", "room-a");
  await send("--room", "room-b");
  assert.equal(await listening.end, 0, listening.err.join("\n"));
  const events = listening.out.map((line) => JSON.parse(line)).filter((line) => line.event);
  // Two channels: whichever the index heard of first.
  assert.deepEqual(events.map((line) => line.event.subject).sort(), ["room-a", "room-b"]);
  assert.ok(Number(events[1].id) > Number(events[0].id));
});

test("the document describes the routes that are there", async () => {
  const document = await (await fetch(`${gateway.url}/api/openapi.json`)).json();
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  for (const [path, item] of Object.entries(document.paths)) {
    const target = gateway.url + path.replace(/\{[^}]+\}/g, "none");
    if (path !== "/api/v1/tail" && item.get) {
      const { status } = await fetch(target, { headers });
      const documented = item.get.responses[status];
      assert.ok(documented, `GET ${path} answers ${status}, which is not documented`);
    }
    // A method that no route has: whoever answers 404 for it does not know the path.
    if (path.startsWith("/api/v1/")) {
      const { status } = await fetch(target, { method: "PUT", headers });
      assert.equal(status, 405, path);
    }
  }
});
