// The core as a wasm module, built by tests/wasm/build: answers whole files of vectors.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const build = fileURLToPath(new URL("../wasm/build", import.meta.url));

/** Builds the module, which is a matter of seconds unless the core changed, and loads it. */
export async function loadCore() {
  const { stdout } = await promisify(execFile)(build, { timeout: 600_000 });
  const module = await WebAssembly.compile(await readFile(stdout.trim()));
  return (kind, text) => answer(module, kind, text);
}

/** An instance for each call: one that panicked is not used again. */
function answer(module, kind, text) {
  // The core has no clock, no randomness and no I/O, so there is nothing to import.
  const core = new WebAssembly.Instance(module, {}).exports;
  const input = new TextEncoder().encode(`${kind}\n${text}`);
  const room = core.reserve(input.length) >>> 0;
  // A view is taken anew each time: the memory moves when it grows.
  new Uint8Array(core.memory.buffer, room, input.length).set(input);
  try {
    core.judge();
  } catch (trap) {
    throw new Error(`the core panicked over ${kind}: ${read(core)}`, { cause: trap });
  }
  return JSON.parse(read(core));
}

function read(core) {
  const at = core.answer() >>> 0;
  return new TextDecoder().decode(new Uint8Array(core.memory.buffer, at, core.answer_len()));
}
