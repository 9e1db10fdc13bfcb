// Bundles src into dist, emits its types, and prints how large it is. The module, which tools/build-player makes, is
// expected in wasm/.

import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const { build } = require("esbuild");

const dist = join(here, "dist");
const module = join(here, "wasm/livegate_player_bg.wasm");
if (!existsSync(module)) {
  console.error("web/player/wasm is not there: run tools/build-player");
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const adapters = readdirSync(join(here, "src/adapters"))
  .filter((name) => name !== "loader.ts")
  .map((name) => `adapters/${name}`);
const { metafile } = await build({
  entryPoints: ["index.ts", "node.ts", "workerd.ts", ...adapters].map((name) => join(here, "src", name)),
  entryNames: "[name]",
  chunkNames: "shared-[hash]",
  outdir: dist,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  minify: true,
  sourcemap: true,
  external: ["node:*", "*.wasm"],
  metafile: true,
  absWorkingDir: here,
  logLevel: "warning",
});
copyFileSync(module, join(dist, "livegate_player.wasm"));
cpSync(join(here, "../../LICENSE"), join(here, "LICENSE"));
execFileSync(join(dirname(require.resolve("typescript/package.json")), "bin/tsc"), ["-p", here], { stdio: "inherit" });

const zipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const outputs = new Map(Object.entries(metafile.outputs).filter(([path]) => path.endsWith(".js")));
/** A file and what it imports of this package. */
function closure(path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { path: next } of outputs.get(path).imports) if (outputs.has(next)) closure(next, seen);
  return seen;
}
const main = closure("dist/index.js");
const row = (name, raw, gzip) => console.log(`${name.padEnd(36)}${String(raw).padStart(8)} B ${String(gzip).padStart(7)} B gzipped`);
const sum = (paths, size) => [...paths].reduce((total, path) => total + size(join(here, path)), 0);
const raw = (path) => readFileSync(path).length;
row("livegate_player.wasm", raw(join(dist, "livegate_player.wasm")), zipped(join(dist, "livegate_player.wasm")));
row("index.js and what it imports", sum(main, raw), sum(main, zipped));
for (const name of adapters) {
  const own = [...closure(`dist/${name.slice("adapters/".length, -3)}.js`)].filter((path) => !main.has(path));
  row(`+ ${own[0].slice("dist/".length)}`, sum(own, raw), sum(own, zipped));
}
