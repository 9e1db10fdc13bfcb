import type { Layout, Message, Warning } from "./types.js";

type Listener<T, E> = ((this: T, event: E) => unknown) | { handleEvent(event: E): unknown };

/** What an `EventTarget` takes as well, as a class that takes less is none: names that are not written out. */
type Unknown<T extends string> = string extends T ? T : never;
type AnyListener = EventListenerOrEventListenerObject | null;

/** An `EventTarget` whose events are known by name. */
export interface Target<Events> {
  addEventListener<K extends keyof Events>(
    type: K,
    listener: Listener<this, Events[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<T extends string>(type: Unknown<T>, listener: AnyListener, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof Events>(
    type: K,
    listener: Listener<this, Events[K]> | null,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener<T extends string>(type: Unknown<T>, listener: AnyListener, options?: boolean | EventListenerOptions): void;
}
export class Target<Events> extends EventTarget {
  readonly #heard = new Set<string>();

  override addEventListener(type: string, ...rest: [listener: any, options?: boolean | AddEventListenerOptions]): void {
    this.#heard.add(type);
    super.addEventListener(type, ...rest);
  }

  override removeEventListener(type: string, ...rest: [listener: any, options?: boolean | EventListenerOptions]): void {
    super.removeEventListener(type, ...rest);
  }

  /** Whether anybody ever listened to such events. */
  protected isHeard(type: keyof Events & string): boolean {
    return this.#heard.has(type);
  }
}

/** From this frame on another layout counts, or none. */
export class LayoutEvent extends Event {
  constructor(
    readonly layout: Layout | null,
    /** The displayed frame's, in seconds. */
    readonly mediaTime: number,
  ) {
    super("layout");
  }
}

/** A message was read: when its frame arrives, not when it is displayed. */
export class LayoutMessageEvent extends Event {
  constructor(readonly message: Message) {
    super("message");
  }
}

/** Something was clamped or passed over. */
export class LayoutWarningEvent extends Event {
  constructor(readonly warning: Warning) {
    super("warning");
  }
}

export interface TrackerEvents {
  layout: LayoutEvent;
  message: LayoutMessageEvent;
  warning: LayoutWarningEvent;
}
