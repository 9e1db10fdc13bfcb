// The demo as a newcomer has it: one command, a page, four buttons. Then the same page as axe-core judges it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import { root } from "../tools/gateway.mjs";
import { launch, open } from "./lib/browser.mjs";
import { binary } from "./lib/relay.mjs";
import { until } from "./lib/wait.mjs";
import { withoutPlayer } from "./player/page.mjs";
import { folder } from "./rtmp/peers.mjs";

const BAD = ["serious", "critical"];

/** The demo, as tools/demo-player starts it when all is built. */
function demo(t, { args = [], home = tmpdir() } = {}) {
  const env = { ...process.env, LIVEGATE: binary, PORT: "0", TMPDIR: home };
  const child = spawn(process.execPath, [join(root, "tools/player/demo.mjs"), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const running = { text: "", child };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (running.text += piece));
  running.ended = new Promise((done) => child.once("close", (status) => done((running.status = status ?? -1))));
  t.after(async () => {
    child.kill("SIGKILL");
    await running.ended;
  });
  return running;
}

/** The processes that a process has started, by their ids. */
async function children(pid) {
  const lists = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(lists.map((id) => readFile(`/proc/${pid}/task/${id}/children`, "utf8")));
  return texts.join(" ").split(" ").filter(Boolean).map(Number);
}

const isThere = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("the demo", { skip: await withoutPlayer() }, () => {
  it("has its tags within 250 ms of the picture, whichever button is pressed", async (t) => {
    const running = demo(t, { args: ["--check"] });
    assert.equal(await running.ended, 0, running.text);
    const lines = running.text.split("\n").filter((line) => line.includes("after the button"));
    assert.equal(lines.length, 8, running.text);
    for (const line of lines) t.diagnostic(line);
  });

  it("serves a page that axe-core finds nothing serious in, and leaves nothing behind", async (t) => {
    const home = await folder(t);
    const running = demo(t, { home });
    const url = await until(() => running.text.match(/http:\S+/)?.[0] ?? (running.status !== undefined && running.text));
    assert.match(url, /^http:\/\/127\.0\.0\.1:/);
    const started = await children(running.child.pid);
    assert.equal(started.length, 2, "a relay host and ffmpeg");

    const page = await open(t, await launch(t), url, { viewport: { width: 1100, height: 1000 } });
    const axe = await readFile(join(root, "node_modules/axe-core/axe.js"), "utf8");
    await page.evaluate(axe);
    for (const name of ["side-by-side", "picture-in-picture", "one-full", "swapped"]) {
      await page.locator(`[data-layout="${name}"]`).click();
      await page.locator(`[data-layout="${name}"][aria-pressed="true"]`).waitFor();
      const panes = name === "one-full" ? 1 : 2;
      await page.waitForFunction((count) => document.querySelectorAll(".livegate-pane").length === count, panes);
      const { violations } = await page.evaluate(() => axe.run());
      const bad = violations.filter(({ impact }) => BAD.includes(impact));
      assert.deepEqual(bad.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], name);
    }

    // By the keyboard alone: a pane is chosen and says whose it is.
    await page.locator(".livegate-select").first().focus();
    await page.keyboard.press("Enter");
    const label = await page.locator(".livegate-select").first().getAttribute("aria-label");
    await page.waitForFunction((uid) => document.getElementById("chosen").textContent === uid, label);

    // Ctrl-C.
    running.child.kill("SIGINT");
    assert.equal(await running.ended, 0, running.text);
    await until(() => started.every((pid) => !isThere(pid)));
    assert.deepEqual(await readdir(home), []);
  });

  it("plays on when its stream was away", async (t) => {
    const running = demo(t);
    const url = await until(() => running.text.match(/http:\S+/)?.[0]);
    const browser = await launch(t);
    let asked = 0;
    await browser.route("**/demo.flv", (route) => {
      asked += 1;
      if (asked === 1) return route.abort();
      return asked === 2 ? route.fulfill({ status: 404 }) : route.continue();
    });
    const page = await open(t, browser, url);
    await page.locator('#live[data-state="over"]').waitFor();
    await page.locator('#live[data-state="live"]').waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".livegate-pane").length === 2);
    assert.equal(asked, 3);
  });

  it("answers nobody who calls it by another name", async (t) => {
    const running = demo(t);
    const url = await until(() => running.text.match(/http:\S+/)?.[0]);
    const ask = (path, options) => fetch(new URL(path, url), options);
    assert.equal((await ask("/api/live")).status, 200);
    const other = url.replace("127.0.0.1", "localhost");
    assert.equal((await fetch(new URL("/api/live", other)).catch(() => ({ status: 421 }))).status, 421);
    assert.equal((await ask("/api/layout", { method: "PUT", body: '{"name":"none"}' })).status, 400);
    assert.equal((await ask("/api/layout", { method: "PUT", body: "x".repeat(10_000) })).status, 413);
    assert.equal((await ask("/dist/../package.json")).status, 404);
    assert.equal((await ask("/dist/%2e%2e/package.json")).status, 404);
    assert.equal((await ask("/tools/player/host.mjs")).status, 404);
  });
});
