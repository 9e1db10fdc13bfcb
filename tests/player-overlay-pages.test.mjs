// The overlay in pages as they are: with rules and callbacks of their own, and with videos that are scaled, turned and
// mirrored. Where panes have to be is said by elements that CSS alone puts there, or by parts of the video's rectangle.

import assert from "node:assert/strict";
import { test } from "node:test";

import { withoutBrowser } from "../tools/browser.mjs";
import { DRAWN, canvasPage } from "./player/canvas.mjs";
import { sharedBrowser } from "./player/page.mjs";

const skip = withoutBrowser();
const browser = sharedBrowser();
/** CSS pixels before anything is transformed. */
const NEAR = 1;

async function page(t, head) {
  const tab = await canvasPage(t, browser, { head });
  await tab.evaluate(DRAWN);
  return tab;
}

test("lies on the picture whatever turns, mirrors or scales what is around it, and the page stays as large as it is", { skip }, async (t) => {
  const tab = await page(t);
  const found = await tab.evaluate(async () => {
    show(frames.alibaba(["ann", 0.25, 0.5, 0.25, 0.25]));
    const all = [];
    for (const [kind, style, inner = ""] of [
      ["mirrored", "transform: scaleX(-1)"],
      ["a quarter", "transform: rotate(90deg)"],
      ["a half", "transform: rotate(180deg)"],
      ["four times", "transform: scale(4); transform-origin: 0 0", "width: 333.45px"],
      ["skewed", "transform: skewX(20deg) scale(.7)"],
      ["in perspective", "transform: perspective(900px) rotateY(30deg)"],
      ["moved slowly", "", "", "* { transition: all .4s }"],
    ]) {
      const wrapper = document.createElement("div");
      wrapper.style.cssText = `position: relative; width: 400px; padding: 11px 23px; ${style}`;
      document.body.append(wrapper);
      const made = await drawn(document, wrapper);
      made.style.cssText += `display: block; object-fit: fill; ${inner}`;
      const overlay = new player.LayoutOverlay(made, tracker);
      const scroller = document.scrollingElement;
      all.push({ kind, wrapper, made, overlay, before: [scroller.scrollWidth, scroller.scrollHeight] });
    }
    await new Promise((later) => setTimeout(later, 3000));
    return all.map(({ kind, wrapper, made, overlay }) => {
      const [width, height] = ["width", "height"].map((side) => parseFloat(getComputedStyle(made)[side]));
      const mark = document.createElement("div");
      mark.style.cssText = `position: absolute; box-sizing: border-box; left: ${23 + 3 + 5 + width / 4}px; top: ${11 + 3 + 5 + height / 2}px; width: ${width / 4}px; height: ${height / 4}px`;
      wrapper.append(mark);
      const pane = overlay.element.querySelector(".livegate-pane");
      const [is, wanted] = [pane, mark].map((element) => element.getBoundingClientRect());
      const scale = kind === "four times" ? 4 : 1;
      return { kind, off: ["left", "top", "right", "bottom"].map((side) => (is[side] - wanted[side]) / scale) };
    }).concat([{ kind: "page", size: [document.scrollingElement.scrollWidth, document.scrollingElement.scrollHeight], before: all.at(-1).before }]);
  });
  const { size, before } = found.pop();
  assert.deepEqual(size, before);
  for (const { kind, off } of found) for (const side of off) assert.ok(Math.abs(side) <= NEAR, `${kind}: ${off}`);
});

