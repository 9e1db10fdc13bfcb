import { PlayerError } from "../core.js";
import type { LayoutTracker } from "../tracker.js";

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
        if (told > 0) this.onContentLengthKnown?.((length = told));
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

/** Bytes that are held back at most, until the stream says when it began. */
const HELD = 1 << 20;

/**
 * A tap that reads layouts.
 *
 * The player counts media time from the first decoding time that it finds in what it is given first: from the first
 * picture's alone, if the first sound is in a later piece. So the first bytes are held back until both are there and
 * given as one; from then on media time is the stream's time less the earlier of the two.
 *
 * A seek begins in the middle of the stream: at a tag, or somewhere in a transport stream. Bytes that follow those
 * that were read are read on; those that were read (the player loads again what it had not used) are not read again.
 */
export class StreamTap implements Tap {
  readonly #tracker: LayoutTracker;
  readonly #audio: boolean;
  /** The first decoding time; NaN while it is looked for. */
  #base = NaN;
  #partBase = 0;
  #held: Uint8Array<ArrayBuffer>[] = [];
  #heldLength = 0;
  #format: "flv" | "ts" | null = null;
  /** Which bytes were read without a gap. */
  #readFrom = 0;
  #readTo = 0;
  #at = 0;
  #stopped = false;

  /** @param audio whether the player plays the sound of FLV, if there is one: `hasAudio` of its source */
  constructor(tracker: LayoutTracker, audio = true) {
    this.#tracker = tracker;
    this.#audio = audio;
  }

  stop(): void {
    this.#stopped = true;
  }

  opened(source: DataSource, from: number): void {
    const partBase = (source.timestampBase ?? 0) / 1000;
    const follows = partBase === this.#partBase && from > 0 && from >= this.#readFrom && from <= this.#readTo;
    this.#held = [];
    this.#heldLength = 0;
    this.#at = from;
    if (follows || this.#stopped) return;
    this.#readFrom = this.#readTo = from;
    const first = from === 0 && partBase === 0;
    if (from === 0) this.#format = null;
    this.#tracker.reset({ keepLayouts: !first });
    if (first) {
      this.#base = NaN;
      this.#tracker.awaitOffset();
    } else if (!Number.isNaN(this.#base)) {
      // The player adds the length of the parts before to what it reads in this one.
      this.#tracker.offset = this.#base - partBase;
    }
    this.#partBase = partBase;
  }

  bytes(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    if (this.#stopped) return this.#released(chunk);
    const known = Math.min(Math.max(this.#readTo - this.#at, 0), chunk.length);
    this.#at += chunk.length;
    if (known < chunk.length) {
      this.#read(known === 0 ? chunk : chunk.subarray(known));
      this.#readTo = this.#at;
    }
    if (!Number.isNaN(this.#base)) return chunk;
    const leavesOut = !this.#audio && this.#format === "flv";
    const base = leavesOut ? this.#tracker.baseTimeOfVideo : this.#tracker.baseTime;
    if (Number.isNaN(base) && this.#heldLength + chunk.length < HELD) {
      this.#held.push(chunk);
      this.#heldLength += chunk.length;
      return null;
    }
    this.#base = Number.isNaN(base) ? 0 : base;
    this.#tracker.offset = this.#base - this.#partBase;
    return this.#released(chunk);
  }

  ended(): Uint8Array<ArrayBuffer> | null {
    return this.#held.length > 0 ? this.#released(new Uint8Array(0)) : null;
  }

  #read(bytes: Uint8Array): void {
    // "FLV", or the byte that every packet of a transport stream begins with.
    this.#format ??= bytes[0] === 0x46 ? "flv" : "ts";
    if (this.#format === "flv") this.#tracker.appendFlv(bytes);
    else this.#tracker.appendTs(bytes);
  }

  /** What was held back, and this. */
  #released(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (this.#held.length === 0) return chunk;
    const whole = new Uint8Array(this.#heldLength + chunk.length);
    let at = 0;
    for (const piece of [...this.#held, chunk]) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#held = [];
    this.#heldLength = 0;
    return whole;
  }
}
