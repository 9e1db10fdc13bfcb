// What the media tests stand on: programs that may be missing, a folder for what is made once, the
// test files of the cros-codecs crate, and the command line.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { root } from "../../tools/gateway.mjs";

const run = promisify(execFile);
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const BIG = 256 * 1024 * 1024;

/** Clips and whatever else is made once lie here; `make clean` removes it. */
export const folder = join(target, "livegate-media");
mkdirSync(folder, { recursive: true });

/** Runs a program to its end and gives what it printed. */
export async function output(program, args, options = {}) {
  try {
    return await run(program, args, { maxBuffer: BIG, ...options });
  } catch (error) {
    error.message += `\n${error.stderr?.slice(-4_000)}`;
    throw error;
  }
}

const there = async (program, args) => {
  try {
    await run(program, args);
    return true;
  } catch {
    return false;
  }
};

/** Why tests that decode media are skipped on this machine, or false. */
export async function missing() {
  for (const name of ["ffmpeg", "ffprobe"]) {
    if (!(await there(name, ["-version"]))) return `${name} is not on this machine: see tools/setup`;
  }
  return false;
}

let asked;
/** Why GStreamer is not asked on this machine, or false. */
export async function withoutGstreamer() {
  asked ??= there("python3", [join(root, "tests/media/gst.py"), "--check"]);
  return !(await asked) && "GStreamer or one of its plugins is not on this machine: see tools/setup";
}

const making = new Map();

/** A file made once, under a name that changes with its recipe. */
export async function made(name, recipe, make) {
  const digest = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 12);
  const dot = name.lastIndexOf(".");
  const path = join(folder, `${name.slice(0, dot)}-${digest}${name.slice(dot)}`);
  if (existsSync(path)) return path;
  // Made beside it and moved there whole: another process may be after the same file.
  const draft = join(folder, `draft-${process.pid}-${digest}${name.slice(dot)}`);
  if (!making.has(path)) making.set(path, moved(make, draft, path));
  return making.get(path);
}

async function moved(make, draft, path) {
  const bytes = await make(draft);
  if (bytes) writeFileSync(draft, bytes);
  renameSync(draft, path);
  return path;
}

const manifest = fileURLToPath(new URL("sei-reader/Cargo.toml", import.meta.url));

/** The cros-codecs crate's files: `{name, codec, path, md5}`, the last as its authors' decoder gave it. */
export async function crosCodecs() {
  const args = ["metadata", "--format-version=1", "--locked", "--manifest-path", manifest];
  const { stdout } = await output("cargo", args);
  const { manifest_path: found } = JSON.parse(stdout).packages.find(({ name }) => name === "cros-codecs");
  return ["h264", "h265"].flatMap((codec) => {
    const data = join(dirname(found), "src/codec", codec, "test_data");
    return readdirSync(data)
      .filter((file) => file.endsWith(`.${codec}`))
      .sort()
      .map((file) => ({
        name: `cros-codecs ${file}`,
        codec,
        flv: false,
        path: join(data, file),
        md5: readFileSync(join(data, `${file}.md5`), "utf8").trim().split("\n"),
      }));
  });
}

let built;
/** The program around h264-reader, built. */
export async function seiReader() {
  const args = ["build", "--quiet", "--locked", "--manifest-path", manifest];
  built ??= output("cargo", args, { env: { ...process.env, CARGO_TARGET_DIR: target } });
  await built;
  return join(target, "debug/livegate-sei-reader");
}

const binary = process.env.LIVEGATE_BIN ?? join(target, "debug/livegate");

/** Starts the command line, with pipes unless `stdio` says otherwise. */
export const start = (args, stdio = ["pipe", "pipe", "pipe"]) => spawn(binary, args, { stdio });

/**
 * Runs the command line and gives its status and what it wrote. `input` goes to its standard input in
 * pieces of these sizes, over and over.
 *
 * @param {string[]} args
 * @param {{input?: Buffer, pieces?: number[]}} how
 */
export async function livegate(args, { input, pieces = [65_536] } = {}) {
  const child = start(args);
  const out = [];
  const err = [];
  child.stdout.on("data", (chunk) => out.push(chunk));
  child.stderr.on("data", (chunk) => err.push(chunk));
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  // A command that refuses its input closes the pipe.
  child.stdin.on("error", () => {});
  for (let at = 0, turn = 0; at < (input?.length ?? 0) && child.exitCode === null; turn += 1) {
    const piece = input.subarray(at, (at += pieces[turn % pieces.length]));
    if (!child.stdin.write(piece)) await new Promise((go) => child.stdin.once("drain", go).once("close", go));
  }
  child.stdin.end();
  const status = await ended;
  return { status, out: Buffer.concat(out), err: Buffer.concat(err).toString() };
}
