// Whether each player's adapter gives frames their media time: at every displayed frame, the number that is drawn in it
// is the one of the message that counts. Streams in which the sound begins before the picture, and after it.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";

import { folder, livegate, made, output } from "./media/material.mjs";
import { media, page, sharedBrowser, site, withoutPlayer } from "./player/page.mjs";
import { told } from "./player/told.mjs";

const FPS = 25;
const FRAMES = 100;
const [WIDTH, HEIGHT] = [320, 180];
const BITS = 7;
const BAR = 40;
/** Where files are looked at while nothing moves, in seconds; and how fast they are played then. */
const LOOKS = [3.1, 0.42, 1.97, 0.9, 2.5, 3.45, 1.3, 0.1, 2.2, 1.02];
const RATE = 4;
/** Frames that have to be displayed of a clip that plays, and how often that is tried: a busy machine drops many. */
const LEAST = 20;
const TRIES = 3;
const browser = sharedBrowser();

/** A clip with its number drawn into and written on each frame; the picture begins `delay` seconds after the sound. */
async function numbered(delay) {
  const bars = Array.from({ length: BITS }, (_, bit) => `drawbox=x=${bit * BAR}:y=0:w=${BAR}:h=60:color=white:t=fill:enable='eq(mod(floor(n/${2 ** bit}),2),1)'`);
  const args = [
    ...["-itsoffset", String(Math.max(delay, 0)), "-f", "lavfi", "-i", `color=black:size=${WIDTH}x${HEIGHT}:rate=${FPS}`],
    ...["-itsoffset", String(Math.max(-delay, 0)), "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"],
    ...["-filter_complex", `[0:v]${bars.join(",")}[v]`, "-map", "[v]", "-map", "1:a", "-frames:v", String(FRAMES), "-t", String(FRAMES / FPS + Math.abs(delay))],
    ...["-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p", "-qp", "4", "-x264-params", `keyint=${FPS}:scenecut=0:bframes=2`],
    ...["-c:a", "aac", "-b:a", "32k"],
  ];
  const plain = await made("player-clock.flv", args, (path) => output("ffmpeg", ["-v", "error", "-y", ...args, "-f", "flv", path]).then(() => undefined));
  const probe = ["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", plain];
  const { stdout } = await output("ffprobe", probe);
  const times = stdout.split("\n").filter(Boolean).map((text) => Math.round(parseFloat(text) * 1_000)).sort((one, other) => one - other);
  const pane = (number) => ({ uid: `${number}`, paneid: 0, zorder: 0, x: 0, y: 0, w: 0.5, h: 0.5, type: 0, ms: 0, vol: 0, vad: 0 });
  const lines = times.map((at_ms, number) => JSON.stringify({ at_ms, text: { stream: [pane(number)] } }));
  const timeline = await made("player-clock.jsonl", lines, async () => Buffer.from(lines.join("\n")));
  return made("player-clock-sei.flv", [plain, timeline], async (path) => {
    const { status, err } = await livegate(["sei", "insert", plain, path, "--timeline", timeline]);
    assert.equal(status, 0, err);
  });
}

const copied = (from, name, args) => made(name, [from, args], (path) => output("ffmpeg", ["-v", "error", "-y", "-i", from, "-c", "copy", ...args, path]).then(() => undefined));

async function hls(from, type) {
  const home = join(folder, `player-clock-${from.split("-").at(-1).slice(0, 8)}-${type}`);
  await mkdir(home, { recursive: true });
  await output("ffmpeg", ["-v", "error", "-y", "-i", from, "-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_playlist_type", "vod", "-hls_segment_type", type, join(home, "index.m3u8")]);
  return join(home, "index.m3u8");
}

/** The same, with an index of key frames, so that a player can seek to what it has not loaded. */
const indexed = async () => copied(await numbered(0), "player-clock-index.flv", ["-flvflags", "add_keyframe_index"]);

/**
 * In the page: looks at a file here and there, plays it, and gives what was displayed and which messages were told. What
 * is live, or sought (`seeks`), is played as it comes.
 */
