// The API: what it stores, what it refuses and how it says so, and that tenants are strangers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { receive } from "./lib/receiver.mjs";
import { callback, relayState } from "./lib/sign.mjs";
import { sse } from "./lib/tail.mjs";
import { until } from "./lib/wait.mjs";
import { KEY, world } from "./lib/world.mjs";

const gate = world();
const openapi = JSON.parse(readFileSync(new URL("../crates/edge/openapi.json", import.meta.url), "utf8"));
const operations = Object.entries(openapi.paths).flatMap(([path, item]) =>
  ["get", "post", "put", "patch", "delete"]
    .filter((method) => item[method])
    .map((method) => ({ path, method: method.toUpperCase(), operation: item[method] })),
);
const segment = (room, number) =>
  callback("SHOOT_SCRIPT_SWITCH", { room_id: room, job_id: "j", shoot_script_sequence_no: String(number) });

/** RFC 9457, and what this API adds to it. */
function assertProblem({ status, headers, body }, expected, path) {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.equal(body.status, expected);
  assert.equal(body.instance, path);
  for (const field of ["type", "title", "detail", "code"]) assert.equal(typeof body[field], "string", field);
  assert.ok(body.type.endsWith(`/${body.code}`), body.type);
  assert.match(body.code, /^[a-z]+\.[a-z0-9_]+$/);
}

/** The places and codes of what is wrong. */
const wrong = ({ status, body }) => {
  assert.equal(status, 422, JSON.stringify(body));
  return body.violations.map(({ path, code }) => `${path} ${code}`).sort();
};

test("sources are made, shown, listed, changed and deleted", async () => {
  const tenant = await gate.tenant();
  const made = await tenant.call("POST", "/sources", { name: "studio", scheme: "MSS_A", key: KEY });
  assert.equal(made.status, 201);
  const source = made.body;
  assert.match(source.id, /^src_[0-9a-f]{32}$/);
  assert.equal(source.url, `${gate.url}/in/${source.id}`);
  assert.deepEqual([source.key_set, source.dialect, source.duplicate_window_s], [true, "metastudio", 10]);
  assert.ok(!("key" in source));
  assert.deepEqual(await tenant.get(`/sources/${source.id}`), source);
  assert.deepEqual((await tenant.get("/sources")).items, [source]);
  const changed = await tenant.ok("PATCH", `/sources/${source.id}`, { name: "new", freshness_s: 30, signed_url: "https://example.com/a" });
  assert.deepEqual({ ...changed, version: 0 }, { ...source, name: "new", freshness_s: 30, signed_url: "https://example.com/a", version: 0 });
  assert.ok(changed.version > source.version);
  const { freshness_s: _, ...rest } = await tenant.ok("PATCH", `/sources/${source.id}`, { signed_url: null });
  assert.ok(!("signed_url" in rest), "null removes");
  assert.equal(rest.name, "new", "what is not named stays");
  const gone = await tenant.call("DELETE", `/sources/${source.id}`);
  assert.deepEqual([gone.status, gone.text], [204, ""]);
  const path = `/api/v1/sources/${source.id}`;
  for (const method of ["GET", "DELETE"]) assertProblem(await gate.call(method, path, { token: tenant.token }), 404, path);
  assertProblem(await gate.call("PATCH", path, { token: tenant.token, json: { name: "x" } }), 404, path);
});

test("a deleted source takes no more calls", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source({ duplicate_window_s: 0 });
  await source.accept(segment("r", 1));
  await tenant.ok("DELETE", `/sources/${source.id}`);
  // The ingress may go by what it knew for ten seconds.
  const { status } = await until(() => source.send(segment("r", 2)), (answer) => answer.status !== 200);
  assert.equal(status, 401);
});

test("endpoints and subscriptions are changed by merging", async () => {
  const tenant = await gate.tenant();
  const endpoint = await tenant.endpoint("https://example.com/a", {
    ...{ name: "shop", timeout_s: 5, retry: { schedule_s: [0, 5], jitter_percent: 0 }, headers: { "x-a": "1", "x-b": "2" } },
  });
  assert.deepEqual([endpoint.state, endpoint.secret_set, endpoint.headers.toSorted()], ["active", true, ["x-a", "x-b"]]);
  const path = `/endpoints/${endpoint.id}`;
  const { secret: _, ...shown } = endpoint;
  assert.deepEqual(await tenant.get(path), shown, "the secret is shown once");
  const changed = await tenant.ok("PATCH", path, { retry: { jitter_percent: 20 }, signing: { scheme: "NONE" } });
  assert.deepEqual(changed.retry, { schedule_s: [0, 5], jitter_percent: 20 }, "merged within, too");
  assert.deepEqual([changed.timeout_s, changed.url, changed.name], [5, endpoint.url, "shop"]);
  assert.deepEqual(changed.headers.toSorted(), ["x-a", "x-b"]);
  const headers = async (patch) => (await tenant.ok("PATCH", path, { headers: patch })).headers.toSorted();
  assert.deepEqual(await headers({ "x-c": "3", "x-a": null }), ["x-b", "x-c"]);
  assert.deepEqual(await headers(null), []);
  const back = await tenant.ok("PATCH", path, { retry: null, timeout_s: null });
  assert.deepEqual([back.timeout_s, "retry" in back], [15, false], "null: as if it had never been given");

  const subscription = await tenant.subscribe(endpoint, { filter: { kinds: ["relay.*"], where: { state: "END" } } });
  const at = `/subscriptions/${subscription.id}`;
  const merged = await tenant.ok("PATCH", at, { filter: { kinds: ["script.*"] }, ordered: false });
  assert.deepEqual([merged.filter, merged.ordered], [{ kinds: ["script.*"], where: { state: "END" } }, false]);
  assert.deepEqual((await tenant.ok("PATCH", at, { filter: { where: null } })).filter, { kinds: ["script.*"] });
  assert.equal((await tenant.ok("PATCH", at, { filter: null })).filter ?? null, null);
});

