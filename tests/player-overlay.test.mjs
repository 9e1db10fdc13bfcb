// The player's tracker and overlay in Chromium, on a picture that the page itself draws. What is expected is computed
// here, from CSS Images 3 §5.5.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { root } from "../tools/gateway.mjs";
import { withoutBrowser } from "../tools/browser.mjs";
import { open, serve } from "./lib/browser.mjs";
import { DRAWN, PAGE, canvasPage } from "./player/canvas.mjs";
import { sharedBrowser } from "./player/page.mjs";

const dist = join(root, "web/player/dist");
const skip = withoutBrowser();

before(() => assert.ok(existsSync(join(dist, "index.js")), "run tools/build-player"));

/** By device pixels of a pixel. */
const browsers = Object.fromEntries([1, 1.5, 2].map((scale) => [scale, sharedBrowser({ scale })]));

const page = (t, { scale = 1 } = {}) => canvasPage(t, browsers[scale]);

const PICTURE = [1280, 720];
const PANES = { ann: [0, 0, 0.5, 1], ben: [0.5, 0.25, 0.5, 0.5], cat: [0.75, 0.75, 0.2, 0.2] };

/** `object-position`, and what it is in parts and pixels. */
const POSITIONS = [
  ["50% 50%", [0.5, 0.5], [0, 0]],
  ["100% 0%", [1, 0], [0, 0]],
  ["left 10px bottom 20px", [0, 1], [10, -20]],
];

/** Where panes lie in a content box of these sides, by CSS Images 3 §5.5. */
function expected([width, height], fit, [positionX, positionY] = [0.5, 0.5]) {
  const ratios = [width / PICTURE[0], height / PICTURE[1]];
  const contain = Math.min(...ratios);
  const scales = {
    contain: [contain, contain],
    cover: [Math.max(...ratios), Math.max(...ratios)],
    fill: ratios,
    none: [1, 1],
    "scale-down": [Math.min(contain, 1), Math.min(contain, 1)],
  }[fit];
  const shown = [PICTURE[0] * scales[0], PICTURE[1] * scales[1]];
  const left = (width - shown[0]) * positionX;
  const top = (height - shown[1]) * positionY;
  return Object.entries(PANES).map(([uid, [x, y, w, h]]) => ({
    uid,
    x: left + x * shown[0],
    y: top + y * shown[1],
    width: w * shown[0],
    height: h * shown[1],
  }));
}

function near(actual, wanted, why) {
  assert.deepEqual(actual.map(({ uid }) => uid), wanted.map(({ uid }) => uid), why);
  actual.forEach((pane, index) => {
    for (const side of ["x", "y", "width", "height"]) {
      const difference = Math.abs(pane[side] - wanted[index][side]);
      assert.ok(difference <= 1, `${why}: ${pane.uid}.${side} is ${pane[side]}, not ${wanted[index][side]}`);
    }
  });
}

for (const scale of [1, 1.5, 2]) {
  test(`lays panes within a pixel of the picture, at every size and fit, at ${scale} device pixels`, { skip }, async (t) => {
    const tab = await page(t, { scale });
    await tab.evaluate((panes) => {
      window.overlay = new player.LayoutOverlay(video, tracker);
      show(frames.alibaba(...Object.entries(panes).map(([uid, place]) => [uid, ...place])));
    }, PANES);
    // 3 px of border and 5 px of padding are around the content box.
    const EDGE = 8;
    for (const size of [[640, 360], [333.5, 481.25], [901, 300]]) {
      for (const fit of ["contain", "cover", "fill", "none", "scale-down"]) {
        for (const [position, parts, pixels] of POSITIONS) {
          const actual = await tab.evaluate(async ([[width, height], fit, position]) => {
            Object.assign(video.style, { width: `${width}px`, height: `${height}px`, objectFit: fit, objectPosition: position });
            await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
            return panes();
          }, [size, fit, position]);
          const wanted = expected(size, fit, parts).map((pane) => ({ ...pane, x: pane.x + EDGE + pixels[0], y: pane.y + EDGE + pixels[1] }));
          near(actual, wanted, `${size} ${fit} ${position}`);
        }
      }
    }
  });
}

