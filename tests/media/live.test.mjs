// livegate sei beside others: streams that come slowly, readers that go away, outputs that cannot be
// written, and being stopped in the middle.

import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { find } from "./clips.mjs";
import { read } from "./flv.mjs";
import { folder, livegate, missing, start } from "./material.mjs";
import { dump, ours } from "./sei.mjs";

const skip = await missing();
const TEXT = '{"n":1}';
const EVERY = ["--every", "frame", "--text", TEXT];
/** How long anything here may take that should be at once. */
const SOON = 120_000;

/** Gives `use` a folder of its own, and removes it. */
async function apart(use) {
  const path = await mkdtemp(join(folder, "live-"));
  try {
    return await use((name) => join(path, name), path);
  } finally {
    await rm(path, { recursive: true });
  }
}

/** Ends a command that did not end by itself. */
async function guarded(child, use) {
  const limit = setTimeout(() => child.kill("SIGKILL"), SOON);
  try {
    return await use();
  } finally {
    clearTimeout(limit);
    child.kill("SIGKILL");
  }
}

const closed = async (child) => {
  const [status, signal] = await once(child, "close");
  return signal ?? status;
};

/** All that a pipe says, as it comes. */
function told(pipe) {
  const said = { text: "" };
  pipe.on("data", (chunk) => (said.text += chunk));
  return said;
}

/** Waits until something holds. */
async function until(holds, about) {
  for (const end = Date.now() + SOON; Date.now() < end; await pause(10)) {
    if (await holds()) return;
  }
  assert.fail(about);
}

const clip = async (name) => readFile((await find(name)).path);

/** What insert makes of a file. */
async function inserted(name) {
  const { path } = await find(name);
  return apart(async (at) => {
    const { status, err } = await livegate(["sei", "insert", path, at("out"), ...EVERY]);
    assert.equal(status, 0, err);
    return readFile(at("out"));
  });
}

test("a file can be its own output", { skip }, async () => {
  for (const name of ["aac.flv", "slices.h264"]) {
    const { path } = await find(name);
    await apart(async (at, own) => {
      await copyFile(path, at(name));
      const there = await livegate(["sei", "insert", at(name), at(name), ...EVERY]);
      assert.equal(there.status, 0, there.err);
      assert.ok((await readFile(at(name))).equals(await inserted(name)));
      const back = await livegate(["sei", "strip", at(name), at(name)]);
      assert.equal(back.status, 0, back.err);
      assert.ok((await readFile(at(name))).equals(await readFile(path)));
      assert.deepEqual(readdirSync(own), [name]);
    });
  }
});

test("a full disk is a failure", { skip: skip || !existsSync("/dev/full") }, async () => {
  for (const name of ["aac.flv", "slices.h264"]) {
    const { path } = await find(name);
    const { status, err } = await livegate(["sei", "insert", path, "/dev/full", ...EVERY]);
    assert.equal(status, 1);
    assert.match(err, /cannot write \/dev\/full: No space left/);
  }
  const { path } = await find("aac.flv");
  for (const args of [["insert", path, "-", ...EVERY], ["dump", path], ["dump", path, "--json"]]) {
    const full = openSync("/dev/full", "w");
    const child = start(["sei", ...args], ["ignore", full, "pipe"]);
    closeSync(full);
    const err = told(child.stderr);
    assert.equal(await guarded(child, () => closed(child)), 1, err.text);
    assert.match(err.text, /cannot write .*: No space left/);
  }
});

test("an output that cannot be made is a failure, and told with its name", { skip }, async () => {
  const { path } = await find("aac.flv");
  await apart(async (at, own) => {
    await writeFile(at("file"), "");
    for (const to of [at("file/out.flv"), at("no-such-folder/out.flv"), own]) {
      const { status, err } = await livegate(["sei", "insert", path, to, ...EVERY]);
      assert.equal(status, 1, `${to}: ${err}`);
      assert.ok(err.includes(`cannot write ${to}: `), err);
    }
    assert.deepEqual(readdirSync(own), ["file"]);
  });
});

