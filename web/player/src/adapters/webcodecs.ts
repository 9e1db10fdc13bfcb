import { PlayerError } from "../core.js";
import type { LayoutTracker } from "../tracker.js";

interface Kept {
  config: VideoDecoderConfig;
  bytes: Uint8Array<ArrayBuffer>;
}

const kept = new WeakMap<LayoutTracker, Kept>();

/**
 * Reads the layouts of a chunk that goes to a `VideoDecoder`, with the decoder's configuration. Call it for every chunk,
 * and `tracker.display(frame.timestamp / 1e6)` for every `VideoFrame` that is drawn: media time is the chunk's timestamp.
 *
 * No message is lost, since decoders are given every chunk; whoever gives one twice, as after a seek, has its messages
 * twice, but its layout once. The chunk is copied into a buffer that is kept.
 *
 * @returns how many messages it had
 * @throws {PlayerError} `player.unsupported` for a codec that is neither H.264 nor H.265
 */
export function trackChunk(tracker: LayoutTracker, chunk: EncodedVideoChunk, config: VideoDecoderConfig): number {
  let buffer = kept.get(tracker);
  if (buffer?.config !== config) {
    configure(tracker, config);
    buffer = { config, bytes: buffer?.bytes ?? new Uint8Array(0) };
    kept.set(tracker, buffer);
  }
  const length = chunk.byteLength;
  if (buffer.bytes.length < length) buffer.bytes = new Uint8Array(Math.max(length, 2 * buffer.bytes.length));
  chunk.copyTo(buffer.bytes);
  return tracker.push(buffer.bytes, chunk.timestamp / 1e6, length);
}

function configure(tracker: LayoutTracker, { codec, description }: VideoDecoderConfig): void {
  const family = codec.slice(0, 4).toLowerCase();
  const h264 = family === "avc1" || family === "avc3";
  if (!h264 && family !== "hev1" && family !== "hvc1") {
    throw new PlayerError("player.unsupported", "only avc1, avc3, hev1 and hvc1 carry these messages");
  }
  // WebCodecs' registry: with a description chunks have lengths, without one they are Annex B.
  tracker.configure({
    codec: h264 ? "h264" : "h265",
    format: description ? "avcc" : "annexb",
    ...(description && { description: description as BufferSource }),
  });
}
