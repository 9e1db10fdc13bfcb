// The OpenAPI document is whole: what it refers to is there, and what is there is referred to.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const path = new URL("../../crates/edge/openapi.json", import.meta.url);
const document = JSON.parse(readFileSync(path, "utf8"));
const METHODS = ["get", "put", "post", "patch", "delete"];

/** Every operation with its path, its method, and the parameters of both. */
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({
    path,
    method,
    operation: item[method],
    parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(resolved),
  })),
);

/** What a JSON pointer of this document leads to (RFC 6901). */
function at(pointer) {
  return pointer
    .replace(/^#\//, "")
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((value, token) => value?.[token], document);
}

function resolved(value) {
  return value.$ref ? at(value.$ref) : value;
}

function* references(value) {
  if (value === null || typeof value !== "object") return;
  if (typeof value.$ref === "string") yield value.$ref;
  for (const inner of Object.values(value)) yield* references(inner);
}

test("every reference leads somewhere", () => {
  for (const reference of references(document)) {
    assert.notEqual(at(reference), undefined, reference);
  }
});

test("every component is referred to", () => {
  const used = new Set(references(document));
  const isUsed = (name) => [...used].some((one) => one === name || one.startsWith(`${name}/`));
  for (const sort of ["schemas", "parameters", "responses"]) {
    for (const name of Object.keys(document.components[sort])) {
      assert.ok(isUsed(`#/components/${sort}/${name}`), `${sort}/${name}`);
    }
  }
});

test("every operation has a name of its own, a summary and a declared tag", () => {
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
  const tags = new Set(document.tags.map((tag) => tag.name));
  for (const { path, method, operation } of operations) {
    assert.ok(operation.operationId && operation.summary, `${method} ${path}`);
    assert.ok(operation.tags.every((tag) => tags.has(tag)), `${method} ${path}`);
  }
});

test("the parameters of a path are those that it names", () => {
  for (const { path, method, parameters } of operations) {
    const named = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    const declared = parameters.filter((one) => one.in === "path").map((one) => one.name);
    assert.deepEqual(declared, named, `${method} ${path}`);
  }
});

test("every call that needs a token says what happens without one", () => {
  for (const { path, method, operation } of operations) {
    const needsOne = (operation.security ?? document.security).some((way) => "token" in way);
    assert.equal(path.startsWith("/api/v1/"), needsOne, `${method} ${path}`);
    if (needsOne) assert.ok(operation.responses["401"], `${method} ${path}`);
  }
});

test("every answer to a bad request is a problem of its own status", () => {
  for (const { path, method, operation } of operations) {
    for (const [status, answer] of Object.entries(operation.responses)) {
      const [type, content] = Object.entries(resolved(answer).content ?? {})[0] ?? [];
      if (Number(status) < 400) continue;
      assert.equal(type, "application/problem+json", `${method} ${path} ${status}`);
      const { example } = content;
      assert.equal(example.status, Number(status), `${method} ${path}`);
      assert.ok(example.type.endsWith(`/${example.code}`), `${method} ${path} ${status}`);
    }
  }
});

test("keys and secrets are write-only, but where they are made", () => {
  const { Source, Endpoint, SourceInput, EndpointInput, Signing } = document.components.schemas;
  assert.ok(!("key" in Source.properties) && !("secret" in Endpoint.properties));
  for (const field of [
    SourceInput.properties.key,
    EndpointInput.properties.secret,
    EndpointInput.properties.headers,
    Signing.properties.key,
  ]) {
    assert.equal(field.writeOnly, true);
  }
});
