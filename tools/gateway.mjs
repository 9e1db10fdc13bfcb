// Starts and stops the built Worker on standalone workerd. Used by tools/run.mjs, and by whole-system
// tests and benchmarks, which start it on other ports, kill it and start it again.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** How long workerd may take to end by itself after SIGTERM; it waits for requests that hang. */
const DRAIN_MS = 5_000;
/** How long workerd may take until it answers. */
const START_MS = 30_000;
const POLL_MS = 50;

/** The configuration in deploy/ for each value of EGRESS. */
const CONFIGURATIONS = { development: "workerd-development.capnp", public: "workerd.capnp" };

/** An error whose message is for the person who runs the command. */
export class StartError extends Error {}

/**
 * Makes the data folder and the two secrets in it, if they are missing.
 *
 * @param {string} data path of the folder
 * @returns {{data: string, adminToken: string, adminTokenPath: string, sealKey: string}}
 */
export function prepareData(data) {
  const folder = resolve(data);
  const objects = join(folder, "objects");
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.mkdirSync(objects, { recursive: true, mode: 0o700 });

  const adminTokenPath = join(folder, "admin-token");
  const sealKeyPath = join(folder, "seal-key");
  // A new key over old data would leave every sealed secret unreadable, so none is made silently.
  if (!fs.existsSync(sealKeyPath) && fs.readdirSync(objects).length > 0) {
    throw new StartError(
      `${folder} holds data but no seal-key: put the file back, or move the folder away to start anew`,
    );
  }
  const hex = () => randomBytes(32).toString("hex");
  return {
    data: folder,
    adminTokenPath,
    adminToken: secret(adminTokenPath, () => `lga_${hex()}`, /^[\x21-\x7e]{32,}$/),
    sealKey: secret(sealKeyPath, hex, /^[0-9a-f]{64}$/),
  };
}

/** The secret in a file that only its owner may read; made when missing, whole or not at all. */
function secret(path, make, shape) {
  if (!fs.existsSync(path)) {
    const draft = `${path}.${process.pid}`;
    const file = fs.openSync(draft, "wx", 0o600);
    fs.writeSync(file, `${make()}\n`);
    // On disk before anything is sealed under it.
    fs.fsyncSync(file);
    fs.closeSync(file);
    try {
      // Unlike a rename this never replaces a file that somebody else has just made.
      fs.linkSync(draft, path);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    } finally {
      fs.unlinkSync(draft);
    }
  }
  if ((fs.statSync(path).mode & 0o077) !== 0) {
    console.error(`warning: other users may read ${path}; chmod 600 it`);
  }
  const value = fs.readFileSync(path, "utf8").trim();
  if (!shape.test(value)) throw new StartError(`${path} does not hold what it should: ${shape}`);
  return value;
}

/** A port of the loopback interface that nothing listens on now. */
export function freePort() {
  return probePort(0);
}

/** Rejects with a StartError when something listens on the port already. */
function probePort(port) {
  return new Promise((found, fail) => {
    const server = createServer();
    server.once("error", (error) => {
      fail(
        error.code === "EADDRINUSE"
          ? new StartError(`port ${port} is in use: stop what listens there, or choose another with PORT=`)
          : new StartError(`cannot listen on 127.0.0.1:${port}: ${error.message}`),
      );
    });
    server.listen(port, "127.0.0.1", () => {
      const chosen = server.address().port;
      server.close(() => found(chosen));
    });
  });
}

/**
 * The configuration file to serve.
 *
 * @param {string} data the data folder, for the file that extra certificates need
 * @param {"development"|"public"} egress
 * @param {string | undefined} trustedCertificates path of PEM certificates to trust beside the browsers'
 */
