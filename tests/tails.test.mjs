// Live tails: what listeners see, and that a break loses and doubles nothing.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { callback, relayState } from "./lib/sign.mjs";
import { sse, websocket } from "./lib/tail.mjs";
import { world } from "./lib/world.mjs";

const gate = world();
const segment = (room, number) =>
  callback("SHOOT_SCRIPT_SWITCH", { room_id: room, job_id: "j", shoot_script_sequence_no: String(number) });
const numbers = (events) => events.map(({ data }) => Number(data.data.shoot_script_sequence_no));
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A tail's address and what authorises it. */
const at = (tenant, query) => `${gate.url}/api/v1/tail${query}`;
const bearer = (tenant, more = {}) => ({ authorization: `Bearer ${tenant.token}`, ...more });

test("a channel's tail shows its events, masked, under the channel's own sequence", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  await source.accept(relayState("room", "CONNECTING"));
  const tail = await sse(t, at(tenant, "?channel=room"), bearer(tenant));
  assert.equal(await tail.opened(), "1", "it begins after what there is");
  await source.accept(relayState("other", "CONNECTED"));
  await source.accept(relayState("room", "CONNECTED"));
  await source.accept(segment("room", 1));
  await tail.count(2);
  assert.deepEqual(tail.events.map(({ id, event }) => [id, event]), [["2", "relay.state"], ["3", "script.segment"]]);
  const [{ data }] = tail.events;
  assert.deepEqual([data.specversion, data.subject, data.data.state], ["1.0", "room", "CONNECTED"]);
  assert.equal(data.data.stream_key, "***");
});

test("a channel may be listened to before it has events", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const tail = await sse(t, at(tenant, "?channel=early"), bearer(tenant));
  assert.equal(await tail.opened(), "0");
  await source.accept(segment("early", 1));
  await tail.count(1);
  assert.equal(tail.events[0].id, "1");
});

test("a tenant's tail shows every channel, a source's only that source", async (t) => {
  const tenant = await gate.tenant();
  const [one, two] = [await tenant.source({ name: "one" }), await tenant.source({ name: "two" })];
  const all = await sse(t, at(tenant, ""), bearer(tenant));
  const some = await sse(t, at(tenant, `?source=${two.id}`), bearer(tenant));
  await Promise.all([all.opened(), some.opened()]);
  const sent = [[one, "a", 1], [two, "a", 2], [one, "b", 3], [two, "c", 4]];
  for (const [index, [source, room, number]] of sent.entries()) {
    await source.accept(segment(room, number));
    await all.count(index + 1);
  }
  await some.count(2);
  assert.deepEqual(numbers(all.events), [1, 2, 3, 4]);
  assert.deepEqual(numbers(some.events), [2, 4]);
  assert.deepEqual(all.events.map(({ id }) => id), ["1", "2", "3", "4"], "a sequence of its own");
  assert.deepEqual(some.events.map(({ id }) => id), ["2", "4"]);
});

for (const query of ["?channel=room", ""]) {
  test(`a listener that breaks again and again loses and doubles nothing (${query || "tenant"})`, async (t) => {
    const tenant = await gate.tenant();
    const source = await tenant.source();
    const total = 60;
    const seen = [];
    let last = (await (await sse(t, at(tenant, query), bearer(tenant))).opened());
    const sending = (async () => {
      for (let number = 1; number <= total; number += 1) await source.accept(segment("room", number));
    })();
    for (let round = 0; seen.length < total; round += 1) {
      assert.ok(round < 500);
      const tail = await sse(t, at(tenant, query), bearer(tenant, { "last-event-id": last }));
      // Every third listener breaks before it saw anything.
      if (round % 3 === 0) await tail.opened();
      else await tail.count(Math.min(1 + (round % 5), total - seen.length));
      tail.close();
      seen.push(...tail.events);
      last = tail.lastId;
    }
    await sending;
    assert.deepEqual(numbers(seen), range(1, total));
    assert.deepEqual(seen.map(({ id }) => Number(id)), range(1, total));
  });
}

