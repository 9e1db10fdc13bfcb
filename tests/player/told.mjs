// Which frame a callback was told of. The pixels that it reads may be of a later one already, when the page is slow;
// its media time is not. What a media time's frame is, the pixels of most callbacks say.

import assert from "node:assert/strict";

/**
 * Adds to each callback's reading the number of the frame that it was told of.
 *
 * @template {{mediaTime: number, number: number}} Seen
 * @param {Seen[]} seen `number` as the pixels have it
 * @param {Seen[]} sure which say what a media time's frame is: best those that were read while nothing moved
 * @returns {(Seen & {told: number})[]}
 */
export function told(seen, fps, sure = seen) {
  const offsets = sure.map(({ mediaTime, number }) => mediaTime * fps - number).sort((one, other) => one - other);
  const offset = offsets[offsets.length >> 1];
  const frameOf = ({ mediaTime }) => Math.round(mediaTime * fps - offset);
  const all = seen.map((one) => ({ ...one, told: frameOf(one) }));
  const agreed = sure.filter((one) => frameOf(one) === one.number).length;
  assert.ok(agreed >= sure.length / 2, `of ${sure.length} callbacks ${agreed} were told of the frame that they read`);
  // Pixels are never of an earlier frame.
  const before = all.filter(({ told, number }) => number < told);
  assert.deepEqual(before, []);
  return all;
}
