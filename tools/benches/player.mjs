// What reading a frame costs in a page's player, with and without a message of ours, beside what the
// players' own SEI parsers take of the same bytes; and whether a frame without one leaves garbage.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { players } from "../../tests/media/players.mjs";
import { withoutBrowser } from "../browser.mjs";
import { measured, rows } from "./player-cases.mjs";
import { inChromium } from "./player-page.mjs";
import { figure, note, section } from "./report.mjs";

/** Bytes of a picture: 3 Mbit/s at 30 frames. */
const PICTURE = 12_500;
const UUID = Buffer.from("6c69766567618074a5652d7365692d31", "hex");
const AIM_BYTES = 1;

const layout = (users) =>
  JSON.stringify({
    stream: Array.from({ length: users }, (_, pane) => ({
      ...{ uid: `user-${pane}`, paneid: pane, zorder: 1, x: (pane % 3) / 4, y: 0.25, w: 0.25, h: 0.5 },
      ...{ type: 0, ms: 0, vol: 60 + pane, vad: 150 },
    })),
  });

/** H.264 7.3.2.3: type 5, the size in steps of 255, the UUID, the text, a stop bit. No byte needs an escape. */
function sei(text) {
  const body = Buffer.concat([UUID, Buffer.from(text)]);
  const size = [...Array(Math.floor(body.length / 255)).fill(255), body.length % 255];
  return Buffer.concat([Buffer.from([6, 5, ...size]), body, Buffer.from([0x80])]);
}

/** A sample with lengths of four bytes: a delimiter, what is given, a picture. */
function sample(...units) {
  const picture = Buffer.alloc(PICTURE, 0x5a);
  picture[0] = 0x41;
  const parts = [Buffer.from([9, 0xf0]), ...units, picture].flatMap((unit) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(unit.length);
    return [length, unit];
  });
  // With a buffer of its own, as a player has it.
  return new Uint8Array(Buffer.concat(parts));
}

export const FRAMES = {
  "without a message": sample(),
  "with a layout of 2": sample(sei(layout(2))),
  "with a layout of 9": sample(sei(layout(9))),
};

/** A tracker of the package as a page has it. */
async function tracker() {
  const { LayoutTracker, init } = await import("../../web/player/dist/node.js");
  await init();
  return new LayoutTracker();
}

const EFFORT = { rounds: 400, calls: 200 };
const SHORT = { rounds: 60, calls: 200 };

/** What a million frames without a message leave on JavaScript's heap, and on the module's. */
function garbage() {
  const args = ["--expose-gc", fileURLToPath(import.meta.url), "--garbage"];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

async function leave() {
  const reader = await tracker();
  reader.configure({ codec: "h264", format: "avcc" });
  // Whole seconds: V8 makes an object of any other number that a function is called with.
  let time = 0;
  const push = (bytes) => reader.push(bytes, (time += 1));
  const frame = FRAMES["without a message"];
  const COUNT = 1_000_000;
  for (let turn = 0; turn < COUNT / 10; turn += 1) push(frame);
  globalThis.gc();
  // Less than the young generation holds: nothing is collected in between.
  const before = process.memoryUsage();
  for (let turn = 0; turn < COUNT; turn += 1) push(frame);
  const after = process.memoryUsage();
  const bytes = (after.heapUsed - before.heapUsed) / COUNT;
  console.log(JSON.stringify({ bytes, wasm: after.arrayBuffers + after.external - before.arrayBuffers - before.external }));
}

const isWith = (name) => !name.startsWith("without");

/** One frame's table: ours beside the fastest of what does the same. */
function table(title, found) {
  section(title);
  const [own, ...rest] = found;
  const least = Math.min(...rest.filter(({ compared }) => compared).map(({ ns }) => ns));
  figure(own.title, own.ns, { unit: " ns", most: least });
  for (const { title, ns } of rest) figure(title, ns, { unit: " ns" });
}

export async function player({ short }) {
  const effort = short ? SHORT : EFFORT;
  const others = await players();
  for (const [name, frame] of Object.entries(FRAMES)) {
    const cases = rows(await tracker(), others, frame, isWith(name));
    const times = measured(cases, effort);
    table(`A frame of ${frame.length} bytes ${name}, in node`, cases.map((row, at) => ({ ...row, ns: times[at] })));
  }
  const missing = withoutBrowser();
  if (missing) note(missing);
  else {
    const { version, found } = await inChromium(FRAMES, effort);
    for (const [name, rows] of Object.entries(found)) table(`The same frame ${name}, in Chromium ${version}`, rows);
  }
  section("What a frame without a message leaves behind, of a million");
  const { bytes, wasm } = garbage();
  figure("on JavaScript's heap", bytes, { unit: " B", digits: 2, most: AIM_BYTES });
  figure("of the module's memory", wasm, { unit: " B", most: 0 });
  note(`the module: ${readFileSync(fileURLToPath(new URL("../../web/player/dist/livegate_player.wasm", import.meta.url))).length} bytes`);
}

if (process.argv[2] === "--garbage") await leave();
