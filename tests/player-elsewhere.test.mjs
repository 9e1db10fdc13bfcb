// What is neither a usual browser nor a usual player: one without `requestVideoFrameCallback`, and xgplayer as a whole,
// whose plugin makes the core that is listened to.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";

import { root } from "../tools/gateway.mjs";
import { COUNT, numbered } from "./player/clips.mjs";
import { media, page, sharedBrowser, site, withoutPlayer } from "./player/page.mjs";

const browser = sharedBrowser();

/** xgplayer and its plugin as a bundler makes them of their packages: a script. */
async function xgplayer() {
  const { build } = createRequire(import.meta.url)("esbuild");
  const { outputFiles } = await build({
    stdin: { contents: 'export { default as Player } from "xgplayer"; export { FlvPlugin } from "xgplayer-flv";', resolveDir: root },
    ...{ bundle: true, format: "iife", globalName: "whole", write: false, logLevel: "error", platform: "browser", outdir: root },
    loader: { ".scss": "empty", ".css": "empty" },
  });
  return outputFiles.find(({ path }) => path.endsWith(".js")).text;
}

describe("elsewhere", { skip: await withoutPlayer() }, () => {
  it("without requestVideoFrameCallback layouts are right to a frame or two, also after a seek while paused, and none is left", async (t) => {
    const [chromium, origin] = await Promise.all([browser(), site(t)]);
    const opened = await page(t, chromium, origin, { scripts: ["mpegts"], modules: ["mpegts"] });
    const found = await opened.evaluate(
      async ([url, count]) => {
        const { numberReader } = await import("/test/play.js");
        const read = numberReader(count);
        const video = Object.assign(document.createElement("video"), { muted: true });
        document.body.append(video);
        const tracker = new lib.LayoutTracker();
        video.requestVideoFrameCallback = undefined;
        const detach = tracker.attach(video);
        delete video.requestVideoFrameCallback;
        const uid = () => Number(tracker.current?.panes[0].uid ?? NaN);
        const { player } = lib.createMpegtsPlayer(mpegts, tracker, { type: "flv", isLive: false, url });
        player.attachMediaElement(video);
        player.load();
        await new Promise((done) => video.addEventListener("canplay", done, { once: true }));
        const off = [];
        const look = () => {
          // Messages begin with one that has no number.
          if (!Number.isNaN(uid())) off.push(uid() - read(video, count.height));
          if (!video.paused) video.requestVideoFrameCallback(look);
        };
        await video.play();
        video.requestVideoFrameCallback(look);
        await new Promise((later) => setTimeout(later, 1_500));
        video.pause();
        const paused = [];
        for (const seconds of [0.5, 1.02, 0.86]) {
          video.currentTime = seconds;
          await new Promise((done) => video.addEventListener("seeked", done, { once: true }));
          await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
          paused.push([seconds, uid(), read(video, count.height)]);
        }
        // A hidden page is not repainted.
        const repaint = window.requestAnimationFrame;
        window.requestAnimationFrame = () => 0;
        await new Promise((later) => repaint(() => repaint(later)));
        video.currentTime = 1.5;
        await new Promise((done) => video.addEventListener("seeked", done, { once: true }));
        video.dispatchEvent(new Event("timeupdate"));
        const hidden = [uid(), read(video, count.height)];
        window.requestAnimationFrame = repaint;
        const before = tracker.current.id;
        detach();
        video.currentTime = 0.2;
        await new Promise((done) => video.addEventListener("seeked", done, { once: true }));
        await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
        return { off, paused, hidden, detached: tracker.current.id === before };
      },
      [origin + media(await numbered()), COUNT],
    );
    assert.ok(found.off.length > 1, `${found.off.length} frames`);
    // A busy machine shows some later than their time.
    const off = found.off.map(Math.abs).sort((one, other) => one - other);
    assert.ok(off[Math.floor(off.length / 2)] <= 2, `${found.off}`);
    for (const [seconds, told, drawn] of found.paused) assert.equal(told, drawn, `${seconds} s`);
    assert.equal(found.hidden[0], found.hidden[1]);
    assert.ok(found.detached);
  });

  it("xgplayer's plugin is read from its first core on, and goes on with the player's next address", async (t) => {
    const [chromium, origin] = await Promise.all([browser(), site(t)]);
    const opened = await page(t, chromium, origin, { modules: ["xgplayer"] });
    await opened.addScriptTag({ content: await xgplayer() });
    const url = origin + media(await numbered());
    await opened.evaluate(
      (url) => {
        const place = document.createElement("div");
        document.body.append(place);
        const { Player, FlvPlugin } = whole;
        const player = new Player({ el: place, url, isLive: true, autoplay: true, autoplayMuted: true, plugins: [FlvPlugin] });
        const tracker = new lib.LayoutTracker();
        // As README.md has it: at once.
        const stop = lib.trackXgplayer(player.plugins.flv, tracker);
        const video = player.media ?? player.video;
        tracker.attach(video);
        globalThis.seen = { messages: [], frames: [] };
        tracker.addEventListener("message", ({ message }) => seen.messages.push(message.text));
        globalThis.all = { player, tracker, stop, core: () => player.plugins.flv.core };
      },
      url,
    );
    await opened.waitForFunction(() => seen.messages.length > 50 && all.tracker.current);
    const first = await opened.evaluate(async (url) => {
      const core = all.core();
      seen.first = seen.messages.splice(0);
      await all.player.playNext({ url: `${url}?next` });
      return core !== all.core();
    }, url);
    assert.ok(first, "it has another core");
    await opened.waitForFunction(() => seen.messages.length > 50 && all.tracker.current);
    const ends = await opened.evaluate(async () => {
      const { messages, first } = seen;
      // None of the second begins in the middle, or is there twice.
      const least = Math.min(first.length, messages.length);
      const alike = JSON.stringify(first.slice(0, least)) === JSON.stringify(messages.slice(0, least));
      all.stop();
      const count = messages.length;
      await new Promise((later) => setTimeout(later, 300));
      const thrown = [];
      for (const end of [() => all.player.destroy(), all.stop]) {
        try {
          await end();
        } catch (error) {
          thrown.push(error.message);
        }
      }
      return { alike, more: messages.length - count, thrown };
    });
    assert.deepEqual(ends, { alike: true, more: 0, thrown: [] });
  });
});
