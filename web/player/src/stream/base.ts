import type { LayoutMessageEvent } from "../events.js";
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
  uuid?: Uint8Array;
  user_data?: Uint8Array;
  pts?: number;
}

/** Messages that are compared with the player's, and characters of them, at most. */
const COMPARED = 1_024;
const CHARACTERS = 1 << 20;
/** Seconds by which times may differ that mpegts.js rounds to milliseconds. */
const ROUNDED = 0.002;
const USER_DATA_UNREGISTERED = 5;

/**
 * Corrects the offset by the player's own event, which has the same message with the media time that the player gave it.
 * A message that was read several times says nothing: it could be any of them.
 */
export function followBase(player: Emitter, events: object, tracker: LayoutTracker): () => void {
  const { SEI_ARRIVED: name, DESTROYING: destroying } = events as Names;
  if (!name) return () => {};
  /** By what messages say, their stream time, or NaN if there were several. */
  const read = new Map<string, number>();
  let characters = 0;
  let isThere = true;
  const remember = ({ message: { payloadType, uuid, text, time } }: LayoutMessageEvent): void => {
    if (payloadType !== USER_DATA_UNREGISTERED || uuid === null || text === null) return;
    const said = key(uuid, text);
    if (!read.has(said)) characters += said.length;
    const several = read.delete(said);
    read.set(said, several ? NaN : time + tracker.offset);
    for (const [oldest] of read) {
      if (read.size <= COMPARED && characters <= CHARACTERS) break;
      read.delete(oldest);
      characters -= oldest.length;
    }
  };
  const decoder = new TextDecoder();
  const arrived = ({ uuid, user_data: data, pts }: SeiArrived): void => {
    if (!uuid || !data || pts === undefined) return;
    const time = read.get(key(hexadecimal(uuid), decoder.decode(data))) ?? NaN;
    const change = time - pts / 1000 - tracker.offset;
    if (Math.abs(change) > ROUNDED) tracker.offset += change;
  };
  // A player that is being destroyed drops its listeners, and has nothing to take them from afterwards.
  const stop = (): void => {
    tracker.removeEventListener("message", remember);
    if (isThere) player.off(name, arrived);
    isThere = false;
  };
  tracker.addEventListener("message", remember);
  player.on(name, arrived);
  if (destroying) player.on(destroying, stop);
  return stop;
}

/** Texts may end with the zero of C's strings. */
const key = (uuid: string, text: string): string => `${uuid.replaceAll("-", "")} ${text.replace(/\0+$/, "")}`;

const hexadecimal = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
