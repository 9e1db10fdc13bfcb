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
    ...["sources", "endpoints", "subscriptions", "events", "deliveries", "rejections", "audit"].map((list) => `/${list}?cursor=abc`),
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

/** A tenant with one of everything, and the ids of it. */
async function furnished(t) {
  const there = await receive(t, 500);
  const tenant = await gate.tenant();
  const source = await tenant.source();
  const endpoint = await tenant.connect(there.url, { retry: { schedule_s: [0], jitter_percent: 0 } });
  await source.accept(relayState("room", "CONNECTED"));
  await source.raw("{}");
  const [event] = await tenant.items("/events", 1);
  const [rejection] = await tenant.items("/rejections", 1);
  await tenant.items("/deliveries?status=parked", 1);
  const { id } = await tenant.ok("POST", "/replays", { channel: "no such room" });
  await until(() => tenant.get(`/replays/${id}`), ({ state }) => state === "done");
  const ids = {
    ...{ sources: source.id, endpoints: endpoint.id, subscriptions: endpoint.subscription.id },
    ...{ events: event.id, rejections: rejection.id, replays: id },
  };
  return { tenant, source, there, ids };
}

/** Everything that a tenant can see of itself. */
async function inventory(tenant) {
  const all = {};
  for (const list of ["sources", "endpoints", "subscriptions", "events", "deliveries", "rejections", "replays", "audit"]) {
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
    const where = path.replace("{tenant}", "default").replace("{id}", "x");
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
    ...{ rotateSource: { key: "stolen" }, rotateEndpoint: {}, replayEvent: {} },
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
  assert.ok(checked >= 17, `${checked} routes`);

  // Nor do lists and filters show any of it, nor can it be referred to.
  for (const [list, items] of Object.entries(await inventory(mine))) {
    const other = items.filter(({ id, object }) => id !== own.id && object !== own.id);
    assert.deepEqual(other, [], list);
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
