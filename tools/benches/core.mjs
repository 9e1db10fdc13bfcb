// What one callback costs in the core, natively and in wasm: the same cases, timed the same way.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { root } from "../gateway.mjs";
import { figure, note, section } from "./report.mjs";

const BARE = "bare HMAC-SHA256";
const WHOLE = "MSS_A_HEAD, all three";
const AIM = 3;

/** Nanoseconds a call: the least of many short rounds, the cases taking turns. */
function inWasm({ Bench }, short) {
  const rounds = short ? 40 : 200;
  const calls = 500;
  const names = Bench.names().split("\n");
  const bench = new Bench();
  const least = names.map(() => Infinity);
  // The engine compiles what runs often anew; that is over after some thousand calls.
  names.forEach((_, number) => bench.run(number, 20_000));
  for (let round = 0; round < rounds; round += 1) {
    names.forEach((_, number) => {
      const began = process.hrtime.bigint();
      bench.run(number, calls);
      least[number] = Math.min(least[number], Number(process.hrtime.bigint() - began) / calls);
    });
  }
  return Object.fromEntries(names.map((name, number) => [name, least[number]]));
}

function native() {
  const args = ["bench", "--quiet", "-p", "livegate-core", "--bench", "callback", "--", "--json"];
  return JSON.parse(execFileSync("cargo", args, { cwd: root, encoding: "utf8" }));
}

function show(title, times) {
  section(title);
  for (const [name, ns] of Object.entries(times)) {
    const ratio = ns / times[BARE];
    figure(name, ns, { unit: " ns", beside: name === BARE ? "" : `${ratio.toFixed(2)} x bare HMAC` });
  }
  figure(`${WHOLE} : ${BARE}`, times[WHOLE] / times[BARE], { unit: " x", digits: 2, most: AIM });
}

export async function core({ output, short, require }) {
  show("One callback of 800 bytes against 100 subscriptions, natively", native());
  const module = require(join(output, "wasm", "livegate_bench_wasm.js"));
  show("The same in wasm, as the Worker is built", inWasm(module, short));
  note("match: of the 100, those whose scopes fit have their conditions asked");
}
