import type { Message } from "./types.js";

/** What the module tells: messages, and warnings without one. */
export type Told = Message | (Omit<Message, "payloadType"> & { readonly payloadType: null });

/** Messages that wait at most. */
const MOST = 256;

/** Messages whose media time is not known yet. */
export class Waiting {
  #told: Told[] | null = null;

  get isOn(): boolean {
    return this.#told !== null;
  }

  /** @returns ends it, unless it began anew since: what waited is forgotten */
  begin(): () => void {
    const mine: Told[] = (this.#told = []);
    return () => {
      if (this.#told === mine) this.#told = null;
    };
  }

  add(message: Told): void {
    if (this.#told && this.#told.length < MOST) this.#told.push(message);
  }

  /** What waited; from now on nothing does. */
  end(): Told[] {
    const told = this.#told ?? [];
    this.#told = null;
    return told;
  }
}
