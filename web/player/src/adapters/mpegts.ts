import { PlayerError } from "../core.js";
import type { LayoutMessageEvent } from "../events.js";
import type { LayoutTracker } from "../tracker.js";
import { type LoaderClass, type LoaderLibrary, StreamTap, loaderClass } from "./loader.js";

/** What of mpegts.js is used. */
export interface Mpegts<Source, Config, Player> extends LoaderLibrary {
  createPlayer(source: Source, config?: Config): Player;
  Events: object;
}

interface Emitter {
  on(event: string, listener: (...data: any[]) => void): void;
  off(event: string, listener: (...data: any[]) => void): void;
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
 * first, which holds the first sound (unless the source has `hasAudio: false`) and the first picture. Where the player's own event shows another base, that one
 * counts.
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
  const name = (mpegts.Events as { SEI_ARRIVED?: string }).SEI_ARRIVED;
  const stopBase = name ? followBase(player, name, tracker) : undefined;
  return {
    player,
    stop: () => {
      stopLoader();
      stopBase?.();
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

/** mpegts.js' event: `pts` in milliseconds of media time. */
interface SeiArrived {
  user_data?: Uint8Array;
  pts?: number;
}

/** Messages that are compared with the player's. */
const COMPARED = 64;
/** Seconds by which times may differ that mpegts.js rounds to milliseconds. */
const ROUNDED = 0.002;

/**
 * Corrects the offset by the player's own event, which has the same message with the media time that the player gave it.
 * Of messages that say the same the one counts that changes the offset least.
 */
function followBase(player: Emitter, name: string, tracker: LayoutTracker): () => void {
  const read: { text: string; time: number }[] = [];
  const remember = ({ message }: LayoutMessageEvent): void => {
    if (message.text === null) return;
    read.push({ text: message.text, time: message.time + tracker.offset });
    if (read.length > COMPARED) read.shift();
  };
  const decoder = new TextDecoder();
  const arrived = ({ user_data: data, pts }: SeiArrived): void => {
    if (!data || pts === undefined || read.length === 0) return;
    const said = decoder.decode(data);
    let best = Infinity;
    for (const { text, time } of read) {
      const change = time - pts / 1000 - tracker.offset;
      if (Math.abs(change) < Math.abs(best) && text !== "" && said.includes(text)) best = change;
    }
    if (Number.isFinite(best) && Math.abs(best) > ROUNDED) tracker.offset += best;
  };
  tracker.addEventListener("message", remember);
  player.on(name, arrived);
  return () => {
    tracker.removeEventListener("message", remember);
    player.off(name, arrived);
  };
}
