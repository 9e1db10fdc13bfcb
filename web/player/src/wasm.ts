import { PlayerError } from "./error.js";
import type { RawModule } from "./raw.js";

/** What a WebAssembly module may be made of. */
export type WasmSource = URL | string | Response | BufferSource | WebAssembly.Module;

export interface InitOptions {
  /**
   * The module, where it is not beside the JavaScript: an address, an answer, its bytes or what they were
   * compiled to.
   */
  wasm?: WasmSource | PromiseLike<WasmSource>;
}

let raw: RawModule | undefined;
/** The load under way or done, and the module that its caller has named. */
let loading: { wasm: InitOptions["wasm"]; done: Promise<void> } | undefined;

/** What all trackers have in common. */
export const instance = {
  /** Whether a call ended in the middle, as none must. */
  isStopped: false,
};

/** Makes an `init` that takes the module from `beside` unless its caller says otherwise. */
export function initFrom(beside: () => WasmSource | Promise<WasmSource>): (options?: InitOptions) => Promise<void> {
  return (options) => {
    const wasm = options?.wasm;
    const before = loading;
    if (before && (raw || before.wasm === wasm)) return before.done;
    const begin = (): Promise<void> => start(wasm === undefined ? beside : () => wasm);
    // Who names another module has it if the one under way is none.
    const own = { wasm, done: before ? before.done.catch(begin) : begin() };
    loading = own;
    own.done.catch(() => {
      // Whoever calls again may have another module, or the network back.
      if (loading === own) loading = undefined;
    });
    return own.done;
  };
}

/** All that wasm-bindgen wants. It would fill a table of JavaScript's values, of which none passes. */
const IMPORTS = { "./livegate_player_bg.js": { __wbindgen_init_externref_table: () => {} } };

async function start(source: () => WasmSource | PromiseLike<WasmSource>): Promise<void> {
  const module = await compiled(await source());
  try {
    const { exports } = await WebAssembly.instantiate(module, IMPORTS);
    // What is another module has none.
    (exports["__wbindgen_start"] as () => void)();
    raw = exports as unknown as RawModule;
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
    throw unloaded(String(address), "no answer, or not in the connect-src of the page's Content-Security-Policy", cause);
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

/** Makes a tracker in the loaded module: the module, and the tracker's number. */
export function openTracker(maxAge: number): [RawModule, number] {
  if (!raw) throw new PlayerError("player.not_initialised", "await init() before making a LayoutTracker");
  try {
    if (!instance.isStopped) return [raw, raw.open(maxAge * 1e6)];
  } catch {
    instance.isStopped = true;
  }
  throw new PlayerError("player.stopped", "the WebAssembly module has stopped: load the page anew");
}

/** Gives back what trackers hold that nobody has any more, and nobody has closed. Some runtimes do not tell. */
export const lost =
  typeof FinalizationRegistry === "undefined"
    ? null
    : new FinalizationRegistry<number>((tracker) => {
        if (!instance.isStopped) raw?.close(tracker);
      });