/** Of a pane that has the left half of the picture: its sides as parts of the video's rectangle. */
const OWN = [
  ["transform: scale(.5)", [0, 0, 0.5, 1]],
  ["scale: 1.2", [0, 0, 0.5, 1]],
  ["transform: scaleX(-1)", [0.5, 0, 1, 1]],
  ["rotate: 90deg", [0, 0, 1, 0.5]],
  ["rotate: 90deg; transform: scaleX(-1)", [0, 0.5, 1, 1]],
  ["transform: rotate(180deg); transform-origin: 10px 30px; border-left: 20px solid", [160 / 340, 0, 320 / 340, 1]],
  ["translate: 15px -7px; transform: rotate(-90deg)", [0, 0.5, 1, 1]],
  ["zoom: 1.5", [0, 0, 0.5, 1]],
  ["box-sizing: border-box; width: 200px; height: 100px; padding-left: 40px", [40 / 200, 0, 120 / 200, 1]],
];
for (const where of ["", "transform: rotate(90deg) scale(2)"]) {
  test(`follows a video that is itself scaled, turned or mirrored${where && ", in what is turned and scaled"}`, { skip }, async (t) => {
    const tab = await page(t);
    const found = await tab.evaluate(async ([where, styles]) => {
      show(frames.alibaba(["ann", 0, 0, 0.5, 1]));
      const wrapper = document.createElement("div");
      wrapper.style.cssText = `width: 500px; height: 500px; ${where}`;
      document.body.append(wrapper);
      const made = await drawn(document, wrapper);
      const overlay = new player.LayoutOverlay(made, tracker);
      const parts = [];
      for (const style of styles) {
        made.style.cssText = `width: 320px; height: 180px; border: 0; padding: 0; object-fit: fill; ${style}`;
        overlay.update();
        const box = made.getBoundingClientRect();
        const pane = overlay.element.querySelector(".livegate-pane").getBoundingClientRect();
        parts.push([(pane.left - box.left) / box.width, (pane.top - box.top) / box.height, (pane.right - box.left) / box.width, (pane.bottom - box.top) / box.height]);
      }
      return parts;
    }, [where, OWN.map(([style]) => style)]);
    const turned = ([left, top, right, bottom]) => (where ? [1 - bottom, left, 1 - top, right] : [left, top, right, bottom]);
    OWN.forEach(([style, wanted], index) => {
      // A pixel of the least of them.
      for (const [side, part] of turned(wanted).entries()) assert.ok(Math.abs(found[index][side] - part) <= 1 / 160, `${style}: ${found[index]}`);
    });
  });
}

test("follows a paused video that is scrolled, in a table and in a list of its own", { skip }, async (t) => {
  const tab = await page(t);
  const found = await tab.evaluate(async () => {
    show(frames.alibaba(["ann", 0, 0, 0.5, 1]));
    const off = [];
    for (const html of ['<div style="overflow: auto; height: 250px"><p style="height: 700px">before</p><!-- --></div>', '<div style="overflow: auto; height: 250px"><table style="margin-top: 400px; border: 7px solid"><td style="padding: 9px"></td></table></div>']) {
      const host = document.createElement("div");
      host.innerHTML = html;
      document.body.append(host);
      const made = await drawn(document, host.querySelector("td") ?? host.firstChild);
      made.style.cssText += "border: 0; padding: 0";
      made.pause();
      const overlay = new player.LayoutOverlay(made, tracker);
      overlay.update();
      for (const top of [0, 300, 77]) {
        host.firstChild.scrollTop = top;
        // Scrolling is told before the next repaint.
        await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
        const [pane, box] = [overlay.element.querySelector(".livegate-pane"), made].map((element) => element.getBoundingClientRect());
        off.push(pane.left - box.left, pane.top - box.top);
      }
    }
    return off;
  });
  for (const pixels of found) assert.ok(Math.abs(pixels) <= NEAR, `${found}`);
});

test("tells how much of a pane is beyond the video's box, and keeps names inside", { skip }, async (t) => {
  const tab = await page(t);
  const found = await tab.evaluate(async () => {
    show(frames.alibaba(["ann", 0, 0, 0.5, 1], ["ben", 0.5, 0, 0.5, 1]));
    Object.assign(video.style, { width: "360px", height: "360px", objectFit: "cover" });
    const overlay = new player.LayoutOverlay(video, tracker);
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    const read = () =>
      [...overlay.element.querySelectorAll(".livegate-pane")].map((pane) => {
        const content = pane.querySelector(".livegate-content").getBoundingClientRect();
        const box = video.getBoundingClientRect();
        return [...["left", "top", "right", "bottom"].map((side) => parseFloat(pane.style.getPropertyValue(`--livegate-cut-${side}`))), content.left - box.left - 8, content.width];
      });
    const across = read();
    Object.assign(video.style, { width: "960px", height: "360px" });
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    return { across, down: read() };
  });
  // The picture is 640 by 360 in 360 by 360, so 140 are cut off at either side; then 960 by 540 in 960 by 360, so 90.
  assert.deepEqual(found.across, [[140, 0, 0, 0, 0, 180], [0, 0, 140, 0, 180, 180]]);
  assert.deepEqual(found.down, [[0, 90, 0, 90, 0, 480], [0, 90, 0, 90, 480, 480]]);
});

