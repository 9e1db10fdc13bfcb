// Randomness that a seed repeats, so that a failing run can be run again.

/** Mulberry32: a small generator, good enough to choose moments and victims. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** From 0, below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** `count` different ones of a list. */
  some(list, count) {
    const left = [...list];
    return Array.from({ length: count }, () => left.splice(this.between(0, left.length - 1), 1)[0]);
  }
}
