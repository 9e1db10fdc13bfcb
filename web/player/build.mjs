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
const adapters = readdirSync(join(here, "src/adapters")).map((name) => `adapters/${name}`);
const common = {
  outdir: dist,
  entryNames: "[name]",
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  minify: true,
  sourcemap: true,
  external: ["node:*", "*.wasm"],
  absWorkingDir: here,
  logLevel: "warning",
};
const source = (name) => join(here, "src", name);
/** Players that are given a loader. */
const WITH_LOADER = ["flv", "mpegts"];
/** What entries have in common is one file beside them: `core` of all, `stream` of players that are given a loader. */
const beside = (...names) => ({
  name: "beside",
  setup: ({ onResolve }) => {
    for (const name of names) {
      onResolve({ filter: new RegExp(`^\\.\\.?/${name}\\.js$`) }, () => ({ path: `./${name}.js`, external: true }));
    }
  },
});
const entries = ["index.ts", "node.ts", "workerd.ts", ...adapters].map(source);
await build({ ...common, entryPoints: [source("core.ts")] });
await build({ ...common, entryPoints: [source("stream.ts")], plugins: [beside("core")] });
await build({ ...common, entryPoints: entries, plugins: [beside("core", "stream")] });
copyFileSync(module, join(dist, "livegate_player.wasm"));
cpSync(join(here, "../../LICENSE"), join(here, "LICENSE"));
execFileSync(join(dirname(require.resolve("typescript/package.json")), "bin/tsc"), ["-p", here], { stdio: "inherit" });

const zipped = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const raw = (path) => readFileSync(path).length;
/** Bytes, gzipped, that pages have to load at most: README.md says so. More of them end the build. */
const LIMITS = { module: 40_000, main: 8_192, adapter: 2_560 };
const row = (name, limit, raw, gzip) => {
  console.log(`${name.padEnd(36)}${String(raw).padStart(8)} B ${String(gzip).padStart(7)} B gzipped`);
  if (gzip <= limit) return;
  console.error(`${name}: ${gzip} B gzipped are more than ${limit}`);
  process.exitCode = 1;
};
const size = (names) => ["raw", "zipped"].map((kind) => names.reduce((sum, name) => sum + { raw, zipped }[kind](join(dist, name)), 0));
row("livegate_player.wasm", LIMITS.module, ...size(["livegate_player.wasm"]));
row("index.js and core.js", LIMITS.main, ...size(["index.js", "core.js"]));
for (const path of adapters) {
  const name = path.slice("adapters/".length, -3);
  const all = WITH_LOADER.includes(name) ? [`${name}.js`, "stream.js"] : [`${name}.js`];
  row(`+ ${all.join(" and ")}`, LIMITS.adapter, ...size(all));
}
