// Every player's adapter over a real stream: each message that other programs read of it is told, none twice, and each
// displayed frame has its own.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";

import { CHANNEL, APP, host } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { frames, read, toAnnexB, video } from "./media/flv.mjs";
import { ffmpeg as shown, h264Reader, draft } from "./media/oracles.mjs";
import { OURS } from "./media/sei.mjs";
import { COUNT, COUNT_FRAMES, FPS, MARK, numbered, numberedHls, numberedInTwo, numberedLevels, numberedParts, numberedTs } from "./player/clips.mjs";
import { lowLatency } from "./player/low-latency.mjs";
import { media, page, sharedBrowser, site, withoutPlayer, xgplayer } from "./player/page.mjs";
import { told } from "./player/told.mjs";
import { ffmpeg, succeeds } from "./rtmp/peers.mjs";

const browser = sharedBrowser();
/** How fast files are played. */
const RATE = 2;

const digits = (uuid) => uuid?.replaceAll("-", "") ?? "";

/** What h264-reader reads of the clip: type, UUID and content of each message, in the order of the file. */
async function expected() {
  const stream = toAnnexB(await readFile(await numbered()));
  const found = await draft("h264", stream, (path) => h264Reader({ path, codec: "h264" }));
  return found.map(({ payload_type: type, uuid, data }) => ({ type, uuid, text: Buffer.from(data, "hex").toString().replace(/\0$/, "") }));
}

/** When each numbered message's frame is shown, in milliseconds of the file, as ffmpeg has it. */
async function times() {
  const { messages } = await shown({ path: await numbered(), codec: "h264", flv: true });
  return messages.filter(({ uuid }) => uuid === OURS).map(({ picture }) => picture.ms);
}

/** That what a tracker told is all there was, in its order, and at its time. */
async function same(kept, wanted) {
  assert.equal(kept.failed, null);
  const said = kept.messages.map(({ payloadType, uuid }) => `${payloadType} ${digits(uuid)}`);
  assert.deepEqual(said, wanted.map(({ type, uuid }) => `${type} ${uuid}`));
  for (const [at, { form, text }] of kept.messages.entries()) {
    if (form === "alibaba" || form === "agora") assert.equal(text, wanted[at].text);
  }
  const ours = kept.messages.filter(({ uuid }) => digits(uuid) === OURS);
  const numbers = ours.map(({ text }) => Number(JSON.parse(text).stream[0].uid));
  const all = wanted.filter(({ uuid }) => uuid === OURS).length;
  assert.deepEqual(numbers, Array.from({ length: all }, (_, number) => number));
  const ms = await times();
  for (const [at, { time }] of ours.entries()) {
    const off = time * 1_000 - ours[0].time * 1_000 - (ms[at] - ms[0]);
    assert.ok(Math.abs(off) <= 2, `message ${at} is ${off} ms from where ffmpeg has it`);
  }
}

/** That at each displayed frame the tracker was at that frame's message. */
function onFrame(t, kept) {
  const seen = told(kept.frames, FPS);
  // A busy machine drops many.
  assert.ok(seen.length > 0);
  const wrong = seen.filter(({ told, uid }) => uid !== MARK && uid !== `${told}`);
  t.diagnostic(`${seen.length} frames displayed, ${seen.filter(({ told, number }) => told !== number).length} read between two frames`);
  assert.deepEqual(wrong, []);
}

const begin = (opened, name, url, options) =>
  opened.evaluate(
    async ([name, url, count, options]) => {
      const { play } = await import("/test/play.js");
      globalThis.playing = play(name, url, count, options);
    },
    [name, url, COUNT, options],
  );

const kept = (opened) => opened.evaluate(() => playing.kept);

/** Waits for so many messages and until the video is near its end; more would be there then. */
async function played(opened, count) {
  await opened.waitForFunction((count) => playing.kept.messages.length >= count, count).catch(() => {});
  await opened.waitForFunction(() => playing.kept.frames.some(({ number }) => number >= 145) || playing.kept.failed).catch(() => {});
  return kept(opened);
}

