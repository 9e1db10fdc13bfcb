// What is measured of reading a frame, in node and in Chromium alike.

import { CONTENT, parsersOf } from "../../tests/media/parsers.mjs";
import { FRAMES, flvHead, flvTag, tsFrames } from "./player-streams.mjs";

/** How frames are framed, and what the tracker is told of it. */
const FORMATS = { lengths: "avcc", startCodes: "annexb" };

/** What a page makes of the bytes that a player hands it. */
const decoder = new TextDecoder();
const parsed = (bytes) => JSON.parse(decoder.decode(bytes));

/** Ours: the package as a page has it; `object` with the layout as one, checked and sorted. */
function ourWay(tracker, format) {
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

/** Ours of a stream as an adapter gives it, a call each with how many frames it has; heard: with a listener to messages. */
function streamed(LayoutTracker, framing, frame, isHeard) {
  const tracker = new LayoutTracker();
  if (isHeard) tracker.addEventListener("message", () => {});
  const next = framing === "lengths" ? flvTag(frame) : tsFrames(frame);
  if (framing === "lengths") tracker.appendFlv(flvHead());
  return framing === "lengths"
    ? { name: "appendFlv", frames: 1, call: () => tracker.appendFlv(next()) }
    : { name: "appendTs", frames: FRAMES, call: () => tracker.appendTs(next()) };
}

/** Ours by every way that a page has: a frame or a stream, with nobody who listens to messages and with somebody. */
function ways(LayoutTracker, framing, format, frame, expected, effort) {
  const heard = new LayoutTracker();
  heard.addEventListener("message", () => {});
  const both = [false, true].map((isHeard) => streamed(LayoutTracker, framing, frame, isHeard));
  const ours = ourWay(heard, format);
  const all = [
    { title: "push, messages listened to", frames: 1, call: () => ours.push(frame) },
    { title: both[0].name, ...both[0] },
    { title: `${both[0].name}, messages listened to`, ...both[1] },
  ];
  for (const { title, frames, call } of all) {
    // Of a transport stream the last frame ends where the next one begins.
    call();
    const found = call();
    if (found !== expected * frames) throw new Error(`${title}: ${found}`);
  }
  return all.map(({ title, frames, call }) => {
    const [ns] = measured([call], { rounds: effort.rounds, calls: Math.ceil(effort.calls / frames) });
    return { title, ns: ns / frames };
  });
}

/**
 * All figures, in nanoseconds a frame: for each framing and frame, ours (the first row) and the players'; then, where
 * there is a message, the same with what a page has to do next.
 *
 * @param {typeof import("../../web/player/dist/node.js").LayoutTracker} LayoutTracker
 * @param {object} players the module that tests/media/players.mjs bundles
 * @param {Record<string, {lengths: Uint8Array[], startCodes: Uint8Array[]}>} frames that take turns, each with a buffer of its own
 * @param {{rounds: number, calls: number}} effort
 */
export function tables(LayoutTracker, players, frames, effort) {
  const parsers = parsersOf(players);
  return Object.entries(FORMATS).flatMap(([framing, format]) => {
    const tracker = new LayoutTracker();
    const { push, object } = ourWay(tracker, format);
    const others = Object.entries(parsers[framing]);
    const compared = (title, own, theirs, list) => {
      const times = measured([own, ...theirs].map((call) => inTurn(call, list)), effort);
      return [title, ...others.map(([player]) => player)].map((title, at) => ({ title, ns: times[at] }));
    };
    const found = Object.entries(frames).flatMap(([name, { [framing]: list }]) => {
      const [frame] = list;
      // Each reads the message, or this would be about something else.
      const counts = others.map(([player, make]) => {
        let count = 0;
        make((found) => (count += CONTENT[player](found).length > 0))(frame);
        return count;
      });
      const expected = name.startsWith("without") ? 0 : 1;
      if ([push(frame), ...counts].some((count) => count !== expected)) throw new Error(`${name}: ${counts}`);
      const title = `${name}, ${framing === "lengths" ? "behind lengths" : "between start codes"}`;
      const read = { title, rows: compared("LayoutTracker.push", push, others.map(([, make]) => make(() => {})), list) };
      if (list.length > 1) return [read];
      const streams = { title, isWay: true, rows: ways(LayoutTracker, framing, format, frame, expected, effort) };
      if (expected === 0) return [read, streams];
      const json = others.map(([player, make]) => make((found) => parsed(CONTENT[player](found))));
      return [read, streams, { title, isObject: true, rows: compared("LayoutTracker.push and at", object, json, list) }];
    });
    tracker.close();
    return found;
  });
}

/** Calls with one after the other. */
function inTurn(call, list) {
  let turn = 0;
  return () => {
    turn = turn + 1 < list.length ? turn + 1 : 0;
    return call(list[turn]);
  };
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