test("dump ends when its reader is gone", { skip }, async () => {
  const { header, tags } = read(await inserted("aac.flv"));
  assert.ok(tags.length > 0);
  const file = await inserted("aac.flv");
  const body = file.subarray(header.length + 4);
  for (const json of [[], ["--json"]]) {
    const child = start(["sei", "dump", "-", ...json]);
    await guarded(child, async () => {
      let gone = false;
      child.stdin.on("error", () => (gone = true));
      const end = closed(child).finally(() => (gone = true));
      const lines = createInterface({ input: child.stdout });
      child.stdin.write(file);
      await once(lines, "line");
      lines.close();
      child.stdout.destroy();
      // The stream would go on for ever.
      while (!gone) {
        if (!child.stdin.write(body)) await Promise.race([once(child.stdin, "drain").catch(() => {}), end]);
      }
      assert.equal(await end, 0);
    });
  }
});

test("dump tells of a message before the stream goes on", { skip }, async () => {
  for (const name of ["aac.flv", "slices.h264"]) {
    const file = await inserted(name);
    const half = file.subarray(0, file.length / 2);
    const told = file.toString("latin1").split(TEXT).length - 1;
    const child = start(["sei", "dump", "-", "--json"]);
    await guarded(child, async () => {
      const lines = [];
      createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line)));
      child.stdin.write(half);
      // All but what may still go on: a byte stream's last NAL unit ends where the next one begins.
      const whole = half.toString("latin1").split(TEXT).length - 2;
      assert.ok(whole > 10);
      await until(() => lines.filter(ours).length >= whole, `${name}: ${lines.length} lines, not ${whole}`);
      assert.equal(child.exitCode, null);
      child.stdin.end(file.subarray(half.length));
      assert.equal(await closed(child), 0);
      assert.equal(lines.filter(ours).length, told);
    });
  }
});

test("insert hands on what it has before the stream goes on", { skip }, async () => {
  for (const [name, late] of [["aac.flv", 4_096], ["slices.h264", 4_096]]) {
    const file = await clip(name);
    const expected = await inserted(name);
    const half = file.subarray(0, file.length / 2);
    const child = start(["sei", "insert", "-", "-", ...EVERY]);
    await guarded(child, async () => {
      const out = [];
      let length = 0;
      child.stdout.on("data", (chunk) => (out.push(chunk), (length += chunk.length)));
      child.stdin.write(half);
      await until(() => length + late > half.length, `${name}: ${length} of ${half.length} bytes came`);
      child.stdin.end(file.subarray(half.length));
      assert.equal(await closed(child), 0);
      assert.ok(Buffer.concat(out).equals(expected));
    });
  }
});

for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]]) {
  test(`${signal} ends a live stream: what came is there`, { skip }, async () => {
    for (const name of ["aac.flv", "slices.h264"]) {
      const file = await clip(name);
      const expected = await inserted(name);
      const half = file.subarray(0, file.length / 2);
      await apart(async (at, own) => {
        const child = start(["sei", "insert", "-", at("out"), ...EVERY]);
        await guarded(child, async () => {
          const err = told(child.stderr);
          child.stdin.write(half);
          const part = () => readdirSync(own).find((entry) => entry.endsWith(".part"));
          await until(async () => part() && (await stat(at(part()))).size > half.length / 2, "nothing was written");
          child.kill(signal);
          assert.equal(await closed(child), 128 + number, err.text);
          assert.match(err.text, /stopped; .*out has what came until then/);
        });
        assert.deepEqual(readdirSync(own), ["out"]);
        const came = await readFile(at("out"));
        assert.ok(came.length > half.length / 2);
        assert.ok(expected.subarray(0, came.length).equals(came));
        assert.ok((await dump({ path: at("out") })).some(ours));
      });
    }
  });
}
