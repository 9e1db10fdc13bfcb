import { Inbox } from "./inbox.js";
import type { RawModule } from "./raw.js";
import type { Box, Fit, Layout, PlacedPane } from "./types.js";
import { instance, lost, openTracker } from "./wasm.js";

const FITS: Fit[] = ["contain", "cover", "fill", "none", "scale-down"];
/** Browsers lay out in 64ths of a pixel. */
const SUBPIXELS = 64;
/** Bytes of a stream that are copied at a time. */
const PIECE = 65_536;
/**
 * Bytes of a frame that are shown at first: a delimiter and the head of the first slice or message. Copying costs more
 * than reading, so no more.
 */
const FIRST = 16;
/** Of a tag: its header, and the video's. */
const FIRST_OF_TAG = FIRST + 16;

/**
 * The module, for one tracker: the only place that calls it. It never throws. Where it stops, which it must not, nothing
 * in its memory can be relied on: each tracker is told once, and what is asked from then on has no answer.
 */
export class Reader {
  #raw: RawModule | null;
  /** Its number in the module. */
  readonly #tracker: number;
  readonly #inbox: Inbox;
  readonly #stopped: () => void;

  /** @throws {PlayerError} `player.not_initialised`, `player.stopped` */
  constructor(maxAge: number, stopped: () => void) {
    const [raw, tracker] = openTracker(maxAge);
    this.#raw = raw;
    this.#tracker = tracker;
    this.#inbox = new Inbox(raw, tracker);
    this.#stopped = stopped;
    lost?.register(this, tracker, this);
  }

  /** Asks it something that is not asked of every frame. */
  call<T>(otherwise: T, ask: (raw: RawModule, tracker: number) => T): T {
    const raw = this.#live();
    if (!raw) return otherwise;
    try {
      return ask(raw, this.#tracker);
    } catch {
      this.#stop();
      return otherwise;
    }
  }

  /** Asks for JSON, of which it is given the length; null if there is none. */
  json<T>(ask: (raw: RawModule, tracker: number) => number): T | null {
    const text = this.call("", (raw, tracker) => {
      const length = ask(raw, tracker);
      const at = raw.text(tracker);
      // A new one each time: Safari's fail after some gigabytes.
      return new TextDecoder().decode(this.#inbox.memory.subarray(at, at + length));
    });
    return text ? (JSON.parse(text) as T) : null;
  }

  /**
   * Reads the first `total` bytes, of which as few are copied as are asked for; gives what is found.
   *
   * @param seconds goes as it is up to the module: a fraction that is computed is an object wherever it is passed on
   */
  frame(bytes: Uint8Array, total: number, seconds: number, tag: boolean): number {
    const first = tag ? FIRST_OF_TAG : FIRST;
    let have = total < first ? total : first;
    for (;;) {
      const raw = this.#live();
      if (!raw) return 0;
      let found;
      try {
        if (!this.#inbox.put(bytes, have)) return 0;
        found = tag ? raw.flv_tag(this.#tracker, have, total, seconds * 1e6) : raw.push(this.#tracker, have, total, seconds * 1e6);
      } catch {
        return this.#stop();
      }
      if (found >= 0) return found;
      // It asks for no more than there is, and for more each time.
      if (-found <= have || have === total) return 0;
      have = -found < total ? -found : total;
    }
  }

  /** The same of NAL units, as a sample with lengths of 4 bytes. */
  units(units: readonly Uint8Array[], seconds: number): number {
    let total = 0;
    for (const unit of units) total += 4 + unit.length;
    for (let have = Math.min(total, FIRST); ; ) {
      const found = this.call(0, (raw, tracker) => {
        const at = this.#inbox.reserve(have);
        if (at === 0) return 0;
        write(units, this.#inbox.memory, at, have);
        return raw.push(tracker, have, total, seconds * 1e6);
      });
      if (found >= 0) return found;
      if (-found <= have || have === total) return 0;
      have = Math.min(-found, total);
    }
  }

  /** Reads bytes of a stream, and says after each piece what was found. */
  stream(bytes: Uint8Array, read: (raw: RawModule, tracker: number, length: number) => number, found: (found: number) => void): void {
    for (let from = 0; from < bytes.length; from += PIECE) {
      const piece = bytes.subarray(from, from + PIECE);
      const count = this.call(0, (raw, tracker) => (this.#inbox.put(piece, piece.length) ? read(raw, tracker, piece.length) : 0));
      if (count > 0) found(count);
    }
  }

  /** Configures by a decoder configuration record; says whether it can be read. */
  record(codec: number, record: Uint8Array): boolean {
    return this.call(
      true,
      (raw, tracker) => this.#inbox.put(record, record.length) && raw.configure_record(tracker, codec, record.length) === 0,
    );
  }

  /** Where a layout's panes are in a player's box. */
  place(layout: Layout, box: Box): PlacedPane[] {
    const { videoWidth, videoHeight, width, height, fit = "contain", positionX = 0.5, positionY = 0.5 } = box;
    const at = this.call(0, (raw, tracker) =>
      raw.place(
        tracker,
        layout.id,
        videoWidth,
        videoHeight,
        Math.round(width * SUBPIXELS),
        Math.round(height * SUBPIXELS),
        Math.max(FITS.indexOf(fit), 0),
        positionX,
        positionY,
      ),
    );
    if (!at) return [];
    const numbers = new Int32Array(this.#inbox.memory.buffer, at, layout.panes.length * 4);
    const pixels = (index: number): number => numbers[index]! / SUBPIXELS;
    return layout.panes.map((pane, index) => ({
      pane,
      x: pixels(index * 4),
      y: pixels(index * 4 + 1),
      width: pixels(index * 4 + 2),
      height: pixels(index * 4 + 3),
    }));
  }

  /** The number of the layout that counts at a time, in microseconds; 0 if none does. */
  at(time: number): number {
    try {
      return (this.#live()?.at(this.#tracker, time) ?? 0) >>> 0;
    } catch {
      return this.#stop();
    }
  }

  /** The time of the one message with this content near a time, both in microseconds. */
  timeOf(content: Uint8Array, time: number): number {
    return this.call(NaN, (raw, tracker) => (this.#inbox.put(content, content.length) ? raw.time_of(tracker, content.length, time) : NaN));
  }

  /** Gives its memory back. */
  close(): void {
    lost?.unregister(this);
    this.call(undefined, (raw, tracker) => raw.close(tracker));
    this.#raw = null;
  }

  /** The module, if it can be called. */
  #live(): RawModule | null {
    if (instance.isStopped) this.#stop();
    return this.#raw;
  }

  #stop(): number {
    instance.isStopped = true;
    if (this.#raw) {
      this.#raw = null;
      this.#stopped();
    }
    return 0;
  }
}

/** Writes units with lengths of 4 bytes, `have` bytes in all. */
function write(units: readonly Uint8Array[], bytes: Uint8Array, at: number, have: number): void {
  const end = at + have;
  for (const unit of units) {
    for (let shift = 24; shift >= 0 && at < end; shift -= 8) bytes[at++] = unit.length >>> shift;
    const length = Math.min(unit.length, end - at);
    if (length > 0) bytes.set(unit.length === length ? unit : unit.subarray(0, length), at);
    at += length;
    if (at >= end) return;
  }
}
