// A relay host beside the gateway that `make run` serves: made there once, started, and stopped with it.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { bound } from "./gateway.mjs";

const NAME = "local";
/** How long a host may take to end by itself (docs/relay-host.md §6), and some more. */
const DRAIN_MS = 15_000;

const say = (text) => console.log(`relay: ${text}`);

/**
 * Starts a host under a gateway; without one, says why and returns nothing.
 *
 * @param {object} options
 * @param {string} options.binary path of `livegate`
 * @param {Gateway} options.gateway the running gateway
 * @param {string} options.rtmp where RTMP is spoken
 * @param {string} options.http where HTTP is answered
 * @param {string} [options.egress] "public": to public addresses only
 * @param {string} [options.places] what is said of where to publish and to watch
 */
export async function startRelay({ binary, gateway, rtmp, http, egress, places }) {
  for (const [name, address] of Object.entries({ RTMP: rtmp, HTTP: http })) {
    if (await isInUse(address)) {
      say(`${address} is in use, so there is no relay host: choose another with ${name}=, or say RELAY=no`);
      return undefined;
    }
  }
  const { data } = gateway;
  const token = join(data, "relay-host-token");
  try {
    await prepare(gateway, token);
  } catch (error) {
    say(`there is no relay host: ${error.message}`);
    return undefined;
  }
  const child = spawn(
    ...bound(binary, [
      ...["relay", "--gateway", gateway.url, "--token-file", token, "--data", join(data, "relay")],
      ...["--credentials", join(data, "relay-credentials.json"), "--rtmp", rtmp, "--http", http],
      ...(egress === "public" ? [] : ["--private-networks"]),
    ]),
    // A process group of its own: Ctrl-C reaches this process alone, which then ends the host.
    { detached: true, stdio: ["ignore", "ignore", "pipe"] },
  );
  for (const line of places?.split("\n") ?? []) say(line);
  createInterface({ input: child.stderr }).on("line", say);
  return new Relay(child);
}

class Relay {
  #child;
  #isStopping = false;

  constructor(child) {
    this.#child = child;
    this.ended = new Promise((ended) => {
      child.once("close", (code, signal) => ended(`status ${code ?? signal}`));
      child.once("error", (error) => ended(error.message));
    });
    this.ended.then((how) => {
      if (!this.#isStopping) say(`the host ended by itself (${how}); the gateway goes on`);
    });
  }

  /** Ends the host: asks first, and insists after a while. */
  async stop() {
    this.#signal("SIGTERM");
    const late = setTimeout(() => this.kill(), DRAIN_MS);
    await this.ended;
    clearTimeout(late);
  }

  /** Ends it at once. */
  kill() {
    this.#signal("SIGKILL");
  }

  #signal(name) {
    this.#isStopping = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(name);
  }
}

/** Makes the host at the gateway, unless its token is one that the gateway knows. */
async function prepare(gateway, path) {
  const known = fs.existsSync(path) && fs.readFileSync(path, "utf8").trim();
  if (known && (await mayConnect(gateway, known))) return;
  const answer = await fetch(`${gateway.url}/api/v1/relay-hosts`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.adminToken}` },
    body: JSON.stringify({ name: NAME }),
    signal: AbortSignal.timeout(10_000),
  });
  const body = await answer.json();
  if (answer.status !== 201) throw new Error(`the gateway makes none (${answer.status} ${body.code})`);
  fs.rmSync(path, { force: true });
  fs.writeFileSync(path, `${body.token}\n`, { mode: 0o600 });
}

/** Whether the gateway lets a host with that token in. */
function mayConnect(gateway, token) {
  const headers = {
    authorization: `Bearer ${token}`,
    ...{ connection: "Upgrade", upgrade: "websocket" },
    ...{ "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64") },
  };
  return new Promise((found, fail) => {
    const asked = request(`${gateway.url}/api/v1/relay-hosts/link`, { headers, timeout: 10_000 });
    asked.on("upgrade", (_, socket) => {
      socket.destroy();
      found(true);
    });
    asked.on("response", (answer) => {
      answer.resume();
      if (answer.statusCode === 401) found(false);
      else fail(new Error(`the gateway answers ${answer.statusCode}`));
    });
    asked.on("timeout", () => asked.destroy(new Error("the gateway does not answer"))).on("error", fail).end();
  });
}

/** Whether something listens there already. An address that is none is left to the host to complain of. */
function isInUse(address) {
  const [, host, port] = address.match(/^\[?(.*?)\]?:(\d+)$/) ?? [];
  if (port === undefined) return Promise.resolve(false);
  return new Promise((found) => {
    const server = createServer();
    server.once("error", (error) => found(error.code === "EADDRINUSE"));
    server.listen(Number(port), host, () => server.close(() => found(false)));
  });
}
