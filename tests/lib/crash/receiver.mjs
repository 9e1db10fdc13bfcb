// One server with many receivers, each behind a path of its own and with a manner of its own. It
// writes down everything that arrives, in order.

import { createServer } from "node:http";

import { until } from "./until.mjs";

/** Answers nothing, ever. */
export const STALL = "stall";
/** Breaks the connection. */
export const RESET = "reset";

/**
 * @typedef {object} Receipt
 * @property {number} at its place among all receipts of all receivers
 * @property {string} id the event's id
 * @property {string} job what the vendor named the event
 * @property {string} channel
 * @property {number} seq its place in its channel's log
 * @property {number} epoch how many times the gateway had been killed
 * @property {boolean} taken whether it was answered 2xx
 * @property {number} closed the place at which a stalled request ended; Infinity while it has not
 */

/** A receiver: what it was sent, and what it answers. */
export class Receiver {
  /** @type {Receipt[]} */
  receipts = [];
  /** By event: the receipts of it. */
  of = new Map();
  /** Events that were taken at least once. */
  taken = new Set();

  /**
   * @param {(receipt: Receipt, before: Receipt[]) => unknown} manner a status, STALL, RESET,
   *   [status, headers], or a promise of one of these
   */
  constructor(name, manner) {
    this.name = name;
    this.manner = manner;
  }
}

export class Receivers {
  #server;
  #sockets = new Set();
  #all = new Map();
  #strangers = [];
  #at = 0;
  /** How many times the gateway was killed. */
  epoch = 0;

  static async listen() {
    const receivers = new Receivers();
    receivers.#server = createServer((request, response) => receivers.#take(request, response));
    receivers.#server.keepAliveTimeout = 60_000;
    receivers.#server.on("connection", (socket) => {
      receivers.#sockets.add(socket);
      socket.once("close", () => receivers.#sockets.delete(socket));
    });
    await new Promise((done) => receivers.#server.listen(0, "127.0.0.1", done));
    return receivers;
  }

  add(name, manner) {
    const receiver = new Receiver(name, manner);
    this.#all.set(`/${name}`, receiver);
    return receiver;
  }

  url(name) {
    return `http://127.0.0.1:${this.#server.address().port}/${name}`;
  }

  /** The place that the next receipt has. */
  get now() {
    return this.#at;
  }

  /** What came to paths that no receiver has. */
  get strangers() {
    return this.#strangers;
  }

  /** The gateway is dead: what it had sent is read to its end, and what comes now is another's. */
  async bury() {
    await until("connections of a dead gateway end", 120_000, () => this.#sockets.size === 0);
    this.epoch += 1;
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #take(request, response) {
    const chunks = [];
    request.on("error", () => {});
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const receiver = this.#all.get(request.url);
      if (receiver === undefined) {
        this.#strangers.push(request.url);
        response.writeHead(200).end();
        return;
      }
      const event = JSON.parse(Buffer.concat(chunks).toString());
      const receipt = {
        at: this.#at++,
        id: request.headers["webhook-id"],
        job: event.data.job_id,
        channel: event.subject,
        seq: Number(event.sequence),
        epoch: this.epoch,
        taken: false,
        closed: Infinity,
      };
      const before = receiver.of.get(receipt.job) ?? [];
      const chosen = receiver.manner(receipt, before);
      receiver.of.set(receipt.job, [...before, receipt]);
      receiver.receipts.push(receipt);
      const answer = chosen instanceof Promise ? await chosen : chosen;
      if (answer === STALL) {
        request.socket.once("close", () => (receipt.closed = this.#at));
      } else if (answer === RESET) {
        request.socket.resetAndDestroy();
      } else {
        const [status, headers] = Array.isArray(answer) ? answer : [answer, {}];
        receipt.taken = status >= 200 && status < 300;
        if (receipt.taken) receiver.taken.add(receipt.job);
        response.writeHead(status, headers).end();
      }
    });
  }
}