test("changes at the same time are all kept", async () => {
  const tenant = await gate.tenant();
  const { id } = await tenant.endpoint("http://127.0.0.1:9/");
  const changes = { timeout_s: 7, rate_per_s: 9, name: "renamed", max_block_s: 60, format: "raw", headers: { "x-a": "1" } };
  const parts = Object.entries(changes).map(([name, value]) => tenant.ok("PATCH", `/endpoints/${id}`, { [name]: value }));
  await Promise.all(parts);
  const { timeout_s, rate_per_s, name, max_block_s, format, headers } = await tenant.get(`/endpoints/${id}`);
  const kept = { timeout_s, rate_per_s, name, max_block_s, format, headers };
  assert.deepEqual(kept, { ...changes, headers: ["x-a"] });
});

test("what is no cursor, position or id of an event is refused", async () => {
  const tenant = await gate.tenant();
  const wrong = [
    ...["sources", "endpoints", "subscriptions", "events", "deliveries", "rejections", "audit", "applications", "notices", "relay-tasks", "relays"].map((list) => `/${list}?cursor=abc`),
    ...["/deliveries?event=garbage", "/tail?after=abc", "/tail?after=-1", `/tail?channel=${"x".repeat(257)}`],
  ];
  for (const path of wrong) {
    const { status, body } = await tenant.call("GET", path);
    assert.deepEqual([status, body.violations?.[0].code], [422, "request.parameter"], path);
  }
});

test("headers keep their values through a change of others", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const endpoint = await tenant.endpoint(there.url, { headers: { "x-a": "1", "x-b": "2" } });
  await tenant.ok("PATCH", `/endpoints/${endpoint.id}`, { headers: { "x-b": "3", "x-c": "4" } });
  await tenant.ok("POST", `/endpoints/${endpoint.id}/test`);
  const { headers } = there.calls[0];
  assert.deepEqual([headers["x-a"], headers["x-b"], headers["x-c"]], ["1", "3", "4"]);
});

test("what is in use is not deleted", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoint = await tenant.endpoint("https://example.com/");
  const subscription = await tenant.subscribe(endpoint, { source: source.id });
  for (const path of [`/sources/${source.id}`, `/endpoints/${endpoint.id}`]) {
    const answer = await tenant.call("DELETE", path);
    assertProblem(answer, 409, `/api/v1${path}`);
    assert.ok(answer.body.detail.includes(subscription.id));
  }
  for (const path of [`/subscriptions/${subscription.id}`, `/sources/${source.id}`, `/endpoints/${endpoint.id}`]) {
    assert.equal((await tenant.call("DELETE", path)).status, 204);
  }
  const name = "taken-name";
  await gate.tenant(name);
  assertProblem(await gate.admin("POST", "/api/v1/tenants", { name }), 409, "/api/v1/tenants");
});

test("everything that is wrong is said at once, each with its place", async () => {
  const tenant = await gate.tenant();
  const post = (path, json) => tenant.call("POST", path, json);
  assert.deepEqual(
    wrong(await post("/sources", { name: "", scheme: "MSS_B", canonical_uri: "path", dialect: "klingon", duplicate_window_s: 601 })),
    ["canonical_uri scheme.canonical_uri", "dialect dialect.unknown", "duplicate_window_s request.out_of_range", "name request.name", "scheme scheme.unknown"],
  );
  assert.deepEqual(
    wrong(await post("/endpoints", { url: "ftp://example.com/", timeout_s: 31, secrets: "intact", signing: { scheme: "MSS_B", canonical_uri: "path" }, headers: { host: "x", "x-ok": "1" } })),
    ["headers.host endpoint.header_taken", "secrets endpoint.secrets_format", "signing.canonical_uri scheme.canonical_uri", "signing.scheme scheme.unknown", "timeout_s request.out_of_range", "url url.scheme"],
  );
  assert.deepEqual(wrong(await post("/endpoints", { url: "" })), ["url url.empty"]);
  const endpoint = await tenant.endpoint("https://example.com/");
  const filter = { kinds: ["*x"], where: { state: { $bad: 1 }, "a/b": { $gt: {} } }, nothing: 1 };
  const paths = wrong(await post("/subscriptions", { endpoint: endpoint.id, filter })).map((text) => text.split(" ")[0]);
  assert.deepEqual(paths, ["filter.kinds.0", "filter.nothing", "filter.where.a/b.$gt", "filter.where.state.$bad"]);
  assert.deepEqual(wrong(await post("/subscriptions", { endpoint: endpoint.id, filter: [] })).map((text) => text.split(" ")[0]), ["filter"]);
  const custom = { algorithm: "hmac-sha256", message: ["body"], signature: {}, encoding: "octal" };
  assert.deepEqual(
    wrong(await post("/sources", { name: "", scheme: "custom", custom, key: "k" })),
    ["custom.encoding scheme.unknown_name", "custom.signature scheme.place", "name request.name"],
  );
  assert.deepEqual(wrong(await post("/sources", { name: "x", scheme: "custom" })), ["custom scheme.custom_missing"]);
  assert.deepEqual(
    wrong(await post("/sources", { name: "x", scheme: "NONE", id: "y", url: "z", key_set: true })),
    ["id request.read_only", "key_set request.read_only", "url request.read_only"],
  );
  assert.deepEqual(
    wrong(await post("/subscriptions", { endpoint: `ep_${"0".repeat(32)}`, source: `src_${"0".repeat(32)}` })),
    ["endpoint subscription.no_such_thing", "source subscription.no_such_thing"],
  );
  assert.deepEqual(wrong(await post(`/endpoints/${endpoint.id}/rotate`, { grace_s: 604_801 })), ["grace_s request.out_of_range"]);
  assert.deepEqual(
    wrong(await post("/replays", { since: 1_700_000_000, until: "soon", status: "held", rate_per_s: 0 })),
    ["rate_per_s replay.rate", "since request.parameter", "status request.parameter", "until request.parameter"],
  );
  assert.deepEqual((await tenant.get("/sources")).items, []);
  assert.deepEqual((await tenant.get("/subscriptions")).items, []);
});

