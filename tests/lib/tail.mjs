// Listeners: server-sent events as a browser reads them, and WebSockets.

import assert from "node:assert/strict";

import { until } from "./wait.mjs";

const Socket = globalThis.WebSocket ?? (await import("undici")).WebSocket;

/** Opens a stream of server-sent events; it has to be granted. */
export async function sse(t, url, headers = {}) {
  const controller = new AbortController();
  const answer = await fetch(url, { headers, signal: controller.signal });
  assert.equal(answer.status, 200, answer.status === 200 ? "" : await answer.text());
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  const stream = new Stream(answer.body, controller);
  t.after(() => stream.close());
  return stream;
}

/** WHATWG HTML, 9.2.6: a block without data changes the last event id, and nothing else. */
class Stream {
  /** Dispatched events: `{id, event, data}`. */
  events = [];
  /** The last event id; undefined before the first block. */
  lastId = undefined;
  ended = false;

  constructor(body, controller) {
    this.controller = controller;
    this.#read(body).finally(() => (this.ended = true)).catch(() => {});
  }

  async #read(body) {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        this.#block(text.slice(0, end));
      }
    }
  }

  #block(block) {
    const fields = { event: "message", data: undefined };
    for (const line of block.split("\n")) {
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (name === "id") this.lastId = value;
      else if (name) fields[name] = value;
    }
    if (fields.data !== undefined) {
      this.events.push({ id: this.lastId, event: fields.event, data: JSON.parse(fields.data) });
    }
  }

  async opened() {
    await until(() => this.lastId !== undefined);
    return this.lastId;
  }

  async count(wanted) {
    await until(() => this.events.length, (count) => count >= wanted);
    return this.events;
  }

  close() {
    this.controller.abort();
  }
}

/** Opens a WebSocket; rejects when it is not granted. */
export async function websocket(t, url) {
  const socket = new Socket(url.replace(/^http/, "ws"));
  const messages = [];
  socket.addEventListener("message", ({ data }) => messages.push(JSON.parse(data)));
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  await new Promise((opened, failed) => {
    socket.addEventListener("open", opened);
    socket.addEventListener("error", () => failed(new Error("the socket was not opened")));
  });
  t.after(() => socket.close());
  return {
    socket,
    messages,
    closed,
    async count(wanted) {
      await until(() => messages.length, (count) => count >= wanted);
      return messages;
    },
  };
}
