export { PlayerError, type PlayerErrorCode } from "./error.js";
export { LayoutEvent, LayoutMessageEvent, LayoutTracker, LayoutWarningEvent } from "./tracker.js";
export type { AttachOptions, Configuration, TrackerEvents, TrackerOptions } from "./tracker.js";
export { LayoutOverlay, SelectEvent } from "./overlay/overlay.js";
export type { OverlayEvents, OverlayOptions } from "./overlay/overlay.js";
export type { Box, Fit, Layout, Message, Pane, PlacedPane, Warning } from "./types.js";
export type { InitOptions, WasmSource } from "./wasm.js";
