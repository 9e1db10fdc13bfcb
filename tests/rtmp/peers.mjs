// What the RTMP tests stand on: the program around livegate-rtmp, nginx-rtmp, GStreamer, ffmpeg. All on
// 127.0.0.1, each on a port of its own, and all ended with the test that started them.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { root } from "../../tools/gateway.mjs";
import { freePort } from "../lib/ports.mjs";
import { LIMIT_MS, until } from "../lib/wait.mjs";
import { output } from "../media/material.mjs";

const run = promisify(execFile);
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const manifest = fileURLToPath(new URL("Cargo.toml", import.meta.url));
const gstreamer = fileURLToPath(new URL("gst.py", import.meta.url));

let built;
/** The program around livegate-rtmp, built. */
export async function program() {
  const args = ["build", "--quiet", "--locked", "--manifest-path", manifest];
  built ??= output("cargo", args, { env: { ...process.env, CARGO_TARGET_DIR: target } });
  await built;
  return join(target, "debug/livegate-rtmp-peer");
}

/** The tests in memory, of the program's own workspace. */
export async function inMemory() {
  const args = ["test", "--quiet", "--locked", "--manifest-path", manifest];
  await output("cargo", args, { env: { ...process.env, CARGO_TARGET_DIR: target } });
}

/** A program that runs: what it prints, and its end. Ends with the test. */
export function start(t, file, args, env = {}) {
  const child = spawn(file, args, { env: { ...process.env, LIMIT_MS: `${10 * LIMIT_MS}`, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const running = { text: "", status: undefined, signal: (name) => child.kill(name) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (piece) => (running.text += piece));
  }
  const ended = new Promise((done) => {
    child.on("error", (error) => {
      running.text += error;
      done((running.status = -1));
    });
    child.on("close", (status) => done((running.status = status ?? -1)));
  });
  running.end = () => ended;
  t.after(async () => {
    if (running.status === undefined) child.kill("SIGKILL");
    await ended;
  });
  return running;
}

/** Its end, which has to be a good one. */
export async function succeeds(running) {
  const status = await running.end();
  assert.equal(status, 0, running.text);
  return running.text.trim().split("\n");
}

/** Our program, told what to do. */
export async function ours(t, args, env) {
  return start(t, await program(), args, env);
}

/** Our program as a server: its address once it listens. */
export async function serving(t, args, env) {
  const running = await ours(t, args, env);
  const said = () => running.text.match(/^port (\d+)$/m)?.[1];
  const port = await until(() => said() ?? running.status !== undefined);
  assert.equal(typeof port, "string", running.text);
  return { running, url: `rtmp://127.0.0.1:${port}/live` };
}

/** A destination of one connection: where it is, and what it has taken once that is over. */
export async function destination(t, env = {}) {
  const out = join(await folder(t), "out.flv");
  const { running, url } = await serving(t, ["take", out], { PORT: `${await freePort()}`, ...env });
  const taken = async (last = "closed after its end") => {
    const said = await succeeds(running);
    assert.equal(said.at(-1), last, said.join("\n"));
    return out;
  };
  return { url: `${url}/key`, port: new URL(url.replace("rtmp", "http")).port, running, out, taken };
}

/** ffmpeg, which copies. */
export const ffmpeg = (t, args) => start(t, "ffmpeg", ["-v", "error", "-y", ...args]);

/** A pipeline of GStreamer until its end. */
export const pipeline = (t, line) => start(t, "python3", [gstreamer, `${LIMIT_MS / 1_000}`, line]);

/** Why GStreamer is not asked here, or false. */
export async function withoutGstreamer() {
  const found = await run("python3", [gstreamer, "--check"]).then(
    () => true,
    () => false,
  );
  return !found && "GStreamer or one of its plugins is not on this machine: see tools/setup";
}

/** Why nginx-rtmp is not asked here, or false. */
export const withoutNginx = () =>
  !existsSync(process.env.LIVEGATE_NGINX_RTMP ?? "") && "nginx-rtmp is not on this machine: see tools/setup";

const listens = (port) =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => done(true)).on("error", () => done(false));
    socket.on("connect", () => socket.destroy());
  });

/** A folder that goes with the test. */
export async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "livegate-rtmp-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** nginx-rtmp with one application, its address once it listens. */
export async function nginx(t) {
  const home = process.env.LIVEGATE_NGINX_RTMP;
  const [port, work] = [await freePort(), await folder(t)];
  await writeFile(
    join(work, "nginx.conf"),
    `daemon off; master_process off; error_log stderr warn; pid ${work}/pid;
    load_module ${home}/lib/nginx/modules/ngx_rtmp_module.so;
    events { worker_connections 64; }
    rtmp { access_log off; server { listen 127.0.0.1:${port}; chunk_size 4096;
      application live { live on; } } }`,
  );
  const running = start(t, join(home, "sbin/nginx"), ["-p", work, "-c", join(work, "nginx.conf"), "-e", "stderr"]);
  const up = await until(() => running.status !== undefined || listens(port));
  assert.ok(up && running.status === undefined, running.text);
  return `rtmp://127.0.0.1:${port}/live`;
}
