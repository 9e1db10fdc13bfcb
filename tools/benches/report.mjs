// Figures as tables: each beside its aim, and whether it is met.

import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";

import { root } from "../gateway.mjs";

const aims = [];
let busy = 0;

export function section(title) {
  console.log(`\n${title}`);
}

export function note(text) {
  console.log(`  ${text}`);
}

/**
 * One figure. `aim` is what it has to be at most or at least, or nothing.
 *
 * @param {string} name
 * @param {number} value
 * @param {{unit?: string, digits?: number, most?: number, least?: number, beside?: string}} how
 */
export function figure(name, value, { unit = "", digits = 0, most, least, beside = "" } = {}) {
  const show = (number) =>
    `${number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
  let aim = "";
  let met = "";
  if (most !== undefined || least !== undefined) {
    const holds = most !== undefined ? value <= most : value >= least;
    aim = most !== undefined ? `at most ${show(most)}` : `at least ${show(least)}`;
    met = holds ? "yes" : "NO";
    aims.push({ name, holds });
  }
  console.log(
    `  ${name.padEnd(52)}${show(value).padStart(13)}   ${aim.padEnd(20)}${met.padEnd(5)}${beside}`.trimEnd(),
  );
}

/** What it is measured on, and whether anybody else uses it. */
export async function machine() {
  const idle = () =>
    cpus().reduce(
      ({ idle, all }, { times }) => ({
        idle: idle + times.idle,
        all: all + Object.values(times).reduce((sum, time) => sum + time),
      }),
      { idle: 0, all: 0 },
    );
  const before = idle();
  await sleep(1_000);
  const after = idle();
  busy = 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
  const [load] = loadavg();
  console.log(`${cpus().length} processors, ${cpus()[0].model}; node ${process.version}`);
  console.log(`before the start: ${Math.round(busy * 100)} % busy, load ${load.toFixed(2)}`);
  if (busy > 0.1) console.log("OTHERS USE THIS MACHINE: compare figures of one run with each other only");
}

/** The Worker as it is uploaded. */
export function size() {
  section("The Worker");
  const packed = ["index_bg.wasm", "index.js"]
    .map((file) => gzipSync(readFileSync(join(root, "build", file)), { level: 9 }).length)
    .reduce((sum, length) => sum + length);
  figure("gzipped", packed / 1024, { unit: " KB", digits: 1, most: 600 });
}

export function summary() {
  const missed = aims.filter(({ holds }) => !holds);
  section(`${aims.length - missed.length} of ${aims.length} aims met`);
  for (const { name } of missed) note(`not met: ${name}`);
  if (busy > 0.1) note("others used this machine at the start");
}

/** The middle one of some numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