test("every value of another shape is said at once, each with its place", async () => {
  const tenant = await gate.tenant();
  const post = (path, json) => tenant.call("POST", path, json);
  assert.deepEqual(
    wrong(await post("/sources", { scheme: 1, dialect: null, freshness_s: -1, skew_s: "2", colour: "red" })),
    ["colour request.unknown_field", "freshness_s request.shape", "name request.missing", "scheme request.shape", "skew_s request.shape"],
  );
  const endpoint = {
    format: "xml",
    timeout_s: 1.5,
    enabled: "yes",
    rate_per_s: 2 ** 32,
    signing: { scheme: [], kex: "k" },
    headers: { "x-a": 1, "x-b": "b" },
    retry: { schedule_s: [0, "5", {}], jitter_percent: 256, jitter: 1 },
  };
  const all = [
    ...["enabled request.shape", "format request.shape", "headers.x-a request.shape"],
    ...["rate_per_s request.shape", "retry.jitter request.unknown_field", "retry.jitter_percent request.shape"],
    ...["retry.schedule_s.1 request.shape", "retry.schedule_s.2 request.shape", "signing.kex request.unknown_field"],
    ...["signing.scheme request.shape", "timeout_s request.shape", "url request.missing"],
  ];
  const answer = await post("/endpoints", endpoint);
  assert.deepEqual(wrong(answer), all);
  const detail = (place) => answer.body.violations.find(({ path }) => path === place).detail;
  assert.match(detail("format"), /cloudevents, raw, metastudio/);
  assert.match(detail("retry.jitter_percent"), /0 to 255/);
  assert.deepEqual(wrong(await post("/endpoints", "https://example.com/")), [" request.shape"]);
  // A change is read as what it makes of the whole.
  const made = await tenant.endpoint("https://example.com/");
  assert.deepEqual(
    wrong(await tenant.call("PATCH", `/endpoints/${made.id}`, { secrets: 1, signing: "NONE", retry: {} })),
    ["retry.schedule_s request.missing", "secrets request.shape", "signing request.shape"],
  );
  assert.deepEqual(
    wrong(await post("/subscriptions", { endpoint: "ep_1", source: made.id, ordered: 0 })),
    ["endpoint request.shape", "ordered request.shape", "source request.shape"],
  );
  assert.deepEqual(
    wrong(await post("/replays", { rate_per_s: "fast", channel: 1, until_now: true })),
    ["channel request.shape", "rate_per_s request.shape", "until_now request.unknown_field"],
  );
  assert.deepEqual(
    wrong(await post(`/endpoints/${made.id}/rotate`, { key: 1, grace_s: null, grace: 1 })),
    ["grace request.unknown_field", "key request.shape"],
  );
  assert.deepEqual((await tenant.get("/endpoints")).items.length, 1);
});

test("problems are RFC 9457 documents with the status that fits", async () => {
  const tenant = await gate.tenant();
  const at = (path) => `/api/v1${path}`;
  const call = (method, path, more) => gate.call(method, at(path), { token: tenant.token, ...more });
  assertProblem(await call("POST", "/sources", { body: "{" }), 400, at("/sources"));
  assertProblem(await call("POST", "/sources", { body: "" }), 422, at("/sources"));
  assertProblem(await call("POST", "/sources", { body: "[]" }), 422, at("/sources"));
  assertProblem(await call("POST", "/sources", { json: { name: "x", scheme: "NONE", colour: 1 } }), 422, at("/sources"));
  assertProblem(await call("POST", "/sources", { body: " ".repeat(256 * 1024 + 1) }), 413, at("/sources"));
  assertProblem(await call("GET", "/nothing"), 404, at("/nothing"));
  assertProblem(await gate.call("GET", "/", { token: tenant.token }), 404, "/");
  assertProblem(await call("GET", `/events/evt_${"0".repeat(32)}`), 404, at(`/events/evt_${"0".repeat(32)}`));
  for (const [method, path] of [
    ...[["PUT", "/sources"], ["POST", `/sources/src_${"0".repeat(32)}`], ["GET", `/endpoints/ep_${"0".repeat(32)}/test`]],
    ...[["POST", "/events"], ["DELETE", "/deliveries"], ["POST", "/audit"], ["GET", "/tickets"], ["POST", "/tail"]],
  ]) {
    assertProblem(await call(method, path), 405, at(path));
  }
  for (const path of ["/events?limit=0", "/events?limit=201", "/sources?limit=x", "/deliveries?status=lost", "/events?since=yesterday-ish"]) {
    assertProblem(await call("GET", path), 422, at(path.split("?")[0]));
  }
});

test("times are milliseconds or RFC 3339, and seconds are refused with a hint", async () => {
  const tenant = await gate.tenant();
  const source = await tenant.source();
  await source.accept(segment("r", 1));
  await tenant.items("/events", 1);
  const now = Date.now();
  const found = async (query) => (await tenant.get(`/events?${query}`)).items.length;
  assert.equal(await found(`since=${now - 60_000}`), 1);
  assert.equal(await found(`since=${now + 60_000}`), 0);
  assert.equal(await found(`until=${now - 60_000}`), 0);
  assert.equal(await found(`since=${encodeURIComponent(new Date(now - 60_000).toISOString())}`), 1);
  for (const name of ["since", "until"]) {
    for (const path of ["/events", "/deliveries"]) {
      const answer = await tenant.call("GET", `${path}?${name}=${Math.floor(now / 1000)}`);
      assert.deepEqual(wrong(answer), [`${name} request.parameter`]);
      assert.match(answer.body.violations[0].detail, /milliseconds.*seconds/);
    }
    const answer = await tenant.call("POST", "/replays", { [name]: Math.floor(now / 1000) });
    assert.deepEqual(wrong(answer), [`${name} request.parameter`]);
  }
  // 10^11 ms is in March 1973; the least that is taken.
  assert.equal(await found("since=100000000000"), 1);
  assert.deepEqual(wrong(await tenant.call("GET", "/events?since=99999999999")), ["since request.parameter"]);
});

