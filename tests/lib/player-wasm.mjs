// The player's module as tools/build-player makes it, loaded without the package around it.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { root } from "../../tools/gateway.mjs";

/** Builds the module, which is a matter of seconds unless the core changed, and loads it. */
export async function loadPlayer() {
  await promisify(execFile)(join(root, "tools/build-player"), ["--quiet", "--wasm"], { timeout: 600_000 });
  const folder = join(root, "web/player/wasm");
  const bindings = await import(pathToFileURL(join(folder, "livegate_player_bg.js")));
  const bytes = await readFile(join(folder, "livegate_player_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(bytes, { "./livegate_player_bg.js": bindings });
  const { memory, __wbindgen_start: start } = instance.exports;
  bindings.__wbg_set_wasm(instance.exports);
  start();
  const { Tracker } = bindings;
  const raw = [];
  const tracker = (maxAge = 10) => {
    raw.push(new Tracker(maxAge * 1e6));
    return new Module(raw.at(-1), memory);
  };
  // Else each keeps its memory until it is collected, which may be at any time.
  const clear = () => raw.splice(0).forEach((each) => each.free());
  return { memory, tracker, clear };
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

  layout(id) {
    return JSON.parse(this.raw.layout(id));
  }

  at(seconds) {
    return this.raw.at(seconds * 1e6);
  }
}
