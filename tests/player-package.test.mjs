// The package as its users get it: packed, put into projects of their own, and run there.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { withoutBrowser } from "../tools/browser.mjs";
import { root } from "../tools/gateway.mjs";
import { open, serve } from "./lib/browser.mjs";
import { freePort } from "./lib/ports.mjs";
import { until } from "./lib/wait.mjs";
import { missing } from "./media/material.mjs";
import { numbered } from "./player/clips.mjs";
import { sharedBrowser } from "./player/page.mjs";

const skip = withoutBrowser();
const run = promisify(execFile);
const require = createRequire(import.meta.url);
const browser = sharedBrowser();
const packageFolder = join(root, "web/player");

let work;
let files;

before(async () => {
  work = await mkdtemp(join(tmpdir(), "livegate-player-"));
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", work], { cwd: packageFolder });
  const [packed] = JSON.parse(stdout);
  files = packed.files.map(({ path }) => path);
  assert.ok(files.includes("dist/livegate_player.wasm"), "run tools/build-player");
  await run("tar", ["-xzf", join(work, packed.filename), "-C", work]);
});
after(() => rm(work, { recursive: true, force: true }));

/** A project with the packed package in it, and others of ours by their names. */
async function project(name, contents, others = []) {
  const folder = join(work, name);
  await mkdir(join(folder, "node_modules/@livegate"), { recursive: true });
  await cp(join(work, "package"), join(folder, "node_modules/@livegate/player"), { recursive: true });
  for (const other of others) await symlink(join(root, "node_modules", other), join(folder, "node_modules", other));
  await cp(join(root, "tests/lib/frames.mjs"), join(folder, "frames.mjs"));
  for (const [path, text] of Object.entries({ "package.json": '{ "type": "module" }', ...contents })) {
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** What is run everywhere: it loads the module twice, reads two frames and says what was found. */
const USE = `
import { LayoutTracker, PlayerError, init } from "@livegate/player";
import { alibaba, annexb } from "./frames.mjs";
export async function use() {
  const found = [];
  try { new LayoutTracker(); } catch (error) { found.push(error instanceof PlayerError, error.code); }
  await Promise.all([init(), init()]);
  const tracker = new LayoutTracker();
  tracker.configure({ codec: "h264", format: "annexb" });
  tracker.addEventListener("layout", ({ layout, mediaTime }) => found.push([mediaTime, layout && layout.panes.map(({ uid, width }) => [uid, width])]));
  tracker.push(annexb(alibaba(["ann", 0, 0, 0.5, 1], ["ben", 0.5, 0, 0.5, 1])), 1);
  tracker.push(annexb(alibaba(["ben", 0, 0, 1, 1])), 2);
  for (const time of [0, 1, 1.5, 2, 13]) tracker.display(time);
  tracker.close();
  tracker.push(annexb(alibaba(["ben", 0, 0, 1, 1])), 3);
  return found;
}
`;
const FOUND = [true, "player.not_initialised", [1, [["ann", 0.5], ["ben", 0.5]]], [2, [["ben", 1]]], [13, null]];

test("has what it exports, and nothing that it does not need", async () => {
  const { exports, types } = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8"));
  const named = [types, ...Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)))];
  for (const path of named) assert.ok(files.includes(path.slice(2)), `${path} is not packed`);
  for (const path of ["README.md", "LICENSE"]) assert.ok(files.includes(path), `${path} is not packed`);
  assert.deepEqual(files.filter((path) => /^(src|wasm|examples)\//.test(path)), []);
});

test("runs in Node.js", async () => {
  const folder = await project("node", { "use.mjs": USE, "main.mjs": `import { use } from "./use.mjs"; console.log(JSON.stringify(await use()));` });
  const { stdout } = await run(process.execPath, ["main.mjs"], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), FOUND);
});

test("every adapter loads in Node.js, as servers do that render pages", async () => {
  const names = ["mpegts", "flv", "hls", "xgplayer", "webcodecs", "webrtc"];
  const folder = await project("adapters", { "main.mjs": `for (const name of ${JSON.stringify(names)}) console.log(name, Object.keys(await import("@livegate/player/" + name)).join());` });
  const { stdout } = await run(process.execPath, ["main.mjs"], { cwd: folder });
  assert.deepEqual(stdout.trim().split("\n"), [
    "mpegts createMpegtsPlayer,mpegtsLoader",
    "flv createFlvPlayer",
    "hls trackHls",
    "xgplayer trackXgplayer",
    "webcodecs trackChunk",
    "webrtc createLayoutTransform,trackPort",
  ]);
});

