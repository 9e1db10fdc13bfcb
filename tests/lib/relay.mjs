// A relay host as its users have it: `livegate relay` with RTMP and HTTP on ports of its own, publish
// tokens, the native API, and what it told of its streams and pushes. It ends with the test.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { root } from "../../tools/gateway.mjs";
import { freePort } from "./ports.mjs";
import { receive } from "./receiver.mjs";
import { LIMIT_MS, until } from "./wait.mjs";

export const binary = process.env.LIVEGATE_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/livegate");

export const APP = "live";
export const CHANNEL = "room1";
export const USER = "ann";
export const API_TOKEN = "0123456789abcdef0123456789abcdef";
const KEY = "fedcba9876543210fedcba9876543210";
const CALLBACK_KEY = Buffer.alloc(32, 7).toString("base64");

/** A publish token, or with `lgv1` a play token, made as docs/spec/relay.md §7 says. */
export function token(who = {}) {
  const { app = APP, channel = CHANNEL, user = USER, seconds = 600, picture = "*", key = KEY, version = "lgp1" } = who;
  const until = Math.floor(Date.now() / 1_000) + seconds;
  const signed = `${version}.${Buffer.from([app, channel, user, until, picture].join("\n")).toString("base64url")}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/**
 * A relay host that serves.
 *
 * @param {import("node:test").TestContext} t which ends it
 * @param {{settings?: Record<string, number>, application?: object, args?: string[],
 *   gateway?: {url: string, token: string}, through?: string[]}} options its settings by name, what its
 *   application has beside a key, what else stands on its command line, which gateway it is under, and a
 *   command that becomes the host's
 */
export async function host(t, { settings = {}, application = {}, args = [], gateway, through = [] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "livegate-host-"));
  const credentials = join(folder, "credentials.json");
  const receiver = await receive(t, 204);
  const callback = { url: receiver.url, secret: `whsec_${CALLBACK_KEY}` };
  const applications = [{ app: APP, publish_keys: [KEY], callback, ...application }];
  await writeFile(credentials, JSON.stringify({ api_tokens: [API_TOKEN], applications }), { mode: 0o600 });
  const under = gateway ? ["--gateway", gateway.url, "--token-file", join(folder, "token")] : [];
  if (gateway) await writeFile(join(folder, "token"), `${gateway.token}\n`, { mode: 0o600 });
  const set = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const made = new Host(folder, receiver, ["--credentials", credentials, ...under, ...set, ...args], through);
  t.after(async () => {
    await made.kill();
    await rm(folder, { recursive: true, force: true });
  });
  await made.start();
  return made;
}

class Host {
  constructor(folder, receiver, args, through) {
    this.folder = folder;
    this.through = through;
    this.receiver = receiver;
    this.args = args;
    this.log = "";
  }

  /** Starts it, the next time at the ports of the first. */
  async start() {
    this.ports ??= { rtmp: await freePort(), http: await freePort() };
    const { rtmp, http } = this.ports;
    const places = ["--rtmp", `127.0.0.1:${rtmp}`, "--http", `127.0.0.1:${http}`, "--data", join(this.folder, "data")];
    const [file, ...rest] = [...this.through, binary, "relay", "--private-networks", ...places, ...this.args];
    const child = spawn(file, rest, { stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    this.ended = new Promise((done) => child.once("close", done).once("error", done));
    let has_ended = false;
    this.ended.then(() => (has_ended = true));
    const served = {};
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.log += `${line}\n`;
      const [, scheme, port] = line.match(/(rtmps?|http):\/\/[^ ]*:(\d+) is served/) ?? [];
      if (scheme) served[scheme] = Number(port);
    });
    await until(() => has_ended || (served.rtmp && served.http));
    assert.ok(!has_ended, this.log);
    this.ports = { ...this.ports, ...served };
  }

  /** Ends it, by SIGKILL unless another signal is named. */
  async kill(signal = "SIGKILL") {
    this.child.kill(signal);
    await this.ended;
  }

  /** Where a user publishes. */
  publishing(who = {}) {
    const { app = APP, channel = CHANNEL, user = USER } = who;
    return `${this.playing(channel, app)}?user=${user}&token=${token(who)}`;
  }

  /** Where a channel is played. */
  playing(channel = CHANNEL, app = APP) {
    return `rtmp://127.0.0.1:${this.ports.rtmp}/${app}/${channel}`;
  }

  /** A call of its API: the status and the body. */
  async api(method, path, body) {
    const response = await fetch(`http://127.0.0.1:${this.ports.http}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  /** Starts or changes a task; it has to be taken. */
  async task(targets, more = {}) {
    const task = { app_id: APP, id: "t1", channel: CHANNEL, user: USER, targets, ...more };
    const { status, body } = await this.api("POST", "relay-tasks", task);
    assert.ok(status === 200 || status === 201, `${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** A task as it is shown. */
  async show(id = "t1") {
    const { status, body } = await this.api("GET", `relay-tasks/livegate/${APP}/${id}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  async stop(id = "t1") {
    return (await this.api("DELETE", `relay-tasks/livegate/${APP}/${id}`)).status;
  }

  /** Waits until a push of a task is in a state, and shows it. */
  async reaches(state, { id = "t1", push = 0, limit } = {}) {
    const task = await until(() => this.show(id), ({ pushes }) => pushes[push]?.state === state, limit);
    return task.pushes[push];
  }

  /** The same of the disk: what it would know after a crash. */
  async keeps(state, url) {
    const states = () => this.rows(`SELECT state FROM pushes WHERE url = '${url}'`).flat();
    await until(states, (found) => found.includes(state));
  }

  /** Waits until all that was published in a channel has been read, and its stream is over. */
  async gone(channel = CHANNEL) {
    await until(async () => (await this.streams()).every((stream) => stream.channel !== channel));
  }

  /** What a statement says of its database: the rows. */
  rows(sql) {
    const script = `import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
rows = db.execute(sys.argv[2]).fetchall()
db.commit()
print(json.dumps(rows))`;
    return JSON.parse(execFileSync("python3", ["-c", script, this.database, sql], { encoding: "utf8" }));
  }

  /** Lets the host write nothing to its disk, until what is returned is called: another has its database's lock. */
  async jam(t) {
    const script = `import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True); sys.stdin.read()`;
    const child = spawn("python3", ["-c", script, this.database], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(child, "close");
    const release = () => {
      child.stdin.end();
      return ended;
    };
    t.after(release);
    await once(child.stdout, "data");
    return release;
  }

  get database() {
    return join(this.folder, "data", "host.db");
  }

  /** The streams that are there. */
  async streams() {
    return (await this.api("GET", "streams")).body.items;
  }

  /**
   * Everything that it has told of so far, in the order in which it first came: each signed (Standard
   * Webhooks 1.0.0), each body the same whenever it comes.
   */
  told() {
    const known = new Map();
    for (const { headers, body } of this.receiver.calls) {
      const id = headers["webhook-id"];
      const signed = createHmac("sha256", Buffer.from(CALLBACK_KEY, "base64"));
      const signature = signed.update(`${id}.${headers["webhook-timestamp"]}.${body}`).digest("base64");
      assert.equal(headers["webhook-signature"], `v1,${signature}`);
      assert.equal(known.get(id) ?? body, body);
      known.set(id, body);
    }
    return [...known.values()].map((body) => JSON.parse(body));
  }

  /** When it said that the push to an address was in a state for the first time, by its own clock. */
  saidAt(url, state) {
    const found = this.#told(url).find(({ link }) => link === state);
    return found && Date.parse(found.time);
  }

  /** What it told of the push to an address so far, oldest first. */
  #told(url) {
    // A stream's name may be its key.
    const shown = `${url.slice(0, url.lastIndexOf("/"))}/***`;
    return this.told().filter((event) => event.type === "relay.state" && event.url === shown);
  }

  /** The states of the push to an address so far, each as `STATE` or `STATE code`, oldest first. */
  states(url) {
    return this.#told(url).map(({ link, code }) => (code ? `${link} ${code}` : link));
  }

  /** Waits until it has told of so many states, which have to be these. */
  async tells(url, wanted) {
    const told = () => this.states(url);
    await until(told, ({ length }) => length >= wanted.length).catch(() => {});
    assert.deepEqual(told(), wanted);
  }

  /** Waits until nobody publishes in a channel any more, as the host sees it: all that came is read. */
  async drained(channel = CHANNEL) {
    await until(async () => (await this.streams()).every((stream) => stream.channel !== channel));
  }

  /** A number of /proc/PID/status, such as VmRSS, in bytes. */
  async memory(name = "VmRSS") {
    const status = await readFile(`/proc/${this.child.pid}/status`, "utf8");
    return Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m"))[1]) * 1_024;
  }
}
