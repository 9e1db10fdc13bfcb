import type { Pane } from "../types.js";

/** What a page says of a pane. */
export type Naming = (pane: Pane) => string | null | undefined;

/** Anything that leaves ink: no spaces, no control or format characters, no letters that are drawn as nothing. */
const INK = /[^\s\p{Z}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Asks the page. What it throws is reported as not caught, and ends nothing here. */
export function asked<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
    return undefined;
  }
}

/** What panes are called: names are a stranger's, and a blank one could be neither seen nor heard. */
export const shownNames = (panes: readonly Pane[], name: Naming): string[] =>
  panes.map((pane, index) => {
    const given = asked(() => name(pane));
    return typeof given === "string" && INK.test(given) ? given : `Person ${index + 1}`;
  });

/** Of names that are there several times all but the first get a number, which makes none that is there already. */
export function apart(names: readonly string[]): string[] {
  const taken = new Set(names);
  const counts = new Map<string, number>();
  return names.map((name) => {
    let count = counts.get(name) ?? 0;
    let own: string;
    do own = (count += 1) === 1 ? name : `${name}, ${count}`;
    while (count > 1 && taken.has(own));
    counts.set(name, count);
    taken.add(own);
    return own;
  });
}
