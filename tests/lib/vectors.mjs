// The vector files.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where they are. */
export const folder = fileURLToPath(new URL("../../vectors", import.meta.url));

/** Every JSON file, as `folder/name.json`, sorted. */
export function vectorFiles() {
  const folders = readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory());
  const inside = (name) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`);
  return folders
    .flatMap(inside)
    .filter((name) => name.endsWith(".json"))
    .sort();
}

/** A file's text, and its vectors. Numbers beyond 2^53 are exact in the text alone. */
export function readVectors(name) {
  const text = readFileSync(join(folder, name), "utf8");
  const json = JSON.parse(text);
  return { text, vectors: Array.isArray(json) ? json : json.vectors };
}
