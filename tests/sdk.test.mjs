// The vendors' own Python clients against the gateway, nothing changed but the endpoint. The checks are
// Python's own, in tests/sdk; each is a test here.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

import { root } from "../tools/gateway.mjs";
import { page } from "./lib/compatibility.mjs";
import { authority } from "./lib/receiver.mjs";
import { world } from "./lib/world.mjs";

const ca = authority();
const folder = mkdtempSync(join(tmpdir(), "livegate-sdk-"));
const file = (name, text) => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
after(() => {
  ca.remove();
  rmSync(folder, { recursive: true, force: true });
});
const gate = world({ trustedCertificates: ca.path });

/** What a tenant's vendor clients sign in with. */
const credentials = async (name) => {
  const made = await gate.admin("POST", "/api/v1/tenants", { name });
  assert.equal(made.status, 201, made.text);
  return made.body;
};

const twoTenants = async () => {
  const both = { a: await credentials("team-a"), b: await credentials("team-b") };
  return [
    ...["--credentials", file("credentials.json", JSON.stringify(both))],
    ...["--certificate", file("third-party.pem", ca.tls.cert), "--key", file("third-party.key", ca.tls.key)],
  ];
};
let files;
const results = [];

for (const only of ["metastudio", "alibaba", "jocloud", "cross_tenant", "unsupported"]) {
  test(`the vendors' clients: ${only.replace("_", " ")}`, { timeout: 1_800_000 }, async (t) => {
    files ??= await twoTenants();
    const python = spawn("python3", [join(root, "tests/sdk/run.py"), "--gateway", gate.url, "--only", only, ...files], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    python.stderr.on("data", (text) => (errors += text));
    const ended = new Promise((resolve) => python.on("close", resolve));
    let checks = 0;
    for await (const line of createInterface({ input: python.stdout })) {
      const { operation, check, ok, detail } = JSON.parse(line);
      checks += 1;
      const vendor = only === "unsupported" ? check.split(":")[0] : only;
      results.push({ vendor, only, operation, check, ok });
      await t.test(`${operation}: ${check}`, (t) => {
        if (ok === null) t.skip(detail);
        else assert.ok(ok, detail);
      });
    }
    await ended;
    assert.ok(checks > 0, errors);
  });
}

// Written anew by: UPDATE=1 node --test tests/sdk.test.mjs
test("docs/compatibility.md says what the checks showed", (t) => {
  // Checks that failed have failed above; a page made of the rest would say less than is so.
  if (results.some(({ ok }) => !ok)) return t.skip("not every check held");
  const path = join(root, "docs/compatibility.md");
  const made = page(results);
  if (process.env.UPDATE) writeFileSync(path, made);
  assert.equal(readFileSync(path, "utf8"), made);
});
