// docs/compatibility.md, made of what the tests showed: the checks of the vendors' own clients, and the
// vectors of every dialect.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { root } from "../../tools/gateway.mjs";

/** The page's vendors: what a test's name begins with, and where the client comes from. */
const CLIENTS = {
  metastudio: ["Huawei MetaStudio", "huaweicloudsdkmetastudio"],
  alibaba: ["Alibaba ApsaraVideo Live, 2016-11-01", "alibabacloud_live20161101, aliyun-python-sdk-live"],
  jocloud: ["Jocloud", null],
};

/** The dialects in the order of the page, and whose they are. */
const DIALECTS = {
  metastudio: "Huawei MetaStudio",
  artc: "Alibaba ARTC: channels and users",
  "artc-mpu": "Alibaba ARTC: mixed-stream relays",
  "artc-recording": "Alibaba ARTC: cloud recording",
  "alibaba-live": "Alibaba ApsaraVideo Live",
  dingrtc: "Alibaba DingRTC",
  jocloud: "Jocloud",
  agora: "Agora",
  trtc: "Tencent TRTC",
  zego: "ZEGO",
  "volcengine-rtc": "Volcengine RTC",
  livekit: "LiveKit",
  "livegate-relay": "livegate's relay hosts",
};

const HEAD = `# Compatibility

Made by the tests (\`tests/sdk.test.mjs\`), which fail if this page says anything else than what they showed. The
clients are the vendors' own, unmodified but for the endpoint; tools/python.txt says which versions.
`;

/** A cell of a table. */
const cell = (text) => String(text).replaceAll("|", "\\|").replaceAll("\n", " ");
const table = (names, rows) =>
  [names, names.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

/** The pins of the packages. */
function version(name) {
  const pins = readFileSync(join(root, "tools/python.txt"), "utf8");
  const found = pins.split("\n").find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}==`));
  return found?.split(/[=\s;]+/)[1] ?? "?";
}

function client(vendor, results) {
  const [title, packages] = CLIENTS[vendor];
  const own = results.filter((result) => result.vendor === vendor);
  const supported = new Map();
  const refused = [];
  for (const { operation, check, only } of own) {
    if (only === "unsupported") {
      if (check.includes("is not supported")) refused.push(operation);
    } else if (operation !== vendor) {
      supported.set(operation, (supported.get(operation) ?? 0) + 1);
    }
  }
  const across = new Set(results.filter(({ only }) => only === "cross_tenant").map(({ operation }) => operation));
  const rows = [...supported].sort().map(([operation, checks]) => [`\`${operation}\``, checks, across.has(operation) ? "yes" : "–"]);
  const by = packages
    ? packages.split(", ").map((name) => `${name} ${version(name)}`).join(" and ")
    : "no client exists; by HTTP, after docs/spec/control-plane.md";
  return [
    `## ${title}`,
    `Client: ${by}.`,
    table(["operation", "checks", "refused to other tenants"], rows),
    ...(refused.length > 0
      ? [
          `Not supported, and answered with the vendor's own error for what does not exist: the client's other ${refused.length} operations.`,
          `<details><summary>All of them</summary>\n\n${refused.sort().join(", ")}\n\n</details>`,
        ]
      : []),
  ].join("\n\n");
}

/** What the vectors say of a dialect: types and kinds, and what it is written from. */
function dialect(name) {
  const path = join(root, "vectors", name, "parse.json");
  if (!existsSync(path)) return { types: [], written: [] };
  const vectors = JSON.parse(readFileSync(path, "utf8"));
  const types = new Map();
  const written = new Set();
  for (const vector of vectors) {
    for (const event of vector.events ?? (vector.event ? [vector.event] : [])) {
      const { vendor_type: type, kind } = event;
      if (kind !== "unknown") types.set(kind, (types.get(kind) ?? new Set()).add(type));
    }
    if (vector.write && vector.from && !vector.cannot) written.add(vector.kind);
  }
  return { types: [...types].sort(), written: [...written].filter(Boolean).sort() };
}

function callbacks() {
  const rows = [];
  for (const [name, title] of Object.entries(DIALECTS)) {
    for (const [kind, types] of dialect(name).types) {
      rows.push([title, `\`${name}\``, `\`${kind}\``, [...types].sort().map((type) => `\`${type}\``).join(", ")]);
    }
  }
  return [
    "## Callbacks",
    `Types that a vendor documents and the vectors (\`vectors/<dialect>/parse.json\`) show, by the kind that they become. A type
that is not here is kept and delivered as \`unknown\`. docs/spec/events.md says what each dialect's channel, user, time and
answer are, and what it can be written from; docs/spec/signing.md, how each vendor signs.`,
    table(["vendor", "dialect", "kind", "the vendor's types"], rows),
  ].join("\n\n");
}

/** The page. */
export function page(results) {
  const missing = Object.keys(DIALECTS).filter((name) => dialect(name).types.length === 0);
  const extra = readdirSync(join(root, "vectors")).filter((name) => existsSync(join(root, "vectors", name, "parse.json")) && !(name in DIALECTS));
  if (missing.length + extra.length > 0) throw new Error(`dialects without vectors: ${missing}; without a title: ${extra}`);
  const clients = Object.keys(CLIENTS).map((vendor) => client(vendor, results));
  return `${[HEAD.trimEnd(), ...clients, callbacks()].join("\n\n")}\n`;
}