const INDEX = (script) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>use</title><script type="module">${script}</script></html>`;

/** What the page says it found. */
async function shown(t, url) {
  const tab = await open(t, await browser(), url);
  await tab.waitForFunction(() => "found" in window || "failed" in window);
  assert.equal(await tab.evaluate(() => window.failed), undefined);
  return tab.evaluate(() => window.found);
}

test("is built by Vite, and runs", { skip }, async (t) => {
  const folder = await project("vite", {
    "use.mjs": USE,
    "main.mjs": `import { use } from "./use.mjs"; use().then((found) => (window.found = found), (error) => (window.failed = String(error)));`,
    "index.html": INDEX(`import "./main.mjs";`),
  });
  const { build } = await import("vite");
  await build({ root: folder, base: "./", logLevel: "error", build: { outDir: "out" } });
  const assets = await readdir(join(folder, "out/assets"));
  assert.ok(assets.some((name) => name.endsWith(".wasm")), `no module among ${assets}`);
  const url = await serve(t, { "/some/where": join(folder, "out") });
  assert.deepEqual(await shown(t, `${url}/some/where/index.html`), FOUND);
});

test("is built by esbuild with the module named, and runs", { skip }, async (t) => {
  const folder = await project("esbuild", {
    "use.mjs": USE.replace("init(), init()", `init({ wasm }), init()`).replace("import {", `import wasm from "@livegate/player/livegate_player.wasm";\nimport {`),
    "main.mjs": `import { use } from "./use.mjs"; use().then((found) => (window.found = found), (error) => (window.failed = String(error)));`,
  });
  const { build } = require("esbuild");
  await build({ entryPoints: [join(folder, "main.mjs")], bundle: true, format: "esm", outdir: join(folder, "out"), loader: { ".wasm": "file" }, publicPath: "/out", logLevel: "error" });
  const url = await serve(t, { "/": { body: INDEX(`import "/out/main.js";`) }, "/out": join(folder, "out") });
  assert.deepEqual(await shown(t, `${url}/`), FOUND);
});

for (const [why, options] of [
  ["as it is", {}],
  ["served with a wrong type", { types: { ".wasm": "application/octet-stream" } }],
  ["under a policy that allows no more than it has to", { headers: { "content-security-policy": "default-src 'none'; script-src 'self' 'nonce-page' 'wasm-unsafe-eval'; connect-src 'self'" } }],
]) {
  test(`runs in a page without a bundler, ${why}`, { skip }, async (t) => {
    const folder = await project(`page-${Object.keys(options).join() || "plain"}`, { "use.mjs": USE.replace("@livegate/player", "/node_modules/@livegate/player/dist/index.js") });
    const page = INDEX(`import { use } from "/use.mjs"; use().then((found) => (window.found = found), (error) => (window.failed = String(error)));`).replace("<script", '<script nonce="page"');
    const url = await serve(t, { "/": folder, "/index.html": { body: page } }, options);
    assert.deepEqual(await shown(t, `${url}/index.html`), FOUND);
  });
}

test("says what to do where the module cannot be had", { skip }, async (t) => {
  const folder = await project("failing", {});
  const page = INDEX(`
    import { init } from "/node_modules/@livegate/player/dist/index.js";
    const codes = [];
    const fails = (options) => init(options).then(() => codes.push("loaded"), ({ code, message }) => codes.push(code, message.length > 40));
    await fails({ wasm: "/nowhere.wasm" });
    await fails({ wasm: "http://127.0.0.1:1/" });
    await fails({ wasm: new Uint8Array([1, 2, 3]) });
    await fails({ wasm: new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) });
    await fails();
    window.found = codes;`);
  const url = await serve(t, { "/": folder, "/index.html": { body: page } });
  assert.deepEqual(await shown(t, `${url}/index.html`), [
    ...["player.wasm_not_loaded", true, "player.wasm_not_loaded", true],
    ...["player.wasm_not_compiled", true, "player.wasm_not_compiled", true],
    "loaded",
  ]);
});

test("says what a page's policy lacks", { skip }, async (t) => {
  const folder = await project("policies", {});
  const page = INDEX(`
    import { init } from "/node_modules/@livegate/player/dist/index.js";
    init().then(() => (window.found = "loaded"), ({ code, message }) => (window.found = [code, message]));`).replace("<script", '<script nonce="page"');
  for (const [policy, wanted, named] of [
    ["script-src 'self' 'nonce-page' 'wasm-unsafe-eval'", "player.wasm_not_loaded", "connect-src"],
    ["script-src 'self' 'nonce-page'; connect-src 'self'", "player.wasm_not_compiled", "'wasm-unsafe-eval'"],
  ]) {
    const url = await serve(t, { "/": folder, "/index.html": { body: page } }, { headers: { "content-security-policy": `default-src 'none'; ${policy}` } });
    const [code, message] = await shown(t, `${url}/index.html`);
    assert.equal(code, wanted);
    assert.ok(message.includes(named), message);
  }
});

test("runs in workerd", async (t) => {
  const folder = await project("workerd", {
    "use.mjs": USE,
    "worker.mjs": `import { use } from "./use.mjs"; export default { async fetch() { return Response.json(await use()); } };`,
  });
  const { build } = require("esbuild");
  // As wrangler bundles: modules of WebAssembly stay files beside the script.
  const wasm = join(folder, "node_modules/@livegate/player/dist/livegate_player.wasm");
  await build({
    entryPoints: [join(folder, "worker.mjs")],
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    outfile: join(folder, "out.mjs"),
    logLevel: "error",
    plugins: [{ name: "modules", setup: ({ onResolve }) => onResolve({ filter: /\.wasm$/ }, () => ({ path: "./livegate_player.wasm", external: true })) }],
  });
  await cp(wasm, join(folder, "livegate_player.wasm"));
  const port = await freePort();
  await writeFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker", esModule = embed "out.mjs"), (name = "./livegate_player.wasm", wasm = embed "livegate_player.wasm")],
    compatibilityDate = "2026-04-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`,
  );
  const { spawn } = await import("node:child_process");
  const workerd = spawn(require("workerd").default, ["serve", "config.capnp"], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  workerd.stderr.on("data", (bytes) => (errors += bytes));
  t.after(() => workerd.kill("SIGKILL"));
  const answer = await until(async () => {
    assert.equal(workerd.exitCode, null, errors);
    return fetch(`http://127.0.0.1:${port}/`).catch(() => null);
  });
  assert.deepEqual(await answer.json().catch(() => errors), FOUND);
});

