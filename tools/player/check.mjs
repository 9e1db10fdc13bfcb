// Presses each of the demo's buttons in Chromium without a window, and says how far the tags were from the
// picture, as the page measured it.

import { launch, withoutBrowser } from "../browser.mjs";
import { LAYOUTS } from "./mix.mjs";

/** The tags may be so far from the picture; or a frame that was displayed, where a busy machine displays few. */
const MOST_MS = 250;
const WAIT_MS = 60_000;
const ROUNDS = 2;

/** Whether all of it held. */
export async function check(url, say) {
  const missing = withoutBrowser();
  if (missing) throw new Error(missing);
  say("opening the page in Chromium");
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1100, height: 1000 } });
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(url);
    await page.locator('#live[data-state="live"]').waitFor({ timeout: WAIT_MS });
    await page.locator(".livegate-pane").first().waitFor({ timeout: WAIT_MS });
    let holds = true;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const name of [...Object.keys(LAYOUTS).slice(1), Object.keys(LAYOUTS)[0]]) {
        const { ms, frames, took } = await press(page, name);
        const near = Math.abs(ms) <= MOST_MS || Math.abs(frames) <= 1;
        holds &&= near;
        say(`${name.padEnd(20)} tags ${String(ms).padStart(5)} ms (${frames} frames) after the picture, ${took} ms after the button${near ? "" : "  TOO FAR"}`);
      }
    }
    for (const error of errors) say(`the page: ${error}`);
    return holds && errors.length === 0;
  } finally {
    await browser.close();
  }
}

/** Presses a button, and waits until the picture and the tags have changed. */
async function press(page, name) {
  return page.evaluate(
    ([button, limit]) =>
      new Promise((done, fail) => {
        const began = performance.now();
        const late = setTimeout(() => fail(new Error(`no change within ${limit} ms`)), limit);
        const changed = ({ detail: { seconds, frames } }) => {
          clearTimeout(late);
          done({ ms: Math.round(seconds * 1_000), frames, took: Math.round(performance.now() - began) });
        };
        document.addEventListener("apart", changed, { once: true });
        document.querySelector(`[data-layout="${button}"]`).click();
      }),
    [name, WAIT_MS],
  );
}
