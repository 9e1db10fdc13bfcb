import type { Message } from "./types.js";

/** What the module tells: messages, and warnings without one. */
export type Told = Message | (Omit<Message, "payloadType"> & { readonly payloadType: null });

/** Characters of messages that wait at most, and what counts of each besides its text. */
const MOST = 1 << 20;
const OVERHEAD = 128;

/** Messages whose media time is not known yet. */
export class Waiting {
  #told: Told[] | null = null;
  #size = 0;

  get isOn(): boolean {
    return this.#told !== null;
  }

  /** @returns ends it, unless it began anew since: what waited is forgotten */
  begin(): () => void {
    const mine: Told[] = (this.#told = []);
    this.#size = 0;
    return () => {
      if (this.#told === mine) this.#told = null;
    };
  }

  /** Whether there was room. */
  add(message: Told): boolean {
    this.#size += (message.text?.length ?? 0) + OVERHEAD;
    if (this.#size > MOST) return false;
    this.#told?.push(message);
    return true;
  }

  /** What waited; from now on nothing does. */
  end(): Told[] {
    const told = this.#told ?? [];
    this.#told = null;
    this.#size = 0;
    return told;
  }
}
