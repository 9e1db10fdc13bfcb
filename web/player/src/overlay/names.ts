import type { Pane } from "../types.js";

/** Anything that leaves ink: no spaces, no control or format characters, no letters that are drawn as nothing. */
const INK = /[^\s\p{Z}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** What panes are called: names are a stranger's, and a blank one could be neither seen nor heard. */
export const shownNames = (panes: readonly Pane[], name: (pane: Pane) => string): string[] =>
  panes.map((pane, index) => {
    const given = name(pane);
    return INK.test(given) ? given : `Person ${index + 1}`;
  });

/** Of names that are there several times all but the first get a number. */
export function apart(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return names.map((name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name}, ${count}`;
  });
}
