// Accepts and deliveries together: callbacks at a steady rate, two endpoints that want all of them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { gateway } from "./gateway.mjs";
import { figure, note, section } from "./report.mjs";

const ENDPOINTS = 2;
const CONNECTIONS = 64;
const SAMPLE_MS = 250;
/** How long deliveries may go on after the last accept. */
const PATIENCE_MS = 60_000;

/** The receiving program: its ports, and what it says. */
class Receiver {
  constructor(binary) {
    this.child = spawn(binary, ["receive", String(ENDPOINTS)], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise((ended) => this.child.once("close", ended));
  }

  async next() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, "the receiver ended");
    return JSON.parse(value);
  }

  ask(line) {
    this.child.stdin.write(`${line}\n`);
    return this.next();
  }

  async stop() {
    this.child.stdin.end();
    await this.ended;
  }
}

/** Runs the sending program to its end. */
async function send(binary, target, source, { channels, rate, seconds, first }) {
  const child = spawn(
    binary,
    [
      ...["send", `127.0.0.1:${target.running.port}`, source.path, source.signatures, source.template],
      ...[channels, rate, seconds, CONNECTIONS, first].map(String),
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let out = "";
  child.stdout.on("data", (text) => (out += text));
  const status = await new Promise((ended) => child.once("close", ended));
  assert.equal(status, 0, "a callback was not accepted as new");
  return JSON.parse(out);
}

/** Callbacks at a rate, until every endpoint has them all or time is up. */
async function run(binary, target, source, receiver, plan) {
  const memory = [];
  const sampler = setInterval(() => memory.push(target.memory()), SAMPLE_MS);
  try {
    const sent = await send(binary, target, source, plan);
    const during = memory.length;
    await receiver.ask(`wait ${sent.sent} ${PATIENCE_MS}`);
    const reports = await receiver.ask("report");
    return { sent, reports, memory: memory.slice(0, during) };
  } finally {
    clearInterval(sampler);
  }
}

const sum = (reports, value) => reports.reduce((all, report) => all + value(report), 0);

function show(title, { sent, reports }, aims) {
  const received = sum(reports, ({ received }) => received);
  const distinct = sum(reports, ({ distinct }) => distinct);
  figure(`${title}: accepts a second`, sent.rate, { least: aims.accepts });
  figure(`${title}: accept p50, from when it was due`, sent.p50, { unit: " ms", digits: 2 });
  figure(`${title}: accept p99`, sent.p99, { unit: " ms", digits: 2 });
  figure(`${title}: deliveries a second`, sum(reports, ({ distinct, seconds }) => distinct / seconds), {
    least: aims.deliveries,
  });
  figure(`${title}: delivered within a second`, (100 * sum(reports, ({ in_time }) => in_time)) / distinct, {
    unit: " %",
    digits: 2,
    least: aims.inTime,
  });
  figure(`${title}: lag p50`, Math.max(...reports.map(({ p50 }) => p50)), { unit: " ms", digits: 1 });
  figure(`${title}: lag p99`, Math.max(...reports.map(({ p99 }) => p99)), { unit: " ms", digits: 1 });
  figure(`${title}: greatest lag`, Math.max(...reports.map(({ max }) => max)), {
    unit: " ms",
    most: aims.lag,
  });
  figure(`${title}: delivered again`, received - distinct);
  for (const [number, report] of reports.entries()) {
    assert.equal(
      report.distinct,
      sent.sent,
      `endpoint ${number} got ${report.distinct} of ${sent.sent} accepted events within ${PATIENCE_MS / 1000} s`,
    );
  }
  const early = sum(reports, (report) => report.out_of_order);
  assert.equal(early, 0, `${title}: ${early} first deliveries out of order`);
}

function showWide(wide, { rate, seconds }) {
  section(`Accepts and deliveries: ${rate}/s for ${seconds} s, two endpoints, ordered, 32 channels`);
  // Open loop: a rate that is held may come out a little lower, because the last answer counts.
  show("32 channels", wide, { accepts: rate * 0.98, deliveries: rate * 1.96, inTime: 100, lag: 1000 });
  const { memory } = wide;
  const mean = (from, to) => {
    const part = memory.slice(Math.floor(memory.length * from), Math.ceil(memory.length * to));
    return part.reduce((all, value) => all + value, 0) / Math.max(1, part.length);
  };
  figure("resident memory: greatest", Math.max(...memory), { unit: " MB", most: 250 });
  figure("resident memory: last quarter : second quarter", mean(0.75, 1) / mean(0.25, 0.5), {
    unit: " x",
    digits: 2,
    most: 1.1,
  });
  note(`over time, MB: ${memory.filter((_, at) => at % 8 === 0).map((mb) => mb.toFixed(0)).join(" ")}`);
}

export async function deliveries({ output, scratch, short }) {
  const binary = join(process.env.CARGO_TARGET_DIR, "release", "load");
  const rate = Number(process.env.RATE ?? 1000);
  const seconds = short ? 5 : 20;
  const target = await gateway(scratch);
  const receiver = new Receiver(binary);
  let wide;
  let narrow;
  try {
    const source = await target.source("bench");
    const { ports } = await receiver.next();
    for (const port of ports) {
      const endpoint = await target.post("/endpoints", { url: `http://127.0.0.1:${port}/hooks` });
      await target.post("/subscriptions", { endpoint: endpoint.id });
    }
    const plan = { channels: 32, rate, seconds, first: 100_000 };
    // Channels are started, and the engine compiles what runs often anew.
    await run(binary, target, source, receiver, { ...plan, rate: 300, seconds: 3, first: 0 });
    wide = await run(binary, target, source, receiver, plan);
    showWide(wide, { rate, seconds });
    narrow = await run(binary, target, source, receiver, {
      ...{ channels: 1, first: 900_000 },
      ...{ rate: Math.min(rate, 500), seconds: short ? 3 : 10 },
    });
  } finally {
    await receiver.stop();
    await target.stop();
  }
  const stored = Object.values(target.stored()).reduce((all, [count]) => all + count, 0);
  const sent = 900 + wide.sent.sent + narrow.sent.sent;
  assert.equal(stored, sent, `${sent} callbacks were accepted and ${stored} are stored`);

  section("The same, all into one channel: one ordered lane an endpoint");
  show("one channel", narrow, {});
  note("lag counts from when the callback was due to be sent, its accept included");
  note("every accepted callback was found in the channels' files and at both endpoints, in order");
}