test("a listener that breaks before its first event resumes where it began", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  for (const number of [1, 2, 3]) await source.accept(segment("room", number));
  const first = await sse(t, at(tenant, "?channel=room"), bearer(tenant));
  const place = await first.opened();
  first.close();
  assert.equal(place, "3");
  await source.accept(segment("room", 4));
  const second = await sse(t, at(tenant, "?channel=room"), bearer(tenant, { "last-event-id": place }));
  await second.count(1);
  assert.deepEqual(numbers(second.events), [4]);
});

test("`after` begins there, and beyond the newest a gap is reported", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  for (const number of [1, 2, 3]) await source.accept(segment("room", number));
  const some = await sse(t, at(tenant, "?channel=room&after=1"), bearer(tenant));
  await some.count(2);
  assert.deepEqual(numbers(some.events), [2, 3]);
  const beyond = await sse(t, at(tenant, "?channel=room&after=90"), bearer(tenant));
  await beyond.count(1);
  const [gap] = beyond.events;
  assert.deepEqual([gap.event, gap.id, gap.data], ["livegate.gap", "3", { after: 90, resumed_at: 3 }]);
  await source.accept(segment("room", 4));
  await beyond.count(2);
  assert.deepEqual(numbers(beyond.events.slice(1)), [4]);
});

test("where retention cut the log, listeners are told of the gap and go on", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const all = await sse(t, at(tenant, ""), bearer(tenant));
  await all.opened();
  for (const number of [1, 2, 3, 4, 5, 6]) {
    await source.accept(segment("cut", number));
    await all.count(number);
  }
  all.close();
  await gate.gateway.stop();
  // What retention does to a log, done to the log at once.
  const script = `
import sqlite3, sys
hits = 0
for path in sys.argv[1:]:
    db = sqlite3.connect(path)
    try:
        mine = db.execute("SELECT 1 FROM facts WHERE name = 'channel' AND value = 'cut'").fetchone()
        if mine: hits += db.execute("DELETE FROM events WHERE seq <= 4").rowcount
        db.commit()
    except sqlite3.OperationalError:
        pass
    db.close()
print(hits)`;
  const folder = join(gate.data, "objects", "livegate-channel");
  const files = readdirSync(folder).filter((name) => name.endsWith(".sqlite")).map((name) => join(folder, name));
  assert.equal(execFileSync("python3", ["-c", script, ...files], { encoding: "utf8" }).trim(), "4");
  await gate.start();
  const channel = await sse(t, at(tenant, "?channel=cut&after=1"), bearer(tenant));
  await channel.count(3);
  const [gap, ...rest] = channel.events;
  assert.deepEqual([gap.event, gap.id, gap.data], ["livegate.gap", "4", { after: 1, resumed_at: 4 }]);
  assert.deepEqual(numbers(rest), [5, 6]);
  const records = await sse(t, at(tenant, "?after=1"), bearer(tenant));
  await records.count(3);
  assert.deepEqual(records.events[0].data, { after: 1, resumed_at: 4 });
  assert.deepEqual(numbers(records.events.slice(1)), [5, 6]);
  const { body } = await tenant.call("POST", "/tickets", { channel: "cut" });
  const socket = await websocket(t, at(tenant, `?ticket=${body.ticket}&after=2`));
  const [first, second] = await socket.count(3);
  assert.deepEqual(first, { id: 4, kind: "livegate.gap", event: { after: 2, resumed_at: 4 } });
  assert.equal(second.id, 5);
});

