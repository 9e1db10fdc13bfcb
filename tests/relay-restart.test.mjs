// What a relay host that is killed, or told to stop, still knows and says when it is there again: what was on
// has stopped, tasks that stop by themselves do so once and in time, and no caller leaves anything half done.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";

import { freePort } from "./lib/ports.mjs";
import { API_TOKEN, APP, CHANNEL, USER, host } from "./lib/relay.mjs";
import { filled, listening } from "./lib/toxic.mjs";
import { LIMIT_MS, until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { VIDEO, clip, of, tags } from "./rtmp/flv.mjs";
import { destination, ffmpeg, folder } from "./rtmp/peers.mjs";

const skip = await missing();
const HOUR = 3_600_000;

/** Publishes the clip again and again until the test ends. */
const live = async (t, relay, who) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv", relay.publishing(who)]);

/** What was told of a channel and its users, oldest first. */
const raised = (relay) => relay.told().map(({ type }) => type).filter((type) => !/^(relay|live)\./.test(type));

const STARTS = ["channel.start", "user.join"];
const ON = ["audio.start", "video.start"];
const OFF = ["audio.stop", "video.stop"];
const STOPS = ["user.leave", "channel.end"];

/** That these are the starts of one stay and its stops, in their order. */
function stay(all) {
  assert.deepEqual(all.slice(0, 2), STARTS);
  assert.deepEqual(all.slice(2, 4).sort(), ON);
  assert.deepEqual(all.slice(4, 6).sort(), OFF);
  assert.deepEqual(all.slice(6), STOPS);
}

const over = (relay, limit) => until(() => relay.show(), ({ ended_at }) => ended_at !== null, limit);

/** Kills it once more: what ended stays as it was, and nobody is told again. */
async function staysEnded(t, relay, url) {
  const before = await relay.show();
  const [states, told] = [relay.states(url), relay.told().length];
  await relay.kill();
  await relay.start();
  const after = await relay.show();
  const record = ({ state, code, exit, ended_at }) => ({ state, code, exit, ended_at });
  assert.deepEqual(record(after), record(before));
  // What is told of the channel from now on comes after all that might.
  await live(t, relay);
  const since = () => relay.told().slice(told).filter(({ type }) => type !== "user.leave" && !type.endsWith(".stop"));
  await until(() => since().some(({ type }) => type === "channel.start"));
  assert.deepEqual(since().filter(({ task }) => task), []);
  assert.deepEqual(relay.states(url), states);
}

describe("a relay host that is started again", { concurrency: 4, skip }, () => {
  it("begins a live job's exception anew, and stops it at its end", async (t) => {
    const relay = await host(t);
    const url = `rtmp://127.0.0.1:${await freePort()}/live/key`;
    await live(t, relay);
    const exit = { max_exception_waiting_duration: 1, auto_stop_mode: "SCRIPT_END" };
    await relay.task([url], { exit });
    await relay.reaches("DISCONNECTED");
    await relay.kill();
    const began = Date.now();
    await relay.start();
    await live(t, relay);
    const { state, code, ended_at, exit: record } = await over(relay, 60_000 + LIMIT_MS);
    assert.deepEqual([state, code], ["stopped", "push.longest_exception"]);
    const ms = Date.parse(ended_at) - began;
    assert.ok(ms >= 60_000, `${ms} ms`);
    assert.deepEqual([record.code, record.auto_stop_mode, record.stopped], [code, "SCRIPT_END", "exception"]);
    await until(() => relay.told().some(({ type }) => type === "live.auto_exit"));
    await staysEnded(t, relay, url);
    assert.equal(relay.told().filter(({ type }) => type === "live.auto_exit").length, 1);
  });

  it("has told that everything stopped when it is told to stop", async (t) => {
    const relay = await host(t);
    await live(t, relay);
    await until(() => raised(relay).length === 4);
    await relay.kill("SIGTERM");
    assert.doesNotMatch(relay.log, /lost/);
    stay(raised(relay));
    await relay.start();
    await live(t, relay);
    await until(() => raised(relay).length === 12);
    stay([...raised(relay).slice(8), ...OFF, ...STOPS]);
  });

  it("tells after SIGKILL that what was on has stopped, once, and then what is on", async (t) => {
    const relay = await host(t);
    await live(t, relay);
    await live(t, relay, { user: "ben" });
    await until(() => raised(relay).length === 7);
    await relay.kill();
    // A receiver that was away, too.
    relay.receiver.behaviour = 503;
    await relay.start();
    await relay.kill();
    relay.receiver.behaviour = 204;
    await relay.start();
    await until(() => raised(relay).length >= 14);
    assert.deepEqual(raised(relay).slice(7).sort(), [...OFF, ...OFF, "user.leave", "user.leave", "channel.end"].sort());
    assert.equal(raised(relay)[13], "channel.end");
    for (const user of [USER, "ben"]) {
      const own = relay.told().filter((event) => event.user === user).map(({ type }) => type);
      assert.deepEqual([own[0], own.at(-1), own.length], ["user.join", "user.leave", 6]);
    }
    await live(t, relay);
    await until(() => raised(relay).length >= 18);
    stay([...raised(relay).slice(14), ...OFF, ...STOPS]);
  });

  it("tells that an address is over which a task has no more, though nothing was tried since", async (t) => {
    const relay = await host(t);
    const [first, second] = [await freePort(), await freePort()].map((port) => `rtmp://127.0.0.1:${port}/live/key`);
    const publisher = await live(t, relay);
    await relay.task([first]);
    await relay.keeps("DISCONNECTED", first);
    await relay.kill();
    await publisher.end();
    await relay.start();
    await relay.task([second]);
    const told = await until(() => relay.states(first), (all) => all.at(-1) === "END push.replaced");
    assert.deepEqual(told.slice(0, 2), ["CONNECTING", "DISCONNECTED push.refused"]);
  });

  it("counts a task's idle time from when its source went, however often it is started", async (t) => {
    const relay = await host(t);
    const url = `rtmp://127.0.0.1:${await freePort()}/live/key`;
    const publisher = await live(t, relay);
    await relay.task([url], { max_idle_seconds: 10 });
    await relay.reaches("DISCONNECTED");
    const gone = () => relay.rows("SELECT source_gone_at FROM tasks")[0][0];
    await until(gone, (at) => at === null);
    await relay.kill();
    await publisher.end();
    const began = Date.now();
    await relay.start();
    const at = await until(gone, (since) => since !== null);
    assert.ok(at >= began && at <= Date.now(), `${at - began} ms`);
    let last;
    for (const left of [7_000, 3_000]) {
      await until(() => began + 10_000 - left - Date.now(), (ms) => ms <= 0);
      await relay.kill();
      last = Date.now();
      await relay.start();
    }
    const { state, code, ended_at } = await over(relay);
    assert.deepEqual([state, code], ["stopped", "push.idle"]);
    const ms = Date.parse(ended_at) - at;
    assert.ok(ms >= 10_000, `${ms} ms`);
    // Had it been counted anew it would not be over.
    assert.ok(Date.parse(ended_at) < last + 10_000, `${Date.parse(ended_at) - last} ms after the last start`);
    await until(() => relay.states(url).at(-1) === "END push.idle");
    await staysEnded(t, relay, url);
  });

  for (const mode of ["SEGMENT_END", "SCENE_END"]) {
    it(`takes nothing off the longest time of a live job of ${mode}, and its record stays`, async (t) => {
      const relay = await host(t, { settings: { first_pause_ms: 200 } });
      const first = await destination(t);
      await live(t, relay);
      const exit = { max_live_duration: 1, auto_stop_mode: mode };
      await relay.task([first.url], { exit });
      await relay.tells(first.url, ["CONNECTING", "CONNECTED"]);
      await relay.kill();
      // An hour is the shortest: most of it has passed, as the disk has it.
      relay.rows(`UPDATE tasks SET began_at = began_at - ${HOUR - 30_000}`);
      const second = await destination(t, { PORT: first.port });
      await relay.start();
      await live(t, relay);
      const { created_at } = await relay.show();
      await relay.reaches("CONNECTED");
      await until(() => tags(second.out), (all) => of(all, VIDEO).length > 30);
      const { state, code, ended_at, exit: record } = await over(relay);
      assert.deepEqual([state, code], ["stopped", "push.longest_live"]);
      const lasted = Date.parse(ended_at) - Date.parse(created_at);
      assert.ok(lasted >= HOUR, `${lasted} ms`);
      const { at_ms, lasted_ms, ...rest } = record;
      assert.deepEqual(rest, { code, auto_stop_mode: mode, stopped: "no_script" });
      assert.deepEqual([at_ms, lasted_ms], [Date.parse(ended_at), lasted]);
      await second.taken();
      const states = ["CONNECTING", "CONNECTED", "DISCONNECTED push.host_restarted", "RECONNECTING", "CONNECTED"];
      await relay.tells(first.url, [...states, "END push.longest_live"]);
      await staysEnded(t, relay, first.url);
      const notices = relay.told().filter(({ type }) => type === "live.auto_exit");
      assert.deepEqual(notices.map((notice) => [notice.code, notice.task, notice.exit]), [[code, "t1", record]]);
    });
  }

  it("runs every task that is on its disk, whoever hung up while asking for it", async (t) => {
    const relay = await host(t);
    const targets = (id) => [`rtmp://127.0.0.1:9/live/${id}`];
    const body = (id) => JSON.stringify({ app_id: APP, id, channel: CHANNEL, user: USER, targets: targets(id) });
    const ids = Array.from({ length: 100 }, (_, at) => `gone${at}`);
    // Some go after some milliseconds, others with the first of the answer.
    await Promise.all(ids.map((id, at) => hangUp(relay, "POST", "relay-tasks", body(id), at % 5 ? at % 20 : undefined)));
    const running = async () => (await relay.api("GET", "relay-tasks?state=running")).body.items.map(({ id }) => id).sort();
    // One that is waited for comes after all of them.
    await relay.task(targets("last"), { id: "last" });
    const kept = () => relay.rows("SELECT id FROM tasks ORDER BY id").map(([id]) => id).sort();
    const both = async () => [await running(), kept()];
    const [there] = await until(both, ([here, onDisk]) => JSON.stringify(here) === JSON.stringify(onDisk));
    assert.ok(there.length > 20, "who was answered was not heard");
    // Each is there, can be stopped, and its address is its own.
    await Promise.all(there.filter((id) => id !== "last").map(async (id) => assert.equal(await relay.stop(id), 204)));
    assert.deepEqual([await running(), kept()], [["last"], ["last"]]);
    const late = ids.filter((id) => !there.includes(id));
    for (const id of late) assert.equal((await relay.api("GET", `relay-tasks/livegate/${APP}/${id}`)).status, 404);
    await relay.kill();
    await relay.start();
    assert.deepEqual(await running(), ["last"]);
  });

  it("has every change that it agreed to, those that came at one moment too", async (t) => {
    const relay = await host(t);
    const ids = Array.from({ length: 40 }, (_, at) => `both${at}`);
    const target = (id) => [`rtmp://127.0.0.1:9/live/${id}`];
    await Promise.all(ids.map((id) => relay.task(target(id), { id })));
    const message = (id, custom) => relay.api("POST", `relay-tasks/livegate/${APP}/${id}/sei`, { custom });
    await Promise.all(
      ids.map(async (id, at) => {
        const change = () => relay.task(target(id), { id, user: "ben" });
        const say = async () => assert.equal((await message(id, `{"at":${at}}`)).status, 204);
        await Promise.all(at % 2 ? [change(), say()] : [say(), change()]);
      }),
    );
    const users = async () => new Set(await Promise.all(ids.map(async (id) => (await relay.show(id)).task.user)));
    assert.deepEqual(await users(), new Set(["ben"]));
    // A message and a stop: there was a task, or there was none.
    const answers = await Promise.all(ids.slice(20).map((id) => Promise.all([message(id, `{"late":1}`), relay.stop(id)])));
    assert.ok(answers.every(([{ status }, stopped]) => [204, 404].includes(status) && stopped === 204), JSON.stringify(answers));
    ids.length = 20;
    await relay.kill();
    await relay.start();
    assert.deepEqual(await users(), new Set(["ben"]));
    const { items } = (await relay.api("GET", "relay-tasks?state=running")).body;
    assert.equal(items.length, 20);
  });

  it("reaches a name's second address when the first is silent", { skip: skip || withoutHosts() }, async (t) => {
    const there = await destination(t);
    const { port } = new URL((await filled(t)).replace("rtmp", "http"));
    // 127.0.0.1 answers nobody at that port.
    const server = createServer((from) => from.pipe(connect(Number(there.port), "127.0.0.1")).pipe(from));
    await listening(t, server, Number(port), "127.0.0.2");
    const names = join(await folder(t), "hosts");
    await writeFile(names, "127.0.0.1 dual.test\n127.0.0.2 dual.test\n");
    const through = ["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', names];
    const relay = await host(t, { settings: { connect_ms: 2_000 }, through });
    const url = `rtmp://dual.test:${port}/live/key`;
    await live(t, relay);
    await relay.task([url]);
    await relay.reaches("CONNECTED");
    await until(() => tags(there.out), (all) => of(all, VIDEO).length > 30);
    assert.equal((await relay.show()).pushes[0].attempt, 1);
    assert.equal(await relay.stop(), 204);
    await relay.tells(url, ["CONNECTING", "CONNECTED", "END push.stopped"]);
  });
});

/** Calls the API and goes some milliseconds later, whether it has answered or not; or as soon as it answers. */
async function hangUp(relay, method, path, body, ms) {
  const socket = connect(relay.ports.http, "127.0.0.1").on("error", () => {});
  const gone = new Promise((done) => socket.on("close", done));
  const head = `${method} /api/v1/${path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer ${API_TOKEN}\r\n`;
  const leave = () => socket.destroy();
  socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => ms !== undefined && setTimeout(leave, ms));
  if (ms === undefined) socket.once("data", leave);
  await gone;
}

/** Why no program can have an own file of hosts here, or false. */
function withoutHosts() {
  try {
    execFileSync("unshare", ["-rm", "mount", "--bind", "/dev/null", "/etc/hosts"], { stdio: "ignore" });
    return false;
  } catch {
    return "nobody but root may mount here";
  }
}
