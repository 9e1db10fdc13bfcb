// A clip to send by RTMP, and how what arrived is compared with what was sent.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { read } from "../media/flv.mjs";
import { made, output } from "../media/material.mjs";

export const AUDIO = 8;
export const VIDEO = 9;
export const DATA = 18;
export const SECONDS = 4;
/** FLV 10.1, E.2. */
const HEADER = 9;

const RECIPE = [
  ...["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=44100"],
  ...["-t", `${SECONDS}`, "-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p"],
  // Enough bytes for acknowledgements, and frames of several chunks.
  ...["-b:v", "3M", "-x264-params", "keyint=25:scenecut=0:bframes=2:nal-hrd=cbr:vbv-bufsize=3000:vbv-maxrate=3000"],
  ...["-c:a", "aac", "-b:a", "64k"],
];

/** What ffmpeg writes where it cannot go back, as it publishes. */
async function written(args) {
  return (await output("ffmpeg", ["-v", "error", ...args, "-f", "flv", "pipe:1"], { encoding: "buffer" })).stdout;
}

/** A clip as ffmpeg publishes it: H.264 with B-frames and AAC, unless another recipe is given. */
export const clip = (name = "rtmp.flv", recipe = RECIPE) => made(name, recipe, () => written(recipe));

/** The same again with all times later, as ffmpeg writes them. */
export const later = (seconds) =>
  made("rtmp-later.flv", [RECIPE, seconds], async () =>
    written(["-i", await clip(), "-c", "copy", "-output_ts_offset", `${seconds}`]),
  );

/** What ffmpeg makes of a file that it copies into a pipe. */
export async function republished(path, more = []) {
  return read(await written(["-i", path, "-c", "copy", ...more])).tags;
}

/** The tags of a file; none while nobody has begun it. */
export async function tags(path) {
  const bytes = existsSync(path) ? await readFile(path) : Buffer.alloc(0);
  return bytes.length < HEADER ? [] : read(bytes).tags;
}

export const of = (all, ...types) => all.filter(({ type }) => types.includes(type));

/** Whether two lists of tags are equal; where they first are not, says so without their bytes. */
export function same(found, wanted, what) {
  const brief = ({ type, time, body }) => `${type} at ${time}, ${body.length} bytes`;
  for (const [at, tag] of wanted.entries()) {
    const other = found[at];
    assert.ok(other, `${what}: tag ${at} is missing: ${brief(tag)}`);
    assert.equal(brief(other), brief(tag), `${what}: tag ${at}`);
    assert.ok(other.body.equals(tag.body), `${what}: the bytes of tag ${at}, ${brief(tag)}`);
  }
  assert.equal(found.length, wanted.length, what);
}

/** What a new connection begins with: what a decoder needs, then a key frame; and no time goes back. */
export function begins(all) {
  assert.equal(all[0].type, DATA);
  const video = of(all, VIDEO);
  assert.deepEqual(video.slice(0, 2).map(({ body }) => [body[0], body[1]]), [[0x17, 0], [0x17, 1]]);
  for (const type of [AUDIO, VIDEO]) {
    const times = of(all, type).map(({ time }) => time);
    const back = times.findIndex((time, at) => at > 0 && time < times[at - 1]);
    assert.equal(back, -1, `${type}: ${times[back - 1]}, then ${times[back]}`);
  }
}
