// Measures the built Worker on standalone workerd, and the core, and prints each figure beside its
// aim. Called by tools/bench, which has built everything: node tools/bench.mjs OUTPUT [--short] [PART…]
//
// Exit status: 0 when everything was measured, whether aims are met or not; 1 when a figure would
// not have meant what it says, because a call was refused, taken for a duplicate, or lost.

import { createRequire } from "node:module";
import { rmSync } from "node:fs";
import { join } from "node:path";

import { accepts } from "./benches/accept.mjs";
import { core } from "./benches/core.mjs";
import { deliveries } from "./benches/deliver.mjs";
import { media } from "./benches/media.mjs";
import { player } from "./benches/player.mjs";
import { relay } from "./benches/relay.mjs";
import { machine, note, section, size, summary } from "./benches/report.mjs";

const [output, ...words] = process.argv.slice(2);
const parts = { core, media, player, relay, accept: accepts, deliver: deliveries };
const short = words.includes("--short");
const named = words.filter((word) => !word.startsWith("--"));
for (const name of named) {
  if (!(name in parts)) throw new Error(`no part ${name}; there are: ${Object.keys(parts).join(" ")}`);
}

await machine();
if (named.length === 0 || ["core", "accept", "deliver"].some((name) => named.includes(name))) size();
const scratch = join(output, `run-${process.pid}`);
try {
  for (const [name, measure] of Object.entries(parts)) {
    if (named.length > 0 && !named.includes(name)) continue;
    await measure({ output, scratch: join(scratch, name), short, require: createRequire(import.meta.url) });
  }
} catch (error) {
  section("failed");
  note(error.stack);
  process.exitCode = 1;
} finally {
  // What is left of a failure is there to be looked at.
  if (process.exitCode) note(`the gateway's data: ${scratch}`);
  else rmSync(scratch, { recursive: true, force: true });
}
if (!process.exitCode) summary();
