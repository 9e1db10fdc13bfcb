import wasm from "./livegate_player.wasm";

import { initFrom } from "./core.js";

/** Loads the WebAssembly module, once. workerd compiles it when it loads the Worker. */
export const init = /* @__PURE__ */ initFrom(() => wasm);

export * from "./common.js";
