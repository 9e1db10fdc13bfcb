// Serves the demo's page on 127.0.0.1: files of web/player, mpegts.js, and what the buttons ask for.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

import { root } from "../gateway.mjs";
import { LAYOUTS } from "./mix.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".webp": "image/webp",
};

/** Which folders, and files of others, a page may have. */
const FOLDERS = ["demo", "dist"];
const VENDORS = { "/vendor/mpegts.js": "node_modules/mpegts.js/dist/mpegts.js" };

/** A request's body has at most so many bytes. */
const LONGEST = 200;

/** Serves until it is stopped. What is played is known later: `show`. */
export async function serve(port) {
  let live;
  const server = createServer((request, answer) => {
    respond(request, answer).catch((error) => send(answer, 500, { error: error.message }));
  });
  await new Promise((listens, fail) => {
    server.once("error", (error) => {
      fail(error.code === "EADDRINUSE" ? new Error(`port ${port} is in use: choose another with PORT=`) : error);
    });
    server.listen(port, "127.0.0.1", listens);
  });
  const host = `127.0.0.1:${server.address().port}`;

  async function respond(request, answer) {
    const { pathname } = new URL(request.url, `http://${host}`);
    // A name that somebody points at this machine is not ours: another site's page could read the answer.
    if (request.headers.host !== host) return send(answer, 421, { error: `this is http://${host}/` });
    if (pathname === "/") return send(answer, 302, {}, { location: "/demo/" });
    if (pathname === "/api/live" && request.method === "GET") return send(answer, ...state());
    if (pathname === "/api/layout" && request.method === "PUT") return send(answer, ...(await choose(request)));
    if (request.method !== "GET" && request.method !== "HEAD") return send(answer, 405, { error: "no such method here" });
    return file(pathname, answer);
  }

  const state = () =>
    live ? [200, { play: live.play, layout: live.director.layout }] : [503, { error: "the stream is not there yet" }];

  async function choose(request) {
    let body = "";
    for await (const piece of request) if ((body += piece).length > LONGEST) return [413, { error: "too long" }];
    let name;
    try {
      ({ name } = JSON.parse(body));
    } catch {
      return [400, { error: "no JSON" }];
    }
    if (!Object.hasOwn(LAYOUTS, name)) return [400, { error: "no such layout" }];
    if (!live) return state();
    await live.director.show(name);
    return state();
  }

  async function file(pathname, answer) {
    const asked = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const isOurs = FOLDERS.includes(asked.split("/")[1]);
    const path = VENDORS[asked] ?? (isOurs && normalize(asked) === asked && `web/player${asked}`);
    const found = path && extname(path) in TYPES && (await stat(join(root, path)).catch(() => null));
    if (!found || !found.isFile()) return send(answer, 404, { error: "nothing here" });
    answer.writeHead(200, { ...headers(), "content-type": TYPES[extname(path)], "content-length": found.size });
    createReadStream(join(root, path)).pipe(answer);
  }

  const headers = () => ({
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // What a page with the player needs: its own files, WebAssembly, and the stream.
    "content-security-policy": [
      "default-src 'self'",
      "script-src 'self' 'wasm-unsafe-eval'",
      `connect-src 'self' ${live ? new URL(live.play).origin : ""}`,
      "media-src blob:",
      "img-src 'self' data:",
      "frame-ancestors 'none'",
    ].join("; "),
  });

  function send(answer, status, body, more = {}) {
    if (answer.headersSent) return answer.destroy();
    answer.writeHead(status, { ...headers(), "content-type": "application/json", ...more });
    return answer.end(JSON.stringify(body));
  }

  return {
    origin: `http://${host}`,
    show: (shown) => (live = shown),
    stop: () =>
      new Promise((stopped) => {
        server.close(stopped);
        server.closeAllConnections();
      }),
  };
}
