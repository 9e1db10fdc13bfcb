// Runs the command line: to its end, or line by line while it goes on.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const binary =
  process.env.LIVEGATE_BIN ??
  fileURLToPath(new URL("../../target/debug/livegate", import.meta.url));

/** How long any command may take. */
const LIMIT_MS = 60_000;

/** The command line for one gateway and one token. */
export class Commander {
  constructor(url, token) {
    const { LIVEGATE_TENANT: _, LIVEGATE_KEY: __, DATA: ___, ...inherited } = process.env;
    this.env = { ...inherited, LIVEGATE_URL: url, LIVEGATE_TOKEN: token };
  }

  /** Starts it and gives access to its lines. */
  start(args, env = {}) {
    const stdio = ["ignore", "pipe", "pipe"];
    return new Running(spawn(binary, args, { env: { ...this.env, ...env }, stdio }));
  }

  /** Runs it to its end. */
  async run(args, env = {}) {
    const running = this.start(args, env);
    const status = await running.end;
    return { status, out: running.out.join("\n"), err: running.err.join("\n") };
  }

  /** Runs it with --json and reads what it says; it has to succeed. */
  async json(args, env = {}) {
    const { status, out, err } = await this.run([...args, "--json"], env);
    assert.equal(status, 0, err);
    return JSON.parse(out);
  }
}

class Running {
  constructor(child) {
    this.child = child;
    this.out = [];
    this.err = [];
    this.waiting = [];
    const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.out.push(line);
      this.waiting = this.waiting.filter(({ wanted, found }) => !(wanted(line) && found(line)));
    });
    createInterface({ input: child.stderr }).on("line", (line) => this.err.push(line));
    this.end = new Promise((ended, fail) => {
      child.once("error", fail);
      child.once("close", (status) => {
        clearTimeout(limit);
        const said = [...this.out, ...this.err].join("\n");
        for (const { failed } of this.waiting) failed(new Error(`it ended first:\n${said}`));
        ended(status);
      });
    });
  }

  /** The first line, said already or still to come, that has this text. */
  line(text) {
    const wanted = (line) => line.includes(text);
    const said = this.out.find(wanted);
    if (said !== undefined) return Promise.resolve(said);
    return new Promise((resolve, failed) => {
      const found = (line) => (resolve(line), true);
      this.waiting.push({ wanted, found, failed });
    });
  }
}
