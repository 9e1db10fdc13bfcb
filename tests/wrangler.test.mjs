// Cloudflare's own tool takes the Worker as it is: packed for deployment, and run for development.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";

import { freePort, root } from "../tools/gateway.mjs";
import { until } from "./lib/wait.mjs";

const wrangler = join(dirname(createRequire(join(root, "package.json")).resolve("wrangler/package.json")), "bin", "wrangler.js");
// It reports to nobody, asks nothing, and looks for no newer version.
const env = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1", NO_UPDATE_NOTIFIER: "1", NO_COLOR: "1" };

test("wrangler deploy --dry-run packs the Worker with its objects", (t) => {
  const out = mkdtempSync(join(tmpdir(), "livegate-deploy-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const { status, stdout, stderr } = spawnSync(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", out], {
    cwd: root,
    env,
    encoding: "utf8",
    timeout: 300_000,
  });
  assert.equal(status, 0, stdout + stderr);
  for (const name of ["TENANT", "CHANNEL", "ENDPOINT", "RECORDS", "DIRECTORY", "NONCES", "FLEET"]) {
    assert.match(stdout, new RegExp(`env\\.${name}\\b`));
  }
  const files = readdirSync(out);
  assert.ok(files.some((name) => name.endsWith(".js")) && files.some((name) => name.endsWith(".wasm")), `${files}`);
});

test("wrangler dev serves it", async (t) => {
  const port = await freePort();
  const state = mkdtempSync(join(tmpdir(), "livegate-dev-"));
  const args = [wrangler, "dev", "--port", String(port), "--ip", "127.0.0.1", "--persist-to", state, "--inspector-port", "0"];
  const dev = spawn(process.execPath, args, { cwd: root, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [dev.stdout, dev.stderr]) stream.on("data", (text) => (said += text));
  const ended = new Promise((done) => dev.once("close", done));
  t.after(async () => {
    // It starts others; they are one group of processes, and ours.
    process.kill(-dev.pid, "SIGTERM");
    await ended;
    rmSync(state, { recursive: true, force: true });
  });
  const health = () => fetch(`http://127.0.0.1:${port}/healthz`).then((answer) => answer.json(), () => said.slice(-500));
  const { status } = await until(health, (answer) => answer.status === "ok", 300_000);
  assert.equal(status, "ok");
});