const CLASSLESS = `<style>
* { transition: all .3s; }
button { background: #06c; padding: .5rem 1rem; border: 2px solid red; border-radius: 9px; position: relative; margin: 4px; min-width: 120px; width: auto; height: 20px; float: left; transform: scale(2); }
div { position: relative; background: #222; margin: 3px; width: 50%; height: 8px; inset: 4px; }
body { background: #fff; }
</style>`;

test("a page's rules for buttons and divs neither hide the picture nor move a pane", { skip }, async (t) => {
  const tab = await page(t, `${CLASSLESS}<style>.livegate-select:hover { box-shadow: 0 0 3px red; } .livegate-content { display: flex; padding: 4px; }</style>`);
  const found = await tab.evaluate(async () => {
    document.querySelector(".stage").style.cssText = "width: auto; height: auto";
    const overlay = new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(["ann", 0, 0, 0.5, 1, { vad: 150 }]));
    await new Promise((later) => setTimeout(later, 500));
    const pane = overlay.element.querySelector(".livegate-pane");
    const elements = [overlay.element, pane, ...["select", "ring", "content"].map((name) => pane.querySelector(`.livegate-${name}`))];
    const box = video.getBoundingClientRect();
    return {
      backgrounds: elements.map((element) => getComputedStyle(element).backgroundColor),
      rectangles: elements.slice(1).map((element) => {
        const { left, top, width, height } = element.getBoundingClientRect();
        return [left - box.left, top - box.top, width, height];
      }),
      content: ["display", "paddingLeft"].map((name) => getComputedStyle(elements[4])[name]),
    };
  });
  assert.deepEqual(new Set(found.backgrounds), new Set(["rgba(0, 0, 0, 0)"]));
  // 3 px of border and 5 px of padding are around the picture.
  assert.deepEqual(found.rectangles, Array(4).fill([8, 8, 320, 360]));
  // What fills a pane is the page's.
  assert.deepEqual(found.content, ["flex", "4px"]);
});

test("looks the same when the page has other style sheets", { skip }, async (t) => {
  const tab = await page(t);
  const found = await tab.evaluate(async () => {
    const overlay = new player.LayoutOverlay(video, tracker);
    show(frames.alibaba(["ann", 0, 0, 1, 1]));
    document.adoptedStyleSheets = [new CSSStyleSheet()];
    const name = overlay.element.querySelector(".livegate-name");
    await settled(() => getComputedStyle(name).textOverflow === "ellipsis");
    return [getComputedStyle(name).textOverflow, document.adoptedStyleSheets.length];
  });
  assert.deepEqual(found, ["ellipsis", 2]);
});

for (const option of ["name", "label", "render"]) {
  test(`what ${option} throws is reported, and nobody who left stays in the picture`, { skip }, async (t) => {
    const tab = await page(t);
    const found = await tab.evaluate(async (option) => {
      const reported = [];
      window.addEventListener("error", (event) => {
        reported.push(event.error.message);
        event.preventDefault();
      });
      const known = { ann: { name: "Ann" }, ben: { name: "Ben" } };
      show(frames.alibaba(["stranger", 0, 0, 1, 1]));
      const overlay = new player.LayoutOverlay(video, tracker, {
        [option]: (pane, element) => {
          const { name } = known[pane.uid];
          if (element) element.textContent = name;
          return name;
        },
      });
      const seen = [];
      const look = () => seen.push([...overlay.element.children].map((pane) => [pane.dataset.uid, pane.textContent, pane.querySelector("button").ariaLabel]));
      look();
      for (const uids of [["ann"], ["stranger", "ann"], ["stranger"], ["ann"]]) {
        show(frames.alibaba(...uids.map((uid, at) => [uid, at / 2, 0, 0.5, 1])));
        look();
      }
      tracker.display(1000);
      look();
      overlay.destroy();
      await new Promise((later) => setTimeout(later));
      return { seen, reported };
    }, option);
    const of = { name: ["Person 1", "Person 1"], label: ["stranger", "Person 1"], render: ["", "stranger"] }[option];
    const stranger = ["stranger", ...of];
    const ann = ["ann", option === "label" ? "ann" : "Ann", option === "render" ? "ann" : "Ann"];
    // A new element comes after one that stays.
    const sorted = found.seen.map((panes) => panes.sort(([one], [other]) => (one < other ? -1 : 1)));
    assert.deepEqual(sorted, [[stranger], [ann], [ann, stranger], [stranger], [ann], []]);
    assert.ok(found.reported.length >= 2 && found.reported.every((text) => text.includes("undefined")), `${found.reported}`);
  });
}

