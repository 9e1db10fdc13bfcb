// What frames without a message leave on JavaScript's heap.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Frames a round, and rounds: the last one counts. Before, the engine still makes code of its own. */
const COUNT = 1_000_000;
const ROUNDS = 8;
/** MiB of the young generation: a round leaves less, so that nothing is collected in it. */
const YOUNG = 256;

/**
 * Bytes a frame: of ours; of a loop that does nothing, which is what measuring leaves; and of one that leaves something
 * for each, which the measurement has to see.
 */
export function garbage() {
  const [pushed, nothing, control] = ["pushed", "nothing", "control"].map((which) => {
    const flags = ["--expose-gc", `--min-semi-space-size=${YOUNG}`, `--max-semi-space-size=${YOUNG}`];
    const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url), which], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return Number(stdout);
  });
  // A list of one takes 16 bytes and its element as many.
  if (control < 32) throw new Error(`what is left for each frame is not seen: ${control} B`);
  return { pushed, nothing, control };
}

async function leave(which) {
  const { LayoutTracker, init } = await import("../../web/player/dist/node.js");
  await init();
  const tracker = new LayoutTracker();
  tracker.configure({ codec: "h264", format: "avcc" });
  const picture = new Uint8Array(12_500).fill(0x5a);
  picture[0] = 0x41;
  const frame = Uint8Array.from([0, 0, 0, 2, 9, 0xf0, 0, 0, picture.length >> 8, picture.length & 255, ...picture]);
  // Times as they are: of thirty frames a second, mostly no whole numbers.
  const push = (at) => tracker.push(frame, at / 30);
  const control = (at) => {
    globalThis.left = [at];
    return push(at);
  };
  let count = 0;
  const nothing = () => (count = (count + 1) | 0);
  const use = { pushed: push, nothing, control }[which];
  // A function, so that it is optimized as pages' code is: a fraction that is passed on is no object then.
  const round = () => {
    for (let at = 0; at < COUNT; at += 1) use(at);
  };
  const used = new Float64Array(2);
  for (let done = 0; done < ROUNDS; done += 1) {
    globalThis.gc();
    used[0] = process.memoryUsage().heapUsed;
    round();
    used[1] = process.memoryUsage().heapUsed;
  }
  console.log((used[1] - used[0]) / COUNT);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await leave(process.argv[2]);