test("lists are paged by cursor, each item once and in order", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const source = await tenant.source({ duplicate_window_s: 0 });
  await tenant.connect(there.url);
  for (let number = 1; number <= 11; number += 1) await source.accept(segment(number % 2 ? "odd" : "even", number));
  const sources = [source.id];
  for (let index = 1; index < 7; index += 1) sources.push((await tenant.source({ name: `s${index}` })).id);
  for (let index = 0; index < 5; index += 1) await source.raw("{}");
  await tenant.items("/rejections", 5);
  await tenant.items("/events", 11);
  await tenant.items("/deliveries", 11);
  const pages = async (path, key) => {
    const seen = [];
    let cursor = "";
    let count = 0;
    do {
      const page = await tenant.get(`${path}${path.includes("?") ? "&" : "?"}limit=3${cursor}`);
      assert.ok(page.items.length <= 3);
      seen.push(...page.items.map(key));
      cursor = page.next === null ? "" : `&cursor=${encodeURIComponent(page.next)}`;
      count += 1;
      assert.ok(count < 20, "it ends");
    } while (cursor);
    assert.ok(count > 1, "more than one page");
    return seen;
  };
  const whole = async (path, key) => (await tenant.get(`${path}${path.includes("?") ? "&" : "?"}limit=200`)).items.map(key);
  for (const [path, key, count] of [
    ["/sources", ({ id }) => id, 7],
    ["/events", ({ id }) => id, 11],
    ["/events?channel=odd", ({ id }) => id, 6],
    ["/deliveries", ({ event }) => event, 11],
    ["/deliveries?channel=even", ({ event }) => event, 5],
    ["/rejections", ({ id }) => id, 5],
    ["/audit", ({ object, version }) => `${object} ${version}`, 9],
  ]) {
    const seen = await pages(path, key);
    assert.deepEqual(seen, await whole(path, key), path);
    assert.equal(seen.length, count, path);
    assert.equal(new Set(seen).size, count, path);
  }
  assert.deepEqual(await pages("/sources", ({ id }) => id), sources);
});

test("the audit log says who changed what, newest first", async () => {
  const tenant = await gate.tenant();
  const endpoint = await tenant.endpoint("https://example.com/");
  await tenant.ok("PATCH", `/endpoints/${endpoint.id}`, { name: "x" });
  const named = { headers: { "livegate-tenant": tenant.name } };
  assert.equal((await gate.admin("POST", `/api/v1/endpoints/${endpoint.id}/rotate`, {}, named)).status, 200);
  await tenant.ok("DELETE", `/endpoints/${endpoint.id}`);
  const { items } = await tenant.get("/audit");
  assert.deepEqual(items.map(({ actor, action, object }) => [actor, action, object]), [
    ["tenant", "delete", endpoint.id],
    ["admin", "rotate", endpoint.id],
    ["tenant", "change", endpoint.id],
    ["tenant", "create", endpoint.id],
  ]);
  const versions = items.map(({ version }) => version);
  assert.deepEqual(versions, versions.toSorted((a, b) => b - a));
  assert.ok(items.every(({ at }) => Math.abs(Date.parse(at) - Date.now()) < 60_000));
});

test("an endpoint in MetaStudio's format takes MetaStudio's events alone", async () => {
  const tenant = await gate.tenant();
  const studio = await tenant.source({ name: "studio" });
  const vendor = await tenant.endpoint("https://example.com/", { format: "metastudio" });
  const raw = await tenant.endpoint("https://example.com/", { format: "raw" });
  const everything = await tenant.subscribe(vendor);
  const generic = { name: "other", scheme: "NONE", dialect: "generic" };
  const refused = await tenant.call("POST", "/sources", generic);
  assert.deepEqual(wrong(refused), ["dialect subscription.format"]);
  assert.ok(refused.body.violations[0].detail.includes(everything.id), "it says which");
  await tenant.ok("DELETE", `/subscriptions/${everything.id}`);
  const other = await tenant.ok("POST", "/sources", generic);
  for (const source of [{ source: other.id }, {}]) {
    const answer = await tenant.call("POST", "/subscriptions", { endpoint: vendor.id, ...source });
    assert.deepEqual(wrong(answer), ["endpoint subscription.format"]);
    assert.ok(answer.body.violations[0].detail.includes(other.id), "it says which");
    await tenant.subscribe(raw, source);
  }
  const mine = await tenant.subscribe(vendor, { source: studio.id });
  assert.deepEqual(wrong(await tenant.call("PATCH", `/subscriptions/${mine.id}`, { source: null })), ["endpoint subscription.format"]);
  assert.deepEqual(wrong(await tenant.call("PATCH", `/sources/${studio.id}`, { dialect: "generic" })), ["dialect subscription.format"]);
  const { violations } = (await tenant.call("PATCH", `/endpoints/${raw.id}`, { format: "metastudio" })).body;
  assert.ok(violations.every(({ path, code }) => path === "format" && code === "subscription.format"));
  assert.equal(violations.length, 2, "one for each of its subscriptions");
});

test("a scheme that signs inside the body is refused for deliveries, and taken for sources", async () => {
  const tenant = await gate.tenant();
  const custom = { algorithm: "hmac-sha256", message: ["time"], signature: { body: "/sign" }, time: { at: { header: "x-time" }, format: "seconds" } };
  await tenant.ok("POST", "/sources", { name: "in", scheme: "custom", custom, key: "k" });
  const signing = { scheme: "custom", custom };
  const answer = await tenant.call("POST", "/endpoints", { url: "https://example.com/", signing, secret: "k" });
  assert.deepEqual(wrong(answer), ["signing.custom.signature endpoint.signature_in_body"]);
  const endpoint = await tenant.endpoint("https://example.com/");
  assert.deepEqual(wrong(await tenant.call("PATCH", `/endpoints/${endpoint.id}`, { signing, secret: "k" })), ["signing.custom.signature endpoint.signature_in_body"]);
});

