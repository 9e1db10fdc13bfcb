// Where the overlay's elements lie: beside the edges of the panes as they are found in screenshots' pixels.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { PANES, panes } from "./player/clips.mjs";
import { media, page, pixels, sharedBrowser, site, withoutPlayer } from "./player/page.mjs";

const SIZES = [[320, 180], [641, 397], [1013, 420]];
const FITS = ["contain", "cover"];
const SCALES = [1, 2];
const browsers = Object.fromEntries(SCALES.map((scale) => [scale, sharedBrowser({ scale })]));
/** CSS pixels. */
const NEAR = 1;
const VIEWPORT = { width: 1100, height: 500 };

const PARTS = { red: 0, green: 1, blue: 2 };

/**
 * Where a pane's colour begins and ends, in device pixels: along the lines through its middle, the places at which its
 * part of the colour crosses half of what it is there. Around panes it is black.
 */
function edges(picture, part) {
  const { width, height, at } = picture;
  const is = (x, y) => at(x, y, part) > 128 && at(x, y, (part + 1) % 3) < 100 && at(x, y, (part + 2) % 3) < 100;
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!is(x, y)) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
    }
  }
  assert.ok(right > left && bottom > top, "the colour is not in the picture");
  const [middleX, middleY] = [(left + right) >> 1, (top + bottom) >> 1];
  const full = at(middleX, middleY, part);
  const across = (x) => (x < 0 || x >= width ? 0 : at(x, middleY, part) / full);
  const down = (y) => (y < 0 || y >= height ? 0 : at(middleX, y, part) / full);
  // Pixel n reaches from n to n + 1: what it is covered for is how far the edge reaches into it.
  const first = (line, near) => sum(line, near - 3, near + 4, (n, value) => -value) + near + 4;
  const last = (line, near) => sum(line, near - 3, near + 4, (n, value) => value) + near - 3;
  return { left: first(across, left), right: last(across, right), top: first(down, top), bottom: last(down, bottom) };
}

function sum(line, from, to, value) {
  let all = 0;
  for (let n = from; n < to; n += 1) all += value(n, Math.min(1, line(n)));
  return all;
}

describe("the overlay lies on the panes", { skip: await withoutPlayer() }, async () => {
  for (const scale of SCALES) {
    it(`with ${scale} device pixel${scale > 1 ? "s" : ""} a pixel`, async (t) => {
      const browser = await browsers[scale]();
      const origin = await site(t);
      const shown = await page(t, browser, origin, { viewport: VIEWPORT, scripts: ["mpegts"], modules: ["mpegts"] });
      await shown.evaluate(play, media(await panes()));
      await shown.locator('.livegate-pane[data-uid="red"]').waitFor();
      for (const [width, height] of SIZES) {
        for (const fit of FITS) await t.test(`${width} by ${height}, ${fit}`, () => compare(shown, { width: `${width}px`, height: `${height}px`, fit, scale }));
      }
    });
  }

  it("follows a window that is turned", async (t) => {
    const origin = await site(t);
    const shown = await page(t, await browsers[1](), origin, { viewport: VIEWPORT, scripts: ["mpegts"], modules: ["mpegts"] });
    await shown.evaluate(play, media(await panes()));
    await shown.locator('.livegate-pane[data-uid="red"]').waitFor();
    const turned = { width: VIEWPORT.height, height: VIEWPORT.width };
    for (const viewport of [VIEWPORT, turned, VIEWPORT]) {
      await shown.setViewportSize(viewport);
      await compare(shown, { width: "80vw", height: "70vh", fit: "contain", scale: 1, viewport });
    }
  });

  it("stays below what the page lays over the video", async (t) => {
    const shown = await page(t, await browsers[1](), await site(t), { viewport: VIEWPORT, scripts: ["mpegts"], modules: ["mpegts"] });
    await shown.evaluate(play, media(await panes()));
    await shown.locator('.livegate-pane[data-uid="blue"]').waitFor();
    // Panes have an order among themselves, of which the page's own need not know.
    const over = await shown.evaluate(() => {
      const menu = document.createElement("div");
      Object.assign(menu.style, { position: "absolute", inset: "0", zIndex: "1" });
      document.body.append(menu);
      const { left, top, width, height } = document.querySelector('.livegate-pane[data-uid="blue"]').getBoundingClientRect();
      return document.elementFromPoint(left + width / 2, top + height / 2) === menu;
    });
    assert.ok(over);
  });
});

async function compare(shown, { width, height, fit, scale, viewport = VIEWPORT }) {
  await shown.evaluate(
    async ([css]) => {
      Object.assign(document.querySelector("video").style, css);
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      for (let count = 0; count < 3; count += 1) await frame();
    },
    [{ width, height, objectFit: fit }],
  );
  const rectangles = await shown.evaluate(() => {
    const video = document.querySelector("video").getBoundingClientRect();
    const panes = [...document.querySelectorAll(".livegate-pane")].map((element) => {
      const { left, top, right, bottom } = element.getBoundingClientRect();
      return [element.dataset.uid, { left, top, right, bottom }];
    });
    return { video, panes: Object.fromEntries(panes) };
  });
  await shown.evaluate(() => (document.querySelector(".livegate-overlay").style.visibility = "hidden"));
  const picture = await pixels(await shown.screenshot());
  assert.equal(picture.width, viewport.width * scale);
  await shown.evaluate(() => (document.querySelector(".livegate-overlay").style.visibility = ""));
  assert.deepEqual(Object.keys(rectangles.panes).sort(), Object.keys(PANES).sort());
  const { video } = rectangles;
  for (const [uid, pane] of Object.entries(rectangles.panes)) {
    const found = edges(picture, PARTS[uid]);
    for (const [side, device] of Object.entries(found)) {
      // What reaches beyond the video's box is cut off, of the picture and of the overlay.
      const horizontal = side === "left" || side === "right";
      const [low, high] = horizontal ? [video.left, video.right] : [video.top, video.bottom];
      const element = Math.min(Math.max(pane[side], low), high);
      const off = Math.abs(element - device / scale);
      assert.ok(off <= NEAR, `${uid}: ${side} edge at ${device / scale}, its element's at ${element}`);
    }
  }
}

/** In the page: plays to the second frame and stops there. */
async function play(url) {
  const video = document.createElement("video");
  video.muted = true;
  Object.assign(video.style, { position: "absolute", left: "13px", top: "7px", width: "320px", height: "180px", background: "#000" });
  document.body.append(video);
  const tracker = new lib.LayoutTracker();
  tracker.attach(video);
  new lib.LayoutOverlay(video, tracker);
  const { player } = lib.createMpegtsPlayer(mpegts, tracker, { type: "flv", url, hasAudio: false }, { enableStashBuffer: false });
  player.attachMediaElement(video);
  player.load();
  await new Promise((done) => video.addEventListener("canplay", done, { once: true }));
  video.currentTime = 0.5;
  await new Promise((done) => video.addEventListener("seeked", done, { once: true }));
}
