// When the overlay changes: beside the picture's own pixels, on a clip whose picture switches at known frames and whose
// messages `livegate sei insert --timeline` wrote.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { BAR, BITS, FPS, HEIGHT, ROW, SWITCHES, SWITCH_FRAMES, WIDTH, left, switches } from "./player/clips.mjs";
import { media, page, sharedBrowser, site, withoutPlayer } from "./player/page.mjs";
import { told } from "./player/told.mjs";

/** B-frames are shown two frames after they are sent: media time 0 is the first that is sent. */
const SHIFT = 2 / FPS;
/** Pixels of the clip: its edges are sharp, and elements are placed to a 64th of a pixel. */
const NEAR = 2;
/** Switches that have to be displayed while it plays, and how often that is tried: a busy machine drops many frames. */
const LEAST = 20;
const TRIES = 3;
const browser = sharedBrowser();

/** The layout that a frame of the clip was drawn with. */
const layoutOf = (number) => SWITCHES.findLastIndex((from) => from <= number);

/** Whether a place is that of the box in a layout. */
const isAt = (place, layout) => place !== null && Math.abs(place - left(layout)) <= NEAR;

const shownAs = (place) => SWITCHES.findIndex((_, layout) => isAt(place, layout));

describe("the overlay changes with the picture", { skip: await withoutPlayer() }, () => {
  /** A page that has loaded the clip and stands at its beginning. */
  async function start(t) {
    const shown = await page(t, await browser(), await site(t), { scripts: ["mpegts"], modules: ["mpegts"] });
    await shown.evaluate(load, { url: media(await switches()), bits: BITS, bar: BAR, row: ROW, width: WIDTH, height: HEIGHT });
    return shown;
  }

  it("within one frame while it plays, over all switches", async (t) => {
    const shown = await start(t);
    let switched = 0;
    for (let tried = 0; tried < TRIES && switched < LEAST; tried += 1) {
      const seen = await shown.evaluate(async () => {
        test.video.currentTime = 0;
        await new Promise((done) => test.video.addEventListener("seeked", done, { once: true }));
        const seen = test.watch(test.video, test.read);
        await test.video.play();
        await new Promise((done) => test.video.addEventListener("ended", done, { once: true }));
        return seen.splice(0);
      });
      // What the pixels say is what was drawn: number and box agree.
      for (const { number, picture } of seen) assert.ok(isAt(picture, layoutOf(number)), `frame ${number}: box at ${picture}`);
      const frames = told(seen, FPS);
      const wrong = frames.filter(({ told, element, tracker }) => !isAt(element, layoutOf(told)) || !isAt(tracker, layoutOf(told)));
      assert.deepEqual(wrong, []);
      switched = frames.filter(({ told }, at) => at > 0 && layoutOf(frames[at - 1].told) !== layoutOf(told)).length;
      const late = frames.filter(({ told, number }) => told !== number).length;
      t.diagnostic(`${seen.length} of ${SWITCH_FRAMES} frames and ${switched} switches displayed; ${late} read between two frames`);
    }
    // All that was displayed was right; the next test displays every layout.
    if (switched < LEAST) t.skip(`a busy machine: ${switched} switches were displayed`);
  });

  it("at once while it is paused, seeking forth and back", async (t) => {
    const shown = await start(t);
    // Every layout, in an order that jumps: 7 has no factor in common with their number.
    const order = SWITCHES.map((_, at) => (at * 7) % SWITCHES.length);
    for (const layout of order) {
      const number = SWITCHES[layout];
      const seen = await shown.evaluate((seconds) => test.seek(test.video, seconds, test.read), (number + 0.5) / FPS + SHIFT);
      assert.equal(seen.number, number, "the frame that was sought");
      assert.equal(shownAs(seen.picture), layout);
      assert.equal(shownAs(seen.element), layout, `frame ${number}: the element at ${seen.element}`);
      assert.equal(shownAs(seen.tracker), layout);
    }
  });

  it("after seeking while it plays", async (t) => {
    const shown = await start(t);
    const seen = await shown.evaluate(async (times) => {
      const seen = test.watch(test.video, test.read);
      await test.video.play();
      for (const time of times) {
        await test.seek(test.video, time, test.read);
        for (const { length } = seen; seen.length < length + 5; ) await new Promise((later) => setTimeout(later, 20));
      }
      test.video.pause();
      return seen;
    }, [8, 1, 5, 0.2, 9, 3]);
    assert.ok(seen.length > 20);
    const wrong = told(seen, FPS).filter(({ told, element }) => !isAt(element, layoutOf(told)));
    assert.deepEqual(wrong, []);
  });
});

/** In the page: loads all of a clip. */
async function load({ url, ...what }) {
  const { reader, watch, seek } = await import("/test/watch.js");
  const video = document.createElement("video");
  video.muted = true;
  Object.assign(video.style, { width: "640px", height: "360px" });
  document.body.append(video);
  const tracker = new lib.LayoutTracker();
  tracker.attach(video);
  const overlay = new lib.LayoutOverlay(video, tracker).element;
  const source = { type: "flv", url, hasAudio: false };
  const { player } = lib.createMpegtsPlayer(mpegts, tracker, source, { lazyLoad: false, enableStashBuffer: false });
  player.attachMediaElement(video);
  const loaded = new Promise((done) => player.on(mpegts.Events.LOADING_COMPLETE, done));
  player.load();
  await loaded;
  if (video.readyState < 2) await new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
  globalThis.test = { video, tracker, read: reader({ video, tracker, overlay, ...what }), watch, seek };
}
