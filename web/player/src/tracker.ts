import { follow } from "./display.js";
import { PlayerError } from "./error.js";
import { Inbox } from "./inbox.js";
import type { RawTracker } from "./raw.js";
import type { Box, Fit, Layout, Message, PlacedPane, Warning } from "./types.js";
import { makeTracker } from "./wasm.js";
import { Warnings } from "./warnings.js";

export interface TrackerOptions {
  /** A layout counts at most so many seconds after its frame, if no other follows: 10 by default. */
  maxAge?: number;
}

/** How `push` reads frames. */
export interface Configuration {
  codec: "h264" | "h265";
  /** `annexb` has start codes, `avcc` (as in MP4 and FLV) lengths. */
  format: "annexb" | "avcc";
  /** Bytes of a length: 4 by default. */
  lengthSize?: 1 | 2 | 4;
  /** The decoder configuration record (avcC, hvcC), which says `lengthSize` better. */
  description?: BufferSource;
}

export interface AttachOptions {
  /**
   * Where the video says both a media time and an RTP timestamp, which one the pushed times are. By default `rtp` if
   * `pushRtp` was called.
   */
  clock?: "media" | "rtp";
}

/** From this frame on another layout counts, or none. */
export class LayoutEvent extends Event {
  constructor(
    readonly layout: Layout | null,
    /** The displayed frame's, in seconds. */
    readonly mediaTime: number,
  ) {
    super("layout");
  }
}

/** A message was read: when its frame arrives, not when it is displayed. */
export class LayoutMessageEvent extends Event {
  constructor(readonly message: Message) {
    super("message");
  }
}

/** Something was clamped or passed over. */
export class LayoutWarningEvent extends Event {
  constructor(readonly warning: Warning) {
    super("warning");
  }
}

export interface TrackerEvents {
  layout: LayoutEvent;
  message: LayoutMessageEvent;
  warning: LayoutWarningEvent;
}

type Listener<E extends Event> = ((this: LayoutTracker, event: E) => unknown) | { handleEvent(event: E): unknown };

