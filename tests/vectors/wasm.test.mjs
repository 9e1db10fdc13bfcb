// The core, built for wasm, over every vector file, with the expectations that the native tests of
// crates/core read from the same files.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";

import { loadCore } from "../lib/core-wasm.mjs";
import { readVectors, vectorFiles } from "../lib/vectors.mjs";

/** What each file is, and what an outcome has to be for its vector. */
const FILES = {
  "agora/parse.json": ["callback agora", callback],
  "alibaba-live/parse.json": ["callback alibaba-live", callback],
  "artc-mpu/parse.json": ["callback artc-mpu", callback],
  "artc-recording/parse.json": ["callback artc-recording", callback],
  "artc/parse.json": ["callback artc", callback],
  "cloudevents/cloudevents.json": ["cloudevents", cloudEvent],
  "config/alibaba.json": ["control", control],
  "config/config.json": ["config", config],
  "config/metastudio.json": ["control", control],
  "dingrtc/parse.json": ["callback dingrtc", callback],
  "filter/conditions.json": ["filter", filter],
  "filter/events.json": ["filter", filter],
  "filter/texts.json": ["filter", filter],
  "filter/violations.json": ["filter", filter],
  "jocloud/parse.json": ["callback jocloud", callback],
  "layout/box.json": ["box", playerBox],
  "layout/payload.json": ["payload", payload],
  "layout/resolve.json": ["layout", layout],
  "livegate-relay/parse.json": ["callback livegate-relay", callback],
  "livekit/parse.json": ["callback livekit", callback],
  "metastudio/parse.json": ["parse", parse],
  "metastudio/redact.json": ["redact", redact],
  "metastudio/written.json": ["callback metastudio", callback],
  "relay/addresses.json": ["address", address],
  "relay/jocloud.json": ["relay", control],
  "relay/mpu.json": ["relay", control],
  "request/acs3.json": ["request", request],
  "request/hmac_sha1.json": ["request", request],
  "request/huawei.json": ["request", request],
  "request/params.json": ["params", parameters],
  "scheme/custom.json": ["scheme", incoming],
  "scheme/huawei.json": ["scheme", incoming],
  "scheme/sign.json": ["sign", outgoing],
  "scheme/standard_webhooks.json": ["scheme", incoming],
  "scheme/standard_webhooks_v1a.json": ["scheme", incoming],
  "scheme/vendors.json": ["scheme", incoming],
  "sei/read.json": ["sei read", message],
  "sei/streams.json": ["sei stream", stream],
  "sei/written.json": ["sei written", writtenMessage],
  "trtc/parse.json": ["callback trtc", callback],
  "url/url.json": ["url", url],
  "volcengine-rtc/parse.json": ["callback volcengine-rtc", callback],
  "zego/parse.json": ["callback zego", callback],
};

let core;
before(async () => {
  core = await loadCore();
});

test("every vector file is run over the wasm build", () => {
  assert.deepEqual(vectorFiles(), Object.keys(FILES).sort());
});

for (const [name, [kind, compare]] of Object.entries(FILES)) {
  test(`wasm gives every vector of ${name} what it expects`, () => {
    const { text, vectors } = readVectors(name);
    assert.ok(vectors.length > 0);
    const outcomes = core(kind, text);
    assert.equal(outcomes.length, vectors.length);
    vectors.forEach((vector, index) => {
      try {
        compare(vector, outcomes[index]);
      } catch (error) {
        error.message = `${vector.name} (${vector.why}): ${error.message}`;
        throw error;
      }
    });
  });
}

test("a panic inside the core is reported with its place", () => {
  assert.throws(() => core("no such kind", "[]"), /panicked.*no kind no such kind/s);
});

function incoming(vector, outcome) {
  assert.equal(outcome.said, vector.expect);
  if (vector.expect === "verified") {
    assert.deepEqual(outcome.verified, {
      body_hex: vector.body_hex ?? Buffer.from(vector.body ?? "").toString("hex"),
      signed_at_ms: vector.signed_at_ms ?? null,
      id: vector.id ?? null,
      key_used: vector.key_used ?? null,
    });
  }
  if (vector.signed !== undefined) {
    // What would break a line is shown escaped.
    const escaped = vector.signed.replace(
      /\p{Cc}/gu,
      (c) => `\\u{${c.codePointAt(0).toString(16)}}`,
    );
    assert.equal(outcome.shown, escaped);
  }
}

function request(vector, outcome) {
  const { said, params, ...told } = outcome;
  assert.equal(said, vector.expect);
  if (said !== "authentic") return;
  const { scheme, access_key, time_ms, nonce = null, action, version } = vector;
  const operation = action === undefined ? {} : { action, version };
  assert.deepEqual(told, { scheme, access_key, time_ms, nonce, ...operation });
  if (vector.params) assert.deepEqual(params, vector.params);
}

function parameters(vector, outcome) {
  assert.deepEqual(outcome, vector.expect ? { params: vector.expect } : { code: vector.code });
}