test("follows the video where it moves, is scaled with it, or goes to full screen", { skip }, async (t) => {
  const tab = await page(t);
  const wanted = (width, height, edge) => expected([width, height], "contain").map((pane) => ({ ...pane, x: pane.x + edge, y: pane.y + edge }));
  await tab.evaluate((panes) => {
    window.overlay = new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(...Object.entries(panes).map(([uid, place]) => [uid, ...place])));
    const more = document.createElement("p");
    more.textContent = "More above it.";
    more.style.height = "61.5px";
    document.querySelector("h1").after(more);
  }, PANES);
  await tab.waitForFunction(() => Math.abs(panes()[0].x - 8) < 1 && Math.abs(panes()[0].y - 8) < 1);
  near(await tab.evaluate(() => panes()), wanted(640, 360, 8), "moved");

  await tab.evaluate(() => {
    document.querySelector(".stage").style.cssText = "transform: scale(.5); transform-origin: 0 0";
    overlay.update();
  });
  near(await tab.evaluate(() => panes()), wanted(320, 180, 4), "scaled");

  await tab.evaluate(() => (document.querySelector(".stage").style.cssText = ""));
  await tab.evaluate(() => document.querySelector(".stage").requestFullscreen());
  await tab.waitForFunction(() => document.fullscreenElement);
  await tab.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  near(await tab.evaluate(() => panes()), wanted(640, 360, 8), "with its parent in full screen");
  await tab.evaluate(() => document.exitFullscreen());
  await tab.waitForFunction(() => !document.fullscreenElement);

  await tab.evaluate(() => video.requestFullscreen());
  await tab.waitForFunction(() => document.fullscreenElement === video);
  await tab.waitForFunction(() => overlay.element.matches(":popover-open"));
  await tab.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  const full = await tab.evaluate(() => {
    const style = getComputedStyle(video);
    const edge = parseFloat(style.borderLeftWidth) + parseFloat(style.paddingLeft);
    const { width, height } = video.getBoundingClientRect();
    return { edge, width: width - 2 * edge, height: height - 2 * edge };
  });
  near(await tab.evaluate(() => panes()), wanted(full.width, full.height, full.edge), "by itself in full screen");
  await tab.evaluate(() => document.exitFullscreen());
  await tab.waitForFunction(() => !overlay.element.hasAttribute("popover"));
});

test("keeps a user's element while the layout changes, and takes away who left", { skip }, async (t) => {
  const tab = await page(t);
  const result = await tab.evaluate(() => {
    const overlay = new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(["ann", 0, 0, 0.5, 1], ["ben", 0.5, 0, 0.5, 1]));
    const before = Object.fromEntries([...overlay.element.children].map((pane) => [pane.dataset.uid, pane]));
    show(frames.alibaba(["cat", 0, 0, 0.25, 1], ["ann", 0.25, 0, 0.75, 1]));
    const after = [...overlay.element.children];
    const kept = after.filter((pane) => pane === before.ann).length;
    const uids = after.map((pane) => pane.dataset.uid);
    tracker.display(1000);
    const visible = getComputedStyle(overlay.element).visibility;
    const left = overlay.element.children.length;
    overlay.destroy();
    return { kept, uids, visible, left, gone: !overlay.element.isConnected };
  });
  assert.deepEqual(result, { kept: 1, uids: ["ann", "cat"], visible: "hidden", left: 0, gone: true });
});

test("a name is text, whatever is in it", { skip }, async (t) => {
  const tab = await page(t);
  const name = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</` + `script>&amp;"'`;
  const shown = await tab.evaluate((uid) => {
    const overlay = new player.LayoutOverlay(video, tracker);
    show(frames.alibaba([uid, 0, 0, 1, 1]));
    return { text: overlay.element.querySelector(".livegate-name").textContent, images: overlay.element.querySelectorAll("img, script").length };
  }, name);
  assert.deepEqual(shown, { text: name, images: 0 });
  assert.equal(await tab.evaluate(() => window.hacked), undefined);
});