test("whom the page has no name for has one, and no two are called alike", { skip }, async (t) => {
  const tab = await page(t);
  const found = await tab.evaluate(() => {
    const names = { a: "Ann", b: "Ann", c: "Ann, 2", d: null, f: 7 };
    const overlay = new player.LayoutOverlay(video, tracker, { name: ({ uid }) => names[uid], listLabel: "Who is here" });
    show(frames.alibaba(...[..."abcdef"].map((uid, at) => [uid, at / 6, 0, 1 / 6, 1])));
    const panes = [...overlay.element.children];
    return { list: overlay.element.ariaLabel, shown: panes.map((pane) => pane.textContent), said: panes.map((pane) => pane.querySelector("button").ariaLabel) };
  });
  const shown = ["Ann", "Ann", "Ann, 2", "Person 4", "Person 5", "Person 6"];
  assert.deepEqual(found.shown, shown);
  assert.deepEqual(found.said, ["Ann", "Ann, 3", ...shown.slice(2)]);
  assert.equal(found.list, "Who is here");
});

test("an overlay that is only seen is neither clicked nor reached by the keyboard, and is read", { skip }, async (t) => {
  const tab = await page(t);
  const found = await tab.evaluate(() => {
    const overlay = new player.LayoutOverlay(video, tracker, { interactive: false });
    show(frames.alibaba(["ann", 0, 0, 1, 1]));
    const { left, top, width, height } = video.getBoundingClientRect();
    const name = overlay.element.querySelector(".livegate-name");
    return {
      hit: document.elementFromPoint(left + width / 2, top + height / 2) === video,
      buttons: overlay.element.querySelectorAll("button, [tabindex]").length,
      read: name.textContent === "ann" && !name.closest("[aria-hidden]"),
    };
  });
  assert.deepEqual(found, { hit: true, buttons: 0, read: true });
});

test("a page fills a pane when it comes and when what is said of it changes", { skip }, async (t) => {
  const tab = await page(t);
  const calls = await tab.evaluate(() => {
    const calls = [];
    const overlay = new player.LayoutOverlay(video, tracker, {
      render: (pane, element) => {
        calls.push([pane.uid, pane.speaking, element.className, element.parentNode?.className]);
        element.textContent = "*";
      },
    });
    const ann = (vad) => show(frames.alibaba(["ann", 0, 0, 1, 1, { vad }]));
    ann(0);
    ann(0);
    ann(150);
    return [...calls, overlay.element.querySelectorAll(".livegate-name").length, overlay.element.textContent];
  });
  const at = ["livegate-content", "livegate-pane"];
  assert.deepEqual(calls, [["ann", false, ...at], ["ann", true, ...at], 0, "*"]);
});

test("a video of a player that is a custom element has its panes in full screen by itself", { skip }, async (t) => {
  const tab = await page(t);
  await tab.evaluate(async () => {
    const host = document.createElement("div");
    document.body.append(host);
    window.made = await drawn(document, host.attachShadow({ mode: "closed" }));
    window.overlay = new player.LayoutOverlay(made, tracker);
    show(frames.alibaba(["ann", 0, 0, 0.5, 1]));
    await made.requestFullscreen();
  });
  const lies = () => {
    const pane = overlay.element.querySelector(".livegate-pane").getBoundingClientRect();
    return overlay.element.matches(":popover-open") && Math.abs(pane.width - innerWidth / 2) < 1 && Math.abs(pane.left) < 1;
  };
  await tab.waitForFunction(lies, null, { timeout: 60_000 });
  await tab.evaluate(() => document.exitFullscreen());
  await tab.waitForFunction(() => !overlay.element.hasAttribute("popover"), null, { timeout: 60_000 });
});
