// Chromium, driven by playwright-core, and a server of files on the loopback for its pages.

import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

import { chromium as engine } from "playwright-core";

import { FLAGS, chromium } from "../../tools/browser.mjs";
import { LIMIT_MS } from "./wait.mjs";

/**
 * Starts Chromium with a profile of its own; the test ends it.
 *
 * @param {import("node:test").TestContext} t
 * @param {{ args?: string[], scale?: number }} options its flags, and the device pixels of a pixel in all its pages
 */
export async function launch(t, { args = [], scale = 1 } = {}) {
  const profile = await mkdtemp(join(tmpdir(), "livegate-chromium-"));
  const context = await engine.launchPersistentContext(profile, {
    executablePath: chromium(),
    timeout: LIMIT_MS,
    headless: true,
    deviceScaleFactor: scale,
    args: [...FLAGS, ...args],
  });
  context.setDefaultTimeout(LIMIT_MS);
  t.after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  return context;
}

/**
 * Opens a page, which fails the test if anything in it throws.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} url
 * @param {{ viewport?: { width: number, height: number } }} options
 */
export async function open(t, context, url, { viewport = { width: 1000, height: 700 } } = {}) {
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  await page.setViewportSize(viewport);
  await page.goto(url);
  t.after(async () => {
    await page.close();
    if (errors.length > 0) throw new AggregateError(errors, `the page at ${url} threw`);
  });
  return page;
}

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".mp4": "video/mp4",
  ".flv": "video/x-flv",
  ".ts": "video/mp2t",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".png": "image/png",
};

/**
 * Serves folders and single answers on the loopback: what an address begins with to a folder, to a text, or to a
 * function `(request, response)`. The longest beginning counts.
 *
 * @param {import("node:test").TestContext} t which ends it
 * @param {Record<string, string | { body: string | Buffer, type?: string } | Function>} routes
 * @param {{ headers?: Record<string, string>, types?: Record<string, string> }} options
 * @returns {Promise<string>} its address, without a slash at the end
 */
export async function serve(t, routes, { headers = {}, types = {} } = {}) {
  const known = { ...TYPES, ...types };
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://host").pathname);
    const begin = Object.keys(routes)
      .filter((route) => path === route || path.startsWith(route.endsWith("/") ? route : `${route}/`))
      .sort((one, other) => other.length - one.length)[0];
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const route = routes[begin];
    if (typeof route === "function") return route(request, response);
    if (typeof route === "object") {
      response.setHeader("content-type", route.type ?? TYPES[".html"]);
      return response.end(route.body);
    }
    const file = route && join(route, normalize(`/${path.slice(begin.length)}`));
    const found = file && (await stat(file).catch(() => null));
    if (!found?.isFile()) return response.writeHead(404).end();
    response.setHeader("content-type", known[extname(file)] ?? "application/octet-stream");
    response.setHeader("accept-ranges", "bytes");
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const from = range ? Number(range[1]) : 0;
    const to = range?.[2] ? Math.min(Number(range[2]), found.size - 1) : found.size - 1;
    if (range) response.setHeader("content-range", `bytes ${from}-${to}/${found.size}`);
    response.setHeader("content-length", to - from + 1);
    response.writeHead(range ? 206 : 200);
    return createReadStream(file, { start: from, end: to }).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return `http://127.0.0.1:${server.address().port}`;
}
