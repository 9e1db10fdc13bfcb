// The vectors are what independent tools make of them, and a slip in one would be noticed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { folder } from "../lib/vectors.mjs";

const has = (command, ...args) => spawnSync(command, args).status === 0;
const skip = !has("python3", "--version") && "there is no python3";
const skipOpenssl = skip || (!has("openssl", "version") && "there is no openssl");

function run(where, script, ...args) {
  const ended = spawnSync("python3", [join(where, script), ...args], { encoding: "utf8", timeout: 600_000 });
  return { status: ended.status, said: ended.stdout + ended.stderr };
}

/** Runs a script over a copy of the vectors in which one text of one file is replaced. */
function withSlip(script, args, file, [right, wrong]) {
  const copy = mkdtempSync(join(tmpdir(), "livegate-vectors-"));
  try {
    cpSync(folder, copy, { recursive: true });
    const text = readFileSync(join(copy, file), "utf8");
    assert.ok(text.includes(right), `${file} has ${right}`);
    writeFileSync(join(copy, file), text.replace(right, wrong));
    return run(copy, script, ...args);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

test("the scheme vectors are those that hmac, hashlib and openssl make", { skip: skipOpenssl }, () => {
  const { status, said } = run(folder, "make_scheme.py", "--check");
  assert.equal(status, 0, said);
});

test("a scheme vector with another signature is noticed", { skip: skipOpenssl }, () => {
  const slip = ["g0hM9SsE+OTPJTGt", "h0hM9SsE+OTPJTGt"];
  const ended = withSlip("make_scheme.py", ["--check"], "scheme/standard_webhooks.json", slip);
  assert.equal(ended.status, 1);
  assert.match(ended.said, /standard_webhooks\.json/);
});

// The vendors' own signers are asked, too, where tools/setup could install them.
test("the request vectors are those that hmac, hashlib and the vendors' signers make", { skip }, () => {
  const { status, said } = run(folder, "make_request.py", "--check");
  assert.equal(status, 0, said);
});

test("a request vector with another signature is noticed", { skip }, () => {
  const slip = ["Credential=AKIDEXAMPLE0001", "Credential=AKIDEXAMPLE0002"];
  const ended = withSlip("make_request.py", ["--check"], "request/acs3.json", slip);
  assert.equal(ended.status, 1);
  assert.match(ended.said, /acs3\.json/);
});

test("the layout vectors are those that fractions make", { skip }, () => {
  const { status, said } = run(folder, "make_layout.py", "--check");
  assert.equal(status, 0, said);
});

test("a pane one pixel beside its place is noticed", { skip }, () => {
  const slip = ["640, 0, 640, 720", "641, 0, 640, 720"];
  const ended = withSlip("make_layout.py", ["--check"], "layout/resolve.json", slip);
  assert.equal(ended.status, 1);
  assert.match(ended.said, /resolve\.json/);
});

test("the messages' vectors are those that the model, ffmpeg and ffprobe make", { skip }, () => {
  const { status, said } = run(folder, "make_sei.py", "--check");
  assert.equal(status, 0, said);
});

for (const [file, slip] of [
  ["sei/written.json", ["80\"}", "81\"}"]],
  ["sei/read.json", ['"without": "same"', '"without": "nothing"']],
  ["sei/streams.json", ['"edited_sha256": "', '"edited_sha256": "0']],
]) {
  test(`a slip in ${file} is noticed`, { skip }, () => {
    const ended = withSlip("make_sei.py", ["--check"], file, slip);
    assert.equal(ended.status, 1, ended.said);
    assert.match(ended.said, new RegExp(`^${file}: .*differs`, "m"));
  });
}

test("every other vector is what Python makes of it", { skip }, () => {
  const { status, said } = run(folder, "check.py");
  assert.equal(status, 0, said);
});

for (const [file, slip] of [
  ["url/url.json", ['"https://1.0.0.0/"', '"https://10.0.0.0/"']],
  ["metastudio/parse.json", ['"kind": "relay.state"', '"kind": "script.segment"']],
  ["metastudio/redact.json", ['\\"stream_key\\":\\"***\\"', '\\"stream_key\\":\\"xxxxx\\"']],
  ["cloudevents/cloudevents.json", ["2024-09-10T00:30:00.123Z", "2024-09-10T08:30:00.123Z"]],
  ["config/alibaba.json", ["config.out_of_range", "config.wrong_type"]],
  ["config/config.json", ["config.out_of_range", "config.wrong_type"]],
  ["config/metastudio.json", ["config.too_long", "config.wrong_type"]],
  ["relay/addresses.json", ['"same": true', '"same": false']],
  ["relay/jocloud.json", ['"z": 100', '"z": 99']],
  ["relay/mpu.json", ['"fit": "inside"', '"fit": "crop"']],
  ["filter/conditions.json", ['"expect": true', '"expect": false']],
  ["filter/texts.json", ['"expect": true', '"expect": false']],
  ["filter/events.json", ['"expect": true', '"expect": false']],
]) {
  test(`a slip in ${file} is noticed`, { skip }, () => {
    const ended = withSlip("check.py", [], file, slip);
    assert.equal(ended.status, 1, ended.said);
    assert.match(ended.said, new RegExp(`^${file}: .+: AssertionError`, "m"));
  });
}
