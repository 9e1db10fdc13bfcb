export {
  LayoutEvent,
  LayoutMessageEvent,
  LayoutOverlay,
  LayoutTracker,
  LayoutWarningEvent,
  PlayerError,
  SelectEvent,
} from "./core.js";
export type { PlayerErrorCode } from "./error.js";
export type { TrackerEvents } from "./events.js";
export type { OverlayEvents, OverlayOptions } from "./overlay/overlay.js";
export type { AttachOptions, Configuration, TrackerOptions } from "./tracker.js";
export type { Box, Fit, Layout, Message, Pane, PlacedPane, Warning } from "./types.js";
export type { InitOptions, WasmSource } from "./wasm.js";
