// Runs the whole-system tests given, several files at a time: most of what they do is to wait. Those that wait longest
// begin first, so that no processor is left alone with one of them at the end. The player's come last and one at a time:
// they look at what a browser displays, which on a busy machine is few frames, and those late. Used by tools/test.
//
//   node tools/system-tests.mjs FILE…       TEST_CONCURRENCY: files at a time, two for each processor by default

import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { finished } from "node:stream/promises";

/** The longest, longest first; all take well over half a minute. */
const LONG = [
  ...["sdk", "insert", "relay-fleet", "relay-restart", "relay-tasks", "rtmp", "generators", "delivery", "relay-faults"],
  ...["crash", "tails", "fleet"],
];
/** What takes so long hangs. */
const LIMIT_MS = 1_800_000;
const rank = (file) => {
  const at = LONG.indexOf(basename(file, ".test.mjs"));
  return at < 0 ? LONG.length : at;
};

const displays = (file) => basename(file).startsWith("player-");
const files = process.argv.slice(2).sort((one, other) => rank(one) - rank(other));
const concurrency = Number(process.env.TEST_CONCURRENCY || 2 * availableParallelism());

for (const [some, atOnce] of [
  [files.filter((file) => !displays(file)), concurrency],
  [files.filter(displays), 1],
]) {
  if (some.length === 0) continue;
  const tests = run({ files: some, concurrency: atOnce, timeout: LIMIT_MS });
  tests.on("test:fail", ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  });
  const told = tests.compose(new spec());
  told.pipe(process.stdout, { end: false });
  await finished(told);
}
