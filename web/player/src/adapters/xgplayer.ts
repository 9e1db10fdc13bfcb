import { PlayerError } from "../core.js";
import type { LayoutTracker } from "../tracker.js";

/** What of xgplayer-flv's core is used. */
export interface XgplayerCore {
  media: HTMLMediaElement | null;
  on(event: string, listener: (data: any) => void): unknown;
  off(event: string, listener: (data: any) => void): unknown;
}

/** What of its plugin is used: it makes a new core for every address. */
export interface XgplayerPlugin {
  readonly core: XgplayerCore | null;
  readonly player: {
    on(event: string, listener: () => void): unknown;
    off(event: string, listener: () => void): unknown;
  };
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
/** What the plugin passes on of its core: first that it begins to load. */
const OF_CORE = "core_event";

/**
 * Reads layouts of what xgplayer-flv plays. It takes the plugin (`player.plugins.flv`), once the player is made,
 * or a core by itself (`new Flv(…)`). `attach` the tracker to the video as well.
 *
 * xgplayer's own `core.sei` has the first message of a NAL unit alone, with what follows it. So the pictures' NAL units
 * are read from `core.demuxedtrack`, which has every picture once, when it goes to MediaSource.
 *
 * Media time is computed as xgplayer's remuxer does: the first picture's decoding time of a piece, then the pictures'
 * lengths one after another, and each one's composition offset. So what its fixer moves is moved here.
 *
 * @throws {PlayerError} `player.unsupported`
 */
export function trackXgplayer(flv: XgplayerCore | XgplayerPlugin, tracker: LayoutTracker): () => void {
  if (flv && !("core" in flv)) return trackCore(flv, tracker);
  const player = flv?.player;
  if (typeof player?.on !== "function") throw new PlayerError("player.unsupported", "pass the FLV plugin, player.plugins.flv, or its core");
  let core: XgplayerCore | null = null;
  let leave = (): void => {};
  const follow = (): void => {
    if (!flv.core || flv.core === core) return;
    leave();
    core = flv.core;
    leave = trackCore(core, tracker);
  };
  follow();
  player.on(OF_CORE, follow);
  return () => {
    player.off(OF_CORE, follow);
    leave();
  };
}

function trackCore(core: XgplayerCore, tracker: LayoutTracker): () => void {
  if (typeof core.on !== "function") throw new PlayerError("player.unsupported", "this is no core of xgplayer-flv");
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