test("a pane is chosen by a click, Enter and the space bar, and the uppermost one is", { skip }, async (t) => {
  const tab = await page(t);
  await tab.evaluate(() => {
    window.chosen = [];
    const overlay = new player.LayoutOverlay(video, tracker);
    overlay.addEventListener("select", ({ uid }) => chosen.push(uid));
    show(frames.alibaba(["top", 0.25, 0.25, 0.5, 0.5, { zorder: 5 }], ["whole", 0, 0, 1, 1, { zorder: 1 }]));
  });
  const box = await tab.locator("video").boundingBox();
  await tab.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await tab.mouse.click(box.x + 20, box.y + 20);
  // From here on the keyboard begins before the video.
  await tab.mouse.click(30, 30);
  await tab.keyboard.press("Tab");
  await tab.keyboard.press("Enter");
  await tab.keyboard.press("Tab");
  await tab.keyboard.press("Space");
  const chosen = await tab.evaluate(() => chosen);
  assert.deepEqual(chosen.slice(0, 2), ["top", "whole"]);
  assert.deepEqual(chosen.slice(2).sort(), ["top", "whole"]);
});

test("who speaks is shown, and told to no screen reader", { skip }, async (t) => {
  const tab = await page(t);
  const seen = await tab.evaluate(async () => {
    const overlay = new player.LayoutOverlay(video, tracker);
    const states = [];
    for (const [vol, vad] of [[0, 0], [120, 150], [60, 150], [3, 20]]) {
      show(frames.alibaba(["ann", 0, 0, 1, 1, { vol, vad }]));
      await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
      const pane = overlay.element.querySelector(".livegate-pane");
      await Promise.all(pane.getAnimations({ subtree: true }).map(({ finished }) => finished));
      states.push({
        speaking: pane.dataset.speaking,
        ring: getComputedStyle(pane.querySelector(".livegate-ring")).opacity,
        label: pane.querySelector("button").ariaLabel,
      });
    }
    return { states, live: overlay.element.querySelectorAll("[aria-live]").length };
  });
  assert.deepEqual(seen.states.map(({ speaking, ring }) => [speaking, ring]), [["false", "0"], ["true", "1"], ["true", "1"], ["false", "0"]]);
  assert.deepEqual(new Set(seen.states.map(({ label }) => label)), new Set(["ann"]));
  assert.equal(seen.live, 0);
});

test("axe finds nothing in it", { skip }, async (t) => {
  const tab = await page(t);
  await tab.evaluate(() => {
    new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(["ann", 0, 0, 0.5, 1, { vad: 150 }], ["ben", 0.5, 0, 0.5, 1]));
  });
  await tab.addScriptTag({ path: join(root, "node_modules/axe-core/axe.min.js") });
  const { violations } = await tab.evaluate(() => axe.run());
  assert.deepEqual(violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => [id, nodes[0].html]), []);
});

test("tells every message, the layout where it counts, and a warning once", { skip }, async (t) => {
  const tab = await page(t);
  const told = await tab.evaluate(() => {
    const one = frames.alibaba(["ann", 0, 0, 1, 1]);
    const two = JSON.stringify({ canvas: { w: 640, h: 360 }, regions: [{ uid: 7, x: 0, y: 0, w: 320, h: 360, alpha: 1, zorder: 1, volume: 9 }] });
    tracker.push(frames.annexb(one, { type: 100, text: two }), 5);
    tracker.push(frames.annexb(one), 6);
    for (let frame = 0; frame < 100; frame += 1) tracker.push(frames.annexb(`{"stream":[{"uid":"x","x":NaN,"y":1e99,"w":-1,"h":"what"}]}`), 7 + frame / 1000);
    const ids = [4.9, 5, 5.5, 6, 6.5].map((time) => tracker.display(time)?.panes[0].uid ?? null);
    return {
      ids,
      messages: events.filter(([name]) => name === "message").length,
      forms: events.filter(([name]) => name === "message").slice(0, 3).map(([, { message }]) => message.form),
      warnings: events.filter(([name]) => name === "warning").map(([, { warning }]) => warning.code),
    };
  });
  assert.deepEqual(told.ids, [null, "7", "7", "ann", "ann"]);
  assert.equal(told.messages, 103);
  assert.deepEqual(told.forms, ["alibaba", "agora", "alibaba"]);
  assert.ok(told.warnings.length > 0);
  assert.equal(new Set(told.warnings).size, told.warnings.length, "each code once");
});

