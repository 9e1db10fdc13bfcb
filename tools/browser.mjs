// Chromium without a window, by playwright-core: the system's own, or LIVEGATE_CHROMIUM=path.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** What it is started with. */
export const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required"],
];

/** Where Chromium is on this machine, or undefined. */
export const chromium = () => {
  const said = process.env.LIVEGATE_CHROMIUM;
  return (said ? [said] : PLACES).find((path) => existsSync(path));
};

/** Why there is no browser here, or false. */
export const withoutBrowser = () => !chromium() && "Chromium is not on this machine: see tools/setup";

/** Starts it, with nothing of anybody's in its profile; its caller closes it. */
export async function launch({ args = [] } = {}) {
  const { chromium: engine } = createRequire(import.meta.url)("playwright-core");
  return engine.launch({ executablePath: chromium(), headless: true, args: [...FLAGS, ...args] });
}

// node tools/browser.mjs: prints where it is, or nothing.
if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(chromium() ?? "");
