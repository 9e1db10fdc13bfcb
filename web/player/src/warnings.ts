import type { Warning } from "./types.js";

/** The same warning is told at most so often, in milliseconds. */
const REST = 5_000;
/** Codes that are told apart; the module has fewer. */
const CODES = 64;

/** Keeps a broken stream from raising an event for every frame. */
export class Warnings {
  readonly #codes = new Map<string, { count: number; rests: number }>();

  /** What is to be told of one more, if anything. */
  add(code: string, time: number, now: number): Warning | null {
    let known = this.#codes.get(code);
    if (!known) {
      if (this.#codes.size >= CODES) return null;
      this.#codes.set(code, (known = { count: 0, rests: -Infinity }));
    }
    known.count += 1;
    if (now < known.rests) return null;
    const { count } = known;
    known.count = 0;
    known.rests = now + REST;
    return { code, count, time };
  }
}
