// What frames without a message leave on JavaScript's heap.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const COUNT = 1_000_000;
/** MiB of the young generation: a million frames leave less, so that nothing is collected in between. */
const YOUNG = 256;

/** Bytes a frame: of ours, and of one that leaves something for each, which the measurement has to see. */
export function garbage() {
  const [pushed, control] = ["pushed", "control"].map((which) => {
    const flags = ["--expose-gc", `--min-semi-space-size=${YOUNG}`, `--max-semi-space-size=${YOUNG}`];
    const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url), which], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return Number(stdout);
  });
  // A list of one takes 16 bytes and its element as many.
  if (control < 32) throw new Error(`what is left for each frame is not seen: ${control} B`);
  return { pushed, control };
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
  const use = which === "control" ? control : push;
  for (let at = 0; at < COUNT / 10; at += 1) use(at);
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < COUNT; at += 1) use(at);
  console.log((process.memoryUsage().heapUsed - before) / COUNT);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await leave(process.argv[2]);
