import { PlayerError } from "../core.js";
import { type LoaderLibrary, StreamTap, loaderClass } from "../stream.js";
import type { LayoutTracker } from "../tracker.js";

/** What of flv.js is used. */
export interface FlvJs<Source, Config, Player> extends LoaderLibrary {
  createPlayer(source: Source, config?: Config): Player;
}

/**
 * Makes a player of flv.js whose layouts a tracker reads. `attach` the tracker to the video as well.
 *
 * flv.js tells nothing of SEI. So the bytes are read as they are loaded, by a loader that it is given: each byte once,
 * before the player has it, and bytes that it loads again not again.
 *
 * Media time is the stream's presentation time less the first decoding time in what the player is given first, which
 * holds the first sound (unless the source has `hasAudio: false`) and the first picture.
 *
 * `config.enableWorker` cannot be used: a worker takes no loader from the page.
 *
 * @throws {PlayerError} `player.unsupported`
 */
export function createFlvPlayer<Source extends object, Config extends object, Player>(
  flvjs: FlvJs<Source, Config, Player>,
  tracker: LayoutTracker,
  source: Source,
  config?: Config,
): { player: Player; stop: () => void } {
  if ((config as { enableWorker?: boolean } | undefined)?.enableWorker) {
    throw new PlayerError("player.unsupported", "set enableWorker to false: a worker of flv.js takes no loader from the page");
  }
  const tap = new StreamTap(tracker, (source as { hasAudio?: boolean }).hasAudio);
  const customLoader = loaderClass(flvjs, tap);
  const player = flvjs.createPlayer(source, { ...config, customLoader } as unknown as Config);
  return { player, stop: () => tap.stop() };
}
