// Streams whose times jump within one connection: a publisher that starts again behind a server whose times start again
// with it, or a transport stream that was put together. What each player does then, and that each frame that it displays
// has its own layout.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";

import { read, video, write } from "./media/flv.mjs";
import { made, output } from "./media/material.mjs";
import { COUNT, COUNT_FRAMES, FPS, MARK, numbered } from "./player/clips.mjs";
import { page, sharedBrowser, site, withoutPlayer, xgplayer } from "./player/page.mjs";
import { told } from "./player/told.mjs";

const browser = sharedBrowser();

/** Where the clip is cut: at a key frame. */
const CUT = 75;
const CUT_MS = (CUT * 1_000) / FPS;
/** When its first frame is shown, in milliseconds. */
const START = 1_000;
/** How far ahead of its playing it is sent. */
const AHEAD_MS = 200;

/** The numbered clip's two parts, of which the second is `jump` milliseconds from where it was: tags with when they are due. */
async function parts(jump, isSilent = false) {
  const { header, tags } = read(await readFile(await numbered()));
  const isHead = (tag) => tag.type === 18 || (tag.type === 8 ? tag.body[1] === 0 : video(tag).packet !== 1);
  const first = tags.find((tag) => video(tag)?.packet === 1).time;
  const own = tags.filter(({ type }) => type !== 8 || !isSilent);
  // Each publisher begins with its own sequence headers.
  const heads = own.filter(isHead).map((tag) => ({ ...tag, time: first }));
  const frames = own.filter((tag) => !isHead(tag));
  const part = (tags, jump) => tags.map((tag) => ({ ...tag, time: START + jump + tag.time - first, due: tag.time - first }));
  const before = ({ time }) => time - first < CUT_MS;
  const head = Buffer.from(header);
  head[4] = isSilent ? 1 : 5;
  return {
    head,
    one: part([...heads, ...frames.filter(before)], 0),
    two: part([...heads.map((tag) => ({ ...tag, time: first + CUT_MS })), ...frames.filter((tag) => !before(tag))], jump),
  };
}

/** Pieces of a stream of FLV, and when each is due. */
async function flv(jump, isSilent) {
  const { head, one, two } = await parts(jump, isSilent);
  const tags = [...one, ...two].map(({ due, ...tag }) => [write({ header: Buffer.alloc(0), tags: [tag] }).subarray(4), due]);
  return [[write({ header: head, tags: [] }), 0], ...tags];
}

/** The same of a transport stream: each part is one of its own. */
async function ts(jump) {
  const { head, one, two } = await parts(jump);
  const pieces = [];
  for (const [tags, name, from] of [[one, "player-jump-one.ts", 0], [two, "player-jump-two.ts", CUT_MS]]) {
    const path = await made(name, [jump, tags.length, `${parts}`, await numbered()], async (path) => {
      const plain = `${path}.flv`;
      await writeFile(plain, write({ header: head, tags }));
      await output("ffmpeg", ["-v", "error", "-y", "-copyts", "-i", plain, "-c", "copy", "-muxdelay", "0", "-f", "mpegts", path]);
      await rm(plain);
    });
    const bytes = await readFile(path);
    const packets = bytes.length / 188;
    const cut = (at) => 188 * Math.floor((packets * at) / CUT);
    for (let at = 0; at < CUT; at += 1) pieces.push([bytes.subarray(cut(at), cut(at + 1)), from + (at * 1_000) / FPS]);
  }
  return pieces;
}

/** Sends pieces when they are due, and does not end. */
const sent = (pieces) => async (_, response) => {
  response.writeHead(200, { "content-type": "video/x-flv" });
  const began = performance.now();
  for (const [bytes, due] of pieces) {
    const early = due - AHEAD_MS - (performance.now() - began);
    if (early > 0) await new Promise((later) => setTimeout(later, early));
    if (response.destroyed) return;
    response.write(bytes);
  }
};

const PLAYERS = {
  "mpegts.js": { name: "mpegts", scripts: ["mpegts"], modules: ["mpegts"] },
  "flv.js": { name: "flv", scripts: ["flvjs"], modules: ["flv"] },
  "xgplayer-flv": { name: "xgplayer", scripts: [], modules: ["xgplayer"] },
};

