// What reading a frame costs in a page's player, with and without a message of ours, beside what the
// players' own SEI parsers take of the same bytes; and whether a frame without one leaves garbage.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

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

/** A frame, a delimiter, what is given and a picture: behind lengths of four bytes and between start codes. */
function frame(...units) {
  const picture = Buffer.alloc(PICTURE, 0x5a);
  picture[0] = 0x41;
  const all = [Buffer.from([9, 0xf0]), ...units, picture];
  const framed = (code) => new Uint8Array(Buffer.concat(all.flatMap((unit) => [code(unit), unit])));
  const length = ({ length }) => Buffer.from([length >> 24, length >> 16, length >> 8, length]);
  return { lengths: framed(length), startCodes: framed(() => Buffer.from([0, 0, 0, 1])) };
}

export const FRAMES = {
  "without a message": frame(),
  "with a layout of 2": frame(sei(layout(2))),
  "with a layout of 9": frame(sei(layout(9))),
};

/** What a page makes of the bytes that a player hands it. */
const decoder = new TextDecoder();
const parsed = (bytes) => JSON.parse(decoder.decode(bytes));

/** What each player's parser hands on, as the message's bytes. */
const CONTENT = {
  "mpegts.js": ({ user_data: data }) => data,
  xgplayer: ({ payload, size }) => payload.subarray(0, size - 16),
  "hls.js": ({ userDataBytes }) => userDataBytes,
};

/** Ours: the package as a page has it; `object` with the layout as one, checked and sorted. */
async function ours(format) {
  const { LayoutTracker, init } = await import("../../web/player/dist/node.js");
  await init();
  const tracker = new LayoutTracker();
  tracker.configure({ codec: "h264", format });
  // A number that changes, without an object for each.
  const time = new Float64Array(1);
  const push = (frame) => tracker.push(frame, (time[0] += 1 / 30));
  const object = (frame) => {
    push(frame);
    return tracker.at(time[0]);
  };
  return { push, object };
}

/** Nanoseconds a call: the least of many short rounds, those who are compared taking turns. */
function measured(cases, short) {
  const CALLS = 200;
  const best = cases.map(() => Infinity);
  for (let round = 0; round < (short ? 60 : 400); round += 1) {
    cases.forEach((call, at) => {
      const began = process.hrtime.bigint();
      for (let turn = 0; turn < CALLS; turn += 1) call();
      best[at] = Math.min(best[at], Number(process.hrtime.bigint() - began) / CALLS);
    });
  }
  return best;
}

/** What a million frames without a message leave on JavaScript's heap, and on the module's. */
function garbage() {
  const args = ["--expose-gc", fileURLToPath(import.meta.url), "--garbage"];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

async function leave() {
  const { push } = await ours("avcc");
  const frame = FRAMES["without a message"].lengths;
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

export async function player({ short }) {
  const { parsers } = await import("../../tests/media/players.mjs");
  const all = await parsers();
  for (const [framing, format] of [["lengths", "avcc"], ["startCodes", "annexb"]]) {
    const { push, object } = await ours(format);
    const others = Object.entries(all[framing]);
    const compared = (title, own, { aim }, theirs, frame) => {
      const [ours, ...rest] = measured([own, ...theirs].map((call) => () => call(frame)), short);
      figure(title, ours, { unit: " ns", ...(aim && { most: Math.min(...rest) }) });
      others.forEach(([player], at) => figure(player, rest[at], { unit: " ns" }));
    };
    for (const [name, { [framing]: frame }] of Object.entries(FRAMES)) {
      const between = format === "avcc" ? "behind lengths" : "between start codes";
      section(`A frame of ${frame.length} bytes ${between}, ${name}, in node`);
      // Each reads the message, or this would be about something else.
      const counts = others.map(([player, make]) => {
        let count = 0;
        make((found) => (count += CONTENT[player](found).length > 0))(frame);
        return count;
      });
      const expected = name.startsWith("without") ? 0 : 1;
      if ([push(frame), ...counts].some((count) => count !== expected)) throw new Error(`${name}: ${counts}`);
      compared("LayoutTracker.push", push, { aim: true }, others.map(([, make]) => make(() => {})), frame);
      if (expected === 0) continue;
      note("as an object; theirs by TextDecoder and JSON.parse, unchecked:");
      const json = others.map(([player, make]) => make((found) => parsed(CONTENT[player](found))));
      compared("LayoutTracker.push and at", object, { aim: false }, json, frame);
    }
  }
  section("What a frame without a message leaves behind, of a million");
  const { bytes, wasm } = garbage();
  figure("on JavaScript's heap", bytes, { unit: " B", digits: 2, most: AIM_BYTES });
  figure("of the module's memory", wasm, { unit: " B", most: 0 });
  note(`the module: ${readFileSync(fileURLToPath(new URL("../../web/player/dist/livegate_player.wasm", import.meta.url))).length} bytes`);
}

if (process.argv[2] === "--garbage") await leave();