test("comes and goes with its video, wherever the page puts it", { skip }, async (t) => {
  const tab = await page(t);
  await tab.evaluate(DRAWN);
  const seen = await tab.evaluate(async (place) => {
    show(frames.alibaba(["ann", ...place]));
    const places = ["one", "two"].map(() => Object.assign(document.createElement("div"), { style: "position: relative; padding: 11px" }));
    document.body.append(...places);
    const late = document.createElement("video");
    const overlay = new player.LayoutOverlay(late, tracker);
    const other = new player.LayoutOverlay(late, tracker);
    late.muted = true;
    Object.assign(late.style, { width: "320px", height: "180px", border: "0", padding: "0" });
    late.srcObject = canvas.captureStream();
    const lies = () => {
      const pane = overlay.element.querySelector(".livegate-pane")?.getBoundingClientRect();
      const box = late.getBoundingClientRect();
      return overlay.element.parentNode === late.parentNode && !!pane && Math.abs(pane.left - box.left) < 1 && Math.abs(pane.top - box.top) < 1;
    };
    const found = { before: overlay.element.isConnected };
    places[0].append(late);
    await late.play();
    found.inserted = await settled(lies);
    // Two overlays of one video leave each other where they are.
    const watching = new MutationObserver((records) => (found.restless = records.some(({ type }) => type === "childList")));
    watching.observe(places[0], { childList: true });
    await new Promise((later) => setTimeout(later, 600));
    found.restless ??= false;
    watching.disconnect();
    late.pause();
    places[1].append(late);
    found.moved = await settled(lies);
    late.remove();
    found.removed = await settled(() => !overlay.element.isConnected && !other.element.isConnected);
    overlay.destroy();
    places[0].append(late);
    await new Promise((later) => setTimeout(later, 600));
    overlay.update();
    found.destroyed = overlay.element.isConnected;
    return found;
  }, [0, 0, 0.5, 1]);
  assert.deepEqual(seen, { before: false, inserted: true, restless: false, moved: true, removed: true, destroyed: false });
});

test("looks the same in a frame, in another window and in a shadow tree", { skip }, async (t) => {
  const tab = await page(t);
  await tab.evaluate(DRAWN);
  await tab.evaluate(() => (window.show(frames.alibaba(["ann", 0, 0, 1, 1])), 0));
  const styles = await tab.evaluate(async () => {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const host = document.createElement("div");
    document.body.append(host);
    const opened = window.open("", "", "width=500,height=400");
    const places = {
      frame: [frame.contentDocument, frame.contentDocument.body],
      window: [opened.document, opened.document.body],
      shadow: [document, host.attachShadow({ mode: "open" })],
    };
    const found = {};
    const look = (overlay, page) => {
      const name = overlay.element.querySelector(".livegate-name");
      const { position, textOverflow } = page.defaultView.getComputedStyle(name);
      return { position, textOverflow };
    };
    for (const [kind, [page, place]] of Object.entries(places)) {
      const video = await drawn(page, place);
      const overlay = new player.LayoutOverlay(video, tracker);
      await settled(() => overlay.element.querySelector(".livegate-name"));
      found[kind] = look(overlay, page);
    }
    // And one that goes from the page to the other window, as to a picture in picture.
    const video = await drawn(document, document.body);
    const overlay = new player.LayoutOverlay(video, tracker);
    await settled(() => overlay.element.querySelector(".livegate-name"));
    opened.document.body.append(video);
    await settled(() => overlay.element.ownerDocument === opened.document && overlay.element.querySelector(".livegate-name"));
    found.moved = look(overlay, opened.document);
    opened.close();
    return found;
  });
  const styled = { position: "absolute", textOverflow: "ellipsis" };
  assert.deepEqual(styles, { frame: styled, window: styled, shadow: styled, moved: styled });
});

