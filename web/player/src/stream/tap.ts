import type { LayoutTracker } from "../tracker.js";
import type { DataSource, Tap } from "./loader.js";

/** Bytes that are held back at most, until the stream says when it began, and for how many milliseconds. */
const HELD = 1 << 20;
const HELD_MS = 500;

/**
 * A tap that reads layouts.
 *
 * The player counts media time from the first decoding time that it finds in what it is given first: from the first
 * picture's alone, if the first sound is in a later piece. So the first bytes are held back until both are there and
 * given as one; from then on media time is the stream's time less the earlier of the two. Nobody waits for long for a
 * sound that does not come: then what is there is given, and the picture's time counts, as it does for the player.
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
  /** When the first of them came. */
  #heldSince = NaN;
  #isHolding = false;
  #forget = (): void => {};
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
    this.#forget();
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
      this.#heldSince = NaN;
      this.#isHolding = true;
      this.#forget = this.#tracker.awaitOffset();
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
    const now = performance.now();
    if (Number.isNaN(this.#heldSince)) this.#heldSince = now;
    const waits = this.#isHolding && this.#heldLength + chunk.length < HELD && now - this.#heldSince <= HELD_MS;
    if (!this.#begin(!waits) && waits) {
      this.#held.push(chunk);
      this.#heldLength += chunk.length;
      return null;
    }
    return this.#released(chunk);
  }

  ended(): Uint8Array<ArrayBuffer> | null {
    if (this.#held.length === 0) return null;
    this.#begin(true);
    return this.#released(new Uint8Array(0));
  }

  /** Takes the first decoding time if it is known by now, or the picture's if nothing else is waited for. */
  #begin(byVideo: boolean): boolean {
    const tracker = this.#tracker;
    const leavesOut = !this.#audio && this.#format === "flv";
    let base = leavesOut ? tracker.baseTimeOfVideo : tracker.baseTime;
    if (Number.isNaN(base) && byVideo && this.#isHolding) base = tracker.baseTimeOfVideo;
    this.#base = base;
    if (Number.isNaN(base)) return false;
    tracker.offset = base - this.#partBase;
    return true;
  }

  #read(bytes: Uint8Array): void {
    // "FLV", or the byte that every packet of a transport stream begins with.
    this.#format ??= bytes[0] === 0x46 ? "flv" : "ts";
    if (this.#format === "flv") this.#tracker.appendFlv(bytes);
    else this.#tracker.appendTs(bytes);
  }

  /** What was held back, and this. */
  #released(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#isHolding = false;
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
