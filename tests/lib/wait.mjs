// Waiting for a condition, never for a time.

import assert from "node:assert/strict";

/** How long anything may take that is waited for: on a busy machine it takes many times as long as on an idle one. */
export const LIMIT_MS = 120_000;
const PAUSE_MS = 20;

/**
 * Asks again until the answer is as wanted, and returns it.
 *
 * @template T
 * @param {() => T | Promise<T>} ask
 * @param {(answer: T) => boolean} wanted
 * @param {number} limit in milliseconds
 * @returns {Promise<T>}
 */
export async function until(ask, wanted = Boolean, limit = LIMIT_MS) {
  for (const deadline = Date.now() + limit; ; ) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    assert.ok(Date.now() < deadline, `not within ${limit} ms; still ${shown(answer)}`);
    await new Promise((later) => setTimeout(later, PAUSE_MS));
  }
}

/**
 * Measures again until it took less than so many milliseconds. What is slow by itself is slow each time; what a busy
 * machine holds up is not.
 *
 * @param {number} wanted
 * @param {() => Promise<number>} measure
 */
export async function quick(wanted, measure) {
  const all = [];
  while (!(all.at(-1) < wanted)) {
    assert.ok(all.length < 10, `never below ${wanted} ms: ${all}`);
    all.push(await measure());
  }
}

function shown(value) {
  return (JSON.stringify(value) ?? String(value)).slice(0, 2_000);
}
