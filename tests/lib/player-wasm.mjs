// The player's module as tools/build-player makes it, loaded without the package around it.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { root } from "../../tools/gateway.mjs";

/** Builds the module, which is a matter of seconds unless the core changed, and loads it. */
export async function loadPlayer() {
  await promisify(execFile)(join(root, "tools/build-player"), ["--quiet", "--wasm"], { timeout: 600_000 });
  return instantiate();
}

/** Loads it once more, with memory of its own. */
export async function instantiate() {
  const bytes = await readFile(join(root, "web/player/wasm/livegate_player_bg.wasm"));
  const imports = { "./livegate_player_bg.js": { __wbindgen_init_externref_table() {} } };
  const { instance } = await WebAssembly.instantiate(bytes, imports);
  return { memory: instance.exports.memory, tracker: (maxAge = 10) => new Module(open(instance.exports, maxAge), instance.exports.memory) };
}

/** A tracker of the module: its functions, with the tracker's number before what they are given. */
function open(exports, maxAge) {
  const tracker = exports.open(maxAge * 1e6);
  const own = Object.entries(exports).filter(([name, value]) => typeof value === "function" && name !== "open");
  const raw = Object.fromEntries(own.map(([name, call]) => [name, (...given) => call(tracker, ...given)]));
  const text = (length) => new TextDecoder().decode(new Uint8Array(exports.memory.buffer, raw.text(), length));
  return { ...raw, layout: (id) => text(exports.layout(tracker, id)), messages: () => text(exports.messages(tracker)) };
}

/** A tracker that takes bytes. */
class Module {
  constructor(raw, memory) {
    Object.assign(this, { raw, memory });
  }

  #put(bytes) {
    const at = this.raw.room(bytes.length);
    // A view is taken anew each time: the memory moves when it grows.
    new Uint8Array(this.memory.buffer, at, bytes.length).set(bytes);
  }

  #told(count) {
    return count > 0 ? JSON.parse(this.raw.messages()) : [];
  }

  /** A frame or a tag, shown as much of as it asks for. */
  #parts(bytes, ask) {
    for (let have = 0; ; ) {
      this.#put(bytes.subarray(0, have));
      const found = ask(have);
      if (found >= 0) return this.#told(found);
      if (-found <= have || -found > bytes.length) throw new Error(`of ${bytes.length} bytes it asks for ${-found} after ${have}`);
      have = -found;
    }
  }

  configure(codec, lengthSize) {
    this.raw.configure(codec === "h265" ? 1 : 0, lengthSize);
  }

  frame(bytes, seconds) {
    return this.#parts(bytes, (have) => this.raw.push(have, bytes.length, seconds * 1e6));
  }

  tag(bytes) {
    return this.#parts(bytes, (have) => this.raw.flv_tag(have, bytes.length, NaN));
  }

  flv(bytes) {
    this.#put(bytes);
    return this.#told(this.raw.flv(bytes.length));
  }

  ts(bytes, shift = 0) {
    this.#put(bytes);
    return this.#told(this.raw.ts(bytes.length, shift * 1e6));
  }

  mp4(bytes, shift = 0) {
    this.#put(bytes);
    return this.#told(this.raw.mp4(bytes.length, shift * 1e6));
  }

  layout(id) {
    return JSON.parse(this.raw.layout(id));
  }

  at(seconds) {
    return this.raw.at(seconds * 1e6);
  }
}
