// What relaying one stream to many costs, beside nginx-rtmp; one to one, and many of these, beside ffmpeg;
// and how late it is.
// The sides take turns. Each has the same publisher, and the same kind of destinations: another
// nginx-rtmp, which says how many bytes arrived, and one that says how late.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { until } from "../../tests/lib/wait.mjs";
import { root } from "../gateway.mjs";
import { part, run } from "./clip.mjs";
import { figure, median, note, section } from "./report.mjs";

const MANY = [50, 200];
/** Streams of a fleet, each to one destination. */
const FLEET = 20;
/** CPU beside nginx-rtmp's with writes gathered, and without; memory at 50; ffmpeg's CPU beside ours. */
const AIM_GATHERED = 0.7;
const AIM_AT_ONCE = 1;
const AIM_RSS_MB = 12;
const AIM_FFMPEG = 8;
/** A task has at most so many addresses. */
const TARGETS = 50;
const GATHER_MS = 50;

const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const nginxHome = process.env.LIVEGATE_NGINX_RTMP ?? "";

/** What is started is ended with the run that started it, by its own handle. */
class Run {
  constructor(scratch) {
    this.folder = join(scratch, `${Run.number++}`);
    this.children = [];
    mkdirSync(this.folder, { recursive: true });
  }

  static number = 0;

  start(program, args) {
    const child = spawn(program, args, { cwd: this.folder, stdio: ["pipe", "pipe", "pipe"] });
    child.said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (piece) => (child.said = (child.said + piece).slice(-4_000)));
    }
    child.on("error", (error) => (child.said += error));
    this.children.push(child);
    return child;
  }

  async end() {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

const listens = (port) =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => done(false)).on("connect", () => done(socket.destroy() && true));
  });

/** Waits until a program listens; says what it said if it ends before. */
async function up(child, ...ports) {
  for (const port of ports) {
    await until(() => child.exitCode !== null || listens(port));
    if (child.exitCode !== null) throw new Error(child.said);
  }
}

/** Folders that nginx's HTTP wants to have, whatever it is for. */
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** nginx-rtmp with one application, and with its figures over HTTP. */
async function nginx(own, name, application) {
  const [port, stat] = [await freePort(), await freePort()];
  const conf = join(own.folder, `${name}.conf`);
  writeFileSync(
    conf,
    `daemon off; master_process off; worker_processes 1; error_log stderr error; pid ${own.folder}/${name}.pid;
    load_module ${nginxHome}/lib/nginx/modules/ngx_rtmp_module.so;
    events { worker_connections 1024; }
    http { access_log off; ${TEMPORARY.map((name) => `${name}_temp_path ${own.folder}/${name};`).join(" ")} server { listen 127.0.0.1:${stat}; location / { rtmp_stat all; } } }
    rtmp { access_log off; server { listen 127.0.0.1:${port}; chunk_size 4096;
      application live { live on; ${application} } } }`,
  );
  const child = own.start(join(nginxHome, "sbin/nginx"), ["-p", own.folder, "-c", conf, "-e", "stderr"]);
  await up(child, port, stat);
  const figures = async () => {
    const text = await (await fetch(`http://127.0.0.1:${stat}/`)).text();
    return {
      bytes: Number(/<bytes_in>(\d+)<\/bytes_in>/.exec(text)[1]),
      // Each of a stream and of its client.
      publishing: (text.split("<publishing/>").length - 1) / 2,
    };
  };
  return { child, url: `rtmp://127.0.0.1:${port}/live`, figures };
}

/** Each side: it is given addresses, and says where to publish and which process it is. */
const SIDES = {
  "nginx-rtmp": async (own, targets) => {
    const { child, url } = await nginx(own, "relay", targets.map((url) => `push ${url};`).join("\n"));
    return { child, url: `${url}/room` };
  },
  [`livegate, ${GATHER_MS} ms`]: (own, targets) => livegate(own, targets, GATHER_MS),
  "livegate, at once": (own, targets) => livegate(own, targets, 0),
};

/** What wakes up as often and copies the bytes, and does nothing else. */
const FLOOR = `nothing but copying, ${GATHER_MS} ms`;

