// The signatures in vectors/scheme, judged by implementations that share nothing with livegate:
// node:crypto under each scheme's public description, and the official Standard Webhooks package.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Webhook } from "standardwebhooks";

import { signer } from "../lib/signing.mjs";
import { readVectors, vectorFiles } from "../lib/vectors.mjs";

/** RFC 8032 lets a verifier take these, and OpenSSL does; livegate does not. */
const STRICTER = new Set(["v1a, R of small order"]);

const incoming = vectorFiles().filter((name) => /^scheme\/(?!sign\.)/.test(name));

for (const name of incoming) {
  const { vectors } = readVectors(name);
  const expecting = (...codes) => vectors.filter((vector) => codes.includes(vector.expect));

  test(`every call of ${name} that is to be verified carries its key's signature`, () => {
    const verified = expecting("verified");
    assert.ok(verified.length > 0);
    for (const vector of verified) {
      // A scheme without a signature uses no key.
      assert.equal(signer(vector), vector.key_used ?? "current", vector.name);
      assert.equal(vector.key_used === undefined, vector.scheme === "NONE", vector.name);
    }
  });

  test(`no call of ${name} that is to be refused for its signature carries one that is right`, () => {
    const refused = expecting("sign.mismatch");
    assert.ok(refused.length > 0);
    for (const vector of refused) {
      assert.equal(signer(vector), STRICTER.has(vector.name) ? "current" : null, vector.name);
    }
  });
}

test("the official package verifies the Standard Webhooks calls that livegate is to verify", () => {
  const { vectors } = readVectors("scheme/standard_webhooks.json");
  const judged = { verified: 0, refused: 0 };
  for (const vector of vectors.filter(inReachOfThePackage)) {
    const said = official(vector);
    assert.equal(said, vector.expect === "verified", vector.name);
    judged[said ? "verified" : "refused"] += 1;
  }
  // As many as the file has; a filter that grows too wide would show here.
  assert.deepEqual(judged, { verified: 13, refused: 22 });
});

test("the official package signs as the vectors of outgoing calls say", () => {
  const { vectors } = readVectors("scheme/sign.json");
  const outgoing = vectors.filter(
    (vector) => vector.scheme === "standard-webhooks" && vector.expect === "signed",
  );
  assert.ok(outgoing.length >= 2);
  for (const { name, key, previous, id, body, now_ms: now, set_headers: set } of outgoing) {
    const keys = [key, ...(previous && now < previous.until_ms ? [previous.key] : [])];
    const made = keys.map((each) => new Webhook(each).sign(id, new Date(now), body));
    assert.equal(new Map(set).get("webhook-signature"), made.join(" "), name);
  }
});

/** Whether it lets the package say so: at that time, with whichever key counts. */
function official(vector) {
  const { key, previous, now_ms: now, body, headers } = vector;
  const keys = [key, ...(previous && now < previous.until_ms ? [previous.key] : [])];
  const lower = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  mock.timers.enable({ apis: ["Date"], now });
  try {
    return keys.some((each) => {
      try {
        new Webhook(each).verify(body, lower, { jsonParse: false });
        return true;
      } catch {
        return false;
      }
    });
  } finally {
    mock.timers.reset();
  }
}

/**
 * What the package leaves to its callers or takes more widely than the specification: repeated
 * headers, sizes of keys, ids that make two messages look alike, times with more than digits, how
 * many signatures there are, fractions of a second. There livegate refuses what the package may
 * take.
 */
function inReachOfThePackage(vector) {
  const names = vector.headers.map(([name]) => name.toLowerCase());
  const own = ["sign.key_size", "sign.key_malformed", "sign.key_empty", "sign.too_many_signatures"];
  const widely = [
    "an id with a full stop",
    "id of 257 bytes",
    "time with a fraction",
    "time with a plus sign",
    "list separated by commas",
  ];
  return (
    vector.body !== undefined &&
    vector.now_ms % 1000 === 0 &&
    new Set(names).size === names.length &&
    !own.includes(vector.expect) &&
    !widely.includes(vector.name)
  );
}
