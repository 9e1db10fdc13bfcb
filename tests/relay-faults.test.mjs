// Destinations that fail, each in its way: the state says so in time and why, the stream goes on there when
// it can, and no other destination notices.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";

import { freePort } from "./lib/ports.mjs";
import { host } from "./lib/relay.mjs";
import { authority } from "./lib/receiver.mjs";
import { behindTls, filled, listening, toxic } from "./lib/toxic.mjs";
import { quick, until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { VIDEO, begins, clip, of, republished, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, ours, succeeds } from "./rtmp/peers.mjs";

const skip = await missing();
/** So that nothing is tried again before it has been looked at. */
const ONCE = { first_pause_ms: 60_000, longest_pause_ms: 60_000 };
/** How long destinations are silent that are slow: there are servers that refuse after 8 s. */
const SLOW = 8_500;

/** Publishes the clip again and again until the test ends. */
async function live(t, relay, who) {
  const args = ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing(who)];
  return ffmpeg(t, args);
}

describe("a relay host and destinations that fail", { concurrency: 6, skip }, () => {
  it("keeps its pushes while a source is away for 30 s", async (t) => {
    const relay = await host(t);
    const { url, taken, out } = await destination(t);
    await relay.task([url]);
    const first = await live(t, relay);
    await relay.reaches("CONNECTED");
    await until(() => tags(out), (all) => of(all, VIDEO).length > 30);
    first.signal("SIGINT");
    await first.end();
    const gone = Date.now();
    const { code } = await relay.reaches("DISCONNECTED");
    assert.equal(code, "push.source_gone");
    await new Promise((later) => setTimeout(later, gone + 30_000 - Date.now()));
    const before = (await tags(out)).length;
    await live(t, relay);
    await relay.reaches("CONNECTED");
    await until(() => tags(out), (all) => of(all.slice(before), VIDEO).length > 30);
    await relay.stop();
    const all = await tags(await taken());
    begins(all);
    begins(all.slice(before));
    // Of what a decoder sees; 30 s of the gap are there.
    const media = of(all.slice(before), VIDEO)[1];
    assert.ok(media.time - all[before - 1].time > 25_000, `${media.time} after ${all[before - 1].time}`);
    const states = ["CONNECTING", "CONNECTED", "DISCONNECTED push.source_gone", "RECONNECTING", "CONNECTED", "END push.stopped"];
    await relay.tells(url, states);
  });

  it("goes on at a key frame when a destination is killed and comes back", async (t) => {
    const relay = await host(t, { settings: { first_pause_ms: 200, longest_pause_ms: 1_000 } });
    const first = await destination(t);
    await relay.task([first.url]);
    await live(t, relay);
    await relay.reaches("CONNECTED");
    await until(() => tags(first.out), (all) => of(all, VIDEO).length > 30);
    first.running.signal("SIGKILL");
    await first.running.end();
    const { code } = await relay.reaches("DISCONNECTED");
    assert.ok(["push.closed_by_peer", "push.connection_lost", "push.refused"].includes(code), code);
    await until(() => relay.show(), ({ pushes }) => pushes[0].code === "push.refused");
    const second = await destination(t, { PORT: first.port });
    await relay.reaches("CONNECTED");
    await until(() => tags(second.out), (all) => of(all, VIDEO).length > 30);
    await relay.stop();
    const all = await tags(await second.taken());
    begins(all);
    const states = await until(() => relay.states(first.url), (told) => told.at(-1)?.startsWith("END"));
    assert.deepEqual(states.slice(0, 2), ["CONNECTING", "CONNECTED"]);
    assert.match(states[2], /^DISCONNECTED push\.(closed_by_peer|connection_lost)$/);
    assert.deepEqual(states.slice(3, 5), ["RECONNECTING", "DISCONNECTED push.refused"]);
    assert.deepEqual(states.slice(-3), ["RECONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("says within 10 s that a destination does not read, and others get everything", async (t) => {
    const relay = await host(t, { settings: ONCE });
    const [wedged, healthy] = [await destination(t), await destination(t)];
    await relay.task([wedged.url, healthy.url]);
    const publisher = await live(t, relay);
    await relay.reaches("CONNECTED", { push: 0 });
    await relay.reaches("CONNECTED", { push: 1 });
    const before = await relay.memory();
    wedged.running.signal("SIGSTOP");
    const seen = [];
    // The clip has 3 Mbit/s: a kernel's buffers take some seconds of it.
    await until(async () => {
      const asked = Date.now();
      const { pushes } = await relay.show();
      seen.push({ asked, heard: Date.now(), wedged: pushes[0], healthy: pushes[1], memory: await relay.memory() });
      return pushes[0].state;
    }, (state) => state === "DISCONNECTED");
    const end = seen.at(-1);
    assert.equal(end.wedged.code, "push.wedged");
    const moved = seen.findLast(({ wedged }, at) => at > 0 && wedged.bytes > seen[at - 1].wedged.bytes);
    const said = await until(() => relay.saidAt(wedged.url, "DISCONNECTED"));
    assert.ok(said - moved.heard <= 10_000, `${said - moved.heard} ms after the last byte`);
    assert.ok(seen.every(({ wedged, asked }) => !wedged.is_pushing || asked - moved.heard <= 10_000));
    // The other one gets its bytes meanwhile, of which there are some seconds' at least.
    assert.ok(seen.every(({ healthy }) => healthy.state === "CONNECTED"));
    assert.ok(end.healthy.bytes - moved.healthy.bytes > 750_000, `${end.healthy.bytes} after ${moved.healthy.bytes}`);
    const most = Math.max(...seen.map(({ memory }) => memory));
    assert.ok(most - before < 16 << 20, `${before} to ${most}`);
    await more(healthy);
    publisher.signal("SIGINT");
    await publisher.end();
    await relay.stop();
    const all = await tags(await healthy.taken());
    await continuous(all);
    await relay.tells(healthy.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("says that what a black hole swallows does not arrive", async (t) => {
    const relay = await host(t, { settings: { stall_ms: 5_000, ack_window_bytes: 50_000, ...ONCE } });
    const [one, two] = [await destination(t), await destination(t)];
    const [both, acknowledgements] = [await toxic(t, one.url), await toxic(t, two.url)];
    await relay.task([both.url, acknowledgements.url]);
    await live(t, relay);
    for (const push of [0, 1]) await relay.reaches("CONNECTED", { push });
    await until(() => both.returned > 4_000 && acknowledgements.returned > 4_000);
    both.swallows = { out: true, back: true };
    acknowledgements.swallows = { out: false, back: true };
    for (const push of [0, 1]) {
      const { code, is_pushing } = await relay.reaches("DISCONNECTED", { push });
      assert.equal(code, "push.wedged");
      assert.equal(is_pushing, false);
    }
  });

  it("sees by the kernel's counters that one does not read which never acknowledges", async (t) => {
    const relay = await host(t, { settings: { stall_ms: 5_000, ack_window_bytes: 0, ...ONCE } });
    const one = await destination(t);
    const proxy = await toxic(t, one.url);
    await relay.task([proxy.url]);
    await live(t, relay);
    await relay.reaches("CONNECTED");
    proxy.from.pause();
    assert.equal((await relay.reaches("DISCONNECTED")).code, "push.wedged");
    assert.ok((await relay.show()).pushes[0].bytes > 0);
  });

  it("skips to key frames where a destination is too slow", async (t) => {
    const relay = await host(t, { settings: { queue_ms: 500, send_buffer_bytes: 16_384 } });
    const [slow, good] = [await destination(t), await destination(t)];
    const proxy = await toxic(t, slow.url);
    proxy.rate = 200_000;
    await relay.task([proxy.url, good.url]);
    await live(t, relay);
    await relay.reaches("CONNECTED");
    const { pushes } = await until(() => relay.show(), (task) => task.pushes[0].dropped.skips >= 3);
    assert.deepEqual(pushes.map(({ is_pushing }) => is_pushing), [true, true]);
    assert.equal(pushes[1].dropped.skips, 0);
    await more(good);
    await relay.stop();
    const all = await tags(await taken(slow));
    begins(all);
    // Where frames were left out the next one needs none of them.
    const frames = of(all, VIDEO).filter(({ body }) => body[1] === 1);
    const gaps = frames.filter(({ time }, at) => at > 0 && time - frames[at - 1].time > 40);
    assert.ok(gaps.length >= 1 && gaps.every(({ body }) => body[0] === 0x17), JSON.stringify(gaps.map(({ time }) => time)));
    await continuous(await tags(await good.taken()));
    await relay.tells(proxy.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("closes a destination that speaks no RTMP any more", async (t) => {
    const relay = await host(t, { settings: ONCE });
    const proxy = await toxic(t, (await destination(t)).url);
    await relay.task([proxy.url]);
    await live(t, relay);
    await relay.reaches("CONNECTED");
    // A chunk of a stream that has had no message.
    proxy.from.write(Buffer.alloc(1_000, 0xee));
    assert.equal((await relay.reaches("DISCONNECTED")).code, "push.protocol");
  });

  it("bears a publisher that comes and goes", async (t) => {
    const relay = await host(t);
    const { url, taken } = await destination(t);
    await relay.task([url]);
    for (let times = 0; times < 5; times += 1) {
      await succeeds(await ours(t, ["push", relay.publishing(), await clip()], { SPEED: "8", LINGER_MS: "100" }));
    }
    await relay.gone();
    await relay.stop();
    const all = await tags(await taken());
    begins(all);
    // Each came with its headers, and none of its frames is missing.
    assert.equal(of(all, VIDEO).filter(({ body }) => body[1] === 0).length, 5);
    await continuous(all);
    await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("connects again when a source comes back after its push was given up", async (t) => {
    const settings = { stall_ms: 5_000, hold_ms: 5_500, first_pause_ms: 200 };
    const relay = await host(t, { settings });
    const first = await destination(t);
    await relay.task([first.url]);
    const publisher = await live(t, relay);
    await relay.reaches("CONNECTED");
    publisher.signal("SIGINT");
    await publisher.end();
    // Its connection ends as it should.
    await first.taken();
    const second = await destination(t, { PORT: first.port });
    await live(t, relay);
    await relay.reaches("CONNECTED");
    await until(() => tags(second.out), (all) => of(all, VIDEO).length > 30);
    await relay.stop();
    begins(await tags(await second.taken()));
    const states = ["CONNECTING", "CONNECTED", "DISCONNECTED push.source_gone"];
    const told = await until(() => relay.states(first.url), (all) => all.at(-1)?.startsWith("END"));
    assert.deepEqual([told.slice(0, 3), told.slice(-3)], [states, ["RECONNECTING", "CONNECTED", "END push.stopped"]]);
  });

  for (const [what, code, make, slow] of [
    ["refuses connections", "push.refused", async () => `rtmp://127.0.0.1:${await freePort()}/live/key`],
    ["has no address", "push.unknown_host", () => "rtmp://nobody.invalid/live/key"],
    ["never answers", "push.connect_timed_out", (t) => filled(t), { connect_ms: SLOW }],
    ["says nothing", "push.handshake_timed_out", (t) => answering(t, () => {}), { handshake_ms: SLOW }],
    ["speaks HTTP", "push.handshake_failed", (t) => answering(t, (socket) => socket.write(HTTP))],
    ["speaks no TLS", "push.tls_failed", async (t) => (await answering(t, (socket) => socket.write(HTTP))).replace("rtmp", "rtmps")],
    ["has a certificate of nobody's", "push.tls_failed", untrusted],
    ["refuses the credentials", "push.auth_refused", (t) => refusing(t, "code=403 need auth; authmod=adobe")],
    ["refuses the stream", "push.publish_refused", (t) => refusing(t, "not now", { REFUSE_AS: "in use" })],
    ["refuses the stream after 8 s", "push.publish_refused", (t) => refusing(t, "not now", { REFUSE_AS: "in use", REFUSE_MS: `${SLOW}` }), {}],
    ["closes at once", "push.closed_by_peer", (t) => answering(t, (socket) => socket.end())],
  ]) {
    it(`says that a destination ${what}`, async (t) => {
      const relay = await host(t, { settings: { stubborn_tries: 1, ...ONCE, ...slow } });
      const [bad, good] = [await make(t), await destination(t)];
      await relay.task([bad, good.url]);
      await live(t, relay);
      await relay.reaches("CONNECTED", { push: 1 });
      const is_last = ["push.unknown_host", "push.auth_refused"].includes(code);
      const wanted = ["CONNECTING", `DISCONNECTED ${code}`, ...(is_last ? [`END ${code}`] : [])];
      await relay.tells(bad, wanted);
      // It waits for no other.
      if (slow) assert.ok(relay.saidAt(good.url, "CONNECTED") < relay.saidAt(bad, "DISCONNECTED"));
      assert.equal((await relay.show()).pushes[1].is_pushing, true);
      assert.equal(await relay.stop(), 204);
    });
  }

  it("goes on after SIGKILL in the middle of a publish", async (t) => {
    const relay = await host(t, { settings: { first_pause_ms: 200 } });
    const first = await destination(t);
    await relay.task([first.url]);
    const publisher = await live(t, relay);
    await relay.reaches("CONNECTED");
    await until(() => tags(first.out), (all) => of(all, VIDEO).length > 30);
    // What is told from here on is not taken before the host has been killed.
    relay.receiver.behaviour = 503;
    const refusing = `rtmp://127.0.0.1:${await freePort()}/live/key`;
    await relay.task([first.url, refusing]);
    await relay.keeps("DISCONNECTED", refusing);
    await relay.kill();
    await Promise.all([publisher.end(), first.running.end()]);
    relay.receiver.behaviour = 204;
    const second = await destination(t, { PORT: first.port });
    await relay.start();
    await live(t, relay);
    await relay.reaches("CONNECTED");
    await until(() => tags(second.out), (all) => of(all, VIDEO).length > 30);
    assert.equal(await relay.stop(), 204);
    begins(await tags(await second.taken()));
    const states = ["CONNECTING", "CONNECTED", "DISCONNECTED push.host_restarted", "RECONNECTING", "CONNECTED", "END push.stopped"];
    await relay.tells(first.url, states);
    const other = await until(() => relay.states(refusing), (told) => told.at(-1)?.startsWith("END"));
    assert.deepEqual([other[0], other[1], other.at(-1)], ["CONNECTING", "DISCONNECTED push.refused", "END push.stopped"]);
  });

  it("says that a stream arrives soon after it does", async (t) => {
    const relay = await host(t);
    await live(t, relay);
    let number = 0;
    // Not with the report of progress, which comes once a second.
    await quick(500, async () => {
      const [{ url }, id] = [await destination(t), `t${(number += 1)}`];
      await relay.task([url], { id });
      await until(() => relay.saidAt(url, "CONNECTED"));
      return relay.saidAt(url, "CONNECTED") - relay.saidAt(url, "CONNECTING");
    });
  });
});

/** What a destination has behind a proxy, which passes the rest on when the host has gone. */
async function taken({ running, out }) {
  await succeeds(running);
  return out;
}

const HTTP = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2000\r\n\r\n".padEnd(4_000, ".");

/** An address where somebody else answers. */
async function answering(t, how) {
  return `rtmp://127.0.0.1:${await listening(t, createServer(how))}/live/key`;
}

async function untrusted(t) {
  const own = authority();
  t.after(own.remove);
  return behindTls(t, "rtmp://127.0.0.1:9/live/key", own.tls);
}

async function refusing(t, why, how) {
  return (await destination(t, { REFUSE: why, ...how })).url;
}

/** Waits until more than the clip has arrived. */
const more = async ({ out }) => {
  const { length } = await republished(await clip());
  await until(() => tags(out), (all) => all.length > length + 20);
};

/** That the frames are those of the clip again and again, none left out. */
async function continuous(all) {
  const frames = (some) => of(some, VIDEO).filter(({ body }) => body[1] === 1).map(({ body }) => body);
  const [found, wanted] = [frames(all), frames(await republished(await clip()))];
  assert.ok(found.length > wanted.length);
  const wrong = found.findIndex((body, at) => !body.equals(wanted[at % wanted.length]));
  assert.equal(wrong, -1, `frame ${wrong} of ${found.length}`);
}
