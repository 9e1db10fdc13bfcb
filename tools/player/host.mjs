// A relay host for as long as the demo runs: ports of its own on 127.0.0.1, random keys, and a folder that
// is removed. What is published in one channel goes, with messages in it, to another, which the page plays.

import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { bound } from "../gateway.mjs";

const APP = "live";
const USER = "mixer";
const [PLAIN, TAGGED] = ["studio", "demo"];
const TASK = "demo";

/**
 * @param {{binary: string, folder: string, origin: string}} options `livegate`, where to keep things, and whose
 *   pages may play
 */
export async function startHost({ binary, folder, origin }) {
  const [apiToken, key] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
  const credentials = join(folder, "credentials.json");
  const applications = [{ app: APP, publish_keys: [key] }];
  const said = { api_tokens: [apiToken], play_origins: [origin], applications };
  await writeFile(credentials, JSON.stringify(said), { mode: 0o600 });
  const args = ["--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--private-networks"];
  const child = spawn(
    ...bound(binary, ["relay", ...args, "--data", join(folder, "relay"), "--credentials", credentials]),
    { detached: true, stdio: ["ignore", "ignore", "pipe"] },
  );
  const host = new Host(child, apiToken);
  try {
    await host.served;
    const address = async (channel) => {
      const env = { ...process.env, LIVEGATE_KEY: key };
      const token = ["token", APP, "--channel", channel, "--user", USER, "--lasts", "1h"];
      const { stdout } = await promisify(execFile)(binary, token, { env });
      return `rtmp://127.0.0.1:${host.rtmp}/${APP}/${channel}?user=${USER}&token=${stdout.trim()}`;
    };
    host.publish = await address(PLAIN);
    host.play = `http://127.0.0.1:${host.http}/live/${APP}/${TAGGED}.flv`;
    await host.call("POST", "", { app_id: APP, id: TASK, channel: PLAIN, user: USER, targets: [await address(TAGGED)], sei: {} });
    return host;
  } catch (error) {
    await host.stop();
    throw error;
  }
}

class Host {
  #child;
  #apiToken;

  constructor(child, apiToken) {
    this.#child = child;
    this.#apiToken = apiToken;
    this.said = "";
    this.ended = new Promise((ended) => {
      child.once("close", (code, signal) => ended(`status ${code ?? signal}`));
      child.once("error", (error) => ended(error.message));
    });
    this.served = new Promise((served, fail) => {
      createInterface({ input: child.stderr }).on("line", (line) => {
        this.said = `${this.said}${line}\n`.slice(-4_000);
        const [, scheme, port] = line.match(/(rtmp|http):\/\/[^ ]*:(\d+) is served/) ?? [];
        if (scheme) this[scheme] = Number(port);
        if (this.rtmp && this.http) served();
      });
      this.ended.then((how) => fail(new Error(`the relay host did not start (${how})\n${this.said}`)));
    });
  }

  /** Puts a message on the next frame. */
  write(custom) {
    return this.call("POST", `/livegate/${APP}/${TASK}/sei`, { custom });
  }

  /** Whether the stream with messages can be played. */
  async isOn() {
    const task = await this.call("GET", `/livegate/${APP}/${TASK}`);
    return task.pushes[0]?.state === "CONNECTED";
  }

  /** A call of its API. */
  async call(method, path, body) {
    const answer = await fetch(`http://127.0.0.1:${this.http}/api/v1/relay-tasks${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#apiToken}` },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the relay host answers ${answer.status}: ${text}`);
    return text && JSON.parse(text);
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.ended;
  }
}
