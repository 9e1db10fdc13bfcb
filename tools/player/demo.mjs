// The player's demo: a test picture of two people goes by RTMP to a relay host, which puts into it where each
// of them is; a page plays that and lays name tags over it. Called by tools/demo-player, which has built it all.
//
//   node tools/player/demo.mjs            serves the page until Ctrl-C
//   node tools/player/demo.mjs --check    presses each button in a browser without a window, and measures
//   node tools/player/demo.mjs --screenshots    takes the pictures of docs/player
//
// Exit status: 0 when it was told to stop or the check passed, else 1.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { check } from "./check.mjs";
import { startHost } from "./host.mjs";
import { LAYOUTS, message, startMix } from "./mix.mjs";
import { screenshots } from "./screenshots.mjs";
import { serve } from "./server.mjs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
/** How often the stream says where everybody is and who speaks: who comes later waits so long. */
const SAY_MS = 250;
/** From the mixer's command to the frame that it changes, encoded: about two frames. */
const ENCODED_MS = 70;
const START_MS = 30_000;

const { LIVEGATE, PORT = "8940" } = process.env;
/** What is done in place of serving until Ctrl-C. */
const ERRANDS = {
  "--check": async (url) => ((await check(url, say)) ? null : "the check failed"),
  "--screenshots": async (url) => void (await screenshots(url, say)),
};
const argument = process.argv[2];
const say = (text) => console.log(text);

/** Everything that was started, to be stopped in the reverse order. */
const started = [];
const stop = async () => {
  for (const end of started.splice(0).reverse()) await end().catch(() => {});
};

let asked;
const interrupted = new Promise((done) => (asked = done));
for (const name of SIGNALS) {
  process.on(name, () => {
    // Twice: at once. What was started dies with this process.
    if (process.exitCode !== undefined) process.exit(1);
    process.exitCode = 0;
    asked();
  });
}

/** The picture and what is said of it change together: one at a time. */
function director(mix, host) {
  let layout = Object.keys(LAYOUTS)[0];
  let last = Promise.resolve();
  const next = (step) => (last = last.catch(() => {}).then(step));
  const tell = () => host.write(message(layout, mix.seconds));
  const timer = setInterval(() => next(tell).catch(() => {}), SAY_MS);
  started.push(async () => clearInterval(timer));
  return {
    get layout() {
      return layout;
    },
    show: (name) =>
      next(async () => {
        if (!(await mix.show(name))) throw new Error(`the mixer does not answer\n${mix.said}`);
        await new Promise((later) => setTimeout(later, ENCODED_MS));
        layout = name;
        await tell();
      }),
  };
}

async function main() {
  if (argument && !(argument in ERRANDS)) return `no ${argument} here; there are: ${Object.keys(ERRANDS).join(" ")}`;
  const folder = await mkdtemp(join(tmpdir(), "livegate-demo-"));
  started.push(() => rm(folder, { recursive: true, force: true }));

  const site = await serve(argument ? 0 : Number(PORT));
  started.push(() => site.stop());
  say("starting a relay host");
  const host = await startHost({ binary: LIVEGATE, folder, origin: site.origin });
  started.push(() => host.stop());
  say("drawing two people and publishing them (ffmpeg)");
  const mix = await startMix({ folder, to: host.publish });
  started.push(() => mix.stop());

  const over = Promise.race([
    interrupted.then(() => null),
    host.ended.then((how) => `the relay host ended by itself (${how})\n${host.said}`),
    mix.ended.then((how) => `ffmpeg ended by itself (${how})\n${mix.said}`),
  ]);
  const work = async () => {
    for (const late = Date.now() + START_MS; !(await host.isOn()); ) {
      if (Date.now() > late) return `no stream within ${START_MS / 1_000} s\n${host.said}${mix.said}`;
      await new Promise((later) => setTimeout(later, 100));
    }
    site.show({ play: host.play, director: director(mix, host) });
    if (argument) return ERRANDS[argument](`${site.origin}/demo/`);
    say(`\n  ${site.origin}/\n\nopen it in a browser; Ctrl-C ends the demo`);
    return over;
  };
  return Promise.race([over, work()]);
}

try {
  const failure = await main();
  if (failure) throw new Error(failure);
} catch (error) {
  if (process.exitCode !== 0) {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
} finally {
  await stop();
}
process.exit();