const FFMPEG = {
  "ffmpeg -c copy": async (own, [target]) => {
    const url = `rtmp://127.0.0.1:${await freePort()}/live/room`;
    const args = ["-v", "error", "-nostdin", "-listen", "1", "-i", url, "-c", "copy", "-f", "flv", target];
    const child = own.start("ffmpeg", args);
    // It takes one connection: asking whether it listens would be that.
    await until(() => listening(child.pid));
    return { child, url };
  },
  ...Object.fromEntries(Object.entries(SIDES).filter(([name]) => name.startsWith("livegate"))),
  [FLOOR]: async (own, targets) => {
    const { child, urls } = await floor(own, targets);
    return { child, url: urls[0] };
  },
};

/** Each side of a fleet: it is given an address for each stream, and says where to publish these. */
const FLEETS = {
  [`${FLEET} x ffmpeg -c copy`]: async (own, targets) => {
    const all = [];
    for (const target of targets) all.push(await FFMPEG["ffmpeg -c copy"](own, [target]));
    return { children: all.map(({ child }) => child), urls: all.map(({ url }) => url) };
  },
  [`livegate, ${GATHER_MS} ms`]: (own, targets) => oneToOne(own, targets, GATHER_MS),
  "livegate, at once": (own, targets) => oneToOne(own, targets, 0),
  [FLOOR]: async (own, targets) => {
    const { child, urls } = await floor(own, targets);
    return { children: [child], urls };
  },
};

/** Whether a process has a socket that listens: /proc/PID/fd, /proc/net/tcp. */
function listening(pid) {
  const inodes = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === "0A")
    .map((columns) => columns[9]);
  return readdirSync(`/proc/${pid}/fd`).some((name) => {
    try {
      const found = readlinkSync(`/proc/${pid}/fd/${name}`);
      return inodes.some((inode) => found === `socket:[${inode}]`);
    } catch {
      // It was closed in between.
      return false;
    }
  });
}

const KEY = "a key of a benchmark, of 32 bytes and more";
const TOKEN = "a-token-of-a-benchmark-of-32-characters";

/** A host: what it is told to relay, and where to publish. */
async function host(own, gather) {
  const [rtmp, http] = [await freePort(), await freePort()];
  const [credentials, key] = [join(own.folder, "relay.json"), join(own.folder, "key.txt")];
  writeFileSync(key, KEY, { mode: 0o600 });
  writeFileSync(
    credentials,
    JSON.stringify({ api_tokens: [TOKEN], applications: [{ app: "live", publish_keys: [KEY] }] }),
    { mode: 0o600 },
  );
  const binary = join(target, "release/livegate");
  const child = own.start(binary, [
    ...["relay", "--rtmp", `127.0.0.1:${rtmp}`, "--http", `127.0.0.1:${http}`, "--data", join(own.folder, "data")],
    ...["--credentials", credentials, "--private-networks", "--set", `coalesce_ms=${gather}`],
  ]);
  await up(child, rtmp, http);
  const relay = async (id, channel, targets) => {
    const answer = await fetch(`http://127.0.0.1:${http}/api/v1/relay-tasks`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ app_id: "live", id, channel, user: "ann", targets }),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  };
  const token = run(binary, ["token", "live", "--key-file", key]).trim();
  return { child, relay, url: (channel) => `rtmp://127.0.0.1:${rtmp}/live/${channel}?user=ann&token=${token}` };
}

async function livegate(own, targets, gather) {
  const { child, relay, url } = await host(own, gather);
  for (let at = 0; at < targets.length; at += TARGETS) {
    await relay(`t${at}`, "room", targets.slice(at, at + TARGETS));
  }
  return { child, url: url("room") };
}

async function oneToOne(own, targets, gather) {
  const { child, relay, url } = await host(own, gather);
  for (const [at, target] of targets.entries()) await relay(`t${at}`, `room${at}`, [target]);
  return { children: [child], urls: targets.map((_, at) => url(`room${at}`)) };
}

async function floor(own, targets) {
  const there = targets.map((url) => /^rtmp:\/\/([^/]+)(\/.*)$/.exec(url));
  const child = own.start(join(target, "release/rtmp-floor"), [`${GATHER_MS}`, ...there.map(([, address]) => address)]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const urls = [];
  for (const [, , path] of there) {
    const { value = "" } = await lines.next();
    urls.push(`rtmp://127.0.0.1:${/^port (\d+)$/.exec(value)[1]}${path}`);
  }
  return { child, urls };
}

/** The publisher, which is a destination as well. */
async function pace(own, clip) {
  const child = own.start(join(target, "release/rtmp-pace"), [clip]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`rtmp-pace ended: ${child.said}`);
    return value;
  };
  const port = Number(/^port (\d+)$/.exec(await next())[1]);
  return { child, next, say: (line) => child.stdin.write(`${line}\n`), url: `rtmp://127.0.0.1:${port}/live/late` };
}

