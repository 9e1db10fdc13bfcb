// A gateway that is killed and started again, with its receivers.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { start } from "../../../tools/gateway.mjs";
import { freePort } from "../ports.mjs";
import { Api } from "./api.mjs";
import { Receivers } from "./receiver.mjs";

export class Site {
  #data = mkdtempSync(join(tmpdir(), "livegate-crash-"));
  #gateway;
  #running;

  static async open() {
    const site = new Site();
    await site.#start({});
    site.url = site.#gateway.url;
    site.api = new Api(site.url, site.#gateway.adminToken);
    site.receivers = await Receivers.listen();
    return site;
  }

  async #start(settings) {
    const port = this.#gateway?.port ?? (await freePort());
    this.#gateway = await start({ data: this.#data, port, output: "ignore", ...settings });
    this.#running = Promise.resolve();
  }

  /** Resolves when the gateway runs. */
  running = () => this.#running;

  /** Kills the gateway and reads to its end what it had sent; resolves with how to start it again. */
  async kill() {
    let started;
    this.#running = new Promise((run) => (started = run));
    await this.#gateway.kill();
    await this.receivers.bury();
    return async (settings = {}) => {
      await this.#start(settings);
      started();
    };
  }

  async close() {
    this.#running = new Promise(() => {});
    // What hangs on purpose would keep it from ending by itself.
    await this.#gateway?.kill();
    this.receivers?.close();
    rmSync(this.#data, { recursive: true, force: true });
  }
}