/** Whether an answer has the fields that its schema in the document names, no others, and of those with words these alone. */
function assertDescribed(value, schema, where) {
  const at = (pointer) => pointer.replace(/^#\//, "").split("/").reduce((there, step) => there[step], openapi);
  const parts = [schema];
  for (const part of parts) {
    if (part.$ref) parts.push(at(part.$ref));
    if (part.allOf) parts.push(...part.allOf);
  }
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}));
  const required = parts.flatMap((part) => part.required ?? []);
  for (const name of required) assert.ok(name in value, `${where} lacks ${name}`);
  for (const [name, inner] of Object.entries(value)) {
    assert.ok(name in properties, `${where} has ${name}`);
    const { enum: words, pattern } = properties[name].$ref ? at(properties[name].$ref) : properties[name];
    if (words) assert.ok(words.includes(inner), `${where}: ${name} is ${inner}`);
    if (pattern) assert.match(inner, new RegExp(pattern), `${where}: ${name}`);
  }
}

/** The schema of an operation's answer. */
const answered = (path, method, status) =>
  openapi.paths[path][method].responses[status].content["application/json"].schema;

test("credentials are shown once, rotated with a grace, and revoked", async () => {
  const made = await gate.admin("POST", "/api/v1/tenants", { name: "credentialed" });
  assertDescribed(made.body, answered("/api/v1/tenants", "post", 201), "a new tenant");
  const tenant = await gate.tenant();
  const studio = ({ auth_token: token, project_id: project }) =>
    gate.call("GET", `/v1/${project}/smart-live-configs/user-config`, { headers: { "x-auth-token": token } });
  const first = tenant.credentials;
  assert.equal((await studio(first)).status, 200);
  const { items, next } = await tenant.get("/credentials");
  assert.deepEqual([items.map(({ id }) => id), next], [[first.credentials], null]);
  assertDescribed(items[0], openapi.components.schemas.Credentials, "a set");
  const { created_at: _, expires_at: end, ...shown } = items[0];
  assert.equal(end, null);
  assert.deepEqual(Object.keys(shown).filter((name) => name !== "id" && shown[name] !== first[name]), []);

  const second = await tenant.call("POST", "/credentials", { grace_s: 3600 });
  assert.equal(second.status, 201);
  assertDescribed(second.body, answered("/api/v1/credentials", "post", 201), "a rotated set");
  assert.deepEqual([second.body.project_id, second.body.app_id], [first.project_id, first.app_id], "whose they are stays");
  for (const part of ["id", "access_key", "secret_key", "auth_token", "restful_id", "restful_secret"]) {
    assert.notEqual(second.body[part], part === "id" ? first.credentials : first[part], part);
  }
  for (const set of [first, second.body]) assert.equal((await studio(set)).status, 200);
  const [before, now] = (await tenant.get("/credentials")).items;
  assert.equal(now.expires_at, null);
  assert.ok(Math.abs(Date.parse(before.expires_at) - Date.now() - 3_600_000) < 60_000, before.expires_at);

  assert.equal((await tenant.call("DELETE", `/credentials/${first.credentials}`)).status, 204);
  await until(() => studio(first), ({ status }) => status === 401);
  assert.equal((await studio(second.body)).status, 200);
  assertProblem(await tenant.call("DELETE", `/credentials/${first.credentials}`), 404, `/api/v1/credentials/${first.credentials}`);
  assert.deepEqual(wrong(await tenant.call("POST", "/credentials", { grace_s: 604_801 })), ["grace_s request.out_of_range"]);
});

test("a tenant has an application from the start, and makes others", async () => {
  const tenant = await gate.tenant();
  const own = tenant.credentials.app_id;
  assert.deepEqual((await tenant.get("/applications")).items, [{ id: own, name: "default", relay: "off" }]);
  assert.equal((await tenant.get(`/applications/${own}`)).id, own);
  const given = { name: "shows", relay: "single", domain: "push.example.com", sei: "interval", sei_interval_ms: 2000 };
  const made = await tenant.call("POST", "/applications", given);
  assert.equal(made.status, 201);
  assertDescribed(made.body, answered("/api/v1/applications", "post", 201), "an application");
  const { id, ...rest } = made.body;
  assert.deepEqual(rest, given);
  const changed = await tenant.ok("PATCH", `/applications/${id}`, { sei: null, sei_interval_ms: null, stream_name: "{channel}-{user}" });
  assert.deepEqual(changed, { id, name: "shows", relay: "single", domain: "push.example.com", stream_name: "{channel}-{user}" });
  assert.equal((await tenant.ok("PATCH", `/applications/${own}`, { name: "mine" })).name, "mine");
  assert.deepEqual((await tenant.get("/applications")).items.map(({ name }) => name), ["shows", "mine"]);
  for (const [change, violations] of [
    [{ name: null }, ["name config.missing"]],
    [{ relay: "global", domain: null, stream_name: null }, ["domain config.missing"]],
    [{ stream_name: "{channel}" }, ["stream_name config.ambiguous"]],
    [{ sei: "interval" }, ["sei_interval_ms config.missing"]],
    [{ id: "1".repeat(15) }, ["id request.read_only"]],
    [{ colour: "red" }, ["colour request.unknown_field"]],
  ]) {
    assert.deepEqual(wrong(await tenant.call("PATCH", `/applications/${id}`, change)), violations);
  }
  assertProblem(await tenant.call("DELETE", `/applications/${own}`), 409, `/api/v1/applications/${own}`);
  assert.equal((await tenant.call("DELETE", `/applications/${id}`)).status, 204);
  assertProblem(await tenant.call("GET", `/applications/${id}`), 404, `/api/v1/applications/${id}`);
});

test("lists of applications are paged, the one from the start among them", async () => {
  const tenant = await gate.tenant();
  const ids = [tenant.credentials.app_id];
  for (const name of ["a", "b"]) ids.push((await tenant.ok("POST", "/applications", { name })).id);
  for (const limit of [1, 2, 3]) {
    const seen = [];
    let cursor = "";
    do {
      const { items, next } = await tenant.get(`/applications?limit=${limit}${cursor}`);
      assert.ok(items.length <= limit, `${items.length} of at most ${limit}`);
      seen.push(...items.map(({ id }) => id));
      cursor = next && `&cursor=${next}`;
    } while (cursor);
    assert.deepEqual(seen, ids);
  }
});

