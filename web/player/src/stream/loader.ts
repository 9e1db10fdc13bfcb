import { PlayerError } from "../core.js";

// What mpegts.js and flv.js have in common: mpegts.js grew out of flv.js.

/** A piece of the stream: of a file in several parts, `timestampBase` is the milliseconds of those before. */
export interface DataSource {
  url: string;
  cors?: boolean;
  withCredentials?: boolean;
  referrerPolicy?: ReferrerPolicy;
  redirectedURL?: string;
  timestampBase?: number;
}

interface ByteRange {
  from: number;
  to: number;
}

interface SeekHandler {
  getConfig(url: string, range: ByteRange): { url: string; headers?: Headers | object };
  removeURLParameters(url: string): string;
}

interface LoaderConfig {
  headers?: Record<string, string>;
  referrerPolicy?: ReferrerPolicy;
  reuseRedirectedURL?: boolean;
}

/** The libraries' `BaseLoader`. */
export interface Loader {
  _status: number;
  _needStash: boolean;
  readonly type: string;
  readonly status: number;
  readonly needStashBuffer: boolean;
  onContentLengthKnown: (length: number) => void;
  onURLRedirect: (url: string) => void;
  onDataArrival: (chunk: ArrayBuffer, byteStart: number, received?: number) => void;
  onError: (type: any, info: { code: number; msg: string }) => void;
  onComplete: (from: number, to: number) => void;
  isWorking(): boolean;
  open(source: any, range: any): void;
  abort(): void;
  destroy(): void;
}

/** What of the players' libraries is used. */
export interface LoaderLibrary {
  BaseLoader: new (name: string) => object;
}

export type LoaderClass = new (seekHandler: SeekHandler, config: LoaderConfig) => Loader;

/** Numbers and names of the libraries' `LoaderStatus` and `LoaderErrors`. */
const CONNECTING = 1;
const BUFFERING = 2;
const FAILED = 3;
const COMPLETE = 4;
const EXCEPTION = "Exception";
const STATUS_INVALID = "HttpStatusCodeInvalid";
const EARLY_EOF = "EarlyEof";

/** What comes by the loader goes here first. */
export interface Tap {
  /** A connection was opened that begins at this byte. */
  opened(source: DataSource, from: number): void;
  /** Bytes of it; what is returned is for the player now. */
  bytes(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null;
  /** It ended: what was held back. */
  ended(): Uint8Array<ArrayBuffer> | null;
}

/**
 * A loader class that shows all bytes to a tap. The libraries' own loaders are not exported, only what they are made
 * from; this one loads by `fetch`, or by WebSocket where the address says so.
 */
export function loaderClass(library: LoaderLibrary, tap: Tap): LoaderClass {
  const Base = library.BaseLoader as new (name: string) => Loader;
  if (typeof Base !== "function") {
    throw new PlayerError("player.unsupported", "pass the library itself: its BaseLoader was not found");
  }
  return class extends Base {
    readonly #seek: SeekHandler;
    readonly #config: LoaderConfig;
    #abort: AbortController | null = null;
    #socket: WebSocket | null = null;
    #from = 0;
    #received = 0;

    constructor(seekHandler: SeekHandler, config: LoaderConfig) {
      super("livegate-loader");
      this.#seek = seekHandler;
      this.#config = config;
      this._needStash = true;
    }

    override destroy(): void {
      if (this.isWorking()) this.abort();
      super.destroy();
    }

    override open(source: DataSource, range: ByteRange): void {
      this._status = CONNECTING;
      this.#from = range.from;
      this.#received = 0;
      tap.opened(source, range.from);
      if (/^wss?:/i.test(new URL(source.url, globalThis.location?.href).protocol)) this.#byWebSocket(source);
      else void this.#byFetch(source, range);
    }

    override abort(): void {
      this.#abort?.abort();
      this.#abort = null;
      if (this.#socket) {
        const socket = this.#socket;
        this.#socket = null;
        socket.onmessage = socket.onclose = socket.onerror = null;
        socket.close();
      }
      this._status = COMPLETE;
    }

    async #byFetch(source: DataSource, range: ByteRange): Promise<void> {
      const abort = (this.#abort = new AbortController());
      const { signal } = abort;
      const config = this.#config;
      const url = (config.reuseRedirectedURL && source.redirectedURL) || source.url;
      const wanted = this.#seek.getConfig(url, range);
      const headers = new Headers(wanted.headers as Record<string, string> | undefined);
      for (const [name, value] of Object.entries(config.headers ?? {})) headers.append(name, value);
      let length: number | null = null;
      try {
        const answer = await fetch(wanted.url, {
          headers,
          signal,
          mode: source.cors === false ? "same-origin" : "cors",
          credentials: source.withCredentials ? "include" : "same-origin",
          referrerPolicy: source.referrerPolicy ?? config.referrerPolicy ?? "no-referrer-when-downgrade",
        });
        if (!answer.ok || !answer.body) {
          this.#fail(STATUS_INVALID, answer.status, answer.statusText);
          return;
        }
        if (answer.url !== wanted.url) this.onURLRedirect?.(this.#seek.removeURLParameters(answer.url));
        const told = Number(answer.headers.get("content-length") ?? NaN);
        if (told > 0) {
          length = told;
          this.onContentLengthKnown?.(told);
        }
        const reader = answer.body.getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (signal.aborted) return;
          if (done) break;
          this._status = BUFFERING;
          this.#pass(tap.bytes(value));
          if (signal.aborted) return;
        }
      } catch (error) {
        if (signal.aborted) return;
        const cut = length !== null && this.#received < length;
        this.#fail(cut ? EARLY_EOF : EXCEPTION, -1, error instanceof Error ? error.message : String(error));
        return;
      }
      this.#pass(tap.ended());
      if (length !== null && this.#received < length) this.#fail(EARLY_EOF, -1, "the stream ended early");
      else this.#complete();
    }

    #byWebSocket(source: DataSource): void {
      let socket: WebSocket;
      try {
        socket = this.#socket = new WebSocket(source.url);
      } catch (error) {
        this.#fail(EXCEPTION, -1, String(error));
        return;
      }
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        this._status = BUFFERING;
        this.#pass(tap.bytes(new Uint8Array(data)));
      };
      socket.onclose = () => {
        this.#pass(tap.ended());
        this.#complete();
      };
      socket.onerror = () => {
        socket.onclose = null;
        this.#fail(EXCEPTION, -1, "the WebSocket failed");
      };
    }

    #pass(bytes: Uint8Array<ArrayBuffer> | null): void {
      if (!bytes || bytes.length === 0) return;
      const { buffer, byteOffset, byteLength } = bytes;
      const whole = byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
      const start = this.#from + this.#received;
      this.#received += byteLength;
      this.onDataArrival?.(whole, start, this.#received);
    }

    #complete(): void {
      this._status = COMPLETE;
      this.onComplete?.(this.#from, this.#from + this.#received - 1);
    }

    #fail(type: string, code: number, msg: string): void {
      this._status = FAILED;
      this.onError?.(type, { code, msg });
    }
  };
}
