// Pictures of the demo for the docs, small enough to be kept: WebP by ffmpeg.

import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { launch, withoutBrowser } from "../browser.mjs";
import { root } from "../gateway.mjs";

const PLACE = "docs/player";
const WAIT_MS = 15_000;

/** Each: which layout, who speaks in it, how large the page is, and of what the picture is. */
const SHOTS = [
  { file: "demo.webp", layout: "side-by-side", speaks: "Ann", width: 1100, height: 880 },
  { file: "picture-in-picture.webp", layout: "picture-in-picture", speaks: "Ben", width: 960, height: 800, of: "#stage" },
  { file: "swapped.webp", layout: "swapped", speaks: "Ben", width: 960, height: 800, of: "#stage" },
  { file: "narrow.webp", layout: "side-by-side", speaks: "Ben", width: 390, height: 780 },
];

/** Takes them all, from the page at this address. */
export async function screenshots(url, say) {
  const missing = withoutBrowser();
  if (missing) throw new Error(missing);
  await mkdir(join(root, PLACE), { recursive: true });
  const browser = await launch();
  try {
    for (const { file, layout, speaks, width, height, of } of SHOTS) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: "dark", reducedMotion: "reduce" });
      await page.goto(url);
      await page.locator('#live[data-state="live"]').waitFor({ timeout: WAIT_MS });
      await page.locator(`[data-layout="${layout}"]`).click();
      const changed = page.waitForFunction(() => document.getElementById("apart").textContent !== "press a layout", null, { timeout: 3_000 });
      await changed.catch(() => {});
      await page.mouse.move(0, 0);
      await page.locator(`[data-uid="${speaks}"][data-speaking="true"]`).waitFor({ timeout: WAIT_MS });
      const png = of ? await page.locator(of).screenshot() : await page.screenshot();
      await webp(png, join(root, PLACE, file));
      say(`${PLACE}/${file}`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

const webp = (png, path) =>
  new Promise((done, fail) => {
    const args = ["-v", "error", "-y", "-f", "png_pipe", "-i", "pipe:0", "-c:v", "libwebp", "-quality", "82", path];
    const child = execFile("ffmpeg", args, (error) => (error ? fail(error) : done()));
    child.stdin.end(png);
  });
