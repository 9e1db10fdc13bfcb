// A scripted relay host: a WebSocket client that says what a test has it say (docs/spec/relay.md §9). It
// relays nothing.

import { randomUUID } from "node:crypto";

import { WebSocket } from "undici";

import { until } from "./wait.mjs";

/** Makes a host of a tenant's; the answer has its token. */
export const made = (tenant, name = "host") => tenant.ok("POST", "/relay-hosts", { name });

/**
 * Connects with a host's token.
 *
 * @param {import("node:test").TestContext} t which ends the connection
 */
export async function connect(t, gate, token) {
  const url = `${gate.url.replace(/^http/, "ws")}/api/v1/relay-hosts/link`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  const host = new ScriptedHost(socket);
  await new Promise((opened, failed) => {
    socket.addEventListener("open", opened);
    socket.addEventListener("error", () => failed(new Error("the link was not opened")));
  });
  t.after(() => socket.close());
  return host;
}

class ScriptedHost {
  /** Every message so far. */
  heard = [];
  /** How many of them `next` has passed over. */
  #passed = 0;
  #number = 0;

  constructor(socket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => this.heard.push(JSON.parse(data)));
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
  }

  /** Sends a message as it is. */
  raw(text) {
    this.socket.send(text);
  }

  /** Says something; the number of the message. */
  say(type, fields = {}) {
    this.#number += 1;
    this.raw(JSON.stringify({ type, number: this.#number, ...fields }));
    return this.#number;
  }

  /** Says hello and waits for the welcome. */
  async hello({ instance = randomUUID(), pushes = 100, ...fields } = {}) {
    this.say("hello", { protocol: 1, instance, version: "test", capacity: { pushes }, ...fields });
    return this.next("welcome");
  }

  /** The next message of that type that was not seen yet. */
  async next(type, limit) {
    const index = await until(
      () => this.heard.findIndex((message, at) => at >= this.#passed && message.type === type),
      (at) => at >= 0,
      limit,
    );
    this.#passed = index + 1;
    return this.heard[index];
  }

  /** Waits for a start and confirms it. */
  async started(limit) {
    const start = await this.next("start", limit);
    this.say("done", { command: start.command });
    return start;
  }

  /** Says that a task has ended. */
  ended({ key, epoch, revision }, state = "stopped_by_user", code) {
    return this.say("ended", { key, epoch, revision, state, code });
  }

  /** A round trip: what was said before has been heard when it is over, and what that led to is here. */
  async settled() {
    const number = this.say("renew", { tasks: [] });
    await until(() => this.heard.some(({ type, answers }) => type === "granted" && answers === number));
  }

  /** Goes on saying how it is, as hosts do. */
  beat(t) {
    const timer = setInterval(() => this.say("status"), 300);
    t.after(() => clearInterval(timer));
  }

  /** How many messages of that type there were. */
  count(type) {
    return this.heard.filter((message) => message.type === type).length;
  }

  close() {
    this.socket.close();
    return this.closed;
  }
}
