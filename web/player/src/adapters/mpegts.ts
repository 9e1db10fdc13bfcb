import { PlayerError } from "../core.js";
import { type LoaderClass, type LoaderLibrary, StreamTap, loaderClass } from "../stream.js";
import { type Emitter, followBase } from "../stream/base.js";
import type { LayoutTracker } from "../tracker.js";

/** What of mpegts.js is used. */
export interface Mpegts<Source, Config, Player> extends LoaderLibrary {
  createPlayer(source: Source, config?: Config): Player;
  Events: object;
}

/**
 * Makes a player of mpegts.js whose layouts a tracker reads: FLV and MPEG-TS, by HTTP and by WebSocket. `attach` the
 * tracker to the video as well.
 *
 * mpegts.js' own `sei_arrived` has the first message of a NAL unit alone. So the bytes are read as they are loaded, by a
 * loader that mpegts.js is given: each byte once, before the player has it, and bytes that it loads again not again.
 * (After a seek a file's bytes are others, or are read anew if they had been read before.)
 *
 * Media time is the stream's presentation time less the player's `dtsBase`: the first decoding time in what it is given
 * first, which holds the first sound (unless the source has `hasAudio: false`) and the first picture. Where the player's
 * own event shows another base, that one counts.
 *
 * `config.enableWorker` and `enableWorkerForMSE` cannot be used: a worker takes no loader from the page.
 *
 * @throws {PlayerError} `player.unsupported`
 */
export function createMpegtsPlayer<Source extends object, Config extends object, Player extends Emitter>(
  mpegts: Mpegts<Source, Config, Player>,
  tracker: LayoutTracker,
  source: Source,
  config?: Config,
): { player: Player; stop: () => void } {
  refuseWorkers(config);
  const { customLoader, stop: stopLoader } = mpegtsLoader(mpegts, tracker, source);
  const player = mpegts.createPlayer(source, { ...config, customLoader } as unknown as Config);
  const stopBase = followBase(player, mpegts.Events, tracker);
  return {
    player,
    stop: () => {
      stopLoader();
      stopBase();
    },
  };
}

/** The loader by itself, as `customLoader` of a player's configuration, for whoever makes the player elsewhere. */
export function mpegtsLoader(
  mpegts: LoaderLibrary,
  tracker: LayoutTracker,
  { hasAudio }: { hasAudio?: boolean } = {},
): { customLoader: LoaderClass; stop: () => void } {
  const tap = new StreamTap(tracker, hasAudio);
  return { customLoader: loaderClass(mpegts, tap), stop: () => tap.stop() };
}

function refuseWorkers(config: object | undefined): void {
  const { enableWorker, enableWorkerForMSE } = (config ?? {}) as { enableWorker?: boolean; enableWorkerForMSE?: boolean };
  if (enableWorker || enableWorkerForMSE) {
    throw new PlayerError(
      "player.unsupported",
      "set enableWorker and enableWorkerForMSE to false: a worker of mpegts.js takes no loader from the page",
    );
  }
}
