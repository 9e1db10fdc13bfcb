// The clip that is measured with, made by ffmpeg and kept: 1280x720 at 30 frames and 3 Mbit/s with AAC,
// in FLV.

import { execFileSync } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";

import { root } from "../gateway.mjs";
import { note } from "./report.mjs";

/** Seconds of the whole clip, and of the part that is repeated in it. */
export const SECONDS = 600;
const PART = 30;
/** Frames a second. */
export const FPS = 30;

/** Runs a program to its end; what it says on standard error is of interest only when it fails. */
export const run = (program, args) =>
  execFileSync(program, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 30 });

const QUIET = ["-v", "error", "-y"];

function made(output, name, args) {
  const path = join(output, name);
  if (existsSync(path)) return path;
  note(`making ${name}`);
  const draft = join(output, `draft-${name}`);
  run("ffmpeg", [...QUIET, ...args, "-f", "flv", draft]);
  renameSync(draft, path);
  return path;
}

/** 30 s of it, 12 MB. */
export const part = (output) =>
  made(output, "t30.flv", [
    ...["-f", "lavfi", "-i", `testsrc2=size=1280x720:rate=${FPS}`],
    ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", `${PART}`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-profile:v", "high"],
    ...["-b:v", "3000k", "-maxrate", "3000k", "-bufsize", "3000k", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0"],
    ...["-c:a", "aac", "-b:a", "128k", "-ac", "2"],
  ]);

/** All of it, 238 MB. */
export const whole = (output) =>
  made(output, "t600.flv", ["-stream_loop", `${SECONDS / PART - 1}`, "-i", part(output), "-c", "copy"]);