async function play({ name, url, bits, bar, looks, rate, least, tries, seeks = [], hasAudio, lasts }) {
  const isFile = !!looks;
  const video = Object.assign(document.createElement("video"), { muted: true, autoplay: !isFile });
  document.body.append(video);
  const tracker = new lib.LayoutTracker();
  const messages = [];
  tracker.addEventListener("message", ({ message }) => message.form === "alibaba" && messages.push(JSON.parse(message.text).stream[0].uid));
  tracker.attach(video);
  const canvas = new OffscreenCanvas(video.width = 320, 180);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const look = ({ mediaTime, presentedFrames }) => {
    pen.drawImage(video, 0, 0, 320, 180);
    const row = pen.getImageData(0, 30, 320, 1).data;
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) if (row[(bit * bar + bar / 2) * 4] > 128) number += 2 ** bit;
    return { number, said: Number(tracker.current?.panes[0].uid ?? NaN), mediaTime, presentedFrames };
  };
  /** The next frame that is displayed, for what was before may be told of only now. */
  const next = (before) =>
    new Promise((done) => {
      const told = (_, frame) => (frame.mediaTime === before ? video.requestVideoFrameCallback(told) : done(frame));
      video.requestVideoFrameCallback(told);
    });
  const first = next();
  const still = [];
  let seen = [];
  const read = (_, frame) => {
    video.requestVideoFrameCallback(read);
    seen.push(look(frame));
  };
  const source = { type: url.endsWith(".ts") ? "mpegts" : "flv", url: new URL(url, location.href).href, ...(hasAudio === undefined ? {} : { hasAudio }) };
  // Else it seeks to a key frame's decoding time, where with B-frames there is no picture.
  const config = { lazyLoad: false, enableStashBuffer: false, accurateSeek: true };
  if (name === "mpegts") {
    mpegts.LoggingControl.enableAll = false;
    const { player } = lib.createMpegtsPlayer(mpegts, tracker, source, config);
    player.attachMediaElement(video);
    player.load();
  } else if (name === "flvjs") {
    flvjs.LoggingControl.enableAll = false;
    const { player } = lib.createFlvPlayer(flvjs, tracker, source, config);
    player.attachMediaElement(video);
    player.load();
  } else if (name === "hls") {
    const hls = new Hls();
    lib.trackHls(hls, tracker);
    hls.loadSource(source.url);
    hls.attachMedia(video);
  } else {
    const { Flv } = await import("/xgplayer.js");
    const flv = new Flv({ media: video, isLive: true, url: source.url });
    lib.trackXgplayer(flv, tracker);
    flv.load();
  }
  const happens = (type) => new Promise((done) => video.addEventListener(type, done, { once: true }));
  if (isFile) {
    let last = await first;
    while (!(video.buffered.length > 0 && video.buffered.end(0) > Math.max(...looks))) await happens("progress");
    for (const time of looks) {
      const displayed = next(last.mediaTime);
      const sought = happens("seeked");
      video.currentTime = time;
      await sought;
      last = await displayed;
      still.push(look(last));
    }
    video.requestVideoFrameCallback(read);
    for (let played = 0; played < tries && seen.length < least; played += 1) {
      seen = [];
      video.currentTime = 0;
      video.playbackRate = rate;
      const ended = happens("ended");
      await video.play();
      await ended;
    }
    return { still, seen, messages, error: video.error?.message };
  }
  video.requestVideoFrameCallback(read);
  if (video.paused || video.readyState < 3) await happens("playing");
  for (const time of seeks) {
    await new Promise((later) => setTimeout(later, 400));
    const sought = happens("seeked");
    video.currentTime = time;
    await Promise.race([sought, new Promise((_, fail) => setTimeout(() => fail(new Error(`${time} s was not reached`)), 120_000))]);
  }
  await new Promise((done) => {
    let [at, since] = [0, performance.now()];
    const timer = setInterval(() => {
      // Live players do not say that the stream ended: it has if nothing moves any more, near its end.
      const enough = video.currentTime > lasts - 1 ? 1_500 : 120_000;
      if (video.currentTime !== at) [at, since] = [video.currentTime, performance.now()];
      else if (performance.now() - since > enough || video.ended) done(clearInterval(timer));
    }, 100);
  });
  return { still, seen, messages, error: video.error?.message };
}

