// What a stranger puts into a stream does nothing to the page: no exception, no markup, no growth.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";

import { open } from "./lib/browser.mjs";
import { numbered, numberedTs } from "./player/clips.mjs";
import { media, page, sharedBrowser, site, withoutPlayer } from "./player/page.mjs";

/** Frames of an hour. */
const HOUR = 25 * 3_600;
/** What may be there more after the second half of an hour than after its first: noise of the page's collector. */
const SLACK = 256 * 1_024;

const browser = sharedBrowser();

/** A page with a video of a canvas, a tracker that is told by hand, and an overlay. */
async function prepared(t) {
  const opened = await page(t, await browser(), await site(t), {});
  await opened.evaluate(prepare);
  return opened;
}

/** In the page. */
async function prepare() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  canvas.getContext("2d").fillRect(0, 0, 640, 360);
  const video = Object.assign(document.createElement("video"), { muted: true });
  Object.assign(video.style, { width: "640px", height: "360px" });
  document.body.append(video);
  video.srcObject = canvas.captureStream(5);
  await video.play();
  const tracker = new lib.LayoutTracker();
  const overlay = new lib.LayoutOverlay(video, tracker);
  const kept = { warnings: new Set(), thrown: [] };
  tracker.addEventListener("warning", ({ warning }) => kept.warnings.add(warning.code));
  // Messages of more than their first few bytes are read as someone would who shows them.
  tracker.addEventListener("message", ({ message }) => `${message.text}`.length);
  Object.assign(globalThis, { tracker, overlay, kept, hostile: await import("/test/hostile.js") });
  globalThis.attempt = (act) => {
    try {
      return act();
    } catch (error) {
      kept.thrown.push(error.stack);
      return null;
    }
  };
}

/** Nothing but what the overlay makes is in the page. */
const CLEAN = () => ({
  thrown: kept.thrown,
  title: document.title,
  made: [...new Set([...overlay.element.querySelectorAll("*")].map(({ localName }) => localName))].sort(),
  attributes: [...overlay.element.querySelectorAll("*")].flatMap((element) => [...element.attributes]).some(({ name }) => name.startsWith("on")),
  polluted: {}.polluted !== undefined,
});

/** That only elements of the overlay's own kinds were made. */
function clean({ made, ...rest }) {
  assert.deepEqual(rest, { thrown: [], title: "test", attributes: false, polluted: false });
  for (const name of made) assert.ok(["button", "div", "span"].includes(name), name);
}