test("an application and its subscription of relay events are two things", async () => {
  const tenant = await gate.tenant();
  const AppId = tenant.credentials.app_id;
  const path = `/applications/${AppId}`;
  const before = await tenant.ok("PATCH", path, { name: "mine", relay: "global", domain: "push.example.com" });
  const made = await tenant.alibaba("CreateRtcMPUEventSub", { AppId, CallbackUrl: "https://example.com/relay" });
  assert.equal(made.status, 200, made.text);
  assert.deepEqual(await tenant.get(path), before);
  const { body } = await tenant.alibaba("DescribeRtcMPUEventSub", { AppId });
  assert.equal(body.SubInfo.CallbackUrl, "https://example.com/relay");
  const other = await tenant.ok("POST", "/applications", { name: "other" });
  const sub = { AppId: other.id, CallbackUrl: "https://example.com/other" };
  assert.equal((await tenant.alibaba("CreateRtcMPUEventSub", sub)).status, 200);
  assertProblem(await tenant.call("DELETE", `/applications/${other.id}`), 409, `/api/v1/applications/${other.id}`);
  assert.equal((await tenant.alibaba("DeleteRtcMPUEventSub", { AppId: other.id })).status, 200);
  assert.equal((await tenant.get(`/applications/${other.id}`)).name, "other");
  assert.equal((await tenant.call("DELETE", `/applications/${other.id}`)).status, 204);
});

test("settings show what holds, and take no others", async () => {
  const tenant = await gate.tenant();
  const { Settings } = openapi.components.schemas;
  const shown = await tenant.get("/settings");
  assertDescribed(shown, Settings, "the settings");
  const documented = Object.entries(Settings.properties).filter(([, { default: value }]) => value !== undefined);
  assert.deepEqual(shown, Object.fromEntries(documented.map(([name, { default: value }]) => [name, value])));
  const meituan = { algorithm: "hmac-sha256", encoding: "hex", message: ["body"], signature: { header: "x-sign" } };
  const changes = { meituan_default: meituan, callback_levels: ["tenant", "room"], rooms_inherit: true, artc_users: 20 };
  assert.deepEqual(await tenant.ok("PATCH", "/settings", changes), { ...shown, ...changes });
  assert.deepEqual(await tenant.get("/settings"), { ...shown, ...changes });
  const back = Object.fromEntries(Object.keys(changes).map((name) => [name, null]));
  assert.deepEqual(await tenant.ok("PATCH", "/settings", back), shown);
  assert.deepEqual(
    wrong(await tenant.call("PATCH", "/settings", {
      ...{ meituan_default: { algorithm: "hmac-sha256" }, callback_levels: ["job", "planet"], platform_auth_type: "NONE" },
      ...{ artc_users: 31, artc_single_tasks: 0, room_update: "maybe", colour: "red" },
    })).map((text) => text.split(" ")[0]),
    ["colour", "room_update"],
    "shapes first",
  );
  assert.deepEqual(
    wrong(await tenant.call("PATCH", "/settings", {
      ...{ callback_levels: ["job", "planet"], platform_auth_type: "NONE", artc_users: 31, artc_single_tasks: 0 },
    })),
    ["artc_single_tasks request.out_of_range", "artc_users request.out_of_range", "callback_levels.1 request.shape", "platform_auth_type request.shape"],
  );
  assert.deepEqual(await tenant.get("/settings"), shown);
});

test("docs/settings.md has every setting with its default", async () => {
  const page = readFileSync(new URL("../docs/settings.md", import.meta.url), "utf8");
  const [, table] = /\n## 1\.[^]*?\n\|---\|---\|---\|\n([^]*?)\n\n/.exec(page);
  const rows = table.split("\n").map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  const documented = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  const shown = await (await gate.tenant()).get("/settings");
  const text = (value) => (Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value));
  const wanted = Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, text(value)]));
  assert.deepEqual(documented, { ...wanted, meituan_default: "–" });
  assert.deepEqual(Object.keys(documented).sort(), Object.keys(openapi.components.schemas.Settings.properties).sort());
  for (const name of Object.keys(documented)) assert.match(page, new RegExp(`\n### 1\\.\\d+ .*\`${name}\``), name);
});

test("MEITUAN_DEFAULT is refused until the tenant says what it is, and signs as it says then", async (t) => {
  const there = await receive(t);
  const tenant = await gate.tenant();
  const url = there.url.replace("http://", "https://");
  const config = { live_event_type_callback_url: url, auth_type: "MEITUAN_DEFAULT", key: KEY };
  const room = { room_name: "r", live_event_callback_config: config };
  const { auth_token, project_id } = tenant.credentials;
  const create = () => gate.call("POST", `/v1/${project_id}/smart-live-rooms`, { json: room, headers: { "x-auth-token": auth_token } });
  const refused = await create();
  assert.equal(refused.status, 400);
  assert.match(refused.body.error_msg, /auth_type/);
  const scheme = { algorithm: "hmac-sha256", encoding: "hex", message: ["body"], signature: { header: "x-sign" } };
  await tenant.ok("PATCH", "/settings", { meituan_default: scheme });
  assert.ok((await create()).status < 300);
  const [{ signing }] = (await tenant.get("/endpoints")).items;
  assert.deepEqual(signing, { scheme: "MEITUAN_DEFAULT", custom: scheme });
});