describe("adapters", { skip: await withoutPlayer() }, () => {
  describe("of a relay host's stream", () => {
    const kinds = {
      "mpegts.js, HTTP-FLV": { name: "mpegts", scripts: ["mpegts"], modules: ["mpegts"] },
      "mpegts.js, WebSocket-FLV": { name: "mpegts", scripts: ["mpegts"], modules: ["mpegts"], webSocket: true },
      "flv.js, HTTP-FLV": { name: "flv", scripts: ["flvjs"], modules: ["flv"] },
      "xgplayer-flv, HTTP-FLV": { name: "xgplayer", scripts: [], modules: ["xgplayer"], unplayed: 1 },
    };

    it("has every message once in each player", async (t) => {
      const [relay, chromium, origin, wanted] = await Promise.all([host(t), browser(), site(t), expected()]);
      const opened = {};
      for (const [kind, { name, scripts, modules, webSocket }] of Object.entries(kinds)) {
        opened[kind] = await page(t, chromium, origin, { scripts, modules });
        if (name === "xgplayer") await opened[kind].addScriptTag({ content: await xgplayer() });
        const scheme = webSocket ? "ws" : "http";
        // Each has an address of its own: Chromium's cache would let one wait for the other.
        const url = `${scheme}://127.0.0.1:${relay.ports.http}/live/${APP}/${CHANNEL}.flv?wait=30&viewer=${name}`;
        await begin(opened[kind], name, url);
      }
      // All of them are there before the stream begins, so that they get it from its first frame on.
      const waiting = async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${relay.ports.http}/metrics`)).text();
        return Number(metrics.match(/^livegate_connections\{protocol="http"\} (\d+)$/m)?.[1]);
      };
      await until(waiting, (count) => count > Object.keys(kinds).length);
      const publisher = ffmpeg(t, ["-re", "-i", await numbered(), "-c", "copy", "-f", "flv", relay.publishing()]);
      await succeeds(publisher);
      for (const [kind, { unplayed = 0 }] of Object.entries(kinds)) {
        await t.test(kind, async (t) => {
          // xgplayer keeps the last picture until another follows (its transmuxer's fixer): it is never played.
          const own = wanted.slice(0, wanted.length - unplayed);
          const found = await played(opened[kind], own.length);
          await same(found, own);
          onFrame(t, found);
        });
      }
    });
  });

  describe("of files", () => {
    const kinds = {
      "mpegts.js, MPEG-TS": { name: "mpegts", scripts: ["mpegts"], modules: ["mpegts"], options: { type: "mpegts", isLive: false }, from: numberedTs },
      "hls.js, MPEG-TS": { name: "hls", scripts: ["Hls"], modules: ["hls"], from: async () => join(await numberedHls(), "index.m3u8") },
      "hls.js, encrypted MPEG-TS": { name: "hls", scripts: ["Hls"], modules: ["hls"], from: async () => join(await numberedHls("mpegts", { encrypted: true }), "index.m3u8") },
      "hls.js, fragments of MP4": { name: "hls", scripts: ["Hls"], modules: ["hls"], from: async () => join(await numberedHls("fmp4"), "index.m3u8") },
      "hls.js, fragments of MP4 as they come": { name: "hls", scripts: ["Hls"], modules: ["hls"], options: { hls: { progressive: true } }, from: async () => join(await numberedHls("fmp4"), "index.m3u8") },
      "hls.js, a discontinuity to times of another clock": { name: "hls", scripts: ["Hls"], modules: ["hls"], from: numberedInTwo },
    };
    for (const [kind, { name, scripts, modules, options, from }] of Object.entries(kinds)) {
      it(`${kind} has every message once`, async (t) => {
        const [chromium, origin, wanted] = await Promise.all([browser(), site(t), expected()]);
        const opened = await page(t, chromium, origin, { scripts, modules });
        await begin(opened, name, origin + media(await from()), { ...options, rate: RATE });
        const found = await played(opened, wanted.length);
        await same(found, wanted);
        onFrame(t, found);
      });
    }

    it("hls.js, parts of fragments at low latency, has every message once", async (t) => {
      const [chromium, wanted, live] = await Promise.all([browser(), expected(), numberedParts()]);
      const asked = [];
      const origin = await site(t, { "/live": lowLatency(live, asked) });
      const opened = await page(t, chromium, origin, { scripts: ["Hls"], modules: ["hls"] });
      await begin(opened, "hls", `${origin}/live/index.m3u8`, { hls: { lowLatencyMode: true } });
      const found = await played(opened, wanted.length);
      t.diagnostic(`asked for ${asked.join(" ")}`);
      assert.ok(asked.filter((name) => name.startsWith("part")).length > 3, `asked for ${asked}`);
      await same(found, wanted);
      onFrame(t, found);
    });

    it("hls.js, another level with another initialization segment", async (t) => {
      const [chromium, origin, wanted] = await Promise.all([browser(), site(t), expected()]);
      const opened = await page(t, chromium, origin, { scripts: ["Hls"], modules: ["hls"] });
      await begin(opened, "hls", origin + media(await numberedLevels()), { hls: { startLevel: 0, maxBufferLength: 2, maxMaxBufferLength: 2 } });
      await opened.waitForFunction(() => playing.kept.frames.some(({ number }) => number > 10));
      const switched = await opened.evaluate(() => {
        const { player } = playing;
        const levels = [];
        player.on("hlsLevelSwitched", (_, { level }) => levels.push(level));
        player.nextLevel = 1;
        return new Promise((done) => player.on("hlsLevelSwitched", () => done(levels)));
      });
      assert.deepEqual(switched, [1]);
      const found = await played(opened, wanted.length);
      // What is loaded anew in the other level is told again, and each frame has its own all the same.
      const told = new Set(found.messages.map(({ payloadType, text }) => `${payloadType} ${text}`));
      assert.deepEqual([...told].sort(), [...new Set(wanted.map(({ type, text }) => `${type} ${text}`))].sort());
      onFrame(t, found);
    });

    it("WebCodecs: chunks of a demuxed file", async (t) => {
      const [chromium, origin, wanted] = await Promise.all([browser(), site(t), expected()]);
      const opened = await page(t, chromium, origin, { modules: ["webcodecs"] });
      const file = await readFile(await numbered());
      const found = await opened.evaluate(decode, [samples(file), COUNT]);
      await same(found, wanted);
      assert.equal(found.frames.length, COUNT_FRAMES);
      onFrame(t, found);
    });
  });
});

describe("what plays comes and goes", { skip: await withoutPlayer() }, () => {
  const kinds = {
    "mpegts.js": { name: "mpegts", scripts: ["mpegts"], modules: ["mpegts"], from: numbered },
    "flv.js": { name: "flv", scripts: ["flvjs"], modules: ["flv"], from: numbered },
    "hls.js": { name: "hls", scripts: ["Hls"], modules: ["hls"], from: async () => join(await numberedHls(), "index.m3u8") },
    "xgplayer-flv": { name: "xgplayer", scripts: [], modules: ["xgplayer"], from: numbered },
  };
  for (const [kind, { name, scripts, modules, from }] of Object.entries(kinds)) {
    for (const order of ["stopped, then destroyed", "destroyed, then stopped"]) {
      it(`${kind} may be ${order}, and stopped again`, async (t) => {
        const [chromium, origin] = await Promise.all([browser(), site(t)]);
        const opened = await page(t, chromium, origin, { scripts, modules });
        if (name === "xgplayer") await opened.addScriptTag({ content: await xgplayer() });
        await begin(opened, name, origin + media(await from()), { isLive: false });
        await opened.waitForFunction(() => playing.kept.messages.length > 0);
        const thrown = await opened.evaluate(async (stopsFirst) => {
          const { player, stop, tracker } = playing;
          const thrown = [];
          const acts = { stop, destroy: () => player.destroy() };
          for (const name of stopsFirst ? ["stop", "destroy", "stop"] : ["destroy", "stop", "stop"]) {
            try {
              await acts[name]();
            } catch (error) {
              thrown.push(`${name}: ${error.message}`);
            }
          }
          tracker.close();
          return thrown;
        }, order.startsWith("stopped"));
        assert.deepEqual(thrown, []);
      });
    }
  }

  it("nothing of a stream that is loaded anew is shown before its first frame", async (t) => {
    const [chromium, origin] = await Promise.all([browser(), site(t)]);
    const opened = await page(t, chromium, origin, { scripts: ["mpegts"], modules: ["mpegts"] });
    await begin(opened, "mpegts", origin + media(await numbered()), { isLive: false });
    await opened.waitForFunction(() => playing.kept.frames.some(({ number }) => number > 25));
    const found = await opened.evaluate(async (url) => {
      const { tracker, video, player, stop } = playing;
      stop();
      player.destroy();
      const shown = [];
      tracker.addEventListener("layout", ({ layout, mediaTime }) => layout && shown.push([layout.panes[0].uid, mediaTime]));
      const frames = [];
      video.requestVideoFrameCallback(function told(_, { mediaTime }) {
        frames.push(mediaTime);
        video.requestVideoFrameCallback(told);
      });
      const next = lib.createMpegtsPlayer(mpegts, tracker, { type: "flv", url });
      next.player.attachMediaElement(video);
      next.player.load();
      void video.play();
      for (const until = performance.now() + 120_000; shown.length === 0 && performance.now() < until; ) await new Promise((later) => setTimeout(later, 20));
      // This is told of a frame after the tracker.
      await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
      return { shown, frames };
    }, origin + media(await numbered()));
    for (const [, mediaTime] of found.shown) assert.ok(mediaTime < 0.5 && found.frames.includes(mediaTime), JSON.stringify(found));
    assert.ok(found.shown.length > 0);
  });
});

describe("between two WebRTC connections", { skip: await withoutPlayer() }, () => {
  /** Messages that have to come. */
  const LEAST = 60;

  for (const how of ["streams", "script"]) {
    it(`every message of each frame that arrives, by ${how === "streams" ? "streams in the page" : "a transform in a worker"}`, async (t) => {
      const opened = await page(t, await browser(), await site(t), { modules: ["webrtc"] });
      const found = await opened.evaluate(async ([how, least]) => (await import("/test/webrtc.js")).call(how, least), [how, LEAST]);
      if (found === "no H.264") return t.skip("this Chromium sends no H.264");
      const ours = found.messages.filter(({ uuid }) => digits(uuid) === OURS);
      const numbers = ours.map(({ text }) => Number(JSON.parse(text).stream[0].uid));
      assert.ok(numbers.length >= LEAST, `${numbers.length} messages, ${found.sent} were sent`);
      assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at));
      assert.ok(numbers[0] <= 1, `the first is ${numbers[0]}`);
      const times = ours.map(({ time }) => time);
      assert.deepEqual(times, [...times].sort((one, other) => one - other));
      const shown = found.shown.filter(({ uid }) => uid !== null);
      t.diagnostic(`${numbers.length} messages, ${shown.length} frames displayed`);
      // A busy machine drops many.
      assert.ok(shown.length > 0);
      // What was in the frame of that RTP timestamp, which only the page's side of it knows.
      if (how === "streams") for (const { rtp, uid } of shown) assert.equal(uid, `${found.arrived[rtp]}`);
    });
  }
});

/** The pictures of a file and their decoder's configuration, in base64. */
function samples(file) {
  const tags = read(file).tags.flatMap((tag) => {
    const it = video(tag);
    return it ? [{ packet: it.packet, content: tag.body.subarray(it.at).toString("base64") }] : [];
  });
  const description = tags.find(({ packet }) => packet === 0).content;
  const contents = tags.filter(({ packet }) => packet === 1).map(({ content }) => content);
  return { description, chunks: frames(file).map((frame, at) => ({ ...frame, content: contents[at] })) };
}

/** In the page: decodes all pictures, and says each that comes out as displayed. */
async function decode([{ description, chunks }, count]) {
  const { listening, numberReader } = await import("/test/play.js");
  const { tracker, kept } = listening();
  const number = numberReader(count);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const config = { codec: "avc1.42c00d", description: bytes(description) };
  const decoder = new VideoDecoder({
    error: (error) => (kept.failed = `${error}`),
    output(frame) {
      const layout = tracker.display(frame.timestamp / 1e6);
      kept.frames.push({ mediaTime: frame.timestamp / 1e6, number: number(frame, count.height), uid: layout?.panes[0]?.uid ?? null });
      frame.close();
    },
  });
  decoder.configure(config);
  for (const { pts, key, content } of chunks) {
    const chunk = new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp: pts * 1_000, data: bytes(content) });
    lib.trackChunk(tracker, chunk, config);
    decoder.decode(chunk);
  }
  await decoder.flush();
  return kept;
}