test("blank names, and two alike, can be seen, heard and told apart", { skip }, async (t) => {
  const tab = await page(t);
  const BLANK = ["   ", "\n", "\u200b\u2060", "\u3164\u2800"];
  const seen = await tab.evaluate((blank) => {
    const overlay = new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(...blank.map((uid, at) => [uid, at / 4, 0, 0.25, 0.5]), ["ann", 0, 0.5, 0.5, 0.5], ["ann", 0.5, 0.5, 0.5, 0.5]));
    const panes = [...overlay.element.querySelectorAll(".livegate-pane")];
    const read = () => panes.map((pane) => [pane.querySelector(".livegate-name").textContent, pane.querySelector("button").ariaLabel]);
    const first = read();
    // Whose name is a number of the list gets another when the list does.
    show(frames.alibaba(...blank.slice(1).map((uid, at) => [uid, at / 4, 0, 0.25, 0.5])));
    return { first, then: [...overlay.element.querySelectorAll(".livegate-name")].map(({ textContent }) => textContent), uids: panes.map(({ dataset }) => dataset.uid) };
  }, BLANK);
  const people = BLANK.map((_, at) => [`Person ${at + 1}`, `Person ${at + 1}`]);
  assert.deepEqual(seen.first, [...people, ["ann", "ann"], ["ann", "ann, 2"]]);
  assert.deepEqual(seen.then, ["Person 1", "Person 2", "Person 3"]);
  assert.deepEqual(seen.uids, [...BLANK, "ann", "ann"]);
  await tab.addScriptTag({ path: join(root, "node_modules/axe-core/axe.min.js") });
  const { violations } = await tab.evaluate(() => axe.run());
  assert.deepEqual(violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => [id, nodes[0].html]), []);
});

test("keeps the layout on the frame at half and at twice the speed", { skip }, async (t) => {
  const tab = await page(t);
  const seen = await tab.evaluate(async () => {
    // The page's own recording: a column for each of eight tenths of a second.
    const from = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const ink = from.getContext("2d");
    const recorder = new MediaRecorder(from.captureStream(25), { mimeType: "video/webm;codecs=vp8" });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((done) => (recorder.onstop = done));
    recorder.start();
    const began = performance.now();
    await new Promise((done) => {
      const draw = () => {
        const column = Math.floor((performance.now() - began) / 160);
        if (column >= 8) return done();
        ink.fillStyle = "#000";
        ink.fillRect(0, 0, 320, 180);
        ink.fillStyle = "#fff";
        ink.fillRect(column * 40, 0, 40, 180);
        requestAnimationFrame(draw);
      };
      draw();
    });
    recorder.stop();
    await stopped;
    const file = Object.assign(document.createElement("video"), { muted: true, src: URL.createObjectURL(new Blob(parts)) });
    document.body.append(file);
    await new Promise((done) => (file.onloadeddata = done));
    const pen = new OffscreenCanvas(320, 180).getContext("2d", { willReadFrequently: true });
    const column = () => {
      pen.drawImage(file, 0, 0, 320, 180);
      const row = pen.getImageData(0, 90, 320, 1).data;
      return [0, 1, 2, 3, 4, 5, 6, 7].find((at) => row[(at * 40 + 20) * 4] > 128) ?? -1;
    };
    const play = async (rate, look) => {
      file.currentTime = 0;
      file.playbackRate = rate;
      let ended = false;
      const each = (_, { mediaTime }) => {
        if (!ended) file.requestVideoFrameCallback(each);
        look(mediaTime);
      };
      file.requestVideoFrameCallback(each);
      await file.play();
      await new Promise((done) => file.addEventListener("ended", done, { once: true }));
      ended = true;
    };
    // What is where is read slowly once, and said by messages.
    const times = new Map();
    await play(0.5, (mediaTime) => times.set(mediaTime, column()));
    const tracker = new player.LayoutTracker();
    tracker.configure({ codec: "h264", format: "annexb" });
    for (const [mediaTime, at] of times) if (at >= 0) tracker.push(frames.annexb(frames.alibaba([`${at}`, at / 8, 0, 1 / 8, 1])), mediaTime);
    tracker.attach(file);
    const overlay = new player.LayoutOverlay(file, tracker);
    const seen = {};
    for (const rate of [0.5, 2]) {
      seen[rate] = [];
      await play(rate, (mediaTime) => {
        if (!times.has(mediaTime)) return;
        const pane = overlay.element.querySelector(".livegate-pane");
        seen[rate].push([times.get(mediaTime), Number(tracker.current?.panes[0].uid ?? -1), Number(pane?.dataset.uid ?? -1)]);
      });
    }
    return seen;
  });
  for (const [rate, all] of Object.entries(seen)) {
    assert.ok(all.length >= 8, `${all.length} frames at ${rate}`);
    assert.deepEqual(all.filter(([drawn, current, element]) => drawn !== current || drawn !== element), [], `at ${rate}`);
  }
});

