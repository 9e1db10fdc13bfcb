// Relay tasks on a host: started and stopped as often as anybody likes, changed while they are live, ended
// by themselves, and one address for one of them.

import assert from "node:assert/strict";
import { readFile, readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";

import { freePort } from "./lib/ports.mjs";
import { APP, CHANNEL, USER, host } from "./lib/relay.mjs";
import { filled } from "./lib/toxic.mjs";
import { LIMIT_MS, until } from "./lib/wait.mjs";
import { write } from "./media/flv.mjs";
import { missing } from "./media/material.mjs";
import { AUDIO, VIDEO, begins, clip, of, same, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, folder, ours } from "./rtmp/peers.mjs";

const skip = await missing();

async function live(t, relay, who) {
  const args = ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing(who)];
  return ffmpeg(t, args);
}

/** Waits until some more has arrived at a destination. */
const grows = ({ out }, past = 0) =>
  until(() => tags(out), ({ length }) => length > past + 20);

describe("relay tasks", { concurrency: 4, skip }, () => {
  it("of a live job end when nothing was connected for too long", async (t) => {
    const relay = await host(t);
    const url = `rtmp://127.0.0.1:${await freePort()}/live/key`;
    await live(t, relay);
    // The shortest is a minute: the host's own clock says when.
    const exit = { max_exception_waiting_duration: 1, auto_stop_mode: "FORCE_EXIT" };
    const began = Date.now();
    await relay.task([url], { exit });
    const { state, code } = await until(() => relay.show(), (task) => task.ended_at !== null, 60_000 + LIMIT_MS);
    assert.deepEqual([state, code], ["stopped", "push.longest_exception"]);
    const ms = Date.now() - began;
    assert.ok(ms >= 60_000, `${ms} ms`);
  });

  it("may be started and stopped again and again", async (t) => {
    const relay = await host(t);
    const { url } = await destination(t);
    await live(t, relay);
    await relay.task([url]);
    await relay.reaches("CONNECTED");
    const { created_at } = await relay.task([url]);
    assert.equal((await relay.show()).pushes[0].state, "CONNECTED");
    assert.equal(created_at, (await relay.show()).created_at);
    assert.deepEqual([await relay.stop(), await relay.stop()], [204, 404]);
    await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
    const { state, code, pushes } = await relay.show();
    assert.deepEqual([state, code, pushes.length], ["stopped_by_user", "push.stopped", 1]);
  });

  it("are one each, whoever asks at the same time", async (t) => {
    const relay = await host(t);
    const { url } = await destination(t);
    await live(t, relay);
    await Promise.all(Array.from({ length: 8 }, () => relay.task([url])));
    await relay.reaches("CONNECTED");
    await relay.tells(url, ["CONNECTING", "CONNECTED"]);
  });

  it("are over or not, whoever stops and starts at the same time", async (t) => {
    const relay = await host(t);
    const running = async () => (await relay.api("GET", "relay-tasks?state=running")).body.items.map(({ id }) => id);
    const body = (id) => ({ app_id: APP, id, channel: CHANNEL, user: USER, targets: [`rtmp://127.0.0.1:9/live/${id}`] });
    const start = (id) => relay.api("POST", "relay-tasks", body(id));
    const ids = Array.from({ length: 40 }, (_, at) => `t${at}`);
    await Promise.all(ids.map(start));
    const started = await Promise.all(
      ids.map(async (id, at) => {
        // Some stop while it is written down that they run.
        const stop = new Promise((later) => setTimeout(later, at / 4)).then(() => relay.stop(id));
        const [answer] = await Promise.all([start(id), stop]);
        return answer.status;
      }),
    );
    const before = await running();
    // What ended rests: nobody has begun anew where that was said.
    assert.ok(started.every((status) => status === 200 || status === 409), `${started}`);
    assert.deepEqual(before, []);
    await relay.kill();
    await relay.start();
    assert.deepEqual(await running(), before);
  });

  it("have an address alone, and for 10 s after", async (t) => {
    const relay = await host(t);
    const { url } = await destination(t);
    const body = (id) => ({ app_id: APP, id, channel: CHANNEL, user: USER, targets: [url] });
    await relay.task([url], { id: "one" });
    const taken = await relay.api("POST", "relay-tasks", body("two"));
    assert.equal(taken.status, 409);
    assert.deepEqual(taken.body.violations.map(({ path }) => path), ["targets[0]"]);
    const stopped = Date.now();
    await relay.stop("one");
    // A host that starts again knows it too.
    await relay.kill();
    await relay.start();
    const { status } = await until(() => relay.api("POST", "relay-tasks", body("two")), ({ status }) => status !== 409);
    assert.equal(status, 201);
    assert.ok(Date.now() - stopped >= 9_990, `${Date.now() - stopped} ms`);
  });

  it("keep what they keep when their addresses change", async (t) => {
    const relay = await host(t);
    const [kept, gone, come] = [await destination(t), await destination(t), await destination(t)];
    await live(t, relay);
    await relay.task([kept.url, gone.url]);
    for (const push of [0, 1]) await relay.reaches("CONNECTED", { push });
    await relay.task([come.url, kept.url]);
    await gone.taken();
    await until(() => relay.show(), ({ pushes }) => pushes.length === 2 && pushes.every(({ state }) => state === "CONNECTED"));
    await grows(kept, (await tags(kept.out)).length);
    await relay.stop();
    // Each took one connection, and the kept one every frame.
    for (const one of [kept, come]) await one.taken();
    const times = of(await tags(kept.out), VIDEO).map(({ time }) => time);
    assert.ok(times.every((time, at) => at < 2 || time - times[at - 1] <= 40), "no frame is left out");
    await relay.tells(kept.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
    await relay.tells(gone.url, ["CONNECTING", "CONNECTED", "END push.replaced"]);
  });

  it("take sound, pictures or both, and that can be changed", async (t) => {
    const relay = await host(t);
    const one = await destination(t);
    await live(t, relay);
    await relay.task([one.url], { media: "audio" });
    await relay.reaches("CONNECTED");
    await grows(one);
    assert.equal(of(await tags(one.out), VIDEO).length, 0);
    await relay.task([one.url], { media: "both" });
    await until(async () => of(await tags(one.out), VIDEO).length > 20);
    const video = of(await tags(one.out), VIDEO);
    // A decoder gets its configuration, then a key frame.
    assert.deepEqual(video.slice(0, 2).map(({ body }) => [body[0], body[1]]), [[0x17, 0], [0x17, 1]]);
    await relay.task([one.url], { media: "video" });
    // There are more of sound than of pictures.
    await until(() => tags(one.out), (all) => all.slice(-40).every(({ type }) => type === VIDEO));
    const sound = of(await tags(one.out), AUDIO).length;
    await grows(one, (await tags(one.out)).length);
    assert.equal(of(await tags(one.out), AUDIO).length, sound);
    await relay.stop();
    await relay.tells(one.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("follow another user when they are told to", async (t) => {
    const relay = await host(t);
    const one = await destination(t);
    await live(t, relay);
    await live(t, relay, { user: "ben" });
    await relay.task([one.url]);
    await relay.reaches("CONNECTED");
    await grows(one);
    await relay.task([one.url], { user: "ben" });
    await grows(one, (await tags(one.out)).length);
    await relay.stop();
    const all = await tags(await one.taken());
    for (const type of [AUDIO, VIDEO]) {
      const times = of(all, type).map(({ time }) => time);
      assert.ok(times.every((time, at) => at === 0 || time >= times[at - 1]));
    }
    await relay.tells(one.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("end when nothing came for as long as they say", async (t) => {
    const relay = await host(t);
    const { url } = await destination(t);
    const began = Date.now();
    await relay.task([url], { max_idle_seconds: 10 });
    const { state, code } = await until(() => relay.show(), (task) => task.ended_at !== null);
    assert.deepEqual([state, code], ["stopped", "push.idle"]);
    const ms = Date.now() - began;
    assert.ok(ms >= 10_000, `${ms} ms`);
  });

  it("have as many addresses as are asked for by the native interface", async (t) => {
    const relay = await host(t);
    const all = await Promise.all(Array.from({ length: 7 }, () => destination(t)));
    await live(t, relay);
    await relay.task(all.map(({ url }) => url));
    for (const push of all.keys()) await relay.reaches("CONNECTED", { push });
    await Promise.all(all.map((one) => grows(one)));
    assert.equal(await relay.stop(), 204);
    for (const { url } of all) await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });

  it("have five addresses and no more by Jocloud's interface", async (t) => {
    const [app, customer_id, customer_secret] = ["1234567", "customer", "0123456789abcdef"];
    const relay = await host(t, { application: { app, jocloud: { customer_id, customer_secret } } });
    const token = `Basic ${Buffer.from(`${customer_id}:${customer_secret}`).toString("base64")}`;
    const call = async (what, more) => {
      const body = JSON.stringify({ appid: Number(app), roomid: CHANNEL, uid: USER, taskid: "five", ...more });
      const url = `http://127.0.0.1:${relay.ports.http}/app/${app}/v2/rtmpforward/${what}`;
      const headers = { token, "content-type": "application/json" };
      const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(LIMIT_MS) });
      return (await answer.json()).code;
    };
    const all = await Promise.all(Array.from({ length: 5 }, () => destination(t)));
    const urls = all.map(({ url }) => url);
    await live(t, relay, { app });
    const six = [...urls, "rtmp://127.0.0.1:9/live/six"].join();
    assert.notEqual(await call("startrtmp", { rtmpurl: six, streamtype: 2 }), 0);
    for (let times = 0; times < 2; times += 1) assert.equal(await call("startrtmp", { rtmpurl: urls.join(), streamtype: 2 }), 0);
    for (const url of urls) await relay.tells(url, ["CONNECTING", "CONNECTED"]);
    assert.equal(await call("stoprtmp"), 0);
    for (const one of all) {
      begins(await tags(await one.taken()));
      await relay.tells(one.url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
    }
  });

  it("begin with what a new player would get", async (t) => {
    const relay = await host(t);
    const [early, late] = [await destination(t), await destination(t)];
    await live(t, relay);
    await relay.task([early.url]);
    await grows(early);
    await relay.task([early.url, late.url]);
    await grows(late);
    await relay.stop();
    const found = of(await tags(await late.taken()), VIDEO).slice(1);
    begins(await tags(late.out));
    // From a key frame on it is what the other one got, and nothing is left out.
    const sent = of(await tags(await early.taken()), VIDEO);
    const start = sent.findIndex(({ time, body }) => time === found[0].time && body.equals(found[0].body));
    same(found, sent.slice(start), "from the key frame on");
  });

  it("take leave when the host is told to stop, and go on when it is back", async (t) => {
    const relay = await host(t, { settings: { first_pause_ms: 200 } });
    const first = await destination(t);
    await live(t, relay);
    await relay.task([first.url]);
    await grows(first);
    await relay.kill("SIGTERM");
    await first.taken();
    const second = await destination(t, { PORT: first.port });
    await relay.start();
    await live(t, relay);
    await grows(second);
    const states = ["CONNECTING", "CONNECTED", "DISCONNECTED push.host_restarted", "RECONNECTING", "CONNECTED"];
    await relay.tells(first.url, states);
  });

  it("that are stopped leave no connection behind that was being made", async (t) => {
    const relay = await host(t, { settings: { connect_ms: 60_000 } });
    const url = await filled(t);
    const port = Number(new URL(url.replace("rtmp", "http")).port);
    await live(t, relay);
    await relay.task([url]);
    await until(async () => (await opening(port, relay.child.pid)) === 1);
    await relay.stop();
    await until(async () => (await opening(port, relay.child.pid)) === 0, Boolean, 30_000);
  });

  it("keep of a stream that nobody wants no more than a little", async (t) => {
    const relay = await host(t, { settings: { gop_bytes: 1_000_000 } });
    // 16 MB in one group of pictures.
    const frame = { type: VIDEO, time: 0, body: Buffer.concat([Buffer.from([0x27, 1, 0, 0, 0]), Buffer.alloc(16_000)]) };
    const [header, key] = [Buffer.from([0x17, 0, 0, 0, 0]), Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), Buffer.alloc(16_000)])];
    const frames = Array.from({ length: 1_000 }, (_, at) => ({ ...frame, time: at * 10 }));
    const path = join(await folder(t), "long.flv");
    const tagged = [{ ...frame, body: header }, { ...frame, body: key }, ...frames];
    await writeFile(path, write({ header: Buffer.from("464c56010500000009", "hex"), tags: tagged }));
    const before = await relay.memory();
    const publisher = await ours(t, ["push", relay.publishing(), path], { SPEED: "10", LINGER_MS: "500" });
    await until(() => publisher.text.includes("acknowledged") || publisher.status !== undefined);
    await until(async () => (await relay.streams()).length === 0);
    const most = await relay.memory("VmHWM");
    assert.ok(most - before < 6 << 20, `${before} to ${most}`);
  });
});

/** How many connections to a port wait to be answered: Linux, proc(5). */
async function opening(port, pid) {
  const rows = (await readFile(`/proc/${pid}/net/tcp`, "utf8")).trim().split("\n").slice(1);
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const own = new Set();
  for (const name of await readdir(`/proc/${pid}/fd`)) {
    const link = await readlink(`/proc/${pid}/fd/${name}`).catch(() => "");
    own.add(link.match(/^socket:\[(\d+)\]$/)?.[1]);
  }
  return fields.filter(([, , remote, state, , , , , , inode]) => state === "02" && Number(`0x${remote.slice(9)}`) === port && own.has(inode)).length;
}