function configuration(data, egress, trustedCertificates) {
  const name = CONFIGURATIONS[egress];
  if (name === undefined) {
    throw new StartError(`EGRESS is ${JSON.stringify(egress)}: it must be "development" or "public"`);
  }
  const deploy = join(root, "deploy");
  if (!trustedCertificates) return join(deploy, name);

  const pem = fs.readFileSync(trustedCertificates, "utf8");
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (certificates === null) {
    throw new StartError(`${trustedCertificates} holds no PEM certificate`);
  }
  // Certificates have no place in a file that is imported, so the file itself is written anew.
  const path = join(data, "workerd.capnp");
  const browsers = "trustBrowserCas = true";
  const both = `${browsers}, trustedCertificates = [${certificates.map((text) => JSON.stringify(text)).join(", ")}]`;
  const text = fs
    .readFileSync(join(deploy, name), "utf8")
    .replace('import "gateway.capnp"', `import ${JSON.stringify(relative(data, join(deploy, "gateway.capnp")))}`)
    .replace(browsers, () => both);
  fs.writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** Command and arguments that run workerd: the binary of the npm package itself, not the script that starts it. */
function workerdCommand(options) {
  let binary;
  try {
    binary = createRequire(join(root, "package.json"))("workerd").default;
  } catch {
    throw new StartError("workerd is not installed: run tools/setup");
  }
  return bound(binary, options);
}

/** Command and arguments of a program that, where the system can, dies with this process even if that is killed. */
export function bound(binary, options) {
  const setpriv = "/usr/bin/setpriv";
  return process.platform === "linux" && fs.existsSync(setpriv)
    ? [setpriv, ["--pdeathsig", "KILL", binary, ...options]]
    : [binary, options];
}

/**
 * Starts the gateway and waits until it answers.
 *
 * @param {object} options
 * @param {string} options.data data folder; made when missing
 * @param {number} [options.port] port on 127.0.0.1; 0 takes a free one
 * @param {"development"|"public"} [options.egress]
 * @param {string} [options.publicUrl] origin that vendors reach it under
 * @param {string} [options.trustedCertificates] path of PEM certificates
 * @param {number[]} [options.inherit] open files that workerd keeps
 * @param {"inherit"|"ignore"|"pipe"} [options.output] where workerd's output goes
 * @returns {Promise<Gateway>}
 */
export async function start(options) {
  const { egress = "development", inherit = [], output = "inherit" } = options;
  const publicUrl = options.publicUrl || "";
  if (publicUrl && !/^https?:\/\/[^\/?#\s]+(\/[^?#\s]*)?$/.test(publicUrl)) {
    throw new StartError(
      `PUBLIC_URL is ${JSON.stringify(publicUrl)}: it must be the origin that vendors call, like https://gate.example`,
    );
  }
  const prepared = prepareData(options.data);
  const port = await probePort(options.port ?? 0);
  const url = `http://127.0.0.1:${port}`;
  for (const file of ["worker.js", "index.js", "index_bg.wasm"]) {
    if (!fs.existsSync(join(root, "build", file))) {
      throw new StartError(`build/${file} is missing: run tools/build-worker`);
    }
  }
  const config = configuration(prepared.data, egress, options.trustedCertificates);
  const child = spawn(
    ...workerdCommand([
      "serve",
      `--socket-addr=http=127.0.0.1:${port}`,
      `--directory-path=objects=${join(prepared.data, "objects")}`,
      config,
    ]),
    {
      // A process group of its own: Ctrl-C reaches this process alone, which then ends workerd.
      detached: true,
      stdio: ["ignore", output, output, ...inherit],
      env: {
        ...process.env,
        ADMIN_TOKEN: prepared.adminToken,
        SEAL_KEY: prepared.sealKey,
        PUBLIC_URL: publicUrl || url,
        EGRESS: egress,
      },
    },
  );
  const gateway = new Gateway(child, url, port, prepared);
  try {
    await gateway.answers();
  } catch (error) {
    await gateway.kill();
    throw error;
  }
  return gateway;
}

/** A running workerd. */
class Gateway {
  #child;

  constructor(child, url, port, { data, adminToken, adminTokenPath }) {
    this.#child = child;
    /** Origin to call, as `http://127.0.0.1:PORT`. */
    this.url = url;
    this.port = port;
    this.data = data;
    this.adminToken = adminToken;
    this.adminTokenPath = adminTokenPath;
    /** Resolves to `{code, signal}` once workerd has ended, whatever the cause. */
    this.ended = new Promise((ended) => {
      child.once("exit", (code, signal) => ended({ code, signal }));
      child.once("error", (error) => ended({ code: null, signal: null, error }));
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** workerd's output, when started with `output: "pipe"`. */
  get stdout() {
    return this.#child.stdout;
  }

  get stderr() {
    return this.#child.stderr;
  }

  /** Resolves when /healthz answers 200; rejects when workerd ends or takes too long. */
  async answers() {
    let ended;
    this.ended.then((how) => (ended = how));
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; ) {
      if (ended) {
        const how = ended.error?.message ?? `status ${ended.code ?? ended.signal}`;
        throw new StartError(`workerd ended before it served (${how})`);
      }
      try {
        const answer = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
        await answer.arrayBuffer();
        if (answer.ok) return;
      } catch {
        // Not listening yet.
      }
      await new Promise((later) => setTimeout(later, POLL_MS));
    }
    throw new StartError(`${this.url}/healthz gave no 200 within ${START_MS / 1000} s`);
  }

  /** Ends workerd: asks first, and insists after five seconds. */
  async stop() {
    this.#signal("SIGTERM");
    const late = setTimeout(() => this.#signal("SIGKILL"), DRAIN_MS);
    await this.ended;
    clearTimeout(late);
  }

  /** Ends workerd at once, as a power cut would. */
  async kill() {
    this.#signal("SIGKILL");
    await this.ended;
  }

  #signal(name) {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(name);
  }
}