test("goes with its stage to a picture in picture of the document", { skip }, async (t) => {
  const tab = await page(t);
  if (!(await tab.evaluate(() => "documentPictureInPicture" in window))) return t.skip("this Chromium has none");
  await tab.evaluate(() => {
    window.overlay = new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(["ann", 0.5, 0.5, 0.5, 0.5]));
    document.querySelector("h1").addEventListener("click", async () => {
      window.other = await documentPictureInPicture.requestWindow({ width: 400, height: 300 });
      other.document.body.append(document.querySelector(".stage"));
      void video.play();
    });
  });
  await tab.click("h1");
  const lies = () => {
    if (!window.other) return false;
    const pane = overlay.element.querySelector(".livegate-pane")?.getBoundingClientRect();
    const box = video.getBoundingClientRect();
    const rules = other.getComputedStyle(overlay.element.querySelector(".livegate-name") ?? video).textOverflow;
    // The page's own style stayed behind: there is no border, and the picture is as wide as it is.
    return overlay.element.ownerDocument === other.document && !!pane && rules === "ellipsis" && Math.abs(pane.left - (box.left + box.width / 2)) < 1 && Math.abs(pane.bottom - box.bottom) < 1;
  };
  // The page itself is repainted no longer where the other window covers it.
  await tab.waitForFunction(lies, null, { polling: 100 });
  await tab.evaluate(() => document.body.append(other.document.querySelector(".stage")));
  await tab.waitForFunction(() => {
    const pane = overlay.element.querySelector(".livegate-pane")?.getBoundingClientRect();
    const box = video.getBoundingClientRect();
    // 3 px of border and 5 px of padding are around it again.
    return overlay.element.ownerDocument === document && !!pane && Math.abs(pane.right + 8 - box.right) < 1 && Math.abs(pane.bottom + 8 - box.bottom) < 1;
  });
});

test("lies on the picture from right to left, in a shadow tree, and turned with what is around it", { skip }, async (t) => {
  const tab = await page(t);
  await tab.evaluate(DRAWN);
  const found = await tab.evaluate(async () => {
    show(frames.alibaba(["ann", 0, 0, 0.5, 0.25]));
    const found = {};
    for (const [kind, style, direction] of [
      ["right to left", "", "rtl"],
      ["shadow", "", "ltr"],
      ["a quarter", "transform: rotate(90deg)", "ltr"],
      ["a half", "rotate: 180deg", "ltr"],
      ["a quarter back, smaller", "transform: translate(30px, 20px) rotate(-90deg) scale(.5)", "ltr"],
      ["askew", "transform: rotate(20deg) skewX(10deg)", "rtl"],
    ]) {
      const outer = document.createElement("div");
      document.body.append(outer);
      outer.dir = direction;
      const wrapper = document.createElement("div");
      wrapper.style.cssText = `position: relative; width: 400px; padding: 11px 23px; ${style}`;
      (kind === "shadow" ? outer.attachShadow({ mode: "closed" }) : outer).append(wrapper);
      const made = await drawn(document, wrapper);
      made.style.cssText += "border: 4px solid; padding: 6px;";
      const overlay = new player.LayoutOverlay(made, tracker);
      await settled(() => overlay.element.querySelector(".livegate-pane"));
      await new Promise((later) => setTimeout(later, 600));
      // Put where the pane has to be by CSS alone, an element says where that is.
      const mark = document.createElement("div");
      mark.style.cssText = `position: absolute; left: ${made.offsetLeft + 10}px; top: ${made.offsetTop + 10}px; width: 160px; height: 45px`;
      wrapper.append(mark);
      const [pane, wanted] = [overlay.element.querySelector(".livegate-pane"), mark].map((element) => element.getBoundingClientRect());
      found[kind] = ["left", "top", "right", "bottom"].map((side) => pane[side] - wanted[side]);
      overlay.destroy();
      outer.remove();
    }
    return found;
  });
  for (const [kind, sides] of Object.entries(found)) for (const off of sides) assert.ok(Math.abs(off) <= 1, `${kind}: ${sides}`);
});

