// What reading a frame costs in a page's player, with and without a message of ours, beside what the
// players' own SEI parsers take of the same bytes; and whether a frame without one leaves garbage.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { players } from "../../tests/media/players.mjs";
import { withoutBrowser } from "../browser.mjs";
import { tables } from "./player-cases.mjs";
import { garbage } from "./player-garbage.mjs";
import { inChromium } from "./player-page.mjs";
import { figure, note, section } from "./report.mjs";

/** Bytes of a picture: 3 Mbit/s at 30 frames. */
const PICTURE = 12_500;
const UUID = Buffer.from("6c69766567618074a5652d7365692d31", "hex");
/** What is asked for how much there is: some hundred bytes of a million frames. */
const AIM_BYTES = 0.001;

/** Frames with layouts that all differ. */
const OTHERS = 16;

const layout = (users, turn = 0) =>
  JSON.stringify({
    stream: Array.from({ length: users }, (_, pane) => ({
      ...{ uid: `user-${pane}`, paneid: pane, zorder: 1, x: (pane % 3) / 4, y: 0.25, w: 0.25, h: 0.5 },
      ...{ type: 0, ms: 0, vol: 60 + pane + turn, vad: 150 - turn },
    })),
  });

/** H.264 7.3.2.3: type 5, the size in steps of 255, the UUID, the text, a stop bit. No byte needs an escape. */
function sei(text) {
  const body = Buffer.concat([UUID, Buffer.from(text)]);
  const size = [...Array(Math.floor(body.length / 255)).fill(255), body.length % 255];
  return Buffer.concat([Buffer.from([6, 5, ...size]), body, Buffer.from([0x80])]);
}

/** A frame, a delimiter, what is given and a picture: behind lengths of four bytes and between start codes. */
function framed(...units) {
  const picture = Buffer.alloc(PICTURE, 0x5a);
  picture[0] = 0x41;
  const all = [Buffer.from([9, 0xf0]), ...units, picture];
  const behind = (code) => new Uint8Array(Buffer.concat(all.flatMap((unit) => [code(unit), unit])));
  const length = ({ length }) => Buffer.from([length >> 24, length >> 16, length >> 8, length]);
  return { lengths: behind(length), startCodes: behind(() => Buffer.from([0, 0, 0, 1])) };
}

/** Frames that take turns, one list for each way of framing. */
const frames = (...all) => ({ lengths: all.map(({ lengths }) => lengths), startCodes: all.map(({ startCodes }) => startCodes) });

export const FRAMES = {
  "without a message": frames(framed()),
  "with a layout of 2": frames(framed(sei(layout(2)))),
  "with a layout of 9": frames(framed(sei(layout(9)))),
  "with another layout of 9 each time": frames(...Array.from({ length: OTHERS }, (_, turn) => framed(sei(layout(9, turn))))),
};

/** The package as a page has it. */
async function ours() {
  const { LayoutTracker, init } = await import("../../web/player/dist/node.js");
  await init();
  return LayoutTracker;
}

const EFFORT = { rounds: 400, calls: 200 };
const SHORT = { rounds: 60, calls: 200 };

/** Each table with ours beside the players', which it is meant to be faster than. */
function show(tables, where) {
  for (const { title, isObject, isWay, rows } of tables) {
    if (isWay) {
      note("ours by other ways; whoever listens to messages has each as an object:");
      for (const row of rows) figure(row.title, row.ns, { unit: " ns" });
      continue;
    }
    if (isObject) note("as an object; theirs by TextDecoder and JSON.parse, unchecked:");
    else section(`A frame ${title}, ${where}`);
    const [own, ...rest] = rows;
    const least = Math.min(...rest.map(({ ns }) => ns));
    figure(own.title, own.ns, { unit: " ns", ...(!isObject && { most: least }) });
    for (const { title, ns } of rest) figure(title, ns, { unit: " ns" });
  }
}

export async function player({ short }) {
  const effort = short ? SHORT : EFFORT;
  show(tables(await ours(), await players(), FRAMES, effort), "in node");
  const missing = withoutBrowser();
  if (missing) note(missing);
  else {
    const { version, found } = await inChromium(FRAMES, effort);
    show(found, `in Chromium ${version}`);
  }
  section("What a frame without a message leaves behind, of a million, in bytes");
  const { pushed, nothing, control } = garbage();
  figure("on JavaScript's heap", pushed, { unit: " B", digits: 4, most: AIM_BYTES });
  note(`a loop that does nothing, so what measuring leaves: ${nothing.toFixed(4)} B`);
  note(`an object and a list of one left for each, to show that it is seen: ${control.toFixed(0)} B`);
  note(`the module: ${readFileSync(fileURLToPath(new URL("../../web/player/dist/livegate_player.wasm", import.meta.url))).length} bytes`);
}