test("its types are right for those who use them", async () => {
  const good = `
import mpegts from "mpegts.js";
import flvjs from "flv.js";
import Hls from "hls.js";
import { type Layout, LayoutOverlay, LayoutTracker, type Message, PlayerError, init } from "@livegate/player";
import { createMpegtsPlayer, mpegtsLoader } from "@livegate/player/mpegts";
import { createFlvPlayer } from "@livegate/player/flv";
import { trackHls } from "@livegate/player/hls";
import { trackXgplayer } from "@livegate/player/xgplayer";
import { trackChunk } from "@livegate/player/webcodecs";
import { createLayoutTransform, trackPort } from "@livegate/player/webrtc";

export async function use(video: HTMLVideoElement, chunk: EncodedVideoChunk, port: MessagePort, core: import("@livegate/player/xgplayer").XgplayerCore) {
  await init({ wasm: new URL("https://example.com/livegate_player.wasm") });
  const tracker = new LayoutTracker({ maxAge: 5 });
  tracker.addEventListener("layout", ({ layout, mediaTime }) => {
    const seen: Layout | null = layout;
    const names: string[] = seen?.panes.map((pane) => pane.uid) ?? [];
    return [names, mediaTime.toFixed(3)];
  });
  tracker.addEventListener("message", ({ message }) => {
    const { text }: Message = message;
    return text?.length;
  });
  tracker.addEventListener("warning", (event) => event.warning.code);
  // What takes any EventTarget takes these.
  const targets: EventTarget[] = [tracker];
  for (const target of targets) for (const name of ["layout", "message"]) target.addEventListener(name, () => {});
  for (const name of ["layout", "message"]) tracker.addEventListener(name, console.log), tracker.removeEventListener(name, console.log);
  const overlay = new LayoutOverlay(video, tracker, { name: (pane) => new Map([["a", "Ann"]]).get(pane.uid) });
  targets.push(overlay);
  overlay.addEventListener("select", ({ uid, pane }) => uid + pane.z);
  const { player, stop } = createMpegtsPlayer(mpegts, tracker, { type: "flv", url: "x", isLive: true }, { enableStashBuffer: false });
  player.attachMediaElement(video);
  player.load();
  mpegts.createPlayer({ type: "flv", url: "x" }, mpegtsLoader(mpegts, tracker));
  createFlvPlayer(flvjs, tracker, { type: "flv", url: "x" }).player.load();
  trackHls(new Hls(), tracker)();
  tracker.appendMp4(new Uint8Array(8), -1).toFixed();
  trackXgplayer(core, tracker)();
  trackChunk(tracker, chunk, { codec: "avc1.640028" });
  createLayoutTransform(tracker).stop();
  createLayoutTransform(port);
  trackPort(tracker, port);
  tracker.attach(video, { clock: "media" })();
  try {
    tracker.configure({ codec: "h265", format: "avcc", description: new Uint8Array(4) });
  } catch (error) {
    if (error instanceof PlayerError) switch (error.code) { case "player.configuration": return; default: throw error; }
  }
  stop();
}
`;
  const bad = [
    `new LayoutTracker().configure({ codec: "vp8", format: "annexb" });`,
    `new LayoutTracker().addEventListener("layouts", () => {});`,
    `new LayoutTracker().removeEventListener("layouts", () => {});`,
    `new LayoutTracker().current.panes;`,
    `new LayoutTracker().current!.panes[0]!.uid = "x";`,
  ];
  const folder = await project(
    "types",
    {
      "good.ts": good,
      // mpegts.js' own declarations do not go with all of the rest.
      "own.ts": `export * from "@livegate/player";\n${["mpegts", "flv", "hls", "xgplayer", "webcodecs", "webrtc"].map((name) => `export * as ${name} from "@livegate/player/${name}";`).join("\n")}`,
      ...Object.fromEntries(bad.map((line, index) => [`bad${index}.ts`, `import { LayoutTracker } from "@livegate/player";\n// @ts-expect-error\n${line}\n`])),
      ...Object.fromEntries(
        // As a new project has them: what packages declare is looked at, too.
        [["bundler", "esnext", "*.ts"], ["nodenext", "nodenext", "own.ts"]].map(([moduleResolution, module, files]) => [
          `tsconfig.${moduleResolution}.json`,
          JSON.stringify({
            compilerOptions: { strict: true, noEmit: true, target: "es2022", module, moduleResolution, lib: ["es2023", "dom", "dom.iterable"], types: [] },
            include: [files],
          }),
        ]),
      ),
    },
    ["mpegts.js", "flv.js", "hls.js", "xgplayer-flv", "xgplayer", "xgplayer-streaming-shared"],
  );
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
  for (const kind of ["bundler", "nodenext"]) {
    await run(process.execPath, [tsc, "-p", join(folder, `tsconfig.${kind}.json`)]).catch(({ stdout }) => assert.fail(`${kind}: ${stdout}`));
  }
});

