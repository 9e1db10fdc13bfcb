import type { RawModule } from "./raw.js";

/** Where bytes go into the module's memory. It is kept from frame to frame. */
export class Inbox {
  readonly #raw: RawModule;
  readonly #tracker: number;
  #bytes: Uint8Array;
  #at = 0;
  #room = 0;

  constructor(raw: RawModule, tracker: number) {
    this.#raw = raw;
    this.#tracker = tracker;
    this.#bytes = new Uint8Array(raw.memory.buffer);
  }

  /** The module's memory as it is now: when it grew, the view of before is empty. */
  get memory(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#raw.memory.buffer);
    return this.#bytes;
  }

  /** Makes room for `length` bytes and says where; 0 if there is none. */
  reserve(length: number): number {
    if (length > this.#room) {
      this.#at = this.#raw.room(this.#tracker, length);
      this.#room = this.#at === 0 ? 0 : length;
    }
    return this.#at;
  }

  /** Copies the first `have` bytes in. For few it is a loop: a view of them would be an object for every frame. */
  put(source: Uint8Array, have: number): boolean {
    const at = this.reserve(have);
    if (at === 0) return false;
    const bytes = this.memory;
    if (have > FEW) {
      bytes.set(have === source.length ? source : source.subarray(0, have), at);
    } else {
      for (let index = 0; index < have; index += 1) bytes[at + index] = source[index]!;
    }
    return true;
  }
}

/** So many are copied one by one at most. */
const FEW = 128;
