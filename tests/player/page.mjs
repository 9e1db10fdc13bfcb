// A page in real Chromium with the package and browser players, beside files and streams. What a test reads of it
// are pixels, elements and events.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";

import { withoutBrowser } from "../../tools/browser.mjs";
import { root } from "../../tools/gateway.mjs";
import { launch, open, serve } from "../lib/browser.mjs";
import { folder, missing } from "../media/material.mjs";

/** Players as browsers load them, and the judge of accessibility. */
const VENDORS = {
  mpegts: "mpegts.js/dist/mpegts.js",
  flvjs: "flv.js/dist/flv.js",
  Hls: "hls.js/dist/hls.js",
  axe: "axe-core/axe.js",
};

/** Why the player is not tried in a browser here, or false. */
export async function withoutPlayer() {
  const lacking = withoutBrowser() || (await missing());
  if (lacking) return lacking;
  return !existsSync(join(root, "web/player/dist/index.js")) && "the player is not built: tools/build-player";
}

const EMPTY = `<!doctype html><html lang="en"><title>test</title><body style="margin:0;background:#000"></body></html>`;

/** One Chromium for all tests of a file, started when the first asks for it; options as `launch` has them. */
export function sharedBrowser(options) {
  const ends = [];
  let started;
  after(async () => {
    for (const end of ends) await end();
  });
  return () => (started ??= launch({ after: (end) => ends.push(end) }, options));
}

/** Serves the package, what clips are in, and an empty page; `more` as `serve` of tests/lib/browser.mjs takes it. */
export async function site(t, more = {}) {
  return serve(t, {
    "/dist": join(root, "web/player/dist"),
    "/vendor": join(root, "node_modules"),
    "/media": folder,
    "/test": join(root, "tests/player"),
    "/empty": { body: EMPTY },
    ...more,
  });
}

/** An empty page of the site, with these players loaded; `lib` in it is the package. Fails if anything is thrown. */
export async function page(t, browser, origin, { scripts = [], modules = [], ...size } = {}) {
  const opened = await open(t, browser, `${origin}/empty`, size);
  for (const name of scripts) await opened.addScriptTag({ url: `/vendor/${VENDORS[name]}` });
  await opened.evaluate(async (names) => {
    globalThis.lib = {};
    for (const name of ["index", ...names]) Object.assign(lib, await import(`/dist/${name}.js`));
    await lib.init();
  }, modules);
  return opened;
}

/** The address of a clip that the site serves. */
export const media = (path) => path.replace(folder, "/media");

/** A picture's pixels: red, green, blue of each. */
export async function pixels(png) {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data = await new Promise((done, fail) => {
    const args = ["-v", "error", "-f", "png_pipe", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"];
    const options = { encoding: "buffer", maxBuffer: 2 ** 28 };
    const child = execFile("ffmpeg", args, options, (error, out) => (error ? fail(error) : done(out)));
    child.stdin.end(png);
  });
  assert.equal(data.length, width * height * 3);
  return { width, height, at: (x, y, part) => data[(y * width + x) * 3 + part] };
}
