// A test picture of two people with four layouts, made by ffmpeg and published by RTMP. All four are
// composed all the time; which one is sent is one command, so that a frame shows one layout or another.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { bound } from "../gateway.mjs";
import { FIGURE, HEIGHT, LIGHT, MOUTH, PEOPLE, WIDTH, layers } from "./people.mjs";

export const FPS = 25;

const [ANN, BEN] = PEOPLE.map(({ uid }) => uid);
const ALL = { x: 0, y: 0, width: 1, height: 1 };
/** Even pixels of 1280 by 720: 928, 520, 320, 180. */
const SMALL = { x: 0.725, y: 520 / 720, width: 0.25, height: 0.25 };

/** What the buttons choose from, in the order of the mixer's inputs: panes from below to above. */
export const LAYOUTS = {
  "side-by-side": [{ uid: ANN, ...ALL, width: 0.5 }, { uid: BEN, ...ALL, x: 0.5, width: 0.5 }],
  "picture-in-picture": [{ uid: ANN, ...ALL }, { uid: BEN, ...SMALL }],
  "one-full": [{ uid: ANN, ...ALL }],
  swapped: [{ uid: BEN, ...ALL }, { uid: ANN, ...SMALL }],
};

/** Who speaks when, in seconds of a round: the picture, the sound and the message agree. */
const ROUND = 10;
const TURNS = { [ANN]: [0.4, 4.6], [BEN]: [5.4, 9.6] };

/** Whether somebody speaks at a time of the stream. */
export const speaks = (uid, seconds) => {
  const [from, to] = TURNS[uid];
  return seconds % ROUND >= from && seconds % ROUND < to;
};

/** The message that says where everybody is and who speaks: docs/spec/sei.md §6.1. */
export function message(name, seconds) {
  const stream = LAYOUTS[name].map(({ uid, x, y, width, height }, at) => ({
    ...{ uid, paneid: at, zorder: at, x, y, w: width, h: height, type: 0, ms: 0 },
    // Never the same number twice in a row: a host writes a message again only when it is another one.
    vol: speaks(uid, seconds) ? 150 + (Math.floor(seconds * 10) % 60) : Math.floor(seconds * 10) % 12,
    vad: speaks(uid, seconds) ? 150 : 0,
  }));
  return JSON.stringify({ stream });
}

/** A person in motion: light behind, the figure swaying, the mouth open now and then while they speak. */
function person({ uid }, at) {
  const first = at * 4;
  const still = (layer, format) => `[${first + layer}:v]format=${format},loop=loop=-1:size=1,setpts=N/${FPS}/TB`;
  const [from, to] = TURNS[uid];
  const sway = `sin(t*${at ? 0.9 : 1.1})*14`;
  const nod = `cos(t*${at ? 1.7 : 1.4})*6`;
  const talks = `between(mod(t,${ROUND}),${from},${to})*lt(mod(t*${at ? 4.1 : 4.7},1),0.55)`;
  const light = `x='${WIDTH / 2 - LIGHT.size / 2}+${WIDTH * 0.27}*sin(t*0.5+${at * 2})':y='${HEIGHT * 0.1}+60*cos(t*0.7+${at})'`;
  return [
    `${still(0, "yuv420p")}[b${at}]`,
    `${still(1, "yuva420p")}[l${at}]`,
    `${still(2, "yuva420p")}[f${at}]`,
    `${still(3, "yuva420p")}[m${at}]`,
    `[b${at}][l${at}]overlay=${light}[bl${at}]`,
    `[bl${at}][f${at}]overlay=x='${FIGURE.x}+${sway}':y='${FIGURE.y}+${nod}'[bf${at}]`,
    `[bf${at}][m${at}]overlay=x='${MOUTH.x}+${sway}':y='${MOUTH.y}+${nod}':enable='${talks}'[p${at}]`,
  ];
}

const graph = () => {
  const [small, x, y] = ["scale=320:180:flags=fast_bilinear", 928, 520];
  return [
    ...PEOPLE.flatMap(person),
    "[p0]split=4[p0a][p0b][p0c][p0d]",
    "[p1]split=3[p1a][p1b][p1d]",
    "[p0a]crop=640:720[left];[p1a]crop=640:720[right];[left][right]hstack[v0]",
    `[p1b]${small}[s1];[p0b][s1]overlay=${x}:${y}[v1]`,
    "[p0c]null[v2]",
    `[p0d]${small}[s0];[p1d][s0]overlay=${x}:${y}[v3]`,
    "[v0][v1][v2][v3]streamselect=inputs=4:map=0,realtime,format=yuv420p[v]",
    // Two hums with the rhythm of syllables.
    `aevalsrc='0.05*(${hum(ANN, 233, 4.7)}+${hum(BEN, 131, 4.1)})':s=44100[a]`,
  ].join(";");
};
const hum = (uid, hertz, rate) => {
  const [from, to] = TURNS[uid];
  const tone = [1, 2, 3].map((harmonic) => `sin(2*PI*${hertz * harmonic}*t)/${harmonic}`).join("+");
  return `between(mod(t,${ROUND}),${from},${to})*abs(sin(PI*${rate}*t))*(${tone})`;
};

/**
 * Publishes the picture until it is stopped.
 *
 * @param {{folder: string, to: string}} options where layers may be written, and the RTMP address
 */
export async function startMix({ folder, to }) {
  const inputs = [];
  for (const one of PEOPLE) {
    for (const [name, bytes] of Object.entries(layers(one))) {
      const path = join(folder, `${one.uid}-${name}.pam`);
      await writeFile(path, bytes);
      inputs.push("-i", path);
    }
  }
  const args = [
    ...["-hide_banner", "-nostats", "-v", "error", ...inputs, "-filter_complex", graph(), "-map", "[v]", "-map", "[a]"],
    ...["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-profile:v", "main", "-r", `${FPS}`],
    ...["-g", `${FPS}`, "-b:v", "2500k", "-maxrate", "3000k", "-bufsize", "3000k", "-threads", "2"],
    ...["-c:a", "aac", "-b:a", "64k", "-progress", "pipe:1", "-stats_period", "0.2", "-f", "flv", to],
  ];
  // A process group of its own: Ctrl-C reaches this process alone, which then ends it.
  return new Mix(spawn(...bound("ffmpeg", args), { detached: true, stdio: ["pipe", "pipe", "pipe"] }));
}

class Mix {
  #child;
  #replies = [];
  #seconds = 0;
  #heard = 0;

  constructor(child) {
    this.#child = child;
    this.said = "";
    this.ended = new Promise((ended) => {
      child.once("close", (code, signal) => ended(`status ${code ?? signal}`));
      child.once("error", (error) => ended(error.message));
    });
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, micros] = line.match(/^out_time_us=(\d+)$/) ?? [];
      if (micros) [this.#seconds, this.#heard] = [Number(micros) / 1e6, performance.now()];
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.startsWith("Command reply")) this.#replies.shift()?.(line.includes("ret:0 "));
      else this.said = `${this.said}${line}\n`.slice(-4_000);
    });
  }

  /** The stream's time now; 0 before its first picture. */
  get seconds() {
    return this.#heard && this.#seconds + (performance.now() - this.#heard) / 1_000;
  }

  /** Shows another layout: true as soon as the mixer has it. */
  show(name) {
    const map = Object.keys(LAYOUTS).indexOf(name);
    return new Promise((done) => {
      this.#replies.push(done);
      this.ended.then(() => done(false));
      // ffmpeg's key for a command, then: filter, time (at once), command, argument.
      this.#child.stdin.write(`cstreamselect -1 map ${map}\n`);
    });
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.ended;
  }
}