function outgoing(vector, outcome) {
  assert.equal(outcome.said, vector.expect);
  assert.deepEqual(outcome.set_headers, vector.set_headers);
  assert.deepEqual(outcome.set_query, vector.set_query);
  assert.deepEqual(outcome.set_body_fields, vector.set_body_fields);
  if (vector.signed_url !== undefined) assert.equal(outcome.signed_url, vector.signed_url);
}

function filter(vector, outcome) {
  if (vector.violations?.length === 0) {
    // Just within a limit: what it admits is not the question.
    assert.equal(outcome.reads_back, true);
    return;
  }
  if (vector.violations) {
    assert.deepEqual(outcome, { violations: vector.violations });
    return;
  }
  assert.equal(typeof vector.expect, "boolean");
  const { expect } = vector;
  assert.deepEqual(outcome, { admits: expect, admits_in_a_set: expect, reads_back: true });
}

function url(vector, outcome) {
  if (vector.expect !== "ok") {
    assert.deepEqual(outcome, { said: vector.expect });
    return;
  }
  const { host, ...judged } = outcome;
  const { public: open, development } = vector;
  assert.deepEqual(judged, { said: "ok", public: open, development });
  assert.equal(hostOf(host), hostOf(vector.host));
}

/** Two ways to write one IPv6 address are equal. */
function hostOf(text) {
  return text.includes(":") ? new URL(`http://[${text.replace(/^\[|\]$/g, "")}]/`).hostname : text;
}

function control(vector, outcome) {
  const { violations, shown, detail, reads_back } = outcome;
  if (vector.violations) {
    assert.deepEqual(violations, vector.violations);
    return;
  }
  if (vector.task) {
    // No vendor's request says it.
    assert.equal(shown.failover, "stay");
    delete shown.failover;
  }
  assert.deepEqual(shown, vector.task ?? vector.shown);
  if (vector.detail) assert.deepEqual(detail, vector.detail);
  if (vector.task) assert.equal(reads_back, true);
}

function address(vector, outcome) {
  assert.deepEqual(outcome, vector.code ? { code: vector.code } : { same: vector.same });
}

function layout(vector, outcome) {
  const { panes, violations } = vector;
  assert.deepEqual(outcome, violations ? { violations } : { panes });
}

function playerBox(vector, outcome) {
  assert.deepEqual(
    outcome,
    vector.rects.map((pair) => pair.box),
  );
}

function payload(vector, outcome) {
  const { form, streams, remarks, canvas = null, sent_at = null, extras = {} } = vector;
  const { written = {} } = vector;
  assert.deepEqual(outcome, { form, streams, remarks, canvas, sent_at, extras, written });
}

function message(vector, outcome) {
  assert.deepEqual(outcome, { messages: vector.messages, without: vector.without });
}

function writtenMessage(vector, outcome) {
  assert.deepEqual(outcome, vector.code ? { code: vector.code } : { nal_hex: vector.nal_hex });
}

function stream(vector, outcome) {
  const { slices, edited_hex, restored } = outcome;
  const edited = createHash("sha256").update(Buffer.from(edited_hex, "hex")).digest("hex");
  assert.equal(edited, vector.edited_sha256);
  assert.equal(restored, true);
  assert.deepEqual(
    slices.map(([, key]) => key),
    vector.frames.map(([, key]) => key),
  );
  // A frame's first slice lies in its access unit.
  slices.forEach(([at], index) => {
    const [begins] = vector.frames[index];
    const [ends] = vector.frames[index + 1] ?? [Infinity];
    assert.ok(begins < at && at < ends, `frame ${index}`);
  });
}

function config(vector, outcome) {
  const wanted = vector.violations
    ? { violations: vector.violations }
    : { shown: vector.shown, reads_back: true };
  assert.deepEqual(outcome, wanted);
}

function parse(vector, outcome) {
  if (!vector.event) {
    assert.equal(outcome.code, vector.code);
    if (vector.path !== undefined) assert.equal(outcome.path, vector.path);
    return;
  }
  const { written, ...read } = outcome;
  const { kind, vendor_type, data } = vector.event;
  assert.deepEqual(read, {
    events: 1,
    kind,
    vendor_type,
    channel: vector.event.channel ?? null,
    data,
    has_entity: Array.isArray(vector.event.entity),
    reads_back: true,
  });
  assert.equal(JSON.parse(written).message, data);
}

function callback(vector, outcome) {
  const { shown, ...said } = outcome;
  if (vector.events || vector.written) {
    const { events, written } = vector;
    assert.deepEqual(said, vector.from ? { written } : { events });
  } else {
    assert.equal(said.code, vector.code);
    if (vector.path !== undefined) assert.equal(said.path, vector.path);
  }
  for (const secret of vector.secrets ?? []) assert.ok(!shown.includes(secret), secret);
}

function redact(vector, outcome) {
  assert.deepEqual(outcome, { shown: vector.expect, twice_alike: true });
}

function cloudEvent(vector, outcome) {
  assert.deepEqual(JSON.parse(outcome.json), vector.expect);
}
