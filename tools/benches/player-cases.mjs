// What is measured of reading a frame, in node and in Chromium alike.

import { parsersOf } from "../../tests/media/parsers.mjs";

/** What a page makes of the bytes that a player hands it. */
const decoder = new TextDecoder();
const parsed = (bytes) => JSON.parse(decoder.decode(bytes));

/** The players' own code: a frame to what it reads of it; `json` with what a page has to do then. */
function theirs(players) {
  const { mpegts, xgplayer, hls } = parsersOf(players);
  const found = (make) => ({ plain: make(() => {}), json: make(parsed) });
  return {
    "mpegts.js": found((use) => mpegts(({ user_data: data }) => use(data))),
    xgplayer: found((use) => xgplayer(({ payload, size }) => use(payload.subarray(0, size - 16)))),
    "hls.js": found((use) => hls(({ userDataBytes }) => use(userDataBytes))),
  };
}

/** Ours, of a tracker as a page has it. */
export function ours(tracker) {
  tracker.configure({ codec: "h264", format: "avcc" });
  let time = 0;
  return (frame) => {
    time += 1 / 30;
    return tracker.push(frame, time);
  };
}

/**
 * The rows of a frame's table: a title, what is called, and whether it is what ours is compared with.
 *
 * @param {Uint8Array} frame with a buffer of its own
 */
export function rows(tracker, players, frame, hasMessage) {
  const push = ours(tracker);
  const others = Object.entries(theirs(players)).flatMap(([player, { plain, json }]) => [
    { title: `${player}'s own parser`, call: () => plain(frame), compared: !hasMessage },
    ...(hasMessage ? [{ title: `${player}'s own parser, then JSON.parse`, call: () => json(frame), compared: true }] : []),
  ]);
  return [{ title: "LayoutTracker.push", call: () => push(frame), compared: false }, ...others];
}

/** Nanoseconds a call: the least of many rounds, those who are compared taking turns. */
export function measured(cases, { rounds, calls }) {
  const best = cases.map(() => Infinity);
  for (let round = 0; round < rounds; round += 1) {
    cases.forEach(({ call }, at) => {
      const began = performance.now();
      for (let turn = 0; turn < calls; turn += 1) call();
      best[at] = Math.min(best[at], ((performance.now() - began) * 1e6) / calls);
    });
  }
  return best;
}
