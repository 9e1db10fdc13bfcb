import type { Box, Fit } from "../types.js";

/** Where a video shows its picture, and where that is for its overlay. */
export interface Measured extends Box {
  /** From the overlay's present place to the box's, in CSS pixels. */
  readonly moveX: number;
  readonly moveY: number;
  /** What `object-position` has in pixels; it is added to what its parts make. */
  readonly addX: number;
  readonly addY: number;
}

/** Measures a video's content box against its overlay, which lies in the same containing block. */
export function measure(video: HTMLVideoElement, overlay: HTMLElement): Measured | null {
  const { videoWidth, videoHeight } = video;
  const turned = isTurned(video);
  const outer = turned ? laidOut(video) : video.getBoundingClientRect();
  if (!videoWidth || !videoHeight || !outer.width || !outer.height) return null;
  const style = getComputedStyle(video);
  const length = (name: string): number => parseFloat(style.getPropertyValue(name)) || 0;
  const edges = (side: string): number => length(`border-${side}-width`) + length(`padding-${side}`);
  const left = edges("left");
  const top = edges("top");
  // An ancestor may be scaled: rectangles are scaled then, and the overlay is too.
  const scaleX = scale(outer.width, video.offsetWidth);
  const scaleY = scale(outer.height, video.offsetHeight);
  const own = turned ? laidOut(overlay) : overlay.getBoundingClientRect();
  const [x, y] = position(style.objectPosition);
  return {
    width: outer.width / scaleX - left - edges("right"),
    height: outer.height / scaleY - top - edges("bottom"),
    videoWidth,
    videoHeight,
    fit: style.objectFit as Fit,
    positionX: x.part,
    positionY: y.part,
    addX: x.pixels,
    addY: y.pixels,
    moveX: (outer.left - own.left) / scaleX + left,
    moveY: (outer.top - own.top) / scaleY + top,
  };
}

/** Where an element is before anything is transformed, in whole pixels. */
const laidOut = ({ offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height }: HTMLElement) => ({ left, top, width, height });

/** Whether something around an element turns, mirrors or skews it: its rectangle is of no use then. */
function isTurned(element: Node): boolean {
  for (let at: Node | null = element; (at = (at as Element).assignedSlot ?? at.parentNode ?? (at as ShadowRoot).host ?? null); ) {
    if (at.nodeType !== Node.ELEMENT_NODE) continue;
    const { rotate, transform } = getComputedStyle(at as Element);
    if ((rotate ?? "none") !== "none" || (transform !== "none" && !UPRIGHT.test(transform))) return true;
  }
  return false;
}

const UPRIGHT = /^matrix\(\d\S*, 0, 0, \d/;

/** `offsetWidth` is rounded to whole pixels: less than one is no scale. */
const scale = (shown: number, laidOut: number): number =>
  laidOut > 0 && Math.abs(shown - laidOut) >= 1 ? shown / laidOut : 1;

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

/** Whether two show the picture alike, wherever they are. */
export const same = (one: Measured | null, other: Measured | null): boolean =>
  one === other ||
  (!!one && !!other &&
    (Object.keys(one) as (keyof Measured)[]).every((key) => key.startsWith("move") || one[key] === other[key]));