/** Starts to play, in a page; gives it. */
async function playing(t, player, pieces, type = "flv") {
  const origin = await site(t, { "/live": sent(pieces) });
  const { name, scripts, modules } = PLAYERS[player];
  const opened = await page(t, await browser(), origin, { scripts, modules });
  if (name === "xgplayer") await opened.addScriptTag({ content: await xgplayer() });
  await opened.evaluate(
    async ([name, url, count, type]) => {
      const { play } = await import("/test/play.js");
      globalThis.playing = play(name, url, count, { type });
      // mpegts.js and flv.js say so where MSE refuses something; it is looked at what is displayed all the same.
      playing.player.on?.("error", () => {});
    },
    [name, `${origin}/live`, COUNT, type],
  );
  return opened;
}

/** Waits until a frame from this one on is displayed, or the picture has stood for a while; gives what was displayed. */
const displayed = (opened, last) =>
  opened.evaluate(async (last) => {
    const { frames } = playing.kept;
    for (let [count, since] = [0, performance.now()]; performance.now() - since < 5_000; ) {
      await new Promise((later) => setTimeout(later, 50));
      if (frames.length > count) [count, since] = [frames.length, performance.now()];
      if (frames.at(-1)?.number >= last) break;
    }
    return frames;
  }, last);

/** Which frame a callback was told of: of those that are shown at that time the one nearest to the pixels, which may be later. */
function frameOf({ mediaTime, number }, first, jump) {
  const at = Math.round((mediaTime - first) * FPS);
  const frames = [at < CUT ? at : NaN, at - Math.round((jump * FPS) / 1_000)];
  return frames.filter((frame) => frame <= number).sort((one, other) => other - one)[0];
}

/** That each frame had its own layout; gives their numbers. */
function agree(frames, jump) {
  const [{ mediaTime, number }] = frames;
  const first = mediaTime - number / FPS;
  const all = frames.map((frame) => ({ ...frame, told: frameOf(frame, first, jump) }));
  const wrong = all.filter(({ uid, told }) => uid !== MARK && uid !== `${told}`);
  assert.deepEqual(wrong, []);
  return all.map(({ told }) => told);
}

describe("where a stream's times jump", { skip: await withoutPlayer() }, () => {
  it("ahead, mpegts.js plays on", async (t) => {
    const opened = await playing(t, "mpegts.js", await flv(1_000));
    assert.ok(agree(await displayed(opened, COUNT_FRAMES - 20), 1_000).some((number) => number > CUT));
  });

  it("back by little, mpegts.js plays on with what is behind that", async (t) => {
    const opened = await playing(t, "mpegts.js", await flv(-600));
    assert.ok(agree(await displayed(opened, COUNT_FRAMES - 20), -600).some((number) => number > CUT));
  });

  it("back in a transport stream, mpegts.js' picture stands, and its layout stays", async (t) => {
    const opened = await playing(t, "mpegts.js", await ts(-600), "mpegts");
    agree(await displayed(opened, COUNT_FRAMES), -600);
    assert.ok(Number(await opened.evaluate(() => playing.tracker.current.panes[0].uid)) < CUT);
  });

  for (const player of ["mpegts.js", "flv.js"]) {
    it(`back to its beginning, ${player} stands until the page seeks to what is new`, async (t) => {
      const opened = await playing(t, player, await flv(-CUT_MS));
      const before = agree(await displayed(opened, CUT), -CUT_MS);
      assert.ok(before.every((number) => number < CUT) && before.at(-1) > CUT - 15, `${before.at(-1)} was the last`);
      // What they make of the first key frame cannot be displayed: new is what follows the second, after a second.
      await opened.evaluate(() => (playing.video.currentTime = 1.2));
      const all = agree(await displayed(opened, COUNT_FRAMES - 10), -CUT_MS);
      const after = all.slice(before.length);
      assert.ok(after.length > 1 && after.every((number) => number >= CUT + FPS), `${after}`);
    });
  }

  for (const [jump, how] of [[-CUT_MS, "back to its beginning"], [3_600_000, "ahead by an hour"]]) {
    it(`${how}, xgplayer-flv plays on without a gap`, async (t) => {
      const opened = await playing(t, "xgplayer-flv", await flv(jump));
      // Its times go on. Only where the parts meet a frame may have no length, and the next one's time.
      const frames = await displayed(opened, COUNT_FRAMES - 10);
      const parts = [({ number }) => number < CUT - 1, ({ number }) => number > CUT + 3].map((part) => frames.filter(part));
      for (const part of parts) {
        assert.ok(part.length > 1, `${part.length} frames`);
        assert.deepEqual(told(part, FPS).filter(({ told, uid }) => uid !== MARK && uid !== `${told}`), []);
      }
    });
  }
});
