// Cloudflare's own tool takes the Worker as it is: packed for deployment, and run for development.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";

import { root } from "../tools/gateway.mjs";
import { freePort } from "./lib/ports.mjs";
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

/** `wrangler dev` with more arguments: where it serves, and what it has said so far. */
async function develop(t, ...more) {
  const port = await freePort();
  const state = mkdtempSync(join(tmpdir(), "livegate-dev-"));
  const args = [wrangler, "dev", "--port", String(port), "--ip", "127.0.0.1", "--persist-to", state, "--inspector-port", "0", ...more];
  const dev = spawn(process.execPath, args, { cwd: root, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const world = { url: `http://127.0.0.1:${port}`, said: "" };
  for (const stream of [dev.stdout, dev.stderr]) stream.on("data", (text) => (world.said += text));
  const ended = new Promise((done) => dev.once("close", done));
  t.after(async () => {
    // It starts others; they are one group of processes, and ours.
    process.kill(-dev.pid, "SIGTERM");
    await ended;
    rmSync(state, { recursive: true, force: true });
  });
  const health = () => fetch(`${world.url}/healthz`).then((answer) => answer.json(), () => world.said.slice(-500));
  await until(health, (answer) => answer.status === "ok", 300_000);
  return world;
}

test("wrangler dev serves it", async (t) => {
  await develop(t);
});

test("where a send_email binding is bound, it mails what people are to be told", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "livegate-mail-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const toml = readFileSync(join(root, "wrangler.toml"), "utf8");
  const built = JSON.stringify(join(root, "build/worker.js"));
  const bound = toml.replace(/^main = .*$/m, `main = ${built}`).replace(/^\[build\]\n(.+\n)+/m, "");
  assert.ok(!bound.includes("tools/build-worker\""), "it is built already");
  writeFileSync(join(folder, "wrangler.toml"), `${bound}\n[[send_email]]\nname = "EMAIL"\n`);
  const admin = "an-admin-token-of-32-characters-or-more";
  writeFileSync(join(folder, ".dev.vars"), `ADMIN_TOKEN=${admin}\nSEAL_KEY=${"5e".repeat(32)}\nEGRESS=development\n`);
  const dev = await develop(t, "--config", join(folder, "wrangler.toml"));
  const call = async (path, method, body, headers) => {
    const answer = await fetch(dev.url + path, { method, headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
  };
  const tenant = await call("/api/v1/tenants", "POST", { name: "mailed" }, { authorization: `Bearer ${admin}` });
  const own = { authorization: `Bearer ${tenant.token}` };
  const message = { from: "gate@example.com" };
  await call("/api/v1/endpoints", "POST", { url: "mailto:ops@example.com,night@example.com", format: "email", message }, own);
  const source = await call("/api/v1/sources", "POST", { name: "host", scheme: "NONE", dialect: "livegate-relay" }, own);
  const config = { live_notify_config: { action: "add", notify_events: ["AUTO_EXIT"] } };
  await call(`/v1/${tenant.project_id}/smart-live-configs/user-config`, "PUT", config, { "x-auth-token": tenant.auth_token });
  await call(new URL(source.url).pathname, "POST", { id: "x-1", type: "live.auto_exit", channel: "room-7", time: new Date().toISOString() });
  await until(() => dev.said, (said) => said.includes("The live in room-7 stopped by itself"));
  for (const part of ["gate@example.com", "ops@example.com", "night@example.com"]) assert.ok(dev.said.includes(part), dev.said.slice(-2000));
});
