// A gateway for a test file, and tenants of it: every test has one of its own.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

import { start } from "../../tools/gateway.mjs";
import { freePort } from "./ports.mjs";
import { mssHeaders, mssQuery, rpc, webhook } from "./sign.mjs";
import { until } from "./wait.mjs";

/** The key of sources that a test does not care about: MetaStudio's are at most 32 characters. */
export const KEY = "GCTbw44s6MPLh4GqgDpnfuFHgy25Enly";

/** The address that such a source has at the vendor. */
export const SIGNED_URL = "https://hooks.example.com/live/studio?room=7&app=3";

/**
 * A world that lives as long as the test file.
 *
 * @param {object | (() => object)} options of `start`
 */
export function world(options = {}) {
  const made = new World();
  before(async () => {
    made.data = mkdtempSync(join(tmpdir(), "livegate-test-"));
    await made.start(typeof options === "function" ? options() : options);
  });
  after(async () => {
    await made.gateway?.stop();
    rmSync(made.data, { recursive: true, force: true });
  });
  return made;
}

export class World {
  /** Text of every answer of the API so far. */
  answers = [];

  async start(options = {}) {
    this.gateway = await start({ data: this.data, port: await freePort(), output: "ignore", ...options });
    this.url = this.gateway.url;
  }

  /**
   * One call of the API.
   *
   * @returns {Promise<{status: number, headers: Headers, text: string, body: any}>}
   */
  async call(method, path, { token, json, body, headers = {} } = {}) {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
      body: json === undefined ? body : JSON.stringify(json),
      redirect: "manual",
    });
    const text = await answer.text();
    this.answers.push({ method, path, status: answer.status, text });
    const isJson = answer.headers.get("content-type")?.includes("json");
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  admin(method, path, json, more = {}) {
    return this.call(method, path, { token: this.gateway.adminToken, json, ...more });
  }

  /** A new tenant. */
  async tenant(name = `t-${randomUUID()}`) {
    const { status, body } = await this.admin("POST", "/api/v1/tenants", { name });
    assert.equal(status, 201);
    return new Tenant(this, body);
  }
}

class Tenant {
  constructor(world, { id, name, token, ...credentials }) {
    Object.assign(this, { world, id, name, token, credentials });
  }

  /** One call of MetaStudio's API below its project, which has to succeed; its body. */
  async studio(method, path, json) {
    const { auth_token, project_id } = this.credentials;
    const headers = { "x-auth-token": auth_token };
    const { status, text, body } = await this.world.call(method, `/v1/${project_id}${path}`, { json, headers });
    assert.ok(status >= 200 && status < 300, `${method} ${path}: ${status} ${text}`);
    return body;
  }

  /** One call of Alibaba's RPC, answered whatever comes. */
  alibaba(Action, params) {
    const { access_key, secret_key } = this.credentials;
    return this.world.call("GET", `/?${rpc({ Action, ...params }, access_key, secret_key)}`);
  }

  /** One call below /api/v1, answered whatever comes. */
  call(method, path, json, more = {}) {
    return this.world.call(method, `/api/v1${path}`, { token: this.token, json, ...more });
  }

  /** One call that has to succeed; its body. */
  async ok(method, path, json) {
    const { status, text, body } = await this.call(method, path, json);
    assert.ok(status >= 200 && status < 300, `${method} ${path}: ${status} ${text}`);
    return body;
  }

  get(path) {
    return this.ok("GET", path);
  }

  /** A source of MetaStudio's that signs in headers, unless said otherwise, and how to send to it. */
  async source(fields = {}) {
    const given = { name: "studio", scheme: "MSS_A_HEAD", ...fields };
    if (/^MSS_/.test(given.scheme)) {
      given.key ??= KEY;
      given.signed_url ??= SIGNED_URL;
    }
    return new Source(this, given, await this.ok("POST", "/sources", given));
  }

  endpoint(url, fields = {}) {
    return this.ok("POST", "/endpoints", { url, ...fields });
  }

  subscribe(endpoint, fields = {}) {
    return this.ok("POST", "/subscriptions", { endpoint: endpoint.id, ...fields });
  }

  /** An endpoint that gets everything. */
  async connect(url, fields = {}, subscription = {}) {
    const endpoint = await this.endpoint(url, fields);
    return { ...endpoint, subscription: await this.subscribe(endpoint, subscription) };
  }

  /** The items of a list, once there are so many; it is filled after the fact. */
  async items(path, count) {
    const { items } = await until(
      () => this.get(path),
      (page) => page.items.length >= count,
    );
    return items;
  }

  /** The newest rejection with that reason. */
  async rejection(reason, source) {
    const query = source ? `?source=${source}` : "";
    const found = (page) => page.items.find((item) => item.reason === reason);
    return found(await until(() => this.get(`/rejections${query}`), (page) => Boolean(found(page))));
  }
}

class Source {
  constructor(tenant, given, shown) {
    Object.assign(this, { tenant, given, shown, id: shown.id, url: shown.url });
  }

  /** What signs a body for this source: headers and query. */
  sign(body, { key = this.given.key, ...options } = {}) {
    const { scheme, signed_url: signed = this.url, canonical_uri: form } = this.given;
    switch (scheme) {
      case "MSS_A":
        return { query: `?${mssQuery(signed, key, { form, ...options })}` };
      case "MSS_A_HEAD":
        return { headers: mssHeaders(signed, key, { form, ...options }) };
      case "standard-webhooks":
        return { headers: webhook(key, body, options) };
      default:
        return {};
    }
  }

  /** A call of the vendor's, as given: nothing is added. */
  async raw(body, { method = "POST", query = "", headers = {} } = {}) {
    const answer = await fetch(this.url + query, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body,
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      duplicate: answer.headers.get("livegate-duplicate") === "true",
      type: answer.headers.get("content-type"),
      text,
    };
  }

  /** A signed call, answered whatever comes. */
  send(body, options) {
    return this.raw(body, this.sign(body, options));
  }

  /** A signed call that has to be taken as something new. */
  async accept(body, options) {
    const answer = await this.send(body, options);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.duplicate, false, "it counts as a duplicate");
    return answer;
  }
}
