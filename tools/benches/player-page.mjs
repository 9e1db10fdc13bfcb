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
 * The tables of tools/benches/player-cases.mjs, and the browser's version.
 *
 * @param {Record<string, {lengths: Uint8Array[], startCodes: Uint8Array[]}>} frames
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
    const texts = (list) => list.map((frame) => Buffer.from(frame).toString("base64"));
    const given = Object.entries(frames).map(([name, { lengths, startCodes }]) => [name, [texts(lengths), texts(startCodes)]]);
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
  const { tables } = await import("/tools/benches/player-cases.mjs");
  await init();
  Object.assign(players.mpegtsLog, { ENABLE_VERBOSE: false, ENABLE_DEBUG: false, ENABLE_INFO: false, ENABLE_WARN: false });
  const bytes = (texts) => texts.map((text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  const frames = given.map(([name, [lengths, startCodes]]) => [name, { lengths: bytes(lengths), startCodes: bytes(startCodes) }]);
  return tables(LayoutTracker, players, Object.fromEntries(frames), effort);
}
