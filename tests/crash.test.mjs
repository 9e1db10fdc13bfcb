// What was answered 2xx is delivered, whatever receivers do and whenever the gateway is killed.
//
// 2,000 callbacks in eight channels go to receivers that are healthy, stall, reset, answer 500,
// 302, 429 or 410, while workerd is killed with SIGKILL and started again on the same data.
// CRASH_SEED repeats a run's choices.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, test } from "node:test";

import { Random } from "./lib/crash/random.mjs";
import { RESET, STALL } from "./lib/crash/receiver.mjs";
import { Site } from "./lib/crash/site.mjs";
import { Tail } from "./lib/crash/tail.mjs";
import { until } from "./lib/crash/until.mjs";
import { Vendor } from "./lib/crash/vendor.mjs";

const KEY = "a-key-of-at-most-32-characters";
const CALLBACKS = 2_000;
const CHANNELS = 8;
const EACH = CALLBACKS / CHANNELS;
/** Callbacks of each channel that are accepted only just before the last kill. */
const LAST = 10;
/** Callbacks of each channel that come while the gateway is killed now and then; one more comes while nobody does. */
const EARLY = EACH - LAST - 1;
/** Kills while callbacks come in; two more follow, while only deliveries go on. */
const KILLS = 6;
/** Within which time a condition has to hold, on a busy machine. */
const PATIENCE_MS = 240_000;

/** How many sends of a lane end before it is written (crates/core, delivery::lane::PERSIST_EVERY). */
const PERSIST_EVERY = 32;
/** How many sends of an unordered lane are under way at once; of an ordered one, one. */
const UNORDERED_IN_FLIGHT = 3;

const seed = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31));
const random = new Random(seed);
const channels = Array.from({ length: CHANNELS }, (_, index) => `room-${index}`);
const jobOf = (channel, number) => `${channel}/${number}`;
const jobs = channels.flatMap((channel) =>
  Array.from({ length: EACH }, (_, number) => jobOf(channel, number)),
);
const numberOf = (job) => Number(job.split("/")[1]);

let site;
let api;
let receivers;
let vendor;
let tails = [];
/** Resolves when listeners may call it: not while it has to go on by itself. */
let listening = Promise.resolve();

/** Who is sent everything, by name: the receiver, its endpoint, its subscription. */
const endpoints = new Map();

before(async () => {
  site = await Site.open();
  ({ api, receivers } = site);
});

after(async () => {
  await site?.close();
  for (const tail of tails) void tail.close();
  vendor?.close();
});

/** An endpoint with a receiver behind it, and a subscription to everything. */
async function endpoint(name, { ordered = true, ...settings }, manner) {
  const receiver = receivers.add(name, manner);
  const { id } = await api.post("/endpoints", { name, url: receivers.url(name), ...settings });
  const subscription = await api.post("/subscriptions", { endpoint: id, ordered });
  endpoints.set(name, { name, id, subscription: subscription.id, ordered, receiver });
  return receiver;
}

/** The first time that each event was taken, in the order of that. */
function firstTaken(receiver) {
  const seen = new Set();
  return receiver.receipts.filter(
    ({ taken, job }) => taken && !seen.has(job) && seen.add(job),
  );
}

function missing(receiver, wanted = jobs) {
  return wanted.filter((job) => !receiver.taken.has(job));
}

async function delivered(names, wanted = jobs) {
  const of = names.map((name) => endpoints.get(name).receiver);
  const lacks = () =>
    of.map((one) => `${one.name} lacks ${missing(one, wanted).length}`).join(", ");
  await until(
    "everything is delivered",
    PATIENCE_MS,
    () => of.every((one) => one.taken.size >= wanted.length && missing(one, wanted).length === 0),
    lacks,
  );
}

/** Checks that events came in the order in which their channels have them. */
function inOrder(receiver) {
  const last = new Map();
  for (const { channel, seq, job } of firstTaken(receiver)) {
    const before = last.get(channel) ?? { seq: 0, job: `${channel}/-1` };
    assert.ok(seq > before.seq, `${receiver.name}: ${job} came after ${before.job}`);
    // The vendor waited for each answer, so the channel's order is the vendor's.
    assert.ok(numberOf(job) > numberOf(before.job), `${receiver.name}: ${job} is out of order`);
    last.set(channel, { seq, job });
  }
}

