import { initFrom } from "./core.js";

/**
 * Loads the WebAssembly module, once: later calls have the same promise. In browsers it is fetched from beside this
 * file.
 *
 * @throws {PlayerError} `player.wasm_not_loaded`, `player.wasm_not_compiled`
 */
export const init = /* @__PURE__ */ initFrom(() => new URL("./livegate_player.wasm", import.meta.url));

export * from "./common.js";
