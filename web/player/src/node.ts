import { readFile } from "node:fs/promises";

import { initFrom } from "./core.js";

/** Loads the WebAssembly module, once. In Node.js it is read from beside this file. */
export const init = /* @__PURE__ */ initFrom(() => readFile(new URL("./livegate_player.wasm", import.meta.url)));

export * from "./common.js";