/** Seconds of processor time: /proc/PID/task/TID/schedstat, which counts nanoseconds; or /proc/PID/stat. */
function cpu(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
  if (threads.every((path) => existsSync(path))) {
    return threads.reduce((sum, path) => sum + Number(readFileSync(path, "utf8").split(" ")[0]), 0) / 1e9;
  }
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return fields.slice(11, 13).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

function memory(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mb = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)[1]) / 1_024;
  return { rss: mb("Rss"), pss: mb("Pss") };
}

/** One side, with so many destinations. Fails if not everything arrived there. */
async function measured(side, count, { clip, scratch, seconds }) {
  const own = new Run(scratch);
  try {
    const sink = await nginx(own, "sink", "");
    const publisher = await pace(own, clip);
    const targets = [publisher.url, ...Array.from({ length: count - 1 }, (_, at) => `${sink.url}/s${at}`)];
    const { child, url } = await side(own, targets);
    publisher.say(`publish ${url}`);
    const first = await Promise.race([publisher.next(), sleep(30_000, "nothing arrives", { ref: false })]);
    if (first !== "arrives") throw new Error(`${first}: ${child.said} ${publisher.child.said}`);
    await until(async () => (await sink.figures()).publishing, (found) => found === count - 1);
    // Beginnings are over: what was kept for whoever comes late is sent.
    await sleep(3_000);
    publisher.say("measure");
    const [began, cpuBefore, { bytes }] = [performance.now(), cpu(child.pid), await sink.figures()];
    await sleep(seconds * 1_000);
    const [took, cpuAfter, after] = [(performance.now() - began) / 1_000, cpu(child.pid), await sink.figures()];
    const { rss, pss } = memory(child.pid);
    publisher.say("stop");
    const late = JSON.parse(await publisher.next());
    const arrived = (after.bytes - bytes) / took;
    const wanted = ((count - 1) * statSync(clip).size) / 30;
    if (count > 1 && Math.abs(arrived / wanted - 1) > 0.05) {
      throw new Error(`${(arrived / wanted).toFixed(3)} of the bytes arrived: ${child.said}`);
    }
    if (late.arrived < late.sent * 0.99) throw new Error(`${late.arrived} of ${late.sent} pictures arrived`);
    return { cpu: ((cpuAfter - cpuBefore) / took) * 100, rss, pss, mbits: (arrived * 8) / 1e6, late };
  } finally {
    await own.end();
  }
}

/** One side of a fleet. Fails if not everything arrived. */
async function measuredFleet(side, { clip, scratch, seconds }) {
  const own = new Run(scratch);
  try {
    const sink = await nginx(own, "sink", "");
    const { children, urls } = await side(own, Array.from({ length: FLEET }, (_, at) => `${sink.url}/s${at}`));
    for (const url of urls) {
      const publisher = await pace(own, clip);
      publisher.say(`publish ${url}`);
      // Nobody's pictures come at the same moments.
      await sleep(37);
    }
    await until(async () => (await sink.figures()).publishing, (found) => found === FLEET);
    await sleep(3_000);
    const used = () => children.reduce((sum, { pid }) => sum + cpu(pid), 0);
    const [began, before, { bytes }] = [performance.now(), used(), await sink.figures()];
    await sleep(seconds * 1_000);
    const [took, after, now] = [(performance.now() - began) / 1_000, used(), await sink.figures()];
    const arrived = (now.bytes - bytes) / took;
    const wanted = (FLEET * statSync(clip).size) / 30;
    if (Math.abs(arrived / wanted - 1) > 0.05) {
      throw new Error(`${(arrived / wanted).toFixed(3)} of the bytes arrived: ${children[0].said}`);
    }
    return { cpu: ((after - before) / took) * 100, mbits: (arrived * 8) / 1e6 };
  } finally {
    await own.end();
  }
}