export interface LayoutTracker {
  addEventListener<K extends keyof TrackerEvents>(
    type: K,
    listener: Listener<TrackerEvents[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof TrackerEvents>(
    type: K,
    listener: Listener<TrackerEvents[K]> | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/**
 * Reads layouts out of a stream's frames and says which one counts at the frame that is displayed.
 *
 * All times are seconds: those of pushed frames are the stream's, those of `display`, `at`, layouts and messages the
 * player's, as in `HTMLMediaElement.currentTime`. `offset` is between the two. No input makes it throw but a wrong
 * configuration.
 */
export class LayoutTracker extends EventTarget {
  #raw: RawTracker | null;
  readonly #inbox: Inbox;
  readonly #warnings = new Warnings();
  #offset = 0;
  #current: Layout | null = null;
  /** The displayed frame's, NaN before the first. */
  #mediaTime = NaN;
  #detach: (() => void) | null = null;
  /** Messages that wait for the offset, or null where it is known. */
  #waiting: Told[] | null = null;
  #rtp = NaN;
  /** Whether anybody ever listened to messages or warnings. */
  #isHeard = false;

  /** @throws {PlayerError} `player.not_initialised`, `player.configuration` */
  constructor({ maxAge = 10 }: TrackerOptions = {}) {
    super();
    if (!(maxAge > 0)) throw new PlayerError("player.configuration", "maxAge is a number of seconds above 0");
    const [raw, memory] = makeTracker(maxAge);
    this.#raw = raw;
    this.#inbox = new Inbox(raw, memory);
  }

  /** The layout of the displayed frame; null where the stream has none, or none so new. */
  get current(): Layout | null {
    return this.#current;
  }

  /**
   * Says what pushed frames are. To be called before the first and when it changes.
   *
   * @throws {PlayerError} `player.configuration`
   */
  configure({ codec, format, lengthSize = 4, description }: Configuration): void {
    const raw = this.#raw;
    if (!raw) return;
    const number = CODECS.indexOf(codec);
    if (number < 0 || !["annexb", "avcc"].includes(format) || ![1, 2, 4].includes(lengthSize)) {
      throw new PlayerError(
        "player.configuration",
        "configure() takes codec h264 or h265, format annexb or avcc, lengthSize 1, 2 or 4",
      );
    }
    if (format === "annexb" || description === undefined) {
      raw.configure(number, format === "annexb" ? 0 : lengthSize);
      return;
    }
    const record = bytesOf(description);
    if (!this.#inbox.put(record, record.length) || raw.configure_record(number, record.length) < 0) {
      throw new PlayerError("player.configuration", "description is no decoder configuration record (avcC, hvcC) of this codec");
    }
  }

  /**
   * Reads one frame: an access unit of Annex B, or a sample with lengths.
   *
   * A frame without messages makes no object: of `bytes` a few are copied, and more only if they are asked for.
   *
   * @param pts its presentation time in seconds
   * @param length how much of `bytes` is the frame: all of it by default
   * @returns how many messages it had
   */
  push(bytes: Uint8Array, pts: number, length = bytes.length): number {
    return this.#frame(bytes, length, pts * 1e6, false);
  }

  /** Reads a frame of WebRTC, with its RTP timestamp of 90 kHz; wrapping is seen to. */
  pushRtp(bytes: Uint8Array, timestamp: number): number {
    return this.push(bytes, this.#unwrapped(timestamp));
  }

  /**
   * Reads one FLV tag: its header of 11 bytes, and its body. Sequence headers configure by themselves.
   *
   * @param pts its presentation time in seconds; the tag's own by default
   */
  pushFlvTag(bytes: Uint8Array, pts = NaN): number {
    return this.#frame(bytes, bytes.length, pts * 1e6, true);
  }

  /** Reads bytes of an FLV stream as they come, cut anywhere. Times are the stream's. */
  appendFlv(bytes: Uint8Array): number {
    return this.#stream(bytes, NaN);
  }

  /**
   * Reads bytes of an MPEG transport stream as they come, cut anywhere.
   *
   * @param offset seconds that its times are more than the times of frames that are pushed otherwise
   */
  appendTs(bytes: Uint8Array, offset = 0): number {
    return this.#stream(bytes, offset * 1e6);
  }

  /**
   * The first decoding time of a stream that `appendFlv` or `appendTs` reads, in seconds, as players that make MP4 of it
   * count: the least of the first sound's and first picture's. NaN until it is known.
   */
  get baseTime(): number {
    return (this.#raw?.base_us() ?? NaN) / 1e6;
  }

  /** @internal `baseTime` of a player that leaves the sound out. */
  get baseTimeOfVideo(): number {
    return (this.#raw?.base_of_video_us() ?? NaN) / 1e6;
  }

  /** What the stream's time is when the player's is 0: media time = stream time − offset. */
  get offset(): number {
    return this.#offset;
  }

  set offset(seconds: number) {
    if (!Number.isFinite(seconds)) return;
    this.#offset = seconds;
    this.#raw?.shift(seconds * 1e6);
    const waiting = this.#waiting;
    this.#waiting = null;
    for (const message of waiting ?? []) this.#tell({ ...message, time: message.time - seconds });
    this.#again();
  }

  /**
   * Another stream begins: what was read of the one before is forgotten.
   *
   * @param keepLayouts only the readers begin anew, as after a seek in the same stream
   */
  reset({ keepLayouts = false }: { keepLayouts?: boolean } = {}): void {
    this.#raw?.reset(keepLayouts ? 0 : 1);
    if (keepLayouts) return;
    this.#rtp = NaN;
    this.#change(null, this.#mediaTime);
  }

  /** The layout that counts at a media time, in seconds. */
  at(mediaTime: number): Layout | null {
    const id = this.#raw?.at(micros(mediaTime)) ?? 0;
    return id === 0 ? null : this.#layout(id);
  }

  /**
   * Says that the frame of a media time is displayed. `attach` does it; it is for those who draw frames themselves.
   *
   * @returns the layout that counts
   */
  display(mediaTime: number): Layout | null {
    this.#mediaTime = mediaTime;
    const id = this.#raw?.at(micros(mediaTime)) ?? 0;
    if (id !== (this.#current?.id ?? 0)) this.#change(id === 0 ? null : this.#layout(id), mediaTime);
    return this.#current;
  }

  /** `display` of a frame of WebRTC, by its RTP timestamp. */
  displayRtp(timestamp: number): Layout | null {
    return this.display(this.#unwrapped(timestamp) - this.#offset);
  }

  /**
   * Follows what a video displays, until it is told to stop or follows another.
   *
   * By `requestVideoFrameCallback` it is exact to the frame; where there is none, by the playing position.
   */
  attach(video: HTMLVideoElement, { clock }: AttachOptions = {}): () => void {
    this.#detach?.();
    const stop = follow(video, (mediaTime, rtp) => {
      const byRtp = rtp !== undefined && (clock ? clock === "rtp" : !Number.isNaN(this.#rtp));
      if (byRtp) this.displayRtp(rtp);
      else this.display(mediaTime);
    });
    const detach = (): void => {
      stop();
      if (this.#detach === detach) this.#detach = null;
    };
    return (this.#detach = detach);
  }

  /** Where a layout's panes are in a player's box, in the layout's order. Empty if the layout is forgotten. */
  place(layout: Layout, box: Box): PlacedPane[] {
    const { videoWidth, videoHeight, width, height, fit = "contain", positionX = 0.5, positionY = 0.5 } = box;
    const at = this.#raw?.place(
      layout.id,
      videoWidth,
      videoHeight,
      Math.round(width * SUBPIXELS),
      Math.round(height * SUBPIXELS),
      Math.max(FITS.indexOf(fit), 0),
      positionX,
      positionY,
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

  /** Ends it: videos are followed no longer, and its memory is given back. What is pushed later is passed over. */
  close(): void {
    this.#detach?.();
    this.#change(null, this.#mediaTime);
    this.#raw?.free();
    this.#raw = null;
  }

  /** @internal Messages are told when `offset` is set, which is known after the first of them. */
  awaitOffset(): void {
    this.#waiting ??= [];
  }

  /** @internal Reads a frame of NAL units that have neither lengths nor start codes, as `avcc` of 4. */
  pushUnits(units: readonly Uint8Array[], pts: number): number {
    let total = 0;
    for (const unit of units) total += 4 + unit.length;
    let have = total < FIRST ? total : FIRST;
    for (;;) {
      const at = this.#inbox.reserve(have);
      const raw = this.#raw;
      if (!raw || at === 0) return 0;
      write(units, this.#inbox.memory, at, have);
      const found = this.#ask(raw, have, total, pts * 1e6, false);
      if (found >= 0) return this.#read(found);
      if (-found <= have || have === total) return 0;
      have = -found < total ? -found : total;
    }
  }

  #frame(bytes: Uint8Array, total: number, time: number, tag: boolean): number {
    const raw = this.#raw;
    if (!raw) return 0;
    const first = tag ? FIRST_OF_TAG : FIRST;
    let have = total < first ? total : first;
    for (;;) {
      if (!this.#inbox.put(bytes, have)) return 0;
      const found = this.#ask(raw, have, total, time, tag);
      if (found === 0) return 0;
      if (found > 0) return this.#read(found);
      // It asks for no more than there is, and for more each time.
      if (-found <= have || have === total) return 0;
      have = -found < total ? -found : total;
    }
  }

  #ask(raw: RawTracker, have: number, total: number, time: number, tag: boolean): number {
    try {
      return tag ? raw.flv_tag(have, total, time) : raw.push(have, total, time);
    } catch {
      return this.#broken();
    }
  }

  /** @param shift of a transport stream; NaN for FLV */
  #stream(bytes: Uint8Array, shift: number): number {
    let count = 0;
    for (let from = 0; from < bytes.length; from += PIECE) {
      const raw = this.#raw;
      const piece = bytes.subarray(from, from + PIECE);
      if (!raw || !this.#inbox.put(piece, piece.length)) break;
      try {
        count += this.#read(Number.isNaN(shift) ? raw.flv(piece.length) : raw.ts(piece.length, shift));
      } catch {
        this.#broken();
      }
    }
    return count;
  }

  /** The module stopped, which it must not: the page goes on without layouts. */
  #broken(): number {
    this.#raw = null;
    this.#warn("player.stopped", NaN);
    this.#change(null, this.#mediaTime);
    return 0;
  }

  override addEventListener(type: string, ...rest: [listener: never, options?: boolean | AddEventListenerOptions]): void {
    if (type !== "layout") this.#isHeard = true;
    super.addEventListener(type, ...rest);
  }

  /** Takes over what the last push found. */
  #read(count: number): number {
    if (count <= 0) return 0;
    const raw = this.#raw;
    if (!raw) return 0;
    // Layouts are kept already; what messages say is read for those who listen.
    if (!this.#isHeard) {
      this.#again();
      return count;
    }
    for (const message of JSON.parse(raw.messages()) as Told[]) {
      if (this.#waiting) {
        if (this.#waiting.length < WAITING) this.#waiting.push({ ...message, time: message.time + this.#offset });
      } else {
        this.#tell(message);
      }
    }
    this.#again();
    return count;
  }

  #tell(message: Told): void {
    // Without a type it is no message: what is wrong is the frame, or the stream.
    if (message.payloadType !== null) this.dispatchEvent(new LayoutMessageEvent(message));
    for (const code of message.warnings) this.#warn(code, message.time);
  }

  #warn(code: string, time: number): void {
    const warning = this.#warnings.add(code, time, performance.now());
    if (warning) this.dispatchEvent(new LayoutWarningEvent(warning));
  }

  /** What was read may be of the frame that is displayed. */
  #again(): void {
    if (!Number.isNaN(this.#mediaTime)) this.display(this.#mediaTime);
  }

  #layout(id: number): Layout | null {
    const text = this.#raw?.layout(id);
    return text ? (JSON.parse(text) as Layout) : null;
  }

  #change(layout: Layout | null, mediaTime: number): void {
    if (layout === this.#current) return;
    this.#current = layout;
    this.dispatchEvent(new LayoutEvent(layout, mediaTime));
  }

  /** RTP timestamps have 32 bits: one counts as the number that is nearest to the one before. */
  #unwrapped(timestamp: number): number {
    this.#rtp = Number.isNaN(this.#rtp) ? timestamp : this.#rtp + ((timestamp - this.#rtp) | 0);
    return this.#rtp / RTP_CLOCK;
  }
}

/** What the module tells: messages, and warnings without one. */
type Told = Message | (Omit<Message, "payloadType"> & { readonly payloadType: null });

const CODECS = ["h264", "h265"];
const FITS: Fit[] = ["contain", "cover", "fill", "none", "scale-down"];
/** Browsers lay out in 64ths of a pixel. */
const SUBPIXELS = 64;
/** Hz, of every video payload format (RFC 6184 §8.2.1, RFC 7798 §7.1). */
const RTP_CLOCK = 90_000;
/** Bytes of a stream that are copied at a time. */
const PIECE = 65_536;
/**
 * Bytes of a frame that are shown at first: a delimiter and the head of the first slice or message. Copying costs more
 * than reading, so no more.
 */
const FIRST = 16;
/** Of a tag: its header, and the video's. */
const FIRST_OF_TAG = FIRST + 16;
/** Messages that wait for the offset at most. */
const WAITING = 256;

/**
 * Frames' times in a player may be rounded to its clock, down to whole milliseconds twice: a message counts from 2 ms
 * before its time. Frames are further apart.
 */
const micros = (mediaTime: number): number => Math.round(mediaTime * 1e6) + 2_000;

const bytesOf = (source: BufferSource): Uint8Array =>
  ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);

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