test(`everything that was answered 2xx is delivered (seed ${seed})`, async (t) => {
  t.diagnostic(`CRASH_SEED=${seed}`);
  const source = await api.post("/sources", { name: "studio", scheme: "MSS_A_HEAD", key: KEY });
  vendor = new Vendor(source.url, KEY);

  // Each of these goes wrong the first time that it is sent; one stall for each channel, since a
  // stall costs its lane the time-out.
  const stalled = channels.map((channel) => jobOf(channel, random.between(0, EACH - LAST - 1)));
  const others = random.some(jobs.filter((job) => !stalled.includes(job)), 30);
  const failures = [RESET, 500, [302, { location: receivers.url("elsewhere") }]];
  const trouble = new Map(stalled.map((job) => [job, STALL]));
  for (const [index, job] of others.entries()) trouble.set(job, failures[index % failures.length]);
  const throttled = new Set(random.some(jobs, 3));
  const poison = new Set(random.some(jobs, 20));
  const goneAfter = random.between(100, 300);
  const retry = { schedule_s: [0, 1, 1, 2, 2, 3, 3, 5, 5, 5], jitter_percent: 10 };
  const once = (which) => ({ job }, before) => (before.length === 0 && which.get(job)) || 200;

  let steadyAnswers = 200;
  const steady = await endpoint("steady", { retry, timeout_s: 30 }, () => steadyAnswers);
  const free = await endpoint("free", { retry, timeout_s: 30, ordered: false }, once(trouble));
  const flaky = await endpoint("flaky", { retry, timeout_s: 5 }, once(trouble));
  const throttling = new Map([...throttled].map((job) => [job, [429, { "retry-after": "1" }]]));
  const busy = await endpoint("busy", { retry, timeout_s: 30 }, once(throttling));
  let poisonous = true;
  const choosy = await endpoint(
    "choosy",
    { retry: { schedule_s: [0, 1], jitter_percent: 0 }, max_block_s: 2, timeout_s: 30 },
    ({ job }) => (poisonous && poison.has(job) ? 500 : 200),
  );
  let isGone = true;
  const gone = await endpoint("gone", { retry, timeout_s: 30 }, () =>
    isGone && gone.receipts.length >= goneAfter ? 410 : 200,
  );
  let isSilent = true;
  const silent = await endpoint("silent", { retry, timeout_s: 30 }, () => (isSilent ? STALL : 200));
  let isBroken = true;
  const broken = await endpoint("broken", { retry, timeout_s: 30 }, () =>
    isBroken ? failures[broken.receipts.length % failures.length] : 200,
  );

  // One listener to a channel, one to the whole tenant.
  const listen = (query) =>
    new Tail(() => `${site.url}/api/v1/tail${query}`, api.token, async () => {
      await listening;
      await site.running();
    });
  tails = [listen(`?channel=${channels[0]}`), listen("")];

  // Each channel's callbacks come one after the other, all channels' at once.
  const come = (from, to) =>
    channels.map(async (channel) => {
      for (let number = from; number < to; number += 1) {
        const job = jobOf(channel, number);
        await vendor.send(channel, job, number, site.running, receivers.now);
      }
    });
  const coming = Promise.all(come(0, EARLY));
  for (let killed = 0; killed < KILLS; killed += 1) {
    // Somewhere in each stretch, and then at any moment of what goes on there.
    const stretch = (CHANNELS * EARLY) / (KILLS + 1);
    const at = Math.floor(killed * stretch + random.next() * stretch) + 1;
    await until("callbacks are accepted", PATIENCE_MS, () => vendor.answered.size >= at);
    await new Promise((moment) => setTimeout(moment, random.between(0, 300)));
    const restart = await site.kill();
    await restart();
  }
  await coming;
  assert.ok(vendor.failed > 0, "no kill met a call");

  await t.test("a stalled endpoint delays no other", async () => {
    // In every channel, while the stalled request is the only one that its endpoint may have there.
    await delivered(["steady"], jobs.filter((job) => numberOf(job) < EARLY));
    const stalls = (channel) => silent.receipts.filter((receipt) => receipt.channel === channel);
    for (const channel of channels) {
      await until(`${channel} is stalled`, PATIENCE_MS, () => stalls(channel).some(({ closed }) => closed === Infinity));
    }
    await Promise.all(come(EARLY, EARLY + 1));
    for (const channel of channels) {
      const job = jobOf(channel, EARLY);
      await until(`${job} is delivered`, PATIENCE_MS, () => steady.taken.has(job));
      const { at } = firstTaken(steady).find((receipt) => receipt.job === job);
      const { sentAt } = vendor.answered.get(job);
      assert.ok(stalls(channel).some((stall) => stall.at < sentAt && at < stall.closed), `${job} came after what stalled`);
    }
  });

  await t.test("an endpoint that answers 410 is disabled and sent nothing more", async () => {
    const path = `/endpoints/${endpoints.get("gone").id}`;
    await until("it is disabled", PATIENCE_MS, async () => {
      const { state } = await api.get(path);
      return state === "disabled";
    });
  });

  await t.test("after a kill deliveries go on without any call", async () => {
    // The last callbacks of every channel find the steady endpoint stalled, so that every channel
    // owes something when the gateway is killed.
    steadyAnswers = STALL;
    await Promise.all(come(EACH - LAST, EACH));
    assert.equal(vendor.answered.size, CALLBACKS);
    let resume;
    listening = new Promise((go) => (resume = go));
    const restart = await site.kill();
    steadyAnswers = 200;
    for (const channel of channels) {
      const last = jobOf(channel, EACH - 1);
      assert.ok(!steady.taken.has(last), `${channel} owed nothing`);
    }
    await restart();
    await delivered(["steady"]);
    resume();
  });

  await t.test("every live endpoint gets everything", async () => {
    await delivered(["steady", "free", "flaky", "busy"]);
    await delivered(["choosy"], jobs.filter((job) => !poison.has(job)));
    for (const job of trouble.keys()) {
      assert.ok(flaky.of.get(job).length > 1, `${job} was not tried again`);
    }
    for (const job of throttled) assert.ok(busy.of.get(job).length > 1, job);
    assert.deepEqual(receivers.strangers, [], "a redirect was followed");
  });

  await t.test("an event is accepted once, whatever its vendor had to repeat", () => {
    const ids = new Map();
    for (const { job, id } of steady.receipts) {
      const other = ids.get(job);
      const twice = other !== undefined && other !== id && !vendor.signedAnew.has(job);
      assert.ok(!twice, `${job} became ${other} and ${id}`);
      ids.set(job, id);
    }
    assert.equal(new Set(ids.values()).size, CALLBACKS);
  });

  await t.test("an enabled endpoint gets what was held for it", async () => {
    const disabledBy = gone.receipts.at(-1).epoch;
    assert.ok(disabledBy < receivers.epoch, "it was sent something after it was disabled");
    assert.ok(gone.taken.size < CALLBACKS, "nothing was held");
    isGone = false;
    const { id } = endpoints.get("gone");
    await api.patch(`/endpoints/${id}`, { enabled: true });
    await delivered(["gone"]);
  });

  await t.test("endpoints that failed all the time get everything once they are well", async () => {
    isSilent = isBroken = false;
    // Their breakers are open; whoever mended them says so.
    for (const name of ["silent", "broken"]) {
      await api.patch(`/endpoints/${endpoints.get(name).id}`, { enabled: true });
    }
    // A kill while deliveries are all that goes on.
    const some = random.between(CALLBACKS / 10, CALLBACKS);
    const taken = () => silent.taken.size + broken.taken.size;
    await until("they are sent events", PATIENCE_MS, () => taken() >= some);
    await (await site.kill())();
    await delivered(["silent", "broken"]);
  });

  await t.test("first deliveries follow the order of their channel", () => {
    for (const { receiver, ordered } of endpoints.values()) if (ordered) inOrder(receiver);
  });

  await t.test("what was parked is visible, its gap marked, and can be replayed", async () => {
    const { id, subscription } = endpoints.get("choosy");
    const path = `/deliveries?status=parked&endpoint=${id}`;
    const parked = await until("what was parked is listed", PATIENCE_MS, async () => {
      const items = await api.all(path);
      return items.length >= poison.size && items;
    });
    const idOf = new Map(choosy.receipts.map((receipt) => [receipt.job, receipt.id]));
    const wanted = [...poison].map((job) => idOf.get(job)).sort();
    assert.deepEqual(parked.map(({ event }) => event).sort(), wanted);
    for (const job of poison) {
      const { waiting } = await api.get(`/events/${idOf.get(job)}`);
      const mine = waiting.filter((row) => row.subscription === subscription);
      assert.deepEqual(
        mine.map(({ state, error }) => ({ state, error })),
        [{ state: "parked", error: "delivery.failed" }],
      );
      // What follows in the channel came only after the last try.
      const last = choosy.of.get(job).at(-1);
      const passed = choosy.receipts.find(
        ({ channel, seq, at, taken }) =>
          taken && channel === last.channel && seq > last.seq && at < last.at,
      );
      assert.equal(passed?.job, undefined, `something came before ${job} was parked`);
    }
    poisonous = false;
    const replay = await api.post("/replays", { status: "parked", endpoint: id });
    await delivered(["choosy"]);
    const done = await until("the replay is done", PATIENCE_MS, async () => {
      const now = await api.get(`/replays/${replay.id}`);
      return now.state === "done" && now;
    });
    assert.equal(done.queued, poison.size);
  });

  await t.test("duplicates stay within what a kill left unwritten", () => {
    // A lane is written after 32 sends that ended, or 100 ms, and starts none in between; what is
    // written is on disk before another send leaves. So at a kill at most 31 that ended and those
    // under way are unwritten, or 32 that ended: for an ordered lane, with one send at a time, 32
    // in all, for an unordered one with three, 34. They are what the next start sends again; no
    // start repeats anything of its own.
    const counted = {};
    for (const { name, receiver, ordered } of endpoints.values()) {
      const most = PERSIST_EVERY - 1 + (ordered ? 1 : UNORDERED_IN_FLIGHT);
      const repeated = new Map();
      for (const [job, receipts] of receiver.of) {
        const taken = receipts.filter((receipt) => receipt.taken);
        for (const [index, receipt] of taken.slice(1).entries()) {
          const epochs = `${taken[index].epoch} and ${receipt.epoch}`;
          assert.ok(receipt.epoch > taken[index].epoch, `${name} got ${job} twice, in ${epochs}`);
          const start = `${receipt.channel} after kill ${receipt.epoch}`;
          repeated.set(start, (repeated.get(start) ?? 0) + 1);
        }
      }
      for (const [start, count] of repeated) {
        assert.ok(count <= most, `${name}: ${count} events again in ${start}`);
      }
      counted[name] = [...repeated.values()].reduce((sum, count) => sum + count, 0);
    }
    t.diagnostic(`duplicates ${JSON.stringify(counted)} in ${receivers.epoch} kills`);
  });

  const ids = new Set(steady.receipts.map(({ id }) => id));

  await t.test("the index has every event exactly once", async () => {
    const items = await until("every event is listed", PATIENCE_MS, async () => {
      const all = await api.all("/events");
      return all.length >= ids.size && all;
    });
    assert.equal(items.length, CALLBACKS);
    assert.deepEqual(new Set(items.map(({ id }) => id)), ids);
  });

  await t.test("tails go on across kills and lose nothing", async () => {
    const [one, all] = tails;
    await until(
      "the tails are through",
      PATIENCE_MS,
      () => one.events.length >= EACH && all.events.length >= CALLBACKS,
      () => `${one.events.length} and ${all.events.length}`,
    );
    const positions = one.events.map(({ position }) => position);
    assert.deepEqual(positions, Array.from({ length: EACH }, (_, index) => index + 1));
    assert.deepEqual(new Set(all.events.map(({ id }) => id)), ids);
    for (const { events } of tails) {
      for (const [index, { position }] of events.slice(1).entries()) {
        assert.ok(position > events[index].position, `${position} after ${events[index].position}`);
      }
      assert.equal(new Set(events.map(({ id }) => id)).size, events.length, "an event came twice");
    }
  });
});
