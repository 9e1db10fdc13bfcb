// What web/player/README.md shows is run as it is written there: each block of code is taken out of it, built with what
// it takes for granted before it, and run in Chromium.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";

import { root } from "../tools/gateway.mjs";
import { open, serve } from "./lib/browser.mjs";
import { numbered, numberedHls } from "./player/clips.mjs";
import { sharedBrowser, withoutPlayer } from "./player/page.mjs";

const { build } = createRequire(import.meta.url)("esbuild");
const home = join(root, "web/player");
const browser = sharedBrowser();

/** Blocks of code of a language, in their order. */
const blocks = async (language) =>
  [...(await readFile(join(home, "README.md"), "utf8")).matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, of]) => of === language).map(([, , code]) => code);

const [page] = await blocks("html");
const [quick, others, frames, ...rest] = await blocks("js");
const [style] = await blocks("css");
/** The parts of the block of other players, by their first line. */
const parts = Object.fromEntries(others.split(/\n\n(?=\/\/)/).map((part) => [part.split("\n", 1)[0], part]));

/** The package by its name, as it was built. */
const packaged = {
  name: "packaged",
  setup: ({ onResolve }) => onResolve({ filter: /^@livegate\/player/ }, ({ path }) => ({ path: join(home, "dist", `${path.split("/")[2] ?? "index"}.js`) })),
};

async function bundled(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    ...{ bundle: true, format: "esm", platform: "browser", write: false, outdir: root, plugins: [packaged], logLevel: "error" },
    loader: { ".wasm": "file", ".scss": "empty", ".css": "empty" },
  });
  return outputFiles.find(({ path }) => path.endsWith(".js")).text;
}

/** Runs code in a page; what it leaves in `seen` is waited for. */
async function run(t, code, { html = "<video muted autoplay></video>", wait = () => globalThis.seen } = {}) {
  const url = await serve(t, {
    "/": { body: `<!doctype html><html lang="en"><title>readme</title><style>${style}</style>${html}<script type="module" src="/main.js"></script></html>` },
    "/main.js": { body: await bundled(code), type: "text/javascript" },
    "/livegate_player.wasm": { body: await readFile(join(home, "dist/livegate_player.wasm")), type: "application/wasm" },
    "/live/room1.flv": { body: await readFile(await numbered()), type: "video/x-flv" },
    "/hls": await numberedHls(),
  });
  const tab = await open(t, await browser(), "about:blank");
  const said = [];
  tab.on("console", (message) => said.push(message.text()));
  await tab.goto(`${url}/`);
  await tab.waitForFunction(wait);
  return { tab, said };
}

/** What stands before the parts: they have a tracker of their own, and a player. */
const BEFORE = `
import { LayoutTracker, init } from "@livegate/player";
await init();
const video = document.querySelector("video");
const tracker = new LayoutTracker();
tracker.attach(video);
const url = new URL("/live/room1.flv", location.href).href;
tracker.addEventListener("layout", ({ layout }) => layout && (globalThis.seen = layout.panes[0].uid));
`;
const AFTER = "player.attachMediaElement(video); player.load();";

/** A frame of Annex B with a layout, and how it is cut up. */
const FRAME = `
import { alibaba, annexb, avcc } from "./tests/lib/frames.mjs";
const text = alibaba(["ann", 0, 0, 1, 1]);
const encoded = { data: annexb(text).buffer, getMetadata: () => ({ rtpTimestamp: 90000, mimeType: "video/H264" }) };
const passed = [];
const streams = () => ({
  readable: new ReadableStream({ start(stream) { stream.enqueue(encoded); stream.close(); } }),
  writable: new WritableStream({ write: (frame) => void passed.push(frame) }),
});
setInterval(() => passed.length > 0 && tracker.displayRtp(90000), 20);
`;

describe("the README's code", { skip: await withoutPlayer() }, () => {
  it("is all known here", () => {
    assert.deepEqual(rest, []);
    assert.deepEqual(Object.keys(parts).map((line) => line.slice(3).split(/[:,]| once| with/)[0]), ["flv.js", "hls.js", "xgplayer", "WebCodecs", "WebRTC", "WebRTC"]);
  });

  it("Quick start: plays, and a pane is chosen", async (t) => {
    const { tab, said } = await run(t, quick, { html: page, wait: () => document.querySelector(".livegate-select") });
    await tab.click(".livegate-select");
    assert.ok(said.some((text) => /^\S+ was chosen$/.test(text)), `${said}`);
  });

  const PLAYERS = {
    "flv.js": ['import flvjs from "flv.js";', AFTER],
    "hls.js": ['import Hls from "hls.js"; const hls = new Hls();', "hls.loadSource('/hls/index.m3u8'); hls.attachMedia(video);"],
    xgplayer: [
      'import Player from "xgplayer"; import { FlvPlugin } from "xgplayer-flv"; const el = document.createElement("div"); document.body.append(el); const player = new Player({ el, url, isLive: true, autoplay: true, autoplayMuted: true, plugins: [FlvPlugin] });',
      "tracker.attach(player.media);",
    ],
    WebCodecs: [
      `${FRAME} const config = { codec: "avc1.42c01e" }; const bytes = annexb(text); const chunk = new EncodedVideoChunk({ type: "key", timestamp: 40_000, data: bytes }); const frame = { timestamp: 40_000 };`,
      "",
    ],
    "WebRTC, in the page": [`${FRAME} const receiver = { createEncodedStreams: streams };`, ""],
    "WebRTC, in a worker": [
      `${FRAME} import { createLayoutTransform } from "@livegate/player/webrtc"; let onrtctransform; const receiver = {}; const worker = null; class RTCRtpScriptTransform { constructor(_, options) { this.options = options; } }`,
      "onrtctransform({ transformer: { ...streams(), options: receiver.transform.options } });",
    ],
  };
  for (const [name, [before, after]] of Object.entries(PLAYERS)) {
    it(`${name}: a layout is displayed`, async (t) => {
      const part = Object.entries(parts).find(([line]) => line.slice(3).startsWith(name))[1];
      const { tab } = await run(t, `${BEFORE}${before}\n${part}\n${after}`);
      assert.notEqual(await tab.evaluate(() => seen), null);
    });
  }

  it("frames of one's own: each line reads what it says", async (t) => {
    const before = `${BEFORE}${FRAME} const bytes = avcc(text); const tag = new Uint8Array(11); const pts = 1; const { timestampOffset } = { timestampOffset: 0 }; tracker.addEventListener("message", ({ message }) => (globalThis.seen = message.text));`;
    const { tab } = await run(t, `${before.replace("tracker.attach(video);", "")}\n${frames}`);
    assert.match(await tab.evaluate(() => seen), /"ann"/);
  });
});
