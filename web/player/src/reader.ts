import { Inbox } from "./inbox.js";
import type { RawTracker } from "./raw.js";
import type { Box, Fit, Layout, PlacedPane } from "./types.js";
import { makeTracker } from "./wasm.js";

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
 * The module, for one tracker: the only place that calls it. It never throws. Where it stops, which it must not, it is
 * told once, and what is asked from then on has no answer.
 */
export class Reader {
  #raw: RawTracker | null;
  readonly #inbox: Inbox;
  readonly #stopped: () => void;

  /** @throws {PlayerError} `player.not_initialised` */
  constructor(maxAge: number, stopped: () => void) {
    const [raw, memory] = makeTracker(maxAge);
    this.#raw = raw;
    this.#inbox = new Inbox(raw, memory);
    this.#stopped = stopped;
  }

  /** Asks it something that is not asked of every frame. */
  call<T>(otherwise: T, ask: (raw: RawTracker) => T): T {
    const raw = this.#raw;
    if (!raw) return otherwise;
    try {
      return ask(raw);
    } catch {
      this.#stop();
      return otherwise;
    }
  }

  /** Reads the first `total` bytes, of which as few are copied as are asked for; gives how many messages they have. */
  frame(bytes: Uint8Array, total: number, time: number, tag: boolean): number {
    const first = tag ? FIRST_OF_TAG : FIRST;
    let have = total < first ? total : first;
    for (;;) {
      const found = this.#ask(bytes, null, have, total, time, tag);
      if (found >= 0) return found;
      // It asks for no more than there is, and for more each time.
      if (-found <= have || have === total) return 0;
      have = -found < total ? -found : total;
    }
  }

  /** The same of NAL units, as a sample with lengths of 4 bytes. */
  units(units: readonly Uint8Array[], time: number): number {
    let total = 0;
    for (const unit of units) total += 4 + unit.length;
    let have = total < FIRST ? total : FIRST;
    for (;;) {
      const found = this.#ask(null, units, have, total, time, false);
      if (found >= 0) return found;
      if (-found <= have || have === total) return 0;
      have = -found < total ? -found : total;
    }
  }

  /**
   * Reads bytes of a stream, and says after each piece how many messages it had.
   *
   * @param shift of a transport stream, in microseconds; NaN for FLV
   */
  stream(bytes: Uint8Array, shift: number, found: (count: number) => void): void {
    for (let from = 0; from < bytes.length; from += PIECE) {
      const piece = bytes.subarray(from, from + PIECE);
      const count = this.call(0, (raw) => {
        if (!this.#inbox.put(piece, piece.length)) return 0;
        return Number.isNaN(shift) ? raw.flv(piece.length) : raw.ts(piece.length, shift);
      });
      if (count > 0) found(count);
    }
  }

  /** Configures by a decoder configuration record; says whether it can be read. */
  record(codec: number, record: Uint8Array): boolean {
    return this.call(true, (raw) => this.#inbox.put(record, record.length) && raw.configure_record(codec, record.length) === 0);
  }

  /** Where a layout's panes are in a player's box. */
  place(layout: Layout, box: Box): PlacedPane[] {
    const { videoWidth, videoHeight, width, height, fit = "contain", positionX = 0.5, positionY = 0.5 } = box;
    const at = this.call(0, (raw) =>
      raw.place(
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
      return this.#raw?.at(time) ?? 0;
    } catch {
      return this.#stop();
    }
  }

  /** Gives its memory back. */
  close(): void {
    this.call(undefined, (raw) => raw.free());
    this.#raw = null;
  }

  /** Every frame comes here: no object is made. */
  #ask(bytes: Uint8Array | null, units: readonly Uint8Array[] | null, have: number, total: number, time: number, tag: boolean): number {
    const raw = this.#raw;
    if (!raw) return 0;
    try {
      if (bytes) {
        if (!this.#inbox.put(bytes, have)) return 0;
      } else if (units) {
        const at = this.#inbox.reserve(have);
        if (at === 0) return 0;
        write(units, this.#inbox.memory, at, have);
      }
      return tag ? raw.flv_tag(have, total, time) : raw.push(have, total, time);
    } catch {
      return this.#stop();
    }
  }

  #stop(): number {
    this.#raw = null;
    this.#stopped();
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
