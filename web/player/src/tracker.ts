import { follow } from "./display.js";
import { PlayerError } from "./error.js";
import { LayoutEvent, LayoutMessageEvent, LayoutWarningEvent, Target, type TrackerEvents } from "./events.js";
import type { RawModule } from "./raw.js";
import { Reader } from "./reader.js";
import { RtpClock } from "./rtp.js";
import type { Box, Layout, PlacedPane } from "./types.js";
import { type Told, Waiting } from "./waiting.js";
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

/**
 * Reads layouts out of a stream's frames and says which one counts at the frame that is displayed.
 *
 * All times are seconds: those of pushed frames are the stream's, those of `display`, `at`, layouts and messages the
 * player's, as in `HTMLMediaElement.currentTime`. `offset` is between the two. No input makes it throw but a wrong
 * configuration.
 */
export class LayoutTracker extends Target<TrackerEvents> {
  readonly #reader: Reader;
  readonly #warnings = new Warnings();
  #offset = 0;
  #current: Layout | null = null;
  /** The displayed frame's, NaN before the first. */
  #mediaTime = NaN;
  #detach: (() => void) | null = null;
  /** Messages wait for the offset. */
  readonly #waiting = new Waiting();
  readonly #rtp = new RtpClock();

  /** @throws {PlayerError} `player.not_initialised`, `player.configuration` */
  constructor(options?: TrackerOptions | null) {
    super();
    const { maxAge = 10 } = options ?? {};
    if (!(maxAge > 0)) throw new PlayerError("player.configuration", "maxAge is a number of seconds above 0");
    // The module stopped: the page goes on without layouts.
    this.#reader = new Reader(maxAge, () => {
      this.#warn("player.stopped", NaN);
      this.#change(null, this.#mediaTime);
    });
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
  configure(configuration: Configuration): void {
    const { codec, format, lengthSize = 4, description } = (configuration ?? {}) as Configuration;
    const number = CODECS.indexOf(codec);
    if (number < 0 || !["annexb", "avcc"].includes(format) || ![1, 2, 4].includes(lengthSize)) {
      throw new PlayerError(
        "player.configuration",
        "configure() takes codec h264 or h265, format annexb or avcc, lengthSize 1, 2 or 4",
      );
    }
    if (format === "annexb" || description == null) {
      this.#reader.call(undefined, (raw, tracker) => raw.configure(tracker, number, format === "annexb" ? 0 : lengthSize));
    } else if (!this.#reader.record(number, bytesOf(description))) {
      throw new PlayerError("player.configuration", "description is no decoder configuration record (avcC, hvcC) of this codec");
    }
  }

  /**
   * Reads one frame: an access unit of Annex B, or a sample with lengths.
   *
   * A frame without messages makes no object: of its bytes a few are copied, and more only if they are asked for.
   *
   * @param pts its presentation time in seconds
   * @param length how much of `source` is the frame: all of it by default
   * @returns how many messages it had
   */
  push(source: AllowSharedBufferSource, pts: number, length?: number): number {
    const bytes = bytesOf(source);
    const total = length! < bytes.length ? Math.max(length!, 0) : bytes.length;
    if (!isTime(pts)) return this.#untimed();
    const found = this.#reader.frame(bytes, total, pts, false);
    return found === 0 ? 0 : this.#read(found);
  }

  /** Reads a frame of WebRTC, with its RTP timestamp of 90 kHz; wrapping is seen to. */
  pushRtp(bytes: AllowSharedBufferSource, timestamp: number): number {
    return this.push(bytes, this.#rtp.seconds(timestamp));
  }

  /**
   * Reads one FLV tag: its header of 11 bytes, and its body. Sequence headers configure by themselves.
   *
   * @param pts its presentation time in seconds; the tag's own by default
   */
  pushFlvTag(source: AllowSharedBufferSource, pts = NaN): number {
    const bytes = bytesOf(source);
    const has = Number.isNaN(pts) || isTime(pts);
    return has ? this.#read(this.#reader.frame(bytes, bytes.length, pts, true)) : this.#untimed();
  }

  /** Reads bytes of an FLV stream as they come, cut anywhere. Times are the stream's. */
  appendFlv(bytes: AllowSharedBufferSource): number {
    return this.#stream(bytes, (raw, tracker, length) => raw.flv(tracker, length));
  }

  /**
   * Reads bytes of an MPEG transport stream as they come, cut anywhere.
   *
   * @param offset seconds that its times are more than the times of frames that are pushed otherwise
   */
  appendTs(bytes: AllowSharedBufferSource, offset = 0): number {
    return isTime(offset) ? this.#stream(bytes, (raw, tracker, length) => raw.ts(tracker, length, offset * 1e6)) : this.#untimed();
  }

  /**
   * Reads bytes of fragmented MP4 as they come, cut anywhere: an initialization segment, then fragments. After
   * `reset({ keepLayouts: true })` fragments may come without one.
   *
   * @param offset seconds that its times are more than the times of frames that are pushed otherwise
   */
  appendMp4(bytes: AllowSharedBufferSource, offset = 0): number {
    return isTime(offset) ? this.#stream(bytes, (raw, tracker, length) => raw.mp4(tracker, length, offset * 1e6)) : this.#untimed();
  }

  /**
   * The first decoding time of a stream that `appendFlv` or `appendTs` reads, in seconds, as players that make MP4 of it
   * count: the least of the first sound's and first picture's, where sound before a transport stream's second picture
   * does not count. NaN until it is known.
   */
  get baseTime(): number {
    return this.#reader.call(NaN, (raw, tracker) => raw.base_us(tracker)) / 1e6;
  }

  /** @internal `baseTime` of a player that leaves the sound out. */
  get baseTimeOfVideo(): number {
    return this.#reader.call(NaN, (raw, tracker) => raw.base_of_video_us(tracker)) / 1e6;
  }

  /** What the stream's time is when the player's is 0: media time = stream time − offset. */
  get offset(): number {
    return this.#offset;
  }

  set offset(seconds: number) {
    if (!Number.isFinite(seconds)) return;
    this.#offset = seconds;
    this.#reader.call(undefined, (raw, tracker) => raw.shift(tracker, seconds * 1e6));
    for (const message of this.#waiting.end()) this.#tell({ ...message, time: message.time - seconds });
    this.#again();
  }

  /**
   * Another stream begins: what was read of the one before is forgotten, `offset` too, and until the next frame nothing
   * is displayed.
   *
   * @param keepLayouts only the readers begin anew, as after a seek in the same stream
   */
  reset({ keepLayouts = false }: { keepLayouts?: boolean } = {}): void {
    this.#reader.call(undefined, (raw, tracker) => raw.reset(tracker, keepLayouts ? 0 : 1));
    if (keepLayouts) return;
    this.#rtp.reset();
    this.#waiting.end();
    this.offset = 0;
    this.display(NaN);
  }

  /** The layout that counts at a media time, in seconds. */
  at(mediaTime: number): Layout | null {
    const id = this.#reader.at(micros(mediaTime));
    return id === 0 ? null : this.#layout(id);
  }

  /**
   * Says that the frame of a media time is displayed, or with NaN none. `attach` does it; it is for those who draw frames
   * themselves.
   *
   * @returns the layout that counts
   */
  display(mediaTime: number): Layout | null {
    this.#mediaTime = mediaTime;
    const id = Number.isNaN(mediaTime) ? 0 : this.#reader.at(micros(mediaTime));
    if (id !== (this.#current?.id ?? 0)) this.#change(id === 0 ? null : this.#layout(id), mediaTime);
    return this.#current;
  }

  /** `display` of a frame of WebRTC, by its RTP timestamp. */
  displayRtp(timestamp: number): Layout | null {
    return this.display(this.#rtp.seconds(timestamp) - this.#offset);
  }

  /**
   * Follows what a video displays, until it is told to stop or follows another.
   *
   * By `requestVideoFrameCallback` it is exact to the frame; where there is none, by the playing position.
   */
  attach(video: HTMLVideoElement, { clock }: AttachOptions = {}): () => void {
    this.#detach?.();
    const stop = follow(video, (mediaTime, rtp) => {
      const byRtp = rtp !== undefined && (clock ? clock === "rtp" : this.#rtp.isOn);
      if (byRtp) this.displayRtp(rtp);
      else if (!Number.isNaN(rtp)) this.display(mediaTime);
    });
    const detach = (): void => {
      stop();
      if (this.#detach === detach) this.#detach = null;
    };
    return (this.#detach = detach);
  }

  /** Where a layout's panes are in a player's box, in the layout's order. Empty if the layout is forgotten. */
  place(layout: Layout, box: Box): PlacedPane[] {
    return this.#reader.place(layout, box);
  }

  /** Ends it: videos are followed no longer, and its memory is given back. What is pushed later is passed over. */
  close(): void {
    this.#detach?.();
    this.#change(null, this.#mediaTime);
    this.#reader.close();
  }

  /**
   * @internal Messages are told when `offset` is set, which is known after the first of them.
   *
   * @returns waits no longer: those that wait are forgotten, for their times are not known
   */
  awaitOffset(): () => void {
    return this.#waiting.begin();
  }

  /**
   * @internal The stream's time of the message with this content that is near a media time, if there is one alone; else
   * NaN.
   */
  timeOf(content: Uint8Array, mediaTime: number): number {
    return this.#reader.timeOf(content, mediaTime * 1e6) / 1e6;
  }

  /** @internal Reads a frame of NAL units that have neither lengths nor start codes, as `avcc` of 4. */
  pushUnits(units: readonly Uint8Array[], pts: number): number {
    return isTime(pts) ? this.#read(this.#reader.units(units, pts)) : this.#untimed();
  }

  /** A frame whose time is no number is passed over. */
  #untimed(): number {
    this.#warn("player.not_a_time", NaN);
    return 0;
  }

  #stream(bytes: AllowSharedBufferSource, read: (raw: RawModule, tracker: number, length: number) => number): number {
    let count = 0;
    this.#reader.stream(bytesOf(bytes), read, (found) => (count += this.#read(found)));
    return count;
  }

  /** Takes over what the last push found, and gives how many messages that were. */
  #read(found: number): number {
    if (found === 0) return 0;
    // Layouts are kept already; what messages say is read for those who listen.
    const isHeard = this.isHeard("message") || this.isHeard("warning");
    const told = isHeard && this.#reader.json<Told[]>((raw, tracker) => raw.messages(tracker));
    for (const message of told || []) {
      if (!this.#waiting.isOn) this.#tell(message);
      else if (!this.#waiting.add({ ...message, time: message.time + this.#offset })) this.#warn("player.too_many_messages", NaN);
    }
    this.#again();
    return found & MESSAGES;
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
    return this.#reader.json<Layout>((raw, tracker) => raw.layout(tracker, id));
  }

  #change(layout: Layout | null, mediaTime: number): void {
    if (layout === this.#current) return;
    this.#current = layout;
    this.dispatchEvent(new LayoutEvent(layout, mediaTime));
  }
}

/** Seconds that are whole numbers of microseconds up to here. */
const isTime = (seconds: number): boolean => Math.abs(seconds) <= Number.MAX_SAFE_INTEGER / 1e6;

const CODECS = ["h264", "h265"];

/**
 * Frames' times in a player may be rounded to its clock, down to whole milliseconds twice: a message counts from 2 ms
 * before its time. Frames are further apart.
 */
const micros = (mediaTime: number): number => Math.round(mediaTime * 1e6) + 2_000;

/** Of what the module found: how many messages. Above is whether something was wrong. */
const MESSAGES = 0xffff;

/** Of anything else no bytes. */
function bytesOf(source: AllowSharedBufferSource): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(typeof source === "object" ? (source as ArrayBuffer) : []);
}
