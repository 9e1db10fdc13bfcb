// What goes when it is old, and what is said of it then.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { receive } from "./lib/receiver.mjs";
import { callback } from "./lib/sign.mjs";
import { until } from "./lib/wait.mjs";
import { world } from "./lib/world.mjs";

const gate = world();
const segment = (room, number) =>
  callback("SHOOT_SCRIPT_SWITCH", { room_id: room, job_id: "j", shoot_script_sequence_no: String(number) });

/** Eight days later, as far as a channel's log knows: a day more than it keeps. */
async function age(channel) {
  await gate.gateway.stop();
  const script = `
import sqlite3, sys
for path in sys.argv[2:]:
    db = sqlite3.connect(path)
    try:
        if db.execute("SELECT 1 FROM facts WHERE name = 'channel' AND value = ?", sys.argv[1:2]).fetchone():
            print(db.execute("UPDATE events SET at = at - 8 * 86400000").rowcount)
        db.commit()
    except sqlite3.OperationalError:
        pass
    db.close()`;
  const folder = join(gate.data, "objects", "livegate-channel");
  const files = readdirSync(folder).filter((name) => name.endsWith(".sqlite")).map((name) => join(folder, name));
  const aged = Number(execFileSync("python3", ["-c", script, channel, ...files], { encoding: "utf8" }));
  await gate.start();
  return aged;
}

test("what retention takes undelivered is listed as expired, read or not, and is shown no more", async (t) => {
  const down = await receive(t, 500);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const retry = { schedule_s: [0, 3_600], jitter_percent: 0 };
  const failing = await tenant.connect(down.url, { name: "failing", retry });
  const forgotten = await tenant.connect(down.url, { name: "forgotten", enabled: false });
  for (const number of [1, 2, 3]) await source.accept(segment("old", number));
  // The first one failed and waits for an hour; behind it nothing goes out.
  const [first] = await tenant.items(`/deliveries?endpoint=${failing.id}&status=retrying`, 1);
  assert.equal(await age("old"), 3);
  source.url = new URL(new URL(source.url).pathname, gate.gateway.url).href;

  down.behaviour = 200;
  await source.accept(segment("old", 4));
  const list = (endpoint) => tenant.items(`/deliveries?endpoint=${endpoint.id}&status=expired`, 1);
  const expired = await list(failing);
  assert.ok(expired.some(({ event }) => event === first.event), "the one that waited");
  const named = expired.filter(({ events }) => events === undefined).map(({ seq }) => seq);
  const unread = expired.filter(({ events }) => events !== undefined);
  const all = named.length + unread.reduce((sum, { events }) => sum + events, 0);
  assert.equal(all, 3, JSON.stringify(expired));
  const [held] = await list(forgotten);
  assert.deepEqual([held.events, held.error, held.seq], [3, "delivery.expired_unread", 3]);
  await until(() => tenant.call("GET", `/events/${first.event}`), ({ status }) => status === 404);

  // What came after is delivered.
  const [last] = (await tenant.items("/events?channel=old&limit=1", 1)).filter(({ seq }) => seq === 4);
  const deliveries = `/deliveries?endpoint=${failing.id}&event=${last.id}&status=delivered`;
  assert.equal((await tenant.items(deliveries, 1))[0].seq, 4);
});