test("several players on a page each have their own", { skip }, async (t) => {
  const tab = await page(t);
  await tab.evaluate(DRAWN);
  const found = await tab.evaluate(async () => {
    const all = [];
    for (const uid of ["one", "two", "three"]) {
      const made = await drawn(document, document.body);
      const tracker = new player.LayoutTracker();
      tracker.configure({ codec: "h264", format: "annexb" });
      const overlay = new player.LayoutOverlay(made, tracker);
      all.push({ uid, made, tracker, overlay });
    }
    all.forEach(({ uid, tracker }, at) => tracker.push(frames.annexb(frames.alibaba([uid, at / 4, 0, 0.25, 1])), at));
    all.forEach(({ tracker }, at) => tracker.display(at));
    const look = () =>
      all.map(({ made, overlay }) => {
        const pane = overlay.element.querySelector(".livegate-pane");
        return pane?.isConnected ? [pane.dataset.uid, Math.round(pane.getBoundingClientRect().left - made.getBoundingClientRect().left)] : null;
      });
    const before = look();
    all[1].overlay.destroy();
    all[1].tracker.close();
    all[0].tracker.reset();
    return { before, after: look(), sheets: document.adoptedStyleSheets.length };
  });
  // 3 px of border and 5 px of padding are around each.
  assert.deepEqual(found.before, [["one", 8], ["two", 88], ["three", 168]]);
  assert.deepEqual(found.after, [null, null, ["three", 168]]);
  assert.equal(found.sheets, 1);
});

test("works under a policy that allows no inline script or style", { skip }, async (t) => {
  const script = /<script type="module">(.*)<\/script>/s.exec(PAGE)[1];
  const style = /<style>(.*)<\/style>/s.exec(PAGE)[1];
  const routes = {
    "/": { body: PAGE.replace(/<style>.*<\/style>/s, '<link rel="stylesheet" href="/page.css">').replace(/<script type="module">.*<\/script>/s, '<script type="module" src="/page.js"></script>') },
    "/page.css": { body: style, type: "text/css" },
    "/page.js": { body: script, type: "text/javascript" },
    "/player": dist,
    "/frames.mjs": { body: await readFile(join(root, "tests/lib/frames.mjs")), type: "text/javascript" },
  };
  const url = await serve(t, routes, { headers: { "content-security-policy": "script-src 'self' 'wasm-unsafe-eval'; style-src 'self'" } });
  const tab = await open(t, await browsers[1](), "about:blank");
  const refused = [];
  tab.on("console", (message) => message.type() === "error" && refused.push(message.text()));
  await tab.goto(`${url}/`);
  await tab.waitForFunction(() => window.ready);
  await tab.evaluate((panes) => {
    new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(...Object.entries(panes).map(([uid, place]) => [uid, ...place])));
  }, PANES);
  near(await tab.evaluate(() => panes()), expected([640, 360], "contain").map((pane) => ({ ...pane, x: pane.x + 8, y: pane.y + 8 })), "under the policy");
  assert.equal(await tab.evaluate(() => getComputedStyle(document.querySelector(".livegate-name")).textOverflow), "ellipsis");
  assert.deepEqual(refused.filter((text) => !text.includes("favicon")), []);
});
