// The command line against a real gateway: workerd, storage on disk, receivers on loopback.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { start } from "../../tools/gateway.mjs";
import { freePort } from "../lib/ports.mjs";
import { Commander } from "./command.mjs";

const KEY = "a-key-of-at-most-32-characters";

let data;
let gateway;
let admin;

before(async () => {
  data = mkdtempSync(join(tmpdir(), "livegate-cli-"));
  gateway = await start({ data, port: await freePort(), output: "ignore" });
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
  const deadline = Date.now() + 120_000;
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

test("a new tenant's credentials are printed once, rotated and revoked", async () => {
  const { status, out, err } = await admin.run(["admin", "tenant", "create", "studio-shop"]);
  assert.equal(status, 0, err);
  const printed = Object.fromEntries(out.trim().split("\n").map((line) => line.split(/ {2,}/)));
  const parts = ["project_id", "access_key", "secret_key", "auth_token", "app_id", "restful_id", "restful_secret"];
  for (const part of parts) assert.ok(printed[part]?.length >= 15, part);
  const tenant = new Commander(gateway.url, printed.token);
  const config = ({ project_id: project, auth_token: token }) =>
    fetch(`${gateway.url}/v1/${project}/smart-live-configs/user-config`, { headers: { "x-auth-token": token } });
  assert.equal((await config(printed)).status, 200);
  const second = await tenant.json(["credentials", "rotate", "--grace-s", "60"]);
  assert.equal((await config(second)).status, 200);
  const { items } = await tenant.json(["credentials", "list"]);
  assert.deepEqual(items.map((set) => set.id), [printed.credentials, second.id]);
  assert.ok(Date.parse(items[0].expires_at) - Date.now() <= 60_000);
  const listed = await tenant.run(["credentials", "list"]);
  for (const secret of ["secret_key", "auth_token", "restful_secret"]) {
    assert.ok(!listed.out.includes(printed[secret]) && !listed.out.includes(second[secret]), secret);
  }
  assert.equal((await tenant.run(["credentials", "revoke", printed.credentials])).status, 0);
  assert.deepEqual((await tenant.json(["credentials", "list"])).items.map((set) => set.id), [second.id]);
  await eventually(async () => (await config(printed)).status, (answer) => answer === 401);
  assert.equal((await tenant.run(["credentials", "revoke", printed.credentials])).status, 1);
});

test("an application says which streams are relayed", async () => {
  const { token, app_id } = await admin.json(["admin", "tenant", "create", "relays"]);
  const tenant = new Commander(gateway.url, token);
  const first = await tenant.run(["applications", "list"]);
  assert.match(first.out, new RegExp(`^ID +NAME +RELAY .*\n${app_id} +default +off`));
  const made = await tenant.json([
    ...["applications", "create", "shows", "--relay", "single", "--domain", "push.example.com"],
    ...["--app-name", "tv", "--stream-name", "{channel}-{user}", "--sei", "interval", "--sei-interval-ms", "2000"],
  ]);
  const { id, ...rest } = made;
  assert.deepEqual(rest, {
    ...{ name: "shows", relay: "single", domain: "push.example.com", app_name: "tv" },
    ...{ stream_name: "{channel}-{user}", sei: "interval", sei_interval_ms: 2000 },
  });
  assert.deepEqual(await tenant.json(["applications", "show", "shows"]), made);
  const changed = await tenant.json(["applications", "update", id, "--sei", "idr", "--sei-interval-ms", "", "--relay", "global"]);
  assert.deepEqual([changed.sei, changed.sei_interval_ms, changed.relay], ["every_i_frame", undefined, "global"]);
  assert.equal((await tenant.json(["applications", "update", "default", "--name", "mine"])).id, app_id);
  const refused = await tenant.run(["applications", "update", "shows", "--domain", ""]);
  assert.equal(refused.status, 1);
  assert.match(refused.err, /domain: .*\[config\.missing\]/);
  assert.equal((await tenant.run(["applications", "delete", "shows"])).status, 0);
  assert.equal((await tenant.run(["applications", "delete", "mine"])).status, 1, "it is there as long as its tenant");
});

test("settings are shown, changed and brought back", async () => {
  const { token } = await admin.json(["admin", "tenant", "create", "settled"]);
  const tenant = new Commander(gateway.url, token);
  const before = await tenant.json(["settings", "show"]);
  const scheme = { algorithm: "hmac-sha256", message: ["body"], signature: { header: "x-sign" } };
  const file = join(data, "meituan.json");
  writeFileSync(file, JSON.stringify(scheme));
  const changed = await tenant.json([
    ...["settings", "set", "rooms_inherit=true", "artc_users=20", "room_update=clears"],
    ...["callback_levels=tenant,job", `meituan_default=@${file}`],
  ]);
  assert.deepEqual(changed, {
    ...before,
    ...{ rooms_inherit: true, artc_users: 20, room_update: "clears", callback_levels: ["tenant", "job"], meituan_default: scheme },
  });
  const human = await tenant.run(["settings", "show"]);
  assert.match(human.out, /^callback_levels +tenant, job\nrooms_inherit +yes\nroom_update +clears\n/);
  const names = Object.keys(changed).filter((name) => JSON.stringify(changed[name]) !== JSON.stringify(before[name]));
  assert.deepEqual(await tenant.json(["settings", "set", ...names.map((name) => `${name}=`)]), before);
  const refused = await tenant.run(["settings", "set", "artc_users=31"]);
  assert.match(refused.err, /artc_users: 20 to 30, not 31/);
  const { out } = await tenant.run(["help", "settings", "set"]);
  for (const name of [...Object.keys(before), "meituan_default"]) assert.ok(out.includes(name), name);
});

test("what is new in sources and endpoints has options", async () => {
  const { token } = await admin.json(["admin", "tenant", "create", "formats"]);
  const tenant = new Commander(gateway.url, token);
  const words = { StartVideo: "video.start" };
  const made = await tenant.json(["sources", "create", "rtc", "--dialect", "artc", "--scheme", "NONE", "--words", JSON.stringify(words)]);
  assert.deepEqual([made.dialect, made.words], ["artc", words]);
  const message = { to: ["a@example.com"], from: "b@example.com" };
  const mail = await tenant.json(["endpoints", "create", "duty", "https://example.com/send", "--format", "mail", "--message", JSON.stringify(message)]);
  assert.deepEqual([mail.format, mail.message, mail.signing.scheme], ["mail", message, "NONE"]);
  const artc = await tenant.json(["endpoints", "create", "rtc", "https://example.com/cb", "--format", "artc", "--app-id", "7"]);
  assert.deepEqual([artc.format, artc.app_id], ["artc", "7"]);
  const { out } = await tenant.run(["help", "endpoints", "create"]);
  const { EndpointInput, SourceInput } = (await (await fetch(`${gateway.url}/api/openapi.json`)).json()).components.schemas;
  const sources = (await tenant.run(["help", "sources", "create"])).out;
  for (const dialect of SourceInput.properties.dialect.enum) assert.match(sources, new RegExp(`\\s${dialect}[\\s,]`), dialect);
  for (const place of EndpointInput.properties.format.enum.filter((word) => !SourceInput.properties.dialect.enum.includes(word))) {
    assert.match(out, new RegExp(`\\s${place}[\\s,;]`), place);
  }
});

test("notices and relays are listed, empty ones too", async () => {
  const { token } = await admin.json(["admin", "tenant", "create", "quiet"]);
  const tenant = new Commander(gateway.url, token);
  for (const [command, nothing] of [["notices list", "no notices"], ["relay-tasks list", "no relay tasks"], ["relays", "no relays"]]) {
    const { status, out, err } = await tenant.run(command.split(" "));
    assert.deepEqual([status, out], [0, nothing], err);
  }
  assert.equal((await tenant.run(["notices", "read"])).out, "read up to 0");
  assert.equal((await tenant.run(["relay-tasks", "show", "jocloud", "7", "room 1/u"])).status, 1);
});

test("a relay task is listed and shown by its id, whatever is in it", async () => {
  const made = await admin.json(["admin", "tenant", "create", "pushes"]);
  const tenant = new Commander(gateway.url, made.token);
  const basic = Buffer.from(`${made.restful_id}:${made.restful_secret}`).toString("base64");
  const task = { appid: Number(made.app_id), roomid: "room 1%", uid: "u", streamtype: 2, rtmpurl: "rtmp://push.example.com/live/secret-key-1" };
  const started = await fetch(`${gateway.url}/app/${made.app_id}/v2/rtmpforward/startrtmp?traceId=t`, {
    method: "POST",
    headers: { token: `Basic ${basic}`, "content-type": "application/json;charset=utf-8" },
    body: JSON.stringify(task),
  });
  assert.equal(started.status, 200, await started.text());
  const { items } = await tenant.json(["relay-tasks", "list", "--vendor", "jocloud", "--ended", "false"]);
  assert.deepEqual(items.map(({ app_id, channel, mode }) => [app_id, channel, mode]), [[made.app_id, "room 1%", "single"]]);
  const { out } = await tenant.run(["relay-tasks", "show", "jocloud", made.app_id, items[0].id]);
  assert.match(out, /^vendor +jocloud\n/);
  assert.ok(!out.includes("secret-key-1"), "push addresses are masked");
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
      const { status } = await fetch(target, { method: "PROPFIND", headers });
      assert.equal(status, 405, path);
    }
  }
});
