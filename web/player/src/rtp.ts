/** Hz, of every video payload format (RFC 6184 §8.2.1, RFC 7798 §7.1). */
const RTP_CLOCK = 90_000;

/** RTP timestamps have 32 bits: one counts as the number that is nearest to the one before. */
export class RtpClock {
  #last = NaN;

  /** Whether any came. */
  get isOn(): boolean {
    return !Number.isNaN(this.#last);
  }

  /** Of NaN: the one before again. */
  seconds(timestamp: number): number {
    this.#last = this.isOn ? this.#last + ((timestamp - this.#last) | 0) : timestamp;
    return this.#last / RTP_CLOCK;
  }

  reset(): void {
    this.#last = NaN;
  }
}
