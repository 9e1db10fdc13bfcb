// The same in Chromium: the package and the players' parsers in a page, with the frames that node has measured.

import { join } from "node:path";

import { playersModule } from "../../tests/media/players.mjs";
import { open, launch, serve } from "../../tests/lib/browser.mjs";
import { root } from "../gateway.mjs";

const EMPTY = `<!doctype html><title>bench</title>`;
/** So many calls for each of node's: the clock ticks seldom. */
const TIMES = 10;
/** Clocks of pages that are isolated so tick every 5 µs, others every 100 µs. */
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/**
 * Nanoseconds of each row of each frame, by the frame's name.
 *
 * @param {Record<string, Uint8Array>} frames
 */
export async function inChromium(frames, effort) {
  const endings = [];
  const t = { after: (end) => endings.push(end) };
  try {
    const origin = await serve(
      t,
      {
        "/empty": { body: EMPTY },
        "/players.js": { body: await playersModule(), type: "text/javascript" },
        "/web/player/dist": join(root, "web/player/dist"),
        "/tools/benches": join(root, "tools/benches"),
        "/tests/media": join(root, "tests/media"),
      },
      { headers: ISOLATED },
    );
    const browser = await launch(t);
    const page = await open(t, browser, `${origin}/empty`);
    const version = browser.browser()?.version() ?? (await page.evaluate(() => navigator.userAgent.match(/Chrome\/([\d.]+)/)?.[1]));
    const given = Object.entries(frames).map(([name, frame]) => [name, Buffer.from(frame).toString("base64")]);
    const { rounds, calls } = effort;
    const found = await page.evaluate(inPage, [given, { rounds: Math.ceil(rounds / 4), calls: calls * TIMES }]);
    return { version, found };
  } finally {
    for (const end of endings.reverse()) await end();
  }
}

/** In the page. */
async function inPage([given, effort]) {
  if (!crossOriginIsolated) throw new Error("the page's clock is a coarse one");
  const { LayoutTracker, init } = await import("/web/player/dist/index.js");
  const players = await import("/players.js");
  const { rows, measured } = await import("/tools/benches/player-cases.mjs");
  await init();
  Object.assign(players.mpegtsLog, { ENABLE_VERBOSE: false, ENABLE_DEBUG: false, ENABLE_INFO: false, ENABLE_WARN: false });
  const found = {};
  for (const [name, text] of given) {
    const frame = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const tracker = new LayoutTracker();
    const cases = rows(tracker, players, frame, !name.startsWith("without"));
    const times = measured(cases, effort);
    found[name] = cases.map(({ title, compared }, at) => ({ title, compared, ns: times[at] }));
    tracker.close();
  }
  return found;
}
