// All that entries have in common: one file in dist, which each of them imports.

export { PlayerError } from "./error.js";
export { LayoutEvent, LayoutMessageEvent, LayoutWarningEvent } from "./events.js";
export { LayoutOverlay, SelectEvent } from "./overlay/overlay.js";
export { LayoutTracker } from "./tracker.js";
export { initFrom } from "./wasm.js";
