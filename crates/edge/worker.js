// What the runtime loads: the built Worker, its channels made callable by RPC.
//
// The runtime offers RPC only on classes that extend its own DurableObject; those that wasm-bindgen
// makes cannot say so, hence here. RPC into a channel costs a third of a request to it.
import { DurableObject } from "cloudflare:workers";
import * as worker from "./index.js";

Object.setPrototypeOf(worker.Channel, DurableObject);
Object.setPrototypeOf(worker.Channel.prototype, DurableObject.prototype);

export * from "./index.js";
export { default } from "./index.js";
