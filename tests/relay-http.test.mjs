// The HTTP side of `livegate relay` with real programs: ffmpeg publishes, and ffprobe, ffmpeg and mpegts.js
// play; a WebSocket brings the same bytes as HTTP.

import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { freePort } from "./lib/ports.mjs";
import { binary } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { find } from "./media/clips.mjs";
import { read } from "./media/flv.mjs";
import { missing, output } from "./media/material.mjs";
import { mpegtsTracks } from "./media/players.mjs";
import { ffmpeg, ours, program, start, succeeds } from "./rtmp/peers.mjs";

const Socket = globalThis.WebSocket ?? (await import("undici")).WebSocket;
const skip = await missing();

const KEY = "0123456789abcdef0123456789abcdef";
const API = "a-token-of-the-api-of-32-letters";

/** A host that runs alone, with everything it needs in a folder of its own. */
async function host(t) {
  const folder = await mkdtemp(join(tmpdir(), "livegate-relay-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const credentials = join(folder, "credentials.json");
  const applications = [
    { app: "live", publish_keys: [KEY] },
    { app: "shut", publish_keys: [KEY], play: "token" },
  ];
  await writeFile(credentials, JSON.stringify({ api_tokens: [API], applications }));
  await chmod(credentials, 0o600);
  const [rtmp, http] = [await freePort(), await freePort()];
  const addresses = ["--rtmp", `127.0.0.1:${rtmp}`, "--http", `127.0.0.1:${http}`];
  const running = start(t, binary, ["relay", ...addresses, "--data", folder, "--credentials", credentials]);
  const url = `http://127.0.0.1:${http}`;
  const isHealthy = () => fetch(`${url}/healthz`).then(({ status }) => status === 200, () => false);
  await until(() => {
    assert.equal(running.status, undefined, `the host ended: ${running.text}`);
    return isHealthy();
  });
  const key = join(folder, "key");
  await writeFile(key, KEY, { mode: 0o600 });
  const token = async (...words) => (await output(binary, ["token", ...words, "--key-file", key])).stdout.trim();
  return { url, ws: `ws://127.0.0.1:${http}`, rtmp: `rtmp://127.0.0.1:${rtmp}`, token };
}

/** Where somebody may publish. */
async function address({ rtmp, token }, app, channel) {
  return `${rtmp}/${app}/${channel}?user=ann&token=${await token(app)}`;
}

/** ffmpeg, which publishes a clip as fast as it plays. */
async function publish(t, served, app, channel, clip) {
  const url = await address(served, app, channel);
  return ffmpeg(t, ["-re", "-i", (await find(clip)).path, "-c", "copy", "-f", "flv", url]);
}

/** livegate-rtmp, which publishes what ffmpeg does not know yet. */
async function push(t, served, app, channel, clip) {
  return ours(t, ["push", await address(served, app, channel), (await find(clip)).path]);
}

/** What ffprobe sees of a stream: its codecs, and how many packets each track has. */
async function probed(file) {
  const args = ["-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "json", file];
  const { streams } = JSON.parse((await output("ffprobe", args)).stdout);
  return Object.fromEntries(streams.map((one) => [one.codec_name, Number(one.nb_read_packets)]));
}

/** A clip as ffmpeg publishes it: as it writes it where it cannot go back. */
async function remuxed(clip) {
  const args = ["-v", "error", "-i", (await find(clip)).path, "-c", "copy", "-f", "flv", "pipe:1"];
  return (await output("ffmpeg", args, { encoding: "buffer" })).stdout;
}

const SOUND = 8;
const PICTURES = 9;

/** Whether it is a sequence header: who comes later gets it again. */
const isHeader = ({ type, body }) =>
  type === PICTURES && body[0] & 0x80 ? (body[0] & 0x0f) === 0 : body[1] === 0;

const bodies = (tags, type) =>
  tags.filter((tag) => tag.type === type && !isHeader(tag)).map(({ body }) => body.toString("base64"));

/** Whether the second list is the end of the first, and not all too short. */
function isEnd(all, end, what) {
  assert.ok(end.length >= all.length / 2, `${what}: ${end.length} of ${all.length}`);
  assert.deepEqual(end, all.slice(all.length - end.length), what);
}

const CASES = [
  { clip: "aac.flv", by: publish, sent: remuxed, decodes: true },
  // Enhanced RTMP is younger than many an ffmpeg: a browser's player reads it.
  { clip: "enhanced.h265.flv", by: push, sent: async (clip) => readFile((await find(clip)).path), decodes: false },
];

for (const { clip, by, sent, decodes } of CASES) {
  test(`${clip} is played over HTTP and WebSocket as it was published`, { skip }, async (t) => {
    const served = await host(t);
    // What takes a while is done before somebody waits.
    await Promise.all([find(clip), program()]);
    const path = "/live/live/room1.flv?user=ann&wait=30";
    const http = fetch(served.url + path);
    const socket = new Socket(served.ws + path);
    socket.binaryType = "arraybuffer";
    const pieces = [];
    socket.onmessage = ({ data }) => pieces.push(Buffer.from(data));
    const closed = new Promise((done) => (socket.onclose = done));
    const published = by(t, served, "live", "room1", clip);
    const answer = await http;
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "video/x-flv");
    const played = Buffer.from(await answer.arrayBuffer());
    await succeeds(await published);
    assert.equal((await closed).code, 1000);

    const tags = read(played).tags;
    for (const [type, what] of [
      [SOUND, "sound"],
      [PICTURES, "pictures"],
    ]) {
      const all = bodies(read(await sent(clip)).tags, type);
      isEnd(all, bodies(tags, type), `${what} over HTTP`);
      isEnd(all, bodies(read(Buffer.concat(pieces)).tags, type), `${what} over WebSocket`);
    }
    // Its header says what there is: ffprobe and a browser's player find it.
    const has = { audio: bodies(tags, SOUND).length > 0, video: bodies(tags, PICTURES).length > 0 };
    assert.equal(played[4], (has.audio ? 4 : 0) | (has.video ? 1 : 0));
    const file = join(await mkdtemp(join(tmpdir(), "livegate-played-")), "played.flv");
    t.after(() => rm(join(file, ".."), { recursive: true, force: true }));
    await writeFile(file, played);
    assert.ok(has.video);
    assert.deepEqual(await mpegtsTracks(file), has);
    if (!decodes) return;
    const tracks = await probed(file);
    assert.deepEqual(Object.keys(tracks).sort(), ["aac", "h264"]);
    assert.ok(Object.values(tracks).every((count) => count > 0), JSON.stringify(tracks));
    // Decoding says nothing of an error.
    const { stderr } = await output("ffmpeg", ["-v", "warning", "-xerror", "-i", file, "-f", "null", "-"]);
    assert.equal(stderr, "");
  });
}

test("a play token opens a shut application, and a publish token does not", { skip }, async (t) => {
  const served = await host(t);
  const play = await served.token("shut", "--play");
  const path = `${served.url}/live/shut/room1.flv`;
  const waiting = fetch(`${path}?wait=30&token=${play}`);
  const published = publish(t, served, "shut", "room1", "aac.flv");
  const answer = await waiting;
  assert.equal(answer.status, 200);
  for (const token of ["", await served.token("shut"), await served.token("live", "--play")]) {
    const refused = await fetch(`${path}?token=${token}`);
    assert.equal(refused.status, 401);
    assert.equal((await refused.json()).code, "play.refused");
  }
  await answer.arrayBuffer();
  await succeeds(await published);
});

test("streams and numbers are shown while it lasts", { skip }, async (t) => {
  const served = await host(t);
  const streams = async () => {
    const answer = await fetch(`${served.url}/api/v1/streams`, { headers: { authorization: `Bearer ${API}` } });
    return (await answer.json()).items;
  };
  assert.deepEqual(await streams(), []);
  const published = await publish(t, served, "live", "room1", "aac.flv");
  const [stream] = await until(streams, ({ length }) => length > 0);
  const { app, channel, user, source } = stream;
  assert.deepEqual({ app, channel, user, source }, { app: "live", channel: "room1", user: "ann", source: "camera" });
  const numbers = async () => (await fetch(`${served.url}/metrics`)).text();
  // What comes is read some milliseconds later.
  const text = await until(numbers, (text) => /^livegate_received_bytes_total [1-9]\d*$/m.test(text));
  assert.match(text, /^livegate_streams 1$/m);
  assert.match(text, /^livegate_connections\{protocol="rtmp"\} 1$/m);
  assert.match(text, /^process_resident_memory_bytes [1-9]\d*$/m);
  await succeeds(published);
  await until(streams, ({ length }) => length === 0);
});
