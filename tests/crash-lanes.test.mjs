// What a lane begins with, goes by, and finds again after a restart.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Api } from "./lib/crash/api.mjs";
import { Site } from "./lib/crash/site.mjs";
import { until } from "./lib/crash/until.mjs";
import { Vendor } from "./lib/crash/vendor.mjs";

const KEY = "a-key-of-at-most-32-characters";
/** Within which time a condition has to hold, on a busy machine. */
const PATIENCE_MS = 240_000;

const jobOf = (channel, number) => `${channel}/${number}`;
const numberOf = (job) => Number(job.split("/")[1]);

let site;
let api;
let receivers;

before(async () => {
  site = await Site.open();
  ({ api, receivers } = site);
});

after(() => site?.close());

/** A tenant of its own with a source; `send` has one callback of its channel accepted. */
async function tenant(name) {
  const { token } = await api.post("/tenants", { name });
  const mine = new Api(site.url, token);
  const source = await mine.post("/sources", { name, scheme: "MSS_A_HEAD", key: KEY });
  const own = new Vendor(source.url, KEY);
  return {
    api: mine,
    send: (number) => own.send(name, jobOf(name, number), number, site.running, 0),
    close: () => own.close(),
    /** An endpoint and a subscription to everything. */
    async subscribe(receiver, settings = {}) {
      const url = receivers.url(receiver.name);
      const { id } = await mine.post("/endpoints", { name: receiver.name, url, ...settings });
      return mine.post("/subscriptions", { endpoint: id });
    },
  };
}

const numbers = (receiver) => receiver.receipts.map(({ job }) => numberOf(job));
const has = (receiver, number) =>
  until(`${receiver.name} has ${number}`, PATIENCE_MS, () => numbers(receiver).includes(number));

describe("without a restart", { concurrency: true }, () => {
  test("a subscription begins with what is accepted after it was made", async (t) => {
    const { send, subscribe, close } = await tenant("begin");
    t.after(close);
    await send(0);
    await send(1);
    // The same millisecond would count as after.
    const answered = Date.now();
    await until("time goes on", 1_000, () => Date.now() > answered + 1);
    const begins = receivers.add("begins", () => 200);
    await subscribe(begins);
    await send(2);
    await send(3);
    await has(begins, 3);
    assert.deepEqual(numbers(begins), [2, 3]);
  });

  test("a lane goes by a changed subscription once the send under way has ended", async (t) => {
    const { api: mine, send, subscribe, close } = await tenant("change");
    t.after(close);
    // The first send is held until the change is known. Four events wait when the lane begins, so
    // it has read them all by then.
    let release;
    const released = new Promise((answer) => (release = () => answer(200)));
    const held = receivers.add("held", () => released);
    const subscription = await subscribe(held, { timeout_s: 30, enabled: false });
    for (const number of [0, 1, 2, 3]) await send(number);
    await mine.patch(`/endpoints/${subscription.endpoint}`, { enabled: true });
    await has(held, 0);
    // Every third callback is a stream's change of state.
    await mine.patch(`/subscriptions/${subscription.id}`, { filter: { kinds: ["relay.state"] } });
    const witness = receivers.add("witness", () => 200);
    await subscribe(witness);
    for (let number = 4; witness.receipts.length === 0; number += 1) {
      await send(number);
      // Whether or not it is known by now, the next callback asks again.
      await until("the change", 2_000, () => witness.receipts.length > 0).catch(() => {});
    }
    assert.deepEqual(numbers(held), [0]);
    release();
    const last = 3 * Math.ceil((Math.max(...numbers(witness)) + 1) / 3);
    for (let number = Math.max(...numbers(witness)) + 1; number <= last; number += 1) {
      await send(number);
    }
    await has(held, last);
    const every = Array.from({ length: last / 3 + 1 }, (_, index) => 3 * index);
    assert.deepEqual(numbers(held), every);
  });
});

test("a subscription whose endpoint may not be called for a while keeps its place", async (t) => {
  const { api: mine, send, subscribe, close } = await tenant("place");
  t.after(close);
  const place = receivers.add("place", () => 200);
  await subscribe(place);
  for (const number of [0, 1, 2]) await send(number);
  await until("deliveries are on record", PATIENCE_MS, async () => {
    const { items } = await mine.get("/deliveries?status=delivered");
    return items.length === 3;
  });
  // Deployed for production, the gateway calls no loopback address.
  await (await site.kill())({ egress: "public" });
  await send(3);
  const [{ id }] = await until("the event is listed", PATIENCE_MS, async () => {
    const { items } = await mine.get("/events");
    return items.length === 4 && items;
  });
  // Showing it takes the configuration, and another event goes by that.
  await mine.get(`/events/${id}`);
  await send(4);
  assert.deepEqual(numbers(place), [0, 1, 2]);
  await (await site.kill())();
  await has(place, 4);
  assert.deepEqual(numbers(place), [0, 1, 2, 3, 4]);
});

// An event that nobody subscribed to has no delivery that would remind anybody of it.
test("what was accepted just before a kill is listed without another call", async () => {
  const { api: mine, send, close } = await tenant("quiet");
  await send(0);
  close();
  await (await site.kill())();
  const items = await until("it is listed", PATIENCE_MS, async () => {
    const { items } = await mine.get("/events");
    return items.length > 0 && items;
  });
  const places = items.map(({ channel, seq }) => ({ channel, seq }));
  assert.deepEqual(places, [{ channel: "quiet", seq: 1 }]);
});
