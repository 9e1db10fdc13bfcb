/** A picture in the mixed one. Places are parts of the picture, 0 to 1, from its upper left corner. */
export interface Pane {
  /** Whose it is, as the stream has it. It is anybody's text: show it with `textContent`. */
  readonly uid: string;
  /** The user's channel, where it is another one. */
  readonly channel?: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Of two panes that overlap the larger lies above; of equal ones the later of the list. */
  readonly z: number;
  /** How opaque it is, 0 to 1. */
  readonly alpha: number;
  /** How loud, 0 to 1, or null where the stream does not say. */
  readonly volume: number | null;
  /** Whether a voice was heard, or null where the stream does not say. */
  readonly speaking: boolean | null;
}

/** Who is where in the picture from a frame on. */
export interface Layout {
  readonly id: number;
  /** The frame from which it counts, in seconds of media time. */
  readonly time: number;
  readonly form: "alibaba" | "agora";
  /** The canvas' pixels, where the stream has them. */
  readonly canvas: { readonly width: number; readonly height: number } | null;
  readonly panes: readonly Pane[];
  /** Members of the message that were passed through. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** One SEI message. */
export interface Message {
  /** The presentation time of its frame, in seconds of media time. */
  readonly time: number;
  readonly payloadType: number;
  /** Of payload type 5: its UUID, as 8-4-4-4-12 hexadecimal digits. */
  readonly uuid: string | null;
  readonly form: "alibaba" | "agora" | "custom" | "other";
  /** What it says, as it was read; null where it is no text. */
  readonly text: string | null;
  /** The layout that it made, or 0. */
  readonly layout: number;
  /** What was not as it should be, by codes. */
  readonly warnings: readonly string[];
}

/** Something in a stream was not as it should be; it was clamped or passed over. */
export interface Warning {
  readonly code: string;
  /** How often since it was last told. */
  readonly count: number;
  /** The media time of the frame that it was last in, in seconds; NaN where there is none. */
  readonly time: number;
}

/** A pane's rectangle in CSS pixels, from the upper left corner of the player's box. */
export interface PlacedPane {
  readonly pane: Pane;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** CSS's `object-fit`. */
export type Fit = "contain" | "cover" | "fill" | "none" | "scale-down";

/** Where a video shows its picture: the content box of its element, in CSS pixels. */
export interface Box {
  readonly width: number;
  readonly height: number;
  /** The size of the decoded picture: `videoWidth`, `videoHeight`. */
  readonly videoWidth: number;
  readonly videoHeight: number;
  /** `contain` by default. */
  readonly fit?: Fit;
  /** `object-position` as parts, 0 to 1: 0.5 by default. */
  readonly positionX?: number;
  readonly positionY?: number;
}
