import type { Box, Fit } from "../types.js";
import { fix } from "./style.js";

/** Where a video shows its picture in its own box. */
export interface Measured extends Box {
  /** From the border's edge to the picture's box, in CSS pixels. */
  readonly left: number;
  readonly top: number;
  /** What `object-position` has in pixels; it is added to what its parts make. */
  readonly addX: number;
  readonly addY: number;
}

/** What a video has of its own and does not share with what lies over it. */
const OWN = ["zoom", "transform", "transform-origin", "rotate", "scale"];

/**
 * Measures a video's content box, and gives the overlay the video's size and whatever scales, turns or mirrors it; the
 * overlay lies in the same containing block. What is measured is before any transform.
 */
export function measure(video: HTMLVideoElement, overlay: HTMLElement): Measured | null {
  const { videoWidth, videoHeight } = video;
  const style = getComputedStyle(video);
  const length = (name: string): number => parseFloat(style.getPropertyValue(name)) || 0;
  const edge = (side: string): number => length(`border-${side}-width`) + length(`padding-${side}`);
  const edges = ["top", "right", "bottom", "left"].map(edge) as [number, number, number, number];
  const [top, right, bottom, left] = edges;
  const isAll = style.boxSizing === "border-box";
  const width = length("width") - (isAll ? left + right : 0);
  const height = length("height") - (isAll ? top + bottom : 0);
  if (!videoWidth || !videoHeight || !(width > 0) || !(height > 0) || !video.offsetWidth) return null;
  fix(overlay, {
    width: `${width + left + right}px`,
    height: `${height + top + bottom}px`,
    "clip-path": `inset(${edges.map((edge) => `${edge}px`).join(" ")})`,
    ...Object.fromEntries(OWN.map((name) => [name, style.getPropertyValue(name)])),
  });
  const [x, y] = position(style.objectPosition);
  return {
    width,
    height,
    left,
    top,
    videoWidth,
    videoHeight,
    fit: style.objectFit as Fit,
    positionX: x.part,
    positionY: y.part,
    addX: x.pixels,
    addY: y.pixels,
  };
}

/** Less than this is arithmetic, not a movement: half of what browsers lay out in. */
const STILL = 1 / 128;
/** So far it is moved to see where that is. */
const PROBE = 8;

/**
 * Moves the overlay, which is as large as the video, over it: until both have the same middle on the screen.
 *
 * What is around them may scale, turn, mirror or skew them. So a step to the right and one down say what those are on
 * the screen; with perspective it takes several turns.
 */
export function cover(video: HTMLVideoElement, overlay: HTMLElement): void {
  const off = (translate: string): [number, number] => {
    fix(overlay, { translate });
    const [x, y] = middle(video);
    const [ownX, ownY] = middle(overlay);
    return [x - ownX, y - ownY];
  };
  let at: Record<string, string> = {};
  for (let turns = 4, before = Infinity; ; turns -= 1) {
    const [x, y] = off("none");
    const distance = Math.hypot(x, y);
    // What comes no nearer stays where it was.
    if (!(distance < before)) fix(overlay, at);
    if (distance < STILL || !(distance < before) || turns === 0) return;
    before = distance;
    const [rightX, rightY] = off(`${PROBE}px 0px`);
    const [downX, downY] = off(`0px ${PROBE}px`);
    const [a, b, c, d] = [x - rightX, y - rightY, x - downX, y - downY];
    const all = (a * d - b * c) / PROBE;
    const { left, top } = overlay.style;
    at = { left, top };
    if (all) fix(overlay, { left: `${parseFloat(left) + (x * d - y * c) / all}px`, top: `${parseFloat(top) + (y * a - x * b) / all}px` });
  }
}

function middle(element: Element): [number, number] {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  return [(left + right) / 2, (top + bottom) / 2];
}

interface Offset {
  part: number;
  pixels: number;
}

/** Of a computed `object-position`: `50% 50%`, `10px 0%`, `calc(100% - 10px) 50%`. */
function position(text: string): [Offset, Offset] {
  const [x = "", y = ""] = text.match(/calc\([^)]*\)|\S+/g) ?? [];
  return [offset(x), offset(y)];
}

function offset(text: string): Offset {
  const sum = { part: 0, pixels: 0 };
  for (const [, sign, number, unit] of text.matchAll(/([-+]?)\s*([\d.]+(?:e[-+]?\d+)?)(%|px)/g)) {
    const value = Number(number) * (sign === "-" ? -1 : 1);
    if (unit === "%") sum.part += value / 100;
    else sum.pixels += value;
  }
  return sum;
}

/** Whether two show the picture alike. */
export const isAlike = (one: Measured | null, other: Measured | null): boolean =>
  one === other || (!!one && !!other && (Object.keys(one) as (keyof Measured)[]).every((key) => one[key] === other[key]));