test("what follows from a vendor's configuration is changed there, but for what is its owner's", async () => {
  const tenant = await gate.tenant();
  const live_event_callback_config = { live_event_type_callback_url: "https://example.com/cb", auth_type: "MSS_A_HEAD", key: KEY };
  const { room_id } = await tenant.studio("POST", "/smart-live-rooms", { room_name: "r", live_event_callback_config });
  const [endpoint] = (await tenant.get("/endpoints")).items;
  const [subscription] = (await tenant.get("/subscriptions")).items;
  assert.deepEqual([endpoint.managed, subscription.managed], [`room/${room_id}`, `room/${room_id}`]);
  assertDescribed(endpoint, openapi.components.schemas.Endpoint, "an endpoint");
  assertDescribed(subscription, openapi.components.schemas.Subscription, "a subscription");
  const [at, sub] = [`/endpoints/${endpoint.id}`, `/subscriptions/${subscription.id}`];
  for (const [method, path, json] of [
    ...[["PATCH", at, { url: "https://example.com/other" }], ["DELETE", at], ["POST", `${at}/rotate`, { key: "k" }]],
    ...[["PATCH", sub, { ordered: false }], ["DELETE", sub]],
  ]) {
    const answer = await tenant.call(method, path, json);
    assertProblem(answer, 409, `/api/v1${path}`);
    assert.equal(answer.body.code, "tenant.managed");
    const template = path.replace(/(ep|sub)_[0-9a-f]{32}/, "{id}");
    assert.ok("409" in openapi.paths[`/api/v1${template}`][method.toLowerCase()].responses, `${method} ${template}`);
  }
  const own = { timeout_s: 5, rate_per_s: 3, headers: { "x-a": "1" }, retry: { schedule_s: [0] }, max_block_s: 60, secrets: "intact", enabled: false };
  for (const [name, value] of Object.entries(own)) await tenant.ok("PATCH", at, { [name]: value });
  for (const what of [endpoint, subscription]) {
    const collection = what === endpoint ? "endpoints" : "subscriptions";
    const answer = await tenant.call("POST", `/${collection}`, { url: "https://example.com/", endpoint: endpoint.id, managed: "room/x" });
    assert.equal(answer.status, 422, "nobody makes one so");
  }
});

test("the document has the words that the gateway takes", async () => {
  const tenant = await gate.tenant();
  const { SourceInput, EndpointInput } = openapi.components.schemas;
  const words = async (path, json, field) => {
    const { body } = await tenant.call("POST", path, json);
    return body.violations.find((one) => one.path === field).detail.replace(/^.*one of /, "").split(", ");
  };
  const formats = await words("/endpoints", { url: "https://example.com/", format: "?" }, "format");
  // Endpoints of this format follow from the tenant's configuration alone.
  assert.deepEqual(formats.filter((word) => word !== "site"), EndpointInput.properties.format.enum);
  assert.deepEqual(wrong(await tenant.call("POST", "/endpoints", { url: "https://example.com/", format: "site" })), ["format endpoint.format_managed"]);
  const source = { name: "x", scheme: "NONE" };
  assert.deepEqual(await words("/sources", { ...source, dialect: "?" }, "dialect"), SourceInput.properties.dialect.enum);
  assert.deepEqual(await words("/sources", { ...source, scheme: "?" }, "scheme"), SourceInput.properties.scheme.enum);
});

test("endpoints of every format, and words of sources, are shown as they were given", async () => {
  const tenant = await gate.tenant();
  const { EndpointInput, Endpoint, Source } = openapi.components.schemas;
  for (const format of EndpointInput.properties.format.enum) {
    const url = format === "email" ? "mailto:a@example.com,b@example.com" : "https://example.com/";
    const message = ["mail", "sms", "email"].includes(format) ? { to: ["a"], from: "b", template: { text: "{{text}}" } } : undefined;
    const { id, secret } = await tenant.endpoint(url, { format, app_id: "7", ...(message && { message }) });
    const shown = await tenant.get(`/endpoints/${id}`);
    assertDescribed(shown, Endpoint, format);
    assert.deepEqual([shown.url, shown.format, shown.app_id, shown.message], [url, format, "7", message]);
    const isForPeople = ["slack", "feishu", "dingtalk", "mail", "sms", "email"].includes(format);
    assert.equal(shown.signing.scheme, isForPeople ? "NONE" : "standard-webhooks");
    assert.equal(secret === undefined, isForPeople);
  }
  assert.deepEqual(
    wrong(await tenant.call("POST", "/endpoints", { url: "https://example.com/", format: "slack", message: { to: [] } })),
    ["message endpoint.message_not_used"],
  );
  const many = { to: Array.from({ length: 51 }, () => "a") };
  assert.deepEqual(wrong(await tenant.call("POST", "/endpoints", { url: "https://example.com/", format: "sms", message: many })), ["message endpoint.message"]);
  assert.deepEqual(wrong(await tenant.call("POST", "/endpoints", { url: "https://example.com/", format: "email" })), ["url endpoint.email"]);
  const words = { StartVideo: "video.start" };
  const source = await tenant.ok("POST", "/sources", { name: "artc", scheme: "NONE", dialect: "artc", words });
  assertDescribed(source, Source, "a source");
  assert.deepEqual(source.words, words);
  assert.deepEqual(wrong(await tenant.call("PATCH", `/sources/${source.id}`, { dialect: "trtc" })), ["words dialect.words_not_used"]);
});

/** A tenant with one of everything, and the ids of it. */
async function furnished(t) {
  const there = await receive(t, 500);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoint = await tenant.connect(there.url, { retry: { schedule_s: [0], jitter_percent: 0 } });
  await source.accept(relayState("room", "CONNECTED"));
  await source.raw("{}");
  const [event] = await tenant.items("/events", 1);
  assertDescribed(event, openapi.components.schemas.EventSummary, "an event");
  const [relay] = await tenant.items("/relays", 1);
  assertDescribed(relay, openapi.components.schemas.Relay, "a relay");
  const [rejection] = await tenant.items("/rejections", 1);
  await tenant.items("/deliveries?status=parked", 1);
  const { id } = await tenant.ok("POST", "/replays", { channel: "no such room" });
  await until(() => tenant.get(`/replays/${id}`), ({ state }) => state === "done");
  const application = await tenant.ok("POST", "/applications", { name: "theirs" });
  const ids = {
    ...{ sources: source.id, endpoints: endpoint.id, subscriptions: endpoint.subscription.id },
    ...{ events: event.id, rejections: rejection.id, replays: id },
    ...{ applications: application.id, credentials: tenant.credentials.credentials },
  };
  return { tenant, source, there, ids };
}

/** Everything that a tenant can see of itself. */
async function inventory(tenant) {
  const all = {};
  for (const list of ["sources", "endpoints", "subscriptions", "events", "deliveries", "rejections", "replays", "audit", "applications", "credentials", "notices", "relay-tasks", "relays"]) {
    all[list] = (await tenant.get(`/${list}`)).items;
  }
  return all;
}