for (const [name, packages] of [
  ["plain", ["mpegts.js"]],
  ["react", ["mpegts.js", "react", "react-dom", "scheduler"]],
  ["vue", ["mpegts.js", "vue", "@vue"]],
]) {
  test(`the example for ${name === "plain" ? "pages" : name} is built, plays, and says what is wrong`, { skip: skip || (await missing()) }, async (t) => {
    const folder = await project(`example-${name}`, {}, packages);
    await cp(join(packageFolder, "examples", name), folder, { recursive: true });
    const { build } = await import("vite");
    await build({ root: folder, base: "./", logLevel: "error", oxc: { jsx: { runtime: "automatic" } }, build: { outDir: "out" } });
    const assets = await readdir(join(folder, "out/assets"));
    assert.ok(assets.some((file) => file.endsWith(".wasm")));
    const stream = await readFile(await numbered());
    const url = await serve(t, {
      "/": join(folder, "out"),
      "/live.flv": (_, response) => response.writeHead(404).end(),
      "/played.flv": { body: stream, type: "video/x-flv" },
    });

    const playing = await open(t, await browser(), `${url}/index.html?url=/played.flv`);
    await playing.locator(".livegate-select").click();
    await playing.waitForFunction(() => / is chosen/.test(document.querySelector("[role=status]").textContent) && !document.querySelector("[role=status]").textContent.startsWith("Nobody"));
    const there = await playing.evaluate(() => {
      const uid = document.querySelector(".livegate-pane").dataset.uid;
      return [/^\d+$|^numbered/.test(uid), document.querySelectorAll(".livegate-overlay").length, document.querySelector("[role=alert]").textContent];
    });
    assert.deepEqual(there, [true, 1, ""]);

    /** What it says is wrong, and how much of it is left in the page. */
    const alert = async (prepare) => {
      const tab = await open(t, await browser(), "about:blank");
      if (prepare) await tab.addInitScript(prepare);
      await tab.goto(`${url}/index.html`);
      await tab.waitForFunction(() => document.querySelector("[role=alert]")?.textContent);
      return tab.evaluate(() => [document.querySelector("[role=alert]").textContent, document.querySelectorAll(".livegate-overlay").length]);
    };
    assert.match((await alert())[0], /^The stream cannot be played/);
    // As on iPhones.
    assert.deepEqual(await alert(() => (delete window.MediaSource, delete window.ManagedMediaSource, 0)), ["This browser cannot play the stream.", 0]);
    // A newcomer's commonest mistake.
    for (const file of assets.filter((file) => file.endsWith(".wasm"))) await rm(join(folder, "out/assets", file));
    assert.match((await alert())[0], /^livegate_player\.wasm was not at /);
  });
}
