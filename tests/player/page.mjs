// A page in real Chromium with the package and browser players, beside files and streams. What a test reads of
// it are pixels, elements and events; everything ends with the test.

import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

import { launch, withoutBrowser } from "../../tools/browser.mjs";
import { root } from "../../tools/gateway.mjs";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".ts": "video/mp2t",
  ".flv": "video/x-flv",
};

/** Players as browsers load them. */
export const VENDORS = {
  "mpegts.js": "mpegts.js/dist/mpegts.js",
  "flv.js": "flv.js/dist/flv.js",
  "hls.js": "hls.js/dist/hls.js",
  "axe.js": "axe-core/axe.js",
};

/** Why the player is not tried in a browser here, or false. */
export function withoutPlayer() {
  const missing = withoutBrowser();
  if (missing) return missing;
  return !existsSync(join(root, "web/player/dist/index.js")) && "the player is not built: tools/build-player";
}

/** Serves the package as /dist/, the players as /vendor/, and folders and texts that are given, with ranges. */
async function serve(t, { folders = {}, texts = {} }) {
  const server = createServer(async (request, answer) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const text = texts[pathname];
    if (text !== undefined) {
      answer.writeHead(200, { "content-type": TYPES[extname(pathname)] ?? "text/html" });
      answer.end(text);
      return;
    }
    const [, top, ...rest] = normalize(pathname).split("/");
    const places = { dist: join(root, "web/player/dist"), demo: join(root, "web/player/demo"), ...folders };
    const vendor = top === "vendor" && VENDORS[rest[0]];
    const path = vendor ? join(root, "node_modules", vendor) : places[top] && join(places[top], ...rest);
    const found = path && (await stat(path).catch(() => null));
    if (!found?.isFile()) {
      answer.writeHead(404).end();
      return;
    }
    const [, from, to] = request.headers.range?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
    const start = Number(from ?? 0);
    const end = Math.min(to ? Number(to) : Infinity, found.size - 1);
    const partial = from !== undefined;
    answer.writeHead(partial ? 206 : 200, {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "content-length": end - start + 1,
      "accept-ranges": "bytes",
      ...(partial && { "content-range": `bytes ${start}-${end}/${found.size}` }),
    });
    createReadStream(path, { start, end }).pipe(answer);
  });
  await new Promise((listens) => server.listen(0, "127.0.0.1", listens));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return `http://127.0.0.1:${server.address().port}`;
}

const EMPTY = `<!doctype html><html lang="en"><title>test</title><body style="margin:0;background:#000"></body></html>`;

/** Chromium for a group of tests: `t` is the group's. */
export async function browser(t, options) {
  const started = await launch(options);
  t.after(() => started.close());
  return started;
}

/**
 * An empty page of ours in a browser; no exception may be thrown in it.
 *
 * @param {{scale?: number, width?: number, height?: number, folders?: object, texts?: object, scripts?: string[]}} how
 */
export async function open(t, chromium, how = {}) {
  const { scale = 1, width = 1280, height = 900, scripts = [] } = how;
  const origin = await serve(t, { ...how, texts: { "/": EMPTY, ...how.texts } });
  const context = await chromium.newContext({ deviceScaleFactor: scale, viewport: { width, height } });
  t.after(() => context.close());
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.stack));
  page.setDefaultTimeout(30_000);
  await page.goto(`${origin}/`);
  for (const name of scripts) await page.addScriptTag({ url: `/vendor/${name}` });
  return { page, origin, errors, calm: () => assert.deepEqual(errors, []) };
}

/** A picture's pixels: red, green, blue for each. */
export async function pixels(png) {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const data = await new Promise((done, fail) => {
    const args = ["-v", "error", "-f", "png_pipe", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"];
    const child = execFile("ffmpeg", args, { encoding: "buffer", maxBuffer: 2 ** 28 }, (error, out) => (error ? fail(error) : done(out)));
    child.stdin.end(png);
  });
  assert.equal(data.length, width * height * 3);
  return { width, height, at: (x, y) => data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3) };
}

