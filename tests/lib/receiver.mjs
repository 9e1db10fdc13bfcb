// Receivers on loopback whose behaviour is scripted, call by call.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./wait.mjs";

/**
 * What a receiver does with one call: a status; or a status with headers and a body; or one of
 * `stall` (reads and never answers), `reset` (a TCP reset in place of an answer), `cut` (an
 * answer that ends in the middle of its body).
 *
 * @typedef {number | {status: number, headers?: object, body?: string} | "stall" | "reset" | "cut"} Behaviour
 */

/**
 * @param {import("node:test").TestContext} t which ends it
 * @param {Behaviour | ((call: Call, number: number) => Behaviour)} behaviour
 * @param {{key: string, cert: string}} [tls]
 */
export async function receive(t, behaviour = 200, tls) {
  const receiver = new Receiver(behaviour, tls);
  await receiver.listen();
  t.after(() => receiver.close());
  return receiver;
}

class Receiver {
  /** Every call so far: `{at, method, path, headers, body}`. */
  calls = [];

  constructor(behaviour, tls) {
    this.behaviour = behaviour;
    this.tls = tls;
    const take = (request, response) => this.#take(request, response);
    this.server = tls ? createTlsServer(tls, take) : createServer(take);
  }

  async listen() {
    await new Promise((listening) => this.server.listen(0, "127.0.0.1", listening));
    this.port = this.server.address().port;
    this.url = `${this.tls ? "https" : "http"}://127.0.0.1:${this.port}/hook`;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  #take(request, response) {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => {
      const { method, url: path, headers } = request;
      const call = { at: Date.now(), method, path, headers, body: Buffer.concat(chunks).toString() };
      this.calls.push(call);
      const { behaviour } = this;
      const how =
        typeof behaviour === "function" ? behaviour(call, this.calls.length) : behaviour;
      if (how === "stall") return;
      if (how === "reset") return request.socket.resetAndDestroy();
      if (how === "cut") {
        request.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        return;
      }
      const { status, headers: answered = {}, body } = typeof how === "number" ? { status: how } : how;
      response.writeHead(status, answered).end(body);
    });
  }

  /** The calls, once there are so many. */
  async count(wanted, limit) {
    await until(() => this.calls.length, (count) => count >= wanted, limit);
    return this.calls;
  }

  /** The bodies so far, read as JSON. */
  get bodies() {
    return this.calls.map((call) => JSON.parse(call.body));
  }
}

/** A certificate authority of our own, and a certificate of it for 127.0.0.1. */
export function authority() {
  const folder = mkdtempSync(join(tmpdir(), "livegate-ca-"));
  const at = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const key = (name) => ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at(name)];
  openssl("req", "-x509", ...key("ca.key"), "-out", at("ca.pem"), "-days", "2", "-subj", "/CN=Test CA");
  openssl("req", ...key("tls.key"), "-out", at("tls.csr"), "-subj", "/CN=127.0.0.1");
  writeFileSync(at("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  openssl(
    ...["x509", "-req", "-in", at("tls.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
    ...["-CAcreateserial", "-days", "2", "-extfile", at("names"), "-out", at("tls.pem")],
  );
  return {
    path: at("ca.pem"),
    certificate: at("tls.pem"),
    key: at("tls.key"),
    tls: { key: readFileSync(at("tls.key"), "utf8"), cert: readFileSync(at("tls.pem"), "utf8") },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