test("no token opens any route, and no other token does", async () => {
  const nobody = [{}, { token: "" }, { token: "lgt_nobody" }, { token: "nonsense" }, { headers: { authorization: `Basic ${Buffer.from("a:b").toString("base64")}` } }];
  let checked = 0;
  for (const { path, method } of operations) {
    if (!path.startsWith("/api/v1/")) continue;
    checked += 1;
    const where = path.replace("{tenant}", "default").replace(/\{\w+\}/g, "x");
    for (const who of nobody) {
      const answer = await gate.call(method, where, { ...who, ...(method === "GET" ? {} : { json: {} }) });
      assertProblem(answer, path.startsWith("/api/v1/tenants") && who.token === "lgt_nobody" ? 403 : 401, where);
    }
  }
  assert.ok(checked > 30, `${checked} routes`);
});

test("a tenant's token opens none of the admin's routes", async () => {
  const tenant = await gate.tenant();
  for (const [method, path] of [["GET", ""], ["POST", ""], ["GET", `/${tenant.name}`]]) {
    const where = `/api/v1/tenants${path}`;
    const answer = await gate.call(method, where, { token: tenant.token, ...(method === "POST" ? { json: { name: "mine" } } : {}) });
    assertProblem(answer, 403, where);
  }
  assert.equal((await gate.admin("GET", "/api/v1/tenants/mine")).status, 404);
  const other = await gate.tenant();
  const named = await tenant.call("GET", "/sources", undefined, { headers: { "livegate-tenant": other.name } });
  assert.deepEqual(named.body.items, [], "a tenant's token names no other tenant");
  await other.source();
  assert.deepEqual((await tenant.call("GET", "/sources", undefined, { headers: { "livegate-tenant": other.name } })).body.items, []);
});

test("with another tenant's ids every route answers 404, and nothing happens", async (t) => {
  const { tenant: theirs, ids, there, source } = await furnished(t);
  const mine = await gate.tenant();
  const before = await inventory(theirs);
  const calls = there.calls.length;
  const own = await mine.endpoint("https://example.com/");
  const bodies = {
    ...{ changeSource: { name: "stolen" }, changeEndpoint: { name: "stolen" }, changeSubscription: { ordered: false } },
    ...{ rotateSource: { key: "stolen" }, rotateEndpoint: {}, replayEvent: {}, changeApplication: { name: "stolen" } },
  };
  let checked = 0;
  for (const { path, method, operation } of operations) {
    const [, collection] = /^\/api\/v1\/(\w+)\/\{id\}/.exec(path) ?? [];
    if (!collection) continue;
    checked += 1;
    assert.ok(ids[collection], `no id for ${path}`);
    const where = path.replace("{id}", ids[collection]);
    const json = bodies[operation.operationId] ?? (method === "GET" || method === "DELETE" ? undefined : {});
    const answer = await gate.call(method, where, { token: mine.token, json });
    assertProblem(answer, 404, where);
    assert.ok("404" in operation.responses, `${method} ${path} is documented to answer so`);
  }
  assert.ok(checked >= 21, `${checked} routes`);

  // Nor do lists and filters show any of it, nor can it be referred to.
  for (const [list, items] of Object.entries(await inventory(mine))) {
    const mineAlone = [own.id, mine.credentials.app_id, mine.credentials.credentials];
    assert.deepEqual(items.filter(({ id, object }) => !mineAlone.includes(object ?? id)), [], list);
  }
  for (const query of [
    ...[`events?source=${ids.sources}`, "events?channel=room", `deliveries?endpoint=${ids.endpoints}`],
    ...[`deliveries?event=${ids.events}`, `deliveries?subscription=${ids.subscriptions}`, `rejections?source=${ids.sources}`],
  ]) {
    assert.deepEqual((await mine.get(`/${query}`)).items, [], query);
  }
  const endpoint = { endpoint: ids.endpoints };
  assert.deepEqual(wrong(await mine.call("POST", "/subscriptions", endpoint)), ["endpoint subscription.no_such_thing"]);
  assert.deepEqual(wrong(await mine.call("POST", "/subscriptions", { endpoint: own.id, source: ids.sources })), ["source subscription.no_such_thing"]);
  for (const [name, id] of Object.entries({ endpoint: ids.endpoints, subscription: ids.subscriptions, source: ids.sources })) {
    assert.deepEqual(wrong(await mine.call("POST", "/replays", { [name]: id })), [`${name} replay.no_such_thing`]);
  }
  const replay = await mine.ok("POST", "/replays", { channel: "room" });
  const done = await until(() => mine.get(`/replays/${replay.id}`), ({ state }) => state === "done");
  assert.deepEqual([done.matched, done.queued], [0, 0]);
  // Lists of replays are paged like the others.
  await mine.ok("POST", "/replays", { channel: "room" });
  const first = await mine.get("/replays?limit=1");
  const second = await mine.get(`/replays?limit=1&cursor=${first.next}`);
  assert.deepEqual([second.items.map((item) => item.id), second.next], [[replay.id], null]);

  // Nor do tails.
  const bearer = { authorization: `Bearer ${mine.token}` };
  const tails = [];
  for (const query of ["?channel=room&after=0", `?source=${ids.sources}&after=0`, "?after=0"]) {
    tails.push(await sse(t, `${gate.url}/api/v1/tail${query}`, bearer));
  }
  const witness = await sse(t, `${gate.url}/api/v1/tail?after=0`, { authorization: `Bearer ${theirs.token}` });
  await witness.count(1);
  for (const tail of tails) {
    await tail.opened();
    assert.deepEqual(tail.events, []);
  }
  assert.deepEqual(await inventory(theirs), before);
  assert.equal(there.calls.length, calls, "and nobody was called");
  await source.accept(relayState("room", "END"));
  await there.count(calls + 1);
});

test("the OpenAPI document and the health check need no token", async () => {
  const document = await gate.call("GET", "/api/openapi.json");
  assert.deepEqual([document.status, document.body.openapi.slice(0, 3)], [200, "3.1"]);
  assert.deepEqual(document.body, openapi);
  assert.equal((await gate.call("GET", "/healthz")).body.status, "ok");
  assert.equal((await gate.call("GET", "/healthz?hop=1")).body.status, "ok");
});
