// What is measured of reading a frame, in node and in Chromium alike.

import { CONTENT, parsersOf } from "../../tests/media/parsers.mjs";

/** How frames are framed, and what the tracker is told of it. */
const FORMATS = { lengths: "avcc", startCodes: "annexb" };

/** What a page makes of the bytes that a player hands it. */
const decoder = new TextDecoder();
const parsed = (bytes) => JSON.parse(decoder.decode(bytes));

/** Ours: the package as a page has it; `object` with the layout as one, checked and sorted. */
function ours(tracker, format) {
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

/**
 * All figures, in nanoseconds a frame: for each framing and frame, ours (the first row) and the players'; then, where
 * there is a message, the same with what a page has to do next.
 *
 * @param {typeof import("../../web/player/dist/node.js").LayoutTracker} LayoutTracker
 * @param {object} players the module that tests/media/players.mjs bundles
 * @param {Record<string, {lengths: Uint8Array, startCodes: Uint8Array}>} frames each with a buffer of its own
 * @param {{rounds: number, calls: number}} effort
 */
export function tables(LayoutTracker, players, frames, effort) {
  const parsers = parsersOf(players);
  return Object.entries(FORMATS).flatMap(([framing, format]) => {
    const tracker = new LayoutTracker();
    const { push, object } = ours(tracker, format);
    const others = Object.entries(parsers[framing]);
    const compared = (title, own, theirs, frame) => {
      const times = measured([own, ...theirs].map((call) => () => call(frame)), effort);
      return [title, ...others.map(([player]) => player)].map((title, at) => ({ title, ns: times[at] }));
    };
    const found = Object.entries(frames).flatMap(([name, { [framing]: frame }]) => {
      // Each reads the message, or this would be about something else.
      const counts = others.map(([player, make]) => {
        let count = 0;
        make((found) => (count += CONTENT[player](found).length > 0))(frame);
        return count;
      });
      const expected = name.startsWith("without") ? 0 : 1;
      if ([push(frame), ...counts].some((count) => count !== expected)) throw new Error(`${name}: ${counts}`);
      const title = `${name}, ${framing === "lengths" ? "behind lengths" : "between start codes"}`;
      const read = { title, rows: compared("LayoutTracker.push", push, others.map(([, make]) => make(() => {})), frame) };
      if (expected === 0) return [read];
      const json = others.map(([player, make]) => make((found) => parsed(CONTENT[player](found))));
      return [read, { title, isObject: true, rows: compared("LayoutTracker.push and at", object, json, frame) }];
    });
    tracker.close();
    return found;
  });
}

/** Nanoseconds a call: the least of many rounds, those who are compared taking turns. */
function measured(calls, { rounds, calls: times }) {
  const best = calls.map(() => Infinity);
  for (let round = 0; round < rounds; round += 1) {
    calls.forEach((call, at) => {
      const began = performance.now();
      for (let turn = 0; turn < times; turn += 1) call();
      best[at] = Math.min(best[at], ((performance.now() - began) * 1e6) / times);
    });
  }
  return best;
}
