// All that entries have in common: one file in dist, which each of them imports.

export { PlayerError } from "./error.js";
export { LayoutOverlay, SelectEvent } from "./overlay/overlay.js";
export { LayoutEvent, LayoutMessageEvent, LayoutTracker, LayoutWarningEvent } from "./tracker.js";
export { initFrom } from "./wasm.js";