test("a WebSocket shows the same as a stream, and resumes after a position", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const other = await tenant.source({ name: "other" });
  const ticket = async (scope) => (await tenant.ok("POST", "/tickets", scope)).ticket;
  const channel = await websocket(t, at(tenant, `?ticket=${await ticket({ channel: "room" })}`));
  const whole = await websocket(t, at(tenant, `?ticket=${await ticket({})}`));
  const mine = await websocket(t, at(tenant, `?ticket=${await ticket({ source: other.id })}`));
  for (const number of [1, 2, 3]) await source.accept(segment("room", number));
  await other.accept(relayState("elsewhere", "CONNECTED"));
  await channel.count(3);
  await whole.count(4);
  await mine.count(1);
  const ids = (messages) => messages.map(({ id }) => id);
  assert.deepEqual(ids(channel.messages), [1, 2, 3]);
  assert.deepEqual(ids(whole.messages).toSorted((a, b) => a - b), [1, 2, 3, 4]);
  assert.deepEqual(mine.messages.map(({ kind, event }) => [kind, event.data.state, event.data.stream_key]), [["relay.state", "CONNECTED", "***"]]);
  channel.socket.close();
  await channel.closed;
  await source.accept(segment("room", 4));
  const again = await websocket(t, at(tenant, `?ticket=${await ticket({ channel: "room" })}&after=2`));
  await again.count(2);
  assert.deepEqual(ids(again.messages), [3, 4]);
});

test("tails of many listeners at once are alike", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const tails = await Promise.all(range(1, 20).map(() => sse(t, at(tenant, "?channel=room"), bearer(tenant))));
  await Promise.all(tails.map((tail) => tail.opened()));
  for (const number of range(1, 10)) await source.accept(segment("room", number));
  for (const tail of tails) {
    await tail.count(10);
    assert.deepEqual(numbers(tail.events), range(1, 10));
  }
});

/** A ticket as the gateway makes them, from its own key: the only way to have an old one. */
function forged(content) {
  const hmac = (key, text) => createHmac("sha256", key).update(text);
  const text = Buffer.from(JSON.stringify(content)).toString("base64url");
  const key = hmac(Buffer.from(sealKey(), "hex"), "livegate tail ticket").digest();
  return `${text}.${hmac(key, text).digest("hex")}`;
}

function sealKey() {
  return execFileSync("cat", [join(gate.data, "seal-key")], { encoding: "utf8" }).trim();
}

test("a ticket opens what it is for within a minute, and nothing else", async (t) => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const asked = Date.now();
  const { ticket, expires_at: end } = await tenant.ok("POST", "/tickets", { channel: "room" });
  const [longest, shortest] = [asked, Date.now()].map((now) => Date.parse(end) - now);
  assert.ok(longest > 59_000 && shortest <= 60_000, `${shortest} to ${longest} ms`);
  const tail = await sse(t, at(tenant, `?ticket=${ticket}`));
  const named = await sse(t, at(tenant, `?ticket=${ticket}&channel=room`));
  await Promise.all([tail.opened(), named.opened()]);
  await source.accept(segment("other", 1));
  await source.accept(segment("room", 2));
  await Promise.all([tail.count(1), named.count(1)]);
  assert.deepEqual(numbers(tail.events), [2], "its channel alone");
  const status = async (query) => {
    const { status: code, body } = await gate.call("GET", `/api/v1/tail${query}`);
    return [code, body.code];
  };
  assert.deepEqual(await status(`?ticket=${ticket}&channel=other`), [403, "auth.ticket_scope"]);
  assert.deepEqual(await status(`?ticket=${ticket}&source=${source.id}`), [403, "auth.ticket_scope"]);
  const [content, mac] = ticket.split(".");
  const read = JSON.parse(Buffer.from(content, "base64url"));
  const other = Buffer.from(JSON.stringify({ ...read, c: "other" })).toString("base64url");
  const flipped = (mac[0] === "0" ? "1" : "0") + mac.slice(1);
  for (const bad of [`${other}.${mac}`, `${content}.${flipped}`, content, `${content}.`, "", ".", "a.b"]) {
    assert.deepEqual(await status(`?ticket=${bad}`), [401, "auth.ticket"], bad);
  }
  const fresh = forged({ ...read, x: Date.now() + 30_000 });
  (await sse(t, at(tenant, `?ticket=${fresh}`))).close();
  assert.deepEqual(await status(`?ticket=${forged({ ...read, x: Date.now() - 1 })}`), [401, "auth.ticket"]);
  assert.deepEqual(await status(""), [401, "auth.required"]);
  const whole = await tenant.ok("POST", "/tickets", {});
  assert.deepEqual(await status(`?ticket=${whole.ticket}&channel=room`), [403, "auth.ticket_scope"]);
});
