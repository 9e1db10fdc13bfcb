// A page with the package and a video of a canvas that the page itself draws. Messages are pushed by hand.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { root } from "../../tools/gateway.mjs";
import { open, serve } from "../lib/browser.mjs";

const dist = join(root, "web/player/dist");

export const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>overlay</title>
<style>body { margin: 13px; } .stage { position: relative; padding: 7px; } video { width: 640px; height: 360px; border: 3px solid; padding: 5px; }</style>
<h1>A picture</h1><div class="stage"><video muted></video></div>
<script type="module">
import * as player from "/player/index.js";
import * as frames from "/frames.mjs";
const video = document.querySelector("video");
const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
const pen = canvas.getContext("2d");
setInterval(() => { pen.fillStyle = "hsl(" + (performance.now() / 10) + "deg 50% 50%)"; pen.fillRect(0, 0, 1280, 720); }, 40);
pen.fillRect(0, 0, 1280, 720);
video.srcObject = canvas.captureStream();
await video.play();
await player.init();
const tracker = new player.LayoutTracker();
tracker.configure({ codec: "h264", format: "annexb" });
let time = 0;
const show = (...messages) => { tracker.push(frames.annexb(...messages), (time += 1)); return tracker.display(time); };
const events = [];
for (const name of ["layout", "message", "warning"]) tracker.addEventListener(name, (event) => events.push([name, event]));
Object.assign(window, { player, frames, video, canvas, tracker, show, events, panes });
function panes() {
  const box = video.getBoundingClientRect();
  return [...document.querySelectorAll(".livegate-pane")].map((pane) => {
    const rect = pane.getBoundingClientRect();
    return { uid: pane.dataset.uid, x: rect.left - box.left, y: rect.top - box.top, width: rect.width, height: rect.height };
  });
}
window.ready = true;
</script></html>`;

/** In the page: a video of a canvas, playing, in a document. */
export const DRAWN = `window.drawn = async (page, place) => {
  const made = Object.assign(page.createElement("video"), { muted: true });
  Object.assign(made.style, { width: "320px", height: "180px" });
  place?.append(made);
  made.srcObject = canvas.captureStream();
  await made.play();
  return made;
};
window.settled = async (is) => {
  for (const until = performance.now() + 120_000; !is() && performance.now() < until; ) await new Promise((later) => setTimeout(later, 20));
  return is();
};`;

/** The page, open in a browser that `sharedBrowser` gives; `head` is what it has of its own, with `headers`. */
export async function canvasPage(t, browser, { head = "", headers } = {}) {
  const url = await serve(t, {
    "/": { body: PAGE.replace("<h1>", `${head}<h1>`) },
    "/player": dist,
    "/frames.mjs": { body: await readFile(join(root, "tests/lib/frames.mjs")), type: "text/javascript" },
  }, headers && { headers });
  const opened = await open(t, await browser(), `${url}/`);
  await opened.waitForFunction(() => window.ready);
  return opened;
}