// Most of the time is a video's that plays: several do at once.
describe("the message that counts is the displayed frame's", { skip: await withoutPlayer(), concurrency: 3 }, () => {
  for (const delay of [0, 0.3, -0.3]) {
    for (const [title, name, prepare] of [
      ["mpegts.js, FLV", "mpegts", (flv) => flv],
      ["mpegts.js, MPEG-TS", "mpegts", (flv) => copied(flv, "player-clock.ts", [])],
      ["flv.js", "flvjs", (flv) => flv],
      ["hls.js, MPEG-TS", "hls", (flv) => hls(flv, "mpegts")],
      ["hls.js, fMP4", "hls", (flv) => hls(flv, "fmp4")],
      ["xgplayer-flv", "xgplayer", (flv) => flv],
    ]) {
      it(`${title}, the picture ${delay * 1000} ms after the sound`, async (t) => {
        const path = await prepare(await numbered(delay));
        const xgplayer = await bundled();
        const origin = await site(t, { "/xgplayer.js": { body: xgplayer, type: "text/javascript" }, "/live.flv": live(path) });
        const modules = { mpegts: ["mpegts"], flvjs: ["flv"], hls: ["hls"], xgplayer: ["xgplayer"] }[name];
        const scripts = { mpegts: ["mpegts"], flvjs: ["flvjs"], hls: ["Hls"], xgplayer: [] }[name];
        const shown = await page(t, await browser(), origin, { scripts, modules });
        const how = name === "xgplayer" ? { url: "/live.flv" } : { url: media(path), ...FILE };
        const { still, seen, messages, error } = await shown.evaluate(play, { name, bits: BITS, bar: BAR, lasts: FRAMES / FPS, ...how });
        assert.equal(error, undefined);
        // xgplayer keeps the last frame until another comes, and does not play it.
        const played = name === "xgplayer" ? FRAMES - 1 : FRAMES;
        const all = Array.from({ length: played }, (_, number) => `${number}`);
        assert.deepEqual([...messages].sort((one, other) => one - other), all, "every message, none twice");
        agree(t, seen, still);
      });
    }
  }

  for (const name of ["mpegts", "flvjs"]) {
    it(`${name} told to leave out the sound that came before`, async (t) => {
      const shown = await page(t, await browser(), await site(t), { scripts: [name], modules: [name.replace("flvjs", "flv")] });
      const { still, seen } = await shown.evaluate(play, { name, url: media(await numbered(0.3)), bits: BITS, bar: BAR, hasAudio: false, ...FILE });
      agree(t, seen, still);
    });
  }

  it("mpegts.js, sought to what was not loaded, and back", async (t) => {
    const asked = [];
    const origin = await site(t, { "/slow.flv": slow(await indexed(), asked) });
    const shown = await page(t, await browser(), origin, { scripts: ["mpegts"], modules: ["mpegts"] });
    const { seen, messages } = await shown.evaluate(play, { name: "mpegts", url: "/slow.flv", bits: BITS, bar: BAR, lasts: FRAMES / FPS, seeks: [3.5, 1.5] });
    assert.ok(asked.filter((from) => from > 0).length > 0, `asked for ${asked}`);
    assert.ok(seen.some(({ number }) => number > 70) && seen.some(({ number }) => number < 45));
    agree(t, seen);
    assert.ok(messages.length >= FRAMES);
  });
});

const FILE = { looks: LOOKS, rate: RATE, least: LEAST, tries: TRIES };

/** That each frame has its own message: those that were looked at while nothing moved, and those that were played. */
function agree(t, seen, still = []) {
  assert.deepEqual(still.filter(({ number, said }) => number !== said), []);
  if (seen.length > 0) assert.deepEqual(told(seen, FPS, still.length > 0 ? still : seen).filter(({ told, said }) => told !== said), []);
  if (seen.length < LEAST) t.diagnostic(`only ${seen.length} frames were displayed while it played: the machine is busy`);
  assert.ok(still.length > 0 || seen.length > 0);
}

/** Answers from any byte on, a little faster than it is played; from the first, no more than half until it is asked from another. */
const slow = (path, asked) => async (request, response) => {
  const bytes = await readFile(path);
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  asked.push(from);
  response.writeHead(from > 0 ? 206 : 200, { "content-type": "video/x-flv", "content-length": bytes.length - from, "accept-ranges": "bytes" });
  const piece = Math.ceil(bytes.length / (FRAMES / 2));
  for (let at = from; at < bytes.length && !response.destroyed; at += piece) {
    response.write(bytes.subarray(at, at + piece));
    do await new Promise((later) => setTimeout(later, 1_500 / FPS));
    while (from === 0 && at > bytes.length / 2 && asked.length === 1 && !response.destroyed);
  }
  response.end();
};

/** Answers with a file as if it came about now: xgplayer loads a stream that has ended again. */
const live = (path) => async (_, response) => {
  const bytes = await readFile(path);
  const pieces = FRAMES / 2;
  response.writeHead(200, { "content-type": "video/x-flv" });
  for (let piece = 0; piece < pieces && !response.destroyed; piece += 1) {
    response.write(bytes.subarray((bytes.length * piece) / pieces, (bytes.length * (piece + 1)) / pieces));
    await new Promise((later) => setTimeout(later, 2_000 / FPS));
  }
  response.end();
};

let bundle;
/** xgplayer-flv's core, as a module. */
async function bundled() {
  const { build } = await import("esbuild");
  bundle ??= build({ stdin: { contents: `export { Flv } from "xgplayer-flv";`, resolveDir: folder }, nodePaths: [join(folder, "../../node_modules")], bundle: true, format: "esm", write: false, logLevel: "error" });
  return Buffer.from((await bundle).outputFiles[0].contents);
}
