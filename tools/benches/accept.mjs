// Durable accepts a second and how long they take, by wrk on one processor, beside an empty request
// with one object hop through the same Worker, in turns.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { gateway } from "./gateway.mjs";
import { figure, median, note, section } from "./report.mjs";

const CONNECTIONS = 16;
const script = join(dirname(fileURLToPath(import.meta.url)), "wrk.lua");

async function wrk(target, source, { path, channels, run, seconds }) {
  const { stdout } = await promisify(execFile)("wrk", [
    ...["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, target.url, "--"],
    ...[path, source.signatures, source.template, String(channels), run],
  ]);
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  assert.ok(line, `wrk said: ${stdout}`);
  const result = JSON.parse(line);
  assert.equal(result.broken, 0, `${run}: ${result.broken} connections broke`);
  assert.equal(result.refused, 0, `${run}: ${result.refused} calls were not answered 200`);
  assert.ok(result.requests > 0, `${run}: nothing was answered`);
  return { ...result, rate: result.requests / result.seconds };
}

/** Everything that was answered 200 is a row, and no row is more than was sent. */
function check(stored, run, requests) {
  const rows = Object.entries(stored).filter(([name]) => name.startsWith(run));
  const sum = rows.reduce((all, [, [count]]) => all + count, 0);
  const distinct = rows.reduce((all, [, [, count]]) => all + count, 0);
  assert.equal(distinct, sum, `${run}: bodies are stored twice`);
  // wrk stops without hearing what is under way.
  assert.ok(
    sum >= requests && sum <= requests + CONNECTIONS,
    `${run}: ${requests} callbacks were answered 200 but ${sum} are stored`,
  );
  return rows.length;
}

export async function accepts({ scratch, short }) {
  const seconds = short ? 2 : 6;
  const rounds = short ? 1 : 3;
  const target = await gateway(scratch);
  const runs = [];
  let stored;
  try {
    const source = await target.source("bench");
    const measure = async (run, path, channels) => {
      const result = await wrk(target, source, { path, channels, run, seconds });
      const memory = target.memory();
      runs.push({ run, path, channels, memory, ...result });
      return result;
    };
    const empty = "/healthz?hop=1";
    // The engine compiles what runs often anew, and every channel is started once.
    await wrk(target, source, { path: empty, channels: 1, run: "w", seconds: 1 });
    await wrk(target, source, { path: source.path, channels: 32, run: "w", seconds: 2 });
    for (let round = 0; round < rounds; round += 1) {
      await measure(`e${round}-`, empty, 1);
      await measure(`one${round}-`, source.path, 1);
      await measure(`many${round}-`, source.path, 32);
    }
  } finally {
    await target.stop();
    stored = target.stored();
  }
  for (const { run, path, channels, requests } of runs) {
    if (path.startsWith("/in/")) {
      assert.equal(check(stored, run, requests), channels, `${run}: channels`);
    }
  }
  const of = (prefix, value) => median(runs.filter(({ run }) => run.startsWith(prefix)).map(value));
  section(`Durable accepts, ${CONNECTIONS} connections, ${rounds} x ${seconds} s each, medians`);
  const emptyP99 = of("e", ({ p99 }) => p99);
  for (const [prefix, title, aims] of [
    ["e", "empty request, one object hop", {}],
    ["one", "into one channel", { least: 2500, most: 8, times: 1.5 }],
    ["many", "into 32 channels", {}],
  ]) {
    figure(`${title}: a second`, of(prefix, ({ rate }) => rate), { least: aims.least });
    figure(`${title}: p50`, of(prefix, ({ p50 }) => p50), { unit: " ms", digits: 2, most: aims.most });
    figure(`${title}: p99`, of(prefix, ({ p99 }) => p99), { unit: " ms", digits: 2 });
    if (aims.times) {
      const ratio = of(prefix, ({ p99 }) => p99) / emptyP99;
      figure(`${title}: p99 : the empty request's`, ratio, { unit: " x", digits: 2, most: aims.times });
    }
  }
  const greatest = Math.max(...runs.map(({ memory }) => memory));
  figure("greatest resident memory", greatest, { unit: " MB", most: 250 });
  for (const { run, rate, p50, p99, max, memory } of runs) {
    note(
      `${run.padEnd(7)} ${rate.toFixed(0).padStart(6)}/s  p50 ${p50.toFixed(2)}  p99 ${p99.toFixed(2)}  max ${max.toFixed(1)} ms  ${memory.toFixed(0)} MB`,
    );
  }
  note("every accepted callback was found in the channels' files, once");
}
