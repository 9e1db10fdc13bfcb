import { PlayerError } from "../core.js";
import type { LayoutTracker } from "../tracker.js";

/** What of xgplayer-flv's core is used. */
export interface XgplayerCore {
  media: HTMLMediaElement | null;
  on(event: string, listener: (data: any) => void): unknown;
  off(event: string, listener: (data: any) => void): unknown;
}

interface Sample {
  units: readonly Uint8Array[];
  pts: number;
  dts: number;
  duration: number;
}

interface VideoTrack {
  codecType: "avc" | "hevc" | (string & {});
  timescale: number;
  samples: readonly Sample[];
}

/** What xgplayer-flv calls its demuxed pictures, on their way to MediaSource. */
const DEMUXED = "core.demuxedtrack";

/**
 * Reads layouts of what xgplayer-flv plays. It takes the plugin (`player.plugins.flv`), or its core (`new Flv(…)`).
 * `attach` the tracker to the video as well.
 *
 * xgplayer's own `core.sei` has the first message of a NAL unit alone, with what follows it. So the pictures' NAL units
 * are read from `core.demuxedtrack`, which has every picture once, when it goes to MediaSource.
 *
 * Media time is computed as xgplayer's remuxer does: the first picture's decoding time of a piece, then the pictures'
 * lengths one after another, and each one's composition offset. So what its fixer moves is moved here.
 *
 * @throws {PlayerError} `player.unsupported`
 */
export function trackXgplayer(flv: XgplayerCore | { core: XgplayerCore | null }, tracker: LayoutTracker): () => void {
  const core = "core" in flv ? flv.core : flv;
  if (typeof core?.on !== "function") {
    throw new PlayerError("player.unsupported", "pass the FLV plugin once the player is made, or its core");
  }
  // The tracker may have followed another stream.
  tracker.reset();
  let codec = "";
  const demuxed = ({ videoTrack }: { videoTrack: VideoTrack }): void => {
    const { codecType, timescale, samples } = videoTrack;
    if (codecType !== codec) {
      codec = codecType;
      if (codec !== "avc" && codec !== "hevc") return;
      tracker.configure({ codec: codec === "avc" ? "h264" : "h265", format: "avcc" });
    }
    let dts = samples[0]?.dts ?? 0;
    for (const sample of samples) {
      tracker.pushUnits(sample.units, (dts + sample.pts - sample.dts) / timescale);
      dts += sample.duration;
    }
  };
  // Another source, or the same one anew: media time begins at 0 again.
  const emptied = (): void => tracker.reset();
  const { media } = core;
  core.on(DEMUXED, demuxed);
  media?.addEventListener("emptied", emptied);
  return () => {
    core.off(DEMUXED, demuxed);
    media?.removeEventListener("emptied", emptied);
  };
}
