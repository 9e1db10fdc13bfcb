// Checks that wrangler.toml (Cloudflare) and deploy/gateway.capnp (standalone workerd) describe the
// same Worker: compatibility date, object classes, bindings, variables.
//
// Both files are ours and kept to one form, so regular expressions read enough of them.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const uncommented = (path, mark) =>
  readFileSync(join(root, path), "utf8").replace(new RegExp(`^\\s*${mark}.*$`, "gm"), "");

/** Secrets are not in wrangler.toml: wrangler keeps them apart. */
const SECRETS = ["ADMIN_TOKEN", "SEAL_KEY"];

const wrangler = uncommented("wrangler.toml", "#");
const capnp = uncommented("deploy/gateway.capnp", "#");

const all = (text, expression, show = (match) => match[1]) => [...text.matchAll(expression)].map(show).sort();
const section = (name) => wrangler.match(new RegExp(`^\\[${name}\\]\\n([^[]*)`, "m"))?.[1] ?? "";
const words = (list) => [...(list ?? "").matchAll(/"([^"]+)"/g)].map((match) => match[1]).sort();
const pair = (match) => `${match[1]}=${match[2]}`;

const facts = [
  ["compatibility date", all(wrangler, /^compatibility_date = "(.+)"/gm), all(capnp, /compatibilityDate = "(.+)"/g)],
  [
    "compatibility flags",
    words(wrangler.match(/^compatibility_flags = \[(.*)\]/m)?.[1]),
    words(capnp.match(/compatibilityFlags = \[(.*)\]/)?.[1]),
  ],
  [
    "object bindings",
    all(wrangler, /name = "(\w+)", class_name = "(\w+)"/g, pair),
    all(capnp, /name = "(\w+)", durableObjectNamespace = "(\w+)"/g, pair),
  ],
  [
    "classes with SQLite",
    words(all(wrangler, /^new_sqlite_classes = \[(.*)\]/gm).join()),
    all(capnp, /className = "(\w+)", uniqueKey = "[\w-]+", enableSql = true/g),
  ],
  [
    "variables and secrets",
    [...all(section("vars"), /^(\w+) =/gm), ...SECRETS].sort(),
    all(capnp, /fromEnvironment = "(\w+)"/g),
  ],
];

for (const [what, cloudflare, standalone] of facts) {
  if (cloudflare.join() === standalone.join()) continue;
  console.error(
    `error: ${what} differ: wrangler.toml has ${cloudflare.join(", ") || "none"}; ` +
      `deploy/gateway.capnp has ${standalone.join(", ") || "none"}`,
  );
  process.exitCode = 1;
}
if (facts[2][1].length === 0) {
  console.error("error: deploy/gateway.capnp binds no objects, or is no longer written in the known form");
  process.exitCode = 1;
}
