import { PlayerError } from "../core.js";
import type { LayoutTracker } from "../tracker.js";

// What of hls.js is used.

export interface HlsLike {
  on(event: any, listener: (event: any, data: any) => void): void;
  off(event: any, listener: (event: any, data: any) => void): void;
}

/** Boxes that go to a source buffer: an initialization segment, or fragments. */
interface Appending {
  type: string;
  parent: string;
  data: Uint8Array;
  /** The buffer's `timestampOffset` for them. Versions before 1.6 write their times anew instead. */
  offset?: number;
}

/** hls.js' names of events, so that nothing of it is imported. */
const MANIFEST_LOADING = "hlsManifestLoading";
const BUFFER_APPENDING = "hlsBufferAppending";

/**
 * Reads layouts of what hls.js plays. Call it before `loadSource`, and `attach` the tracker to the video as well.
 *
 * hls.js' own `FRAG_PARSING_USERDATA` has messages of payload type 5, not those of types 100 to 254. So what hls.js
 * appends to its source buffer of video is read as it is appended: fragmented MP4, whatever was loaded (fragments or
 * their parts, MP4 or MPEG-TS), and decrypted. Each comes once, unless hls.js loads it again.
 *
 * Media time is the boxes' own plus the offset that hls.js gives the source buffer for them.
 *
 * @throws {PlayerError} `player.unsupported`
 */
export function trackHls(hls: HlsLike, tracker: LayoutTracker): () => void {
  if (typeof hls?.on !== "function") throw new PlayerError("player.unsupported", "pass an Hls of hls.js 1");

  const loading = (): void => tracker.reset();
  const appending = (_: unknown, { type, parent, data, offset = 0 }: Appending): void => {
    // Sound of its own, and other renditions of it, have no pictures.
    if (parent !== "main" || !type.endsWith("video")) return;
    // Each begins with a box.
    tracker.reset({ keepLayouts: true });
    tracker.appendMp4(data, -offset);
  };
  hls.on(MANIFEST_LOADING, loading);
  hls.on(BUFFER_APPENDING, appending);
  return () => {
    hls.off(MANIFEST_LOADING, loading);
    hls.off(BUFFER_APPENDING, appending);
  };
}