async function fleet(gathered, how) {
  const rounds = Object.fromEntries(Object.keys(FLEETS).map((name) => [name, []]));
  for (let round = 0; round < how.rounds; round += 1) {
    for (const [name, side] of Object.entries(FLEETS)) rounds[name].push(await measuredFleet(side, how));
  }
  section(`${FLEET} streams of 3 Mbit/s to one destination each`);
  const found = Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, median(all.map(({ cpu }) => cpu))]));
  for (const [name, cpu] of Object.entries(found)) {
    const mbits = median(rounds[name].map(({ mbits }) => mbits));
    figure(`${name}: of a core`, cpu, { unit: " %", digits: 2, beside: `${mbits.toFixed(0)} Mbit/s arrived` });
  }
  const peer = found[`${FLEET} x ffmpeg -c copy`];
  figure(`ffmpeg -c copy : ${gathered}, CPU`, peer / found[gathered], { unit: " x", digits: 1, least: AIM_FFMPEG });
  figure("ffmpeg -c copy : livegate, at once, CPU", peer / found["livegate, at once"], { unit: " x", digits: 1 });
  figure(`ffmpeg -c copy : ${FLOOR}, CPU`, peer / found[FLOOR], { unit: " x", digits: 1 });
}

/** All sides by turns; the medians of their rounds. */
async function byTurns(sides, count, how) {
  const rounds = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < how.rounds; round += 1) {
    for (const [name, side] of Object.entries(sides)) rounds[name].push(await measured(side, count, how));
  }
  const of = (all, pick) => median(all.map(pick));
  return Object.fromEntries(
    Object.entries(rounds).map(([name, all]) => [
      name,
      {
        cpu: of(all, ({ cpu }) => cpu),
        rss: of(all, ({ rss }) => rss),
        pss: of(all, ({ pss }) => pss),
        mbits: of(all, ({ mbits }) => mbits),
        late: of(all, ({ late }) => late.median),
        latest: of(all, ({ late }) => late.p99),
      },
    ]),
  );
}

function show(title, found) {
  section(title);
  for (const [name, { cpu, rss, pss, mbits, late, latest }] of Object.entries(found)) {
    const beside = [
      `RSS ${rss.toFixed(1)} MB, PSS ${pss.toFixed(1)} MB`,
      mbits > 0 ? `${mbits.toFixed(0)} Mbit/s arrived` : "",
      `${late.toFixed(1)} ms late, p99 ${latest.toFixed(1)} ms`,
    ];
    figure(`${name}: of a core`, cpu, { unit: " %", digits: 2, beside: beside.filter(Boolean).join("; ") });
  }
}

/** What divan measures, as it shows it. */
function shown(title, ...bench) {
  section(title);
  const table = run("cargo", ["bench", "--quiet", ...bench]);
  for (const line of table.split("\n").filter((line) => /[├╰│]|fastest/.test(line))) note(line);
}

export async function relay({ output, scratch, short }) {
  shown("Chunks of RTMP", "-p", "livegate-rtmp", "--bench", "chunks");
  shown("SEI in the host's path, ten seconds of a stream", "-p", "livegate-relay", "--bench", "sei");
  if (spawnSync("ffmpeg", ["-version"]).status !== 0 || !existsSync(nginxHome)) {
    note("skipped: there is no ffmpeg, or no nginx-rtmp to compare with");
    return;
  }
  const how = { clip: part(output), scratch, seconds: short ? 8 : 15, rounds: short ? 1 : 3 };
  const [gathered, atOnce] = Object.keys(SIDES).slice(1);
  for (const count of MANY) {
    const found = await byTurns(SIDES, count, how);
    show(`One stream of 3 Mbit/s to ${count} destinations`, found);
    const ratio = (name) => found[name].cpu / found["nginx-rtmp"].cpu;
    figure(`${gathered} : nginx-rtmp, CPU`, ratio(gathered), { unit: " x", digits: 2, most: AIM_GATHERED });
    figure(`${atOnce} : nginx-rtmp, CPU`, ratio(atOnce), { unit: " x", digits: 2, most: AIM_AT_ONCE });
    if (count === MANY[0]) figure(`${gathered}, RSS`, found[gathered].rss, { unit: " MB", digits: 1, most: AIM_RSS_MB });
  }
  const found = await byTurns(FFMPEG, 1, { ...how, seconds: how.seconds * 2 });
  show("One stream of 3 Mbit/s to one destination", found);
  const ratio = found["ffmpeg -c copy"].cpu / found[gathered].cpu;
  figure(`ffmpeg -c copy : ${gathered}, CPU`, ratio, { unit: " x", digits: 1, least: AIM_FFMPEG });
  const most = found["ffmpeg -c copy"].cpu / found[FLOOR].cpu;
  figure(`ffmpeg -c copy : ${FLOOR}, CPU`, most, { unit: " x", digits: 1 });
  await fleet(gathered, how);
}
