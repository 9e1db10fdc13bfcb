// livegate sei, run on files and pipes.

import assert from "node:assert/strict";

import { livegate } from "./material.mjs";
import { draft } from "./oracles.mjs";

/** docs/spec/sei.md §1: the UUID of livegate's messages. */
export const OURS = "6c69766567618074a5652d7365692d31";

/** The end of a file's name, which says what it is. A pipe has none: there the first bytes say it. */
const extension = ({ codec, flv }) => (flv ? "flv" : codec);

/** livegate sei insert IN OUT … */
export const insert =
  (args) =>
  (from, to, how = {}) =>
    livegate(["sei", "insert", from, to, ...args], how);

/** livegate sei strip IN OUT … */
export const strip =
  (args) =>
  (from, to, how = {}) =>
    livegate(["sei", "strip", from, to, ...args], how);

/** Gives `use` what the command makes of a file, and removes it. */
export async function changed(file, command, use) {
  return draft(extension(file), undefined, async (path) => {
    const { status, err } = await command(file.path, path);
    assert.equal(status, 0, err);
    return use({ ...file, path });
  });
}

/** livegate sei dump IN --json */
export async function dump({ path }) {
  const { status, out, err } = await livegate(["sei", "dump", path, "--json"]);
  assert.equal(status, 0, err);
  return out
    .toString()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Whether a NAL unit is prefix SEI, and the next one a slice of the same sub-layer. */
export function kind(codec, nal, next) {
  if (codec === "h264") {
    return { sei: nal[0] === 6, slice: (next[0] & 31) >= 1 && (next[0] & 31) <= 5 };
  }
  return {
    sei: nal[0] === 39 << 1 && nal[1] >> 3 === 0,
    slice: next[0] >> 1 < 32 && (nal[1] & 7) === (next[1] & 7),
  };
}

/** Whether a line of dump is about a message of ours. */
export const ours = ({ uuid }) => uuid?.replaceAll("-", "") === OURS;
