// Waiting for a condition, never for a time.

const POLL_MS = 20;

/**
 * Resolves with what `ask` gives once that is truthy.
 *
 * @param {string} what what is waited for, for the error
 * @param {number} limitMs
 * @param {() => unknown} ask
 * @param {() => string} [state] what there is instead, for the error
 */
export async function until(what, limitMs, ask, state = () => "") {
  for (const deadline = Date.now() + limitMs; ; ) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${what} ${state()}`);
    await new Promise((later) => setTimeout(later, POLL_MS));
  }
}
