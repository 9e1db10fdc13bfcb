import load, { Tracker } from "../wasm/livegate_player.js";
import { PlayerError } from "./error.js";
import type { RawTracker } from "./raw.js";

/** What a WebAssembly module may be made of. */
export type WasmSource = URL | string | Response | BufferSource | WebAssembly.Module;

export interface InitOptions {
  /**
   * The module, where it is not beside the JavaScript: an address, an answer, its bytes or what they were
   * compiled to.
   */
  wasm?: WasmSource | PromiseLike<WasmSource>;
}

let memory: WebAssembly.Memory | undefined;
let loading: Promise<void> | undefined;

/** Makes an `init` that takes the module from `beside` unless its caller says otherwise. */
export function initFrom(beside: () => WasmSource | Promise<WasmSource>): (options?: InitOptions) => Promise<void> {
  return (options) =>
    (loading ??= start(options?.wasm ?? beside()).catch((error: unknown) => {
      // Whoever calls again may have another module, or the network back.
      loading = undefined;
      throw error;
    }));
}

async function start(source: WasmSource | PromiseLike<WasmSource>): Promise<void> {
  const module = await compiled(await source);
  try {
    ({ memory } = await load({ module_or_path: module }));
  } catch (error) {
    throw refused(error);
  }
}

async function compiled(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source === "string" || source instanceof URL) source = await fetched(source);
  try {
    if (typeof Response !== "undefined" && source instanceof Response) {
      if (!source.ok) throw unloaded(source.url, `status ${source.status}`);
      // Browsers compile while they load, but only what is served as `application/wasm`.
      return /^application\/wasm\b/i.test(source.headers.get("content-type") ?? "")
        ? await WebAssembly.compileStreaming(source)
        : await WebAssembly.compile(await source.arrayBuffer());
    }
    return await WebAssembly.compile(source as BufferSource);
  } catch (error) {
    throw error instanceof PlayerError ? error : refused(error);
  }
}

async function fetched(address: URL | string): Promise<Response> {
  try {
    return await fetch(address);
  } catch (cause) {
    throw unloaded(String(address), "no answer", cause);
  }
}

const unloaded = (address: string, why: string, cause?: unknown) =>
  new PlayerError(
    "player.wasm_not_loaded",
    `livegate_player.wasm was not at ${address} (${why}): serve it beside the JavaScript, or say where it is with init({ wasm })`,
    { cause },
  );

const refused = (cause: unknown) =>
  new PlayerError(
    "player.wasm_not_compiled",
    "the WebAssembly module was refused: check that it is livegate_player.wasm of this version, and that the page's Content-Security-Policy has 'wasm-unsafe-eval'",
    { cause },
  );

/** A tracker of the loaded module, and its memory. */
export function makeTracker(maxAge: number): [RawTracker, WebAssembly.Memory] {
  if (!memory) {
    throw new PlayerError("player.not_initialised", "await init() before making a LayoutTracker");
  }
  return [new Tracker(maxAge * 1e6), memory];
}
