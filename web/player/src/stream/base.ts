import type { LayoutTracker } from "../tracker.js";

export interface Emitter {
  on(event: string, listener: (...data: any[]) => void): void;
  off(event: string, listener: (...data: any[]) => void): void;
}

/** mpegts.js' names of events; those of old versions are fewer. */
interface Names {
  SEI_ARRIVED?: string;
  DESTROYING?: string;
}

/** mpegts.js' event of a message of payload type 5: `pts` in milliseconds of media time. */
interface SeiArrived {
  user_data?: Uint8Array;
  pts?: number;
}

/** Seconds by which times may differ that mpegts.js rounds to milliseconds. */
const ROUNDED = 0.002;

/**
 * Corrects the offset by the player's own event, which has the same message with the media time that the player gave it.
 * A message that is there several times near that time says nothing: it could be any of them. Its bytes are compared, so
 * nothing is made of messages that nobody reads.
 */
export function followBase(player: Emitter, events: object, tracker: LayoutTracker): () => void {
  const { SEI_ARRIVED: name, DESTROYING: destroying } = events as Names;
  if (!name) return () => {};
  let isThere = true;
  const arrived = ({ user_data: data, pts }: SeiArrived): void => {
    if (!data || pts === undefined) return;
    const change = tracker.timeOf(data, pts / 1000) - pts / 1000 - tracker.offset;
    if (Math.abs(change) > ROUNDED) tracker.offset += change;
  };
  // A player that is being destroyed drops its listeners, and has nothing to take them from afterwards.
  const stop = (): void => {
    if (isThere) player.off(name, arrived);
    isThere = false;
  };
  player.on(name, arrived);
  if (destroying) player.on(destroying, stop);
  return stop;
}