describe("hostile streams", { skip: await withoutPlayer() }, () => {
  it("throw nothing into the page and bring no markup, message by message", async (t) => {
    const opened = await prepared(t);
    const { most, warnings, shown } = await opened.evaluate(() => {
      let [most, time] = [0, 0];
      const shown = [];
      tracker.configure({ codec: "h264", format: "annexb" });
      for (const [name, text] of Object.entries(hostile.TEXTS)) {
        attempt(() => tracker.push(hostile.frame(text), (time += 0.04)));
        const layout = attempt(() => tracker.display(time));
        most = Math.max(most, overlay.element.querySelectorAll(".livegate-pane").length);
        for (const { x, y, width, height, alpha, z, volume } of layout?.panes ?? []) {
          const numbers = [x, y, width, height, alpha, volume ?? 0];
          if (!numbers.every((part) => part >= 0 && part <= 1) || !Number.isInteger(z)) shown.push([name, numbers, z]);
        }
        if (name === "markup") shown.push(["tags", [...overlay.element.querySelectorAll(".livegate-name")].map(({ textContent }) => textContent)]);
      }
      for (const bytes of hostile.frames()) attempt(() => tracker.push(bytes, (time += 0.04)) + (tracker.display(time) ? 1 : 0));
      return { most, warnings: [...kept.warnings], shown };
    });
    clean(await opened.evaluate(CLEAN));
    assert.ok(most <= 64, `${most} panes`);
    const [[, [tag]], ...wrong] = shown;
    assert.deepEqual(wrong, [], "numbers beyond their range");
    // As it is, as text.
    assert.match(tag, /^<img src=x/);
    assert.ok(warnings.length > 0);
    t.diagnostic(`warnings: ${warnings.sort().join(" ")}`);
  });

  it("cut short at any byte, and with any byte changed, throw nothing", async (t) => {
    const opened = await prepared(t);
    await opened.evaluate(() => {
      const text = JSON.stringify({ stream: [{ uid: "a", x: 0, y: 0, w: 1, h: 1 }] });
      const configurations = [
        { codec: "h264", format: "annexb" },
        { codec: "h265", format: "annexb" },
        ...[1, 2, 4].flatMap((lengthSize) => [{ codec: "h264", format: "avcc", lengthSize }, { codec: "h265", format: "avcc", lengthSize }]),
      ];
      const whole = hostile.frame(text);
      const below = hostile.random(7);
      let time = 0;
      for (const configuration of configurations) {
        tracker.configure(configuration);
        for (let length = 0; length <= whole.length; length += 1) attempt(() => tracker.push(whole.subarray(0, length), (time += 0.04)));
        for (let at = 0; at < whole.length; at += 1) {
          for (let count = 0; count < 8; count += 1) {
            const changed = whole.slice();
            changed[at] = below(256);
            attempt(() => tracker.push(changed, (time += 0.04)) + (tracker.display(time) ? 1 : 0));
          }
        }
        for (let count = 0; count < 2_000; count += 1) {
          const noise = Uint8Array.from({ length: below(300) }, () => below(256));
          attempt(() => tracker.push(noise, (time += 0.04)));
          attempt(() => tracker.pushFlvTag(noise));
        }
      }
      for (const odd of [NaN, Infinity, -Infinity, 1e300, -1e300]) attempt(() => tracker.push(whole, odd) + (tracker.display(odd) ? 1 : 0));
    });
    clean(await opened.evaluate(CLEAN));
  });

  for (const [kind, clip, method] of [["FLV", numbered, "appendFlv"], ["MPEG-TS", numberedTs, "appendTs"]]) {
    it(`${kind} that is broken anywhere throws nothing`, async (t) => {
      const opened = await prepared(t);
      const size = (await readFile(await clip())).length;
      assert.ok(size > 10_000);
      await opened.evaluate(
        async ([url, method]) => {
          const whole = new Uint8Array(await (await fetch(url)).arrayBuffer());
          const below = hostile.random(11);
          for (let round = 0; round < 60; round += 1) {
            const bytes = whole.slice(0, 40_000);
            for (let count = 0; count < 1 + round; count += 1) bytes[below(bytes.length)] = below(256);
            // A part is missing, too.
            const gap = below(bytes.length);
            attempt(() => tracker.reset());
            attempt(() => tracker[method](bytes.subarray(0, gap)));
            for (let at = gap + below(400); at < bytes.length; ) {
              const next = at + 1 + below(3_000);
              attempt(() => tracker[method](bytes.subarray(at, next)));
              at = next;
            }
            attempt(() => tracker.display(below(10)));
          }
        },
        [media(await clip()), method],
      );
      clean(await opened.evaluate(CLEAN));
    });
  }

  for (const [way, method] of Object.entries({ "frame by frame": "push", "in FLV": "appendFlv", "in MPEG-TS": "appendTs" })) {
    it(`grow nothing over an hour, ${way}`, async (t) => {
      const opened = await open(t, await browser(), `${await site(t)}/empty`);
      const session = await opened.context().newCDPSession(opened);
      await session.send("HeapProfiler.enable");
      // The module's memory, of which the package shows nothing.
      await opened.evaluate(async () => {
        const { instantiate } = WebAssembly;
        WebAssembly.instantiate = async (...given) => {
          const made = await instantiate.call(WebAssembly, ...given);
          globalThis.memory = (made.instance ?? made).exports.memory;
          return made;
        };
        globalThis.lib = await import("/dist/index.js");
        await lib.init();
      });
      await opened.evaluate(prepare);
      await opened.evaluate(() => {
        globalThis.heard = { warnings: 0, messages: 0, panes: 0 };
        tracker.addEventListener("warning", () => (heard.warnings += 1));
        tracker.addEventListener("message", () => (heard.messages += 1));
        tracker.configure({ codec: "h264", format: "annexb" });
        const pane = (uid, x) => ({ uid, x, y: 0, w: 0.5, h: 1, vol: 9, vad: 9 });
        const good = ["a", "b"].map((uid) => hostile.frame(JSON.stringify({ stream: [pane(uid, 0), pane(`${uid}2`, 0.5)] })));
        // As many as are ever drawn; and what is large, now and then.
        const full = hostile.frame(JSON.stringify({ stream: Array.from({ length: 64 }, (_, uid) => pane(`${uid}`, 0)) }));
        const isLarge = ({ length }) => length >= 12_000;
        globalThis.all = [...hostile.frames().filter((frame) => !isLarge(frame)), ...good, ...good];
        globalThis.large = [full, ...hostile.frames().filter(isLarge)];
        globalThis.at = 0;
      });
      const hour = (part) =>
        opened.evaluate(
          ([method, count]) => {
            const stream = method === "push" ? null : hostile.stream(method === "appendFlv" ? "flv" : "ts");
            for (let end = at + count; at < end; at += 1) {
              const [frame, time] = [at % 500 === 0 ? large[(at / 500) % large.length] : all[at % all.length], at / 25];
              if (stream) tracker[method](stream(frame, time));
              else tracker.push(frame, time);
              tracker.display(time);
              heard.panes = Math.max(heard.panes, overlay.element.childElementCount);
            }
          },
          [method, HOUR * part],
        );
      const measured = async () => {
        await session.send("HeapProfiler.collectGarbage");
        const { usedSize } = await session.send("Runtime.getHeapUsage");
        const { wasm, elements } = await opened.evaluate(() => ({ wasm: memory.buffer.byteLength, elements: document.querySelectorAll("*").length }));
        return { heap: usedSize, wasm, elements };
      };
      await hour(0.5);
      const half = await measured();
      await hour(0.5);
      const whole = await measured();
      const heard = await opened.evaluate(() => heard);
      t.diagnostic(`module ${whole.wasm / 1_024} KiB, heap ${Math.round(whole.heap / 1_024)} KiB, ${JSON.stringify(heard)}`);
      assert.equal(whole.wasm, half.wasm);
      assert.ok(whole.heap - half.heap < SLACK, `${half.heap}, then ${whole.heap}`);
      assert.ok(heard.panes === 64, `${heard.panes} panes were drawn`);
      assert.ok(whole.elements <= half.elements + 64 * 5);
      assert.ok(heard.messages > HOUR / 2, `${heard.messages} messages`);
      // Warnings are few: the same is told once in five seconds.
      assert.ok(heard.warnings < heard.messages / 10, JSON.stringify(heard));
    });
  }
});
